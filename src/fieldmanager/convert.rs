//! Objects between API versions.

use std::collections::BTreeSet;
use std::fmt;

use crate::merge::{Conversion, ConvertError, Object};
use crate::schema::{GroupVersionKind, Schemas};
use crate::typed::{Duplicates, Validity, validate};
use crate::value::{Arena, Node, Source, Tag, Value, ValueRef};

use super::object;

/// Turns objects from one API version into another of the same group and kind, as a server's
/// conversion does.
///
/// The field manager asks for the versions in which managers recorded their fields, by way of the
/// version of the request where neither side is that one. What comes back is held against the type
/// of its version.
///
/// ```
/// use managed_fields::fieldmanager::VersionConverter;
/// use managed_fields::merge::ConvertError;
/// use managed_fields::value::Value;
///
/// /// `spec.old` of v1 is `spec.new` of v2.
/// #[derive(Debug)]
/// struct Renamed;
///
/// impl VersionConverter for Renamed {
///     fn convert(&self, object: &Value, to: &str) -> Result<Value, ConvertError> {
///         let (from, into) = match to {
///             "example.com/v1" => ("new", "old"),
///             "example.com/v2" => ("old", "new"),
///             _ => return Err(ConvertError::MissingVersion(format!("no version {to}"))),
///         };
///         let failed = |error: &dyn std::fmt::Display| ConvertError::Failed(error.to_string());
///         let mut object: serde_json::Value = object.to_deserialize().map_err(|e| failed(&e))?;
///         object["apiVersion"] = to.into();
///         if let Some(spec) = object["spec"].as_object_mut()
///             && let Some(value) = spec.remove(from)
///         {
///             spec.insert(into.to_owned(), value);
///         }
///         Value::from_serialize(&object).map_err(|e| failed(&e))
///     }
/// }
/// ```
pub trait VersionConverter: fmt::Debug + Sync {
    /// The object at another version, `to`, an `apiVersion`; its own `apiVersion` says where it
    /// comes from.
    ///
    /// # Errors
    /// [`ConvertError::MissingVersion`] where there is no such version (any more): the managers
    /// that recorded fields in it are dropped. [`ConvertError::Failed`] fails the request.
    fn convert(&self, object: &Value, to: &str) -> Result<Value, ConvertError>;

    /// Whether there are other versions at all. Without, a request at another version than the live
    /// object's is refused.
    fn has_versions(&self) -> bool {
        true
    }
}

/// The converter of a server that knows no other version: managers at one are dropped.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoConversion;

impl VersionConverter for NoConversion {
    fn convert(&self, object: &Value, to: &str) -> Result<Value, ConvertError> {
        let (arena, node) = object.parts();
        let from = object::kind_of(arena, node).api_version();
        Err(ConvertError::MissingVersion(format!(
            "{from:?} is not suitable for converting to {to:?}"
        )))
    }

    fn has_versions(&self) -> bool {
        false
    }
}

/// The converter for kinds whose versions share one shape, such as custom resources with the
/// conversion strategy `None`: only `apiVersion` changes.
#[derive(Debug, Clone, Default)]
pub struct SameShape {
    versions: BTreeSet<String>,
}

impl SameShape {
    /// For these versions, each an `apiVersion`.
    pub fn new(versions: impl IntoIterator<Item = impl Into<String>>) -> SameShape {
        SameShape { versions: versions.into_iter().map(Into::into).collect() }
    }
}

impl VersionConverter for SameShape {
    fn convert(&self, object: &Value, to: &str) -> Result<Value, ConvertError> {
        if !self.versions.contains(to) {
            return NoConversion.convert(object, to);
        }
        let failed = |_| ConvertError::Failed("the object is too large".to_owned());
        let (arena, node) = object.parts();
        let mut arena = arena.clone();
        let json = serde_json::json!({ "apiVersion": to }).to_string();
        let fresh = arena.parse_own(Source::Shared(json.into())).map_err(failed)?;
        let member = arena.child(fresh, 0);
        let node = object::with_member(&mut arena, node, member);
        Ok(ValueRef::new(&arena, node).to_value())
    }
}

/// The versions in play in one request.
pub(super) struct Versions<'v> {
    pub(super) schemas: &'v Schemas,
    pub(super) converter: &'v dyn VersionConverter,
    pub(super) endpoint: &'v GroupVersionKind,
    /// Everything in play is at the endpoint's version and stays there.
    pub(super) alone: bool,
}

impl Versions<'_> {
    /// The object at another version, untyped.
    pub(super) fn convert_object<'t>(
        &self,
        arena: &mut Arena<'t>,
        node: Node,
        to: &str,
    ) -> Result<Node, ConvertError> {
        if self.endpoint.is_of_version(to) && object::is_of_kind(arena, node, self.endpoint) {
            return Ok(node);
        }
        let own = object::kind_of(arena, node);
        let failed = |text: &str| Err(ConvertError::Failed(text.to_owned()));
        if object::text(arena, node, "kind").is_empty() {
            return failed("Object 'Kind' is missing in 'unstructured object has no kind'");
        }
        if own.version.is_empty() {
            return failed(
                "Object 'apiVersion' is missing in 'unstructured object has no version'",
            );
        }
        if own.is_of_version(to) {
            return Ok(node);
        }
        let mut value = ValueRef::new(arena, node).to_value();
        let hub = self.endpoint.api_version();
        if !own.is_of_version(&hub) && !self.endpoint.is_of_version(to) {
            value = self.converter.convert(&value, &hub)?;
        }
        value = self.converter.convert(&value, to)?;
        let (other, root) = value.parts();
        let moved = arena
            .append(other)
            .map_err(|_| ConvertError::Failed("the converted object is too large".to_owned()))?;
        Ok(moved.node(root))
    }
}

impl<'t> Conversion<'t> for Versions<'_> {
    fn convert(
        &self,
        arena: &mut Arena<'t>,
        object: &Object,
        version: &str,
    ) -> Result<Object, ConvertError> {
        // Only a part of an object that is being pruned is no map.
        if object.node.tag() != Tag::Map {
            return Err(ConvertError::Failed(
                "failed to convert value to unstructured for type <nil>".to_owned(),
            ));
        }
        if version.matches('/').count() > 1 {
            let text = format!("unexpected GroupVersion string: {version}");
            return Err(ConvertError::Failed(text));
        }
        let is_of_version = object::text(arena, object.node, "apiVersion") == version
            || object::kind_of(arena, object.node).is_of_version(version);
        if is_of_version {
            return Ok(object.clone());
        }
        let node = self.convert_object(arena, object.node, version)?;
        let kind = object::kind_of(arena, node);
        let ty = object::type_of(self.schemas, &kind)
            .map_err(|error| ConvertError::MissingVersion(error.to_string()))?;
        validate(arena, node, &ty.schema, ty.id, Duplicates::Refuse)
            .map_err(|errors| ConvertError::Failed(errors.to_string()))?;
        Ok(Object { node, ty, validity: Validity::Strict })
    }

    fn keeps_objects(&self) -> bool {
        self.alone
    }
}
