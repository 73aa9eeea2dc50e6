//! From OpenAPI documents to the merge schema and its kinds.
//!
//! API servers make the types of their kinds from OpenAPI v3 schemas ([`structural`]); clients make
//! them from the v2 document ([`swagger`]). The two differ in what they make of the same words, so
//! each has a walk of its own; what the extensions of Kubernetes mean is the same for both
//! ([`extensions`]). Which documents can be read at all is asked before ([`readable`]). Of custom
//! resources servers publish what their definitions say ([`crd`]), and make types of that.

mod crd;
mod extensions;
mod paths;
mod problem;
mod readable;
mod structural;
mod swagger;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::deep;
use crate::fieldpath::PathElement;
use crate::value::{Kind, Value, ValueRef};

use super::compile::{AtomDef, ListDef, MapDef, SchemaDef, TypeRefDef, compile_for};
use super::compiled::{Schema, Type};
use super::document::write_schema;
use super::kinds::{GroupVersionKind, Schemas};
use super::rule_path::step;

pub use crd::{CustomResource, CustomResourceVersion, merge_schema_of_crd};
use extensions::Notation;
use problem::{Findings, Place};
pub use problem::{OpenApiError, Problem};

/// A type of which anything is owned as a whole.
const UNTYPED_ATOMIC: &str = "__untyped_atomic_";
/// The type of what has no schema: maps by their entries, lists as a whole.
const UNTYPED_DEDUCED: &str = "__untyped_deduced_";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/// Schemas by name, in ascending order of the names.
pub(crate) type Definitions<'a> = Vec<(Cow<'a, str>, ValueRef<'a>)>;

/// The types that definitions amount to, as written.
#[derive(Debug, Default)]
struct Converted {
    schema: SchemaDef,
    /// Definitions that claim kinds, and which; of one kind the last claim counts.
    kinds: Vec<(String, Vec<GroupVersionKind>)>,
    remarks: Vec<Problem>,
}

/// The types that definitions amount to.
#[derive(Debug)]
pub(crate) struct Learned {
    pub(crate) kinds: Vec<(GroupVersionKind, Type)>,
    /// What the definitions say that has no effect, or hardly the one that was meant.
    pub(crate) remarks: Vec<Problem>,
}

/// The types of OpenAPI v3 schemas, as an API server makes them.
///
/// Takes schemas as they are published: references are to names of `definitions`, whatever stands
/// before the name. With `preserve_unknown_fields` all of them keep fields that they do not declare.
/// A schema's kinds are those of its `x-kubernetes-group-version-kind`.
///
/// # Errors
/// All problems for which an API server refuses the definitions.
pub(crate) fn learn(
    definitions: &Definitions<'_>,
    preserve_unknown_fields: bool,
) -> Result<Learned, OpenApiError> {
    let room = room_for(definitions.iter().map(|(_, schema)| schema.depth()).max());
    deep::with_stack(room, || {
        structural::convert(definitions, preserve_unknown_fields, Notation::Json).map(compiled)
    })
}

/// A level of a document is walked by several functions that call each other.
fn room_for(depth: Option<usize>) -> usize {
    depth.unwrap_or_default().saturating_mul(3)
}

fn compiled(converted: Converted) -> Learned {
    let names: Vec<&str> = converted.kinds.iter().map(|(name, _)| name.as_str()).collect();
    let (tables, types) = compile_for(&converted.schema, &names);
    let schema = Schema::from_compiled(tables);
    let mut learned = Learned { kinds: Vec::new(), remarks: converted.remarks };
    for ((_, kinds), id) in converted.kinds.into_iter().zip(types) {
        let ty = Type { schema: schema.clone(), id };
        learned.kinds.extend(kinds.into_iter().map(|kind| (kind, ty.clone())));
    }
    learned
}

/// The version of OpenAPI that a document is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Version {
    V2,
    V3,
}

impl Version {
    fn of(document: ValueRef<'_>) -> Option<Version> {
        // A version without quotes is a number in YAML.
        let is_version =
            |said: ValueRef<'_>| matches!(said.kind(), Kind::String | Kind::Int | Kind::Float);
        let says = |key: &str| document.get(key).is_some_and(is_version);
        match (says("openapi"), says("swagger")) {
            (true, _) => Some(Version::V3),
            (_, true) => Some(Version::V2),
            _ => None,
        }
    }
}

/// Where a document has its definitions, and how its schemas refer to them.
pub(super) struct References {
    version: Version,
}

