//! `size`: what `metadata.managedFields` takes of objects, and the same in fewer bytes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use clap::ValueEnum;
use serde::Serialize;

use crate::analysis::entries_of;
use crate::fieldmanager::Compaction;
use crate::managedfields::ManagedFieldsEntry;
use crate::value::Value;

use super::input::{self, Identity};
use super::output::{Results, pretty};
use super::plan::named_patch;
use super::session::Session;
use super::{Common, Format, report};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct SizeArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Print the objects with their entries compacted instead: entries that own nothing, come twice or
    /// are spelled with more bytes than they need. Applies and conflicts stay the same
    #[arg(long)]
    compact: bool,
    /// How the result is written; table, or yaml with --compact, if not said
    #[arg(short = 'o', long, value_enum)]
    output: Option<Form>,
    /// Show the values of Secrets
    #[arg(long)]
    show_secrets: bool,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line for each manager
    Table,
    /// All of it, or the compacted objects
    Json,
    /// The compacted objects
    Yaml,
    /// The JSON Patches that compact stored objects
    Patch,
}

/// The version of the JSON shape, which `docs/json.md` describes.
const SCHEMA_VERSION: &str = "managed-fields.size/v1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    schema_version: &'static str,
    objects: usize,
    /// Of all objects, as compact JSON.
    bytes: usize,
    managed_fields_bytes: usize,
    /// What compaction would save.
    needless_bytes: usize,
    managers: Vec<Manager>,
    kinds: Vec<Kind>,
}

#[derive(Serialize)]
struct Manager {
    manager: String,
    operation: &'static str,
    subresource: String,
    objects: usize,
    fields: usize,
    bytes: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    api_version: String,
    kind: String,
    objects: usize,
    bytes: usize,
    managed_fields_bytes: usize,
}

#[derive(Default, Clone, Copy)]
struct Owned {
    objects: usize,
    fields: usize,
    bytes: usize,
}

#[derive(Default, Clone, Copy)]
struct Held {
    objects: usize,
    bytes: usize,
    managed_fields: usize,
}

#[derive(Default)]
struct Counted {
    all: Held,
    needless: usize,
    managers: BTreeMap<(String, &'static str, String), Owned>,
    kinds: BTreeMap<(String, String), Held>,
}

impl Held {
    fn add(&mut self, bytes: usize, managed_fields: usize) {
        self.objects += 1;
        self.bytes += bytes;
        self.managed_fields += managed_fields;
    }

