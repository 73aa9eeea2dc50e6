//! The Go side: the program of `tests/oracle`, in processes that differ in how Go is run.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The version whose published documents the built-in table is made from.
const KUBERNETES: &str = "k8s.io/kubernetes@v1.37.2";

/// How Go is run: processors and garbage collector. The first is what others are compared with.
const SETTINGS: [(&str, &str); 4] = [("1", "100"), ("2", "100"), ("1", "off"), ("2", "off")];

/// Nanoseconds that a turn takes. The first process has twice as much.
const TURN: u64 = 40_000_000;

/// The processes, which all know the same schemas, and which kinds there are.
pub(crate) struct Go {
    processes: Vec<Process>,
    kinds: Value,
}

impl Go {
    /// Builds the program and has it make the schema, where the environment names none, and starts
    /// it in the first of the settings or in all.
    pub(crate) fn start(definition: &Value, in_all: bool) -> Go {
        let (program, builtin) = prepare();
        let settings = if in_all { &SETTINGS[..] } else { &SETTINGS[..1] };
        let mut processes: Vec<Process> =
            settings.iter().map(|setting| Process::start(&program, *setting)).collect();
        for process in &mut processes {
            for (name, document) in [("builtin", &builtin["schema"]), ("crd", definition)] {
                process.ask(&json!({"op": "schema", "name": name, "yaml": document.to_string()}));
            }
        }
        Go { processes, kinds: builtin["kinds"].clone() }
    }

    /// Columns of a table for the settings, the first of which has the times.
    pub(crate) fn columns() -> Vec<String> {
        let column = |(processors, collector): (&str, &str)| {
            format!("GOMAXPROCS={processors} GOGC={collector} / crate")
        };
        SETTINGS.into_iter().map(column).collect()
    }

    /// Of Go, and of the modules that are measured.
    pub(crate) fn versions(&mut self) -> String {
        let hello = self.processes[0].ask(&json!({"op": "hello"}));
        let modules = hello["versions"].as_object().unwrap().iter();
        let modules =
            modules.map(|(module, version)| format!("{module} {}", version.as_str().unwrap()));
        let go = hello["go"].as_str().unwrap().to_owned();
        std::iter::once(go).chain(modules).collect::<Vec<_>>().join(", ")
    }

    /// What a request says of the type of a kind.
    pub(crate) fn about(&self, api_version: &str, kind: &str) -> Value {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let is_it = |row: &&Value| {
            row["group"] == group && row["version"] == version && row["kind"] == kind
        };
        let (schema, ty) = match self.kinds.as_array().unwrap().iter().find(is_it) {
            Some(row) => ("builtin", row["type"].clone()),
            None => ("crd", json!("definition")),
        };
        let gvk = json!({"group": group, "version": version, "kind": kind});
        json!({"schema": schema, "type": ty, "gvk": gvk})
    }

    /// Makes an operation ready everywhere, and gives what comes of it.
    pub(crate) fn prepare(&mut self, mut request: Value) -> Value {
        request["op"] = json!("prepare");
        let answers: Vec<Value> =
            self.processes.iter_mut().map(|process| process.ask(&request)).collect();
        answers[0].clone()
    }

    /// The microseconds of what is ready, on average of a turn, for each setting.
    pub(crate) fn measure(&mut self) -> Vec<f64> {
        let turn = |(at, process): (usize, &mut Process)| {
            let nanoseconds = if at == 0 { 2 * TURN } else { TURN };
            let answer = process.ask(&json!({"op": "measure", "nanoseconds": nanoseconds}));
            answer["nanoseconds"].as_f64().unwrap() / 1000.0
        };
        self.processes.iter_mut().enumerate().map(turn).collect()
    }
}

struct Process {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(program: &Path, (processors, collector): (&str, &str)) -> Process {
        let mut process = Command::new(program)
            .arg("answer")
            .envs([("GOMAXPROCS", processors), ("GOGC", collector)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the oracle starts");
        let requests = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Process { process, requests, answers }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        for wrong in ["error", "panic"] {
            assert!(answer[wrong].is_null(), "{answer}");
        }
        answer
    }
}

impl Drop for Process {
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
