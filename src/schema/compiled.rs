//! The compiled form: flat tables of plain numbers, either built at run time or static data.
//!
//! All text lives in one pool and all lists in shared tables, so that a table can be written down
//! as constants and used without any work at start.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::value::Value;
use crate::value::text::{is_same, prefix_word};

/// How the elements of a list or map are owned.
///
/// Source: the `elementRelationship` of the merge schema, from `x-kubernetes-list-type` and
/// `x-kubernetes-map-type` in the API reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum ElementRelationship {
    /// Not stated, or a word that has no meaning: maps are granular, lists cannot be merged.
    Unset,
    /// Owned as a whole.
    Atomic,
    /// A list of items with identity: by keys, or by value for a set.
    Associative,
    /// A map whose entries are owned one by one.
    Separable,
}

/// The scalar part of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Scalar {
    None,
    Numeric,
    String,
    Boolean,
    Untyped,
    /// A word that is no scalar kind; the type's `scalar_name` says which.
    Other,
}

/// A type of one schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub(crate) struct TypeId(pub(crate) u32);

impl TypeId {
    /// The reference that says nothing: undeclared members of a map of this element type are
    /// errors.
    pub(crate) const EMPTY: TypeId = TypeId(0);
}

/// A piece of the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Span {
    pub(crate) const NONE: Span = Span { start: 0, len: 0 };
}

/// A type after resolution: any of the three parts may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Atom {
    /// The name of the named type, empty for an inlined one.
    pub(crate) name: Span,
    /// The reference leads nowhere, or overrides what has no elements.
    pub(crate) unresolved: bool,
    pub(crate) scalar: Scalar,
    pub(crate) scalar_name: Span,
    pub(crate) list: Option<ListPart>,
    pub(crate) map: Option<MapPart>,
}

/// The list part of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListPart {
    pub(crate) element: TypeId,
    pub(crate) relationship: ElementRelationship,
    /// The first of the keys in `Compiled::keys`, in the schema's order; the same keys sorted by
    /// name follow them.
    pub(crate) keys: u32,
    pub(crate) key_count: u32,
}

/// The map part of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapPart {
    pub(crate) element: TypeId,
    pub(crate) relationship: ElementRelationship,
    /// The first of the fields in `Compiled::fields`, sorted by name.
    pub(crate) fields: u32,
    pub(crate) field_count: u32,
    /// No fields, and elements of the type that schemaless objects have.
    pub(crate) untyped_deduced: bool,
}

impl ListPart {
    pub(crate) fn is_atomic(self) -> bool {
        self.relationship == ElementRelationship::Atomic
    }
}

impl MapPart {
    pub(crate) fn is_atomic(self) -> bool {
        self.relationship == ElementRelationship::Atomic
    }
}

/// A declared field of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: Span,
    /// The first eight bytes of the name, as [`prefix`] reads them.
    pub(crate) prefix: u64,
    pub(crate) type_id: TypeId,
}

/// The first eight bytes of a name as one number: names of different prefixes are ordered as
/// these are.
#[inline]
pub(crate) fn prefix(name: &str) -> u64 {
    prefix_word(name.as_bytes(), 0, name.len())
}

/// What stands for a list key that an item lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyDefault {
    /// The key is left out.
    None,
    /// This value, as token text (canonical JSON).
    Value(Span),
    /// The element type cannot be resolved.
    NoElementType,
    /// The element type has no map part.
    NotMap,
}

/// A key of an associative list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) name: Span,
    pub(crate) default: KeyDefault,
}

/// The defaults of a schema's fields.
#[derive(Debug)]
pub(crate) struct Defaults {
    /// A list of maps of one member each, the field and its default.
    pub(crate) document: Value,
    /// The field of each item, ascending.
    pub(crate) fields: Vec<FieldDefault>,
}

/// A field that has a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldDefault {
    /// Which of `Compiled::fields`.
    pub(crate) field: u32,
    /// Null is a value of the field.
    pub(crate) nullable: bool,
}

/// The edition of a schema that shares its tables with no other.
pub(crate) const ALONE: u8 = 1;

