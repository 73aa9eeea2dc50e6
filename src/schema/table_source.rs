//! Writing a compiled schema down as Rust constants.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::compiled::{Atom, ElementRelationship, Key, KeyDefault, Scalar, Schema, Span};
use super::kinds::GroupVersionKind;

/// The Rust source of a table module: the schema and the types of its kinds.
///
/// For the project's own table command.
pub fn table_source(
    schema: &Schema,
    kinds: &BTreeMap<GroupVersionKind, String>,
    heading: &str,
) -> String {
    let tables = schema.tables();
    let mut pool = tables.pool.to_string();
    let mut extra: BTreeMap<String, Span> = BTreeMap::new();
    let mut rows = Vec::new();
    for (kind, name) in kinds {
        let Some(ty) = schema.type_named(name) else { continue };
        let mut span = |text: &str| {
            *extra.entry(text.to_owned()).or_insert_with(|| {
                let start = pool.find(text).unwrap_or_else(|| {
                    pool.push_str(text);
                    pool.len() - text.len()
                });
                Span { start: start as u32, len: text.len() as u32 }
            })
        };
        let row = (span(&kind.group), span(&kind.version), span(&kind.kind), ty.id.0);
        rows.push(row);
    }
    let mut out = String::new();
    let _ = writeln!(out, "{heading}\n");
    out.push_str(
        "use std::borrow::Cow;\n\n\
         use super::super::compiled::{Compiled, ElementRelationship as R, KeyDefault as D, Scalar as S};\n\
         use super::super::compiled::{Atom, Field, Key, Span, TypeId};\n\
         use super::{KindRow, f, k, kind, list, map, s, t, v};\n\n",
    );
    let _ = writeln!(
        out,
        "pub(super) static TABLES: Compiled = Compiled {{\n    pool: Cow::Borrowed(POOL),\n    types: Cow::Borrowed(&TYPES),\n    fields: Cow::Borrowed(&FIELDS),\n    keys: Cow::Borrowed(&KEYS),\n    names: Cow::Borrowed(&NAMES),\n    has_broken_lists: {},\n    defaults: None,\n}};\n",
        tables.has_broken_lists
    );
    let _ =
        writeln!(out, "#[rustfmt::skip]\npub(super) static KINDS: [KindRow; {}] = [", rows.len());
    for (group, version, kind, id) in rows {
        let _ =
            writeln!(out, "    kind({}, {}, {}, {id}),", span(group), span(version), span(kind));
    }
    let _ = writeln!(
        out,
        "];\n\n#[rustfmt::skip]\nstatic NAMES: [(Span, TypeId); {}] = [",
        tables.names.len()
    );
    for (name, id) in tables.names.iter() {
        let _ = writeln!(out, "    ({}, TypeId({})),", span(*name), id.0);
    }
    let _ =
        writeln!(out, "];\n\n#[rustfmt::skip]\nstatic TYPES: [Atom; {}] = [", tables.types.len());
    for atom in tables.types.iter() {
        let _ = writeln!(out, "    {},", type_row(atom));
    }
    let _ = writeln!(
        out,
        "];\n\n#[rustfmt::skip]\nstatic FIELDS: [Field; {}] = [",
        tables.fields.len()
    );
    for fields in tables.fields.chunks(4) {
        let row: Vec<String> = fields
            .iter()
            .map(|field| {
                format!(
                    "f({}, {}, {:#x}, {})",
                    field.name.start, field.name.len, field.prefix, field.type_id.0
                )
            })
            .collect();
        let _ = writeln!(out, "    {},", row.join(", "));
    }
    let _ = writeln!(out, "];\n\n#[rustfmt::skip]\nstatic KEYS: [Key; {}] = [", tables.keys.len());
    for key in tables.keys.iter() {
        let _ = writeln!(out, "    {},", key_row(key));
    }
    out.push_str("];\n\n#[rustfmt::skip]\nstatic POOL: &str = concat!(\n");
    let mut rest = pool.as_str();
    while !rest.is_empty() {
        let mut end = rest.len().min(88);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (line, tail) = rest.split_at(end);
        let _ = writeln!(out, "    {line:?},");
        rest = tail;
    }
    out.push_str(");\n");
    out
}

fn span(span: Span) -> String {
    format!("s({}, {})", span.start, span.len)
}

fn relationship(relationship: ElementRelationship) -> &'static str {
    match relationship {
        ElementRelationship::Unset => "R::Unset",
        ElementRelationship::Atomic => "R::Atomic",
        ElementRelationship::Associative => "R::Associative",
        ElementRelationship::Separable => "R::Separable",
    }
}

fn type_row(atom: &Atom) -> String {
    let scalar = match atom.scalar {
        Scalar::None | Scalar::Other => "S::None",
        Scalar::Numeric => "S::Numeric",
        Scalar::String => "S::String",
        Scalar::Boolean => "S::Boolean",
        Scalar::Untyped => "S::Untyped",
    };
    let list = atom.list.map_or("None".to_owned(), |list| {
        format!(
            "list({}, {}, {}, {})",
            list.element.0,
            relationship(list.relationship),
            list.keys,
            list.key_count
        )
    });
    let map = atom.map.map_or("None".to_owned(), |map| {
        format!(
            "map({}, {}, {}, {}, {})",
            map.element.0,
            relationship(map.relationship),
            map.fields,
            map.field_count,
            map.untyped_deduced
        )
    });
    format!("t({}, {}, {scalar}, {list}, {map})", span(atom.name), atom.unresolved)
}

fn key_row(key: &Key) -> String {
    let default = match key.default {
        KeyDefault::None => "D::None".to_owned(),
        KeyDefault::Value(json) => format!("v({}, {})", json.start, json.len),
        KeyDefault::NoElementType => "D::NoElementType".to_owned(),
        KeyDefault::NotMap => "D::NotMap".to_owned(),
    };
    format!("k({}, {}, {default})", key.name.start, key.name.len)
}
