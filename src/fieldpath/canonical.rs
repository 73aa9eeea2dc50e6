//! Reading FieldsV1 as it is written.
//!
//! The API server writes sets in one way: no spaces, everything in order, everything spelled as a token.
//! What is written so is read in one pass with few questions. Others leave the order to chance, which is
//! made up for at the end. What is spelled in another way is left to the reader of everything that is
//! allowed.
#![expect(clippy::indexing_slicing, reason = "all indices are bounded by scans of the same text")]

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::value::MAX_DEPTH;
use crate::value::text::{prefix_word, skip_plain, skip_simple};

use super::fields_v1::{ReadFields, simple_scalar};
use super::normalise::{Repeats, normalise};
use super::set::{Writer, Written};
use super::token;

/// An object that is being read.
struct Open {
    /// What it stands below.
    entry: Written,
    is_member: bool,
    last: Last,
}

/// The element before, at the same place.
#[derive(Clone, Copy)]
struct Last {
    /// Where it stands between its quotes.
    place: (u32, u32),
    /// How its name begins, if it is a field; else 0.
    prefix: u64,
    key: SimpleKey,
}

impl Last {
    const NONE: Last = Last { place: (0, 0), prefix: 0, key: SimpleKey::NONE };
}

/// Reads the set that a text begins with, if it is written just as it would be again but for the order.
/// The text is no longer than 32 bits tell.
pub(super) fn read(text: &str) -> Option<ReadFields> {
    let bytes = text.as_bytes();
    if !bytes.starts_with(b"{\"") {
        return None;
    }
    // The text may go on behind the set.
    let mut out = Writer::with_capacity(bytes.len().clamp(256, 2048));
    let mut open: SmallVec<[Open; 16]> = SmallVec::new();
    let (mut at, mut depth) = (1, 0);
    let mut last = Last::NONE;
    // Whether elements ascend everywhere, and whether what makes them members stands in front.
    let (mut ascends, mut is_tidy) = (true, true);
    'set: loop {
        'element: {
            let start = at + 1;
            let mut this = Last::NONE;
            let end = match bytes.get(at..at + 3)? {
                b"\"f:" => {
                    let mut end = skip_plain(bytes, at + 3);
                    while matches!(bytes.get(end)?, b' '.. if !matches!(bytes[end], b'"' | b'\\')) {
                        end += 1;
                    }
                    this.prefix = prefix_word(bytes, at + 3, end);
                    end
                }
                b"\"k:" => {
                    this.key = SimpleKey::read(bytes, at)?;
                    this.key.end()
                }
                b"\"v:" => bytes.len() - simple_scalar(&bytes[at + 3..])?.len(),
                _ if bytes[at..].starts_with(b"\".\":{}") => {
                    let above = open.last_mut().filter(|above| !above.is_member)?;
                    above.is_member = true;
                    out.set_member(above.entry);
                    is_tidy = false;
                    at += 5;
                    break 'element;
                }
                _ => return None,
            };
            if bytes.get(end..end + 3)? != b"\":{" {
                return None;
            }
            this.place = (start as u32, end as u32);
            let token = &bytes[start..end];
            ascends = ascends
                && (last.prefix != 0 && this.prefix > last.prefix
                    || last.place.1 == 0
                    || last.order(&this, bytes).is_lt());
            last = this;
            at = end + 3;
            if bytes.get(at) != Some(&b'}') {
                let is_member = bytes[at..].starts_with(b"\".\":{},");
                at += if is_member { 7 } else { 0 };
                let entry = out.push(token, is_member);
                let last = std::mem::replace(&mut last, Last::NONE);
                open.push(Open { entry, is_member, last });
                // Itself, and the root.
                if open.len() + 1 > MAX_DEPTH {
                    return None;
                }
                continue 'set;
            }
            out.push(token, true);
        }
        depth = depth.max(open.len() + 1);
        at += 1;
        while bytes.get(at) == Some(&b'}') {
            at += 1;
            let Some(Open { entry, last: before, .. }) = open.pop() else {
                // Numbers are short here.
                let set = out.finish_unmarked(depth);
                // The root is a level, and so is the record of a leaf or of being a member.
                let read = ReadFields {
                    set,
                    is_canonical: ascends && is_tidy,
                    is_whole: true,
                    length: at,
                    depth: depth + 1,
                };
                return Some(if ascends { read } else { in_order(read) });
            };
            out.close(entry);
            last = before;
        }
        if bytes.get(at) != Some(&b',') {
            return None;
        }
        at += 1;
    }
}

