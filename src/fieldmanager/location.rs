//! Where in a file a field of a configuration stands.

use std::fmt;
use std::sync::Arc;

use crate::fieldpath::Path;
use crate::value::{ParseError, Position, Positions, Value};

use super::object::value_at;

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
/// assert_eq!(source.locate(&path).unwrap().to_string(), "lamp.json:3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConfigSource {
    file: Arc<str>,
    json: String,
    document: Value,
    positions: Positions,
    config: Path,
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
        let document = Value::from_json(&json)?;
        let positions = Positions::verbatim(Position::START);
        Ok(ConfigSource { file: file.into(), json, document, positions, config: Path::default() })
    }

    /// The JSON text is only a part of the file, or was made of something else: these are the
    /// positions in the file that it comes from, as `yaml::Document::positions` gives them.
    #[must_use]
    pub fn positions(self, positions: Positions) -> ConfigSource {
        ConfigSource { positions, ..self }
    }

    /// The configuration is a part of the document, such as an item of a `List`.
    #[must_use]
    pub fn inside(self, config: Path) -> ConfigSource {
        ConfigSource { config, ..self }
    }

    /// Where a field of the configuration stands: its key, or the item of a list. None if the
    /// configuration does not state it.
    ///
    /// Items are found by their keys or their value, of repeated keys the last counts. Linear in the
    /// document.
    pub fn locate(&self, path: &Path) -> Option<Location> {
        let position = self.positions.of(&self.json, self.offset_of(path)?);
        Some(Location { file: self.file.clone(), position })
    }

    /// Where these fields stand, each as [`locate`](Self::locate) tells it, by their numbers. The
    /// text is walked over once.
    pub(super) fn locate_each<'p>(
        &self,
        paths: impl Iterator<Item = &'p Path>,
    ) -> Vec<(usize, Location)> {
        let found = paths.enumerate();
        let mut found: Vec<(usize, usize)> =
            found.filter_map(|(number, path)| Some((self.offset_of(path)?, number))).collect();
        found.sort_unstable();
        let positions = self.positions.of_each(&self.json, found.iter().map(|(offset, _)| *offset));
        let located = found.iter().zip(positions).map(|((_, number), position)| {
            (*number, Location { file: self.file.clone(), position })
        });
        located.collect()
    }

    fn offset_of(&self, path: &Path) -> Option<usize> {
        let config = value_at(self.document.as_ref(), self.config.elements())?;
        Some(value_at(config, path.elements())?.offset())
    }
}

#[cfg(test)]
mod tests {
    use super::ConfigSource;
    use crate::fieldpath::{Path, PathElement};
    use crate::value::{Position, Positions, Value};

    fn field(name: &str) -> PathElement {
        PathElement::FieldName(name.to_owned())
    }

    fn key(fields: &str) -> PathElement {
        let fields = Value::from_json(fields).unwrap();
        let fields =
            fields.as_ref().members().map(|(name, value)| (name.into_owned(), value.to_value()));
        PathElement::Key(fields.collect())
    }

    #[test]
    fn fields_items_and_values_are_found() {
        let json = "{\n \"a\": {\"\": 1,\n  \"\\u0062\": 2, \"b\": 3},\n \"l\": [{\"k\": \"x\", \"v\": 0},\n  {\"v\": 1, \"k\": \"y\"}],\n \"s\": [\"é\", 1,\n  2.0]\n}";
        let source = ConfigSource::new("a.json", json).unwrap();
        let value = |json| PathElement::Value(Value::from_json(json).unwrap());
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
        let found = inside.locate(&[field("v")].into_iter().collect()).unwrap();
        assert_eq!(
            (found.file(), found.to_string().as_str(), found.column()),
            ("a.json", "a.json:5", 4)
        );
    }

    #[test]
    fn positions_of_made_json_are_those_of_its_source() {
        let made = vec![(1, Position { line: 4, column: 2 }), (5, Position { line: 9, column: 7 })];
        let positions = Positions::made(Position { line: 3, column: 1 }, made);
        let source = ConfigSource::new("a.yaml", r#"{"a":{"b":1}}"#).unwrap().positions(positions);
        let line =
            |path: &[PathElement]| source.locate(&path.iter().cloned().collect()).unwrap().line();
        assert_eq!((line(&[]), line(&[field("a")]), line(&[field("a"), field("b")])), (3, 4, 9));
    }
}
