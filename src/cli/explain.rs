//! `explain`: who owns a path, what the schema says of it, and what would happen to it.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::analysis::{
    Action, Blame, Outcome, SchemaRule, Standing, Try, WhatIf, entries_of, resolve_path,
};
use crate::fieldmanager::{check_manager_name, value_at};
use crate::fieldpath::Path;
use crate::managedfields::{ManagedFieldsEntry, ManagerIdentifier, Operation, Time};
use crate::schema::Schema;
use crate::value::{Value, ValueRef};

use super::input::{self, Object};
use super::report::{self, Times, harmless};
use super::schemas::Known;
use super::session::Session;
use super::{Common, secrets};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// The field, such as .spec.replicas, '.spec.containers[name="app"].image' or
    /// '.metadata.annotations["example.com/a"]'
    #[arg(value_name = "PATH")]
    path: String,
    /// Who would act, as an applier and in every way in which the manager owns the field; if not
    /// said, every owner, and an applier who owns nothing yet (repeatable)
    #[arg(long = "as", value_name = "MANAGER", value_parser = manager)]
    acting: Vec<String>,
    /// How the times of owners are told
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Times::Relative)]
    time: Times,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Form::Text)]
    output: Form,
    /// Show the values of Secrets
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For reading
    Text,
    /// Everything with names
    Json,
}

/// The version of the JSON shape, which `docs/json.md` describes.
const SCHEMA_VERSION: &str = "managed-fields.explain/v1";

/// The applier who owns nothing, if nobody is named.
const STRANGER: &str = "another-applier";

#[derive(Serialize)]
struct Explained {
    object: Box<RawValue>,
    source: Box<RawValue>,
    path: String,
    value: Option<Box<RawValue>>,
    standing: &'static str,
    owners: Vec<Owner>,
    rule: Rule,
    tries: Vec<Tried>,
}

#[derive(Serialize, PartialEq, Eq)]
struct Owner {
    manager: String,
    operation: &'static str,
    subresource: String,
    time: Option<String>,
    #[serde(skip)]
    told: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    merging: String,
    type_name: String,
    /// The path that is owned as a whole around this one.
    part_of: Option<String>,
    deduced: bool,
    schema: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tried {
    manager: String,
    operation: &'static str,
    subresource: String,
    action: &'static str,
    wanted: Option<Box<RawValue>>,
    outcome: &'static str,
    message: Option<String>,
    refused_by: Vec<Owner>,
    value: Option<Box<RawValue>>,
    owners: Vec<Owner>,
    lost: Vec<String>,
}

pub(super) fn run(args: ExplainArgs, session: &mut Session<'_, '_>) {
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let (names, recursive) = (&args.common.filename, args.common.recursive);
    let mut report = report::Objects::new(SCHEMA_VERSION);
    let mut blank = "";
    input::each(names, recursive, session, &mut |object, session| {
        let Ok(object) = object else { return };
        object.warn_if_owners_were_hidden(session);
        if object.require_type(session).and_then(|()| known.prepare(&object, session)).is_err() {
            return;
        }
        match (explain(&args, &known, &object, session), args.output) {
            (Ok(one), Form::Text) => {
                let text = text(&one, &object.identity.to_string());
                session.print(&format!("{blank}{text}"));
                blank = "\n";
            }
            (Ok(one), Form::Json) => {
                // Nothing in it fails to be written.
                report.add(&serde_json::to_string(&one).unwrap_or_default(), session);
            }
            (Err(message), _) => session.error(&object.place, message),
        }
    });
    if args.output == Form::Json {
        report.finish(session);
    }
}

fn explain(
    args: &ExplainArgs,
    known: &Known,
    object: &Object,
    session: &Session<'_, '_>,
) -> Result<Explained, String> {
    let kind = &object.identity.kind;
    let ty = known.schemas().find(kind).unwrap_or_else(Schema::deduced_type);
    let entries = entries_of(&object.value).map_err(|error| error.to_string())?;
    let blame = Blame::new(&object.value, &entries, Some(&ty));
    let path = resolve_path(&args.path, &blame).map_err(|error| error.to_string())?;
    let value = value_at(object.value.as_ref(), path.elements());
    let field = blame.fields().iter().find(|field| blame.path(field) == path);
    let standing = field.map(|field| field.standing());
    let shown = Shown { args, object, path: &path, session };
    let owners = blame.owners_at(&path);
    let rule = SchemaRule::at(&ty, &path, value);
    let what_if = WhatIf::new(known.schemas(), &ty, &object.value, path.clone())
        .reset_fields(known.reset_fields(super::ResetFields::Server, kind));
    let mut tries = Vec::new();
    if standing != Some(Standing::Untracked) {
        for (name, operation, subresource) in acting(args, &owners) {
            for tried in what_if.all(&name, operation, &subresource) {
                tries.push(shown.tried(&name, operation, &subresource, tried));
            }
        }
    }
    Ok(Explained {
        object: report::raw(report::identity(&object.identity)),
        source: report::raw(report::source(&object.place)),
        path: path.to_string(),
        value: value.map(|value| shown.value(value)),
        standing: standing.map_or("absent", report::standing),
        owners: owners.iter().map(|owner| shown.owner(owner)).collect(),
        rule: Rule {
            merging: rule.merging().to_string(),
            type_name: rule.type_name().to_owned(),
            part_of: rule.whole().map(Path::to_string),
            deduced: rule.is_deduced(),
            schema: known.located_source(kind, &path),
        },
        tries,
    })
}

/// Who acts: a name, how, and through which subresource.
fn acting(args: &ExplainArgs, owners: &[ManagedFieldsEntry]) -> Vec<(String, Operation, String)> {
    let owners = owners.iter().map(|owner| {
        let manager = &owner.manager;
        (manager.name().to_owned(), manager.operation(), manager.subresource().to_owned())
    });
    let applier = |name: &str| (name.to_owned(), Operation::Apply, String::new());
    if args.acting.is_empty() {
        return owners.chain([applier(STRANGER)]).collect();
    }
    let mut acting = Vec::new();
    for name in &args.acting {
        acting.extend(owners.clone().filter(|(owner, ..)| owner == name));
        if !acting.contains(&applier(name)) {
            acting.push(applier(name));
        }
    }
    acting
}

fn manager(name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("the manager has no name".to_owned());
    }
    check_manager_name(name).map_err(|error| error.to_string())?;
    Ok(name.to_owned())
}

