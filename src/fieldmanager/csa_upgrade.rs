//! From client-side to server-side apply: the entries of updaters become the entry of an applier.
//!
//! This is what clients do, such as `kubectl apply --server-side`, before the API server sees the
//! result. It needs no schema.

use std::collections::BTreeSet;

use crate::fieldpath::{FieldSet, FieldsV1Error};
use crate::managedfields::{
    ListReading, ManagedFieldsEntry, ManagerIdentifier, Operation, RawEntry, read_list,
};
use crate::value::{Arena, Node, ParseError, Value, ValueRef};

use super::document::Document;
use super::object;
use super::rewrite::{RewriteError, Rewritten, Written};

/// The entries that own all of these fields by this operation, in the order of the object's list.
///
/// Only the very fields count: what is below a field or around it does not own it. An entry whose
/// record cannot be read owns nothing. Source: `FindFieldsOwners` of client-go.
///
/// ```
/// use managed_fields::fieldmanager::find_owners;
/// use managed_fields::{FieldSet, Operation, Value};
/// let object = Value::from_json(
///     r#"{"metadata":{"managedFields":[{"manager":"kubectl-client-side-apply",
///         "operation":"Update","apiVersion":"v1","fieldsV1":{"f:data":{".":{},"f:a":{}}}}]}}"#,
/// )?;
/// let data = FieldSet::from_fields_v1(br#"{"f:data":{}}"#)?;
/// let owners = find_owners(&object, Operation::Update, &data);
/// assert_eq!(owners[0].manager.name(), "kubectl-client-side-apply");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn find_owners(
    object: &Value,
    operation: Operation,
    fields: &FieldSet,
) -> Vec<ManagedFieldsEntry> {
    let (arena, root) = object.parts();
    let ListReading::Entries(entries) = read_list(arena, root) else { return Vec::new() };
    entries
        .iter()
        .filter(|entry| entry.operation == operation.as_str())
        .filter_map(|entry| Some((entry, entry.fields(arena).ok()?)))
        .filter(|(_, owned)| fields.difference(owned).is_empty())
        .map(|(entry, owned)| about(entry, operation, owned))
        .collect()
}

pub(super) fn about(
    entry: &RawEntry,
    operation: Operation,
    fields: FieldSet,
) -> ManagedFieldsEntry {
    ManagedFieldsEntry {
        manager: ManagerIdentifier::new(
            &*entry.manager,
            operation,
            &*entry.api_version,
            &*entry.subresource,
        ),
        api_version: entry.api_version.to_string(),
        time: entry.time,
        fields,
    }
}

/// Why an object cannot be upgraded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsaUpgradeError {
    /// The object is not JSON.
    #[error("the object is not valid JSON: {0}")]
    Object(ParseError),
    /// An entry that is to be merged holds no readable record of its fields.
    #[error("failed to convert fields to set: {0}")]
    Fields(FieldsV1Error),
    /// The merged fields cannot be written.
    #[error("failed to encode field set: {0}")]
    Encode(FieldsV1Error),
}

/// An upgrade from client-side to server-side apply, to be run: the updaters of some names become
/// one applier.
///
/// The applier's entry, where there is one, takes in what an updater owns at the same API version.
/// Where there is none, the first updater of the first name becomes it, with its time and place.
/// After that no updater of these names is left: what they own at other versions is lost, see
/// [`CsaUpgraded::lost`]. Names count in the order of their text; the reference takes them in
/// random order. Source: `UpgradeManagedFields` of client-go.
///
/// ```
/// use managed_fields::fieldmanager::CsaUpgrade;
/// let live = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"7",
///     "managedFields":[{"manager":"kubectl-client-side-apply","operation":"Update","apiVersion":"v1",
///     "fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}}}]}}"#;
/// let upgraded = CsaUpgrade::new(live, "kubectl").from("kubectl-client-side-apply").run()?;
/// assert_eq!(upgraded.patch(), Some(concat!(
///     r#"[{"op":"replace","path":"/metadata/managedFields","value":[{"manager":"kubectl","#,
///     r#""operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","#,
///     r#""fieldsV1":{"f:data":{"f:k":{}}}}]},"#,
///     r#"{"op":"replace","path":"/metadata/resourceVersion","value":"7"}]"#,
/// )));
/// # Ok::<(), managed_fields::fieldmanager::CsaUpgradeError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "an upgrade does nothing until it is run"]
pub struct CsaUpgrade<'a> {
    object: Document<'a>,
    from: BTreeSet<String>,
    to: String,
    subresource: String,
}

