//! Merging a partially specified value into a full one.
//!
//! Nothing is removed by a merge. What the configuration does not mention is carried over from the
//! live value as the node that it is: the result shares every untouched part, and a merge that
//! changes nothing returns the live node itself.

use std::cmp::Ordering;

use crate::deep;
use crate::fieldpath::{PathStack, Sorted, token};
use crate::schema::{Atom, Compiled, FieldCursor, ListPart, MapPart, Schema, TypeId};
use crate::value::{AT_ONCE, Arena, Effort, Node, Tag};

use super::error::{Trail, Untold, ValidationError, ValidationErrors};
use super::items::{FEW, Hashed, Identities, Searched, may_be_taken_for_another};
use super::shape::{self, Handler, Parts};

/// What a merge came to.
pub(crate) struct Merged {
    pub(crate) node: Node,
    /// Somewhere `right` states an empty map, or null, and `left` has a map with content, which
    /// stays; or a list of which both have items keeps an item that may be taken for another one once
    /// a key of it is pruned.
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
    let trusted = trusted && !schema.has_broken_lists && !arena.has_long_numbers();
    deep::with_stack(depth, || {
        attempt::<Untold>(arena, left, right, schema, id, trusted)
            .or_else(|_| attempt::<PathStack>(arena, left, right, schema, id, trusted))
    })
}

fn attempt<P: Trail>(
    arena: &mut Arena<'_>,
    left: Node,
    right: Node,
    schema: &Compiled,
    id: TypeId,
    trusted: bool,
) -> Result<Merged, ValidationErrors> {
    let mut walk = Merge {
        schema,
        arena,
        trusted,
        path: P::default(),
        errors: ValidationErrors::default(),
        keeps_unstated: false,
        out: Vec::with_capacity(32),
        spare: Vec::new(),
        effort: Effort::for_value(right),
    };
    let merged = walk.value(id, Some(left), Some(right));
    let Merge { errors, keeps_unstated, .. } = walk;
    errors.into_result(Merged { node: merged.unwrap_or(Node::NULL), keeps_unstated })
}

struct Merge<'w, 't, P> {
    schema: &'w Compiled,
    arena: &'w mut Arena<'t>,
    trusted: bool,
    path: P,
    errors: ValidationErrors,
    keeps_unstated: bool,
    /// The children of every container that is being assembled, one behind the other.
    out: Vec<Node>,
    spare: Vec<Identities>,
    effort: Effort,
}

