//! Writing a list of entries anew, and the patch that does it to a stored object.

use crate::fieldpath::{FieldSet, FieldsV1Error};
use crate::managedfields::{Operation, RawEntry, Time, write_members, write_time};
use crate::value::text::write_json_string_html;
use crate::value::{Arena, Node, ParseError, Tag, ValueRef};

use super::object;

/// An entry that was read, with what is to be written of it.
#[derive(Clone, Copy)]
pub(super) struct Rewritten<'r> {
    pub(super) raw: &'r RawEntry<'r>,
    pub(super) manager: &'r str,
    pub(super) operation: &'r str,
    pub(super) api_version: &'r str,
    pub(super) time: Option<Time>,
    /// The fields, if they are not to stay as they were read.
    pub(super) fields: Option<&'r FieldSet>,
}

impl<'r> Rewritten<'r> {
    /// The entry as it was read.
    pub(super) fn of(raw: &'r RawEntry) -> Rewritten<'r> {
        Rewritten {
            raw,
            manager: &raw.manager,
            operation: &raw.operation,
            api_version: &raw.api_version,
            time: raw.time,
            fields: None,
        }
    }

    fn is_as_read(&self) -> bool {
        self.fields.is_none()
            && self.time == self.raw.time
            && [self.manager, self.operation, self.api_version]
                == [&self.raw.manager, &self.raw.operation, &self.raw.api_version]
    }
}

/// An entry that has to be read, and cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokenEntry {
    /// It is by neither operation.
    #[error("operation must be `Apply` or `Update`, but that of \"{manager}\" is {operation:?}")]
    Operation {
        /// Who the entry says it is of.
        manager: String,
        /// What it says instead.
        operation: String,
    },
    /// It holds no readable record of its fields.
    #[error("failed to convert fields of \"{manager}\" to set: {error}")]
    Fields {
        /// Whose entry.
        manager: String,
        /// What is wrong.
        error: FieldsV1Error,
    },
}

pub(super) fn operation_of(entry: &RawEntry) -> Result<Operation, BrokenEntry> {
    Operation::from_word(&entry.operation).ok_or_else(|| BrokenEntry::Operation {
        manager: entry.manager.to_string(),
        operation: entry.operation.to_string(),
    })
}

/// The fields of an entry; none of one without a record.
pub(super) fn fields_of(entry: &RawEntry, arena: &Arena<'_>) -> Result<FieldSet, BrokenEntry> {
    if entry.fields_v1.is_none() {
        return Ok(FieldSet::default());
    }
    entry
        .fields(arena)
        .map_err(|error| BrokenEntry::Fields { manager: entry.manager.to_string(), error })
}

/// Why a list cannot be written.
#[derive(Debug)]
pub(super) enum RewriteError {
    Encode(FieldsV1Error),
    Object(ParseError),
}

/// Entries as an object holds them, and the patch that makes them.
pub(super) struct Written {
    /// None where there are no entries.
    list: Option<String>,
    patch: String,
}

impl Written {
    /// These entries, in this order.
    ///
    /// To leave no entry is, as documented, to send a list of one that is empty.
    pub(super) fn of(
        list: &[Rewritten<'_>],
        arena: &Arena<'_>,
        root: Node,
    ) -> Result<Written, RewriteError> {
        let patch = patch(list, arena, root)?;
        if list.is_empty() {
            return Ok(Written { list: None, patch });
        }
        let mut text = String::from("[");
        for (index, entry) in list.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            write(entry, arena, &mut text)?;
        }
        text.push(']');
        Ok(Written { list: Some(text), patch })
    }

    /// The object with the entries, and the patch.
    pub(super) fn put(
        self,
        arena: &mut Arena<'_>,
        root: Node,
    ) -> Result<(String, String), RewriteError> {
        let object = object::with_managed_fields(arena, root, self.list);
        Ok((arena.detach(object.map_err(RewriteError::Object)?), self.patch))
    }
}

/// Appends an entry as an object holds it.
fn write(entry: &Rewritten<'_>, arena: &Arena<'_>, out: &mut String) -> Result<(), RewriteError> {
    if entry.is_as_read() {
        entry.raw.write(arena, out);
        return Ok(());
    }
    let mut failed = None;
    write_members(
        out,
        [entry.manager, entry.operation, entry.api_version, &entry.raw.subresource],
        entry.time,
        &entry.raw.fields_type,
        |out| match (entry.fields, entry.raw.fields_v1) {
            (Some(fields), _) => {
                failed = fields.write_fields_v1(out).err();
                true
            }
            (None, Some(fields)) => {
                arena.write(fields, out);
                true
            }
            (None, None) => false,
        },
    );
    failed.map_or(Ok(()), |error| Err(RewriteError::Encode(error)))
}

/// The patch as Go spells it: members of entries in the order of their declaration, characters
/// that mean something to HTML escaped everywhere.
fn patch(list: &[Rewritten<'_>], arena: &Arena<'_>, root: Node) -> Result<String, RewriteError> {
    let mut out =
        String::from("[{\"op\":\"replace\",\"path\":\"/metadata/managedFields\",\"value\":[");
    if list.is_empty() {
        out.push_str("{}");
    }
    for (index, entry) in list.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let mut time = String::new();
        if let Some(at) = entry.time {
            write_time(at, &mut time);
        }
        let fields = match (entry.fields, entry.raw.fields_v1) {
            (Some(fields), _) => {
                without_html(&fields.to_fields_v1().map_err(RewriteError::Encode)?)
            }
            (None, Some(fields)) => ValueRef::new(arena, fields).to_canonical_json(),
            (None, None) => String::new(),
        };
        let members = [
            ("manager", quoted(entry.manager)),
            ("operation", quoted(entry.operation)),
            ("apiVersion", quoted(entry.api_version)),
            ("time", time),
            ("fieldsType", quoted(&entry.raw.fields_type)),
            ("fieldsV1", fields),
            ("subresource", quoted(&entry.raw.subresource)),
        ];
        let members = members.iter().filter(|(_, value)| !value.is_empty());
        out.push('{');
        for (index, (key, value)) in members.enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push('"');
            out.push_str(key);
            out.push_str("\":");
            out.push_str(value);
        }
        out.push('}');
    }
    out.push_str("]},{\"op\":\"replace\",\"path\":\"/metadata/resourceVersion\",\"value\":");
    let version = arena
        .member(root, "metadata")
        .and_then(|metadata| arena.member(metadata, "resourceVersion"))
        .filter(|version| version.tag() == Tag::String)
        .map(|version| arena.string(version));
    out.push('"');
    write_json_string_html(&mut out, &version.unwrap_or_default());
    out.push_str("\"}]");
    Ok(out)
}

/// A JSON string; nothing for an empty one.
fn quoted(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut out = String::from("\"");
    write_json_string_html(&mut out, text);
    out.push('"');
    out
}

/// JSON text with the characters escaped that Go escapes in all JSON that it puts into other JSON.
/// They stand in strings alone.
fn without_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}
