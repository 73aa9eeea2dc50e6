//! What has to hold, and whether it does.

use std::fmt::Display;
use std::process::ExitCode;

use super::{Case, Form};

/// What an operation takes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) allocations: usize,
    /// All that was allocated.
    pub(crate) bytes: usize,
    /// The most of it that was there at a time.
    pub(crate) peak: usize,
}

/// Times may miss their limits by a twentieth: medians of runs in turns still differ by that much
/// from one run of the program to the next. What is counted has no margin.
const NOISE: f64 = 1.05;

/// The most that an apply may allocate, for the case that has a limit.
pub(crate) const ALLOCATIONS: (&str, usize) = ("rich", 300);

/// The most memory that an apply may have at a time, in bytes of its inputs.
pub(crate) const PEAK: f64 = 5.0;

/// The most that an item of 100,000 may cost, relative to one of 1,000.
pub(crate) const GROWTH: f64 = 2.5;

/// An apply of compact documents with sorted keys, relative to its floor.
pub(crate) fn over_floor(case: &str) -> f64 {
    match case {
        "endpoints" => 0.35,
        "crd" => 0.8,
        _ => 0.7,
    }
}

/// The same of documents that are written otherwise.
pub(crate) const OVER_FLOOR_OTHERWISE: f64 = 1.0;

/// What was missed so far.
#[derive(Default)]
pub(crate) struct Verdicts {
    missed: Vec<String>,
}

impl Verdicts {
    fn verdict(&mut self, holds: bool, missed: impl FnOnce() -> String) -> &'static str {
        if holds {
            return "yes";
        }
        self.missed.push(missed());
        "**no**"
    }

    /// Something counted has a limit.
    pub(crate) fn counted(&mut self, what: impl Display, is: f64, at_most: f64) -> &'static str {
        self.verdict(is <= at_most, || format!("{what}: {is:.2}, at most {at_most}"))
    }

    /// Something timed has a limit.
    pub(crate) fn timed(&mut self, what: impl Display, is: f64, at_most: f64) -> &'static str {
        self.verdict(is <= at_most * NOISE, || format!("{what}: {is:.2}, at most {at_most}"))
    }

    /// Something else takes so many times as long.
    pub(crate) fn faster(&mut self, what: impl Display, is: f64, at_least: f64) -> &'static str {
        self.verdict(is * NOISE >= at_least, || format!("{what}: {is:.1}, at least {at_least}"))
    }

    /// Tells what was missed, and fails if anything was.
    pub(crate) fn finish(self) -> ExitCode {
        println!();
        if self.missed.is_empty() {
            println!("Every limit holds (times within {:.0} %).", (NOISE - 1.0) * 100.0);
            return ExitCode::SUCCESS;
        }
        println!("Missed (times by more than {:.0} %):", (NOISE - 1.0) * 100.0);
        self.missed.iter().for_each(|missed| println!("- {missed}"));
        ExitCode::FAILURE
    }
}

/// Holds the memory of an apply to its limits, and says whether its peak keeps to them.
pub(crate) fn memory(
    verdicts: &mut Verdicts,
    case: &Case,
    form: Form,
    memory: Memory,
) -> &'static str {
    let what = format!("{}, {}", case.name, form.name());
    if (case.name, form) == (ALLOCATIONS.0, Form::Sorted) {
        let (is, at_most) = (memory.allocations as f64, ALLOCATIONS.1 as f64);
        verdicts.counted(format!("{what}: allocations"), is, at_most);
    }
    let peak = memory.peak as f64 / case.input() as f64;
    verdicts.counted(format!("{what}: peak / input"), peak, PEAK)
}

/// Prints a row of a table in Markdown.
pub(crate) fn row<C: AsRef<str>>(cells: impl IntoIterator<Item = C>) {
    let cells: Vec<C> = cells.into_iter().collect();
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    println!("| {} |", cells.join(" | "));
}

/// Prints the head of such a table.
pub(crate) fn head(names: &[&str]) {
    row(names);
    println!("|{}", "---|".repeat(names.len()));
}
