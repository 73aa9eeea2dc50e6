//! Where in a YAML text the parts of its JSON come from.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{Json, Key, STACK_FACTOR, json_depth, options};
use crate::deep;
use crate::value::{Position, Positions};

/// Reading with locations takes more stack for a level than reading alone.
const MORE_STACK: usize = 3;

/// Nobody writes deeper documents by hand.
const DEEPEST: usize = 1000;

/// The positions of a YAML document that begins at `start` and was read as this JSON before. None if
/// it is too deep for that.
pub(super) fn from_yaml(chunk: &str, start: Position, json: &str) -> Option<Positions> {
    let depth = json_depth(json);
    if depth > DEEPEST {
        return None;
    }
    deep::with_stack((depth + 1) * STACK_FACTOR * MORE_STACK, || {
        let read =
            serde_saphyr::with_deserializer_from_str_with_options(chunk, options(), |source| {
                Spanned::<Tree>::deserialize(source)
            });
        let mut writer = Writer { json: String::new(), made: Vec::new(), start };
        writer.write(&read.ok()?, None);
        (writer.json == json).then(|| Positions::made(start, writer.made))
    })
}

/// A value with the locations of its parts; scalars are JSON text.
enum Tree {
    Scalar(String),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<Name>, Spanned<Tree>)>),
}

