//! An object that is looked at, and what was seen.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::analysis::blame::Blame;
use crate::analysis::entries::{EntriesError, entries_of};
use crate::fieldpath::{Path, PathElement};
use crate::managedfields::ManagedFieldsEntry;
use crate::schema::{CustomResource, GroupVersionKind, OpenApiError, Schema, Schemas, Type};
use crate::typed::{TypedValue, ValidationError, ValidationErrors};
use crate::value::{Value, ValueRef};

use super::schema_walk::{Node, Walked};
use super::{Input, Limits};

/// Something that a rule saw.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) path: Path,
    /// Of schemas: the field that it is the schema of.
    pub(super) field: Option<String>,
    pub(super) message: String,
    /// The message without values of the object, if it holds any.
    pub(super) hidden: Option<String>,
    pub(super) removals: Vec<Path>,
}

impl Hit {
    pub(super) fn new(path: Path, message: impl Into<String>) -> Hit {
        let (message, removals) = (message.into(), Vec::new());
        Hit { path, field: None, message, hidden: None, removals }
    }

    /// Of a schema of a definition.
    pub(super) fn of_schema(
        walked: &Walked<'_>,
        node: &Node<'_>,
        message: impl Into<String>,
    ) -> Hit {
        Hit { field: Some(walked.field(node)), ..Hit::new(walked.path(node), message) }
    }

    /// Taking away what the path leads to is all that is to be done.
    pub(super) fn removed(self) -> Hit {
        Hit { removals: vec![self.path.clone()], ..self }
    }

    /// Taking these away is all that is to be done.
    pub(super) fn without(self, removals: Vec<Path>) -> Hit {
        Hit { removals, ..self }
    }

    /// The message holds a value of the object, and this one does not.
    pub(super) fn quoting(self, hidden: impl Into<String>) -> Hit {
        Hit { hidden: Some(hidden.into()), ..self }
    }
}

/// Collects what one rule says of one object. What is too much is counted and not made.
pub(super) struct Told {
    hits: Vec<Hit>,
    room: usize,
    more: usize,
}

impl Told {
    pub(super) fn new(room: usize) -> Told {
        Told { hits: Vec::new(), room, more: 0 }
    }

    pub(super) fn tell(&mut self, hit: impl FnOnce() -> Hit) {
        if self.hits.len() < self.room {
            self.hits.push(hit());
        } else {
            self.more += 1;
        }
    }

    pub(super) fn finish(mut self) -> impl Iterator<Item = Hit> {
        if self.more > 0 {
            let message = format!("and {} more places like those before", self.more);
            self.hits.push(Hit::new(Path::default(), message));
        }
        self.hits.into_iter()
    }
}

/// Manager, operation, subresource and API version of an entry.
type EntryKey = (String, String, String, String);

