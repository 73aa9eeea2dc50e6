//! The scale subresource: who owns the replicas of an object, seen from its `Scale`.

use std::collections::BTreeMap;

use crate::fieldpath::{FieldSet, Path, PathElement};
use crate::managedfields::{DecodeError, ManagedState, read_list};
use crate::merge::VersionedSet;
use crate::value::{Arena, Value};

/// The version of a `Scale`.
const SCALE_VERSION: &str = "autoscaling/v1";

/// Entries that cannot be mapped between an object and its `Scale`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScaleError {
    /// The entries of an object or of its `Scale` cannot be read.
    #[error("failed to decode managed fields: {0}")]
    Decode(String),
    /// The object's version has no field for the replicas.
    #[error("no replicas path for version {0}")]
    NoReplicas(String),
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
/// let entries = mapping.to_scale(&parent)?.unwrap();
/// assert!(entries.contains(r#""fieldsV1":{"f:spec":{"f:replicas":{}}}"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScaleMapping {
    api_version: String,
    paths: BTreeMap<String, Option<Path>>,
}

impl ScaleMapping {
    /// For requests at `api_version`: the field of the replicas at every version that the kind ever
    /// had, none at versions without a scale subresource.
    pub fn new(
        api_version: impl Into<String>,
        paths: impl IntoIterator<Item = (String, Option<Path>)>,
    ) -> ScaleMapping {
        ScaleMapping { api_version: api_version.into(), paths: paths.into_iter().collect() }
    }

    /// For a kind whose replicas are at `.spec.replicas` in all of these versions, as Deployments,
    /// ReplicaSets, StatefulSets and ReplicationControllers have them.
    pub fn of_workload(
        api_version: impl Into<String>,
        versions: impl IntoIterator<Item = impl Into<String>>,
    ) -> ScaleMapping {
        let paths = versions.into_iter().map(|version| (version.into(), Some(replicas())));
        ScaleMapping::new(api_version, paths)
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
            let path = self.paths.get(&self.api_version).and_then(Option::as_ref);
            let path = path.ok_or_else(|| ScaleError::NoReplicas(self.api_version.clone()))?;
            let owned = VersionedSet {
                set: of(path),
                api_version: self.api_version.clone(),
                applied: owned.applied,
            };
            if let Some(identifier) = scale.identifier(key) {
                let key = after.name(identifier.clone());
                if let Some(time) = parent.times.get(&key) {
                    after.times.insert(key.clone(), *time);
                }
                after.managers.insert(key, owned);
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
    if let Some(time) = from.times.get(&key) {
        to.times.insert(key.clone(), *time);
    }
    to.managers.insert(key, owned);
}

fn encode(state: &ManagedState, arena: &Arena<'static>) -> Result<Option<String>, ScaleError> {
    let mut list = String::new();
    state.encode(arena, &mut list).map_err(|error| ScaleError::Decode(error.to_string()))?;
    Ok((!list.is_empty()).then_some(list))
}
