//! `plan rename`, `plan merge`, `plan release` and `plan purge`, and what all plans have in common.

use serde_json::{Value, json};

use super::{Outcome, assert_run, run, run_words, temporary};

/// A Deployment with an applier, an updater, and one who writes another subresource.
const WEB: &str = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop",
    "uid":"1","resourceVersion":"42","managedFields":[
    {"manager":"team","operation":"Apply","apiVersion":"apps/v1","time":"2026-01-01T00:00:00Z",
    "fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{
    "k:{\"name\":\"app\"}":{".":{},"f:name":{},"f:args":{},"f:image":{}}}}}}}},
    {"manager":"old","operation":"Update","apiVersion":"apps/v1","time":"2026-01-02T00:00:00Z",
    "fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{},"f:paused":{}}}},
    {"manager":"old","operation":"Update","apiVersion":"apps/v1","time":"2026-01-03T00:00:00Z",
    "fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:replicas":{}}},"subresource":"status"}]},
    "spec":{"paused":true,"replicas":3,"template":{"spec":{"containers":[
    {"args":["x"],"image":"a","name":"app"}]}}},"status":{"replicas":3}}"#;

const PLACE: &str = "standard input: document 1 (line 1)";

fn plan(words: &str) -> Outcome {
    plan_of(words, WEB)
}

fn plan_of(words: &str, object: &str) -> Outcome {
    run(&format!("plan {words} -f -"), object)
}

/// The list that a patch writes: manager, operation, subresource, time and fields of each entry.
fn list(done: &Outcome) -> Vec<Value> {
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    let patch: Value = serde_json::from_str(&done.out).unwrap();
    let guard = json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "42"});
    assert_eq!(patch[1], guard);
    assert_eq!((patch.as_array().unwrap().len(), &patch[0]["op"]), (2, &json!("replace")));
    let entries = patch[0]["value"].as_array().unwrap();
    let told = |entry: &Value| {
        let members = ["manager", "operation", "subresource", "time", "fieldsV1"];
        Value::Array(members.map(|member| entry[member].clone()).to_vec())
    };
    entries.iter().map(told).collect()
}

#[test]
fn plan_rename_gives_all_entries_another_name() {
    let done = plan("rename --from old --to new");
    let report = "\
FIELD              BEFORE                                          AFTER
.spec.paused       \"old\" using apps/v1                             \"new\" using apps/v1
.spec.replicas     \"team\", \"old\" using apps/v1                     \"team\", \"new\" using apps/v1
.status.replicas   \"old\" with subresource \"status\" using apps/v1   \"new\" with subresource \"status\" using apps/v1
";
    assert_run(&done, 0, report, "");
    let entries = list(&plan("rename --from old --to new -o patch"));
    let names: Vec<&Value> = entries.iter().map(|entry| &entry[0]).collect();
    assert_eq!(names, ["team", "new", "new"]);
    let entries = list(&plan("rename --from old --to new --subresource status -o patch"));
    let names: Vec<&Value> = entries.iter().map(|entry| &entry[0]).collect();
    assert_eq!(names, ["team", "old", "new"]);
    let done = plan("rename --from old --to new --operation apply");
    let note = format!("note: {PLACE}: nothing to do: no entry of \"old\"\n");
    assert_run(&done, 0, "Nothing changes.\n", &note);
}

#[test]
fn plan_merge_unites_what_appliers_own() {
    let object = WEB.replace(
        r#""manager":"old","operation":"Update""#,
        r#""manager":"old","operation":"Apply""#,
    );
    let done = plan_of("merge --from team --from old --to team -o patch", &object);
    let containers = json!({"k:{\"name\":\"app\"}":
        {".": {}, "f:args": {}, "f:image": {}, "f:name": {}}});
    let fields = json!({"f:spec": {"f:paused": {}, "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": containers}}}});
    assert_eq!(
        list(&done),
        [
            json!(["team", "Apply", null, "2026-01-02T00:00:00Z", fields]),
            json!(["team", "Apply", "status", "2026-01-03T00:00:00Z",
                {"f:status": {"f:replicas": {}}}]),
        ]
    );
    let two = plan("merge --from team --from old --to team");
    let hint = "\"team\" has applied and updated, which are two managers to the API server: plan adopt makes one applier of both.\n";
    assert!(two.code == 0 && two.out.ends_with(hint), "{}", two.out);
}

