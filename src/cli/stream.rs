//! Objects that are looked at where they are read, on all cores, and are not kept.
//!
//! Of files many are read at once, of a dump many objects. What was found is handed on in the order of
//! the input, as soon as all before it has been looked at.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex};

use crate::fieldmanager::{ConfigSource, Location, Lookup};
use crate::fieldpath::Path;
use crate::value::{Kind, Position, Positions, Value, ValueRef};
use crate::yaml;

use super::Common;
use super::cores::on_all_cores;
use super::dump::{self, Piece, Said, Step};
use super::input::{self, Identity};
use super::layout;
use super::locate;
use super::session::Session;

/// An object where it was read.
pub(super) struct Glimpse<'g> {
    pub(super) file: &'g Arc<str>,
    /// From 1.
    pub(super) document: usize,
    /// From 1; none for an object that is no item of a list.
    pub(super) item: Option<usize>,
    /// The line on which the document begins, or the object itself where it is an item of a dump.
    pub(super) line: usize,
    pub(super) identity: Identity,
    pub(super) value: &'g Value,
    /// Its text has keys that are repeated, or strings that are odd.
    pub(super) is_odd: bool,
    /// The value was read from all of the text.
    is_whole: bool,
    text: &'g Text<'g>,
}

/// The text that an object is in.
struct Text<'t> {
    file: &'t str,
    read: ReadFrom<'t>,
    /// Lines before it.
    before: usize,
    source: OnceCell<Option<ConfigSource>>,
}

enum ReadFrom<'t> {
    Document(&'t yaml::Document<'t>),
    /// JSON that was cut out of a dump, and the line that it begins on.
    Piece(&'t [u8], usize),
}

/// A place in a file. Of an item of a dump the column is not known.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) column: Option<usize>,
}

impl Glimpse<'_> {
    /// `config.yaml: document 2 item 3 (line 14)`.
    pub(super) fn place(&self) -> String {
        place(self.file, self.document, self.item, self.line)
    }

    /// Where the object begins, as well as it is known without looking.
    pub(super) fn start(&self) -> Spot {
        Spot { line: self.line, column: None }
    }

    /// Where fields of the object are, or what is around them that is there.
    pub(super) fn locate(&self, paths: &[&Path]) -> Vec<Spot> {
        if paths.is_empty() {
            return Vec::new();
        }
        if self.is_whole {
            let Some((json, positions)) = self.text.positions() else {
                return paths.iter().map(|_| self.start()).collect();
            };
            let lookup = Lookup::new(self.value.as_ref());
            let offset = |path: &&Path| lookup.around(path.elements()).offset();
            return paths.iter().map(|path| self.spot(positions.of(json, offset(path)))).collect();
        }
        let source = self.text.source().map(|document| match self.text.read {
            ReadFrom::Document(_) => locate::item_of(document, self.item),
            ReadFrom::Piece(..) => document,
        });
        let locator = source.as_ref().and_then(|source| source.locator());
        let spot = |path: &&Path| match &locator {
            Some(locator) => self.spot_of(&locator.around(path)),
            None => self.start(),
        };
        paths.iter().map(spot).collect()
    }

    /// Where a key of the object is, if its text has these letters nowhere else: that takes no reading.
    pub(super) fn only(&self, key: &str) -> Option<Spot> {
        let (text, start) = match self.text.read {
            ReadFrom::Document(document) => (document.text(), document.start()),
            ReadFrom::Piece(text, line) => {
                (std::str::from_utf8(text).ok()?, Position { line, column: 1 })
            }
        };
        let (before, after) = text.split_once(key)?;
        let (lines, last) = match before.rsplit_once('\n') {
            Some((lines, last)) => (1 + lines.matches('\n').count(), last),
            None => (0, before),
        };
        let column = 1 + last.chars().count() + if lines == 0 { start.column - 1 } else { 0 };
        let position = Position { line: start.line + lines, column };
        (!after.contains(key)).then(|| self.spot(position))
    }

    /// Where something is that the text of the document told.
    pub(super) fn spot_of(&self, location: &Location) -> Spot {
        self.spot(Position { line: location.line(), column: location.column() })
    }

    fn spot(&self, position: Position) -> Spot {
        let is_document = matches!(self.text.read, ReadFrom::Document(_));
        let column = is_document.then_some(position.column);
        Spot { line: self.text.before + position.line, column }
    }

    /// The text of the whole document, once for each: with an object, or with the first of its items.
    pub(super) fn document_source(&self) -> Option<ConfigSource> {
        let is_piece = matches!(self.text.read, ReadFrom::Piece(..));
        let is_first = is_piece || self.item.is_none_or(|at| at == 1);
        if is_first { self.text.source() } else { None }
    }

    /// Whether [`document_source`](Self::document_source) holds other objects as well.
    pub(super) fn is_in_list(&self) -> bool {
        self.item.is_some() && matches!(self.text.read, ReadFrom::Document(_))
    }
}

