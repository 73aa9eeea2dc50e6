//! Objects from files, directories and standard input.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::schema::GroupVersionKind;
use crate::value::{Kind, Value, ValueRef};
use crate::yaml;

use super::Common;
use super::cores::on_all_cores;
use super::dump::{self, Looked, Piece, Said};
use super::edit;
use super::locate::Sources;
use super::session::Session;

/// Where an object was read.
#[derive(Debug, Clone)]
pub(super) struct Place {
    file: Rc<str>,
    /// From 1.
    document: usize,
    /// The item of a `List`, from 1.
    item: Option<usize>,
    /// The line on which the document begins.
    line: usize,
    /// What the file holds; kept for configurations, whose fields messages may point to.
    content: Option<Rc<Vec<u8>>>,
    /// A map of the document may hold a key more than once.
    has_repeats: bool,
}

impl Place {
    /// Before the first document of a file.
    fn of(file: &str) -> Place {
        let (file, content) = (file.into(), None);
        Place { file, document: 0, item: None, line: 1, content, has_repeats: false }
    }

    /// Takes the next document: an object, the items of a list of objects, or what is none.
    fn take(
        &mut self,
        line: usize,
        document: Result<Value, String>,
        session: &mut Session<'_, '_>,
        loaded: &mut Vec<Loaded>,
    ) {
        self.document += 1;
        self.line = line;
        self.item = None;
        self.has_repeats = false;
        match document {
            Ok(value) => {
                self.has_repeats = !value.is_verbatim();
                expand(&value, self, session, loaded);
            }
            Err(message) => {
                session.error(&*self, &message);
                loaded.push(Err(message));
            }
        }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The number of the document in the file, and that of the item in its list, both from 1.
    pub(super) fn numbers(&self) -> (usize, Option<usize>) {
        (self.document, self.item)
    }

    /// The document as a whole.
    pub(super) fn document(&self) -> Place {
        Place { item: None, ..self.clone() }
    }

    pub(super) fn has_repeats(&self) -> bool {
        self.has_repeats
    }

    pub(super) fn content(&self) -> Option<&Rc<Vec<u8>>> {
        self.content.as_ref()
    }
}

/// `config.yaml: document 2 item 3 (line 14)`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: document {}", self.file, self.document)?;
        if let Some(item) = self.item {
            write!(f, " item {item}")?;
        }
        write!(f, " (line {})", self.line)
    }
}

/// What an object says it is.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) kind: GroupVersionKind,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Identity {
    pub(super) fn of(object: ValueRef<'_>) -> Identity {
        let text = |value: Option<ValueRef<'_>>, key: &str| {
            let text = value.and_then(|value| value.get(key)).and_then(ValueRef::as_str);
            text.map(|text| text.into_owned()).unwrap_or_default()
        };
        let metadata = object.get("metadata");
        Identity {
            kind: GroupVersionKind::new(
                &text(Some(object), "apiVersion"),
                &text(Some(object), "kind"),
            ),
            namespace: text(metadata, "namespace"),
            name: text(metadata, "name"),
        }
    }

    pub(super) fn is_secret(&self) -> bool {
        self.kind.group.is_empty() && self.kind.kind == "Secret"
    }
}

/// `Deployment default/web`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind.kind.is_empty() { "object" } else { &self.kind.kind };
        f.write_str(kind)?;
        match (self.namespace.as_str(), self.name.as_str()) {
            (_, "") => Ok(()),
            ("", name) => write!(f, " {name}"),
            (namespace, name) => write!(f, " {namespace}/{name}"),
        }
    }
}

/// An object and where it was read.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) place: Place,
    pub(super) identity: Identity,
    pub(super) value: Value,
}

impl Object {
    /// Another state of the object.
    pub(super) fn with_value(&self, value: Value) -> Object {
        Object { place: self.place.clone(), identity: Identity::of(value.as_ref()), value }
    }

    /// Sets a text of the metadata that the object leaves out.
    pub(super) fn fill(&mut self, name: &str, text: &str) {
        let json = edit::with_metadata(&self.value.to_json(), name, text);
        if let Ok(value) = Value::from_json(&json) {
            self.identity = Identity::of(value.as_ref());
            self.value = value;
        }
    }

    /// Refuses an object that does not say what it is.
    pub(super) fn require_type(&self, session: &mut Session<'_, '_>) -> Result<(), String> {
        let Some(message) = problem_with_type(&self.value) else { return Ok(()) };
        session.error(&self.place, &message);
        Err(message)
    }

