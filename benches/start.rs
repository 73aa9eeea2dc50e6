//! What it takes until the first type of a built-in kind is there, and to look one up.
//!
//! The start is measured in new processes, since it happens once in each: from before the tables are
//! made until the type of a kind has been found in them. Fails if a limit is missed. Without
//! `--bench` everything runs once, as a check.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

mod support;

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Instant;

use managed_fields::schema::{GroupVersionKind, Schemas};
use support::limits::{self, Limit, Verdicts};
use support::timing::{median, microseconds};

/// Nanoseconds of a lookup, and microseconds of a start.
const LOOKUP: Limit = Limit::at_most(100.0, 100.0).without_aim();
const START: Limit = Limit::at_most(1000.0, 1000.0).without_aim();

/// The microseconds until the type of a Deployment is there.
fn start() -> f64 {
    let start = Instant::now();
    let kind = GroupVersionKind::new("apps/v1", "Deployment");
    let schemas = black_box(Schemas::builtin());
    assert!(black_box(schemas.find(&kind)).is_some());
    microseconds(start.elapsed())
}

/// The same in a new process.
fn start_elsewhere() -> f64 {
    let output = Command::new(std::env::current_exe().unwrap()).arg("--start").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// The nanoseconds of looking up each kind, on average.
fn lookups(schemas: &Schemas, kinds: &[GroupVersionKind]) -> f64 {
    let start = Instant::now();
    for kind in kinds {
        assert!(black_box(schemas.find(black_box(kind))).is_some());
    }
    microseconds(start.elapsed()) * 1000.0 / kinds.len() as f64
}

fn main() -> ExitCode {
    let has = |option: &str| std::env::args().any(|argument| argument == option);
    if has("--start") {
        println!("{}", start());
        return ExitCode::SUCCESS;
    }
    let (starts, rounds) = if has("--bench") { (51, 2001) } else { (1, 1) };
    let schemas = Schemas::builtin();
    let kinds = schemas.kinds();
    let mut starts: Vec<f64> = (0..starts).map(|_| start_elsewhere()).collect();
    let mut lookups: Vec<f64> = (0..rounds).map(|_| lookups(&schemas, &kinds)).collect();
    if !has("--bench") {
        return ExitCode::SUCCESS;
    }
    let (start, lookup) = (median(&mut starts), median(&mut lookups));
    let mut verdicts = Verdicts::default();
    limits::head(&[&["what", "is"], &limits::VERDICT[..]].concat());
    for (what, is, limit) in [
        ("start with the built-in tables, µs".to_owned(), start, START),
        (format!("looking up one of {} types, ns", kinds.len()), lookup, LOOKUP),
    ] {
        let verdict = verdicts.timed(&what, is, limit);
        limits::row([what, format!("{is:.0}")].into_iter().chain(verdict));
    }
    verdicts.finish()
}
