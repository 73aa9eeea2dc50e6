//! The `managed-fields` program; everything it does is in `managed_fields::cli`.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::todo,
    clippy::unimplemented
)]

use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;

use managed_fields::cli::{Io, run_from};

fn main() -> ExitCode {
    let stdout = io::stdout();
    let stderr = io::stderr();
    let mut io = Io {
        stdin: &mut io::stdin().lock(),
        stdout_is_terminal: stdout.is_terminal(),
        stderr_is_terminal: stderr.is_terminal(),
        stdout: &mut BufWriter::new(stdout.lock()),
        stderr: &mut stderr.lock(),
        no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        now: jiff::Timestamp::now(),
    };
    let code = run_from(std::env::args_os(), &mut io);
    ExitCode::from(u8::try_from(code).unwrap_or(2))
}
