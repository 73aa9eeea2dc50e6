//! The list of entries: reading it strictly, writing it in order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::fieldpath::{FieldSet, FieldsV1Error, ReadFields, decode_fields_v1, read_fields_v1};
use crate::merge::{Managers, VersionedSet};
use crate::value::text::write_json_string_html;
use crate::value::{Arena, Node, Tag};

use super::entry::{ManagedFieldsEntry, Operation};
use super::identifier::ManagerIdentifier;
use super::time::Time;

/// Why a list of entries cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum DecodeError {
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    #[error("apiVersion must not be empty")]
    ApiVersion,
    #[error("missing fieldsType in managed fields entry {0}")]
    NoFieldsType(usize),
    #[error("invalid fieldsType {1} in managed fields entry {0}")]
    FieldsType(usize, String),
    #[error(
        "error decoding versioned set from managed fields entry {index} of manager {manager}: error decoding set: {error}"
    )]
    Fields { index: usize, manager: String, error: FieldsV1Error },
}

/// The list as the object holds it, before any of it is judged.
pub(crate) enum ListReading<'a> {
    /// No list, null, or a list that is not made of entries at all: it reads as none.
    None,
    /// The entries.
    Entries(Vec<RawEntry<'a>>),
}

/// An entry as it stands.
pub(crate) struct RawEntry<'a> {
    pub(crate) manager: Cow<'a, str>,
    pub(crate) operation: Cow<'a, str>,
    pub(crate) api_version: Cow<'a, str>,
    pub(crate) time: Option<Time>,
    pub(crate) fields_type: Cow<'a, str>,
    pub(crate) fields_v1: Option<Node>,
    pub(crate) subresource: Cow<'a, str>,
    node: Node,
    /// Nothing stands in the entry that would not be written again.
    tidy: bool,
}

impl RawEntry<'_> {
    /// The fields; an entry without any record of fields is an error here.
    pub(crate) fn fields(&self, arena: &Arena<'_>) -> Result<FieldSet, FieldsV1Error> {
        match self.fields_v1 {
            Some(fields) => decode_fields(arena, fields).map(|(set, _)| set),
            None => decode_fields_v1(b"").map(|(set, _)| set),
        }
    }

    /// Appends the entry as it stands, with nothing in it but what entries are made of.
    pub(crate) fn write(&self, arena: &Arena<'_>, out: &mut String) {
        if self.tidy {
            out.push_str(arena.span(self.node));
            return;
        }
        write_members(
            out,
            [&self.manager, &self.operation, &self.api_version, &self.subresource],
            self.time,
            &self.fields_type,
            |out| match self.fields_v1 {
                Some(fields) => {
                    arena.write(fields, out);
                    true
                }
                None => false,
            },
        );
    }
}

impl RawEntry<'_> {
    fn into_owned(self) -> RawEntry<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        RawEntry {
            manager: owned(self.manager),
            operation: owned(self.operation),
            api_version: owned(self.api_version),
            fields_type: owned(self.fields_type),
            subresource: owned(self.subresource),
            ..self
        }
    }

    fn is_empty(&self) -> bool {
        self.manager.is_empty()
            && self.operation.is_empty()
            && self.api_version.is_empty()
            && self.time.is_none()
            && self.fields_type.is_empty()
            && self.fields_v1.is_none()
            && self.subresource.is_empty()
    }
}

impl ListReading<'_> {
    /// An empty list, or one entry that says nothing: the writer wants all ownership forgotten.
    pub(crate) fn is_reset(&self) -> bool {
        match self {
            ListReading::None => false,
            ListReading::Entries(entries) => match entries.as_slice() {
                [] => true,
                [one] => one.is_empty(),
                _ => false,
            },
        }
    }
}

