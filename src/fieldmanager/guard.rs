//! Entries that a mutating admission webhook has broken.

use crate::managedfields::{ManagedState, read_list};
use crate::value::{Arena, Node, ParseError};

use super::document::Document;
use super::object;

/// An object after admission, with entries that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The object as JSON.
    pub object: String,
    /// What the API server would warn the client of; none if the entries were sound.
    pub warning: Option<String>,
}

/// Restores the entries of an object as they were before admission, if admission left entries that
/// cannot be read. Sound changes are kept, as is everything else that was changed.
///
/// ```
/// use managed_fields::fieldmanager::guard_admission;
/// let before = r#"{"metadata":{"managedFields":[]}}"#;
/// let after = r#"{"metadata":{"managedFields":[{"operation":"Broken"}],"name":"a"}}"#;
/// let guarded = guard_admission(before, after)?;
/// assert_eq!(guarded.object, r#"{"metadata":{"managedFields":[],"name":"a"}}"#);
/// let warning = guarded.warning.unwrap_or_default();
/// assert!(warning.ends_with("operation must be `Apply` or `Update`"));
/// # Ok::<(), managed_fields::value::ParseError>(())
/// ```
///
/// # Errors
/// Objects that are not JSON.
pub fn guard_admission<'a>(
    before: impl Into<Document<'a>>,
    after: impl Into<Document<'a>>,
) -> Result<Guarded, ParseError> {
    let mut arena = Arena::default();
    let before = before.into().parse(&mut arena)?.unwrap_or(Node::NULL);
    let after = after.into().parse(&mut arena)?.unwrap_or(Node::NULL);
    let Err(error) = ManagedState::decode(&arena, &read_list(&arena, after)) else {
        return Ok(Guarded { object: arena.detach(after), warning: None });
    };
    let list = read_list(&arena, before).to_json(&arena);
    let object = object::with_managed_fields(&mut arena, after, list)?;
    let warning = format!(
        ".metadata.managedFields was in an invalid state after admission; this could be caused by \
         an outdated mutating admission controller; please fix your requests: {error}"
    );
    Ok(Guarded { object: arena.detach(object), warning: Some(warning) })
}
