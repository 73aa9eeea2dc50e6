//! One entry of `metadata.managedFields`.

use std::fmt;

use crate::fieldpath::FieldSet;

use super::identifier::ManagerIdentifier;
use super::time::Time;

/// How a manager came to own its fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply: it states all fields that it wants.
    Apply,
    /// By writing the object: it owns what it changed.
    Update,
}

impl Operation {
    /// The word in the entry.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Operation> {
        match word {
            "Apply" => Some(Operation::Apply),
            "Update" => Some(Operation::Update),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one manager owns of an object, as the object records it.
///
/// Source: `ManagedFieldsEntry` of the API reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedFieldsEntry {
    /// Whose fields these are.
    pub manager: ManagerIdentifier,
    /// The API version in which the fields are expressed; always that of the main resource.
    pub api_version: String,
    /// When the manager last changed something.
    pub time: Option<Time>,
    /// The fields.
    pub fields: FieldSet,
}
