//! Set algebra: one walk over two tapes, and a rule for each operation. The walk notes what the result
//! takes from which side; `runs` copies that at the end, or shares a side that is all of it.
use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::deep;
use crate::value::{Kind, Value, ValueRef};

use super::builder::{PathStack, SetBuilder};
use super::element::is_scalar;
use super::runs::{Cursor, Noted, Runs, Side};
use super::set::{FieldSet, Head, Kind as SetKind, SetRef};
use super::{token, wide};

/// What an operation keeps.
#[derive(Clone, Copy)]
struct Rule {
    left_only: bool,
    right_only: bool,
    /// Whether a path stays that is a member on both sides, on the left alone, on the right alone.
    member: (bool, bool, bool),
    /// Whether a member on the right stands for everything below it.
    members_cover: bool,
    /// Whether what both sides have below an element stays if it is the same.
    same: bool,
    /// Whether the right side's spelling of an element stays, given what each side has: decides
    /// only between an integer beyond 2^53 and the float that it equals.
    right_spelling: fn(Head, Head) -> bool,
    /// Which side the result may be as a whole.
    whole: Whole,
}

impl Rule {
    fn keeps_member(&self, is_member: (bool, bool)) -> bool {
        let (both, left, right) = self.member;
        match is_member {
            (true, true) => both,
            (true, false) => left,
            (false, true) => right,
            (false, false) => false,
        }
    }
}

#[derive(Clone, Copy)]
enum Whole {
    Left,
    Larger,
    Smaller,
}

const UNION: Rule = Rule {
    left_only: true,
    right_only: true,
    member: (true, true, true),
    members_cover: false,
    // The reference holds members and what is below them apart. It takes the right side's members
    // and the left side's nodes, and spells an element as its node where there is one.
    same: true,
    right_spelling: |left, right| match (left.below(), right.below()) {
        (0, 0) => right.is_member(),
        (left, _) => left == 0,
    },
    whole: Whole::Larger,
};
const INTERSECTION: Rule = Rule {
    left_only: false,
    right_only: false,
    member: (true, false, false),
    members_cover: false,
    same: true,
    right_spelling: |_, _| false,
    whole: Whole::Smaller,
};
const DIFFERENCE: Rule = Rule {
    left_only: true,
    right_only: false,
    member: (false, true, false),
    members_cover: false,
    same: false,
    right_spelling: |_, _| false,
    whole: Whole::Left,
};
const RECURSIVE_DIFFERENCE: Rule = Rule { members_cover: true, ..DIFFERENCE };

/// Of so much below an element it takes longer to go through it than to compare it.
const LITTLE: usize = 4096;

/// Notes what an operation takes from both sides. Inlined, so that each operation has a walk that knows
/// its rule.
#[inline(always)]
fn combine(left: SetRef<'_>, right: SetRef<'_>, rule: &Rule, out: &mut Runs) {
    struct Frame {
        /// Where the level around ends on both sides.
        ends: (usize, usize),
        noted: Noted,
    }
    let mut frames: SmallVec<[Frame; 8]> = SmallVec::new();
    let mut effort = left.effort();
    // What both sides have is taken from the one that may be the result.
    let preferred = match rule.whole {
        Whole::Left => Side::Left,
        Whole::Larger if left.tape.len() >= right.tape.len() => Side::Left,
        Whole::Smaller if left.tape.len() <= right.tape.len() => Side::Left,
        _ => Side::Right,
    };
    let (mut left_end, mut right_end) = (left.tape.len(), right.tape.len());
    let (mut left, mut right) = (Cursor::of(left), Cursor::of(right));
    loop {
        if left.place == left_end || right.place == right_end {
            if rule.left_only {
                out.take(Side::Left, left.place..left_end);
            }
            if rule.right_only {
                out.take(Side::Right, right.place..right_end);
            }
            let Some(frame) = frames.pop() else { return };
            out.close(frame.noted);
            (left.place, right.place) = (left_end, right_end);
            (left_end, right_end) = frame.ends;
            continue;
        }
        let (ours, theirs) = (left.element(), right.element());
        let is_spelled_alike = left.is_spelled_like(ours, &right, theirs);
        let mut side = preferred;
        if !is_spelled_alike {
            match left.order(ours, &right, theirs) {
                Ordering::Less => {
                    if rule.left_only {
                        out.take_whole(Side::Left, ours);
                    }
                    left.place = ours.behind();
                    continue;
                }
                Ordering::Greater => {
                    if rule.right_only {
                        out.take_whole(Side::Right, theirs);
                    }
                    right.place = theirs.behind();
                    continue;
                }
                Ordering::Equal => {
                    let is_right = (rule.right_spelling)(ours.head, theirs.head);
                    side = if is_right { Side::Right } else { Side::Left };
                }
            }
        }
        let is_member = (ours.head.is_member(), theirs.head.is_member());
        let taken = if side == Side::Left { ours } else { theirs };
        // Below something large there may be members that cover most of it.
        let is_settled = rule.members_cover && is_member.1
            || is_member.0 == is_member.1
                && (!rule.members_cover || ours.head.below() <= LITTLE)
                && left.has_same_below(ours, &right, theirs, &mut effort);
        if is_settled {
            if rule.same {
                out.take_whole(side, taken);
            }
            (left.place, right.place) = (ours.behind(), theirs.behind());
            continue;
        }
        let noted = out.open(side, taken, rule.keeps_member(is_member));
        frames.push(Frame { ends: (left_end, right_end), noted });
        (left.place, right.place) = (ours.below(), theirs.below());
        (left_end, right_end) = (ours.behind(), theirs.behind());
    }
}

