//! Removing what a set names from a value, and keeping only that.

use crate::deep;
use crate::fieldpath::{FieldSet, Level, Path, PathElement, PathStack, SetBuilder, SetRef, token};
use crate::schema::{Compiled, FieldCursor, ListPart, MapPart, Schema, TypeId};
use crate::value::{AT_ONCE, Arena, Node, Tag};

use super::error::ValidationErrors;
use super::items::Identities;
use super::reconcile::reconcile;
use super::shape::{self, Handler};
use super::to_field_set::to_field_set;

/// The value without the paths of `set` and all below them; null when nothing is left.
///
/// A container that loses its last entry becomes null, an atomic one that a path leads into too.
/// n log n in the members and items on the way.
pub(crate) fn remove_items(
    arena: &mut Arena<'_>,
    value: Node,
    schema: &Schema,
    id: TypeId,
    set: &FieldSet,
) -> Node {
    select(arena, value, schema, id, set, Mode::Remove)
}

/// The paths of `set` alone; null when nothing is left.
pub(crate) fn extract_items(
    arena: &mut Arena<'_>,
    value: Node,
    schema: &Schema,
    id: TypeId,
    set: &FieldSet,
) -> Node {
    select(arena, value, schema, id, set, Mode::Extract)
}

/// As [`extract_items`], with the keys of the list items that `set` leads through.
pub(crate) fn extract_items_with_keys(
    arena: &mut Arena<'_>,
    value: Node,
    schema: &Schema,
    id: TypeId,
    set: &FieldSet,
) -> Node {
    let with_keys = match to_field_set(arena, value, schema, id) {
        Ok(fields) if set.as_set_ref().is_wide() || fields.set.as_set_ref().is_wide() => {
            let held = set.iter().filter(|path| fields.set.contains(path));
            set.union(&held.flat_map(|path| key_paths(&path)).collect())
        }
        Ok(fields) => set.union(&key_fields(&set.intersection(&fields.set))),
        Err(_) => set.clone(),
    };
    extract_items(arena, value, schema, id, &with_keys)
}

/// What an applier states who owns the fields of `set`: those that the value holds, with the keys
/// of their list items; null when nothing is left.
pub(crate) fn restate(
    arena: &mut Arena<'_>,
    value: Node,
    schema: &Schema,
    id: TypeId,
    set: &FieldSet,
) -> Result<Node, ValidationErrors> {
    // What became atomic since the set was stored is owned as a whole.
    let mended = reconcile(set, schema, id).ok().flatten();
    let set = mended.as_ref().unwrap_or(set);
    let held = to_field_set(arena, value, schema, id)?.set.with_prefixes();
    let stated = set.intersection(&held);
    let stated = stated.union(&key_fields(&stated)).leaves();
    Ok(select(arena, value, schema, id, &stated, Mode::State))
}

/// The key fields of every item on the paths of the set.
fn key_fields(set: &FieldSet) -> FieldSet {
    fn walk(set: SetRef<'_>, path: &mut PathStack, out: &mut SetBuilder) {
        for child in set.children() {
            path.push_token(child.text());
            for name in token::key_names(child.token) {
                path.push_field(&name);
                out.insert(path);
                path.pop();
            }
            walk(child.subset, path, out);
            path.pop();
        }
    }
    let mut out = SetBuilder::default();
    let mut path = PathStack::default();
    deep::with_stack(set.depth(), || walk(set.as_set_ref(), &mut path, &mut out));
    out.finish()
}

/// The paths of the key fields of every item on one path, in the reference's order, which makes a
/// difference among integers beyond 2^53.
fn key_paths(path: &Path) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut above: Vec<PathElement> = Vec::new();
    for element in path.elements() {
        above.push(element.clone());
        if let PathElement::Key(fields) = element {
            for (name, _) in fields {
                let field = PathElement::FieldName(name.clone());
                paths.push(above.iter().cloned().chain([field]).collect());
            }
        }
    }
    paths
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Remove,
    Extract,
    /// As extract, where a container that is owned without its contents is stated so that its
    /// applier owns it: an empty map, but null for a list, since who applies an empty one owns
    /// nothing.
    State,
}

fn select(
    arena: &mut Arena<'_>,
    value: Node,
    schema: &Schema,
    id: TypeId,
    set: &FieldSet,
    mode: Mode,
) -> Node {
    let depth = arena.depth();
    let mut walk =
        Select { schema: schema.tables(), arena, mode, scratch: String::new(), spare: vec![] };
    deep::with_stack(depth, || {
        let level = Level::of(set.as_set_ref());
        walk.value(id, value, &level)
    })
}