#[test]
fn plan_merge_does_not_mix_versions() {
    let object = WEB.replace(
        r#""manager":"old","operation":"Update","apiVersion":"apps/v1""#,
        r#""manager":"old","operation":"Apply","apiVersion":"apps/v1beta2""#,
    );
    let done = plan_of("merge --from old --to team", &object);
    let message = format!(
        "error: {PLACE}: \"old\" applied at apps/v1beta2 and \"team\" at apps/v1: an applier owns \
         fields of one version; bring them to one with plan migrate-version first\n"
    );
    assert_run(&done, 2, "", &message);
}

#[test]
fn plan_release_hands_fields_over() {
    let done = plan(
        "release --field-manager team --path .spec.template.spec.containers[0].image --to ci -o patch",
    );
    let entries = list(&done);
    assert_eq!(entries.len(), 4);
    let containers = json!({"k:{\"name\":\"app\"}": {".": {}, "f:args": {}, "f:name": {}}});
    assert_eq!(
        entries[0][4],
        json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": containers}}}})
    );
    let containers = json!({"k:{\"name\":\"app\"}": {"f:image": {}}});
    assert_eq!(
        entries[3],
        json!(["ci", "Apply", null, "2026-01-01T00:00:00Z",
            {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}}])
    );
}

#[test]
fn plan_release_loses_nothing_unasked() {
    let shared = plan("release --field-manager team --path .spec.replicas");
    let report = "\
FIELD            BEFORE                        AFTER
.spec.replicas   \"team\", \"old\" using apps/v1   \"old\" using apps/v1

If \"team\" applies them again, it owns them again.
";
    assert_run(&shared, 0, report, "");
    let line = "release --field-manager team --path .spec.template";
    let refused = plan(&format!("{line} -o patch"));
    let message = format!(
        "error: {PLACE}: Deployment shop/web: ownership would be lost:\n* \"team\":\n    \
         .spec.template.spec.containers[name=\"app\"]\n    \
         .spec.template.spec.containers[name=\"app\"].args\n    \
         .spec.template.spec.containers[name=\"app\"].image\n    \
         .spec.template.spec.containers[name=\"app\"].name\n\
         To keep them owned, give them to somebody with --to. To go on nevertheless, use \
         --allow-loss.\n"
    );
    assert_run(&refused, 2, "", &message);
    assert_eq!(plan(line).code, 1);
    let entries = list(&plan(&format!("{line} --allow-loss -o patch")));
    assert_eq!(entries[0][4], json!({"f:spec": {"f:replicas": {}}}));
}

#[test]
fn plan_release_says_why_there_is_nothing_to_release() {
    for (path, why) in [
        (".spec.paused", "\"team\" owns nothing at .spec.paused"),
        (".spec.repicas", "there is no .spec.repicas; nearest is .spec.replicas"),
        (
            ".spec.template.spec.containers[name=\"app\"].args[0]",
            "\"team\" owns .spec.template.spec.containers[name=\"app\"].args[0] only as part of \
             .spec.template.spec.containers[name=\"app\"].args, which can be released as a whole",
        ),
    ] {
        let done = plan(&format!("release --field-manager team --path {path}"));
        let note = format!("note: {PLACE}: nothing to do: {why}\n");
        assert_run(&done, 0, "Nothing changes.\n", &note);
    }
    let broken = plan("release --field-manager team --path .spec[");
    assert!(broken.code == 2 && broken.err.contains(".spec[ is not a path: "), "{}", broken.err);
}