    fn share(self) -> String {
        match self.bytes {
            0 => String::new(),
            bytes => format!("{} %", self.managed_fields * 100 / bytes),
        }
    }
}

impl Counted {
    fn add(&mut self, identity: &Identity, object: &Value, entries: &[ManagedFieldsEntry]) {
        let bytes = object.to_json().len();
        let list = object.as_ref().get("metadata").and_then(|meta| meta.get("managedFields"));
        let managed_fields = list.map_or(0, |list| list.to_json().len());
        self.all.add(bytes, managed_fields);
        let kind = (identity.kind.api_version(), identity.kind.kind.clone());
        self.kinds.entry(kind).or_default().add(bytes, managed_fields);
        if let Ok(compacted) = Compaction::of(object)
            && compacted.patch().is_some()
            && let Ok(after) = Value::from_json(compacted.object())
        {
            self.needless += bytes.saturating_sub(after.to_json().len());
        }
        for (entry, text) in entries.iter().zip(list.iter().flat_map(|list| list.items())) {
            let manager = &entry.manager;
            let key = (
                manager.name().to_owned(),
                manager.operation().as_str(),
                manager.subresource().to_owned(),
            );
            let owned = self.managers.entry(key).or_default();
            owned.objects += 1;
            owned.fields += entry.fields.len();
            owned.bytes += text.to_json().len();
        }
    }
}

pub(super) fn run(args: SizeArgs, session: &mut Session<'_, '_>) {
    match (args.compact, args.output) {
        (true, Some(Form::Table)) => {
            session.error("size", "compacted objects are printed with -o yaml, json or patch");
        }
        (false, Some(Form::Yaml | Form::Patch)) => {
            session.error("size", "-o yaml and patch print compacted objects: add --compact");
        }
        (true, _) => compact(&args, session),
        (false, _) => count(&args, session),
    }
}

fn count(args: &SizeArgs, session: &mut Session<'_, '_>) {
    let counted = Mutex::new(Counted::default());
    let look = |identity: &Identity, object: &Value| match entries_of(object) {
        Ok(entries) => {
            if let Ok(mut counted) = counted.lock() {
                counted.add(identity, object, &entries);
            }
            None
        }
        Err(error) => Some(error),
    };
    let (names, recursive) = (&args.common.filename, args.common.recursive);
    input::scan(names, recursive, session, &look, &mut |object, error, session| {
        session.error(&object.place, error);
    });
    let Ok(counted) = counted.into_inner() else { return };
    let Counted { all, needless, managers, kinds } = counted;
    let mut managers: Vec<Manager> = managers
        .into_iter()
        .map(|((manager, operation, subresource), Owned { objects, fields, bytes })| Manager {
            manager,
            operation,
            subresource,
            objects,
            fields,
            bytes,
        })
        .collect();
    managers.sort_by_key(|manager| std::cmp::Reverse(manager.bytes));
    if args.output == Some(Form::Json) {
        let kinds = kinds.into_iter().map(|((api_version, kind), held)| Kind {
            api_version,
            kind,
            objects: held.objects,
            bytes: held.bytes,
            managed_fields_bytes: held.managed_fields,
        });
        let report = Report {
            schema_version: SCHEMA_VERSION,
            objects: all.objects,
            bytes: all.bytes,
            managed_fields_bytes: all.managed_fields,
            needless_bytes: needless,
            managers,
            kinds: kinds.collect(),
        };
        let json = serde_json::to_string(&report).unwrap_or_default();
        return session.print(&pretty(&json));
    }
    let mut text = String::new();
    if !managers.is_empty() {
        let rows: Vec<[String; 6]> = managers
            .into_iter()
            .map(|row| {
                let (operation, subresource) = (row.operation.to_owned(), row.subresource);
                let counts = [row.objects, row.fields, row.bytes].map(|count| count.to_string());
                let [objects, fields, bytes] = counts;
                [row.manager, operation, subresource, objects, fields, bytes]
            })
            .collect();
        let header = ["MANAGER", "OPERATION", "SUBRESOURCE", "OBJECTS", "FIELDS", "BYTES"];
        text += &report::table(header, &rows);
        text.push('\n');
    }
    if kinds.len() > 1 {
        let rows: Vec<[String; 5]> = kinds
            .into_iter()
            .map(|((_, kind), held)| {
                let counts = [held.objects, held.bytes, held.managed_fields];
                let [objects, bytes, managed] = counts.map(|count| count.to_string());
                [kind, objects, bytes, managed, held.share()]
            })
            .collect();
        text += &report::table(["KIND", "OBJECTS", "BYTES", "MANAGEDFIELDS", "SHARE"], &rows);
        text.push('\n');
    }
    let plural = if all.objects == 1 { "" } else { "s" };
    text += &format!(
        "{} object{plural}, {} bytes, of which managedFields {}",
        all.objects, all.bytes, all.managed_fields
    );
    if all.bytes > 0 {
        text += &format!(" ({})", all.share());
    }
    text += &match needless {
        0 => "\n".to_owned(),
        needless => format!("; --compact saves {needless}\n"),
    };
    session.print(&text);
}

fn compact(args: &SizeArgs, session: &mut Session<'_, '_>) {
    let format = match args.output {
        Some(Form::Json) => Format::Json,
        _ => Format::Yaml,
    };
    let look = |_: &Identity, object: &Value| Some(Compaction::of(object));
    let (names, recursive) = (&args.common.filename, args.common.recursive);
    let mut results = Results::written(format, true, args.show_secrets, session);
    let mut patches = Vec::new();
    input::scan(names, recursive, session, &look, &mut |object, compacted, session| match (
        compacted,
        args.output,
    ) {
        (Err(error), _) => session.error(&object.place, error),
        (Ok(compacted), Some(Form::Patch)) => match compacted.patch() {
            Some(patch) => {
                object.warn_if_unguarded(session);
                patches.push((object, patch.to_owned()));
            }
            None => session.note(&object.place, "there is nothing to compact"),
        },
        (Ok(compacted), _) => results.object(&object.identity, compacted.object()),
    });
    match patches.as_slice() {
        [(_, patch)] => session.print(&format!("{patch}\n")),
        several => {
            for (object, patch) in several {
                session.print(&named_patch(object, patch));
            }
        }
    }
    results.print(session);
}
