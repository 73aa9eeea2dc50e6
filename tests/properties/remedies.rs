//! Laws of the ways out of conflicts.

use std::cell::Cell;

use managed_fields::analysis::{Remedy, RemedyError, Strategy as WayOut};
use managed_fields::fieldmanager::{Applied, ApplyError, Conflicts, FieldManager};
use managed_fields::fieldpath::Path;
use managed_fields::managedfields::{ManagedFieldsEntry, ManagerIdentifier, Operation};
use managed_fields::value::Value;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::cases;
use crate::conflicts::at;
use crate::requests::live_after;
use crate::strategies::{History, PLAIN, SOLID, SPICED, Spice, history, json, schemas};

fn is_own(entry: &ManagedFieldsEntry, manager: &str) -> bool {
    entry.manager.name() == manager && entry.manager.operation() == Operation::Apply
}

/// Nobody else loses a field that was in conflict, nor any that force would have left to them: what the
/// applier no longer states goes with all that is in it, conflicts or not.
fn others_keep_what_they_own(applied: &Applied, forced: &Remedy) -> Result<(), TestCaseError> {
    for (manager, lost) in applied.taken_from() {
        for path in lost.iter() {
            let is_it =
                |owner: &ManagerIdentifier, field: &Path| owner == manager && *field == path;
            prop_assert!(
                forced.taken().iter().any(|taken| is_it(&taken.manager, &taken.path))
                    && !forced.conflicts().iter().any(|one| is_it(one.manager(), one.path())),
                "{manager} loses {path}"
            );
        }
    }
    Ok(())
}

/// What was in conflict stands as it stood.
fn values_stay(
    live: &Value,
    applied: &Applied,
    conflicts: &Conflicts,
) -> Result<(), TestCaseError> {
    let after = applied.to_value();
    for conflict in conflicts {
        let path = conflict.path();
        prop_assert_eq!(at(live.as_ref(), path), at(after.as_ref(), path), "{}", path);
    }
    Ok(())
}

/// Ends the conflicts of a newcomer, or of one of the appliers of a history, in all ways. Tells whether there
/// were any.
fn ends_conflicts(history: &History, manager: &str, config: &str) -> Result<bool, TestCaseError> {
    let schemas = schemas();
    let Some(live) = live_after(&schemas, history) else { return Ok(false) };
    let fm = FieldManager::new(&schemas);
    let request = fm.apply(live.as_str(), config).field_manager(manager);
    let refused = match request.clone().run() {
        Err(ApplyError::Conflict(conflicts)) => conflicts,
        done => {
            prop_assert!(done.is_ok());
            for way_out in [WayOut::GiveUp, WayOut::Share, WayOut::Force] {
                prop_assert!(Remedy::find(request.clone(), way_out).unwrap().is_none());
            }
            return Ok(false);
        }
    };
    let forced = Remedy::find(request.clone(), WayOut::Force).unwrap().unwrap();
    prop_assert!(forced.edits().is_empty());
    let value = json(&live);
    for way_out in [WayOut::GiveUp, WayOut::Share] {
        let remedy = match Remedy::find(request.clone(), way_out) {
            Ok(remedy) => remedy.unwrap(),
            Err(RemedyError::NothingToShare(fields)) => {
                prop_assert_eq!(way_out, WayOut::Share);
                for (_, path) in fields {
                    prop_assert!(at(value.as_ref(), &path).is_none(), "{}", path);
                }
                continue;
            }
            Err(error) => return Err(TestCaseError::fail(format!("{way_out:?}: {error}"))),
        };
        prop_assert_eq!(remedy.conflicts().to_string(), refused.to_string());
        prop_assert!(!remedy.edits().is_empty() && remedy.taken().is_empty());
        let edited = remedy.config().to_json();
        let again = fm.apply(live.as_str(), edited.as_str()).field_manager(manager).run();
        let applied = match again {
            Ok(applied) => applied,
            Err(error) => return Err(TestCaseError::fail(format!("{way_out:?}: {error}"))),
        };
        prop_assert_eq!(applied.object(), remedy.applied().object());
        others_keep_what_they_own(&applied, &forced)?;
        values_stay(&value, &applied, &refused)?;
        let own = applied.managed_fields().iter().find(|entry| is_own(entry, manager));
        let own = own.map(|entry| entry.fields.clone()).unwrap_or_default();
        for conflict in &refused {
            // To state an empty list or map may claim nothing.
            if conflict.live_value().is_none_or(|live| live.as_ref().is_empty()) {
                continue;
            }
            let is_shared = own.contains(conflict.path())
                || own.iter().any(|path| path.elements().starts_with(conflict.path().elements()));
            prop_assert_eq!(is_shared, way_out == WayOut::Share, "{}", conflict.path());
        }
    }
    for conflict in &refused {
        let is_told = forced
            .taken()
            .iter()
            .any(|taken| taken.manager == *conflict.manager() && taken.path == *conflict.path());
        prop_assert!(is_told, "{} of {}", conflict.path(), conflict.manager());
    }
    Ok(true)
}

fn law(spice: Spice) {
    let managers = prop::sample::select(vec!["applier-0", "applier-1", "newcomer"]);
    let mut runner = TestRunner::new(cases(100));
    let met = Cell::new((0usize, 0usize));
    let case = (history(spice.object()), managers, spice.object());
    let result = runner.run(&case, |(history, manager, config)| {
        let (conflicts, all) = met.get();
        let is_one = ends_conflicts(&history, manager, &config)?;
        met.set((conflicts + usize::from(is_one), all + 1));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    // A law that was held to hardly any conflict says little of them.
    let (conflicts, all) = met.get();
    assert!(conflicts * 10 >= all, "conflicts in {conflicts} of {all} cases");
}

#[test]
fn conflicts_end() {
    law(PLAIN);
}

#[test]
fn odd_conflicts_end() {
    law(SPICED);
}

#[test]
fn solid_conflicts_end() {
    law(SOLID);
}