#[test]
fn plan_purge_loses_nothing_unasked() {
    let done = plan("purge --field-manager old");
    let report = "\
FIELD              BEFORE                                          AFTER
.spec.paused       \"old\" using apps/v1                             nobody
.spec.replicas     \"team\", \"old\" using apps/v1                     \"team\"
.status.replicas   \"old\" with subresource \"status\" using apps/v1   nobody

Nobody will own:
  .spec.paused
  .status.replicas
";
    let refusal = "Deployment shop/web: ownership would be lost:
* \"old\" using apps/v1:
    .spec.paused
* \"old\" with subresource \"status\" using apps/v1:
    .status.replicas
To keep them owned, give them to somebody: plan merge, or plan adopt to an applier. To go on nevertheless, use --allow-loss.
";
    assert_run(&done, 1, report, &format!("{PLACE}: {refusal}"));
    let refused = plan("purge --field-manager old -o json");
    assert_eq!(refused.code, 2);
    assert_eq!(refused.err, format!("error: {PLACE}: {refusal}"));
    let status: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(status["message"], "ownership would be lost");
    assert_eq!(list(&plan("purge --field-manager old --allow-loss -o patch")).len(), 1);
    // What others own as well is not lost.
    let owned = WEB.replace(r#","f:paused":{}"#, "");
    let entries =
        plan_of("purge --field-manager old --operation update --subresource= -o patch", &owned);
    assert_eq!(list(&entries).len(), 2);
}

#[test]
fn the_last_owner_is_dropped_as_the_server_wants_it() {
    let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"42",
        "managedFields":[{"manager":"m","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1",
        "fieldsV1":{"f:data":{"f:k":{}}}}]},"data":{"k":"v"}}"#;
    let line = "purge --field-manager m --allow-loss";
    let patch = plan_of(&format!("{line} -o patch"), object);
    let list = r#"[{"op":"replace","path":"/metadata/managedFields","value":[{}]},"#;
    assert!(patch.code == 0 && patch.out.starts_with(list), "{}", patch.out);
    let report = plan_of(line, object);
    let end =
        "\nNo owner is left: the next apply finds all fields owned by \"before-first-apply\".\n";
    assert!(report.out.ends_with(end), "{}", report.out);
    let live = temporary("purged.json", object);
    let cured = run(
        &format!("patch -f - --live {live} --type json --show-managed-fields -o json"),
        patch.out,
    );
    let cured: Value = serde_json::from_str(&cured.out).unwrap();
    assert_eq!(cured["metadata"], json!({"name": "a", "resourceVersion": "42"}));
}

#[test]
fn what_is_applied_next_needs_an_applier() {
    let next = temporary(
        "next.yaml",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 3}}",
    );
    // What was only there for the sake of a field goes with it.
    let removed = "removes:\n  .spec.template\n";
    let line = format!("purge --field-manager old --allow-loss --next {next}");
    let sole = plan(&line);
    assert!(sole.code == 0 && sole.out.contains(removed), "{}{}", sole.out, sole.err);
    let other = plan(&format!("{line} --as somebody"));
    assert!(other.code == 0 && other.out.ends_with(" removes nothing.\n"), "{}", other.out);
    let two = WEB.replacen(
        r#""manager":"old","operation":"Update""#,
        r#""manager":"two","operation":"Apply""#,
        1,
    );
    let several = plan_of(&line, &two);
    let message = "name with --as who applies this: \"team\", \"two\"\n";
    assert!(several.code == 2 && several.err.ends_with(message), "{}", several.err);
    let renamed = plan(&format!("rename --from team --to new --next {next}"));
    assert!(renamed.code == 0 && renamed.out.contains(removed), "{}", renamed.out);
    let alone = plan("purge --field-manager old --as team");
    assert!(alone.code == 2 && alone.err.contains("--next"), "{}", alone.err);
}

