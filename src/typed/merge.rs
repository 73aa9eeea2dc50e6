//! Merging a partially specified value into a full one.
//!
//! Nothing is removed by a merge. What the configuration does not mention is carried over from the
//! live value as the node that it is: the result shares every untouched part, and a merge that
//! changes nothing returns the live node itself.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::deep;
use crate::fieldpath::{PathStack, token};
use crate::schema::{Atom, Compiled, FieldCursor, ListPart, MapPart, Schema, TypeId};
use crate::value::{Arena, Node, Tag};

use super::error::{ValidationError, ValidationErrors};
use super::items::{Identities, Identity};
use super::shape::{self, Handler, Parts};

/// What a merge came to.
pub(crate) struct Merged {
    pub(crate) node: Node,
    /// Somewhere `right` states an empty map, or null, and `left` has a map with content, which
    /// stays.
    pub(crate) keeps_unstated: bool,
}

/// Merges `right` into `left`. With `trusted` both are known to be of the type, `right` without
/// repeated items, and the walk then visits only what `right` mentions.
///
/// Linear in what `right` mentions and the siblings of it.
pub(crate) fn merge(
    arena: &mut Arena<'_>,
    left: Node,
    right: Node,
    schema: &Schema,
    id: TypeId,
    trusted: bool,
) -> Result<Merged, ValidationErrors> {
    let schema = schema.tables();
    let depth = arena.depth();
    let mut walk = Merge {
        schema,
        arena,
        trusted: trusted && !schema.has_broken_lists,
        path: PathStack::default(),
        errors: ValidationErrors::default(),
        keeps_unstated: false,
    };
    let merged = deep::with_stack(depth, || walk.value(id, Some(left), Some(right)));
    let Merge { errors, keeps_unstated, .. } = walk;
    errors.into_result(Merged { node: merged.unwrap_or(Node::NULL), keeps_unstated })
}

struct Merge<'w, 't> {
    schema: &'w Compiled,
    arena: &'w mut Arena<'t>,
    trusted: bool,
    path: PathStack,
    errors: ValidationErrors,
    keeps_unstated: bool,
}

