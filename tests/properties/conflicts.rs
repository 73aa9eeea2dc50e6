//! What is found about sources is what comes out when every one of them goes before every other,
//! applied through the field manager and by nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use managed_fields::analysis::{Claimant, Class, ConflictFinder, Want};
use managed_fields::fieldmanager::{ApplyError, Document, FieldManager};
use managed_fields::fieldpath::{Path, PathElement};
use managed_fields::managedfields::{ManagedFieldsEntry, ManagerIdentifier, Operation};
use managed_fields::schema::Schemas;
use managed_fields::value::{Kind, Value, ValueRef};
use proptest::prelude::*;

use crate::cases;
use crate::requests::live_after;
use crate::strategies::{History, PLAIN, SOLID, SPICED, history, json, schemas};

type Paths = BTreeSet<Path>;
/// Who claims a field and the value that each claims.
type Claims = BTreeSet<(String, String)>;

/// One apply, with force where it is refused.
#[derive(Clone)]
struct Applied {
    object: String,
    entries: Vec<ManagedFieldsEntry>,
    pruned: Paths,
    refused: BTreeMap<String, Paths>,
}

fn id(manager: &str) -> ManagerIdentifier {
    ManagerIdentifier::new(manager, Operation::Apply, "", "")
}

fn apply(schemas: &Schemas, live: Option<&str>, manager: &str, config: &str) -> Applied {
    let request = |force| {
        let live = live.map_or_else(Document::absent, Document::from);
        FieldManager::new(schemas).apply(live, config).field_manager(manager).force(force).run()
    };
    let mut refused: BTreeMap<String, Paths> = BTreeMap::new();
    let done = match request(false) {
        Err(ApplyError::Conflict(conflicts)) => {
            for conflict in &conflicts {
                let by = refused.entry(conflict.manager().to_key()).or_default();
                by.insert(conflict.path().clone());
            }
            request(true).unwrap()
        }
        done => done.unwrap(),
    };
    Applied {
        object: done.object().to_owned(),
        entries: done.managed_fields().to_vec(),
        pruned: done.pruned().iter().collect(),
        refused,
    }
}

fn fields(applied: &Applied, manager: &str) -> Paths {
    let own = applied.entries.iter().find(|entry| entry.manager == id(manager));
    own.map(|entry| entry.fields.iter().collect()).unwrap_or_default()
}

fn leaves(paths: &Paths) -> Paths {
    let is_inner = |path: &&Path| {
        paths.iter().any(|other| {
            other.elements().len() > path.elements().len()
                && other.elements().starts_with(path.elements())
        })
    };
    paths.iter().filter(|path| !is_inner(path)).cloned().collect()
}

fn is_below(path: &Path, above: &Paths) -> bool {
    above.iter().any(|above| path.elements().starts_with(above.elements()))
}

pub(crate) fn at<'v>(object: ValueRef<'v>, path: &Path) -> Option<ValueRef<'v>> {
    path.elements().iter().try_fold(object, |value, element| match element {
        PathElement::FieldName(name) => value.get(name),
        PathElement::Index(index) => value.items().nth(*index as usize),
        PathElement::Value(wanted) => value.items().find(|item| *item == wanted.as_ref()),
        PathElement::Key(keys) => {
            let agrees = |item: &ValueRef<'v>| {
                keys.iter().all(|(name, wanted)| {
                    item.get(name).is_none_or(|stated| stated == wanted.as_ref())
                })
            };
            value.items().filter(agrees).max_by_key(|item| {
                let stated = keys.iter().filter(|(name, _)| item.get(name).is_some()).count();
                (stated, std::cmp::Reverse(item.to_json()))
            })
        }
        _ => None,
    })
}

