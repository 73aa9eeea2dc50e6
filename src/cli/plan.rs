//! `plan`: what moves if the ownership of fields is changed, and the patch that does it.

use std::collections::HashMap;
use std::fmt::Write as _;

use clap::{Subcommand, ValueEnum};

use crate::fieldmanager::{Applied, ApplyError, CsaUpgrade, FieldManager, LostEntry, find_owners};
use crate::fieldpath::FieldSet;
use crate::managedfields::{ListReading, ManagedFieldsEntry, Operation, read_list};
use crate::value::{Kind, Value};

use super::edit;
use super::input::{self, Lives, Loaded, Object};
use super::migrate_version::MigrateVersionArgs;
use super::output::{Results, columns};
use super::pairs;
use super::schemas::Known;
use super::session::Session;
use super::{Common, Format};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct PlanArgs {
    #[command(subcommand)]
    plan: Plan,
}

#[derive(Debug, Clone, Subcommand)]
enum Plan {
    /// Give an applier what managers own who wrote the object without server-side apply
    Adopt(AdoptArgs),
    /// Rewrite what is recorded at one API version so that it is at another one
    MigrateVersion(MigrateVersionArgs),
}

impl PlanArgs {
    pub(super) fn common(&self) -> &Common {
        match &self.plan {
            Plan::Adopt(args) => &args.common,
            Plan::MigrateVersion(args) => &args.common,
        }
    }
}

#[derive(Debug, Clone, clap::Args)]
struct AdoptArgs {
    #[command(flatten)]
    common: Common,
    /// Whose fields are adopted, such as kubectl-client-side-apply, helm or before-first-apply
    /// (repeatable)
    #[arg(long, value_name = "NAME", required = true)]
    from: Vec<String>,
    /// The applier who adopts them
    #[arg(long, value_name = "NAME")]
    to: String,
    /// The subresource through which all of them write
    #[arg(long, value_name = "NAME", default_value = "")]
    subresource: String,
    /// Files or directories with what the applier applies next: report what that removes
    /// (repeatable)
    #[arg(long, value_name = "FILE")]
    next: Vec<String>,
    #[command(flatten)]
    result: PlanResult,
}

/// What all plans take that concerns their result.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PlanResult {
    /// Go on though ownership of fields is lost
    #[arg(long)]
    allow_loss: bool,
    /// What is written
    #[arg(short = 'o', long, value_enum, default_value_t = Form::Table)]
    output: Form,
    /// Show the values of Secrets on a terminal
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Who owns which fields before and after
    Table,
    /// The JSON Patch to send, guarded by the resource version; for several objects a line for each
    /// that names the object
    Patch,
    /// The object with its new entries
    Yaml,
    /// The object with its new entries
    Json,
}

/// What a plan comes to for one object.
pub(super) struct Change {
    /// The object with its new entries.
    pub(super) object: String,
    /// None if nothing is to be done.
    pub(super) patch: Option<String>,
    /// Why that is so.
    pub(super) nothing: String,
    /// All fields whose ownership is touched.
    pub(super) moved: FieldSet,
    pub(super) lost: Vec<LostEntry>,
    /// What can be done about that.
    pub(super) advice: String,
    /// How a report names the owner of an entry.
    pub(super) owner: fn(&ManagedFieldsEntry) -> String,
    /// What a report ends with.
    pub(super) outlook: String,
}

