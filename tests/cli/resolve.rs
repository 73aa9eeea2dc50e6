//! `resolve`: configurations edited to end their conflicts, with everything else as it was written.

use super::{Outcome, Terminal, assert_run, run, run_on, temporary};

/// `ann` applied all of it but the replicas, which are shared with a controller.
const LIVE: &str = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"x","uid":"1","labels":{"team":"b"},"managedFields":[
{"manager":"scaler","operation":"Update","apiVersion":"apps/v1","subresource":"scale","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}}},
{"manager":"ann","operation":"Apply","apiVersion":"apps/v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:team":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:image":{},"f:args":{},"f:resources":{"f:limits":{"f:cpu":{}}}}},"f:nodeSelector":{}}}}}}
]},"spec":{"replicas":5,"selector":{"matchLabels":{"app":"web"}},"template":{"spec":{"nodeSelector":{"a":"b"},"containers":[{"name":"c","image":"web:1","args":["--one","--two"],"resources":{"limits":{"cpu":"1"}}}]}}}}"#;

const CONFIG: &str = r#"# The web frontend.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: x
  labels: {team: a} # ours
spec:
  # as many as we need
  replicas: 3 # for now
  selector:
    matchLabels:
      app: web
  template:
    spec:
      nodeSelector: # where
        c: d
      containers:
      # the app
      - name: c
        image: "web:2"
        args: # of it
        - --three
        resources:
          limits:
            cpu: 2 # more
"#;

struct Case {
    config: String,
    live: String,
}

impl Case {
    fn new(test: &str, config: &str, live: &str) -> Case {
        let config = temporary(&format!("resolve-{test}.yaml"), config);
        Case { config, live: temporary(&format!("resolve-{test}-live.json"), live) }
    }

    /// Runs the command; the file is called FILE in messages.
    fn run(&self, options: &str) -> Outcome {
        let Case { config, live } = self;
        let words = format!("resolve -f {config} --live {live} --field-manager bob {options}");
        let mut done = run(&words, "");
        done.err = done.err.replace(config, "FILE");
        done
    }

    /// Runs the command, which prints this text; that is then applied without force.
    #[track_caller]
    fn prints(&self, options: &str, text: &str, told: &str) {
        assert_run(&self.run(options), 1, text, told);
        self.applies(text);
    }

    #[track_caller]
    fn applies(&self, text: &str) {
        let words = format!("apply -f - --live {} --field-manager bob", self.live);
        let applied = run(&words, text);
        assert_eq!(applied.code, 0, "{}", applied.err);
        // Once ended, a conflict is no more.
        let words = format!("resolve -f - --live {} --field-manager bob", self.live);
        for strategy in ["give-up", "share"] {
            assert_run(&run(&format!("{words} --strategy {strategy}"), text), 0, text, "");
        }
    }
}

#[test]
fn what_is_given_up_is_dropped_and_the_rest_stays() {
    let text = r#"# The web frontend.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: x
spec:
  # as many as we need
  selector:
    matchLabels:
      app: web
  template:
    spec:
      containers:
      # the app
      - name: c
"#;
    let told = r#"note: FILE:7: .metadata.labels is dropped (it was {"team":"a"}), .metadata.labels.team: "b" stays with "ann"
note: FILE:10: .spec.replicas is dropped (it was 3), 5 stays with "ann", "scaler" with subresource "scale" using apps/v1
note: FILE:22: .spec.template.spec.containers[name="c"].args is dropped (it was ["--three"]), ["--one","--two"] stays with "ann"
note: FILE:21: .spec.template.spec.containers[name="c"].image is dropped (it was "web:2"), "web:1" stays with "ann"
note: FILE:24: .spec.template.spec.containers[name="c"].resources is dropped (it was {"limits":{"cpu":2}}), .spec.template.spec.containers[name="c"].resources.limits.cpu: "1" stays with "ann"
note: FILE:16: .spec.template.spec.nodeSelector is dropped (it was {"c":"d"}), {"a":"b"} stays with "ann"
"#;
    Case::new("give-up", CONFIG, LIVE).prints("--strategy give-up", text, told);
}

