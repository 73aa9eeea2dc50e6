//! `schema diff`: how the ownership of fields differs between two schemas, and what that does to the
//! owners of live objects.

mod objects;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use crate::schema::{Change, Difference, KubernetesVersion, Type};

use super::super::Types;
use super::super::schemas::Known;
use super::super::session::Session;
use super::Reading;
use objects::Affected;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct DiffArgs {
    /// What is known before: a file or directory with schemas, or a version of Kubernetes such as 1.36
    #[arg(value_name = "BEFORE")]
    before: String,
    /// What is known after
    #[arg(value_name = "AFTER")]
    after: String,
    /// Only these kinds, such as Deployment (repeatable)
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Files or directories with live objects, or - for standard input: tell what becomes of their
    /// owners (repeatable)
    #[arg(long, value_name = "FILE")]
    objects: Vec<String>,
    #[command(flatten)]
    pub(super) reading: Reading,
    /// How the differences are written
    #[arg(short = 'o', long, value_enum, default_value_t = Report::Text)]
    output: Report,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Report {
    /// A line for each
    Text,
    /// An object with all of them
    Json,
}

#[derive(Serialize)]
struct Found {
    kinds: Vec<Kind>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<Affected>,
}

/// A kind, or a type of a schema without kinds.
#[derive(Serialize)]
struct Kind {
    name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    state: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Told>,
}

/// The state of a kind of which not all places were looked at.
const IN_PART: &str = "compared in part";

#[derive(Serialize)]
struct Told {
    path: String,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip)]
    text: String,
}

pub(super) fn run(args: &DiffArgs, session: &mut Session<'_, '_>) {
    let before = side(&args.before, args.reading.recursive, session);
    let after = side(&args.after, args.reading.recursive, session);
    let (Some(mut before), Some(mut after)) = (before, after) else { return };
    let kinds = kinds(args, &before, &after, session);
    let objects = objects::affected(args, &mut before, &mut after, session);
    let found = Found { kinds, objects };
    for kind in found.kinds.iter().filter(|kind| kind.state == IN_PART) {
        session.warn(
            &kind.name,
            "its types lead to too many places: not all were looked at, and there may be more \
             differences",
        );
    }
    if !found.kinds.is_empty() || !found.objects.is_empty() {
        session.found("");
    }
    match args.output {
        Report::Text => session.print(&text(&found)),
        Report::Json => session.print(&super::json(&found)),
    }
}

/// What is known on a side. A file wins over a version that is called the same.
fn side(said: &str, recursive: bool, session: &mut Session<'_, '_>) -> Option<Known> {
    if said == "-" || Path::new(said).exists() {
        return Known::load_files(&[said.to_owned()], recursive, session);
    }
    match said.parse::<KubernetesVersion>() {
        Ok(kubernetes_version) => {
            let types = Types { kubernetes_version, ..Types::default() };
            Known::load_all(&types, recursive, session)
        }
        Err(error) => {
            session.error(said, format_args!("there is no such file, and {error}"));
            None
        }
    }
}

/// The types of a side, by the names of kinds or, where there are none, their own.
fn types(wanted: &[String], known: &Known) -> BTreeMap<String, Type> {
    let is_wanted = |kind: &str, name: &str| {
        wanted.is_empty()
            || wanted.iter().any(|said| said == name || said.eq_ignore_ascii_case(kind))
    };
    let mut types = BTreeMap::new();
    for kind in known.schemas().kinds() {
        let name = super::name(&kind);
        if let Some(ty) = known.schemas().find(&kind).filter(|_| is_wanted(&kind.kind, &name)) {
            types.insert(name, ty);
        }
    }
    for schema in known.named() {
        let names = schema.type_names().filter(|name| !name.starts_with("__untyped_"));
        for name in names {
            let kind = name.rsplit('.').next().unwrap_or_default();
            if let Some(ty) = schema.type_named(name).filter(|_| is_wanted(kind, name)) {
                types.insert(name.to_owned(), ty);
            }
        }
    }
    types
}

fn kinds(
    args: &DiffArgs,
    before: &Known,
    after: &Known,
    session: &mut Session<'_, '_>,
) -> Vec<Kind> {
    let (mut old, mut new) = (types(&args.kind, before), types(&args.kind, after));
    // Files seldom hold all that Kubernetes serves.
    match (before.is_of_files(), after.is_of_files()) {
        (false, true) => narrow(&mut old, &new, &args.before, &args.after, session),
        (true, false) => narrow(&mut new, &old, &args.after, &args.before, session),
        _ => {}
    }
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut kinds = Vec::new();
    for name in names {
        let (state, changes) = match (old.get(name), new.get(name)) {
            (Some(before), Some(after)) => {
                let changes = before.changes_to(after);
                (if changes.is_cut { IN_PART } else { "" }, changes)
            }
            (Some(_), None) => ("gone", Default::default()),
            (None, _) => ("new", Default::default()),
        };
        if !state.is_empty() || !changes.list.is_empty() {
            kinds.push(Kind {
                name: name.clone(),
                state,
                changes: changes.list.into_iter().map(Told::of).collect(),
            });
        }
    }
    kinds
}

/// Leaves out the kinds of a version that files do not hold.
fn narrow(
    types: &mut BTreeMap<String, Type>,
    held: &BTreeMap<String, Type>,
    version: &str,
    files: &str,
    session: &mut Session<'_, '_>,
) {
    let all = types.len();
    types.retain(|name, _| held.contains_key(name));
    let left_out = all - types.len();
    if left_out > 0 {
        session.note(
            files,
            format_args!("it does not hold {left_out} kinds of {version}: they are left out"),
        );
    }
}

impl Told {
    fn of(change: Change) -> Told {
        let text = change.what.to_string();
        let (word, before, after) = match &change.what {
            Difference::Gone(rule) => ("gone", Some(rule.to_string()), None),
            Difference::New(rule) => ("new", None, Some(rule.to_string())),
            Difference::Owned { before, after } => {
                ("owned", Some(before.to_string()), Some(after.to_string()))
            }
            Difference::Opened => ("opened", None, None),
            Difference::Closed => ("closed", None, None),
        };
        let path = if change.path.is_empty() { ".".to_owned() } else { change.path };
        Told { path, change: word, before, after, text }
    }
}

fn text(found: &Found) -> String {
    let mut text = String::new();
    for kind in &found.kinds {
        let _ = match kind.state {
            "" => writeln!(text, "{}", kind.name),
            state => writeln!(text, "{}: {state}", kind.name),
        };
        let cells = |told: &Told| vec![format!("  {}", told.path), told.text.clone()];
        text.push_str(&super::table(&kind.changes.iter().map(cells).collect::<Vec<_>>()));
    }
    for object in &found.objects {
        if !text.is_empty() {
            text.push('\n');
        }
        object.write(&mut text);
    }
    text
}
