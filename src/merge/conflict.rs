//! Fields that an apply would take from other managers.

use std::fmt;

use crate::fieldpath::{FieldSet, Path};

/// One field and the manager that owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The owner.
    pub manager: String,
    /// The field.
    pub path: Path,
}

/// All conflicts of one apply: managers ascending, each with its paths in set order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Conflicts {
    entries: Vec<(String, FieldSet)>,
}

impl Conflicts {
    /// From the fields of each manager; sorted by manager here.
    pub(crate) fn new(mut entries: Vec<(String, FieldSet)>) -> Conflicts {
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        Conflicts { entries }
    }

    /// The managers with the fields of each.
    pub fn by_manager(&self) -> impl Iterator<Item = (&str, &FieldSet)> {
        self.entries.iter().map(|(manager, set)| (manager.as_str(), set))
    }

    /// The conflicts one by one.
    pub fn iter(&self) -> impl Iterator<Item = Conflict> {
        self.entries.iter().flat_map(|(manager, set)| {
            set.iter().map(|path| Conflict { manager: manager.clone(), path })
        })
    }

    /// All fields in conflict.
    pub fn to_set(&self) -> FieldSet {
        self.entries.iter().fold(FieldSet::default(), |all, (_, set)| all.union(set))
    }

    /// The conflicts on other fields than these.
    pub(crate) fn without(&self, allowed: &FieldSet) -> Conflicts {
        let rest = |(manager, set): &(String, FieldSet)| {
            let left = set.difference(allowed);
            (!left.is_empty()).then(|| (manager.clone(), left))
        };
        Conflicts { entries: self.entries.iter().filter_map(rest).collect() }
    }

    /// How many pairs of manager and field there are.
    pub fn len(&self) -> usize {
        self.entries.iter().map(|(_, set)| set.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// One conflict on a line; several grouped by manager, as the reference prints them.
impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |manager: &str| {
            let mut out = String::new();
            crate::value::text::write_quoted_go(&mut out, manager);
            out
        };
        if self.len() == 1 {
            for Conflict { manager, path } in self.iter() {
                write!(f, "conflict with {}: {path}", quoted(&manager))?;
            }
            return Ok(());
        }
        let mut first = true;
        for (manager, set) in &self.entries {
            if !std::mem::take(&mut first) {
                f.write_str("\n")?;
            }
            write!(f, "conflicts with {}:", quoted(manager))?;
            for path in set.iter() {
                write!(f, "\n- {path}")?;
            }
        }
        Ok(())
    }
}
