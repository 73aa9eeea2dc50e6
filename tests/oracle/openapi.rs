//! Random OpenAPI documents, v2 and v3: structural for the most part, and odd or wrong for the rest.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Pair;
use super::generate::Case;
use super::rng::Rng;
use super::support::compare::{Verdict, compare};
use super::support::json::{Json, same_data};

const NAMES: [&str; 6] = [
    "com.example.v1.Lamp",
    "Bulb",
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "io.k8s.apimachinery.pkg.runtime.RawExtension",
    "a~1b",
    "c%20d",
];
const FIELDS: [&str; 8] = ["name", "on", "y", "spec", "items", "properties", "level", "x-a"];
/// Texts that some reader or other takes for something else.
const TEXTS: [&str; 30] = [
    "a",
    "on",
    "y",
    "No",
    "OFF",
    "1",
    "1.5",
    "null",
    "~",
    "2001-01-01",
    "0x1f",
    "a: b",
    "#x",
    " a",
    "a\nb",
    "é",
    "",
    "-",
    "?",
    "=",
    "!x",
    "&a",
    "*a",
    "%",
    "true",
    "1_000",
    "0o7",
    ".5",
    "1e3",
    "a ",
];

struct Maker<'r> {
    rng: &'r mut Rng,
    v3: bool,
    /// The definitions that there are.
    names: Vec<&'static str>,
    /// Words that are refused, in percent of the places where a word stands.
    wrong: usize,
}

pub fn document(rng: &mut Rng) -> Json {
    let v3 = rng.percent(55);
    let wrong = *rng.pick(&[0, 0, 0, 1, 4, 15]);
    let names = NAMES.into_iter().filter(|_| rng.percent(50)).collect();
    let mut maker = Maker { rng, v3, names, wrong };
    let mut definitions = Vec::new();
    for name in maker.names.clone() {
        let mut schema = maker.schema(0);
        maker.kinds(&mut schema);
        definitions.push((name, schema));
    }
    maker.rng.shuffle(&mut definitions);
    let definitions = Json::map(definitions);
    let info = Json::map([("title", Json::from("t")), ("version", Json::from("1"))]);
    let paths = Json::Map(vec![]);
    if v3 {
        let components = Json::map([("schemas", definitions)]);
        Json::map([
            ("openapi", Json::from("3.0.0")),
            ("info", info),
            ("paths", paths),
            ("components", components),
        ])
    } else {
        Json::map([
            ("swagger", Json::from("2.0")),
            ("info", info),
            ("paths", paths),
            ("definitions", definitions),
        ])
    }
}

