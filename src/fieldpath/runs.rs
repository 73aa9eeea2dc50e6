//! What a set that is made of two others takes from them.
//!
//! Most of what an operation gives stands in one of the operands just so, and often all of it does. So
//! an operation first notes what it takes from where; runs that stand side by side become one. If
//! there is one run in the end, and it is all of an operand, the result is that operand, shared.
//! Otherwise it is copied at once, with room for just that.
#![expect(
    clippy::indexing_slicing,
    reason = "runs are parts of the tapes that they were taken from"
)]

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::value::Effort;
use crate::value::text::is_same;

use super::set::{Entry, SetRef};
use super::token;

/// An operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A place in a tape: how many entries and how much text stand before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) entry: usize,
    pub(super) text: usize,
}

/// A way through a set in pre-order.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    set: SetRef<'a>,
    pub(super) place: Place,
}

/// The element that a cursor is at.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) entry: Entry,
    pub(super) token: &'a [u8],
    place: Place,
}

impl<'a> Cursor<'a> {
    /// At the first element, and where the last one ends.
    pub(super) fn of(set: SetRef<'a>) -> (Cursor<'a>, Place) {
        let end = Place { entry: set.entries.len(), text: set.pool.len() };
        (Cursor { set, place: Place { entry: 0, text: 0 } }, end)
    }

    #[inline(always)]
    pub(super) fn element(&self) -> At<'a> {
        let entry = self.set.entries[self.place.entry];
        let from = self.place.text;
        let token = &self.set.pool.as_bytes()[from..from + entry.len()];
        At { entry, token, place: self.place }
    }

    /// The order of the elements that two cursors are at.
    #[inline(always)]
    pub(super) fn order(&self, ours: At<'_>, other: &Cursor<'_>, theirs: At<'_>) -> Ordering {
        match token::compare_plain(ours.token, theirs.token) {
            Some(order) => order,
            None => token::cmp(self.token(ours), other.token(theirs)),
        }
    }

    fn token(&self, at: At<'_>) -> &'a str {
        &self.set.pool[at.place.text..at.below().text]
    }

    /// Whether two elements have the same below them, as far as the effort allows that to be found
    /// out.
    #[inline(always)]
    pub(super) fn has_same_below(
        &self,
        ours: At<'_>,
        other: &Cursor<'_>,
        theirs: At<'_>,
        effort: &mut Effort,
    ) -> bool {
        if ours.entry.count != theirs.entry.count
            || ours.entry.text_below() != theirs.entry.text_below()
        {
            return false;
        }
        ours.entry.count == 0 || {
            let below = self.between(ours.below(), ours.behind());
            below.is_spelled_like(other.between(theirs.below(), theirs.behind()), effort)
        }
    }

    /// What stands between two places.
    fn between(&self, from: Place, to: Place) -> SetRef<'a> {
        SetRef {
            pool: &self.set.pool[from.text..to.text],
            entries: &self.set.entries[from.entry..to.entry],
            wide: self.set.wide,
        }
    }
}

impl At<'_> {
    /// Where the token ends, and what is below it begins.
    #[inline(always)]
    pub(super) fn below(&self) -> Place {
        Place { entry: self.place.entry + 1, text: self.place.text + self.token.len() }
    }

    /// Where what is below it ends.
    #[inline(always)]
    pub(super) fn behind(&self) -> Place {
        let below = self.below();
        Place {
            entry: below.entry + self.entry.count as usize,
            text: below.text + self.entry.text_below(),
        }
    }

    #[inline(always)]
    pub(super) fn is_spelled_like(&self, other: At<'_>) -> bool {
        is_same(self.token, other.token)
    }
}

/// An element that was noted, under which others may follow.
#[derive(Clone, Copy)]
pub(super) struct Noted {
    /// Where it is in the result, and where its token ends there.
    entry: usize,
    end: usize,
    /// What it is in the operand.
    original: Entry,
    member: bool,
}

#[derive(Clone, Copy)]
struct Run {
    side: Side,
    from: Place,
    to: Place,
}

/// What the result consists of.
pub(super) struct Runs {
    runs: SmallVec<[Run; 12]>,
    /// Elements that are not what they were: which, and what they are.
    changed: SmallVec<[(usize, Entry); 8]>,
    size: Place,
}

impl Runs {
    pub(super) fn new() -> Runs {
        Runs { runs: SmallVec::new(), changed: SmallVec::new(), size: Place { entry: 0, text: 0 } }
    }

    /// Takes everything between two places of a side.
    #[inline]
    pub(super) fn take(&mut self, side: Side, from: Place, to: Place) {
        if from == to {
            return;
        }
        self.size.entry += to.entry - from.entry;
        self.size.text += to.text - from.text;
        match self.runs.last_mut() {
            Some(run) if run.to == from && run.side == side => run.to = to,
            _ => self.runs.push(Run { side, from, to }),
        }
    }

    /// Takes an element with everything below it.
    #[inline(always)]
    pub(super) fn take_whole(&mut self, side: Side, at: At<'_>) {
        self.take(side, at.place, at.behind());
    }

    /// Takes an element, not yet what is below it.
    #[inline(always)]
    pub(super) fn open(&mut self, side: Side, at: At<'_>, member: bool) -> Noted {
        self.take(side, at.place, at.below());
        let original = at.entry;
        Noted { entry: self.size.entry - 1, end: self.size.text, original, member }
    }

    /// Says that nothing more is taken below an element. One that stands for nothing is given back.
    #[inline]
    pub(super) fn close(&mut self, noted: Noted) {
        let Noted { entry, end, original, member } = noted;
        let (count, text) = (self.size.entry - entry - 1, self.size.text - end);
        if count == 0 && !member {
            self.give_back(original.len());
            return;
        }
        let mut now = original;
        now.set_member(member);
        now.set_below(count, text);
        if now != original {
            self.changed.push((entry, now));
        }
    }

    /// Gives the last element back, below which there is nothing.
    fn give_back(&mut self, length: usize) {
        self.size.entry -= 1;
        self.size.text -= length;
        if let Some(last) = self.runs.last_mut() {
            last.to.entry -= 1;
            last.to.text -= length;
            if last.to == last.from {
                self.runs.pop();
            }
        }
    }

    /// The operand that the result is.
    pub(super) fn whole(&self, left: SetRef<'_>, right: SetRef<'_>) -> Option<Side> {
        let [run] = self.runs.as_slice() else { return None };
        let set = if run.side == Side::Left { left } else { right };
        let is_all = self.size.entry == set.entries.len() && self.changed.is_empty();
        is_all.then_some(run.side)
    }

    /// The tape of the result.
    pub(super) fn copy(&self, left: SetRef<'_>, right: SetRef<'_>) -> (String, Vec<Entry>) {
        let mut pool = String::with_capacity(self.size.text);
        let mut entries = Vec::with_capacity(self.size.entry);
        for Run { side, from, to } in &self.runs {
            let set = if *side == Side::Left { left } else { right };
            pool.push_str(&set.pool[from.text..to.text]);
            entries.extend_from_slice(&set.entries[from.entry..to.entry]);
        }
        for (at, entry) in &self.changed {
            entries[*at] = *entry;
        }
        (pool, entries)
    }
}
