//! What files alone tell about ownership: who owns each line of an object, what the schema says of a
//! path and what would happen to it, and which sources will fight.
//!
//! Everything here is a pure function of objects, schemas and ownership. Whatever would happen is
//! found out by letting it happen: by running [`FieldManager`](crate::FieldManager).

mod blame;
mod conflicts;
mod entries;
pub mod lint;
mod ownership_diff;
mod profiles;
mod remedy;
mod resolve;
mod rule;
mod same_value;
mod what_if;
mod would_change;

pub use blame::{Absent, Blame, BlamedField, Standing};
pub use conflicts::{Claimant, Class, ConflictFinder, Contest, Finding, Severity, Want};
pub use entries::{EntriesError, entries_of};
pub use ownership_diff::{Change, OwnershipDiff, Turn};
pub use profiles::{Profile, ProfileError};
pub use remedy::{ConfigEdit, Remedy, RemedyError, Strategy, Taken};
pub use resolve::{PathError, resolve_path};
pub use rule::{Merging, SchemaRule};
pub use what_if::{Action, After, Outcome, Try, WhatIf};
pub use would_change::{Alteration, Normalisation, Rewritten, ValueChange, Verdict, WouldChange};
