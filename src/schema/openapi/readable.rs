//! Whether a document can be read at all, as the reference's decoders read it.
//!
//! They refuse a whole document for a keyword whose value is of a wrong type, wherever it stands and
//! whether or not it says anything of ownership; that of v2 also for keywords that it does not know.

use crate::value::{Kind, ValueRef};

use super::problem::{OpenApiError, Place, Problem};
use super::structural::resource_locator;
use super::{Definitions, members};

/// What a keyword takes.
#[derive(Clone, Copy)]
enum Takes {
    Anything,
    Text,
    Flag,
    Number,
    Integer,
    /// A list of anything.
    List,
    Texts,
    /// A string or strings.
    Type,
    Schema,
    /// A schema; a list is looked through, anything else is let through.
    SchemaOrList,
    SchemaOrFlag,
    Schemas,
    /// A map of schemas.
    Fields,
    /// A map of schemas or lists of strings.
    Dependencies,
    /// A map with a description and an address.
    Docs,
}

use Takes::{
    Anything, Dependencies, Docs, Fields, Flag, Integer, List, Number, Schema, SchemaOrFlag,
    SchemaOrList, Schemas, Text, Texts, Type,
};

/// What both versions know.
fn common(keyword: &str) -> Option<Takes> {
    Some(match keyword {
        "description" | "discriminator" | "format" | "pattern" | "title" => Text,
        "exclusiveMaximum" | "exclusiveMinimum" | "readOnly" | "uniqueItems" => Flag,
        "maximum" | "minimum" | "multipleOf" => Number,
        "maxItems" | "maxLength" | "maxProperties" | "minItems" | "minLength" | "minProperties" => {
            Integer
        }
        "default" | "example" => Anything,
        "externalDocs" => Docs,
        "type" => Type,
        "items" => SchemaOrList,
        "additionalProperties" => SchemaOrFlag,
        "allOf" => Schemas,
        "properties" => Fields,
        _ => return None,
    })
}

fn of_v3(keyword: &str) -> Takes {
    let own = match keyword {
        "id" => Text,
        "nullable" => Flag,
        "enum" => List,
        "required" => Texts,
        "anyOf" | "oneOf" => Schemas,
        "not" => Schema,
        "additionalItems" => SchemaOrFlag,
        "definitions" | "patternProperties" => Fields,
        "dependencies" => Dependencies,
        _ => Anything,
    };
    common(keyword).unwrap_or(own)
}

fn of_v2(keyword: &str) -> Option<Takes> {
    match keyword {
        "$ref" => Some(Text),
        "required" => Some(List),
        "enum" | "xml" => Some(Anything),
        _ if keyword.starts_with("x-") => Some(Anything),
        _ => common(keyword),
    }
}

/// The schemas of a v3 document.
pub(super) fn components(document: ValueRef<'_>) -> Result<Definitions<'_>, OpenApiError> {
    let map = |holder: ValueRef<'_>, key: &str| match holder.get(key) {
        Some(value) if !matches!(value.kind(), Kind::Map | Kind::Null) => {
            let problem = Place::of(key).problem(expected("a map", value));
            Err(OpenApiError::Unreadable(problem))
        }
        _ => Ok(()),
    };
    map(document, "components")?;
    let Some(components) = document.get("components") else { return Ok(Vec::new()) };
    map(components, "schemas")?;
    Ok(members(components.get("schemas")))
}

/// Checks v3 definitions. Recursive: the caller gives it room.
pub(super) fn check_v3(definitions: &Definitions<'_>) -> Result<(), OpenApiError> {
    let check = definitions.iter().try_for_each(|(name, schema)| {
        let place = Place::of(name);
        match schema.kind() {
            Kind::Null => Err(place.problem("expected a schema, got null")),
            _ => schema_v3(*schema, &place),
        }
    });
    check.map_err(OpenApiError::Unreadable)
}

/// Checks v2 definitions. Recursive: the caller gives it room.
pub(super) fn check_v2(definitions: &Definitions<'_>) -> Result<(), OpenApiError> {
    let check =
        definitions.iter().try_for_each(|(name, schema)| schema_v2(*schema, &Place::of(name)));
    check.map_err(OpenApiError::Unreadable)
}

fn expected(what: &str, got: ValueRef<'_>) -> String {
    let got = match got.kind() {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Int | Kind::Float => "a number",
        Kind::String => "a string",
        Kind::List => "a list",
        Kind::Map => "a map",
    };
    format!("expected {what}, got {got}")
}

