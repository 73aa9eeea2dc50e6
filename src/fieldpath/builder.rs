//! Building sets while walking.

use super::set::{Entry, FieldSet, Repeats, normalise};
use super::{token, wide};

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

    fn token(&self, depth: usize) -> &str {
        let start = self.frames.get(depth).map_or(self.text.len(), |frame| frame.start);
        let end = self.frames.get(depth + 1).map_or(self.text.len(), |frame| frame.start);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Appends the path as the API server prints it.
    pub(crate) fn write_display(&self, out: &mut String) {
        for depth in 0..self.frames.len() {
            token::write_display(out, self.token(depth));
        }
    }

    /// As [`write_display`](Self::write_display), without the last element.
    pub(crate) fn write_parent_display(&self, out: &mut String) {
        for depth in 0..self.frames.len().saturating_sub(1) {
            token::write_display(out, self.token(depth));
        }
    }
}

/// Collects paths into a set. Cheap when they come in the order of a walk.
#[derive(Default)]
pub(crate) struct SetBuilder {
    pool: String,
    entries: Vec<Entry>,
    open: Vec<Open>,
    last_at_root: Option<usize>,
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
    last_child: Option<usize>,
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
                entry.count = count as u32;
            }
        }
    }

    /// Makes the path that the stack stands for a member; the empty path is ignored.
    pub(crate) fn insert(&mut self, path: &PathStack) {
        if self.entries.is_empty() {
            // What most sets need, at once.
            self.entries.reserve(32);
            self.pool.reserve(512);
            self.open.reserve(12);
        }
        while let Some(last) = self.open.last() {
            let known = path.frames.get(self.open.len() - 1);
            if known.is_some_and(|frame| frame.serial == last.serial) {
                break;
            }
            self.close();
        }
        for depth in self.open.len()..path.frames.len() {
            let token = path.token(depth);
            let index = self.entries.len();
            let before = match self.open.last_mut() {
                Some(parent) => parent.last_child.replace(index),
                None => self.last_at_root.replace(index),
            };
            if let (false, Some(before)) = (self.disorder, before) {
                let before = self.entries.get(before).map_or("", |entry| entry.token(&self.pool));
                self.disorder = token::cmp(before, token).is_ge();
            }
            self.wide |= token::is_wide(token);
            self.entries.push(Entry::new(self.pool.len(), token.len()));
            self.pool.push_str(token);
            let serial = path.frames.get(depth).map_or(0, |frame| frame.serial);
            self.open.push(Open { serial, entry: index, last_child: None });
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
            normalise(&self.pool, &self.entries, self.depth, Repeats::Unite)
        } else {
            FieldSet::from_tape(self.pool, self.entries, self.depth)
        }
    }
}
