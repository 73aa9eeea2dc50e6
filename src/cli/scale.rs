//! `--subresource scale`: which object a `Scale` belongs to, and what becomes of it.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::fieldmanager::{ScaleError, ScaleMapping};
use crate::schema::GroupVersionKind;
use crate::value::{Value, ValueRef};

use super::input::{Lives, Loaded, Object};
use super::output::Results;
use super::pairs::{self, Pair};
use super::schemas::Known;
use super::session::Session;
use super::{Common, Target};

/// The subresource whose object is a `Scale`.
pub(super) const SCALE: &str = "scale";

const HOW_TO_GET_ONE: &str = "`kubectl get KIND NAME --subresource scale -o yaml` prints one";

/// The object that a request to a `Scale` is about, as it was before.
pub(super) struct Parent {
    pub(super) object: Object,
    pub(super) mapping: ScaleMapping,
}

impl Parent {
    /// What is wrong: the `Scale`, or the object itself.
    pub(super) fn at_fault<'o>(&'o self, error: &ScaleError, scale: &'o Object) -> &'o Object {
        match error {
            ScaleError::Sent(_) | ScaleError::Unset(_) | ScaleError::Refused(_) => scale,
            _ => &self.object,
        }
    }

    /// Takes the `Scale` that a request came to, and reports the object with it.
    pub(super) fn take(
        &self,
        scale: &Object,
        result: &Value,
        results: &mut Results,
        session: &mut Session<'_, '_>,
    ) {
        match self.mapping.parent_with(&self.object.value, result) {
            Ok(json) => results.object(&self.object.identity, &json),
            Err(error) => {
                results.status(&error.to_status());
                session.error(&self.at_fault(&error, scale).place, &error);
            }
        }
    }
}

/// The parts of a command line that say what is scaled.
#[derive(Clone, Copy)]
pub(super) struct Scaling<'a> {
    namespace: Option<&'a str>,
    replicas_path: Option<&'a str>,
}

