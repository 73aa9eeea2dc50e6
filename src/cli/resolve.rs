//! `resolve`: configurations edited to end their conflicts, or what force would take.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path as FilePath;
use std::rc::Rc;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::analysis::{ConfigEdit, Remedy, RemedyError, Strategy};
use crate::fieldmanager::{ApplyError, ConfigSource, Document, FieldManager, Status};
use crate::fieldpath::{Path, PathElement};
use crate::value::edit::{Edit, Step};
use crate::value::{Value, ValueRef};
use crate::yaml;

use super::diff::Owner;
use super::input::{self, Identity, Loaded, Object, Place};
use super::locate::{self, Sources};
use super::output::{columns, pretty};
use super::pairs::{self, Pair};
use super::schemas::Known;
use super::session::Session;
use super::{Common, Target, edit, replace, report, secrets};

const SCHEMA_VERSION: &str = "managed-fields.resolve/v1";

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ResolveArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    target: Target,
    /// Who applies
    #[arg(long, value_name = "NAME")]
    field_manager: Option<String>,
    /// What is done about the fields in conflict
    #[arg(long, value_name = "HOW", value_enum)]
    strategy: How,
    /// Write the edited files back instead of printing them
    #[arg(long)]
    write: bool,
    /// What is printed
    #[arg(short = 'o', long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Show the values of Secrets on a terminal, in messages and in reports
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// Drop them from the configuration: their owners keep them
    GiveUp,
    /// Give them the values of the live object: they are owned together
    Share,
    /// Edit nothing, and list what an apply with --force-conflicts takes from whom
    Force,
}

