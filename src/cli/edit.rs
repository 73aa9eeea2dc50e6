//! Small changes to an object's JSON text that leave everything else as it is spelled.
//!
//! The text is that of a parsed document, so it is well formed. Nothing recurses: a value is
//! skipped by counting brackets.

use std::ops::Range;

use crate::value::text::write_json_string_quoted;

/// A member of an object, as places in the text.
pub(super) struct Member {
    /// The quoted key.
    key: Range<usize>,
    /// The value.
    pub(super) value: Range<usize>,
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_json_string_quoted(&mut out, text);
    out
}

fn slice<'j>(json: &'j str, range: &Range<usize>) -> &'j str {
    json.get(range.clone()).unwrap_or_default()
}

fn skip_space(json: &str, at: usize) -> usize {
    let rest = json.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Where the value that begins at `at` ends.
fn value_end(json: &str, at: usize) -> usize {
    let bytes = json.as_bytes().get(at..).unwrap_or_default();
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (offset, byte) in bytes.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            if !in_string && depth == 0 {
                return at + offset + 1;
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'}' | b']' if depth == 1 => return at + offset + 1,
            b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return at + offset,
            _ => {}
        }
    }
    json.len()
}

/// The members of the object that begins at `at`; none if it is no object.
pub(super) fn members(json: &str, at: usize) -> Vec<Member> {
    let mut found = Vec::new();
    let mut at = skip_space(json, at);
    if json.as_bytes().get(at) != Some(&b'{') {
        return found;
    }
    loop {
        at = skip_space(json, at + 1);
        if json.as_bytes().get(at) != Some(&b'"') {
            return found;
        }
        let key = at..value_end(json, at);
        let colon = skip_space(json, key.end);
        let start = skip_space(json, colon + 1);
        let value = start..value_end(json, start);
        at = skip_space(json, value.end);
        found.push(Member { key, value });
        if json.as_bytes().get(at) != Some(&b',') {
            return found;
        }
    }
}

pub(super) fn is_key(json: &str, member: &Member, name: &str) -> bool {
    let raw = slice(json, &member.key);
    if raw.contains('\\') {
        serde_json::from_str::<String>(raw).is_ok_and(|key| key == name)
    } else {
        raw.get(1..raw.len().saturating_sub(1)) == Some(name)
    }
}

/// The member of this name; of several the last, which is the one that counts.
pub(super) fn member(json: &str, at: usize, name: &str) -> Option<Member> {
    members(json, at).into_iter().rfind(|member| is_key(json, member, name))
}

/// With these places replaced; they ascend and do not overlap.
pub(super) fn replace<'r>(
    json: &str,
    places: impl IntoIterator<Item = (Range<usize>, &'r str)>,
) -> String {
    let mut out = String::with_capacity(json.len());
    let mut at = 0;
    for (place, text) in places {
        out.push_str(slice(json, &(at..place.start)));
        out.push_str(text);
        at = place.end;
    }
    out.push_str(slice(json, &(at..json.len())));
    out
}

/// The object that begins at `at` with this member added behind the others, or changed if it is
/// there.
fn with_member(json: &str, at: usize, name: &str, value: &str) -> String {
    let at = skip_space(json, at);
    if let Some(member) = member(json, at, name) {
        return replace(json, [(member.value, value)]);
    }
    let close = value_end(json, at).saturating_sub(1);
    let comma = if members(json, at).is_empty() { "" } else { "," };
    let text = format!("{comma}{}:{value}", quoted(name));
    replace(json, [(close..close, text.as_str())])
}

/// The object with a text in its `metadata`, which is made if there is none. A `metadata` that is
/// something else stays, for others to complain about.
pub(super) fn with_metadata(json: &str, name: &str, text: &str) -> String {
    let value = quoted(text);
    match member(json, 0, "metadata") {
        Some(metadata) if slice(json, &metadata.value).starts_with('{') => {
            with_member(json, metadata.value.start, name, &value)
        }
        Some(metadata) if slice(json, &metadata.value) != "null" => json.to_owned(),
        _ => with_member(json, 0, "metadata", &format!("{{{}:{value}}}", quoted(name))),
    }
}

/// The object with these two members in front of the others.
pub(super) fn with_type(json: &str, api_version: &str, kind: &str) -> String {
    let at = skip_space(json, 0);
    if json.as_bytes().get(at) != Some(&b'{') {
        return json.to_owned();
    }
    let comma = if members(json, at).is_empty() { "" } else { "," };
    let text = format!("\"apiVersion\":{},\"kind\":{}{comma}", quoted(api_version), quoted(kind));
    replace(json, [(at + 1..at + 1, text.as_str())])
}

/// The object without its `metadata.managedFields`.
pub(super) fn without_managed_fields(json: &str) -> String {
    let Some(metadata) = member(json, 0, "metadata") else { return json.to_owned() };
    let all = members(json, metadata.value.start);
    if !all.iter().any(|member| is_key(json, member, "managedFields")) {
        return json.to_owned();
    }
    let kept: Vec<String> = all
        .iter()
        .filter(|member| !is_key(json, member, "managedFields"))
        .map(|member| format!("{}:{}", slice(json, &member.key), slice(json, &member.value)))
        .collect();
    replace(json, [(metadata.value, format!("{{{}}}", kept.join(",")).as_str())])
}

#[cfg(test)]
mod tests {
    use super::{with_metadata, with_type, without_managed_fields};

    #[test]
    fn metadata_is_filled_in() {
        let cases = [
            (r#"{"a":1}"#, r#"{"a":1,"metadata":{"name":"x"}}"#),
            ("{}", r#"{"metadata":{"name":"x"}}"#),
            (r#"{"metadata":null,"b":2}"#, r#"{"metadata":{"name":"x"},"b":2}"#),
            (r#"{ "metadata" : { } }"#, r#"{ "metadata" : { "name":"x"} }"#),
            (
                r#"{"metadata":{"labels":{"name":"}"}},"b":2}"#,
                r#"{"metadata":{"labels":{"name":"}"},"name":"x"},"b":2}"#,
            ),
            (r#"{"metadata":{"n\u0061me":null}}"#, r#"{"metadata":{"n\u0061me":"x"}}"#),
            (r#"{"metadata":5}"#, r#"{"metadata":5}"#),
        ];
        for (json, filled) in cases {
            assert_eq!(with_metadata(json, "name", "x"), filled);
        }
    }

    #[test]
    fn managed_fields_are_taken_out() {
        let cases = [
            (
                r#"{"metadata":{"managedFields":[{"a":"]"}],"name":"x"}}"#,
                r#"{"metadata":{"name":"x"}}"#,
            ),
            (
                r#"{"metadata": {"name":"x", "managedFields":null}, "a":1}"#,
                r#"{"metadata": {"name":"x"}, "a":1}"#,
            ),
            (r#"{"spec":{"managedFields":1}}"#, r#"{"spec":{"managedFields":1}}"#),
        ];
        for (json, bare) in cases {
            assert_eq!(without_managed_fields(json), bare);
        }
    }

    #[test]
    fn types_come_first() {
        assert_eq!(
            with_type(r#"{"a":1}"#, "v1", "Pod"),
            r#"{"apiVersion":"v1","kind":"Pod","a":1}"#
        );
        assert_eq!(with_type(" {}", "v1", "Pod"), r#" {"apiVersion":"v1","kind":"Pod"}"#);
    }
}
