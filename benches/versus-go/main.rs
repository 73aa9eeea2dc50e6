//! A server-side apply from bytes to bytes, beside the Go code that kube-apiserver runs, on the
//! same bytes.
//!
//! Needs `go`, or `ORACLE` and `BUILTIN_SCHEMA` to name the program of `tests/oracle` and what it
//! prints for `builtin-schema`. Go gets a schema that is ready and one processor (`GOMAXPROCS`);
//! `GOGC` can be set. The two sides run in turns, a few applies each, and their results are
//! compared as data.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark stops at what is wrong")]

#[path = "../support/mod.rs"]
mod support;

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use managed_fields::fieldmanager::FieldManager;
use serde_json::{Value, json};
use support::{Case, NOW, objects};

/// The version whose published documents the built-in table is made from.
const KUBERNETES: &str = "k8s.io/kubernetes@v1.37.2";

struct Go {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Go {
    fn start(program: &Path) -> Go {
        let processors = std::env::var("GOMAXPROCS").unwrap_or_else(|_| "1".to_owned());
        let mut process = Command::new(program)
            .env("GOMAXPROCS", processors)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the oracle starts");
        let requests = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Go { process, requests, answers }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer["error"].is_null(), "{answer}");
        answer
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stderr(Stdio::inherit()).output().expect("the command starts");
    assert!(output.status.success(), "{command:?} failed");
    output.stdout
}

/// The program and the built-in schema, made where the environment names none.
fn prepare() -> (PathBuf, Value) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    let program = std::env::var_os("ORACLE").map_or_else(
        || {
            let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle");
            let build = ["build", "-o", program.to_str().unwrap(), "."];
            output(Command::new("go").args(build).current_dir(&sources));
            program
        },
        PathBuf::from,
    );
    let schema = std::env::var_os("BUILTIN_SCHEMA").map_or_else(
        || {
            let download = ["mod", "download", "-json", KUBERNETES];
            let module = output(Command::new("go").args(download).current_dir(&sources));
            let module: Value = serde_json::from_slice(&module).unwrap();
            let folder = Path::new(module["Dir"].as_str().unwrap()).join("api/openapi-spec/v3");
            output(Command::new(&program).args(["builtin-schema", "--openapi"]).arg(folder))
        },
        |file| std::fs::read(file).unwrap(),
    );
    (program, serde_json::from_slice(&schema).unwrap())
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn without_time(object: &mut Value, manager: &str) {
    for entry in object["metadata"]["managedFields"].as_array_mut().unwrap() {
        if entry["manager"] == manager && entry["operation"] == "Apply" {
            entry.as_object_mut().unwrap().remove("time");
        }
    }
}

fn compare(go: &mut Go, manager: FieldManager<'_>, case: &Case, builtin: &Value) {
    let live = case.live_value();
    let api_version = live["apiVersion"].as_str().unwrap();
    let kind = live["kind"].as_str().unwrap();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let known = builtin["kinds"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["group"] == group && row["version"] == version && row["kind"] == kind);
    let (schema, ty) = match known {
        Some(row) => ("builtin", row["type"].clone()),
        None => ("crd", json!("definition")),
    };
    let request = |times: usize| {
        json!({
            "op": "measure", "schema": schema, "type": ty, "times": times,
            "gvk": {"group": group, "version": version, "kind": kind},
            "manager": case.manager, "live_text": case.live, "config_text": case.config,
        })
    };
    let apply = || {
        let (live, config) = (black_box(case.live.as_bytes()), black_box(case.config.as_bytes()));
        let request = manager.apply(live, config).field_manager(case.manager);
        request.at(NOW.parse().unwrap()).run().unwrap()
    };
    let mut ours = serde_json::from_str(apply().object()).unwrap();
    let mut theirs = go.ask(&request(3))["object"].clone();
    without_time(&mut ours, case.manager);
    without_time(&mut theirs, case.manager);
    assert_eq!(ours, theirs, "{}: the results differ", case.name);

    let (mut go_times, mut rust_times) = (vec![], vec![]);
    let start = Instant::now();
    while start.elapsed().as_secs() < 4 {
        let answer = go.ask(&request(10));
        let times = answer["nanoseconds"].as_array().unwrap();
        go_times.extend(times.iter().map(|time| time.as_f64().unwrap() / 1000.0));
        for _ in 0..10 {
            let start = Instant::now();
            drop(black_box(apply()));
            rust_times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    let (go, rust) = (median(&mut go_times), median(&mut rust_times));
    println!(
        "case={} go_over_apply={:.1} (Go {go:.0} us, least {:.0}; this crate {rust:.0} us, least {:.0})",
        case.name,
        go / rust,
        go_times[0],
        rust_times[0]
    );
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (program, builtin) = prepare();
    let mut go = Go::start(&program);
    let text = |document: &Value| document.to_string();
    go.ask(&json!({"op": "schema", "name": "builtin", "yaml": text(&builtin["schema"])}));
    go.ask(&json!({"op": "schema", "name": "crd", "yaml": text(&support::schema::document())}));
    let schemas = support::schemas();
    let manager = FieldManager::new(&schemas);
    println!("{}", go.ask(&json!({"op": "hello"})));
    for case in objects::all(&schemas) {
        compare(&mut go, manager, &case, &builtin);
    }
}
