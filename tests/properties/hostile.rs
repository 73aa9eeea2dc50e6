//! Input that nobody should send: an error that names its place or a result, soon, on the stack
//! that threads have by default.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use managed_fields::fieldmanager::{Defaulter, Document, FieldManager, SameShape, SchemaDefaults};
use managed_fields::fieldpath::{FieldSet, Path, PathElement};
use managed_fields::schema::{GroupVersionKind, Schema, Schemas};
use managed_fields::typed::{TypedValue, parse_schema};
use managed_fields::value::{ParseErrorKind, Value};

fn on_small_stack(operation: impl FnOnce() + Send + 'static) {
    let begun = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(operation);
    thread.unwrap().join().unwrap();
    // Unoptimised code is some ten times slower.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

const LEVELS: usize = 9_990;
const TOO_MANY: usize = 10_001;
const TOO_DEEP: &str = "nesting deeper than 10000 levels";

fn lists(levels: usize) -> String {
    "[".repeat(levels) + "1" + &"]".repeat(levels)
}

fn maps(levels: usize) -> String {
    "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels)
}

fn object(spec: &str) -> String {
    format!(
        r#"{{"apiVersion":"example.com/v1","kind":"X","metadata":{{"name":"a"}},"spec":{spec}}}"#
    )
}

#[test]
fn deep_values() {
    on_small_stack(|| {
        for text in [lists(LEVELS), maps(LEVELS)] {
            let value = Value::from_json(&text).unwrap();
            let other = Value::from_json(&text).unwrap();
            assert_eq!(value, other);
            assert_eq!(value.to_json(), text);
            assert_eq!(value.as_ref().to_canonical_json(), text);
            assert!(value.to_string().len() >= LEVELS);
            assert_eq!(format!("{value:?}"), text);
            assert_eq!(value.as_ref().to_value(), value);
            assert!(FieldSet::from_value(&value).len() <= 1);
            drop((value.clone(), value));
        }
        for text in [lists(TOO_MANY), maps(TOO_MANY), "[".repeat(1_000_000)] {
            let error = Value::from_json(&text).unwrap_err();
            assert_eq!(error.kind(), ParseErrorKind::TooDeep);
            assert!(error.to_string().starts_with(TOO_DEEP), "{error}");
        }
    });
}

#[test]
fn deep_values_in_order() {
    on_small_stack(|| {
        for text in [lists(LEVELS), maps(LEVELS)] {
            let value = Value::from_json(&text).unwrap();
            let other = Value::from_json(&text.replacen('1', "2", 1)).unwrap();
            assert!(value.as_ref().cmp_order(other.as_ref()).is_lt());
        }
    });
}

#[test]
fn serde_is_not_asked_to_go_deep() {
    on_small_stack(|| {
        let value = Value::from_json(&lists(LEVELS)).unwrap();
        let error = serde_json::to_string(&value).unwrap_err();
        assert_eq!(error.to_string(), "value nests deeper than 128 levels");
        let error = value.to_deserialize::<serde_json::Value>().unwrap_err();
        assert_eq!(error.to_string(), "value nests deeper than 128 levels");
    });
}

#[test]
fn deep_typed_values() {
    on_small_stack(|| {
        let ty = Schema::deduced_type();
        for text in [maps(LEVELS), format!("{{\"a\":{}}}", lists(LEVELS))] {
            let typed = TypedValue::new(Value::from_json(&text).unwrap(), ty.clone()).unwrap();
            let empty = TypedValue::new(Value::from_json("{}").unwrap(), ty.clone()).unwrap();
            let fields = typed.to_field_set().unwrap();
            assert!(!fields.is_empty());
            assert!(typed.compare(&typed).unwrap().is_same());
            assert!(!empty.compare(&typed).unwrap().added.is_empty());
            assert_eq!(empty.merge(&typed).unwrap().to_value(), typed.to_value());
            assert_eq!(typed.extract_items(&fields.leaves()).to_value(), typed.to_value());
            assert_eq!(typed.remove_items(&fields).to_value(), Value::null());
            assert_eq!(ty.ensure_named_fields_are_members(&fields), fields);
            assert_eq!(ty.reconcile_field_set(&fields), Ok(None));
            drop((typed.clone(), typed, fields.clone(), fields));
        }
    });
}

#[test]
fn deep_objects() {
    on_small_stack(|| {
        let schemas = Schemas::deduced();
        let manager = FieldManager::new(&schemas);
        for spec in [lists(LEVELS), maps(LEVELS)] {
            let text = object(&spec);
            let apply = |live: Document<'_>, config: &str, name: &str| {
                manager.apply(live, config).field_manager(name).run().map(|a| a.object().to_owned())
            };
            let applied = apply(Document::absent(), &text, "a").unwrap();
            assert_eq!(apply(applied.as_str().into(), &text, "a").unwrap(), applied);
            assert!(apply(applied.as_str().into(), &text, "b").is_ok());
            let other = text.replacen(":1}", ":2}", 1).replacen("[1]", "[2]", 1);
            let refused = apply(applied.as_str().into(), &other, "b").unwrap_err();
            assert!(
                refused.to_string().starts_with("Apply failed with 1 conflict"),
                "{refused:.80}"
            );
            assert!(refused.to_status().code == 409);
            let updated =
                manager.update(applied.as_str(), &other).field_manager("w").run().unwrap();
            let last = updated.managed_fields().last().unwrap();
            assert_eq!((last.manager.name(), last.fields.len()), ("w", 1));
            let created = manager.update(Document::absent(), &text).field_manager("w").run();
            assert_eq!(created.unwrap().managed_fields().len(), 1);
        }
        for spec in [lists(TOO_MANY), maps(TOO_MANY)] {
            let text = object(&spec);
            let error = manager.apply(Document::absent(), &text).field_manager("a").run();
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with("error decoding patch: nesting deeper than"), "{error}");
            let error = manager.apply(&text, "{}").field_manager("a").run().unwrap_err();
            assert!(error.to_string().contains(TOO_DEEP), "{error}");
            let error = manager.update("{}", &text).field_manager("a").run().unwrap_err();
            assert!(error.to_string().contains(TOO_DEEP), "{error}");
        }
    });
}