    /// Warns of a stored object whose owners were left out when it was fetched.
    pub(super) fn warn_if_owners_were_hidden(&self, session: &mut Session<'_, '_>) {
        warn_of_hidden_owners(sign_of_hidden_owners(&self.value), &self.place, session);
    }

    /// Warns of an object that does not say which state of it is meant.
    pub(super) fn warn_if_unguarded(&self, session: &mut Session<'_, '_>) {
        if metadata(&self.value, "resourceVersion").is_none() {
            session.warn(
                &self.place,
                "the object has no resourceVersion: the patch also changes what somebody else has \
                 written meanwhile",
            );
        }
    }
}

/// Why an object does not say what it is.
pub(super) fn problem_with_type(object: &Value) -> Option<String> {
    let text = |key: &str| {
        let text = object.as_ref().get(key).and_then(ValueRef::as_str);
        text.filter(|text| !text.is_empty())
    };
    match (text("apiVersion"), text("kind")) {
        (None, _) => Some("the object has no apiVersion".to_owned()),
        (_, None) => Some("the object has no kind".to_owned()),
        (Some(version), _) if version.matches('/').count() > 1 => {
            Some(format!("unexpected GroupVersion string: {version}"))
        }
        _ => None,
    }
}

fn metadata<'v>(object: &'v Value, name: &str) -> Option<ValueRef<'v>> {
    object
        .as_ref()
        .get("metadata")
        .and_then(|metadata| metadata.get(name))
        .filter(|value| value.kind() != Kind::Null)
}

/// Warns of an object that shows this sign of having been fetched without its owners.
pub(super) fn warn_of_hidden_owners(
    sign: Option<&str>,
    place: &Place,
    session: &mut Session<'_, '_>,
) {
    if let Some(sign) = sign {
        session.warn(
            place,
            format_args!(
                "the object has a {sign} but no managedFields: it was probably fetched \
                 without --show-managed-fields, so its owners are unknown"
            ),
        );
    }
}

/// By what an object shows that it was probably fetched without its owners.
pub(super) fn sign_of_hidden_owners(object: &Value) -> Option<&'static str> {
    if metadata(object, "managedFields").is_some() {
        return None;
    }
    ["uid", "resourceVersion"].into_iter().find(|name| metadata(object, name).is_some())
}

/// A document: an object, or why it is none, which was reported already.
pub(super) type Loaded = Result<Object, String>;

/// The live objects that a command was given.
pub(super) struct Lives {
    /// Those that matter.
    pub(super) objects: Vec<Loaded>,
    /// How many there are.
    pub(super) count: usize,
    /// Whether all of them could be read.
    pub(super) is_complete: bool,
}

/// Reads all objects of these files, in order, and reports what cannot be read.
pub(super) fn load(
    names: &[String],
    recursive: bool,
    session: &mut Session<'_, '_>,
) -> Vec<Loaded> {
    let mut loaded = Vec::new();
    for name in names {
        if !Path::new(name).is_dir() {
            each_file(name, recursive, session, &mut |file, content, session| {
                let before = loaded.len();
                if !load_file(&file, &content, session, &mut loaded) {
                    session.error(&file, NOTHING);
                }
                keep(content, loaded.get_mut(before..).unwrap_or_default(), true, session);
            });
            continue;
        }
        let read = |file: &PathBuf| {
            let content = fs::read(file)?;
            let documents = parsed(&content);
            Ok((content, documents))
        };
        let files = files(name, recursive, session);
        let contents: Vec<io::Result<_>> = on_all_cores(&files, "files", &read, session);
        for (file, read) in files.iter().zip(contents) {
            let file = file.display();
            match read {
                Ok((content, documents)) => {
                    load_parsed(&file.to_string(), content, documents, session, &mut loaded);
                }
                Err(error) => session.error(file, error),
            }
        }
    }
    loaded
}

/// What is wrong with a file without documents.
pub(super) const NOTHING: &str = "there is no object in it";

/// A document, or why it is none, and the line on which it begins.
type Parsed = (usize, Result<Value, String>);

fn parsed(content: &[u8]) -> Vec<Parsed> {
    let mut documents = Vec::new();
    each_value(content, &mut |line, document| documents.push((line, document)));
    documents
}

/// Takes the documents of a file of configurations.
fn load_parsed(
    file: &str,
    content: Vec<u8>,
    documents: Vec<Parsed>,
    session: &mut Session<'_, '_>,
    loaded: &mut Vec<Loaded>,
) {
    if documents.is_empty() {
        session.error(file, NOTHING);
    }
    let before = loaded.len();
    let mut place = Place::of(file);
    for (line, document) in documents {
        place.take(line, document, session, loaded);
    }
    keep(content, loaded.get_mut(before..).unwrap_or_default(), true, session);
}

