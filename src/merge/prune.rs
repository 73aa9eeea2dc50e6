//! Removing what a manager applied last time and no longer applies.

use std::collections::BTreeMap;
use std::iter;

use crate::fieldpath::FieldSet;
use crate::typed::{ValidationErrors, remove_items, to_field_set};
use crate::value::Tag;

use super::converter::ConvertError;
use super::core::{Engine, Object};
use super::managers::{Managers, VersionedSet};

/// Why pruning failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// The merged object is not to be had at the version of the manager's last apply.
    #[error("failed to convert merged object to last applied version: {0}")]
    LastApplied(ConvertError),
    /// What others own could not be put back.
    #[error("failed add back owned items: {0}")]
    Owned(#[source] AddBackError),
    /// What nobody owns could not be put back.
    #[error("failed add back dangling items: {0}")]
    Dangling(#[source] AddBackError),
    /// The result is not to be had at the version of this apply.
    #[error("{0}")]
    Result(ConvertError),
}

/// Why items could not be put back.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AddBackError {
    /// A conversion failed.
    #[error("failed to convert {object} object {at}: {error}")]
    Convert {
        /// `merged` or `pruned`.
        object: &'static str,
        /// Where to.
        at: String,
        /// Why.
        error: ConvertError,
    },
    /// The fields of an object could not be told.
    #[error("failed to create field set from {object} object {at}: {error}")]
    FieldSet {
        /// `merged` or `pruned`.
        object: &'static str,
        /// At which version.
        at: String,
        /// Why.
        error: ValidationErrors,
    },
}

/// What is known of whether anything is pruned at all.
#[derive(Clone, Copy)]
pub(super) struct Stays {
    /// Both sides of the merge were valid, nothing of the configuration is filtered, every item which
    /// the configuration names also claims a field inside itself, no map of the live object outlasted
    /// an empty one of the configuration, and no item outlasted it that may be taken for one of the
    /// configuration's once a key of it is pruned; then dropping nothing can be seen from the sets
    /// alone.
    pub(super) is_simple: bool,
    /// What the manager owned it owns still. May be false though it is so.
    pub(super) is_subset: bool,
}

/// The merged object without what `last` owned and nobody owns now.
pub(super) fn prune(
    engine: &mut Engine<'_, '_>,
    merged: Object,
    managers: &Managers,
    manager: &str,
    last: &VersionedSet,
    stays: Stays,
) -> Result<Object, PruneError> {
    let new = managers.get(manager);
    if let (true, Some(new)) = (stays.is_simple, new)
        && engine.keeps_objects()
        && merged.node.tag() == Tag::Map
        && merged.node.count() > 0
        && merged.ty.is_granular_map()
        && last.api_version == new.api_version
        && (stays.is_subset || last.set.is_subset(&new.set))
        && managers.iter().all(|(_, owned)| owned.api_version == new.api_version)
    {
        return Ok(merged);
    }
    engine.arena.read_all();
    let version = last.api_version.as_str();
    let at_last = match engine.convert(&merged, version) {
        Ok(object) => object,
        Err(ConvertError::MissingVersion(_)) => return Ok(merged),
        Err(error) => return Err(PruneError::LastApplied(error)),
    };
    let last_set = at_last.ty.ensure_named_fields_are_members(&last.set);
    let pruned = remove(engine, &at_last, &last_set);
    let pruned =
        add_back_owned(engine, &at_last, pruned, managers, version).map_err(PruneError::Owned)?;
    let pruned = add_back_dangling(engine, &at_last, pruned, &last_set, version)
        .map_err(PruneError::Dangling)?;
    let wanted = new.map(|new| new.api_version.clone()).unwrap_or_default();
    engine.convert(&pruned, &wanted).map_err(PruneError::Result)
}

fn remove(engine: &mut Engine<'_, '_>, object: &Object, set: &FieldSet) -> Object {
    let ty = &object.ty;
    let node = remove_items(engine.arena, object.node, &ty.schema, ty.id, set);
    object.with_node(node)
}

fn fields(
    engine: &Engine<'_, '_>,
    object: &Object,
    name: &'static str,
    at: &str,
) -> Result<FieldSet, AddBackError> {
    let ty = &object.ty;
    to_field_set(engine.arena, object.node, &ty.schema, ty.id)
        .map(|fields| fields.set)
        .map_err(|error| AddBackError::FieldSet { object: name, at: at.to_owned(), error })
}

/// Puts back what any manager owns now, version by version: the version of the last apply first,
/// since the pruned object may lack what a conversion from another version needs.
fn add_back_owned(
    engine: &mut Engine<'_, '_>,
    merged: &Object,
    pruned: Object,
    managers: &Managers,
    first: &str,
) -> Result<Object, AddBackError> {
    let mut owned: BTreeMap<&str, FieldSet> = BTreeMap::new();
    for (_, entry) in managers.iter() {
        let set = owned.entry(entry.api_version.as_str()).or_default();
        *set = set.union(&entry.set);
    }
    let others = owned.keys().copied().filter(|version| *version != first);
    let order = iter::once(first).chain(others);
    let (mut merged, mut pruned) = (merged.clone(), pruned);
    for version in order {
        let Some(owned) = owned.get(version) else { continue };
        let at = format!("at version {version}");
        let failed = |object, error| AddBackError::Convert { object, at: at.clone(), error };
        match engine.convert(&merged, version) {
            Ok(converted) => merged = converted,
            Err(ConvertError::MissingVersion(_)) => continue,
            Err(error) => return Err(failed("merged", error)),
        }
        match engine.convert(&pruned, version) {
            Ok(converted) => pruned = converted,
            Err(ConvertError::MissingVersion(_)) => continue,
            Err(error) => return Err(failed("pruned", error)),
        }
        let ty = merged.ty.clone();
        let in_merged = fields(engine, &merged, "merged", &at)?;
        let in_pruned = fields(engine, &pruned, "pruned", &at)?;
        let kept = pruned
            .ty
            .ensure_named_fields_are_members(&in_pruned)
            .union(&ty.ensure_named_fields_are_members(owned));
        let gone = ty.ensure_named_fields_are_members(&in_merged).difference(&kept);
        pruned = remove(engine, &merged, &gone);
    }
    Ok(pruned)
}

/// Puts back what nobody owns and the manager did not own either: removes from the merged object
/// only what the manager's last apply leads to.
fn add_back_dangling(
    engine: &mut Engine<'_, '_>,
    merged: &Object,
    pruned: Object,
    last_set: &FieldSet,
    version: &str,
) -> Result<Object, AddBackError> {
    let pruned = match engine.convert(&pruned, version) {
        Ok(pruned) => pruned,
        Err(ConvertError::MissingVersion(_)) => return Ok(merged.clone()),
        Err(error) => {
            let at = "to last applied version".to_owned();
            return Err(AddBackError::Convert { object: "pruned", at, error });
        }
    };
    let at = "in last applied version".to_owned();
    let in_pruned = fields(engine, &pruned, "pruned", &at)?;
    let in_merged = fields(engine, merged, "merged", &at)?;
    let in_pruned = pruned.ty.ensure_named_fields_are_members(&in_pruned);
    let in_merged = merged.ty.ensure_named_fields_are_members(&in_merged);
    let gone = in_merged.difference(&in_pruned).intersection(last_set);
    Ok(remove(engine, merged, &gone))
}
