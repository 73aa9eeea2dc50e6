//! What `lint` finds, where, and how it is told.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use managed_fields::analysis::Severity;
use managed_fields::analysis::lint::{RULES, Rule};

use super::sarif::assert_sarif;
use super::{Outcome, run, run_words};

type Failure = Box<dyn std::error::Error>;

fn fixture(rule: &Rule, name: &str) -> String {
    format!("tests/cli/data/lint/{}/{name}.yaml", rule.id())
}

fn lint(words: &[&str]) -> Outcome {
    run_words(&[&["lint"], words].concat())
}

/// The line and the rule of every finding of a file.
fn found(out: &str, file: &str) -> Vec<(usize, String)> {
    let findings = out.lines().filter_map(|line| line.strip_prefix(file)?.strip_prefix(':'));
    findings
        .map(|rest| {
            let (line, rest) = rest.split_once(": ").unwrap();
            let rule = rest.split(' ').nth(1).unwrap();
            (line.parse().unwrap(), rule.to_owned())
        })
        .collect()
}

/// Every rule finds what its fixture marks, on that line, and nothing else does; switched off it does
/// not. It says nothing of what is right.
#[test]
fn every_rule_finds_its_fixture_and_nothing_else() -> Result<(), Failure> {
    for rule in &RULES {
        let positive = fixture(rule, "positive");
        let text = std::fs::read_to_string(&positive)?;
        let marked = text.lines().position(|line| line.ends_with("# here")).ok_or("no mark")? + 1;
        let outcome = lint(&["-f", &positive]);
        assert_eq!(found(&outcome.out, &positive), [(marked, rule.id().to_owned())], "{outcome:?}");
        assert_eq!(outcome.err, "", "{positive}");
        assert_eq!(outcome.code, i32::from(rule.severity() >= Severity::Warning), "{positive}");
        assert!(outcome.out.contains(&format!("* {} ({}): ", rule.id(), rule.name())));
        let off = lint(&["-f", &positive, "--ignore", rule.id()]);
        assert_eq!((found(&off.out, &positive), off.code), (vec![], 0), "{positive}");
        let alone = lint(&["-f", &positive, "--rule", rule.id()]);
        assert_eq!(alone.out, outcome.out);
        let negative = fixture(rule, "negative");
        let outcome = lint(&["-f", &negative]);
        assert_eq!((found(&outcome.out, &negative), outcome.code), (vec![], 0), "{outcome:?}");
        assert_eq!(outcome.err, "", "{negative}");
    }
    Ok(())
}

/// A directory of its own that is gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Folder, Failure> {
        let path =
            std::env::temp_dir().join(format!("managed-fields-lint-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }

    fn file(&self, name: &str, text: &str) -> Result<String, Failure> {
        let path = self.0.join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NOISY: &str = "\
# What a generator wrote.
apiVersion: apps/v1
kind: Deployment
metadata:
  creationTimestamp: null
  name: web
  labels: {}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      # Not born yet.
      creationTimestamp: null
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: example.com/web:1
        replicas: 3
status: {}
";

#[test]
fn findings_are_told_by_line_with_what_can_be_done() {
    let outcome = run("lint -f -", NOISY);
    assert_eq!(
        outcome.out,
        "\
standard input:5: warning MF005 (null-creation-timestamp): Deployment web .metadata.creationTimestamp: null is no time, and only the API server sets it
standard input:7: warning MF004 (null-or-empty): Deployment web .metadata.labels: it is empty, and yet whoever applies it owns it
standard input:13: warning MF005 (null-creation-timestamp): Deployment web .spec.template.metadata.creationTimestamp: null is no time, and only the API server sets it
standard input:19: error MF017 (undeclared-field): Deployment web .spec.template.spec.containers[name=\"web\"].replicas: there is no such field in the schema
standard input:20: warning MF004 (null-or-empty): Deployment web .status: it is empty, and the status is not for whoever applies the object

What can be done (--explain RULE tells more):
* MF004 (null-or-empty): Leave the field out.
* MF005 (null-creation-timestamp): Leave it out.
* MF017 (undeclared-field): Correct the name, or say whose schema holds: --schema, --kubernetes-version.

1 object: 1 error, 4 warnings, 0 notes
"
    );
    assert_eq!((outcome.err.as_str(), outcome.code), ("", 1));
}

#[test]
fn findings_in_json() -> Result<(), Failure> {
    let outcome = run("lint -f - -o json --rule MF005,mf009", NOISY);
    let report: serde_json::Value = serde_json::from_str(&outcome.out)?;
    assert_eq!(report["schemaVersion"], "managed-fields.lint/v1");
    assert_eq!(
        report["findings"][0],
        serde_json::json!({
            "rule": "MF005", "name": "null-creation-timestamp", "severity": "warning",
            "object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "", "name": "web"},
            "path": ".metadata.creationTimestamp", "field": null,
            "message": "null is no time, and only the API server sets it",
            "file": "standard input", "line": 5, "fixed": false
        })
    );
    let summary =
        serde_json::json!({"objects": 1, "errors": 0, "warnings": 2, "notes": 0, "fixed": 0});
    assert_eq!(report["summary"], summary);
    assert_eq!(outcome.code, 1);
    let none = run("lint -f - -o json --rule MF009", NOISY);
    let report: serde_json::Value = serde_json::from_str(&none.out)?;
    assert_eq!((&report["findings"], none.code), (&serde_json::json!([]), 0));
    Ok(())
}

/// Whatever is found is SARIF, and every rule is listed with what it is about.
#[test]
fn findings_in_sarif() {
    let outcome = lint(&["-R", "-f", "tests/cli/data/lint", "-o", "sarif"]);
    let log = assert_sarif(&outcome.out);
    let run = &log["runs"][0];
    let listed = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(listed.len(), RULES.len());
    let results = run["results"].as_array().unwrap();
    for (rule, listed) in RULES.iter().zip(listed) {
        assert_eq!(listed["id"], rule.id());
        assert_eq!(listed["help"]["text"], rule.remedy());
        let own = format!("tests/cli/data/lint/{}/positive.yaml", rule.id());
        let is_own = |result: &&serde_json::Value| {
            let place = &result["locations"][0]["physicalLocation"];
            result["ruleId"] == rule.id() && place["artifactLocation"]["uri"] == own.as_str()
        };
        let result = results.iter().find(is_own).unwrap();
        assert_eq!(result["level"], rule.severity().as_str());
    }
    // Of a YAML file columns are known as well.
    let at = &results.iter().find(|result| result["ruleId"] == "MF005").unwrap()["locations"][0];
    let region = serde_json::json!({"startLine": 4, "startColumn": 3});
    assert_eq!(at["physicalLocation"]["region"], region);
}

/// Nothing that an object is called begins a workflow command of its own.
#[test]
fn findings_as_annotations() {
    let manifest = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a\n::error::b","creationTimestamp":null,"annotations":{}}}"#;
    let outcome = run("lint -f - -o github", manifest);
    assert_eq!(
        outcome.out,
        "::warning file=standard input,line=1,title=MF004 null-or-empty::ConfigMap a%0A::error::b .metadata.annotations: it is empty, and yet whoever applies it owns it. Leave the field out.\n\
         ::warning file=standard input,line=1,title=MF005 null-creation-timestamp::ConfigMap a%0A::error::b .metadata.creationTimestamp: null is no time, and only the API server sets it. Leave it out.\n"
    );
    assert_eq!(outcome.code, 1);
    let text = run("lint -f - --color always", manifest);
    assert!(text.out.contains("ConfigMap a\u{fffd}::error::b .metadata"), "{}", text.out);
    assert!(text.out.contains(":1: \u{1b}[1;33mwarning\u{1b}[0m MF005 ("), "{}", text.out);
}

#[test]
fn rules_that_there_are_not_are_refused() {
    for option in ["--rule", "--ignore"] {
        let outcome = run(&format!("lint -f - {option} MF005 {option} MF999"), NOISY);
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""));
        let expected = format!(
            "error: {option}: there is no rule \"MF999\": expected one of MF001, MF002, MF003, "
        );
        assert!(outcome.err.starts_with(&expected), "{}", outcome.err);
        assert!(outcome.err.ends_with(&format!("{}\n", RULES[RULES.len() - 1].id())));
    }
    let outcome = run("lint --explain MF999", "");
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.err.starts_with("error: --explain: there is no rule \"MF999\": expected one of")
    );
    let nothing = run("lint", "");
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.contains("--filename <FILE>"), "{}", nothing.err);
}

