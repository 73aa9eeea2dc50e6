//! The two operations on an object and its managers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::deep;
use crate::fieldpath::{FieldSet, Filter};
use crate::schema::Type;
use crate::typed::{
    self, Comparison, Overlay, ReconcileError, ValidationErrors, Validity, compare, overlay,
    to_field_set,
};
use crate::value::{Arena, Node};

use super::conflict::Conflicts;
use super::converter::ConvertError;
use super::managers::{Managers, VersionedSet};
use super::prune::{self, PruneError, Stays};

/// Why an operation was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdaterError {
    /// Other managers own fields that the apply would change.
    #[error("{0}")]
    Conflicts(Conflicts),
    /// The objects before and after could not be compared.
    #[error("failed to compare objects: {0}")]
    Compare(ValidationErrors),
    /// The configuration could not be merged.
    #[error("failed to merge config: {0}")]
    Merge(ValidationErrors),
    /// What the configuration claims could not be told.
    #[error("failed to get field set: {0}")]
    FieldSet(ValidationErrors),
    /// What the manager no longer applies could not be removed.
    #[error("failed to prune fields: {0}")]
    Prune(PruneError),
    /// The object before could not be converted to a manager's version.
    #[error("failed to convert old object: {0}")]
    ConvertOld(ConvertError),
    /// The object after could not be converted to a manager's version.
    #[error("failed to convert new object: {0}")]
    ConvertNew(ConvertError),
    /// The live object could not be converted to a manager's version.
    #[error("{0}")]
    Convert(ConvertError),
    /// A manager's set could not be held against the schema.
    #[error("{0}")]
    Reconcile(ReconcileError),
    /// Fields can be ignored by sets or by filters, not by both.
    #[error("IgnoreFilter and IgnoreFilter may not both be set")]
    BothFilters,
    /// The objects do not belong together, or are too large together.
    #[error("{0}")]
    Objects(String),
}

/// An object of the operation's arena.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) node: Node,
    pub(crate) ty: Type,
    pub(crate) validity: Validity,
}

impl Object {
    fn is_valid(&self) -> bool {
        self.validity >= Validity::Repeating
    }

    pub(crate) fn with_node(&self, node: Node) -> Object {
        Object { node, ty: self.ty.clone(), validity: Validity::Unknown }
    }
}

/// Conversion of objects that live in the operation's arena.
pub(crate) trait Conversion<'t>: Sync {
    fn convert(
        &self,
        arena: &mut Arena<'t>,
        object: &Object,
        version: &str,
    ) -> Result<Object, ConvertError>;

    /// Whether every object in play is already what `convert` would make of it.
    fn keeps_objects(&self) -> bool;
}

/// The fields that are not tracked, by API version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    pub(crate) fields: Option<BTreeMap<String, FieldSet>>,
    pub(crate) filters: Option<BTreeMap<String, Filter>>,
}

impl Filters {
    fn check(&self) -> Result<(), UpdaterError> {
        if self.fields.is_some() && self.filters.is_some() {
            return Err(UpdaterError::BothFilters);
        }
        Ok(())
    }

    fn is_none(&self) -> bool {
        self.fields.is_none() && self.filters.is_none()
    }

    fn set(&self, version: &str, set: FieldSet) -> FieldSet {
        if let Some(ignored) = self.fields.as_ref().and_then(|fields| fields.get(version)) {
            return set.recursive_difference(ignored);
        }
        match self.filters.as_ref().and_then(|filters| filters.get(version)) {
            Some(filter) => filter.apply(&set),
            None => set,
        }
    }

    fn comparison(&self, version: &str, comparison: Comparison) -> Comparison {
        if let Some(ignored) = self.fields.as_ref().and_then(|fields| fields.get(version)) {
            return comparison.exclude_fields(ignored);
        }
        match self.filters.as_ref().and_then(|filters| filters.get(version)) {
            Some(filter) => comparison.filter_fields(filter),
            None => comparison,
        }
    }
}

