//! Defaults that a schema states.

use crate::deep;
use crate::schema::{Compiled, FieldCursor, FieldDefault, MapPart, Schemas, TypeId};
use crate::value::{Arena, MAX_DEPTH, Node, Tag, Value, ValueRef};

use super::defaults::Defaulter;
use super::object;

/// Fills in the defaults that merge schemas state: `default` of the fields of their maps.
///
/// The rules are those of custom resources. A field that is not there gets its default, which is
/// then filled in itself; so does one that is null, unless the schema says that it is `nullable`.
/// Every other value stays as it is. Items of lists and entries of maps are filled in, none are
/// added. `apiVersion`, `kind` and `metadata` of the object belong to the server and are left alone.
///
/// An object of a kind without a type stays as it is, and so does one of a kind that
/// is built into the crate: what the server fills in there is decided by code, and the defaults that
/// it publishes are mostly empty values that stand for fields which are always written.
///
/// ```
/// use managed_fields::fieldmanager::{Document, FieldManager, SchemaDefaults};
/// use managed_fields::schema::{GroupVersionKind, Schemas};
/// use managed_fields::{typed::parse_schema, value::Value};
///
/// let schema = parse_schema(&Value::from_json(r#"{"types":[{"name":"lamp","map":{"fields":[
///     {"name":"on","type":{"scalar":"boolean"},"default":false}]}}]}"#)?)?;
/// let mut schemas = Schemas::empty();
/// let kind = GroupVersionKind::new("example.com/v1", "Lamp");
/// schemas.insert(kind, schema.type_named("lamp").ok_or("no such type")?);
///
/// let defaults = SchemaDefaults::new(&schemas);
/// let fm = FieldManager::new(&schemas).defaulter(&defaults);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SchemaDefaults<'s> {
    schemas: &'s Schemas,
}

impl<'s> SchemaDefaults<'s> {
    /// The defaults of these types.
    pub fn new(schemas: &'s Schemas) -> SchemaDefaults<'s> {
        SchemaDefaults { schemas }
    }
}

/// Members of an object that no schema has a say in.
const OF_THE_SERVER: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Bytes that may be added: far more than any server stores, and few enough to be made at once.
const MAX_ADDED: usize = 64 * 1024 * 1024;

impl Defaulter for SchemaDefaults<'_> {
    /// Linear in the object, what is added to it and the defaults of its schema. Nothing is copied
    /// if nothing is to be added.
    ///
    /// # Errors
    /// A default that contains itself, more than 64 MiB of defaults, an object deeper than values
    /// may be.
    fn default(&self, object: ValueRef<'_>) -> Result<Option<Value>, String> {
        let (arena, root) = object.parts();
        let Some(ty) = self.schemas.find(&object::kind_of(arena, root)) else { return Ok(None) };
        let tables = ty.schema().tables();
        let Some(defaults) = &tables.defaults else { return Ok(None) };
        let depth = arena.depth();
        if !deep::with_stack(depth, || lacks(tables, arena, root, ty.id, true)) {
            return Ok(None);
        }
        let fill = |limit: usize| {
            let mut arena = arena.clone();
            let (document, list) = defaults.document.parts();
            let moved = arena.append(document).map_err(|_| Stopped::TooLarge)?;
            let mut filling = Filling {
                tables,
                list: moved.node(list),
                arena,
                states: vec![State::Untouched; defaults.fields.len()],
                added: 0,
                limit,
            };
            let root = filling.fill(root, ty.id, 0)?;
            Ok(filling.arena.detach(root))
        };
        let fill_within = |limit: usize| deep::with_stack(limit, || fill(limit));
        let json = match fill_within(depth.max(deep::ORDINARY_DEPTH)) {
            // Defaults may go deeper than the object: once more, with room for it.
            Err(Stopped::TooDeep) => fill_within(MAX_DEPTH),
            filled => filled,
        };
        let json = json.map_err(|stopped| stopped.to_string())?;
        Value::from_text(json).map(Some).map_err(|error| error.kind().to_string())
    }
}

