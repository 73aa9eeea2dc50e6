//! What managers own in other hands: renaming and merging managers, releasing fields, and dropping a
//! manager.
//!
//! The API server has no request for this: clients write the list of entries themselves. It needs no
//! schema.

use std::collections::{BTreeSet, HashMap};

use crate::fieldpath::{FieldSet, FieldsV1Error};
use crate::managedfields::{ListReading, ManagedFieldsEntry, Operation, RawEntry, Time, read_list};
use crate::value::{Arena, Node, ParseError};

use super::csa_upgrade::{LostEntry, about};
use super::document::Document;
use super::manager_name::{ManagerNameError, check_manager_name};
use super::rewrite::{BrokenEntry, RewriteError, Rewritten, Written, fields_of, operation_of};

/// Why what managers own cannot be handed over.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HandoverError {
    /// The object is not JSON.
    #[error("the object is not valid JSON: {0}")]
    Object(ParseError),
    /// No request could be made under the new name.
    #[error(transparent)]
    Name(ManagerNameError),
    /// An entry that fields are taken from or added to cannot be read.
    #[error(transparent)]
    Entry(#[from] BrokenEntry),
    /// Two appliers would be one whose fields are recorded at different versions, which are not to be
    /// mixed: an applier has one entry, and that has one version.
    #[error(
        "\"{manager}\" applied at {version} and \"{other}\" at {other_version}: an applier owns \
         fields of one version"
    )]
    Versions {
        /// Whose fields.
        manager: String,
        /// Their version.
        version: String,
        /// Who owns what they would be added to.
        other: String,
        /// The version of that.
        other_version: String,
    },
    /// The fields cannot be written.
    #[error("failed to encode field set: {0}")]
    Encode(FieldsV1Error),
}

/// A change of who owns what, to be run: what [some managers](Self::from) own goes
/// [to another](Self::to), or to nobody.
///
/// How it was written stays as it was: fields of appliers go to an applier, those of updaters to an
/// updater, each subresource and, of updaters, each version by itself. An entry that the new owner has
/// takes them in, with the later of both times; it is the union that the API server makes of it at the
/// next write. To make appliers of updaters, use [`CsaUpgrade`](super::CsaUpgrade).
///
/// | what is asked for | the move |
/// |---|---|
/// | rename a manager | `from("a").to("b")` |
/// | merge managers | `from("a").from("b").to("c")` |
/// | hand fields over | `from("a").fields(&fields).to("b")` |
/// | release fields | `from("a").fields(&fields)` |
/// | drop a manager | `from("a")` |
///
/// ```
/// use managed_fields::fieldmanager::Handover;
/// let live = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"7",
///     "managedFields":[{"manager":"old","operation":"Apply","apiVersion":"v1",
///     "fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}}}]}}"#;
/// let renamed = Handover::new(live).from("old").to("new").run()?;
/// assert_eq!(renamed.patch(), Some(concat!(
///     r#"[{"op":"replace","path":"/metadata/managedFields","value":[{"manager":"new","#,
///     r#""operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","#,
///     r#""fieldsV1":{"f:data":{"f:k":{}}}}]},"#,
///     r#"{"op":"replace","path":"/metadata/resourceVersion","value":"7"}]"#,
/// )));
/// let dropped = Handover::new(live).from("old").run()?;
/// let lost = dropped.lost()[0].fields.as_ref().map(ToString::to_string);
/// assert_eq!(lost.as_deref(), Some(".data.k"));
/// # Ok::<(), managed_fields::fieldmanager::HandoverError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is handed over until it is run"]
pub struct Handover<'a> {
    object: Document<'a>,
    from: BTreeSet<String>,
    to: Option<String>,
    fields: Option<FieldSet>,
    operation: Option<Operation>,
    subresource: Option<String>,
}

/// What a change of owners came to.
#[derive(Debug, Clone)]
pub struct HandedOver {
    object: String,
    patch: Option<String>,
    taken: Vec<ManagedFieldsEntry>,
    lost: Vec<LostEntry>,
}

