//! Files without what findings tell to take out.
//!
//! Only lines are taken out, never written: of a member or an item that has its lines for itself. The
//! text is then read again, and has to say what it said before but for what was to go; else the file
//! stays as it is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use crate::cli::input;
use crate::cli::replace;
use crate::cli::stream::{Done, Event};
use crate::fieldmanager::Lookup;
use crate::fieldpath::{Path, PathElement};
use crate::value::{Kind, Value, ValueRef};
use crate::yaml;

use super::look::Seen;

/// Which finding: the event, and the place among what was found there.
type Which = (usize, usize);

/// What is to be taken out of one document, by the findings that say so.
type Wanted = Vec<(Which, Vec<Path>)>;

/// Edits a file that was looked at, and tells of it among what came of the file.
pub(super) fn file(done: Done<'_, Seen>) {
    let Done { path, content, events } = done;
    let wanted = wanted(events);
    if wanted.is_empty() {
        return;
    }
    let file = path.display().to_string();
    let plan = match Plan::new(content, &wanted) {
        Ok(plan) => plan,
        Err(reason) => {
            return events.push(Event::Note(file, format!("it is not edited: {reason}")));
        }
    };
    for (which, reason) in &plan.refused {
        if let Some(found) = found(events, *which) {
            let place = format!("{}:{}", found.file, found.line);
            let message = format!("{} is not fixed: {reason}", found.rule.id());
            events.push(Event::Note(place, message));
        }
    }
    let Some(text) = &plan.text else { return };
    if let Err(error) = replace::file(path, text) {
        return events.push(Event::Error(file, format!("it could not be edited: {error}")));
    }
    for which in &plan.fixed {
        if let Some(found) = found_mut(events, *which) {
            found.is_fixed = true;
        }
    }
    move_up(events, &plan.lines);
    let plural = if plan.fixed.len() == 1 { "" } else { "s" };
    let message = format!("{} finding{plural} fixed", plan.fixed.len());
    events.push(Event::Note(file, message));
}

fn wanted(events: &[Event<Seen>]) -> BTreeMap<usize, Wanted> {
    let mut wanted: BTreeMap<usize, Wanted> = BTreeMap::new();
    for (event, seen) in events.iter().enumerate() {
        let Event::Seen(seen) = seen else { continue };
        for (at, found) in seen.found.iter().enumerate() {
            if !found.removals.is_empty() {
                let paths = found.removals.iter().map(|path| in_document(path, seen.item));
                wanted.entry(seen.document).or_default().push(((event, at), paths.collect()));
            }
        }
    }
    wanted
}

/// The path in the document of what is in an item of the list that it is.
fn in_document(path: &Path, item: Option<usize>) -> Path {
    let Some(item) = item else { return path.clone() };
    let item = i64::try_from(item.saturating_sub(1)).unwrap_or(i64::MAX);
    let way = [PathElement::FieldName("items".to_owned()), PathElement::Index(item)];
    way.into_iter().chain(path.elements().iter().cloned()).collect()
}

fn found(events: &[Event<Seen>], which: Which) -> Option<&super::found::Found> {
    match events.get(which.0)? {
        Event::Seen(seen) => seen.found.get(which.1),
        _ => None,
    }
}

fn found_mut(events: &mut [Event<Seen>], which: Which) -> Option<&mut super::found::Found> {
    match events.get_mut(which.0)? {
        Event::Seen(seen) => seen.found.get_mut(which.1),
        _ => None,
    }
}

/// What is left is found on the lines that it stands on now. `lines` ascend.
fn move_up(events: &mut [Event<Seen>], lines: &[usize]) {
    let moved = |line: usize| line - lines.partition_point(|gone| *gone < line);
    for event in events {
        let Event::Seen(seen) = event else { continue };
        for found in seen.found.iter_mut().filter(|found| !found.is_fixed) {
            found.line = moved(found.line);
        }
        if let Some((_, spotted)) = &mut seen.facts {
            spotted.spot.line = moved(spotted.spot.line);
            spotted.field.iter_mut().for_each(|field| field.line = moved(field.line));
        }
    }
}

