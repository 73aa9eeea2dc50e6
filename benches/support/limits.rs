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

/// What a figure has to keep to, and what one would like it to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    must: f64,
    aim: Option<f64>,
    is_least: bool,
}

impl Limit {
    pub(crate) const fn at_most(must: f64, aim: f64) -> Limit {
        Limit { must, aim: Some(aim), is_least: false }
    }

    pub(crate) const fn at_least(must: f64, aim: f64) -> Limit {
        Limit { must, aim: Some(aim), is_least: true }
    }

    pub(crate) const fn without_aim(self) -> Limit {
        Limit { aim: None, ..self }
    }

    fn holds(self, is: f64, limit: f64) -> bool {
        if self.is_least { is >= limit } else { is <= limit }
    }
}

/// How often an apply may allocate, for the case that has a limit.
const ALLOCATIONS: (&str, Limit) = ("rich", Limit::at_most(300.0, 60.0));

/// How much memory an apply may have at a time, in bytes of its inputs.
const PEAK: Limit = Limit::at_most(5.0, 3.0);

/// What an item of 100,000 may cost, relative to one of 1,000.
pub(crate) const GROWTH: Limit = Limit::at_most(2.5, 1.5);

/// An apply from bytes to bytes, relative to its floor.
pub(crate) fn over_floor(case: &str, form: Form) -> Limit {
    match (form, case) {
        (Form::Pretty | Form::Unsorted, _) => Limit::at_most(1.0, 0.6),
        (Form::Sorted, "endpoints") => Limit::at_most(0.35, 0.15),
        (Form::Sorted, "crd") => Limit::at_most(0.8, 0.5),
        (Form::Sorted, _) => Limit::at_most(0.7, 0.45),
    }
}

/// What is said of a figure in a table: its limit, whether it holds, and the same of the aim.
pub(crate) type Verdict = [String; 3];

/// The heads of those columns.
pub(crate) const VERDICT: [&str; 3] = ["must be", "holds", "aim"];

/// What is said of a figure that has no limit.
pub(crate) fn no_verdict() -> Verdict {
    ["-"; 3].map(str::to_owned)
}

/// What was missed so far.
#[derive(Default)]
pub(crate) struct Verdicts {
    missed: Vec<String>,
}

impl Verdicts {
    fn verdict(&mut self, what: &dyn Display, is: f64, limit: Limit, noise: f64) -> Verdict {
        let Limit { must, aim, is_least } = limit;
        let noisy = if is_least { must / noise } else { must * noise };
        let holds = limit.holds(is, noisy);
        let bound = if is_least { "at least" } else { "at most" };
        if !holds {
            self.missed.push(format!("{what}: {is:.2}, {bound} {must}"));
        }
        let yes = |holds: bool| if holds { "yes" } else { "no" };
        let aim = aim.map_or("-".to_owned(), |aim| format!("{aim}: {}", yes(limit.holds(is, aim))));
        let holds = if holds { "yes" } else { "**no**" };
        [format!("{bound} {must}"), holds.to_owned(), aim]
    }

    /// Something counted has a limit.
    pub(crate) fn counted(&mut self, what: impl Display, is: f64, limit: Limit) -> Verdict {
        self.verdict(&what, is, limit, 1.0)
    }

    /// Something timed has a limit.
    pub(crate) fn timed(&mut self, what: impl Display, is: f64, limit: Limit) -> Verdict {
        self.verdict(&what, is, limit, NOISE)
    }

    /// Tells what was missed, and fails if anything was.
    pub(crate) fn finish(self) -> ExitCode {
        println!();
        if self.missed.is_empty() {
            println!("Every limit holds (times within {:.0} %).", (NOISE - 1.0) * 100.0);
            return ExitCode::SUCCESS;
        }
        println!("Missed (times by more than {:.0} %):\n", (NOISE - 1.0) * 100.0);
        self.missed.iter().for_each(|missed| println!("- {missed}"));
        ExitCode::FAILURE
    }
}

/// Holds the memory of an apply to its limits, and says of its peak whether it keeps to them.
pub(crate) fn memory(verdicts: &mut Verdicts, case: &Case, form: Form, memory: Memory) -> Verdict {
    let what = format!("{}, {}", case.name, form.name());
    if (case.name, form) == (ALLOCATIONS.0, Form::Sorted) {
        let allocations = memory.allocations as f64;
        verdicts.counted(format!("{what}: allocations"), allocations, ALLOCATIONS.1);
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
