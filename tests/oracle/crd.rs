//! Random CustomResourceDefinitions: with structural schemas for the most part, and with odd or wrong
//! ones for the rest.

use super::openapi::odd_values;
use super::rng::Rng;
use super::support::json::Json;

const FIELDS: [&str; 9] =
    ["name", "spec", "kind", "apiVersion", "metadata", "items", "level", "on", "properties"];
const TYPES: [&str; 6] = ["object", "object", "array", "string", "integer", "boolean"];
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

struct Maker<'r> {
    rng: &'r mut Rng,
    /// Places that break a rule, in a thousand.
    wrong: usize,
}

type Members = Vec<(String, Json)>;

fn put(members: &mut Members, key: &str, value: impl Into<Json>) {
    members.retain(|(known, _)| known != key);
    members.push((key.to_owned(), value.into()));
}

pub fn definition(rng: &mut Rng) -> Json {
    let wrong = *rng.pick(&[0, 0, 0, 3, 10, 40]);
    let mut maker = Maker { rng, wrong };
    let is_beta = maker.rng.percent(30);
    let kind = *maker.rng.pick(&["Lamp", "Bulb"]);
    let mut names = vec![("kind".to_owned(), kind.into()), ("plural".to_owned(), "lamps".into())];
    if maker.rng.percent(15) {
        put(&mut names, "listKind", *maker.rng.pick(&["Lamps", ""]));
    }
    let group = *maker.rng.pick(&["example.com", "a.b.example.com", "single"]);
    let mut spec = vec![
        ("group".to_owned(), Json::from(group)),
        ("names".to_owned(), Json::Map(names)),
        ("scope".to_owned(), Json::from("Namespaced")),
    ];
    if maker.rng.percent(30) {
        put(&mut spec, "preserveUnknownFields", Json::Bool(maker.rng.percent(50)));
    }
    if maker.rng.percent(if is_beta { 50 } else { 5 }) {
        let validation = maker.validation();
        put(&mut spec, "validation", validation);
    }
    if maker.rng.percent(if is_beta { 30 } else { 5 }) {
        let subresources = maker.subresources();
        put(&mut spec, "subresources", subresources);
    }
    let is_old = is_beta && maker.rng.percent(40);
    if is_old || maker.rng.percent(5) {
        put(&mut spec, "version", "v1beta1");
    }
    if !is_old {
        let count = *maker.rng.pick(&[1, 1, 1, 2, 3]);
        let mut versions = Vec::new();
        for index in 0..count {
            versions.push(maker.version(index));
        }
        put(&mut spec, "versions", Json::List(versions));
    }
    if maker.is_wrong() {
        maker.break_spec(&mut spec);
    }
    let version = if is_beta { "apiextensions.k8s.io/v1beta1" } else { "apiextensions.k8s.io/v1" };
    Json::map([
        ("apiVersion", Json::from(version)),
        ("kind", Json::from("CustomResourceDefinition")),
        ("metadata", Json::map([("name", format!("lamps.{group}").as_str().into())])),
        ("spec", Json::Map(spec)),
    ])
}

