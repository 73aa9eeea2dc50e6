//! FieldsV1, the JSON form of a set.
#![expect(clippy::indexing_slicing, reason = "all indices are bounded by scans of the same text")]

use std::borrow::Cow;
use std::fmt::Write as _;

use smallvec::SmallVec;

use crate::value::text::{
    prefix_word, skip_plain, skip_simple, unescape, write_exact_json, write_json_string_plain,
};
use crate::value::{Arena, MAX_DEPTH, ParseError, ParseErrorKind, Source, ValueRef};

use super::canonical::{self, SimpleKey};
use super::element::ElementError;
use super::normalise::{Repeats, normalise};
use super::set::{FieldSet, Head, Writer, Written, elements};
use super::token;

/// Why a document is not FieldsV1, or a set cannot be written as it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldsV1Error {
    /// Not JSON.
    #[error("{0}")]
    Json(ParseError),
    /// Something other than an object or null where a set belongs.
    #[error("expected an object or null at byte {0}")]
    NotASet(usize),
    /// A key that is no path element.
    #[error("parsing key as path element: {0}")]
    Element(ElementError),
    /// The set holds an item that cannot be told from others.
    #[error("invalid PathElement")]
    Invalid,
}

impl FieldSet {
    /// Reads a FieldsV1 document. Any order and spelling is accepted; elements of unknown kinds
    /// are passed over. n log n at worst.
    ///
    /// # Errors
    /// Bytes that are not JSON, nesting beyond 10,000 levels, keys that are no path elements.
    pub fn from_fields_v1(json: &[u8]) -> Result<FieldSet, FieldsV1Error> {
        decode(json).map(|decoded| decoded.0)
    }

    /// The set as FieldsV1: compact and in canonical order.
    ///
    /// # Errors
    /// A set with an item that cannot be told from others.
    pub fn to_fields_v1(&self) -> Result<String, FieldsV1Error> {
        if let Some(plain) = self.to_plain_fields_v1() {
            return plain;
        }
        let mut out = String::new();
        self.write_odd_fields_v1(&mut out)?;
        Ok(out)
    }

    pub(crate) fn write_fields_v1(&self, out: &mut String) -> Result<(), FieldsV1Error> {
        match self.to_plain_fields_v1() {
            Some(plain) => out.push_str(&plain?),
            None => self.write_odd_fields_v1(out)?,
        }
        Ok(())
    }

    /// The set as FieldsV1, if all of it is written as it stands in tokens.
    ///
    /// Tokens are short: most are copied together with what follows them, which takes no call, and what
    /// comes next is written over that.
    fn to_plain_fields_v1(&self) -> Option<Result<String, FieldsV1Error>> {
        const AT_ONCE: usize = 32;
        let set = self.as_set_ref();
        if set.wide || self.may_have_marks() {
            return None;
        }
        let tape = set.tape;
        // What stands around a token is mostly shorter than its head.
        let mut out = Vec::with_capacity(tape.len() + AT_ONCE + 16);
        let mut end = usize::MAX;
        let mut ends: SmallVec<[usize; 16]> = SmallVec::new();
        let mut place = 0;
        out.extend_from_slice(b"{\"");
        while place < tape.len() {
            while place == end {
                out.truncate(out.len() - 2);
                out.extend_from_slice(b"},\"");
                end = ends.pop().unwrap_or(usize::MAX);
            }
            let (head, from) = (Head::at(tape, place), place + Head::SIZE);
            let to = from + head.len();
            let written = out.len() + head.len();
            match tape.get(from..).and_then(|rest| rest.first_chunk::<AT_ONCE>()) {
                Some(chunk) if head.len() <= AT_ONCE => out.extend_from_slice(chunk),
                _ => out.extend_from_slice(&tape[from..to]),
            }
            out.truncate(written);
            place = to;
            if head.len() == 0 {
                return Some(Err(FieldsV1Error::Invalid));
            }
            if head.below() == 0 {
                out.extend_from_slice(b"\":{},\"");
            } else {
                ends.push(std::mem::replace(&mut end, to + head.below()));
                out.extend_from_slice(b"\":{\"");
                if head.is_member() {
                    out.extend_from_slice(b".\":{},\"");
                }
            }
        }
        // A quote that no element follows, and the comma in front of it if there is one.
        out.truncate(out.len() - if set.is_empty() { 1 } else { 2 });
        out.extend(std::iter::repeat_n(b'}', ends.len() + 1));
        String::from_utf8(out).ok().map(Ok)
    }

