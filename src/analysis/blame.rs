//! Whose the fields of an object are, field by field.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use crate::deep;
use crate::fieldmanager::untracked;
use crate::fieldpath::token::{self, Element, KeyWriter};
use crate::fieldpath::{Child, FieldSet, Path, PathElement, SetRef};
use crate::managedfields::ManagedFieldsEntry;
use crate::schema::{Compiled, FieldCursor, ListPart, Schema, Type, TypeId};
use crate::typed::write_item_token;
use crate::value::{Kind, Value, ValueRef};

/// Every field of an object with its owners.
///
/// Fields come in the order of a walk: a field before what is in it, members of maps by name, items
/// as they stand. `metadata.managedFields` itself is passed over.
///
/// ```
/// use managed_fields::analysis::{Blame, Standing, entries_of};
/// use managed_fields::{GroupVersionKind, Schemas, Value};
///
/// let object = Value::from_json(
///     r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[
///         {"manager":"ann","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1",
///          "fieldsV1":{"f:data":{"f:k":{}}}}]},"data":{"k":"v"}}"#,
/// )?;
/// let ty = Schemas::builtin().find(&GroupVersionKind::new("v1", "ConfigMap"));
/// let blame = Blame::new(&object, &entries_of(&object)?, ty.as_ref());
/// let mut fields = blame.fields().iter();
/// let field = fields.find(|field| blame.path(field).to_string() == ".data.k").ok_or("no field")?;
/// assert_eq!(field.standing(), Standing::Owned);
/// let owners: Vec<&str> = blame.owners(field).map(|entry| entry.manager.name()).collect();
/// assert_eq!(owners, ["ann"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Blame {
    entries: Vec<ManagedFieldsEntry>,
    fields: Vec<BlamedField>,
    absent: Vec<Absent>,
}

/// Indices of entries, ascending.
type Owners = SmallVec<[u32; 3]>;

/// A field of an object, a member or an item.
#[derive(Debug, Clone)]
pub struct BlamedField {
    parent: Option<usize>,
    token: String,
    owners: Owners,
    standing: Standing,
}

/// How a field stands to its owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Entries list the field itself.
    Owned,
    /// The field is part of something that is owned as a whole, such as an atomic list.
    Within,
    /// Nobody owns the field itself, but fields in it are owned.
    Leads,
    /// The API server keeps no owner of this field, such as the name of the object.
    Untracked,
    /// Nobody owns the field.
    Unowned,
}

/// Something that is owned though the object does not have it.
#[derive(Debug, Clone)]
pub struct Absent {
    /// The last step of the way to it, and all steps.
    step: usize,
    steps: Arc<Vec<Step>>,
    /// Made when it is asked for: there may be many deep ones.
    path: OnceLock<Path>,
    owners: Owners,
}

/// A step of the way to something absent: the one before it, and the element.
#[derive(Debug, Clone)]
struct Step {
    before: Option<usize>,
    token: String,
}

impl Absent {
    /// The outermost path that is missing.
    pub fn path(&self) -> &Path {
        self.path.get_or_init(|| {
            let mut elements = Vec::new();
            let mut step = self.steps.get(self.step);
            while let Some(Step { before, token }) = step {
                elements.push(token::parse(token));
                step = before.and_then(|before| self.steps.get(before));
            }
            elements.reverse();
            Path::new(elements)
        })
    }
}

impl BlamedField {
    /// How it stands to its owners.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Which field of [`Blame::fields`] it is in; none at the root.
    pub fn parent(&self) -> Option<usize> {
        self.parent
    }
}

