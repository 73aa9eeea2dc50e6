//! Set algebra: one walk over two tapes, and a rule for each operation.
#![expect(
    clippy::indexing_slicing,
    reason = "all indices are positions of the two tapes, whose counts every constructor keeps within them"
)]

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::deep;
use crate::value::{Kind, Value, ValueRef};

use super::builder::{PathStack, SetBuilder};
use super::element::is_scalar;
use super::set::{Entry, FieldSet, SetRef, Writer};
use super::{token, wide};

/// What an operation keeps.
#[derive(Clone, Copy)]
struct Rule {
    left_only: bool,
    right_only: bool,
    /// Whether a path stays that is a member on the left, on the right.
    member: fn(bool, bool) -> bool,
    /// Whether a member on the right takes everything below it along.
    right_takes_subtree: bool,
    /// Whether the right side's spelling of an element stays, given what each side has: decides
    /// only between an integer beyond 2^53 and the float that it equals.
    right_spelling: fn(Entry, Entry) -> bool,
}

const UNION: Rule = Rule {
    left_only: true,
    right_only: true,
    member: |left, right| left || right,
    right_takes_subtree: false,
    // The reference holds members and what is below them apart. It takes the right side's members
    // and the left side's nodes, and spells an element as its node where there is one.
    right_spelling: |left, right| match (left.count > 0, right.count > 0) {
        (true, _) => false,
        (false, true) => true,
        (false, false) => right.is_member(),
    },
};
const INTERSECTION: Rule = Rule {
    left_only: false,
    right_only: false,
    member: |left, right| left && right,
    right_takes_subtree: false,
    right_spelling: |_, _| false,
};
const DIFFERENCE: Rule = Rule {
    left_only: true,
    right_only: false,
    member: |left, right| left && !right,
    right_takes_subtree: false,
    right_spelling: |_, _| false,
};
const RECURSIVE_DIFFERENCE: Rule = Rule { right_takes_subtree: true, ..DIFFERENCE };

fn combine(left: SetRef<'_>, right: SetRef<'_>, depth: usize, rule: Rule) -> FieldSet {
    struct Frame {
        left_end: usize,
        right_end: usize,
        entry: usize,
    }
    let (a, b) = (left.entries, right.entries);
    let mut out = Writer::with_capacity(16 * a.len(), a.len());
    let mut frames: Vec<Frame> = Vec::new();
    let (mut i, mut j) = (0, 0);
    let (mut i_end, mut j_end) = (a.len(), b.len());
    loop {
        if i == i_end && j == j_end {
            let Some(frame) = frames.pop() else { return out.finish(depth) };
            out.close_or_drop(frame.entry);
            (i_end, j_end) = (frame.left_end, frame.right_end);
            continue;
        }
        let order = if i == i_end {
            Ordering::Greater
        } else if j == j_end {
            Ordering::Less
        } else {
            token::cmp(a[i].token(left.pool), b[j].token(right.pool))
        };
        match order {
            Ordering::Less => {
                let next = i + 1 + a[i].count as usize;
                if rule.left_only {
                    out.copy(left.pool, &a[i..next]);
                }
                i = next;
            }
            Ordering::Greater => {
                let next = j + 1 + b[j].count as usize;
                if rule.right_only {
                    out.copy(right.pool, &b[j..next]);
                }
                j = next;
            }
            Ordering::Equal => {
                let (x, y) = (a[i], b[j]);
                let (i_next, j_next) = (i + 1 + x.count as usize, j + 1 + y.count as usize);
                if rule.right_takes_subtree && y.is_member() {
                    (i, j) = (i_next, j_next);
                    continue;
                }
                let member = (rule.member)(x.is_member(), y.is_member());
                let right_spelling = (rule.right_spelling)(x, y);
                let text = if right_spelling { y.token(right.pool) } else { x.token(left.pool) };
                let entry = out.push(text, member);
                frames.push(Frame { left_end: i_end, right_end: j_end, entry });
                (i, j) = (i + 1, j + 1);
                (i_end, j_end) = (i_next, j_next);
            }
        }
    }
}

impl FieldSet {
    fn combine(&self, other: &FieldSet, rule: Rule, apart: wide::Operation) -> FieldSet {
        if self.is_wide() || other.is_wide() {
            return wide::operate(self, other, apart);
        }
        let depth = self.depth().max(other.depth());
        combine(self.as_set_ref(), other.as_set_ref(), depth, rule)
    }