/// How a file is edited.
#[derive(Default)]
struct Plan {
    /// The new text, if anything is to be done.
    text: Option<String>,
    fixed: Vec<Which>,
    refused: Vec<(Which, String)>,
    /// The lines that go, from 1, ascending.
    lines: Vec<usize>,
}

impl Plan {
    fn new(content: &[u8], wanted: &BTreeMap<usize, Wanted>) -> Result<Plan, String> {
        let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut plan = Plan::default();
        let mut gone: Vec<bool> = vec![false; lines.len()];
        // Of every document its JSON, and where in it begins what goes.
        let mut before: Vec<(String, HashSet<usize>)> = Vec::new();
        let mut number = 0;
        input::each_read(content, &mut |_, _, document| {
            number += 1;
            let Ok(document) = document else { return before.push(Default::default()) };
            let mut removed = HashSet::new();
            if let Some(wanted) = wanted.get(&number) {
                plan.document(&document, text, &lines, wanted, &mut gone, &mut removed);
            }
            before.push((document.json().to_owned(), removed));
        });
        if plan.fixed.is_empty() {
            return Ok(plan);
        }
        let kept = lines.iter().zip(&gone).filter(|(_, is_gone)| !**is_gone);
        let edited: String = kept.map(|(line, _)| *line).collect();
        check(&before, edited.as_bytes())?;
        let all = gone.iter().enumerate().filter(|(_, is_gone)| **is_gone);
        plan.lines = all.map(|(at, _)| at + 1).collect();
        plan.text = Some(edited);
        Ok(plan)
    }

    /// Marks the lines of one document that go.
    fn document(
        &mut self,
        document: &yaml::Document<'_>,
        text: &str,
        lines: &[&str],
        wanted: &Wanted,
        gone: &mut [bool],
        removed: &mut HashSet<usize>,
    ) {
        let is_json = text
            .get(document.range())
            .is_some_and(|text| text.trim_start().starts_with(['{', '[']));
        let mut refuse = |which: Which, reason: &str| self.refused.push((which, reason.to_owned()));
        let known = Value::from_json(document.json()).ok().zip(document.positions());
        let Some((value, positions)) = known.filter(|_| !is_json) else {
            return wanted
                .iter()
                .for_each(|(which, _)| refuse(*which, "it is not block style YAML"));
        };
        let lookup = Lookup::new(value.as_ref());
        let emptied = Emptied::new(&lookup, wanted);
        for (which, paths) in wanted {
            let parts: Result<Vec<(usize, Range<usize>)>, &str> = paths
                .iter()
                .map(|path| {
                    let part = lookup.at(path.elements()).ok_or("it is not where it was")?;
                    if emptied.leaves_nothing(&lookup, path) {
                        return Err("nothing would be left of what is around it");
                    }
                    let at = positions.of(document.json(), part.offset());
                    Ok((part.offset(), lines_of(lines, at.line, at.column)?))
                })
                .collect();
            match parts {
                Err(reason) => refuse(*which, reason),
                Ok(parts) => {
                    self.fixed.push(*which);
                    for (offset, range) in parts {
                        removed.insert(offset);
                        gone.get_mut(range).into_iter().flatten().for_each(|gone| *gone = true);
                    }
                }
            }
        }
    }
}

/// How many members or items go of each map and list, by where these are.
struct Emptied(HashMap<usize, usize>);

impl Emptied {
    fn new(lookup: &Lookup<'_>, wanted: &Wanted) -> Emptied {
        let mut counts: HashMap<usize, usize> = HashMap::new();
        let mut seen = HashSet::new();
        for path in wanted.iter().flat_map(|(_, paths)| paths) {
            let is_new = lookup.at(path.elements()).is_some_and(|part| seen.insert(part.offset()));
            if let Some(around) = lookup.at(around(path)).filter(|_| is_new) {
                *counts.entry(around.offset()).or_default() += 1;
            }
        }
        Emptied(counts)
    }

