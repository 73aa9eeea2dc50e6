//! Findings as text: a table, a comment for a pull request, annotations of GitHub Actions.

use std::fmt::Write as _;

use crate::cli::github::Annotation;
use crate::cli::report;

use super::findings::{Claim, Found, Origin, Report, explanation};

/// One claim a line; what belongs together is said once.
pub(super) fn table(report: &Report, shows_agreed: bool) -> String {
    let mut rows: Vec<[String; 6]> = Vec::new();
    let mut object = String::new();
    for found in report.findings.iter().filter(|found| shows_agreed || found.is_fight()) {
        let name = found.object.to_string();
        for (index, claim) in found.claims.iter().enumerate() {
            let is_first = index == 0;
            let once = |text: &str| if is_first { text.to_owned() } else { String::new() };
            rows.push([
                if is_first && name != object { name.clone() } else { String::new() },
                once(&found.path),
                once(found.class.as_str()),
                claim.manager.clone(),
                claim.short_value(),
                claim.place(),
            ]);
        }
        object = name;
    }
    let mut out = String::new();
    if !rows.is_empty() {
        let header = ["OBJECT", "PATH", "CLASS", "MANAGER", "VALUE", "WHERE"];
        out += &report::table(header, &rows);
        out.push('\n');
    }
    let _ = writeln!(out, "{}", report.summary);
    out
}

/// Bytes of a comment after which fields are only counted: hosts of pull requests take 65,536 characters.
const LONG: usize = 60_000;

pub(super) fn markdown(report: &Report, shows_agreed: bool) -> String {
    let mut out = String::from("## Field ownership\n\n");
    let fights = report.fights().count();
    let _ = match fights {
        0 => writeln!(out, "No fights: {}.", report.summary),
        _ => writeln!(out, "**{fights} fields will be fought over**: {}.", report.summary),
    };
    let shown: Vec<&Found> =
        report.findings.iter().filter(|found| shows_agreed || found.is_fight()).collect();
    let mut classes: Vec<_> = shown.iter().map(|found| found.class).collect();
    classes.sort();
    classes.dedup();
    let mut before = None;
    for (index, found) in shown.iter().enumerate() {
        if out.len() > LONG {
            let left = shown.len() - index;
            let _ = writeln!(out, "\nAnd {left} more fields, which `-o json` has.");
            break;
        }
        let object = found.object.to_string();
        if before.as_ref() != Some(&object) {
            let _ = write!(out, "\n### {}\n\n", text(&object));
            out.push_str("| path | class | who wants what |\n| --- | --- | --- |\n");
            before = Some(object);
        }
        let claims: Vec<String> = found
            .claims
            .iter()
            .map(|claim| {
                let value = match claim.short_value() {
                    value if value.is_empty() => String::new(),
                    value => format!(": {}", code(&value)),
                };
                format!("{}{value} ({})", text(&claim.manager), code(&claim.place()))
            })
            .collect();
        let _ =
            writeln!(out, "| {} | {} | {} |", code(&found.path), found.class, claims.join("<br>"));
    }
    if !classes.is_empty() {
        out.push('\n');
        for class in classes.into_iter().rev() {
            let _ = writeln!(out, "* *{class}*: {}.", explanation(class));
        }
    }
    out
}

/// Text in a cell of a Markdown table.
fn text(text: &str) -> String {
    let text = report::html(&report::harmless(text));
    text.chars().fold(String::new(), |mut out, character| {
        if r"\`*_{}[]#|~".contains(character) {
            out.push('\\');
        }
        out.push(character);
        out
    })
}

/// Code in a cell of a Markdown table: HTML, where no number of backticks ends it.
fn code(code: &str) -> String {
    let code = report::html(&report::harmless(code)).replace('|', "&#124;");
    format!(
        "<code>{}</code>",
        code.replace('`', "&#96;").replace('*', "&#42;").replace('_', "&#95;")
    )
}

/// An annotation at every line that claims something fought over.
pub(super) fn github(report: &Report) -> String {
    let mut out = String::new();
    for found in report.fights() {
        let message = found.message();
        let is_at_a_line = |claim: &&Claim| claim.source == Origin::File;
        for claim in found.claims.iter().filter(is_at_a_line) {
            let annotation = Annotation {
                severity: found.severity,
                file: claim.file.as_deref(),
                line: claim.line,
                title: found.class.as_str(),
                message: &message,
            };
            out += &annotation.command();
        }
    }
    out
}
