//! Whether a schema is structural: only of one that is does an API server publish more than that its
//! values are objects.

use std::borrow::Cow;

use crate::value::{Kind, ValueRef};

use super::super::problem::{Place, Problem};
use super::super::readable::says_nothing;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const JUNCTORS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
pub(super) const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
pub(super) const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

/// A keyword that is said, and not null.
pub(super) fn said<'a>(schema: ValueRef<'a>, keyword: &str) -> Option<ValueRef<'a>> {
    schema.get(keyword).filter(|said| said.kind() != Kind::Null)
}

/// A text that is said and not empty.
pub(super) fn text<'a>(schema: ValueRef<'a>, keyword: &str) -> Option<Cow<'a, str>> {
    schema.get(keyword)?.as_str().filter(|text| !text.is_empty())
}

pub(super) fn is_set(schema: ValueRef<'_>, keyword: &str) -> bool {
    schema.get(keyword).and_then(ValueRef::as_bool) == Some(true)
}

/// The schema behind a keyword that may have something else there.
pub(super) fn schema_in<'a>(schema: ValueRef<'a>, keyword: &str) -> Option<ValueRef<'a>> {
    schema.get(keyword).filter(|said| said.kind() == Kind::Map)
}

/// The properties of a schema.
pub(super) fn properties(
    schema: ValueRef<'_>,
) -> impl Iterator<Item = (Cow<'_, str>, ValueRef<'_>)> {
    schema.get("properties").into_iter().flat_map(ValueRef::members)
}

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Below,
}

type Checked = Result<(), Box<Problem>>;

fn breach<T>(place: &Place<'_>, message: impl Into<String>) -> Result<T, Box<Problem>> {
    Err(Box::new(place.problem(message)))
}

/// The first reason for which a schema is not structural. Recursive: the caller gives it room.
pub(super) fn breach_of(root: ValueRef<'_>, place: &Place<'_>) -> Option<Problem> {
    let checked =
        structure(root, Level::Root, place).and_then(|()| completeness(root, root, place));
    checked.err().map(|problem| *problem)
}

/// What no schema may say, wherever it stands.
fn unsupported(schema: ValueRef<'_>, place: &Place<'_>) -> Checked {
    const EMPTY: [&str; 6] =
        ["id", "$schema", "$ref", "patternProperties", "dependencies", "definitions"];
    for keyword in EMPTY {
        if said(schema, keyword)
            .is_some_and(|said| text(schema, keyword).is_some() || !said.is_empty())
        {
            return breach(place, format!("{keyword} is not supported"));
        }
    }
    if said(schema, "additionalItems").is_some() {
        return breach(place, "additionalItems is not supported");
    }
    if schema.get("items").is_some_and(|items| items.kind() == Kind::List && !items.is_empty()) {
        return breach(place, "items is a list of schemas");
    }
    if schema.get(PRESERVE).and_then(ValueRef::as_bool) == Some(false) {
        return breach(place, format!("{PRESERVE} can only be true"));
    }
    match text(schema, "type") {
        Some(ty) if !TYPES.contains(&ty.as_ref()) => breach(place, format!("{ty:?} is no type")),
        _ => Ok(()),
    }
}

fn structure(schema: ValueRef<'_>, level: Level, place: &Place<'_>) -> Checked {
    unsupported(schema, place)?;
    let ty = text(schema, "type").unwrap_or_default();
    let is_embedded = is_set(schema, EMBEDDED);
    let preserves = is_set(schema, PRESERVE);
    let is_int_or_string = is_set(schema, INT_OR_STRING);
    let additional = said(schema, "additionalProperties");
    match ty.as_ref() {
        "" if is_embedded => return breach(place, "an embedded resource has the type object"),
        "" if !is_int_or_string && !preserves => return breach(place, "there is no type"),
        ty if is_embedded && ty != "object" => {
            return breach(place, "an embedded resource has the type object");
        }
        ty if level == Level::Root && !ty.is_empty() && ty != "object" => {
            return breach(place, "the type of the root is object");
        }
        "array" if schema_in(schema, "items").is_none() => {
            return breach(place, "an array has items");
        }
        _ => {}
    }
    if additional.is_some() && (level == Level::Root || is_embedded) {
        return breach(place, "additionalProperties has no place here");
    }
    if is_int_or_string && (preserves || is_embedded) {
        return breach(
            place,
            format!("{INT_OR_STRING} goes with neither {PRESERVE} nor {EMBEDDED}"),
        );
    }
    if is_embedded && !preserves && properties(schema).next().is_none() {
        return breach(place, format!("an embedded resource has properties or {PRESERVE}"));
    }
    if level == Level::Root || is_embedded {
        object_meta(schema, level, place)?;
    }
    junctors(schema, Excused::of(schema), place)?;
    if let Some(items) = schema_in(schema, "items") {
        structure(items, Level::Below, &place.at("items"))?;
    }
    let at = place.at("properties");
    for (name, property) in properties(schema) {
        structure(property, Level::Below, &at.at(&name))?;
    }
    match schema_in(schema, "additionalProperties") {
        Some(additional) => structure(additional, Level::Below, &place.at("additionalProperties")),
        None => Ok(()),
    }
}