fn nested_fields(levels: usize) -> String {
    "{\"f:a\":".repeat(levels) + "{}" + &"}".repeat(levels)
}

#[test]
fn deep_sets() {
    on_small_stack(|| {
        let text = nested_fields(LEVELS);
        let set = FieldSet::from_fields_v1(text.as_bytes()).unwrap();
        assert_eq!(set.to_fields_v1().unwrap(), text);
        assert_eq!(set.to_string(), ".a".repeat(LEVELS));
        assert_eq!(set.union(&set), set.intersection(&set));
        assert!(set.difference(&set).is_empty() && set.recursive_difference(&set).is_empty());
        assert_eq!(set.leaves(), set);
        assert!(set.is_subset(&set) && set.contains(&set.iter().next().unwrap()));
        let shuffled = text.replacen("{\"f:a\":", "{\"f:b\":{},\"f:a\":", 1);
        assert_eq!(FieldSet::from_fields_v1(shuffled.as_bytes()).unwrap().len(), 2);
        drop((set.clone(), set));
        let error = FieldSet::from_fields_v1(nested_fields(TOO_MANY).as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(TOO_DEEP), "{error}");
        let skipped = format!("{{\"x:unknown\":{}}}", lists(TOO_MANY));
        let error = FieldSet::from_fields_v1(skipped.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(TOO_DEEP), "{error}");
    });
}

/// A set whose elements hold values that nest as deep as documents may.
fn set_of_deep_values() -> FieldSet {
    let deep = lists(LEVELS);
    let text = format!("{{\"k:{{\\\"a\\\":{deep}}}\":{{}},\"v:{deep}\":{{}}}}");
    FieldSet::from_fields_v1(text.as_bytes()).unwrap()
}

#[test]
fn deep_values_in_sets() {
    on_small_stack(|| {
        let set = set_of_deep_values();
        let again = FieldSet::from_fields_v1(set.to_fields_v1().unwrap().as_bytes()).unwrap();
        assert_eq!(again, set);
        assert_eq!((set.union(&again).len(), set.leaves().len()), (2, 2));
        assert_eq!(set.iter().count(), 2);
    });
}

