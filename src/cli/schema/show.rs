//! `schema show`: how the fields of a kind are owned.

use std::cmp::Reverse;

use clap::ValueEnum;
use serde::Serialize;

use crate::fieldpath::{Path, PathElement};
use crate::schema::{GroupVersionKind, Rule, Schema, Tree, TreeRow, Type};

use super::super::schemas::Known;
use super::super::session::Session;
use super::Common;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ShowArgs {
    /// The kind: Deployment, apps/v1/Deployment or v1/ConfigMap
    #[arg(value_name = "KIND")]
    kind: String,
    /// Only this field and what is below it, such as .spec.template.spec.containers
    #[arg(value_name = "PATH")]
    path: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
    /// How many levels of fields are shown, 0 for all
    #[arg(long, value_name = "LEVELS", default_value_t = 3)]
    depth: usize,
    /// How the fields are written
    #[arg(short = 'o', long, value_enum, default_value_t = Drawing::Tree)]
    output: Drawing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Drawing {
    /// A line for each, indented below what it is in
    Tree,
    /// An object with a list of them
    Json,
}

/// What is done with objects of a kind without types.
const TREATMENT: &str = "\
objects are treated as custom resources without a schema: fields of maps are owned one by one at every
level, lists as a whole, also in metadata
";

pub(super) fn run(args: &ShowArgs, session: &mut Session<'_, '_>) {
    let Some(mut known) = args.common.load(session) else { return };
    let Some(kind) = find(&args.kind, &mut known, session) else { return };
    let found = known.schemas().find(&kind);
    if found.is_none() && args.common.types.strict_schema {
        return session.error(super::name(&kind), "there is no schema for it");
    }
    let is_known = found.is_some();
    let root = found.unwrap_or_else(Schema::deduced_type);
    let treatment = if says_nothing(&root) { TREATMENT } else { "" };
    let (way, ty) = match descend(&root, args.path.as_deref().unwrap_or_default()) {
        Ok(found) => found,
        Err(message) => return session.error(super::name(&kind), message),
    };
    let path = spelled(&way);
    let source = match known.located_source(&kind, &Path::new(way)) {
        _ if !is_known => "no schema".to_owned(),
        source if says_nothing(&root) => format!("{source}, which gives no types"),
        source => source,
    };
    let tree = ty.tree((args.depth > 0).then_some(args.depth));
    let scope = known.schemas().is_namespaced(&kind);
    match args.output {
        Drawing::Tree => {
            let scope = match scope {
                Some(true) => ", namespaced",
                Some(false) => ", not namespaced",
                None => "",
            };
            session.print(&format!("{}: {source}{scope}\n{treatment}\n", super::name(&kind)));
            session.print(&drawn(&path, &tree));
        }
        Drawing::Json => {
            let (group, version, name) = (&kind.group, &kind.version, &kind.kind);
            let shown = Shown {
                group,
                version,
                kind: name,
                namespaced: scope,
                source: &source,
                treatment: &treatment.trim_end().replace('\n', " "),
                fields: tree.rows.iter().map(|row| Field::of(&path, row)).collect(),
            };
            session.print(&super::json(&shown));
        }
    }
    if tree.is_cut {
        session.warn(super::name(&kind), "there is more: say a path, or fewer levels");
    }
}

/// Whether a type tells of no field of its objects, as that of a kind without a schema.
fn says_nothing(ty: &Type) -> bool {
    let is_open = ty.entries().is_some_and(|entries| entries.rule() == Rule::Deduced);
    is_open && ty.fields().next().is_none()
}

/// The kind that an argument means. Whatever names group and version is one, known or not.
fn find(said: &str, known: &mut Known, session: &mut Session<'_, '_>) -> Option<GroupVersionKind> {
    let kinds = known.schemas().kinds();
    if let Some((api_version, kind)) = said.rsplit_once('/') {
        let kind = GroupVersionKind::new(api_version, kind);
        known.learn(&kind, session).ok()?;
        if known.schemas().find(&kind).is_none() {
            session.note(said, format_args!("no schema is known for it{}", nearest(said, &kinds)));
        }
        return Some(kind);
    }
    let is_meant = |kind: &&GroupVersionKind| {
        said.eq_ignore_ascii_case(&kind.kind) || said.eq_ignore_ascii_case(&kind.guess_resource())
    };
    let mut meant: Vec<&GroupVersionKind> = kinds.iter().filter(is_meant).collect();
    meant.sort_by_key(|kind| (&kind.group, Reverse(priority(&kind.version)), &kind.version));
    let [first, others @ ..] = meant.as_slice() else {
        session.error(said, format_args!("no kind of that name is known{}", nearest(said, &kinds)));
        return None;
    };
    let names = |kinds: &[&GroupVersionKind]| -> String {
        kinds.iter().map(|kind| super::name(kind)).collect::<Vec<_>>().join(", ")
    };
    if others.iter().any(|other| other.group != first.group) {
        session.error(said, format_args!("several kinds are called so: {}", names(&meant)));
        return None;
    }
    if !others.is_empty() {
        session.note(said, format_args!("there are other versions: {}", names(others)));
    }
    Some((*first).clone())
}

/// The known kinds whose names are most like one, to be said behind a message.
fn nearest(said: &str, kinds: &[GroupVersionKind]) -> String {
    let wanted = said.to_lowercase();
    let mut near: Vec<(usize, String)> = Vec::new();
    for kind in kinds {
        let name = super::name(kind);
        let (bare, full) = (kind.kind.to_lowercase(), name.to_lowercase());
        let like = if wanted.contains('/') { &full } else { &bare };
        let distance = strsim::damerau_levenshtein(&wanted, like);
        if distance <= 1 + wanted.len() / 4 {
            near.push((distance, name));
        }
    }
    near.sort();
    near.truncate(3);
    match near.as_slice() {
        [] => String::new(),
        near => {
            let names: Vec<&str> = near.iter().map(|(_, name)| name.as_str()).collect();
            format!("; the nearest: {}", names.join(", "))
        }
    }
}

/// The order in which versions are preferred, as API servers order them: stable ones before beta ones
/// before alpha ones before others, then the newest.
fn priority(version: &str) -> (u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let (major, stage) =
            rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let major = major.parse().ok()?;
        if stage.is_empty() {
            return Some((3, major, 0));
        }
        if let Some(minor) = stage.strip_prefix("beta") {
            return Some((2, major, minor.parse().ok()?));
        }
        Some((1, major, stage.strip_prefix("alpha")?.parse().ok()?))
    };
    parse().unwrap_or_default()
}

