//! Which part of a type handles a value.

use crate::schema::{Atom, Compiled, ListPart, MapPart, Scalar, TypeId};
use crate::value::{Arena, Node, Tag};

/// The part of a type that handles a value.
#[derive(Clone, Copy)]
pub(super) enum Handler<'s> {
    Map(&'s MapPart),
    Scalar(&'s Atom),
    List(&'s ListPart),
}

/// The parts that are left of a type once the value's shape is known; equal for two values exactly
/// when both are handled alike.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts(u8);

const MAP: u8 = 1;
const SCALAR: u8 = 2;
const LIST: u8 = 4;

/// The parts of the type that can hold the value: just the one of its shape if there is one, all
/// of them otherwise, also for null and for an absent value.
pub(super) fn deduce(atom: &Atom, value: Option<Node>) -> Parts {
    let mut all = 0;
    if atom.map.is_some() {
        all |= MAP;
    }
    if atom.scalar != Scalar::None {
        all |= SCALAR;
    }
    if atom.list.is_some() {
        all |= LIST;
    }
    let wanted = match value.map(Node::tag) {
        None | Some(Tag::Null) => 0,
        Some(Tag::Map) => MAP,
        Some(Tag::List) => LIST,
        Some(Tag::False | Tag::True | Tag::Int | Tag::Float | Tag::String) => SCALAR,
    };
    Parts(if all & wanted != 0 { wanted } else { all })
}

impl Parts {
    /// The handler of the first part in the order map, scalar, list.
    pub(super) fn handler(self, atom: &Atom) -> Option<Handler<'_>> {
        match atom {
            Atom { map: Some(map), .. } if self.0 & MAP != 0 => Some(Handler::Map(map)),
            _ if self.0 & SCALAR != 0 => Some(Handler::Scalar(atom)),
            Atom { list: Some(list), .. } if self.0 & LIST != 0 => Some(Handler::List(list)),
            _ => None,
        }
    }
}

/// The handler of one value.
pub(super) fn handler_of(atom: &Atom, value: Node) -> Option<Handler<'_>> {
    deduce(atom, Some(value)).handler(atom)
}

/// A reference that leads nowhere.
pub(super) fn unresolved_message(schema: &Compiled, id: TypeId) -> String {
    let name = schema.text(schema.atom(id).name);
    let name = if name.is_empty() { "inlined type" } else { name };
    format!("schema error: no type found matching: {name}")
}

/// A type without any part.
pub(super) fn invalid_atom_message(schema: &Compiled, id: TypeId) -> String {
    let name = schema.text(schema.atom(id).name);
    if name.is_empty() {
        "schema error: invalid atom: inlined".to_owned()
    } else {
        format!("schema error: invalid atom: named type: {name}")
    }
}

/// Whether the scalar part of a type takes a value, other than null.
#[inline]
pub(super) fn is_scalar(atom: &Atom, tag: Tag) -> bool {
    match atom.scalar {
        Scalar::Numeric => matches!(tag, Tag::Int | Tag::Float),
        Scalar::String => tag == Tag::String,
        Scalar::Boolean => matches!(tag, Tag::False | Tag::True),
        Scalar::Untyped => !matches!(tag, Tag::Null | Tag::List | Tag::Map),
        Scalar::Other | Scalar::None => false,
    }
}

/// Whether a value of this kind is owned as a whole under the type, and is no null.
#[inline]
pub(super) fn is_leaf(atom: &Atom, tag: Tag) -> bool {
    match tag {
        Tag::Null => false,
        Tag::Map => atom.map.as_ref().is_some_and(|map| map.is_atomic()),
        Tag::List => atom.list.as_ref().is_some_and(|list| list.is_atomic()),
        _ => atom.scalar != Scalar::None,
    }
}

/// What is wrong with a scalar, if anything. Null is right everywhere.
pub(super) fn scalar_problem(
    schema: &Compiled,
    atom: &Atom,
    arena: &Arena<'_>,
    value: Node,
) -> Option<String> {
    let tag = value.tag();
    if tag == Tag::Null || is_scalar(atom, tag) {
        return None;
    }
    let wanted = match (atom.scalar, tag) {
        (Scalar::Numeric, _) => {
            let name = match tag {
                Tag::String => "string",
                Tag::List => "[]interface {}",
                Tag::Map => "map[string]interface {}",
                _ => "bool",
            };
            return Some(format!("expected numeric (int or float), got {name}"));
        }
        (Scalar::String, _) => {
            let mut out = String::from("expected string, got &value.valueUnstructured{Value:");
            write_go_syntax(arena, value, &mut out);
            out.push('}');
            return Some(out);
        }
        (Scalar::Boolean, _) => "boolean",
        (Scalar::Untyped, _) => "any scalar",
        (Scalar::Other | Scalar::None, _) => {
            let name = schema.text(atom.scalar_name);
            return Some(format!("unexpected scalar type in schema: {name}"));
        }
    };
    Some(expected(arena, wanted, value))
}

/// `expected KIND, got &{...}` with the value as the reference dumps it.
pub(super) fn expected(arena: &Arena<'_>, kind: &str, value: Node) -> String {
    let mut out = format!("expected {kind}, got &{{");
    write_go_plain(arena, value, &mut out);
    out.push('}');
    out
}

/// A float as the reference's debug prints show it: shortest, exponents from 21 digits on.
fn write_go_float(value: f64, out: &mut String) {
    crate::value::text::write_float_path(out, value);
}

/// The value as a plain debug print shows it.
fn write_go_plain(arena: &Arena<'_>, value: Node, out: &mut String) {
    match value.tag() {
        Tag::Null => out.push_str("<nil>"),
        Tag::False => out.push_str("false"),
        Tag::True => out.push_str("true"),
        Tag::Int => out.push_str(&arena.int(value).to_string()),
        Tag::Float => write_go_float(arena.float(value), out),
        Tag::String => out.push_str(&arena.string(value)),
        Tag::List => {
            out.push('[');
            for (index, item) in arena.children(value).iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_go_plain(arena, *item, out);
            }
            out.push(']');
        }
        Tag::Map => {
            out.push_str("map[");
            for (index, member) in arena.children(value).iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(&arena.key(*member));
                out.push(':');
                write_go_plain(arena, *member, out);
            }
            out.push(']');
        }
    }
}

/// The value as a debug print in source syntax shows it.
fn write_go_syntax(arena: &Arena<'_>, value: Node, out: &mut String) {
    match value.tag() {
        Tag::Null => out.push_str("interface {}(nil)"),
        Tag::String => crate::value::text::write_quoted_go(out, &arena.string(value)),
        Tag::List => {
            out.push_str("[]interface {}{");
            for (index, item) in arena.children(value).iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_go_syntax(arena, *item, out);
            }
            out.push('}');
        }
        Tag::Map => {
            out.push_str("map[string]interface {}{");
            for (index, member) in arena.children(value).iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                crate::value::text::write_quoted_go(out, &arena.key(*member));
                out.push(':');
                write_go_syntax(arena, *member, out);
            }
            out.push('}');
        }
        _ => write_go_plain(arena, value, out),
    }
}
