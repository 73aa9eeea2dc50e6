//! Fewer bytes of entries that mean the same.

use std::collections::{BTreeSet, HashMap};

use crate::fieldpath::{FieldSet, FieldsV1Error};
use crate::managedfields::{ListReading, ManagerIdentifier, RawEntry, read_list};
use crate::value::{Arena, Node, ParseError, ValueRef};

use super::document::Document;
use super::rewrite::{BrokenEntry, RewriteError, Rewritten, Written, fields_of, operation_of};

/// Why the entries of an object cannot be compacted.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CompactionError {
    /// The object is not JSON.
    #[error("the object is not valid JSON: {0}")]
    Object(ParseError),
    /// An entry cannot be read.
    #[error(transparent)]
    Entry(#[from] BrokenEntry),
    /// A set cannot be written.
    #[error("failed to encode field set: {0}")]
    Encode(FieldsV1Error),
}

/// The entries of an object in fewer bytes: the same applies and updates, with the same conflicts, follow.
///
/// | what goes | why nothing changes |
/// |---|---|
/// | entries of an identity that comes again | of several the last counts |
/// | entries that own nothing, at a version that another entry is at | the API server drops them at its next write |
/// | longer spellings of fields | they are written like this at the next write |
///
/// Everything else stays, although it may look like too much: fields that the object does not have any
/// more (they are fought over when they come back), updaters beyond ten (the API server folds them when
/// one of them writes, and then others own what they own), and the last entry that there is (without any
/// the object would count as never applied to).
///
/// ```
/// use managed_fields::fieldmanager::Compaction;
/// let live = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[
///     {"manager":"a","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1",
///      "fieldsV1":{"f:data":{"f:k":{".":{}}}}},
///     {"manager":"b","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{}}]}}"#;
/// let compacted = Compaction::of(live)?;
/// assert_eq!(compacted.dropped()[0].name(), "b");
/// assert!(compacted.object().ends_with(
///     r#""fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}},"manager":"a","operation":"Apply"}]}}"#
/// ));
/// # Ok::<(), managed_fields::fieldmanager::CompactionError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Compaction {
    object: String,
    patch: Option<String>,
    dropped: Vec<ManagerIdentifier>,
}

impl Compaction {
    /// Compacts the entries of an object. Linear. A list that cannot be read at all stays: the API server
    /// takes it for none.
    ///
    /// # Errors
    /// An object that is not JSON, and an entry that cannot be read.
    pub fn of<'a>(object: impl Into<Document<'a>>) -> Result<Compaction, CompactionError> {
        let mut arena = Arena::default();
        let root = object.into().parse(&mut arena).map_err(CompactionError::Object)?;
        let root = root.unwrap_or(Node::NULL);
        let read = read_list(&arena, root);
        let ListReading::Entries(entries) = &read else {
            return Ok(Compaction::nothing(&arena, root));
        };
        let mut sets = Vec::with_capacity(entries.len());
        let mut last: HashMap<ManagerIdentifier, usize> = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            last.insert(identifier(entry)?, place);
            sets.push(fields_of(entry, &arena)?);
        }
        let counts = |place: usize, entry: &RawEntry| {
            identifier(entry).is_ok_and(|identifier| last.get(&identifier) == Some(&place))
        };
        // Versions that some entry with fields is at.
        let held: BTreeSet<&str> = entries
            .iter()
            .zip(&sets)
            .enumerate()
            .filter(|(place, (entry, set))| !set.is_empty() && counts(*place, entry))
            .map(|(_, (entry, _))| &*entry.api_version)
            .collect();
        let (mut list, mut dropped) = (Vec::new(), Vec::new());
        let mut is_work = false;
        for (place, (entry, set)) in entries.iter().zip(&sets).enumerate() {
            let is_needless = set.is_empty() && held.contains(&*entry.api_version);
            if is_needless || !counts(place, entry) {
                dropped.push(identifier(entry)?);
                is_work = true;
                continue;
            }
            let written = Self::shorter(entry, set, &arena).map_err(CompactionError::Encode)?;
            is_work |= written.is_some();
            list.push(Rewritten { fields: written, ..Rewritten::of(entry) });
        }
        if !is_work {
            return Ok(Compaction::nothing(&arena, root));
        }
        let written = Written::of(&list, &arena, root);
        let written = written.and_then(|written| written.put(&mut arena, root));
        let (object, patch) = written.map_err(|error| match error {
            RewriteError::Encode(error) => CompactionError::Encode(error),
            RewriteError::Object(error) => CompactionError::Object(error),
        })?;
        Ok(Compaction { object, patch: Some(patch), dropped })
    }

    fn nothing(arena: &Arena<'_>, root: Node) -> Compaction {
        Compaction { object: arena.detach(root), patch: None, dropped: Vec::new() }
    }

    /// The fields, if they are shorter when written anew.
    fn shorter<'s>(
        entry: &RawEntry,
        set: &'s FieldSet,
        arena: &Arena<'_>,
    ) -> Result<Option<&'s FieldSet>, FieldsV1Error> {
        let Some(fields) = entry.fields_v1 else { return Ok(None) };
        let now = ValueRef::new(arena, fields).to_canonical_json();
        Ok((set.to_fields_v1()?.len() < now.len()).then_some(set))
    }

    /// The object with its compacted entries, as JSON. Where there was nothing to do, its own text.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The JSON Patch that makes the entries, to be sent to the API server; none if nothing is to be
    /// done. It is guarded by the resource version as that of [`Handover`](super::Handover) is.
    pub fn patch(&self) -> Option<&str> {
        self.patch.as_deref()
    }

    /// Whose entries went.
    pub fn dropped(&self) -> &[ManagerIdentifier] {
        &self.dropped
    }
}

fn identifier(entry: &RawEntry) -> Result<ManagerIdentifier, BrokenEntry> {
    let operation = operation_of(entry)?;
    let (name, version) = (&*entry.manager, &*entry.api_version);
    Ok(ManagerIdentifier::new(name, operation, version, &*entry.subresource))
}
