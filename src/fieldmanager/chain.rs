//! The layers of the field manager in their order, outermost first, and what they share.
//!
//! | layer | update | apply |
//! |---|---|---|
//! | `update`, `apply` | which entries a write starts from; encoding | decoding; encoding; conflicts |
//! | `version_check` | | the kind must be the endpoint's |
//! | `last_applied` | | refreshes kubectl's annotation |
//! | `amnesty` | | lets kubectl have what it applied before |
//! | `skip_non_applied` | leaves untracked objects alone | `before-first-apply` |
//! | `cap_managers` | at most ten updaters | |
//! | `managed_fields_updater` | what this write changed; time | time |
//! | `strip_meta` | fields that nobody owns | the same |
//! | `structured_merge` | types, versions, comparison | types, versions, merge |

use std::sync::Arc;

use crate::managedfields::{ManagedState, ManagerIdentifier, Operation, Time};
use crate::merge::{Conflicts, ConvertError, Filters, Managers};
use crate::schema::{GroupVersionKind, Schemas};
use crate::typed::Comparison;
use crate::value::{Arena, Node};

use super::convert::{VersionConverter, Versions};
use super::defaults::Defaulter;
use super::error::{ApplyError, UpdateError};
use super::{amnesty, cap_managers, last_applied, managed_fields_updater, skip_non_applied};
use super::{strip_meta, structured_merge};

/// The name that an unnamed writer gets.
const UNKNOWN: &str = "unknown";

/// One request to an endpoint.
#[derive(Clone, Copy)]
pub(super) struct Chain<'c> {
    pub(super) schemas: &'c Schemas,
    pub(super) converter: &'c dyn VersionConverter,
    pub(super) defaulter: Option<&'c dyn Defaulter>,
    /// Whether objects are those of a server: new ones hold what their kind always holds.
    pub(super) stores: bool,
    pub(super) filters: &'c Filters,
    pub(super) endpoint: &'c GroupVersionKind,
    /// The `apiVersion` of the endpoint.
    pub(super) version: &'c str,
    pub(super) subresource: &'c str,
    /// Who writes, as the request says.
    pub(super) field_manager: &'c str,
    pub(super) at: Time,
}

/// What an apply came to before it is encoded.
pub(super) struct Merged {
    /// The new object; none when nothing in it changed.
    pub(super) object: Option<Node>,
    pub(super) state: ManagedState,
    /// The applier, as the state knows it.
    pub(super) writer: Arc<str>,
    pub(super) comparison: Comparison,
    /// The managers before, `before-first-apply` included.
    pub(super) before: Managers,
}

/// Why an apply stopped.
pub(super) enum Stopped {
    /// The owners by identity, as the state before knows them.
    Conflicts(Conflicts, Box<ManagedState>),
    Error(ApplyError),
}

impl From<ApplyError> for Stopped {
    fn from(error: ApplyError) -> Stopped {
        Stopped::Error(error)
    }
}

impl Chain<'_> {
    /// The identity of the writer.
    pub(super) fn identifier(&self, operation: Operation) -> ManagerIdentifier {
        let name = if self.field_manager.is_empty() { UNKNOWN } else { self.field_manager };
        ManagerIdentifier::new(name, operation, self.version, self.subresource)
    }

    /// The versions in play for the managers of a state.
    pub(super) fn versions(&self, state: &ManagedState) -> Versions<'_> {
        // An object that a manager's set takes the version or kind from cannot be converted.
        let alone = state.managers.iter().all(|(_, owned)| {
            owned.api_version == self.version
                && !["apiVersion", "kind"].iter().any(|name| owned.set.has_root_field(name))
        });
        Versions {
            schemas: self.schemas,
            converter: self.converter,
            endpoint: self.endpoint,
            alone,
        }
    }

    /// An object at the endpoint's version.
    pub(super) fn at_endpoint(
        &self,
        arena: &mut Arena<'_>,
        object: Node,
    ) -> Result<Node, ConvertError> {
        let none = ManagedState::default();
        self.versions(&none).convert_object(arena, object, self.version)
    }

    /// Records a write of the whole object, neither side of which is touched: the layers below the
    /// one that skips untracked objects.
    pub(super) fn update(
        &self,
        arena: &mut Arena<'_>,
        live: Node,
        new: Node,
        state: ManagedState,
    ) -> Result<ManagedState, UpdateError> {
        let mut state = managed_fields_updater::update(self, state, |state, writer| {
            structured_merge::update(self, arena, live, new, state, writer)?;
            strip_meta::strip(&mut state.managers, writer, None);
            Ok(())
        })?;
        cap_managers::cap(&mut state);
        Ok(state)
    }

    /// Applies a configuration of the endpoint's kind: the layers below the version check.
    pub(super) fn apply(
        &self,
        arena: &mut Arena<'_>,
        live: Node,
        config: Node,
        state: ManagedState,
        force: bool,
    ) -> Result<Merged, Stopped> {
        let (state, is_typed) = skip_non_applied::track(self, arena, live, state)?;
        let known = is_typed.then_some(live);
        // Only who may get an amnesty tries twice.
        let again = (!force && amnesty::may_be_granted(self)).then(|| state.clone());
        let merged = match (self.merge(arena, live, config, known, state, force), again) {
            (Err(Stopped::Conflicts(found, state)), Some(again)) => {
                match amnesty::remaining(self, arena, live, found) {
                    None => self.merge(arena, live, config, known, again, true)?,
                    Some(found) => return Err(Stopped::Conflicts(found, state)),
                }
            }
            (merged, _) => merged?,
        };
        Ok(last_applied::refresh(self, arena, live, config, merged)?)
    }

    fn merge(
        &self,
        arena: &mut Arena<'_>,
        live: Node,
        config: Node,
        known: Option<Node>,
        state: ManagedState,
        force: bool,
    ) -> Result<Merged, Stopped> {
        managed_fields_updater::apply(self, state, |state, writer| {
            let merged =
                structured_merge::apply(self, arena, (live, known), config, state, writer, force)?;
            let before = merged.before.get(writer).map(|before| &before.set);
            strip_meta::strip(&mut state.managers, writer, before);
            Ok(merged)
        })
    }
}