/// Hands on the objects that [`load`] reads, one by one: nothing is kept of a file but its bytes, and the
/// objects of one document.
pub(super) fn each<'s, 'i>(
    names: &[String],
    recursive: bool,
    session: &mut Session<'s, 'i>,
    take: &mut dyn FnMut(Loaded, &mut Session<'s, 'i>),
) {
    for name in names {
        each_file(name, recursive, session, &mut |file, content, session| {
            let mut repeated = Vec::new();
            let is_one = read_documents(&file, &content, session, &mut |loaded, session| {
                repeated.extend(loaded.iter().filter(|one| one.place.has_repeats).cloned().map(Ok));
                take(loaded, session);
            });
            if !is_one {
                session.error(&file, NOTHING);
            }
            keep(content, &mut repeated, false, session);
        });
    }
}

/// Reads the live objects, if any files are named. Here nothing may be a good answer: that of
/// `kubectl get --ignore-not-found`.
pub(super) fn load_live(
    names: &[String],
    recursive: bool,
    session: &mut Session<'_, '_>,
) -> Option<Lives> {
    if names.is_empty() {
        return None;
    }
    let errors = session.errors();
    let mut objects = Vec::new();
    for name in names {
        for (file, content) in read(name, recursive, session) {
            let before = objects.len();
            load_file(&file, &content, session, &mut objects);
            keep(content, objects.get_mut(before..).unwrap_or_default(), false, session);
        }
    }
    let count = objects.len();
    Some(Lives { objects, count, is_complete: session.errors() == errors })
}

/// As [`load_live`], but of several objects only those are kept that are `wanted`.
pub(super) fn find_live(
    names: &[String],
    recursive: bool,
    wanted: &(dyn Fn(&Identity) -> bool + Sync),
    session: &mut Session<'_, '_>,
) -> Option<Lives> {
    if names.is_empty() {
        return None;
    }
    let errors = session.errors();
    let count = AtomicUsize::new(0);
    let look = |identity: &Identity, _: &Value| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        let is_wanted = wanted(identity);
        (is_first || is_wanted).then_some(is_wanted)
    };
    let mut objects = Vec::new();
    scan(names, recursive, session, &look, &mut |object, is_wanted, _| {
        objects.push((is_wanted, object));
    });
    let count = count.into_inner();
    objects.retain(|(is_wanted, _)| *is_wanted || count == 1);
    let objects = objects.into_iter().map(|(_, object)| Ok(object)).collect();
    Some(Lives { objects, count, is_complete: session.errors() == errors })
}

/// An object that is looked at.
pub(super) struct Seen {
    pub(super) identity: Identity,
    pub(super) value: Value,
    /// Where its text stands in its file, if it can be had from there again.
    pub(super) text: Option<Range<u64>>,
}

/// Has every object of these files looked at, on all cores, and hands on those in which something was
/// found, in order; what cannot be read is reported. A dump in JSON, which may be larger than memory, is
/// read piece by piece. Gives the files without any document, which may be a good answer.
pub(super) fn scan<R: Send>(
    names: &[String],
    recursive: bool,
    session: &mut Session<'_, '_>,
    look: &(dyn Fn(&Identity, &Value) -> Option<R> + Sync),
    take: &mut dyn FnMut(Object, R, &mut Session<'_, '_>),
) -> Vec<String> {
    let look = |seen: Seen| {
        let found = look(&seen.identity, &seen.value)?;
        Some((seen.identity, seen.value, found))
    };
    survey(names, recursive, session, &look, &mut |place, (identity, value, found), session| {
        take(Object { place, identity, value }, found, session);
    })
}

