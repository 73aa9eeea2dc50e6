//! Compares the crate with the reference on random requests, and records vectors.
//!
//! - `compare --cases N --seed S [--first I] [--ops a,b] [--keep-going DIR]`: asks both, counts, and
//!   shows the first difference as small as it gets.
//! - `print --cases N --seed S`: the requests alone, one on a line.
//! - `documents FILE|DIR...`: asks both for every type of the OpenAPI documents and of the definitions of
//!   custom resources, and counts.
//! - `record`: writes `tests/vectors/*.jsonl`.
//! - `check`: fails if `record` would write anything else than what is there.
//!
//! The reference is the program named by `ORACLE`, else it is built from `tests/oracle` with `go`; for
//! custom resources it is the one of `ORACLE_DEFINITIONS`, from `tests/oracle/definitions`.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::explicit_auto_deref, reason = "what it proposes does not compile")]

mod crd;
mod generate;
mod minimise;
mod model;
mod openapi;
mod outcome;
mod record;
mod reference;
mod rng;
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;
mod values;

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use generate::{Case, Generator};
use outcome::outcomes;
use reference::Reference;
use support::compare::{
    ANCIENT_CHANGES, EXPLAINED, VERSION_FIRST, Verdict, compare, differ_in_version_first,
    first_difference, normal, rest_of_history,
};
use support::json::{Json, same_data};
use support::subject::{Subject, first_step};

const BATCH: usize = 256;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value_of = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number_of = |name: &str, default: u64| {
        value_of(name).map_or(default, |text| text.parse().expect("a number"))
    };
    // Panics of the crate are answers.
    std::panic::set_hook(Box::new(|panic| {
        if std::env::var_os("SHOW_PANICS").is_some()
            || panic.location().is_some_and(|at| at.file().contains("tests/oracle"))
        {
            eprintln!("{panic}");
        }
    }));
    match arguments.first().map(String::as_str) {
        Some("compare" | "print") => {
            let ops: Vec<String> = value_of("--ops")
                .map(|list| list.split(',').map(str::to_owned).collect())
                .unwrap_or_default();
            let run = Run {
                cases: number_of("--cases", 10_000),
                seed: number_of("--seed", 1),
                first: number_of("--first", 0),
                ops,
                crowded: number_of("--crowded", 20) as usize,
                keep_going: value_of("--keep-going"),
            };
            if arguments[0] == "print" { run.print() } else { run.compare() }
        }
        Some("documents") => openapi::compare_files(&mut Pair::start(), &arguments[1..]),
        Some("record") => record::record(number_of("--seed", record::SEED)),
        Some("check") => record::check(),
        _ => {
            eprintln!(
                "usage: oracle compare --cases N --seed S [--ops a,b] | documents FILE|DIR... | record | check"
            );
            ExitCode::from(2)
        }
    }
}

/// Both sides, with the schemas that they know.
pub struct Pair {
    reference: Reference,
    subject: Subject,
    known: HashMap<String, String>,
}

impl Pair {
    fn start() -> Pair {
        Pair { reference: Reference::start(), subject: Subject::default(), known: HashMap::new() }
    }

    /// Registers the schemas of a case with the reference, and says which the subject has to learn.
    fn introduce(&mut self, case: &Case) -> Vec<Json> {
        let mut requests = Vec::new();
        for (name, document) in case.schemas.iter() {
            if self.known.get(name) != Some(document) {
                self.known.insert(name.clone(), document.clone());
                let request = schema_request(name, document);
                self.reference.send(&request);
                requests.push(request);
            }
        }
        requests
    }

    /// Both answers to one case.
    fn ask(&mut self, case: &Case) -> (Json, Json) {
        for request in self.introduce(case) {
            self.reference.receive();
            self.subject.answer(&request);
        }
        (self.reference.ask(&case.request), self.subject.answer(&case.request))
    }

