//! Strings and numbers as text: JSON in the two spellings that FieldsV1 mixes, and the spelling
//! that paths use.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::view::{Kind, ValueRef};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Marks, in the highest bit of each, the bytes of a word that are this one. Only the lowest mark is sure
/// to be right.
#[inline(always)]
fn marked(word: u64, byte: u8) -> u64 {
    // The usual trick: a byte is zero after the exclusive or exactly where it matched.
    let word = word ^ (ONES * u64::from(byte));
    word.wrapping_sub(ONES) & !word & HIGH
}

/// Marks the control characters of a word; as [`marked`].
#[inline(always)]
fn marked_controls(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGH
}

/// Whether one of eight bytes is a backslash.
#[inline(always)]
pub(crate) fn has_backslash(word: u64) -> bool {
    marked(word, b'\\') != 0
}

/// The index of the first quote, backslash or control character among eight bytes, or 8.
#[inline]
pub(super) fn first_special(word: u64) -> usize {
    let hits = marked(word, b'"') | marked(word, b'\\') | marked_controls(word);
    if hits == 0 { 8 } else { (hits.trailing_zeros() / 8) as usize }
}

/// Where the next quote, backslash or control character stands, or where fewer than eight bytes are
/// left before one is found.
#[inline]
pub(crate) fn skip_plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let stop = first_special(u64::from_le_bytes(*chunk));
        at += stop;
        if stop < 8 {
            break;
        }
    }
    at
}

/// Marks what [`skip_simple`] looks for; as [`marked`].
#[inline(always)]
fn marked_odd(word: u64) -> u64 {
    // Quote and ampersand, and the two angles, differ in one bit.
    let quotes = marked(word & !(ONES * 0x04), b'"');
    let angles = marked(word & !(ONES * 0x02), b'<');
    let others = marked(word, b'\\') | marked(word, 0x7f) | marked_controls(word);
    quotes | angles | others | (word & HIGH)
}

/// Whether a text stands as it is inside of a string in a string; see [`skip_simple`].
#[inline]
pub(crate) fn is_simple(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (chunks, _) = bytes.as_chunks::<8>();
    if chunks.iter().any(|chunk| marked_odd(u64::from_le_bytes(*chunk)) != 0) {
        return false;
    }
    let rest = match bytes.last_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        // Spaces behind the text.
        None => first_word(bytes) | ((ONES * 0x20) >> (8 * bytes.len())),
    };
    marked_odd(rest) == 0
}

/// Where the next byte stands that means something else inside of a string in a string, or is spelled in
/// several ways there: all but printable ASCII, quotes, backslashes, and what HTML escapes.
#[inline]
pub(crate) fn skip_simple(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let odd = marked_odd(u64::from_le_bytes(*chunk));
        if odd != 0 {
            return at + (odd.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let is_odd = |byte: &u8| {
        !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&')
    };
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(is_odd).unwrap_or(rest.len())
}

/// The first eight bytes of a part of a text as one number: parts of different numbers are ordered
/// as these are, unless they hold zeros.
#[inline]
pub(crate) fn prefix_word(bytes: &[u8], start: usize, end: usize) -> u64 {
    let length = end.saturating_sub(start);
    match bytes.get(start..).and_then(|rest| rest.first_chunk::<8>()) {
        _ if length == 0 => 0,
        Some(chunk) if length >= 8 => u64::from_be_bytes(*chunk),
        Some(chunk) => u64::from_be_bytes(*chunk) & (u64::MAX << (64 - 8 * length)),
        None => first_word(bytes.get(start..end).unwrap_or_default()),
    }
}

/// The first eight bytes as one number, as [`prefix_word`] of all of them.
#[inline(always)]
pub(crate) fn first_word(bytes: &[u8]) -> u64 {
    if let Some(chunk) = bytes.first_chunk::<8>() {
        return u64::from_be_bytes(*chunk);
    }
    // Two halves that overlap, or single bytes.
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(head), Some(tail)) => {
            let (head, tail) = (u32::from_be_bytes(*head), u32::from_be_bytes(*tail));
            u64::from(head) << 32 | u64::from(tail) << (8 * (8 - bytes.len()))
        }
        _ => {
            let word = bytes.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
            // Of nothing there is nothing to shift.
            word.checked_shl(64 - 8 * bytes.len() as u32).unwrap_or(0)
        }
    }
}