    /// Writes any set as FieldsV1.
    fn write_odd_fields_v1(&self, out: &mut String) -> Result<(), FieldsV1Error> {
        let set = self.as_set_ref();
        if set.is_empty() {
            out.push_str("{}");
            return Ok(());
        }
        let is_marked = self.may_have_marks();
        // Where the subtrees of the innermost open element and of those around it end.
        let mut end = usize::MAX;
        let mut ends: SmallVec<[usize; 16]> = SmallVec::new();
        let mut owned_by_node = false;
        // Texts of known length, which take no call. What ends an element also begins another one
        // behind it, which is taken back where there is none.
        out.push_str("{\"");
        for (place, head, element) in elements(set.tape) {
            while place == end {
                out.truncate(out.len() - 2);
                out.push_str("},\"");
                end = ends.pop().unwrap_or(usize::MAX);
            }
            let behind = place + Head::SIZE + head.len();
            if set.wide
                && head.below() == 0
                && end != behind
                && let Some((_, next, other)) = elements(&set.tape[behind..]).next()
                && !next.is_member()
                && token::eq(element, other)
            {
                // A member and a node of two spellings: written as the node.
                owned_by_node = true;
                continue;
            }
            let is_member = head.is_member() || std::mem::take(&mut owned_by_node);
            if element.is_empty() {
                return Err(FieldsV1Error::Invalid);
            }
            if is_marked {
                token::write_wire(out, element);
            } else {
                out.push_str(token::text(element));
            }
            if head.below() == 0 {
                out.push_str("\":{},\"");
            } else {
                ends.push(std::mem::replace(&mut end, behind + head.below()));
                out.push_str("\":{\"");
                if is_member {
                    out.push_str(".\":{},\"");
                }
            }
        }
        out.truncate(out.len() - 2);
        for _ in ends {
            out.push('}');
        }
        out.push('}');
        Ok(())
    }
}

/// Reads a set and says whether writing it gives the same bytes.
pub(crate) fn decode_fields_v1(json: &[u8]) -> Result<(FieldSet, bool), FieldsV1Error> {
    let decoded = decode(json)?;
    debug_assert!(
        !decoded.1 || decoded.0.to_fields_v1().as_ref().map(String::as_bytes) == Ok(json)
    );
    Ok(decoded)
}

/// Longer texts are refused: an element takes up to a quarter more on a tape than in JSON, and the length
/// of a tape has 32 bits.
const MOST: usize = 3 << 30;

/// A set that was read from the beginning of a text.
pub(crate) struct ReadFields {
    pub(crate) set: FieldSet,
    /// Whether writing it gives the same bytes.
    pub(crate) is_canonical: bool,
    /// Nothing was repeated.
    pub(crate) is_whole: bool,
    /// How many bytes were read.
    pub(crate) length: usize,
    /// How many levels of objects they hold.
    pub(crate) depth: usize,
}

/// Reads the set that a text begins with, if there is nothing odd about how it is spelled: nothing is
/// repeated, and all elements are spelled as they would be written.
pub(crate) fn read_fields_v1(text: &str) -> Option<ReadFields> {
    if !text.starts_with('{') || text.len() > MOST {
        return None;
    }
    if let Some(read) = canonical::read(text) {
        return Some(read).filter(|read| read.is_whole);
    }
    let mut decoder = Decoder::new(text);
    decoder.at = 1;
    decoder.objects().ok()?;
    let Decoder { at, out, disorder, tidy, depth, is_odd, .. } = decoder;
    if is_odd {
        return None;
    }
    let set = if disorder { in_order(&out, depth) } else { out.finish(depth) };
    let is_whole = set.as_set_ref().tape.len() == out.tape.len();
    let is_canonical = tidy && !disorder;
    // The root is a level, and so is the record of a leaf or of being a member.
    let read = ReadFields { set, is_canonical, is_whole, length: at, depth: depth + 1 };
    is_whole.then_some(read)
}

/// The set of elements that come in any order.
fn in_order(elements: &Writer, depth: usize) -> FieldSet {
    normalise(&elements.tape, Repeats::LastCounts).finish(depth)
}

#[derive(Clone, Copy)]
struct Frame {
    /// The element that this object stands under; none for the root.
    element: Option<Written>,
    last_child: Option<Written>,
    /// How the name of the last child begins, if that is a field; else 0.
    last_prefix: u64,
    is_member: bool,
}

impl Frame {
    fn under(element: Option<Written>) -> Frame {
        Frame { element, last_child: None, last_prefix: 0, is_member: false }
    }
}

