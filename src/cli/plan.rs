//! `plan`: what moves if the ownership of fields is changed, and the patch that does it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::builder::NonEmptyStringValueParser;
use clap::{Subcommand, ValueEnum};

use crate::fieldmanager::{
    Applied, ApplyError, CsaUpgrade, FieldManager, LostEntry, check_manager_name, find_owners,
};
use crate::fieldpath::FieldSet;
use crate::managedfields::{ListReading, ManagedFieldsEntry, Operation, read_list};
use crate::schema::Schemas;
use crate::value::{Kind, Value};

use super::cores::on_all_cores;
use super::edit;
use super::handover::{MergeArgs, PurgeArgs, ReleaseArgs, RenameArgs};
use super::input::{self, Identity, Kept, Lives, Loaded, Object, Seen};
use super::migrate_version::MigrateVersionArgs;
use super::output::{Results, columns};
use super::pairs;
use super::report::harmless;
use super::schemas::Known;
use super::session::Session;
use super::{Common, Format, ResetFields};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct PlanArgs {
    #[command(subcommand)]
    plan: Plan,
}

#[derive(Debug, Clone, Subcommand)]
enum Plan {
    /// Give an applier what managers own who wrote the object without server-side apply
    #[command(after_help = AFTER_HELP)]
    Adopt(AdoptArgs),
    /// Give a manager another name
    #[command(after_help = AFTER_HELP)]
    Rename(RenameArgs),
    /// Make one manager of several
    #[command(after_help = AFTER_HELP)]
    Merge(MergeArgs),
    /// Take fields from a manager, and give them to another or to nobody
    #[command(after_help = AFTER_HELP)]
    Release(ReleaseArgs),
    /// Drop all that is recorded of a manager
    #[command(after_help = AFTER_HELP)]
    Purge(PurgeArgs),
    /// Rewrite what is recorded at one API version so that it is at another one
    #[command(after_help = AFTER_HELP)]
    MigrateVersion(MigrateVersionArgs),
}

const AFTER_HELP: &str = "\
Values stay as they are: what changes is metadata.managedFields alone. To send the patch:
  kubectl patch KIND NAME --type json -p \"$(managed-fields plan ... -f live.yaml -o patch)\"

Exit codes: 0 if there is work or nothing to do, 1 if a report found that ownership would be lost or
that the next apply conflicts, 2 if something could not be read or a result was refused.";

impl Plan {
    fn shared(&self) -> &Shared {
        match self {
            Plan::Adopt(args) => &args.shared,
            Plan::Rename(args) => &args.shared,
            Plan::Merge(args) => &args.shared,
            Plan::Release(args) => &args.shared,
            Plan::Purge(args) => &args.shared,
            Plan::MigrateVersion(args) => &args.shared,
        }
    }

    /// What it comes to for an object.
    fn change(&self, object: &Value, schemas: &Schemas) -> Result<Change, String> {
        check_list(object)?;
        match self {
            Plan::Adopt(args) => adopt(args, object),
            Plan::Rename(args) => args.change(object),
            Plan::Merge(args) => args.change(object),
            Plan::Release(args) => args.change(object),
            Plan::Purge(args) => args.change(object),
            Plan::MigrateVersion(args) => args.change(object, schemas),
        }
    }

    /// Whether there may be something to do or to be told of an object.
    fn is_work(&self, object: &Value, schemas: &Schemas) -> bool {
        match self {
            // What else could be wrong is seen with the types of its kind.
            Plan::MigrateVersion(args) => check_list(object).is_err() || args.is_about(object),
            _ => self.change(object, schemas).map_or(true, |change| change.patch.is_some()),
        }
    }

    /// The same with what is written of it alone, since there may be many.
    fn told(&self, object: &Value, schemas: &Schemas, is_next_known: bool) -> Result<Told, String> {
        let mut change = self.change(object, schemas)?;
        let shared = self.shared();
        let mut text = String::new();
        if shared.output == Form::Table {
            report(&mut text, object, &change, is_next_known);
        }
        if matches!(shared.output, Form::Table | Form::Patch) && !is_next_known {
            (change.object, change.moved) = (String::new(), FieldSet::default());
        }
        Ok((change, text))
    }
}

impl PlanArgs {
    pub(super) fn common(&self) -> &Common {
        &self.plan.shared().common
    }
}

