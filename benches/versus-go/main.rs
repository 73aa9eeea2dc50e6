//! Every operation beside the Go code that kube-apiserver runs, on the same bytes.
//!
//! Builds the Go side from `tests/oracle`, which needs `go`, unless `ORACLE` and `BUILTIN_SCHEMA`
//! name the program and what it prints for `builtin-schema`. Go gets a schema that is ready and the
//! faster of its readers, and runs with one and two processors (`GOMAXPROCS`), with its garbage
//! collector as it is by default and without. All sides run in turns of some hundredths of a second.
//! A time is the median of turns, and that of a turn is the average of its runs, since collecting
//! garbage is paid for where it falls due. The first results of both sides are compared as data, sets
//! by their bytes, and on each side every result is compared by its bytes with the first, outside of
//! the time.
//!
//! Prints a table for each case, and fails if a limit is missed. Arguments name the cases to run;
//! `--rounds N` says how many turns each operation has. Without `--bench` nothing runs, unless
//! `--compare` is there: then results are compared and nothing is timed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark stops at what is wrong")]

mod go;
#[path = "../support/mod.rs"]
mod support;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use go::Go;
use managed_fields::fieldmanager::{Applied, FieldManager};
use managed_fields::fieldpath::FieldSet;
use managed_fields::merge::{Managers, Outcome, SameVersion, Updater};
use managed_fields::schema::Schemas;
use managed_fields::typed::{Comparison, TypedValue};
use serde_json::{Value, json};
use support::grow::{self, Share};
use support::limits::{self, Limit, Verdicts};
use support::timing::{Operation, Spell, median};
use support::{Case, Form, Typed, objects};

/// How long this side has a turn, or the floor.
const TURN: Duration = Duration::from_millis(30);

/// A whole apply of compact documents with sorted keys: how many times as fast as Go it has to be.
fn times_go(case: &str) -> Limit {
    match case {
        "endpoints" => Limit::at_least(14.0, 14.0).without_aim(),
        "crd" => Limit::at_least(18.0, 18.0).without_aim(),
        _ => Limit::at_least(40.0, 60.0),
    }
}

/// What each further manager may take, in microseconds.
const FURTHER_MANAGER: Limit = Limit::at_most(10.0, 5.0);

/// The floor of an apply, and the most of it that the apply may take.
struct Floor<'a> {
    sample: &'a dyn Fn() -> f64,
    limit: Limit,
}

/// Both sides.
struct Contest {
    go: Go,
    rounds: usize,
    verdicts: Verdicts,
}

impl Contest {
    /// Lets both sides do the operation in turns and prints the row of a table. Gives the median
    /// microseconds of this side and of Go's.
    fn row<R, F: Fn() -> R>(
        &mut self,
        (case, name): (&str, &str),
        goal: Option<Limit>,
        floor: Option<&Floor<'_>>,
        request: Value,
        operation: (F, Spell<R>),
        same: impl Fn(R, &Value),
    ) -> (f64, f64) {
        let answer = self.go.prepare(request);
        let (run, spell) = operation;
        same(run(), &answer);
        if self.rounds == 0 {
            return (0.0, 0.0);
        }
        let operation = Operation::new(run, spell).in_batches();

        let (mut ours, mut floors, mut go) = (vec![], vec![], vec![]);
        for _ in 0..self.rounds {
            ours.push(turn(&|| operation.sample()));
            floors.extend(floor.map(|floor| turn(floor.sample)));
            for (at, time) in self.go.measure().into_iter().enumerate() {
                if at == go.len() {
                    go.push(vec![]);
                }
                go[at].push(time);
            }
        }
        let ours = median(&mut ours);
        let go: Vec<f64> = go.iter_mut().map(|times| median(times)).collect();
        let ratio = go[0] / ours;

        let what = format!("{case}, {name}");
        let mut cells =
            vec![name.to_owned(), number(ours), number(go[0]), format!("**{ratio:.1}**")];
        cells.extend(goal.map_or_else(limits::no_verdict, |goal| {
            self.verdicts.timed(format!("{what}: Go / crate"), ratio, goal)
        }));
        match floor {
            Some(Floor { limit, .. }) => {
                let ratio = ours / median(&mut floors);
                cells.push(format!("{ratio:.2}"));
                cells.extend(self.verdicts.timed(format!("{what}: crate / floor"), ratio, *limit));
            }
            None => {
                cells.push("-".to_owned());
                cells.extend(limits::no_verdict());
            }
        }
        cells.extend(go[1..].iter().map(|time| format!("{:.1}", time / ours)));
        limits::row(cells);
        (ours, go[0])
    }