/// Whether two texts are the same; for short ones without a call.
#[inline(always)]
pub(crate) fn is_same(left: &[u8], right: &[u8]) -> bool {
    const SHORT: usize = 48;
    if left.len() != right.len() {
        return false;
    }
    if left.len() > SHORT {
        return left == right;
    }
    let (ours, theirs) = (left.as_chunks::<8>().0, right.as_chunks::<8>().0);
    if ours.iter().zip(theirs).any(|(ours, theirs)| ours != theirs) {
        return false;
    }
    match (left.last_chunk::<8>(), right.last_chunk::<8>()) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => first_word(left) == first_word(right),
    }
}

/// Whether the text holds a quote, a backslash or a control character.
#[inline]
pub(crate) fn needs_escape(text: &str) -> bool {
    let mut chunks = text.as_bytes().chunks_exact(8);
    let found = chunks.by_ref().any(|chunk| {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        first_special(u64::from_le_bytes(word)) < 8
    });
    found || chunks.remainder().iter().any(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'))
}

/// Decodes the escapes of a JSON string body; an unpaired surrogate becomes U+FFFD.
pub(crate) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = escape.chars();
        chars.next();
        let kind = chars.next();
        rest = chars.as_str();
        match kind {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let unit = hex(rest);
                rest = rest.get(4..).unwrap_or_default();
                let mut code = unit;
                if (0xd800..0xdc00).contains(&unit)
                    && let Some(low) = rest.strip_prefix("\\u").map(hex)
                    && (0xdc00..0xe000).contains(&low)
                {
                    code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    rest = rest.get(6..).unwrap_or_default();
                }
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out.push_str(rest);
    out
}

/// The order of two JSON string bodies by what they say. Decodes them only if they first differ at an
/// escape of a character that needs none.
pub(super) fn compare_escaped(left: &str, right: &str) -> Ordering {
    let (a, b) = (left.as_bytes(), right.as_bytes());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let before = a.get(same.saturating_sub(5)..same).unwrap_or_default();
    let in_digits = before.windows(2).any(|pair| pair == b"\\u");
    // What an even number of backslashes stands before is no part of an escape.
    let slashes = a.iter().take(same).rev().take_while(|byte| **byte == b'\\').count();
    let said = |bytes: &[u8]| match bytes.get(same..) {
        Some([b'\\', escaped @ (b'"' | b'\\' | b'/'), ..]) => Some(Some(*escaped)),
        Some([b'\\', ..]) => None,
        Some([byte, ..]) => Some(Some(*byte)),
        _ => Some(None),
    };
    match (said(a), said(b)) {
        (Some(None), Some(None)) => Ordering::Equal,
        // An equal byte may be spelled in two ways.
        (Some(a), Some(b)) if a != b && slashes % 2 == 0 && !in_digits => a.cmp(&b),
        _ => unescape(left).as_bytes().cmp(unescape(right).as_bytes()),
    }
}

fn hex(text: &str) -> u32 {
    text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xfffd)
}

fn escape_with(out: &mut String, text: &str, html: bool) {
    let special = |byte: u8| {
        byte < 0x20
            || byte == b'"'
            || byte == b'\\'
            || (html && (matches!(byte, b'<' | b'>' | b'&') || byte == 0xe2))
    };
    let mut rest = text;
    while let Some(at) = rest.bytes().position(special) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{2028}') => out.push_str("\\u2028"),
            Some('\u{2029}') => out.push_str("\\u2029"),
            Some(other) if other < '\u{20}' || matches!(other, '<' | '>' | '&') => {
                let _ = write!(out, "\\u{:04x}", u32::from(other));
            }
            Some(other) => out.push(other),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// A JSON string body with only the escapes that JSON demands.
pub(crate) fn write_json_string_plain(out: &mut String, text: &str) {
    escape_with(out, text, false);
}

/// A JSON string body with `<`, `>`, `&`, U+2028 and U+2029 escaped too.
pub(crate) fn write_json_string_html(out: &mut String, text: &str) {
    escape_with(out, text, true);
}

/// A whole JSON string, plain escapes.
pub(crate) fn write_json_string_quoted(out: &mut String, text: &str) {
    out.push('"');
    escape_with(out, text, false);
    out.push('"');
}

/// Text between double quotes with everything unprintable escaped, as paths and conflicts show it.
pub(crate) fn write_quoted_go(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            _ if is_printable(character) => out.push(character),
            '\u{80}'..='\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(character));
            }
        }
    }
    out.push('"');
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    super::printable::is_printable(character)
}

/// The shortest decimal digits that read back as `value` (positive and finite; of several the
/// closest, of two the even ones), and the exponent of the first digit.
fn digits(value: f64, out: &mut String) -> i32 {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let point: i32 = exponent.parse::<i32>().unwrap_or_default() + whole.len() as i32;
    out.push_str(whole);
    out.push_str(fraction);
    let zeros = out.len() - out.trim_start_matches('0').len();
    out.drain(..zeros);
    out.truncate(out.trim_end_matches('0').len());
    point - zeros as i32 - 1
}

