//! What was found, ready to be written.

use std::collections::HashMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::analysis::{Claimant, Class, Contest, Finding, Profile, Severity};
use crate::cli::input::Object;
use crate::cli::report::{self, Who};
use crate::cli::secrets::{self, MASK};
use crate::cli::session::Session;
use crate::cli::{edit, output};
use crate::fieldmanager::Location;
use crate::managedfields::{ManagedFieldsEntry, Operation};

use super::ConflictsArgs;
use super::gather::{Contested, Gathered, Want};
use super::lines;

/// The version of the JSON shape, which `docs/json.md` describes.
const SCHEMA_VERSION: &str = "managed-fields.conflicts/v1";

/// All findings.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    schema_version: &'static str,
    pub(super) findings: Vec<Found>,
    pub(super) summary: Summary,
}

/// A field that several want.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) object: Who,
    pub(super) path: String,
    #[serde(serialize_with = "word_of_class")]
    pub(super) class: Class,
    #[serde(serialize_with = "word_of_severity")]
    pub(super) severity: Severity,
    pub(super) claims: Vec<Claim>,
}

/// What somebody wants.
#[derive(Serialize)]
pub(super) struct Claim {
    pub(super) manager: String,
    pub(super) source: Origin,
    pub(super) operation: &'static str,
    pub(super) subresource: String,
    pub(super) file: Option<String>,
    pub(super) line: Option<usize>,
    #[serde(skip)]
    pub(super) column: Option<usize>,
    /// As it is spelled.
    pub(super) value: Option<Box<RawValue>>,
}

/// Where a claim comes from.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    File,
    Live,
    Profile,
}

/// How much there was of everything.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// In the sources.
    pub(super) objects: usize,
    /// Of these those that more than one has a say in.
    pub(super) contested: usize,
    pub(super) agree: usize,
    pub(super) order_dependent: usize,
    pub(super) would_prune: usize,
    pub(super) conflict: usize,
    pub(super) atomic_overlap: usize,
}

fn word_of_class<S: Serializer>(class: &Class, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(class.as_str())
}

fn word_of_severity<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(severity.as_str())
}

impl Claim {
    /// The value in one short line.
    pub(super) fn short_value(&self) -> String {
        self.value.as_ref().map(|value| report::shortened(value.get())).unwrap_or_default()
    }

    /// Where it says so: a file with its line, or what else it is.
    pub(super) fn place(&self) -> String {
        match (self.source, &self.file, self.line) {
            (Origin::File, Some(file), Some(line)) => format!("{file}:{line}"),
            (Origin::File, Some(file), None) => file.clone(),
            (Origin::Profile, ..) => format!("profile, {}", self.way()),
            _ => format!("live, {}", self.way()),
        }
    }

    /// `Update/scale`.
    pub(super) fn way(&self) -> String {
        match self.subresource.as_str() {
            "" => self.operation.to_owned(),
            subresource => format!("{}/{subresource}", self.operation),
        }
    }
}

impl Found {
    pub(super) fn is_fight(&self) -> bool {
        self.class != Class::Agree
    }

    /// The finding in a sentence.
    pub(super) fn message(&self) -> String {
        let mut claims: Vec<String> = Vec::new();
        for claim in &self.claims {
            let value = match claim.short_value() {
                value if value.is_empty() => String::new(),
                value => format!(" wants {value}"),
            };
            claims.push(format!("{}{value} ({})", claim.manager, claim.place()));
        }
        let Found { object, path, class, .. } = self;
        format!("{object} {path}: {}: {}", explanation(*class), claims.join("; "))
    }
}

/// What a class means.
pub(super) fn explanation(class: Class) -> &'static str {
    match class {
        Class::Agree => "all want the same value and own it together",
        Class::OrderDependent => "what comes out depends on who goes first",
        Class::WouldPrune => "the apply of one removes what another has",
        Class::Conflict => "whoever applies later is refused",
        Class::AtomicOverlap => {
            "whoever applies later is refused: the schema has this list or map owned as a whole"
        }
    }
}

impl Report {
    pub(super) fn new(
        args: &ConflictsArgs,
        gathered: &Gathered,
        profiles: &[Profile],
        contests: Vec<Contest>,
        session: &mut Session<'_, '_>,
    ) -> Report {
        let lines = lines::of_claims(args, &gathered.contested, &contests, session);
        let mut findings = Vec::new();
        for (at, (object, contest)) in gathered.contested.iter().zip(&contests).enumerate() {
            for (index, error) in contest.refused() {
                if let Some(want) = object.wants.get(*index) {
                    let message = format_args!("cannot be compared with the others: {error}");
                    session.error(&want.object.place, message);
                }
            }
            let shows_secrets = args.show_secrets;
            let writer = Writer { object, contest, profiles, at, lines: &lines, shows_secrets };
            let found = contest.findings().iter().enumerate();
            findings.extend(found.map(|(number, finding)| writer.found(number, finding)));
        }
        let count = |class: Class| findings.iter().filter(|found| found.class == class).count();
        let summary = Summary {
            objects: gathered.objects,
            contested: gathered.contested.len(),
            agree: count(Class::Agree),
            order_dependent: count(Class::OrderDependent),
            would_prune: count(Class::WouldPrune),
            conflict: count(Class::Conflict),
            atomic_overlap: count(Class::AtomicOverlap),
        };
        Report { schema_version: SCHEMA_VERSION, findings, summary }
    }

