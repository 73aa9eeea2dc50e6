//! From a kind to its type.

use std::fmt;

use indexmap::IndexMap;

use super::compiled::{Schema, Type};
use super::kubernetes::KubernetesVersion;

/// Group, version and kind of an object.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct GroupVersionKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version inside the group.
    pub version: String,
    /// The kind.
    pub kind: String,
}

impl GroupVersionKind {
    /// From an object's `apiVersion` and `kind`. An `apiVersion` that does not parse empties all
    /// three, as in the reference.
    ///
    /// ```
    /// use managed_fields::schema::GroupVersionKind;
    /// let gvk = GroupVersionKind::new("apps/v1", "Deployment");
    /// assert_eq!((gvk.group.as_str(), gvk.version.as_str()), ("apps", "v1"));
    /// assert_eq!(gvk.to_string(), "apps/v1, Kind=Deployment");
    /// ```
    pub fn new(api_version: &str, kind: &str) -> GroupVersionKind {
        let (group, version) = match api_version.split_once('/') {
            None => ("", api_version),
            Some((_, version)) if version.contains('/') => return GroupVersionKind::default(),
            Some(parts) => parts,
        };
        GroupVersionKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// The `apiVersion` of objects of this kind.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The resource that the kind is named by in URLs, guessed as the API machinery guesses it.
    pub(crate) fn guess_resource(&self) -> String {
        let singular = self.kind.to_lowercase();
        match singular.as_bytes().last() {
            _ if singular == "endpoints" => singular,
            Some(b's') => singular + "es",
            Some(b'y') => singular.trim_end_matches('y').to_owned() + "ies",
            _ => singular + "s",
        }
    }

    /// Whether an `apiVersion` means the group and version of this kind, however it is spelled.
    pub(crate) fn is_of_version(&self, api_version: &str) -> bool {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.group == group && self.version == version
    }
}

/// As the API server prints it: `group/version, Kind=kind`.
impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

/// The types of all kinds that a program knows.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    builtin: Option<KubernetesVersion>,
    deduced: bool,
    added: IndexMap<GroupVersionKind, Added>,
}

#[derive(Clone, Debug)]
struct Added {
    ty: Type,
    is_namespaced: Option<bool>,
}

/// Where the type of a kind comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// It was inserted, or added with a document.
    Added,
    /// It is compiled in.
    Builtin(KubernetesVersion),
    /// The kind is not known: it has the type of objects without schema, as all are given here.
    Deduced,
}

impl Schemas {
    /// No kinds at all.
    pub fn empty() -> Schemas {
        Schemas::default()
    }

    /// No kinds, and none needed: every object is treated as the server treats a custom resource
    /// without a schema, except where a type was inserted. To have that for one kind, insert
    /// [`Schema::deduced_type`] for it.
    pub fn deduced() -> Schemas {
        Schemas { deduced: true, ..Schemas::default() }
    }

    /// Every kind that the newest known Kubernetes serves, compiled into the crate: nothing is read or
    /// built.
    #[cfg(feature = "builtin-schemas")]
    pub fn builtin() -> Schemas {
        Schemas::builtin_for(KubernetesVersion::NEWEST)
    }

    /// Every kind that this version of Kubernetes serves, those that are off by default too. Costs
    /// nothing: the types of all versions are constants.
    ///
    /// ```
    /// use managed_fields::schema::{GroupVersionKind, KubernetesVersion, Schemas};
    /// let schemas = Schemas::builtin_for("1.36".parse()?);
    /// assert!(schemas.find(&GroupVersionKind::new("apps/v1", "Deployment")).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "builtin-schemas")]
    pub fn builtin_for(version: KubernetesVersion) -> Schemas {
        Schemas { builtin: Some(version), ..Schemas::default() }
    }

    /// Adds or replaces the type of a kind.
    pub fn insert(&mut self, kind: GroupVersionKind, ty: Type) {
        self.insert_scoped(kind, ty, None);
    }

    /// Adds or replaces the type of a kind of which it may be known whether its objects live in
    /// namespaces.
    pub(crate) fn insert_scoped(
        &mut self,
        kind: GroupVersionKind,
        ty: Type,
        is_namespaced: Option<bool>,
    ) {
        self.added.insert(kind, Added { ty, is_namespaced });
    }

    /// Adds or replaces all types that were added to others.
    pub fn extend(&mut self, others: Schemas) {
        self.added.extend(others.added);
    }

    /// The type of a kind. Allocates nothing for built-in kinds.
    pub fn find(&self, kind: &GroupVersionKind) -> Option<Type> {
        if let Some(added) = self.added.get(kind) {
            return Some(added.ty.clone());
        }
        match self.builtin {
            Some(version) => builtin(version, kind).map(|row| row.ty(version)),
            None => self.deduced.then(Schema::deduced_type),
        }
    }

    /// Where the type that [`find`](Self::find) gives comes from.
    pub fn origin(&self, kind: &GroupVersionKind) -> Option<Origin> {
        if self.added.contains_key(kind) {
            return Some(Origin::Added);
        }
        match self.builtin {
            Some(version) => builtin(version, kind).map(|_| Origin::Builtin(version)),
            None => self.deduced.then_some(Origin::Deduced),
        }
    }

    /// Whether objects of the kind live in namespaces, where that is known: published documents show
    /// it by their paths.
    pub fn is_namespaced(&self, kind: &GroupVersionKind) -> Option<bool> {
        match (self.added.get(kind), self.builtin) {
            (Some(added), _) => added.is_namespaced,
            (None, Some(version)) => builtin(version, kind)?.is_namespaced(),
            (None, None) => None,
        }
    }

    /// All kinds that are known by name, ascending by group, version and kind. Linear but for the
    /// sorting.
    pub fn kinds(&self) -> Vec<GroupVersionKind> {
        let mut kinds: Vec<GroupVersionKind> = self.added.keys().cloned().collect();
        #[cfg(feature = "builtin-schemas")]
        kinds.extend(self.builtin.into_iter().flat_map(super::builtin::kinds));
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

#[cfg(feature = "builtin-schemas")]
use super::builtin::find as builtin;

/// Nothing is compiled in.
#[cfg(not(feature = "builtin-schemas"))]
enum Row {}

#[cfg(not(feature = "builtin-schemas"))]
impl Row {
    fn ty(&self, _: KubernetesVersion) -> Type {
        match *self {}
    }

    fn is_namespaced(&self) -> Option<bool> {
        match *self {}
    }
}

#[cfg(not(feature = "builtin-schemas"))]
fn builtin(_: KubernetesVersion, _: &GroupVersionKind) -> Option<&'static Row> {
    None
}

impl Schema {
    /// Compiles a schema document that is known to be valid.
    pub(crate) fn from_document(document: crate::value::ValueRef<'_>) -> Schema {
        Schema::from_compiled(super::compile::compile(&super::document::read_schema(document)))
    }
}
/// What kinds of the built-in tables are looked up by.
#[cfg(any(feature = "builtin-schemas", feature = "testing"))]
pub(super) fn hash_of(group: &str, version: &str, kind: &str) -> u64 {
    let texts = [group.as_bytes(), b"/", version.as_bytes(), b"/", kind.as_bytes()];
    // FNV-1a: few bytes, and the same everywhere.
    texts.into_iter().flatten().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