impl References {
    /// None if it is no OpenAPI document.
    pub(super) fn of(document: ValueRef<'_>) -> Option<References> {
        Version::of(document).map(|version| References { version })
    }

    /// The way to the definition that a type of this name is made of.
    pub(super) fn definition(&self, name: &str) -> Vec<PathElement> {
        let holder: &[&str] = match self.version {
            Version::V2 => &["definitions"],
            Version::V3 => &["components", "schemas"],
        };
        holder.iter().chain([&name]).map(|name| step(name)).collect()
    }

    /// The way to the definition that a schema refers to.
    pub(super) fn followed(&self, schema: ValueRef<'_>) -> Option<Vec<PathElement>> {
        let name = match self.version {
            Version::V2 => swagger::type_name(&schema.get("$ref")?.as_str()?).to_owned(),
            Version::V3 => structural::target(schema)?,
        };
        Some(self.definition(&name))
    }
}

fn convert(document: ValueRef<'_>, version: Version) -> Result<Converted, OpenApiError> {
    match version {
        Version::V2 => {
            let definitions = members(document.get("definitions"));
            readable::check_v2(&definitions)?;
            swagger::convert(&definitions)
        }
        Version::V3 => structural::convert(&definitions_v3(document)?, false, Notation::Json),
    }
}

/// The definitions of a v3 document, if it can be read.
fn definitions_v3(document: ValueRef<'_>) -> Result<Definitions<'_>, OpenApiError> {
    let definitions = readable::components(document)?;
    readable::check_v3(&definitions)?;
    Ok(definitions)
}

fn members(map: Option<ValueRef<'_>>) -> Definitions<'_> {
    map.into_iter().flat_map(ValueRef::members).collect()
}

/// The merge schema that an OpenAPI document, v2 or v3, amounts to, written as a schema document.
///
/// The types are in the order of their names, followed by the two that every schema has. That is what
/// `schemaconv` of `k8s.io/kube-openapi` makes of the document, but for unions, which have no effect.
///
/// # Errors
/// As [`Schemas::add_openapi_v3`] and [`Schemas::add_openapi_v2`]; a document of neither.
///
/// ```
/// use managed_fields::{Value, schema::merge_schema_of_openapi};
/// let document = Value::from_json(
///     r#"{"openapi":"3.0.0","components":{"schemas":{"Tags":{"type":"array",
///         "items":{"type":"string"},"x-kubernetes-list-type":"set"}}}}"#,
/// )?;
/// let schema = merge_schema_of_openapi(&document)?;
/// let tags = r#"{"name":"Tags","list":{"elementType":{"scalar":"string"},"elementRelationship":"associative"}}"#;
/// assert!(schema.to_json().contains(tags));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn merge_schema_of_openapi(document: &Value) -> Result<Value, OpenApiError> {
    let root = document.as_ref();
    let version = Version::of(root).ok_or(OpenApiError::NotOpenApi)?;
    let text = deep::with_stack(room_for(Some(root.depth())), || {
        convert(root, version).map(|converted| write_schema(&converted.schema))
    })?;
    Ok(Value::from_text(text).unwrap_or_else(|_| Value::null()))
}

impl Schemas {
    /// Adds or replaces the types of all kinds of an OpenAPI v3 document, as `/openapi/v3/...` of an
    /// API server gives them, and as that server makes them.
    ///
    /// The kinds are those of `x-kubernetes-group-version-kind` of the schemas in `components`.
    /// Gives what the document says to no effect, or hardly to the one that was meant: it is added
    /// nevertheless.
    ///
    /// # Errors
    /// Documents that cannot be read, and those that an API server refuses to make types of, with all
    /// of their problems. Nothing is added then.
    ///
    /// ```
    /// use managed_fields::{GroupVersionKind, Schemas, Value};
    /// let document = Value::from_json(
    ///     r#"{"openapi":"3.0.0","components":{"schemas":{"com.example.v1.Lamp":{"type":"object",
    ///         "properties":{"on":{"type":"boolean"}},
    ///         "x-kubernetes-group-version-kind":[{"group":"example.com","version":"v1","kind":"Lamp"}]}}}}"#,
    /// )?;
    /// let mut schemas = Schemas::empty();
    /// let remarks = schemas.add_openapi_v3(&document)?;
    /// assert!(remarks.is_empty());
    /// assert!(schemas.find(&GroupVersionKind::new("example.com/v1", "Lamp")).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_openapi_v3(&mut self, document: &Value) -> Result<Vec<Problem>, OpenApiError> {
        self.add_openapi(document, Version::V3)
    }

    /// Adds or replaces the types of all kinds of an OpenAPI v2 document, as `/openapi/v2` of an API
    /// server gives them, and as clients make them.
    ///
    /// A published v2 document says less than those of v3: it has no defaults, which list items may
    /// need to be told apart, and of custom resources it leaves out whatever may be null. Prefer v3.
    ///
    /// # Errors
    /// As [`add_openapi_v3`](Self::add_openapi_v3); also two definitions of one kind.
    pub fn add_openapi_v2(&mut self, document: &Value) -> Result<Vec<Problem>, OpenApiError> {
        self.add_openapi(document, Version::V2)
    }

    fn add_openapi(
        &mut self,
        document: &Value,
        version: Version,
    ) -> Result<Vec<Problem>, OpenApiError> {
        let root = document.as_ref();
        if Version::of(root) != Some(version) {
            return Err(OpenApiError::NotOpenApi);
        }
        let room = room_for(Some(root.depth()));
        let learned = deep::with_stack(room, || match version {
            Version::V2 => convert(root, version).map(compiled),
            Version::V3 => learn(&definitions_v3(root)?, false),
        })?;
        let scopes = paths::scopes(root);
        for (kind, ty) in learned.kinds {
            let is_namespaced = scopes.get(&kind).copied();
            self.insert_scoped(kind, ty, is_namespaced);
        }
        Ok(learned.remarks)
    }
}

