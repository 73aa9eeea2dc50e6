//! Nodes, the texts they point into, and all indexing into both.
//!
//! The texts of an operation (the live object, the configuration, ...) share one address space:
//! each is laid behind the one before it, so a position says which text it belongs to, and sorting
//! by position gives the live object's members first and the configuration's after them.
#![expect(
    clippy::indexing_slicing,
    reason = "positions and indices are made by the parser and by `Arena::rebuild` from the same texts and vectors"
)]

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::parse::Scratch;
use super::text;

/// What a node is, as read from the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Tag {
    Null,
    False,
    True,
    /// An integer literal that fits 64 bits.
    Int,
    /// Every other number.
    Float,
    String,
    List,
    Map,
}

const TAGS: [Tag; 8] =
    [Tag::Null, Tag::False, Tag::True, Tag::Int, Tag::Float, Tag::String, Tag::List, Tag::Map];

const TAG_MASK: u32 = 0b111;
/// The string value holds backslash escapes.
const ESCAPED: u32 = 1 << 3;
/// The key holds backslash escapes.
const KEY_ESCAPED: u32 = 1 << 4;
/// The text span does not say what the value is now: it was assembled, or its text holds a
/// repeated key or an unpaired surrogate.
const REWRITE: u32 = 1 << 5;
/// The members of the map do not stand in key order in the text.
const UNSORTED: u32 = 1 << 6;
/// What is in the map was not read so far: it has no children.
const UNREAD: u32 = 1 << 7;
const COUNT_SHIFT: u32 = 8;

/// The largest number of members or items of one container.
pub(crate) const MAX_COUNT: u32 = (1 << (32 - COUNT_SHIFT)) - 1;

/// One value: where it stands and, for a container, where its children stand.
///
/// A node is 24 bytes and copied freely; it means something only together with its [`Arena`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    key: u32,
    key_end: u32,
    pos: u32,
    end: u32,
    link: u32,
    info: u32,
}

impl Node {
    /// A null that stands in no text.
    pub(crate) const NULL: Node =
        Node { key: 0, key_end: 0, pos: 0, end: 0, link: 0, info: Tag::Null as u32 | REWRITE };

    pub(super) fn scalar(tag: Tag, pos: u32, end: u32) -> Node {
        Node { key: 0, key_end: 0, pos, end, link: 0, info: tag as u32 }
    }

    pub(super) fn container(tag: Tag, pos: u32, end: u32, link: u32, count: u32) -> Node {
        Node { key: 0, key_end: 0, pos, end, link, info: tag as u32 | (count << COUNT_SHIFT) }
    }

    #[inline]
    pub(crate) fn tag(self) -> Tag {
        TAGS[(self.info & TAG_MASK) as usize]
    }

    /// Members of a map, items of a list, 0 for everything else.
    #[inline]
    pub(crate) fn count(self) -> usize {
        (self.info >> COUNT_SHIFT) as usize
    }

    #[inline]
    pub(crate) fn is_null(self) -> bool {
        self.tag() == Tag::Null
    }

    /// Whether the value's text is exactly what it means.
    #[inline]
    pub(crate) fn is_verbatim(self) -> bool {
        self.info & REWRITE == 0
    }

    pub(super) fn is_escaped(self) -> bool {
        self.info & ESCAPED != 0
    }

    pub(super) fn has_key_escapes(self) -> bool {
        self.info & KEY_ESCAPED != 0
    }

    pub(super) fn is_unsorted(self) -> bool {
        self.info & UNSORTED != 0
    }

    pub(super) fn mark_escaped(&mut self) {
        self.info |= ESCAPED;
    }

    pub(super) fn mark_unsorted(&mut self) {
        self.info |= UNSORTED;
    }

    pub(super) fn mark_unread(&mut self) {
        self.info |= UNREAD;
    }

    /// Whether it is an object that [was left](super::Apart) to be read by somebody else.
    #[inline]
    pub(crate) fn is_unread(self) -> bool {
        self.info & UNREAD != 0
    }

    /// Where the value stands in the texts.
    pub(crate) fn position(self) -> u32 {
        self.pos
    }

    pub(super) fn mark_rewrite(&mut self) {
        self.info |= REWRITE;
    }

