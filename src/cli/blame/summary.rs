//! How much every manager owns of many objects.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analysis::entries_of;
use crate::cli::input::{self, Identity};
use crate::cli::output::pretty;
use crate::cli::report;
use crate::cli::session::Session;
use crate::managedfields::{ManagedFieldsEntry, Time};
use crate::value::Value;

use super::{BlameArgs, Form};

/// The version of the JSON shape, which `docs/json.md` describes.
const SCHEMA_VERSION: &str = "managed-fields.blame-summary/v1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    schema_version: &'static str,
    objects: usize,
    /// Objects of which nobody owns anything.
    without_owners: usize,
    managers: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    manager: String,
    operation: &'static str,
    subresource: String,
    objects: usize,
    fields: usize,
    /// When it last changed something.
    time: Option<String>,
}

/// What one manager owns of all objects so far.
#[derive(Default)]
struct Owned {
    objects: usize,
    fields: usize,
    time: Option<Time>,
}

#[derive(Default)]
struct Counted {
    objects: usize,
    without_owners: usize,
    managers: BTreeMap<(String, &'static str, String), Owned>,
}

impl Counted {
    fn add(&mut self, entries: &[ManagedFieldsEntry], asked: &[String]) {
        self.objects += 1;
        self.without_owners += usize::from(entries.is_empty());
        for entry in entries {
            let manager = &entry.manager;
            if !asked.is_empty() && !asked.iter().any(|name| name == manager.name()) {
                continue;
            }
            let key = (
                manager.name().to_owned(),
                manager.operation().as_str(),
                manager.subresource().to_owned(),
            );
            let owned = self.managers.entry(key).or_default();
            owned.objects += 1;
            owned.fields += entry.fields.len();
            owned.time = owned.time.max(entry.time);
        }
    }
}

pub(super) fn run(args: &BlameArgs, session: &mut Session<'_, '_>) {
    let measure = |_: &Identity, object: &Value| entries_of(object);
    let add = |counted: &mut Counted, entries: Vec<ManagedFieldsEntry>| {
        counted.add(&entries, &args.field_manager);
    };
    let counted = input::tally(&args.common, session, measure, add);
    let managers: Vec<Row> = counted
        .managers
        .into_iter()
        .map(|((manager, operation, subresource), owned)| Row {
            manager,
            operation,
            subresource,
            objects: owned.objects,
            fields: owned.fields,
            time: match args.output {
                Form::Json => owned.time.map(|time| time.to_string()),
                _ => Some(args.time.tell(owned.time, session.now())),
            },
        })
        .collect();
    let Counted { objects, without_owners, .. } = counted;
    if args.output == Form::Json {
        let report = Report { schema_version: SCHEMA_VERSION, objects, without_owners, managers };
        let json = serde_json::to_string(&report).map(|json| pretty(&json));
        return session.print(&json.unwrap_or_default());
    }
    let rows: Vec<[String; 6]> = managers
        .into_iter()
        .map(|row| {
            [
                row.manager,
                row.operation.to_owned(),
                row.subresource,
                row.objects.to_string(),
                row.fields.to_string(),
                row.time.unwrap_or_default(),
            ]
        })
        .collect();
    let header = ["MANAGER", "OPERATION", "SUBRESOURCE", "OBJECTS", "FIELDS", "LAST"];
    let table = if rows.is_empty() { String::new() } else { report::table(header, &rows) + "\n" };
    let plural = if objects == 1 { "" } else { "s" };
    session.print(&format!(
        "{table}{objects} object{plural}, {without_owners} of which nobody owns anything\n"
    ));
}
