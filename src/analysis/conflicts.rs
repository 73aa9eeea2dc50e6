//! Which sources will fight over an object, found out by letting them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::fieldmanager::{
    Applied, ApplyError, Conflict, Document, FieldManager, Lookup, ResetFields,
};
use crate::fieldpath::{FieldSet, Path};
use crate::managedfields::{ManagedFieldsEntry, ManagerIdentifier, Operation};
use crate::schema::{GroupVersionKind, Schemas, Type};
use crate::value::{Kind, Value, ValueRef};

use super::entries::entries_of;
use super::profiles::Profile;
use super::rule::{Merging, SchemaRule};

/// How those who want a field get along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// All want the same value: the field is owned together.
    Agree,
    /// Nobody is refused, and the value depends on who goes first.
    OrderDependent,
    /// One's apply removes what another has.
    WouldPrune,
    /// Whoever comes later is refused.
    Conflict,
    /// Whoever comes later is refused, over a list or a map that the schema has owned as a whole.
    AtomicOverlap,
}

impl Class {
    /// All classes, from the harmless ones to the worst.
    pub const ALL: [Class; 5] = [
        Class::Agree,
        Class::OrderDependent,
        Class::WouldPrune,
        Class::Conflict,
        Class::AtomicOverlap,
    ];

    /// The class as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Agree => "agree",
            Class::OrderDependent => "order-dependent",
            Class::WouldPrune => "would-prune",
            Class::Conflict => "conflict",
            Class::AtomicOverlap => "atomic-overlap",
        }
    }

    /// How bad it is.
    pub fn severity(self) -> Severity {
        match self {
            Class::Agree => Severity::Note,
            Class::OrderDependent => Severity::Warning,
            Class::WouldPrune | Class::Conflict | Class::AtomicOverlap => Severity::Error,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing to be done.
    Note,
    /// It may go wrong.
    Warning,
    /// It will go wrong.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A source's configuration of the object.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// Who applies it.
    pub manager: &'a str,
    /// What is applied.
    pub config: &'a Value,
}

/// Who wants a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claimant {
    /// A source, by its place among the wants.
    Source(usize),
    /// A manager of the live object, by the place of its entry.
    Live(usize),
    /// A controller that is known to write the field, by its place among the profiles.
    Profile(usize),
}

/// A field that several want.
#[derive(Debug, Clone)]
pub struct Finding {
    path: Path,
    class: Class,
    claims: Vec<(Claimant, Option<Value>)>,
}

impl Finding {
    /// The field.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How they get along.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Who wants it and the value each wants, where that is known.
    pub fn claims(&self) -> &[(Claimant, Option<Value>)] {
        &self.claims
    }
}

/// What was found out about an object.
#[derive(Debug)]
pub struct Contest {
    findings: Vec<Finding>,
    entries: Vec<ManagedFieldsEntry>,
    refused: Vec<(usize, ApplyError)>,
}

impl Contest {
    /// The fields that more than one wants, by path.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The entries of the live object.
    pub fn entries(&self) -> &[ManagedFieldsEntry] {
        &self.entries
    }

    /// The sources that the API server would refuse for another reason than a conflict, alone or after
    /// another source, such as one of another version; they are left out there.
    pub fn refused(&self) -> &[(usize, ApplyError)] {
        &self.refused
    }
}

