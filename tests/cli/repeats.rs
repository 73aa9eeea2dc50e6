//! Keys that stand in a map more than once: the last counts, and the others are told of or refused.

use crate::{LIVE, SCHEMA, assert_run, run, temporary};

const LAMP: &str = "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: desk, namespace: home}\n\
                    spec:\n  level: 9\n  bulbs:\n  - name: main\n    watts: 1\n    watts: 2\n  level: 5\n";
const PLACE: &str = "standard input: document 1 (line 1)";

fn apply(config: &str, more: &str) -> crate::Outcome {
    run(&format!("apply -f - --live {LIVE} --schema {SCHEMA} --field-manager bob {more}"), config)
}

#[test]
fn the_last_of_repeated_keys_counts_and_the_others_are_told_of() {
    let told = format!(
        "warning: {PLACE}: line 9: key \"watts\" already set in map (.spec.bulbs[0].watts): the \
         last one counts, remove the others\n\
         warning: {PLACE}: line 10: key \"level\" already set in map (.spec.level): the last one \
         counts, remove the others\n"
    );
    let taken = format!("note: {PLACE}: taken from \"ann\": .spec.bulbs[name=\"main\"].watts\n");
    let done = apply(LAMP, "--force-conflicts");
    assert_eq!((done.code, done.err), (0, told + &taken));
    assert!(
        done.out.contains("    watts: 2\n") && done.out.contains("  level: 5\n"),
        "{}",
        done.out
    );
    // JSON is told of in the same way.
    let json = r#"{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{"name":"desk"},
        "spec":{"level":9,
        "level":5}}"#;
    let done = apply(json, "--validate warn");
    assert_eq!(
        (done.code, done.err),
        (
            0,
            format!(
                "warning: {PLACE}: line 3: key \"level\" already set in map (.spec.level): the \
                 last one counts, remove the others\n"
            )
        )
    );
    let done = apply(LAMP, "--force-conflicts --validate ignore");
    assert_eq!((done.code, done.err), (0, taken));
}

#[test]
fn strict_validation_refuses_repeated_keys_after_conflicts() {
    let done = apply(LAMP, "--force-conflicts --validate strict");
    assert_run(
        &done,
        2,
        "",
        &format!(
            "error: {PLACE}: error strict decoding patch: line 9: key \"watts\" already set in map \
             (.spec.bulbs[0].watts): remove all but one\n\
             error: {PLACE}: error strict decoding patch: line 10: key \"level\" already set in \
             map (.spec.level): remove all but one\n"
        ),
    );
    let done = apply(LAMP, "--force-conflicts --validate strict -o json");
    let status: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((status["code"].as_u64(), &status["reason"]), (Some(400), &"BadRequest".into()));
    assert_eq!(
        status["message"],
        "error strict decoding patch: error converting YAML to JSON: yaml: unmarshal errors:\n  \
         line 9: key \"watts\" already set in map\n  line 10: key \"level\" already set in map"
    );
    let done = apply(LAMP, "--validate strict");
    assert_eq!(done.code, 1);
    assert!(done.err.starts_with("Apply failed with 1 conflict: "), "{}", done.err);
    let done =
        apply("apiVersion: example.com/v1\nkind: Lamp\nspec: {level: 5}", "--validate strict");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
}

#[test]
fn repeated_keys_in_a_list_are_those_of_their_item() {
    let item = |name: &str, data: &str| {
        format!("- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {data}}}\n")
    };
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}{}",
        item("one", "{a: b}"),
        item("two", "{a: b, a: c}")
    );
    let done = run("apply -f - --field-manager bob --validate strict", &list);
    assert_eq!(done.code, 2);
    assert_eq!(
        done.err,
        "error: standard input: document 1 item 2 (line 1): error strict decoding patch: line 5: \
         key \"a\" already set in map (.data.a): remove all but one\n"
    );
    assert!(done.out.contains("name: one") && !done.out.contains("name: two"));
    let done = run("update -f -", &list);
    assert_eq!(
        (done.code, done.err.as_str()),
        (
            0,
            "warning: standard input: document 1 (line 1): line 5: key \"a\" already set in map \
             (.items[1].data.a): the last one counts, remove the others\n"
        )
    );
}

#[test]
fn no_more_repeats_are_told_of_than_anybody_reads() {
    let many: String = (0..50).map(|_| "  a: b\n").collect();
    let config = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n{many}");
    let done = run("apply -f - --field-manager bob", &config);
    assert_eq!((done.code, done.err.lines().count()), (0, 21));
    assert!(
        done.err.ends_with("document 1 (line 1): and more keys are repeated\n"),
        "{}",
        done.err
    );
}

#[test]
fn schemas_and_patches_with_repeated_keys_are_refused() {
    let schema = temporary("repeated-schema.yaml", "types: []\ntypes: []\n");
    let done = run(&format!("update -f - --schema {schema}"), LAMP);
    std::fs::remove_file(&schema).unwrap();
    assert_run(
        &done,
        2,
        "",
        &format!(
            "error: {schema}: document 1 (line 1): the key .types is repeated: remove all but one\n"
        ),
    );
    let done = run(
        &format!("patch -f - --type merge --live {LIVE} --schema {SCHEMA}"),
        "{spec: {level: 1, level: 2}}",
    );
    assert_run(
        &done,
        2,
        "",
        "error: standard input: line 1: the key .spec.level is repeated: remove all but one\n",
    );
}
