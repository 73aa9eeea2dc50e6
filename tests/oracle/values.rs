//! Random values, mostly of their types, and what can be made of them: mutations, parts, overlays,
//! and sets of their paths.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{List, Map, Model, Ref, Shape, is_associative, is_atomic, is_broken};
use super::rng::Rng;
use super::support::json::Json;

/// How far values stray from their types.
#[derive(Clone, Copy)]
pub struct Habits {
    /// Values of a wrong type and undeclared fields, of 1000.
    pub wrong: usize,
    /// Repeated items of sets and keyed lists, of 100 lists.
    pub repeats: usize,
    /// Fields that mostly end in an error, of 1000.
    pub broken: usize,
    /// Nulls, of 100.
    pub nulls: usize,
    /// Odd texts and numbers, of 100.
    pub odd: usize,
}

impl Habits {
    /// For histories that get far.
    pub const TAME: Habits = Habits { wrong: 0, repeats: 0, broken: 0, nulls: 3, odd: 8 };
    /// For histories in which something goes wrong.
    pub const CARELESS: Habits = Habits { wrong: 4, repeats: 0, broken: 8, nulls: 4, odd: 12 };
    /// For operations on a single value.
    pub const WILD: Habits = Habits { wrong: 12, repeats: 6, broken: 40, nulls: 6, odd: 25 };
}

pub struct Maker<'m> {
    pub rng: Rng,
    pub model: &'m Model,
    pub habits: Habits,
}

/// A path as the spellings of its elements in FieldsV1.
pub type Path = Vec<String>;

const WORDS: [&str; 6] = ["a", "b", "c", "x", "z", "nginx"];
const ODD_WORDS: [&str; 16] = [
    "",
    "ünï",
    "<b>&amp;",
    "q\"uote",
    "back\\slash",
    "line\nfeed\ttab",
    "\u{1}\u{7f}",
    "🚀",
    "true",
    "1",
    "null",
    "\u{2028}x",
    "a.b/c",
    "\u{a0}\u{ad}",
    "日本",
    "'",
];
const NUMBERS: [&str; 6] = ["0", "1", "2", "3", "80", "8080"];
const ODD_NUMBERS: [&str; 22] = [
    "1.0",
    "2.0",
    "1e3",
    "1000",
    "9007199254740993",
    "9007199254740992.0",
    "9007199254740992",
    "-0",
    "-0.0",
    "1e21",
    "1000000000000000000000",
    "0.1",
    "1e-7",
    "1000000",
    "1e6",
    "1234567.5",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-1",
    "1.5e300",
    "0.00001",
];
/// Integers beyond 2^53, the floats that several of them equal, and one other number.
const CROWDED_NUMBERS: [&str; 9] = [
    "0",
    "9007199254740992",
    "9007199254740992.0",
    "9007199254740993",
    "9007199254740994",
    "9007199254740995",
    "9007199254740996.0",
    "9007199254740996",
    "9007199254740997",
];
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const ODD_KEYS: [&str; 8] = ["", "<k>&", "a.b/c", "ü", "q\"", "\\", "🔑", "f:x"];

impl<'m> Maker<'m> {
    pub fn word(&mut self) -> Json {
        if self.rng.percent(self.habits.odd) {
            Json::from(*self.rng.pick(&ODD_WORDS))
        } else {
            Json::from(*self.rng.pick(&WORDS))
        }
    }

    pub fn number(&mut self) -> Json {
        if self.rng.crowded {
            Json::number(self.rng.pick(&CROWDED_NUMBERS))
        } else if self.rng.percent(self.habits.odd) {
            Json::number(self.rng.pick(&ODD_NUMBERS))
        } else {
            Json::number(self.rng.pick(&NUMBERS))
        }
    }

    fn key(&mut self) -> String {
        if self.rng.percent(self.habits.odd / 2) {
            (*self.rng.pick(&ODD_KEYS)).to_owned()
        } else {
            (*self.rng.pick(&KEYS)).to_owned()
        }
    }

