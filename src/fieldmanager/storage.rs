//! What storage does to the result of a write.

use crate::managedfields::read_list;
use crate::value::{Arena, Node};

use super::object;

/// Whether the result differs from the live object in nothing but the times of its entries.
///
/// The server stores nothing then, so that a write which only seemed to change something, because
/// defaulting or the endpoint set it back, leaves the times alone.
pub(super) fn differs_in_times_only(arena: &mut Arena<'_>, live: Node, result: Node) -> bool {
    let (before, after) = (read_list(arena, live), read_list(arena, result));
    if !before.is_like_but_for_times(&after, arena) {
        return false;
    }
    let bare = |arena: &mut Arena<'_>, node| object::with_managed_fields(arena, node, None);
    match (bare(arena, live), bare(arena, result)) {
        (Ok(live), Ok(result)) => arena.equal(live, result),
        _ => false,
    }
}