impl How {
    fn strategy(self) -> Strategy {
        match self {
            How::GiveUp => Strategy::GiveUp,
            How::Share => Strategy::Share,
            How::Force => Strategy::Force,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            How::GiveUp => "give-up",
            How::Share => "share",
            How::Force => "force",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// The files with their edits; with force a table
    #[value(alias = "yaml")]
    Text,
    /// A report of the conflicts and the edits
    Json,
}

pub(super) fn run(args: ResolveArgs, session: &mut Session<'_, '_>) {
    if args.target.subresource() == super::scale::SCALE {
        let message = "scales are not edited: apply without --subresource to the object itself";
        return session.error("resolve", message);
    }
    if args.write && args.strategy == How::Force {
        return session.error("resolve", "force edits nothing that could be written back");
    }
    if args.write && args.common.filename.iter().any(|name| name == "-") {
        return session.error("resolve", "standard input cannot be written back: name a file");
    }
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let recursive = args.common.recursive;
    let configs = input::load(&args.common.filename, recursive, session);
    let lives = input::load_live(&args.target.live, recursive, session);
    let mut files = Files::of(&configs);
    let pairs = pairs::pair(configs, lives, args.common.namespace.as_deref(), session);
    let (mut told, mut notes) = (Vec::new(), Vec::new());
    for pair in pairs.into_iter().flatten() {
        if known.prepare(&pair.config, session).is_ok() {
            resolve(&args, &known, &pair, &mut files, (&mut told, &mut notes), session);
        }
    }
    let texts = files.edited(session);
    for Note { file, document, place, message } in notes {
        let is_edited = file.is_none_or(|file| !files.failed.contains_key(&(file, document)));
        if is_edited {
            session.note(place, message);
        }
    }
    if args.output == Output::Json {
        let mut report = report::Objects::new(SCHEMA_VERSION);
        for Told { file, document, json } in told {
            let failed = file.and_then(|file| files.failed.get(&(file, document)));
            match failed.map(|why| Status::failure(400, "BadRequest", why.clone(), None)) {
                Some(status) => {
                    report.add(&serde_json::to_string(&status).unwrap_or_default(), session);
                }
                None => report.add(&json, session),
            }
        }
        report.finish(session);
    }
    if args.write {
        for (file, text) in files.files.iter().zip(texts) {
            if let Some(text) = text.filter(|text| text.as_bytes() != file.content.as_slice()) {
                match replace::file(FilePath::new(&file.name), &text) {
                    Ok(()) => session.note(&file.name, "written"),
                    Err(error) => session.error(&file.name, error),
                }
            }
        }
    } else if args.output == Output::Text && args.strategy != How::Force {
        let hides = session.stdout_is_terminal() && !args.show_secrets;
        files.print(texts, hides, session);
    }
}

/// What is told of an edit when it has been made, and the document it is of.
struct Note {
    file: Option<usize>,
    document: usize,
    place: String,
    message: String,
}

/// A report on an object, and the document it is about.
struct Told {
    file: Option<usize>,
    document: usize,
    json: String,
}

fn resolve(
    args: &ResolveArgs,
    known: &Known,
    pair: &Pair,
    files: &mut Files,
    (told, notes): (&mut Vec<Told>, &mut Vec<Note>),
    session: &mut Session<'_, '_>,
) {
    let Pair { config, live, .. } = pair;
    if let Some(live) = live {
        live.warn_if_owners_were_hidden(session);
        warn_of_versions(known, config, live, session);
    }
    let request = FieldManager::new(known.schemas())
        .converter(known.converter(&config.identity.kind))
        .apply(live.as_ref().map_or(Document::absent(), |live| (&live.value).into()), &config.value)
        .field_manager(args.field_manager.as_deref().unwrap_or_default())
        .subresource(args.target.subresource())
        .reset_fields(known.reset_fields(args.target.reset_fields, &config.identity.kind))
        .at(session.now());
    let found = Remedy::find(request, args.strategy.strategy());
    let (document, _) = config.place.numbers();
    let file = files.index_of(config);
    let is_json = args.output == Output::Json;
    let mut add = |json: String| told.push(Told { file, document, json });
    let remedy = match found {
        Ok(remedy) => remedy,
        Err(error) => {
            let status = match &error {
                RemedyError::Apply(error) => error.to_status(),
                _ => Status::failure(409, "Conflict", error.to_string(), None),
            };
            add(serde_json::to_string(&status).unwrap_or_default());
            let at_fault = match &error {
                RemedyError::Apply(
                    ApplyError::Live(_)
                    | ApplyError::Decode(_)
                    | ApplyError::ExistingFields(_)
                    | ApplyError::TypedLive { .. },
                ) => live.as_ref().unwrap_or(config),
                _ => config,
            };
            return session.error(&at_fault.place, &error);
        }
    };
    let shown = Shown { identity: &config.identity, all: args.show_secrets };
    if is_json {
        add(shown.report(args.strategy, remedy.as_ref(), files.sources.of(config)));
    } else if args.strategy == How::Force {
        session.print(&shown.table(remedy.as_ref()));
    }
    let Some(remedy) = remedy else { return };
    session.found("");
    if !is_json {
        let source = files.sources.of(config);
        shown.tell(&config.place, &remedy, source, &mut |place, message| {
            notes.push(Note { file, document, place, message });
        });
    }
    files.take(config, remedy.edits());
}

/// Warns of entries that cannot be read in the version of the configuration: an API server may still be
/// able to, and have more conflicts.
fn warn_of_versions(known: &Known, config: &Object, live: &Object, session: &mut Session<'_, '_>) {
    let kind = &config.identity.kind;
    if known.converts(kind) {
        return;
    }
    let metadata = live.value.as_ref().get("metadata");
    let entries = metadata.and_then(|metadata| metadata.get("managedFields"));
    let mut others: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in entries.into_iter().flat_map(ValueRef::items) {
        let text = |name| entry.get(name).and_then(ValueRef::as_str).unwrap_or_default();
        let version = text("apiVersion");
        if !version.is_empty() && !kind.is_of_version(&version) {
            others.entry(version.into_owned()).or_default().insert(edit::quoted(&text("manager")));
        }
    }
    for (version, managers) in others {
        let managers: Vec<String> = managers.into_iter().collect();
        session.warn(
            &live.place,
            format_args!(
                "what {} owns is recorded in {version} and is not known in {}: conflicts with it are \
                 not seen, and an API server that still knows that version has them",
                managers.join(", "),
                kind.api_version()
            ),
        );
    }
}

/// What may be shown of an object.
struct Shown<'s> {
    identity: &'s Identity,
    /// Values of Secrets, too.
    all: bool,
}

/// A conflict in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldConflict<'c> {
    #[serde(flatten)]
    owner: Owner<'c>,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

/// An edit in JSON.
#[derive(Serialize)]
struct ToldEdit {
    change: &'static str,
    path: String,
    before: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

#[derive(Serialize)]
struct ToldRemedy<'r> {
    object: Box<RawValue>,
    strategy: &'static str,
    conflicts: Vec<ToldConflict<'r>>,
    edits: Vec<ToldEdit>,
    taken: Vec<ToldConflict<'r>>,
    removed: Vec<String>,
}

/// Fields that messages name one by one.
const SHOWN: usize = 20;

impl Shown<'_> {
    /// A value in JSON, as it may be shown.
    fn json(&self, path: &Path, value: &Value) -> String {
        let holds_hidden = self.identity.is_secret()
            && matches!(path.elements(), [] | [PathElement::FieldName(_)]);
        if !self.all && (holds_hidden || secrets::is_hidden(self.identity, &path.to_string())) {
            return edit::quoted(secrets::MASK);
        }
        value.to_json()
    }

