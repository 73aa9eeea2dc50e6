//! What the comparison with the reference and the vectors share: JSON that keeps every literal, the
//! crate behind the protocol of `tests/oracle`, and the equality of two answers.

pub mod compare;
pub mod json;
#[cfg(feature = "builtin-schemas")]
pub mod server;
pub mod subject;
