//! The struct fields that lead to the members of a set.

use crate::deep;
use crate::fieldpath::{FieldSet, SetRef, token};
use crate::schema::{Compiled, FieldCursor, Schema, TypeId};

/// Adds to a set every declared field on the way to its members: not the items of lists, not the
/// entries of plain maps.
pub(crate) fn ensure_named_fields_are_members(
    set: &FieldSet,
    schema: &Schema,
    id: TypeId,
) -> FieldSet {
    let mut walk = Walk { schema: schema.tables(), members: Vec::new() };
    deep::with_stack(set.depth(), || walk.node(set.as_set_ref(), id));
    set.with_members(walk.members)
}

struct Walk<'s> {
    schema: &'s Compiled,
    /// For each element met so far, whether the path that ends there is a member.
    members: Vec<bool>,
}

impl Walk<'_> {
    fn node(&mut self, set: SetRef<'_>, id: TypeId) {
        let atom = self.schema.atom(id);
        let (map, list) = if atom.unresolved { (None, None) } else { (atom.map, atom.list) };
        let mut fields = map.as_ref().map(|map| FieldCursor::new(self.schema, map));
        for child in set.children() {
            let (below, declared) = match (token::field_name(child.token), &mut fields) {
                (Some(name), Some(fields)) => fields.find(&name),
                (None, _) if token::is_key(child.token) => {
                    (list.map_or(TypeId::EMPTY, |list| list.element), false)
                }
                _ => (TypeId::EMPTY, false),
            };
            self.members.push(child.member || (declared && !child.subset.is_empty()));
            self.node(child.subset, below);
        }
    }
}
