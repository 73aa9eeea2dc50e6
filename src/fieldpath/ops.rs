//! Set algebra: one walk over two tapes, and a rule for each operation.
use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::deep;
use crate::value::{Kind, Value, ValueRef};

use super::builder::{PathStack, SetBuilder};
use super::element::is_scalar;
use super::set::{Child, FieldSet, SetRef, Writer, Written, tokens};
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
    /// Whether what both sides have below an element stays if it is the same.
    same: bool,
    /// Whether the right side's spelling of an element stays, given what each side has: decides
    /// only between an integer beyond 2^53 and the float that it equals.
    right_spelling: fn(Child<'_>, Child<'_>) -> bool,
}

const UNION: Rule = Rule {
    left_only: true,
    right_only: true,
    member: |left, right| left || right,
    right_takes_subtree: false,
    // The reference holds members and what is below them apart. It takes the right side's members
    // and the left side's nodes, and spells an element as its node where there is one.
    same: true,
    right_spelling: |left, right| match (left.subset.is_empty(), right.subset.is_empty()) {
        (false, _) => false,
        (true, false) => true,
        (true, true) => right.member,
    },
};
const INTERSECTION: Rule = Rule {
    left_only: false,
    right_only: false,
    member: |left, right| left && right,
    right_takes_subtree: false,
    same: true,
    right_spelling: |_, _| false,
};
const DIFFERENCE: Rule = Rule {
    left_only: true,
    right_only: false,
    member: |left, right| left && !right,
    right_takes_subtree: false,
    same: false,
    right_spelling: |_, _| false,
};
const RECURSIVE_DIFFERENCE: Rule = Rule { right_takes_subtree: true, ..DIFFERENCE };

/// The elements of a set in front of another one, the first of which is known to be; and those behind
/// them.
#[inline]
fn run<'a>(set: SetRef<'a>, end: &str) -> (SetRef<'a>, SetRef<'a>) {
    let mut rest = set.behind_first();
    while let Some(token) = rest.first_token()
        && token::cmp(token, end).is_lt()
    {
        rest = rest.behind_first();
    }
    (set.before(rest), rest)
}

#[inline(always)]
fn combine(left: SetRef<'_>, right: SetRef<'_>, rule: Rule) -> Writer {
    struct Frame<'l, 'r> {
        left: SetRef<'l>,
        right: SetRef<'r>,
        written: Written,
    }
    let mut out = Writer::default();
    if rule.right_only {
        // Mostly the smaller one adds little to the larger one.
        out.reserve(
            left.pool.len().max(right.pool.len()) + 64,
            left.entries.len().max(right.entries.len()) + 4,
        );
    } else if !rule.right_takes_subtree {
        out.reserve(left.pool.len() / 2, left.entries.len() / 2);
    }
    let mut frames: SmallVec<[Frame<'_, '_>; 8]> = SmallVec::new();
    let mut effort = left.effort();
    let (mut left, mut right) = (left, right);
    loop {
        let (Some(ours), Some(theirs)) = (left.first_token(), right.first_token()) else {
            if rule.left_only && !left.is_empty() {
                out.copy(left.pool, left.entries);
            }
            if rule.right_only && !right.is_empty() {
                out.copy(right.pool, right.entries);
            }
            let Some(frame) = frames.pop() else { return out };
            out.close_or_drop(frame.written);
            (left, right) = (frame.left, frame.right);
            continue;
        };
        match token::cmp(ours, theirs) {
            Ordering::Less => {
                let (run, rest) = run(left, theirs);
                if rule.left_only {
                    out.copy(run.pool, run.entries);
                }
                left = rest;
            }
            Ordering::Greater => {
                let (run, rest) = run(right, ours);
                if rule.right_only {
                    out.copy(run.pool, run.entries);
                }
                right = rest;
            }
            Ordering::Equal => {
                let (Some((ours, our_rest)), Some((theirs, their_rest))) =
                    (left.split_first(), right.split_first())
                else {
                    continue;
                };
                (left, right) = (our_rest, their_rest);
                if rule.right_takes_subtree && theirs.member {
                    continue;
                }
                let member = (rule.member)(ours.member, theirs.member);
                let token = if (rule.right_spelling)(ours, theirs) { theirs } else { ours }.token;
                let (below, other) = (ours.subset, theirs.subset);
                if below.is_empty() && other.is_empty() {
                    if member {
                        out.push(token, true);
                    }
                } else if !rule.right_takes_subtree && below.is_spelled_like(other, &mut effort) {
                    if rule.same {
                        let written = out.push(token, member);
                        out.copy(below.pool, below.entries);
                        out.close(written);
                    } else if member {
                        out.push(token, true);
                    }
                } else {
                    let written = out.push(token, member);
                    frames.push(Frame { left, right, written });
                    (left, right) = (below, other);
                }
            }
        }
    }
}