fn scalar(word: &str) -> AtomDef {
    AtomDef { scalar: Some(word.to_owned()), ..AtomDef::default() }
}

fn named(name: &str) -> TypeRefDef {
    TypeRefDef { named: Some(name.to_owned()), ..TypeRefDef::default() }
}

/// Anything, with lists owned as a whole.
fn any(map_element: &str, map_relationship: &str) -> AtomDef {
    let list = ListDef {
        element: Box::new(named(UNTYPED_ATOMIC)),
        relationship: Some("atomic".to_owned()),
        keys: Vec::new(),
    };
    let map = MapDef {
        fields: Vec::new(),
        element: Box::new(named(map_element)),
        relationship: Some(map_relationship.to_owned()),
    };
    AtomDef { list: Some(list), map: Some(map), ..scalar("untyped") }
}

fn untyped_atomic() -> AtomDef {
    any(UNTYPED_ATOMIC, "atomic")
}

fn untyped_deduced() -> AtomDef {
    any(UNTYPED_DEDUCED, "separable")
}

/// The scalar part of a type of scalars.
fn scalar_of(ty: &str, format: &str) -> AtomDef {
    scalar(match (ty, format) {
        ("integer" | "number", _) => "numeric",
        ("boolean", _) => "boolean",
        ("string", "" | "byte") => "string",
        _ => "untyped",
    })
}

/// The schema of the types, with those that every schema has.
fn with_common(mut types: Vec<(String, AtomDef)>) -> SchemaDef {
    types.push((UNTYPED_ATOMIC.to_owned(), untyped_atomic()));
    types.push((UNTYPED_DEDUCED.to_owned(), untyped_deduced()));
    SchemaDef { types }
}

/// Remarks on keys that the items of a list do not declare. `item` is the schema of the items, or what
/// it refers to.
fn remark_on_keys(keys: &[String], item: ValueRef<'_>, place: &Place<'_>, findings: &mut Findings) {
    let Some(fields) = item.get("properties").filter(|fields| !fields.is_empty()) else { return };
    let is_open = item.get("additionalProperties").is_some()
        || item.get(extensions::PRESERVE_UNKNOWN_FIELDS).is_some();
    if is_open {
        return;
    }
    for key in keys.iter().filter(|key| fields.get(key).is_none()) {
        findings.remark(
            place,
            format!(
                "the list key {key} is no field of the items: no item can have it, items without \
                 another key are refused"
            ),
        );
    }
}

/// Remarks on kinds that several definitions claim; the last one counts.
fn remark_on_kinds(claims: &[(String, Vec<GroupVersionKind>)], findings: &mut Findings) {
    let mut seen: HashMap<&GroupVersionKind, &str> = HashMap::new();
    for (name, kinds) in claims {
        for kind in kinds {
            match seen.insert(kind, name) {
                Some(before) if before != name && findings.has_room() => findings.remark(
                    &Place::of(name),
                    format!("{kind} is the kind of {before} too: this one counts"),
                ),
                _ => {}
            }
        }
    }
}
