//! What becomes of owners when what some own goes into other hands, against sets of paths.

use std::collections::{BTreeMap, BTreeSet};

use managed_fields::analysis::entries_of;
use managed_fields::fieldmanager::{ApplyError, FieldManager, HandedOver, Handover};
use managed_fields::fieldpath::FieldSet;
use managed_fields::managedfields::Operation;
use managed_fields::schema::Schemas;
use managed_fields::value::Value;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::cases;

/// Manager, operation, version, subresource.
type Owner = (String, String, String, String);
type Owners = BTreeMap<Owner, BTreeSet<String>>;

/// A field of the object: one of two groups with three fields each.
fn field() -> impl Strategy<Value = (usize, usize)> {
    (0..2usize, 0..3usize)
}

fn fields() -> impl Strategy<Value = BTreeSet<(usize, usize)>> {
    prop::collection::btree_set(field(), 0..5)
}

fn fields_v1(fields: &BTreeSet<(usize, usize)>) -> Json {
    let mut set = json!({});
    for (group, field) in fields {
        set["f:spec"][format!("f:g{group}")][format!("f:{field}")] = json!({});
    }
    set
}

prop_compose! {
    /// An object with entries of the managers a, b, c and z, no two of one identity.
    fn live()(
        entries in prop::collection::btree_map(
            (prop::sample::select(vec!["a", "b", "c", "z"]), any::<bool>(), any::<bool>()),
            (fields(), 0..9u8),
            0..7,
        ),
    ) -> String {
        let entries: Vec<Json> = entries
            .iter()
            .map(|((manager, applied, in_status), (fields, second))| {
                let mut entry = json!({
                    "manager": manager,
                    "operation": if *applied { "Apply" } else { "Update" },
                    "apiVersion": "example.com/v1",
                    "time": format!("2026-01-01T00:00:0{second}Z"),
                    "fieldsType": "FieldsV1",
                    "fieldsV1": fields_v1(fields),
                });
                if *in_status {
                    entry["subresource"] = json!("status");
                }
                entry
            })
            .collect();
        let group = json!({"0": 0, "1": 0, "2": 0});
        json!({
            "apiVersion": "example.com/v1", "kind": "Lamp",
            "metadata": {"name": "a", "resourceVersion": "7", "managedFields": entries},
            "spec": {"g0": group, "g1": group},
        }).to_string()
    }
}

fn owners(object: &str) -> Owners {
    let entries = entries_of(&Value::from_json(object).unwrap()).unwrap();
    let mut owners = Owners::new();
    for entry in entries {
        let manager = &entry.manager;
        let owner = (
            manager.name().to_owned(),
            manager.operation().to_string(),
            entry.api_version.clone(),
            manager.subresource().to_owned(),
        );
        owners.entry(owner).or_default().extend(entry.fields.iter().map(|path| path.to_string()));
    }
    owners
}

/// All that somebody owns.
fn owned(owners: &Owners) -> BTreeSet<String> {
    owners.values().flatten().cloned().collect()
}

fn lost(done: &HandedOver) -> BTreeSet<String> {
    let fields = done.lost().iter().filter_map(|lost| lost.fields.as_ref());
    fields
        .flat_map(|fields| fields.iter().map(|path| path.to_string()).collect::<Vec<_>>())
        .collect()
}

/// The object that a server makes of a patch; it knows no other owner of it.
fn patched(object: &str, patch: &str) -> Json {
    let mut object: Json = serde_json::from_str(object).unwrap();
    let patch: Json = serde_json::from_str(patch).unwrap();
    for step in patch.as_array().unwrap() {
        assert_eq!(step["op"], "replace");
        *object.pointer_mut(step["path"].as_str().unwrap()).unwrap() = step["value"].clone();
    }
    if object["metadata"]["managedFields"] == json!([{}]) {
        object["metadata"].as_object_mut().unwrap().remove("managedFields");
    }
    object
}

