//! `extract`, `plan adopt` and `plan migrate-version`.

use super::{LIVE, SCHEMA, Terminal, assert_run, run, run_on};

const ADOPT: &str = "tests/cli/data/adopt-live.yaml";
const NEXT: &str = "tests/cli/data/adopt-next.yaml";

#[test]
fn extract_prints_what_a_manager_has_applied() {
    let line = format!("extract -f {LIVE} --schema {SCHEMA} --field-manager ann");
    let fields = "spec:\n  bulbs:\n  - name: main\n    watts: 40\n  \"on\": true\n";
    let kind = "apiVersion: example.com/v1\nkind: Lamp\n";
    assert_run(&run(&line, ""), 0, &format!("{kind}{fields}"), "");
    let named = format!("{kind}metadata:\n  name: desk\n  namespace: home\n{fields}");
    assert_run(&run(&format!("{line} --with-keys"), ""), 0, &named, "");
}

#[test]
fn extract_says_that_a_manager_has_applied_nothing() {
    let line = format!("extract -f {LIVE} --schema {SCHEMA}");
    let note = format!("note: {LIVE}: document 1 (line 1): \"dimmer\" has applied nothing");
    let done = run(&format!("{line} --field-manager dimmer"), "");
    assert_run(&done, 0, "", &format!("{note}\n"));
    let done = run(&format!("{line} --field-manager dimmer --subresource scale"), "");
    assert_run(&done, 0, "", &format!("{note} to the subresource \"scale\"\n"));
}

#[test]
fn an_item_lacks_its_keys_unless_they_are_asked_for() {
    let live = r#"{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{"name":"desk",
        "managedFields":[{"manager":"m","operation":"Apply","apiVersion":"example.com/v1",
        "fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:level":{},"f:gone":{},"f:bulbs":{
        "k:{\"name\":\"main\"}":{"f:watts":{}},"k:{\"name\":\"side\"}":{".":{}},
        "k:{\"name\":\"gone\"}":{"f:watts":{}}}}}}]},
        "spec":{"bulbs":[{"name":"main","watts":40},{"name":"side","watts":7}]}}"#;
    let line = format!("extract -f - --schema {SCHEMA} --field-manager m");
    let bare = "\
apiVersion: example.com/v1
kind: Lamp
spec:
  bulbs:
  - watts: 40
  - name: side
    watts: 7
";
    assert_run(&run(&line, live), 0, bare, "");
    // The item that is owned without its contents is its key; what is gone is left out.
    let with_keys = "\
apiVersion: example.com/v1
kind: Lamp
metadata:
  name: desk
spec:
  bulbs:
  - name: main
    watts: 40
  - name: side
";
    assert_run(&run(&format!("{line} --with-keys"), live), 0, with_keys, "");
}

const SECRET: &str = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","uid":"1",
    "resourceVersion":"7","managedFields":[{"manager":"m","operation":"OP","apiVersion":"v1",
    "fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:password":{}}}}]},"data":{"password":"aHVudGVyMg=="}}"#;

#[test]
fn secrets_are_hidden_on_a_terminal_alone() {
    let terminal = Terminal { stdout: true, ..Terminal::default() };
    for (line, operation) in [
        ("extract -f - --field-manager m", "Apply"),
        ("plan adopt -f - --from m --to n -o yaml", "Update"),
        ("plan adopt -f - --from m --to n -o json", "Update"),
    ] {
        let object = SECRET.replace("OP", operation);
        let words: Vec<&str> = line.split(' ').collect();
        let shown = run_on(terminal, &words, object.as_bytes());
        assert!(!shown.out.contains("aHVudGVyMg") && shown.out.contains("***"), "{shown:?}");
        assert!(run(line, &object).out.contains("aHVudGVyMg"));
    }
    let report = run("plan adopt -f - --from m --to n", SECRET.replace("OP", "Update"));
    assert!(!report.out.contains("aHVudGVyMg") && report.out.contains(".data.password"));
}

#[test]
fn plan_adopt_reports_owners_and_what_the_next_apply_removes() {
    let done = run(
        &format!(
            "plan adopt -f {ADOPT} --from kubectl-client-side-apply --to kubectl --next {NEXT}"
        ),
        "",
    );
    assert_run(
        &done,
        0,
        "\
FIELD        BEFORE                                            AFTER
.data        \"kubectl-client-side-apply\" using v1              \"kubectl\"
.data.motd   \"kubectl\", \"kubectl-client-side-apply\" using v1   \"kubectl\"
.data.old    \"kubectl-client-side-apply\" using v1              \"kubectl\"

The next apply of tests/cli/data/adopt-next.yaml removes:
  .data.old
\"helm\" using v1beta1 then loses:
  .data.color
  .data.theme
",
        "",
    );
}

