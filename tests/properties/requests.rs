//! Laws of the field manager: whole objects with their `managedFields`.

use managed_fields::fieldmanager::{ApplyError, Compaction, Defaulter, Document, FieldManager};
use managed_fields::managedfields::Time;
use managed_fields::schema::Schemas;
use managed_fields::value::{Value, ValueRef};
use proptest::prelude::*;

use crate::cases;
use crate::parsers::{API_VERSION, KIND};
use crate::strategies::{History, PLAIN, SOLID, SPICED, Step, history, json, schemas};

fn at(second: usize) -> Time {
    Time::from_second(1_700_000_000 + second as i64)
}

/// The object after a history; none if it never came to be.
pub(crate) fn live_after(schemas: &Schemas, history: &History) -> Option<String> {
    let manager = FieldManager::new(schemas);
    // Half of the histories begin with an object that nobody manages.
    let mut live = history.checked.then(|| history.start.clone());
    for (second, step) in history.steps.iter().enumerate() {
        let before = live.as_deref().map_or_else(Document::absent, Document::from);
        let after = match step {
            Step::Apply { manager: name, value, force, .. } => {
                let request = manager.apply(before, value).field_manager(name).force(*force);
                match request.at(at(second)).run() {
                    Ok(applied) => Some(applied.object().to_owned()),
                    Err(ApplyError::Conflict(_)) => None,
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Update { manager: name, value, .. } => {
                let request = manager.update(before, value).field_manager(name).at(at(second));
                Some(request.run().unwrap().object().to_owned())
            }
        };
        live = after.or(live);
    }
    live
}

/// The object with its entries in another order.
fn with_entries_turned(object: &str, turn: usize) -> String {
    let mut object: serde_json::Value = serde_json::from_str(object).unwrap();
    if let Some(entries) = object["metadata"]["managedFields"].as_array_mut() {
        let turn = turn % entries.len().max(1);
        entries.rotate_left(turn);
        if turn.is_multiple_of(2) {
            entries.reverse();
        }
    }
    object.to_string()
}

/// The object with an entry that owns nothing, one that comes again, or one in too many bytes, for each
/// bit of `noise`; if it has entries.
fn with_needless_entries(object: &str, noise: usize) -> String {
    let mut object: serde_json::Value = serde_json::from_str(object).unwrap();
    let entries = object["metadata"]["managedFields"].as_array_mut();
    if let Some(entries) = entries.filter(|entries| !entries.is_empty() && noise > 0) {
        // A field that the object does not have, which stays.
        let spelling =
            if noise & 4 == 4 { serde_json::json!({".": {}}) } else { serde_json::json!({}) };
        entries[0]["fieldsV1"]["f:noise"] = spelling;
        let (mut empty, mut stale) = (entries[0].clone(), entries[0].clone());
        empty["manager"] = "nobody".into();
        empty["fieldsV1"] = serde_json::json!({});
        stale["fieldsV1"] = serde_json::json!({"f:spec": {"f:stale": {}}});
        entries.splice(
            0..0,
            [(1, empty), (2, stale)]
                .into_iter()
                .filter_map(|(bit, entry)| (noise & bit == bit).then_some(entry)),
        );
    }
    object.to_string()
}

/// A server whose objects have no defaults. Whoever fills in objects is shown them whole.
#[derive(Debug)]
struct NoDefaults;

impl Defaulter for NoDefaults {
    fn default(&self, _: ValueRef<'_>) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

proptest! {
    #![proptest_config(cases(100))]

    /// Entries are read while the live object is parsed, and made no nodes of, unless somebody looks
    /// at them.
    #[test]
    fn how_entries_are_read_changes_no_result(
        history in history(SPICED.object()), config in SPICED.object(),
        turn in 0_usize..4, pretty in any::<bool>(), force in any::<bool>(),
        keeps in any::<bool>(),
    ) {
        let schemas = schemas();
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let mut live = with_entries_turned(&live, turn);
        if pretty {
            let value: serde_json::Value = serde_json::from_str(&live).unwrap();
            live = serde_json::to_string_pretty(&value).unwrap();
        }
        // An applier that was there before states less, or something else.
        let name = if keeps { "applier-0" } else { "newcomer" };
        let told = |manager: FieldManager<'_>| {
            let request = manager.apply(&live, &config).field_manager(name).force(force);
            request.at(at(100)).run().map_err(|error| error.to_string()).map(|applied| {
                let taken: Vec<String> =
                    applied.taken_from().iter().map(|(who, set)| format!("{who} {set}")).collect();
                (applied.object().to_owned(), applied.pruned().to_string(), taken)
            })
        };
        let manager = FieldManager::new(&schemas);
        prop_assert_eq!(told(manager), told(manager.defaulter(&NoDefaults)));
        let request = manager.apply(&live, &config).field_manager(name).force(force);
        if let Ok(changed) = request.at(at(100)).run_if_changed() {
            let (object, _, _) = told(manager).unwrap();
            match changed {
                None => prop_assert_eq!(object, live),
                Some(changed) => prop_assert_eq!(changed.object(), object),
            }
        }
    }

    /// Compacted entries mean the same to every write that follows.
    #[test]
    fn compaction_changes_no_write(
        history in history(SPICED.object()), config in SPICED.object(),
        is_apply in any::<bool>(), force in any::<bool>(), who in 0_usize..4, noise in 0_usize..8,
    ) {
        let schemas = schemas();
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let before = Compaction::of(&live).unwrap();
        let live = with_needless_entries(&live, noise);
        let compacted = Compaction::of(&live).unwrap();
        // What is needless goes, and nothing else.
        let has_noise = noise > 0 && live.contains("\"f:noise\"");
        prop_assert_eq!(compacted.patch().is_some(), has_noise || before.patch().is_some());
        let dropped = (noise & 1) + (noise >> 1 & 1);
        prop_assert_eq!(compacted.dropped().len(), if has_noise { dropped } else { 0 });
        prop_assert!(Compaction::of(compacted.object()).unwrap().patch().is_none());

        let name = ["applier-0", "updater-0", "updater-1", "newcomer"][who];
        let manager = FieldManager::new(&schemas);
        let told = |live: &str| {
            let result = if is_apply {
                let request = manager.apply(live, &config).field_manager(name).force(force);
                request.at(at(100)).run().map_err(|error| error.to_string()).map(|applied| {
                    let taken = applied.taken_from().iter();
                    let taken: Vec<String> = taken.map(|(who, set)| format!("{who} {set}")).collect();
                    let fate = format!("{} {} {taken:?}", applied.changed(), applied.pruned());
                    (applied.object().to_owned(), fate, applied.managed_fields().to_vec())
                })
            } else {
                let request = manager.update(live, &config).field_manager(name);
                request.at(at(100)).run().map_err(|error| error.to_string()).map(|updated| {
                    let entries = updated.managed_fields().to_vec();
                    (updated.object().to_owned(), String::new(), entries)
                })
            };
            result.map(|(object, fate, entries)| {
                let mut object: serde_json::Value = serde_json::from_str(&object).unwrap();
                object["metadata"].as_object_mut().unwrap().remove("managedFields");
                // A write that changes nothing leaves even needless entries.
                let entries = entries.into_iter().filter(|entry| !entry.fields.is_empty());
                (object, fate, entries.collect::<Vec<_>>())
            })
        };
        prop_assert_eq!(told(&live), told(compacted.object()));
    }

    #[test]
    fn applying_twice_is_applying_once(
        history in history(SOLID.object()), config in SOLID.object()
    ) {
        let schemas = schemas();
        let manager = FieldManager::new(&schemas);
        let live = live_after(&schemas, &history);
        let live = live.as_deref().map_or_else(Document::absent, Document::from);
        let apply = |live: Document<'_>, second| {
            let request = manager.apply(live, &config).field_manager("applier-0").force(true);
            request.at(at(second)).run()
        };
        let once = apply(live, 100).unwrap();
        let twice = apply(once.object().into(), 200).unwrap();
        prop_assert!(!twice.changed());
        prop_assert_eq!(twice.object(), once.object());
        prop_assert_eq!(twice.managed_fields(), once.managed_fields());
        prop_assert!(twice.pruned().is_empty() && twice.taken_from().is_empty());
    }

    #[test]
    fn what_is_extracted_with_keys_can_be_applied_again(
        history in history(SOLID.object()), config in SOLID.object()
    ) {
        let schemas = schemas();
        let manager = FieldManager::new(&schemas);
        let live = live_after(&schemas, &history);
        let live = live.as_deref().map_or_else(Document::absent, Document::from);
        let applied = manager.apply(live, &config).field_manager("a").force(true).at(at(100)).run();
        let applied = applied.unwrap();
        let extract = || manager.extract(applied.object()).field_manager("a").with_keys(true).run();
        let extracted = match extract() {
            // Whoever owns nothing has no entry.
            Ok(None) => return Ok(()),
            Ok(Some(extracted)) => extracted,
            // A list that was broken before cannot be told apart.
            Err(error) => {
                let text = error.to_string();
                prop_assert!(text.starts_with("error converting obj to typed"), "{}", text);
                return Ok(());
            }
        };
        let again = manager.apply(applied.object(), &extracted).field_manager("a");
        let again = again.at(at(200)).run();
        prop_assert!(again.is_ok(), "{:?} {}", again, extracted);
        let again = again.unwrap();
        prop_assert_eq!(again.object(), applied.object(), "{}", extracted);
    }

    #[test]
    fn giving_everything_up_removes_what_nobody_else_owns(
        config in PLAIN.object(), other in PLAIN.object()
    ) {
        let schemas = schemas();
        let manager = FieldManager::new(&schemas);
        let apply = |live: Document<'_>, config: &str, name: &str| {
            let request = manager.apply(live, config).field_manager(name).force(true);
            request.at(at(100)).run().unwrap()
        };
        let bare = format!(
            r#"{{"apiVersion":"{API_VERSION}","kind":"{KIND}","metadata":{{"name":"x"}}}}"#
        );
        let both = apply(apply(Document::absent(), &other, "b").object().into(), &config, "a");
        let one = apply(both.object().into(), &other, "a");
        let none = apply(one.object().into(), &bare, "b");
        prop_assert_eq!(none.managed_fields().len(), 1);
        let none = apply(none.object().into(), &bare, "a");
        prop_assert_eq!(none.to_value(), json(&bare));
        let alone = apply(Document::absent(), &config, "a");
        prop_assert_eq!(apply(alone.object().into(), &bare, "a").to_value(), json(&bare));
    }

    #[test]
    fn force_takes_what_a_refusal_names(
        history in history(SPICED.object()), config in SPICED.object()
    ) {
        let schemas = schemas();
        let manager = FieldManager::new(&schemas);
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let apply = |force| {
            let request = manager.apply(&live, &config).field_manager("applier-0").force(force);
            request.at(at(100)).run()
        };
        let forced = apply(true).unwrap();
        match apply(false) {
            Ok(unforced) => {
                prop_assert_eq!(unforced.object(), forced.object());
            }
            Err(ApplyError::Conflict(conflicts)) => {
                prop_assert!(!conflicts.is_empty());
                for conflict in &conflicts {
                    let taken = forced.taken_from().iter().any(|(name, set)| {
                        name == conflict.manager() && set.contains(conflict.path())
                    });
                    prop_assert!(taken, "{}", conflict.path());
                    prop_assert!(conflict.live_value() != conflict.applied_value());
                }
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }

    #[test]
    fn writing_the_current_object_changes_nothing(history in history(SPICED.object())) {
        let schemas = schemas();
        let manager = FieldManager::new(&schemas);
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let write = |live: &str| manager.update(live, live).field_manager("w").at(at(100)).run();
        let written = write(&live).unwrap();
        prop_assert_eq!(written.to_value(), json(&live));
        // The codec of the list: what was encoded is decoded and encoded to the same text.
        let again = write(written.object()).unwrap();
        prop_assert_eq!(again.object(), written.object());
        prop_assert_eq!(again.managed_fields(), written.managed_fields());
    }

    #[test]
    fn the_order_of_entries_does_not_matter(
        history in history(SPICED.object()), config in SPICED.object(), turn in 1..6usize
    ) {
        let schemas = schemas();
        let manager = FieldManager::new(&schemas);
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let turned = with_entries_turned(&live, turn);
        let apply = |live: &str, force| {
            manager.apply(live, &config).field_manager("applier-0").force(force).at(at(100)).run()
        };
        match (apply(&live, false), apply(&turned, false)) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(one.managed_fields(), other.managed_fields());
                prop_assert_eq!(one.to_value(), other.to_value());
            }
            (Err(one), Err(other)) => prop_assert_eq!(one.to_string(), other.to_string()),
            (one, other) => return Err(TestCaseError::fail(format!("{one:?}\n{other:?}"))),
        }
        let (one, other) = (apply(&live, true).unwrap(), apply(&turned, true).unwrap());
        prop_assert_eq!(one.managed_fields(), other.managed_fields());
        prop_assert_eq!(one.taken_from(), other.taken_from());
        let write = |live: &str| {
            manager.update(live, &config).field_manager("w").at(at(100)).run().unwrap()
        };
        let (one, other) = (write(&live), write(&turned));
        prop_assert_eq!(one.managed_fields(), other.managed_fields());
        prop_assert_eq!(one.to_value(), other.to_value());
    }

    #[test]
    fn the_entries_of_the_result_are_those_in_its_text(
        history in history(SPICED.object()), config in SPICED.object()
    ) {
        let schemas = schemas();
        let manager = FieldManager::new(&schemas);
        let live = live_after(&schemas, &history);
        let live = live.as_deref().map_or_else(Document::absent, Document::from);
        let request = manager.apply(live, &config).field_manager("applier-0").force(true);
        let applied = request.at(at(100)).run().unwrap();
        let object = applied.object();
        let read = manager.update(object, object).field_manager("w").at(at(200)).run().unwrap();
        prop_assert_eq!(read.managed_fields(), applied.managed_fields());
        let orders: Vec<_> = applied
            .managed_fields()
            .iter()
            .map(|entry| (entry.manager.operation(), entry.time, entry.manager.name().to_owned()))
            .collect();
        let mut sorted = orders.clone();
        sorted.sort();
        prop_assert_eq!(orders, sorted);
    }
}
