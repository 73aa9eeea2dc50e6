//! How items of a list are identified.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use smallvec::SmallVec;

use crate::fieldpath::{Level, Sorted, token};
use crate::schema::{Compiled, ElementRelationship, KeyDefault, ListPart};
use crate::value::{Arena, Node, Tag, ValueRef};

/// Writes the path element of an item of an associative list, or says why it has none.
///
/// A keyed item is identified by those of the keys that it holds, an explicit null included, and
/// by the defaults of those that it lacks; an item of a set by its value.
pub(crate) fn write_item_token(
    schema: &Compiled,
    arena: &Arena<'_>,
    list: &ListPart,
    item: Node,
    out: &mut String,
) -> Result<(), String> {
    if list.relationship != ElementRelationship::Associative {
        return Err("invalid indexing of non-associative list".to_owned());
    }
    if list.key_count == 0 {
        return match item.tag() {
            Tag::Map => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Tag::List => Err("not supported: associative list with lists as elements".to_owned()),
            Tag::Null => {
                Err("associative list without keys has an element that's an explicit null"
                    .to_owned())
            }
            _ => {
                token::write_value(out, ValueRef::new(arena, item));
                Ok(())
            }
        };
    }
    match item.tag() {
        Tag::Null => {
            return Err("associative list with keys may not have a null element".to_owned());
        }
        Tag::Map => {}
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    }
    let start = out.len();
    let mut key = token::KeyWriter::new(out);
    for field in schema.sorted_keys(list) {
        let name = schema.text(field.name);
        match (arena.member(item, name), field.default) {
            (Some(value), _) => key.value(name, ValueRef::new(arena, value)),
            (None, KeyDefault::Value(json)) => key.json(name, schema.text(json)),
            (None, KeyDefault::None) => {}
            (None, KeyDefault::NoElementType | KeyDefault::NotMap) => {
                out.truncate(start);
                return Err(no_default(schema, arena, list, item));
            }
        }
    }
    if key.finish() == 0 {
        out.truncate(start);
        let names: Vec<String> =
            schema.keys(list).iter().map(|key| quoted(schema.text(key.name))).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            names.join(" ")
        ));
    }
    Ok(())
}

/// Whether an item of an associative list has a path element: whether [`write_item_token`] writes
/// one.
pub(super) fn has_token(schema: &Compiled, arena: &Arena<'_>, list: &ListPart, item: Node) -> bool {
    match item.tag() {
        Tag::Null | Tag::List => false,
        Tag::Map if list.key_count == 0 => false,
        Tag::Map => {
            let mut found = false;
            for key in schema.keys(list) {
                let is_held = arena.member(item, schema.text(key.name)).is_some();
                match key.default {
                    _ if is_held => found = true,
                    KeyDefault::Value(_) => found = true,
                    KeyDefault::None => {}
                    KeyDefault::NoElementType | KeyDefault::NotMap => return false,
                }
            }
            found
        }
        _ => list.key_count == 0,
    }
}

/// Whether an item that loses one of its keys may have the identity of another item, and not just
/// none: where there are several keys, or a default stands in for the one.
pub(super) fn may_be_taken_for_another(schema: &Compiled, list: &ListPart) -> bool {
    let mut keys = schema.keys(list).iter();
    list.key_count > 1 || keys.any(|key| matches!(key.default, KeyDefault::Value(_)))
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    crate::value::text::write_quoted_go(&mut out, text);
    out
}

/// Why a default could not be looked up: told of the first key, in the schema's order, that the
/// item lacks.
#[cold]
fn no_default(schema: &Compiled, arena: &Arena<'_>, list: &ListPart, item: Node) -> String {
    for key in schema.keys(list) {
        let name = schema.text(key.name);
        if arena.member(item, name).is_some() {
            continue;
        }
        let reason = match key.default {
            KeyDefault::NoElementType => "invalid elementType for list",
            _ => "associative list may not have non-map types",
        };
        return format!("couldn't find default value for {name}: {reason}");
    }
    String::new()
}

/// The items of a list by identity, searched as the reference does. Which of several equal
/// identities is found makes a difference only among integers beyond 2^53.
pub(super) struct Searched<'i> {
    identities: &'i Identities,
    items: Sorted<u32>,
}

