//! `would-change`: what an apply would change, and why.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::analysis::{Alteration, ValueChange, Verdict, WouldChange};
use crate::fieldmanager::{
    ApplyError, ApplyRequest, Document, FieldManager, ScaleError, ScaleMapping, Status,
};
use crate::fieldpath::PathElement;
use crate::managedfields::Time;
use crate::schema::Schemas;
use crate::value::Value;

use super::cores::on_all_cores;
use super::diff::{Listing, Told, table, told};
use super::input::{self, Identity};
use super::pairs::{self, Pair};
use super::scale::Scaling;
use super::schemas::Known;
use super::session::Session;
use super::{Common, Target, edit, report, secrets};

const SCHEMA_VERSION: &str = "managed-fields.would-change/v1";

#[derive(Debug, Clone, clap::Args)]
pub(super) struct WouldChangeArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    target: Target,
    /// Who applies
    #[arg(long, value_name = "NAME")]
    field_manager: Option<String>,
    /// Take the fields that other managers own
    #[arg(long)]
    force_conflicts: bool,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Listing::Text)]
    output: Listing,
    /// Show the values of Secrets
    #[arg(long)]
    show_secrets: bool,
}

pub(super) fn run(args: WouldChangeArgs, session: &mut Session<'_, '_>) {
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let recursive = args.common.recursive;
    let configs = input::load(&args.common.filename, recursive, session);
    let scaling = Scaling::asked_for(&args.common, &args.target);
    // A `Scale` belongs to an object of its name and another kind.
    let head = |identity: &Identity| {
        let (kind, name) = (&identity.kind, identity.name.clone());
        match scaling {
            Some(_) => (String::new(), String::new(), name),
            None => (kind.group.clone(), kind.kind.clone(), name),
        }
    };
    let named: HashSet<_> = configs.iter().flatten().map(|config| head(&config.identity)).collect();
    let wanted = |identity: &Identity| named.contains(&head(identity));
    let lives = input::find_live(&args.target.live, recursive, &wanted, session);
    let pairs = match scaling {
        Some(scaling) => scaling.pair(configs, lives, &mut known, session),
        None => pairs::pair(configs, lives, args.common.namespace.as_deref(), session),
    };
    let is_alone = pairs.len() == 1;
    let mut report = report::Objects::new(SCHEMA_VERSION);
    let mut pairs = pairs.into_iter().flatten().peekable();
    while pairs.peek().is_some() {
        let mut prepared = Vec::new();
        for pair in pairs.by_ref().take(MOST) {
            let of = pair.parent.as_ref().map_or(&pair.config, |parent| &parent.object);
            if known.prepare(of, session).is_ok() {
                if let (Some(live), None) = (&pair.live, &pair.parent) {
                    live.warn_if_owners_were_hidden(session);
                }
                prepared.push(pair);
            }
        }
        let asked: Vec<Asked<'_>> =
            prepared.iter().map(|pair| Asked::of(&args, &known, pair, session.now())).collect();
        let answers = on_all_cores(&asked, "objects", &Asked::answer, session);
        for (pair, answer) in prepared.iter().zip(answers) {
            tell(&args, pair, answer, is_alone, &mut report, session);
        }
    }
    if args.output == Listing::Json {
        report.finish(session);
    }
}

/// As many objects are answered for at once.
const MOST: usize = 1024;

