//! Mending a stored set after its schema made something atomic.

use crate::deep;
use crate::fieldpath::{Child, FieldSet, Level, PathStack, SetBuilder, SetRef, token};
use crate::schema::{Compiled, FieldCursor, MapPart, Schema, TypeId};

use super::shape;

/// A set could not be held against its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("errors reconciling field set with schema: {path}{message}")]
pub struct ReconcileError {
    path: String,
    message: String,
}

/// Replaces all paths at and below what is atomic now by the one path of it. None when nothing
/// has to change. What became granular stays as it is. Linear in the set.
pub(crate) fn reconcile(
    set: &FieldSet,
    schema: &Schema,
    id: TypeId,
) -> Result<Option<FieldSet>, ReconcileError> {
    let is_as_it_should_be = || {
        let wide = set.as_set_ref().is_wide();
        !wide && deep::with_stack(set.depth(), || fits(schema.tables(), set.as_set_ref(), id))
    };
    if is_as_it_should_be() {
        return Ok(None);
    }
    let mut walk = Walk {
        schema: schema.tables(),
        path: PathStack::default(),
        collapsed: SetBuilder::default(),
        united: set.as_set_ref().is_wide().then(FieldSet::new),
        error: None,
    };
    deep::with_stack(set.depth(), || walk.node(set.as_set_ref(), id, false));
    if let Some(error) = walk.error {
        return Err(error);
    }
    let collapsed = walk.united.unwrap_or_else(|| walk.collapsed.finish());
    if collapsed.is_empty() {
        return Ok(None);
    }
    Ok(Some(set.recursive_difference(&collapsed).union(&collapsed)))
}

/// Whether there is nothing to mend, and nothing to tell of, in a set of names that can be told
/// apart: what [`Walk`] finds out, without a path.
fn fits(schema: &Compiled, set: SetRef<'_>, id: TypeId) -> bool {
    let atom = schema.atom(id);
    if atom.unresolved {
        return false;
    }
    if let Some(map) = &atom.map {
        if map.untyped_deduced {
            return true;
        }
        if map.is_atomic() {
            return set.is_empty();
        }
        let mut fields = FieldCursor::new(schema, map);
        let mut children = set.children();
        loop {
            let bytes = children.bytes();
            let Some(child) = children.next() else { return true };
            let id = match token::plain_field_name(child.token) {
                Some(name) => fields.find_in(bytes, 2, 2 + name.len()).0,
                None => match token::field_name(child.token) {
                    Some(name) => fields.find(&name).0,
                    None => map.element,
                },
            };
            if id != TypeId::EMPTY && !child_fits(schema, child, id) {
                return false;
            }
        }
    } else if atom.scalar != crate::schema::Scalar::None {
        true
    } else if let Some(list) = &atom.list {
        if list.is_atomic() {
            return false;
        }
        set.children().all(|child| child_fits(schema, child, list.element))
    } else {
        true
    }
}

#[inline]
fn child_fits(schema: &Compiled, child: Child<'_>, id: TypeId) -> bool {
    // What is owned as a whole fits whatever can hold anything.
    if child.member && child.subset.is_empty() {
        return !schema.atom(id).unresolved;
    }
    fits(schema, child.subset, id)
}

struct Walk<'s> {
    schema: &'s Compiled,
    path: PathStack,
    collapsed: SetBuilder,
    /// In the place of `collapsed` where integers beyond 2^53 may be among the elements: there it
    /// makes a difference that the reference unites what it finds below siblings pair by pair.
    united: Option<FieldSet>,
    error: Option<ReconcileError>,
}

impl Walk<'_> {
    /// `owned_whole`: the set has this path, and nothing below it.
    fn node(&mut self, set: SetRef<'_>, id: TypeId, owned_whole: bool) {
        let atom = self.schema.atom(id);
        if atom.unresolved {
            if self.error.is_none() {
                let mut path = String::new();
                self.path.write_display(&mut path);
                if !path.is_empty() {
                    path.push_str(": ");
                }
                let message = shape::unresolved_message(self.schema, id);
                self.error = Some(ReconcileError { path, message });
            }
            return;
        }
        if let Some(map) = &atom.map {
            if map.untyped_deduced {
                return;
            }
            if map.is_atomic() && !owned_whole {
                if !set.is_empty() {
                    self.collapse();
                }
                return;
            }
            self.map(set, map);
        } else if atom.scalar != crate::schema::Scalar::None {
        } else if let Some(list) = &atom.list {
            if list.is_atomic() && !owned_whole {
                self.collapse();
                return;
            }
            self.each(set, |walk, child| walk.child(child, list.element));
        }
    }

    fn map(&mut self, set: SetRef<'_>, map: &MapPart) {
        let mut fields = FieldCursor::new(self.schema, map);
        let schema = self.schema;
        self.each(set, |walk, child| {
            if set.is_wide() {
                // Fields do not come in order.
                fields = FieldCursor::new(schema, map);
            }
            let id = match token::field_name(child.token) {
                Some(name) => fields.find(&name).0,
                None => map.element,
            };
            if id != TypeId::EMPTY {
                walk.child(child, id);
            }
        });
    }

    fn each(&mut self, set: SetRef<'_>, mut visit: impl FnMut(&mut Self, Child<'_>)) {
        if set.is_wide() {
            Level::of(set).elements().for_each(|child| visit(self, child));
        } else {
            set.children().for_each(|child| visit(self, child));
        }
    }

    fn collapse(&mut self) {
        match &mut self.united {
            None => self.collapsed.insert(&self.path),
            Some(united) => {
                let mut only = SetBuilder::default();
                only.insert(&self.path);
                *united = only.finish();
            }
        }
    }

    fn child(&mut self, child: Child<'_>, id: TypeId) {
        self.path.push_token(child.text());
        let owned_whole = child.member && child.subset.is_empty();
        let before = self.united.as_mut().map(std::mem::take);
        self.node(child.subset, id, owned_whole);
        if let (Some(united), Some(before)) = (&mut self.united, before) {
            *united = before.union(united);
        }
        self.path.pop();
    }
}
