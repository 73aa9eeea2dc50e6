//! The command line, run in memory: what it prints, where, and its exit codes.
#![allow(missing_docs)]

mod blame;
mod client_side;
mod conflicts;
mod crd;
mod diff;
mod explain;
mod hostile;
mod kubernetes_version;
mod lint;
mod locate;
mod manual;
mod openapi;
mod patch;
mod plan;
mod repeats;
mod reset_fields;
mod resolve;
mod sarif;
mod scale;
mod schema;
mod size;
mod stories;
mod would_change;

use managed_fields::cli::{Io, run_from};

const LAMP: &str = "tests/cli/data/lamp-config.yaml";
const LIVE: &str = "tests/cli/data/lamp-live.yaml";
const SCHEMA: &str = "tests/cli/data/schema.yaml";
const NOW: &str = "2026-02-03T04:05:06Z";

#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub out: String,
    pub err: String,
}

#[derive(Clone, Copy, Default)]
struct Terminal {
    stdout: bool,
    stderr: bool,
}

fn run_on(terminal: Terminal, arguments: &[&str], stdin: &[u8]) -> Outcome {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut stdin = stdin;
    let code = run_from(
        std::iter::once("managed-fields").chain(arguments.iter().copied()),
        &mut Io {
            stdin: &mut stdin,
            stdout: &mut out,
            stderr: &mut err,
            stdout_is_terminal: terminal.stdout,
            stderr_is_terminal: terminal.stderr,
            no_color: false,
            now: NOW.parse().unwrap(),
        },
    );
    Outcome { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// Runs a command line given as words, with `stdin` behind `-`.
pub fn run(words: &str, stdin: impl AsRef<[u8]>) -> Outcome {
    let words: Vec<&str> = words.split_whitespace().collect();
    run_on(Terminal::default(), &words, stdin.as_ref())
}

/// Runs a command line whose words may hold spaces.
pub fn run_words(words: &[&str]) -> Outcome {
    run_on(Terminal::default(), words, b"")
}

#[track_caller]
fn assert_run(outcome: &Outcome, code: i32, out: &str, err: &str) {
    assert_eq!(outcome.err, err);
    assert_eq!(outcome.out, out);
    assert_eq!(outcome.code, code);
}

#[test]
fn a_conflict_is_the_servers_message_and_then_the_ways_out() {
    let done =
        run(&format!("apply -f {LAMP} --live {LIVE} --schema {SCHEMA} --field-manager bob"), "");
    assert_run(
        &done,
        1,
        "",
        "\
Apply failed with 1 conflict: conflict with \"dimmer\" with subresource \"scale\" using example.com/v1: .spec.level

What can be done:
* To take this field over, apply again with --force-conflicts.
* To leave this field alone, remove it from tests/cli/data/lamp-config.yaml.
* To own this field together with others, give it the value of the live object:
    .spec.level: 5 (the configuration has 7 at tests/cli/data/lamp-config.yaml:7)
`resolve --strategy give-up` or `share` edits the file so, with the same arguments; `force` lists what would be taken.
",
    );
}

#[test]
fn a_conflict_in_json_is_a_status() {
    let done = run(
        &format!("apply -f {LAMP} --live {LIVE} --schema {SCHEMA} --field-manager bob -o json"),
        "",
    );
    assert_eq!(done.code, 1);
    assert_eq!(
        done.out,
        r#"{
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "Apply failed with 1 conflict: conflict with \"dimmer\" with subresource \"scale\" using example.com/v1: .spec.level",
    "reason": "Conflict",
    "details": {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": "conflict with \"dimmer\" with subresource \"scale\" using example.com/v1",
                "field": ".spec.level"
            }
        ]
    },
    "code": 409
}
"#
    );
    assert!(done.err.starts_with("Apply failed with 1 conflict: "));
}