/// What stands in a map that is filled in.
enum Slot {
    /// A member of it.
    Own(Node, TypeId),
    /// The default of this number, in the place of a null or of nothing.
    Default(usize, TypeId, Option<Node>),
}

/// The members of a map and the defaults of what it lacks, in the order of their keys.
struct Slots<'a> {
    tables: &'a Compiled,
    arena: &'a Arena<'a>,
    members: &'a [Node],
    cursor: FieldCursor<'a>,
    defaults: &'a [FieldDefault],
    /// The number of the next default.
    number: usize,
    is_root: bool,
}

impl<'a> Slots<'a> {
    fn new(
        tables: &'a Compiled,
        arena: &'a Arena<'a>,
        node: Node,
        map: &MapPart,
        is_root: bool,
    ) -> Slots<'a> {
        let (number, defaults) = tables.defaults(map);
        let cursor = FieldCursor::new(tables, map);
        Slots { tables, arena, members: arena.children(node), cursor, defaults, number, is_root }
    }

    fn is_left_alone(&self, name: &str) -> bool {
        self.is_root && OF_THE_SERVER.contains(&name)
    }

    fn own(&mut self, member: Node) -> Slot {
        let name = self.arena.key(member);
        let (id, _) = self.cursor.find(&name);
        Slot::Own(member, if self.is_left_alone(&name) { TypeId::EMPTY } else { id })
    }
}

impl Iterator for Slots<'_> {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        loop {
            let Some((default, more)) = self.defaults.split_first() else {
                let (member, rest) = self.members.split_first()?;
                self.members = rest;
                return Some(self.own(*member));
            };
            let field = self.tables.fields.get(default.field as usize)?;
            let name = self.tables.text(field.name);
            let mut replaced = None;
            if let Some((member, rest)) = self.members.split_first() {
                let order = self.arena.key(*member).as_ref().cmp(name);
                if order.is_le() {
                    self.members = rest;
                }
                if order.is_lt() {
                    return Some(self.own(*member));
                }
                replaced = order.is_eq().then_some(*member);
            }
            let number = self.number;
            (self.defaults, self.number) = (more, number + 1);
            match replaced {
                Some(member) if default.nullable || !member.is_null() => {
                    return Some(self.own(member));
                }
                Some(member) if self.is_left_alone(name) => return Some(self.own(member)),
                None if self.is_left_alone(name) => {}
                replaced => return Some(Slot::Default(number, field.type_id, replaced)),
            }
        }
    }
}

/// Whether the value lacks something that there is a default for.
fn lacks(tables: &Compiled, arena: &Arena<'_>, node: Node, id: TypeId, is_root: bool) -> bool {
    let atom = tables.atom(id);
    match (node.tag(), &atom.map, &atom.list) {
        (Tag::Map, Some(map), _) => {
            Slots::new(tables, arena, node, map, is_root).any(|slot| match slot {
                Slot::Own(member, id) => lacks(tables, arena, member, id, false),
                Slot::Default(..) => true,
            })
        }
        (Tag::List, _, Some(list)) => {
            let mut items = arena.children(node).iter();
            items.any(|item| lacks(tables, arena, *item, list.element, false))
        }
        _ => false,
    }
}

/// Why nothing can be filled in.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the default of {0:?} contains itself")]
    Endless(String),
    #[error("the defaults make the object too large")]
    TooLarge,
    #[error("nesting deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// How far a default is filled in itself.
#[derive(Clone, Copy)]
enum State {
    Untouched,
    Open,
    /// With the bytes that it adds to an object.
    Done(Node, usize),
}

/// Values on their way to being filled in.
struct Filling<'f, 't> {
    tables: &'f Compiled,
    arena: Arena<'t>,
    /// All defaults, in the arena.
    list: Node,
    /// By the number of the default.
    states: Vec<State>,
    /// Bytes added so far.
    added: usize,
    /// Levels that the stack has room for.
    limit: usize,
}