    pub(super) fn set_key(&mut self, key: u32, key_end: u32, escaped: bool) {
        self.key = key;
        self.key_end = key_end;
        if escaped {
            self.info |= KEY_ESCAPED;
        } else {
            self.info &= !KEY_ESCAPED;
        }
    }

    /// The same value under the key of `other`.
    pub(crate) fn with_key_of(mut self, other: Node) -> Node {
        self.set_key(other.key, other.key_end, other.has_key_escapes());
        self
    }

    pub(super) fn key_length(self) -> u32 {
        self.key_end - self.key
    }

    /// Where the key stands: the order of members in the output.
    pub(super) fn key_position(self) -> u32 {
        self.key
    }

    /// Where the quoted key, or the value of a node without one, begins in the texts.
    pub(super) fn offset(self) -> usize {
        (if self.key_end > 0 { self.key - 1 } else { self.pos }) as usize
    }

    /// Whether both are the very same value of the arena, or assembled from the same children.
    #[inline]
    pub(crate) fn is_same(self, other: Node) -> bool {
        (self.pos, self.end, self.link, self.info & !KEY_ESCAPED)
            == (other.pos, other.end, other.link, other.info & !KEY_ESCAPED)
    }

    /// Moves the node into an arena whose texts and nodes lie in front of its own.
    fn rebase(mut self, text: u32, link: u32) -> Node {
        self.key += text;
        self.key_end += text;
        self.pos += text;
        self.end += text;
        self.link += link;
        self
    }
}

#[derive(Clone, Debug)]
struct Text<'t> {
    base: u32,
    end: u32,
    source: Source<'t>,
}

/// A text is lent or shared, so that a copy of an arena copies no text.
#[derive(Clone, Debug)]
pub(crate) enum Source<'t> {
    Lent(&'t str),
    Shared(Arc<str>),
}

impl std::ops::Deref for Source<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Source::Lent(text) => text,
            Source::Shared(text) => text,
        }
    }
}

