//! Owned documents and views of their parts.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, IntoDeserializer};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use super::arena::{Arena, Node, Source, Tag};
use super::parse::{ParseError, ParseErrorKind};
use super::text;
use crate::deep;

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Kind {
    /// An explicit null; never the same as an absent value.
    Null,
    /// `true` or `false`.
    Bool,
    /// An integer literal that fits 64 bits.
    Int,
    /// Every other number, as 64-bit floating point.
    Float,
    /// Text.
    String,
    /// A list.
    List,
    /// A map with string keys.
    Map,
}

impl Kind {
    /// The kind as a sentence names it.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Int | Kind::Float => "a number",
            Kind::String => "a string",
            Kind::List => "a list",
            Kind::Map => "a map",
        }
    }
}

/// Levels up to which values are handed to serde, whose own recursion is not ours to bound.
const SERDE_DEPTH: usize = 128;

/// A parsed JSON document, cheap to clone.
///
/// Numbers are as Kubernetes sees them: a literal that fits a signed 64-bit integer is an integer,
/// every other number a 64-bit float. Of repeated keys the last counts.
///
/// ```
/// use managed_fields::value::Value;
/// let value = Value::from_json(r#"{"spec":{"replicas":3}}"#)?;
/// assert_eq!(value.as_ref().get("spec").and_then(|s| s.get("replicas")).and_then(|r| r.as_i64()), Some(3));
/// # Ok::<(), managed_fields::value::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Value {
    arena: Arc<Arena<'static>>,
    root: Node,
}

impl Value {
    /// Parses JSON text. Linear in the text, n log n where keys are unsorted.
    ///
    /// # Errors
    /// Anything that is not one JSON document, numbers out of range, more than 10,000 levels.
    pub fn from_json(json: &str) -> Result<Value, ParseError> {
        Value::from_text(json)
    }

    /// Parses JSON bytes, which must be UTF-8.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json), and invalid UTF-8 with its offset.
    pub fn from_json_bytes(json: &[u8]) -> Result<Value, ParseError> {
        match std::str::from_utf8(json) {
            Ok(text) => Value::from_json(text),
            Err(error) => {
                Err(ParseError::at(ParseErrorKind::InvalidUtf8, json, error.valid_up_to()))
            }
        }
    }

    pub(crate) fn from_text(json: impl Into<Arc<str>>) -> Result<Value, ParseError> {
        let mut arena = Arena::default();
        let root = arena.parse(Source::Shared(json.into()))?;
        Ok(Value { arena: arena.finished(), root })
    }

    /// The null value.
    pub fn null() -> Value {
        Value { arena: Arc::new(Arena::default()), root: Node::NULL }
    }

    /// Takes any serialisable value.
    ///
    /// # Errors
    /// What its `Serialize` implementation or JSON refuses.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Value, serde_json::Error> {
        let json = serde_json::to_string(value)?;
        Value::from_text(json).map_err(serde::ser::Error::custom)
    }

    /// Reads any deserialisable type.
    ///
    /// # Errors
    /// What its `Deserialize` implementation refuses; values deeper than 128 levels.
    pub fn to_deserialize<T: de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(self.as_ref())
    }

    pub(crate) fn from_parts(arena: Arc<Arena<'static>>, root: Node) -> Value {
        Value { arena, root }
    }

    pub(crate) fn parts(&self) -> (&Arena<'static>, Node) {
        (&self.arena, self.root)
    }

    /// Whether the text says what the value is: no key is repeated and no surrogate unpaired.
    #[cfg(feature = "cli")]
    pub(crate) fn is_verbatim(&self) -> bool {
        self.root.is_verbatim()
    }

    /// A view of the whole document.
    pub fn as_ref(&self) -> ValueRef<'_> {
        ValueRef::new(&self.arena, self.root)
    }

    /// The document as compact JSON: unchanged parts in their own spelling.
    pub fn to_json(&self) -> String {
        self.as_ref().to_json()
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

/// A view of a value inside a document.
#[derive(Clone, Copy)]
pub struct ValueRef<'a> {
    arena: &'a Arena<'a>,
    node: Node,
    /// Integers read as floats.
    floats: bool,
}