#[test]
fn plan_adopt_does_not_lose_ownership_unasked() {
    let line = format!("plan adopt -f {ADOPT} --from helm --to kubectl");
    let refusal = format!(
        "\
{ADOPT}: document 1 (line 1): ConfigMap shop/web: ownership would be lost:
* \"helm\" using v1beta1:
    .data.color
    .data.theme
Only fields of v1 can be adopted. To go on nevertheless, use --allow-loss.
"
    );
    let report = "\
FIELD         BEFORE                                                       AFTER
.data.color   \"helm\" using v1beta1                                         nobody
.data.theme   \"helm\" using v1, \"helm\" using v1beta1, \"designer\" using v1   \"kubectl\", \"designer\" using v1

Nobody will own:
  .data.color

The next apply by \"kubectl\" removes what it leaves out and nobody else owns.
";
    assert_run(&run(&line, ""), 1, report, &refusal);
    let refused = format!("error: {refusal}");
    assert_run(&run(&format!("{line} -o patch"), ""), 2, "", &refused);
    assert_run(&run(&format!("{line} -o yaml"), ""), 2, "", &refused);
    assert_run(&run(&format!("{line} --allow-loss"), ""), 0, report, "");
    let patch = run(&format!("{line} --allow-loss -o patch"), "");
    assert_eq!((patch.code, patch.err.as_str()), (0, ""));
    assert!(patch.out.starts_with("[{\"op\":\"replace\",\"path\":\"/metadata/managedFields\""));
}

#[test]
fn plan_adopt_writes_a_guarded_patch() {
    let done = run("plan adopt -f - --from m --to n -o patch", SECRET.replace("OP", "Update"));
    let patch = concat!(
        r#"[{"op":"replace","path":"/metadata/managedFields","value":[{"manager":"n","#,
        r#""operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","#,
        r#""fieldsV1":{"f:data":{"f:password":{}}}}]},"#,
        r#"{"op":"replace","path":"/metadata/resourceVersion","value":"7"}]"#,
        "\n"
    );
    assert_run(&done, 0, patch, "");
}

#[test]
fn plan_adopt_writes_the_new_object() {
    let live = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, managedFields: [{manager: m, operation: Update, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {'f:data': {'f:k': {}}}}]}, data: {k: v}}";
    let object = "\
apiVersion: v1
data:
  k: v
kind: ConfigMap
metadata:
  managedFields:
  - apiVersion: v1
    fieldsType: FieldsV1
    fieldsV1:
      \"f:data\":
        \"f:k\": {}
    manager: \"n\"
    operation: Apply
  name: a
";
    assert_run(&run("plan adopt -f - --from m --to n -o yaml", live), 0, object, "");
}

#[test]
fn plan_adopt_with_nothing_to_do_is_no_finding() {
    let line = format!("plan adopt -f {ADOPT} --from nobody --to kubectl");
    let note =
        format!("note: {ADOPT}: document 1 (line 1): nothing to do: no entry of \"nobody\"\n");
    assert_run(&run(&line, ""), 0, "Nothing changes.\n", &note);
    assert_run(&run(&format!("{line} -o patch"), ""), 0, "", &note);
}

#[test]
fn plan_adopt_tells_that_the_next_apply_conflicts() {
    let next = "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {theme: light}}";
    let line = format!(
        "plan adopt -f {ADOPT} --from kubectl-client-side-apply --to kubectl --next - -o table"
    );
    let done = run(&line, next);
    assert_eq!(done.code, 1);
    assert_eq!(
        done.err,
        "\
standard input: document 1 (line 1): the next apply: Apply failed with 2 conflicts: conflicts with \"designer\" using v1:
- .data.theme
conflicts with \"helm\" using v1:
- .data.theme
"
    );
    let (_, next) = done.out.split_once("\n\n").unwrap();
    assert!(
        next.starts_with(
            "The next apply of standard input, if forced, removes:\n  .data.motd\n  .data.old\n"
        ),
        "{next}"
    );
}

#[test]
fn plan_adopt_refuses_a_list_that_it_cannot_read() {
    let live = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"managedFields":[null]}}"#;
    let done = run("plan adopt -f - --from m --to n", live);
    let message = "error: standard input: document 1 (line 1): metadata.managedFields is not a list of entries\n";
    assert_run(&done, 2, "", message);
    let live = live.replace(
        "null",
        r#"{"manager":"m","operation":"Update","apiVersion":"v1","fieldsV1":{"fa":{}}}"#,
    );
    let done = run("plan adopt -f - --from m --to n", live);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.contains("failed to convert fields to set: "), "{}", done.err);
}

