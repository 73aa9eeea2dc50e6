//! Requests to a scale: whose it is, and what becomes of the object and of the owners of its replicas.

use crate::{Outcome, assert_run, run, temporary};

const LIVE: &str = "tests/cli/data/web-live.yaml";
const SCALE: &str = "tests/cli/data/web-scale.yaml";
const TO_SCALE: &str = "--subresource scale --show-managed-fields";

fn scale(replicas: &str) -> String {
    format!(
        "apiVersion: autoscaling/v1\nkind: Scale\nmetadata: {{name: web, namespace: shop}}\n\
         spec: {{replicas: {replicas}}}\n"
    )
}

/// Applies this `Scale` to the Deployment `web`.
fn apply(scale: &str, more: &str) -> Outcome {
    run(&format!("apply -f - --live {LIVE} {TO_SCALE} {more}"), scale)
}

fn update(scale: &str, more: &str) -> Outcome {
    run(&format!("update -f - --live {LIVE} {TO_SCALE} {more}"), scale)
}

#[test]
fn a_conflict_about_replicas_is_told_as_for_any_field() {
    let done =
        run(&format!("apply -f {SCALE} --live {LIVE} --subresource scale --field-manager ops"), "");
    assert_run(
        &done,
        1,
        "",
        "\
Apply failed with 1 conflict: conflict with \"team\": .spec.replicas

What can be done:
* To take this field over, apply again with --force-conflicts.
* To leave this field alone, remove it from tests/cli/data/web-scale.yaml.
* To own this field together with others, give it the value of the live object:
    .spec.replicas: 3 (the configuration has 5 at tests/cli/data/web-scale.yaml:7)
",
    );
}

#[test]
fn the_object_is_printed_with_its_new_replicas_and_owners() {
    let done = run(
        &format!("apply -f {SCALE} --live {LIVE} {TO_SCALE} --field-manager ops --force-conflicts"),
        "",
    );
    assert_run(
        &done,
        0,
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  managedFields:
  - apiVersion: apps/v1
    fieldsType: FieldsV1
    fieldsV1:
      "f:spec":
        "f:replicas": {}
    manager: ops
    operation: Apply
    subresource: scale
  - apiVersion: apps/v1
    fieldsType: FieldsV1
    fieldsV1:
      "f:spec":
        "f:selector": {}
    manager: team
    operation: Apply
    time: "2026-01-01T00:00:00Z"
  name: web
  namespace: shop
  resourceVersion: "7"
  uid: 00000000-0000-4000-8000-000000000002
spec:
  replicas: 5
  selector:
    matchLabels:
      app: web
  template: {}
status:
  replicas: 3
"#,
        "",
    );
}

/// The owners of the replicas of an object that a command printed, and how many there are.
fn replicas_of(json: &str) -> (Vec<String>, u64) {
    let object: serde_json::Value = serde_json::from_str(json).unwrap();
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let owners = entries
        .iter()
        .filter(|entry| entry["fieldsV1"]["f:spec"]["f:replicas"].is_object())
        .map(|entry| entry["manager"].as_str().unwrap().to_owned());
    (owners.collect(), object["spec"]["replicas"].as_u64().unwrap())
}