impl Blame {
    /// Looks up the owners of every field.
    ///
    /// The entries of the object's own API version are first brought up to the schema, as the API
    /// server does before it uses them. Without a type, or with the deduced one, what entries list
    /// tells how lists and maps are owned.
    ///
    /// Linear in the object and the entries.
    pub fn new(object: &Value, entries: &[ManagedFieldsEntry], ty: Option<&Type>) -> Blame {
        let root = object.as_ref();
        let version = root.get("apiVersion").and_then(ValueRef::as_str).unwrap_or_default();
        let sets: Vec<FieldSet> =
            entries.iter().map(|entry| current(entry, &version, ty)).collect();
        let guessed = Schema::deduced_type();
        let ty = ty.unwrap_or(&guessed);
        let mut walk = Walk {
            schema: ty.schema().tables(),
            is_known: *ty.schema() != *guessed.schema(),
            blame: Blame { entries: entries.to_vec(), fields: Vec::new(), absent: Vec::new() },
            way: Vec::new(),
            steps: Vec::new(),
            known_steps: HashMap::new(),
            missed: HashMap::new(),
        };
        let claims: Vec<Claim<'_>> = sets
            .iter()
            .enumerate()
            .map(|(owner, set)| Claim { owner: owner as u32, below: set.as_set_ref() })
            .collect();
        let place = Place {
            ty: Some(ty.id),
            parent: None,
            inherited: &[],
            untracked: untracked().as_set_ref(),
        };
        let depth = sets.iter().map(FieldSet::depth).fold(root.depth(), usize::max);
        deep::with_stack(depth, || walk.inside(root, place, &claims));
        let steps = Arc::new(walk.steps);
        walk.blame.absent.iter_mut().for_each(|absent| absent.steps = steps.clone());
        walk.blame
    }

    /// The entries that owners are told by.
    pub fn entries(&self) -> &[ManagedFieldsEntry] {
        &self.entries
    }

    /// All fields, each before what is in it.
    pub fn fields(&self) -> &[BlamedField] {
        &self.fields
    }

    /// What is owned and not there.
    pub fn absent(&self) -> &[Absent] {
        &self.absent
    }

    /// The owners of a field, in the order of entries.
    pub fn owners<'b>(
        &'b self,
        field: &'b BlamedField,
    ) -> impl Iterator<Item = &'b ManagedFieldsEntry> {
        self.listed(&field.owners)
    }

    /// The owners of something absent, in the order of entries.
    pub fn owners_of_absent<'b>(
        &'b self,
        absent: &'b Absent,
    ) -> impl Iterator<Item = &'b ManagedFieldsEntry> {
        self.listed(&absent.owners)
    }

    fn listed<'b>(&'b self, owners: &'b Owners) -> impl Iterator<Item = &'b ManagedFieldsEntry> {
        owners.iter().filter_map(|owner| self.entries.get(*owner as usize))
    }

    /// Who owns a path, by itself or as part of something; where nobody does, who owns something in
    /// it. Linear in the fields.
    pub fn owners_at(&self, path: &Path) -> Vec<ManagedFieldsEntry> {
        let found = self.fields.iter().position(|field| self.path(field) == *path);
        let Some((at, field)) = found.and_then(|at| Some((at, self.fields.get(at)?))) else {
            let missing = self.absent.iter().find(|absent| absent.path() == path);
            return missing
                .map(|absent| self.listed(&absent.owners).cloned().collect())
                .unwrap_or_default();
        };
        let mut owners = field.owners.clone();
        if field.standing == Standing::Leads {
            let is_inside = |field: &&BlamedField| field.parent.is_some_and(|parent| parent >= at);
            let inside = self.fields.iter().skip(at + 1).take_while(is_inside);
            owners.extend(inside.flat_map(|field| field.owners.iter().copied()));
            owners.sort_unstable();
            owners.dedup();
        }
        self.listed(&owners).cloned().collect()
    }

    /// The last step of the way to a field.
    pub(super) fn element(&self, field: &BlamedField) -> PathElement {
        token::parse(&field.token)
    }

    /// The way to a field. Items that nothing identifies are told by their position.
    pub fn path(&self, field: &BlamedField) -> Path {
        let mut elements = vec![token::parse(&field.token)];
        let mut parent = field.parent;
        while let Some(field) = parent.and_then(|parent| self.fields.get(parent)) {
            elements.push(token::parse(&field.token));
            parent = field.parent;
        }
        elements.reverse();
        Path::new(elements)
    }
}

