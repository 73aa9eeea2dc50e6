//! The ways out of conflicts, gone: the configuration edited until nothing refuses it, or what force
//! takes from whom.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::deep;
use crate::fieldmanager::{Applied, ApplyError, ApplyRequest, Conflict, Conflicts, Lookup};
use crate::fieldpath::{Path, PathElement};
use crate::managedfields::ManagerIdentifier;
use crate::value::edit::{self, Edit, Step};
use crate::value::{Kind, Value, ValueRef};

/// What is done about conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// The configuration no longer states the fields: their owners keep them.
    GiveUp,
    /// The configuration states the values of the live object: the fields are owned together.
    Share,
    /// The configuration stays, and the fields are taken by force.
    Force,
}

/// A change of a configuration.
#[derive(Debug, Clone)]
pub struct ConfigEdit {
    /// What is changed.
    pub path: Path,
    /// Where it stands in the configuration, by names and positions alone: those before any edit.
    pub place: Path,
    /// What the configuration states.
    pub before: Value,
    /// What it states afterwards; none if it states nothing there any more.
    pub after: Option<Value>,
    /// The conflicts that this ends: who owns which field.
    pub ends: Vec<(ManagerIdentifier, Path)>,
}

/// A field that force takes.
#[derive(Debug, Clone)]
pub struct Taken {
    /// From whom.
    pub manager: ManagerIdentifier,
    /// The field.
    pub path: Path,
    /// What stands there.
    pub live: Option<Value>,
    /// What the configuration has there.
    pub applied: Option<Value>,
}

/// Conflicts cannot be ended this way.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RemedyError {
    /// The apply is refused for another reason, before or after the edits.
    #[error("{0}")]
    Apply(ApplyError),
    /// There is nothing that could be shared.
    #[error("{} cannot be shared, for the live object has nothing there: give up instead", Fields(.0))]
    NothingToShare(Vec<(ManagerIdentifier, Path)>),
    /// The configuration does not state the field in these words.
    #[error("{} is not stated by this name, but in another API version: edit it by hand", Fields(.0))]
    NotStated(Vec<(ManagerIdentifier, Path)>),
    /// The conflict is still there after the edits.
    #[error("{} is in conflict even after the edits: use another strategy", Fields(.0))]
    Remains(Vec<(ManagerIdentifier, Path)>),
}

/// Fields that messages name one by one.
const SHOWN: usize = 5;

struct Fields<'f>(&'f [(ManagerIdentifier, Path)]);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (manager, path)) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{path} (owned by {manager})")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// A way out of the conflicts of an apply, gone to its end: applying again was tried.
///
/// What is given up takes along the maps and lists that hold nothing else, for an empty one states
/// something, too; an item of a list stays as long as its keys are stated. Where the item itself or one
/// of its keys is in conflict, the item goes. Lists and maps that are owned as a whole go, or are
/// copied, as a whole.
///
/// ```
/// use managed_fields::analysis::{Remedy, Strategy};
/// use managed_fields::{FieldManager, Schemas};
///
/// let schemas = Schemas::builtin();
/// let fm = FieldManager::new(&schemas);
/// let live = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[
///     {"manager":"ann","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1",
///      "fieldsV1":{"f:data":{"f:k":{}}}}]},"data":{"k":"v"}}"#;
/// let config = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"w"}}"#;
/// let request = fm.apply(live, config).field_manager("bob");
///
/// let shared = Remedy::find(request.clone(), Strategy::Share)?.ok_or("no conflict")?;
/// assert!(shared.config().to_json().contains(r#""data":{"k":"v"}"#));
/// let given_up = Remedy::find(request.clone(), Strategy::GiveUp)?.ok_or("no conflict")?;
/// assert_eq!(given_up.edits()[0].path.to_string(), ".data");
/// let forced = Remedy::find(request, Strategy::Force)?.ok_or("no conflict")?;
/// assert_eq!(forced.taken()[0].manager.name(), "ann");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Remedy {
    conflicts: Conflicts,
    edits: Vec<ConfigEdit>,
    config: Value,
    taken: Vec<Taken>,
    applied: Applied,
}