impl Maker<'_> {
    fn is_wrong(&mut self) -> bool {
        self.rng.percent(self.wrong)
    }

    fn schema(&mut self, depth: usize) -> Json {
        let mut schema: Vec<(String, Json)> = Vec::new();
        let mut put = |key: &str, value: Json| schema.push((key.to_owned(), value));
        if depth > 0 && !self.names.is_empty() && self.rng.percent(22) {
            let name = self.reference();
            let reference = Json::map([("$ref", name)]);
            if self.v3 && self.rng.percent(50) {
                let mut members = vec![reference];
                if self.rng.percent(10) {
                    members.push(self.schema(depth + 1));
                }
                put("allOf", Json::List(members));
            } else if let Json::Map(members) = reference {
                for (key, value) in members {
                    put(&key, value);
                }
            }
            // Siblings of a reference are refused in v2.
            if self.rng.percent(30) && (self.v3 || self.is_wrong()) {
                put("type", self.scalar_type());
            }
        } else if depth == 0 && self.rng.percent(4) {
            put("$ref", self.reference());
        } else {
            let kind = self.rng.below(if depth > 3 { 4 } else { 10 });
            match kind {
                0 => {}
                1..=3 => {
                    put("type", self.scalar_type());
                    if self.rng.percent(40) {
                        put("format", (*self.rng.pick(&["byte", "int64", "date-time", ""])).into());
                    }
                }
                4..=6 => put("type", "object".into()),
                7 | 8 => put("type", "array".into()),
                _ => {}
            }
            if self.is_wrong() {
                let odd = self.rng.pick(&["null", "", "file"]);
                put("type", (*odd).into());
            }
            let lists = kind == 0 || kind > 6 || self.rng.percent(6);
            let maps = matches!(kind, 0 | 4..=6 | 9) || self.rng.percent(6);
            if maps && depth < 4 {
                self.of_map(depth, &mut put);
            }
            if lists {
                self.of_list(depth, kind > 6 && kind < 9, &mut put);
            }
        }
        if self.rng.percent(12) || self.is_wrong() {
            let word = self.word(&["atomic", "granular"]);
            put("x-kubernetes-map-type", word);
        }
        if self.rng.percent(8) {
            let flags = [Json::Bool(true), Json::Bool(false), "true".into(), "yes".into()];
            put("x-kubernetes-preserve-unknown-fields", self.rng.pick(&flags).clone());
        }
        if self.rng.percent(20) {
            put("default", self.anything(0));
        }
        if self.v3 && self.rng.percent(10) || self.wrong > 0 && self.rng.percent(1) {
            put("nullable", Json::Bool(self.rng.percent(70)));
        }
        if self.v3 && self.rng.percent(5) || self.wrong > 0 && self.rng.percent(1) {
            let member = self.schema(4);
            put("oneOf", Json::List(vec![member]));
        }
        // Extensions are known in small letters; v2 refuses others.
        if self.rng.percent(5) && (self.v3 || self.is_wrong()) {
            put("X-Kubernetes-Map-Type", "atomic".into());
        }
        if self.wrong > 1 && self.rng.percent(2) {
            self.break_keyword(&mut schema);
        }
        // A repeated key is another matter.
        let mut seen = std::collections::HashSet::new();
        schema.retain(|(key, _)| seen.insert(key.clone()));
        self.rng.shuffle(&mut schema);
        Json::Map(schema)
    }

    fn of_map(&mut self, depth: usize, put: &mut dyn FnMut(&str, Json)) {
        if self.rng.percent(75) {
            let mut fields = Vec::new();
            for name in FIELDS {
                if self.rng.percent(25) {
                    fields.push((name, self.schema(depth + 1)));
                }
            }
            self.rng.shuffle(&mut fields);
            put("properties", Json::map(fields));
        }
        if self.rng.percent(25) {
            let additional = match self.rng.below(4) {
                0 => Json::Bool(true),
                1 => Json::Bool(false),
                _ => self.schema(depth + 1),
            };
            put("additionalProperties", additional);
        }
        if self.rng.percent(8) || self.is_wrong() {
            put("x-kubernetes-unions", self.unions());
        }
    }

    fn of_list(&mut self, depth: usize, needs_items: bool, put: &mut dyn FnMut(&str, Json)) {
        if needs_items && !self.is_wrong() || self.rng.percent(50) {
            let items = if self.is_wrong() {
                let schema = self.schema(depth + 1);
                self.rng
                    .pick(&[
                        Json::List(vec![]),
                        Json::List(vec![schema]),
                        Json::Null,
                        Json::number(5),
                        Json::Bool(true),
                    ])
                    .clone()
            } else {
                self.schema(depth + 1)
            };
            put("items", items);
        }
        if self.rng.percent(50) {
            let word = self.word(&["atomic", "set", "map", "map"]);
            let is_map = word == Json::from("map");
            put("x-kubernetes-list-type", word);
            if is_map && !self.is_wrong() {
                put("x-kubernetes-list-map-keys", self.keys());
            }
        }
        if self.rng.percent(30) {
            let word = self.word(&["merge", "merge,retainKeys", "retainKeys"]);
            put("x-kubernetes-patch-strategy", word);
            if self.rng.percent(60) {
                let key = *self.rng.pick(&["name", "level", "k"]);
                let key = if self.is_wrong() { self.anything(1) } else { key.into() };
                put("x-kubernetes-patch-merge-key", key);
            }
        }
    }

    fn keys(&mut self) -> Json {
        if self.is_wrong() {
            return self.anything(0);
        }
        let count = self.rng.below(4);
        let mut keys = Vec::new();
        for _ in 0..count {
            let key = (*self.rng.pick(&FIELDS)).into();
            keys.push(if self.rng.percent(12) { self.anything(1) } else { key });
        }
        Json::List(keys)
    }

    fn word(&mut self, good: &[&str]) -> Json {
        if self.is_wrong() {
            return match self.rng.below(3) {
                0 => (*self.rng.pick(&["replace", "Atomic", "on", ""])).into(),
                _ => self.anything(0),
            };
        }
        (*self.rng.pick(good)).into()
    }

    fn scalar_type(&mut self) -> Json {
        let one = *self.rng.pick(&["string", "string", "integer", "number", "boolean"]);
        match self.rng.below(12) {
            0 => Json::List(vec![one.into()]),
            1 if self.v3 => Json::List(vec![one.into(), "string".into()]),
            2 => Json::List(vec![]),
            _ => one.into(),
        }
    }

    fn reference(&mut self) -> Json {
        let known = !self.names.is_empty() && (!self.v3 || self.rng.percent(90));
        let name = if known { *self.rng.pick(&self.names) } else { *self.rng.pick(&NAMES) };
        let prefix = match (self.v3, self.is_wrong()) {
            (true, false) => "#/components/schemas/",
            (false, false) => "#/definitions/",
            (_, true) => *self.rng.pick(&["", "#/", "#", "other.json#/", "#/definitions/a/"]),
        };
        match self.is_wrong() {
            true => Json::String(
                prefix.to_owned() + *self.rng.pick(&["", "nowhere", "a b", "x/y", "é"]),
            ),
            false => Json::String(prefix.to_owned() + name),
        }
    }

    fn unions(&mut self) -> Json {
        if self.is_wrong() {
            return self.anything(0);
        }
        let mut unions = Vec::new();
        for number in 0..self.rng.between(1, 2) {
            let mut union = vec![];
            if self.rng.percent(60) {
                let name = format!("d{number}");
                let name = if self.is_wrong() { self.anything(1) } else { name.as_str().into() };
                union.push(("discriminator", name));
            }
            let mut fields = Vec::new();
            for field in ["a", "b", "c"] {
                let value = match self.is_wrong() {
                    true => self.anything(1),
                    false => format!("V{field}").as_str().into(),
                };
                fields
                    .push((format!("{field}{}", if self.is_wrong() { 0 } else { number }), value));
            }
            let fields = if self.is_wrong() { self.anything(1) } else { Json::map(fields) };
            union.push(("fields-to-discriminateBy", fields));
            unions.push(if self.is_wrong() { self.anything(1) } else { Json::map(union) });
        }
        Json::List(unions)
    }

    /// A value of any kind; maps have one member, since more would be printed in any order.
    fn anything(&mut self, depth: usize) -> Json {
        match self.rng.below(if depth > 2 { 6 } else { 8 }) {
            0 => Json::Null,
            1 => Json::Bool(self.rng.percent(50)),
            2 => {
                let numbers =
                    ["0", "80", "80.0", "-7", "1.5", "1e3", "1000000", "123456789012", "1e21"];
                Json::Number((*self.rng.pick(&numbers)).to_owned())
            }
            3..=5 => (*self.rng.pick(&TEXTS)).into(),
            6 => {
                let count = self.rng.below(3);
                Json::List((0..count).map(|_| self.anything(depth + 1)).collect())
            }
            _ => {
                let key = *self.rng.pick(&["a", "on", "n", "1", "null"]);
                Json::map([(key, self.anything(depth + 1))])
            }
        }
    }

    /// Gives some keyword a value that it hardly can have.
    fn break_keyword(&mut self, schema: &mut Vec<(String, Json)>) {
        let keywords = [
            "type",
            "format",
            "properties",
            "items",
            "additionalProperties",
            "allOf",
            "nullable",
            "description",
            "maximum",
            "maxLength",
            "required",
            "enum",
            "uniqueItems",
            "$ref",
            "externalDocs",
            "not",
            "unknown",
            "pattern",
            "x-other",
            "title",
            "example",
            "id",
        ];
        let keyword = *self.rng.pick(&keywords);
        let value = self.rng.pick(&odd_values()).clone();
        schema.retain(|(key, _)| key != keyword);
        schema.push((keyword.to_owned(), value));
    }

    fn kinds(&mut self, schema: &mut Json) {
        if self.rng.percent(50) {
            return;
        }
        let mut kinds = Vec::new();
        for _ in 0..self.rng.below(4) {
            let mut kind = vec![
                ("group", (*self.rng.pick(&["", "example.com", "apps"])).into()),
                (
                    "version",
                    Json::String(format!("v{}", self.rng.below(if self.v3 { 40 } else { 900 }))),
                ),
                ("kind", (*self.rng.pick(&["Lamp", "Bulb", "Lamp", ""])).into()),
            ];
            if self.v3 {
                // Which of several definitions counts hangs on chance.
                kind[1].1 = Json::String(format!("v{}", self.rng.below(100_000)));
            }
            match self.rng.below(12) {
                0 => drop(kind.remove(self.rng.below(3))),
                1 => kind[self.rng.below(3)].1 = self.anything(1),
                2 => kind.push(("more", Json::Bool(true))),
                _ => {}
            }
            kinds.push(if self.rng.percent(5) { self.anything(1) } else { Json::map(kind) });
        }
        let value = match self.rng.below(15) {
            0 => Json::Null,
            1 => kinds.pop().unwrap_or(Json::Null),
            _ => Json::List(kinds),
        };
        schema.set("x-kubernetes-group-version-kind", value);
    }
}