impl<'w> Merge<'w, '_> {
    fn value(&mut self, id: TypeId, left: Option<Node>, right: Option<Node>) -> Option<Node> {
        if self.trusted {
            // Of two valid values one alone merges to itself.
            match (left, right) {
                (Some(left), None) => return Some(left),
                (None, Some(right)) => return Some(right),
                _ => {}
            }
        }
        let schema: &'w Compiled = self.schema;
        let atom = schema.atom(id);
        if atom.unresolved {
            // Told at the parent's path, as the reference does.
            let mut path = String::new();
            self.path.write_parent_display(&mut path);
            let message = shape::unresolved_message(schema, id);
            self.errors.0.push(ValidationError { path, message });
            return None;
        }
        let left_parts = shape::deduce(atom, left);
        let right_parts = shape::deduce(atom, right);
        if right.is_none() {
            return self.handle(id, atom, left_parts, left, right);
        }
        if left.is_some() && left_parts != right_parts && !self.trusted {
            // The shape changes: the old shape is looked at for its errors only.
            self.handle(id, atom, left_parts, left, right);
        }
        self.handle(id, atom, right_parts, left, right)
    }

    fn handle(
        &mut self,
        id: TypeId,
        atom: &'w Atom,
        parts: Parts,
        left: Option<Node>,
        right: Option<Node>,
    ) -> Option<Node> {
        match parts.handler(atom) {
            Some(Handler::Map(map)) => self.map(map, left, right),
            Some(Handler::Scalar(atom)) => self.scalar(atom, left, right),
            Some(Handler::List(list)) => self.list(list, left, right),
            None => {
                self.errors.push(&self.path, shape::invalid_atom_message(self.schema, id));
                None
            }
        }
    }

    /// The right side as it is if there is one; the left node where they cannot be told apart.
    fn leaf(&self, left: Option<Node>, right: Option<Node>) -> Option<Node> {
        match (left, right) {
            (Some(left), Some(right)) if self.arena.identical(left, right) => Some(left),
            (left, right) => right.or(left),
        }
    }

    fn scalar(&mut self, atom: &Atom, left: Option<Node>, right: Option<Node>) -> Option<Node> {
        if let (false, Some(l), Some(r)) = (self.trusted, left, right) {
            let problem = |side| shape::scalar_problem(self.schema, atom, self.arena, side);
            if let (Some(l), Some(r)) = (problem(l), problem(r)) {
                self.errors.push(&self.path, format!("lhs: {l}"));
                self.errors.push(&self.path, format!("rhs: {r}"));
                return None;
            }
        }
        self.leaf(left, right)
    }

    fn map(&mut self, map: &MapPart, left: Option<Node>, right: Option<Node>) -> Option<Node> {
        let of_map = |side: Option<Node>| side.filter(|node| node.tag() == Tag::Map);
        let (ours, theirs) = (of_map(left), of_map(right));
        let count = |side: Option<Node>| side.map_or(0, Node::count);
        if map.is_atomic() || (count(ours) == 0 && count(theirs) == 0) {
            return self.leaf(left, right);
        }
        if let (true, Some(ours), 0) = (self.trusted, ours, count(theirs)) {
            self.keeps_unstated |= right.is_some();
            return Some(ours);
        }
        if self.trusted && count(ours) == 0 {
            return theirs;
        }
        let (our_count, their_count) = (count(ours), count(theirs));
        let (ours_or_null, theirs_or_null) =
            (ours.unwrap_or(Node::NULL), theirs.unwrap_or(Node::NULL));
        let mut out: Vec<Node> = Vec::with_capacity(our_count + their_count);
        let mut fields = FieldCursor::new(self.schema, map);
        let (mut l, mut r) = (0, 0);
        let mut changed = ours.is_none();
        while l < our_count || r < their_count {
            let left = (l < our_count).then(|| self.arena.child(ours_or_null, l));
            let right = (r < their_count).then(|| self.arena.child(theirs_or_null, r));
            let order = match (left, right) {
                (Some(left), Some(right)) => self.arena.compare_keys(left, right),
                (Some(_), None) => Ordering::Less,
                _ => Ordering::Greater,
            };
            let (left, right) = match order {
                Ordering::Less => (left, None),
                Ordering::Equal => (left, right),
                Ordering::Greater => (None, right),
            };
            l += usize::from(left.is_some());
            r += usize::from(right.is_some());
            if let (true, Some(left), None) = (self.trusted, left, right) {
                out.push(left);
                continue;
            }
            let Some(named) = left.or(right) else { continue };
            let key = self.arena.key(named);
            let (id, _) = fields.find(&key);
            self.path.push_field(&key);
            let merged = self.value(id, left, right);
            self.path.pop();
            if let Some(merged) = merged {
                changed |= left.is_none_or(|left| !left.is_same(merged));
                out.push(merged.with_key_of(named));
            } else {
                changed = true;
            }
        }
        if !changed {
            return ours;
        }
        if out.is_empty() {
            return None;
        }
        Some(self.arena.rebuild(Tag::Map, &out))
    }

    fn list(&mut self, list: &ListPart, left: Option<Node>, right: Option<Node>) -> Option<Node> {
        let of_list = |side: Option<Node>| side.filter(|node| node.tag() == Tag::List);
        let (ours, theirs) = (of_list(left), of_list(right));
        let count = |side: Option<Node>| side.map_or(0, Node::count);
        if list.is_atomic() || (count(ours) == 0 && count(theirs) == 0) {
            return self.leaf(left, right);
        }
        if let (true, Some(ours), 0) = (self.trusted, ours, count(theirs)) {
            return Some(ours);
        }
        if self.trusted && count(ours) == 0 {
            return theirs;
        }
        self.associative_list(list, ours, theirs)
    }

    fn identities(&mut self, list: &ListPart, node: Option<Node>) -> Identities {
        let Merge { schema, arena, path, errors, .. } = self;
        Identities::of(schema, arena, list, node, |index, reason| {
            errors.push(path, format!("element {index}: {reason}"));
        })
    }

    fn associative_list(
        &mut self,
        list: &ListPart,
        ours: Option<Node>,
        theirs: Option<Node>,
    ) -> Option<Node> {
        let before = self.errors.0.len();
        let right = self.identities(list, theirs);
        let left = self.identities(list, ours);
        if !self.trusted {
            let (firsts, _) = right.firsts();
            for (index, first) in firsts.iter().enumerate() {
                let token = right.get(index);
                if *first as usize != index && !token.is_empty() {
                    let mut message = String::from("duplicate entries for key ");
                    token::write_display(&mut message, token);
                    self.errors.push(&self.path, message);
                }
            }
        }
        if self.errors.0.len() > before {
            return None;
        }
        let plan = Alignment::of(&left, &right);
        let (our_list, their_list) = (ours.unwrap_or(Node::NULL), theirs.unwrap_or(Node::NULL));
        let mut out = Vec::with_capacity(plan.steps.len());
        let mut unchanged = plan.steps.len() == left.len() && ours.is_some();
        for (position, step) in plan.steps.iter().enumerate() {
            let at_left = |index: u32| self.arena.child(our_list, index as usize);
            let (l, r, token) = match *step {
                Step::Keep(index) => (Some(at_left(index)), None, left.get(index as usize)),
                Step::Take { left: source, right: index } => {
                    let l = match source {
                        Source::Absent => None,
                        Source::Repeated => Some(Node::NULL),
                        Source::Item(index) => Some(at_left(index)),
                    };
                    let r = self.arena.child(their_list, index as usize);
                    (l, Some(r), right.get(index as usize))
                }
            };
            self.path.push_token(token);
            // What goes wrong inside an item leaves a hole in it and no trace, as in the
            // reference.
            let mark = self.errors.0.len();
            let merged = self.value(list.element, l, r);
            self.errors.0.truncate(mark);
            self.path.pop();
            if let Some(merged) = merged {
                unchanged &= self.arena.child(our_list, position).is_same(merged);
                out.push(merged);
            } else {
                unchanged = false;
            }
        }
        if unchanged {
            return ours;
        }
        if out.is_empty() {
            return None;
        }
        Some(self.arena.rebuild(Tag::List, &out))
    }
}

