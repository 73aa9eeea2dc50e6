//! The managers of an object and what each owns.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::fieldpath::FieldSet;

/// What one manager owns.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct VersionedSet {
    /// The fields.
    pub set: FieldSet,
    /// The API version in which the fields are expressed.
    pub api_version: String,
    /// Whether the manager's last operation was an apply.
    pub applied: bool,
}

/// The managers of an object by name, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Managers(pub(crate) BTreeMap<Arc<str>, VersionedSet>);

impl Managers {
    /// No managers.
    pub fn new() -> Managers {
        Managers::default()
    }

    /// What the named manager owns.
    pub fn get(&self, manager: &str) -> Option<&VersionedSet> {
        self.0.get(manager)
    }

    /// Replaces what the named manager owns.
    pub fn insert(&mut self, manager: impl Into<String>, owned: VersionedSet) {
        self.0.insert(manager.into().into(), owned);
    }

    /// Removes a manager.
    pub fn remove(&mut self, manager: &str) -> Option<VersionedSet> {
        self.0.remove(manager)
    }

    /// The managers by ascending name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &VersionedSet)> {
        self.0.iter().map(|(name, owned)| (&**name, owned))
    }

    /// How many managers there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A debugging aid: per manager what the two sides do not share. Of a manager at different
    /// versions the other side's entry is given whole; the applied flag is not compared.
    pub fn difference(&self, other: &Managers) -> Managers {
        let mut out = Managers::new();
        for (name, ours) in &self.0 {
            let difference = match other.0.get(name) {
                None => ours.clone(),
                Some(theirs) if theirs.api_version != ours.api_version => {
                    out.0.insert(name.clone(), theirs.clone());
                    continue;
                }
                Some(theirs) => VersionedSet {
                    set: ours.set.difference(&theirs.set).union(&theirs.set.difference(&ours.set)),
                    api_version: theirs.api_version.clone(),
                    applied: false,
                },
            };
            if !difference.set.is_empty() {
                out.0.insert(name.clone(), difference);
            }
        }
        for (name, theirs) in &other.0 {
            if !self.0.contains_key(name) && !theirs.set.is_empty() {
                out.0.insert(name.clone(), theirs.clone());
            }
        }
        out
    }
}

impl FromIterator<(String, VersionedSet)> for Managers {
    fn from_iter<I: IntoIterator<Item = (String, VersionedSet)>>(managers: I) -> Managers {
        Managers(managers.into_iter().map(|(name, owned)| (name.into(), owned)).collect())
    }
}

/// Four lines a manager: name, applied, version, set.
impl fmt::Display for Managers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, owned) in &self.0 {
            writeln!(f, "{name}:")?;
            writeln!(f, "- Applied: {}", owned.applied)?;
            writeln!(f, "- APIVersion: {}", owned.api_version)?;
            writeln!(f, "- Set: {}", owned.set)?;
        }
        Ok(())
    }
}