impl ListReading<'_> {
    /// The same, to keep while the arena of the object changes.
    pub(crate) fn into_owned(self) -> ListReading<'static> {
        match self {
            ListReading::None => ListReading::None,
            ListReading::Entries(entries) => {
                ListReading::Entries(entries.into_iter().map(RawEntry::into_owned).collect())
            }
        }
    }

    /// Whether both lists are the same, entry by entry, but for times, and some time differs.
    pub(crate) fn is_like_but_for_times(&self, other: &ListReading<'_>, arena: &Arena<'_>) -> bool {
        let (ListReading::Entries(left), ListReading::Entries(right)) = (self, other) else {
            return false;
        };
        let same_fields =
            |left: &RawEntry<'_>, right: &RawEntry<'_>| match (left.fields_v1, right.fields_v1) {
                (Some(left), Some(right)) => arena.span(left) == arena.span(right),
                (left, right) => left.is_none() && right.is_none(),
            };
        let alike = |(left, right): (&RawEntry<'_>, &RawEntry<'_>)| {
            left.manager == right.manager
                && left.operation == right.operation
                && left.api_version == right.api_version
                && left.fields_type == right.fields_type
                && left.subresource == right.subresource
                && same_fields(left, right)
        };
        !right.is_empty()
            && left.len() == right.len()
            && left.iter().zip(right).any(|(left, right)| left.time != right.time)
            && left.iter().zip(right).all(alike)
    }

    /// The list as JSON, with nothing in it but what entries are made of; none where there is none.
    pub(crate) fn to_json(&self, arena: &Arena<'_>) -> Option<String> {
        let ListReading::Entries(entries) = self else { return None };
        let mut out = String::from("[");
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            entry.write(arena, &mut out);
        }
        out.push(']');
        Some(out)
    }
}

/// Reads the list at `metadata.managedFields` of an object. One element that is no entry makes the
/// whole list unreadable, which counts as no list.
pub(crate) fn read_list<'a>(arena: &'a Arena<'_>, object: Node) -> ListReading<'a> {
    let list = arena
        .member(object, "metadata")
        .and_then(|metadata| arena.member(metadata, "managedFields"))
        .filter(|list| list.tag() == Tag::List);
    let Some(list) = list else { return ListReading::None };
    let entries: Option<Vec<RawEntry<'_>>> =
        arena.children(list).iter().map(|node| read_entry(arena, *node)).collect();
    entries.map_or(ListReading::None, ListReading::Entries)
}

fn read_entry<'a>(arena: &'a Arena<'_>, node: Node) -> Option<RawEntry<'a>> {
    if node.tag() != Tag::Map {
        return None;
    }
    let mut entry = RawEntry {
        manager: Cow::default(),
        operation: Cow::default(),
        api_version: Cow::default(),
        time: None,
        fields_type: Cow::default(),
        fields_v1: None,
        subresource: Cow::default(),
        node,
        tidy: node.is_verbatim(),
    };
    for member in arena.children(node) {
        let key = arena.key(*member);
        let slot = match &*key {
            "manager" => &mut entry.manager,
            "operation" => &mut entry.operation,
            "apiVersion" => &mut entry.api_version,
            "fieldsType" => &mut entry.fields_type,
            "subresource" => &mut entry.subresource,
            "time" if member.tag() == Tag::String => {
                let text = arena.string(*member);
                let time: Time = text.parse().ok()?;
                // A time that would be written differently keeps its entry from being copied.
                entry.tidy &= time.is_canonical(&text);
                entry.time = Some(time);
                continue;
            }
            "fieldsV1" if !member.is_null() => {
                entry.fields_v1 = Some(*member);
                continue;
            }
            "time" if !member.is_null() => return None,
            _ => {
                entry.tidy = false;
                continue;
            }
        };
        match member.tag() {
            Tag::String => *slot = arena.string(*member),
            Tag::Null => {}
            _ => return None,
        }
        // A text that is written out though it is empty is not written again.
        entry.tidy &= !slot.is_empty();
    }
    Some(entry)
}