#[test]
fn replicas_go_from_hand_to_hand() {
    for (kind, version) in [
        ("Deployment", "apps/v1"),
        ("StatefulSet", "apps/v1"),
        ("ReplicaSet", "apps/v1"),
        ("ReplicationController", "v1"),
    ] {
        let selector =
            if version == "v1" { r#"{"app":"a"}"# } else { r#"{"matchLabels":{"app":"a"}}"# };
        let own = format!(
            r#"{{"apiVersion":"{version}","kind":"{kind}","metadata":{{"name":"a","namespace":"b"}},
                "spec":{{"replicas":1,"selector":{selector}}}}}"#
        );
        let scale = |replicas: u32| {
            format!(
                r#"{{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{{"name":"a"}},"spec":{{"replicas":{replicas}}}}}"#
            )
        };
        let uid = own.replace(r#""name""#, r#""uid":"1","name""#);
        let live = uid.replace(r#""spec":{"#, r#""status":{"replicas":0},"spec":{"#);
        let live = temporary(&format!("{kind}.json"), live);
        let step = |words: &str, body: &str, owners: &[&str], replicas: u64| {
            let line = format!("{words} --live {live} -f - -o json --show-managed-fields");
            let done = run(&line, body);
            if owners.is_empty() {
                assert_eq!(done.code, 1, "{kind}: {words}: {}", done.err);
                return;
            }
            assert_eq!(done.code, 0, "{kind}: {words}: {}", done.err);
            let (found, count) = replicas_of(&done.out);
            assert_eq!(
                (found, count),
                (owners.iter().map(|name| (*name).to_owned()).collect(), replicas)
            );
            std::fs::write(&live, done.out).unwrap();
        };
        let to_scale = "--subresource scale --field-manager";
        step(
            "apply --force-conflicts --field-manager owner",
            &own,
            &["owner", "before-first-apply"],
            1,
        );
        step(
            &format!("patch --type merge {to_scale} hand"),
            r#"{"spec":{"replicas":5}}"#,
            &["hand"],
            5,
        );
        step("apply --field-manager owner", &own, &[], 5);
        step("apply --force-conflicts --field-manager owner", &own, &["owner"], 1);
        step(&format!("apply {to_scale} ops"), &scale(17), &[], 1);
        step(&format!("apply --force-conflicts {to_scale} ops"), &scale(17), &["ops"], 17);
        step(&format!("update {to_scale} tool"), &scale(7), &["tool"], 7);
        step(&format!("apply {to_scale} other"), &scale(7), &["other", "tool"], 7);
        step(
            &format!("patch --type merge {to_scale} hand"),
            r#"{"spec":{"replicas":5}}"#,
            &["hand"],
            5,
        );
        std::fs::remove_file(live).unwrap();
    }
}

#[test]
fn zero_replicas_are_written_and_nobody_owns_them_after_an_update() {
    let done = update(&scale("0"), "--field-manager ops -o json");
    assert_eq!((done.code, replicas_of(&done.out)), (0, (Vec::new(), 0)), "{}", done.err);
    // Saying nothing means zero.
    let done = update(&scale("null"), "--field-manager ops -o json");
    assert_eq!((done.code, replicas_of(&done.out)), (0, (Vec::new(), 0)), "{}", done.err);
    let done = apply(&scale("0"), "--field-manager ops --force-conflicts -o json");
    assert_eq!((done.code, replicas_of(&done.out)), (0, (vec!["ops".to_owned()], 0)));
}

#[test]
fn odd_numbers_of_replicas_are_refused() {
    for replicas in ["1.5", "99999999999", "-99999999999", "[]", "{}", "yes"] {
        let done = update(&scale(replicas), "--field-manager ops");
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{replicas}");
        assert!(
            done.err.starts_with(
                "error: standard input: document 1 (line 1): spec.replicas of a Scale is a whole \
                 number up to 2147483647: it holds "
            ),
            "{}",
            done.err
        );
        let done = apply(&scale(replicas), "--field-manager ops --force-conflicts");
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{replicas}");
    }
    let done = update(&scale("5.0"), "--field-manager ops -o json");
    assert_eq!(replicas_of(&done.out), (vec!["ops".to_owned()], 5));
}

#[test]
fn negative_replicas_are_refused_in_the_servers_words() {
    let text = "Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1: must be \
                greater than or equal to 0";
    let done = update(&scale("-1"), "-o json");
    assert_eq!(done.code, 2);
    assert_eq!(done.err, format!("error: standard input: document 1 (line 1): {text}\n"));
    let status: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(status["message"], text);
    assert_eq!((status["code"].as_u64(), &status["details"]["kind"]), (Some(422), &"Scale".into()));
}

#[test]
fn a_scale_of_another_state_or_object_is_refused() {
    let with = |member: &str| scale("5").replace("name: web", &format!("name: web, {member}"));
    let place = "error: standard input: document 1 (line 1): ";
    let done = update(&with("resourceVersion: '6'"), "");
    assert_run(
        &done,
        2,
        "",
        &format!(
            "{place}Operation cannot be fulfilled on deployments.apps \"web\": the object has been \
             modified; please apply your changes to the latest version and try again\n"
        ),
    );
    let done = apply(&with("uid: other"), "--field-manager ops --force-conflicts");
    assert_run(
        &done,
        2,
        "",
        &format!(
            "{place}Operation cannot be fulfilled on deployments/scale.apps \"web\": Precondition \
             failed: UID in precondition: other, UID in object meta: \
             00000000-0000-4000-8000-000000000002\n"
        ),
    );
    assert_eq!(update(&with("resourceVersion: '7'"), "").code, 0);
}

#[test]
fn what_is_no_scale_is_refused() {
    let how = "`kubectl get KIND NAME --subresource scale -o yaml` prints one";
    let live = std::fs::read_to_string(LIVE).unwrap();
    let place = "error: standard input: document 1 (line 1): ";
    assert_run(
        &apply(&live, "--field-manager ops"),
        2,
        "",
        &format!(
            "{place}the kind is Deployment, and what is written to the scale of an object is a \
             Scale of autoscaling/v1; {how}. To write the object itself leave out --subresource\n"
        ),
    );
    assert_run(
        &update(&scale("5").replace("autoscaling/v1", "apps/v1beta1"), ""),
        2,
        "",
        &format!(
            "{place}apiVersion is \"apps/v1beta1\", and a Scale is of autoscaling/v1; {how}\n"
        ),
    );
    assert_eq!(apply("spec: {replicas: 2}", "--field-manager ops").code, 2);
}

#[test]
fn a_scale_needs_an_object_that_has_one() {
    let place = "error: tests/cli/data/web-scale.yaml: document 1 (line 1): ";
    let with = |more: &str, live: &str| {
        run(&format!("apply -f {SCALE} {TO_SCALE} --field-manager ops {more}"), live)
    };
    assert_run(
        &with("", ""),
        2,
        "",
        &format!(
            "{place}there is no object that Scale shop/web belongs to: name its file with --live\n"
        ),
    );
    let config_map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: web, namespace: shop}}";
    let none = "has no scale, as Deployments, ReplicaSets, StatefulSets and ReplicationControllers \
                have one; for a custom resource say where its replicas are, with its definition behind --schema or with --replicas-path\n";
    assert_run(
        &with("--live -", config_map),
        2,
        "",
        &format!("error: standard input: document 1 (line 1): ConfigMap shop/web {none}"),
    );
    let more = format!("{config_map}\n---\n{}", config_map.replace("web", "other"));
    assert_run(
        &with("--live -", &more),
        2,
        "",
        &format!("{place}ConfigMap shop/web (standard input: document 1 (line 1)) {none}"),
    );
    let done = with("--live -", &more.replace("web", "else"));
    assert_run(
        &done,
        2,
        "",
        &format!(
            "{place}there is no live object that Scale shop/web belongs to: name its file with \
             --live\n"
        ),
    );
    // Beside others, the one that has a scale is it.
    assert_eq!(with(&format!("--live - --live {LIVE} --force-conflicts"), config_map).code, 0);
    let live = std::fs::read_to_string(LIVE).unwrap();
    assert_run(
        &with(&format!("--live {LIVE} --live -"), &live.replace("Deployment", "StatefulSet")),
        2,
        "",
        &format!(
            "{place}Scale shop/web may belong to Deployment shop/web ({LIVE}: document 1 (line 1)) \
             or to StatefulSet shop/web (standard input: document 1 (line 1)): give only one of \
             them with --live\n"
        ),
    );
    let elsewhere = live.replace("shop", "mall");
    assert_eq!(with(&format!("--live {LIVE} --live - --force-conflicts"), &elsewhere).code, 0);
    let nowhere = scale("5").replace(", namespace: shop", "");
    let two = format!("{live}---\n{elsewhere}");
    let two = temporary("two.yaml", two);
    let line = format!("update -f - --live {two} {TO_SCALE}");
    let done = run(&line, &nowhere);
    assert!(done.err.ends_with("(line 27)): say which namespace with -n\n"), "{}", done.err);
    assert_eq!((done.code, run(&format!("{line} -n mall"), &nowhere).code), (2, 0));
    std::fs::remove_file(two).unwrap();
    let done = with("--live -", &live.replace("name: web", "name: other"));
    assert!(done.err.contains("the name \"web\" does not match \"other\""), "{}", done.err);
    let done = with("--live -", &live.replace("replicas: 3", "replicas: many"));
    assert_run(
        &done,
        2,
        "",
        "error: standard input: document 1 (line 1): .spec.replicas is no number of replicas: it \
         holds \"many\"\n",
    );
}