pub(super) fn run(args: PlanArgs, session: &mut Session<'_, '_>) {
    let common = args.common();
    let result = match &args.plan {
        Plan::Adopt(args) => &args.result,
        Plan::MigrateVersion(args) => &args.result,
    };
    let Some(mut known) = Known::load(common, session) else { return };
    let objects = input::load(&common.filename, common.recursive, session);
    let mut next = match &args.plan {
        Plan::Adopt(args) => next_of(args, &objects, session),
        Plan::MigrateVersion(_) => HashMap::new(),
    };
    let format = if result.output == Form::Json { Format::Json } else { Format::Yaml };
    let mut results = Results::written(format, true, result.show_secrets, session);
    let is_alone = objects.len() == 1;
    let mut is_first = true;
    for object in objects {
        let object = match object {
            Ok(object) => object,
            Err(message) => {
                results.failure(&message);
                continue;
            }
        };
        let config = next.remove(&object.place.to_string());
        if config.as_ref().is_some_and(|config| known.prepare(config, session).is_err()) {
            continue;
        }
        if let Plan::MigrateVersion(args) = &args.plan
            && let Err(message) = args.prepare(&object, &mut known, session)
        {
            results.failure(&message);
            continue;
        }
        object.warn_if_owners_were_hidden(session);
        let change = check_list(&object.value).and_then(|()| match &args.plan {
            Plan::Adopt(args) => adopt(args, &object.value),
            Plan::MigrateVersion(args) => args.change(&object, &known),
        });
        let change = match change {
            Ok(change) => change,
            Err(message) => {
                results.failure(&message);
                session.error(&object.place, message);
                continue;
            }
        };
        if change.patch.is_none() {
            session.note(&object.place, format_args!("nothing to do: {}", change.nothing));
        }
        let is_refused = !change.lost.is_empty() && !result.allow_loss;
        if is_refused {
            session.found(&refusal(&object, &change));
        }
        match result.output {
            Form::Table => {
                let mut text = String::new();
                if !is_alone {
                    let blank = if std::mem::take(&mut is_first) { "" } else { "\n" };
                    let _ = writeln!(text, "{blank}# {}", object.identity);
                }
                report(&mut text, &object.value, &change);
                if let (Some(config), Plan::Adopt(args)) = (&config, &args.plan) {
                    foresee(&mut text, args, &known, config, &change.object, session);
                }
                session.print(&text);
            }
            _ if is_refused => results.failure("ownership would be lost"),
            Form::Patch => match &change.patch {
                Some(patch) if is_alone => session.print(&format!("{patch}\n")),
                Some(patch) => session.print(&named_patch(&object, patch)),
                None => {}
            },
            Form::Yaml | Form::Json => results.object(&object.identity, &change.object),
        }
    }
    results.print(session);
}

/// A patch with the object that it is for, on one line.
fn named_patch(object: &Object, patch: &str) -> String {
    let identity = &object.identity;
    let names = [
        ("apiVersion", identity.kind.api_version()),
        ("kind", identity.kind.kind.clone()),
        ("namespace", identity.namespace.clone()),
        ("name", identity.name.clone()),
    ];
    let mut line = String::from("{");
    for (key, text) in names.iter().filter(|(_, text)| !text.is_empty()) {
        let _ = write!(line, "\"{key}\":{},", edit::quoted(text));
    }
    let _ = writeln!(line, "\"patch\":{patch}}}");
    line
}

/// What is applied next, by the place of the live object.
fn next_of(
    args: &AdoptArgs,
    objects: &[Loaded],
    session: &mut Session<'_, '_>,
) -> HashMap<String, Object> {
    if args.next.is_empty() {
        return HashMap::new();
    }
    let configs = input::load(&args.next, args.common.recursive, session);
    let is_complete = objects.iter().all(Result::is_ok);
    let lives = Lives { objects: objects.to_vec(), is_complete };
    pairs::pair(configs, Some(lives), args.common.namespace.as_deref(), session)
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.live?.place.to_string(), pair.config)))
        .collect()
}

/// A list that cannot be read is none to the API server, which a plan must not take for granted.
fn check_list(object: &Value) -> Result<(), String> {
    let (arena, root) = object.parts();
    let stated = object.as_ref().get("metadata").and_then(|metadata| metadata.get("managedFields"));
    if matches!(read_list(arena, root), ListReading::None)
        && stated.is_some_and(|list| list.kind() != Kind::Null)
    {
        return Err("metadata.managedFields is not a list of entries".to_owned());
    }
    Ok(())
}

fn adopt(args: &AdoptArgs, object: &Value) -> Result<Change, String> {
    let upgrade = CsaUpgrade::new(object, &*args.to).subresource(&*args.subresource);
    let upgraded = args
        .from
        .iter()
        .fold(upgrade, |upgrade, name| upgrade.from(name))
        .run()
        .map_err(|error| error.to_string())?;
    let names: Vec<String> = args.from.iter().map(|name| format!("\"{name}\"")).collect();
    let version = upgraded.entry().map(|entry| entry.api_version.as_str()).unwrap_or_default();
    let adopted = upgraded.adopted().iter().map(|entry| &entry.fields);
    let lost = upgraded.lost().iter().filter_map(|lost| lost.fields.as_ref());
    let outlook = if args.next.is_empty() {
        let to = &args.to;
        format!("\nThe next apply by \"{to}\" removes what it leaves out and nobody else owns.\n")
    } else {
        String::new()
    };
    // A patch that only spells fields in another way is nothing to do.
    let is_work = !upgraded.adopted().is_empty() || !upgraded.lost().is_empty();
    Ok(Change {
        object: upgraded.object().to_owned(),
        patch: upgraded.patch().filter(|_| is_work).map(str::to_owned),
        nothing: format!("no entry of {}", names.join(", ")),
        moved: adopted.chain(lost).fold(FieldSet::default(), |all, fields| all.union(fields)),
        lost: upgraded.lost().to_vec(),
        advice: format!("Only fields of {version} can be adopted."),
        owner: |entry| entry.manager.to_string(),
        outlook,
    })
}