/// As [`scan`], but of the objects nothing is kept but what was found in them.
pub(super) fn survey<R: Send>(
    names: &[String],
    recursive: bool,
    session: &mut Session<'_, '_>,
    look: &Look<'_, R>,
    take: &mut dyn FnMut(Place, R, &mut Session<'_, '_>),
) -> Vec<String> {
    let mut empty = Vec::new();
    for name in names {
        if name == "-" {
            let file = "standard input";
            let scanned = session.open_stdin().and_then(|stdin| {
                scan_reader(stdin, false, look, &mut |_| {}).map_err(|error| error.to_string())
            });
            match scanned {
                Ok(scanned) => {
                    if !take_scanned(file, scanned, look, session, take) {
                        empty.push(file.to_owned());
                    }
                }
                Err(error) => session.error(file, error),
            }
            continue;
        }
        let paths = files(name, recursive, session);
        let mut rest = paths.as_slice();
        while let Some((path, others)) = rest.split_first() {
            let small = rest.iter().take(TOGETHER).take_while(|path| is_small(path)).count();
            if small > 1 {
                let (together, others) = rest.split_at(small);
                rest = others;
                let read = on_all_cores(together, "files", &read_parsed, session);
                for (path, scanned) in together.iter().zip(read) {
                    let file = path.display().to_string();
                    match scanned {
                        Ok(scanned) => {
                            if !take_scanned(&file, scanned, look, session, take) {
                                empty.push(file);
                            }
                        }
                        Err(error) => session.error(&file, error),
                    }
                }
                continue;
            }
            rest = others;
            let file = path.display().to_string();
            let scanned = fs::File::open(path).and_then(|mut reader| {
                let metadata = reader.metadata().ok();
                let all = metadata.as_ref().map(|metadata| metadata.len()).unwrap_or_default();
                // What is a pipe does not go back.
                let stays = metadata.is_some_and(|metadata| metadata.is_file());
                let mut progress = |read| {
                    let (read, all) = (read >> 20, all >> 20);
                    session.progress(format_args!("{file}: {read} of {all} MiB"));
                };
                let mut scanned = scan_reader(&mut reader, stays, look, &mut progress)?;
                if let Scanned::Dump(looked, again) = &mut scanned
                    && !again.is_empty()
                    && reader.rewind().is_ok()
                {
                    scan_again(&mut reader, again, look, looked, &mut progress)?;
                    again.clear();
                }
                Ok(scanned)
            });
            session.progress_is_over();
            match scanned {
                Ok(scanned) => {
                    if !take_scanned(&file, scanned, look, session, take) {
                        empty.push(file);
                    }
                }
                Err(error) => session.error(&file, error),
            }
        }
    }
    empty
}

impl Seen {
    /// How the object is had again.
    pub(super) fn store(self) -> (Identity, Stored) {
        let stored = match self.text {
            Some(text) => Stored::InFile(text),
            None => Stored::Held(self.value.to_json()),
        };
        (self.identity, stored)
    }
}

/// An object that is not held, and how it is had again.
pub(super) struct Kept {
    pub(super) place: Place,
    pub(super) identity: Identity,
    pub(super) stored: Stored,
}

/// How the text of an object is had again.
pub(super) enum Stored {
    /// From its file.
    InFile(Range<u64>),
    /// It is held, in JSON.
    Held(String),
}

/// Reads once more what objects were read from, file by file.
#[derive(Default)]
pub(super) struct Rereader {
    open: Option<(String, fs::File)>,
}