impl Maker<'_> {
    fn is_wrong(&mut self) -> bool {
        self.rng.in_1000(self.wrong)
    }

    fn version(&mut self, index: usize) -> Json {
        // Twice the same is rare and leaves no types.
        let index = if self.is_wrong() { 0 } else { index };
        let mut version = vec![
            ("name".to_owned(), Json::String(format!("v{}", index + 1))),
            ("served".to_owned(), Json::Bool(self.rng.percent(80))),
            ("storage".to_owned(), Json::Bool(index == 0)),
        ];
        if self.rng.percent(90) {
            let validation = self.validation();
            put(&mut version, "schema", validation);
        }
        if self.rng.percent(40) {
            let subresources = self.subresources();
            put(&mut version, "subresources", subresources);
        }
        Json::Map(version)
    }

    fn subresources(&mut self) -> Json {
        let mut subresources = Vec::new();
        if self.rng.percent(60) {
            let empty = Json::Map(vec![]);
            put(
                &mut subresources,
                "status",
                self.rng.pick(&[empty.clone(), empty, Json::Null]).clone(),
            );
        }
        if self.rng.percent(40) {
            let path = *self.rng.pick(&[".spec.replicas", ".spec.a.b", "spec.replicas[0]"]);
            let scale = Json::map(
                [("specReplicasPath", path), ("statusReplicasPath", ".status.r")]
                    .map(|(key, path)| (key, Json::from(path))),
            );
            put(&mut subresources, "scale", scale);
        }
        Json::Map(subresources)
    }

    fn validation(&mut self) -> Json {
        if self.rng.percent(3) {
            return self.rng.pick(&[Json::Map(vec![]), Json::Null]).clone();
        }
        Json::map([("openAPIV3Schema", self.schema(0, None))])
    }

    /// A schema; a property is told its name.
    fn schema(&mut self, depth: usize, name: Option<&str>) -> Json {
        let mut schema = Members::new();
        let is_root = depth == 0;
        let below_root = depth == 1 && name.is_some();
        let ty = match name {
            _ if is_root => "object",
            Some("kind" | "apiVersion") => "string",
            Some("metadata") => "object",
            _ if depth > 4 => *self.rng.pick(&TYPES[3..]),
            _ => *self.rng.pick(&TYPES),
        };
        if below_root && name == Some("metadata") {
            self.root_metadata(&mut schema);
        } else if !is_root && ty != "object" && ty != "array" && self.rng.percent(12) {
            self.int_or_string(&mut schema, ty);
        } else {
            let can_be_left_out = self.rng.percent(15);
            if can_be_left_out {
                put(&mut schema, PRESERVE, Json::Bool(true));
            }
            if !(can_be_left_out && self.rng.percent(40)) {
                put(&mut schema, "type", ty);
            }
            match ty {
                "object" => self.object(&mut schema, depth),
                "array" => self.array(&mut schema, depth),
                "string" if self.rng.percent(20) => {
                    put(&mut schema, "format", *self.rng.pick(&["byte", "date-time", ""]));
                }
                _ => {}
            }
            if self.rng.percent(15) {
                self.junctors(&mut schema, is_root);
            }
            self.around(&mut schema);
        }
        if self.is_wrong() {
            self.break_schema(&mut schema, depth);
        }
        self.rng.shuffle(&mut schema);
        Json::Map(schema)
    }

    /// What may stand with any structure.
    fn around(&mut self, schema: &mut Members) {
        if self.rng.percent(10) {
            put(schema, "nullable", Json::Bool(self.rng.percent(80)));
        }
        if self.rng.percent(12) {
            let default = self.anything(0);
            put(schema, "default", default);
        }
        if self.rng.percent(8) {
            put(schema, "description", *self.rng.pick(&["what it is", ""]));
        }
        if self.rng.percent(4) {
            let rule = Json::map([("rule", Json::from("true")), ("message", "m".into())]);
            put(schema, "x-kubernetes-validations", Json::List(vec![rule]));
        }
        if self.rng.percent(3) {
            put(schema, "x-kubernetes-patch-strategy", "merge");
        }
        if self.rng.percent(4) {
            let word = *self.rng.pick(&["x-kubernetes-list-type", "x-kubernetes-map-type"]);
            put(schema, word, "atomic");
        }
    }

    fn root_metadata(&mut self, schema: &mut Members) {
        put(schema, "type", "object");
        if self.rng.percent(40) {
            let mut fields = Members::new();
            for name in ["name", "generateName"] {
                if self.rng.percent(60) {
                    put(&mut fields, name, Json::map([("type", Json::from("string"))]));
                }
            }
            put(schema, "properties", Json::Map(fields));
        }
        if self.rng.percent(10) {
            put(schema, "description", "");
        }
        if self.rng.percent(5) {
            let empty = Json::Map(vec![]);
            put(schema, "default", empty);
        }
    }

    fn int_or_string(&mut self, schema: &mut Members, ty: &str) {
        let types = |swapped: bool| {
            let mut members = ["integer", "string"].map(|ty| Json::map([("type", Json::from(ty))]));
            if swapped {
                members.reverse();
            }
            Json::List(members.to_vec())
        };
        let swapped = self.is_wrong();
        if self.rng.percent(80) {
            put(schema, INT_OR_STRING, Json::Bool(true));
        } else {
            put(schema, "type", ty);
        }
        match self.rng.below(4) {
            0 => put(schema, "anyOf", types(swapped)),
            1 => {
                let mut all = vec![Json::map([("anyOf", types(swapped))])];
                if self.rng.percent(30) {
                    all.push(Json::map([("pattern", Json::from("a"))]));
                }
                put(schema, "allOf", Json::List(all));
            }
            2 => put(schema, "type", ty),
            _ => {}
        }
        if self.rng.percent(20) {
            put(schema, "anyOf", Json::List(vec![Json::map([("pattern", Json::from("b"))])]));
        }
    }

    fn object(&mut self, schema: &mut Members, depth: usize) {
        let is_embedded = self.rng.percent(8);
        let mut fields = Vec::new();
        for name in FIELDS {
            let is_usual = depth == 0 && matches!(name, "spec" | "metadata");
            if self.rng.percent(if is_usual { 80 } else { 25 }) {
                fields.push((name, self.schema(depth + 1, Some(name))));
            }
        }
        self.rng.shuffle(&mut fields);
        let is_empty = fields.is_empty();
        if !is_empty || self.rng.percent(20) {
            put(schema, "properties", Json::map(fields));
        }
        let may_have_more = depth > 0 && !is_embedded || self.is_wrong();
        if may_have_more && self.rng.percent(20) {
            let more = match self.rng.below(4) {
                0 => Json::Bool(true),
                1 => Json::Bool(false),
                _ => self.schema(depth + 1, None),
            };
            put(schema, "additionalProperties", more);
        }
        if self.rng.percent(15) {
            let word = self.word(&["atomic", "granular"]);
            put(schema, "x-kubernetes-map-type", word);
        }
        if is_embedded && (!is_empty || self.rng.percent(80)) {
            put(schema, EMBEDDED, Json::Bool(true));
            if is_empty || self.rng.percent(50) {
                put(schema, PRESERVE, Json::Bool(true));
            }
        }
    }

    fn array(&mut self, schema: &mut Members, depth: usize) {
        if !self.is_wrong() {
            let items = self.schema(depth + 1, None);
            put(schema, "items", items);
        }
        if self.rng.percent(60) {
            let word = self.word(&["atomic", "set", "map", "map"]);
            let is_map = word == Json::from("map");
            put(schema, "x-kubernetes-list-type", word);
            if is_map && !self.is_wrong() {
                let mut keys: Vec<Json> = Vec::new();
                for _ in 0..self.rng.between(1, 3) {
                    keys.push((*self.rng.pick(&FIELDS)).into());
                }
                put(schema, "x-kubernetes-list-map-keys", Json::List(keys));
            }
        }
    }

    fn word(&mut self, good: &[&str]) -> Json {
        if self.is_wrong() {
            return (*self.rng.pick(&["replace", "Atomic", "on", ""])).into();
        }
        (*self.rng.pick(good)).into()
    }

    /// Junctors that speak of what the schema declares.
    fn junctors(&mut self, schema: &mut Members, is_root: bool) {
        let junctor = *self.rng.pick(&["allOf", "anyOf", "oneOf", "not"]);
        let declared = Json::Map(schema.clone());
        let speaker = self.speaker(&declared, is_root, 0);
        let value = match junctor {
            "not" => speaker,
            _ => Json::List(vec![speaker]),
        };
        put(schema, junctor, value);
    }

    fn speaker(&mut self, declared: &Json, is_root: bool, depth: usize) -> Json {
        let mut speaker = Members::new();
        let mut fields = Members::new();
        for (name, property) in declared.get("properties").map(Json::members).unwrap_or_default() {
            if name != "metadata" && self.rng.percent(30) && depth < 3 {
                let inner = self.speaker(property, is_root, depth + 1);
                put(&mut fields, name, inner);
            }
        }
        if self.rng.percent(10) && (!is_root || self.is_wrong()) {
            put(&mut fields, "other", Json::Map(vec![]));
        }
        if self.is_wrong() {
            put(&mut fields, "metadata", Json::Map(vec![]));
        }
        if !fields.is_empty() {
            put(&mut speaker, "properties", Json::Map(fields));
        }
        if let Some(items) = declared.get("items").filter(|_| self.rng.percent(40) && depth < 3) {
            let inner = self.speaker(items, is_root, depth + 1);
            put(&mut speaker, "items", inner);
        }
        if self.rng.percent(30) {
            put(&mut speaker, "required", Json::List(vec!["a".into()]));
        }
        if self.rng.percent(12) {
            let zeros: [(&str, Json); 9] = [
                ("type", "".into()),
                ("description", "".into()),
                ("nullable", Json::Bool(false)),
                ("default", Json::Null),
                ("additionalProperties", Json::Bool(false)),
                (EMBEDDED, Json::Bool(false)),
                ("x-kubernetes-list-map-keys", Json::List(vec![])),
                ("x-kubernetes-validations", Json::List(vec![])),
                ("x-kubernetes-list-type", Json::Null),
            ];
            let (key, zero) = self.rng.pick(&zeros).clone();
            put(&mut speaker, key, zero);
        }
        if self.rng.percent(15) && depth < 3 {
            let junctor = *self.rng.pick(&["allOf", "anyOf", "oneOf"]);
            let inner = self.speaker(declared, is_root, depth + 1);
            put(&mut speaker, junctor, Json::List(vec![inner]));
        }
        if self.is_wrong() {
            self.break_schema(&mut speaker, 9);
        }
        Json::Map(speaker)
    }

    fn anything(&mut self, depth: usize) -> Json {
        match self.rng.below(if depth > 2 { 5 } else { 7 }) {
            0 => Json::Null,
            1 => Json::Bool(self.rng.percent(50)),
            2 | 3 => {
                let numbers = ["0", "80", "80.0", "-7", "1.5", "1e3", "9007199254740993", "1e21"];
                Json::Number((*self.rng.pick(&numbers)).to_owned())
            }
            4 => (*self.rng.pick(&["a", "on", "y", "1", "", "é"])).into(),
            5 => Json::List((0..self.rng.below(3)).map(|_| self.anything(depth + 1)).collect()),
            _ => Json::map([(*self.rng.pick(&["a", "on", "1"]), self.anything(depth + 1))]),
        }
    }

    /// Gives some keyword a value that it hardly can have.
    fn break_schema(&mut self, schema: &mut Members, depth: usize) {
        const KEYWORDS: [&str; 42] = [
            "type",
            "type",
            "type",
            "format",
            "properties",
            "items",
            "additionalProperties",
            "additionalProperties",
            "allOf",
            "anyOf",
            "oneOf",
            "not",
            "nullable",
            "description",
            "title",
            "maximum",
            "maxLength",
            "required",
            "enum",
            "uniqueItems",
            "$ref",
            "$schema",
            "id",
            "externalDocs",
            "pattern",
            "example",
            "default",
            "patternProperties",
            "dependencies",
            "definitions",
            "additionalItems",
            "unknown",
            PRESERVE,
            PRESERVE,
            EMBEDDED,
            EMBEDDED,
            INT_OR_STRING,
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-map-type",
            "x-kubernetes-validations",
            "x-kubernetes-patch-merge-key",
        ];
        let keyword = *self.rng.pick(&KEYWORDS);
        let schema_of_text = Json::map([("type", Json::from("string"))]);
        let mut values = odd_values();
        values.extend([
            Json::Bool(false),
            "".into(),
            "object".into(),
            "string".into(),
            Json::List(vec!["a".into()]),
            Json::List(vec![Json::Null]),
            Json::List(vec![schema_of_text.clone()]),
            schema_of_text.clone(),
            Json::map([("a", schema_of_text)]),
            Json::map([("a", Json::Null)]),
        ]);
        let value = match (keyword, self.rng.percent(60)) {
            ("type", true) => {
                (*self.rng.pick(&["", "null", "array", "object", "string", "integer"])).into()
            }
            ("additionalProperties", true) => self.schema(depth.max(3) + 1, None),
            (PRESERVE | EMBEDDED | INT_OR_STRING, true) => Json::Bool(self.rng.percent(70)),
            _ => self.rng.pick(&values).clone(),
        };
        put(schema, keyword, value);
    }

    fn break_spec(&mut self, spec: &mut Members) {
        let key = *self.rng.pick(&[
            "validation",
            "subresources",
            "version",
            "versions",
            "preserveUnknownFields",
            "names",
        ]);
        let mut values = odd_values();
        values.extend([
            Json::List(vec![Json::number(1)]),
            Json::map([("openAPIV3Schema", Json::number(1))]),
        ]);
        // Without a kind the reference ends; versions without a name it takes, but no API server does.
        let value = match key {
            "names" => self.rng.pick(&[Json::number(5), "text".into(), Json::List(vec![])]).clone(),
            _ => match self.rng.pick(&values).clone() {
                Json::List(items) if items == [Json::Map(vec![])] => Json::List(vec![]),
                value => value,
            },
        };
        put(spec, key, value);
    }
}
