//! Where in its file a configuration has a field.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use crate::fieldmanager::{ConfigSource, Location};
use crate::fieldpath::{Path, PathElement};
use crate::value::Position;
use crate::value::text::write_quoted_go;
use crate::yaml;

use super::input::{Loaded, Object};
use super::session::Session;

/// Finds the sources of configurations. A file is looked through once, when it is first asked for.
#[derive(Default)]
pub(super) struct Sources {
    files: HashMap<*const Vec<u8>, File>,
    /// The document that was asked for last, for the items of a `List`.
    last: Option<(*const Vec<u8>, usize, ConfigSource)>,
}

/// What a file holds and where its documents are in it; the place of a broken one is not known.
struct File {
    content: Rc<Vec<u8>>,
    documents: Vec<Option<Part>>,
}

/// The bytes that a document was read from, and where these begin.
pub(super) type Part = (Range<usize>, Position);

impl Sources {
    /// The text that an object was read from; none where it was not kept or is not text as a whole.
    pub(super) fn of(&mut self, object: &Object) -> Option<ConfigSource> {
        let (_, item) = object.place.numbers();
        self.document_of(object).map(|document| item_of(document, item))
    }

    /// The text of the document that an object was read from, be it the object or a list of them.
    fn document_of(&mut self, object: &Object) -> Option<ConfigSource> {
        let content = object.place.content()?;
        let (number, _) = object.place.numbers();
        let own = (Rc::as_ptr(content), number);
        match &self.last {
            Some((content, number, source)) if (*content, *number) == own => Some(source.clone()),
            _ => {
                let source = self.read(object, content, number)?;
                self.last = Some((own.0, own.1, source.clone()));
                Some(source)
            }
        }
    }

    fn read(
        &mut self,
        object: &Object,
        content: &Rc<Vec<u8>>,
        number: usize,
    ) -> Option<ConfigSource> {
        // All objects of a file share its content, which is kept, so that its address is its own.
        let file = self.files.entry(Rc::as_ptr(content)).or_insert_with(|| File {
            content: content.clone(),
            documents: std::str::from_utf8(content).map(documents).unwrap_or_default(),
        });
        let (range, start) = file.documents.get(number.checked_sub(1)?)?.clone()?;
        // The documents are those of a text, so only their bytes need to be one here.
        let text = std::str::from_utf8(file.content.get(range)?).ok()?;
        let document = yaml::documents_from(text, start).next()?.ok()?;
        let (name, positions) = (object.place.file(), document.positions()?);
        ConfigSource::with_positions(name, document.json(), positions).ok()
    }

    /// Warns of the keys that are repeated in the documents of these objects.
    pub(super) fn warn_of_repeats(&mut self, objects: &[Loaded], session: &mut Session<'_, '_>) {
        let mut before = None;
        for object in objects.iter().flatten().filter(|object| object.place.has_repeats()) {
            let (number, _) = object.place.numbers();
            if before.replace(number) == Some(number) {
                continue;
            }
            let document = object.place.document();
            let Some(source) = self.document_of(object) else {
                session.warn(document, "a key is repeated in a map: the last one counts");
                continue;
            };
            let found = source.repeated_keys(SHOWN + 1);
            for (path, location) in found.iter().take(SHOWN) {
                session.warn(
                    &document,
                    format_args!(
                        "{}: the last one counts, remove the others",
                        already_set(path, location)
                    ),
                );
            }
            if found.len() > SHOWN {
                session.warn(&document, "and more keys are repeated");
            }
        }
    }
}

/// An item, from 1, of the list that a document is; the document itself if no item is meant.
pub(super) fn item_of(document: ConfigSource, item: Option<usize>) -> ConfigSource {
    let Some(item) = item else { return document };
    let item = i64::try_from(item.saturating_sub(1)).unwrap_or(i64::MAX);
    let items = PathElement::FieldName("items".to_owned());
    document.inside([items, PathElement::Index(item)].into_iter().collect())
}

/// Looks up the places in a document.
pub(super) type LookUp<'l> = dyn FnMut() -> Option<ConfigSource> + 'l;

/// Hands on the documents of a file, counted as they were when it was read, until the taker has
/// enough. Their places are looked up when they are asked for.
pub(super) fn each_source(
    file: &str,
    content: &[u8],
    take: &mut dyn FnMut(usize, &mut LookUp<'_>) -> bool,
) {
    let Ok(text) = std::str::from_utf8(content) else { return };
    let mut number = 0;
    for document in yaml::documents(text) {
        if matches!(&document, Ok(said) if said.json() == "null") {
            continue;
        }
        number += 1;
        let mut known = None;
        let mut source = || {
            let document = document.as_ref().ok()?;
            if known.is_none() {
                let positions = document.positions()?;
                known = ConfigSource::with_positions(file, document.json(), positions).ok();
            }
            known.clone()
        };
        if !take(number, &mut source) {
            return;
        }
    }
}

/// The text of a file's document, by its number, from 1, among those that say something.
pub(super) fn source_of(file: &str, content: &[u8], number: usize) -> Option<ConfigSource> {
    let text = std::str::from_utf8(content).ok()?;
    let (range, start) = documents(text).get(number.checked_sub(1)?)?.clone()?;
    let document = yaml::documents_from(text.get(range)?, start).next()?.ok()?;
    ConfigSource::with_positions(file, document.json(), document.positions()?).ok()
}

/// Refuses a text in which a key is repeated in a map.
pub(super) fn refuse_repeats(json: &str) -> Result<(), String> {
    let source = ConfigSource::new("", json).map_err(|error| error.to_string())?;
    match source.repeated_keys(1).first() {
        Some((path, _)) => Err(format!("the key {path} is repeated: remove all but one")),
        None => Ok(()),
    }
}

/// Repeated keys of a document that are named one by one.
pub(super) const SHOWN: usize = 20;

/// A repeated key as the API server tells it, and its path.
pub(super) fn already_set(path: &Path, location: &Location) -> String {
    format!("{} ({path})", strict_error(path, location))
}

/// A repeated key as the API server's strict decoder tells it.
pub(super) fn strict_error(path: &Path, location: &Location) -> String {
    let mut text = format!("line {}: key ", location.line());
    if let Some(PathElement::FieldName(name)) = path.elements().last() {
        write_quoted_go(&mut text, name);
    }
    text + " already set in map"
}

/// The documents of a file, counted as they were when it was read.
pub(super) fn documents(text: &str) -> Vec<Option<Part>> {
    let read = yaml::documents(text);
    let said = read.filter(|document| !matches!(document, Ok(said) if said.json() == "null"));
    said.map(|document| document.ok().map(|said| (said.range(), said.start()))).collect()
}
