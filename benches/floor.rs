//! A server-side apply from bytes to bytes, beside what its bytes cost with `serde_json` alone.
//!
//! The floor is two calls of [`serde_json::from_slice`], one for the live object and one for the
//! configuration, and one [`serde_json::to_vec`] of the live object: what a program pays that reads
//! both, merges nothing and writes the result. Both are measured in turns, so that a machine whose
//! speed changes does not favour one. What an operation allocates is freed on its own time.
//!
//! Beside it, in turns with the floor once more, stand three others. Those who have
//! [`serde_json::Value`]s read both documents with `serde_json`, apply one to the other, have the
//! result as a value and write it. What lies below: this crate reads both documents, and
//! `serde_json` finds the tokens of both and keeps none.
//!
//! Prints a table, and fails if a limit of `support/limits.rs` is missed. Without `--bench`
//! everything runs once, as a check, and only what is counted has limits. `--applies N` runs nothing
//! but so many applies of each, for a profiler, in the form that `--form` names (`sorted`, if none does).
//! Other arguments name the cases to run.
#![allow(unsafe_code, reason = "counts what is allocated")]
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

#[path = "support/counting.rs"]
mod counting;
mod support;

use std::borrow::Cow;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use counting::count;
use managed_fields::fieldmanager::{Applied, FieldManager};
use serde::de::IgnoredAny;
use serde_json::Value;
use support::limits::{self, Verdicts};
use support::timing::{Operation, in_turns, median};
use support::{Case, Form, NOW, objects};

/// The apply through `serde_json` values, from bytes to bytes.
fn apply_values(manager: FieldManager<'_>, case: &Case) -> (Value, Vec<u8>) {
    let live: Value = serde_json::from_slice(black_box(case.live.as_bytes())).unwrap();
    let config: Value = serde_json::from_slice(black_box(case.config.as_bytes())).unwrap();
    let request = manager.apply(&live, &config).field_manager(case.manager);
    let applied = request.at(black_box(NOW).parse().unwrap()).run().unwrap();
    let object: Value = serde_json::from_str(applied.object()).unwrap();
    let out = serde_json::to_vec(black_box(&object)).unwrap();
    (object, out)
}

fn read(case: &Case) -> [managed_fields::Value; 2] {
    [&case.live, &case.config]
        .map(|text| managed_fields::Value::from_json(black_box(text.as_str())).unwrap())
}

fn tokens(case: &Case) -> [IgnoredAny; 2] {
    [&case.live, &case.config].map(|text| serde_json::from_str(black_box(text.as_str())).unwrap())
}

fn measure(
    manager: FieldManager<'_>,
    sorted: &Case,
    form: Form,
    budget: Option<Duration>,
    verdicts: &mut Verdicts,
) {
    let case = &sorted.written(form);
    let (applied, memory) = count(|| case.apply(manager));
    case.check(applied.object());
    let peak = memory.peak as f64 / case.input() as f64;

    let apply =
        Operation::new(|| case.apply(manager), |it: &Applied| it.object().as_bytes().into());
    let floor = Operation::new(|| case.floor(), |(_, _, out)| out.into());
    let values =
        Operation::new(|| apply_values(manager, case), |(_, out): &(Value, _)| Cow::from(out));
    let read = Operation::new(|| read(case), |_| Cow::from(&[]));
    let tokens = Operation::new(|| tokens(case), |_| Cow::from(&[]));
    assert!(floor.expected() == sorted.live.as_bytes(), "{}: differs", case.name);
    case.check(str::from_utf8(values.expected()).unwrap());
    let spent = budget.unwrap_or_default();
    let mut times = in_turns(spent, [&|| apply.sample(), &|| floor.sample()]);
    let [apply, least] = times.each_mut().map(|times| median(times));
    let others: [&dyn Fn() -> f64; 4] =
        [&|| floor.sample(), &|| values.sample(), &|| read.sample(), &|| tokens.sample()];
    let mut times = in_turns(spent, others);
    let [floor, others @ ..] = times.each_mut().map(|times| median(times));

    let what = format!("{}, {}", case.name, form.name());
    let limit = limits::over_floor(case.name, form);
    let in_memory = limits::memory(verdicts, case, form, memory);
    let allocations = memory.allocations.to_string();
    let names = [case.name.to_owned(), form.name().to_owned()];
    let memory = [allocations, format!("{peak:.1}")].into_iter().chain(in_memory);
    if budget.is_none() {
        limits::row(names.into_iter().chain(memory));
        return;
    }
    let ratio = apply / least;
    let in_time = verdicts.timed(format!("{what}: apply / floor"), ratio, limit);
    let times = [format!("{apply:.1}"), format!("{least:.1}"), format!("**{ratio:.2}**")];
    let others = others.map(|time| format!("{:.2}", time / floor));
    limits::row(names.into_iter().chain(times).chain(in_time).chain(memory).chain(others));
}

const NAMES: [&str; 2] = ["case", "form"];
const TIMES: [&str; 3] = ["apply, µs", "floor, µs", "apply / floor"];
const MEMORY: [&str; 2] = ["allocations", "peak / input"];
const OTHERS: [&str; 3] =
    ["through `serde_json::Value` / floor", "reading / floor", "tokens / floor"];

fn main() -> ExitCode {
    let (mut budget, mut applies, mut form) = (None, None, Form::Sorted);
    let mut wanted = vec![];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--applies" => applies = Some(arguments.next().unwrap().parse::<usize>().unwrap()),
            "--form" => form = Form::named(&arguments.next().unwrap()).unwrap(),
            "--bench" => budget = Some(Duration::from_millis(2500)),
            option if option.starts_with('-') => {}
            name => wanted.push(name.to_owned()),
        }
    }
    let schemas = support::schemas();
    let manager = FieldManager::new(&schemas);
    let cases = objects::all(&schemas);
    let chosen = |case: &&Case| wanted.is_empty() || wanted.iter().any(|name| name == case.name);
    if let Some(applies) = applies {
        for case in cases.iter().filter(chosen).map(|case| case.written(form)) {
            (0..applies).for_each(|_| drop(black_box(case.apply(manager))));
        }
        return ExitCode::SUCCESS;
    }
    let mut verdicts = Verdicts::default();
    let memory = [&MEMORY[..], &limits::VERDICT].concat();
    match budget {
        None => limits::head(&[&NAMES[..], &memory].concat()),
        Some(_) => {
            let times = [&TIMES[..], &limits::VERDICT].concat();
            limits::head(&[&NAMES[..], &times, &memory, &OTHERS].concat());
        }
    }
    for case in cases.iter().filter(chosen) {
        for form in Form::ALL {
            measure(manager, case, form, budget, &mut verdicts);
        }
    }
    verdicts.finish()
}
