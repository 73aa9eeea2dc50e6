//! The schema of objects that have none.

use std::borrow::Cow;

use super::compiled::{
    ALONE, Atom, Compiled, ElementRelationship, ListPart, MapPart, Name, Scalar, Span, TypeId,
};

const POOL: &str = "__untyped_atomic___untyped_deduced_";
const ATOMIC_NAME: Span = Span { start: 0, len: 17 };
const DEDUCED_NAME: Span = Span { start: 17, len: 18 };
const ATOMIC: TypeId = TypeId(1);
/// The type of every object.
pub(super) const ROOT: TypeId = TypeId(2);

const fn any(
    name: Span,
    map_element: TypeId,
    map: ElementRelationship,
    untyped_deduced: bool,
) -> Atom {
    Atom {
        name,
        unresolved: false,
        scalar: Scalar::Untyped,
        scalar_name: Span::NONE,
        list: Some(ListPart {
            element: ATOMIC,
            relationship: ElementRelationship::Atomic,
            keys: 0,
            key_count: 0,
        }),
        map: Some(MapPart {
            element: map_element,
            relationship: map,
            fields: 0,
            field_count: 0,
            untyped_deduced,
        }),
    }
}

static TYPES: [Atom; 3] = [
    Atom {
        name: Span::NONE,
        unresolved: false,
        scalar: Scalar::None,
        scalar_name: Span::NONE,
        list: None,
        map: None,
    },
    any(ATOMIC_NAME, ATOMIC, ElementRelationship::Atomic, false),
    any(DEDUCED_NAME, ROOT, ElementRelationship::Separable, true),
];

const fn name(name: Span, type_id: TypeId) -> Name {
    Name { name, type_id, editions: ALONE }
}

static NAMES: [Name; 2] = [name(ATOMIC_NAME, ATOMIC), name(DEDUCED_NAME, ROOT)];

pub(super) static DEDUCED: Compiled = Compiled {
    pool: Cow::Borrowed(POOL),
    types: Cow::Borrowed(&TYPES),
    fields: Cow::Borrowed(&[]),
    keys: Cow::Borrowed(&[]),
    names: Cow::Borrowed(&NAMES),
    edition: ALONE,
    has_broken_lists: false,
    defaults: None,
};
