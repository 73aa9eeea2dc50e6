//! Entries of one API version at another: what is left to do when a version of a kind goes away.

use std::collections::HashMap;

use crate::fieldpath::{FieldSet, FieldsV1Error};
use crate::managedfields::{
    ListReading, ManagedFieldsEntry, ManagerIdentifier, RawEntry, Time, read_list,
};
use crate::merge::{Conversion, ConvertError, Object};
use crate::schema::{GroupVersionKind, Schema, Type};
use crate::typed::{ValidationErrors, Validity, restate, to_field_set, undeclared};
use crate::value::{Arena, Node, ParseError, Tag};

use super::convert::Versions;
use super::csa_upgrade::{LostEntry, about};
use super::document::Document;
use super::rewrite::{BrokenEntry, RewriteError, Rewritten, Written, fields_of, operation_of};
use super::{FieldManager, object};

/// Why the entries of an object cannot be had at another version.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateVersionError {
    /// The object is not JSON.
    #[error("the object is not valid JSON: {0}")]
    Object(ParseError),
    /// The version to go to is no `apiVersion`.
    #[error("unexpected GroupVersion string: {0}")]
    Version(String),
    /// The kind has a type at the object's version and none at the one to go to, or the converter
    /// does not know that.
    #[error("{0}")]
    NoVersion(String),
    /// An entry that is to be rewritten, or its counterpart, cannot be read.
    #[error(transparent)]
    Entry(#[from] BrokenEntry),
    /// The object cannot be had at one of the versions.
    #[error("failed to convert the object: {0}")]
    Convert(ConvertError),
    /// The object is not of its type at one of the versions.
    #[error("the object is not of its type: {0}")]
    Typed(ValidationErrors),
    /// The fields cannot be written.
    #[error("failed to encode field set: {0}")]
    Encode(FieldsV1Error),
}

/// What rewriting the entries of a version came to.
#[derive(Debug, Clone)]
pub struct VersionMigration {
    object: String,
    patch: Option<String>,
    stale: Vec<ManagedFieldsEntry>,
    entries: Vec<ManagedFieldsEntry>,
    lost: Vec<LostEntry>,
}

impl VersionMigration {
    /// The object with its new entries, as JSON. They are in no particular order: the API server
    /// sorts them at its next write. Where there was nothing to do, the object's own text.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The JSON Patch that makes the new entries, to be sent to the API server; none if nothing is
    /// to be done. It is guarded by the resource version that the object has.
    pub fn patch(&self) -> Option<&str> {
        self.patch.as_deref()
    }

    /// The entries of the version to leave, as they were.
    pub fn stale(&self) -> &[ManagedFieldsEntry] {
        &self.stale
    }

    /// The entries that they are now, or are part of.
    pub fn entries(&self) -> &[ManagedFieldsEntry] {
        &self.entries
    }

    /// Fields that have no place at the version to go to, in terms of the version to leave, by the
    /// entries that they were of.
    pub fn lost(&self) -> &[LostEntry] {
        &self.lost
    }
}

