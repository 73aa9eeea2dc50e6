//! Building sets while walking.

use smallvec::SmallVec;

use super::normalise::{Repeats, normalise};
use super::set::{FieldSet, Head, Kind, Writer, Written};
use super::{Path, token, wide};

/// The path from the root to where a walk stands.
#[derive(Default)]
pub(crate) struct PathStack {
    text: String,
    frames: Vec<Frame>,
    serial: u64,
}

#[derive(Clone, Copy)]
struct Frame {
    start: usize,
    /// Tells this visit of an element from every other.
    serial: u64,
}

impl PathStack {
    fn frame(&mut self) {
        if self.serial == 0 {
            // What most paths need, at once.
            self.text.reserve(160);
            self.frames.reserve(12);
        }
        self.serial += 1;
        self.frames.push(Frame { start: self.text.len(), serial: self.serial });
    }

    pub(crate) fn push_token(&mut self, token: &str) {
        self.frame();
        self.text.push_str(token);
    }

    pub(crate) fn push_field(&mut self, name: &str) {
        self.frame();
        token::write_field(&mut self.text, name);
    }

    pub(crate) fn push_index(&mut self, index: i64) {
        self.frame();
        token::write_index(&mut self.text, index);
    }

    pub(crate) fn pop(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.text.truncate(frame.start);
        }
    }

    /// Appends the path as the API server prints it.
    pub(crate) fn write_display(&self, out: &mut String) {
        for depth in 0..self.frames.len() {
            token::write_display(out, self.token(depth));
        }
    }

    /// The path, to keep.
    pub(crate) fn to_path(&self) -> Path {
        (0..self.frames.len()).map(|depth| token::parse(self.token(depth))).collect()
    }

    /// As [`write_display`](Self::write_display), without the last element.
    pub(crate) fn write_parent_display(&self, out: &mut String) {
        for depth in 0..self.frames.len().saturating_sub(1) {
            token::write_display(out, self.token(depth));
        }
    }
}

/// A path that is in the middle of a walk.
pub(crate) trait WalkedPath {
    fn len(&self) -> usize;
    /// Tells the visit of this element from every other; 0 past the end.
    fn serial(&self, depth: usize) -> u64;
    fn token(&self, depth: usize) -> &[u8];
}

impl WalkedPath for PathStack {
    fn len(&self) -> usize {
        self.frames.len()
    }

    fn serial(&self, depth: usize) -> u64 {
        self.frames.get(depth).map_or(0, |frame| frame.serial)
    }

    fn token(&self, depth: usize) -> &[u8] {
        let start = self.frames.get(depth).map_or(self.text.len(), |frame| frame.start);
        let end = self.frames.get(depth + 1).map_or(self.text.len(), |frame| frame.start);
        self.text.as_bytes().get(start..end).unwrap_or_default()
    }
}

/// Collects paths into a set. Cheap when they come in the order of a walk.
#[derive(Default)]
pub(crate) struct SetBuilder {
    out: Writer,
    open: Vec<Open>,
    /// The last element of the root; the same of others is with those.
    last_at_root: Option<Written>,
    disorder: bool,
    inserted: usize,
    depth: usize,
    wide: bool,
    /// Where elements stand that were made members twice, where that may make a difference.
    again: Vec<usize>,
}

struct Open {
    serial: u64,
    element: Written,
    last_child: Option<Written>,
}

impl SetBuilder {
    /// How many paths were inserted.
    pub(crate) fn len(&self) -> usize {
        self.inserted
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.out.close(open.element);
        }
    }

    /// Makes the path that the stack stands for a member; the empty path is ignored.
    pub(crate) fn insert(&mut self, path: &impl WalkedPath) {
        if self.open.capacity() == 0 {
            // What most sets need, at once.
            self.out.tape.reserve(768);
            self.open.reserve(12);
        }
        while let Some(last) = self.open.last() {
            if path.serial(self.open.len() - 1) == last.serial {
                break;
            }
            self.close();
        }
        for depth in self.open.len()..path.len() {
            let token = path.token(depth);
            let element = self.out.push(token, false);
            let before = match self.open.last_mut() {
                Some(parent) => parent.last_child.replace(element),
                None => self.last_at_root.replace(element),
            };
            if let (false, Some(before)) = (self.disorder, before) {
                self.disorder = token::cmp(self.out.token(before), token).is_ge();
            }
            self.wide |= token::is_wide(token);
            self.open.push(Open { serial: path.serial(depth), element, last_child: None });
        }
        self.depth = self.depth.max(self.open.len());
        if let Some(Open { element, .. }) = self.open.last() {
            if self.wide && self.out.is_member(*element) {
                self.again.push(element.place());
            }
            self.out.set_member(*element);
            self.inserted += 1;
        }
    }

    pub(crate) fn finish(mut self) -> FieldSet {
        while !self.open.is_empty() {
            self.close();
        }
        if self.wide {
            wide::insert_all(&self.out.tape, &self.again, self.depth)
        } else if self.disorder {
            normalise(&self.out.tape, Repeats::Unite).finish(self.depth)
        } else {
            self.out.finish(self.depth)
        }
    }
}

