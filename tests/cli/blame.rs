//! `blame`: the owners of every line.

use super::{Outcome, Terminal, assert_run, run, run_on};

const SERVICE: &str = "tests/cli/data/blame/service.yaml";
const SEVERAL: &str = "tests/cli/data/blame/several.yaml";

/// Items are found by their keys, defaulted ones included, and by their value; an atomic map belongs
/// to its owners as a whole.
#[test]
fn every_line_has_all_its_owners() {
    assert_run(
        &run(&format!("blame -f {SERVICE}"), ""),
        0,
        "\
(not tracked)                     | apiVersion: v1
(not tracked)                     | kind: Service
                                  | metadata:
                                  |   finalizers:
team-a Apply 60m                  |   - example.com/a
(nobody)                          |   - example.com/b
                                  |   labels:
team-b Apply 2d, team-a Apply 60m |     app: web
(nobody)                          |     tier: front
(not tracked)                     |   name: web
(not tracked)                     |   namespace: shop
                                  | spec:
                                  |   ports:
team-b Apply 2d                   |   - port: 53
team-b Apply 2d                   |     protocol: UDP
team-a Apply 60m                  |   - name: http
team-a Apply 60m                  |     port: 80
team-b Apply 2d, team-a Apply 60m |   selector:
team-b Apply 2d, team-a Apply 60m |     app: web
team-b Apply 2d, team-a Apply 60m |     tier: front
                                  | status:
team-b Update/status              |   loadBalancer: {}
# not in the object: .metadata.labels.gone, owned by team-b Apply 2d
",
        "",
    );
}

#[test]
fn managers_and_paths_narrow_it_down() {
    assert_run(
        &run(&format!("blame -f {SERVICE} --time none --path .spec.ports[port=80]"), ""),
        0,
        "             | spec:
             |   ports:
team-a Apply |   - name: http
team-a Apply |     port: 80
",
        "",
    );
    assert_run(
        &run(&format!("blame -f {SERVICE} --time full --field-manager team-a --path metadata"), ""),
        0,
        "                                                                     | metadata:
                                                                     |   finalizers:
team-a Apply 2026-02-03T03:05:06Z                                    |   - example.com/a
                                                                     |   labels:
team-b Apply 2026-02-01T04:05:06Z, team-a Apply 2026-02-03T03:05:06Z |     app: web
",
        "",
    );
    assert_run(
        &run(&format!("blame -f {SERVICE} --field-manager nobody"), ""),
        0,
        "",
        "note: tests/cli/data/blame/service.yaml: document 1 (line 1): nobody owns nothing of it\n",
    );
    assert_run(
        &run(&format!("blame -f {SERVICE} --path .spec.port"), ""),
        2,
        "",
        "error: --path: Service shop/web: there is no .spec.port; nearest is .spec.ports\n",
    );
}

#[test]
fn a_table_has_a_line_for_each_owner() {
    assert_run(
        &run(&format!("blame -f {SERVICE} -o table --time full --path .metadata.labels"), ""),
        0,
        "\
PATH                   VALUE                MANAGER   OPERATION  SUBRESOURCE  TIME
.metadata.labels.app   \"web\"                team-b    Apply                   2026-02-01T04:05:06Z
.metadata.labels.app   \"web\"                team-a    Apply                   2026-02-03T03:05:06Z
.metadata.labels.tier  \"front\"              (nobody)
.metadata.labels.gone  (not in the object)  team-b    Apply                   2026-02-01T04:05:06Z
",
        "",
    );
}

