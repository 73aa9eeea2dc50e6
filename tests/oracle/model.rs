//! Merge schemas as the generator sees them: fixed ones, random ones, and variants of both.

use super::rng::Rng;
use super::support::json::Json;

#[derive(Clone, Debug, Default)]
pub struct Atom {
    pub scalar: Option<&'static str>,
    pub list: Option<Box<List>>,
    pub map: Option<Box<Map>>,
}

#[derive(Clone, Debug)]
pub struct List {
    pub element: Ref,
    pub relationship: Option<&'static str>,
    pub keys: Vec<&'static str>,
}

#[derive(Clone, Debug, Default)]
pub struct Map {
    pub fields: Vec<Field>,
    pub element: Option<Ref>,
    pub relationship: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub ty: Ref,
    pub default: Option<Json>,
}

#[derive(Clone, Debug)]
pub enum Base {
    Named(String),
    Inlined(Atom),
}

#[derive(Clone, Debug)]
pub struct Ref {
    pub base: Base,
    /// What the reference says in place of its type.
    pub relationship: Option<&'static str>,
    pub nullable: bool,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub types: Vec<(String, Atom)>,
}

/// A type with its reference's override applied.
#[derive(Clone, Copy, Default)]
pub struct Shape<'m> {
    pub scalar: Option<&'static str>,
    pub list: Option<(&'m List, Option<&'static str>)>,
    pub map: Option<(&'m Map, Option<&'static str>)>,
}

pub fn is_associative(relationship: Option<&str>) -> bool {
    relationship == Some("associative")
}

pub fn is_atomic(relationship: Option<&str>) -> bool {
    relationship == Some("atomic")
}

fn inlined(atom: Atom) -> Ref {
    Ref { base: Base::Inlined(atom), relationship: None, nullable: false }
}

pub fn named(name: &str) -> Ref {
    Ref { base: Base::Named(name.to_owned()), relationship: None, nullable: false }
}

fn overridden(name: &str, relationship: &'static str) -> Ref {
    Ref { relationship: Some(relationship), ..named(name) }
}

pub fn scalar(kind: &'static str) -> Ref {
    inlined(Atom { scalar: Some(kind), ..Atom::default() })
}

