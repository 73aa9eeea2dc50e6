//! Objects as they come in.

use std::borrow::Cow;

use serde::Serialize;

use crate::managedfields::ReadSets;
use crate::value::{Apart, Arena, Node, ParseError, ParseErrorKind, Source, Value, text_of};

/// An object as it comes in: JSON text or bytes, a `serde_json` value, anything serialisable, or
/// nothing at all. Text is parsed when the operation runs, without a copy of it.
#[derive(Clone, Debug)]
pub struct Document<'a>(Content<'a>);

#[derive(Clone, Debug)]
enum Content<'a> {
    Absent,
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
    Parsed(Value),
}

impl<'a> Document<'a> {
    /// There is no object.
    pub fn absent() -> Document<'a> {
        Document(Content::Absent)
    }

    /// From any serialisable value, such as the types of `k8s-openapi`.
    ///
    /// # Errors
    /// What its `Serialize` implementation or JSON refuses.
    pub fn from_serialize<T: Serialize + ?Sized>(
        value: &T,
    ) -> Result<Document<'static>, serde_json::Error> {
        Ok(Document(Content::Text(Cow::Owned(serde_json::to_string(value)?))))
    }

    /// Whether there is no object.
    pub fn is_absent(&self) -> bool {
        matches!(self.0, Content::Absent)
    }

    /// The object, parsed; none for an absent one.
    #[cfg(feature = "analysis")]
    pub(crate) fn to_value(&self) -> Result<Option<Value>, ParseError> {
        match &self.0 {
            Content::Absent => Ok(None),
            Content::Bytes(bytes) => Value::from_json_bytes(bytes).map(Some),
            Content::Text(text) => Value::from_json(text).map(Some),
            Content::Parsed(value) => Ok(Some(value.clone())),
        }
    }

    /// How long the text is that is to be parsed.
    fn text_len(&self) -> usize {
        match &self.0 {
            Content::Absent | Content::Parsed(_) => 0,
            Content::Bytes(bytes) => bytes.len(),
            Content::Text(text) => text.len(),
        }
    }

    /// An arena with room for both.
    pub(super) fn arena_for(&self, other: &Document<'_>) -> Arena<'a> {
        Arena::with_room_for(self.text_len().saturating_add(other.text_len()))
    }

    /// Parses into the arena; none for an absent object.
    pub(super) fn parse(self, arena: &mut Arena<'a>) -> Result<Option<Node>, ParseError> {
        self.parse_with(arena, Arena::parse)
    }

    /// As [`parse`](Self::parse), and reads the sets of entries on the way, of which no nodes are
    /// made.
    pub(super) fn parse_and_read(
        self,
        arena: &mut Arena<'a>,
        sets: &mut ReadSets,
    ) -> Result<Option<Node>, ParseError> {
        self.parse_with(arena, |arena, source| {
            let mut read = |text: &str, position| sets.read(text, position);
            arena.parse_apart(source, Apart { path: ReadSets::PATH, read: &mut read })
        })
    }

    fn parse_with(
        self,
        arena: &mut Arena<'a>,
        parse: impl FnOnce(&mut Arena<'a>, Source<'a>) -> Result<Node, ParseError>,
    ) -> Result<Option<Node>, ParseError> {
        let source = match self.0 {
            Content::Absent => return Ok(None),
            Content::Bytes(Cow::Borrowed(bytes)) => text_of(bytes)?,
            Content::Bytes(Cow::Owned(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => Source::Shared(text.into()),
                Err(error) => {
                    let at = error.utf8_error().valid_up_to();
                    let kind = ParseErrorKind::InvalidUtf8;
                    return Err(ParseError::at(kind, error.as_bytes(), at));
                }
            },
            Content::Parsed(value) => {
                let (parsed, root) = value.parts();
                let moved = arena
                    .append(parsed)
                    .map_err(|_| ParseError::at(ParseErrorKind::TooLarge, &[], 0))?;
                return Ok(Some(moved.node(root)));
            }
            Content::Text(Cow::Borrowed(text)) => Source::Lent(text),
            Content::Text(Cow::Owned(text)) => Source::Shared(text.into()),
        };
        parse(arena, source).map(Some)
    }
}

impl<'a> From<&'a [u8]> for Document<'a> {
    fn from(json: &'a [u8]) -> Document<'a> {
        Document(Content::Bytes(Cow::Borrowed(json)))
    }
}

impl<'a> From<&'a Vec<u8>> for Document<'a> {
    fn from(json: &'a Vec<u8>) -> Document<'a> {
        Document(Content::Bytes(Cow::Borrowed(json)))
    }
}

impl From<Vec<u8>> for Document<'_> {
    fn from(json: Vec<u8>) -> Self {
        Document(Content::Bytes(Cow::Owned(json)))
    }
}

impl<'a> From<&'a str> for Document<'a> {
    fn from(json: &'a str) -> Document<'a> {
        Document(Content::Text(Cow::Borrowed(json)))
    }
}

impl<'a> From<&'a String> for Document<'a> {
    fn from(json: &'a String) -> Document<'a> {
        Document(Content::Text(Cow::Borrowed(json)))
    }
}

impl From<String> for Document<'_> {
    fn from(json: String) -> Self {
        Document(Content::Text(Cow::Owned(json)))
    }
}

impl From<&serde_json::Value> for Document<'_> {
    fn from(value: &serde_json::Value) -> Self {
        Document(Content::Text(Cow::Owned(value.to_string())))
    }
}

impl From<&Value> for Document<'_> {
    fn from(value: &Value) -> Self {
        Document(Content::Parsed(value.clone()))
    }
}