/// Without a schema the entries tell which lists have keys; what is nowhere listed inside is owned
/// as a whole.
#[test]
fn several_documents_and_lists_are_read_and_secrets_masked() {
    let content = std::fs::read(SEVERAL).unwrap();
    let done = run("blame -f - --time none", &content);
    assert_run(
        &done,
        0,
        "\
# Secret door (standard input: document 1 (line 1))
(not tracked) | apiVersion: v1
              | data:
vault Apply   |   key: \"***\"
(not tracked) | kind: Secret
(not tracked) | metadata:
(not tracked) |   name: door
# not in the object: .stringData.pin, owned by vault Apply

# Lamp hall (standard input: document 2 item 1 (line 9))
(not tracked) | apiVersion: example.com/v1
(not tracked) | kind: Lamp
(not tracked) | metadata:
(not tracked) |   name: hall
              | spec:
ann Apply     |   box:
ann Apply     |     a: 1
ann Apply     |   colors:
ann Apply     |   - red
ann Apply     |   - deep:
ann Apply     |     - 1
              |   rooms:
(nobody)      |   - id: 1
ann Apply     |   - id: 2
ann Apply     |     note: |
ann Apply     |       two
ann Apply     |       lines
",
        "warning: standard input: document 2 item 1 (line 9): there is no schema for example.com/v1, Kind=Lamp: treated as a custom resource without one, whose lists are owned as a whole\n",
    );
    for form in ["yaml", "table", "json", "html"] {
        let masked = run(&format!("blame -f - -o {form}"), &content);
        assert_eq!((masked.code, masked.out.contains("c2VjcmV0")), (0, false), "{form}");
        let shown = run(&format!("blame -f - -o {form} --show-secrets"), &content);
        assert!(shown.out.contains("c2VjcmV0"), "{form}");
    }
}

#[test]
fn json_has_a_version_and_owners_of_every_field() {
    let done = run(&format!("blame -f {SERVICE} -o json --path .metadata.labels"), "");
    let Outcome { code: 0, out, .. } = done else { panic!("{done:?}") };
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["schemaVersion"], "managed-fields.blame/v1");
    let object = &report["objects"][0];
    assert_eq!(
        object["object"],
        serde_json::json!({"apiVersion":"v1","kind":"Service","namespace":"shop","name":"web"})
    );
    let team_b = serde_json::json!({"manager":"team-b","operation":"Apply","subresource":"","apiVersion":"v1","time":"2026-02-01T04:05:06Z"});
    let team_a = serde_json::json!({"manager":"team-a","operation":"Apply","subresource":"","apiVersion":"v1","time":"2026-02-03T03:05:06Z"});
    assert_eq!(
        object["fields"],
        serde_json::json!([
            {"path":".metadata.labels.app","value":"web","standing":"owned","owners":[team_b, team_a]},
            {"path":".metadata.labels.tier","value":"front","standing":"unowned","owners":[]},
        ])
    );
    assert_eq!(
        object["absent"],
        serde_json::json!([{"path":".metadata.labels.gone","owners":[team_b]}])
    );
}

/// However many objects there are, the report is one JSON text, laid out as any other.
#[test]
fn json_of_any_number_of_objects_is_one_text() {
    let command = "blame -f - -o json --path .data.k";
    let object = |name: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{k: v}}}}\n"
        )
    };
    let told = |document: usize, name: &str| {
        format!(
            r#"        {{
            "object": {{
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "namespace": "",
                "name": "{name}"
            }},
            "source": {{
                "file": "standard input",
                "document": {document},
                "item": null
            }},
            "fields": [
                {{
                    "path": ".data.k",
                    "value": "v",
                    "standing": "unowned",
                    "owners": []
                }}
            ],
            "absent": []
        }}"#
        )
    };
    let report = |objects: &str| {
        format!(
            "{{\n    \"schemaVersion\": \"managed-fields.blame/v1\",\n    \"objects\": [{objects}]\n}}\n"
        )
    };
    assert_eq!(run(command, "").out, report(""));
    let one = format!("\n{}\n    ", told(1, "a"));
    assert_run(&run(command, object("a")), 0, &report(&one), "");
    let two = format!("\n{},\n{}\n    ", told(1, "a"), told(2, "b"));
    assert_run(&run(command, object("a") + &object("b")), 0, &report(&two), "");
}

