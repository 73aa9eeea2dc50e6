//! Conflicts as the API server tells them, and what it does not tell.

use std::collections::HashSet;
use std::fmt;

use crate::fieldpath::Path;
use crate::managedfields::{ManagerIdentifier, Time};
use crate::value::Value;

use super::location::{ConfigSource, Location};
use super::lookup::Lookup;
use super::status::{StatusCause, StatusDetails};

/// A field that another manager owns and the configuration would change.
#[derive(Clone, Debug)]
pub struct Conflict {
    pub(super) manager: ManagerIdentifier,
    pub(super) time: Option<Time>,
    pub(super) path: Path,
    pub(super) live: Option<Value>,
    pub(super) applied: Option<Value>,
    location: Option<Location>,
}

impl Conflict {
    /// Who owns the field.
    pub fn manager(&self) -> &ManagerIdentifier {
        &self.manager
    }

    /// When the owner last changed something.
    pub fn time(&self) -> Option<Time> {
        self.time
    }

    /// The field, in the owner's API version.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands there now.
    pub fn live_value(&self) -> Option<&Value> {
        self.live.as_ref()
    }

    /// What the configuration wants there.
    pub fn applied_value(&self) -> Option<&Value> {
        self.applied.as_ref()
    }

    /// Where the configuration says so, once [`Conflicts::locate`] was given its source.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }
}

/// A way out of conflicts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WayOut {
    /// Remove these fields from the configuration: their owners keep them.
    GiveUp(Vec<Path>),
    /// Give these fields the values of the live object, none where it has none: they are owned
    /// together then.
    Share(Vec<(Path, Option<Value>)>),
    /// Apply with force: the fields change, and the applier is their only owner.
    Force,
}

/// All conflicts of one apply: managers in the order of their identities, each with its paths in
/// set order. Its text is the API server's.
#[derive(Clone, Debug)]
pub struct Conflicts {
    conflicts: Vec<Conflict>,
}

impl Conflicts {
    pub(super) fn new(
        found: &crate::merge::Conflicts,
        about: impl Fn(&str) -> Option<(ManagerIdentifier, Option<Time>)>,
        live: &Value,
        applied: &Value,
    ) -> Conflicts {
        let mut conflicts = Vec::with_capacity(found.len());
        let [live, applied] = [live, applied].map(|object| Lookup::new(object.as_ref()));
        for (key, set) in found.by_manager() {
            let Some((manager, time)) = about(key) else { continue };
            for path in set.iter() {
                let value =
                    |object: &Lookup<'_>| object.at(path.elements()).map(|value| value.to_value());
                conflicts.push(Conflict {
                    manager: manager.clone(),
                    time,
                    live: value(&live),
                    applied: value(&applied),
                    path,
                    location: None,
                });
            }
        }
        Conflicts { conflicts }
    }

    /// The conflicts.
    pub fn iter(&self) -> std::slice::Iter<'_, Conflict> {
        self.conflicts.iter()
    }

    /// Finds the fields in the source of the configuration: [`Conflict::location`] tells where they
    /// stand from now on. The text of the conflicts stays the API server's.
    ///
    /// ```
    /// use managed_fields::fieldmanager::{ApplyError, ConfigSource, FieldManager};
    /// use managed_fields::schema::Schemas;
    ///
    /// let schemas = Schemas::deduced();
    /// let live = r#"{"apiVersion":"v1","kind":"Lamp","metadata":{"uid":"1"},"spec":{"on":true}}"#;
    /// let config = "{\"apiVersion\": \"v1\", \"kind\": \"Lamp\",\n \"spec\": {\"on\": false}}";
    /// let applied = FieldManager::new(&schemas).apply(live, config).field_manager("ann").run();
    /// let Err(ApplyError::Conflict(mut conflicts)) = applied else { unreachable!() };
    /// conflicts.locate(&ConfigSource::new("lamp.json", config)?);
    /// let first = conflicts.iter().next().and_then(|conflict| conflict.location());
    /// assert_eq!(first.map(|location| location.to_string()).as_deref(), Some("lamp.json:2"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn locate(&mut self, source: &ConfigSource) {
        let locator = source.locator();
        for conflict in &mut self.conflicts {
            conflict.location = locator.as_ref().and_then(|locator| locator.at(&conflict.path));
        }
    }

    /// What can be done about them: give the fields up, own them together, or force.
    pub fn ways_out(&self) -> [WayOut; 3] {
        let mut fields: Vec<(Path, Option<Value>)> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        for conflict in &self.conflicts {
            if seen.insert(conflict.path.to_string()) {
                fields.push((conflict.path.clone(), conflict.live.clone()));
            }
        }
        let paths = fields.iter().map(|(path, _)| path.clone()).collect();
        [WayOut::GiveUp(paths), WayOut::Share(fields), WayOut::Force]
    }

    /// How many pairs of manager and field there are.
    pub fn len(&self) -> usize {
        self.conflicts.len()
    }

    /// Whether there are none; a refusal has at least one.
    pub fn is_empty(&self) -> bool {
        self.conflicts.is_empty()
    }

    pub(super) fn details(&self) -> StatusDetails {
        let causes = self
            .conflicts
            .iter()
            .map(|conflict| StatusCause {
                reason: "FieldManagerConflict",
                message: format!("conflict with {}", conflict.manager),
                field: conflict.path.to_string(),
            })
            .collect();
        StatusDetails { causes, ..StatusDetails::default() }
    }
}

/// The iterator over [`Conflicts`].
pub type IntoIter<'a> = std::slice::Iter<'a, Conflict>;

impl<'a> IntoIterator for &'a Conflicts {
    type Item = &'a Conflict;
    type IntoIter = IntoIter<'a>;

    fn into_iter(self) -> IntoIter<'a> {
        self.iter()
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.conflicts.as_slice() {
            let Conflict { manager, path, .. } = one;
            return write!(f, "Apply failed with 1 conflict: conflict with {manager}: {path}");
        }
        write!(f, "Apply failed with {} conflicts: ", self.conflicts.len())?;
        let mut before: Option<&ManagerIdentifier> = None;
        for conflict in &self.conflicts {
            if before != Some(&conflict.manager) {
                if before.is_some() {
                    f.write_str("\n")?;
                }
                write!(f, "conflicts with {}:", conflict.manager)?;
                before = Some(&conflict.manager);
            }
            write!(f, "\n- {}", conflict.path)?;
        }
        Ok(())
    }
}
