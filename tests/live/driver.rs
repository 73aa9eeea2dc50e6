//! The programs on the other side: the servers, and what sends requests to them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::support::json::Json;

/// A program that answers lines with lines.
struct Lines {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Lines {
    fn start(command: &str, argument: &str) -> Lines {
        let mut process = Command::new(variable("LIVE_DRIVER"))
            .args([command, argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the driver can be started");
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("its output is piped"));
        Lines { process, requests, answers }
    }

    fn say(&mut self, line: &str) {
        let requests = self.requests.as_mut().expect("it has not been stopped");
        writeln!(requests, "{line}").expect("the driver takes requests");
    }

    fn hear(&mut self) -> Json {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).expect("the driver answers in UTF-8");
        assert!(read > 0, "the driver stopped");
        Json::parse(&line).unwrap_or_else(|error| panic!("the driver wrote {line}: {error}"))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // It ends with its input, when it has stopped what it started.
        self.requests = None;
        let _ = self.process.wait();
    }
}

pub fn variable(name: &str) -> PathBuf {
    std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: use tests/live/run")).into()
}

/// An API server with all that it needs; stopped and removed at the end.
pub struct Server {
    lines: Lines,
    dir: PathBuf,
    pub kubeconfig: String,
}

impl Server {
    pub fn start() -> Server {
        let bin = variable("LIVE_BIN");
        let mut lines = Lines::start("serve", bin.to_str().expect("the folder is UTF-8"));
        let ready = lines.hear();
        let text = |key: &str| ready.str_of(key).to_owned();
        Server { dir: text("dir").into(), kubeconfig: text("kubeconfig"), lines }
    }

    pub fn start_controllers(&mut self) {
        self.lines.say("controllers");
        self.lines.hear();
    }

    /// A folder that goes when the server goes.
    pub fn folder(&self) -> &Path {
        &self.dir
    }

    /// What was written in the namespace of the controllers.
    pub fn audit_log(&self) -> PathBuf {
        self.dir.join("audit.log")
    }

    pub fn driver(&self) -> Driver {
        Driver { lines: Lines::start("drive", &self.kubeconfig) }
    }
}

/// Sends the requests of one history after the other.
pub struct Driver {
    lines: Lines,
}

impl Driver {
    pub fn ask(&mut self, command: &Json) -> Json {
        self.lines.say(&command.to_string());
        let answer = self.lines.hear();
        if let Some(error) = answer.get("error").and_then(Json::as_str) {
            panic!("{error}: {command}");
        }
        answer
    }

    /// The next request of a history, which is not sent yet, with the object as it is.
    pub fn next(&mut self) -> Option<Json> {
        let record = self.ask(&Json::map([("op", Json::from("next"))]));
        (!record.flag("end")).then_some(record)
    }

    /// Sends that request. What is expected of it is filled in before.
    pub fn send(&mut self, expected: Option<Json>) -> Json {
        let mut command = Json::map([("op", Json::from("go"))]);
        if let Some(object) = expected {
            command.set("object", object);
        }
        self.ask(&command)
    }
}
