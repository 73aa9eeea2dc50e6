//! `apply`: server-side apply, offline.

use std::fmt::Write as _;

use clap::ValueEnum;

use crate::fieldmanager::{ApplyError, Conflicts, Document, FieldManager, Status};
use crate::value::Value;

use super::input::{self, Object};
use super::locate::{self, Sources};
use super::output::Results;
use super::pairs::{self, Pair};
use super::scale::Scaling;
use super::schemas::Known;
use super::session::Session;
use super::{Common, Objects, secrets};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    objects: Objects,
    /// Who applies
    #[arg(long, value_name = "NAME")]
    field_manager: Option<String>,
    /// Take the fields that other managers own
    #[arg(long)]
    force_conflicts: bool,
    /// What to do where a map of the configuration holds a key more than once, of which the last
    /// counts; the fieldValidation of a request
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Validate::Warn)]
    validate: Validate,
}

/// The `fieldValidation` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Validate {
    /// Refuse it after everything else went well
    Strict,
    /// Warn of it
    Warn,
    /// Say nothing
    Ignore,
}

pub(super) fn run(args: ApplyArgs, session: &mut Session<'_, '_>) {
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let recursive = args.common.recursive;
    if args.validate != Validate::Warn {
        session.pass_over_repeats();
    }
    let configs = input::load(&args.common.filename, recursive, session);
    let lives = input::load_live(&args.objects.target.live, recursive, session);
    let pairs = match Scaling::asked_for(&args.common, &args.objects.target) {
        Some(scaling) => scaling.pair(configs, lives, &mut known, session),
        None => pairs::pair(configs, lives, args.common.namespace.as_deref(), session),
    };
    let mut results = Results::new(&args.objects, session);
    let mut sources = Sources::default();
    let is_alone = pairs.len() == 1;
    for pair in pairs {
        let pair = pair.and_then(|pair| {
            known.prepare(&pair.config, session)?;
            Ok(pair)
        });
        match pair {
            Ok(pair) => {
                let mut out = Out { is_alone, sources: &mut sources, results: &mut results };
                apply(&args, &known, &pair, &mut out, session);
            }
            Err(message) => results.failure(&message),
        }
    }
    results.print(session);
}

/// Where an apply reports.
struct Out<'o> {
    /// No other document needs to be told apart.
    is_alone: bool,
    sources: &'o mut Sources,
    results: &'o mut Results,
}

fn apply(
    args: &ApplyArgs,
    known: &Known,
    pair: &Pair,
    out: &mut Out<'_>,
    session: &mut Session<'_, '_>,
) {
    let results = &mut *out.results;
    let config = &pair.config;
    let live = match &pair.live {
        Some(live) => {
            if pair.parent.is_none() {
                live.warn_if_owners_were_hidden(session);
            }
            Document::from(&live.value)
        }
        None => Document::absent(),
    };
    let applied = FieldManager::new(known.schemas())
        .converter(known.converter(&config.identity.kind))
        .storage(pair.parent.is_none())
        .apply(live, &config.value)
        .field_manager(args.field_manager.as_deref().unwrap_or_default())
        .subresource(args.objects.target.subresource())
        .reset_fields(known.reset_fields(args.objects.target.reset_fields, &config.identity.kind))
        .force(args.force_conflicts)
        .at(session.now())
        .run();
    match applied {
        Ok(_)
            if args.validate == Validate::Strict
                && is_refused(config, out.sources, results, session) => {}
        Ok(applied) if let Some(parent) = &pair.parent => {
            parent.take(config, &applied.to_value(), results, session);
        }
        Ok(applied) => {
            for (manager, lost) in applied.taken_from() {
                let lost: Vec<String> = lost.iter().map(|path| path.to_string()).collect();
                let lost = lost.join(", ");
                session.note(&config.place, format_args!("taken from {manager}: {lost}"));
            }
            results.object(&config.identity, applied.object());
        }
        Err(mut error) => {
            results.status(&error.to_status());
            if let ApplyError::Conflict(conflicts) = &mut error
                && let Some(source) = out.sources.of(config)
            {
                conflicts.locate(&source);
            }
            match &error {
                ApplyError::Conflict(conflicts) => {
                    let mut text = String::new();
                    if !out.is_alone {
                        let _ = writeln!(text, "{}: {}", config.place, config.identity);
                    }
                    let show_secrets = args.objects.show_secrets;
                    let _ = writeln!(text, "{error}");
                    advise(&mut text, conflicts, config, show_secrets);
                    if pair.parent.is_none() {
                        text.push_str(RESOLVE);
                    }
                    session.found(&text);
                }
                ApplyError::Live(_)
                | ApplyError::Decode(_)
                | ApplyError::ExistingFields(_)
                | ApplyError::TypedLive { .. } => {
                    let at_fault = pair.live.as_ref().unwrap_or(config);
                    session.error(&at_fault.place, &error);
                }
                _ => session.error(&config.place, &error),
            }
        }
    }
}

