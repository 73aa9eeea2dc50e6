//! The JSON parser: strict grammar, no recursion, children sorted as their container closes.
#![expect(
    clippy::indexing_slicing,
    reason = "every index is bounded by the end sentinel check of `peek` or comes from `pending`"
)]

use std::borrow::Cow;

use super::arena::{Arena, MAX_COUNT, Node, Source, Tag};
use super::text;

/// The API server's own limit on nesting.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// A document that is not the JSON it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line} column {column} (byte {offset})")]
pub struct ParseError {
    kind: ParseErrorKind,
    offset: usize,
    line: usize,
    column: usize,
}

impl ParseError {
    /// What is wrong.
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Where, in bytes from the start of the document.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The line of [`offset`](Self::offset), from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column of [`offset`](Self::offset) in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    #[cold]
    pub(crate) fn at(kind: ParseErrorKind, source: &[u8], offset: usize) -> ParseError {
        let before = source.get(..offset).unwrap_or(source);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
        let last = before.get(start..).unwrap_or_default();
        let column = last.iter().filter(|byte| (**byte & 0xc0) != 0x80).count() + 1;
        ParseError { kind, offset, line, column }
    }
}

/// The ways in which a document can fail to be JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The document ends inside a value, or is empty.
    #[error("the document ends before its value is complete")]
    UnexpectedEnd,
    /// A byte that cannot stand where it stands.
    #[error("unexpected character")]
    UnexpectedCharacter,
    /// Text behind the document's value.
    #[error("trailing data after the document")]
    TrailingData,
    /// A byte sequence that is not UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// A control character inside a string.
    #[error("control character inside a string")]
    ControlCharacter,
    /// A backslash sequence that JSON does not have.
    #[error("invalid escape sequence")]
    InvalidEscape,
    /// A number that JSON does not allow.
    #[error("invalid number")]
    InvalidNumber,
    /// A number beyond the range of 64-bit floating point.
    #[error("number out of range")]
    NumberOutOfRange,
    /// More than 10,000 levels of nesting, the API server's own limit.
    #[error("nesting deeper than 10000 levels")]
    TooDeep,
    /// More text or members than 32-bit positions can address.
    #[error("document too large")]
    TooLarge,
}

/// Room that every document parsed into an arena uses, empty in between.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    pending: Vec<Node>,
    frames: Vec<Frame>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Where the children of this container begin in `pending`.
    first: usize,
    open: u32,
    is_map: bool,
    unsorted: bool,
    escaped_keys: bool,
    rewrite: bool,
    key: u32,
    key_end: u32,
    key_escaped: bool,
}

impl<'t> Arena<'t> {
    /// Parses a document into this arena and returns its root.
    pub(crate) fn parse_bytes(&mut self, source: &'t [u8]) -> Result<Node, ParseError> {
        match std::str::from_utf8(source) {
            Ok(text) => self.parse(Source::Lent(text)),
            Err(error) => {
                Err(ParseError::at(ParseErrorKind::InvalidUtf8, source, error.valid_up_to()))
            }
        }
    }

    /// Parses a document into this arena and returns its root.
    pub(crate) fn parse(&mut self, source: Source<'t>) -> Result<Node, ParseError> {
        self.parse_to_depth(source, MAX_DEPTH)
    }

    /// Parses text of our own making, which records every level of an object below levels of its
    /// own.
    pub(crate) fn parse_own(&mut self, source: Source<'t>) -> Result<Node, ParseError> {
        self.parse_to_depth(source, 2 * MAX_DEPTH)
    }

    fn parse_to_depth(&mut self, source: Source<'t>, limit: usize) -> Result<Node, ParseError> {
        let Ok(base) = self.room_for(source.len()) else {
            return Err(ParseError::at(ParseErrorKind::TooLarge, source.as_bytes(), 0));
        };
        let Scratch { mut pending, mut frames } = std::mem::take(&mut self.scratch);
        pending.reserve(32);
        frames.reserve(8);
        let mut parser = Parser {
            bytes: source.as_bytes(),
            at: 0,
            base,
            nodes: std::mem::take(&mut self.nodes),
            pending,
            frames,
            depth: 0,
            limit,
            long_numbers: false,
        };
        parser.nodes.reserve(source.len() / 24);
        let result = parser.document();
        let (depth, at, long_numbers) = (parser.depth, parser.at, parser.long_numbers);
        self.nodes = parser.nodes;
        parser.pending.clear();
        parser.frames.clear();
        self.scratch = Scratch { pending: parser.pending, frames: parser.frames };
        match result {
            Ok(root) => {
                self.note_depth(depth);
                if long_numbers {
                    self.note_long_number();
                }
                self.add_text(base, source);
                Ok(root)
            }
            Err(kind) => Err(ParseError::at(kind, source.as_bytes(), at)),
        }
    }
}

