//! Sets of paths as pre-order tapes.
#![expect(
    clippy::indexing_slicing,
    reason = "all indices are positions of the same tape, whose counts every constructor keeps within it"
)]

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::value::Effort;

use super::element::{Path, PathElement};
use super::{token, wide};

/// One element of a tape: how long its token is, and what follows that is below it. Tokens stand in
/// the tape's text in the order of entries, one behind the other, so what is below an element is a
/// run of entries and a run of text, and means the same wherever both are copied to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Length of the token, shifted by one; the lowest bit says whether the path is a member.
    len: u32,
    /// How many entries are below.
    pub(super) count: u32,
    /// How long the tokens of those are together.
    text: u32,
}

impl Entry {
    pub(super) fn new(len: usize) -> Entry {
        Entry { len: (len as u32) << 1, count: 0, text: 0 }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        (self.len >> 1) as usize
    }

    /// How long the tokens below are together.
    #[inline]
    pub(super) fn text_below(self) -> usize {
        self.text as usize
    }

    #[inline]
    pub(super) fn is_member(self) -> bool {
        self.len & 1 != 0
    }

    pub(super) fn set_member(&mut self, member: bool) {
        self.len = (self.len & !1) | u32::from(member);
    }

    /// Whether two runs of entries are the same. Eight at once, without a way out in between.
    pub(super) fn are_same(left: &[Entry], right: &[Entry]) -> bool {
        let ((left, our_rest), (right, their_rest)) =
            (left.as_chunks::<8>(), right.as_chunks::<8>());
        left.len() == right.len()
            && our_rest == their_rest
            && left.iter().zip(right).all(|(left, right)| {
                let words = |of: &[Entry; 8]| of.map(|entry| [entry.len, entry.count, entry.text]);
                let (left, right) = (words(left), words(right));
                let pairs = left.as_flattened().iter().zip(right.as_flattened());
                pairs.fold(0, |all, (a, b)| all | (a ^ b)) == 0
            })
    }

    /// Says what is below: so many entries, with so much text.
    #[inline]
    pub(super) fn set_below(&mut self, count: usize, text: usize) {
        self.count = count as u32;
        self.text = text as u32;
    }
}

/// The tokens of a tape in order.
pub(super) fn tokens<'a>(pool: &'a str, tape: &[Entry]) -> impl Iterator<Item = &'a str> {
    let mut rest = pool;
    tape.iter().map(move |entry| {
        let (token, behind) = rest.split_at(entry.len());
        rest = behind;
        token
    })
}

/// A set of field paths, such as what one manager owns.
///
/// A path is a member only if it was put in itself: having members below it is something else.
/// Clones share the set.
///
/// ```
/// use managed_fields::fieldpath::FieldSet;
/// let set = FieldSet::from_fields_v1(br#"{"f:spec":{"f:replicas":{}}}"#)?;
/// assert_eq!(set.to_string(), ".spec.replicas");
/// # Ok::<(), managed_fields::fieldpath::FieldsV1Error>(())
/// ```
#[derive(Clone, Default)]
pub struct FieldSet(Option<Arc<Tape>>);

/// A set that is not empty; of the empty set there is no tape.
struct Tape {
    pool: String,
    entries: Vec<Entry>,
    /// No path is longer.
    depth: usize,
    /// Integers beyond 2^53 may be among the elements; then a member and a node of two spellings
    /// are entries of their own, side by side.
    wide: bool,
    /// It is known that no token has a mark.
    unmarked: bool,
}

/// A set, or what a set has below one element.
#[derive(Clone, Copy)]
pub(crate) struct SetRef<'a> {
    /// The tokens of all entries.
    pub(super) pool: &'a str,
    pub(super) entries: &'a [Entry],
    pub(super) wide: bool,
}

/// An element of a node of a set.
#[derive(Clone, Copy)]
pub(crate) struct Child<'a> {
    pub(crate) token: &'a str,
    /// Whether the path that ends here is in the set.
    pub(crate) member: bool,
    /// What the set has below.
    pub(crate) subset: SetRef<'a>,
}

/// The elements of one node, in order.
#[derive(Clone)]
pub(crate) struct Children<'a> {
    rest: SetRef<'a>,
}