#[test]
fn rules_are_told() {
    let listed = run("lint --rules", "");
    assert_eq!((listed.code, listed.err.as_str()), (0, ""));
    assert_eq!(listed.out.lines().count(), RULES.len() + 1);
    let line = listed.out.lines().nth(5).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["MF005", "null-creation-timestamp", "warning", "manifest", "yes"]);
    let told = run("lint --explain mf008", "");
    assert_eq!(
        told.out,
        "\
MF008 (stale-version): warning, looks at: live

An entry is of an API version of the kind that is not known any more. The API server cannot read what it owns in today's version: the entry is dropped at the next apply, and its fields stay without that owner.

What to do: Give the schema of the version with --schema if it is still served; if not, `managed-fields plan migrate-version` brings the entry to one that is.
"
    );
}

/// All findings are told; the exit code is that of those which count.
#[test]
fn severity_decides_the_exit_code() {
    for (rule, severity, code) in [
        ("MF009", "note", 1),
        ("MF009", "warning", 0),
        ("MF005", "warning", 1),
        ("MF005", "error", 0),
        ("MF006", "error", 1),
    ] {
        let file = format!("tests/cli/data/lint/{rule}/positive.yaml");
        let outcome = lint(&["-f", &file, "--severity", severity]);
        assert_eq!(outcome.code, code, "{rule} {severity}");
        assert_eq!(found(&outcome.out, &file).len(), 1);
    }
}

/// The rules and lines that are found in a text.
fn rules_of(words: &str, text: &str) -> Vec<(usize, String)> {
    let outcome = run(&format!("lint -f - {words}"), text);
    found(&outcome.out, "standard input")
}