/// Finds out who fights over an object.
///
/// Each source is applied to the live object, or to nothing, and then every other source to what
/// comes of that, in both orders. A field is
/// * in *conflict* if whoever of two comes later is refused because of the other,
/// * an *atomic overlap* if so and it is a list or a map that is owned as a whole,
/// * *would-prune* if an apply removes it and another source has it,
/// * *order-dependent* if only one order is refused, or none and the results differ,
/// * *agreed* upon otherwise, if several own it in the end.
///
/// The worst class of any two counts. A refusal by a manager of the live object who has no source
/// among the wants is a conflict with that manager; a profile's fields are in conflict with every
/// source that states them.
///
/// ```
/// use managed_fields::analysis::{Class, ConflictFinder, Want};
/// use managed_fields::{Schemas, Value};
///
/// let config = |replicas| {
///     Value::from_json(&format!(
///         r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web"}},
///             "spec":{{"replicas":{replicas},"paused":true}}}}"#,
///     ))
/// };
/// let (ours, theirs) = (config(1)?, config(2)?);
/// let schemas = Schemas::builtin();
/// let contest = ConflictFinder::new(&schemas).find(
///     None,
///     &[Want { manager: "us", config: &ours }, Want { manager: "them", config: &theirs }],
///     &[],
/// );
/// let found: Vec<_> =
///     contest.findings().iter().map(|f| (f.path().to_string(), f.class())).collect();
/// assert_eq!(
///     found,
///     [(".spec.paused".into(), Class::Agree), (".spec.replicas".into(), Class::Conflict)]
/// );
/// # Ok::<(), managed_fields::value::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ConflictFinder<'s> {
    schemas: &'s Schemas,
    manager: FieldManager<'s>,
    reset_fields: ResetFields,
}

impl<'s> ConflictFinder<'s> {
    /// Finds conflicts under these schemas.
    pub fn new(schemas: &'s Schemas) -> ConflictFinder<'s> {
        let manager = FieldManager::new(schemas);
        ConflictFinder { schemas, manager, reset_fields: ResetFields::default() }
    }

    /// What the endpoint resets; if never said, what it resets in Kubernetes' own kinds.
    #[must_use]
    pub fn reset_fields(mut self, reset_fields: ResetFields) -> Self {
        self.reset_fields = reset_fields;
        self
    }

    /// Lets the sources of one object have their ways. The profiles are those of controllers that
    /// write this very object.
    ///
    /// As many applies as there are ordered pairs of sources, each linear in what is applied; one
    /// source alone, or none, costs an apply at most. What is told of their fields is n log n in these.
    pub fn find(&self, live: Option<&Value>, wants: &[Want<'_>], profiles: &[&Profile]) -> Contest {
        let entries = live.and_then(|live| entries_of(live).ok()).unwrap_or_default();
        let mut contest = Contest { findings: Vec::new(), entries, refused: Vec::new() };
        let mut turns = Vec::with_capacity(wants.len());
        for (index, want) in wants.iter().enumerate() {
            match self.turn(live.map_or(Document::absent(), Document::from), want) {
                Ok(turn) => turns.push((index, turn)),
                Err(error) => contest.refused.push((index, error)),
            }
        }
        let kind = wants.first().map(|want| kind_of(want.config));
        let mut board = Board {
            ty: kind.and_then(|kind| self.schemas.find(&kind)),
            live: live.map(|live| Lookup::new(live.as_ref())),
            wants,
            stated: wants.iter().map(|want| Lookup::new(want.config.as_ref())).collect(),
            turns: &turns,
            entries: &contest.entries,
            classes: BTreeMap::new(),
        };
        board.meet_live();
        for (at, first) in turns.iter().enumerate() {
            for second in turns.iter().skip(at + 1) {
                if live.is_none() && board.agree_at_sight(first, second) {
                    continue;
                }
                let runs = self
                    .turn(first.1.object.as_str().into(), &want_of(wants, second.0))
                    .and_then(|later| {
                        let earlier =
                            self.turn(second.1.object.as_str().into(), &want_of(wants, first.0))?;
                        Ok((later, earlier))
                    });
                match runs {
                    Ok((later, earlier)) => board.meet(first, second, &later, &earlier),
                    // What the one makes of the object is nothing that the other can be applied to,
                    // such as an object of another version.
                    Err(error) => {
                        if contest.refused.iter().all(|(known, _)| *known != second.0) {
                            contest.refused.push((second.0, error));
                        }
                    }
                }
            }
        }
        for (index, profile) in profiles.iter().enumerate() {
            board.meet_profile(index, profile);
        }
        contest.findings = board.findings();
        contest
    }

    /// Applies a configuration; what it is refused for is taken by force.
    fn turn(&self, live: Document<'_>, want: &Want<'_>) -> Result<Turn, ApplyError> {
        let apply = |live: Document<'_>, force| {
            self.manager
                .apply(live, want.config)
                .field_manager(want.manager)
                .reset_fields(self.reset_fields.clone())
                .force(force)
                .run()
        };
        let mut refusals = Vec::new();
        let applied = match apply(live.clone(), false) {
            Err(ApplyError::Conflict(conflicts)) => {
                let by_manager =
                    |one: &Conflict, other: &Conflict| one.manager() == other.manager();
                for group in conflicts.iter().as_slice().chunk_by(by_manager) {
                    let paths = group.iter().map(|conflict| conflict.path().clone()).collect();
                    refusals.extend(group.first().map(|first| (first.manager().clone(), paths)));
                }
                apply(live, true)?
            }
            other => other?,
        };
        Ok(Turn::new(&applied, want.manager, refusals))
    }
}

fn want_of<'a>(wants: &[Want<'a>], index: usize) -> Want<'a> {
    // An index is that of a want.
    wants.get(index).copied().unwrap_or(Want { manager: "", config: null() })
}