impl<'i> Searched<'i> {
    pub(super) fn new(identities: &'i Identities) -> Searched<'i> {
        Searched { identities, items: Sorted::default() }
    }

    fn search(&self, wanted: &str) -> Result<usize, usize> {
        self.items.find(|item| token::cmp(self.identities.get(*item as usize), wanted))
    }

    /// The item that was put in for this identity.
    pub(super) fn find(&self, wanted: &str) -> Option<u32> {
        self.search(wanted).ok().and_then(|at| self.items.get(at)).copied()
    }

    /// Puts an item in, unless its identity is found: then gives the item that has it.
    pub(super) fn insert(&mut self, item: u32) -> Option<u32> {
        match self.search(self.identities.get(item as usize)) {
            Ok(at) => self.items.get(at).copied(),
            Err(at) => {
                self.items.insert(at, item);
                None
            }
        }
    }
}

/// The items of a list by identity, in a table.
pub(super) struct Hashed<'i> {
    identities: &'i Identities,
    hasher: RandomState,
    /// Half of them are free at least.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// A part of the hash.
    tag: u32,
    /// The number of the item, counted from one; 0 where the slot is free.
    item: u32,
}

impl<'i> Hashed<'i> {
    /// Of items with the same identity the last one counts.
    pub(super) fn of(identities: &'i Identities) -> Hashed<'i> {
        let size = (2 * identities.len()).next_power_of_two();
        let slots = vec![Slot::default(); size];
        let mut hashed = Hashed { identities, hasher: RandomState::new(), slots };
        for (index, token) in identities.iter().enumerate() {
            let hash = hashed.hash(token);
            let (at, _) = hashed.search(hash, |item| hashed.is(item, token));
            if let Some(slot) = hashed.slots.get_mut(at) {
                *slot = Slot { tag: tag(hash), item: index as u32 + 1 };
            }
        }
        hashed
    }

    fn hash(&self, token: &str) -> u64 {
        self.hasher.hash_one(token::Element(token.as_bytes()))
    }

    fn is(&self, item: u32, token: &str) -> bool {
        token::eq(self.identities.get(item as usize - 1), token)
    }

    /// The slot of an item with this hash that will do, or the one that is free for it.
    fn search(&self, hash: u64, does: impl Fn(u32) -> bool) -> (usize, Slot) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots.get(at).copied().unwrap_or_default();
            if slot.item == 0 || slot.tag == tag(hash) && does(slot.item) {
                return (at, slot);
            }
            at = (at + 1) & mask;
        }
    }

    /// The item with the identity of each item of another list.
    ///
    /// In steps that do little each: so the memory that one item needs is waited for while others are
    /// looked up.
    pub(super) fn find_all(&self, others: &Identities) -> Vec<Option<u32>> {
        let hashes: Vec<u64> = others.iter().map(|token| self.hash(token)).collect();
        let probable: Vec<u32> =
            hashes.iter().map(|hash| self.search(*hash, |_| true).1.item).collect();
        let tokens = others.iter().zip(hashes).zip(probable);
        tokens
            .map(|((token, hash), item)| match item {
                0 => None,
                item if self.is(item, token) => Some(item - 1),
                _ => self.search(hash, |item| self.is(item, token)).1.item.checked_sub(1),
            })
            .collect()
    }
}

/// What of a hash is kept.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Up to this many items are held against each other without a table.
pub(super) const FEW: usize = 12;

/// Up to this many items are put in order one by one.
const HANDFUL: usize = 6;

/// The places of items in the order of their path elements; none where that is their own.
pub(super) struct Order(Option<SmallVec<[u32; 16]>>);

impl Order {
    /// Whether it is the order of the list.
    pub(super) fn is_given(&self) -> bool {
        self.0.is_none()
    }

    /// The place of the item that comes there.
    pub(super) fn at(&self, at: usize) -> usize {
        let Some(order) = &self.0 else { return at };
        order.get(at).map_or(at, |index| *index as usize)
    }
}

/// The path elements of a list's items, in order.
#[derive(Default)]
pub(super) struct Identities {
    text: String,
    ends: SmallVec<[u32; 16]>,
}

