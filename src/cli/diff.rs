//! `diff`: what has become of the ownership of fields between two snapshots.

use std::collections::HashMap;
use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;

use crate::analysis::{Change, OwnershipDiff, entries_of};
use crate::managedfields::{ManagedFieldsEntry, ManagerIdentifier};

use super::Common;
use super::input::{self, Identity, Object};
use super::output::{columns, pretty};
use super::pairs;
use super::session::Session;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Listing::Text)]
    output: Listing,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Listing {
    /// One field a line
    Text,
    /// All of it
    Json,
}

/// A manager in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner<'m> {
    manager: &'m str,
    operation: &'static str,
    /// That of an updater; appliers are one over all versions.
    #[serde(skip_serializing_if = "str::is_empty")]
    api_version: &'m str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subresource: &'m str,
}

impl<'m> Owner<'m> {
    pub(super) fn of(manager: &'m ManagerIdentifier) -> Owner<'m> {
        Owner {
            manager: manager.name(),
            operation: manager.operation().as_str(),
            api_version: manager.api_version(),
            subresource: manager.subresource(),
        }
    }
}

/// A change in JSON.
#[derive(Serialize)]
pub(super) struct Told<'c> {
    change: &'static str,
    fields: Vec<String>,
    before: Vec<Owner<'c>>,
    after: Vec<Owner<'c>>,
}

/// Changes in JSON.
pub(super) fn told(changes: &[Change]) -> Vec<Told<'_>> {
    let told = changes.iter().map(|Change { turn, fields, before, after }| Told {
        change: turn.as_str(),
        fields: fields.iter().map(|path| path.to_string()).collect(),
        before: before.iter().map(Owner::of).collect(),
        after: after.iter().map(Owner::of).collect(),
    });
    told.collect()
}

/// Changes as a table, one field a line.
pub(super) fn table(changes: &[Change]) -> String {
    let names = |owners: &[ManagerIdentifier]| {
        let names: Vec<String> = owners.iter().map(ManagerIdentifier::to_string).collect();
        if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
    };
    let mut rows = vec![["CHANGE", "FIELD", "BEFORE", "AFTER"].map(str::to_owned)];
    for Change { turn, fields, before, after } in changes {
        let (before, after) = (names(before), names(after));
        rows.extend(fields.iter().map(|path| {
            [turn.as_str().to_owned(), path.to_string(), before.clone(), after.clone()]
        }));
    }
    columns(&rows)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Differing<'d> {
    api_version: String,
    kind: &'d str,
    namespace: &'d str,
    name: &'d str,
    object: Presence,
    changes: Vec<Told<'d>>,
}

/// Whether the object is in both snapshots.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Presence {
    Both,
    Added,
    Removed,
}

struct Found {
    identity: Identity,
    presence: Presence,
    diff: OwnershipDiff,
}

pub(super) fn run(args: DiffArgs, session: &mut Session<'_, '_>) {
    let [before, after] = args.common.filename.as_slice() else {
        let message = "two snapshots are compared: -f BEFORE -f AFTER";
        return session.error("diff", message);
    };
    let before = read(before, &args.common, session);
    let after = read(after, &args.common, session);
    let found = compare(before, after, session);
    let text = match args.output {
        Listing::Text => write_text(&found),
        Listing::Json => write_json(&found),
    };
    session.print(&text);
    if !found.is_empty() {
        session.found("");
    }
}

/// The objects of a snapshot, each once.
fn read(
    name: &String,
    common: &Common,
    session: &mut Session<'_, '_>,
) -> Vec<(pairs::Key, Object)> {
    let files = std::slice::from_ref(name);
    let lives = input::load_live(files, common.recursive, session);
    let mut objects = lives.map(|lives| lives.objects).unwrap_or_default();
    pairs::fill_namespace(&mut objects, common.namespace.as_deref());
    let mut places: HashMap<pairs::Key, String> = HashMap::new();
    let mut read = Vec::with_capacity(objects.len());
    for object in objects.into_iter().flatten() {
        let key = pairs::key(&object, &object.identity.namespace);
        if let Some(first) = places.insert(key.clone(), object.place.to_string()) {
            let message = format!("{} was read already, from {first}", object.identity);
            session.error(&object.place, message);
        } else {
            object.warn_if_owners_were_hidden(session);
            read.push((key, object));
        }
    }
    read
}

/// What differs: the objects of the first snapshot in its order, then those that are new.
fn compare(
    before: Vec<(pairs::Key, Object)>,
    after: Vec<(pairs::Key, Object)>,
    session: &mut Session<'_, '_>,
) -> Vec<Found> {
    let order: Vec<pairs::Key> = after.iter().map(|(key, _)| key.clone()).collect();
    let mut after: HashMap<pairs::Key, Object> = after.into_iter().collect();
    let mut found = Vec::new();
    for (key, object) in before {
        let now = after.remove(&key);
        found.extend(differing(Some(object), now, session));
    }
    for key in order {
        if let Some(object) = after.remove(&key) {
            found.extend(differing(None, Some(object), session));
        }
    }
    found
}

fn differing(
    before: Option<Object>,
    after: Option<Object>,
    session: &mut Session<'_, '_>,
) -> Option<Found> {
    let mut entries = |object: &Option<Object>| -> Option<Vec<ManagedFieldsEntry>> {
        let Some(object) = object else { return Some(Vec::new()) };
        let entries = entries_of(&object.value);
        entries.map_err(|message| session.error(&object.place, message)).ok()
    };
    // Both are read, so that everything that is wrong is told.
    let (were, are) = (entries(&before), entries(&after));
    let diff = OwnershipDiff::between(&were?, &are?);
    let presence = match (&before, &after) {
        (None, _) => Presence::Added,
        (_, None) => Presence::Removed,
        _ => Presence::Both,
    };
    let identity = after.or(before)?.identity;
    (!diff.is_empty()).then_some(Found { identity, presence, diff })
}

fn write_text(found: &[Found]) -> String {
    let mut text = String::new();
    for (index, Found { identity, presence, diff }) in found.iter().enumerate() {
        let blank = if index == 0 { "" } else { "\n" };
        let presence = match presence {
            Presence::Both => "",
            Presence::Added => " (added)",
            Presence::Removed => " (removed)",
        };
        let _ = writeln!(text, "{blank}# {identity}{presence}");
        text.push_str(&table(diff.changes()));
    }
    text
}

fn write_json(found: &[Found]) -> String {
    let differing: Vec<Differing<'_>> = found
        .iter()
        .map(|Found { identity, presence, diff }| Differing {
            api_version: identity.kind.api_version(),
            kind: &identity.kind.kind,
            namespace: &identity.namespace,
            name: &identity.name,
            object: *presence,
            changes: told(diff.changes()),
        })
        .collect();
    pretty(&serde_json::to_string(&differing).unwrap_or_default())
}
