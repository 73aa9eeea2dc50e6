//! What is told of schema documents, with the lines that it is about.

use std::fs;

use crate::fieldmanager::{ConfigSource, Location};
use crate::fieldpath::{Path, PathElement};
use crate::schema::{OpenApiError, Problem};
use crate::value::Value;

use super::super::input;
use super::super::locate;
use super::super::session::Session;
use super::Taken;

/// Where a document has its definitions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Holder {
    #[default]
    None,
    V2,
    V3,
    /// It is one, or an item of a list is.
    Definition {
        item: Option<usize>,
    },
}

impl Holder {
    /// The way to a definition in the document.
    fn way(self, definition: &str) -> Vec<PathElement> {
        let field = |name: &str| PathElement::FieldName(name.to_owned());
        match self {
            Holder::None | Holder::Definition { item: None } => Vec::new(),
            Holder::V2 => vec![field("definitions"), field(definition)],
            Holder::V3 => vec![field("components"), field("schemas"), field(definition)],
            Holder::Definition { item: Some(item) } => item_way(item),
        }
    }
}

/// The way to an item of a list of objects.
fn item_way(item: usize) -> Vec<PathElement> {
    let items = PathElement::FieldName("items".to_owned());
    vec![items, PathElement::Index(i64::try_from(item).unwrap_or_default())]
}

/// Where something is, or where it would be if it is missing.
fn nearest(source: &ConfigSource, path: &[PathElement]) -> Option<Location> {
    let mut lengths = (1..=path.len()).rev();
    lengths.find_map(|length| source.locate(&path.get(..length)?.iter().cloned().collect()))
}

/// Where a schema was read.
#[derive(Clone)]
pub(in super::super) struct Origin {
    file: String,
    number: usize,
    /// It is an item of a list.
    item: Option<usize>,
    place: String,
}

impl Origin {
    /// The document, found without reading anything.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The file and line of a part of the document, or of the definition that is an item of it. The file
    /// is read again for that: nothing is kept for a question that is seldom asked.
    pub(super) fn locate(&self, path: &[PathElement]) -> String {
        let found = fs::read(&self.file).ok().and_then(|content| self.nearest(&content, path));
        found.unwrap_or_else(|| self.place.clone())
    }

    /// The same of the part that is found by looking into the document.
    pub(super) fn locate_in(&self, find: impl FnOnce(&Value) -> Path) -> String {
        let found = fs::read(&self.file).ok().and_then(|content| {
            let document = self.document(&content)?;
            self.nearest(&content, find(&document).elements())
        });
        found.unwrap_or_else(|| self.place.clone())
    }

    fn nearest(&self, content: &[u8], path: &[PathElement]) -> Option<String> {
        let mut way = self.item.map(item_way).unwrap_or_default();
        way.extend_from_slice(path);
        let source = locate::source_of(&self.file, content, self.number)?;
        nearest(&source, &way).map(|location| location.to_string())
    }

    /// The document, or the definition that is an item of it.
    fn document(&self, content: &[u8]) -> Option<Value> {
        let (mut number, mut found) = (0, None);
        input::each_document(content, &mut |_, document| {
            number += 1;
            if number == self.number {
                found = document.ok().and_then(|json| Value::from_json(json).ok());
            }
        });
        match self.item {
            Some(item) => Some(found?.as_ref().get("items")?.items().nth(item)?.to_value()),
            None => found,
        }
    }
}

/// What is odd about a document that was taken.
#[derive(Default)]
pub(super) struct Remarks {
    holder: Holder,
    problems: Vec<Problem>,
}

impl Remarks {
    pub(super) fn of(
        holder: Holder,
        result: Result<Vec<Problem>, OpenApiError>,
    ) -> Result<Taken, Refusal> {
        match result {
            Ok(problems) => Ok(Taken::Schema(Remarks { holder, problems })),
            Err(error) => Err(Refusal::OpenApi(holder, error)),
        }
    }
}

/// Why a document was not taken.
pub(super) enum Refusal {
    Text(String),
    OpenApi(Holder, OpenApiError),
}

impl From<String> for Refusal {
    fn from(text: String) -> Refusal {
        Refusal::Text(text)
    }
}

/// A document that something is told of.
pub(super) struct Told<'d> {
    pub(super) file: &'d str,
    pub(super) content: &'d [u8],
    pub(super) number: usize,
    pub(super) place: String,
}

impl Told<'_> {
    pub(super) fn origin(&self, item: Option<usize>) -> Origin {
        let (file, place) = (self.file.to_owned(), self.place.clone());
        Origin { file, number: self.number, item, place }
    }

    pub(super) fn warn(&self, remarks: &Remarks, session: &mut Session<'_, '_>) {
        for (place, problem) in self.located(remarks.holder, &remarks.problems) {
            session.warn(place, problem);
        }
        if remarks.holder == Holder::V2 {
            session.note(
                &self.place,
                "OpenAPI v2 is published without defaults and without what may be null: list items \
                 may be told apart otherwise than an API server does; it takes OpenAPI v3 for that",
            );
        }
    }

    pub(super) fn refuse(&self, refusal: &Refusal, session: &mut Session<'_, '_>) {
        let (holder, error) = match refusal {
            Refusal::Text(message) => return session.error(&self.place, message),
            Refusal::OpenApi(holder, error) => (*holder, error),
        };
        let problems = error.problems();
        if problems.is_empty() {
            return session.error(&self.place, error);
        }
        for (place, problem) in self.located(holder, problems) {
            session.error(place, problem);
        }
        let more = match error {
            OpenApiError::Refused { more, .. } if *more > 0 => format!("{more} more problems; "),
            _ => String::new(),
        };
        session.note(
            &self.place,
            format_args!(
                "{more}nothing of this document is used: an API server refuses one like that as a \
                 whole"
            ),
        );
    }

    /// Problems with the lines they are on, where these are found.
    fn located<'p>(
        &self,
        holder: Holder,
        problems: &'p [Problem],
    ) -> impl Iterator<Item = (String, &'p Problem)> {
        let source = match problems {
            [] => None,
            _ => locate::source_of(self.file, self.content, self.number),
        };
        problems.iter().map(move |problem| {
            let mut way = holder.way(problem.definition());
            way.extend_from_slice(problem.path().elements());
            let found = source.as_ref().and_then(|source| nearest(source, &way));
            (found.map_or_else(|| self.place.clone(), |location| location.to_string()), problem)
        })
    }
}
