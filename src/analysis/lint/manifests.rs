//! Rules of what is written to be applied.

use crate::analysis::Severity;
use crate::managedfields::{ManagedFieldsEntry, Operation};
use crate::value::Kind;

use super::rule::{Check, Input, Rule};
use super::subject::{Hit, Subject, Told, fields};
use super::values::{self, Step};

pub(super) const NULL_OR_EMPTY: Rule = Rule {
    id: "MF004",
    name: "null-or-empty",
    severity: Severity::Warning,
    inputs: &[Input::Manifest],
    is_fixable: true,
    explanation: "A null is a claim: whoever applies it owns the field and keeps others from setting it, \
                  though nothing of use is stored. So is an empty map or list in metadata, and an empty status \
                  of kinds without a status subresource; that of others is noise. Empty maps elsewhere are \
                  passed over: many mean something, such as emptyDir. So are the values of Helm releases.",
    remedy: "Leave the field out.",
    check: Check::Object(null_or_empty),
};

fn null_or_empty(subject: &Subject<'_>, told: &mut Told) {
    values::each(subject.root(), &mut |way, value| {
        let [before @ .., last] = way else { return };
        // A status as a whole is one finding of another rule.
        if before.first().is_some_and(|first| first.is("status")) {
            return;
        }
        if value.kind() == Kind::Null {
            if !is_creation_time(way) && !is_of_program(way) {
                let is_of_server = is_in_metadata(before) || before.is_empty() && last.is("status");
                let message = "null is a value: it claims the field for whoever applies it";
                told.tell(|| removed_if(is_of_server, Hit::new(values::path(way), message)));
            }
            return;
        }
        let is_status = before.is_empty() && last.is("status");
        let is_empty = matches!(value.kind(), Kind::Map | Kind::List) && value.is_empty();
        if is_empty && !is_of_program(way) && (is_status || is_in_metadata(before)) {
            let message = match is_status {
                true => "it is empty, and the status is not for whoever applies the object",
                false => "it is empty, and yet whoever applies it owns it",
            };
            told.tell(|| Hit::new(values::path(way), message).removed());
        }
    });
}

fn removed_if(is_sure: bool, hit: Hit) -> Hit {
    if is_sure { hit.removed() } else { hit }
}