/// What fixtures do not show: other things that the same rules find, and are right to pass over.
#[test]
fn more_that_rules_find() {
    let manifest = |rest: &str| format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n{rest}");
    let live = |entries: &str, rest: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  uid: u\n  managedFields:\n{entries}{rest}"
        )
    };
    let entry = |manager: &str, operation: &str, fields: &str| {
        format!(
            "  - {{manager: {manager}, operation: {operation}, apiVersion: apps/v1, fieldsType: FieldsV1, fieldsV1: {fields}}}\n"
        )
    };
    let replicas = r#"{"f:spec": {"f:replicas": {}}}"#;
    let paused = r#"{"f:spec": {"f:paused": {}}}"#;
    let spec = "spec: {replicas: 2, paused: true}\n";
    let scaler = "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: s}\nspec: {scaleTargetRef: {name: a}}\n";
    let cases = [
        ("a status that is null", manifest("status: null\n"), vec![(5, "MF004")]),
        (
            "nulls in a status are part of it",
            manifest("status: {phase: null}\n"),
            vec![(5, "MF014")],
        ),
        (
            "what client-side apply wrote",
            manifest(
                "  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{}'\n",
            ),
            vec![(6, "MF006")],
        ),
        (
            "entries",
            manifest("  managedFields: []\n  generation: 3\n"),
            vec![(5, "MF004"), (5, "MF006"), (6, "MF006")],
        ),
        ("items that have no keys", manifest("spec: {containers: [5]}\n"), vec![(5, "MF024")]),
        (
            "items with the same key",
            manifest("spec:\n  containers:\n  - name: a\n  - name: a\n"),
            vec![(6, "MF019")],
        ),
        (
            "an applier of what KEDA scales",
            live(&entry("flux", "Apply", replicas), spec) + scaler,
            vec![(8, "MF003")],
        ),
        (
            "an updater of what KEDA scales",
            live(&entry("painter", "Update", replicas), spec) + scaler,
            vec![],
        ),
        (
            "Helm of two ages",
            live(&(entry("helm", "Update", paused) + &entry("helm", "Apply", paused)), spec),
            vec![(7, "MF011")],
        ),
        (
            "a status that is applied",
            live(
                &entry("flux", "Apply", r#"{"f:status": {"f:replicas": {}}}"#),
                "status: {replicas: 1}\n",
            ),
            vec![(7, "MF014")],
        ),
        (
            "kubectl applies, and sets by hand",
            live(
                &(entry("kubectl", "Apply", paused) + &entry("kubectl-set", "Update", replicas)),
                spec,
            ),
            vec![],
        ),
        (
            "two updaters share what is atomic",
            live(
                &(entry("a", "Update", r#"{"f:spec": {"f:selector": {}}}"#)
                    + &entry("b", "Update", r#"{"f:spec": {"f:selector": {}}}"#)),
                "spec: {selector: {matchLabels: {a: b}}}\n",
            ),
            vec![],
        ),
    ];
    for (name, text, expected) in cases {
        let expected: Vec<(usize, String)> =
            expected.into_iter().map(|(line, rule)| (line, rule.to_owned())).collect();
        assert_eq!(rules_of("", &text), expected, "{name}");
    }
}

/// Versions that are not served are no matter, and those of v1beta1 share their schema.
#[test]
fn schemas_of_all_shapes_of_definitions_are_read() -> Result<(), Failure> {
    let text = std::fs::read_to_string("tests/cli/data/lint/MF001/positive.yaml")?;
    let unserved = text.replace("served: true", "served: false");
    assert_eq!(rules_of("--rule MF001", &unserved), []);
    let old = "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: lamps.example.com}\nspec:\n  group: example.com\n  names: {kind: Lamp, plural: lamps}\n  version: v1\n  validation:\n    openAPIV3Schema:\n      type: object\n      properties:\n        bulbs:\n          type: array\n          items: {type: object}\n";
    assert_eq!(rules_of("--rule MF001", old), [(12, "MF001".to_owned())]);
    Ok(())
}

#[test]
fn limits_of_entries_are_the_callers() {
    let file = "tests/cli/data/lint/MF013/positive.yaml";
    let count = |words: &[&str]| {
        let words = [&["-f", file, "--rule", "MF013"], words].concat();
        found(&lint(&words).out, file).len()
    };
    assert_eq!(count(&["--max-entries", "16"]), 0);
    assert_eq!(count(&["--max-entries", "16", "--max-bytes", "1000"]), 1);
    assert_eq!(count(&["--max-bytes", "1000"]), 2);
}

/// A stored object that is saved as a manifest is one if that is said.
#[test]
fn objects_are_what_they_are_said_to_be() {
    let file = "tests/cli/data/lint/MF006/negative.yaml";
    let lines = |words: &[&str]| {
        let out = lint(&[&["-f", file], words].concat()).out;
        found(&out, file).into_iter().map(|(line, _)| line).collect::<Vec<_>>()
    };
    assert_eq!(lines(&["--as", "manifest"]), [5, 6, 7, 8, 9]);
    assert_eq!(lines(&["--as", "live"]), [] as [usize; 0]);
    assert_eq!(lines(&[]), [] as [usize; 0]);
}

/// Whoever fetched objects without their entries is told so, once.
#[test]
fn live_objects_without_entries_are_told_of() {
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, uid: u}\n";
    let one = run("lint -f -", object);
    assert_eq!(
        (one.err.as_str(), one.code),
        (
            "warning: standard input: document 1 (line 1): the object is stored but has no \
             managedFields: it was probably fetched without --show-managed-fields, so rules of \
             entries say nothing\n",
            0
        )
    );
    let two = run("lint -f -", format!("{object}---\n{object}"));
    assert_eq!(two.err.lines().count(), 1);
    assert!(two.err.contains("2 stored objects, this one first, have no managedFields: "));
}

#[test]
fn kinds_without_a_schema_are_told_of_once() {
    let lamp = |name: &str| {
        format!(
            "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {{name: {name}}}\nspec: {{size: 1}}\n"
        )
    };
    let both = format!("{}---\n{}", lamp("a"), lamp("b"));
    let loose = run("lint -f -", &both);
    assert_eq!(
        loose.err,
        "warning: standard input: document 1 (line 1): there is no schema for example.com/v1, \
         Kind=Lamp: rules that need one say nothing of its objects (see --schema)\n"
    );
    assert_eq!(loose.code, 0);
    let strict = run("lint -f - --strict-schema", &both);
    assert_eq!((strict.code, strict.err.lines().count()), (2, 2));
    let typed = run(&format!("lint -f - --schema {}", super::SCHEMA), &both);
    assert_eq!((typed.code, typed.err.as_str()), (1, ""));
    let undeclared = "MF017".to_owned();
    let expected = [(4, undeclared.clone()), (9, undeclared)];
    assert_eq!(found(&typed.out, "standard input"), expected);
}

/// A value of a Secret is never part of a message.
#[test]
fn values_of_secrets_are_not_told() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {token: [hunter2]}\nstringData: {pin: 4711}\n";
    for form in ["text", "json", "sarif", "github"] {
        let outcome = run(&format!("lint -f - -o {form}"), secret);
        assert_eq!(outcome.code, 1);
        assert!(outcome.out.contains("expected string, got something else"), "{}", outcome.out);
        for value in ["hunter2", "4711"] {
            assert!(!outcome.out.contains(value) && !outcome.err.contains(value), "{form}");
            let shown = run(&format!("lint -f - -o {form} --show-secrets"), secret);
            assert!(shown.out.contains(value), "{form} {}", shown.out);
        }
    }
    let other = secret.replace("kind: Secret", "kind: ConfigMap");
    assert!(run("lint -f -", other).out.contains("hunter2"));
}

/// A dump that is cut into its items is told as one that is read as a whole, in the same order.
#[test]
fn dumps_are_told_in_order_however_they_are_read() -> Result<(), Failure> {
    let item = |number: usize| {
        let (uid, more) = if number.is_multiple_of(3) {
            ("", "")
        } else {
            (
                "\"uid\":\"u\",",
                ",\"managedFields\":[\n{\"manager\":\"okhttp\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:data\":{\"f:a\":{}}}}]",
            )
        };
        format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\n\"metadata\":{{{uid}\"name\":\"a-{number}\",\n\"creationTimestamp\":null{more}}},\"data\":{{\"a\":\"{}\"}}}}",
            "x".repeat(2000)
        )
    };
    let dump = |items: usize| {
        let items: Vec<String> = (0..items).map(item).collect();
        format!(
            "{{\"apiVersion\":\"v1\",\"items\":[\n{}\n],\"kind\":\"List\"}}\n",
            items.join(",\n")
        )
    };
    let mut expected = String::new();
    for (at, line) in (0..3000_usize).scan(2, |next, at| {
        let line = *next;
        *next += if at.is_multiple_of(3) { 3 } else { 4 };
        Some((at, line))
    }) {
        let (line, rule) =
            if at.is_multiple_of(3) { (line + 2, "MF005") } else { (line + 3, "MF009") };
        writeln!(expected, "{line} {rule} a-{at}")?;
    }
    let told = |out: &str, file: &str| {
        let mut told = String::new();
        for line in out.lines().filter_map(|line| line.strip_prefix(file)) {
            let words: Vec<&str> = line.split([' ', ':']).collect();
            let [_, number, _, _, rule, _, _, _, name, ..] = words.as_slice() else { continue };
            let _ = writeln!(told, "{number} {rule} {name}");
        }
        told
    };
    let large = dump(3000);
    assert!(large.len() > 4 << 20);
    let folder = Folder::new("dumps")?;
    let file = folder.file("dump.json", &large)?;
    assert_eq!(told(&lint(&["-f", &file]).out, &file), expected);
    assert_eq!(told(&run("lint -f -", &large).out, "standard input"), expected);
    // A small one is read as a whole.
    let small: String = expected.lines().take(30).map(|line| format!("{line}\n")).collect();
    assert_eq!(told(&run("lint -f -", dump(30)).out, "standard input"), small);
    Ok(())
}