    /// A value on one short line.
    fn short(&self, path: &Path, value: Option<&Value>) -> String {
        let Some(value) = value else { return "nothing".to_owned() };
        let json = self.json(path, value);
        // JSON that was read keeps its line breaks.
        let is_long = json.contains('\n');
        let line = Value::from_json(&json).ok().filter(|_| is_long);
        report::shortened(&line.map_or(json, |value| value.as_ref().to_canonical_json()))
    }

    fn report(&self, how: How, remedy: Option<&Remedy>, source: Option<ConfigSource>) -> String {
        let locator = source.as_ref().and_then(ConfigSource::locator);
        let line = |path: &Path| locator.as_ref()?.at(path).map(|location| location.line());
        let raw = |path: &Path, value: Option<&Value>| {
            value.map(|value| report::raw(self.json(path, value)))
        };
        let conflicts = remedy.into_iter().flat_map(|remedy| remedy.conflicts());
        let edits = remedy.map(Remedy::edits).unwrap_or_default();
        let taken = remedy.map(Remedy::taken).unwrap_or_default();
        let told = ToldRemedy {
            object: report::raw(report::identity(self.identity)),
            strategy: how.as_str(),
            conflicts: conflicts
                .map(|conflict| ToldConflict {
                    owner: Owner::of(conflict.manager()),
                    path: conflict.path().to_string(),
                    live: raw(conflict.path(), conflict.live_value()),
                    configuration: raw(conflict.path(), conflict.applied_value()),
                    line: line(conflict.path()),
                })
                .collect(),
            edits: edits
                .iter()
                .map(|edit| ToldEdit {
                    change: if edit.after.is_some() { "set" } else { "drop" },
                    path: edit.path.to_string(),
                    before: report::raw(self.json(&edit.path, &edit.before)),
                    after: raw(&edit.path, edit.after.as_ref()),
                    line: line(&edit.place),
                })
                .collect(),
            taken: taken
                .iter()
                .map(|taken| ToldConflict {
                    owner: Owner::of(&taken.manager),
                    path: taken.path.to_string(),
                    live: raw(&taken.path, taken.live.as_ref()),
                    configuration: raw(&taken.path, taken.applied.as_ref()),
                    line: line(&taken.path),
                })
                .collect(),
            removed: remedy.map(removed).unwrap_or_default(),
        };
        serde_json::to_string(&told).unwrap_or_default()
    }