/// What all plans take.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Shared {
    #[command(flatten)]
    common: Common,
    /// Files or directories with what is applied next: report what that removes (repeatable)
    #[arg(long, value_name = "FILE")]
    next: Vec<String>,
    /// Who applies what is in --next; if not said, the manager that the plan is about, or the only
    /// applier of the object
    #[arg(long = "as", value_name = "MANAGER", requires = "next")]
    applier: Option<String>,
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

#[derive(Debug, Clone, clap::Args)]
struct AdoptArgs {
    #[command(flatten)]
    shared: Shared,
    /// Whose fields are adopted, such as kubectl-client-side-apply, helm or before-first-apply
    /// (repeatable)
    #[arg(long, value_name = "NAME", required = true)]
    from: Vec<String>,
    /// The applier who adopts them
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    to: String,
    /// The subresource through which all of them write
    #[arg(long, value_name = "NAME", default_value = "")]
    subresource: String,
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
    /// Who applies next, if nobody else is named, and through which subresource.
    pub(super) applier: (Option<String>, String),
}

/// A change with the report on it, if that is what is written.
type Told = (Change, String);

pub(super) fn run(args: PlanArgs, session: &mut Session<'_, '_>) {
    let plan = &args.plan;
    let shared = plan.shared();
    let Some(mut known) = Known::load(&shared.common, session) else { return };
    let format = if shared.output == Form::Json { Format::Json } else { Format::Yaml };
    let results = Results::written(format, true, shared.show_secrets, session);
    let errors = session.errors();
    let configs = match shared.next.as_slice() {
        [] => Vec::new(),
        next => input::load(next, shared.common.recursive, session),
    };
    let gathered = gather(plan, &known, &configs, session);
    let mut next = next_of(shared, configs, &gathered, session);
    let Gathered { kept, count, .. } = gathered;
    // What reads a list is made for several.
    let is_item = |kept: &Kept| kept.place.numbers().1.is_some();
    let is_alone = count == 1 && session.errors() == errors && !kept.iter().any(is_item);
    let idle = count - kept.len();
    let mut writer = Writer { shared, results, is_alone, is_first: true, idle };
    input::in_batches(kept, session, &mut |objects, session| {
        plan_all(plan, objects, &mut next, &mut known, &mut writer, session);
    });
    let Writer { results, idle, .. } = writer;
    if idle > 0 && !is_alone {
        let which = if count == idle { "all".to_owned() } else { format!("{idle} of") };
        session.note("plan", format_args!("nothing to do for {which} {count} objects"));
    }
    results.print(session);
}

/// Makes the plans for objects on all cores, and writes them.
fn plan_all(
    plan: &Plan,
    batch: Vec<Object>,
    next: &mut HashMap<String, Object>,
    known: &mut Known,
    writer: &mut Writer<'_>,
    session: &mut Session<'_, '_>,
) {
    let mut objects = Vec::with_capacity(batch.len());
    for object in batch {
        let config = next.remove(&object.place.to_string());
        let mut prepare = || {
            if let Some(config) = &config {
                known.prepare(config, session)?;
            }
            match plan {
                Plan::MigrateVersion(args) => args.prepare(&object, known, session),
                _ => Ok(()),
            }
        };
        match prepare() {
            Ok(()) => objects.push((object, config)),
            Err(message) => writer.results.failure(&message),
        }
    }
    let parts: Vec<&Value> = objects.iter().map(|(object, _)| &object.value).collect();
    let is_next_known = !plan.shared().next.is_empty();
    let schemas = known.schemas();
    let tell = |object: &&Value| plan.told(object, schemas, is_next_known);
    let told = on_all_cores(&parts, "objects", &tell, session);
    for ((object, config), told) in objects.into_iter().zip(told) {
        writer.write(&object, told, config.as_ref(), known, session);
    }
}

/// What there is to plan for.
struct Gathered {
    kept: Vec<Kept>,
    /// How many objects there are.
    count: usize,
    /// All could be read.
    is_complete: bool,
}

