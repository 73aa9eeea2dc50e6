//! Server-side apply.

use std::fmt;
use std::sync::OnceLock;

use crate::fieldpath::FieldSet;
use crate::managedfields::{
    ManagedFieldsEntry, ManagedState, ManagerIdentifier, ReadSets, Time, read_list,
};
use crate::merge::Managers;
use crate::value::{Arena, Node, Value};

use super::FieldManager;
use super::chain::{Chain, Merged, Stopped};
use super::conflict::Conflicts;
use super::document::Document;
use super::error::{ApplyError, UpdateError, encode_failed};
use super::manager_name::check_manager_name;
use super::reset_fields::ResetFields;
use super::{object, storage, version_check};

/// A server-side apply, to be run.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is run"]
pub struct ApplyRequest<'s, 'a> {
    manager: FieldManager<'s>,
    live: Document<'a>,
    config: Document<'a>,
    field_manager: String,
    subresource: String,
    api_version: Option<String>,
    reset_fields: ResetFields,
    force: bool,
    at: Time,
}

/// What an apply came to.
#[derive(Clone)]
pub struct Applied {
    object: String,
    changed: bool,
    state: ManagedState,
    managed_fields: OnceLock<Vec<ManagedFieldsEntry>>,
    pruned: FieldSet,
    taken_from: Vec<(ManagerIdentifier, FieldSet)>,
}

impl Applied {
    /// The new object as JSON, entries included. Parts that did not change keep their spelling; an
    /// apply that changes nothing at all returns the live object's own text.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The new object, parsed.
    pub fn to_value(&self) -> Value {
        Value::from_json(&self.object).unwrap_or_else(|_| Value::null())
    }

    /// Whether anything but the entries changed.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// The entries of the new object.
    pub fn managed_fields(&self) -> &[ManagedFieldsEntry] {
        self.managed_fields.get_or_init(|| self.state.entries())
    }

    /// The fields that the apply removed from the object.
    pub fn pruned(&self) -> &FieldSet {
        &self.pruned
    }

    /// What other managers owned and do not own any more, by manager.
    pub fn taken_from(&self) -> &[(ManagerIdentifier, FieldSet)] {
        &self.taken_from
    }
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applied")
            .field("object", &self.object)
            .field("changed", &self.changed)
            .field("managed_fields", &self.managed_fields())
            .field("pruned", &self.pruned)
            .field("taken_from", &self.taken_from)
            .finish()
    }
}

/// What those who find out what an apply would do look at and change.
#[cfg(feature = "analysis")]
impl<'s, 'a> ApplyRequest<'s, 'a> {
    /// The types of the objects.
    pub(crate) fn schemas(&self) -> &'s crate::schema::Schemas {
        self.manager.schemas
    }

    /// The object before.
    pub(crate) fn live(&self) -> &Document<'a> {
        &self.live
    }

    /// The configuration.
    pub(crate) fn config(&self) -> &Document<'a> {
        &self.config
    }

    /// The same with another configuration.
    pub(crate) fn with_config<'b>(&self, config: Document<'b>) -> ApplyRequest<'s, 'b>
    where
        'a: 'b,
    {
        let request: ApplyRequest<'s, 'b> = self.clone();
        ApplyRequest { config, ..request }
    }

    /// The same without all that the server does to an object after it was merged.
    pub(crate) fn merged_only(self) -> Self {
        let manager = FieldManager { defaulter: None, stores: false, ..self.manager };
        ApplyRequest { manager, ..self }
    }
}

impl<'s, 'a> ApplyRequest<'s, 'a> {
    pub(super) fn new(
        manager: FieldManager<'s>,
        live: Document<'a>,
        config: Document<'a>,
    ) -> ApplyRequest<'s, 'a> {
        ApplyRequest {
            manager,
            live,
            config,
            field_manager: String::new(),
            subresource: String::new(),
            api_version: None,
            reset_fields: ResetFields::default(),
            force: false,
            at: Time::UNIX_EPOCH,
        }
    }

    /// Who applies. Required.
    pub fn field_manager(mut self, name: impl Into<String>) -> Self {
        self.field_manager = name.into();
        self
    }

