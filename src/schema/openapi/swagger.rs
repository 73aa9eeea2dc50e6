//! OpenAPI v2 schemas, as clients make types of them.
//!
//! Clients first build a model of every definition, which is refused at the first schema that it has
//! no place for, and make types of the models.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::value::{Kind, ValueRef};

use super::super::compile::{AtomDef, ListDef, MapDef, TypeRefDef};
use super::super::kinds::GroupVersionKind;
use super::extensions::Notation;
use super::problem::{Findings, OpenApiError, Place, Problem, only_a_reference};
use super::{
    Converted, Definitions, QUANTITY, RAW_EXTENSION, UNTYPED_ATOMIC, UNTYPED_DEDUCED, named,
    remark_on_keys, scalar, scalar_of, untyped_deduced, with_common,
};

const NOTATION: Notation = Notation::Yaml11;
const PREFIX: &str = "#/definitions/";

/// Converts definitions. Recursive: the caller gives it room.
pub(super) fn convert(definitions: &Definitions<'_>) -> Result<Converted, OpenApiError> {
    let mut walk = Walk {
        names: definitions.iter().map(|(name, schema)| (name.as_ref(), *schema)).collect(),
        findings: Findings::default(),
    };
    let mut as_written: Vec<&(Cow<'_, str>, ValueRef<'_>)> = definitions.iter().collect();
    as_written.sort_by_key(|(_, schema)| schema.offset());
    for (name, schema) in as_written {
        walk.check(*schema, &Place::of(name)).map_err(OpenApiError::NoModel)?;
    }
    let mut types = Vec::with_capacity(definitions.len());
    for (name, schema) in definitions {
        if let Some(atom) = walk.atom(*schema, &Place::of(name), false) {
            types.push((name.to_string(), atom));
        }
    }
    let remarks = walk.findings.finish()?;
    let mut kinds = Vec::new();
    let mut seen = HashSet::new();
    for (name, schema) in definitions {
        let own: Vec<GroupVersionKind> = NOTATION.kinds(*schema).collect();
        if let Some(kind) = own.iter().find(|kind| !seen.insert((*kind).clone())) {
            let (definition, kind) = (name.to_string(), kind.clone());
            return Err(OpenApiError::DuplicateKind { definition, kind });
        }
        if !own.is_empty() {
            kinds.push((name.to_string(), own));
        }
    }
    Ok(Converted { schema: with_common(types), kinds, remarks })
}