/// Looks at all objects and keeps where those are for which there is something to do or to be told, or
/// that something may be applied to next.
fn gather(
    plan: &Plan,
    known: &Known,
    configs: &[Loaded],
    session: &mut Session<'_, '_>,
) -> Gathered {
    let shared = plan.shared();
    let keeps_all = matches!(shared.output, Form::Yaml | Form::Json);
    let head = |identity: &Identity| {
        let (kind, name) = (&identity.kind, &identity.name);
        (kind.group.clone(), kind.kind.clone(), name.clone())
    };
    let named: HashSet<_> = configs.iter().flatten().map(|config| head(&config.identity)).collect();
    let schemas = known.schemas();
    let count = AtomicUsize::new(0);
    let look = |seen: Seen| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        let hidden = input::sign_of_hidden_owners(&seen.value);
        let is_wanted = keeps_all
            || named.contains(&head(&seen.identity))
            || plan.is_work(&seen.value, schemas);
        // The first is told of even if there is nothing to do, for it may be the only one.
        let is_kept = is_first || is_wanted;
        let stored = is_kept.then(|| seen.store());
        (is_kept || hidden.is_some()).then_some((hidden, stored, is_wanted))
    };
    let errors = session.errors();
    let mut kept = Vec::new();
    let (names, recursive) = (&shared.common.filename, shared.common.recursive);
    let empty = input::survey(names, recursive, session, &look, &mut |place, found, session| {
        let (hidden, stored, is_wanted) = found;
        input::warn_of_hidden_owners(hidden, &place, session);
        let stored = stored.map(|(identity, stored)| Kept { place, identity, stored });
        kept.extend(stored.map(|kept| (is_wanted, kept)));
    });
    for file in empty {
        session.error(file, "there is no object in it");
    }
    let count = count.into_inner();
    kept.retain(|(is_wanted, _)| *is_wanted || count == 1);
    Gathered {
        kept: kept.into_iter().map(|(_, kept)| kept).collect(),
        count,
        is_complete: session.errors() == errors,
    }
}

/// Writes plans as they come.
struct Writer<'a> {
    shared: &'a Shared,
    results: Results,
    /// There is one object, and no list around it.
    is_alone: bool,
    /// Nothing was reported yet.
    is_first: bool,
    /// Objects for which there is nothing to do.
    idle: usize,
}

impl Writer<'_> {
    fn write(
        &mut self,
        object: &Object,
        told: Result<Told, String>,
        config: Option<&Object>,
        known: &Known,
        session: &mut Session<'_, '_>,
    ) {
        let Writer { shared, is_alone, .. } = *self;
        let (change, report) = match told {
            Ok(told) => told,
            Err(message) => {
                self.results.failure(&message);
                return session.error(&object.place, message);
            }
        };
        let is_idle = change.patch.is_none();
        if is_idle && is_alone {
            session.note(&object.place, format_args!("nothing to do: {}", change.nothing));
        } else if is_idle {
            self.idle += 1;
        }
        let is_refused = !change.lost.is_empty() && !shared.allow_loss;
        if is_refused {
            let refusal = refusal(object, &change);
            if shared.output == Form::Table {
                session.found(&format!("{}: {refusal}\n", object.place));
            } else {
                session.error(&object.place, refusal);
            }
        }
        match shared.output {
            Form::Table if is_idle && !is_alone => {}
            Form::Table => {
                let mut text = String::new();
                if !is_alone {
                    let blank = if std::mem::take(&mut self.is_first) { "" } else { "\n" };
                    let identity = object.identity.to_string();
                    let _ = writeln!(text, "{blank}# {}", harmless(&identity));
                }
                text.push_str(&report);
                if let Some(config) = config {
                    foresee(&mut text, shared, known, (object, config), &change, session);
                }
                session.print(&text);
            }
            _ if is_refused => self.results.failure("ownership would be lost"),
            Form::Patch => {
                let Some(patch) = &change.patch else { return };
                object.warn_if_unguarded(session);
                session.print(&match is_alone {
                    true => format!("{patch}\n"),
                    false => named_patch(&object.identity, patch),
                });
            }
            Form::Yaml | Form::Json => {
                self.results.object(&object.identity, &change.object);
                self.results.flush(session);
            }
        }
    }
}

/// A patch with the object that it is for, on one line.
pub(super) fn named_patch(identity: &Identity, patch: &str) -> String {
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
    shared: &Shared,
    configs: Vec<Loaded>,
    gathered: &Gathered,
    session: &mut Session<'_, '_>,
) -> HashMap<String, Object> {
    if shared.next.is_empty() {
        return HashMap::new();
    }
    // Who belongs to whom is told by what objects are called.
    let head = |kept: &Kept| {
        let (place, identity) = (kept.place.clone(), kept.identity.clone());
        let value = Value::from_json(&input::head(&identity)).unwrap_or_else(|_| Value::null());
        Ok(Object { place, identity, value })
    };
    let objects = gathered.kept.iter().map(head).collect();
    let lives = Lives { objects, count: gathered.count, is_complete: gathered.is_complete };
    pairs::pair(configs, Some(lives), shared.common.namespace.as_deref(), session)
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
    check_manager_name(&args.to).map_err(|error| error.to_string())?;
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
    let outlook = prunes(&args.to);
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
        applier: (Some(args.to.clone()), args.subresource.clone()),
    })
}

