//! What differs between two values of a type.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

use crate::deep;
use crate::fieldpath::{FieldSet, Filter, PathStack, SetBuilder, token};
use crate::schema::{Atom, Compiled, FieldCursor, ListPart, MapPart, Schema, TypeId};
use crate::value::{AT_ONCE, Arena, Effort, Node, Tag};

use super::error::{ValidationError, ValidationErrors};
use super::items::{FEW, Identities, Searched};
use super::shape::{self, Handler, Parts};

/// The paths in which two values differ.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Paths that only the second value has, containers included.
    pub added: FieldSet,
    /// Leaves that both have with different values.
    pub modified: FieldSet,
    /// Paths that only the first value has, containers included.
    pub removed: FieldSet,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    /// Without the paths of `fields` and all below them.
    pub fn exclude_fields(&self, fields: &FieldSet) -> Comparison {
        self.map(|set| set.recursive_difference(fields))
    }

    /// What the filter lets through.
    pub fn filter_fields(&self, filter: &Filter) -> Comparison {
        self.map(|set| filter.apply(set))
    }

    fn map(&self, change: impl Fn(&FieldSet) -> FieldSet) -> Comparison {
        Comparison {
            added: change(&self.added),
            modified: change(&self.modified),
            removed: change(&self.removed),
        }
    }
}

/// Modified, added and removed paths under their headings; nothing for values that do not differ.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, set) in
            [("Modified", &self.modified), ("Added", &self.added), ("Removed", &self.removed)]
        {
            if !set.is_empty() {
                writeln!(f, "- {name} Fields:\n{set}")?;
            }
        }
        Ok(())
    }
}

/// Compares two values of a type. With `trusted` both are known to be of the type, and parts that
/// are the very same node, or spelled alike, are passed over.
pub(crate) fn compare(
    arena: &Arena<'_>,
    left: Node,
    right: Node,
    schema: &Schema,
    id: TypeId,
    trusted: bool,
) -> Result<Comparison, ValidationErrors> {
    let schema = schema.tables();
    let mut walk = Compare {
        schema,
        arena,
        trusted: trusted && !schema.has_broken_lists && !arena.has_long_numbers(),
        path: PathStack::default(),
        added: SetBuilder::default(),
        modified: SetBuilder::default(),
        removed: SetBuilder::default(),
        errors: ValidationErrors::default(),
        spare: Vec::new(),
        effort: Effort::for_value(left),
    };
    deep::with_stack(arena.depth(), || walk.value(id, Some(left), Some(right)));
    let comparison = Comparison {
        added: walk.added.finish(),
        modified: walk.modified.finish(),
        removed: walk.removed.finish(),
    };
    walk.errors.into_result(comparison)
}

struct Compare<'w, 't> {
    schema: &'w Compiled,
    arena: &'w Arena<'t>,
    trusted: bool,
    path: PathStack,
    added: SetBuilder,
    modified: SetBuilder,
    removed: SetBuilder,
    errors: ValidationErrors,
    spare: Vec<Identities>,
    effort: Effort,
}

/// Whether a walk ended at the value or went into it.
#[derive(PartialEq, Eq)]
enum Walked {
    Leaf,
    Into,
    /// Nothing could be said.
    Failed,
}

