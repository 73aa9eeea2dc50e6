//! Recording a write of the whole object.

use jiff::Timestamp;

use crate::fieldpath::FieldSet;
use crate::managedfields::{
    ListReading, ManagedFieldsEntry, ManagedState, ManagerIdentifier, Operation, read_list,
};
use crate::merge::{Conversion, ConvertError, Engine, Filters, Object, VersionedSet};
use crate::schema::{GroupVersionKind, Schemas};
use crate::typed::{Duplicates, Validity, validate};
use crate::value::{Arena, Node, Tag, Value};

use super::cap_managers;
use super::document::Document;
use super::error::{UpdateError, encode_failed};
use super::object;
use super::strip_meta;

/// The name that an unnamed writer gets.
pub(super) const UNKNOWN: &str = "unknown";
/// Stands for the writer while the engine runs, so that what it owned before counts like anybody
/// else's.
const CURRENT_OPERATION: &str = "current-operation";

/// Objects of one API version: no other version can be had.
pub(super) struct OneVersion {
    alone: bool,
}

impl OneVersion {
    /// For the managers of `state`.
    pub(super) fn of(version: &str, state: &ManagedState) -> OneVersion {
        // An object that a manager's set takes the version or kind from cannot be converted.
        let identity =
            |set: &FieldSet| ["apiVersion", "kind"].iter().any(|name| set.has_root_field(name));
        let alone = state
            .managers
            .iter()
            .all(|(_, owned)| owned.api_version == version && !identity(&owned.set));
        OneVersion { alone }
    }
}

impl<'t> Conversion<'t> for OneVersion {
    fn convert(
        &self,
        arena: &mut Arena<'t>,
        object: &Object,
        version: &str,
    ) -> Result<Object, ConvertError> {
        let failed = |text: &str| Err(ConvertError::Failed(text.to_owned()));
        // Only a part of an object that is being pruned is no map.
        if object.node.tag() != Tag::Map {
            return failed("failed to convert value to unstructured for type <nil>");
        }
        if version.matches('/').count() > 1 {
            return failed(&format!("unexpected GroupVersion string: {version}"));
        }
        let own = object::kind_of(arena, object.node);
        if own.is_of_version(version) {
            return Ok(object.clone());
        }
        if object::text(arena, object.node, "kind").is_empty() {
            return failed("Object 'Kind' is missing in 'unstructured object has no kind'");
        }
        if own.version.is_empty() {
            return failed(
                "Object 'apiVersion' is missing in 'unstructured object has no version'",
            );
        }
        let text = format!("no kind is registered for version {version:?}");
        Err(ConvertError::MissingVersion(text))
    }

    fn keeps_objects(&self) -> bool {
        self.alone
    }
}

/// A write of the whole object, to be run.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is run"]
pub struct UpdateRequest<'s, 'a> {
    schemas: &'s Schemas,
    live: Document<'a>,
    new: Document<'a>,
    field_manager: String,
    subresource: String,
    at: Timestamp,
}

/// What a write came to.
#[derive(Debug, Clone)]
pub struct Updated {
    object: String,
    managed_fields: Vec<ManagedFieldsEntry>,
}

impl Updated {
    /// The new object as JSON, entries included.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The new object, parsed.
    pub fn to_value(&self) -> Value {
        Value::from_json(&self.object).unwrap_or_else(|_| Value::null())
    }

    /// The entries of the new object.
    pub fn managed_fields(&self) -> &[ManagedFieldsEntry] {
        &self.managed_fields
    }
}

