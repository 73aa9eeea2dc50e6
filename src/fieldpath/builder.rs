//! Building sets while walking.

use smallvec::SmallVec;

use super::normalise::{Repeats, normalise};
use super::runs::Place;
use super::set::{Entry, FieldSet, SetRef};
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
    fn token(&self, depth: usize) -> &str;
}

impl WalkedPath for PathStack {
    fn len(&self) -> usize {
        self.frames.len()
    }

    fn serial(&self, depth: usize) -> u64 {
        self.frames.get(depth).map_or(0, |frame| frame.serial)
    }

    fn token(&self, depth: usize) -> &str {
        let start = self.frames.get(depth).map_or(self.text.len(), |frame| frame.start);
        let end = self.frames.get(depth + 1).map_or(self.text.len(), |frame| frame.start);
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Collects paths into a set. Cheap when they come in the order of a walk.
#[derive(Default)]
pub(crate) struct SetBuilder {
    pool: String,
    entries: Vec<Entry>,
    open: Vec<Open>,
    /// Where the token of the last element of the root stands; the same of others is with those.
    last_at_root: Option<(usize, usize)>,
    disorder: bool,
    inserted: usize,
    depth: usize,
    wide: bool,
    /// Entries that were made members twice, where that may make a difference.
    again: Vec<usize>,
}

struct Open {
    serial: u64,
    entry: usize,
    /// Where its token ends.
    end: usize,
    last_child: Option<(usize, usize)>,
}

impl SetBuilder {
    /// How many paths were inserted.
    pub(crate) fn len(&self) -> usize {
        self.inserted
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            let count = self.entries.len() - open.entry - 1;
            if let Some(entry) = self.entries.get_mut(open.entry) {
                entry.set_below(count, self.pool.len() - open.end);
            }
        }
    }

    /// Makes the path that the stack stands for a member; the empty path is ignored.
    pub(crate) fn insert(&mut self, path: &impl WalkedPath) {
        if self.entries.is_empty() {
            // What most sets need, at once.
            self.entries.reserve(32);
            self.pool.reserve(512);
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
            let (entry, end) = (self.entries.len(), self.pool.len() + token.len());
            let place = (self.pool.len(), end);
            let before = match self.open.last_mut() {
                Some(parent) => parent.last_child.replace(place),
                None => self.last_at_root.replace(place),
            };
            if let (false, Some((start, end))) = (self.disorder, before) {
                let before = self.pool.get(start..end).unwrap_or_default();
                self.disorder = token::cmp(before, token).is_ge();
            }
            self.wide |= token::is_wide(token);
            self.entries.push(Entry::new(token.len()));
            self.pool.push_str(token);
            let serial = path.serial(depth);
            self.open.push(Open { serial, entry, end, last_child: None });
        }
        self.depth = self.depth.max(self.open.len());
        let at = self.open.last().map(|open| open.entry);
        if let (Some(at), Some(entry)) = (at, at.and_then(|at| self.entries.get_mut(at))) {
            if self.wide && entry.is_member() {
                self.again.push(at);
            }
            entry.set_member(true);
            self.inserted += 1;
        }
    }

    pub(crate) fn finish(mut self) -> FieldSet {
        while !self.open.is_empty() {
            self.close();
        }
        if self.wide {
            wide::insert_all(&self.pool, &self.entries, &self.again, self.depth)
        } else if self.disorder {
            let tape = SetRef { pool: &self.pool, entries: &self.entries, wide: false };
            normalise(tape, Repeats::Unite).finish(self.depth)
        } else {
            FieldSet::from_tape(self.pool, self.entries, self.depth)
        }
    }
}

/// Writes the set of a walk that goes through elements in their order.
///
/// For sets without integers beyond 2^53.
#[derive(Default)]
pub(crate) struct SetWriter {
    pool: String,
    entries: Vec<Entry>,
    open: SmallVec<[Visit; 12]>,
    serial: u32,
    members: usize,
    depth: usize,
}

#[derive(Clone, Copy)]
struct Visit {
    entry: u32,
    /// Where its token begins and ends.
    start: u32,
    end: u32,
    serial: u32,
}

impl Visit {
    fn entry(self) -> usize {
        self.entry as usize
    }

