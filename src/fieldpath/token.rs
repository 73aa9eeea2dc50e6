//! Path elements as text.
//!
//! A token is the canonical FieldsV1 spelling of an element, JSON-escaped, without the quotes:
//! `f:spec`, `k:{\"name\":\"nginx\"}`, `v:1`, `i:0`. The empty token is the element that no item
//! has: it sorts last and cannot be written.
//!
//! Tokens are exact where FieldsV1 is not: a float that would read as an integer of 1e6 or more
//! (or as zero with a sign) keeps a trailing `.0`, because from there on integers and floats print
//! and compare differently. The mark is dropped when a set is written.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use crate::value::order::{self, Sorted};
use crate::value::text::{
    first_word, has_backslash, is_simple, needs_escape, prefix_word, unescape, write_exact_json,
    write_json, write_json_string_html, write_json_string_plain, write_path_value, write_quoted_go,
};
use crate::value::{Arena, Kind as ValueKind, Node, Source, Value, ValueRef};

use super::element::PathElement;

/// What tells a float from an integer where FieldsV1 has nothing.
const MARK: &str = ".0";

pub(crate) fn write_field(out: &mut String, name: &str) {
    out.push_str("f:");
    if needs_escape(name) {
        write_json_string_plain(out, name);
    } else {
        out.push_str(name);
    }
}

pub(crate) fn write_index(out: &mut String, index: i64) {
    // Writing to a string cannot fail.
    let _ = write!(out, "i:{index}");
}

pub(crate) fn write_value(out: &mut String, value: ValueRef<'_>) {
    out.push_str("v:");
    write_escaped_value(out, value);
}

/// A value's JSON, escaped as part of a JSON string.
fn write_escaped_value(out: &mut String, value: ValueRef<'_>) {
    if let Some(text) = value.as_str()
        && is_simple(&text)
    {
        out.push_str("\\\"");
        out.push_str(&text);
        out.push_str("\\\"");
        return;
    }
    if let ValueKind::Int | ValueKind::Bool = value.kind() {
        return write_exact_json(out, value);
    }
    let mut json = String::new();
    write_exact_json(&mut json, value);
    write_json_string_plain(out, &json);
}

/// Writes a key element field by field; fields must come sorted by name.
pub(crate) struct KeyWriter<'o> {
    out: &'o mut String,
    fields: usize,
}

impl<'o> KeyWriter<'o> {
    pub(crate) fn new(out: &'o mut String) -> KeyWriter<'o> {
        out.push_str("k:{");
        KeyWriter { out, fields: 0 }
    }

    fn name(&mut self, name: &str) {
        if self.fields > 0 {
            self.out.push(',');
        }
        self.fields += 1;
        if is_simple(name) {
            self.out.push_str("\\\"");
            self.out.push_str(name);
            self.out.push_str("\\\":");
        } else {
            let mut json = String::from("\"");
            write_json_string_plain(&mut json, name);
            json.push_str("\":");
            write_json_string_plain(self.out, &json);
        }
    }

    pub(crate) fn value(&mut self, name: &str, value: ValueRef<'_>) {
        self.name(name);
        write_escaped_value(self.out, value);
    }

    /// A value that is exact canonical JSON already.
    pub(crate) fn json(&mut self, name: &str, json: &str) {
        self.name(name);
        write_json_string_plain(self.out, json);
    }

    /// Closes the element and returns how many fields it has.
    pub(crate) fn finish(self) -> usize {
        self.out.push('}');
        self.fields
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Field,
    Key,
    Value,
    Index,
    Invalid,
}

#[inline]
fn kind(token: &[u8]) -> Kind {
    match token.first() {
        Some(b'f') => Kind::Field,
        Some(b'k') => Kind::Key,
        Some(b'v') => Kind::Value,
        Some(b'i') => Kind::Index,
        _ => Kind::Invalid,
    }
}

/// What a token says behind the letter for its kind and the colon.
#[inline]
fn body(token: &[u8]) -> &[u8] {
    token.get(2..).unwrap_or_default()
}

/// A token, or a part of one, as text. Tapes hold bytes, of which nothing else is ever made than what
/// was text before.
pub(super) fn text(token: &[u8]) -> &str {
    std::str::from_utf8(token).unwrap_or_default()
}

#[inline]
fn plain(escaped: &[u8]) -> Cow<'_, str> {
    let is_escaped = escaped.contains(&b'\\');
    let escaped = text(escaped);
    if is_escaped { Cow::Owned(unescape(escaped)) } else { Cow::Borrowed(escaped) }
}

pub(crate) fn is_key(token: &[u8]) -> bool {
    kind(token) == Kind::Key
}

/// The name of a field element, if it is spelled without escapes.
#[inline]
pub(crate) fn plain_field_name(token: &[u8]) -> Option<&[u8]> {
    let name = token.strip_prefix(b"f:")?;
    let mut rest = name;
    while !has_backslash(first_word(rest)) {
        match rest.get(8..) {
            Some(behind) => rest = behind,
            None => return Some(name),
        }
    }
    None
}

/// The name of a field element.
#[inline]
pub(crate) fn field_name(token: &[u8]) -> Option<Cow<'_, str>> {
    (kind(token) == Kind::Field).then(|| plain(body(token)))
}

