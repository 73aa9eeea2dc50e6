//! What has become of the ownership of an object between two states of it.

use std::collections::{BTreeMap, HashMap};

use crate::fieldpath::{FieldSet, Path};
use crate::managedfields::{ManagedFieldsEntry, ManagerIdentifier};

/// What has become of a field's ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Somebody owns what nobody owned.
    Gained,
    /// Somebody gave it up, and nobody came instead; others may own it still.
    Lost,
    /// Somebody gave it up, and somebody else came.
    Moved,
    /// All who owned it own it still, together with somebody else.
    Shared,
}

impl Turn {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Turn::Gained => "gained",
            Turn::Lost => "lost",
            Turn::Moved => "moved",
            Turn::Shared => "shared",
        }
    }
}

/// Fields with the same owners before and the same owners afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What has become of them.
    pub turn: Turn,
    /// The fields.
    pub fields: FieldSet,
    /// Who owned them.
    pub before: Vec<ManagerIdentifier>,
    /// Who owns them now.
    pub after: Vec<ManagerIdentifier>,
}

/// The difference in ownership between two states of an object.
///
/// A field is owned by those whose record holds the very field. An updater that writes at another
/// API version is another manager, as it is to the API server; an applier is one over all versions.
/// Times count for nothing.
///
/// ```
/// use managed_fields::analysis::{OwnershipDiff, Turn};
/// use managed_fields::{FieldSet, ManagedFieldsEntry, ManagerIdentifier, Operation};
/// let entry = |name: &str, fields: &str| {
///     FieldSet::from_fields_v1(fields.as_bytes()).map(|fields| ManagedFieldsEntry {
///         manager: ManagerIdentifier::new(name, Operation::Apply, "", ""),
///         api_version: "v1".to_owned(),
///         time: None,
///         fields,
///     })
/// };
/// let before = [entry("ann", r#"{"f:a":{},"f:b":{}}"#)?];
/// let after = [entry("ann", r#"{"f:b":{}}"#)?, entry("bob", r#"{"f:a":{},"f:b":{}}"#)?];
/// let diff = OwnershipDiff::between(&before, &after);
/// let turns: Vec<_> = diff.changes().iter().map(|c| (c.turn, c.fields.to_string())).collect();
/// assert_eq!(turns, [(Turn::Moved, ".a".to_owned()), (Turn::Shared, ".b".to_owned())]);
/// # Ok::<(), managed_fields::fieldpath::FieldsV1Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnershipDiff {
    changes: Vec<Change>,
}

/// Owners of a field, by number, before and afterwards.
type Owners = (Vec<usize>, Vec<usize>);

impl OwnershipDiff {
    /// What has become of the ownership of `before`.
    ///
    /// Linear in the fields of both, for each manager whose fields changed.
    pub fn between(before: &[ManagedFieldsEntry], after: &[ManagedFieldsEntry]) -> OwnershipDiff {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut managers: Vec<Held<'_>> = Vec::new();
        for (entry, is_after) in
            before.iter().map(|entry| (entry, false)).chain(after.iter().map(|entry| (entry, true)))
        {
            let next = managers.len();
            let number = *numbers.entry(entry.manager.to_key()).or_insert(next);
            if number == next {
                managers.push(Held { manager: &entry.manager, sets: Default::default() });
            }
            if let Some(held) = managers.get_mut(number) {
                let set = if is_after { &mut held.sets.1 } else { &mut held.sets.0 };
                *set = set.union(&entry.fields);
            }
        }
        let touched = managers.iter().fold(FieldSet::default(), |touched, held| {
            let (before, after) = &held.sets;
            if before == after {
                return touched;
            }
            touched.union(&before.difference(after)).union(&after.difference(before))
        });
        let mut owners: BTreeMap<Path, Owners> = BTreeMap::new();
        if !touched.is_empty() {
            for (number, held) in managers.iter().enumerate() {
                for path in held.sets.0.intersection(&touched).iter() {
                    owners.entry(path).or_default().0.push(number);
                }
                for path in held.sets.1.intersection(&touched).iter() {
                    owners.entry(path).or_default().1.push(number);
                }
            }
        }
        let mut groups: BTreeMap<(Turn, Owners), Vec<Path>> = BTreeMap::new();
        for (path, owners) in owners {
            groups.entry((turn(&owners), owners)).or_default().push(path);
        }
        let named = |numbers: &[usize]| -> Vec<ManagerIdentifier> {
            let held = numbers.iter().filter_map(|number| managers.get(*number));
            held.map(|held| held.manager.clone()).collect()
        };
        let changes = groups.into_iter().map(|((turn, (before, after)), paths)| Change {
            turn,
            fields: paths.into_iter().collect(),
            before: named(&before),
            after: named(&after),
        });
        OwnershipDiff { changes: changes.collect() }
    }

    /// The changes, those of one turn together; every field is in one of them.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether everybody owns what they owned.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What a manager owns before and afterwards.
struct Held<'e> {
    manager: &'e ManagerIdentifier,
    sets: (FieldSet, FieldSet),
}

fn turn((before, after): &Owners) -> Turn {
    let gave = before.iter().any(|owner| !after.contains(owner));
    match (before.is_empty(), gave, after.iter().any(|owner| !before.contains(owner))) {
        (true, ..) => Turn::Gained,
        (_, true, true) => Turn::Moved,
        (_, true, false) => Turn::Lost,
        (_, false, _) => Turn::Shared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managedfields::Operation;

    type Failure = Box<dyn std::error::Error>;

    fn entries(texts: &[(&str, &str)]) -> Result<Vec<ManagedFieldsEntry>, Failure> {
        let entry = |(name, fields): &(&str, &str)| {
            Ok(ManagedFieldsEntry {
                manager: ManagerIdentifier::new(*name, Operation::Update, "v1", ""),
                api_version: "v1".to_owned(),
                time: None,
                fields: FieldSet::from_fields_v1(fields.as_bytes())?,
            })
        };
        texts.iter().map(entry).collect()
    }

    #[test]
    fn every_field_is_told_once_with_all_its_owners() -> Result<(), Failure> {
        let before = entries(&[
            ("a", r#"{"f:lost":{},"f:left":{},"f:moved":{},"f:shared":{},"f:kept":{}}"#),
            ("b", r#"{"f:left":{},"f:kept":{}}"#),
        ])?;
        let after = entries(&[
            ("b", r#"{"f:left":{},"f:kept":{}}"#),
            ("c", r#"{"f:gained":{},"f:moved":{},"f:shared":{}}"#),
            ("a", r#"{"f:shared":{},"f:kept":{}}"#),
        ])?;
        let told: Vec<String> = OwnershipDiff::between(&before, &after)
            .changes()
            .iter()
            .map(|change| {
                let names = |owners: &[ManagerIdentifier]| {
                    owners.iter().map(ManagerIdentifier::name).collect::<String>()
                };
                let (before, after) = (names(&change.before), names(&change.after));
                format!("{} {} {before}>{after}", change.turn.as_str(), change.fields)
            })
            .collect();
        assert_eq!(
            told,
            [
                "gained .gained >c",
                "lost .lost a>",
                "lost .left ab>b",
                "moved .moved a>c",
                "shared .shared a>ac",
            ]
        );
        assert!(OwnershipDiff::between(&before, &before).is_empty());
        Ok(())
    }
}
