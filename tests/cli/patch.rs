//! `patch`.

use super::{LIVE, SCHEMA, assert_run, run};

fn patch(kind: &str, patch: &str) -> super::Outcome {
    let line = format!("patch -f - --live {LIVE} --schema {SCHEMA} --type {kind}");
    run(&format!("{line} --field-manager bob --show-managed-fields"), patch)
}

/// Who owns what of an object that was printed.
fn owners(object: &str) -> String {
    run(&format!("fields -f - --schema {SCHEMA}"), object).out
}

#[test]
fn a_merge_patch_changes_what_it_states_and_takes_that() {
    let done = patch("merge", "spec:\n  level: 9\n");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out.contains("\n  level: 9\n"), "{}", done.out);
    let owners = owners(&done.out);
    assert!(owners.contains(".spec.level\tbob\tUpdate\t\n"), "{owners}");
    assert!(!owners.contains(".spec.level\tdimmer"), "{owners}");
    let removed = patch("merge", r#"{"spec":{"level":null}}"#);
    assert!(!removed.out.contains("level"), "{}", removed.out);
    assert!(!removed.out.contains("bob"), "{}", removed.out);
}

#[test]
fn a_json_patch_may_take_ownership_away() {
    let done = patch(
        "json",
        r#"[{"op":"test","path":"/spec/level","value":5},{"op":"replace","path":"/spec/level","value":6},{"op":"replace","path":"/metadata/managedFields","value":[{}]}]"#,
    );
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out.contains("\n  level: 6\n"), "{}", done.out);
    assert!(!done.out.contains("dimmer"), "{}", done.out);
}

#[test]
fn a_patch_that_does_not_apply_is_refused_as_the_server_refuses_it() {
    let refused = |kind: &str, text: &str, code: u16| {
        let line = format!("patch -f - --live {LIVE} --schema {SCHEMA} --type {kind} -o json");
        let done = run(&line, text);
        assert_eq!(done.code, 2);
        let status: serde_json::Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!(status["code"], code, "{status}");
        assert_eq!(
            done.err,
            format!("error: standard input: {}\n", status["message"].as_str().unwrap())
        );
        done.err
    };
    let failed = refused("json", r#"[{"op":"test","path":"/spec/level","value":4}]"#, 422);
    assert!(failed.contains("the patch cannot be applied to the live object: "), "{failed}");
    refused("json", r#"[{"op":"remove","path":"/spec/nothing"}]"#, 422);
    refused("json", r#"[{"op":"dance","path":"/spec"}]"#, 400);
    refused("json", "{}", 400);
    refused("merge", "[]", 400);
    let renamed = refused("merge", r#"{"metadata":{"name":"other"}}"#, 400);
    assert!(
        renamed.contains("the name of the object (other) is not that of the live object (desk)")
    );
    refused("merge", "kind: Table", 400);
    let many = format!("[{}]", vec![r#"{"op":"test","path":"","value":1}"#; 10_001].join(","));
    assert_eq!(
        refused("json", &many, 413),
        "error: standard input: Request entity too large: The allowed maximum operations in a JSON \
         patch is 10000, got 10001\n"
    );
    // Twenty-odd copies of everything into itself.
    let doubling =
        vec![r#"{"op":"copy","from":"/spec/bulbs","path":"/spec/bulbs/-"}"#; 60].join(",");
    let large = refused("json", &format!("[{doubling}]"), 422);
    assert!(large.contains("exceeding the limit 3145728"), "{large}");
}

#[test]
fn a_patch_wants_one_patch_and_one_object() {
    let line = format!("patch -f - --schema {SCHEMA} --type merge");
    let nothing = "error: patch: there is no object to patch: name it with --live\n";
    assert_run(&run(&line, "{}"), 2, "", nothing);
    let two = run(&format!("{line} --live {LIVE}"), "{}\n---\n{}\n");
    let second = "a second patch: give one at a time";
    assert_eq!((two.code, two.err.contains(second)), (2, true), "{}", two.err);
    let none = run(&format!("{line} --live {LIVE}"), "");
    let nothing = "error: -: there is no patch in it\n";
    assert_run(&none, 2, "", nothing);
    let broken = run(&format!("{line} --live {LIVE}"), "{\"a\":");
    assert_eq!(broken.code, 2);
    assert!(broken.err.starts_with("error: standard input: line 1: "), "{}", broken.err);
}

#[test]
fn an_object_without_metadata_can_be_patched() {
    let live = std::env::temp_dir().join(format!("patch-bare-{}.json", std::process::id()));
    std::fs::write(&live, r#"{"apiVersion":"example.com/v1","kind":"Lamp","spec":{"level":1}}"#)
        .unwrap();
    let line = format!("patch -f - --live {} --schema {SCHEMA} --type merge", live.display());
    let done =
        run(&format!("{line} --user-agent curl/8 --show-managed-fields"), "spec: {level: 2}");
    std::fs::remove_file(&live).unwrap();
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out.contains("manager: curl"), "{}", done.out);
}
