//! Laws of blame: it tells what the entries say, no less and no more.

use std::collections::BTreeSet;

use managed_fields::analysis::{Blame, Standing};
use managed_fields::managedfields::{ManagedFieldsEntry, ManagerIdentifier, Operation};
use proptest::prelude::*;

use crate::cases;
use crate::ownership::State;
use crate::strategies::{PLAIN, SPICED, history};

/// Each manager is there several times, under several names.
fn told_is_what_is_recorded(state: &State, times: usize) -> Result<(), TestCaseError> {
    let entries: Vec<ManagedFieldsEntry> = state
        .managers
        .iter()
        .flat_map(|manager| (0..times).map(move |time| (time, manager)))
        .map(|(time, (name, owned))| ManagedFieldsEntry {
            manager: ManagerIdentifier::new(format!("{name}{time}"), Operation::Apply, "", ""),
            api_version: String::new(),
            time: None,
            fields: state.ty.reconcile_field_set(&owned.set).unwrap().unwrap_or(owned.set.clone()),
        })
        .collect();
    let blame = Blame::new(&state.live.to_value(), &entries, Some(&state.ty));
    let mut told = BTreeSet::new();
    for field in blame.fields() {
        let path = blame.path(field);
        for owner in blame.owners(field) {
            let is_listed = owner.fields.contains(&path);
            // Who does not list the field has it as part of something that it lists.
            let is_part = || {
                let above = (1..path.elements().len()).map(|end| &path.elements()[..end]);
                above
                    .into_iter()
                    .any(|above| owner.fields.contains(&above.iter().cloned().collect()))
            };
            prop_assert!(is_listed || is_part(), "{path} is told to be {:?}'s", owner.manager);
            if is_listed {
                prop_assert_eq!(field.standing(), Standing::Owned, "{}", path);
                told.insert((owner.manager.name().to_owned(), path.clone()));
            }
        }
    }
    for absent in blame.absent() {
        for owner in blame.owners_of_absent(absent) {
            for path in owner.fields.iter() {
                if path.elements().starts_with(absent.path().elements()) {
                    told.insert((owner.manager.name().to_owned(), path.clone()));
                }
            }
        }
    }
    let listed = entries
        .iter()
        .flat_map(|entry| entry.fields.iter().map(|path| (entry.manager.name().to_owned(), path)));
    prop_assert_eq!(told, listed.collect());
    Ok(())
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn blame_tells_all_that_is_recorded(history in history(PLAIN.spec())) {
        told_is_what_is_recorded(&State::of(&history), 1)?;
    }

    #[test]
    fn blame_tells_all_that_is_recorded_of_odd_objects(history in history(SPICED.spec())) {
        told_is_what_is_recorded(&State::of(&history), 1)?;
    }

    /// Many owners are asked in another way than a few.
    #[test]
    fn blame_tells_all_that_is_recorded_of_many_managers(history in history(SPICED.spec())) {
        told_is_what_is_recorded(&State::of(&history), 40)?;
    }
}
