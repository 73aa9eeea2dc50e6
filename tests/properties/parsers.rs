//! What reads text of others: nothing makes it panic, and what it reads it also writes.
//!
//! Each function takes arbitrary bytes. The properties call them with noise, the fuzz targets in
//! `tests/fuzz` with what a fuzzer finds worth trying; a target uses one of them only.
#![allow(dead_code)]

use std::sync::OnceLock;

use managed_fields::fieldmanager::{
    ApplyError, CsaUpgrade, Defaulter, Document, FieldManager, SchemaDefaults, find_owners,
};
use managed_fields::fieldpath::{FieldSet, PathElement};
use managed_fields::managedfields::{Operation, Time};
use managed_fields::schema::{
    GroupVersionKind, Schemas, Type, merge_schema_of_crd, merge_schema_of_openapi,
};
use managed_fields::typed::{TypedValue, parse_schema};
use managed_fields::value::Value;

pub(crate) const API_VERSION: &str = "example.com/v1";
pub(crate) const KIND: &str = "Lamp";

/// Every construct of a merge schema: structs, maps, sets, keyed lists with and without defaults,
/// atomic lists, maps and structs, scalars of each kind, free content, all of it nested.
pub(crate) const SCHEMA: &str = r#"{"types":[
{"name":"object","map":{"fields":[
  {"name":"apiVersion","type":{"scalar":"string"}},
  {"name":"kind","type":{"scalar":"string"}},
  {"name":"metadata","type":{"namedType":"metadata"}},
  {"name":"spec","type":{"namedType":"spec"}}]}},
{"name":"metadata","map":{"fields":[
  {"name":"name","type":{"scalar":"string"}},
  {"name":"uid","type":{"scalar":"string"}},
  {"name":"labels","type":{"map":{"elementType":{"scalar":"string"}}}},
  {"name":"managedFields","type":{"list":{"elementRelationship":"atomic","elementType":{"namedType":"__untyped_atomic_"}}}}]}},
{"name":"spec","map":{"fields":[
  {"name":"number","type":{"scalar":"numeric"}},
  {"name":"text","type":{"scalar":"string"}},
  {"name":"flag","type":{"scalar":"boolean"}},
  {"name":"any","type":{"scalar":"untyped"}},
  {"name":"set","type":{"list":{"elementRelationship":"associative","elementType":{"scalar":"string"}}}},
  {"name":"numbers","type":{"list":{"elementRelationship":"associative","elementType":{"scalar":"numeric"}}}},
  {"name":"items","type":{"namedType":"items"}},
  {"name":"ports","type":{"list":{"elementRelationship":"associative","keys":["port","protocol"],"elementType":{"namedType":"port"}}}},
  {"name":"map","type":{"map":{"elementType":{"scalar":"string"}}}},
  {"name":"struct","type":{"map":{"fields":[{"name":"a","type":{"scalar":"string"}},{"name":"b","type":{"scalar":"numeric"}}]}}},
  {"name":"atomicList","type":{"list":{"elementRelationship":"atomic","elementType":{"scalar":"string"}}}},
  {"name":"atomicMap","type":{"map":{"elementRelationship":"atomic","elementType":{"scalar":"numeric"}}}},
  {"name":"atomicStruct","type":{"map":{"elementRelationship":"atomic","fields":[{"name":"a","type":{"scalar":"string"}},{"name":"b","type":{"scalar":"numeric"}}]}}},
  {"name":"free","type":{"namedType":"__untyped_deduced_"}},
  {"name":"nested","type":{"map":{"elementType":{"namedType":"spec"}}}}]}},
{"name":"items","list":{"elementRelationship":"associative","keys":["name"],"elementType":{"map":{"fields":[
  {"name":"name","type":{"scalar":"string"}},
  {"name":"value","type":{"scalar":"numeric"}},
  {"name":"tags","type":{"list":{"elementRelationship":"associative","elementType":{"scalar":"string"}}}},
  {"name":"parts","type":{"namedType":"items"}}]}}}},
{"name":"port","map":{"fields":[
  {"name":"port","type":{"scalar":"numeric"}},
  {"name":"protocol","type":{"scalar":"string"},"default":"TCP"},
  {"name":"name","type":{"scalar":"string"}}]}},
{"name":"__untyped_atomic_","scalar":"untyped",
  "list":{"elementType":{"namedType":"__untyped_atomic_"},"elementRelationship":"atomic"},
  "map":{"elementType":{"namedType":"__untyped_atomic_"},"elementRelationship":"atomic"}},
{"name":"__untyped_deduced_","scalar":"untyped",
  "list":{"elementType":{"namedType":"__untyped_atomic_"},"elementRelationship":"atomic"},
  "map":{"elementType":{"namedType":"__untyped_deduced_"},"elementRelationship":"separable"}}
]}"#;

fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let schema = parse_schema(&Value::from_json(SCHEMA).unwrap()).unwrap();
        let mut schemas = Schemas::deduced();
        let object = schema.type_named("object").unwrap();
        schemas.insert(GroupVersionKind::new(API_VERSION, KIND), object);
        schemas
    })
}

/// JSON: what parses is written and parses equal, and other parsers agree on what JSON is.
pub(crate) fn json(bytes: &[u8]) {
    let parsed = Value::from_json_bytes(bytes);
    match &parsed {
        Ok(value) => {
            let written = value.to_json();
            assert_eq!(Value::from_json(&written).as_ref(), Ok(value), "{written}");
            let canonical = value.as_ref().to_canonical_json();
            assert_eq!(Value::from_json(&canonical).as_ref(), Ok(value), "{canonical}");
            let _ = value.to_string();
        }
        Err(error) => {
            assert!(error.offset() <= bytes.len() && error.line() > 0 && error.column() > 0);
        }
    }
    // Other settings of the other parser take numbers of any size.
    if cfg!(feature = "other-serde-json") {
        return;
    }
    match (parsed, serde_json::from_slice::<serde_json::Value>(bytes)) {
        (Err(error), Ok(_)) => panic!("{error}: {}", String::from_utf8_lossy(bytes)),
        // It refuses two things that Kubernetes accepts: deep nesting and half surrogates.
        (Ok(_), Err(error)) => {
            let text = error.to_string();
            assert!(
                ["recursion", "surrogate", "hex escape"].iter().any(|why| text.contains(why)),
                "{text}: {}",
                String::from_utf8_lossy(bytes)
            );
        }
        _ => {}
    }
}

/// YAML: each document becomes JSON, which is written as YAML and read equal.
#[cfg(feature = "yaml")]
pub(crate) fn yaml(bytes: &[u8]) {
    use managed_fields::yaml;
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // YAML knows more ends of lines than the newline.
    let lines = text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
    for document in yaml::documents(text) {
        match document {
            Ok(document) => {
                assert!(document.line() <= lines);
                let value = match Value::from_json(document.json()) {
                    Ok(value) => value,
                    Err(error) => panic!("{error}: {}", document.json()),
                };
                let written = yaml::from_value(value.as_ref());
                let again = yaml::to_json(&written).unwrap_or_else(|e| panic!("{e}: {written:?}"));
                assert_eq!(Value::from_json(&again).as_ref(), Ok(&value), "{written:?}");
                // Every part of the document stands on a line of the text.
                if let Some(positions) = document.positions() {
                    let json = document.json();
                    for (offset, _) in json.char_indices().step_by(7) {
                        assert!((1..=lines).contains(&positions.of(json, offset).line), "{json}");
                    }
                    let _ = managed_fields::fieldmanager::ConfigSource::with_positions(
                        "x", json, positions,
                    )
                    .map(|source| source.repeated_keys(3));
                }
            }
            Err(error) => assert!(error.line() <= lines && error.document_line() <= lines),
        }
    }
}

/// Times of entries: what is read is printed, and read again to the second.
pub(crate) fn time(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(time) = text.parse::<Time>() else { return };
    let printed = time.to_string();
    // Offsets lead out of the years that can be read.
    match printed.parse::<Time>() {
        Ok(again) => assert_eq!(again.as_second(), time.as_second(), "{printed}"),
        Err(_) => assert!(printed.starts_with('-') || printed.starts_with("10000"), "{printed}"),
    }
}

/// FieldsV1: what decodes is encoded canonically.
pub(crate) fn fields_v1(bytes: &[u8]) {
    let Ok(set) = FieldSet::from_fields_v1(bytes) else { return };
    let written = set.to_fields_v1().unwrap();
    let again = FieldSet::from_fields_v1(written.as_bytes()).unwrap();
    assert_eq!(again, set, "{written}");
    assert_eq!(again.to_fields_v1().as_ref(), Ok(&written));
    let _ = set.to_string();
    let collected: FieldSet = set.iter().collect();
    assert_eq!(collected, set, "{written}");
    assert!(set.difference(&collected).is_empty() && set.is_subset(&collected));
    assert!(set.iter().take(50).all(|path| set.contains(&path)), "{written}");
}