#[derive(Clone, Copy)]
enum Source {
    Absent,
    /// The identity stands more than once on the left: the contents are lost.
    Repeated,
    Item(u32),
}

#[derive(Clone, Copy)]
enum Step {
    /// An item that the right side does not mention.
    Keep(u32),
    /// An item of the right side, merged into what the left has of it.
    Take { left: Source, right: u32 },
}

/// The order of a merged list: items of the right keep their relative order, items that only the
/// left has stay near their neighbours, and nothing moves without need.
struct Alignment {
    steps: Vec<Step>,
}

impl Alignment {
    /// The identities of `right` are known to differ from each other.
    fn of(left: &Identities, right: &Identities) -> Alignment {
        let aligned = left.len() == right.len()
            && left.iter().zip(right.iter()).all(|(left, right)| token::eq(left, right));
        if aligned {
            let take = |index| Step::Take { left: Source::Item(index), right: index };
            return Alignment { steps: (0..right.len() as u32).map(take).collect() };
        }
        // Where each item of the right stands on the left, and the other way round.
        let by_right: HashMap<Identity<'_>, u32> = right
            .iter()
            .enumerate()
            .map(|(index, token)| (Identity(token), index as u32))
            .collect();
        let mut source = vec![Source::Absent; right.len()];
        let in_right: Vec<Option<u32>> = left
            .iter()
            .enumerate()
            .map(|(index, token)| {
                let at = by_right.get(&Identity(token)).copied()?;
                if let Some(source) = source.get_mut(at as usize) {
                    *source = match source {
                        Source::Absent => Source::Item(index as u32),
                        Source::Item(_) | Source::Repeated => Source::Repeated,
                    };
                }
                Some(at)
            })
            .collect();
        let at = |list: &[Source], index: u32| {
            list.get(index as usize).copied().unwrap_or(Source::Absent)
        };
        let mut shared = source
            .iter()
            .enumerate()
            .filter(|(_, source)| !matches!(source, Source::Absent))
            .map(|(index, _)| index as u32);
        let mut next = shared.next();
        let mut done = vec![false; right.len()];
        let mut steps = Vec::with_capacity(left.len() + right.len());
        let (mut l, mut r) = (0u32, 0u32);
        let (ours, theirs) = (left.len() as u32, right.len() as u32);
        let take = |steps: &mut Vec<Step>, done: &mut Vec<bool>, index: u32| {
            steps.push(Step::Take { left: at(&source, index), right: index });
            if let Some(done) = done.get_mut(index as usize) {
                *done = true;
            }
        };
        while l < ours || r < theirs {
            let known = in_right.get(l as usize).copied().flatten();
            if l < ours && r < theirs {
                if known == Some(r) {
                    take(&mut steps, &mut done, r);
                    l += 1;
                    r += 1;
                    next = shared.next();
                    continue;
                }
                if let (Some(known), Some(next)) = (known, next)
                    && known != next
                {
                    // It comes at its place on the right.
                    l += 1;
                    continue;
                }
            }
            if l < ours {
                match known {
                    None => {
                        steps.push(Step::Keep(l));
                        l += 1;
                        continue;
                    }
                    Some(known) if done.get(known as usize) == Some(&true) => l += 1,
                    Some(_) => {}
                }
            }
            if r < theirs {
                take(&mut steps, &mut done, r);
                if next == Some(r) {
                    next = shared.next();
                }
                r += 1;
            }
        }
        Alignment { steps }
    }
}
