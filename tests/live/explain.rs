//! Differences that are the server's doing, beyond the field manager.

use super::support::json::Json;

/// One explained difference. It is about one path of objects of a kind, and never about entries: a
/// manager's set is always compared.
pub struct Rule {
    pub name: &'static str,
    kind: &'static str,
    /// Names of fields; `*` is any item.
    path: &'static [&'static str],
    /// What in the server makes the difference.
    pub cause: &'static str,
    when: When,
}

/// Where a rule counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// The server puts the field into a new object after ownership is recorded: it is taken out of
    /// the object that the crate is given, unless it was sent or was there before.
    FilledAfter,
    /// The stored field differs from what the dry run of the same request gave.
    Stored,
}

pub const RULES: &[Rule] = &[];

/// Takes out of a new object what the server puts in after ownership is recorded. Says which rules
/// were needed.
pub fn take_out(kind: &str, live: &Json, sent: &Json, object: &mut Json) -> Vec<&'static str> {
    let mut hits = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.when == When::FilledAfter && rule.kind == kind) {
        if take(rule.path, live, sent, object) {
            hits.push(rule.name);
        }
    }
    hits
}

fn take(path: &[&str], live: &Json, sent: &Json, object: &mut Json) -> bool {
    match (path, object) {
        ([name], object @ Json::Map(_)) => {
            let is_known = [live, sent].iter().any(|known| known.get(name).is_some());
            !is_known && object.remove(name).is_some()
        }
        (["*", rest @ ..], Json::List(items)) => {
            let mut any = false;
            for (index, item) in items.iter_mut().enumerate() {
                let of = |list: &Json| list.items().get(index).cloned().unwrap_or(Json::Null);
                any |= take(rest, &of(live), &of(sent), item);
            }
            any
        }
        ([name, rest @ ..], object) => {
            let of = |known: &Json| known.get(name).cloned().unwrap_or(Json::Null);
            let (live, sent) = (of(live), of(sent));
            object.get_mut(name).is_some_and(|inner| take(rest, &live, &sent, inner))
        }
        _ => false,
    }
}

/// Makes equal in both objects what rules explain, where it differs. Says which rules were needed.
pub fn forget(kind: &str, expected: &mut Json, got: &mut Json) -> Vec<&'static str> {
    let mut hits = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.when == When::Stored && rule.kind == kind) {
        if equalise(rule.path, expected, got) {
            hits.push(rule.name);
        }
    }
    hits
}

fn equalise(path: &[&str], expected: &mut Json, got: &mut Json) -> bool {
    match (path, expected, got) {
        ([name], expected, got) => {
            let differs = expected.get(name) != got.get(name);
            if differs {
                expected.remove(name);
                got.remove(name);
            }
            differs
        }
        (["*", rest @ ..], Json::List(expected), Json::List(got)) => {
            let mut any = false;
            for (expected, got) in expected.iter_mut().zip(got) {
                any |= equalise(rest, expected, got);
            }
            any
        }
        ([name, rest @ ..], expected, got) => match (expected.get_mut(name), got.get_mut(name)) {
            (Some(expected), Some(got)) => equalise(rest, expected, got),
            _ => false,
        },
        _ => false,
    }
}