impl<'s, 'a> UpdateRequest<'s, 'a> {
    pub(super) fn new(
        schemas: &'s Schemas,
        live: Document<'a>,
        new: Document<'a>,
    ) -> UpdateRequest<'s, 'a> {
        UpdateRequest {
            schemas,
            live,
            new,
            field_manager: String::new(),
            subresource: String::new(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Who writes; `unknown` if never said.
    pub fn field_manager(mut self, name: impl Into<String>) -> Self {
        self.field_manager = name.into();
        self
    }

    /// The subresource that is written to; the object itself if never said.
    pub fn subresource(mut self, name: impl Into<String>) -> Self {
        self.subresource = name.into();
        self
    }

    /// When; the epoch if never said.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.at = time;
        self
    }

    /// Runs the update.
    ///
    /// # Errors
    /// Objects that are not JSON or not of their type. Never a conflict.
    pub fn run(self) -> Result<Updated, UpdateError> {
        self.run_in(false)
    }

    /// Runs the update as the API server's handlers do: where ownership cannot be recorded, the
    /// new object is returned with the live object's entries.
    ///
    /// # Errors
    /// Documents that are not JSON.
    pub fn run_without_errors(self) -> Result<Updated, UpdateError> {
        self.run_in(true)
    }

    fn run_in(self, lenient: bool) -> Result<Updated, UpdateError> {
        let mut arena = Arena::default();
        let live = self.live.parse(&mut arena).map_err(UpdateError::Live)?;
        let new = self.new.parse(&mut arena).map_err(UpdateError::New)?;
        let new = new.unwrap_or(Node::NULL);
        let kind = object::kind_of(&arena, new);
        let live = match live {
            Some(live) => live,
            None => object::empty_object(&mut arena, &kind).map_err(UpdateError::New)?,
        };
        let writer = Writer {
            schemas: self.schemas,
            field_manager: &self.field_manager,
            subresource: &self.subresource,
            at: self.at,
        };
        let state = starting_state(&arena, live, new, !self.subresource.is_empty());
        let bare = object::with_managed_fields(&mut arena, new, None).map_err(UpdateError::New)?;
        if !state.has_managers() && object::has_uid(&arena, live) {
            return Ok(finish(&arena, bare, &ManagedState::default()));
        }
        let live_kind = object::kind_of(&arena, live);
        let recorded = if live_kind == kind {
            writer.update(&mut arena, live, bare, &kind, state)
        } else {
            Err(UpdateError::Kind(kind))
        };
        let recorded = recorded.and_then(|state| {
            let list = encode(&arena, &state)?;
            let object =
                object::with_managed_fields(&mut arena, bare, list).map_err(UpdateError::New)?;
            Ok(finish(&arena, object, &state))
        });
        match recorded {
            Err(_) if lenient => {
                let stored = read_list(&arena, live);
                let list = stored.to_json(&arena);
                let object = object::with_managed_fields(&mut arena, bare, list)
                    .map_err(UpdateError::New)?;
                let state = ManagedState::decode(&arena, &stored).unwrap_or_default();
                Ok(finish(&arena, object, &state))
            }
            recorded => recorded,
        }
    }
}

fn finish(arena: &Arena<'_>, object: Node, state: &ManagedState) -> Updated {
    Updated { object: arena.detach(object), managed_fields: state.entries() }
}

/// The entries as JSON; none for a state without managers.
fn encode(arena: &Arena<'_>, state: &ManagedState) -> Result<Option<String>, UpdateError> {
    let mut list = String::new();
    state.encode(arena, &mut list).map_err(|error| UpdateError::Encode(encode_failed(&error)))?;
    Ok((!list.is_empty()).then_some(list))
}

/// The entries that a write starts from: those that the writer sent, unless they cannot be used or
/// it writes a subresource; the live ones then; none if those cannot be used either.
fn starting_state(arena: &Arena<'_>, live: Node, new: Node, is_subresource: bool) -> ManagedState {
    if !is_subresource {
        let sent = read_list(arena, new);
        if sent.is_reset() {
            return ManagedState::default();
        }
        if let Ok(state) = ManagedState::decode(arena, &sent)
            && state.has_managers()
        {
            return state;
        }
    }
    let stored: ListReading = read_list(arena, live);
    ManagedState::decode(arena, &stored).unwrap_or_default()
}

/// Who writes what, when and where.
pub(super) struct Writer<'w> {
    pub(super) schemas: &'w Schemas,
    pub(super) field_manager: &'w str,
    pub(super) subresource: &'w str,
    pub(super) at: Timestamp,
}

impl Writer<'_> {
    fn name(&self) -> &str {
        if self.field_manager.is_empty() { UNKNOWN } else { self.field_manager }
    }

    pub(super) fn identifier(&self, operation: Operation, version: &str) -> ManagerIdentifier {
        ManagerIdentifier::new(self.name(), operation, version, self.subresource)
    }

    /// Records the change from `live` to `new`, neither of which is touched.
    pub(super) fn update(
        &self,
        arena: &mut Arena<'_>,
        live: Node,
        new: Node,
        kind: &GroupVersionKind,
        mut state: ManagedState,
    ) -> Result<ManagedState, UpdateError> {
        let ty = object::type_of(self.schemas, kind);
        let version = kind.api_version();
        let check = |arena: &Arena<'_>, node| {
            validate(arena, node, &ty.schema, ty.id, Duplicates::Allow)
                .map_err(|errors| (object::describe(arena, node), errors))
        };
        check(arena, new).map_err(|(object, errors)| UpdateError::TypedNew { object, errors })?;
        check(arena, live).map_err(|(object, errors)| UpdateError::TypedLive { object, errors })?;
        let typed = |node| Object { node, ty: ty.clone(), validity: Validity::Repeating };
        let conversion = OneVersion::of(&version, &state);
        let filters = Filters::default();
        let mut engine = Engine {
            arena,
            conversion: &conversion,
            filters: &filters,
            return_input_on_noop: true,
        };
        let updated = engine
            .update(&typed(live), &typed(new), &version, &state.managers, CURRENT_OPERATION)
            .map_err(|error| {
                let object = object::describe(engine.arena, new);
                UpdateError::Managers { object, error }
            })?;
        state.managers = updated.managers;
        strip_meta::strip(&mut state.managers, CURRENT_OPERATION);
        if let Some(changed) = state.managers.remove(CURRENT_OPERATION) {
            let key = state.name(self.identifier(Operation::Update, &version));
            let before = state.managers.remove(&key).unwrap_or_default();
            state.managers.insert(
                key.clone(),
                VersionedSet {
                    set: changed.set.union(&before.set),
                    api_version: version,
                    applied: false,
                },
            );
            state.times.insert(key, self.at);
        }
        cap_managers::cap(&mut state);
        Ok(state)
    }
}