impl Text<'_> {
    /// The JSON of the text, and where in the file it comes from.
    fn positions(&self) -> Option<(&str, Positions)> {
        match self.read {
            ReadFrom::Document(document) => {
                // What is too deep is told by where it begins.
                let start = Position { line: document.line(), column: 1 };
                let positions = document.positions();
                let positions = positions.unwrap_or_else(|| Positions::made(start, Vec::new()));
                Some((document.json(), positions))
            }
            ReadFrom::Piece(text, line) => {
                let json = std::str::from_utf8(text).ok()?;
                Some((json, Positions::verbatim(json, Position { line, column: 1 })))
            }
        }
    }

    /// The text to find places in; made when it is first asked for.
    fn source(&self) -> Option<ConfigSource> {
        let make = || {
            let (json, positions) = self.positions()?;
            ConfigSource::with_positions(self.file, json, positions).ok()
        };
        self.source.get_or_init(make).clone()
    }
}

fn place(file: &str, document: usize, item: Option<usize>, line: usize) -> String {
    let item = item.map_or_else(String::new, |item| format!(" item {item}"));
    format!("{file}: document {document}{item} (line {line})")
}

/// What comes of the input, in its order.
pub(super) enum Event<R> {
    /// What was found in an object.
    Seen(R),
    /// Something is wrong at a place.
    Error(String, String),
    Note(String, String),
    /// There is no object at a place of a file that nobody named.
    Nothing(String),
}

impl<R> Event<R> {
    fn error(place: String, message: impl Into<String>) -> Event<R> {
        Event::Error(place, message.into())
    }
}

/// A file that was read as a whole, with what came of it.
pub(super) struct Done<'d, R> {
    pub(super) path: &'d FilePath,
    pub(super) content: &'d [u8],
    pub(super) events: &'d mut Vec<Event<R>>,
}

/// How the input is looked at.
pub(super) struct Looker<'l, R> {
    /// Looks at one object.
    pub(super) look: &'l (dyn Fn(&Glimpse<'_>) -> Option<R> + Sync),
    /// Is called with every file that is no dump when it has been looked at.
    pub(super) done: &'l (dyn Fn(Done<'_, R>) + Sync),
}

/// Files that are read at once before what was found is handed on.
const BATCH: usize = 2048;

/// Has every object of these files looked at. What cannot be read is reported.
pub(super) fn run<'s, 'i, R: Send>(
    common: &Common,
    session: &mut Session<'s, 'i>,
    looker: &Looker<'_, R>,
    take: &mut dyn FnMut(R, &mut Session<'s, 'i>),
) {
    for name in &common.filename {
        if name == "-" {
            match session.take_stdin() {
                Ok(reader) => pipe("standard input", reader, session, looker, take),
                Err(error) => session.error("standard input", error),
            }
            continue;
        }
        // What is a pipe does not go back.
        if fs::metadata(name).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
            match fs::File::open(name) {
                Ok(mut reader) => pipe(name, &mut reader, session, looker, take),
                Err(error) => session.error(name, error),
            }
            continue;
        }
        let mut files = input::files(name, common.recursive, session);
        let is_found = FilePath::new(name).is_dir();
        if is_found {
            layout::leave_out(name, &mut files, session);
        }
        let mut nothing = Nothing::default();
        for batch in files.chunks(BATCH) {
            let read = |path: &PathBuf| read_file(path, is_found, looker);
            let outcomes = on_all_cores(batch, "files", &read, session);
            for (path, outcome) in batch.iter().zip(outcomes) {
                let file = path.display().to_string();
                match outcome {
                    Ok(Some(events)) => hand_on(nothing.taken_out_of(events), session, take),
                    Ok(None) => dump_file(path, &file, session, looker, take),
                    Err(error) => session.error(file, error),
                }
            }
        }
        nothing.tell(session);
    }
}

