//! Server-side apply.

use jiff::Timestamp;

use crate::fieldpath::FieldSet;
use crate::managedfields::{
    ManagedFieldsEntry, ManagedState, ManagerIdentifier, Operation, read_list,
};
use crate::merge::{Engine, Filters, Managers, Object, UpdaterError};
use crate::schema::Schemas;
use crate::typed::{Duplicates, Validity, validate};
use crate::value::{Arena, Node, Tag, Value};

use super::conflict::Conflicts;
use super::document::Document;
use super::error::{ApplyError, encode_failed};
use super::object;
use super::strip_meta;
use super::update::{OneVersion, Writer};

/// Owns what an object held before anybody applied to it.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// A server-side apply, to be run.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is run"]
pub struct ApplyRequest<'s, 'a> {
    schemas: &'s Schemas,
    live: Document<'a>,
    config: Document<'a>,
    field_manager: String,
    subresource: String,
    force: bool,
    at: Timestamp,
}

/// What an apply came to.
#[derive(Debug, Clone)]
pub struct Applied {
    object: String,
    changed: bool,
    managed_fields: Vec<ManagedFieldsEntry>,
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
        &self.managed_fields
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

impl<'s, 'a> ApplyRequest<'s, 'a> {
    pub(super) fn new(
        schemas: &'s Schemas,
        live: Document<'a>,
        config: Document<'a>,
    ) -> ApplyRequest<'s, 'a> {
        ApplyRequest {
            schemas,
            live,
            config,
            field_manager: String::new(),
            subresource: String::new(),
            force: false,
            at: Timestamp::UNIX_EPOCH,
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

    /// When; the epoch if never said.
    pub fn at(mut self, time: Timestamp) -> Self {
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
        if self.field_manager.is_empty() {
            return Err(ApplyError::NoFieldManager);
        }
        let mut arena = Arena::default();
        let live = self.live.parse(&mut arena).map_err(ApplyError::Live)?;
        let config = self.config.parse(&mut arena).map_err(ApplyError::Config)?;
        let config = config.unwrap_or(Node::NULL);
        let config_kind = object::kind_of(&arena, config);
        let live = match live {
            Some(live) => live,
            None => object::empty_object(&mut arena, &config_kind).map_err(ApplyError::Config)?,
        };
        let mut state = ManagedState::decode(&arena, &read_list(&arena, live))?;
        let kind = object::kind_of(&arena, live);
        if config_kind != kind {
            return Err(ApplyError::Kind(config_kind));
        }
        let writer = Writer {
            schemas: self.schemas,
            field_manager: &self.field_manager,
            subresource: &self.subresource,
            at: self.at,
        };
        let mut live_is_valid = false;
        if !state.has_managers() {
            let existing = Writer { field_manager: BEFORE_FIRST_APPLY, ..writer };
            let empty = object::empty_object(&mut arena, &kind).map_err(ApplyError::Config)?;
            state = existing
                .update(&mut arena, empty, live, &kind, state)
                .map_err(|error| ApplyError::ExistingFields(Box::new(error)))?;
            live_is_valid = true;
        }
        let writer = Writer { field_manager: &self.field_manager, ..writer };
        let stated = arena
            .member(config, "metadata")
            .and_then(|metadata| arena.member(metadata, "managedFields"));
        if stated.is_some_and(|list| !list.is_null()) {
            return Err(ApplyError::ManagedFields);
        }
        let ty = object::type_of(self.schemas, &kind);
        validate(&arena, config, &ty.schema, ty.id, Duplicates::Refuse).map_err(|errors| {
            ApplyError::TypedConfig { object: object::describe(&arena, config), errors }
        })?;
        if !live_is_valid {
            validate(&arena, live, &ty.schema, ty.id, Duplicates::Allow).map_err(|errors| {
                ApplyError::TypedLive { object: object::describe(&arena, live), errors }
            })?;
        }
        let version = kind.api_version();
        let key = state.name(writer.identifier(Operation::Apply, &version));
        let typed = |node, validity| Object { node, ty: ty.clone(), validity };
        let conversion = OneVersion::of(&version, &state);
        let filters = Filters::default();
        let mut engine = Engine {
            arena: &mut arena,
            conversion: &conversion,
            filters: &filters,
            return_input_on_noop: false,
        };
        let applied = engine.apply(
            &typed(live, Validity::Repeating),
            &typed(config, Validity::Strict),
            &version,
            &state.managers,
            &key,
            self.force,
        );
        let applied = match applied {
            Ok(applied) => applied,
            Err(UpdaterError::Conflicts(found)) => {
                let about = |key: &str| {
                    let identifier = state.identifier(key)?.clone();
                    Some((identifier, state.times.get(key).copied()))
                };
                return Err(ApplyError::Conflict(Conflicts::new(
                    &found,
                    about,
                    &object::owned(&arena, live),
                    &object::owned(&arena, config),
                )));
            }
            Err(error) => return Err(ApplyError::Merge(error)),
        };
        let before = std::mem::replace(&mut state.managers, applied.managers);
        strip_meta::strip(&mut state.managers, &key);
        let changed = applied.object.is_some();
        let node = match applied.object {
            Some(object) => {
                if object.node.tag() != Tag::Map {
                    let object = object::describe(&arena, live);
                    return Err(ApplyError::NoObject { object });
                }
                state.times.insert(key.clone(), self.at);
                object.node
            }
            None => live,
        };
        let mut list = String::new();
        let same_list = state
            .encode(&arena, &mut list)
            .map_err(|error| ApplyError::Encode(encode_failed(&error)))?;
        let node = if !changed && same_list {
            live
        } else {
            let list = (!list.is_empty()).then_some(list);
            object::with_managed_fields(&mut arena, node, list).map_err(ApplyError::Config)?
        };
        Ok(Applied {
            object: arena.detach(node),
            changed,
            managed_fields: state.entries(),
            pruned: applied.comparison.removed,
            taken_from: taken(&state, &before, &key),
        })
    }
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
