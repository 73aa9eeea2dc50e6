//! YAML as Kubernetes reads it, and as `kubectl` writes it.
//!
//! Kubernetes reads YAML 1.1: `yes` is true, `0644` is 420, `1_000` is 1000, `<<` merges, and every
//! key is text. Reading turns each document into JSON text, the form that everything else in this
//! crate takes. A document that is JSON already is handed on untouched, so neither size nor nesting
//! of JSON meets the limits of a YAML parser.
//!
//! ```
//! let text = "defaultMode: 0644\nimmutable: yes\n---\n{\"kind\":\"Pod\"}\n";
//! let read: Result<Vec<_>, _> = managed_fields::yaml::documents(text).collect();
//! let read = read?;
//! assert_eq!(read[0].json(), r#"{"defaultMode":420,"immutable":true}"#);
//! assert_eq!((read[1].json(), read[1].line()), (r#"{"kind":"Pod"}"#, 4));
//! # Ok::<(), managed_fields::yaml::YamlError>(())
//! ```

#[cfg(any(test, feature = "cli"))]
mod edits;
#[cfg(any(test, feature = "cli"))]
mod outline;
mod positions;

use std::borrow::Cow;
use std::fmt;
#[cfg(any(test, feature = "cli"))]
use std::ops::Range;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_saphyr::{MessageFormatter, UserMessageFormatter};

use crate::deep;
use crate::value::{Kind, MAX_DEPTH, ParseErrorKind, Position, Positions, Value, ValueRef};

#[cfg(feature = "cli")]
pub(crate) use edits::{NotEdited, Patch, replaced};

/// What YAML takes for space; other spaces are text.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A document is neither the YAML nor the JSON it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line} column {column}")]
pub struct YamlError {
    message: String,
    document: usize,
    line: usize,
    column: usize,
}

impl YamlError {
    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the text, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column of the line in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The line of the text on which the broken document begins, from 1.
    pub fn document_line(&self) -> usize {
        self.document
    }
}

/// One document of a text, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<'t> {
    json: Cow<'t, str>,
    line: usize,
    /// The text that the document was read from, and where that begins.
    source: &'t str,
    start: Position,
    offset: usize,
}

impl<'t> Document<'t> {
    /// The document as JSON text; a JSON document in its own spelling.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The document as JSON text, to keep.
    pub fn into_json(self) -> Cow<'t, str> {
        self.json
    }

    /// The line of the text on which the document begins, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The bytes of the text that the document was read from.
    #[cfg(any(test, feature = "cli"))]
    pub(crate) fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.source.len()
    }

    /// These bytes.
    #[cfg(feature = "cli")]
    pub(crate) fn text(&self) -> &'t str {
        self.source
    }

    /// Where these bytes begin.
    #[cfg(any(test, feature = "cli"))]
    pub(crate) fn start(&self) -> Position {
        self.start
    }

    /// From where in the text the keys and values of the [JSON](Self::json) come: what is put in by
    /// an alias comes from where it is defined, an item that is an alias from where that stands.
    ///
    /// Reads the document again, which is linear in it. None for one of more than 1,000 levels.
    ///
    /// ```
    /// let text = "a: 1\n---\nb:\n- c\n- d\n";
    /// let document = managed_fields::yaml::documents(text).nth(1).ok_or("one document")??;
    /// let (json, positions) = (document.json(), document.positions().ok_or("too deep")?);
    /// assert_eq!(json, r#"{"b":["c","d"]}"#);
    /// assert_eq!(positions.of(json, 10).line, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn positions(&self) -> Option<Positions> {
        if matches!(self.json, Cow::Borrowed(_)) {
            return Some(Positions::verbatim(&self.json, self.start));
        }
        positions::from_yaml(self.source, self.start, &self.json)
    }
}

/// The documents of a text: YAML separated by `---`, JSON, or JSON documents one after the other.
///
/// Of repeated keys of a map the last counts, as the server has it: the JSON holds all of them.
/// Documents without content are left out. After a document that cannot be read the next one
/// follows. The work is linear in the text.
///
/// Source of the rules: the API server and `kubectl` read manifests as YAML 1.1; a text that begins
/// like JSON is tried as JSON first.
pub fn documents(text: &str) -> Documents<'_> {
    documents_from(text, Position::START)
}

/// The documents of a part of a text that begins here.
pub(crate) fn documents_from(text: &str, start: Position) -> Documents<'_> {
    let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    Documents { rest, end: text.len(), start, json: None }
}

