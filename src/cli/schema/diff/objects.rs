//! What becomes of the owners of live objects under another schema.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::analysis::entries_of;
use crate::fieldmanager::{ApplyError, FieldManager};
use crate::fieldpath::FieldSet;
use crate::managedfields::{ManagedFieldsEntry, ManagerIdentifier, Operation};
use crate::schema::{GroupVersionKind, Type};

use super::super::super::ResetFields;
use super::super::super::input::{self, Object};
use super::super::super::schemas::Known;
use super::super::super::session::Session;
use super::DiffArgs;

/// An object some of whose owners gain or lose something.
#[derive(Serialize)]
pub(super) struct Affected {
    object: String,
    place: String,
    /// At the next write, whoever makes it.
    owners: Vec<Moved>,
    /// If an applier applies again what it has applied.
    applies: Vec<Apply>,
}

/// What an owner gains and loses.
#[derive(Serialize)]
struct Moved {
    manager: String,
    operation: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    subresource: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gains: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    loses: Vec<String>,
}

#[derive(Serialize)]
struct Apply {
    manager: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    subresource: String,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What it takes from the object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removes: Vec<String>,
    /// What moves besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<Moved>,
}

/// The objects whose owners gain or lose something.
pub(super) fn affected(
    args: &DiffArgs,
    before: &mut Known,
    after: &mut Known,
    session: &mut Session<'_, '_>,
) -> Vec<Affected> {
    let mut found = Vec::new();
    if args.objects.is_empty() {
        return found;
    }
    for object in input::load(&args.objects, args.reading.recursive, session).into_iter().flatten()
    {
        let kind = &object.identity.kind;
        let mut types = |known: &mut Known| -> Option<Option<Type>> {
            known.learn(kind, session).ok()?;
            Some(known.schemas().find(kind))
        };
        let (Some(old), Some(new)) = (types(before), types(after)) else { continue };
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => continue,
            (known, _) => {
                let side = if known.is_some() { &args.after } else { &args.before };
                let message = format!("there is no schema for {kind} in {side}: passed over");
                session.note(&object.place, message);
                continue;
            }
        };
        let changes = old.changes_to(&new);
        if changes.list.is_empty() && !changes.is_cut {
            continue;
        }
        object.warn_if_owners_were_hidden(session);
        match look(&object, before, after, session) {
            Ok(Some(affected)) => found.push(affected),
            Ok(None) => {}
            Err(message) => session.error(&object.place, message),
        }
    }
    found
}

/// The sets of an object's owners.
type Owners = BTreeMap<(String, Operation, String, String), FieldSet>;

fn owners(entries: &[ManagedFieldsEntry]) -> Owners {
    let key = |entry: &ManagedFieldsEntry| {
        let manager = &entry.manager;
        let (name, subresource) = (manager.name().to_owned(), manager.subresource().to_owned());
        (name, manager.operation(), subresource, entry.api_version.clone())
    };
    entries.iter().map(|entry| (key(entry), entry.fields.clone())).collect()
}

fn look(
    object: &Object,
    before: &Known,
    after: &Known,
    session: &Session<'_, '_>,
) -> Result<Option<Affected>, String> {
    let entries = entries_of(&object.value).map_err(|error| error.to_string())?;
    let stored = owners(&entries);
    let mut reconciled = stored.clone();
    for ((.., api_version), fields) in &mut reconciled {
        // Each set is of the version that it was recorded at.
        let kind = GroupVersionKind::new(api_version, &object.identity.kind.kind);
        let Some(ty) = after.schemas().find(&kind) else { continue };
        let mended = ty.reconcile_field_set(fields).map_err(|error| error.to_string())?;
        if let Some(mended) = mended {
            *fields = mended;
        }
    }
    let mut applies = Vec::new();
    for entry in entries.iter().filter(|entry| entry.manager.operation() == Operation::Apply) {
        let apply = apply_again(object, &entry.manager, before, after, &reconciled, session);
        applies.extend(apply.filter(Apply::says_something));
    }
    let owners = moved(&stored, &reconciled);
    Ok((!owners.is_empty() || !applies.is_empty()).then(|| Affected {
        object: object.identity.to_string(),
        place: object.place.to_string(),
        owners,
        applies,
    }))
}

