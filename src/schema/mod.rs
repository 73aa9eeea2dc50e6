//! The merge schema: which fields a type has, and how its lists and maps are owned.
//!
//! A schema is compiled once into flat tables in which every reference is an index, overrides are
//! applied and the defaults of list keys are found. Walkers never look a type up by name.

#[cfg(feature = "builtin-schemas")]
mod builtin;
mod changes;
mod compile;
mod compiled;
mod deduced;
mod document;
mod kinds;
mod kubernetes;
mod openapi;
mod rule;
mod rule_path;
#[cfg(feature = "testing")]
mod table_source;
mod tree;

#[cfg(all(feature = "testing", feature = "builtin-schemas"))]
pub use builtin::added_bytes;
pub use changes::{Change, Changes, Difference};
pub(crate) use compiled::{
    Atom, Compiled, FieldCursor, FieldDefault, KeyDefault, ListPart, MapPart, Scalar, TypeId,
};
pub use compiled::{ElementRelationship, Schema, Type};
pub(crate) use document::SCHEMA_OF_SCHEMAS;
pub use kinds::{GroupVersionKind, Origin, Schemas};
pub use kubernetes::{KubernetesVersion, UnknownKubernetesVersion};
pub use openapi::{
    CustomResource, CustomResourceVersion, OpenApiError, Problem, merge_schema_of_crd,
    merge_schema_of_openapi,
};
pub use rule::{KeyRule, Rule};
pub use rule_path::rule_path;
#[cfg(feature = "testing")]
pub use table_source::{Edition, table_source};
pub use tree::{Tree, TreeRow};
