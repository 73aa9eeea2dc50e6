//! The paths of a set that a type has no place for.

use crate::deep;
use crate::fieldpath::{FieldSet, PathStack, SetBuilder, SetRef, token};
use crate::schema::{Compiled, FieldCursor, ListPart, Schema, TypeId};

/// The paths of a set that no value of the type can have: of fields that are not declared, and of
/// items that the list does not tell apart this way. What is below something atomic is part of it.
/// Linear in the set.
pub(crate) fn undeclared(set: &FieldSet, schema: &Schema, id: TypeId) -> FieldSet {
    let mut walk =
        Walk { schema: schema.tables(), path: PathStack::default(), out: SetBuilder::default() };
    deep::with_stack(set.depth(), || walk.node(set.as_set_ref(), id));
    walk.out.finish()
}

struct Walk<'s> {
    schema: &'s Compiled,
    path: PathStack,
    out: SetBuilder,
}

impl Walk<'_> {
    fn node(&mut self, set: SetRef<'_>, id: TypeId) {
        let atom = self.schema.atom(id);
        if atom.unresolved {
            return;
        }
        let is_atomic = atom.map.is_some_and(|map| map.is_atomic());
        let mut fields = atom.map.as_ref().map(|map| FieldCursor::new(self.schema, map));
        for child in set.children() {
            let below = match (token::field_name(child.token), &mut fields) {
                (Some(_), Some(_)) if is_atomic => continue,
                (Some(name), Some(fields)) => match fields.find(&name) {
                    (TypeId::EMPTY, false) => None,
                    (id, _) => Some(id),
                },
                (Some(_), None) => None,
                (None, _) => match &atom.list {
                    Some(list) if list.is_atomic() => continue,
                    Some(list) => self.tells_apart(list, child.token).then_some(list.element),
                    None => None,
                },
            };
            self.path.push_token(child.text());
            match below {
                Some(id) => self.node(child.subset, id),
                None => {
                    if child.member {
                        self.out.insert(&self.path);
                    }
                    self.all(child.subset);
                }
            }
            self.path.pop();
        }
    }

    fn tells_apart(&self, list: &ListPart, item: &[u8]) -> bool {
        let keys = self.schema.sorted_keys(list);
        if !token::is_key(item) {
            return keys.is_empty();
        }
        let mut names = token::key_names(item);
        names.sort_unstable();
        names.len() == keys.len()
            && names.iter().zip(keys).all(|(name, key)| *name == self.schema.text(key.name))
    }

    fn all(&mut self, set: SetRef<'_>) {
        for child in set.children() {
            self.path.push_token(child.text());
            if child.member {
                self.out.insert(&self.path);
            }
            self.all(child.subset);
            self.path.pop();
        }
    }
}
