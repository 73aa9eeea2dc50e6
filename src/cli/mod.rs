//! The command line, as a library: every command is a function from arguments and streams to an
//! exit code, so that all of it can be tested without a process.
//!
//! Exit codes are those of `kubectl diff`: 0 for nothing found or done, 1 for a finding such as a
//! conflict, 2 for an error. Of several documents the highest counts.

mod apply;
mod blame;
mod conflicts;
mod cores;
mod diff;
mod dump;
mod edit;
mod explain;
mod extract;
mod fields;
mod github;
mod handover;
mod input;
mod layout;
mod lint;
mod locate;
mod manual;
mod migrate_version;
mod output;
mod pairs;
mod patch;
mod plan;
mod replace;
mod report;
mod resolve;
mod sarif;
mod scale;
mod schema;
mod schemas;
mod secrets;
mod session;
mod size;
mod stream;
mod update;
mod would_change;

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::schema::KubernetesVersion;

use session::Session;

/// The world of a command: its streams, its clock and what it writes to.
pub struct Io<'i> {
    /// Where `-` reads from.
    pub stdin: &'i mut dyn Read,
    /// Results.
    pub stdout: &'i mut dyn Write,
    /// Errors, warnings, conflicts and advice.
    pub stderr: &'i mut dyn Write,
    /// Whether results go to a terminal; objects then hide the values of Secrets.
    pub stdout_is_terminal: bool,
    /// Whether messages go to a terminal; they may be coloured then.
    pub stderr_is_terminal: bool,
    /// Whether the environment asks for no colours (`NO_COLOR`).
    pub no_color: bool,
    /// The clock; `--now` replaces it.
    pub now: Timestamp,
}

/// Kubernetes Server-Side Apply field ownership, offline.
///
/// Works on files and pipes alone: no cluster, no network, no kubeconfig. Live objects come from
/// `kubectl get ... -o yaml --show-managed-fields`.
#[derive(Debug, Clone, Parser)]
#[command(name = "managed-fields", version, max_term_width = 100, propagate_version = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Server-side apply, offline: print the object that would result, or the conflicts
    Apply(apply::ApplyArgs),
    /// What creating or replacing an object does to the ownership of its fields
    Update(update::UpdateArgs),
    /// What a merge patch or a JSON patch does to an object and to the ownership of its fields
    Patch(patch::PatchArgs),
    /// Print objects with the owners of every line
    #[command(after_help = BLAME_HELP)]
    Blame(blame::BlameArgs),
    /// Find out which sources will fight over which fields
    #[command(
        mut_arg("filename", |filename| filename.required(false).hide(true)),
        after_help = CONFLICTS_HELP
    )]
    Conflicts(conflicts::ConflictsArgs),
    /// Tell who owns a field, what the schema says of it, and what would happen to it
    #[command(after_help = EXPLAIN_HELP)]
    Explain(explain::ExplainArgs),
    /// List the fields that the managers of an object own
    Fields(fields::FieldsArgs),
    /// Print the apply configuration that a manager owns of an object
    Extract(extract::ExtractArgs),
    /// What has become of the ownership of fields between two snapshots or dumps
    #[command(after_help = DIFF_HELP)]
    Diff(diff::DiffArgs),
    /// Tell whether an apply would change values, ownership, both or nothing, and why
    #[command(after_help = WOULD_CHANGE_HELP)]
    WouldChange(would_change::WouldChangeArgs),
    /// Edit configurations to end their conflicts, or list what force would take
    #[command(
        mut_arg("subresource", |subresource| subresource
            .help("The subresource that is written to, other than scale")),
        mut_arg("replicas_path", |path| path.hide(true)),
        mut_arg("live", |live| live.required(true)),
        after_help = RESOLVE_HELP
    )]
    Resolve(resolve::ResolveArgs),
    /// See what a change of ownership would move, and get the patch for it
    Plan(plan::PlanArgs),
    /// Count the bytes of managedFields by manager, or print objects with fewer of them
    #[command(after_help = SIZE_HELP)]
    Size(size::SizeArgs),
    /// Hold manifests, live objects and definitions to rules of field ownership
    #[command(
        mut_arg("filename", |filename| {
            filename.required(false).required_unless_present_any(["rules", "explain"])
        }),
        after_help = LINT_HELP
    )]
    Lint(lint::LintArgs),
    /// See what is known of kinds, and what a change of schemas does
    Schema(schema::SchemaArgs),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program or of one of its commands, for man
    Man {
        /// The words of the command, such as plan adopt
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
}