impl Rereader {
    /// The text of an object that was read at this place.
    pub(super) fn read(&mut self, place: &Place, stored: Stored) -> io::Result<Vec<u8>> {
        let text = match stored {
            Stored::Held(text) => return Ok(text.into_bytes()),
            Stored::InFile(text) => text,
        };
        let file = place.file();
        if self.open.as_ref().is_none_or(|(name, _)| name != file) {
            self.open = Some((file.to_owned(), fs::File::open(file)?));
        }
        let mut bytes = Vec::new();
        if let Some((_, reader)) = &mut self.open {
            reader.seek(SeekFrom::Start(text.start))?;
            reader.take(text.end.saturating_sub(text.start)).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }
}

/// An object that says what it is, and nothing else.
pub(super) fn head(identity: &Identity) -> String {
    let Identity { kind, namespace, name } = identity;
    let mut json = edit::with_type("{}", &kind.api_version(), &kind.kind);
    for (member, text) in [("namespace", namespace), ("name", name)] {
        if !text.is_empty() {
            json = edit::with_metadata(&json, member, text);
        }
    }
    json
}

/// Objects and bytes up to which stored objects are read before they are looked at.
const MOST_OBJECTS: usize = 1024;
const MOST_BYTES: usize = 4 << 20;

/// Whether so many stored objects are enough to be looked at together.
pub(super) fn is_batch(objects: usize, bytes: usize) -> bool {
    objects >= MOST_OBJECTS || bytes >= MOST_BYTES
}

/// Reads objects once more, on all cores, and hands them on in order, some at a time. What cannot be read
/// any more is told.
pub(super) fn in_batches<'s, 'i>(
    kept: Vec<Kept>,
    session: &mut Session<'s, 'i>,
    take: &mut dyn FnMut(Vec<Object>, &mut Session<'s, 'i>),
) {
    let mut reader = Rereader::default();
    let (mut places, mut texts, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut kept = kept.into_iter().peekable();
    while let Some(Kept { place, identity, stored }) = kept.next() {
        match reader.read(&place, stored) {
            Ok(text) => {
                bytes += text.len();
                places.push(place);
                texts.push((identity, text));
            }
            Err(error) => session.error(&place, format_args!("it cannot be read again: {error}")),
        }
        if kept.peek().is_some() && !is_batch(texts.len(), bytes) {
            continue;
        }
        bytes = 0;
        let texts = std::mem::take(&mut texts);
        let values = on_all_cores(&texts, "objects", &read_again, session);
        let mut objects = Vec::with_capacity(values.len());
        for ((place, (identity, _)), value) in places.drain(..).zip(texts).zip(values) {
            match value {
                Some(value) => objects.push(Object { place, identity, value }),
                None => session.error(&place, "its file was changed while it was read"),
            }
        }
        take(objects, session);
    }
}

/// An object from its text; none if that is not the object any more. An item of a list need not say what
/// it is.
fn read_again((identity, text): &(Identity, Vec<u8>)) -> Option<Value> {
    let value = Value::from_json_bytes(text).ok()?;
    let kind = &identity.kind;
    let value = match has_kind(&value) {
        true => value,
        false => item_of(value.as_ref(), &kind.api_version(), &kind.kind),
    };
    let now = Identity::of(value.as_ref());
    let is_same =
        now.kind == *kind && (&now.namespace, &now.name) == (&identity.namespace, &identity.name);
    is_same.then_some(value)
}

/// Measures every object of these files, on all cores, and adds up what was found; what cannot be read
/// or measured is reported. Of dumps nothing is kept.
pub(super) fn tally<T: Default + Send, M, E: fmt::Display + Send>(
    common: &Common,
    session: &mut Session<'_, '_>,
    measure: impl Fn(&Identity, &Value) -> Result<M, E> + Sync,
    add: impl Fn(&mut T, M) + Sync,
) -> T {
    let sum = Mutex::new(T::default());
    let look = |identity: &Identity, object: &Value| {
        let measured = measure(identity, object);
        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
        measured.map(|measured| add(&mut sum, measured)).err()
    };
    scan(&common.filename, common.recursive, session, &look, &mut |object, error, session| {
        session.error(&object.place, error);
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What a file turned out to hold.
enum Scanned<R> {
    /// A dump, what was found in it, and what must be looked at once more.
    Dump(Looked<Spotted<R>>, Again),
    /// Something else, which was read to its end.
    Other(Vec<u8>),
    /// The same, with its documents.
    Parsed(Vec<u8>, Vec<Parsed>),
}

/// As many files of a directory are read together, on all cores, and up to this size.
const TOGETHER: usize = 512;
const SMALL_FILE: u64 = 1 << 16;

fn is_small(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= SMALL_FILE)
}

fn read_parsed<R>(path: &PathBuf) -> io::Result<Scanned<R>> {
    let content = fs::read(path)?;
    let documents = parsed(&content);
    Ok(Scanned::Parsed(content, documents))
}

/// What was found in an object, or why it is none; and its document, item and line, from 1.
type Spotted<R> = ((usize, Option<usize>, usize), Result<R, String>);

/// Documents of a dump that said behind their items what these are, or that they are none.
type Again = BTreeMap<usize, Said>;

/// Has an object looked at.
type Look<'l, R> = dyn Fn(Seen) -> Option<R> + Sync + 'l;

/// Files up to this size are read as a whole, whatever they hold.
pub(super) const SMALL: usize = 1 << 20;

fn scan_reader<R: Send>(
    reader: &mut dyn Read,
    stays: bool,
    look: &Look<'_, R>,
    progress: &mut dyn FnMut(usize),
) -> io::Result<Scanned<R>> {
    let mut beginning = Vec::new();
    reader.take(SMALL as u64).read_to_end(&mut beginning)?;
    if beginning.len() < SMALL || !dump::is_dump(&beginning) {
        reader.read_to_end(&mut beginning)?;
        return Ok(Scanned::Other(beginning));
    }
    // Documents with items that do not say what they are, nor did the document so far.
    let open = Mutex::new(BTreeSet::new());
    let look = |piece: &Piece<'_>| {
        spot(piece, stays, look, &|item| {
            let is_complete = piece.item.is_none() || piece.list.is_some() || has_kind(item);
            if !is_complete && let Ok(mut open) = open.lock() {
                open.insert(piece.document);
            }
            is_complete
        })
    };
    let mut looked = dump::look(&beginning, reader, &BTreeMap::new(), &look, progress)?;
    let mut again = std::mem::take(&mut looked.said_late);
    let open = open.into_inner().unwrap_or_default();
    again.retain(|document, said| *said == Said::Object || open.contains(document));
    looked.kept.retain(|((document, ..), _)| again.get(document) != Some(&Said::Object));
    Ok(Scanned::Dump(looked, again))
}

/// Reads a dump from its beginning for what could not be looked at, and puts it where it belongs.
fn scan_again<R: Send>(
    reader: &mut dyn Read,
    again: &Again,
    look: &Look<'_, R>,
    looked: &mut Looked<Spotted<R>>,
    progress: &mut dyn FnMut(usize),
) -> io::Result<()> {
    let look = |piece: &Piece<'_>| {
        let spotted = spot(piece, true, look, &|item| piece.item.is_none() || !has_kind(item));
        // Items that are broken were told of before.
        spotted.filter(|(_, found)| piece.item.is_none() || found.is_ok())
    };
    looked.kept.extend(dump::look(&[], reader, again, &look, progress)?.kept);
    looked.kept.sort_by_key(|((document, item, _), _)| (*document, *item));
    Ok(())
}

pub(super) fn has_kind(item: &Value) -> bool {
    item.as_ref().get("kind").is_some()
}

/// Has a piece of a dump looked at if it is `wanted`. The text of one that `stays` can be had again.
fn spot<R>(
    piece: &Piece<'_>,
    stays: bool,
    look: &Look<'_, R>,
    wanted: &dyn Fn(&Value) -> bool,
) -> Option<Spotted<R>> {
    let numbers = (piece.document, piece.item, piece.line);
    let value = match Value::from_json_bytes(piece.text) {
        Ok(value) if wanted(&value) => value,
        Ok(_) => return None,
        Err(error) => return Some((numbers, Err(error.to_string()))),
    };
    let value = match piece.list {
        Some(Said::List { api_version, kind }) if !has_kind(&value) => {
            item_of(value.as_ref(), api_version, kind)
        }
        _ => value,
    };
    let text = stays.then(|| piece.start..piece.start + piece.text.len() as u64);
    let found = look(Seen { identity: Identity::of(value.as_ref()), value, text });
    found.map(|found| (numbers, Ok(found)))
}

/// Hands on what was found. False for a file without any document.
fn take_scanned<R>(
    file: &str,
    scanned: Scanned<R>,
    look: &Look<'_, R>,
    session: &mut Session<'_, '_>,
    take: &mut dyn FnMut(Place, R, &mut Session<'_, '_>),
) -> bool {
    let file: Rc<str> = file.into();
    let (content, documents) = match scanned {
        Scanned::Dump(looked, missed) => {
            take_looked(&file, looked, &missed, session, take);
            return true;
        }
        Scanned::Other(content) => (Rc::new(content), None),
        Scanned::Parsed(content, documents) => (Rc::new(content), Some(documents)),
    };
    let (mut sources, mut warned) = (Sources::default(), None);
    let mut take = |mut loaded: Loaded, session: &mut Session<'_, '_>| {
        if let Ok(object) = &mut loaded
            && object.place.has_repeats
        {
            object.place.content = Some(content.clone());
            let (number, _) = object.place.numbers();
            if warned.replace(number) != Some(number) && session.warns_of_repeats() {
                sources.warn_of_repeats(std::slice::from_ref(&loaded), session);
            }
        }
        let Ok(Object { place, identity, value }) = loaded else { return };
        if let Some(found) = look(Seen { identity, value, text: None }) {
            take(place, found, session);
        }
    };
    match documents {
        None => read_documents(&file, &content, session, &mut take),
        Some(documents) => {
            let mut place = Place::of(&file);
            let mut loaded = Vec::new();
            for (line, document) in documents {
                place.take(line, document, session, &mut loaded);
                loaded.drain(..).for_each(|one| take(one, session));
            }
            place.document > 0
        }
    }
}

/// Hands on what was found in a dump.
fn take_looked<R>(
    file: &Rc<str>,
    looked: Looked<Spotted<R>>,
    missed: &Again,
    session: &mut Session<'_, '_>,
    take: &mut dyn FnMut(Place, R, &mut Session<'_, '_>),
) {
    for ((document, item, line), found) in looked.kept {
        let file = file.clone();
        let place = Place { file, document, item, line, content: None, has_repeats: false };
        match found {
            Ok(found) => take(place, found, session),
            Err(message) => session.error(place, message),
        }
    }
    for document in missed.keys() {
        session.error(
            format_args!("{file}: document {document}"),
            "it says behind its items what they are, and it is too large to be kept until then: \
             read it from a file",
        );
    }
    if let Some(line) = looked.is_cut_off {
        session.error(file, format_args!("it ends in the middle of an object (line {line})"));
    }
}

/// Gives the objects of a file what the file holds, and warns of keys that are repeated in it.
fn keep(
    content: Vec<u8>,
    objects: &mut [Loaded],
    is_configuration: bool,
    session: &mut Session<'_, '_>,
) {
    let has_repeats = objects.iter().flatten().any(|object| object.place.has_repeats);
    if !is_configuration && !has_repeats {
        return;
    }
    let content = Rc::new(content);
    for object in objects.iter_mut().flatten() {
        object.place.content = Some(content.clone());
    }
    if has_repeats && session.warns_of_repeats() {
        Sources::default().warn_of_repeats(objects, session);
    }
}

/// The files behind an argument and their bytes; what cannot be read is reported.
pub(super) fn read(
    name: &str,
    recursive: bool,
    session: &mut Session<'_, '_>,
) -> Vec<(String, Vec<u8>)> {
    let mut contents = Vec::new();
    each_file(name, recursive, session, &mut |file, content, _| contents.push((file, content)));
    contents
}

/// What is done with a file and its bytes.
type Take<'t, 's, 'i> = dyn FnMut(String, Vec<u8>, &mut Session<'s, 'i>) + 't;

/// Hands on the files behind an argument one by one; what cannot be read is reported.
pub(super) fn each_file<'s, 'i>(
    name: &str,
    recursive: bool,
    session: &mut Session<'s, 'i>,
    take: &mut Take<'_, 's, 'i>,
) {
    if name == "-" {
        return match session.read_stdin() {
            Ok(bytes) => take("standard input".to_owned(), bytes, session),
            Err(error) => session.error("standard input", error),
        };
    }
    for file in files(name, recursive, session) {
        match fs::read(&file) {
            Ok(bytes) => take(file.display().to_string(), bytes, session),
            Err(error) => session.error(file.display(), error),
        }
    }
}

/// The files behind an argument.
pub(super) fn files(name: &str, recursive: bool, session: &mut Session<'_, '_>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let path = Path::new(name);
    if path.is_dir() {
        list(path, recursive, session, &mut files);
        if files.is_empty() {
            session.error(name, "the directory holds no .yaml, .yml or .json files");
        }
    } else {
        files.push(path.to_owned());
    }
    files
}

/// The manifests of a directory by name; directories below it follow where they sort.
fn list(
    directory: &Path,
    recursive: bool,
    session: &mut Session<'_, '_>,
    files: &mut Vec<PathBuf>,
) {
    // Each step takes one directory, so links that run in circles are cut by the system's limit on
    // the length of paths.
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        if !path.is_dir() {
            files.push(path);
            continue;
        }
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) => {
                session.error(path.display(), error);
                continue;
            }
        };
        let mut inside: Vec<PathBuf> =
            entries
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .filter(|path| {
                    if path.is_dir() { recursive && !path.is_symlink() } else { is_manifest(path) }
                })
                .collect();
        inside.sort();
        open.extend(inside.into_iter().rev());
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
}

