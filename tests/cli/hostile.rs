//! Input that nobody should send: an error with its place or a result, soon, on a small stack.

use std::time::{Duration, Instant};

use super::{Outcome, SCHEMA, run, temporary};

/// Runs on the stack that threads have by default.
fn run_small(words: &str, stdin: Vec<u8>) -> Outcome {
    let words = words.to_owned();
    let begun = Instant::now();
    let outcome = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || run(&words, stdin))
        .unwrap()
        .join()
        .unwrap();
    // Unoptimised code is some ten times slower.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    outcome
}

#[track_caller]
fn assert_refused(input: impl AsRef<[u8]>, message: &str) {
    let words = format!("apply -f - --field-manager m --schema {SCHEMA} --strict-schema");
    let outcome = run_small(&words, input.as_ref().to_vec());
    assert_eq!(outcome.code, 2);
    assert_eq!(outcome.out, "");
    let expected = format!("error: standard input: {message}");
    assert!(outcome.err.contains(&expected), "expected {expected}\ngot {:.2000}", outcome.err);
}

fn lamp(rest: &str) -> String {
    format!("apiVersion: example.com/v1\nkind: Lamp\nmetadata: {{name: a}}\n{rest}\n")
}

#[test]
fn broken_text() {
    assert_refused("a: [1", "document 1 (line 1): unclosed bracket '[' at line 1 column 4");
    assert_refused("{\"a\":1,,}", "document 1 (line 1): unexpected character at line 1 column 8");
    assert_refused("{\"a\":1} x", "document 2 (line 1): unexpected character at line 1 column 1");
    assert_refused("a: 1\n---\n{\"a\": tru}", "document 2 (line 3): ");
    assert_refused("- 1", "document 1 (line 1): expected an object, got a list");
    assert_refused("a: 1", "document 1 (line 1): the object has no apiVersion");
    assert_refused("apiVersion: v1", "document 1 (line 1): the object has no kind");
    assert_refused(
        "apiVersion: a/b/c\nkind: X",
        "document 1 (line 1): unexpected GroupVersion string: a/b/c",
    );
    assert_refused("", "there is no object in it");
    assert_refused("a: 1\na: 2", "document 1 (line 1): the object has no apiVersion");
    assert_refused(
        b"a: 1\n---\nb: \xff\xfe\n---\nc: 1\n",
        "document 2 (line 2): invalid UTF-8 at byte 12 (line 3)",
    );
    assert_refused("a: &a [*a]", "document 1 (line 1): ");
}

#[test]
fn wrong_values() {
    let typed = "document 1 (line 1): failed to create typed patch object (/a; example.com/v1, Kind=Lamp): ";
    assert_refused(
        lamp("spec: {size: 1}"),
        &format!("{typed}.spec.size: field not declared in schema"),
    );
    assert_refused(lamp("spec: {on: 5}"), "document 1 (line 1): ");
    assert_refused(lamp("spec: {level: x}"), &format!("{typed}.spec.level: expected numeric"));
    assert_refused(
        lamp("spec: {colors: [a, a]}"),
        &format!("{typed}.spec.colors: duplicate entries for key [=\"a\"]"),
    );
    assert_refused(
        lamp("spec: {bulbs: [{name: a}, {name: a}]}"),
        &format!("{typed}.spec.bulbs: duplicate entries for key [name=\"a\"]"),
    );
    assert_refused(
        lamp("spec: {bulbs: [{watts: 1}]}"),
        &format!("{typed}.spec.bulbs: element 0: "),
    );
    assert_refused(
        "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: a, managedFields: []}",
        "document 1 (line 1): metadata.managedFields must be nil",
    );
}

