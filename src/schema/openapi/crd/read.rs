//! What a definition says, of both versions of the API.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::fieldpath::PathElement;
use crate::value::{Kind, ValueRef};

use super::super::problem::{OpenApiError, Place, Problem};
use super::super::readable::{check_crd, expected};
use super::{CustomResource, CustomResourceVersion, rules};

const GROUP: &str = "apiextensions.k8s.io/";
/// What an API server takes of a name in bytes; those of kinds and versions are shorter still.
const LONGEST: usize = 253;
/// Bytes of a schema that all versions share, times the versions: there are types for each of them.
const MOST_TO_REPEAT: usize = 100 << 20;
const MOST_REMARKS: usize = 100;
const UNTYPED: &str =
    "so that no types are known: lists are owned as a whole, also those in the metadata";

/// A definition as far as it says something of types and endpoints.
pub(super) struct Definition<'a> {
    /// What it is called where something is told of it.
    name: String,
    group: Cow<'a, str>,
    kind: Cow<'a, str>,
    list_kind: Cow<'a, str>,
    /// All of its objects keep fields that are not declared.
    pub(super) preserves: bool,
    pub(super) versions: Vec<Version<'a>>,
}

/// A version of the resource.
pub(super) struct Version<'a> {
    name: Cow<'a, str>,
    is_served: bool,
    is_stored: bool,
    has_status: bool,
    replicas_path: Option<Cow<'a, str>>,
    pub(super) schema: Option<ValueRef<'a>>,
    /// Where its schema is.
    way: Vec<PathElement>,
}

fn field(name: &str) -> PathElement {
    PathElement::FieldName(name.to_owned())
}

/// A map of the definition, and where it is.
#[derive(Clone)]
struct Part<'a> {
    value: Option<ValueRef<'a>>,
    way: Vec<PathElement>,
}

impl<'a> Part<'a> {
    fn wrong(&self, key: &str, message: String) -> OpenApiError {
        let mut way = self.way.clone();
        if !key.is_empty() {
            way.push(field(key));
        }
        OpenApiError::Unreadable(Place::of("").problem(message).inside("", &way))
    }

    fn get(&self, key: &str) -> Option<ValueRef<'a>> {
        self.value?.get(key).filter(|said| said.kind() != Kind::Null)
    }

    fn take<T>(
        &self,
        key: &str,
        what: &str,
        read: impl FnOnce(ValueRef<'a>) -> Option<T>,
    ) -> Result<Option<T>, OpenApiError> {
        let Some(said) = self.get(key) else { return Ok(None) };
        read(said).map(Some).ok_or_else(|| self.wrong(key, expected(what, said)))
    }

    fn text(&self, key: &str) -> Result<Cow<'a, str>, OpenApiError> {
        self.take(key, "a string", ValueRef::as_str).map(Option::unwrap_or_default)
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, OpenApiError> {
        self.take(key, "a boolean", ValueRef::as_bool)
    }

    /// The map in a member; empty if it is left out.
    fn map(&self, key: &str) -> Result<Part<'a>, OpenApiError> {
        let mut way = self.way.clone();
        way.push(field(key));
        let is_map = |said: ValueRef<'a>| (said.kind() == Kind::Map).then_some(said);
        Ok(Part { value: self.take(key, "a map", is_map)?, way })
    }

    /// The maps in a list.
    fn maps(&self, key: &str) -> Result<Vec<Part<'a>>, OpenApiError> {
        let is_list = |said: ValueRef<'a>| (said.kind() == Kind::List).then_some(said);
        let list = self.take(key, "a list", is_list)?;
        let mut maps = Vec::new();
        for (index, item) in list.into_iter().flat_map(ValueRef::items).enumerate() {
            let mut way = self.way.clone();
            way.extend([field(key), PathElement::Index(index as i64)]);
            let map = Part { value: Some(item), way };
            match item.kind() {
                Kind::Map | Kind::Null => maps.push(map),
                _ => return Err(map.wrong("", expected("a map", item))),
            }
        }
        Ok(maps)
    }
}