fn write_float(out: &mut String, value: f64, exponent_form: impl Fn(f64, i32) -> bool) {
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        return;
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let size = value.abs();
    if size == 0.0 {
        out.push('0');
        return;
    }
    let mut figures = String::new();
    let exponent = digits(size, &mut figures);
    if exponent_form(size, exponent) {
        let (first, rest) = figures.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.abs());
        return;
    }
    let zeros = |out: &mut String, count: i32| {
        out.extend(std::iter::repeat_n('0', usize::try_from(count).unwrap_or(0)));
    };
    // How many of the digits stand in front of the point.
    let point = exponent + 1;
    match usize::try_from(point) {
        Ok(point) if point >= figures.len() => {
            out.push_str(&figures);
            zeros(out, exponent + 1 - figures.len() as i32);
        }
        Ok(point) if point > 0 => {
            let (whole, fraction) = figures.split_at(point);
            out.push_str(whole);
            out.push('.');
            out.push_str(fraction);
        }
        _ => {
            out.push_str("0.");
            zeros(out, -point);
            out.push_str(&figures);
        }
    }
}

/// A float as JSON: the exponent form below 1e-6 and from 1e21 on.
pub(crate) fn write_float_json(out: &mut String, value: f64) {
    write_float(out, value, |size, _| !(1e-6..1e21).contains(&size));
}

/// A float as paths show it: the exponent form for exponents below -4 and from 6 on.
pub(crate) fn write_float_path(out: &mut String, value: f64) {
    write_float(out, value, |_, exponent| !(-4..6).contains(&exponent));
}

/// The value as canonical JSON: compact, keys sorted, HTML characters escaped.
pub(crate) fn write_json(out: &mut String, value: ValueRef<'_>) {
    with_room(value, || write_json_with(out, value, &write_float_json));
}

/// The value as Go's own encoder writes it: as [`write_json`], but with `1e-7` for `1e-07` and the
/// short escapes of backspace and form feed.
pub(crate) fn write_go_json(out: &mut String, value: ValueRef<'_>) {
    let float = |out: &mut String, value: f64| {
        write_float_json(out, value);
        if let Some(at) = out.len().checked_sub(4)
            && out.get(at..).is_some_and(|tail| tail.starts_with("e-0"))
        {
            out.remove(at + 2);
        }
    };
    let mut written = String::new();
    with_room(value, || write_json_with(&mut written, value, &float));
    let mut rest = written.as_str();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (escape, after) = match escape.get(..6) {
            Some("\\u0008") => ("\\b", 6),
            Some("\\u000c") => ("\\f", 6),
            _ => (escape.get(..2).unwrap_or(escape), 2),
        };
        out.push_str(escape);
        rest = rest.get(at + after..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// Runs a walk over a value that may be deep.
fn with_room<R: Send>(value: ValueRef<'_>, walk: impl FnOnce() -> R + Send) -> R {
    let depth = if value.is_empty() { 0 } else { value.depth() };
    crate::deep::with_stack(depth, walk)
}

/// As [`write_json`], but a float that would read as an integer keeps a trailing `.0` from 1e6 on,
/// where integers and floats stop being alike.
pub(crate) fn write_exact_json(out: &mut String, value: ValueRef<'_>) {
    with_room(value, || write_json_with(out, value, &write_float_exact));
}

/// A float as [`write_exact_json`] spells it.
pub(crate) fn write_float_exact(out: &mut String, value: f64) {
    write_float_json(out, value);
    let negative_zero = value == 0.0 && value.is_sign_negative();
    if negative_zero || (value.fract() == 0.0 && (1e6..1e21).contains(&value.abs())) {
        out.push_str(".0");
    }
}

fn write_json_with(
    out: &mut String,
    value: ValueRef<'_>,
    float: &(dyn Fn(&mut String, f64) + Sync),
) {
    match value.kind() {
        Kind::Null => out.push_str("null"),
        Kind::Bool => out.push_str(if value.as_bool() == Some(true) { "true" } else { "false" }),
        Kind::Int => {
            let _ = write!(out, "{}", value.as_i64().unwrap_or_default());
        }
        Kind::Float => float(out, value.as_f64().unwrap_or_default()),
        Kind::String => {
            out.push('"');
            write_json_string_html(out, &value.as_str().unwrap_or_default());
            out.push('"');
        }
        Kind::List => {
            out.push('[');
            for (index, item) in value.items().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json_with(out, item, float);
            }
            out.push(']');
        }
        Kind::Map => {
            out.push('{');
            for (index, (key, member)) in value.members().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push('"');
                write_json_string_html(out, &key);
                out.push_str("\":");
                write_json_with(out, member, float);
            }
            out.push('}');
        }
    }
}

