//! Laws of what an apply would change: it is what the apply does.

use std::cell::RefCell;
use std::collections::BTreeMap;

use managed_fields::Document;
use managed_fields::analysis::{Normalisation, Verdict, WouldChange, entries_of};
use managed_fields::fieldmanager::{ApplyRequest, FieldManager};
use managed_fields::fieldpath::FieldSet;
use managed_fields::managedfields::Time;
use managed_fields::schema::Schemas;
use managed_fields::value::Value;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use crate::cases;
use crate::requests::live_after;
use crate::strategies::{PLAIN, SPICED, Spice, history, json, schemas};

/// The object without its entries.
fn bare(object: &Value) -> Value {
    let mut object: serde_json::Value = serde_json::from_str(&object.to_json()).unwrap();
    if let Some(metadata) = object.get_mut("metadata").and_then(|it| it.as_object_mut()) {
        metadata.remove("managedFields");
    }
    json(&object.to_string())
}

/// What entries say beside times, by whose they are.
fn owners(object: &Value) -> BTreeMap<String, (String, FieldSet)> {
    let mut owners = BTreeMap::new();
    for entry in entries_of(object).unwrap() {
        owners.insert(entry.manager.to_key(), (entry.api_version, entry.fields));
    }
    owners
}

/// How often which verdict was met.
#[derive(Default)]
struct Met(RefCell<BTreeMap<String, usize>>);

impl Met {
    fn note(&self, found: &WouldChange) {
        *self.0.borrow_mut().entry(format!("{:?}", found.verdict())).or_default() += 1;
    }

    /// A law that was held to hardly any case of a sort says little of it.
    fn check(&self) {
        let met = self.0.borrow();
        let all: usize = met.values().sum();
        for verdict in ["Nothing", "Ownership", "Values", "Both"] {
            let count = met.get(verdict).copied().unwrap_or_default();
            assert!(count * 50 >= all, "{verdict} in {count} of {all} cases");
        }
    }
}

/// Holds what is found to what the apply does: values iff the objects differ but for entries, ownership iff
/// entries differ but for times.
fn hold(request: &ApplyRequest<'_, '_>, live: &Value, met: &Met) -> Result<(), TestCaseError> {
    let (found, applied) = match (WouldChange::find(request.clone()), request.clone().run()) {
        (Ok(found), Ok(applied)) => (found, applied),
        (Err(found), Err(applied)) => {
            prop_assert_eq!(found.to_string(), applied.to_string());
            return Ok(());
        }
        (found, applied) => return Err(TestCaseError::fail(format!("{found:?}\n{applied:?}"))),
    };
    met.note(&found);
    let after = applied.to_value();
    let (values, ownership) = match found.verdict() {
        Verdict::Nothing => (false, false),
        Verdict::Ownership => (false, true),
        Verdict::Values => (true, false),
        Verdict::Both => (true, true),
    };
    let stored = |(why, _): &&(Normalisation, _)| *why != Normalisation::SetBack;
    let is_normalised = found.normalised().iter().any(|change| stored(&change));
    let differ = bare(live) != bare(&after);
    prop_assert_eq!(values || is_normalised, differ, "{:?}\n{}", &found, applied.object());
    prop_assert_eq!(ownership, owners(live) != owners(&after), "{:?}", found);
    // What the apply itself calls unchanged is.
    prop_assert!(applied.changed() || !values, "{:?}", found);
    if found.verdict() == Verdict::Nothing && !is_normalised && !found.touches_times() {
        // Where fields have escapes in them, the same text may be written anew.
        let again = request.clone().run_if_changed().unwrap();
        prop_assert!(again.is_none_or(|again| again.object() == live.to_json()), "{:?}", found);
    }
    for change in found.values() {
        prop_assert!(
            change.before.as_ref().map(Value::to_json) != change.after.as_ref().map(Value::to_json),
            "{:?}",
            change
        );
    }
    Ok(())
}

/// The configuration with other values in the same fields.
fn with_other_values(config: &str) -> String {
    let mut config: serde_json::Value = serde_json::from_str(config).unwrap();
    let labels = config["metadata"]["labels"].as_object_mut();
    for label in labels.into_iter().flat_map(|labels| labels.values_mut()) {
        *label = "another".into();
    }
    config.to_string()
}

/// The object with an entry that owns nothing, if it has others.
fn with_empty_entry(object: &str) -> String {
    let mut object: serde_json::Value = serde_json::from_str(object).unwrap();
    if let Some(entries) = object["metadata"]["managedFields"].as_array_mut() {
        let mut empty = entries[0].clone();
        empty["manager"] = "nobody".into();
        empty["fieldsV1"] = serde_json::json!({});
        entries.push(empty);
    }
    object.to_string()
}