/// Takes the objects of a file; false if there is no document in it.
fn load_file(
    file: &str,
    content: &[u8],
    session: &mut Session<'_, '_>,
    loaded: &mut Vec<Loaded>,
) -> bool {
    let is_any = read_documents(file, content, session, &mut |one, session| {
        loaded.push(one);
        if loaded.len().is_multiple_of(MANY) {
            session.progress(format_args!("{} objects read", loaded.len()));
        }
    });
    if loaded.len() >= MANY {
        session.progress_is_over();
    }
    is_any
}

/// After so many objects those who watch are told how far reading has come.
const MANY: usize = 1024;

/// Hands on the objects of a file, document by document; false if there is none in it.
fn read_documents<'s, 'i>(
    file: &str,
    content: &[u8],
    session: &mut Session<'s, 'i>,
    take: &mut dyn FnMut(Loaded, &mut Session<'s, 'i>),
) -> bool {
    let mut place = Place::of(file);
    let mut loaded = Vec::new();
    each_value(content, &mut |line, document| {
        place.take(line, document, session, &mut loaded);
        loaded.drain(..).for_each(|one| take(one, session));
    });
    place.document > 0
}

/// Hands on the line and the value of every document.
fn each_value(content: &[u8], take: &mut dyn FnMut(usize, Result<Value, String>)) {
    each_document(content, &mut |line, document| {
        let parse = |json| Value::from_json(json).map_err(|error| error.to_string());
        take(line, document.and_then(parse));
    });
}

