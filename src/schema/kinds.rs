//! From a kind to its type.

use std::fmt;

use indexmap::IndexMap;

use super::compiled::{Schema, Type};

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
    builtin: bool,
    deduced: bool,
    added: IndexMap<GroupVersionKind, Type>,
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

    /// Every kind that Kubernetes serves, compiled into the crate: nothing is read or built.
    #[cfg(feature = "builtin-schemas")]
    pub fn builtin() -> Schemas {
        Schemas { builtin: true, ..Schemas::default() }
    }

    /// Adds or replaces the type of a kind.
    pub fn insert(&mut self, kind: GroupVersionKind, ty: Type) {
        self.added.insert(kind, ty);
    }

    /// The type of a kind. Allocates nothing for built-in kinds.
    pub fn find(&self, kind: &GroupVersionKind) -> Option<Type> {
        if let Some(ty) = self.added.get(kind) {
            return Some(ty.clone());
        }
        match self.builtin {
            true => builtin(kind),
            false => self.deduced.then(Schema::deduced_type),
        }
    }
}

#[cfg(feature = "builtin-schemas")]
fn builtin(kind: &GroupVersionKind) -> Option<Type> {
    super::builtin::find(kind)
}

#[cfg(not(feature = "builtin-schemas"))]
fn builtin(_: &GroupVersionKind) -> Option<Type> {
    None
}

impl Schema {
    /// Compiles a schema document that is known to be valid.
    pub(crate) fn from_document(document: crate::value::ValueRef<'_>) -> Schema {
        Schema::from_compiled(super::compile::compile(&super::document::read_schema(document)))
    }
}