impl Filling<'_, '_> {
    fn fill(&mut self, node: Node, id: TypeId, level: usize) -> Result<Node, Stopped> {
        if level > self.limit {
            return Err(Stopped::TooDeep);
        }
        let tables = self.tables;
        let atom = tables.atom(id);
        let mut children = Vec::with_capacity(node.count());
        match (node.tag(), &atom.map, &atom.list) {
            (Tag::Map, Some(map), _) => {
                let slots: Vec<Slot> =
                    Slots::new(tables, &self.arena, node, map, level == 0).collect();
                for slot in slots {
                    children.push(match slot {
                        Slot::Own(member, id) => self.fill(member, id, level + 1)?,
                        Slot::Default(number, id, replaced) => {
                            let default = self.default(number, id, level + 1)?;
                            replaced.map_or(default, |null| default.with_key_of(null))
                        }
                    });
                }
            }
            (Tag::List, _, Some(list)) => {
                for item in self.arena.children(node).to_vec() {
                    children.push(self.fill(item, list.element, level + 1)?);
                }
            }
            _ => return Ok(node),
        }
        let before = self.arena.children(node);
        if before.len() == children.len()
            && before.iter().zip(&children).all(|(before, after)| before.is_same(*after))
        {
            return Ok(node);
        }
        Ok(self.arena.rebuild(node.tag(), &children).with_key_of(node))
    }

    /// The default of this number, filled in: it is the same wherever it stands.
    fn default(&mut self, number: usize, id: TypeId, level: usize) -> Result<Node, Stopped> {
        let member = self.arena.child(self.arena.child(self.list, number), 0);
        match self.states.get(number) {
            Some(State::Done(node, bytes)) => {
                let (node, bytes) = (*node, *bytes);
                self.add(bytes)?;
                return Ok(node);
            }
            Some(State::Untouched) => self.set(number, State::Open),
            _ => return Err(Stopped::Endless(self.arena.key(member).into_owned())),
        }
        let before = self.added;
        self.add(self.arena.raw_key(member).len() + self.arena.span(member).len())?;
        let node = self.fill(member, id, level)?;
        self.set(number, State::Done(node, self.added - before));
        Ok(node)
    }

    fn set(&mut self, number: usize, state: State) {
        if let Some(slot) = self.states.get_mut(number) {
            *slot = state;
        }
    }