/// Items that do not say what they are may belong to a list that says it behind them.
#[test]
fn dumps_that_say_late_what_they_hold_are_read_again() -> Result<(), Failure> {
    let item = |number: usize| {
        format!(
            "{{\"metadata\":{{\"name\":\"a-{number}\",\"creationTimestamp\":null}},\"data\":{{\"a\":\"{}\"}}}}",
            "x".repeat(2000)
        )
    };
    let items: Vec<String> = (0..1000).map(item).collect();
    let late = format!(
        "{{\"items\":[\n{}\n],\"apiVersion\":\"v1\",\"kind\":\"ConfigMapList\"}}",
        items.join(",\n")
    );
    let folder = Folder::new("late")?;
    let file = folder.file("dump.json", &late)?;
    let outcome = lint(&["-f", &file]);
    let lines: Vec<usize> = found(&outcome.out, &file).into_iter().map(|(line, _)| line).collect();
    assert_eq!((lines, outcome.code), ((2..1002).collect(), 1), "{:.500}", outcome.err);
    assert!(outcome.out.contains(":2: warning MF005 (null-creation-timestamp): ConfigMap a-0 "));
    let piped = run("lint -f -", &late);
    assert_eq!((piped.code, found(&piped.out, "standard input")), (2, vec![]));
    assert!(piped.err.contains("read it from a file"), "{}", piped.err);
    Ok(())
}

/// Files are told by name, and what is found across them at the end.
#[test]
fn directories_are_told_in_order() -> Result<(), Failure> {
    let folder = Folder::new("directory")?;
    let manifest =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  creationTimestamp: null\n";
    for number in 0..150 {
        let name = if number == 100 { "a-7".to_owned() } else { format!("a-{number}") };
        let text = manifest.replace("name: a", &format!("name: {name}"));
        folder.file(&format!("{number:03}.yaml"), &text)?;
    }
    folder.file("090.yaml", "a: [")?;
    let outcome = lint(&["-f", &folder.path()]);
    let mut expected: Vec<String> = (0..150)
        .filter(|number| *number != 90)
        .map(|number| format!("{}/{number:03}.yaml:5: warning MF005", folder.path()))
        .collect();
    expected.push(format!("{}/100.yaml:1: warning MF018", folder.path()));
    let told: Vec<&str> = outcome.out.lines().take(150).collect();
    assert_eq!(told.len(), expected.len());
    for (told, expected) in told.iter().zip(&expected) {
        assert!(told.starts_with(expected.as_str()), "{told}");
    }
    let first = format!("the object is configured at {}/007.yaml:1 already", folder.path());
    assert!(told[149].ends_with(&first), "{}", told[149]);
    assert!(outcome.err.contains("090.yaml: document 1 (line 1): "), "{}", outcome.err);
    assert_eq!(outcome.code, 2);
    Ok(())
}

