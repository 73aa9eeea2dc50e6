//! Schemas, values by schema, sets of paths and histories of managers.

use managed_fields::fieldpath::{FieldSet, Path, PathElement};
use managed_fields::schema::{GroupVersionKind, Schemas, Type};
use managed_fields::typed::{TypedValue, parse_schema};
use managed_fields::value::Value;
use proptest::prelude::*;
use proptest::sample::select;

use crate::parsers;

pub(crate) fn json(text: &str) -> Value {
    Value::from_json(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The type of `spec` below; every operation of a test must use the same clone of it.
pub(crate) fn spec_type() -> Type {
    parse_schema(&json(parsers::SCHEMA)).unwrap().type_named("spec").unwrap()
}

pub(crate) fn schemas() -> Schemas {
    let mut schemas = Schemas::deduced();
    let object = parse_schema(&json(parsers::SCHEMA)).unwrap().type_named("object").unwrap();
    schemas.insert(GroupVersionKind::new(parsers::API_VERSION, parsers::KIND), object);
    schemas
}

pub(crate) fn typed(ty: &Type, text: &str) -> TypedValue {
    TypedValue::new(json(text), ty.clone()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What values may hold besides plain content.
#[derive(Clone, Copy)]
pub(crate) struct Spice {
    pub(crate) nulls: bool,
    pub(crate) empties: bool,
    /// Entries of maps that change their shape from value to value.
    pub(crate) free: bool,
}

pub(crate) const PLAIN: Spice = Spice { nulls: false, empties: false, free: false };
/// No empty containers. Laws of repeated applies need that of the reference: an empty list claims
/// nothing, and a container that loses its last entry to pruning becomes null and not empty. So
/// applying `{"set":[]}` over one's own `{"set":["a"]}` makes `set` null, doing it again makes it
/// `[]`, and who is the second to apply an empty map may conflict with the first.
pub(crate) const SOLID: Spice = Spice { nulls: true, empties: false, free: true };
pub(crate) const SPICED: Spice = Spice { nulls: true, empties: true, free: true };

type Json = BoxedStrategy<String>;

fn text() -> Json {
    select(vec![r#""a""#, r#""b""#, r#""c d""#, r#""é\"<\u0000""#]).prop_map(String::from).boxed()
}

fn number() -> Json {
    select(vec!["0", "1", "1.0", "-2", "2.5", "1000000", "1e6", "0.0000001"])
        .prop_map(String::from)
        .boxed()
}

fn flag() -> Json {
    select(vec!["true", "false"]).prop_map(String::from).boxed()
}

fn join(open: char, parts: &[String], close: char) -> String {
    format!("{open}{}{close}", parts.join(","))
}

impl Spice {
    fn or_null(self, value: Json) -> Json {
        if self.nulls {
            prop_oneof![8 => value, 1 => Just("null".to_owned())].boxed()
        } else {
            value
        }
    }

    fn least(self) -> usize {
        usize::from(!self.empties)
    }

    /// Any of the fields, in their order or the other way round.
    fn fields(self, fields: Vec<(&'static str, Json)>) -> Json {
        let fields: Vec<BoxedStrategy<Option<String>>> = fields
            .into_iter()
            .map(|(name, value)| {
                let member =
                    self.or_null(value).prop_map(move |value| format!("\"{name}\":{value}"));
                proptest::option::weighted(0.4, member).boxed()
            })
            .collect();
        let empties = self.empties;
        (fields, any::<bool>())
            .prop_map(|(fields, turned)| {
                let mut fields: Vec<String> = fields.into_iter().flatten().collect();
                if turned {
                    fields.reverse();
                }
                fields
            })
            .prop_filter("empty", move |fields| empties || !fields.is_empty())
            .prop_map(|fields| join('{', &fields, '}'))
            .boxed()
    }

    fn map(self, value: Json) -> Json {
        let entry = (select(vec!["a", "b", "c", "x.y/z"]), self.or_null(value));
        proptest::collection::btree_map(entry.0, entry.1, self.least()..4)
            .prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                join('{', &members, '}')
            })
            .boxed()
    }

    fn set(self, item: Json) -> Json {
        proptest::collection::vec(item, self.least()..5)
            .prop_map(|items| {
                let mut seen: Vec<(String, Value)> = Vec::new();
                for item in items {
                    let value = json(&item);
                    if !seen.iter().any(|(_, other)| *other == value) {
                        seen.push((item, value));
                    }
                }
                join('[', &seen.into_iter().map(|(item, _)| item).collect::<Vec<_>>(), ']')
            })
            .boxed()
    }

    fn list(self, item: Json) -> Json {
        proptest::collection::vec(item, self.least()..4)
            .prop_map(|items| join('[', &items, ']'))
            .boxed()
    }

    /// Items with these members in front; those that would repeat a key are left out.
    fn keyed(self, key: BoxedStrategy<Vec<String>>, rest: Vec<(&'static str, Json)>) -> Json {
        let rest = Spice { empties: true, ..self }.fields(rest);
        proptest::collection::vec((key, rest), self.least()..5)
            .prop_map(|items| {
                let mut keys: Vec<Vec<String>> = Vec::new();
                let mut out = Vec::new();
                for (key, rest) in items {
                    if !keys.contains(&key) {
                        let stated = key.iter().filter(|member| !member.starts_with('!'));
                        let rest = rest.trim_matches(['{', '}']).to_owned();
                        let rest = (!rest.is_empty()).then_some(rest);
                        let members: Vec<String> = stated.cloned().chain(rest).collect();
                        out.push(join('{', &members, '}'));
                        keys.push(key);
                    }
                }
                join('[', &out, ']')
            })
            .boxed()
    }

    fn item(self, depth: u32) -> Json {
        let name = select(vec!["a", "b", "c", "d"])
            .prop_map(|name| vec![format!("\"name\":\"{name}\"")])
            .boxed();
        let mut rest = vec![("value", number()), ("tags", self.set(text()))];
        if depth > 0 {
            rest.push(("parts", self.item(depth - 1)));
        }
        self.keyed(name, rest)
    }

    /// Ports 80 and 81 by two protocols, of which one need not be written.
    fn ports(self) -> Json {
        let key = (select(vec!["80", "81"]), select(vec!["\"protocol\":\"UDP\"", "!TCP"]))
            .prop_map(|(port, protocol)| vec![format!("\"port\":{port}"), protocol.to_owned()])
            .boxed();
        self.keyed(key, vec![("name", text())])
    }

    fn free(self) -> Json {
        let leaf = prop_oneof![text(), number(), flag()].boxed();
        let list = self.list(leaf.clone());
        let inner = self.map(leaf.clone());
        self.map(prop_oneof![leaf, list, inner].boxed())
    }

    /// A value of the type `spec`.
    pub(crate) fn spec(self) -> Json {
        self.spec_to(1)
    }

    fn spec_to(self, depth: u32) -> Json {
        let scalars = self.fields(vec![("a", text()), ("b", number())]);
        let mut fields = vec![
            ("number", number()),
            ("text", text()),
            ("flag", flag()),
            ("any", prop_oneof![text(), number(), flag()].boxed()),
            ("set", self.set(text())),
            ("numbers", self.set(number())),
            ("items", self.item(1)),
            ("ports", self.ports()),
            ("map", self.map(text())),
            ("struct", scalars.clone()),
            ("atomicList", self.list(text())),
            ("atomicMap", self.map(number())),
            ("atomicStruct", scalars),
        ];
        if self.free {
            fields.push(("free", self.free()));
        }
        if depth > 0 {
            fields.push(("nested", self.map(self.spec_to(depth - 1))));
        }
        self.fields(fields)
    }

    /// An object of the kind that [`schemas`] knows.
    pub(crate) fn object(self) -> Json {
        (self.map(text()), self.spec())
            .prop_map(|(labels, spec)| {
                let (version, kind) = (parsers::API_VERSION, parsers::KIND);
                format!(
                    r#"{{"apiVersion":"{version}","kind":"{kind}","metadata":{{"name":"x","labels":{labels}}},"spec":{spec}}}"#
                )
            })
            .boxed()
    }
}

/// Any JSON, of scalars that are equal across spellings and kinds.
pub(crate) fn any_json() -> Json {
    let leaf = prop_oneof![
        text(),
        number(),
        flag(),
        Just("null".to_owned()),
        select(vec!["-0.0", "1e20", "-9223372036854775808", r#""\ud83d\ude80""#, r#""""#])
            .prop_map(String::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let spice = Spice { nulls: false, empties: true, free: false };
        prop_oneof![spice.list(inner.clone().boxed()), spice.map(inner.boxed())]
    })
    .boxed()
}

fn element() -> BoxedStrategy<PathElement> {
    let names = vec!["a", "b", "spec", "", ".", "f:a", "a\"b\\", "é<&>\u{2028}", "\n"];
    let scalar = prop_oneof![text(), number(), flag()].prop_map(|text| json(&text));
    let keyed = proptest::collection::btree_map(
        select(vec!["name", "port", "x\"<"]).prop_map(String::from),
        scalar.clone(),
        1..3,
    );
    prop_oneof![
        4 => select(names).prop_map(|name| PathElement::FieldName(name.to_owned())),
        2 => keyed.prop_map(PathElement::key),
        2 => scalar.prop_map(PathElement::Value),
        1 => (-1i64..3).prop_map(PathElement::Index),
    ]
    .boxed()
}

pub(crate) fn path() -> BoxedStrategy<Path> {
    proptest::collection::vec(element(), 1..4).prop_map(Path::new).boxed()
}

/// Paths of a small world, so that two lists of them share some and nest.
pub(crate) fn paths() -> BoxedStrategy<Vec<Path>> {
    let small = proptest::collection::vec(
        select(vec!["a", "b", "c"]).prop_map(|name| PathElement::FieldName(name.to_owned())),
        1..4,
    )
    .prop_map(Path::new);
    proptest::collection::vec(prop_oneof![2 => path(), 3 => small], 0..10).boxed()
}

pub(crate) fn set() -> BoxedStrategy<FieldSet> {
    paths().prop_map(|paths| paths.into_iter().collect()).boxed()
}

/// What one manager does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Apply { manager: String, version: &'static str, value: String, force: bool },
    Update { manager: String, version: &'static str, value: String },
}

/// What several managers do one after the other to an object of which nobody owns anything.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) start: String,
    pub(crate) steps: Vec<Step>,
    /// Whether objects are checked between steps, so that operations need not check them again.
    pub(crate) checked: bool,
}

pub(crate) fn history(value: Json) -> BoxedStrategy<History> {
    let who = (0..3u8, select(vec!["v1", "v1", "v2"]));
    let apply = (who.clone(), value.clone(), any::<bool>()).prop_map(
        |((number, version), value, force)| Step::Apply {
            manager: format!("applier-{number}"),
            version,
            value,
            force,
        },
    );
    let update = (who, value.clone()).prop_map(|((number, version), value)| Step::Update {
        manager: format!("updater-{number}"),
        version,
        value,
    });
    let steps = proptest::collection::vec(prop_oneof![3 => apply, 1 => update], 0..5);
    (value, steps, any::<bool>())
        .prop_map(|(start, steps, checked)| History { start, steps, checked })
        .boxed()
}