/// Who applies.
#[derive(Clone, Copy)]
pub(crate) struct Applier<'a> {
    pub(crate) manager: &'a str,
    /// The API version of both objects.
    pub(crate) version: &'a str,
    pub(crate) force: bool,
}

/// A configuration merged into an object.
struct Merged {
    node: Node,
    /// The fields that the configuration claims.
    fields: FieldSet,
    /// Whether the sets alone tell that nothing is to be pruned; see [`prune::prune`].
    simple: bool,
    /// How the object changed, if that is known already, and whether items have moved.
    known: Option<(Comparison, bool)>,
}

/// What an apply came to.
pub(crate) struct AppliedObject {
    /// The new object; none when nothing in it changed.
    pub(crate) object: Option<Object>,
    pub(crate) managers: Managers,
    /// What the apply changed in the object, at its own version.
    pub(crate) comparison: Comparison,
}

/// What an update came to.
pub(crate) struct UpdatedObject {
    pub(crate) managers: Managers,
}

/// One operation on objects of one arena.
pub(crate) struct Engine<'e, 't> {
    pub(crate) arena: &'e mut Arena<'t>,
    pub(crate) conversion: &'e dyn Conversion<'t>,
    pub(crate) filters: &'e Filters,
    pub(crate) return_input_on_noop: bool,
}

