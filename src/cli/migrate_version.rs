//! `plan migrate-version`: entries of one API version at another.

use crate::fieldmanager::{FieldManager, MigrateVersionError};
use crate::fieldpath::FieldSet;
use crate::managedfields::{ManagedFieldsEntry, Operation};
use crate::schema::{GroupVersionKind, Schemas};
use crate::value::{Value, ValueRef};

use super::input::Object;
use super::plan::{Change, Shared};
use super::schemas::Known;
use super::session::Session;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct MigrateVersionArgs {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// The API version that entries are recorded at, such as apps/v1beta1
    #[arg(long, value_name = "VERSION")]
    from_version: String,
    /// The API version that they are to be at
    #[arg(long, value_name = "VERSION")]
    to_version: String,
}

impl MigrateVersionArgs {
    /// Makes the types of the object's kind known, as [`Known::prepare`] does.
    pub(super) fn prepare(
        &self,
        object: &Object,
        known: &mut Known,
        session: &mut Session<'_, '_>,
    ) -> Result<(), String> {
        known
            .learn(&GroupVersionKind::new(&self.to_version, &object.identity.kind.kind), session)?;
        known.prepare(object, session)
    }

    /// Whether an entry of the object is at the version to leave.
    pub(super) fn is_about(&self, object: &Value) -> bool {
        let list = object.as_ref().get("metadata").and_then(|about| about.get("managedFields"));
        let stale = |entry: ValueRef<'_>| {
            let version = entry.get("apiVersion").and_then(ValueRef::as_str);
            version.is_some_and(|version| version == self.from_version)
        };
        self.from_version != self.to_version
            && list.into_iter().flat_map(ValueRef::items).any(stale)
    }

    pub(super) fn change(&self, object: &Value, schemas: &Schemas) -> Result<Change, String> {
        let (from, to) = (&self.from_version, &self.to_version);
        let manager = FieldManager::new(schemas);
        let migrated = manager.migrate_version(object, from, to);
        let migrated = migrated.map_err(|error| match error {
            error @ MigrateVersionError::NoVersion(_) => {
                format!("{error}: name a schema that has it with --schema, or another --to-version")
            }
            error => error.to_string(),
        })?;
        let touched = migrated.stale().iter().chain(migrated.entries());
        Ok(Change {
            object: migrated.object().to_owned(),
            patch: migrated.patch().map(str::to_owned),
            nothing: match from == to {
                true => format!("both versions are {to}"),
                false => format!("no entry is recorded at {from}"),
            },
            moved: touched.fold(FieldSet::default(), |all, entry| all.union(&entry.fields)),
            lost: migrated.lost().to_vec(),
            advice: format!("Only fields that there are at {to} can be kept."),
            owner,
            outlook: String::new(),
            applier: (None, String::new()),
        })
    }
}

/// Who owns an entry, and at which version: that is what changes, also for appliers.
fn owner(entry: &ManagedFieldsEntry) -> String {
    match entry.manager.operation() {
        Operation::Apply => format!("{} using {}", entry.manager, entry.api_version),
        Operation::Update => entry.manager.to_string(),
    }
}