impl<'w, P: Trail> Merge<'w, '_, P> {
    fn value(&mut self, id: TypeId, left: Option<Node>, right: Option<Node>) -> Option<Node> {
        self.settled(left, right).or_else(|| self.merged(id, left, right))
    }

    /// What two values merge to where no type is needed to tell.
    #[inline]
    fn settled(&mut self, left: Option<Node>, right: Option<Node>) -> Option<Node> {
        match (left, right) {
            _ if !self.trusted => None,
            // Of two valid values one alone merges to itself.
            (Some(one), None) | (None, Some(one)) => Some(one),
            // Nor does a value without repeated items change when it is merged into itself.
            (Some(left), Some(right)) => {
                self.arena.are_spelled_alike(left, right, &mut self.effort).then_some(left)
            }
            (None, None) => None,
        }
    }

    fn merged(&mut self, id: TypeId, left: Option<Node>, right: Option<Node>) -> Option<Node> {
        let schema: &'w Compiled = self.schema;
        let atom = schema.atom(id);
        if atom.unresolved {
            // Told at the parent's path, as the reference does.
            let mut path = String::new();
            self.path.write_parent_display(&mut path);
            let message = shape::unresolved_message(schema, id);
            self.errors.0.push(ValidationError::told(path, message));
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
        let first = self.out.len();
        let mut fields = FieldCursor::new(self.schema, map);
        let (mut l, mut r) = (0, 0);
        let mut changed = ours.is_none();
        while l < our_count || r < their_count {
            if self.trusted && r == their_count {
                let rest = self.arena.children(ours_or_null).get(l..).unwrap_or_default();
                self.out.extend_from_slice(rest);
                break;
            }
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
            let Some(named) = left.or(right) else { continue };
            let merged = self.settled(left, right).or_else(|| {
                let key = self.arena.key(named);
                let (id, _) = fields.find(&key);
                self.path.push_field(&key);
                let merged = self.merged(id, left, right);
                self.path.pop();
                merged
            });
            if let Some(merged) = merged {
                changed |= left.is_none_or(|left| !left.is_same(merged));
                self.out.push(merged.with_key_of(named));
            } else {
                changed = true;
            }
        }
        if !changed {
            self.out.truncate(first);
            return ours;
        }
        self.assemble(Tag::Map, first)
    }

    /// A container of what was put out since `first`; none of nothing.
    fn assemble(&mut self, tag: Tag, first: usize) -> Option<Node> {
        let children = self.out.get(first..).unwrap_or_default();
        let node = (!children.is_empty()).then(|| self.arena.rebuild(tag, children));
        self.out.truncate(first);
        node
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
        let Merge { schema, arena, path, errors, spare, .. } = self;
        Identities::of(spare, schema, arena, list, node, |index, reason| {
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
        let steps = align(&left, &right);
        let keeps_items = steps.iter().any(|step| matches!(step, Step::Keep(_)));
        self.keeps_unstated |= keeps_items && may_be_taken_for_another(self.schema, list);
        let (our_list, their_list) = (ours.unwrap_or(Node::NULL), theirs.unwrap_or(Node::NULL));
        let first = self.out.len();
        let mut unchanged = steps.len() == left.len() && ours.is_some();
        for (position, step) in steps.iter().enumerate() {
            let at_left = |index: u32| self.arena.child(our_list, index as usize);
            if position % AT_ONCE == 0
                && let Some(next) = steps.get(position..position + AT_ONCE)
                && next.iter().zip(next.iter().skip(1)).any(|(this, next)| !this.is_before(next))
            {
                self.arena.look_at(next.iter().filter_map(Step::source).map(at_left));
            }
            let (l, r, token) = match *step {
                Step::Keep(index) => (Some(at_left(index)), None, left.get(index as usize)),
                Step::Take { left: source, right: index } => {
                    let l = match source {
                        Source::Absent => None,
                        Source::Repeated => Some(Node::NULL),
                        Source::Item(index) => Some(at_left(index)),
                    };
                    let r = index.map(|index| self.arena.child(their_list, index as usize));
                    (l, r, index.map_or("", |index| right.get(index as usize)))
                }
            };
            if l.is_none() && r.is_none() {
                unchanged = false;
                continue;
            }
            self.path.push_token(token);
            // What goes wrong inside an item leaves a hole in it and no trace, as in the
            // reference.
            let mark = self.errors.0.len();
            let merged = self.value(list.element, l, r);
            self.errors.0.truncate(mark);
            self.path.pop();
            if let Some(merged) = merged {
                unchanged &= self.arena.child(our_list, position).is_same(merged);
                self.out.push(merged);
            } else {
                unchanged = false;
            }
        }
        self.spare.extend([left, right]);
        if unchanged {
            self.out.truncate(first);
            return ours;
        }
        self.assemble(Tag::List, first)
    }
}

#[derive(Clone, Copy)]
pub(super) enum Source {
    Absent,
    /// The identity stands more than once on the left: the contents are lost.
    Repeated,
    Item(u32),
}

#[derive(Clone, Copy)]
pub(super) enum Step {
    /// An item that the right side does not mention.
    Keep(u32),
    /// An item of the right side, merged into what the left has of it.
    Take { left: Source, right: Option<u32> },
}

impl Step {
    /// The item of the left whose contents it needs.
    fn source(&self) -> Option<u32> {
        match *self {
            Step::Keep(index) | Step::Take { left: Source::Item(index), .. } => Some(index),
            Step::Take { .. } => None,
        }
    }

    /// Whether another one needs what stands behind that on the left, if it needs anything.
    fn is_before(&self, next: &Step) -> bool {
        next.source().is_none_or(|next| self.source().is_some_and(|this| this < next))
    }
}

/// Which items of two lists are the same. The identities of the right are known to differ.
trait Pairing {
    /// Whether the two items are the same.
    fn is_pair(&self, left: u32, right: u32) -> bool;
    /// Whether the left has an item of the right.
    fn is_shared(&self, right: u32) -> bool;
    /// The item of the right that an item of the left is.
    fn in_right(&self, left: u32) -> Option<u32>;
    /// Whether two items of the right are the same.
    fn is_same(&self, next: u32, right: u32) -> bool;
    /// Whether that item of the right was taken.
    fn is_taken(&self, left: u32) -> bool;
    /// Takes an item of the right, met beside the same item of the left or alone.
    fn take(&mut self, left: Option<u32>, right: u32) -> Step;
}

/// The order of a merged list: items of the right keep their relative order, items that only the
/// left has stay near their neighbours, and nothing moves without need.
pub(super) fn align(left: &Identities, right: &Identities) -> Vec<Step> {
    if left.are_wide() || right.are_wide() {
        return steps(left.len(), right.len(), SearchedPairs::of(left, right));
    }
    let aligned = left.len() == right.len()
        && left.iter().zip(right.iter()).all(|(left, right)| token::eq(left, right));
    if aligned {
        let take = |index| Step::Take { left: Source::Item(index), right: Some(index) };
        return (0..right.len() as u32).map(take).collect();
    }
    steps(left.len(), right.len(), HashedPairs::of(left, right))
}

fn steps(ours: usize, theirs: usize, mut pairs: impl Pairing) -> Vec<Step> {
    let mut steps = Vec::with_capacity(ours + theirs);
    let (ours, theirs) = (ours as u32, theirs as u32);
    let shared: Vec<u32> = (0..theirs).filter(|right| pairs.is_shared(*right)).collect();
    let mut shared = shared.into_iter();
    // The first shared item of the right that was not met yet.
    let mut next = shared.next();
    let (mut l, mut r) = (0, 0);
    while l < ours || r < theirs {
        if l < ours && r < theirs {
            if pairs.is_pair(l, r) {
                steps.push(pairs.take(Some(l), r));
                l += 1;
                r += 1;
                next = shared.next();
                continue;
            }
            if pairs.in_right(l).is_some() && next.is_some_and(|next| !pairs.is_pair(l, next)) {
                // It comes at its place on the right.
                l += 1;
                continue;
            }
        }
        if l < ours {
            if pairs.in_right(l).is_none() {
                steps.push(Step::Keep(l));
                l += 1;
                continue;
            }
            // With nothing left on the right, where all is taken, the reference may miss it and
            // stay here for ever.
            l += u32::from(r == theirs || pairs.is_taken(l));
        }
        if r < theirs {
            steps.push(pairs.take(None, r));
            if next.is_some_and(|next| pairs.is_same(next, r)) {
                next = shared.next();
            }
            r += 1;
        }
    }
    steps
}

/// Pairs found once, by hashing.
struct HashedPairs {
    /// Where each item of the right stands on the left.
    sources: Vec<Source>,
    /// Where each item of the left stands on the right.
    in_right: Vec<Option<u32>>,
    taken: Vec<bool>,
}

impl HashedPairs {
    fn of(left: &Identities, right: &Identities) -> HashedPairs {
        let in_right = if right.len() <= FEW {
            let find = |token| {
                (0..right.len() as u32).rev().find(|at| token::eq(right.get(*at as usize), token))
            };
            left.iter().map(find).collect()
        } else {
            Hashed::of(right).find_all(left)
        };
        let mut sources = vec![Source::Absent; right.len()];
        for (index, at) in in_right.iter().enumerate() {
            if let Some(source) = at.and_then(|at| sources.get_mut(at as usize)) {
                *source = match source {
                    Source::Absent => Source::Item(index as u32),
                    Source::Item(_) | Source::Repeated => Source::Repeated,
                };
            }
        }
        HashedPairs { sources, in_right, taken: vec![false; right.len()] }
    }

    fn source(&self, right: u32) -> Source {
        self.sources.get(right as usize).copied().unwrap_or(Source::Absent)
    }
}

impl Pairing for HashedPairs {
    fn is_pair(&self, left: u32, right: u32) -> bool {
        self.in_right(left) == Some(right)
    }

    fn is_shared(&self, right: u32) -> bool {
        !matches!(self.source(right), Source::Absent)
    }

    fn in_right(&self, left: u32) -> Option<u32> {
        self.in_right.get(left as usize).copied().flatten()
    }

    fn is_same(&self, next: u32, right: u32) -> bool {
        next == right
    }

    fn is_taken(&self, left: u32) -> bool {
        self.in_right(left).is_some_and(|right| self.taken.get(right as usize) == Some(&true))
    }

    fn take(&mut self, _: Option<u32>, right: u32) -> Step {
        if let Some(taken) = self.taken.get_mut(right as usize) {
            *taken = true;
        }
        Step::Take { left: self.source(right), right: Some(right) }
    }
}

/// Pairs looked up each time, as the reference does, where integers beyond 2^53 are among the
/// identities.
struct SearchedPairs<'i> {
    left: &'i Identities,
    right: &'i Identities,
    ours: Searched<'i>,
    repeated: Vec<bool>,
    theirs: Searched<'i>,
    /// By the spelling that each was met with.
    taken: Sorted<&'i str>,
}

impl<'i> SearchedPairs<'i> {
    fn of(left: &'i Identities, right: &'i Identities) -> SearchedPairs<'i> {
        let (mut ours, mut theirs) = (Searched::new(left), Searched::new(right));
        let mut repeated = vec![false; left.len()];
        for item in 0..left.len() as u32 {
            let first = ours.insert(item);
            if let Some(slot) = first.and_then(|first| repeated.get_mut(first as usize)) {
                *slot = true;
            }
        }
        for item in 0..right.len() as u32 {
            theirs.insert(item);
        }
        SearchedPairs { left, right, ours, repeated, theirs, taken: Sorted::default() }
    }

    fn find_taken(&self, token: &str) -> Result<usize, usize> {
        self.taken.find(|taken| token::cmp(taken, token))
    }
}

impl Pairing for SearchedPairs<'_> {
    fn is_pair(&self, left: u32, right: u32) -> bool {
        token::eq(self.left.get(left as usize), self.right.get(right as usize))
    }

    fn is_shared(&self, right: u32) -> bool {
        self.ours.find(self.right.get(right as usize)).is_some()
    }

    fn in_right(&self, left: u32) -> Option<u32> {
        self.theirs.find(self.left.get(left as usize))
    }

    fn is_same(&self, next: u32, right: u32) -> bool {
        token::eq(self.right.get(next as usize), self.right.get(right as usize))
    }

    fn is_taken(&self, left: u32) -> bool {
        self.find_taken(self.left.get(left as usize)).is_ok()
    }

    fn take(&mut self, left: Option<u32>, right: u32) -> Step {
        let token = match left {
            Some(left) => self.left.get(left as usize),
            None => self.right.get(right as usize),
        };
        if let Err(at) = self.find_taken(token) {
            self.taken.insert(at, token);
        }
        let left = match self.ours.find(token) {
            None => Source::Absent,
            Some(first) if self.repeated.get(first as usize) == Some(&true) => Source::Repeated,
            Some(first) => Source::Item(first),
        };
        Step::Take { left, right: self.theirs.find(token) }
    }
}