/// Repeated keys that a refusal tells of.
const MOST_REPEATS: usize = 1000;

/// Refuses a configuration with repeated keys as the API server's strict decoder does.
fn is_refused(
    config: &Object,
    sources: &mut Sources,
    results: &mut Results,
    session: &mut Session<'_, '_>,
) -> bool {
    if !config.place.has_repeats() {
        return false;
    }
    let found = sources.of(config).map(|source| source.repeated_keys(MOST_REPEATS));
    let found = found.unwrap_or_default();
    if found.is_empty() {
        return false;
    }
    let mut text = "error strict decoding patch: error converting YAML to JSON: yaml: unmarshal \
                    errors:"
        .to_owned();
    for (path, location) in &found {
        let _ = write!(text, "\n  {}", locate::strict_error(path, location));
    }
    results.status(&Status::failure(400, "BadRequest", text, None));
    for (path, location) in found.iter().take(SHOWN) {
        let key = locate::already_set(path, location);
        session.error(
            &config.place,
            format_args!("error strict decoding patch: {key}: remove all but one"),
        );
    }
    true
}

/// Fields that the advice names one by one.
const SHOWN: usize = 20;

/// Who does it.
const RESOLVE: &str = "`resolve --strategy give-up` or `share` edits the file so, with the same arguments; `force` \
                       lists what would be taken.\n";

/// What can be done about conflicts.
fn advise(text: &mut String, conflicts: &Conflicts, config: &Object, show_secrets: bool) {
    let file = config.place.file();
    let (field, it) =
        if conflicts.len() == 1 { ("this field", "it") } else { ("these fields", "them") };
    let _ = write!(
        text,
        "\nWhat can be done:\n\
         * To take {field} over, apply again with --force-conflicts.\n\
         * To leave {field} alone, remove {it} from {file}.\n\
         * To own {field} together with others, give {it} the value of the live object:\n"
    );
    let mut shown = Vec::new();
    for conflict in conflicts {
        let path = conflict.path().to_string();
        if shown.contains(&path) {
            continue;
        }
        if shown.len() == SHOWN {
            let _ = writeln!(text, "    and so on");
            break;
        }
        let is_hidden = !show_secrets && secrets::is_hidden(&config.identity, &path);
        let live = show(conflict.live_value(), is_hidden);
        let applied = show(conflict.applied_value(), is_hidden);
        let _ = write!(text, "    {path}: {live} (the configuration has {applied}");
        if let Some(location) = conflict.location() {
            let _ = write!(text, " at {location}");
        }
        let _ = writeln!(text, ")");
        shown.push(path);
    }
    if conflicts.iter().any(|conflict| conflict.manager().name() == "before-first-apply") {
        let _ = writeln!(
            text,
            "The manager \"before-first-apply\" stands for everybody who wrote the object before \
             it was first applied."
        );
    }
}

/// A value on one line.
fn show(value: Option<&Value>, is_hidden: bool) -> String {
    const LONGEST: usize = 60;
    let Some(value) = value else { return "nothing".to_owned() };
    if is_hidden {
        return secrets::MASK.to_owned();
    }
    let json = value.to_json();
    let mut line: String = json.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push_str("...");
    }
    line
}