/// What a schema is a model of.
enum Model<'a> {
    /// The definition of this name.
    Reference(Cow<'a, str>),
    /// A map with fields.
    Kind(ValueRef<'a>),
    /// A map of one type of elements, if that is known.
    Map(Option<ValueRef<'a>>),
    Array(ValueRef<'a>),
    Primitive(Cow<'a, str>),
    Arbitrary,
}

/// The text of a scalar, whatever it is.
fn text_of(value: ValueRef<'_>) -> Cow<'_, str> {
    value.as_str().unwrap_or_else(|| Cow::Owned(value.to_json()))
}

/// The text of a keyword that takes a string; null is an empty one.
fn text<'a>(schema: ValueRef<'a>, keyword: &str) -> Cow<'a, str> {
    match schema.get(keyword) {
        Some(said) if said.kind() != Kind::Null => text_of(said),
        _ => Cow::Borrowed(""),
    }
}

/// The type that a reference is to: what stands after the last `/`.
pub(super) fn type_name(reference: &str) -> &str {
    reference.rsplit_once('/').map_or(reference, |(_, name)| name)
}

struct Walk<'a> {
    names: HashMap<&'a str, ValueRef<'a>>,
    findings: Findings,
}

impl Walk<'_> {
    fn model<'s>(&self, schema: ValueRef<'s>) -> Result<Model<'s>, String> {
        let said = schema.get("type");
        let (count, first) = match said {
            None => (0, None),
            Some(said) if said.kind() == Kind::List => (said.len(), said.items().next()),
            Some(said) => (1, Some(said)),
        };
        let ty = first.map(text_of).unwrap_or_default();
        let properties = schema.get("properties");
        let reference = text(schema, "$ref");
        if !reference.is_empty() {
            return if properties
                .is_some_and(|fields| fields.kind() == Kind::Map && !fields.is_empty())
            {
                Err("unallowed embedded type definition".to_owned())
            } else if count > 0 {
                Err("definition reference can't have a type".to_owned())
            } else {
                self.target(reference).map(Model::Reference)
            };
        }
        match (count, ty.as_ref()) {
            (0, _) => Ok(properties.map_or(Model::Arbitrary, Model::Kind)),
            (1, "object") => Ok(match properties {
                Some(properties) => Model::Kind(properties),
                None => Model::Map(
                    schema.get("additionalProperties").filter(|said| said.kind() != Kind::Bool),
                ),
            }),
            (1, "array") => schema
                .get("items")
                .map(Model::Array)
                .ok_or_else(|| "array should have exactly one sub-item".to_owned()),
            (1, "string" | "number" | "integer" | "boolean") => Ok(Model::Primitive(ty)),
            (1, _) => {
                let mut message = "Unknown primitive type: ".to_owned();
                crate::value::text::write_quoted_go(&mut message, &ty);
                Err(message)
            }
            _ => Err("definitions with multiple types aren't supported".to_owned()),
        }
    }

    fn target<'s>(&self, reference: Cow<'s, str>) -> Result<Cow<'s, str>, String> {
        let quoted = |text: &str| {
            let mut out = String::new();
            crate::value::text::write_quoted_go(&mut out, text);
            out
        };
        match reference.strip_prefix(PREFIX) {
            None => Err(format!("unallowed reference to non-definition {}", quoted(&reference))),
            Some(name) if self.names.contains_key(name) => Ok(Cow::Owned(name.to_owned())),
            Some(name) => Err(format!("unknown model in reference: {}", quoted(name))),
        }
    }

    /// Looks for the first schema, as the document is written, that has no model.
    fn check(&self, schema: ValueRef<'_>, place: &Place<'_>) -> Result<(), Problem> {
        match self.model(schema).map_err(|message| place.problem(message))? {
            Model::Kind(properties) => {
                let mut as_written: Vec<_> = properties.members().collect();
                as_written.sort_by_key(|(_, property)| property.offset());
                let at = place.at("properties");
                as_written
                    .iter()
                    .try_for_each(|(name, property)| self.check(*property, &at.at(name)))
            }
            Model::Map(Some(element)) => self.check(element, &place.at("additionalProperties")),
            Model::Array(items) => self.check(items, &place.at("items")),
            Model::Map(None) | Model::Reference(_) | Model::Primitive(_) | Model::Arbitrary => {
                Ok(())
            }
        }
    }

    /// The type of a model; none for a reference.
    fn atom(&mut self, schema: ValueRef<'_>, place: &Place<'_>, preserve: bool) -> Option<AtomDef> {
        Some(match self.model(schema).unwrap_or(Model::Arbitrary) {
            Model::Reference(_) => return None,
            Model::Arbitrary => untyped_deduced(),
            Model::Primitive(_) if place.definition() == QUANTITY && !place.is_inlined() => {
                scalar("untyped")
            }
            Model::Primitive(ty) => scalar_of(&ty, &text(schema, "format")),
            Model::Kind(properties) => {
                let map = self.fields(schema, properties, place, preserve);
                AtomDef { map: Some(map), ..AtomDef::default() }
            }
            Model::Map(element) => {
                let relationship = NOTATION.map(schema, place, &mut self.findings);
                let element = match element {
                    None => TypeRefDef { inlined: untyped_deduced(), ..TypeRefDef::default() },
                    Some(element) => {
                        let at = place.at("additionalProperties");
                        self.type_ref(element, &at, preserve)
                    }
                };
                let map = MapDef { fields: Vec::new(), element: Box::new(element), relationship };
                AtomDef { map: Some(map), ..AtomDef::default() }
            }
            Model::Array(items) => {
                let (relationship, keys) = NOTATION.list(schema, place, &mut self.findings);
                if !keys.is_empty() {
                    let item = match self.model(items) {
                        Ok(Model::Reference(name)) => self.names.get(name.as_ref()).copied(),
                        _ => None,
                    };
                    remark_on_keys(&keys, item.unwrap_or(items), place, &mut self.findings);
                }
                let element = self.type_ref(items, &place.at("items"), preserve);
                let list = ListDef {
                    element: Box::new(element),
                    relationship: Some(relationship.to_owned()),
                    keys,
                };
                AtomDef { list: Some(list), ..AtomDef::default() }
            }
        })
    }

    fn fields(
        &mut self,
        schema: ValueRef<'_>,
        properties: ValueRef<'_>,
        place: &Place<'_>,
        preserve: bool,
    ) -> MapDef {
        let preserve = preserve || NOTATION.preserves(schema);
        let at = place.at("properties");
        let mut fields = Vec::new();
        for (name, property) in properties.members() {
            let type_ref = self.type_ref(property, &at.at(&name), preserve);
            fields.push((name.to_string(), type_ref, NOTATION.default(property)));
        }
        let mut map = MapDef { fields, ..MapDef::default() };
        if let Err(message) = NOTATION.unions(schema) {
            self.findings.problem(place, message);
            return map;
        }
        if preserve {
            *map.element = named(UNTYPED_DEDUCED);
        }
        map.relationship = NOTATION.map(schema, place, &mut self.findings);
        map
    }

    fn type_ref(&mut self, schema: ValueRef<'_>, place: &Place<'_>, preserve: bool) -> TypeRefDef {
        match self.model(schema).unwrap_or(Model::Arbitrary) {
            Model::Reference(name) if name == RAW_EXTENSION => named(UNTYPED_ATOMIC),
            Model::Reference(name) => {
                let relationship = NOTATION.map(schema, place, &mut self.findings);
                let referred = self.names.get(name.as_ref()).copied();
                let model = referred.map(|referred| self.model(referred));
                if matches!(model, Some(Ok(Model::Reference(_)))) {
                    self.findings.remark(place, only_a_reference(&name));
                }
                TypeRefDef { relationship, ..named(type_name(&name)) }
            }
            _ => {
                let inlined = self.atom(schema, &place.inlined(), preserve);
                TypeRefDef { inlined: inlined.unwrap_or_default(), ..TypeRefDef::default() }
            }
        }
    }
}
