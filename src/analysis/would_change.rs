//! What an apply would change, and why it would or would not.

use crate::deep;
use crate::fieldmanager::{ApplyError, ApplyRequest, Lookup};
use crate::fieldpath::{FieldSet, Path, PathElement};
use crate::managedfields::{ManagedFieldsEntry, ManagerIdentifier};
use crate::schema::{GroupVersionKind, Origin, Schemas, Type};
use crate::typed::TypedValue;
use crate::value::{Kind, Value, ValueRef};

use super::entries::entries_of;
use super::ownership_diff::OwnershipDiff;
use super::rule::{Merging, SchemaRule};
use super::same_value::{Spelling, is_same};

/// What would change, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing, times of entries aside.
    Nothing,
    /// What is recorded of owners.
    Ownership,
    /// Values of the object.
    Values,
    /// Both.
    Both,
}

/// What happens to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alteration {
    /// It comes to be.
    Added,
    /// It goes.
    Removed,
    /// It becomes another.
    Changed,
    /// It is a list whose items come in another order.
    Reordered,
}

impl Alteration {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Alteration::Added => "added",
            Alteration::Removed => "removed",
            Alteration::Changed => "changed",
            Alteration::Reordered => "reordered",
        }
    }
}

/// A value that an apply changes.
#[derive(Debug, Clone)]
pub struct ValueChange {
    /// Where it is. Of what is added or removed as a whole the outermost.
    pub path: Path,
    /// What happens to it.
    pub alteration: Alteration,
    /// What is there.
    pub before: Option<Value>,
    /// What is there afterwards.
    pub after: Option<Value>,
}

/// Why the server stores nothing of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Normalisation {
    /// It is the same quantity in other words.
    Quantity,
    /// It is the same time in other words.
    Time,
    /// It is null, or an empty list or map, where nothing was, of which Kubernetes' own kinds make
    /// nothing.
    Empty,
    /// The endpoint sets it back, or fills in its default, which is what was there.
    SetBack,
}

impl Normalisation {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Normalisation::Quantity => "quantity",
            Normalisation::Time => "time",
            Normalisation::Empty => "empty",
            Normalisation::SetBack => "set-back",
        }
    }
}

/// An entry that is written otherwise although the manager owns what it owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// Whose it is.
    pub manager: ManagerIdentifier,
    /// Its API version.
    pub before: String,
    /// Its API version afterwards; none if the entry goes, because there is nothing in it.
    pub after: Option<String>,
}

/// What an apply would change, found out by running it.
///
/// Values are compared as the type has them: the order of the members of maps counts for nothing,
/// nor does the spelling of numbers. A change that the server would normalise away is none. Times of
/// entries alone are no change either: the server does not write an object for them.
///
/// ```
/// use managed_fields::analysis::{Verdict, WouldChange};
/// use managed_fields::{FieldManager, Schemas};
///
/// let schemas = Schemas::builtin();
/// let fm = FieldManager::new(&schemas);
/// let live = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[
///     {"manager":"ann","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1",
///      "fieldsV1":{"f:data":{"f:k":{}}}}]},"data":{"k":"v"}}"#;
/// let config = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}"#;
///
/// let own = WouldChange::find(fm.apply(live, config).field_manager("ann"))?;
/// assert_eq!(own.verdict(), Verdict::Nothing);
/// let other = WouldChange::find(fm.apply(live, config).field_manager("bob"))?;
/// assert_eq!(other.verdict(), Verdict::Ownership);
/// assert_eq!(other.ownership().changes()[0].fields.to_string(), ".data.k");
/// # Ok::<(), managed_fields::ApplyError>(())
/// ```
#[derive(Debug, Clone)]
pub struct WouldChange {
    is_new: bool,
    values: Vec<ValueChange>,
    normalised: Vec<(Normalisation, ValueChange)>,
    ownership: OwnershipDiff,
    rewritten: Vec<Rewritten>,
    touches_times: bool,
}

