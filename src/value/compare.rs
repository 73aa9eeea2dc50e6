//! Equality and order of values, as the reference defines them.

use std::cmp::Ordering;

use super::arena::{Arena, Node, Tag};
use super::text;

impl Arena<'_> {
    /// Whether two values are equal: integers exactly, any float as floats, lists in order, maps
    /// without order; null equals only null.
    pub(crate) fn equal(&self, left: Node, right: Node) -> bool {
        if left.is_same(right) {
            return true;
        }
        match (left.tag(), right.tag()) {
            (Tag::Int, Tag::Int) => self.int(left) == self.int(right),
            (Tag::Int | Tag::Float, Tag::Int | Tag::Float) => {
                self.number(left) == self.number(right)
            }
            (Tag::String, Tag::String) => self.string(left) == self.string(right),
            (Tag::List, Tag::List) => {
                left.count() == right.count()
                    && self
                        .children(left)
                        .iter()
                        .zip(self.children(right))
                        .all(|(left, right)| self.equal(*left, *right))
            }
            (Tag::Map, Tag::Map) => {
                left.count() == right.count()
                    && self.children(left).iter().zip(self.children(right)).all(|(left, right)| {
                        self.compare_keys(*left, *right) == Ordering::Equal
                            && self.equal(*left, *right)
                    })
            }
            (left, right) => left == right,
        }
    }

    /// A number as the reference compares mixed ones.
    pub(crate) fn number(&self, node: Node) -> f64 {
        match node.tag() {
            Tag::Int => self.int(node) as f64,
            _ => self.float(node),
        }
    }

    /// The order of two members' keys, by bytes.
    #[inline]
    pub(crate) fn compare_keys(&self, left: Node, right: Node) -> Ordering {
        if left.has_plain_key() && right.has_plain_key() {
            self.compare_plain_keys(left, right, self.key_prefix(right))
        } else {
            self.key(left).as_bytes().cmp(self.key(right).as_bytes())
        }
    }

    /// As [`compare_keys`](Self::compare_keys), for keys without escapes; it is known how the second
    /// one begins.
    #[inline]
    pub(crate) fn compare_plain_keys(&self, left: Node, right: Node, prefix: u64) -> Ordering {
        self.key_prefix(left).cmp(&prefix).then_with(|| {
            match (left.key_length(), right.key_length()) {
                // Of two short texts that begin alike the shorter is less.
                (ours @ ..=8, theirs @ ..=8) => ours.cmp(&theirs),
                _ => {
                    let (ours, theirs) = (self.raw_key_bytes(left), self.raw_key_bytes(right));
                    if text::is_same(ours, theirs) { Ordering::Equal } else { ours.cmp(theirs) }
                }
            }
        })
    }

    /// The order used for sorting path elements: numbers, strings, booleans, lists, maps, null.
    pub(crate) fn compare(&self, left: Node, right: Node) -> Ordering {
        fn rank(tag: Tag) -> u8 {
            match tag {
                Tag::Int | Tag::Float => 0,
                Tag::String => 1,
                Tag::False | Tag::True => 2,
                Tag::List => 3,
                Tag::Map => 4,
                Tag::Null => 5,
            }
        }
        match (left.tag(), right.tag()) {
            (Tag::Int, Tag::Int) => self.int(left).cmp(&self.int(right)),
            (Tag::Int | Tag::Float, Tag::Int | Tag::Float) => {
                self.number(left).partial_cmp(&self.number(right)).unwrap_or(Ordering::Equal)
            }
            (Tag::String, Tag::String) => {
                self.string(left).as_bytes().cmp(self.string(right).as_bytes())
            }
            (Tag::List, Tag::List) => {
                for (left, right) in self.children(left).iter().zip(self.children(right)) {
                    let order = self.compare(*left, *right);
                    if order != Ordering::Equal {
                        return order;
                    }
                }
                left.count().cmp(&right.count())
            }
            (Tag::Map, Tag::Map) => self.compare_maps(left, right),
            (left, right) => match rank(left).cmp(&rank(right)) {
                Ordering::Equal => (left == Tag::True).cmp(&(right == Tag::True)),
                unequal => unequal,
            },
        }
    }

    /// Walks the union of the keys in order. The side that runs out of members is smaller; a key
    /// that only one side has makes that side smaller.
    fn compare_maps(&self, left: Node, right: Node) -> Ordering {
        let (mut ours, mut theirs) = (self.children(left).iter(), self.children(right).iter());
        let (mut a, mut b) = (ours.next(), theirs.next());
        let mut visited = 0;
        loop {
            if a.is_none() && b.is_none() {
                return Ordering::Equal;
            }
            if visited == left.count() {
                return Ordering::Less;
            }
            if visited == right.count() {
                return Ordering::Greater;
            }
            match (a, b) {
                (Some(x), Some(y)) => match self.compare_keys(*x, *y) {
                    Ordering::Less => return Ordering::Less,
                    Ordering::Greater => return Ordering::Greater,
                    Ordering::Equal => {
                        let order = self.compare(*x, *y);
                        if order != Ordering::Equal {
                            return order;
                        }
                        a = ours.next();
                        b = theirs.next();
                    }
                },
                (Some(_), None) => return Ordering::Less,
                (None, _) => return Ordering::Greater,
            }
            visited += 1;
        }
    }

    /// Whether `right` may stand for `left` unnoticed: equal, and every number of the same kind.
    pub(crate) fn identical(&self, left: Node, right: Node) -> bool {
        if left.is_same(right) {
            return true;
        }
        if left.is_verbatim() && right.is_verbatim() && self.is_same_text(left, right) {
            return true;
        }
        match (left.tag(), right.tag()) {
            (Tag::Float, Tag::Float) => self.float(left).to_bits() == self.float(right).to_bits(),
            (Tag::List | Tag::Map, Tag::List | Tag::Map) => {
                left.tag() == right.tag()
                    && left.count() == right.count()
                    && self.children(left).iter().zip(self.children(right)).all(|(a, b)| {
                        (left.tag() == Tag::List || self.compare_keys(*a, *b) == Ordering::Equal)
                            && self.identical(*a, *b)
                    })
            }
            (left_tag, right_tag) => left_tag == right_tag && self.equal(left, right),
        }
    }
}

impl Node {
    #[inline]
    pub(crate) fn has_plain_key(self) -> bool {
        !self.has_key_escapes()
    }
}
