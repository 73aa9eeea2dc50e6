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
    assert_eq!(told["schemaVersion"], "managed-fields.diff/v1");
    let object = serde_json::json!(
        {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "x", "name": "a"}
    );
    assert_eq!(told["objects"].as_array().unwrap().len(), 1);
    assert_eq!(told["objects"][0]["object"], object);
    assert_eq!(told["objects"][0]["presence"], "both");
    assert_eq!(told["objects"][0]["changes"][2], moved);
}

#[test]
fn equal_ownership_is_no_difference() {
    let entry = ("ann", "Apply", r#"{"f:data":{"f:k":{}}}"#);
    let before = object("a", &[entry]);
    let after = before.replace("\"v1\",\"kind\"", "\"v1\",\"data\":{\"k\":\"w\"},\"kind\"");
    assert_run(&diff("equal", "", &before, &after), 0, "", "");
    let none = "{\n    \"schemaVersion\": \"managed-fields.diff/v1\",\n    \"objects\": []\n}\n";
    assert_run(&diff("equal-json", "-o json", &before, &after), 0, none, "");
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

/// A list in JSON of so many ConfigMaps, larger than what is read as a whole; `owner` says who has each.
fn dump(names: &[usize], owner: impl Fn(usize) -> &'static str) -> String {
    let padding = "x".repeat(400);
    let items = names.iter().map(|number| {
        let fields = format!(r#"{{"f:data":{{"f:k":{{}},"f:{padding}":{{}}}}}}"#);
        object(&format!("n{number}"), &[(owner(*number), "Apply", &fields)])
    });
    let items: Vec<String> = items.collect();
    format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n{}\n]}}", items.join(",\n"))
}

/// Dumps that are read piece by piece are compared as small ones are, from files and from standard input.
#[test]
fn large_dumps_are_compared_without_being_held() {
    let numbers: Vec<usize> = (0..3000).collect();
    let before = dump(&numbers, |_| "ann");
    let turned: Vec<usize> = numbers.iter().skip(1).rev().copied().chain([5000]).collect();
    let after = dump(&turned, |number| if number % 1000 == 7 { "bob" } else { "ann" });
    assert!(before.len() > 1 << 20 && after.len() > 1 << 20);
    let done = diff("large", "", &before, &after);
    let headers: Vec<&str> = done.out.lines().filter(|line| line.starts_with('#')).collect();
    let expected = [
        "# ConfigMap x/n0 (removed)",
        "# ConfigMap x/n7",
        "# ConfigMap x/n1007",
        "# ConfigMap x/n2007",
        "# ConfigMap x/n5000 (added)",
    ];
    assert_eq!((done.code, done.err.as_str(), headers), (1, "", expected.to_vec()));
    assert_eq!(done.out.matches("moved    .data.k").count(), 3);
    let file = |state: &str| format!("{}/diff-large-{state}.json", env!("CARGO_TARGET_TMPDIR"));
    let piped = run(&format!("diff -f - -f {}", file("after")), &before);
    assert_eq!((piped.code, &piped.out), (1, &done.out), "{}", piped.err);
    let piped = run(&format!("diff -f {} -f -", file("before")), &after);
    assert_eq!((piped.code, &piped.out), (1, &done.out), "{}", piped.err);
    // A list may say behind its items what they are.
    let late = after.replace(r#""apiVersion":"v1","kind":"ConfigMap","#, "");
    let late = late.replace(r#""apiVersion":"v1","kind":"List","#, "");
    let whole = r#","apiVersion":"v1","kind":"ConfigMapList"}"#;
    let late = late.strip_suffix('}').unwrap().to_owned() + whole;
    assert_eq!(diff("late", "", &before, &late).out, done.out);
}

/// What could not be read may hold what seems to be gone or new.
#[test]
fn objects_are_not_told_to_be_gone_where_some_could_not_be_read() {
    let entry = [("ann", "Apply", r#"{"f:data":{"f:k":{}}}"#)];
    let whole = [object("a", &entry), object("b", &entry), object("c", &entry)].join("\n");
    let cut_off = whole.split_once("\n").unwrap().0.to_owned() + "\n{\"apiVersion\":";
    let note = |count: &str, one: &str, other: &str| {
        format!(
            "note: diff: {count} in the {one} snapshot alone may be among what could not be read of \
             the {other}: not compared\n"
        )
    };
    let done = diff("gone", "", &whole, &cut_off);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.ends_with(&note("2 objects that are", "first", "second")), "{}", done.err);
    let done = diff("new", "", &cut_off, &whole);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.ends_with(&note("2 objects that are", "second", "first")), "{}", done.err);
    let missing = run("diff -f no/such/file.json -f -", object("a", &entry));
    assert_eq!((missing.code, missing.out.as_str()), (2, ""));
    assert!(missing.err.ends_with(&note("1 object that is", "second", "first")), "{}", missing.err);
}

#[test]
fn an_object_counts_once_in_a_snapshot() {
    let entry = |manager| [(manager, "Apply", r#"{"f:data":{"f:k":{}}}"#)];
    let twice = [object("a", &entry("ann")), object("a", &entry("bob"))].join("\n");
    let done = diff("twice", "", &twice, &object("a", &entry("ann")));
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    let place = format!("{}/diff-twice-before.json: document", env!("CARGO_TARGET_TMPDIR"));
    let message = format!(
        "error: {place} 2 (line 2): ConfigMap x/a was read already, from {place} 1 (line 1)\n"
    );
    assert_eq!(done.err, message);
    // Namespaces that are not named are those of -n.
    let bare = object("a", &entry("ann")).replace("\"namespace\":\"x\",", "");
    assert_run(&diff("bare", "-n x", &bare, &object("a", &entry("ann"))), 0, "", "");
}

/// Neither times nor the order and spelling of entries are ownership, nor is the version of an applier.
#[test]
fn the_same_owners_in_other_words_are_the_same() {
    let bob = ("bob", "Update", r#"{"f:data":{"f:k":{},"f:l":{}}}"#);
    let before = object("a", &[("ann", "Apply", r#"{"f:data":{"f:k":{}}}"#), bob]);
    let spelled = r#"{"f:data":{"f:l":{".":{}},"f:k":null}}"#;
    let after =
        object("a", &[("bob", "Update", spelled), ("ann", "Apply", r#"{"f:data":{"f:k":{}}}"#)]);
    let after = after.replace(
        r#""manager":"ann","operation":"Apply","apiVersion":"v1""#,
        r#""manager":"ann","operation":"Apply","apiVersion":"v1beta1","time":"2026-01-01T00:00:00Z""#,
    );
    // An entry that owns nothing is none.
    let empty = r#""managedFields":[{"manager":"eve","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{}},"#;
    let after = after.replace(r#""managedFields":["#, empty);
    assert_run(&diff("words", "", &before, &after), 0, "", "");
    assert_run(&diff("words-back", "", &after, &before), 0, "", "");
    // An updater that writes at another version is another manager.
    let other = before.replace(
        r#""operation":"Update","apiVersion":"v1""#,
        r#""operation":"Update","apiVersion":"v2""#,
    );
    let done = diff("versions", "", &before, &other);
    assert!(done.code == 1 && done.out.contains("\"bob\" using v2"), "{}", done.out);
}
