//! Laws of the field manager: whole objects with their `managedFields`.

use std::cell::Cell;

use managed_fields::fieldmanager::{ApplyError, Compaction, Defaulter, Document, FieldManager};
use managed_fields::managedfields::{ManagedFieldsEntry, Time};
use managed_fields::schema::Schemas;
use managed_fields::value::{Value, ValueRef};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

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

/// What is needless about entries.
#[derive(Clone, Copy, Debug)]
struct Needless {
    /// One owns nothing.
    empty: bool,
    /// One comes again.
    stale: bool,
    /// A field is spelled as if there were something below it.
    dotted: bool,
    /// The key of an item has spaces and escapes in it.
    spaced: bool,
}

impl Needless {
    fn is_any(self) -> bool {
        self.empty || self.stale || self.dotted || self.spaced
    }
}

fn needless() -> impl Strategy<Value = Needless> {
    any::<[bool; 4]>().prop_map(|[empty, stale, dotted, spaced]| Needless {
        empty,
        stale,
        dotted,
        spaced,
    })
}

/// The object with needless entries, if it has entries.
fn with_needless_entries(object: &mut serde_json::Value, needless: Needless) -> bool {
    let entries = object["metadata"]["managedFields"].as_array_mut();
    let Some(entries) = entries.filter(|entries| !entries.is_empty()) else { return false };
    if !needless.is_any() {
        return false;
    }
    // Fields that the object does not have, which stay.
    let fields = &mut entries[0]["fieldsV1"];
    let dotted = serde_json::json!({".": {}});
    fields["f:noise"] = if needless.dotted { dotted } else { serde_json::json!({}) };
    let key = if needless.spaced { r#"k:{ "name" : "\u007a" }"# } else { r#"k:{"name":"z"}"# };
    fields["f:noises"][key] = serde_json::json!({".": {}, "f:name": {}});
    let (mut empty, mut stale) = (entries[0].clone(), entries[0].clone());
    // An updater that sorts before all others.
    empty["manager"] = "nobody".into();
    empty["operation"] = "Update".into();
    empty.as_object_mut().unwrap().remove("time");
    empty["fieldsV1"] = serde_json::json!({});
    stale["fieldsV1"] = serde_json::json!({"f:spec": {"f:stale": {}}});
    stale["time"] = "2001-01-01T00:00:00Z".into();
    let added = [(needless.empty, empty), (needless.stale, stale)];
    entries
        .splice(0..0, added.into_iter().filter_map(|(is_there, entry)| is_there.then_some(entry)));
    true
}

/// The object with so many updaters more, who own fields that there are and others, at times that are the
/// same for some and missing for others.
fn with_updaters(object: &mut serde_json::Value, count: usize) {
    let Some(entries) = object["metadata"]["managedFields"].as_array_mut() else { return };
    entries.extend((0..count).map(|number| {
        let own = format!("f:own-{number}");
        let mut entry = serde_json::json!({
            "manager": if number == 5 {
                "ancient-changes".to_owned()
            } else {
                format!("more-{}", number * 7 % 13)
            },
            "operation": "Update",
            "apiVersion": API_VERSION, "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:number": {}, "f:map": {"f:a": {}}}, own: {}},
        });
        if !number.is_multiple_of(4) {
            entry["time"] = format!("2026-01-0{}T00:00:00Z", 1 + number % 3).into();
        }
        if number.is_multiple_of(3) {
            entry["subresource"] = "status".into();
        }
        entry
    }));
}

/// The same JSON with the members of maps the other way round, escapes and spaces.
fn in_other_words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(members) => {
            let members = members.iter().rev().map(|(key, value)| {
                let key = serde_json::to_string(key).unwrap();
                let key = key.replacen("\"f:", "\"\\u0066:", 1);
                format!("{key} : {}", in_other_words(value))
            });
            format!("{{ {} }}", members.collect::<Vec<_>>().join(" ,\n"))
        }
        serde_json::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(in_other_words).collect();
            format!("[ {} ]", items.join(" , "))
        }
        scalar => scalar.to_string(),
    }
}

/// A server whose objects have no defaults. Whoever fills in objects is shown them whole.
#[derive(Debug)]
struct NoDefaults;