impl WouldChange {
    /// What the apply would change.
    ///
    /// Costs what the apply costs, twice, and what the changes are in number.
    ///
    /// # Errors
    /// Those of the apply. One that is refused because of conflicts changes nothing.
    pub fn find(request: ApplyRequest<'_, '_>) -> Result<WouldChange, ApplyError> {
        let schemas = request.schemas();
        let live = request.live().to_value().map_err(ApplyError::Live)?;
        let is_new = live.is_none();
        let live = live.unwrap_or_else(Value::null);
        let entries = entries_of(&live).unwrap_or_default();
        let again = request.clone().merged_only();
        let applied = request.run()?;
        let after = applied.to_value();
        let mut found =
            WouldChange::between(schemas, (&live, &entries), (&after, applied.managed_fields()));
        found.is_new = is_new;
        if is_new {
            // All of it is.
            found.values.clear();
        }
        // What the server sets back afterwards is seen without what it does.
        if let Ok(merged) = again.run() {
            let is_nothing = found.verdict() == Verdict::Nothing;
            found.touches_times |=
                is_nothing && have_other_times(&entries, merged.managed_fields());
            let set_back = set_back(schemas, &live, &after, &merged.to_value());
            let set_back = set_back.into_iter().map(|change| (Normalisation::SetBack, change));
            found.normalised.extend(set_back);
        }
        Ok(found)
    }

    /// What a write would change that makes the one object of the other, such as the object that a
    /// `Scale` belongs to.
    ///
    /// ```
    /// use managed_fields::analysis::{Verdict, WouldChange};
    /// use managed_fields::value::{ParseError, Value};
    /// use managed_fields::Schemas;
    ///
    /// let object = |replicas| {
    ///     let spec = format!(r#""spec":{{"replicas":{replicas}}}"#);
    ///     Value::from_json(&format!(r#"{{"apiVersion":"apps/v1","kind":"Deployment",{spec}}}"#))
    /// };
    /// let schemas = Schemas::builtin();
    /// let found = WouldChange::between_states(&schemas, &object(1)?, &object(2)?);
    /// assert_eq!(found.verdict(), Verdict::Values);
    /// assert_eq!(found.values()[0].path.to_string(), ".spec.replicas");
    /// # Ok::<(), ParseError>(())
    /// ```
    pub fn between_states(schemas: &Schemas, before: &Value, after: &Value) -> WouldChange {
        let entries = |object| entries_of(object).unwrap_or_default();
        let (were, are) = (entries(before), entries(after));
        WouldChange::between(schemas, (before, &were), (after, &are))
    }

    fn between(
        schemas: &Schemas,
        (live, entries): (&Value, &[ManagedFieldsEntry]),
        (after, now): (&Value, &[ManagedFieldsEntry]),
    ) -> WouldChange {
        let (values, normalised) = value_changes(schemas, live, after);
        WouldChange {
            is_new: false,
            values,
            normalised,
            ownership: OwnershipDiff::between(entries, now),
            rewritten: rewritten(entries, now),
            touches_times: have_other_times(entries, now),
        }
    }

    /// What would change, in a word.
    pub fn verdict(&self) -> Verdict {
        let owners = !self.ownership.is_empty() || !self.rewritten.is_empty();
        match (owners, self.is_new || !self.values.is_empty()) {
            (false, false) => Verdict::Nothing,
            (true, false) => Verdict::Ownership,
            (false, true) => Verdict::Values,
            (true, true) => Verdict::Both,
        }
    }

    /// Whether the object would be created.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The values that would change, by path; none of an object that would be created.
    pub fn values(&self) -> &[ValueChange] {
        &self.values
    }

    /// What the configuration states and the server stores nothing of, and why.
    pub fn normalised(&self) -> &[(Normalisation, ValueChange)] {
        &self.normalised
    }

    /// What would become of the ownership of fields.
    pub fn ownership(&self) -> &OwnershipDiff {
        &self.ownership
    }

    /// Entries that would be written otherwise although their fields stay.
    pub fn rewritten(&self) -> &[Rewritten] {
        &self.rewritten
    }

    /// Whether an entry would get another time. If that is all, the server writes nothing.
    pub fn touches_times(&self) -> bool {
        self.touches_times
    }
}

fn have_other_times(before: &[ManagedFieldsEntry], after: &[ManagedFieldsEntry]) -> bool {
    before.iter().any(|entry| {
        let same = after.iter().find(|other| other.manager == entry.manager);
        same.is_some_and(|other| other.time != entry.time)
    })
}

/// What was merged and is not stored, because it is again what it was.
fn set_back(schemas: &Schemas, live: &Value, stored: &Value, merged: &Value) -> Vec<ValueChange> {
    let (mut undone, other) = value_changes(schemas, stored, merged);
    undone.extend(other.into_iter().map(|(_, change)| change));
    undone.sort_by(|left, right| left.path.cmp(&right.path));
    let before = Lookup::new(live.as_ref());
    undone.retain(|change| {
        let stored = change.before.as_ref().map(Value::as_ref);
        before.at(change.path.elements()) == stored
    });
    undone
}