fn index(token: &[u8]) -> i64 {
    text(body(token)).parse().unwrap_or_default()
}

/// Splits the text of a JSON object, known to be one, into names and value texts, in their order
/// and with repeated names kept.
pub(super) fn split_object(json: &str) -> Vec<(Cow<'_, str>, &str)> {
    let mut fields = Vec::new();
    let inner = json.trim_matches([' ', '\t', '\r', '\n']);
    let inner = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let (mut start, mut colon) = (0, None);
    let mut push = |start: usize, colon: Option<usize>, end: usize| {
        let Some(colon) = colon else { return };
        let space = [' ', '\t', '\r', '\n'];
        let name = inner.get(start..colon).unwrap_or_default().trim_matches(space);
        let name = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let value = inner.get(colon + 1..end).unwrap_or_default().trim_matches(space);
        fields.push((plain(name.unwrap_or_default().as_bytes()), value));
    };
    for (at, byte) in inner.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && colon.is_none() => colon = Some(at),
            b',' if depth == 0 => {
                push(start, colon, at);
                start = at + 1;
                colon = None;
            }
            _ => {}
        }
    }
    push(start, colon, inner.len());
    fields
}

/// One arena with both values, which are JSON.
fn both<'j>(left: &'j str, right: &'j str) -> Option<(Arena<'j>, Node, Node)> {
    let mut arena = Arena::default();
    let a = arena.parse(Source::Lent(left)).ok()?;
    let b = arena.parse(Source::Lent(right)).ok()?;
    Some((arena, a, b))
}

fn string_body(json: &str) -> Option<&str> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.as_bytes().contains(&b'\\')).then_some(inner)
}

fn is_number(json: &str) -> bool {
    matches!(json.as_bytes().first(), Some(b'0'..=b'9' | b'-'))
}

/// The number as a float: of an integer the nearest.
fn nearest_float(json: &str) -> Option<f64> {
    match json.parse::<i64>() {
        Ok(int) => Some(int as f64),
        Err(_) => json.parse().ok(),
    }
}

fn compare_json(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    if let (Some(left), Some(right)) = (string_body(left), string_body(right)) {
        return left.as_bytes().cmp(right.as_bytes());
    }
    if is_number(left) && is_number(right) {
        if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
            return left.cmp(&right);
        }
        if let (Some(left), Some(right)) = (nearest_float(left), nearest_float(right)) {
            return left.partial_cmp(&right).unwrap_or(Ordering::Equal);
        }
    }
    match both(left, right) {
        Some((arena, a, b)) => crate::deep::with_stack(arena.depth(), || arena.compare(a, b)),
        None => left.cmp(right),
    }
}