impl<'a> Children<'a> {
    /// The text of what is left, which the next token stands at the beginning of.
    #[inline]
    pub(crate) fn text(&self) -> &'a [u8] {
        self.rest.pool.as_bytes()
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Child<'a>;

    #[inline]
    fn next(&mut self) -> Option<Child<'a>> {
        let (child, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(child)
    }
}

impl<'a> SetRef<'a> {
    pub(crate) fn children(self) -> Children<'a> {
        Children { rest: self }
    }

    /// The first element, and the others.
    #[inline(always)]
    pub(super) fn split_first(self) -> Option<(Child<'a>, SetRef<'a>)> {
        let SetRef { pool, entries, wide } = self;
        let (entry, entries) = entries.split_first()?;
        let (token, pool) = pool.split_at(entry.len());
        let (below, entries) = entries.split_at(entry.count as usize);
        let (text, pool) = pool.split_at(entry.text as usize);
        let subset = SetRef { pool: text, entries: below, wide };
        let child = Child { token, member: entry.is_member(), subset };
        Some((child, SetRef { pool, entries, wide }))
    }

    #[inline]
    pub(super) fn first_token(self) -> Option<&'a str> {
        self.entries.first().map(|entry| &self.pool[..entry.len()])
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.entries.is_empty()
    }

    /// How much may be looked at in vain to find parts that are spelled alike.
    pub(super) fn effort(self) -> Effort {
        Effort::of(self.pool.len())
    }

    /// Whether both are the same in so many letters, as far as the effort allows that to be found
    /// out.
    #[inline]
    pub(super) fn is_spelled_like(self, other: SetRef<'_>, effort: &mut Effort) -> bool {
        self.entries.len() == other.entries.len()
            && self.pool.len() == other.pool.len()
            && effort.finds_same(self.pool.as_bytes(), other.pool.as_bytes())
            && effort.spend_unless(Entry::are_same(self.entries, other.entries), self.pool.len())
    }

    /// Whether integers beyond 2^53 may be among the elements.
    pub(crate) fn is_wide(self) -> bool {
        self.wide
    }

    /// Whether the element is a member, and what is below it.
    fn find(self, element: &str) -> (bool, SetRef<'a>) {
        let nothing = SetRef { pool: "", entries: &[], ..self };
        if self.wide {
            let level = Level::of(self);
            let (member, below) = level.find(element);
            return (member, below.unwrap_or(nothing));
        }
        match self.children().find(|child| token::eq(child.token, element)) {
            Some(child) => (child.member, child.subset),
            None => (false, nothing),
        }
    }
}

/// The children of one node of a set, ready to be looked up.
pub(crate) struct Level<'a> {
    set: SetRef<'a>,
    children: Vec<Place>,
    /// Those with something below them, where they are held apart from the members.
    nodes: Option<Vec<Place>>,
    /// Where each of many children is.
    places: OnceCell<HashMap<token::Element<'a>, Place>>,
}

/// Where a child of a node stands in its entries and in its text.
#[derive(Clone, Copy)]
struct Place {
    entry: u32,
    text: u32,
}

impl Default for Level<'_> {
    fn default() -> Self {
        Level::of(SetRef { pool: "", entries: &[], wide: false })
    }
}

impl<'a> Level<'a> {
    /// Up to so many children are searched by halving.
    const MANY: usize = 64;

    pub(crate) fn of(set: SetRef<'a>) -> Level<'a> {
        let mut rest = set;
        let placed = std::iter::from_fn(|| {
            let (entry, text) =
                (set.entries.len() - rest.entries.len(), set.pool.len() - rest.pool.len());
            let (child, behind) = rest.split_first()?;
            rest = behind;
            Some((Place { entry: entry as u32, text: text as u32 }, child))
        });
        if !set.wide {
            let children = placed.map(|(place, _)| place).collect();
            return Level { set, children, nodes: None, places: OnceCell::new() };
        }
        let (mut children, mut nodes) = (Vec::new(), Vec::new());
        for (place, child) in placed {
            children.extend(child.member.then_some(place));
            nodes.extend((!child.subset.is_empty()).then_some(place));
        }
        Level { set, children, nodes: Some(nodes), places: OnceCell::new() }
    }

    /// The set from a child of its root on.
    fn at(&self, place: Place) -> SetRef<'a> {
        let SetRef { pool, entries, wide } = self.set;
        SetRef {
            pool: &pool[place.text as usize..],
            entries: &entries[place.entry as usize..],
            wide,
        }
    }

