//! Objects under the linter, where they are read.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::analysis::entries_of;
use crate::analysis::lint::{Facts, Finding, Gathered, Input, Linter};
use crate::cli::input;
use crate::cli::schemas::{self, Known};
use crate::cli::secrets::{self, MASK};
use crate::cli::session::Session;
use crate::cli::stream::{self, Done, Glimpse, Looker};
use crate::fieldmanager::Location;
use crate::fieldpath::Path;
use crate::schema::{GroupVersionKind, Schema, Schemas, Type};

use super::found::{Found, Spot, Who};
use super::write::Writer;
use super::{As, LintArgs, fix};

/// What the types of kinds are looked up in, from any thread.
pub(super) struct Types<'k> {
    schemas: &'k Schemas,
    /// Schemas that name types and not kinds; these go first.
    named: Vec<Schema>,
}

impl<'k> Types<'k> {
    pub(super) fn of(known: &'k Known) -> Types<'k> {
        Types { schemas: known.schemas(), named: known.named().cloned().collect() }
    }

    fn find(&self, kind: &GroupVersionKind) -> Option<Type> {
        let named = self.named.iter().find_map(|schema| schemas::type_of(schema, kind));
        named.or_else(|| self.schemas.find(kind))
    }
}

/// What was seen of an object.
pub(super) struct Seen {
    /// Where in its file it is, from 1.
    pub(super) document: usize,
    pub(super) item: Option<usize>,
    place: String,
    pub(super) found: Vec<Found>,
    pub(super) facts: Option<(Facts, Whole)>,
    /// The kind, if no schema has it.
    untyped: Option<GroupVersionKind>,
    errors: Vec<String>,
}

/// Where an object, or what matters of it, is, and which it is.
#[derive(Clone)]
pub(super) struct Whole {
    pub(super) spot: Spot,
    who: Arc<Who>,
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spot.fmt(f)
    }
}

pub(super) struct Lint<'l> {
    pub(super) args: &'l LintArgs,
    pub(super) linter: Linter<'l>,
    pub(super) types: Types<'l>,
}

impl Lint<'_> {
    pub(super) fn run(&self, writer: &mut Writer, session: &mut Session<'_, '_>) {
        let look = |glimpse: &Glimpse<'_>| Some(self.look(glimpse));
        let done = |done: Done<'_, Seen>| {
            if self.args.fix {
                fix::file(done);
            }
        };
        let looker = Looker { look: &look, done: &done };
        let mut gathered: Gathered<Whole> = Gathered::default();
        let mut missing = BTreeSet::new();
        stream::run(&self.args.common, session, &looker, &mut |seen: Seen, session| {
            writer.object();
            for error in &seen.errors {
                session.error(&seen.place, error);
            }
            if let Some(kind) = seen.untyped {
                self.tell_untyped(kind, &seen.place, &mut missing, session);
            }
            for found in seen.found {
                writer.found(found, session);
            }
            if let Some((facts, whole)) = seen.facts {
                gathered.add(facts, whole);
            }
        });
        for (Whole { spot, who }, finding) in gathered.finish() {
            let message = finding.message().to_owned();
            writer.found(Found::new(&finding, spot, who, message), session);
        }
    }

    fn tell_untyped(
        &self,
        kind: GroupVersionKind,
        place: &str,
        missing: &mut BTreeSet<GroupVersionKind>,
        session: &mut Session<'_, '_>,
    ) {
        if self.args.common.types.strict_schema {
            return session.error(place, format_args!("there is no schema for {kind}"));
        }
        if missing.contains(&kind) {
            return;
        }
        session.warn(
            place,
            format_args!(
                "there is no schema for {kind}: rules that need one say nothing of its objects"
            ),
        );
        missing.insert(kind);
    }

    fn look(&self, glimpse: &Glimpse<'_>) -> Seen {
        let mut seen = Seen {
            document: glimpse.document,
            item: glimpse.item,
            place: glimpse.place(),
            found: Vec::new(),
            facts: None,
            untyped: None,
            errors: Vec::new(),
        };
        if let Some(message) = input::problem_with_type(glimpse.value) {
            seen.errors.push(message);
            return seen;
        }
        let kind = &glimpse.identity.kind;
        let ty = self.types.find(kind);
        seen.untyped = ty.is_none().then(|| kind.clone());
        let input = match self.args.objects {
            As::Auto => Input::of(glimpse.value),
            As::Manifest => Input::Manifest,
            As::Live => Input::Live,
        };
        if input == Input::Live
            && let Err(error) = entries_of(glimpse.value)
        {
            seen.errors.push(error.to_string());
        }
        let who = Arc::new(Who::of(&glimpse.identity));
        let places = Places::of(glimpse);
        let findings = self.linter.check(glimpse.value, input, ty.as_ref());
        let paths = findings.iter().map(Finding::path);
        for (finding, spot) in findings.iter().zip(places.all(glimpse, paths)) {
            let message = self.message(glimpse, finding);
            seen.found.push(Found::new(finding, spot, who.clone(), message));
        }
        if glimpse.is_odd
            && let Some(source) = glimpse.document_source()
        {
            let who = if glimpse.is_in_list() { Arc::new(Who::list()) } else { who.clone() };
            for (finding, location) in self.linter.check_text(&source) {
                let spot = places.spot(glimpse, &location);
                let message = finding.message().to_owned();
                seen.found.push(Found::new(&finding, spot, who.clone(), message));
            }
        }
        seen.found.sort_by_key(|found| (found.line, found.rule.id()));
        let namespace = self.args.common.namespace.as_deref().unwrap_or_default();
        if let Some(facts) = self.linter.facts(glimpse.value, input, namespace) {
            let spot = match facts.path() {
                Some(path) => places.all(glimpse, [&path].into_iter()).pop(),
                None => None,
            };
            let spot = spot.unwrap_or_else(|| places.start.clone());
            seen.facts = Some((facts, Whole { spot, who }));
        }
        seen
    }

    /// The message, without what must not be shown.
    fn message(&self, glimpse: &Glimpse<'_>, finding: &Finding) -> String {
        let is_hidden = finding.quotes_a_value()
            && !self.args.show_secrets
            && glimpse.identity.is_secret()
            && secrets::is_hidden(&glimpse.identity, &finding.path().to_string());
        match is_hidden {
            true => format!("what is there is not shown ({MASK}): see --show-secrets"),
            false => finding.message().to_owned(),
        }
    }
}

/// Where the fields of an object are.
struct Places {
    start: Spot,
}

impl Places {
    fn of(glimpse: &Glimpse<'_>) -> Places {
        let file = glimpse.file.into();
        Places { start: Spot { file, line: glimpse.line, column: None } }
    }

    fn spot(&self, glimpse: &Glimpse<'_>, location: &Location) -> Spot {
        let column = glimpse.has_columns().then(|| location.column());
        let line = glimpse.lines_before() + location.line();
        Spot { file: self.start.file.clone(), line, column }
    }

    /// The places of fields, or of what is around them.
    fn all<'p>(&self, glimpse: &Glimpse<'_>, paths: impl Iterator<Item = &'p Path>) -> Vec<Spot> {
        let mut paths = paths.peekable();
        if paths.peek().is_none() {
            return Vec::new();
        }
        let source = glimpse.source();
        let locator = source.as_ref().and_then(|source| source.locator());
        let spot = |path: &Path| match &locator {
            Some(locator) => self.spot(glimpse, &locator.around(path)),
            None => self.start.clone(),
        };
        paths.map(spot).collect()
    }
}
