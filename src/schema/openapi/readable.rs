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
    /// A text that says something even if it is empty.
    Word,
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
    /// A list of rules for validation.
    Rules,
}

use Takes::{
    Anything, Dependencies, Docs, Fields, Flag, Integer, List, Number, Rules, Schema, SchemaOrFlag,
    SchemaOrList, Schemas, Text, Texts, Type, Word,
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

/// What v3 and definitions of custom resources know beyond that.
fn more(keyword: &str) -> Option<Takes> {
    Some(match keyword {
        "id" => Text,
        "nullable" => Flag,
        "enum" => List,
        "required" => Texts,
        "anyOf" | "oneOf" => Schemas,
        "not" => Schema,
        "additionalItems" => SchemaOrFlag,
        "definitions" | "patternProperties" => Fields,
        "dependencies" => Dependencies,
        _ => return None,
    })
}

fn of_v3(keyword: &str) -> Option<Takes> {
    common(keyword).or_else(|| more(keyword))
}

/// What definitions of custom resources know. All else is passed over.
fn of_crd(keyword: &str) -> Option<Takes> {
    match keyword {
        "$ref" | "$schema" | "type" => Some(Text),
        "x-kubernetes-embedded-resource"
        | "x-kubernetes-int-or-string"
        | "x-kubernetes-preserve-unknown-fields" => Some(Flag),
        "x-kubernetes-list-map-keys" => Some(Texts),
        "x-kubernetes-list-type" | "x-kubernetes-map-type" => Some(Word),
        "x-kubernetes-validations" => Some(Rules),
        "discriminator" | "readOnly" => None,
        _ => of_v3(keyword),
    }
}

/// Whether the schemas of definitions have the keyword.
pub(super) fn is_known_in_crd(keyword: &str) -> bool {
    of_crd(keyword).is_some()
}

/// Whether a keyword in the schema of a definition says as much as if it were left out.
pub(super) fn says_nothing(keyword: &str, value: ValueRef<'_>) -> bool {
    let Some(takes) = of_crd(keyword) else { return true };
    match (takes, value.kind()) {
        (_, Kind::Null) => true,
        (Flag | SchemaOrFlag, Kind::Bool) => value.as_bool() == Some(false),
        (Text, Kind::String) => value.as_str().is_some_and(|text| text.is_empty()),
        (List | Texts | Schemas | Rules, Kind::List) => value.is_empty(),
        (Fields | Dependencies, Kind::Map) => value.is_empty(),
        (SchemaOrList, kind) => kind != Kind::Map,
        _ => false,
    }
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
            _ => check_schema(*schema, of_v3, &place),
        }
    });
    check.map_err(OpenApiError::Unreadable)
}

/// Checks a schema of a definition. Recursive: the caller gives it room.
pub(super) fn check_crd(schema: ValueRef<'_>, place: &Place<'_>) -> Result<(), Problem> {
    check_schema(schema, of_crd, place)
}

/// Checks v2 definitions. Recursive: the caller gives it room.
pub(super) fn check_v2(definitions: &Definitions<'_>) -> Result<(), OpenApiError> {
    let check =
        definitions.iter().try_for_each(|(name, schema)| schema_v2(*schema, &Place::of(name)));
    check.map_err(OpenApiError::Unreadable)
}

pub(super) fn expected(what: &str, got: ValueRef<'_>) -> String {
    format!("expected {what}, got {}", got.kind().in_words())
}

/// The keywords of a dialect.
type Dialect = fn(&str) -> Option<Takes>;

/// A schema whose keywords are strict about what they take; null is an empty one.
fn check_schema(schema: ValueRef<'_>, dialect: Dialect, place: &Place<'_>) -> Result<(), Problem> {
    match schema.kind() {
        Kind::Null => return Ok(()),
        Kind::Map => {}
        _ => return Err(place.problem(expected("a map", schema))),
    }
    for (keyword, value) in schema.members() {
        let takes = dialect(&keyword);
        // In OpenAPI it is an address.
        let is_address = keyword == "$ref" && takes.is_none();
        if is_address && value.as_str().is_some_and(|text| resource_locator(&text).is_none()) {
            return Err(place.problem("$ref is no URL"));
        }
        if value.kind() == Kind::Null {
            continue;
        }
        let at = place.at(&keyword);
        check_keyword(takes.unwrap_or(Anything), value, dialect, &at)?;
    }
    Ok(())
}

fn check_keyword(
    takes: Takes,
    value: ValueRef<'_>,
    dialect: Dialect,
    at: &Place<'_>,
) -> Result<(), Problem> {
    let kind = value.kind();
    let texts = |list: ValueRef<'_>| {
        list.items().all(|item| matches!(item.kind(), Kind::String | Kind::Null))
    };
    let wrong = match (takes, kind) {
        (Anything, _)
        | (Text | Word, Kind::String)
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
        (Rules, Kind::List) => match value.items().find_map(wrong_in_rule) {
            Some(wrong) => wrong,
            None => return Ok(()),
        },
        (Schema | SchemaOrFlag | SchemaOrList, Kind::Map) => {
            return check_schema(value, dialect, at);
        }
        (Schemas | SchemaOrList, Kind::List) => {
            return value.items().try_for_each(|item| check_schema(item, dialect, at));
        }
        (SchemaOrList, _) => return Ok(()),
        (Fields, Kind::Map) => {
            return value
                .members()
                .try_for_each(|(name, schema)| check_schema(schema, dialect, &at.at(&name)));
        }
        (Dependencies, Kind::Map) => {
            return value.members().try_for_each(|(name, member)| match member.kind() {
                Kind::Map => check_schema(member, dialect, &at.at(&name)),
                Kind::List if !texts(member) => Err(at.problem(expected("strings", member))),
                _ => Ok(()),
            });
        }
        (Text | Word, _) => "a string",
        (Flag, _) => "a boolean",
        (Number, _) => "a number",
        (Integer, _) => "an integer",
        (List | Rules, _) => "a list",
        (Texts, _) => "a list of strings",
        (Type, _) => "a string or a list of strings",
        (Schema, _) => "a schema",
        (SchemaOrFlag, _) => "a schema or a boolean",
        (Schemas, _) => "a list of schemas",
        (Fields | Dependencies | Docs, _) => "a map",
    };
    Err(at.problem(expected(wrong, value)))
}

/// What a rule for validation should be, or should have in it, where it is or has something else.
fn wrong_in_rule(rule: ValueRef<'_>) -> Option<&'static str> {
    const TEXTS: [&str; 5] = ["rule", "message", "messageExpression", "reason", "fieldPath"];
    let is = |key: &str, kind: Kind| {
        rule.get(key).is_none_or(|said| said.kind() == kind || said.kind() == Kind::Null)
    };
    match rule.kind() {
        Kind::Null => None,
        Kind::Map if !TEXTS.iter().all(|key| is(key, Kind::String)) => Some("strings in it"),
        Kind::Map if !is("optionalOldSelf", Kind::Bool) => Some("a boolean in it"),
        Kind::Map => None,
        _ => Some("maps in it"),
    }
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
