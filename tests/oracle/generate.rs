//! Random requests for the reference and the crate. Case `i` of a seed depends on nothing but the
//! two numbers.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::model::{Model, kind_model};
use super::rng::Rng;
use super::support::json::Json;
use super::values::{Habits, Maker, Path, constructs, set_text};

/// A request, the schemas that it is about, and what it covers.
#[derive(Clone, Debug)]
pub struct Case {
    /// Schema documents by the names under which the request knows them.
    pub schemas: Rc<Vec<(String, String)>>,
    pub request: Json,
    pub tags: BTreeSet<&'static str>,
}

/// Operations with how often they come, of all.
pub const OPS: [(usize, &str); 25] = [
    (2, "schema"),
    (6, "decode"),
    (3, "element"),
    (5, "algebra"),
    (4, "filter"),
    (5, "value"),
    (2, "from_value"),
    (2, "managed"),
    (5, "validate"),
    (6, "merge"),
    (6, "compare"),
    (4, "to_field_set"),
    (4, "remove"),
    (4, "extract"),
    (4, "reconcile"),
    (3, "ensure_named"),
    (24, "updater"),
    (14, "fieldmanager"),
    (2, "fieldmanager-crowd"),
    (4, "csaupgrade"),
    (2, "find_owners"),
    (4, "extract_into"),
    (3, "scale"),
    (3, "openapi"),
    (3, "crd"),
];

/// Cases that share their schemas.
const BLOCK: u64 = 32;
/// Names of schemas come round after so many blocks, so that the reference forgets old ones.
const NAMES: u64 = 16;

/// The schemas of a block.
struct Block {
    index: u64,
    documents: Rc<Vec<(String, String)>>,
    hub: Model,
    /// Versions of the hub: the names of the root's fields there, and the schema.
    versions: Vec<(Vec<(String, String)>, Model)>,
    kind: Model,
}

pub struct Generator {
    seed: u64,
    ops: Vec<(usize, &'static str)>,
    /// Of a thousand cases, how many have numbers that are hard to tell apart.
    pub crowded: usize,
    block: Block,
    deduced: Model,
}

impl Generator {
    /// Cases of these operations; of all if there are none.
    pub fn new(seed: u64, ops: &[String]) -> Generator {
        let wanted = |name: &str| {
            ops.is_empty()
                || ops.iter().any(|op| op == name)
                || name == "fieldmanager-crowd" && ops.iter().any(|op| op == "fieldmanager")
        };
        Generator {
            seed,
            ops: OPS.iter().filter(|(_, name)| wanted(name)).copied().collect(),
            crowded: 20,
            block: Block::new(seed, 0),
            deduced: Model::deduced(),
        }
    }

    pub fn case(&mut self, index: u64) -> Case {
        if self.block.index != index / BLOCK {
            self.block = Block::new(self.seed, index / BLOCK);
        }
        let mut rng = Rng::of(self.seed, "case", index);
        rng.crowded = Rng::of(self.seed, "crowded", index).in_1000(self.crowded);
        let op = *rng.weighted(&self.ops);
        let mut tags = BTreeSet::new();
        let request = match op {
            "schema" => self.schema(&mut rng),
            "decode" => self.decode(rng),
            "element" => self.element(rng),
            "algebra" => self.algebra(rng),
            "filter" => self.filter(rng),
            "value" => self.value(rng),
            "from_value" => {
                let mut maker = self.untyped(rng);
                let value = if maker.rng.percent(40) {
                    maker.anything(0)
                } else {
                    self.any_root(maker.rng)
                };
                Json::map([("value", value)])
            }
            "managed" => self.managed(rng),
            "updater" => self.updater(rng, &mut tags),
            "fieldmanager" => self.field_manager(rng, &mut tags, false),
            "fieldmanager-crowd" => self.field_manager(rng, &mut tags, true),
            "csaupgrade" | "find_owners" | "extract_into" => self.client(op, rng, &mut tags),
            "scale" => scale(rng, &mut tags),
            "openapi" => Json::map([("document", super::openapi::document(&mut rng))]),
            "crd" => Json::map([("document", super::crd::definition(&mut rng))]),
            _ => self.typed(op, rng, &mut tags),
        };
        let op = if op == "fieldmanager-crowd" { "fieldmanager" } else { op };
        let mut request_with_op = vec![("op".to_owned(), Json::from(op))];
        if let Json::Map(members) = request {
            request_with_op.extend(members);
        }
        let request = Json::Map(request_with_op);
        // A request is sent with the schemas that it names.
        let text = request.to_string();
        let used: Vec<(String, String)> = self
            .block
            .documents
            .iter()
            .filter(|(name, _)| text.contains(&format!("\"schema\":\"{name}\"")))
            .cloned()
            .collect();
        Case { schemas: Rc::new(used), request, tags }
    }

    fn untyped(&self, rng: Rng) -> Maker<'_> {
        Maker { rng, model: &self.deduced, habits: Habits::WILD }
    }

    fn any_root(&self, rng: Rng) -> Json {
        Maker { rng, model: &self.block.hub, habits: Habits::WILD }.root()
    }

    fn schema(&self, rng: &mut Rng) -> Json {
        let mut document = Model::random(rng).to_json();
        if rng.percent(60) {
            damage(&mut document, rng);
        }
        Json::map([("name", Json::from("scratch")), ("yaml", Json::String(document.to_string()))])
    }

    /// Paths of a random object of the block, and strays.
    fn paths(&self, maker: &mut Maker<'_>) -> Vec<Path> {
        let mut inner =
            Maker { rng: maker.rng.clone(), model: &self.block.hub, habits: Habits::WILD };
        let value = inner.root();
        let mut paths = Vec::new();
        inner.paths(Some(inner.root_type()), &value, &mut vec![], &mut paths);
        let share = inner.rng.between(10, 80);
        let paths = inner.some_paths(&paths, share, 45);
        maker.rng = inner.rng;
        paths
    }

