//! `would-change`: values, ownership, both or nothing, and why.

use super::{assert_run, run};

const LIVE: &str = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"x","uid":"1","managedFields":[{"manager":"ann","operation":"Apply","apiVersion":"apps/v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:resources":{"f:limits":{"f:cpu":{}}}}}}}}}}]},"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":"1"}}}]}}}}"#;

fn config(replicas: u32, cpu: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a, namespace: x}}\nspec:\n  \
         replicas: {replicas}\n  template: {{spec: {{containers: [{{name: c, resources: {{limits: \
         {{cpu: {cpu}}}}}}}]}}}}\n"
    )
}

fn would_change(test: &str, options: &str, config: &str, live: Option<&str>) -> super::Outcome {
    let file = |what: &str| format!("{}/would-{test}-{what}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(file("config.yaml"), config).unwrap();
    let live = live.map_or_else(String::new, |live| {
        std::fs::write(file("live.json"), live).unwrap();
        format!("--live {}", file("live.json"))
    });
    run(&format!("would-change -f {} {live} {options}", file("config.yaml")), "")
}

#[test]
fn appliers_of_what_they_own_change_values_alone() {
    let amount = "\
# Deployment x/a: nothing
not stored (quantity): changed .spec.template.spec.containers[name=\"c\"].resources.limits.cpu: \"1\" -> \"1000m\"
only the time of an entry differs, for which nothing is written
";
    let replicas = "# Deployment x/a: values\nchanged .spec.replicas: 1 -> 2\n";
    for (test, config, code, text) in [
        ("same", config(1, "'1'"), 0, "# Deployment x/a: nothing\n"),
        ("amount", config(1, "1000m"), 0, amount),
        ("value", config(2, "'1'"), 1, replicas),
    ] {
        let done = would_change(test, "--field-manager ann", &config, Some(LIVE));
        assert_run(&done, code, text, "");
    }
}

#[test]
fn the_same_values_of_another_are_shared() {
    let config = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: x}\n\
                  spec: {replicas: 1}\n";
    let done = would_change("owner", "--field-manager bob", config, Some(LIVE));
    let text = "\
# Deployment x/a: ownership
CHANGE   FIELD            BEFORE   AFTER
shared   .spec.replicas   \"ann\"    \"ann\", \"bob\"
";
    assert_run(&done, 1, text, "");
}

#[test]
fn a_conflict_changes_nothing_unless_it_is_forced() {
    let config = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: x}\n\
                  spec: {replicas: 3}\n";
    let done = would_change("refused", "--field-manager bob", config, Some(LIVE));
    let text = "\
Apply failed with 1 conflict: conflict with \"ann\": .spec.replicas
The apply would be refused and change nothing.
";
    assert_run(&done, 1, "", text);
    let done = would_change("status", "--field-manager bob -o json", config, Some(LIVE));
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((done.code, &told["objects"][0]["code"]), (1, &409.into()));
    let options = "--field-manager bob --force-conflicts";
    let done = would_change("forced", options, config, Some(LIVE));
    let text = "\
# Deployment x/a: values and ownership
changed .spec.replicas: 1 -> 3
CHANGE   FIELD            BEFORE   AFTER
moved    .spec.replicas   \"ann\"    \"bob\"
";
    assert_run(&done, 1, text, "");
}

#[test]
fn a_new_object_is_told_in_json() {
    let config = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: hidden}\n";
    let done = would_change("new", "--field-manager bob -o json", config, None);
    assert_eq!(done.code, 1, "{}", done.err);
    assert!(!done.out.contains("hidden"), "{}", done.out);
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(told["schemaVersion"], "managed-fields.would-change/v1");
    let object = &told["objects"][0];
    assert_eq!(object["object"]["kind"], "Secret");
    assert_eq!(object["isNew"], true);
    assert_eq!(object["wouldChange"], "values and ownership");
    assert_eq!(object["ownership"][0]["fields"][0], ".stringData.k");
}

#[test]
fn values_of_secrets_are_masked() {
    let live =
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"k":"aGlkZGVu"}}"#;
    let config =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: b3RoZXI=, l: bmV3}\n";
    let options = "--field-manager bob --force-conflicts";
    let done = would_change("secret", options, config, Some(live));
    assert_eq!(done.code, 1, "{}", done.err);
    assert!(done.out.contains("changed .data.k: \"***\" -> \"***\""), "{}", done.out);
    assert!(done.out.contains("added .data.l: \"***\""), "{}", done.out);
    let shown = would_change("shown", &format!("{options} --show-secrets"), config, Some(live));
    assert!(shown.out.contains("\"aGlkZGVu\" -> \"b3RoZXI=\""), "{}", shown.out);
}

