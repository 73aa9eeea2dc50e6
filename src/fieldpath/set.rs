//! Sets of paths as pre-order tapes.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::value::Effort;

use super::element::{Path, PathElement};
use super::{token, wide};

/// What stands in front of a token on a tape: how long it is, whether the path that ends with it is a
/// member, and how much of the tape is below it.
///
/// An element on a tape is its head, its token, and all elements that are below it, one behind the other.
/// So it is a run of bytes, and means the same wherever it is copied to; and elements that are spelled
/// alike, with all that is below them, are runs of the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head(u64);

impl Head {
    /// How many bytes it takes.
    pub(super) const SIZE: usize = 8;

    const BELOW: u32 = 32;

    #[inline]
    pub(super) fn new(len: usize, member: bool) -> Head {
        Head(u64::from((len as u32) << 1) | u64::from(member))
    }

    /// The one that stands at a place; one of nothing behind the end.
    #[inline(always)]
    pub(super) fn at(tape: &[u8], place: usize) -> Head {
        let bytes = tape.get(place..).and_then(|rest| rest.first_chunk::<{ Self::SIZE }>());
        Head(bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    /// The one that something begins with, and what is behind it.
    #[inline(always)]
    pub(super) fn split_first(tape: &[u8]) -> Option<(Head, &[u8])> {
        let (head, rest) = tape.split_first_chunk()?;
        Some((Head(u64::from_le_bytes(*head)), rest))
    }

    pub(super) fn bytes(self) -> [u8; Self::SIZE] {
        self.0.to_le_bytes()
    }

    /// Puts it in the place of the one that stands there.
    #[inline]
    pub(super) fn put(self, tape: &mut [u8], place: usize) {
        if let Some(bytes) = tape.get_mut(place..).and_then(|rest| rest.first_chunk_mut()) {
            *bytes = self.bytes();
        }
    }

    /// How long the token is.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        (self.0 as u32 >> 1) as usize
    }

    /// How much of the tape is below the element.
    #[inline(always)]
    pub(super) fn below(self) -> usize {
        (self.0 >> Self::BELOW) as usize
    }

    #[inline(always)]
    pub(super) fn is_member(self) -> bool {
        self.0 & 1 != 0
    }

    #[inline]
    pub(super) fn with_member(self, member: bool) -> Head {
        Head(self.0 & !1 | u64::from(member))
    }

    #[inline]
    pub(super) fn with_below(self, below: usize) -> Head {
        Head(u64::from(self.0 as u32) | (below as u64) << Self::BELOW)
    }
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
pub struct FieldSet {
    /// All elements; of the empty set there is no tape.
    tape: Option<Arc<[u8]>>,
    /// No path is longer.
    depth: u32,
    kind: Kind,
}

/// What is known of the elements of a set.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Any,
    /// No token has a mark.
    Unmarked,
    /// Integers beyond 2^53 may be among them; then a member and a node of two spellings are
    /// elements of their own, side by side.
    Wide,
}

/// A set, or what a set has below one element.
#[derive(Clone, Copy)]
pub(crate) struct SetRef<'a> {
    pub(super) tape: &'a [u8],
    pub(super) wide: bool,
}

/// An element of a node of a set.
#[derive(Clone, Copy)]
pub(crate) struct Child<'a> {
    pub(crate) token: &'a [u8],
    /// Whether the path that ends here is in the set.
    pub(crate) member: bool,
    /// What the set has below.
    pub(crate) subset: SetRef<'a>,
}

impl<'a> Child<'a> {
    /// The token as text.
    pub(crate) fn text(&self) -> &'a str {
        token::text(self.token)
    }
}

/// The elements of one node, in order.
#[derive(Clone)]
pub(crate) struct Children<'a> {
    rest: SetRef<'a>,
}

impl<'a> Children<'a> {
    /// The bytes that the next token stands at the beginning of.
    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.rest.tape.get(Head::SIZE..).unwrap_or_default()
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

/// The elements of a tape, each with its place, in the order of the tape: all that is below one before
/// the next one.
pub(super) fn elements(tape: &[u8]) -> impl Iterator<Item = (usize, Head, &[u8])> {
    let mut place = 0;
    std::iter::from_fn(move || {
        let start = place + Head::SIZE;
        let head = Head::at(tape, place);
        let token = tape.get(start..start + head.len())?;
        let at = std::mem::replace(&mut place, start + head.len());
        Some((at, head, token))
    })
}

impl<'a> SetRef<'a> {
    pub(crate) const NOTHING: SetRef<'static> = SetRef { tape: &[], wide: false };