    fn decode(&self, rng: Rng) -> Json {
        let mut maker = self.untyped(rng);
        let paths = self.paths(&mut maker);
        let mut text = set_text(&paths);
        let rng = &mut maker.rng;
        if rng.percent(25) {
            let mut tree = Json::parse(&text).unwrap_or(Json::Null);
            unsettle(&mut tree, rng);
            text = tree.to_string();
        }
        if rng.percent(15) {
            text = text.replace(":{", if rng.percent(50) { " : {" } else { ":\n\t{ " });
        }
        if rng.percent(12) {
            // Somewhere a byte is lost, doubled or changed, or the end is.
            let mut bytes: Vec<char> = text.chars().collect();
            for _ in 0..rng.between(1, 2) {
                if bytes.is_empty() {
                    break;
                }
                let at = rng.below(bytes.len());
                match rng.below(4) {
                    0 => drop(bytes.remove(at)),
                    1 => bytes.insert(at, bytes[at]),
                    2 => bytes[at] = *rng.pick(&['"', '{', '}', ':', ',', '\\', 'x', '0', ' ']),
                    _ => bytes.truncate(at),
                }
            }
            text = bytes.into_iter().collect();
        }
        if rng.in_1000(15) {
            text =
                (*rng.pick(&["", " ", "null", "[]", "{}", "1", "\"f:a\"", "{}{}", "\u{feff}{}"]))
                    .to_owned();
        }
        Json::map([("fieldsv1", Json::String(text))])
    }

    fn element(&self, rng: Rng) -> Json {
        const ODD: [&str; 24] = [
            "",
            "f",
            "v",
            ":",
            "xx",
            "f;a",
            "zz:a",
            "x:1",
            "F:a",
            "r:x",
            "i:",
            "i:+1",
            "i:01",
            "i:-1",
            "i:1.0",
            "i:0x10",
            "i:9223372036854775808",
            "k:null",
            "k:[]",
            "k:5",
            "k:",
            "v:",
            "k:{\"b\":1,\"a\":2,\"b\":3}",
            "v: 1 ",
        ];
        let mut maker = self.untyped(rng);
        let mut element = maker.element();
        if maker.rng.percent(25) {
            element = (*maker.rng.pick(&ODD)).to_owned();
        }
        if maker.rng.percent(15) {
            let mut chars: Vec<char> = element.chars().collect();
            let at = maker.rng.below(chars.len() + 1);
            chars.insert(at, *maker.rng.pick(&[' ', '"', '}', '\\', 'e', '.', '9', 'é']));
            element = chars.into_iter().collect();
        }
        Json::map([("pe", Json::String(element))])
    }

    fn algebra(&self, rng: Rng) -> Json {
        let mut maker = self.untyped(rng);
        let a = self.paths(&mut maker);
        let b = if maker.rng.percent(15) {
            self.paths(&mut maker)
        } else {
            let mut b = maker.some_paths(&a, 60, 40);
            for path in &mut b {
                match maker.rng.below(6) {
                    0 => path.truncate(maker.rng.between(1, path.len())),
                    1 => path.push(maker.element()),
                    _ => {}
                }
            }
            b
        };
        Json::map([
            ("a", Json::String(maker.set_text(&a))),
            ("b", Json::String(maker.set_text(&b))),
        ])
    }

    fn filter_spec(&self, maker: &mut Maker<'_>, paths: &[Path]) -> (String, Json) {
        if maker.rng.percent(40) {
            let share = maker.rng.between(5, 40);
            let set = maker.some_paths(paths, share, 30);
            return ("exclude".to_owned(), Json::String(maker.set_text(&set)));
        }
        let mut patterns = Vec::new();
        for _ in 0..maker.rng.below(5) {
            let mut path = if paths.is_empty() { vec![] } else { maker.rng.pick(paths).clone() };
            if maker.rng.percent(15) {
                path.push(maker.element());
            }
            let length = maker.rng.between(0, path.len().min(4));
            let pattern = path[..length].iter().map(|element| {
                if maker.rng.percent(20) {
                    Json::map([("any", Json::Bool(true))])
                } else {
                    Json::map([("pe", Json::text(element.as_str()))])
                }
            });
            patterns.push(Json::List(pattern.collect()));
        }
        ("include".to_owned(), Json::List(patterns))
    }

    /// What an endpoint resets of objects of one version.
    fn reset_fields(&self, maker: &mut Maker<'_>) -> Json {
        if maker.rng.percent(40) {
            let field = *maker.rng.pick(&["f:spec", "f:status", "f:metadata"]);
            return Json::map([("exclude", Json::String(format!("{{\"{field}\":{{}}}}")))]);
        }
        let value = maker.root();
        let mut paths = Vec::new();
        maker.paths(Some(maker.root_type()), &value, &mut vec![], &mut paths);
        let (key, spec) = self.filter_spec(maker, &paths);
        Json::Map(vec![(key, spec)])
    }

    fn filter(&self, rng: Rng) -> Json {
        let mut maker = self.untyped(rng);
        let paths = self.paths(&mut maker);
        let (key, spec) = self.filter_spec(&mut maker, &paths);
        Json::Map(vec![("set".to_owned(), Json::String(maker.set_text(&paths))), (key, spec)])
    }

    fn value(&self, rng: Rng) -> Json {
        let mut maker = self.untyped(rng);
        let a = if maker.rng.percent(25) { maker.number() } else { maker.anything(0) };
        let b = match maker.rng.below(4) {
            0 => maker.anything(0),
            1 => a.clone(),
            2 if matches!(a, Json::Number(_)) => maker.number(),
            _ => {
                let mut b = a.clone();
                nudge(&mut b, &mut maker);
                b
            }
        };
        Json::map([("a", a), ("b", b)])
    }

    fn managed(&self, rng: Rng) -> Json {
        let mut maker = self.untyped(rng);
        let mut sides = [vec![], vec![]];
        for name in ["ann", "bob", "ünï \"q\""] {
            let paths = self.paths(&mut maker);
            for side in &mut sides {
                if maker.rng.percent(30) {
                    continue;
                }
                let share = *maker.rng.pick(&[0, 50, 100, 100]);
                let set = maker.some_paths(&paths, share, 0);
                let version = *maker.rng.pick(&["v1", "v1", "v1", "v2"]);
                side.push((name, owned(&set_text(&set), version, maker.rng.percent(50))));
            }
        }
        let [a, b] = sides;
        Json::map([("a", Json::map(a)), ("b", Json::map(b))])
    }

