//! The schemas that a command works with: the built-in ones and those of `--schema`.

mod outline;
mod told;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::fieldmanager::{NoConversion, ResetFields, SameShape, VersionConverter};
use crate::fieldpath::Path;
use crate::schema::{
    self, CustomResource, CustomResourceVersion, GroupVersionKind, Schema, Schemas, Type,
};
use crate::typed::parse_schema;
use crate::value::{Kind, Value, ValueRef};

use super::input::{self, Object};
use super::locate;
use super::session::Session;
use super::{Common, Types};
use told::{Holder, Origin, Refusal, Remarks, Told};

/// All types that are known, and which kinds lacked one.
pub(super) struct Known {
    schemas: Schemas,
    /// Merge schemas, which name types but not kinds.
    named: Vec<(Schema, Origin)>,
    /// Where the types of kinds were read that no custom resource is of.
    origins: HashMap<GroupVersionKind, Origin>,
    /// The custom resources of definitions, by the kinds of all of their versions.
    resources: HashMap<GroupVersionKind, Rc<Defined>>,
    /// Files with definitions that were not read yet, by the groups and kinds that these are of.
    unread: HashMap<(String, String), Vec<String>>,
    /// How many bytes of definitions are read before they are needed.
    ahead: usize,
    /// Nothing but what files hold is known.
    is_of_files: bool,
    strict: bool,
    missing: BTreeSet<GroupVersionKind>,
    unserved: BTreeSet<GroupVersionKind>,
}

/// As many definitions are read at once and told of; beyond that they are only when they are needed.
const AHEAD: usize = 4 << 20;

/// A custom resource and where its definition is.
struct Defined {
    resource: CustomResource,
    origin: Origin,
    /// How its versions are made of each other, if that needs nobody to be asked.
    converter: Option<SameShape>,
}

impl Defined {
    fn new(resource: CustomResource, origin: Origin) -> Defined {
        let versions = resource.versions().iter().map(CustomResourceVersion::api_version);
        let is_known = resource.has_one_shape() && resource.versions().len() > 1;
        let converter = is_known.then(|| SameShape::new(versions));
        Defined { resource, origin, converter }
    }
}

/// What a document turned out to be.
enum Taken {
    Schema(Remarks),
    /// An object of another kind, or nothing of the sort.
    Other(String),
}

impl Known {
    /// Reads the schemas of `--schema`. None if one of them cannot be read, which is reported: a
    /// result under half a schema is worse than none.
    pub(super) fn load(common: &Common, session: &mut Session<'_, '_>) -> Option<Known> {
        Known::starting(&common.types, AHEAD).read(&common.types.schema, common.recursive, session)
    }

    /// As [`load`](Self::load), with all that is known of every kind.
    pub(super) fn load_all(
        types: &Types,
        recursive: bool,
        session: &mut Session<'_, '_>,
    ) -> Option<Known> {
        Known::starting(types, usize::MAX).read(&types.schema, recursive, session)
    }

    /// The types of the files alone.
    pub(super) fn load_files(
        files: &[String],
        recursive: bool,
        session: &mut Session<'_, '_>,
    ) -> Option<Known> {
        let mut known = Known::starting(&Types::default(), usize::MAX);
        known.schemas = Schemas::empty();
        known.is_of_files = true;
        known.read(files, recursive, session)
    }

    fn starting(types: &Types, ahead: usize) -> Known {
        Known {
            schemas: Schemas::builtin_for(types.kubernetes_version),
            named: Vec::new(),
            origins: HashMap::new(),
            resources: HashMap::new(),
            unread: HashMap::new(),
            ahead,
            is_of_files: false,
            strict: types.strict_schema,
            missing: BTreeSet::new(),
            unserved: BTreeSet::new(),
        }
    }

    fn read(
        self,
        names: &[String],
        recursive: bool,
        session: &mut Session<'_, '_>,
    ) -> Option<Known> {
        let mut known = self;
        let errors = session.errors();
        for name in names {
            let mut others = Vec::new();
            let mut found = 0;
            input::each_file(name, recursive, session, &mut |file, content, session| {
                found += match known.put_off(name, &file, &content) {
                    0 => known.add_file(&file, &content, &mut others, session),
                    count => count,
                };
            });
            if !known.unread.is_empty() {
                session.note(
                    name,
                    format_args!(
                        "the definitions of {} kinds are read only if an object is of the kind",
                        known.unread.len()
                    ),
                );
            }
            // Where there are schemas other documents may well be.
            for (place, kind) in others {
                match found {
                    0 => session.error(
                        place,
                        "this is no schema: expected OpenAPI (`swagger`, `openapi`), a \
                         CustomResourceDefinition or a merge schema (`types`)",
                    ),
                    _ => session.note(place, format_args!("{kind} is no schema: passed over")),
                }
            }
        }
        (session.errors() == errors).then_some(known)
    }