    fn leaves_nothing(&self, lookup: &Lookup<'_>, path: &Path) -> bool {
        let around = lookup.at(around(path));
        around.is_some_and(|around| {
            self.0.get(&around.offset()).is_some_and(|gone| *gone >= around.len())
        })
    }
}

fn around(path: &Path) -> &[PathElement] {
    path.elements().split_last().map_or(&[], |(_, around)| around)
}

/// The lines of a member whose key, or of an item whose value, begins at this place, if they are its own.
fn lines_of(lines: &[&str], line: usize, column: usize) -> Result<Range<usize>, &'static str> {
    let start = line.saturating_sub(1);
    let first = lines.get(start).ok_or("it is not where it was")?;
    let (level, before) = (indent_of(first), column.saturating_sub(1));
    let said = first.get(level..).unwrap_or_default();
    if said.starts_with('\t') {
        return Err("its line is indented by tabs");
    }
    // Spaces alone are before it, or the dash of its own item. A line may be as long as a file.
    let is_item = level < before && said.starts_with('-');
    let behind = said.strip_prefix('-').map(|rest| level + 1 + indent_of(rest));
    if level != before && !(is_item && behind == Some(before)) {
        return Err("it shares its line with something else");
    }
    if is_item && said.trim_start_matches('-').trim_start().contains(": ") {
        return Err("it is the first field of an item");
    }
    let mut end = start + 1;
    for (at, line) in lines.iter().enumerate().skip(start + 1) {
        let said = line.trim();
        if said.is_empty() {
            continue;
        }
        let own = indent_of(line);
        // The items of a list may stand as deep as its key.
        let is_item_of_it = !is_item && own == level && (said == "-" || said.starts_with("- "));
        if own < level || own == level && !is_item_of_it {
            break;
        }
        end = at + 1;
    }
    Ok(start..end)
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether an edited file says what it said before, but for what was to go.
fn check(before: &[(String, HashSet<usize>)], edited: &[u8]) -> Result<(), String> {
    let differs = || "without these lines it would not say what it should".to_owned();
    let mut number = 0;
    let mut is_same = true;
    input::each_read(edited, &mut |_, _, document| {
        let own = before.get(number);
        number += 1;
        is_same &= match (own, document) {
            (Some((json, _)), Err(_)) => json.is_empty(),
            (Some((json, removed)), Ok(document)) => says_the_same(json, removed, document.json()),
            (None, _) => false,
        };
    });
    if is_same && number == before.len() { Ok(()) } else { Err(differs()) }
}

fn says_the_same(before: &str, removed: &HashSet<usize>, after: &str) -> bool {
    if removed.is_empty() {
        return before == after;
    }
    let (Ok(before), Ok(after)) = (Value::from_json(before), Value::from_json(after)) else {
        return false;
    };
    let mut open = vec![(before.as_ref(), after.as_ref())];
    while let Some((before, after)) = open.pop() {
        if before.kind() != after.kind() {
            return false;
        }
        let stays = |part: ValueRef<'_>| !removed.contains(&part.offset());
        match before.kind() {
            Kind::Map => {
                let kept: Vec<_> = before.members().filter(|(_, part)| stays(*part)).collect();
                let is_same = kept.len() == after.len()
                    && kept.iter().zip(after.members()).all(|(own, other)| own.0 == other.0);
                if !is_same {
                    return false;
                }
                open.extend(kept.iter().zip(after.members()).map(|(own, other)| (own.1, other.1)));
            }
            Kind::List => {
                let kept: Vec<_> = before.items().filter(|part| stays(*part)).collect();
                if kept.len() != after.len() {
                    return false;
                }
                open.extend(kept.into_iter().zip(after.items()));
            }
            _ if before.to_json() != after.to_json() => return false,
            _ => {}
        }
    }
    true
}
