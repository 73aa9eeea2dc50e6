//! Server-side apply: what each outcome costs, and what each further manager costs.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use managed_fields::fieldmanager::{Applied, ApplyError, Document, FieldManager};
use managed_fields::merge::{SameVersion, Updater};
use managed_fields::schema::Schemas;
use support::grow::{self, Share};
use support::{Case, NOW, objects};

fn apply<'a>(
    manager: FieldManager<'_>,
    live: impl Into<Document<'a>>,
    config: &'a str,
    applier: &str,
) -> Result<Applied, ApplyError> {
    let request = manager.apply(live, black_box(config)).field_manager(applier);
    request.at(NOW.parse().unwrap()).run()
}

/// There is no object yet.
fn create(criterion: &mut Criterion, manager: FieldManager<'_>, cases: &[Case]) {
    let mut group = criterion.benchmark_group("apply/create");
    for case in cases {
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let applied = apply(manager, Document::absent(), &case.config, case.manager);
                let applied = applied.unwrap();
                assert_eq!(applied.managed_fields().len(), 1);
                assert!(applied.object().len() > case.config.len());
                applied
            });
        });
    }
}

/// The configuration says what was applied before.
fn no_op(criterion: &mut Criterion, schemas: &Schemas, cases: &[Case]) {
    let manager = FieldManager::new(schemas);
    let mut group = criterion.benchmark_group("apply/no-op");
    for case in cases {
        let settled = case.settled(schemas);
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let live = black_box(settled.as_str());
                let applied = apply(manager, live, &case.config, case.manager).unwrap();
                assert!(!applied.changed() && applied.object() == settled);
                applied
            });
        });
    }
}

/// One field changes.
fn changed_field(criterion: &mut Criterion, manager: FieldManager<'_>, cases: &[Case]) {
    let mut group = criterion.benchmark_group("apply/changed field");
    for case in cases {
        let first = apply(manager, &case.live, &case.config, case.manager).unwrap();
        case.check(first.object());
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let live = black_box(&case.live);
                let applied = apply(manager, live, &case.config, case.manager).unwrap();
                assert!(applied.changed() && applied.object() == first.object());
                applied
            });
        });
    }
}

/// Another applier wants one field to be different.
fn conflict(criterion: &mut Criterion, schemas: &Schemas, cases: &[Case]) {
    let manager = FieldManager::new(schemas);
    let mut group = criterion.benchmark_group("apply/conflict");
    for case in cases {
        let settled = case.settled(schemas);
        let config = case.with(&case.config, "contested");
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let live = black_box(settled.as_str());
                match apply(manager, live, &config, "rival").unwrap_err() {
                    ApplyError::Conflict(conflicts) => {
                        assert_eq!(conflicts.into_iter().count(), 1);
                    }
                    error => unreachable!("{error}"),
                }
            });
        });
    }
}

/// One field changes in an object of which every applier owns everything.
fn managers(criterion: &mut Criterion, schemas: &Schemas) {
    let manager = FieldManager::new(schemas);
    let mut group = criterion.benchmark_group("apply/managers");
    for count in [1, 3, 10, 50] {
        let case = grow::managed_by(schemas, count, Share::Everything);
        assert_eq!(case.size().managers, count);
        let first = apply(manager, &case.live, &case.config, case.manager).unwrap();
        case.check(first.object());
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                let live = black_box(&case.live);
                let applied = apply(manager, live, &case.config, case.manager).unwrap();
                assert!(applied.changed() && applied.object() == first.object());
                applied
            });
        });
    }
}

/// One field changes, for those who have objects and sets in memory.
fn updater(criterion: &mut Criterion, schemas: &Schemas, cases: &[Case]) {
    let updater = Updater::new(&SameVersion);
    let mut group = criterion.benchmark_group("apply/updater");
    for case in cases {
        let typed = case.typed(schemas);
        let run = || {
            let (live, config) = (black_box(&typed.live), black_box(&typed.config));
            let (version, managers) = (&typed.version, &typed.managers);
            updater.apply(live, config, version, managers, &typed.manager, false).unwrap()
        };
        let object = run().object.unwrap();
        assert!(typed.new.compare(&object).unwrap().is_same());
        group.bench_function(case.name, |bencher| {
            bencher.iter(|| {
                let outcome = run();
                assert!(outcome.object.is_some());
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
    no_op(&mut criterion, &schemas, &cases);
    changed_field(&mut criterion, manager, &cases);
    conflict(&mut criterion, &schemas, &cases);
    managers(&mut criterion, &schemas);
    updater(&mut criterion, &schemas, &cases);
    criterion.final_summary();
}
