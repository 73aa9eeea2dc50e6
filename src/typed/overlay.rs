//! An apply of what is plain: validation of the configuration, merge, field set and comparison of
//! before and after, in one walk over what the configuration states.
//!
//! Each of these has a walk of its own, with all its oddities. Where none is met this one comes to
//! the same; where one is, it gives up, and the others are walked one after the other.

use std::cmp::Ordering;

use smallvec::{SmallVec, smallvec};

use crate::deep;
use crate::fieldpath::{FieldSet, SetBuilder, SetWriter};
use crate::schema::{
    Compiled, ElementRelationship, FieldCursor, ListPart, MapPart, Schema, TypeId,
};
use crate::value::{Arena, Effort, Node, Tag};

use super::compare::Comparison;
use super::items::{Identities, Order, may_be_taken_for_another};
use super::merge::{Source, Step, align};
use super::shape::{self, Handler};
use super::to_field_set::Plain;
use super::validate::{Duplicates, is_valid};

/// What a configuration laid over a live object comes to.
pub(crate) struct Overlay {
    /// The merged object.
    pub(crate) node: Node,
    /// The fields that the configuration claims.
    pub(crate) fields: FieldSet,
    /// As in [`FieldsOf`](super::to_field_set::FieldsOf).
    pub(crate) bare_items: bool,
    /// As in [`Merged`](super::merge::Merged).
    pub(crate) keeps_unstated: bool,
    /// From the live object to the merged one.
    pub(crate) comparison: Comparison,
    /// Items of lists have moved, which is no difference in fields.
    pub(crate) is_reordered: bool,
}

/// Lays a configuration over a live object that is known to be of the type. None where something is
/// met that another walk has to look at, such as anything that is wrong with the configuration.
///
/// Linear in what the configuration mentions and the siblings of it.
pub(crate) fn overlay(
    arena: &mut Arena<'_>,
    live: Node,
    config: Node,
    schema: &Schema,
    id: TypeId,
) -> Option<Overlay> {
    let schema = schema.tables();
    if schema.has_broken_lists || arena.has_long_numbers() || config.tag() != Tag::Map {
        return None;
    }
    let depth = arena.depth();
    let mut walk = Walk {
        schema,
        arena,
        set: SetWriter::with_capacity(64),
        added: SetBuilder::default(),
        modified: SetBuilder::default(),
        bare_items: false,
        keeps_unstated: false,
        is_reordered: false,
        out: Vec::with_capacity(32),
        merged: Vec::new(),
        spare: Vec::new(),
        effort: Effort::for_value(config),
    };
    let node = deep::with_stack(depth, || walk.value(id, Some(live), config))?;
    Some(Overlay {
        node,
        fields: walk.set.finish(),
        bare_items: walk.bare_items,
        keeps_unstated: walk.keeps_unstated,
        comparison: Comparison {
            added: walk.added.finish(),
            modified: walk.modified.finish(),
            removed: FieldSet::new(),
        },
        is_reordered: walk.is_reordered,
    })
}

struct Walk<'w, 't> {
    schema: &'w Compiled,
    arena: &'w mut Arena<'t>,
    /// What is claimed, and the path to where the walk stands.
    set: SetWriter,
    added: SetBuilder,
    modified: SetBuilder,
    bare_items: bool,
    keeps_unstated: bool,
    is_reordered: bool,
    /// The children of every container that changes, one behind the other.
    out: Vec<Node>,
    /// What became of the items of every list that is being walked, by their places in the
    /// configuration.
    merged: Vec<Node>,
    spare: Vec<Identities>,
    effort: Effort,
}

/// The children of a container that may change.
struct Children {
    /// The container as it was.
    before: Option<Node>,
    /// Where the new children begin, once one is another.
    first: Option<usize>,
    /// How many of the children before are passed.
    passed: usize,
}