    /// Anything at all.
    pub fn anything(&mut self, depth: usize) -> Json {
        match self.rng.below(if depth > 3 { 8 } else { 12 }) {
            0 => Json::Null,
            1 => Json::Bool(self.rng.percent(50)),
            2..5 => self.number(),
            5..8 => self.word(),
            8..10 => {
                let count = self.rng.below(4);
                Json::List((0..count).map(|_| self.anything(depth + 1)).collect())
            }
            _ => {
                let mut members = Json::Map(vec![]);
                for _ in 0..self.rng.below(4) {
                    let key = self.key();
                    let value = self.anything(depth + 1);
                    members.set(&key, value);
                }
                members
            }
        }
    }

    fn scalar(&mut self, kind: &str) -> Json {
        match kind {
            "string" => self.word(),
            "numeric" => self.number(),
            "boolean" => Json::Bool(self.rng.percent(50)),
            "untyped" => match self.rng.below(4) {
                0 => Json::Bool(self.rng.percent(50)),
                1 => self.number(),
                _ => self.word(),
            },
            _ => Json::Null,
        }
    }

    /// A value of the type.
    pub fn value(&mut self, ty: &'m Ref, depth: usize) -> Json {
        if self.rng.in_1000(self.habits.wrong) {
            return self.anything(depth);
        }
        if depth > 0 && self.rng.percent(self.habits.nulls) {
            return Json::Null;
        }
        let Some(shape) = self.model.resolve(ty) else { return self.word() };
        self.of_shape(shape, depth)
    }

    /// A value of the root's type.
    pub fn root(&mut self) -> Json {
        self.value(self.root_type(), 0)
    }

