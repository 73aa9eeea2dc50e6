//! Where in a file a field of a configuration stands.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::fieldpath::{Path, PathElement};
use crate::value::text::unescape;
use crate::value::{ParseError, Position, Positions, Value};

use super::lookup::{Lookup, value_at};

/// A place in a file, printed as editors and compilers do: `deployment.yaml:12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    file: Arc<str>,
    position: Position,
}

impl Location {
    /// The file, as [`ConfigSource::new`] was told it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line of the file, from 1.
    pub fn line(&self) -> usize {
        self.position.line
    }

    /// The column of the line in characters, from 1.
    pub fn column(&self) -> usize {
        self.position.column
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line())
    }
}

/// The text that a configuration was read from, to find its fields in.
///
/// It is made when there is something to find, such as the fields of
/// [`Conflicts`](super::Conflicts); requests know nothing of it and pay nothing for it.
///
/// ```
/// use managed_fields::fieldmanager::ConfigSource;
/// use managed_fields::{Path, PathElement};
///
/// let source = ConfigSource::new("lamp.json", "{\n  \"spec\": {\n    \"on\": true\n  }\n}")?;
/// let path: Path = ["spec", "on"].map(|name| PathElement::FieldName(name.into())).into_iter().collect();
/// let place = source.locate(&path).map(|place| place.to_string());
/// assert_eq!(place.as_deref(), Some("lamp.json:3"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConfigSource {
    file: Arc<str>,
    text: Arc<Text>,
    config: Path,
}

#[derive(Debug)]
struct Text {
    json: String,
    document: Value,
    positions: Positions,
}

impl ConfigSource {
    /// A file that holds the configuration as JSON and nothing else.
    ///
    /// # Errors
    /// Text that is not JSON.
    pub fn new(
        file: impl Into<Arc<str>>,
        json: impl Into<String>,
    ) -> Result<ConfigSource, ParseError> {
        let json = json.into();
        let positions = Positions::verbatim(&json, Position::START);
        ConfigSource::with_positions(file, json, positions)
    }

    /// A file of which the JSON is only a part, or made: these are the positions in the file that it
    /// comes from, as `yaml::Document::positions` gives them.
    ///
    /// # Errors
    /// Text that is not JSON.
    pub fn with_positions(
        file: impl Into<Arc<str>>,
        json: impl Into<String>,
        positions: Positions,
    ) -> Result<ConfigSource, ParseError> {
        let json = json.into();
        let document = Value::from_json(&json)?;
        let text = Arc::new(Text { json, document, positions });
        Ok(ConfigSource { file: file.into(), text, config: Path::default() })
    }

    /// The configuration is a part of the document, such as an item of a `List`.
    #[must_use]
    pub fn inside(self, config: Path) -> ConfigSource {
        ConfigSource { config, ..self }
    }

    /// Where a field of the configuration stands: its key, or the item of a list. None if the
    /// configuration does not state it.
    ///
    /// Items are found by their keys or their value, of repeated keys the last counts.
    pub fn locate(&self, path: &Path) -> Option<Location> {
        self.locator()?.at(path)
    }

    /// Finds many fields of the configuration; none if the document does not hold it.
    pub(crate) fn locator(&self) -> Option<Locator<'_>> {
        let config = value_at(self.text.document.as_ref(), self.config.elements())?;
        Some(Locator { source: self, lookup: Lookup::new(config) })
    }

    /// The fields of the document that stand in their map once more, and where: the first of them,
    /// at most this many. The API server takes the last of each, and tells of the others or refuses
    /// them as the request's `fieldValidation` says.
    ///
    /// Items of lists are told by their position. Linear in the document.
    ///
    /// ```
    /// use managed_fields::fieldmanager::ConfigSource;
    /// let source = ConfigSource::new("a.json", "{\"a\": [{\"b\": 1,\n\"b\": 2}]}")?;
    /// let (path, location) = &source.repeated_keys(10)[0];
    /// assert_eq!((path.to_string().as_str(), location.line()), (".a[0].b", 2));
    /// # Ok::<(), managed_fields::value::ParseError>(())
    /// ```
    pub fn repeated_keys(&self, at_most: usize) -> Vec<(Path, Location)> {
        let found = repeated_keys(&self.text.json, self.config.elements(), at_most);
        found.into_iter().map(|(path, offset)| (path, self.at(offset))).collect()
    }

    fn at(&self, offset: usize) -> Location {
        let position = self.text.positions.of(&self.text.json, offset);
        Location { file: self.file.clone(), position }
    }
}