/// The classes of all paths, by letting every source go before every other.
fn brute_force(
    schemas: &Schemas,
    live: Option<&str>,
    wants: &[(String, String)],
) -> BTreeMap<Path, Class> {
    let mut classes: BTreeMap<Path, Class> = BTreeMap::new();
    let mut note = |paths: &Paths, class: Class| {
        for path in paths {
            let known = classes.entry(path.clone()).or_insert(class);
            *known = class.max(*known);
        }
    };
    let refusal = |path: &Path| {
        let stated = wants.iter().map(|(_, config)| json(config)).chain(live.map(json));
        let mut kinds =
            stated.filter_map(|object| at(object.as_ref(), path).map(|value| value.kind()));
        // What the schema of these tests has owned as a whole.
        let is_field = |element: &PathElement, start: &str| matches!(element, PathElement::FieldName(name) if name.starts_with(start));
        let is_named = path.elements().last().is_some_and(|name| is_field(name, "atomic"));
        let is_free = path.elements().iter().any(|name| is_field(name, "free"));
        match kinds.any(|kind| match kind {
            Kind::List => is_named || is_free,
            Kind::Map => is_named,
            _ => false,
        }) {
            true => Class::AtomicOverlap,
            false => Class::Conflict,
        }
    };
    let one = |class: Class, path: &Path| (BTreeSet::from([path.clone()]), class);
    let alone: Vec<Applied> =
        wants.iter().map(|(manager, config)| apply(schemas, live, manager, config)).collect();
    let live_entries =
        live.map(json).map(|live| managed_fields::analysis::entries_of(&live).unwrap());
    for entry in live_entries.unwrap_or_default() {
        if wants.iter().any(|(manager, _)| entry.manager == id(manager)) {
            continue;
        }
        for ((manager, _), alone) in wants.iter().zip(&alone) {
            let refused = alone.refused.get(&entry.manager.to_key()).cloned().unwrap_or_default();
            for path in &refused {
                let (paths, class) = one(refusal(path), path);
                note(&paths, class);
            }
            let shared = fields(alone, manager)
                .into_iter()
                .filter(|path| entry.fields.contains(path) && !refused.contains(path))
                .collect();
            note(&leaves(&shared), Class::Agree);
        }
    }
    for (i, (first, ours)) in wants.iter().enumerate() {
        for (j, (second, theirs)) in wants.iter().enumerate().skip(i + 1) {
            // First one order, then the other, each from the beginning.
            let mut refused = Vec::new();
            let mut results = Vec::new();
            let mut removed = Paths::new();
            let has = [fields(&alone[i], first), fields(&alone[j], second)];
            for (order, [(a, x), (b, y)]) in
                [[(first, ours), (second, theirs)], [(second, theirs), (first, ours)]]
                    .into_iter()
                    .enumerate()
            {
                let one = apply(schemas, live, a, x);
                let two = apply(schemas, Some(&one.object), b, y);
                let mut paths = one.refused.get(&id(b).to_key()).cloned().unwrap_or_default();
                paths.extend(two.refused.get(&id(a).to_key()).cloned().unwrap_or_default());
                refused.push(paths);
                removed.extend(one.pruned.intersection(&has[1 - order]).cloned());
                removed.extend(two.pruned.intersection(&has[order]).cloned());
                results.push(json(&two.object));
            }
            let always: Paths = refused[0].intersection(&refused[1]).cloned().collect();
            let once: Paths = refused[0].symmetric_difference(&refused[1]).cloned().collect();
            for path in &always {
                let (paths, class) = one(refusal(path), path);
                note(&paths, class);
            }
            note(&leaves(&removed), Class::WouldPrune);
            let wanted: Paths = has[0].union(&has[1]).cloned().collect();
            let [later, earlier] = [0, 1].map(|order: usize| results[order].as_ref());
            let whole = leaves(&wanted);
            // Of what is not owned as a whole the rest is told by the paths in it.
            let differs = |path: &&Path| match (at(later, path), at(earlier, path)) {
                (Some(later), Some(earlier)) if !whole.contains(path) => {
                    let is_composed = matches!(later.kind(), Kind::List | Kind::Map);
                    later.kind() != earlier.kind() || (!is_composed && later != earlier)
                }
                (later, earlier) => later != earlier,
            };
            let differs = wanted.iter().filter(|path| !is_below(path, &always)).filter(differs);
            let differs: Paths = differs.cloned().collect();
            note(
                &once.union(&differs).filter(|p| !removed.contains(*p)).cloned().collect(),
                Class::OrderDependent,
            );
            let shared: Paths = has[0].intersection(&has[1]).cloned().collect();
            let agreed = leaves(&shared).into_iter().filter(|path| {
                !always.contains(path)
                    && !once.contains(path)
                    && !removed.contains(path)
                    && !differs.contains(path)
            });
            note(&agreed.collect(), Class::Agree);
        }
    }
    classes
}

fn found(
    schemas: &Schemas,
    live: Option<&str>,
    wants: &[(String, String)],
) -> (BTreeMap<Path, Class>, BTreeMap<Path, Claims>) {
    let configs: Vec<Value> = wants.iter().map(|(_, config)| json(config)).collect();
    let given: Vec<Want<'_>> =
        wants.iter().zip(&configs).map(|((manager, _), config)| Want { manager, config }).collect();
    let live = live.map(json);
    let contest = ConflictFinder::new(schemas).find(live.as_ref(), &given, &[]);
    assert!(contest.refused().is_empty(), "{:?}", contest.refused());
    let mut claims = BTreeMap::new();
    for finding in contest.findings() {
        let who = finding.claims().iter().map(|(claimant, value)| {
            let who = match claimant {
                Claimant::Source(index) => wants[*index].0.clone(),
                Claimant::Live(index) => contest.entries()[*index].manager.to_key(),
                Claimant::Profile(_) => unreachable!(),
            };
            (who, value.as_ref().map(ToString::to_string).unwrap_or_default())
        });
        claims.insert(finding.path().clone(), who.collect());
    }
    let classes = contest.findings().iter().map(|found| (found.path().clone(), found.class()));
    (classes.collect(), claims)
}

