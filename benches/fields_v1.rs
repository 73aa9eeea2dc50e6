//! Field sets on the wire.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use managed_fields::fieldpath::FieldSet;
use support::{grow, grow::Order, objects};

/// `paths` is how many paths the text has; `canonical` what it is written as.
fn codec(criterion: &mut Criterion, name: &str, text: &str, paths: usize, canonical: &str) {
    let set = FieldSet::from_fields_v1(text.as_bytes()).unwrap();
    assert_eq!(set.len(), paths);
    assert_eq!(set.to_fields_v1().unwrap(), canonical);
    let mut group = criterion.benchmark_group("fields_v1");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function(format!("decode/{name}"), |bencher| {
        bencher.iter(|| {
            let decoded = FieldSet::from_fields_v1(black_box(text.as_bytes())).unwrap();
            assert_eq!(decoded.is_empty(), paths == 0);
            decoded
        });
    });
    group.bench_function(format!("encode/{name}"), |bencher| {
        bencher.iter(|| {
            let encoded = black_box(&set).to_fields_v1().unwrap();
            assert_eq!(encoded.len(), canonical.len());
            encoded
        });
    });
}

fn main() {
    let mut criterion = support::criterion();
    let schemas = support::schemas();
    for case in objects::all(&schemas) {
        let set = case.typed(&schemas).live.to_field_set().unwrap();
        let text = set.to_fields_v1().unwrap();
        codec(&mut criterion, case.name, &text, set.len(), &text);
    }
    let sorted = grow::fields_v1(10_000, Order::Sorted);
    let shuffled = grow::fields_v1(10_000, Order::Shuffled);
    codec(&mut criterion, "10,000 sorted", &sorted, 10_000, &sorted);
    codec(&mut criterion, "10,000 shuffled", &shuffled, 10_000, &sorted);
    criterion.final_summary();
}