    /// The verdict on a case. An answer that depends on the order in which the reference visits a
    /// map is asked for until it is the crate's, or has been asked for often enough.
    fn judge(&mut self, case: &Case, expected: &Json, got: &Json, times: usize) -> Verdict {
        let verdict = compare(&case.request, expected, got);
        if verdict == Verdict::Explained(ANCIENT_CHANGES) {
            // The states have parted: what follows is asked for again from the reference's.
            let rest = rest_of_history(&case.request, expected, got);
            let Some(request) = rest else { return verdict };
            let case = Case { request, ..case.clone() };
            let (expected, got) = self.ask(&case);
            return match self.judge(&case, &expected, &got, times) {
                Verdict::Different => Verdict::Different,
                _ => verdict,
            };
        }
        let doubtful =
            verdict == Verdict::Different || verdict == Verdict::Explained("which-errors");
        if !doubtful {
            return verdict;
        }
        let mut varies = false;
        let mut answers = vec![expected.clone()];
        for asked in 0..times * MORE_IF_IT_VARIES {
            if asked >= times && !varies {
                break;
            }
            let again = self.ask_reference(&case.request);
            if compare(&case.request, &again, got) == Verdict::Same {
                return Verdict::Explained("which-errors");
            }
            varies |= again != *expected;
            answers.push(again);
        }
        let normal_of = |answer: &Json| normal(&case.request, answer);
        if varies && differ_in_version_first(&normal_of(expected), &normal_of(got)) {
            return Verdict::Explained(VERSION_FIRST);
        }
        if varies && fails_alike(&case.request, &answers, got) {
            return Verdict::Explained(VERSION_FIRST);
        }
        if varies && self.agrees_step_by_step(case, got, times) {
            return Verdict::Explained("which-errors");
        }
        if varies { verdict } else { Verdict::Different }
    }

    /// Whether every step of a field manager's history, taken by itself from where the crate was, is
    /// answered like that by the reference sooner or later.
    fn agrees_step_by_step(&mut self, case: &Case, got: &Json, times: usize) -> bool {
        if case.request.str_of("op") != "fieldmanager" {
            return false;
        }
        let steps = case.request.get("steps").map(Json::items).unwrap_or_default();
        let answers = got.get("steps").map(Json::items).unwrap_or_default();
        let mut live = case.request.get("live").cloned().unwrap_or(Json::Null);
        for (index, (step, answer)) in steps.iter().zip(answers).enumerate() {
            let mut request = case.request.clone();
            request.set("live", live.clone());
            request.set("steps", Json::List(vec![step.clone()]));
            request.set("first", Json::number(first_step(&case.request) + index));
            let own = self.subject.answer(&request);
            let agrees = (0..times).any(|_| {
                let reference = self.ask_reference(&request);
                compare(&request, &reference, &own) != Verdict::Different
            });
            if !agrees {
                return false;
            }
            if let Some(object) = answer.get("object") {
                live = object.clone();
            }
        }
        true
    }

    fn ask_reference(&mut self, request: &Json) -> Json {
        let mut answer = self.reference.ask(request);
        answer.remove("id");
        answer
    }
}

/// Whether only failures of an updater's history vary, which change nothing, and the crate fails at
/// every step in a way in which the reference has failed there.
fn fails_alike(request: &Json, answers: &[Json], got: &Json) -> bool {
    let steps = |answer: &Json| {
        let answer = normal(request, answer);
        answer.get("steps").map(Json::items).unwrap_or_default().to_vec()
    };
    let answers: Vec<Vec<Json>> = answers.iter().map(steps).collect();
    let got = steps(got);
    request.str_of("op") == "updater"
        && answers.iter().all(|answer| answer.len() == got.len())
        && got.iter().enumerate().all(|(index, step)| {
            let mut here = answers.iter().map(|answer| &answer[index]);
            let all_fail = here.clone().all(|answer| answer.get("error").is_some());
            if all_fail {
                here.any(|answer| same_data(answer, step))
            } else {
                here.all(|answer| same_data(answer, step))
            }
        })
}

/// Enough for the rarer order of two entries of a map to turn up.
const ASK_AGAIN: usize = 128;
/// A history has such a choice at every step, and all of them have to be the crate's at once.
const MORE_IF_IT_VARIES: usize = 8;

pub fn schema_request(name: &str, document: &str) -> Json {
    Json::map([
        ("op", Json::from("schema")),
        ("name", Json::from(name)),
        ("yaml", Json::from(document)),
    ])
}

struct Run {
    cases: u64,
    seed: u64,
    first: u64,
    ops: Vec<String>,
    crowded: usize,
    keep_going: Option<String>,
}

impl Run {
    fn generator(&self) -> Generator {
        let mut generator = Generator::new(self.seed, &self.ops);
        generator.crowded = self.crowded;
        generator
    }

    fn print(&self) -> ExitCode {
        let mut generator = self.generator();
        for index in self.first..self.first + self.cases {
            let mut case = generator.case(index);
            for (name, document) in case.schemas.iter() {
                println!("{}", schema_request(name, document));
            }
            case.request.set("id", Json::number(index));
            println!("{}", case.request);
        }
        ExitCode::SUCCESS
    }

