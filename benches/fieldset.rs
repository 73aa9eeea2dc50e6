//! Set algebra on field sets.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

mod support;

use std::hint::black_box;

use criterion::Criterion;
use managed_fields::fieldpath::FieldSet;
use support::{grow, grow::Order, objects};

fn operations(criterion: &mut Criterion, name: &str, left: &FieldSet, right: &FieldSet) {
    let both = left.intersection(right).len();
    let (only, all) = (left.len() - both, left.len() + right.len() - both);
    let recursive = left.recursive_difference(right).len();
    let leaves = left.leaves().len();
    assert!(recursive <= only && leaves <= left.len() && leaves > 0);
    let mut bench = |operation: &str, run: &dyn Fn(&FieldSet, &FieldSet) -> FieldSet, len| {
        assert_eq!(run(left, right).len(), len, "{operation} of {name}");
        criterion.bench_function(&format!("{operation}/{name}"), |bencher| {
            bencher.iter(|| {
                let set = run(black_box(left), black_box(right));
                assert_eq!(set.is_empty(), len == 0);
                set
            });
        });
    };
    bench("union", &|left, right| left.union(right), all);
    bench("intersection", &|left, right| left.intersection(right), both);
    bench("difference", &|left, right| left.difference(right), only);
    bench("recursive_difference", &|left, right| left.recursive_difference(right), recursive);
    bench("leaves", &|left, _| left.leaves(), leaves);
}

fn main() {
    let mut criterion = support::criterion();
    let schemas = support::schemas();
    for case in objects::all(&schemas) {
        let typed = case.typed(&schemas);
        let live = typed.live.to_field_set().unwrap();
        operations(&mut criterion, case.name, &live, &typed.config.to_field_set().unwrap());
    }
    let large = |count| {
        FieldSet::from_fields_v1(grow::keyed_fields_v1(count, Order::Sorted).as_bytes()).unwrap()
    };
    operations(&mut criterion, "10,000 items", &large(10_000), &large(9_000));
    criterion.final_summary();
}
