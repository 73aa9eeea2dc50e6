//! What is written as SARIF is SARIF.

use boon::{Compiler, Schemas};
use serde_json::Value;

const SCHEMA: &str = include_str!("data/sarif/sarif-schema-2.1.0.json");

/// What the published schema finds wrong with a log; nothing if it is one.
fn problems(log: &Value) -> Option<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let name = schema["$id"].as_str().unwrap().to_owned();
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.add_resource(&name, schema).unwrap();
    let compiled = compiler.compile(&name, &mut schemas).unwrap();
    schemas.validate(log, compiled).err().map(|error| format!("{error:#}"))
}

/// Holds text against the published schema, and what the schema cannot say: rules are referred to by
/// their places, results have messages, lines begin at one. Returns the log.
#[track_caller]
pub(crate) fn assert_sarif(text: &str) -> Value {
    let log: Value = serde_json::from_str(text).unwrap();
    assert_eq!(problems(&log), None);
    for run in log["runs"].as_array().unwrap() {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        }
    }
    log
}

/// The schema is one that finds something.
#[test]
fn what_is_no_sarif_is_found_out() {
    let minimal = serde_json::json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": []}]});
    assert_eq!(problems(&minimal), None);
    for (pointer, wrong) in [
        ("/version", serde_json::json!("2.0.0")),
        ("/runs/0/tool/driver", serde_json::json!({})),
        ("/runs/0/tool/driver/nme", serde_json::json!("x")),
        ("/runs/0/results", serde_json::json!([{"ruleId": "a"}])),
        ("/runs/0/results", serde_json::json!([{"message": {"text": "a"}, "level": "bad"}])),
    ] {
        let mut log = minimal.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        log.pointer_mut(parent).unwrap()[name] = wrong;
        assert!(problems(&log).is_some(), "{log}");
    }
    let place = |uri: &str, line: u64| {
        let mut log = minimal.clone();
        log["runs"][0]["results"] = serde_json::json!([{"message": {"text": "a"}, "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}]}]);
        log
    };
    assert_eq!(problems(&place("a%20b.yaml", 1)), None);
    assert!(problems(&place("a b.yaml", 1)).is_some());
    assert!(problems(&place("a.yaml", 0)).is_some());
}