#[test]
fn deep_values_in_the_text_of_sets() {
    on_small_stack(|| {
        let set = set_of_deep_values();
        let deep = lists(LEVELS);
        assert_eq!(set.to_string(), format!("[a={deep}]\n[={deep}]"));
    });
}

#[test]
fn deep_values_in_paths() {
    on_small_stack(|| {
        let set = set_of_deep_values();
        let paths: Vec<Path> = set.iter().collect();
        assert!(paths.iter().all(|path| set.contains(path)));
        assert_eq!(paths.iter().cloned().collect::<FieldSet>(), set);
        assert_eq!(paths[0].cmp(&paths[1]), std::cmp::Ordering::Less);
        let key = paths[1].elements()[0].to_fields_v1_key().unwrap();
        assert_eq!(PathElement::from_fields_v1_key(&key).unwrap(), paths[1].elements()[0]);
        assert_eq!(paths[1].to_string(), format!("[={}]", lists(LEVELS)));
    });
}

/// As a float beyond 1e6 inside, which FieldsV1 spells otherwise than a set does.
#[test]
fn deep_values_of_large_floats_in_sets() {
    on_small_stack(|| {
        let deep = lists(LEVELS).replacen('1', "1000000", 1);
        let text = format!("{{\"v:{deep}\":{{}}}}");
        let set = FieldSet::from_fields_v1(text.as_bytes()).unwrap();
        assert_eq!(set.to_fields_v1().unwrap(), text);
    });
}

/// Items of a set in an object whose entries name them: hashed, compared, printed in a conflict.
#[test]
fn deep_values_in_entries() {
    on_small_stack(|| {
        let fields = set_of_deep_values().to_fields_v1().unwrap();
        let live = format!(
            r#"{{"apiVersion":"v1","kind":"X","metadata":{{"managedFields":[{{"manager":"a","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{{"f:a":{fields}}}}}]}},"a":1}}"#
        );
        let schemas = Schemas::deduced();
        let manager = FieldManager::new(&schemas);
        let config = r#"{"apiVersion":"v1","kind":"X","a":2}"#;
        for name in ["a", "b"] {
            let applied = manager.apply(&live, config).field_manager(name).run();
            assert!(applied.is_ok(), "{:.200}", applied.unwrap_err());
        }
        assert!(manager.update(&live, config).field_manager("w").run().is_ok());
    });
}

#[test]
fn long_numbers() {
    let digits = "9".repeat(400);
    for text in [digits.clone(), format!("-{digits}"), format!("[1e{digits}]"), "1e400".to_owned()]
    {
        let error = Value::from_json(&text).unwrap_err();
        assert_eq!(error.kind(), ParseErrorKind::NumberOutOfRange);
        assert!(error.to_string().starts_with("number out of range at line 1 column "), "{error}");
    }
    let fraction = format!("0.{digits}");
    let value = Value::from_json(&fraction).unwrap();
    assert_eq!((value.as_ref().as_f64(), value.to_json()), (Some(1.0), fraction));
    assert_eq!(Value::from_json("1e-400").unwrap().as_ref().as_f64(), Some(0.0));
    assert_eq!(Value::from_json(&"9".repeat(19)).unwrap().as_ref().as_i64(), None);
    let leading = Value::from_json(&format!("0{digits}")).unwrap_err();
    assert_eq!(leading.to_string(), "invalid number at line 1 column 1 (byte 0)");
    let element = PathElement::from_fields_v1_key(&format!("i:{digits}")).unwrap_err();
    assert!(element.to_string().contains("not a 64-bit integer"), "{element}");
    let fields = FieldSet::from_fields_v1(format!(r#"{{"v:{digits}":{{}}}}"#).as_bytes());
    assert!(fields.unwrap_err().to_string().contains("number out of range"));
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_its_place() {
    let bytes = b"{\"a\":\n \"\xe9\xff\"}";
    let error = Value::from_json_bytes(bytes).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ParseErrorKind::InvalidUtf8, 8));
    assert_eq!(error.to_string(), "invalid UTF-8 at line 2 column 3 (byte 8)");
    let error = FieldSet::from_fields_v1(b"{\"f:\xff\":{}}").unwrap_err();
    assert_eq!(error.to_string(), "invalid UTF-8 at line 1 column 5 (byte 4)");
    let schemas = Schemas::deduced();
    let manager = FieldManager::new(&schemas);
    for document in [Document::from(&bytes[..]), Document::from(bytes.to_vec())] {
        let error = manager.apply(Document::absent(), document.clone()).field_manager("m").run();
        assert_eq!(
            error.unwrap_err().to_string(),
            "error decoding patch: invalid UTF-8 at line 2 column 3 (byte 8)"
        );
        let error = manager.update(document, "{}").field_manager("m").run().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the live object is not valid JSON: invalid UTF-8 at line 2 column 3 (byte 8)"
        );
    }
}