pub(crate) fn write_time(time: Time, out: &mut String) {
    if time.is_zero() {
        out.push_str("null");
    } else {
        let _ = write!(out, "\"{time}\"");
    }
}

/// What the managers of an object own and when each last changed something.
#[derive(Clone, Default)]
pub(crate) struct ManagedState {
    /// By identity as the reference writes it.
    pub(crate) managers: Managers,
    /// May know managers that are gone.
    known: BTreeMap<Arc<str>, Known>,
    /// The entries of the list that was read, in its order.
    origins: Vec<Origin>,
}

/// A manager by name, which entry it was read from, and when it last changed something.
#[derive(Clone)]
struct Known {
    identifier: ManagerIdentifier,
    origin: Option<usize>,
    time: Option<Time>,
}

/// The entry that a manager was read from.
#[derive(Clone)]
struct Origin {
    node: Node,
    set: FieldSet,
    api_version: String,
    time: Option<Time>,
    /// Written again, it would be the same text.
    tidy: bool,
    fields: Option<Node>,
    /// Written again, the fields would be the same text.
    canonical: bool,
}

/// The sets of entries that were read while their object was parsed.
#[derive(Default)]
pub(crate) struct ReadSets(Vec<(u32, FieldSet, bool)>);

impl ReadSets {
    /// The way to the sets in an object.
    pub(crate) const PATH: [&'static str; 3] = ["metadata", "managedFields", "fieldsV1"];

    /// Reads the set that a text begins with; returns how long it is and how deep it nests, or none
    /// if it is to be looked at as it stands.
    pub(crate) fn read(&mut self, text: &str, position: u32) -> Option<(usize, usize)> {
        let ReadFields { set, is_canonical, length, depth, .. } = read_fields_v1(text)?;
        self.0.push((position, set, is_canonical));
        Some((length, depth))
    }

    /// The set that stands there, and whether it is written again as it stands.
    fn find(&self, fields: Node) -> Option<(FieldSet, bool)> {
        let found = self.0.binary_search_by_key(&fields.position(), |read| read.0).ok()?;
        let (_, set, is_canonical) = self.0.get(found).filter(|_| fields.is_unread())?;
        Some((set.clone(), *is_canonical))
    }
}

impl ManagedState {
    /// Decodes a list; the first entry that is wrong fails it. Of entries of one identity the
    /// last counts.
    pub(crate) fn decode(
        arena: &Arena<'_>,
        reading: &ListReading<'_>,
    ) -> Result<ManagedState, DecodeError> {
        ManagedState::decode_with(arena, reading, &ReadSets::default())
    }

    /// As [`decode`](Self::decode), of a list some sets of which were read already.
    pub(crate) fn decode_with(
        arena: &Arena<'_>,
        reading: &ListReading<'_>,
        read: &ReadSets,
    ) -> Result<ManagedState, DecodeError> {
        let mut state = ManagedState::default();
        let ListReading::Entries(entries) = reading else { return Ok(state) };
        state.origins.reserve_exact(entries.len());
        let mut key = String::with_capacity(96);
        for (index, entry) in entries.iter().enumerate() {
            let operation = Operation::from_word(&entry.operation).ok_or(DecodeError::Operation)?;
            if entry.api_version.is_empty() {
                return Err(DecodeError::ApiVersion);
            }
            if entry.fields_type.is_empty() {
                return Err(DecodeError::NoFieldsType(index));
            }
            if entry.fields_type != "FieldsV1" {
                let mut word = String::new();
                crate::value::text::write_quoted_go(&mut word, &entry.fields_type);
                return Err(DecodeError::FieldsType(index, word));
            }
            let identifier = ManagerIdentifier::new(
                &*entry.manager,
                operation,
                &*entry.api_version,
                &*entry.subresource,
            );
            let (set, canonical) =
                match entry.fields_v1 {
                    None => (FieldSet::default(), false),
                    Some(fields) => match read.find(fields) {
                        Some(found) => found,
                        None => decode_fields(arena, fields).map_err(|error| {
                            DecodeError::Fields { index, manager: entry.manager.to_string(), error }
                        })?,
                    },
                };
            key.clear();
            identifier.write_key(&mut key);
            let key: Arc<str> = key.as_str().into();
            let known = Known { identifier, origin: Some(index), time: entry.time };
            state.known.insert(Arc::clone(&key), known);
            state.origins.push(Origin {
                node: entry.node,
                set: set.clone(),
                api_version: entry.api_version.to_string(),
                time: entry.time,
                tidy: entry.tidy && canonical,
                fields: entry.fields_v1,
                canonical,
            });
            let api_version = entry.api_version.to_string();
            let applied = operation == Operation::Apply;
            state.managers.0.insert(key, VersionedSet { set, api_version, applied });
        }
        Ok(state)
    }

