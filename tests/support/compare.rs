//! When two answers are the same, and which differences are accounted for.

use super::json::{Json, same_data};

/// What a comparison of two answers came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// They differ for a reason that is in [`EXPLAINED`].
    Explained(&'static str),
    Different,
}

/// A difference that is meant to be there.
pub struct Explained {
    pub name: &'static str,
    /// Why the crate does not follow the reference here.
    pub reason: &'static str,
    applies: fn(request: &Json, reference: &Json, subject: &Json) -> bool,
}

/// Every difference that is not a fault, each with its reason. A difference that nothing here
/// explains fails the comparison.
pub const EXPLAINED: &[Explained] = &[
    Explained {
        name: "reference-panics",
        reason: "the reference stops with a runtime error (ignored fields without an entry for the \
                 version, inlined references that lead nowhere, an intermediate object without a \
                 type); the crate answers or returns an error",
        applies: |_, reference, _| reference.get("panic").is_some(),
    },
    Explained {
        name: "which-errors",
        reason: "the reference visits maps in random order and stops at the first undeclared field, \
                 so which of several problems it reports, and in which order, is not defined; both \
                 fail here",
        applies: |_, reference, subject| {
            same_data(&without_lists_of_errors(reference), &without_lists_of_errors(subject))
        },
    },
    Explained {
        name: "ancient-changes",
        reason: "folding updaters together, the reference can merge the entry `ancient-changes` \
                 into itself and then delete it, losing what it owned; the crate keeps it",
        applies: |request, reference, subject| {
            request.str_of("op") == "fieldmanager"
                && subject.to_string().contains("ancient-changes")
                && request.to_string().contains("ancient-changes")
                && same_data(&without_managed_fields(reference), &without_managed_fields(subject))
        },
    },
    Explained {
        name: "other-kind",
        reason: "the reference converts a written object of another kind and words the failure as a \
                 failed conversion; the crate refuses it by its kind",
        applies: |request, reference, subject| {
            request.str_of("op") == "fieldmanager"
                && has_error(reference, "to proper version")
                && has_error(subject, "invalid object type")
                && same_data(&without_errors(reference), &without_errors(subject))
        },
    },
];

/// Compares the answers of the reference and of the crate to one request.
pub fn compare(request: &Json, reference: &Json, subject: &Json) -> Verdict {
    if subject.get("panic").is_some() {
        return Verdict::Different;
    }
    let (mut expected, mut got) = (normal(request, reference), normal(request, subject));
    forget_loose_texts(request, &mut expected, &mut got);
    if same_data(&expected, &got) {
        return Verdict::Same;
    }
    match EXPLAINED.iter().find(|known| (known.applies)(request, &expected, &got)) {
        Some(known) => Verdict::Explained(known.name),
        None => Verdict::Different,
    }
}

/// An answer without what is not defined in it.
pub fn normal(request: &Json, answer: &Json) -> Json {
    let mut answer = answer.clone();
    answer.remove("id");
    match request.str_of("op") {
        // The crate keeps types by name.
        "schema" => {
            if let Some(Json::List(types)) = answer.get_mut("types") {
                types.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
        }
        // A map prints its entries in random order.
        "value" if request.get("a").is_some_and(has_wide_map) => {
            answer.remove("text_a");
        }
        // Managers come in random order.
        "fieldmanager" => {
            for step in steps_mut(&mut answer) {
                let causes = step
                    .get_mut("status")
                    .and_then(|status| status.get_mut("details"))
                    .and_then(|details| details.get_mut("causes"));
                if let Some(Json::List(causes)) = causes {
                    causes.sort_by_key(|cause| {
                        (cause.str_of("message").to_owned(), cause.str_of("field").to_owned())
                    });
                }
            }
        }
        _ => {}
    }
    answer
}

fn steps_mut(answer: &mut Json) -> impl Iterator<Item = &mut Json> {
    match answer.get_mut("steps") {
        Some(Json::List(steps)) => steps.iter_mut(),
        _ => [].iter_mut(),
    }
}

fn has_wide_map(value: &Json) -> bool {
    match value {
        Json::Map(members) => members.len() > 1 || members.iter().any(|(_, v)| has_wide_map(v)),
        Json::List(items) => items.iter().any(has_wide_map),
        _ => false,
    }
}

/// Texts that the reference takes from its JSON reader or prints for debugging: only that there is
/// an error counts.
fn is_loose(op: &str, text: &str) -> bool {
    const OWN_WORDS: [&str; 3] =
        ["key must be 2 characters long", "missing colon", "unknown path element type"];
    match op {
        "element" => !OWN_WORDS.iter().any(|words| text.starts_with(words)),
        "decode" | "algebra" | "filter" | "managed" | "value" | "from_value" | "ensure_named" => {
            true
        }
        _ => {
            text.starts_with("bad request")
                || text.starts_with("unknown ")
                || text.contains("expected objects of the same type, but got")
                || text.contains("errors reconciling field set with schema")
                || text.contains("error decoding set: ")
                || READER.iter().any(|words| text.contains(words))
        }
    }
}

/// How the reference's readers begin their complaints.
const READER: [&str; 6] = [
    "ReadMapCB",
    "parsing key as path element",
    "readObjectStart",
    "ReadObjectCB",
    "invalid character",
    "json: ",
];

/// Removes error texts that need not be equal from both answers, where both have one.
fn forget_loose_texts(request: &Json, expected: &mut Json, got: &mut Json) {
    let op = request.str_of("op");
    let pair = |expected: &mut Json, got: &mut Json| {
        if let (Some(Json::String(text)), Some(_)) = (expected.get("error"), got.get("error"))
            && is_loose(op, text)
        {
            expected.set("error", Json::Bool(true));
            got.set("error", Json::Bool(true));
        }
    };
    pair(expected, got);
    for (expected, got) in steps_mut(expected).zip(steps_mut(got)) {
        pair(expected, got);
    }
    // What was recorded as any error at all.
    let any = |expected: &Json, got: &mut Json| {
        if expected.get("error") == Some(&Json::Bool(true)) && got.get("error").is_some() {
            got.set("error", Json::Bool(true));
        }
    };
    any(expected, got);
    for (expected, got) in steps_mut(expected).zip(steps_mut(got)) {
        any(expected, got);
    }
}

/// The answer with all error texts forgotten.
pub fn without_errors(answer: &Json) -> Json {
    map_errors(answer, |_| true)
}

/// The answer with the texts forgotten that name several problems, or an undeclared field.
fn without_lists_of_errors(answer: &Json) -> Json {
    map_errors(answer, is_list_of_errors)
}

/// Whether the text depends on the order in which the reference visits a map.
pub fn is_list_of_errors(text: &str) -> bool {
    text.contains("errors:\n") || text.contains("field not declared in schema")
}

fn map_errors(answer: &Json, forget: impl Fn(&str) -> bool) -> Json {
    let mut answer = answer.clone();
    let one = |answer: &mut Json| {
        if answer.get("error").and_then(Json::as_str).is_some_and(&forget) {
            answer.set("error", Json::Bool(true));
        }
    };
    one(&mut answer);
    steps_mut(&mut answer).for_each(one);
    answer
}

fn without_managed_fields(answer: &Json) -> Json {
    let mut answer = answer.clone();
    for step in steps_mut(&mut answer) {
        if let Some(metadata) = step.get_mut("object").and_then(|o| o.get_mut("metadata")) {
            metadata.remove("managedFields");
        }
    }
    answer
}

fn has_error(answer: &Json, words: &str) -> bool {
    answer.get("steps").into_iter().flat_map(Json::items).any(|s| s.str_of("error").contains(words))
}