struct Decoder<'j> {
    text: &'j str,
    bytes: &'j [u8],
    at: usize,
    out: Writer,
    disorder: bool,
    /// Nothing was read so far that would be written differently.
    tidy: bool,
    /// Something was passed over, spelled in another way than it is written, or said with something
    /// else than an empty object.
    is_odd: bool,
    depth: usize,
}

type Step<T> = Result<T, FieldsV1Error>;

fn decode(json: &[u8]) -> Step<(FieldSet, bool)> {
    let text = std::str::from_utf8(json).map_err(|error| {
        FieldsV1Error::Json(ParseError::at(ParseErrorKind::InvalidUtf8, json, error.valid_up_to()))
    })?;
    if text.len() > MOST {
        return Err(FieldsV1Error::Json(ParseError::at(ParseErrorKind::TooLarge, json, 0)));
    }
    if let Some(read) = canonical::read(text).filter(|read| read.length == text.len()) {
        return Ok((read.set, read.is_canonical));
    }
    let mut decoder = Decoder::new(text);
    decoder.document()?;
    let Decoder { out, disorder, tidy, depth, is_odd, .. } = decoder;
    if disorder {
        Ok((in_order(&out, depth), false))
    } else {
        Ok((out.finish(depth), tidy && !is_odd))
    }
}

