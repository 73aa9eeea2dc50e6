//! The schemas that a command works with: the built-in ones and those of `--schema`.

use std::collections::BTreeSet;

use crate::schema::{GroupVersionKind, Schema, Schemas, Type};
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
                        .and_then(|document| known.add(&document));
                    if let Err(message) = result {
                        is_complete = false;
                        session.error(
                            format_args!("{file}: document {number} (line {line})"),
                            message,
                        );
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
    fn add(&mut self, document: &Value) -> Result<(), String> {
        let root = document.as_ref();
        let text = |key: &str| root.get(key).and_then(ValueRef::as_str);
        if text("swagger").is_some() {
            return Err("OpenAPI v2 documents cannot be read as schemas".to_owned());
        }
        if text("openapi").is_some() {
            return Err("OpenAPI v3 documents cannot be read as schemas".to_owned());
        }
        if text("kind").is_some_and(|kind| kind == "CustomResourceDefinition") {
            return Err("CustomResourceDefinitions cannot be read as schemas".to_owned());
        }
        if root.get("types").is_some_and(|types| types.kind() == Kind::List) {
            let schema = parse_schema(document).map_err(|error| error.to_string())?;
            self.named.push(schema);
            return Ok(());
        }
        Err("this is no schema: expected OpenAPI (`swagger`, `openapi`), a \
             CustomResourceDefinition or a merge schema (`types`)"
            .to_owned())
    }

    pub(super) fn schemas(&self) -> &Schemas {
        &self.schemas
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
