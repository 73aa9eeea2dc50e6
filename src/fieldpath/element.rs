//! Path elements and paths, for people who use the crate.

use std::cmp::Ordering;
use std::fmt;

use crate::value::{Kind, ParseError, Value};

use super::token;

/// One step of a path.
///
/// Elements are equal and ordered as the reference has them: integers and floats of one value are
/// the same, fields come before keys, values and indices.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PathElement {
    /// The entry of a map.
    FieldName(String),
    /// The item of a keyed list that has these fields; sorted by name.
    Key(Vec<(String, Value)>),
    /// The item of a set.
    Value(Value),
    /// The item of an atomic list, by position.
    Index(i64),
    /// An item that cannot be told from others. It has no wire form.
    Invalid,
}

/// A FieldsV1 key is no path element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElementError {
    /// Less than a kind and a colon.
    #[error("key must be 2 characters long:")]
    TooShort,
    /// No colon behind the kind.
    #[error("missing colon: {0}")]
    MissingColon(String),
    /// A kind that is not known; readers pass over such elements.
    #[error("unknown path element type")]
    UnknownType,
    /// A key or value that is not the JSON that it should be.
    #[error("malformed path element {0}: {1}")]
    Json(String, ParseError),
    /// A key that is not an object.
    #[error("malformed path element {0}: keys are written as an object")]
    NotAnObject(String),
    /// An index that is not a 64-bit integer.
    #[error("malformed path element {0}: not a 64-bit integer")]
    Index(String),
}

impl PathElement {
    /// The item of a keyed list with these fields, in whatever order.
    pub fn key(fields: impl IntoIterator<Item = (String, Value)>) -> PathElement {
        let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
        fields.sort_by(|left, right| left.0.cmp(&right.0));
        PathElement::Key(fields)
    }

    /// Reads an element from its FieldsV1 spelling, such as `f:spec` or `k:{"name":"a"}`. All
    /// numbers become floats.
    ///
    /// ```
    /// use managed_fields::fieldpath::PathElement;
    /// let element = PathElement::from_fields_v1_key(r#"k:{"name":"a"}"#)?;
    /// assert_eq!(element.to_string(), r#"[name="a"]"#);
    /// # Ok::<(), managed_fields::fieldpath::ElementError>(())
    /// ```
    ///
    /// # Errors
    /// Anything that is no element; an unknown kind is told apart.
    pub fn from_fields_v1_key(key: &str) -> Result<PathElement, ElementError> {
        let mut token = String::new();
        super::fields_v1::write_token_of_key(&mut token, key)?;
        Ok(token::parse(&token))
    }

    /// The element's FieldsV1 spelling; none for the invalid element.
    pub fn to_fields_v1_key(&self) -> Option<String> {
        let token = token::of(self);
        if token.is_empty() {
            return None;
        }
        let mut wire = String::new();
        token::write_wire(&mut wire, token.as_bytes());
        Some(crate::value::text::unescape(&wire))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &PathElement) -> bool {
        if let (PathElement::FieldName(name), PathElement::FieldName(theirs)) = (self, other) {
            return name == theirs;
        }
        token::eq(token::of(self), token::of(other))
    }
}

impl Eq for PathElement {}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &PathElement) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &PathElement) -> Ordering {
        // Most elements are names, in the order of their bytes.
        if let (PathElement::FieldName(name), PathElement::FieldName(theirs)) = (self, other) {
            return name.cmp(theirs);
        }
        token::cmp(token::of(self), token::of(other))
    }
}

/// As the API server prints it: `.name`, `[key="a"]`, `[="a"]`, `[0]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        token::write_display(&mut out, token::of(self));
        f.write_str(&out)
    }
}

/// The way to a field from the root of an object. The empty path is the object itself and never a
/// member of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Path(Vec<PathElement>);

impl Path {
    /// From the elements, outermost first.
    pub fn new(elements: Vec<PathElement>) -> Path {
        Path(elements)
    }

    /// The elements, outermost first.
    pub fn elements(&self) -> &[PathElement] {
        &self.0
    }
}

impl FromIterator<PathElement> for Path {
    fn from_iter<I: IntoIterator<Item = PathElement>>(elements: I) -> Path {
        Path(elements.into_iter().collect())
    }
}

/// The elements one behind the other.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| element.fmt(f))
    }
}

/// Whether the value can identify an item by itself.
pub(super) fn is_scalar(kind: Kind) -> bool {
    matches!(kind, Kind::Bool | Kind::Int | Kind::Float | Kind::String)
}

#[cfg(test)]
mod tests {
    use super::{PathElement, token};
    use crate::value::Value;

    /// Elements are compared as their tokens are, names without making these.
    #[test]
    fn elements_are_ordered_as_their_tokens() {
        let names = [
            "",
            "a",
            "A",
            "a.b",
            "a/b",
            "aa",
            "a\"",
            "a\\",
            "a\\\\",
            "a\n",
            "\u{0}",
            "\u{7f}",
            "é",
            "<",
            "\u{e000}",
            "\u{10000}",
            "k:{}",
            "v:1",
            "i:0",
        ];
        let mut elements: Vec<PathElement> =
            names.map(|name| PathElement::FieldName(name.to_owned())).into();
        let text = |text: &str| Value::from_serialize(text).unwrap_or_else(|_| Value::null());
        elements.extend(names.map(|name| PathElement::Value(text(name))));
        elements.extend(names.map(|name| PathElement::key([("a".to_owned(), text(name))])));
        elements.extend([PathElement::Index(0), PathElement::Index(10), PathElement::Invalid]);
        for left in &elements {
            for right in &elements {
                let (ours, theirs) = (token::of(left), token::of(right));
                assert_eq!(left.cmp(right), token::cmp(&ours, &theirs), "{ours} {theirs}");
                assert_eq!(left == right, token::eq(&ours, &theirs), "{ours} {theirs}");
            }
        }
    }
}