#[test]
fn what_is_shared_has_the_live_value_in_the_style_that_was_there() {
    let text = CONFIG
        .replace("team: a", "team: b")
        .replace("replicas: 3", "replicas: 5")
        .replace("c: d", "a: b")
        .replace("web:2", "web:1")
        .replace("- --three", "- --one\n        - --two")
        .replace("cpu: 2", "cpu: \"1\"");
    let told = r#"note: FILE:7: .metadata.labels.team is set to "b" (it was "a"), shared with "ann"
note: FILE:10: .spec.replicas is set to 5 (it was 3), shared with "ann", "scaler" with subresource "scale" using apps/v1
note: FILE:22: .spec.template.spec.containers[name="c"].args is set to ["--one","--two"] (it was ["--three"]), shared with "ann"
note: FILE:21: .spec.template.spec.containers[name="c"].image is set to "web:1" (it was "web:2"), shared with "ann"
note: FILE:26: .spec.template.spec.containers[name="c"].resources.limits.cpu is set to "1" (it was 2), shared with "ann"
note: FILE:16: .spec.template.spec.nodeSelector is set to {"a":"b"} (it was {"c":"d"}), shared with "ann"
"#;
    Case::new("share", CONFIG, LIVE).prints("--strategy share", &text, told);
}

#[test]
fn force_lists_what_it_takes_and_from_whom() {
    let text = r#"# Deployment x/web: force takes 7 fields
FROM                                              FIELD                                                           LIVE                CONFIGURATION
"ann"                                             .metadata.labels.team                                           "b"                 "a"
"ann"                                             .spec.replicas                                                  5                   3
"ann"                                             .spec.template.spec.nodeSelector                                {"a":"b"}           {"c":"d"}
"ann"                                             .spec.template.spec.containers[name="c"].args                   ["--one","--two"]   ["--three"]
"ann"                                             .spec.template.spec.containers[name="c"].image                  "web:1"             "web:2"
"ann"                                             .spec.template.spec.containers[name="c"].resources.limits.cpu   "1"                 2
"scaler" with subresource "scale" using apps/v1   .spec.replicas                                                  5                   3
"#;
    let case = Case::new("force", CONFIG, LIVE);
    assert_run(&case.run("--strategy force"), 1, text, "");
    let own = CONFIG.lines().take(6).collect::<Vec<_>>().join("\n");
    let case = Case::new("unforced", &own, LIVE);
    assert_run(&case.run("--strategy force"), 0, "# Deployment x/web: no conflict\n", "");
}

#[test]
fn without_a_conflict_every_byte_stays() {
    let text = "# head\r\n---\r\napiVersion: apps/v1\nkind:   Deployment\nmetadata: {name: web,\n  namespace: x}  # c\n...\n---\n# nothing\n--- {\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"n\"}}\n\n\n";
    let case = Case::new("none", text, LIVE);
    let note = "note: FILE: document 2 (line 10): there is no live ConfigMap n: it is created\n";
    assert_run(&case.run("--strategy give-up"), 0, text, note);
}

#[test]
fn of_several_documents_those_in_conflict_are_edited() {
    let map = |name: &str, value: &str| {
        format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"x\"MANAGED}},\"data\":{{\"k\":\"{value}\"}}}}"
        )
    };
    let managed = r#","managedFields":[{"manager":"ann","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}}}]"#;
    let live = ["a", "b", "c", "d"].map(|name| map(name, "live").replace("MANAGED", managed));
    let config = r#"# a list
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: a, namespace: x}
  data:
    k: live # the same
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: b, namespace: x}
  # of b
  data:
    k: other # another
    l: own
