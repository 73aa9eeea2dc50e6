//! Laws of the updater: who owns what after a history of updates and applies.

use managed_fields::fieldpath::{FieldSet, Path};
use managed_fields::merge::{Managers, Outcome, SameVersion, Updater, UpdaterError, VersionedSet};
use managed_fields::schema::Type;
use managed_fields::typed::TypedValue;
use proptest::prelude::*;

use crate::cases;
use crate::strategies::{History, PLAIN, SOLID, SPICED, Step, history, spec_type, typed};

pub(crate) struct State {
    pub(crate) ty: Type,
    pub(crate) live: TypedValue,
    pub(crate) managers: Managers,
    checked: bool,
}

impl State {
    pub(crate) fn of(history: &History) -> State {
        let ty = spec_type();
        let live = typed(&ty, &history.start);
        let mut state = State { ty, live, managers: Managers::new(), checked: history.checked };
        for step in &history.steps {
            state.take(step);
        }
        state
    }

    fn updater(&self) -> Updater<'static> {
        Updater::new(&SameVersion)
    }

    fn take(&mut self, step: &Step) {
        let outcome = match step {
            Step::Apply { manager, version, value, force } => {
                self.apply(manager, version, value, *force)
            }
            Step::Update { manager, version, value } => {
                self.update(manager, version, &typed(&self.ty, value))
            }
        };
        match outcome {
            Ok(outcome) => self.adopt(outcome),
            Err(UpdaterError::Conflicts(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn adopt(&mut self, outcome: Outcome) {
        if let Some(object) = outcome.object {
            self.live = match self.checked {
                true => TypedValue::with_duplicates(object.to_value(), self.ty.clone()).unwrap(),
                false => object,
            };
        }
        self.managers = outcome.managers;
    }

    fn apply(
        &self,
        manager: &str,
        version: &str,
        value: &str,
        force: bool,
    ) -> Result<Outcome, UpdaterError> {
        let config = typed(&self.ty, value);
        self.updater().apply(&self.live, &config, version, &self.managers, manager, force)
    }

    fn update(
        &self,
        manager: &str,
        version: &str,
        new: &TypedValue,
    ) -> Result<Outcome, UpdaterError> {
        self.updater().update(&self.live, new, version, &self.managers, manager)
    }

    /// Adds a manager that owns what may not be there, as after a write that went around managers.
    fn plant(&mut self, value: &str) {
        let set = typed(&self.ty, value).to_field_set().unwrap();
        let owned = VersionedSet { set, api_version: "v1".to_owned(), applied: true };
        self.managers.insert("planted", owned);
    }

    fn after(&self, outcome: Outcome) -> State {
        let managers = Managers::new();
        let (ty, live) = (self.ty.clone(), self.live.clone());
        let mut state = State { ty, live, managers, checked: self.checked };
        state.adopt(outcome);
        state
    }

    fn owns(&self, manager: &str, path: &Path) -> bool {
        self.managers.get(manager).is_some_and(|owned| owned.set.contains(path))
    }
}

fn is_at_or_below(path: &Path, set: &FieldSet) -> bool {
    (1..=path.elements().len())
        .any(|length| set.contains(&path.elements()[..length].iter().cloned().collect::<Path>()))
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn applying_twice_is_applying_once(
        history in history(SOLID.spec()), config in SOLID.spec(), force in any::<bool>()
    ) {
        let state = State::of(&history);
        let Ok(once) = state.apply("applier-0", "v1", &config, force) else { return Ok(()) };
        let state = state.after(once);
        let twice = state.apply("applier-0", "v1", &config, false);
        let twice = twice.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(twice.object.is_none(), "{:?} {:?}", state.live, twice.object);
        prop_assert_eq!(twice.managers, state.managers);
    }

    #[test]
    fn force_matters_only_to_conflicts(
        history in history(SPICED.spec()), config in SPICED.spec(), planted in SPICED.spec()
    ) {
        let mut state = State::of(&history);
        state.plant(&planted);
        let forced = state.apply("applier-0", "v1", &config, true).unwrap();
        match state.apply("applier-0", "v1", &config, false) {
            Ok(unforced) => {
                prop_assert_eq!(unforced.managers, forced.managers);
                prop_assert_eq!(
                    unforced.object.map(|object| object.to_value()),
                    forced.object.map(|object| object.to_value())
                );
            }
            Err(UpdaterError::Conflicts(conflicts)) => {
                prop_assert!(!conflicts.is_empty());
                prop_assert!(forced.object.is_some());
                // A conflict is what another manager owns and the apply would change, all of it.
                let after = state.after(forced);
                let changes = state.live.compare(&after.live).unwrap();
                let changed = changes.modified.union(&changes.added);
                for (manager, owned) in state.managers.iter().filter(|(m, _)| *m != "applier-0") {
                    let expected = owned.set.intersection(&changed);
                    let found = conflicts.by_manager().find(|(other, _)| *other == manager);
                    let found = found.map(|(_, set)| set.clone()).unwrap_or_default();
                    prop_assert_eq!(found, expected);
                }
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }

    #[test]
    fn force_leaves_one_owner_of_each_conflict(
        history in history(SOLID.spec()), config in SOLID.spec()
    ) {
        let state = State::of(&history);
        let refused = state.apply("applier-0", "v1", &config, false);
        let Err(UpdaterError::Conflicts(conflicts)) = refused else { return Ok(()) };
        let after = state.after(state.apply("applier-0", "v1", &config, true).unwrap());
        for conflict in conflicts.iter() {
            prop_assert!(state.owns(&conflict.manager, &conflict.path));
            let owners: Vec<&str> = after
                .managers
                .iter()
                .map(|(name, _)| name)
                .filter(|name| after.owns(name, &conflict.path))
                .collect();
            prop_assert_eq!(owners, ["applier-0"], "{}", conflict.path);
        }
    }

    #[test]
    fn appliers_of_equal_values_never_conflict(
        history in history(SOLID.spec()), config in SOLID.spec()
    ) {
        let state = State::of(&history);
        let state = state.after(state.apply("applier-0", "v1", &config, true).unwrap());
        for version in ["v1", "v2"] {
            let second = state.apply("applier-1", version, &config, false);
            let second = second.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let set = |managers: &Managers, name| {
                managers.get(name).map(|owned| owned.set.clone()).unwrap_or_default()
            };
            prop_assert_eq!(
                set(&second.managers, "applier-1"),
                set(&state.managers, "applier-0")
            );
        }
    }

    #[test]
    fn an_update_by_the_current_object_changes_nothing(history in history(SPICED.spec())) {
        let state = State::of(&history);
        for manager in ["updater-0", "updater-9"] {
            let updated = state.update(manager, "v1", &state.live).unwrap();
            let sets = |managers: &Managers| -> Vec<(String, FieldSet)> {
                managers.iter().map(|(name, owned)| (name.to_owned(), owned.set.clone())).collect()
            };
            prop_assert_eq!(sets(&updated.managers), sets(&state.managers));
        }
    }

    #[test]
    fn an_updater_owns_exactly_what_it_changed(
        history in history(SPICED.spec()), new in SPICED.spec(), planted in SPICED.spec()
    ) {
        let mut state = State::of(&history);
        state.plant(&planted);
        let new = typed(&state.ty, &new);
        let changes = state.live.compare(&new).unwrap();
        let changed = changes.modified.union(&changes.added);
        let updated = state.update("fresh", "v1", &new).unwrap();
        let own = updated.managers.get("fresh").map(|owned| owned.set.clone()).unwrap_or_default();
        prop_assert_eq!(&own, &changed);
        for (name, owned) in updated.managers.iter().filter(|(name, _)| *name != "fresh") {
            let before = &state.managers.get(name).unwrap().set;
            let lost = changed.union(&changes.removed);
            prop_assert_eq!(&owned.set, &before.difference(&lost));
        }
    }

    /// An item or a struct that the applier gives up goes as a whole, with whatever nobody owns in
    /// it, so what is at or below its former fields may be touched.
    #[test]
    fn an_apply_touches_only_what_it_states_or_stated(
        history in history(SOLID.spec()), config in SOLID.spec()
    ) {
        let state = State::of(&history);
        let after = state.after(state.apply("applier-0", "v1", &config, true).unwrap());
        let stated = typed(&state.ty, &config).to_field_set().unwrap();
        let stated = state.ty.ensure_named_fields_are_members(&stated);
        let before = state.managers.get("applier-0").map(|owned| owned.set.clone());
        let before = state.ty.ensure_named_fields_are_members(&before.unwrap_or_default());
        let changes = state.live.compare(&after.live).unwrap();
        for path in changes.modified.union(&changes.added).iter() {
            prop_assert!(is_at_or_below(&path, &stated), "changed {}", path);
        }
        for path in changes.removed.iter() {
            let known = is_at_or_below(&path, &before) || is_at_or_below(&path, &stated);
            prop_assert!(known, "removed {}", path);
        }
    }

    #[test]
    fn an_applier_owns_what_it_states(history in history(SPICED.spec()), config in SPICED.spec()) {
        let state = State::of(&history);
        let stated = typed(&state.ty, &config).to_field_set().unwrap();
        let after = state.apply("applier-0", "v1", &config, true).unwrap().managers;
        let owned = after.get("applier-0").map(|owned| owned.set.clone()).unwrap_or_default();
        prop_assert_eq!(owned, stated);
    }

    #[test]
    fn nobody_owns_nothing_or_more_than_there_is(history in history(PLAIN.spec())) {
        let state = State::of(&history);
        let there = typed(&state.ty, "{}").compare(&state.live).unwrap().added;
        let there = there.union(&state.live.to_field_set().unwrap());
        for (manager, owned) in state.managers.iter() {
            prop_assert!(!owned.set.is_empty(), "{}", manager);
            let absent = owned.set.difference(&there);
            prop_assert!(absent.is_empty(), "{} owns {} of {:?}", manager, absent, state.live);
        }
    }

    #[test]
    fn giving_everything_up_removes_what_nobody_else_owns(
        config in PLAIN.spec(), checked in any::<bool>()
    ) {
        let state = State::of(&History { start: "{}".to_owned(), steps: vec![], checked });
        let state = state.after(state.apply("applier-0", "v1", &config, false).unwrap());
        let after = state.after(state.apply("applier-0", "v1", "{}", false).unwrap());
        prop_assert!(after.live.value().is_empty(), "{:?}", after.live);
        prop_assert!(after.managers.is_empty());
    }
}