fn compare_keys(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (plain(left), plain(right));
    let (left, right) = (split_object(&left), split_object(&right));
    for ((name, value), (other_name, other)) in left.iter().zip(&right) {
        let order = name.as_bytes().cmp(other_name.as_bytes());
        let order = order.then_with(|| compare_json(value, other));
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

/// How many quotes stand in a part of a token, in which every backslash stands before one.
fn simple_quotes(part: &[u8]) -> Option<usize> {
    // In a token there is no quote without a backslash.
    let (quotes, slashes) = part.iter().fold((0usize, 0usize), |(quotes, slashes), byte| {
        (quotes + usize::from(*byte == b'"'), slashes + usize::from(*byte == b'\\'))
    });
    (quotes == slashes).then_some(quotes)
}

/// Where two texts begin to differ, if neither is the beginning of the other.
fn first_difference(left: &[u8], right: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let (Some(ours), Some(theirs)) = (
        left.get(at..).and_then(|rest| rest.first_chunk::<8>()),
        right.get(at..).and_then(|rest| rest.first_chunk::<8>()),
    ) {
        let differ = u64::from_le_bytes(*ours) ^ u64::from_le_bytes(*theirs);
        if differ != 0 {
            return Some(at + differ.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = left.get(at..)?.iter().zip(right.get(at..)?).position(|(a, b)| a != b)?;
    Some(at + rest)
}

/// The order of two key tokens that hold no escapes in front of where they begin to differ.
fn compare_simple_keys(left: &[u8], right: &[u8]) -> Option<Ordering> {
    let at = first_difference(left, right)?;
    let (prefix, rest) = left.split_at_checked(at)?;
    let theirs = right.get(at..)?;
    if simple_quotes(prefix)? % 2 == 0 {
        return compare_small_numbers(prefix, rest, theirs);
    }
    // Inside of a string, which may end here.
    match (rest, theirs) {
        ([b'\\', b'"', ..], _) => Some(Ordering::Less),
        (_, [b'\\', b'"', ..]) => Some(Ordering::Greater),
        ([b'\\', ..], _) | (_, [b'\\', ..]) => None,
        ([a, ..], [b, ..]) => Some(a.cmp(b)),
        _ => None,
    }
}

/// The order of two numbers of few digits that begin in the common prefix or right behind it.
fn compare_small_numbers(prefix: &[u8], left: &[u8], right: &[u8]) -> Option<Ordering> {
    let begun = prefix.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let begun = prefix.split_at_checked(prefix.len() - begun)?;
    if begun.0.last() != Some(&b':') {
        return None;
    }
    let number = |tail: &[u8]| {
        let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let ends = matches!(tail.get(digits), Some(b',' | b'}'));
        if !ends || digits + begun.1.len() > 6 || digits + begun.1.len() == 0 {
            return None;
        }
        let figures = begun.1.iter().chain(tail.get(..digits)?);
        Some(figures.fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0')))
    };
    // Equal numbers differ behind themselves.
    Some(number(left)?.cmp(&number(right)?)).filter(|order| order.is_ne())
}

/// How two fields, or a field and another element, are ordered that hold no escapes where they begin to
/// differ or before. None if something else is to be looked at.
#[inline]
pub(super) fn compare_plain(left: &[u8], right: &[u8]) -> Option<Ordering> {
    if left.first() != Some(&b'f') || right.first() != Some(&b'f') {
        return None;
    }
    let mut at = 0;
    while let (Some(our_rest), Some(their_rest)) = (left.get(at..), right.get(at..)) {
        let (ours, theirs) = (first_word(our_rest), first_word(their_rest));
        // Zeros stand for nothing: there are none in tokens.
        if ours != theirs {
            let is_plain = !has_backslash(ours) && !has_backslash(theirs);
            let begins_plain = || !left.iter().take(at).any(|byte| *byte == b'\\');
            return (is_plain && begins_plain()).then(|| ours.cmp(&theirs));
        }
        at += 8;
    }
    // Of two that begin alike the shorter is less.
    let begins_plain = !left.iter().take(at).any(|byte| *byte == b'\\');
    begins_plain.then(|| left.len().cmp(&right.len()))
}

/// The order of elements: fields, keys, values, indices, the invalid one; each by its content.
#[inline]
pub(crate) fn cmp(left: impl AsRef<[u8]>, right: impl AsRef<[u8]>) -> Ordering {
    let (left, right) = (left.as_ref(), right.as_ref());
    if left == right {
        return Ordering::Equal;
    }
    match compare_plain(left, right) {
        Some(order) => order,
        None => compare(left, right),
    }
}

fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let (ours, theirs) = (kind(left), kind(right));
    if ours != theirs {
        return ours.cmp(&theirs);
    }
    let (a, b) = (body(left), body(right));
    match ours {
        Kind::Field => {
            let escaped = |text: &[u8]| text.contains(&b'\\');
            if escaped(a) || escaped(b) {
                plain(a).as_bytes().cmp(plain(b).as_bytes())
            } else {
                a.cmp(b)
            }
        }
        Kind::Key => match compare_simple_keys(a, b) {
            Some(order) => order,
            None => compare_keys(a, b),
        },
        Kind::Value => match (simple_text(a), simple_text(b)) {
            (Some(ours), Some(theirs)) => ours.cmp(theirs),
            _ => compare_json(&plain(a), &plain(b)),
        },
        Kind::Index => index(left).cmp(&index(right)),
        Kind::Invalid => Ordering::Equal,
    }
}

/// Sorts so many tokens.
pub(crate) fn sorted<'t>(count: usize, token: impl Fn(usize) -> &'t [u8]) -> Sorted {
    let cmp = |left, right| cmp(token(left), token(right));
    match words(|| (0..count).map(|at| Begin::of(token(at)))) {
        Some(words) => Sorted::of(words.into_iter(), cmp),
        None => Sorted::of(std::iter::repeat_n(0, count), cmp),
    }
}

/// A word for each element, by which those are ordered that have different ones; none if that would
/// tell little.
fn words<'t, I: Iterator<Item = Option<Begin<'t>>>>(
    begins: impl Fn() -> I,
) -> Option<SmallVec<[u64; 16]>> {
    let first = begins().next()??;
    let mut common = first.text;
    for begin in begins() {
        common = order::common(common, begin.filter(|begin| first.is_like(*begin))?.text);
    }
    // What all texts have in common tells nothing.
    let common = common.len();
    let word = |Begin { text, number, .. }: Begin<'_>| {
        number.unwrap_or_else(|| prefix_word(text, common, text.len()))
    };
    Some(begins().flatten().map(word).collect())
}

/// What most elements are told apart by.
#[derive(Clone, Copy)]
struct Begin<'t> {
    kind: Kind,
    /// The first name of a key.
    name: &'t [u8],
    /// The name of a field, the text of a value, the first text of a key.
    text: &'t [u8],
    /// The number of a value, or the first one of a key, in place of a text: a word that is ordered as it
    /// is.
    number: Option<u64>,
}

impl<'t> Begin<'t> {
    /// None of an element where that does not do.
    fn of(token: &'t [u8]) -> Option<Begin<'t>> {
        let (kind, body) = (kind(token), body(token));
        let nothing: &[u8] = &[];
        let (name, text, number) = match kind {
            Kind::Field if !body.contains(&b'\\') => (nothing, body, None),
            Kind::Key => {
                let (name, rest) = split_at_backslash(body.strip_prefix(b"{\\\"")?)?;
                let value = rest.strip_prefix(b"\":")?;
                match value.strip_prefix(b"\\\"").map(split_at_backslash) {
                    Some(text) => {
                        let (text, rest) = text?;
                        (name, rest.starts_with(b"\"").then_some(text)?, None)
                    }
                    None => (name, nothing, Some(number_word(value)?)),
                }
            }
            Kind::Value => match simple_text(body) {
                Some(text) => (nothing, text, None),
                None => (nothing, nothing, Some(number_word(body)?)),
            },
            _ => return None,
        };
        Some(Begin { kind, name, text, number })
    }

    /// Whether the words of both can be compared.
    fn is_like(self, other: Begin<'_>) -> bool {
        self.kind == other.kind
            && self.name == other.name
            && self.number.is_some() == other.number.is_some()
    }
}

/// A word for the integer that a text begins with, if it is one of few digits: words are ordered as
/// integers are.
fn number_word(text: &[u8]) -> Option<u64> {
    const FEW: usize = 15;
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let count = digits.iter().take(FEW + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let ends = matches!(digits.get(count), None | Some(b',' | b'}'));
    if count == 0 || count > FEW || !ends {
        return None;
    }
    let number = digits.iter().take(count).fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
    const ZERO: u64 = 1 << 63;
    Some(if digits.len() < text.len() { ZERO - number } else { ZERO + number })
}

/// What a value says that is a plain string.
fn simple_text(value: &[u8]) -> Option<&[u8]> {
    let (text, rest) = split_at_backslash(value.strip_prefix(b"\\\"")?)?;
    (rest == b"\"").then_some(text)
}

/// What stands in front of a backslash, and what behind it.
fn split_at_backslash(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'\\')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Whether two tokens are the same element.
#[inline]
pub(crate) fn eq(left: impl AsRef<[u8]>, right: impl AsRef<[u8]>) -> bool {
    let (left, right) = (left.as_ref(), right.as_ref());
    left == right || (has_numbers(left) && cmp(left, right) == Ordering::Equal)
}

/// Whether another spelling of the element may be equal to it: only where a value is, or holds, a
/// number.
fn has_numbers(token: &[u8]) -> bool {
    let begins = |byte: Option<&u8>| {
        byte.is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'[' | b'{'))
    };
    match kind(token) {
        Kind::Value => begins(token.get(2)),
        // Values stand behind the closing quote of a name and a colon.
        Kind::Key => token
            .windows(3)
            .any(|window| matches!(window, [b'"', b':', b'0'..=b'9' | b'-' | b'[' | b'{'])),
        _ => false,
    }
}

/// Whether the element may hold an integer beyond 2^53: a number of sixteen digits or more.
#[inline]
pub(crate) fn is_wide(token: impl AsRef<[u8]>) -> bool {
    let token = token.as_ref();
    matches!(kind(token), Kind::Key | Kind::Value) && has_long_run(token) && has_numbers(token)
}

/// Whether sixteen digits stand in a row. Every such run covers one place in sixteen.
fn has_long_run(bytes: &[u8]) -> bool {
    let run = |bytes: &mut dyn Iterator<Item = &u8>| {
        bytes.take(16).take_while(|byte| byte.is_ascii_digit()).count()
    };
    (15..bytes.len()).step_by(16).any(|at| match bytes.split_at_checked(at) {
        Some((before, after)) if after.first().is_some_and(u8::is_ascii_digit) => {
            run(&mut before.iter().rev()) + run(&mut after.iter()) >= 16
        }
        _ => false,
    })
}

/// A token that hashes and compares by what it means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'t>(pub(crate) &'t [u8]);

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Element<'_>) -> bool {
        eq(self.0, other.0)
    }
}

