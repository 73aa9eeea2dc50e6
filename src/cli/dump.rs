//! Dumps of many objects, read piece by piece and looked at on all cores.
//!
//! What `kubectl get -o json` prints is one list that may be larger than memory. Its items are cut out
//! of it without parsing what is around them, so that only the items that are being looked at, and
//! what is kept of them, take room.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::value::{Value, ValueRef};

/// An object cut out of a dump.
pub(super) struct Piece<'t> {
    pub(super) text: &'t [u8],
    /// From 1.
    pub(super) document: usize,
    /// From 1; none for an object that is no item of a list.
    pub(super) item: Option<usize>,
    /// From 1.
    pub(super) line: usize,
    /// Where it begins in the dump, in bytes.
    pub(super) start: u64,
    /// What the list around an item says of its items; none if it has not said so yet.
    pub(super) list: Option<&'t Said>,
}

/// What a document that holds items says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It is a list of objects of this version and kind; those are empty where every item says its own.
    List { api_version: String, kind: String },
    /// It is an object that happens to have items.
    Object,
}

impl Said {
    /// What is said by JSON text of a document, which may lack the end or the items.
    fn by(document: &Value) -> Said {
        let text = |name: &str| {
            let text = document.as_ref().get(name).and_then(ValueRef::as_str);
            text.map(Cow::into_owned).unwrap_or_default()
        };
        match text("kind") {
            kind if kind.is_empty() => Said::List { api_version: String::new(), kind },
            kind => match kind.strip_suffix("List") {
                Some(kind) => Said::List { api_version: text("apiVersion"), kind: kind.to_owned() },
                None => Said::Object,
            },
        }
    }

    /// What is said by what stands before the items; none if that may not be all.
    fn before_items(text: &[u8]) -> Option<Said> {
        let closed = [text, b"[]}"].concat();
        let document = Value::from_json_bytes(&closed).ok()?;
        let has = |name: &str| document.as_ref().get(name).is_some();
        match Said::by(&document) {
            said @ Said::Object => Some(said),
            said @ Said::List { .. } => (has("kind") && has("apiVersion")).then_some(said),
        }
    }
}

/// Bytes that are read at once, and the least that is handed on at once.
const CHUNK: usize = 1 << 20;

/// Whether a text that begins like this can be cut: it is JSON objects. YAML in braces has no quotes
/// in most cases.
pub(super) fn is_dump(beginning: &[u8]) -> bool {
    let mut signs = beginning.iter().filter(|byte| !byte.is_ascii_whitespace());
    (signs.next(), signs.next()) == (Some(&b'{'), Some(&b'"'))
}

/// Cuts JSON objects, and the items of those that are lists, out of what is fed to it.
#[derive(Default)]
struct Cutter {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// The key of the outermost object that comes or was last.
    key: Vec<u8>,
    is_key: bool,
    /// What is read stands in the `items` of a list.
    in_items: bool,
    document: usize,
    item: usize,
    line: usize,
    /// The object that is being cut; outside of items that of the document.
    piece: Vec<u8>,
    /// What stands around the items.
    around: Vec<u8>,
    has_items: bool,
    start_line: usize,
    /// Bytes before the one that is looked at, and before the object that is being cut.
    at: u64,
    start: u64,
    /// Bytes that were fed.
    fed: u64,
    /// What the document said before its items.
    said: Option<Arc<Said>>,
    /// It had items before it said so.
    is_late: bool,
    /// What documents said that had not said so before their items, by their numbers.
    said_late: BTreeMap<usize, Said>,
    /// The documents that are cut, and what is known of them; all if there are none.
    wanted: BTreeMap<usize, Arc<Said>>,
}

/// A piece as it is kept until it is looked at.
struct Cut {
    text: Vec<u8>,
    document: usize,
    item: Option<usize>,
    line: usize,
    start: u64,
    list: Option<Arc<Said>>,
}

impl Cutter {
    /// Cuts these documents alone, of which this is known.
    fn again(wanted: &BTreeMap<usize, Said>) -> Cutter {
        let wanted = wanted.iter().map(|(document, said)| (*document, Arc::new(said.clone())));
        Cutter { wanted: wanted.collect(), ..Cutter::default() }
    }

