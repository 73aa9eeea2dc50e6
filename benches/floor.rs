//! A server-side apply from bytes to bytes, beside what its bytes cost with `serde_json` alone.
//!
//! The floor is two calls of [`serde_json::from_slice`], one for the live object and one for the
//! configuration, and one [`serde_json::to_vec`] of the live object: what a program pays that reads
//! both, merges nothing and writes the result. Both are measured in turns, so that a machine whose
//! speed changes does not favour one. What an operation allocates is freed on its own time.
//!
//! Without `--bench` everything runs once, as a check. Other arguments name the cases to run.
#![allow(unsafe_code, reason = "counts what is allocated")]
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use managed_fields::fieldmanager::{Applied, FieldManager};
use support::{Case, NOW, objects};

/// Counts while it is told to.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[cold]
fn taken(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    PEAK.fetch_max(BYTES.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

#[cold]
fn given_back(bytes: usize) {
    BYTES.fetch_sub(bytes, Relaxed);
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            taken(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            taken(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if COUNTS.load(Relaxed) {
            given_back(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            // Both blocks may be there at the same time.
            taken(size);
            given_back(layout.size());
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often an operation allocates, and how much of it is there at a time.
fn count<R>(operation: impl FnOnce() -> R) -> (R, usize, usize) {
    // Far from zero: what was allocated before may be freed meanwhile.
    let start = 1 << 40;
    ALLOCATIONS.store(0, Relaxed);
    BYTES.store(start, Relaxed);
    PEAK.store(start, Relaxed);
    COUNTS.store(true, Relaxed);
    let result = operation();
    COUNTS.store(false, Relaxed);
    (result, ALLOCATIONS.load(Relaxed), PEAK.load(Relaxed) - start)
}

fn apply(manager: FieldManager<'_>, case: &Case) -> Applied {
    let (live, config) = (black_box(case.live.as_bytes()), black_box(case.config.as_bytes()));
    let request = manager.apply(live, config).field_manager(case.manager);
    request.at(black_box(NOW).parse().unwrap()).run().unwrap()
}

type Floor = (serde_json::Value, serde_json::Value, Vec<u8>);

fn floor(case: &Case) -> Floor {
    let live = serde_json::from_slice(black_box(case.live.as_bytes())).unwrap();
    let config = serde_json::from_slice(black_box(case.config.as_bytes())).unwrap();
    let out = serde_json::to_vec(black_box(&live)).unwrap();
    (live, config, out)
}

/// The time of an operation and of dropping its result, but not of the check in between.
fn timed<R>(operation: impl FnOnce() -> R, check: impl FnOnce(&R)) -> Duration {
    let start = Instant::now();
    let result = black_box(operation());
    let ran = start.elapsed();
    check(&result);
    let start = Instant::now();
    drop(result);
    ran + start.elapsed()
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn measure(manager: FieldManager<'_>, case: &Case, budget: Duration) -> String {
    let (first, allocations, peak) = count(|| apply(manager, case));
    case.check(first.object());
    let first = first.object().as_bytes().to_vec();
    let (_, floor_allocations, floor_peak) = count(|| floor(case));

    let (mut applies, mut floors) = (vec![], vec![]);
    let start = Instant::now();
    while applies.is_empty() || start.elapsed() < budget {
        let one = || {
            timed(
                || apply(manager, case),
                |applied| assert!(applied.object().as_bytes() == first, "{}: differs", case.name),
            )
        };
        let other = || {
            timed(
                || floor(case),
                |(_, _, out)| assert!(out == case.live.as_bytes(), "{}: differs", case.name),
            )
        };
        // Neither always runs on what the other left in the caches.
        if applies.len() % 2 == 0 {
            applies.push(one());
            floors.push(other());
        } else {
            floors.push(other());
            applies.push(one());
        }
    }
    let (apply, floor) = (median(&mut applies), median(&mut floors));
    let input = (case.live.len() + case.config.len()) as f64;
    println!(
        "{:<10} {:>6} runs  apply {apply:>9.1} us (least {:>9.1})  floor {floor:>9.1} us (least \
         {:>9.1}), {floor_allocations} allocations, {:.1} times the input at peak",
        case.name,
        applies.len(),
        applies[0].as_secs_f64() * 1e6,
        floors[0].as_secs_f64() * 1e6,
        floor_peak as f64 / input,
    );
    format!(
        "case={} apply_over_floor={:.2} allocs={allocations} peak_over_input={:.1}",
        case.name,
        apply / floor,
        peak as f64 / input,
    )
}

fn main() {
    let mut budget = Duration::ZERO;
    let mut wanted = vec![];
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--bench" => budget = Duration::from_millis(1500),
            option if option.starts_with('-') => {}
            name => wanted.push(name.to_owned()),
        }
    }
    let schemas = support::schemas();
    let manager = FieldManager::new(&schemas);
    let cases = objects::all(&schemas);
    let chosen = |case: &&Case| wanted.is_empty() || wanted.iter().any(|name| name == case.name);
    let lines: Vec<String> =
        cases.iter().filter(chosen).map(|case| measure(manager, case, budget)).collect();
    lines.iter().for_each(|line| println!("{line}"));
}