    fn token(&self, place: Place) -> &'a str {
        self.at(place).first_token().unwrap_or_default()
    }

    /// The elements as the reference meets them where members and nodes are held apart: those that
    /// are no members first.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Child<'a>> {
        let nodes = self.nodes.iter().flatten().map(|node| (self.token(*node), false));
        let members = self.children.iter().map(|member| (self.token(*member), true));
        nodes.chain(members).filter_map(|(token, member)| {
            let (is_member, below) = self.find(token);
            let subset = below.unwrap_or(SetRef { pool: "", entries: &[], wide: true });
            (member || !is_member).then_some(Child { token, member, subset })
        })
    }

    /// Whether the element is a member, and what the set has below it.
    pub(crate) fn find(&self, element: &str) -> (bool, Option<SetRef<'a>>) {
        let found = match &self.nodes {
            None if self.children.len() > Self::MANY => self.find_among_many(element),
            _ => self.look_up(&self.children, element),
        };
        let node = match &self.nodes {
            Some(nodes) => self.look_up(nodes, element),
            None => found,
        };
        let child = |place: Place| self.at(place).split_first().map(|(child, _)| child);
        let below = node.and_then(child).map(|node| node.subset);
        let is_member = found.and_then(child).is_some_and(|child| child.member);
        (is_member, below.filter(|subset| !subset.is_empty()))
    }

    fn find_among_many(&self, element: &str) -> Option<Place> {
        let places = self.places.get_or_init(|| {
            self.children.iter().map(|place| (token::Element(self.token(*place)), *place)).collect()
        });
        places.get(&token::Element(element)).copied()
    }

    fn look_up(&self, places: &[Place], element: &str) -> Option<Place> {
        let at = wide::search(places.len(), |at| token::cmp(self.token(places[at]), element));
        at.ok().map(|at| places[at])
    }
}

/// Writes a tape in order.
#[derive(Default)]
pub(super) struct Writer {
    pool: String,
    entries: Vec<Entry>,
}

/// An entry that was written, and where its token ends.
#[derive(Clone, Copy)]
pub(super) struct Written {
    entry: usize,
    end: usize,
}

impl Writer {
    pub(super) fn with_capacity(pool: usize, entries: usize) -> Writer {
        Writer { pool: String::with_capacity(pool), entries: Vec::with_capacity(entries) }
    }

    /// Room for what a short set needs.
    fn make_room(&mut self) {
        if self.entries.capacity() == 0 {
            self.entries.reserve(16);
            self.pool.reserve(192);
        }
    }

    pub(super) fn push(&mut self, token: &str, member: bool) -> Written {
        self.make_room();
        let mut entry = Entry::new(token.len());
        entry.set_member(member);
        self.pool.push_str(token);
        self.entries.push(entry);
        Written { entry: self.entries.len() - 1, end: self.pool.len() }
    }

    /// Makes the entry a member.
    pub(super) fn set_member(&mut self, written: Written) {
        self.entries[written.entry].set_member(true);
    }

    /// Counts what was pushed below the entry.
    pub(super) fn close(&mut self, written: Written) {
        let below = self.entries.len() - written.entry - 1;
        self.entries[written.entry].set_below(below, self.pool.len() - written.end);
    }

    /// Counts what was pushed below the entry, or takes it back if it stands for nothing.
    pub(super) fn close_or_drop(&mut self, written: Written) {
        let entry = self.entries[written.entry];
        if written.entry + 1 == self.entries.len() && !entry.is_member() {
            self.pool.truncate(written.end - entry.len());
            self.entries.pop();
        } else {
            self.close(written);
        }
    }

    /// Adds elements with all that is below them.
    pub(super) fn copy(&mut self, pool: &str, entries: &[Entry]) {
        self.make_room();
        self.pool.push_str(pool);
        self.entries.extend_from_slice(entries);
    }

    pub(super) fn finish(self, depth: usize) -> FieldSet {
        FieldSet::from_tape(self.pool, self.entries, depth)
    }

