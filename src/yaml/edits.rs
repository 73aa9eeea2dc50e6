//! Changing parts of a document in its text: what is not changed stays as it is written.

use std::collections::HashMap;
use std::ops::Range;

use serde::de::DeserializeSeed;

use super::outline::{Content, Outline, Style};
use super::{BLOCK_DEPTH, Document, Key, documents_from, from_value, json_depth, options};
use crate::deep;
use crate::value::edit::{self, Edit, Step, below, whole};
use crate::value::text::write_json_string_quoted;
use crate::value::{Kind, Value, ValueRef};

/// A text cannot be edited without changing more than is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotEdited {
    /// The text stands for itself in several places.
    #[error(
        "the text cannot be edited without changing something else, because of its anchors and \
         aliases: write them out first"
    )]
    Shared,
    /// The text is written in an unusual way.
    #[error("the text cannot be edited without changing something else")]
    Unusual,
}

/// Bytes of a text and what stands there instead.
pub(crate) type Patch = (Range<usize>, String);

impl Document<'_> {
    /// What becomes of the text, whose bytes are those that [`range`](Self::range) speaks of, if parts of
    /// the document change. The patches ascend and do not overlap.
    ///
    /// What is removed takes its lines with it, and a comment on the last of them; comments above it stay.
    /// A value is written in the style around it. What comes out was read again and is what it should be.
    /// Linear in the document, n log n in the edits.
    pub(crate) fn edited(&self, edits: &[Edit]) -> Result<Vec<Patch>, NotEdited> {
        let text = self.source;
        let is_json = matches!(self.json, std::borrow::Cow::Borrowed(_));
        let outline = match is_json {
            true => Outline::of_json(text),
            false => Outline::of_yaml(text),
        };
        let outline = outline.ok_or(NotEdited::Unusual)?;
        let refusal = match outline.has_aliases {
            true => NotEdited::Shared,
            false => NotEdited::Unusual,
        };
        let value = Value::from_json(&self.json).map_err(|_| NotEdited::Unusual)?;
        let expected = edit::edited(value.as_ref(), edits);
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let patches = |edits: &[Edit]| {
            let sorted = edit::sorted(edits);
            let depth = edits.iter().map(|edit| edit.place.len()).max().unwrap_or_default();
            let patches = deep::with_stack(depth, || {
                let mut writer =
                    Writer { text, newline, is_json, outline: &outline, patches: Vec::new() };
                writer.inside(outline.root()?, 0, value.as_ref(), &sorted, 0)?;
                merged(text, writer.patches)
            })?;
            let written = replaced(text, &patches);
            let mut read = documents_from(&written, self.start);
            let (Some(Ok(only)), None) = (read.next(), read.next()) else { return None };
            let only = Value::from_json(only.json()).ok()?;
            (only == Value::from_json(&expected).ok()?).then_some(patches)
        };
        let small = refined(value.as_ref(), edits);
        let patches = patches(&small).or_else(|| patches(edits)).ok_or(refusal)?;
        let moved =
            |(range, text): Patch| (range.start + self.offset..range.end + self.offset, text);
        Ok(patches.into_iter().map(moved).collect())
    }
}

/// The same edits, where possible of what differs alone: a list or a map of which parts change, or go,
/// keeps the others as they are written.
fn refined(value: ValueRef<'_>, edits: &[Edit]) -> Vec<Edit> {
    let sorted = edit::sorted(edits);
    let depth = edits.iter().map(|edit| edit.place.len()).max().unwrap_or_default();
    deep::with_stack(depth + DEEPEST_DIFFERENCE, || {
        let mut out = Vec::new();
        refine(value, &sorted, &mut Vec::new(), &mut out);
        out
    })
}

fn refine(value: ValueRef<'_>, edits: &[&Edit], place: &mut Vec<Step>, out: &mut Vec<Edit>) {
    if edits.is_empty() {
        return;
    }
    let depth = place.len();
    let mut next = |step: Step, part: ValueRef<'_>| {
        let inner = below(edits, depth, &step);
        place.push(step);
        match whole(inner, depth + 1) {
            Some(Edit { value: Some(new), .. }) => {
                difference(part, new.as_ref(), DEEPEST_DIFFERENCE, place, out);
            }
            Some(Edit { value: None, .. }) => out.push(Edit { place: place.clone(), value: None }),
            None => refine(part, inner, place, out),
        }
        place.pop();
    };
    match value.kind() {
        Kind::Map => {
            value.members().for_each(|(name, part)| next(Step::Field(name.into_owned()), part));
        }
        Kind::List => {
            value.items().enumerate().for_each(|(index, part)| next(Step::Item(index), part));
        }
        _ => {}
    }
}

/// Levels of a value below which differences are not looked for: each level is compared once more.
const DEEPEST_DIFFERENCE: usize = 32;

