//! `extract` and `plan adopt`.

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
* \"helm\" using v1beta1: 2 fields
Only fields of v1 can be adopted. To drop the others, use --allow-loss.
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
    assert_run(&run(&format!("{line} -o patch"), ""), 1, "", &refusal);
    assert_run(&run(&format!("{line} -o yaml"), ""), 1, "", &refusal);
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
