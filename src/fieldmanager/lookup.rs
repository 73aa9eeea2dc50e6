//! What stands at paths of an object.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::fieldpath::PathElement;
use crate::value::{Kind, Value, ValueRef};

/// The value at a path of an object.
///
/// An item that lacks a key has its default, which another item may state: that one goes first. Linear
/// in the lists on the way.
pub(crate) fn value_at<'v>(object: ValueRef<'v>, path: &[PathElement]) -> Option<ValueRef<'v>> {
    path.iter().try_fold(object, step)
}

fn step<'v>(value: ValueRef<'v>, element: &PathElement) -> Option<ValueRef<'v>> {
    match element {
        PathElement::FieldName(name) => value.get(name),
        PathElement::Key(fields) => {
            let is_exact = |item: &ValueRef<'v>| is_told_by(*item, fields, false);
            let exact = value.items().find(is_exact);
            exact.or_else(|| value.items().find(|item| is_told_by(*item, fields, true)))
        }
        PathElement::Value(wanted) => value.items().find(|item| *item == wanted.as_ref()),
        PathElement::Index(index) => {
            usize::try_from(*index).ok().and_then(|index| value.items().nth(index))
        }
        _ => None,
    }
}

/// Whether an item has these keys, or lacks those that it does not have with these values.
fn is_told_by(item: ValueRef<'_>, fields: &[(String, Value)], may_lack: bool) -> bool {
    fields.iter().all(|(name, wanted)| match item.get(name) {
        Some(found) => found == wanted.as_ref(),
        None => may_lack,
    })
}

/// Looks many paths up in one object, each as [`value_at`] does.
///
/// A long list is gone through once for every set of names that its items are told by, and not once
/// for every path; after that a path costs its length, times the number of ways in which items lack
/// some of these names.
pub(crate) struct Lookup<'v> {
    root: ValueRef<'v>,
    /// By where the items are held.
    lists: RefCell<HashMap<usize, List<'v>>>,
}

/// Lists up to this length are gone through.
const SHORT: usize = 8;

impl<'v> Lookup<'v> {
    pub(crate) fn new(root: ValueRef<'v>) -> Lookup<'v> {
        Lookup { root, lists: RefCell::default() }
    }

    /// The value at a path.
    pub(crate) fn at(&self, path: &[PathElement]) -> Option<ValueRef<'v>> {
        path.iter().try_fold(self.root, |value, element| self.step(value, element))
    }

    /// The value at the path, or the innermost around it that is there.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn around(&self, path: &[PathElement]) -> ValueRef<'v> {
        let mut found = self.root;
        for element in path {
            let Some(inner) = self.step(found, element) else { break };
            found = inner;
        }
        found
    }

    fn step(&self, value: ValueRef<'v>, element: &PathElement) -> Option<ValueRef<'v>> {
        if value.kind() != Kind::List || value.len() <= SHORT {
            return step(value, element);
        }
        let (arena, node) = value.parts();
        let mut lists = self.lists.borrow_mut();
        let list = lists.entry(arena.children(node).as_ptr().addr());
        list.or_insert_with(|| List::new(value)).find(element)
    }
}

/// Positions of items, ascending, by a hash of what tells them from others.
type Hashed = HashMap<u64, Vec<usize>>;

/// The items of a long list, and where they are.
struct List<'v> {
    list: ValueRef<'v>,
    items: Vec<ValueRef<'v>>,
    values: Option<Hashed>,
    /// By the names that items are told by.
    keyed: HashMap<Vec<String>, Keyed>,
}

#[derive(Default)]
struct Keyed {
    /// Which of the names items have.
    shapes: BTreeSet<Vec<bool>>,
    items: Hashed,
}

impl<'v> List<'v> {
    fn new(list: ValueRef<'v>) -> List<'v> {
        List { list, items: list.items().collect(), values: None, keyed: HashMap::new() }
    }

    fn find(&mut self, element: &PathElement) -> Option<ValueRef<'v>> {
        let found = match element {
            PathElement::Key(fields) => self.keyed(fields),
            PathElement::Value(wanted) => self.value(wanted.as_ref()),
            PathElement::Index(index) => {
                return usize::try_from(*index).ok().and_then(|at| self.items.get(at).copied());
            }
            _ => return None,
        };
        match found {
            Some(found) => found,
            // Lists and maps are not told apart by a hash.
            None => step(self.list, element),
        }
    }

    fn value(&mut self, wanted: ValueRef<'_>) -> Option<Option<ValueRef<'v>>> {
        let wanted_hash = hash([Some(wanted)])?;
        let items = &self.items;
        let values = self.values.get_or_insert_with(|| {
            let mut values = Hashed::new();
            for (position, item) in items.iter().enumerate() {
                if let Some(hash) = hash([Some(*item)]) {
                    values.entry(hash).or_default().push(position);
                }
            }
            values
        });
        let mut alike = values.get(&wanted_hash).into_iter().flatten();
        Some(alike.find_map(|at| items.get(*at).filter(|item| **item == wanted).copied()))
    }

    fn keyed(&mut self, fields: &[(String, Value)]) -> Option<Option<ValueRef<'v>>> {
        hash(fields.iter().map(|(_, value)| Some(value.as_ref())))?;
        let items = &self.items;
        let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
        let keyed = self.keyed.entry(names).or_insert_with_key(|names| {
            let mut keyed = Keyed::default();
            for (position, item) in items.iter().enumerate() {
                let parts: Vec<_> = names.iter().map(|name| item.get(name)).collect();
                if let Some(hash) = hash(parts.iter().copied()) {
                    keyed.items.entry(hash).or_default().push(position);
                    keyed.shapes.insert(parts.iter().map(Option::is_some).collect());
                }
            }
            keyed
        });
        let first_of = |shape: &[bool], may_lack: bool| {
            let parts = fields.iter().zip(shape);
            let parts = parts.map(|((_, value), has)| has.then(|| value.as_ref()));
            let alike = keyed.items.get(&hash(parts)?)?;
            let is_it = |item: &ValueRef<'v>| is_told_by(*item, fields, may_lack);
            alike.iter().copied().find(|at| items.get(*at).is_some_and(is_it))
        };
        let exact = first_of(&vec![true; fields.len()], false);
        let found =
            exact.or_else(|| keyed.shapes.iter().filter_map(|shape| first_of(shape, true)).min());
        Some(found.and_then(|at| items.get(at).copied()))
    }
}

