//! What the API server does around the merge: who writes when, and what it stores.
//!
//! `chain.rs` spells out the layers and their order; each has a file.

mod amnesty;
mod apply;
mod cap_managers;
mod chain;
mod compaction;
mod conflict;
mod convert;
mod csa_upgrade;
mod defaults;
mod document;
mod error;
mod extract;
mod guard;
mod handover;
mod last_applied;
mod location;
mod lookup;
mod managed_fields_updater;
mod manager_name;
mod migrate_version;
mod new_object;
mod object;
mod reset_fields;
mod rewrite;
mod scale;
mod scale_object;
mod schema_defaults;
mod skip_non_applied;
mod status;
mod storage;
mod strip_meta;
mod structured_merge;
mod update;
mod version_check;

use crate::schema::{GroupVersionKind, Schemas};
use crate::value::{Arena, Node};

pub use apply::{Applied, ApplyRequest};
pub use compaction::{Compaction, CompactionError};
pub use conflict::{Conflict, Conflicts, IntoIter as ConflictsIntoIter, WayOut};
pub use convert::{NoConversion, SameShape, VersionConverter};
pub use csa_upgrade::{CsaUpgrade, CsaUpgradeError, CsaUpgraded, LostEntry, find_owners};
pub use defaults::Defaulter;
pub use document::Document;
pub use error::{ApplyError, UpdateError};
pub use extract::{ExtractError, ExtractRequest};
pub use guard::{Guarded, guard_admission};
pub use handover::{HandedOver, Handover, HandoverError};
pub use location::{ConfigSource, Location};
#[cfg(feature = "analysis")]
pub(crate) use lookup::{Lookup, value_at};
pub use manager_name::{ManagerNameError, check_manager_name, manager_name_from_user_agent};
pub use migrate_version::{MigrateVersionError, VersionMigration};
pub use reset_fields::{ResetFields, ResetFieldsFilter};
pub use rewrite::BrokenEntry;
pub use scale::{ScaleError, ScaleMapping};
pub use schema_defaults::SchemaDefaults;
pub use status::{Metadata, Status, StatusCause, StatusDetails};
pub use storage::StaleObjectError;
#[cfg(feature = "analysis")]
pub(crate) use strip_meta::stripped as untracked;
pub use update::{UpdateRequest, Updated};

/// The field manager of an API server, for objects of all kinds that `schemas` knows.
///
/// A kind without a type is treated as a custom resource without a schema: its maps are granular
/// and its lists atomic.
///
/// ```
/// use managed_fields::fieldmanager::{ApplyError, FieldManager};
/// use managed_fields::schema::Schemas;
///
/// let schemas = Schemas::deduced();
/// let fm = FieldManager::new(&schemas);
/// let now = "2026-01-01T00:00:00Z".parse()?;
/// let config = r#"{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{"name":"a"},"spec":{"on":true}}"#;
/// let created = fm
///     .apply(managed_fields::fieldmanager::Document::absent(), config)
///     .field_manager("ann")
///     .at(now)
///     .run()?;
/// let other = config.replace("true", "false");
/// let refused = fm.apply(created.object(), other.as_str()).field_manager("bob").at(now).run();
/// match refused {
///     Err(ApplyError::Conflict(conflicts)) => assert_eq!(
///         conflicts.to_string(),
///         r#"Apply failed with 1 conflict: conflict with "ann": .spec.on"#
///     ),
///     _ => unreachable!(),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FieldManager<'s> {
    schemas: &'s Schemas,
    converter: &'s dyn VersionConverter,
    defaulter: Option<&'s dyn Defaulter>,
    stores: bool,
}

impl<'s> FieldManager<'s> {
    /// A field manager for the kinds of `schemas`.
    pub fn new(schemas: &'s Schemas) -> FieldManager<'s> {
        FieldManager { schemas, converter: &NoConversion, defaulter: None, stores: true }
    }

    /// How objects are converted between the versions of their kind; by default there is no other
    /// version than that of the live object.
    #[must_use]
    pub fn converter(self, converter: &'s dyn VersionConverter) -> FieldManager<'s> {
        FieldManager { converter, ..self }
    }

    /// What fills in values that the server defaults; by default nothing.
    #[must_use]
    pub fn defaulter(self, defaulter: &'s dyn Defaulter) -> FieldManager<'s> {
        FieldManager { defaulter: Some(defaulter), ..self }
    }

    /// Whether results are what the server's storage makes of them; yes by default. Storage keeps
    /// the live object where nothing but times would change, and refuses a stale `resourceVersion`
    /// or `uid`; new objects of Kubernetes' own kinds hold an empty `spec` and the like, which nobody
    /// comes to own. Without, results are those of the field manager alone.
    #[must_use]
    pub fn storage(self, yes: bool) -> FieldManager<'s> {
        FieldManager { stores: yes, ..self }
    }

    /// The kind whose endpoint a request goes to: that of the live object, or that of what was sent
    /// where it is another version of the same.
    fn endpoint(
        self,
        arena: &Arena<'_>,
        live: Node,
        sent: Node,
        version: Option<&str>,
    ) -> GroupVersionKind {
        let own = object::kind_of(arena, live);
        if let Some(version) = version {
            return GroupVersionKind::new(version, &own.kind);
        }
        if !self.converter.has_versions() {
            return own;
        }
        let sent = object::kind_of(arena, sent);
        let is_version_of_it =
            own.group == sent.group && own.kind == sent.kind && !sent.version.is_empty();
        if is_version_of_it { sent } else { own }
    }

    /// Begins a server-side apply of `config` to `live`; [`Document::absent`] where there is no
    /// live object yet.
    pub fn apply<'a>(
        &self,
        live: impl Into<Document<'a>>,
        config: impl Into<Document<'a>>,
    ) -> ApplyRequest<'s, 'a> {
        ApplyRequest::new(*self, live.into(), config.into())
    }

    /// Begins recording a write of the whole object: a create, where `live` is absent, or an
    /// update.
    pub fn update<'a>(
        &self,
        live: impl Into<Document<'a>>,
        new: impl Into<Document<'a>>,
    ) -> UpdateRequest<'s, 'a> {
        UpdateRequest::new(*self, live.into(), new.into())
    }

    /// Begins extracting the apply configuration that a manager owns of `object`.
    pub fn extract<'a>(&self, object: impl Into<Document<'a>>) -> ExtractRequest<'s, 'a> {
        ExtractRequest::new(self.schemas, object.into())
    }
}
