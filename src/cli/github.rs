//! Annotations of GitHub Actions: workflow commands, a line each.

use crate::analysis::Severity;

/// Something to be shown at a line of a file.
pub(super) struct Annotation<'a> {
    pub(super) severity: Severity,
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<usize>,
    pub(super) title: &'a str,
    pub(super) message: &'a str,
}

impl Annotation<'_> {
    /// The workflow command, with the end of its line.
    pub(super) fn command(&self) -> String {
        let command = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(file) = self.file {
            properties.push(format!("file={}", property(file)));
        }
        if let Some(line) = self.line {
            properties.push(format!("line={line}"));
        }
        properties.push(format!("title={}", property(self.title)));
        format!("::{command} {}::{}\n", properties.join(","), escaped(self.message))
    }
}

/// Text of a workflow command, in which line breaks would begin another one.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