/// Hands on the line and the JSON text of every document. Bytes that are not UTF-8 cost only the
/// document that holds them.
pub(super) fn each_document(content: &[u8], take: &mut dyn FnMut(usize, Result<&str, String>)) {
    each_read(content, &mut |before, line, document| match &document {
        Ok(document) => take(before + line, Ok(document.json())),
        Err(message) => take(before + line, Err(message.clone())),
    });
}

/// What is done with a document: so many lines stand before the text that it was read from, on this
/// line of which it begins.
pub(super) type TakeRead<'t> = dyn FnMut(usize, usize, Result<yaml::Document<'_>, String>) + 't;

/// As [`each_document`], with the documents as they were read.
pub(super) fn each_read(content: &[u8], take: &mut TakeRead<'_>) {
    let mut rest = content;
    let mut line = 0;
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => return each_in_text(text, line, take),
            Err(error) => {
                let bad = error.valid_up_to();
                let (before, after) = rest.split_at_checked(bad).unwrap_or((rest, &[]));
                let start =
                    before.windows(4).rposition(|four| four == b"\n---").map_or(0, |at| at + 1);
                let end = after.windows(4).position(|four| four == b"\n---");
                let end = end.map_or(rest.len(), |at| bad + at + 1);
                let good = rest.get(..start).and_then(|good| std::str::from_utf8(good).ok());
                each_in_text(good.unwrap_or_default(), line, take);
                let offset = content.len() - rest.len() + bad;
                take(
                    line,
                    1 + count_lines(rest, start),
                    Err(format!(
                        "invalid UTF-8 at byte {offset} (line {})",
                        line + 1 + count_lines(rest, bad)
                    )),
                );
                line += count_lines(rest, end);
                rest = rest.get(end..).unwrap_or_default();
                if rest.is_empty() {
                    return;
                }
            }
        }
    }
}

