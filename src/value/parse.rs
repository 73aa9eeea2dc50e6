//! The JSON parser: strict grammar, no recursion, children sorted as their container closes.
#![expect(
    clippy::indexing_slicing,
    reason = "every index is bounded by the end sentinel check of `peek` or comes from `pending`"
)]

use std::borrow::Cow;

use super::arena::{Arena, BYTES_FOR_A_NODE, MAX_COUNT, Node, Source, Tag};
use super::order::{self, Sorted};
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

/// A container that is being read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Where its children begin in `pending`.
    first: usize,
    open: u32,
    /// The key that was read last.
    key: u32,
    key_end: u32,
    key_prefix: u64,
    key_escaped: bool,
    kind: FrameKind,
    unsorted: bool,
    escaped_keys: bool,
    rewrite: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FrameKind {
    /// The document: what stands outside of its value.
    Document,
    List,
    Map,
}

impl Frame {
    fn new(kind: FrameKind, first: usize, open: u32) -> Frame {
        Frame {
            first,
            open,
            key: 0,
            key_end: 0,
            key_prefix: 0,
            key_escaped: false,
            kind,
            unsorted: false,
            escaped_keys: false,
            rewrite: false,
        }
    }
}

/// Objects that are read by somebody else, at a place that lies in lists of maps of maps: no node is
/// made of what is in them, until [`Arena::read_all`].
pub(crate) struct Apart<'r> {
    /// The members that lead there: of the document, of a map, and of the items of a list.
    pub(crate) path: [&'static str; 3],
    /// Given the text from the object on and its position, tells how long the object is and how deep
    /// it nests; none if it should be read like everything else. Told lengths are of JSON without
    /// repeated keys, unpaired surrogates or numbers of sixteen digits.
    pub(crate) read: &'r mut ReadApart<'r>,
}

type ReadApart<'r> = dyn FnMut(&str, u32) -> Option<(usize, usize)> + 'r;

impl<'t> Arena<'t> {
    /// Parses a document into this arena and returns its root.
    pub(crate) fn parse(&mut self, source: Source<'t>) -> Result<Node, ParseError> {
        self.parse_to_depth(source, MAX_DEPTH, None)
    }

    /// As [`parse`](Self::parse), with some parts left to be read by others.
    pub(crate) fn parse_apart(
        &mut self,
        source: Source<'t>,
        apart: Apart<'_>,
    ) -> Result<Node, ParseError> {
        let path = apart.path;
        let root = self.parse_to_depth(source, MAX_DEPTH, Some(apart))?;
        self.note_unread(root, path);
        Ok(root)
    }

    /// Parses text of our own making, which records every level of an object below levels of its
    /// own.
    pub(crate) fn parse_own(&mut self, source: Source<'t>) -> Result<Node, ParseError> {
        self.parse_to_depth(source, 2 * MAX_DEPTH, None)
    }

    /// Parses the text of a node that stands unread; it is known to be JSON.
    pub(super) fn parse_part(&mut self, part: Node) -> Node {
        let (pos, text) = self.place(part);
        let Scratch { pending, frames } = std::mem::take(&mut self.scratch);
        let (nodes, before) = self.lend_nodes();
        let place = (pos, before);
        let mut parser = Parser::new(&text, place, nodes, pending, frames, 2 * MAX_DEPTH, None);
        let read = parser.document();
        self.take_back(parser);
        read.unwrap_or(part)
    }