impl<'a> ValueRef<'a> {
    pub(crate) fn new(arena: &'a Arena<'a>, node: Node) -> ValueRef<'a> {
        ValueRef { arena, node, floats: false }
    }

    /// A view in which every number is a float, as FieldsV1 reads them.
    pub(crate) fn of_floats(arena: &'a Arena<'a>, node: Node) -> ValueRef<'a> {
        ValueRef { arena, node, floats: true }
    }

    pub(crate) fn parts(self) -> (&'a Arena<'a>, Node) {
        (self.arena, self.node)
    }

    /// Where the value, or the key of a member, begins in the text of its document, in bytes.
    pub(crate) fn offset(self) -> usize {
        self.node.offset()
    }

    /// No part of the value is nested deeper than this.
    pub(crate) fn depth(self) -> usize {
        self.arena.depth()
    }

    fn part(self, node: Node) -> ValueRef<'a> {
        ValueRef { node, ..self }
    }

    /// What the value is.
    pub fn kind(self) -> Kind {
        match self.node.tag() {
            Tag::Null => Kind::Null,
            Tag::False | Tag::True => Kind::Bool,
            Tag::Int if !self.floats => Kind::Int,
            Tag::Int | Tag::Float => Kind::Float,
            Tag::String => Kind::String,
            Tag::List => Kind::List,
            Tag::Map => Kind::Map,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        match self.node.tag() {
            Tag::False => Some(false),
            Tag::True => Some(true),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_i64(self) -> Option<i64> {
        (self.kind() == Kind::Int).then(|| self.arena.int(self.node))
    }

    /// The number, if it is one, integers converted.
    pub fn as_f64(self) -> Option<f64> {
        let read = || {
            if self.floats { self.arena.float(self.node) } else { self.arena.number(self.node) }
        };
        matches!(self.node.tag(), Tag::Int | Tag::Float).then(read)
    }

    /// The text, if it is a string; borrowed unless the source escapes it.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        (self.node.tag() == Tag::String).then(|| self.arena.string(self.node))
    }

    /// Items of a list or members of a map; 0 for anything else.
    pub fn len(self) -> usize {
        self.node.count()
    }

    /// Whether there are no items and no members.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items of a list in order; nothing for anything else.
    pub fn items(self) -> Items<'a> {
        let nodes = match self.node.tag() {
            Tag::List => self.arena.children(self.node),
            _ => &[],
        };
        Items { list: self, nodes: nodes.iter() }
    }

    /// The members of a map in ascending byte order of their keys; nothing for anything else.
    pub fn members(self) -> Members<'a> {
        let nodes = match self.node.tag() {
            Tag::Map => self.arena.children(self.node),
            _ => &[],
        };
        Members { map: self, nodes: nodes.iter() }
    }

    /// The member with this key. Logarithmic in the number of members.
    pub fn get(self, key: &str) -> Option<ValueRef<'a>> {
        self.arena.member(self.node, key).map(|node| self.part(node))
    }

    /// The order that sorts path elements: numbers, strings, booleans, lists, maps, null.
    pub fn cmp_order(self, other: ValueRef<'_>) -> Ordering {
        // Views of different arenas are compared in a joint one; path elements are small.
        let Some((arena, left, right)) = joint(self, other) else { return Ordering::Equal };
        crate::deep::with_stack(arena.depth(), || arena.compare(left, right))
    }

    /// The value as compact JSON: unchanged parts in their own spelling.
    pub fn to_json(self) -> String {
        let mut out = String::new();
        self.arena.write(self.node, &mut out);
        out
    }

    /// The value as canonical JSON: compact, keys sorted, `<`, `>` and `&` escaped, numbers as Go
    /// prints them.
    pub fn to_canonical_json(self) -> String {
        let mut out = String::new();
        deep::with_stack(self.arena.depth(), || text::write_json(&mut out, self));
        out
    }

    /// An owned document of this value alone.
    pub fn to_value(self) -> Value {
        let mut arena = Arena::default();
        match arena.parse(Source::Shared(self.arena.detach(self.node).into())) {
            Ok(root) => Value { arena: arena.finished(), root },
            Err(_) => Value::null(),
        }
    }
}

