//! `--reset-fields`.

use super::run;

const NODE: &str = "tests/cli/data/node-live.yaml";

/// What a command prints, and who owns what of it.
fn result(line: &str, input: &str) -> (String, String) {
    let done = run(&format!("{line} -f - --live {NODE} --show-managed-fields"), input);
    // Force tells what it takes.
    let is_told = line.contains("--force-conflicts");
    let taken = "note: standard input: document 1 (line 1): taken from \"kubelet\" with subresource \
                 \"status\" using v1: .status.phase\n";
    let err = if is_told { taken } else { "" };
    assert_eq!((done.code, done.err.as_str()), (0, err), "{line}");
    let owners = run("fields -f -", &done.out).out;
    (done.out, owners)
}

const CONFIG: &str = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"worker"},"spec":{"unschedulable":true},"status":{"phase":"Pending"}}"#;

#[test]
fn an_apply_changes_and_owns_no_status_through_the_object_itself() {
    let apply = "apply --field-manager ann";
    let (object, owners) = result(apply, CONFIG);
    assert!(object.contains("\n  phase: Running\n"), "{object}");
    assert!(object.contains("\n  unschedulable: true\n"), "{object}");
    assert!(owners.contains(".status.phase\tkubelet\tUpdate\tstatus\n"), "{owners}");
    assert!(!owners.contains(".status.phase\tann"), "{owners}");
    assert!(owners.contains(".spec.unschedulable\tann\tApply\t\n"), "{owners}");
}

#[test]
fn without_reset_fields_the_status_is_a_conflict() {
    let line = format!("apply -f - --live {NODE} --field-manager ann --reset-fields none");
    let refused = run(&line, CONFIG);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("\"kubelet\" with subresource \"status\""), "{}", refused.err);
    let (object, owners) =
        result("apply --field-manager ann --reset-fields none --force-conflicts", CONFIG);
    assert!(object.contains("\n  phase: Pending\n"), "{object}");
    assert!(owners.contains(".status.phase\tann\tApply\t\n"), "{owners}");
}

#[test]
fn an_apply_through_the_status_leaves_the_rest_alone() {
    let line = "apply --field-manager ann --subresource status --force-conflicts";
    let (object, owners) = result(line, CONFIG);
    assert!(object.contains("\n  phase: Pending\n"), "{object}");
    assert!(!object.contains("unschedulable"), "{object}");
    assert!(owners.contains(".status.phase\tann\tApply\tstatus\n"), "{owners}");
    assert!(!owners.contains(".spec"), "{owners}");
}

#[test]
fn an_update_resets_what_it_must_not_change() {
    let new = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"worker","uid":"00000000-0000-4000-8000-000000000002","labels":{"zone":"b"}},"spec":{}}"#;
    let (object, owners) = result("update --field-manager bob", new);
    assert!(object.contains("\n  phase: Running\n"), "{object}");
    assert!(object.contains("\n    zone: b\n"), "{object}");
    assert!(!object.contains("podCIDR"), "{object}");
    assert!(owners.contains(".status.phase\tkubelet\tUpdate\tstatus\n"), "{owners}");
    assert!(owners.contains(".metadata.labels.zone\tbob\tUpdate\t\n"), "{owners}");
    let (object, owners) = result("update --field-manager bob --reset-fields none", new);
    assert!(!object.contains("phase"), "{object}");
    assert!(!owners.contains("kubelet"), "{owners}");
}

#[test]
fn a_patch_of_reset_fields_alone_stores_nothing() {
    let patch = "patch --type merge --field-manager bob";
    let (object, owners) = result(patch, r#"{"status":{"phase":"Pending"}}"#);
    assert!(object.contains("\n  phase: Running\n"), "{object}");
    assert!(owners.contains(".status.phase\tkubelet\tUpdate\tstatus\n"), "{owners}");
    assert!(!owners.contains("bob"), "{owners}");
}

#[test]
fn an_object_is_created_without_status() {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"nodeName":"host"},"status":{"phase":"Running"}}"#;
    for command in ["apply", "update"] {
        let line = format!("{command} -f - --field-manager ann --show-managed-fields");
        let done = run(&line, pod);
        assert_eq!((done.code, done.err.as_str()), (0, ""));
        assert!(!done.out.contains("status"), "{}", done.out);
        assert!(done.out.contains("nodeName: host"), "{}", done.out);
        let kept = run(&format!("{line} --reset-fields none"), pod);
        assert!(kept.out.contains("phase: Running"), "{}", kept.out);
        assert!(kept.out.contains("f:status"), "{}", kept.out);
        // But not Nodes, whose status nobody owns for that.
        let node = run(&line, CONFIG);
        assert!(node.out.contains("phase: Pending"), "{}", node.out);
        assert!(!node.out.contains("f:status"), "{}", node.out);
    }
}

#[test]
fn nobody_would_own_the_status_of_a_configuration() {
    let fields = run("fields --config -f -", CONFIG);
    assert_eq!(fields.out, ".spec.unschedulable\n");
    let all = run("fields --config --reset-fields none -f -", CONFIG);
    assert!(all.out.contains(".status.phase\n"), "{}", all.out);
}