#[test]
fn corrupt_entries() {
    let live = "apiVersion: example.com/v1\nkind: Lamp\nmetadata:\n  name: a\n  managedFields:\n  - {manager: x, operation: Rand, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {}}\n";
    let listed = run("fields -f -", live);
    assert_eq!(
        listed.err,
        "error: standard input: document 1 (line 1): metadata.managedFields: operation must be \
         `Apply` or `Update`\n"
    );
    let applied = run(
        &format!(
            "apply -f tests/cli/data/lamp-config.yaml --live - --schema {SCHEMA} --field-manager m"
        ),
        live.replace("name: a", "name: desk"),
    );
    assert_eq!((applied.code, applied.out.as_str()), (2, ""));
    assert!(
        applied.err.contains(
            "error: standard input: document 1 (line 1): failed to decode managed fields: "
        ),
        "{}",
        applied.err
    );
    let unreadable = run("fields -f -", "metadata: {managedFields: [1]}");
    assert_eq!(unreadable.code, 2);
}

#[test]
fn depth() {
    let deep = |open: &str, close: &str, levels: usize| {
        format!(
            r#"{{"apiVersion":"example.com/v1","kind":"X","spec":{}1{}}}"#,
            open.repeat(levels),
            close.repeat(levels)
        )
    };
    for text in [deep("[", "]", 20_000), deep("{\"a\":", "}", 20_000)] {
        assert_refused(&text, "document 1 (line 1): nesting deeper than 10000 levels");
    }
    assert_refused(format!("a: {}", "[".repeat(20_000)), "document 1 (line 1): ");
    assert_refused("- ".repeat(20_000), "document 1 (line 1): ");
    for text in [deep("[", "]", 9_990), deep("{\"a\":", "}", 9_990)] {
        for words in
            ["apply -f - --field-manager m", "apply -f - --field-manager m -o json", "update -f -"]
        {
            let outcome = run_small(words, text.clone().into_bytes());
            assert_eq!(outcome.code, 0, "{:.500}", outcome.err);
            assert!(outcome.out.len() < 2 * text.len() + 1000);
        }
    }
    let yaml = format!(
        "apiVersion: example.com/v1\nkind: X\nspec: {}1{}\n",
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    assert_eq!(run_small("apply -f - --field-manager m", yaml.into_bytes()).code, 0);
}

#[test]
fn long_numbers() {
    let digits = "9".repeat(400);
    assert_refused(
        format!(r#"{{"a":{digits}}}"#),
        "document 1 (line 1): number out of range at line 1 column 6",
    );
    assert_refused(format!("a: {digits}"), "document 1 (line 1): ");
    let fraction = format!("apiVersion: v1\nkind: X\na: 0.{digits}\n");
    assert_eq!(run("apply -f - --field-manager m", fraction).code, 0);
}

#[test]
fn large_objects() {
    let items: Vec<String> = (0..30_000)
        .map(|index| format!("{{\"name\":\"item-{index}\",\"value\":\"{index:060}\"}}"))
        .collect();
    let json = format!(
        r#"{{"apiVersion":"example.com/v1","kind":"X","metadata":{{"name":"a"}},"spec":{{"list":[{}]}}}}"#,
        items.join(",")
    );
    assert!(json.len() > 2_500_000);
    let outcome = run_small("apply -f - --field-manager m -o json", json.into_bytes());
    assert_eq!(outcome.code, 0, "{:.500}", outcome.err);
    let members: Vec<String> =
        (0..40_000).map(|index| format!("  key-{index}: \"{index:050}\"")).collect();
    let yaml = format!("apiVersion: v1\nkind: X\ndata:\n{}\n", members.join("\n"));
    assert!(yaml.len() > 2_500_000);
    let outcome = run_small("fields --config -f -", yaml.into_bytes());
    assert_eq!((outcome.code, outcome.out.lines().count()), (0, 40_001));
    let laughs = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, level| {
        let inner = format!("*a{},", level - 1).repeat(9);
        format!("{text}a{level}: &a{level} [{inner}]\n")
    });
    assert_refused(laughs, "document 1 (line 1): ");
}

#[test]
fn deep_and_wide_entries_are_planned() {
    let fields = |depth: usize| "{\"f:a\":".repeat(depth) + "{}" + &"}".repeat(depth);
    let object = |fields: &str| {
        format!(
            r#"{{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{{"name":"a","resourceVersion":"1","managedFields":[{{"manager":"m","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1","fieldsV1":{fields}}},{{"manager":"n","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1","fieldsV1":{fields}}}]}}}}"#
        )
    };
    let wide: Vec<String> = (0..50_000).map(|field| format!("\"f:{field}\":{{}}")).collect();
    let wide = format!("{{\"f:a\":{{{}}}}}", wide.join(","));
    for fields in [fields(9_000), wide] {
        let object = object(&fields);
        for plan in [
            "rename --from m --to o",
            "merge --from m --from n --to o",
            "release --field-manager m --path .a",
            "purge --field-manager m",
        ] {
            let done = run_small(&format!("plan {plan} -f - -o patch"), object.clone().into());
            assert_eq!((done.code, done.err.as_str()), (0, ""), "{plan}");
            assert!(done.out.starts_with("[{\"op\":\"replace\""), "{plan}");
        }
    }
}

/// What nests as deep as anything may, and long lists, are edited soon and on a small stack.
#[test]
fn deep_and_wide_configurations_are_resolved() {
    let object = |value: &str, fields: &str| {
        let entry = r#""manager":"ann","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1""#;
        let entries = match fields {
            "" => String::new(),
            fields => format!(r#","managedFields":[{{{entry},"fieldsV1":{fields}}}]"#),
        };
        format!(
            r#"{{"apiVersion":"example.com/v1","kind":"Thing","metadata":{{"name":"a"{entries}}},"spec":{value}}}"#
        )
    };
    let nested = |key: &str, levels: usize, inner: &str| {
        format!("{}{inner}{}", format!(r#"{{"{key}":"#).repeat(levels), "}".repeat(levels))
    };
    for levels in [100, 4_900] {
        let fields = format!(r#"{{"f:spec":{}}}"#, nested("f:a", levels, "{}"));
        let live = temporary("deep-live.json", object(&nested("a", levels, "1"), &fields));
        let config = object(&nested("a", levels, "2"), "");
        let yaml = config.replace('"', "");
        for (config, strategy, text) in [
            (&config, "share", object(&nested("a", levels, "1"), "")),
            (
                &config,
                "give-up",
                config.replace(&format!(r#","spec":{}"#, nested("a", levels, "2")), ""),
            ),
            (&yaml, "share", object(&nested("a", levels, "1"), "").replace('"', "")),
        ] {
            // Only JSON is known to be nothing else, whatever its depth.
            let config = config.replace(':', ": ").replace(",", ", ");
            let words =
                format!("resolve -f - --live {live} --field-manager bob --strategy {strategy}");
            let done = run_small(&words, config.into_bytes());
            assert_eq!(done.code, 1, "{:.2000}", done.err);
            assert_eq!(done.out, text.replace(':', ": ").replace(",", ", "));
        }
        std::fs::remove_file(live).unwrap();
    }
    let members = |value: &str, separator: &str| {
        let members = (0..5_000).map(|at| format!("k{at}: {value}{separator}"));
        members.collect::<String>()
    };
    let fields: Vec<String> = (0..5_000).map(|at| format!(r#""f:k{at}":{{}}"#)).collect();
    let fields = format!(r#"{{"f:spec":{{{}}}}}"#, fields.join(","));
    let live: Vec<String> = (0..5_000).map(|at| format!(r#""k{at}":1"#)).collect();
    let live = object(&format!("{{{}}}", live.join(",")), &fields);
    let live = temporary("wide-live.json", live);
    let head = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n";
    let words = format!("resolve -f - --live {live} --field-manager bob --strategy share");
    let config = format!("{head}spec:\n  {}", members("2", " # c\n  "));
    let done = run_small(&words, config.trim_end().as_bytes().to_vec());
    assert_eq!(done.code, 1, "{:.2000}", done.err);
    assert_eq!(done.out, config.trim_end().replace(": 2", ": 1"));
    assert!(done.err.contains("and 4980 more edits"), "{:.2000}", done.err);
    let config = format!("{head}spec: {{{}}}\n", members("2", ", "));
    let done = run_small(&words, config.clone().into_bytes());
    assert_eq!(done.out, config.replace(": 2", ": 1"), "{:.2000}", done.err);
    let done = run_small(&words.replace("share", "give-up"), config.into_bytes());
    assert_eq!(done.out, head, "{:.2000}", done.err);
    std::fs::remove_file(live).unwrap();
}

/// Whatever stands around it, what is good is looked at, and what is bad is told.
#[test]
fn lint_looks_at_the_rest() {
    let good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, creationTimestamp: null}\n";
    let bad = [
        "a: [",
        "- 1",
        "5",
        "a: 1",
        "apiVersion: a/b/c\nkind: X",
        "apiVersion: v1\nkind: X\nmetadata: {uid: u, managedFields: 7}",
        "apiVersion: v1\nkind: X\nmetadata: {uid: u, managedFields: [1]}",
        "apiVersion: v1\nkind: X\nmetadata: {uid: u, managedFields: [{manager: m, operation: Rand}]}",
        "apiVersion: v1\nkind: ConfigMapList\nitems: [7, {metadata: {name: b}}]",
    ];
    for bad in bad {
        let outcome = run_small("lint -f -", format!("{bad}\n---\n{good}").into_bytes());
        assert_eq!(outcome.code, 2, "{bad}");
        assert!(
            outcome.err.contains("error: standard input: document 1 "),
            "{bad}: {}",
            outcome.err
        );
        assert_eq!(outcome.out.matches("MF005 (null-creation-timestamp): ConfigMap a ").count(), 1);
    }
    let broken = [good.as_bytes(), b"---\na: \xff\n---\n", good.as_bytes()].concat();
    let outcome = run_small("lint -f - --ignore MF018", broken);
    assert!(outcome.err.contains("document 2 (line 4): invalid UTF-8"), "{}", outcome.err);
    // Lines are counted from the beginning of the file.
    let lines: Vec<&str> = outcome.out.lines().take(2).collect();
    assert!(lines[0].starts_with("standard input:3: "), "{lines:?}");
    assert!(lines[1].starts_with("standard input:9: "), "{lines:?}");
    // Things of any kind where rules look.
    for metadata in ["7", "[1]", "{annotations: 5, labels: [], managedFields: {}, uid: []}"] {
        for rest in
            ["spec: 5", "spec: {scaleTargetRef: 1, replicas: {}, versions: 4}", "status: []"]
        {
            for kind in ["v1\nkind: Pod", "autoscaling/v2\nkind: HorizontalPodAutoscaler"] {
                let text = format!("apiVersion: {kind}\nmetadata: {metadata}\n{rest}\n");
                let outcome = run_small("lint -f - --as live", text.clone().into_bytes());
                assert!((0..=2).contains(&outcome.code), "{text}");
                run_small("lint -f - --as manifest", text.into_bytes());
            }
        }
    }
    for versions in
        ["7", "[7]", "[{schema: 7}]", "[{schema: {openAPIV3Schema: {properties: [1], items: 5}}}]"]
    {
        let text = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: a}}\nspec: {{versions: {versions}}}\n"
        );
        assert_eq!(run_small("lint -f -", text.into_bytes()).code, 1, "{versions}");
    }
}

#[test]
fn deep_and_wide_objects_are_linted() {
    let nested = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    let object = |kind: &str, uid: &str, rest: &str| {
        format!(r#"{{"apiVersion":{kind},"metadata":{{"name":"a"{uid}}},{rest}}}"#)
    };
    let lamp = r#""example.com/v1","kind":"Lamp""#;
    let map = nested(r#"{"a":null,"b":"#, "1", "}", 9_900);
    let list = nested("[null,", "1", "]", 9_900);
    let fields = nested(r#"{"f:a":{".":{},"f:b":{}},"f:c":"#, "{}", "}", 4_900);
    let entry = |manager: &str, fields: &str| {
        format!(
            r#"{{"manager":"{manager}","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1","fieldsV1":{fields}}}"#
        )
    };
    let entries = |fields: &str| {
        format!(r#","uid":"u","managedFields":[{},{}]"#, entry("m", fields), entry("n", fields))
    };
    let property =
        r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object"}},"b":"#;
    let schema = nested(property, r#"{"type":"object"}"#, "}}", 2_400);
    let crd = r#""apiextensions.k8s.io/v1","kind":"CustomResourceDefinition""#;
    let crd_spec = format!(
        r#""spec":{{"group":"example.com","names":{{"kind":"Lamp","plural":"lamps"}},"versions":[{{"name":"v1","served":true,"storage":true,"schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"a":{schema}}}}}}}}}]}}"#
    );
    let wide: Vec<String> = (0..40_000).map(|at| format!(r#""k{at}":null"#)).collect();
    let wide_fields: Vec<String> = (0..40_000).map(|at| format!(r#""f:k{at}":{{}}"#)).collect();
    let finalizers: Vec<String> = (0..40_000).map(|at| format!(r#""{}""#, at % 20_000)).collect();
    let cases = [
        (object(lamp, "", &format!(r#""spec":{map}"#)), "MF004"),
        (object(lamp, "", &format!(r#""spec":{list}"#)), "MF004"),
        (object(lamp, &entries(&fields), r#""spec":1"#), "MF012"),
        (object(crd, "", &crd_spec), "MF001"),
        (object(lamp, "", &format!(r#""spec":{{{}}}"#, wide.join(","))), "MF004"),
        (object(lamp, &entries(&format!("{{{}}}", wide_fields.join(","))), r#""spec":1"#), "MF012"),
        (
            object(
                r#""v1","kind":"ConfigMap""#,
                &format!(r#","finalizers":[{}]"#, finalizers.join(",")),
                r#""data":{}"#,
            ),
            "MF019",
        ),
    ];
    for (text, rule) in cases {
        for form in ["text", "json"] {
            let outcome = run_small(&format!("lint -f - -o {form}"), text.clone().into_bytes());
            let is_note = ["MF001", "MF012"].contains(&rule);
            assert_eq!(outcome.code, i32::from(!is_note), "{rule} {:.500}", outcome.err);
            assert!(outcome.out.contains(rule), "{rule} {:.500}", outcome.out);
            // Findings that nobody reads are counted.
            let count = outcome.out.matches(&format!("{rule} (")).count();
            assert!(count <= 102, "{rule} {count}");
        }
    }
}

/// Entries of one tool are held against each other, and lines are searched for what is on them: neither
/// takes a time that grows with the square of the input.
#[test]
fn very_many_entries_and_very_long_lines_are_linted() {
    let start = std::time::Instant::now();
    let field = |at: usize| format!(r#""f:k{at}":{{}}"#);
    let entry = |operation: &str, version: usize, fields: &str| {
        format!(
            r#"{{"manager":"a","operation":"{operation}","apiVersion":"x/v{version}","fieldsType":"FieldsV1","fieldsV1":{{"f:spec":{{{fields}}}}}}}"#
        )
    };
    let fields: Vec<String> = (0..10_000).map(field).collect();
    let mut entries: Vec<String> = (0..10_000).map(|at| entry("Update", at, &field(at))).collect();
    entries.push(entry("Apply", 1, &fields.join(",")));
    let object = format!(
        r#"{{"apiVersion":"x/v1","kind":"X","metadata":{{"name":"a","uid":"u","managedFields":[{}]}}}}"#,
        entries.join(",")
    );
    let outcome = run_small("lint -f -", object.into_bytes());
    assert!(outcome.out.contains("MF011") && outcome.out.contains("MF013"), "{:.300}", outcome.out);
    let items: Vec<String> = (0..10_000)
        .map(|at| {
            format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a{at}, labels: {{}}}}}}")
        })
        .collect();
    let list = format!("apiVersion: v1\nkind: List\nitems: [{}]\n", items.join(", "));
    let file = super::temporary("lint-long-line.yaml", &list);
    let outcome = super::run_words(&["lint", "-f", &file, "--fix"]);
    assert_eq!(outcome.err.matches("it shares its line with something else").count(), 10_000);
    let limit = if cfg!(debug_assertions) { 60 } else { 6 };
    assert!(start.elapsed().as_secs() < limit, "{:?}", start.elapsed());
}