    fn head(&self, case: &str) {
        if self.rounds == 0 {
            return;
        }
        println!("\n### {case}\n");
        let names = ["operation", "crate, µs", "Go, µs", "Go / crate"];
        let settings = Go::columns();
        let settings: Vec<&str> = settings.iter().skip(1).map(String::as_str).collect();
        let verdict = &limits::VERDICT[..];
        limits::head(&[&names, verdict, &["crate / floor"], verdict, &settings].concat());
    }

    /// An apply from bytes to bytes.
    fn whole_apply(
        &mut self,
        (case, name): (&Case, &str),
        manager: FieldManager<'_>,
        goal: Option<Limit>,
        limit: Option<Limit>,
    ) -> (f64, f64) {
        let request = self.apply_request(case);
        let floor = Operation::new(|| case.floor(), |(_, _, out)| out.into());
        let sample = || floor.sample();
        let floor = limit.map(|limit| Floor { sample: &sample, limit });
        self.row(
            (case.name, name),
            goal,
            floor.as_ref(),
            request,
            (|| case.apply(manager), |applied: &Applied| applied.object().as_bytes().into()),
            |applied, answer| {
                let mut ours: Value = serde_json::from_str(applied.object()).unwrap();
                let mut theirs: Value =
                    serde_json::from_str(answer["bytes"].as_str().unwrap()).unwrap();
                without_time(&mut ours, case.manager);
                without_time(&mut theirs, case.manager);
                assert!(ours == theirs, "{}: the results differ\n{ours}\n{theirs}", case.name);
            },
        )
    }

    fn apply_request(&self, case: &Case) -> Value {
        let live = case.live_value();
        let text = |key: &str| live[key].as_str().unwrap();
        let mut request = self.go.about(text("apiVersion"), text("kind"));
        request["what"] = json!("apply");
        request["manager"] = json!(case.manager);
        request["live_text"] = json!(case.live);
        request["config_text"] = json!(case.config);
        request
    }

    fn whole_applies(&mut self, case: &Case, schemas: &Schemas) {
        let manager = FieldManager::new(schemas);
        for form in Form::ALL {
            let written = case.written(form);
            let name = format!("apply, end to end, {}", form.name());
            let goal = (form == Form::Sorted).then(|| times_go(case.name));
            let limit = Some(limits::over_floor(case.name, form));
            self.whole_apply((&written, &name), manager, goal, limit);
        }
        let settled = Case { live: case.settled(schemas), ..case.clone() };
        self.row(
            (case.name, "no-op re-apply, end to end"),
            None,
            None,
            self.apply_request(&settled),
            (|| settled.apply_if_changed(manager), |_| Cow::from(&[])),
            |applied, answer| {
                let theirs: Value =
                    serde_json::from_str(answer["bytes"].as_str().unwrap()).unwrap();
                assert!(applied.is_none() && theirs == settled.live_value(), "{}", case.name);
            },
        );
    }

    /// Applies and updates for those who have objects and sets in memory.
    fn updater(&mut self, case: &Case, schemas: &Schemas) {
        let settled = Case { live: case.settled(schemas), ..case.clone() };
        let (typed, settled) = (case.typed(schemas), settled.typed(schemas));
        for (name, typed, goal) in [
            ("apply, in memory, one changed field", &typed, Limit::at_least(30.0, 60.0)),
            ("no-op re-apply, in memory", &settled, Limit::at_least(40.0, 100.0)),
        ] {
            let request = self.typed_request("updater_apply", typed, Some(&typed.config));
            let apply = || {
                let (live, config) = (black_box(&typed.live), black_box(&typed.config));
                let (version, managers) = (&typed.version, &typed.managers);
                let updater = Updater::new(&SameVersion);
                updater.apply(live, config, version, managers, &typed.manager, false).unwrap()
            };
            let names = (case.name, name);
            self.row(names, Some(goal), None, request, (apply, spell_outcome), same_outcome);
        }
        let mut request = self.typed_request("updater_update", &typed, Some(&typed.new));
        request["manager"] = json!("editor");
        let update = || {
            let (live, new) = (black_box(&typed.live), black_box(&typed.new));
            let (version, managers) = (&typed.version, &typed.managers);
            Updater::new(&SameVersion).update(live, new, version, managers, "editor").unwrap()
        };
        let goal = Some(Limit::at_least(15.0, 30.0));
        let names = (case.name, "update, in memory, one changed field");
        self.row(names, goal, None, request, (update, spell_outcome), same_outcome);
    }