    /// The operations on one or two typed values.
    fn typed(&self, op: &str, mut rng: Rng, tags: &mut BTreeSet<&'static str>) -> Json {
        let deduced = rng.percent(8);
        let model = if deduced { &self.deduced } else { &self.block.hub };
        let schema = if deduced { "deduced".to_owned() } else { self.block.documents[0].0.clone() };
        let ty = if deduced { "__untyped_deduced_" } else { Model::ROOT };
        let mut habits = Habits::WILD;
        if !rng.percent(40) {
            habits.wrong = 1;
            habits.broken = 6;
        }
        let mut maker = Maker { rng, model, habits };
        let root = maker.root_type();
        let lhs = maker.root();
        let rate = maker.rng.between(8, 50);
        let rhs = match maker.rng.below(6) {
            0 => maker.root(),
            1 => maker.part(root, &lhs, 70),
            _ => maker.mutate(root, &lhs, rate, 0),
        };
        let mut request = vec![("schema", Json::String(schema)), ("type", Json::from(ty))];
        constructs(model, root, &lhs, tags);
        let with_sets = matches!(op, "remove" | "extract" | "reconcile" | "ensure_named");
        if op != "ensure_named" {
            request.push(("lhs", lhs.clone()));
        }
        if matches!(op, "merge" | "compare") {
            constructs(model, root, &rhs, tags);
            request.push(("rhs", rhs.clone()));
        }
        if with_sets {
            let mut paths = Vec::new();
            maker.paths(Some(root), &lhs, &mut vec![], &mut paths);
            if maker.rng.percent(40) {
                maker.paths(Some(root), &rhs, &mut vec![], &mut paths);
            }
            let share = *maker.rng.pick(&[5, 15, 30, 60, 90]);
            let paths = maker.some_paths(&paths, share, 20);
            request.push(("set", Json::String(maker.set_text(&paths))));
        }
        if op == "extract" && maker.rng.percent(45) {
            request.push(("append_keys", Json::Bool(true)));
        }
        if op != "ensure_named" {
            match maker.rng.below(10) {
                0..3 => request.push(("allow_duplicates", Json::Bool(true))),
                3..5 if op != "validate" => request.push(("unvalidated", Json::Bool(true))),
                _ => {}
            }
        }
        Json::map(request)
    }

    fn updater(&self, mut rng: Rng, tags: &mut BTreeSet<&'static str>) -> Json {
        let deduced = rng.percent(6);
        let count = if deduced { 1 } else { *rng.weighted(&[(11, 1), (5, 2), (4, 3)]) };
        let model = if deduced { &self.deduced } else { &self.block.hub };
        let mut habits = if rng.percent(12) { Habits::CARELESS } else { Habits::TAME };
        let repeating = rng.percent(12);
        if repeating {
            habits.repeats = 40;
        }
        let mut maker = Maker { rng, model, habits };
        let root = maker.root_type();
        let no_names = vec![];
        let names_at = |version: usize| match version {
            0 => &no_names,
            version if deduced => unreachable!("deduced objects have no version {version}"),
            version => &self.block.versions[version - 1].0,
        };
        let mut versions = Vec::new();
        for (version, label) in VERSIONS.iter().enumerate().take(count) {
            let rename = names_at(version)
                .iter()
                .map(|(hub, here)| (hub.as_str(), Json::text(here.as_str())));
            let (schema, ty) = if deduced {
                ("deduced".to_owned(), "__untyped_deduced_")
            } else {
                (self.block.documents[version].0.clone(), Model::ROOT)
            };
            versions.push((
                *label,
                Json::map([
                    ("schema", Json::String(schema)),
                    ("type", Json::from(ty)),
                    ("rename", Json::map(rename.collect::<Vec<_>>())),
                ]),
            ));
        }
        let mut request = vec![("versions", Json::map(versions))];
        let missing = maker.rng.percent(12);
        let failing = maker.rng.in_1000(8);
        if missing {
            request.push(("missing", Json::List(vec!["v0".into()])));
            tags.insert("missing-version");
        }
        if failing {
            request.push(("failing", Json::List(vec!["v9".into()])));
            tags.insert("failing-version");
        }
        let names: Vec<&str> = {
            let mut names = ["ann", "bob", "ctl", "we\"ird\n", "ünï", "zed"];
            maker.rng.shuffle(&mut names);
            names[..maker.rng.between(1, 6)].to_vec()
        };
        // What the objects may look like; only the reference knows what they are.
        let mut live = Json::Null;
        let mut last: Vec<(usize, Json)> = names.iter().map(|_| (0, Json::Null)).collect();
        if maker.rng.percent(65) {
            live = maker.root();
            let mut managers = Vec::new();
            let mut paths = Vec::new();
            maker.paths(Some(root), &live, &mut vec![], &mut paths);
            let other = maker.mutate(root, &live, 30, 0);
            let mut stale = Vec::new();
            maker.paths(Some(root), &other, &mut vec![], &mut stale);
            for (index, name) in names.iter().enumerate() {
                if !maker.rng.percent(75) {
                    continue;
                }
                let config = maker.part(root, &live, 50);
                let mut set = Vec::new();
                if maker.rng.percent(60) {
                    maker.paths(Some(root), &config, &mut vec![], &mut set);
                    set = maker.some_paths(&set, 90, 0);
                } else {
                    set = maker.some_paths(&paths, 25, 0);
                }
                if maker.rng.percent(25) {
                    let more = maker.some_paths(&stale, 20, 15);
                    set.extend(more);
                }
                let mut version = maker.rng.below(count);
                let mut label = VERSIONS[version];
                if missing && maker.rng.percent(30) {
                    label = "v0";
                    version = 0;
                } else if failing && maker.rng.percent(50) {
                    label = "v9";
                    version = 0;
                } else if maker.rng.in_1000(8) {
                    label = "v7";
                }
                rename_paths(&mut set, names_at(version));
                let text = maker.set_text(&set);
                managers.push((*name, owned(&text, label, maker.rng.percent(55))));
                last[index] = (version, config);
            }
            request.push(("live", live.clone()));
            request.push(("live_version", Json::from("v1")));
            request.push(("managers", Json::map(managers)));
        }
        if maker.rng.percent(12) {
            tags.insert("ignored");
            let mut paths = Vec::new();
            let sample = if live.is_null() { maker.root() } else { live.clone() };
            maker.paths(Some(root), &sample, &mut vec![], &mut paths);
            let both = maker.rng.in_1000(40);
            let legacy = maker.rng.percent(40);
            if legacy || both {
                let mut by_version = Vec::new();
                for (version, label) in VERSIONS[..count].iter().enumerate() {
                    if maker.rng.in_1000(30) {
                        continue;
                    }
                    let mut set = maker.some_paths(&paths, 15, 20);
                    rename_paths(&mut set, names_at(version));
                    by_version.push((*label, Json::String(set_text(&set))));
                }
                request.push(("ignored_fields", Json::map(by_version)));
            }
            if !legacy || both {
                let mut by_version = Vec::new();
                for (version, label) in VERSIONS[..count].iter().enumerate() {
                    if maker.rng.percent(10) {
                        continue;
                    }
                    let mut renamed = paths.clone();
                    rename_paths(&mut renamed, names_at(version));
                    let (key, spec) = self.filter_spec(&mut maker, &renamed);
                    by_version.push((*label, Json::Map(vec![(key, spec)])));
                }
                request.push(("ignore_filter", Json::map(by_version)));
            }
        }
        if maker.rng.percent(20) {
            request.push(("return_input_on_noop", Json::Bool(true)));
        }
        let mut steps = Vec::new();
        let total = maker.rng.between(2, 6);
        for step in 0..total {
            let is_last = step + 1 == total;
            let who = maker.rng.below(names.len());
            let op = if is_last && maker.rng.percent(95) {
                "apply"
            } else {
                *maker.rng.weighted(&[
                    (40, "apply"),
                    (16, "force"),
                    (32, "update"),
                    (8, "extract_apply"),
                ])
            };
            let stay = if op == "extract_apply" { 92 } else { 60 };
            let version =
                if maker.rng.percent(stay) { last[who].0 } else { maker.rng.below(count) };
            let object = if op == "update" {
                let object = match maker.rng.below(10) {
                    0 => maker.root(),
                    1 => maker.part(root, &live, 80),
                    2 => live.clone(),
                    _ => {
                        let rate = maker.rng.between(5, 30);
                        maker.mutate(root, &live, rate, 0)
                    }
                };
                live = object.clone();
                object
            } else {
                let config = self.config(&mut maker, &live, &last[who].1, is_last);
                live = maker.overlay(root, &live, &config);
                config
            };
            constructs(model, root, &object, tags);
            let mut sent = object.clone();
            rename_root(&mut sent, names_at(version));
            if op != "update" {
                last[who] = (version, object);
            }
            let label = if missing && maker.rng.in_1000(5) { "v0" } else { VERSIONS[version] };
            steps.push(Json::map([
                ("op", Json::from(op)),
                ("manager", Json::from(names[who])),
                ("version", Json::from(label)),
                ("object", sent),
            ]));
        }
        request.push(("steps", Json::List(steps)));
        Json::map(request)
    }