    pub(crate) fn children(self) -> Children<'a> {
        Children { rest: self }
    }

    /// The first element, and the others.
    #[inline(always)]
    pub(super) fn split_first(self) -> Option<(Child<'a>, SetRef<'a>)> {
        let SetRef { tape, wide } = self;
        let (head, rest) = Head::split_first(tape)?;
        let (token, rest) = rest.split_at_checked(head.len())?;
        let (below, rest) = rest.split_at_checked(head.below())?;
        let subset = SetRef { tape: below, wide };
        Some((Child { token, member: head.is_member(), subset }, SetRef { tape: rest, wide }))
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.tape.is_empty()
    }

    /// How much may be looked at in vain to find parts that are spelled alike.
    pub(super) fn effort(self) -> Effort {
        Effort::of(self.tape.len())
    }

    /// Whether both are the same in so many letters, as far as the effort allows that to be found
    /// out.
    #[inline]
    pub(super) fn is_spelled_like(self, other: SetRef<'_>, effort: &mut Effort) -> bool {
        self.tape.len() == other.tape.len() && effort.finds_same(self.tape, other.tape)
    }

    /// Whether integers beyond 2^53 may be among the elements.
    pub(crate) fn is_wide(self) -> bool {
        self.wide
    }

    /// Whether the element is a member, and what is below it.
    fn find(self, element: &str) -> (bool, SetRef<'a>) {
        let nothing = SetRef { tape: &[], ..self };
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
    /// Where each of them stands.
    children: Vec<u32>,
    /// Those with something below them, where they are held apart from the members.
    nodes: Option<Vec<u32>>,
    /// Where each of many children is.
    places: OnceCell<HashMap<token::Element<'a>, u32>>,
}

impl Default for Level<'_> {
    fn default() -> Self {
        Level::of(SetRef::NOTHING)
    }
}

impl<'a> Level<'a> {
    /// Up to so many children are searched by halving.
    const MANY: usize = 64;

    pub(crate) fn of(set: SetRef<'a>) -> Level<'a> {
        let mut rest = set;
        let placed = std::iter::from_fn(|| {
            let place = set.tape.len() - rest.tape.len();
            let (child, behind) = rest.split_first()?;
            rest = behind;
            Some((place as u32, child))
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

    pub(crate) fn len(&self) -> usize {
        self.children.len()
    }

    fn child(&self, place: u32) -> Option<Child<'a>> {
        let tape = self.set.tape.get(place as usize..)?;
        SetRef { tape, ..self.set }.split_first().map(|(child, _)| child)
    }

    fn token(&self, place: u32) -> &'a [u8] {
        self.child(place).map_or(&[], |child| child.token)
    }

    /// The elements as the reference meets them where members and nodes are held apart: those that
    /// are no members first.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Child<'a>> {
        let nodes = self.nodes.iter().flatten().map(|node| (self.token(*node), false));
        let members = self.children.iter().map(|member| (self.token(*member), true));
        nodes.chain(members).filter_map(|(token, member)| {
            let (is_member, below) = self.find(token);
            let subset = below.unwrap_or(SetRef { tape: &[], wide: true });
            (member || !is_member).then_some(Child { token, member, subset })
        })
    }

    /// Whether the element is a member, and what the set has below it.
    pub(crate) fn find(&self, element: impl AsRef<[u8]>) -> (bool, Option<SetRef<'a>>) {
        let element = element.as_ref();
        let found = match &self.nodes {
            None if self.children.len() > Self::MANY => self.find_among_many(element),
            _ => self.look_up(&self.children, element),
        };
        let node = match &self.nodes {
            Some(nodes) => self.look_up(nodes, element),
            None => found,
        };
        (self.at(found).0, self.at(node).1)
    }

    /// Where the elements of a sequence that ascends are found. None for a set with integers beyond
    /// 2^53.
    pub(crate) fn find_ascending<'e>(
        &self,
        elements: impl Iterator<Item = &'e [u8]>,
    ) -> Option<impl Iterator<Item = Option<u32>>> {
        let mut children = self.children.iter().copied().peekable();
        let find = move |element: &[u8]| {
            let is_before = |child: &u32| token::cmp(self.token(*child), element).is_lt();
            while children.next_if(is_before).is_some() {}
            children.next_if(|child| token::eq(self.token(*child), element))
        };
        self.nodes.is_none().then(|| elements.map(find))
    }

