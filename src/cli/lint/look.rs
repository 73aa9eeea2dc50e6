//! Objects under the linter, where they are read.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex};

use crate::analysis::lint::{Facts, Finding, Gathered, Input, Linter};
use crate::cli::input;
use crate::cli::report::Who;
use crate::cli::schemas::{self, Known};
use crate::cli::secrets;
use crate::cli::session::Session;
use crate::cli::stream::{self, Done, Glimpse, Looker, Spot};
use crate::fieldpath::{Path, PathElement};
use crate::schema::{GroupVersionKind, Schema, Schemas, Type};

use super::found::{Found, Whole};
use super::write::Writer;
use super::{As, LintArgs, fix};

/// What the types of kinds are looked up in, from any thread.
pub(super) struct Types<'k> {
    schemas: &'k Schemas,
    /// Schemas that name types and not kinds; these go first.
    named: Vec<Schema>,
    /// What was found in them.
    found: Mutex<HashMap<GroupVersionKind, Option<Type>>>,
}

impl<'k> Types<'k> {
    pub(super) fn of(known: &'k Known) -> Types<'k> {
        let named = known.named().cloned().collect();
        Types { schemas: known.schemas(), named, found: Mutex::default() }
    }

    fn find(&self, kind: &GroupVersionKind) -> Option<Type> {
        self.find_named(kind).or_else(|| self.schemas.find(kind))
    }

    fn find_named(&self, kind: &GroupVersionKind) -> Option<Type> {
        if self.named.is_empty() {
            return None;
        }
        let find = || self.named.iter().find_map(|schema| schemas::type_of(schema, kind));
        let Ok(mut found) = self.found.lock() else { return find() };
        found.entry(kind.clone()).or_insert_with(find).clone()
    }
}

/// What was seen of an object.
pub(super) struct Seen {
    /// Where in its file it is, from 1.
    pub(super) document: usize,
    pub(super) item: Option<usize>,
    place: String,
    pub(super) found: Vec<Found>,
    pub(super) facts: Option<(Facts, Spotted)>,
    /// The kind, if no schema has it.
    untyped: Option<GroupVersionKind>,
    /// It is stored, and was fetched without the entries.
    hides_owners: bool,
    errors: Vec<String>,
}

/// Where an object is, and what matters of it.
#[derive(Clone)]
pub(super) struct Spotted {
    whole: Whole,
    pub(super) spot: Spot,
    /// Of the field that a finding may be about.
    pub(super) field: Option<Spot>,
}

/// `app/web.yaml:3`.
impl fmt::Display for Spotted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.whole.file, self.spot.line)
    }
}

pub(super) struct Lint<'l> {
    pub(super) args: &'l LintArgs,
    pub(super) linter: Linter<'l>,
    pub(super) types: Types<'l>,
}

/// What is known of all objects together.
#[derive(Default)]
struct Taken {
    /// A kind without a schema is an error.
    is_strict: bool,
    gathered: Gathered<Spotted>,
    /// Kinds without a schema.
    untyped: BTreeSet<GroupVersionKind>,
    /// How many stored objects were fetched without their entries, and where the first of them is.
    hidden: usize,
    first_hidden: Option<String>,
}

impl Taken {
    fn take(&mut self, seen: Seen, writer: &mut Writer, session: &mut Session<'_, '_>) {
        writer.object();
        for error in &seen.errors {
            session.error(&seen.place, error);
        }
        if let Some(kind) = seen.untyped {
            self.take_untyped(kind, &seen.place, session);
        }
        if seen.hides_owners {
            self.hidden += 1;
            self.first_hidden.get_or_insert(seen.place);
        }
        for found in seen.found {
            writer.found(found, session);
        }
        if let Some((facts, spotted)) = seen.facts {
            self.gathered.add(facts, spotted);
        }
    }

    /// Tells of a kind without a schema: of each object if that is an error, else once.
    fn take_untyped(&mut self, kind: GroupVersionKind, place: &str, session: &mut Session<'_, '_>) {
        let message = format!("there is no schema for {kind}");
        if self.is_strict {
            session.error(place, message);
        } else if self.untyped.insert(kind) {
            let rest = "rules that need one say nothing of its objects (see --schema)";
            session.warn(place, format_args!("{message}: {rest}"));
        }
    }

