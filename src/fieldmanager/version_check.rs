//! An apply names the kind that it is for.

use crate::value::{Arena, Node};

use super::chain::Chain;
use super::error::ApplyError;
use super::object;

/// Refuses a configuration of another group, version or kind than the endpoint's.
pub(super) fn check(chain: &Chain<'_>, arena: &Arena<'_>, config: Node) -> Result<(), ApplyError> {
    if object::is_of_kind(arena, config, chain.endpoint) {
        return Ok(());
    }
    let kind = object::kind_of(arena, config);
    if kind == *chain.endpoint { Ok(()) } else { Err(ApplyError::Kind(kind)) }
}
