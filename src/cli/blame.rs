//! `blame`: objects with the owners of every line.

mod summary;

use std::collections::HashMap;
use std::fmt::Write as _;

use clap::ValueEnum;

use crate::analysis::{Blame, BlamedField, Standing, entries_of, resolve_path};
use crate::fieldpath::Path;
use crate::managedfields::ManagedFieldsEntry;
use crate::value::{Value, ValueRef};
use crate::yaml;

use super::input::{self, Loaded, Object};
use super::report::{self, Times, harmless};
use super::schemas::Known;
use super::session::Session;
use super::{Common, edit, secrets};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct BlameArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Only what these managers own (repeatable)
    #[arg(long, value_name = "NAME")]
    field_manager: Vec<String>,
    /// Only this path and what is in it, such as .spec.template or
    /// '.spec.containers[name="app"]' (repeatable)
    #[arg(long, value_name = "PATH")]
    path: Vec<String>,
    /// How the times of owners are told
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Times::Relative)]
    time: Times,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Form::Yaml)]
    output: Form,
    /// Show the values of Secrets
    #[arg(long)]
    show_secrets: bool,
    /// Only how much every manager owns of all objects together; reads dumps of any size
    #[arg(long, conflicts_with_all = ["path", "show_secrets"])]
    summary: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The object as YAML, the owners in front of every line
    Yaml,
    /// One field and owner a line
    Table,
    /// Every field with its owners
    Json,
    /// A page to look at in a browser
    Html,
}

/// The version of the JSON shape, which `docs/json.md` describes.
const SCHEMA_VERSION: &str = "managed-fields.blame/v1";

/// What stands in the place of owners.
const NOBODY: &str = "(nobody)";
const NOT_TRACKED: &str = "(not tracked)";

/// An object and whose its fields are.
struct Blamed {
    object: Object,
    /// Without entries, and without what is not to be shown.
    value: Value,
    blame: Blame,
    /// What is asked for; nothing if all of it is.
    paths: Vec<Path>,
    /// Which fields are asked for.
    is_shown: Vec<bool>,
}

pub(super) fn run(args: BlameArgs, session: &mut Session<'_, '_>) {
    if args.summary {
        return summary::run(&args, session);
    }
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let mut missed: Vec<Option<String>> = vec![None; args.path.len()];
    let mut found = vec![false; args.path.len()];
    let mut report = Report::new(&args, session);
    let mut tell = |object: Loaded, is_alone: bool, session: &mut Session<'_, '_>| {
        let Ok(object) = object else { return };
        report.is_alone = is_alone;
        let Some((object, value, blame)) = blame(&args, &mut known, object, session) else {
            return;
        };
        let mut paths = Vec::new();
        for ((text, found), missed) in args.path.iter().zip(&mut found).zip(&mut missed) {
            match resolve_path(text, &blame) {
                Ok(path) => {
                    *found = true;
                    paths.push(path);
                }
                Err(error) => *missed = Some(format!("{}: {error}", object.identity)),
            }
        }
        if paths.is_empty() && !args.path.is_empty() {
            return;
        }
        let is_shown = shown(&blame, &paths, &args.field_manager);
        if !is_shown.contains(&true) && !args.field_manager.is_empty() {
            if is_alone {
                let names = args.field_manager.join(", ");
                session.note(&object.place, format_args!("{names} owns nothing of it"));
            }
            return;
        }
        report.add(&Blamed { object, value, blame, paths, is_shown }, session);
    };
    // The first waits until it is known whether it is alone.
    let (mut first, mut is_alone) = (None, true);
    let (names, recursive) = (&args.common.filename, args.common.recursive);
    input::each(names, recursive, session, &mut |object, session| {
        match first.take() {
            None if is_alone => return first = Some(object),
            Some(before) => tell(before, false, session),
            None => {}
        }
        is_alone = false;
        tell(object, false, session);
    });
    if let Some(only) = first {
        tell(only, true, session);
    }
    for (missed, found) in missed.into_iter().zip(found) {
        if let (Some(message), false) = (missed, found) {
            session.error("--path", message);
        }
    }
    report.finish(session);
}

