//! Writing the types of Kubernetes versions down as Rust constants.
//!
//! Types come from as many schemas as there are documents. Those that mean the same at all levels are
//! one row of the tables; what recurs is compared as what unfolds from it, by refining classes of
//! types until none falls apart. The source depends on the types alone, not on how they were made.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use crate::value::Value;

use super::compiled::{
    Atom, Compiled, ElementRelationship, Key, KeyDefault, Scalar, Schema, Span, TypeId, prefix,
};
use super::kinds::{GroupVersionKind, Schemas, hash_of};
use super::openapi::merge_schema_of_openapi;

/// What a version of Kubernetes serves.
#[derive(Debug)]
pub struct Edition {
    /// The release, such as `1.36.3`.
    release: String,
    schemas: Vec<Schema>,
    /// The types of the kinds by name, and whether they live in namespaces.
    kinds: BTreeMap<GroupVersionKind, (String, Option<bool>)>,
}

impl Edition {
    /// From a schema that has all types.
    ///
    /// For the project's own table command.
    pub fn new(
        release: String,
        schema: Schema,
        kinds: BTreeMap<GroupVersionKind, (String, Option<bool>)>,
    ) -> Edition {
        Edition { release, schemas: vec![schema], kinds }
    }

    /// From published OpenAPI v3 documents.
    ///
    /// # Errors
    /// A document that cannot be converted, or two that have different types for a kind.
    pub fn of_openapi(release: String, documents: &[Value]) -> Result<Edition, String> {
        let mut edition = Edition { release, schemas: Vec::new(), kinds: BTreeMap::new() };
        for document in documents {
            let text = |error: &dyn ToString| error.to_string();
            let types = merge_schema_of_openapi(document).map_err(|error| text(&error))?;
            edition.schemas.push(Schema::from_document(types.as_ref()));
            let mut schemas = Schemas::empty();
            schemas.add_openapi_v3(document).map_err(|error| text(&error))?;
            for kind in schemas.kinds() {
                let Some(ty) = schemas.find(&kind) else { continue };
                let row = edition.kinds.entry(kind.clone());
                let row = row.or_insert_with(|| (ty.name().to_owned(), None));
                if row.0 != ty.name() {
                    return Err(format!("{kind} is {} and {}", row.0, ty.name()));
                }
                row.1 = match (row.1, schemas.is_namespaced(&kind)) {
                    (Some(before), Some(now)) => Some(before || now),
                    (before, now) => before.or(now),
                };
            }
        }
        Ok(edition)
    }
}