impl<'j> Decoder<'j> {
    fn new(text: &'j str) -> Decoder<'j> {
        Decoder {
            text,
            bytes: text.as_bytes(),
            at: 0,
            out: Writer::default(),
            disorder: false,
            tidy: true,
            is_odd: false,
            depth: 0,
        }
    }

    #[cold]
    fn fail<T>(&self, kind: ParseErrorKind) -> Step<T> {
        Err(FieldsV1Error::Json(ParseError::at(kind, self.bytes, self.at)))
    }

    #[cold]
    fn unexpected<T>(&self) -> Step<T> {
        if self.at < self.bytes.len() {
            self.fail(ParseErrorKind::UnexpectedCharacter)
        } else {
            self.fail(ParseErrorKind::UnexpectedEnd)
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
            self.tidy = false;
        }
    }

    fn document(&mut self) -> Step<()> {
        self.skip_space();
        match self.peek() {
            Some(b'n') => {
                self.tidy = false;
                self.skip_value()?;
            }
            Some(b'{') => {
                self.at += 1;
                self.objects()?;
            }
            Some(_) => return Err(FieldsV1Error::NotASet(self.at)),
            None => return self.unexpected(),
        }
        self.skip_space();
        if self.at < self.bytes.len() {
            return self.fail(ParseErrorKind::TrailingData);
        }
        Ok(())
    }

    /// Reads from behind the root's opening brace to its closing one.
    fn objects(&mut self) -> Step<()> {
        self.out.tape.reserve(768);
        let mut frames: Vec<Frame> = Vec::with_capacity(16);
        let mut frame = Frame::under(None);
        let mut opened = true;
        loop {
            self.skip_space();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    let is_empty = frame.last_child.is_none();
                    self.tidy &= !(frame.is_member && is_empty);
                    if let Some(element) = frame.element {
                        self.out.close(element);
                        if frame.is_member || is_empty {
                            self.out.set_member(element);
                        }
                    }
                    let Some(outer) = frames.pop() else { break };
                    frame = outer;
                    opened = false;
                    continue;
                }
                Some(b',') if !opened => {
                    self.at += 1;
                    self.skip_space();
                }
                Some(_) if opened => {}
                _ => return self.unexpected(),
            }
            opened = false;
            let (key_start, key_end, escaped) = self.key()?;
            let (element, prefix) = match &self.bytes[key_start..key_end] {
                key @ [b'f', b':', ..] if !escaped => {
                    (self.out.push(key, false), prefix_word(self.bytes, key_start + 2, key_end))
                }
                [b'.'] => {
                    // Written first, and only for elements.
                    self.tidy &= frame.element.is_some()
                        && frame.last_child.is_none()
                        && !frame.is_member
                        && self.bytes[self.at..].starts_with(b"{}");
                    self.is_odd |= frame.is_member;
                    frame.is_member = true;
                    self.skip_value()?;
                    continue;
                }
                _ => match self.element(key_start, key_end)? {
                    Some(element) => (element, 0),
                    None => {
                        self.is_odd = true;
                        self.skip_value()?;
                        continue;
                    }
                },
            };
            if !self.disorder
                && (frame.last_prefix == 0 || prefix <= frame.last_prefix)
                && let Some(before) = frame.last_child
            {
                let (before, this) = (self.out.token(before), self.out.token(element));
                self.disorder = token::cmp(before, this).is_ge();
            }
            frame.last_prefix = prefix;
            frame.last_child = Some(element);
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    // The common leaf needs no frame.
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                        self.out.set_member(element);
                        continue;
                    }
                    // Itself, and the root.
                    if frames.len() + 1 >= MAX_DEPTH {
                        return self.fail(ParseErrorKind::TooDeep);
                    }
                    self.depth = self.depth.max(frames.len() + 2);
                    frames.push(std::mem::replace(&mut frame, Frame::under(Some(element))));
                    opened = true;
                }
                Some(b'n') => {
                    (self.tidy, self.is_odd) = (false, true);
                    self.skip_value()?;
                    self.out.set_member(element);
                }
                Some(_) => return Err(FieldsV1Error::NotASet(self.at)),
                None => return self.unexpected(),
            }
        }
        self.depth += 1;
        Ok(())
    }

    /// Reads a key and its colon; returns where it stands between the quotes, and whether it holds
    /// escapes.
    #[inline]
    fn key(&mut self) -> Step<(usize, usize, bool)> {
        if self.peek() != Some(b'"') {
            return self.unexpected();
        }
        let start = self.at + 1;
        self.at = skip_plain(self.bytes, start);
        let escaped = if self.peek() == Some(b'"') {
            self.at += 1;
            false
        } else {
            self.odd_string()?
        };
        let end = self.at - 1;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.unexpected();
        }
        self.at += 1;
        self.skip_space();
        Ok((start, end, escaped))
    }

    fn skip_string(&mut self) -> Step<()> {
        self.at = skip_plain(self.bytes, self.at + 1);
        self.odd_string()?;
        Ok(())
    }

    /// Reads on from where the plain characters of a string end, or the text nearly does; says
    /// whether there are escapes. Behind the first one the reference takes control characters too.
    fn odd_string(&mut self) -> Step<bool> {
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    self.at += 1;
                    escaped = true;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                            self.at += 1
                        }
                        Some(b'u') => {
                            let digits = self.bytes.get(self.at + 1..self.at + 5);
                            match digits {
                                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
                                    self.at += 5;
                                }
                                Some(_) => return self.fail(ParseErrorKind::InvalidEscape),
                                None => return self.fail(ParseErrorKind::UnexpectedEnd),
                            }
                        }
                        Some(_) => return self.fail(ParseErrorKind::InvalidEscape),
                        None => return self.fail(ParseErrorKind::UnexpectedEnd),
                    }
                }
                Some(0..=0x1f) if !escaped => return self.fail(ParseErrorKind::ControlCharacter),
                Some(_) => self.at += 1,
                None => return self.fail(ParseErrorKind::UnexpectedEnd),
            }
            self.at = skip_plain(self.bytes, self.at);
        }
    }

    /// Passes over any JSON value.
    fn skip_value(&mut self) -> Step<()> {
        let start = self.at;
        // Behind ".", as everybody writes it.
        if self.bytes[start..].starts_with(b"{}") {
            self.at += 2;
            return Ok(());
        }
        self.is_odd = true;
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b'}' | b']') if depth == 0 => break,
                Some(_) => self.at += 1,
                None if depth == 0 => break,
                None => return self.fail(ParseErrorKind::UnexpectedEnd),
            }
            if depth == 0 && matches!(self.bytes[self.at - 1], b'"' | b'}' | b']') {
                break;
            }
        }
        // Only the extent was looked at so far.
        let text = with_escapes(&self.text[start..self.at]);
        let mut arena = Arena::default();
        match arena.parse(Source::Lent(&text)) {
            Ok(_) => Ok(()),
            Err(error) => {
                self.at = self.at.min(start + error.offset());
                self.fail(error.kind())
            }
        }
    }

    /// Whether a key is a token as it stands between its quotes. May miss some.
    fn is_token(&self, start: usize, end: usize) -> bool {
        match &self.bytes[start..end] {
            [b'f', b':', name @ ..] => !name.contains(&b'\\'),
            [b'k', b':', ..] => {
                let key = SimpleKey::read(self.bytes, start - 1);
                key.is_some_and(|key| key.end() == end)
            }
            [b'v', b':', value @ ..] => simple_scalar(value).is_some_and(<[u8]>::is_empty),
            [b'i', b':', index @ ..] => {
                index.first().is_some_and(u8::is_ascii_digit)
                    && simple_scalar(index).is_some_and(<[u8]>::is_empty)
            }
            _ => false,
        }
    }

    /// Adds the element of a key, if it is of a known kind.
    fn element(&mut self, start: usize, end: usize) -> Step<Option<Written>> {
        let key = &self.text[start..end];
        if self.is_token(start, end) {
            return Ok(Some(self.out.push(key.as_bytes(), false)));
        }
        self.is_odd = true;
        let mut token = String::new();
        match write_token_of_key(&mut token, &unescape(key)) {
            Ok(()) => Ok(Some(self.out.push(token.as_bytes(), false))),
            Err(ElementError::UnknownType) => Ok(None),
            Err(error) => Err(FieldsV1Error::Element(error)),
        }
    }
}

