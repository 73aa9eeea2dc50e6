//! What files alone tell about ownership: who owns each line of an object, what the schema says of a
//! path and what would happen to it, and which sources will fight.
//!
//! Everything here is a pure function of objects, schemas and ownership. Whatever would happen is
//! found out by letting it happen: by running [`FieldManager`](crate::FieldManager).

mod blame;
mod entries;
mod resolve;

pub use blame::{Absent, Blame, BlamedField, Standing};
pub use entries::{EntriesError, entries_of};
pub use resolve::{PathError, resolve_path};