impl FieldManager<'_> {
    /// Rewrites all entries that are recorded at the `apiVersion` `from` so that they are at `to`.
    /// The object itself stays at its version.
    ///
    /// An entry of the same name, operation and subresource that is at `to` takes in the fields,
    /// and gets the later of both times. The fields are those of the same paths, unless there is a
    /// [converter](Self::converter) that makes something else of them: what the object holds at
    /// `from` under a path that there is not at `to` is converted by itself, with the keys of its
    /// list items, and what comes of it is owned. A version to leave that the converter does not
    /// know any more is taken to be of the same shape.
    ///
    /// Paths that the type of the kind at `to` has no place for, and values that do not survive the
    /// way to `to` and back or that the converter makes up anyway, are [lost](VersionMigration::lost); whoever owns nothing else has no
    /// entry any more. Linear in the object and its entries.
    ///
    /// ```
    /// use managed_fields::fieldmanager::FieldManager;
    /// use managed_fields::schema::Schemas;
    /// let live = r#"{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{"name":"a",
    ///     "managedFields":[{"manager":"ann","operation":"Apply","apiVersion":"example.com/v1beta1",
    ///     "fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:on":{}}}}]},"spec":{"on":true}}"#;
    /// let schemas = Schemas::empty();
    /// let fm = FieldManager::new(&schemas);
    /// let migrated = fm.migrate_version(live, "example.com/v1beta1", "example.com/v1")?;
    /// assert!(migrated.lost().is_empty());
    /// assert_eq!(migrated.entries()[0].api_version, "example.com/v1");
    /// # Ok::<(), managed_fields::fieldmanager::MigrateVersionError>(())
    /// ```
    ///
    /// # Errors
    /// An object that is not JSON, a version to go to that there is not, entries to be rewritten
    /// that cannot be read, an object that cannot be converted. A version that no entry is
    /// recorded at is none; nor is a list of entries that cannot be read at all, which stays.
    pub fn migrate_version<'a>(
        &self,
        object: impl Into<Document<'a>>,
        from: &str,
        to: &str,
    ) -> Result<VersionMigration, MigrateVersionError> {
        let mut arena = Arena::default();
        let root = object.into().parse(&mut arena).map_err(MigrateVersionError::Object)?;
        let root = root.unwrap_or(Node::NULL);
        if is_malformed(to) {
            return Err(MigrateVersionError::Version(to.to_owned()));
        }
        let own = object::kind_of(&arena, root);
        let target = GroupVersionKind::new(to, &own.kind);
        let ty = match self.schemas.find(&target) {
            Some(ty) => ty,
            // What has no type, or that of a custom resource without a schema, has none anywhere.
            None => match self.schemas.find(&own) {
                Some(ty) if ty != Schema::deduced_type() => {
                    let text = format!("no corresponding type for {target}");
                    return Err(MigrateVersionError::NoVersion(text));
                }
                _ => Schema::deduced_type(),
            },
        };
        let mut done = VersionMigration {
            object: String::new(),
            patch: None,
            stale: Vec::new(),
            entries: Vec::new(),
            lost: Vec::new(),
        };
        let read = read_list(&arena, root).into_owned();
        let is_stale = |entry: &RawEntry| entry.api_version == from && from != to;
        let entries = match &read {
            ListReading::Entries(entries) if entries.iter().any(is_stale) => entries.as_slice(),
            _ => {
                done.object = arena.detach(root);
                return Ok(done);
            }
        };
        let versions = Versions {
            schemas: self.schemas,
            converter: self.converter,
            endpoint: &own,
            alone: false,
        };
        let forms = Forms::new(&mut arena, root, versions, from, to)?;
        // The first entry of each identity that is at the version to go to, or comes to be.
        let mut places: HashMap<[&str; 3], usize> = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            if entry.api_version == to && from != to {
                places.entry(identity(entry)).or_insert(place);
            }
        }
        let mut kept: Vec<Option<Kept>> = entries.iter().map(|_| Some(Kept::default())).collect();
        for (place, entry) in entries.iter().enumerate().filter(|(_, entry)| is_stale(entry)) {
            let operation = operation_of(entry)?;
            let before = fields_of(entry, &arena)?;
            let (fields, lost) = match &forms {
                Some(forms) => forms.follow(&mut arena, &before, &ty)?,
                None => by_name(&before, &ty),
            };
            let stale = about(entry, operation, before);
            if !lost.is_empty() {
                done.lost.push(LostEntry { manager: stale.manager.clone(), fields: Some(lost) });
            }
            let is_gone = fields.is_empty() && !stale.fields.is_empty();
            done.stale.push(stale);
            let target =
                if is_gone { None } else { Some(*places.entry(identity(entry)).or_insert(place)) };
            if target != Some(place)
                && let Some(slot) = kept.get_mut(place)
            {
                *slot = None;
            }
            let Some(target) = target else { continue };
            let (Some(Some(slot)), Some(counterpart)) = (kept.get_mut(target), entries.get(target))
            else {
                continue;
            };
            let (old, time) = match slot.now.take() {
                Some((fields, time)) => (fields, time),
                None if target == place => (FieldSet::default(), entry.time),
                None => (fields_of(counterpart, &arena)?, counterpart.time),
            };
            slot.now = Some((old.union(&fields), time.max(entry.time)));
        }
        let mut list = Vec::with_capacity(entries.len());
        for (entry, kept) in entries.iter().zip(&kept) {
            let as_read = Rewritten::of(entry);
            match kept {
                None => {}
                Some(Kept { now: None }) => list.push(as_read),
                Some(Kept { now: Some((fields, time)) }) => {
                    let operation = operation_of(entry)?;
                    let mut now = about(entry, operation, fields.clone());
                    (now.api_version, now.time) = (to.to_owned(), *time);
                    now.manager =
                        ManagerIdentifier::new(&*entry.manager, operation, to, &*entry.subresource);
                    done.entries.push(now);
                    let fields = Some(fields);
                    list.push(Rewritten { api_version: to, time: *time, fields, ..as_read });
                }
            }
        }
        let written = Written::of(&list, &arena, root);
        let written = written.and_then(|written| written.put(&mut arena, root));
        let (object, patch) = written.map_err(|error| match error {
            RewriteError::Encode(error) => MigrateVersionError::Encode(error),
            RewriteError::Object(error) => MigrateVersionError::Object(error),
        })?;
        (done.object, done.patch) = (object, Some(patch));
        Ok(done)
    }
}