/// An object with what rules ask of it, each found out once and only when it is asked for.
pub(super) struct Subject<'a> {
    object: &'a Value,
    /// A manifest or live.
    pub(super) input: Input,
    pub(super) kind: GroupVersionKind,
    pub(super) ty: Option<&'a Type>,
    pub(super) schemas: &'a Schemas,
    pub(super) limits: Limits,
    entries: OnceCell<Result<Vec<ManagedFieldsEntry>, EntriesError>>,
    places: OnceCell<HashMap<EntryKey, usize>>,
    blame: OnceCell<Blame>,
    problems: OnceCell<Vec<ValidationError>>,
    definition: OnceCell<Result<CustomResource, OpenApiError>>,
    walked: OnceCell<Walked<'a>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        object: &'a Value,
        input: Input,
        ty: Option<&'a Type>,
        schemas: &'a Schemas,
        limits: Limits,
    ) -> Subject<'a> {
        Subject {
            object,
            input,
            kind: kind_of(object),
            ty,
            schemas,
            limits,
            entries: OnceCell::new(),
            places: OnceCell::new(),
            blame: OnceCell::new(),
            problems: OnceCell::new(),
            definition: OnceCell::new(),
            walked: OnceCell::new(),
        }
    }

    pub(super) fn root(&self) -> ValueRef<'a> {
        self.object.as_ref()
    }

    pub(super) fn metadata(&self) -> Option<ValueRef<'a>> {
        self.root().get("metadata")
    }

    /// It defines a custom resource.
    pub(super) fn is_definition(&self) -> bool {
        self.kind.group == "apiextensions.k8s.io" && self.kind.kind == "CustomResourceDefinition"
    }

    /// The type is one that somebody wrote down.
    pub(super) fn has_schema(&self) -> bool {
        self.ty.is_some_and(|ty| *ty != Schema::deduced_type())
    }

    /// The entries; of an object whose entries are broken none: the command tells of that.
    pub(super) fn entries(&self) -> &[ManagedFieldsEntry] {
        self.read_entries().as_deref().unwrap_or_default()
    }

    /// Why the entries cannot be read.
    #[cfg(feature = "cli")]
    pub(super) fn broken(&self) -> Option<&EntriesError> {
        self.read_entries().as_ref().err()
    }

    fn read_entries(&self) -> &Result<Vec<ManagedFieldsEntry>, EntriesError> {
        self.entries.get_or_init(|| entries_of(self.object))
    }

    pub(super) fn blame(&self) -> &Blame {
        self.blame.get_or_init(|| Blame::new(self.object, self.entries(), self.ty))
    }

    /// Where in the object an entry is written.
    pub(super) fn path_of(&self, entry: &ManagedFieldsEntry) -> Path {
        let places = self.places.get_or_init(|| {
            let list = self.metadata().and_then(|metadata| metadata.get("managedFields"));
            let items = list.into_iter().flat_map(ValueRef::items).enumerate();
            items.map(|(at, item)| (written_key(item), at)).collect()
        });
        let manager = &entry.manager;
        let key = (
            manager.name().to_owned(),
            manager.operation().as_str().to_owned(),
            manager.subresource().to_owned(),
            entry.api_version.clone(),
        );
        let list = [field("metadata"), field("managedFields")];
        let at = places.get(&key).and_then(|at| i64::try_from(*at).ok());
        list.into_iter().chain(at.map(PathElement::Index)).collect()
    }

    /// Why an API server refuses to work with the object.
    pub(super) fn problems(&self) -> &[ValidationError] {
        self.problems.get_or_init(|| {
            let Some(ty) = self.ty else { return Vec::new() };
            let typed = TypedValue::new(self.object.clone(), ty.clone());
            typed.err().as_ref().map(problems).unwrap_or_default()
        })
    }

    /// What an API server makes of the definition.
    pub(super) fn definition(&self) -> &Result<CustomResource, OpenApiError> {
        self.definition.get_or_init(|| Schemas::empty().add_crd(self.object))
    }

    /// The schemas of the definition.
    pub(super) fn walked(&self) -> &Walked<'a> {
        self.walked.get_or_init(|| Walked::of(self.root()))
    }
}

fn problems(errors: &ValidationErrors) -> Vec<ValidationError> {
    errors.iter().cloned().collect()
}

fn written_key(entry: ValueRef<'_>) -> EntryKey {
    let text = |name| text(Some(entry), name);
    (text("manager"), text("operation"), text("subresource"), text("apiVersion"))
}

/// A text among the members; empty if there is none.
pub(super) fn text(holder: Option<ValueRef<'_>>, name: &str) -> String {
    let text = holder.and_then(|holder| holder.get(name)).and_then(ValueRef::as_str);
    text.map(|text| text.into_owned()).unwrap_or_default()
}

/// What an object says that it is.
pub(super) fn kind_of(object: &Value) -> GroupVersionKind {
    let root = Some(object.as_ref());
    GroupVersionKind::new(&text(root, "apiVersion"), &text(root, "kind"))
}

/// A step of a path.
pub(super) fn field(name: &str) -> PathElement {
    PathElement::FieldName(name.to_owned())
}

/// A path of fields.
pub(super) fn fields<const N: usize>(names: [&str; N]) -> Path {
    names.iter().map(|name| field(name)).collect()
}
