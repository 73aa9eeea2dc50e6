//! `would-change`: what an apply would change, and why.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::analysis::{Alteration, ValueChange, Verdict, WouldChange};
use crate::fieldmanager::{ApplyError, Document, FieldManager};
use crate::fieldpath::PathElement;
use crate::value::Value;

use super::diff::{Listing, Told, table, told};
use super::input::{self, Identity};
use super::pairs::{self, Pair};
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
    if args.target.subresource() == super::scale::SCALE {
        let message = "scales are not compared: apply without --subresource to the object itself";
        return session.error("would-change", message);
    }
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let recursive = args.common.recursive;
    let configs = input::load(&args.common.filename, recursive, session);
    let lives = input::load_live(&args.target.live, recursive, session);
    let pairs = pairs::pair(configs, lives, args.common.namespace.as_deref(), session);
    let is_alone = pairs.len() == 1;
    let mut report = report::Objects::new(SCHEMA_VERSION);
    let is_json = args.output == Listing::Json;
    for pair in pairs.into_iter().flatten() {
        if known.prepare(&pair.config, session).is_err() {
            continue;
        }
        match answer(&args, &known, &pair, session) {
            Ok(answer) => {
                if is_json {
                    let told = serde_json::to_string(&answer.to_json(&args)).unwrap_or_default();
                    report.add(&told, session);
                } else {
                    session.print(&answer.to_text(&args));
                }
                if answer.found.verdict() != Verdict::Nothing {
                    session.found("");
                }
            }
            Err(error) => {
                let Pair { config, .. } = &pair;
                if is_json {
                    let status = serde_json::to_string(&error.to_status()).unwrap_or_default();
                    report.add(&status, session);
                }
                if !matches!(error, ApplyError::Conflict(_)) {
                    session.error(&config.place, &error);
                    continue;
                }
                let mut text = String::new();
                if !is_alone {
                    let _ = writeln!(text, "{}: {}", config.place, config.identity);
                }
                let _ = writeln!(text, "{error}");
                text.push_str("The apply would be refused and change nothing.\n");
                session.found(&text);
            }
        }
    }
    if is_json {
        report.finish(session);
    }
}

struct Answer<'p> {
    identity: &'p Identity,
    found: WouldChange,
}

fn answer<'p>(
    args: &WouldChangeArgs,
    known: &Known,
    Pair { config, live, .. }: &'p Pair,
    session: &mut Session<'_, '_>,
) -> Result<Answer<'p>, ApplyError> {
    if let Some(live) = live {
        live.warn_if_owners_were_hidden(session);
    }
    let request = FieldManager::new(known.schemas())
        .converter(known.converter(&config.identity.kind))
        .apply(live.as_ref().map_or(Document::absent(), |live| (&live.value).into()), &config.value)
        .field_manager(args.field_manager.as_deref().unwrap_or_default())
        .subresource(args.target.subresource())
        .reset_fields(known.reset_fields(args.target.reset_fields, &config.identity.kind))
        .force(args.force_conflicts)
        .at(session.now());
    let found = WouldChange::find(request)?;
    Ok(Answer { identity: &config.identity, found })
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
        let mut text = format!("# {}{is_new}: {}\n", self.identity, self.word());
        for change in found.values() {
            let _ = writeln!(text, "{}", self.line(change, args));
        }
        text.push_str(&if found.ownership().is_empty() {
            String::new()
        } else {
            table(found.ownership().changes())
        });
        for entry in found.rewritten() {
            let _ = match &entry.after {
                Some(after) => writeln!(
                    text,
                    "the entry of {} is written at {after} instead of {}",
                    entry.manager, entry.before
                ),
                None => writeln!(text, "the entry of {} goes: it holds no fields", entry.manager),
            };
        }
        for (why, change) in found.normalised() {
            let _ = writeln!(text, "not stored ({}): {}", why.as_str(), self.line(change, args));
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
