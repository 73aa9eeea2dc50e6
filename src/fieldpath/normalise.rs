//! Laying a tape in order.
#![expect(
    clippy::indexing_slicing,
    reason = "all indices are positions of a tape whose counts are right, or of children listed from it"
)]

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::value::text::{has_backslash, prefix_word};

use super::set::{SetRef, Writer, Written};
use super::token;

/// What to do with several subtrees of one element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    Unite,
    /// The last one that holds anything counts, as the reference reads FieldsV1.
    LastCounts,
}

/// An entry of the tape, among its siblings.
#[derive(Clone, Copy)]
struct Child {
    /// How its name begins, if it is a field; else 0.
    prefix: u64,
    entry: u32,
    /// Where its token begins.
    text: u32,
}

/// Siblings that are being written.
struct Level {
    /// Where they begin, which of them is next, and where they end.
    first: usize,
    next: usize,
    end: usize,
    /// Whether one of them may stand there several times.
    repeats: bool,
    /// What they stand below; none at the root.
    parent: Option<Written>,
}

/// A tape whose elements stand in any order.
struct Tape<'a>(SetRef<'a>);

/// Sorts a tape and merges repeated elements, without recursion, moving every entry once.
pub(super) fn normalise(tape: SetRef<'_>, repeats: Repeats) -> Writer {
    let mut out = Writer::with_capacity(tape.pool.len(), tape.entries.len());
    let tape = Tape(tape);
    // Those of all levels that are being written, one behind the other, as are the levels.
    let mut children: Vec<Child> = Vec::with_capacity(tape.0.entries.len().min(64));
    let mut outer: Vec<Level> = Vec::with_capacity(16);
    tape.list(0, tape.0.entries.len(), 0, &mut children);
    let repeated = tape.sort(&mut children);
    let end = children.len();
    let mut level = Level { first: 0, next: 0, end, repeats: repeated, parent: None };
    loop {
        if level.next == level.end {
            let Some(around) = outer.pop() else { return out };
            children.truncate(level.first);
            if let Some(parent) = level.parent {
                out.close(parent);
            }
            level = around;
            continue;
        }
        let child = children[level.next];
        let next = if level.repeats {
            let others = children[level.next + 1..level.end].iter();
            level.next + 1 + others.take_while(|other| tape.is_same(child, **other)).count()
        } else {
            level.next + 1
        };
        let first = children.len();
        let written = if next == level.next + 1 {
            let entry = tape.0.entries[child.entry as usize];
            if entry.count > 0 {
                tape.list_below(child, &mut children);
            }
            out.push(tape.token(child), entry.is_member())
        } else {
            let group: SmallVec<[Child; 8]> = children[level.next..next].into();
            let (spelled, is_member) = tape.list_below_all(&group, repeats, &mut children);
            out.push(tape.token(spelled), is_member)
        };
        level.next = next;
        let end = children.len();
        if end > first {
            let repeats = tape.sort(&mut children[first..]);
            let below = Level { first, next: first, end, repeats, parent: Some(written) };
            outer.push(std::mem::replace(&mut level, below));
        }
    }
}

impl<'a> Tape<'a> {
    /// Up to so many siblings are sorted without room of their own.
    const FEW: usize = 16;

    fn token(&self, child: Child) -> &'a str {
        let start = child.text as usize;
        &self.0.pool[start..start + self.0.entries[child.entry as usize].len()]
    }

    /// Lists the siblings of a run of entries, whose text begins at a place.
    fn list(&self, from: usize, to: usize, text: usize, children: &mut Vec<Child>) {
        let pool = self.0.pool.as_bytes();
        let (mut at, mut text) = (from, text);
        while at < to {
            let entry = self.0.entries[at];
            let end = text + entry.len();
            let prefix = match pool.get(text) {
                Some(b'f') => {
                    Some(prefix_word(pool, text + 2, end)).filter(|it| !has_backslash(*it))
                }
                _ => None,
            };
            let prefix = prefix.unwrap_or(0);
            children.push(Child { prefix, entry: at as u32, text: text as u32 });
            (at, text) = (at + 1 + entry.count as usize, end + entry.text_below());
        }
    }

    fn list_below(&self, child: Child, children: &mut Vec<Child>) {
        let (at, text) = (child.entry as usize, child.text as usize);
        let entry = self.0.entries[at];
        self.list(at + 1, at + 1 + entry.count as usize, text + entry.len(), children);
    }

    /// Lists what is below one element that stands there several times. Returns the one whose spelling
    /// counts, which is the first with something below it, else the first, and whether it is a member.
    #[cold]
    fn list_below_all(
        &self,
        group: &[Child],
        repeats: Repeats,
        children: &mut Vec<Child>,
    ) -> (Child, bool) {
        let entry = |child: &Child| self.0.entries[child.entry as usize];
        let mut nodes = group.iter().filter(|child| entry(child).count > 0);
        let spelled = nodes.clone().next().unwrap_or(&group[0]);
        match repeats {
            Repeats::Unite => nodes.for_each(|node| self.list_below(*node, children)),
            Repeats::LastCounts => {
                nodes.next_back().into_iter().for_each(|node| self.list_below(*node, children));
            }
        }
        (*spelled, group.iter().any(|child| entry(child).is_member()))
    }

    #[inline]
    fn order(&self, left: Child, right: Child) -> Ordering {
        if left.prefix != right.prefix && left.prefix != 0 && right.prefix != 0 {
            return left.prefix.cmp(&right.prefix);
        }
        token::cmp(self.token(left), self.token(right))
    }

    fn is_same(&self, left: Child, right: Child) -> bool {
        left.prefix == right.prefix && token::eq(self.token(left), self.token(right))
    }

    /// Sorts siblings; of the same ones the first comes first. Says whether there may be such.
    fn sort(&self, children: &mut [Child]) -> bool {
        if children.len() > Self::FEW {
            return self.sort_many(children);
        }
        let mut repeated = false;
        for next in 1..children.len() {
            let child = children[next];
            let mut at = next;
            while at > 0 {
                let order = self.order(children[at - 1], child);
                if order.is_le() {
                    repeated |= order.is_eq();
                    break;
                }
                children[at] = children[at - 1];
                at -= 1;
            }
            children[at] = child;
        }
        repeated
    }

    fn sort_many(&self, children: &mut [Child]) -> bool {
        if children.is_sorted_by(|left, right| self.order(*left, *right).is_lt()) {
            return false;
        }
        let order = token::sorted(children.iter().map(|child| self.token(*child)));
        let sorted: Vec<Child> = order.iter().map(|place| children[*place as usize]).collect();
        children.copy_from_slice(&sorted);
        true
    }
}
