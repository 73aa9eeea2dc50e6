//! `size`: what `metadata.managedFields` takes of objects, and the same in fewer bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::Serialize;

use crate::analysis::{EntriesError, entries_of};
use crate::fieldmanager::Compaction;
use crate::fieldpath::FieldSet;
use crate::value::{Value, ValueRef};

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
    operation: String,
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

/// Name, operation and subresource.
type Owner = (String, String, String);

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
    managers: BTreeMap<Owner, Owned>,
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

/// What the entries of one object take.
struct Measured {
    kind: (String, String),
    bytes: usize,
    managed_fields: usize,
    /// What compaction would save.
    needless: usize,
    entries: Vec<(Owner, Owned)>,
}

impl Measured {
    fn of(identity: &Identity, object: &Value) -> Result<Measured, EntriesError> {
        // Whatever stands in the list is readable if this is.
        entries_of(object)?;
        let list = managed_fields(object.as_ref());
        let entry = |entry: ValueRef<'_>| {
            let text = |key| {
                entry.get(key).and_then(ValueRef::as_str).map_or_else(String::new, Cow::into_owned)
            };
            let fields = entry.get("fieldsV1").map(ValueRef::to_canonical_json);
            let fields = fields.and_then(|fields| FieldSet::from_fields_v1(fields.as_bytes()).ok());
            let fields = fields.map_or(0, |fields| fields.len());
            let owner = (text("manager"), text("operation"), text("subresource"));
            (owner, Owned { objects: 1, fields, bytes: bytes_of(Some(entry)) })
        };
        let compacted = Compaction::of(object).ok().filter(|compacted| compacted.patch().is_some());
        let needless = compacted.map_or(0, |compacted| {
            let after = Value::from_json(compacted.object()).unwrap_or_else(|_| Value::null());
            bytes_of(list).saturating_sub(bytes_of(managed_fields(after.as_ref())))
        });
        Ok(Measured {
            kind: (identity.kind.api_version(), identity.kind.kind.clone()),
            bytes: bytes_of(Some(object.as_ref())),
            managed_fields: bytes_of(list),
            needless,
            entries: list.into_iter().flat_map(ValueRef::items).map(entry).collect(),
        })
    }
}

fn managed_fields(object: ValueRef<'_>) -> Option<ValueRef<'_>> {
    object.get("metadata")?.get("managedFields")
}

/// What a value takes as the API server writes it.
fn bytes_of(value: Option<ValueRef<'_>>) -> usize {
    value.map_or(0, |value| value.to_canonical_json().len())
}

impl Counted {
    fn add(&mut self, measured: Measured) {
        let Measured { kind, bytes, managed_fields, needless, entries } = measured;
        self.all.add(bytes, managed_fields);
        self.kinds.entry(kind).or_default().add(bytes, managed_fields);
        self.needless += needless;
        for (owner, Owned { objects, fields, bytes }) in entries {
            let owned = self.managers.entry(owner).or_default();
            owned.objects += objects;
            owned.fields += fields;
            owned.bytes += bytes;
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
    let counted = input::tally(&args.common, session, Measured::of, Counted::add);
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
                let (operation, subresource) = (row.operation, row.subresource);
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
        let rows: Vec<[String; 6]> = kinds
            .into_iter()
            .map(|((version, kind), held)| {
                let counts = [held.objects, held.bytes, held.managed_fields];
                let [objects, bytes, managed] = counts.map(|count| count.to_string());
                [version, kind, objects, bytes, managed, held.share()]
            })
            .collect();
        let header = ["APIVERSION", "KIND", "OBJECTS", "BYTES", "MANAGEDFIELDS", "SHARE"];
        text += &report::table(header, &rows);
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
    // A patch that has company says which object it is for.
    let (mut first, mut is_alone) = (None, true);
    input::scan(names, recursive, session, &look, &mut |object, compacted, session| {
        let compacted = match compacted {
            Ok(compacted) => compacted,
            Err(error) => return session.error(&object.place, error),
        };
        if args.output != Some(Form::Patch) {
            return results.object(&object.identity, compacted.object());
        }
        let Some(patch) = compacted.patch() else {
            return session.note(&object.place, "there is nothing to compact");
        };
        object.warn_if_unguarded(session);
        if is_alone && first.is_none() {
            first = Some((object, patch.to_owned()));
            return;
        }
        is_alone = false;
        if let Some((object, patch)) = first.take() {
            session.print(&named_patch(&object.identity, &patch));
        }
        session.print(&named_patch(&object.identity, patch));
    });
    if let Some((_, patch)) = first {
        session.print(&format!("{patch}\n"));
    }
    results.print(session);
}
