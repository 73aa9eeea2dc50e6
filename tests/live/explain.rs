//! Differences that are the server's doing, beyond the field manager.

use super::support::json::Json;

/// One explained difference. It is about one path of objects of a kind, and never about entries: a
/// manager's set is always compared.
struct Rule {
    name: &'static str,
    kind: &'static str,
    /// Names of fields; `*` is any item.
    path: &'static [&'static str],
    /// What in the server makes the difference.
    cause: &'static str,
    when: When,
}

/// Where a rule counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// The server fills in, changes or drops the field after ownership is recorded: the object that
    /// the crate is given has it as it was sent or, of a patch that does not speak of it, as it was.
    /// Below lists, whose items may have moved, it is only taken out where neither has it.
    ChangedAfter,
    /// As `ChangedAfter`, of new objects alone.
    ChangedAfterCreate,
    /// The server drops the field after ownership is recorded: the object that the crate is given has
    /// it as it was sent or, of a patch that does not speak of it, as it was.
    DroppedAfter,
    /// The server stores an empty list as none after ownership is recorded: the object that the crate
    /// is given has it as it was sent.
    EmptiedAfter,
    /// The endpoint of this subresource sets the field back after ownership is recorded: the object
    /// that the crate is given has it as it was sent.
    SetBackThrough(&'static str),
    /// The field of a new object differs.
    New,
    /// The crate's object has the field empty, the stored one not at all.
    Empty,
}

/// Stands for every kind.
const ANY_KIND: &str = "*";

const EMPTY_METADATA: &str =
    "the server keeps metadata in a type of its own, which is written without empty lists and maps";
const ADMISSION: &str = "admission plugins change a new object after ownership is recorded";

const SET_BACK: &str = "the endpoint of a custom resource sets it back after ownership is recorded";
const GENERATED: &str = "the strategy of jobs generates it after ownership is recorded";
const ALLOCATED: &str = "the storage of services allocates it after ownership is recorded";

const RULES: &[Rule] = &[
    Rule {
        name: "empty labels",
        kind: ANY_KIND,
        path: &["metadata", "labels"],
        cause: EMPTY_METADATA,
        when: When::Empty,
    },
    Rule {
        name: "empty annotations",
        kind: ANY_KIND,
        path: &["metadata", "annotations"],
        cause: EMPTY_METADATA,
        when: When::Empty,
    },
    Rule {
        name: "empty finalizers",
        kind: ANY_KIND,
        path: &["metadata", "finalizers"],
        cause: EMPTY_METADATA,
        when: When::Empty,
    },
    Rule {
        name: "empty owner references",
        kind: ANY_KIND,
        path: &["metadata", "ownerReferences"],
        cause: EMPTY_METADATA,
        when: When::Empty,
    },
    Rule {
        name: "first status",
        kind: ANY_KIND,
        path: &["status"],
        cause: "strategies give a new object its first status",
        when: When::New,
    },
    Rule {
        name: "status of widgets",
        kind: "Widget",
        path: &["status"],
        cause: SET_BACK,
        when: When::SetBackThrough(""),
    },
    Rule {
        name: "status of flows",
        kind: "Flow",
        path: &["status"],
        cause: SET_BACK,
        when: When::SetBackThrough(""),
    },
    Rule {
        name: "status of blobs",
        kind: "Blob",
        path: &["status"],
        cause: SET_BACK,
        when: When::SetBackThrough(""),
    },
    Rule {
        name: "specification of widgets",
        kind: "Widget",
        path: &["spec"],
        cause: SET_BACK,
        when: When::SetBackThrough("status"),
    },
    Rule {
        name: "specification of flows",
        kind: "Flow",
        path: &["spec"],
        cause: SET_BACK,
        when: When::SetBackThrough("status"),
    },
    Rule {
        name: "specification of blobs",
        kind: "Blob",
        path: &["spec"],
        cause: SET_BACK,
        when: When::SetBackThrough("status"),
    },
    Rule {
        name: "data of blobs",
        kind: "Blob",
        path: &["data"],
        cause: SET_BACK,
        when: When::SetBackThrough("status"),
    },
    Rule {
        name: "labels of jobs",
        kind: "Job",
        path: &["metadata", "labels"],
        cause: GENERATED,
        when: When::ChangedAfterCreate,
    },
    Rule {
        name: "selector of jobs",
        kind: "Job",
        path: &["spec", "selector"],
        cause: GENERATED,
        when: When::ChangedAfterCreate,
    },
    Rule {
        name: "labels of the pods of jobs",
        kind: "Job",
        path: &["spec", "template", "metadata", "labels"],
        cause: GENERATED,
        when: When::ChangedAfterCreate,
    },
    Rule {
        name: "address of services",
        kind: "Service",
        path: &["spec", "clusterIP"],
        cause: ALLOCATED,
        when: When::ChangedAfter,
    },
    Rule {
        name: "addresses of services",
        kind: "Service",
        path: &["spec", "clusterIPs"],
        cause: ALLOCATED,
        when: When::ChangedAfter,
    },
    Rule {
        name: "families of services",
        kind: "Service",
        path: &["spec", "ipFamilies"],
        cause: ALLOCATED,
        when: When::ChangedAfter,
    },
    Rule {
        name: "family policy of services",
        kind: "Service",
        path: &["spec", "ipFamilyPolicy"],
        cause: ALLOCATED,
        when: When::ChangedAfter,
    },
    Rule {
        name: "node ports of services",
        kind: "Service",
        path: &["spec", "ports", "*", "nodePort"],
        cause: ALLOCATED,
        when: When::ChangedAfter,
    },
    Rule {
        name: "traffic policy of services",
        kind: "Service",
        path: &["spec", "externalTrafficPolicy"],
        cause: "the storage of services drops what their type has no use for after ownership is recorded",
        when: When::DroppedAfter,
    },
    Rule {
        name: "empty rules of roles",
        kind: "ClusterRole",
        path: &["rules"],
        cause: "storage makes no difference between an empty list and none",
        when: When::EmptiedAfter,
    },
    Rule {
        name: "taints of nodes",
        kind: "Node",
        path: &["spec", "taints"],
        cause: ADMISSION,
        when: When::ChangedAfter,
    },
    Rule {
        name: "priority of pods",
        kind: "Pod",
        path: &["spec", "priority"],
        cause: ADMISSION,
        when: When::ChangedAfter,
    },
    Rule {
        name: "preemption policy of pods",
        kind: "Pod",
        path: &["spec", "preemptionPolicy"],
        cause: ADMISSION,
        when: When::ChangedAfter,
    },
    Rule {
        name: "tolerations of pods",
        kind: "Pod",
        path: &["spec", "tolerations"],
        cause: ADMISSION,
        when: When::ChangedAfter,
    },
];