/// What an upgrade came to.
#[derive(Debug, Clone)]
pub struct CsaUpgraded {
    object: String,
    patch: Option<String>,
    entry: Option<ManagedFieldsEntry>,
    adopted: Vec<ManagedFieldsEntry>,
    lost: Vec<LostEntry>,
}

/// Fields of an entry that a change of the list gives to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostEntry {
    /// Whose it was.
    pub manager: ManagerIdentifier,
    /// The fields, in terms of the manager's API version; none where the record cannot be read.
    pub fields: Option<FieldSet>,
}

impl CsaUpgraded {
    /// The object with its entries, as JSON, all of them written anew. They are in no particular
    /// order: the API server sorts them at its next write.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The JSON Patch that makes the new entries, to be sent to the API server; none if nothing is
    /// to be done. As with the reference, there is also a patch that has no effect: where the fields
    /// of the applier are only spelled in another way. Nothing is [adopted](Self::adopted) or
    /// [lost](Self::lost) then.
    ///
    /// It replaces the whole list, and sets the resource version to the one that the object has:
    /// the API server answers with a conflict if that is not current any more.
    pub fn patch(&self) -> Option<&str> {
        self.patch.as_deref()
    }

    /// The applier's entry afterwards; none if it has none.
    pub fn entry(&self) -> Option<&ManagedFieldsEntry> {
        self.entry.as_ref()
    }

    /// The updaters' entries that went into it.
    pub fn adopted(&self) -> &[ManagedFieldsEntry] {
        &self.adopted
    }

    /// The updaters' entries that are dropped: those of other API versions than the applier's.
    pub fn lost(&self) -> &[LostEntry] {
        &self.lost
    }
}

/// An entry on its way.
struct Held<'r> {
    raw: &'r RawEntry<'r>,
    /// It is the applier's now.
    renamed: bool,
    /// The fields, if they were written anew.
    fields: Option<FieldSet>,
}

impl Held<'_> {
    fn is_updater(&self, name: &str, subresource: &str) -> bool {
        !self.renamed
            && self.raw.manager == name
            && self.raw.operation == Operation::Update.as_str()
            && self.raw.subresource == subresource
    }

    fn is_applier(&self, name: &str, subresource: &str) -> bool {
        self.renamed
            || (self.raw.manager == name
                && self.raw.operation == Operation::Apply.as_str()
                && self.raw.subresource == subresource)
    }

    fn rewritten<'h>(&'h self, to: &'h str) -> Rewritten<'h> {
        let as_read = Rewritten::of(self.raw);
        if self.renamed {
            let operation = Operation::Apply.as_str();
            Rewritten { manager: to, operation, fields: self.fields.as_ref(), ..as_read }
        } else {
            Rewritten { fields: self.fields.as_ref(), ..as_read }
        }
    }

    fn fields(&self, arena: &Arena<'_>) -> Result<FieldSet, CsaUpgradeError> {
        match &self.fields {
            Some(fields) => Ok(fields.clone()),
            None => self.raw.fields(arena).map_err(CsaUpgradeError::Fields),
        }
    }
}