#[test]
fn a_workload_without_replicas_has_one() {
    let live =
        std::fs::read_to_string(LIVE).unwrap().replace("  replicas: 3\n  selector", "  selector");
    let line = format!("apply -f {SCALE} --live - --subresource scale --field-manager ops");
    let done = run(&line, live);
    assert!(done.err.contains(".spec.replicas: 1 (the configuration has 5 at "), "{}", done.err);
}

#[test]
fn a_custom_resource_is_scaled_where_its_replicas_are_said_to_be() {
    let lamp = r#"{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{"name":"web","namespace":"shop","uid":"1",
        "managedFields":[{"manager":"ann","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1",
        "fieldsV1":{"f:spec":{"f:bulbs":{"f:count":{}},"f:on":{}}}}]},"spec":{"on":true,"bulbs":{"count":2}}}"#;
    let line = format!(
        "update -f {SCALE} --live - {TO_SCALE} --field-manager ops -o json --replicas-path"
    );
    let done = run(&format!("{line} .spec.bulbs.count"), lamp);
    assert_eq!(done.code, 0, "{}", done.err);
    let object: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(object["spec"], serde_json::json!({ "on": true, "bulbs": { "count": 5 } }));
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let fields: Vec<String> = entries.iter().map(|entry| entry["fieldsV1"].to_string()).collect();
    assert_eq!(fields, [r#"{"f:spec":{"f:on":{}}}"#, r#"{"f:spec":{"f:bulbs":{"f:count":{}}}}"#]);
    // Replicas that were never set belong to everybody who was there before.
    let unset =
        lamp.replace(r#","bulbs":{"count":2}"#, "").replace(r#""f:bulbs":{"f:count":{}},"#, "");
    let line = format!(
        "apply -f {SCALE} --live - --subresource scale --replicas-path .spec.bulbs.count --field-manager"
    );
    let done = run(&format!("{line} ops"), &unset);
    assert!(
        done.err.starts_with(
            "Apply failed with 1 conflict: conflict with \"before-first-apply\" with \
             subresource \"scale\" using autoscaling/v1: .spec.replicas\n"
        ),
        "{}",
        done.err
    );
    let done = run(&format!("{line} ops --force-conflicts"), &unset);
    assert!(done.out.contains("  bulbs:\n    count: 5\n"), "{}", done.out);
    let nothing = scale("5").replace("replicas: 5", "");
    let patch = "--live - --subresource scale --replicas-path spec.bulbs.count --field-manager ops";
    let file = temporary("nothing.yaml", nothing);
    let done = run(&format!("apply -f {file} {patch}"), &unset);
    std::fs::remove_file(file).unwrap();
    assert!(
        done.err.ends_with("the spec replicas field \".spec.bulbs.count\" cannot be empty\n"),
        "{}",
        done.err
    );
    let done =
        run(&format!("update -f {SCALE} {patch}").replace("spec.bulbs", "spec..bulbs"), &unset);
    assert!(done.err.contains("expected names of fields between dots"), "{}", done.err);
}

#[test]
fn several_scales_find_their_objects() {
    let live = std::fs::read_to_string(LIVE).unwrap();
    let other = live.replace("name: web", "name: api").replace("Deployment", "StatefulSet");
    let file = temporary("many.yaml", format!("{live}---\n{other}"));
    let line = format!("update -f - --live {file} --subresource scale");
    let both =
        format!("{}---\n{}---\n{}", scale("1"), scale("2").replace("web", "api"), scale("3"));
    let done = run(&line, &both);
    std::fs::remove_file(file).unwrap();
    assert_eq!(done.code, 2);
    assert_eq!(
        done.err,
        "error: standard input: document 3 (line 11): Scale shop/web was read already, from \
         standard input: document 1 (line 1)\n"
    );
    let kinds: Vec<&str> = done.out.lines().filter(|line| line.starts_with("kind:")).collect();
    assert_eq!(kinds, ["kind: Deployment", "kind: StatefulSet"]);
}
