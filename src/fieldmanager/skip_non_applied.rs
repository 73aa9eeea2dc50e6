//! Objects whose ownership nobody has asked for yet.

use crate::managedfields::ManagedState;
use crate::value::{Arena, Node};

use super::chain::Chain;
use super::error::ApplyError;
use super::new_object::new_object;
use super::object;

/// Owns what an object held before anybody applied to it.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Whether a write leaves the object untracked: it is stored already, and nobody owns anything.
pub(super) fn is_left_alone(arena: &Arena<'_>, live: Node, state: &ManagedState) -> bool {
    !state.has_managers() && object::has_uid(arena, live)
}

/// Begins to track an object at its first apply: what it holds is given to `before-first-apply`.
/// Says also whether the object was held against its type on the way.
pub(super) fn track(
    chain: &Chain<'_>,
    arena: &mut Arena<'_>,
    live: Node,
    state: ManagedState,
) -> Result<(ManagedState, bool), ApplyError> {
    if state.has_managers() {
        return Ok((state, false));
    }
    let existing = Chain { field_manager: BEFORE_FIRST_APPLY, ..*chain };
    let empty = new_object(arena, chain.schemas, chain.endpoint, chain.stores)
        .map_err(ApplyError::Config)?;
    let state = existing
        .update(arena, empty, live, state)
        .map_err(|error| ApplyError::ExistingFields(Box::new(error)))?;
    Ok((state, true))
}