impl<'a> CsaUpgrade<'a> {
    /// An upgrade of this object's entries to the applier `to`.
    pub fn new(object: impl Into<Document<'a>>, to: impl Into<String>) -> CsaUpgrade<'a> {
        CsaUpgrade {
            object: object.into(),
            from: BTreeSet::new(),
            to: to.into(),
            subresource: String::new(),
        }
    }

    /// One more updater whose fields the applier takes in, such as `kubectl-client-side-apply` or
    /// `before-first-apply`. It may be of the applier's own name.
    pub fn from(mut self, name: impl Into<String>) -> Self {
        self.from.insert(name.into());
        self
    }

    /// The subresource whose entries are meant, on both sides; those of the object itself if never
    /// said.
    pub fn subresource(mut self, name: impl Into<String>) -> Self {
        self.subresource = name.into();
        self
    }

    /// Runs the upgrade.
    ///
    /// Linear in the object, and in the entries for each name. A list of entries that cannot be
    /// read at all counts as none and is removed, as by the reference.
    ///
    /// # Errors
    /// An object that is not JSON, entries to be merged whose fields cannot be read.
    pub fn run(self) -> Result<CsaUpgraded, CsaUpgradeError> {
        let mut arena = Arena::default();
        let root = self.object.parse(&mut arena).map_err(CsaUpgradeError::Object)?;
        let root = root.unwrap_or(Node::NULL);
        let mut done = CsaUpgraded {
            object: String::new(),
            patch: None,
            entry: None,
            adopted: Vec::new(),
            lost: Vec::new(),
        };
        let ListReading::Entries(entries) = read_list(&arena, root) else {
            let bare = object::with_managed_fields(&mut arena, root, None);
            done.object = arena.detach(bare.map_err(CsaUpgradeError::Object)?);
            return Ok(done);
        };
        if entries.is_empty() {
            done.object = arena.detach(root);
            return Ok(done);
        }
        let mut list: Vec<Held<'_>> =
            entries.iter().map(|raw| Held { raw, renamed: false, fields: None }).collect();
        for name in &self.from {
            upgrade(&mut list, &arena, name, &self.to, &self.subresource, &mut done)?;
        }
        let applier = list.iter().find(|held| held.is_applier(&self.to, &self.subresource));
        done.entry = applier.and_then(|held| {
            let fields = held.fields(&arena).ok()?;
            let mut entry = about(held.raw, Operation::Apply, fields);
            entry.manager =
                ManagerIdentifier::new(&*self.to, Operation::Apply, "", &*self.subresource);
            Some(entry)
        });
        let changed = list.len() != entries.len()
            || list.iter().any(|held| held.renamed || is_other_record(held, &arena));
        let rewritten: Vec<Rewritten<'_>> =
            list.iter().map(|held| held.rewritten(&self.to)).collect();
        let written = Written::of(&rewritten, &arena, root);
        let (object, patch) =
            written.and_then(|it| it.put(&mut arena, root)).map_err(|error| match error {
                RewriteError::Encode(error) => CsaUpgradeError::Encode(error),
                RewriteError::Object(error) => CsaUpgradeError::Object(error),
            })?;
        (done.object, done.patch) = (object, changed.then_some(patch));
        Ok(done)
    }
}

/// Turns the updaters of one name into the applier.
fn upgrade(
    list: &mut Vec<Held<'_>>,
    arena: &Arena<'_>,
    name: &str,
    to: &str,
    subresource: &str,
    done: &mut CsaUpgraded,
) -> Result<(), CsaUpgradeError> {
    let is_updater = |held: &Held<'_>| held.is_updater(name, subresource);
    let applier = list.iter().position(|held| held.is_applier(to, subresource));
    let Some(target) = applier.or_else(|| list.iter().position(is_updater)) else { return Ok(()) };
    let mut version = "";
    let mut fields = FieldSet::default();
    if let Some(held) = list.get_mut(target) {
        version = &held.raw.api_version;
        fields = held.fields(arena)?;
        if applier.is_none() {
            held.renamed = true;
            done.adopted.push(about(held.raw, Operation::Update, fields.clone()));
        }
    }
    let source = list.iter().position(|held| is_updater(held) && held.raw.api_version == version);
    if let Some(held) = source.and_then(|source| list.get(source)) {
        let more = held.fields(arena)?;
        fields = fields.union(&more);
        done.adopted.push(about(held.raw, Operation::Update, more));
    }
    let mut index = 0;
    list.retain(|held| {
        let is_source = source == Some(index);
        index += 1;
        if !is_updater(held) {
            return true;
        }
        if !is_source {
            let lost = held.raw.fields(arena).ok();
            // A second entry of the same version may hold nothing that the first one lacks.
            let lost = match lost {
                Some(lost) if held.raw.api_version == version => Some(lost.difference(&fields)),
                lost => lost,
            };
            if lost.as_ref().is_none_or(|lost| !lost.is_empty()) {
                let of = about(held.raw, Operation::Update, FieldSet::default());
                done.lost.push(LostEntry { manager: of.manager, fields: lost });
            }
        }
        false
    });
    if let Some(held) = list.iter_mut().find(|held| held.is_applier(to, subresource)) {
        held.fields = Some(fields);
    }
    Ok(())
}

/// Whether fields that were written anew are another record than the entry's, if only by the order
/// or spelling of its keys: the reference compares bytes, those before as Go writes JSON.
fn is_other_record(held: &Held<'_>, arena: &Arena<'_>) -> bool {
    let (Some(fields), Some(before)) = (&held.fields, held.raw.fields_v1) else { return false };
    let before = ValueRef::new(arena, before).to_canonical_json();
    fields.to_fields_v1().is_ok_and(|now| now != before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(entries: &[(&str, &str, &str, &str)]) -> String {
        let entries: Vec<String> = entries
            .iter()
            .map(|(manager, operation, version, fields)| {
                format!(
                    r#"{{"manager":"{manager}","operation":"{operation}","apiVersion":"{version}","fieldsV1":{fields}}}"#
                )
            })
            .collect();
        format!(r#"{{"metadata":{{"managedFields":[{}]}}}}"#, entries.join(","))
    }

    fn names(entries: &[ManagedFieldsEntry]) -> Vec<String> {
        entries.iter().map(|entry| entry.manager.to_string()).collect()
    }

    #[test]
    fn what_is_lost_is_told() -> Result<(), CsaUpgradeError> {
        let live = object(&[
            ("s", "Apply", "v1", r#"{"f:a":{}}"#),
            ("c", "Update", "v1", r#"{"f:b":{}}"#),
            ("c", "Update", "v2", r#"{"f:a":{},"f:c":{}}"#),
            ("c", "Update", "v3", "{}"),
            ("c", "Update", "v4", "[]"),
            ("c", "Update", "v1", r#"{"f:b":{},"f:d":{}}"#),
            ("c", "Update", "v1", r#"{"f:b":{}}"#),
        ]);
        let upgraded = CsaUpgrade::new(&live, "s").from("c").run()?;
        let lost: Vec<(String, Option<String>)> = upgraded
            .lost()
            .iter()
            .map(|lost| (lost.manager.to_string(), lost.fields.as_ref().map(FieldSet::to_string)))
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            lost,
            [
                ("\"c\" using v2".to_owned(), some(".a\n.c")),
                ("\"c\" using v4".to_owned(), None),
                ("\"c\" using v1".to_owned(), some(".d")),
            ]
        );
        assert_eq!(names(upgraded.adopted()), ["\"c\" using v1"]);
        assert_eq!(upgraded.entry().map(|entry| entry.fields.to_string()), some(".a\n.b"));
        Ok(())
    }

    #[test]
    fn the_first_updater_becomes_the_applier() -> Result<(), CsaUpgradeError> {
        let live = object(&[
            ("b", "Update", "v1", r#"{"f:b":{}}"#),
            ("a", "Update", "v1", r#"{"f:a":{}}"#),
        ]);
        let upgraded = CsaUpgrade::new(&live, "s").from("b").from("a").run()?;
        assert_eq!(names(upgraded.adopted()), ["\"a\" using v1", "\"b\" using v1"]);
        let entry = upgraded.entry().map(|entry| entry.manager.to_string());
        assert_eq!(entry.as_deref(), Some("\"s\""));
        assert!(upgraded.lost().is_empty());
        Ok(())
    }
}