    /// A configuration: the last one with changes, a part of what is live with changes, or all new.
    fn config(&self, maker: &mut Maker<'_>, live: &Json, last: &Json, provoke: bool) -> Json {
        let root = maker.root_type();
        let repeats = std::mem::replace(&mut maker.habits.repeats, 0);
        let mut config = match maker.rng.below(12) {
            0 => maker.root(),
            1 => Json::Map(vec![]),
            2..6 if !last.is_null() && !provoke => {
                let keep = maker.rng.between(40, 100);
                maker.part(root, last, keep)
            }
            _ => {
                let keep = maker.rng.between(if provoke { 80 } else { 30 }, 95);
                maker.part(root, live, keep)
            }
        };
        let rate =
            if provoke { maker.rng.between(60, 95) } else { *maker.rng.pick(&[0, 0, 5, 10, 25]) };
        if rate > 0 {
            config = maker.mutate(root, &config, rate, 0);
        }
        if config.is_null() && maker.rng.percent(80) {
            config = Json::Map(vec![]);
        }
        maker.habits.repeats = repeats;
        config
    }

    fn field_manager(&self, mut rng: Rng, tags: &mut BTreeSet<&'static str>, crowd: bool) -> Json {
        let deduced = rng.percent(12);
        let model = &self.block.kind;
        let (group, version) = *rng.pick(&[("", "v1"), ("example.com", "v1"), ("apps", "v1beta1")]);
        let endpoint =
            if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let others = if group.is_empty() {
            vec!["v0".to_owned(), "v2".to_owned()]
        } else {
            vec![format!("{group}/v0"), format!("{group}/v2"), "v1".to_owned()]
        };
        let subresource = if rng.percent(20) { "status" } else { "" };
        let mut habits = if rng.percent(12) { Habits::CARELESS } else { Habits::TAME };
        if rng.percent(8) {
            habits.repeats = 30;
        }
        let mut maker = Maker { rng, model, habits };
        let root = maker.root_type();
        let identify = |object: &mut Json| {
            if !matches!(object, Json::Map(_)) {
                *object = Json::Map(vec![]);
            }
            object.set("apiVersion", Json::text(endpoint.as_str()));
            object.set("kind", Json::from("Lamp"));
        };
        let name = |object: &mut Json, uid: bool| {
            if !matches!(object.get("metadata"), Some(Json::Map(_))) {
                object.set("metadata", Json::Map(vec![]));
            }
            if let Some(metadata) = object.get_mut("metadata") {
                metadata.set("name", Json::from("lamp"));
                metadata.remove("managedFields");
                metadata.remove("uid");
                if uid {
                    metadata.set("uid", Json::from("u-1"));
                }
            }
        };
        // Other versions that the endpoint can convert to, and what keys of `spec` are called there.
        let mut renames: Vec<(String, Vec<(String, String)>)> = Vec::new();
        if maker.rng.percent(if crowd { 15 } else { 45 }) {
            tags.insert("convertible-versions");
            for (number, other) in others.iter().enumerate() {
                if maker.rng.percent(75) {
                    let mut names = vec!["a", "c", "f", "m", "x"];
                    maker.rng.shuffle(&mut names);
                    names.truncate(maker.rng.below(4));
                    let renamed = |hub: &str| (hub.to_owned(), format!("{hub}V{number}"));
                    renames.push((other.clone(), names.into_iter().map(renamed).collect()));
                }
            }
        }
        let mut type_of = vec![(format!("{endpoint}/Lamp"), Json::from(Model::ROOT))];
        for (other, _) in &renames {
            // A version without a type is as good as none.
            if !maker.rng.percent(6) {
                type_of.push((format!("{other}/Lamp"), Json::from(Model::ROOT)));
            }
        }
        let mut request = vec![
            (
                "schema",
                Json::String(if deduced {
                    "deduced".to_owned()
                } else {
                    self.block.documents[3].0.clone()
                }),
            ),
            ("type_of", Json::map(type_of)),
            (
                "gvk",
                Json::map([
                    ("group", Json::from(group)),
                    ("version", Json::from(version)),
                    ("kind", Json::from("Lamp")),
                ]),
            ),
            ("subresource", Json::from(subresource)),
        ];
        if !renames.is_empty() {
            let versions = renames.iter().map(|(version, names)| {
                let rename = names.iter().map(|(hub, own)| (hub, Json::text(own.as_str())));
                (version.as_str(), Json::map([("rename", Json::map(rename))]))
            });
            request.push(("versions", Json::map(versions)));
            if maker.rng.percent(4) {
                tags.insert("failing-version");
                let version = maker.rng.pick(&renames).0.clone();
                request.push(("failing", Json::List(vec![Json::String(version)])));
            }
        }
        if maker.rng.percent(20) {
            tags.insert("reset-fields");
            let mut versions = vec![endpoint.clone()];
            versions.extend(others.iter().cloned());
            let reset = versions.into_iter().filter_map(|version| {
                let is_left_out = maker.rng.percent(if version == endpoint { 5 } else { 40 });
                (!is_left_out).then(|| (version, self.reset_fields(&mut maker)))
            });
            let reset: Vec<(String, Json)> = reset.collect();
            let reset = reset.iter().map(|(version, spec)| (version.as_str(), spec.clone()));
            request.push(("reset_fields", Json::map(reset)));
        }
        let mut names = ["flux", "helm", "curl", "kubelet", "a<b>&\"c", "ünï", "kubectl"];
        maker.rng.shuffle(&mut names);
        if maker.rng.percent(25) {
            names[0] = "kubectl";
        }
        let names = &names[..maker.rng.between(1, 5)];
        let mut live = Json::Null;
        if crowd || maker.rng.percent(80) {
            live = maker.root();
            identify(&mut live);
            let uid = maker.rng.percent(85);
            name(&mut live, uid);
            if names.contains(&"kubectl") && maker.rng.percent(70) {
                tags.insert("last-applied");
                let annotations = self.last_applied(&mut maker, &live, &identify);
                if let Some(metadata) = live.get_mut("metadata") {
                    metadata.set("annotations", annotations);
                }
            }
            let before = live.clone();
            if crowd || maker.rng.percent(75) {
                let list = self
                    .entries(&mut maker, &before, &endpoint, &renames, &others, names, crowd, tags);
                if let Some(metadata) = live.get_mut("metadata") {
                    metadata.set("managedFields", list);
                }
            } else {
                tags.insert("untracked");
            }
            request.push(("live", live.clone()));
            live = before;
        } else {
            request.push(("live", Json::Null));
        }
        let mut last: Vec<Json> = names.iter().map(|_| Json::Null).collect();
        let mut steps = Vec::new();
        let total = if crowd { maker.rng.between(2, 14) } else { maker.rng.between(1, 5) };
        for step in 0..total {
            let is_last = step + 1 == total;
            let mut who = maker.rng.below(names.len());
            if is_last && names[who] == "kubectl" && maker.rng.percent(80) {
                // It may have what it applied before, so that few of its applies end in conflicts.
                who = (who + 1) % names.len();
            }
            let op = if is_last && maker.rng.percent(95) {
                "apply"
            } else if crowd {
                *maker.rng.weighted(&[(1, "apply"), (8, "update")])
            } else {
                *maker.rng.weighted(&[(50, "apply"), (22, "update"), (22, "update_no_errors")])
            };
            let mut manager = names[who].to_owned();
            let mut object;
            if op == "apply" {
                object = self.config(&mut maker, &live, &last[who], is_last);
                let whole = object.clone();
                identify(&mut object);
                name(&mut object, false);
                if subresource == "status" && maker.rng.percent(60) {
                    object.remove("spec");
                }
                live = maker.overlay(root, &live, &object);
                last[who] = whole;
                match maker.rng.below(400) {
                    0 => drop(object.remove("apiVersion")),
                    1 => object.set("kind", "Secret".into()),
                    2 => object.set("apiVersion", "a/b/c".into()),
                    3 => object.set("apiVersion", Json::text(others[0].as_str())),
                    4..8 => {
                        let list = *maker.rng.pick(&["[]", "null", "[{}]"]);
                        let list = Json::parse(list).unwrap_or(Json::Null);
                        if let Some(metadata) = object.get_mut("metadata") {
                            metadata.set("managedFields", list);
                        }
                    }
                    8 => drop(object.remove("metadata")),
                    9 => object.set("metadata", Json::Null),
                    _ => {}
                }
            } else {
                object = match maker.rng.below(12) {
                    0 => maker.root(),
                    1 => live.clone(),
                    2 => maker.part(root, &live, 75),
                    _ => {
                        let rate = maker.rng.between(5, 25);
                        maker.mutate(root, &live, rate, 0)
                    }
                };
                identify(&mut object);
                let uid = maker.rng.percent(90);
                name(&mut object, uid);
                live = object.clone();
                if crowd {
                    manager = format!("{}{:02}", maker.rng.pick(&["u", "Aaa"]), step);
                } else if maker.rng.in_1000(20) {
                    manager.clear();
                }
                let before = live.clone();
                let list = match maker.rng.below(if crowd { 120 } else { 40 }) {
                    0 => Json::parse("[]").ok(),
                    1 => Json::parse("[{}]").ok(),
                    2 => Json::parse("[{},{}]").ok(),
                    3 => Json::parse(r#"[{"manager":"x"}]"#).ok(),
                    4 => Some(Json::Null),
                    5..9 => Some(self.entries(
                        &mut maker, &before, &endpoint, &renames, &others, names, false, tags,
                    )),
                    _ => None,
                };
                if let Some(list) = list {
                    tags.insert("client-list");
                    if let Some(metadata) = object.get_mut("metadata") {
                        metadata.set("managedFields", list);
                    }
                }
                match maker.rng.below(300) {
                    0 => object.set("metadata", Json::Null),
                    1 => drop(object.remove("metadata")),
                    2 if is_last => object.set("kind", "Secret".into()),
                    _ => {}
                }
            }
            constructs(model, root, &object, tags);
            let force = op == "apply" && !is_last && maker.rng.percent(35);
            steps.push(Json::map([
                ("op", Json::from(op)),
                ("manager", Json::String(manager)),
                ("force", Json::Bool(force)),
                ("object", object),
            ]));
        }
        request.push(("steps", Json::List(steps)));
        Json::map(request)
    }
    /// What clients ask of an object: its upgrade from client-side apply, owners of fields, what a
    /// manager has applied.
    fn client(&self, op: &str, mut rng: Rng, tags: &mut BTreeSet<&'static str>) -> Json {
        let deduced = rng.percent(12);
        let model = if deduced { &self.deduced } else { &self.block.kind };
        let mut habits = if rng.percent(8) { Habits::CARELESS } else { Habits::TAME };
        if rng.percent(3) {
            habits.repeats = 30;
        }
        let mut maker = Maker { rng, model, habits };
        let root = maker.root_type();
        let mut object = maker.root();
        if !matches!(object, Json::Map(_)) {
            object = Json::Map(vec![]);
        }
        let endpoint = *maker.rng.weighted(&[(20, "v1"), (20, "example.com/v1"), (1, "a/b/c")]);
        if !maker.rng.percent(4) {
            object.set("apiVersion", Json::from(endpoint));
        }
        if !maker.rng.percent(4) {
            object.set("kind", Json::from("Lamp"));
        }
        if !matches!(object.get("metadata"), Some(Json::Map(_))) {
            object.set("metadata", Json::Map(vec![]));
        }
        let mut names = ["kubectl-client-side-apply", "helm", "a<b>&\"c", "ünï\u{2028}"];
        maker.rng.shuffle(&mut names);
        let names = &names[..maker.rng.between(1, 4)];
        let others = ["v0".to_owned(), "example.com/v2".to_owned()];
        let mut list =
            self.entries(&mut maker, &object.clone(), endpoint, &[], &others, names, false, tags);
        let mut paths = Vec::new();
        maker.paths(Some(root), &object, &mut vec![], &mut paths);
        let mut records = Vec::new();
        if let Json::List(entries) = &mut list {
            for entry in entries {
                if op == "csaupgrade" && matches!(entry, Json::Map(_)) && maker.rng.percent(12) {
                    entry.set("apiVersion", Json::text(others[0].as_str()));
                    tags.insert("other-version-entry");
                }
                if op == "extract_into"
                    && entry.str_of("operation") == "Update"
                    && maker.rng.percent(70)
                {
                    entry.set("operation", "Apply".into());
                }
                if let Some(fields @ Json::Map(_)) = entry.get_mut("fieldsV1") {
                    if maker.rng.percent(4) {
                        fields.set("f:<&>\u{2029}", Json::Map(vec![]));
                    }
                    records.push(fields.to_string());
                }
            }
            if maker.rng.in_1000(10) {
                entries_odd(&mut list, &mut maker.rng);
            }
        }
        if let Some(metadata) = object.get_mut("metadata") {
            match maker.rng.below(50) {
                0 => drop(metadata.remove("managedFields")),
                _ => metadata.set("managedFields", list),
            }
            match maker.rng.below(12) {
                0 => {}
                1 => metadata.set("resourceVersion", Json::from("a<b")),
                _ => metadata.set("resourceVersion", Json::from("42")),
            }
            if maker.rng.percent(90) {
                metadata.set("name", Json::from("lamp"));
                metadata.set("namespace", Json::from("hall"));
            }
        }
        let any = |maker: &mut Maker<'_>| {
            let name = *maker.rng.pick(names);
            Json::from(if maker.rng.percent(15) { "kubectl" } else { name })
        };
        let subresource = *maker.rng.weighted(&[(8, ""), (1, "status"), (1, "scale")]);
        let mut request = Vec::new();
        match op {
            "csaupgrade" => {
                let count = *maker.rng.weighted(&[(1, 0), (20, 1), (12, 2), (6, 3)]);
                let from = (0..count).map(|_| any(&mut maker)).collect();
                request.push(("from", Json::List(from)));
                request.push(("manager", any(&mut maker)));
            }
            "find_owners" => {
                let operation = *maker.rng.pick(&["Update", "Apply"]);
                request.push(("operation", Json::from(operation)));
                let set = if !records.is_empty() && maker.rng.percent(50) {
                    maker.rng.pick(&records).clone()
                } else {
                    let mut set = maker.some_paths(&paths, 10, 3);
                    let most = maker.rng.between(0, 2);
                    set.truncate(most);
                    set_text(&set)
                };
                request.push(("set", Json::String(set)));
            }
            _ => {
                let schema =
                    if deduced { "deduced".to_owned() } else { self.block.documents[3].0.clone() };
                request.push(("schema", Json::String(schema)));
                request.push(("type", Json::from(Model::ROOT)));
                request.push(("manager", any(&mut maker)));
            }
        }
        if op != "find_owners" {
            request.push(("subresource", Json::from(subresource)));
        }
        constructs(model, root, &object, tags);
        request.push(("live", object));
        Json::map(request)
    }