    pub fn root_type(&self) -> &'m Ref {
        // Every model's root is the same name.
        static ROOT: std::sync::OnceLock<Ref> = std::sync::OnceLock::new();
        ROOT.get_or_init(|| super::model::named(Model::ROOT))
    }

    fn of_shape(&mut self, shape: Shape<'m>, depth: usize) -> Json {
        let mut parts = Vec::new();
        if shape.map.is_some() {
            parts.extend([0, 0, 0]);
        }
        if shape.scalar.is_some() && depth > 0 {
            parts.extend([1, 1]);
        }
        if shape.list.is_some() && depth > 0 {
            parts.push(2);
        }
        if parts.is_empty() {
            return Json::Null;
        }
        match *self.rng.pick(&parts) {
            0 if depth > 6 => Json::Map(vec![]),
            0 => shape.map.map_or(Json::Null, |(map, _)| self.map(map, depth)),
            1 => shape.scalar.map_or(Json::Null, |kind| self.scalar(kind)),
            _ if depth > 6 => Json::List(vec![]),
            _ => shape
                .list
                .map_or(Json::Null, |(list, relationship)| self.list(list, relationship, depth)),
        }
    }

    fn map(&mut self, map: &'m Map, depth: usize) -> Json {
        let mut members = Json::Map(vec![]);
        let share = if depth == 0 { self.rng.between(15, 55) } else { self.rng.between(20, 90) };
        for field in &map.fields {
            if is_broken(&field.name) {
                if !self.rng.in_1000(self.habits.broken) {
                    continue;
                }
            } else if !self.rng.percent(share) {
                continue;
            }
            let value = self.value(&field.ty, depth + 1);
            members.set(&field.name, value);
        }
        if let Some(element) = &map.element
            && (map.fields.is_empty() || self.rng.percent(40))
        {
            for _ in 0..self.rng.below(4) {
                let key = self.key();
                if map.fields.iter().all(|field| field.name != key) {
                    let value = self.value(element, depth + 1);
                    members.set(&key, value);
                }
            }
        }
        if map.element.is_none() && self.rng.in_1000(self.habits.wrong) {
            members.set("undeclared", Json::number(1));
        }
        members
    }

    fn list(&mut self, list: &'m List, relationship: Option<&str>, depth: usize) -> Json {
        let count = *self.rng.weighted(&[(2, 0), (5, 1), (6, 2), (5, 3), (2, 4)]);
        let mut items: Vec<Json> =
            (0..count).map(|_| self.item(list, relationship, depth)).collect();
        if is_associative(relationship) && !self.rng.percent(self.habits.repeats) {
            self.make_distinct(list, &mut items);
        }
        Json::List(items)
    }

    /// One item, with its keys where the list has any.
    fn item(&mut self, list: &'m List, relationship: Option<&str>, depth: usize) -> Json {
        let shape = self.model.resolve(&list.element).unwrap_or_default();
        if is_associative(relationship)
            && list.keys.is_empty()
            && let Some(kind) = shape.scalar
            && !self.rng.in_1000(self.habits.wrong)
        {
            return self.scalar(kind);
        }
        let mut item = self.value(&list.element, depth + 1);
        if is_associative(relationship) {
            while item.is_null() && !self.rng.in_1000(self.habits.wrong) {
                item = self.value(&list.element, depth + 1);
                if !list.keys.is_empty() && item.is_null() {
                    item = Json::Map(vec![]);
                }
            }
        }
        if list.keys.is_empty() || !matches!(item, Json::Map(_)) {
            return item;
        }
        let fields = self.fields_of(&list.element);
        for key in &list.keys {
            let field = fields.iter().find(|field| field.name == *key);
            let defaulted = field.is_some_and(|field| field.default.is_some());
            let stated = if defaulted { 60 } else { 97 };
            if !self.rng.percent(stated) {
                item.remove(key);
                continue;
            }
            let kind = field
                .and_then(|field| self.model.resolve(&field.ty))
                .and_then(|shape| shape.scalar)
                .unwrap_or("string");
            let value = match field.and_then(|field| field.default.clone()) {
                Some(default) if self.rng.percent(40) => default,
                _ => self.scalar(kind),
            };
            let null = self.rng.in_1000(self.habits.nulls);
            item.set(key, if null { Json::Null } else { value });
        }
        // An item needs one of its keys, or a default for it.
        let declared = |key: &str| fields.iter().find(|field| field.name == key);
        let is_lost = list.keys.iter().all(|key| {
            item.get(key).is_none() && declared(key).is_none_or(|field| field.default.is_none())
        });
        if is_lost && !self.rng.in_1000(2 * self.habits.wrong) {
            let key = list.keys[0];
            let kind = declared(key)
                .and_then(|field| self.model.resolve(&field.ty))
                .and_then(|shape| shape.scalar);
            let value = self.scalar(kind.unwrap_or("string"));
            item.set(key, value);
        }
        item
    }

    fn fields_of(&self, ty: &'m Ref) -> &'m [super::model::Field] {
        let shape = self.model.resolve(ty).unwrap_or_default();
        shape.map.map_or(&[], |(map, _)| &map.fields)
    }

    /// Drops items that another item before them is the same as.
    fn make_distinct(&mut self, list: &'m List, items: &mut Vec<Json>) {
        let mut seen = BTreeSet::new();
        items.retain(|item| seen.insert(self.identity(list, item)));
    }

    /// The element that selects an item of an associative list, in FieldsV1.
    pub fn identity(&self, list: &'m List, item: &Json) -> String {
        if list.keys.is_empty() {
            return format!("v:{}", plain(item));
        }
        let fields = self.fields_of(&list.element);
        let mut keys: Vec<(String, Json)> = Vec::new();
        for key in &list.keys {
            let default = fields.iter().find(|f| f.name == *key).and_then(|f| f.default.as_ref());
            if let Some(value) = item.get(key).or(default) {
                keys.push(((*key).to_owned(), plain(value)));
            }
        }
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        format!("k:{}", Json::Map(keys))
    }

    /// The value with a few changes.
    pub fn mutate(&mut self, ty: &'m Ref, value: &Json, rate: usize, depth: usize) -> Json {
        if self.rng.in_1000(self.habits.wrong) {
            return self.anything(depth);
        }
        let Some(shape) = self.model.resolve(ty) else { return value.clone() };
        match (value, shape.map, shape.list) {
            (Json::Map(members), Some((map, _)), _) => {
                let mut out = Json::Map(vec![]);
                for (key, value) in members {
                    let Some(ty) = field_type(map, key) else {
                        out.set(key, value.clone());
                        continue;
                    };
                    if self.rng.percent(rate / 2) {
                        continue;
                    }
                    let changed = if self.rng.percent(rate / 3) {
                        self.value(ty, depth + 1)
                    } else {
                        self.mutate(ty, value, rate, depth + 1)
                    };
                    out.set(key, changed);
                }
                if self.rng.percent(rate) {
                    let more = self.map(map, depth.max(1));
                    for (key, value) in more.members() {
                        if out.get(key).is_none() && self.rng.percent(50) {
                            out.set(key, value.clone());
                        }
                    }
                }
                out
            }
            (Json::List(items), _, Some((list, relationship))) => {
                let mut out = Vec::new();
                for item in items {
                    if self.rng.percent(rate / 2) {
                        continue;
                    }
                    if is_associative(relationship) && list.keys.is_empty() {
                        out.push(if self.rng.percent(rate / 2) {
                            self.item(list, relationship, depth)
                        } else {
                            item.clone()
                        });
                        continue;
                    }
                    let mut changed = self.mutate(&list.element, item, rate, depth + 1);
                    if is_associative(relationship) && !matches!(changed, Json::Map(_)) {
                        changed = item.clone();
                    }
                    for key in &list.keys {
                        // Mostly still the same item.
                        if !self.rng.percent(rate / 4) {
                            match item.get(key) {
                                Some(value) => changed.set(key, value.clone()),
                                None => drop(changed.remove(key)),
                            }
                        }
                    }
                    out.push(changed);
                }
                while self.rng.percent(rate) {
                    let item = self.item(list, relationship, depth);
                    let at = self.rng.below(out.len() + 1);
                    out.insert(at, item);
                }
                if self.rng.percent(rate / 2) {
                    self.rng.shuffle(&mut out);
                }
                if is_associative(relationship) && !self.rng.percent(self.habits.repeats) {
                    self.make_distinct(list, &mut out);
                }
                Json::List(out)
            }
            _ if self.rng.percent(rate) => self.of_shape(shape, depth),
            _ => value.clone(),
        }
    }

    /// Some of the value, with the keys of its items.
    pub fn part(&mut self, ty: &'m Ref, value: &Json, keep: usize) -> Json {
        let Some(shape) = self.model.resolve(ty) else { return value.clone() };
        match (value, shape.map, shape.list) {
            (Json::Map(members), Some((map, relationship)), _) if !is_atomic(relationship) => {
                let mut out = Json::Map(vec![]);
                for (key, value) in members {
                    if let Some(ty) = field_type(map, key)
                        && self.rng.percent(keep)
                    {
                        let value = self.part(ty, value, keep);
                        out.set(key, value);
                    }
                }
                out
            }
            (Json::List(items), _, Some((list, relationship))) if is_associative(relationship) => {
                let mut out = Vec::new();
                for item in items {
                    if !self.rng.percent(keep) {
                        continue;
                    }
                    let mut part = self.part(&list.element, item, keep);
                    for key in &list.keys {
                        if let Some(value) = item.get(key)
                            && part.get(key).is_none()
                        {
                            part.set(key, value.clone());
                        }
                    }
                    out.push(part);
                }
                self.make_distinct(list, &mut out);
                Json::List(out)
            }
            _ => value.clone(),
        }
    }

    /// Roughly what an apply makes of the two: good enough to know what later steps may change.
    pub fn overlay(&self, ty: &'m Ref, live: &Json, config: &Json) -> Json {
        let shape = self.model.resolve(ty).unwrap_or_default();
        match (live, config, shape.map, shape.list) {
            (Json::Map(_), Json::Map(members), Some((map, relationship)), _)
                if !is_atomic(relationship) =>
            {
                let mut out = live.clone();
                for (key, value) in members {
                    let merged = match (field_type(map, key), live.get(key)) {
                        (Some(ty), Some(old)) => self.overlay(ty, old, value),
                        _ => value.clone(),
                    };
                    out.set(key, merged);
                }
                out
            }
            (Json::List(old), Json::List(new), _, Some((list, relationship)))
                if is_associative(relationship) =>
            {
                let mut out = old.clone();
                for item in new {
                    let identity = self.identity(list, item);
                    let found = out.iter_mut().find(|old| self.identity(list, old) == identity);
                    match found {
                        Some(old) => *old = self.overlay(&list.element, old, item),
                        None => out.push(item.clone()),
                    }
                }
                Json::List(out)
            }
            _ => config.clone(),
        }
    }

    /// The paths of everything in the value, containers and items included.
    pub fn paths(&self, ty: Option<&'m Ref>, value: &Json, at: &mut Path, out: &mut Vec<Path>) {
        let shape = ty.and_then(|ty| self.model.resolve(ty)).unwrap_or_default();
        match value {
            Json::Map(members) => {
                for (key, value) in members {
                    at.push(format!("f:{key}"));
                    out.push(at.clone());
                    let ty = shape.map.and_then(|(map, _)| field_type(map, key));
                    self.paths(ty, value, at, out);
                    at.pop();
                }
            }
            Json::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let ty = shape.list.map(|(list, _)| &list.element);
                    at.push(match shape.list {
                        Some((list, relationship)) if is_associative(relationship) => {
                            self.identity(list, item)
                        }
                        _ => format!("i:{index}"),
                    });
                    out.push(at.clone());
                    self.paths(ty, item, at, out);
                    at.pop();
                }
            }
            _ => {}
        }
    }

    /// An element that may not be in any value.
    pub fn element(&mut self) -> String {
        match self.rng.below(8) {
            0..4 => format!("f:{}", self.key()),
            4 => format!("k:{}", Json::map([("name", self.word())])),
            5 => {
                let (a, b) = (self.number(), self.anything(3));
                format!("k:{}", Json::map([("id", a), ("key", b)]))
            }
            6 => format!("v:{}", self.anything(3)),
            _ => format!("i:{}", self.rng.below(12)),
        }
    }

    /// A set as FieldsV1; or, where integers matter, as a list of paths to be put in one by one.
    pub fn set_text(&mut self, paths: &[Path]) -> String {
        if self.rng.crowded && self.rng.percent(60) {
            let path =
                |path: &Path| Json::List(path.iter().map(|e| Json::text(e.as_str())).collect());
            Json::List(paths.iter().map(path).collect()).to_string()
        } else {
            set_text(paths)
        }
    }

    /// Some of the paths, and a few that lead elsewhere.
    pub fn some_paths(&mut self, from: &[Path], share: usize, strays: usize) -> Vec<Path> {
        let mut out: Vec<Path> = from.iter().filter(|_| self.rng.percent(share)).cloned().collect();
        while self.rng.percent(strays) {
            let mut path = if from.is_empty() || self.rng.percent(40) {
                vec![]
            } else {
                self.rng.pick(from).clone()
            };
            for _ in 0..self.rng.between(1, 2) {
                path.push(self.element());
            }
            out.push(path);
        }
        out
    }
}

