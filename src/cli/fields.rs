//! `fields`: who owns which fields of an object, or what an applier of a file would own.

use std::fmt::Write as _;

use clap::ValueEnum;

use crate::analysis::entries_of;
use crate::fieldmanager::{Document, FieldManager};
use crate::fieldpath::FieldSet;
use crate::managedfields::ManagedFieldsEntry;
use crate::value::Value;

use super::input::{self, Loaded, Object};
use super::output::pretty;
use super::schemas::Known;
use super::session::Session;
use super::{Common, ResetFields, edit};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct FieldsArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Only the fields of this manager, without saying whose they are
    #[arg(long, value_name = "NAME")]
    field_manager: Option<String>,
    /// The files are configurations: list what an applier of them would own
    #[arg(long, conflicts_with = "field_manager")]
    config: bool,
    /// Which fields of a configuration the endpoint resets, so that no applier comes to own them
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        default_value_t = ResetFields::Server,
        requires = "config"
    )]
    reset_fields: ResetFields,
    /// How the fields are written
    #[arg(short = 'o', long, value_enum, default_value_t = Listing::Text)]
    output: Listing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Listing {
    /// One path a line, then its manager, operation and subresource
    Text,
    /// A list of objects
    Json,
    /// A list of objects
    Yaml,
}

/// A path and, where it is asked for, whose it is.
struct Owned<'e> {
    path: String,
    owner: Option<&'e ManagedFieldsEntry>,
}

pub(super) fn run(args: FieldsArgs, session: &mut Session<'_, '_>) {
    let known = if args.config { Known::load(&args.common, session) } else { None };
    if args.config && known.is_none() {
        return;
    }
    let mut known = known;
    let objects = input::load(&args.common.filename, args.common.recursive, session);
    let is_alone = objects.len() == 1;
    let mut items = Vec::new();
    let mut is_first = true;
    for object in objects {
        let Some((object, entries)) = entries(&args, &mut known, object, session) else { continue };
        let owned = list(&args, &entries);
        if let Some(name) = &args.field_manager
            && owned.is_empty()
        {
            session.note(&object.place, format_args!("\"{name}\" owns nothing"));
        }
        if args.output != Listing::Text {
            items.extend(owned.iter().map(|owned| item(&object, is_alone, owned)));
            continue;
        }
        let mut text = String::new();
        if !is_alone {
            let blank = if std::mem::take(&mut is_first) { "" } else { "\n" };
            let _ = writeln!(text, "{blank}# {}", object.identity);
        }
        for Owned { path, owner } in owned {
            let _ = match owner {
                None => writeln!(text, "{path}"),
                Some(ManagedFieldsEntry { manager, .. }) => writeln!(
                    text,
                    "{path}\t{}\t{}\t{}",
                    manager.name(),
                    manager.operation(),
                    manager.subresource()
                ),
            };
        }
        session.print(&text);
    }
    let json = format!("[{}]", items.join(","));
    match args.output {
        Listing::Text => {}
        Listing::Json => session.print(&pretty(&json)),
        Listing::Yaml => {
            let value = Value::from_json(&json).unwrap_or_else(|_| Value::null());
            session.print(&crate::yaml::from_value(value.as_ref()));
        }
    }
}

/// The entries to list; what is wrong is reported.
fn entries(
    args: &FieldsArgs,
    known: &mut Option<Known>,
    object: Loaded,
    session: &mut Session<'_, '_>,
) -> Option<(Object, Vec<ManagedFieldsEntry>)> {
    let mut object = object.ok()?;
    let found = match known {
        Some(known) => {
            object.require_type(session).ok()?;
            known.prepare(&object, session).ok()?;
            if let Some(namespace) = &args.common.namespace
                && object.identity.namespace.is_empty()
            {
                object.fill("namespace", namespace);
            }
            // What the first apply of it records is what its applier owns.
            FieldManager::new(known.schemas())
                .apply(Document::absent(), &object.value)
                .field_manager("applier")
                .reset_fields(known.reset_fields(args.reset_fields, &object.identity.kind))
                .at(session.now())
                .run()
                .map(|applied| applied.managed_fields().to_vec())
                .map_err(|error| error.to_string())
        }
        None => {
            object.warn_if_owners_were_hidden(session);
            entries_of(&object.value).map_err(|error| error.to_string())
        }
    };
    match found {
        Ok(entries) => Some((object, entries)),
        Err(message) => {
            session.error(&object.place, message);
            None
        }
    }
}

/// The paths in set order, each with its owners if these are asked for.
fn list<'e>(args: &FieldsArgs, entries: &'e [ManagedFieldsEntry]) -> Vec<Owned<'e>> {
    let is_asked = |entry: &&ManagedFieldsEntry| {
        args.field_manager.as_deref().is_none_or(|name| entry.manager.name() == name)
    };
    let entries: Vec<&ManagedFieldsEntry> = entries.iter().filter(is_asked).collect();
    let all = entries.iter().fold(FieldSet::default(), |all, entry| all.union(&entry.fields));
    if args.config || args.field_manager.is_some() {
        return all.iter().map(|path| Owned { path: path.to_string(), owner: None }).collect();
    }
    // Every set lists its paths in the order in which the union lists them.
    let mut sets: Vec<_> =
        entries.iter().map(|entry| (*entry, entry.fields.iter().peekable())).collect();
    let mut owned = Vec::new();
    for path in all.iter() {
        let text = path.to_string();
        for (entry, paths) in &mut sets {
            if paths.next_if_eq(&path).is_some() {
                owned.push(Owned { path: text.clone(), owner: Some(*entry) });
            }
        }
    }
    owned
}

fn item(object: &Object, is_alone: bool, owned: &Owned<'_>) -> String {
    let mut members = vec![("path", owned.path.as_str())];
    if let Some(ManagedFieldsEntry { manager, api_version, .. }) = owned.owner {
        members.extend([
            ("manager", manager.name()),
            ("operation", manager.operation().as_str()),
            ("apiVersion", api_version.as_str()),
            ("subresource", manager.subresource()),
        ]);
    }
    let described = object.identity.to_string();
    if !is_alone {
        members.push(("object", &described));
    }
    let members: Vec<String> = members
        .iter()
        .map(|(key, value)| format!("{}:{}", edit::quoted(key), edit::quoted(value)))
        .collect();
    format!("{{{}}}", members.join(","))
}