impl Version<'_> {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl<'a> Definition<'a> {
    /// Reads a definition. Recursive: the caller gives it room.
    pub(super) fn read(document: ValueRef<'a>) -> Result<Definition<'a>, OpenApiError> {
        let root = Part { value: Some(document), way: Vec::new() };
        let name = name_of(document);
        read(&root, name.clone())
            .map_err(|error| error.with_problems(|problem| problem.inside(&name, &[])))
    }

    /// The name of a version's type.
    pub(super) fn type_name(&self, version: &Version<'_>) -> String {
        type_name(&self.group, &version.name, &self.kind)
    }

    /// The name of the type of a version's lists.
    pub(super) fn list_type_name(&self, version: &Version<'_>) -> String {
        type_name(&self.group, &version.name, &self.list_kind)
    }

    pub(super) fn group(&self) -> &str {
        &self.group
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    pub(super) fn has_scale(&self) -> bool {
        self.versions.iter().any(|version| version.replicas_path.is_some())
    }

    /// Where in the definition the types are that are published of it.
    pub(super) fn locator(&self) -> Locator<'_> {
        let mut ways = HashMap::new();
        for version in &self.versions {
            ways.entry(self.type_name(version)).or_insert(version.way.as_slice());
        }
        Locator { name: &self.name, ways }
    }

    /// A version that is there twice: the server cannot publish the definition then.
    fn repeated_version(&self) -> Option<&Version<'a>> {
        let mut seen = HashSet::new();
        self.versions.iter().find(|version| !seen.insert(version.name.as_ref()))
    }

    pub(super) fn has_repeated_version(&self) -> bool {
        self.repeated_version().is_some()
    }

    /// Leaves out the schemas that an API server makes no types of. Gives a remark on each version that is
    /// without one, or on that which costs all of them theirs.
    pub(super) fn leave_out_schemas(&mut self) -> Vec<Problem> {
        if let Some(again) = self.repeated_version() {
            let message = format!("version {} is there twice, {UNTYPED}", again.name);
            let remark = Place::of(&self.name).problem(message).inside(&self.name, &again.way);
            self.versions.iter_mut().for_each(|version| version.schema = None);
            return vec![remark];
        }
        let mut remarks = Vec::new();
        for version in &mut self.versions {
            let place = Place::of(&self.name);
            let remark = match version.schema {
                None => place.problem(format!("there is no schema, {UNTYPED}")),
                Some(schema) => match rules::breach_of(schema, &place) {
                    None => continue,
                    Some(breach) => {
                        let why = breach.message();
                        let message = format!("{why}: the schema is not structural, {UNTYPED}");
                        breach.saying(message)
                    }
                },
            };
            version.schema = None;
            // Nobody reads more.
            if remarks.len() < MOST_REMARKS {
                remarks.push(remark.inside(&self.name, &version.way));
            }
        }
        remarks
    }

    /// Remarks on the definition as a whole.
    pub(super) fn remarks(&self) -> Vec<Problem> {
        if self.versions.iter().any(|version| version.is_served) {
            return Vec::new();
        }
        let message = "no version is served: an API server takes no request for this kind";
        let way = [field("spec"), field("versions")];
        vec![Place::of(&self.name).problem(message).inside(&self.name, &way)]
    }

    pub(super) fn into_resource(self, remarks: Vec<Problem>) -> CustomResource {
        let group = self.group.into_owned();
        let versions = self.versions.into_iter().map(|version| CustomResourceVersion {
            api_version: format!("{group}/{}", version.name),
            is_served: version.is_served,
            is_stored: version.is_stored,
            has_status: version.has_status,
            replicas_path: version.replicas_path.map(Cow::into_owned),
            has_types: version.schema.is_some(),
            way: version.way,
        });
        let versions = versions.collect();
        let kind = self.kind.into_owned();
        CustomResource { group, kind, versions, remarks, has_one_shape: false }
    }
}

/// Finds in a definition what is published of it.
pub(super) struct Locator<'d> {
    name: &'d str,
    /// By the names of types.
    ways: HashMap<String, &'d [PathElement]>,
}

impl Locator<'_> {
    /// A problem of a type, where it is in the definition.
    pub(super) fn locate(&self, problem: Problem) -> Problem {
        let way = self.ways.get(problem.definition()).copied();
        problem.inside(self.name, way.unwrap_or_default())
    }
}

/// What a definition is called, or is to be.
fn name_of(document: ValueRef<'_>) -> String {
    let text = |holder: &str, key: &str| {
        let text = document.get(holder).and_then(|holder| holder.get(key)?.as_str());
        text.map(Cow::into_owned).filter(|text| !text.is_empty() && text.len() <= LONGEST)
    };
    let name = text("metadata", "name").or_else(|| text("spec", "group"));
    name.unwrap_or_else(|| "CustomResourceDefinition".to_owned())
}