    fn finish(self, writer: &mut Writer, session: &mut Session<'_, '_>) {
        if let Some(place) = self.first_hidden {
            let message = match self.hidden {
                1 => "the object is stored but has no managedFields: it was probably".to_owned(),
                count => format!(
                    "{count} stored objects, this one first, have no managedFields: they were \
                     probably"
                ),
            };
            let rest = "fetched without --show-managed-fields, so rules of entries say nothing";
            session.warn(place, format_args!("{message} {rest}"));
        }
        for (Spotted { whole, spot, field }, finding) in self.gathered.finish() {
            let spot = field.filter(|_| !finding.path().elements().is_empty()).unwrap_or(spot);
            let message = finding.message().to_owned();
            writer.found(Found::new(&finding, spot, &whole, message), session);
        }
    }
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
        let is_strict = self.args.common.types.strict_schema;
        let mut taken = Taken { is_strict, ..Taken::default() };
        stream::run(&self.args.common, session, &looker, &mut |seen, session| {
            taken.take(seen, writer, session);
        });
        taken.finish(writer, session);
    }

    fn look(&self, glimpse: &Glimpse<'_>) -> Seen {
        let mut seen = Seen {
            document: glimpse.document,
            item: glimpse.item,
            place: glimpse.place(),
            found: Vec::new(),
            facts: None,
            untyped: None,
            hides_owners: false,
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
        seen.hides_owners =
            input == Input::Live && input::sign_of_hidden_owners(glimpse.value).is_some();
        let whole = Whole { file: glimpse.file.clone(), who: Arc::new(Who::of(&glimpse.identity)) };
        let namespace = self.args.common.namespace.as_deref().unwrap_or_default();
        let (findings, facts, broken) =
            self.linter.look(glimpse.value, input, ty.as_ref(), namespace);
        seen.errors.extend(broken.map(|error| error.to_string()));
        let field = facts.as_ref().and_then(Facts::path);
        // Most objects have nothing to be found but this, and reading them again costs more than all else.
        let name = field.as_ref().and_then(|path| path.elements().last());
        let only = name.and_then(|name| match name {
            PathElement::FieldName(name) => glimpse.only(name),
            _ => None,
        });
        let searched = field.as_ref().filter(|_| only.is_none());
        // Where the item of a list is; of all else that is known.
        let root = Path::default();
        let item = (facts.is_some() && glimpse.is_in_list()).then_some(&root);
        let paths = findings.iter().map(Finding::path).chain(searched).chain(item);
        let paths: Vec<&Path> = paths.collect();
        let mut spots = glimpse.locate(&paths).into_iter();
        for (finding, spot) in findings.iter().zip(spots.by_ref()) {
            let message = self.message(glimpse, finding);
            seen.found.push(Found::new(finding, spot, &whole, message));
        }
        self.check_text(glimpse, &whole, &mut seen);
        seen.found.sort_by_key(|found| (found.line, found.rule.id()));
        seen.facts = facts.map(|facts| {
            let field = only.or_else(|| searched.and_then(|_| spots.next()));
            let spot = spots.next().unwrap_or_else(|| glimpse.start());
            // What is in one directory is applied together.
            let unit = FilePath::new(&**glimpse.file).parent().unwrap_or(FilePath::new(""));
            (facts.in_unit(unit.to_string_lossy().into()), Spotted { whole, spot, field })
        });
        seen
    }

    fn check_text(&self, glimpse: &Glimpse<'_>, whole: &Whole, seen: &mut Seen) {
        if !glimpse.is_odd {
            return;
        }
        let Some(source) = glimpse.document_source() else { return };
        let mut whole = whole.clone();
        if glimpse.is_in_list() {
            whole.who = Arc::new(Who::list());
        }
        for (finding, location) in self.linter.check_text(&source) {
            let (spot, message) = (glimpse.spot_of(&location), finding.message().to_owned());
            seen.found.push(Found::new(&finding, spot, &whole, message));
        }
    }

    /// The message, without what must not be shown.
    fn message(&self, glimpse: &Glimpse<'_>, finding: &Finding) -> String {
        let is_hidden = !self.args.show_secrets
            && glimpse.identity.is_secret()
            && secrets::is_hidden(&glimpse.identity, &finding.path().to_string());
        match is_hidden {
            true => finding.message_without_values().to_owned(),
            false => finding.message().to_owned(),
        }
    }
}