/// What is applied to an object beside what made it.
#[derive(Clone, Copy, Debug)]
enum Next {
    Same,
    OtherValues,
    Unrelated,
}

fn law(spice: Spice, name: &'static [&'static str]) {
    let next = select(vec![Next::Same, Next::OtherValues, Next::Unrelated]);
    let empty = proptest::bool::weighted(0.2);
    let request = (spice.object(), select(name), any::<bool>(), next, empty);
    let mut runner = TestRunner::new(cases(150));
    let met = Met::default();
    let result = runner.run(&(history(spice.object()), request), |(history, request)| {
        let (mut config, name, force, next, has_empty) = request;
        let schemas = schemas();
        let manager = FieldManager::new(&schemas);
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let first = manager.apply(&*live, &config).field_manager(name).force(true);
        let live = match first.at(Time::from_second(1)).run() {
            Ok(applied) if !matches!(next, Next::Unrelated) => applied.object().to_owned(),
            _ => live,
        };
        if let Next::OtherValues = next {
            config = with_other_values(&config);
        }
        let live = if has_empty { with_empty_entry(&live) } else { live };
        let value = json(&live);
        // Who states the same again, and who states what another does.
        for who in [name, "applier-1", "newcomer"] {
            let request = manager.apply(&*live, &config).field_manager(who).force(force);
            hold(&request.at(Time::from_second(2)), &value, &met)?;
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    met.check();
}

#[test]
fn it_is_told_what_the_apply_does() {
    law(PLAIN, &["applier-0", "newcomer"]);
}

#[test]
fn it_is_told_what_the_apply_of_odd_values_does() {
    law(SPICED, &["applier-0", "applier-1"]);
}

/// A Deployment of Kubernetes' own, with amounts in several spellings, what is empty, and a status.
fn deployment() -> impl Strategy<Value = String> {
    let amount = select(vec![r#""1""#, r#""1000m""#, "1", r#""2""#]);
    let labels = select(vec!["{}", r#"{"a":"b"}"#, "null"]);
    let tolerations = select(vec!["", r#","tolerations":[]"#, r#","tolerations":null"#]);
    let order = select(vec![["a", "b"], ["b", "a"], ["a", "c"]]);
    let status = select(vec!["", r#","status":{"replicas":1}"#, r#","status":{}"#]);
    (1..3_u8, amount, labels, tolerations, order, status).prop_map(
        |(replicas, amount, labels, tolerations, order, status)| {
            let containers = order.map(|name| {
                format!(
                    r#"{{"name":"{name}","image":"i","resources":{{"limits":{{"cpu":{amount}}}}}}}"#
                )
            });
            format!(
                r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"x","labels":{labels}}},
                "spec":{{"replicas":{replicas},"template":{{"spec":{{"containers":[{}]{tolerations}}}}}}}{status}}}"#,
                containers.join(",")
            )
        },
    )
}

#[test]
fn it_is_told_what_the_apply_of_built_in_kinds_does() {
    let schemas = Schemas::builtin();
    let manager = FieldManager::new(&schemas);
    let mut runner = TestRunner::new(cases(150));
    let met = Met::default();
    let set_back = RefCell::new(0_usize);
    let strategy = (deployment(), deployment(), any::<bool>(), any::<bool>());
    let result = runner.run(&strategy, |(first, second, force, again)| {
        let created = manager.apply(Document::absent(), &first).field_manager("ann");
        let live = created.at(Time::from_second(1)).run().unwrap();
        let config = if again { &first } else { &second };
        for who in ["ann", "bob"] {
            let request = manager.apply(live.object(), config).field_manager(who).force(force);
            let request = request.at(Time::from_second(2));
            hold(&request, &json(live.object()), &met)?;
            let Ok(found) = WouldChange::find(request.clone()) else { continue };
            // What is said to be set back is where the apply leaves the object as it was.
            let after = request.run().unwrap().to_value();
            for (why, change) in found.normalised() {
                if *why != Normalisation::SetBack {
                    continue;
                }
                *set_back.borrow_mut() += 1;
                let path = change.path.to_string();
                prop_assert!(path.starts_with(".status"), "{}", path);
                let before = json(live.object());
                prop_assert_eq!(before.as_ref().get("status"), after.as_ref().get("status"));
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    met.check();
    assert!(*set_back.borrow() > 0, "nothing was set back");
}