impl Eq for Element<'_> {}

impl Hash for Element<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Element(token) = *self;
        if has_numbers(token) && may_differ_in_spelling(token) {
            normalised(token).hash(state);
        } else {
            token.hash(state);
        }
    }
}

/// Seven digits in a row, a sign before zero or a mark: numbers where kinds matter.
fn may_differ_in_spelling(token: &[u8]) -> bool {
    let mut run = 0;
    token.windows(2).any(|pair| pair == b"-0" || pair == b".0")
        || token.iter().any(|byte| {
            run = if byte.is_ascii_digit() { run + 1 } else { 0 };
            run >= 7
        })
}

/// The token with every number spelled as a float.
fn normalised(token: &[u8]) -> Vec<u8> {
    fn write(out: &mut String, value: ValueRef<'_>) {
        if let Some(number) = value.as_f64() {
            let number = if number == 0.0 { 0.0 } else { number };
            crate::value::text::write_float_json(out, number);
        } else if value.is_empty() {
            write_json(out, value);
        } else {
            out.push('(');
            for item in value.items() {
                write(out, item);
                out.push(',');
            }
            for (key, member) in value.members() {
                write_json_string_html(out, &key);
                out.push(':');
                write(out, member);
                out.push(',');
            }
            out.push(')');
        }
    }
    let alike = |value: &Value| {
        let mut text = String::new();
        let depth = value.parts().0.depth();
        crate::deep::with_stack(depth, || write(&mut text, value.as_ref()));
        text
    };
    let json = plain(body(token));
    let mut out = String::new();
    if kind(token) == Kind::Key {
        out.push_str("k:{");
        for (index, (name, json)) in split_object(&json).into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str("\\\"");
            write_json_string_plain(&mut out, &name);
            out.push_str("\\\":");
            if let Ok(value) = Value::from_json(json) {
                write_json_string_plain(&mut out, &alike(&value));
            }
        }
        out.push('}');
    } else if let Ok(value) = Value::from_json(&json) {
        out.push_str("v:");
        write_json_string_plain(&mut out, &alike(&value));
    }
    out.into_bytes()
}