/// What makes one value the other.
fn difference(
    old: ValueRef<'_>,
    new: ValueRef<'_>,
    levels: usize,
    place: &mut Vec<Step>,
    out: &mut Vec<Edit>,
) {
    let mut next = |step: Step, old: ValueRef<'_>, new: Option<ValueRef<'_>>| {
        place.push(step);
        match new {
            Some(new) => difference(old, new, levels - 1, place, out),
            None => out.push(Edit { place: place.clone(), value: None }),
        }
        place.pop();
    };
    let is_empty = new.is_empty() || levels == 0;
    match (old.kind(), new.kind()) {
        _ if old == new => return,
        (Kind::Map, Kind::Map) if !is_empty => {
            for (name, part) in old.members() {
                let new = new.get(&name);
                next(Step::Field(name.into_owned()), part, new);
            }
            for (name, value) in new.members() {
                if old.get(&name).is_none() {
                    let mut place = place.clone();
                    place.push(Step::Field(name.into_owned()));
                    out.push(Edit { place, value: Some(value.to_value()) });
                }
            }
            return;
        }
        (Kind::List, Kind::List) if !is_empty => {
            let [left, right]: [Vec<ValueRef<'_>>; 2] =
                [old, new].map(|list| list.items().collect());
            let is_same = |(one, other): &(&ValueRef<'_>, &ValueRef<'_>)| one == other;
            let first = left.iter().zip(&right).take_while(is_same).count();
            let most = left.len().min(right.len()) - first;
            let last = left.iter().rev().zip(right.iter().rev()).take_while(is_same).count();
            let last = last.min(most);
            let (gone, come) = (left.len() - first - last, right.len() - first - last);
            // What comes in between is written with all the rest.
            if come == gone || come == 0 || (come > gone && last == 0) {
                for (index, part) in left.iter().enumerate().skip(first).take(gone) {
                    let new = right.get(index).copied().filter(|_| come > 0);
                    next(Step::Item(index), *part, new);
                }
                if come > gone {
                    for (index, value) in right.iter().enumerate().skip(left.len()) {
                        let mut place = place.clone();
                        place.push(Step::Item(index));
                        out.push(Edit { place, value: Some(value.to_value()) });
                    }
                }
                return;
            }
        }
        _ => {}
    }
    out.push(Edit { place: place.clone(), value: Some(new.to_value()) });
}

/// The text with patches that ascend and do not overlap.
pub(crate) fn replaced(text: &str, patches: &[Patch]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, patch) in patches {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(patch);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The patches in order, removals that touch in one. None if they contradict each other.
fn merged(text: &str, mut patches: Vec<Patch>) -> Option<Vec<Patch>> {
    patches.sort_by_key(|(range, _)| (range.start, range.end));
    let mut merged: Vec<Patch> = Vec::with_capacity(patches.len());
    for (range, patch) in patches {
        match merged.last_mut() {
            Some((before, kept))
                if range.start <= before.end && patch.is_empty() && kept.is_empty() =>
            {
                before.end = before.end.max(range.end);
            }
            Some((before, _)) if range.start < before.end => return None,
            _ => merged.push((range, patch)),
        }
    }
    // A text that has no line break at its end gets none.
    while let Some((mut last, patch)) = merged.pop() {
        let is_end = patch.is_empty() && last.end == text.len() && !text.ends_with('\n');
        if !is_end {
            merged.push((last, patch));
            break;
        }
        let before = text.get(..last.start).unwrap_or_default();
        last.start = before.trim_end_matches(['\n', '\r']).len();
        match merged.last_mut() {
            Some((before, kept)) if kept.is_empty() && last.start <= before.end => {
                before.end = text.len();
            }
            _ => {
                merged.push((last, patch));
                break;
            }
        }
    }
    Some(merged)
}

/// What becomes of a part of a container.
enum Fate<'e> {
    Stays,
    Goes,
    Becomes(Value),
    /// Something in it changes.
    Inside(ValueRef<'e>, &'e [&'e Edit]),
    /// A merge is written out, as far as it counts: these are the members that it puts in.
    WrittenOut(Value),
}

/// A member or an item in the text.
struct Entry {
    /// Where its key, its question mark or its dash is.
    start: usize,
    /// Behind its colon or its dash.
    inside: usize,
    value: usize,
    /// Behind all of it.
    end: usize,
}

/// Collects the patches of a text. Everything gives none where the text is not as expected; what is
/// written in an unusual way may get patches that are wrong, which reading them again shows.
struct Writer<'t> {
    text: &'t str,
    newline: &'static str,
    is_json: bool,
    outline: &'t Outline,
    patches: Vec<Patch>,
}

impl Writer<'_> {
    fn patch(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.patches.push((range, text.into()));
    }

    fn part(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    fn line_start(&self, at: usize) -> usize {
        self.part(0..at).rfind('\n').map_or(0, |end| end + 1)
    }

    /// Where the line ends that a byte is on, before its line break.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let line = rest.split_once('\n').map_or(rest, |(line, _)| line.trim_end_matches('\r'));
        at + line.len()
    }

    /// Where the next line begins; none if there is none.
    fn next_line(&self, at: usize) -> Option<usize> {
        self.text.get(at..)?.find('\n').map(|end| at + end + 1)
    }

    /// The next thing from here on that is no space and no comment.
    fn skip(&self, mut at: usize) -> usize {
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            at += blank;
            let rest = rest.get(blank..).unwrap_or_default();
            match rest.starts_with('#') {
                true => at += rest.find('\n').unwrap_or(rest.len()),
                false => return at,
            }
        }
    }

    /// The same, past the anchor and the tag of a list.
    fn skip_properties(&self, mut at: usize) -> usize {
        loop {
            at = self.skip(at);
            let rest = self.text.get(at..).unwrap_or_default();
            match rest.starts_with(['&', '!']) {
                true => at += rest.find([' ', '\t', '\r', '\n']).unwrap_or(rest.len()),
                false => return at,
            }
        }
    }

    fn is(&self, at: usize, byte: u8) -> bool {
        self.text.as_bytes().get(at) == Some(&byte)
    }

    /// Spaces before here.
    fn trimmed(&self, at: usize) -> usize {
        self.part(0..at).trim_end_matches([' ', '\t']).len()
    }

    fn is_first_on_line(&self, at: usize) -> bool {
        let trimmed = self.trimmed(at);
        trimmed == 0 || self.text.get(..trimmed).is_some_and(|before| before.ends_with('\n'))
    }

    /// Whether nothing but a comment follows on the line.
    fn is_last_on_line(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        let rest = rest.trim_start_matches([' ', '\t']);
        rest.is_empty() || rest.starts_with(['#', '\n', '\r'])
    }

    /// Edits what is in a container, which begins behind `from`.
    fn inside(
        &mut self,
        index: usize,
        from: usize,
        value: ValueRef<'_>,
        edits: &[&Edit],
        depth: usize,
    ) -> Option<()> {
        let outline = self.outline;
        match &outline.node(index)?.content {
            Content::Map { is_flow, members } => {
                let mut fates = self.fates_of_members(members, value, edits, depth)?;
                let mut entries = Vec::with_capacity(members.len());
                for (key, member) in members {
                    entries.push(self.member(*key, *member, *is_flow)?);
                }
                self.write(&entries, &mut fates, *is_flow, true, depth)?;
                let added: Vec<_> = edit::added(value, edits, depth).collect();
                self.add(&entries, &fates, *is_flow, &added)
            }
            Content::List { is_flow, items } => {
                let mut entries = Vec::with_capacity(items.len());
                let mut fates = Vec::with_capacity(items.len());
                let mut at = from;
                for (position, (item, value)) in items.iter().zip(value.items()).enumerate() {
                    let entry = match is_flow {
                        true => self.flow_item(*item)?,
                        false => self.block_item(*item, at)?,
                    };
                    at = entry.end;
                    entries.push(entry);
                    let inner = below(edits, depth, &Step::Item(position));
                    fates.push(self.fate(*item, value, inner, depth + 1)?);
                }
                self.write(&entries, &mut fates, *is_flow, false, depth)?;
                let added: Vec<_> = edit::added(value, edits, depth).collect();
                self.add(&entries, &fates, *is_flow, &added)
            }
            Content::Scalar(_) | Content::Alias => None,
        }
    }

    /// What becomes of a part that these edits are about.
    fn fate<'e>(
        &self,
        index: usize,
        value: ValueRef<'e>,
        edits: &'e [&'e Edit],
        depth: usize,
    ) -> Option<Fate<'e>> {
        if edits.is_empty() {
            return Some(Fate::Stays);
        }
        if let Some(edit) = whole(edits, depth) {
            return Some(edit.value.clone().map_or(Fate::Goes, Fate::Becomes));
        }
        let is_removal = |edit: &&Edit| edit.place.len() == depth + 1 && edit.value.is_none();
        let is_emptied = edits.len() == value.len() && edits.iter().all(is_removal);
        let is_written = !matches!(self.outline.node(index)?.content, Content::Alias);
        if is_written && !is_emptied {
            return Some(Fate::Inside(value, edits));
        }
        // What an alias stands for is written out, changed.
        edited_below(value, edits, depth).map(Fate::Becomes)
    }

    fn fates_of_members<'e>(
        &self,
        members: &[(usize, usize)],
        value: ValueRef<'e>,
        edits: &'e [&'e Edit],
        depth: usize,
    ) -> Option<Vec<Fate<'e>>> {
        let mut fates: Vec<Fate<'e>> = members.iter().map(|_| Fate::Stays).collect();
        let mut named: HashMap<String, Vec<usize>> = HashMap::new();
        let mut merge = None;
        for (at, (key, _)) in members.iter().enumerate() {
            let node = self.outline.node(*key)?;
            let text = self.part(node.start..node.end);
            if text == "<<" && !self.is_json {
                // Of several merges it is not plain which one puts in what.
                if merge.replace(at).is_some() {
                    return None;
                }
            } else {
                named.entry(self.name(text)?).or_default().push(at);
            }
        }
        let mut is_merge_hit = false;
        for group in edits.chunk_by(|one, other| one.place.get(depth) == other.place.get(depth)) {
            let Some(Step::Field(name)) = group.first()?.place.get(depth) else { return None };
            let Some(places) = named.get(name) else {
                is_merge_hit |= value.get(name).is_some();
                continue;
            };
            let last = *places.last()?;
            let fate = self.fate(members.get(last)?.1, value.get(name)?, group, depth + 1)?;
            if matches!(fate, Fate::Goes) {
                // One that is left would count then.
                for place in places {
                    *fates.get_mut(*place)? = Fate::Goes;
                }
            } else {
                *fates.get_mut(last)? = fate;
            }
        }
        if is_merge_hit {
            let mut json = String::from("{");
            for (name, member) in value.members() {
                let inner = below(edits, depth, &Step::Field(name.clone().into_owned()));
                let is_gone = whole(inner, depth + 1).is_some_and(|edit| edit.value.is_none());
                if named.contains_key(&*name) || is_gone {
                    continue;
                }
                if json.len() > 1 {
                    json.push(',');
                }
                write_json_string_quoted(&mut json, &name);
                json.push(':');
                json.push_str(
                    &match whole(inner, depth + 1).and_then(|edit| edit.value.as_ref()) {
                        Some(value) => value.to_json(),
                        None => edited_below(member, inner, depth + 1)?.to_json(),
                    },
                );
            }
            json.push('}');
            let left = Value::from_json(&json).ok()?;
            *fates.get_mut(merge?)? = match left.as_ref().is_empty() {
                true => Fate::Goes,
                false => Fate::WrittenOut(left),
            };
        }
        Some(fates)
    }

    /// The name that a key is read as.
    fn name(&self, key: &str) -> Option<String> {
        // Nothing that begins so is a number, and no other word of more letters is a truth or nothing.
        let is_name = key.len() > "false".len()
            && key.starts_with(|first: char| first.is_ascii_alphabetic())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        if is_name {
            return Some(key.to_owned());
        }
        let mut json = String::new();
        if self.is_json {
            json.push_str(key);
        } else {
            let read =
                |source: serde_saphyr::Deserializer<'_, '_>| Key(&mut json).deserialize(source);
            serde_saphyr::with_deserializer_from_str_with_options(key, options(), read).ok()?;
        }
        let name = Value::from_json(&json).ok()?;
        name.as_ref().as_str().map(|name| name.into_owned())
    }

    fn member(&self, key: usize, value: usize, is_flow: bool) -> Option<Entry> {
        let (key, node) = (self.outline.node(key)?, self.outline.node(value)?);
        let colon = self.skip(key.end);
        let inside = match self.is(colon, b':') {
            true => colon + 1,
            false if is_flow => key.end,
            false => return None,
        };
        let before = self.trimmed(key.start);
        let is_asked = before > 0 && self.is(before - 1, b'?');
        let start = if is_asked { before - 1 } else { key.start };
        Some(Entry { start, inside, value, end: node.end.max(inside) })
    }

    fn block_item(&self, item: usize, from: usize) -> Option<Entry> {
        let node = self.outline.node(item)?;
        let start = self.skip_properties(from);
        self.is(start, b'-').then_some(())?;
        Some(Entry { start, inside: start + 1, value: item, end: node.end.max(start + 1) })
    }

    fn flow_item(&self, item: usize) -> Option<Entry> {
        let node = self.outline.node(item)?;
        Some(Entry { start: node.start, inside: node.start, value: item, end: node.end })
    }

    /// Lets everything have its fate.
    fn write(
        &mut self,
        entries: &[Entry],
        fates: &mut [Fate<'_>],
        is_flow: bool,
        is_map: bool,
        depth: usize,
    ) -> Option<()> {
        for (entry, fate) in entries.iter().zip(fates.iter()) {
            match fate {
                Fate::Stays | Fate::Goes => {}
                Fate::Inside(value, edits) => {
                    self.inside(entry.value, entry.inside, *value, edits, depth + 1)?;
                }
                Fate::Becomes(value) if is_flow => {
                    self.set_in_flow(entry, value.as_ref(), is_map)?
                }
                Fate::Becomes(value) => self.set_in_block(entry, value.as_ref(), is_map)?,
                Fate::WrittenOut(members) => {
                    let text = match is_flow {
                        true => {
                            let flow = self.flow(members.as_ref());
                            flow.get(1..flow.len().saturating_sub(1))?.to_owned()
                        }
                        false => {
                            let block = from_value(members.as_ref());
                            self.broken(&indented(&block, self.column(entry.start)))
                        }
                    };
                    self.patch(entry.start..entry.end, text);
                }
            }
        }
        let goes: Vec<bool> = fates.iter().map(|fate| matches!(fate, Fate::Goes)).collect();
        if !goes.contains(&true) {
            return Some(());
        }
        match is_flow {
            true => self.remove_from_flow(entries, &goes),
            false => self.remove_from_block(entries, &goes),
        }
    }

    /// Adds members or items behind the last that stays.
    fn add(
        &mut self,
        entries: &[Entry],
        fates: &[Fate<'_>],
        is_flow: bool,
        added: &[(&Step, &Value)],
    ) -> Option<()> {
        if added.is_empty() {
            return Some(());
        }
        let stays = |(_, fate): &(&Entry, &Fate<'_>)| !matches!(fate, Fate::Goes);
        let (last, _) = entries.iter().zip(fates).rfind(stays)?;
        let comma = self.skip(last.end);
        let has_comma = self.is(comma, b',');
        let is_on_own_line = self.is_first_on_line(last.start)
            && self.is_last_on_line(if has_comma { comma + 1 } else { last.end });
        // Lines matter only to what has its own: one line may hold very many containers.
        let (line_end, column) = match is_on_own_line || !is_flow {
            true => (self.line_end(last.end), self.column(last.start)),
            false => (last.end, 0),
        };
        let break_line = format!("{}{}", self.newline, " ".repeat(column));
        let mut text = String::new();
        for (step, value) in added {
            let json = match step {
                Step::Field(name) => {
                    let mut json = String::from("{");
                    write_json_string_quoted(&mut json, name);
                    json + ":" + &value.to_json() + "}"
                }
                Step::Item(_) => format!("[{}]", value.to_json()),
            };
            let around = Value::from_json(&json).ok()?;
            if !is_flow {
                let block = indented(&from_value(around.as_ref()), column);
                text.push_str(&format!("{break_line}{}", self.broken(&block)));
                continue;
            }
            let flow = self.flow(around.as_ref());
            let flow = flow.get(1..flow.len().saturating_sub(1))?;
            match (is_on_own_line, text.is_empty()) {
                (true, true) => text.push_str(&format!("{break_line}{flow}")),
                (true, false) => text.push_str(&format!(",{break_line}{flow}")),
                (false, _) => text.push_str(&format!(", {flow}")),
            }
        }
        match (is_flow, is_on_own_line) {
            (true, true) if has_comma => self.patch(line_end..line_end, text + ","),
            (true, true) => {
                self.patch(last.end..last.end, ",");
                self.patch(line_end..line_end, text);
            }
            (true, false) => self.patch(last.end..last.end, text),
            (false, _) => self.patch(line_end..line_end, text),
        }
        Some(())
    }

    fn remove_from_block(&mut self, entries: &[Entry], goes: &[bool]) -> Option<()> {
        let kept = goes.iter().position(|goes| !goes)?;
        let first = entries.first()?;
        let mut done = 0;
        if kept > 0 && !self.is_first_on_line(first.start) {
            // The first that stays moves up behind the dash, unless comments are in between.
            let next = entries.get(kept)?;
            let gaps = entries.iter().zip(entries.get(1..)?).take(kept);
            let mut gaps = gaps.map(|(one, next)| self.part(self.line_end(one.end)..next.start));
            if gaps.any(|gap| gap.contains('#')) {
                let (start, end) = (self.trimmed(first.start), self.line_end(first.end));
                self.patch(start..end, "");
                done = 1;
            } else {
                self.patch(first.start..next.start, "");
                done = kept;
            }
        }
        for (entry, goes) in entries.iter().zip(goes).skip(done) {
            if *goes {
                self.remove_lines(entry.start, entry.end)?;
            }
        }
        Some(())
    }

    fn remove_lines(&mut self, start: usize, end: usize) -> Option<()> {
        let start = self.is_first_on_line(start).then(|| self.line_start(start))?;
        let next = self.next_line(end).unwrap_or(self.text.len());
        self.patch(start..next, "");
        Some(())
    }

    fn remove_from_flow(&mut self, entries: &[Entry], goes: &[bool]) -> Option<()> {
        let last_kept = goes.iter().rposition(|goes| !goes)?;
        let comma = |writer: &Self, entry: &Entry| {
            let at = writer.skip(entry.end);
            writer.is(at, b',').then_some(at)
        };
        for (at, entry) in entries.iter().enumerate() {
            if !*goes.get(at)? {
                continue;
            }
            let end = comma(self, entry).map_or(entry.end, |comma| comma + 1);
            let next = entries.get(at + 1).map(|next| next.start);
            if self.is_first_on_line(entry.start) && self.is_last_on_line(end) {
                let next_line = self.next_line(end)?;
                self.patch(self.line_start(entry.start)..next_line, "");
            } else if let Some(next) = next.filter(|_| at < last_kept)
                && !self.part(end..next).contains('\n')
            {
                self.patch(entry.start..next, "");
            } else {
                self.patch(self.trimmed(entry.start)..end, "");
            }
        }
        let last = entries.last()?;
        if last_kept + 1 < entries.len() && comma(self, last).is_none() {
            let comma = comma(self, entries.get(last_kept)?)?;
            self.patch(comma..comma + 1, "");
        }
        Some(())
    }

    /// The column of a part of a block, from 0.
    fn column(&self, at: usize) -> usize {
        self.part(self.line_start(at)..at).chars().count()
    }

    fn set_in_flow(&mut self, entry: &Entry, value: ValueRef<'_>, is_map: bool) -> Option<()> {
        let node = self.outline.node(entry.value)?;
        let text = self.quoted_alike(&node.content, value).unwrap_or_else(|| self.flow(value));
        if node.start < node.end {
            self.patch(node.start..node.end, text);
        } else if is_map && self.is(entry.inside.checked_sub(1)?, b':') {
            self.patch(entry.inside..entry.inside, format!(" {text}"));
        } else if is_map {
            self.patch(entry.inside..entry.inside, format!(": {text}"));
        } else {
            self.patch(node.start..node.end, text);
        }
        Some(())
    }

    fn set_in_block(&mut self, entry: &Entry, value: ValueRef<'_>, is_map: bool) -> Option<()> {
        let node = self.outline.node(entry.value)?;
        let (start, mut end) = (node.start.max(entry.inside), node.end.max(entry.inside));
        let is_block = matches!(&node.content, Content::Scalar(Style::Block));
        let is_below = !is_block && self.part(entry.inside..start).contains('\n');
        let is_one_line = !is_below && !is_block && !self.part(start..end).contains('\n');
        let is_flow = match &node.content {
            Content::List { is_flow, .. } | Content::Map { is_flow, .. } => *is_flow,
            Content::Scalar(_) | Content::Alias => false,
        };
        let is_container = matches!(&node.content, Content::List { .. } | Content::Map { .. });
        if is_container && !is_flow {
            // The comment is about what is last in it.
            end = self.line_end(end);
        }
        let has_comment =
            is_one_line && self.is_commented(end) || is_below && self.is_commented(entry.inside);
        let column = self.column(entry.start);
        let text = match self.quoted_alike(&node.content, value) {
            Some(quoted) => format!(" {quoted}"),
            None if is_flow && !value.is_empty() => format!(" {}", self.flow(value)),
            None if needs_quotes(value, has_comment) => format!(" {}", value.to_json()),
            None => {
                let wider = match &node.content {
                    Content::List { is_flow: false, .. }
                        if is_map && value.kind() == Kind::List =>
                    {
                        let dash = self.skip_properties(entry.inside);
                        self.column(dash).saturating_sub(column)
                    }
                    _ => 0,
                };
                self.block(value, column + wider, is_map)
            }
        };
        let is_long = text.contains('\n');
        if is_one_line && !is_long {
            match start < end {
                true => self.patch(start..end, text.trim_start()),
                false => self.patch(entry.inside..entry.inside, text),
            }
        } else if is_below && !is_long {
            // A comment behind the colon stays.
            self.patch(entry.inside..entry.inside, text);
            self.patch(self.line_end(entry.inside)..end, "");
        } else if is_below && text.starts_with('\n') {
            let first = self.skip_properties(entry.inside);
            let from = match self.is_first_on_line(first) {
                true => self.trimmed_break(self.line_start(first)),
                false => entry.inside,
            };
            self.patch(from..end, self.broken(&text));
        } else if is_one_line && text.starts_with('\n') {
            self.patch(entry.inside..end, "");
            let line_end = self.line_end(end);
            self.patch(line_end..line_end, self.broken(&text));
        } else {
            self.patch(entry.inside..end, self.broken(&text));
        }
        Some(())
    }

    /// Before the line break that is before here.
    fn trimmed_break(&self, at: usize) -> usize {
        let before = self.part(0..at);
        let before = before.strip_suffix('\n').unwrap_or(before);
        before.strip_suffix('\r').unwrap_or(before).len()
    }

    /// A comment follows on the line.
    fn is_commented(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.trim_start_matches([' ', '\t']).starts_with('#')
    }

    /// With the line breaks of the text.
    fn broken(&self, text: &str) -> String {
        text.replace('\n', self.newline)
    }

    /// What follows the colon of a member, or the dash of an item, at this column.
    fn block(&self, value: ValueRef<'_>, column: usize, is_map: bool) -> String {
        let json = value.to_json();
        let around = match is_map {
            true => format!("{{\"k\":{json}}}"),
            false => format!("[{json}]"),
        };
        let block = Value::from_json(&around).ok().map(|around| from_value(around.as_ref()));
        let rest = block.as_deref().and_then(|block| match is_map {
            true => block.strip_prefix("k:"),
            false => block.strip_prefix('-'),
        });
        let Some(rest) = rest else { return format!(" {json}") };
        indented(rest, column)
    }

    /// A value in flow style.
    fn flow(&self, value: ValueRef<'_>) -> String {
        let json = value.to_json();
        if self.is_json || json_depth(&json) > BLOCK_DEPTH {
            return json;
        }
        let mut out = String::new();
        write_flow(value, &mut out);
        out
    }

    /// A text in the quotes of the text that it takes the place of.
    fn quoted_alike(&self, content: &Content, value: ValueRef<'_>) -> Option<String> {
        let text = value.as_str()?;
        match content {
            Content::Scalar(Style::SingleQuoted) if !text.contains(char::is_control) => {
                Some(format!("'{}'", text.replace('\'', "''")))
            }
            Content::Scalar(Style::DoubleQuoted) => {
                let mut out = String::new();
                write_json_string_quoted(&mut out, &text);
                Some(out)
            }
            _ => None,
        }
    }
}

/// Block text, with all lines but the first moved to the right and the last break taken off.
fn indented(block: &str, column: usize) -> String {
    let mut out = String::new();
    for (index, line) in block.trim_end_matches('\n').split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
            if !line.is_empty() {
                out.extend(std::iter::repeat_n(' ', column));
            }
        }
        out.push_str(line);
    }
    out
}