/// A release is in vain as long as the configuration states the field.
#[test]
fn what_is_owned_again_by_the_next_apply_is_told() {
    let next = temporary(
        "next-again.yaml",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3, template: {spec: \
         {containers: [{name: app, image: a, args: [x]}]}}}}",
    );
    let line = format!("release --field-manager team --path .spec.replicas --next {next}");
    let end = format!(
        "\nThe next apply of {next} removes nothing.\n\"team\" then owns again:\n  .spec.replicas\n"
    );
    let done = plan(&line);
    assert!(done.code == 0 && done.out.ends_with(&end), "{}{}", done.out, done.err);
    // Of one who states it no more nothing is to be told.
    std::fs::write(&next, std::fs::read_to_string(&next).unwrap().replace("replicas: 3, ", ""))
        .unwrap();
    let done = plan(&line);
    assert!(done.code == 0 && done.out.ends_with(" removes nothing.\n"), "{}", done.out);
    let renamed = plan(&format!("rename --from team --to new --next {next}"));
    assert!(!renamed.out.contains("owns again"), "{}", renamed.out);
}

#[test]
fn a_patch_without_a_resource_version_is_warned_of() {
    let object = WEB.replace(r#""resourceVersion":"42","#, "");
    let done = plan_of("rename --from team --to new -o patch", &object);
    let warning = format!(
        "warning: {PLACE}: the object has no resourceVersion: the patch also changes what somebody \
         else has written meanwhile\n"
    );
    assert_eq!((done.code, done.err), (0, warning));
}

#[test]
fn bad_input_is_told_with_its_place() {
    for (words, object, message) in [
        ("rename --from team --to a\u{7f}", WEB.to_owned(), "invalid character U+007F"),
        (
            "rename --from team --to b",
            WEB.replace("\"Apply\"", "\"Patch\""),
            "but that of \"team\" is \"Patch\"",
        ),
        (
            "purge --field-manager team",
            r#"{"kind":"A","metadata":{"managedFields":5}}"#.to_owned(),
            "metadata.managedFields is not a list of entries",
        ),
        (
            "merge --from team --to b",
            WEB.replace(
                r#"{"f:spec":{"f:replicas":{},"f:template""#,
                r#"{"x":{},"f:spec":{"f:template""#,
            ),
            "failed to convert fields of \"team\" to set: ",
        ),
    ] {
        let done = plan_of(words, &object);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{words}");
        assert!(done.err.starts_with(&format!("error: {PLACE}: ")), "{}", done.err);
        assert!(done.err.contains(message), "{}", done.err);
    }
    for words in ["rename --from team --to=", "adopt --from team --to=", "merge --to a"] {
        assert_eq!(plan(words).code, 2);
    }
    let nothing = plan_of("rename --from a --to b", "");
    assert_run(&nothing, 2, "", "error: standard input: there is no object in it\n");
    let list = r#"{"kind":"List","apiVersion":"v1","items":[]}"#;
    let note = format!("note: {PLACE}: the list is empty\n");
    assert_run(&plan_of("rename --from a --to b", list), 0, "", &note);
    let two = plan_of("rename --from team --to b -o patch", &format!("{WEB}\n---\na: [1"));
    assert!(
        two.code == 2 && two.err.starts_with("error: standard input: document 2 "),
        "{}",
        two.err
    );
    assert!(two.out.starts_with("{\"apiVersion\""), "{}", two.out);
    let repeated = plan_of("rename --from a --to b", "{kind: A, kind: A}");
    assert!(repeated.err.starts_with("warning: "), "{}", repeated.err);
}

#[test]
fn of_a_dump_only_what_changes_is_told() {
    // More than is read at once, so that it is read piece by piece.
    let filler = "x".repeat(2000);
    let other = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c"}},"data":{{"k":"{filler}"}}}}"#
    );
    let others = vec![other; 700].join(",");
    let web = WEB.replace("\"web\"", "\"api\"");
    let dump = format!(r#"{{"kind":"List","apiVersion":"v1","items":[{WEB},{others},{web}]}}"#);
    let done = plan_of("rename --from team --to new -o patch", &dump);
    assert_eq!(
        (done.code, done.err.as_str()),
        (0, "note: plan: nothing to do for 700 of 702 objects\n")
    );
    let names: Vec<Value> = done
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].clone())
        .collect();
    assert_eq!(names, ["web", "api"]);
    let report = plan_of("rename --from team --to new", &dump);
    let heads: Vec<&str> = report.out.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(heads, ["# Deployment shop/web", "# Deployment shop/api"]);
    // A list of one is a list.
    let list = format!(r#"{{"kind":"List","apiVersion":"v1","items":[{WEB}]}}"#);
    let done = plan_of("rename --from team --to new -o patch", &list);
    assert!(done.code == 0 && done.out.starts_with("{\"apiVersion\":\"apps/v1\","), "{}", done.out);
    let nothing = plan_of("rename --from nobody --to new", &dump);
    assert_run(&nothing, 0, "", "note: plan: nothing to do for all 702 objects\n");
}

