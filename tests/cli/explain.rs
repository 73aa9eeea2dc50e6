//! `explain`: owners, rule, and what would happen.

use serde_json::{Value, json};

use super::{assert_run, run};

const WEB: &str = "docs/examples/deployment/live.yaml";
const SERVICE: &str = "tests/cli/data/blame/service.yaml";

#[test]
fn owners_rule_and_consequences_are_told() {
    assert_run(
        &run(&format!("explain -f {WEB} .spec.replicas --now 2026-03-11T00:00:00Z"), ""),
        0,
        "\
.spec.replicas of Deployment shop/web
value:  4
owners: kube-controller-manager Update/scale 6h56m
rule:   scalar, in io.k8s.api.apps.v1.DeploymentSpec (built-in 1.37)

WHO                                   DOES                          OUTCOME                                          HELD AFTERWARDS BY
kube-controller-manager Update/scale  writes the object without it  it is gone                                       nobody
kube-controller-manager Update/scale  writes 5                      it is 5                                          kube-controller-manager Update/scale
another-applier Apply                 applies it as it is           it is 4                                          another-applier Apply, kube-controller-manager Update/scale
another-applier Apply                 applies 5                     refused by kube-controller-manager Update/scale  as before
another-applier Apply                 applies 5 with force          it is 5, taken from kube-controller-manager      another-applier Apply
",
        "",
    );
}

/// Who drops what somebody else has too loses it alone.
#[test]
fn what_is_shared_stays_when_one_drops_it() {
    assert_run(
        &run(&format!("explain -f {SERVICE} metadata.labels.app --as team-a --time none"), ""),
        0,
        "\
.metadata.labels.app of Service shop/web
value:  \"web\"
owners: team-b Apply, team-a Apply
rule:   scalar, in io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta (built-in 1.37)

WHO           DOES                                OUTCOME                                   HELD AFTERWARDS BY
team-a Apply  applies without it                  it is \"web\"                               team-b Apply
team-a Apply  applies \"another value\"             refused by team-b Apply                   as before
team-a Apply  applies \"another value\" with force  it is \"another value\", taken from team-b  team-a Apply
",
        "",
    );
}

/// A field in an atomic map is a matter of the whole map.
#[test]
fn parts_of_a_whole_are_told_to_be_that() {
    let done = run(&format!("explain -f {SERVICE} spec.selector.app --time none --as new"), "");
    assert_run(
        &done,
        0,
        "\
.spec.selector.app of Service shop/web
value:  \"web\"
owners: team-b Apply, team-a Apply, as part of something that is owned as a whole
rule:   scalar, part of .spec.selector, which is owned as a whole, in io.k8s.api.core.v1.ServiceSpec (built-in 1.37)

WHO        DOES                                OUTCOME                                           HELD AFTERWARDS BY
new Apply  applies it as it is                 it is \"web\"                                       new Apply, team-b Apply, team-a Apply
new Apply  applies \"another value\"             refused by team-a Apply, team-b Apply             as before
new Apply  applies \"another value\" with force  it is \"another value\", taken from team-b, team-a  new Apply
",
        "",
    );
}

#[test]
fn items_are_told_with_their_keys() {
    let done = run(&format!("explain -f {SERVICE} .spec.ports -o json"), "");
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(report["schemaVersion"], "managed-fields.explain/v1");
    let object = &report["objects"][0];
    assert_eq!(
        object["rule"],
        json!({"merging":"list keyed by port, protocol","typeName":"io.k8s.api.core.v1.ServiceSpec","partOf":null,"deduced":false,"schema":"built-in 1.37"})
    );
    assert_eq!((&object["path"], &object["standing"]), (&json!(".spec.ports"), &json!("leads")));
    let done = run(&format!("explain -f {SERVICE} .spec.ports[0] -o json --as team-b"), "");
    let report: Value = serde_json::from_str(&done.out).unwrap();
    let object = &report["objects"][0];
    assert_eq!(object["path"], json!(".spec.ports[port=53,protocol=\"UDP\"]"));
    let tries = object["tries"].as_array().unwrap();
    assert_eq!(tries.len(), 1);
    assert_eq!(
        (&tries[0]["action"], &tries[0]["outcome"], &tries[0]["value"]),
        (&json!("drop"), &json!("done"), &Value::Null)
    );
}