/// The names of the fields of a key element; none for other elements.
pub(crate) fn key_names(token: &[u8]) -> Vec<String> {
    if kind(token) != Kind::Key {
        return Vec::new();
    }
    let json = plain(body(token));
    split_object(&json).into_iter().map(|(name, _)| name.into_owned()).collect()
}

/// The element as paths show it.
pub(crate) fn write_display(out: &mut String, token: impl AsRef<[u8]>) {
    let token = token.as_ref();
    match kind(token) {
        Kind::Field => {
            out.push('.');
            out.push_str(&plain(body(token)));
        }
        Kind::Key => {
            out.push('[');
            let json = plain(body(token));
            for (index, (name, value)) in split_object(&json).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&name);
                out.push('=');
                write_json_display(out, value);
            }
            out.push(']');
        }
        Kind::Value => {
            out.push_str("[=");
            write_json_display(out, &plain(body(token)));
            out.push(']');
        }
        Kind::Index => {
            out.push('[');
            out.push_str(text(body(token)));
            out.push(']');
        }
        Kind::Invalid => out.push_str("{{invalid path element}}"),
    }
}

fn write_json_display(out: &mut String, json: &str) {
    if let Some(text) = string_body(json) {
        write_quoted_go(out, text);
    } else if let Ok(value) = Value::from_json(json) {
        write_path_value(out, value.as_ref());
    }
}

