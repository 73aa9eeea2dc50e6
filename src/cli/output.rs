//! Results: a YAML stream, one JSON object or a JSON list.

use crate::fieldmanager::Status;
use crate::value::Value;
use crate::yaml;

use super::input::Identity;
use super::session::Session;
use super::{Format, Objects, edit, secrets};

/// Collects the results of a command, one per document that went in.
pub(super) struct Results {
    format: Format,
    keep_managed_fields: bool,
    mask: bool,
    /// JSON texts; in YAML output the refused documents are left out.
    texts: Vec<String>,
    /// Some were printed already.
    is_begun: bool,
}

impl Results {
    pub(super) fn new(options: &Objects, session: &Session<'_, '_>) -> Results {
        Results::written(options.output, options.show_managed_fields, options.show_secrets, session)
    }

    /// Results in this format, with or without entries, on a terminal without the values of Secrets
    /// unless these are to be shown.
    pub(super) fn written(
        format: Format,
        keep_managed_fields: bool,
        show_secrets: bool,
        session: &Session<'_, '_>,
    ) -> Results {
        let mask = session.stdout_is_terminal() && !show_secrets;
        Results { format, keep_managed_fields, mask, texts: Vec::new(), is_begun: false }
    }

    /// An object that a command made.
    pub(super) fn object(&mut self, identity: &Identity, json: &str) {
        let mut json = if self.keep_managed_fields {
            json.to_owned()
        } else {
            edit::without_managed_fields(json)
        };
        if self.mask {
            json = secrets::mask(identity, json);
        }
        self.texts.push(json);
    }

    /// A document that was refused as the API server would refuse it.
    pub(super) fn status(&mut self, status: &Status) {
        if self.format == Format::Json
            && let Ok(json) = serde_json::to_string(status)
        {
            self.texts.push(json);
        }
    }

    /// A document that never got as far as the API server.
    pub(super) fn failure(&mut self, message: &str) {
        if self.format == Format::Json {
            self.texts.push(format!(
                r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":{},"reason":"BadRequest","code":400}}"#,
                edit::quoted(message)
            ));
        }
    }

    /// Prints what there is if more than one comes, so that it need not be held.
    pub(super) fn flush(&mut self, session: &mut Session<'_, '_>) {
        if self.format == Format::Json && !self.is_begun && self.texts.len() < 2 {
            return;
        }
        for text in std::mem::take(&mut self.texts) {
            let is_first = !std::mem::replace(&mut self.is_begun, true);
            match self.format {
                Format::Yaml => {
                    if !is_first {
                        session.print("---\n");
                    }
                    match Value::from_json(&text) {
                        Ok(value) => session.print(&yaml::from_value(value.as_ref())),
                        Err(_) => session.print(&text),
                    }
                }
                Format::Json => {
                    session.print(if is_first { LIST } else { ",\n" });
                    let item = pretty(&text);
                    session.print("        ");
                    session.print(&item.trim_end().replace('\n', "\n        "));
                }
            }
        }
    }

    /// Prints everything.
    pub(super) fn print(mut self, session: &mut Session<'_, '_>) {
        if let (Format::Json, false, [one]) = (self.format, self.is_begun, self.texts.as_slice()) {
            return session.print(&pretty(one));
        }
        self.flush(session);
        if self.format == Format::Json && self.is_begun {
            session.print("\n    ]\n}\n");
        }
    }
}

/// What stands before the items of a list.
const LIST: &str = "{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"List\",\n    \"items\": [\n";

/// Rows of a table, with all columns but the last as wide as their widest cell.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let harmless = |cell: &String| cell.replace(char::is_control, "\u{fffd}");
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(harmless).collect()).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("   ").trim_end());
        text.push('\n');
    }
    text
}

/// Levels up to which JSON is indented: each level costs four columns on every line below it.
const INDENTED_DEPTH: usize = 100;

/// JSON text in `kubectl`'s layout: four columns a level, every value in its own spelling.
pub(super) fn pretty(json: &str) -> String {
    let json = json.trim();
    if yaml::json_depth(json) > INDENTED_DEPTH {
        return format!("{json}\n");
    }
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut in_string = false;
    let mut escaped = false;
    // The container was opened and nothing has been written into it.
    let mut is_fresh = false;
    for character in json.chars() {
        if in_string {
            out.push(character);
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match character {
            ' ' | '\n' | '\r' | '\t' => continue,
            '}' | ']' => {
                depth -= 1;
                if !std::mem::take(&mut is_fresh) {
                    break_line(&mut out, depth);
                }
                out.push(character);
                continue;
            }
            _ => {}
        }
        if std::mem::take(&mut is_fresh) {
            break_line(&mut out, depth);
        }
        out.push(character);
        match character {
            '"' => in_string = true,
            '{' | '[' => {
                depth += 1;
                is_fresh = true;
            }
            ',' => break_line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
    }
    out.push('\n');
    out
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", depth));
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn json_is_indented_as_kubectl_does() {
        assert_eq!(
            pretty(r#"{"a":[1.0,{ }, "x,{\"y\""],"b":{},"c":[ ]}"#),
            "{\n    \"a\": [\n        1.0,\n        {},\n        \"x,{\\\"y\\\"\"\n    ],\n    \"b\": {},\n    \"c\": []\n}\n"
        );
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        assert_eq!(pretty(&deep), deep + "\n");
    }
}