/// What an entry owns under the schema of today.
pub(super) fn current(entry: &ManagedFieldsEntry, version: &str, ty: Option<&Type>) -> FieldSet {
    let reconciled = match ty {
        Some(ty) if entry.api_version == version && *ty != Schema::deduced_type() => {
            ty.reconcile_field_set(&entry.fields).ok().flatten()
        }
        _ => None,
    };
    reconciled.unwrap_or_else(|| entry.fields.clone())
}

/// What an owner has below where the walk stands.
#[derive(Clone, Copy)]
struct Claim<'a> {
    owner: u32,
    below: SetRef<'a>,
}

/// Owners of parts of a map who are asked one by one for each member.
const FEW: usize = 32;

/// What the owners have at one element.
#[derive(Default)]
struct Here<'a> {
    below: Vec<Claim<'a>>,
    owners: Owners,
    is_there: bool,
}

impl<'a> Here<'a> {
    fn add(&mut self, owner: u32, child: Child<'a>) {
        if child.member {
            self.owners.push(owner);
        }
        self.below.push(Claim { owner, below: child.subset });
    }
}

/// Where the walk stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// None where the schema says nothing.
    ty: Option<TypeId>,
    parent: Option<usize>,
    /// Who owns this as part of something larger.
    inherited: &'a [u32],
    untracked: SetRef<'a>,
}

struct Walk<'s> {
    schema: &'s Compiled,
    /// The type is more than a guess.
    is_known: bool,
    blame: Blame,
    /// The elements that lead to where the walk stands, and their steps once something absent needs them.
    way: Vec<(String, Option<usize>)>,
    /// Steps that lead to what is absent, and which of them they are.
    steps: Vec<Step>,
    known_steps: HashMap<(Option<usize>, String), usize>,
    /// What is absent, by the last step.
    missed: HashMap<usize, usize>,
}