/// What happens under the new schema if an applier applies what it owns under the old one.
fn apply_again(
    object: &Object,
    manager: &ManagerIdentifier,
    before: &Known,
    after: &Known,
    reconciled: &Owners,
    session: &Session<'_, '_>,
) -> Option<Apply> {
    let mut apply = Apply {
        manager: manager.name().to_owned(),
        subresource: manager.subresource().to_owned(),
        error: None,
        removes: Vec::new(),
        owners: Vec::new(),
    };
    let extracted = FieldManager::new(before.schemas())
        .extract(&object.value)
        .field_manager(manager.name())
        .subresource(manager.subresource())
        .with_keys(true)
        .run();
    let configuration = match extracted {
        Ok(configuration) => configuration?,
        Err(error) => {
            apply.error = Some(format!("what it has applied cannot be told: {error}"));
            return Some(apply);
        }
    };
    let applied = FieldManager::new(after.schemas())
        .apply(&object.value, configuration.as_str())
        .field_manager(manager.name())
        .subresource(manager.subresource())
        .reset_fields(after.reset_fields(ResetFields::Server, &object.identity.kind))
        .at(session.now())
        .run();
    match applied {
        Ok(applied) => {
            apply.removes = paths(applied.pruned());
            apply.owners = moved(reconciled, &owners(applied.managed_fields()));
        }
        Err(ApplyError::Conflict(conflicts)) => apply.error = Some(conflicts.to_string()),
        Err(error) => apply.error = Some(error.to_string()),
    }
    Some(apply)
}

fn paths(set: &FieldSet) -> Vec<String> {
    set.iter().map(|path| path.to_string()).collect()
}

fn moved(before: &Owners, after: &Owners) -> Vec<Moved> {
    let none = FieldSet::default();
    let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let moved = keys.into_iter().map(|key| {
        let (old, new) = (before.get(key).unwrap_or(&none), after.get(key).unwrap_or(&none));
        let (manager, operation, subresource, _) = key;
        Moved {
            manager: manager.clone(),
            operation: operation.as_str(),
            subresource: subresource.clone(),
            gains: paths(&new.difference(old)),
            loses: paths(&old.difference(new)),
        }
    });
    moved.filter(|moved| !moved.gains.is_empty() || !moved.loses.is_empty()).collect()
}

impl Apply {
    fn says_something(&self) -> bool {
        self.error.is_some() || !self.removes.is_empty() || !self.owners.is_empty()
    }
}

impl Affected {
    pub(super) fn write(&self, text: &mut String) {
        let _ = writeln!(text, "{} ({})", self.object, self.place);
        if !self.owners.is_empty() {
            let _ = writeln!(text, "  at the next write, whoever makes it:");
            self.owners.iter().for_each(|moved| moved.write(text));
        }
        for apply in &self.applies {
            let by = match apply.subresource.as_str() {
                "" => apply.manager.clone(),
                subresource => format!("{} (subresource {subresource})", apply.manager),
            };
            let _ = writeln!(text, "  if {by} applies again what it has applied:");
            if let Some(error) = &apply.error {
                for line in error.lines() {
                    let _ = writeln!(text, "    {line}");
                }
            }
            for path in &apply.removes {
                let _ = writeln!(text, "    the object loses {path}");
            }
            apply.owners.iter().for_each(|moved| moved.write(text));
        }
    }
}

impl Moved {
    fn write(&self, text: &mut String) {
        let with = match self.subresource.as_str() {
            "" => String::new(),
            subresource => format!(", subresource {subresource}"),
        };
        let who = format!("{} ({}{with})", self.manager, self.operation);
        for (word, paths) in [("loses", &self.loses), ("gains", &self.gains)] {
            for path in paths {
                let _ = writeln!(text, "    {who} {word} {path}");
            }
        }
    }
}