fn blame(
    args: &BlameArgs,
    known: &mut Known,
    mut object: Object,
    session: &mut Session<'_, '_>,
) -> Option<(Object, Value, Blame)> {
    object.warn_if_owners_were_hidden(session);
    object.require_type(session).ok()?;
    if let Some(namespace) = &args.common.namespace
        && object.identity.namespace.is_empty()
    {
        object.fill("namespace", namespace);
    }
    known.prepare(&object, session).ok()?;
    let entries = match entries_of(&object.value) {
        Ok(entries) => entries,
        Err(error) => {
            session.error(&object.place, error);
            return None;
        }
    };
    let mut json = edit::without_managed_fields(&object.value.to_json());
    if !args.show_secrets {
        json = secrets::mask(&object.identity, json);
    }
    let value = Value::from_json(&json).unwrap_or_else(|_| Value::null());
    let ty = known.schemas().find(&object.identity.kind);
    let blame = Blame::new(&value, &entries, ty.as_ref());
    Some((object, value, blame))
}

/// Which fields are at or below one of the paths, if there are any, and owned by one of the
/// managers, if any are named.
fn shown(blame: &Blame, paths: &[Path], managers: &[String]) -> Vec<bool> {
    let mut below: Vec<bool> = Vec::with_capacity(blame.fields().len());
    let mut shown = Vec::with_capacity(blame.fields().len());
    for field in blame.fields() {
        let is_below = paths.is_empty()
            || field.parent().and_then(|parent| below.get(parent)).is_some_and(|below| *below)
            || paths.contains(&blame.path(field));
        below.push(is_below);
        let mut owners = blame.owners(field).map(|owner| owner.manager.name());
        let is_owned = managers.is_empty() || owners.any(|name| managers.iter().any(|m| m == name));
        shown.push(is_below && is_owned);
    }
    shown
}

/// What is printed, as it comes to be.
struct Report<'a> {
    args: &'a BlameArgs,
    is_alone: bool,
    is_first: bool,
    is_colored: bool,
    objects: report::Objects,
    /// What HTML is made of.
    parts: Vec<String>,
    /// The names of managers in the order in which they were met: it gives them their colours.
    managers: HashMap<String, usize>,
}