impl Remedy {
    /// Ends the conflicts of an apply; none if there are none.
    ///
    /// Whether the request has force does not matter. Costs an apply for every round of conflicts, of
    /// which there is mostly one, and one more.
    ///
    /// # Errors
    /// Those of the apply but conflicts, and conflicts that cannot be ended this way.
    pub fn find(
        request: ApplyRequest<'_, '_>,
        strategy: Strategy,
    ) -> Result<Option<Remedy>, RemedyError> {
        let request = request.force(false);
        let conflicts = match request.clone().run() {
            Ok(_) => return Ok(None),
            Err(ApplyError::Conflict(conflicts)) => conflicts,
            Err(error) => return Err(RemedyError::Apply(error)),
        };
        let config = request.config().to_value().map_err(ApplyError::Config);
        let config = config.map_err(RemedyError::Apply)?.unwrap_or_else(Value::null);
        if strategy == Strategy::Force {
            return forced(&request, config, conflicts).map(Some);
        }
        let mut targets = Targets::new(&config, strategy);
        let mut refusal = conflicts.clone();
        loop {
            targets.take(&refusal)?;
            let edits = targets.edits();
            let own: Vec<Edit> = edits.iter().map(ConfigEdit::to_edit).collect();
            let json = edit::edited(config.as_ref(), &own);
            let after = Value::from_json(&json).map_err(ApplyError::Config);
            let after = after.map_err(RemedyError::Apply)?;
            match request.with_config((&after).into()).run() {
                Ok(applied) => {
                    let taken = Vec::new();
                    return Ok(Some(Remedy { conflicts, edits, config: after, taken, applied }));
                }
                Err(ApplyError::Conflict(next)) => refusal = next,
                Err(error) => return Err(RemedyError::Apply(error)),
            }
        }
    }

    /// The conflicts as the apply was refused.
    pub fn conflicts(&self) -> &Conflicts {
        &self.conflicts
    }

    /// How the configuration changes, in the order of its places; not at all if fields are taken by
    /// force.
    pub fn edits(&self) -> &[ConfigEdit] {
        &self.edits
    }

    /// The configuration with these edits.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// What force takes from whom: all that other managers lose; nothing with another strategy.
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// What the apply comes to then.
    pub fn applied(&self) -> &Applied {
        &self.applied
    }
}

fn forced(
    request: &ApplyRequest<'_, '_>,
    config: Value,
    conflicts: Conflicts,
) -> Result<Remedy, RemedyError> {
    let live = request.live().to_value().map_err(ApplyError::Live).map_err(RemedyError::Apply)?;
    let live = live.unwrap_or_else(Value::null);
    let applied = request.clone().force(true).run().map_err(RemedyError::Apply)?;
    let [stands, stated] = [&live, &config].map(|object| Lookup::new(object.as_ref()));
    let value =
        |object: &Lookup<'_>, path: &Path| object.at(path.elements()).map(|value| value.to_value());
    let mut taken = Vec::new();
    for (manager, lost) in applied.taken_from() {
        taken.extend(lost.iter().map(|path| Taken {
            manager: manager.clone(),
            live: value(&stands, &path),
            applied: value(&stated, &path),
            path,
        }));
    }
    let edits = Vec::new();
    Ok(Remedy { conflicts, edits, config, taken, applied })
}

impl ConfigEdit {
    /// The edit of the configuration's value, or of its text.
    pub(crate) fn to_edit(&self) -> Edit {
        let step = |element: &PathElement| match element {
            PathElement::FieldName(name) => Some(Step::Field(name.clone())),
            PathElement::Index(index) => usize::try_from(*index).ok().map(Step::Item),
            _ => None,
        };
        let place = self.place.elements().iter().filter_map(step).collect();
        Edit { place, value: self.after.clone() }
    }
}

/// Conflicts that end: who owns which field.
type Ends = Vec<(ManagerIdentifier, Path)>;

/// A part of the configuration that is to change.
struct Target {
    after: Option<Value>,
    ends: Ends,
}

/// The parts of a configuration that are to change.
struct Targets<'c> {
    config: &'c Value,
    lookup: Lookup<'c>,
    strategy: Strategy,
    /// By where they begin in the text of the configuration, which is one place for each part.
    parts: HashMap<usize, Target>,
}

