//! Paths as people write them, resolved against what an object has and its managers own.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::fieldpath::{FieldSet, Path, PathElement};
use crate::value::{Value, ValueRef};

use super::blame::Blame;

/// A text that leads to no path, or to several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The text is not a path.
    #[error("{text} is not a path: {reason}")]
    Syntax {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The text can be read as several paths.
    #[error("{text} is ambiguous, it may be any of: {}", candidates.join(", "))]
    Ambiguous {
        /// What was given.
        text: String,
        /// Texts that mean one path each.
        candidates: Vec<String>,
    },
    /// Neither the object nor an owner has such a path.
    #[error("there is no {text}{}", nearest.as_deref().map(|near| format!("; nearest is {near}")).unwrap_or_default())]
    Missing {
        /// What was given.
        text: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
}

/// At most this many readings of a text are told.
const SHOWN: usize = 10;

/// Finds the path that a text means among the fields of an object and the paths that are owned.
///
/// Elements are written as the API server prints them: `.name`, `[key="a"]`, `[="item"]`, `[0]`.
/// Names may hold dots: whatever is there is found, longer names first. `["a.b/c"]` is one name in
/// any case, `[0]` also the first item of a list whose items have keys; of keys one is enough if it tells the
/// item.
///
/// ```
/// use managed_fields::Value;
/// use managed_fields::analysis::{Blame, resolve_path};
/// let object = Value::from_json(r#"{"metadata":{"annotations":{"a.b/c":"d"}}}"#)?;
/// let blame = Blame::new(&object, &[], None);
/// let path = resolve_path(".metadata.annotations.a.b/c", &blame)?;
/// assert_eq!(path.elements().len(), 3);
/// let missing = resolve_path(".metadata.anotations", &blame).unwrap_err();
/// assert_eq!(missing.to_string(), "there is no .metadata.anotations; nearest is .metadata.annotations");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A text that is no path, means several, or none; the message names what may have been meant.
pub fn resolve_path(text: &str, blame: &Blame) -> Result<Path, PathError> {
    if text.trim_matches('.').is_empty() {
        let reason = "expected the name of a field, such as .spec".to_owned();
        return Err(PathError::Syntax { text: format!("{text:?}"), reason });
    }
    let spelled = if text.starts_with(['.', '[']) { text.to_owned() } else { format!(".{text}") };
    let tree = Tree::of(blame);
    let search = tree
        .search(&spelled)
        .map_err(|reason| PathError::Syntax { text: text.to_owned(), reason })?;
    match search.found.as_slice() {
        [one] => Ok(tree.path(*one)),
        [] => Err(PathError::Missing {
            text: text.to_owned(),
            nearest: tree.nearest(search.farthest, &spelled),
        }),
        several => Err(PathError::Ambiguous {
            text: text.to_owned(),
            candidates: several.iter().map(|node| tree.spell_apart(&tree.path(*node))).collect(),
        }),
    }
}

/// A path so that [`resolve_path`] reads it again: names that are not plain in brackets.
fn spell(path: &Path) -> String {
    spell_with(path, |name| name.is_empty() || name.contains(['.', '[', ']']))
}

fn spell_with(path: &Path, needs_brackets: impl Fn(&str) -> bool) -> String {
    let mut out = String::new();
    for element in path.elements() {
        match element {
            PathElement::FieldName(name) if needs_brackets(name) => {
                let json = serde_json::Value::from(name.as_str());
                let _ = write!(out, "[{json}]");
            }
            element => {
                let _ = write!(out, "{element}");
            }
        }
    }
    out
}

/// All fields and owned paths.
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    element: Option<PathElement>,
    parent: usize,
    children: Vec<usize>,
}

impl Tree {
    fn of(blame: &Blame) -> Tree {
        let mut tree = Tree { nodes: vec![Node::default()] };
        let mut known: HashMap<(usize, String), usize> = HashMap::new();
        let mut of_field = Vec::with_capacity(blame.fields().len());
        for field in blame.fields() {
            let parent = field.parent().and_then(|parent| of_field.get(parent)).copied();
            let parent = parent.unwrap_or(0);
            let element = blame.element(field);
            let key = element.to_string();
            // Items of one identity stay apart, so that their positions count.
            let node = tree.add(parent, element);
            known.entry((parent, key)).or_insert(node);
            of_field.push(node);
        }
        let owned =
            blame.entries().iter().fold(FieldSet::new(), |all, entry| all.union(&entry.fields));
        for path in owned.iter() {
            let mut at = 0;
            for element in path.elements() {
                let key = (at, element.to_string());
                at = match known.get(&key) {
                    Some(node) => *node,
                    None => {
                        let node = tree.add(at, element.clone());
                        known.insert(key, node);
                        node
                    }
                };
            }
        }
        tree
    }