    fn feed(&mut self, bytes: &[u8], cut: &mut Vec<Cut>) {
        let mut rest = bytes;
        self.fed += bytes.len() as u64;
        let end = self.fed;
        while let Some((byte, after)) = rest.split_first() {
            if self.in_string && !self.is_escaped {
                // Most of a dump is text between quotes.
                let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
                let (text, next) = rest.split_at(plain.unwrap_or(rest.len()));
                self.keep(text);
                let Some((byte, after)) = next.split_first() else { return };
                self.is_escaped = *byte == b'\\';
                self.in_string = self.is_escaped;
                self.keep(&[*byte]);
                rest = after;
                continue;
            }
            if self.in_string {
                self.is_escaped = false;
                self.keep(&[*byte]);
                rest = after;
                continue;
            }
            let plain = rest.iter().position(|byte| {
                matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b'\n')
            });
            if plain != Some(0) {
                let (text, next) = rest.split_at(plain.unwrap_or(rest.len()));
                self.keep(text);
                rest = next;
                continue;
            }
            self.at = end - rest.len() as u64;
            self.sign(*byte, cut);
            rest = after;
        }
    }

    fn keep(&mut self, text: &[u8]) {
        if self.depth == 1 && self.is_key && self.in_string {
            self.key.extend_from_slice(text);
        }
        if self.in_items && self.depth == 2 {
            return;
        }
        if self.depth > 0 {
            self.piece.extend_from_slice(text);
        }
    }

    fn sign(&mut self, byte: u8, cut: &mut Vec<Cut>) {
        match byte {
            b'\n' => self.line += 1,
            b'"' => {
                self.in_string = true;
                if self.depth == 1 && self.is_key {
                    self.key.clear();
                }
            }
            b':' if self.depth == 1 => self.is_key = false,
            b',' if self.depth == 1 => self.is_key = true,
            _ => {}
        }
        match byte {
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.document += 1;
                    self.item = 0;
                    self.has_items = false;
                    self.is_late = false;
                    self.is_key = true;
                    self.start_line = self.line;
                    self.start = self.at;
                }
                if byte == b'[' && self.depth == 1 && self.begins_items() {
                    self.in_items = true;
                    self.has_items = true;
                    self.piece.extend_from_slice(b"[]");
                    self.around = std::mem::take(&mut self.piece);
                } else if self.in_items && self.depth == 2 {
                    self.item += 1;
                    self.start_line = self.line;
                    self.start = self.at;
                    self.piece.push(byte);
                } else {
                    self.piece.push(byte);
                }
                self.depth += 1;
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.in_items && self.depth == 1 {
                    self.in_items = false;
                    self.piece = std::mem::take(&mut self.around);
                    return;
                }
                self.piece.push(byte);
                if self.in_items && self.depth == 2 {
                    self.cut(Some(self.item), cut);
                } else if self.depth == 0 {
                    if self.has_items {
                        let document = std::mem::take(&mut self.piece);
                        if self.is_late
                            && let Ok(document) = Value::from_json_bytes(&document)
                        {
                            self.said_late.insert(self.document, Said::by(&document));
                        }
                    } else {
                        self.cut(None, cut);
                    }
                }
            }
            _ if self.in_items && self.depth == 2 => {}
            _ if self.depth == 0 => {}
            byte => self.piece.push(byte),
        }
    }

    /// Whether a list that begins here, in a document itself, holds objects.
    fn begins_items(&mut self) -> bool {
        if self.key != b"items" || self.is_key {
            return false;
        }
        self.said = match self.wanted.get(&self.document) {
            Some(said) => Some(said.clone()),
            None => Said::before_items(&self.piece).map(Arc::new),
        };
        self.is_late |= self.said.is_none();
        self.said.as_deref() != Some(&Said::Object)
    }

    fn cut(&mut self, item: Option<usize>, cut: &mut Vec<Cut>) {
        let text = std::mem::take(&mut self.piece);
        if !self.wanted.is_empty() && !self.wanted.contains_key(&self.document) {
            return;
        }
        let list = item.and_then(|_| self.said.clone());
        let (document, line, start) = (self.document, self.start_line + 1, self.start);
        cut.push(Cut { text, document, item, line, start, list });
    }
}

/// What looking at a dump came to, in the order of the dump.
pub(super) struct Looked<R> {
    pub(super) kept: Vec<R>,
    /// The dump ends in the middle of something: the line.
    pub(super) is_cut_off: Option<usize>,
    /// What documents said of themselves behind their items, by their numbers.
    pub(super) said_late: BTreeMap<usize, Said>,
}

