//! `patch`: what a merge patch or a JSON patch does to an object and to the ownership of its fields.

use clap::ValueEnum;
use json_patch::PatchOperation;
use serde_json::Value as Json;

use crate::fieldmanager::Status;
use crate::value::Value;
use crate::yaml;

use super::input::{self, Object};
use super::locate;
use super::output::Results;
use super::scale::Scaling;
use super::schemas::Known;
use super::session::Session;
use super::update::{Write, Writer};
use super::{Common, Objects};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct PatchArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    objects: Objects,
    #[command(flatten)]
    writer: Writer,
    /// How the patch is to be read
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A merge patch (RFC 7386)
    Merge,
    /// A JSON patch (RFC 6902)
    Json,
}

/// Operations that the API server takes in one JSON patch.
const MAX_OPERATIONS: usize = 10_000;

/// Bytes that its copies may add up to, so that a short patch does not make a huge object.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// Why there is no patched object.
struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
}

pub(super) fn run(args: PatchArgs, session: &mut Session<'_, '_>) {
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let Some((file, patch)) = read_patch(&args.common, session) else { return };
    let Some(mut live) = read_live(&args, session) else { return };
    let mut results = Results::new(&args.objects, session);
    let mut parent = None;
    if let Some(scaling) = Scaling::asked_for(&args.common, &args.objects.target) {
        live.warn_if_owners_were_hidden(session);
        let learned = known.learn(&live.identity.kind, session);
        match learned.and_then(|_| scaling.scale_of(&live, &known)) {
            Ok((scale, of)) => {
                live = scale;
                parent = Some(of);
            }
            Err(message) => {
                session.error(&live.place, &message);
                results.failure(&message);
                return results.print(session);
            }
        }
    }
    if known.prepare(&live, session).is_ok() {
        match patched(&live, args.kind, &patch) {
            Ok(new) => {
                let subresource = args.objects.target.subresource();
                let parent = parent.as_ref();
                let reset_fields = args.objects.target.reset_fields;
                let known = &known;
                let write =
                    Write { writer: &args.writer, subresource, reset_fields, known, parent };
                write.record(Some(&live), &new, &mut results, session);
            }
            Err(Refusal { code, reason, message }) => {
                session.error(&file, &message);
                results.status(&Status::failure(code, reason, message, None));
            }
        }
    }
    results.print(session);
}

/// The one patch of the files, with the file that it is from.
fn read_patch(common: &Common, session: &mut Session<'_, '_>) -> Option<(String, Json)> {
    let mut found = None;
    for name in &common.filename {
        for (file, content) in input::read(name, common.recursive, session) {
            let mut problems = Vec::new();
            input::each_document(&content, &mut |line, text| {
                let json = text
                    .and_then(|text| locate::refuse_repeats(text).map(|()| text))
                    .and_then(|text| yaml::to_json(text).map_err(|error| error.to_string()));
                let patch = json.and_then(|json| {
                    serde_json::from_str::<Json>(&json).map_err(|error| error.to_string())
                });
                match patch {
                    Ok(_) if found.is_some() => {
                        problems.push((line, "a second patch: give one at a time".to_owned()));
                    }
                    Ok(patch) => found = Some((file.clone(), patch)),
                    Err(error) => problems.push((line, error)),
                }
            });
            let is_sound = problems.is_empty();
            for (line, problem) in problems {
                session.error(format_args!("{file}: line {line}"), problem);
            }
            if !is_sound {
                return None;
            }
        }
    }
    if found.is_none() && session.errors() == 0 {
        session.error(common.filename.join(", "), "there is no patch in it");
    }
    found
}

/// The one live object.
fn read_live(args: &PatchArgs, session: &mut Session<'_, '_>) -> Option<Object> {
    let lives = input::load_live(&args.objects.target.live, args.common.recursive, session);
    let mut objects: Vec<Object> =
        lives.into_iter().flat_map(|lives| lives.objects).filter_map(Result::ok).collect();
    match (objects.pop(), objects.len()) {
        (Some(live), 0) => Some(live),
        (None, _) if session.errors() > 0 => None,
        (None, _) => {
            session.error("patch", "there is no object to patch: name it with --live");
            None
        }
        (Some(_), more) => {
            let count = more + 1;
            session
                .error("patch", format_args!("a patch is for one object, and --live has {count}"));
            None
        }
    }
}

/// The object with the patch applied, entries included, as the API server does it.
fn patched(live: &Object, kind: Kind, patch: &Json) -> Result<Object, Refusal> {
    let unprocessable = |message: String| Refusal { code: 422, reason: "Invalid", message };
    let bad = |message: String| Refusal { code: 400, reason: "BadRequest", message };
    let mut object: Json = serde_json::from_str(&live.value.to_json())
        .map_err(|error| bad(format!("the live object cannot be patched: {error}")))?;
    match kind {
        Kind::Merge => {
            if !patch.is_object() {
                return Err(bad("error decoding patch: a merge patch is an object".to_owned()));
            }
            json_patch::merge(&mut object, patch);
        }
        Kind::Json => {
            let count = patch.as_array().map_or(0, Vec::len);
            if count > MAX_OPERATIONS {
                return Err(Refusal {
                    code: 413,
                    reason: "RequestEntityTooLarge",
                    message: format!(
                        "Request entity too large: The allowed maximum operations in a JSON patch \
                         is {MAX_OPERATIONS}, got {count}"
                    ),
                });
            }
            let patch: json_patch::Patch = serde_json::from_value(patch.clone())
                .map_err(|error| bad(format!("error decoding patch: {error}")))?;
            let mut copied = 0;
            for operation in &patch.0 {
                if let PatchOperation::Copy(copy) = operation {
                    let source = object.pointer(copy.from.as_str());
                    copied += source.map_or(0, |source| source.to_string().len());
                    if copied > MAX_COPIED {
                        return Err(unprocessable(format!(
                            "unable to copy, the accumulated size increase of copy is {copied}, \
                             exceeding the limit {MAX_COPIED}"
                        )));
                    }
                }
                json_patch::patch(&mut object, std::slice::from_ref(operation)).map_err(
                    |error| {
                        unprocessable(format!(
                            "the patch cannot be applied to the live object: {error}"
                        ))
                    },
                )?;
            }
        }
    }
    let value = Value::from_serialize(&object)
        .and_then(|value| Value::from_json(&value.as_ref().to_canonical_json()).map_err(as_serde))
        .map_err(|error| bad(format!("the patched object cannot be read: {error}")))?;
    let new = live.with_value(value);
    for (what, before, after) in [
        ("kind", live.identity.kind.to_string(), new.identity.kind.to_string()),
        ("name", live.identity.name.clone(), new.identity.name.clone()),
        ("namespace", live.identity.namespace.clone(), new.identity.namespace.clone()),
    ] {
        if before != after {
            return Err(bad(format!(
                "the {what} of the object ({after}) is not that of the live object ({before})"
            )));
        }
    }
    Ok(new)
}

fn as_serde(error: impl std::fmt::Display) -> serde_json::Error {
    serde::de::Error::custom(error)
}
