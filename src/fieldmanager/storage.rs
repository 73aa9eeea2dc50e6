//! What storage does to the result of a write.

use crate::deep;
use crate::managedfields::read_list;
use crate::value::{Arena, Node};

use super::object;
use super::status::{StatusCause, StatusDetails};

/// Whether the result differs from the live object in nothing but the times of its entries.
///
/// The server stores nothing then, so that a write which only seemed to change something, because
/// defaulting or the endpoint set it back, leaves the times alone.
pub(super) fn differs_in_times_only(arena: &mut Arena<'_>, live: Node, result: Node) -> bool {
    let (before, after) = (read_list(arena, live), read_list(arena, result));
    before.is_like_but_for_times(&after, arena) && differs_in_entries_only(arena, live, result)
}

/// Whether the result differs from the live object in nothing but its entries.
pub(super) fn differs_in_entries_only(arena: &mut Arena<'_>, live: Node, result: Node) -> bool {
    let bare = |arena: &mut Arena<'_>, node| object::with_managed_fields(arena, node, None);
    match (bare(arena, live), bare(arena, result)) {
        (Ok(live), Ok(result)) => {
            let arena: &Arena<'_> = arena;
            deep::with_stack(arena.depth(), || arena.equal(live, result))
        }
        _ => false,
    }
}

/// Why storage refuses an object: it was made from another state of the object, or for another
/// object of its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct StaleObjectError {
    text: String,
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) details: StatusDetails,
}

/// Holds the `resourceVersion` and `uid` that were sent against those of the live object.
pub(super) fn check_preconditions(
    arena: &Arena<'_>,
    live: Node,
    sent: Node,
) -> Result<(), Box<StaleObjectError>> {
    let text = |object, key| object::meta_text(arena, object, key);
    let (uid, version) = (text(sent, "uid"), text(sent, "resourceVersion"));
    if uid.is_empty() && version.is_empty() {
        return Ok(());
    }
    let kind = object::kind_of(arena, sent);
    let name = text(sent, "name");
    let refused = |reason: &str| {
        let resource = kind.guess_resource();
        let qualified = match kind.group.as_str() {
            "" => resource.clone(),
            group => format!("{resource}.{group}"),
        };
        Err(Box::new(StaleObjectError {
            text: format!("Operation cannot be fulfilled on {qualified} {name:?}: {reason}"),
            code: 409,
            reason: "Conflict",
            details: StatusDetails {
                name: name.to_string(),
                group: kind.group.clone(),
                kind: resource,
                causes: Vec::new(),
            },
        }))
    };
    let live_uid = text(live, "uid");
    if !uid.is_empty() && live_uid.is_empty() {
        return refused(&format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was \
             found"
        ));
    }
    let live_version = text(live, "resourceVersion");
    if !version.is_empty() && !live_version.is_empty() && version != live_version {
        return refused(
            "the object has been modified; please apply your changes to the latest version and \
             try again",
        );
    }
    if !uid.is_empty() && uid != live_uid {
        let message = format!("Invalid value: {uid:?}: field is immutable");
        let qualified = match kind.group.as_str() {
            "" => kind.kind.clone(),
            group => format!("{}.{group}", kind.kind),
        };
        return Err(Box::new(StaleObjectError {
            text: format!("{qualified} {name:?} is invalid: metadata.uid: {message}"),
            code: 422,
            reason: "Invalid",
            details: StatusDetails {
                name: name.into_owned(),
                group: kind.group.clone(),
                kind: kind.kind.clone(),
                causes: vec![StatusCause {
                    reason: "FieldValueInvalid",
                    message,
                    field: "metadata.uid".to_owned(),
                }],
            },
        }));
    }
    Ok(())
}