/// What most keywords cannot be.
pub fn odd_values() -> Vec<Json> {
    vec![
        Json::Null,
        Json::Bool(true),
        Json::number(5),
        Json::Number("1.5".to_owned()),
        "text".into(),
        Json::List(vec![]),
        Json::List(vec![Json::Map(vec![])]),
        Json::Map(vec![]),
    ]
}

/// Compares every type and kind of the documents in files and folders: OpenAPI and definitions of
/// custom resources, also in lists, in JSON and, if the crate reads it, in YAML.
pub fn compare_files(pair: &mut Pair, names: &[String]) -> ExitCode {
    let mut files = Vec::new();
    for name in names {
        find(Path::new(name), &mut files);
    }
    files.sort();
    let mut counts = Counts::default();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("documents can be read");
        for document in documents(&text) {
            counts.compare(pair, file, document);
        }
    }
    println!(
        "{} OpenAPI documents, {} definitions, {} types, {} kinds, {} documents differ",
        counts.documents, counts.definitions, counts.types, counts.kinds, counts.different
    );
    match counts.different == 0 && counts.documents + counts.definitions > 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[cfg(feature = "yaml")]
fn documents(text: &str) -> Vec<Json> {
    let read = managed_fields::yaml::documents(text).flatten();
    read.filter_map(|document| Json::parse(document.json()).ok()).collect()
}