/// Whether the token may have a mark.
pub(super) fn may_have_mark(token: &[u8]) -> bool {
    matches!(kind(token), Kind::Key | Kind::Value)
        && token.contains(&b'.')
        && text(token).contains(MARK)
}

/// Writes the token without marks, as FieldsV1 has it.
pub(super) fn write_wire(out: &mut String, token: &[u8]) {
    if !may_have_mark(token) {
        out.push_str(text(token));
        return;
    }
    let json = plain(body(token));
    let mut wire = String::new();
    if kind(token) == Kind::Key {
        wire.push_str("k:{");
        for (index, (name, json)) in split_object(&json).into_iter().enumerate() {
            if index > 0 {
                wire.push(',');
            }
            wire.push('"');
            write_json_string_plain(&mut wire, &name);
            wire.push_str("\":");
            write_without_marks(&mut wire, json);
        }
        wire.push('}');
    } else {
        wire.push_str("v:");
        write_without_marks(&mut wire, &json);
    }
    write_json_string_plain(out, &wire);
}

fn write_without_marks(out: &mut String, json: &str) {
    if let Ok(value) = Value::from_json(json) {
        write_json(out, value.as_ref());
    }
}

/// The element itself.
pub(crate) fn parse(token: impl AsRef<[u8]>) -> PathElement {
    let token = token.as_ref();
    let value = |json: &str| Value::from_json(json).unwrap_or_else(|_| Value::null());
    match kind(token) {
        Kind::Field => PathElement::FieldName(plain(body(token)).into_owned()),
        Kind::Key => PathElement::Key(
            split_object(&plain(body(token)))
                .into_iter()
                .map(|(name, json)| (name.into_owned(), value(json)))
                .collect(),
        ),
        Kind::Value => PathElement::Value(value(&plain(body(token)))),
        Kind::Index => PathElement::Index(index(token)),
        Kind::Invalid => PathElement::Invalid,
    }
}

/// The token of an element.
pub(crate) fn of(element: &PathElement) -> String {
    let mut out = String::new();
    match element {
        PathElement::FieldName(name) => write_field(&mut out, name),
        PathElement::Key(fields) => {
            let mut key = KeyWriter::new(&mut out);
            for (name, value) in fields {
                key.value(name, value.as_ref());
            }
            key.finish();
        }
        PathElement::Value(value) => write_value(&mut out, value.as_ref()),
        PathElement::Index(index) => write_index(&mut out, *index),
        PathElement::Invalid => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        /// What elements are told apart by at first has their order.
        #[test]
        fn sorted_is_in_order(
            kind in 0..5,
            numbers in prop::collection::vec(prop_oneof![-20i64..20, any::<i64>()], 0..40),
        ) {
            let token = |number: &i64| match kind {
                0 => format!("f:field-{number}"),
                1 => format!(r#"k:{{\"port\":{number}}}"#),
                2 => format!(r#"k:{{\"name\":\"n{}\",\"port\":{number}}}"#, number % 3),
                3 => format!("v:{number}"),
                _ if number % 2 == 0 => format!(r#"v:\"{number}\""#),
                _ => format!("v:{number}.5"),
            };
            let tokens: Vec<String> = numbers.iter().map(token).collect();
            let get = |at: usize| tokens.get(at).map(String::as_bytes).unwrap_or_default();
            let sorted = super::sorted(tokens.len(), get);
            let mut expected: Vec<usize> = (0..tokens.len()).collect();
            expected.sort_by(|left, right| super::cmp(get(*left), get(*right)));
            prop_assert_eq!(sorted.places().collect::<Vec<_>>(), expected);
            let is_repeated = |(at, token)| tokens.iter().skip(at + 1).any(|other| super::eq(token, other));
            prop_assert_eq!(sorted.repeats, tokens.iter().enumerate().any(is_repeated));
        }
    }
}