/// In the metadata of the object, or of what a template in it makes.
fn is_in_metadata(before: &[Step<'_>]) -> bool {
    let [around @ .., last] = before else { return false };
    let is_template = |names: &[Step<'_>]| {
        matches!(names, [.., Step::Field(name)] if name.to_ascii_lowercase().ends_with("template"))
            || matches!(names, [.., Step::Field(name), Step::Index(_)] if name.ends_with("Templates"))
    };
    last.is("metadata") && (around.is_empty() || is_template(around))
}

/// In what an object has for another program, to which a null or an empty map may say something: the
/// values of a Helm release.
fn is_of_program(way: &[Step<'_>]) -> bool {
    way.iter()
        .any(|step| ["values", "valuesObject", "valuesInline"].iter().any(|name| step.is(name)))
}

pub(super) const NULL_CREATION_TIME: Rule = Rule {
    id: "MF005",
    name: "null-creation-timestamp",
    severity: Severity::Warning,
    inputs: &[Input::Manifest],
    is_fixable: true,
    explanation: "Generators write `creationTimestamp: null` for objects that do not exist yet. In a \
                  template it is a field that the applier owns; elsewhere it is noise.",
    remedy: "Leave it out.",
    check: Check::Object(null_creation_time),
};

fn null_creation_time(subject: &Subject<'_>, told: &mut Told) {
    values::each(subject.root(), &mut |way, value| {
        if value.kind() == Kind::Null && is_creation_time(way) && !is_of_program(way) {
            let message = "null is no time, and only the API server sets it";
            told.tell(|| Hit::new(values::path(way), message).removed());
        }
    });
}

fn is_creation_time(way: &[Step<'_>]) -> bool {
    matches!(way, [before @ .., last] if last.is("creationTimestamp") && is_in_metadata(before))
}

pub(super) const SERVER_METADATA: Rule = Rule {
    id: "MF006",
    name: "server-metadata",
    severity: Severity::Error,
    inputs: &[Input::Manifest],
    is_fixable: true,
    explanation: "What the API server keeps in metadata has no place in what is applied. With \
                  managedFields an apply is refused; with a resourceVersion or uid it is refused as soon \
                  as the object has another one; the rest is passed over. It gets there when a stored \
                  object is saved as a manifest.",
    remedy: "Leave it out; `kubectl apply view-last-applied` or `managed-fields extract` print what was \
             applied.",
    check: Check::Object(server_metadata),
};

/// Where kubectl keeps what it applied on the client's side.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What the API server sets, and what comes of stating it.
const OF_SERVER: [(&str, &str); 7] = [
    ("managedFields", "an apply that states it is refused"),
    ("resourceVersion", "an apply is refused once the object has changed"),
    ("uid", "an apply is refused where the object was made anew"),
    ("creationTimestamp", "only the API server sets it"),
    ("deletionTimestamp", "only the API server sets it"),
    ("generation", "only the API server sets it"),
    ("selfLink", "it is not served any more"),
];

fn server_metadata(subject: &Subject<'_>, told: &mut Told) {
    let Some(metadata) = subject.metadata() else { return };
    for (name, message) in OF_SERVER {
        if metadata.get(name).is_some_and(|value| value.kind() != Kind::Null) {
            told.tell(|| Hit::new(fields(["metadata", name]), message).removed());
        }
    }
    let annotations = metadata.get("annotations");
    if annotations.is_some_and(|annotations| annotations.get(LAST_APPLIED).is_some()) {
        let message = "it is what client-side apply last wrote, not a part of the configuration";
        let path = fields(["metadata", "annotations", LAST_APPLIED]);
        // An empty map of annotations would be left, which is another finding.
        let is_alone = annotations.is_some_and(|annotations| annotations.len() == 1);
        let removal = if is_alone { fields(["metadata", "annotations"]) } else { path.clone() };
        told.tell(|| Hit::new(path, message).without(vec![removal]));
    }
}

pub(super) const REPEATED_KEY: Rule = Rule {
    id: "MF007",
    name: "repeated-key",
    severity: Severity::Error,
    inputs: &[Input::Manifest, Input::Live],
    is_fixable: false,
    explanation: "A key stands in its map more than once. The API server takes the last one and warns, or \
                  refuses the request; other readers take the first one.",
    remedy: "Keep one of them.",
    check: Check::Text,
};

pub(super) const APPLIED_STATUS: Rule = Rule {
    id: "MF014",
    name: "applied-status",
    severity: Severity::Warning,
    inputs: &[Input::Manifest, Input::Live],
    is_fixable: false,
    explanation: "A status is set through the object itself. Kinds with a status subresource pass it over, \
                  so that it seems applied and is not; in other kinds it is fought over with the controller \
                  that reports there.",
    remedy: "Leave the status to its controller, which writes it through the status subresource.",
    check: Check::Object(applied_status),
};

fn applied_status(subject: &Subject<'_>, told: &mut Told) {
    if subject.input == Input::Manifest {
        if subject.root().get("status").is_some_and(|status| !status.is_empty()) {
            told.tell(|| Hit::new(fields(["status"]), "what is applied states a status"));
        }
        return;
    }
    for entry in subject.entries() {
        let manager = &entry.manager;
        let applies = manager.operation() == Operation::Apply && manager.subresource().is_empty();
        if applies && owns_of_status(entry) {
            let message = format!("{} applies .status through the object itself", manager.name());
            told.tell(|| Hit::new(subject.path_of(entry), message));
        }
    }
}

fn owns_of_status(entry: &ManagedFieldsEntry) -> bool {
    entry.fields.as_set_ref().children().any(|child| child.token == b"f:status")
}
