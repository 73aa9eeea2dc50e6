//! Whose a change is, and when it was.

use crate::managedfields::{ManagedState, Operation};
use crate::merge::VersionedSet;

use super::chain::{Chain, Merged, Stopped};
use super::error::UpdateError;
use super::structured_merge::Changed;

/// Stands for the writer while the engine runs, so that what it owned before counts like anybody
/// else's.
const CURRENT_OPERATION: &str = "current-operation";

/// Gives what `write` left to the writer, together with what it owns still, and the time of the
/// request. A writer that changed nothing is not recorded at all.
pub(super) fn update(
    chain: &Chain<'_>,
    mut state: ManagedState,
    write: impl FnOnce(&mut ManagedState, &str) -> Result<(), UpdateError>,
) -> Result<ManagedState, UpdateError> {
    write(&mut state, CURRENT_OPERATION)?;
    if let Some(changed) = state.managers.remove(CURRENT_OPERATION) {
        let key = state.name(chain.identifier(Operation::Update));
        let before = state.managers.remove(&key).unwrap_or_default();
        state.set_time(&key, Some(chain.at));
        state.managers.0.insert(
            key,
            VersionedSet {
                set: changed.set.union(&before.set),
                api_version: chain.version.to_owned(),
                applied: false,
            },
        );
    }
    Ok(state)
}

/// Gives the applier the time of the request if `merge` changed the object, even if what it owns
/// is the same.
pub(super) fn apply(
    chain: &Chain<'_>,
    mut state: ManagedState,
    merge: impl FnOnce(&mut ManagedState, &str) -> Result<Changed, Stopped>,
) -> Result<Merged, Stopped> {
    let key = state.name(chain.identifier(Operation::Apply));
    let Changed { object, comparison, before } = merge(&mut state, &key)?;
    if object.is_some() {
        state.set_time(&key, Some(chain.at));
    }
    Ok(Merged { object, state, writer: key, comparison, before })
}