    /// The subresource that is applied to; the object itself if never said.
    pub fn subresource(mut self, name: impl Into<String>) -> Self {
        self.subresource = name.into();
        self
    }

    /// Whether to take fields that others own.
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// The API version that the request goes to, an `apiVersion`; if never said, that of the live
    /// object or, where a converter knows it, that of the object that is sent.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = Some(version.into());
        self
    }

    /// What the endpoint resets; if never said, what it resets in Kubernetes' own kinds.
    pub fn reset_fields(mut self, reset_fields: ResetFields) -> Self {
        self.reset_fields = reset_fields;
        self
    }

    /// When; the epoch if never said.
    pub fn at(mut self, time: Time) -> Self {
        self.at = time;
        self
    }

    /// Runs the apply.
    ///
    /// Linear in the bytes of both documents.
    ///
    /// # Errors
    /// [`ApplyError::Conflict`] unless forced; documents that are not JSON or not of their type.
    pub fn run(self) -> Result<Applied, ApplyError> {
        let merged = self.merge()?;
        Ok(match merged {
            Outcome::Changed(applied) => applied,
            Outcome::Unchanged { arena, live, state } => Applied {
                object: arena.detach(live),
                changed: false,
                state,
                managed_fields: OnceLock::new(),
                pruned: FieldSet::new(),
                taken_from: Vec::new(),
            },
        })
    }

    /// As [`run`](Self::run), with none where the apply changes nothing at all, not even an entry: then
    /// not a byte of the live object is copied.
    ///
    /// ```
    /// use managed_fields::fieldmanager::{Document, FieldManager};
    /// use managed_fields::schema::Schemas;
    ///
    /// let schemas = Schemas::deduced();
    /// let fm = FieldManager::new(&schemas);
    /// let config = r#"{"apiVersion":"example.com/v1","kind":"Lamp","spec":{"on":true}}"#;
    /// let created = fm.apply(Document::absent(), config).field_manager("ann").run()?;
    /// let again = fm.apply(created.object(), config).field_manager("ann");
    /// assert!(again.run_if_changed()?.is_none());
    /// # Ok::<(), managed_fields::ApplyError>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_if_changed(self) -> Result<Option<Applied>, ApplyError> {
        Ok(match self.merge()? {
            Outcome::Changed(applied) => Some(applied),
            Outcome::Unchanged { .. } => None,
        })
    }

    fn merge(self) -> Result<Outcome<'a>, ApplyError> {
        if self.field_manager.is_empty() {
            return Err(ApplyError::NoFieldManager);
        }
        check_manager_name(&self.field_manager).map_err(ApplyError::ManagerName)?;
        let mut arena = self.live.arena_for(&self.config);
        let mut sets = ReadSets::default();
        // Who converts or fills in objects sees them whole.
        let sees_all = self.manager.converter.has_versions() || self.manager.defaulter.is_some();
        let live = match sees_all {
            true => self.live.parse(&mut arena),
            false => self.live.parse_and_read(&mut arena, &mut sets),
        };
        let live = live.map_err(ApplyError::Live)?;
        let config = self.config.parse(&mut arena).map_err(ApplyError::Config)?;
        let config = config.unwrap_or(Node::NULL);
        let is_create = live.is_none();
        let live = match live {
            Some(live) => live,
            None => {
                let kind = object::kind_of(&arena, config);
                object::empty_object(&mut arena, &kind).map_err(ApplyError::Config)?
            }
        };
        let endpoint = self.manager.endpoint(&arena, live, config, self.api_version.as_deref());
        let version = endpoint.api_version();
        let resets = self.reset_fields.at(&endpoint, &version, &self.subresource);
        let chain = Chain {
            schemas: self.manager.schemas,
            converter: self.manager.converter,
            defaulter: self.manager.defaulter,
            stores: self.manager.stores,
            filters: &resets.filters,
            endpoint: &endpoint,
            version: &version,
            subresource: &self.subresource,
            field_manager: &self.field_manager,
            at: self.at,
        };
        let state = ManagedState::decode_with(&arena, &read_list(&arena, live), &sets)?;
        if !state.has_managers() {
            arena.read_all();
        }
        version_check::check(&chain, &arena, config)?;
        let live = chain.at_endpoint(&mut arena, live).map_err(|error| {
            let object = object::describe(&arena, live);
            if state.has_managers() {
                return ApplyError::ConvertLive { object, error };
            }
            // An untracked object is met first as what was written before.
            let version = version.clone();
            ApplyError::ExistingFields(Box::new(UpdateError::ConvertNew { object, version, error }))
        })?;
        let merged = match chain.apply(&mut arena, live, config, state, self.force) {
            Ok(merged) => merged,
            Err(Stopped::Error(error)) => return Err(error),
            Err(Stopped::Conflicts(found, state)) => {
                arena.read_all();
                let about = |key: &str| {
                    let identifier = state.identifier(key)?.clone();
                    Some((identifier, state.time(key)))
                };
                return Err(ApplyError::Conflict(Conflicts::new(
                    &found,
                    about,
                    &object::owned(&arena, live),
                    &object::owned(&arena, config),
                )));
            }
        };
        let Merged { mut object, state, writer, comparison, before } = merged;
        let mut is_set_back = false;
        if self.manager.stores {
            storage::check_preconditions(&arena, live, config).map_err(ApplyError::Stale)?;
            if let Some(merged) = object {
                let stored = resets.set_back(&mut arena, (!is_create).then_some(live), merged);
                is_set_back = !stored.is_same(merged);
                let is_live =
                    is_set_back && storage::differs_in_entries_only(&mut arena, live, stored);
                object = (!is_live).then_some(stored);
            }
        }
        // What was merged differs; only what was done to it afterwards may take that back.
        let is_filled_in = self.manager.defaulter.is_some() && object.is_some();
        let may_be_stored = self.manager.stores && (is_filled_in || is_set_back);
        let mut list = String::new();
        let same_list = state
            .encode(&arena, &mut list)
            .map_err(|error| ApplyError::Encode(encode_failed(&error)))?;
        let node = if object.is_none() && same_list {
            if !is_create && comparison.removed.is_empty() {
                return Ok(Outcome::Unchanged { arena, live, state });
            }
            live
        } else {
            let node = object.unwrap_or(live);
            let with_list = match (list.is_empty(), may_be_stored) {
                (true, _) => object::with_managed_fields(&mut arena, node, None),
                (false, true) => object::with_managed_fields(&mut arena, node, Some(list)),
                (false, false) => object::with_written_list(&mut arena, node, list),
            };
            with_list.map_err(ApplyError::Config)?
        };
        let is_stored_already =
            may_be_stored && storage::differs_in_times_only(&mut arena, live, node);
        if is_stored_already {
            let state = ManagedState::decode(&arena, &read_list(&arena, live))?;
            return Ok(Outcome::Unchanged { arena, live, state });
        }
        Ok(Outcome::Changed(Applied {
            object: arena.detach(node),
            changed: object.is_some(),
            pruned: comparison.removed,
            taken_from: taken(&state, &before, &writer),
            state,
            managed_fields: OnceLock::new(),
        }))
    }
}

/// What an apply came to, before the object of one that changes nothing is copied.
enum Outcome<'a> {
    Changed(Applied),
    Unchanged { arena: Arena<'a>, live: Node, state: ManagedState },
}

/// What every manager but the acting one has lost.
fn taken(
    state: &ManagedState,
    before: &Managers,
    acting: &str,
) -> Vec<(ManagerIdentifier, FieldSet)> {
    let mut taken = Vec::new();
    for (key, owned) in before.iter() {
        let lost = match state.managers.get(key) {
            _ if key == acting => continue,
            Some(now) if now.set == owned.set => continue,
            Some(now) => owned.set.difference(&now.set),
            None => owned.set.clone(),
        };
        if let (false, Some(identifier)) = (lost.is_empty(), state.identifier(key)) {
            taken.push((identifier.clone(), lost));
        }
    }
    taken
}