impl<'a> Report<'a> {
    fn new(args: &'a BlameArgs, session: &Session<'_, '_>) -> Report<'a> {
        Report {
            args,
            is_alone: true,
            is_first: true,
            is_colored: session.colors_results(),
            objects: report::Objects::new(SCHEMA_VERSION),
            parts: Vec::new(),
            managers: HashMap::new(),
        }
    }

    fn add(&mut self, blamed: &Blamed, session: &mut Session<'_, '_>) {
        match self.args.output {
            Form::Yaml => {
                let text = self.yaml(blamed, session);
                session.print(&text);
            }
            Form::Table => {
                let text = self.table(blamed, session);
                session.print(&text);
            }
            Form::Json => self.objects.add(&json(blamed, self.args), session),
            Form::Html => {
                let part = self.html(blamed, session);
                self.parts.push(part);
            }
        }
    }

    fn finish(self, session: &mut Session<'_, '_>) {
        match self.args.output {
            Form::Yaml | Form::Table => {}
            Form::Json => self.objects.finish(session),
            Form::Html => {
                let body = format!("<h1>Owners of every line</h1>\n{}", self.parts.concat());
                let mut style = include_str!("blame.css").to_owned();
                for index in 0..self.managers.len() {
                    let hue = hue(index);
                    let _ = writeln!(style, ".m{index} {{ --hue: {hue}; }}");
                }
                session.print(&report::page("Owners of every line", &style, &body));
            }
        }
    }

    fn number(&mut self, manager: &str) -> usize {
        if let Some(known) = self.managers.get(manager) {
            return *known;
        }
        let number = self.managers.len();
        self.managers.insert(manager.to_owned(), number);
        number
    }

    fn heading(&mut self, blamed: &Blamed) -> String {
        let is_first = std::mem::take(&mut self.is_first);
        match (self.is_alone, self.args.output) {
            (true, _) => String::new(),
            (false, _) => {
                let blank = if is_first { "" } else { "\n" };
                format!("{blank}# {} ({})\n", blamed.object.identity, blamed.object.place)
            }
        }
    }

    /// The owner as it stands before a line: `web Update/scale 3d`.
    fn owner(&self, owner: &ManagedFieldsEntry, session: &Session<'_, '_>) -> String {
        let manager = &owner.manager;
        let mut text = format!("{} {}", harmless(manager.name()), manager.operation());
        if !manager.subresource().is_empty() {
            let _ = write!(text, "/{}", harmless(manager.subresource()));
        }
        let time = self.args.time.tell(owner.time, session.now());
        if !time.is_empty() {
            let _ = write!(text, " {time}");
        }
        text
    }

    fn yaml(&mut self, blamed: &Blamed, session: &Session<'_, '_>) -> String {
        let mut out = self.heading(blamed);
        let lines = Line::all(blamed);
        let told: Vec<Told> = lines.iter().map(|line| self.told(line, blamed, session)).collect();
        let width = told.iter().map(Told::width).max().unwrap_or_default().min(WIDEST);
        for (line, told) in lines.iter().zip(&told) {
            let space = " ".repeat(width.saturating_sub(told.width()));
            let owners: Vec<String> = told.owners.iter().map(|owner| self.paint(owner)).collect();
            let text = match told.owners.as_slice() {
                [only] if self.is_colored => paint(color(only.manager), &line.text),
                [] if self.is_colored && told.is_unowned => paint(DIM, &line.text),
                _ => line.text.to_owned(),
            };
            let gutter = owners.join(", ") + told.instead;
            let _ = writeln!(out, "{gutter}{space} | {text}");
        }
        for (path, owners) in absent(blamed, self.args) {
            let owners: Vec<String> =
                owners.iter().map(|owner| self.owner(owner, session)).collect();
            let _ = writeln!(out, "# not in the object: {path}, owned by {}", owners.join(", "));
        }
        out
    }

    fn paint(&self, owner: &Owner) -> String {
        if self.is_colored { paint(color(owner.manager), &owner.text) } else { owner.text.clone() }
    }

    fn told(&mut self, line: &Line, blamed: &Blamed, session: &Session<'_, '_>) -> Told {
        let owners = line.owners(&blamed.blame);
        let owners: Vec<Owner> = owners
            .into_iter()
            .map(|owner| Owner {
                manager: self.number(owner.manager.name()),
                text: self.owner(owner, session),
            })
            .collect();
        let standing = line.standing(&blamed.blame);
        let instead = match standing {
            _ if !owners.is_empty() => "",
            Some(Standing::Untracked) => NOT_TRACKED,
            Some(Standing::Unowned) => NOBODY,
            _ => "",
        };
        Told { owners, instead, is_unowned: standing == Some(Standing::Unowned) }
    }

    fn table(&mut self, blamed: &Blamed, session: &Session<'_, '_>) -> String {
        let mut out = self.heading(blamed);
        let mut rows = Vec::new();
        for (field, value) in told(blamed) {
            let path = blamed.blame.path(field).to_string();
            let value = report::short(value);
            let mut owners = blamed.blame.owners(field).peekable();
            if owners.peek().is_none() {
                let nobody =
                    if field.standing() == Standing::Untracked { NOT_TRACKED } else { NOBODY };
                let nothing = String::new;
                rows.push([path, value, nobody.to_owned(), nothing(), nothing(), nothing()]);
                continue;
            }
            for owner in owners {
                rows.push(self.row(&path, &value, owner, session));
            }
        }
        for (path, owners) in absent(blamed, self.args) {
            rows.extend(
                owners.iter().map(|owner| {
                    self.row(&path.to_string(), "(not in the object)", owner, session)
                }),
            );
        }
        out +=
            &report::table(["PATH", "VALUE", "MANAGER", "OPERATION", "SUBRESOURCE", "TIME"], &rows);
        out
    }

    fn row(
        &self,
        path: &str,
        value: &str,
        owner: &ManagedFieldsEntry,
        session: &Session<'_, '_>,
    ) -> [String; 6] {
        [
            path.to_owned(),
            value.to_owned(),
            owner.manager.name().to_owned(),
            owner.manager.operation().to_string(),
            owner.manager.subresource().to_owned(),
            self.args.time.tell(owner.time, session.now()),
        ]
    }

    fn html(&mut self, blamed: &Blamed, session: &Session<'_, '_>) -> String {
        let mut out = format!("<h2>{}</h2>\n", report::html(&blamed.object.identity.to_string()));
        let _ = writeln!(out, "<p>{}</p>", report::html(&blamed.object.place.to_string()));
        out.push_str("<table class=\"yaml\">\n");
        for line in Line::all(blamed) {
            let told = self.told(&line, blamed, session);
            let mut owners = String::new();
            for owner in &told.owners {
                let _ = write!(
                    owners,
                    "<span class=\"owner m{}\">{}</span> ",
                    owner.manager,
                    report::html(&owner.text)
                );
            }
            let class = match told.owners.as_slice() {
                [only] => format!("m{} owned", only.manager),
                [] if told.is_unowned => "unowned".to_owned(),
                [] => "plain".to_owned(),
                _ => "shared".to_owned(),
            };
            let _ = writeln!(
                out,
                "<tr class=\"{class}\"><td>{owners}{}</td><td class=\"text\">{}</td></tr>",
                told.instead,
                report::html(&line.text)
            );
        }
        out.push_str("</table>\n");
        let missing = absent(blamed, self.args);
        if !missing.is_empty() {
            out.push_str("<p>Owned, but not in the object:</p>\n<ul>\n");
            for (path, owners) in missing {
                let owners: Vec<String> =
                    owners.iter().map(|owner| report::html(&self.owner(owner, session))).collect();
                let path = report::html(&path.to_string());
                let _ = writeln!(out, "<li><code>{path}</code>: {}</li>", owners.join(", "));
            }
            out.push_str("</ul>\n");
        }
        out
    }
}

/// Columns that owners take at most before all lines.
const WIDEST: usize = 80;

/// The owners of a line in words.
struct Told {
    owners: Vec<Owner>,
    /// What stands there if there are none.
    instead: &'static str,
    is_unowned: bool,
}

struct Owner {
    manager: usize,
    text: String,
}

impl Told {
    fn width(&self) -> usize {
        let owners: usize = self.owners.iter().map(|owner| owner.text.chars().count()).sum();
        owners + 2 * self.owners.len().saturating_sub(1) + self.instead.len()
    }
}

const DIM: &str = "2";

/// The colours of terminals that tell managers apart, again and again from the first.
fn color(manager: usize) -> &'static str {
    const COLORS: [&str; 10] = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"];
    COLORS.get(manager % COLORS.len()).copied().unwrap_or_default()
}

