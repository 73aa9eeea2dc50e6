//! What a set that is made of two others takes from them.
//!
//! Most of what an operation gives stands in one of the operands just so, and often all of it does. So
//! an operation first notes what it takes from where; runs that stand side by side become one. If
//! there is one run in the end, and it is all of an operand, the result is that operand, shared.
//! Otherwise it is copied at once.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::value::Effort;
use crate::value::text::{first_word, has_backslash, is_same};

use super::set::{Head, SetRef};
use super::token;

/// An operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A place on the tape of an operand.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    tape: &'a [u8],
    pub(super) place: usize,
}

/// The element at a place.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) head: Head,
    /// How the token begins, as one number: of a short one with zeros behind it.
    word: u64,
    place: usize,
}

/// How much of a token is in its first word.
const WORD: usize = 8;

/// Of a first word, what a token of so many bytes has of it.
const TOKEN: [u64; WORD + 1] =
    [0, !0 << 56, !0 << 48, !0 << 40, !0 << 32, !0 << 24, !0 << 16, !0 << 8, !0];

/// The first word of a token at the end of a tape, where there is less than a word.
#[cold]
fn last_word(token: Option<&[u8]>) -> u64 {
    first_word(token.unwrap_or_default())
}

impl<'a> Cursor<'a> {
    /// At the beginning of a set.
    pub(super) fn of(set: SetRef<'a>) -> Cursor<'a> {
        Cursor { tape: set.tape, place: 0 }
    }

    #[inline(always)]
    pub(super) fn element(&self) -> At {
        const BOTH: usize = Head::SIZE + WORD;
        let place = self.place;
        let (head, word) = match self.tape.get(place..).and_then(<[u8]>::first_chunk::<BOTH>) {
            Some(chunk) => (Head::at(chunk, 0), first_word(&chunk[Head::SIZE..])),
            None => (Head::at(self.tape, place), last_word(self.tape.get(place + Head::SIZE..))),
        };
        let word = TOKEN.get(head.len().min(WORD)).map_or(word, |token| word & token);
        At { head, word, place }
    }

    #[inline(always)]
    fn token(&self, at: At) -> &'a [u8] {
        self.tape.get(at.place + Head::SIZE..at.below()).unwrap_or_default()
    }

    /// Whether the tokens of two elements are the same.
    #[inline(always)]
    pub(super) fn is_spelled_like(&self, ours: At, other: &Cursor<'_>, theirs: At) -> bool {
        ours.word == theirs.word
            && ours.head.len() == theirs.head.len()
            && (ours.head.len() <= WORD || is_same(self.token(ours), other.token(theirs)))
    }

    /// Whether two elements have the same below them, as far as the effort allows that to be found
    /// out.
    #[inline(always)]
    pub(super) fn has_same_below(
        &self,
        ours: At,
        other: &Cursor<'_>,
        theirs: At,
        effort: &mut Effort,
    ) -> bool {
        if ours.head.below() != theirs.head.below() {
            return false;
        }
        ours.head.below() == 0 || {
            let below = |tape: &'a [u8], at: At| tape.get(at.below()..at.behind());
            match (below(self.tape, ours), other.tape.get(theirs.below()..theirs.behind())) {
                (Some(ours), Some(theirs)) => effort.finds_same(ours, theirs),
                _ => false,
            }
        }
    }

    /// The order of two elements.
    #[inline(always)]
    pub(super) fn order(&self, ours: At, other: &Cursor<'_>, theirs: At) -> Ordering {
        if ours.word != theirs.word && ours.is_plain_field() && theirs.is_plain_field() {
            return ours.word.cmp(&theirs.word);
        }
        self.full_order(ours, other, theirs)
    }

    #[inline(never)]
    fn full_order(&self, ours: At, other: &Cursor<'_>, theirs: At) -> Ordering {
        token::cmp(self.token(ours), other.token(theirs))
    }
}

impl At {
    /// Whether it is a field that begins without escapes.
    #[inline(always)]
    fn is_plain_field(&self) -> bool {
        self.word.to_be_bytes()[0] == b'f' && !has_backslash(self.word)
    }

    /// Where the token ends, and what is below it begins.
    #[inline(always)]
    pub(super) fn below(&self) -> usize {
        self.place + Head::SIZE + self.head.len()
    }