/// Keys that are repeated in a list are found once, each with its line, and not warned of besides.
#[test]
fn what_nobody_applies_is_left_out_of_directories() -> Result<(), Failure> {
    let folder = Folder::new("layout")?;
    let manifest = |name: &str, rest: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{rest}")
    };
    let noisy = manifest("web", "data: null\n");
    let directories = ["base", "prod/patches", "test", "chart/templates", "chart/crds", "other"];
    for directory in directories {
        std::fs::create_dir_all(folder.0.join(directory))?;
    }
    let base = folder.file("base/web.yaml", &noisy)?;
    folder.file("base/kustomization.yaml", "resources: [web.yaml]\n")?;
    folder.file(
        "prod/kustomization.yml",
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n\
         patches:\n- path: patches/a.yaml\n- {patch: 'x', target: {kind: A}}\n\
         patchesStrategicMerge: [./patches/b.yaml, \"a\\nb\"]\n\
         patchesJson6902: [{path: ../prod/patches/c.json}]\n\
         configMapGenerator: [{files: [x=patches/d.yaml, patches/e.yaml]}]\n",
    )?;
    for name in ["a.yaml", "b.yaml", "d.yaml", "e.yaml"] {
        folder.file(&format!("prod/patches/{name}"), &noisy)?;
    }
    folder.file("prod/patches/c.json", r#"[{"op":"add"}]"#)?;
    let stray = folder.file("prod/patches/f.yaml", &noisy)?;
    folder.file("test/Kustomization", "patches: [{path: a.yaml}]\n")?;
    folder.file("test/a.yaml", &noisy)?;
    folder.file("chart/Chart.yaml", "apiVersion: v2\nname: a\n")?;
    folder.file("chart/values.yaml", "a: null\n")?;
    folder.file("chart/templates/a.yaml", "a: {{ .Values.a }}\n{{- end }}\n")?;
    let definition = folder.file("chart/crds/a.yaml", &manifest("crd", "data: null\n"))?;
    let beside = folder.file("chart/beside.yaml", &manifest("beside", "data: null\n"))?;
    let values = folder.file("other/values.yaml", "a: b\n---\n- 1\n")?;
    folder.file("other/empty.yaml", "# nothing\n")?;
    let outcome = lint(&["-R", "-f", &folder.path()]);
    for file in [&base, &stray, &definition, &beside] {
        assert_eq!(found(&outcome.out, file).len(), 1, "{file} {}", outcome.out);
    }
    assert!(outcome.out.ends_with("4 objects: 0 errors, 4 warnings, 0 notes\n"), "{}", outcome.out);
    let expected = format!(
        "note: {}: 11 files are read by kustomize or Helm and not applied: give what `kustomize build` \
         and `helm template` print to have it looked at\n\
         note: {values}: document 1 (line 1): 2 documents, this one first, have neither apiVersion nor \
         kind: they are left out\n",
        folder.path()
    );
    assert_eq!((outcome.err, outcome.code), (expected, 1));
    // What is named is looked at, whatever it is.
    let named = lint(&["-f", &folder.file("prod/patches/a.yaml", &noisy)?, "-f", &values]);
    assert!(named.out.contains("2 objects: 0 errors, 1 warning"), "{}", named.out);
    assert!(named.err.contains("the object has no apiVersion"), "{}", named.err);
    assert_eq!(named.code, 2);
    Ok(())
}

/// Clusters and overlays configure an object anew; one directory is applied as one.
#[test]
fn objects_are_configured_twice_in_one_directory() -> Result<(), Failure> {
    let folder = Folder::new("twice")?;
    let manifest = |annotations: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations: {annotations}\n\
             spec:\n  replicas: 2\n"
        )
    };
    for directory in ["a", "b"] {
        std::fs::create_dir_all(folder.0.join(directory))?;
    }
    let plain = manifest("{a: b}");
    let first = folder.file("a/1.yaml", &plain)?;
    folder.file("b/1.yaml", &plain)?;
    folder.file("b/2.yaml", &manifest("{helm.sh/hook: test}"))?;
    folder.file("b/3.yaml", &manifest("{config.kubernetes.io/local-config: 'true'}"))?;
    assert_eq!(lint(&["-R", "-f", &folder.path()]).code, 0);
    let again = folder.file("a/2.yaml", &format!("# again\n{plain}"))?;
    let outcome = lint(&["-R", "-f", &folder.path()]);
    let expected = format!(
        "{again}:2: warning MF018 (configured-twice): Deployment web: the object is configured at {first}:1 already\n"
    );
    assert!(outcome.out.starts_with(&expected), "{}", outcome.out);
    // An item of a list is told where it is.
    let list = folder.file(
        "b/4.yaml",
        &format!(
            "apiVersion: v1\nkind: List\nitems:\n- {}",
            plain.trim_end().replace('\n', "\n  ")
        ),
    )?;
    let outcome = lint(&["-f", &list, "-f", &folder.file("b/1.yaml", &plain)?]);
    assert!(outcome.out.contains(&format!("is configured at {list}:4 already")), "{}", outcome.out);
    // The field is told where it is, and what scales it where that is.
    let scaler = folder.file(
        "a/3.yaml",
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n\
         spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n",
    )?;
    let outcome = lint(&["-f", &first, "-f", &scaler, "--rule", "MF003"]);
    let expected = format!(
        "{first}:7: warning MF003 (scaled-replicas): Deployment web .spec.replicas: the manifest sets the \
         replicas, which HorizontalPodAutoscaler h scales (see {scaler}:1)\n"
    );
    assert!(outcome.out.starts_with(&expected), "{}", outcome.out);
    // Where the word is there twice the text is read for it.
    let twice = plain.replace("spec:\n", "# replicas\nspec: # é\n");
    let twice = folder.file("a/1.yaml", &twice)?;
    let outcome = lint(&["-f", &twice, "-f", &scaler, "--rule", "MF003", "-o", "sarif"]);
    let log: serde_json::Value = serde_json::from_str(&outcome.out)?;
    let region = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region, &serde_json::json!({"startLine": 8, "startColumn": 3}));
    let once = folder.file("a/1.yaml", &plain.replace("  replicas", "  # é\n  replicas"))?;
    let outcome = lint(&["-f", &once, "-f", &scaler, "--rule", "MF003", "-o", "sarif"]);
    let log: serde_json::Value = serde_json::from_str(&outcome.out)?;
    let region = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region, &serde_json::json!({"startLine": 8, "startColumn": 3}));
    Ok(())
}