/// Finds fields of a configuration in its source.
pub(crate) struct Locator<'s> {
    source: &'s ConfigSource,
    lookup: Lookup<'s>,
}

impl Locator<'_> {
    /// Where a field stands.
    pub(crate) fn at(&self, path: &Path) -> Option<Location> {
        self.lookup.at(path.elements()).map(|found| self.source.at(found.offset()))
    }

    /// Where a field stands, or the innermost thing around it that the configuration states.
    #[cfg(feature = "cli")]
    pub(crate) fn around(&self, path: &Path) -> Location {
        self.source.at(self.lookup.around(path.elements()).offset())
    }
}

/// A map or a list that is open while a text is walked over.
enum Open {
    /// The keys so far; the last one, quoted, and whether another may follow.
    Map { seen: HashSet<String>, key: String, key_is_next: bool },
    /// The position of the item.
    List(i64),
}

impl Open {
    fn step(&self) -> PathElement {
        match self {
            Open::Map { key, .. } => PathElement::FieldName(key.clone()),
            Open::List(index) => PathElement::Index(*index),
        }
    }
}

/// The keys of a valid JSON text that are not the first of their name in their map, below `inside`:
/// their paths from there and where they begin.
fn repeated_keys(json: &str, inside: &[PathElement], at_most: usize) -> Vec<(Path, usize)> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = json.as_bytes().get(at)
        && found.len() < at_most
    {
        let start = at;
        at += 1;
        match (byte, open.last_mut()) {
            (b'{', _) => {
                let (seen, key) = (HashSet::new(), String::new());
                open.push(Open::Map { seen, key, key_is_next: true });
            }
            (b'[', _) => open.push(Open::List(0)),
            (b'}' | b']', _) => {
                open.pop();
            }
            (b',', Some(Open::List(index))) => *index += 1,
            (b',', Some(Open::Map { key_is_next, .. })) => *key_is_next = true,
            (b'"', top) => {
                let rest = json.get(at..).unwrap_or_default();
                let text = rest.get(..string_length(rest)).unwrap_or_default();
                at += text.len() + 1;
                let Some(Open::Map { seen, key, key_is_next: is_key @ true }) = top else {
                    continue;
                };
                *is_key = false;
                *key = unescape(text);
                if seen.insert(key.clone()) {
                    continue;
                }
                let is_inside = open.len() > inside.len()
                    && open.iter().zip(inside).all(|(open, step)| open.step() == *step);
                if is_inside {
                    found.push((open.iter().skip(inside.len()).map(Open::step).collect(), start));
                }
            }
            _ => {}
        }
    }
    found
}

