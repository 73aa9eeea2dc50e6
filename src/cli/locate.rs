//! Where in its file a configuration has a field.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use crate::fieldmanager::ConfigSource;
use crate::fieldpath::PathElement;
use crate::value::Position;
use crate::yaml;

use super::input::Object;

/// Finds the sources of configurations. A file is looked through once, when it is first asked for.
#[derive(Default)]
pub(super) struct Sources {
    files: HashMap<*const Vec<u8>, File>,
}

/// What a file holds and where its documents are in it; the place of a broken one is not known.
struct File {
    content: Rc<Vec<u8>>,
    documents: Vec<Option<Part>>,
}

/// The bytes that a document was read from, and where these begin.
type Part = (Range<usize>, Position);

impl Sources {
    /// The text that an object was read from; none where it was not kept or is not text as a whole.
    pub(super) fn of(&mut self, object: &Object) -> Option<ConfigSource> {
        let content = object.place.content()?;
        // All objects of a file share its content, which is kept, so that its address is its own.
        let file = self.files.entry(Rc::as_ptr(content)).or_insert_with(|| File {
            content: content.clone(),
            documents: std::str::from_utf8(content).map(documents).unwrap_or_default(),
        });
        let (number, item) = object.place.numbers();
        let (range, start) = file.documents.get(number.checked_sub(1)?)?.clone()?;
        // The documents are those of a text, so only their bytes need to be one here.
        let text = std::str::from_utf8(file.content.get(range)?).ok()?;
        let document = yaml::documents_from(text, start).next()?.ok()?;
        let source = ConfigSource::new(object.place.file(), document.json()).ok()?;
        let source = source.positions(document.positions()?);
        let Some(item) = item else { return Some(source) };
        let item = i64::try_from(item.checked_sub(1)?).ok()?;
        let items = PathElement::FieldName("items".to_owned());
        Some(source.inside([items, PathElement::Index(item)].into_iter().collect()))
    }
}

/// The documents of a file, counted as they were when it was read.
fn documents(text: &str) -> Vec<Option<Part>> {
    let read = yaml::documents(text);
    let said = read.filter(|document| !matches!(document, Ok(said) if said.json() == "null"));
    said.map(|document| document.ok().map(|said| (said.range(), said.start()))).collect()
}