    /// Leaves a file unread if that can be told which kinds it is about, there is much of that sort, and
    /// it can be read later. Gives how many definitions there are in it then.
    fn put_off(&mut self, name: &str, file: &str, content: &[u8]) -> usize {
        if self.ahead >= content.len() || name == "-" {
            self.ahead = self.ahead.saturating_sub(content.len());
            return 0;
        }
        let kinds = std::str::from_utf8(content).ok().and_then(outline::kinds).unwrap_or_default();
        for (group, kind) in &kinds {
            let kind = ((*group).to_owned(), (*kind).to_owned());
            self.unread.entry(kind).or_default().push(file.to_owned());
        }
        kinds.len()
    }

    /// Reads what was left unread of a kind. What is wrong with it is reported.
    fn read_up(
        &mut self,
        kind: &GroupVersionKind,
        session: &mut Session<'_, '_>,
    ) -> Result<(), String> {
        let files = self.unread.remove(&(kind.group.clone(), kind.kind.clone()));
        let errors = session.errors();
        for file in files.unwrap_or_default() {
            self.unread.values_mut().for_each(|files| files.retain(|other| *other != file));
            input::each_file(&file, false, session, &mut |file, content, session| {
                self.add_file(&file, &content, &mut Vec::new(), session);
            });
        }
        match session.errors() == errors {
            true => Ok(()),
            false => Err(format!("the definition of {kind} cannot be used")),
        }
    }

    /// Takes the schemas of a file and gives how many there are, good or not. What is passed over comes
    /// with its place.
    fn add_file(
        &mut self,
        file: &str,
        content: &[u8],
        others: &mut Vec<(String, String)>,
        session: &mut Session<'_, '_>,
    ) -> usize {
        let (mut number, mut found) = (0, 0);
        input::each_document(content, &mut |line, document| {
            number += 1;
            let place = format!("{file}: document {number} (line {line})");
            let told = Told { file, content, number, place };
            let read = document
                .and_then(|json| locate::refuse_repeats(json).map(|()| json))
                .and_then(|json| Value::from_json(json).map_err(|error| error.to_string()));
            match read {
                Ok(document) => found += self.add_all(&document, told, others, session),
                Err(message) => {
                    found += 1;
                    told.refuse(&Refusal::Text(message), session);
                }
            }
        });
        if number == 0 {
            session.error(file, "there is no schema in it");
        }
        found
    }

    /// Takes a document, or the items of a list.
    fn add_all(
        &mut self,
        document: &Value,
        mut told: Told<'_>,
        others: &mut Vec<(String, String)>,
        session: &mut Session<'_, '_>,
    ) -> usize {
        let root = document.as_ref();
        let items = root.get("items").filter(|items| items.kind() == Kind::List);
        let kind = text(root, "kind").unwrap_or_default();
        let (Some(items), Some(kind)) = (items, kind.strip_suffix("List")) else {
            return self.add_one(document, None, &told, others, session);
        };
        let version = text(root, "apiVersion").unwrap_or_default();
        let whole = std::mem::take(&mut told.place);
        let mut found = 0;
        for (index, item) in items.items().enumerate() {
            told.place = match whole.split_once(" (line") {
                Some((front, line)) => format!("{front} item {} (line{line}", index + 1),
                None => whole.clone(),
            };
            let item = input::item_of(item, &version, kind);
            found += self.add_one(&item, Some(index), &told, others, session);
        }
        if items.is_empty() {
            others.push((whole, "an empty list".to_owned()));
        }
        found
    }

    fn add_one(
        &mut self,
        document: &Value,
        item: Option<usize>,
        told: &Told<'_>,
        others: &mut Vec<(String, String)>,
        session: &mut Session<'_, '_>,
    ) -> usize {
        match self.add(document, item, told) {
            Ok(Taken::Schema(remarks)) => told.warn(&remarks, session),
            Ok(Taken::Other(kind)) => {
                others.push((told.place.clone(), kind));
                return 0;
            }
            Err(refusal) => told.refuse(&refusal, session),
        }
        1
    }

