//! Merge-schema documents: the form in which schemas are written down.

use crate::value::text::{write_json, write_json_string_quoted};
use crate::value::{Kind, ValueRef};

use super::compile::{AtomDef, ListDef, MapDef, SchemaDef, TypeRefDef};

/// The schema that a schema document must follow.
pub(crate) const SCHEMA_OF_SCHEMAS: &str = r#"{"types":[
{"name":"schema","map":{"fields":[
  {"name":"types","type":{"list":{"elementRelationship":"associative","elementType":{"namedType":"typeDef"},"keys":["name"]}}}]}},
{"name":"typeDef","map":{"fields":[
  {"name":"name","type":{"scalar":"string"}},
  {"name":"scalar","type":{"scalar":"string"}},
  {"name":"map","type":{"namedType":"map"}},
  {"name":"list","type":{"namedType":"list"}},
  {"name":"untyped","type":{"namedType":"untyped"}}]}},
{"name":"typeRef","map":{"fields":[
  {"name":"namedType","type":{"scalar":"string"}},
  {"name":"scalar","type":{"scalar":"string"}},
  {"name":"map","type":{"namedType":"map"}},
  {"name":"list","type":{"namedType":"list"}},
  {"name":"untyped","type":{"namedType":"untyped"}},
  {"name":"elementRelationship","type":{"scalar":"string"}},
  {"name":"nullable","type":{"scalar":"boolean"}}]}},
{"name":"scalar","scalar":"string"},
{"name":"map","map":{"fields":[
  {"name":"fields","type":{"list":{"elementType":{"namedType":"structField"},"elementRelationship":"associative","keys":["name"]}}},
  {"name":"unions","type":{"list":{"elementType":{"namedType":"union"},"elementRelationship":"atomic"}}},
  {"name":"elementType","type":{"namedType":"typeRef"}},
  {"name":"elementRelationship","type":{"scalar":"string"}}]}},
{"name":"unionField","map":{"fields":[
  {"name":"fieldName","type":{"scalar":"string"}},
  {"name":"discriminatorValue","type":{"scalar":"string"}}]}},
{"name":"union","map":{"fields":[
  {"name":"discriminator","type":{"scalar":"string"}},
  {"name":"deduceInvalidDiscriminator","type":{"scalar":"boolean"}},
  {"name":"fields","type":{"list":{"elementRelationship":"associative","elementType":{"namedType":"unionField"},"keys":["fieldName"]}}}]}},
{"name":"structField","map":{"fields":[
  {"name":"name","type":{"scalar":"string"}},
  {"name":"type","type":{"namedType":"typeRef"}},
  {"name":"default","type":{"namedType":"__untyped_atomic_"}}]}},
{"name":"list","map":{"fields":[
  {"name":"elementType","type":{"namedType":"typeRef"}},
  {"name":"elementRelationship","type":{"scalar":"string"}},
  {"name":"keys","type":{"list":{"elementType":{"scalar":"string"},"elementRelationship":"atomic"}}}]}},
{"name":"untyped","map":{"fields":[
  {"name":"elementRelationship","type":{"scalar":"string"}}]}},
{"name":"__untyped_atomic_","scalar":"untyped",
  "list":{"elementType":{"namedType":"__untyped_atomic_"},"elementRelationship":"atomic"},
  "map":{"elementType":{"namedType":"__untyped_atomic_"},"elementRelationship":"atomic"}}
]}"#;

/// Reads a schema document, ignoring whatever a valid one does not hold.
pub(crate) fn read_schema(document: ValueRef<'_>) -> SchemaDef {
    let types = document.get("types");
    SchemaDef {
        types: items(types)
            .map(|definition| (text(definition, "name").unwrap_or_default(), atom(definition)))
            .collect(),
    }
}