fn is_brute_force(
    history: Option<&History>,
    wants: &[(String, String)],
) -> Result<(), TestCaseError> {
    let schemas = schemas();
    let live = history.and_then(|history| live_after(&schemas, history));
    let live = live.as_deref();
    let (classes, claims) = found(&schemas, live, wants);
    prop_assert_eq!(&classes, &brute_force(&schemas, live, wants));
    let turned: Vec<_> = wants.iter().rev().cloned().collect();
    prop_assert_eq!((classes, claims), found(&schemas, live, &turned));
    Ok(())
}

fn sources(config: BoxedStrategy<String>) -> BoxedStrategy<Vec<(String, String)>> {
    // Two of the managers are those of the histories.
    let manager = prop::sample::select(vec!["applier-0", "applier-1", "newcomer"]);
    prop::collection::vec((manager.prop_map(str::to_owned), config), 1..4).boxed()
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn sources_without_live_objects(wants in sources(PLAIN.object())) {
        is_brute_force(None, &wants)?;
    }

    #[test]
    fn odd_sources_without_live_objects(wants in sources(SPICED.object())) {
        is_brute_force(None, &wants)?;
    }

    #[test]
    fn sources_and_live_objects(history in history(SOLID.object()), wants in sources(SOLID.object())) {
        is_brute_force(Some(&history), &wants)?;
    }

    #[test]
    fn odd_sources_and_live_objects(
        history in history(SPICED.object()), wants in sources(SPICED.object())
    ) {
        is_brute_force(Some(&history), &wants)?;
    }
}

/// Lists and maps of so many parts, all of which two who state these values fight over or share.
fn long(parts: usize, value: &str) -> [(Value, Class); 4] {
    let joined =
        |part: &dyn Fn(usize) -> String| (0..parts).map(part).collect::<Vec<_>>().join(",");
    let keyed = joined(&|at| format!(r#"{{"name":"V{at}","value":"{value}"}}"#));
    // Their protocol is a default.
    let lacking = joined(&|at| format!(r#"{{"port":{at},"name":"{value}-{at}"}}"#));
    let members = joined(&|at| format!(r#""k{at}":"{value}""#));
    let set = joined(&|at| format!(r#""example.com/{at}""#));
    let object = |kind: &str, rest: &str| {
        json(&format!(r#"{{{kind},"metadata":{{"name":"a","namespace":"b"}},{rest}}}"#))
    };
    let config_map = r#""apiVersion":"v1","kind":"ConfigMap""#;
    [
        (
            object(
                r#""apiVersion":"v1","kind":"Pod""#,
                &format!(r#""spec":{{"containers":[{{"name":"app","env":[{keyed}]}}]}}"#),
            ),
            Class::Conflict,
        ),
        (
            object(
                r#""apiVersion":"v1","kind":"Service""#,
                &format!(r#""spec":{{"ports":[{lacking}]}}"#),
            ),
            Class::Conflict,
        ),
        (object(config_map, &format!(r#""data":{{{members}}}"#)), Class::Conflict),
        (
            json(&format!(
                r#"{{{config_map},"metadata":{{"name":"a","namespace":"b","finalizers":[{set}]}}}}"#
            )),
            Class::Agree,
        ),
    ]
}

/// Four times the items take some four times as long; a search of the list for each of them would
/// take sixteen times.
#[test]
fn long_lists_are_fought_over_in_time() {
    let schemas = Schemas::builtin();
    let (few, many) = if cfg!(debug_assertions) { (500, 2_000) } else { (4_000, 16_000) };
    let [small, large] = [few, many].map(|parts| ["1", "2"].map(|value| long(parts, value)));
    let time = |[ours, theirs]: &[[(Value, Class); 4]; 2], shape: usize, parts: usize| {
        let (config, class) = &ours[shape];
        let wants = [("us", config), ("them", &theirs[shape].0)];
        let wants = wants.map(|(manager, config)| Want { manager, config });
        let start = Instant::now();
        let contest = ConflictFinder::new(&schemas).find(None, &wants, &[]);
        let took = start.elapsed();
        let found = contest.findings().iter().filter(|found| found.class() == *class);
        assert!(found.count() >= parts);
        took
    };
    for shape in 0..4 {
        // The machine may be busy with something else for a while.
        let soon = (0..5).any(|_| time(&large, shape, many) < 10 * time(&small, shape, few));
        assert!(soon, "shape {shape}: {many} parts take more than ten times as long as {few}");
    }
}