    fn add(&mut self, parent: usize, element: PathElement) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node { element: Some(element), parent, children: Vec::new() });
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.children.push(node);
        }
        node
    }

    fn children(&self, node: usize) -> impl Iterator<Item = (usize, &PathElement)> {
        let children = self.nodes.get(node).map(|node| node.children.as_slice());
        children.unwrap_or_default().iter().filter_map(|child| {
            self.nodes.get(*child)?.element.as_ref().map(|element| (*child, element))
        })
    }

    fn path(&self, mut node: usize) -> Path {
        let mut elements = Vec::new();
        while let Some(Node { element: Some(element), parent, .. }) = self.nodes.get(node) {
            elements.push(element.clone());
            node = *parent;
        }
        elements.reverse();
        Path::new(elements)
    }

    fn search(&self, text: &str) -> Result<Search<'_>, String> {
        let mut search = Search { tree: self, found: Vec::new(), farthest: (0, text.len()) };
        search.from(0, text)?;
        Ok(search)
    }

    /// A text that means this path and no other.
    fn spell_apart(&self, path: &Path) -> String {
        let plain = spell(path);
        match self.search(&plain) {
            Ok(search) if search.found.len() == 1 => plain,
            _ => spell_with(path, |_| true),
        }
    }

    /// The child most like what comes next in the text, where the search got farthest.
    fn nearest(&self, (node, left): (usize, usize), text: &str) -> Option<String> {
        let rest = text.get(text.len().checked_sub(left)?..)?;
        let end = rest.char_indices().skip(1).find(|(_, sign)| matches!(sign, '.' | '['));
        let wanted = match Wanted::read(rest) {
            Ok((Wanted::Name(name), _)) if rest.starts_with('[') => format!(".{name}"),
            _ => rest.get(..end.map_or(rest.len(), |(end, _)| end))?.to_owned(),
        };
        let distances = self.children(node).map(|(child, element)| {
            let name = element.to_string();
            (distance(&wanted, &name), name, child)
        });
        let like = distances.min().filter(|(distance, name, _)| {
            distance * 2 <= wanted.chars().count().max(name.chars().count())
        });
        // Where nothing is like it, at least what it would be in.
        let nearest = like.map_or(node, |(_, _, child)| child);
        (nearest > 0).then(|| spell(&self.path(nearest)))
    }
}

/// How many characters must be changed, added or removed (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, a) in left.chars().enumerate() {
        let mut corner = index;
        let mut before = index + 1;
        for (b, slot) in right.chars().zip(row.iter_mut().skip(1)) {
            let changed = corner + usize::from(a != b);
            corner = *slot;
            before = changed.min(before + 1).min(*slot + 1);
            *slot = before;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

struct Search<'t> {
    tree: &'t Tree,
    found: Vec<usize>,
    /// Where the search got farthest: the node, and how much of the text was left.
    farthest: (usize, usize),
}

impl Search<'_> {
    /// Follows what is left of the text from a node, every way there is.
    fn from(&mut self, start: usize, text: &str) -> Result<(), String> {
        let mut open = vec![(start, text)];
        while let Some((node, rest)) = open.pop() {
            if rest.len() < self.farthest.1 {
                self.farthest = (node, rest.len());
            }
            if self.found.len() >= SHOWN {
                break;
            }
            let mut next: Vec<(usize, &str)> = Vec::new();
            if rest.is_empty() {
                if !self.found.iter().any(|found| self.tree.path(*found) == self.tree.path(node)) {
                    self.found.push(node);
                }
            } else if let Some(name) = rest.strip_prefix('.') {
                for (child, element) in self.tree.children(node) {
                    let PathElement::FieldName(own) = element else { continue };
                    let after = name.strip_prefix(own.as_str());
                    let after =
                        after.filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
                    next.extend(after.map(|after| (child, after)));
                }
            } else if rest.starts_with('[') {
                let (wanted, after) = Wanted::read(rest)?;
                let children = self.tree.children(node);
                let fits = children
                    .enumerate()
                    .filter(|(position, (_, element))| wanted.fits(*position, element));
                next.extend(fits.map(|(_, (child, _))| (child, after)));
            } else {
                return Err(format!("expected . or [ before {rest}"));
            }
            // The longest name first: it leaves the least, and what is pushed last is taken first.
            next.sort_by_key(|(_, after)| std::cmp::Reverse(after.len()));
            open.extend(next);
        }
        Ok(())
    }
}