/// The same for scalars that are equal each to each; none if one is no scalar.
fn hash<'v>(values: impl IntoIterator<Item = Option<ValueRef<'v>>>) -> Option<u64> {
    let mut state = DefaultHasher::new();
    for value in values {
        let Some(value) = value else {
            state.write_u8(0);
            continue;
        };
        match value.kind() {
            Kind::List | Kind::Map => return None,
            Kind::Null => state.write_u8(1),
            Kind::Bool => (2, value.as_bool()).hash(&mut state),
            // Integers equal floats, and the zeros each other.
            Kind::Int | Kind::Float => {
                (3, value.as_f64().map(|number| (number + 0.0).to_bits())).hash(&mut state);
            }
            Kind::String => (4, value.as_str()).hash(&mut state),
        }
    }
    Some(state.finish())
}

#[cfg(test)]
mod tests {
    use super::{Lookup, value_at};
    use crate::fieldpath::PathElement;
    use crate::value::{ParseError, Value};

    /// Every element finds what going through the list finds, whatever the items look like.
    #[test]
    fn an_item_is_the_one_that_a_search_finds() -> Result<(), ParseError> {
        let json = |text: &str| Value::from_json(text);
        let mut items: Vec<String> = [
            "1",
            "1.0",
            "0",
            "-0.0",
            "9007199254740993",
            "9007199254740992.0",
            r#""1""#,
            "true",
            "null",
            "[]",
            "[1]",
            "[[1.0]]",
            "{}",
            r#"{"b":1.0,"a":[0]}"#,
        ]
        .map(str::to_owned)
        .into();
        let parts = ["", r#""a":1"#, r#""a":1.0"#, r#""a":-0.0"#, r#""a":"1""#, r#""b":0"#];
        for part in parts {
            for other in ["", r#""b":"x""#, r#""c":[{"d":1}]"#, r#""c":null"#] {
                let both: Vec<&str> = [part, other].into_iter().filter(|p| !p.is_empty()).collect();
                items.push(format!("{{{}}}", both.join(",")));
                items.push(
                    format!(r#"{{"more":{},{}}}"#, items.len(), both.join(",")).replace(",}", "}"),
                );
            }
        }
        let mut elements = items
            .iter()
            .map(|item| json(item).map(PathElement::Value))
            .collect::<Result<Vec<_>, _>>()?;
        elements.extend([-1, 0, 3, 1000].map(PathElement::Index));
        elements.extend([PathElement::Invalid, PathElement::Key(Vec::new())]);
        let keys = ["1", "1.0", "0", r#""1""#, r#""x""#, r#"[{"d":1.0}]"#, "null"];
        let keys = keys.map(json).into_iter().collect::<Result<Vec<_>, _>>()?;
        let field = |name: &str, value: &Value| (name.to_owned(), value.clone());
        for name in ["a", "b", "c"] {
            for one in &keys {
                elements.push(PathElement::key([field(name, one)]));
                let both = |key| PathElement::key([field(name, one), field("b", key)]);
                elements.extend(keys.iter().map(both));
            }
        }
        let name = |name: &str| PathElement::FieldName(name.to_owned());
        let mut found = 0;
        for turn in 0..items.len() {
            items.rotate_left(1);
            let (kept, _) = items.split_at(items.len() - turn % 13 * 4);
            let object = json(&format!(r#"{{"l":[[{}],[]],"m":[7]}}"#, kept.join(",")))?;
            let lookup = Lookup::new(object.as_ref());
            for element in &elements {
                let first = PathElement::Index(0);
                for path in [
                    vec![name("l"), first.clone(), element.clone()],
                    vec![name("l"), PathElement::Index(1), element.clone()],
                    vec![name("m"), element.clone()],
                    vec![element.clone()],
                    vec![name("m"), first, element.clone()],
                ] {
                    let expected = value_at(object.as_ref(), &path).map(|value| value.offset());
                    let got = lookup.at(&path).map(|value| value.offset());
                    found += usize::from(got.is_some());
                    assert_eq!(got, expected, "{path:?} in {object}");
                    let innermost = (0..=path.len())
                        .rev()
                        .find_map(|length| value_at(object.as_ref(), path.get(..length)?));
                    assert_eq!(
                        Some(lookup.around(&path).offset()),
                        innermost.map(|value| value.offset())
                    );
                }
            }
        }
        assert!(found > 1000, "{found}");
        Ok(())
    }
}