impl HandedOver {
    /// The object with its new entries, as JSON. They are in no particular order: the API server
    /// sorts them at its next write. Where there was nothing to do, the object's own text.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The JSON Patch that makes the new entries, to be sent to the API server; none if nothing is
    /// to be done.
    ///
    /// It replaces the whole list, and sets the resource version to the one that the object has:
    /// the API server answers with a conflict if that is not current any more. If no entry is left it
    /// writes a list of one empty entry, by which the API server forgets all owners.
    pub fn patch(&self) -> Option<&str> {
        self.patch.as_deref()
    }

    /// What was taken, by the entries that it was of; of a broken entry nothing is known.
    pub fn taken(&self) -> &[ManagedFieldsEntry] {
        &self.taken
    }

    /// Fields of them that no entry of the same version owns any more, by the entries that they were
    /// of. There are none if somebody got them.
    pub fn lost(&self) -> &[LostEntry] {
        &self.lost
    }
}

/// An entry on its way.
struct Slot<'r> {
    raw: &'r RawEntry<'r>,
    manager: &'r str,
    time: Option<Time>,
    /// The fields, if they are not to stay as they were read.
    fields: Option<FieldSet>,
    is_gone: bool,
}

impl<'r> Slot<'r> {
    fn of(raw: &'r RawEntry) -> Slot<'r> {
        Slot { raw, manager: &raw.manager, time: raw.time, fields: None, is_gone: false }
    }

    fn fields(&self, arena: &Arena<'_>) -> Result<FieldSet, BrokenEntry> {
        match &self.fields {
            Some(fields) => Ok(fields.clone()),
            None => fields_of(self.raw, arena),
        }
    }
}

/// What else than the name makes a manager: operation, subresource and, for updaters, the version.
fn rest_of_identity<'r>(raw: &'r RawEntry<'_>, operation: Operation) -> [&'r str; 3] {
    let version = if operation == Operation::Update { &*raw.api_version } else { "" };
    [&raw.operation, &raw.subresource, version]
}

impl<'a> Handover<'a> {
    /// A change that takes nothing yet of this object.
    pub fn new(object: impl Into<Document<'a>>) -> Handover<'a> {
        Handover {
            object: object.into(),
            from: BTreeSet::new(),
            to: None,
            fields: None,
            operation: None,
            subresource: None,
        }
    }

    /// Takes from the manager of this name, and from others that were named.
    pub fn from(mut self, manager: impl Into<String>) -> Handover<'a> {
        self.from.insert(manager.into());
        self
    }

