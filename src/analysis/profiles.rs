//! Controllers that are known to write certain fields.

use serde::Deserialize;

use crate::fieldmanager::value_at;
use crate::fieldpath::{Path, PathElement};
use crate::managedfields::Operation;
use crate::schema::GroupVersionKind;
use crate::value::{Value, ValueRef};

/// A list of profiles cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// It does not have the shape of one.
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
    /// A path in it is none.
    #[error("profile {profile}: {path} is not a path: expected .name and [*]")]
    Path {
        /// The profile.
        profile: String,
        /// The text.
        path: String,
    },
}

/// A controller and the fields that it writes.
#[derive(Debug, Clone)]
pub struct Profile {
    name: String,
    about: String,
    manager: String,
    operation: Operation,
    subresource: String,
    kinds: Vec<KindPattern>,
    when: Option<When>,
    paths: Vec<Vec<Step>>,
}

/// The list as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    profiles: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Entry {
    name: String,
    #[serde(default)]
    about: String,
    manager: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    applies: bool,
    kinds: Vec<KindPattern>,
    #[serde(default)]
    when: Option<When>,
    paths: Vec<String>,
}

/// A kind of any version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindPattern {
    #[serde(default)]
    group: String,
    kind: String,
}

impl KindPattern {
    fn fits(&self, kind: &GroupVersionKind) -> bool {
        self.group == kind.group && self.kind == kind.kind
    }
}

/// On what it depends whether the controller writes an object.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
enum When {
    /// The object has one of these annotations.
    Annotation(Vec<String>),
    /// The object has one of these labels.
    Label(Vec<String>),
    /// Another object names it.
    ReferredToBy(Reference),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Reference {
    from: KindPattern,
    /// Where that object has the kind and the name, or the name alone.
    path: String,
    /// The kind, where the reference leaves it out or names something else by the same name.
    #[serde(default)]
    kind_is: Option<String>,
}

/// A step of a path in a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    AnyItem,
}

impl Profile {
    /// Reads a list of profiles, in the shape that `docs/profiles.md` describes.
    ///
    /// ```
    /// use managed_fields::Value;
    /// use managed_fields::analysis::Profile;
    /// let list = Value::from_json(
    ///     r#"{"profiles":[{"name":"autoscaler","manager":"hpa","kinds":[{"group":"apps","kind":"Deployment"}],
    ///         "paths":[".spec.replicas"]}]}"#,
    /// )?;
    /// assert_eq!(Profile::read_all(&list)?[0].manager(), "hpa");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Another shape, members that are not known, texts that are no paths.
    pub fn read_all(list: &Value) -> Result<Vec<Profile>, ProfileError> {
        let listed: Listed = list.to_deserialize()?;
        listed.profiles.into_iter().map(Profile::read).collect()
    }

    fn read(entry: Entry) -> Result<Profile, ProfileError> {
        let read = |path: &String| {
            steps(path).ok_or_else(|| ProfileError::Path {
                profile: entry.name.clone(),
                path: path.clone(),
            })
        };
        let paths = entry.paths.iter().map(read).collect::<Result<_, _>>()?;
        if let Some(When::ReferredToBy(reference)) = &entry.when {
            read(&reference.path)?;
        }
        Ok(Profile {
            name: entry.name,
            about: entry.about,
            manager: entry.manager,
            operation: if entry.applies { Operation::Apply } else { Operation::Update },
            subresource: entry.subresource,
            kinds: entry.kinds,
            when: entry.when,
            paths,
        })
    }

    /// What the profile is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the controller does, in a sentence.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The manager under whose name it writes.
    pub fn manager(&self) -> &str {
        &self.manager
    }

    /// How it writes.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The subresource that it writes to; empty for the object itself.
    pub fn subresource(&self) -> &str {
        &self.subresource
    }

    /// Whether objects of this kind have a say in what the controller writes.
    pub fn is_steered_by(&self, kind: &GroupVersionKind) -> bool {
        matches!(&self.when, Some(When::ReferredToBy(reference)) if reference.from.fits(kind))
    }

    /// Whether the controller writes this object, which one of these objects of the same namespace
    /// may bring about.
    pub fn writes<'v>(
        &self,
        kind: &GroupVersionKind,
        object: &Value,
        others: impl IntoIterator<Item = (&'v GroupVersionKind, &'v Value)>,
    ) -> bool {
        if !self.kinds.iter().any(|own| own.fits(kind)) {
            return false;
        }
        let metadata = object.as_ref().get("metadata");
        let has = |map: &str, names: &[String]| {
            let map = metadata.and_then(|metadata| metadata.get(map));
            names.iter().any(|name| map.is_some_and(|map| map.get(name).is_some()))
        };
        match &self.when {
            None => true,
            Some(When::Annotation(names)) => has("annotations", names),
            Some(When::Label(names)) => has("labels", names),
            Some(When::ReferredToBy(reference)) => {
                let name = metadata.and_then(|metadata| metadata.get("name"));
                let Some(name) = name.and_then(ValueRef::as_str) else { return false };
                others.into_iter().any(|(of, other)| {
                    reference.from.fits(of) && reference.names(other, &kind.kind, &name)
                })
            }
        }
    }

    /// How a path that somebody owns stands to the fields that the controller writes: at one or in
    /// one (true), above one (false), or apart from all.
    pub(super) fn meets(&self, path: &Path) -> Option<bool> {
        let met = self.paths.iter().filter_map(|steps| {
            let mut pairs = steps.iter().zip(path.elements());
            pairs
                .all(|(step, element)| match (step, element) {
                    (Step::Field(name), PathElement::FieldName(own)) => name == own,
                    (Step::AnyItem, element) => !matches!(element, PathElement::FieldName(_)),
                    _ => false,
                })
                .then(|| path.elements().len() >= steps.len())
        });
        met.max()
    }
}

impl Reference {
    fn names(&self, other: &Value, kind: &str, name: &str) -> bool {
        let steps = steps(&self.path).unwrap_or_default();
        let path: Vec<PathElement> = steps
            .into_iter()
            .map(|step| match step {
                Step::Field(name) => PathElement::FieldName(name),
                Step::AnyItem => PathElement::Index(0),
            })
            .collect();
        let Some(found) = value_at(other.as_ref(), &path) else { return false };
        let text = |value: Option<ValueRef<'_>>| {
            value.and_then(ValueRef::as_str).map(|text| text.into_owned())
        };
        let (named, named_kind) = match found.as_str() {
            Some(name) => (Some(name.into_owned()), None),
            None => (text(found.get("name")), text(found.get("kind"))),
        };
        let named_kind = self.kind_is.clone().or(named_kind);
        named.is_some_and(|named| named == name) && named_kind.is_none_or(|named| named == kind)
    }
}

/// `.name`, `["name"]` and `[*]`.
fn steps(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]") {
            steps.push(Step::AnyItem);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("[\"") {
            let (name, after) = after.split_once("\"]")?;
            steps.push(Step::Field(name.to_owned()));
            rest = after;
        } else {
            let name = rest.strip_prefix('.')?;
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Field(name.to_owned()));
            rest = after;
        }
    }
    (!steps.is_empty()).then_some(steps)
}