/// Both values in one arena.
fn joint<'a>(left: ValueRef<'a>, right: ValueRef<'_>) -> Option<(Arena<'a>, Node, Node)> {
    let mut arena = Arena::default();
    let a = arena.parse(Source::Shared(left.arena.detach(left.node).into())).ok()?;
    let b = arena.parse(Source::Shared(right.arena.detach(right.node).into())).ok()?;
    Some((arena, a, b))
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        if std::ptr::eq(self.arena, other.arena) {
            return deep::with_stack(self.arena.depth(), || {
                self.arena.equal(self.node, other.node)
            });
        }
        match joint(*self, *other) {
            Some((arena, a, b)) => deep::with_stack(arena.depth(), || arena.equal(a, b)),
            None => false,
        }
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

/// The value as paths show it: strings quoted, numbers short.
impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        deep::with_stack(self.arena.depth(), || text::write_path_value(&mut out, *self));
        f.write_str(&out)
    }
}

/// The items of a list.
#[derive(Clone)]
pub struct Items<'a> {
    list: ValueRef<'a>,
    nodes: std::slice::Iter<'a, Node>,
}

impl<'a> Iterator for Items<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        self.nodes.next().map(|node| self.list.part(*node))
    }

    fn nth(&mut self, n: usize) -> Option<ValueRef<'a>> {
        self.nodes.nth(n).map(|node| self.list.part(*node))
    }
}

/// The members of a map, by ascending key.
#[derive(Clone)]
pub struct Members<'a> {
    map: ValueRef<'a>,
    nodes: std::slice::Iter<'a, Node>,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, ValueRef<'a>);

    fn next(&mut self) -> Option<(Cow<'a, str>, ValueRef<'a>)> {
        let node = *self.nodes.next()?;
        Some((self.map.arena.key(node), self.map.part(node)))
    }
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.arena.depth() > SERDE_DEPTH {
            return Err(S::Error::custom("value nests deeper than 128 levels"));
        }
        match self.node.tag() {
            Tag::Null => serializer.serialize_unit(),
            Tag::False => serializer.serialize_bool(false),
            Tag::True => serializer.serialize_bool(true),
            Tag::Int => serializer.serialize_i64(self.arena.int(self.node)),
            Tag::Float => serializer.serialize_f64(self.arena.float(self.node)),
            Tag::String => serializer.serialize_str(&self.arena.string(self.node)),
            Tag::List => {
                let mut list = serializer.serialize_seq(Some(self.len()))?;
                for item in self.items() {
                    list.serialize_element(&item)?;
                }
                list.end()
            }
            Tag::Map => {
                let mut map = serializer.serialize_map(Some(self.len()))?;
                for (key, member) in self.members() {
                    map.serialize_entry(&*key, &member)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> de::Deserializer<'de> for ValueRef<'_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.arena.depth() > SERDE_DEPTH {
            return Err(de::Error::custom("value nests deeper than 128 levels"));
        }
        match self.node.tag() {
            Tag::Null => visitor.visit_unit(),
            Tag::False => visitor.visit_bool(false),
            Tag::True => visitor.visit_bool(true),
            Tag::Int => visitor.visit_i64(self.arena.int(self.node)),
            Tag::Float => visitor.visit_f64(self.arena.float(self.node)),
            Tag::String => match self.arena.string(self.node) {
                Cow::Borrowed(text) => visitor.visit_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Tag::List => visitor.visit_seq(de::value::SeqDeserializer::new(self.items())),
            Tag::Map => visitor.visit_map(de::value::MapDeserializer::new(self.members())),
        }
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: de::Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: de::Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self.as_str() {
            Some(text) => visitor.visit_enum(text.into_deserializer()),
            None => {
                let tree: serde_json::Value = serde_json::Value::deserialize(self)?;
                tree.deserialize_enum(name, variants, visitor)
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for ValueRef<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