#[test]
fn managers_have_colours() {
    let arguments = ["blame", "-f", SERVICE, "--time", "none", "--path", ".spec.ports"];
    let on_terminal = Terminal { stdout: true, stderr: false };
    let done = run_on(on_terminal, &arguments, b"");
    assert_eq!(
        done.out,
        "             | spec:
             |   ports:
\u{1b}[36mteam-b Apply\u{1b}[0m | \u{1b}[36m  - port: 53\u{1b}[0m
\u{1b}[36mteam-b Apply\u{1b}[0m | \u{1b}[36m    protocol: UDP\u{1b}[0m
\u{1b}[33mteam-a Apply\u{1b}[0m | \u{1b}[33m  - name: http\u{1b}[0m
\u{1b}[33mteam-a Apply\u{1b}[0m | \u{1b}[33m    port: 80\u{1b}[0m
"
    );
    let never = [&arguments[..], &["--color", "never"]].concat();
    assert!(!run_on(on_terminal, &never, b"").out.contains('\u{1b}'));
}

/// Names of managers are text of strangers.
#[test]
fn nothing_in_a_report_steers_a_terminal_or_a_browser() {
    let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"<b>","managedFields":[
        {"manager":"\u001b[2J<script>","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1",
         "fieldsV1":{"f:data":{"f:k":{}}}}]},"data":{"k":"<script>\u001b"}}"#;
    for form in ["yaml", "table", "json", "html"] {
        let done = run(&format!("blame -f - -o {form}"), object);
        assert_eq!((done.code, done.out.contains('\u{1b}')), (0, false), "{form}");
        if form == "html" {
            assert!(!done.out.contains("<script>") && !done.out.contains("<b>"));
        }
    }
}

/// A document that is too deep for lines is told on one.
#[test]
fn deep_objects_are_told() {
    let deep = "[".repeat(5000) + &"]".repeat(5000);
    let object = format!(
        r#"{{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{{"name":"a","managedFields":[
        {{"manager":"ann","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1",
        "fieldsV1":{{"f:spec":{{}}}}}}]}},"spec":{deep}}}"#
    );
    let done = run("blame -f - --time none", object);
    assert_eq!((done.code, done.out.starts_with("ann Apply | {")), (0, true), "{}", done.err);
}

/// Dumps are cut into their items, other files are read as a whole; both are counted alike.
#[test]
fn a_summary_counts_what_managers_own() {
    let object = |manager: &str, time: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a","managedFields":[{{"manager":"{manager}","operation":"Apply","apiVersion":"v1","time":"{time}","fieldsType":"FieldsV1","fieldsV1":{{"f:data":{{"f:a":{{}},"f:b":{{}}}}}}}}]}}}}"#
        )
    };
    let items = [
        object("ann", "2026-02-01T00:00:00Z"),
        object("bob", "2026-02-02T00:00:00Z"),
        object("ann", "2026-02-03T00:00:00Z"),
        r#"{"kind":"Pod"}"#.to_owned(),
    ];
    let dump = format!("{{\"items\":[\n{}\n],\"kind\":\"List\"}}", items.join(",\n"));
    let expected = "\
MANAGER  OPERATION  SUBRESOURCE  OBJECTS  FIELDS  LAST
ann      Apply                   2        4       2026-02-03T00:00:00Z
bob      Apply                   1        2       2026-02-02T00:00:00Z

4 objects, 1 of which nobody owns anything
";
    assert_run(&run("blame -f - --summary --time full", &dump), 0, expected, "");
    let documents = format!("---\n{}\n", items.join("\n---\n"));
    assert_run(&run("blame -f - --summary --time full", documents), 0, expected, "");
    let done = run("blame -f - --summary -o json --field-manager bob", &dump);
    let report: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        report,
        serde_json::json!({"schemaVersion":"managed-fields.blame-summary/v1","objects":4,"withoutOwners":1,"managers":[
            {"manager":"bob","operation":"Apply","subresource":"","objects":1,"fields":2,"time":"2026-02-02T00:00:00Z"}]})
    );
    // A dump of more than a mebibyte is cut instead of read.
    let dump = dump.replace("\"name\":\"a\"", &format!("\"name\":\"{}\"", "a".repeat(400_000)));
    assert_run(&run("blame -f - --summary --time full", &dump), 0, expected, "");
    let broken = dump.replace("\"f:a\":{}", "\"f:a\":{},\"v:[\":{}");
    let done = run("blame -f - --summary", &broken);
    assert_eq!((done.code, done.err.lines().count()), (2, 3), "{}", done.err);
    assert!(done.err.starts_with("error: standard input: document 1 item 1 (line 2): "));
    let cut_off = run("blame -f - --summary", &dump[..dump.len() - 40]);
    assert_eq!(cut_off.code, 2);
    assert!(cut_off.err.contains("it ends in the middle of an object"), "{}", cut_off.err);
}

/// Items of a list that says what they are, before them or behind them, in dumps that are cut.
#[test]
fn items_of_large_typed_lists_are_what_the_list_says() {
    let pod = |name: &str, more: &str| {
        format!(
            r#"{{{more}"metadata":{{"name":"{name}","annotations":{{"a":"{}"}},"managedFields":[{{
                "manager":"ann","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1",
                "fieldsV1":{{"f:metadata":{{"f:annotations":{{"f:a":{{}}}}}}}}}}]}}}}"#,
            "x".repeat(600_000)
        )
    };
    let items = [pod("a", ""), pod("b", r#""kind":"ConfigMap","apiVersion":"v1","#), pod("c", "")]
        .join(",\n");
    let first = format!(r#"{{"kind":"PodList","apiVersion":"v1","items":[{items}]}}"#);
    let last = format!(r#"{{"apiVersion":"v1","items":[{items}],"kind":"PodList"}}"#);
    let object = format!(r#"{{"apiVersion":"v1","items":[{items}],"kind":"Menu"}}"#);
    let folder = std::env::temp_dir().join(format!("managed-fields-lists-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let summary =
        |of: &str| format!("MANAGER  OPERATION  SUBRESOURCE  OBJECTS  FIELDS  LAST\n{of}");
    let three = summary(
        "ann      Apply                   3        3\n\n3 objects, 0 of which nobody owns anything\n",
    );
    for (name, text) in [("first.json", &first), ("last.json", &last)] {
        let file = write(name, text);
        assert_run(&run(&format!("blame -f {file} --summary"), ""), 0, &three, "");
        // They meet the configurations of their kind, told by their places in the list.
        let config = |name: &str| {
            write(
                &format!("config-{name}.yaml"),
                &format!(
                    "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, annotations: {{a: other}}}}}}"
                ),
            )
        };
        for (name, code) in [("a", 1), ("b", 0), ("c", 1)] {
            let source = config(name);
            let done = run(&format!("conflicts --from bob={source} --live {file}"), "");
            assert_eq!((done.code, done.err.as_str()), (code, ""), "{name}");
        }
    }
    assert_run(&run("blame -f - --summary", &first), 0, &three, "");
    let done = run("blame -f - --summary", &last);
    assert_eq!(
        (done.code, done.err.as_str()),
        (
            2,
            "error: standard input: document 1: it says behind its items what they are, and it is too \
             large to be kept until then: read it from a file\n"
        )
    );
    // What has items and is no list is an object.
    let file = write("object.json", &object.replace(r#""kind":"ConfigMap","#, ""));
    let one = "1 object, 1 of which nobody owns anything\n";
    let done = run(&format!("blame -f {file} --summary"), "");
    assert_run(&done, 0, one, "");
    std::fs::remove_dir_all(&folder).unwrap();
}
