//! Filters: which fields are tracked at all.

use crate::deep;

use super::builder::{PathStack, SetBuilder};
use super::element::PathElement;
use super::set::{FieldSet, SetRef};
use super::{token, wide};

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Every element.
    Any,
    /// This element.
    Element(PathElement),
}

/// Which paths of a set are kept.
#[derive(Clone, Debug)]
pub struct Filter(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Exclude(FieldSet),
    Include(Pattern),
}

/// A tree of patterns, every leaf of which lets everything below it through.
#[derive(Clone, Debug, PartialEq)]
enum Pattern {
    Everything,
    Steps(Vec<(Step, Pattern)>),
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Any,
    Token(String),
}

impl Step {
    fn matches(&self, element: &[u8]) -> bool {
        match self {
            Step::Any => true,
            Step::Token(token) => token::eq(token, element),
        }
    }

    /// Whether this step sorts before another. No wildcard equals another one here.
    fn sorts_before(&self, other: &Step) -> bool {
        match (self, other) {
            (Step::Any, _) => true,
            (Step::Token(_), Step::Any) => false,
            (Step::Token(left), Step::Token(right)) => token::cmp(left, right).is_lt(),
        }
    }

    fn equals(&self, other: &Step) -> bool {
        match (self, other) {
            (Step::Token(left), Step::Token(right)) => token::eq(left, right),
            _ => false,
        }
    }
}

impl Filter {
    /// Keeps what is neither in the set nor below a path of it.
    pub fn exclude(fields: FieldSet) -> Filter {
        Filter(Kind::Exclude(fields))
    }

    /// Keeps what the patterns lead to: members on the way, and everything below their ends. No
    /// patterns keep everything.
    ///
    /// Merging patterns follows the reference to the letter: two wildcards at one place do not
    /// merge and only the first counts for what is below, and an element that several patterns
    /// share is found only where its place has a single entry so far.
    pub fn include(patterns: impl IntoIterator<Item = Vec<Matcher>>) -> Filter {
        let mut merged: Option<Pattern> = None;
        for pattern in patterns {
            let mut tree = Pattern::Everything;
            for part in pattern.into_iter().rev() {
                let step = match part {
                    Matcher::Any => Step::Any,
                    Matcher::Element(element) => Step::Token(token::of(&element)),
                };
                tree = Pattern::Steps(vec![(step, tree)]);
            }
            merged = Some(match merged {
                None => tree,
                Some(before) => before.merge(tree),
            });
        }
        Filter(Kind::Include(merged.unwrap_or(Pattern::Everything)))
    }

    /// The paths of the set that are kept.
    #[must_use]
    pub fn apply(&self, set: &FieldSet) -> FieldSet {
        match &self.0 {
            Kind::Exclude(fields) => set.recursive_difference(fields),
            Kind::Include(Pattern::Everything) => set.clone(),
            Kind::Include(pattern) if set.is_wide() => {
                wide::change(set, |node| pattern.filter_wide(node))
            }
            Kind::Include(pattern) => {
                let mut path = PathStack::default();
                let mut out = SetBuilder::default();
                deep::with_stack(set.depth(), || {
                    pattern.filter(set.as_set_ref(), &mut path, &mut out);
                });
                out.finish()
            }
        }
    }
}

impl Pattern {
    fn merge(self, other: Pattern) -> Pattern {
        let (Pattern::Steps(ours), Pattern::Steps(theirs)) = (self, other) else {
            return Pattern::Everything;
        };
        let mut out = ours.clone();
        for (step, below) in theirs {
            match look_up(&ours, &step) {
                Some(at) => {
                    if let Some((_, before)) = out.get_mut(at) {
                        *before = before.clone().merge(below);
                    }
                }
                None => out.push((step, below)),
            }
        }
        // Wildcards first, then by element; what is equal stays in its order.
        out.sort_by(|(left, _), (right, _)| match (left, right) {
            (Step::Any, Step::Any) => std::cmp::Ordering::Equal,
            (Step::Any, _) => std::cmp::Ordering::Less,
            (_, Step::Any) => std::cmp::Ordering::Greater,
            (Step::Token(left), Step::Token(right)) => token::cmp(left, right),
        });
        Pattern::Steps(out)
    }

    /// What is below the first step that matches.
    fn below(&self, element: &[u8]) -> Option<&Pattern> {
        match self {
            Pattern::Everything => Some(self),
            Pattern::Steps(steps) => {
                steps.iter().find(|(step, _)| step.matches(element)).map(|(_, below)| below)
            }
        }
    }

    fn filter_wide<'a>(&self, node: wide::Node<'a>) -> wide::Node<'a> {
        if *self == Pattern::Everything {
            return node;
        }
        let kept = node.members.into_iter().filter(|element| self.below(element).is_some());
        let below = |(element, node)| Some((element, self.below(element)?.filter_wide(node)));
        let nodes = node.nodes.into_iter().filter_map(below);
        wide::Node {
            members: wide::inserted(kept),
            nodes: nodes.filter(|(_, node)| !node.is_empty()).collect(),
        }
    }

    fn filter(&self, set: SetRef<'_>, path: &mut PathStack, out: &mut SetBuilder) {
        for child in set.children() {
            let Some(below) = self.below(child.token) else { continue };
            path.push_token(child.text());
            if child.member {
                out.insert(path);
            }
            below.filter(child.subset, path, out);
            path.pop();
        }
    }
}

/// The reference's binary search, which looks on the wrong side and so finds a step only if it is
/// met on the way.
fn look_up(steps: &[(Step, Pattern)], wanted: &Step) -> Option<usize> {
    let (mut low, mut high) = (0, steps.len());
    while low < high {
        let middle = (low + high) / 2;
        let after = steps.get(middle).is_some_and(|(step, _)| wanted.sorts_before(step));
        if after {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let found = steps.get(low).is_some_and(|(step, _)| step.equals(wanted));
    found.then_some(low)
}
