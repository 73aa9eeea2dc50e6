//! What endpoints reset: the order of things around storage. That ownership is filtered is held by
//! the rows.

use managed_fields::Operation;
use managed_fields::fieldmanager::{FieldManager, ResetFields};
use managed_fields::schema::Schemas;
use managed_fields::value::Value;

/// A Deployment that `kubelet` wrote the status of and `ann` applied.
fn deployment(spec: &str, status: &str, annes: &str) -> String {
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"d","uid":"1","labels":{{"a":"1"}},"managedFields":[{{"manager":"ann","operation":"Apply","apiVersion":"apps/v1","time":"2000-01-01T00:00:01Z","fieldsType":"FieldsV1","fieldsV1":{annes}}},{{"manager":"kubelet","operation":"Update","apiVersion":"apps/v1","time":"2000-01-01T00:00:01Z","fieldsType":"FieldsV1","fieldsV1":{{"f:status":{{"f:replicas":{{}}}}}},"subresource":"status"}}]}},"spec":{spec},"status":{status}}}"#
    )
}

fn config(body: &str) -> String {
    format!(r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"d"}},{body}}}"#)
}

fn at(object: &Value, path: &[&str]) -> Option<String> {
    let found = path.iter().try_fold(object.as_ref(), |value, name| value.get(name));
    found.map(|value| value.to_json())
}