/// A dump that is read piece by piece: a Deployment, ConfigMaps, and another Deployment.
fn dump_around(first: &str, last: &str) -> String {
    let filler = "x".repeat(2000);
    let other = |number: usize| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{number}"}},"data":{{"k":"{filler}"}}}}"#
        )
    };
    let others: Vec<String> = (0..700).map(other).collect();
    let others = others.join(",");
    format!(r#"{{"kind":"List","apiVersion":"v1","items":[{first},{others},{last}]}}"#)
}

/// What is applied next is found out for the objects of a dump that it is for, from pipes and files.
#[test]
fn of_a_dump_only_what_is_applied_next_is_foreseen() {
    let api = WEB.replace("\"web\"", "\"api\"");
    let dump = dump_around(WEB, &api);
    let next = temporary(
        "next-of-dump.yaml",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: 3}}",
    );
    let line = format!("plan rename --from team --to new --next {next}");
    let piped = run(&format!("{line} -f -"), &dump);
    let note = "note: plan: nothing to do for 700 of 702 objects\n";
    assert_eq!((piped.code, piped.err.as_str()), (0, note));
    let (web, api) = piped.out.split_once("\n# Deployment shop/api\n").unwrap();
    assert!(web.starts_with("# Deployment shop/web\n") && !web.contains("next apply"), "{web}");
    let removed = format!("\nThe next apply of {next} removes:\n  .spec.template\n");
    assert!(api.contains(&removed), "{api}");
    let file = temporary("dump-next.json", &dump);
    let from_file = run(&format!("{line} -f {file}"), "");
    assert_eq!((from_file.code, from_file.out), (0, piped.out));
    // A name that is there twice needs a namespace.
    let twice = dump_around(WEB, &WEB.replace("\"shop\"", "\"mall\""));
    let next = temporary(
        "next-of-twice.yaml",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3}}",
    );
    let line = format!("plan rename --from team --to new --next {next} -f -");
    let unclear = run(&line, &twice);
    let message = "Deployment web is in several namespaces; say which with -n\n";
    assert!(unclear.code == 2 && unclear.err.contains(message), "{}", unclear.err);
    let clear = run(&format!("{line} -n mall"), &twice);
    assert_eq!((clear.code, clear.out.matches("The next apply").count()), (0, 1), "{}", clear.err);
}

