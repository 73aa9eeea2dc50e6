//! A type with what is below it, a row for each field.

use super::compiled::{Type, TypeId};
use super::rule::Rule;

/// A field of a type's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    /// How far below the root it is drawn.
    pub level: usize,
    /// The field's name; `[]` stands for the items of a list and `*` for the entries of a map, where they
    /// have a row of their own.
    pub name: String,
    /// The way from the root, such as `.spec.containers[].name`.
    pub path: String,
    /// How it is owned.
    pub rule: Rule,
    /// How the items or entries are owned, if they have no rows.
    pub of: Option<Rule>,
    /// The path of the same type further up: what is below it is below this too.
    pub recurs: Option<String>,
    /// How many fields below it are left out because they are too far from the root.
    pub hidden: usize,
}

/// A tree as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The rows, each before what is below it.
    pub rows: Vec<TreeRow>,
    /// There were more than can be read.
    pub is_cut: bool,
}

/// More rows than these are no tree that anybody reads, and repeated types may make many.
const ROWS: usize = 20_000;

struct Open {
    level: usize,
    name: String,
    path: String,
    ty: Type,
}

impl Type {
    /// The type with what is below it, down to a level, or all of it. What is owned as a whole has
    /// nothing below it. Linear in the rows, of which there is a limit, and in the levels.
    ///
    /// ```
    /// # #[cfg(feature = "builtin-schemas")] {
    /// use managed_fields::schema::{GroupVersionKind, Schemas};
    /// let kind = GroupVersionKind::new("v1", "ConfigMap");
    /// let tree = Schemas::builtin().find(&kind).ok_or("no such kind")?.tree(Some(1));
    /// let data = tree.rows.iter().find(|row| row.path == ".data").ok_or("no such field")?;
    /// assert_eq!((data.level, data.rule.word()), (1, "granular"));
    /// # }
    /// # Ok::<(), &str>(())
    /// ```
    pub fn tree(&self, depth: Option<usize>) -> Tree {
        let mut rows = Vec::new();
        let mut around: Vec<(usize, TypeId, String)> = Vec::new();
        let root = Open { level: 0, name: ".".to_owned(), path: String::new(), ty: self.clone() };
        let mut open = vec![root];
        while let Some(next) = open.pop() {
            if rows.len() == ROWS {
                return Tree { rows, is_cut: true };
            }
            let kept = around.iter().take_while(|(level, ..)| *level < next.level).count();
            around.truncate(kept);
            let rule = next.ty.rule();
            let items = if rule.is_leaf() { None } else { next.ty.items() };
            let ids = [Some(next.ty.id), items.as_ref().map(|items| items.id)];
            let same = around.iter().find(|(_, id, _)| ids.contains(&Some(*id)));
            let recurs = same.map(|(_, _, path)| path.clone()).filter(|_| !rule.is_leaf());
            let below = match &recurs {
                Some(_) => Vec::new(),
                None => next.below(&rule),
            };
            let of = next.ty.items().or_else(|| next.ty.entries()).map(|ty| ty.rule());
            let says_more = below.is_empty()
                && recurs.is_none()
                && !matches!(rule, Rule::Deduced | Rule::Untyped | Rule::Missing(_));
            let of = of.filter(|_| says_more);
            let is_shown = depth.is_none_or(|depth| next.level < depth);
            rows.push(TreeRow {
                level: next.level,
                name: next.name,
                path: next.path.clone(),
                rule,
                of,
                recurs,
                hidden: if is_shown { 0 } else { below.len() },
            });
            if is_shown && !below.is_empty() {
                let own = ids.into_iter().flatten();
                around.extend(own.map(|id| (next.level, id, next.path.clone())));
                open.extend(below.into_iter().rev());
            }
        }
        Tree { rows, is_cut: false }
    }
}

impl Open {
    fn below(&self, rule: &Rule) -> Vec<Open> {
        if rule.is_leaf() || *rule == Rule::Deduced {
            return Vec::new();
        }
        if let Some(items) = self.ty.items() {
            // The fields of items are drawn below the list, where they are looked for.
            let path = format!("{}[]", self.path);
            let fields = self.fields(&items, &path);
            let has_own_row = fields.is_empty() && !items.rule().is_leaf();
            return match has_own_row {
                true => vec![self.child("[]".to_owned(), path, items)],
                false => fields,
            };
        }
        let mut below = self.fields(&self.ty, &self.path);
        let entries = self.ty.entries().filter(|ty| !below.is_empty() || !ty.rule().is_leaf());
        let entries = entries.filter(|ty| ty.rule() != Rule::Deduced || !below.is_empty());
        if let Some(entries) = entries {
            below.push(self.child("*".to_owned(), format!("{}.*", self.path), entries));
        }
        below
    }

    fn fields(&self, ty: &Type, path: &str) -> Vec<Open> {
        if ty.rule().is_leaf() {
            return Vec::new();
        }
        let fields = ty.fields();
        fields.map(|(name, ty)| self.child(name.to_owned(), format!("{path}.{name}"), ty)).collect()
    }

    fn child(&self, name: String, path: String, ty: Type) -> Open {
        Open { level: self.level + 1, name, path, ty }
    }
}
