//! What a schema says of a path.

use std::fmt;

use crate::fieldpath::{Path, PathElement};
use crate::schema::{ElementRelationship, FieldCursor, Scalar, Schema, Type, TypeId};
use crate::value::{Kind, ValueRef};

/// How the schema has a value owned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Merging {
    /// A scalar: one owner or several who agree.
    Scalar,
    /// A list or a map that is owned as a whole.
    Atomic(Kind),
    /// A list whose items are owned one by one and told apart by these fields.
    Keyed(Vec<String>),
    /// A list of scalars that are owned one by one.
    Set,
    /// A map whose members are owned one by one.
    Granular,
    /// The schema does not know the value.
    Unknown,
}

/// What a schema says of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRule {
    merging: Merging,
    type_name: String,
    whole: Option<Path>,
    is_deduced: bool,
    is_plain_map: bool,
}

impl SchemaRule {
    /// What the type says of a path of its values. `value` is what stands there, which decides where
    /// the schema allows several shapes.
    ///
    /// ```
    /// use managed_fields::analysis::{Merging, SchemaRule};
    /// use managed_fields::{GroupVersionKind, Path, PathElement, Schemas};
    /// let ty = Schemas::builtin().find(&GroupVersionKind::new("v1", "Service")).ok_or("no Service")?;
    /// let path = ["spec", "ports"].map(|name| PathElement::FieldName(name.into()));
    /// let rule = SchemaRule::at(&ty, &Path::from_iter(path), None);
    /// assert_eq!(rule.merging(), &Merging::Keyed(vec!["port".into(), "protocol".into()]));
    /// assert_eq!(rule.merging().to_string(), "list keyed by port, protocol");
    /// # Ok::<(), &str>(())
    /// ```
    pub fn at(ty: &Type, path: &Path, value: Option<ValueRef<'_>>) -> SchemaRule {
        let tables = ty.schema().tables();
        let mut id = Some(ty.id);
        // The outermost value that is owned as a whole, by how many elements lead to it.
        let mut whole = None;
        let mut type_name = ty.name().to_owned();
        for (length, element) in path.elements().iter().enumerate() {
            let Some(atom) = id.map(|id| tables.atom(id)) else { break };
            let (inner, is_atomic) = match element {
                PathElement::FieldName(name) => match &atom.map {
                    Some(map) => {
                        let inner = FieldCursor::new(tables, map).find(name).0;
                        (Some(inner), map.is_atomic())
                    }
                    None => (None, false),
                },
                _ => match &atom.list {
                    Some(list) => (Some(list.element), list.is_atomic()),
                    None => (None, false),
                },
            };
            if is_atomic && whole.is_none() {
                whole = Some(length);
            }
            id = inner.filter(|inner| !is_nothing(ty.schema(), *inner));
            if let Some(name) = id.map(|id| tables.text(tables.atom(id).name))
                && !name.is_empty()
            {
                name.clone_into(&mut type_name);
            }
        }
        let merging = match id {
            Some(id) => merging(ty.schema(), id, value.map(ValueRef::kind)),
            None => Merging::Unknown,
        };
        let whole = whole.map(|length| path.elements().iter().take(length).cloned().collect());
        let is_deduced = *ty.schema() == Schema::deduced();
        let map = id.and_then(|id| tables.atom(id).map);
        let is_plain_map = map.is_some_and(|map| {
            map.field_count == 0 && tables.atom(map.element).scalar != Scalar::None
        });
        SchemaRule { merging, type_name, whole, is_deduced, is_plain_map }
    }

    /// How the value is owned, were it not part of something atomic.
    pub fn merging(&self) -> &Merging {
        &self.merging
    }

    /// The named type that the path leads to, or the last one on the way.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The outermost list or map around the path that is owned as a whole; fields in it have no
    /// owners of their own.
    pub fn whole(&self) -> Option<&Path> {
        self.whole.as_ref()
    }

    /// A map of scalars with keys of its own, not a structure.
    pub(super) fn is_plain_map(&self) -> bool {
        self.is_plain_map
    }

    /// No schema was known: this is how the API server treats custom resources without one.
    pub fn is_deduced(&self) -> bool {
        self.is_deduced
    }
}

/// Nothing can be of this type.
fn is_nothing(schema: &Schema, id: TypeId) -> bool {
    let atom = schema.tables().atom(id);
    atom.unresolved || (atom.scalar == Scalar::None && atom.list.is_none() && atom.map.is_none())
}

fn merging(schema: &Schema, id: TypeId, kind: Option<Kind>) -> Merging {
    let tables = schema.tables();
    let atom = tables.atom(id);
    let wants = |kind_of_part: fn(Kind) -> bool| kind.is_none_or(kind_of_part);
    if let Some(map) = &atom.map
        && wants(|kind| kind == Kind::Map)
    {
        return if map.is_atomic() { Merging::Atomic(Kind::Map) } else { Merging::Granular };
    }
    if let Some(list) = &atom.list
        && wants(|kind| kind == Kind::List)
    {
        let keys = tables.keys(list).iter().map(|key| tables.text(key.name).to_owned());
        return match (list.relationship, list.key_count) {
            (ElementRelationship::Associative, 0) => Merging::Set,
            (ElementRelationship::Associative, _) => Merging::Keyed(keys.collect()),
            _ => Merging::Atomic(Kind::List),
        };
    }
    match atom.scalar {
        // A null, or a value that is not of its type.
        Scalar::None if kind.is_some() => merging(schema, id, None),
        Scalar::None => Merging::Unknown,
        _ => Merging::Scalar,
    }
}

impl fmt::Display for Merging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Merging::Scalar => f.write_str("scalar"),
            Merging::Atomic(Kind::List) => f.write_str("atomic list"),
            Merging::Atomic(_) => f.write_str("atomic map"),
            Merging::Keyed(keys) => write!(f, "list keyed by {}", keys.join(", ")),
            Merging::Set => f.write_str("set"),
            Merging::Granular => f.write_str("granular map"),
            Merging::Unknown => f.write_str("not in the schema"),
        }
    }
}
