//! Changing parts of a value and nothing else.

use crate::deep;

use super::text::write_json_string_quoted;
use super::{Kind, Value, ValueRef};

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Into the member of a map.
    Field(String),
    /// Into the item of a list, by position.
    Item(usize),
}

/// A change of one part of a value.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    /// Which part, from the root; never the root itself.
    pub(crate) place: Vec<Step>,
    /// What it becomes, or is if it was not there; none removes it.
    pub(crate) value: Option<Value>,
}

/// The edits that concern what a step leads to, of some that all begin with the same steps.
/// Logarithmic in their number.
pub(crate) fn below<'e>(edits: &'e [&'e Edit], depth: usize, step: &Step) -> &'e [&'e Edit] {
    let is_before = |edit: &&Edit| edit.place.get(depth).is_some_and(|other| other < step);
    let is_this = |edit: &&Edit| edit.place.get(depth) == Some(step);
    let rest = edits.get(edits.partition_point(is_before)..).unwrap_or_default();
    rest.get(..rest.partition_point(is_this)).unwrap_or_default()
}

/// The edit of what these steps lead to as a whole, if there is one.
pub(crate) fn whole<'e>(edits: &[&'e Edit], depth: usize) -> Option<&'e Edit> {
    edits.first().copied().filter(|edit| edit.place.len() == depth)
}

/// Edits in the order in which [`below`] finds them.
pub(crate) fn sorted(edits: &[Edit]) -> Vec<&Edit> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by(|left, right| left.place.cmp(&right.place));
    sorted
}

/// What the edits add to a map or a list, in their order: members that it does not have, items behind
/// its last.
pub(crate) fn added<'e>(
    value: ValueRef<'_>,
    edits: &'e [&'e Edit],
    depth: usize,
) -> impl Iterator<Item = (&'e Step, &'e Value)> {
    let has = move |step: &Step| match step {
        Step::Field(name) => value.get(name).is_some() || value.kind() != Kind::Map,
        Step::Item(index) => *index < value.len() || value.kind() != Kind::List,
    };
    let whole = edits.iter().filter(move |edit| edit.place.len() == depth + 1);
    let steps = whole.filter_map(move |edit| edit.place.get(depth).zip(edit.value.as_ref()));
    steps.filter(move |(step, _)| !has(step))
}

/// The value with these changes, as JSON text. Positions are those before any change; what leads
/// nowhere changes nothing. Linear in the value and n log n in the edits.
pub(crate) fn edited(root: ValueRef<'_>, edits: &[Edit]) -> String {
    let sorted = sorted(edits);
    let depth = edits.iter().map(|edit| edit.place.len()).max().unwrap_or_default();
    deep::with_stack(depth, || {
        let mut out = String::new();
        write(root, &sorted, 0, &mut out);
        out
    })
}

fn write(value: ValueRef<'_>, edits: &[&Edit], depth: usize, out: &mut String) {
    if edits.is_empty() {
        return out.push_str(&value.to_json());
    }
    let mut is_first = true;
    let mut open = |name: Option<&str>, out: &mut String| {
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        if let Some(name) = name {
            write_json_string_quoted(out, name);
            out.push(':');
        }
    };
    let mut next = |step: Step, name: Option<&str>, value: ValueRef<'_>, out: &mut String| {
        let inner = below(edits, depth, &step);
        let whole = whole(inner, depth + 1);
        if whole.is_some_and(|edit| edit.value.is_none()) {
            return;
        }
        open(name, out);
        match whole.and_then(|edit| edit.value.as_ref()) {
            Some(value) => out.push_str(&value.to_json()),
            None => write(value, inner, depth + 1, out),
        }
    };
    match value.kind() {
        Kind::Map => {
            out.push('{');
            for (name, value) in value.members() {
                next(Step::Field(name.clone().into_owned()), Some(&name), value, out);
            }
            for (step, value) in added(value, edits, depth) {
                if let Step::Field(name) = step {
                    open(Some(name), out);
                    out.push_str(&value.to_json());
                }
            }
            out.push('}');
        }
        Kind::List => {
            out.push('[');
            for (index, value) in value.items().enumerate() {
                next(Step::Item(index), None, value, out);
            }
            for (_, value) in added(value, edits, depth) {
                open(None, out);
                out.push_str(&value.to_json());
            }
            out.push(']');
        }
        _ => out.push_str(&value.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Edit, Step, edited};
    use crate::value::{ParseError, Value};

    #[test]
    fn parts_change_and_the_rest_stays() -> Result<(), ParseError> {
        let root = Value::from_json(r#"{"a":{"b":1,"c":[1.0,{"d":2},3]},"e":{"f":0},"g":null}"#)?;
        let field = |name: &str| Step::Field(name.to_owned());
        let set = Some(Value::from_json(r#"{"new":[]}"#)?);
        let edits = [
            (vec![field("a"), field("c"), Step::Item(2)], None),
            (vec![field("a"), field("b")], set.clone()),
            (vec![field("e"), field("f")], None),
            (vec![field("e"), field("h")], set.clone()),
            (vec![field("a"), field("c"), Step::Item(3)], set.clone()),
            (vec![field("g"), field("i")], set.clone()),
            (vec![field("a"), field("c"), Step::Item(1), field("d")], set),
            (vec![field("x"), Step::Item(0)], None),
        ]
        .map(|(place, value)| Edit { place, value });
        assert_eq!(
            edited(root.as_ref(), &edits),
            r#"{"a":{"b":{"new":[]},"c":[1.0,{"d":{"new":[]}},{"new":[]}]},"e":{"h":{"new":[]}},"g":null}"#
        );
        assert_eq!(edited(root.as_ref(), &[]), root.to_json());
        Ok(())
    }
}