struct Parser<'s> {
    bytes: &'s [u8],
    at: usize,
    base: u32,
    nodes: Vec<Node>,
    pending: Vec<Node>,
    frames: Vec<Frame>,
    depth: usize,
    limit: usize,
    /// A number of sixteen digits or more was read.
    long_numbers: bool,
}

type Step<T> = Result<T, ParseErrorKind>;

impl Parser<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// A position of the arena; the caller checked that the whole text fits.
    #[inline]
    fn position(&self, at: usize) -> u32 {
        self.base + at as u32
    }

    #[cold]
    fn unexpected<T>(&self) -> Step<T> {
        if self.at < self.bytes.len() {
            Err(ParseErrorKind::UnexpectedCharacter)
        } else {
            Err(ParseErrorKind::UnexpectedEnd)
        }
    }

    fn document(&mut self) -> Step<Node> {
        self.skip_space();
        let mut node = self.value_or_open()?;
        loop {
            // `node` is a finished value, or none when a container was just opened.
            let Some(frame) = self.frames.last_mut() else {
                let Some(root) = node else { return self.unexpected() };
                self.skip_space();
                if self.at < self.bytes.len() {
                    return Err(ParseErrorKind::TrailingData);
                }
                return Ok(root);
            };
            if let Some(mut value) = node.take() {
                if frame.is_map {
                    value.set_key(frame.key, frame.key_end, frame.key_escaped);
                }
                frame.rewrite |= !value.is_verbatim();
                self.pending.push(value);
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') if !self.is_in_map() => {
                        self.at += 1;
                        node = Some(self.close()?);
                        continue;
                    }
                    Some(b'}') if self.is_in_map() => {
                        self.at += 1;
                        node = Some(self.close()?);
                        continue;
                    }
                    _ => return self.unexpected(),
                }
                self.skip_space();
            }
            if self.is_in_map() {
                self.member_key()?;
            }
            node = self.value_or_open()?;
        }
    }

    fn is_in_map(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_map)
    }

    /// Reads `"key":` and notes whether the keys still ascend.
    fn member_key(&mut self) -> Step<()> {
        if self.peek() != Some(b'"') {
            return self.unexpected();
        }
        let start = self.at + 1;
        let (escaped, broken) = self.string()?;
        let end = self.at - 1;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.unexpected();
        }
        self.at += 1;
        self.skip_space();
        let (key, key_end) = (self.position(start), self.position(end));
        let (bytes, base) = (self.bytes, self.base);
        let Some(frame) = self.frames.last_mut() else { return self.unexpected() };
        frame.escaped_keys |= escaped;
        frame.rewrite |= broken;
        if self.pending.len() > frame.first && !frame.unsorted && !frame.escaped_keys {
            let before = &bytes[(frame.key - base) as usize..(frame.key_end - base) as usize];
            frame.unsorted = before >= &bytes[start..end];
        }
        frame.key = key;
        frame.key_end = key_end;
        frame.key_escaped = escaped;
        Ok(())
    }

    /// Reads a scalar or an empty container, or opens a container and returns none.
    #[inline]
    fn value_or_open(&mut self) -> Step<Option<Node>> {
        let start = self.at;
        let node = match self.peek() {
            Some(b'"') => {
                let (escaped, broken) = self.string()?;
                let mut node =
                    Node::scalar(Tag::String, self.position(start), self.position(self.at));
                if escaped {
                    node.mark_escaped();
                }
                if broken {
                    node.mark_rewrite();
                }
                node
            }
            Some(open @ (b'{' | b'[')) => {
                let is_map = open == b'{';
                self.at += 1;
                self.skip_space();
                let close = if is_map { b'}' } else { b']' };
                if self.frames.len() >= self.limit {
                    self.at = start;
                    return Err(ParseErrorKind::TooDeep);
                }
                self.depth = self.depth.max(self.frames.len() + 1);
                if self.peek() == Some(close) {
                    self.at += 1;
                    let tag = if is_map { Tag::Map } else { Tag::List };
                    let (pos, end) = (self.position(start), self.position(self.at));
                    return Ok(Some(Node::container(tag, pos, end, 0, 0)));
                }
                self.frames.push(Frame {
                    first: self.pending.len(),
                    open: self.position(start),
                    is_map,
                    unsorted: false,
                    escaped_keys: false,
                    rewrite: false,
                    key: 0,
                    key_end: 0,
                    key_escaped: false,
                });
                return Ok(None);
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true", Tag::True)?,
            Some(b'f') => self.word(b"false", Tag::False)?,
            Some(b'n') => self.word(b"null", Tag::Null)?,
            _ => return self.unexpected(),
        };
        Ok(Some(node))
    }

    fn word(&mut self, word: &[u8], tag: Tag) -> Step<Node> {
        let start = self.at;
        for expected in word {
            if self.peek() != Some(*expected) {
                return self.unexpected();
            }
            self.at += 1;
        }
        Ok(Node::scalar(tag, self.position(start), self.position(self.at)))
    }

    fn digits(&mut self) -> Step<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return if self.at < self.bytes.len() {
                Err(ParseErrorKind::InvalidNumber)
            } else {
                Err(ParseErrorKind::UnexpectedEnd)
            };
        }
        Ok(self.at - start)
    }

    fn number(&mut self) -> Step<Node> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading = self.peek();
        let count = self.digits()?;
        if leading == Some(b'0') && count > 1 {
            self.at = start;
            return Err(ParseErrorKind::InvalidNumber);
        }
        self.long_numbers |= count >= 16;
        let mut tag = Tag::Int;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            tag = Tag::Float;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
            tag = Tag::Float;
        }
        if tag == Tag::Float || count >= 19 {
            let literal = std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
            if tag == Tag::Int && literal.parse::<i64>().is_err() {
                tag = Tag::Float;
            }
            if tag == Tag::Float && !literal.parse::<f64>().is_ok_and(f64::is_finite) {
                self.at = start;
                return Err(ParseErrorKind::NumberOutOfRange);
            }
        }
        Ok(Node::scalar(tag, self.position(start), self.position(self.at)))
    }

    /// Reads a string; says whether it holds escapes and whether one of them is an unpaired
    /// surrogate.
    #[inline]
    fn string(&mut self) -> Step<(bool, bool)> {
        self.at += 1;
        let (mut escaped, mut broken) = (false, false);
        loop {
            // Eight bytes at a time while none of them is a quote, a backslash or a control.
            while let Some(chunk) = self.bytes.get(self.at..self.at + 8) {
                let mut word = [0u8; 8];
                word.copy_from_slice(chunk);
                let stop = text::first_special(u64::from_le_bytes(word));
                self.at += stop;
                if stop < 8 {
                    break;
                }
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((escaped, broken));
                }
                Some(b'\\') => {
                    escaped = true;
                    broken |= self.escape()?;
                }
                Some(0..=0x1f) => return Err(ParseErrorKind::ControlCharacter),
                Some(_) => self.at += 1,
                None => return Err(ParseErrorKind::UnexpectedEnd),
            }
        }
    }

    /// Reads one escape; true for a surrogate without its other half.
    fn escape(&mut self) -> Step<bool> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(false)
            }
            Some(b'u') => {
                let unit = self.hex()?;
                match unit {
                    0xd800..=0xdbff => {
                        let back = self.at;
                        if self.bytes.get(self.at..self.at + 2) == Some(b"\\u") {
                            self.at += 1;
                            let low = self.hex()?;
                            if (0xdc00..=0xdfff).contains(&low) {
                                return Ok(false);
                            }
                            self.at = back;
                        }
                        Ok(true)
                    }
                    0xdc00..=0xdfff => Ok(true),
                    _ => Ok(false),
                }
            }
            Some(_) => Err(ParseErrorKind::InvalidEscape),
            None => Err(ParseErrorKind::UnexpectedEnd),
        }
    }

    /// Reads `uXXXX`.
    fn hex(&mut self) -> Step<u32> {
        let mut unit = 0;
        for step in 1..=4 {
            match self.bytes.get(self.at + step).map(|byte| (*byte as char).to_digit(16)) {
                Some(Some(digit)) => unit = unit * 16 + digit,
                Some(None) => return Err(ParseErrorKind::InvalidEscape),
                None => return Err(ParseErrorKind::UnexpectedEnd),
            }
        }
        self.at += 5;
        Ok(unit)
    }

    fn close(&mut self) -> Step<Node> {
        let Some(frame) = self.frames.pop() else { return self.unexpected() };
        let mut rewrite = frame.rewrite;
        let mut unsorted = frame.unsorted;
        if frame.is_map && (frame.unsorted || frame.escaped_keys) {
            let (moved, repeated) = self.sort_members(frame.first);
            unsorted = moved;
            rewrite |= repeated;
        }
        let children = &self.pending[frame.first..];
        let count = u32::try_from(children.len()).unwrap_or(u32::MAX);
        if count > MAX_COUNT {
            return Err(ParseErrorKind::TooLarge);
        }
        let link = u32::try_from(self.nodes.len()).map_err(|_| ParseErrorKind::TooLarge)?;
        self.nodes.extend_from_slice(children);
        self.pending.truncate(frame.first);
        let tag = if frame.is_map { Tag::Map } else { Tag::List };
        let mut node = Node::container(tag, frame.open, self.position(self.at), link, count);
        if unsorted {
            node.mark_unsorted();
        }
        if rewrite {
            node.mark_rewrite();
        }
        Ok(node)
    }

    /// Sorts the pending members from `first` on; of equal keys the last stays. Says whether
    /// anything moved and whether a key was repeated.
    fn sort_members(&mut self, first: usize) -> (bool, bool) {
        let (bytes, base) = (self.bytes, self.base);
        let raw = |node: &Node| -> &str {
            let (start, end) = node.key_span();
            std::str::from_utf8(&bytes[(start - base) as usize..(end - base) as usize])
                .unwrap_or_default()
        };
        let nodes = &self.pending[first..];
        if nodes.windows(2).all(|pair| text::compare_escaped(raw(&pair[0]), raw(&pair[1])).is_lt())
        {
            return (false, false);
        }
        // Each key is decoded once, so a document of escaped keys costs no more comparisons.
        let keys: Vec<Cow<'_, str>> = nodes
            .iter()
            .map(|node| {
                let raw = raw(node);
                if node.has_key_escapes() {
                    Cow::Owned(text::unescape(raw))
                } else {
                    Cow::Borrowed(raw)
                }
            })
            .collect();
        // Most keys are told apart by how they begin, without a look at the text.
        let mut order: Vec<(u128, usize)> =
            keys.iter().enumerate().map(|(index, key)| (text::prefix(key), index)).collect();
        order.sort_unstable_by(|left, right| {
            let whole = || keys[left.1].cmp(&keys[right.1]).then(left.1.cmp(&right.1));
            left.0.cmp(&right.0).then_with(whole)
        });
        let mut repeated = false;
        let mut sorted = Vec::with_capacity(order.len());
        for (at, (_, index)) in order.iter().enumerate() {
            if order.get(at + 1).is_some_and(|(_, next)| keys[*next] == keys[*index]) {
                repeated = true;
                continue;
            }
            sorted.push(nodes[*index]);
        }
        self.pending.truncate(first);
        self.pending.append(&mut sorted);
        (true, repeated)
    }
}

#[cfg(test)]
mod tests {
    use crate::value::Value;

    /// A value may be one of many that are kept, and takes no more documents in.
    #[test]
    fn a_value_keeps_no_room_for_another_document() -> Result<(), super::ParseError> {
        let whole = Value::from_json(r#"{"a":[1,2,{"b":"c"}]}"#)?;
        let part = whole.as_ref().get("a").map_or_else(Value::null, |part| part.to_value());
        assert_eq!(part.to_json(), r#"[1,2,{"b":"c"}]"#);
        for value in [&whole, &part] {
            let scratch = &value.parts().0.scratch;
            assert_eq!((scratch.pending.capacity(), scratch.frames.capacity()), (0, 0));
        }
        Ok(())
    }
}
