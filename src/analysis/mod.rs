//! What files alone tell about ownership.
//!
//! Everything here is a pure function of objects, schemas and ownership. Whatever would happen is
//! found out by letting it happen: by running [`FieldManager`](crate::FieldManager).

mod ownership_diff;

pub use ownership_diff::{Change, OwnershipDiff, Turn};