fn list_atom(
    element: Ref,
    relationship: Option<&'static str>,
    keys: &[&'static str],
) -> Option<Box<List>> {
    Some(Box::new(List { element, relationship, keys: keys.to_vec() }))
}

pub fn set_of(element: Ref) -> Ref {
    inlined(Atom { list: list_atom(element, Some("associative"), &[]), ..Atom::default() })
}

pub fn keyed(element: Ref, keys: &[&'static str]) -> Ref {
    inlined(Atom { list: list_atom(element, Some("associative"), keys), ..Atom::default() })
}

pub fn atomic_list(element: Ref) -> Ref {
    inlined(Atom { list: list_atom(element, Some("atomic"), &[]), ..Atom::default() })
}

pub fn map_of(element: Ref, relationship: Option<&'static str>) -> Ref {
    inlined(map_atom(vec![], Some(element), relationship))
}

fn map_atom(fields: Vec<Field>, element: Option<Ref>, relationship: Option<&'static str>) -> Atom {
    Atom { map: Some(Box::new(Map { fields, element, relationship })), ..Atom::default() }
}

pub fn field(name: &str, ty: Ref) -> Field {
    Field { name: name.to_owned(), ty, default: None }
}

fn with_default(name: &str, ty: Ref, default: Json) -> Field {
    Field { name: name.to_owned(), ty, default: Some(default) }
}

pub fn structure(fields: Vec<Field>) -> Ref {
    inlined(map_atom(fields, None, None))
}

/// The types that schemas of Kubernetes share: any value, as a leaf, as granular as it gets, and
/// with sets for lists.
fn common_types() -> Vec<(String, Atom)> {
    let any = |name: &str, list: &'static str, map: &'static str, element: &str| {
        let atom = Atom {
            scalar: Some("untyped"),
            list: list_atom(named(element), Some(list), &[]),
            map: map_atom(vec![], Some(named(name)), Some(map)).map,
        };
        (name.to_owned(), atom)
    };
    vec![
        any("__untyped_atomic_", "atomic", "atomic", "__untyped_atomic_"),
        any("__untyped_deduced_", "atomic", "separable", "__untyped_atomic_"),
        any("sep", "associative", "separable", "sep"),
        (
            "rec".to_owned(),
            map_atom(
                vec![
                    field("name", scalar("string")),
                    field("x", scalar("numeric")),
                    field("next", named("rec")),
                    field("kids", keyed(named("rec"), &["name"])),
                    field("m", map_of(named("rec"), None)),
                ],
                None,
                None,
            ),
        ),
        (
            "st".to_owned(),
            map_atom(
                vec![
                    field("x", scalar("numeric")),
                    field("why", scalar("string")),
                    field("in", named("st")),
                ],
                None,
                None,
            ),
        ),
        ("strings".to_owned(), map_atom(vec![], Some(scalar("string")), Some("atomic"))),
        (
            "words".to_owned(),
            Atom { list: list_atom(scalar("string"), Some("associative"), &[]), ..Atom::default() },
        ),
    ]
}

impl Model {
    /// The schema in which the tables of edge cases are written.
    pub fn of_tables() -> Model {
        let item = structure(vec![
            field("k", scalar("string")),
            field("id", scalar("numeric")),
            field("v", scalar("numeric")),
            field("in", named("st")),
        ]);
        let port = structure(vec![
            field("port", scalar("numeric")),
            with_default("proto", scalar("string"), Json::from("TCP")),
            field("name", scalar("string")),
        ]);
        let named_item = structure(vec![
            field("name", scalar("string")),
            field("set", set_of(scalar("string"))),
            field("num", scalar("numeric")),
        ]);
        let strings = || map_of(scalar("string"), None);
        let no_relationship =
            inlined(Atom { list: list_atom(scalar("string"), None, &[]), ..Atom::default() });
        let fields = vec![
            field("s", scalar("string")),
            field("num", scalar("numeric")),
            field("b", scalar("boolean")),
            field("u", scalar("untyped")),
            field("set", set_of(scalar("string"))),
            field("nset", set_of(scalar("numeric"))),
            field("al", atomic_list(scalar("string"))),
            field("kl", keyed(item, &["k", "id"])),
            field("dl", keyed(port, &["port", "proto"])),
            field("loml", keyed(named_item, &["name"])),
            field("ael", keyed(map_of(scalar("string"), Some("atomic")), &["id"])),
            field("m", strings()),
            field("mm", map_of(strings(), None)),
            field("ml", map_of(set_of(scalar("string")), None)),
            field("am", map_of(scalar("string"), Some("atomic"))),
            field("st", named("st")),
            field("any", named("__untyped_atomic_")),
            field("ded", named("__untyped_deduced_")),
            field("sep", named("sep")),
            field("rec", named("rec")),
            field("am2m", overridden("strings", "separable")),
            field("st2a", overridden("st", "atomic")),
            field("words2a", overridden("words", "atomic")),
            field("noRel", no_relationship),
            field("lol", set_of(set_of(scalar("string")))),
            field("kscalar", keyed(scalar("string"), &["name"])),
            field("missing", named("nosuch")),
            field("empty", inlined(Atom::default())),
            field("badscalar", scalar("number")),
        ];
        Model::with_root(fields, None)
    }

    /// The name of the root's type.
    pub const ROOT: &'static str = "t";

    pub fn with_root(fields: Vec<Field>, element: Option<Ref>) -> Model {
        let mut types = common_types();
        types.push((Model::ROOT.to_owned(), map_atom(fields, element, None)));
        Model { types }
    }

    /// The one type of objects without a schema.
    pub fn deduced() -> Model {
        let mut model = Model { types: common_types() };
        let deduced =
            model.types.iter().find(|(name, _)| name == "__untyped_deduced_").map(|t| t.1.clone());
        model.types.push((Model::ROOT.to_owned(), deduced.unwrap_or_default()));
        model
    }

    pub fn random(rng: &mut Rng) -> Model {
        let mut model = Model { types: common_types() };
        let fields = model.random_fields(rng, 0, 5);
        let element = if rng.percent(6) { Some(named("__untyped_deduced_")) } else { None };
        model.types.push((Model::ROOT.to_owned(), map_atom(fields, element, None)));
        model
    }

    /// Fields with random names and types, so many and up to three more.
    pub fn random_fields(&mut self, rng: &mut Rng, depth: usize, at_least: usize) -> Vec<Field> {
        const NAMES: [&str; 16] = [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "x",
            "why",
            "f.g",
            "two words",
            "ünï",
            "a/b",
            "<h>",
            "k",
            "id",
            "spec",
            "list",
            "y",
        ];
        let mut names = NAMES;
        rng.shuffle(&mut names);
        let count = rng.between(at_least, at_least + 3);
        names[..count].iter().map(|name| field(name, self.random_type(rng, depth))).collect()
    }

    fn random_scalar(rng: &mut Rng) -> Ref {
        scalar(*rng.weighted(&[(5, "string"), (4, "numeric"), (2, "boolean"), (2, "untyped")]))
    }

    pub fn random_type(&mut self, rng: &mut Rng, depth: usize) -> Ref {
        if depth > 3 {
            return Model::random_scalar(rng);
        }
        let mut ty = match rng.below(100) {
            0..26 => Model::random_scalar(rng),
            26..32 => map_of(
                Model::random_scalar(rng),
                *rng.pick(&[None, None, Some("separable"), Some("granular")]),
            ),
            32..37 => map_of(self.random_type(rng, depth + 1), Some("atomic")),
            37..43 => map_of(self.random_type(rng, depth + 1), None),
            43..51 => structure(self.random_fields(rng, depth + 1, 1)),
            51..54 => {
                inlined(map_atom(self.random_fields(rng, depth + 1, 1), None, Some("atomic")))
            }
            54..57 => {
                let element = if rng.percent(60) {
                    named("__untyped_deduced_")
                } else {
                    self.random_type(rng, depth + 1)
                };
                let fields = self.random_fields(rng, depth + 1, 1);
                inlined(map_atom(fields, Some(element), None))
            }
            57..65 => set_of(scalar(*rng.pick(&["string", "string", "numeric", "untyped"]))),
            65..80 => self.random_keyed(rng, depth),
            80..85 => atomic_list(self.random_type(rng, depth + 1)),
            85..87 => named("__untyped_atomic_"),
            87..90 => named("__untyped_deduced_"),
            90..92 => named("sep"),
            92..94 => named("rec"),
            94..95 => overridden("strings", "separable"),
            95..96 => overridden("words", "atomic"),
            96..97 => overridden(*rng.pick(&["st", "rec", "__untyped_deduced_", "sep"]), "atomic"),
            _ => {
                let atom = match self.random_type(rng, depth + 1).base {
                    Base::Inlined(atom) => atom,
                    Base::Named(_) => map_atom(self.random_fields(rng, depth + 1, 1), None, None),
                };
                let name = format!("n{}", self.types.len());
                self.types.push((name.clone(), atom));
                named(&name)
            }
        };
        ty.nullable = rng.percent(3);
        ty
    }

    fn random_keyed(&mut self, rng: &mut Rng, depth: usize) -> Ref {
        const KEYS: [&str; 5] = ["name", "id", "port", "proto", "k<&>"];
        let mut keys = KEYS;
        rng.shuffle(&mut keys);
        let keys = &keys[..*rng.weighted(&[(6, 1), (3, 2), (2, 3)])];
        let mut fields = Vec::new();
        for key in keys {
            let kind = match *key {
                "id" | "port" => "numeric",
                "proto" => *rng.pick(&["string", "untyped"]),
                _ => "string",
            };
            let default = rng.percent(25).then(|| match kind {
                "numeric" => Json::number(*rng.pick(&["1", "80", "1.0", "0"])),
                "string" => Json::from(*rng.pick(&["TCP", "a", ""])),
                _ => Json::Bool(true),
            });
            fields.push(Field { name: (*key).to_owned(), ty: scalar(kind), default });
        }
        fields.extend(
            self.random_fields(rng, depth + 2, 1)
                .into_iter()
                .filter(|field| !keys.contains(&field.name.as_str())),
        );
        let relationship = if rng.percent(12) { Some("atomic") } else { None };
        let element = if rng.percent(10) { Some(Model::random_scalar(rng)) } else { None };
        keyed(inlined(map_atom(fields, element, relationship)), keys)
    }

    fn root_map(&mut self) -> Option<&mut Map> {
        let (_, root) = self.types.iter_mut().find(|(name, _)| name == Model::ROOT)?;
        root.map.as_deref_mut()
    }

    /// The names of the root's fields.
    pub fn root_fields(&self) -> Vec<String> {
        let root = self.types.iter().find(|(name, _)| name == Model::ROOT);
        let map = root.and_then(|(_, root)| root.map.as_ref());
        map.map(|map| map.fields.iter().map(|field| field.name.clone()).collect())
            .unwrap_or_default()
    }

    /// Renames fields of the root.
    pub fn rename(&mut self, names: &[(String, String)]) {
        if let Some(map) = self.root_map() {
            for field in &mut map.fields {
                if let Some((_, here)) = names.iter().find(|(hub, _)| *hub == field.name) {
                    field.name.clone_from(here);
                }
            }
        }
    }

    /// Makes some granular containers below the root's fields atomic, and some atomic maps
    /// granular, so that what is recorded under one variant is stale under the other.
    pub fn toggle(&mut self, rng: &mut Rng, cases_of_100: usize) {
        let model = self.clone();
        let Some(map) = self.root_map() else { return };
        for field in &mut map.fields {
            if field.ty.relationship.is_some() || !rng.percent(cases_of_100) {
                continue;
            }
            let shape = model.resolve(&field.ty).unwrap_or_default();
            let atomic = match (shape.map, shape.list) {
                (Some((_, relationship)), _) => is_atomic(relationship),
                (None, Some((_, relationship))) => {
                    // Items of an atomic list need not be distinct.
                    if is_atomic(relationship) {
                        continue;
                    }
                    false
                }
                (None, None) => continue,
            };
            field.ty.relationship = Some(if atomic { "separable" } else { "atomic" });
        }
    }

    /// Follows a reference; nothing where it leads nowhere.
    pub fn resolve<'m>(&'m self, ty: &'m Ref) -> Option<Shape<'m>> {
        let atom = match &ty.base {
            Base::Named(name) => &self.types.iter().find(|(known, _)| known == name)?.1,
            Base::Inlined(atom) => atom,
        };
        let mut shape = Shape {
            scalar: atom.scalar,
            list: atom.list.as_deref().map(|list| (list, list.relationship)),
            map: atom.map.as_deref().map(|map| (map, map.relationship)),
        };
        if let Some(relationship) = ty.relationship {
            match (&mut shape.map, &mut shape.list) {
                (Some((_, here)), _) | (None, Some((_, here))) => *here = Some(relationship),
                (None, None) => return None,
            }
        }
        Some(shape)
    }

    pub fn to_json(&self) -> Json {
        let types = self.types.iter().map(|(name, atom)| {
            let mut members = vec![("name".to_owned(), Json::text(name.as_str()))];
            write_atom(&mut members, atom);
            Json::Map(members)
        });
        Json::map([("types", Json::List(types.collect()))])
    }
}

fn write_atom(members: &mut Vec<(String, Json)>, atom: &Atom) {
    if let Some(kind) = atom.scalar {
        members.push(("scalar".to_owned(), kind.into()));
    }
    if let Some(list) = &atom.list {
        let mut out = vec![("elementType".to_owned(), write_ref(&list.element))];
        if let Some(relationship) = list.relationship {
            out.push(("elementRelationship".to_owned(), relationship.into()));
        }
        if !list.keys.is_empty() {
            let keys = list.keys.iter().map(|key| Json::from(*key)).collect();
            out.push(("keys".to_owned(), Json::List(keys)));
        }
        members.push(("list".to_owned(), Json::Map(out)));
    }
    if let Some(map) = &atom.map {
        let mut out = Vec::new();
        if !map.fields.is_empty() {
            let fields = map.fields.iter().map(|field| {
                let mut out = vec![
                    ("name".to_owned(), Json::text(field.name.as_str())),
                    ("type".to_owned(), write_ref(&field.ty)),
                ];
                if let Some(default) = &field.default {
                    out.push(("default".to_owned(), default.clone()));
                }
                Json::Map(out)
            });
            out.push(("fields".to_owned(), Json::List(fields.collect())));
        }
        if let Some(element) = &map.element {
            out.push(("elementType".to_owned(), write_ref(element)));
        }
        if let Some(relationship) = map.relationship {
            out.push(("elementRelationship".to_owned(), relationship.into()));
        }
        members.push(("map".to_owned(), Json::Map(out)));
    }
}

fn write_ref(ty: &Ref) -> Json {
    let mut members = Vec::new();
    match &ty.base {
        Base::Named(name) => members.push(("namedType".to_owned(), Json::text(name.as_str()))),
        Base::Inlined(atom) => write_atom(&mut members, atom),
    }
    if let Some(relationship) = ty.relationship {
        members.push(("elementRelationship".to_owned(), relationship.into()));
    }
    if ty.nullable {
        members.push(("nullable".to_owned(), Json::Bool(true)));
    }
    Json::Map(members)
}

/// The kind that the histories of the field manager are about: metadata as Kubernetes has it, and a
/// random spec and status.
pub fn kind_model(rng: &mut Rng) -> Model {
    let mut model = Model { types: common_types() };
    let text = || scalar("string");
    model.types.push((
        "entry".to_owned(),
        map_atom(
            vec![
                field("manager", text()),
                field("operation", text()),
                field("apiVersion", text()),
                field("time", scalar("untyped")),
                field("fieldsType", text()),
                field("fieldsV1", named("fields")),
                field("subresource", text()),
            ],
            None,
            None,
        ),
    ));
    let mut fields = map_atom(vec![], Some(named("__untyped_deduced_")), None);
    if let Some(map) = &mut fields.map {
        map.relationship = Some("separable");
    }
    model.types.push(("fields".to_owned(), fields));
    let owner = Atom {
        map: Some(Box::new(Map {
            fields: vec![
                field("uid", text()),
                field("name", text()),
                field("kind", text()),
                field("controller", scalar("boolean")),
            ],
            element: None,
            relationship: Some("atomic"),
        })),
        ..Atom::default()
    };
    let metadata = structure(vec![
        field("name", text()),
        field("namespace", text()),
        field("generateName", text()),
        field("uid", text()),
        field("resourceVersion", text()),
        field("generation", scalar("numeric")),
        field("creationTimestamp", scalar("untyped")),
        field("selfLink", text()),
        field("labels", map_of(text(), None)),
        field("annotations", map_of(text(), None)),
        field("finalizers", set_of(text())),
        field("ownerReferences", keyed(inlined(owner), &["uid"])),
        field("managedFields", atomic_list(named("entry"))),
    ]);
    let spec = if rng.percent(30) {
        let Some((_, Atom { map: Some(map), .. })) = Model::of_tables().types.pop() else {
            unreachable!("the tables' root is a map")
        };
        structure(map.fields.into_iter().filter(|field| !is_broken(&field.name)).collect())
    } else {
        structure(model.random_fields(rng, 0, 4))
    };
    let status = structure(model.random_fields(rng, 1, 2));
    model.types.push((
        Model::ROOT.to_owned(),
        map_atom(
            vec![
                field("apiVersion", text()),
                field("kind", text()),
                field("metadata", metadata),
                field("spec", spec),
                field("status", status),
            ],
            None,
            None,
        ),
    ));
    model
}

/// Whether values of this field of the tables' schema mostly end in an error.
pub fn is_broken(name: &str) -> bool {
    matches!(name, "noRel" | "lol" | "kscalar" | "missing" | "empty" | "badscalar")
}