/// Path elements in their FieldsV1 spelling: what is read is written and read equal.
pub(crate) fn path_element(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(element) = PathElement::from_fields_v1_key(text) else { return };
    let _ = element.to_string();
    let key = element.to_fields_v1_key().unwrap();
    let again = PathElement::from_fields_v1_key(&key).unwrap();
    assert_eq!(again, element, "{key}");
    assert_eq!(again.to_fields_v1_key(), Some(key));
}

/// Merge-schema documents: every operation survives whatever types a document defines.
pub(crate) fn schema_document(bytes: &[u8]) {
    let Ok(document) = Value::from_json_bytes(bytes) else { return };
    let Ok(schema) = parse_schema(&document) else { return };
    let again = parse_schema(&Value::from_json(&document.to_json()).unwrap()).unwrap();
    assert!(schema.type_names().eq(again.type_names()));
    let values: Vec<Value> = [
        "null",
        "1",
        "{}",
        "[]",
        r#"[{"name":"a"},{"name":"a","a":[1]}]"#,
        r#"{"a":{"a":[null,"b"]}}"#,
    ]
    .iter()
    .map(|text| Value::from_json(text).unwrap())
    .chain([document])
    .collect();
    for name in schema.type_names() {
        let ty = schema.type_named(name).unwrap();
        fill_in(&ty);
        for value in &values {
            let loose = TypedValue::unvalidated(value.clone(), ty.clone());
            let set = loose.to_field_set().unwrap_or_default();
            for (_, other) in values.iter().enumerate().take(6) {
                let other = TypedValue::unvalidated(other.clone(), ty.clone());
                let _ = (loose.merge(&other), loose.compare(&other));
            }
            let _ = (loose.remove_items(&set), loose.extract_items_with_keys(&set.leaves()));
            let _ = (ty.reconcile_field_set(&set), ty.ensure_named_fields_are_members(&set));
            if let Ok(strict) = TypedValue::new(value.clone(), ty.clone()) {
                assert!(TypedValue::with_duplicates(value.clone(), ty.clone()).is_ok());
                // Lists that are neither atomic nor associative are valid and cannot be compared.
                if let Ok(comparison) = strict.compare(&strict) {
                    assert!(comparison.is_same());
                }
            }
        }
    }
}

/// Defaults of whatever shape: filled in once, nothing is missing.
fn fill_in(ty: &Type) {
    let mut schemas = Schemas::empty();
    schemas.insert(GroupVersionKind::new("v1", "X"), ty.clone());
    let defaults = SchemaDefaults::new(&schemas);
    for spec in ["null", "{}", r#"[{},{"name":"a"},null]"#, r#"{"a":{"a":[{}]}}"#] {
        let object = format!(
            r#"{{"apiVersion":"v1","kind":"X","spec":{spec},"types":[{{"map":{{"fields":[{{}}]}}}}]}}"#
        );
        let object = Value::from_json(&object).unwrap();
        if let Ok(Some(filled)) = defaults.default(object.as_ref()) {
            assert!(matches!(defaults.default(filled.as_ref()), Ok(None)), "{filled}");
        }
    }
}

/// The list of entries: once it is written canonically, reading and writing it changes nothing.
pub(crate) fn managed_fields_list(bytes: &[u8]) {
    let Ok(list) = std::str::from_utf8(bytes) else { return };
    let object = format!(
        r#"{{"apiVersion":"v1","kind":"X","metadata":{{"name":"a","managedFields":{list}}}}}"#
    );
    let schemas = Schemas::deduced();
    let manager = FieldManager::new(&schemas);
    upgrade_and_extract(&manager, &object);
    migrate(&manager, &object);
    let write = |object: &str| manager.update(object, object).field_manager("w").run();
    let Ok(first) = write(&object) else { return };
    // The zero time is written as null and then not at all: the second text is the stable one.
    let second = write(first.object()).unwrap();
    let third = write(second.object()).unwrap();
    assert_eq!(third.object(), second.object());
    assert_eq!(third.managed_fields(), second.managed_fields());
}