/// Follows the fields of entries from one version to the other by what the object holds there.
struct Forms<'f> {
    versions: Versions<'f>,
    to: &'f str,
    /// The object at the version to leave.
    before: Object,
    /// The fields that it holds there.
    held: FieldSet,
    /// Those that it holds at the version to go to.
    held_after: FieldSet,
    /// Those that are there again on the way back, and not made up by it.
    returned: FieldSet,
    /// What an object that holds nothing comes to hold at the version to go to.
    constant: FieldSet,
}

impl<'f> Forms<'f> {
    /// None where paths are to stay as they are: there is one version only, or none to leave.
    fn new(
        arena: &mut Arena<'_>,
        root: Node,
        versions: Versions<'f>,
        from: &str,
        to: &'f str,
    ) -> Result<Option<Forms<'f>>, MigrateVersionError> {
        if !versions.converter.has_versions() || is_malformed(from) || root.tag() != Tag::Map {
            return Ok(None);
        }
        let bare = object::with_managed_fields(arena, root, None);
        let node = bare.map_err(MigrateVersionError::Object)?;
        let ty = object::type_of(versions.schemas, versions.endpoint)
            .map_err(MigrateVersionError::Typed)?;
        let own = Object { node, ty, validity: Validity::Unknown };
        let before = match versions.convert(arena, &own, from) {
            Ok(before) => before,
            Err(ConvertError::MissingVersion(_)) => return Ok(None),
            Err(error) => return Err(MigrateVersionError::Convert(error)),
        };
        let after = converted(&versions, arena, &before, to)?;
        let again = converted(&versions, arena, &after, from)?;
        let mut forms = Forms {
            held: held(arena, &before)?,
            held_after: held(arena, &after)?,
            returned: FieldSet::default(),
            constant: FieldSet::default(),
            versions,
            to,
            before,
        };
        let nothing = forms.converted_alone(arena, &FieldSet::default())?;
        forms.constant = held(arena, &nothing)?;
        let nothing = converted(&forms.versions, arena, &nothing, from)?;
        forms.returned = held(arena, &again)?.difference(&held(arena, &nothing)?);
        Ok(Some(forms))
    }

    /// What the fields are at the version to go to, and those of them that have no place there.
    fn follow(
        &self,
        arena: &mut Arena<'_>,
        fields: &FieldSet,
        ty: &Type,
    ) -> Result<(FieldSet, FieldSet), MigrateVersionError> {
        let elsewhere = fields.intersection(&self.held).difference(&self.held_after);
        let (mut there, undeclared) = by_name(&fields.difference(&elsewhere), ty);
        if elsewhere.is_empty() {
            return Ok((there, undeclared));
        }
        let alone = self.converted_alone(arena, &elsewhere)?;
        let moved = held(arena, &alone)?;
        // A path that there is at both versions is the same field.
        let moved = moved.difference(&self.constant).difference(&self.held);
        there = there.union(&moved.intersection(&self.held_after));
        let dropped = elsewhere.difference(&self.returned);
        // What leads to fields that went elsewhere is there in another form.
        let led = elsewhere.difference(&dropped).with_prefixes();
        Ok((there, undeclared.difference(&led).union(&dropped)))
    }

    /// An object that holds these fields alone, at the version to go to.
    fn converted_alone(
        &self,
        arena: &mut Arena<'_>,
        fields: &FieldSet,
    ) -> Result<Object, MigrateVersionError> {
        const IDENTITY: &[u8] =
            br#"{"f:apiVersion":{},"f:kind":{},"f:metadata":{"f:name":{},"f:namespace":{}}}"#;
        let identity = FieldSet::from_fields_v1(IDENTITY).unwrap_or_default();
        let Object { node, ty, .. } = &self.before;
        let node = restate(arena, *node, &ty.schema, ty.id, &fields.union(&identity))
            .map_err(MigrateVersionError::Typed)?;
        let alone = Object { node, ty: ty.clone(), validity: Validity::Unknown };
        converted(&self.versions, arena, &alone, self.to)
    }
}

