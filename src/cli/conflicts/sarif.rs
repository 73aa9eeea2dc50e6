//! Findings in the Static Analysis Results Interchange Format, version 2.1.0.

use serde::Serialize;

use crate::analysis::{Class, Severity};
use crate::cli::output;

use super::findings::{Claim, Found, Origin, Report, explanation};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Serialize)]
struct Log<'r> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'r> {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Finding<'r>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'r> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'r>>,
    partial_fingerprints: Fingerprints,
}

/// By what a finding is known again when lines have moved.
#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "objectAndPath/v1")]
    object_and_path: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
    physical_location: PhysicalLocation,
    logical_locations: [LogicalLocation<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'r> {
    fully_qualified_name: String,
    name: &'r str,
    kind: &'static str,
}

/// The classes that are reported, in the order in which rules are listed.
const RULES: [Class; 4] =
    [Class::AtomicOverlap, Class::Conflict, Class::WouldPrune, Class::OrderDependent];

pub(super) fn write(report: &Report) -> String {
    let rules = RULES.map(|class| Rule {
        id: class.as_str(),
        short_description: Text { text: sentence(explanation(class)) },
        default_configuration: Configuration { level: class.severity().as_str() },
    });
    let driver =
        Driver { name: "managed-fields", version: env!("CARGO_PKG_VERSION"), rules: rules.into() };
    let run = Run {
        tool: Tool { driver },
        column_kind: "unicodeCodePoints",
        results: report.fights().map(finding).collect(),
    };
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run] };
    serde_json::to_string(&log).map(|json| output::pretty(&json)).unwrap_or_default()
}

fn finding(found: &Found) -> Finding<'_> {
    let mut claims = found.claims.iter().filter(|claim| claim.source == Origin::File);
    let locations = claims.next().map(|claim| location(found, claim, None)).into_iter().collect();
    let related = claims.enumerate().map(|(index, claim)| location(found, claim, Some(index + 1)));
    Finding {
        rule_id: found.class.as_str(),
        rule_index: RULES.iter().position(|class| *class == found.class).unwrap_or_default(),
        level: match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        message: Text { text: sentence(&found.message()) },
        locations,
        related_locations: related.collect(),
        partial_fingerprints: Fingerprints {
            object_and_path: format!("{} {}", found.object, found.path),
        },
    }
}

fn location<'r>(found: &'r Found, claim: &Claim, id: Option<usize>) -> Location<'r> {
    let file = claim.file.as_deref().unwrap_or_default();
    let region = claim.line.map(|start_line| Region { start_line, start_column: claim.column });
    let message = id.map(|_| Text { text: format!("{} claims it here", claim.manager) });
    Location {
        id,
        message,
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(file) },
            region,
        },
        logical_locations: [LogicalLocation {
            fully_qualified_name: format!("{} {}", found.object, found.path),
            name: &found.path,
            kind: "member",
        }],
    }
}

/// A path of a file as a reference of RFC 3986, relative unless the path is absolute.
fn uri(file: &str) -> String {
    let mut out = String::from(if file.starts_with('/') { "file://" } else { "" });
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str() + "."
}
