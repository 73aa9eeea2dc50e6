//! Findings as they are printed: as they come where the form allows it, all at the end where not.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analysis::Severity;
use crate::analysis::lint::{RULES, Rule};
use crate::cli::github::Annotation;
use crate::cli::output::pretty;
use crate::cli::report::harmless;
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
    findings: &'w [Found],
    summary: &'w Summary,
}

pub(super) struct Writer {
    form: Form,
    summary: Summary,
    worst: Option<Severity>,
    /// Of forms that are written at once.
    kept: Vec<Found>,
    /// What to do about the rules that said something.
    remedies: BTreeMap<&'static str, &'static Rule>,
}

impl Writer {
    pub(super) fn new(form: Form) -> Writer {
        let (summary, remedies) = (Summary::default(), BTreeMap::new());
        Writer { form, summary, worst: None, kept: Vec::new(), remedies }
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
        match self.form {
            Form::Json => self.kept.push(found),
            _ if found.is_fixed => {}
            Form::Sarif => self.kept.push(found),
            Form::Text => session.print(&line(&found, session.colors_results())),
            Form::Github => session.print(&annotation(&found)),
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
        match self.form {
            Form::Text => session.print(&self.end()),
            Form::Json => {
                let (findings, summary) = (self.kept.as_slice(), &self.summary);
                let report = Report { schema_version: SCHEMA_VERSION, findings, summary };
                let json = serde_json::to_string(&report).map(|json| pretty(&json));
                session.print(&json.unwrap_or_default());
            }
            Form::Sarif => {
                let results = self.kept.iter().map(result).collect();
                session.print(&sarif::write(RULES.iter().map(rule).collect(), results));
            }
            Form::Github => {}
        }
        self.worst
    }

    /// What can be done, and how much there was.
    fn end(&self) -> String {
        let mut text = String::new();
        if !self.remedies.is_empty() {
            text += "\nWhat can be done (--explain RULE tells more):\n";
            for rule in self.remedies.values() {
                text += &format!("* {} ({}): {}\n", rule.id(), rule.name(), rule.remedy());
            }
            text.push('\n');
        }
        let Summary { objects, errors, warnings, notes, fixed } = self.summary;
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
    let known_by = format!("{} {}", found.object.text, found.path);
    let message = Text::sentence(&found.text());
    let mut finding = Finding::new((id, at), found.rule.severity(), message, known_by);
    let object = &found.object.text;
    let (line, column) = (Some(found.line), found.column);
    finding.locations.push(Location::new(&found.file, line, column, object, &found.path));
    finding
}
