//! The fields that an applier of a value claims.

use crate::deep;
use crate::fieldpath::{FieldSet, PathStack, SetBuilder, SetWriter};
use crate::schema::{Compiled, FieldCursor, ListPart, MapPart, Schema, TypeId};
use crate::value::{Arena, Node, Tag, prefix_word};

use super::error::{ValidationError, ValidationErrors};
use super::items::{Identities, Searched};
use super::shape::{self, Handler};
use super::validate::{Duplicates, is_valid};

/// The claimed fields and what the walk noticed on the way.
pub(crate) struct FieldsOf {
    pub(crate) set: FieldSet,
    /// Some item of a keyed list claims nothing inside itself: its identity comes from defaults
    /// alone, or it is owned as a whole.
    pub(crate) bare_items: bool,
}

/// Every leaf, every item and every entry of a plain map. Nothing is validated but the schema
/// itself. One walk; linear in the value but for sorting items whose order is not key order.
pub(crate) fn to_field_set(
    arena: &Arena<'_>,
    value: Node,
    schema: &Schema,
    id: TypeId,
) -> Result<FieldsOf, ValidationErrors> {
    if let Some(fields) = plain(arena, value, schema, id) {
        return Ok(fields);
    }
    let mut walk = Walk {
        schema: schema.tables(),
        arena,
        path: PathStack::default(),
        set: SetBuilder::default(),
        bare_items: false,
        errors: ValidationErrors::default(),
        spare: Vec::new(),
    };
    deep::with_stack(arena.depth(), || walk.value(id, value));
    let fields = FieldsOf { set: walk.set.finish(), bare_items: walk.bare_items };
    walk.errors.into_result(fields)
}

/// The claimed fields of a value in which nothing is odd: no item comes twice or cannot be told apart,
/// and the schema has a type for everything. Then fields come in the order in which a set has them.
fn plain(arena: &Arena<'_>, value: Node, schema: &Schema, id: TypeId) -> Option<FieldsOf> {
    let schema = schema.tables();
    if schema.has_broken_lists || arena.has_long_numbers() {
        return None;
    }
    let (mut set, mut spare) = (SetWriter::with_capacity(64), Vec::new());
    let mut walk = Plain {
        schema,
        arena,
        set: &mut set,
        spare: &mut spare,
        bare_items: false,
        is_unchecked: false,
    };
    deep::with_stack(arena.depth(), || walk.value(id, value))?;
    let bare_items = walk.bare_items;
    Some(FieldsOf { set: set.finish(), bare_items })
}

/// Up to so many items are looked at in any order.
const NEAR: usize = 256;

/// The walk of [`plain`].
pub(super) struct Plain<'p, 'w, 't> {
    pub(super) schema: &'w Compiled,
    pub(super) arena: &'p Arena<'t>,
    /// What is claimed, and the path to where the walk stands.
    pub(super) set: &'p mut SetWriter,
    pub(super) spare: &'p mut Vec<Identities>,
    pub(super) bare_items: bool,
    /// It is not known yet whether items repeat inside of what is claimed as a whole, which is odd then.
    pub(super) is_unchecked: bool,
}

impl<'w> Plain<'_, 'w, '_> {
    /// None where something is odd.
    pub(super) fn value(&mut self, id: TypeId, value: Node) -> Option<()> {
        let atom = self.schema.atom(id);
        if atom.unresolved {
            return None;
        }
        match shape::handler_of(atom, value)? {
            Handler::Scalar(_) => self.set.mark(),
            Handler::Map(map) if map.is_atomic() => self.whole(id, value)?,
            Handler::List(list) if list.is_atomic() => self.whole(id, value)?,
            Handler::Map(map) if value.tag() == Tag::Map => self.map(map, value)?,
            Handler::List(list) if value.tag() == Tag::List => self.list(list, value)?,
            _ => {}
        }
        Some(())
    }

    fn whole(&mut self, id: TypeId, value: Node) -> Option<()> {
        if self.is_unchecked && !is_valid(self.arena, value, self.schema, id, Duplicates::Refuse) {
            return None;
        }
        self.set.mark();
        Some(())
    }

    fn map(&mut self, map: &MapPart, value: Node) -> Option<()> {
        let schema: &'w Compiled = self.schema;
        let arena = self.arena;
        let mut fields = FieldCursor::new(schema, map);
        for member in arena.children(value) {
            if !member.has_plain_key() {
                let key = arena.key(*member);
                let (id, declared) = fields.find(&key);
                self.set.open_field(&key);
                self.member(id, declared, *member)?;
                continue;
            }
            let (text, start, end) = arena.key_in_text(*member);
            let bytes = text.as_bytes();
            let prefix = prefix_word(bytes, start, end);
            let (id, declared) = fields.find_prefixed(prefix, bytes, start, end);
            let name = text.get(start..end)?;
            let atom = schema.atom(id);
            let tag = member.tag();
            let may_be_odd = self.is_unchecked && matches!(tag, Tag::Map | Tag::List);
            if !atom.unresolved && !may_be_odd && shape::is_leaf(atom, tag) {
                self.set.add_plain_field(name);
                continue;
            }
            self.set.open_plain_field(name);
            self.member(id, declared, *member)?;
        }
        Some(())
    }

    /// A member that the set was led to.
    fn member(&mut self, id: TypeId, declared: bool, member: Node) -> Option<()> {
        self.value(id, member)?;
        let is_empty_map = member.tag() == Tag::Map && member.count() == 0;
        if !declared || member.is_null() || is_empty_map {
            self.set.mark();
        }
        self.set.close();
        Some(())
    }

