//! What happens to a field if a manager drops it, changes it or takes it: found out by running the
//! engine.

use crate::deep;
use crate::fieldmanager::{
    ApplyError, Conflicts, FieldManager, ResetFields, UpdateError, value_at,
};
use crate::fieldpath::{Path, PathElement};
use crate::managedfields::{ManagedFieldsEntry, Operation};
use crate::schema::{Schemas, Type};
use crate::typed::TypedValue;
use crate::value::text::write_json_string_quoted;
use crate::value::{Kind, Value, ValueRef};

use super::blame::Blame;
use super::entries::entries_of;
use super::rule::SchemaRule;

/// What a manager does with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leaves it out of what it applies, or removes it from the object that it writes.
    Drop,
    /// Applies the value that is there.
    State,
    /// Wants another value.
    Change,
    /// Wants another value, with force.
    Force,
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// It was done.
    Done(After),
    /// It was refused, and everything stays as it is.
    Refused(Conflicts),
    /// It is wrong for another reason, which is that of the API server.
    Wrong(String),
}

/// The field afterwards.
#[derive(Debug)]
pub struct After {
    value: Option<Value>,
    owners: Vec<ManagedFieldsEntry>,
    lost: Vec<String>,
}

impl After {
    /// What stands there now; none if the field is gone.
    pub fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }

    /// Who owns the field now, by itself or as part of something.
    pub fn owners(&self) -> &[ManagedFieldsEntry] {
        &self.owners
    }

    /// The names of managers who owned the field and do not own it any more.
    pub fn lost(&self) -> &[String] {
        &self.lost
    }
}

/// A try: who does what, and what comes of it.
#[derive(Debug)]
pub struct Try {
    /// What is done.
    pub action: Action,
    /// The value that is wanted, if any is.
    pub wanted: Option<Value>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// Tries what managers may do with a field of an object.
///
/// ```
/// use managed_fields::analysis::{Action, Blame, Outcome, WhatIf, entries_of, resolve_path};
/// use managed_fields::{GroupVersionKind, Operation, Schemas, Value};
///
/// let live = Value::from_json(
///     r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[
///         {"manager":"ann","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1",
///          "fieldsV1":{"f:data":{"f:k":{}}}}]},"data":{"k":"v"}}"#,
/// )?;
/// let schemas = Schemas::builtin();
/// let ty = schemas.find(&GroupVersionKind::new("v1", "ConfigMap")).ok_or("no ConfigMap")?;
/// let blame = Blame::new(&live, &entries_of(&live)?, Some(&ty));
/// let what_if = WhatIf::new(&schemas, &ty, &live, resolve_path(".data.k", &blame)?);
///
/// let tried = what_if.all("bob", Operation::Apply, "");
/// assert_eq!(tried[1].action, Action::Change);
/// let Outcome::Refused(conflicts) = &tried[1].outcome else { unreachable!() };
/// let with: Vec<&str> = conflicts.iter().map(|conflict| conflict.manager().name()).collect();
/// assert_eq!(with, ["ann"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WhatIf<'s> {
    manager: FieldManager<'s>,
    reset_fields: ResetFields,
    ty: Type,
    live: Value,
    path: Path,
    /// The path, or what is owned as a whole around it.
    whole: Path,
}