/// The texts and nodes of one operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena<'t> {
    texts: Vec<Text<'t>>,
    /// The first nodes, if they are shared with a value.
    shared: Option<Arc<[Node]>>,
    /// All others.
    pub(super) nodes: Vec<Node>,
    depth: usize,
    long_numbers: bool,
    /// The document that parts of were not read, and the way to them.
    unread: Option<(Node, [&'static str; 3])>,
    pub(super) scratch: Scratch,
}

/// So many items of a list are looked at together before they are gone through.
pub(crate) const AT_ONCE: usize = 16;

/// How much text a node stands for, on average of compact documents.
pub(super) const BYTES_FOR_A_NODE: usize = 20;

/// How many bytes may still be held against each other in vain. Whoever looks at values and then at
/// parts of them would look at the same text once for every level otherwise.
pub(crate) struct Effort(usize);

impl Effort {
    /// Enough for a few levels of a value.
    pub(crate) fn for_value(node: Node) -> Effort {
        Effort::of((node.end - node.pos) as usize)
    }

    /// As [`for_value`](Self::for_value), for something of this length.
    pub(crate) fn of(length: usize) -> Effort {
        Effort(4 * length + 4096)
    }

    /// Says whether something was found, and takes the effort into account if not.
    #[inline]
    pub(crate) fn spend_unless(&mut self, is_found: bool, length: usize) -> bool {
        if !is_found {
            self.0 = self.0.saturating_sub(length);
        }
        is_found
    }

    /// Whether two parts of the same length are the same.
    #[inline]
    pub(crate) fn finds_same(&mut self, left: &[u8], right: &[u8]) -> bool {
        const STEP: usize = 1024;
        if left.len() <= STEP {
            return self.spend_unless(self.0 > 0 && left == right, left.len());
        }
        self.finds_same_in_steps(left, right, STEP)
    }

    fn finds_same_in_steps(&mut self, left: &[u8], right: &[u8], step: usize) -> bool {
        if self.0 == 0 {
            return false;
        }
        let mut steps = left.chunks(step).zip(right.chunks(step));
        let vain = steps.position(|(left, right)| left != right);
        self.spend_unless(vain.is_none(), vain.map_or(0, |steps| (steps + 1) * step))
    }
}

/// The texts or the nodes would need more than 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl<'t> Arena<'t> {
    /// The base position of a text of this length, if it fits behind the others.
    pub(super) fn room_for(&self, length: usize) -> Result<u32, TooLarge> {
        let base = self.texts.last().map_or(0, |last| last.end);
        let length = u32::try_from(length).map_err(|_| TooLarge)?;
        base.checked_add(length).filter(|end| *end < u32::MAX).ok_or(TooLarge)?;
        Ok(base)
    }

    /// The arena without the room that was kept for more documents. Copies of it copy no nodes.
    pub(super) fn finished(mut self) -> Arc<Arena<'t>> {
        self.scratch = Scratch::default();
        if self.shared.is_none() {
            self.shared = Some(std::mem::take(&mut self.nodes).into());
        }
        Arc::new(self)
    }

    #[inline]
    fn shared(&self) -> &[Node] {
        self.shared.as_deref().unwrap_or_default()
    }

    /// With room for what texts of this length hold in general, and for what is made of it.
    pub(crate) fn with_room_for(bytes: usize) -> Arena<'t> {
        // Of more than there can be nothing is read.
        let bytes = if u32::try_from(bytes).is_ok() { bytes } else { 0 };
        Arena { nodes: Vec::with_capacity(bytes / BYTES_FOR_A_NODE + 16), ..Arena::default() }
    }

    /// How many nodes there are.
    pub(super) fn node_count(&self) -> usize {
        self.shared().len() + self.nodes.len()
    }

    /// The nodes from one on to before another, all of them children of the same node.
    #[inline]
    fn run(&self, start: usize, end: usize) -> &[Node] {
        let shared = self.shared();
        match start.checked_sub(shared.len()) {
            None => &shared[start..end],
            Some(first) => &self.nodes[first..end - shared.len()],
        }
    }

    /// Adds a text at the base that `room_for` gave.
    pub(super) fn add_text(&mut self, base: u32, source: Source<'t>) {
        let end = base + source.len() as u32;
        self.texts.push(Text { base, end, source });
    }

    /// The deepest nesting of any document parsed into this arena.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn note_depth(&mut self, depth: usize) {
        self.depth = self.depth.max(depth);
    }

    /// Whether any document parsed into this arena holds a number of sixteen digits or more, which
    /// may be an integer beyond 2^53.
    pub(crate) fn has_long_numbers(&self) -> bool {
        self.long_numbers
    }

    pub(super) fn note_long_number(&mut self) {
        self.long_numbers = true;
    }

    pub(super) fn note_unread(&mut self, root: Node, path: [&'static str; 3]) {
        self.unread = Some((root, path));
    }

    /// Reads what was left to others, so that every node has its children.
    pub(crate) fn read_all(&mut self) {
        let Some((root, [in_root, in_map, in_item])) = self.unread.take() else { return };
        let list = self.member(root, in_root).and_then(|map| self.member(map, in_map));
        let Some(list) = list else { return };
        for index in 0..list.count() {
            let item = self.child(list, index);
            let is_it = |member: &&Node| member.is_unread() && self.key(**member) == in_item;
            let Some(part) = self.children(item).iter().find(is_it).copied() else { continue };
            let read = self.parse_part(part).with_key_of(part);
            let start = (item.link as usize).checked_sub(self.shared().len());
            let members = start.and_then(|start| self.nodes.get_mut(start..start + item.count()));
            let mut members = members.into_iter().flatten();
            if let Some(slot) = members.find(|member| member.is_unread()) {
                *slot = read;
            }
        }
    }

    /// A value's position, and its text, which does not keep the arena from being changed.
    pub(super) fn place(&self, node: Node) -> (u32, String) {
        (node.pos, self.slice(node.pos, node.end).to_owned())
    }

    /// Looks at some values, before they are gone through one by one: so memory that is far away is waited
    /// for once, and not by each of them.
    #[inline(never)]
    pub(crate) fn look_at(&self, values: impl Iterator<Item = Node>) {
        let firsts: SmallVec<[(Node, Node); AT_ONCE]> =
            values.map(|node| (node, self.child(node, 0))).collect();
        let begins = |node: Node| self.slice(node.pos, node.end).as_bytes().first().copied();
        let begins = |(node, first): &(Node, Node)| {
            if node.is_verbatim() { begins(*node) } else { begins(*first) }
        };
        std::hint::black_box(firsts.iter().filter_map(begins).fold(0, |all, byte| all ^ byte));
    }

    #[inline]
    pub(super) fn slice(&self, pos: u32, end: u32) -> &str {
        for text in &self.texts {
            if pos < text.end || (pos == end && pos == text.end) {
                return &text.source[(pos - text.base) as usize..(end - text.base) as usize];
            }
        }
        ""
    }

    /// The children of a container, maps sorted by key.
    #[inline]
    pub(crate) fn children(&self, node: Node) -> &[Node] {
        let start = node.link as usize;
        self.run(start, start + node.count())
    }

    /// The child at `index` of `node`; null past the end.
    #[inline]
    pub(crate) fn child(&self, node: Node, index: usize) -> Node {
        self.children(node).get(index).copied().unwrap_or(Node::NULL)
    }

    /// The value's text as it stands; empty for an assembled value.
    pub(crate) fn span(&self, node: Node) -> &str {
        if node.is_verbatim() { self.slice(node.pos, node.end) } else { "" }
    }

    /// The literal of a number.
    pub(super) fn literal(&self, node: Node) -> &str {
        self.slice(node.pos, node.end)
    }

    #[inline]
    fn bytes(&self, pos: u32, end: u32) -> &[u8] {
        for text in &self.texts {
            if pos < text.end || (pos == end && pos == text.end) {
                let bytes = text.source.as_bytes();
                return &bytes[(pos - text.base) as usize..(end - text.base) as usize];
            }
        }
        &[]
    }

    /// How the key begins: keys of different numbers are ordered as these are. For keys without
    /// escapes.
    #[inline]
    pub(crate) fn key_prefix(&self, node: Node) -> u64 {
        let (text, start, end) = self.key_in_text(node);
        text::prefix_word(text.as_bytes(), start, end)
    }

    /// Whether two values are spelled alike, as far as the effort allows that to be found out.
    #[inline]
    pub(crate) fn are_spelled_alike(&self, left: Node, right: Node, effort: &mut Effort) -> bool {
        left.end - left.pos == right.end - right.pos
            && (left.info | right.info) & REWRITE == 0
            && effort.finds_same(self.bytes(left.pos, left.end), self.bytes(right.pos, right.end))
    }

    /// Whether two values are spelled alike.
    #[inline]
    pub(super) fn is_same_text(&self, left: Node, right: Node) -> bool {
        left.end - left.pos == right.end - right.pos
            && text::is_same(self.bytes(left.pos, left.end), self.bytes(right.pos, right.end))
    }

    /// The key between the quotes, as it stands: a text, and from where to where.
    #[inline]
    pub(crate) fn key_in_text(&self, node: Node) -> (&str, usize, usize) {
        for text in &self.texts {
            if node.key < text.end {
                let base = text.base;
                return (&text.source, (node.key - base) as usize, (node.key_end - base) as usize);
            }
        }
        ("", 0, 0)
    }

    /// The bytes of the key between the quotes, as they stand.
    #[inline]
    pub(super) fn raw_key_bytes(&self, node: Node) -> &[u8] {
        self.bytes(node.key, node.key_end)
    }

    /// The key's text between the quotes, as it stands.
    #[inline]
    pub(crate) fn raw_key(&self, node: Node) -> &str {
        self.slice(node.key, node.key_end)
    }

    /// The member's key.
    #[inline]
    pub(crate) fn key(&self, node: Node) -> Cow<'_, str> {
        let raw = self.raw_key(node);
        if node.has_key_escapes() { Cow::Owned(text::unescape(raw)) } else { Cow::Borrowed(raw) }
    }

    /// The content of a string value.
    pub(crate) fn string(&self, node: Node) -> Cow<'_, str> {
        let raw = self.slice(node.pos + 1, node.end - 1);
        if node.is_escaped() { Cow::Owned(text::unescape(raw)) } else { Cow::Borrowed(raw) }
    }

    pub(crate) fn int(&self, node: Node) -> i64 {
        self.literal(node).parse().unwrap_or_default()
    }

    pub(crate) fn float(&self, node: Node) -> f64 {
        self.literal(node).parse().unwrap_or_default()
    }

    /// The member of a map with this key.
    pub(crate) fn member(&self, map: Node, key: &str) -> Option<Node> {
        if map.tag() != Tag::Map {
            return None;
        }
        let members = self.children(map);
        if members.len() <= 12 {
            let wanted = key.as_bytes();
            let is_it = |member: &&Node| {
                if member.has_key_escapes() {
                    return self.key(**member) == key;
                }
                let length = (member.key_end - member.key) as usize;
                length == wanted.len() && text::is_same(self.raw_key_bytes(**member), wanted)
            };
            return members.iter().find(is_it).copied();
        }
        let found = members.binary_search_by(|member| self.key(*member).as_ref().cmp(key));
        found.ok().map(|index| members[index])
    }

    /// Appends assembled children and returns the container holding them, under no key.
    ///
    /// Members of a map must be sorted by key and have unique keys.
    pub(crate) fn rebuild(&mut self, tag: Tag, children: &[Node]) -> Node {
        let link = self.node_count();
        self.nodes.extend_from_slice(children);
        match (u32::try_from(link), u32::try_from(children.len())) {
            (Ok(link), Ok(count)) if count <= MAX_COUNT => {
                let mut node = Node::container(tag, 0, 0, link, count);
                node.mark_rewrite();
                node.mark_unsorted();
                node
            }
            // Inputs are bounded by 4 GiB of text and every assembled child stands in one of them,
            // so this is not reached; answer a value rather than a wrong container.
            _ => Node::NULL,
        }
    }

    /// A member of a map that is only to be written: what is in its value, which is JSON of this
    /// kind, is not read. Gives the JSON back if there is no room for it.
    pub(crate) fn written_member(
        &mut self,
        key: &str,
        tag: Tag,
        json: String,
    ) -> Result<Node, String> {
        let Ok(base) = self.room_for(json.len() + key.len()) else { return Err(json) };
        let end = base + json.len() as u32;
        let mut node = Node::container(tag, base, end, 0, 0);
        node.set_key(end, end + key.len() as u32, false);
        let mut text = json;
        text.push_str(key);
        self.add_text(base, Source::Shared(text.into()));
        Ok(node)
    }

    /// Two arenas in one, in which nodes of the first stay what they are, with room for what is made of
    /// both; and how a node of the second is found there. Nodes that the first shares are not copied.
    pub(crate) fn joined(
        left: &Arena<'t>,
        right: &Arena<'t>,
    ) -> Result<(Arena<'t>, Moved), TooLarge> {
        const ROOM: usize = 24;
        let mut texts = Vec::with_capacity(left.texts.len() + right.texts.len());
        texts.extend(left.texts.iter().cloned());
        let mut nodes = Vec::with_capacity(left.nodes.len() + right.node_count() + ROOM);
        nodes.extend_from_slice(&left.nodes);
        let Arena { depth, long_numbers, unread, .. } = *left;
        let (shared, scratch) = (left.shared.clone(), Scratch::default());
        let mut arena = Arena { texts, shared, nodes, depth, long_numbers, unread, scratch };
        let moved = arena.append(right)?;
        Ok((arena, moved))
    }

    /// Appends another arena and returns how a node of it is found here.
    pub(crate) fn append(&mut self, other: &Arena<'t>) -> Result<Moved, TooLarge> {
        let text = self.room_for(other.texts.last().map_or(0, |last| last.end) as usize)?;
        let link = u32::try_from(self.node_count()).map_err(|_| TooLarge)?;
        u32::try_from(self.node_count() + other.node_count()).map_err(|_| TooLarge)?;
        for piece in &other.texts {
            self.texts.push(Text {
                base: piece.base + text,
                end: piece.end + text,
                source: piece.source.clone(),
            });
        }
        self.nodes.reserve(other.node_count());
        for nodes in [other.shared(), &other.nodes] {
            self.nodes.extend(nodes.iter().map(|node| node.rebase(text, link)));
        }
        self.depth = self.depth.max(other.depth);
        self.long_numbers |= other.long_numbers;
        Ok(Moved { text, link })
    }

    /// The text holding `node` alone, copied out as a document of its own.
    pub(crate) fn detach(&self, node: Node) -> String {
        // What was assembled is about as long as the text that most of it comes from.
        let first = self.texts.first().map_or(0, |text| text.end);
        let length = if node.is_verbatim() { node.end - node.pos } else { first };
        let mut out = String::with_capacity(length as usize + 16);
        self.write(node, &mut out);
        out
    }

    /// Appends the value as JSON: unchanged parts as they stand in their text, assembled maps with
    /// the members of the earlier text first, each text's members in their order.
    pub(crate) fn write(&self, node: Node, out: &mut String) {
        // Frames instead of recursion: the output of a deep document is written on any stack.
        struct Frame {
            /// The children that are left, of the arena's nodes or of those that were sorted.
            next: usize,
            end: usize,
            is_sorted: bool,
            is_map: bool,
            is_first: bool,
        }
        let mut frames: SmallVec<[Frame; 8]> = SmallVec::new();
        let mut sorted: Vec<Node> = Vec::new();
        let mut current = node;
        loop {
            if current.is_verbatim() {
                out.push_str(self.slice(current.pos, current.end));
            } else {
                match current.tag() {
                    Tag::Null => out.push_str("null"),
                    Tag::False => out.push_str("false"),
                    Tag::True => out.push_str("true"),
                    Tag::Int | Tag::Float => out.push_str(self.literal(current)),
                    Tag::String => text::write_json_string_quoted(out, &self.string(current)),
                    Tag::List | Tag::Map => {
                        let is_map = current.tag() == Tag::Map;
                        out.push(if is_map { '{' } else { '[' });
                        let children = self.children(current);
                        let is_sorted = is_map
                            && current.is_unsorted()
                            && !children.is_sorted_by_key(|child| child.key_position());
                        let next = if is_sorted {
                            let next = sorted.len();
                            sorted.extend_from_slice(children);
                            sorted[next..].sort_by_key(|child| child.key_position());
                            next
                        } else {
                            current.link as usize
                        };
                        let end = next + children.len();
                        frames.push(Frame { next, end, is_sorted, is_map, is_first: true });
                    }
                }
            }
            // The next value to write: the next child of the innermost open container.
            loop {
                let Some(frame) = frames.last_mut() else { return };
                let left = if frame.is_sorted {
                    &sorted[frame.next..frame.end]
                } else {
                    self.run(frame.next, frame.end)
                };
                // Items of a long list may come from anywhere.
                if !frame.is_map && left.len() > AT_ONCE && left.len() % AT_ONCE == 0 {
                    self.look_at(left[..AT_ONCE].iter().copied());
                }
                let Some(child) = left.first().copied() else {
                    out.push(if frame.is_map { '}' } else { ']' });
                    frames.pop();
                    continue;
                };
                if !std::mem::take(&mut frame.is_first) {
                    out.push(',');
                }
                let run = if frame.is_map { verbatim_run(left) } else { 0 };
                if run > 1 {
                    out.push_str(self.slice(child.key - 1, left[run - 1].end));
                    frame.next += run;
                    continue;
                }
                frame.next += 1;
                if frame.is_map {
                    if child.has_key_escapes() {
                        text::write_json_string_quoted(out, &self.key(child));
                    } else {
                        out.push('"');
                        out.push_str(self.raw_key(child));
                        out.push('"');
                    }
                    out.push(':');
                }
                current = child;
                break;
            }
        }
    }
}

/// How many members stand side by side in a text just as they are written.
fn verbatim_run(members: &[Node]) -> usize {
    let is_plain = |member: &Node| {
        let has_no_space = member.pos == member.key_end + 2;
        has_no_space && member.is_verbatim() && !member.has_key_escapes()
    };
    let mut end = None;
    let run = members.iter().take_while(|member| {
        // A comma and a quote.
        let is_next = end.is_none_or(|end: u32| member.key == end + 2) && is_plain(member);
        end = Some(member.end);
        is_next
    });
    run.count()
}

/// How the nodes of an appended arena are found in the one it was appended to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    text: u32,
    link: u32,
}

impl Moved {
    pub(crate) fn node(self, node: Node) -> Node {
        if node.pos == node.end && node.count() == 0 && !node.is_verbatim() {
            return node;
        }
        node.rebase(self.text, self.link)
    }
}

impl Node {
    pub(super) fn key_span(self) -> (u32, u32) {
        (self.key, self.key_end)
    }
}
