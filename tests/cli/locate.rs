//! Conflicts say where in its file the configuration has the field.

use crate::{run, temporary};

/// The live object that everything conflicts with, and a schema for its lists.
const LIVE: &str = r#"{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{"name":"desk","namespace":"home","uid":"1",
"managedFields":[{"manager":"ann","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1","fieldsV1":{
"f:spec":{"f:level":{},"f:on":{},"f:bulbs":{"k:{\"name\":\"main\"}":{".":{},"f:name":{},"f:watts":{}}}}}}]},
"spec":{"level":5,"on":false,"bulbs":[{"name":"main","watts":40}]}}"#;
const SCHEMA: &str = "tests/cli/data/schema.yaml";

/// The lines of advice about fields, for a configuration in a file of this name.
fn advice(name: &str, config: &str) -> Vec<String> {
    let live = temporary(&format!("{name}-live.json"), LIVE);
    let file = temporary(name, config);
    let done =
        run(&format!("apply -f {file} --live {live} --schema {SCHEMA} --field-manager bob"), "");
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(live).unwrap();
    assert_eq!(done.code, 1, "{}", done.err);
    let lines = done.err.lines().filter(|line| line.contains("(the configuration has"));
    lines.map(|line| line.trim_start().replace(&file, "FILE")).collect()
}

const HEAD: &str =
    "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: desk, namespace: home}\n";

#[test]
fn fields_and_items_by_their_keys() {
    let config = format!(
        "{HEAD}spec:\n  # brighter\n  level:\n    7\n  bulbs:\n  - name: spare\n    watts: 5\n  \
         - watts: 60\n    name: main\n"
    );
    assert_eq!(
        advice("keys.yaml", &config),
        [
            ".spec.level: 5 (the configuration has 7 at FILE:6)",
            ".spec.bulbs[name=\"main\"].watts: 40 (the configuration has 60 at FILE:11)",
        ]
    );
}

#[test]
fn lines_are_those_of_the_file_with_several_documents() {
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let config =
        format!("# head\n---\n{other}---\nnull\n---\n{HEAD}spec: {{\"on\": yes,\n  level: 7}}\n");
    assert_eq!(
        advice("several.yaml", &config),
        [
            ".spec.level: 5 (the configuration has 7 at FILE:13)",
            ".spec.on: false (the configuration has true at FILE:12)",
        ]
    );
}

#[test]
fn carriage_returns_and_flow_style() {
    let config = format!("{HEAD}spec: {{level: 7,\n  bulbs: [\n    {{name: main, watts: 60}}]}}\n");
    let expected = [
        ".spec.level: 5 (the configuration has 7 at FILE:4)",
        ".spec.bulbs[name=\"main\"].watts: 40 (the configuration has 60 at FILE:6)",
    ];
    assert_eq!(advice("flow.yaml", &config), expected);
    assert_eq!(advice("crlf.yaml", &config.replace('\n', "\r\n")), expected);
    assert_eq!(advice("bom.yaml", &format!("\u{feff}{config}")), expected);
}

#[test]
fn what_an_alias_puts_in_stands_where_it_is_defined() {
    let config = format!(
        "metadata: {{name: desk, namespace: home}}\nx: &bright {{level: 7}}\ny: &bulb\n  \
         name: main\n  watts: 60\n{}spec:\n  <<: *bright\n  bulbs:\n  - *bulb\n",
        "apiVersion: example.com/v1\nkind: Lamp\n"
    );
    // The schema knows no x and y.
    let config = config.replace("x: &", "spare: &").replace("y: &", "more: &");
    let live = temporary("alias-live.json", LIVE);
    let file = temporary("alias.yaml", &config);
    let done = run(&format!("apply -f {file} --live {live} --field-manager bob"), "");
    for path in [&live, &file] {
        std::fs::remove_file(path).unwrap();
    }
    assert!(
        done.err.contains(&format!(".spec.level: 5 (the configuration has 7 at {file}:2)")),
        "{}",
        done.err
    );
}

#[test]
fn json_and_lists_of_objects() {
    let object = |level: u8| {
        format!(
            "{{\"apiVersion\":\"example.com/v1\",\"kind\":\"Lamp\",\n\"metadata\":{{\"name\":\"desk\"}},\n\t\"spec\":{{\"level\":\n{level}}}}}"
        )
    };
    assert_eq!(
        advice("one.json", &object(7)),
        [".spec.level: 5 (the configuration has 7 at FILE:3)"]
    );
    let config_map = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#;
    assert_eq!(
        advice(
            "two.json",
            &format!("{config_map} {config_map}\n\n{}", object(7)).replacen("\"a\"", "\"b\"", 1)
        ),
        [".spec.level: 5 (the configuration has 7 at FILE:5)"]
    );
    let list = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n{config_map},\n{}]}}",
        object(7)
    );
    assert_eq!(advice("list.json", &list), [".spec.level: 5 (the configuration has 7 at FILE:5)"]);
    let list = "apiVersion: example.com/v1\nkind: LampList\nitems:\n- metadata: {name: other}\n\
                - metadata: {name: desk}\n  spec:\n    level: 7\n";
    assert_eq!(advice("list.yaml", list), [".spec.level: 5 (the configuration has 7 at FILE:7)"]);
}

#[test]
fn standard_input_has_lines_too() {
    let live = temporary("stdin-live.json", LIVE);
    let line = format!("apply -f - --live {live} --schema {SCHEMA} --field-manager bob");
    let done = run(&line, format!("{HEAD}spec:\n  level: 7\n"));
    std::fs::remove_file(live).unwrap();
    assert!(
        done.err.contains("    .spec.level: 5 (the configuration has 7 at standard input:5)\n"),
        "{}",
        done.err
    );
}

#[test]
fn a_file_with_many_conflicts_is_read_again_once() {
    let lamps = |level: u32, entries: &str| {
        let lamp = |number| {
            format!(
                r#"{{"apiVersion":"example.com/v1","kind":"Bulb","metadata":{{"name":"a{number}","uid":"1"{entries}}},"spec":{{"level":{level}}}}}"#
            )
        };
        (0..3000).map(lamp).collect::<Vec<_>>().join("\n")
    };
    let live = temporary("many-live.json", lamps(1, ""));
    let config = temporary("many-config.json", lamps(2, "").replace(r#","uid":"1""#, ""));
    let start = std::time::Instant::now();
    let done = run(&format!("apply -f {config} --live {live} --field-manager bob"), "");
    let took = start.elapsed();
    assert!(done.err.contains(&format!("has 2 at {config}:3000)")));
    for path in [live, config] {
        std::fs::remove_file(path).unwrap();
    }
    assert!(took.as_secs() < 20, "{took:?}");
}