fn items(value: Option<ValueRef<'_>>) -> impl Iterator<Item = ValueRef<'_>> {
    value.into_iter().flat_map(ValueRef::items)
}

fn text(value: ValueRef<'_>, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(|text| text.into_owned())
}

fn atom(value: ValueRef<'_>) -> AtomDef {
    AtomDef {
        scalar: text(value, "scalar"),
        list: value.get("list").filter(|list| list.kind() == Kind::Map).map(list),
        map: value.get("map").filter(|map| map.kind() == Kind::Map).map(map),
    }
}

fn type_ref(value: Option<ValueRef<'_>>) -> TypeRefDef {
    let Some(value) = value else { return TypeRefDef::default() };
    TypeRefDef {
        named: text(value, "namedType"),
        inlined: atom(value),
        relationship: text(value, "elementRelationship"),
        nullable: value.get("nullable").and_then(ValueRef::as_bool).unwrap_or(false),
    }
}

fn list(value: ValueRef<'_>) -> ListDef {
    ListDef {
        element: Box::new(type_ref(value.get("elementType"))),
        relationship: text(value, "elementRelationship"),
        keys: items(value.get("keys"))
            .filter_map(|key| key.as_str().map(|key| key.into_owned()))
            .collect(),
    }
}

fn map(value: ValueRef<'_>) -> MapDef {
    MapDef {
        fields: items(value.get("fields"))
            .map(|field| {
                let default = field.get("default").filter(|default| default.kind() != Kind::Null);
                (
                    text(field, "name").unwrap_or_default(),
                    type_ref(field.get("type")),
                    default.map(ValueRef::to_value),
                )
            })
            .collect(),
        element: Box::new(type_ref(value.get("elementType"))),
        relationship: text(value, "elementRelationship"),
    }
}

/// Writes a schema down as a schema document.
pub(crate) fn write_schema(schema: &SchemaDef) -> String {
    let mut out = String::from("{\"types\":[");
    for (index, (name, atom)) in schema.types.iter().enumerate() {
        out.push_str(if index > 0 { ",{" } else { "{" });
        write_text(&mut out, "name", name);
        write_atom(&mut out, atom);
        close(&mut out, '}');
    }
    out.push_str("]}");
    out
}

/// Ends a map or list whose parts each left a comma.
fn close(out: &mut String, end: char) {
    if out.ends_with(',') {
        out.pop();
    }
    out.push(end);
}

fn write_text(out: &mut String, key: &str, text: &str) {
    write_json_string_quoted(out, key);
    out.push(':');
    write_json_string_quoted(out, text);
    out.push(',');
}

fn write_some(out: &mut String, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        write_text(out, key, text);
    }
}

fn write_atom(out: &mut String, atom: &AtomDef) {
    write_some(out, "scalar", atom.scalar.as_deref());
    if let Some(list) = &atom.list {
        out.push_str("\"list\":{");
        write_type_ref(out, "elementType", &list.element);
        write_some(out, "elementRelationship", list.relationship.as_deref());
        if !list.keys.is_empty() {
            out.push_str("\"keys\":[");
            for key in &list.keys {
                write_json_string_quoted(out, key);
                out.push(',');
            }
            close(out, ']');
            out.push(',');
        }
        close(out, '}');
        out.push(',');
    }
    if let Some(map) = &atom.map {
        out.push_str("\"map\":{");
        if !map.fields.is_empty() {
            out.push_str("\"fields\":[");
            for (name, type_ref, default) in &map.fields {
                out.push('{');
                write_text(out, "name", name);
                write_type_ref(out, "type", type_ref);
                if let Some(default) = default {
                    out.push_str("\"default\":");
                    write_json(out, default.as_ref());
                }
                close(out, '}');
                out.push(',');
            }
            close(out, ']');
            out.push(',');
        }
        write_type_ref(out, "elementType", &map.element);
        write_some(out, "elementRelationship", map.relationship.as_deref());
        close(out, '}');
        out.push(',');
    }
}

/// Writes a reference; one that says nothing is left out.
fn write_type_ref(out: &mut String, key: &str, type_ref: &TypeRefDef) {
    if type_ref.is_empty() {
        return;
    }
    write_json_string_quoted(out, key);
    out.push_str(":{");
    write_some(out, "namedType", type_ref.named.as_deref());
    write_atom(out, &type_ref.inlined);
    write_some(out, "elementRelationship", type_ref.relationship.as_deref());
    if type_ref.nullable {
        out.push_str("\"nullable\":true,");
    }
    close(out, '}');
    out.push(',');
}