    fn token(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl SetWriter {
    pub(crate) fn with_capacity(entries: usize) -> SetWriter {
        SetWriter {
            pool: String::with_capacity(entries * 12),
            entries: Vec::with_capacity(entries),
            ..SetWriter::default()
        }
    }

    /// How many paths are in the set.
    pub(crate) fn len(&self) -> usize {
        self.members
    }

    pub(crate) fn is_at_root(&self) -> bool {
        self.open.is_empty()
    }

    fn open(&mut self, start: usize) {
        self.serial += 1;
        let (entry, end) = (self.entries.len() as u32, self.pool.len() as u32);
        self.open.push(Visit { entry, start: start as u32, end, serial: self.serial });
        self.entries.push(Entry::new(self.pool.len() - start));
    }

    /// Goes to a field, whose name needs no escapes. Fields must come in order.
    #[inline]
    pub(crate) fn open_plain_field(&mut self, name: &str) {
        let start = self.pool.len();
        self.pool.push_str("f:");
        self.pool.push_str(name);
        self.open(start);
    }

    /// Puts a field into the set that is below where the walk stands; see
    /// [`open_plain_field`](Self::open_plain_field).
    #[inline]
    pub(crate) fn add_plain_field(&mut self, name: &str) {
        self.pool.push_str("f:");
        self.pool.push_str(name);
        let mut entry = Entry::new(name.len() + 2);
        entry.set_member(true);
        self.entries.push(entry);
        self.members += 1;
        self.depth = self.depth.max(self.open.len() + 1);
    }

    pub(crate) fn open_field(&mut self, name: &str) {
        let start = self.pool.len();
        token::write_field(&mut self.pool, name);
        self.open(start);
    }

    /// Goes to an element. They must come in order.
    pub(crate) fn open_token(&mut self, token: &str) {
        let start = self.pool.len();
        self.pool.push_str(token);
        self.open(start);
    }

    /// Puts the path to where the walk stands into the set.
    #[inline]
    pub(crate) fn mark(&mut self) {
        let at = self.open.last().map(|visit| visit.entry());
        if let Some(entry) = at.and_then(|at| self.entries.get_mut(at))
            && !entry.is_member()
        {
            entry.set_member(true);
            self.members += 1;
            self.depth = self.depth.max(self.open.len());
        }
    }

    /// Leaves the innermost element.
    #[inline]
    pub(crate) fn close(&mut self) {
        let Some(visit) = self.open.pop() else { return };
        let below = self.entries.len() - visit.entry() - 1;
        let Some(entry) = self.entries.get_mut(visit.entry()) else { return };
        let token = visit.token();
        if below > 0 || entry.is_member() {
            entry.set_below(below, self.pool.len() - token.end);
        } else {
            self.pool.truncate(token.start);
            self.entries.pop();
        }
    }

    /// Where what is put into the set next will stand.
    pub(crate) fn place(&self) -> Place {
        Place { entry: self.entries.len(), text: self.pool.len() }
    }

    /// Lays what was put in since the first of some places in another order: each part reaches to the
    /// next place, or the end.
    pub(crate) fn rearrange(&mut self, places: &[Place], order: impl Iterator<Item = usize>) {
        let Some(first) = places.first() else { return };
        let end = self.place();
        let mut pool = String::with_capacity(end.text - first.text);
        let mut entries = Vec::with_capacity(end.entry - first.entry);
        for at in order {
            let (Some(from), to) = (places.get(at), places.get(at + 1).unwrap_or(&end)) else {
                continue;
            };
            pool.push_str(self.pool.get(from.text..to.text).unwrap_or_default());
            entries.extend_from_slice(self.entries.get(from.entry..to.entry).unwrap_or_default());
        }
        self.pool.truncate(first.text);
        self.pool.push_str(&pool);
        self.entries.truncate(first.entry);
        self.entries.append(&mut entries);
    }

    pub(crate) fn finish(self) -> FieldSet {
        FieldSet::from_tape(self.pool, self.entries, self.depth)
    }
}

impl WalkedPath for SetWriter {
    fn len(&self) -> usize {
        self.open.len()
    }

    fn serial(&self, depth: usize) -> u64 {
        self.open.get(depth).map_or(0, |visit| u64::from(visit.serial))
    }

    fn token(&self, depth: usize) -> &str {
        let visit = self.open.get(depth);
        visit.and_then(|visit| self.pool.get(visit.token())).unwrap_or_default()
    }
}
