//! Whether a value is of its type.

use crate::deep;
use crate::fieldpath::PathStack;
use crate::schema::{
    Compiled, ElementRelationship, FieldCursor, ListPart, MapPart, Scalar, Schema, TypeId,
};
use crate::value::{Arena, Node, Tag};

use super::error::{Trail, Untold, ValidationErrors};
use super::items::{Identities, has_token, write_item_token};
use super::shape::{self, Handler};

/// What to do about items of an associative list that have the same identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Duplicates {
    /// They are errors, as in an apply configuration.
    Refuse,
    /// They are accepted, as in an object that is stored already.
    Allow,
}

/// Checks a value against a type. Null is right for every type, except as an item of an
/// associative list. One walk; linear in the value.
pub(crate) fn validate(
    arena: &Arena<'_>,
    value: Node,
    schema: &Schema,
    id: TypeId,
    duplicates: Duplicates,
) -> Result<(), ValidationErrors> {
    let schema = schema.tables();
    deep::with_stack(arena.depth(), || {
        problems::<Untold>(arena, value, schema, id, duplicates)
            .or_else(|_| problems::<PathStack>(arena, value, schema, id, duplicates))
    })
}

/// As [`validate`], without telling what is wrong; for values that are not deep, or where there is
/// room for them.
pub(super) fn is_valid(
    arena: &Arena<'_>,
    value: Node,
    schema: &Compiled,
    id: TypeId,
    duplicates: Duplicates,
) -> bool {
    problems::<Untold>(arena, value, schema, id, duplicates).is_ok()
}

fn problems<P: Trail>(
    arena: &Arena<'_>,
    value: Node,
    schema: &Compiled,
    id: TypeId,
    duplicates: Duplicates,
) -> Result<(), ValidationErrors> {
    let (path, errors) = (P::default(), ValidationErrors::default());
    let mut walk = Validation { schema, arena, duplicates, path, errors, spare: Vec::new() };
    walk.value(id, value);
    walk.errors.into_result(())
}

/// How often what takes anything changes its type at most: from what elements of records of ownership
/// are to what objects without a schema are, and to what is in lists of those.
const CHANGES: u8 = 2;

struct Validation<'w, 't, P> {
    schema: &'w Compiled,
    arena: &'w Arena<'t>,
    duplicates: Duplicates,
    path: P,
    errors: ValidationErrors,
    spare: Vec<Identities>,
}

impl<P: Trail> Validation<'_, '_, P> {
    fn value(&mut self, id: TypeId, value: Node) {
        let atom = self.schema.atom(id);
        if !atom.unresolved && shape::is_scalar(atom, value.tag()) {
            return;
        }
        if atom.unresolved {
            self.errors.push(&self.path, shape::unresolved_message(self.schema, id));
            return;
        }
        if matches!(value.tag(), Tag::Map | Tag::List) {
            if self.takes_anything(id, CHANGES) {
                return;
            }
            if value.is_unread() {
                let map = atom.map.filter(|map| map.field_count == 0);
                if !map.is_some_and(|map| self.takes_anything(map.element, CHANGES)) {
                    self.errors.push(&self.path, "not read");
                }
                return;
            }
        }
        match shape::handler_of(atom, value) {
            Some(Handler::Map(map)) => self.map(map, value),
            Some(Handler::Scalar(atom)) => {
                if let Some(problem) = shape::scalar_problem(self.schema, atom, self.arena, value) {
                    self.errors.push(&self.path, problem);
                }
            }
            Some(Handler::List(list)) => self.list(list, value),
            None => self.errors.push(&self.path, shape::invalid_atom_message(self.schema, id)),
        }
    }

    /// Whether nothing can be wrong with a value of this type: what is below it is of the same type,
    /// or, so many times, of another such one. So are custom resources without a schema, and the records of
    /// what managers own.
    fn takes_anything(&self, id: TypeId, changes: u8) -> bool {
        let atom = self.schema.atom(id);
        let (Some(list), Some(map)) = (&atom.list, &atom.map) else { return false };
        let takes =
            |element| element == id || changes > 0 && self.takes_anything(element, changes - 1);
        atom.scalar == Scalar::Untyped
            && list.relationship != ElementRelationship::Associative
            && map.field_count == 0
            && takes(map.element)
            && takes(list.element)
    }

    fn map(&mut self, map: &MapPart, value: Node) {
        match value.tag() {
            Tag::Null => return,
            Tag::Map => {}
            _ => {
                self.errors.push(&self.path, shape::expected(self.arena, "map", value));
                return;
            }
        }
        let arena = self.arena;
        let mut fields = FieldCursor::new(self.schema, map);
        for member in arena.children(value) {
            let (id, declared) = if !P::IS_KEPT && member.has_plain_key() {
                let (text, start, end) = arena.key_in_text(*member);
                fields.find_in(text.as_bytes(), start, end)
            } else {
                let key = arena.key(*member);
                self.path.push_field(&key);
                fields.find(&key)
            };
            if !declared && id == TypeId::EMPTY {
                self.errors.push(&self.path, "field not declared in schema");
                self.path.pop();
                // The reference leaves the map at the first such member.
                return;
            }
            let atom = self.schema.atom(id);
            if !P::IS_KEPT && !atom.unresolved && shape::is_scalar(atom, member.tag()) {
                continue;
            }
            self.value(id, *member);
            self.path.pop();
        }
    }

    fn list(&mut self, list: &ListPart, value: Node) {
        match value.tag() {
            Tag::Null => return,
            Tag::List => {}
            _ => {
                self.errors.push(&self.path, shape::expected(self.arena, "list", value));
                return;
            }
        }
        if list.relationship != ElementRelationship::Associative {
            for (index, item) in self.arena.children(value).iter().enumerate() {
                self.path.push_index(index as i64);
                self.value(list.element, *item);
                self.path.pop();
            }
            return;
        }
        let (schema, arena) = (self.schema, self.arena);
        if !P::IS_KEPT && self.duplicates == Duplicates::Allow {
            // Which items they are does not matter.
            for item in arena.children(value) {
                if !has_token(schema, arena, list, *item) {
                    return self.errors.push(&self.path, "");
                }
                self.value(list.element, *item);
            }
            return;
        }
        let identities =
            Identities::of(&mut self.spare, schema, arena, list, Some(value), |_, _| {});
        let firsts = match self.duplicates {
            Duplicates::Refuse if identities.len() > 1 => Some(identities.firsts().0),
            _ => None,
        };
        for (index, item) in self.arena.children(value).iter().enumerate() {
            let token = identities.get(index);
            if token.is_empty() {
                let mut scratch = String::new();
                let reason = write_item_token(self.schema, self.arena, list, *item, &mut scratch);
                let reason = reason.err().unwrap_or_default();
                self.errors.push(&self.path, format!("element {index}: {reason}"));
                // The rest of the list stays unchecked, as in the reference.
                return;
            }
            let first = firsts.as_ref().and_then(|firsts| firsts.get(index));
            if first.is_some_and(|first| *first as usize != index) {
                let mut message = String::from("duplicate entries for key ");
                crate::fieldpath::token::write_display(&mut message, token);
                self.errors.push(&self.path, message);
            }
            self.path.push_token(token);
            self.value(list.element, *item);
            self.path.pop();
        }
        self.spare.push(identities);
    }
}