impl<'c> Targets<'c> {
    fn new(config: &'c Value, strategy: Strategy) -> Targets<'c> {
        let lookup = Lookup::new(config.as_ref());
        Targets { config, lookup, strategy, parts: HashMap::new() }
    }

    /// Takes a refusal.
    fn take(&mut self, conflicts: &Conflicts) -> Result<(), RemedyError> {
        let (mut unshared, mut unstated, mut known) = (Vec::new(), Vec::new(), Vec::new());
        // All who own a field have to be told of it, and only a round that finds a new one helps.
        let mut in_round = HashSet::new();
        for conflict in conflicts {
            let whose = (conflict.manager().clone(), conflict.path().clone());
            let Some(at) = self.part(conflict) else {
                unstated.push(whose);
                continue;
            };
            let after = match (self.strategy, conflict.live_value()) {
                (Strategy::Share, None) => {
                    unshared.push(whose);
                    continue;
                }
                (Strategy::Share, live) => live.cloned(),
                (Strategy::GiveUp | Strategy::Force, _) => None,
            };
            match self.parts.get_mut(&at) {
                Some(part) => {
                    if !in_round.contains(&at) {
                        known.push(whose.clone());
                    }
                    part.ends.push(whose);
                }
                None => {
                    in_round.insert(at);
                    self.parts.insert(at, Target { after, ends: vec![whose] });
                }
            }
        }
        if !unshared.is_empty() {
            Err(RemedyError::NothingToShare(unshared))
        } else if !unstated.is_empty() {
            Err(RemedyError::NotStated(unstated))
        } else if in_round.is_empty() {
            Err(RemedyError::Remains(known))
        } else {
            Ok(())
        }
    }

    /// Where the part of the configuration begins that a conflict is about.
    fn part(&self, conflict: &Conflict) -> Option<usize> {
        let elements = conflict.path().elements();
        let whole = match (self.strategy, elements) {
            // An item without a key is none, or another.
            (Strategy::GiveUp, [item @ .., PathElement::FieldName(name)]) => match item.last() {
                Some(PathElement::Key(keys)) if keys.iter().any(|(key, _)| key == name) => item,
                _ => elements,
            },
            _ => elements,
        };
        let found = self.lookup.at(whole)?;
        (!whole.is_empty()).then(|| found.offset())
    }

    /// What has to be done to change these parts.
    fn edits(&self) -> Vec<ConfigEdit> {
        let (root, parts) = (self.config.as_ref(), &self.parts);
        deep::with_stack(root.depth(), || {
            let mut edits = Vec::new();
            walk(root, parts, &mut Vec::new(), &mut edits);
            edits.sort_by(|left, right| left.place.cmp(&right.place));
            edits
        })
    }
}

/// Adds the edits inside a value. Gives the conflicts that are ended if nothing is left in it, and
/// something was: then it is for whoever holds the value to drop it.
fn walk<'v>(
    value: ValueRef<'v>,
    parts: &HashMap<usize, Target>,
    place: &mut Vec<PathElement>,
    edits: &mut Vec<ConfigEdit>,
) -> Option<Ends> {
    let mut gone: Vec<(PathElement, ValueRef<'v>, Ends)> = Vec::new();
    let mut next = |element: PathElement, part: ValueRef<'v>| {
        place.push(element);
        let ends = match parts.get(&part.offset()) {
            Some(Target { after: None, ends }) => Some(ends.clone()),
            Some(Target { after, ends }) => {
                edits.push(edit_at(place, part, after.clone(), ends.clone()));
                None
            }
            None => walk(part, parts, place, edits),
        };
        if let (Some(element), Some(ends)) = (place.pop(), ends) {
            gone.push((element, part, ends));
        }
    };
    match value.kind() {
        Kind::Map => {
            for (name, member) in value.members() {
                next(PathElement::FieldName(name.into_owned()), member);
            }
        }
        Kind::List => {
            for (index, item) in (0..).zip(value.items()) {
                next(PathElement::Index(index), item);
            }
        }
        _ => {}
    }
    if !gone.is_empty() && gone.len() == value.len() && !place.is_empty() {
        let mut all = gone.into_iter().map(|(_, _, ends)| ends);
        let mut ends = all.next().unwrap_or_default();
        all.for_each(|more| ends.extend(more));
        return Some(ends);
    }
    for (element, part, ends) in gone {
        place.push(element);
        edits.push(edit_at(place, part, None, ends));
        place.pop();
    }
    None
}

/// The edit of what stands at a place, which is as many steps from the root as the fields in conflict
/// that are there or in there.
fn edit_at(
    place: &[PathElement],
    before: ValueRef<'_>,
    after: Option<Value>,
    ends: Ends,
) -> ConfigEdit {
    let within = ends.first().map(|(_, path)| path.elements()).unwrap_or_default();
    let path = Path::new(within.get(..place.len()).unwrap_or(place).to_vec());
    ConfigEdit { path, place: Path::new(place.to_vec()), before: before.to_value(), after, ends }
}

#[cfg(test)]
mod tests {
    use super::{Remedy, RemedyError, Strategy};
    use crate::fieldmanager::{FieldManager, VersionConverter};
    use crate::merge::ConvertError;
    use crate::schema::Schemas;
    use crate::value::Value;

    type Failure = Box<dyn std::error::Error>;

    /// A Thing that `ann` applied at this version: these fields of it.
    fn live(version: &str, fields: &str, spec: &str) -> String {
        format!(
            r#"{{"apiVersion":"example.com/v1","kind":"Thing","metadata":{{"name":"a","managedFields":[{{"manager":"ann","operation":"Apply","apiVersion":"example.com/{version}","fieldsType":"FieldsV1","fieldsV1":{{"f:spec":{fields}}}}}]}},"spec":{spec}}}"#
        )
    }

