//! Field paths, sets of them, and their wire form FieldsV1.
//!
//! Inside the crate a path element is a *token*: its FieldsV1 spelling as it stands between the
//! quotes of the JSON key. A set is a pre-order tape of tokens, which is what a FieldsV1 document
//! is too.

mod builder;
mod canonical;
mod element;
mod fields_v1;
mod normalise;
mod ops;
mod pattern;
mod runs;
mod set;
pub(crate) mod token;
mod wide;

pub(crate) use builder::{PathStack, SetBuilder, SetWriter};
pub use element::{ElementError, Path, PathElement};
pub use fields_v1::FieldsV1Error;
pub(crate) use fields_v1::{ReadFields, decode_fields_v1, read_fields_v1};
pub use pattern::{Filter, Matcher};
pub(crate) use set::{Child, Level, SetRef};
pub use set::{FieldSet, Paths};
pub(crate) use wide::Sorted;