    /// What force takes.
    fn table(&self, remedy: Option<&Remedy>) -> String {
        let Some(remedy) = remedy else { return format!("# {}: no conflict\n", self.identity) };
        let taken = remedy.taken();
        let fields = if taken.len() == 1 { "field" } else { "fields" };
        let mut rows = vec![["FROM", "FIELD", "LIVE", "CONFIGURATION"].map(str::to_owned)];
        rows.extend(taken.iter().map(|taken| {
            [
                taken.manager.to_string(),
                taken.path.to_string(),
                self.short(&taken.path, taken.live.as_ref()),
                self.short(&taken.path, taken.applied.as_ref()),
            ]
        }));
        let count = taken.len();
        format!("# {}: force takes {count} {fields}\n{}", self.identity, columns(&rows))
    }

    /// Tells what was done, edit by edit, and what the apply then removes.
    fn tell(
        &self,
        place: &Place,
        remedy: &Remedy,
        source: Option<ConfigSource>,
        note: &mut dyn FnMut(String, String),
    ) {
        let locator = source.as_ref().and_then(ConfigSource::locator);
        let edits = remedy.edits();
        for edit in edits.iter().take(SHOWN) {
            let location = locator.as_ref().and_then(|locator| locator.at(&edit.place));
            let at = location.map_or_else(|| place.to_string(), |location| location.to_string());
            note(at, self.line(edit, remedy));
        }
        if let Some(more @ 1..) = edits.len().checked_sub(SHOWN) {
            note(place.to_string(), format!("and {more} more edits"));
        }
        let mut removed = removed(remedy);
        if removed.is_empty() {
            return;
        }
        if let Some(more @ 1..) = removed.len().checked_sub(SHOWN) {
            removed.truncate(SHOWN);
            removed.push(format!("and {more} more"));
        }
        let removed = removed.join(", ");
        note(
            place.to_string(),
            format!("the apply removes what is not stated any more: {removed}"),
        );
    }

    fn line(&self, change: &ConfigEdit, remedy: &Remedy) -> String {
        let before = self.short(&change.path, Some(&change.before));
        let mut text = match &change.after {
            None => format!("{} is dropped (it was {before})", change.path),
            Some(after) => {
                let after = self.short(&change.path, Some(after));
                format!("{} is set to {after} (it was {before})", change.path)
            }
        };
        // Who owns which of the fields in conflict, in the order in which they are told.
        let mut owners: Vec<(&Path, Vec<String>)> = Vec::new();
        for (manager, path) in &change.ends {
            let manager = manager.to_string();
            let count = owners.len();
            match owners.iter_mut().find(|(known, _)| *known == path) {
                Some((_, known)) if known.contains(&manager) => {}
                Some((_, known)) => known.push(manager),
                None if count == SHOWN => break,
                None => owners.push((path, vec![manager])),
            }
        }
        for (path, owners) in owners {
            let owners = owners.join(", ");
            let field = if *path == change.path { String::new() } else { format!(" {path}:") };
            let _ = if change.after.is_some() {
                write!(text, ",{field} shared with {owners}")
            } else {
                let conflict = remedy.conflicts().iter().find(|one| one.path() == path);
                match conflict.and_then(|conflict| conflict.live_value()) {
                    Some(live) => {
                        let live = self.short(path, Some(live));
                        write!(text, ",{field} {live} stays with {owners}")
                    }
                    None => write!(text, ",{field} listed by {owners} though it is not there"),
                }
            };
        }
        text
    }
}

/// What the apply then removes from the object, the outermost of it.
fn removed(remedy: &Remedy) -> Vec<String> {
    let mut paths: Vec<Path> = remedy.applied().pruned().iter().collect();
    paths.sort();
    let mut outer: Vec<Path> = Vec::new();
    for path in paths {
        let last = outer.last().map(Path::elements);
        if !last.is_some_and(|last| path.elements().starts_with(last)) {
            outer.push(path);
        }
    }
    outer.iter().map(Path::to_string).collect()
}

