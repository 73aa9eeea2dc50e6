//! What the crate makes of a request that a server has answered, and whether both agree.

use std::collections::BTreeMap;

use super::driver::Driver;
use super::explain;
use super::support::compare::first_difference;
use super::support::json::{Json, same_data};
use super::support::subject::Subject;
use super::vectors::trimmed;

/// What a comparison came to.
pub enum Verdict {
    /// The same was stored, or the same was refused.
    Same(Outcome),
    /// Why not.
    Different(String),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    Stored,
    /// Stored, and nothing changed, not even times.
    Nothing,
    Conflict,
    /// Refused for another reason of the field manager's or of storage.
    Refused,
    /// Refused by validation, which the crate leaves out: what it would store is refused by the
    /// server in the same words.
    Invalid,
    /// Refused before there was an object whose ownership could be recorded.
    Before,
}

/// The crate, with the kinds that the server publishes.
pub struct Judge {
    subject: Subject,
    /// What the server publishes of the custom resources.
    pub served: Json,
    pub explained: BTreeMap<&'static str, usize>,
}

/// The group of the custom resources, and what their definitions say of their versions.
const GROUP: &str = "live.example.com";
const VERSIONS: [&str; 3] =
    ["live.example.com/v1", "live.example.com/v1beta1", "live.example.com/v1alpha1"];

fn with_status(kind: &str) -> &'static [&'static str] {
    match kind {
        "Gadget" => &[],
        "Blob" => &VERSIONS[..1],
        _ => &VERSIONS[..2],
    }
}

impl Judge {
    pub fn new(driver: &mut Driver) -> Judge {
        let mut subject = Subject::default();
        let served = served(driver);
        let answer = subject.answer(&served);
        assert!(answer.get("error").is_none(), "{answer}");
        Judge { subject, served, explained: BTreeMap::new() }
    }

    /// What the crate is asked about a record; none if the server refused the request before there
    /// was a new object.
    fn request(&mut self, record: &Json) -> Option<(Json, Vec<&'static str>)> {
        let sent = record.get("request")?;
        let mut hits = Vec::new();
        let verb = sent.str_of("verb");
        let object = if verb == "apply" {
            sent.get("body")?.clone()
        } else if is_status(record.get("dry")?) {
            // Only a whole object can be judged without the server's help.
            (verb == "update").then(|| sent.get("body").cloned())??
        } else {
            let mut object = record.get("dry")?.clone();
            let metadata = object.get_mut("metadata")?;
            metadata.remove("managedFields");
            if let Some(entries) = record.get("sent").filter(|entries| !entries.is_null()) {
                metadata.set("managedFields", entries.clone());
            }
            hits = explain::undo(record, &mut object);
            object
        };
        let mut request = Json::map([
            ("op", Json::from("server")),
            ("verb", Json::from(if verb == "apply" { verb } else { "update" })),
        ]);
        for key in ["version", "kind", "subresource", "manager", "user_agent", "force"] {
            if let Some(value) = sent.get(key) {
                request.set(key, value.clone());
            }
        }
        let kind = sent.str_of("kind");
        if sent.str_of("version").starts_with(GROUP) {
            request.set("served", Json::from(GROUP));
            let versions = with_status(kind).iter().map(|version| Json::from(*version));
            request.set("with_status", Json::List(versions.collect()));
            if kind == "Widget" {
                let paths = VERSIONS[..2].iter().map(|v| (*v, Json::from(".spec.replicas")));
                request.set("replicas", Json::map(paths));
            }
        }
        request.set("live", record.get("live")?.clone());
        request.set("object", object);
        request.set("now", record.get("now")?.clone());
        Some((request, hits))
    }

    /// Sends the next request of a history and compares what the server does with what the crate
    /// does; none at the end of the history.
    pub fn next(&mut self, driver: &mut Driver) -> Option<(Json, Verdict)> {
        let planned = driver.next()?;
        let expected = self.expected(&planned);
        let record = driver.send(expected);
        let verdict = self.judge(&record);
        Some((record, verdict))
    }

    /// What the crate makes of an apply, to be filled in by the server.
    fn expected(&mut self, planned: &Json) -> Option<Json> {
        if planned.get("request")?.str_of("verb") != "apply" {
            return None;
        }
        let mut planned = planned.clone();
        // Only times depend on it.
        planned.set("now", Json::from("2001-01-01T00:00:00Z"));
        let (request, _) = self.request(&planned)?;
        self.subject.answer(&request).get("object").map(bare)
    }

