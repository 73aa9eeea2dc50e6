//! Which live object belongs to which configuration.

use std::collections::HashMap;

use super::input::{Identity, Lives, Loaded, Object};
use super::scale::Parent;
use super::session::Session;

/// A document to be written and the live object that it is written to.
pub(super) struct Pair {
    pub(super) config: Object,
    pub(super) live: Option<Object>,
    /// The object that a `Scale` belongs to.
    pub(super) parent: Option<Parent>,
}

/// Kinds of Kubernetes' own that live in no namespace.
const WITHOUT_NAMESPACE: &[(&str, &str)] = &[
    ("", "ComponentStatus"),
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("admissionregistration.k8s.io", ""),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("certificates.k8s.io", ""),
    ("flowcontrol.apiserver.k8s.io", ""),
    ("internal.apiserver.k8s.io", ""),
    ("networking.k8s.io", "IPAddress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "ServiceCIDR"),
    ("node.k8s.io", "RuntimeClass"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("resource.k8s.io", "DeviceClass"),
    ("resource.k8s.io", "ResourceSlice"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "VolumeAttachment"),
    ("storage.k8s.io", "VolumeAttributesClass"),
    ("storagemigration.k8s.io", ""),
];

fn has_namespace(identity: &Identity) -> bool {
    let kind = &identity.kind;
    !WITHOUT_NAMESPACE
        .iter()
        .any(|(group, name)| *group == kind.group && (name.is_empty() || *name == kind.kind))
}

/// Group, kind, namespace, name.
pub(super) type Key = (String, String, String, String);

pub(super) fn key(object: &Object, namespace: &str) -> Key {
    key_of(&object.identity, namespace)
}

pub(super) fn key_of(identity: &Identity, namespace: &str) -> Key {
    (
        identity.kind.group.clone(),
        identity.kind.kind.clone(),
        namespace.to_owned(),
        identity.name.clone(),
    )
}

/// The namespace of an object, which may be said for those that name none.
pub(super) fn namespace_of<'a>(identity: &'a Identity, namespace: Option<&'a str>) -> &'a str {
    match namespace {
        Some(said) if identity.namespace.is_empty() && has_namespace(identity) => said,
        _ => &identity.namespace,
    }
}

/// Sets the namespace of objects that name none, where their kind has one.
pub(super) fn fill_namespace(objects: &mut [Loaded], namespace: Option<&str>) {
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) else { return };
    for object in objects.iter_mut().flatten() {
        if object.identity.namespace.is_empty() && has_namespace(&object.identity) {
            object.fill("namespace", namespace);
        }
    }
}

/// Finds the live object of every configuration and fills in the name and namespace that a
/// configuration leaves to it. What does not fit is reported.
///
/// One configuration and one live object belong together whatever they are. Of several, group,
/// kind, namespace and name decide.
pub(super) fn pair(
    mut configs: Vec<Loaded>,
    lives: Option<Lives>,
    namespace: Option<&str>,
    session: &mut Session<'_, '_>,
) -> Vec<Result<Pair, String>> {
    let is_given = lives.is_some();
    let is_complete = lives.as_ref().is_none_or(|lives| lives.is_complete);
    let is_one = is_complete && lives.as_ref().is_some_and(|lives| lives.count == 1);
    let mut lives = lives.map(|lives| lives.objects).unwrap_or_default();
    if let ([Ok(config)], [Ok(live)], true) = (configs.as_slice(), lives.as_slice(), is_one) {
        return vec![one(config.clone(), live.clone(), namespace, session)];
    }
    fill_namespace(&mut configs, namespace);
    fill_namespace(&mut lives, namespace);
    let mut found: HashMap<Key, Object> = HashMap::new();
    // The namespaces of a group, kind and name.
    let mut namespaces: HashMap<Key, Vec<String>> = HashMap::new();
    for live in lives.into_iter().flatten() {
        let full = key(&live, &live.identity.namespace);
        if let Some(first) = found.get(&full) {
            let message = format!("{} was read already, from {}", live.identity, first.place);
            session.error(&live.place, message);
            continue;
        }
        namespaces.entry(key(&live, "")).or_default().push(live.identity.namespace.clone());
        found.insert(full, live);
    }
    let mut written: HashMap<Key, String> = HashMap::new();
    let mut pairs = Vec::with_capacity(configs.len());
    for config in configs {
        let pair = config.and_then(|mut config| {
            let choose = |config: &Object| -> Result<Option<Object>, String> {
                let namespace = config.identity.namespace.as_str();
                let full = key(config, namespace);
                if let Some(live) = found.get(&full) {
                    return Ok(Some(live.clone()));
                }
                match namespaces.get(&key(config, "")).map(Vec::as_slice) {
                    Some([one]) if namespace.is_empty() => {
                        Ok(found.get(&key(config, one)).cloned())
                    }
                    Some([_, ..]) if namespace.is_empty() => Err(format!(
                        "{} is in several namespaces; say which with -n",
                        config.identity
                    )),
                    _ if !is_complete => Err(format!(
                        "{} may be among the live objects that could not be read",
                        config.identity
                    )),
                    _ => Ok(None),
                }
            };
            let live = choose(&config).and_then(|live| {
                if let Some(live) = &live
                    && config.identity.namespace != live.identity.namespace
                {
                    config.fill("namespace", &live.identity.namespace);
                }
                let full = key(&config, &config.identity.namespace);
                match written.insert(full, config.place.to_string()) {
                    Some(first) if !config.identity.name.is_empty() => {
                        Err(format!("{} was read already, from {first}", config.identity))
                    }
                    _ => Ok(live),
                }
            });
            let live = live.inspect_err(|message| session.error(&config.place, message))?;
            if live.is_none() {
                config.require_type(session)?;
            }
            if live.is_none() && is_given {
                session.note(
                    &config.place,
                    format_args!("there is no live {}: it is created", config.identity),
                );
            }
            Ok(Pair { config, live, parent: None })
        });
        pairs.push(pair);
    }
    pairs
}

/// One configuration and one live object.
pub(super) fn one(
    mut config: Object,
    live: Object,
    namespace: Option<&str>,
    session: &mut Session<'_, '_>,
) -> Result<Pair, String> {
    let (ours, theirs) = (&config.identity, &live.identity);
    // Another kind or version is for the API server's rules to refuse.
    if ours.kind == theirs.kind {
        let differs = |ours: &str, theirs: &str| !ours.is_empty() && ours != theirs;
        let wrong = if differs(&ours.name, &theirs.name) {
            Some(("name", ours.name.clone(), theirs.name.clone()))
        } else if differs(&ours.namespace, &theirs.namespace) {
            Some(("namespace", ours.namespace.clone(), theirs.namespace.clone()))
        } else if ours.namespace.is_empty() && has_namespace(&config.identity) {
            namespace
                .filter(|namespace| differs(namespace, &theirs.namespace))
                .map(|namespace| ("namespace", namespace.to_owned(), theirs.namespace.clone()))
        } else {
            None
        };
        if let Some((what, ours, theirs)) = wrong {
            let message =
                format!("the {what} \"{ours}\" does not match \"{theirs}\" of the live object");
            session.error(&config.place, &message);
            return Err(message);
        }
        for (name, theirs) in
            [("namespace", live.identity.namespace.clone()), ("name", live.identity.name.clone())]
        {
            let ours =
                if name == "name" { &config.identity.name } else { &config.identity.namespace };
            if ours.is_empty() && !theirs.is_empty() {
                config.fill(name, &theirs);
            }
        }
    }
    Ok(Pair { config, live: Some(live), parent: None })
}