--- # JSON
{
  "apiVersion": "v1", "kind": "ConfigMap",
  "metadata": {"name": "c", "namespace": "x"},
  "data": {"k": "other", "l": "own"}
}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: d, namespace: x}
data: {k: 'other', l: own}"#;
    let case = Case::new("several", config, &live.join("\n"));
    let text = config
        .replace("    k: other # another\n", "")
        .replace("\"k\": \"other\", ", "")
        .replace("k: 'other', ", "");
    let told = r#"note: FILE:15: .data.k is dropped (it was "other"), "live" stays with "ann"
note: FILE:21: .data.k is dropped (it was "other"), "live" stays with "ann"
note: FILE:27: .data.k is dropped (it was "other"), "live" stays with "ann"
"#;
    case.prints("--strategy give-up", &text, told);
    let shared = config
        .replace("k: other #", "k: live #")
        .replace("\"other\"", "\"live\"")
        .replace("'other'", "'live'");
    let done = case.run("--strategy share");
    assert_eq!((done.code, done.out.as_str()), (1, shared.as_str()), "{}", done.err);
    case.applies(&shared);
    // Several files are one stream.
    let words = format!(
        "resolve -f {0} -f {1} --live {2} --strategy give-up --field-manager bob",
        temporary("resolve-first.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n}"),
        case.config,
        case.live
    );
    let first = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n}\n---\n";
    assert_eq!(run(&words, "").out, format!("{first}{text}"));
}

/// An entry may still list what somebody else has removed from the object.
#[test]
fn items_that_are_in_conflict_themselves_go_and_cannot_be_shared() {
    let live = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"x","managedFields":[{"manager":"ann","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:finalizers":{"v:\"x.io/a\"":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"d\"}":{".":{},"f:name":{}}}}}}]},"spec":{"containers":[{"name":"c"}]}}"#;
    let config = "\
apiVersion: v1
kind: Pod
metadata:
  name: p
  namespace: x
  finalizers:
  - x.io/a # theirs
  - x.io/b
spec:
  containers:
  - name: d
    # new
    image: d
  - name: c
";
    let case = Case::new("items", config, live);
    let text = config
        .replace("  - x.io/a # theirs\n", "")
        .replace("  - name: d\n    # new\n    image: d\n", "");
    let told = r#"note: FILE:7: .metadata.finalizers[="x.io/a"] is dropped (it was "x.io/a"), listed by "ann" using v1 though it is not there
note: FILE:11: .spec.containers[name="d"] is dropped (it was {"name":"d","image":"d"}), listed by "ann" using v1 though it is not there, .spec.containers[name="d"].name: listed by "ann" using v1 though it is not there
"#;
    case.prints("--strategy give-up", &text, told);
    let error = "error: FILE: document 1 (line 1): .metadata.finalizers[=\"x.io/a\"] (owned by \"ann\" using v1), .spec.containers[name=\"d\"] (owned by \"ann\" using v1), .spec.containers[name=\"d\"].name (owned by \"ann\" using v1) cannot be shared, for the live object has nothing there: give up instead\n";
    assert_run(&case.run("--strategy share"), 2, config, error);
}

#[test]
fn text_that_stands_in_several_places_is_left_to_people() {
    let config = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: x}\nspec:\n  replicas: &n 3\n  minReadySeconds: *n\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: x}\n";
    let case = Case::new("anchor", config, LIVE);
    let done = case.run("--strategy share");
    let why = ".spec.replicas: the text cannot be edited without changing something else, because of its anchors and aliases: write them out first";
    let (_, error) = done.err.split_once("error: ").unwrap();
    assert_eq!(error, format!("FILE: document 1 (line 1): {why}\n"));
    assert_eq!((done.code, done.out.as_str()), (2, config));
    let told: serde_json::Value =
        serde_json::from_str(&case.run("--strategy share -o json").out).unwrap();
    assert_eq!(told["objects"][0]["message"], why);
    assert_eq!(told["objects"][1]["object"]["name"], "m");
    // An alias is written out.
    let config = config.replace(
        "replicas: &n 3\n  minReadySeconds: *n",
        "minReadySeconds: &n 3\n  replicas: *n # many",
    );
    let case = Case::new("alias", &config, LIVE);
    let done = case.run("--strategy share");
    assert_eq!(done.out, config.replace("*n", "5"), "{}", done.err);
    assert_eq!(case.run("--strategy give-up").out, config.replace("  replicas: *n # many\n", ""));
}