    /// Annotations with what kubectl applied last: mostly a part of what is live.
    fn last_applied(
        &self,
        maker: &mut Maker<'_>,
        live: &Json,
        identify: &dyn Fn(&mut Json),
    ) -> Json {
        let root = maker.root_type();
        let keep = maker.rng.between(50, 100);
        let mut last = maker.part(root, live, keep);
        if maker.rng.percent(40) {
            last = maker.mutate(root, &last, 15, 0);
        }
        identify(&mut last);
        match maker.rng.below(40) {
            0 => last.set("apiVersion", "v9".into()),
            1 => last.set("kind", "Secret".into()),
            2 => drop(last.remove("kind")),
            _ => {}
        }
        let text = match maker.rng.below(40) {
            0 => "invalid".to_owned(),
            1 => String::new(),
            2 => "[]".to_owned(),
            _ => last.to_string(),
        };
        let key = "kubectl.kubernetes.io/last-applied-configuration";
        let mut annotations = Json::map([(key, Json::String(text))]);
        match maker.rng.below(20) {
            0 => annotations.set("x", Json::Null),
            1 => annotations.set("x", Json::number(5)),
            2..8 => annotations.set("x", "1".into()),
            _ => {}
        }
        annotations
    }

    /// A list of entries over the object: mostly sound.
    #[expect(clippy::too_many_arguments, reason = "one call from each side of a write")]
    fn entries(
        &self,
        maker: &mut Maker<'_>,
        object: &Json,
        endpoint: &str,
        renames: &[(String, Vec<(String, String)>)],
        others: &[String],
        names: &[&str],
        crowd: bool,
        tags: &mut BTreeSet<&'static str>,
    ) -> Json {
        let root = maker.root_type();
        let mut paths = Vec::new();
        maker.paths(Some(root), object, &mut vec![], &mut paths);
        let hidden = ["f:apiVersion", "f:kind"];
        if !maker.rng.percent(4) {
            paths.retain(|path| {
                let is_identity = path[0] == "f:metadata"
                    && path.get(1).is_none_or(|at| at == "f:name" || at == "f:uid");
                !is_identity && !hidden.contains(&path[0].as_str())
            });
        }
        let mut list = Vec::new();
        let total = if crowd { maker.rng.between(9, 14) } else { maker.rng.between(1, 5) };
        for index in 0..total {
            let share = *maker.rng.pick(&[10, 25, 50]);
            let strays = if maker.rng.percent(20) { 40 } else { 0 };
            let set = maker.some_paths(&paths, share, strays);
            let updates = crowd && !maker.rng.percent(10) || maker.rng.percent(50);
            let manager = if crowd && maker.rng.percent(90) {
                match maker.rng.below(12) {
                    0 => "ancient-changes".to_owned(),
                    1 => format!("Aaa{index}"),
                    _ => format!("m{index:02}"),
                }
            } else {
                (*maker.rng.pick(names)).to_owned()
            };
            let version = if maker.rng.percent(if renames.is_empty() { 9 } else { 30 }) {
                tags.insert("other-version-entry");
                maker.rng.pick(others).clone()
            } else {
                endpoint.to_owned()
            };
            let mut set = set;
            if let Some((_, names)) = renames.iter().find(|(other, _)| *other == version) {
                for path in &mut set {
                    rename_in_spec(path, names);
                }
            }
            let mut entry = vec![("manager", Json::String(manager))];
            entry.push(("operation", Json::from(if updates { "Update" } else { "Apply" })));
            entry.push(("apiVersion", Json::String(version)));
            if !maker.rng.percent(8) {
                let minute = maker.rng.below(if crowd { 5 } else { 30 });
                let time = *maker.rng.weighted(&[(100, "Z"), (1, "+02:00"), (1, ".123456Z")]);
                let time = match maker.rng.in_1000(8) {
                    true => (*maker.rng.pick(&ODD_TIMES)).to_owned(),
                    false => format!("2000-01-01T00:{minute:02}:00{time}"),
                };
                entry.push(("time", Json::String(time)));
            }
            entry.push(("fieldsType", Json::from("FieldsV1")));
            let set = Json::parse(&set_text(&set)).unwrap_or(Json::Null);
            if !maker.rng.in_1000(20) {
                entry.push(("fieldsV1", set));
            }
            if maker.rng.percent(12) {
                entry.push(("subresource", Json::from(*maker.rng.pick(&["status", "scale"]))));
            }
            list.push(Json::map(entry));
        }
        if maker.rng.in_1000(if crowd { 10 } else { 45 }) {
            tags.insert("corrupt-list");
            let at = maker.rng.below(list.len());
            let entry = &mut list[at];
            match maker.rng.below(16) {
                0 => entry.set("operation", "Bogus".into()),
                1 => entry.set("apiVersion", "".into()),
                2 => entry.set("fieldsType", "FieldsV2".into()),
                3 => drop(entry.remove("fieldsType")),
                4 => entry.set("apiVersion", "a/b/c".into()),
                5 => *entry = Json::Null,
                6 => entry.set("manager", Json::number(5)),
                7 => entry.set("time", Json::number(5)),
                8 => entry.set("time", (*maker.rng.pick(&NO_TIMES)).into()),
                9 => entry.set("fieldsV1", Json::map([("fa", Json::Map(vec![]))])),
                10 => entry.set("fieldsV1", Json::List(vec![])),
                11 => entry.set("fieldsV1", Json::Null),
                12 => entry.set("manager", "".into()),
                13 => entry.set("unknown", Json::number(1)),
                14 => entry.set("time", Json::Null),
                _ => {
                    let copy = entry.clone();
                    list.push(copy);
                }
            }
        }
        Json::List(list)
    }
}