    fn compare(&self) -> ExitCode {
        let started = Instant::now();
        let mut pair = Pair::start();
        let hello = pair.reference.ask(&Json::map([("op", Json::from("hello"))]));
        println!("reference: {hello}");
        let mut generator = self.generator();
        let mut counts = Counts::default();
        let mut differences = 0;
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        let end = self.first + self.cases;
        let mut next = self.first;
        // One batch is with the reference while the crate answers it and the next one is made.
        let mut make = |pair: &mut Pair| {
            let mut batch = Vec::new();
            while batch.len() < BATCH && next < end {
                let case = generator.case(next);
                let schemas = pair.introduce(&case);
                pair.reference.send(&case.request);
                batch.push((next, case, schemas));
                next += 1;
            }
            batch
        };
        let mut batch = make(&mut pair);
        while !batch.is_empty() {
            let following = make(&mut pair);
            let mut doubtful = Vec::new();
            for (index, case, schemas) in batch {
                for request in schemas {
                    let expected = pair.reference.receive();
                    let got = pair.subject.answer(&request);
                    assert_eq!(
                        compare(&request, &expected, &got),
                        Verdict::Same,
                        "the schema {request} is read differently: {expected} {got}"
                    );
                }
                let got = pair.subject.answer(&case.request);
                let expected = pair.reference.receive();
                let verdict = compare(&case.request, &expected, &got);
                counts.add(&case, &expected, &verdict);
                let is_doubtful = matches!(
                    verdict,
                    Verdict::Different | Verdict::Explained("which-errors" | ANCIENT_CHANGES)
                );
                if is_doubtful {
                    doubtful.push((index, case, expected, got));
                }
            }
            if !doubtful.is_empty() {
                // What is in doubt is asked for again apart from the stream.
                let mut apart = Pair::start();
                for (index, case, expected, got) in doubtful {
                    apart.ask(&case);
                    let verdict = apart.judge(&case, &expected, &got, ASK_AGAIN);
                    if verdict == Verdict::Explained(VERSION_FIRST) {
                        *counts.explained.entry(VERSION_FIRST).or_default() += 1;
                    }
                    if verdict != Verdict::Different {
                        continue;
                    }
                    differences += 1;
                    // One of a kind is enough.
                    let kind = kind_of_difference(&case.request, &expected, &got);
                    let of_kind = kinds.entry(kind).or_default();
                    *of_kind += 1;
                    if *of_kind > 2 {
                        continue;
                    }
                    let shown = self.show(&mut apart, index, &case);
                    let Some(folder) = &self.keep_going else {
                        println!("{shown}");
                        return ExitCode::FAILURE;
                    };
                    let file = format!("{folder}/{}-{index}.txt", case.request.str_of("op"));
                    std::fs::write(file, shown).expect("the difference can be written");
                }
            }
            batch = following;
        }
        counts.print();
        for (kind, count) in kinds {
            println!("differences at {kind}: {count}");
        }
        println!(
            "{} cases in {:.1} s, {differences} differences",
            self.cases,
            started.elapsed().as_secs_f64()
        );
        if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// A difference as small as it gets, with both answers.
    fn show(&self, pair: &mut Pair, index: u64, case: &Case) -> String {
        // The schemas are part of what is shrunk.
        let whole = Json::map([
            (
                "schemas",
                Json::map(case.schemas.iter().map(|(name, document)| {
                    (name.as_str(), Json::parse(document).expect("a schema is JSON"))
                })),
            ),
            ("request", case.request.clone()),
        ]);
        let (expected, got) = pair.ask(case);
        let wanted = signature(&expected, &got);
        let mut differs = |whole: &Json| {
            let Some(case) = unpack(whole) else { return false };
            let (expected, got) = pair.ask(&case);
            signature(&expected, &got) == wanted
                && compare(&case.request, &expected, &got) != Verdict::Same
                && pair.judge(&case, &expected, &got, 6) == Verdict::Different
        };
        let tries = if std::env::var_os("WHOLE").is_some() { 0 } else { 6_000 };
        let small = minimise::minimise(whole, tries, &mut differs);
        let case = unpack(&small).unwrap_or_else(|| case.clone());
        let (expected, got) = pair.ask(&case);
        let mut text = format!("seed {} case {index}\n", self.seed);
        for (name, document) in case.schemas.iter() {
            text += &format!("schema {name}: {document}\n");
        }
        text += &format!("request: {}\nreference: {expected}\ncrate: {got}\n", case.request);
        let difference =
            first_difference(&normal(&case.request, &expected), &normal(&case.request, &got));
        text += &format!("differs at {difference}\n");
        text
    }
}

/// How the first difference looks, so that a request is not shrunk into another difference.
fn signature(expected: &Json, got: &Json) -> String {
    let class = |part: &Json| match part.get("error") {
        Some(Json::String(text)) => {
            text.chars().take_while(|c| !".([\"0123456789".contains(*c)).collect()
        }
        Some(_) => "error".to_owned(),
        None => String::new(),
    };
    let parts = |answer: &Json| match answer.get("steps") {
        Some(Json::List(steps)) => steps.clone(),
        _ => vec![answer.clone()],
    };
    let differing = parts(expected).into_iter().zip(parts(got)).find(|(e, g)| !same_data(e, g));
    differing.map(|(e, g)| format!("{}/{}", class(&e), class(&g))).unwrap_or_default()
}

fn kind_of_difference(request: &Json, expected: &Json, got: &Json) -> String {
    let mut at = first_difference(&normal(request, expected), &normal(request, got));
    at.retain(|c| !c.is_ascii_digit());
    let at: String = at.chars().take(60).collect();
    format!("{} {at} {}", request.str_of("op"), signature(expected, got))
}

fn unpack(whole: &Json) -> Option<Case> {
    let schemas = whole.get("schemas")?;
    let request = whole.get("request")?;
    request.get("op")?;
    Some(Case {
        schemas: Rc::new(
            schemas.members().iter().map(|(name, d)| (name.clone(), d.to_string())).collect(),
        ),
        request: request.clone(),
        tags: Default::default(),
    })
}

/// What was covered.
#[derive(Default)]
struct Counts {
    by_op: BTreeMap<String, usize>,
    by_construct: BTreeMap<&'static str, usize>,
    by_outcome: BTreeMap<String, usize>,
    explained: BTreeMap<&'static str, usize>,
    histories: usize,
    /// Of the field manager's histories.
    steps: usize,
    conflicts: usize,
    several_versions: usize,
    errors: usize,
}

impl Counts {
    fn add(&mut self, case: &Case, answer: &Json, verdict: &Verdict) {
        let op = case.request.str_of("op");
        *self.by_op.entry(op.to_owned()).or_default() += 1;
        for tag in &case.tags {
            *self.by_construct.entry(tag).or_default() += 1;
        }
        let outcomes = outcomes(&case.request, answer);
        if matches!(op, "updater" | "fieldmanager") {
            self.histories += 1;
            if op == "fieldmanager" {
                self.steps += case.request.get("steps").map_or(0, |steps| steps.items().len());
            }
            self.conflicts += usize::from(outcomes.contains("ends-in-conflict"));
            self.several_versions += usize::from(outcomes.contains("several-versions"));
            self.errors += usize::from(outcomes.contains("error"));
        }
        for outcome in outcomes {
            *self.by_outcome.entry(format!("{op} {outcome}")).or_default() += 1;
        }
        if let Verdict::Explained(name) = verdict {
            *self.explained.entry(name).or_default() += 1;
        }
    }

    fn print(&self) {
        let line = |title: &str, counts: &mut dyn Iterator<Item = (String, usize)>| {
            let counts: Vec<String> =
                counts.map(|(name, count)| format!("{name} {count}")).collect();
            println!("{title}: {}", counts.join(", "));
        };
        line("operations", &mut self.by_op.iter().map(|(n, c)| (n.clone(), *c)));
        line("constructs", &mut self.by_construct.iter().map(|(n, c)| ((*n).to_owned(), *c)));
        line("outcomes", &mut self.by_outcome.iter().map(|(n, c)| (n.clone(), *c)));
        let share = |count: usize| 100.0 * count as f64 / self.histories.max(1) as f64;
        println!(
            "histories: {} ({} steps of the field manager), ending in a conflict {:.1} %, of several versions {:.1} %, with errors {:.1} %",
            self.histories,
            self.steps,
            share(self.conflicts),
            share(self.several_versions),
            share(self.errors)
        );
        for known in EXPLAINED {
            if let Some(count) = self.explained.get(known.name) {
                println!("explained: {} {count}: {}", known.name, known.reason);
            }
        }
    }
}
