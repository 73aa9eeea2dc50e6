//! The schemas that a command works with: the built-in ones and those of `--schema`.

use std::collections::BTreeSet;

use crate::fieldpath::PathElement;
use crate::schema::{GroupVersionKind, OpenApiError, Problem, Schema, Schemas, Type};
use crate::typed::parse_schema;
use crate::value::{Kind, Value, ValueRef};

use super::Common;
use super::input::{self, Object};
use super::locate;
use super::session::Session;

/// All types that are known, and which kinds lacked one.
pub(super) struct Known {
    schemas: Schemas,
    /// Merge schemas, which name types but not kinds.
    named: Vec<Schema>,
    strict: bool,
    missing: BTreeSet<GroupVersionKind>,
}

impl Known {
    /// Reads the schemas of `--schema`. None if one of them cannot be read, which is reported: a
    /// result under half a schema is worse than none.
    pub(super) fn load(common: &Common, session: &mut Session<'_, '_>) -> Option<Known> {
        let mut known = Known {
            schemas: Schemas::builtin(),
            named: Vec::new(),
            strict: common.strict_schema,
            missing: BTreeSet::new(),
        };
        let mut is_complete = true;
        for name in &common.schema {
            let files = input::read(name, common.recursive, session);
            is_complete &= !files.is_empty();
            for (file, content) in files {
                let mut number = 0;
                input::each_document(&content, &mut |line, document| {
                    number += 1;
                    let result = document
                        .and_then(|json| locate::refuse_repeats(json).map(|()| json))
                        .and_then(|json| Value::from_json(json).map_err(|error| error.to_string()))
                        .map_err(Refusal::from)
                        .and_then(|document| known.add(&document));
                    let place = format!("{file}: document {number} (line {line})");
                    let told = Told { file: &file, content: &content, number, place };
                    match result {
                        Ok(remarks) => told.warn(&remarks, session),
                        Err(refusal) => {
                            is_complete = false;
                            told.refuse(&refusal, session);
                        }
                    }
                });
                if number == 0 {
                    is_complete = false;
                    session.error(&file, "there is no schema in it");
                }
            }
        }
        is_complete.then_some(known)
    }

    /// Takes a schema document, recognised by what it holds.
    fn add(&mut self, document: &Value) -> Result<Remarks, Refusal> {
        let root = document.as_ref();
        let text = |key: &str| root.get(key).and_then(ValueRef::as_str);
        let scalar = |key: &str| root.get(key).is_some_and(|said| said.is_empty());
        if scalar("openapi") {
            return Remarks::of(V3, self.schemas.add_openapi_v3(document));
        }
        if scalar("swagger") {
            return Remarks::of(V2, self.schemas.add_openapi_v2(document));
        }
        if text("kind").is_some_and(|kind| kind == "CustomResourceDefinition") {
            return Err("CustomResourceDefinitions cannot be read as schemas".to_owned().into());
        }
        if root.get("types").is_some_and(|types| types.kind() == Kind::List) {
            let schema = parse_schema(document).map_err(|error| error.to_string())?;
            self.named.push(schema);
            return Ok(Remarks::default());
        }
        Err("this is no schema: expected OpenAPI (`swagger`, `openapi`), a \
             CustomResourceDefinition or a merge schema (`types`)"
            .to_owned()
            .into())
    }

    pub(super) fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// Where the type of a kind comes from.
    pub(super) fn source(&self, kind: &GroupVersionKind) -> String {
        if self.missing.contains(kind) {
            return "no schema".to_owned();
        }
        match Schemas::builtin().find(kind) == self.schemas.find(kind) {
            true => "built-in".to_owned(),
            false => "from --schema".to_owned(),
        }
    }

    /// Makes the type of a kind known, if a schema that was read has one.
    pub(super) fn learn(&mut self, kind: &GroupVersionKind) -> bool {
        let ty = self.named.iter().find_map(|schema| type_of(schema, kind));
        let is_found = ty.is_some();
        if let Some(ty) = ty {
            self.schemas.insert(kind.clone(), ty);
        }
        is_found
    }

    /// Makes the type of an object's kind known. False, and reported, where a schema is demanded
    /// and there is none.
    pub(super) fn prepare(
        &mut self,
        object: &Object,
        session: &mut Session<'_, '_>,
    ) -> Result<(), String> {
        let kind = &object.identity.kind;
        if self.learn(kind) {
            return Ok(());
        }
        if self.schemas.find(kind).is_some() || kind.kind.is_empty() {
            return Ok(());
        }
        if self.strict {
            let message = format!("there is no schema for {kind}");
            session.error(&object.place, &message);
            return Err(message);
        }
        self.schemas.insert(kind.clone(), Schema::deduced_type());
        if self.missing.insert(kind.clone()) {
            session.warn(
                &object.place,
                format_args!(
                    "there is no schema for {kind}: treated as a custom resource without one, \
                     whose lists are owned as a whole"
                ),
            );
        }
        Ok(())
    }
}