/// What comes of an apply: the object without its owners, or who refuses it over what.
fn applied(object: &str, manager: &str, config: &str, force: bool) -> (String, BTreeSet<String>) {
    let schemas = Schemas::deduced();
    let applied =
        FieldManager::new(&schemas).apply(object, config).field_manager(manager).force(force).run();
    match applied {
        Ok(applied) => {
            let mut object: Json = serde_json::from_str(applied.object()).unwrap();
            object["metadata"].as_object_mut().unwrap().remove("managedFields");
            (object.to_string(), BTreeSet::new())
        }
        Err(ApplyError::Conflict(conflicts)) => {
            let told = conflicts.iter().map(|conflict| {
                let manager = conflict.manager().to_key();
                format!("{} {}", conflict.path(), manager)
            });
            (String::new(), told.collect())
        }
        Err(error) => panic!("{error}"),
    }
}

fn config() -> impl Strategy<Value = String> {
    prop::collection::btree_map(field(), 0..2u8, 0..5).prop_map(|values| {
        let mut config = json!({"apiVersion": "example.com/v1", "kind": "Lamp",
            "metadata": {"name": "a"}});
        for ((group, field), value) in values {
            config["spec"][format!("g{group}")][field.to_string()] = json!(value);
        }
        config.to_string()
    })
}