fn null() -> &'static Value {
    static NULL: std::sync::OnceLock<Value> = std::sync::OnceLock::new();
    NULL.get_or_init(Value::null)
}

fn kind_of(config: &Value) -> GroupVersionKind {
    let text = |key: &str| config.as_ref().get(key).and_then(ValueRef::as_str).unwrap_or_default();
    GroupVersionKind::new(&text("apiVersion"), &text("kind"))
}

/// What an apply came to.
struct Turn {
    object: String,
    /// What the applier owns now.
    fields: FieldSet,
    pruned: FieldSet,
    /// Who refused it, and over which fields.
    refusals: Vec<(ManagerIdentifier, FieldSet)>,
}

impl Turn {
    fn new(applied: &Applied, manager: &str, refusals: Vec<(ManagerIdentifier, FieldSet)>) -> Turn {
        let own = applier(manager);
        let entry = applied.managed_fields().iter().find(|entry| entry.manager == own);
        Turn {
            object: applied.object().to_owned(),
            fields: entry.map(|entry| entry.fields.clone()).unwrap_or_default(),
            pruned: applied.pruned().clone(),
            refusals,
        }
    }

    /// The fields over which this manager refused it.
    fn refused_by(&self, manager: &ManagerIdentifier) -> FieldSet {
        let found = self.refusals.iter().find(|(owner, _)| owner == manager);
        found.map(|(_, fields)| fields.clone()).unwrap_or_default()
    }
}

fn applier(manager: &str) -> ManagerIdentifier {
    ManagerIdentifier::new(manager, Operation::Apply, "", "")
}

/// What is known of each field so far.
struct Board<'b> {
    ty: Option<Type>,
    live: Option<Lookup<'b>>,
    wants: &'b [Want<'b>],
    /// What the wants state, in their order.
    stated: Vec<Lookup<'b>>,
    turns: &'b [(usize, Turn)],
    entries: &'b [ManagedFieldsEntry],
    classes: BTreeMap<Path, (Class, BTreeSet<Claimant>)>,
}

