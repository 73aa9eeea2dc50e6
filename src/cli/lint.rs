//! `lint`: manifests, live objects and definitions held to rules of field ownership.

mod fix;
mod found;
mod look;
mod rules;
mod write;

use clap::ValueEnum;

use crate::analysis::Severity;
use crate::analysis::lint::{Linter, UnknownRule};

use super::Common;
use super::schemas::Known;
use super::session::Session;

use look::Types;
use write::Writer;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct LintArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Check only this rule, such as MF005 (repeatable)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    rule: Vec<String>,
    /// Leave this rule out (repeatable)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    ignore: Vec<String>,
    /// What objects are taken for
    #[arg(long = "as", value_name = "WHAT", value_enum, default_value_t = As::Auto)]
    objects: As,
    /// The least severity that makes the exit code 1; what is below it is told, too
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::Warning)]
    severity: Level,
    /// Entries of managedFields after which they are many
    #[arg(long, value_name = "COUNT", default_value_t = 15)]
    max_entries: usize,
    /// Bytes of managedFields after which they are large
    #[arg(long, value_name = "BYTES", default_value_t = 32 * 1024)]
    max_bytes: usize,
    /// Take out of the files what findings tell to take out, where that is safe; manifests in YAML only
    #[arg(long)]
    fix: bool,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Form::Text)]
    output: Form,
    /// Show the values of Secrets
    #[arg(long)]
    show_secrets: bool,
    /// List the rules and do nothing else
    #[arg(long, exclusive = true)]
    rules: bool,
    /// Tell what a rule is about, such as MF011, and do nothing else
    #[arg(long, value_name = "ID", exclusive = true)]
    explain: Option<String>,
}

/// What objects are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    /// Live if they have a uid, manifests if not
    Auto,
    /// To be applied
    Manifest,
    /// Stored
    Live,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Note,
    Warning,
    Error,
}

impl Level {
    fn severity(self) -> Severity {
        match self {
            Level::Note => Severity::Note,
            Level::Warning => Severity::Warning,
            Level::Error => Severity::Error,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One finding a line
    Text,
    /// All findings
    Json,
    /// The format of static analysis tools, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

pub(super) fn run(args: LintArgs, session: &mut Session<'_, '_>) {
    if args.rules {
        return session.print(&rules::table());
    }
    if let Some(id) = &args.explain {
        return match rules::explanation(id) {
            Ok(text) => session.print(&text),
            Err(error) => session.error("--explain", error),
        };
    }
    if args.fix && args.common.filename.iter().any(|name| name == "-") {
        return session.error("--fix", "standard input cannot be edited: name files with -f");
    }
    let Some(known) = Known::load_all(&args.common.types, args.common.recursive, session) else {
        return;
    };
    let linter = match linter(&args, &known) {
        Ok(linter) => linter,
        Err((option, error)) => return session.error(option, error),
    };
    let types = Types::of(&known);
    let mut writer = Writer::new(args.output);
    let lint = look::Lint { args: &args, linter, types };
    lint.run(&mut writer, session);
    if writer.finish(session) >= Some(args.severity.severity()) {
        session.found("");
    }
}

/// With the rules that were asked for.
fn linter<'k>(
    args: &LintArgs,
    known: &'k Known,
) -> Result<Linter<'k>, (&'static str, UnknownRule)> {
    let linter =
        Linter::new(known.schemas()).max_entries(args.max_entries).max_bytes(args.max_bytes);
    let chosen = match args.rule.as_slice() {
        [] => linter,
        some => linter.only(some).map_err(|error| ("--rule", error))?,
    };
    chosen.without(&args.ignore).map_err(|error| ("--ignore", error))
}