    /// Looks at what was found for some elements together, since each may be far away.
    pub(crate) fn look_at(&self, found: impl Iterator<Item = Option<u32>>) {
        let heads = found.flatten().map(|place| Head::at(self.set.tape, place as usize).0);
        std::hint::black_box(heads.fold(0, |all, head| all ^ head));
    }

    /// Whether what was found is a member, and what the set has below it.
    pub(crate) fn at(&self, found: Option<u32>) -> (bool, Option<SetRef<'a>>) {
        let Some(child) = found.and_then(|place| self.child(place)) else { return (false, None) };
        (child.member, Some(child.subset).filter(|subset| !subset.is_empty()))
    }

    fn find_among_many(&self, element: &[u8]) -> Option<u32> {
        let places = self.places.get_or_init(|| {
            self.children.iter().map(|place| (token::Element(self.token(*place)), *place)).collect()
        });
        places.get(&token::Element(element)).copied()
    }

    fn look_up(&self, places: &[u32], element: &[u8]) -> Option<u32> {
        let order = |at: usize| {
            places.get(at).map_or(Ordering::Greater, |at| token::cmp(self.token(*at), element))
        };
        wide::search(places.len(), order).ok().and_then(|at| places.get(at)).copied()
    }
}

/// Writes a tape in order.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) tape: Vec<u8>,
}

/// An element that was written: where it stands, and where its token ends.
#[derive(Clone, Copy)]
pub(super) struct Written {
    place: usize,
    end: usize,
}

impl Written {
    pub(super) fn place(self) -> usize {
        self.place
    }
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Writer {
        Writer { tape: Vec::with_capacity(bytes) }
    }

    #[inline]
    pub(super) fn push(&mut self, token: &[u8], member: bool) -> Written {
        if self.tape.capacity() == 0 {
            // Room for what a short set needs.
            self.tape.reserve(320);
        }
        let place = self.tape.len();
        self.tape.extend_from_slice(&Head::new(token.len(), member).bytes());
        self.tape.extend_from_slice(token);
        Written { place, end: self.tape.len() }
    }

    pub(super) fn token(&self, written: Written) -> &[u8] {
        self.tape.get(written.place + Head::SIZE..written.end).unwrap_or_default()
    }

    pub(super) fn is_member(&self, written: Written) -> bool {
        Head::at(&self.tape, written.place).is_member()
    }

    /// Makes the element a member.
    pub(super) fn set_member(&mut self, written: Written) {
        let head = Head::at(&self.tape, written.place);
        head.with_member(true).put(&mut self.tape, written.place);
    }

    /// Says that all that was pushed since the element is below it.
    #[inline]
    pub(super) fn close(&mut self, written: Written) {
        let below = self.tape.len() - written.end;
        Head::at(&self.tape, written.place).with_below(below).put(&mut self.tape, written.place);
    }

    /// As [`close`](Self::close), or takes the element back if it stands for nothing.
    pub(super) fn close_or_drop(&mut self, written: Written) {
        if written.end == self.tape.len() && !self.is_member(written) {
            self.tape.truncate(written.place);
        } else {
            self.close(written);
        }
    }

    pub(super) fn finish(&self, depth: usize) -> FieldSet {
        FieldSet::of(&self.tape, depth, Kind::Any)
    }

    /// As [`finish`](Self::finish), where no token has a mark.
    pub(super) fn finish_unmarked(&self, depth: usize) -> FieldSet {
        FieldSet::of(&self.tape, depth, Kind::Unmarked)
    }

    /// As [`finish`](Self::finish), where integers beyond 2^53 may have been written.
    pub(super) fn finish_wide(&self, depth: usize) -> FieldSet {
        let is_wide = elements(&self.tape).any(|(_, _, token)| token::is_wide(token));
        FieldSet::of(&self.tape, depth, if is_wide { Kind::Wide } else { Kind::Any })
    }
}

