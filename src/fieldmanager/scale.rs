//! The scale subresource: who owns the replicas of an object, seen from its `Scale`.

use std::collections::BTreeMap;

use crate::fieldpath::{FieldSet, Path, PathElement};
use crate::managedfields::{DecodeError, ManagedState, read_list};
use crate::merge::VersionedSet;
use crate::schema::{CustomResource, GroupVersionKind};
use crate::value::{Arena, Value};

use super::status::Status;

/// The version of a `Scale`.
const SCALE_VERSION: &str = "autoscaling/v1";

/// The workloads of Kubernetes and every version that they ever had, of which the server maps the
/// replicas.
const WORKLOADS: [(&str, &[&str]); 4] = [
    ("Deployment", &["apps/v1beta1", "apps/v1beta2", "apps/v1"]),
    ("ReplicaSet", &["apps/v1beta2", "apps/v1"]),
    ("StatefulSet", &["apps/v1beta1", "apps/v1beta2", "apps/v1"]),
    ("ReplicationController", &["v1"]),
];

/// Why there is no `Scale` of an object, or why it cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScaleError {
    /// The entries of an object or of its `Scale` cannot be read.
    #[error("failed to decode managed fields: {0}")]
    Decode(String),
    /// The object's version has no field for the replicas.
    #[error("no replicas path for version {0}")]
    NoReplicas(String),
    /// The replicas of the object are no whole number of 32 bits: their path and what is there.
    #[error("{0} is no number of replicas: it holds {1}")]
    Replicas(String, String),
    /// A `Scale` whose replicas are no whole number of 32 bits: 400.
    #[error("spec.replicas of a Scale is a whole number up to 2147483647: it holds {0}")]
    Sent(String),
    /// Neither the custom resource nor the request has replicas: 400.
    #[error("the spec replicas field \"{0}\" cannot be empty")]
    Unset(String),
    /// What the server's validation and storage refuse, in their words: negative replicas (422), and
    /// a `uid` or `resourceVersion` that is not that of the object (409).
    #[error("{}", .0.message)]
    Refused(Box<Status>),
}

impl ScaleError {
    /// The refusal as the API server answers it.
    pub fn to_status(&self) -> Status {
        match self {
            ScaleError::Refused(status) => (**status).clone(),
            ScaleError::Sent(_) | ScaleError::Unset(_) => {
                Status::failure(400, "BadRequest", self.to_string(), None)
            }
            _ => Status::failure(500, "", self.to_string(), None),
        }
    }
}

/// Where an object has the label query that its `Scale` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selector {
    /// `.spec.selector` is a query.
    Query,
    /// `.spec.selector` is a map of labels.
    Labels,
    /// A custom resource: `.status.selector`, by convention, is its text.
    Custom,
}

impl From<DecodeError> for ScaleError {
    fn from(error: DecodeError) -> ScaleError {
        ScaleError::Decode(error.to_string())
    }
}

/// Maps the ownership of an object's replicas to that of `.spec.replicas` of its `Scale` and back,
/// as the server does around every write to the scale subresource.
///
/// ```
/// use managed_fields::fieldmanager::ScaleMapping;
/// use managed_fields::value::Value;
///
/// let mapping = ScaleMapping::of_workload("apps/v1", ["apps/v1", "apps/v1beta1"]);
/// let parent = Value::from_json(r#"{"metadata":{"managedFields":[{"manager":"m","operation":"Apply",
///     "apiVersion":"apps/v1","fieldsType":"FieldsV1",
///     "fieldsV1":{"f:spec":{"f:replicas":{},"f:selector":{}}}}]}}"#)?;
/// let entries = mapping.to_scale(&parent)?;
/// assert!(entries.is_some_and(|it| it.contains(r#""fieldsV1":{"f:spec":{"f:replicas":{}}}"#)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScaleMapping {
    api_version: String,
    paths: BTreeMap<String, Option<Path>>,
    pub(super) selector: Selector,
}

impl ScaleMapping {
    /// For a custom resource and requests at `api_version`: the field of the replicas at every
    /// version that the kind ever had, none at versions without a scale subresource.
    pub fn new(
        api_version: impl Into<String>,
        paths: impl IntoIterator<Item = (String, Option<Path>)>,
    ) -> ScaleMapping {
        ScaleMapping {
            api_version: api_version.into(),
            paths: paths.into_iter().collect(),
            selector: Selector::Custom,
        }
    }

    /// For a kind whose replicas are at `.spec.replicas` in all of these versions, as Deployments,
    /// ReplicaSets, StatefulSets and ReplicationControllers have them.
    pub fn of_workload(
        api_version: impl Into<String>,
        versions: impl IntoIterator<Item = impl Into<String>>,
    ) -> ScaleMapping {
        let paths = versions.into_iter().map(|version| (version.into(), Some(replicas())));
        let mut mapping = ScaleMapping::new(api_version, paths);
        // Only the oldest of the workloads, which is in the core group, has no query.
        let is_core = !mapping.api_version.contains('/');
        mapping.selector = if is_core { Selector::Labels } else { Selector::Query };
        mapping
    }

    /// For one of Kubernetes' own kinds that have a `Scale` in the form of `autoscaling/v1`; none for
    /// any other kind or version.
    ///
    /// ```
    /// use managed_fields::GroupVersionKind;
    /// use managed_fields::fieldmanager::ScaleMapping;
    ///
    /// assert!(ScaleMapping::of_kind(&GroupVersionKind::new("apps/v1", "StatefulSet")).is_some());
    /// assert!(ScaleMapping::of_kind(&GroupVersionKind::new("apps/v1", "DaemonSet")).is_none());
    /// ```
    pub fn of_kind(kind: &GroupVersionKind) -> Option<ScaleMapping> {
        let version = kind.api_version();
        let (_, versions) = WORKLOADS.iter().find(|(name, _)| *name == kind.kind)?;
        if !versions.contains(&version.as_str()) {
            return None;
        }
        Some(ScaleMapping::of_workload(version, versions.iter().copied()))
    }

