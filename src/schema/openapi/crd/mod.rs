//! CustomResourceDefinitions, as API servers make types of them.
//!
//! A server publishes a definition as OpenAPI v3 ([`publish`]), if its schemas are structural
//! ([`rules`]), and makes the types of what it published.

mod publish;
mod read;
mod rules;

use std::collections::HashSet;

use crate::deep;
use crate::fieldpath::{Path, PathElement};
use crate::value::{Value, ValueRef};

use super::super::compiled::Schema;
use super::super::document::write_schema;
use super::super::kinds::{GroupVersionKind, Schemas};
use super::super::rule_path::Walk;
use super::extensions::Notation;
use super::problem::{OpenApiError, Problem};
use super::{Converted, Definitions, compiled, room_for, structural, with_common};

use read::Definition;

/// What a CustomResourceDefinition says of its kind, besides the types.
///
/// ```
/// use managed_fields::{GroupVersionKind, Schemas, Value};
/// let definition = Value::from_json(
///     r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
///         "metadata":{"name":"lamps.example.com"},
///         "spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Lamp","plural":"lamps"},
///           "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
///             "schema":{"openAPIV3Schema":{"type":"object","properties":{
///               "on":{"type":"boolean"}}}}}]}}"#,
/// )?;
/// let mut schemas = Schemas::empty();
/// let lamp = schemas.add_crd(&definition)?;
/// assert_eq!((lamp.group(), lamp.kind()), ("example.com", "Lamp"));
/// assert!(lamp.versions()[0].has_status() && lamp.remarks().is_empty());
/// assert!(schemas.find(&GroupVersionKind::new("example.com/v1", "Lamp")).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomResource {
    group: String,
    kind: String,
    versions: Vec<CustomResourceVersion>,
    remarks: Vec<Problem>,
    has_one_shape: bool,
}

impl CustomResource {
    /// The API group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The kind of its objects.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its versions in the order of the definition, those that are not served included: entries may
    /// be of them.
    pub fn versions(&self) -> &[CustomResourceVersion] {
        &self.versions
    }

    /// The version that a kind is, if it is one of this resource.
    pub fn version(&self, kind: &GroupVersionKind) -> Option<&CustomResourceVersion> {
        let is_of = |version: &&CustomResourceVersion| kind.is_of_version(&version.api_version);
        self.versions.iter().find(is_of).filter(|_| kind.kind == self.kind)
    }

    /// Whether an API server makes one version of another by writing another `apiVersion` into the
    /// object: no webhook converts them.
    pub fn has_one_shape(&self) -> bool {
        self.has_one_shape
    }

    /// What the definition says to no effect, or hardly to the one that was meant. The versions that
    /// have no types, because a schema is missing or is not structural, are among it.
    pub fn remarks(&self) -> &[Problem] {
        &self.remarks
    }
}

/// A version of a custom resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomResourceVersion {
    api_version: String,
    is_served: bool,
    is_stored: bool,
    has_status: bool,
    replicas_path: Option<String>,
    has_types: bool,
    way: Vec<PathElement>,
}

impl CustomResourceVersion {
    /// The `apiVersion` of objects of this version.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// Whether an API server takes requests at this version.
    pub fn is_served(&self) -> bool {
        self.is_served
    }

    /// Whether objects are stored at this version.
    pub fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Whether there is a `status` subresource.
    pub fn has_status(&self) -> bool {
        self.has_status
    }

    /// The `specReplicasPath` of the scale subresource, if there is one.
    pub fn replicas_path(&self) -> Option<&str> {
        self.replicas_path.as_deref()
    }

    /// Whether an API server makes types of the schema; else the type is deduced from the object.
    pub fn has_types(&self) -> bool {
        self.has_types
    }

    /// Where in the definition the schema is, or would be.
    pub fn schema_path(&self) -> &[PathElement] {
        &self.way
    }

    /// Where in the definition the schema of a field is; if the field has none, that of the nearest
    /// value around it that has one. Linear in the path.
    ///
    /// ```
    /// use managed_fields::{Schemas, Value};
    /// use managed_fields::fieldpath::{Path, PathElement};
    ///
    /// let definition = Value::from_json(
    ///     r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
    ///         "spec":{"group":"example.com","names":{"kind":"Lamp"},"versions":[{"name":"v1",
    ///           "schema":{"openAPIV3Schema":{"type":"object","properties":{"bulbs":{"type":"array",
    ///             "items":{"type":"object","properties":{"watts":{"type":"integer"}}}}}}}}]}}"#,
    /// )?;
    /// let lamp = Schemas::empty().add_crd(&definition)?;
    /// let field = |name: &str| PathElement::FieldName(name.to_owned());
    /// let path = Path::new(vec![field("bulbs"), PathElement::Index(0), field("watts")]);
    /// assert_eq!(
    ///     lamp.versions()[0].rule_path(&definition, &path).to_string(),
    ///     ".spec.versions[0].schema.openAPIV3Schema.properties.bulbs.items.properties.watts"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rule_path(&self, definition: &Value, field: &Path) -> Path {
        let Some(mut walk) = Walk::to(definition.as_ref(), self.way.clone()) else {
            return Path::new(self.way.clone());
        };
        walk.descend(field, |_| None);
        walk.into_path()
    }
}

