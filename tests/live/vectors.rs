//! What a server has answered, trimmed, as vectors for `cargo test`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::support::json::Json;

/// Vectors of one kind that are kept.
const OF_A_KIND: usize = 5;

/// Requests with their answers, not too many of a kind.
#[derive(Default)]
pub struct Vectors {
    lines: Vec<Json>,
    kinds: BTreeMap<String, usize>,
}

impl Vectors {
    pub fn add(&mut self, vector: Json) {
        let request = vector.get("request").unwrap_or(&Json::Null);
        let answer = vector.get("answer").unwrap_or(&Json::Null);
        let entries = answer.get("managed_fields").map(Json::items).unwrap_or_default();
        let managers: Vec<&str> = entries.iter().map(|entry| entry.str_of("manager")).collect();
        let kind = format!(
            "{} {} {} {} {} {:?} {}",
            request.str_of("kind"),
            request.str_of("verb"),
            request.str_of("subresource"),
            request.flag("force"),
            request.get("live").is_some_and(Json::is_null),
            managers,
            answer.get("status").map(|status| status.str_of("reason")).unwrap_or_default(),
        );
        let of_kind = self.kinds.entry(kind).or_default();
        *of_kind += 1;
        if *of_kind <= OF_A_KIND {
            self.lines.push(vector);
        }
    }

    /// Writes them behind a line that says what they are from and the schemas that they need.
    pub fn write(&self, file: &Path, of: &str, served: &Json) {
        let server = "kube-apiserver v1.37.2";
        let mut text = format!("{{\"server\":\"{server}\",\"of\":\"{of}\"}}\n");
        if self
            .lines
            .iter()
            .any(|line| line.get("request").is_some_and(|r| r.get("served").is_some()))
        {
            let _ = writeln!(text, "{}", Json::map([("request", trimmed_schemas(served))]));
        }
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        std::fs::write(file, text).expect("the vectors can be written");
        println!("{}: {} vectors", file.display(), self.lines.len());
    }
}

/// An object without what no answer depends on: times and counts of the server.
pub fn trimmed(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata") {
        for key in ["creationTimestamp", "generation", "selfLink"] {
            metadata.remove(key);
        }
        for (key, value) in [("uid", "1"), ("resourceVersion", "1")] {
            if metadata.get(key).is_some() {
                metadata.set(key, Json::from(value));
            }
        }
    }
    object
}

/// What is published, without paths, descriptions and what the kinds do not lead to.
fn trimmed_schemas(served: &Json) -> Json {
    let mut served = served.clone();
    if let Some(Json::List(documents)) = served.get_mut("documents") {
        for document in documents {
            let schemas =
                document.get("components").and_then(|parts| parts.get("schemas")).cloned();
            let schemas = schemas.unwrap_or(Json::Null);
            let mut kept: BTreeMap<String, Json> = BTreeMap::new();
            let is_kind =
                |name: &str| name.starts_with("com.example.live.") && !name.ends_with("List");
            let mut left: Vec<String> = schemas
                .members()
                .iter()
                .map(|(name, _)| name.clone())
                .filter(|n| is_kind(n))
                .collect();
            while let Some(name) = left.pop() {
                let Some(schema) = schemas.get(&name) else { continue };
                kept.entry(name).or_insert_with(|| {
                    let mut schema = schema.clone();
                    trim_schema(&mut schema, &mut left);
                    schema
                });
            }
            *document = Json::map([
                ("openapi", Json::from("3.0.0")),
                ("components", Json::map([("schemas", Json::map(kept))])),
            ]);
        }
    }
    served
}

/// Drops descriptions and collects the names that the schema refers to.
fn trim_schema(schema: &mut Json, names: &mut Vec<String>) {
    if schema.get("description").is_some_and(|text| text.as_str().is_some()) {
        schema.remove("description");
    }
    if let Some(name) = schema.str_of("$ref").rsplit('/').next().filter(|name| !name.is_empty()) {
        names.push(name.to_owned());
    }
    match schema {
        Json::List(items) => items.iter_mut().for_each(|item| trim_schema(item, names)),
        Json::Map(members) => members.iter_mut().for_each(|(_, inner)| trim_schema(inner, names)),
        _ => {}
    }
}