impl FieldSet {
    #[inline(always)]
    fn combine(&self, other: &FieldSet, rule: &Rule, apart: wide::Operation) -> FieldSet {
        if self.is_wide() || other.is_wide() {
            return wide::operate(self, other, apart);
        }
        let (left, right) = (self.as_set_ref(), other.as_set_ref());
        let mut runs = Runs::new();
        combine(left, right, rule, &mut runs);
        match runs.whole(left, right) {
            Some(Side::Left) => return self.clone(),
            Some(Side::Right) => return other.clone(),
            None if runs.is_empty() => return FieldSet::default(),
            None => {}
        }
        let depth = self.depth().max(other.depth());
        let is_unmarked = self.is_unmarked() && (other.is_unmarked() || !rule.right_only);
        let kind = if is_unmarked { SetKind::Unmarked } else { SetKind::Any };
        FieldSet::shared(runs.copy(left, right), depth, kind)
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
        self.combine(other, &UNION, wide::union)
    }

    /// The paths of both sets. Linear in both.
    #[must_use]
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() || other.is_empty() {
            return FieldSet::default();
        }
        self.combine(other, &INTERSECTION, wide::intersection)
    }

    /// The paths of this set that are not in the other. Linear in both.
    #[must_use]
    pub fn difference(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        self.combine(other, &DIFFERENCE, wide::difference)
    }

    /// The paths of this set that are neither in the other nor below a path of it. Linear in both.
    #[must_use]
    pub fn recursive_difference(&self, other: &FieldSet) -> FieldSet {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        self.combine(other, &RECURSIVE_DIFFERENCE, wide::recursive_difference)
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
    let mut others = other.children().peekable();
    let mut extras = extra.children().peekable();
    for child in set.children() {
        while extras.next_if(|extra| token::cmp(extra.token, child.token).is_lt()).is_some() {}
        let extra = extras.next_if(|extra| token::eq(extra.token, child.token));
        let (is_extra, extra) =
            extra.map_or((false, SetRef::NOTHING), |extra| (extra.member, extra.subset));
        let member = child.member && !is_extra;
        match others.next_if(|other| token::eq(other.token, child.token)) {
            Some(other)
                if member == other.member && is_with_some_of(child.subset, other.subset, extra) => {
            }
            None if !member && is_with_some_of(child.subset, SetRef::NOTHING, extra) => {}
            _ => return false,
        }
    }
    others.next().is_none()
}

/// Whether two sets without integers beyond 2^53 have the same paths.
fn are_alike(left: SetRef<'_>, right: SetRef<'_>) -> bool {
    let mut frames: SmallVec<[(SetRef<'_>, SetRef<'_>); 8]> = SmallVec::new();
    let (mut left, mut right) = (left, right);
    let mut effort = left.effort();
    loop {
        let ((ours, our_rest), (theirs, their_rest)) =
            match (left.split_first(), right.split_first()) {
                (Some(ours), Some(theirs)) => (ours, theirs),
                (None, None) => match frames.pop() {
                    Some(outer) => {
                        (left, right) = outer;
                        continue;
                    }
                    None => return true,
                },
                _ => return false,
            };
        if ours.member != theirs.member || !token::eq(ours.token, theirs.token) {
            return false;
        }
        (left, right) = (our_rest, their_rest);
        if !ours.subset.is_spelled_like(theirs.subset, &mut effort) {
            frames.push((left, right));
            (left, right) = (ours.subset, theirs.subset);
        }
    }
}

impl PartialEq for FieldSet {
    fn eq(&self, other: &FieldSet) -> bool {
        if self.is_identical(other) {
            return true;
        }
        if self.is_wide() || other.is_wide() {
            return wide::are_equal(self, other);
        }
        let (left, right) = (self.as_set_ref(), other.as_set_ref());
        left.tape == right.tape || are_alike(left, right)
    }
}

impl Eq for FieldSet {}
