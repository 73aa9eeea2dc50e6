//! OpenAPI v3 schemas, as API servers make types of them.
//!
//! A schema is first asked for a reference; else its `type` decides which of its keywords are read.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::value::{Kind, ValueRef};

use super::super::compile::{AtomDef, ListDef, MapDef, TypeRefDef};
use super::super::kinds::GroupVersionKind;
use super::extensions::Notation;
use super::problem::{Findings, OpenApiError, Place, only_a_reference};
use super::{
    Converted, Definitions, QUANTITY, RAW_EXTENSION, UNTYPED_ATOMIC, UNTYPED_DEDUCED, named,
    remark_on_keys, remark_on_kinds, scalar, scalar_of, untyped_atomic, with_common,
};

/// Converts definitions. Recursive: the caller gives it room.
pub(super) fn convert(
    definitions: &Definitions<'_>,
    preserve_unknown_fields: bool,
    notation: Notation,
) -> Result<Converted, OpenApiError> {
    let mut walk = Walk {
        notation,
        names: definitions.iter().map(|(name, schema)| (name.as_ref(), *schema)).collect(),
        findings: Findings::default(),
    };
    let mut types = Vec::with_capacity(definitions.len());
    let mut kinds = Vec::new();
    for (name, schema) in definitions {
        let own: Vec<GroupVersionKind> = notation.kinds(*schema).collect();
        if !own.is_empty() {
            kinds.push((name.to_string(), own));
        }
        // A definition that refers to another one has no type of its own.
        if reference(*schema).is_some() {
            continue;
        }
        let atom = match name.as_ref() {
            QUANTITY => scalar("untyped"),
            RAW_EXTENSION => untyped_atomic(),
            name => walk.atom(*schema, &Place::of(name), preserve_unknown_fields),
        };
        types.push((name.to_string(), atom));
    }
    remark_on_kinds(&kinds, &mut walk.findings);
    let remarks = walk.findings.finish()?;
    Ok(Converted { schema: with_common(types), kinds, remarks })
}

/// The text of a schema's own reference; an empty one is none.
fn reference(schema: ValueRef<'_>) -> Option<String> {
    let text = schema.get("$ref")?.as_str()?;
    resource_locator(&text).filter(|text| !text.is_empty())
}

/// The type that decides; empty for none.
fn first_type(schema: ValueRef<'_>) -> Cow<'_, str> {
    let said = schema.get("type");
    let first = said.and_then(|said| said.as_str().or_else(|| said.items().next()?.as_str()));
    first.unwrap_or_default()
}

/// A keyword that is not null.
fn is_said<'a>(schema: ValueRef<'a>, keyword: &str) -> Option<ValueRef<'a>> {
    match schema.get(keyword) {
        Some(said) if said.kind() != Kind::Null => Some(said),
        _ => None,
    }
}

struct Walk<'a> {
    /// What defaults and extensions are written in.
    notation: Notation,
    names: HashMap<&'a str, ValueRef<'a>>,
    findings: Findings,
}