/// How what belongs to an object is shown.
struct Shown<'a, 's, 'i> {
    args: &'a ExplainArgs,
    object: &'a Object,
    path: &'a Path,
    session: &'a Session<'s, 'i>,
}

impl Shown<'_, '_, '_> {
    fn value(&self, value: ValueRef<'_>) -> Box<RawValue> {
        let is_hidden = !self.args.show_secrets
            && (secrets::is_hidden(&self.object.identity, &self.path.to_string())
                // A part of a Secret may hold what is hidden.
                || (self.object.identity.is_secret() && !value.is_empty()));
        report::raw(match is_hidden {
            true => super::edit::quoted(secrets::MASK),
            false => value.to_json(),
        })
    }

    fn owner(&self, owner: &ManagedFieldsEntry) -> Owner {
        self.owner_of(&owner.manager, owner.time)
    }

    fn owner_of(&self, manager: &ManagerIdentifier, time: Option<Time>) -> Owner {
        Owner {
            manager: manager.name().to_owned(),
            operation: manager.operation().as_str(),
            subresource: manager.subresource().to_owned(),
            time: time.map(|time| time.to_string()),
            told: self.args.time.tell(time, self.session.now()),
        }
    }

    fn tried(&self, name: &str, operation: Operation, subresource: &str, tried: Try) -> Tried {
        let mut told = Tried {
            manager: name.to_owned(),
            operation: operation.as_str(),
            subresource: subresource.to_owned(),
            action: match tried.action {
                Action::Drop => "drop",
                Action::State => "state",
                Action::Change => "change",
                Action::Force => "force",
            },
            wanted: tried.wanted.as_ref().map(|wanted| self.value(wanted.as_ref())),
            outcome: "done",
            message: None,
            refused_by: Vec::new(),
            value: None,
            owners: Vec::new(),
            lost: Vec::new(),
        };
        match tried.outcome {
            Outcome::Done(after) => {
                told.value = after.value().map(|value| self.value(value.as_ref()));
                told.owners = after.owners().iter().map(|owner| self.owner(owner)).collect();
                told.lost = after.lost().to_vec();
            }
            Outcome::Refused(conflicts) => {
                told.outcome = "refused";
                told.message = Some(conflicts.to_string());
                for conflict in &conflicts {
                    let owner = self.owner_of(conflict.manager(), conflict.time());
                    if !told.refused_by.contains(&owner) {
                        told.refused_by.push(owner);
                    }
                }
            }
            Outcome::Wrong(message) => {
                told.outcome = "wrong";
                told.message = Some(message);
            }
        }
        told
    }
}