/// A null or an empty map may mean something to the program that an object is for.
#[test]
fn values_of_helm_releases_are_their_own() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\n\
                   spec:\n  values:\n    a: null\n    template:\n      metadata: {labels: {}, creationTimestamp: null}\n";
    assert_eq!(rules_of("", release), []);
    let template = release.replace("  values:\n    a: null\n", "  x:\n    b: c\n");
    let both = [(8, "MF004".to_owned()), (8, "MF005".to_owned())];
    assert_eq!(rules_of("", &template), both);
}

#[test]
fn repeated_keys_of_lists_are_found_once() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n  data:\n    a: b\n    a: c\n";
    let outcome = run("lint -f -", list);
    assert_eq!(found(&outcome.out, "standard input"), [(10, "MF007".to_owned())]);
    assert!(outcome.out.contains("List .items[1].data.a: "), "{}", outcome.out);
    assert_eq!(outcome.err, "");
}

/// What a file says after it was fixed, and what was said of it.
fn fixed(folder: &Folder, name: &str, text: &str) -> Result<(String, Outcome), Failure> {
    let file = folder.file(name, text)?;
    let outcome = lint(&["-f", &file, "--fix"]);
    Ok((std::fs::read_to_string(&file)?, outcome))
}

#[test]
fn lines_are_taken_out_and_all_others_stay() -> Result<(), Failure> {
    let folder = Folder::new("fix")?;
    let text = format!(
        "# Head\r\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  # Keys of others.\n  finalizers:\n  - example.com/a # first\n\n  - example.com/b\n  - example.com/a # again\n  managedFields:\n  - manager: x\n    operation: Apply\n\n  # About the uid.\n  resourceVersion: \"1\"\n\n# The data.\ndata:\n  a: 'x' # quoted\n---\n{NOISY}# Tail\n"
    );
    let (after, outcome) = fixed(&folder, "a.yaml", &text)?;
    let expected = "# Head\r\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  # Keys of others.\n  finalizers:\n  - example.com/a # first\n\n  - example.com/b\n\n  # About the uid.\n\n# The data.\ndata:\n  a: 'x' # quoted\n---\n# What a generator wrote.\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata:\n      # Not born yet.\n      labels: {app: web}\n    spec:\n      containers:\n      - name: web\n        image: example.com/web:1\n        replicas: 3\n# Tail\n";
    assert_eq!(after, expected);
    let file = format!("{}/a.yaml", folder.path());
    assert_eq!(outcome.err, format!("note: {file}: 7 findings fixed\n"));
    // What is left is on the line that it is on now.
    let left = (
        expected.lines().position(|line| line.contains("replicas")).unwrap() + 1,
        "MF017".to_owned(),
    );
    assert_eq!(found(&outcome.out, &file), std::slice::from_ref(&left));
    assert!(outcome.out.ends_with("2 objects: 1 error, 0 warnings, 0 notes, 7 fixed\n"));
    assert_eq!(outcome.code, 1);
    // Once more there is nothing to do.
    let again = lint(&["-f", &file, "--fix"]);
    assert_eq!((again.err.as_str(), found(&again.out, &file)), ("", vec![left]));
    assert_eq!(std::fs::read_to_string(&file)?, expected);
    Ok(())
}

/// What cannot be taken out with its lines stays, and it is said why; the rest is done.
#[test]
fn what_is_not_safe_to_take_out_stays() -> Result<(), Failure> {
    let folder = Folder::new("unsafe")?;
    let manifest =
        |metadata: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:{metadata}\n");
    let cases = [
        (
            "its line is shared",
            manifest(" {name: a, creationTimestamp: null}"),
            "MF005 is not fixed: it shares its line with something else",
        ),
        (
            "JSON",
            "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"ConfigMap\",\n  \"metadata\": {\n    \"name\": \"a\",\n    \"creationTimestamp\": null\n  }\n}\n".to_owned(),
            "MF005 is not fixed: it is not block style YAML",
        ),
        (
            "nothing would be left",
            manifest("\n  creationTimestamp: null"),
            "MF005 is not fixed: nothing would be left of what is around it",
        ),
        (
            "an alias would lose its anchor",
            manifest("\n  name: a\n  generation: &n 5\ndata: {a: *n}"),
            "it is not edited: ",
        ),
        (
            "the first field of an item",
            "apiVersion: v1\nkind: List\nitems:\n- metadata:\n    name: a\n  apiVersion: v1\n  kind: ConfigMap\n- status: {}\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n".to_owned(),
            "MF004 is not fixed: it is the first field of an item",
        ),
    ];
    for (name, text, reason) in cases {
        let (after, outcome) = fixed(&folder, "a.yaml", &text)?;
        assert_eq!(after, text, "{name}");
        assert!(outcome.err.contains(reason), "{name}: {}", outcome.err);
        assert!(outcome.out.contains(" MF00"), "{name}: {}", outcome.out);
        assert_eq!(outcome.code, 1, "{name}: {}", outcome.out);
    }
    let half = manifest("\n  name: a\n  creationTimestamp: null")
        + "---\n"
        + &manifest(" {name: b, creationTimestamp: null}");
    let (after, outcome) = fixed(&folder, "a.yaml", &half)?;
    assert_eq!(after, half.replacen("  creationTimestamp: null\n", "", 1));
    assert!(outcome.out.ends_with("2 objects: 0 errors, 1 warning, 0 notes, 1 fixed\n"));
    // The broken document keeps its place among the others.
    let broken = manifest("\n  name: a\n  creationTimestamp: null")
        + "---\na: [\n---\n"
        + &manifest("\n  name: b\n  labels: {}");
    let (after, outcome) = fixed(&folder, "a.yaml", &broken)?;
    let expected = broken.replace("  creationTimestamp: null\n", "").replace("  labels: {}\n", "");
    assert_eq!((after, outcome.code), (expected, 2));
    Ok(())
}

