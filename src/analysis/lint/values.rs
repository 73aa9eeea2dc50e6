//! A walk over all values of an object that does not recurse.

use std::borrow::Cow;

use crate::fieldpath::{Path, PathElement};
use crate::value::{Items, Kind, Members, ValueRef};

/// A step of the way to a value.
pub(super) enum Step<'v> {
    Field(Cow<'v, str>),
    Index(usize),
}

impl Step<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Step::Field(own) if own == name)
    }
}

/// A way as a path.
pub(super) fn path(way: &[Step<'_>]) -> Path {
    let element = |step: &Step<'_>| match step {
        Step::Field(name) => PathElement::FieldName(name.clone().into_owned()),
        Step::Index(index) => PathElement::Index(i64::try_from(*index).unwrap_or(i64::MAX)),
    };
    way.iter().map(element).collect()
}

/// What is left of a map or a list that the walk is in.
enum Rest<'v> {
    Map(Members<'v>),
    List(usize, Items<'v>),
}

impl<'v> Rest<'v> {
    fn of(value: ValueRef<'v>) -> Option<Rest<'v>> {
        match value.kind() {
            Kind::Map => Some(Rest::Map(value.members())),
            Kind::List => Some(Rest::List(0, value.items())),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<(Step<'v>, ValueRef<'v>)> {
        match self {
            Rest::Map(members) => members.next().map(|(name, value)| (Step::Field(name), value)),
            Rest::List(at, items) => {
                let item = items.next()?;
                *at += 1;
                Some((Step::Index(*at - 1), item))
            }
        }
    }
}

/// Shows every value below the root with the way to it. Linear in the object.
pub(super) fn each<'v>(root: ValueRef<'v>, visit: &mut dyn FnMut(&[Step<'v>], ValueRef<'v>)) {
    let mut way: Vec<Step<'v>> = Vec::new();
    let mut open: Vec<Rest<'v>> = Rest::of(root).into_iter().collect();
    while let Some(innermost) = open.last_mut() {
        // The way leads to what is open; its last step is taken back with it.
        let Some((step, value)) = innermost.next() else {
            open.pop();
            way.pop();
            continue;
        };
        way.push(step);
        visit(&way, value);
        match Rest::of(value) {
            Some(rest) => open.push(rest),
            None => {
                way.pop();
            }
        }
    }
}
