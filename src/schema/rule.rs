//! What a type says of ownership, for people and programs that ask.

use std::fmt;

use super::compiled::{
    Atom, ElementRelationship, Key, KeyDefault, ListPart, MapPart, Scalar, Type, TypeId,
};

/// How values of a type are owned.
///
/// Its text is what `schema show` prints: `list keyed by name`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// A string, number or boolean, or any of them; it says which.
    Scalar(&'static str),
    /// A map whose fields or entries are owned one by one.
    Granular,
    /// A map that is owned as a whole.
    Atomic,
    /// A list that is owned as a whole.
    AtomicList,
    /// A list whose items are owned one by one and told apart by their values.
    Set,
    /// A list whose items are owned one by one and told apart by these fields.
    Keyed(Vec<KeyRule>),
    /// Any value; maps are owned by their entries at every level, lists as a whole.
    Deduced,
    /// Any value, owned as a whole.
    Untyped,
    /// A list of which the schema does not say how it is owned: it cannot be merged.
    Unmergeable,
    /// There is no type of this name.
    Missing(String),
    /// The type says nothing: no value is of it.
    Nothing,
    /// Values of any of these rules.
    Either(Vec<Rule>),
}

/// A field that tells the items of a list apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRule {
    /// The name of the field.
    pub name: String,
    /// What stands for it in an item that lacks it, in JSON.
    pub default: Option<String>,
}

impl Rule {
    /// The rule in a word, the same for all lists with keys and for all scalars.
    pub fn word(&self) -> &'static str {
        match self {
            Rule::Scalar(_) => "scalar",
            Rule::Granular => "granular",
            Rule::Atomic => "atomic",
            Rule::AtomicList => "atomic-list",
            Rule::Set => "set",
            Rule::Keyed(_) => "keyed-list",
            Rule::Deduced => "deduced",
            Rule::Untyped => "untyped",
            Rule::Unmergeable => "unmergeable",
            Rule::Missing(_) => "missing",
            Rule::Nothing => "nothing",
            Rule::Either(_) => "either",
        }
    }

    /// Whether it is a rule of lists alone.
    pub fn is_list(&self) -> bool {
        matches!(self, Rule::AtomicList | Rule::Set | Rule::Keyed(_) | Rule::Unmergeable)
    }

    /// Whether nothing below a value is owned by itself.
    pub fn is_leaf(&self) -> bool {
        match self {
            Rule::Granular | Rule::Set | Rule::Keyed(_) | Rule::Deduced => false,
            Rule::Either(rules) => rules.iter().all(Rule::is_leaf),
            _ => true,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Scalar(word) => f.write_str(word),
            Rule::Granular => f.write_str("granular"),
            Rule::Atomic => f.write_str("atomic"),
            Rule::AtomicList => f.write_str("atomic list"),
            Rule::Set => f.write_str("set"),
            Rule::Keyed(keys) => {
                f.write_str("list keyed by ")?;
                for (at, key) in keys.iter().enumerate() {
                    f.write_str(if at > 0 { ", " } else { "" })?;
                    f.write_str(&key.name)?;
                    if let Some(default) = &key.default {
                        write!(f, " (default {default})")?;
                    }
                }
                Ok(())
            }
            Rule::Deduced => f.write_str("untyped: maps granular, lists atomic"),
            Rule::Untyped => f.write_str("untyped, atomic"),
            Rule::Unmergeable => f.write_str("list that cannot be merged"),
            Rule::Missing(name) => write!(f, "no such type: {name}"),
            Rule::Nothing => f.write_str("nothing"),
            Rule::Either(rules) => {
                for (at, rule) in rules.iter().enumerate() {
                    f.write_str(if at > 0 { " or " } else { "" })?;
                    rule.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl Type {
    /// How values of the type are owned. Linear in the keys.
    ///
    /// ```
    /// # #[cfg(feature = "builtin-schemas")] {
    /// use managed_fields::schema::{GroupVersionKind, Schemas};
    /// let service = Schemas::builtin().find(&GroupVersionKind::new("v1", "Service"));
    /// let ports = service.and_then(|service| service.field("spec")?.field("ports"));
    /// let keyed = r#"list keyed by port (default 0), protocol (default "TCP")"#;
    /// assert_eq!(ports.map(|ports| ports.rule().to_string()).as_deref(), Some(keyed));
    /// # }
    /// ```
    pub fn rule(&self) -> Rule {
        let atom = self.atom();
        if atom.unresolved {
            return Rule::Missing(self.name().to_owned());
        }
        let map = atom.map.as_ref();
        let is_anything = atom.scalar == Scalar::Untyped && atom.list.is_some();
        match map {
            Some(map) if is_anything && map.untyped_deduced => return Rule::Deduced,
            Some(map) if is_anything && map.field_count == 0 && map.is_atomic() => {
                return Rule::Untyped;
            }
            _ => {}
        }
        let scalar = match atom.scalar {
            Scalar::None => None,
            Scalar::Numeric => Some("number"),
            Scalar::String => Some("string"),
            Scalar::Boolean => Some("boolean"),
            Scalar::Untyped => Some("any scalar"),
            Scalar::Other => Some("scalar of no known kind"),
        };
        let map = map.map(|map| if map.is_atomic() { Rule::Atomic } else { Rule::Granular });
        let list = atom.list.as_ref().map(|list| self.list_rule(list));
        let mut rules: Vec<Rule> =
            [scalar.map(Rule::Scalar), list, map].into_iter().flatten().collect();
        match rules.len() {
            0 => Rule::Nothing,
            1 => rules.remove(0),
            _ => Rule::Either(rules),
        }
    }

    fn list_rule(&self, list: &ListPart) -> Rule {
        let tables = self.schema().tables();
        let key = |key: &Key| KeyRule {
            name: tables.text(key.name).to_owned(),
            default: match key.default {
                KeyDefault::Value(json) => Some(tables.text(json).to_owned()),
                _ => None,
            },
        };
        match list.relationship {
            ElementRelationship::Atomic => Rule::AtomicList,
            ElementRelationship::Associative if list.key_count == 0 => Rule::Set,
            ElementRelationship::Associative => {
                Rule::Keyed(tables.keys(list).iter().map(key).collect())
            }
            _ => Rule::Unmergeable,
        }
    }

    /// The type of a declared field. Logarithmic in the fields.
    pub fn field(&self, name: &str) -> Option<Type> {
        let tables = self.schema().tables();
        let fields = tables.fields(self.map()?);
        let found = fields.binary_search_by(|field| tables.text(field.name).cmp(name)).ok()?;
        Some(self.sibling(fields.get(found)?.type_id))
    }

    /// The declared fields with their types, by name.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Type)> {
        let tables = self.schema().tables();
        let fields = self.map().map_or(&[][..], |map| tables.fields(map));
        fields.iter().map(|field| (tables.text(field.name), self.sibling(field.type_id)))
    }

    /// The type of the items of a list.
    pub fn items(&self) -> Option<Type> {
        self.atom().list.as_ref().map(|list| self.sibling(list.element))
    }

    /// The type of the entries of a map that are no declared fields; None if there can be none.
    pub fn entries(&self) -> Option<Type> {
        let element = self.map()?.element;
        (element != TypeId::EMPTY).then(|| self.sibling(element))
    }

    fn map(&self) -> Option<&MapPart> {
        self.atom().map.as_ref()
    }

    fn atom(&self) -> &Atom {
        self.schema().tables().atom(self.id)
    }

    fn sibling(&self, id: TypeId) -> Type {
        Type { schema: self.schema().clone(), id }
    }
}