    fn parse_to_depth(
        &mut self,
        source: Source<'t>,
        limit: usize,
        apart: Option<Apart<'_>>,
    ) -> Result<Node, ParseError> {
        let Ok(base) = self.room_for(source.len()) else {
            return Err(ParseError::at(ParseErrorKind::TooLarge, source.as_bytes(), 0));
        };
        let Scratch { mut pending, mut frames } = std::mem::take(&mut self.scratch);
        let (mut nodes, before) = self.lend_nodes();
        pending.reserve(32);
        frames.reserve(12);
        nodes.reserve(source.len() / BYTES_FOR_A_NODE);
        let place = (base, before);
        let mut parser = Parser::new(&source, place, nodes, pending, frames, limit, apart);
        let result = parser.document();
        let at = parser.at;
        let (depth, long_numbers) = self.take_back(parser);
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

    /// The nodes that may still grow, and how many stand before them.
    fn lend_nodes(&mut self) -> (Vec<Node>, usize) {
        let nodes = std::mem::take(&mut self.nodes);
        (nodes, self.node_count())
    }

    /// Takes back what a parser was lent; returns what it noticed.
    fn take_back(&mut self, parser: Parser<'_, '_>) -> (usize, bool) {
        let Parser { nodes, mut pending, mut frames, depth, long_numbers, .. } = parser;
        self.nodes = nodes;
        pending.clear();
        frames.clear();
        self.scratch = Scratch { pending, frames };
        (depth, long_numbers)
    }
}

/// Bytes as the text of a document.
pub(crate) fn text_of(source: &[u8]) -> Result<Source<'_>, ParseError> {
    std::str::from_utf8(source)
        .map(Source::Lent)
        .map_err(|error| ParseError::at(ParseErrorKind::InvalidUtf8, source, error.valid_up_to()))
}

struct Parser<'s, 'r> {
    text: &'s str,
    bytes: &'s [u8],
    at: usize,
    base: u32,
    /// How many nodes the arena has before those here.
    before: usize,
    nodes: Vec<Node>,
    pending: Vec<Node>,
    /// The containers around the innermost one.
    frames: Vec<Frame>,
    depth: usize,
    limit: usize,
    /// A number of sixteen digits or more was read.
    long_numbers: bool,
    apart: Option<Apart<'r>>,
}

type Step<T> = Result<T, ParseErrorKind>;

#[inline(always)]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Up to so many members are sorted without room of their own.
const FEW: usize = 16;

/// Where a string ends that opens at a place and holds no escapes.
#[inline(always)]
fn plain_string(bytes: &[u8], open: usize) -> Option<usize> {
    let end = text::skip_plain(bytes, open + 1);
    (bytes.get(end) == Some(&b'"')).then_some(end + 1)
}