fn rewritten(before: &[ManagedFieldsEntry], after: &[ManagedFieldsEntry]) -> Vec<Rewritten> {
    let rewritten = before.iter().filter_map(|entry| {
        let now = after.iter().find(|other| other.manager == entry.manager);
        let version = now.map(|entry| entry.api_version.clone());
        let is_other = match &version {
            Some(version) => *version != entry.api_version,
            // If it held fields, these are told of.
            None => entry.fields.is_empty(),
        };
        is_other.then(|| Rewritten {
            manager: entry.manager.clone(),
            before: entry.api_version.clone(),
            after: version,
        })
    });
    rewritten.collect()
}

/// The fields of an object that nobody asks about: the entries.
fn entries_path() -> FieldSet {
    let path = ["metadata", "managedFields"].map(|name| PathElement::FieldName(name.to_owned()));
    FieldSet::from_iter([Path::from_iter(path)])
}

type Changes = (Vec<ValueChange>, Vec<(Normalisation, ValueChange)>);

/// What differs between two states of an object but their entries, and what of it is none.
fn value_changes(schemas: &Schemas, live: &Value, after: &Value) -> Changes {
    let text = |key| {
        let text = after.as_ref().get(key).and_then(ValueRef::as_str);
        text.map(|text| text.into_owned()).unwrap_or_default()
    };
    let kind = GroupVersionKind::new(&text("apiVersion"), &text("kind"));
    let ty = schemas.find(&kind);
    let mut values = compared(ty.as_ref(), live, after);
    if values.is_empty() {
        let depth = live.as_ref().depth().max(after.as_ref().depth());
        deep::with_stack(depth, || {
            reordered(live.as_ref(), after.as_ref(), &mut Vec::new(), &mut values);
        });
    }
    let is_builtin = matches!(schemas.origin(&kind), Some(Origin::Builtin(_)));
    let Some(ty) = ty.filter(|_| is_builtin) else { return (values, Vec::new()) };
    let (mut kept, mut normalised) = (Vec::new(), Vec::new());
    for change in values {
        match normalisation(&ty, &change) {
            Some(why) => normalised.push((why, change)),
            None => kept.push(change),
        }
    }
    (kept, normalised)
}

fn compared(ty: Option<&Type>, live: &Value, after: &Value) -> Vec<ValueChange> {
    let (were, are) = (Lookup::new(live.as_ref()), Lookup::new(after.as_ref()));
    let change = |path: Path, alteration| ValueChange {
        before: were.at(path.elements()).map(ValueRef::to_value),
        after: are.at(path.elements()).map(ValueRef::to_value),
        path,
        alteration,
    };
    let compared = ty.and_then(|ty| {
        let typed = |value: &Value| TypedValue::with_duplicates(value.clone(), ty.clone()).ok();
        typed(live)?.compare(&typed(after)?).ok()
    });
    let Some(compared) = compared else {
        // Objects at different versions, for one; a path that leads nowhere is the object itself.
        let is_same = live == after;
        return (!is_same)
            .then(|| change(Path::default(), Alteration::Changed))
            .into_iter()
            .collect();
    };
    let compared = compared.exclude_fields(&entries_path());
    let mut changes: Vec<ValueChange> = Vec::new();
    for (set, alteration) in [
        (&compared.added, Alteration::Added),
        (&compared.removed, Alteration::Removed),
        (&compared.modified, Alteration::Changed),
    ] {
        let mut paths: Vec<Path> = set.iter().collect();
        paths.sort();
        let mut outer: Option<Path> = None;
        for path in paths {
            if outer.as_ref().is_some_and(|outer| path.elements().starts_with(outer.elements())) {
                continue;
            }
            outer = Some(path.clone());
            changes.push(change(path, alteration));
        }
    }
    changes.sort_by(|left, right| left.path.cmp(&right.path));
    changes
}

