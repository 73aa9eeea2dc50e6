//! From definitions with names to tables with indices.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::fieldpath::token;
use crate::value::Value;
use crate::value::text::{write_exact_json, write_json_string_quoted};

use super::compiled::{
    ALONE, Atom, Compiled, Defaults, ElementRelationship, Field, FieldDefault, Key, KeyDefault,
    ListPart, MapPart, Name, Scalar, Span, TypeId, prefix,
};

/// A schema as written: named types in order.
#[derive(Debug, Default)]
pub(crate) struct SchemaDef {
    pub(crate) types: Vec<(String, AtomDef)>,
}

/// The parts of a type as written.
#[derive(Debug, Default, Clone)]
pub(crate) struct AtomDef {
    pub(crate) scalar: Option<String>,
    pub(crate) list: Option<ListDef>,
    pub(crate) map: Option<MapDef>,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct ListDef {
    pub(crate) element: Box<TypeRefDef>,
    pub(crate) relationship: Option<String>,
    pub(crate) keys: Vec<String>,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct MapDef {
    pub(crate) fields: Vec<(String, TypeRefDef, Option<Value>)>,
    pub(crate) element: Box<TypeRefDef>,
    pub(crate) relationship: Option<String>,
}

/// A reference to a type: by name, or the type itself; either may override the relationship.
#[derive(Debug, Default, Clone)]
pub(crate) struct TypeRefDef {
    pub(crate) named: Option<String>,
    pub(crate) inlined: AtomDef,
    pub(crate) relationship: Option<String>,
    pub(crate) nullable: bool,
}

impl TypeRefDef {
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_none()
            && self.inlined.scalar.is_none()
            && self.inlined.list.is_none()
            && self.inlined.map.is_none()
            && self.relationship.is_none()
            && !self.nullable
    }
}

fn relationship(word: Option<&str>) -> ElementRelationship {
    match word {
        Some("atomic") => ElementRelationship::Atomic,
        Some("associative") => ElementRelationship::Associative,
        Some("separable") => ElementRelationship::Separable,
        _ => ElementRelationship::Unset,
    }
}

const EMPTY_ATOM: Atom = Atom {
    name: Span::NONE,
    unresolved: false,
    scalar: Scalar::None,
    scalar_name: Span::NONE,
    list: None,
    map: None,
};

#[derive(Default)]
struct Builder {
    pool: String,
    texts: HashMap<String, Span>,
    types: Vec<Atom>,
    fields: Vec<Field>,
    keys: Vec<Key>,
    named: HashMap<String, TypeId>,
    /// References by name that are not plain: overridden or leading nowhere.
    references: HashMap<(String, Option<ElementRelationship>), TypeId>,
    scalars: HashMap<String, TypeId>,
    /// The defaults of a map's fields, by the map's first field.
    defaults: HashMap<TypeId, Vec<(Span, Span)>>,
    /// All of them, as a list of maps of one member, open at its end.
    default_texts: String,
    default_fields: Vec<FieldDefault>,
    /// Lists whose keys await the defaults of their element type.
    keyed: Vec<TypeId>,
    /// Overridden references, filled in once the types they name are.
    overridden: Vec<(TypeId, TypeId, ElementRelationship)>,
}

/// Compiles a schema. Of repeated type or field names the last counts. Linear but for the sorting
/// of names.
pub(crate) fn compile(definition: &SchemaDef) -> Compiled {
    compile_for(definition, &[]).0
}

/// Compiles a schema and finds the types of these names. A name without a type is a reference that
/// leads nowhere.
pub(crate) fn compile_for(definition: &SchemaDef, wanted: &[&str]) -> (Compiled, Vec<TypeId>) {
    let mut builder = Builder::default();
    builder.types.push(EMPTY_ATOM);
    for (name, _) in &definition.types {
        if !builder.named.contains_key(name) {
            let id = builder.reserve();
            builder.named.insert(name.clone(), id);
        }
    }
    for (name, atom) in &definition.types {
        let id = builder.named.get(name).copied().unwrap_or(TypeId::EMPTY);
        let span = builder.text(name);
        let compiled = builder.atom(id, atom, span);
        builder.set(id, compiled);
    }
    let found = wanted.iter().map(|name| builder.named_reference(name, None)).collect();
    (builder.finish(), found)
}

impl Builder {
    fn reserve(&mut self) -> TypeId {
        self.types.push(EMPTY_ATOM);
        TypeId(self.types.len() as u32 - 1)
    }