impl Command {
    /// What all commands that read files take.
    fn common(&self) -> Option<&Common> {
        Some(match self {
            Command::Apply(args) => &args.common,
            Command::Update(args) => &args.common,
            Command::Patch(args) => &args.common,
            Command::Blame(args) => &args.common,
            Command::Conflicts(args) => &args.common,
            Command::Explain(args) => &args.common,
            Command::Fields(args) => &args.common,
            Command::Extract(args) => &args.common,
            Command::Diff(args) => &args.common,
            Command::WouldChange(args) => &args.common,
            Command::Resolve(args) => &args.common,
            Command::Plan(args) => args.common(),
            Command::Size(args) => &args.common,
            Command::Lint(args) => &args.common,
            Command::Schema(_) | Command::Completions { .. } | Command::Man { .. } => return None,
        })
    }
}

const BLAME_HELP: &str = "\
Examples:
  kubectl get deployment web -o yaml --show-managed-fields | managed-fields blame -f -
  managed-fields blame -f live.yaml --path .spec.template --field-manager flux -o table
  managed-fields blame -f cluster.json --summary";

const CONFLICTS_HELP: &str = "\
Classes, from the harmless to the worst:
  agree            all want the same value and own it together
  order-dependent  what comes out depends on who goes first
  would-prune      the apply of one removes what another has
  conflict         whoever applies later is refused
  atomic-overlap   the same over a list or a map that the schema has owned as a whole

Examples:
  managed-fields conflicts -R --from platform=clusters/a --from team=apps/web
  managed-fields conflicts --from flux=deploy.yaml --live live.json -o markdown

Exit codes: 0 if all agree, 1 if anything else was found, 2 if something could not be read.";

const DIFF_HELP: &str = "\
What becomes of a field:
  gained  somebody owns what nobody owned
  lost    somebody gave it up, and nobody came instead
  moved   somebody gave it up, and somebody else came
  shared  all who owned it own it still, together with somebody else

Objects are paired by group, kind, namespace and name; those of one side alone are added or removed.
Dumps in JSON are read piece by piece; of one that comes through a pipe the owners are held in memory.

Examples:
  kubectl get all -A -o json --show-managed-fields > before.json
  kubectl get all -A -o json --show-managed-fields | managed-fields diff -f before.json -f -

Exit codes: 0 if all own what they owned, 1 if not, 2 if something could not be read.";