#[test]
fn force_takes_the_fields() {
    let done = run(
        &format!(
            "apply -f {LAMP} --live {LIVE} --schema {SCHEMA} --field-manager bob \
             --force-conflicts --show-managed-fields --reset-fields none"
        ),
        "",
    );
    assert_run(
        &done,
        0,
        r#"apiVersion: example.com/v1
kind: Lamp
metadata:
  managedFields:
  - apiVersion: example.com/v1
    fieldsType: FieldsV1
    fieldsV1:
      "f:spec":
        "f:bulbs":
          "k:{\"name\":\"main\"}":
            ".": {}
            "f:name": {}
            "f:watts": {}
        "f:on": {}
    manager: ann
    operation: Apply
    time: "2026-01-01T00:00:00Z"
  - apiVersion: example.com/v1
    fieldsType: FieldsV1
    fieldsV1:
      "f:spec":
        "f:level": {}
        "f:on": {}
    manager: bob
    operation: Apply
    time: "2026-02-03T04:05:06Z"
  - apiVersion: example.com/v1
    fieldsType: FieldsV1
    fieldsV1:
      "f:spec":
        "f:on": {}
    manager: dimmer
    operation: Update
    subresource: scale
    time: "2026-01-02T00:00:00Z"
  name: desk
  namespace: home
  uid: 00000000-0000-4000-8000-000000000001
spec:
  bulbs:
  - name: main
    watts: 40
  level: 7
  "on": true
"#,
        &format!(
            "note: {LAMP}: document 1 (line 1): taken from \"dimmer\" with subresource \"scale\" \
             using example.com/v1: .spec.level\n"
        ),
    );
    let bare = run(
        &format!(
            "apply -f - --live {LIVE} --schema {SCHEMA} --field-manager bob -o json --now \
             2030-01-01T00:00:00Z"
        ),
        r#"{"apiVersion":"example.com/v1","kind":"Lamp","spec":{"level":5.0}}"#,
    );
    assert_eq!(bare.code, 0, "{}", bare.err);
    assert!(!bare.out.contains("managedFields"), "{}", bare.out);
    // The live object keeps its own order and spelling.
    assert!(bare.out.starts_with("{\n    \"apiVersion\": \"example.com/v1\",\n    \"kind\""));
}

#[test]
fn apply_needs_a_field_manager() {
    let done = run(&format!("apply -f {LAMP} --live {LIVE} --schema {SCHEMA} -o json"), "");
    assert_eq!(done.code, 2);
    assert_eq!(
        done.err,
        "error: tests/cli/data/lamp-config.yaml: document 1 (line 1): PatchOptions.meta.k8s.io \
         \"\" is invalid: fieldManager: Required value: is required for apply patch\n"
    );
    assert!(done.out.contains("\"code\": 422"), "{}", done.out);
}

#[test]
fn creates_where_nothing_is_live() {
    let done = run(
        "apply -f - --field-manager bob -n prod --now 2026-05-06T07:08:09+02:00 \
         --show-managed-fields",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  script: |\n    one\n    two\n  flag: \"yes\"\n",
    );
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(
        done.out,
        r#"apiVersion: v1
data:
  flag: "yes"
  script: |
    one
    two
kind: ConfigMap
metadata:
  managedFields:
  - apiVersion: v1
    fieldsType: FieldsV1
    fieldsV1:
      "f:data":
        "f:flag": {}
        "f:script": {}
    manager: bob
    operation: Apply
    time: "2026-05-06T05:08:09Z"
  name: a
  namespace: prod
"#
    );
}

