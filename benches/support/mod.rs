//! What the benchmarks share: objects, how they came to be owned, and checks of results.
#![allow(dead_code, reason = "every benchmark is a program of its own and uses a part of this")]

pub(crate) mod grow;
pub(crate) mod limits;
pub(crate) mod objects;
pub(crate) mod schema;
pub(crate) mod shapes;
pub(crate) mod text;
pub(crate) mod timing;

use std::hint::black_box;

use managed_fields::fieldmanager::{Applied, ApplyRequest, Document, FieldManager};
use managed_fields::fieldpath::FieldSet;
use managed_fields::merge::{Managers, VersionedSet};
use managed_fields::schema::{GroupVersionKind, Schemas, Type};
use managed_fields::typed::TypedValue;
use serde_json::{Map, Value, json};

/// When the benchmarks write.
pub(crate) const NOW: &str = "2026-03-04T05:06:07Z";

/// Every kind that the benchmarks have objects of.
pub(crate) fn schemas() -> Schemas {
    let mut schemas = Schemas::builtin();
    let crd = GroupVersionKind::new("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition");
    schemas.insert(crd, schema::crd());
    schemas
}

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Compact, with sorted keys.
    Sorted,
    /// On many lines, with sorted keys.
    Pretty,
    /// Compact, with keys in any order.
    Unsorted,
}

impl Form {
    pub(crate) const ALL: [Form; 3] = [Form::Sorted, Form::Pretty, Form::Unsorted];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Form::Sorted => "compact, sorted",
            Form::Pretty => "pretty",
            Form::Unsorted => "unsorted",
        }
    }

    /// The form whose name has this word.
    pub(crate) fn named(word: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name().split(", ").any(|part| part == word))
    }
}

/// One apply: a live object, what is applied to it, and what must come of that.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The live object, compact and with sorted keys unless told to be otherwise, entries included.
    pub(crate) live: String,
    /// The configuration, in the same form.
    pub(crate) config: String,
    /// Who applies.
    pub(crate) manager: &'static str,
    /// The one field that the apply changes, as a JSON pointer, and its value before, if it was
    /// there, and after.
    pub(crate) changed: &'static str,
    pub(crate) before: Option<Value>,
    pub(crate) after: Value,
}

/// What an object measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    /// Bytes of the live object, and values in it.
    pub(crate) live: usize,
    pub(crate) nodes: usize,
    /// Bytes of the configuration.
    pub(crate) config: usize,
    /// Entries of the live object, bytes of their `fieldsV1`, and paths in them.
    pub(crate) managers: usize,
    pub(crate) fields_v1: usize,
    pub(crate) paths: usize,
}

/// The sizes that performance figures are given for.
const SIZES: [(&str, Size); 6] = [
    ("pod", Size { live: 4822, nodes: 249, config: 1645, managers: 2, fields_v1: 1745, paths: 69 }),
    (
        "node",
        Size { live: 14083, nodes: 495, config: 738, managers: 2, fields_v1: 3352, paths: 146 },
    ),
    (
        "deployment",
        Size { live: 7169, nodes: 371, config: 3047, managers: 2, fields_v1: 3156, paths: 118 },
    ),
    (
        "rich",
        Size { live: 26903, nodes: 1504, config: 11951, managers: 3, fields_v1: 13862, paths: 551 },
    ),
    (
        "endpoints",
        Size { live: 171_648, nodes: 8038, config: 133, managers: 2, fields_v1: 56, paths: 2 },
    ),
    (
        "crd",
        Size {
            live: 129_966,
            nodes: 3225,
            config: 114_623,
            managers: 1,
            fields_v1: 15105,
            paths: 767,
        },
    ),
];

/// How many values a document has.
fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Object(members) => members.values().map(nodes).sum(),
        _ => 0,
    }
}

impl Case {
    pub(crate) fn live_value(&self) -> Value {
        serde_json::from_str(&self.live).unwrap()
    }

    /// The same documents written in another form.
    pub(crate) fn written(&self, form: Form) -> Case {
        let mut numbers = text::Numbers::new(11);
        let mut write = |document: &str| {
            let value: Value = serde_json::from_str(document).unwrap();
            match form {
                Form::Sorted => text::sorted(&value),
                Form::Pretty => serde_json::to_string_pretty(&value).unwrap(),
                Form::Unsorted => text::compact(&value, &mut |keys| numbers.shuffle(keys)),
            }
        };
        let (live, config) = (write(&self.live), write(&self.config));
        Case { live, config, ..self.clone() }
    }

    /// The bytes of both documents.
    pub(crate) fn input(&self) -> usize {
        self.live.len() + self.config.len()
    }