/// A named type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) name: Span,
    pub(crate) type_id: TypeId,
    /// The schemas that have it, a bit for each that shares the tables.
    pub(crate) editions: u8,
}

/// A schema's tables. Several schemas may share all but `edition`.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) pool: Cow<'static, str>,
    pub(crate) types: Cow<'static, [Atom]>,
    pub(crate) fields: Cow<'static, [Field]>,
    pub(crate) keys: Cow<'static, [Key]>,
    /// The named types, sorted by name.
    pub(crate) names: Cow<'static, [Name]>,
    /// The bit of the names that are this schema's.
    pub(crate) edition: u8,
    /// Some list neither atomic nor associative, or keyed by an integer beyond 2^53 by default: there
    /// comparing a value with itself may be an error.
    pub(crate) has_broken_lists: bool,
    /// None if no field has a default. The tables of built-in kinds do without: see
    /// `SchemaDefaults` of the field manager.
    pub(crate) defaults: Option<Box<Defaults>>,
}

/// What an index that leads nowhere means; no table of ours holds one.
static NOTHING: Atom = Atom {
    name: Span::NONE,
    unresolved: false,
    scalar: Scalar::None,
    scalar_name: Span::NONE,
    list: None,
    map: None,
};

impl Compiled {
    #[inline]
    pub(crate) fn text(&self, span: Span) -> &str {
        let start = span.start as usize;
        self.pool.get(start..start + span.len as usize).unwrap_or_default()
    }

    #[inline]
    fn bytes(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        self.pool.as_bytes().get(start..start + span.len as usize).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn atom(&self, id: TypeId) -> &Atom {
        self.types.get(id.0 as usize).unwrap_or(&NOTHING)
    }

    pub(crate) fn fields(&self, map: &MapPart) -> &[Field] {
        let start = map.fields as usize;
        self.fields.get(start..start + map.field_count as usize).unwrap_or_default()
    }

    /// The keys in the schema's order.
    pub(crate) fn keys(&self, list: &ListPart) -> &[Key] {
        let start = list.keys as usize;
        self.keys.get(start..start + list.key_count as usize).unwrap_or_default()
    }

    /// The keys sorted by name.
    pub(crate) fn sorted_keys(&self, list: &ListPart) -> &[Key] {
        let start = (list.keys + list.key_count) as usize;
        self.keys.get(start..start + list.key_count as usize).unwrap_or_default()
    }

    /// The fields of a map that have defaults, sorted by name, and the number of the first default.
    pub(crate) fn defaults(&self, map: &MapPart) -> (usize, &[FieldDefault]) {
        let all = self.defaults.as_ref().map_or(&[][..], |defaults| &defaults.fields);
        let first = all.partition_point(|default| default.field < map.fields);
        let end = all.partition_point(|default| default.field < map.fields + map.field_count);
        (first, all.get(first..end).unwrap_or_default())
    }

    pub(crate) fn named(&self, name: &str) -> Option<TypeId> {
        let first = self.names.partition_point(|row| self.text(row.name) < name);
        let rest = self.names.get(first..).unwrap_or_default();
        let mut same = rest.iter().take_while(|row| self.text(row.name) == name);
        same.find(|row| self.has(row.editions)).map(|row| row.type_id)
    }

    /// Whether what these editions have is this schema's.
    pub(crate) fn has(&self, editions: u8) -> bool {
        editions & self.edition != 0
    }
}

/// Looks fields up for names that come in ascending order, the order of an object's members.
pub(crate) struct FieldCursor<'s> {
    schema: &'s Compiled,
    fields: &'s [Field],
    element: TypeId,
}