/// A file of configurations.
struct File {
    name: String,
    content: Rc<Vec<u8>>,
    /// The edits of its documents, by their numbers from 1.
    edits: BTreeMap<usize, Edits>,
    /// The Secrets in its documents: which item, from 1, of which document.
    secrets: BTreeMap<usize, Vec<(Option<usize>, Identity)>>,
}

/// The edits of a document.
struct Edits {
    place: Place,
    edits: Vec<Edit>,
    /// The field that the first is of.
    first: String,
}

impl Edits {
    /// Why they cannot be made, with the field to look at.
    fn failure(&self, why: impl std::fmt::Display) -> String {
        let more = match self.edits.len() {
            0 | 1 => String::new(),
            edits => format!(" and {} more", edits - 1),
        };
        format!("{}{more}: {why}", self.first)
    }
}

/// The files that were read.
struct Files {
    files: Vec<File>,
    /// By where their contents are.
    indices: HashMap<*const Vec<u8>, usize>,
    sources: Sources,
    /// Documents that could not be edited, and why.
    failed: BTreeMap<(usize, usize), String>,
}

impl Files {
    fn of(configs: &[Loaded]) -> Files {
        let mut files: Vec<File> = Vec::new();
        let mut indices = HashMap::new();
        for object in configs.iter().flatten() {
            let Some(content) = object.place.content() else { continue };
            // The objects of a file share its content, which is kept, so that its address is its own.
            if let Entry::Vacant(entry) = indices.entry(Rc::as_ptr(content)) {
                entry.insert(files.len());
                let (name, content) = (object.place.file().to_owned(), content.clone());
                let (edits, secrets) = (BTreeMap::new(), BTreeMap::new());
                files.push(File { name, content, edits, secrets });
            }
            if let Some(file) = files.last_mut().filter(|_| object.identity.is_secret()) {
                let (document, item) = object.place.numbers();
                let secrets = file.secrets.entry(document).or_default();
                secrets.push((item, object.identity.clone()));
            }
        }
        Files { files, indices, sources: Sources::default(), failed: BTreeMap::new() }
    }

    fn index_of(&self, object: &Object) -> Option<usize> {
        let content = object.place.content()?;
        self.indices.get(&Rc::as_ptr(content)).copied()
    }

    /// Takes the edits of an object.
    fn take(&mut self, object: &Object, edits: &[ConfigEdit]) {
        let (document, item) = object.place.numbers();
        let Some(file) = self.index_of(object).and_then(|file| self.files.get_mut(file)) else {
            return;
        };
        let Some(first) = edits.first() else { return };
        let taken = file.edits.entry(document).or_insert_with(|| Edits {
            place: object.place.document(),
            edits: Vec::new(),
            first: first.path.to_string(),
        });
        for edit in edits {
            let Edit { place: own, value } = edit.to_edit();
            let mut place = item_steps(item);
            place.extend(own);
            taken.edits.push(Edit { place, value });
        }
    }