fn converted(
    versions: &Versions<'_>,
    arena: &mut Arena<'_>,
    object: &Object,
    version: &str,
) -> Result<Object, MigrateVersionError> {
    versions.convert(arena, object, version).map_err(|error| match error {
        ConvertError::MissingVersion(text) => MigrateVersionError::NoVersion(text),
        error => MigrateVersionError::Convert(error),
    })
}

fn held(arena: &Arena<'_>, object: &Object) -> Result<FieldSet, MigrateVersionError> {
    let fields = to_field_set(arena, object.node, &object.ty.schema, object.ty.id);
    fields.map(|fields| fields.set).map_err(MigrateVersionError::Typed)
}

/// The fields that the type has a place for, and the others.
fn by_name(fields: &FieldSet, ty: &Type) -> (FieldSet, FieldSet) {
    let undeclared = undeclared(fields, &ty.schema, ty.id);
    (fields.difference(&undeclared), undeclared)
}

/// What is written of an entry.
#[derive(Default)]
struct Kept {
    /// Its fields and time, if they are not those that were read.
    now: Option<(FieldSet, Option<Time>)>,
}

/// What entries at two versions have in common that are one manager's.
fn identity<'e>(entry: &'e RawEntry<'_>) -> [&'e str; 3] {
    [&entry.manager, &entry.operation, &entry.subresource]
}