/// What an applier does to what it came to own.
pub(super) fn prunes(to: &str) -> String {
    format!("The next apply by \"{to}\" removes what it leaves out and nobody else owns.")
}

/// Fields that a refusal names one by one.
const SHOWN: usize = 20;

/// Why nothing is done without `--allow-loss`.
fn refusal(object: &Object, change: &Change) -> String {
    let mut text = format!("{}: ownership would be lost:\n", object.identity);
    for LostEntry { manager, fields } in &change.lost {
        let Some(fields) = fields else {
            let _ = writeln!(text, "* {manager}: fields that cannot be read");
            continue;
        };
        let _ = writeln!(text, "* {manager}:");
        for path in fields.iter().take(SHOWN) {
            let _ = writeln!(text, "    {path}");
        }
        if fields.len() > SHOWN {
            let _ = writeln!(text, "    and {} more", fields.len() - SHOWN);
        }
    }
    let _ = write!(text, "{} To go on nevertheless, use --allow-loss.", change.advice);
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
fn report(text: &mut String, object: &Value, change: &Change, is_next_known: bool) {
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
    if !is_next_known && !change.outlook.is_empty() {
        let _ = writeln!(text, "\n{}", change.outlook);
    }
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

/// Who applies next.
fn applier(shared: &Shared, change: &Change) -> Result<String, String> {
    let (own, subresource) = &change.applier;
    if let Some(named) = shared.applier.as_ref().or(own.as_ref()) {
        return Ok(named.clone());
    }
    let object = Value::from_json(&change.object).map_err(|error| error.to_string())?;
    let appliers = find_owners(&object, Operation::Apply, &FieldSet::default());
    let appliers: BTreeSet<&str> = appliers
        .iter()
        .filter(|entry| entry.manager.subresource() == subresource)
        .map(|entry| entry.manager.name())
        .collect();
    match appliers.iter().collect::<Vec<_>>().as_slice() {
        [one] => Ok((**one).to_owned()),
        [] => Err("nobody has applied the object: name with --as who does".to_owned()),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("\"{name}\"")).collect();
            Err(format!("name with --as who applies this: {}", names.join(", ")))
        }
    }
}

/// What the next apply removes.
fn foresee(
    text: &mut String,
    shared: &Shared,
    known: &Known,
    (object, config): (&Object, &Object),
    change: &Change,
    session: &mut Session<'_, '_>,
) {
    let applier = match applier(shared, change) {
        Ok(applier) => applier,
        Err(message) => return session.error(&config.place, message),
    };
    let reset_fields = known.reset_fields(ResetFields::Server, &config.identity.kind);
    let apply = |force| {
        FieldManager::new(known.schemas())
            .converter(known.converter(&config.identity.kind))
            .apply(&*change.object, &config.value)
            .field_manager(&*applier)
            .subresource(&*change.applier.1)
            .reset_fields(reset_fields.clone())
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
        Ok(applied) => {
            describe(text, file, forced, &applied);
            let again = owned_again(&object.value, change, &applier, &applied);
            if !again.is_empty() {
                let _ = writeln!(text, "\"{applier}\" then owns again:\n{}", indented(&again));
            }
        }
        Err(error) => session.error(&config.place, error),
    }
    if let Some(conflicts) = refused {
        session.found(&format!("{}: the next apply: {conflicts}\n", config.place));
    }
}

/// What an applier gave up by a plan and owns again when it applies next.
fn owned_again(object: &Value, change: &Change, applier: &str, applied: &Applied) -> FieldSet {
    let planned = Value::from_json(&change.object).unwrap_or_else(|_| Value::null());
    let of = |entries: &[ManagedFieldsEntry]| {
        let own = entries.iter().filter(|entry| {
            let ManagedFieldsEntry { manager, .. } = entry;
            manager.name() == applier && manager.operation() == Operation::Apply
        });
        own.fold(FieldSet::default(), |all, entry| all.union(&entry.fields))
    };
    let given_up = of(&entries(object)).difference(&of(&entries(&planned)));
    of(applied.managed_fields()).intersection(&given_up)
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