/// Nothing but manifests in files is written.
#[test]
fn what_is_live_or_read_from_a_pipe_is_not_edited() -> Result<(), Failure> {
    let piped = run("lint -f - --fix", NOISY);
    assert_eq!((piped.code, piped.out.as_str()), (2, ""));
    let expected = "error: --fix: standard input cannot be edited: name files with -f\n";
    assert_eq!(piped.err, expected);
    let folder = Folder::new("live")?;
    for rule in RULES.iter().filter(|rule| !rule.is_fixable()) {
        let text = std::fs::read_to_string(fixture(rule, "positive"))?;
        let (after, outcome) = fixed(&folder, "a.yaml", &text)?;
        assert_eq!((after, outcome.err.as_str()), (text, ""), "{}", rule.id());
    }
    let repeated = std::fs::read_to_string("tests/cli/data/lint/MF019/positive.yaml")?;
    let live = repeated.replace("metadata:\n", "metadata:\n  uid: u\n  managedFields: []\n");
    let (after, outcome) = fixed(&folder, "a.yaml", &live)?;
    assert_eq!((after, outcome.err.as_str(), outcome.code), (live, "", 1));
    assert!(outcome.out.contains(" MF019 "), "{}", outcome.out);
    Ok(())
}

/// What client-side apply wrote goes with the annotations if it is the only one: none are left empty.
#[test]
fn annotations_of_client_side_apply_alone_are_taken_out() -> Result<(), Failure> {
    let folder = Folder::new("last-applied")?;
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {}\n  name: a\n";
    let bare = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
    let (after, outcome) = fixed(&folder, "a.yaml", text)?;
    assert_eq!((after.as_str(), outcome.code), (bare, 0), "{}", outcome.err);
    let both = text.replace("  name: a\n", "    b: c\n  name: a\n");
    let (after, _) = fixed(&folder, "a.yaml", &both)?;
    assert_eq!(after, bare.replace("  name: a\n", "  annotations:\n    b: c\n  name: a\n"));
    Ok(())
}

/// Who made a file read-only does not want it to be written.
#[test]
fn read_only_files_stay() -> Result<(), Failure> {
    let folder = Folder::new("read-only")?;
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {}\n";
    let file = folder.file("a.yaml", text)?;
    let mut permissions = std::fs::metadata(&file)?.permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions)?;
    let outcome = lint(&["-f", &file, "--fix"]);
    assert_eq!(outcome.code, 2);
    assert_eq!(
        outcome.err,
        format!("error: {file}: it could not be edited: the file is read-only\n")
    );
    assert_eq!(std::fs::read_to_string(&file)?, text);
    assert_eq!(std::fs::read_dir(&folder.0)?.count(), 1);
    Ok(())
}

/// The file behind a link is edited, and keeps its permissions; nothing is left beside it.
#[cfg(unix)]
#[test]
fn links_and_permissions_stay() -> Result<(), Failure> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new("links")?;
    let inner = folder.0.join("inner");
    std::fs::create_dir(&inner)?;
    let file = inner.join("a.yaml");
    std::fs::write(&file, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {}\n")?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640))?;
    let link = folder.0.join("link.yaml");
    symlink(&file, &link)?;
    let outcome = lint(&["-f", &folder.path(), "--fix"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert!(std::fs::symlink_metadata(&link)?.is_symlink());
    let after = std::fs::read_to_string(&file)?;
    assert_eq!(after, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n");
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_dir(&inner)?.count(), 1);
    Ok(())
}

/// Every rule that says it can be fixed is, of its fixture, unless that is one of those that are not sure.
#[test]
fn fixtures_are_fixed() -> Result<(), Failure> {
    let folder = Folder::new("fixtures")?;
    for rule in RULES.iter().filter(|rule| rule.is_fixable() && rule.id() != "MF004") {
        let text = std::fs::read_to_string(fixture(rule, "positive"))?;
        let (after, outcome) = fixed(&folder, "a.yaml", &text)?;
        assert_ne!(after, text, "{}", rule.id());
        assert_eq!(outcome.code, 0, "{}: {}", rule.id(), outcome.out);
    }
    Ok(())
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.roll(texts.len() as u64) as usize]
    }

    /// Members of metadata as people and programs write them, some of which are to go.
    fn metadata(&mut self, indent: &str, name: &str) -> String {
        let mut out = format!("{indent}name: {name}\n");
        for _ in 0..self.roll(6) {
            let part = self.pick(&[
                "creationTimestamp: null",
                "creationTimestamp:",
                "creationTimestamp: ~ # unborn",
                "labels: {}",
                "labels:\n  app: web # keep",
                "annotations: {\n    }",
                "annotations:\n  a: |\n    creationTimestamp: null\n\n    # text\n  b: 'x\n\n    y'",
                "resourceVersion: \"7\"",
                "resourceVersion: >-\n  7",
                "managedFields:\n- manager: a\n  fieldsV1:\n    f:a: {}\n# keep",
                "managedFields:\n  - manager: a\n\n    # inside\n    operation: Apply",
                "managedFields: [{manager: a,\n  operation: Apply}]",
                "finalizers:\n- a # keep\n- b\n- a\n-   b # again",
                "finalizers:\n  - \"a\"\n  # keep\n  - 'a'",
                "\"generation\": 3",
                "? selfLink\n: x",
                "# keep\nuid: \"\" # gone",
                "selfLink: &x y",
                "generateName: *x",
            ]);
            let key = part.trim_start_matches("# keep\n").split(':').next().unwrap_or_default();
            // A key stands in its map once.
            if !out.contains(&format!("{indent}{key}:")) {
                for line in part.lines() {
                    let line =
                        if line.is_empty() { String::new() } else { format!("{indent}{line}") };
                    out.push_str(&line);
                    out.push_str(self.pick(&["\n", "\n", "\n", "\r\n"]));
                }
            }
        }
        out
    }
}

