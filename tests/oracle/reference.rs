//! The reference: Go programs that answer the same requests with the code of the API server.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::{JoinHandle, spawn};

use super::support::json::Json;

/// The program for most requests, and the one for custom resources, which is started when it is
/// first asked.
pub struct Reference {
    main: Program,
    definitions: Option<Program>,
    /// Whether answers are to come from the latter, in the order of the requests.
    asked: VecDeque<bool>,
}

impl Reference {
    pub fn start() -> Reference {
        Reference { main: Program::start(MAIN), definitions: None, asked: VecDeque::new() }
    }

    pub fn send(&mut self, request: &Json) {
        let is_definition = request.str_of("op") == "crd";
        self.asked.push_back(is_definition);
        match is_definition {
            true => self.definitions.get_or_insert_with(|| Program::start(DEFINITIONS)),
            false => &mut self.main,
        }
        .send(request);
    }

    /// The answer to the oldest request that has none yet.
    pub fn receive(&mut self) -> Json {
        match (self.asked.pop_front(), &mut self.definitions) {
            (Some(true), Some(definitions)) => definitions.receive(),
            _ => self.main.receive(),
        }
    }

    pub fn ask(&mut self, request: &Json) -> Json {
        self.send(request);
        self.receive()
    }
}

/// A program by the variable that names it, and the folder that it is built from otherwise.
#[derive(Clone, Copy)]
struct Source {
    variable: &'static str,
    folder: &'static str,
    program: &'static str,
}

const MAIN: Source =
    Source { variable: "ORACLE", folder: "tests/oracle", program: "target/oracle/oracle" };
const DEFINITIONS: Source = Source {
    variable: "ORACLE_DEFINITIONS",
    folder: "tests/oracle/definitions",
    program: "target/oracle/definitions",
};

struct Program {
    process: Child,
    requests: Option<Sender<String>>,
    writer: Option<JoinHandle<()>>,
    answers: BufReader<ChildStdout>,
}

impl Program {
    /// Starts the program that the environment names, or builds it.
    fn start(source: Source) -> Program {
        let named = std::env::var_os(source.variable);
        let program = named.map_or_else(|| build(source), PathBuf::from);
        let mut process = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It logs what it answers anyway.
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()));
        let mut stdin = BufWriter::new(process.stdin.take().expect("its input is piped"));
        let stdout = process.stdout.take().expect("its output is piped");
        let (requests, queue) = channel::<String>();
        let writer = spawn(move || {
            while let Ok(mut line) = queue.recv() {
                // As much as there is before the reference is woken up.
                loop {
                    if writeln!(stdin, "{line}").is_err() {
                        return;
                    }
                    match queue.try_recv() {
                        Ok(next) => line = next,
                        Err(_) => break,
                    }
                }
                if stdin.flush().is_err() {
                    return;
                }
            }
        });
        Program {
            process,
            requests: Some(requests),
            writer: Some(writer),
            answers: BufReader::new(stdout),
        }
    }

    fn send(&mut self, request: &Json) {
        if let Some(requests) = &self.requests {
            requests.send(request.to_string()).expect("the reference takes requests");
        }
    }

    fn receive(&mut self) -> Json {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).expect("the reference answers in UTF-8");
        assert!(read > 0, "the reference stopped");
        Json::parse(&line).unwrap_or_else(|error| panic!("the reference wrote {line}: {error}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.requests = None;
        // It may be blocked on answers that nobody reads any more.
        let _ = self.process.kill();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
        let _ = self.process.wait();
    }
}

fn build(source: Source) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let program = root.join(source.program);
    std::fs::create_dir_all(root.join("target/oracle")).expect("the folder can be made");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(root.join(source.folder))
        .status()
        .expect("`go` can be started");
    assert!(status.success(), "the reference does not build");
    program
}