impl<'w> Walk<'w, '_> {
    /// What a value of the configuration makes of the live one: always the very node of one of the
    /// two, unless both have a part in it.
    fn value(&mut self, id: TypeId, left: Option<Node>, right: Node) -> Option<Node> {
        let schema: &'w Compiled = self.schema;
        let atom = schema.atom(id);
        if atom.unresolved || right.is_null() {
            return None;
        }
        let parts = shape::deduce(atom, Some(right));
        if left.is_some_and(|left| left.is_null() || shape::deduce(atom, Some(left)) != parts) {
            return None;
        }
        match parts.handler(atom)? {
            Handler::Scalar(atom) if shape::is_scalar(atom, right.tag()) => {
                self.set.mark();
                Some(self.leaf(left, right))
            }
            Handler::Map(map) if map.is_atomic() => self.atomic(id, left, right),
            Handler::List(list) if list.is_atomic() => self.atomic(id, left, right),
            Handler::Map(_) | Handler::List(_) if self.is_spelled_like(left, right) => {
                self.claim(id, right)?;
                left
            }
            Handler::Map(map) if right.tag() == Tag::Map => self.map(map, left, right),
            Handler::List(list) if right.tag() == Tag::List => self.list(list, left, right),
            _ => None,
        }
    }

    fn is_spelled_like(&mut self, left: Option<Node>, right: Node) -> bool {
        left.is_some_and(|left| self.arena.are_spelled_alike(left, right, &mut self.effort))
    }

    /// Claims what the live object has just so.
    fn claim(&mut self, id: TypeId, value: Node) -> Option<()> {
        let mut walk = Plain {
            schema: self.schema,
            arena: self.arena,
            set: &mut self.set,
            spare: &mut self.spare,
            bare_items: self.bare_items,
            is_unchecked: true,
        };
        walk.value(id, value)?;
        self.bare_items = walk.bare_items;
        Some(())
    }

    fn atomic(&mut self, id: TypeId, left: Option<Node>, right: Node) -> Option<Node> {
        if !is_valid(self.arena, right, self.schema, id, Duplicates::Refuse) {
            return None;
        }
        self.set.mark();
        Some(self.leaf(left, right))
    }

    /// A value without parts.
    fn leaf(&mut self, left: Option<Node>, right: Node) -> Node {
        let Some(left) = left else {
            self.added.insert(&self.set);
            return right;
        };
        if self.arena.identical(left, right) {
            return left;
        }
        if !self.arena.equal(left, right) {
            self.modified.insert(&self.set);
        }
        right
    }

    fn map(&mut self, map: &MapPart, left: Option<Node>, right: Node) -> Option<Node> {
        let ours = left.map_or(0, Node::count);
        if right.count() == 0 {
            return (ours == 0).then(|| self.leaf(left, right));
        }
        let schema: &'w Compiled = self.schema;
        let mut fields = FieldCursor::new(schema, map);
        let mut children = Children { before: left, first: None, passed: 0 };
        for index in 0..right.count() {
            let theirs = self.arena.child(right, index);
            let (same, id, declared) = if theirs.has_plain_key() {
                let prefix = self.arena.key_prefix(theirs);
                let same = self.pass_members(&mut children, theirs, Some(prefix));
                let (text, start, end) = self.arena.key_in_text(theirs);
                let (id, declared) = fields.find_prefixed(prefix, text.as_bytes(), start, end);
                self.set.open_plain_field(text.get(start..end)?);
                (same, id, declared)
            } else {
                let same = self.pass_members(&mut children, theirs, None);
                let key = self.arena.key(theirs);
                let (id, declared) = fields.find(&key);
                self.set.open_field(&key);
                (same, id, declared)
            };
            if !declared && id == TypeId::EMPTY {
                return None;
            }
            let atom = schema.atom(id);
            let is_scalar = |node: Node| !atom.unresolved && shape::is_scalar(atom, node.tag());
            let merged = if is_scalar(theirs) && same.is_none_or(is_scalar) {
                self.set.mark();
                self.leaf(same, theirs)
            } else {
                self.value(id, same, theirs)?
            };
            if !declared || (theirs.tag() == Tag::Map && theirs.count() == 0) {
                self.set.mark();
            }
            self.set.close();
            self.put(&mut children, same, merged.with_key_of(same.unwrap_or(theirs)));
        }
        Some(self.finish(Tag::Map, children, right))
    }

    /// Passes the live members in front of the configuration's; returns the one of its name.
    /// It may be known how that begins.
    fn pass_members(
        &mut self,
        children: &mut Children,
        theirs: Node,
        prefix: Option<u64>,
    ) -> Option<Node> {
        let before = children.before?;
        while children.passed < before.count() {
            let ours = self.arena.child(before, children.passed);
            let order = match prefix {
                Some(prefix) if ours.has_plain_key() => {
                    self.arena.compare_plain_keys(ours, theirs, prefix)
                }
                _ => self.arena.compare_keys(ours, theirs),
            };
            match order {
                Ordering::Less => {}
                Ordering::Equal => return Some(ours),
                Ordering::Greater => return None,
            }
            children.passed += 1;
            if children.first.is_some() {
                self.out.push(ours);
            }
        }
        None
    }

    /// Adds what became of the live child that comes next, or what is new in front of it.
    fn put(&mut self, children: &mut Children, same: Option<Node>, merged: Node) {
        let Some(before) = children.before else { return };
        if children.first.is_none() && !same.is_some_and(|same| same.is_same(merged)) {
            children.first = Some(self.out.len());
            let unchanged = self.arena.children(before).get(..children.passed);
            self.out.extend_from_slice(unchanged.unwrap_or_default());
        }
        if children.first.is_some() {
            self.out.push(merged);
        }
        children.passed += usize::from(same.is_some());
    }

    /// The container with the live children that are left; the configuration's own if it is new.
    fn finish(&mut self, tag: Tag, children: Children, right: Node) -> Node {
        let Some(before) = children.before else {
            if !self.set.is_at_root() {
                self.added.insert(&self.set);
            }
            return right;
        };
        let Some(first) = children.first else { return before };
        let rest = self.arena.children(before).get(children.passed..).unwrap_or_default();
        self.out.extend_from_slice(rest);
        let node = self.arena.rebuild(tag, self.out.get(first..).unwrap_or_default());
        self.out.truncate(first);
        node
    }

    fn list(&mut self, list: &ListPart, left: Option<Node>, right: Node) -> Option<Node> {
        if list.relationship != ElementRelationship::Associative {
            return None;
        }
        let ours = left.map_or(0, Node::count);
        if right.count() == 0 {
            return (ours == 0).then(|| self.leaf(left, right));
        }
        let theirs =
            Identities::of(&mut self.spare, self.schema, self.arena, list, Some(right), |_, _| {});
        // The set is written in the order of elements, whatever the order of the list.
        let order = theirs.order();
        let node = order.and_then(|order| self.items(list, left, right, &theirs, &order));
        self.spare.push(theirs);
        node
    }

    fn items(
        &mut self,
        list: &ListPart,
        left: Option<Node>,
        right: Node,
        theirs: &Identities,
        order: &Order,
    ) -> Option<Node> {
        let mut children = Children { before: left, first: None, passed: 0 };
        let Some(before) = left else {
            for at in 0..theirs.len() {
                self.item(list, None, right, order.at(at), theirs)?;
            }
            return Some(self.finish(Tag::List, children, right));
        };
        let (schema, arena) = (self.schema, &*self.arena);
        let ours = Identities::of(&mut self.spare, schema, arena, list, left, |_, _| {});
        let base = self.merged.len();
        self.merged.resize(base + theirs.len(), Node::NULL);
        if ours.is_same(theirs) {
            for at in 0..theirs.len() {
                let index = order.at(at);
                let same = self.arena.child(before, index);
                let merged = self.item(list, Some(same), right, index, theirs)?;
                if let Some(slot) = self.merged.get_mut(base + index) {
                    *slot = merged;
                }
            }
            for index in 0..theirs.len() {
                let same = self.arena.child(before, index);
                let merged = self.merged.get(base + index).copied().unwrap_or(same);
                self.put(&mut children, Some(same), merged);
            }
            self.spare.push(ours);
            self.merged.truncate(base);
            return Some(self.finish(Tag::List, children, right));
        }
        let steps = align(&ours, theirs);
        let mut sources: SmallVec<[Option<u32>; 16]> = smallvec![None; theirs.len()];
        for step in &steps {
            match *step {
                Step::Keep(_) => self.keeps_unstated |= may_be_taken_for_another(schema, list),
                Step::Take { left: Source::Absent, right: Some(_) } => {}
                Step::Take { left: Source::Item(at), right: Some(index) }
                    if ours.get(at as usize) == theirs.get(index as usize) =>
                {
                    *sources.get_mut(index as usize)? = Some(at);
                }
                Step::Take { .. } => return None,
            }
        }
        for at in 0..theirs.len() {
            let index = order.at(at);
            let source = sources.get(index).copied().flatten();
            let same = source.map(|source| self.arena.child(before, source as usize));
            *self.merged.get_mut(base + index)? = self.item(list, same, right, index, theirs)?;
        }
        let first = self.out.len();
        for step in steps {
            self.out.push(match step {
                Step::Keep(index) => self.arena.child(before, index as usize),
                Step::Take { right, .. } => *self.merged.get(base + right? as usize)?,
            });
        }
        self.spare.push(ours);
        self.merged.truncate(base);
        let merged = self.out.get(first..).unwrap_or_default();
        let kept = self.arena.children(before);
        let is_kept = merged.len() == kept.len()
            && merged.iter().zip(kept).all(|(merged, kept)| merged.is_same(*kept));
        let node = if is_kept {
            before
        } else {
            self.is_reordered = true;
            self.arena.rebuild(Tag::List, merged)
        };
        self.out.truncate(first);
        Some(node)
    }

    fn item(
        &mut self,
        list: &ListPart,
        left: Option<Node>,
        right: Node,
        index: usize,
        theirs: &Identities,
    ) -> Option<Node> {
        self.set.open_token(theirs.get(index));
        let members = self.set.len();
        let item = self.arena.child(right, index);
        let merged = self.value(list.element, left, item)?;
        self.bare_items |= list.key_count > 0 && self.set.len() == members;
        self.set.mark();
        self.set.close();
        Some(merged)
    }
}