    /// A record on which both agree as a vector, without what no answer depends on.
    pub fn vector(&mut self, record: &Json) -> Option<Json> {
        let (mut request, _) = self.request(record)?;
        let server = record.get("answer")?;
        let answer = if is_status(server) {
            Json::map([("status", refusal(server))])
        } else {
            Json::map([("managed_fields", entries(record.get("after")?))])
        };
        for key in ["live", "object"] {
            let trimmed = trimmed(request.get(key)?);
            request.set(key, trimmed);
        }
        let got = self.subject.answer(&request);
        let is_same = match answer.get("status") {
            Some(status) => same_data(status, &refusal(got.get("status")?)),
            None => same_entries(answer.get("managed_fields")?, got.get("managed_fields")?),
        };
        is_same.then(|| Json::map([("request", request), ("answer", answer)]))
    }

    /// Prints which rules were needed, and how often.
    pub fn print_explained(explained: &BTreeMap<&'static str, usize>) {
        for (name, cause) in explain::all() {
            let count = explained.get(name).unwrap_or(&0);
            println!("explained: {name} {count}: {cause}");
        }
    }

    /// Compares what the server did with what the crate does.
    pub fn judge(&mut self, record: &Json) -> Verdict {
        let answer = record.get("answer").unwrap_or(&Json::Null);
        let sent = record.get("request").unwrap_or(&Json::Null);
        let Some((request, hits)) = self.request(record) else {
            return if is_status(answer) {
                Verdict::Same(Outcome::Before)
            } else {
                Verdict::Different("only the dry run was refused".to_owned())
            };
        };
        let got = self.subject.answer(&request);
        if got.get("error").is_some() || got.get("panic").is_some() {
            return Verdict::Different(format!("the crate cannot answer: {got}"));
        }
        for hit in hits {
            *self.explained.entry(hit).or_default() += 1;
        }
        match (is_status(answer), got.get("status")) {
            (false, None) => self.stored(record, &request, &got),
            (false, Some(status)) => {
                Verdict::Different(format!("only the crate refuses: {status}"))
            }
            (true, _) if explain::is_scale_of_custom_resource(&request, answer) => {
                *self.explained.entry(explain::SCALE_OF_CUSTOM_RESOURCE).or_default() += 1;
                Verdict::Same(Outcome::Before)
            }
            (true, Some(status)) if explain::is_refusal_of_uid(&request, answer, status) => {
                *self.explained.entry(explain::UID).or_default() += 1;
                Verdict::Same(Outcome::Before)
            }
            (true, Some(status)) => {
                let (expected, got) = (refusal(answer), refusal(status));
                if same_data(&expected, &got) {
                    let is_conflict = got.to_string().contains("FieldManagerConflict");
                    return Verdict::Same(if is_conflict {
                        Outcome::Conflict
                    } else {
                        Outcome::Refused
                    });
                }
                let at = first_difference(&expected, &got);
                Verdict::Different(format!("refusals differ at {at}:\n{expected}\n{got}"))
            }
            (true, None) if sent.str_of("verb") != "apply" => {
                let reason = answer.str_of("reason");
                if reason == "Conflict" {
                    return Verdict::Different(format!("only the server refuses: {answer}"));
                }
                Verdict::Same(Outcome::Before)
            }
            (true, None) => {
                let refused = record.get("filled").unwrap_or(&Json::Null);
                let object = got.get("object").unwrap_or(&Json::Null);
                if explain::is_refusal_of_nulls(answer, object) {
                    *self.explained.entry(explain::NULLS).or_default() += 1;
                    return Verdict::Same(Outcome::Invalid);
                }
                if answer.str_of("reason") == "Invalid"
                    && same_data(&refusal(answer), &refusal(refused))
                {
                    return Verdict::Same(Outcome::Invalid);
                }
                Verdict::Different(format!(
                    "only the server refuses: {answer}; what it makes of the crate's object: {refused}\nthe crate's object: {object}"
                ))
            }
        }
    }