    /// Names a manager of this state and returns its identity as the reference writes it.
    pub(crate) fn name(&mut self, identifier: ManagerIdentifier) -> Arc<str> {
        let key = identifier.to_key();
        if let Some((key, _)) = self.known.get_key_value(key.as_str()) {
            return Arc::clone(key);
        }
        let key: Arc<str> = key.into();
        self.known.insert(Arc::clone(&key), Known { identifier, origin: None, time: None });
        key
    }

    /// When a manager last changed something.
    pub(crate) fn time(&self, key: &str) -> Option<Time> {
        self.known.get(key)?.time
    }

    /// Says when a manager that was [named](Self::name) last changed something.
    pub(crate) fn set_time(&mut self, key: &str, time: Option<Time>) {
        if let Some(known) = self.known.get_mut(key) {
            known.time = time;
        }
    }

    pub(crate) fn identifier(&self, key: &str) -> Option<&ManagerIdentifier> {
        self.known.get(key).map(|known| &known.identifier)
    }

    pub(crate) fn has_managers(&self) -> bool {
        !self.managers.is_empty()
    }

    /// The entries in the list's order: appliers first, then by time, name, version, subresource.
    pub(crate) fn entries(&self) -> Vec<ManagedFieldsEntry> {
        self.sorted().iter().map(SortedEntry::to_entry).collect()
    }

    fn sorted(&self) -> Vec<SortedEntry<'_>> {
        let mut entries: Vec<SortedEntry<'_>> = Vec::with_capacity(self.managers.len());
        for (key, owned) in self.managers.iter() {
            let Some(Known { identifier, origin, time }) = self.known.get(key) else { continue };
            let operation = if owned.applied { Operation::Apply } else { identifier.operation() };
            let (origin, time) = (*origin, *time);
            entries.push(SortedEntry { identifier, origin, operation, owned, time });
        }
        let seconds = |entry: &SortedEntry<'_>| entry.time.map_or(0, Time::as_second);
        entries.sort_by(|left, right| {
            let (ours, theirs) = (left.identifier, right.identifier);
            left.operation
                .as_str()
                .cmp(right.operation.as_str())
                .then_with(|| seconds(left).cmp(&seconds(right)))
                .then_with(|| ours.name().cmp(theirs.name()))
                .then_with(|| left.owned.api_version.cmp(&right.owned.api_version))
                .then_with(|| ours.subresource().cmp(theirs.subresource()))
        });
        entries
    }