    fn typed_request(&self, what: &str, typed: &Typed, other: Option<&TypedValue>) -> Value {
        let live = data(&typed.live);
        let mut request = self.go.about(&typed.version, live["kind"].as_str().unwrap());
        let managers = typed.managers.iter().map(|(name, owned)| {
            let set = owned.set.to_fields_v1().unwrap();
            let applied = owned.applied;
            (name, json!({"set": set, "version": owned.api_version, "applied": applied}))
        });
        request["managers"] = json!(managers.collect::<BTreeMap<_, _>>());
        request["manager"] = json!(typed.manager);
        request["what"] = json!(what);
        request["lhs"] = live;
        if let Some(other) = other {
            request["rhs"] = data(other);
        }
        request
    }

    /// Operations on typed values.
    fn values(&mut self, case: &Case, schemas: &Schemas) {
        let typed = &case.typed(schemas);
        let name = case.name;

        let request = self.typed_request("compare", typed, Some(&typed.new));
        let compare = || black_box(&typed.live).compare(black_box(&typed.new)).unwrap();
        let goal = Some(Limit::at_least(15.0, 30.0));
        self.row(
            (name, "compare"),
            goal,
            None,
            request,
            (compare, spell_comparison),
            |it, answer| {
                let sets =
                    [("added", it.added), ("modified", it.modified), ("removed", it.removed)];
                assert_eq!(json!(sets.map(spelled).into_iter().collect::<Sets>()), answer["sets"]);
            },
        );

        let request = self.typed_request("merge", typed, Some(&typed.config));
        let merge = || black_box(&typed.live).merge(black_box(&typed.config)).unwrap();
        self.row((name, "merge"), goal, None, request, (merge, spell_value), same_value);

        let request = self.typed_request("validate", typed, None);
        let value = typed.live.to_value();
        let validate =
            || TypedValue::with_duplicates(black_box(&value).clone(), typed.ty.clone()).unwrap();
        let goal = Some(Limit::at_least(10.0, 20.0));
        self.row((name, "validate"), goal, None, request, (validate, spell_value), same_value);

        let request = self.typed_request("to_field_set", typed, None);
        let fields = || black_box(&typed.live).to_field_set().unwrap();
        let goal = Some(Limit::at_least(20.0, 40.0));
        self.row((name, "to field set"), goal, None, request, (fields, spell_set), same_set);
    }

    /// Sets on the wire, and their algebra. What is in two sets was decoded twice.
    fn sets(&mut self, case: &Case, schemas: &Schemas) {
        let typed = &case.typed(schemas);
        let name = case.name;
        let text = |value: &TypedValue| value.to_field_set().unwrap().to_fields_v1().unwrap();
        let (live, config) = (text(&typed.live), text(&typed.config));
        let decoded = |text: &str| FieldSet::from_fields_v1(text.as_bytes()).unwrap();

        let request = json!({"what": "decode", "a": live});
        let decode = || decoded(black_box(&live));
        let goal = Some(Limit::at_least(12.0, 20.0));
        self.row((name, "FieldsV1 decode"), goal, None, request, (decode, spell_set), same_set);

        let request = json!({"what": "encode", "a": live});
        let set = decoded(&live);
        let encode = || black_box(&set).to_fields_v1().unwrap();
        let spell: Spell<String> = |text| text.as_bytes().into();
        let goal = Some(Limit::at_least(20.0, 40.0));
        self.row((name, "FieldsV1 encode"), goal, None, request, (encode, spell), |it, answer| {
            assert_eq!(it, answer["bytes"]);
        });

        /// Makes a set of two.
        type Two = fn(&FieldSet, &FieldSet) -> FieldSet;
        let algebra: [(&str, &str, Two); 5] = [
            ("union", "union", FieldSet::union),
            ("intersection", "intersection", FieldSet::intersection),
            ("difference", "difference", FieldSet::difference),
            ("recursive difference", "recursive_difference", FieldSet::recursive_difference),
            ("leaves", "leaves", |set, _| set.leaves()),
        ];
        for (row, what, two) in algebra {
            let request = json!({"what": what, "a": live, "b": config});
            let (left, right) = (decoded(&live), decoded(&config));
            let run = || two(black_box(&left), black_box(&right));
            let goal = Some(Limit::at_least(20.0, 50.0));
            self.row((name, row), goal, None, request, (run, spell_set), same_set);
        }
    }

