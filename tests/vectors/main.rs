//! The crate against recorded answers of the reference.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "builtin-schemas")]
mod reset_fields;
mod rows_beyond_json;
mod rules;
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use support::compare::{Verdict, compare};
use support::json::Json;
use support::subject::Subject;

/// Runs one file: requests without an answer are there to make schemas known.
fn run(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).expect("vectors can be read");
    let mut subject = Subject::default();
    let mut cases = 0;
    for (number, line) in text.lines().enumerate().skip(1) {
        let place = format!("{}:{}", path.display(), number + 1);
        let vector = Json::parse(line).unwrap_or_else(|error| panic!("{place}: {error}"));
        let request = vector.get("request").unwrap_or_else(|| panic!("{place}: no request"));
        let got = subject.answer(request);
        let Some(expected) = vector.get("answer") else {
            assert!(got.get("error").is_none(), "{place}: {got}");
            continue;
        };
        let verdict = compare(request, expected, &got);
        assert!(
            verdict != Verdict::Different,
            "{place}\nrequest: {request}\nreference: {expected}\ncrate: {got}"
        );
        cases += 1;
    }
    cases
}

fn is_of_server(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("live-"))
}

#[test]
fn every_recorded_answer_is_the_crates_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of vectors is there")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        // A server has kinds of its own.
        .filter(|path| cfg!(feature = "builtin-schemas") || !is_of_server(path))
        .collect();
    files.sort();
    let cases: usize = files.iter().map(|path| run(path)).sum();
    assert!(cases >= 2_000, "only {cases} cases");
}