/// Places of files that were found in directories at which there are no objects.
#[derive(Default)]
struct Nothing {
    count: usize,
    first: Option<String>,
}

impl Nothing {
    fn taken_out_of<R>(&mut self, events: Vec<Event<R>>) -> Vec<Event<R>> {
        let mut left = Vec::with_capacity(events.len());
        for event in events {
            match event {
                Event::Nothing(place) => {
                    self.count += 1;
                    self.first.get_or_insert(place);
                }
                event => left.push(event),
            }
        }
        left
    }

    fn tell(self, session: &mut Session<'_, '_>) {
        let Some(first) = self.first else { return };
        let message = match self.count {
            1 => "it has neither apiVersion nor kind: it is left out".to_owned(),
            count => format!(
                "{count} documents, this one first, have neither apiVersion nor kind: they are left out"
            ),
        };
        session.note(first, message);
    }
}

fn hand_on<'s, 'i, R>(
    events: Vec<Event<R>>,
    session: &mut Session<'s, 'i>,
    take: &mut dyn FnMut(R, &mut Session<'s, 'i>),
) {
    for event in events {
        match event {
            Event::Seen(found) => take(found, session),
            Event::Error(place, message) => session.error(place, message),
            Event::Note(place, message) => session.note(place, message),
            Event::Nothing(place) => session.error(place, input::NOTHING),
        }
    }
}

/// What comes of a file; none if it is a dump, which is read on all cores.
fn read_file<R>(
    path: &FilePath,
    is_found: bool,
    looker: &Looker<'_, R>,
) -> io::Result<Option<Vec<Event<R>>>> {
    let mut reader = fs::File::open(path)?;
    let Some(content) = read_unless_dump(&mut reader)?.1 else { return Ok(None) };
    let file = path.display().to_string().into();
    let mut events = Vec::new();
    read_documents((&file, is_found), &content, looker, &mut events);
    (looker.done)(Done { path, content: &content, events: &mut events });
    Ok(Some(events))
}

/// All that there is to read, unless it is a dump; then its beginning.
fn read_unless_dump(reader: &mut dyn Read) -> io::Result<(Vec<u8>, Option<Vec<u8>>)> {
    let mut beginning = Vec::new();
    reader.take(input::SMALL as u64).read_to_end(&mut beginning)?;
    if beginning.len() >= input::SMALL && dump::is_dump(&beginning) {
        return Ok((beginning, None));
    }
    reader.read_to_end(&mut beginning)?;
    Ok((Vec::new(), Some(beginning)))
}

/// Looks at what can be read only once.
fn pipe<'s, 'i, R: Send>(
    file: &str,
    reader: &mut dyn Read,
    session: &mut Session<'s, 'i>,
    looker: &Looker<'_, R>,
    take: &mut dyn FnMut(R, &mut Session<'s, 'i>),
) {
    match read_unless_dump(reader) {
        Ok((_, Some(content))) => {
            let mut events = Vec::new();
            read_documents((&file.into(), false), &content, looker, &mut events);
            hand_on(events, session, take);
        }
        Ok((beginning, None)) => {
            let again = first_pass(file, &beginning, reader, None, session, looker, take);
            for document in again.unwrap_or_default().keys() {
                session.error(
                    format_args!("{file}: document {document}"),
                    "it says behind its items what they are, and it is too large to be kept until \
                     then: read it from a file",
                );
            }
        }
        Err(error) => session.error(file, error),
    }
}

