//! Values that the server fills in.

use std::fmt;

use crate::value::{Arena, Node, Value, ValueRef};

/// Fills in what a server would: fields that a manifest leaves out and the API has a value for.
///
/// The server defaults what it decodes before it records ownership, and what an apply makes
/// afterwards. So whoever creates an object by writing it owns its defaults; defaults of an
/// applied object belong to nobody; and an update with a hand-written manifest, which leaves out
/// what was defaulted before, sets those fields to their defaults again or removes them.
///
/// [`SchemaDefaults`](super::SchemaDefaults) is one for types whose schema states defaults.
///
/// ```
/// use managed_fields::fieldmanager::Defaulter;
/// use managed_fields::value::{Value, ValueRef};
///
/// /// Every `Lamp` is off unless it says otherwise.
/// #[derive(Debug)]
/// struct Off;
///
/// impl Defaulter for Off {
///     fn default(&self, object: ValueRef<'_>) -> Result<Option<Value>, String> {
///         let Some(spec) = object.get("spec") else { return Ok(None) };
///         if spec.get("on").is_some() {
///             return Ok(None);
///         }
///         let mut object: serde_json::Value =
///             object.to_value().to_deserialize().map_err(|error| error.to_string())?;
///         object["spec"]["on"] = false.into();
///         Value::from_serialize(&object).map(Some).map_err(|error| error.to_string())
///     }
/// }
/// ```
pub trait Defaulter: fmt::Debug + Sync {
    /// The object with defaults filled in, at the version that it is at; none where it lacks
    /// nothing.
    ///
    /// # Errors
    /// Whatever keeps the object from being defaulted; the request fails with this text.
    fn default(&self, object: ValueRef<'_>) -> Result<Option<Value>, String>;
}

/// The object with its defaults, in the same arena.
pub(super) fn fill(
    defaulter: &dyn Defaulter,
    arena: &mut Arena<'_>,
    object: Node,
) -> Result<Node, String> {
    let Some(filled) = defaulter.default(ValueRef::new(arena, object))? else { return Ok(object) };
    let (other, root) = filled.parts();
    let moved = arena.append(other).map_err(|_| "the object is too large".to_owned())?;
    let filled = moved.node(root);
    // What nothing was added to keeps its text.
    Ok(if arena.equal(filled, object) { object } else { filled })
}