/// A schema of v3; null is an empty one.
fn schema_v3(schema: ValueRef<'_>, place: &Place<'_>) -> Result<(), Problem> {
    match schema.kind() {
        Kind::Null => return Ok(()),
        Kind::Map => {}
        _ => return Err(place.problem(expected("a map", schema))),
    }
    for (keyword, value) in schema.members() {
        if keyword == "$ref" && value.as_str().is_some_and(|text| resource_locator(&text).is_none())
        {
            return Err(place.problem("$ref is no URL"));
        }
        if value.kind() == Kind::Null {
            continue;
        }
        keyword_v3(&keyword, value, place)?;
    }
    Ok(())
}

fn keyword_v3(keyword: &str, value: ValueRef<'_>, place: &Place<'_>) -> Result<(), Problem> {
    let at = place.at(keyword);
    let takes = of_v3(keyword);
    let kind = value.kind();
    let texts = |list: ValueRef<'_>| {
        list.items().all(|item| matches!(item.kind(), Kind::String | Kind::Null))
    };
    let wrong = match (takes, kind) {
        (Anything, _)
        | (Text, Kind::String)
        | (Flag, Kind::Bool)
        | (Number, Kind::Int | Kind::Float)
        | (Integer, Kind::Int)
        | (List, Kind::List)
        | (Type, Kind::String)
        | (SchemaOrFlag, Kind::Bool) => return Ok(()),
        (Texts | Type, Kind::List) if texts(value) => return Ok(()),
        (Docs, Kind::Map) => {
            let text = |key| {
                value.get(key).is_none_or(|said| matches!(said.kind(), Kind::String | Kind::Null))
            };
            match text("description") && text("url") {
                true => return Ok(()),
                false => "strings in it",
            }
        }
        (Schema | SchemaOrFlag | SchemaOrList, Kind::Map) => return schema_v3(value, &at),
        (Schemas | SchemaOrList, Kind::List) => {
            return value.items().try_for_each(|item| schema_v3(item, &at));
        }
        (SchemaOrList, _) => return Ok(()),
        (Fields, Kind::Map) => {
            return value.members().try_for_each(|(name, schema)| schema_v3(schema, &at.at(&name)));
        }
        (Dependencies, Kind::Map) => {
            return value.members().try_for_each(|(name, member)| match member.kind() {
                Kind::Map => schema_v3(member, &at.at(&name)),
                Kind::List if !texts(member) => Err(at.problem(expected("strings", member))),
                _ => Ok(()),
            });
        }
        (Text, _) => "a string",
        (Flag, _) => "a boolean",
        (Number, _) => "a number",
        (Integer, _) => "an integer",
        (List, _) => "a list",
        (Texts, _) => "a list of strings",
        (Type, _) => "a string or a list of strings",
        (Schema, _) => "a schema",
        (SchemaOrFlag, _) => "a schema or a boolean",
        (Schemas, _) => "a list of schemas",
        (Fields | Dependencies | Docs, _) => "a map",
    };
    Err(at.problem(expected(wrong, value)))
}

/// A schema of v2; what is no map is an empty one.
fn schema_v2(schema: ValueRef<'_>, place: &Place<'_>) -> Result<(), Problem> {
    for (keyword, value) in schema.members() {
        let at = place.at(&keyword);
        let Some(takes) = of_v2(&keyword) else {
            return Err(place.problem(format!("has invalid property: {keyword}")));
        };
        let is_scalar = |value: ValueRef<'_>| !matches!(value.kind(), Kind::Map | Kind::List);
        let wrong = match (takes, value.kind()) {
            (Anything, _)
            | (Text, Kind::String | Kind::Int | Kind::Null)
            | (Flag, Kind::Bool)
            | (Number, Kind::Int | Kind::Float)
            | (Integer, Kind::Int)
            | (List, Kind::List) => continue,
            (Type, Kind::List) if value.items().all(is_scalar) => continue,
            (Type, _) if is_scalar(value) => continue,
            (Docs, Kind::Map) if value.get("url").is_some() => continue,
            (SchemaOrFlag | SchemaOrList, _) => {
                schema_v2(value, &at)?;
                continue;
            }
            (Schemas, _) => {
                value.items().try_for_each(|item| schema_v2(item, &at))?;
                continue;
            }
            (Fields, _) => {
                value.members().try_for_each(|(name, schema)| schema_v2(schema, &at.at(&name)))?;
                continue;
            }
            (Flag, _) => "a boolean",
            (Number, _) => "a number",
            (Integer, _) => "an integer",
            (List, _) => "a list",
            (Type, _) => "a string or a list of strings",
            (Docs, _) => "a map with an address",
            _ => "a string",
        };
        return Err(at.problem(expected(wrong, value)));
    }
    Ok(())
}
