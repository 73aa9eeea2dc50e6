//! Laying a tape in order.
#![expect(
    clippy::indexing_slicing,
    reason = "all indices are places of a tape whose heads are right, or of children listed from it"
)]

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::value::text::{has_backslash, prefix_word};

use super::set::{Head, Writer, Written};
use super::token;

/// What to do with several subtrees of one element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    Unite,
    /// The last one that holds anything counts, as the reference reads FieldsV1.
    LastCounts,
}

/// An element of the tape, among its siblings.
#[derive(Clone, Copy)]
struct Child {
    /// How its name begins, if it is a field; else 0.
    prefix: u64,
    place: usize,
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
struct Tape<'a>(&'a [u8]);

/// Sorts a tape and merges repeated elements, without recursion, moving every element once.
pub(super) fn normalise(tape: &[u8], repeats: Repeats) -> Writer {
    let mut out = Writer::with_capacity(tape.len());
    let tape = Tape(tape);
    // Those of all levels that are being written, one behind the other, as are the levels.
    let mut children: Vec<Child> = Vec::with_capacity((tape.0.len() / 16).min(64));
    let mut outer: Vec<Level> = Vec::with_capacity(16);
    tape.list(0, tape.0.len(), &mut children);
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
            tape.list_below(child, &mut children);
            out.push(tape.token(child), tape.head(child).is_member())
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

    fn head(&self, child: Child) -> Head {
        Head::at(self.0, child.place)
    }

    fn token(&self, child: Child) -> &'a [u8] {
        let start = child.place + Head::SIZE;
        &self.0[start..start + self.head(child).len()]
    }

    /// Lists the siblings between two places.
    fn list(&self, from: usize, to: usize, children: &mut Vec<Child>) {
        let mut place = from;
        while place < to {
            let (head, start) = (Head::at(self.0, place), place + Head::SIZE);
            let end = start + head.len();
            let prefix = match self.0.get(start) {
                Some(b'f') => {
                    Some(prefix_word(self.0, start + 2, end)).filter(|it| !has_backslash(*it))
                }
                _ => None,
            };
            children.push(Child { prefix: prefix.unwrap_or(0), place });
            place = end + head.below();
        }
    }

    fn list_below(&self, child: Child, children: &mut Vec<Child>) {
        let head = self.head(child);
        let from = child.place + Head::SIZE + head.len();
        self.list(from, from + head.below(), children);
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
        let mut nodes = group.iter().filter(|child| self.head(**child).below() > 0);
        let spelled = nodes.clone().next().unwrap_or(&group[0]);
        match repeats {
            Repeats::Unite => nodes.for_each(|node| self.list_below(*node, children)),
            Repeats::LastCounts => {
                nodes.next_back().into_iter().for_each(|node| self.list_below(*node, children));
            }
        }
        (*spelled, group.iter().any(|child| self.head(*child).is_member()))
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
        let order = token::sorted(children.len(), |at| self.token(children[at]));
        let sorted: Vec<Child> = order.places().map(|place| children[place]).collect();
        children.copy_from_slice(&sorted);
        order.repeats
    }
}