fn tell(
    args: &WouldChangeArgs,
    pair: &Pair,
    answer: Result<WouldChange, Refusal>,
    is_alone: bool,
    report: &mut report::Objects,
    session: &mut Session<'_, '_>,
) {
    let is_json = args.output == Listing::Json;
    let Pair { config, parent, .. } = pair;
    let error = match answer {
        Ok(found) => {
            let identity = parent.as_ref().map_or(&config.identity, |of| &of.object.identity);
            let answer = Answer { identity, found };
            if is_json {
                let told = serde_json::to_string(&answer.to_json(args)).unwrap_or_default();
                report.add(&told, session);
            } else {
                session.print(&answer.to_text(args));
            }
            if answer.found.verdict() != Verdict::Nothing {
                session.found("");
            }
            return;
        }
        Err(error) => error,
    };
    if is_json {
        let status = serde_json::to_string(&error.to_status()).unwrap_or_default();
        report.add(&status, session);
    }
    let at_fault = match &error {
        Refusal::Apply(ApplyError::Conflict(_)) => {
            let mut text = String::new();
            if !is_alone {
                let _ = writeln!(text, "{}: {}", config.place, config.identity);
            }
            let _ = writeln!(text, "{error}");
            text.push_str("The apply would be refused and change nothing.\n");
            return session.found(&text);
        }
        Refusal::Apply(
            ApplyError::Live(_)
            | ApplyError::Decode(_)
            | ApplyError::ExistingFields(_)
            | ApplyError::TypedLive { .. },
        ) => pair.live.as_ref().unwrap_or(config),
        Refusal::Scale(error) => {
            parent.as_ref().map_or(config, |parent| parent.at_fault(error, config))
        }
        Refusal::Apply(_) => config,
    };
    session.error(&at_fault.place, &error);
}

/// Why nothing would be written.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Scale(#[from] ScaleError),
}

impl Refusal {
    fn to_status(&self) -> Status {
        match self {
            Refusal::Apply(error) => error.to_status(),
            Refusal::Scale(error) => error.to_status(),
        }
    }
}

/// An apply that is asked about.
struct Asked<'a> {
    schemas: &'a Schemas,
    request: ApplyRequest<'a, 'a>,
    /// The object whose `Scale` is applied to.
    parent: Option<(&'a Value, &'a ScaleMapping)>,
}

impl<'a> Asked<'a> {
    fn of(
        args: &'a WouldChangeArgs,
        known: &'a Known,
        Pair { config, live, parent }: &'a Pair,
        now: Time,
    ) -> Asked<'a> {
        let live = live.as_ref().map_or(Document::absent(), |live| (&live.value).into());
        let request = FieldManager::new(known.schemas())
            .converter(known.converter(&config.identity.kind))
            .storage(parent.is_none())
            .apply(live, &config.value)
            .field_manager(args.field_manager.as_deref().unwrap_or_default())
            .subresource(args.target.subresource())
            .reset_fields(known.reset_fields(args.target.reset_fields, &config.identity.kind))
            .force(args.force_conflicts)
            .at(now);
        let parent = parent.as_ref().map(|parent| (&parent.object.value, &parent.mapping));
        Asked { schemas: known.schemas(), request, parent }
    }

    fn answer(&self) -> Result<WouldChange, Refusal> {
        let Some((object, mapping)) = self.parent else {
            return Ok(WouldChange::find(self.request.clone())?);
        };
        // What is stored is the object with what became of its scale.
        let scale = self.request.clone().run()?.to_value();
        let after = mapping.parent_with(object, &scale)?;
        let after = Value::from_json(&after).unwrap_or_else(|_| Value::null());
        Ok(WouldChange::between_states(self.schemas, object, &after))
    }
}

struct Answer<'p> {
    identity: &'p Identity,
    found: WouldChange,
}

/// A change in JSON.
#[derive(Serialize)]
struct ToldValue {
    change: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Box<RawValue>>,
    /// Why the server stores nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldEntry<'a> {
    manager: String,
    before: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldAnswer<'a> {
    object: Box<RawValue>,
    would_change: &'static str,
    is_new: bool,
    values: Vec<ToldValue>,
    ownership: Vec<Told<'a>>,
    rewritten_entries: Vec<ToldEntry<'a>>,
    not_stored: Vec<ToldValue>,
    times: bool,
}