    /// Who gets it; if not said, nobody. What is taken from the same manager stays where it is.
    pub fn to(self, manager: impl Into<String>) -> Handover<'a> {
        Handover { to: Some(manager.into()), ..self }
    }

    /// Takes these fields and all below them; if not said, everything.
    pub fn fields(self, fields: &FieldSet) -> Handover<'a> {
        Handover { fields: Some(fields.clone()), ..self }
    }

    /// Takes only what was written by this operation; if not said, by either.
    pub fn operation(self, operation: Operation) -> Handover<'a> {
        Handover { operation: Some(operation), ..self }
    }

    /// Takes only what was written through this subresource, or with the empty name to the object
    /// itself; if not said, through any.
    pub fn subresource(self, subresource: impl Into<String>) -> Handover<'a> {
        Handover { subresource: Some(subresource.into()), ..self }
    }

    /// Changes the owners. Linear in the object, and in the fields of its entries for each entry that
    /// something is taken from.
    ///
    /// # Errors
    /// An object that is not JSON, a name that no request may have, entries that cannot be read and must
    /// be, and appliers of different versions. A list of entries that cannot be read at all is no error:
    /// the API server takes it for none, and it stays.
    pub fn run(mut self) -> Result<HandedOver, HandoverError> {
        if let Some(to) = &self.to {
            check_manager_name(to).map_err(HandoverError::Name)?;
            self.from.remove(to);
        }
        let mut arena = Arena::default();
        let root = std::mem::replace(&mut self.object, Document::absent());
        let root = root.parse(&mut arena).map_err(HandoverError::Object)?.unwrap_or(Node::NULL);
        let read = read_list(&arena, root);
        let entries = match &read {
            ListReading::Entries(entries) => entries.as_slice(),
            _ => &[],
        };
        let mut slots: Vec<Slot<'_>> = entries.iter().map(Slot::of).collect();
        let taken = self.take(&arena, entries, &mut slots)?;
        if taken.is_empty() {
            let object = arena.detach(root);
            return Ok(HandedOver { object, patch: None, taken: Vec::new(), lost: Vec::new() });
        }
        slots.retain(|slot| !slot.is_gone);
        let lost = match self.to {
            Some(_) => Vec::new(),
            None => taken.iter().filter_map(|taken| lost(taken, &slots, &arena)).collect(),
        };
        let list: Vec<Rewritten<'_>> = slots
            .iter()
            .map(|slot| Rewritten {
                manager: slot.manager,
                time: slot.time,
                fields: slot.fields.as_ref(),
                ..Rewritten::of(slot.raw)
            })
            .collect();
        let written = Written::of(&list, &arena, root);
        let written = written.and_then(|written| written.put(&mut arena, root));
        let (object, patch) = written.map_err(|error| match error {
            RewriteError::Encode(error) => HandoverError::Encode(error),
            RewriteError::Object(error) => HandoverError::Object(error),
        })?;
        let taken = taken.into_iter().map(|taken| taken.entry).collect();
        Ok(HandedOver { object, patch: Some(patch), taken, lost })
    }

    fn is_source(&self, entry: &RawEntry) -> bool {
        let is_asked_for = |asked: Option<&str>, own: &str| asked.is_none_or(|asked| asked == own);
        self.from.contains(&*entry.manager)
            && is_asked_for(self.operation.map(Operation::as_str), &entry.operation)
            && is_asked_for(self.subresource.as_deref(), &entry.subresource)
    }

    /// Takes what is asked for out of the entries, and puts it where it belongs.
    fn take<'r>(
        &'r self,
        arena: &Arena<'_>,
        entries: &'r [RawEntry],
        slots: &mut Vec<Slot<'r>>,
    ) -> Result<Vec<Taken>, HandoverError> {
        let mut places: HashMap<[&str; 3], usize> = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            if let Some(operation) = Operation::from_word(&entry.operation)
                && self.to.as_deref() == Some(&*entry.manager)
            {
                places.entry(rest_of_identity(entry, operation)).or_insert(place);
            }
        }
        let mut all = Vec::new();
        for (place, entry) in entries.iter().enumerate().filter(|(_, entry)| self.is_source(entry))
        {
            let operation = operation_of(entry)?;
            let fields = match fields_of(entry, arena) {
                // To drop it is the cure for a broken entry.
                Err(_) if self.to.is_none() && self.fields.is_none() => None,
                fields => Some(fields?),
            };
            let is_broken = fields.is_none();
            let fields = fields.unwrap_or_default();
            let rest = match &self.fields {
                Some(wanted) => fields.recursive_difference(wanted),
                None => FieldSet::default(),
            };
            let part = fields.difference(&rest);
            if self.fields.is_some() && part.is_empty() {
                continue;
            }
            let is_whole = rest.is_empty();
            all.push(Taken { entry: about(entry, operation, part.clone()), is_broken });
            let target = match &self.to {
                None => Target::Nobody,
                Some(to) => {
                    let next = if is_whole { place } else { slots.len() };
                    match *places.entry(rest_of_identity(entry, operation)).or_insert(next) {
                        target if target == next => Target::New(to),
                        target => Target::Entry(target),
                    }
                }
            };
            if let Target::Entry(target) = target
                && let Some(slot) = slots.get_mut(target)
            {
                if slot.raw.api_version != entry.api_version {
                    return Err(HandoverError::Versions {
                        manager: entry.manager.to_string(),
                        version: entry.api_version.to_string(),
                        other: slot.raw.manager.to_string(),
                        other_version: slot.raw.api_version.to_string(),
                    });
                }
                slot.fields = Some(slot.fields(arena)?.union(&part));
                slot.time = slot.time.max(entry.time);
            }
            let Some(slot) = slots.get_mut(place) else { continue };
            match target {
                Target::New(to) if is_whole => slot.manager = to,
                _ if is_whole => slot.is_gone = true,
                _ => slot.fields = Some(rest),
            }
            if let Target::New(to) = target
                && !is_whole
            {
                slots.push(Slot { manager: to, fields: Some(part), ..Slot::of(entry) });
            }
        }
        Ok(all)
    }
}

