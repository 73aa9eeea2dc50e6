//! Where in a document it is said how a field is owned.
//!
//! The way to a rule is found when somebody asks for it, in a document that is read again: types keep
//! nothing of the places that they were made from.

use crate::fieldpath::{Path, PathElement};
use crate::value::{Value, ValueRef};

use super::openapi;

/// Where in a document the rule of a field is said: the definition of the field in the named type, or,
/// if it has none, that of the nearest value around it that has one.
///
/// The document is an OpenAPI document, v2 or v3, or a merge schema; of definitions of custom resources
/// [`rule_path`](super::CustomResourceVersion::rule_path) of their versions tells it. References inside
/// the document are followed as types are made of them. Of an empty path the place is that of the type;
/// it is empty if there is no such type. Linear in the path and the types that are passed.
///
/// ```
/// use managed_fields::{Value, schema::rule_path};
/// use managed_fields::fieldpath::{Path, PathElement};
///
/// let document = Value::from_json(
///     r##"{"openapi":"3.0.0","components":{"schemas":{
///         "Lamp":{"type":"object","properties":{"spec":{"$ref":"#/components/schemas/Spec"}}},
///         "Spec":{"type":"object","properties":{"on":{"type":"boolean"}}}}}}"##,
/// )?;
/// let field = |name: &str| PathElement::FieldName(name.to_owned());
/// let path = Path::new(vec![field("spec"), field("on")]);
/// let rule = rule_path(&document, "Lamp", &path);
/// assert_eq!(rule.to_string(), ".components.schemas.Spec.properties.on");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rule_path(document: &Value, type_name: &str, field: &Path) -> Path {
    let root = document.as_ref();
    match openapi::References::of(root) {
        Some(references) => {
            let Some(mut walk) = Walk::to(root, references.definition(type_name)) else {
                return Path::default();
            };
            walk.descend(field, |schema| Walk::to(root, references.followed(schema)?));
            walk.into_path()
        }
        None => of_merge_schema(root, type_name, field),
    }
}

/// A name as a step of a way.
pub(super) fn step(name: &str) -> PathElement {
    PathElement::FieldName(name.to_owned())
}

/// A place among OpenAPI schemas, and the way to it.
pub(super) struct Walk<'d> {
    way: Vec<PathElement>,
    schema: ValueRef<'d>,
}

impl<'d> Walk<'d> {
    /// None if the way leads nowhere.
    pub(super) fn to(root: ValueRef<'d>, way: Vec<PathElement>) -> Option<Walk<'d>> {
        let schema = way.iter().try_fold(root, |value, step| match step {
            PathElement::FieldName(name) => value.get(name),
            PathElement::Index(index) => value.items().nth(usize::try_from(*index).ok()?),
            _ => None,
        })?;
        Some(Walk { way, schema })
    }

    /// Goes to the schema of a field, or as far as there are schemas. `follow` gives the definition
    /// that a schema refers to.
    pub(super) fn descend(
        &mut self,
        field: &Path,
        follow: impl Fn(ValueRef<'d>) -> Option<Walk<'d>>,
    ) {
        for (level, element) in field.elements().iter().enumerate() {
            // What a definition refers to is not looked for: it has no type then.
            if level > 0
                && let Some(definition) = follow(self.schema)
            {
                *self = definition;
            }
            let has = |name: &str| {
                self.schema.get("properties").is_some_and(|fields| fields.get(name).is_some())
            };
            let steps = match element {
                PathElement::FieldName(name) if has(name) => vec![step("properties"), step(name)],
                PathElement::FieldName(_) => vec![step("additionalProperties")],
                _ => vec![step("items")],
            };
            let Some(below) = Walk::to(self.schema, steps) else { return };
            self.way.extend(below.way);
            self.schema = below.schema;
        }
    }

    pub(super) fn into_path(self) -> Path {
        Path::new(self.way)
    }
}

fn of_merge_schema(root: ValueRef<'_>, type_name: &str, field: &Path) -> Path {
    let Some((at, mut atom)) = last_named(root.get("types"), type_name) else {
        return Path::default();
    };
    let mut way = vec![step("types"), at];
    for (level, element) in field.elements().iter().enumerate() {
        if level > 0 {
            // What was reached is a reference, in the entry of a field or by itself.
            if let Some(reference) = atom.get("type") {
                way.push(step("type"));
                atom = reference;
            }
            let name = atom.get("namedType").and_then(ValueRef::as_str);
            if let Some((at, named)) = name.and_then(|name| last_named(root.get("types"), &name)) {
                (way, atom) = (vec![step("types"), at], named);
            }
        }
        let (part, fields) = match element {
            PathElement::FieldName(name) => {
                let map = atom.get("map");
                ("map", last_named(map.and_then(|map| map.get("fields")), name))
            }
            _ => ("list", None),
        };
        let below = match fields {
            Some((at, entry)) => Some((vec![step(part), step("fields"), at], entry)),
            None => atom
                .get(part)
                .and_then(|part| part.get("elementType"))
                .map(|element| (vec![step(part), step("elementType")], element)),
        };
        let Some((steps, entry)) = below else { break };
        way.extend(steps);
        atom = entry;
    }
    Path::new(way)
}

/// The last item of this name, which is the one that counts, and its place.
fn last_named<'d>(list: Option<ValueRef<'d>>, name: &str) -> Option<(PathElement, ValueRef<'d>)> {
    let is_meant = |item: &ValueRef<'_>| {
        item.get("name").and_then(ValueRef::as_str).is_some_and(|own| own == name)
    };
    let items = list.into_iter().flat_map(ValueRef::items).enumerate();
    let (at, item) = items.filter(|(_, item)| is_meant(item)).last()?;
    Some((PathElement::Index(i64::try_from(at).ok()?), item))
}