    fn request<'a>(&'a self, manager: FieldManager<'a>) -> ApplyRequest<'a, 'a> {
        let live = black_box(self.live.as_bytes());
        let config = black_box(self.config.as_bytes());
        let request = manager.apply(live, config).field_manager(self.manager);
        request.at(black_box(NOW).parse().unwrap())
    }

    pub(crate) fn apply(&self, manager: FieldManager<'_>) -> Applied {
        self.request(manager).run().unwrap()
    }

    pub(crate) fn apply_if_changed(&self, manager: FieldManager<'_>) -> Option<Applied> {
        self.request(manager).run_if_changed().unwrap()
    }

    /// What the bytes of the apply cost with `serde_json` alone: both documents are read and the
    /// live one is written.
    pub(crate) fn floor(&self) -> (Value, Value, Vec<u8>) {
        let live = serde_json::from_slice(black_box(self.live.as_bytes())).unwrap();
        let config = serde_json::from_slice(black_box(self.config.as_bytes())).unwrap();
        let out = serde_json::to_vec(black_box(&live)).unwrap();
        (live, config, out)
    }

    pub(crate) fn size(&self) -> Size {
        let live = self.live_value();
        let entries = live["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let fields: Vec<String> =
            entries.iter().map(|entry| entry["fieldsV1"].to_string()).collect();
        let paths = |text: &String| FieldSet::from_fields_v1(text.as_bytes()).unwrap().len();
        Size {
            live: self.live.len(),
            nodes: nodes(&live),
            config: self.config.len(),
            managers: entries.len(),
            fields_v1: fields.iter().map(String::len).sum(),
            paths: fields.iter().map(paths).sum(),
        }
    }

    pub(crate) fn wanted(&self) -> Size {
        SIZES.iter().find(|(name, _)| *name == self.name).unwrap().1
    }

    /// Stops unless the case is within a tenth of the size that it stands for.
    pub(crate) fn check_size(&self) {
        let (wanted, size) = (self.wanted(), self.size());
        let near = |is: usize, wanted: usize| is * 10 >= wanted * 9 && is * 10 <= wanted * 11;
        let fits = near(size.live, wanted.live)
            && near(size.nodes, wanted.nodes)
            && near(size.config, wanted.config)
            && size.managers == wanted.managers
            && near(size.fields_v1, wanted.fields_v1)
            && near(size.paths, wanted.paths);
        assert!(fits, "{} is\n{size:?}\nand stands for\n{wanted:?}", self.name);
    }

    /// Stops unless `object` is the live object with the one field changed and the applier's time
    /// renewed.
    pub(crate) fn check(&self, object: &str) {
        let mut object: Value = serde_json::from_str(object).unwrap();
        let mut live = self.live_value();
        assert_eq!(object.pointer(self.changed), Some(&self.after), "{}", self.name);
        assert_eq!(live.pointer(self.changed), self.before.as_ref(), "{}", self.name);

        let entries = take(&mut object, "/metadata/managedFields");
        let entries_before = take(&mut live, "/metadata/managedFields");
        let (entries, before) = (entries.as_array().unwrap(), entries_before.as_array().unwrap());
        assert_eq!(entries.len(), before.len(), "{}", self.name);
        let mut renewed = 0;
        for entry in before {
            let same = |other: &&Value| {
                ["manager", "operation", "subresource"].iter().all(|key| other[key] == entry[key])
            };
            let now = entries.iter().find(same).unwrap();
            if entry["manager"] == self.manager && entry["operation"] == "Apply" {
                assert_ne!(entry["time"], NOW);
                assert_eq!(now["time"], NOW, "{}", self.name);
                renewed += 1;
            } else {
                assert_eq!(now, entry, "{}", self.name);
            }
        }
        assert_eq!(renewed, 1, "{}", self.name);

        match &self.before {
            Some(before) => *object.pointer_mut(self.changed).unwrap() = before.clone(),
            None => drop(take(&mut object, self.changed)),
        }
        assert_eq!(object, live, "{}", self.name);
    }
}

/// A case in memory, as those see it who keep ownership themselves.
pub(crate) struct Typed {
    pub(crate) ty: Type,
    pub(crate) version: String,
    pub(crate) live: TypedValue,
    /// The live object with the one field changed.
    pub(crate) new: TypedValue,
    pub(crate) config: TypedValue,
    pub(crate) managers: Managers,
    /// The applier among the managers.
    pub(crate) manager: String,
}

impl Case {
    /// The live object after the apply, so that applying once more changes nothing.
    pub(crate) fn settled(&self, schemas: &Schemas) -> String {
        let manager = FieldManager::new(schemas);
        let request = manager.apply(&self.live, &self.config).field_manager(self.manager);
        let applied = request.at(NOW.parse().unwrap()).run().unwrap();
        self.check(applied.object());
        applied.object().to_owned()
    }

