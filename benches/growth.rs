//! How cost grows with size.
//!
//! For each shape of `support/shapes.rs` the time for one item is printed at every size, and what
//! it is at the largest size relative to the smallest. Of a shape whose cost were quadratic that
//! would be about a hundred; more than the limit of `support/limits.rs` fails. The least of many runs
//! in three passes over the sizes is taken. Without `--bench` only the smallest sizes run. Other arguments are parts of the names of the shapes to run.
//!
//! `--instructions` counts instructions with `valgrind` in place of the time: those do not depend on
//! what else the machine does, but say nothing of memory that is further away when there is more of
//! it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark stops at the first wrong result"
)]

mod support;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use support::limits::{self, Verdicts};
use support::shapes::{Kinds, Run, Shape};

/// What a cost is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Nanoseconds.
    Time,
    /// Instructions.
    Instructions,
}

/// The nanoseconds of the fastest run.
fn time(mut run: Run<'_>) -> f64 {
    let (mut best, mut runs) = (Duration::MAX, 0);
    let start = Instant::now();
    while runs < 3 || start.elapsed().as_millis() < 120 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
        runs += 1;
    }
    best.as_nanos() as f64
}

/// Runs this program twice more with this shape alone, one of them with one run less, and takes what
/// `valgrind` counts of all their threads.
fn instructions(shape: &Shape<'_>, size: usize) -> f64 {
    let program = std::env::current_exe().unwrap();
    let [less, more] = ["1", "2"].map(|runs| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg("--main-stacksize=100000000")
            .arg(&program)
            .args(["--once", &size.to_string(), runs, &shape.name])
            .output()
            .expect("valgrind starts");
        let told = String::from_utf8_lossy(&output.stderr);
        let collected = told.lines().find_map(|line| line.split_once("Collected : "));
        collected.unwrap_or_else(|| panic!("valgrind: {told}")).1.trim().parse::<f64>().unwrap()
    });
    more - less
}

fn cost(shape: &Shape<'_>, size: usize, measure: Measure) -> f64 {
    let cost = match measure {
        Measure::Time => time(shape.prepare(size)),
        Measure::Instructions => instructions(shape, size),
    };
    cost / size as f64
}

fn main() -> ExitCode {
    let mut measure = None;
    let mut once = None;
    let mut wanted = vec![];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => measure = measure.or(Some(Measure::Time)),
            "--instructions" => measure = Some(Measure::Instructions),
            "--once" => {
                let mut number = || arguments.next().unwrap().parse::<usize>().unwrap();
                once = Some((number(), number()));
            }
            option if option.starts_with('-') => {}
            name => wanted.push(name.to_owned()),
        }
    }
    let kinds = Kinds::new();
    let shapes = kinds.shapes(&wanted);
    if let Some((size, runs)) = once {
        let shape = shapes.iter().find(|shape| Some(&shape.name) == wanted.first()).unwrap();
        let mut run = shape.prepare(size);
        (0..runs).for_each(|_| run());
        return ExitCode::SUCCESS;
    }
    let Some(measure) = measure else {
        shapes.iter().for_each(|shape| shape.prepare(shape.sizes[0])());
        return ExitCode::SUCCESS;
    };

    let unit = if measure == Measure::Time { "ns" } else { "instructions" };
    let mut verdicts = Verdicts::default();
    let passes = if measure == Measure::Time { 3 } else { 1 };
    limits::head(
        &[&["shape", "an item of few", "of more", "of many", "growth"], &limits::VERDICT[..]]
            .concat(),
    );
    for shape in shapes {
        let mut costs = [f64::MAX; 3];
        for _ in 0..passes {
            for (least, size) in costs.iter_mut().zip(shape.sizes) {
                *least = least.min(cost(&shape, size, measure));
            }
        }
        let growth = costs[2] / costs[0];
        let verdict = verdicts.timed(format!("{}: growth", shape.name), growth, limits::GROWTH);
        let mut cells = vec![shape.name.clone()];
        cells.extend(
            shape.sizes.iter().zip(costs).map(|(size, cost)| format!("{cost:.0} {unit} of {size}")),
        );
        cells.push(format!("**{growth:.2}**"));
        cells.extend(verdict);
        limits::row(cells);
    }
    verdicts.finish()
}