/// A scalar with its number in the shortest form, so that one number has one spelling.
fn plain(value: &Json) -> Json {
    match value {
        Json::Number(literal) => match (literal.parse::<i64>(), literal.parse::<f64>()) {
            (Err(_), Ok(float)) if float.fract() == 0.0 && float.abs() < 1e15 => {
                Json::number(float as i64)
            }
            (Ok(whole), _) => Json::number(whole),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

fn field_type<'m>(map: &'m Map, key: &str) -> Option<&'m Ref> {
    let declared = map.fields.iter().find(|field| field.name == key).map(|field| &field.ty);
    declared.or(map.element.as_ref())
}

/// A set as a tree of the elements' spellings.
#[derive(Default, Clone)]
pub struct Tree {
    member: bool,
    below: BTreeMap<String, Tree>,
}

impl Tree {
    pub fn of(paths: &[Path]) -> Tree {
        let mut root = Tree::default();
        for path in paths {
            let mut node = &mut root;
            for element in path {
                node = node.below.entry(element.clone()).or_default();
            }
            node.member = true;
        }
        root
    }

    /// The set in FieldsV1, in whatever order.
    pub fn to_json(&self) -> Json {
        let mut members = Vec::new();
        for (element, tree) in &self.below {
            let mut below = tree.to_json();
            if let Json::Map(members) = &mut below
                && tree.member
                && !members.is_empty()
            {
                members.insert(0, (".".to_owned(), Json::Map(vec![])));
            }
            members.push((element.clone(), below));
        }
        Json::Map(members)
    }
}

/// The FieldsV1 text of the paths.
pub fn set_text(paths: &[Path]) -> String {
    Tree::of(paths).to_json().to_string()
}

/// What kinds of parts the value has, for counting what was covered.
pub fn constructs(model: &Model, ty: &Ref, value: &Json, out: &mut BTreeSet<&'static str>) {
    let Some(shape) = model.resolve(ty) else {
        out.insert("unresolved");
        return;
    };
    let parts =
        [shape.map.is_some(), shape.list.is_some(), shape.scalar.is_some()].map(usize::from);
    if parts.iter().sum::<usize>() > 1 {
        out.insert("several-shapes");
    }
    if ty.relationship.is_some() {
        out.insert("override");
    }
    match (value, shape.map, shape.list) {
        (Json::Null, ..) => {
            out.insert("null");
        }
        (Json::Map(members), Some((map, relationship)), _) => {
            out.insert(match (is_atomic(relationship), map.fields.is_empty(), &map.element) {
                (true, ..) => "atomic-map",
                (_, true, _) => "map",
                (_, false, None) => "struct",
                (_, false, Some(_)) => "struct-with-others",
            });
            if members.is_empty() {
                out.insert("empty-map");
            }
            for (key, value) in members {
                match field_type(map, key) {
                    Some(ty) => constructs(model, ty, value, out),
                    None => drop(out.insert("undeclared")),
                }
            }
        }
        (Json::List(items), _, Some((list, relationship))) => {
            out.insert(match relationship {
                Some("atomic") => "atomic-list",
                Some("associative") if list.keys.is_empty() => "set",
                Some("associative") if list.keys.len() > 1 => "keyed-list-several-keys",
                Some("associative") => "keyed-list",
                _ => "list-without-relationship",
            });
            if items.is_empty() {
                out.insert("empty-list");
            }
            let element = model.resolve(&list.element).unwrap_or_default();
            if let Some((map, _)) = element.map
                && list.keys.iter().any(|key| {
                    map.fields.iter().any(|field| field.name == *key && field.default.is_some())
                        && items.iter().any(|item| item.get(key).is_none())
                })
            {
                out.insert("defaulted-key");
            }
            for item in items {
                constructs(model, &list.element, item, out);
            }
        }
        (scalar, ..) => {
            out.insert(match scalar {
                Json::String(_) => "string",
                Json::Number(_) => "number",
                Json::Bool(_) => "boolean",
                _ => "wrong-shape",
            });
        }
    }
}