struct Select<'w, 't> {
    schema: &'w Compiled,
    arena: &'w mut Arena<'t>,
    mode: Mode,
    scratch: String,
    spare: Vec<Identities>,
}

impl<'w> Select<'w, '_> {
    fn value(&mut self, id: TypeId, value: Node, level: &Level<'_>) -> Node {
        let schema: &'w Compiled = self.schema;
        let atom = schema.atom(id);
        if atom.unresolved {
            return Node::NULL;
        }
        let (tag, whole) = match shape::handler_of(atom, value) {
            Some(Handler::Scalar(_)) => return value,
            Some(Handler::List(list)) => (Tag::List, list.is_atomic()),
            Some(Handler::Map(map)) => (Tag::Map, map.is_atomic()),
            None => return Node::NULL,
        };
        if value.tag() != tag {
            return Node::NULL;
        }
        if whole || value.count() == 0 {
            return if self.mode == Mode::Remove { Node::NULL } else { value };
        }
        match shape::handler_of(atom, value) {
            Some(Handler::List(list)) => self.list(list, value, level),
            Some(Handler::Map(map)) => self.map(map, value, level),
            _ => value,
        }
    }

    fn list(&mut self, list: &ListPart, value: Node, level: &Level<'_>) -> Node {
        let mut kept: Vec<Node> = Vec::with_capacity(value.count());
        let mut changed = false;
        let Select { schema, arena, spare, .. } = self;
        let items = Identities::of(spare, schema, arena, list, Some(value), |_, _| {});
        let found = items.find_in(level);
        for index in 0..value.count() {
            let item = self.arena.child(value, index);
            if index % AT_ONCE == 0
                && let Some(next) = found.as_ref().and_then(|all| all.get(index..index + AT_ONCE))
            {
                level.look_at(next.iter().copied());
            }
            let (exact, below) = match (&found, items.get(index)) {
                (Some(found), _) => level.at(found.get(index).copied().flatten()),
                // An item without a path element matches nothing.
                (None, "") => (false, None),
                (None, element) => level.find(element),
            };
            let selected = match (self.mode, exact, below) {
                (Mode::Remove, true, _) | (Mode::Extract | Mode::State, false, None) => None,
                (_, _, Some(below)) => Some(self.value(list.element, item, &Level::of(below))),
                (_, _, None) => Some(item),
            };
            match selected {
                Some(selected) => {
                    changed |= !selected.is_same(item);
                    kept.push(selected);
                }
                None => changed = true,
            }
        }
        self.spare.push(items);
        self.finish(Tag::List, value, &kept, changed)
    }

    fn map(&mut self, map: &MapPart, value: Node, level: &Level<'_>) -> Node {
        let mut kept: Vec<Node> = Vec::with_capacity(value.count());
        let mut changed = false;
        let mut fields = FieldCursor::new(self.schema, map);
        for index in 0..value.count() {
            let member = self.arena.child(value, index);
            let key = self.arena.key(member);
            let mut element = std::mem::take(&mut self.scratch);
            element.clear();
            token::write_field(&mut element, &key);
            let (exact, below) = level.find(&element);
            self.scratch = element;
            let (id, _) = fields.find(&key);
            let selected = match (self.mode, exact, below) {
                (Mode::Remove, true, _) | (Mode::Extract | Mode::State, false, None) => None,
                (Mode::State, true, None) => Some(self.value(id, member, &Level::default())),
                // The whole set is held against the member again, as if it were rooted there.
                (Mode::Extract, true, _) => Some(self.value(id, member, level)),
                (_, _, Some(below)) => Some(self.value(id, member, &Level::of(below))),
                (Mode::Remove, false, None) => Some(member),
            };
            match selected {
                Some(selected) => {
                    changed |= !selected.is_same(member);
                    kept.push(selected.with_key_of(member));
                }
                None => changed = true,
            }
        }
        self.finish(Tag::Map, value, &kept, changed)
    }

    fn finish(&mut self, tag: Tag, value: Node, kept: &[Node], changed: bool) -> Node {
        if !changed {
            value
        } else if kept.is_empty() && (self.mode != Mode::State || tag == Tag::List) {
            Node::NULL
        } else {
            self.arena.rebuild(tag, kept)
        }
    }
}
