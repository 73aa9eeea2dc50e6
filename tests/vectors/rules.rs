//! Rules and divergences of `docs` that neither recorded requests nor laws can hold: what depends
//! on the bytes that come out, and where the reference cannot be asked.

use managed_fields::fieldmanager::{
    Applied, ApplyError, Defaulter, Document, FieldManager, SameShape, SchemaDefaults, UpdateError,
    WayOut, guard_admission,
};
use managed_fields::managedfields::{ManagedFieldsEntry, Time};
use managed_fields::schema::{GroupVersionKind, Schemas};
use managed_fields::typed::parse_schema;
use managed_fields::value::{Value, ValueRef};

fn apply(live: &str, config: &str, manager: &str) -> Applied {
    let schemas = Schemas::deduced();
    let fm = FieldManager::new(&schemas);
    let now: Time = "2026-01-01T00:00:00Z".parse().unwrap();
    fm.apply(live, config).field_manager(manager).at(now).run().unwrap()
}

/// Divergence "Spelling".
#[test]
fn what_does_not_change_keeps_its_spelling() {
    let entries = concat!(
        r#"[{"manager":"m","operation":"Apply","apiVersion":"v1","#,
        r#""time":"2025-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:n":{}}}]"#
    );
    let live = format!(
        r#"{{ "kind":"X", "z":1.0, "apiVersion":"v1", "metadata":{{"managedFields":{entries}}},"e":"\u0061<","n":1e3 }}"#
    );
    // Nothing changes: the very text.
    let same = apply(&live, r#"{"apiVersion":"v1","kind":"X","n":1000}"#, "m");
    assert!(!same.changed());
    assert_eq!(same.object(), live);
    // Something does: the rest keeps its order and its spelling, what is new follows in the
    // configuration's order and spelling.
    let config = r#"{"apiVersion":"v1","kind":"X","n":1e3,"y":2.0,"b":{"d":[ 1 ],"c":-0}}"#;
    let other = apply(&live, config, "m");
    let (before, list) = other.object().split_once("\"managedFields\":").unwrap();
    let (_, after) = list.split_once("}]").unwrap();
    assert_eq!(before, r#"{"kind":"X","z":1.0,"apiVersion":"v1","metadata":{"#);
    assert_eq!(after, r#"},"e":"\u0061<","n":1e3,"y":2.0,"b":{"d":[ 1 ],"c":-0}}"#);
    // A repeated key never comes out.
    let live = r#"{"apiVersion":"v1","kind":"X","a":{"b":1,"b":2},"c":0}"#;
    let cleaned = apply(live, r#"{"apiVersion":"v1","kind":"X","c":0}"#, "m");
    assert!(cleaned.object().contains(r#""a":{"b":2}"#), "{}", cleaned.object());
}

/// Divergence "Depth".
#[test]
fn an_object_at_the_limit_of_depth_is_written_and_not_read() {
    let again = |levels: usize| {
        let map = "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels);
        let config = format!(r#"{{"apiVersion":"v1","kind":"X","a":{map}}}"#);
        let written = apply(r#"{"apiVersion":"v1","kind":"X"}"#, &config, "m");
        let schemas = Schemas::deduced();
        let fm = FieldManager::new(&schemas);
        fm.apply(written.object(), &config).field_manager("m").run()
    };
    assert!(again(9_994).is_ok_and(|applied| !applied.changed()));
    let error = again(9_995).unwrap_err().to_string();
    let expected = "the live object is not valid JSON: nesting deeper than 10000 levels";
    assert!(error.starts_with(expected), "{error}");
}

/// Row 8.3/72: an annotation that makes all annotations too large together is removed.
#[test]
fn an_annotation_that_no_longer_fits_is_removed() {
    let live = |filler: usize| {
        format!(
            r#"{{"apiVersion":"v1","kind":"X","metadata":{{"annotations":{{"a":"{}","kubectl.kubernetes.io/last-applied-configuration":"{{}}"}}}},"n":1}}"#,
            "x".repeat(filler)
        )
    };
    let config = r#"{"apiVersion":"v1","kind":"X","n":1}"#;
    let has_it = |filler: usize| {
        let applied = apply(&live(filler), config, "kubectl");
        let text = r#""{\"apiVersion\":\"v1\",\"kind\":\"X\",\"n\":1}\n""#;
        assert!(applied.changed());
        applied.object().contains(text)
    };
    let others = "akubectl.kubernetes.io/last-applied-configuration".len() + config.len() + 1;
    assert!(has_it(262_144 - others));
    assert!(!has_it(262_144 - others + 1));
}

/// Sets `on` to true unless it is stated.
#[derive(Debug)]
struct On {
    always: bool,
}

impl Defaulter for On {
    fn default(&self, object: ValueRef<'_>) -> Result<Option<Value>, String> {
        let mut object: serde_json::Value = object.to_value().to_deserialize().unwrap();
        if self.always || object["on"].is_null() {
            object["on"] = true.into();
        }
        if object["fails"] == true {
            return Err("no defaults for this".to_owned());
        }
        Ok(Some(Value::from_serialize(&object).unwrap()))
    }
}

const LAMP: &str = r#"{"apiVersion":"v1","kind":"X","n":1}"#;

fn at(second: usize) -> Time {
    format!("2026-01-01T00:00:0{second}Z").parse().unwrap()
}

/// Rule 19.1.
#[test]
fn defaults_belong_to_whoever_creates_by_writing_and_to_nobody_who_applies() {
    let schemas = Schemas::deduced();
    let fm = FieldManager::new(&schemas).defaulter(&On { always: false });
    let created = fm.update(Document::absent(), LAMP).field_manager("c").at(at(1)).run().unwrap();
    assert!(created.object().contains(r#""on":true"#));
    assert_eq!(created.managed_fields()[0].fields.to_string(), ".n\n.on");
    let applied = fm.apply(Document::absent(), LAMP).field_manager("a").at(at(1)).run().unwrap();
    assert!(applied.object().contains(r#""on":true"#));
    assert_eq!(applied.managed_fields()[0].fields.to_string(), ".n");
    let broken = r#"{"apiVersion":"v1","kind":"X","fails":true}"#;
    let error = fm.apply(applied.object(), broken).field_manager("a").run().unwrap_err();
    assert_eq!(error.to_string(), "failed to default the new object: no defaults for this");
    let error = fm.update(applied.object(), broken).run_without_errors().unwrap_err();
    assert_eq!(error.to_string(), "failed to default the new object: no defaults for this");
}

/// Rules 24.4 and 24.5.
#[test]
fn defaults_of_a_schema_are_filled_in_where_the_server_does_it() {
    let schema = parse_schema(
        &Value::from_json(
            r#"{"types":[{"name":"x","map":{"fields":[
                {"name":"apiVersion","type":{"scalar":"string"}},
                {"name":"kind","type":{"scalar":"string"}},
                {"name":"metadata","type":{"namedType":"any"}},
                {"name":"n","type":{"scalar":"numeric"}},
                {"name":"note","type":{"scalar":"string"}},
                {"name":"on","type":{"scalar":"boolean"},"default":true}]}},
               {"name":"any","scalar":"untyped","map":{"elementType":{"namedType":"any"}},
                "list":{"elementRelationship":"atomic","elementType":{"namedType":"any"}}}]}"#,
        )
        .unwrap(),
    );
    let mut schemas = Schemas::empty();
    let kind = GroupVersionKind::new("v1", "X");
    schemas.insert(kind, schema.unwrap().type_named("x").unwrap());
    let defaults = SchemaDefaults::new(&schemas);
    let fm = FieldManager::new(&schemas).defaulter(&defaults);
    let owned = |entries: &[ManagedFieldsEntry]| -> Vec<String> {
        let owned = |entry: &ManagedFieldsEntry| {
            format!("{} {}", entry.manager.name(), entry.fields.to_string().replace('\n', " "))
        };
        entries.iter().map(owned).collect()
    };

    // Who creates by writing owns what is filled in; nobody owns it of what is applied.
    let created = fm.update(Document::absent(), LAMP).field_manager("c").at(at(1)).run().unwrap();
    assert!(created.object().contains(r#""on":true"#));
    assert_eq!(owned(created.managed_fields()), ["c .n .on"]);
    let applied = fm.apply(Document::absent(), LAMP).field_manager("a").at(at(1)).run().unwrap();
    assert!(applied.object().contains(r#""on":true"#));
    assert_eq!(owned(applied.managed_fields()), ["a .n"]);

    // A manifest written by hand removes what it leaves out, and sets defaults back.
    let edited = LAMP.replace('}', r#","note":"x","on":false}"#);
    let edited =
        fm.update(created.object(), edited.as_str()).field_manager("e").at(at(2)).run().unwrap();
    assert_eq!(owned(edited.managed_fields()), ["c .n", "e .note .on"]);
    let by_hand = fm.update(edited.object(), LAMP).field_manager("h").at(at(3)).run().unwrap();
    assert!(by_hand.object().contains(r#""on":true"#));
    assert!(!by_hand.object().contains("note"));
    assert_eq!(owned(by_hand.managed_fields()), ["c .n", "h .on"]);
}

/// Rule 19.2.
#[test]
fn a_write_that_storage_undoes_leaves_the_times_alone() {
    let schemas = Schemas::deduced();
    let fm = FieldManager::new(&schemas).defaulter(&On { always: true });
    let first = fm.apply(Document::absent(), LAMP).field_manager("a").at(at(1)).run().unwrap();
    let config = LAMP.replace("}", r#","on":false}"#);
    let own = fm.apply(first.object(), config.as_str()).field_manager("a").at(at(2)).run().unwrap();
    // The first time it becomes an owner, which is stored; then nothing changes any more.
    assert!(own.managed_fields()[0].fields.to_string().contains(".on"));
    let live = own.object();
    let again = fm.apply(live, config.as_str()).field_manager("a").at(at(3)).run().unwrap();
    assert!(!again.changed());
    assert_eq!(again.object(), live);
    let stamping = fm.storage(false);
    let stamped = stamping.apply(live, config.as_str()).field_manager("a").at(at(3)).run().unwrap();
    assert_eq!(stamped.managed_fields()[0].time, Some(at(3)));
    assert_eq!(again.managed_fields()[0].time, Some(at(2)));
}

/// Rule 19.3.
#[test]
fn an_object_that_is_too_large_is_written_without_entries() {
    let schemas = Schemas::deduced();
    let fm = FieldManager::new(&schemas);
    let write = |limit| {
        let request = fm.update(Document::absent(), LAMP).field_manager("c").at(at(1));
        request.max_bytes(limit).run().unwrap()
    };
    let whole = write(usize::MAX);
    assert_eq!(write(whole.object().len()).object(), whole.object());
    let bare = write(whole.object().len() - 1);
    assert_eq!(bare.object(), LAMP);
    assert!(bare.managed_fields().is_empty());
}

/// Row 8.2/58.
#[test]
fn entries_that_admission_broke_are_restored() {
    let object =
        |entry: &str, n: usize| format!(r#"{{"metadata":{{"managedFields":[{entry}]}},"n":{n}}}"#);
    let good = r#"{"manager":"m","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{}}"#;
    for broken in [
        good.replace(r#""v1""#, r#""""#),
        good.replace("Update", "invalid"),
        good.replace("FieldsV1", "invalid"),
        good.replace("{}", r#"{"fa":{}}"#),
    ] {
        let guarded = guard_admission(object(good, 1), object(&broken, 2)).unwrap();
        assert_eq!(guarded.object, object(good, 2), "{broken}");
        let warning = guarded.warning.unwrap();
        assert!(
            warning.starts_with(".metadata.managedFields was in an invalid state"),
            "{warning}"
        );
    }
    for sound in [good.replace(r#""m""#, r#""""#), good.replace(r#""m""#, r#""other""#)] {
        let guarded = guard_admission(object(good, 1), object(&sound, 2)).unwrap();
        assert_eq!((guarded.object, guarded.warning), (object(&sound, 2), None));
    }
}

/// Rules 17.1 and 18.6.
#[test]
fn names_of_managers_are_checked_and_found() {
    let schemas = Schemas::deduced();
    let fm = FieldManager::new(&schemas);
    let long = "x".repeat(129);
    let error = fm.apply(Document::absent(), LAMP).field_manager(&long).run().unwrap_err();
    let text = "is invalid: fieldManager: Too long: may not be more than 128 bytes";
    assert_eq!(error.to_string(), format!(r#"PatchOptions.meta.k8s.io "" {text}"#));
    let status = serde_json::to_value(error.to_status()).unwrap();
    assert_eq!((&status["code"], &status["reason"]), (&422.into(), &"Invalid".into()));
    assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueTooLong");
    let error = fm.update(Document::absent(), LAMP).field_manager(&long).run().unwrap_err();
    assert!(matches!(error, UpdateError::ManagerName { options: "CreateOptions", .. }));
    let named = fm.update(Document::absent(), LAMP).user_agent("curl/8").run().unwrap();
    assert_eq!(named.managed_fields()[0].manager.name(), "curl");
    let named = fm.update(Document::absent(), LAMP).user_agent("/8").run().unwrap();
    assert_eq!(named.managed_fields()[0].manager.name(), "unknown");
}

/// Rule 17.14: versions of one shape.
#[test]
fn versions_of_one_shape_differ_in_their_name_only() {
    let schemas = Schemas::deduced();
    let fm = FieldManager::new(&schemas);
    let v1 = fm.apply(Document::absent(), LAMP).field_manager("a").at(at(1)).run().unwrap();
    let config = LAMP.replace("v1", "v2");
    let refused = fm.apply(v1.object(), config.as_str()).field_manager("a").run().unwrap_err();
    assert_eq!(refused.to_string(), "invalid object type: /v2, Kind=X");
    let shapes = SameShape::new(["v1", "v2"]);
    let fm = fm.converter(&shapes);
    let v2 = fm.apply(v1.object(), config.as_str()).field_manager("a").at(at(2)).run().unwrap();
    assert_eq!(v2.managed_fields()[0].api_version, "v2");
    assert_eq!(v2.managed_fields()[0].time, Some(at(1)));
    assert_eq!(v2.to_value().as_ref().get("apiVersion").unwrap().as_str().unwrap(), "v2");
    let other = config.replace('1', "2");
    let error = fm.apply(v1.object(), other.as_str()).field_manager("b").run().unwrap_err();
    assert_eq!(error.to_string(), r#"Apply failed with 1 conflict: conflict with "a": .n"#);
}

/// Rule 17.15.
#[test]
fn a_refusal_knows_the_ways_out() {
    let schemas = Schemas::deduced();
    let fm = FieldManager::new(&schemas);
    let live = r#"{"apiVersion":"v1","kind":"X","n":1,"m":{"a":"b"}}"#;
    let config = live.replace(":1", ":2").replace(r#""b""#, r#""c""#);
    let one = fm.apply(Document::absent(), live).field_manager("a").at(at(1)).run().unwrap();
    let both = fm.apply(one.object(), live).field_manager("b").at(at(2)).run().unwrap();
    let refuse = |config: &str| match fm.apply(both.object(), config).field_manager("c").run() {
        Err(ApplyError::Conflict(conflicts)) => conflicts,
        other => panic!("{other:?}"),
    };
    let conflicts = refuse(&config);
    let [WayOut::GiveUp(paths), WayOut::Share(values), WayOut::Force] = conflicts.ways_out() else {
        panic!("three ways out");
    };
    let texts: Vec<String> = paths.iter().map(ToString::to_string).collect();
    assert_eq!(texts, [".n", ".m.a"]);
    assert_eq!(conflicts.len(), 4);
    let first = conflicts.iter().next().unwrap();
    assert_eq!((first.manager().name(), first.time()), ("a", Some(at(1))));
    let live_values: Vec<String> =
        values.iter().map(|(_, value)| value.as_ref().unwrap().to_json()).collect();
    assert_eq!(live_values, ["1", r#""b""#]);
    // Each of them leads out.
    let share = fm.apply(both.object(), live).field_manager("c").run().unwrap();
    assert_eq!(share.managed_fields().len(), 3);
    let bare = r#"{"apiVersion":"v1","kind":"X"}"#;
    assert!(fm.apply(both.object(), bare).field_manager("c").run().is_ok());
    let forced = fm.apply(both.object(), config.as_str()).field_manager("c").force(true).run();
    assert_eq!(forced.unwrap().taken_from().len(), 2);
}

/// Rule 19.6.
#[test]
fn a_configuration_of_another_state_or_object_is_refused() {
    let schemas = Schemas::deduced();
    let fm = FieldManager::new(&schemas);
    let object = |meta: &str| {
        format!(r#"{{"apiVersion":"apps/v1","kind":"Lamp","metadata":{{"name":"a"{meta}}}}}"#)
    };
    let live = object(r#","uid":"u","resourceVersion":"7""#);
    let refuse = |live: Document<'_>, meta: &str| {
        let error = fm.apply(live, object(meta)).field_manager("m").run().unwrap_err();
        let status = serde_json::to_value(error.to_status()).unwrap();
        (error.to_string(), status)
    };
    let (text, status) = refuse(live.as_str().into(), r#","resourceVersion":"6""#);
    let modified = "the object has been modified; please apply your changes to the latest version and try again";
    let about = r#"Operation cannot be fulfilled on lamps.apps "a""#;
    assert_eq!(text, format!("{about}: {modified}"));
    assert_eq!((&status["code"], &status["reason"]), (&409.into(), &"Conflict".into()));
    assert_eq!(status["details"], serde_json::json!({"name":"a","group":"apps","kind":"lamps"}));
    let (text, _) = refuse(Document::absent(), r#","uid":"u""#);
    let mismatch =
        "uid mismatch: the provided object specified uid u, and no existing object was found";
    assert_eq!(text, format!("{about}: {mismatch}"));
    let (text, status) = refuse(live.as_str().into(), r#","uid":"v""#);
    let immutable = r#"Invalid value: "v": field is immutable"#;
    assert_eq!(text, format!(r#"Lamp.apps "a" is invalid: metadata.uid: {immutable}"#));
    assert_eq!(status["code"], 422);
    assert!(fm.apply(&live, live.as_str()).field_manager("m").run().is_ok());
    let stale = live.replace('7', "6");
    let error = fm.update(&live, &stale).run().unwrap_err();
    assert_eq!(error.to_string(), format!("{about}: {modified}"));
}

/// Rule 17.15: the values are those of the item that the path names.
#[test]
fn values_in_conflict_are_those_of_the_item_that_states_the_key() {
    let schemas = Schemas::builtin();
    let fm = FieldManager::new(&schemas);
    let pod = |name: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a"}},"spec":{{"containers":[{{"name":"c","ports":[{{"containerPort":80,"name":"x"}},{{"containerPort":80,"protocol":"UDP","name":"{name}"}}]}}]}}}}"#
        )
    };
    let live = fm.apply(Document::absent(), pod("y")).field_manager("a").run().unwrap();
    let Err(ApplyError::Conflict(conflicts)) =
        fm.apply(live.object(), pod("z")).field_manager("b").run()
    else {
        panic!("a conflict");
    };
    let conflict = conflicts.iter().next().unwrap();
    assert_eq!(conflict.live_value().unwrap().to_json(), r#""y""#);
    assert_eq!(conflict.applied_value().unwrap().to_json(), r#""z""#);
}