fn count(fields: &FieldSet) -> String {
    match fields.len() {
        1 => "1 field".to_owned(),
        many => format!("{many} fields"),
    }
}

/// Why nothing is done without `--allow-loss`.
fn refusal(object: &Object, change: &Change) -> String {
    let mut text = format!("{}: {}: ownership would be lost:\n", object.place, object.identity);
    for lost in &change.lost {
        let what = lost.fields.as_ref().map_or_else(|| "unreadable fields".to_owned(), count);
        let _ = writeln!(text, "* {}: {what}", lost.manager);
    }
    let _ = writeln!(text, "{} To drop the others, use --allow-loss.", change.advice);
    text
}

/// All entries whose fields can be read.
fn entries(object: &Value) -> Vec<ManagedFieldsEntry> {
    let all = |operation| find_owners(object, operation, &FieldSet::default());
    let mut entries = all(Operation::Apply);
    entries.extend(all(Operation::Update));
    entries
}

/// Who owns what before and after.
fn report(text: &mut String, object: &Value, change: &Change) {
    if change.patch.is_none() {
        let _ = writeln!(text, "Nothing changes.");
        return;
    }
    let after = Value::from_json(&change.object).unwrap_or_else(|_| Value::null());
    let (before, after) = (entries(object), entries(&after));
    let moved = &change.moved;
    let mut rows = vec![["FIELD".to_owned(), "BEFORE".to_owned(), "AFTER".to_owned()]];
    let owners = |entries| owners(entries, moved, change.owner);
    let paths = moved.iter().zip(owners(&before)).zip(owners(&after));
    // Of an entry that others are merged into, what it had already stays as it was.
    let paths = paths.filter(|((_, before), after)| before != after);
    rows.extend(paths.map(|((path, before), after)| [path.to_string(), before, after]));
    text.push_str(&columns(&rows));
    let owned = after.iter().fold(FieldSet::default(), |all, entry| all.union(&entry.fields));
    let unowned = moved.difference(&owned);
    if !unowned.is_empty() {
        let _ = writeln!(text, "\nNobody will own:\n{}", indented(&unowned));
    }
    text.push_str(&change.outlook);
}

/// The owners of each of these fields.
fn owners(
    entries: &[ManagedFieldsEntry],
    fields: &FieldSet,
    name: fn(&ManagedFieldsEntry) -> String,
) -> Vec<String> {
    // Every set lists its paths in the order in which a larger one lists them.
    let mut owned: Vec<_> = entries
        .iter()
        .map(|entry| {
            let paths: Vec<_> = entry.fields.intersection(fields).iter().collect();
            (name(entry), paths.into_iter().peekable())
        })
        .collect();
    let names = fields.iter().map(|path| {
        let owners: Vec<String> = owned
            .iter_mut()
            .filter_map(|(manager, paths)| paths.next_if_eq(&path).map(|_| manager.clone()))
            .collect();
        if owners.is_empty() { "nobody".to_owned() } else { owners.join(", ") }
    });
    names.collect()
}

fn indented(fields: &FieldSet) -> String {
    let lines: Vec<String> = fields.iter().map(|path| format!("  {path}")).collect();
    lines.join("\n")
}

/// What the next apply removes.
fn foresee(
    text: &mut String,
    args: &AdoptArgs,
    known: &Known,
    config: &Object,
    live: &str,
    session: &mut Session<'_, '_>,
) {
    let apply = |force| {
        FieldManager::new(known.schemas())
            .apply(live, &config.value)
            .field_manager(&*args.to)
            .subresource(&*args.subresource)
            .force(force)
            .at(session.now())
            .run()
    };
    let file = config.place.file();
    let (applied, refused) = match apply(false) {
        Err(ApplyError::Conflict(conflicts)) => (apply(true), Some(conflicts)),
        applied => (applied, None),
    };
    let forced = if refused.is_some() { ", if forced," } else { "" };
    match applied {
        Ok(applied) => describe(text, file, forced, &applied),
        Err(error) => session.error(&config.place, error),
    }
    if let Some(conflicts) = refused {
        session.found(&format!("{}: the next apply: {conflicts}\n", config.place));
    }
}

fn describe(text: &mut String, file: &str, forced: &str, applied: &Applied) {
    let _ = if applied.pruned().is_empty() {
        writeln!(text, "\nThe next apply of {file}{forced} removes nothing.")
    } else {
        writeln!(
            text,
            "\nThe next apply of {file}{forced} removes:\n{}",
            indented(applied.pruned())
        )
    };
    for (manager, fields) in applied.taken_from() {
        let _ = writeln!(text, "{manager} then loses:\n{}", indented(fields));
    }
}
