//! The ownership that an object records.

use crate::managedfields::{ListReading, ManagedFieldsEntry, ManagedState, read_list};
use crate::value::{Kind, Value};

/// The ownership of an object cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntriesError {
    /// It is something else than a list of entries.
    #[error("metadata.managedFields is not a list of entries")]
    NotAList,
    /// An entry is broken.
    #[error("metadata.managedFields: {0}")]
    Entry(String),
}

/// The entries of `metadata.managedFields`, in the order in which the API server lists them.
///
/// ```
/// use managed_fields::{Value, analysis::entries_of};
/// let object = Value::from_json(
///     r#"{"metadata":{"managedFields":[{"manager":"ann","operation":"Apply","apiVersion":"v1",
///         "fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}}}]}}"#,
/// )?;
/// assert_eq!(entries_of(&object)?[0].fields.to_string(), ".data.k");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// What the API server refuses to read as well.
pub fn entries_of(object: &Value) -> Result<Vec<ManagedFieldsEntry>, EntriesError> {
    let (arena, root) = object.parts();
    let reading = read_list(arena, root);
    let stated = object.as_ref().get("metadata").and_then(|metadata| metadata.get("managedFields"));
    if matches!(reading, ListReading::None) && stated.is_some_and(|list| list.kind() != Kind::Null)
    {
        return Err(EntriesError::NotAList);
    }
    match ManagedState::decode(arena, &reading) {
        Ok(state) => Ok(state.entries()),
        Err(error) => Err(EntriesError::Entry(error.to_string())),
    }
}