impl<'t> Engine<'_, 't> {
    pub(super) fn convert(
        &mut self,
        object: &Object,
        version: &str,
    ) -> Result<Object, ConvertError> {
        self.conversion.convert(self.arena, object, version)
    }

    pub(super) fn keeps_objects(&self) -> bool {
        self.conversion.keeps_objects()
    }

    /// Mends every manager's set after schema changes; drops managers of missing versions.
    ///
    /// The set of the manager that is `right`, if any, is known to need none.
    fn reconcile(
        &mut self,
        live: &Object,
        managers: &Managers,
        right: Option<&str>,
    ) -> Result<Managers, UpdaterError> {
        let mut out = Managers::new();
        // The type at each version; none where it is missing.
        let mut types: BTreeMap<&str, Option<Type>> = BTreeMap::new();
        for (name, owned) in &managers.0 {
            let ty = match types.entry(&owned.api_version) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    unknown.insert(match self.convert(live, &owned.api_version) {
                        Ok(live) => Some(live.ty),
                        Err(ConvertError::MissingVersion(_)) => None,
                        Err(error) => return Err(UpdaterError::Convert(error)),
                    })
                }
            };
            let Some(ty) = ty else { continue };
            let mut owned = owned.clone();
            if right != Some(&**name) {
                let mended = ty.reconcile_field_set(&owned.set).map_err(UpdaterError::Reconcile)?;
                owned.set = mended.unwrap_or(owned.set);
            }
            out.0.insert(Arc::clone(name), owned);
        }
        Ok(out)
    }

    fn compare(&self, old: &Object, new: &Object) -> Result<Comparison, ValidationErrors> {
        let ty = &old.ty;
        typed::check_same_type(ty, &new.ty)?;
        compare(self.arena, old.node, new.node, &ty.schema, ty.id, old.is_valid())
    }

    /// What the change from `old` to `new` takes from every manager but `workflow`.
    fn update_managers(
        &mut self,
        (old, new, comparison): (&Object, &Object, Comparison),
        version: &str,
        mut managers: Managers,
        workflow: &str,
        force: bool,
    ) -> Result<(Managers, Comparison), UpdaterError> {
        self.filters.check()?;
        let comparison = self.filters.comparison(version, comparison);
        // At other versions than the request's.
        let mut comparisons: BTreeMap<String, Comparison> = BTreeMap::new();
        let mut conflicts: Vec<(String, FieldSet)> = Vec::new();
        let mut removed: Vec<(String, FieldSet)> = Vec::new();
        let mut missing: Vec<String> = Vec::new();
        for (name, owned) in managers.iter() {
            if name == workflow {
                continue;
            }
            let is_own = owned.api_version == version;
            if !is_own && !comparisons.contains_key(&owned.api_version) {
                match self.compare_at(old, new, &owned.api_version)? {
                    Some(compared) => {
                        let compared = self.filters.comparison(&owned.api_version, compared);
                        comparisons.insert(owned.api_version.clone(), compared);
                    }
                    None => {
                        missing.push(name.to_owned());
                        continue;
                    }
                }
            }
            let compared =
                if is_own { Some(&comparison) } else { comparisons.get(&owned.api_version) };
            let Some(compared) = compared else { continue };
            if !compared.modified.is_empty() || !compared.added.is_empty() {
                let hit = owned.set.intersection(&compared.modified.union(&compared.added));
                if !hit.is_empty() {
                    conflicts.push((name.to_owned(), hit));
                }
            }
            if !compared.removed.is_empty() {
                removed.push((name.to_owned(), compared.removed.clone()));
            }
        }
        if !force && !conflicts.is_empty() {
            return Err(UpdaterError::Conflicts(Conflicts::new(conflicts)));
        }
        for name in missing {
            managers.remove(&name);
        }
        for (name, lost) in conflicts.into_iter().chain(removed) {
            if let Some(owned) = managers.0.get_mut(name.as_str()) {
                owned.set = owned.set.difference(&lost);
            }
        }
        managers.0.retain(|_, owned| !owned.set.is_empty());
        Ok((managers, comparison))
    }

    /// The comparison at another version; none when that version is missing.
    fn compare_at(
        &mut self,
        old: &Object,
        new: &Object,
        version: &str,
    ) -> Result<Option<Comparison>, UpdaterError> {
        self.arena.read_all();
        let old = match self.convert(old, version) {
            Ok(old) => old,
            Err(ConvertError::MissingVersion(_)) => return Ok(None),
            Err(error) => return Err(UpdaterError::ConvertOld(error)),
        };
        let new = match self.convert(new, version) {
            Ok(new) => new,
            Err(ConvertError::MissingVersion(_)) => return Ok(None),
            Err(error) => return Err(UpdaterError::ConvertNew(error)),
        };
        self.compare(&old, &new).map(Some).map_err(UpdaterError::Compare)
    }

    /// Records a change that a manager made by writing the whole object. Never conflicts: what the
    /// manager changed or added is its own afterwards.
    pub(crate) fn update(
        &mut self,
        live: &Object,
        new: &Object,
        version: &str,
        managers: &Managers,
        manager: &str,
    ) -> Result<UpdatedObject, UpdaterError> {
        let managers = self.reconcile(live, managers, None)?;
        let comparison = self.compare(live, new).map_err(UpdaterError::Compare)?;
        let (mut managers, comparison) =
            self.update_managers((live, new, comparison), version, managers, manager, true)?;
        let owned = managers.remove(manager).unwrap_or_default();
        let set = owned
            .set
            .difference(&comparison.removed)
            .union(&comparison.modified)
            .union(&comparison.added);
        let set = self.filters.set(version, set);
        if !set.is_empty() {
            let api_version = version.to_owned();
            managers.insert(manager, VersionedSet { set, api_version, applied: false });
        }
        Ok(UpdatedObject { managers })
    }

    /// Merges and tells the fields of a configuration in walks of their own.
    fn merge(&mut self, live: &Object, config: &Object) -> Result<Merged, UpdaterError> {
        self.arena.read_all();
        let ty = &live.ty;
        typed::check_same_type(ty, &config.ty).map_err(UpdaterError::Merge)?;
        let trusted = live.is_valid()
            && config.validity == Validity::Strict
            && !self.arena.has_long_numbers();
        let merged = typed::merge(self.arena, live.node, config.node, &ty.schema, ty.id, trusted)
            .map_err(UpdaterError::Merge)?;
        let fields = to_field_set(self.arena, config.node, &config.ty.schema, config.ty.id)
            .map_err(UpdaterError::FieldSet)?;
        Ok(Merged {
            node: merged.node,
            simple: trusted && !merged.keeps_unstated && !fields.bare_items,
            fields: fields.set,
            known: None,
        })
    }

    /// Lays a configuration, of which nothing need be known, over a valid live object, if that is
    /// as plain as most are.
    pub(crate) fn overlay(&mut self, live: &Object, config: &Object) -> Option<Overlay> {
        let may_be = live.is_valid() && live.ty == config.ty;
        may_be.then(|| overlay(self.arena, live.node, config.node, &live.ty.schema, live.ty.id))?
    }

    /// Merges a configuration into the live object on behalf of a manager: takes what it states,
    /// drops what the manager stated last time and no longer does, and refuses to change what
    /// others own unless forced.
    pub(crate) fn apply(
        &mut self,
        live: &Object,
        config: &Object,
        managers: &Managers,
        applier: Applier<'_>,
        overlay: Option<Overlay>,
    ) -> Result<AppliedObject, UpdaterError> {
        let Applier { manager, version, .. } = applier;
        // What the configuration claims is as the schema has it, and so is a part of it.
        let repeats = match (&overlay, managers.get(manager)) {
            (Some(overlay), Some(last)) => {
                self.keeps_objects()
                    && last.api_version == version
                    && last.set.is_subset(&overlay.fields)
            }
            _ => false,
        };
        let mut managers = self.reconcile(live, managers, repeats.then_some(manager))?;
        let Merged { node: merged, fields, simple, known } = match overlay {
            Some(overlay) => Merged {
                node: overlay.node,
                fields: overlay.fields,
                simple: !overlay.bare_items && !overlay.keeps_unstated,
                known: Some((overlay.comparison, overlay.is_reordered)),
            },
            None => self.merge(live, config)?,
        };
        let merged = live.with_node(merged);
        let (writer, last) = match managers.0.remove_entry(manager) {
            Some((writer, last)) => (writer, Some(last)),
            None => (manager.into(), None),
        };
        self.filters.check()?;
        let is_filtered = !self.filters.is_none();
        let stated = if is_filtered { fields.len() } else { 0 };
        let set = self.filters.set(version, fields);
        // A filter that leaves the configuration alone is as good as none here.
        let is_whole = !is_filtered || set.len() == stated;
        let api_version = version.to_owned();
        managers.0.insert(writer, VersionedSet { set, api_version, applied: true });
        let stays = Stays { is_simple: simple && is_whole, is_subset: repeats && is_whole };
        let merged_node = merged.node;
        let pruned = match last {
            Some(last) if !last.set.is_empty() => {
                prune::prune(self, merged, &managers, manager, &last, stays)
                    .map_err(UpdaterError::Prune)?
            }
            _ => merged,
        };
        let known = known.filter(|_| pruned.node.is_same(merged_node));
        let is_same = match &known {
            Some((comparison, false)) => Some(comparison.is_same()),
            _ => None,
        };
        let comparison = match known {
            Some((comparison, _)) => comparison,
            None => {
                self.arena.read_all();
                self.compare(live, &pruned).map_err(UpdaterError::Compare)?
            }
        };
        let change = (live, &pruned, comparison);
        let (managers, comparison) =
            self.update_managers(change, version, managers, manager, applier.force)?;
        let arena: &Arena<'_> = self.arena;
        let unchanged = !self.return_input_on_noop
            && is_same.unwrap_or_else(|| {
                deep::with_stack(arena.depth(), || arena.equal(live.node, pruned.node))
            });
        let object = (!unchanged).then_some(pruned);
        Ok(AppliedObject { object, managers, comparison })
    }
}