#[test]
fn update_records_what_changed() {
    let new = std::fs::read_to_string(LIVE).unwrap().replace("level: 5", "level: 6");
    let done = run(
        &format!(
            "update -f - --live {LIVE} --schema {SCHEMA} --field-manager eve --show-managed-fields"
        ),
        &new,
    );
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let listed = run("fields -f -", &done.out);
    assert_run(
        &listed,
        0,
        "\
.spec.level\teve\tUpdate\t
.spec.on\tann\tApply\t
.spec.on\tdimmer\tUpdate\tscale
.spec.bulbs[name=\"main\"]\tann\tApply\t
.spec.bulbs[name=\"main\"].name\tann\tApply\t
.spec.bulbs[name=\"main\"].watts\tann\tApply\t
",
        "",
    );
}

#[test]
fn fields_of_one_manager_and_of_a_configuration() {
    let one = run(&format!("fields -f {LIVE} --field-manager dimmer"), "");
    assert_run(&one, 0, ".spec.level\n.spec.on\n", "");
    let config = run(&format!("fields --config -f {LAMP} --schema {SCHEMA}"), "");
    assert_run(&config, 0, ".spec.level\n.spec.on\n", "");
    let json = run(&format!("fields -f {LIVE} --field-manager dimmer -o json"), "");
    assert_run(
        &json,
        0,
        "[\n    {\n        \"path\": \".spec.level\"\n    },\n    {\n        \"path\": \".spec.on\"\n    }\n]\n",
        "",
    );
    let nobody = run(&format!("fields -f {LIVE} --field-manager nobody"), "");
    assert_run(
        &nobody,
        0,
        "",
        "note: tests/cli/data/lamp-live.yaml: document 1 (line 1): \"nobody\" owns nothing\n",
    );
}

#[test]
fn hidden_owners_are_warned_of_everywhere() {
    let live = "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: desk, resourceVersion: \"7\"}\nspec: {level: 5}\n";
    let expected = "standard input: document 1 (line 1): the object has a resourceVersion but no \
                    managedFields: it was probably fetched without --show-managed-fields";
    for words in [
        format!("fields -f - --schema {SCHEMA}"),
        format!("apply -f {LAMP} --live - --schema {SCHEMA} --field-manager bob"),
        format!("update -f {LAMP} --live - --schema {SCHEMA} --field-manager bob"),
    ] {
        let done = run(&words, live);
        assert!(done.err.starts_with("warning: "), "{words}: {}", done.err);
        assert!(done.err.contains(expected), "{words}: {}", done.err);
    }
}

#[test]
fn one_bad_document_does_not_stop_the_others() {
    let done = run("apply -f tests/cli/data/many --field-manager bob -o json --color always", "");
    assert_eq!(done.code, 2);
    assert_eq!(
        done.err,
        "\u{1b}[1;31merror:\u{1b}[0m tests/cli/data/many/a.yaml: document 2 (line 7): unclosed \
         bracket '{' at line 9 column 11\n\u{1b}[1;33mwarning:\u{1b}[0m \
         tests/cli/data/many/a.yaml: document 1 (line 2): there is no schema for /v1, Kind=Widget: \
         treated as a custom resource without one, whose lists are owned as a whole\n"
    );
    let list: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let items = list["items"].as_array().unwrap();
    let names: Vec<_> = items.iter().map(|item| item["metadata"]["name"].as_str()).collect();
    assert_eq!(names, [Some("a"), None, Some("c"), Some("d"), Some("e"), Some("f")]);
    assert_eq!(items[0]["mode"], 420);
    assert_eq!(items[2]["true"], true);
    assert_eq!((items[1]["kind"].as_str(), items[1]["code"].as_i64()), (Some("Status"), Some(400)));
    assert_eq!(items[4]["kind"], "Widget");
    let yaml = run("apply -f tests/cli/data/many --field-manager bob", "");
    assert_eq!((yaml.code, yaml.out.matches("---\n").count()), (2, 4));
}

#[test]
fn strict_schema_refuses_unknown_kinds() {
    let done = run(
        "apply -f - --field-manager bob --strict-schema",
        "apiVersion: example.com/v1\nkind: Nope\n",
    );
    assert_run(
        &done,
        2,
        "",
        "error: standard input: document 1 (line 1): there is no schema for example.com/v1, \
         Kind=Nope\n",
    );
}

fn widget(namespace: &str, name: &str, fields: &str) -> String {
    let namespace =
        if namespace.is_empty() { String::new() } else { format!(r#""namespace":"{namespace}","#) };
    format!(
        r#"{{"apiVersion":"example.com/v1","kind":"Widget","metadata":{{{namespace}"name":"{name}"}}{fields}}}"#
    )
}

fn temporary(name: &str, content: impl AsRef<[u8]>) -> String {
    let path = std::env::temp_dir().join(format!("managed-fields-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn pairs_by_identity() {
    let live = temporary(
        "live.json",
        [
            widget("x", "a", r#","l":1"#),
            widget("x", "b", r#","l":2"#),
            widget("y", "b", r#","l":3"#),
        ]
        .concat(),
    );
    let configs = [
        widget("", "a", r#","k":1"#),
        widget("y", "b", r#","k":2"#),
        widget("", "b", r#","k":3"#),
        widget("x", "c", r#","k":4"#),
        widget("x", "a", r#","k":5"#),
    ]
    .concat();
    let done = run(&format!("apply -f - --live {live} --field-manager m -o json"), &configs);
    assert_eq!(done.code, 2);
    let list: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let items = list["items"].as_array().unwrap();
    assert_eq!((&items[0]["k"], &items[0]["l"]), (&1.into(), &1.into()));
    assert_eq!(items[0]["metadata"]["namespace"], "x");
    assert_eq!((&items[1]["k"], &items[1]["l"]), (&2.into(), &3.into()));
    assert_eq!(items[2]["message"], "Widget b is in several namespaces; say which with -n");
    assert_eq!((&items[3]["k"], &items[3]["l"]), (&4.into(), &serde_json::Value::Null));
    assert!(
        items[4]["message"].as_str().unwrap().starts_with("Widget x/a was read already, from ")
    );
    assert!(done.err.contains("document 4 (line 1): there is no live Widget x/c: it is created\n"));
    let chosen = run(
        &format!("apply -f - --live {live} --field-manager m -n y -o json"),
        widget("", "b", ""),
    );
    assert_eq!(chosen.code, 0, "{}", chosen.err);
    assert!(chosen.out.contains("\"l\": 3"));
    std::fs::remove_file(live).unwrap();
}

#[test]
fn one_and_one_belong_together() {
    let live = temporary("one.json", widget("x", "a", r#","l":1"#));
    let words = format!("apply -f - --live {live} --field-manager m");
    let cases = [
        (widget("", "b", ""), "the name \"b\" does not match \"a\" of the live object"),
        (widget("z", "a", ""), "the namespace \"z\" does not match \"x\" of the live object"),
        (
            widget("x", "a", "").replace("/v1", "/v2"),
            "invalid object type: example.com/v2, Kind=Widget",
        ),
        (
            widget("x", "a", "").replace("Widget", "Gadget"),
            "invalid object type: example.com/v1, Kind=Gadget",
        ),
    ];
    for (config, message) in cases {
        let done = run(&words, &config);
        assert_eq!((done.code, done.out.as_str()), (2, ""));
        assert!(done.err.ends_with(&format!("document 1 (line 1): {message}\n")), "{}", done.err);
    }
    let filled = run(&words, r#"{"apiVersion":"example.com/v1","kind":"Widget","k":1}"#);
    assert_eq!(filled.code, 0, "{}", filled.err);
    let other =
        run(&format!("{words} -n other"), r#"{"apiVersion":"example.com/v1","kind":"Widget"}"#);
    assert!(other.err.contains("the namespace \"other\" does not match \"x\""), "{}", other.err);
    std::fs::remove_file(live).unwrap();
}

#[test]
fn an_empty_answer_is_no_live_object() {
    for live in ["", "apiVersion: v1\nkind: List\nitems: []\n"] {
        let done =
            run(&format!("apply -f {LAMP} --live - --schema {SCHEMA} --field-manager bob"), live);
        assert_eq!(done.code, 0, "{}", done.err);
        assert!(done.err.ends_with("there is no live Lamp desk: it is created\n"), "{}", done.err);
    }
    let broken =
        run(&format!("apply -f {LAMP} --live - --schema {SCHEMA} --field-manager bob"), "a: [");
    assert_eq!((broken.code, broken.out.as_str()), (2, ""));
    assert!(broken.err.contains("Lamp desk may be among the live objects that could not be read"));
}

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {password: aHVudGVyMg==}\n";

#[test]
fn secrets_are_masked_on_a_terminal_and_in_messages() {
    let terminal = Terminal { stdout: true, stderr: true };
    let words = ["apply", "-f", "-", "--field-manager", "m"];
    let masked = run_on(terminal, &words, SECRET.as_bytes());
    assert!(
        masked.out.contains("password: '***'") || masked.out.contains("password: \"***\""),
        "{}",
        masked.out
    );
    let shown = run_on(terminal, &[&words[..], &["--show-secrets"]].concat(), SECRET.as_bytes());
    assert!(shown.out.contains("password: aHVudGVyMg=="));
    let piped = run_on(Terminal::default(), &words, SECRET.as_bytes());
    assert!(piped.out.contains("password: aHVudGVyMg=="));
    let live = run("apply -f - --field-manager m --show-managed-fields", SECRET).out;
    let live = temporary("secret.yaml", live);
    let other = SECRET.replace("aHVudGVyMg==", "c2VzYW1l");
    let refused = run(&format!("apply -f - --live {live} --field-manager n -o json"), &other);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(
        refused.err.contains(".data.password: *** (the configuration has *** at standard input:"),
        "{}",
        refused.err
    );
    assert!(!(refused.err + &refused.out).contains("c2VzYW1l"));
    std::fs::remove_file(live).unwrap();
}

#[test]
fn usage_errors_are_two_and_help_is_zero() {
    assert_eq!(run("apply", "").code, 2);
    assert_eq!(run("apply -f x --now yesterday", "").code, 2);
    assert_eq!(run("fields -f x --config --field-manager m", "").code, 2);
    let help = run("--help", "");
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.contains("apply") && help.out.contains("fields"));
    let missing = run("fields -f no/such/file.yaml", "");
    assert_eq!(missing.code, 2);
    assert!(missing.err.starts_with("error: no/such/file.yaml: "), "{}", missing.err);
    let twice = run("apply -f - --live - --field-manager m", SECRET);
    assert_eq!(twice.code, 2);
    assert!(twice.err.contains("standard input can be read only once"), "{}", twice.err);
}

#[test]
fn the_example_of_the_readme() {
    let words = "apply -f docs/examples/deployment/config.yaml --live \
                 docs/examples/deployment/live.yaml --field-manager team-b";
    let refused = run(words, "");
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(
        refused.err.starts_with(
            "Apply failed with 2 conflicts: conflicts with \"kube-controller-manager\" with \
             subresource \"scale\" using apps/v1:\n- .spec.replicas\nconflicts with \"team-a\":\n\
             - .spec.template.spec.containers[name=\"web\"].image\n\n"
        ),
        "{}",
        refused.err
    );
    let forced = run(&format!("{words} --force-conflicts"), "");
    assert_eq!((forced.code, forced.err.matches("taken from").count()), (0, 2));
    assert!(forced.out.contains("registry.example.com/shop/web:1.9.0"));
}