impl<'w, 't> Compare<'w, 't> {
    /// Whether nothing can differ below.
    #[inline]
    fn is_settled(&mut self, left: Option<Node>, right: Option<Node>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) if self.trusted => {
                left.is_same(right) || self.arena.are_spelled_alike(left, right, &mut self.effort)
            }
            _ => false,
        }
    }

    fn value(&mut self, id: TypeId, left: Option<Node>, right: Option<Node>) {
        if self.is_settled(left, right) {
            return;
        }
        self.unsettled(id, left, right);
    }

    fn unsettled(&mut self, id: TypeId, left: Option<Node>, right: Option<Node>) {
        let schema: &'w Compiled = self.schema;
        let atom = schema.atom(id);
        if atom.unresolved {
            let mut path = String::new();
            self.path.write_parent_display(&mut path);
            let message = shape::unresolved_message(schema, id);
            self.errors.0.push(ValidationError::told(path, message));
            return;
        }
        let left_parts = shape::deduce(atom, left);
        let right_parts = shape::deduce(atom, right);
        let walked = if right.is_none() {
            self.handle(id, atom, left_parts, left, right)
        } else {
            if left.is_some() && left_parts != right_parts {
                // The shape changes: what the old shape had goes, what the new one has comes.
                self.handle(id, atom, left_parts, left, right);
            }
            self.handle(id, atom, right_parts, left, right)
        };
        if walked == Walked::Into {
            if left.is_none() {
                self.added.insert(&self.path);
            } else if right.is_none() {
                self.removed.insert(&self.path);
            }
        }
    }

    fn handle(
        &mut self,
        id: TypeId,
        atom: &'w Atom,
        parts: Parts,
        left: Option<Node>,
        right: Option<Node>,
    ) -> Walked {
        match parts.handler(atom) {
            Some(Handler::Map(map)) => self.map(map, left, right),
            Some(Handler::Scalar(atom)) => self.scalar(atom, left, right),
            Some(Handler::List(list)) => self.list(list, left, right),
            None => {
                self.errors.push(&self.path, shape::invalid_atom_message(self.schema, id));
                Walked::Failed
            }
        }
    }

    fn leaf(&mut self, left: Option<Node>, right: Option<Node>) -> Walked {
        match (left, right) {
            (None, _) => self.added.insert(&self.path),
            (_, None) => self.removed.insert(&self.path),
            (Some(left), Some(right)) => {
                if !self.arena.equal(left, right) {
                    self.modified.insert(&self.path);
                }
            }
        }
        Walked::Leaf
    }

    fn scalar(&mut self, atom: &Atom, left: Option<Node>, right: Option<Node>) -> Walked {
        if let (false, Some(l), Some(r)) = (self.trusted, left, right) {
            let problem = |side| shape::scalar_problem(self.schema, atom, self.arena, side);
            if let (Some(l), Some(r)) = (problem(l), problem(r)) {
                self.errors.push(&self.path, format!("lhs: {l}"));
                self.errors.push(&self.path, format!("rhs: {r}"));
                return Walked::Failed;
            }
        }
        self.leaf(left, right)
    }

    fn map(&mut self, map: &MapPart, left: Option<Node>, right: Option<Node>) -> Walked {
        let of_map = |side: Option<Node>| side.filter(|node| node.tag() == Tag::Map);
        let (ours, theirs) = (of_map(left), of_map(right));
        let arena = self.arena;
        let members =
            |side: Option<Node>| side.map(|node| arena.children(node)).unwrap_or_default();
        let (ours, theirs) = (members(ours), members(theirs));
        if map.is_atomic() || (ours.is_empty() && theirs.is_empty()) {
            return self.leaf(left, right);
        }
        let mut fields = FieldCursor::new(self.schema, map);
        let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => return Walked::Into,
                (Some(left), Some(right)) => arena.compare_keys(**left, **right),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
            };
            let left = if order != Ordering::Greater { ours.next().copied() } else { None };
            let right = if order != Ordering::Less { theirs.next().copied() } else { None };
            if self.is_settled(left, right) {
                continue;
            }
            let Some(named) = left.or(right) else { continue };
            let key = arena.key(named);
            let (id, _) = fields.find(&key);
            self.path.push_field(&key);
            self.unsettled(id, left, right);
            self.path.pop();
        }
    }

    fn list(&mut self, list: &ListPart, left: Option<Node>, right: Option<Node>) -> Walked {
        let of_list = |side: Option<Node>| side.filter(|node| node.tag() == Tag::List);
        let (ours, theirs) = (of_list(left), of_list(right));
        let count = |side: Option<Node>| side.map_or(0, Node::count);
        if list.is_atomic() || (count(ours) == 0 && count(theirs) == 0) {
            return self.leaf(left, right);
        }
        // The reference looks at the left side first here.
        let left_ids = self.identities(list, ours);
        let right_ids = self.identities(list, theirs);
        let arena = self.arena;
        let items = |side: Option<Node>| side.map(|node| arena.children(node)).unwrap_or_default();
        let (ours, theirs) = (items(ours), items(theirs));
        let pick = |items: &'w [Node], at: &[u32]| {
            at.first().and_then(|index| items.get(*index as usize)).copied()
        };
        let groups = Group::all(&left_ids, &right_ids, self.trusted);
        for (at, group) in groups.iter().enumerate() {
            if at % AT_ONCE == 0
                && let Some(next) = groups.get(at..at + AT_ONCE)
            {
                arena.look_at(next.iter().filter_map(|group| pick(ours, &group.left)));
                arena.look_at(next.iter().filter_map(|group| pick(theirs, &group.right)));
            }
            let (left, right) = (pick(ours, &group.left), pick(theirs, &group.right));
            self.path.push_token(group.token);
            match (group.left.len(), group.right.len()) {
                (0 | 1, 0 | 1) => self.value(list.element, left, right),
                (2.., 2..) => {
                    let same = group.left.len() == group.right.len()
                        && group.left.iter().zip(&group.right).all(|(l, r)| {
                            match (ours.get(*l as usize), theirs.get(*r as usize)) {
                                (Some(l), Some(r)) => arena.equal(*l, *r),
                                _ => false,
                            }
                        });
                    if !same {
                        self.modified.insert(&self.path);
                    }
                }
                (2.., 1) => {
                    self.value(list.element, None, right);
                    self.removed.insert(&self.path);
                }
                (2.., 0) => self.removed.insert(&self.path),
                (1, 2..) => {
                    self.value(list.element, left, None);
                    self.added.insert(&self.path);
                }
                (0, 2..) => self.added.insert(&self.path),
            }
            self.path.pop();
        }
        self.spare.extend([left_ids, right_ids]);
        Walked::Into
    }

    fn identities(&mut self, list: &ListPart, node: Option<Node>) -> Identities {
        let Compare { schema, arena, path, errors, spare, .. } = self;
        Identities::of(spare, schema, arena, list, node, |index, reason| {
            errors.push(path, format!("element {index}: {reason}"));
        })
    }
}