/// Makes a list of entries into something else.
fn entries_odd(list: &mut Json, rng: &mut Rng) {
    *list = match rng.below(4) {
        0 => Json::Null,
        1 => Json::List(vec![]),
        2 => Json::List(vec![Json::Map(vec![])]),
        _ => Json::from("entries"),
    };
}

/// Entries of an object with replicas and of its `Scale`: mostly sound.
fn scale(mut rng: Rng, tags: &mut BTreeSet<&'static str>) -> Json {
    let versions = ["apps/v1", "apps/v1beta1", "apps/v2"];
    let paths = [vec!["spec", "replicas"], vec!["spec", "the", "replicas[0]"]];
    let mappings = versions.iter().filter_map(|version| {
        if rng.percent(15) && *version != versions[0] {
            return None;
        }
        let names = *rng.weighted(&[(5, &paths[0]), (2, &paths[1])]);
        let names = names.iter().map(|name| Json::from(*name)).collect();
        let is_null = rng.percent(10) && *version != versions[0];
        Some((*version, if is_null { Json::Null } else { Json::List(names) }))
    });
    let mappings: Vec<(&str, Json)> = mappings.collect();
    let names = ["test", "hpa", "kubectl", "ünï"];
    let mut list = |of_scale: bool| {
        let mut list = Vec::new();
        for _ in 0..rng.below(6) {
            let mut set = Json::Map(vec![]);
            if rng.percent(70) {
                set.set("f:replicas", Json::Map(vec![]));
            }
            if rng.percent(25) {
                let replicas = Json::map([("f:replicas[0]", Json::Map(vec![]))]);
                set.set("f:the", replicas);
            }
            if rng.percent(40) {
                set.set("f:selector", Json::Map(vec![]));
            }
            let mut fields = Json::map([("f:spec", set)]);
            if rng.percent(20) {
                let replicas = Json::map([("f:replicas", Json::Map(vec![]))]);
                fields.set("f:status", replicas);
            }
            let version = match rng.percent(if of_scale { 90 } else { 3 }) {
                true => "autoscaling/v1",
                false => *rng.weighted(&[
                    (8, versions[0]),
                    (3, versions[1]),
                    (2, versions[2]),
                    (1, "apps/v10"),
                ]),
            };
            let mut entry = vec![
                ("manager", Json::from(*rng.pick(&names))),
                (
                    "operation",
                    Json::from(*rng.weighted(&[(9, "Apply"), (9, "Update"), (1, "Scale")])),
                ),
                ("apiVersion", Json::from(version)),
            ];
            if rng.percent(80) {
                let second = rng.below(60);
                entry.push(("time", Json::String(format!("2000-01-01T00:00:{second:02}Z"))));
            }
            entry.push(("fieldsType", Json::from("FieldsV1")));
            entry.push(("fieldsV1", fields));
            if rng.percent(if of_scale { 60 } else { 25 }) {
                entry.push(("subresource", Json::from("scale")));
            }
            list.push(Json::map(entry));
        }
        Json::List(list)
    };
    let object = |list: Json| Json::map([("metadata", Json::map([("managedFields", list)]))]);
    let (parent, own) = (list(false), list(true));
    tags.insert("scale");
    Json::map([
        ("gvk", Json::map([("group", Json::from("apps")), ("version", Json::from("v1"))])),
        ("mappings", Json::map(mappings)),
        ("live", object(parent)),
        ("object", object(own)),
    ])
}