impl Board<'_> {
    fn note(&mut self, path: &Path, class: Class, claimants: impl IntoIterator<Item = Claimant>) {
        let (known, who) =
            self.classes.entry(path.clone()).or_insert_with(|| (Class::Agree, BTreeSet::new()));
        *known = class.max(*known);
        who.extend(claimants);
    }

    /// The class of a refusal, which depends on what it is over.
    fn refusal(&self, path: &Path) -> Class {
        let Some(ty) = &self.ty else { return Class::Conflict };
        let is_atomic = |object: &Lookup<'_>| {
            let value = object.at(path.elements())?;
            let rule = SchemaRule::at(ty, path, Some(value));
            let is_composed = matches!(value.kind(), Kind::List | Kind::Map);
            Some(is_composed && matches!(rule.merging(), Merging::Atomic(_)))
        };
        let mut stated = self.stated.iter().chain(&self.live).filter_map(is_atomic);
        if stated.any(|is_atomic| is_atomic) { Class::AtomicOverlap } else { Class::Conflict }
    }

    /// Whether a manager of the live object speaks through a source.
    fn has_source(&self, manager: &ManagerIdentifier) -> bool {
        self.turns.iter().any(|(index, _)| applier(want_of(self.wants, *index).manager) == *manager)
    }

    /// Sources against managers who have none.
    fn meet_live(&mut self) {
        for (entry_at, entry) in self.entries.iter().enumerate() {
            if self.has_source(&entry.manager) {
                continue;
            }
            for (index, turn) in self.turns {
                let both = [Claimant::Source(*index), Claimant::Live(entry_at)];
                let refused = turn.refused_by(&entry.manager);
                for path in refused.iter() {
                    self.note(&path, self.refusal(&path), both.clone());
                }
                let shared = turn.fields.intersection(&entry.fields).difference(&refused).leaves();
                for path in shared.iter() {
                    self.note(&path, Class::Agree, both.clone());
                }
            }
        }
    }

    /// Notes what two sources of different managers share if it is plain that nothing but agreement can
    /// come of it: nothing is there before them, all that both own has the same value, and nothing that
    /// one owns leads into what the other owns. False where they have to be let loose.
    fn agree_at_sight(&mut self, first: &(usize, Turn), second: &(usize, Turn)) -> bool {
        let [a, b] = [first, second].map(|(index, _)| want_of(self.wants, *index));
        if a.manager == b.manager || kind_of(a.config) != kind_of(b.config) {
            return false;
        }
        // A null stands against an empty list without a refusal, and who goes first decides. Text that
        // only looks like one costs a closer look.
        if [a, b].iter().any(|want| want.config.to_json().contains("null")) {
            return false;
        }
        let (ours, theirs) = (&first.1.fields, &second.1.fields);
        let leads = |from: &FieldSet, into: &FieldSet| {
            let inner = into.with_prefixes().difference(&into.leaves());
            !from.leaves().intersection(&inner).is_empty()
        };
        if leads(ours, theirs) || leads(theirs, ours) {
            return false;
        }
        let shared = ours.intersection(theirs).leaves();
        let is_same = |path: &Path| {
            let stated = |index: usize| self.stated.get(index)?.at(path.elements());
            matches!((stated(first.0), stated(second.0)), (Some(a), Some(b)) if a == b)
        };
        if !shared.iter().all(|path| is_same(&path)) {
            return false;
        }
        let both = [Claimant::Source(first.0), Claimant::Source(second.0)];
        for path in shared.iter() {
            self.note(&path, Class::Agree, both.clone());
        }
        true
    }

    /// Two sources: `later` is the second after the first, `earlier` the first after the second.
    fn meet(
        &mut self,
        first: &(usize, Turn),
        second: &(usize, Turn),
        later: &Turn,
        earlier: &Turn,
    ) {
        let both = [Claimant::Source(first.0), Claimant::Source(second.0)];
        let (ours, theirs) =
            [first.0, second.0].map(|index| applier(want_of(self.wants, index).manager)).into();
        // Live entries of the one may refuse the other before it has had its turn.
        let refused =
            |alone: &Turn, by: &ManagerIdentifier, then: &Turn, by_first: &ManagerIdentifier| {
                alone.refused_by(by).union(&then.refused_by(by_first))
            };
        let ours_first = refused(&first.1, &theirs, later, &ours);
        let theirs_first = refused(&second.1, &ours, earlier, &theirs);
        let always = ours_first.intersection(&theirs_first);
        let sometimes = ours_first.union(&theirs_first).difference(&always);
        let removed = |turn: &Turn, had: &Turn| turn.pruned.intersection(&had.fields);
        let pruned = removed(later, &first.1)
            .union(&removed(earlier, &second.1))
            .union(&removed(&first.1, &second.1))
            .union(&removed(&second.1, &first.1));
        let wanted = first.1.fields.union(&second.1.fields);
        let differing = Board::differing(later, earlier, &wanted).recursive_difference(&always);
        for path in always.iter() {
            self.note(&path, self.refusal(&path), both.clone());
        }
        for path in pruned.leaves().iter() {
            self.note(&path, Class::WouldPrune, both.clone());
        }
        for path in sometimes.union(&differing).difference(&pruned).iter() {
            self.note(&path, Class::OrderDependent, both.clone());
        }
        let shared = first.1.fields.intersection(&second.1.fields);
        let settled = always.union(&sometimes).union(&pruned).union(&differing);
        for path in shared.leaves().difference(&settled).iter() {
            self.note(&path, Class::Agree, both.clone());
        }
    }

    /// The paths, of these, at which the results of both orders differ.
    fn differing(later: &Turn, earlier: &Turn, paths: &FieldSet) -> FieldSet {
        if later.object == earlier.object {
            return FieldSet::new();
        }
        let objects = [later, earlier]
            .map(|turn| Value::from_json(&turn.object).unwrap_or_else(|_| Value::null()));
        let leaves = paths.leaves();
        let [later, earlier] = objects.each_ref().map(|object| Lookup::new(object.as_ref()));
        let differs = |path: &Path, is_inner: bool| {
            match (later.at(path.elements()), earlier.at(path.elements())) {
                // What is in them is told by paths of its own.
                (Some(later), Some(earlier)) if is_inner => {
                    let is_composed = matches!(later.kind(), Kind::List | Kind::Map);
                    later.kind() != earlier.kind() || (!is_composed && later != earlier)
                }
                (later, earlier) => later != earlier,
            }
        };
        let inner = paths.difference(&leaves);
        let inner = inner.iter().filter(|path| differs(path, true));
        inner.chain(leaves.iter().filter(|path| differs(path, false))).collect()
    }

    fn meet_profile(&mut self, profile_at: usize, profile: &Profile) {
        for (index, turn) in self.turns {
            let both = [Claimant::Source(*index), Claimant::Profile(profile_at)];
            for path in turn.fields.leaves().iter() {
                let class = match profile.meets(&path) {
                    None => continue,
                    Some(true) => Class::Conflict,
                    // It writes into something: that matters where this is owned as a whole.
                    Some(false) if self.refusal(&path) == Class::AtomicOverlap => {
                        Class::AtomicOverlap
                    }
                    Some(false) => continue,
                };
                self.note(&path, class, both.clone());
            }
        }
    }

    fn findings(mut self) -> Vec<Finding> {
        let all: FieldSet = self.classes.keys().cloned().collect();
        for (index, turn) in self.turns {
            for path in turn.fields.intersection(&all).iter() {
                if let Some((_, claimants)) = self.classes.get_mut(&path) {
                    claimants.insert(Claimant::Source(*index));
                }
            }
        }
        let mut findings = Vec::with_capacity(self.classes.len());
        for (path, (class, claimants)) in std::mem::take(&mut self.classes) {
            let claims = claimants.into_iter().map(|claimant| {
                let object = match claimant {
                    Claimant::Source(index) => self.stated.get(index),
                    Claimant::Live(_) => self.live.as_ref(),
                    Claimant::Profile(_) => None,
                };
                let value = object.and_then(|object| object.at(path.elements()));
                (claimant, value.map(ValueRef::to_value))
            });
            let claims = claims.collect();
            findings.push(Finding { path, class, claims });
        }
        findings
    }
}
