//! Rules of definitions of custom resources: what their schemas make of ownership.

use std::collections::BTreeMap;

use crate::analysis::Severity;
use crate::schema::Problem;
use crate::value::{Kind, ValueRef};

use super::rule::{Check, Input, Rule};
use super::schema_walk::{Node, property, requires};
use super::subject::{Hit, Subject, Told};

const DEFINITION: &[Input] = &[Input::Definition];

pub(super) const UNTAGGED_LIST: Rule = Rule {
    id: "MF001",
    name: "untagged-list",
    severity: Severity::Note,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "A list of objects without x-kubernetes-list-type is owned as a whole: two appliers cannot \
                  each keep items in it, and whoever applies one item replaces all. What stands inside of \
                  something that is owned as a whole anyway is passed over.",
    remedy: "Say `x-kubernetes-list-type: map` with the keys that tell items apart, or `atomic` if one \
             applier is to have the list.",
    check: Check::Object(untagged_list),
};

/// Fields by which items of lists are told apart, where they are required.
const LIKELY_KEYS: [&str; 5] = ["name", "key", "id", "type", "ip"];

fn untagged_list(subject: &Subject<'_>, told: &mut Told) {
    let walked = subject.walked();
    for (_, node) in walked.nodes() {
        let Some(items) = node.object_items() else { continue };
        if node.whole.is_some() || node.list_type().is_some() || is_conditions(node) {
            continue;
        }
        told.tell(|| {
            let key = LIKELY_KEYS.into_iter().find(|key| requires(items, key));
            let likely = key.map_or_else(String::new, |key| {
                format!("; its items have a required {key}, by which they may be told apart")
            });
            Hit::of_schema(walked, node, format!("the list is owned as a whole{likely}"))
        });
    }
}

pub(super) const OPTIONAL_KEY: Rule = Rule {
    id: "MF002",
    name: "optional-key",
    severity: Severity::Error,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "A key of a list of type map is neither required nor has a default: items could lack what \
                  tells them apart. An API server refuses such a definition.",
    remedy: "Make the key required, or give it a default.",
    check: Check::Object(optional_key),
};

fn optional_key(subject: &Subject<'_>, told: &mut Told) {
    let walked = subject.walked();
    let keyed = |node: &Node<'_>| node.list_type().as_deref() == Some("map");
    for (_, node) in walked.nodes().filter(|(_, node)| keyed(node)) {
        let Some(items) = node.object_items() else { continue };
        let is_optional = |key: &str| {
            let declared = property(items, key);
            declared.is_some_and(|declared| declared.get("default").is_none())
                && !requires(items, key)
        };
        for key in node.list_keys().filter(|key| is_optional(key)) {
            told.tell(|| {
                let message = format!("the key {key} is neither required nor has a default");
                Hit::of_schema(walked, node, message)
            });
        }
    }
}

pub(super) const ATOMIC_LABELS: Rule = Rule {
    id: "MF020",
    name: "atomic-labels",
    severity: Severity::Warning,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "A map of labels or annotations that is owned as a whole belongs to one applier, while \
                  several usually add to it.",
    remedy: "Leave `x-kubernetes-map-type: atomic` out.",
    check: Check::Object(atomic_labels),
};

fn atomic_labels(subject: &Subject<'_>, told: &mut Told) {
    let walked = subject.walked();
    let is_meant = |node: &Node<'_>| {
        let name = node.name.to_ascii_lowercase();
        node.is_property()
            && (name.ends_with("labels") || name.ends_with("annotations"))
            && node.schema.get("additionalProperties").is_some()
            && node.map_type().as_deref() == Some("atomic")
    };
    for (_, node) in walked.nodes().filter(|(_, node)| is_meant(node)) {
        told.tell(|| Hit::of_schema(walked, node, "the map is owned as a whole"));
    }
}

pub(super) const UNTAGGED_CONDITIONS: Rule = Rule {
    id: "MF021",
    name: "untagged-conditions",
    severity: Severity::Warning,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "A list of conditions that is not of type map is owned as a whole: two controllers that \
                  report conditions overwrite each other's.",
    remedy: "Say `x-kubernetes-list-type: map` and `x-kubernetes-list-map-keys: [type]`.",
    check: Check::Object(untagged_conditions),
};

/// The conditions of a status or of a part of it.
fn is_conditions(node: &Node<'_>) -> bool {
    let Some(items) = node.object_items().filter(|_| node.name == "conditions") else {
        return false;
    };
    ["type", "status"].iter().all(|name| property(items, name).is_some())
}

fn untagged_conditions(subject: &Subject<'_>, told: &mut Told) {
    let walked = subject.walked();
    let is_meant = |node: &Node<'_>| {
        node.whole.is_none() && is_conditions(node) && node.list_type().as_deref() != Some("map")
    };
    for (_, node) in walked.nodes().filter(|(_, node)| is_meant(node)) {
        told.tell(|| Hit::of_schema(walked, node, "the conditions are owned as a whole"));
    }
}

