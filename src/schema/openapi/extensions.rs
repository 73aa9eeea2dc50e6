//! What the extensions of Kubernetes say of a schema: how lists and maps are owned, and its kinds.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::value::text::{
    write_float_exact, write_float_path, write_json_string_quoted, write_quoted_go,
};
use crate::value::{Kind, Value, ValueRef};

use super::super::kinds::GroupVersionKind;
use super::problem::{Findings, Place};

pub(super) const PRESERVE_UNKNOWN_FIELDS: &str = "x-kubernetes-preserve-unknown-fields";
const LIST_TYPE: &str = "x-kubernetes-list-type";
const LIST_MAP_KEYS: &str = "x-kubernetes-list-map-keys";
const MAP_TYPE: &str = "x-kubernetes-map-type";
const PATCH_STRATEGY: &str = "x-kubernetes-patch-strategy";
const PATCH_MERGE_KEY: &str = "x-kubernetes-patch-merge-key";
const KIND: &str = "x-kubernetes-group-version-kind";
const UNIONS: &str = "x-kubernetes-unions";

/// The notation that extensions and defaults are read in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// Every number is a double.
    Json,
    /// Numbers are what they are: a definition that comes from storage.
    Stored,
    /// Read again as YAML 1.1 after a YAML 1.2 writer: strings such as `on` and `n` are booleans.
    Yaml11,
}

/// A value as its notation reads it.
pub(super) enum Said<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Other(ValueRef<'a>),
}