    fn config(spec: &str) -> String {
        format!(r#"{{"apiVersion":"example.com/v1","kind":"Thing","spec":{spec}}}"#)
    }

    fn edits(live: &str, spec: &str, strategy: Strategy) -> Result<Vec<String>, Failure> {
        let (schemas, config) = (Schemas::deduced(), config(spec));
        let request = FieldManager::new(&schemas).apply(live, config.as_str()).field_manager("bob");
        let remedy = Remedy::find(request.force(true), strategy)?.ok_or("no conflict")?;
        let after = |edit: &super::ConfigEdit| edit.after.as_ref().map(Value::to_json);
        let told = remedy.edits().iter().map(|edit| match after(edit) {
            Some(after) => format!("{} = {after}", edit.place),
            None => edit.place.to_string(),
        });
        Ok(told.collect())
    }

    /// An empty map claims something: what was empty stays, what the edits have emptied goes.
    #[test]
    fn maps_that_become_empty_are_dropped_and_others_not() -> Result<(), Failure> {
        let live = live(
            "v1",
            r#"{"f:a":{"f:b":{"f:c":{},"f:d":{}}},"f:l":{}}"#,
            r#"{"a":{"b":{"c":1,"d":2}},"l":[1]}"#,
        );
        let gone = |spec| edits(&live, spec, Strategy::GiveUp);
        assert_eq!(gone(r#"{"a":{"b":{"c":3,"d":2}}}"#)?, [".spec.a.b.c"]);
        assert_eq!(gone(r#"{"a":{"b":{"c":3,"d":4}},"e":1}"#)?, [".spec.a"]);
        assert_eq!(gone(r#"{"a":{"b":{"c":3,"d":4},"e":{}}}"#)?, [".spec.a.b"]);
        assert_eq!(gone(r#"{"a":{"b":{"c":3,"d":4}},"l":[2]}"#)?, [".spec"]);
        let shared = edits(&live, r#"{"a":{"b":{"c":3}},"l":[]}"#, Strategy::Share)?;
        assert_eq!(shared, [".spec.a.b.c = 1", ".spec.l = [1]"]);
        Ok(())
    }

    /// `spec.old` of v1 is `spec.new` of v2.
    #[derive(Debug)]
    struct Renamed;

    impl VersionConverter for Renamed {
        fn convert(&self, object: &Value, to: &str) -> Result<Value, ConvertError> {
            let (from, into) = if to.ends_with("v1") { ("new", "old") } else { ("old", "new") };
            let json = object.to_json().replace(&format!("\"{from}\":"), &format!("\"{into}\":"));
            let json = json.replace(
                &format!(
                    "\"apiVersion\":\"example.com/{}\"",
                    if into == "old" { "v2" } else { "v1" }
                ),
                &format!("\"apiVersion\":\"{to}\""),
            );
            Value::from_json(&json).map_err(|error| ConvertError::Failed(error.to_string()))
        }
    }

    /// Conflicts are told in the owner's version, and the configuration is of its own.
    #[test]
    fn what_another_version_calls_otherwise_is_left_to_people() {
        let (schemas, live) = (Schemas::deduced(), live("v2", r#"{"f:new":{}}"#, r#"{"old":1}"#));
        let config = config(r#"{"old":2}"#);
        let fm = FieldManager::new(&schemas).converter(&Renamed);
        let request = fm.apply(live.as_str(), config.as_str()).field_manager("bob");
        for strategy in [Strategy::GiveUp, Strategy::Share] {
            let found = Remedy::find(request.clone(), strategy);
            let Err(RemedyError::NotStated(fields)) = &found else { unreachable!("{found:?}") };
            assert_eq!(
                fields.first().map(|(_, path)| path.to_string()).as_deref(),
                Some(".spec.new")
            );
        }
        let forced = Remedy::find(request, Strategy::Force);
        assert!(matches!(forced, Ok(Some(remedy)) if remedy.taken().len() == 1));
    }

    #[test]
    fn messages_name_some_fields_and_count_the_others() {
        let fields: Vec<String> = (0..7).map(|at| format!(r#""f:k{at}":{{}}"#)).collect();
        let live = live("v1", &format!("{{{}}}", fields.join(",")), "{}");
        let spec: Vec<String> = (0..7).map(|at| format!(r#""k{at}":1"#)).collect();
        let error = edits(&live, &format!("{{{}}}", spec.join(",")), Strategy::Share);
        let error = error.map_err(|error| error.to_string());
        let text = r#".spec.k0 (owned by "ann"), .spec.k1 (owned by "ann"), .spec.k2 (owned by "ann"), .spec.k3 (owned by "ann"), .spec.k4 (owned by "ann") and 2 more cannot be shared, for the live object has nothing there: give up instead"#;
        assert_eq!(error, Err(text.to_owned()));
    }
}