/// Finds lists that differ in the order of their items, where that is all that differs.
fn reordered(
    before: ValueRef<'_>,
    after: ValueRef<'_>,
    path: &mut Vec<PathElement>,
    found: &mut Vec<ValueChange>,
) {
    if before == after {
        return;
    }
    match (before.kind(), after.kind()) {
        (Kind::Map, Kind::Map) => {
            for (name, before) in before.members() {
                let is_entries = *name == *"managedFields" && path.len() == 1;
                if let (Some(after), false) = (after.get(&name), is_entries) {
                    path.push(PathElement::FieldName(name.into_owned()));
                    reordered(before, after, path, found);
                    path.pop();
                }
            }
        }
        (Kind::List, Kind::List) => {
            let known = found.len();
            let sorted = |list: ValueRef<'_>| {
                let mut items: Vec<Value> = list.items().map(ValueRef::to_value).collect();
                items.sort_by(|left, right| left.as_ref().cmp_order(right.as_ref()));
                items
            };
            if before.len() == after.len() && sorted(before) != sorted(after) {
                for (index, (before, after)) in before.items().zip(after.items()).enumerate() {
                    path.push(PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX)));
                    reordered(before, after, path, found);
                    path.pop();
                }
            }
            if found.len() == known {
                found.push(ValueChange {
                    path: Path::new(path.clone()),
                    alteration: Alteration::Reordered,
                    before: Some(before.to_value()),
                    after: Some(after.to_value()),
                });
            }
        }
        _ => {}
    }
}

/// Why the server stores nothing of a change to an object of Kubernetes' own kinds.
fn normalisation(ty: &Type, change: &ValueChange) -> Option<Normalisation> {
    let after = change.after.as_ref()?.as_ref();
    let Some(before) = &change.before else {
        let is_nothing = match after.kind() {
            Kind::Null => true,
            Kind::List => after.is_empty(),
            // An empty structure means something by being there.
            Kind::Map => after.is_empty() && SchemaRule::at(ty, &change.path, None).is_plain_map(),
            _ => false,
        };
        return is_nothing.then_some(Normalisation::Empty);
    };
    let rule = SchemaRule::at(ty, &change.path, Some(after));
    let (spelling, why) = match rule.type_name().rsplit_once('.')? {
        (_, "Quantity") => (Spelling::Quantity, Normalisation::Quantity),
        (_, "Time" | "MicroTime") => (Spelling::Time, Normalisation::Time),
        _ => return None,
    };
    let is_scalar = matches!(rule.merging(), Merging::Scalar);
    (is_scalar && is_same(spelling, before.as_ref(), after)).then_some(why)
}

#[cfg(all(test, feature = "builtin-schemas"))]
mod tests {
    use super::*;
    use crate::fieldmanager::{Document, FieldManager};
    use crate::schema::Schemas;

    type Failure = Box<dyn std::error::Error>;

    const POD: &str = r#""apiVersion":"v1","kind":"Pod""#;

    /// A Pod that `ann` applied: these fields of it, and these entries' API version.
    fn live(fields: &str, spec: &str) -> String {
        format!(
            r#"{{{POD},"metadata":{{"name":"a","uid":"1","managedFields":[{{"manager":"ann","operation":"Apply","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{fields}}}]}},"spec":{spec}}}"#
        )
    }