/// The single document of a text, as JSON text; `null` for a text without content.
///
/// # Errors
/// Text that is neither YAML nor JSON, and more than one document.
pub fn to_json(text: &str) -> Result<Cow<'_, str>, YamlError> {
    let mut documents = documents(text);
    let first = match documents.next() {
        Some(first) => first?,
        None => return Ok(Cow::Borrowed("null")),
    };
    match documents.next() {
        None => Ok(first.json),
        Some(Err(error)) => Err(error),
        Some(Ok(second)) => Err(YamlError {
            message: "another document follows where one belongs".to_owned(),
            document: second.line,
            line: second.line,
            column: 1,
        }),
    }
}

/// Iterator over the documents of a text; see [`documents`].
#[derive(Debug, Clone)]
pub struct Documents<'t> {
    rest: &'t str,
    /// How long the text is.
    end: usize,
    /// Where the rest begins.
    start: Position,
    /// What is left of a chunk that holds JSON documents one after the other, and where it begins.
    json: Option<(&'t str, Position)>,
}

impl<'t> Iterator for Documents<'t> {
    type Item = Result<Document<'t>, YamlError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((text, start)) = self.json.take() {
                match self.next_json(text, start) {
                    Some(result) => return Some(result),
                    None => continue,
                }
            }
            if self.rest.is_empty() {
                return None;
            }
            let start = self.start;
            let chunk = self.next_chunk();
            let (content, content_line) = skip_marker(chunk, start.line);
            if content.starts_with(['{', '[']) {
                let before = chunk.strip_suffix(content).unwrap_or_default();
                self.json = Some((content, start.after(before)));
            } else if !is_blank(chunk) {
                let json = from_yaml(chunk, start.line, content_line);
                return Some(json.map(|json| Document {
                    json: Cow::Owned(json),
                    line: content_line,
                    source: chunk,
                    start,
                    offset: self.end - self.rest.len() - chunk.len(),
                }));
            }
        }
    }
}

impl<'t> Documents<'t> {
    /// The text up to the next document marker.
    fn next_chunk(&mut self) -> &'t str {
        let text = self.rest;
        let (mut at, mut content) = (0, false);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let line = rest.get(..length).unwrap_or(rest);
            // Directives belong to the document whose marker follows them.
            if is_marker(line, "---") && content {
                break;
            }
            at += length;
            if is_marker(line, "...") {
                break;
            }
            content |= !line.starts_with(['%', '#', '\n', '\r']);
        }
        let (chunk, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        self.rest = rest;
        self.start = self.start.after(chunk);
        chunk
    }

    /// The first of the JSON documents in `text`.
    fn next_json(
        &mut self,
        text: &'t str,
        start: Position,
    ) -> Option<Result<Document<'t>, YamlError>> {
        let blank = text.len() - text.trim_start_matches(SPACE).len();
        let start = start.after(text.get(..blank).unwrap_or_default());
        let line = start.line;
        let text = text.trim_start_matches(SPACE);
        let offset = self.end - self.rest.len() - text.len();
        if text.is_empty() || is_blank(text) {
            return None;
        }
        let end = json_end(text);
        let (piece, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let error = match Value::from_json(piece) {
            Ok(_) => {
                self.json = Some((rest, start.after(piece)));
                let json = Cow::Borrowed(piece);
                return Some(Ok(Document { json, line, source: piece, start, offset }));
            }
            Err(error) => error,
        };
        // What JSON cannot read may be a YAML flow collection. Everything else is hopeless.
        let may_be_yaml = !matches!(
            error.kind(),
            ParseErrorKind::TooDeep | ParseErrorKind::TooLarge | ParseErrorKind::NumberOutOfRange
        ) && text.starts_with(['{', '[']);
        if may_be_yaml {
            match from_yaml(text, line, line) {
                Ok(json) => {
                    let json = Cow::Owned(json);
                    return Some(Ok(Document { json, line, source: text, start, offset }));
                }
                Err(error) if !looks_like_json(text) => return Some(Err(error)),
                Err(_) => {}
            }
        }
        Some(Err(YamlError {
            message: error.kind().to_string(),
            document: line,
            line: line + error.line() - 1,
            column: error.column(),
        }))
    }
}