    /// Takes a schema document, recognised by what it holds.
    fn add(
        &mut self,
        document: &Value,
        item: Option<usize>,
        told: &Told<'_>,
    ) -> Result<Taken, Refusal> {
        let root = document.as_ref();
        let scalar = |key: &str| root.get(key).is_some_and(|said| said.is_empty());
        let kind = text(root, "kind");
        if scalar("openapi") {
            let mut own = Schemas::empty();
            let remarks = own.add_openapi_v3(document);
            return Remarks::of(
                Holder::V3,
                remarks.inspect(|_| self.add_kinds(own, told.origin(item))),
            );
        }
        if scalar("swagger") {
            let mut own = Schemas::empty();
            let remarks = own.add_openapi_v2(document);
            return Remarks::of(
                Holder::V2,
                remarks.inspect(|_| self.add_kinds(own, told.origin(item))),
            );
        }
        if kind.as_deref() == Some("CustomResourceDefinition") {
            let added = self.schemas.add_crd(document).map(|resource| {
                let remarks = resource.remarks().to_vec();
                self.define(Defined::new(resource, told.origin(item)));
                remarks
            });
            return Remarks::of(Holder::Definition { item }, added);
        }
        if root.get("types").is_some_and(|types| types.kind() == Kind::List) {
            let schema = parse_schema(document).map_err(|error| error.to_string())?;
            self.named.push((schema, told.origin(item)));
            return Ok(Taken::Schema(Remarks::default()));
        }
        Ok(Taken::Other(match kind {
            Some(kind) => format!("a {kind}"),
            None => "a document without a kind".to_owned(),
        }))
    }

    fn add_kinds(&mut self, own: Schemas, origin: Origin) {
        for kind in own.kinds() {
            self.resources.remove(&kind);
            self.origins.insert(kind, origin.clone());
        }
        self.schemas.extend(own);
    }

    fn define(&mut self, defined: Defined) {
        let defined = Rc::new(defined);
        // Of two definitions of a kind the last counts.
        let kind = (defined.resource.group().to_owned(), defined.resource.kind().to_owned());
        self.unread.remove(&kind);
        for version in defined.resource.versions() {
            let kind = GroupVersionKind::new(version.api_version(), defined.resource.kind());
            self.resources.insert(kind, defined.clone());
        }
    }

    /// The custom resource that a kind is a version of, if its definition was read.
    pub(super) fn resource(&self, kind: &GroupVersionKind) -> Option<&CustomResource> {
        self.resources.get(kind).map(|defined| &defined.resource)
    }

    /// How objects of a kind are had at its other versions: as its definition says, if that names no
    /// webhook; else not at all.
    pub(super) fn converter(&self, kind: &GroupVersionKind) -> &dyn VersionConverter {
        let defined = self.resources.get(kind);
        match defined.and_then(|defined| defined.converter.as_ref()) {
            Some(converter) => converter,
            None => &NoConversion,
        }
    }

    /// Whether objects of a kind are had at its other versions.
    pub(super) fn converts(&self, kind: &GroupVersionKind) -> bool {
        self.resources.get(kind).is_some_and(|defined| defined.converter.is_some())
    }

    /// What an endpoint of a kind resets.
    pub(super) fn reset_fields(
        &self,
        which: super::ResetFields,
        kind: &GroupVersionKind,
    ) -> ResetFields {
        match (which, self.resource(kind)) {
            (super::ResetFields::None, _) => ResetFields::none(),
            (super::ResetFields::Server, None) => ResetFields::builtin(),
            (super::ResetFields::Server, Some(resource)) => {
                ResetFields::of_custom_resource(resource)
            }
        }
    }

    pub(super) fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// Whether nothing but what files hold is known.
    pub(super) fn is_of_files(&self) -> bool {
        self.is_of_files
    }

    /// The schemas with names but without kinds.
    pub(super) fn named(&self) -> impl Iterator<Item = &Schema> {
        self.named.iter().map(|(schema, _)| schema)
    }

    /// Where the type of a kind comes from: the document, found without reading anything.
    pub(super) fn source(&self, kind: &GroupVersionKind) -> String {
        let defined = self.resources.get(kind).map(|defined| &defined.origin);
        match defined.or_else(|| self.origins.get(kind)) {
            Some(origin) => origin.place().to_owned(),
            None => self.without_file(kind),
        }
    }

    /// The same, with the line of what is said of a field where that can be found, else with that of the
    /// type.
    pub(super) fn located_source(&self, kind: &GroupVersionKind, field: &Path) -> String {
        if let Some(Defined { resource, origin, .. }) = self.resources.get(kind).map(Rc::as_ref) {
            let Some(version) = resource.version(kind) else { return self.source(kind) };
            return match field.elements() {
                [] => origin.locate(version.schema_path()),
                _ => origin.locate_in(|definition| version.rule_path(definition, field)),
            };
        }
        match (self.origins.get(kind), self.schemas.find(kind)) {
            (Some(origin), Some(ty)) => {
                origin.locate_in(|document| schema::rule_path(document, ty.name(), field))
            }
            _ => self.without_file(kind),
        }
    }

