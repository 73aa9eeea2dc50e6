//! What reports have in common: tables, times, text that is safe where it goes.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use comfy_table::{ContentArrangement, Table, presets};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::analysis::Standing;
use crate::managedfields::Time;
use crate::value::{Kind, ValueRef};

use super::edit;
use super::input::{Identity, Place};
use super::output::pretty;
use super::session::Session;

/// Rows under a header, in columns.
pub(super) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|cell| harmless(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// Text without what steers a terminal or breaks a line.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Characters of a value that a table shows.
const SHOWN: usize = 40;

/// A value in one short line.
pub(super) fn short(value: ValueRef<'_>) -> String {
    let plural = if value.len() == 1 { "" } else { "s" };
    let text = match value.kind() {
        Kind::Map if !value.is_empty() => format!("{{{} field{plural}}}", value.len()),
        Kind::List if !value.is_empty() => format!("[{} item{plural}]", value.len()),
        _ => value.to_json(),
    };
    shortened(&text)
}

/// A text cut to what a table shows.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Text as HTML.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// One self-contained page.
pub(super) fn page(title: &str, style: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{}{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        html(title),
        include_str!("report.css")
    )
}

/// JSON that is written already.
pub(super) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A report in JSON that is a list of objects, printed as they come.
pub(super) struct Objects {
    version: &'static str,
    is_begun: bool,
}

impl Objects {
    /// A report of this version.
    pub(super) fn new(version: &'static str) -> Objects {
        Objects { version, is_begun: false }
    }

    pub(super) fn add(&mut self, json: &str, session: &mut Session<'_, '_>) {
        if std::mem::replace(&mut self.is_begun, true) {
            session.print(",\n");
        } else {
            let version = edit::quoted(self.version);
            session.print(&format!("{{\n    \"schemaVersion\": {version},\n    \"objects\": [\n"));
        }
        let text = pretty(json).trim_end().replace('\n', "\n        ");
        session.print(&format!("        {text}"));
    }

    pub(super) fn finish(self, session: &mut Session<'_, '_>) {
        if self.is_begun {
            return session.print("\n    ]\n}\n");
        }
        let version = edit::quoted(self.version);
        session.print(&pretty(&format!(r#"{{"schemaVersion":{version},"objects":[]}}"#)));
    }
}

/// A list in a JSON report, whose items are printed as they come.
pub(super) struct Listing {
    name: &'static str,
    /// What is to be printed before the next item.
    before: String,
    indent: String,
    is_begun: bool,
}

impl Listing {
    /// The list of this name in a report that is laid out already, in which it is empty.
    pub(super) fn new(report: &str, name: &'static str) -> Listing {
        let (before, _) = around(report, name);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        Listing { name, before: before.to_owned(), indent: " ".repeat(indent + 4), is_begun: false }
    }

    pub(super) fn add(&mut self, json: &str, session: &mut Session<'_, '_>) {
        let before = std::mem::replace(&mut self.before, ",".to_owned());
        self.is_begun = true;
        let line = format!("\n{}", self.indent);
        let text = pretty(json).trim_end().replace('\n', &line);
        session.print(&format!("{before}{line}{text}"));
    }

    /// The rest of the report, as it is known in the end.
    pub(super) fn finish(self, report: &str, session: &mut Session<'_, '_>) {
        let (_, after) = around(report, self.name);
        if self.is_begun {
            let line = self.indent.get(4..).unwrap_or_default();
            return session.print(&format!("\n{line}{after}"));
        }
        session.print(&format!("{}{after}", self.before));
    }
}

/// What stands before the end of an empty list, and from there on.
fn around<'r>(report: &'r str, name: &str) -> (&'r str, &'r str) {
    let list = format!("\"{name}\": [");
    let end = report.find(&format!("{list}]")).map_or(report.len(), |at| at + list.len());
    report.split_at_checked(end).unwrap_or((report, ""))
}

/// How a field stands to its owners, in a word.
pub(super) fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Owned => "owned",
        Standing::Within => "within",
        Standing::Leads => "leads",
        Standing::Untracked => "untracked",
        Standing::Unowned => "unowned",
    }
}

/// Which object.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Who {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
    /// As text names it.
    #[serde(skip)]
    text: String,
}

impl Who {
    pub(super) fn of(identity: &Identity) -> Who {
        Who {
            api_version: identity.kind.api_version(),
            kind: identity.kind.kind.clone(),
            namespace: identity.namespace.clone(),
            name: identity.name.clone(),
            text: identity.to_string(),
        }
    }

    /// Several objects of a list.
    pub(super) fn list() -> Who {
        let (api_version, kind) = ("v1".to_owned(), "List".to_owned());
        Who { api_version, text: kind.clone(), kind, ..Who::default() }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Which object, as JSON.
pub(super) fn identity(identity: &Identity) -> String {
    serde_json::to_string(&Who::of(identity)).unwrap_or_default()
}

/// Where an object was read, as JSON.
pub(super) fn source(place: &Place) -> String {
    let (document, item) = place.numbers();
    let item = item.map_or_else(|| "null".to_owned(), |item| item.to_string());
    format!(r#"{{"file":{},"document":{document},"item":{item}}}"#, edit::quoted(place.file()))
}

/// How times are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Times {
    /// As they are recorded
    Full,
    /// How long ago
    Relative,
    /// Not at all
    None,
}

impl Times {
    /// The time in words; empty if there is nothing to tell.
    pub(super) fn tell(self, time: Option<Time>, now: Time) -> String {
        match (self, time) {
            (Times::None, _) | (_, None) => String::new(),
            (Times::Full, Some(time)) => time.to_string(),
            (Times::Relative, Some(time)) => age(now.as_second().saturating_sub(time.as_second())),
        }
    }
}

/// So many seconds, told as `kubectl` tells the age of objects.
fn age(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let mut out = String::new();
    let parts: [(i64, char); 2] = match seconds {
        ..=-2 => return "in the future".to_owned(),
        -1 => [(0, 's'), (0, 's')],
        _ if seconds < 120 => [(seconds, 's'), (0, 's')],
        _ if minutes < 10 => [(minutes, 'm'), (seconds % 60, 's')],
        _ if minutes < 180 => [(minutes, 'm'), (0, 's')],
        _ if hours < 8 => [(hours, 'h'), (minutes % 60, 'm')],
        _ if hours < 48 => [(hours, 'h'), (0, 'm')],
        _ if hours < 192 => [(days, 'd'), (hours % 24, 'h')],
        _ if days < 730 => [(days, 'd'), (0, 'h')],
        _ if years < 8 => [(years, 'y'), (days % 365, 'd')],
        _ => [(years, 'y'), (0, 'd')],
    };
    let [(first, unit), (second, smaller)] = parts;
    let _ = write!(out, "{first}{unit}");
    if second > 0 {
        let _ = write!(out, "{second}{smaller}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{age, shortened};

    /// Against `duration.HumanDuration` of apimachinery.
    #[test]
    fn ages_are_told_as_kubectl_does() {
        for (seconds, told) in [
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (10_860, "3h1m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (176_400, "2d1h"),
            (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (252_288_000, "8y"),
        ] {
            assert_eq!(age(seconds), told, "{seconds}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened(&"é".repeat(41)), "é".repeat(40) + "…");
        assert_eq!(shortened(&"é".repeat(40)), "é".repeat(40));
    }
}