    fn set(&mut self, id: TypeId, atom: Atom) {
        if let Some(slot) = self.types.get_mut(id.0 as usize) {
            *slot = atom;
        }
    }

    fn get(&self, id: TypeId) -> Atom {
        self.types.get(id.0 as usize).copied().unwrap_or(EMPTY_ATOM)
    }

    fn text(&mut self, text: &str) -> Span {
        if let Some(span) = self.texts.get(text) {
            return *span;
        }
        let span = Span { start: self.pool.len() as u32, len: text.len() as u32 };
        self.pool.push_str(text);
        self.texts.insert(text.to_owned(), span);
        span
    }

    fn atom(&mut self, id: TypeId, atom: &AtomDef, name: Span) -> Atom {
        let scalar = match atom.scalar.as_deref() {
            None | Some("") => Scalar::None,
            Some("numeric") => Scalar::Numeric,
            Some("string") => Scalar::String,
            Some("boolean") => Scalar::Boolean,
            Some("untyped") => Scalar::Untyped,
            Some(_) => Scalar::Other,
        };
        let scalar_name = match (scalar, atom.scalar.as_deref()) {
            (Scalar::Other, Some(word)) => self.text(word),
            _ => Span::NONE,
        };
        let list = atom.list.as_ref().map(|list| self.list(id, list));
        let map = atom.map.as_ref().map(|map| self.map(id, map));
        Atom { name, unresolved: false, scalar, scalar_name, list, map }
    }

    fn list(&mut self, id: TypeId, list: &ListDef) -> ListPart {
        let element = self.reference(&list.element);
        let first = self.keys.len() as u32;
        let mut names: Vec<&str> = list.keys.iter().map(String::as_str).collect();
        for sorted in [false, true] {
            if sorted {
                names.sort_unstable();
            }
            for name in &names {
                let name = self.text(name);
                self.keys.push(Key { name, default: KeyDefault::None });
            }
        }
        if !names.is_empty() {
            self.keyed.push(id);
        }
        ListPart {
            element,
            relationship: relationship(list.relationship.as_deref()),
            keys: first,
            key_count: names.len() as u32,
        }
    }

    fn map(&mut self, id: TypeId, map: &MapDef) -> MapPart {
        let element = self.reference(&map.element);
        // Of fields with one name the last counts.
        let mut sorted: Vec<(&str, usize)> =
            map.fields.iter().enumerate().map(|(at, (name, ..))| (name.as_str(), at)).collect();
        sorted.sort_unstable_by(|left, right| left.0.cmp(right.0).then(right.1.cmp(&left.1)));
        sorted.dedup_by_key(|(name, _)| *name);
        let mut fields = Vec::with_capacity(sorted.len());
        let mut defaults = Vec::new();
        let mut places = Vec::new();
        for (text, at) in sorted {
            let Some((_, type_ref, default)) = map.fields.get(at) else { continue };
            let name = self.text(text);
            let prefix = prefix(text);
            fields.push(Field { name, prefix, type_id: self.reference(type_ref) });
            if let Some(default) = default {
                let mut json = String::new();
                write_exact_json(&mut json, default.as_ref());
                let json = self.text(&json);
                defaults.push((name, json));
                places.push((fields.len() as u32 - 1, type_ref.nullable, text, json));
            }
        }
        let first = self.fields.len() as u32;
        for (place, nullable, name, json) in places {
            self.default_fields.push(FieldDefault { field: first + place, nullable });
            self.default_texts.push_str(if self.default_texts.is_empty() { "[{" } else { "},{" });
            write_json_string_quoted(&mut self.default_texts, name);
            self.default_texts.push(':');
            let json = self.pool.get(json.start as usize..(json.start + json.len) as usize);
            self.default_texts.push_str(json.unwrap_or("null"));
        }
        self.fields.extend_from_slice(&fields);
        if !defaults.is_empty() {
            self.defaults.insert(id, defaults);
        }
        let untyped_deduced = fields.is_empty()
            && match &map.element.named {
                Some(name) => name == "__untyped_deduced_",
                None => map.element.inlined.scalar.as_deref() == Some("untyped"),
            };
        MapPart {
            element,
            relationship: relationship(map.relationship.as_deref()),
            fields: first,
            field_count: fields.len() as u32,
            untyped_deduced,
        }
    }

    fn reference(&mut self, reference: &TypeRefDef) -> TypeId {
        if reference.is_empty() {
            return TypeId::EMPTY;
        }
        let over = reference.relationship.as_deref().map(|word| relationship(Some(word)));
        match &reference.named {
            Some(name) => self.named_reference(name, over),
            None => self.inlined(&reference.inlined, over),
        }
    }

