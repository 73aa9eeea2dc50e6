//! Ownership between field managers: what an update or an apply does to an object and to the sets
//! that its managers own.
//!
//! [`Updater`] is the engine for anything that keeps field ownership, with or without Kubernetes
//! objects around it.

mod conflict;
mod converter;
mod core;
mod managers;
mod prune;
mod updater;

pub use self::core::UpdaterError;
pub(crate) use self::core::{Applier, Conversion, Engine, Filters, Object};
pub use conflict::{Conflict, Conflicts};
pub use converter::{ConvertError, Converter, SameVersion};
pub use managers::{Managers, VersionedSet};
pub use prune::PruneError;
pub use updater::{Outcome, Updater};