#[cfg(not(feature = "yaml"))]
fn documents(text: &str) -> Vec<Json> {
    Json::parse(text).into_iter().collect()
}

#[derive(Default)]
struct Counts {
    documents: usize,
    definitions: usize,
    types: usize,
    kinds: usize,
    different: usize,
}

impl Counts {
    fn compare(&mut self, pair: &mut Pair, file: &Path, document: Json) {
        if let (Some(Json::List(items)), true) =
            (document.get("items"), document.str_of("kind").ends_with("List"))
        {
            return items.iter().for_each(|item| self.compare(pair, file, item.clone()));
        }
        let op = if document.str_of("kind") == "CustomResourceDefinition" {
            self.definitions += 1;
            "crd"
        } else if document.get("openapi").is_some() || document.get("swagger").is_some() {
            self.documents += 1;
            "openapi"
        } else {
            return;
        };
        let request =
            Json::map([("op", op.into()), ("document", document), ("whole", Json::Bool(true))]);
        let case = Case { schemas: Default::default(), request, tags: Default::default() };
        let (expected, got) = pair.ask(&case);
        let count = |key: &str| expected.get(key).map_or(0, |list| list.items().len());
        self.types += count("types");
        self.kinds += count("kinds");
        if compare(&case.request, &expected, &got) == Verdict::Same {
            return;
        }
        println!("{}: differs", file.display());
        let of = |answer: &Json| answer.get("types").map(Json::items).unwrap_or_default().to_vec();
        let pairs = of(&expected);
        let own = of(&got);
        let wrong = pairs.iter().zip(&own).find(|(left, right)| !same_data(left, right));
        match wrong {
            Some((left, right)) => println!("  reference: {left}\n  crate: {right}"),
            None => println!("  reference: {}\n  crate: {}", short(&expected), short(&got)),
        }
        self.different += 1;
    }
}

fn short(answer: &Json) -> String {
    answer.to_string().chars().take(2_000).collect()
}

fn find(path: &Path, files: &mut Vec<PathBuf>) {
    if let Ok(entries) = std::fs::read_dir(path) {
        entries.flatten().for_each(|entry| find(&entry.path(), files));
    } else if path.extension().is_some_and(|end| end == "json" || end == "yaml" || end == "yml") {
        files.push(path.to_owned());
    }
}