/// A key as a JSON string.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Name, D::Error> {
        let mut json = String::new();
        source.deserialize_any(Key(&mut json))?;
        Ok(Name(json))
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Tree, D::Error> {
        source.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

/// A scalar, written as everywhere else in this module.
fn scalar<E>(write: impl FnOnce(Json<'_>) -> Result<(), E>) -> Result<Tree, E> {
    let mut json = String::new();
    write(Json(&mut json))?;
    Ok(Tree::Scalar(json))
}

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree, E> {
        scalar(|json| json.visit_bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Tree, E> {
        scalar(|json| json.visit_i64(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
        scalar(|json| json.visit_u64(value))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Tree, E> {
        scalar(|json| json.visit_i128(value))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Tree, E> {
        scalar(|json| json.visit_u128(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
        scalar(|json| json.visit_f64(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Tree, E> {
        scalar(|json| json.visit_str(value))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        scalar(|json| json.visit_unit())
    }

    fn visit_none<E: de::Error>(self) -> Result<Tree, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Tree, D::Error> {
        source.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Tree, D::Error> {
        source.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Map(members))
    }
}

struct Writer {
    json: String,
    made: Vec<(usize, Position)>,
    start: Position,
}

impl Writer {
    /// `alias` is the one that the value around this one was put in by.
    fn write(&mut self, tree: &Spanned<Tree>, alias: Option<Location>) {
        // An item that is an alias stands where the alias is; what is in it where it was written.
        let is_alias = tree.referenced != tree.defined && Some(tree.referenced) != alias;
        self.mark(if is_alias { tree.referenced } else { tree.defined });
        let alias = if is_alias { Some(tree.referenced) } else { alias };
        match &tree.value {
            Tree::Scalar(json) => self.json.push_str(json),
            Tree::List(items) => {
                self.json.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.json.push(',');
                    }
                    self.write(item, alias);
                }
                self.json.push(']');
            }
            Tree::Map(members) => {
                self.json.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        self.json.push(',');
                    }
                    self.mark(name.defined);
                    self.json.push_str(&name.value.0);
                    self.json.push(':');
                    // A merge puts in the name together with the value.
                    let is_merged = name.referenced != name.defined;
                    self.write(value, if is_merged { Some(value.referenced) } else { alias });
                }
                self.json.push('}');
            }
        }
    }

    /// What comes next in the JSON text was made of what is there.
    fn mark(&mut self, location: Location) {
        let (line, column) = (location.line() as usize, location.column() as usize);
        if line == 0 {
            return;
        }
        let position = Position {
            line: self.start.line + line - 1,
            column: if line == 1 { self.start.column + column.max(1) - 1 } else { column.max(1) },
        };
        self.made.push((self.json.len(), position));
    }
}

#[cfg(test)]
mod tests {
    use crate::value::Position;
    use crate::yaml::{Document, documents, documents_from};

    type Failure = Box<dyn std::error::Error>;

    fn first(text: &str) -> Result<Document<'_>, Failure> {
        Ok(documents(text).next().ok_or("no document")??)
    }

    /// The positions of the keys and values of all documents, in the order of their JSON.
    fn positions(text: &str) -> Result<Vec<(String, usize, usize)>, Failure> {
        let mut found = Vec::new();
        for document in documents(text) {
            let document = document?;
            let json = document.json().to_owned();
            let positions = document.positions().ok_or("no positions")?;
            for (offset, _) in json.match_indices(|byte: char| byte == '"' || byte.is_ascii_digit())
            {
                let rest = &json[offset..];
                // The beginnings of keys and values only.
                if offset > 0 && !json[..offset].ends_with(['{', '[', ',', ':', ' ']) {
                    continue;
                }
                let end = rest.find([',', ':', '}', ']']).ok_or("no end")?;
                let at = positions.of(&json, offset);
                found.push((rest[..end].to_owned(), at.line, at.column));
            }
            // A part of the text says the same.
            let part = &text[document.range()];
            let again = documents_from(part, document.start()).next().ok_or("no document")??;
            assert_eq!((again.json(), again.positions()), (json.as_str(), Some(positions)));
        }
        Ok(found)
    }

    #[test]
    fn keys_and_values_come_from_where_they_are_written() -> Result<(), Failure> {
        let text = "# head\r\n---\r\na: é\r\n'b': [1, 2,\r\n  3]\r\n--- {\"c\": 4} {\"d\":\n 5}\n---\n--- {e: 6,\n f: 7}\n";
        let expected = [
            ("\"a\"", 3, 1),
            ("\"é\"", 3, 4),
            ("\"b\"", 4, 1),
            ("1", 4, 7),
            ("2", 4, 10),
            ("3", 5, 3),
            ("\"c\"", 6, 6),
            ("4", 6, 11),
            ("\"d\"", 6, 15),
            ("5", 7, 2),
            ("\"e\"", 9, 6),
            ("6", 9, 9),
            ("\"f\"", 10, 2),
            ("7", 10, 5),
        ];
        assert_eq!(
            positions(text)?,
            expected.map(|(json, line, column)| (json.to_owned(), line, column))
        );
        Ok(())
    }

    #[test]
    fn aliases_lead_to_what_they_stand_for() -> Result<(), Failure> {
        let text = "x: &x\n  e: 1\nl:\n- *x\n- &z [2]\nm: *z\nf:\n  <<: *x\no: *x\n";
        let expected = [
            ("\"x\"", 1, 1),
            ("\"e\"", 2, 3),
            ("1", 2, 6),
            ("\"l\"", 3, 1),
            ("\"e\"", 2, 3),
            ("1", 2, 6),
            ("2", 5, 7),
            ("\"m\"", 6, 1),
            ("2", 5, 7),
            ("\"f\"", 7, 1),
            ("\"e\"", 2, 3),
            ("1", 2, 6),
            ("\"o\"", 9, 1),
            ("\"e\"", 2, 3),
            ("1", 2, 6),
        ];
        assert_eq!(
            positions(text)?,
            expected.map(|(json, line, column)| (json.to_owned(), line, column))
        );
        // The item that is an alias.
        let document = first(text)?;
        let at = document.json().find(r#"[{"e""#).ok_or("no such item")? + 1;
        let position = document.positions().ok_or("no positions")?.of(document.json(), at);
        assert_eq!(position, Position { line: 4, column: 3 });
        Ok(())
    }

    #[test]
    fn deep_documents_have_positions() -> Result<(), Failure> {
        let deep = "- ".repeat(1000) + "x";
        let document = first(&deep)?;
        let position = document.positions().ok_or("no positions")?.of(document.json(), 1000);
        assert_eq!(position, Position { line: 1, column: 2001 });
        let deeper = "- ".repeat(9000) + "x";
        assert_eq!(first(&deeper)?.positions(), None);
        Ok(())
    }
}