impl<'s> Walk<'s> {
    fn inside(&mut self, value: ValueRef<'_>, place: Place<'_>, claims: &[Claim<'_>]) {
        match value.kind() {
            Kind::Map => self.map(value, place, claims),
            Kind::List => self.list(value, place, claims),
            _ => {
                for Claim { owner, below } in claims {
                    below.children().for_each(|child| self.miss(child, *owner));
                }
            }
        }
    }

    fn map(&mut self, value: ValueRef<'_>, place: Place<'_>, claims: &[Claim<'_>]) {
        let part = place.ty.and_then(|ty| self.schema.atom(ty).map.as_ref());
        let mut fields = part.map(|part| FieldCursor::new(self.schema, part));
        // Members and the elements of sets are both sorted by name.
        let (few, many) = if claims.len() <= FEW { (claims, &[][..]) } else { (&[][..], claims) };
        let mut cursors: Vec<_> =
            few.iter().map(|claim| (claim.owner, claim.below.children().peekable())).collect();
        let all = many
            .iter()
            .flat_map(|Claim { owner, below }| below.children().map(|child| (*owner, child)));
        // Only names have an order that can be sorted by, and a map has nothing else.
        let (mut others, strange): (Vec<_>, Vec<_>) =
            all.partition(|(_, child)| child.token.starts_with(b"f:"));
        others.sort_by(|(_, one), (_, other)| token::cmp(one.token, other.token));
        let mut others = others.into_iter().peekable();
        let mut untracked = place.untracked.children().peekable();
        let is_metadata = matches!(self.way.as_slice(), [(only, _)] if only == "f:metadata");
        for (name, member) in value.members() {
            let ty = fields.as_mut().map(|fields| fields.find(&name).0);
            let mut element = String::new();
            token::write_field(&mut element, &name);
            let mut here = Here::default();
            for (owner, children) in &mut cursors {
                while let Some(before) =
                    children.next_if(|child| token::cmp(child.token, &element).is_lt())
                {
                    self.miss(before, *owner);
                }
                if let Some(child) = children.next_if(|child| token::eq(child.token, &element)) {
                    here.add(*owner, child);
                }
            }
            while let Some((owner, before)) =
                others.next_if(|(_, child)| token::cmp(child.token, &element).is_lt())
            {
                self.miss(before, owner);
            }
            while let Some((owner, child)) =
                others.next_if(|(_, child)| token::eq(child.token, &element))
            {
                here.add(owner, child);
            }
            if is_metadata && name == "managedFields" {
                continue;
            }
            while untracked.next_if(|child| token::cmp(child.token, &element).is_lt()).is_some() {}
            let untracked = untracked.next_if(|child| child.token == element.as_bytes());
            self.field(member, element, ty, place, &here, untracked);
        }
        for (owner, children) in cursors {
            children.for_each(|child| self.miss(child, owner));
        }
        others.chain(strange).for_each(|(owner, child)| self.miss(child, owner));
    }

    fn list(&mut self, value: ValueRef<'_>, place: Place<'_>, claims: &[Claim<'_>]) {
        let part = place.ty.and_then(|ty| self.schema.atom(ty).list.as_ref());
        let mut elements: HashMap<Element<'_>, usize> = HashMap::new();
        let mut found: Vec<Here<'_>> = Vec::new();
        // By which names items are told apart.
        let mut shapes: Vec<Vec<String>> = Vec::new();
        for Claim { owner, below } in claims {
            for child in below.children() {
                let at = *elements.entry(Element(child.token)).or_insert(found.len());
                if at == found.len() {
                    found.push(Here::default());
                }
                if let Some(here) = found.get_mut(at) {
                    here.add(*owner, child);
                }
                if token::is_key(child.token) {
                    let names = token::key_names(child.token);
                    if !shapes.contains(&names) {
                        shapes.push(names);
                    }
                }
            }
        }
        let nobody = Here::default();
        for (index, item) in value.items().enumerate() {
            let mut candidates = self.elements_of(item, index, part, &shapes);
            let at = candidates
                .iter()
                .position(|element| elements.contains_key(&Element(element.as_bytes())));
            let element = candidates.swap_remove(at.unwrap_or(0));
            let at = at.and_then(|_| elements.get(&Element(element.as_bytes())));
            let here = match at.and_then(|at| found.get_mut(*at)) {
                Some(here) => {
                    here.is_there = true;
                    &*here
                }
                None => &nobody,
            };
            self.field(item, element, part.map(|part| part.element), place, here, None);
        }
        for Claim { owner, below } in claims {
            for child in below.children() {
                let at = elements.get(&Element(child.token));
                if at.and_then(|at| found.get(*at)).is_some_and(|here| !here.is_there) {
                    self.miss(child, *owner);
                }
            }
        }
    }

    /// How entries may tell an item, likeliest first; its position comes last.
    fn elements_of(
        &self,
        item: ValueRef<'_>,
        index: usize,
        part: Option<&ListPart>,
        shapes: &[Vec<String>],
    ) -> Vec<String> {
        let mut found = Vec::new();
        let mut push = |write: &mut dyn FnMut(&mut String) -> bool| {
            let mut element = String::new();
            if write(&mut element) {
                found.push(element);
            }
        };
        if let Some(part) = part {
            let (arena, node) = item.parts();
            push(&mut |out| write_item_token(self.schema, arena, part, node, out).is_ok());
        }
        for names in shapes {
            let values: Option<Vec<_>> = names.iter().map(|name| item.get(name)).collect();
            let Some(values) = values else { continue };
            push(&mut |out| {
                let mut key = KeyWriter::new(out);
                names.iter().zip(&values).for_each(|(name, value)| key.value(name, *value));
                key.finish() > 0
            });
        }
        push(&mut |out| {
            token::write_index(out, index as i64);
            true
        });
        if !matches!(item.kind(), Kind::Map | Kind::List | Kind::Null) {
            push(&mut |out| {
                token::write_value(out, item);
                true
            });
        }
        found
    }

    fn field(
        &mut self,
        value: ValueRef<'_>,
        element: String,
        ty: Option<TypeId>,
        place: Place<'_>,
        here: &Here<'_>,
        untracked: Option<Child<'_>>,
    ) {
        let mut owners = here.owners.clone();
        owners.extend(place.inherited.iter().copied());
        owners.sort_unstable();
        owners.dedup();
        let leads = here.below.iter().any(|claim| !claim.below.is_empty());
        let standing = if !here.owners.is_empty() {
            Standing::Owned
        } else if !owners.is_empty() {
            Standing::Within
        } else if leads {
            Standing::Leads
        } else if untracked.is_some_and(|child| child.member) {
            Standing::Untracked
        } else {
            Standing::Unowned
        };
        let mut inherited = Owners::from(place.inherited);
        if !value.is_empty() && self.is_whole(value, ty, leads) {
            inherited.clone_from(&owners);
        }
        let index = self.blame.fields.len();
        self.way.push((element.clone(), None));
        self.blame.fields.push(BlamedField {
            parent: place.parent,
            token: element,
            owners,
            standing,
        });
        let nothing = FieldSet::default();
        let inner = Place {
            ty,
            parent: Some(index),
            inherited: &inherited,
            untracked: untracked.map_or(nothing.as_set_ref(), |child| child.subset),
        };
        self.inside(value, inner, &here.below);
        self.way.pop();
    }

    /// Whether who owns this value owns everything in it.
    fn is_whole(&self, value: ValueRef<'_>, ty: Option<TypeId>, leads: bool) -> bool {
        let atom = ty.map(|ty| self.schema.atom(ty));
        let is_atomic = match value.kind() {
            Kind::Map => atom.and_then(|atom| atom.map).map(|map| map.is_atomic()),
            Kind::List => atom.and_then(|atom| atom.list).map(|list| list.is_atomic()),
            _ => return false,
        };
        match is_atomic {
            Some(is_atomic) if self.is_known => is_atomic,
            // Nothing but the entries tells: something below would be listed if it could be owned.
            _ => !leads,
        }
    }

    /// An element that the object does not have.
    fn miss(&mut self, child: Child<'_>, owner: u32) {
        if child.member {
            return self.absent(child.text(), owner);
        }
        self.way.push((child.text().to_owned(), None));
        child.subset.children().for_each(|child| self.miss(child, owner));
        self.way.pop();
    }

    /// The step that leads to where the walk stands; none at the root.
    fn step_here(&mut self) -> Option<usize> {
        let known = self.way.iter().rposition(|(_, step)| step.is_some());
        let mut before = known.and_then(|at| self.way.get(at)).and_then(|(_, step)| *step);
        for at in known.map_or(0, |at| at + 1)..self.way.len() {
            let token = self.way.get(at).map(|(token, _)| token.clone()).unwrap_or_default();
            before = Some(self.step(before, &token));
            if let Some((_, step)) = self.way.get_mut(at) {
                *step = before;
            }
        }
        before
    }

    fn step(&mut self, before: Option<usize>, token: &str) -> usize {
        *self.known_steps.entry((before, token.to_owned())).or_insert_with(|| {
            self.steps.push(Step { before, token: token.to_owned() });
            self.steps.len() - 1
        })
    }

    fn absent(&mut self, element: &str, owner: u32) {
        let before = self.step_here();
        let step = self.step(before, element);
        // What several owners miss is told of once.
        let index = *self.missed.entry(step).or_insert_with(|| {
            let (steps, path, owners) = (Arc::default(), OnceLock::new(), Owners::new());
            self.blame.absent.push(Absent { step, steps, path, owners });
            self.blame.absent.len() - 1
        });
        if let Some(absent) = self.blame.absent.get_mut(index) {
            absent.owners.push(owner);
            absent.owners.sort_unstable();
            absent.owners.dedup();
        }
    }
}