/// A part of a value with the edits that are about it.
fn edited_below(value: ValueRef<'_>, edits: &[&Edit], depth: usize) -> Option<Value> {
    let inner = |edit: &&Edit| {
        let place = edit.place.get(depth..).unwrap_or_default().to_vec();
        Edit { place, value: edit.value.clone() }
    };
    let edits: Vec<Edit> = edits.iter().map(inner).collect();
    Value::from_json(&edit::edited(value, &edits)).ok()
}

/// Text whose lines would run into what follows it.
fn needs_quotes(value: ValueRef<'_>, has_comment: bool) -> bool {
    let Some(text) = value.as_str() else { return false };
    text.contains('\n')
        && (has_comment || text.ends_with("\n\n") || text.trim_matches('\n').is_empty())
}

fn write_flow(value: ValueRef<'_>, out: &mut String) {
    let text = |text: &str, out: &mut String| {
        let is_plain =
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        let written = is_plain.then(|| Value::from_serialize(text).ok()).flatten();
        let written = written.map(|text| from_value(text.as_ref()));
        match written.as_deref().map(str::trim_end) {
            Some(plain) if plain == text => out.push_str(plain),
            _ => write_json_string_quoted(out, text),
        }
    };
    match value.kind() {
        Kind::Map => {
            out.push('{');
            for (index, (name, member)) in value.members().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                text(&name, out);
                out.push_str(": ");
                write_flow(member, out);
            }
            out.push('}');
        }
        Kind::List => {
            out.push('[');
            for (index, item) in value.items().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_flow(item, out);
            }
            out.push(']');
        }
        Kind::String => text(&value.as_str().unwrap_or_default(), out),
        _ => out.push_str(from_value(value).trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NotEdited, replaced};
    use crate::value::Value;
    use crate::value::edit::{Edit, Step};
    use crate::yaml::{Document, documents};

    type Failure = Box<dyn std::error::Error>;

    /// Edits the first document of a text: `a.0.b` is removed, `a.0.b=JSON` is changed, and `~0` is
    /// a field.
    fn edited(text: &str, edits: &[&str]) -> Result<Result<String, NotEdited>, Failure> {
        let step = |step: &str| match step.parse() {
            Ok(index) => Step::Item(index),
            Err(_) => Step::Field(step.trim_start_matches('~').to_owned()),
        };
        let mut parsed = Vec::new();
        for edit in edits {
            let (path, value) = edit.split_once('=').unwrap_or((edit, ""));
            let value = if value.is_empty() { None } else { Some(Value::from_json(value)?) };
            parsed.push(Edit { place: path.split('.').map(step).collect(), value });
        }
        let document = documents(text).next().ok_or("no document")??;
        Ok(document.edited(&parsed).map(|patches| replaced(text, &patches)))
    }

    fn check(cases: &[(&str, &[&str], &str)]) -> Result<(), Failure> {
        for (text, edits, expected) in cases {
            assert_eq!(edited(text, edits)?.as_deref(), Ok(*expected), "{edits:?} in\n{text}");
        }
        Ok(())
    }

    #[test]
    fn removed_lines_leave_all_others() -> Result<(), Failure> {
        let text = "\
# head
a: 1 # one
# above b
b:   # two
  c: [1, 2] # in
  # in b
  d: |
    # text

    more

# below
e:
- x: 1 # x
  w: 2
  # above z
  z: 3

- 'it''s'
-   # why
  k: v
f: ~
";
        check(&[
            (text, &["a"], &text.replace("a: 1 # one\n", "")),
            (text, &["b.c"], &text.replace("  c: [1, 2] # in\n", "")),
            (text, &["b.d"], &text.replace("  d: |\n    # text\n\n    more\n", "")),
            (
                text,
                &["b"],
                &text.replace(
                    &text[text.find("b:   ").unwrap_or(0)..text.find("\n# below").unwrap_or(0)],
                    "",
                ),
            ),
            (text, &["e.0.x"], &text.replace("x: 1 # x\n  w", "w")),
            (text, &["e.0.w"], &text.replace("  w: 2\n", "")),
            (text, &["e.0.x", "e.0.w"], &text.replace(" x: 1 # x\n  w: 2\n", "\n")),
            (text, &["e.0.z"], &text.replace("  z: 3\n", "")),
            (text, &["e.0"], &text.replace("- x: 1 # x\n  w: 2\n  # above z\n  z: 3\n", "")),
            (text, &["e.1"], &text.replace("- 'it''s'\n", "")),
            (text, &["e.2", "e.1", "f"], &text.replace("- 'it''s'\n-   # why\n  k: v\nf: ~\n", "")),
            (text, &["e.2.k"], &text.replace("-   # why\n  k: v\n", "- {}   # why\n")),
            (text, &["e"], &format!("{}f: ~\n", text.split("e:\n").next().unwrap_or_default())),
            (text.trim_end(), &["f"], text.trim_end().trim_end_matches("\nf: ~")),
        ])
    }

    #[test]
    fn values_change_in_the_style_around_them() -> Result<(), Failure> {
        check(&[
            ("a: 3 # c\nb: x\n", &["a=5"], "a: 5 # c\nb: x\n"),
            ("a: 'x'\n", &["a=\"it's\""], "a: 'it''s'\n"),
            ("a: \"x\" # c\n", &["a=\"\\\"\""], "a: \"\\\"\" # c\n"),
            ("a: x\n", &["a=\"yes\""], "a: \"yes\"\n"),
            ("a:\nb: 1\n", &["a=2"], "a: 2\nb: 1\n"),
            ("a: # c\nb: 1\n", &["a=2"], "a: 2 # c\nb: 1\n"),
            ("a: !!str 5 # c\n", &["a=6"], "a: 6 # c\n"),
            (
                "a: 1 # c\nb: 2\n",
                &["a={\"x\":[1],\"z\":\"t\"}"],
                "a: # c\n  x:\n  - 1\n  z: t\nb: 2\n",
            ),
            ("a: 1\nb: 2", &["b=[1,{\"c\":2,\"d\":3}]"], "a: 1\nb:\n- 1\n- c: 2\n  d: 3"),
            (
                "a: # c\n  # d\n  - 1\n  # e\n  - 2\n# f\nb: 1\n",
                &["a=[3,{\"x\":1},4]"],
                "a: # c\n  # d\n  - 3\n  # e\n  - x: 1\n  - 4\n# f\nb: 1\n",
            ),
            ("a: # c\n  x: 1\n# f\nb: 1\n", &["a=5"], "a: 5 # c\n# f\nb: 1\n"),
            ("a: # c\n  x: 1\nb: 1\n", &["a={}"], "a: {} # c\nb: 1\n"),
            (
                "a:\n  b: x\n  c: 1\n",
                &["a.b=\"one\\ntwo\\n\""],
                "a:\n  b: |\n    one\n    two\n  c: 1\n",
            ),
            ("a:\n  b: x # c\n", &["a.b=\"one\\ntwo\\n\""], "a:\n  b: \"one\\ntwo\\n\" # c\n"),
            ("a: |\n  one\n\n  two\n\n# c\nb: 1\n", &["a=\"x\""], "a: x\n\n# c\nb: 1\n"),
            ("a: |-\n  one\nb: 1\n", &["a=\"x\\n\\ny\""], "a: |-\n  x\n\n  y\nb: 1\n"),
            ("a: |\n  one\n\nb: 1\n", &["a=\"x\\n\\n\""], "a: \"x\\n\\n\"\n\nb: 1\n"),
            (
                "l:\n- a # c\n-   b: 1\n    c: 2\n- - x\n  - z\n",
                &["l.0=\"w\"", "l.1.c=3", "l.2.1={\"k\":1,\"l\":2}"],
                "l:\n- w # c\n-   b: 1\n    c: 3\n- - x\n  - k: 1\n    l: 2\n",
            ),
            (
                "l:\n- a\n- b: 1\n  c: 2\n",
                &["l.0={\"x\":1,\"z\":2}", "l.1=7"],
                "l:\n- x: 1\n  z: 2\n- 7\n",
            ),
            (
                "a: {b: 1, c: [x, 'q']} # c\n",
                &["a.b={\"d\":\"e, f\",\"g\":[1]}", "a.c.1=\"r\""],
                "a: {b: {d: \"e, f\", g: [1]}, c: [x, 'r']} # c\n",
            ),
            ("a: [1, 2]\n", &["a=[\"x\",{\"k\":\"on\"}]"], "a: [x, {k: \"on\"}]\n"),
            ("a: {b, c: }\n", &["a.b=1", "a.c=2"], "a: {b: 1, c: 2 }\n"),
            (
                "a:\n- x # x\n- k: 1 # k\n  # l\n  l: [1, 2, 3]\n- v\n",
                &["a=[\"x\",{\"k\":2,\"l\":[1,3]},\"v\"]"],
                "a:\n- x # x\n- k: 2 # k\n  # l\n  l: [1, 3]\n- v\n",
            ),
            ("a:\n- x # x\n- w # w\n- v # v\n", &["a=[\"w\",\"v\"]"], "a:\n- w # w\n- v # v\n"),
            ("a:\n- x # x\n- x # w\n", &["a=[\"x\"]"], "a:\n- x # x\n"),
            ("a: {b: 1, c: 2} # c\n", &["a={\"c\":3}"], "a: {c: 3} # c\n"),
            (
                "a:\n- x # x\n# after\nb:\n  k: {l: 1} # k\n",
                &[
                    "a=[\"x\",{\"k\":1,\"l\":2}]",
                    "b={\"k\":{\"l\":2,\"m\":[3]},\"o\":\"p\\nq\\n\"}",
                ],
                "a:\n- x # x\n- k: 1\n  l: 2\n# after\nb:\n  k: {l: 2, m: [3]} # k\n  o: |\n    p\n    q\n",
            ),
            (
                "l:\n- - a: x # x",
                &["l.0.0={\"a\":\"x\",\"b\":[1]}"],
                "l:\n- - a: x # x\n    b:\n    - 1",
            ),
            ("a:\n- x # x\n", &["a=[\"w\",\"x\"]"], "a:\n- w\n- x\n"),
            ("a:\n- x # x\n- v # v\n", &["a=[\"w\",\"x\",\"v\"]"], "a:\n- w\n- x\n- v\n"),
            ("? a\n: 1\n? b\n: 2\n", &["b=3"], "? a\n: 1\n? b\n: 3\n"),
            (
                "\"yes\": 1\nno: 2\n012: 3\n",
                &["yes=4", "false=5", "~10=6"],
                "\"yes\": 4\nno: 5\n012: 6\n",
            ),
        ])
    }

    #[test]
    fn flow_collections_lose_their_parts() -> Result<(), Failure> {
        let json = "{\n  \"a\": 1,\n  \"b\": [1, 2, 3],\n  \"c\": {\n    \"d\": \"x, }\"\n  }\n}";
        check(&[
            ("a: {b: 1, c: 2, d: 3} # c\n", &["a.b"], "a: {c: 2, d: 3} # c\n"),
            ("a: {b: 1, c: 2, d: 3}\n", &["a.c"], "a: {b: 1, d: 3}\n"),
            ("a: { b: 1, c: 2, d: 3 }\n", &["a.d"], "a: { b: 1, c: 2 }\n"),
            ("a: { b: 1, c: 2, d: 3 }\n", &["a.c", "a.d"], "a: { b: 1 }\n"),
            ("a: [x, w,]\n", &["a.1"], "a: [x,]\n"),
            ("a: [x, w,]\n", &["a.0"], "a: [w,]\n"),
            ("a: {b: 1}\n", &["a.b"], "a: {}\n"),
            ("a: [\n  x, # x\n  w, # w\n  v # v\n]\n", &["a.2"], "a: [\n  x, # x\n  w # w\n]\n"),
            ("a: [\n  x, # x\n  w, # w\n]\n", &["a.0"], "a: [\n  w, # w\n]\n"),
            ("a: [x,\n  w,\n  v]\n", &["a.1"], "a: [x,\n  v]\n"),
            ("a: [x,\n  w]\n", &["a.1"], "a: [x\n]\n"),
            ("a: [x, w,]\n", &["a=[\"x\",\"w\",\"v\"]"], "a: [x, w, v,]\n"),
            (
                "a: [\n  x, # x\n  w # w\n]\n",
                &["a=[\"x\",\"w\",1,2]"],
                "a: [\n  x, # x\n  w, # w\n  1,\n  2\n]\n",
            ),
            ("a: [\n  x, # x\n]\n", &["a=[\"x\",1]"], "a: [\n  x, # x\n  1,\n]\n"),
            (
                json,
                &["b=[1,2,3,{}]", "c={\"d\":\"x, }\",\"e\":5}"],
                &json.replace("3]", "3, {}]").replace("}\"\n", "}\",\n    \"e\":5\n"),
            ),
            (json, &["a"], &json.replace("  \"a\": 1,\n", "")),
            (json, &["b.1"], &json.replace("2, ", "")),
            (json, &["c.d"], &json.replace("{\n    \"d\": \"x, }\"\n  }", "{}")),
            (json, &["c"], "{\n  \"a\": 1,\n  \"b\": [1, 2, 3]\n}"),
            (
                json,
                &["c.d={\"e\":[]}", "b.0=\"\""],
                &json.replace("\"x, }\"", "{\"e\":[]}").replace("[1,", "[\"\","),
            ),
            ("{\"a\":1,\"b\":2,\"\\u0061\":3}", &["a"], "{\"b\":2}"),
            ("{\"a\":1,\"b\":2,\"\\u0061\":3}", &["a=4"], "{\"a\":1,\"b\":2,\"\\u0061\":4}"),
        ])
    }

    #[test]
    fn line_breaks_are_those_of_the_text() -> Result<(), Failure> {
        check(&[
            ("a: 1\r\nb:\r\n  c: 1 # c\r\n  d: 2\r\n", &["b.c"], "a: 1\r\nb:\r\n  d: 2\r\n"),
            ("a: 1\r\nb: 2", &["b"], "a: 1"),
            ("a: 1\r\nb: 2\r\n", &["a={\"x\":[1]}"], "a:\r\n  x:\r\n  - 1\r\nb: 2\r\n"),
            ("a: |\r\n  x\r\nb: 2\r\n", &["a=\"x\\nz\\n\""], "a: |\r\n  x\r\n  z\r\nb: 2\r\n"),
        ])
    }

    #[test]
    fn aliases_are_written_out_and_anchors_stay() -> Result<(), Failure> {
        let merged = "x: &x\n  b: 1\n  c: 2\na:\n  <<: *x # c\n  d: 3\n";
        check(&[
            ("x: &x 1\na: *x # c\n", &["a=2"], "x: &x 1\na: 2 # c\n"),
            ("x: &x 1\na: *x # c\nb: 1\n", &["a"], "x: &x 1\nb: 1\n"),
            ("x: &x {b: 1, c: 2}\na: *x # c\n", &["a.c"], "x: &x {b: 1, c: 2}\na: # c\n  b: 1\n"),
            ("x: &x [b, c]\na: {b: *x}\n", &["a.b.0"], "x: &x [b, c]\na: {b: [c]}\n"),
            (merged, &["a.b=5"], &merged.replace("<<: *x", "b: 5\n  c: 2")),
            (merged, &["a.b"], &merged.replace("<<: *x", "c: 2")),
            (merged, &["a.b", "a.c"], &merged.replace("  <<: *x # c\n", "")),
            (merged, &["a.d"], &merged.replace("  d: 3\n", "")),
            ("a: &x 1\nb: 2\n", &["a=3"], "a: 3\nb: 2\n"),
        ])?;
        for edit in ["x=2", "x", "x.b=2", "x.b"] {
            for text in ["x: &x 1\na: *x\n", merged] {
                if text == merged || !edit.contains('b') {
                    assert_eq!(edited(text, &[edit])?, Err(NotEdited::Shared), "{edit} in {text}");
                }
            }
        }
        Ok(())
    }

    /// A part of a made-up document.
    #[derive(Clone, Debug)]
    enum Part {
        Scalar(u8),
        Map(bool, Vec<Part>),
        List(bool, Vec<Part>),
    }

    fn part() -> impl Strategy<Value = Part> {
        (0..5u8).prop_map(Part::Scalar).prop_recursive(4, 24, 4, |part| {
            let parts = prop::collection::vec(part, 1..4);
            (any::<(bool, bool)>(), 0..3u8, parts).prop_map(|((is_map, _), style, parts)| {
                match is_map {
                    true => Part::Map(style == 0, parts),
                    false => Part::List(style == 0, parts),
                }
            })
        })
    }

    /// Writes a made-up document, with comments, and edits some of it. Every part has a number, which is
    /// in its key, in its value, in the comment above it and in the one behind it.
    struct Maker<'m> {
        text: String,
        /// What is to become of the parts, by number: 1 removes, 2 and 3 change.
        fates: &'m [u8],
        count: usize,
        place: Vec<Step>,
        edits: Vec<Edit>,
        /// What is expected to be still there.
        stays: Vec<String>,
    }

    const VALUES: [&str; 5] = ["7", "\"x: z\"", "{\"n\":[1,{\"m\":null}]}", "[]", "\"o\\np\\n\""];

    impl Maker<'_> {
        fn mark(&mut self, mark: &str, is_kept: bool) {
            self.text.push_str(mark);
            if is_kept {
                self.stays.push(mark.trim_start_matches(['#', ' ']).to_owned());
            }
        }

        /// Whether all parts are removed, of parts that are numbered from here on.
        fn are_gone(&self, first: usize, parts: &[Part]) -> bool {
            let mut number = first;
            parts.iter().all(|part| {
                let own = number;
                number += size(part);
                self.fate(own) == 0
            })
        }

        fn fate(&self, number: usize) -> u8 {
            // Nothing where the fates run out, or shrink.
            self.fates.get(number).copied().unwrap_or_default().wrapping_sub(1)
        }

        /// Writes the parts of a container; `is_kept` if it is not changed as a whole.
        fn inside(&mut self, parts: &[Part], shape: (bool, bool), column: usize, is_kept: bool) {
            let (is_map, is_flow) = shape;
            // What is emptied becomes another, and the comments in it go.
            let is_whole = is_kept;
            let is_kept = is_kept && !self.are_gone(self.count, parts);
            // The first member of a map that is an item stands behind the dash.
            let mut is_behind_dash = self.text.ends_with("- ");
            for (at, part) in parts.iter().enumerate() {
                let number = self.count;
                self.count += 1;
                let fate = if is_whole { self.fate(number) } else { 9 };
                let stays = is_kept && fate != 0;
                if is_flow && at > 0 {
                    self.text.push_str(", ");
                }
                if !is_flow && !std::mem::take(&mut is_behind_dash) {
                    self.text.push_str(&" ".repeat(column));
                    if number.is_multiple_of(3) {
                        self.mark(&format!("# above{number}."), is_kept);
                        self.text.push('\n');
                        self.text.push_str(&" ".repeat(column));
                    }
                }
                self.place.push(if is_map {
                    Step::Field(format!("key{number}."))
                } else {
                    Step::Item(at)
                });
                if is_map {
                    self.mark(&format!("key{number}."), stays);
                    self.text.push(':');
                } else if !is_flow {
                    self.text.push('-');
                }
                if fate <= 2 {
                    let value = VALUES.get(number % VALUES.len()).filter(|_| fate > 0);
                    let value = value.and_then(|json| Value::from_json(json).ok());
                    self.edits.push(Edit { place: self.place.clone(), value });
                }
                self.part(part, number, (is_map, is_flow), column, (stays, is_kept && fate > 2));
                self.place.pop();
            }
        }

        /// Writes what follows a colon or a dash: `keeps` says whether the comment behind it is expected
        /// to stay, and whether the value is.
        fn part(
            &mut self,
            part: &Part,
            number: usize,
            (is_map, is_flow): (bool, bool),
            column: usize,
            keeps: (bool, bool),
        ) {
            let space = if is_flow && !is_map { "" } else { " " };
            let mut ends = keeps.0;
            match part {
                Part::Scalar(style) => {
                    self.text.push_str(space);
                    let value = format!("value{number}.");
                    let (open, close) = match style {
                        0 => ("'", "'"),
                        1 => ("\"", "\""),
                        2 if !is_flow => ("|\n", ""),
                        _ => ("", ""),
                    };
                    self.text.push_str(open);
                    if open.starts_with('|') {
                        self.text.push_str(&" ".repeat(column + 2));
                    }
                    self.mark(&value, keeps.1);
                    self.text.push_str(close);
                    if open.starts_with('|') {
                        return self.text.push_str("\n\n");
                    }
                }
                Part::Map(flow, parts) | Part::List(flow, parts) => {
                    let shape = (matches!(part, Part::Map(..)), is_flow || *flow);
                    if shape.1 {
                        self.text.push_str(space);
                        self.text.push(if shape.0 { '{' } else { '[' });
                        self.inside(parts, shape, column, keeps.1);
                        self.text.push(if shape.0 { '}' } else { ']' });
                    } else if is_map {
                        if number.is_multiple_of(2) {
                            self.text.push(' ');
                            self.mark(&format!("# behind{number}."), ends);
                        }
                        self.text.push('\n');
                        return self.inside(parts, shape, column + 2, keeps.1);
                    } else {
                        self.text.push(' ');
                        return self.inside(parts, shape, column + 2, keeps.1);
                    }
                    ends = keeps.0;
                }
            }
            if !is_flow {
                if number.is_multiple_of(2) {
                    self.mark(&format!(" # behind{number}."), ends);
                }
                self.text.push('\n');
            }
        }
    }

    fn size(part: &Part) -> usize {
        match part {
            Part::Scalar(_) => 1,
            Part::Map(_, parts) | Part::List(_, parts) => 1 + parts.iter().map(size).sum::<usize>(),
        }
    }

    /// The marks in a text, in order.
    fn marks(text: &str) -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let is_mark = |word: &&str| {
            ["key", "value", "above", "behind"].iter().any(|mark| word.starts_with(mark))
        };
        words.filter(is_mark).map(str::to_owned).collect()
    }

    fn failed(reason: impl ToString) -> TestCaseError {
        TestCaseError::fail(reason.to_string())
    }

    fn first(text: &str) -> Result<Document<'_>, TestCaseError> {
        let document = documents(text).next().ok_or_else(|| failed("no document"))?;
        document.map_err(failed)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        /// Whatever is edited, what is not part of it stays, comments included, and in its order; and no
        /// plain text is refused.
        #[test]
        fn what_is_not_edited_stays(
            parts in prop::collection::vec(part(), 2..5),
            fates in prop::collection::vec(0..12u8, 0..60),
            breaks in any::<(bool, bool)>(),
        ) {
            let mut maker = Maker {
                text: "kind: x # kind\n".to_owned(),
                fates: &fates,
                count: 0,
                place: Vec::new(),
                edits: Vec::new(),
                stays: Vec::new(),
            };
            // The root is never empty.
            let is_gone = maker.are_gone(0, &parts);
            prop_assume!(!is_gone);
            maker.inside(&parts, (true, false), 0, true);
            let mut text = std::mem::take(&mut maker.text);
            if breaks.0 {
                text = text.replace('\n', "\r\n");
            }
            if breaks.1 {
                text.truncate(text.trim_end().len());
            }
            let document = first(&text)?;
            let patches = document.edited(&maker.edits);
            let refused = || failed(format!("{:?} {text}", maker.edits));
            let written = replaced(&text, &patches.map_err(|_| refused())?);
            // Comments inside of what is changed may stay or go.
            let may_stay = |mark: &String| mark.starts_with(['a', 'b']) && !maker.stays.contains(mark);
            let mut left = marks(&written);
            left.retain(|mark| !may_stay(mark));
            prop_assert_eq!(left, maker.stays, "{:?}\n{}\nbecame\n{}", maker.edits, text, written);
            let ends = |text: &str| text.ends_with('\n');
            prop_assert_eq!(ends(&written), ends(&text), "{:?} {} became {:?}", maker.edits, text, written);
            prop_assert_eq!(written.matches('\n').count() == written.matches("\r\n").count(), breaks.0 || !written.contains('\n'));
        }

        /// Whatever stands there, and in whatever style, anything else can take its place, and what was
        /// next to it stays.
        #[test]
        fn anything_takes_the_place_of_anything(
            old in json(),
            new in json(),
            style in 0..4u8,
            is_commented in any::<bool>(),
        ) {
            let object = format!(r#"{{"a":{old},"z":[{old},{{"k":{old}}},0]}}"#);
            let tree: serde_json::Value = serde_json::from_str(&object).map_err(failed)?;
            let object = Value::from_json(&object).map_err(failed)?;
            let mut text = match style {
                0 => object.to_json(),
                1 => serde_json::to_string_pretty(&tree).map_err(failed)?,
                2 => format!("{{a: {old}, z: [{old}, {{k: {old}}}, 0]}} # end"),
                _ => crate::yaml::from_value(object.as_ref()),
            };
            if style == 3 && is_commented {
                text = text.lines().enumerate().map(|(at, line)| format!("{line} # c{at}\n")).collect();
                text.insert_str(0, "# head\n");
            }
            let new = Value::from_json(&new).ok();
            let field = |name: &str| Step::Field(name.to_owned());
            let places = [
                vec![field("a")],
                vec![field("z"), Step::Item(0)],
                vec![field("z"), Step::Item(1), field("k")],
            ];
            let edits = places.map(|place| Edit { place, value: new.clone() });
            let document = first(&text)?;
            let patches = document.edited(&edits);
            let refused = || failed(format!("{new:?} in\n{text}"));
            let written = replaced(&text, &patches.map_err(|_| refused())?);
            for mark in ["# head\n", "# end"] {
                prop_assert_eq!(written.contains(mark), text.contains(mark), "{}", written);
            }
        }
    }

    /// Any JSON whose texts have one line.
    fn json() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "1", "2", "\"x\"", "\"y z\"", "\"a: b\"", "\"#\"", "null", "{}", "[]", "\"'\"",
        ]);
        leaf.prop_map(str::to_owned).prop_recursive(3, 16, 4, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..4);
            let map = prop::collection::btree_map("[a-d]", inner, 0..4);
            prop_oneof![
                list.prop_map(|items| format!("[{}]", items.join(","))),
                map.prop_map(|members| {
                    let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }
}