fn count_lines(bytes: &[u8], end: usize) -> usize {
    bytes.iter().take(end).filter(|byte| **byte == b'\n').count()
}

fn each_in_text(text: &str, before: usize, take: &mut TakeRead<'_>) {
    for document in yaml::documents(text) {
        match document {
            // A document that says null says nothing.
            Ok(document) if document.json() == "null" => {}
            Ok(document) => take(before, document.line(), Ok(document)),
            Err(error) => take(
                before,
                error.document_line(),
                Err(format!(
                    "{} at line {} column {}",
                    error.message(),
                    before + error.line(),
                    error.column()
                )),
            ),
        }
    }
}

/// Takes a document: an object, or the items of a list of objects.
fn expand(
    value: &Value,
    place: &mut Place,
    session: &mut Session<'_, '_>,
    loaded: &mut Vec<Loaded>,
) {
    let object = value.as_ref();
    let identity = Identity::of(object);
    let items = object.get("items").filter(|items| items.kind() == Kind::List);
    match (items, identity.kind.kind.strip_suffix("List")) {
        (Some(items), Some(kind)) => {
            for (index, item) in items.items().enumerate() {
                place.item = Some(index + 1);
                let item = item_of(item, &identity.kind.api_version(), kind);
                push(item, place, session, loaded);
            }
            if items.is_empty() {
                session.note(&*place, "the list is empty");
            }
        }
        _ => push(value.clone(), place, session, loaded),
    }
}

/// An item of a list. Those of a typed list, such as a PodList, need not repeat their type.
pub(super) fn item_of(item: ValueRef<'_>, api_version: &str, kind: &str) -> Value {
    let json = item.to_json();
    let json = match item.get("kind").is_some() || kind.is_empty() {
        true => json,
        false => edit::with_type(&json, api_version, kind),
    };
    Value::from_json(&json).unwrap_or_else(|_| Value::null())
}

fn push(value: Value, place: &Place, session: &mut Session<'_, '_>, loaded: &mut Vec<Loaded>) {
    let Some(message) = no_object(value.as_ref()) else {
        let identity = Identity::of(value.as_ref());
        loaded.push(Ok(Object { place: place.clone(), identity, value }));
        return;
    };
    session.error(place, &message);
    loaded.push(Err(message));
}

/// Why a value is no object.
pub(super) fn no_object(value: ValueRef<'_>) -> Option<String> {
    let kind = value.kind();
    (kind != Kind::Map).then(|| format!("expected an object, got {}", kind.in_words()))
}
