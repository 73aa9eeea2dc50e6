//! Rules of what a stored object records of its managers.

use std::collections::{BTreeSet, HashMap};

use crate::analysis::Severity;
use crate::analysis::blame::{Blame, BlamedField, Standing};
use crate::analysis::rule::{Merging, SchemaRule};
use crate::fieldmanager::Lookup;
use crate::fieldpath::{FieldSet, Path, PathElement};
use crate::managedfields::{ManagedFieldsEntry, Operation};
use crate::schema::GroupVersionKind;
use crate::value::ValueRef;

use super::rule::{Check, Input, Rule};
use super::subject::{Hit, Subject, Told, fields};

const LIVE: &[Input] = &[Input::Live];

/// `kubectl-edit (Update)`, `kube-controller-manager (Update/scale)`.
fn who(entry: &ManagedFieldsEntry) -> String {
    let manager = &entry.manager;
    let (name, operation) = (manager.name(), manager.operation().as_str());
    match manager.subresource() {
        "" => format!("{name} ({operation})"),
        subresource => format!("{name} ({operation}/{subresource})"),
    }
}

fn is_applier(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.operation() == Operation::Apply
}

pub(super) const STALE_VERSION: Rule = Rule {
    id: "MF008",
    name: "stale-version",
    severity: Severity::Warning,
    inputs: LIVE,
    is_fixable: false,
    explanation: "An entry is of an API version of the kind that is not known any more. The API server cannot \
                  read what it owns in today's version: the entry is dropped at the next apply, and its \
                  fields stay without that owner.",
    remedy: "Give the schema of the version with --schema if it is still served; if not, `managed-fields plan \
             migrate-version` brings the entry to one that is.",
    check: Check::Object(stale_version),
};

fn stale_version(subject: &Subject<'_>, told: &mut Told) {
    // Of a kind that is known here all versions are.
    if !subject.has_schema() || subject.schemas.find(&subject.kind).is_none() {
        return;
    }
    for entry in subject.entries() {
        let version = &entry.api_version;
        let kind = GroupVersionKind::new(version, &subject.kind.kind);
        if subject.kind.is_of_version(version) || subject.schemas.find(&kind).is_some() {
            continue;
        }
        told.tell(|| {
            let message =
                format!("the entry of {} is of {version}, which is not known", who(entry));
            Hit::new(subject.path_of(entry), message)
        });
    }
}

pub(super) const GENERIC_MANAGER: Rule = Rule {
    id: "MF009",
    name: "generic-manager",
    severity: Severity::Note,
    inputs: LIVE,
    is_fixable: false,
    explanation: "A manager is called as many programs are: by the default of a library, or by the front of a \
                  user agent. Two such programs are one manager: they take fields from each other without a \
                  conflict, and an apply of one removes what the other applied.",
    remedy: "Have the program say a fieldManager of its own.",
    check: Check::Object(generic_manager),
};

/// What clients are called that were not given a name.
const GENERIC: [&str; 26] = [
    "manager",
    "main",
    "app",
    "server",
    "client",
    "controller",
    "operator",
    "default",
    "unknown",
    "exe",
    "__debug_bin",
    "node",
    "node-fetch",
    "axios",
    "okhttp",
    "java",
    "python",
    "python-requests",
    "curl",
    "Mozilla",
    "Go-http-client",
    "OpenAPI-Generator",
    "Swagger-Codegen",
    "fabric8-kubernetes-client",
    "kubernetes-client",
    "rest-client",
];

fn generic_manager(subject: &Subject<'_>, told: &mut Told) {
    for entry in subject.entries() {
        let name = entry.manager.name();
        if GENERIC.iter().any(|generic| generic.eq_ignore_ascii_case(name)) {
            told.tell(|| {
                let message = format!("many programs are called {name}");
                Hit::new(subject.path_of(entry), message)
            });
        }
    }
}

pub(super) const BEFORE_FIRST_APPLY: Rule = Rule {
    id: "MF010",
    name: "owner-without-writer",
    severity: Severity::Warning,
    inputs: LIVE,
    is_fixable: false,
    explanation: "`before-first-apply` and `ancient-changes` are no programs: the API server made them of \
                  writes whose writers it does not know any more. Nobody ever applies as them, so what they \
                  own is not removed when everybody else drops it.",
    remedy: "Hand their fields to who has them now: `managed-fields plan adopt --from before-first-apply \
             --to NAME`.",
    check: Check::Object(owner_without_writer),
};

fn owner_without_writer(subject: &Subject<'_>, told: &mut Told) {
    for entry in subject.entries() {
        let name = entry.manager.name();
        if matches!(name, "before-first-apply" | "ancient-changes") {
            told.tell(|| {
                let message =
                    format!("{name} owns {}, and nobody writes as it", count(&entry.fields));
                Hit::new(subject.path_of(entry), message)
            });
        }
    }
}

