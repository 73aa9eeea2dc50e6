//! No more than ten updaters: the oldest of one version are folded into `ancient-changes`.

use std::collections::BTreeMap;

use crate::managedfields::{ManagedState, ManagerIdentifier, Operation};
use crate::merge::VersionedSet;

const MAX_UPDATERS: usize = 10;
const BUCKET: &str = "ancient-changes";

/// Folds the oldest updaters together while there are more than ten. Appliers do not count.
pub(super) fn cap(state: &mut ManagedState) {
    let mut updaters: Vec<(i64, String, String)> = state
        .managers
        .iter()
        .filter(|(_, owned)| !owned.applied)
        .map(|(key, owned)| {
            let time = state.times.get(key);
            let seconds = time.map_or(0, |time| time.as_nanosecond().div_euclid(1_000_000_000));
            (i64::try_from(seconds).unwrap_or(0), key.to_owned(), owned.api_version.clone())
        })
        .collect();
    let mut count = updaters.len();
    if count <= MAX_UPDATERS {
        return;
    }
    updaters.sort();
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for (_, key, version) in updaters {
        if count <= MAX_UPDATERS {
            return;
        }
        let Some(oldest) = first.get(&version) else {
            first.insert(version, key);
            continue;
        };
        let bucket =
            state.name(ManagerIdentifier::new(BUCKET, Operation::Update, version.as_str(), ""));
        if key == bucket {
            // The reference folds the bucket into itself here and then loses it; fold the older
            // entry into it instead.
            if let Some(older) = state.managers.remove(oldest) {
                add(state, &bucket, &version, older);
                count -= 1;
            }
            first.insert(version, bucket);
            continue;
        }
        if state.managers.get(&bucket).is_none()
            && let Some(older) = state.managers.remove(oldest)
        {
            add(state, &bucket, &version, older);
        }
        if let Some(owned) = state.managers.remove(&key) {
            add(state, &bucket, &version, owned);
            count -= 1;
        }
        match state.times.get(&key).copied() {
            Some(time) => state.times.insert(bucket, time),
            None => state.times.remove(&bucket),
        };
    }
}

fn add(state: &mut ManagedState, bucket: &str, version: &str, owned: VersionedSet) {
    let before = state.managers.remove(bucket).unwrap_or_default();
    state.managers.insert(
        bucket,
        VersionedSet {
            set: owned.set.union(&before.set),
            api_version: version.to_owned(),
            applied: false,
        },
    );
}