pub(super) const MARK_WITHOUT_EFFECT: Rule = Rule {
    id: "MF022",
    name: "mark-without-effect",
    severity: Severity::Note,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "Something that is owned as a whole holds lists or maps that say how their parts are owned. \
                  They are not owned by parts: the outermost whole decides. Told once for each such whole.",
    remedy: "Give the outer list a type that has its items owned one by one, or leave the marks out.",
    check: Check::Object(mark_without_effect),
};

fn mark_without_effect(subject: &Subject<'_>, told: &mut Told) {
    let walked = subject.walked();
    // By the outermost whole: how many, and the first.
    let mut marks: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (at, node) in walked.nodes() {
        let Some(whole) = node.whole else { continue };
        let of_list = matches!(node.list_type().as_deref(), Some("map" | "set"));
        if of_list || node.map_type().as_deref() == Some("granular") {
            marks.entry(whole).or_insert((0, at)).0 += 1;
        }
    }
    for (whole, (count, first)) in marks {
        let (Some(whole), Some(first)) = (walked.node(whole), walked.node(first)) else { continue };
        told.tell(|| {
            let plural =
                if count == 1 { "mark inside of it has" } else { "marks inside of it have" };
            let first = walked.field(first);
            let message =
                format!("it is owned as a whole: {count} {plural} no effect, the first at {first}");
            Hit::of_schema(walked, whole, message)
        });
    }
}

pub(super) const INT_OR_STRING_WITH_TYPE: Rule = Rule {
    id: "MF023",
    name: "int-or-string-with-type",
    severity: Severity::Warning,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "A schema says x-kubernetes-int-or-string and a type. The type wins where fields are merged: \
                  an apply with a value of the other kind is refused, though an update with it is not.",
    remedy: "Leave the type out.",
    check: Check::Object(int_or_string_with_type),
};

fn int_or_string_with_type(subject: &Subject<'_>, told: &mut Told) {
    let walked = subject.walked();
    for (_, node) in walked.nodes() {
        let Some(ty) = node.says("type").filter(|_| node.is_set("x-kubernetes-int-or-string"))
        else {
            continue;
        };
        told.tell(|| {
            let message = format!("it is an int or a string, and is said to be of type {ty}");
            Hit::of_schema(walked, node, message)
        });
    }
}

pub(super) const DEFAULT_OF_ANOTHER_TYPE: Rule = Rule {
    id: "MF025",
    name: "default-of-another-type",
    severity: Severity::Error,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "A default is not of the type of its field, so that an API server refuses the definition. \
                  Texts such as `on` and `no` are booleans in YAML unless they are quoted.",
    remedy: "Quote the text, or write a value of the type.",
    check: Check::Object(default_of_another_type),
};

fn default_of_another_type(subject: &Subject<'_>, told: &mut Told) {
    let walked = subject.walked();
    for (_, node) in walked.nodes() {
        let Some(default) = node.schema.get("default") else { continue };
        let Some(ty) = node.says("type") else { continue };
        let is_null = default.kind() == Kind::Null && node.is_set("nullable");
        if is_null || node.is_set("x-kubernetes-int-or-string") || is_of(&ty, default) {
            continue;
        }
        told.tell(|| {
            let message = format!("the default is {}, not of type {ty}", default.kind().in_words());
            Hit::of_schema(walked, node, message)
        });
    }
}

fn is_of(ty: &str, value: ValueRef<'_>) -> bool {
    match (ty, value.kind()) {
        ("number" | "integer", Kind::Int) => true,
        ("number", Kind::Float) => true,
        // 1.0 is an integer for JSON schema.
        ("integer", Kind::Float) => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        ("string", Kind::String) => true,
        ("boolean", Kind::Bool) => true,
        ("array", Kind::List) | ("object", Kind::Map) => true,
        (ty, _) => !["number", "integer", "string", "boolean", "array", "object"].contains(&ty),
    }
}

pub(super) const SAID_TO_NO_EFFECT: Rule = Rule {
    id: "MF026",
    name: "said-to-no-effect",
    severity: Severity::Warning,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "The definition says something that has no effect on ownership, or hardly the one that was \
                  meant. Above all a schema that is not structural: of it no types are made, and all lists of \
                  the objects are owned as a whole.",
    remedy: "Change what the finding names.",
    check: Check::Object(said_to_no_effect),
};

fn said_to_no_effect(subject: &Subject<'_>, told: &mut Told) {
    let Ok(resource) = subject.definition() else { return };
    tell_all(resource.remarks(), told);
}

pub(super) const REFUSED_DEFINITION: Rule = Rule {
    id: "MF027",
    name: "refused-definition",
    severity: Severity::Error,
    inputs: DEFINITION,
    is_fixable: false,
    explanation: "An API server makes no types of this definition, so that objects of its kind cannot be \
                  applied.",
    remedy: "Change what the finding names.",
    check: Check::Object(refused_definition),
};

fn refused_definition(subject: &Subject<'_>, told: &mut Told) {
    let Err(error) = subject.definition() else { return };
    tell_all(error.problems(), told);
    if error.problems().is_empty() {
        told.tell(|| Hit::new(crate::fieldpath::Path::default(), error.to_string()));
    }
}

fn tell_all(problems: &[Problem], told: &mut Told) {
    for problem in problems {
        told.tell(|| Hit::new(problem.path().clone(), problem.message()));
    }
}