    fn add(&mut self, bytes: usize) -> Result<(), Stopped> {
        self.added = self.added.saturating_add(bytes);
        if self.added > MAX_ADDED { Err(Stopped::TooLarge) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;
    use crate::schema::GroupVersionKind;
    use crate::typed::parse_schema;

    fn value(json: &str) -> Value {
        Value::from_json(json).unwrap_or_else(|error| panic!("{error} in {json}"))
    }

    fn schemas(types: &str) -> Schemas {
        let document = value(&format!(r#"{{"types":[{types}]}}"#));
        let schema = parse_schema(&document).unwrap_or_else(|error| panic!("{error}"));
        let Some(ty) = schema.type_named("x") else { panic!("no type x in {document}") };
        let mut schemas = Schemas::empty();
        schemas.insert(GroupVersionKind::new("v1", "X"), ty);
        schemas
    }

    /// A type of these fields, at `spec`.
    fn fields(fields: &str) -> Schemas {
        schemas(&format!(
            r#"{{"name":"x","map":{{"fields":[{{"name":"spec","type":{{"map":{{"fields":[{fields}]}}}}}}]}}}}"#
        ))
    }

    fn filled(schemas: &Schemas, members: &str) -> Result<Option<String>, String> {
        let object = value(&format!(r#"{{"apiVersion":"v1","kind":"X"{members}}}"#));
        let filled = SchemaDefaults::new(schemas).default(object.as_ref())?;
        let front = r#"{"apiVersion":"v1","kind":"X""#;
        Ok(filled.map(|value| {
            let json = value.to_json();
            match json.strip_prefix(front).and_then(|json| json.strip_suffix('}')) {
                Some(members) => members.to_owned(),
                None => panic!("{json} does not begin with {front}"),
            }
        }))
    }

    #[track_caller]
    fn assert_spec(schemas: &Schemas, before: &str, after: Option<&str>) {
        let member = |spec: &str| format!(r#","spec":{spec}"#);
        assert_eq!(filled(schemas, &member(before)), Ok(after.map(member)), "{before}");
    }

    #[test]
    fn what_is_missing_is_filled_in_and_nothing_else_changes() {
        let schemas = fields(
            r#"{"name":"b","type":{"scalar":"string"},"default":"B"},
               {"name":"a","type":{"scalar":"numeric"},"default":1.0},
               {"name":"c","type":{"scalar":"string"}}"#,
        );
        assert_spec(&schemas, "{}", Some(r#"{"a":1,"b":"B"}"#));
        assert_spec(
            &schemas,
            r#"{"z":1,"b":"x","\u0061a":2}"#,
            Some(r#"{"z":1,"b":"x","aa":2,"a":1}"#),
        );
        assert_spec(&schemas, r#"{"a":0,"b":""}"#, None);
        assert_spec(&schemas, r#"{"a":{},"b":[]}"#, None);
        // The map itself has no default.
        assert_eq!(filled(&schemas, ""), Ok(None));
        assert_spec(&schemas, "null", None);
        assert_spec(&schemas, r#"[{}]"#, None);
        assert_spec(&schemas, "7", None);
    }

    #[test]
    fn null_gives_way_to_a_default_unless_it_is_a_value() {
        let schemas = fields(
            r#"{"name":"a","type":{"scalar":"string"},"default":"A"},
               {"name":"b","type":{"scalar":"string","nullable":true},"default":"B"},
               {"name":"c","type":{"scalar":"string"}},
               {"name":"d","type":{"scalar":"string"},"default":null}"#,
        );
        assert_spec(
            &schemas,
            r#"{"c":null,"b":null,"a":null,"d":null}"#,
            Some(r#"{"c":null,"b":null,"a":"A","d":null}"#),
        );
        assert_spec(&schemas, "{}", Some(r#"{"a":"A","b":"B"}"#));
    }

    #[test]
    fn defaults_items_and_entries_are_filled_in_themselves() {
        let inner = r#"{"map":{"fields":[{"name":"n","type":{"scalar":"numeric"},"default":7}]}}"#;
        let schemas = fields(&format!(
            r#"{{"name":"made","type":{inner},"default":{{}}}},
               {{"name":"list","type":{{"list":{{"elementRelationship":"atomic","elementType":{inner}}}}}}},
               {{"name":"map","type":{{"map":{{"elementType":{inner}}}}}}}"#
        ));
        assert_spec(&schemas, "{}", Some(r#"{"made":{"n":7}}"#));
        let stated = r#"{"made":{"n":1},"list":[{"n":2},null,{}],"map":{"k":{},"l":null}}"#;
        let whole =
            r#"{"made":{"n":1},"list":[{"n":2},null,{"n":7}],"map":{"k":{"n":7},"l":null}}"#;
        assert_spec(&schemas, stated, Some(whole));
        assert_spec(&schemas, whole, None);
    }

    #[test]
    fn what_the_server_sets_is_left_alone() {
        let schemas = schemas(
            r#"{"name":"x","map":{"fields":[
                {"name":"apiVersion","type":{"scalar":"string"},"default":""},
                {"name":"kind","type":{"scalar":"string"},"default":""},
                {"name":"metadata","type":{"namedType":"meta"},"default":{}},
                {"name":"spec","type":{"namedType":"meta"},"default":{}}]}},
               {"name":"meta","map":{"fields":[
                {"name":"kind","type":{"scalar":"string"},"default":"K"}]}}"#,
        );
        let spec = r#","spec":{"kind":"K"}"#;
        assert_eq!(filled(&schemas, ""), Ok(Some(spec.to_owned())));
        for metadata in [r#","metadata":{}"#, r#","metadata":null"#] {
            let whole = format!("{metadata}{spec}");
            assert_eq!(filled(&schemas, metadata), Ok(Some(whole.clone())));
            assert_eq!(filled(&schemas, &whole), Ok(None));
        }
    }

    #[test]
    fn fields_of_an_overridden_type_keep_their_defaults() {
        let schemas = schemas(
            r#"{"name":"x","map":{"fields":[
                {"name":"spec","type":{"namedType":"s","elementRelationship":"atomic"}}]}},
               {"name":"s","map":{"fields":[{"name":"a","type":{"scalar":"string"},"default":"A"}]}}"#,
        );
        assert_spec(&schemas, "{}", Some(r#"{"a":"A"}"#));
    }

    #[test]
    fn kinds_without_a_type_or_defaults_have_nothing_to_fill_in() {
        let object = value(r#"{"apiVersion":"v2","kind":"X","spec":{}}"#);
        let schemas = fields(r#"{"name":"a","type":{"scalar":"string"},"default":"A"}"#);
        assert!(matches!(SchemaDefaults::new(&schemas).default(object.as_ref()), Ok(None)));
        let none = fields(r#"{"name":"a","type":{"scalar":"string"}}"#);
        assert_spec(&none, "{}", None);
    }

    #[test]
    #[cfg(feature = "builtin-schemas")]
    fn built_in_kinds_have_nothing_to_fill_in() {
        let schemas = Schemas::builtin();
        let pod = r#"{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"ports":[{}]}]}}"#;
        let pod = value(pod);
        assert!(matches!(SchemaDefaults::new(&schemas).default(pod.as_ref()), Ok(None)));
    }

    /// A type of maps, each the default of a field of the one before.
    fn chain(levels: usize, names: &[&str], last: &str) -> Schemas {
        let types: Vec<String> = (0..levels)
            .map(|level| {
                let next = if level + 1 < levels { format!("t{}", level + 1) } else { last.into() };
                let fields: Vec<String> = names
                    .iter()
                    .map(|name| {
                        format!(
                            r#"{{"name":"{name}","type":{{"namedType":"{next}"}},"default":{{}}}}"#
                        )
                    })
                    .collect();
                let name = if level == 0 { "x".to_owned() } else { format!("t{level}") };
                format!(r#"{{"name":"{name}","map":{{"fields":[{}]}}}}"#, fields.join(","))
            })
            .collect();
        schemas(&types.join(","))
    }

    #[test]
    fn defaults_without_end_are_refused() {
        let refused = Err("the default of \"a\" contains itself".to_owned());
        assert_eq!(filled(&chain(3, &["a"], "t1"), ""), refused);
    }

    #[test]
    fn defaults_that_grow_without_measure_are_refused() {
        let refused = Err("the defaults make the object too large".to_owned());
        assert_eq!(filled(&chain(60, &["a", "b"], "none"), ""), refused);
        let whole = filled(&chain(8, &["a", "b"], "none"), "");
        let empty = whole.map(|whole| whole.map(|whole| whole.matches("{}").count()));
        assert_eq!(empty, Ok(Some(1 << 8)));
    }

    #[test]
    fn defaults_may_be_deep_but_no_deeper_than_values() {
        let deep = filled(&chain(5_000, &["a"], "none"), "");
        let levels = deep.map(|deep| deep.map(|deep| deep.matches("\"a\"").count()));
        assert_eq!(levels, Ok(Some(5_000)));
        let refused = Err("nesting deeper than 10000 levels".to_owned());
        assert_eq!(filled(&chain(10_002, &["a"], "none"), ""), refused);
    }
}