impl<'s> FieldCursor<'s> {
    pub(crate) fn new(schema: &'s Compiled, map: &MapPart) -> FieldCursor<'s> {
        FieldCursor { schema, fields: schema.fields(map), element: map.element }
    }

    /// The type of the member and whether it is a declared field.
    #[inline]
    pub(crate) fn find(&mut self, name: &str) -> (TypeId, bool) {
        self.find_in(name.as_bytes(), 0, name.len())
    }

    /// As [`find`](Self::find), for a name that is a part of a text.
    #[inline]
    pub(crate) fn find_in(&mut self, text: &[u8], start: usize, end: usize) -> (TypeId, bool) {
        if self.fields.is_empty() {
            return (self.element, false);
        }
        self.find_prefixed(prefix_word(text, start, end), text, start, end)
    }

    /// As [`find_in`](Self::find_in), for a name of which it is known how it begins.
    #[inline]
    pub(crate) fn find_prefixed(
        &mut self,
        wanted: u64,
        text: &[u8],
        start: usize,
        end: usize,
    ) -> (TypeId, bool) {
        while let Some((field, rest)) = self.fields.split_first() {
            if field.prefix < wanted {
                self.fields = rest;
                continue;
            }
            if field.prefix > wanted {
                break;
            }
            // Of two short names of one prefix the shorter is less.
            let order = match (field.name.len as usize, end - start) {
                (ours @ ..=8, theirs @ ..=8) => ours.cmp(&theirs),
                _ => {
                    let ours = self.schema.bytes(field.name);
                    let theirs = text.get(start..end).unwrap_or_default();
                    if is_same(ours, theirs) { Ordering::Equal } else { ours.cmp(theirs) }
                }
            };
            match order {
                Ordering::Less => self.fields = rest,
                Ordering::Equal => {
                    self.fields = rest;
                    return (field.type_id, true);
                }
                Ordering::Greater => break,
            }
        }
        (self.element, false)
    }
}

/// A compiled merge schema, cheap to clone.
///
/// Two schemas are the same only if one is a clone of the other: values are merged and compared
/// only under the same schema, as in the reference.
#[derive(Clone)]
pub struct Schema(Tables);

#[derive(Clone)]
enum Tables {
    Static(&'static Compiled),
    Shared(Arc<Compiled>),
}

impl Schema {
    pub(crate) fn from_static(tables: &'static Compiled) -> Schema {
        Schema(Tables::Static(tables))
    }

    pub(crate) fn from_compiled(tables: Compiled) -> Schema {
        Schema(Tables::Shared(Arc::new(tables)))
    }

    #[inline]
    pub(crate) fn tables(&self) -> &Compiled {
        match &self.0 {
            Tables::Static(tables) => tables,
            Tables::Shared(tables) => tables,
        }
    }

    /// The schema of objects without one: maps granular at every level, lists atomic.
    pub fn deduced() -> Schema {
        Schema::from_static(&super::deduced::DEDUCED)
    }

    /// The type that [`deduced`](Self::deduced) gives to every object.
    pub fn deduced_type() -> Type {
        Type { schema: Schema::deduced(), id: super::deduced::ROOT }
    }

    /// The named type. Logarithmic in the number of types; allocates nothing.
    pub fn type_named(&self, name: &str) -> Option<Type> {
        let id = self.tables().named(name)?;
        Some(Type { schema: self.clone(), id })
    }

    /// The names of all types, ascending.
    pub fn type_names(&self) -> impl Iterator<Item = &str> {
        let tables = self.tables();
        let own = tables.names.iter().filter(|row| tables.has(row.editions));
        own.map(|row| tables.text(row.name))
    }

    pub(crate) fn is_same(&self, other: &Schema) -> bool {
        std::ptr::eq(self.tables(), other.tables())
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Schema) -> bool {
        self.is_same(other)
    }
}

impl Eq for Schema {}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("types", &self.type_names().count()).finish()
    }
}

/// A type of a schema.
#[derive(Clone, PartialEq, Eq)]
pub struct Type {
    pub(crate) schema: Schema,
    pub(crate) id: TypeId,
}

impl Type {
    /// The schema that the type belongs to.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether maps of this type are owned entry by entry.
    pub(crate) fn is_granular_map(&self) -> bool {
        let atom = self.schema.tables().atom(self.id);
        atom.map.is_some_and(|map| !map.is_atomic())
    }

    /// The type's name; empty for an inlined type.
    pub fn name(&self) -> &str {
        let tables = self.schema.tables();
        tables.text(tables.atom(self.id).name)
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Type").field(&self.name()).finish()
    }
}