impl Identities {
    /// Identifies every item. Items without a path element are told to `problem` and get the
    /// invalid element. Room is taken from what is `spare`.
    pub(super) fn of(
        spare: &mut Vec<Identities>,
        schema: &Compiled,
        arena: &Arena<'_>,
        list: &ListPart,
        node: Option<Node>,
        mut problem: impl FnMut(usize, String),
    ) -> Identities {
        let mut identities = spare.pop().unwrap_or_default();
        identities.text.clear();
        identities.ends.clear();
        let items = node.map(|node| arena.children(node)).unwrap_or_default();
        identities.ends.reserve(items.len());
        // What a short key takes, and a few of them.
        identities.text.reserve((items.len() * 32).max(128));
        for (index, item) in items.iter().enumerate() {
            if let Err(reason) = write_item_token(schema, arena, list, *item, &mut identities.text)
            {
                problem(index, reason);
            }
            identities.ends.push(identities.text.len() as u32);
        }
        identities
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> &str {
        let start = match index.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Whether all are spelled alike, in the same order.
    pub(super) fn is_same(&self, other: &Identities) -> bool {
        self.text == other.text && self.ends == other.ends
    }

    /// The order of the items' path elements; none if two have the same, or one has none.
    pub(super) fn order(&self) -> Option<Order> {
        let mut iter = self.iter();
        let mut before = iter.next().filter(|first| !first.is_empty())?;
        let mut ascends = true;
        for token in iter {
            if token.is_empty() {
                return None;
            }
            ascends = ascends && token::cmp(before, token).is_lt();
            before = token;
        }
        if ascends {
            return Some(Order(None));
        }
        let token = |at: u32| self.get(at as usize);
        if self.len() <= HANDFUL {
            let mut order: SmallVec<[u32; 16]> = SmallVec::new();
            for index in 0..self.len() as u32 {
                let mut place = order.len();
                while let Some(before) = place.checked_sub(1) {
                    match token::cmp(token(*order.get(before)?), token(index)) {
                        Ordering::Less => break,
                        Ordering::Equal => return None,
                        Ordering::Greater => place = before,
                    }
                }
                order.insert(place, index);
            }
            return Some(Order(Some(order)));
        }
        let sorted = token::sorted(self.len(), |at| self.get(at).as_bytes());
        (!sorted.repeats).then(|| Order(Some(sorted.places().map(|place| place as u32).collect())))
    }

    /// Where a node of a set has each item, as [`Level::at`] takes it. None where they are better
    /// looked up one by one, or must be: a node that has few of them, items that have no
    /// [order](Self::order), integers beyond 2^53.
    pub(super) fn find_in(&self, level: &Level<'_>) -> Option<Vec<Option<u32>>> {
        if level.len() < self.len() / 4 || self.are_wide() {
            return None;
        }
        let order = self.order()?;
        let ascending = (0..self.len()).map(|at| self.get(order.at(at)).as_bytes());
        let found = level.find_ascending(ascending)?;
        if order.is_given() {
            return Some(found.collect());
        }
        let mut all = vec![None; self.len()];
        for (at, found) in found.enumerate() {
            if let Some(slot) = all.get_mut(order.at(at)) {
                *slot = found;
            }
        }
        Some(all)
    }

    /// Whether integers beyond 2^53 may be among the identities: then they must be
    /// [searched](Searched), since hashing cannot tell what the reference finds.
    pub(super) fn are_wide(&self) -> bool {
        self.iter().any(token::is_wide)
    }

    /// For every item the first item with the same identity, and whether any identity repeats.
    pub(super) fn firsts(&self) -> (Vec<u32>, bool) {
        if self.are_wide() {
            let mut known = Searched::new(self);
            let firsts: Vec<u32> =
                (0..self.len() as u32).map(|item| known.insert(item).unwrap_or(item)).collect();
            let repeated = firsts.iter().enumerate().any(|(item, first)| item != *first as usize);
            return (firsts, repeated);
        }
        if self.len() <= FEW {
            let mut repeated = false;
            let mut firsts: Vec<u32> = Vec::with_capacity(self.len());
            for (index, token) in self.iter().enumerate() {
                // Only first items are candidates: equality of numbers is not transitive.
                let mut known =
                    firsts.iter().enumerate().filter(|(at, first)| *at == **first as usize);
                let first = known.find(|(at, _)| token::eq(self.get(*at), token));
                repeated |= first.is_some();
                firsts.push(first.map_or(index, |(at, _)| at) as u32);
            }
            return (firsts, repeated);
        }
        let mut seen = HashMap::with_capacity(self.len());
        let mut repeated = false;
        let firsts = self
            .iter()
            .enumerate()
            .map(|(index, token)| {
                let first = *seen.entry(token::Element(token.as_bytes())).or_insert(index as u32);
                repeated |= first as usize != index;
                first
            })
            .collect();
        (firsts, repeated)
    }
}
