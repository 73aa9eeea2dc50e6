//! Laws of what would happen to a field.

use managed_fields::analysis::{Action, Blame, Outcome, WhatIf, entries_of};
use managed_fields::managedfields::Operation;
use managed_fields::schema::GroupVersionKind;
use proptest::prelude::*;

use crate::cases;
use crate::parsers::{API_VERSION, KIND};
use crate::requests::live_after;
use crate::strategies::{PLAIN, SPICED, history, json, schemas};

proptest! {
    #![proptest_config(cases(30))]

    /// Force gets its value and is then the only owner of it; whoever is refused is refused by an owner;
    /// stating what is there is never refused.
    #[test]
    fn what_would_happen_is_what_ownership_means(history in history(PLAIN.object())) {
        let schemas = schemas();
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let live = json(&live);
        let ty = schemas.find(&GroupVersionKind::new(API_VERSION, KIND)).unwrap();
        let blame = Blame::new(&live, &entries_of(&live).unwrap(), Some(&ty));
        for field in blame.fields() {
            let path = blame.path(field);
            let owners = blame.owners_at(&path);
            if path.elements()[0].to_string() != ".spec" {
                continue;
            }
            let what_if = WhatIf::new(&schemas, &ty, &live, path.clone());
            for tried in what_if.all("stranger", Operation::Apply, "") {
                match (&tried.action, &tried.outcome) {
                    (Action::Force, Outcome::Done(after)) => {
                        prop_assert_eq!(after.value(), tried.wanted.as_ref(), "{}", path);
                        let names: Vec<&str> =
                            after.owners().iter().map(|owner| owner.manager.name()).collect();
                        prop_assert_eq!(names, ["stranger"], "{}", path);
                    }
                    (Action::Change, Outcome::Refused(conflicts)) => {
                        for conflict in conflicts {
                            // What was there before the first apply belongs to a manager made up for it.
                            prop_assert!(
                                blame.entries().is_empty()
                                    || owners.iter().any(|owner| owner.manager == *conflict.manager()),
                                "{path} {conflicts}"
                            );
                        }
                    }
                    (Action::State, outcome) => {
                        prop_assert!(matches!(outcome, Outcome::Done(_)), "{path} {outcome:?}");
                    }
                    (_, Outcome::Wrong(message)) => prop_assert!(false, "{path} {message}"),
                    _ => {}
                }
            }
        }
    }

    /// Whatever an object holds, every field can be asked about, for everybody.
    #[test]
    fn odd_fields_can_be_asked_about(history in history(SPICED.object())) {
        let schemas = schemas();
        let Some(live) = live_after(&schemas, &history) else { return Ok(()) };
        let live = json(&live);
        let ty = schemas.find(&GroupVersionKind::new(API_VERSION, KIND)).unwrap();
        let entries = entries_of(&live).unwrap();
        let blame = Blame::new(&live, &entries, Some(&ty));
        for field in blame.fields() {
            let what_if = WhatIf::new(&schemas, &ty, &live, blame.path(field));
            for entry in &entries {
                let manager = &entry.manager;
                what_if.all(manager.name(), manager.operation(), manager.subresource());
            }
        }
    }
}
