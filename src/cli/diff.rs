//! `diff`: what has become of the ownership of fields between two snapshots.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::analysis::{Change, OwnershipDiff, entries_of};
use crate::fieldpath::FieldSet;
use crate::managedfields::{ManagedFieldsEntry, ManagerIdentifier};
use crate::schema::GroupVersionKind;
use crate::value::{Value, ValueRef};

use super::cores::on_all_cores;
use super::input::{self, Identity, Place, Rereader, Seen, Stored};
use super::output::columns;
use super::session::Session;
use super::{Common, pairs, report};

/// The version of the JSON shape, which `docs/json.md` describes.
const SCHEMA_VERSION: &str = "managed-fields.diff/v1";

#[derive(Debug, Clone, clap::Args)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// How the result is written
    #[arg(short = 'o', long, value_enum, default_value_t = Listing::Text)]
    output: Listing,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Listing {
    /// One field a line
    Text,
    /// All of it
    Json,
}

/// A manager in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner<'m> {
    manager: &'m str,
    operation: &'static str,
    /// That of an updater; appliers are one over all versions.
    #[serde(skip_serializing_if = "str::is_empty")]
    api_version: &'m str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subresource: &'m str,
}

impl<'m> Owner<'m> {
    pub(super) fn of(manager: &'m ManagerIdentifier) -> Owner<'m> {
        Owner {
            manager: manager.name(),
            operation: manager.operation().as_str(),
            api_version: manager.api_version(),
            subresource: manager.subresource(),
        }
    }
}

/// A change in JSON.
#[derive(Serialize)]
pub(super) struct Told<'c> {
    change: &'static str,
    fields: Vec<String>,
    before: Vec<Owner<'c>>,
    after: Vec<Owner<'c>>,
}

/// Changes in JSON.
pub(super) fn told(changes: &[Change]) -> Vec<Told<'_>> {
    let told = changes.iter().map(|Change { turn, fields, before, after }| Told {
        change: turn.as_str(),
        fields: fields.iter().map(|path| path.to_string()).collect(),
        before: before.iter().map(Owner::of).collect(),
        after: after.iter().map(Owner::of).collect(),
    });
    told.collect()
}

/// Changes as a table, one field a line.
pub(super) fn table(changes: &[Change]) -> String {
    let names = |owners: &[ManagerIdentifier]| {
        let names: Vec<String> = owners.iter().map(ManagerIdentifier::to_string).collect();
        if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
    };
    let mut rows = vec![["CHANGE", "FIELD", "BEFORE", "AFTER"].map(str::to_owned)];
    for Change { turn, fields, before, after } in changes {
        let (before, after) = (names(before), names(after));
        rows.extend(fields.iter().map(|path| {
            [turn.as_str().to_owned(), path.to_string(), before.clone(), after.clone()]
        }));
    }
    columns(&rows)
}

#[derive(Serialize)]
struct Differing<'d> {
    object: Box<RawValue>,
    presence: Presence,
    changes: Vec<Told<'d>>,
}

/// Whether the object is in both snapshots.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Presence {
    Both,
    Added,
    Removed,
}

impl Presence {
    /// The snapshot that has the object where one has it alone, and the other.
    fn sides(self) -> (&'static str, &'static str) {
        match self {
            Presence::Added => ("second", "first"),
            _ => ("first", "second"),
        }
    }
}

pub(super) fn run(args: DiffArgs, session: &mut Session<'_, '_>) {
    let [before, after] = args.common.filename.as_slice() else {
        let message = "two snapshots are compared: -f BEFORE -f AFTER";
        return session.error("diff", message);
    };
    let hashing = Hashing::default();
    let before = Snapshot::read(before, None, &hashing, &args.common, session);
    let after = Snapshot::read(after, Some(&before), &hashing, &args.common, session);
    let mut differing = report::Objects::new(SCHEMA_VERSION);
    let mut is_first = true;
    let render = |found: &Found<'_>| match args.output {
        Listing::Text => found.text(),
        Listing::Json => found.json(),
    };
    compare(before, after, &render, session, &mut |text, session| {
        session.found("");
        match args.output {
            Listing::Text => {
                let blank = if std::mem::take(&mut is_first) { "" } else { "\n" };
                session.print(&format!("{blank}{text}"));
            }
            Listing::Json => differing.add(text, session),
        }
    });
    if args.output == Listing::Json {
        differing.finish(session);
    }
}

