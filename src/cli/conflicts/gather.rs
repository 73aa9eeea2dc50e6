//! Who wants which object.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::analysis::Profile;
use crate::cli::input::{self, Identity, Object};
use crate::cli::pairs::{self, Key};
use crate::cli::schemas::Known;
use crate::cli::session::Session;
use crate::schema::GroupVersionKind;
use crate::value::Value;

use super::ConflictsArgs;

/// A source's configuration of an object.
pub(super) struct Want {
    pub(super) manager: String,
    pub(super) object: Object,
}

/// An object that more than one has a say in.
pub(super) struct Contested {
    pub(super) wants: Vec<Want>,
    pub(super) live: Option<Object>,
    /// The controllers that write it, as places among all profiles.
    pub(super) profiles: Vec<usize>,
}

/// All that was read.
pub(super) struct Gathered {
    /// By group, kind, namespace and name.
    pub(super) contested: Vec<Contested>,
    /// How many objects the sources have.
    pub(super) objects: usize,
}

impl Gathered {
    pub(super) fn read(
        args: &ConflictsArgs,
        profiles: &[Profile],
        known: &mut Known,
        session: &mut Session<'_, '_>,
    ) -> Gathered {
        let mut wanted: BTreeMap<Key, Vec<Want>> = BTreeMap::new();
        for from in &args.from {
            let names = [from.path.clone()];
            let mut objects = input::load(&names, args.common.recursive, session);
            pairs::fill_namespace(&mut objects, args.common.namespace.as_deref());
            let mut seen: HashMap<Key, String> = HashMap::new();
            for object in objects.into_iter().flatten() {
                if object.require_type(session).is_err() {
                    continue;
                }
                if object.identity.name.is_empty() {
                    session.error(&object.place, "the object has no name");
                    continue;
                }
                if known.prepare(&object, session).is_err() {
                    continue;
                }
                let key = pairs::key(&object, &object.identity.namespace);
                if let Some(first) = seen.insert(key.clone(), object.place.to_string()) {
                    session.error(
                        &object.place,
                        format_args!("{} is in this source already, at {first}", object.identity),
                    );
                    seen.insert(key, first);
                    continue;
                }
                let want = Want { manager: from.manager.clone(), object };
                wanted.entry(key).or_default().push(want);
            }
        }
        let mut live = live(args, &wanted, profiles, session);
        join_without_namespace(&mut wanted, &live.objects);
        let objects = wanted.len();
        let contested = contested(wanted, &mut live, profiles);
        Gathered { contested, objects }
    }
}

/// Objects that name no namespace are those that exist once with one.
fn join_without_namespace(wanted: &mut BTreeMap<Key, Vec<Want>>, live: &HashMap<Key, Object>) {
    let mut places: HashMap<Key, HashSet<String>> = HashMap::new();
    for (group, kind, namespace, name) in wanted.keys().chain(live.keys()) {
        if !namespace.is_empty() {
            let key = (group.clone(), kind.clone(), String::new(), name.clone());
            places.entry(key).or_default().insert(namespace.clone());
        }
    }
    let bare: Vec<Key> = wanted.keys().filter(|key| key.2.is_empty()).cloned().collect();
    for key in bare {
        let Some(namespaces) = places.get(&key) else { continue };
        let mut namespaces = namespaces.iter();
        let (Some(namespace), None) = (namespaces.next(), namespaces.next()) else { continue };
        for mut want in wanted.remove(&key).unwrap_or_default() {
            want.object.fill("namespace", namespace);
            let full = pairs::key(&want.object, namespace);
            wanted.entry(full).or_default().push(want);
        }
    }
}

/// The live objects that matter.
struct Live {
    objects: HashMap<Key, Object>,
    /// Those by which controllers are told what to write.
    steering: Vec<Object>,
}

fn live(
    args: &ConflictsArgs,
    wanted: &BTreeMap<Key, Vec<Want>>,
    profiles: &[Profile],
    session: &mut Session<'_, '_>,
) -> Live {
    let mut live = Live { objects: HashMap::new(), steering: Vec::new() };
    let bare: HashSet<(&str, &str, &str)> = wanted
        .keys()
        .filter(|key| key.2.is_empty())
        .map(|(group, kind, _, name)| (group.as_str(), kind.as_str(), name.as_str()))
        .collect();
    let keys: HashSet<&Key> = wanted.keys().collect();
    let is_wanted = |identity: &Identity| {
        let key = pairs::key_of(identity, &identity.namespace);
        keys.contains(&key) || bare.contains(&(key.0.as_str(), key.1.as_str(), key.3.as_str()))
    };
    let look = |identity: &Identity, _: &Value| {
        let steers = profiles.iter().any(|profile| profile.is_steered_by(&identity.kind));
        let is_wanted = is_wanted(identity);
        (steers || is_wanted).then_some((steers, is_wanted))
    };
    let (names, recursive) = (&args.live, args.common.recursive);
    input::scan(names, recursive, session, &look, &mut |object, (steers, is_wanted), session| {
        let key = pairs::key(&object, &object.identity.namespace);
        if steers {
            live.steering.push(object.clone());
        }
        if !is_wanted {
            return;
        }
        object.warn_if_owners_were_hidden(session);
        if let Err(error) = crate::analysis::entries_of(&object.value) {
            return session.error(&object.place, error);
        }
        if let Some(first) = live.objects.get(&key) {
            let message = format!("{} was read already, from {}", object.identity, first.place);
            return session.error(&object.place, message);
        }
        live.objects.insert(key, object);
    });
    live
}

fn contested(
    wanted: BTreeMap<Key, Vec<Want>>,
    live: &mut Live,
    profiles: &[Profile],
) -> Vec<Contested> {
    let steers = |object: &&Object| {
        profiles.iter().any(|profile| profile.is_steered_by(&object.identity.kind))
    };
    let stated = wanted.values().flatten().map(|want| &want.object).filter(steers);
    let mut steering: HashMap<String, Vec<(GroupVersionKind, Value)>> = HashMap::new();
    for object in stated.chain(&live.steering) {
        let known = steering.entry(object.identity.namespace.clone()).or_default();
        known.push((object.identity.kind.clone(), object.value.clone()));
    }
    let mut contested = Vec::new();
    for (key, mut wants) in wanted {
        wants.sort_by(|left, right| {
            let place = |want: &Want| {
                let place = &want.object.place;
                (place.file().to_owned(), place.numbers())
            };
            left.manager.cmp(&right.manager).then_with(|| place(left).cmp(&place(right)))
        });
        let live = live.objects.remove(&key);
        let others = steering.get(&key.2).map(Vec::as_slice).unwrap_or_default();
        let writes = |profile: &Profile| {
            wants.iter().any(|want| {
                let others = others.iter().map(|(kind, object)| (kind, object));
                profile.writes(&want.object.identity.kind, &want.object.value, others)
            })
        };
        let profiles: Vec<usize> = profiles
            .iter()
            .enumerate()
            .filter(|(_, profile)| writes(profile))
            .map(|(index, _)| index)
            .collect();
        if wants.len() > 1 || live.is_some() || !profiles.is_empty() {
            contested.push(Contested { wants, live, profiles });
        }
    }
    contested
}