    /// The paths of either set. Linear in both.
    #[must_use]
    pub fn union(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        self.combine(other, UNION, wide::union)
    }

    /// The paths of both sets. Linear in both.
    #[must_use]
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() || other.is_empty() {
            return FieldSet::default();
        }
        self.combine(other, INTERSECTION, wide::intersection)
    }

    /// The paths of this set that are not in the other. Linear in both.
    #[must_use]
    pub fn difference(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() || other.is_empty() || !self.meets(other) {
            return self.clone();
        }
        self.combine(other, DIFFERENCE, wide::difference)
    }

    /// The paths of this set that are neither in the other nor below a path of it. Linear in both.
    #[must_use]
    pub fn recursive_difference(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() || other.is_empty() || !self.meets(other) {
            return self.clone();
        }
        self.combine(other, RECURSIVE_DIFFERENCE, wide::recursive_difference)
    }

    /// Whether a path of the other set leads to, or into, this one.
    fn meets(&self, other: &FieldSet) -> bool {
        if self.is_wide() || other.is_wide() {
            return true;
        }
        let (left, right) = (self.as_set_ref(), other.as_set_ref());
        let (a, b) = (left.entries, right.entries);
        let mut ends: SmallVec<[(usize, usize); 8]> = SmallVec::new();
        let (mut i, mut j, mut i_end, mut j_end) = (0, 0, a.len(), b.len());
        loop {
            if i == i_end || j == j_end {
                (i, j) = (i_end, j_end);
                let Some(outer) = ends.pop() else { return false };
                (i_end, j_end) = outer;
                continue;
            }
            match token::cmp(a[i].token(left.pool), b[j].token(right.pool)) {
                Ordering::Less => i += 1 + a[i].count as usize,
                Ordering::Greater => j += 1 + b[j].count as usize,
                Ordering::Equal if b[j].is_member() => return true,
                Ordering::Equal => {
                    ends.push((i_end, j_end));
                    (i_end, j_end) = (i + 1 + a[i].count as usize, j + 1 + b[j].count as usize);
                    (i, j) = (i + 1, j + 1);
                }
            }
        }
    }

    /// Whether this set is the other one and some of `extra`, of which the other has none. May miss
    /// that it is.
    pub(crate) fn is_with_some_of(&self, other: &FieldSet, extra: &FieldSet) -> bool {
        if self.is_wide() || other.is_wide() || extra.is_wide() {
            return false;
        }
        let depth = self.depth().max(other.depth());
        deep::with_stack(depth, || {
            is_with_some_of(self.as_set_ref(), other.as_set_ref(), extra.as_set_ref())
        })
    }

    /// Whether every path of this set is in the other.
    pub fn is_subset(&self, other: &FieldSet) -> bool {
        if self.is_wide() || other.is_wide() {
            return self.difference(other).is_empty();
        }
        let (left, right) = (self.as_set_ref(), other.as_set_ref());
        let (a, b) = (left.entries, right.entries);
        let mut ends: Vec<(usize, usize)> = Vec::new();
        let (mut i, mut j, mut i_end, mut j_end) = (0, 0, a.len(), b.len());
        loop {
            if i == i_end {
                let Some((outer_i, outer_j)) = ends.pop() else { return true };
                j = j_end;
                (i_end, j_end) = (outer_i, outer_j);
                continue;
            }
            if j == j_end {
                return false;
            }
            match token::cmp(a[i].token(left.pool), b[j].token(right.pool)) {
                Ordering::Less => return false,
                Ordering::Greater => j += 1 + b[j].count as usize,
                Ordering::Equal => {
                    if a[i].is_member() && !b[j].is_member() {
                        return false;
                    }
                    let count = a[i].count as usize;
                    if count <= AT_ONCE && b[j].count as usize == count {
                        let (ours, theirs) = (i + 1..i + 1 + count, j + 1..j + 1 + count);
                        let ours = SetRef { entries: &a[ours], ..left };
                        let theirs = SetRef { entries: &b[theirs], ..right };
                        if are_spelled_alike(ours, theirs) {
                            (i, j) = (i + 1 + count, j + 1 + count);
                            continue;
                        }
                    }
                    ends.push((i_end, j_end));
                    (i_end, j_end) = (i + 1 + a[i].count as usize, j + 1 + b[j].count as usize);
                    (i, j) = (i + 1, j + 1);
                }
            }
        }
    }

    /// The paths of all leaves of a value without a schema: items of lists are told apart by their
    /// fields `key`, `id` and `name` where they have any, by position otherwise.
    pub fn from_value(value: &Value) -> FieldSet {
        let mut path = PathStack::default();
        let mut set = SetBuilder::default();
        let depth = value.parts().0.depth();
        deep::with_stack(depth, || leaves_of(value.as_ref(), &mut path, &mut set));
        set.finish()
    }
}