/// Whether a line is this document marker.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// What follows blank lines, comments and the opening marker of a chunk, and on which line.
fn skip_marker(chunk: &str, line: usize) -> (&str, usize) {
    let mut rest = chunk;
    let mut marker_allowed = true;
    let mut line = line;
    loop {
        let trimmed = rest.trim_start_matches(SPACE);
        let skipped = rest.len() - trimmed.len();
        line += count_lines(rest.get(..skipped).unwrap_or_default());
        rest = trimmed;
        if marker_allowed && is_marker(rest, "---") {
            marker_allowed = false;
            rest = rest.get(3..).unwrap_or_default();
        } else if rest.starts_with(['#', '%']) {
            rest = rest.find('\n').and_then(|end| rest.get(end..)).unwrap_or_default();
        } else {
            return (rest, line);
        }
    }
}

/// Whether a chunk holds nothing but markers, comments and space.
fn is_blank(chunk: &str) -> bool {
    let (rest, _) = skip_marker(chunk, 1);
    rest.is_empty() || (is_marker(rest, "...") && rest.trim_end_matches(SPACE).len() == 3)
}

/// Whether a text that is not JSON was meant to be.
fn looks_like_json(text: &str) -> bool {
    text.get(1..).is_some_and(|rest| {
        rest.trim_start_matches(SPACE).starts_with(['"', '{', '[', '}', ']'])
            && !text.starts_with("{{")
    })
}

fn count_lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Where the bracketed value at the start of a text ends.
fn json_end(text: &str) -> usize {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// Reads one YAML document. `line` is that of the chunk, `start` that of its content.
fn from_yaml(chunk: &str, line: usize, start: usize) -> Result<String, YamlError> {
    let depth = nesting_bound(chunk);
    let result = deep::with_stack(depth.saturating_mul(STACK_FACTOR), || {
        let mut out = String::with_capacity(chunk.len());
        match serde_saphyr::with_deserializer_from_str_with_options(chunk, options(), |source| {
            Json(&mut out).deserialize(source)
        }) {
            Ok(()) => Ok(out),
            Err(error) => {
                let error = error.without_snippet();
                let place = error.location();
                let place = place.map(|place| (place.line() as usize, place.column() as usize));
                Err((UserMessageFormatter.format_message(error).into_owned(), place))
            }
        }
    });
    result.map_err(|(mut message, place)| {
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
            message.push_str("...");
        }
        let (at, column) = place.unwrap_or((start - line + 1, 1));
        YamlError { message, document: start, line: line + at.max(1) - 1, column: column.max(1) }
    })
}

/// Messages quote what they complain about, however long it is.
const LONGEST_MESSAGE: usize = 200;

/// Stack that the YAML parser and this module take for a level, in levels of a walker.
const STACK_FACTOR: usize = 4;

fn options() -> serde_saphyr::Options {
    use serde_saphyr::options::DuplicateKeyPolicy;

    let budget = serde_saphyr::budget! {
        flow_nesting_limit: MAX_DEPTH,
        max_depth: MAX_DEPTH,
        max_events: 100_000_000,
        max_nodes: 100_000_000,
    };
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: budget,
    }
}

/// No document nests deeper than this: each level takes an indentation, a dash or a bracket.
fn nesting_bound(text: &str) -> usize {
    let mut brackets = 0;
    let mut deepest = 0;
    for line in text.lines() {
        let mut steps = 0;
        let mut leading = true;
        for byte in line.bytes() {
            match byte {
                b' ' | b'-' | b'?' | b':' if leading => steps += 1,
                b'[' | b'{' => {
                    brackets += 1;
                    leading = false;
                }
                _ => leading = false,
            }
        }
        deepest = deepest.max(steps);
    }
    (deepest + brackets + 2).min(MAX_DEPTH + 2)
}

/// Writes whatever a deserializer holds as JSON text.
struct Json<'o>(&'o mut String);

/// Writes a key as a JSON string: keys of other types become text, as Kubernetes has it.
struct Key<'o>(&'o mut String);

fn quote(out: &mut String, text: &str) {
    crate::value::text::write_json_string_quoted(out, text);
}

/// Numbers as the API server's JSON has them: `1.0` is `1`.
fn write_float<E: de::Error>(out: &mut String, value: f64) -> Result<(), E> {
    if !value.is_finite() {
        return Err(E::custom("number out of range"));
    }
    crate::value::text::write_float_json(out, value);
    Ok(())
}

