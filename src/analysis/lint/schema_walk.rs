//! All schemas of a definition, with what ownership comes to in them.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::fieldpath::{Path, PathElement};
use crate::value::{Kind, ValueRef};

use super::subject::{field, text};

const LIST_TYPE: &str = "x-kubernetes-list-type";
const MAP_TYPE: &str = "x-kubernetes-map-type";
const LIST_MAP_KEYS: &str = "x-kubernetes-list-map-keys";

/// The schemas of a definition, each behind the one that it is in.
pub(super) struct Walked<'v> {
    nodes: Vec<Node<'v>>,
}

/// A schema of a definition.
pub(super) struct Node<'v> {
    pub(super) schema: ValueRef<'v>,
    /// What it is called in the map that it is in; `items` for the items of a list.
    pub(super) name: Cow<'v, str>,
    part: Part,
    parent: Option<usize>,
    /// The outermost list or map around it that is owned as a whole.
    pub(super) whole: Option<usize>,
    /// Only of roots: the way to it, and the version.
    root: Option<(Path, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Root,
    Property,
    Items,
    Entries,
}

impl<'v> Walked<'v> {
    /// The schemas of all versions that are served. Linear in them.
    pub(super) fn of(definition: ValueRef<'v>) -> Walked<'v> {
        let mut walked = Walked { nodes: Vec::new() };
        let spec = definition.get("spec");
        let versions = spec.and_then(|spec| spec.get("versions"));
        let mut is_any = false;
        for (at, version) in versions.into_iter().flat_map(ValueRef::items).enumerate() {
            if version.get("served").and_then(ValueRef::as_bool) == Some(false) {
                continue;
            }
            let schema = version.get("schema").and_then(|schema| schema.get("openAPIV3Schema"));
            let Some(schema) = schema else { continue };
            is_any = true;
            let at = PathElement::Index(i64::try_from(at).unwrap_or(i64::MAX));
            let way = [field("spec"), field("versions"), at];
            let way = way.into_iter().chain(["schema", "openAPIV3Schema"].map(field));
            walked.add_root(schema, way.collect(), text(Some(version), "name"));
        }
        // What v1beta1 has for all versions.
        let common = spec.and_then(|spec| spec.get("validation")?.get("openAPIV3Schema"));
        if let Some(schema) = common.filter(|_| !is_any) {
            let way = ["spec", "validation", "openAPIV3Schema"].iter().map(|name| field(name));
            walked.add_root(schema, way.collect(), text(spec, "version"));
        }
        walked
    }

    fn add_root(&mut self, schema: ValueRef<'v>, way: Path, version: String) {
        let name = Cow::Borrowed("");
        let root = Some((way, version));
        let mut at = self.nodes.len();
        self.nodes.push(Node { schema, name, part: Part::Root, parent: None, whole: None, root });
        while let Some(node) = self.nodes.get(at) {
            let schema = node.schema;
            let whole = node.whole.or_else(|| node.is_owned_as_a_whole().then_some(at));
            let mut add = |part, name, schema: ValueRef<'v>| {
                if schema.kind() == Kind::Map {
                    let parent = Some(at);
                    self.nodes.push(Node { schema, name, part, parent, whole, root: None });
                }
            };
            for (name, property) in schema.get("properties").into_iter().flat_map(ValueRef::members)
            {
                add(Part::Property, name, property);
            }
            if let Some(items) = schema.get("items") {
                add(Part::Items, Cow::Borrowed("items"), items);
            }
            if let Some(entries) = schema.get("additionalProperties") {
                add(Part::Entries, Cow::Borrowed("additionalProperties"), entries);
            }
            at += 1;
        }
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (usize, &Node<'v>)> {
        self.nodes.iter().enumerate()
    }

    pub(super) fn node(&self, at: usize) -> Option<&Node<'v>> {
        self.nodes.get(at)
    }

    pub(super) fn parent(&self, node: &Node<'v>) -> Option<&Node<'v>> {
        self.nodes.get(node.parent?)
    }

    /// The nodes from the root to this one.
    fn line<'w>(&'w self, node: &'w Node<'v>) -> Vec<&'w Node<'v>> {
        let mut line = vec![node];
        let mut inner = node;
        while let Some(outer) = self.parent(inner) {
            line.push(outer);
            inner = outer;
        }
        line.reverse();
        line
    }

    /// Where in the definition the schema is.
    pub(super) fn path(&self, node: &Node<'v>) -> Path {
        let mut way = Vec::new();
        for node in self.line(node) {
            match node.part {
                Part::Root => {
                    let root = node.root.iter().flat_map(|(way, _)| way.elements());
                    way.extend(root.cloned());
                }
                Part::Property => way.extend([field("properties"), field(&node.name)]),
                Part::Items | Part::Entries => way.push(field(&node.name)),
            }
        }
        Path::new(way)
    }

    /// Which field of objects it is the schema of, and of which version: `v1 .spec.rules[].name`.
    pub(super) fn field(&self, node: &Node<'v>) -> String {
        let mut text = String::new();
        for node in self.line(node) {
            let _ = match node.part {
                Part::Root => {
                    let version = node.root.as_ref().map(|(_, version)| version.as_str());
                    write!(text, "{} ", version.unwrap_or_default())
                }
                Part::Property => write!(text, ".{}", node.name),
                Part::Items => write!(text, "[]"),
                Part::Entries => write!(text, ".*"),
            };
        }
        text
    }
}

