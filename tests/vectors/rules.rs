//! Rules and divergences of `docs` that neither recorded requests nor laws can hold: what depends
//! on the bytes that come out, and where the reference cannot be asked.

use managed_fields::fieldmanager::{Applied, FieldManager};
use managed_fields::schema::Schemas;

fn apply(live: &str, config: &str, manager: &str) -> Applied {
    let schemas = Schemas::empty();
    let fm = FieldManager::new(&schemas);
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    fm.apply(live, config).field_manager(manager).at(now).run().unwrap()
}

/// Divergence "Spelling".
#[test]
fn what_does_not_change_keeps_its_spelling() {
    let entries = concat!(
        r#"[{"manager":"m","operation":"Apply","apiVersion":"v1","#,
        r#""time":"2025-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:n":{}}}]"#
    );
    let live = format!(
        r#"{{ "kind":"X", "z":1.0, "apiVersion":"v1", "metadata":{{"managedFields":{entries}}},"e":"\u0061<","n":1e3 }}"#
    );
    // Nothing changes: the very text.
    let same = apply(&live, r#"{"apiVersion":"v1","kind":"X","n":1000}"#, "m");
    assert!(!same.changed());
    assert_eq!(same.object(), live);
    // Something does: the rest keeps its order and its spelling, what is new follows in the
    // configuration's order and spelling.
    let config = r#"{"apiVersion":"v1","kind":"X","n":1e3,"y":2.0,"b":{"d":[ 1 ],"c":-0}}"#;
    let other = apply(&live, config, "m");
    let (before, list) = other.object().split_once("\"managedFields\":").unwrap();
    let (_, after) = list.split_once("}]").unwrap();
    assert_eq!(before, r#"{"kind":"X","z":1.0,"apiVersion":"v1","metadata":{"#);
    assert_eq!(after, r#"},"e":"\u0061<","n":1e3,"y":2.0,"b":{"d":[ 1 ],"c":-0}}"#);
    // A repeated key never comes out.
    let live = r#"{"apiVersion":"v1","kind":"X","a":{"b":1,"b":2},"c":0}"#;
    let cleaned = apply(live, r#"{"apiVersion":"v1","kind":"X","c":0}"#, "m");
    assert!(cleaned.object().contains(r#""a":{"b":2}"#), "{}", cleaned.object());
}

/// Divergence "Times of entries".
#[test]
fn times_are_read_as_far_as_they_go() {
    let managers = |time: &str| -> Vec<String> {
        let live = format!(
            r#"{{"apiVersion":"v1","kind":"X","metadata":{{"managedFields":[{{"manager":"m","operation":"Apply","apiVersion":"v1","time":"{time}","fieldsType":"FieldsV1","fieldsV1":{{"f:a":{{}}}}}}]}},"a":1}}"#
        );
        let applied = apply(&live, r#"{"apiVersion":"v1","kind":"X","b":1}"#, "z");
        applied.managed_fields().iter().map(|entry| entry.manager.name().to_owned()).collect()
    };
    assert_eq!(managers("9999-12-30T22:00:00Z"), ["z", "m"]);
    assert_eq!(managers("9999-12-31T00:00:00Z"), ["z", "before-first-apply"]);
    assert_eq!(managers("no time"), ["z", "before-first-apply"]);
}

/// Divergence "Depth".
#[test]
fn an_object_at_the_limit_of_depth_is_written_and_not_read() {
    let again = |levels: usize| {
        let map = "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels);
        let config = format!(r#"{{"apiVersion":"v1","kind":"X","a":{map}}}"#);
        let written = apply(r#"{"apiVersion":"v1","kind":"X"}"#, &config, "m");
        let schemas = Schemas::empty();
        let fm = FieldManager::new(&schemas);
        fm.apply(written.object(), &config).field_manager("m").run()
    };
    assert!(again(9_994).is_ok_and(|applied| !applied.changed()));
    let error = again(9_995).unwrap_err().to_string();
    let expected = "the live object is not valid JSON: nesting deeper than 10000 levels";
    assert!(error.starts_with(expected), "{error}");
}

/// Row 8.3/72: an annotation that makes all annotations too large together is removed.
#[test]
fn an_annotation_that_no_longer_fits_is_removed() {
    let live = |filler: usize| {
        format!(
            r#"{{"apiVersion":"v1","kind":"X","metadata":{{"annotations":{{"a":"{}","kubectl.kubernetes.io/last-applied-configuration":"{{}}"}}}},"n":1}}"#,
            "x".repeat(filler)
        )
    };
    let config = r#"{"apiVersion":"v1","kind":"X","n":1}"#;
    let has_it = |filler: usize| {
        let applied = apply(&live(filler), config, "kubectl");
        let text = r#""{\"apiVersion\":\"v1\",\"kind\":\"X\",\"n\":1}\n""#;
        assert!(applied.changed());
        applied.object().contains(text)
    };
    let others = "akubectl.kubernetes.io/last-applied-configuration".len() + config.len() + 1;
    assert!(has_it(262_144 - others));
    assert!(!has_it(262_144 - others + 1));
}