impl Defaulter for NoDefaults {
    fn default(&self, _: ValueRef<'_>) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

/// A history, the configuration of a write with whether it is an apply, forced, and by whom, and what is
/// needless about entries, how they are spelled and how many updaters there are.
type Compacted = (History, (String, bool, bool, usize), (Needless, bool, usize));

/// Compacted entries mean the same to every write that follows, whoever is folded at it.
#[test]
fn compaction_changes_no_write() {
    let request = (SPICED.object(), any::<bool>(), any::<bool>(), 0_usize..5);
    let spelling = (needless(), any::<bool>(), select(vec![0_usize, 0, 8, 12]));
    let strategy = (history(SPICED.object()), request, spelling);
    let mut runner = TestRunner::new(cases(150));
    let (all, smaller, folded) = (Cell::new(0_usize), Cell::new(0_usize), Cell::new(0_usize));
    let law = |(history, request, spelling): Compacted| {
        let (config, is_apply, force, who) = request;
        let (needless, turned, more) = spelling;
        let schemas = schemas();
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let mut live: serde_json::Value = serde_json::from_str(&live).unwrap();
        with_updaters(&mut live, more);
        let before = Compaction::of(live.to_string()).unwrap();
        let has_needless = with_needless_entries(&mut live, needless);
        let live = if turned { in_other_words(&live) } else { live.to_string() };
        let compacted = Compaction::of(&live).unwrap();
        // What is needless goes, and nothing else.
        prop_assert_eq!(compacted.patch().is_some(), has_needless || before.patch().is_some());
        let dropped = usize::from(needless.empty) + usize::from(needless.stale);
        prop_assert_eq!(compacted.dropped().len(), if has_needless { dropped } else { 0 });
        prop_assert!(Compaction::of(compacted.object()).unwrap().patch().is_none());
        let bytes = |object: &str| json(object).as_ref().to_canonical_json().len();
        let saves = bytes(compacted.object()) < bytes(&live);
        prop_assert_eq!(saves, compacted.patch().is_some());
        all.set(all.get() + 1);
        smaller.set(smaller.get() + usize::from(saves));

        let name = ["applier-0", "updater-0", "updater-1", "newcomer", "more-0"][who];
        let manager = FieldManager::new(&schemas);
        let told = |live: &str| {
            let result = if is_apply {
                let request = manager.apply(live, &config).field_manager(name).force(force);
                request.at(at(100)).run().map_err(|error| error.to_string()).map(|applied| {
                    let taken = applied.taken_from().iter();
                    let taken: Vec<String> =
                        taken.map(|(who, set)| format!("{who} {set}")).collect();
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
        let written = told(&live);
        let is_folded = |(_, _, entries): &(_, _, Vec<ManagedFieldsEntry>)| {
            entries.iter().any(|entry| entry.manager.name() == "ancient-changes")
        };
        folded.set(folded.get() + usize::from(written.as_ref().is_ok_and(is_folded)));
        prop_assert_eq!(written, told(compacted.object()));
        Ok(())
    };
    if let Err(error) = runner.run(&strategy, law) {
        panic!("{error}");
    }
    // Else nothing was put to the test.
    let all = all.get();
    assert!(smaller.get() * 2 > all, "{} of {all} got smaller", smaller.get());
    assert!(folded.get() * 20 > all, "updaters were folded in {} of {all}", folded.get());
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

    /// What a configuration has in the very words of the live object is claimed without another look at
    /// the live object.
    #[test]
    fn how_a_configuration_is_spelled_changes_no_ownership(
        history in history(SPICED.object()), config in SPICED.object(),
        kept in proptest::collection::vec(any::<bool>(), 16), force in any::<bool>(),
    ) {
        let schemas = schemas();
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let live: serde_json::Value = serde_json::from_str(&live).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
        if let (Some(spec), Some(live)) = (config["spec"].as_object_mut(), live["spec"].as_object())
        {
            let kept = live.iter().zip(kept).filter(|(_, is_kept)| *is_kept);
            spec.extend(kept.map(|((name, value), _)| (name.clone(), value.clone())));
        }
        let live = live.to_string();
        let manager = FieldManager::new(&schemas);
        let told = |config: &str| {
            let request = manager.apply(&live, config).field_manager("applier-0").force(force);
            match request.at(at(100)).run() {
                Ok(applied) => {
                    let object: serde_json::Value = serde_json::from_str(applied.object()).unwrap();
                    Ok((object, applied.managed_fields().to_vec(), applied.changed()))
                }
                Err(ApplyError::Conflict(conflicts)) => Err(Some(conflicts.to_string())),
                Err(_) => Err(None),
            }
        };
        prop_assert_eq!(told(&config.to_string()), told(&in_other_words(&config)));
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