/// The type of a field, named by fields between dots; brackets stand for items.
fn descend(ty: &Type, path: &str) -> Result<(Vec<PathElement>, Type), String> {
    let mut at = ty.clone();
    let mut way = Vec::new();
    let item = || PathElement::Index(0);
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let (name, brackets) = step.split_at(step.find('[').unwrap_or(step.len()));
        if !name.is_empty() {
            // Fields of items are named behind their list.
            while let (Some(items), None) = (at.items(), at.field(name)) {
                at = items;
                way.push(item());
            }
            let Some(below) = at.field(name).or_else(|| at.entries()) else {
                let near = nearest_field(&at, name);
                return Err(format!("{} has no field {name}{near}", root_or(&spelled(&way))));
            };
            way.push(PathElement::FieldName(name.to_owned()));
            at = below;
        }
        for _ in brackets.matches('[') {
            let items = at.items();
            at = items.ok_or_else(|| format!("{} is no list", root_or(&spelled(&way))))?;
            way.push(item());
        }
    }
    Ok((way, at))
}

/// A way as the tree spells it: any item is `[]`.
fn spelled(way: &[PathElement]) -> String {
    let step = |element: &PathElement| match element {
        PathElement::FieldName(name) => format!(".{name}"),
        _ => "[]".to_owned(),
    };
    way.iter().map(step).collect()
}

fn root_or(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

fn nearest_field(ty: &Type, name: &str) -> String {
    let distance = |field: &str| strsim::damerau_levenshtein(name, field);
    let near = ty.fields().map(|(field, _)| (distance(field), field)).min();
    match near {
        Some((distance, field)) if distance <= 1 + name.len() / 3 => {
            format!("; the nearest is {field}")
        }
        _ => String::new(),
    }
}

/// The rows, with their rules one below the other.
fn drawn(path: &str, tree: &Tree) -> String {
    let rows = tree.rows.iter().map(|row| {
        let name = match row.level {
            0 => root_or(path),
            _ => &row.name,
        };
        vec![format!("{}{name}", "  ".repeat(row.level)), said(path, row)]
    });
    super::table(&rows.collect::<Vec<_>>())
}

fn said(path: &str, row: &TreeRow) -> String {
    let mut text = row.rule.to_string();
    text = match &row.of {
        None => text,
        Some(of) if row.rule.is_list() => format!("{text} of {}", short(of)),
        Some(Rule::Deduced) => format!("{text}, untyped: lists in it atomic"),
        Some(of) => format!("{text} map of {}", short(of)),
    };
    if let Some(recurs) = &row.recurs {
        let recurs = format!("{path}{recurs}");
        text = format!("{text}, recursive: as {}", root_or(&recurs));
    }
    match row.hidden {
        0 => text,
        1 => format!("{text}, 1 field"),
        hidden => format!("{text}, {hidden} fields"),
    }
}

/// What items or entries are.
fn short(of: &Rule) -> String {
    match of {
        Rule::Granular => "maps".to_owned(),
        Rule::Atomic => "atomic maps".to_owned(),
        Rule::AtomicList => "atomic lists".to_owned(),
        Rule::Set | Rule::Keyed(_) => "lists".to_owned(),
        Rule::Deduced | Rule::Untyped => "anything".to_owned(),
        Rule::Scalar("any scalar") => "any scalars".to_owned(),
        Rule::Scalar(word) => format!("{word}s"),
        other => other.to_string(),
    }
}

#[derive(Serialize)]
struct Shown<'s> {
    group: &'s str,
    version: &'s str,
    kind: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaced: Option<bool>,
    source: &'s str,
    #[serde(skip_serializing_if = "str::is_empty")]
    treatment: &'s str,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    path: String,
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scalar: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recursive: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    hidden: usize,
}

#[derive(Serialize)]
struct Key {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<serde_json::Value>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Field {
    fn of(path: &str, row: &TreeRow) -> Field {
        let keys = match &row.rule {
            Rule::Keyed(keys) => keys.as_slice(),
            _ => &[],
        };
        let key = |key: &crate::schema::KeyRule| Key {
            name: key.name.clone(),
            default: key.default.as_ref().and_then(|json| serde_json::from_str(json).ok()),
        };
        Field {
            path: root_or(&format!("{path}{}", row.path)).to_owned(),
            rule: row.rule.word(),
            scalar: match row.rule {
                Rule::Scalar(word) => Some(word),
                _ => None,
            },
            keys: keys.iter().map(key).collect(),
            of: row.of.as_ref().map(|rule| match rule {
                Rule::Scalar(word) => (*word).to_owned(),
                rule => rule.word().to_owned(),
            }),
            recursive: row
                .recurs
                .as_ref()
                .map(|recurs| root_or(&format!("{path}{recurs}")).to_owned()),
            hidden: row.hidden,
        }
    }
}