impl<'v> Node<'v> {
    pub(super) fn says(&self, keyword: &str) -> Option<Cow<'v, str>> {
        self.schema.get(keyword)?.as_str().filter(|said| !said.is_empty())
    }

    pub(super) fn is_set(&self, keyword: &str) -> bool {
        self.schema.get(keyword).and_then(ValueRef::as_bool) == Some(true)
    }

    pub(super) fn is_property(&self) -> bool {
        self.part == Part::Property
    }

    pub(super) fn is_list(&self) -> bool {
        self.says("type").as_deref() == Some("array")
    }

    pub(super) fn list_type(&self) -> Option<Cow<'v, str>> {
        self.says(LIST_TYPE)
    }

    pub(super) fn map_type(&self) -> Option<Cow<'v, str>> {
        self.says(MAP_TYPE)
    }

    pub(super) fn list_keys(&self) -> impl Iterator<Item = Cow<'v, str>> {
        let keys = self.schema.get(LIST_MAP_KEYS).into_iter().flat_map(ValueRef::items);
        keys.filter_map(ValueRef::as_str)
    }

    /// The schema of the items if these are objects.
    pub(super) fn object_items(&self) -> Option<ValueRef<'v>> {
        let items = self.schema.get("items").filter(|_| self.is_list())?;
        let is_object = text(Some(items), "type") == "object" || items.get("properties").is_some();
        is_object.then_some(items)
    }

    /// Whether values are owned as a whole, as an API server makes types of the schema.
    fn is_owned_as_a_whole(&self) -> bool {
        match self.is_list() {
            true => !matches!(self.list_type().as_deref(), Some("map" | "set")),
            false => self.map_type().as_deref() == Some("atomic"),
        }
    }
}

/// The schema of a property of an object's schema.
pub(super) fn property<'v>(schema: ValueRef<'v>, name: &str) -> Option<ValueRef<'v>> {
    schema.get("properties")?.get(name)
}

/// Whether a property has to be there.
pub(super) fn requires(schema: ValueRef<'_>, name: &str) -> bool {
    let required = schema.get("required").into_iter().flat_map(ValueRef::items);
    required.filter_map(ValueRef::as_str).any(|required| required == name)
}

#[cfg(test)]
mod tests {
    use super::{Part, Walked};
    use crate::schema::{GroupVersionKind, Rule, Schemas, Type};
    use crate::value::Value;

    /// Schemas of which the types that an API server makes are owned in another way than the walk has it.
    fn disagreements(definition: &Value) -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let mut schemas = Schemas::empty();
        let resource = schemas.add_crd(definition)?;
        let walked = Walked::of(definition.as_ref());
        let mut types: Vec<Option<Type>> = Vec::new();
        let mut wrong = Vec::new();
        for (_, node) in walked.nodes() {
            let around = node.parent.and_then(|parent| types.get(parent).cloned().flatten());
            let ty = match (node.part, &node.root) {
                (Part::Root, Some((_, version))) => {
                    let version = format!("{}/{version}", resource.group());
                    schemas.find(&GroupVersionKind::new(&version, resource.kind()))
                }
                (Part::Root, None) => None,
                (Part::Property, _) => around.and_then(|ty| ty.field(&node.name)),
                (Part::Items, _) => around.and_then(|ty| ty.items()),
                (Part::Entries, _) => around.and_then(|ty| ty.entries()),
            };
            if let Some(ty) = &ty {
                let is_whole = matches!(ty.rule(), Rule::AtomicList | Rule::Atomic);
                if is_whole != node.is_owned_as_a_whole() {
                    wrong.push(format!("{}: {}", walked.field(node), ty.rule()));
                }
            }
            types.push(ty);
        }
        assert!(types.iter().flatten().count() > 10, "the walk went nowhere");
        Ok(wrong)
    }

    #[test]
    fn the_walk_has_fields_owned_as_types_have_them() -> Result<(), Box<dyn std::error::Error>> {
        let object = r#""type":"object","properties":{"a":{"type":"string"}},"required":["a"]"#;
        let fields = [
            format!(r#""plain":{{{object}}}"#),
            format!(r#""whole":{{{object},"x-kubernetes-map-type":"atomic"}}"#),
            format!(r#""parts":{{{object},"x-kubernetes-map-type":"granular"}}"#),
            r#""entries":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}}}"#.to_owned(),
            r#""untagged":{"type":"array","items":{"type":"string"}}"#.to_owned(),
            r#""set":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"}"#.to_owned(),
            r#""atomic":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"atomic"}"#.to_owned(),
            format!(r#""keyed":{{"type":"array","items":{{{object}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]}}"#),
            r#""either":{"x-kubernetes-int-or-string":true}"#.to_owned(),
            r#""any":{"type":"object","x-kubernetes-preserve-unknown-fields":true}"#.to_owned(),
        ];
        let definition = format!(
            r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"lamps.example.com"}},
                "spec":{{"group":"example.com","scope":"Namespaced","names":{{"kind":"Lamp","plural":"lamps"}},
                "versions":[{{"name":"v1","served":true,"storage":true,"schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"spec":{{"type":"object","properties":{{{}}}}}}}}}}}}}]}}}}"#,
            fields.join(",")
        );
        let definition = Value::from_json(&definition)?;
        assert_eq!(disagreements(&definition)?, [] as [String; 0]);
        Ok(())
    }
}
