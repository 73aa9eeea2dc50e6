//! Vectors: requests with the reference's answers, so that the crate is held against them without
//! the reference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::generate::{Case, Generator};
use super::outcome::outcomes;
use super::support::compare::{
    TEXTS_OF_PATHS, Verdict, compare, is_list_of_errors, normal, without_errors,
};
use super::support::json::Json;
use super::{Pair, schema_request};

pub const SEED: u64 = 20_250_101;

/// The files and the operations whose cases go there, with how many there are to be.
const FILES: [(&str, &[&str], usize); 8] = [
    ("values", &["value", "from_value"], 160),
    ("sets", &["decode", "element", "algebra", "filter", "managed"], 520),
    (
        "typed",
        &[
            "schema",
            "validate",
            "merge",
            "compare",
            "to_field_set",
            "remove",
            "extract",
            "reconcile",
            "ensure_named",
        ],
        640,
    ),
    ("updater", &["updater"], 400),
    ("fieldmanager", &["fieldmanager"], 320),
    ("client-side", &["csaupgrade", "find_owners", "extract_into", "scale"], 320),
    ("openapi", &["openapi"], 120),
    ("crd", &["crd"], 120),
];

/// Requests that are longer than this say too little for their length.
const LONGEST: usize = 2_200;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

pub fn record(seed: u64) -> ExitCode {
    let mut bytes = 0;
    for (name, text) in make(seed) {
        println!("{name}: {} cases, {} bytes", text.lines().count() - 1, text.len());
        bytes += text.len();
        std::fs::write(folder().join(name), text).expect("vectors can be written");
    }
    println!("{bytes} bytes");
    ExitCode::SUCCESS
}