impl<'s> WhatIf<'s> {
    /// Tries concern this path of a live object of this type.
    pub fn new(schemas: &'s Schemas, ty: &Type, live: &Value, path: Path) -> WhatIf<'s> {
        let rule = SchemaRule::at(ty, &path, value_at(live.as_ref(), path.elements()));
        let whole = rule.whole().cloned().unwrap_or_else(|| path.clone());
        WhatIf {
            manager: FieldManager::new(schemas),
            reset_fields: ResetFields::default(),
            ty: ty.clone(),
            live: live.clone(),
            path,
            whole,
        }
    }

    /// What the endpoint resets; if never said, what it resets in Kubernetes' own kinds.
    #[must_use]
    pub fn reset_fields(mut self, reset_fields: ResetFields) -> Self {
        self.reset_fields = reset_fields;
        self
    }

    /// Everything that this manager may do, if it is not known to end in nothing.
    ///
    /// An applier applies what it owns already, with the field left out or changed. Every try costs
    /// what the request costs.
    pub fn all(&self, name: &str, operation: Operation, subresource: &str) -> Vec<Try> {
        let entries = entries_of(&self.live).unwrap_or_default();
        let blame = Blame::new(&self.live, &entries, Some(&self.ty));
        let is_own = |entry: &ManagedFieldsEntry| {
            entry.manager.name() == name
                && entry.manager.operation() == operation
                && entry.manager.subresource() == subresource
        };
        let owns = blame.owners_at(&self.path).iter().any(is_own);
        let changed = self.changed();
        let mut actions = Vec::new();
        if owns || operation == Operation::Update {
            actions.push(Action::Drop);
        }
        if !owns && operation == Operation::Apply {
            actions.push(Action::State);
        }
        if changed.is_some() {
            actions.push(Action::Change);
        }
        if changed.is_some() && operation == Operation::Apply {
            actions.push(Action::Force);
        }
        let mut tried: Vec<Try> = Vec::new();
        for action in actions {
            let is_free = tried.last().is_some_and(|last| matches!(last.outcome, Outcome::Done(_)));
            if action == Action::Force && is_free {
                continue;
            }
            let wanted = match action {
                Action::Drop => None,
                Action::State => {
                    value_at(self.live.as_ref(), self.path.elements()).map(ValueRef::to_value)
                }
                Action::Change | Action::Force => changed.clone(),
            };
            let object = match operation {
                Operation::Apply => self.apply(name, subresource, action, wanted.as_ref(), owns),
                Operation::Update => self.update(name, subresource, wanted.as_ref()),
            };
            let outcome = match object {
                Ok(Ok(object)) => Outcome::Done(self.after(&object, &blame)),
                Ok(Err(conflicts)) => Outcome::Refused(conflicts),
                Err(message) => Outcome::Wrong(message),
            };
            tried.push(Try { action, wanted, outcome });
        }
        tried
    }

    /// Another value than the one that is there. None for what has no value of its own.
    fn changed(&self) -> Option<Value> {
        let value = value_at(self.live.as_ref(), self.path.elements())?;
        let json = match value.kind() {
            Kind::Bool => (value.as_bool() != Some(true)).to_string(),
            Kind::Int => value.as_i64()?.checked_add(1).unwrap_or_default().to_string(),
            Kind::Float => "0.5".to_owned(),
            Kind::String if value.as_str()? == "another value" => {
                "\"yet another value\"".to_owned()
            }
            Kind::String => "\"another value\"".to_owned(),
            Kind::List | Kind::Map if !self.is_owned_whole(value) || value.is_empty() => {
                return None;
            }
            Kind::List => "[]".to_owned(),
            Kind::Map => "{}".to_owned(),
            Kind::Null => return None,
        };
        // What tells an item from others cannot change: with another value it is another item.
        let is_identity = match self.path.elements() {
            [.., PathElement::Value(_)] => true,
            [.., PathElement::Key(keys), PathElement::FieldName(name)] => {
                keys.iter().any(|(key, _)| key == name)
            }
            _ => false,
        };
        if is_identity { None } else { Value::from_json(&json).ok() }
    }

    fn is_owned_whole(&self, value: ValueRef<'_>) -> bool {
        let rule = SchemaRule::at(&self.ty, &self.path, Some(value));
        rule.whole().is_some() || matches!(rule.merging(), super::rule::Merging::Atomic(_))
    }

    fn apply(
        &self,
        name: &str,
        subresource: &str,
        action: Action,
        wanted: Option<&Value>,
        owns: bool,
    ) -> Result<Result<String, Conflicts>, String> {
        let extract = self.manager.extract(&self.live).field_manager(name);
        let extracted = extract.subresource(subresource).with_keys(true).run();
        let own = extracted.map_err(|error| error.to_string())?;
        let own = own.unwrap_or_else(|| self.identity());
        let own = Value::from_json(&own).map_err(|error| error.to_string())?;
        let config = match wanted {
            None => edited(own.as_ref(), self.path.elements(), None),
            Some(wanted) if owns => edited(own.as_ref(), self.path.elements(), Some(wanted)),
            Some(wanted) => self.joined(&own, wanted)?,
        };
        let request = self.manager.apply(&self.live, config).field_manager(name);
        let request = request.subresource(subresource).force(action == Action::Force);
        let request = request.reset_fields(self.reset_fields.clone());
        match request.run() {
            Ok(applied) => Ok(Ok(applied.object().to_owned())),
            Err(ApplyError::Conflict(conflicts)) => Ok(Err(conflicts)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn update(
        &self,
        name: &str,
        subresource: &str,
        wanted: Option<&Value>,
    ) -> Result<Result<String, Conflicts>, String> {
        let new = edited(self.live.as_ref(), self.path.elements(), wanted);
        let request = self.manager.update(&self.live, new).field_manager(name);
        let request = request.subresource(subresource).reset_fields(self.reset_fields.clone());
        let updated = request.run();
        let updated = updated.map_err(|error: UpdateError| error.to_string())?;
        Ok(Ok(updated.object().to_owned()))
    }

    /// The least that an applier can say.
    fn identity(&self) -> String {
        let live = self.live.as_ref();
        let metadata = live.get("metadata");
        let text = |value: Option<ValueRef<'_>>, key: &str| {
            value.and_then(|value| value.get(key)).map(ValueRef::to_json)
        };
        let mut json = String::from("{");
        for key in ["apiVersion", "kind"] {
            if let Some(value) = text(Some(live), key) {
                json += &format!("\"{key}\":{value},");
            }
        }
        json += "\"metadata\":{";
        let names = ["name", "namespace"]
            .into_iter()
            .filter_map(|key| text(metadata, key).map(|value| format!("\"{key}\":{value}")));
        json += &names.collect::<Vec<_>>().join(",");
        json + "}}"
    }

    /// What a manager says already, and this value besides.
    fn joined(&self, own: &Value, wanted: &Value) -> Result<String, String> {
        let live = edited(self.live.as_ref(), self.path.elements(), Some(wanted));
        let live = Value::from_json(&live).map_err(|error| error.to_string())?;
        let mut addition = String::new();
        deep::with_stack(self.whole.elements().len(), || {
            write_only(live.as_ref(), self.whole.elements(), &mut addition);
        });
        let typed = |value: &Value| TypedValue::with_duplicates(value.clone(), self.ty.clone());
        let addition = Value::from_json(&addition).map_err(|error| error.to_string())?;
        let own = typed(own).map_err(|error| error.to_string())?;
        let addition = typed(&addition).map_err(|error| error.to_string())?;
        let merged = own.merge(&addition).map_err(|error| error.to_string())?;
        Ok(merged.to_value().to_json())
    }

    fn after(&self, object: &str, before: &Blame) -> After {
        let object = Value::from_json(object).unwrap_or_else(|_| Value::null());
        let entries = entries_of(&object).unwrap_or_default();
        let blame = Blame::new(&object, &entries, Some(&self.ty));
        let owners = blame.owners_at(&self.path);
        let lost = before
            .owners_at(&self.path)
            .iter()
            .filter(|entry| !owners.iter().any(|owner| owner.manager == entry.manager))
            .map(|entry| entry.manager.name().to_owned())
            .collect();
        let value = value_at(object.as_ref(), self.path.elements()).map(ValueRef::to_value);
        After { value, owners, lost }
    }
}

/// The object as JSON with another value at a path, or without it.
fn edited(object: ValueRef<'_>, path: &[PathElement], wanted: Option<&Value>) -> String {
    let mut out = String::new();
    deep::with_stack(path.len(), || write_edited(object, path, wanted, &mut out));
    out
}

fn write_edited(
    value: ValueRef<'_>,
    path: &[PathElement],
    wanted: Option<&Value>,
    out: &mut String,
) {
    let Some((first, rest)) = path.split_first() else {
        if let Some(wanted) = wanted {
            out.push_str(&wanted.to_json());
        }
        return;
    };
    let Some(found) = value_at(value, std::slice::from_ref(first)) else {
        out.push_str(&value.to_json());
        return;
    };
    let is_gone = rest.is_empty() && wanted.is_none();
    let is_list = value.kind() == Kind::List;
    out.push(if is_list { '[' } else { '{' });
    let mut separator = "";
    let mut part = |name: Option<&str>, inner: ValueRef<'_>, out: &mut String| {
        let is_it = inner.offset() == found.offset();
        if is_it && is_gone {
            return;
        }
        out.push_str(std::mem::replace(&mut separator, ","));
        if let Some(name) = name {
            write_json_string_quoted(out, name);
            out.push(':');
        }
        if is_it {
            write_edited(inner, rest, wanted, out);
        } else {
            out.push_str(&inner.to_json());
        }
    };
    value.items().for_each(|item| part(None, item, out));
    value.members().for_each(|(name, member)| part(Some(&name), member, out));
    out.push(if is_list { ']' } else { '}' });
}

/// The value with nothing in it but a path, and the keys of the items on the way.
fn write_only(value: ValueRef<'_>, path: &[PathElement], out: &mut String) {
    let Some((first, rest)) = path.split_first() else {
        out.push_str(&value.to_json());
        return;
    };
    let Some(found) = value_at(value, std::slice::from_ref(first)) else {
        out.push_str("null");
        return;
    };
    match first {
        PathElement::FieldName(name) => {
            out.push('{');
            write_json_string_quoted(out, name);
            out.push(':');
            write_only(found, rest, out);
            out.push('}');
        }
        PathElement::Key(keys) if !rest.is_empty() => {
            let mut inner = String::new();
            write_only(found, rest, &mut inner);
            out.push_str("[{");
            let next = match rest.first() {
                Some(PathElement::FieldName(name)) => name.as_str(),
                _ => "",
            };
            for (name, value) in keys.iter().filter(|(name, _)| name != next) {
                write_json_string_quoted(out, name);
                out.push(':');
                out.push_str(&value.to_json());
                out.push(',');
            }
            // What is inside is a map of one member.
            out.push_str(inner.strip_prefix('{').unwrap_or("}"));
            out.push(']');
        }
        _ => {
            out.push('[');
            write_only(found, rest, out);
            out.push(']');
        }
    }
}
