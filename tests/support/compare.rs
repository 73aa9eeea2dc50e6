//! When two answers are the same, and which differences are accounted for.

use managed_fields::managedfields::Time;

use super::json::{Json, same_data};
use super::subject::first_step;

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
        name: "reference-hangs",
        reason: "merging lists, the reference goes round for ever where it misses an item that it \
                 has merged: among integers beyond 2^53; the crate passes on",
        applies: |_, reference, _| reference.get("hang").is_some(),
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
        name: ANCIENT_CHANGES,
        reason: "folding updaters together, the reference can merge the entry `ancient-changes` \
                 into itself and then delete it, losing what it owned; the crate keeps it",
        applies: |request, reference, subject| {
            request.str_of("op") == "fieldmanager" && folds_into_itself(request, reference, subject)
        },
    },
    Explained {
        name: VERSION_FIRST,
        reason: "pruning, the reference puts back what others own version by version in random \
                 order; both fail there, each at the version that it met first",
        // Seen by asking again: only where the reference's own answers differ.
        applies: |_, _, _| false,
    },
    Explained {
        name: "maps-in-paths",
        reason: "the reference prints the entries of a map inside a path in random order, the crate \
                 in the order of their keys",
        applies: |_, reference, subject| {
            let sorted = |answer: &Json| with_sorted_texts(answer);
            same_data(&sorted(reference), &sorted(subject))
        },
    },
];

pub const ANCIENT_CHANGES: &str = "ancient-changes";
pub const VERSION_FIRST: &str = "which-version-first";

/// Whether both answers are the same but for the version at which pruning failed.
pub fn differ_in_version_first(reference: &Json, subject: &Json) -> bool {
    let pruning = |answer: &Json| {
        map_errors(answer, |text| {
            text.starts_with(
                "failed to prune fields: failed add back owned items: failed to convert pruned",
            )
        })
    };
    same_data(&pruning(reference), &pruning(subject))
}

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
        // Definitions and properties come in random order, and so do their problems. What the
        // reference's decoders say of a document that they cannot read is theirs.
        "openapi" | "crd" => {
            answer.remove("why");
            // Why a server goes on without types is told as a remark.
            if let Some(why) = answer.get_mut("untyped") {
                *why = Json::Bool(true);
            }
            if let Some(Json::String(text)) = answer.get_mut("error") {
                let mut lines: Vec<&str> = text.lines().collect();
                lines.sort_unstable();
                *text = lines.join("\n");
            }
        }
        // A map prints its entries in random order.
        "value" if request.get("a").is_some_and(has_wide_map) => {
            answer.remove("text_a");
        }
        // What is stored is more than the field manager makes of it. Sets are equal to the byte.
        "server" => {
            answer.remove("object");
            sort_causes(&mut answer);
            if let Some(Json::List(entries)) = answer.get_mut("managed_fields") {
                for entry in entries {
                    if let Some(set) = entry.get("fieldsV1").map(Json::to_string) {
                        entry.set("fieldsV1", Json::String(set));
                    }
                }
            }
        }
        // Managers come in random order.
        "fieldmanager" => steps_mut(&mut answer).for_each(sort_causes),
        _ => {}
    }
    answer
}

fn sort_causes(answer: &mut Json) {
    let causes = answer
        .get_mut("status")
        .and_then(|status| status.get_mut("details"))
        .and_then(|details| details.get_mut("causes"));
    if let Some(Json::List(causes)) = causes {
        causes.sort_by_key(|cause| {
            (cause.str_of("message").to_owned(), cause.str_of("field").to_owned())
        });
    }
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
                || text.starts_with("existing managed field")
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

/// The text with several problems of one error sorted.
fn sorted_problems(text: &str) -> String {
    match text.split_once("errors:\n") {
        Some((before, problems)) => {
            let mut problems: Vec<&str> = problems.lines().collect();
            problems.sort_unstable();
            format!("{before}errors:\n{}", problems.join("\n"))
        }
        None => text.to_owned(),
    }
}

/// Where answers print paths.
pub const TEXTS_OF_PATHS: [&str; 3] = ["paths", "text", "text_a"];

/// Removes error texts that need not be equal from both answers, where both have one.
fn forget_loose_texts(request: &Json, expected: &mut Json, got: &mut Json) {
    let op = request.str_of("op");
    let pair = |expected: &mut Json, got: &mut Json| {
        let (Some(Json::String(text)), Some(Json::String(other))) =
            (expected.get("error"), got.get("error"))
        else {
            return;
        };
        let (text, other) = if is_loose(op, text) {
            (Json::Bool(true), Json::Bool(true))
        } else {
            // The scheme is the oracle's own.
            let text = text.replace(" in scheme \"oracle\"", "");
            (Json::String(sorted_problems(&text)), Json::String(sorted_problems(other)))
        };
        expected.set("error", text);
        got.set("error", other);
    };
    pair(expected, got);
    for (expected, got) in steps_mut(expected).zip(steps_mut(got)) {
        pair(expected, got);
    }
    // What was recorded without texts that are not the same every time.
    for key in TEXTS_OF_PATHS {
        if expected.get(key).is_none() {
            got.remove(key);
        }
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
            answer.remove("status");
        }
    };
    one(&mut answer);
    steps_mut(&mut answer).for_each(one);
    answer
}