fn paint(color: &str, text: &str) -> String {
    format!("\u{1b}[{color}m{text}\u{1b}[0m")
}

/// Hues that lie far apart, whatever their number.
fn hue(manager: usize) -> usize {
    200 + manager * 137
}

/// A line of YAML and the fields that it shows.
struct Line {
    text: String,
    /// Those that begin on it; where none does, what goes on from the line before.
    fields: Vec<usize>,
}

impl Line {
    /// The lines of an object that are asked for, and those that lead there.
    fn all(blamed: &Blamed) -> Vec<Line> {
        let text = yaml::from_value(blamed.value.as_ref());
        let count = text.lines().count();
        let mut lines: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (index, line) in starts(&text, blamed.blame.fields().len()).into_iter().enumerate() {
            if let Some(fields) = line.checked_sub(1).and_then(|line| lines.get_mut(line)) {
                fields.push(index);
            }
        }
        let mut before = Vec::new();
        for fields in &mut lines {
            match fields.is_empty() {
                true => fields.clone_from(&before),
                false => before.clone_from(fields),
            }
        }
        let mut leads = blamed.is_shown.clone();
        for (index, field) in blamed.blame.fields().iter().enumerate().rev() {
            if leads.get(index) == Some(&true)
                && let Some(parent) = field.parent().and_then(|parent| leads.get_mut(parent))
            {
                *parent = true;
            }
        }
        text.lines()
            .zip(lines)
            .filter(|(_, fields)| fields.iter().any(|field| leads.get(*field) == Some(&true)))
            .map(|(text, fields)| Line { text: text.to_owned(), fields })
            .collect()
    }

    fn fields<'b>(&self, blame: &'b Blame) -> impl DoubleEndedIterator<Item = &'b BlamedField> {
        self.fields.iter().filter_map(|field| blame.fields().get(*field))
    }

    /// Everybody who owns one of the fields, in the order of entries.
    fn owners<'b>(&self, blame: &'b Blame) -> Vec<&'b ManagedFieldsEntry> {
        let owned: Vec<*const ManagedFieldsEntry> = self
            .fields(blame)
            .flat_map(|field| blame.owners(field).map(std::ptr::from_ref))
            .collect();
        let entries = blame.entries().iter();
        entries.filter(|entry| owned.contains(&std::ptr::from_ref(*entry))).collect()
    }

    /// How the innermost field stands to its owners.
    fn standing(&self, blame: &Blame) -> Option<Standing> {
        self.fields(blame).next_back().map(BlamedField::standing)
    }
}