    fn without_file(&self, kind: &GroupVersionKind) -> String {
        match self.schemas.origin(kind) {
            Some(schema::Origin::Builtin(version)) => format!("built-in {version}"),
            _ => "no schema".to_owned(),
        }
    }

    /// Makes the type of a kind known, if a schema has one.
    pub(super) fn learn(
        &mut self,
        kind: &GroupVersionKind,
        session: &mut Session<'_, '_>,
    ) -> Result<bool, String> {
        self.read_up(kind, session)?;
        let find =
            |(schema, origin): &(Schema, Origin)| Some((type_of(schema, kind)?, origin.clone()));
        let found = self.named.iter().find_map(find);
        let is_found = found.is_some();
        if let Some((ty, origin)) = found {
            self.schemas.insert(kind.clone(), ty);
            self.resources.remove(kind);
            self.origins.insert(kind.clone(), origin);
        }
        Ok(is_found)
    }

    /// Makes the type of an object's kind known. False, and reported, where a schema is demanded
    /// and there is none.
    pub(super) fn prepare(
        &mut self,
        object: &Object,
        session: &mut Session<'_, '_>,
    ) -> Result<(), String> {
        let kind = &object.identity.kind;
        if self.learn(kind, session)? {
            return Ok(());
        }
        self.warn_if_unserved(object, session);
        let version = self.resource(kind).and_then(|resource| resource.version(kind));
        // Of a definition that has no schema that was told already.
        let is_untyped = version.is_some_and(|version| !version.has_types());
        if kind.kind.is_empty() || self.schemas.find(kind).is_some() && !(is_untyped && self.strict)
        {
            return Ok(());
        }
        if self.strict {
            let message = format!("there is no schema for {kind}");
            session.error(&object.place, &message);
            return Err(message);
        }
        self.schemas.insert(kind.clone(), Schema::deduced_type());
        if self.missing.insert(kind.clone()) {
            session.warn(
                &object.place,
                format_args!(
                    "there is no schema for {kind}: treated as a custom resource without one, \
                     whose lists are owned as a whole"
                ),
            );
        }
        Ok(())
    }

    /// Warns of an object at a version that its definition does not serve, once for a kind.
    fn warn_if_unserved(&mut self, object: &Object, session: &mut Session<'_, '_>) {
        let kind = &object.identity.kind;
        let Some(defined) = self.resources.get(kind) else { return };
        let Some(version) = defined.resource.version(kind) else { return };
        if version.is_served() || !self.unserved.insert(kind.clone()) {
            return;
        }
        let place = defined.origin.locate(version.schema_path());
        session.warn(
            &object.place,
            format_args!(
                "{kind} is not served, says its definition ({place}): an API server takes no such object"
            ),
        );
    }
}

fn text<'a>(holder: ValueRef<'a>, key: &str) -> Option<Cow<'a, str>> {
    holder.get(key).and_then(ValueRef::as_str)
}

/// The type of a kind in a merge schema, whose names are `io.k8s.api.apps.v1.Deployment`,
/// `com.example.stable.v1.CronTab` or the bare kind.
pub(super) fn type_of(schema: &Schema, kind: &GroupVersionKind) -> Option<Type> {
    if kind.kind.is_empty() {
        return None;
    }
    let end = format!(".{}.{}", kind.version, kind.kind);
    let name = schema.type_names().find(|name| {
        name.strip_suffix(end.as_str()).is_some_and(|group| is_group(group, &kind.group))
    });
    let name = name.map(str::to_owned);
    schema.type_named(name.as_deref().unwrap_or(&kind.kind))
}

/// Whether the front of a type's name stands for an API group.
fn is_group(front: &str, group: &str) -> bool {
    let last = front.rsplit('.').next().unwrap_or_default();
    match group {
        "" => last == "core",
        "internal.apiserver.k8s.io" => last == "apiserverinternal",
        _ => {
            group.split('.').next() == Some(last) && front.starts_with("io.k8s.")
                || front.split('.').eq(group.rsplit('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_group;

    #[test]
    fn names_of_types_tell_the_group() {
        assert!(is_group("io.k8s.api.core", ""));
        assert!(is_group("io.k8s.api.apps", "apps"));
        assert!(is_group("io.k8s.api.rbac", "rbac.authorization.k8s.io"));
        assert!(is_group("com.example.stable", "stable.example.com"));
        assert!(!is_group("io.k8s.api.apps", "extensions"));
        assert!(!is_group("com.example.apps", "apps"));
    }
}