/// What brackets ask for.
enum Wanted {
    Name(String),
    Keys(Vec<(String, Value)>),
    Item(Value),
    Position(i64),
}

impl Wanted {
    /// Reads brackets and what is in them; also gives what comes after them.
    fn read(text: &str) -> Result<(Wanted, &str), String> {
        let inner = text.strip_prefix('[').unwrap_or(text);
        if let Some((value, rest)) = json(inner)
            && let Some(rest) = rest.strip_prefix(']')
        {
            let value = value.as_ref();
            if let Some(name) = value.as_str() {
                return Ok((Wanted::Name(name.into_owned()), rest));
            }
            if let Some(position) = value.as_i64() {
                return Ok((Wanted::Position(position), rest));
            }
        }
        if let Some(item) = inner.strip_prefix('=') {
            let (value, rest) = value(item)?;
            let rest = rest.strip_prefix(']').ok_or("expected ] behind the item")?;
            return Ok((Wanted::Item(value), rest));
        }
        let mut keys = Vec::new();
        let mut rest = inner;
        loop {
            let (name, behind) = rest
                .split_once('=')
                .ok_or(r#"expected ["name"], [key="value"], [="item"] or [0]"#)?;
            let (value, behind) = value(behind)?;
            keys.push((name.trim().to_owned(), value));
            match (behind.strip_prefix(','), behind.strip_prefix(']')) {
                (Some(more), _) => rest = more,
                (_, Some(rest)) => return Ok((Wanted::Keys(keys), rest)),
                _ => return Err(format!("expected , or ] before {behind}")),
            }
        }
    }

    fn fits(&self, position: usize, element: &PathElement) -> bool {
        match (self, element) {
            (Wanted::Name(name), PathElement::FieldName(own)) => name == own,
            (Wanted::Item(item), PathElement::Value(own)) => alike(item, own.as_ref()),
            (Wanted::Keys(keys), PathElement::Key(own)) => keys.iter().all(|(name, value)| {
                own.iter().any(|(key, own)| key == name && alike(value, own.as_ref()))
            }),
            (Wanted::Position(wanted), PathElement::Index(own)) => wanted == own,
            (Wanted::Position(wanted), PathElement::Key(_) | PathElement::Value(_)) => {
                usize::try_from(*wanted) == Ok(position)
            }
            _ => false,
        }
    }
}

/// Values are the same as elements of paths, where all numbers are one kind.
fn alike(left: &Value, right: ValueRef<'_>) -> bool {
    match (left.as_ref().as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left.as_ref() == right,
    }
}

/// The JSON scalar that a text begins with, and what comes after it.
fn json(text: &str) -> Option<(Value, &str)> {
    let mut read = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    read.next()?.ok()?;
    let (json, rest) = text.split_at_checked(read.byte_offset())?;
    Some((Value::from_json(json).ok()?, rest))
}

/// A value in brackets: JSON, or bare text.
fn value(text: &str) -> Result<(Value, &str), String> {
    if let Some((value, rest)) = json(text)
        && rest.starts_with([',', ']'])
    {
        return Ok((value, rest));
    }
    let end = text.find([',', ']']).ok_or("expected ] at the end")?;
    let (bare, rest) = text.split_at(end);
    Value::from_serialize(bare).map(|value| (value, rest)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{PathError, distance, resolve_path};
    use crate::analysis::Blame;
    use crate::fieldpath::FieldSet;
    use crate::managedfields::{ManagedFieldsEntry, ManagerIdentifier, Operation};
    use crate::value::Value;

    fn blame() -> Result<Blame, Box<dyn std::error::Error>> {
        let object = r#"{"m":{"a.b/c":1,"a":{"b":{"c":1},"x":1},"a.x":2},
            "ports":[{"port":80,"protocol":"TCP"},{"port":80,"protocol":"UDP"},{"port":81,"protocol":"TCP"}],
            "set":["x","y"],"atomic":[1,2]}"#;
        let fields = br#"{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{},"k:{\"port\":80,\"protocol\":\"UDP\"}":{},"k:{\"port\":81,\"protocol\":\"TCP\"}":{}},"f:set":{"v:\"x\"":{},"v:\"y\"":{}},"f:gone":{"f:leaf":{}}}"#;
        let entry = ManagedFieldsEntry {
            manager: ManagerIdentifier::new("ann", Operation::Apply, "v1", ""),
            api_version: "v1".to_owned(),
            time: None,
            fields: FieldSet::from_fields_v1(fields)?,
        };
        Ok(Blame::new(&Value::from_json(object)?, &[entry], None))
    }

    #[test]
    fn texts_lead_to_what_is_there() -> Result<(), Box<dyn std::error::Error>> {
        let blame = blame()?;
        for (text, path) in [
            (".m.a.b/c", ".m.a.b/c"),
            ("m.a.b.c", ".m.a.b.c"),
            (r#".m["a.b/c"]"#, ".m.a.b/c"),
            (".ports[port=81]", r#".ports[port=81,protocol="TCP"]"#),
            (".ports[port=80,protocol=UDP].protocol", r#".ports[port=80,protocol="UDP"].protocol"#),
            (".ports[2]", r#".ports[port=81,protocol="TCP"]"#),
            (r#".set[="y"]"#, r#".set[="y"]"#),
            (".set[=x]", r#".set[="x"]"#),
            (".set[1]", r#".set[="y"]"#),
            (".atomic[1]", ".atomic[1]"),
            (".gone.leaf", ".gone.leaf"),
            (".gone", ".gone"),
        ] {
            let found = resolve_path(text, &blame).map(|found| found.to_string());
            assert_eq!(found.as_deref().ok(), Some(path), "{text}");
        }
        Ok(())
    }

    #[test]
    fn what_leads_nowhere_or_to_several_is_refused_with_a_hint()
    -> Result<(), Box<dyn std::error::Error>> {
        let blame = blame()?;
        for (text, message) in [
            (".m.a.x", r#".m.a.x is ambiguous, it may be any of: .m["a.x"], ["m"]["a"]["x"]"#),
            (
                ".ports[port=80]",
                r#".ports[port=80] is ambiguous, it may be any of: .ports[port=80,protocol="UDP"], .ports[port=80,protocol="TCP"]"#,
            ),
            (".prots", "there is no .prots; nearest is .ports"),
            (".m.a.b.d", "there is no .m.a.b.d; nearest is .m.a.b.c"),
            (".nothing.like.it", "there is no .nothing.like.it"),
            (".m.nothing", "there is no .m.nothing; nearest is .m"),
            (r#".m["a.b/d"]"#, r#"there is no .m["a.b/d"]; nearest is .m["a.b/c"]"#),
            ("", "\"\" is not a path: expected the name of a field, such as .spec"),
            (".", "\".\" is not a path: expected the name of a field, such as .spec"),
            (".set[", r#".set[ is not a path: expected ["name"], [key="value"], [="item"] or [0]"#),
            (".set]", "there is no .set]; nearest is .set"),
            (".atomic[1]x", ".atomic[1]x is not a path: expected . or [ before x"),
        ] {
            let error = resolve_path(text, &blame).err().ok_or(text)?;
            assert_eq!(error.to_string(), message, "{text}");
            // What is proposed can be asked for.
            let proposed = match error {
                PathError::Ambiguous { candidates, .. } => candidates,
                PathError::Missing { nearest, .. } => nearest.into_iter().collect(),
                PathError::Syntax { .. } => Vec::new(),
            };
            for text in proposed {
                assert!(resolve_path(&text, &blame).is_ok(), "{text}");
            }
        }
        Ok(())
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (left, right, wanted) in
            [("kitten", "sitting", 3), ("", "ab", 2), ("ab", "", 2), ("a", "a", 0), ("ab", "ba", 2)]
        {
            assert_eq!(distance(left, right), wanted, "{left} {right}");
        }
    }
}