#[test]
fn what_an_endpoint_resets_keeps_its_value() {
    let schemas = Schemas::builtin();
    let fm = FieldManager::new(&schemas);
    let now = "2001-01-01T00:00:00Z".parse().unwrap();
    let live =
        deployment(r#"{"replicas":1}"#, r#"{"replicas":1}"#, r#"{"f:spec":{"f:replicas":{}}}"#);
    let applied = |body: &str, subresource: &str, fm: FieldManager<'_>| {
        let config = config(body);
        fm.apply(live.as_str(), config.as_str())
            .field_manager("ann")
            .subresource(subresource)
            .at(now)
            .run()
            .unwrap()
    };
    let main = applied(r#""spec":{"replicas":2},"status":{"replicas":2}"#, "", fm);
    assert!(main.changed());
    assert_eq!(at(&main.to_value(), &["spec", "replicas"]).as_deref(), Some("2"));
    assert_eq!(at(&main.to_value(), &["status", "replicas"]).as_deref(), Some("1"));
    // The field manager alone merges the value, and gives it to nobody either.
    let merged = applied(r#""spec":{"replicas":2},"status":{"replicas":2}"#, "", fm.storage(false));
    assert_eq!(at(&merged.to_value(), &["status", "replicas"]).as_deref(), Some("2"));
    assert_eq!(merged.managed_fields(), main.managed_fields());
    let status = applied(r#""spec":{"replicas":2},"status":{"readyReplicas":2}"#, "status", fm);
    assert_eq!(at(&status.to_value(), &["spec", "replicas"]).as_deref(), Some("1"));
    assert_eq!(at(&status.to_value(), &["status", "readyReplicas"]).as_deref(), Some("2"));
    assert_eq!(at(&status.to_value(), &["metadata", "labels", "a"]).as_deref(), Some(r#""1""#));
}

#[test]
fn a_write_that_resetting_undoes_leaves_the_times_alone() {
    let schemas = Schemas::builtin();
    let fm = FieldManager::new(&schemas);
    let now = "2001-01-01T00:00:00Z".parse().unwrap();
    let live =
        deployment(r#"{"replicas":1}"#, r#"{"replicas":1}"#, r#"{"f:spec":{"f:replicas":{}}}"#);
    let again = config(r#""spec":{"replicas":1},"status":{"replicas":2}"#);
    let applied =
        fm.apply(live.as_str(), again.as_str()).field_manager("ann").at(now).run().unwrap();
    assert_eq!(applied.object(), live);
    assert!(!applied.changed());
    // Ownership that moves is stored, with the time of the write that seemed to change something.
    let other = fm.apply(live.as_str(), again.as_str()).field_manager("bob").at(now).run().unwrap();
    assert!(!other.changed());
    let bobs = other.managed_fields().iter().find(|entry| entry.manager.name() == "bob").unwrap();
    assert_eq!(bobs.fields.to_string(), ".spec.replicas");
    assert_eq!(bobs.time, Some(now));
    let written = live.replace(r#""status":{"replicas":1}"#, r#""status":{"replicas":7}"#);
    let updated = fm.update(live.as_str(), written.as_str()).field_manager("cy").at(now).run();
    assert_eq!(updated.unwrap().object(), live);
}

#[test]
fn fields_that_were_owned_before_they_were_reset_stay_in_the_object() {
    let schemas = Schemas::builtin();
    let annes = r#"{"f:spec":{"f:replicas":{}},"f:status":{"f:replicas":{}}}"#;
    let live = deployment(r#"{"replicas":1}"#, r#"{"replicas":1}"#, annes)
        .replace(r#""manager":"kubelet""#, r#""manager":"ann","operation":"Apply""#);
    let live =
        live.replace(r#""operation":"Apply","operation":"Update""#, r#""operation":"Update""#);
    let config = config(r#""spec":{"replicas":1}"#);
    let applied = FieldManager::new(&schemas)
        .apply(live.as_str(), config.as_str())
        .field_manager("ann")
        .run()
        .unwrap();
    assert_eq!(at(&applied.to_value(), &["status", "replicas"]).as_deref(), Some("1"));
    let annes: Vec<String> = applied
        .managed_fields()
        .iter()
        .filter(|entry| entry.manager.operation() == Operation::Apply)
        .map(|entry| entry.fields.to_string())
        .collect();
    assert_eq!(annes, [".spec.replicas"]);
}

#[test]
fn an_object_that_nobody_applied_to_is_reset_too() {
    let schemas = Schemas::builtin();
    let fm = FieldManager::new(&schemas);
    let live = r#"{"apiVersion":"v1","kind":"Node","metadata":{"uid":"1"},"status":{"phase":"a"}}"#;
    let new = r#"{"apiVersion":"v1","kind":"Node","metadata":{"uid":"1"},"status":{"phase":"b"}}"#;
    assert_eq!(fm.update(live, new).run().unwrap().object(), live);
    // Nor does an object lose it whose ownership cannot be recorded.
    let broken = live.replace(r#""uid":"1""#, r#""uid":"1","managedFields":[{"operation":"Apply","apiVersion":"v1","manager":"m","fieldsType":"FieldsV1","fieldsV1":{"f:status":{}}}]"#);
    let untyped = new.replace(r#""status""#, r#""spec":7,"status""#);
    let kept = fm.update(broken.as_str(), untyped.as_str()).run_without_errors().unwrap();
    assert_eq!(at(&kept.to_value(), &["status", "phase"]).as_deref(), Some(r#""a""#));
}

#[test]
fn the_status_of_a_custom_resource_is_all_that_its_status_endpoint_stores() {
    let schemas = Schemas::deduced();
    let live = r#"{"apiVersion":"e.io/v1","kind":"Toy","metadata":{"name":"t","uid":"1"},"extra":1,"spec":{"a":1},"status":{"b":1}}"#;
    let config = r#"{"apiVersion":"e.io/v1","kind":"Toy","metadata":{"name":"t","labels":{"l":"1"}},"extra":2,"more":3,"spec":{"a":2},"status":{"b":2}}"#;
    let applied = FieldManager::new(&schemas)
        .apply(live, config)
        .field_manager("ann")
        .subresource("status")
        .reset_fields(ResetFields::custom_resource(["e.io/v1"]))
        .force(true)
        .run()
        .unwrap();
    let object = applied.to_value();
    assert_eq!(at(&object, &["status", "b"]).as_deref(), Some("2"));
    assert_eq!(at(&object, &["spec", "a"]).as_deref(), Some("1"));
    assert_eq!(at(&object, &["extra"]).as_deref(), Some("1"));
    assert_eq!(at(&object, &["more"]), None);
    assert_eq!(at(&object, &["metadata", "labels"]), None);
    // The field manager is not told of other fields at the top, so that they are owned.
    let entry =
        applied.managed_fields().iter().find(|entry| entry.manager.name() == "ann").unwrap();
    assert_eq!(entry.fields.to_string(), ".extra\n.more\n.status\n.status.b");
}
