//! Makes the built-in tables, or checks that the committed ones are what would be made.
//!
//! `tables write FOLDER...` and `tables check FOLDER...` make the types from the OpenAPI v3 documents
//! of Kubernetes versions, a folder for each; `tables check FILE.json...` from what the reference makes of
//! them, the files that `tests/oracle` prints for `builtin-schema`. With the file that
//! `tests/oracle/reset-fields` prints, both are about reset fields; with what `tests/oracle` prints for
//! `empty-objects`, about new objects. `tables sizes` tells what each version costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use managed_fields::schema::{Edition, GroupVersionKind, added_bytes, table_source};
use managed_fields::value::ValueRef;
use managed_fields::{Value, parse_schema};

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema/builtin/tables.rs");
const RESET_FIELDS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/fieldmanager/reset_fields/builtin/v1_37.rs");
const NEW_OBJECTS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/fieldmanager/new_object/v1_37.rs");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, inputs) = match arguments.split_first() {
        Some((command, [])) if command == "sizes" => {
            sizes();
            return ExitCode::SUCCESS;
        }
        Some((command, inputs))
            if matches!(&**command, "write" | "check") && !inputs.is_empty() =>
        {
            (command.as_str(), inputs)
        }
        _ => {
            eprintln!("usage: tables write|check FOLDER|FILE.json... or tables sizes");
            return ExitCode::from(2);
        }
    };
    let (table, made) = made(inputs);
    match command {
        "write" => {
            std::fs::write(table, made).expect("the table can be written");
            ExitCode::SUCCESS
        }
        _ if std::fs::read_to_string(table).expect("the table can be read") == made => {
            println!("{table} is what is made of this");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{table} differs from what is made of this: run `tables write`");
            ExitCode::FAILURE
        }
    }
}

/// The table that the files are about, and what it should be.
fn made(inputs: &[String]) -> (&'static str, String) {
    let mut editions = Vec::new();
    for input in inputs {
        if Path::new(input).is_dir() {
            editions.push(published(input));
            continue;
        }
        let document = read(Path::new(input));
        if let Some(endpoints) = document.as_ref().get("endpoints") {
            return (RESET_FIELDS, reset_fields(document.as_ref(), endpoints));
        }
        if let Some(objects) = document.as_ref().get("empty") {
            return (NEW_OBJECTS, new_objects(objects));
        }
        editions.push(of_the_reference(&document));
    }
    (SCHEMAS, table_source(&editions).expect("types that agree"))
}

fn read(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    Value::from_json(&text).expect("the file is JSON")
}

/// The documents of a version: `.../kubernetes@v1.36.3/api/openapi-spec/v3`.
fn published(folder: &str) -> Edition {
    let (_, release) = folder.split_once("kubernetes@v").expect("a folder that names the release");
    let release = release.split('/').next().unwrap_or_default();
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with("_openapi.json"));
    files.sort();
    assert!(!files.is_empty(), "no OpenAPI documents in {folder}");
    let documents: Vec<Value> = files.iter().map(|file| read(file)).collect();
    Edition::of_openapi(release.to_owned(), &documents).expect("documents that can be converted")
}

fn sizes() {
    let mut total = 0;
    for (at, (version, bytes)) in added_bytes().into_iter().enumerate() {
        let word = if at == 0 { "takes" } else { "adds" };
        println!("{version} ({}) {word} {bytes} bytes", version.release());
        total += bytes;
    }
    println!("all: {total} bytes");
}

fn text(value: ValueRef<'_>, key: &str) -> String {
    value.get(key).and_then(|text| text.as_str()).unwrap_or_default().into_owned()
}

fn of_the_reference(document: &Value) -> Edition {
    let root = document.as_ref();
    let schema = root.get("schema").expect("a member `schema`").to_value();
    let schema = parse_schema(&schema).expect("a merge schema");
    let kinds = root.get("kinds").expect("a member `kinds`").items().map(|kind| {
        let key = GroupVersionKind {
            group: text(kind, "group"),
            version: text(kind, "version"),
            kind: text(kind, "kind"),
        };
        let is_namespaced = kind.get("namespaced").and_then(ValueRef::as_bool);
        (key, (text(kind, "type"), is_namespaced))
    });
    Edition::new(text(root, "kubernetes"), schema, kinds.collect())
}

/// A row for each endpoint and different answer of it, with the versions that have the answer.
fn reset_fields(root: ValueRef<'_>, endpoints: ValueRef<'_>) -> String {
    let mut rows: BTreeMap<([String; 3], String), Vec<String>> = BTreeMap::new();
    for endpoint in endpoints.items() {
        let key = ["group", "kind", "subresource"].map(|name| text(endpoint, name));
        let filters = endpoint.get("filters").and_then(|filters| filters.as_bool());
        let is_tracked = filters.expect("a member `filters`");
        let created = endpoint.get("created").and_then(|created| created.as_bool());
        let new = if created == Some(true) { ".kept_when_new()" } else { "" };
        for (version, answer) in endpoint.get("versions").expect("versions").members() {
            let (how, paths) = match (answer.get("exclude"), answer.get("include")) {
                (Some(paths), None) => ("exclude", paths),
                (None, Some(paths)) => ("include", paths),
                _ => panic!("an answer is `exclude` or `include`"),
            };
            let stored = answer.get("stored").map(|paths| format!(".stored({})", source(paths)));
            let stored = stored.unwrap_or_default();
            let answer = format!("{how}({}, {is_tracked}){stored}{new}", source(paths));
            rows.entry((key.clone(), answer)).or_default().push(version.into_owned());
        }
    }
    let mut out = format!(
        "//! What the endpoints of Kubernetes {} reset: {} answers.\n//!\n//! Generated by `tests/tables`; not edited by hand.\n\nuse super::{{Row, exclude, include}};\n\npub(super) static ENDPOINTS: [Row; {}] = [\n",
        text(root, "kubernetes"),
        rows.len(),
        rows.len()
    );
    for ((key, answer), versions) in rows {
        let _ = writeln!(out, "    ({key:?}, &{versions:?}, {answer}),");
    }
    out.push_str("];\n");
    out
}

/// A row for each kind and different members of a new object of it, with the versions that have
/// them; of the kinds that are stored.
fn new_objects(objects: ValueRef<'_>) -> String {
    let mut rows: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for row in objects.items() {
        let object = row.get("object").expect("a member `object`").to_json();
        let members = object.trim_start_matches('{').strip_suffix('}').expect("a map");
        let key = (text(row, "kind"), members.to_owned());
        rows.entry(key).or_default().push(text(row, "apiVersion"));
    }
    let mut out = format!(
        "//! What new objects of Kubernetes' own kinds hold: {} answers.\n//!\n//! Generated by `tests/tables`; not edited by hand.\n\nuse super::Row;\n\npub(super) static NEW_OBJECTS: [Row; {}] = [\n",
        rows.len(),
        rows.len()
    );
    for ((kind, members), versions) in rows {
        let _ = writeln!(out, "    ({kind:?}, &{versions:?}, r#\"{members}\"#),");
    }
    out.push_str("];\n");
    out
}

/// Lists of texts as a constant.
fn source(paths: ValueRef<'_>) -> String {
    let path = |path: ValueRef<'_>| {
        let names = path.items().map(|name| format!("{:?}", name.as_str().expect("a name")));
        format!("&[{}]", names.collect::<Vec<_>>().join(", "))
    };
    format!("&[{}]", paths.items().map(path).collect::<Vec<_>>().join(", "))
}