impl<'s, 'r> Parser<'s, 'r> {
    fn new(
        text: &'s str,
        (base, before): (u32, usize),
        nodes: Vec<Node>,
        pending: Vec<Node>,
        frames: Vec<Frame>,
        limit: usize,
        apart: Option<Apart<'r>>,
    ) -> Parser<'s, 'r> {
        let bytes = text.as_bytes();
        let (at, depth, long_numbers) = (0, 0, false);
        Parser {
            text,
            bytes,
            at,
            base,
            before,
            nodes,
            pending,
            frames,
            depth,
            limit,
            long_numbers,
            apart,
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        self.at = skip_space(self.bytes, self.at);
        self.peek()
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

    /// Fails at what stands at a place.
    #[cold]
    fn unexpected_at<T>(&mut self, at: usize) -> Step<T> {
        self.at = at;
        self.unexpected()
    }

    fn document(&mut self) -> Step<Node> {
        let bytes = self.bytes;
        // The place is kept at hand, and told to whatever reads more than plain strings.
        let mut at = self.at;
        let mut frame = Frame::new(FrameKind::Document, 0, 0);
        loop {
            at = skip_space(bytes, at);
            let mut value = match bytes.get(at) {
                Some(b'"') => match plain_string(bytes, at) {
                    Some(end) => {
                        let start = std::mem::replace(&mut at, end);
                        Node::scalar(Tag::String, self.position(start), self.position(end))
                    }
                    None => self.told(&mut at, Self::string_value)?,
                },
                Some(open @ (b'{' | b'[')) => {
                    match self.told(&mut at, |parser| parser.open(*open, &mut frame))? {
                        Some(value) => value,
                        None => continue,
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.told(&mut at, Self::number)?,
                Some(b't') => self.told(&mut at, |parser| parser.word(b"true", Tag::True))?,
                Some(b'f') => self.told(&mut at, |parser| parser.word(b"false", Tag::False))?,
                Some(b'n') => self.told(&mut at, |parser| parser.word(b"null", Tag::Null))?,
                _ => return self.unexpected_at(at),
            };
            // Containers may end behind it.
            loop {
                let close = match frame.kind {
                    FrameKind::Map => {
                        value.set_key(frame.key, frame.key_end, frame.key_escaped);
                        b'}'
                    }
                    FrameKind::List => b']',
                    FrameKind::Document => {
                        self.at = skip_space(bytes, at);
                        return match self.peek() {
                            None => Ok(value),
                            Some(_) => Err(ParseErrorKind::TrailingData),
                        };
                    }
                };
                frame.rewrite |= !value.is_verbatim();
                self.pending.push(value);
                at = skip_space(bytes, at);
                match bytes.get(at) {
                    Some(b',') => {
                        at += 1;
                        if frame.kind == FrameKind::Map {
                            at = self.member_key(&mut frame, at)?;
                        }
                        break;
                    }
                    Some(byte) if *byte == close => {
                        at += 1;
                        self.at = at;
                        value = self.close(&frame)?;
                        let Some(outer) = self.frames.pop() else { return self.unexpected() };
                        frame = outer;
                    }
                    _ => return self.unexpected_at(at),
                }
            }
        }
    }

    /// Reads on with the parser's own place.
    #[inline(always)]
    fn told<T>(&mut self, at: &mut usize, read: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        self.at = *at;
        let read = read(self);
        *at = self.at;
        read
    }

    /// Opens a container, which becomes the innermost one. Gives the value instead if it is empty,
    /// or read by somebody else.
    fn open(&mut self, open: u8, frame: &mut Frame) -> Step<Option<Node>> {
        let start = self.at;
        if self.frames.len() >= self.limit {
            return Err(ParseErrorKind::TooDeep);
        }
        let (kind, close, tag) = match open {
            b'{' => (FrameKind::Map, b'}', Tag::Map),
            _ => (FrameKind::List, b']', Tag::List),
        };
        if let Some(node) = self.read_apart(frame, kind) {
            return Ok(Some(node));
        }
        self.at += 1;
        self.depth = self.depth.max(self.frames.len() + 1);
        if self.next() == Some(close) {
            self.at += 1;
            let (pos, end) = (self.position(start), self.position(self.at));
            return Ok(Some(Node::container(tag, pos, end, 0, 0)));
        }
        let inner = Frame::new(kind, self.pending.len(), self.position(start));
        self.frames.push(std::mem::replace(frame, inner));
        if kind == FrameKind::Map {
            self.at = self.member_key(frame, self.at)?;
        }
        Ok(None)
    }

    /// An object at the place that somebody else reads.
    #[inline]
    fn read_apart(&mut self, frame: &Frame, kind: FrameKind) -> Option<Node> {
        let apart = self.apart.as_mut()?;
        let [_, root, map, list] = self.frames.as_slice() else { return None };
        let is_key = |frame: &Frame, name: &str| {
            let span = (frame.key - self.base) as usize..(frame.key_end - self.base) as usize;
            frame.kind == FrameKind::Map && self.bytes.get(span) == Some(name.as_bytes())
        };
        let [in_root, in_map, in_item] = apart.path;
        let is_there = kind == FrameKind::Map
            && list.kind == FrameKind::List
            && is_key(frame, in_item)
            && is_key(map, in_map)
            && is_key(root, in_root);
        let rest = is_there.then(|| self.text.get(self.at..))??;
        let pos = self.base + self.at as u32;
        let (length, depth) = (apart.read)(rest, pos)?;
        if self.frames.len() + depth > self.limit {
            return None;
        }
        self.depth = self.depth.max(self.frames.len() + depth);
        self.at += length;
        let mut node = Node::container(Tag::Map, pos, pos + length as u32, 0, 0);
        node.mark_unread();
        Some(node)
    }

    /// Reads `"key":` from a place on and notes whether the keys still ascend; returns the place behind
    /// it.
    #[inline]
    fn member_key(&mut self, frame: &mut Frame, at: usize) -> Step<usize> {
        let bytes = self.bytes;
        let mut at = skip_space(bytes, at);
        if bytes.get(at) != Some(&b'"') {
            return self.unexpected_at(at);
        }
        let start = at + 1;
        let (escaped, broken) = match plain_string(bytes, at) {
            Some(end) => {
                at = end;
                (false, false)
            }
            None => self.told(&mut at, Self::string)?,
        };
        let end = at - 1;
        at = skip_space(bytes, at);
        if bytes.get(at) != Some(&b':') {
            return self.unexpected_at(at);
        }
        let prefix = text::prefix_word(self.bytes, start, end);
        if escaped | broken {
            frame.escaped_keys |= escaped;
            frame.rewrite |= broken;
        }
        // Texts whose first bytes ascend do so themselves.
        let ascends = prefix > frame.key_prefix || self.pending.len() == frame.first;
        if !ascends && !frame.unsorted && !frame.escaped_keys {
            let before = (frame.key - self.base) as usize..(frame.key_end - self.base) as usize;
            frame.unsorted = self.bytes[before] >= self.bytes[start..end];
        }
        frame.key = self.position(start);
        frame.key_end = self.position(end);
        frame.key_prefix = prefix;
        frame.key_escaped = escaped;
        Ok(at + 1)
    }

    #[inline]
    fn string_value(&mut self) -> Step<Node> {
        let start = self.at;
        let (escaped, broken) = self.string()?;
        let mut node = Node::scalar(Tag::String, self.position(start), self.position(self.at));
        if escaped {
            node.mark_escaped();
        }
        if broken {
            node.mark_rewrite();
        }
        Ok(node)
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
        if let Some(end) = plain_string(self.bytes, self.at) {
            self.at = end;
            return Ok((false, false));
        }
        self.at = text::skip_plain(self.bytes, self.at + 1);
        self.odd_string()
    }

    /// Reads on from where the plain characters of a string end, or the text nearly does.
    fn odd_string(&mut self) -> Step<(bool, bool)> {
        let (mut escaped, mut broken) = (false, false);
        loop {
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
            self.at = text::skip_plain(self.bytes, self.at);
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

    fn close(&mut self, frame: &Frame) -> Step<Node> {
        let mut rewrite = frame.rewrite;
        let mut unsorted = frame.unsorted;
        let is_map = frame.kind == FrameKind::Map;
        let first = self.nodes.len();
        self.make_room(self.pending.len() - frame.first);
        if is_map && (frame.unsorted || frame.escaped_keys) {
            let (moved, repeated) = self.place_sorted(frame);
            unsorted = moved;
            rewrite |= repeated;
        } else {
            self.nodes.extend_from_slice(&self.pending[frame.first..]);
        }
        self.pending.truncate(frame.first);
        let count = u32::try_from(self.nodes.len() - first).unwrap_or(u32::MAX);
        if count > MAX_COUNT {
            return Err(ParseErrorKind::TooLarge);
        }
        let link = u32::try_from(self.before + first);
        let link = link.map_err(|_| ParseErrorKind::TooLarge)?;
        let tag = if is_map { Tag::Map } else { Tag::List };
        let mut node = Node::container(tag, frame.open, self.position(self.at), link, count);
        if unsorted {
            node.mark_unsorted();
        }
        if rewrite {
            node.mark_rewrite();
        }
        Ok(node)
    }

    /// Makes room for more nodes. Where most of the room there is is free, it is exchanged: growing it
    /// may copy all of it.
    #[inline]
    fn make_room(&mut self, more: usize) {
        let (len, capacity) = (self.nodes.len(), self.nodes.capacity());
        if more > capacity - len && len < capacity / 2 {
            let before = self.nodes.clone();
            drop(std::mem::take(&mut self.nodes));
            self.nodes.reserve((len + more).max(capacity));
            self.nodes.extend_from_slice(&before);
        }
    }

    /// Places the pending members of a map in the order of their keys; of equal keys the last counts.
    /// Says whether anything moved and whether a key was repeated.
    #[inline(never)]
    fn place_sorted(&mut self, frame: &Frame) -> (bool, bool) {
        let is_small = self.pending.len() - frame.first <= FEW;
        if is_small && !frame.escaped_keys {
            return (true, self.place_few(frame.first));
        }
        self.place_many(frame.first, frame.escaped_keys)
    }

    /// As [`place_sorted`](Self::place_sorted), for few members, whose keys have no escapes and are not in
    /// order. Says whether a key was repeated.
    fn place_few(&mut self, first: usize) -> bool {
        let (bytes, base) = (self.bytes, self.base as usize);
        let place = |node: &Node| {
            let (start, end) = node.key_span();
            (start as usize - base, end as usize - base)
        };
        let members = &self.pending[first..];
        let key = |at: usize| {
            let (start, end) = place(&members[at]);
            &bytes[start..end]
        };
        // How each key begins, and which one it is.
        let mut order = [(0, 0); FEW];
        let mut repeated = false;
        for (at, member) in members.iter().enumerate() {
            let (start, end) = place(member);
            let prefix = text::prefix_word(bytes, start, end);
            let mut slot = at;
            while slot > 0 {
                let (before, other) = order[slot - 1];
                let ordering = before.cmp(&prefix).then_with(|| key(other).cmp(key(at)));
                if ordering.is_le() {
                    repeated |= ordering.is_eq();
                    break;
                }
                order[slot] = (before, other);
                slot -= 1;
            }
            order[slot] = (prefix, at);
        }
        let order = &order[..members.len()];
        if !repeated {
            self.nodes.extend(order.iter().map(|(_, member)| members[*member]));
            return false;
        }
        let is_same = |(_, this): (u64, usize), (_, next): (u64, usize)| key(this) == key(next);
        for (at, this) in order.iter().enumerate() {
            if !order.get(at + 1).is_some_and(|next| is_same(*this, *next)) {
                self.nodes.push(members[this.1]);
            }
        }
        true
    }

    /// As [`place_sorted`](Self::place_sorted), for any members.
    fn place_many(&mut self, first: usize, escaped_keys: bool) -> (bool, bool) {
        let (text, base) = (self.text, self.base);
        let raw = |node: &Node| -> &str {
            let (start, end) = node.key_span();
            &text[(start - base) as usize..(end - base) as usize]
        };
        let members = &self.pending[first..];
        let is_before = |pair: &[Node]| text::compare_escaped(raw(&pair[0]), raw(&pair[1])).is_lt();
        if members.windows(2).all(is_before) {
            self.nodes.extend_from_slice(members);
            return (false, false);
        }
        // Each key is decoded once, so a document of escaped keys costs no more comparisons.
        let decoded = |node: &Node| match node.has_key_escapes() {
            true => Cow::Owned(text::unescape(raw(node))),
            false => Cow::Borrowed(raw(node)),
        };
        let decoded: Option<Vec<Cow<'_, str>>> =
            escaped_keys.then(|| members.iter().map(decoded).collect());
        let key = |at: usize| match &decoded {
            Some(keys) => &*keys[at],
            None => raw(&members[at]),
        };
        // Most keys are told apart by how they go on behind what all have in common.
        let keys = || (0..members.len()).map(|at| key(at).as_bytes());
        let common = keys().reduce(order::common).unwrap_or_default().len();
        let word = |key: &[u8]| text::prefix_word(key, common, key.len());
        let sorted = Sorted::of(keys().map(word), |left, right| key(left).cmp(key(right)));
        if !sorted.repeats {
            self.nodes.extend(sorted.places().map(|place| members[place]));
            return (true, false);
        }
        let mut places = sorted.places().peekable();
        while let Some(this) = places.next() {
            if places.peek().is_none_or(|next| key(*next) != key(this)) {
                self.nodes.push(members[this]);
            }
        }
        (true, true)
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