/// What clients do with the list: an upgrade that is done leaves nothing to do.
fn upgrade_and_extract(manager: &FieldManager<'_>, object: &str) {
    let Ok(value) = Value::from_json(object) else { return };
    let everything = FieldSet::new();
    for owner in find_owners(&value, Operation::Apply, &everything) {
        for with_keys in [false, true] {
            let extract = manager.extract(object).field_manager(owner.manager.name());
            let extract = extract.subresource(owner.manager.subresource()).with_keys(with_keys);
            if let Ok(extracted) = extract.run() {
                Value::from_json(&extracted.unwrap()).unwrap();
            }
        }
    }
    for owner in find_owners(&value, Operation::Update, &everything) {
        let upgrade = |object: &str| {
            let upgrade = CsaUpgrade::new(object.to_owned(), "s").from(owner.manager.name());
            upgrade.subresource(owner.manager.subresource()).run()
        };
        let Ok(upgraded) = upgrade(object) else { continue };
        Value::from_json(upgraded.patch().unwrap()).unwrap();
        assert!(upgrade(upgraded.object()).unwrap().patch().is_none());
    }
}

/// Every version that entries name is left for another one: nothing is left of it then, and without
/// a schema nothing is lost.
fn migrate(manager: &FieldManager<'_>, object: &str) {
    let Ok(value) = Value::from_json(object) else { return };
    for operation in [Operation::Apply, Operation::Update] {
        for owner in find_owners(&value, operation, &FieldSet::new()) {
            let migrate = |object: &str| {
                manager.migrate_version(object.to_owned(), &owner.api_version, "x.io/v9")
            };
            let Ok(migrated) = migrate(object) else { continue };
            assert!(migrated.lost().is_empty());
            assert_eq!(migrated.patch().is_some(), owner.api_version != "x.io/v9");
            Value::from_json(migrated.patch().unwrap_or("[]")).unwrap();
            assert!(migrate(migrated.object()).unwrap().patch().is_none());
            let now = Value::from_json(migrated.object()).unwrap();
            let held = find_owners(&now, operation, &owner.fields);
            assert!(held.iter().any(|now| now.manager.name() == owner.manager.name()));
        }
    }
}

/// Separates the two documents of [`apply`].
pub(crate) const SEPARATOR: &[u8] = b"\n--\n";

/// A live object and a configuration: an apply that succeeds gives an object, and applying the
/// same again changes nothing.
pub(crate) fn apply(bytes: &[u8]) {
    let split = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
    let (live, config) = match split {
        Some(at) => (Document::from(&bytes[..at]), &bytes[at + SEPARATOR.len()..]),
        None => (Document::absent(), bytes),
    };
    let manager = FieldManager::new(schemas());
    let _ = manager.update(live.clone(), config).field_manager("w").run();
    let _ = manager.update(live.clone(), config).field_manager("w").run_without_errors();
    let run = |live: Document<'_>, force| {
        manager.apply(live, config).field_manager("m").force(force).run()
    };
    let unforced = run(live.clone(), false);
    let forced = run(live, true);
    match (&unforced, &forced) {
        (Ok(unforced), Ok(forced)) => assert_eq!(unforced.object(), forced.object()),
        (Err(ApplyError::Conflict(conflicts)), _) => {
            assert!(!conflicts.is_empty());
            let _ = (conflicts.to_string(), unforced.as_ref().err().unwrap().to_status());
        }
        (Ok(_), Err(error)) => panic!("{error}"),
        (Err(error), _) => assert_eq!(forced.err().map(|e| e.to_string()), Some(error.to_string())),
    }
}

/// Every construct of OpenAPI that says something of types, in both versions; `REF` is where the
/// definitions are.
pub(crate) const DEFINITIONS: &str = r##"{"Lamp":{"type":"object","properties":{
"bulbs":{"type":"array","items":{"allOf":[{"$ref":"#/REF/Bulb"}],"default":{}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"x-kubernetes-patch-strategy":"merge","x-kubernetes-patch-merge-key":"name"},
"tags":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},
"free":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"a":{}}},
"bulb":{"$ref":"#/REF/Bulb","x-kubernetes-map-type":"atomic"},
"map":{"type":"object","additionalProperties":{"type":["integer"],"format":"int32"}}},
"x-kubernetes-unions":[{"discriminator":"a","fields-to-discriminateBy":{"b":"B"}}],
"x-kubernetes-group-version-kind":[{"group":"example.com","version":"v1","kind":"Lamp"}]},
"Bulb":{"type":"object","required":["name"],"properties":{"name":{"type":"string","default":"main"},"lamp":{"$ref":"#/REF/Lamp"}}}}"##;

