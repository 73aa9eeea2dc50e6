//! Puts a real API server beside the crate and compares what both store.
//!
//! Without arguments `compare`, `kubectl` and `controllers` over one server; or one of
//!
//! - `compare --requests N --seeds A,B`: random requests to the server, judged by the crate; the first
//!   history that differs is shrunk into a scenario file.
//! - `controllers`: what controllers write, judged by the crate.
//! - `kubectl`: the same files through `kubectl apply --server-side` and `managed-fields apply`.
//! - `record`: both for fewer requests, and writes `tests/vectors/live-*.jsonl`.
//! - `replay FILE`: the requests of a scenario once more.
//!
//! `tests/live/run` builds what is needed and says where it is: `LIVE_DRIVER` is the program of
//! `tests/live`, `LIVE_BIN` the folder with the servers, `LIVE_OUT` where scenarios go.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod controllers;
mod driver;
mod explain;
mod judge;
#[cfg(feature = "cli")]
mod kubectl;
#[allow(dead_code)]
#[path = "../oracle/minimise.rs"]
mod minimise;
mod random;
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;
mod vectors;

use std::path::Path;
use std::process::ExitCode;

use driver::Server;
use support::json::Json;

/// Requests of a run that says nothing else.
const REQUESTS: usize = 6_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value_of = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let number_of =
        |name: &str, default: usize| value_of(name).map_or(default, |n| n.parse().expect("number"));
    match arguments.first().map(String::as_str) {
        Some("compare") => {
            let seeds = value_of("--seeds").unwrap_or("1,2,3").split(',');
            let run = random::Run {
                seeds: seeds.map(|seed| seed.parse().expect("a seed is a number")).collect(),
                requests: number_of("--requests", REQUESTS),
                keeps_going: arguments.iter().any(|argument| argument == "--keep-going"),
                vectors: None,
            };
            exit(run.compare(&Server::start()))
        }
        Some("controllers") => exit(controllers::run(&mut Server::start(), None)),
        #[cfg(feature = "cli")]
        Some("kubectl") => exit(kubectl::run(&Server::start())),
        #[cfg(feature = "cli")]
        None => {
            let mut server = Server::start();
            let run = random::Run {
                seeds: vec![1, 2, 3],
                requests: REQUESTS,
                keeps_going: false,
                vectors: None,
            };
            let is_well = run.compare(&server);
            let is_well = kubectl::run(&server) && is_well;
            exit(controllers::run(&mut server, None) && is_well)
        }
        Some("record") => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
            let mut server = Server::start();
            let vectors = Some(folder.clone());
            let run = random::Run { seeds: vec![11], requests: 300, keeps_going: false, vectors };
            exit(run.compare(&server) && controllers::run(&mut server, Some(folder)))
        }
        Some("replay") => {
            let file = arguments.get(1).expect("which scenario?");
            let text = std::fs::read_to_string(file).expect("the scenario can be read");
            exit(random::replay(&Server::start(), &Json::parse(&text).expect("a scenario is JSON")))
        }
        _ => {
            eprintln!(
                "usage: live compare [--requests N] [--seeds A,B] | controllers | kubectl | record | replay FILE"
            );
            ExitCode::from(2)
        }
    }
}

fn exit(is_well: bool) -> ExitCode {
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
