//! The reference: a Go program that answers the same requests with the code of the API server.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::{JoinHandle, spawn};

use super::support::json::Json;

pub struct Reference {
    process: Child,
    requests: Option<Sender<String>>,
    writer: Option<JoinHandle<()>>,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts the program that the environment names in `ORACLE`, or builds it.
    pub fn start() -> Reference {
        let program = std::env::var_os("ORACLE").map_or_else(build, PathBuf::from);
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
        Reference {
            process,
            requests: Some(requests),
            writer: Some(writer),
            answers: BufReader::new(stdout),
        }
    }

    pub fn send(&mut self, request: &Json) {
        if let Some(requests) = &self.requests {
            requests.send(request.to_string()).expect("the reference takes requests");
        }
    }

    /// The answer to the oldest request that has none yet.
    pub fn receive(&mut self) -> Json {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).expect("the reference answers in UTF-8");
        assert!(read > 0, "the reference stopped");
        Json::parse(&line).unwrap_or_else(|error| panic!("the reference wrote {line}: {error}"))
    }

    pub fn ask(&mut self, request: &Json) -> Json {
        self.send(request);
        self.receive()
    }
}

impl Drop for Reference {
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

fn build() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/oracle");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(root.join("tests/oracle"))
        .status()
        .expect("`go` can be started");
    assert!(status.success(), "the reference does not build");
    program
}
