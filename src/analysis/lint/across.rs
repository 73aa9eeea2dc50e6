//! Rules that look at several objects. Of each object they keep what they need, which is names.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::analysis::Severity;
use crate::fieldpath::Path;
use crate::managedfields::Operation;
use crate::schema::GroupVersionKind;
use crate::value::{Kind, ValueRef};

use super::Finding;
use super::rule::{Check, Input, RULES, Rule};
use super::subject::{Hit, Subject, fields, text};

/// What is looked at across objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Across {
    /// Objects that are scaled, and by what.
    Scaled,
    /// Objects that are configured more than once.
    Twice,
}

impl Across {
    fn rule(self) -> Option<&'static Rule> {
        RULES.iter().find(|rule| matches!(rule.check, Check::Across(own) if own == self))
    }
}

pub(super) const SCALED_REPLICAS: Rule = Rule {
    id: "MF003",
    name: "scaled-replicas",
    severity: Severity::Warning,
    inputs: &[Input::Manifest, Input::Live],
    is_fixable: false,
    explanation: "A manifest or an applier sets the replicas of an object that an autoscaler scales. Each \
                  apply sets back what the autoscaler has found, or is refused because of it.",
    remedy: "Leave replicas out. Where the applier is their only owner, hand them to the autoscaler first, or \
             the object falls back to one replica: `managed-fields plan release \
             --field-manager NAME --path .spec.replicas --to SCALER`.",
    check: Check::Across(Across::Scaled),
};

pub(super) const CONFIGURED_TWICE: Rule = Rule {
    id: "MF018",
    name: "configured-twice",
    severity: Severity::Warning,
    inputs: &[Input::Manifest],
    is_fixable: false,
    explanation: "Two documents of one directory configure the same object. Applied under one manager's \
                  name, each of them removes what only the other one states, and both report success. \
                  Documents of several directories may be for several clusters: of these nothing is told.",
    remedy: "Merge the documents, or apply them under names of their own; `managed-fields conflicts` tells \
             what they then fight over.",
    check: Check::Across(Across::Twice),
};

/// Group, kind, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    group: String,
    kind: String,
    namespace: String,
    name: String,
}

/// What one object contributes.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What it is called, if it is to be applied.
    configured: Option<Key>,
    /// What it is applied together with.
    unit: Arc<str>,
    /// What it scales, and what scales it.
    scales: Option<(Key, String)>,
    /// Its replicas are set, and by whom.
    replicas: Option<(Key, String)>,
}

impl Facts {
    pub(super) fn of(
        subject: &Subject<'_>,
        namespace: &str,
        wants: &dyn Fn(Across) -> bool,
    ) -> Option<Facts> {
        let (input, kind) = (subject.input, &subject.kind);
        let metadata = subject.metadata();
        let name = text(metadata, "name");
        if name.is_empty() || kind.kind.is_empty() {
            return None;
        }
        let own = text(metadata, "namespace");
        let namespace = if own.is_empty() { namespace.to_owned() } else { own };
        let key = |kind: &GroupVersionKind| Key {
            group: kind.group.clone(),
            kind: kind.kind.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
        };
        let is_configured = input == Input::Manifest && wants(Across::Twice);
        let is_scaled = wants(Across::Scaled);
        let writer = is_scaled.then(|| replicas_by(subject)).flatten();
        let target = is_scaled.then(|| target_of(subject.root(), kind)).flatten();
        let facts = Facts {
            configured: (is_configured && is_applied(metadata)).then(|| key(kind)),
            unit: Arc::default(),
            scales: target.map(|(target, target_name)| {
                let target = Key { name: target_name, ..key(&target) };
                (target, format!("{} {name}", kind.kind))
            }),
            replicas: writer.map(|writer| (key(kind), writer)),
        };
        let is_any =
            facts.configured.is_some() || facts.scales.is_some() || facts.replicas.is_some();
        is_any.then_some(facts)
    }

    /// Says what it is applied together with, such as the other objects of its directory: in several
    /// units an object may be configured again, for several clusters or by overlays.
    #[must_use]
    pub fn in_unit(self, unit: Arc<str>) -> Facts {
        Facts { unit, ..self }
    }

    /// The field that a finding may be about, if that is not the object as a whole.
    pub fn path(&self) -> Option<Path> {
        self.replicas.as_ref().map(|_| replicas())
    }
}

/// Neither a hook, which Helm runs and deletes, nor for the eyes of tools alone.
fn is_applied(metadata: Option<ValueRef<'_>>) -> bool {
    let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
    let says = |name| annotations.is_some_and(|annotations| annotations.get(name).is_some());
    !says("helm.sh/hook") && !says("config.kubernetes.io/local-config")
}

fn replicas() -> Path {
    fields(["spec", "replicas"])
}