impl FieldSet {
    #[inline(always)]
    fn combine(&self, other: &FieldSet, rule: Rule, apart: wide::Operation) -> FieldSet {
        if self.is_wide() || other.is_wide() {
            return wide::operate(self, other, apart);
        }
        let depth = self.depth().max(other.depth());
        let unmarked = self.is_unmarked() && (other.is_unmarked() || !rule.right_only);
        combine(self.as_set_ref(), other.as_set_ref(), rule).finish_unmarked(depth, unmarked)
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
        let mut frames: SmallVec<[(SetRef<'_>, SetRef<'_>); 8]> = SmallVec::new();
        let (mut left, mut right) = (self.as_set_ref(), other.as_set_ref());
        loop {
            let (Some(ours), Some(theirs)) = (left.first_token(), right.first_token()) else {
                let Some(outer) = frames.pop() else { return false };
                (left, right) = outer;
                continue;
            };
            match token::cmp(ours, theirs) {
                Ordering::Less => left = left.behind_first(),
                Ordering::Greater => right = right.behind_first(),
                Ordering::Equal => {
                    let (Some((ours, our_rest)), Some((theirs, their_rest))) =
                        (left.split_first(), right.split_first())
                    else {
                        return false;
                    };
                    if theirs.member {
                        return true;
                    }
                    frames.push((our_rest, their_rest));
                    (left, right) = (ours.subset, theirs.subset);
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
        let mut frames: SmallVec<[(SetRef<'_>, SetRef<'_>); 8]> = SmallVec::new();
        let (mut left, mut right) = (self.as_set_ref(), other.as_set_ref());
        let mut effort = left.effort();
        loop {
            let Some((ours, our_rest)) = left.split_first() else {
                let Some(outer) = frames.pop() else { return true };
                (left, right) = outer;
                continue;
            };
            let Some((theirs, their_rest)) = right.split_first() else { return false };
            right = their_rest;
            match token::cmp(ours.token, theirs.token) {
                Ordering::Less => return false,
                Ordering::Greater => {}
                Ordering::Equal if ours.member && !theirs.member => return false,
                Ordering::Equal => {
                    left = our_rest;
                    if !ours.subset.is_spelled_like(theirs.subset, &mut effort) {
                        frames.push((left, right));
                        (left, right) = (ours.subset, theirs.subset);
                    }
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
    let nothing = SetRef { pool: "", entries: &[], ..other };
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
    if left.entries.len() != right.entries.len() {
        return false;
    }
    if left.is_spelled_like(right, &mut left.effort()) {
        return true;
    }
    let are_placed_alike = (left.entries.iter().zip(right.entries))
        .all(|(a, b)| a.count == b.count && a.is_member() == b.is_member());
    let (ours, theirs) = (tokens(left.pool, left.entries), tokens(right.pool, right.entries));
    are_placed_alike && ours.zip(theirs).all(|(a, b)| token::eq(a, b))
}

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