/// The value as paths show it.
pub(crate) fn write_path_value(out: &mut String, value: ValueRef<'_>) {
    with_room(value, || write_path_part(out, value));
}

fn write_path_part(out: &mut String, value: ValueRef<'_>) {
    match value.kind() {
        Kind::Float => write_float_path(out, value.as_f64().unwrap_or_default()),
        Kind::String => write_quoted_go(out, &value.as_str().unwrap_or_default()),
        Kind::List => {
            out.push('[');
            for (index, item) in value.items().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_path_part(out, item);
            }
            out.push(']');
        }
        Kind::Map => {
            for (key, member) in value.members() {
                out.push_str(&key);
                out.push('=');
                write_path_part(out, member);
            }
        }
        Kind::Null | Kind::Bool | Kind::Int => write_json(out, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    /// Steps of eight bytes, the last of which overlap, see what a look at each byte sees.
    #[test]
    fn texts_are_simple_and_the_same_if_all_their_bytes_are() {
        for length in 0..=60 {
            let plain = "a".repeat(length);
            assert!(is_simple(&plain) && is_same(plain.as_bytes(), plain.as_bytes()));
            assert!(!is_same(plain.as_bytes(), format!("{plain}a").as_bytes()));
            for at in 0..length {
                let (before, after) = ("a".repeat(at), "a".repeat(length - at - 1));
                for character in (0..=0x7f_u8).map(char::from).chain(['é']) {
                    let text = format!("{before}{character}{after}");
                    let is_plain = matches!(character, ' '..='~') && !"\"\\<>&".contains(character);
                    assert_eq!(is_simple(&text), is_plain, "{text:?}");
                    let same = is_same(plain.as_bytes(), text.as_bytes());
                    assert_eq!(same, character == 'a', "{text:?}");
                }
            }
        }
    }

    #[test]
    fn escaped_texts_are_ordered_by_what_they_say() {
        let texts = [
            "",
            "a",
            "ab",
            "b",
            "\\\"",
            "a\\\"",
            "a\\\"b",
            "a\\\\",
            "a\\\\\\\"",
            "a\\n",
            "a\\/",
            "a/",
            "\\u0041",
            "\\u0042",
            "\\u00e9",
            "\\u00Ea",
            "é",
            "ê",
            "A",
            "B",
            "\\\\u0041",
            "\\\\u004",
            "\\ud83d\\ude00",
            "\\ud83d\\ude01",
            "😀",
            "\\ud83dx",
            "x\\u0022",
            "x\\\"",
            "x\\\"y",
            "x#",
            "x!",
        ];
        for left in texts {
            for right in texts {
                let expected = unescape(left).as_bytes().cmp(unescape(right).as_bytes());
                assert_eq!(compare_escaped(left, right), expected, "{left} and {right}");
            }
        }
    }

    #[test]
    fn path_floats_follow_the_reference() {
        for (value, expected) in [
            (3.0, "3"),
            (100000.0, "100000"),
            (999999.0, "999999"),
            (123456.5, "123456.5"),
            (0.0001, "0.0001"),
            (0.00012345, "0.00012345"),
            (3.14259, "3.14259"),
            (1000000.0, "1e+06"),
            (1234567.0, "1.234567e+06"),
            (1234567.5, "1.2345675e+06"),
            (9007199254740992.0, "9.007199254740992e+15"),
            (1e21, "1e+21"),
            (0.00001, "1e-05"),
            (-0.5, "-0.5"),
            (-0.0, "-0"),
        ] {
            assert_eq!(written(|out| write_float_path(out, value)), expected);
        }
    }

    #[test]
    fn json_floats_follow_the_reference() {
        for (value, expected) in [
            (1.0, "1"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (1e-7, "1e-07"),
            (1.5e-7, "1.5e-07"),
            (0.000001, "0.000001"),
            (-0.0, "-0"),
        ] {
            assert_eq!(written(|out| write_float_json(out, value)), expected);
        }
    }

    #[test]
    fn quoting_escapes_what_does_not_print() {
        let text = "a\"\\\u{7}\n\u{1}\u{7f}\u{a0}\u{200b}\u{e0001}é🚀\u{fffd}";
        let expected = r#""a\"\\\a\n\x01\x7f\u00a0\u200b\U000e0001é🚀"#.to_owned() + "\u{fffd}\"";
        assert_eq!(written(|out| write_quoted_go(out, text)), expected);
    }
}
