//! The type of the `crd` case.
//!
//! A definition of `apiextensions.k8s.io/v1` has all of its schemas in one atomic list. The case
//! wants a deep object that is owned field by field, so it is of the older shape, whose one schema
//! is not in a list.

use managed_fields::schema::Type;
use managed_fields::typed::parse_schema;
use managed_fields::value::Value;
use serde_json::{Value as Json, json};

fn string() -> Json {
    json!({"scalar": "string"})
}

fn named(name: &str) -> Json {
    json!({"namedType": name})
}

fn structure(name: &str, fields: &[(&str, Json)]) -> Json {
    let field = |(name, ty): &(&str, Json)| json!({"name": name, "type": ty});
    json!({"name": name, "map": {"fields": fields.iter().map(field).collect::<Vec<_>>()}})
}

fn list(element: Json, relationship: &str) -> Json {
    json!({"list": {"elementType": element, "elementRelationship": relationship}})
}

fn map(element: Json) -> Json {
    json!({"map": {"elementType": element}})
}

pub(crate) fn document() -> Json {
    let anything = json!({
        "name": "anything", "scalar": "untyped",
        "list": {"elementType": named("anything"), "elementRelationship": "atomic"},
        "map": {"elementType": named("anything"), "elementRelationship": "atomic"},
    });
    let properties: Vec<(&str, Json)> = [
        ("additionalProperties", named("anything")),
        ("description", string()),
        ("enum", list(named("anything"), "atomic")),
        ("format", string()),
        ("items", named("anything")),
        ("minimum", json!({"scalar": "numeric"})),
        ("pattern", string()),
        ("properties", map(named("properties"))),
        ("required", list(string(), "atomic")),
        ("type", string()),
    ]
    .into();
    json!({"types": [
        anything,
        structure("properties", &properties),
        structure("validation", &[("openAPIV3Schema", named("properties"))]),
        structure("names", &[
            ("categories", list(string(), "atomic")),
            ("kind", string()),
            ("listKind", string()),
            ("plural", string()),
            ("shortNames", list(string(), "atomic")),
            ("singular", string()),
        ]),
        structure("spec", &[
            ("group", string()),
            ("names", named("names")),
            ("preserveUnknownFields", json!({"scalar": "boolean"})),
            ("scope", string()),
            ("validation", named("validation")),
            ("version", string()),
        ]),
        structure("metadata", &[
            ("annotations", map(string())),
            ("creationTimestamp", string()),
            ("generation", json!({"scalar": "numeric"})),
            ("labels", map(string())),
            ("managedFields", list(named("anything"), "atomic")),
            ("name", string()),
            ("resourceVersion", string()),
            ("uid", string()),
        ]),
        structure("definition", &[
            ("apiVersion", string()),
            ("kind", string()),
            ("metadata", named("metadata")),
            ("spec", named("spec")),
        ]),
    ]})
}

pub(crate) fn crd() -> Type {
    let document = Value::from_json(&document().to_string()).unwrap();
    parse_schema(&document).unwrap().type_named("definition").unwrap()
}