impl<'a> Scaling<'a> {
    /// None if the command is not about a scale.
    pub(super) fn asked_for(common: &'a Common, target: &'a Target) -> Option<Scaling<'a>> {
        (target.subresource.as_deref() == Some(SCALE)).then_some(Scaling {
            namespace: common.namespace.as_deref(),
            replicas_path: target.replicas_path.as_deref(),
        })
    }

    /// Where an object has its replicas; none if it has no scale.
    fn mapping(self, object: &Object, known: &Known) -> Option<ScaleMapping> {
        let kind = &object.identity.kind;
        let own = ScaleMapping::of_kind(kind);
        let mapping = own.or_else(|| self.mapping_by_path(object));
        mapping.or_else(|| {
            ScaleMapping::of_custom_resource(known.resource(kind)?, &kind.api_version())
        })
    }

    /// Where the command line says that custom resources have their replicas. Every version that is
    /// met is taken to have the field there.
    fn mapping_by_path(self, object: &Object) -> Option<ScaleMapping> {
        let kind = &object.identity.kind;
        let path = ScaleMapping::replicas_path(self.replicas_path?);
        let mut versions = versions_of_entries(object, kind);
        versions.insert(kind.api_version());
        let paths = versions.into_iter().map(|version| (version, Some(path.clone())));
        Some(ScaleMapping::new(kind.api_version(), paths))
    }

    /// Finds the object that every `Scale` belongs to. What does not fit is reported.
    ///
    /// One `Scale` and one live object belong together unless their names differ. Of several,
    /// namespace and name decide among those whose kind has a scale.
    pub(super) fn pair(
        self,
        configs: Vec<Loaded>,
        lives: Option<Lives>,
        known: &mut Known,
        session: &mut Session<'_, '_>,
    ) -> Vec<Result<Pair, String>> {
        let is_complete = lives.as_ref().is_none_or(|lives| lives.is_complete);
        let count = lives.as_ref().map_or(0, |lives| lives.count);
        let mut lives = lives.map(|lives| lives.objects).unwrap_or_default();
        pairs::fill_namespace(&mut lives, self.namespace);
        let lives: Vec<Object> = lives.into_iter().flatten().collect();
        for live in &lives {
            // A definition that cannot be used was reported, and says nothing of replicas.
            let _ = known.learn(&live.identity.kind, session);
        }
        let known = &*known;
        let mut named: HashMap<&str, Vec<&Object>> = HashMap::new();
        for live in &lives {
            named.entry(&live.identity.name).or_default().push(live);
        }
        let is_alone = configs.len() == 1 && count == 1 && is_complete;
        let mut written: HashMap<String, String> = HashMap::new();
        let mut pairs = Vec::with_capacity(configs.len());
        for config in configs {
            let pair = config.and_then(|config| {
                let parent = match lives.as_slice() {
                    _ if !is_scale(&config) => Err(no_scale(&config)),
                    [one] if is_alone => Ok(one),
                    _ => {
                        let name = config.identity.name.as_str();
                        let found = named.get(name).map(Vec::as_slice).unwrap_or_default();
                        self.choose(&config, found, known, count == 0, is_complete)
                    }
                };
                let parent = parent.inspect_err(|error| session.error(&config.place, error))?;
                let pair = self.with_parent(config, parent, known, session)?;
                let place = pair.config.place.to_string();
                match written.insert(parent.place.to_string(), place) {
                    Some(first) => {
                        let message =
                            format!("{} was read already, from {first}", pair.config.identity);
                        session.error(&pair.config.place, &message);
                        Err(message)
                    }
                    None => Ok(pair),
                }
            });
            pairs.push(pair);
        }
        pairs
    }

    /// The one object of these, all of the right name, that has a scale.
    fn choose<'o>(
        self,
        config: &Object,
        named: &[&'o Object],
        known: &Known,
        is_nothing_live: bool,
        is_complete: bool,
    ) -> Result<&'o Object, String> {
        let identity = &config.identity;
        if is_nothing_live && is_complete {
            return Err(format!(
                "there is no object that {identity} belongs to: name its file with --live"
            ));
        }
        if identity.name.is_empty() {
            return Err("the Scale has no name: set metadata.name to that of the object to scale"
                .to_owned());
        }
        let namespace = self.namespace.unwrap_or_default();
        let wanted = if identity.namespace.is_empty() { namespace } else { &identity.namespace };
        let near: Vec<&'o Object> = named
            .iter()
            .copied()
            .filter(|live| wanted.is_empty() || live.identity.namespace == wanted)
            .collect();
        let able: Vec<&'o Object> =
            near.iter().copied().filter(|live| self.mapping(live, known).is_some()).collect();
        match (able.as_slice(), near.as_slice()) {
            ([one], _) if is_complete => Ok(one),
            (_, _) if !is_complete => Err(format!(
                "the object that {identity} belongs to may be among the live objects that could \
                 not be read"
            )),
            ([first, second, ..], _) => {
                let is_elsewhere = first.identity.namespace != second.identity.namespace;
                let way = if is_elsewhere {
                    "say which namespace with -n"
                } else {
                    "give only one of them with --live"
                };
                Err(format!(
                    "{identity} may belong to {} ({}) or to {} ({}): {way}",
                    first.identity, first.place, second.identity, second.place
                ))
            }
            (_, [other, ..]) => Err(has_none(format_args!("{} ({})", other.identity, other.place))),
            _ => Err(format!(
                "there is no live object that {identity} belongs to: name its file with --live"
            )),
        }
    }

    /// A `Scale` and that of the object, side by side.
    fn with_parent(
        self,
        config: Object,
        parent: &Object,
        known: &Known,
        session: &mut Session<'_, '_>,
    ) -> Result<Pair, String> {
        let (live, parent) = match self.scale_of(parent, known) {
            Ok(scale) => scale,
            Err(message) => {
                session.error(&parent.place, &message);
                return Err(message);
            }
        };
        parent.object.warn_if_owners_were_hidden(session);
        let pair = pairs::one(config, live, self.namespace, session)?;
        Ok(Pair { parent: Some(parent), ..pair })
    }

    /// The `Scale` of an object, which stands where the object stands.
    pub(super) fn scale_of(
        self,
        object: &Object,
        known: &Known,
    ) -> Result<(Object, Parent), String> {
        let mapping = self.mapping(object, known).ok_or_else(|| has_none(&object.identity))?;
        let scale = mapping.scale_of(&object.value).map_err(|error| error.to_string())?;
        Ok((object.with_value(scale), Parent { object: object.clone(), mapping }))
    }
}

/// Why an object cannot be scaled.
fn has_none(object: impl fmt::Display) -> String {
    format!(
        "{object} has no scale, as Deployments, ReplicaSets, StatefulSets and \
         ReplicationControllers have one; for a custom resource say where its replicas are, with its \
         definition behind --schema or with --replicas-path"
    )
}

fn is_scale(object: &Object) -> bool {
    object.identity.kind == GroupVersionKind::new("autoscaling/v1", "Scale")
}

fn no_scale(config: &Object) -> String {
    let kind = &config.identity.kind;
    if kind.kind == "Scale" {
        return format!(
            "apiVersion is {:?}, and a Scale is of autoscaling/v1; {HOW_TO_GET_ONE}",
            kind.api_version()
        );
    }
    let it = if kind.kind.is_empty() { "an object without a kind" } else { &kind.kind };
    format!(
        "the kind is {it}, and what is written to the scale of an object is a Scale of \
         autoscaling/v1; {HOW_TO_GET_ONE}. To write the object itself leave out --subresource"
    )
}

/// The versions of an object's group in its entries.
fn versions_of_entries(object: &Object, kind: &GroupVersionKind) -> BTreeSet<String> {
    let entries = object
        .value
        .as_ref()
        .get("metadata")
        .and_then(|metadata| metadata.get("managedFields"))
        .into_iter()
        .flat_map(ValueRef::items);
    let versions = entries.filter_map(|entry| entry.get("apiVersion")?.as_str());
    versions
        .map(|version| version.into_owned())
        .filter(|version| GroupVersionKind::new(version, &kind.kind).group == kind.group)
        .collect()
}