/// The bytes of a JSON string up to its closing quote.
fn string_length(rest: &str) -> usize {
    let mut is_escaped = false;
    let end = rest.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::ConfigSource;
    use crate::fieldpath::{Path, PathElement};
    use crate::value::{Position, Positions, Value};

    fn field(name: &str) -> PathElement {
        PathElement::FieldName(name.to_owned())
    }

    fn value(json: &str) -> Value {
        Value::from_json(json).unwrap_or_else(|error| panic!("{error} in {json}"))
    }

    fn source(json: &str) -> ConfigSource {
        ConfigSource::new("a.json", json).unwrap_or_else(|error| panic!("{error} in {json}"))
    }

    fn key(fields: &str) -> PathElement {
        let fields = value(fields);
        let fields =
            fields.as_ref().members().map(|(name, value)| (name.into_owned(), value.to_value()));
        PathElement::Key(fields.collect())
    }

    #[test]
    fn fields_items_and_values_are_found() {
        let json = "{\n \"a\": {\"\": 1,\n  \"\\u0062\": 2, \"b\": 3},\n \"l\": [{\"k\": \"x\", \"v\": 0},\n  {\"v\": 1, \"k\": \"y\"}],\n \"s\": [\"é\", 1,\n  2.0]\n}";
        let source = source(json);
        let value = |json| PathElement::Value(value(json));
        let case = |path: &[PathElement], place: Option<(usize, usize)>| {
            let path: Path = path.iter().cloned().collect();
            let found = source.locate(&path).map(|found| (found.line(), found.column()));
            assert_eq!(found, place, "{path}");
        };
        case(&[], Some((1, 1)));
        case(&[field("a")], Some((2, 2)));
        case(&[field("a"), field("")], Some((2, 8)));
        case(&[field("a"), field("b")], Some((3, 16)));
        case(&[field("a"), field("c")], None);
        case(&[field("l"), key(r#"{"k":"y"}"#)], Some((5, 3)));
        case(&[field("l"), key(r#"{"k":"y"}"#), field("k")], Some((5, 12)));
        case(&[field("l"), key(r#"{"k":"z"}"#)], None);
        case(&[field("s"), value("1")], Some((6, 13)));
        case(&[field("s"), value("2")], Some((7, 3)));
        case(&[field("l"), PathElement::Index(1)], Some((5, 3)));
        let inside = source.inside([field("l"), PathElement::Index(1)].into_iter().collect());
        let found = inside.locate(&[field("v")].into_iter().collect());
        let found = found.map(|found| (found.file().to_owned(), found.to_string(), found.column()));
        assert_eq!(found, Some(("a.json".to_owned(), "a.json:5".to_owned(), 4)));
    }

    #[test]
    fn positions_of_made_json_are_those_of_its_source() {
        let made = vec![(1, Position { line: 4, column: 2 }), (5, Position { line: 9, column: 7 })];
        let positions = Positions::made(Position { line: 3, column: 1 }, made);
        let source = ConfigSource::with_positions("a.yaml", r#"{"a":{"b":1}}"#, positions);
        let source = source.unwrap_or_else(|error| panic!("{error}"));
        let line = |path: &[PathElement]| {
            source.locate(&path.iter().cloned().collect()).map(|found| found.line())
        };
        let lines = [line(&[]), line(&[field("a")]), line(&[field("a"), field("b")])];
        assert_eq!(lines, [3, 4, 9].map(Some));
    }

    #[test]
    fn every_key_that_stands_there_again_is_found() {
        let json = r#"{"a":"{\"a\":1,","b":[1,{"c\\":2,"\u0063\\":3},{"c":[],"d":{"c":{},"":0,"":0}}],"a":[],"a":1}"#;
        let source = source(json);
        let paths = |source: &ConfigSource, at_most| {
            let found = source.repeated_keys(at_most);
            found.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(paths(&source, 9), [".b[1].c\\", ".b[2].d.", ".a", ".a"]);
        assert_eq!(paths(&source, 2), [".b[1].c\\", ".b[2].d."]);
        let columns = source.repeated_keys(9).iter().map(|(_, at)| at.column()).collect::<Vec<_>>();
        let expected = [r#""\u0063"#, r#""":0}"#, r#""a":[]"#, r#""a":1}"#];
        let found = columns.iter().map(|column| column.checked_sub(1)).collect::<Vec<_>>();
        assert_eq!(found, expected.map(|key| json.find(key)));
        let inside = source.inside([field("b"), PathElement::Index(2)].into_iter().collect());
        assert_eq!(paths(&inside, 9), [".d."]);
    }
}
