//! The schemas shipped with the crate, as constants: nothing is parsed or built at start.
//!
//! The tables are written by `tests/tables` from the merge schema that the reference derives from
//! Kubernetes' published OpenAPI documents; a check makes them anew and compares.

#[rustfmt::skip]
mod v1_37;

use super::compiled::{
    Atom, ElementRelationship, Field, Key, KeyDefault, ListPart, MapPart, Scalar, Schema, Span,
    Type, TypeId,
};
use super::kinds::GroupVersionKind;

/// The type of a kind that Kubernetes serves. Logarithmic in the number of kinds; allocates
/// nothing.
pub(super) fn find(kind: &GroupVersionKind) -> Option<Type> {
    let tables = &v1_37::TABLES;
    let wanted = (kind.group.as_str(), kind.version.as_str(), kind.kind.as_str());
    let found = v1_37::KINDS.binary_search_by(|(group, version, kind, _)| {
        (tables.text(*group), tables.text(*version), tables.text(*kind)).cmp(&wanted)
    });
    let (_, _, _, id) = found.ok().and_then(|at| v1_37::KINDS.get(at))?;
    Some(Type { schema: Schema::from_static(tables), id: *id })
}

/// A kind: group, version, kind, type.
type KindRow = (Span, Span, Span, TypeId);

const fn s(start: u32, len: u32) -> Span {
    Span { start, len }
}

const fn f(start: u32, len: u32, prefix: u64, id: u32) -> Field {
    Field { name: s(start, len), prefix, type_id: TypeId(id) }
}

const fn k(start: u32, len: u32, default: KeyDefault) -> Key {
    Key { name: s(start, len), default }
}

const fn v(start: u32, len: u32) -> KeyDefault {
    KeyDefault::Value(s(start, len))
}

const fn kind(group: Span, version: Span, kind: Span, id: u32) -> KindRow {
    (group, version, kind, TypeId(id))
}

const fn list(
    element: u32,
    relationship: ElementRelationship,
    keys: u32,
    key_count: u32,
) -> Option<ListPart> {
    Some(ListPart { element: TypeId(element), relationship, keys, key_count })
}

const fn map(
    element: u32,
    relationship: ElementRelationship,
    fields: u32,
    field_count: u32,
    untyped_deduced: bool,
) -> Option<MapPart> {
    Some(MapPart { element: TypeId(element), relationship, fields, field_count, untyped_deduced })
}

const fn t(
    name: Span,
    unresolved: bool,
    scalar: Scalar,
    list: Option<ListPart>,
    map: Option<MapPart>,
) -> Atom {
    Atom { name, unresolved, scalar, scalar_name: Span::NONE, list, map }
}
