//! What the API server does around the merge: who writes when, and what it stores.
//!
//! An apply travels: decode the live object's entries → check the kind → give an untracked object
//! to `before-first-apply` → check the configuration → merge, prune, compare, take ownership
//! ([`crate::merge`]) → forget fields that are never tracked → stamp the time → encode the entries.
//! An update travels the same way, but starts from the entries that the writer sent, if it sent
//! any, and caps the number of updaters at the end.

mod apply;
mod cap_managers;
mod conflict;
mod document;
mod error;
mod object;
mod status;
mod strip_meta;
mod update;

use crate::schema::Schemas;

pub use apply::{Applied, ApplyRequest};
pub use conflict::{Conflict, Conflicts, IntoIter as ConflictsIntoIter};
pub use document::Document;
pub use error::{ApplyError, UpdateError};
pub use status::{Metadata, Status, StatusCause, StatusDetails};
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
/// let schemas = Schemas::empty();
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
}

impl<'s> FieldManager<'s> {
    /// A field manager for the kinds of `schemas`.
    pub fn new(schemas: &'s Schemas) -> FieldManager<'s> {
        FieldManager { schemas }
    }

    /// Begins a server-side apply of `config` to `live`; [`Document::absent`] where there is no
    /// live object yet.
    pub fn apply<'a>(
        &self,
        live: impl Into<Document<'a>>,
        config: impl Into<Document<'a>>,
    ) -> ApplyRequest<'s, 'a> {
        ApplyRequest::new(self.schemas, live.into(), config.into())
    }

    /// Begins recording a write of the whole object: a create, where `live` is absent, or an
    /// update.
    pub fn update<'a>(
        &self,
        live: impl Into<Document<'a>>,
        new: impl Into<Document<'a>>,
    ) -> UpdateRequest<'s, 'a> {
        UpdateRequest::new(self.schemas, live.into(), new.into())
    }
}