/// What an autoscaler scales: its kind and its name.
fn target_of(object: ValueRef<'_>, kind: &GroupVersionKind) -> Option<(GroupVersionKind, String)> {
    let scaler = (kind.group.as_str(), kind.kind.as_str());
    let is_keda = scaler == ("keda.sh", "ScaledObject");
    if !is_keda && scaler != ("autoscaling", "HorizontalPodAutoscaler") {
        return None;
    }
    let target = object.get("spec").and_then(|spec| spec.get("scaleTargetRef"));
    let mut of = GroupVersionKind::new(&text(target, "apiVersion"), &text(target, "kind"));
    if is_keda && of.kind.is_empty() {
        "Deployment".clone_into(&mut of.kind);
    }
    let is_of_apps = matches!(of.kind.as_str(), "Deployment" | "StatefulSet" | "ReplicaSet");
    if of.version.is_empty() && is_of_apps {
        "apps".clone_into(&mut of.group);
    }
    Some((of, text(target, "name")))
}

/// Who sets the replicas of an object otherwise than by scaling it.
fn replicas_by(subject: &Subject<'_>) -> Option<String> {
    let stated = subject.root().get("spec").and_then(|spec| spec.get("replicas"));
    stated.filter(|stated| stated.kind() != Kind::Null)?;
    if subject.input != Input::Live {
        return Some("the manifest".to_owned());
    }
    let path = replicas();
    let applies = subject.entries().iter().find(|entry| {
        let manager = &entry.manager;
        manager.operation() == Operation::Apply
            && manager.subresource().is_empty()
            && entry.fields.contains(&path)
    });
    applies.map(|entry| entry.manager.name().to_owned())
}

/// Gathers what objects contribute, and tells what comes of it when all have been seen.
///
/// `P` is a place of the caller's, to find the object of a finding again. Memory is bounded by the names
/// of objects that are to be applied, or have their replicas set.
///
/// ```
/// use managed_fields::{Schemas, Value};
/// use managed_fields::analysis::lint::{Gathered, Input, Linter};
///
/// let schemas = Schemas::builtin();
/// let linter = Linter::new(&schemas);
/// let mut gathered = Gathered::default();
/// for (line, manifest) in [
///     r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":3}}"#,
///     r#"{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"web"},
///         "spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}}"#,
/// ].into_iter().enumerate() {
///     let manifest = Value::from_json(manifest)?;
///     if let Some(facts) = linter.facts(&manifest, Input::Manifest, "") {
///         gathered.add(facts, line);
///     }
/// }
/// let found = gathered.finish();
/// assert_eq!((found[0].0, found[0].1.rule().id()), (0, "MF003"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Gathered<P> {
    /// By what is scaled.
    scalers: HashMap<Key, (String, P)>,
    replicas: Vec<(Key, String, P)>,
    /// By what is configured, where it was first.
    configured: HashMap<(Arc<str>, Key), P>,
    /// Places where it was again, and where it was first.
    again: Vec<(P, P)>,
}

impl<P> Default for Gathered<P> {
    fn default() -> Gathered<P> {
        let (scalers, configured) = (HashMap::new(), HashMap::new());
        Gathered { scalers, replicas: Vec::new(), configured, again: Vec::new() }
    }
}

impl<P: Clone + fmt::Display> Gathered<P> {
    /// Takes what an object contributes.
    pub fn add(&mut self, facts: Facts, place: P) {
        let Facts { configured, unit, scales, replicas } = facts;
        if let Some((target, scaler)) = scales {
            self.scalers.insert(target, (scaler, place.clone()));
        }
        if let Some(key) = configured.map(|key| (unit, key)) {
            match self.configured.get(&key) {
                Some(first) => self.again.push((place.clone(), first.clone())),
                None => {
                    self.configured.insert(key, place.clone());
                }
            }
        }
        if let Some((key, writer)) = replicas {
            self.replicas.push((key, writer, place));
        }
    }

    /// What comes of all of it, by rules, and by the order of objects.
    pub fn finish(self) -> Vec<(P, Finding)> {
        let Gathered { scalers, replicas: set, again, .. } = self;
        let mut found = Vec::new();
        for (key, writer, place) in set {
            let Some(((scaler, by), rule)) = scalers.get(&key).zip(Across::Scaled.rule()) else {
                continue;
            };
            let message = format!("{writer} sets the replicas, which {scaler} scales (see {by})");
            found.push((place, Finding { rule, hit: Hit::new(replicas(), message) }));
        }
        for (place, first) in again {
            let Some(rule) = Across::Twice.rule() else { continue };
            let message = format!("the object is configured at {first} already");
            found.push((place, Finding { rule, hit: Hit::new(Path::default(), message) }));
        }
        found
    }
}
