//! Kubernetes Server-Side Apply field ownership, offline.
//!
//! This crate does what kube-apiserver does with `metadata.managedFields`: it merges an apply
//! configuration into a live object, finds the conflicts between field managers, supports forced
//! takeover, and keeps the ownership records. Nothing here talks to a cluster.
//!
//! # Features
//!
//! - `builtin-schemas` (default): the schemas of every kind that Kubernetes serves, compiled in.
//! - `analysis`: what is found out about objects and sources, such as who owns each line and which sources
//!   will fight. Merging needs none of it.
//! - `jiff`: times of entries as `jiff::Timestamp`, and back.
//! - `yaml`: reading YAML as Kubernetes reads it.
//! - `cli`: the command line; implies all of these.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::todo,
    clippy::unimplemented
)]

#[cfg(feature = "analysis")]
pub mod analysis;
#[cfg(feature = "cli")]
pub mod cli;
mod deep;
pub mod fieldmanager;
pub mod fieldpath;
pub mod managedfields;
pub mod merge;
pub mod schema;
pub mod typed;
pub mod value;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use fieldmanager::{Applied, ApplyError, Document, FieldManager, UpdateError, Updated};
pub use fieldpath::{FieldSet, Path, PathElement};
pub use managedfields::{ManagedFieldsEntry, ManagerIdentifier, Operation};
pub use merge::{Converter, Managers, SameVersion, Updater, VersionedSet};
pub use schema::{GroupVersionKind, Schema, Schemas};
pub use typed::{Comparison, TypedValue, parse_schema};
pub use value::Value;

/// The README's examples, compiled.
#[cfg(all(doctest, feature = "builtin-schemas"))]
#[doc = include_str!("../README.md")]
struct Readme;
