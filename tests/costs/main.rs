//! What operations take of memory, counted by the allocator, and what the library depends on.
//!
//! Everything here is exact: it is the same in every run. The checks run one after the other in one
//! program, since the allocator counts for all threads. Times are the benchmarks' to measure.
//!
//! Arguments name the checks to run; those of `growth` are parts of the names of shapes.
#![allow(unsafe_code, reason = "counts what is allocated")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub)]

#[path = "../../benches/support/counting.rs"]
mod counting;
#[path = "../../benches/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::process::{Command, ExitCode};

use counting::count;
use managed_fields::fieldmanager::FieldManager;
use managed_fields::merge::{SameVersion, Updater};
use managed_fields::schema::Schemas;
use support::limits::{self, Limit, Verdicts};
use support::shapes::Kinds;
use support::{Case, Form, Typed, objects};

/// Crates that the library asks for by itself.
const DEPENDENCIES: Limit = Limit::at_most(7.0, 7.0).without_aim();
/// What must not be there at all.
const NOTHING: Limit = Limit::at_most(0.0, 0.0).without_aim();
/// Allocations that make the built-in tables known.
const FEW: Limit = Limit::at_most(10.0, 10.0).without_aim();
/// The same as something else, or less.
const NO_MORE: Limit = Limit::at_most(1.0, 1.0).without_aim();

/// A check by its name.
type Check = (&'static str, fn(&mut Verdicts));

const CHECKS: [Check; 6] = [
    ("apply", apply),
    ("no_op", no_op),
    ("no_op_in_memory", no_op_in_memory),
    ("type_lookup", type_lookup),
    ("dependencies", dependencies),
    ("growth", |verdicts| growth(verdicts, &[])),
];

/// An apply that changes a field, in every form of its documents.
fn apply(verdicts: &mut Verdicts) {
    let schemas = support::schemas();
    let manager = FieldManager::new(&schemas);
    for case in objects::all(&schemas) {
        for form in Form::ALL {
            let case = case.written(form);
            let (applied, memory) = count(|| case.apply(manager));
            case.check(applied.object());
            limits::memory(verdicts, &case, form, memory);
        }
    }
}

/// The cases as they are after the apply, so that applying once more changes nothing.
fn settled(schemas: &Schemas) -> Vec<Case> {
    let settle = |case: Case| Case { live: case.settled(schemas), ..case };
    objects::all(schemas).into_iter().map(settle).collect()
}

/// An apply that changes nothing can be told from others without a copy of the object, and keeps to
/// the same limits.
fn no_op(verdicts: &mut Verdicts) {
    let schemas = support::schemas();
    let manager = FieldManager::new(&schemas);
    for case in settled(&schemas) {
        let (none, memory) = count(|| case.apply_if_changed(manager));
        assert!(none.is_none(), "{}", case.name);
        limits::memory(verdicts, &case, Form::Sorted, memory);
        let (applied, with_copy) = count(|| case.apply(manager));
        assert!(!applied.changed() && applied.object() == case.live, "{}", case.name);
        let what = format!("{}: no-op, bytes but for the copy", case.name);
        let but_for_the_copy = (with_copy.bytes - case.live.len()) as f64;
        verdicts.counted(what, memory.bytes as f64 / but_for_the_copy, NO_MORE);
    }
}

/// An apply in memory that changes nothing makes no object.
fn no_op_in_memory(_: &mut Verdicts) {
    let schemas = support::schemas();
    for case in settled(&schemas) {
        let Typed { live, config, version, managers, manager, .. } = &case.typed(&schemas);
        let updater = Updater::new(&SameVersion);
        let outcome = updater.apply(live, config, version, managers, manager, false).unwrap();
        assert!(outcome.object.is_none(), "{}", case.name);
    }
}

/// Looking up any built-in kind allocates nothing, and making the tables hardly anything.
fn type_lookup(verdicts: &mut Verdicts) {
    let (schemas, memory) = count(Schemas::builtin);
    verdicts.counted("built-in tables: allocations", memory.allocations as f64, FEW);
    let kinds = schemas.kinds();
    assert!(kinds.len() > 100);
    // What is done once is done with the first.
    assert!(schemas.find(&kinds[0]).is_some());
    for kind in &kinds {
        let (ty, memory) = count(|| schemas.find(black_box(kind)));
        assert!(ty.is_some());
        verdicts.counted(format!("{kind}: allocations"), memory.allocations as f64, NOTHING);
    }
}

/// Crates that the library cannot be built without, by its own account.
fn dependencies(verdicts: &mut Verdicts) {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let required = metadata["packages"][0]["dependencies"].as_array().unwrap();
    let required = required.iter().filter(|it| it["kind"].is_null() && it["optional"] == false);
    let names: Vec<&str> = required.map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"serde_json"));
    let what = format!("required dependencies {names:?}");
    verdicts.counted(what, names.len() as f64, DEPENDENCIES);
}

/// Allocations and bytes for one item do not grow with the number of items.
fn growth(verdicts: &mut Verdicts, words: &[String]) {
    let kinds = Kinds::new();
    for shape in kinds.shapes(words) {
        let [few, _, many] = shape.sizes;
        let [least, most] = [few, many].map(|size| {
            let mut run = shape.prepare(size);
            // What is only made once is not what grows.
            if size == few {
                run();
            }
            let ((), memory) = count(&mut run);
            [memory.allocations, memory.bytes]
                .map(|taken| (taken as f64, taken as f64 / size as f64))
        });
        // What takes next to nothing at any size may take a little more.
        for (of, at, little) in [("allocations", 0, 100.0), ("bytes", 1, 4096.0)] {
            if most[at].0 > little {
                let what = format!("{}: {of} for each item of {many}, to {few}", shape.name);
                verdicts.counted(what, most[at].1 / least[at].1, limits::GROWTH);
            }
        }
    }
}

fn main() -> ExitCode {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut verdicts = Verdicts::default();
    let is_named = |name: &str| wanted.iter().any(|wanted| name == wanted);
    if wanted.iter().all(|name| CHECKS.iter().any(|(check, _)| check == name)) {
        for (name, check) in CHECKS {
            if wanted.is_empty() || is_named(name) {
                println!("{name}");
                check(&mut verdicts);
            }
        }
    } else {
        growth(&mut verdicts, &wanted);
    }
    verdicts.finish()
}