/// Objects without an entry at the version to leave are none of its business, whatever their kind.
#[test]
fn of_a_dump_only_entries_of_the_version_are_migrated() {
    let stale = WEB.replace(
        r#""manager":"team","operation":"Apply","apiVersion":"apps/v1""#,
        r#""manager":"team","operation":"Apply","apiVersion":"apps/v1beta2""#,
    );
    let dump = dump_around(WEB, &stale);
    let line = "plan migrate-version --from-version apps/v1beta2 --to-version apps/v1 -o patch";
    let piped = run(&format!("{line} -f -"), &dump);
    let note = "note: plan: nothing to do for 701 of 702 objects\n";
    assert_eq!((piped.code, piped.err.as_str()), (0, note));
    let patch: Value = serde_json::from_str(&piped.out).unwrap();
    assert_eq!(patch["patch"][0]["value"][0]["apiVersion"], "apps/v1");
    let file = temporary("dump-migrate.json", &dump);
    assert_eq!(run(&format!("{line} -f {file}"), "").out, piped.out);
    // The items of a typed list need not say what they are.
    let typed = format!("{{{}", &stale[r#"{"apiVersion":"apps/v1","kind":"Deployment","#.len()..]);
    let filler = format!(r#"{{"metadata":{{"name":"{}"}}}}"#, "x".repeat(2000));
    let filler = vec![filler; 700].join(",");
    let typed =
        format!(r#"{{"kind":"DeploymentList","apiVersion":"apps/v1","items":[{filler},{typed}]}}"#);
    let file = temporary("dump-typed.json", typed);
    assert_eq!(run(&format!("{line} -f {file}"), "").out, piped.out);
}

/// All objects of a dump are printed, changed or not, as one list or stream.
#[test]
fn objects_of_a_dump_are_printed_as_they_come() {
    let dump = dump_around(WEB, &WEB.replace("\"web\"", "\"api\""));
    let file = temporary("dump-printed.json", &dump);
    let json = run(&format!("plan rename --from team --to new -o json -f {file}"), "");
    let list: Value = serde_json::from_str(&json.out).unwrap();
    let items = list["items"].as_array().unwrap();
    assert_eq!((json.code, list["kind"].as_str(), items.len()), (0, Some("List"), 702));
    let names = |item: &Value| item["metadata"]["name"].as_str().unwrap().to_owned();
    let names: Vec<String> = items.iter().map(names).collect();
    assert_eq!((names[0].as_str(), names[1].as_str()), ("web", "c0"));
    assert_eq!((names[700].as_str(), names[701].as_str()), ("c699", "api"));
    assert_eq!(items[701]["metadata"]["managedFields"][0]["manager"], "new");
    let start = "{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"List\",\n    \"items\": [\n        {\n            \"";
    assert!(json.out.starts_with(start) && json.out.ends_with("        }\n    ]\n}\n"));
    let yaml = run(&format!("plan rename --from team --to new -o yaml -f {file}"), "");
    assert_eq!((yaml.code, yaml.out.matches("\n---\n").count()), (0, 701));
}

/// A history: what was stuck in `live`, and the words of the plan that cures it.
struct History {
    live: &'static str,
    next: &'static str,
    applier: &'static str,
    plan: &'static str,
    schema: &'static str,
    /// How it shows before: what a refusal says, or nothing where the apply goes through and leaves
    /// `stuck`.
    refusal: &'static str,
    /// What the next apply has to remove, as JSON pointers, and the values that it sets.
    stuck: &'static [&'static str],
    set: &'static [(&'static str, &'static str)],
}

const HISTORIES: &[History] = &[
    History {
        live: "settings.yaml",
        next: "settings-next.yaml",
        applier: "kubectl",
        plan: "adopt --from kubectl-client-side-apply --to kubectl",
        schema: "",
        refusal: "",
        stuck: &["/data/legacy", "/metadata/annotations"],
        set: &[],
    },
    History {
        live: "chart.yaml",
        next: "chart-next.yaml",
        applier: "helm",
        plan: "adopt --from helm --to helm",
        schema: "",
        refusal: "Apply failed with 1 conflict: conflict with \"helm\" using apps/v1: \
                  .spec.template.spec.containers[name=\"app\"].image",
        stuck: &["/spec/template/spec/containers/0/env/0"],
        set: &[("/spec/template/spec/containers/0/image", "nginx:1.28")],
    },
    History {
        live: "composed.yaml",
        next: "composed-next.yaml",
        applier: "apiextensions.crossplane.io/composed/2a8f6b",
        plan: "adopt --from crossplane --to apiextensions.crossplane.io/composed/2a8f6b",
        schema: "",
        refusal: "",
        stuck: &["/spec/forProvider/tags/environment"],
        set: &[],
    },
    History {
        live: "server.yaml",
        next: "server-next.yaml",
        applier: "kustomize-controller",
        plan: "migrate-version --from-version policy.linkerd.io/v1beta1 --to-version \
               policy.linkerd.io/v1beta3",
        schema: "--schema docs/stories/stuck-fields/server-definition.yaml",
        refusal: ".spec.accessPolicy: field not declared in schema",
        stuck: &["/spec/proxyProtocol"],
        set: &[],
    },
];

/// Takes away what a pointer leads to.
fn remove(object: &mut Value, pointer: &str) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match object.pointer_mut(parent).unwrap() {
        Value::Array(items) => drop(items.remove(last.parse().unwrap())),
        Value::Object(members) => assert!(members.remove(last).is_some(), "{pointer}"),
        _ => panic!("{pointer}"),
    }
}

#[test]
fn each_history_is_cured_by_the_printed_patch() {
    for History { live, next, applier, plan, schema, refusal, stuck, set } in HISTORIES {
        let live = format!("docs/stories/stuck-fields/{live}");
        let next = format!("docs/stories/stuck-fields/{next}");
        let apply = |live: &str| {
            run(
                &format!(
                    "apply -f {next} --live {live} --field-manager {applier} -o json {schema}"
                ),
                "",
            )
        };
        let object = |done: &Outcome| serde_json::from_str::<Value>(&done.out).unwrap();
        let sick = apply(&live);
        match *refusal {
            "" => {
                assert_eq!(sick.code, 0, "{}", sick.err);
                let left = stuck.iter().filter(|stuck| object(&sick).pointer(stuck).is_some());
                assert_eq!(left.count(), stuck.len(), "{live}");
            }
            refusal => assert!(sick.code > 0 && sick.err.contains(refusal), "{}", sick.err),
        }
        let line = format!("plan {plan} -f {live} {schema}");
        let patch = run(&format!("{line} -o patch"), "");
        assert_eq!((patch.code, patch.err.as_str()), (0, ""));
        let patch = temporary("cure.json", &patch.out);
        let cured = run(
            &format!("patch -f {patch} --live {live} --type json --show-managed-fields {schema}"),
            "",
        );
        assert_eq!(cured.code, 0, "{}", cured.err);
        // The patch makes the object that the plan prints.
        let planned = run(&format!("{line} -o yaml"), "");
        let entries = |text: &str| {
            let object: Value =
                serde_json::from_str(&managed_fields::yaml::to_json(text).unwrap()).unwrap();
            let list = object["metadata"]["managedFields"].as_array().unwrap();
            let mut list: Vec<String> = list.iter().map(Value::to_string).collect();
            list.sort();
            list
        };
        assert_eq!(entries(&cured.out), entries(&planned.out), "{live}");
        let cured = temporary("cured.yaml", &cured.out);
        let again = run(&format!("plan {plan} -f {cured} {schema}"), "");
        assert_eq!((again.code, again.out.as_str()), (0, "Nothing changes.\n"));
        let healthy = apply(&cured);
        assert_eq!(healthy.code, 0, "{}", healthy.err);
        let text = std::fs::read_to_string(&live).unwrap();
        let mut expected: Value =
            serde_json::from_str(&managed_fields::yaml::to_json(&text).unwrap()).unwrap();
        remove(&mut expected, "/metadata/managedFields");
        for pointer in *stuck {
            remove(&mut expected, pointer);
        }
        for (pointer, value) in *set {
            *expected.pointer_mut(pointer).unwrap() = json!(value);
        }
        assert_eq!(object(&healthy), expected, "{live}");
    }
}

#[test]
fn a_patch_on_another_state_of_the_object_is_refused() {
    let live = "docs/stories/stuck-fields/settings.yaml";
    let patch = run(
        &format!("plan adopt -f {live} --from kubectl-client-side-apply --to kubectl -o patch"),
        "",
    );
    let later = std::fs::read_to_string(live).unwrap().replace("\"1040\"", "\"1050\"");
    let later = temporary("later.yaml", &later);
    let patch = temporary("stale.json", &patch.out);
    let words = ["patch", "-f", &patch, "--live", &later, "--type", "json"];
    let done = run_words(&words);
    assert!(done.code == 2 && done.err.contains("the object has been modified"), "{}", done.err);
}