impl Walk<'_> {
    /// The type that a schema states itself.
    fn atom(&mut self, schema: ValueRef<'_>, place: &Place<'_>, preserve: bool) -> AtomDef {
        let preserve = preserve || self.notation.preserves(schema);
        let ty = first_type(schema);
        match ty.as_ref() {
            "" => {
                let list = self.list(schema, place, preserve, false);
                let map = self.map(schema, place, preserve);
                AtomDef { list: Some(list), map: Some(map), ..scalar("untyped") }
            }
            "object" => {
                AtomDef { map: Some(self.map(schema, place, preserve)), ..AtomDef::default() }
            }
            "array" => {
                let list = self.list(schema, place, preserve, true);
                AtomDef { list: Some(list), ..AtomDef::default() }
            }
            "integer" | "number" | "boolean" | "string" => {
                let format = schema.get("format").and_then(ValueRef::as_str);
                scalar_of(&ty, &format.unwrap_or_default())
            }
            _ => {
                self.findings.problem(place, format!("unrecognized type: '{ty}'"));
                scalar("untyped")
            }
        }
    }

    /// What a schema below another one stands for: the type that it names, or its own.
    fn type_ref(&mut self, schema: ValueRef<'_>, place: &Place<'_>, preserve: bool) -> TypeRefDef {
        let nullable = schema.get("nullable").and_then(ValueRef::as_bool) == Some(true);
        match target(schema) {
            Some(target) => {
                let relationship = self.notation.map(schema, place, &mut self.findings);
                match self.names.get(target.as_str()) {
                    None => self.findings.remark(
                        place,
                        format!("there is no definition {target}: a value here is refused"),
                    ),
                    Some(named) if self::target(*named).is_some() => {
                        self.findings.remark(place, only_a_reference(&target));
                    }
                    Some(_) => {}
                }
                TypeRefDef { relationship, nullable, ..named(&target) }
            }
            None => {
                let inlined = self.atom(schema, &place.inlined(), preserve);
                TypeRefDef { inlined, nullable, ..TypeRefDef::default() }
            }
        }
    }

    fn map(&mut self, schema: ValueRef<'_>, place: &Place<'_>, preserve: bool) -> MapDef {
        let properties = schema.get("properties");
        let at = place.at("properties");
        let mut fields = Vec::new();
        for (name, property) in properties.into_iter().flat_map(ValueRef::members) {
            let type_ref = self.type_ref(property, &at.at(&name), preserve);
            fields.push((name.to_string(), type_ref, self.notation.default(property)));
        }
        let additional = is_said(schema, "additionalProperties");
        let element = match additional.map(|said| (said, said.as_bool())) {
            None if preserve || fields.is_empty() => named(UNTYPED_DEDUCED),
            Some((_, Some(true))) => named(UNTYPED_DEDUCED),
            None | Some((_, Some(false))) => TypeRefDef::default(),
            Some((additional, None)) => {
                self.type_ref(additional, &place.at("additionalProperties"), preserve)
            }
        };
        let relationship = self.notation.map(schema, place, &mut self.findings);
        MapDef { fields, element: Box::new(element), relationship }
    }

    fn list(
        &mut self,
        schema: ValueRef<'_>,
        place: &Place<'_>,
        preserve: bool,
        is_array: bool,
    ) -> ListDef {
        let (relationship, keys) = self.notation.list(schema, place, &mut self.findings);
        let element = match is_said(schema, "items") {
            Some(items) if items.kind() == Kind::Map => {
                if !keys.is_empty() {
                    let target = target(items);
                    let item = target.and_then(|name| self.names.get(name.as_str()).copied());
                    remark_on_keys(&keys, item.unwrap_or(items), place, &mut self.findings);
                }
                self.type_ref(items, &place.at("items"), preserve)
            }
            Some(_) => {
                self.findings.problem(
                    place,
                    "structural schema arrays must have exactly one member subtype",
                );
                named(UNTYPED_DEDUCED)
            }
            None => {
                if is_array {
                    self.findings.problem(place, "`items` must be specified on arrays");
                }
                named(UNTYPED_ATOMIC)
            }
        };
        ListDef { element: Box::new(element), relationship: Some(relationship.to_owned()), keys }
    }
}

/// The name that a schema refers to, itself or as the only member of its `allOf`.
pub(super) fn target(schema: ValueRef<'_>) -> Option<String> {
    let text = reference(schema).or_else(|| {
        let all = schema.get("allOf").filter(|all| all.len() == 1)?;
        reference(all.items().next()?)
    })?;
    let (_, name) = text.rsplit_once('/').unwrap_or(("", &text));
    (!name.is_empty()).then(|| name.to_owned())
}

/// A reference as URLs are written: what may not stand in one is escaped. None if it is no URL.
pub(super) fn resource_locator(text: &str) -> Option<String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return None;
    }
    let (front, fragment) = text.split_once('#').unwrap_or((text, ""));
    if front.starts_with(':') {
        return None;
    }
    let mut out = escaped(front)?;
    if !fragment.is_empty() {
        out.push('#');
        out += &escaped(fragment)?;
    }
    Some(out)
}

/// Whether a byte stands for itself in the places where names are.
fn stands(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=?@!()*'[]".contains(&byte)
}

fn escaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut is_sound = true;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
            let byte = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
            bytes.push(u8::from_str_radix(byte?, 16).ok()?);
            rest = after.get(2..).unwrap_or_default();
        } else {
            is_sound &= stands(*byte);
            bytes.push(*byte);
        }
    }
    if is_sound {
        return Some(text.to_owned());
    }
    let mut out = String::new();
    for byte in bytes {
        if stands(byte) && !b"[]'".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    Some(out)
}