/// A `Scale` of the Deployment above.
fn scale(replicas: u32) -> String {
    format!(
        "apiVersion: autoscaling/v1\nkind: Scale\nmetadata: {{name: a, namespace: x}}\nspec: \
         {{replicas: {replicas}}}\n"
    )
}

#[test]
fn what_a_scale_changes_is_told_of_its_object() {
    let options = "--subresource scale --field-manager ops";
    let done = would_change("scale", options, &scale(5), Some(LIVE));
    let text = "\
Apply failed with 1 conflict: conflict with \"ann\": .spec.replicas
The apply would be refused and change nothing.
";
    assert_run(&done, 1, "", text);
    let options = format!("{options} --force-conflicts");
    let done = would_change("scale-forced", &options, &scale(5), Some(LIVE));
    let text = "\
# Deployment x/a: values and ownership
changed .spec.replicas: 1 -> 5
CHANGE   FIELD            BEFORE   AFTER
moved    .spec.replicas   \"ann\"    \"ops\" with subresource \"scale\"
";
    assert_run(&done, 1, text, "");
    let done = would_change("scale-shared", &options, &scale(1), Some(LIVE));
    let text = "\
# Deployment x/a: ownership
CHANGE   FIELD            BEFORE   AFTER
shared   .spec.replicas   \"ann\"    \"ann\", \"ops\" with subresource \"scale\"
";
    assert_run(&done, 1, text, "");
    // What apply makes of it is then nothing new.
    let live = super::temporary("would-scale.json", LIVE);
    let line = format!("apply -f - --live {live} --show-managed-fields -o json {options}");
    let applied = run(&line, scale(5));
    assert_eq!(applied.code, 0, "{}", applied.err);
    let done = would_change("scale-again", &options, &scale(5), Some(&applied.out));
    assert_run(&done, 0, "# Deployment x/a: nothing\n", "");
    let json = would_change("scale-json", &format!("{options} -o json"), &scale(5), Some(LIVE));
    let told: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(told["objects"][0]["object"]["kind"], "Deployment");
}

#[test]
fn a_scale_that_would_be_refused_is_an_error() {
    let options = "--subresource scale --field-manager ops --force-conflicts -o json";
    let negative = scale(5).replace('5', "-5");
    let done = would_change("scale-negative", options, &negative, Some(LIVE));
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((done.code, &told["objects"][0]["code"]), (2, &422.into()));
    assert!(done.err.contains("must be greater than or equal to 0"), "{}", done.err);
    let none = would_change("scale-none", options, &scale(5), None);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("name its file with --live"), "{}", none.err);
    let other = would_change("scale-other", options, &config(1, "'1'"), Some(LIVE));
    assert_eq!(other.code, 2);
    assert!(other.err.contains("To write the object itself leave out --subresource"));
}

#[test]
fn what_the_endpoint_sets_back_is_told_beside_changes() {
    let config = config(2, "'1'") + "status: {replicas: 7}\n";
    let done = would_change("set-back", "--field-manager ann", &config, Some(LIVE));
    let text = "\
# Deployment x/a: values
changed .spec.replicas: 1 -> 2
not stored (set-back): added .status: {\"replicas\":7}
";
    assert_run(&done, 1, text, "");
}

/// Of a dump of live objects only those are kept that something is applied to.
#[test]
fn live_objects_are_found_in_dumps() {
    let filler = "x".repeat(2000);
    let other = |number: usize| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{number}"}},"data":{{"k":"{filler}"}}}}"#
        )
    };
    let others: Vec<String> = (0..700).map(other).collect();
    let dump =
        format!(r#"{{"kind":"List","apiVersion":"v1","items":[{},{LIVE}]}}"#, others.join(","));
    let same = would_change("dump", "--field-manager ann", &config(1, "'1'"), Some(&dump));
    assert_run(&same, 0, "# Deployment x/a: nothing\n", "");
    let scaled = "--subresource scale --field-manager ann --force-conflicts";
    let done = would_change("dump-scale", scaled, &scale(2), Some(&dump));
    assert!(done.out.contains("changed .spec.replicas: 1 -> 2\n"), "{}{}", done.out, done.err);
    // One of that name in another namespace is another object.
    let elsewhere = config(1, "'1'").replace("namespace: x", "namespace: mall");
    let done = would_change("dump-else", "--field-manager ann", &elsewhere, Some(&dump));
    assert_eq!(done.code, 1);
    assert!(done.out.starts_with("# Deployment mall/a (new): values and ownership\n"));
    assert!(done.err.ends_with("there is no live Deployment mall/a: it is created\n"));
    // What could not be read may be it.
    let done =
        would_change("dump-cut", "--field-manager ann", &elsewhere, Some(&dump[..dump.len() - 9]));
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.contains("may be among the live objects that could not be read"));
}