#[test]
fn line_breaks_and_the_end_of_the_file_stay() {
    let config = "apiVersion: apps/v1\r\nkind: Deployment\r\nmetadata: {name: web, namespace: x}\r\nspec:\r\n  # many\r\n  paused: true\r\n  template:\r\n    spec: {nodeSelector: {c: d}}\r\n  replicas: 3";
    let case = Case::new("crlf", config, LIVE);
    let text =
        config.replace("\r\n  template:\r\n    spec: {nodeSelector: {c: d}}\r\n  replicas: 3", "");
    assert_eq!(case.run("--strategy give-up").out, text);
    case.applies(&text);
    let text = config.replace("c: d", "a: b").replace(": 3", ": 5");
    assert_eq!(case.run("--strategy share").out, text);
}

#[test]
fn what_the_apply_then_removes_is_told() {
    let live = LIVE.replace(
        "\"managedFields\":[",
        r#""managedFields":[{"manager":"bob","operation":"Apply","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:minReadySeconds":{}}}},"#,
    );
    let live =
        live.replace("\"spec\":{\"replicas\"", "\"spec\":{\"minReadySeconds\":7,\"replicas\"");
    let config = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: x}\nspec:\n  replicas: 3\n";
    let told = r#"note: FILE:4: .spec is dropped (it was {"replicas":3}), .spec.replicas: 5 stays with "ann", "scaler" with subresource "scale" using apps/v1
note: FILE: document 1 (line 1): the apply removes what is not stated any more: .spec.minReadySeconds
"#;
    let text = config.replace("spec:\n  replicas: 3\n", "");
    Case::new("removes", config, &live).prints("--strategy give-up", &text, told);
}

#[test]
fn files_are_written_back() {
    let case = Case::new("write", CONFIG, LIVE);
    let done = case.run("--strategy share --write");
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.ends_with("note: FILE: written\n"), "{}", done.err);
    let written = std::fs::read_to_string(&case.config).unwrap();
    assert!(written.contains("replicas: 5 # for now"), "{written}");
    case.applies(&written);
    // There is nothing left to do.
    assert_run(&case.run("--strategy share --write"), 0, "", "");
    for (options, why) in [
        ("-f -", "standard input cannot be written back: name a file"),
        ("--strategy force", "force edits nothing that could be written back"),
    ] {
        let options = match options.contains("--strategy") {
            true => format!("--write {options}"),
            false => format!("--write --strategy share {options}"),
        };
        assert_run(&case.run(&options), 2, "", &format!("error: resolve: {why}\n"));
    }
}

#[cfg(unix)]
#[test]
fn links_and_permissions_outlive_a_write() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let case = Case::new("linked", CONFIG, LIVE);
    std::fs::set_permissions(&case.config, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = format!("{}-link.yaml", case.config);
    let _ = std::fs::remove_file(&link);
    symlink(&case.config, &link).unwrap();
    let linked = Case { config: link.clone(), live: case.live.clone() };
    assert_eq!(linked.run("--strategy give-up --write").code, 1);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    let mode = std::fs::metadata(&case.config).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert!(!std::fs::read_to_string(&case.config).unwrap().contains("replicas"));
}

