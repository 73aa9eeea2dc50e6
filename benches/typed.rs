//! Operations on typed values.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

mod support;

use std::hint::black_box;

use criterion::Criterion;
use managed_fields::Value;
use managed_fields::fieldpath::FieldSet;
use managed_fields::typed::TypedValue;
use support::{Typed, objects};

/// Every second path of a set.
fn half(set: &FieldSet) -> FieldSet {
    set.leaves().iter().step_by(2).collect()
}

fn operations(criterion: &mut Criterion, name: &str, typed: &Typed) {
    let Typed { ty, live, new, config, .. } = typed;
    let fields = config.to_field_set().unwrap();
    let mut bench = |operation: &str, run: &mut dyn FnMut()| {
        criterion.bench_function(&format!("{operation}/{name}"), |bencher| bencher.iter(&mut *run));
    };

    let value: Value = live.to_value();
    bench("validate", &mut || {
        let typed = TypedValue::with_duplicates(black_box(value.clone()), ty.clone());
        assert!(black_box(typed).is_ok());
    });

    let paths = live.to_field_set().unwrap().len();
    assert!(paths > fields.len());
    bench("to_field_set", &mut || {
        let set = black_box(live).to_field_set().unwrap();
        assert_eq!(black_box(set).len(), paths);
    });

    bench("compare/changed field", &mut || {
        let found = black_box(live).compare(black_box(new)).unwrap();
        assert_eq!(found.modified.len() + found.added.len(), 1);
        assert!(black_box(found).removed.is_empty());
    });
    bench("compare/same", &mut || {
        assert!(black_box(live).compare(black_box(live)).unwrap().is_same());
    });

    let merged = live.merge(config).unwrap();
    assert!(merged.compare(new).unwrap().is_same());
    bench("merge", &mut || {
        let merged = black_box(live).merge(black_box(config)).unwrap();
        assert!(!black_box(merged).value().is_empty());
    });

    let some = half(&fields);
    let kept = config.remove_items(&some).to_field_set().unwrap();
    assert!(kept.intersection(&some).is_empty() && kept.len() < fields.len());
    bench("remove_items", &mut || {
        let rest = black_box(config).remove_items(black_box(&some));
        assert!(!black_box(rest).value().is_empty());
    });

    let leaves = fields.leaves();
    assert!(config.extract_items(&leaves).compare(config).unwrap().is_same());
    bench("extract_items", &mut || {
        let part = black_box(live).extract_items(black_box(&leaves));
        assert!(!black_box(part).value().is_empty());
    });

    bench("reconcile", &mut || {
        assert!(ty.reconcile_field_set(black_box(&fields)).unwrap().is_none());
    });
}

/// A set from the time when a map of the type was owned entry by entry.
fn reconcile(criterion: &mut Criterion, typed: &Typed) {
    let old = br#"{"f:spec":{"f:nodeSelector":{"f:a":{},"f:b":{}}}}"#;
    let fields = typed.config.to_field_set().unwrap();
    let stored = fields.union(&FieldSet::from_fields_v1(old).unwrap());
    criterion.bench_function("reconcile/outdated pod", |bencher| {
        bencher.iter(|| {
            let reconciled = typed.ty.reconcile_field_set(black_box(&stored)).unwrap().unwrap();
            assert!(reconciled == fields);
            reconciled
        });
    });
}

fn main() {
    let mut criterion = support::criterion();
    let schemas = support::schemas();
    for case in objects::all(&schemas) {
        let typed = case.typed(&schemas);
        operations(&mut criterion, case.name, &typed);
        if case.name == "pod" {
            reconcile(&mut criterion, &typed);
        }
    }
    criterion.final_summary();
}