/// What is left of a manifest that was fixed is what it was, less what has no place there.
fn bare(mut manifest: serde_json::Value) -> serde_json::Value {
    if let Some(all) = manifest.as_object_mut() {
        let is_empty = |value: &serde_json::Value| {
            value.is_null() || value.as_object().is_some_and(|map| map.is_empty())
        };
        all.retain(|name, value| name != "status" || !is_empty(value));
    }
    for metadata in ["/metadata", "/spec/template/metadata"] {
        let Some(map) = manifest.pointer_mut(metadata).and_then(|map| map.as_object_mut()) else {
            continue;
        };
        if metadata == "/metadata" {
            for name in ["managedFields", "resourceVersion", "generation", "selfLink", "uid"] {
                map.remove(name);
            }
        }
        map.retain(|_, value| {
            !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty())
        });
        if let Some(items) = map.get_mut("finalizers").and_then(|items| items.as_array_mut()) {
            let mut seen = std::collections::BTreeSet::new();
            items.retain(|item| seen.insert(item.to_string()));
        }
    }
    manifest
}

/// Whatever manifests look like: a fix takes out what findings name and nothing else, or leaves the file
/// as it is and says why.
#[test]
fn files_of_all_styles_are_fixed_or_left() -> Result<(), Failure> {
    let folder = Folder::new("styles")?;
    let mut dice = Dice(1);
    let mut texts = Vec::new();
    for number in 0..600 {
        let head = dice.pick(&["", "# keep\n", "---\n", "%YAML 1.1\n---\n"]);
        let own = dice.metadata("  ", &format!("a-{number}"));
        let inner = dice.metadata("        ", "inner");
        let status = dice.pick(&["", "status: {}\n", "status:\n  {}\n", "status: null # none"]);
        let text = format!(
            "{head}apiVersion: apps/v1\nkind: Deployment\nmetadata:\n{own}spec:\n    template:\n      metadata:\n{inner}{status}"
        );
        texts.push((folder.file(&format!("{number:04}.yaml"), &text)?, text));
    }
    let fixed = lint(&["-f", &folder.path(), "--fix", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&fixed.out)?;
    let (mut edited, mut left, mut refused) = (0, 0, 0);
    for (file, before) in &texts {
        let after = std::fs::read_to_string(file)?;
        let value = |text: &str| -> Result<serde_json::Value, Failure> {
            Ok(serde_json::from_str(&managed_fields::yaml::to_json(text)?)?)
        };
        let Ok(old) = value(before) else {
            assert_eq!(&after, before);
            refused += 1;
            continue;
        };
        let new = value(&after)?;
        let reasons = fixed.err.lines().filter(|line| line.starts_with(&format!("note: {file}")));
        let is_left =
            reasons.clone().any(|line| line.contains("not fixed") || line.contains("not edited"));
        if after != *before {
            edited += 1;
            let mut rest = before.split_inclusive('\n');
            let is_part = after.split_inclusive('\n').all(|line| rest.any(|old| old == line));
            assert!(is_part, "{before}\n=>\n{after}");
        }
        if is_left {
            left += 1;
            assert_eq!(bare(old), bare(new), "{before}\n=>\n{after}");
        } else {
            assert_eq!(bare(old), new, "{before}\n=>\n{after}\n{:?}", reasons.collect::<Vec<_>>());
        }
        let kept = |text: &str| text.matches("# keep").count();
        assert_eq!(kept(before), kept(&after), "{before}\n=>\n{after}");
        let still = report["findings"].as_array().ok_or("no findings")?.iter();
        let still = still.filter(|found| found["file"] == file.as_str() && found["fixed"] == false);
        let still = still.filter(|found| {
            ["MF004", "MF005", "MF006", "MF019"].iter().any(|id| found["rule"] == *id)
        });
        assert!(is_left || still.count() == 0, "{before}");
    }
    assert!(edited > 200 && left > 20, "{edited} {left} {refused}");
    Ok(())
}

#[test]
fn the_documented_rules_are_those_of_the_code() -> Result<(), Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lint.md");
    let told = std::fs::read_to_string(&path)?;
    let (begin, end) = ("<!-- rules: made from the code -->\n", "<!-- end of rules -->\n");
    let (head, rest) = told.split_once(begin).ok_or("no beginning")?;
    let (_, tail) = rest.split_once(end).ok_or("no end")?;
    let retold = format!("{head}{begin}{}{end}{tail}", documented()?);
    if std::env::var_os("UPDATE_LINT_RULES").is_some() {
        std::fs::write(&path, &retold)?;
    } else {
        assert!(
            told == retold,
            "docs/lint.md is not what the code says: run with UPDATE_LINT_RULES=1"
        );
    }
    Ok(())
}

/// The rules as the document has them: a table, and what each is about.
fn documented() -> Result<String, Failure> {
    let mut out =
        String::from("\n| rule | name | severity | looks at | `--fix` |\n|---|---|---|---|---|\n");
    for rule in &RULES {
        let anchor = format!("{}-{}", rule.id().to_lowercase(), rule.name());
        let inputs: Vec<&str> = rule.inputs().iter().map(|input| input.as_str()).collect();
        let fix = if rule.is_fixable() { "yes" } else { "" };
        writeln!(
            out,
            "| [{}](#{anchor}) | {} | {} | {} | {fix} |",
            rule.id(),
            rule.name(),
            rule.severity().as_str(),
            inputs.join(", ")
        )?;
    }
    for rule in &RULES {
        writeln!(out, "\n### {} {}\n", rule.id(), rule.name())?;
        for text in [rule.explanation(), &format!("**What to do:** {}", rule.remedy())] {
            let mut column = 0;
            for word in text.split(' ') {
                if column > 0 && column + word.len() >= 110 {
                    out.push('\n');
                    column = 0;
                } else if column > 0 {
                    out.push(' ');
                    column += 1;
                }
                out.push_str(word);
                column += word.len();
            }
            out.push_str(if text == rule.explanation() { "\n\n" } else { "\n" });
        }
    }
    out.push('\n');
    Ok(out)
}
