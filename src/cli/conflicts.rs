//! `conflicts`: which sources will fight over which fields.

mod findings;
mod gather;
mod html;
mod lines;
mod sarif;
mod write;

use clap::ValueEnum;

use crate::analysis::{ConflictFinder, Contest, Profile, Want};
use crate::fieldmanager::check_manager_name;
use crate::value::Value;
use crate::yaml;

use super::cores::on_all_cores;
use super::input;
use super::schemas::Known;
use super::session::Session;
use super::{Common, ResetFields};

use findings::Report;
use gather::{Contested, Gathered};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConflictsArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// A source: who applies it, and the file or directory that it is in, or - for standard input
    /// (repeatable)
    #[arg(long, value_name = "MANAGER=FILE", required = true, value_parser = From::parse)]
    from: Vec<From>,
    /// Files or directories with live objects, or - for standard input (repeatable)
    #[arg(long, value_name = "FILE")]
    live: Vec<String>,
    /// Files with profiles of controllers, besides those that are known (repeatable)
    #[arg(long, value_name = "FILE")]
    profile: Vec<String>,
    /// Do not reckon with the controllers that are known
    #[arg(long)]
    no_profiles: bool,
    /// Which fields the endpoint resets, so that no applier comes to own them
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = ResetFields::Server)]
    reset_fields: ResetFields,
    /// List the fields that all agree upon as well
    #[arg(long)]
    show_agreed: bool,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Form::Table)]
    output: Form,
    /// Show the values of Secrets
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One claim a line
    Table,
    /// All findings with their claims
    Json,
    /// A comment for a pull request
    Markdown,
    /// The format of static analysis tools, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// A page to look at in a browser, managers against managers
    Html,
}

/// A source as it is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct From {
    manager: String,
    path: String,
}

impl ConflictsArgs {
    /// Whether fields that all agree upon are written.
    fn tells_agreed(&self) -> bool {
        self.show_agreed || matches!(self.output, Form::Json | Form::Html)
    }
}

impl From {
    fn parse(text: &str) -> Result<From, String> {
        let (manager, path) = text.split_once('=').ok_or(
            "expected the manager who applies, = and a file or directory, such as flux=clusters/a",
        )?;
        if manager.is_empty() {
            return Err("the manager has no name".to_owned());
        }
        if path.is_empty() {
            return Err("expected a file, a directory or - behind =".to_owned());
        }
        check_manager_name(manager).map_err(|error| error.to_string())?;
        Ok(From { manager: manager.to_owned(), path: path.to_owned() })
    }
}

pub(super) fn run(mut args: ConflictsArgs, session: &mut Session<'_, '_>) {
    if !args.common.filename.is_empty() {
        let message = "say who applies these files: --from MANAGER=FILE, or --live FILE";
        return session.error("-f", message);
    }
    let Some(mut known) = Known::load(&args.common, session) else { return };
    let Some(profiles) = profiles(&args, session) else { return };
    // What comes out does not depend on the order in which sources are named.
    args.from.sort();
    let gathered = Gathered::read(&args, &profiles, &mut known, session);
    let contests = contests(&known, args.reset_fields, &gathered.contested, &profiles, session);
    let report = Report::new(&args, &gathered, &profiles, contests, session);
    let text = match args.output {
        Form::Table => write::table(&report, args.show_agreed),
        Form::Json => report.json(),
        Form::Markdown => write::markdown(&report, args.show_agreed),
        Form::Sarif => sarif::write(&report),
        Form::Github => write::github(&report),
        Form::Html => html::write(&report),
    };
    session.print(&text);
    if report.has_fights() {
        session.found("");
    }
}

/// The profiles that are known, and those of files. None, and reported, if one cannot be read.
fn profiles(args: &ConflictsArgs, session: &mut Session<'_, '_>) -> Option<Vec<Profile>> {
    let mut profiles = Vec::new();
    let mut is_complete = true;
    let mut add = |place: &str, text: &str, session: &mut Session<'_, '_>| {
        let read = yaml::to_json(text)
            .map_err(|error| error.to_string())
            .and_then(|json| Value::from_json(&json).map_err(|error| error.to_string()))
            .and_then(|list| Profile::read_all(&list).map_err(|error| error.to_string()));
        match read {
            Ok(read) => profiles.extend(read),
            Err(message) => {
                is_complete = false;
                session.error(place, message);
            }
        }
    };
    if !args.no_profiles {
        add("the known profiles", include_str!("../analysis/profiles.yaml"), session);
    }
    for name in &args.profile {
        for (file, content) in input::read(name, args.common.recursive, session) {
            add(&file, &String::from_utf8_lossy(&content), session);
        }
    }
    is_complete.then_some(profiles)
}

/// All that has a say in an object.
struct Case<'c> {
    finder: ConflictFinder<'c>,
    live: Option<&'c Value>,
    wants: Vec<Want<'c>>,
    profiles: Vec<&'c Profile>,
}

impl<'c> Case<'c> {
    fn of(
        object: &'c Contested,
        profiles: &'c [Profile],
        known: &'c Known,
        which: super::ResetFields,
    ) -> Case<'c> {
        let written = object.wants.first().map(|want| &want.object).or(object.live.as_ref());
        let resets = written.map(|object| known.reset_fields(which, &object.identity.kind));
        let want =
            |want: &'c gather::Want| Want { manager: &want.manager, config: &want.object.value };
        Case {
            finder: ConflictFinder::new(known.schemas()).reset_fields(resets.unwrap_or_default()),
            live: object.live.as_ref().map(|live| &live.value),
            wants: object.wants.iter().map(want).collect(),
            profiles: object.profiles.iter().filter_map(|index| profiles.get(*index)).collect(),
        }
    }
}

/// What comes of every object.
fn contests(
    known: &Known,
    which: super::ResetFields,
    contested: &[Contested],
    profiles: &[Profile],
    session: &mut Session<'_, '_>,
) -> Vec<Contest> {
    let case = |object| Case::of(object, profiles, known, which);
    let cases: Vec<Case<'_>> = contested.iter().map(case).collect();
    let find = |case: &Case<'_>| case.finder.find(case.live, &case.wants, &case.profiles);
    on_all_cores(&cases, "objects", &find, session)
}