impl FieldSet {
    /// The set without paths.
    pub fn new() -> FieldSet {
        FieldSet::default()
    }

    /// The set of a tape.
    pub(super) fn of(tape: &[u8], depth: usize, kind: Kind) -> FieldSet {
        if tape.is_empty() {
            FieldSet::default()
        } else {
            FieldSet::shared(tape.into(), depth, kind)
        }
    }

    /// As [`of`](Self::of), of a tape that is shared already and not empty.
    pub(super) fn shared(tape: Arc<[u8]>, depth: usize, kind: Kind) -> FieldSet {
        FieldSet { tape: Some(tape), depth: u32::try_from(depth).unwrap_or(u32::MAX), kind }
    }

    fn tape(&self) -> &[u8] {
        self.tape.as_deref().unwrap_or_default()
    }

    pub(crate) fn as_set_ref(&self) -> SetRef<'_> {
        SetRef { tape: self.tape(), wide: self.is_wide() }
    }

    /// Whether integers beyond 2^53 may be among the elements.
    pub(super) fn is_wide(&self) -> bool {
        self.kind == Kind::Wide
    }

    /// Whether it is known that no token has a mark.
    pub(super) fn is_unmarked(&self) -> bool {
        self.kind == Kind::Unmarked
    }

    /// Whether a token may have a mark.
    pub(super) fn may_have_marks(&self) -> bool {
        !self.is_unmarked()
            && elements(self.tape()).any(|(_, _, token)| token::may_have_mark(token))
    }

    /// No path is longer than this.
    pub(crate) fn depth(&self) -> usize {
        self.depth as usize
    }

    /// Whether both are the same in memory.
    pub(crate) fn is_identical(&self, other: &FieldSet) -> bool {
        match (&self.tape, &other.tape) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        }
    }

    /// Whether the set has no path.
    pub fn is_empty(&self) -> bool {
        self.tape.is_none()
    }

    /// How many paths the set has. Linear.
    pub fn len(&self) -> usize {
        elements(self.tape()).filter(|(_, head, _)| head.is_member()).count()
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
        let is_it = |child: &Child<'_>| child.token.strip_prefix(b"f:") == Some(name.as_bytes());
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
        let out = Writer { tape: below.tape.to_vec() };
        if self.is_wide() { out.finish_wide(self.depth()) } else { out.finish(self.depth()) }
    }

    /// The paths that have no path below them.
    #[must_use]
    pub fn leaves(&self) -> FieldSet {
        if self.is_wide() {
            return wide::change(self, wide::leaves);
        }
        let is_no_leaf = |head: Head| head.below() > 0 && head.is_member();
        let Some((first, ..)) = elements(self.tape()).find(|(_, head, _)| is_no_leaf(*head)) else {
            return self.clone();
        };
        self.with_heads(first, |head| head.with_member(!is_no_leaf(head) && head.is_member()))
    }

    /// The set with everything that its paths lead through.
    pub(crate) fn with_prefixes(&self) -> FieldSet {
        self.with_heads(0, |head| head.with_member(true))
    }

    /// The set with these members: for each element, in the order in which a walk meets them,
    /// whether the path that ends there is one.
    pub(crate) fn with_members(&self, members: impl IntoIterator<Item = bool>) -> FieldSet {
        let mut members = members.into_iter();
        self.with_heads(0, |head| members.next().map_or(head, |member| head.with_member(member)))
    }

    /// The set with the same elements, but other heads from a place on.
    fn with_heads(&self, mut place: usize, mut change: impl FnMut(Head) -> Head) -> FieldSet {
        let mut set = self.clone();
        if let Some(tape) = &mut set.tape {
            let tape = Arc::make_mut(tape);
            while place < tape.len() {
                let head = Head::at(tape, place);
                change(head).put(tape, place);
                place += Head::SIZE + head.len();
            }
        }
        set
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
    path: Vec<&'a [u8]>,
}

impl<'a> Walk<'a> {
    fn new(set: &'a FieldSet) -> Walk<'a> {
        let set = set.as_set_ref();
        Walk { frames: vec![(set, set, false)], path: vec![] }
    }

    /// Calls `found` with the elements of the next member's path.
    fn next<R>(
        &mut self,
        found: impl FnOnce(&mut dyn Iterator<Item = &'a [u8]>) -> R,
    ) -> Option<R> {
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