    /// For requests at a version of the custom resource that a definition is of; none if that version
    /// has no scale subresource.
    ///
    /// ```
    /// use managed_fields::fieldmanager::ScaleMapping;
    /// use managed_fields::{Schemas, Value};
    ///
    /// let definition = Value::from_json(
    ///     r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
    ///         "spec":{"group":"example.com","names":{"kind":"Lamp"},"versions":[{"name":"v1",
    ///           "subresources":{"scale":{"specReplicasPath":".spec.bulbs"}}}]}}"#,
    /// )?;
    /// let lamp = Schemas::empty().add_crd(&definition)?;
    /// assert!(ScaleMapping::of_custom_resource(&lamp, "example.com/v1").is_some());
    /// assert!(ScaleMapping::of_custom_resource(&lamp, "example.com/v2").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_custom_resource(
        resource: &CustomResource,
        api_version: &str,
    ) -> Option<ScaleMapping> {
        let paths = resource.versions().iter().map(|version| {
            let path = version.replicas_path().map(ScaleMapping::replicas_path);
            (version.api_version().to_owned(), path)
        });
        let mapping = ScaleMapping::new(api_version, paths);
        mapping.path().is_ok().then_some(mapping)
    }

    /// Where the replicas are in the objects of a request.
    pub(super) fn path(&self) -> Result<&Path, ScaleError> {
        let path = self.paths.get(&self.api_version).and_then(Option::as_ref);
        path.ok_or_else(|| ScaleError::NoReplicas(self.api_version.clone()))
    }

    /// The path that a CustomResourceDefinition's `specReplicasPath` means: field names between
    /// dots, whatever is in them.
    pub fn replicas_path(dotted: &str) -> Path {
        let names = dotted.trim_start_matches('.').split('.');
        names.map(|name| PathElement::FieldName(name.to_owned())).collect()
    }

    /// The entries that the `Scale` of an object begins a request with, as JSON; none if nobody
    /// owns the replicas.
    ///
    /// # Errors
    /// Entries of the object that cannot be read.
    pub fn to_scale(&self, parent: &Value) -> Result<Option<String>, ScaleError> {
        let (arena, node) = parent.parts();
        let parent = ManagedState::decode(arena, &read_list(arena, node))?;
        let mut scale = ManagedState::default();
        for (key, owned) in parent.managers.iter() {
            let Some(Some(path)) = self.paths.get(&owned.api_version) else { continue };
            if owned.set.contains(path) {
                let set = of(&replicas());
                let api_version = SCALE_VERSION.to_owned();
                let owned = VersionedSet { set, api_version, applied: owned.applied };
                keep(&mut scale, &parent, key, owned);
            }
        }
        encode(&scale, arena)
    }

    /// The entries of the object after a request to its `Scale`, as JSON; none if nobody owns
    /// anything.
    ///
    /// Who owned the replicas and does not own them in the `Scale` any more loses them. An updater
    /// is never found again there, since its identity has the version in it: it loses them, and
    /// gets them back in an entry of its own. Owners that are new have no time. Entries at versions
    /// that are not mapped are dropped.
    ///
    /// # Errors
    /// Entries of either that cannot be read; a request version without replicas.
    pub fn to_parent(&self, parent: &Value, scale: &Value) -> Result<Option<String>, ScaleError> {
        let (arena, node) = parent.parts();
        let parent = ManagedState::decode(arena, &read_list(arena, node))?;
        let (scale_arena, scale_node) = scale.parts();
        let mut scale = ManagedState::decode(scale_arena, &read_list(scale_arena, scale_node))?;
        let mut after = ManagedState::default();
        for (key, owned) in parent.managers.iter() {
            let Some(path) = self.paths.get(&owned.api_version) else { continue };
            let mut owned = owned.clone();
            if let Some(path) = path
                && owned.set.contains(path)
                && scale.managers.remove(key).is_none()
            {
                owned.set = owned.set.difference(&of(path));
                if owned.set.is_empty() {
                    continue;
                }
            }
            keep(&mut after, &parent, key, owned);
        }
        for (key, owned) in scale.managers.iter() {
            if !owned.set.contains(&replicas()) {
                continue;
            }
            let path = self.path()?;
            let owned = VersionedSet {
                set: of(path),
                api_version: self.api_version.clone(),
                applied: owned.applied,
            };
            if let Some(identifier) = scale.identifier(key) {
                let key = after.name(identifier.clone());
                after.set_time(&key, parent.time(&key));
                after.managers.0.insert(key, owned);
            }
        }
        encode(&after, arena)
    }
}

fn replicas() -> Path {
    ScaleMapping::replicas_path("spec.replicas")
}

fn of(path: &Path) -> FieldSet {
    [path.clone()].into_iter().collect()
}

/// Gives a manager of `from` these fields in `to`, with its time.
fn keep(to: &mut ManagedState, from: &ManagedState, key: &str, owned: VersionedSet) {
    let Some(identifier) = from.identifier(key) else { return };
    let key = to.name(identifier.clone());
    to.set_time(&key, from.time(&key));
    to.managers.0.insert(key, owned);
}

fn encode(state: &ManagedState, arena: &Arena<'static>) -> Result<Option<String>, ScaleError> {
    let mut list = String::new();
    state.encode(arena, &mut list).map_err(|error| ScaleError::Decode(error.to_string()))?;
    Ok((!list.is_empty()).then_some(list))
}