/// Writes the set of a walk that goes through elements in their order.
///
/// For sets without integers beyond 2^53.
#[derive(Default)]
pub(crate) struct SetWriter {
    tape: Vec<u8>,
    open: SmallVec<[Visit; 12]>,
    serial: u32,
    members: usize,
    depth: usize,
}

#[derive(Clone, Copy)]
struct Visit {
    /// Where the element stands, and where its token ends.
    place: u32,
    end: u32,
    serial: u32,
}

impl Visit {
    fn token(self) -> std::ops::Range<usize> {
        self.place as usize + Head::SIZE..self.end as usize
    }
}

impl SetWriter {
    pub(crate) fn with_capacity(elements: usize) -> SetWriter {
        SetWriter { tape: Vec::with_capacity(elements * 20), ..SetWriter::default() }
    }

    /// How many paths are in the set.
    pub(crate) fn len(&self) -> usize {
        self.members
    }

    pub(crate) fn is_at_root(&self) -> bool {
        self.open.is_empty()
    }

    #[inline]
    fn put(&mut self, token: &[u8]) {
        self.tape.extend_from_slice(&Head::new(token.len(), false).bytes());
        self.tape.extend_from_slice(token);
    }

    #[inline]
    fn put_plain_field(&mut self, name: &str, member: bool) {
        const MARK: usize = Head::SIZE + 2;
        let mut begin = [0; MARK];
        Head::new(name.len() + 2, member).put(&mut begin, 0);
        if let Some(mark) = begin.last_chunk_mut() {
            *mark = *b"f:";
        }
        self.tape.extend_from_slice(&begin);
        self.tape.extend_from_slice(name.as_bytes());
    }

    #[inline]
    fn open(&mut self, place: usize) {
        self.serial += 1;
        let (place, end) = (place as u32, self.tape.len() as u32);
        self.open.push(Visit { place, end, serial: self.serial });
    }

    /// Goes to a field, whose name needs no escapes. Fields must come in order.
    #[inline]
    pub(crate) fn open_plain_field(&mut self, name: &str) {
        let place = self.tape.len();
        self.put_plain_field(name, false);
        self.open(place);
    }

    /// Puts a field into the set that is below where the walk stands; see
    /// [`open_plain_field`](Self::open_plain_field).
    #[inline]
    pub(crate) fn add_plain_field(&mut self, name: &str) {
        self.put_plain_field(name, true);
        self.members += 1;
        self.depth = self.depth.max(self.open.len() + 1);
    }

    pub(crate) fn open_field(&mut self, name: &str) {
        let mut token = String::new();
        token::write_field(&mut token, name);
        self.open_token(&token);
    }

    /// Goes to an element. They must come in order.
    pub(crate) fn open_token(&mut self, token: &str) {
        let place = self.tape.len();
        self.put(token.as_bytes());
        self.open(place);
    }

    /// Puts the path to where the walk stands into the set.
    #[inline]
    pub(crate) fn mark(&mut self) {
        let Some(place) = self.open.last().map(|visit| visit.place as usize) else { return };
        let head = Head::at(&self.tape, place);
        if !head.is_member() {
            head.with_member(true).put(&mut self.tape, place);
            self.members += 1;
            self.depth = self.depth.max(self.open.len());
        }
    }

    /// Leaves the innermost element.
    #[inline]
    pub(crate) fn close(&mut self) {
        let Some(visit) = self.open.pop() else { return };
        let place = visit.place as usize;
        let (head, below) = (Head::at(&self.tape, place), self.tape.len() - visit.end as usize);
        if below > 0 || head.is_member() {
            head.with_below(below).put(&mut self.tape, place);
        } else {
            self.tape.truncate(place);
        }
    }

    /// Where what is put into the set next will stand.
    pub(crate) fn place(&self) -> usize {
        self.tape.len()
    }

    /// Lays what was put in since the first of some places in another order: each part reaches to the
    /// next place, or the end.
    pub(crate) fn rearrange(&mut self, places: &[usize], order: impl Iterator<Item = usize>) {
        let Some(first) = places.first() else { return };
        let end = self.place();
        let mut tape = Vec::with_capacity(end - first);
        for at in order {
            let (Some(from), to) = (places.get(at), places.get(at + 1).unwrap_or(&end)) else {
                continue;
            };
            tape.extend_from_slice(self.tape.get(*from..*to).unwrap_or_default());
        }
        self.tape.truncate(*first);
        self.tape.extend_from_slice(&tape);
    }

    pub(crate) fn finish(self) -> FieldSet {
        FieldSet::of(&self.tape, self.depth, Kind::Any)
    }
}

impl WalkedPath for SetWriter {
    fn len(&self) -> usize {
        self.open.len()
    }

    fn serial(&self, depth: usize) -> u64 {
        self.open.get(depth).map_or(0, |visit| u64::from(visit.serial))
    }

    fn token(&self, depth: usize) -> &[u8] {
        let visit = self.open.get(depth);
        visit.and_then(|visit| self.tape.get(visit.token())).unwrap_or_default()
    }
}
