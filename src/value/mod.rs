//! The JSON value with Kubernetes' equality and order.
//!
//! A document is parsed once into an arena of small nodes that point into the source text; strings
//! and numbers are read from the text when they are asked for. Object members are kept sorted by
//! key, so two objects are matched by walking both once. [`Value`] owns a document, [`ValueRef`] is
//! a copyable view of any part of one.

mod arena;
mod compare;
#[cfg(any(feature = "analysis", all(test, feature = "yaml")))]
pub(crate) mod edit;
pub(crate) mod order;
mod parse;
mod position;
mod printable;
pub(crate) mod text;
mod view;

pub(crate) use arena::{AT_ONCE, Arena, Effort, Node, Source, Tag};
pub(crate) use parse::{Apart, MAX_DEPTH, text_of};
pub use parse::{ParseError, ParseErrorKind};
pub use position::{Position, Positions};
pub(crate) use text::prefix_word;
pub use view::{Items, Kind, Members, Value, ValueRef};