    /// The document with another value in the changed field.
    pub(crate) fn with(&self, document: &str, value: &str) -> String {
        let mut document: Value = serde_json::from_str(document).unwrap();
        let (parent, key) = self.changed.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Object(members) => members.insert(key.to_owned(), json!(value)),
            _ => None,
        };
        text::sorted(&document)
    }

    pub(crate) fn typed(&self, schemas: &Schemas) -> Typed {
        let mut live = self.live_value();
        let entries = take(&mut live, "/metadata/managedFields");
        let text = |key: &str| live[key].as_str().unwrap();
        let version = text("apiVersion").to_owned();
        let ty = schemas.find(&GroupVersionKind::new(&version, text("kind"))).unwrap();
        let live = text::sorted(&live);
        let new = self.with(&live, self.after.as_str().unwrap());
        let typed = |json: &str| typed(&ty, json);
        let managers = entries.as_array().unwrap().iter().map(|entry| {
            let owned = VersionedSet {
                set: FieldSet::from_fields_v1(entry["fieldsV1"].to_string().as_bytes()).unwrap(),
                api_version: version.clone(),
                applied: entry["operation"] == "Apply",
            };
            (entry["manager"].as_str().unwrap().to_owned(), owned)
        });
        let managers = managers.collect();
        let (live, new, config) = (typed(&live), typed(&new), strict(&ty, &self.config));
        let manager = self.manager.to_owned();
        Typed { ty, version, live, new, config, managers, manager }
    }
}

/// A value of a type, as it is applied: nothing in it repeats.
pub(crate) fn strict(ty: &Type, json: &str) -> TypedValue {
    TypedValue::new(managed_fields::Value::from_json(json).unwrap(), ty.clone()).unwrap()
}

/// A value of a type, as it is stored.
pub(crate) fn typed(ty: &Type, json: &str) -> TypedValue {
    let value = managed_fields::Value::from_json(json).unwrap();
    TypedValue::with_duplicates(value, ty.clone()).unwrap()
}

/// The type of a kind.
pub(crate) fn type_of(schemas: &Schemas, api_version: &str, kind: &str) -> Type {
    schemas.find(&GroupVersionKind::new(api_version, kind)).unwrap()
}

/// Criterion as the benchmarks use it.
pub(crate) fn criterion() -> criterion::Criterion {
    criterion::Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_millis(1200))
        .configure_from_args()
}

/// Takes a member out of an object.
pub(crate) fn take(value: &mut Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    members(value.pointer_mut(parent).unwrap()).remove(key).unwrap()
}

pub(crate) fn members(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

/// A live object in the making: every write goes through the crate, which keeps the entries.
pub(crate) struct Cluster<'s> {
    manager: FieldManager<'s>,
    pub(crate) object: Option<Value>,
}

impl<'s> Cluster<'s> {
    pub(crate) fn new(schemas: &'s Schemas) -> Cluster<'s> {
        Cluster { manager: FieldManager::new(schemas), object: None }
    }

    fn document(&self) -> Document<'static> {
        self.object.as_ref().map_or_else(Document::absent, Document::from)
    }

    /// Applies a configuration. The first write gives the object what the server gives it.
    pub(crate) fn apply(mut self, config: &Value, manager: &str, at: &str) -> Cluster<'s> {
        let request = self.manager.apply(self.document(), config).field_manager(manager);
        let applied = request.at(at.parse().unwrap()).run().unwrap();
        let mut object: Value = serde_json::from_str(applied.object()).unwrap();
        if self.object.is_none() {
            let metadata = members(&mut object["metadata"]);
            metadata.insert("creationTimestamp".into(), json!(at));
            metadata.insert("generation".into(), json!(1));
            metadata.insert("resourceVersion".into(), json!("48151623"));
            metadata.insert("uid".into(), json!("8f3c1d6e-5b0a-4c27-9a41-2d7e6f0b9c35"));
        }
        self.object = Some(object);
        self
    }

    /// Writes the object after changing it.
    pub(crate) fn update(
        mut self,
        manager: &str,
        subresource: &str,
        at: &str,
        change: impl FnOnce(&mut Value),
    ) -> Cluster<'s> {
        let mut new = self.object.clone().unwrap();
        change(&mut new);
        let request = self.manager.update(self.document(), &new).field_manager(manager);
        let updated = request.subresource(subresource).at(at.parse().unwrap()).run().unwrap();
        self.object = Some(serde_json::from_str(updated.object()).unwrap());
        self
    }

    pub(crate) fn finish(self) -> Value {
        self.object.unwrap()
    }
}
