//! Rules of what an API server refuses to work with. The engine's validation finds it; here it is sorted.

use std::collections::HashSet;

use crate::analysis::Severity;
use crate::fieldmanager::Lookup;
use crate::fieldpath::{Path, PathElement};
use crate::typed::ValidationError;
use crate::value::{Kind, ValueRef};

use super::rule::{Check, Input, Rule};
use super::subject::{Hit, Subject, Told};

/// The sorts of problems.
#[derive(PartialEq, Eq)]
enum Sort {
    Undeclared,
    Repeated,
    Other,
}

fn sort(problem: &ValidationError) -> Sort {
    match problem.message() {
        "field not declared in schema" => Sort::Undeclared,
        message if message.starts_with("duplicate entries for key ") => Sort::Repeated,
        _ => Sort::Other,
    }
}

fn of_sort<'s>(
    subject: &'s Subject<'_>,
    wanted: Sort,
) -> impl Iterator<Item = &'s ValidationError> {
    subject.problems().iter().filter(move |problem| sort(problem) == wanted)
}

pub(super) const UNDECLARED_FIELD: Rule = Rule {
    id: "MF017",
    name: "undeclared-field",
    severity: Severity::Error,
    inputs: &[Input::Manifest, Input::Live],
    is_fixable: false,
    explanation: "The schema of the kind has no such field. An apply that states it is refused; where it is \
                  stored, every apply to the object is refused. Of several such fields of one map the first \
                  is told, as the API server does.",
    remedy: "Correct the name, or say whose schema holds: --schema, --kubernetes-version.",
    check: Check::Object(undeclared_field),
};

fn undeclared_field(subject: &Subject<'_>, told: &mut Told) {
    for problem in of_sort(subject, Sort::Undeclared) {
        told.tell(|| Hit::new(problem.place().clone(), "there is no such field in the schema"));
    }
}

pub(super) const REPEATED_ITEM: Rule = Rule {
    id: "MF019",
    name: "repeated-item",
    severity: Severity::Error,
    inputs: &[Input::Manifest, Input::Live],
    is_fixable: true,
    explanation: "A set holds a value twice, or a keyed list two items with the same keys. An apply that \
                  states it is refused; where it is stored, the items can only be owned together.",
    remedy: "Keep one of the items.",
    check: Check::Object(repeated_item),
};

fn repeated_item(subject: &Subject<'_>, told: &mut Told) {
    let lookup = Lookup::new(subject.root());
    let mut seen = HashSet::new();
    for problem in of_sort(subject, Sort::Repeated) {
        let Some(list) = lookup.at(problem.place().elements()) else { continue };
        // All repetitions of a list are one finding.
        if !seen.insert(list.offset()) {
            continue;
        }
        let item = problem.message().trim_start_matches("duplicate entries for key ");
        told.tell(|| {
            let message = format!("{} is in the list more than once", shortened(item));
            let removals = repeated_scalars(problem.place(), list);
            let hidden = "an item is in the list more than once";
            Hit::new(problem.place().clone(), message).quoting(hidden).without(removals)
        });
    }
}

/// The later ones of equal scalars; nothing if the list holds anything else.
fn repeated_scalars(place: &Path, list: ValueRef<'_>) -> Vec<Path> {
    let mut seen = HashSet::new();
    let mut later = Vec::new();
    for (index, item) in list.items().enumerate() {
        if matches!(item.kind(), Kind::Map | Kind::List | Kind::Null) {
            return Vec::new();
        }
        if !seen.insert(item.to_canonical_json()) {
            let index = PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX));
            later.push(place.elements().iter().cloned().chain([index]).collect());
        }
    }
    later
}

pub(super) const WRONG_VALUE: Rule = Rule {
    id: "MF024",
    name: "wrong-value",
    severity: Severity::Error,
    inputs: &[Input::Manifest, Input::Live],
    is_fixable: false,
    explanation: "A value is not of the type that the schema gives it, or an item lacks what tells it from \
                  others. An apply that states it is refused; where it is stored, every apply to the object \
                  is refused.",
    remedy: "Write a value of the type; quote texts that look like numbers or booleans.",
    check: Check::Object(wrong_value),
};

fn wrong_value(subject: &Subject<'_>, told: &mut Told) {
    let lookup = Lookup::new(subject.root());
    for problem in of_sort(subject, Sort::Other) {
        told.tell(|| {
            let message = problem.message();
            // The API server's word for the value is that of its program.
            let expected = message.split_once(", got ").map(|(expected, _)| expected);
            let value = expected.and_then(|_| lookup.at(problem.place().elements()));
            let (message, hidden) = match (expected, value) {
                (Some(expected), Some(value)) => {
                    let value = shortened(&value.to_canonical_json());
                    (format!("{expected}, got {value}"), format!("{expected}, got something else"))
                }
                _ => (shortened(message), "it is not what the schema says".to_owned()),
            };
            Hit::new(problem.place().clone(), message).quoting(hidden)
        });
    }
}

/// Characters of a message: values may be long.
const SHOWN: usize = 160;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