/// What an object says of what every object has.
fn object_meta(schema: ValueRef<'_>, level: Level, place: &Place<'_>) -> Checked {
    let at = place.at("properties");
    let property = |name: &str| schema_in(schema.get("properties")?, name);
    for (name, wanted) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
        // A property that is null is an empty schema.
        let is_there = schema.get("properties").is_some_and(|all| all.get(name).is_some());
        let ty = property(name).and_then(|property| text(property, "type"));
        if is_there && ty.as_deref() != Some(wanted) {
            return breach(&at.at(name), format!("the type of {name} is {wanted}"));
        }
    }
    let Some(metadata) = property("metadata").filter(|_| level == Level::Root) else {
        return Ok(());
    };
    let is_excepted = |keyword: &str, value: ValueRef<'_>| match keyword {
        "type" | "default" => true,
        "properties" => {
            value.members().all(|(name, _)| matches!(name.as_ref(), "name" | "generateName"))
        }
        "additionalProperties" => value.kind() == Kind::Null,
        _ => says_nothing(keyword, value),
    };
    match metadata.members().find(|(keyword, value)| !is_excepted(keyword, *value)) {
        Some((keyword, _)) => breach(
            &at.at("metadata"),
            format!("metadata of the root says nothing but name and generateName, not {keyword}"),
        ),
        None => Ok(()),
    }
}

/// The junctor that may say types, because it says that a value is a number or a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Excused {
    None,
    AnyOf,
    AnyOfInFirstAllOf,
    Both,
}

impl Excused {
    fn of(schema: ValueRef<'_>) -> Excused {
        let first = schema.get("allOf").and_then(|all| all.items().next());
        match (is_int_or_string(schema), first.is_some_and(is_int_or_string)) {
            (true, true) => Excused::Both,
            (true, false) => Excused::AnyOf,
            (false, true) => Excused::AnyOfInFirstAllOf,
            (false, false) => Excused::None,
        }
    }
}

/// Whether `anyOf` is exactly an integer or a string.
fn is_int_or_string(schema: ValueRef<'_>) -> bool {
    let Some(any) = schema.get("anyOf").filter(|any| any.len() == 2) else { return false };
    any.items().zip(["integer", "string"]).all(|(member, ty)| {
        text(member, "type").as_deref() == Some(ty)
            && member
                .members()
                .all(|(keyword, value)| keyword == "type" || says_nothing(&keyword, value))
    })
}

/// The schemas inside a schema's junctors; these have no structure of their own.
fn junctors(schema: ValueRef<'_>, excused: Excused, place: &Place<'_>) -> Checked {
    for keyword in JUNCTORS {
        let at = place.at(keyword);
        for (index, member) in schemas_in(schema, keyword).enumerate() {
            let is_excused = match (keyword, excused) {
                ("anyOf", Excused::AnyOf | Excused::Both) => continue,
                ("allOf", Excused::AnyOfInFirstAllOf | Excused::Both) => index == 0,
                _ => false,
            };
            let excused = if is_excused { Excused::AnyOf } else { Excused::None };
            nested(member, excused, &at)?;
        }
    }
    match schema_in(schema, "not") {
        Some(member) => nested(member, Excused::None, &place.at("not")),
        None => Ok(()),
    }
}

/// A schema inside a junctor.
fn nested(schema: ValueRef<'_>, excused: Excused, place: &Place<'_>) -> Checked {
    const FORBIDDEN: [&str; 12] = [
        "type",
        "title",
        "description",
        "default",
        "nullable",
        "additionalProperties",
        PRESERVE,
        EMBEDDED,
        INT_OR_STRING,
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
    ];
    unsupported(schema, place)?;
    for keyword in FORBIDDEN.into_iter().chain(["x-kubernetes-validations"]) {
        if schema.get(keyword).is_some_and(|value| !says_nothing(keyword, value)) {
            return breach(
                place,
                format!("{keyword} has no place below allOf, anyOf, oneOf and not"),
            );
        }
    }
    junctors(schema, excused, place)?;
    if let Some(items) = schema_in(schema, "items") {
        nested(items, Excused::None, &place.at("items"))?;
    }
    let at = place.at("properties");
    for (name, property) in properties(schema) {
        if name == "metadata" {
            return breach(
                &at.at(&name),
                "metadata has no place below allOf, anyOf, oneOf and not",
            );
        }
        nested(property, Excused::None, &at.at(&name))?;
    }
    Ok(())
}

/// Whether what a schema's junctors speak of is declared outside of them, at the same place.
fn completeness(speaker: ValueRef<'_>, declared: ValueRef<'_>, place: &Place<'_>) -> Checked {
    for keyword in JUNCTORS {
        let at = place.at(keyword);
        for member in schemas_in(speaker, keyword) {
            is_declared(member, declared, &at)?;
        }
    }
    match schema_in(speaker, "not") {
        Some(member) => is_declared(member, declared, &place.at("not")),
        None => Ok(()),
    }
}

fn schemas_in<'a>(schema: ValueRef<'a>, keyword: &str) -> impl Iterator<Item = ValueRef<'a>> {
    schema.get(keyword).into_iter().flat_map(ValueRef::items)
}

fn is_declared(speaker: ValueRef<'_>, declared: ValueRef<'_>, place: &Place<'_>) -> Checked {
    completeness(speaker, declared, place)?;
    if let Some(items) = schema_in(speaker, "items") {
        let at = place.at("items");
        match schema_in(declared, "items") {
            Some(declared) => is_declared(items, declared, &at)?,
            None => return breach(&at, "items are not declared outside of the junctor"),
        }
    }
    let at = place.at("properties");
    for (name, property) in properties(speaker) {
        match declared.get("properties").and_then(|all| all.get(&name)) {
            Some(declared) => is_declared(property, declared, &at.at(&name))?,
            None => {
                return breach(
                    &at.at(&name),
                    format!("{name} is not declared outside of the junctor"),
                );
            }
        }
    }
    Ok(())
}