/// The items of one identity on either side.
struct Group<'i> {
    token: &'i str,
    left: smallvec::SmallVec<[u32; 1]>,
    right: smallvec::SmallVec<[u32; 1]>,
}

impl<'i> Group<'i> {
    /// All identities in the order of their first item, the left side's first. Items without one
    /// are passed over. Where nobody is told of problems, no order is promised.
    fn all(left: &'i Identities, right: &'i Identities, trusted: bool) -> Vec<Group<'i>> {
        if left.are_wide() || right.are_wide() {
            return Group::searched(left, right);
        }
        if let Some(groups) = Group::pairs(left, right) {
            return groups;
        }
        if trusted && let Some(groups) = Group::merged(left, right) {
            return groups;
        }
        let mut groups: Vec<Group<'_>> = Vec::with_capacity(left.len().max(right.len()));
        let mut known: HashMap<token::Element<'_>, usize> =
            HashMap::with_capacity(groups.capacity());
        for (side, identities) in [left, right].into_iter().enumerate() {
            for (index, token) in identities.iter().enumerate() {
                if token.is_empty() {
                    continue;
                }
                let at = *known.entry(token::Element(token.as_bytes())).or_insert_with(|| {
                    groups.push(Group {
                        token,
                        left: Default::default(),
                        right: Default::default(),
                    });
                    groups.len() - 1
                });
                if let Some(group) = groups.get_mut(at) {
                    let list = if side == 0 { &mut group.left } else { &mut group.right };
                    list.push(index as u32);
                }
            }
        }
        groups
    }

    /// As [`all`](Self::all), of two short lists of the same items in the same order.
    fn pairs(left: &'i Identities, right: &'i Identities) -> Option<Vec<Group<'i>>> {
        let is_alike = left.len() == right.len()
            && left.len() <= FEW
            && left.iter().zip(right.iter()).all(|(l, r)| !l.is_empty() && token::eq(l, r));
        if !is_alike || left.firsts().1 {
            return None;
        }
        let pair = |(index, token): (usize, &'i str)| {
            let at = [index as u32];
            Group { token, left: at.into(), right: at.into() }
        };
        Some(left.iter().enumerate().map(pair).collect())
    }

    /// All identities in their own order, which is that of sets; none if items repeat on a side.
    fn merged(left: &'i Identities, right: &'i Identities) -> Option<Vec<Group<'i>>> {
        let (ours, theirs) = (left.order()?, right.order()?);
        let mut groups = Vec::with_capacity(left.len().max(right.len()));
        let (mut l, mut r) = (0, 0);
        while l < left.len() || r < right.len() {
            let (at, other) = (ours.at(l), theirs.at(r));
            let order = match (l < left.len(), r < right.len()) {
                (true, true) => token::cmp(left.get(at), right.get(other)),
                (true, false) => Ordering::Less,
                (false, _) => Ordering::Greater,
            };
            let pick = |side: bool, at: usize| side.then_some(at as u32).into_iter().collect();
            groups.push(Group {
                token: if order.is_le() { left.get(at) } else { right.get(other) },
                left: pick(order.is_le(), at),
                right: pick(order.is_ge(), other),
            });
            l += usize::from(order.is_le());
            r += usize::from(order.is_ge());
        }
        Some(groups)
    }

    /// As [`all`](Self::all), looked up as the reference does, which ends at an identity that it
    /// no longer finds.
    fn searched(left: &'i Identities, right: &'i Identities) -> Vec<Group<'i>> {
        type Items = smallvec::SmallVec<[u32; 1]>;
        let mut order: Vec<&'i str> = Vec::new();
        let mut index = |identities: &'i Identities, other: Option<&Searched<'i>>| {
            let mut known = Searched::new(identities);
            let mut items = vec![Items::new(); identities.len()];
            for (item, token) in
                identities.iter().enumerate().filter(|(_, token)| !token.is_empty())
            {
                let first = known.insert(item as u32);
                if first.is_none() && other.is_none_or(|other| other.find(token).is_none()) {
                    order.push(token);
                }
                if let Some(items) = items.get_mut(first.map_or(item, |first| first as usize)) {
                    items.push(item as u32);
                }
            }
            (known, items)
        };
        let (ours, our_items) = index(left, None);
        let (theirs, their_items) = index(right, Some(&ours));
        let pick = |known: &Searched<'i>, items: &[Items], token: &str| {
            let first = known.find(token).and_then(|first| items.get(first as usize));
            first.cloned().unwrap_or_default()
        };
        let group = |token| Group {
            token,
            left: pick(&ours, &our_items, token),
            right: pick(&theirs, &their_items, token),
        };
        let found = |group: &Group<'_>| !group.left.is_empty() || !group.right.is_empty();
        order.into_iter().map(group).take_while(found).collect()
    }
}