const SIZE_HELP: &str = "\
What --compact takes away, because the API server does so at its next write or never looks at it:
  entries of a manager that comes again; of several the last counts
  entries that own nothing, beside one at the same version that does
  needless bytes in fields, such as {\".\":{}} where nothing is below, or spaces in keys of items

What stays, though it may look like too much, because later writes would go otherwise without it:
  fields that the object does not have any more: they are fought over when they come back
  managers who were not seen for long: only you know that they are gone, see plan purge
  updaters beyond ten: the server folds the oldest of them at the next update
  the last entry: without any, all fields would count as owned by before-first-apply

To send a patch:
  kubectl patch KIND NAME --type json -p \"$(managed-fields size --compact -f live.yaml -o patch)\"

Exit codes: 0, or 2 if something could not be read.";

const WOULD_CHANGE_HELP: &str = "\
Times of entries alone are no change: the server does not write an object for them. Nor is what it \
would not store: an amount or a time in other words, an empty list or map where nothing was, what \
the endpoint sets back. That is listed as `not stored`. Through --subresource scale the changes are
those of the object that is scaled. Of --live only the objects are held that something is applied to.

Examples:
  managed-fields would-change -f deploy.yaml --live live.yaml --field-manager flux
  managed-fields would-change -R -f clusters/a --live cluster.json --field-manager flux -o json

Exit code: 0 where nothing would change, 1 where something would or the apply would be refused \
because of a conflict, 2 or more for an error.";

const RESOLVE_HELP: &str = "\
Prints the files as they are, comments and order included, but for what has to change so that an \
apply without force succeeds, which was tried. What was edited is told on standard error.

A field that is given up takes along the maps and lists that hold nothing else. An item of a list \
stays while its keys are stated. A list or map that is owned as a whole is given up or shared as a \
whole.

Examples:
  managed-fields resolve --strategy give-up -f web.yaml --live live.yaml --field-manager ci > new.yaml
  managed-fields resolve --strategy share --write -R -f manifests --live cluster.json --field-manager ci
  managed-fields resolve --strategy force -f web.yaml --live live.yaml --field-manager ci

Exit code: 0 where there is no conflict, 1 where there was one and it was ended or listed, 2 or more \
for an error. A document that cannot be edited stays as it is.";

const LINT_HELP: &str = "\
Examples:
  managed-fields lint -R -f clusters
  kubectl get deployments -A -o json --show-managed-fields | managed-fields lint -f -
  kustomize build overlays/prod | managed-fields lint -f -
  managed-fields lint -f crds -o sarif
  managed-fields lint -R -f clusters --rule MF005 --fix
  managed-fields lint --explain MF011

Every object is looked at as what it is: one with a uid as live, a CustomResourceDefinition also by its
schemas. Of directories, what kustomize and Helm only read is left out. Custom resources are held to their
definitions if --schema names these.

Exit codes: 0 if nothing of at least --severity was found, 1 if something was, 2 if something could not
be read or fixed.";

const EXPLAIN_HELP: &str = "\
Examples:
  managed-fields explain -f live.yaml .spec.replicas
  managed-fields explain -f live.yaml '.spec.containers[name=\"app\"].image' --as team-a
  managed-fields explain -f live.yaml '.metadata.annotations[\"example.com/a\"]'";

/// What all commands take.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// Files or directories to read, or - for standard input (repeatable)
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true)]
    filename: Vec<String>,
    /// Read directories with all directories below them
    #[arg(short = 'R', long)]
    recursive: bool,
    /// The namespace of objects that name none
    #[arg(short = 'n', long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    #[command(flatten)]
    types: Types,
    /// The time of the write, in RFC 3339, instead of the clock's
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    now: Option<Timestamp>,
    /// Whether messages and reports are coloured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    color: Color,
}

/// Where the types of kinds come from.
#[derive(Debug, Clone, Default, clap::Args)]
struct Types {
    /// Files or directories with schemas: OpenAPI, CustomResourceDefinitions or merge schemas
    /// (repeatable); the kinds of Kubernetes need none
    #[arg(long, value_name = "FILE")]
    schema: Vec<String>,
    /// Whose kinds are known without a schema: those of this minor version of Kubernetes
    #[arg(long, value_name = "VERSION", default_value_t)]
    kubernetes_version: KubernetesVersion,
    /// Make a kind without a schema an error
    #[arg(long)]
    strict_schema: bool,
}

/// Which objects a document is written to, and through which endpoint.
#[derive(Debug, Clone, clap::Args)]
struct Target {
    /// Files or directories with the live objects, or - for standard input (repeatable)
    #[arg(long, value_name = "FILE")]
    live: Vec<String>,
    /// The subresource that is written to. With "scale" the configuration is a Scale
    /// (autoscaling/v1), --live has the objects to scale, and the result is the object with its new
    /// replicas and owners, since that is what is stored
    #[arg(long, value_name = "NAME")]
    subresource: Option<String>,
    /// Which fields the endpoint resets: nobody comes to own them, and they keep the values of the
    /// live object
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = ResetFields::Server)]
    reset_fields: ResetFields,
    /// Where custom resources have their replicas, such as .spec.replicas (the specReplicasPath of
    /// their definition), for --subresource scale
    #[arg(long, value_name = "PATH", value_parser = parse_replicas_path)]
    replicas_path: Option<String>,
}

impl Target {
    /// The subresource; empty for the object itself.
    fn subresource(&self) -> &str {
        self.subresource.as_deref().unwrap_or_default()
    }
}