    /// The texts of the files with their edits. What cannot be edited is told of, and stays.
    fn edited(&mut self, session: &mut Session<'_, '_>) -> Vec<Option<String>> {
        let mut texts = Vec::with_capacity(self.files.len());
        for (index, file) in self.files.iter().enumerate() {
            let Ok(text) = std::str::from_utf8(&file.content) else {
                session.error(&file.name, NOT_UTF8);
                let failed = file.edits.keys().map(|number| (index, *number));
                self.failed.extend(failed.map(|key| (key, NOT_UTF8.to_owned())));
                texts.push(None);
                continue;
            };
            let parts = match file.edits.is_empty() {
                true => Vec::new(),
                false => locate::documents(text),
            };
            let mut patches = Vec::new();
            for (number, edits) in &file.edits {
                let part = number.checked_sub(1).and_then(|at| parts.get(at)?.clone());
                let edited = part.and_then(|(range, start)| {
                    let own = text.get(range.clone())?;
                    let document = yaml::documents_from(own, start).next()?.ok()?;
                    let from = range.start;
                    let moved =
                        move |(own, text): yaml::Patch| (from + own.start..from + own.end, text);
                    Some(document.edited(&edits.edits).map(|all| all.into_iter().map(moved)))
                });
                match edited.unwrap_or(Err(yaml::NotEdited::Unusual)) {
                    Ok(edited) => patches.extend(edited),
                    Err(error) => {
                        let why = edits.failure(&error);
                        session.error(&edits.place, &why);
                        self.failed.insert((index, *number), why);
                    }
                }
            }
            texts.push(Some(yaml::replaced(text, &patches)));
        }
        texts
    }

    /// Prints the files one after the other, as one stream.
    fn print(&self, texts: Vec<Option<String>>, hides: bool, session: &mut Session<'_, '_>) {
        let mut before: Option<String> = None;
        for (file, text) in self.files.iter().zip(texts) {
            let Some(mut text) = text else { continue };
            if hides {
                match file.hidden(&text) {
                    Some(hidden) => text = hidden,
                    None => {
                        session.error(
                            &file.name,
                            "not printed on a terminal, for it may hold a Secret that cannot be \
                             read: see to its documents, or use --show-secrets",
                        );
                        continue;
                    }
                }
            }
            if let Some(before) = before {
                if !before.ends_with('\n') {
                    session.print("\n");
                }
                if !text.starts_with("---") {
                    session.print("---\n");
                }
            }
            session.print(&text);
            before = Some(text);
        }
    }
}

/// Edits are made in texts.
const NOT_UTF8: &str = "the file is not UTF-8: it is left out";

/// The steps to an item of a list of objects.
fn item_steps(item: Option<usize>) -> Vec<Step> {
    let steps = |item: usize| vec![Step::Field("items".to_owned()), Step::Item(item - 1)];
    item.filter(|item| *item > 0).map(steps).unwrap_or_default()
}

impl File {
    /// The text without the values of Secrets: documents with some are written anew. None if a
    /// document cannot be read.
    fn hidden(&self, text: &str) -> Option<String> {
        let mut patches = Vec::new();
        let mut number = 0;
        for document in yaml::documents(text) {
            let document = document.ok()?;
            if document.json() == "null" {
                continue;
            }
            number += 1;
            let Some(secrets) = self.secrets.get(&number) else { continue };
            let mut json = document.json().to_owned();
            let mut edits = Vec::new();
            let value = Value::from_json(&json).ok()?;
            let items: Vec<ValueRef<'_>> =
                value.as_ref().get("items").into_iter().flat_map(ValueRef::items).collect();
            for (item, identity) in secrets {
                let Some(item) = item else {
                    json = secrets::mask(identity, json);
                    continue;
                };
                let secret = items.get(item.checked_sub(1)?)?.to_json();
                let masked = Value::from_json(&secrets::mask(identity, secret)).ok()?;
                edits.push(Edit { place: item_steps(Some(*item)), value: Some(masked) });
            }
            if !edits.is_empty() {
                json = crate::value::edit::edited(value.as_ref(), &edits);
            }
            let range = document.range();
            let source = text.get(range.clone())?;
            let written = match source.trim_start().starts_with(['{', '[']) {
                true => pretty(&json),
                false => {
                    let mark = if source.trim_start().starts_with("---") { "---\n" } else { "" };
                    let value = Value::from_json(&json).ok()?;
                    format!("{mark}{}", yaml::from_value(value.as_ref()))
                }
            };
            patches.push((range, written));
        }
        Some(yaml::replaced(text, &patches))
    }
}
