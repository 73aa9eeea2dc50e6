//! Recording a write of the whole object.

use crate::managedfields::{ManagedFieldsEntry, ManagedState, Time, read_list};
use crate::value::{Arena, Node, Value};

use super::FieldManager;
use super::chain::Chain;
use super::document::Document;
use super::error::{UpdateError, encode_failed};
use super::manager_name::{check_manager_name, manager_name_from_user_agent};
use super::new_object::new_object;
use super::reset_fields::ResetFields;
use super::{defaults, object, skip_non_applied, storage};

/// A write of the whole object, to be run.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is run"]
pub struct UpdateRequest<'s, 'a> {
    manager: FieldManager<'s>,
    live: Document<'a>,
    new: Document<'a>,
    field_manager: String,
    subresource: String,
    user_agent: Option<String>,
    max_bytes: Option<usize>,
    api_version: Option<String>,
    reset_fields: ResetFields,
    at: Time,
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
        manager: FieldManager<'s>,
        live: Document<'a>,
        new: Document<'a>,
    ) -> UpdateRequest<'s, 'a> {
        UpdateRequest {
            manager,
            live,
            new,
            field_manager: String::new(),
            subresource: String::new(),
            user_agent: None,
            max_bytes: None,
            api_version: None,
            reset_fields: ResetFields::default(),
            at: Time::UNIX_EPOCH,
        }
    }

    /// Who writes; if never said, what the user agent tells, else `unknown`.
    pub fn field_manager(mut self, name: impl Into<String>) -> Self {
        self.field_manager = name.into();
        self
    }

    /// The subresource that is written to; the object itself if never said.
    pub fn subresource(mut self, name: impl Into<String>) -> Self {
        self.subresource = name.into();
        self
    }

    /// The client's `User-Agent`, which names a writer that has no name.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Bytes that storage takes: of an object that is larger the entries are left out, as the
    /// server does rather than refuse a write.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
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
        check_manager_name(&self.field_manager).map_err(|error| {
            let is_create = self.live.is_absent();
            let options = if is_create { "CreateOptions" } else { "UpdateOptions" };
            UpdateError::ManagerName { error, options }
        })?;
        let name = match (self.field_manager.as_str(), &self.user_agent) {
            ("", Some(user_agent)) => manager_name_from_user_agent(user_agent),
            (name, _) => name.to_owned(),
        };
        let mut arena = self.live.arena_for(&self.new);
        let live = self.live.parse(&mut arena).map_err(UpdateError::Live)?;
        let new = self.new.parse(&mut arena).map_err(UpdateError::New)?;
        let new = new.unwrap_or(Node::NULL);
        let kind = object::kind_of(&arena, new);
        let is_create = live.is_none();
        let live = match live {
            Some(live) => live,
            None => new_object(&mut arena, self.manager.schemas, &kind, self.manager.stores)
                .map_err(UpdateError::New)?,
        };
        let version = self.api_version.as_deref();
        let endpoint = self.manager.endpoint(&arena, live, new, version);
        let endpoint_version = endpoint.api_version();
        let resets = self.reset_fields.at(&endpoint, &endpoint_version, &self.subresource);
        let chain = Chain {
            schemas: self.manager.schemas,
            converter: self.manager.converter,
            defaulter: self.manager.defaulter,
            stores: self.manager.stores,
            filters: &resets.filters,
            endpoint: &endpoint,
            version: &endpoint_version,
            subresource: &self.subresource,
            field_manager: &name,
            at: self.at,
        };
        if self.manager.stores && object::has_uid(&arena, live) {
            storage::check_preconditions(&arena, live, new).map_err(UpdateError::Stale)?;
        }
        let state = starting_state(&arena, live, new, !self.subresource.is_empty());
        let bare = object::with_managed_fields(&mut arena, new, None).map_err(UpdateError::New)?;
        // Ownership is that of what was sent; storage then sets back what the endpoint resets.
        let set_back = |arena: &mut Arena<'_>, bare: Node| {
            if !self.manager.stores || kind != endpoint || !resets.has_values() {
                return Ok(bare);
            }
            let before = match is_create {
                true => None,
                false => match chain.at_endpoint(arena, live) {
                    Ok(live) => Some(live),
                    Err(_) => return Ok(bare),
                },
            };
            let stored = resets.set_back(arena, before, bare);
            object::with_managed_fields(arena, stored, None).map_err(UpdateError::New)
        };
        if skip_non_applied::is_left_alone(&arena, live, &state) {
            let stored = set_back(&mut arena, bare)?;
            return Ok(finish(&arena, stored, &ManagedState::default()));
        }
        let bare = match self.manager.defaulter {
            Some(defaulter) => {
                defaults::fill(defaulter, &mut arena, bare).map_err(UpdateError::Defaults)?
            }
            None => bare,
        };
        let stored = set_back(&mut arena, bare)?;
        let recorded = at_endpoint(&chain, &mut arena, live, bare)
            .and_then(|(live, new)| chain.update(&mut arena, live, new, state));
        let recorded = recorded.and_then(|state| {
            let list = encode(&arena, &state)?;
            let object =
                object::with_managed_fields(&mut arena, stored, list).map_err(UpdateError::New)?;
            let is_stored_already =
                self.manager.stores && storage::differs_in_times_only(&mut arena, live, object);
            if is_stored_already {
                let entries = ManagedState::decode(&arena, &read_list(&arena, live));
                return Ok(finish(&arena, live, &entries.unwrap_or_default()));
            }
            let updated = finish(&arena, object, &state);
            match self.max_bytes {
                Some(limit) if updated.object.len() > limit => {
                    Ok(finish(&arena, stored, &ManagedState::default()))
                }
                _ => Ok(updated),
            }
        });
        match recorded {
            Err(_) if lenient => {
                let entries = read_list(&arena, live);
                let list = entries.to_json(&arena);
                let state = ManagedState::decode(&arena, &entries).unwrap_or_default();
                let object = object::with_managed_fields(&mut arena, stored, list)
                    .map_err(UpdateError::New)?;
                Ok(finish(&arena, object, &state))
            }
            recorded => recorded,
        }
    }
}

/// Both objects at the version of the request.
fn at_endpoint(
    chain: &Chain<'_>,
    arena: &mut Arena<'_>,
    live: Node,
    new: Node,
) -> Result<(Node, Node), UpdateError> {
    let new = chain.at_endpoint(arena, new).map_err(|error| UpdateError::ConvertNew {
        object: object::describe(arena, new),
        version: chain.version.to_owned(),
        error,
    })?;
    let live = chain.at_endpoint(arena, live).map_err(|error| UpdateError::ConvertLive {
        object: object::describe(arena, live),
        error,
    })?;
    Ok((live, new))
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
    ManagedState::decode(arena, &read_list(arena, live)).unwrap_or_default()
}