/// `web Apply`, `hpa Update/scale`.
fn who(manager: &str, operation: &str, subresource: &str) -> String {
    match subresource {
        "" => format!("{manager} {operation}"),
        _ => format!("{manager} {operation}/{subresource}"),
    }
}

fn short(value: Option<&RawValue>) -> String {
    let value = value.and_then(|value| Value::from_json(value.get()).ok());
    value.map(|value| report::short(value.as_ref())).unwrap_or_default()
}

fn text(one: &Explained, identity: &str) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        let _ = writeln!(out, "{}", harmless(&text));
    };
    line(format!("{} of {identity}", one.path));
    line(match &one.value {
        Some(value) => format!("value:  {}", short(Some(value))),
        None => "value:  none, the object does not have it".to_owned(),
    });
    let told = |owner: &Owner| {
        let who = who(&owner.manager, owner.operation, &owner.subresource);
        if owner.told.is_empty() { who } else { format!("{who} {}", owner.told) }
    };
    let owners: Vec<String> = one.owners.iter().map(told).collect();
    line(match (one.standing, owners.join(", ")) {
        ("untracked", _) => "owners: nobody, ever: the API server keeps no owner of it".to_owned(),
        (_, owners) if owners.is_empty() => "owners: nobody".to_owned(),
        ("within", owners) => {
            format!("owners: {owners}, as part of something that is owned as a whole")
        }
        ("leads", owners) => format!("owners: of fields in it: {owners}"),
        (_, owners) => format!("owners: {owners}"),
    });
    let mut rule = one.rule.merging.clone();
    if let Some(whole) = &one.rule.part_of {
        let _ = write!(rule, ", part of {whole}, which is owned as a whole");
    }
    if one.rule.deduced {
        rule += ", deduced";
    } else if !one.rule.type_name.is_empty() {
        let _ = write!(rule, ", in {}", one.rule.type_name);
    }
    line(format!("rule:   {rule} ({})", one.rule.schema));
    if one.tries.is_empty() {
        return out;
    }
    let rows: Vec<[String; 4]> = one
        .tries
        .iter()
        .map(|tried| {
            let wanted = short(tried.wanted.as_deref());
            let does = match (tried.action, tried.operation) {
                ("drop", "Apply") => "applies without it".to_owned(),
                ("drop", _) => "writes the object without it".to_owned(),
                ("state", _) => "applies it as it is".to_owned(),
                ("force", _) => format!("applies {wanted} with force"),
                (_, "Apply") => format!("applies {wanted}"),
                _ => format!("writes {wanted}"),
            };
            let (outcome, after) = outcome(tried);
            [who(&tried.manager, tried.operation, &tried.subresource), does, outcome, after]
        })
        .collect();
    out.push('\n');
    out += &report::table(["WHO", "DOES", "OUTCOME", "HELD AFTERWARDS BY"], &rows);
    out
}

/// What came of it, and who holds the field then.
fn outcome(tried: &Tried) -> (String, String) {
    let names = |owners: &[Owner]| {
        let names: Vec<String> = owners
            .iter()
            .map(|owner| who(&owner.manager, owner.operation, &owner.subresource))
            .collect();
        if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
    };
    match (tried.outcome, &tried.message) {
        ("refused", _) => {
            return (format!("refused by {}", names(&tried.refused_by)), "as before".to_owned());
        }
        (_, Some(message)) => return (message.replace('\n', " "), "as before".to_owned()),
        _ => {}
    }
    let lost: Vec<&str> =
        tried.lost.iter().map(String::as_str).filter(|lost| *lost != tried.manager).collect();
    let lost = match lost.is_empty() {
        true => String::new(),
        false => format!(", taken from {}", lost.join(", ")),
    };
    let is_ignored = tried
        .wanted
        .as_ref()
        .is_some_and(|wanted| tried.value.as_ref().is_none_or(|value| value.get() != wanted.get()));
    match &tried.value {
        // Such as a status that is not written through its subresource.
        Some(value) if is_ignored => {
            (format!("ignored, it stays {}", short(Some(value))), names(&tried.owners))
        }
        None if is_ignored => ("ignored".to_owned(), "nobody".to_owned()),
        None => (format!("it is gone{lost}"), "nobody".to_owned()),
        Some(value) => (format!("it is {}{lost}", short(Some(value))), names(&tried.owners)),
    }
}