/// The Rust source of the tables of these versions, which ascend.
///
/// For the project's own table command.
///
/// # Errors
/// A version in which a name has several types, or a kind none.
pub fn table_source(editions: &[Edition]) -> Result<String, String> {
    let classes = Classes::of(editions);
    let mut rows = Rows::default();
    let mut names: BTreeMap<(&str, u32), u8> = BTreeMap::new();
    let mut kinds: BTreeMap<(&GroupVersionKind, u32, Option<bool>), u8> = BTreeMap::new();
    // The newest first, so that what only the others need comes last.
    for (at, edition) in editions.iter().enumerate().rev() {
        let own = classes.named(at, edition)?;
        for (name, class) in &own {
            let id = rows.reach(&classes, *class);
            *names.entry((name, id)).or_default() |= 1 << at;
        }
        for (kind, (name, is_namespaced)) in &edition.kinds {
            let class = own.get(name.as_str()).ok_or_else(|| format!("{kind}: no type {name}"))?;
            let id = rows.reach(&classes, *class);
            *kinds.entry((kind, id, *is_namespaced)).or_default() |= 1 << at;
        }
    }
    let texts = rows.order.iter().flat_map(|class| classes.texts(*class));
    let texts = texts
        .chain(names.keys().map(|(name, _)| *name))
        .chain(kinds.keys().flat_map(|(kind, ..)| [&*kind.group, &*kind.version, &*kind.kind]));
    let pool = Pool::of(texts.collect());
    let releases: Vec<&str> = editions.iter().map(|edition| edition.release.as_str()).collect();
    let mut by_hash: Vec<(u64, usize)> = kinds
        .keys()
        .enumerate()
        .map(|(row, (kind, ..))| (hash_of(&kind.group, &kind.version, &kind.kind), row))
        .collect();
    by_hash.sort_unstable();
    let by_hash: Vec<String> =
        by_hash.iter().map(|(hash, row)| format!("(0x{hash:016x}, {row})")).collect();
    let kinds = kinds.iter().map(|((kind, id, scope), editions)| {
        let scope = match scope {
            Some(true) => "N",
            Some(false) => "C",
            None => "U",
        };
        let [group, version, kind] = [&kind.group, &kind.version, &kind.kind].map(|t| pool.span(t));
        format!("kind({group}, {version}, {kind}, {id}, {editions}, {scope})")
    });
    let kinds: Vec<String> = kinds.collect();
    let names = names.iter().map(|((name, id), editions)| {
        let Span { start, len } = pool.find(name);
        format!("n({start}, {len}, {id}, {editions})")
    });
    let names: Vec<String> = names.collect();
    let (mut types, mut fields, mut keys) = (Vec::new(), Runs::default(), Runs::default());
    for class in &rows.order {
        types.push(rows.type_row(&classes, *class, &pool, &mut fields, &mut keys));
    }
    let broken = editions.iter().flat_map(|edition| &edition.schemas);
    let broken = broken.filter(|schema| schema.tables().has_broken_lists).count() > 0;

    let mut out = format!(
        "//! Every kind that Kubernetes {} serve: {} types.\n//!\n//! Generated by `tests/tables`; not edited by hand.\n\n",
        releases.join(", "),
        types.len()
    );
    out.push_str(
        "use std::borrow::Cow;\n\n\
         use super::super::compiled::{Compiled, ElementRelationship as R, KeyDefault as D, Scalar as S};\n\
         use super::super::compiled::{Atom, Field, Key, Name};\n\
         use super::Scope::{Cluster as C, Namespaced as N, Unknown as U};\n\
         use super::{KindRow, f, k, kind, list, map, n, s, t, v};\n\n",
    );
    let count = editions.len();
    let bits = (0..count).map(|at| format!("edition({})", 1 << at)).collect::<Vec<_>>().join(", ");
    let _ = writeln!(out, "pub(super) static RELEASES: [&str; {count}] = {releases:?};\n");
    let _ = writeln!(out, "pub(super) static EDITIONS: [Compiled; {count}] = [{bits}];\n");
    let _ = writeln!(
        out,
        "const fn edition(edition: u8) -> Compiled {{\n    Compiled {{\n        pool: Cow::Borrowed(POOL),\n        types: Cow::Borrowed(&TYPES),\n        fields: Cow::Borrowed(&FIELDS),\n        keys: Cow::Borrowed(&KEYS),\n        names: Cow::Borrowed(&NAMES),\n        edition,\n        has_broken_lists: {broken},\n        defaults: None,\n    }}\n}}"
    );
    table(&mut out, "pub(super) static KINDS", "KindRow", &kinds, 1);
    table(&mut out, "pub(super) static BY_HASH", "(u64, u16)", &by_hash, 4);
    table(&mut out, "static NAMES", "Name", &names, 4);
    table(&mut out, "static TYPES", "Atom", &types, 1);
    table(&mut out, "static FIELDS", "Field", &fields.rows, 4);
    table(&mut out, "static KEYS", "Key", &keys.rows, 4);
    out.push_str("\nstatic POOL: &str = concat!(\n");
    let mut rest = pool.text.as_str();
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
    Ok(out)
}

fn table(out: &mut String, name: &str, of: &str, rows: &[String], columns: usize) {
    let _ = writeln!(out, "\n{name}: [{of}; {}] = [", rows.len());
    for line in rows.chunks(columns) {
        let _ = writeln!(out, "    {},", line.join(", "));
    }
    out.push_str("];\n");
}

/// Types of all schemas, in classes of those that mean the same.
struct Classes<'s> {
    /// The schemas, with the edition that each is of and the number of its first type.
    schemas: Vec<(&'s Compiled, usize, usize)>,
    /// The class of every type.
    of: Vec<u32>,
    /// A type of each class, and the schema that it is of.
    members: Vec<(TypeId, usize)>,
}

/// What tells types apart, as numbers: those of texts, of classes, and what is one already.
type Signature = Vec<u32>;