const VERSIONS: [&str; 3] = ["v1", "v2", "v3"];

impl Block {
    fn new(seed: u64, index: u64) -> Block {
        let mut rng = Rng::of(seed, "schemas", index);
        let hub = if rng.percent(40) { Model::of_tables() } else { Model::random(&mut rng) };
        let mut versions = Vec::new();
        for number in 2..4 {
            let mut fields = hub.root_fields();
            rng.shuffle(&mut fields);
            fields.truncate(rng.between(1, 3));
            let names: Vec<(String, String)> =
                fields.into_iter().map(|hub| (hub.clone(), format!("{hub}V{number}"))).collect();
            let mut model = hub.clone();
            if rng.percent(40) {
                model.toggle(&mut rng, 25);
            }
            model.rename(&names);
            versions.push((names, model));
        }
        let kind = kind_model(&mut rng);
        let name = |part: &str| format!("s{}.{part}", index % NAMES);
        let documents = vec![
            (name("v1"), hub.to_json().to_string()),
            (name("v2"), versions[0].1.to_json().to_string()),
            (name("v3"), versions[1].1.to_json().to_string()),
            (name("kind"), kind.to_json().to_string()),
        ];
        Block { index, documents: Rc::new(documents), hub, versions, kind }
    }
}

fn owned(set: &str, version: &str, applied: bool) -> Json {
    Json::map([
        ("set", Json::from(set)),
        ("version", Json::from(version)),
        ("applied", Json::Bool(applied)),
    ])
}