fn count(fields: &FieldSet) -> String {
    match fields.len() {
        1 => "1 field".to_owned(),
        count => format!("{count} fields"),
    }
}

/// The first field, and how many more there are.
fn first_of(fields: &FieldSet) -> String {
    let is_of_metadata = |path: &Path| matches!(path.elements().first(), Some(PathElement::FieldName(name)) if name == "metadata");
    let all = fields.leaves();
    let first = all.iter().find(|path| !is_of_metadata(path)).or_else(|| all.iter().next());
    let first = first.map(|path| path.to_string()).unwrap_or_default();
    match all.len() {
        0 | 1 => first,
        count => format!("{first} and {} more", count - 1),
    }
}

pub(super) const APPLIED_BOTH_WAYS: Rule = Rule {
    id: "MF011",
    name: "applied-both-ways",
    severity: Severity::Warning,
    inputs: LIVE,
    is_fixable: false,
    explanation: "A tool owns the same fields by client-side and by server-side apply. When it drops one of \
                  them, the apply entry gives it up and the update entry keeps it: the field stays for good.",
    remedy: "Merge the entries: `managed-fields plan adopt --from OLD --to NAME`.",
    check: Check::Object(applied_both_ways),
};

/// Who is behind a manager: kubectl has a name of its own for client-side apply.
fn tool(name: &str) -> &str {
    match name {
        "kubectl-client-side-apply" | "kubectl-last-applied" => "kubectl",
        name => name,
    }
}

/// Entries of each operation that are held against each other. The API server keeps ten updaters; an
/// object with more than these has other troubles.
const COMPARED: usize = 200;

fn applied_both_ways(subject: &Subject<'_>, told: &mut Told) {
    let of_object = |entry: &&ManagedFieldsEntry| entry.manager.subresource().is_empty();
    let entries = || subject.entries().iter().filter(of_object);
    let mut applied: HashMap<&str, FieldSet> = HashMap::new();
    for entry in entries().filter(|entry| is_applier(entry)).take(COMPARED) {
        let own = applied.entry(tool(entry.manager.name())).or_default();
        *own = own.union(&entry.fields);
    }
    for entry in entries().filter(|entry| !is_applier(entry)).take(COMPARED) {
        let Some(applied) = applied.get(tool(entry.manager.name())) else { continue };
        let both = applied.intersection(&entry.fields);
        if both.is_empty() {
            continue;
        }
        told.tell(|| {
            let message =
                format!("{} owns what its tool also applies: {}", who(entry), first_of(&both));
            Hit::new(subject.path_of(entry), message)
        });
    }
}

pub(super) const OWNED_BUT_ABSENT: Rule = Rule {
    id: "MF012",
    name: "owned-but-absent",
    severity: Severity::Note,
    inputs: LIVE,
    is_fixable: false,
    explanation: "An entry owns a field that the object does not have. The API server or a webhook took it \
                  away after ownership was recorded: stringData of Secrets, fields that are folded into \
                  others. Whoever applies it applies it anew each time.",
    remedy: "Apply what is stored in the end (data instead of stringData), or see `managed-fields \
             would-change`.",
    check: Check::Object(owned_but_absent),
};

fn owned_but_absent(subject: &Subject<'_>, told: &mut Told) {
    if subject.entries().is_empty() {
        return;
    }
    let blame = subject.blame();
    for absent in blame.absent() {
        told.tell(|| {
            let owners: Vec<String> = blame.owners_of_absent(absent).map(who).collect();
            let message = format!("it is not there, and owned by {}", owners.join(", "));
            Hit::new(absent.path().clone(), message)
        });
    }
}

pub(super) const MANY_ENTRIES: Rule = Rule {
    id: "MF013",
    name: "many-entries",
    severity: Severity::Note,
    inputs: LIVE,
    is_fixable: false,
    explanation: "managedFields has more entries, or more bytes, than the limits say. All of it goes over the \
                  wire and into memory with every copy of the object.",
    remedy: "`managed-fields size` tells whose the bytes are, and `size --compact` which are needless; a \
             program that writes under ever new names should say one fieldManager.",
    check: Check::Object(many_entries),
};

fn many_entries(subject: &Subject<'_>, told: &mut Told) {
    let list = subject.metadata().and_then(|metadata| metadata.get("managedFields"));
    let Some(list) = list else { return };
    let path = || fields(["metadata", "managedFields"]);
    let limits = subject.limits;
    if list.len() > limits.entries {
        let message = format!("{} entries are more than {}", list.len(), limits.entries);
        told.tell(|| Hit::new(path(), message));
    }
    // Written with spaces it is longer than the API server writes it.
    if list.to_json().len() > limits.bytes {
        let bytes = list.to_canonical_json().len();
        if bytes > limits.bytes {
            let message = format!("{bytes} bytes are more than {}", limits.bytes);
            told.tell(|| Hit::new(path(), message));
        }
    }
}