/// What is kept of the objects of a snapshot: enough to see which differ, and to read these again.
#[derive(Default)]
struct Snapshot {
    /// The place of every object among all, and what stands for its owners if anything could.
    objects: HashMap<pairs::Key, (usize, Option<Digest>)>,
    kept: Vec<Kept>,
    /// Not all of it could be read.
    lacks_some: bool,
}

struct Kept {
    api_version: String,
    place: Place,
    /// None of entries that cannot be read, which was told.
    entries: Option<Text>,
}

/// Where entries are had from when they are compared.
enum Text {
    /// Nobody needs them: they are those of the other snapshot.
    Same,
    /// The object, or one with nothing else in it.
    Stored(Stored),
}

type Digest = [u64; 2];

/// Makes numbers of who owns what: if they are equal, so is ownership.
#[derive(Default)]
struct Hashing([RandomState; 2]);

impl Hashing {
    fn digest(&self, entries: &[ManagedFieldsEntry]) -> Option<Digest> {
        let mut owned: BTreeMap<String, FieldSet> = BTreeMap::new();
        for entry in entries {
            let set = owned.entry(entry.manager.to_key()).or_default();
            *set = if set.is_empty() { entry.fields.clone() } else { set.union(&entry.fields) };
        }
        owned.retain(|_, set| !set.is_empty());
        let owned: Result<Vec<_>, _> =
            owned.into_iter().map(|(key, set)| Ok((key, set.to_fields_v1()?))).collect();
        let owned = owned.map_err(|_: crate::fieldpath::FieldsV1Error| ()).ok()?;
        let Hashing([one, other]) = self;
        Some([one.hash_one(&owned), other.hash_one(&owned)])
    }
}

/// What is found out about an object when it is read.
struct Read {
    identity: Identity,
    /// By what its owners seem to be hidden.
    hidden: Option<&'static str>,
    owners: Result<(Option<Digest>, Text), String>,
}

impl Snapshot {
    /// Reads a snapshot; with the one `before` it nothing is kept of owners that are still the same.
    fn read(
        name: &String,
        before: Option<&Snapshot>,
        hashing: &Hashing,
        common: &Common,
        session: &mut Session<'_, '_>,
    ) -> Snapshot {
        let namespace = common.namespace.as_deref();
        let key =
            |identity: &Identity| pairs::key_of(identity, pairs::namespace_of(identity, namespace));
        let known = before.map(|before| &before.objects);
        let look = |Seen { identity, value, text }: Seen| {
            let owners = entries_of(&value).map_err(|error| error.to_string());
            let owners = owners.map(|entries| {
                let digest = hashing.digest(&entries);
                let was = known.and_then(|known| known.get(&key(&identity)));
                let text = match text {
                    _ if was.is_some_and(|(_, was)| digest.is_some() && digest == *was) => {
                        Text::Same
                    }
                    Some(text) => Text::Stored(Stored::InFile(text)),
                    None => Text::Stored(Stored::Held(entries_alone(&value))),
                };
                (digest, text)
            });
            Some(Read { identity, hidden: input::sign_of_hidden_owners(&value), owners })
        };
        let mut snapshot = Snapshot::default();
        let errors = session.errors();
        let mut told = 0;
        let names = std::slice::from_ref(name);
        input::survey(names, common.recursive, session, &look, &mut |place, read, session| {
            let Read { identity, hidden, owners } = read;
            let next = snapshot.kept.len();
            match snapshot.objects.entry(key(&identity)) {
                Entry::Vacant(entry) => {
                    let digest = owners.as_ref().ok().and_then(|(digest, _)| *digest);
                    entry.insert((next, digest));
                }
                Entry::Occupied(entry) => {
                    told += 1;
                    let first = snapshot.kept.get(entry.get().0).map(|kept| kept.place.to_string());
                    let first = first.unwrap_or_default();
                    let message = format_args!("{identity} was read already, from {first}");
                    return session.error(&place, message);
                }
            }
            input::warn_of_hidden_owners(hidden, &place, session);
            let entries = owners.map(|(_, text)| text).map_err(|message| {
                told += 1;
                session.error(&place, message);
            });
            let api_version = identity.kind.api_version();
            snapshot.kept.push(Kept { api_version, place, entries: entries.ok() });
        });
        snapshot.lacks_some = session.errors() - errors != told;
        snapshot
    }