#[test]
fn data_behind_a_document_is_refused() {
    for text in ["{} {}", "1,", "[]]", "null\u{0}", "\"a\" b", "{}\n//"] {
        let error = Value::from_json(text).unwrap_err();
        assert_eq!(error.kind(), ParseErrorKind::TrailingData, "{text}");
        assert!(error.to_string().starts_with("trailing data after the document at line"));
    }
    for text in ["{} {}", "{\"f:a\":{}}}", "null x"] {
        let error = FieldSet::from_fields_v1(text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("trailing data after the document"), "{error}");
    }
    for key in ["v:1 2", "k:{} {}", "v:\"a\"b"] {
        let error = PathElement::from_fields_v1_key(key).unwrap_err();
        assert!(error.to_string().contains("trailing data after the document"), "{error}");
    }
    for text in ["", " \n", "{", "[1,", "\"a", "{\"a\":"] {
        let error = Value::from_json(text).unwrap_err();
        assert_eq!(error.kind(), ParseErrorKind::UnexpectedEnd, "{text}");
        assert_eq!(error.offset(), text.len());
    }
}

#[test]
fn large_objects() {
    on_small_stack(|| {
        let items: Vec<String> = (0..30_000)
            .map(|index| format!(r#"{{"name":"item-{index}","value":"{index:070}"}}"#))
            .collect();
        let members: Vec<String> =
            (0..10_000).map(|index| format!(r#""key-{index}":"{index:050}""#)).collect();
        let spec = format!(r#"{{"list":[{}],"map":{{{}}}}}"#, items.join(","), members.join(","));
        let text = object(&spec);
        assert!(text.len() > 3_000_000);
        let schemas = Schemas::deduced();
        let manager = FieldManager::new(&schemas);
        let request = manager.apply(Document::absent(), &text).field_manager("a");
        let applied = request.run().unwrap();
        assert_eq!(applied.managed_fields()[0].fields.len(), 10_003);
        let again = manager.apply(applied.object(), &text).field_manager("a").run().unwrap();
        assert!(!again.changed());
        let other = text.replace("\"key-77\":\"0", "\"key-77\":\"1");
        let refused = manager.apply(applied.object(), &other).field_manager("b").run();
        let refused = refused.unwrap_err().to_string();
        assert_eq!(refused, r#"Apply failed with 1 conflict: conflict with "a": .spec.map.key-77"#);
    });
}

/// A FieldsV1 document of this many fields in no order, of numbers and names.
fn shuffled_fields(count: usize) -> String {
    let mut text = String::from("{");
    for index in 0..count {
        // An odd factor that shares nothing with the count visits every number once.
        let number = (index * 7_919 + 13) % count;
        let comma = if index > 0 { "," } else { "" };
        match number % 3 {
            0 => write!(text, "{comma}\"f:field-{number}\":{{}}"),
            1 => write!(text, "{comma}\"k:{{\\\"port\\\":{number}}}\":{{\"f:x\":{{}}}}"),
            _ => write!(text, "{comma}\"v:{number}.5\":{{}}"),
        }
        .unwrap();
    }
    text + "}"
}

fn time(operation: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    operation();
    begun.elapsed()
}

/// Four times the fields take some four times as long; quadratic work would take sixteen times.
#[test]
fn fields_in_no_order() {
    let (few, many) = if cfg!(debug_assertions) { (10_000, 40_000) } else { (250_000, 1_000_000) };
    let (small, large) = (shuffled_fields(few), shuffled_fields(many));
    let read = |text: &str, count| {
        let set = FieldSet::from_fields_v1(text.as_bytes()).unwrap();
        assert_eq!(set.len(), count);
        let sorted = set.to_fields_v1().unwrap();
        assert_eq!(FieldSet::from_fields_v1(sorted.as_bytes()).unwrap(), set);
    };
    // The machine may be busy with something else for a while.
    let soon = (0..5).any(|_| {
        let (first, second) = (time(|| read(&small, few)), time(|| read(&large, many)));
        second < first * 10 && second < Duration::from_secs(5)
    });
    assert!(soon, "reading {many} fields takes more than ten times as long as {few}, or 5 s");
}

#[test]
fn many_repeats_of_one_key() {
    on_small_stack(|| {
        let fields = vec!["\"f:a\":{\"f:b\":{}}"; 50_000].join(",");
        let set = FieldSet::from_fields_v1(format!("{{{fields}}}").as_bytes()).unwrap();
        assert_eq!(set.to_string(), ".a.b");
        let members = vec!["\"a\":{\"b\":1}"; 50_000].join(",");
        let value = Value::from_json(&format!("{{{members}}}")).unwrap();
        assert_eq!(value.to_json(), r#"{"a":{"b":1}}"#);
    });
}

/// A type that holds itself, at two versions, with a default at its lower end only where `b` is.
fn endless() -> Schemas {
    let document = r#"{"types":[{"name":"x","map":{
        "fields":[{"name":"a","type":{"namedType":"x"}},
                  {"name":"b","type":{"namedType":"y"}}],
        "elementType":{"namedType":"any"}}},
        {"name":"y","map":{"fields":[{"name":"c","type":{"scalar":"string"},"default":"C"}]}},
        {"name":"any","scalar":"untyped","map":{"elementType":{"namedType":"any"}},
        "list":{"elementRelationship":"atomic","elementType":{"namedType":"any"}}}]}"#;
    let schema = parse_schema(&Value::from_json(document).unwrap()).unwrap();
    let mut schemas = Schemas::empty();
    for version in ["example.com/v1", "example.com/v2"] {
        let kind = GroupVersionKind::new(version, "X");
        schemas.insert(kind, schema.type_named("x").unwrap());
    }
    schemas
}

#[test]
fn deep_objects_are_filled_in() {
    on_small_stack(|| {
        let schemas = endless();
        let defaults = SchemaDefaults::new(&schemas);
        let object = |end: &str| {
            let maps = "{\"a\":".repeat(LEVELS) + end + &"}".repeat(LEVELS);
            format!(r#"{{"apiVersion":"example.com/v1","kind":"X","a":{maps}}}"#)
        };
        let whole = Value::from_json(&object(r#"{"b":{"c":1}}"#)).unwrap();
        assert!(defaults.default(whole.as_ref()).unwrap().is_none());
        let before = Value::from_json(&object(r#"{"b":{}}"#)).unwrap();
        let after = defaults.default(before.as_ref()).unwrap().unwrap();
        assert_eq!(after.to_json(), object(r#"{"b":{"c":"C"}}"#));
    });
}

#[test]
fn deep_entries_are_migrated() {
    on_small_stack(|| {
        let schemas = endless();
        let converter = SameShape::new(["example.com/v1", "example.com/v2"]);
        let fields = "{\"f:a\":".repeat(LEVELS) + "{\"f:b\":{}}" + &"}".repeat(LEVELS);
        let object = format!(
            r#"{{"apiVersion":"example.com/v2","kind":"X","a":{},"metadata":{{"managedFields":[
            {{"manager":"m","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1","fieldsV1":{fields}}}]}}}}"#,
            "{\"a\":".repeat(LEVELS) + "{}" + &"}".repeat(LEVELS)
        );
        let fm = FieldManager::new(&schemas);
        for fm in [fm, fm.converter(&converter)] {
            let migrated = fm.migrate_version(&object, "example.com/v1", "example.com/v2").unwrap();
            assert!(migrated.lost().is_empty());
            assert!(migrated.object().contains(&fields));
            assert!(!migrated.object().contains("example.com/v1"));
        }
    });
}