fn rename_root(object: &mut Json, names: &[(String, String)]) {
    if let Json::Map(members) = object {
        for (key, _) in members {
            if let Some((_, here)) = names.iter().find(|(hub, _)| hub == key) {
                key.clone_from(here);
            }
        }
    }
}

/// Renames keys of `spec` and of the maps in it.
fn rename_in_spec(path: &mut Path, names: &[(String, String)]) {
    if path.first().is_none_or(|first| first != "f:spec") {
        return;
    }
    for element in path.iter_mut().skip(1).take(2) {
        let Some(field) = element.strip_prefix("f:") else { return };
        if let Some((_, here)) = names.iter().find(|(hub, _)| hub == field) {
            *element = format!("f:{here}");
        }
    }
}

fn rename_paths(paths: &mut [Path], names: &[(String, String)]) {
    for path in paths {
        let Some(first) = path.first_mut() else { continue };
        let Some(field) = first.strip_prefix("f:") else { continue };
        if let Some((_, here)) = names.iter().find(|(hub, _)| hub == field) {
            *first = format!("f:{here}");
        }
    }
}

/// Changes a scalar somewhere in the value, or drops a part of it.
fn nudge(value: &mut Json, maker: &mut Maker<'_>) {
    match value {
        Json::List(items) if !items.is_empty() => {
            let at = maker.rng.below(items.len());
            if maker.rng.percent(25) {
                items.remove(at);
            } else {
                nudge(&mut items[at], maker);
            }
        }
        Json::Map(members) if !members.is_empty() => {
            let at = maker.rng.below(members.len());
            match maker.rng.below(5) {
                0 => drop(members.remove(at)),
                1 => maker.rng.shuffle(members),
                _ => nudge(&mut members[at].1, maker),
            }
        }
        Json::Number(literal) if maker.rng.percent(60) => {
            // The same number in other words.
            *value = match literal.parse::<f64>() {
                Ok(float) => Json::Number(format!("{float:e}")),
                Err(_) => maker.number(),
            };
        }
        _ => *value = maker.anything(3),
    }
}

/// Times that are read, though not as they are usually written.
const ODD_TIMES: [&str; 9] = [
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:01.5Z",
    "1969-12-31T23:59:58.75Z",
    "2000-02-29T00:00:00-00:00",
    "2000-01-01T1:02:03Z",
    "2000-01-01T00:00:59,999999999999Z",
    "2000-01-01T00:00:00.0000000009+14:00",
    "1600-02-29T23:59:59Z",
    "2000-03-01T00:30:00+01:00",
];

/// Texts that are near to times.
const NO_TIMES: [&str; 16] = [
    "yesterday",
    "",
    "2000-01-01",
    "2000-01-01t00:00:00Z",
    "2000-01-01 00:00:00Z",
    "2000-01-01T00:00:00z",
    "2000-01-01T00:00:00",
    "2000-01-01T00:00:60Z",
    "2000-01-01T24:00:00Z",
    "1900-02-29T00:00:00Z",
    "2000-01-01T00:00:00.Z",
    "2000-01-01T00:00:00+25:00",
    "2000-01-01T00:00:00+0100",
    "2000-01-01T00:00:00Z[UTC]",
    "+2000-01-01T00:00:00Z",
    "2000-1-01T00:00:00Z",
];

/// Makes a FieldsV1 document less canonical, and sometimes wrong.
fn unsettle(tree: &mut Json, rng: &mut Rng) {
    let Json::Map(members) = tree else { return };
    rng.shuffle(members);
    for (key, value) in members.iter_mut() {
        if rng.percent(60) {
            unsettle(value, rng);
        }
        match rng.below(60) {
            0 => *value = Json::Null,
            1 => key.insert(0, 'r'),
            2 => *key = (*rng.pick(&["r:x", ".", "zz:", "x:1", "f:", "v: 1 ", "v:1.0"])).to_owned(),
            3 => *value = Json::number(5),
            _ => {}
        }
    }
    if rng.percent(20) {
        let members_with_dot = (".".to_owned(), Json::Map(vec![]));
        members.insert(rng.below(members.len() + 1), members_with_dot);
    }
    if !members.is_empty() && rng.percent(15) {
        let mut again = rng.pick(members).clone();
        if rng.percent(50) {
            again.1 = Json::map([(*rng.pick(&["f:a", "f:b", ".", "v:1"]), Json::Map(vec![]))]);
        }
        members.push(again);
    }
}

/// Breaks a schema document in one place, or leaves it sound in a way that nobody would write.
fn damage(document: &mut Json, rng: &mut Rng) {
    match document {
        Json::Map(members) if !members.is_empty() => match rng.below(12) {
            0 => members.push(("surprise".to_owned(), Json::number(1))),
            1 => {
                let at = rng.below(members.len());
                members.remove(at);
            }
            2 => {
                let at = rng.below(members.len());
                members[at].1 = rng.pick(&[Json::Null, Json::number(7), "x".into()]).clone();
            }
            _ => {
                let at = rng.below(members.len());
                damage(&mut members[at].1, rng);
            }
        },
        Json::List(items) if !items.is_empty() => match rng.below(10) {
            0 => {
                let copy = rng.pick(items).clone();
                items.push(copy);
            }
            1 => items.push(Json::Null),
            _ => {
                let at = rng.below(items.len());
                damage(&mut items[at], rng);
            }
        },
        Json::String(text) => {
            *text = (*rng.pick(&["bogus", "atomic", "untyped", "", "t"])).to_owned()
        }
        _ => {}
    }
}