    /// Appends the list as JSON; entries that did not change keep their text. Says whether the
    /// list is the one that was read, entry by entry.
    ///
    /// Nothing is appended for a state without managers.
    pub(crate) fn encode(
        &self,
        arena: &Arena<'_>,
        out: &mut String,
    ) -> Result<bool, FieldsV1Error> {
        if self.managers.is_empty() {
            return Ok(false);
        }
        let entries = self.sorted();
        let mut same = entries.len() == self.origins.len();
        let read: usize = self.origins.iter().map(|origin| arena.span(origin.node).len()).sum();
        out.reserve(read + 256);
        out.push('[');
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let origin = entry.origin.and_then(|origin| self.origins.get(origin));
            let stays = origin.filter(|origin| {
                origin.tidy
                    && origin.time == entry.time
                    && origin.api_version == entry.owned.api_version
                    && origin.set == entry.owned.set
            });
            match stays {
                Some(origin) => {
                    same &= entry.origin == Some(index);
                    out.push_str(arena.span(origin.node));
                }
                None => {
                    same = false;
                    let fields = origin.filter(|origin| {
                        origin.canonical && origin.set.is_identical(&entry.owned.set)
                    });
                    let fields = fields.and_then(|origin| origin.fields);
                    write_entry(entry, fields.map(|fields| arena.span(fields)), out)?;
                }
            }
        }
        out.push(']');
        Ok(same)
    }
}

fn decode_fields(arena: &Arena<'_>, fields: Node) -> Result<(FieldSet, bool), FieldsV1Error> {
    if fields.is_verbatim() {
        decode_fields_v1(arena.span(fields).as_bytes())
    } else {
        // A repeated key or a lone surrogate: the text as Go would have re-written it.
        let mut text = String::new();
        arena.write(fields, &mut text);
        decode_fields_v1(text.as_bytes()).map(|(set, _)| (set, false))
    }
}

/// What is written of a manager.
struct SortedEntry<'s> {
    identifier: &'s ManagerIdentifier,
    /// Which entry it was read from.
    origin: Option<usize>,
    /// Another than the identity's for an updater that became an applier.
    operation: Operation,
    owned: &'s VersionedSet,
    time: Option<Time>,
}

impl SortedEntry<'_> {
    fn to_entry(&self) -> ManagedFieldsEntry {
        let identifier = self.identifier;
        let manager = if self.operation == identifier.operation() {
            identifier.clone()
        } else {
            ManagerIdentifier::new(identifier.name(), self.operation, "", identifier.subresource())
        };
        ManagedFieldsEntry {
            manager,
            api_version: self.owned.api_version.clone(),
            time: self.time,
            fields: self.owned.set.clone(),
        }
    }
}

/// Writes an entry; its fields may be known to be written like this.
fn write_entry(
    entry: &SortedEntry<'_>,
    fields: Option<&str>,
    out: &mut String,
) -> Result<(), FieldsV1Error> {
    let mut failed = None;
    let VersionedSet { api_version, set, .. } = entry.owned;
    let manager = entry.identifier;
    write_members(
        out,
        [manager.name(), entry.operation.as_str(), api_version, manager.subresource()],
        entry.time,
        "FieldsV1",
        |out| {
            match fields {
                Some(fields) => out.push_str(fields),
                None => failed = set.write_fields_v1(out).err(),
            }
            true
        },
    );
    failed.map_or(Ok(()), Err)
}

/// Writes an entry with its members in the order of their names; what is empty is left out, and
/// so are fields of which `fields` says that there are none.
pub(crate) fn write_members(
    out: &mut String,
    [manager, operation, api_version, subresource]: [&str; 4],
    time: Option<Time>,
    fields_type: &str,
    fields: impl FnOnce(&mut String) -> bool,
) {
    let start = out.len();
    let member = |out: &mut String, key: &str, value: &str| {
        if !value.is_empty() {
            out.push('"');
            out.push_str(key);
            out.push_str("\":\"");
            write_json_string_html(out, value);
            out.push_str("\",");
        }
    };
    out.push('{');
    member(out, "apiVersion", api_version);
    member(out, "fieldsType", fields_type);
    let before = out.len();
    out.push_str("\"fieldsV1\":");
    if fields(out) {
        out.push(',');
    } else {
        out.truncate(before);
    }
    member(out, "manager", manager);
    member(out, "operation", operation);
    member(out, "subresource", subresource);
    if let Some(time) = time {
        out.push_str("\"time\":");
        write_time(time, out);
        out.push(',');
    }
    if out.len() > start + 1 {
        out.pop();
    }
    out.push('}');
}
