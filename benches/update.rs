//! Recording writes of whole objects.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

mod support;

use std::hint::black_box;

use criterion::Criterion;
use managed_fields::fieldmanager::{Document, FieldManager, Updated};
use managed_fields::merge::{SameVersion, Updater};
use managed_fields::schema::Schemas;
use support::grow::{self, Share};
use support::{Case, NOW, objects};

fn update<'a>(
    manager: FieldManager<'_>,
    live: impl Into<Document<'a>>,
    new: &'a str,
    writer: &str,
) -> Updated {
    let request = manager.update(live, black_box(new)).field_manager(writer);
    request.at(NOW.parse().unwrap()).run().unwrap()
}

/// There is no object yet.
fn create(criterion: &mut Criterion, manager: FieldManager<'_>, cases: &[Case]) {
    let mut group = criterion.benchmark_group("update/create");
    for case in cases {
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let updated = update(manager, Document::absent(), &case.config, "editor");
                assert_eq!(updated.managed_fields().len(), 1);
                updated
            });
        });
    }
}

/// A writer sends back what it read.
fn no_op(criterion: &mut Criterion, manager: FieldManager<'_>, cases: &[Case]) {
    let mut group = criterion.benchmark_group("update/no-op");
    for case in cases {
        let first = update(manager, &case.live, &case.live, "editor");
        let object: serde_json::Value = serde_json::from_str(first.object()).unwrap();
        assert_eq!(object, case.live_value());
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let updated = update(manager, black_box(&case.live), &case.live, "editor");
                assert!(updated.object() == first.object());
                updated
            });
        });
    }
}

/// A writer changes one field, which is its own from then on.
fn changed_field(criterion: &mut Criterion, manager: FieldManager<'_>, cases: &[Case]) {
    let mut group = criterion.benchmark_group("update/changed field");
    for case in cases {
        let new = case.with(&case.live, "edited");
        let first = update(manager, &case.live, &new, "editor");
        let of_editor =
            first.managed_fields().iter().find(|entry| entry.manager.name() == "editor");
        assert_eq!(of_editor.unwrap().fields.len(), 1);
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let updated = update(manager, black_box(&case.live), &new, "editor");
                assert!(updated.object() == first.object());
                updated
            });
        });
    }
}

/// A writer changes one field of an object that has many managers.
fn managers(criterion: &mut Criterion, schemas: &Schemas) {
    let manager = FieldManager::new(schemas);
    let mut group = criterion.benchmark_group("update/managers");
    for count in [1, 3, 10, 50] {
        let case = grow::managed_by(schemas, count, Share::Everything);
        let new = case.with(&case.live, "edited");
        group.bench_function(count.to_string(), |bencher| {
            bencher.iter(|| {
                let updated = update(manager, black_box(&case.live), &new, "editor");
                assert_eq!(updated.managed_fields().len(), count + 1);
                updated
            });
        });
    }
}

/// One field changes, for those who have objects and sets in memory.
fn updater(criterion: &mut Criterion, schemas: &Schemas, cases: &[Case]) {
    let updater = Updater::new(&SameVersion);
    let mut group = criterion.benchmark_group("update/updater");
    for case in cases {
        let typed = case.typed(schemas);
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let (live, new) = (black_box(&typed.live), black_box(&typed.new));
                let (version, managers) = (&typed.version, &typed.managers);
                let outcome = updater.update(live, new, version, managers, "editor").unwrap();
                assert_eq!(outcome.managers.get("editor").unwrap().set.len(), 1);
                outcome
            });
        });
    }
}

fn main() {
    let mut criterion = support::criterion();
    let schemas = support::schemas();
    let manager = FieldManager::new(&schemas);
    let cases = objects::all(&schemas);
    create(&mut criterion, manager, &cases);
    no_op(&mut criterion, manager, &cases);
    changed_field(&mut criterion, manager, &cases);
    managers(&mut criterion, &schemas);
    updater(&mut criterion, &schemas, &cases);
    criterion.final_summary();
}