    /// Where what is below it ends.
    #[inline(always)]
    pub(super) fn behind(&self) -> usize {
        self.below() + self.head.below()
    }
}

/// An element that was noted, under which others may follow.
#[derive(Clone, Copy)]
pub(super) struct Noted {
    /// Where it is in the result.
    place: usize,
    /// What it is in the operand.
    original: Head,
    member: bool,
}

#[derive(Clone, Copy)]
struct Run {
    side: Side,
    from: usize,
    to: usize,
}

/// What the result consists of.
pub(super) struct Runs {
    /// Those that are done, and the one that goes on.
    done: SmallVec<[Run; 12]>,
    last: Run,
    /// Elements that are not what they were: where they are, and their heads.
    changed: SmallVec<[(usize, Head); 8]>,
    size: usize,
}

impl Runs {
    pub(super) fn new() -> Runs {
        let last = Run { side: Side::Left, from: 0, to: 0 };
        Runs { done: SmallVec::new(), last, changed: SmallVec::new(), size: 0 }
    }

    /// Takes everything between two places of a side.
    #[inline(always)]
    pub(super) fn take(&mut self, side: Side, Range { start, end }: Range<usize>) {
        self.size += end - start;
        if self.last.to == start && self.last.side == side {
            self.last.to = end;
        } else if start < end {
            self.begin(Run { side, from: start, to: end });
        }
    }

    /// Takes what does not stand behind what was taken last.
    #[inline(never)]
    fn begin(&mut self, run: Run) {
        let done = std::mem::replace(&mut self.last, run);
        if done.from < done.to {
            self.done.push(done);
        }
    }

    /// Takes an element with everything below it.
    #[inline(always)]
    pub(super) fn take_whole(&mut self, side: Side, at: At) {
        self.take(side, at.place..at.behind());
    }

    /// Takes an element, not yet what is below it.
    #[inline(always)]
    pub(super) fn open(&mut self, side: Side, at: At, member: bool) -> Noted {
        let noted = Noted { place: self.size, original: at.head, member };
        self.take(side, at.place..at.below());
        noted
    }

    /// Says that nothing more is taken below an element. One that stands for nothing is given back.
    #[inline(always)]
    pub(super) fn close(&mut self, noted: Noted) {
        let Noted { place, original, member } = noted;
        let own = Head::SIZE + original.len();
        let below = self.size - place - own;
        let now = original.with_member(member).with_below(below);
        if below == 0 && !member {
            self.give_back(own);
        } else if now != original {
            self.change(place, now);
        }
    }

    #[inline(never)]
    fn change(&mut self, place: usize, head: Head) {
        self.changed.push((place, head));
    }

    /// Gives the last element back, below which there is nothing.
    #[inline(never)]
    fn give_back(&mut self, length: usize) {
        self.size -= length;
        self.last.to -= length;
        if self.last.to == self.last.from
            && let Some(before) = self.done.pop()
        {
            self.last = before;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The operand that the result is.
    pub(super) fn whole(&self, left: SetRef<'_>, right: SetRef<'_>) -> Option<Side> {
        let set = if self.last.side == Side::Left { left } else { right };
        let is_all = self.last.to - self.last.from == set.tape.len() && self.size == set.tape.len();
        (is_all && self.changed.is_empty()).then_some(self.last.side)
    }

    /// The tape of the result. Every byte is written once where it stays, and not read again.
    pub(super) fn copy(&self, left: SetRef<'_>, right: SetRef<'_>) -> Arc<[u8]> {
        let mut shared: Arc<[u8]> = std::iter::repeat_n(0, self.size).collect();
        let Some(tape) = Arc::get_mut(&mut shared) else { return shared };
        let mut rest = &mut *tape;
        for Run { side, from, to } in self.done.iter().chain([&self.last]) {
            let set = if *side == Side::Left { left } else { right };
            let run = set.tape.get(*from..*to).unwrap_or_default();
            let Some((room, behind)) = rest.split_at_mut_checked(run.len()) else { break };
            room.copy_from_slice(run);
            rest = behind;
        }
        for (place, head) in &self.changed {
            head.put(tape, *place);
        }
        shared
    }
}