    /// What each further manager costs that owns all of an object, from bytes to bytes.
    fn managers(&mut self, schemas: &Schemas) {
        const FURTHER: usize = 20;
        self.head("managers");
        let manager = FieldManager::new(schemas);
        let mut apply = |managers: usize| {
            let case = grow::managed_by(schemas, managers, Share::Everything);
            let name = format!("apply, end to end, {managers} managers");
            (case.size(), self.whole_apply((&case, &name), manager, None, None))
        };
        let (one, (ours_of_one, go_of_one)) = apply(1);
        let (all, (ours, go)) = apply(1 + FURTHER);
        if self.rounds == 0 {
            return;
        }
        let each = |more: f64, less: f64| (more - less) / FURTHER as f64;
        let (ours, go) = (each(ours, ours_of_one), each(go, go_of_one));
        let [must, holds, aim] =
            self.verdicts.timed("each further manager, µs", ours, FURTHER_MANAGER);
        println!(
            "\nEach further manager ({} paths, {} bytes of FieldsV1): {ours:.1} µs ({must}: {holds}; \
             aim {aim}). Go: {go:.0} µs, {:.0} times as much.",
            (all.paths - one.paths) / FURTHER,
            (all.fields_v1 - one.fields_v1) / FURTHER,
            go / ours,
        );
    }
}

/// The microseconds of one operation, on average of a turn.
fn turn(sample: &dyn Fn() -> f64) -> f64 {
    let mut times = vec![];
    let start = Instant::now();
    while times.is_empty() || start.elapsed() < TURN {
        times.push(sample());
    }
    times.iter().sum::<f64>() / times.len() as f64
}

/// Three digits, and all before the point.
fn number(microseconds: f64) -> String {
    let digits = 2 - (microseconds.log10().floor() as i32).clamp(0, 2);
    format!("{microseconds:.*}", digits as usize)
}

fn without_time(object: &mut Value, manager: &str) {
    for entry in object["metadata"]["managedFields"].as_array_mut().unwrap() {
        if entry["manager"] == manager && entry["operation"] == "Apply" {
            entry.as_object_mut().unwrap().remove("time");
        }
    }
}

/// A value as `serde_json` reads it.
fn data(value: &TypedValue) -> Value {
    serde_json::from_str(&value.to_value().to_json()).unwrap()
}

/// Sets by their names, as they are written.
type Sets = BTreeMap<String, String>;

fn spelled((name, set): (&str, FieldSet)) -> (String, String) {
    (name.to_owned(), set.to_fields_v1().unwrap())
}

fn sets_of(managers: &Managers) -> Sets {
    managers.iter().map(|(name, owned)| spelled((name, owned.set.clone()))).collect()
}

fn spell_set(set: &FieldSet) -> Cow<'_, [u8]> {
    set.to_fields_v1().unwrap().into_bytes().into()
}

fn spell_value(value: &TypedValue) -> Cow<'_, [u8]> {
    value.to_value().to_json().into_bytes().into()
}

fn spell_comparison(found: &Comparison) -> Cow<'_, [u8]> {
    [&found.added, &found.modified, &found.removed].map(spell_set).join(&b'\n').into()
}

fn spell_outcome(outcome: &Outcome) -> Cow<'_, [u8]> {
    let mut out = outcome.object.as_ref().map_or(vec![], |object| spell_value(object).into_owned());
    for (name, set) in sets_of(&outcome.managers) {
        out.extend(format!("\n{name}\n{set}").into_bytes());
    }
    out.into()
}

fn same_set(set: FieldSet, answer: &Value) {
    assert_eq!(set.to_fields_v1().unwrap(), answer["sets"]["added"]);
}

fn same_value(value: TypedValue, answer: &Value) {
    assert!(data(&value) == answer["object"], "{}\n{answer}", data(&value));
}

fn same_outcome(outcome: Outcome, answer: &Value) {
    assert_eq!(json!(sets_of(&outcome.managers)), answer["sets"]);
    assert!(outcome.object.as_ref().map_or(Value::Null, data) == answer["object"], "{answer}");
}

fn main() -> ExitCode {
    let (mut runs, mut rounds) = (false, 9);
    let mut wanted = vec![];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => runs = true,
            "--compare" => (runs, rounds) = (true, 0),
            "--rounds" => rounds = arguments.next().unwrap().parse().unwrap(),
            option if option.starts_with('-') => {}
            name => wanted.push(name.to_owned()),
        }
    }
    if !runs {
        return ExitCode::SUCCESS;
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| name == wanted);
    let go = Go::start(&support::schema::document(), rounds > 0);
    let mut contest = Contest { go, rounds, verdicts: Verdicts::default() };
    println!("{}", contest.go.versions());
    let schemas = support::schemas();
    for case in objects::all(&schemas) {
        if is_wanted(case.name) {
            contest.head(case.name);
            contest.whole_applies(&case, &schemas);
            contest.updater(&case, &schemas);
            contest.values(&case, &schemas);
            contest.sets(&case, &schemas);
        }
    }
    if is_wanted("managers") {
        contest.managers(&schemas);
    }
    if rounds == 0 {
        println!("All results are the same.");
        return ExitCode::SUCCESS;
    }
    contest.verdicts.finish()
}
