//! What kubectl applied on the client before may be changed by kubectl without a conflict.

use crate::fieldpath::FieldSet;
use crate::merge::Conflicts;
use crate::schema::Type;
use crate::typed::{Duplicates, check_same_type, compare, to_field_set, validate};
use crate::value::{Arena, Node, Source, Tag};

use super::chain::Chain;
use super::last_applied::{self, KUBECTL};
use super::object;

/// Whether the request is kubectl's.
pub(super) fn may_be_granted(chain: &Chain<'_>) -> bool {
    chain.field_manager == KUBECTL
}

/// The conflicts that are left; none when all of them are on fields that stand as they were last
/// applied on the client, so that the apply may be forced.
pub(super) fn remaining(
    chain: &Chain<'_>,
    arena: &mut Arena<'_>,
    live: Node,
    found: Conflicts,
) -> Option<Conflicts> {
    let Some(allowed) = allowed(chain, arena, live) else { return Some(found) };
    let left = found.without(&allowed);
    (!left.is_empty()).then_some(left)
}

/// The fields of the last-applied configuration that the live object has as they were applied.
/// Anything that is wrong with either means none.
fn allowed(chain: &Chain<'_>, arena: &mut Arena<'_>, live: Node) -> Option<FieldSet> {
    let text = last_applied::stored(arena, live)?;
    let strict = |arena: &Arena<'_>, node: Node, ty: &Type| {
        validate(arena, node, &ty.schema, ty.id, Duplicates::Refuse).ok()
    };
    let ty = object::type_of(chain.schemas, &object::kind_of(arena, live)).ok()?;
    strict(arena, live, &ty)?;
    let last = arena.parse(Source::Shared(text.into())).ok()?;
    if last.tag() != Tag::Map
        || object::text(arena, last, "kind").is_empty()
        || object::text(arena, last, "apiVersion") != chain.version
    {
        return None;
    }
    let last_kind = object::kind_of(arena, last);
    let last_ty = object::type_of(chain.schemas, &last_kind).ok()?;
    strict(arena, last, &last_ty)?;
    check_same_type(&last_ty, &ty).ok()?;
    let fields = to_field_set(arena, last, &ty.schema, ty.id).ok()?.set;
    let changed = compare(arena, last, live, &ty.schema, ty.id, true).ok()?;
    Some(
        fields
            .difference(&changed.modified)
            .difference(&changed.added)
            .difference(&changed.removed),
    )
}
