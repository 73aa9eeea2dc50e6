//! Where the nodes of a document stand in its text.

use granit_parser::{Event, Marker, Parser, ScalarStyle, StructureStyle};

use crate::value::MAX_DEPTH;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|` or `>`, of which the node is the text alone.
    Block,
}

/// What a node is, with the indices of the nodes in it.
#[derive(Debug)]
pub(super) enum Content {
    Scalar(Style),
    Alias,
    List { is_flow: bool, items: Vec<usize> },
    Map { is_flow: bool, members: Vec<(usize, usize)> },
}

/// A node and the bytes that it takes.
#[derive(Debug)]
pub(super) struct Node {
    /// Where its anchor, its tag or else it begins; a block list begins with its first item, not with
    /// the dash before that.
    pub(super) start: usize,
    /// What is written as nothing ends where it starts.
    pub(super) end: usize,
    pub(super) content: Content,
}

/// The nodes of a document.
#[derive(Debug, Default)]
pub(super) struct Outline {
    nodes: Vec<Node>,
    root: Option<usize>,
    /// The containers that are not closed yet, and the key whose value comes next.
    open: Vec<(usize, Option<usize>)>,
    pub(super) has_aliases: bool,
}

impl Outline {
    pub(super) fn root(&self) -> Option<usize> {
        self.root
    }

    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// The nodes of the first YAML document of a text; none if it is none.
    pub(super) fn of_yaml(text: &str) -> Option<Outline> {
        let mut options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            emit_anchor_events: true,
        };
        options.set_emit_comments(false);
        let mut outline = Outline::default();
        let at = |marker: &Marker| marker.byte_offset();
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.ok()?;
            let (start, end) = (at(&span.start)?, at(&span.end)?);
            let tagged = span.tag_start.as_ref().and_then(at);
            let start = tagged.map_or(start, |tag| tag.min(start));
            match event {
                Event::Scalar(_, style, ..) => {
                    let style = match style {
                        ScalarStyle::Plain => Style::Plain,
                        ScalarStyle::SingleQuoted => Style::SingleQuoted,
                        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    };
                    // The blank lines behind a block belong to the layout of the file.
                    let end = match style {
                        Style::Block => start + text.get(start..end)?.trim_end().len(),
                        _ => end,
                    };
                    // What is written as nothing begins behind its colon.
                    let is_nothing = start == end && text.as_bytes().get(start) == Some(&b':');
                    let behind = usize::from(is_nothing);
                    outline.add(start + behind, end + behind, Content::Scalar(style))?;
                }
                Event::Alias(_) => {
                    outline.has_aliases = true;
                    outline.add(start, end, Content::Alias)?;
                }
                Event::Anchor(..) => {
                    let node = outline.nodes.last_mut()?;
                    node.start = node.start.min(start);
                }
                Event::SequenceStart(style, ..) => {
                    let is_flow = style == StructureStyle::Flow;
                    outline.open(start, end, Content::List { is_flow, items: Vec::new() })?;
                }
                Event::MappingStart(style, ..) => {
                    let is_flow = style == StructureStyle::Flow;
                    outline.open(start, end, Content::Map { is_flow, members: Vec::new() })?;
                }
                Event::SequenceEnd | Event::MappingEnd => outline.close(end)?,
                Event::DocumentEnd => break,
                _ => {}
            }
        }
        Some(outline)
    }

    /// The nodes of a JSON text.
    pub(super) fn of_json(text: &str) -> Option<Outline> {
        let mut outline = Outline::default();
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'{' => {
                    let content = Content::Map { is_flow: true, members: Vec::new() };
                    outline.open(start, at, content)?;
                }
                b'[' => {
                    let content = Content::List { is_flow: true, items: Vec::new() };
                    outline.open(start, at, content)?;
                }
                b'}' | b']' => outline.close(at)?,
                b'"' => {
                    let mut is_escaped = false;
                    loop {
                        let byte = bytes.get(at)?;
                        at += 1;
                        match byte {
                            _ if is_escaped => is_escaped = false,
                            b'\\' => is_escaped = true,
                            b'"' => break,
                            _ => {}
                        }
                    }
                    outline.add(start, at, Content::Scalar(Style::DoubleQuoted))?;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => {}
                _ => {
                    let is_part = |byte: &&u8| !b" \t\n\r,:]}".contains(byte);
                    at += bytes.get(at..)?.iter().take_while(is_part).count();
                    outline.add(start, at, Content::Scalar(Style::Plain))?;
                }
            }
        }
        Some(outline)
    }

    /// Adds a node to the innermost container that is open.
    fn add(&mut self, start: usize, end: usize, content: Content) -> Option<usize> {
        let index = self.nodes.len();
        self.nodes.push(Node { start, end, content });
        match self.open.last_mut() {
            None => self.root = Some(index),
            Some((container, key)) => match &mut self.nodes.get_mut(*container)?.content {
                Content::List { items, .. } => items.push(index),
                Content::Map { members, .. } => match key.take() {
                    None => *key = Some(index),
                    Some(key) => members.push((key, index)),
                },
                Content::Scalar(_) | Content::Alias => return None,
            },
        }
        Some(index)
    }

    fn open(&mut self, start: usize, end: usize, content: Content) -> Option<()> {
        let index = self.add(start, end, content)?;
        self.open.push((index, None));
        Some(())
    }

    /// The innermost container ends; one in block style with what is last in it.
    fn close(&mut self, end: usize) -> Option<()> {
        let (index, _) = self.open.pop()?;
        let node = self.nodes.get(index)?;
        let end = match &node.content {
            Content::List { is_flow: false, items } => self.end_of(items.last()?)?,
            Content::Map { is_flow: false, members } => {
                let (key, value) = members.last()?;
                self.end_of(key)?.max(self.end_of(value)?)
            }
            _ => end,
        };
        self.nodes.get_mut(index)?.end = end;
        Some(())
    }

    fn end_of(&self, index: &usize) -> Option<usize> {
        self.nodes.get(*index).map(|node| node.end)
    }
}