/// Every rule with its cause.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let refusals = [
        (NULLS, "validation refuses them, and decoding drops them"),
        (SCALE_OF_CUSTOM_RESOURCE, "the server converts the Scale as if it were its parent"),
        (
            ORDER,
            "pruning, the server goes through versions in random order: asked again, it agrees",
        ),
        (UID, "storage compares it before validation does, and tells of its own key"),
    ];
    RULES.iter().map(|rule| (rule.name, rule.cause)).chain(refusals)
}

/// A refusal that is explained: nothing is stored, so no set is involved.
pub const SCALE_OF_CUSTOM_RESOURCE: &str = "apply to the scale of a custom resource";

/// Another.
pub const NULLS: &str = "nulls where maps and lists were";

/// Whether the server's validation refused nulls, all of which are in the crate's object too: a map
/// or list that loses everything in it becomes null. An object that is sent with them loses them
/// before it is validated, so that the server cannot be asked.
pub fn is_refusal_of_nulls(answer: &Json, object: &Json) -> bool {
    let causes = answer.get("details").and_then(|details| details.get("causes"));
    let causes = causes.map(Json::items).unwrap_or_default();
    !causes.is_empty()
        && causes.iter().all(|cause| {
            let mut at = cause.str_of("field").split('.');
            let found = at.try_fold(object, |inner, name| inner.get(name));
            cause.str_of("message").starts_with("Invalid value: \"null\"")
                && found.is_some_and(Json::is_null)
        })
}

/// What is left of `.spec` of a custom resource whose versions own it differently, and which managers
/// own at several versions.
pub const ORDER: &str = "order of versions";

/// Another.
pub const UID: &str = "uid of another object in a PUT";

/// Whether both refuse a PUT because of `metadata.uid`, the server already in storage.
pub fn is_refusal_of_uid(request: &Json, answer: &Json, own: &Json) -> bool {
    request.str_of("verb") == "update"
        && answer.str_of("message").contains("Precondition failed: UID in precondition: ")
        && ["metadata.uid: Invalid value: ", "the object has been modified"]
            .iter()
            .any(|words| own.str_of("message").contains(words))
}

/// Whether the server refused an apply to the scale of a custom resource, whatever is in it: it
/// converts the Scale as if it were the custom resource.
pub fn is_scale_of_custom_resource(request: &Json, answer: &Json) -> bool {
    request.str_of("subresource") == "scale"
        && request.get("served").is_some()
        && request.str_of("verb") == "apply"
        && answer
            .str_of("message")
            .ends_with("request to convert CR to an invalid group/version: autoscaling/v1")
}