pub(super) const EDITED_BY_HAND: Rule = Rule {
    id: "MF015",
    name: "edited-by-hand",
    severity: Severity::Warning,
    inputs: LIVE,
    is_fixable: false,
    explanation: "Somebody changed an object by hand that a tool applies. Where the tool states the field too, \
                  its next apply is refused or takes the change back; where it does not, the change stays \
                  and no repository has it.",
    remedy: "Bring the change to where the object is applied from, then drop the entry: \
             `managed-fields plan purge --field-manager NAME`.",
    check: Check::Object(edited_by_hand),
};

/// Under which names people write by hand.
const BY_HAND: [&str; 13] = [
    "kubectl",
    "kubectl-edit",
    "kubectl-patch",
    "kubectl-set",
    "kubectl-scale",
    "kubectl-replace",
    "kubectl-label",
    "kubectl-annotate",
    "k9s",
    "lens",
    "OpenLens",
    "node-fetch",
    "Mozilla",
];

/// Parts of the names of tools that apply what repositories hold.
const TOOLS: [&str; 12] = [
    "kustomize-controller",
    "helm",
    "flux",
    "argocd",
    "gitops",
    "fleet",
    "kapp",
    "kluctl",
    "configsync",
    "terraform",
    "pulumi",
    "configmanagement",
];

fn is_called_by_hand(entry: &ManagedFieldsEntry) -> bool {
    BY_HAND.iter().any(|own| own.eq_ignore_ascii_case(entry.manager.name()))
}

/// What kubectl applies is a configuration, too, though nobody knows whose.
fn is_by_hand(entry: &ManagedFieldsEntry) -> bool {
    is_called_by_hand(entry) && !is_applier(entry)
}

/// Whether an entry is that of a tool which applies the object.
fn is_tool(entry: &ManagedFieldsEntry) -> bool {
    let name = entry.manager.name().to_ascii_lowercase();
    entry.manager.subresource().is_empty()
        && !is_called_by_hand(entry)
        && (is_applier(entry) || TOOLS.iter().any(|tool| name.contains(tool)))
}

fn edited_by_hand(subject: &Subject<'_>, told: &mut Told) {
    let mut tools = subject.entries().iter().filter(|entry| is_tool(entry));
    let Some(tool) = tools.next() else { return };
    for entry in subject.entries().iter().filter(|entry| is_by_hand(entry)) {
        told.tell(|| {
            let message = format!(
                "{} owns {} of an object that {} applies",
                who(entry),
                first_of(&entry.fields),
                tool.manager.name()
            );
            Hit::new(subject.path_of(entry), message)
        });
    }
}

pub(super) const SHARED_ATOMIC: Rule = Rule {
    id: "MF016",
    name: "shared-atomic",
    severity: Severity::Warning,
    inputs: LIVE,
    is_fixable: false,
    explanation: "Two managers own a list or map that the schema has owned as a whole, and one of them \
                  applies it. It cannot be shared out: as soon as one of them wants another item, it is a \
                  conflict over all items.",
    remedy: "Let one of them state it; `managed-fields plan release` takes it from the other.",
    check: Check::Object(shared_atomic),
};

/// Types do not nest deeper, and paths of deep fields are long.
const DEEPEST: usize = 64;

fn shared_atomic(subject: &Subject<'_>, told: &mut Told) {
    let Some(ty) = subject.ty.filter(|_| subject.has_schema()) else { return };
    if subject.entries().len() < 2 {
        return;
    }
    let blame = subject.blame();
    let lookup = Lookup::new(subject.root());
    let mut depths: Vec<usize> = Vec::with_capacity(blame.fields().len());
    for field in blame.fields() {
        let outer = field.parent().and_then(|parent| depths.get(parent)).copied();
        let depth = outer.map_or(0, |outer| outer + 1);
        depths.push(depth);
        let Some(owners) = sharers(blame, field).filter(|_| depth < DEEPEST) else { continue };
        let path = blame.path(field);
        let Some(value) = lookup.at(path.elements()).filter(|value| !value.is_empty()) else {
            continue;
        };
        if is_whole(ty, &path, value) {
            told.tell(|| {
                let owners: Vec<String> = owners.into_iter().collect();
                Hit::new(path, format!("it is owned as a whole, by {}", owners.join(" and ")))
            });
        }
    }
}

fn is_whole(ty: &crate::schema::Type, path: &Path, value: ValueRef<'_>) -> bool {
    matches!(SchemaRule::at(ty, path, Some(value)).merging(), Merging::Atomic(_))
}

/// The owners of a field if they are several of whom one applies it.
fn sharers(blame: &Blame, field: &BlamedField) -> Option<BTreeSet<String>> {
    let is_owned = field.standing() == Standing::Owned;
    if !is_owned || !blame.owners(field).any(is_applier) {
        return None;
    }
    let mut names = blame.owners(field).map(|owner| owner.manager.name());
    let first = names.next()?;
    names.any(|name| name != first).then(|| blame.owners(field).map(who).collect())
}