/// What was taken from an entry.
struct Taken {
    entry: ManagedFieldsEntry,
    /// What it owned cannot be read.
    is_broken: bool,
}

/// Where it goes.
#[derive(Clone, Copy)]
enum Target<'r> {
    Nobody,
    /// An entry under this name, which there was not.
    New(&'r str),
    Entry(usize),
}

/// What nobody owns any more of what was taken.
fn lost(taken: &Taken, slots: &[Slot<'_>], arena: &Arena<'_>) -> Option<LostEntry> {
    let manager = taken.entry.manager.clone();
    if taken.is_broken {
        return Some(LostEntry { manager, fields: None });
    }
    let of_version = slots.iter().filter(|slot| slot.raw.api_version == taken.entry.api_version);
    // What cannot be read owns nothing.
    let owned = of_version.filter_map(|slot| slot.fields(arena).ok());
    let left = owned.fold(taken.entry.fields.clone(), |left, owned| left.difference(&owned));
    (!left.is_empty()).then_some(LostEntry { manager, fields: Some(left) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    type Failure = Box<dyn std::error::Error>;

    /// An object with these entries: manager, operation, version, subresource, second, fields.
    fn live(entries: &[[&str; 6]]) -> String {
        let entries: Vec<String> = entries
            .iter()
            .map(|[manager, operation, version, subresource, second, fields]| {
                let subresource = match *subresource {
                    "" => String::new(),
                    name => format!(r#""subresource":"{name}","#),
                };
                format!(
                    r#"{{"apiVersion":"{version}","fieldsType":"FieldsV1","fieldsV1":{fields},"manager":"{manager}","operation":"{operation}",{subresource}"time":"2026-01-01T00:00:0{second}Z"}}"#
                )
            })
            .collect();
        format!(
            r#"{{"metadata":{{"name":"a","managedFields":[{}],"resourceVersion":"7"}}}}"#,
            entries.join(",")
        )
    }

    /// The entries of an object, one a line.
    fn told(object: &str) -> Result<Vec<String>, Failure> {
        let value = Value::from_json(object)?;
        let (arena, root) = value.parts();
        let ListReading::Entries(entries) = read_list(arena, root) else { return Ok(Vec::new()) };
        let line = |entry: &RawEntry| -> Result<String, Failure> {
            let fields = entry.fields(arena)?.to_string().replace('\n', " ");
            let RawEntry { manager, operation, api_version, subresource, .. } = entry;
            let time = entry.time.map(|time| format!("{time:?}")).unwrap_or_default();
            let second = time.trim_end_matches(|sign: char| !sign.is_ascii_digit());
            let second = second.chars().last().unwrap_or(' ');
            Ok(format!("{manager} {operation} {api_version} {subresource} {second} {fields}"))
        };
        entries.iter().map(line).collect()
    }

    #[test]
    fn a_new_name_is_written_where_the_entry_stands() -> Result<(), Failure> {
        let object = live(&[
            ["b", "Apply", "v1", "", "1", r#"{"f:b":{}}"#],
            ["a", "Apply", "v1", "", "2", r#"{"f:b":{},"f:a":{}}"#],
            ["a", "Update", "v1", "", "3", r#"{"f:c":{}}"#],
            ["a", "Update", "v2", "status", "4", r#"{"f:d":{}}"#],
        ]);
        let renamed = Handover::new(&object).from("a").to("c").run()?;
        assert_eq!(renamed.object(), object.replace(r#""manager":"a""#, r#""manager":"c""#));
        assert!(renamed.lost().is_empty());
        let taken: Vec<String> =
            renamed.taken().iter().map(|entry| entry.manager.to_string()).collect();
        assert_eq!(
            taken,
            [r#""a""#, r#""a" using v1"#, r#""a" with subresource "status" using v2"#]
        );
        let back = Handover::new(renamed.object()).from("c").to("a").run()?;
        assert_eq!(back.object(), object);
        let again = Handover::new(renamed.object()).from("a").to("c").run()?;
        assert_eq!((again.object(), again.patch()), (renamed.object(), None));
        Ok(())
    }

    #[test]
    fn an_entry_of_the_same_kind_takes_the_fields_in() -> Result<(), Failure> {
        let object = live(&[
            ["a", "Apply", "v1", "", "1", r#"{"f:a":{},"f:s":{}}"#],
            ["a", "Update", "v1", "", "5", r#"{"f:u":{}}"#],
            ["a", "Update", "v2", "", "5", r#"{"f:v":{}}"#],
            ["a", "Apply", "v1", "status", "5", r#"{"f:t":{}}"#],
            ["b", "Apply", "v1", "", "2", r#"{"f:b":{}}"#],
            ["c", "Apply", "v1", "", "1", r#"{"f:s":{},"f:c":{}}"#],
            ["c", "Update", "v2", "", "9", r#"{"f:w":{}}"#],
        ]);
        let merged = Handover::new(&object).from("a").from("b").from("c").to("c").run()?;
        assert_eq!(
            told(merged.object())?,
            [
                "c Update v1  5 .u",
                "c Apply v1 status 5 .t",
                "c Apply v1  2 .a .b .c .s",
                "c Update v2  9 .v .w",
            ]
        );
        let merged = Handover::new(&object).from("a").from("b").to("d").run()?;
        assert_eq!(
            told(merged.object())?.first().map(String::as_str),
            Some("d Apply v1  2 .a .b .s")
        );
        Ok(())
    }

    #[test]
    fn appliers_of_different_versions_are_not_mixed() {
        let object = live(&[
            ["a", "Apply", "v1beta1", "", "1", r#"{"f:a":{}}"#],
            ["b", "Apply", "v1", "", "1", r#"{"f:b":{}}"#],
        ]);
        let a = FieldSet::from_fields_v1(br#"{"f:a":{}}"#).unwrap_or_default();
        for handover in [
            Handover::new(&object).from("a").to("b"),
            Handover::new(&object).from("a").fields(&a).to("b"),
            Handover::new(&object).from("b").from("a").to("c"),
        ] {
            let message = handover.run().map(|_| ()).map_err(|error| error.to_string());
            let ends = ": an applier owns fields of one version";
            assert!(message.is_err_and(|message| message.ends_with(ends)));
        }
    }

    #[test]
    fn what_is_released_is_the_field_and_all_below_it() -> Result<(), Failure> {
        let object = live(&[
            [
                "a",
                "Apply",
                "v1",
                "",
                "1",
                r#"{"f:a":{".":{},"f:b":{"f:c":{}},"f:d":{}},"f:ab":{}}"#,
            ],
            ["a", "Update", "v1", "", "2", r#"{"f:a":{"f:b":{}}}"#],
            ["b", "Apply", "v1", "", "3", r#"{"f:a":{"f:b":{"f:c":{}}}}"#],
        ]);
        let fields = FieldSet::from_fields_v1(br#"{"f:a":{"f:b":{}}}"#)?;
        let released = Handover::new(&object).from("a").fields(&fields).run()?;
        assert_eq!(told(released.object())?, ["a Apply v1  1 .a .ab .a.d", "b Apply v1  3 .a.b.c"]);
        let lost: Vec<String> = released
            .lost()
            .iter()
            .map(|lost| format!("{} {:?}", lost.manager, lost.fields))
            .collect();
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert!(lost.iter().all(|lost| lost.starts_with("\"a\" using v1")), "{lost:?}");
        let given = Handover::new(&object).from("a").fields(&fields).to("n").run()?;
        assert_eq!(
            told(given.object())?,
            [
                "a Apply v1  1 .a .ab .a.d",
                "n Update v1  2 .a.b",
                "b Apply v1  3 .a.b.c",
                "n Apply v1  1 .a.b.c",
            ]
        );
        assert!(given.lost().is_empty());
        let other = FieldSet::from_fields_v1(br#"{"f:x":{}}"#)?;
        let nothing = Handover::new(&object).from("a").fields(&other).to("n").run()?;
        assert_eq!((nothing.object(), nothing.patch()), (&*object, None));
        Ok(())
    }

    #[test]
    fn what_only_a_dropped_manager_owned_is_lost() -> Result<(), Failure> {
        let object = live(&[
            ["a", "Update", "v1", "", "1", r#"{"f:a":{},"f:b":{},"f:c":{}}"#],
            ["b", "Apply", "v1", "", "1", r#"{"f:a":{}}"#],
            ["b", "Update", "v2", "", "1", r#"{"f:b":{}}"#],
        ]);
        let dropped = Handover::new(&object).from("a").run()?;
        let lost = dropped.lost().iter().filter_map(|lost| lost.fields.as_ref());
        // At another version the same path may be another field.
        assert_eq!(lost.map(ToString::to_string).collect::<Vec<_>>(), [".b\n.c"]);
        let both = Handover::new(&object).from("a").from("b").run()?;
        assert_eq!(both.object(), r#"{"metadata":{"name":"a","resourceVersion":"7"}}"#);
        let list = r#"[{"op":"replace","path":"/metadata/managedFields","value":[{}]},"#;
        assert!(both.patch().is_some_and(|patch| patch.starts_with(list)), "{:?}", both.patch());
        Ok(())
    }

    #[test]
    fn operation_and_subresource_narrow_it_down() -> Result<(), Failure> {
        let object = live(&[
            ["a", "Apply", "v1", "", "1", r#"{"f:a":{}}"#],
            ["a", "Update", "v1", "", "1", r#"{"f:b":{}}"#],
            ["a", "Update", "v1", "status", "1", r#"{"f:c":{}}"#],
        ]);
        let updates = Handover::new(&object).from("a").to("b").operation(Operation::Update);
        let moved = |handover: Handover<'_>| -> Result<Vec<String>, Failure> {
            let done = handover.run()?;
            Ok(done.taken().iter().map(|entry| entry.fields.to_string()).collect())
        };
        assert_eq!(moved(updates.clone())?, [".b", ".c"]);
        assert_eq!(moved(updates.subresource(""))?, [".b"]);
        Ok(())
    }

    #[test]
    fn broken_entries_can_only_be_dropped() -> Result<(), Failure> {
        let object = live(&[["a", "Apply", "v1", "", "1", r#"{"x":{}}"#]]);
        let dropped = Handover::new(&object).from("a").run()?;
        assert_eq!(dropped.lost().iter().filter(|lost| lost.fields.is_none()).count(), 1);
        let renamed = Handover::new(&object).from("a").to("b").run();
        assert!(
            matches!(renamed, Err(HandoverError::Entry(BrokenEntry::Fields { manager, .. })) if manager == "a")
        );
        let object = live(&[["a", "Patch", "v1", "", "1", "{}"]]);
        let dropped = Handover::new(&object).from("a").run();
        assert!(matches!(dropped, Err(HandoverError::Entry(BrokenEntry::Operation { .. }))));
        let named = Handover::new(&object).from("b").to("a\u{7}").run();
        assert!(matches!(named, Err(HandoverError::Name(_))));
        Ok(())
    }
}