#[test]
fn what_is_not_there_has_a_nearest() {
    assert_run(
        &run(&format!("explain -f {WEB} .spec.replica"), ""),
        2,
        "",
        "error: docs/examples/deployment/live.yaml: document 1 (line 1): there is no .spec.replica; nearest is .spec.replicas\n",
    );
    let several = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {a.b: x}}, data: {a.b: x, c.d: y}}";
    let done = run("explain -f - .metadata.annotations.a.b --as x --time none", several);
    assert_eq!(
        (done.code, done.out.starts_with(".metadata.annotations.a.b of ConfigMap a\n")),
        (0, true)
    );
}

#[test]
fn untracked_fields_and_secrets_are_no_secret_and_no_field() {
    let done = run(&format!("explain -f {WEB} .metadata.name"), "");
    assert!(done.out.contains("owners: nobody, ever: the API server keeps no owner of it\n"));
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: djE=}}";
    for (path, output) in [(".data.k", "text"), (".data", "json"), (".data.k", "json")] {
        let command = format!("explain -f - {path} -o {output}");
        assert!(!run(&command, secret).out.contains("djE="), "{path}");
        assert!(
            run(&format!("{command} --show-secrets"), secret).out.contains("djE=")
                || output == "text"
        );
    }
}

/// A key cannot change, and a status is not written through the object itself.
#[test]
fn what_an_apply_cannot_do_is_told() {
    let command = |path: &str| format!("explain -f {WEB} {path} --as new --time none");
    let key = run(&command(".spec.template.spec.containers[0].name"), "");
    assert!(
        key.out.ends_with(
            "\nWHO        DOES                 OUTCOME      HELD AFTERWARDS BY\n\
         new Apply  applies it as it is  it is \"web\"  new Apply, team-a Apply\n"
        ),
        "{}",
        key.out
    );
    let status = run(&command(".status.readyReplicas"), "");
    assert!(status.out.contains("ignored, it stays 4"), "{}", status.out);
}

/// Who is named acts as an applier, and as what owns the field.
#[test]
fn who_is_named_acts_in_every_way() {
    let ways = |name: &str| {
        let done = run(&format!("explain -f {WEB} .spec.replicas -o json --as {name}"), "");
        let report: Value = serde_json::from_str(&done.out).unwrap();
        let tries = report["objects"][0]["tries"].as_array().unwrap();
        let mut ways: Vec<String> = tries
            .iter()
            .map(|tried| format!("{} {}", tried["operation"], tried["subresource"]))
            .collect();
        ways.dedup();
        ways
    };
    let (applier, scaler) = (r#""Apply" """#, r#""Update" "scale""#);
    assert_eq!(ways("kube-controller-manager"), [scaler, applier]);
    assert_eq!(ways("somebody"), [applier]);
    for (name, message) in [("", "the manager has no name"), ("a\tb", "a\\tb")] {
        let done = super::run_words(&["explain", "-f", WEB, ".spec", "--as", name]);
        assert_eq!(done.code, 2);
        assert!(done.err.contains(message), "{}", done.err);
    }
}

#[test]
fn what_is_no_object_has_no_owners() {
    for command in ["explain .f:spec", "blame"] {
        let done = run(&format!("{command} -f -"), r#"{"f:spec":{"f:replicas":{}}}"#);
        assert_run(
            &done,
            2,
            "",
            "error: standard input: document 1 (line 1): the object has no apiVersion\n",
        );
    }
}

#[test]
fn names_that_may_be_several_are_told_apart() {
    let lamp = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, spec: {a.b: 1, a: {b: 2}}}";
    let explain = |path: &str| run(&format!("explain -f - {path} --as x -o json"), lamp);
    let done = explain(".spec.a.b");
    assert_run(
        &done,
        2,
        "{\n    \"schemaVersion\": \"managed-fields.explain/v1\",\n    \"objects\": []\n}\n",
        "error: standard input: document 1 (line 1): .spec.a.b is ambiguous, it may be any of: \
         .spec[\"a.b\"], [\"spec\"][\"a\"][\"b\"]\n",
    );
    for (path, value) in [(r#".spec["a.b"]"#, 1), (r#"["spec"]["a"]["b"]"#, 2)] {
        let report: Value = serde_json::from_str(&explain(path).out).unwrap();
        assert_eq!(report["objects"][0]["value"], json!(value), "{path}");
    }
}
