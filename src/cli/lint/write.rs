//! Findings as they are printed, one by one as they come.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analysis::Severity;
use crate::analysis::lint::{RULES, Rule};
use crate::cli::github::Annotation;
use crate::cli::output::pretty;
use crate::cli::report::{Listing, harmless};
use crate::cli::sarif::{self, Configuration, Finding, Location, Text};
use crate::cli::session::Session;

use super::Form;
use super::found::Found;

/// The version of the JSON shape, which `docs/json.md` describes.
const SCHEMA_VERSION: &str = "managed-fields.lint/v1";

/// How much there was of everything.
#[derive(Default, Serialize)]
struct Summary {
    objects: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    fixed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'w> {
    schema_version: &'static str,
    findings: [(); 0],
    summary: &'w Summary,
}

pub(super) struct Writer {
    form: Form,
    summary: Summary,
    worst: Option<Severity>,
    /// Of reports that are one JSON text.
    listing: Option<Listing>,
    /// What to do about the rules that said something.
    remedies: BTreeMap<&'static str, &'static Rule>,
}

impl Writer {
    pub(super) fn new(form: Form) -> Writer {
        let summary = Summary::default();
        let listing = match form {
            Form::Json => Some(Listing::new(&report(&summary), "findings")),
            Form::Sarif => Some(Listing::new(&log(), "results")),
            Form::Text | Form::Github => None,
        };
        Writer { form, summary, worst: None, listing, remedies: BTreeMap::new() }
    }

    /// An object was looked at.
    pub(super) fn object(&mut self) {
        self.summary.objects += 1;
    }

    pub(super) fn found(&mut self, found: Found, session: &mut Session<'_, '_>) {
        if found.is_fixed {
            self.summary.fixed += 1;
        } else {
            self.count(found.rule);
        }
        if found.is_fixed && self.form != Form::Json {
            return;
        }
        match (self.form, &mut self.listing) {
            (Form::Text, _) => session.print(&line(&found, session.colors_results())),
            (Form::Github, _) => session.print(&annotation(&found)),
            (Form::Sarif, Some(listing)) => listing.add(&sarif::result(&result(&found)), session),
            (_, Some(listing)) => {
                listing.add(&serde_json::to_string(&found).unwrap_or_default(), session);
            }
            (_, None) => {}
        }
    }

    fn count(&mut self, rule: &'static Rule) {
        let severity = rule.severity();
        self.worst = self.worst.max(Some(severity));
        self.remedies.insert(rule.id(), rule);
        let count = match severity {
            Severity::Error => &mut self.summary.errors,
            Severity::Warning => &mut self.summary.warnings,
            Severity::Note => &mut self.summary.notes,
        };
        *count += 1;
    }

    /// Writes what is left, and gives how bad the worst finding was.
    pub(super) fn finish(self, session: &mut Session<'_, '_>) -> Option<Severity> {
        match (self.form, self.listing) {
            (Form::Text, _) => session.print(&end(&self.summary, &self.remedies)),
            (Form::Sarif, Some(listing)) => listing.finish(&log(), session),
            (_, Some(listing)) => listing.finish(&report(&self.summary), session),
            (_, None) => {}
        }
        self.worst
    }
}

/// A report without findings.
fn report(summary: &Summary) -> String {
    let report = Report { schema_version: SCHEMA_VERSION, findings: [], summary };
    serde_json::to_string(&report).map(|json| pretty(&json)).unwrap_or_default()
}

/// A log without findings.
fn log() -> String {
    sarif::write(RULES.iter().map(rule).collect(), Vec::new())
}

/// What can be done, and how much there was.
fn end(summary: &Summary, remedies: &BTreeMap<&'static str, &'static Rule>) -> String {
    let mut text = String::new();
    if !remedies.is_empty() {
        text += "\nWhat can be done (--explain RULE tells more):\n";
        for rule in remedies.values() {
            text += &format!("* {} ({}): {}\n", rule.id(), rule.name(), rule.remedy());
        }
        text.push('\n');
    }
    let Summary { objects, errors, warnings, notes, fixed } = *summary;
    text += &format!(
        "{}: {}, {}, {}",
        counted(objects, "object"),
        counted(errors, "error"),
        counted(warnings, "warning"),
        counted(notes, "note")
    );
    if fixed > 0 {
        text += &format!(", {fixed} fixed");
    }
    text + "\n"
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// `app/web.yaml:3: warning MF005 (null-creation-timestamp): Deployment web .metadata: ...`.
fn line(found: &Found, is_colored: bool) -> String {
    let severity = match (is_colored, found.rule.severity()) {
        (false, _) => found.severity.to_owned(),
        (true, Severity::Error) => format!("\u{1b}[1;31m{}\u{1b}[0m", found.severity),
        (true, Severity::Warning) => format!("\u{1b}[1;33m{}\u{1b}[0m", found.severity),
        (true, Severity::Note) => format!("\u{1b}[1m{}\u{1b}[0m", found.severity),
    };
    format!(
        "{}:{}: {severity} {} ({}): {}\n",
        harmless(&found.file),
        found.line,
        found.rule.id(),
        found.name,
        harmless(&found.text())
    )
}

fn annotation(found: &Found) -> String {
    let annotation = Annotation {
        severity: found.rule.severity(),
        file: Some(&found.file),
        line: Some(found.line),
        title: &format!("{} {}", found.rule.id(), found.name),
        message: &format!("{}. {}", found.text(), found.rule.remedy()),
    };
    annotation.command()
}

fn rule(rule: &Rule) -> sarif::Rule {
    sarif::Rule {
        id: rule.id(),
        name: Some(rule.name()),
        short_description: Text::new(rule.name().replace('-', " ")),
        full_description: Some(Text::new(rule.explanation())),
        help: Some(Text::new(rule.remedy())),
        default_configuration: Configuration::of(rule.severity()),
    }
}

fn result(found: &Found) -> Finding {
    let id = found.rule.id();
    let at = RULES.iter().position(|rule| rule.id() == id).unwrap_or_default();
    let known_by = format!("{} {}", found.object, found.path).trim_end().to_owned();
    let message = Text::sentence(&found.text());
    let mut finding = Finding::new((id, at), found.rule.severity(), message, known_by);
    let object = &found.object.to_string();
    let (line, column) = (Some(found.line), found.column);
    finding.locations.push(Location::new(&found.file, line, column, object, &found.path));
    finding
}