/// The lines on which the fields of an object in YAML begin, each before what is in it.
fn starts(text: &str, count: usize) -> Vec<usize> {
    let read = yaml::documents(text).next().and_then(Result::ok);
    let read = read.and_then(|document| {
        let value = Value::from_json(document.json()).ok()?;
        Some((document.positions()?, document.into_json().into_owned(), value))
    });
    let mut lines = Vec::with_capacity(count);
    if let Some((positions, json, value)) = &read {
        each_inside(value.as_ref(), &mut |part| {
            lines.push(positions.of(json, part.offset()).line);
        });
    }
    // What is too deep for blocks stands on one line.
    if lines.len() == count { lines } else { vec![1; count] }
}

/// Walks over all that is in a value, a part before what is in it.
fn each_inside<'v>(value: ValueRef<'v>, take: &mut dyn FnMut(ValueRef<'v>)) {
    // The parts that are still to come, the next one last.
    let mut open: Vec<ValueRef<'v>> = parts(value);
    while let Some(part) = open.pop() {
        take(part);
        open.extend(parts(part));
    }
}

/// Members or items, the last one first.
fn parts(value: ValueRef<'_>) -> Vec<ValueRef<'_>> {
    let mut parts: Vec<ValueRef<'_>> = value.members().map(|(_, member)| member).collect();
    parts.extend(value.items());
    parts.reverse();
    parts
}

/// The fields that have something to tell: those with nothing in them, and those that are owned
/// besides what is in them.
fn told(blamed: &Blamed) -> Vec<(&BlamedField, ValueRef<'_>)> {
    let mut values = Vec::with_capacity(blamed.is_shown.len());
    each_inside(blamed.value.as_ref(), &mut |value| values.push(value));
    let fields = blamed.blame.fields().iter().zip(values).zip(&blamed.is_shown);
    fields
        .filter(|((field, value), is_shown)| {
            **is_shown && (value.is_empty() || field.standing() == Standing::Owned)
        })
        .map(|(told, _)| told)
        .collect()
}

/// What is owned and not there, unless something else is asked for.
fn absent(blamed: &Blamed, args: &BlameArgs) -> Vec<(Path, Vec<ManagedFieldsEntry>)> {
    let is_below = |path: &Path| {
        let mut wanted = blamed.paths.iter();
        blamed.paths.is_empty()
            || wanted.any(|wanted| path.elements().starts_with(wanted.elements()))
    };
    let is_asked = |owner: &&ManagedFieldsEntry| {
        args.field_manager.is_empty()
            || args.field_manager.iter().any(|name| name == owner.manager.name())
    };
    let missing = blamed.blame.absent().iter().filter(|absent| is_below(absent.path()));
    missing
        .map(|absent| {
            let owners = blamed.blame.owners_of_absent(absent).filter(is_asked);
            (absent.path().clone(), owners.cloned().collect::<Vec<_>>())
        })
        .filter(|(_, owners)| !owners.is_empty())
        .collect()
}

fn json(blamed: &Blamed, args: &BlameArgs) -> String {
    let fields: Vec<String> = told(blamed)
        .into_iter()
        .map(|(field, value)| {
            let value = match value.is_empty() {
                true => format!(r#","value":{}"#, value.to_json()),
                false => String::new(),
            };
            let standing = report::standing(field.standing());
            format!(
                r#"{{"path":{}{value},"standing":"{standing}","owners":{}}}"#,
                edit::quoted(&blamed.blame.path(field).to_string()),
                owners_json(blamed.blame.owners(field))
            )
        })
        .collect();
    let absent: Vec<String> = absent(blamed, args)
        .into_iter()
        .map(|(path, owners)| {
            let path = edit::quoted(&path.to_string());
            format!(r#"{{"path":{path},"owners":{}}}"#, owners_json(owners.iter()))
        })
        .collect();
    format!(
        r#"{{"object":{},"source":{},"fields":[{}],"absent":[{}]}}"#,
        report::identity(&blamed.object.identity),
        report::source(&blamed.object.place),
        fields.join(","),
        absent.join(",")
    )
}

fn owners_json<'e>(owners: impl Iterator<Item = &'e ManagedFieldsEntry>) -> String {
    let owners: Vec<String> = owners
        .map(|owner| {
            let time = owner.time.map(|time| edit::quoted(&time.to_string()));
            format!(
                r#"{{"manager":{},"operation":{},"subresource":{},"apiVersion":{},"time":{}}}"#,
                edit::quoted(owner.manager.name()),
                edit::quoted(owner.manager.operation().as_str()),
                edit::quoted(owner.manager.subresource()),
                edit::quoted(&owner.api_version),
                time.as_deref().unwrap_or("null")
            )
        })
        .collect();
    format!("[{}]", owners.join(","))
}