fn both_names(names: &[&str], to: &str, told: &BTreeSet<String>) -> BTreeSet<String> {
    let rename = |told: &String| {
        let mut told = told.clone();
        for name in names {
            told = told
                .replace(&format!("{{\"manager\":\"{name}\""), &format!("{{\"manager\":\"{to}\""));
        }
        told
    };
    told.iter().map(rename).collect()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_new_name_can_be_taken_back(live in live()) {
        let there = Handover::new(&*live).from("a").to("new").run().unwrap();
        let back = Handover::new(there.object()).from("new").to("a").run().unwrap();
        let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        prop_assert_eq!(json(back.object()), json(&live));
        prop_assert!(there.lost().is_empty());
    }

    #[test]
    fn what_is_merged_is_the_union(live in live()) {
        let merged = Handover::new(&*live).from("a").from("b").to("c").run().unwrap();
        let mut expected = Owners::new();
        for ((manager, operation, version, subresource), fields) in owners(&live) {
            let manager = if manager == "z" { "z" } else { "c" };
            expected
                .entry((manager.to_owned(), operation, version, subresource))
                .or_default()
                .extend(fields);
        }
        prop_assert_eq!(owners(merged.object()), expected);
        prop_assert!(merged.lost().is_empty());
    }

    #[test]
    fn what_is_taken_is_what_is_asked_for_and_all_else_stays(
        live in live(),
        (group, field) in field(),
        whole in any::<bool>(),
        to in prop::option::of(prop::sample::select(vec!["b", "new"])),
    ) {
        let path = match whole {
            true => json!({"f:spec": {format!("f:g{group}"): {}}}),
            false => json!({"f:spec": {format!("f:g{group}"): {format!("f:{field}"): {}}}}),
        };
        let wanted = FieldSet::from_fields_v1(path.to_string().as_bytes()).unwrap();
        let handover = Handover::new(&*live).from("a").fields(&wanted);
        let handover = match to {
            Some(to) => handover.to(to),
            None => handover,
        };
        let done = handover.run().unwrap();
        let begin = match whole {
            true => format!(".spec.g{group}."),
            false => format!(".spec.g{group}.{field}"),
        };
        let before = owners(&live);
        let mut expected = before.clone();
        for (owner, fields) in &before {
            let taken: BTreeSet<String> =
                fields.iter().filter(|field| field.starts_with(&begin)).cloned().collect();
            if owner.0 != "a" || taken.is_empty() {
                continue;
            }
            let own = expected.get_mut(owner).unwrap();
            own.retain(|field| !taken.contains(field));
            if own.is_empty() {
                expected.remove(owner);
            }
            if let Some(to) = to {
                let (_, operation, version, subresource) = owner.clone();
                let heir = (to.to_owned(), operation, version, subresource);
                expected.entry(heir).or_default().extend(taken);
            }
        }
        prop_assert_eq!(owners(done.object()), expected);
        let gone = &owned(&before) - &owned(&owners(done.object()));
        prop_assert_eq!(lost(&done), gone);
    }

    #[test]
    fn what_a_dropped_manager_alone_owned_is_lost(live in live(), applied in prop::option::of(any::<bool>())) {
        let handover = Handover::new(&*live).from("a");
        let done = match applied {
            Some(true) => handover.operation(Operation::Apply),
            Some(false) => handover.operation(Operation::Update),
            None => handover,
        };
        let done = done.run().unwrap();
        let mut expected = owners(&live);
        let word = applied.map(|applied| if applied { "Apply" } else { "Update" });
        expected.retain(|owner, _| owner.0 != "a" || word.is_some_and(|word| owner.1 != word));
        let gone = &owned(&owners(&live)) - &owned(&expected);
        prop_assert_eq!(lost(&done), gone);
        prop_assert_eq!(owners(done.object()), expected);
    }

    #[test]
    fn twice_is_once_and_the_patch_makes_the_object(live in live(), kind in 0..3u8) {
        let plan = |object: &str| {
            let handover = Handover::new(object).from("a").from("b");
            let fields = FieldSet::from_fields_v1(br#"{"f:spec":{"f:g0":{}}}"#).unwrap();
            match kind {
                0 => handover.to("c"),
                1 => handover.fields(&fields).to("c"),
                _ => handover,
            }
            .run()
            .unwrap()
        };
        let once = plan(&live);
        let Some(patch) = once.patch() else {
            prop_assert_eq!(once.object(), &live);
            return Ok(());
        };
        prop_assert_eq!(patched(&live, patch), serde_json::from_str::<Json>(once.object()).unwrap());
        let twice = plan(once.object());
        prop_assert_eq!((twice.object(), twice.patch()), (once.object(), None));
        // A server that gets the patch stores that object.
        let schemas = Schemas::deduced();
        let mut sent: Json = serde_json::from_str(&live).unwrap();
        let patch: Json = serde_json::from_str(patch).unwrap();
        sent["metadata"]["managedFields"] = patch[0]["value"].clone();
        let stored = FieldManager::new(&schemas)
            .update(&*live, sent.to_string().as_str())
            .field_manager("kubectl-patch")
            .run()
            .unwrap();
        // Entries that own nothing are not stored.
        let mut expected = owners(once.object());
        expected.retain(|_, fields| !fields.is_empty());
        let mut is = owners(stored.object());
        is.retain(|_, fields| !fields.is_empty());
        prop_assert_eq!(is, expected);
    }

    #[test]
    fn others_apply_and_are_refused_as_before(
        live in live(), config in config(), force in any::<bool>()
    ) {
        let before = applied(&live, "z", &config, force);
        let renamed = Handover::new(&*live).from("a").to("new").run().unwrap();
        let (object, refused) = applied(renamed.object(), "z", &config, force);
        prop_assert_eq!(&object, &before.0);
        prop_assert_eq!(&refused, &both_names(&["a"], "new", &before.1));
        // Whoever owned it now is one of them.
        let merged = Handover::new(&*live).from("a").from("b").to("c").run().unwrap();
        let (object, refused) = applied(merged.object(), "z", &config, force);
        prop_assert_eq!(&object, &before.0);
        prop_assert_eq!(refused, both_names(&["a", "b"], "c", &before.1));
    }

    #[test]
    fn the_new_name_applies_as_the_old_one_did(
        live in live(), config in config(), force in any::<bool>()
    ) {
        let before = applied(&live, "a", &config, force);
        let renamed = Handover::new(&*live).from("a").to("new").run().unwrap();
        let after = applied(renamed.object(), "new", &config, force);
        prop_assert_eq!(after, (before.0, both_names(&["a"], "new", &before.1)));
    }
}