/// Passes over a string of simple characters, between escaped quotes.
fn simple_string(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"\\\"")?;
    rest.get(skip_simple(rest, 0)..)?.strip_prefix(b"\\\"")
}

/// Passes over a string, a boolean or a small integer.
pub(super) fn simple_scalar(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.first()? {
        b'\\' => simple_string(bytes),
        b't' => bytes.strip_prefix(b"true"),
        b'f' => bytes.strip_prefix(b"false"),
        b'0' => {
            let rest = &bytes[1..];
            (!rest.first().is_some_and(|byte| is_number_byte(*byte))).then_some(rest)
        }
        b'1'..=b'9' => {
            let end = bytes.iter().position(|byte| !is_number_byte(*byte)).unwrap_or(bytes.len());
            let (digits, rest) = bytes.split_at(end);
            (end <= 6 && digits.iter().all(u8::is_ascii_digit)).then_some(rest)
        }
        _ => None,
    }
}

fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

/// Appends the token of an element in its FieldsV1 spelling (not escaped).
pub(super) fn write_token_of_key(out: &mut String, key: &str) -> Result<(), ElementError> {
    let bytes = key.as_bytes();
    if bytes.len() < 2 {
        return Err(ElementError::TooShort);
    }
    if bytes[1] != b':' {
        return Err(ElementError::MissingColon(key.to_owned()));
    }
    let rest = &key[2..];
    match bytes[0] {
        b'f' => token::write_field(out, rest),
        b'i' => {
            let digits = rest.strip_prefix('+').unwrap_or(rest);
            let signed_twice = rest.starts_with('+') && digits.starts_with(['+', '-']);
            match digits.parse::<i64>() {
                Ok(index) if !signed_twice => token::write_index(out, index),
                _ => return Err(ElementError::Index(key.to_owned())),
            }
        }
        b'v' => {
            let rest = &*with_escapes(rest);
            check_json(key, rest)?;
            out.push_str("v:");
            write_json_string_plain(out, &as_floats(rest));
        }
        b'k' => {
            let rest = &*with_escapes(rest);
            let tag = check_json(key, rest)?;
            let mut fields = match tag {
                crate::value::Tag::Map => token::split_object(rest),
                crate::value::Tag::Null => Vec::new(),
                _ => return Err(ElementError::NotAnObject(key.to_owned())),
            };
            fields.sort_by(|left, right| left.0.cmp(&right.0));
            let mut writer = token::KeyWriter::new(out);
            for (name, json) in &fields {
                writer.json(name, &as_floats(json));
            }
            writer.finish();
        }
        _ => return Err(ElementError::UnknownType),
    }
    Ok(())
}

/// JSON with escapes in the place of the control characters that the reference takes in a string:
/// those behind its first escape.
fn with_escapes(json: &str) -> Cow<'_, str> {
    if !json.bytes().any(|byte| byte < b' ') {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped, mut is_escape) = (false, false, false);
    for character in json.chars() {
        let is_escaped = std::mem::take(&mut is_escape);
        match character {
            '"' if !is_escaped => (in_string, escaped) = (!in_string, false),
            '\\' if in_string => (escaped, is_escape) = (true, !is_escaped),
            _ => {}
        }
        if character < ' ' && in_string && escaped && !is_escaped {
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

fn check_json(key: &str, json: &str) -> Result<crate::value::Tag, ElementError> {
    let mut arena = Arena::default();
    match arena.parse(Source::Lent(json)) {
        Ok(root) => Ok(root.tag()),
        Err(error) => Err(ElementError::Json(key.to_owned(), error)),
    }
}

/// Canonical exact JSON in which every number is a float, as the reference reads them.
fn as_floats(json: &str) -> Cow<'_, str> {
    let mut arena = Arena::default();
    let Ok(root) = arena.parse(Source::Lent(json)) else { return Cow::Borrowed(json) };
    let mut out = String::new();
    crate::deep::with_stack(arena.depth(), || {
        write_exact_json(&mut out, ValueRef::of_floats(&arena, root));
    });
    Cow::Owned(out)
}