pub fn check() -> ExitCode {
    let mut good = true;
    for (name, text) in make(SEED) {
        let found = std::fs::read_to_string(folder().join(&name)).unwrap_or_default();
        if found != text {
            let line = found.lines().zip(text.lines()).position(|(a, b)| a != b);
            println!("{name} is not what would be recorded, from line {:?}", line.map(|l| l + 1));
            good = false;
        }
    }
    if good {
        println!("the vectors are what would be recorded");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn make(seed: u64) -> Vec<(String, String)> {
    let mut pair = Pair::start();
    let hello = pair.reference.ask(&Json::map([("op", Json::from("hello"))]));
    let versions = hello.get("versions").cloned().unwrap_or(Json::Null);
    let mut files = Vec::new();
    for (name, ops, wanted) in FILES {
        let ops: Vec<String> = ops.iter().map(|op| (*op).to_owned()).collect();
        let heading = Json::map([("versions", versions.clone()), ("seed", Json::number(seed))]);
        let mut file = Vectors::new(heading);
        let mut generator = Generator::new(seed, &ops);
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut index = 0;
        while file.cases < wanted {
            let case = generator.case(index);
            index += 1;
            if case.request.to_string().len() > LONGEST {
                continue;
            }
            let (answer, _) = pair.ask(&case);
            // A case is taken for what it covers that few before it did.
            let op = case.request.str_of("op");
            let features: Vec<String> = case
                .tags
                .iter()
                .map(|tag| format!("{op} {tag}"))
                .chain(outcomes(&case.request, &answer).iter().map(|o| format!("{op} {o}")))
                .collect();
            let even = wanted / ops.len();
            let of_op = seen.entry(op.to_owned()).or_default();
            if *of_op >= even + even / 4 {
                continue;
            }
            let rare = features.iter().any(|f| seen.get(f).copied().unwrap_or(0) < even / 6 + 1);
            if !rare && index % 3 != 0 {
                continue;
            }
            if let Some(answer) = settle(&mut pair, &case, answer) {
                file.add(&case, &answer);
                for feature in features.into_iter().chain([op.to_owned()]) {
                    *seen.entry(feature).or_default() += 1;
                }
            }
        }
        files.push((format!("{name}.jsonl"), file.text));
    }
    files.extend(by_hand(&mut pair, &versions));
    files
}

/// The answer without what is not the same every time; none if it cannot be kept at all.
fn settle(pair: &mut Pair, case: &Case, answer: Json) -> Option<Json> {
    let mut answer = normal(&case.request, &answer);
    if answer.get("panic").is_some() {
        return None;
    }
    // A dump for debugging prints addresses.
    let mut errors = answer.str_of("error").contains("{0x");
    let mut texts = false;
    let loosen = |answer: &Json, errors: bool, texts: bool| {
        let answer = if errors { without_errors(answer) } else { answer.clone() };
        if texts { without_texts_of_paths(&answer) } else { answer }
    };
    answer = loosen(&answer, errors, texts);
    let mut asked = 0;
    while asked < times_to_ask(&answer) {
        asked += 1;
        let again = normal(&case.request, &pair.ask_reference(&case.request));
        let ways = [(false, false), (true, false), (false, true), (true, true)];
        let way = ways.into_iter().find(|(more_errors, more_texts)| {
            let (errors, texts) = (errors || *more_errors, texts || *more_texts);
            loosen(&again, errors, texts) == loosen(&answer, errors, texts)
        });
        let (more_errors, more_texts) = way?;
        (errors, texts) = (errors || more_errors, texts || more_texts);
        answer = loosen(&answer, errors, texts);
    }
    // Problems of several places are in no order.
    let texts = answer.get("steps").map(Json::items).unwrap_or_default().iter();
    let several = texts
        .chain([&answer])
        .filter_map(|part| part.get("error").and_then(Json::as_str))
        .any(|text| is_list_of_errors(text) && text.contains('\n'));
    Some(if several { without_errors(&answer) } else { answer })
}

/// How often an answer is asked for again, by what may change from one time to the next.
fn times_to_ask(answer: &Json) -> usize {
    if answer.to_string().contains("\"error\":\"") {
        192
    } else if TEXTS_OF_PATHS.iter().any(|key| answer.get(key).is_some()) {
        // The members of a map in a path are printed in any order, mostly the same one.
        160
    } else {
        2
    }
}

fn without_texts_of_paths(answer: &Json) -> Json {
    let mut answer = answer.clone();
    for key in TEXTS_OF_PATHS {
        answer.remove(key);
    }
    answer
}

/// Answers to the requests that were written by hand: each file in the folder `cases` gives one.
fn by_hand(pair: &mut Pair, versions: &Json) -> Vec<(String, String)> {
    let mut inputs: Vec<PathBuf> = std::fs::read_dir(folder().join("cases"))
        .map(|entries| entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
        .unwrap_or_default();
    inputs.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    inputs.sort();
    let mut files = Vec::new();
    for input in inputs {
        let text = std::fs::read_to_string(&input).expect("cases can be read");
        let mut file = Vectors::new(Json::map([("versions", versions.clone())]));
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let request = Json::parse(line)
                .unwrap_or_else(|error| panic!("{}: {error}: {line}", input.display()));
            let case = Case { schemas: Default::default(), request, tags: Default::default() };
            let (answer, got) = pair.ask(&case);
            let verdict = compare(&case.request, &answer, &got);
            if verdict == Verdict::Different {
                println!("{}: the crate answers {got} to {line}", input.display());
            }
            let settled = settle(pair, &case, answer);
            file.add(&case, &settled.unwrap_or_else(|| panic!("no settled answer to {line}")));
        }
        let name = input.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((format!("by-hand-{name}"), file.text));
    }
    files
}

/// A file of vectors in the making.
struct Vectors {
    text: String,
    cases: usize,
    known: BTreeMap<String, String>,
}

impl Vectors {
    fn new(heading: Json) -> Vectors {
        Vectors { text: format!("{heading}\n"), cases: 0, known: BTreeMap::new() }
    }

    fn add(&mut self, case: &Case, answer: &Json) {
        for (name, document) in case.schemas.iter() {
            if self.known.get(name) != Some(document) {
                self.known.insert(name.clone(), document.clone());
                let line = Json::map([("request", schema_request(name, document))]);
                self.text += &format!("{line}\n");
            }
        }
        let line = Json::map([("request", case.request.clone()), ("answer", answer.clone())]);
        self.text += &format!("{line}\n");
        self.cases += 1;
    }
}
