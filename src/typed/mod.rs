//! Operations on a value of a type: validation, field sets, comparison, merge, removal, extraction.
//!
//! Every operation follows the schema and the value together. Which part of a type handles a value
//! is decided in one place (`shape`), how an item of a list is identified in another
//! (`items`); each operation then has a file of its own.

mod compare;
mod error;
mod items;
mod merge;
mod named_fields;
mod overlay;
mod reconcile;
mod select;
mod shape;
mod to_field_set;
mod typed_value;
mod undeclared;
mod validate;

pub use compare::Comparison;
pub(crate) use compare::compare;
pub use error::{ValidationError, ValidationErrors};
#[cfg(feature = "analysis")]
pub(crate) use items::write_item_token;
pub(crate) use merge::merge;
pub(crate) use overlay::{Overlay, overlay};
pub use reconcile::ReconcileError;
pub(crate) use select::{extract_items, remove_items, restate};
pub(crate) use to_field_set::to_field_set;
pub use typed_value::{SchemaError, TypedValue, parse_schema};
pub(crate) use typed_value::{Validity, check_same_type};
pub(crate) use undeclared::undeclared;
pub(crate) use validate::{Duplicates, validate};