/// Definitions of OpenAPI documents, v2 and v3: what they make of them is a schema that can be read
/// and whose types can be used.
pub(crate) fn openapi(bytes: &[u8]) {
    let definitions = String::from_utf8_lossy(bytes);
    let of_v2 = definitions.replace("REF", "definitions");
    let of_v3 = definitions.replace("REF", "components/schemas");
    for (is_v2, text) in [
        (true, format!(r#"{{"swagger":"2.0","definitions":{of_v2}}}"#)),
        (false, format!(r#"{{"openapi":"3.0.0","components":{{"schemas":{of_v3}}}}}"#)),
    ] {
        let Ok(document) = Value::from_json(&text) else { continue };
        let mut schemas = Schemas::empty();
        let read = match is_v2 {
            true => schemas.add_openapi_v2(&document),
            false => schemas.add_openapi_v3(&document),
        };
        match (read, merge_schema_of_openapi(&document)) {
            (Ok(_), Ok(written)) => {
                let schema = parse_schema(&written).unwrap();
                assert!(schema.type_named("__untyped_deduced_").is_some());
            }
            (Err(error), _) => assert!(!error.to_string().is_empty()),
            (Ok(_), Err(error)) => panic!("{error}"),
        }
        let Some(ty) = schemas.find(&GroupVersionKind::new(API_VERSION, KIND)) else { continue };
        let object = r#"{"bulbs":[{"name":"a"}],"tags":["a"],"bulb":{},"map":{"a":1}}"#;
        if let Ok(typed) = TypedValue::new(Value::from_json(object).unwrap(), ty) {
            let _ = (typed.to_field_set(), typed.merge(&typed), typed.compare(&typed));
        }
    }
}

/// A definition of a kind that has what definitions have.
pub(crate) const CUSTOM_RESOURCE: &str = r##"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
"metadata":{"name":"lamps.example.com"},"spec":{"group":"example.com","names":{"kind":"Lamp","plural":"lamps","listKind":"Lamps"},
"preserveUnknownFields":false,"version":"v1","validation":{"openAPIV3Schema":{"type":"object"}},"versions":[
{"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.n"}},
"schema":{"openAPIV3Schema":{"type":"object","properties":{"metadata":{"type":"object","properties":{"name":{"type":"string"}}},
"bulbs":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string","default":"main"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"]},
"tags":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},
"port":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]},
"template":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true},
"map":{"type":"object","additionalProperties":{"type":"integer","nullable":true},"x-kubernetes-map-type":"granular"}},
"allOf":[{"properties":{"tags":{"items":{"minLength":1}}},"required":["tags"]}],"not":{"required":["map"]}}}},
{"name":"v2","served":false,"storage":false}]}}"##;

/// A CustomResourceDefinition: what is made of it is a schema that can be read, and its kinds have types
/// that can be used.
pub(crate) fn crd(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for text in [text.clone(), text.replace("io/v1", "io/v1beta1").into()] {
        let Ok(document) = Value::from_json(&text) else { continue };
        let mut schemas = Schemas::empty();
        let resource = match (schemas.add_crd(&document), merge_schema_of_crd(&document)) {
            (Ok(resource), Ok(written)) => {
                let schema = parse_schema(&written).unwrap();
                assert!(schema.type_named("__untyped_deduced_").is_some());
                resource
            }
            (Err(error), _) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
            (Ok(_), Err(error)) => panic!("{error}"),
        };
        for version in resource.versions() {
            let kind = GroupVersionKind::new(version.api_version(), resource.kind());
            let object = r#"{"bulbs":[{"name":"a"}],"tags":["a"],"port":"a","template":{"a":1},"map":{"a":1}}"#;
            let ty = schemas.find(&kind).unwrap();
            if let Ok(typed) = TypedValue::new(Value::from_json(object).unwrap(), ty) {
                let _ = (typed.to_field_set(), typed.merge(&typed), typed.compare(&typed));
            }
        }
    }
}