/// Whether the first step in which the answers differ starts from a list where `ancient-changes` is
/// not the oldest updater of its version.
fn folds_into_itself(request: &Json, reference: &Json, subject: &Json) -> bool {
    let steps = |answer: &Json| answer.get("steps").map(Json::items).unwrap_or_default().to_vec();
    let (expected, got, asked) = (steps(reference), steps(subject), steps(request));
    let first = expected.iter().zip(&got).position(|(a, b)| !same_data(a, b));
    let Some(first) = first else { return false };
    if expected.len() != got.len() {
        return false;
    }
    let before = expected[..first].iter().rev().find_map(|step| step.get("object"));
    let sent = asked.get(first).and_then(|step| step.get("object"));
    [before.or(request.get("live")), sent].into_iter().flatten().any(|object| {
        let list = object.get("metadata").and_then(|metadata| metadata.get("managedFields"));
        let updaters: Vec<&Json> = list
            .map(Json::items)
            .unwrap_or_default()
            .iter()
            .filter(|entry| entry.str_of("operation") == "Update")
            .collect();
        let key = |entry: &Json| {
            let manager = Json::text(entry.str_of("manager")).to_string();
            // An identity with a subresource sorts before the one without.
            let subresource = match entry.str_of("subresource") {
                "" => "}".to_owned(),
                name => format!(",{}", Json::text(name)),
            };
            let time = entry.str_of("time").parse().map_or(0, Time::as_second);
            (time, manager, subresource)
        };
        // The versions in which the bucket is not the oldest.
        let versions: Vec<&str> = updaters
            .iter()
            .filter(|bucket| bucket.str_of("manager") == "ancient-changes")
            .filter(|bucket| {
                updaters.iter().any(|other| {
                    other.str_of("apiVersion") == bucket.str_of("apiVersion")
                        && key(other) < key(bucket)
                })
            })
            .map(|bucket| bucket.str_of("apiVersion"))
            .collect();
        // Only what is folded there differs: updaters of these versions.
        let rest = |steps: &[Json]| {
            without_entries(&steps[first], |entry| {
                entry.str_of("operation") == "Update"
                    && versions.contains(&entry.str_of("apiVersion"))
            })
        };
        !versions.is_empty() && same_data(&rest(&expected), &rest(&got))
    })
}

/// What is left of a history behind the first step in which the answers differ, from where the
/// reference stands then; none where there is nothing left.
pub fn rest_of_history(request: &Json, reference: &Json, subject: &Json) -> Option<Json> {
    let steps = |answer: &Json| answer.get("steps").map(Json::items).unwrap_or_default().to_vec();
    let (expected, got) = (steps(&normal(request, reference)), steps(&normal(request, subject)));
    let first = expected.iter().zip(&got).position(|(a, b)| !same_data(a, b))?;
    let left = steps(request).get(first + 1..)?.to_vec();
    let live = expected[first].get("object")?.clone();
    let mut request = request.clone();
    let before = first_step(&request) + first + 1;
    request.set("live", live);
    request.set("steps", Json::List(left));
    request.set("first", Json::number(before));
    Some(request)
}

/// The answer to a step without some of the entries of its object.
fn without_entries(answer: &Json, is_left_out: impl Fn(&Json) -> bool) -> Json {
    let mut answer = answer.clone();
    let metadata = answer.get_mut("object").and_then(|object| object.get_mut("metadata"));
    if let Some(Json::List(entries)) =
        metadata.and_then(|metadata| metadata.get_mut("managedFields"))
    {
        entries.retain(|entry| !is_left_out(entry));
    }
    answer
}

/// The answer with the characters of every path sorted.
fn with_sorted_texts(answer: &Json) -> Json {
    let sort = |text: &str| {
        let mut chars: Vec<char> = text.chars().collect();
        chars.sort_unstable();
        Json::String(chars.into_iter().collect())
    };
    let mut answer = answer.clone();
    let texts = |answer: &mut Json| {
        for key in ["text", "text_a", "error"] {
            if let Some(Json::String(text)) = answer.get(key) {
                let sorted = sort(text);
                answer.set(key, sorted);
            }
        }
    };
    texts(&mut answer);
    steps_mut(&mut answer).for_each(texts);
    if let Some(Json::List(paths)) = answer.get_mut("paths") {
        for path in paths {
            *path = sort(path.as_str().unwrap_or_default());
        }
    }
    answer
}

/// Where two answers first differ.
pub fn first_difference(left: &Json, right: &Json) -> String {
    match (left, right) {
        (Json::List(a), Json::List(b)) => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                if !same_data(a, b) {
                    return format!("[{index}]{}", first_difference(a, b));
                }
            }
            "[]".to_owned()
        }
        (Json::Map(a), Json::Map(_)) => {
            for (key, value) in a {
                match right.get(key) {
                    None => return format!(".{key}"),
                    Some(other) if !same_data(value, other) => {
                        return format!(".{key}{}", first_difference(value, other));
                    }
                    _ => {}
                }
            }
            let more = right.members().iter().find(|(key, _)| left.get(key).is_none());
            more.map(|(key, _)| format!(".{key}")).unwrap_or_default()
        }
        _ => String::new(),
    }
}