    /// The objects in the order in which they were read.
    fn in_order(self) -> impl Iterator<Item = (pairs::Key, Kept)> {
        let mut keys: Vec<_> = self.objects.into_iter().collect();
        keys.sort_by_key(|(_, (place, _))| *place);
        keys.into_iter().map(|(key, _)| key).zip(self.kept)
    }
}

/// An object that has the entries of this one, and nothing else.
fn entries_alone(object: &Value) -> String {
    let list = object.as_ref().get("metadata").and_then(|metadata| metadata.get("managedFields"));
    let list = list.map_or_else(|| "null".to_owned(), ValueRef::to_canonical_json);
    format!(r#"{{"metadata":{{"managedFields":{list}}}}}"#)
}

/// An object whose owners may differ, with what each snapshot has of it.
struct Pair {
    identity: Identity,
    presence: Presence,
    before: Option<(Place, Text)>,
    after: Option<(Place, Text)>,
}

/// An object whose owners differ.
struct Found<'f> {
    identity: &'f Identity,
    presence: Presence,
    diff: OwnershipDiff,
}

/// How an object that differs is written.
type Render<'r> = dyn Fn(&Found<'_>) -> String + Sync + 'r;

/// Takes what is written of an object.
type Take<'t> = dyn FnMut(&str, &mut Session<'_, '_>) + 't;

/// Hands on what differs, as it is written: the objects of the first snapshot in its order, then those that are new.
fn compare(
    before: Snapshot,
    after: Snapshot,
    render: &Render<'_>,
    session: &mut Session<'_, '_>,
    take: &mut Take<'_>,
) {
    let mut readers = <[Rereader; 2]>::default();
    let mut gathered = Vec::new();
    let mut bytes = 0;
    let (pairs, unsure) = pairs_of(before, after);
    for pair in pairs {
        let Pair { identity, presence, before, after } = pair;
        let [one, other] = &mut readers;
        let texts = (text_of(before, one, session), text_of(after, other, session));
        let (Some(before), Some(after)) = texts else { continue };
        bytes += before.iter().chain(&after).map(Vec::len).sum::<usize>();
        gathered.push((identity, presence, [before, after]));
        if input::is_batch(gathered.len(), bytes) {
            compare_all(&std::mem::take(&mut gathered), render, session, take);
            bytes = 0;
        }
    }
    compare_all(&gathered, render, session, take);
    for (presence, count) in unsure {
        let (one, other) = presence.sides();
        let plural = if count == 1 { " that is" } else { "s that are" };
        session.note(
            "diff",
            format_args!(
                "{count} object{plural} in the {one} snapshot alone may be among what could not be \
                 read of the {other}: not compared"
            ),
        );
    }
}