/// Nothing is in conflict with nothing: who forgets the live objects is told.
#[test]
fn live_objects_are_needed() {
    let case = Case::new("no-live", CONFIG, LIVE);
    let outcome = super::run_words(&[
        "resolve",
        "--strategy",
        "share",
        "--field-manager",
        "bob",
        "-f",
        &case.config,
    ]);
    assert_eq!((outcome.code, outcome.out.as_str()), (2, ""));
    assert!(outcome.err.contains("--live <FILE>"), "{}", outcome.err);
}

#[test]
fn read_only_files_are_not_written() {
    let case = Case::new("read-only", CONFIG, LIVE);
    let set = |is_readonly: bool| {
        let mut permissions = std::fs::metadata(&case.config).unwrap().permissions();
        permissions.set_readonly(is_readonly);
        std::fs::set_permissions(&case.config, permissions).unwrap();
    };
    set(true);
    let refused = case.run("--strategy share --write");
    set(false);
    assert_eq!(refused.code, 2);
    assert!(refused.err.ends_with("error: FILE: the file is read-only\n"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(&case.config).unwrap(), CONFIG);
}

/// What an entry of another version owns is not known here, and may be to an API server.
#[test]
fn entries_of_other_versions_are_warned_of() {
    let live = LIVE.replace(
        r#""manager":"ann","operation":"Apply","apiVersion":"apps/v1""#,
        r#""manager":"ann","operation":"Apply","apiVersion":"apps/v1beta1""#,
    );
    let config = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: x}\nspec: {template: {spec: {nodeSelector: {c: d}}}}\n";
    let case = Case::new("versions", config, &live);
    let done = case.run("--strategy give-up");
    assert_eq!((done.code, done.out.as_str()), (0, config));
    let warning = "what \"ann\" owns is recorded in apps/v1beta1 and is not known in apps/v1: conflicts with it are not seen, and an API server that still knows that version has them\n";
    assert!(done.err.starts_with("warning: "), "{}", done.err);
    assert!(done.err.ends_with(warning) && done.err.lines().count() == 1, "{}", done.err);
}

/// JSON keeps its line breaks where it is edited, and a message is one line.
#[test]
fn messages_are_one_line() {
    let config = "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":\"x\"},\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":{\n\"c\":\n\"d\"}}}}}";
    let case = Case::new("one-line", config, LIVE);
    let done = case.run("--strategy share");
    assert_eq!(
        done.err,
        "note: FILE:1: .spec.template.spec.nodeSelector is set to {\"a\":\"b\"} (it was {\"c\":\"d\"}), shared with \"ann\"\n"
    );
}

#[test]
fn a_report_tells_conflicts_and_edits() {
    let config = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: x}\nspec:\n  replicas: 3\n";
    let case = Case::new("report", config, LIVE);
    let done = case.run("--strategy give-up -o json");
    let text = r#"{
    "schemaVersion": "managed-fields.resolve/v1",
    "objects": [
        {
            "object": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "namespace": "x",
                "name": "web"
            },
            "strategy": "give-up",
            "conflicts": [
                {
                    "manager": "ann",
                    "operation": "Apply",
                    "path": ".spec.replicas",
                    "live": 5,
                    "configuration": 3,
                    "line": 5
                },
                {
                    "manager": "scaler",
                    "operation": "Update",
                    "apiVersion": "apps/v1",
                    "subresource": "scale",
                    "path": ".spec.replicas",
                    "live": 5,
                    "configuration": 3,
                    "line": 5
                }
            ],
            "edits": [
                {
                    "change": "drop",
                    "path": ".spec",
                    "before": {
                        "replicas": 3
                    },
                    "line": 4
                }
            ],
            "taken": [],
            "removed": []
        }
    ]
}
"#;
    assert_run(&done, 1, text, "");
    let forced: serde_json::Value =
        serde_json::from_str(&case.run("--strategy force -o json").out).unwrap();
    assert_eq!(forced["objects"][0]["taken"], forced["objects"][0]["conflicts"]);
    assert_eq!(forced["objects"][0]["edits"], serde_json::json!([]));
}

