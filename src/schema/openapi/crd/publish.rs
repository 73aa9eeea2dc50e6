//! What an API server publishes of a definition, as far as types are made of it.

use std::fmt::Write as _;

use crate::value::text::{write_exact_json, write_json_string_quoted};
use crate::value::{Kind, ValueRef};

use super::super::extensions::PRESERVE_UNKNOWN_FIELDS;
use super::super::problem::{Findings, OpenApiError, Place, Problem};
use super::super::readable::is_known_in_crd;
use super::read::{Definition, Version};
use super::rules::{EMBEDDED, is_set, properties, said, schema_in, text};

/// The schemas that are published with every definition; those of scales only where there is one.
pub(super) const COMMON: &str = include_str!("common.json");
pub(super) const SCALE_PREFIX: &str = "io.k8s.api.autoscaling.";

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// The extensions of lists and maps; others say nothing of types.
const WORDS: [&str; 2] = ["x-kubernetes-list-type", "x-kubernetes-map-type"];
const LIST_MAP_KEYS: &str = "x-kubernetes-list-map-keys";

/// The published schemas by name, as JSON, and remarks on what is not in them. The schemas of the
/// definition are structural. Recursive: the caller gives it room.
pub(super) fn definitions(
    definition: &Definition<'_>,
) -> Result<(String, Vec<Problem>), OpenApiError> {
    let mut publisher = Publisher::default();
    for version in &definition.versions {
        publisher.version(definition, version);
    }
    publisher.out.push('}');
    Ok((publisher.out, publisher.findings.finish()?))
}

#[derive(Default)]
struct Publisher {
    out: String,
    findings: Findings,
}

impl Publisher {
    fn version(&mut self, definition: &Definition<'_>, version: &Version<'_>) {
        let (name, list) = (definition.type_name(version), definition.list_type_name(version));
        let place = Place::of(&name);
        self.out.push(if self.out.is_empty() { '{' } else { ',' });
        self.key(&name);
        match version.schema {
            Some(schema) => self.schema(schema, true, &place),
            None => self.out.push_str("{\"type\":\"object\""),
        }
        self.out.push_str(",\"x-kubernetes-group-version-kind\":[{");
        let parts = [
            ("group", definition.group()),
            ("version", version.name()),
            ("kind", definition.kind()),
        ];
        for (index, (key, text)) in parts.into_iter().enumerate() {
            self.out.push_str(if index > 0 { "," } else { "" });
            self.key(key);
            write_json_string_quoted(&mut self.out, text);
        }
        self.out.push_str("}]},");
        self.key(&list);
        self.out.push_str("{\"type\":\"object\",\"properties\":{");
        self.object_meta(LIST_META);
        self.out.push_str(",\"items\":{\"type\":\"array\",\"items\":");
        self.reference(&name);
        self.out.push_str("}}}");
    }

    fn key(&mut self, key: &str) {
        write_json_string_quoted(&mut self.out, key);
        self.out.push(':');
    }

    fn reference(&mut self, name: &str) {
        self.out.push_str("{\"$ref\":");
        write_json_string_quoted(&mut self.out, &format!("#/components/schemas/{name}"));
        self.out.push('}');
    }

    /// The properties that every object has.
    fn object_meta(&mut self, meta: &str) {
        self.out.push_str(
            "\"apiVersion\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"},\"metadata\":",
        );
        self.reference(meta);
    }

    /// Writes a schema, but for the brace at its end.
    fn schema(&mut self, schema: ValueRef<'_>, is_root: bool, place: &Place<'_>) {
        let mut between = "{";
        let mut keyword = |out: &mut String, keyword: &str| {
            let _ = write!(out, "{between}\"{keyword}\":");
            between = ",";
        };
        let texts = ["type", "format"].map(|word| (word, text(schema, word)));
        // An empty one of these is one that is not known.
        let words = WORDS.map(|word| (word, schema.get(word).and_then(ValueRef::as_str)));
        for (word, said) in texts.into_iter().chain(words) {
            if let Some(said) = said {
                keyword(&mut self.out, word);
                write_json_string_quoted(&mut self.out, &said);
            }
        }
        for flag in ["nullable", PRESERVE_UNKNOWN_FIELDS] {
            if is_set(schema, flag) {
                keyword(&mut self.out, flag);
                self.out.push_str("true");
            }
        }
        if let Some(keys) = schema.get(LIST_MAP_KEYS).filter(|keys| !keys.is_empty()) {
            keyword(&mut self.out, LIST_MAP_KEYS);
            for (index, key) in keys.items().enumerate() {
                self.out.push(if index > 0 { ',' } else { '[' });
                write_json_string_quoted(&mut self.out, &key.as_str().unwrap_or_default());
            }
            self.out.push(']');
        }
        if let Some(default) = said(schema, "default") {
            keyword(&mut self.out, "default");
            write_exact_json(&mut self.out, default);
        }
        if let Some(items) = schema_in(schema, "items") {
            keyword(&mut self.out, "items");
            self.whole(items, &place.at("items"));
        }
        let is_object = is_root || is_set(schema, EMBEDDED);
        if is_object || properties(schema).next().is_some() {
            keyword(&mut self.out, "properties");
            self.properties(schema, is_object, &place.at("properties"));
        }
        if let Some(additional) = said(schema, "additionalProperties") {
            keyword(&mut self.out, "additionalProperties");
            match additional.as_bool() {
                Some(flag) => self.out.push_str(if flag { "true" } else { "false" }),
                None => self.whole(additional, &place.at("additionalProperties")),
            }
        }
        if between == "{" {
            self.out.push('{');
        }
        self.remark_on_extensions(schema, place);
    }

    fn whole(&mut self, schema: ValueRef<'_>, place: &Place<'_>) {
        self.schema(schema, false, place);
        self.out.push('}');
    }

    /// Those of an object are the server's own, whatever the definition says of them.
    fn properties(&mut self, schema: ValueRef<'_>, is_object: bool, place: &Place<'_>) {
        self.out.push('{');
        if is_object {
            self.object_meta(OBJECT_META);
        }
        let mut between = if is_object { "," } else { "" };
        for (name, property) in properties(schema) {
            if is_object && matches!(name.as_ref(), "apiVersion" | "kind" | "metadata") {
                continue;
            }
            self.out.push_str(between);
            between = ",";
            self.key(&name);
            self.whole(property, &place.at(&name));
        }
        self.out.push('}');
    }

    /// Remarks on extensions of OpenAPI documents that definitions do not have.
    fn remark_on_extensions(&mut self, schema: ValueRef<'_>, place: &Place<'_>) {
        if schema.kind() != Kind::Map || !self.findings.has_room() {
            return;
        }
        for (keyword, _) in schema.members() {
            if keyword.starts_with("x-kubernetes-") && !is_known_in_crd(&keyword) {
                self.findings.remark(
                    place,
                    format!("{keyword} has no effect in a definition of custom resources"),
                );
            }
        }
    }
}