impl Answer<'_> {
    fn word(&self) -> &'static str {
        match self.found.verdict() {
            Verdict::Nothing => "nothing",
            Verdict::Ownership => "ownership",
            Verdict::Values => "values",
            Verdict::Both => "values and ownership",
        }
    }

    /// A value as it may be shown.
    fn shown(&self, change: &ValueChange, value: &Value, args: &WouldChangeArgs) -> String {
        let path = change.path.to_string();
        let is_hidden = |path: &str| secrets::is_hidden(self.identity, path);
        // What is inside, where the change is of more.
        let holds_hidden = self.identity.is_secret()
            && matches!(change.path.elements(), [] | [PathElement::FieldName(_)]);
        if !args.show_secrets && (is_hidden(&path) || holds_hidden) {
            return edit::quoted(secrets::MASK);
        }
        value.to_json()
    }

    fn to_text(&self, args: &WouldChangeArgs) -> String {
        let found = &self.found;
        let is_new = if found.is_new() { " (new)" } else { "" };
        let identity = self.identity.to_string();
        let mut text = format!("# {}{is_new}: {}\n", report::harmless(&identity), self.word());
        for change in found.values() {
            let _ = writeln!(text, "{}", report::harmless(&self.line(change, args)));
        }
        text.push_str(&if found.ownership().is_empty() {
            String::new()
        } else {
            table(found.ownership().changes())
        });
        for entry in found.rewritten() {
            let (manager, before) = (&entry.manager, &entry.before);
            let line = match &entry.after {
                Some(after) => {
                    format!("the entry of {manager} is written at {after} instead of {before}")
                }
                None => format!("the entry of {manager} goes: it holds no fields"),
            };
            let _ = writeln!(text, "{}", report::harmless(&line));
        }
        for (why, change) in found.normalised() {
            let line = self.line(change, args);
            let _ = writeln!(text, "not stored ({}): {}", why.as_str(), report::harmless(&line));
        }
        if found.verdict() == Verdict::Nothing && found.touches_times() {
            text.push_str("only the time of an entry differs, for which nothing is written\n");
        }
        text
    }

    fn line(&self, change: &ValueChange, args: &WouldChangeArgs) -> String {
        let shown = |value: &Option<Value>| {
            value.as_ref().map(|value| self.shown(change, value, args)).unwrap_or_default()
        };
        let path = match change.path.to_string() {
            path if path.is_empty() => ".".to_owned(),
            path => path,
        };
        let what = change.alteration.as_str();
        match change.alteration {
            Alteration::Added => format!("{what} {path}: {}", shown(&change.after)),
            Alteration::Removed => format!("{what} {path}: {}", shown(&change.before)),
            Alteration::Changed | Alteration::Reordered => {
                format!("{what} {path}: {} -> {}", shown(&change.before), shown(&change.after))
            }
        }
    }

    fn to_json(&self, args: &WouldChangeArgs) -> ToldAnswer<'_> {
        let found = &self.found;
        let value = |change: &ValueChange, reason| {
            let raw = |value: &Option<Value>| {
                Some(report::raw(self.shown(change, value.as_ref()?, args)))
            };
            ToldValue {
                change: change.alteration.as_str(),
                path: change.path.to_string(),
                before: raw(&change.before),
                after: raw(&change.after),
                reason,
            }
        };
        ToldAnswer {
            object: report::raw(report::identity(self.identity)),
            would_change: self.word(),
            is_new: found.is_new(),
            values: found.values().iter().map(|change| value(change, None)).collect(),
            ownership: told(found.ownership().changes()),
            rewritten_entries: found
                .rewritten()
                .iter()
                .map(|entry| ToldEntry {
                    manager: entry.manager.to_string(),
                    before: &entry.before,
                    after: entry.after.as_deref(),
                })
                .collect(),
            not_stored: found
                .normalised()
                .iter()
                .map(|(why, change)| value(change, Some(why.as_str())))
                .collect(),
            times: found.touches_times(),
        }
    }
}