#[test]
fn values_of_secrets_are_masked_in_messages_and_on_a_terminal() {
    let live = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"x","managedFields":[{"manager":"ann","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}}}]},"data":{"k":"bGl2ZQ=="}}"#;
    let config = "--- # a\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: x}\ndata:\n  k: b3Vycw== # ours\n  l: b3duCg==\n";
    let case = Case::new("secret", config, live);
    let told = "note: FILE:6: .data.k is set to \"***\" (it was \"***\"), shared with \"ann\"\n";
    case.prints("--strategy share", &config.replace("b3Vycw==", "bGl2ZQ=="), told);
    for options in ["--strategy force", "--strategy force -o json", "--strategy share -o json"] {
        let done = case.run(options);
        let all = format!("{}{}", done.out, done.err);
        assert!(all.contains("***") && !all.contains("b3Vy") && !all.contains("bGl2"), "{all}");
        let done = case.run(&format!("{options} --show-secrets"));
        assert!(done.out.contains("b3Vycw==") && done.out.contains("bGl2ZQ=="), "{}", done.out);
    }
    let on_terminal = |config: &str, more: &[&str]| {
        let terminal = Terminal { stdout: true, stderr: false };
        let words = ["resolve", "-f", "-", "--live", &case.live, "--strategy", "share"];
        let words: Vec<&str> =
            words.iter().chain(&["--field-manager", "bob"]).chain(more).copied().collect();
        run_on(terminal, &words, config.as_bytes())
    };
    let masked = "---\napiVersion: v1\ndata:\n  k: '***'\n  l: '***'\nkind: Secret\nmetadata:\n  name: s\n  namespace: x\n";
    assert_eq!(on_terminal(config, &[]).out.replace('"', "'"), masked);
    let item = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}",
        config.get(8..).unwrap().replace('\n', "\n  ")
    );
    let done = on_terminal(&item, &[]);
    assert!(done.out.contains("***") && !done.out.contains("b3du"), "{}", done.out);
    assert!(on_terminal(config, &["--show-secrets"]).out.contains("bGl2ZQ== # ours"));
    let broken = on_terminal(&format!("{config}---\ndata: [b3duCg==\n"), &[]);
    assert_eq!((broken.code, broken.out.as_str()), (2, ""), "{}", broken.err);
}

#[test]
fn what_is_no_text_as_a_whole_is_left_out() {
    let mut config = CONFIG.as_bytes().to_vec();
    config.extend_from_slice(b"---\nkind: \xff\n");
    let file = temporary("resolve-bytes.yaml", config);
    let live = temporary("resolve-bytes-live.json", LIVE);
    let words = format!("resolve -f {file} --live {live} --field-manager bob --strategy share");
    let done = run(&words, "");
    assert_eq!((done.code, done.out.as_str()), (2, ""), "{}", done.err);
    assert!(done.err.ends_with(": the file is not UTF-8: it is left out\n"), "{}", done.err);
    let done = run(&format!("{words} -o json"), "");
    assert!(done.out.contains("\"message\": \"the file is not UTF-8"), "{}", done.out);
}

#[test]
fn other_refusals_are_errors() {
    let case = Case::new(
        "refused",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: x}\nspec: {replicas: many}\n",
        LIVE,
    );
    let done = case.run("--strategy give-up");
    assert_eq!(done.code, 2);
    assert!(
        done.err
            .starts_with("error: FILE: document 1 (line 1): failed to create typed patch object"),
        "{}",
        done.err
    );
    let done = case.run("--strategy give-up -o json");
    assert!(done.out.contains("\"code\": 500"), "{}", done.out);
    let done = case.run("--strategy give-up --subresource scale");
    assert_run(
        &done,
        2,
        "",
        "error: resolve: scales are not edited: apply without --subresource to the object itself\n",
    );
}
