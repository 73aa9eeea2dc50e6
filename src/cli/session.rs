//! One run of a command: where messages go and how bad things were.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, ErrorKind, Read};

use crate::managedfields::Time;

use super::{Color, Io};

/// Nothing found.
const DONE: i32 = 0;
/// A finding, such as a conflict.
const FOUND: i32 = 1;
/// Something went wrong.
const FAILED: i32 = 2;

pub(super) struct Session<'s, 'i> {
    io: &'s mut Io<'i>,
    color: bool,
    colors_results: bool,
    now: Time,
    worst: i32,
    errors: usize,
    /// Keys that are repeated in a map are told of.
    warns_of_repeats: bool,
    /// Standard input was read.
    stdin_is_used: bool,
    /// Nobody reads the results any more.
    is_closed: bool,
}

impl<'s, 'i> Session<'s, 'i> {
    pub(super) fn new(io: &'s mut Io<'i>, when: Color, now: Time) -> Session<'s, 'i> {
        let is_colored = |is_terminal: bool| match when {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !io.no_color,
        };
        let (color, colors_results) =
            (is_colored(io.stderr_is_terminal), is_colored(io.stdout_is_terminal));
        Session {
            io,
            color,
            colors_results,
            now,
            worst: DONE,
            errors: 0,
            warns_of_repeats: true,
            stdin_is_used: false,
            is_closed: false,
        }
    }

    /// Whether results that are meant for reading are coloured.
    pub(super) fn colors_results(&self) -> bool {
        self.colors_results
    }

    /// Whether keys that are repeated in a map are told of when they are read.
    pub(super) fn warns_of_repeats(&self) -> bool {
        self.warns_of_repeats
    }

    /// Somebody else tells of them, or nobody.
    pub(super) fn pass_over_repeats(&mut self) {
        self.warns_of_repeats = false;
    }

    /// The time of a write.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    pub(super) fn stdout_is_terminal(&self) -> bool {
        self.io.stdout_is_terminal
    }

    /// Standard input, once.
    pub(super) fn open_stdin(&mut self) -> Result<&mut dyn Read, String> {
        if std::mem::replace(&mut self.stdin_is_used, true) {
            return Err("standard input can be read only once".to_owned());
        }
        Ok(self.io.stdin)
    }

    /// Standard input, once, to be read while results are printed.
    pub(super) fn take_stdin(&mut self) -> Result<&'i mut dyn Read, String> {
        self.open_stdin()?;
        // Something that is empty takes no room.
        let nothing: &'i mut dyn Read = Box::leak(Box::new(io::empty()));
        Ok(std::mem::replace(&mut self.io.stdin, nothing))
    }

    /// All of standard input, once.
    pub(super) fn read_stdin(&mut self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        match self.open_stdin()?.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(error.to_string()),
        }
    }

    /// How far long work has come, for those who watch.
    pub(super) fn progress(&mut self, text: impl Display) {
        if self.io.stderr_is_terminal {
            let text = self.harmless(&text.to_string()).into_owned();
            self.write(&format!("\r{text}"));
            let _ = self.io.stderr.flush();
        }
    }

    /// Takes the last word on progress away.
    pub(super) fn progress_is_over(&mut self) {
        if self.io.stderr_is_terminal {
            self.write("\r\u{1b}[K");
        }
    }

    /// Something went wrong at a place: a file, or a document of one.
    pub(super) fn error(&mut self, place: impl Display, message: impl Display) {
        self.worst = FAILED;
        self.errors += 1;
        self.say("error", "\u{1b}[1;31m", format_args!("{place}: {message}"));
    }

    /// How many errors there were so far.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// The command goes on, but the result may not be what is wanted.
    pub(super) fn warn(&mut self, place: impl Display, message: impl Display) {
        self.say("warning", "\u{1b}[1;33m", format_args!("{place}: {message}"));
    }

    pub(super) fn note(&mut self, place: impl Display, message: impl Display) {
        self.say("note", "\u{1b}[1m", format_args!("{place}: {message}"));
    }

    /// A conflict or another finding.
    pub(super) fn found(&mut self, text: &str) {
        self.worst = self.worst.max(FOUND);
        let text = self.harmless(text).into_owned();
        self.write(&text);
    }

    fn say(&mut self, word: &str, color: &str, text: impl Display) {
        let text = self.harmless(&text.to_string()).into_owned();
        if self.color {
            self.write(&format!("{color}{word}:\u{1b}[0m {text}\n"));
        } else {
            self.write(&format!("{word}: {text}\n"));
        }
    }

    /// Text from files must not steer a terminal.
    fn harmless<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let steers = |character: char| character.is_control() && character != '\n';
        if self.io.stderr_is_terminal && text.contains(steers) {
            Cow::Owned(text.replace(steers, "\u{fffd}"))
        } else {
            Cow::Borrowed(text)
        }
    }

    fn write(&mut self, text: &str) {
        // Messages that nobody reads do not stop the work.
        let _ = self.io.stderr.write_all(text.as_bytes());
    }

    /// A result.
    pub(super) fn print(&mut self, text: &str) {
        if self.is_closed {
            return;
        }
        if let Err(error) = self.io.stdout.write_all(text.as_bytes()) {
            self.close(&error);
        }
    }

    fn close(&mut self, error: &io::Error) {
        self.is_closed = true;
        // A reader that has seen enough, such as `head`, is no failure.
        if error.kind() != ErrorKind::BrokenPipe {
            self.error("standard output", error);
        }
    }

    /// The exit code.
    pub(super) fn finish(mut self) -> i32 {
        if !self.is_closed
            && let Err(error) = self.io.stdout.flush()
        {
            self.close(&error);
        }
        let _ = self.io.stderr.flush();
        self.worst
    }
}