impl<'s> Classes<'s> {
    fn of(editions: &'s [Edition]) -> Classes<'s> {
        let mut schemas = Vec::new();
        let mut types: Vec<(TypeId, usize)> = Vec::new();
        for (at, edition) in editions.iter().enumerate() {
            for schema in &edition.schemas {
                let tables = schema.tables();
                schemas.push((tables, at, types.len()));
                let ids = (0..tables.types.len()).map(|id| TypeId(id as u32));
                types.extend(ids.map(|id| (id, schemas.len() - 1)));
            }
        }
        let mut classes = Classes { schemas, of: vec![0; types.len()], members: Vec::new() };
        let mut texts: HashMap<&str, u32> = HashMap::new();
        loop {
            let mut seen: HashMap<Signature, u32> = HashMap::new();
            let mut members = Vec::new();
            let mut of = Vec::with_capacity(types.len());
            for (id, schema) in &types {
                let signature = classes.signature(*schema, *id, &mut texts);
                let next = seen.len() as u32;
                of.push(*seen.entry(signature).or_insert_with(|| {
                    members.push((*id, *schema));
                    next
                }));
            }
            let is_stable = members.len() == classes.members.len();
            (classes.of, classes.members) = (of, members);
            if is_stable {
                return classes;
            }
        }
    }

    fn class(&self, schema: usize, id: TypeId) -> u32 {
        let first = self.schemas.get(schema).map_or(0, |(_, _, first)| *first);
        self.of.get(first + id.0 as usize).copied().unwrap_or_default()
    }

    fn signature(&self, schema: usize, id: TypeId, texts: &mut HashMap<&'s str, u32>) -> Signature {
        let tables = self.tables(schema);
        let atom = tables.atom(id);
        let mut text = |span: Span| {
            let next = texts.len() as u32;
            *texts.entry(tables.text(span)).or_insert(next)
        };
        let mut signature = vec![
            u32::from(id == TypeId::EMPTY),
            text(atom.name),
            u32::from(atom.unresolved),
            atom.scalar as u32,
            text(atom.scalar_name),
        ];
        if let Some(list) = &atom.list {
            let element = self.class(schema, list.element);
            signature.extend([1, element, list.relationship as u32, list.key_count]);
            for key in both(tables, list) {
                signature.push(text(key.name));
                match key.default {
                    KeyDefault::None => signature.push(0),
                    KeyDefault::Value(json) => signature.extend([1, text(json)]),
                    KeyDefault::NoElementType => signature.push(2),
                    KeyDefault::NotMap => signature.push(3),
                }
            }
        }
        if let Some(map) = &atom.map {
            let element = self.class(schema, map.element);
            let deduced = u32::from(map.untyped_deduced);
            signature.extend([2, element, map.relationship as u32, deduced]);
            for field in tables.fields(map) {
                signature.extend([text(field.name), self.class(schema, field.type_id)]);
            }
        }
        signature
    }

    /// The types of an edition by name.
    fn named(&self, at: usize, edition: &'s Edition) -> Result<BTreeMap<&'s str, u32>, String> {
        let mut named = BTreeMap::new();
        for (schema, (tables, of, _)) in self.schemas.iter().enumerate() {
            for row in tables.names.iter().filter(|_| *of == at) {
                let class = self.class(schema, row.type_id);
                let name = tables.text(row.name);
                if *named.entry(name).or_insert(class) != class {
                    return Err(format!("{}: {name} differs between documents", edition.release));
                }
            }
        }
        Ok(named)
    }

    fn member(&self, class: u32) -> (&'s Compiled, &'s Atom, usize) {
        let member = self.members.get(class as usize).copied();
        let (id, schema) = member.unwrap_or((TypeId::EMPTY, 0));
        let tables = self.tables(schema);
        (tables, tables.atom(id), schema)
    }

    fn tables(&self, schema: usize) -> &'s Compiled {
        self.schemas.get(schema).map_or(&super::deduced::DEDUCED, |(tables, ..)| tables)
    }

    fn texts(&self, class: u32) -> Vec<&'s str> {
        let (tables, atom, _) = self.member(class);
        let mut texts = vec![tables.text(atom.name)];
        for key in atom.list.iter().flat_map(|list| both(tables, list)) {
            texts.push(tables.text(key.name));
            if let KeyDefault::Value(json) = key.default {
                texts.push(tables.text(json));
            }
        }
        let fields = atom.map.iter().flat_map(|map| tables.fields(map));
        texts.extend(fields.map(|field| tables.text(field.name)));
        texts
    }
}

fn both<'s>(
    tables: &'s Compiled,
    list: &super::compiled::ListPart,
) -> impl Iterator<Item = &'s Key> {
    tables.keys(list).iter().chain(tables.sorted_keys(list))
}

/// The classes that have a row, in the order in which they were reached.
#[derive(Default)]
struct Rows {
    order: Vec<u32>,
    ids: HashMap<u32, u32>,
}

impl Rows {
    /// The row of a class; it and all that it refers to get one.
    fn reach(&mut self, classes: &Classes<'_>, class: u32) -> u32 {
        if self.order.is_empty() {
            // The reference that says nothing has a number of its own.
            self.row(classes.class(0, TypeId::EMPTY));
        }
        let mut next = self.order.len();
        let id = self.row(class);
        while let Some(class) = self.order.get(next).copied() {
            next += 1;
            let (tables, atom, schema) = classes.member(class);
            let list = atom.list.iter().map(|list| list.element);
            let map = atom.map.iter().flat_map(|map| {
                let fields = tables.fields(map).iter().map(|field| field.type_id);
                fields.chain([map.element])
            });
            for child in list.chain(map) {
                self.row(classes.class(schema, child));
            }
        }
        id
    }

