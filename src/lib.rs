//! Kubernetes Server-Side Apply field ownership, offline.
//!
//! This crate does what kube-apiserver does with `metadata.managedFields`: it merges an apply
//! configuration into a live object, finds the conflicts between field managers, supports forced
//! takeover, and keeps the ownership records. Nothing here talks to a cluster.
#![forbid(unsafe_code)]

mod deep;
//pub mod fieldpath;
pub mod schema;
pub mod value;
