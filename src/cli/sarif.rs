//! The Static Analysis Results Interchange Format, version 2.1.0: what code scanning reads.

use serde::Serialize;

use crate::analysis::Severity;

use super::output;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Finding>,
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

/// What findings are of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'static str>,
    pub(super) short_description: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) full_description: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help: Option<Text>,
    pub(super) default_configuration: Configuration,
}

#[derive(Serialize)]
pub(super) struct Configuration {
    level: &'static str,
}

impl Configuration {
    pub(super) fn of(severity: Severity) -> Configuration {
        Configuration { level: severity.as_str() }
    }
}

#[derive(Serialize)]
pub(super) struct Text {
    text: String,
}

impl Text {
    pub(super) fn new(text: impl Into<String>) -> Text {
        Text { text: text.into() }
    }

    /// With a capital, and with a full stop.
    pub(super) fn sentence(text: &str) -> Text {
        let mut characters = text.chars();
        let first = characters.next().map(|first| first.to_uppercase().to_string());
        Text::new(first.unwrap_or_default() + characters.as_str() + ".")
    }
}

/// Something that was found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) rule_id: &'static str,
    /// The place of the rule among all that are listed.
    pub(super) rule_index: usize,
    level: &'static str,
    message: Text,
    pub(super) locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) related_locations: Vec<Location>,
    partial_fingerprints: Fingerprints,
}

impl Finding {
    /// Of a rule and its place; `known_by` is what does not change when lines move.
    pub(super) fn new(
        rule: (&'static str, usize),
        severity: Severity,
        message: Text,
        known_by: String,
    ) -> Finding {
        Finding {
            rule_id: rule.0,
            rule_index: rule.1,
            level: severity.as_str(),
            message,
            locations: Vec::new(),
            related_locations: Vec::new(),
            partial_fingerprints: Fingerprints { object_and_path: known_by },
        }
    }
}

/// By what a finding is known again when lines have moved.
#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "objectAndPath/v1")]
    object_and_path: String,
}

/// A place in a file and in an object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
    physical_location: PhysicalLocation,
    logical_locations: [LogicalLocation; 1],
}

impl Location {
    pub(super) fn new(
        file: &str,
        line: Option<usize>,
        column: Option<usize>,
        object: &str,
        path: &str,
    ) -> Location {
        let region = line.map(|start_line| Region { start_line, start_column: column });
        let artifact_location = ArtifactLocation { uri: uri(file) };
        let (name, kind) = if path.is_empty() { (object, "object") } else { (path, "member") };
        Location {
            id: None,
            message: None,
            physical_location: PhysicalLocation { artifact_location, region },
            logical_locations: [LogicalLocation {
                fully_qualified_name: format!("{object} {path}").trim_end().to_owned(),
                name: name.to_owned(),
                kind,
            }],
        }
    }

    /// One of several, with what it has to do with the finding.
    pub(super) fn related(self, id: usize, message: String) -> Location {
        Location { id: Some(id), message: Some(Text::new(message)), ..self }
    }
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
struct LogicalLocation {
    fully_qualified_name: String,
    name: String,
    kind: &'static str,
}

/// A log of one run.
pub(super) fn write(rules: Vec<Rule>, results: Vec<Finding>) -> String {
    let driver = Driver { name: "managed-fields", version: env!("CARGO_PKG_VERSION"), rules };
    let run = Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results };
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run] };
    serde_json::to_string(&log).map(|json| output::pretty(&json)).unwrap_or_default()
}

/// What was found as a part of the list `results` of a log.
pub(super) fn result(finding: &Finding) -> String {
    serde_json::to_string(finding).unwrap_or_default()
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