/// What commands take whose result is an object.
#[derive(Debug, Clone, clap::Args)]
struct Objects {
    #[command(flatten)]
    target: Target,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Format::Yaml)]
    output: Format,
    /// Keep metadata.managedFields in the result
    #[arg(long)]
    show_managed_fields: bool,
    /// Show the values of Secrets on a terminal and in messages
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Which fields an endpoint resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ResetFields {
    /// Those that the API server resets in Kubernetes' own kinds, such as the status in a write to
    /// the object itself
    Server,
    /// None: every field can be written and owned
    None,
}

fn parse_replicas_path(text: &str) -> Result<String, String> {
    let names = text.strip_prefix('.').unwrap_or(text);
    if names.split('.').any(str::is_empty) {
        return Err("expected names of fields between dots, such as .spec.replicas".to_owned());
    }
    Ok(text.to_owned())
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error: jiff::Error| error.to_string())
}

/// Runs a command whose arguments are parsed already and returns its exit code.
pub fn run(args: Args, io: &mut Io<'_>) -> i32 {
    let common = args.command.common();
    let color = match &args.command {
        Command::Schema(args) => args.color(),
        _ => common.map_or(Color::Auto, |common| common.color),
    };
    let now = common.and_then(|common| common.now).unwrap_or(io.now);
    let mut session = Session::new(io, color, now.into());
    match args.command {
        Command::Apply(args) => apply::run(args, &mut session),
        Command::Update(args) => update::run(args, &mut session),
        Command::Patch(args) => patch::run(args, &mut session),
        Command::Blame(args) => blame::run(args, &mut session),
        Command::Conflicts(args) => conflicts::run(args, &mut session),
        Command::Explain(args) => explain::run(args, &mut session),
        Command::Fields(args) => fields::run(args, &mut session),
        Command::Extract(args) => extract::run(args, &mut session),
        Command::Diff(args) => diff::run(args, &mut session),
        Command::WouldChange(args) => would_change::run(args, &mut session),
        Command::Resolve(args) => resolve::run(args, &mut session),
        Command::Plan(args) => plan::run(args, &mut session),
        Command::Size(args) => size::run(args, &mut session),
        Command::Lint(args) => lint::run(args, &mut session),
        Command::Schema(args) => schema::run(args, &mut session),
        Command::Completions { shell } => manual::completions(shell, &mut session),
        Command::Man { command } => manual::page(&command, &mut session),
    }
    session.finish()
}

/// Parses a command line, the program's name first, and runs it.
///
/// Under the name `kubectl-managed_fields` the program speaks of itself as
/// `kubectl managed-fields`.
///
/// ```
/// use managed_fields::cli::{Io, run_from};
/// let (mut out, mut err) = (Vec::new(), Vec::new());
/// let code = run_from(
///     ["managed-fields", "fields", "--config", "-f", "-"],
///     &mut Io {
///         stdin: &mut "{apiVersion: example.com/v1, kind: Lamp, spec: {lit: yes}}".as_bytes(),
///         stdout: &mut out,
///         stderr: &mut err,
///         stdout_is_terminal: false,
///         stderr_is_terminal: false,
///         no_color: true,
///         now: jiff::Timestamp::UNIX_EPOCH,
///     },
/// );
/// assert_eq!((code, String::from_utf8_lossy(&out).as_ref()), (0, ".spec\n.spec.lit\n"));
/// ```
pub fn run_from<I>(arguments: I, io: &mut Io<'_>) -> i32
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let mut command = Args::command();
    let program = arguments.first().map(Path::new).and_then(Path::file_stem);
    if program.is_some_and(|name| name == "kubectl-managed_fields") {
        command = command.bin_name("kubectl managed-fields");
    }
    let parsed = command
        .try_get_matches_from_mut(arguments)
        .and_then(|mut matches| Args::from_arg_matches_mut(&mut matches));
    match parsed {
        Ok(args) => run(args, io),
        Err(error) => {
            let text = error.render();
            // A closed stream leaves nothing to be done.
            let _ = if error.use_stderr() {
                write!(io.stderr, "{text}")
            } else {
                write!(io.stdout, "{text}")
            };
            error.exit_code()
        }
    }
}