fn is_malformed(version: &str) -> bool {
    version.is_empty() || version.matches('/').count() > 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;
    use crate::fieldmanager::{SameShape, VersionConverter};
    use crate::schema::Schemas;
    use crate::typed::parse_schema;
    use crate::value::Value;

    type Entry<'e> = (&'e str, &'e str, &'e str, &'e str, &'e str);

    fn done<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| panic!("{error}"))
    }

    fn refusal<T, E: std::fmt::Display>(result: Result<T, E>) -> String {
        result.map_or_else(|error| error.to_string(), |_| panic!("not refused"))
    }

    /// A lamp at v2 with these entries: manager, operation, version, second, fields.
    fn live(spec: &str, entries: &[Entry<'_>]) -> String {
        let entries: Vec<String> = entries
            .iter()
            .map(|(manager, operation, version, second, fields)| {
                let time = match *second {
                    "" => String::new(),
                    second => format!(r#""time":"2026-01-01T00:00:0{second}Z","#),
                };
                format!(
                    r#"{{"manager":"{manager}","operation":"{operation}","apiVersion":"{version}",{time}"fieldsType":"FieldsV1","fieldsV1":{fields}}}"#
                )
            })
            .collect();
        format!(
            r#"{{"apiVersion":"x.io/v2","kind":"Lamp","metadata":{{"name":"a","managedFields":[{}]}},"spec":{spec}}}"#,
            entries.join(",")
        )
    }

    fn fields(fields: &FieldSet) -> String {
        fields.to_string().replace('\n', " ")
    }

    /// The entries that an object ends up with, and what is lost.
    fn outcome(migrated: &VersionMigration) -> (Vec<String>, Vec<String>) {
        let object = done(Value::from_json(migrated.object()));
        let (arena, root) = object.parts();
        let ListReading::Entries(entries) = read_list(arena, root) else {
            return (Vec::new(), Vec::new());
        };
        let text = |entry: &RawEntry| {
            let set = fields_of(entry, arena).map_or("?".to_owned(), |set| fields(&set));
            let second = entry.time.map_or(-1, |time| time.as_second().rem_euclid(60));
            format!("{} {} {} {second} {set}", entry.manager, entry.operation, entry.api_version)
        };
        let lost = migrated.lost().iter().map(|lost| {
            let fields = lost.fields.as_ref().map_or("?".to_owned(), fields);
            format!("{} {fields}", lost.manager.name())
        });
        (entries.iter().map(text).collect(), lost.collect())
    }

    /// The versions of a lamp: `spec.old` of v1 is `spec.new` of v2, its `list` has items under
    /// another key; v1 has a `gone` and v2 a `mode` that is set to a constant.
    fn lamps() -> Schemas {
        let common = r#"{"name":"apiVersion","type":{"scalar":"string"}},{"name":"kind","type":{"scalar":"string"}},
            {"name":"metadata","type":{"namedType":"any"}}"#;
        let list = |key: &str| {
            format!(
                r#"{{"name":"list","type":{{"list":{{"elementRelationship":"associative","keys":["{key}"],
                "elementType":{{"map":{{"fields":[{{"name":"{key}","type":{{"scalar":"string"}}}},{{"name":"n","type":{{"scalar":"numeric"}}}}]}}}}}}}}}}"#
            )
        };
        let map = r#"{"map":{"elementType":{"scalar":"string"}}}"#;
        let version = |name: &str, fields: &str| {
            format!(
                r#"{{"name":"{name}","map":{{"fields":[{common},{{"name":"spec","type":{{"map":{{"fields":[{fields}]}}}}}}]}}}}"#
            )
        };
        let on = r#"{"name":"on","type":{"scalar":"boolean"}}"#;
        let v1 = version(
            "v1",
            &format!(
                r#"{on},{{"name":"old","type":{map}}},{{"name":"gone","type":{{"scalar":"string"}}}},{}"#,
                list("name")
            ),
        );
        let v2 = version(
            "v2",
            &format!(
                r#"{on},{{"name":"new","type":{map}}},{{"name":"mode","type":{{"scalar":"string"}}}},{}"#,
                list("id")
            ),
        );
        let document = format!(r#"{{"types":[{v1},{v2},{ANY}]}}"#);
        let schema = done(parse_schema(&done(Value::from_json(&document))));
        let mut schemas = Schemas::empty();
        for version in ["v1", "v2"] {
            let kind = GroupVersionKind::new(&format!("x.io/{version}"), "Lamp");
            let Some(ty) = schema.type_named(version) else { panic!("no type {version}") };
            schemas.insert(kind, ty);
        }
        schemas
    }

    const ANY: &str = r#"{"name":"any","scalar":"untyped","map":{"elementType":{"namedType":"any"}},
        "list":{"elementRelationship":"atomic","elementType":{"namedType":"any"}}}"#;

    #[derive(Debug)]
    struct Lamps;

    impl VersionConverter for Lamps {
        fn convert(&self, object: &Value, to: &str) -> Result<Value, ConvertError> {
            let mut object: serde_json::Value = done(object.to_deserialize());
            let (names, keys) = match to {
                "x.io/v1" => (["new", "old"], ["id", "name"]),
                "x.io/v2" => (["old", "new"], ["name", "id"]),
                _ => return Err(ConvertError::MissingVersion(format!("no version {to}"))),
            };
            fn rename(map: &mut serde_json::Value, [from, to]: [&str; 2]) {
                if let Some(map) = map.as_object_mut()
                    && let Some(value) = map.remove(from)
                {
                    map.insert(to.to_owned(), value);
                }
            }
            if object["apiVersion"] != to {
                object["apiVersion"] = to.into();
                if object.get("spec").is_none() {
                    object["spec"] = serde_json::json!({});
                }
                let spec = &mut object["spec"];
                rename(spec, names);
                for item in
                    spec.get_mut("list").and_then(|list| list.as_array_mut()).into_iter().flatten()
                {
                    rename(item, keys);
                }
                let Some(spec) = spec.as_object_mut() else { panic!("{spec} is no map") };
                if to == "x.io/v1" {
                    spec.remove("mode");
                    spec.insert("gone".to_owned(), "g".into());
                } else {
                    spec.remove("gone");
                    spec.insert("mode".to_owned(), "m".into());
                }
            }
            Ok(done(Value::from_serialize(&object)))
        }
    }

    #[test]
    fn the_stale_entry_is_rewritten_where_it_stands() {
        let entries = [
            ("a", "Apply", "x.io/v1", "1", r#"{"f:spec":{"f:on":{}}}"#),
            ("b", "Update", "x.io/v2", "2", r#"{"f:spec":{"f:k":{}}}"#),
            ("c", "Update", "x.io/v1", "", r#"{"f:spec":{"f:l":{}}}"#),
        ];
        let object = live("{}", &entries);
        let schemas = Schemas::deduced();
        let same = SameShape::new(["x.io/v1", "x.io/v2"]);
        let alone = FieldManager::new(&schemas);
        for fm in [alone, alone.converter(&same)] {
            let migrated = done(fm.migrate_version(&object, "x.io/v1", "x.io/v2"));
            let expected = [
                "a Apply x.io/v2 1 .spec.on",
                "b Update x.io/v2 2 .spec.k",
                "c Update x.io/v2 -1 .spec.l",
            ];
            assert_eq!(outcome(&migrated), (expected.map(String::from).to_vec(), Vec::new()));
            let names = |entries: &[ManagedFieldsEntry]| -> Vec<String> {
                entries
                    .iter()
                    .map(|entry| format!("{} {}", entry.manager, entry.api_version))
                    .collect()
            };
            assert_eq!(names(migrated.stale()), ["\"a\" x.io/v1", "\"c\" using x.io/v1 x.io/v1"]);
            assert_eq!(names(migrated.entries()), ["\"a\" x.io/v2", "\"c\" using x.io/v2 x.io/v2"]);
            let again = done(fm.migrate_version(migrated.object(), "x.io/v1", "x.io/v2"));
            assert_eq!((again.object(), again.patch()), (migrated.object(), None));
        }
    }

    #[test]
    fn entries_of_one_identity_become_one() {
        let entries = [
            ("a", "Update", "x.io/v1", "3", r#"{"f:spec":{"f:on":{}}}"#),
            ("a", "Apply", "x.io/v1", "4", r#"{"f:spec":{"f:x":{}}}"#),
            ("a", "Update", "x.io/v2", "2", r#"{"f:spec":{"f:k":{}}}"#),
            ("b", "Update", "x.io/v1", "5", r#"{"f:spec":{"f:p":{}}}"#),
            ("b", "Update", "x.io/v1", "1", r#"{"f:spec":{"f:q":{}}}"#),
            ("c", "Update", "x.io/v1", "", r#"{"f:spec":{"f:r":{}}}"#),
            ("c", "Update", "x.io/v2", "6", r#"{"f:spec":{"f:s":{}}}"#),
        ];
        let schemas = Schemas::empty();
        let fm = FieldManager::new(&schemas);
        let object = live("{}", &entries);
        let migrated = done(fm.migrate_version(&object, "x.io/v1", "x.io/v2"));
        let expected = [
            "a Apply x.io/v2 4 .spec.x",
            "a Update x.io/v2 3 .spec.k .spec.on",
            "b Update x.io/v2 5 .spec.p .spec.q",
            "c Update x.io/v2 6 .spec.r .spec.s",
        ];
        assert_eq!(outcome(&migrated).0, expected);
        assert_eq!((migrated.stale().len(), migrated.entries().len()), (5, 4));
    }

    #[test]
    fn subresources_are_told_apart() {
        let object = live(
            "{}",
            &[("a", "Update", "x.io/v1", "", "{}"), ("a", "Update", "x.io/v2", "", "{}")],
        )
        .replacen(r#""fieldsV1":{}"#, r#""fieldsV1":{"f:s":{}},"subresource":"status""#, 1);
        let schemas = Schemas::empty();
        let migrated =
            done(FieldManager::new(&schemas).migrate_version(&object, "x.io/v1", "x.io/v2"));
        assert_eq!(outcome(&migrated).0, ["a Update x.io/v2 -1 .s", "a Update x.io/v2 -1 "]);
    }

    #[test]
    fn what_the_type_has_no_place_for_is_lost() {
        let entries = [
            (
                "a",
                "Apply",
                "x.io/v1",
                "",
                r#"{"f:spec":{"f:on":{},"f:gone":{},"f:new":{".":{},"f:k":{}}}}"#,
            ),
            ("b", "Update", "x.io/v1", "", r#"{"f:spec":{"f:gone":{}}}"#),
            (
                "c",
                "Update",
                "x.io/v1",
                "",
                r#"{"f:spec":{"f:list":{"k:{\"id\":\"i\"}":{".":{}},"k:{\"name\":\"i\"}":{".":{},"f:n":{}},"v:1":{}}}}"#,
            ),
            ("d", "Update", "x.io/v1", "", "{}"),
            // Below what is atomic.
            ("e", "Update", "x.io/v1", "", r#"{"f:metadata":{"f:l":{"i:0":{"f:x":{}}}}}"#),
        ];
        let schemas = lamps();
        let fm = FieldManager::new(&schemas);
        let object = live("{}", &entries);
        let migrated = done(fm.migrate_version(&object, "x.io/v1", "x.io/v2"));
        let (entries, lost) = outcome(&migrated);
        assert_eq!(
            entries,
            [
                "a Apply x.io/v2 -1 .spec.new .spec.on .spec.new.k",
                "c Update x.io/v2 -1 .spec.list[id=\"i\"]",
                "d Update x.io/v2 -1 ",
                "e Update x.io/v2 -1 .metadata.l[0].x",
            ]
        );
        assert_eq!(
            lost,
            [
                "a .spec.gone",
                "b .spec.gone",
                "c .spec.list[name=\"i\"] .spec.list[=1] .spec.list[name=\"i\"].n"
            ]
        );
    }

    #[test]
    fn fields_go_where_the_converter_puts_their_values() {
        let entries = [
            ("a", "Apply", "x.io/v1", "", r#"{"f:spec":{"f:on":{},"f:old":{".":{},"f:k":{}}}}"#),
            (
                "b",
                "Update",
                "x.io/v1",
                "",
                r#"{"f:spec":{"f:old":{"f:l":{}},"f:list":{"k:{\"name\":\"i\"}":{"f:n":{}}}}}"#,
            ),
            ("c", "Update", "x.io/v1", "", r#"{"f:spec":{"f:gone":{},"f:old":{"f:absent":{}}}}"#),
        ];
        let spec = r#"{"on":true,"mode":"m","new":{"k":"1","l":"2"},"list":[{"id":"i","n":1}]}"#;
        let schemas = lamps();
        let fm = FieldManager::new(&schemas).converter(&Lamps);
        let object = live(spec, &entries);
        let migrated = done(fm.migrate_version(&object, "x.io/v1", "x.io/v2"));
        let (entries, lost) = outcome(&migrated);
        assert_eq!(
            entries,
            [
                "a Apply x.io/v2 -1 .spec.on .spec.new.k",
                // An item is owned with its key where it is another one.
                "b Update x.io/v2 -1 .spec.list[id=\"i\"] .spec.list[id=\"i\"].id .spec.list[id=\"i\"].n .spec.new.l",
            ]
        );
        assert_eq!(lost, ["c .spec.gone .spec.old.absent"]);
        // The server takes what comes of it.
        let config = r#"{"apiVersion":"x.io/v2","kind":"Lamp","metadata":{"name":"a"},"spec":{"on":true,"new":{"k":"1"}}}"#;
        let applied = done(fm.apply(migrated.object(), config).field_manager("a").run());
        assert!(!applied.changed());
    }

    #[test]
    fn a_version_that_is_gone_is_left_by_name() {
        let entries = [
            ("a", "Apply", "x.io/v0", "", r#"{"f:spec":{"f:on":{},"f:old":{}}}"#),
            ("b", "Apply", "x.io/a/b", "", r#"{"f:spec":{"f:on":{}}}"#),
        ];
        let schemas = lamps();
        let fm = FieldManager::new(&schemas).converter(&Lamps);
        let object = live(r#"{"on":true}"#, &entries);
        let migrated = done(fm.migrate_version(&object, "x.io/v0", "x.io/v2"));
        let expected = ["a Apply x.io/v2 -1 .spec.on", "b Apply x.io/a/b -1 .spec.on"];
        assert_eq!(
            outcome(&migrated),
            (expected.map(String::from).to_vec(), vec!["a .spec.old".to_owned()])
        );
        let migrated = done(fm.migrate_version(&object, "x.io/a/b", "x.io/v2"));
        assert_eq!(outcome(&migrated).0[1], "b Apply x.io/v2 -1 .spec.on");
    }

    #[test]
    fn nothing_to_do_leaves_the_text_as_it_is() {
        let entry =
            r#"{ "manager":"s","operation":"?","apiVersion":"x.io/v1","fieldsV1":{"fa":{}}}"#;
        let schemas = Schemas::empty();
        let fm = FieldManager::new(&schemas);
        for (list, from, to) in [
            (&format!("[{entry}]")[..], "x.io/v0", "x.io/v1"),
            (&format!("[{entry}]"), "x.io/v1", "x.io/v1"),
            (&format!("[{entry}]"), "", "x.io/v1"),
            ("[]", "x.io/v0", "x.io/v1"),
            ("[null]", "x.io/v0", "x.io/v1"),
            ("5", "x.io/v0", "x.io/v1"),
        ] {
            let live = format!(r#"{{"metadata":{{ "managedFields":{list} }} }}"#);
            let migrated = done(fm.migrate_version(&live, from, to));
            assert_eq!((migrated.object(), migrated.patch()), (live.as_str(), None));
        }
    }

    #[test]
    fn what_cannot_be_rewritten_is_refused() {
        let schemas = lamps();
        let error = |object: &str, to: &str| {
            let fm = FieldManager::new(&schemas);
            refusal(fm.migrate_version(object, "x.io/v1", to))
        };
        let with =
            |operation: &str, fields: &str| live("{}", &[("a", operation, "x.io/v1", "", fields)]);
        let good = with("Apply", "{}");
        assert_eq!(error(&good, "a/b/c"), "unexpected GroupVersion string: a/b/c");
        assert_eq!(error(&good, ""), "unexpected GroupVersion string: ");
        assert_eq!(error(&good, "x.io/v9"), "no corresponding type for x.io/v9, Kind=Lamp");
        assert_eq!(
            error(&with("apply", "{}"), "x.io/v2"),
            "operation must be `Apply` or `Update`, but that of \"a\" is \"apply\""
        );
        let text = error(&with("Apply", r#"{"fa":{}}"#), "x.io/v2");
        assert!(text.starts_with("failed to convert fields of \"a\" to set: "), "{text}");
        assert!(error("{", "x.io/v2").starts_with("the object is not valid JSON: "));
        // The counterpart is to be read too.
        let both =
            live("{}", &[("a", "Apply", "x.io/v1", "", "{}"), ("a", "Apply", "x.io/v2", "", "[]")]);
        assert!(error(&both, "x.io/v2").starts_with("failed to convert fields of \"a\""));

        let fm = FieldManager::new(&schemas).converter(&Lamps);
        let untyped = good.replace(r#""spec":{}"#, r#""spec":{"undeclared":1}"#);
        let text = refusal(fm.migrate_version(&untyped, "x.io/v1", "x.io/v2"));
        assert!(text.starts_with("failed to convert the object: "), "{text}");
        let unknown = Schemas::deduced();
        let fm = FieldManager::new(&unknown).converter(&Lamps);
        let text = refusal(fm.migrate_version(&good, "x.io/v1", "x.io/v9"));
        assert_eq!(text, "no version x.io/v9");
        let none = Schemas::empty();
        let fm = FieldManager::new(&none).converter(&Lamps);
        let text = refusal(fm.migrate_version(&good, "x.io/v1", "x.io/v2"));
        assert!(text.ends_with("no corresponding type for x.io/v2, Kind=Lamp"), "{text}");
    }
}