fn leaves_of(value: ValueRef<'_>, path: &mut PathStack, set: &mut SetBuilder) {
    match value.kind() {
        Kind::Map => {
            for (key, member) in value.members() {
                path.push_field(&key);
                leaves_of(member, path, set);
                path.pop();
            }
        }
        Kind::List => {
            for (index, item) in value.items().enumerate() {
                let mut element = String::new();
                let mut key = token::KeyWriter::new(&mut element);
                for name in ["id", "key", "name"] {
                    if let Some(value) = item.get(name).filter(|value| is_scalar(value.kind())) {
                        key.value(name, value);
                    }
                }
                if key.finish() > 0 {
                    path.push_token(&element);
                } else {
                    path.push_index(index as i64);
                }
                leaves_of(item, path, set);
                path.pop();
            }
        }
        _ => set.insert(path),
    }
}

fn is_with_some_of(set: SetRef<'_>, other: SetRef<'_>, extra: SetRef<'_>) -> bool {
    if extra.is_empty() {
        return are_alike(set, other);
    }
    let nothing = SetRef { entries: &[], ..other };
    let mut others = other.children().peekable();
    let mut extras = extra.children().peekable();
    for child in set.children() {
        while extras.next_if(|extra| token::cmp(extra.token, child.token).is_lt()).is_some() {}
        let extra = extras.next_if(|extra| token::eq(extra.token, child.token));
        let (is_extra, extra) =
            extra.map_or((false, nothing), |extra| (extra.member, extra.subset));
        let member = child.member && !is_extra;
        match others.next_if(|other| token::eq(other.token, child.token)) {
            Some(other)
                if member == other.member && is_with_some_of(child.subset, other.subset, extra) => {
            }
            None if !member && is_with_some_of(child.subset, nothing, extra) => {}
            _ => return false,
        }
    }
    others.next().is_none()
}

/// Whether two sets without integers beyond 2^53 have the same paths.
fn are_alike(left: SetRef<'_>, right: SetRef<'_>) -> bool {
    are_spelled_alike(left, right)
        || left.entries.len() == right.entries.len()
            && left.entries.iter().zip(right.entries).all(|(a, b)| {
                a.count == b.count
                    && a.is_member() == b.is_member()
                    && token::eq(a.token(left.pool), b.token(right.pool))
            })
}

/// Whether two sets are the same in so many letters. May miss it.
fn are_spelled_alike(left: SetRef<'_>, right: SetRef<'_>) -> bool {
    let (a, b) = (left.entries, right.entries);
    let (Some(ours), Some(theirs)) = (a.first(), b.first()) else { return a.len() == b.len() };
    let (ours, theirs) = (ours.start(), theirs.start());
    if a.len() != b.len()
        || !a.iter().zip(b).all(|(a, b)| {
            a.start() >= ours && b.start() >= theirs && a.is_placed_like(ours, *b, theirs)
        })
    {
        return false;
    }
    let end = |entries: &[Entry]| entries.last().map_or(0, |last| last.end());
    let (ours, theirs) = (ours..end(a), theirs..end(b));
    left.pool.as_bytes().get(ours) == right.pool.as_bytes().get(theirs)
}

/// Up to so many entries are held against each other at once, on the way into them.
const AT_ONCE: usize = 128;

impl PartialEq for FieldSet {
    fn eq(&self, other: &FieldSet) -> bool {
        if self.is_identical(other) {
            return true;
        }
        if self.is_wide() || other.is_wide() {
            return wide::are_equal(self, other);
        }
        are_alike(self.as_set_ref(), other.as_set_ref())
    }
}

impl Eq for FieldSet {}
