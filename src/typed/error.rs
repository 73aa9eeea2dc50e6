//! What an operation on a typed value found wrong.

use std::fmt;

use crate::fieldpath::{Path, PathStack};

/// One problem and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationError {
    pub(crate) path: String,
    pub(crate) message: String,
    /// The path of the value, where the operation tells it in parts.
    place: Path,
}

impl ValidationError {
    /// A problem whose path is known as it is told alone.
    pub(crate) fn told(path: String, message: String) -> ValidationError {
        ValidationError { path, message, place: Path::default() }
    }

    /// The path of the value, of what validation found; it ends where the value or its list is.
    #[cfg(feature = "analysis")]
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// The path of the value, empty for the whole object.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, in the API server's words.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// All problems of one operation, in the order in which they were met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValidationErrors(pub(crate) Vec<ValidationError>);

impl ValidationErrors {
    /// The problems.
    pub fn iter(&self) -> impl Iterator<Item = &ValidationError> {
        self.0.iter()
    }

    pub(super) fn push(&mut self, path: &impl Trail, message: impl Into<String>) {
        let mut text = String::new();
        path.write_display(&mut text);
        let (message, place) = (message.into(), path.place());
        self.0.push(ValidationError { path: text, message, place });
    }

    pub(crate) fn into_result<T>(self, value: T) -> Result<T, ValidationErrors> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// Where a walk stands, for telling problems.
///
/// Most values are right, so a walk first goes without: [`Untold`]. Only if that meets a problem it
/// goes again with a path, to say where.
pub(super) trait Trail: Default {
    fn push_field(&mut self, name: &str);
    fn push_index(&mut self, index: i64);
    fn push_token(&mut self, token: &str);
    fn pop(&mut self);
    /// Whether anybody wants to know where, and what.
    const IS_KEPT: bool;
    /// The way to the value, or to what it is part of.
    fn write_display(&self, out: &mut String);
    fn write_parent_display(&self, out: &mut String);
    /// The same way in parts.
    fn place(&self) -> Path;
}

impl Trail for PathStack {
    const IS_KEPT: bool = true;

    fn push_field(&mut self, name: &str) {
        self.push_field(name);
    }

    fn push_index(&mut self, index: i64) {
        self.push_index(index);
    }

    fn push_token(&mut self, token: &str) {
        self.push_token(token);
    }

    fn pop(&mut self) {
        self.pop();
    }

    fn write_display(&self, out: &mut String) {
        self.write_display(out);
    }

    fn write_parent_display(&self, out: &mut String) {
        self.write_parent_display(out);
    }

    fn place(&self) -> Path {
        self.to_path()
    }
}

/// No path: problems are counted.
#[derive(Default)]
pub(super) struct Untold;

impl Trail for Untold {
    const IS_KEPT: bool = false;

    fn push_field(&mut self, _: &str) {}
    fn push_index(&mut self, _: i64) {}
    fn push_token(&mut self, _: &str) {}
    fn pop(&mut self) {}
    fn write_display(&self, _: &mut String) {}
    fn write_parent_display(&self, _: &mut String) {}

    fn place(&self) -> Path {
        Path::default()
    }
}

/// One problem on a line; several under a heading, as the API server prints them.
impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => one.fmt(f),
            several => {
                f.write_str("errors:")?;
                for error in several {
                    write!(f, "\n  {error}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ValidationErrors {}