fn dump_file<'s, 'i, R: Send>(
    path: &FilePath,
    file: &str,
    session: &mut Session<'s, 'i>,
    looker: &Looker<'_, R>,
    take: &mut dyn FnMut(R, &mut Session<'s, 'i>),
) {
    let mut reader = match fs::File::open(path) {
        Ok(reader) => reader,
        Err(error) => return session.error(file, error),
    };
    let all = reader.metadata().map(|metadata| metadata.len()).ok();
    let again = first_pass(file, &[], &mut reader, all, session, looker, take);
    let Some(again) = again.filter(|again| !again.is_empty()) else { return };
    if let Err(error) = reader.rewind() {
        return session.error(file, error);
    }
    let name: Arc<str> = file.into();
    let wanted = |piece: &Piece<'_>, item: &Value| piece.item.is_none() || !input::has_kind(item);
    let look = |piece: &Piece<'_>| {
        // Items that are broken were told of before.
        let event = look_at_piece(&name, piece, looker, &wanted)?;
        (piece.item.is_none() || matches!(event, Event::Seen(_))).then_some(event)
    };
    let read = dump::each(&[], &mut reader, &again, &look, &mut |step| {
        if let Step::Found(event) = step {
            hand_on(vec![event], session, take);
        }
    });
    if let Err(error) = read {
        session.error(file, error);
    }
}

/// Reads a dump. Gives the documents that said behind their items what these are, or that they are no
/// list, if that makes a difference; none if it could not be read.
fn first_pass<'s, 'i, R: Send>(
    file: &str,
    beginning: &[u8],
    reader: &mut dyn Read,
    all: Option<u64>,
    session: &mut Session<'s, 'i>,
    looker: &Looker<'_, R>,
    take: &mut dyn FnMut(R, &mut Session<'s, 'i>),
) -> Option<BTreeMap<usize, Said>> {
    // Documents with items that do not say what they are, nor did the document so far.
    let open = Mutex::new(BTreeSet::new());
    let name: Arc<str> = file.into();
    let look = |piece: &Piece<'_>| {
        look_at_piece(&name, piece, looker, &|piece, item| {
            let is_complete = piece.item.is_none() || piece.list.is_some() || input::has_kind(item);
            if !is_complete && let Ok(mut open) = open.lock() {
                open.insert(piece.document);
            }
            is_complete
        })
    };
    let read = dump::each(beginning, reader, &BTreeMap::new(), &look, &mut |step| match step {
        Step::Found(event) => hand_on(vec![event], session, take),
        Step::Read(bytes) => {
            if let Some(all) = all {
                session.progress(format_args!("{file}: {} of {} MiB", bytes >> 20, all >> 20));
            }
        }
    });
    session.progress_is_over();
    let ended = match read {
        Ok(ended) => ended,
        Err(error) => {
            session.error(file, error);
            return None;
        }
    };
    if let Some(line) = ended.is_cut_off {
        session.error(file, format_args!("it ends in the middle of an object (line {line})"));
    }
    let open = open.into_inner().unwrap_or_default();
    let mut again = ended.said_late;
    for (document, _) in again.iter().filter(|(_, said)| **said == Said::Object) {
        session.warn(
            format_args!("{file}: document {document}"),
            "it says behind its items that it is no list: those with a kind were looked at as objects",
        );
    }
    again.retain(|document, said| *said == Said::Object || open.contains(document));
    Some(again)
}