    /// As [`finish`](Self::finish), where it may be known that no token has a mark.
    pub(super) fn finish_unmarked(self, depth: usize, unmarked: bool) -> FieldSet {
        let Writer { pool, entries } = self;
        FieldSet::of(Tape { pool, entries, depth, wide: false, unmarked })
    }

    /// As [`finish`](Self::finish), where integers beyond 2^53 may have been written.
    pub(super) fn finish_wide(self, depth: usize) -> FieldSet {
        let Writer { pool, entries } = self;
        let wide = tokens(&pool, &entries).any(token::is_wide);
        FieldSet::of(Tape { pool, entries, depth, wide, unmarked: false })
    }
}

impl FieldSet {
    /// The set without paths.
    pub fn new() -> FieldSet {
        FieldSet::default()
    }

    fn of(tape: Tape) -> FieldSet {
        FieldSet((!tape.entries.is_empty()).then(|| Arc::new(tape)))
    }

    fn tape(&self) -> &Tape {
        static EMPTY: Tape = Tape {
            pool: String::new(),
            entries: Vec::new(),
            depth: 0,
            wide: false,
            unmarked: true,
        };
        self.0.as_deref().unwrap_or(&EMPTY)
    }

    pub(super) fn from_tape(pool: String, entries: Vec<Entry>, depth: usize) -> FieldSet {
        FieldSet::of(Tape { pool, entries, depth, wide: false, unmarked: false })
    }

    /// As [`from_tape`](Self::from_tape), where it may be known that no token has a mark.
    pub(super) fn from_tape_unmarked(
        pool: String,
        entries: Vec<Entry>,
        depth: usize,
        unmarked: bool,
    ) -> FieldSet {
        FieldSet::of(Tape { pool, entries, depth, wide: false, unmarked })
    }

    pub(crate) fn as_set_ref(&self) -> SetRef<'_> {
        SetRef { pool: &self.tape().pool, entries: &self.tape().entries, wide: self.tape().wide }
    }

    /// Whether integers beyond 2^53 may be among the elements.
    pub(super) fn is_wide(&self) -> bool {
        self.tape().wide
    }

    /// Whether a token may have a mark.
    pub(super) fn may_have_marks(&self) -> bool {
        let tape = self.tape();
        !tape.unmarked && tape.pool.contains(token::MARK)
    }

    /// Whether it is known that no token has a mark.
    pub(super) fn is_unmarked(&self) -> bool {
        self.tape().unmarked
    }

    /// No path is longer than this.
    pub(crate) fn depth(&self) -> usize {
        self.tape().depth
    }

    /// Whether both are the same in memory.
    pub(crate) fn is_identical(&self, other: &FieldSet) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        }
    }

    /// Whether the set has no path.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many paths the set has. Linear.
    pub fn len(&self) -> usize {
        self.tape().entries.iter().filter(|entry| entry.is_member()).count()
    }

    /// Whether this very path is in the set. Linear in the siblings of each element.
    pub fn contains(&self, path: &Path) -> bool {
        let mut set = self.as_set_ref();
        let mut member = false;
        for element in path.elements() {
            (member, set) = set.find(&token::of(element));
        }
        member
    }

    /// Whether a field of the root is in the set.
    pub(crate) fn has_root_field(&self, name: &str) -> bool {
        let is_it = |child: &Child<'_>| child.token.strip_prefix("f:") == Some(name);
        self.as_set_ref().children().find(is_it).is_some_and(|child| child.member)
    }

    /// The set with one more path; the empty path is ignored. Linear: to build a set, collect its
    /// paths.
    #[must_use]
    pub fn with(&self, path: &Path) -> FieldSet {
        if self.is_wide() {
            return wide::insert(self, path);
        }
        self.union(&[path.clone()].into_iter().collect())
    }

    /// What the set has below one element.
    #[must_use]
    pub fn with_prefix(&self, element: &PathElement) -> FieldSet {
        let (_, below) = self.as_set_ref().find(&token::of(element));
        let mut out = Writer::default();
        out.copy(below.pool, below.entries);
        if self.is_wide() { out.finish_wide(self.depth()) } else { out.finish(self.depth()) }
    }

    /// The paths that have no path below them.
    #[must_use]
    pub fn leaves(&self) -> FieldSet {
        if self.is_wide() {
            return wide::change(self, wide::leaves);
        }
        let is_no_leaf = |entry: &Entry| entry.count > 0 && entry.is_member();
        let Some(first) = self.tape().entries.iter().position(is_no_leaf) else {
            return self.clone();
        };
        let mut entries = self.tape().entries.clone();
        for entry in &mut entries[first..] {
            if entry.count > 0 {
                entry.set_member(false);
            }
        }
        self.with_entries(entries)
    }

    /// The set with everything that its paths lead through.
    pub(crate) fn with_prefixes(&self) -> FieldSet {
        self.with_members(std::iter::repeat(true))
    }

    /// The set with these members: for each element, in the order in which a walk meets them,
    /// whether the path that ends there is one.
    pub(crate) fn with_members(&self, members: impl IntoIterator<Item = bool>) -> FieldSet {
        let mut entries = self.tape().entries.clone();
        for (entry, member) in entries.iter_mut().zip(members) {
            entry.set_member(member);
        }
        self.with_entries(entries)
    }

    /// The set with the same elements, of which others may be members.
    fn with_entries(&self, entries: Vec<Entry>) -> FieldSet {
        let Tape { pool, depth, wide, unmarked, .. } = self.tape();
        let (depth, wide, unmarked) = (*depth, *wide, *unmarked);
        FieldSet::of(Tape { pool: pool.clone(), entries, depth, wide, unmarked })
    }

    /// All paths: those that end at a node before those that lead on from it, each in the order of
    /// elements.
    pub fn iter(&self) -> Paths<'_> {
        Paths(Walk::new(self))
    }
}

