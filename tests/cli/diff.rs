//! `diff`: ownership between two snapshots.

use super::{assert_run, run};

/// An object with entries as `manager operation fields`.
fn object(name: &str, entries: &[(&str, &str, &str)]) -> String {
    let entries: Vec<String> = entries
        .iter()
        .map(|(manager, operation, fields)| {
            format!(
                r#"{{"manager":"{manager}","operation":"{operation}","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{fields}}}"#
            )
        })
        .collect();
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"x","managedFields":[{}]}}}}"#,
        entries.join(",")
    )
}

/// Both snapshots as files of their own.
fn diff(test: &str, options: &str, before: &str, after: &str) -> super::Outcome {
    let file = |state: &str| format!("{}/diff-{test}-{state}.json", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(file("before"), before).unwrap();
    std::fs::write(file("after"), after).unwrap();
    run(&format!("diff -f {} -f {} {options}", file("before"), file("after")), "")
}

#[test]
fn every_turn_is_told_once() {
    let before = object(
        "a",
        &[
            ("ann", "Apply", r#"{"f:data":{"f:moved":{},"f:shared":{},"f:lost":{},"f:kept":{}}}"#),
            ("bob", "Update", r#"{"f:data":{"f:kept":{}}}"#),
        ],
    );
    let after = object(
        "a",
        &[
            ("ann", "Apply", r#"{"f:data":{"f:shared":{},"f:kept":{}}}"#),
            ("bob", "Update", r#"{"f:data":{"f:moved":{},"f:shared":{},"f:new":{},"f:kept":{}}}"#),
        ],
    );
    let text = "\
# ConfigMap x/a
CHANGE   FIELD          BEFORE   AFTER
gained   .data.new      nobody   \"bob\" using v1
lost     .data.lost     \"ann\"    nobody
moved    .data.moved    \"ann\"    \"bob\" using v1
shared   .data.shared   \"ann\"    \"ann\", \"bob\" using v1
";
    assert_run(&diff("turns", "", &before, &after), 1, text, "");
    let json = diff("turns-json", "-o json", &before, &after);
    assert_eq!((json.code, json.err.as_str()), (1, ""));
    let told: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let moved = serde_json::json!({
        "change": "moved", "fields": [".data.moved"],
        "before": [{"manager": "ann", "operation": "Apply"}],
        "after": [{"manager": "bob", "operation": "Update", "apiVersion": "v1"}],
    });
    assert_eq!(told[0]["changes"][2], moved);
    assert_eq!(told[0]["object"], "both");
    assert_eq!(told[0]["name"], "a");
}

#[test]
fn equal_ownership_is_no_difference() {
    let entry = ("ann", "Apply", r#"{"f:data":{"f:k":{}}}"#);
    let before = object("a", &[entry]);
    let after = before.replace("\"v1\",\"kind\"", "\"v1\",\"data\":{\"k\":\"w\"},\"kind\"");
    assert_run(&diff("equal", "", &before, &after), 0, "", "");
    assert_run(&diff("equal-json", "-o json", &before, &after), 0, "[]\n", "");
}

#[test]
fn objects_of_dumps_are_paired_whatever_their_order() {
    let entry = |manager| [(manager, "Apply", r#"{"f:data":{"f:k":{}}}"#)];
    let list = |objects: &[String]| {
        format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, objects.join(","))
    };
    let before = list(&["a", "b", "gone"].map(|name| object(name, &entry("ann"))));
    let after = list(&[
        object("new", &entry("ann")),
        object("b", &entry("bob")),
        object("a", &entry("ann")),
    ]);
    let text = "\
# ConfigMap x/b
CHANGE   FIELD     BEFORE   AFTER
moved    .data.k   \"ann\"    \"bob\"

# ConfigMap x/gone (removed)
CHANGE   FIELD     BEFORE   AFTER
lost     .data.k   \"ann\"    nobody

# ConfigMap x/new (added)
CHANGE   FIELD     BEFORE   AFTER
gained   .data.k   nobody   \"ann\"
";
    assert_run(&diff("dumps", "", &before, &after), 1, text, "");
}

#[test]
fn what_is_broken_is_an_error_and_the_rest_is_compared() {
    let entry = |manager| [(manager, "Apply", r#"{"f:data":{"f:k":{}}}"#)];
    let broken = object("b", &[("ann", "Sing", "{}")]);
    let before = format!("{}\n{broken}", object("a", &entry("ann")));
    let after = format!("{}\n{}", object("a", &entry("bob")), object("b", &entry("ann")));
    let done = diff("broken", "", &before, &after);
    assert_eq!(done.code, 2);
    assert!(done.out.contains("# ConfigMap x/a\n") && !done.out.contains("x/b"), "{}", done.out);
    assert!(done.err.contains("document 2") && done.err.contains("operation"), "{}", done.err);
    let one = run("diff -f -", "{}");
    let message = "error: diff: two snapshots are compared: -f BEFORE -f AFTER\n";
    assert_run(&one, 2, "", message);
}