/// Reads a dump to its end and has every object looked at, on all cores; only those of the documents
/// that are wanted if there are any. What is none is not kept.
///
/// Memory is bounded by a few chunks, or the largest object, for each core, and by what is kept.
///
/// # Errors
/// What the reader says.
pub(super) fn look<R: Send>(
    beginning: &[u8],
    reader: &mut dyn Read,
    wanted: &BTreeMap<usize, Said>,
    look: &(dyn Fn(&Piece<'_>) -> Option<R> + Sync),
    progress: &mut dyn FnMut(usize),
) -> io::Result<Looked<R>> {
    let mut kept = Vec::new();
    let ended = each(beginning, reader, wanted, look, &mut |step| match step {
        Step::Found(found) => kept.push(found),
        Step::Read(bytes) => progress(bytes),
    })?;
    Ok(Looked { kept, is_cut_off: ended.is_cut_off, said_late: ended.said_late })
}

/// What comes while a dump is read.
pub(super) enum Step<R> {
    /// What was found in an object, in the order of the dump.
    Found(R),
    /// So many bytes were read.
    Read(usize),
}

/// What is known when a dump has been read.
pub(super) struct Ended {
    /// It ends in the middle of something: the line.
    pub(super) is_cut_off: Option<usize>,
    /// What documents said of themselves behind their items, by their numbers.
    pub(super) said_late: BTreeMap<usize, Said>,
}

/// As [`look`], but hands on what is found as soon as all before it has been looked at.
///
/// # Errors
/// What the reader says.
pub(super) fn each<R: Send>(
    beginning: &[u8],
    reader: &mut dyn Read,
    wanted: &BTreeMap<usize, Said>,
    look: &(dyn Fn(&Piece<'_>) -> Option<R> + Sync),
    take: &mut dyn FnMut(Step<R>),
) -> io::Result<Ended> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (to_do, jobs) = mpsc::sync_channel::<(usize, Vec<Cut>)>(cores);
    let jobs = Mutex::new(jobs);
    let (done, results) = mpsc::channel::<(usize, Vec<R>)>();
    let work = |done: mpsc::Sender<(usize, Vec<R>)>| {
        loop {
            let job = jobs.lock().map(|jobs| jobs.recv());
            let Ok(Ok((number, pieces))) = job else { return };
            let looked = pieces.iter().filter_map(|cut| {
                let Cut { text, list, .. } = cut;
                let Cut { document, item, line, start, .. } = *cut;
                look(&Piece { text, document, item, line, start, list: list.as_deref() })
            });
            if done.send((number, looked.collect())).is_err() {
                return;
            }
        }
    };
    // Results that came before their turn, and whose turn it is.
    let mut early: BTreeMap<usize, Vec<R>> = BTreeMap::new();
    let mut turn = 1;
    let mut hand_on = |(number, found): (usize, Vec<R>), take: &mut dyn FnMut(Step<R>)| {
        early.insert(number, found);
        while let Some(found) = early.remove(&turn) {
            turn += 1;
            found.into_iter().for_each(|found| take(Step::Found(found)));
        }
    };
    let mut cutter = Cutter::again(wanted);
    let read = thread::scope(|scope| {
        for _ in 0..cores {
            let done = done.clone();
            scope.spawn(|| work(done));
        }
        drop(done);
        let mut pieces = Vec::new();
        let (mut number, mut size, mut all) = (0, 0, 0);
        let mut chunk = vec![0; CHUNK];
        let mut bytes = beginning;
        let outcome = loop {
            all += bytes.len();
            size += bytes.len();
            cutter.feed(bytes, &mut pieces);
            if size >= CHUNK && !pieces.is_empty() {
                number += 1;
                size = 0;
                // All workers are gone only if one of them has panicked.
                if to_do.send((number, std::mem::take(&mut pieces))).is_err() {
                    break Ok(());
                }
                take(Step::Read(all));
                results.try_iter().for_each(|found| hand_on(found, take));
            }
            match reader.read(&mut chunk) {
                Ok(0) => break Ok(()),
                Ok(length) => bytes = chunk.get(..length).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => bytes = &[],
                Err(error) => break Err(error),
            }
        };
        let _ = to_do.send((number + 1, pieces));
        drop(to_do);
        results.iter().for_each(|found| hand_on(found, take));
        outcome
    });
    read?;
    let is_cut_off = (cutter.depth > 0).then_some(cutter.line + 1);
    Ok(Ended { is_cut_off, said_late: cutter.said_late })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Cutter, Piece, Said, look};

    fn pieces(text: &str, step: usize) -> Vec<(String, usize, Option<usize>, usize)> {
        let mut cutter = Cutter::default();
        let mut cut = Vec::new();
        for bytes in text.as_bytes().chunks(step) {
            cutter.feed(bytes, &mut cut);
        }
        let told = |cut: super::Cut| {
            let start = cut.start as usize;
            assert_eq!(&text.as_bytes()[start..start + cut.text.len()], cut.text);
            (String::from_utf8_lossy(&cut.text).into_owned(), cut.document, cut.item, cut.line)
        };
        cut.into_iter().map(told).collect()
    }

    #[test]
    fn objects_and_items_are_cut_wherever_they_are_read_in_pieces() {
        let text = "{\"a\": [{\"items\": [1]}], \"b\": \"}]\\\"{\"}\n{\"kind\":\"List\",\n\"items\" : [\n{\"a\":1},\n {\"items\":[{\"b\\\\\":\"]\"}]} ],\"metadata\":{\"items\":[{}]}}{\"items\":[]}{ }";
        let expected = [
            ("{\"a\": [{\"items\": [1]}], \"b\": \"}]\\\"{\"}", 1, None, 1),
            ("{\"a\":1}", 2, Some(1), 4),
            ("{\"items\":[{\"b\\\\\":\"]\"}]}", 2, Some(2), 5),
            ("{ }", 4, None, 5),
        ]
        .map(|(text, document, item, line)| (text.to_owned(), document, item, line));
        for step in 1..=text.len() {
            assert_eq!(pieces(text, step), expected, "{step}");
        }
    }

    #[test]
    fn what_is_kept_is_in_the_order_of_the_dump() -> std::io::Result<()> {
        let items: Vec<String> =
            (0..40_000).map(|item| format!("{{\"name\":\"{item:0100}\"}}")).collect();
        let dump = format!("{{\"items\":[{}]}}", items.join(","));
        let (start, rest) = dump.as_bytes().split_at(10);
        let looked = look(
            start,
            &mut &rest[..],
            &BTreeMap::new(),
            &|piece| {
                piece.item.filter(|item| item % 1000 == 0).map(|item| (item, piece.text.len()))
            },
            &mut |_| {},
        )?;
        assert_eq!(looked.is_cut_off, None);
        let expected: Vec<(usize, usize)> = (1..=40).map(|step| (step * 1000, 111)).collect();
        assert_eq!(looked.kept, expected);
        let start = b"{\"items\":[{\n\"a\":";
        let cut_off = look(start, &mut &b""[..], &BTreeMap::new(), &|_| Some(()), &mut |_| {})?;
        assert_eq!(cut_off.is_cut_off, Some(2));
        Ok(())
    }

    /// A list may say what its items are before or behind them.
    #[test]
    fn what_lists_say_of_their_items_is_known_at_once_or_in_the_end() -> std::io::Result<()> {
        let typed = |kind: &str| format!(r#""kind":"{kind}","apiVersion":"v1""#);
        let items = r#""items":[{"a":1},{"a":2}]"#;
        let documents = [
            format!("{{{},{items}}}", typed("PodList")),
            format!("{{\"apiVersion\":\"v1\",{items},\"kind\":\"PodList\"}}"),
            format!("{{{items},{}}}", typed("Menu")),
            format!("{{{},{items}}}", typed("Menu")),
            format!("{{{items}}}"),
            format!("{{{items},{},{items}}}", typed("PodList")),
        ];
        let dump = documents.join("\n");
        let said = |kind: &str| Said::List {
            api_version: if kind.is_empty() { "" } else { "v1" }.to_owned(),
            kind: kind.to_owned(),
        };
        let told = |piece: &Piece<'_>| {
            Some((piece.document, piece.item, piece.list.cloned(), piece.text.len()))
        };
        let read = |wanted: &BTreeMap<usize, Said>| {
            look(&[], &mut dump.as_bytes(), wanted, &told, &mut |_| {})
        };
        let item = |document, item, list| (document, Some(item), list, 7);
        let looked = read(&BTreeMap::new())?;
        let whole = documents[3].len();
        assert_eq!(
            looked.kept,
            [
                item(1, 1, Some(said("Pod"))),
                item(1, 2, Some(said("Pod"))),
                item(2, 1, None),
                item(2, 2, None),
                item(3, 1, None),
                item(3, 2, None),
                (4, None, None, whole),
                item(5, 1, None),
                item(5, 2, None),
                item(6, 1, None),
                item(6, 2, None),
                item(6, 3, Some(said("Pod"))),
                item(6, 4, Some(said("Pod"))),
            ]
        );
        let late = [(2, said("Pod")), (3, Said::Object), (5, said("")), (6, said("Pod"))];
        assert_eq!(looked.said_late, BTreeMap::from(late.clone()));
        let again = read(&BTreeMap::from(late))?;
        assert_eq!(
            again.kept,
            [
                item(2, 1, Some(said("Pod"))),
                item(2, 2, Some(said("Pod"))),
                (3, None, None, whole),
                item(5, 1, Some(said(""))),
                item(5, 2, Some(said(""))),
                item(6, 1, Some(said("Pod"))),
                item(6, 2, Some(said("Pod"))),
                item(6, 3, Some(said("Pod"))),
                item(6, 4, Some(said("Pod"))),
            ]
        );
        Ok(())
    }
}