    fn stored(&mut self, record: &Json, request: &Json, got: &Json) -> Verdict {
        let sent = record.get("request").unwrap_or(&Json::Null);
        let after = record.get("after").unwrap_or(&Json::Null);
        let entries = entries(after);
        let own = got.get("managed_fields").unwrap_or(&Json::Null);
        if !same_entries(&entries, own) {
            let at = first_difference(&entries, own);
            return Verdict::Different(format!("entries differ at {at}:\n{entries}\n{own}"));
        }
        let is_new = record.get("live").is_none_or(Json::is_null);
        let is_nothing = record.get("live") == Some(after);
        let outcome = if is_nothing { Outcome::Nothing } else { Outcome::Stored };
        let kind = sent.str_of("kind");
        let mut expected = bare(after);
        let mut object = bare(got.get("object").unwrap_or(&Json::Null));
        if same_data(&expected, &object) {
            return Verdict::Same(outcome);
        }
        let is_builtin = request.get("served").is_none();
        if is_builtin && sent.str_of("verb") == "apply" {
            if sent.str_of("subresource").is_empty() && !same_status(record, &object) {
                return Verdict::Different("the status was not left alone".to_owned());
            }
            if record.flag("logged") {
                // Nobody has asked the server to fill it in.
                return Verdict::Same(outcome);
            }
            object = bare(record.get("filled").unwrap_or(&Json::Null));
            if same_data(&expected, &object) {
                return Verdict::Same(outcome);
            }
        }
        for hit in explain::forget(kind, is_new, &mut expected, &mut object) {
            *self.explained.entry(hit).or_default() += 1;
        }
        if same_data(&expected, &object) {
            return Verdict::Same(outcome);
        }
        let again = record.get("again").map(Json::items).unwrap_or_default();
        let differs_in_spec = first_difference(&expected, &object).starts_with(".spec");
        if differs_in_spec && again.iter().any(|answer| same_data(&bare(answer), &object)) {
            *self.explained.entry(explain::ORDER).or_default() += 1;
            return Verdict::Same(outcome);
        }
        let at = first_difference(&expected, &object);
        Verdict::Different(format!("objects differ at {at}:\n{expected}\n{object}"))
    }
}

/// The entries of an object.
pub fn entries(object: &Json) -> Json {
    let entries = object.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    entries.cloned().unwrap_or(Json::List(Vec::new()))
}

/// Sets to the byte; the other members of entries in any order.
fn same_entries(expected: &Json, got: &Json) -> bool {
    let sets = |entries: &Json| {
        let sets = entries.items().iter().map(|entry| entry.get("fieldsV1").map(Json::to_string));
        sets.collect::<Vec<_>>()
    };
    same_data(expected, got) && sets(expected) == sets(got)
}

/// What the server publishes of the custom resources.
pub fn served(driver: &mut Driver) -> Json {
    let documents = VERSIONS.iter().map(|version| {
        let ask = Json::map([("op", Json::from("openapi")), ("version", Json::from(*version))]);
        driver.ask(&ask).remove("document").expect("a document")
    });
    Json::map([
        ("op", Json::from("served")),
        ("served", Json::from(GROUP)),
        ("versions", Json::List(VERSIONS.iter().map(|v| Json::from(*v)).collect())),
        ("documents", Json::List(documents.collect())),
    ])
}

/// An endpoint other than that of the status keeps the status.
fn same_status(record: &Json, object: &Json) -> bool {
    let live = record.get("live").unwrap_or(&Json::Null);
    live.is_null() || {
        let status = |of: &Json| of.get("status").cloned().unwrap_or(Json::Null);
        same_data(&status(live), &status(object))
    }
}

pub fn is_status(answer: &Json) -> bool {
    answer.str_of("kind") == "Status" && answer.get("status").is_some_and(|s| s.as_str().is_some())
}

/// An object without what the server counts and keeps for itself.
fn bare(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata") {
        for key in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"] {
            metadata.remove(key);
        }
    }
    object
}

/// What is the same every time in a refusal: the causes come in random order.
fn refusal(status: &Json) -> Json {
    let mut status = status.clone();
    let causes = status.get_mut("details").and_then(|details| details.get_mut("causes"));
    if let Some(Json::List(causes)) = causes {
        causes.sort_by_key(|cause| {
            (cause.str_of("message").to_owned(), cause.str_of("field").to_owned())
        });
    }
    status
}