    fn list(&mut self, list: &ListPart, value: Node) -> Option<()> {
        let (schema, arena) = (self.schema, self.arena);
        let items = arena.children(value);
        if items.is_empty() {
            return Some(());
        }
        let identities = Identities::of(self.spare, schema, arena, list, Some(value), |_, _| {});
        let order = identities.order()?;
        if items.len() <= NEAR || order.is_given() {
            for at in 0..items.len() {
                self.item(list, items, order.at(at), &identities)?;
            }
        } else {
            // What is written is nearer together than what it is written from.
            let mut places = Vec::with_capacity(items.len());
            for index in 0..items.len() {
                places.push(self.set.place());
                self.item(list, items, index, &identities)?;
            }
            self.set.rearrange(&places, (0..items.len()).map(|at| order.at(at)));
        }
        self.spare.push(identities);
        Some(())
    }

    fn item(
        &mut self,
        list: &ListPart,
        items: &[Node],
        index: usize,
        identities: &Identities,
    ) -> Option<()> {
        self.set.open_token(identities.get(index));
        let before = self.set.len();
        self.value(list.element, items.get(index).copied()?)?;
        self.bare_items |= list.key_count > 0 && self.set.len() == before;
        self.set.mark();
        self.set.close();
        Some(())
    }
}

struct Walk<'w, 't> {
    schema: &'w Compiled,
    arena: &'w Arena<'t>,
    path: PathStack,
    set: SetBuilder,
    bare_items: bool,
    errors: ValidationErrors,
    spare: Vec<Identities>,
}

impl Walk<'_, '_> {
    fn value(&mut self, id: TypeId, value: Node) {
        let atom = self.schema.atom(id);
        if atom.unresolved {
            return self.schema_error(shape::unresolved_message(self.schema, id));
        }
        match shape::handler_of(atom, value) {
            Some(Handler::Map(map)) => self.map(map, value),
            Some(Handler::Scalar(_)) => self.set.insert(&self.path),
            Some(Handler::List(list)) => self.list(list, value),
            None => self.schema_error(shape::invalid_atom_message(self.schema, id)),
        }
    }

    /// Told without a path, as the reference does.
    fn schema_error(&mut self, message: String) {
        self.errors.0.push(ValidationError::told(String::new(), message));
    }

    fn map(&mut self, map: &MapPart, value: Node) {
        if map.is_atomic() {
            return self.set.insert(&self.path);
        }
        if value.tag() != Tag::Map {
            return;
        }
        let arena = self.arena;
        let mut fields = FieldCursor::new(self.schema, map);
        for member in arena.children(value) {
            let key = arena.key(*member);
            let (id, declared) = fields.find(&key);
            self.path.push_field(&key);
            self.value(id, *member);
            let is_empty_map = member.tag() == Tag::Map && member.count() == 0;
            if !declared || member.is_null() || is_empty_map {
                self.set.insert(&self.path);
            }
            self.path.pop();
        }
    }

    fn list(&mut self, list: &ListPart, value: Node) {
        if list.is_atomic() {
            return self.set.insert(&self.path);
        }
        if value.tag() != Tag::List {
            return;
        }
        let (schema, arena) = (self.schema, self.arena);
        let identities =
            Identities::of(&mut self.spare, schema, arena, list, Some(value), |_, _| {});
        if identities.are_wide() {
            return self.wide_list(list, value, &identities);
        }
        let items = self.arena.children(value);
        let ranks = ranks(&identities);
        for (index, item) in items.iter().enumerate() {
            let token = identities.get(index);
            self.path.push_token(token);
            match ranks.as_ref().and_then(|ranks| ranks.get(index)) {
                None | Some(Rank::Alone) => self.item(list, *item),
                Some(Rank::Second) => self.set.insert(&self.path),
                Some(Rank::Other) => {}
            }
            self.path.pop();
        }
        self.spare.push(identities);
    }

    /// An item that the path leads to.
    fn item(&mut self, list: &ListPart, item: Node) {
        let before = self.set.len();
        self.value(list.element, item);
        if list.key_count > 0 && self.set.len() == before {
            self.bare_items = true;
        }
        self.set.insert(&self.path);
    }

    /// Repeated identities first, as the reference inserts them: here the order tells.
    fn wide_list(&mut self, list: &ListPart, value: Node, identities: &Identities) {
        let (mut seen, mut repeated) = (Searched::new(identities), Searched::new(identities));
        for index in 0..identities.len() as u32 {
            if seen.insert(index).is_some() && repeated.insert(index).is_none() {
                self.path.push_token(identities.get(index as usize));
                self.set.insert(&self.path);
                self.path.pop();
            }
        }
        for (token, item) in identities.iter().zip(self.arena.children(value)) {
            if repeated.find(token).is_none() {
                self.path.push_token(token);
                self.item(list, *item);
                self.path.pop();
            }
        }
    }
}

/// Where an item stands among those of its identity. They are one path, in the second's spelling.
#[derive(Clone, Copy)]
enum Rank {
    Alone,
    Second,
    Other,
}

/// The ranks of all items; none when no identity repeats.
fn ranks(identities: &Identities) -> Option<Vec<Rank>> {
    if identities.len() < 2 {
        return None;
    }
    let (firsts, repeated) = identities.firsts();
    if !repeated {
        return None;
    }
    let mut ranks = vec![Rank::Alone; firsts.len()];
    let mut seen = vec![0_u32; firsts.len()];
    for (index, first) in firsts.iter().enumerate() {
        let first = *first as usize;
        let Some(count) = seen.get_mut(first) else { continue };
        *count += 1;
        let rank = if *count == 2 { Rank::Second } else { Rank::Other };
        if *count > 1 {
            for (at, rank) in [(first, Rank::Other), (index, rank)] {
                if let Some(slot) = ranks.get_mut(at) {
                    *slot = rank;
                }
            }
        }
    }
    Some(ranks)
}