impl Notation {
    /// A view in which numbers are what they are in this notation.
    pub(super) fn view(self, value: ValueRef<'_>) -> ValueRef<'_> {
        match self {
            Notation::Json => {
                let (arena, node) = value.parts();
                ValueRef::of_floats(arena, node)
            }
            Notation::Stored | Notation::Yaml11 => value,
        }
    }

    pub(super) fn read(self, value: ValueRef<'_>) -> Said<'_> {
        match (value.as_bool(), value.as_str()) {
            (Some(flag), _) => Said::Bool(flag),
            (_, Some(text)) => match self.boolean(&text) {
                Some(flag) => Said::Bool(flag),
                None => Said::Text(text),
            },
            _ => Said::Other(self.view(value)),
        }
    }

    fn text(self, value: ValueRef<'_>) -> Option<Cow<'_, str>> {
        match self.read(value) {
            Said::Text(text) => Some(text),
            _ => None,
        }
    }

    fn boolean(self, text: &str) -> Option<bool> {
        match text {
            _ if self != Notation::Yaml11 => None,
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        }
    }

    /// The default that a schema states; null is none.
    pub(super) fn default(self, schema: ValueRef<'_>) -> Option<Value> {
        let default = schema.get("default").filter(|default| default.kind() != Kind::Null)?;
        let mut text = String::new();
        self.write_json(&mut text, self.view(default));
        Value::from_text(text).ok()
    }

    fn write_json(self, out: &mut String, value: ValueRef<'_>) {
        match self.read(value) {
            Said::Bool(flag) => out.push_str(if flag { "true" } else { "false" }),
            Said::Text(text) => write_json_string_quoted(out, &text),
            Said::Other(value) => match value.kind() {
                Kind::List => {
                    out.push('[');
                    for (index, item) in value.items().enumerate() {
                        if index > 0 {
                            out.push(',');
                        }
                        self.write_json(out, item);
                    }
                    out.push(']');
                }
                Kind::Map => {
                    out.push('{');
                    for (index, (key, member)) in value.members().enumerate() {
                        if index > 0 {
                            out.push(',');
                        }
                        match self.boolean(&key) {
                            Some(flag) => {
                                let _ = write!(out, "\"{flag}\"");
                            }
                            None => write_json_string_quoted(out, &key),
                        }
                        out.push(':');
                        self.write_json(out, member);
                    }
                    out.push('}');
                }
                Kind::Int => {
                    let _ = write!(out, "{}", value.as_i64().unwrap_or_default());
                }
                Kind::Float => {
                    let number = value.as_f64().unwrap_or_default();
                    write_float_exact(out, number);
                }
                Kind::Null | Kind::Bool | Kind::String => out.push_str("null"),
            },
        }
    }

    /// The value as Go prints it (`%v`).
    fn plain(self, value: ValueRef<'_>) -> String {
        let mut out = String::new();
        self.print(&mut out, value, false);
        out
    }

    /// The value as Go would write it in source (`%#v`).
    pub(super) fn source(self, value: ValueRef<'_>) -> String {
        match value.kind() {
            Kind::Null => "<nil>".to_owned(),
            _ => {
                let mut out = String::new();
                self.print(&mut out, value, true);
                out
            }
        }
    }

    fn print(self, out: &mut String, value: ValueRef<'_>, source: bool) {
        let map = match self {
            Notation::Json | Notation::Stored => "map[string]interface {}{",
            Notation::Yaml11 => "map[interface {}]interface {}{",
        };
        let between = if source { ", " } else { " " };
        match self.read(value) {
            Said::Bool(flag) => {
                let _ = write!(out, "{flag}");
            }
            Said::Text(text) if source => write_quoted_go(out, &text),
            Said::Text(text) => out.push_str(&text),
            Said::Other(value) => match value.kind() {
                Kind::List => {
                    out.push_str(if source { "[]interface {}{" } else { "[" });
                    for (index, item) in value.items().enumerate() {
                        out.push_str(if index > 0 { between } else { "" });
                        self.print(out, item, source);
                    }
                    out.push(if source { '}' } else { ']' });
                }
                Kind::Map => {
                    out.push_str(if source { map } else { "map[" });
                    for (index, (key, member)) in value.members().enumerate() {
                        out.push_str(if index > 0 { between } else { "" });
                        match (self.boolean(&key), source) {
                            (Some(flag), _) => {
                                let _ = write!(out, "{flag}");
                            }
                            (None, true) => write_quoted_go(out, &key),
                            (None, false) => out.push_str(&key),
                        }
                        out.push(':');
                        self.print(out, member, source);
                    }
                    out.push(if source { '}' } else { ']' });
                }
                Kind::Int => {
                    let _ = write!(out, "{}", value.as_i64().unwrap_or_default());
                }
                Kind::Float => write_float_path(out, value.as_f64().unwrap_or_default()),
                Kind::Null | Kind::Bool | Kind::String => {
                    out.push_str(if source { "interface {}(nil)" } else { "<nil>" });
                }
            },
        }
    }

    /// Whether the schema keeps fields that it does not declare.
    pub(super) fn preserves(self, schema: ValueRef<'_>) -> bool {
        let said = schema.get(PRESERVE_UNKNOWN_FIELDS).map(|said| self.read(said));
        matches!(said, Some(Said::Bool(true)))
    }

    /// How the items of a list are owned, and the keys that tell them apart.
    pub(super) fn list(
        self,
        schema: ValueRef<'_>,
        place: &Place<'_>,
        findings: &mut Findings,
    ) -> (&'static str, Vec<String>) {
        const ATOMIC: &str = "atomic";
        const ASSOCIATIVE: &str = "associative";
        let by_strategy = |findings: &mut Findings| {
            let said = schema.get(PATCH_STRATEGY)?;
            Some(match self.text(said).as_deref() {
                Some("merge" | "merge,retainKeys") => {
                    let key = schema.get(PATCH_MERGE_KEY);
                    let name = key.map(|key| self.text(key));
                    if let (Some(key), Some(None)) = (key, &name) {
                        let key = self.source(key);
                        findings.problem(place, format!("uninterpreted merge key: {key}"));
                    }
                    let keys = name.flatten().into_iter().map(Cow::into_owned).collect();
                    (ASSOCIATIVE, keys)
                }
                Some("retainKeys") => (ATOMIC, Vec::new()),
                _ => {
                    let said = self.plain(said);
                    findings.problem(place, format!("unknown patch strategy {said}"));
                    (ATOMIC, Vec::new())
                }
            })
        };
        let Some(said) = schema.get(LIST_TYPE) else {
            return by_strategy(findings).unwrap_or((ATOMIC, Vec::new()));
        };
        let (relationship, keys) = match self.text(said).as_deref() {
            Some("atomic") => (ATOMIC, Vec::new()),
            Some("set") => (ASSOCIATIVE, Vec::new()),
            Some("map") => (ASSOCIATIVE, self.list_map_keys(schema, place, findings)),
            _ => {
                findings.problem(place, format!("unknown list type {}", self.plain(said)));
                return (ATOMIC, Vec::new());
            }
        };
        // The patch strategy has no say here; it is looked at in case that was not known.
        let mut unused = Findings::default();
        if let Some((other, other_keys)) = by_strategy(&mut unused)
            && (other != relationship || other_keys.iter().any(|key| !keys.contains(key)))
        {
            let strategy = schema.get(PATCH_STRATEGY).map(|said| self.plain(said));
            findings.remark(
                place,
                format!(
                    "the patch strategy {} says otherwise than the list type {} and has no effect",
                    strategy.unwrap_or_default(),
                    self.plain(said)
                ),
            );
        }
        (relationship, keys)
    }

    fn list_map_keys(
        self,
        schema: ValueRef<'_>,
        place: &Place<'_>,
        findings: &mut Findings,
    ) -> Vec<String> {
        let Some(said) = schema.get(LIST_MAP_KEYS) else {
            findings.problem(place, "missing map keys");
            return Vec::new();
        };
        if said.kind() != Kind::List {
            findings.problem(place, format!("uninterpreted map keys: {}", self.source(said)));
            return Vec::new();
        }
        let keys: Vec<String> =
            said.items().filter_map(|key| self.text(key)).map(Cow::into_owned).collect();
        if keys.is_empty() {
            findings.remark(
                place,
                "a list of type map without keys is a set: its items are told apart by their value",
            );
        } else if keys.len() < said.len() {
            findings.remark(place, "list keys that are no strings have no effect");
        }
        keys
    }

    /// How the entries of a map are owned, if the schema says so.
    pub(super) fn map(
        self,
        schema: ValueRef<'_>,
        place: &Place<'_>,
        findings: &mut Findings,
    ) -> Option<String> {
        let said = schema.get(MAP_TYPE)?;
        match self.text(said).as_deref() {
            Some("atomic") => Some("atomic".to_owned()),
            Some("granular") => Some("separable".to_owned()),
            _ => {
                findings.problem(place, format!("unknown map type {}", self.plain(said)));
                None
            }
        }
    }

    /// The kinds of a schema. What is not group, version and kind in strings is none.
    pub(super) fn kinds(self, schema: ValueRef<'_>) -> impl Iterator<Item = GroupVersionKind> {
        let items = schema.get(KIND).into_iter().flat_map(ValueRef::items);
        items.filter_map(move |item| self.one_kind(item))
    }

    /// The kind that an operation is about.
    pub(super) fn kind(self, operation: ValueRef<'_>) -> Option<GroupVersionKind> {
        self.one_kind(operation.get(KIND)?)
    }

    fn one_kind(self, said: ValueRef<'_>) -> Option<GroupVersionKind> {
        let text = |key| said.get(key).and_then(|said| self.text(said)).map(Cow::into_owned);
        let kind = GroupVersionKind {
            group: text("group")?,
            version: text("version")?,
            kind: text("kind")?,
        };
        (!kind.kind.is_empty()).then_some(kind)
    }

    /// What is wrong with the unions of a schema. They have no other effect.
    pub(super) fn unions(self, schema: ValueRef<'_>) -> Result<(), String> {
        let Some(unions) = schema.get(UNIONS) else { return Ok(()) };
        if unions.kind() != Kind::List {
            return Err(format!("{UNIONS:?} should be a list, got []interface {{}}(nil)"));
        }
        let mut members = Vec::new();
        for union in unions.items() {
            members.push(self.union(union)?);
        }
        let mut seen = std::collections::HashSet::new();
        match members.into_iter().flatten().find(|name| !seen.insert(name.clone())) {
            Some(name) => Err(format!("{name} field appears multiple times in unions")),
            None => Ok(()),
        }
    }

    /// The discriminator and the fields of a union.
    fn union<'a>(self, union: ValueRef<'a>) -> Result<Vec<Cow<'a, str>>, String> {
        const FIELDS: &str = "fields-to-discriminateBy";
        if union.kind() != Kind::Map {
            let got = self.source(union);
            return Err(format!("{UNIONS:?} items should be a map of string to unions, got {got}"));
        }
        if let Some(flag) = union.members().find_map(|(key, _)| self.boolean(&key)) {
            return Err(format!("{UNIONS:?} has non-string key: {flag}"));
        }
        let mut names = Vec::new();
        if let Some(said) = union.get("discriminator") {
            let name = self.text(said).ok_or_else(|| {
                format!("\"discriminator\" must be a string, got: {}", self.source(said))
            })?;
            names.push(name);
        }
        let Some(fields) = union.get(FIELDS) else { return Ok(names) };
        if fields.kind() != Kind::Map {
            let got = self.source(fields);
            return Err(format!("{FIELDS:?} must be a map[string]string, got: {got}"));
        }
        if let Some(flag) = fields.members().find_map(|(key, _)| self.boolean(&key)) {
            return Err(format!("{FIELDS:?}: field must be a string, got: {flag}"));
        }
        let mut values = std::collections::HashSet::new();
        for (field, said) in fields.members() {
            let value = self.text(said).ok_or_else(|| {
                let got = self.source(said);
                format!("{FIELDS:?}/{field}: value must be a string, got: {got}")
            })?;
            if !values.insert(value.clone()) {
                return Err(format!("Multiple fields have the same discriminated name: {value}"));
            }
            names.push(field);
        }
        Ok(names)
    }
}