    fn find(live: &str, manager: &str, config: &str) -> Result<WouldChange, Failure> {
        let schemas = Schemas::builtin();
        let config = format!(r#"{{{POD},"metadata":{{"name":"a"}},{config}}}"#);
        let at = "2026-02-01T00:00:00Z".parse()?;
        let request = FieldManager::new(&schemas).apply(live, config.as_str());
        Ok(WouldChange::find(request.field_manager(manager).force(true).at(at))?)
    }

    fn told(changes: &[ValueChange]) -> Vec<String> {
        let tell = |change: &ValueChange| format!("{} {}", change.alteration.as_str(), change.path);
        changes.iter().map(tell).collect()
    }

    fn undone(found: &WouldChange) -> Vec<String> {
        let tell = |(why, change): &(Normalisation, ValueChange)| {
            format!("{} {}", why.as_str(), change.path)
        };
        found.normalised().iter().map(tell).collect()
    }

    #[test]
    fn values_and_owners_are_told_apart() -> Result<(), Failure> {
        let live = live(r#"{"f:spec":{"f:hostname":{}}}"#, r#"{"hostname":"x"}"#);
        let same = find(&live, "ann", r#""spec":{"hostname":"x"}"#)?;
        assert_eq!(same.verdict(), Verdict::Nothing);
        assert!(!same.touches_times() && same.normalised().is_empty());
        let value = find(&live, "ann", r#""spec":{"hostname":"y"}"#)?;
        assert_eq!(value.verdict(), Verdict::Values);
        assert_eq!(told(value.values()), ["changed .spec.hostname"]);
        let owner = find(&live, "bob", r#""spec":{"hostname":"x"}"#)?;
        assert_eq!(owner.verdict(), Verdict::Ownership);
        assert!(owner.values().is_empty());
        let both = find(&live, "ann", r#""spec":{"subdomain":"z"}"#)?;
        assert_eq!(both.verdict(), Verdict::Both);
        assert_eq!(told(both.values()), ["removed .spec.hostname", "added .spec.subdomain"]);
        Ok(())
    }

    #[test]
    fn what_the_server_normalises_is_no_change() -> Result<(), Failure> {
        let fields =
            r#"{"f:spec":{"f:nodeSelector":{},"f:tolerations":{},"f:overhead":{"f:cpu":{}}}}"#;
        let live = live(fields, r#"{"overhead":{"cpu":"1"}}"#);
        let config = r#""spec":{"nodeSelector":{},"tolerations":[],"overhead":{"cpu":"1000m"}}"#;
        let found = find(&live, "ann", config)?;
        assert_eq!(found.verdict(), Verdict::Nothing, "{found:?}");
        assert!(found.touches_times());
        assert_eq!(
            undone(&found),
            ["empty .spec.nodeSelector", "quantity .spec.overhead.cpu", "empty .spec.tolerations"]
        );
        // A structure means something by being there.
        let found = find(&live, "ann", &config.replace("[]", r#"[],"securityContext":{}"#))?;
        assert_eq!(told(found.values()), ["added .spec.securityContext"]);
        Ok(())
    }

    #[test]
    fn what_the_endpoint_sets_back_touches_nothing_but_times() -> Result<(), Failure> {
        let live = live(r#"{"f:spec":{"f:hostname":{}}}"#, r#"{"hostname":"x"}"#);
        let found = find(&live, "ann", r#""spec":{"hostname":"x"},"status":{"phase":"Running"}"#)?;
        assert_eq!(found.verdict(), Verdict::Nothing);
        assert!(found.touches_times());
        assert_eq!(undone(&found), ["set-back .status"]);
        Ok(())
    }

    #[test]
    fn what_is_set_back_is_told_beside_what_changes() -> Result<(), Failure> {
        let live = live(
            r#"{"f:spec":{"f:hostname":{}}}"#,
            r#"{"hostname":"x"},"status":{"phase":"Pending"}"#,
        );
        let config = r#""spec":{"hostname":"y"},"status":{"phase":"Running","message":"m"}"#;
        let found = find(&live, "ann", config)?;
        assert_eq!(found.verdict(), Verdict::Values);
        assert_eq!(told(found.values()), ["changed .spec.hostname"]);
        assert_eq!(undone(&found), ["set-back .status.message", "set-back .status.phase"]);
        let (_, phase) = found.normalised().last().ok_or("nothing")?;
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_json);
        assert_eq!(text(&phase.before).as_deref(), Some("\"Pending\""));
        assert_eq!(text(&phase.after).as_deref(), Some("\"Running\""));
        // Of an object that is created too.
        let schemas = Schemas::builtin();
        let config = format!(r#"{{{POD},"metadata":{{"name":"a"}},{config}}}"#);
        let request = FieldManager::new(&schemas).apply(Document::absent(), config.as_str());
        let found = WouldChange::find(request.field_manager("ann"))?;
        assert!(found.is_new());
        assert_eq!(undone(&found), ["set-back .status"]);
        Ok(())
    }

    #[test]
    fn the_order_of_items_is_a_value() -> Result<(), Failure> {
        let fields = r#"{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:name":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}}"#;
        let live = live(fields, r#"{"containers":[{"name":"a"},{"name":"b"}]}"#);
        let found = find(&live, "ann", r#""spec":{"containers":[{"name":"b"},{"name":"a"}]}"#)?;
        assert_eq!(found.verdict(), Verdict::Values);
        assert_eq!(told(found.values()), ["reordered .spec.containers"]);
        Ok(())
    }

    #[test]
    fn entries_are_rewritten_where_nothing_moves() -> Result<(), Failure> {
        let live = live(r#"{"f:spec":{"f:hostname":{}}}"#, r#"{"hostname":"x"}"#);
        let empty = live.replace(
            "\"managedFields\":[",
            r#""managedFields":[{"manager":"old","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{}},"#,
        );
        let found = find(&empty, "ann", r#""spec":{"hostname":"x"}"#)?;
        assert_eq!(found.verdict(), Verdict::Ownership);
        assert!(found.ownership().is_empty());
        let rewritten: Vec<_> =
            found.rewritten().iter().map(|entry| (entry.manager.name(), &entry.after)).collect();
        assert_eq!(rewritten, [("old", &None)]);
        Ok(())
    }
}