fn write_display<E: de::Error>(out: &mut String, value: impl fmt::Display) -> Result<(), E> {
    use fmt::Write as _;
    write!(out, "{value}").map_err(E::custom)
}

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.0.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        write_display(self.0, value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        write_display(self.0, value)
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<(), E> {
        write_display(self.0, value)
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<(), E> {
        write_display(self.0, value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        write_float(self.0, value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        quote(self.0, value);
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.push_str("null");
        Ok(())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.push('[');
        let start = self.0.len();
        loop {
            let before = self.0.len();
            if before > start {
                self.0.push(',');
            }
            if list.next_element_seed(Json(self.0))?.is_none() {
                self.0.truncate(before);
                break;
            }
        }
        self.0.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.push('{');
        let start = self.0.len();
        loop {
            let before = self.0.len();
            if before > start {
                self.0.push(',');
            }
            if map.next_key_seed(Key(self.0))?.is_none() {
                self.0.truncate(before);
                break;
            }
            self.0.push(':');
            map.next_value_seed(Json(self.0))?;
        }
        self.0.push('}');
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key that can be text")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        quote(self.0, if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        quote(self.0, &value.to_string());
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        quote(self.0, &value.to_string());
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        let mut text = String::new();
        write_float::<E>(&mut text, value)?;
        quote(self.0, &text);
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        quote(self.0, value);
        Ok(())
    }
}

/// Levels up to which a value is written in block style: each level costs two columns on every
/// line below it.
const BLOCK_DEPTH: usize = 100;

/// A value as YAML text in `kubectl`'s style: keys sorted, two columns a level, text quoted where a
/// YAML 1.1 reader would take it for something else, several lines as a literal block.
///
/// A value of more than 100 levels is written as JSON, which YAML includes. Linear in the value.
///
/// ```
/// use managed_fields::{value::Value, yaml};
/// let value = Value::from_json(r#"{"b":"yes","a":[{"run":"one\ntwo\n"},1]}"#)?;
/// assert_eq!(yaml::from_value(value.as_ref()), "a:\n- run: |\n    one\n    two\n- 1\nb: \"yes\"\n");
/// # Ok::<(), managed_fields::value::ParseError>(())
/// ```
pub fn from_value(value: ValueRef<'_>) -> String {
    let json = value.to_json();
    let depth = json_depth(&json);
    if depth <= BLOCK_DEPTH {
        let options = serde_saphyr::ser_options! {
            min_fold_chars: usize::MAX,
            folded_wrap_chars: usize::MAX,
        };
        let written = deep::with_stack(depth * STACK_FACTOR, || {
            serde_saphyr::to_string_with_options(&Block(value), options)
        });
        if let Ok(mut text) = written {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            return text;
        }
    }
    json + "\n"
}

/// The nesting of a JSON text.
pub(crate) fn json_depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let mut in_string = false;
    let mut escaped = false;
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

struct Block<'a>(ValueRef<'a>);

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.0;
        match value.kind() {
            Kind::Null => serializer.serialize_unit(),
            Kind::Bool => serializer.serialize_bool(value.as_bool().unwrap_or_default()),
            Kind::Int => serializer.serialize_i64(value.as_i64().unwrap_or_default()),
            Kind::Float => {
                let number = value.as_f64().unwrap_or_default();
                // Integers beyond 64 bits keep their digits; short floats lose their fraction only
                // where it is zero, as the API server writes them.
                if let Ok(integer) = value.to_json().parse::<u64>() {
                    serializer.serialize_u64(integer)
                } else if number.fract() == 0.0 && number.abs() < 9e15 {
                    serializer.serialize_i64(number as i64)
                } else {
                    serializer.serialize_f64(number)
                }
            }
            Kind::String => match value.as_str() {
                Some(text) => serializer.serialize_str(&text),
                None => Err(S::Error::custom("not text")),
            },
            Kind::List => {
                let mut list = serializer.serialize_seq(Some(value.len()))?;
                for item in value.items() {
                    list.serialize_element(&Block(item))?;
                }
                list.end()
            }
            Kind::Map => {
                let mut map = serializer.serialize_map(Some(value.len()))?;
                for (key, member) in value.members() {
                    map.serialize_entry(&*key, &Block(member))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{documents, from_value, to_json};
    use crate::value::Value;

    #[test]
    fn scalars_are_those_of_yaml_1_1() {
        let cases = [
            ("0644", "420"),
            ("-0644", "-420"),
            ("0o14", "12"),
            ("0x1F", "31"),
            ("0b11", "3"),
            ("089", "89"),
            ("+12", "12"),
            ("1_000", "1000"),
            ("1.0", "1"),
            ("1e3", "1000"),
            (".5", "0.5"),
            ("1e-7", "1e-07"),
            ("12345678901234567890", "12345678901234567890"),
            ("yes", "true"),
            ("On", "true"),
            ("y", "true"),
            ("no", "false"),
            ("OFF", "false"),
            ("~", "null"),
            ("NULL", "null"),
            ("'0644'", r#""0644""#),
            ("\"yes\"", r#""yes""#),
            ("!!str 0644", r#""0644""#),
            ("1:30", r#""1:30""#),
            ("2001-01-01", r#""2001-01-01""#),
            ("1.2.3", r#""1.2.3""#),
            ("{yes: a, 0644: b, 1.5: c}", r#"{"true":"a","420":"b","1.5":"c"}"#),
            ("a: 1\nb: 2\na: 3", r#"{"a":1,"b":2,"a":3}"#),
            ("{a: &x {b: 1}, c: {<<: *x, d: 2}}", r#"{"a":{"b":1},"c":{"d":2,"b":1}}"#),
            ("\u{feff}a: |\n  x\n   y\n", r#"{"a":"x\n y\n"}"#),
            ("a: \"\\u00e9\\t\"\r\nb: c\r\n", r#"{"a":"é\t","b":"c"}"#),
        ];
        for (yaml, json) in cases {
            assert_eq!(to_json(yaml).as_deref(), Ok(json), "{yaml}");
        }
        for yaml in [".inf", "1e400", ".nan", "a: 1\n---\nb: 1", "{? [a] : b}", "a: *b"] {
            assert!(to_json(yaml).is_err(), "{yaml}");
        }
    }

    #[test]
    fn documents_have_their_lines() {
        let text = "# head\n%YAML 1.1\n---\na: 1\n---\n# nothing\n--- # Source: chart\nb: |\n  --- no marker\n---\n{\"c\":1}\n\n{\"d\":2}\n--- text\n...\ne: 1\n---\nbroken: [\n---\n{f: 1, g: [x]}\n--- {\"h\": 1}\n";
        let read: Vec<_> = documents(text)
            .map(|read| match read {
                Ok(document) => (document.line(), document.json().to_owned()),
                Err(error) => (error.document_line(), format!("line {}", error.line())),
            })
            .collect();
        let expected = [
            (4, r#"{"a":1}"#),
            (8, r#"{"b":"--- no marker\n"}"#),
            (11, r#"{"c":1}"#),
            (13, r#"{"d":2}"#),
            (14, r#""text""#),
            (16, r#"{"e":1}"#),
            (18, "line 18"),
            (20, r#"{"f":1,"g":["x"]}"#),
            (21, r#"{"h": 1}"#),
        ];
        assert_eq!(read, expected.map(|(line, json)| (line, json.to_owned())));
        assert_eq!(to_json("# nothing\n---\n").as_deref(), Ok("null"));
    }

    #[test]
    fn json_stays_as_it_is_spelled() {
        for json in [r#"{"b":1.0,"a":"\u0061"}"#, "[1, 2]", "{\n}"] {
            assert_eq!(to_json(json).as_deref(), Ok(json));
        }
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert_eq!(to_json(&deep).as_deref(), Ok(deep.as_str()));
        assert!(to_json(&format!("[{deep}]")).is_err());
        assert_eq!(to_json("{\"a\":1,}").as_deref(), Ok(r#"{"a":1}"#));
        let error = to_json("{\"a\": \n [1}").map_err(|error| (error.line(), error.column()));
        assert_eq!(error, Err((2, 4)));
    }

    #[test]
    fn what_is_written_is_read_again() -> Result<(), Box<dyn std::error::Error>> {
        let json = r#"{"":"","12":"12","a":["y","0644","1e3","1_000","1:30","null","~","- a","a: b","a #b"," x","x ","0x1F","=","<<","*a","on","1.0",".5","é","a\u0000b","a\u0085b","a\u2028b","\ttab","089","2001-01-01","---","|"],"b":["one\ntwo","one\ntwo\n","one\n\n","  x\n y\n","\n","x\n\ty \n","a\r\nb"],"n":null,"on":{},"t":[[],[[1,-2.5]],{"k":[{"x":1,"y":true}]}],"true":12345678901234567890}"#;
        let value = Value::from_json(json)?;
        let written = from_value(value.as_ref());
        let read = Value::from_json(&to_json(&written)?)?;
        assert_eq!(read, value, "{written}");
        assert_eq!(
            from_value(Value::from_json(r#"{"a":1e3,"b":1.50}"#)?.as_ref()),
            "a: 1000\nb: 1.5\n"
        );
        Ok(())
    }
}