    fn row(&mut self, class: u32) -> u32 {
        let next = self.order.len() as u32;
        *self.ids.entry(class).or_insert_with(|| {
            self.order.push(class);
            next
        })
    }

    fn type_row(
        &self,
        classes: &Classes<'_>,
        class: u32,
        pool: &Pool,
        fields: &mut Runs,
        keys: &mut Runs,
    ) -> String {
        let (tables, atom, schema) = classes.member(class);
        let id = |id: TypeId| self.ids.get(&classes.class(schema, id)).copied().unwrap_or_default();
        let scalar = match atom.scalar {
            Scalar::None | Scalar::Other => "S::None",
            Scalar::Numeric => "S::Numeric",
            Scalar::String => "S::String",
            Scalar::Boolean => "S::Boolean",
            Scalar::Untyped => "S::Untyped",
        };
        let list = atom.list.map_or("None".to_owned(), |list| {
            let row = |key: &Key| key_row(key, tables, pool);
            let first = keys.place(both(tables, &list).map(row).collect());
            let relationship = relationship(list.relationship);
            format!("list({}, {relationship}, {first}, {})", id(list.element), list.key_count)
        });
        let map = atom.map.map_or("None".to_owned(), |map| {
            let rows = tables.fields(&map).iter().map(|field| {
                let name = tables.text(field.name);
                let Span { start, len } = pool.find(name);
                format!("f({start}, {len}, {:#x}, {})", prefix(name), id(field.type_id))
            });
            let first = fields.place(rows.collect());
            let relationship = relationship(map.relationship);
            format!(
                "map({}, {relationship}, {first}, {}, {})",
                id(map.element),
                map.field_count,
                map.untyped_deduced
            )
        });
        let name = pool.span(tables.text(atom.name));
        format!("t({name}, {}, {scalar}, {list}, {map})", atom.unresolved)
    }
}

/// Rows of a table, each run of them once.
#[derive(Default)]
struct Runs {
    rows: Vec<String>,
    firsts: HashMap<Vec<String>, usize>,
}

impl Runs {
    /// The number of the first row of a run.
    fn place(&mut self, run: Vec<String>) -> usize {
        if run.is_empty() {
            return 0;
        }
        let next = self.rows.len();
        *self.firsts.entry(run).or_insert_with_key(|run| {
            self.rows.extend_from_slice(run);
            next
        })
    }
}

/// All texts, one behind the other; what is part of another has no place of its own.
struct Pool {
    text: String,
    spans: HashMap<String, Span>,
}

impl Pool {
    fn of(texts: BTreeSet<&str>) -> Pool {
        let mut sorted: Vec<&str> = texts.into_iter().collect();
        sorted.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let mut pool = Pool { text: String::new(), spans: HashMap::new() };
        for text in sorted {
            let start = pool.text.find(text).unwrap_or_else(|| {
                pool.text.push_str(text);
                pool.text.len() - text.len()
            });
            let span = Span { start: start as u32, len: text.len() as u32 };
            pool.spans.insert(text.to_owned(), span);
        }
        pool
    }

    fn find(&self, text: &str) -> Span {
        self.spans.get(text).copied().unwrap_or(Span::NONE)
    }

    fn span(&self, text: &str) -> String {
        let Span { start, len } = self.find(text);
        format!("s({start}, {len})")
    }
}

fn relationship(relationship: ElementRelationship) -> &'static str {
    match relationship {
        ElementRelationship::Unset => "R::Unset",
        ElementRelationship::Atomic => "R::Atomic",
        ElementRelationship::Associative => "R::Associative",
        ElementRelationship::Separable => "R::Separable",
    }
}

fn key_row(key: &Key, tables: &Compiled, pool: &Pool) -> String {
    let default = match key.default {
        KeyDefault::None => "D::None".to_owned(),
        KeyDefault::Value(json) => {
            let Span { start, len } = pool.find(tables.text(json));
            format!("v({start}, {len})")
        }
        KeyDefault::NoElementType => "D::NoElementType".to_owned(),
        KeyDefault::NotMap => "D::NotMap".to_owned(),
    };
    let Span { start, len } = pool.find(tables.text(key.name));
    format!("k({start}, {len}, {default})")
}
