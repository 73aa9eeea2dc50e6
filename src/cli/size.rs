//! `size`: what `metadata.managedFields` takes of objects, and the same in fewer bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::ValueEnum;
use serde::Serialize;

use crate::analysis::{EntriesError, entries_of};
use crate::fieldmanager::Compaction;
use crate::fieldpath::FieldSet;
use crate::value::{Value, ValueRef};

use super::cores::on_all_cores;
use super::input::{self, Identity, Kept, Seen};
use super::output::{Results, pretty};
use super::plan::named_patch;
use super::session::Session;
use super::{Common, Format, report};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct SizeArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Print the objects with their entries compacted instead, or with -o patch the patches for that:
    /// without entries that own nothing or come twice, and with fields in as few bytes as they need.
    /// Applies and conflicts stay the same
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
    /// The JSON Patch that compacts the stored object, guarded by the resource version; for several
    /// objects a line for each that names the object
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
    let is_patch = args.output == Some(Form::Patch);
    let count = AtomicUsize::new(0);
    let look = |seen: Seen| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        let is_work = || Compaction::of(&seen.value).map_or(true, |done| done.patch().is_some());
        // The first is told of even if there is nothing to do, for it may be the only one.
        (!is_patch || is_first || is_work()).then(|| seen.store())
    };
    let errors = session.errors();
    let mut kept = Vec::new();
    let (names, recursive) = (&args.common.filename, args.common.recursive);
    input::survey(names, recursive, session, &look, &mut |place, (identity, stored), _| {
        kept.push(Kept { place, identity, stored });
    });
    let count = count.into_inner();
    let mut idle = count - kept.len();
    // A patch that has company says which object it is for, and what reads a list is made for several.
    let is_item = |kept: &Kept| kept.place.numbers().1.is_some();
    let is_alone = count == 1 && session.errors() == errors && !kept.iter().any(is_item);
    let mut results = Results::written(format, true, args.show_secrets, session);
    input::in_batches(kept, session, &mut |objects, session| {
        let values: Vec<&Value> = objects.iter().map(|object| &object.value).collect();
        let compact = |object: &&Value| Compaction::of(*object);
        let compacted = on_all_cores(&values, "objects", &compact, session);
        for (object, compacted) in objects.iter().zip(compacted) {
            let compacted = match compacted {
                Ok(compacted) => compacted,
                Err(error) => {
                    results.failure(&error.to_string());
                    session.error(&object.place, error);
                    continue;
                }
            };
            if !is_patch {
                results.object(&object.identity, compacted.object());
                results.flush(session);
                continue;
            }
            let Some(patch) = compacted.patch() else {
                match is_alone {
                    true => session.note(&object.place, "there is nothing to compact"),
                    false => idle += 1,
                }
                continue;
            };
            object.warn_if_unguarded(session);
            session.print(&match is_alone {
                true => format!("{patch}\n"),
                false => named_patch(&object.identity, patch),
            });
        }
    });
    if is_patch && idle > 0 {
        let which = if count == idle { "all".to_owned() } else { format!("{idle} of") };
        session
            .note("size", format_args!("there is nothing to compact in {which} {count} objects"));
    }
    results.print(session);
}