/// The name of a type: the labels of the group in reverse, the version and the kind.
fn type_name(group: &str, version: &str, kind: &str) -> String {
    let mut labels: Vec<&str> = group.split('.').rev().collect();
    labels.extend([version, kind]);
    labels.join(".")
}

fn read<'a>(root: &Part<'a>, name: String) -> Result<Definition<'a>, OpenApiError> {
    let api_version = root.text("apiVersion")?;
    let is_beta = match api_version.strip_prefix(GROUP) {
        Some("v1") => false,
        Some("v1beta1") => true,
        _ => return Err(OpenApiError::NotADefinition),
    };
    if root.text("kind")? != "CustomResourceDefinition" {
        return Err(OpenApiError::NotADefinition);
    }
    let spec = root.map("spec")?;
    let names = spec.map("names")?;
    let group = demanded(&spec, "group")?;
    let kind = demanded(&names, "kind")?;
    let mut list_kind = bounded(&names, "listKind", names.text("listKind")?)?;
    if list_kind.is_empty() {
        list_kind = Cow::Owned(format!("{kind}List"));
    }
    if list_kind == kind {
        return Err(names.wrong("listKind", "the kind of lists is the kind itself".to_owned()));
    }
    let preserves = spec.flag("preserveUnknownFields")?.unwrap_or(is_beta);
    let versions = versions(&spec, is_beta)?;
    if versions.is_empty() {
        return Err(spec.wrong("versions", "there are no versions".to_owned()));
    }
    Ok(Definition { name, group, kind, list_kind, preserves, versions })
}

/// A text that an API server does not do without.
fn demanded<'a>(part: &Part<'a>, key: &str) -> Result<Cow<'a, str>, OpenApiError> {
    let text = part.text(key)?;
    if text.is_empty() {
        return Err(part.wrong(key, format!("there is no {key}")));
    }
    bounded(part, key, text)
}

/// A name that is repeated for every version.
fn bounded<'a>(
    part: &Part<'a>,
    key: &str,
    text: Cow<'a, str>,
) -> Result<Cow<'a, str>, OpenApiError> {
    match text.len() {
        0..=LONGEST => Ok(text),
        _ => Err(part.wrong(key, format!("it is longer than {LONGEST} bytes"))),
    }
}

fn versions<'a>(spec: &Part<'a>, is_beta: bool) -> Result<Vec<Version<'a>>, OpenApiError> {
    let mut versions = Vec::new();
    for part in spec.maps("versions")? {
        versions.push(Version {
            name: demanded(&part, "name")?,
            is_served: part.flag("served")?.unwrap_or_default(),
            is_stored: part.flag("storage")?.unwrap_or_default(),
            ..version(&part, "schema")?
        });
    }
    if !is_beta {
        return Ok(versions);
    }
    // The older API also says things once for all versions, and these prevail.
    let all = version(spec, "validation")?;
    let only = bounded(spec, "version", spec.text("version")?)?;
    if versions.is_empty() && !only.is_empty() {
        versions.push(Version {
            name: only,
            is_served: true,
            is_stored: true,
            ..version(spec, "validation")?
        });
    }
    let is_said = |key| spec.get(key).is_some();
    let length = all.schema.map_or(0, |schema| schema.to_json().len());
    if length.saturating_mul(versions.len()) > MOST_TO_REPEAT {
        return Err(spec.wrong("versions", "there are too many versions of one schema".to_owned()));
    }
    for version in &mut versions {
        if is_said("validation") {
            version.schema = all.schema;
            version.way.clone_from(&all.way);
        }
        if is_said("subresources") {
            version.has_status = all.has_status;
            version.replicas_path.clone_from(&all.replicas_path);
        }
    }
    Ok(versions)
}

/// The schema and the subresources of a version, or of all of them.
fn version<'a>(part: &Part<'a>, key: &str) -> Result<Version<'a>, OpenApiError> {
    let schema = part.map(key)?.map("openAPIV3Schema")?;
    if let Some(said) = schema.value {
        check_crd(said, &Place::of(""))
            .map_err(|problem| OpenApiError::Unreadable(problem.inside("", &schema.way)))?;
    }
    let subresources = part.map("subresources")?;
    let has_status = subresources.map("status")?.value.is_some();
    let scale = subresources.map("scale")?;
    let path = scale.text("specReplicasPath")?;
    Ok(Version {
        name: Cow::Borrowed(""),
        is_served: false,
        is_stored: false,
        has_status,
        replicas_path: scale.value.map(|_| path),
        schema: schema.value,
        way: schema.way,
    })
}