    pub(super) fn has_fights(&self) -> bool {
        self.findings.iter().any(Found::is_fight)
    }

    pub(super) fn fights(&self) -> impl Iterator<Item = &Found> {
        self.findings.iter().filter(|found| found.is_fight())
    }

    pub(super) fn json(&self) -> String {
        // Nothing in it fails to be written.
        serde_json::to_string(self).map(|json| output::pretty(&json)).unwrap_or_default()
    }
}

impl Summary {
    /// How many of each class but those that agree, the worst first.
    pub(super) fn fights(&self) -> [(Class, usize); 4] {
        [
            (Class::AtomicOverlap, self.atomic_overlap),
            (Class::Conflict, self.conflict),
            (Class::WouldPrune, self.would_prune),
            (Class::OrderDependent, self.order_dependent),
        ]
    }
}

/// `2 objects in the sources, 1 of them contested: 1 conflict, 3 agree`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { objects, contested, agree, .. } = self;
        let plural = if *objects == 1 { "" } else { "s" };
        write!(f, "{objects} object{plural} in the sources, {contested} contested: ")?;
        for (class, count) in self.fights().into_iter().filter(|(_, count)| *count > 0) {
            write!(f, "{count} {class}, ")?;
        }
        write!(f, "{agree} agree")
    }
}

/// Writes what was found of one object.
struct Writer<'w> {
    object: &'w Contested,
    contest: &'w Contest,
    profiles: &'w [Profile],
    /// The place of the object among all.
    at: usize,
    lines: &'w HashMap<lines::Key, Location>,
    shows_secrets: bool,
}

impl Writer<'_> {
    fn found(&self, number: usize, finding: &Finding) -> Found {
        let class = finding.class();
        let identity = self.object.wants.first().map(|want| Who::of(&want.object.identity));
        let object = identity.unwrap_or_default();
        let path = finding.path().to_string();
        let holds_secret = |want: &Want| secrets::is_hidden(&want.object.identity, &path);
        let is_hidden = !self.shows_secrets && self.object.wants.iter().any(holds_secret);
        let claims = finding.claims().iter().filter_map(|(claimant, value)| {
            let raw = |json: String| RawValue::from_string(json).ok();
            let value = value.as_ref().and_then(|value| match is_hidden {
                true => raw(edit::quoted(MASK)),
                false => raw(value.to_json()),
            });
            let claim = match claimant {
                Claimant::Source(index) => self.of_source(number, *index)?,
                Claimant::Live(index) => {
                    of_live(self.contest.entries().get(*index)?, self.object.live.as_ref())
                }
                Claimant::Profile(index) => {
                    of_profile(self.profiles.get(*self.object.profiles.get(*index)?)?)
                }
            };
            Some(Claim { value, ..claim })
        });
        let claims = claims.collect();
        Found { object, path, class, severity: class.severity(), claims }
    }

    fn of_source(&self, number: usize, index: usize) -> Option<Claim> {
        let Want { manager, object } = self.object.wants.get(index)?;
        let location = self.lines.get(&(self.at, number, index));
        Some(Claim {
            manager: manager.clone(),
            source: Origin::File,
            operation: Operation::Apply.as_str(),
            subresource: String::new(),
            file: Some(object.place.file().to_owned()),
            line: location.map(Location::line),
            column: location.map(Location::column),
            value: None,
        })
    }
}

fn of_live(entry: &ManagedFieldsEntry, live: Option<&Object>) -> Claim {
    Claim {
        manager: entry.manager.name().to_owned(),
        source: Origin::Live,
        operation: entry.manager.operation().as_str(),
        subresource: entry.manager.subresource().to_owned(),
        file: live.map(|live| live.place.file().to_owned()),
        line: None,
        column: None,
        value: None,
    }
}

fn of_profile(profile: &Profile) -> Claim {
    Claim {
        manager: profile.manager().to_owned(),
        source: Origin::Profile,
        operation: profile.operation().as_str(),
        subresource: profile.subresource().to_owned(),
        file: None,
        line: None,
        column: None,
        value: None,
    }
}