/// Has a piece of a dump looked at if it is wanted.
fn look_at_piece<R>(
    file: &Arc<str>,
    piece: &Piece<'_>,
    looker: &Looker<'_, R>,
    wanted: &dyn Fn(&Piece<'_>, &Value) -> bool,
) -> Option<Event<R>> {
    let place = || place(file, piece.document, piece.item, piece.line);
    let value = match Value::from_json_bytes(piece.text) {
        Ok(value) if wanted(piece, &value) => value,
        Ok(_) => return None,
        Err(error) => return Some(Event::error(place(), error.to_string())),
    };
    let is_odd = !value.is_verbatim();
    let is_whole = piece.list.is_none() || input::has_kind(&value);
    let value = match piece.list {
        Some(Said::List { api_version, kind }) if !input::has_kind(&value) => {
            input::item_of(value.as_ref(), api_version, kind)
        }
        _ => value,
    };
    if let Some(message) = input::no_object(value.as_ref()) {
        return Some(Event::error(place(), message));
    }
    let read = ReadFrom::Piece(piece.text, piece.line);
    let text = Text { file, read, before: 0, source: OnceCell::new() };
    let seen = (looker.look)(&Glimpse {
        file,
        document: piece.document,
        item: piece.item,
        line: piece.line,
        identity: Identity::of(value.as_ref()),
        value: &value,
        is_odd,
        is_whole,
        text: &text,
    });
    seen.map(Event::Seen)
}

/// Looks at the documents of a text that is read as a whole. `is_found` says that nobody named the file.
fn read_documents<R>(
    (file, is_found): (&Arc<str>, bool),
    content: &[u8],
    looker: &Looker<'_, R>,
    events: &mut Vec<Event<R>>,
) {
    let mut number = 0;
    input::each_read(content, &mut |before, line, document| {
        number += 1;
        let place = || place(file, number, None, before + line);
        let document = match document {
            Ok(document) => document,
            Err(message) => return events.push(Event::error(place(), message)),
        };
        let value = match Value::from_json(document.json()) {
            Ok(value) => value,
            Err(error) => return events.push(Event::error(place(), error.to_string())),
        };
        let read = ReadFrom::Document(&document);
        let text = Text { file, read, before, source: OnceCell::new() };
        let at = At { file, is_found, number, line: before + line, text: &text };
        look_at_document(&at, &value, looker, events);
    });
    if number == 0 && !is_found {
        events.push(Event::error(file.to_string(), input::NOTHING));
    }
}

/// Where a document is.
struct At<'d> {
    file: &'d Arc<str>,
    is_found: bool,
    number: usize,
    line: usize,
    text: &'d Text<'d>,
}

/// Looks at a document: an object, or the items of a list of objects.
fn look_at_document<R>(
    at: &At<'_>,
    value: &Value,
    looker: &Looker<'_, R>,
    events: &mut Vec<Event<R>>,
) {
    let root = value.as_ref();
    let identity = Identity::of(root);
    let items = root.get("items").filter(|items| items.kind() == Kind::List);
    let is_odd = !value.is_verbatim();
    match (items, identity.kind.kind.strip_suffix("List")) {
        (Some(items), Some(kind)) => {
            let version = identity.kind.api_version();
            for (index, item) in items.items().enumerate() {
                let item = input::item_of(item, &version, kind);
                look_at(at, Some(index + 1), is_odd, &item, looker, events);
            }
            if ValueRef::is_empty(items) {
                let place = place(at.file, at.number, None, at.line);
                events.push(Event::Note(place, "the list is empty".to_owned()));
            }
        }
        _ => look_at(at, None, is_odd, value, looker, events),
    }
}

fn look_at<R>(
    at: &At<'_>,
    item: Option<usize>,
    is_odd: bool,
    value: &Value,
    looker: &Looker<'_, R>,
    events: &mut Vec<Event<R>>,
) {
    let says = |name| value.as_ref().get(name).is_some();
    let place = || place(at.file, at.number, item, at.line);
    if at.is_found && item.is_none() && !says("apiVersion") && !says("kind") {
        return events.push(Event::Nothing(place()));
    }
    if let Some(message) = input::no_object(value.as_ref()) {
        return events.push(Event::error(place(), message));
    }
    let seen = (looker.look)(&Glimpse {
        file: at.file,
        document: at.number,
        item,
        line: at.line,
        identity: Identity::of(value.as_ref()),
        value,
        is_odd,
        is_whole: item.is_none(),
        text: at.text,
    });
    events.extend(seen.map(Event::Seen));
}