/// A walk over the members of a set in the order of [`FieldSet::iter`].
struct Walk<'a> {
    /// Per open node: all of it, what is left of it, and whether members are done.
    frames: Vec<(SetRef<'a>, SetRef<'a>, bool)>,
    path: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn new(set: &'a FieldSet) -> Walk<'a> {
        let set = set.as_set_ref();
        Walk { frames: vec![(set, set, false)], path: vec![] }
    }

    /// Calls `found` with the elements of the next member's path.
    fn next<R>(&mut self, found: impl FnOnce(&mut dyn Iterator<Item = &'a str>) -> R) -> Option<R> {
        loop {
            let (all, left, members_done) = self.frames.last_mut()?;
            let Some((child, rest)) = left.split_first() else {
                if *members_done {
                    self.frames.pop();
                    self.path.pop();
                } else {
                    (*left, *members_done) = (*all, true);
                }
                continue;
            };
            *left = rest;
            if !*members_done {
                if child.member {
                    let way = self.path.iter().copied();
                    return Some(found(&mut way.chain(std::iter::once(child.token))));
                }
            } else if !child.subset.is_empty() {
                self.path.push(child.token);
                self.frames.push((child.subset, child.subset, false));
            }
        }
    }
}

/// The paths of a set.
pub struct Paths<'a>(Walk<'a>);

impl Iterator for Paths<'_> {
    type Item = Path;

    fn next(&mut self) -> Option<Path> {
        self.0.next(|tokens| tokens.map(token::parse).collect())
    }
}

/// One path a line.
impl fmt::Display for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut walk = Walk::new(self);
        let mut line = String::new();
        let mut first = true;
        loop {
            line.clear();
            let more = walk.next(|tokens| {
                tokens.for_each(|token| token::write_display(&mut line, token));
            });
            if more.is_none() {
                return Ok(());
            }
            if !std::mem::take(&mut first) {
                f.write_str("\n")?;
            }
            f.write_str(&line)?;
        }
    }
}

impl fmt::Debug for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|path| path.to_string())).finish()
    }
}

impl FromIterator<Path> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Path>>(paths: I) -> FieldSet {
        let mut stack = super::builder::PathStack::default();
        let mut builder = super::builder::SetBuilder::default();
        for path in paths {
            for element in path.elements() {
                stack.push_token(&token::of(element));
            }
            builder.insert(&stack);
            for _ in path.elements() {
                stack.pop();
            }
        }
        builder.finish()
    }
}