/// Makes of the object that is stored the one whose ownership was recorded. Says which rules were
/// needed.
pub fn undo(record: &Json, object: &mut Json) -> Vec<&'static str> {
    let part = |key: &str| record.get(key).unwrap_or(&Json::Null);
    let request = part("request");
    let sent = record.get("made").or(request.get("body")).unwrap_or(&Json::Null);
    // What such a patch does not speak of stays as it is.
    let is_partial = request.str_of("patch") == "strategic";
    let live = if is_partial { part("live") } else { &Json::Null };
    hits(request.str_of("kind"), |rule| match rule.when {
        When::ChangedAfter | When::DroppedAfter => {
            restore(rule.when, rule.path, live, sent, object)
        }
        When::ChangedAfterCreate => {
            part("live").is_null() && restore(rule.when, rule.path, live, sent, object)
        }
        When::SetBackThrough(subresource) => {
            subresource == request.str_of("subresource")
                && restore(rule.when, rule.path, live, sent, object)
        }
        When::EmptiedAfter => restore(rule.when, rule.path, &Json::Null, sent, object),
        _ => false,
    })
}

fn hits(kind: &str, mut needs: impl FnMut(&Rule) -> bool) -> Vec<&'static str> {
    let mut hits = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.kind == ANY_KIND || rule.kind == kind) {
        if needs(rule) {
            hits.push(rule.name);
        }
    }
    hits
}

fn is_empty(value: &Json) -> bool {
    value.is_null() || value.items().is_empty() && value.members().is_empty() && !value.is_scalar()
}

/// Sets back a field. False if it was so already.
fn restore(when: When, path: &[&str], live: &Json, sent: &Json, object: &mut Json) -> bool {
    // What is empty is not written at all, but for those of the rule.
    let counts = |value: &Json| match when {
        When::EmptiedAfter => *value == Json::List(Vec::new()),
        When::SetBackThrough(_) => true,
        _ => !is_empty(value),
    };
    let within = |root: &Json, name: &str| root.get(name).cloned().unwrap_or(Json::Null);
    match (path, object) {
        ([list, "*", name], object) => {
            let (live, sent) = (within(live, list), within(sent, list));
            let Some(Json::List(items)) = object.get_mut(list) else { return false };
            let mut any = false;
            for (index, item) in items.iter_mut().enumerate() {
                let has =
                    |list: &Json| list.items().get(index).is_some_and(|i| i.get(name).is_some());
                any |= !has(&live) && !has(&sent) && item.remove(name).is_some();
            }
            any
        }
        ([name], object @ Json::Map(_)) => {
            let known = sent.get(name).or(live.get(name)).filter(|value| counts(value));
            match known {
                Some(value) if object.get(name) != Some(value) => object.set(name, value.clone()),
                None if when != When::DroppedAfter && object.get(name).is_some_and(counts) => {
                    object.remove(name);
                }
                _ => return false,
            }
            true
        }
        ([name, rest @ ..], object) => {
            let (live, sent) = (within(live, name), within(sent, name));
            object.get_mut(name).is_some_and(|inner| restore(when, rest, &live, &sent, inner))
        }
        _ => false,
    }
}

/// Makes equal in both objects what rules explain, where it differs. Says which rules were needed.
pub fn forget(kind: &str, is_new: bool, expected: &mut Json, got: &mut Json) -> Vec<&'static str> {
    hits(kind, |rule| match rule.when {
        When::ChangedAfter | When::DroppedAfter | When::EmptiedAfter => {
            equalise(rule.path, expected, got, &|_, _| true)
        }
        // The crate sets it back itself.
        When::SetBackThrough(_) => false,
        When::New | When::ChangedAfterCreate => {
            is_new && equalise(rule.path, expected, got, &|_, _| true)
        }
        When::Empty => equalise(rule.path, expected, got, &|stored, got| {
            stored.is_none() && got.is_some_and(is_empty)
        }),
    })
}

fn equalise(
    path: &[&str],
    expected: &mut Json,
    got: &mut Json,
    applies: &dyn Fn(Option<&Json>, Option<&Json>) -> bool,
) -> bool {
    match (path, expected, got) {
        ([name], expected, got) => {
            let (stored, own) = (expected.get(name), got.get(name));
            let differs = stored != own && applies(stored, own);
            if differs {
                expected.remove(name);
                got.remove(name);
            }
            differs
        }
        (["*", rest @ ..], Json::List(expected), Json::List(got)) => {
            let mut any = false;
            for (expected, got) in expected.iter_mut().zip(got) {
                any |= equalise(rest, expected, got, applies);
            }
            any
        }
        ([name, rest @ ..], expected, got) => match (expected.get_mut(name), got.get_mut(name)) {
            (Some(expected), Some(got)) => equalise(rest, expected, got, applies),
            _ => false,
        },
        _ => false,
    }
}