/// A definition with the types that it amounts to; none if a server goes on without types.
struct Taken {
    resource: CustomResource,
    types: Option<Converted>,
}

fn take(document: ValueRef<'_>) -> Result<Taken, OpenApiError> {
    let mut definition = Definition::read(document)?;
    let mut remarks = definition.remarks();
    remarks.extend(definition.leave_out_schemas());
    let locator = definition.locator();
    let (text, found) = publish::definitions(&definition)?;
    remarks.extend(found.into_iter().map(|problem| locator.locate(problem)));
    let mut types = None;
    if !definition.has_repeated_version() {
        let mut converted = convert(&definition, text)
            .map_err(|error| error.with_problems(|problem| locator.locate(problem)))?;
        let found = std::mem::take(&mut converted.remarks);
        remarks.extend(found.into_iter().map(|problem| locator.locate(problem)));
        types = Some(converted);
    }
    Ok(Taken { resource: definition.into_resource(remarks), types })
}

/// Makes types of what is published of a definition.
fn convert(definition: &Definition<'_>, text: String) -> Result<Converted, OpenApiError> {
    let unlikely = |_| OpenApiError::NotADefinition;
    let own = Value::from_text(text).map_err(unlikely)?;
    let common = Value::from_json(publish::COMMON).map_err(unlikely)?;
    let has_scale = definition.has_scale();
    let of_scale = |name: &str| name.starts_with(publish::SCALE_PREFIX);
    let common = common.as_ref().members().filter(|(name, _)| has_scale || !of_scale(name));
    let mut definitions: Definitions<'_> = own.as_ref().members().chain(common).collect();
    definitions.sort_by(|left, right| left.0.cmp(&right.0));
    structural::convert(&definitions, definition.preserves, Notation::Stored)
}

/// The merge schema that a CustomResourceDefinition amounts to, written as a schema document.
///
/// The types are in the order of their names: those of all versions, of their lists and of what the
/// server publishes with them, followed by the two that every schema has.
///
/// # Errors
/// As [`Schemas::add_crd`].
pub fn merge_schema_of_crd(definition: &Value) -> Result<Value, OpenApiError> {
    let root = definition.as_ref();
    let text = deep::with_stack(room_for(Some(root.depth())), || {
        let types = take(root)?.types;
        Ok(write_schema(&types.map_or_else(|| with_common(Vec::new()), |types| types.schema)))
    })?;
    Ok(Value::from_text(text).unwrap_or_else(|_| Value::null()))
}

impl Schemas {
    /// Adds or replaces the types of all versions of a CustomResourceDefinition, of
    /// `apiextensions.k8s.io/v1` or `v1beta1`, as an API server makes them for its own use. That is
    /// more than it publishes for clients, see
    /// [`add_openapi_v2`](Self::add_openapi_v2).
    ///
    /// A version that has no schema, or one that is not structural, is of a type that is deduced from
    /// the object: all of its lists are owned as a whole. [`CustomResource::remarks`] tells of it. Not
    /// checked is whether patterns compile, and what has nothing to do with types. Linear in the
    /// definition.
    ///
    /// # Errors
    /// What is no definition or cannot be read as one, and definitions that an API server refuses to
    /// make types of, with all of their problems. Nothing is added then.
    pub fn add_crd(&mut self, definition: &Value) -> Result<CustomResource, OpenApiError> {
        let root = definition.as_ref();
        let (mut resource, learned) = deep::with_stack(room_for(Some(root.depth())), || {
            take(root).map(|taken| (taken.resource, taken.types.map(compiled)))
        })?;
        let conversion = root.get("spec").and_then(|spec| spec.get("conversion"));
        let strategy = conversion.and_then(|conversion| conversion.get("strategy"));
        resource.has_one_shape =
            strategy.and_then(ValueRef::as_str).is_none_or(|strategy| strategy == "None");
        let own: HashSet<GroupVersionKind> = resource
            .versions
            .iter()
            .map(|version| GroupVersionKind::new(&version.api_version, &resource.kind))
            .collect();
        let scope = root.get("spec").and_then(|spec| spec.get("scope")).and_then(ValueRef::as_str);
        let is_namespaced = match scope.as_deref() {
            Some("Namespaced") => Some(true),
            Some("Cluster") => Some(false),
            _ => None,
        };
        match learned {
            // Among the types are those of Kubernetes that go with every definition.
            Some(learned) => {
                for (kind, ty) in learned.kinds {
                    if own.contains(&kind) {
                        self.insert_scoped(kind, ty, is_namespaced);
                    }
                }
            }
            None => {
                for kind in own {
                    self.insert_scoped(kind, Schema::deduced_type(), is_namespaced);
                }
            }
        }
        Ok(resource)
    }
}