/// The objects whose owners may differ, in order; and how many nothing can be said of, by where these are.
fn pairs_of(before: Snapshot, after: Snapshot) -> (Vec<Pair>, Vec<(Presence, usize)>) {
    let identity = |key: pairs::Key, api_version: &str| {
        let (_, kind, namespace, name) = key;
        Identity { kind: GroupVersionKind::new(api_version, &kind), namespace, name }
    };
    let (lacked_some, lacks_some) = (before.lacks_some, after.lacks_some);
    let mut now: HashMap<pairs::Key, Kept> = HashMap::new();
    let mut order = Vec::new();
    for (key, kept) in after.in_order() {
        order.push(key.clone());
        now.insert(key, kept);
    }
    let mut pairs = Vec::new();
    let (mut gone, mut new) = (0, 0);
    for (key, kept) in before.in_order() {
        let now = now.remove(&key);
        if now.is_none() && lacks_some {
            gone += 1;
            continue;
        }
        let api_version = now.as_ref().map_or(&kept.api_version, |now| &now.api_version);
        let identity = identity(key, api_version);
        let presence = if now.is_some() { Presence::Both } else { Presence::Removed };
        let Some(entries) = kept.entries else { continue };
        let after = match now.map(|now| (now.place, now.entries)) {
            Some((_, None | Some(Text::Same))) => continue,
            Some((place, Some(entries))) => Some((place, entries)),
            None => None,
        };
        pairs.push(Pair { identity, presence, before: Some((kept.place, entries)), after });
    }
    for key in order {
        let Some(kept) = now.remove(&key) else { continue };
        if lacked_some {
            new += 1;
            continue;
        }
        let identity = identity(key, &kept.api_version);
        let Some(entries) = kept.entries else { continue };
        let after = Some((kept.place, entries));
        pairs.push(Pair { identity, presence: Presence::Added, before: None, after });
    }
    let unsure = [(Presence::Removed, gone), (Presence::Added, new)];
    (pairs, unsure.into_iter().filter(|(_, count)| *count > 0).collect())
}

/// The objects or entries of both snapshots.
type Texts = [Option<Vec<u8>>; 2];

/// What a snapshot has. None if it cannot be read any more, which is told.
fn text_of(
    had: Option<(Place, Text)>,
    reader: &mut Rereader,
    session: &mut Session<'_, '_>,
) -> Option<Option<Vec<u8>>> {
    let Some((place, Text::Stored(stored))) = had else { return Some(None) };
    let read = reader.read(&place, stored).map(Some);
    read.map_err(|error| session.error(&place, format_args!("it cannot be read again: {error}")))
        .ok()
}

/// Compares objects on all cores.
fn compare_all(
    gathered: &[(Identity, Presence, Texts)],
    render: &Render<'_>,
    session: &mut Session<'_, '_>,
    take: &mut Take<'_>,
) {
    let work = |(identity, presence, texts): &(Identity, Presence, Texts)| {
        let entries = |text: &Option<Vec<u8>>| {
            let Some(text) = text else { return Some(Vec::new()) };
            entries_of(&Value::from_json_bytes(text).ok()?).ok()
        };
        let [before, after] = texts;
        let diff = OwnershipDiff::between(&entries(before)?, &entries(after)?);
        let found = Found { identity, presence: *presence, diff };
        Some((!found.diff.is_empty()).then(|| render(&found)))
    };
    let written = on_all_cores(gathered, "objects", &work, session);
    for ((identity, ..), text) in gathered.iter().zip(written) {
        match text {
            Some(Some(text)) => take(&text, session),
            Some(None) => {}
            // It could be read before.
            None => session.error(identity, "its file was changed while it was compared"),
        }
    }
}

impl Found<'_> {
    fn text(&self) -> String {
        let presence = match self.presence {
            Presence::Both => "",
            Presence::Added => " (added)",
            Presence::Removed => " (removed)",
        };
        let identity = self.identity.to_string();
        format!("# {}{presence}\n{}", report::harmless(&identity), table(self.diff.changes()))
    }

    fn json(&self) -> String {
        let differing = Differing {
            object: report::raw(report::identity(self.identity)),
            presence: self.presence,
            changes: told(self.diff.changes()),
        };
        serde_json::to_string(&differing).unwrap_or_default()
    }
}
