//! No more than ten updaters: the oldest of one version are folded into `ancient-changes`.

use std::collections::BTreeMap;

use crate::managedfields::{ManagedState, ManagerIdentifier, Operation, Time};
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
            let seconds = state.time(key).map_or(0, Time::as_second);
            (seconds, key.to_owned(), owned.api_version.clone())
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
        if *key == *bucket {
            // The reference folds the bucket into itself here and then loses it; fold the older
            // entry into it instead.
            if let Some(older) = state.managers.remove(oldest) {
                add(state, &bucket, &version, older);
                count -= 1;
            }
            first.insert(version, key);
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
        state.set_time(&bucket, state.time(&key));
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

/// Rows of the reference's table whose versions no object of one endpoint can have.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::fieldpath::{Path, PathElement};

    /// Updaters, each with its name, version, time and the fields that it owns, capped.
    fn capped(updaters: &[(&str, &str, i64, &[&str])]) -> Vec<String> {
        let mut state = ManagedState::default();
        for (name, version, time, fields) in updaters {
            let path = |name: &&str| Path::new(vec![PathElement::FieldName((*name).to_owned())]);
            let set = fields.iter().map(path).collect();
            let key = state.name(ManagerIdentifier::new(*name, Operation::Update, *version, ""));
            state.set_time(&key, Some(Time::from_second(*time)));
            let api_version = (*version).to_owned();
            state.managers.insert(&*key, VersionedSet { set, api_version, applied: false });
        }
        cap(&mut state);
        let text = |entry: crate::managedfields::ManagedFieldsEntry| {
            let time = entry.time.map_or("never".to_owned(), |time| time.as_second().to_string());
            let fields = entry.fields.to_string().replace(['\n', '.'], "");
            format!("{} {} {time} {fields}", entry.manager.name(), entry.api_version)
        };
        state.entries().into_iter().map(text).collect()
    }

    /// Fillers of versions of their own: nothing can be folded into them.
    const FILLERS: [(&str, &str, i64, &[&str]); 7] = [
        ("p1", "p1", 101, &["p"]),
        ("p2", "p2", 102, &["p"]),
        ("p3", "p3", 103, &["p"]),
        ("p4", "p4", 104, &["p"]),
        ("p5", "p5", 105, &["p"]),
        ("p6", "p6", 106, &["p"]),
        ("p7", "p7", 107, &["p"]),
    ];

    fn with_fillers(updaters: &[(&str, &str, i64, &[&str])]) -> Vec<String> {
        let all = capped(&[updaters, &FILLERS].concat());
        all.into_iter().filter(|entry| !entry.starts_with('p')).collect()
    }

    /// Row 8.4/74.
    #[test]
    fn the_oldest_of_a_version_are_folded() {
        let four = with_fillers(&[
            ("m1", "v1", 1, &["a"]),
            ("m2", "v1", 2, &["b"]),
            ("m3", "v1", 3, &["c"]),
            ("m4", "v1", 4, &["d"]),
        ]);
        assert_eq!(four, ["ancient-changes v1 2 ab", "m3 v1 3 c", "m4 v1 4 d"]);
    }

    /// Rows 8.4/76 to 8.4/78.
    #[test]
    fn each_version_is_folded_by_itself() {
        let two_versions = with_fillers(&[
            ("m1", "v1", 1, &["a"]),
            ("m2", "v2", 2, &["b"]),
            ("m3", "v1", 3, &["c"]),
            ("m4", "v1", 4, &["d"]),
            ("m5", "v1", 5, &["e"]),
        ]);
        assert_eq!(two_versions, ["m2 v2 2 b", "ancient-changes v1 4 acd", "m5 v1 5 e"]);
        let three_versions = with_fillers(&[
            ("m2", "v2", 2, &["b"]),
            ("ancient-changes", "v1", 4, &["a", "c", "d"]),
            ("m5", "v1", 5, &["e"]),
            ("m6", "v3", 6, &["f"]),
            ("m7", "v2", 7, &["g"]),
        ]);
        let expected = ["ancient-changes v1 5 acde", "m6 v3 6 f", "ancient-changes v2 7 bg"];
        assert_eq!(three_versions, expected);
    }

    /// Row 8.4/79.
    #[test]
    fn more_than_ten_stay_if_no_two_share_a_version() {
        let four = [
            ("ancient-changes", "v1", 5, ["a"].as_slice()),
            ("m6", "v3", 6, &["f"]),
            ("ancient-changes", "v2", 7, &["b"]),
            ("m8", "v4", 8, &["h"]),
        ];
        let expected =
            ["ancient-changes v1 5 a", "m6 v3 6 f", "ancient-changes v2 7 b", "m8 v4 8 h"];
        assert_eq!(with_fillers(&four), expected);
    }
}