/// What was read of elements that come in any order.
fn in_order(read: ReadFields) -> ReadFields {
    let tape = read.set.as_set_ref().tape;
    let set = normalise(tape, Repeats::LastCounts).finish_unmarked(read.set.depth());
    let is_whole = set.as_set_ref().tape.len() == tape.len();
    ReadFields { set, is_whole, ..read }
}

impl Last {
    fn order(&self, other: &Last, bytes: &[u8]) -> Ordering {
        let token = |last: &Last| &bytes[last.place.0 as usize..last.place.1 as usize];
        let known = self.key.order(&other.key, bytes);
        known.unwrap_or_else(|| token::cmp(token(self), token(other)))
    }
}

/// A key element whose spelling is the one that is written: names and strings without escapes, in order,
/// other values short.
#[derive(Clone, Copy)]
pub(super) struct SimpleKey {
    /// Where its first name stands, and the first value if that is a string; both are empty if not.
    name: (u32, u32),
    value: (u32, u32),
    /// Where the closing quote stands.
    end: u32,
}

impl SimpleKey {
    const NONE: SimpleKey = SimpleKey { name: (0, 0), value: (0, 0), end: 0 };

    /// Reads one that may begin at a quote.
    pub(super) fn read(bytes: &[u8], quote: usize) -> Option<SimpleKey> {
        let behind =
            |at: usize, text: &[u8]| bytes.get(at..)?.starts_with(text).then_some(at + text.len());
        let mut at = behind(quote, b"\"k:{")?;
        let mut key = SimpleKey::NONE;
        let mut before: &[u8] = &[];
        loop {
            let start = behind(at, b"\\\"")?;
            let end = skip_simple(bytes, start);
            at = behind(end, b"\\\":")?;
            let value = match behind(at, b"\\\"") {
                Some(start) => {
                    let end = skip_simple(bytes, start);
                    at = behind(end, b"\\\"")?;
                    (start as u32, end as u32)
                }
                None => {
                    at = bytes.len() - simple_scalar(&bytes[at..])?.len();
                    (0, 0)
                }
            };
            let name = &bytes[start..end];
            if key.end == 0 {
                key = SimpleKey { name: (start as u32, end as u32), value, end: at as u32 };
            } else if name <= before {
                return None;
            }
            before = name;
            match bytes.get(at)? {
                b',' => at += 1,
                b'}' if bytes.get(at + 1) == Some(&b'"') => {
                    key.end = at as u32 + 1;
                    return Some(key);
                }
                _ => return None,
            }
        }
    }

    /// Where the closing quote stands.
    pub(super) fn end(&self) -> usize {
        self.end as usize
    }

    /// The order of two of a text, if the first values tell.
    fn order(&self, other: &SimpleKey, bytes: &[u8]) -> Option<Ordering> {
        let part = |(start, end): (u32, u32)| &bytes[start as usize..end as usize];
        let (ours, theirs) = (self.value, other.value);
        if ours.1 == 0 || theirs.1 == 0 || part(self.name) != part(other.name) {
            return None;
        }
        Some(part(ours).cmp(part(theirs))).filter(|order| order.is_ne())
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    /// What is written again as it stands is told from what is not, and from what repeats something.
    #[test]
    fn what_is_read_knows_how_it_stood() {
        let cases = [
            (r#"{"f:a":{},"f:b":{}}"#, true, true),
            (r#"{"f:b":{},"f:a":{}}"#, false, true),
            (r#"{"f:a":{".":{},"f:b":{}}}"#, true, true),
            (r#"{"f:a":{"f:b":{},".":{}}}"#, false, true),
            (r#"{"f:a":{"f:c":{},".":{},"f:b":{}}}"#, false, true),
            (r#"{"f:a":{".":{}}}"#, false, true),
            (r#"{"f:a":{},"f:a":{}}"#, false, false),
            (r#"{"f:b":{"f:c":{}},"f:a":{},"f:b":{}}"#, false, false),
        ];
        for (text, is_canonical, is_whole) in cases {
            let read = read(text).map(|read| (read.is_canonical, read.is_whole, read.length));
            assert_eq!(read, Some((is_canonical, is_whole, text.len())), "{text}");
        }
        let left = [
            r#"{".":{},"f:a":{}}"#,
            r#"{"f:a":{".":{},".":{}}}"#,
            r#"{"f:a":{"f:b":{},".":null}}"#,
            r#"{"f:a":{".":{"f:b":{}}}}"#,
        ];
        assert!(left.iter().all(|text| read(text).is_none()));
    }
}