/// Where a document has its definitions.
type Holder = &'static [&'static str];
const V2: Holder = &["definitions"];
const V3: Holder = &["components", "schemas"];

/// What is odd about a document that was taken.
#[derive(Default)]
struct Remarks {
    holder: Holder,
    problems: Vec<Problem>,
}

impl Remarks {
    fn of(holder: Holder, result: Result<Vec<Problem>, OpenApiError>) -> Result<Remarks, Refusal> {
        match result {
            Ok(problems) => Ok(Remarks { holder, problems }),
            Err(error) => Err(Refusal::OpenApi(holder, error)),
        }
    }
}

/// Why a document was not taken.
enum Refusal {
    Text(String),
    OpenApi(Holder, OpenApiError),
}

impl From<String> for Refusal {
    fn from(text: String) -> Refusal {
        Refusal::Text(text)
    }
}

/// A document that something is told of.
struct Told<'d> {
    file: &'d str,
    content: &'d [u8],
    number: usize,
    place: String,
}

impl Told<'_> {
    fn warn(&self, remarks: &Remarks, session: &mut Session<'_, '_>) {
        for (place, problem) in self.located(remarks.holder, &remarks.problems) {
            session.warn(place, problem);
        }
        if remarks.holder == V2 {
            session.note(
                &self.place,
                "OpenAPI v2 is published without defaults and without what may be null: list items \
                 may be told apart otherwise than an API server does; it takes OpenAPI v3 for that",
            );
        }
    }

    fn refuse(&self, refusal: &Refusal, session: &mut Session<'_, '_>) {
        let (holder, error) = match refusal {
            Refusal::Text(message) => return session.error(&self.place, message),
            Refusal::OpenApi(holder, error) => (holder, error),
        };
        let problems = error.problems();
        if problems.is_empty() {
            return session.error(&self.place, error);
        }
        for (place, problem) in self.located(holder, problems) {
            session.error(place, problem);
        }
        let more = match error {
            OpenApiError::Refused { more, .. } if *more > 0 => format!("{more} more problems; "),
            _ => String::new(),
        };
        session.note(
            &self.place,
            format_args!(
                "{more}nothing of this document is used: an API server refuses one like that as a \
                 whole"
            ),
        );
    }

    /// Problems with the lines they are on, where these are found.
    fn located<'p>(
        &self,
        holder: Holder,
        problems: &'p [Problem],
    ) -> impl Iterator<Item = (String, &'p Problem)> {
        let source = match problems {
            [] => None,
            _ => locate::source_of(self.file, self.content, self.number),
        };
        problems.iter().map(move |problem| {
            let names = holder.iter().copied().chain([problem.definition()]);
            let names = names.map(|name| PathElement::FieldName(name.to_owned()));
            let path = names.chain(problem.path().elements().iter().cloned()).collect();
            let found = source.as_ref().and_then(|source| source.locate(&path));
            (found.map_or_else(|| self.place.clone(), |location| location.to_string()), problem)
        })
    }
}

/// The type of a kind in a merge schema, whose names are `io.k8s.api.apps.v1.Deployment`,
/// `com.example.stable.v1.CronTab` or the bare kind.
fn type_of(schema: &Schema, kind: &GroupVersionKind) -> Option<Type> {
    if kind.kind.is_empty() {
        return None;
    }
    let end = format!(".{}.{}", kind.version, kind.kind);
    let name = schema.type_names().find(|name| {
        name.strip_suffix(end.as_str()).is_some_and(|group| is_group(group, &kind.group))
    });
    let name = name.map(str::to_owned);
    schema.type_named(name.as_deref().unwrap_or(&kind.kind))
}

/// Whether the front of a type's name stands for an API group.
fn is_group(front: &str, group: &str) -> bool {
    let last = front.rsplit('.').next().unwrap_or_default();
    match group {
        "" => last == "core",
        "internal.apiserver.k8s.io" => last == "apiserverinternal",
        _ => {
            group.split('.').next() == Some(last) && front.starts_with("io.k8s.")
                || front.split('.').eq(group.rsplit('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_group;

    #[test]
    fn names_of_types_tell_the_group() {
        assert!(is_group("io.k8s.api.core", ""));
        assert!(is_group("io.k8s.api.apps", "apps"));
        assert!(is_group("io.k8s.api.rbac", "rbac.authorization.k8s.io"));
        assert!(is_group("com.example.stable", "stable.example.com"));
        assert!(!is_group("io.k8s.api.apps", "extensions"));
        assert!(!is_group("com.example.apps", "apps"));
    }
}