    fn named_reference(&mut self, name: &str, over: Option<ElementRelationship>) -> TypeId {
        let target = self.named.get(name).copied();
        if let (Some(target), None) = (target, over) {
            return target;
        }
        let key = (name.to_owned(), over);
        if let Some(id) = self.references.get(&key) {
            return *id;
        }
        let id = self.reserve();
        self.references.insert(key, id);
        match (target, over) {
            (Some(target), Some(over)) => self.overridden.push((id, target, over)),
            _ => {
                let name = self.text(name);
                self.set(id, Atom { name, unresolved: true, ..EMPTY_ATOM });
            }
        }
        id
    }

    fn inlined(&mut self, atom: &AtomDef, over: Option<ElementRelationship>) -> TypeId {
        let only_scalar = atom.list.is_none() && atom.map.is_none() && over.is_none();
        if only_scalar {
            let word = atom.scalar.clone().unwrap_or_default();
            if let Some(id) = self.scalars.get(&word) {
                return *id;
            }
            let id = self.reserve();
            self.scalars.insert(word, id);
            let compiled = self.atom(id, atom, Span::NONE);
            self.set(id, compiled);
            return id;
        }
        let id = self.reserve();
        let mut compiled = self.atom(id, atom, Span::NONE);
        if let Some(over) = over {
            compiled = override_relationship(compiled, over);
        }
        self.set(id, compiled);
        id
    }

    fn finish(mut self) -> Compiled {
        for (id, target, over) in std::mem::take(&mut self.overridden) {
            let compiled = override_relationship(self.get(target), over);
            if let (Some(defaults), true) =
                (self.defaults.get(&target).cloned(), compiled.map.is_some())
            {
                self.defaults.insert(id, defaults);
            }
            self.set(id, compiled);
        }
        for id in std::mem::take(&mut self.keyed) {
            let Some(list) = self.get(id).list else { continue };
            let element = self.get(list.element);
            for at in list.keys..list.keys + 2 * list.key_count {
                let Some(key) = self.keys.get_mut(at as usize) else { continue };
                key.default = if element.unresolved {
                    KeyDefault::NoElementType
                } else if element.map.is_none() {
                    KeyDefault::NotMap
                } else {
                    let defaults = self.defaults.get(&list.element);
                    let default = defaults.and_then(|defaults| {
                        defaults.iter().find(|(name, _)| *name == key.name).map(|(_, json)| *json)
                    });
                    default.map_or(KeyDefault::None, KeyDefault::Value)
                };
            }
        }
        let mut names: Vec<Name> = Vec::with_capacity(self.named.len());
        for (name, id) in &self.named {
            if let Some(span) = self.texts.get(name) {
                names.push(Name { name: *span, type_id: *id, editions: ALONE });
            }
        }
        let defaults = (!self.default_fields.is_empty()).then(|| {
            self.default_texts.push_str("}]");
            Value::from_json(&self.default_texts).ok()
        });
        let defaults = defaults.flatten().map(|document| {
            Box::new(Defaults { document, fields: std::mem::take(&mut self.default_fields) })
        });
        let pool = self.pool;
        let text = |span: Span| {
            pool.get(span.start as usize..(span.start + span.len) as usize).unwrap_or_default()
        };
        names.sort_unstable_by(|left, right| text(left.name).cmp(text(right.name)));
        let has_broken_lists = self.types.iter().any(|atom| {
            atom.list.is_some_and(|list| {
                !matches!(
                    list.relationship,
                    ElementRelationship::Atomic | ElementRelationship::Associative
                )
            })
        });
        let has_wide_keys = self.keys.iter().any(|key| match key.default {
            KeyDefault::Value(json) => token::is_wide(format!("v:{}", text(json))),
            _ => false,
        });
        Compiled {
            types: Cow::Owned(self.types),
            fields: Cow::Owned(self.fields),
            keys: Cow::Owned(self.keys),
            names: Cow::Owned(names),
            edition: ALONE,
            pool: Cow::Owned(pool),
            has_broken_lists: has_broken_lists || has_wide_keys,
            defaults,
        }
    }
}

/// The map part takes the override, else the list part; a type with neither cannot.
fn override_relationship(mut atom: Atom, over: ElementRelationship) -> Atom {
    if let Some(map) = &mut atom.map {
        map.relationship = over;
    } else if let Some(list) = &mut atom.list {
        list.relationship = over;
    } else {
        return Atom { name: atom.name, unresolved: true, ..EMPTY_ATOM };
    }
    atom
}