#[test]
fn patches_of_several_objects_name_them() {
    let secret = SECRET.replace("OP", "Update");
    let cluster_role = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r\"","resourceVersion":"8","managedFields":[{"manager":"m","operation":"Update","apiVersion":"rbac.authorization.k8s.io/v1","fieldsType":"FieldsV1","fieldsV1":{"f:rules":{}}}]}}"#;
    let nothing = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}"#;
    let objects = format!("{secret}\n---\n{cluster_role}\n---\n{nothing}\n");
    let entry = |api_version: &str, fields: &str| {
        format!(
            r#"[{{"op":"replace","path":"/metadata/managedFields","value":[{{"manager":"n","operation":"Apply","apiVersion":"{api_version}","fieldsType":"FieldsV1","fieldsV1":{fields}}}]}},"#
        )
    };
    let guard = |version: &str| {
        format!(r#"{{"op":"replace","path":"/metadata/resourceVersion","value":"{version}"}}]"#)
    };
    let expected = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"name\":\"s\",\"patch\":{}{}}}\n\
         {{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRole\",\"name\":\"r\\\"\",\"patch\":{}{}}}\n",
        entry("v1", r#"{"f:data":{"f:password":{}}}"#),
        guard("7"),
        entry("rbac.authorization.k8s.io/v1", r#"{"f:rules":{}}"#),
        guard("8"),
    );
    let done = run("plan adopt -f - --from m --to n -o patch", &objects);
    let note = "note: plan: nothing to do for 1 of 3 objects\n";
    assert_run(&done, 0, &expected, note);
}

/// A Deployment whose entries are of two versions.
const STALE: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  resourceVersion: "42"
  managedFields:
  - apiVersion: apps/v1beta1
    fieldsType: FieldsV1
    fieldsV1:
      f:spec:
        f:replicas: {}
        f:rollbackTo: {}
    manager: ann
    operation: Apply
    time: "2026-01-01T00:00:00Z"
  - apiVersion: apps/v1beta1
    fieldsType: FieldsV1
    fieldsV1:
      f:spec:
        f:paused: {}
    manager: bob
    operation: Update
    time: "2026-01-02T00:00:00Z"
  - apiVersion: apps/v1
    fieldsType: FieldsV1
    fieldsV1:
      f:spec:
        f:minReadySeconds: {}
    manager: bob
    operation: Update
    time: "2026-01-01T00:00:00Z"
spec:
  replicas: 3
  paused: true
  minReadySeconds: 1
"#;

const MIGRATE: &str = "plan migrate-version -f - --from-version apps/v1beta1 --to-version apps/v1";

#[test]
fn plan_migrate_version_does_not_lose_ownership_unasked() {
    let refusal = "\
standard input: document 1 (line 1): Deployment shop/web: ownership would be lost:
* \"ann\":
    .spec.rollbackTo
Only fields that there are at apps/v1 can be kept. To go on nevertheless, use --allow-loss.
";
    let report = "\
FIELD              BEFORE                     AFTER
.spec.paused       \"bob\" using apps/v1beta1   \"bob\" using apps/v1
.spec.replicas     \"ann\" using apps/v1beta1   \"ann\" using apps/v1
.spec.rollbackTo   \"ann\" using apps/v1beta1   nobody

Nobody will own:
  .spec.rollbackTo
";
    assert_run(&run(MIGRATE, STALE), 1, report, refusal);
    let refused = format!("error: {refusal}");
    assert_run(&run(&format!("{MIGRATE} -o patch"), STALE), 2, "", &refused);
    assert_run(&run(&format!("{MIGRATE} -o yaml"), STALE), 2, "", &refused);
    assert_run(&run(&format!("{MIGRATE} --allow-loss"), STALE), 0, report, "");
    let object = run(&format!("{MIGRATE} --allow-loss -o json"), STALE);
    assert_eq!((object.code, object.err.as_str()), (0, ""));
    assert!(!object.out.contains("v1beta1") && !object.out.contains("rollbackTo"));
}

#[test]
fn plan_migrate_version_may_leave_no_owner() {
    let live = STALE.split("  - apiVersion: apps/v1beta1\n").next().unwrap().to_owned()
        + "  - {apiVersion: apps/v1beta1, fieldsType: FieldsV1, manager: ann, operation: Apply, fieldsV1: \
           {f:spec: {f:rollbackTo: {}}}}\n";
    let done = run(&format!("{MIGRATE} --allow-loss -o patch"), live);
    let patch = concat!(
        r#"[{"op":"replace","path":"/metadata/managedFields","value":[{}]},"#,
        r#"{"op":"replace","path":"/metadata/resourceVersion","value":"42"}]"#,
        "\n",
    );
    assert_run(&done, 0, patch, "");
}

#[test]
fn plan_migrate_version_writes_a_guarded_patch() {
    let patch = concat!(
        r#"[{"op":"replace","path":"/metadata/managedFields","value":[{"manager":"ann","#,
        r#""operation":"Apply","apiVersion":"apps/v1","time":"2026-01-01T00:00:00Z","#,
        r#""fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}}},{"manager":"bob","#,
        r#""operation":"Update","apiVersion":"apps/v1","time":"2026-01-02T00:00:00Z","#,
        r#""fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:minReadySeconds":{},"f:paused":{}}}}]},"#,
        r#"{"op":"replace","path":"/metadata/resourceVersion","value":"42"}]"#,
    );
    let line = format!("{MIGRATE} --allow-loss -o patch");
    assert_run(&run(&line, STALE), 0, &format!("{patch}\n"), "");
    let two = format!("{STALE}---\n{}", STALE.replace("name: web", "name: api"));
    let named = |name: &str| {
        format!(
            r#"{{"apiVersion":"apps/v1","kind":"Deployment","namespace":"shop","name":"{name}","patch":{patch}}}"#
        )
    };
    let expected = format!("{}\n{}\n", named("web"), named("api"));
    assert_run(&run(&line, &two), 0, &expected, "");
}

#[test]
fn plan_migrate_version_with_nothing_to_do_is_no_finding() {
    let note = "note: standard input: document 1 (line 1): nothing to do:";
    for (versions, why) in [
        (["apps/v9", "apps/v1"], "no entry is recorded at apps/v9"),
        (["apps/v1", "apps/v1"], "both versions are apps/v1"),
        (["a/b/c", "apps/v1"], "no entry is recorded at a/b/c"),
    ] {
        let [from, to] = versions;
        let line = format!("plan migrate-version -f - --from-version {from} --to-version {to}");
        let note = format!("{note} {why}\n");
        assert_run(&run(&line, STALE), 0, "Nothing changes.\n", &note);
        assert_run(&run(&format!("{line} -o patch"), STALE), 0, "", &note);
    }
}

#[test]
fn plan_migrate_version_refuses_what_it_cannot_do() {
    let place = "error: standard input: document 1 (line 1):";
    for (to, live, message) in [
        (
            "apps/v9",
            STALE.to_owned(),
            "no corresponding type for apps/v9, Kind=Deployment: name a schema that has it with \
             --schema, or another --to-version",
        ),
        ("a/b/c", STALE.to_owned(), "unexpected GroupVersion string: a/b/c"),
        (
            "apps/v1",
            STALE.replace("operation: Apply", "operation: Patch"),
            "operation must be `Apply` or `Update`, but that of \"ann\" is \"Patch\"",
        ),
        (
            "apps/v1",
            "{apiVersion: v1, kind: X, metadata: {managedFields: 5}}".to_owned(),
            "metadata.managedFields is not a list of entries",
        ),
    ] {
        let line =
            format!("plan migrate-version -f - --from-version apps/v1beta1 --to-version {to}");
        let done = run(&line, &live);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{}", done.err);
        assert!(done.err.ends_with(&format!("{place} {message}\n")), "{}", done.err);
    }
}

#[test]
fn plan_migrate_version_knows_the_schemas_that_it_is_given() {
    let live = r#"{"apiVersion":"example.com/v2","kind":"Lamp","metadata":{"name":"desk",
        "managedFields":[{"manager":"m","operation":"Apply","apiVersion":"example.com/v2",
        "fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:on":{},"f:colour":{}}}}]},"spec":{"on":true}}"#;
    let line =
        "plan migrate-version -f - --from-version example.com/v2 --to-version example.com/v1";
    let typed = run(&format!("{line} --schema {SCHEMA}"), live);
    assert_eq!(typed.code, 1);
    assert!(typed.out.contains("Nobody will own:\n  .spec.colour\n"), "{}", typed.out);
    let strict = run(&format!("{line} --strict-schema -o json"), live);
    assert_eq!(strict.code, 2);
    let message = "there is no schema for example.com/v2, Kind=Lamp";
    assert_eq!(strict.err.matches(message).count(), 1, "{}", strict.err);
    assert!(strict.out.contains("\"status\": \"Failure\""));
    let untyped = run(&format!("{line} -o patch"), live);
    assert_eq!(untyped.code, 0);
    assert!(
        untyped.err.starts_with("warning: ") && untyped.err.contains(message),
        "{}",
        untyped.err
    );
}
