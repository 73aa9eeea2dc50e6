//! Operations on inputs of any size: maps, sets and keyed lists in every order, repeated keys, sets
//! on the wire, many managers, and depth.

use std::hint::black_box;

use managed_fields::fieldmanager::{Document, FieldManager};
use managed_fields::fieldpath::FieldSet;
use managed_fields::merge::{Managers, SameVersion, Updater, VersionedSet};
use managed_fields::schema::{Schema, Schemas, Type};
use managed_fields::typed::TypedValue;
#[cfg(feature = "analysis")]
use managed_fields::{
    Value,
    analysis::{ConflictFinder, Want},
};

use super::grow::{self, Order, Share};
use super::{Case, NOW, strict, type_of, typed};

/// How many items.
pub(crate) const ITEMS: [usize; 3] = [1_000, 10_000, 100_000];
/// How many levels.
const LEVELS: [usize; 3] = [100, 1_000, 9_900];
/// How many items of what two sources fight over.
#[cfg(feature = "analysis")]
const FIGHTS: [usize; 3] = [300, 3_000, 30_000];
/// How many managers.
const MANAGERS: [usize; 3] = [10, 30, 100];

/// An operation at any size.
pub(crate) struct Shape<'s> {
    pub(crate) name: String,
    pub(crate) sizes: [usize; 3],
    prepare: Box<dyn Fn(usize) -> Run<'s> + 's>,
}

/// The operation, ready to be run as often as one likes. It checks what comes of it.
pub(crate) type Run<'s> = Box<dyn FnMut() + 's>;

impl<'s> Shape<'s> {
    pub(crate) fn prepare(&self, size: usize) -> Run<'s> {
        (self.prepare)(size)
    }
}

/// What the shapes are of.
pub(crate) struct Kinds {
    schemas: Schemas,
    /// Every kind has a type that is made up for it.
    untyped: Schemas,
    map: Type,
    list: Type,
    deduced: Type,
}

impl Kinds {
    pub(crate) fn new() -> Kinds {
        let schemas = super::schemas();
        let map = type_of(&schemas, "v1", "ConfigMap");
        let list = type_of(&schemas, "apps/v1", "Deployment");
        let untyped = Schemas::deduced();
        Kinds { schemas, untyped, map, list, deduced: Schema::deduced_type() }
    }

    /// Every shape whose name contains one of the words, or simply every one.
    pub(crate) fn shapes(&self, words: &[String]) -> Vec<Shape<'_>> {
        let mut shapes = Shapes(vec![]);
        self.maps(&mut shapes);
        self.sets(&mut shapes);
        self.keyed_lists(&mut shapes);
        fields_v1(&mut shapes);
        self.managers(&mut shapes);
        self.depth(&mut shapes);
        #[cfg(feature = "analysis")]
        self.fights(&mut shapes);
        let Shapes(mut shapes) = shapes;
        shapes.retain(|shape| {
            words.is_empty() || words.iter().any(|word| shape.name.contains(word.as_str()))
        });
        shapes
    }
}

#[cfg(feature = "analysis")]
impl Kinds {
    /// Two sources that fight over all of a list or a map, or share a set.
    fn fights<'s>(&'s self, shapes: &mut Shapes<'s>) {
        type Make = fn(usize, &str) -> String;
        let kinds: [(&str, Make); 3] = [
            ("list", |size, value| grow::environment(size, Order::Shuffled, value)),
            ("map", |size, value| grow::config_map(size, Order::Shuffled, value)),
            ("set", |size, _| grow::finalizers(size, Order::Shuffled)),
        ];
        for (name, make) in kinds {
            shapes.add(format!("conflicts/{name}"), FIGHTS, move |size| {
                let configs = ["a", "b"].map(|value| Value::from_json(&make(size, value)).unwrap());
                move || {
                    let [ours, theirs] = configs.each_ref();
                    let wants = [("us", ours), ("them", theirs)];
                    let wants = wants.map(|(manager, config)| Want { manager, config });
                    let contest = ConflictFinder::new(&self.schemas).find(None, &wants, &[]);
                    assert!(contest.findings().len() >= size);
                }
            });
        }
    }
}

struct Shapes<'s>(Vec<Shape<'s>>);

impl<'s> Shapes<'s> {
    fn add<F: FnMut() + 's>(
        &mut self,
        name: impl Into<String>,
        sizes: [usize; 3],
        prepare: impl Fn(usize) -> F + 's,
    ) {
        let prepare = Box::new(move |size| Box::new(prepare(size)) as Run<'s>);
        self.0.push(Shape { name: name.into(), sizes, prepare });
    }

    /// What is done with every granular thing, from what `write` makes of a size, an order and a
    /// value. Without a value nothing in it can change.
    fn add_all(
        &mut self,
        kinds: &'s Kinds,
        name: &str,
        ty: &'s Type,
        paths: fn(usize) -> usize,
        has_values: bool,
        write: fn(usize, Order, &str) -> String,
    ) {
        for order in [Order::Sorted, Order::Reversed, Order::Shuffled] {
            self.add(format!("{name}/validate {order:?}"), ITEMS, move |size| {
                let value = typed(ty, &write(size, order, "a")).to_value();
                move || drop(TypedValue::new(black_box(&value).clone(), ty.clone()).unwrap())
            });
            self.add(format!("{name}/to_field_set {order:?}"), ITEMS, move |size| {
                let value = typed(ty, &write(size, order, "a"));
                move || assert_eq!(black_box(&value).to_field_set().unwrap().len(), paths(size))
            });
            self.add(format!("{name}/merge {order:?}"), ITEMS, move |size| {
                let live = typed(ty, &write(size, Order::Sorted, "a"));
                let config = strict(ty, &write(size, order, "b"));
                move || assert!(!black_box(&live).merge(&config).unwrap().value().is_empty())
            });
            self.add(format!("{name}/compare {order:?}"), ITEMS, move |size| {
                let left = typed(ty, &write(size, Order::Sorted, "a"));
                let right = typed(ty, &write(size, order, "b"));
                let modified = if has_values { size } else { 0 };
                move || {
                    let found = black_box(&left).compare(&right).unwrap();
                    assert_eq!(found.modified.len(), modified);
                }
            });
            self.add(format!("{name}/apply {order:?}"), ITEMS, move |size| {
                let before = write(size, Order::Sorted, "a");
                applies(&kinds.schemas, &before, write(size, order, "b"), has_values)
            });
        }
        self.add(format!("{name}/updater apply"), ITEMS, move |size| {
            let owned = Owned::new(ty, &write(size, Order::Sorted, "a"));
            let config = strict(ty, &write(size, Order::Shuffled, "b"));
            move || {
                let Owned { live, version, managers } = black_box(&owned);
                let updater = Updater::new(&SameVersion);
                let applied = updater.apply(live, &config, version, managers, "ann", false);
                assert_eq!(applied.unwrap().managers.get("ann").unwrap().set.len(), paths(size));
            }
        });
        self.add(format!("{name}/updater update"), ITEMS, move |size| {
            let owned = Owned::new(ty, &write(size, Order::Sorted, "a"));
            let new = typed(ty, &write(size, Order::Sorted, "b"));
            move || {
                let Owned { live, version, managers } = black_box(&owned);
                let updated = Updater::new(&SameVersion).update(live, &new, version, managers, "b");
                assert_eq!(updated.unwrap().managers.get("b").is_some(), has_values);
            }
        });
    }
}

/// An object in memory that one manager owns.
struct Owned {
    live: TypedValue,
    version: String,
    managers: Managers,
}

impl Owned {
    fn new(ty: &Type, live: &str) -> Owned {
        let live = typed(ty, live);
        let version = live.value().get("apiVersion").unwrap().as_str().unwrap().to_string();
        let set = live.to_field_set().unwrap();
        let owned = VersionedSet { set, api_version: version.clone(), applied: true };
        Owned { live, version, managers: [("ann".to_owned(), owned)].into_iter().collect() }
    }
}

/// An apply of `config` over `before`, which the same manager has applied.
fn applies<'s>(
    schemas: &'s Schemas,
    before: &str,
    config: String,
    changes: bool,
) -> impl FnMut() + use<'s> {
    let manager = FieldManager::new(schemas);
    let created = manager.apply(Document::absent(), before).field_manager("ann");
    let live = created.run().unwrap().object().to_owned();
    let mut expected = None;
    move || {
        let request = manager.apply(black_box(&live), &config).field_manager("ann");
        let applied = request.at(NOW.parse().unwrap()).run().unwrap();
        assert!((applied.changed() || !changes) && applied.managed_fields().len() == 1);
        let expected = *expected.get_or_insert(applied.object().len());
        assert_eq!(applied.object().len(), expected);
    }
}

fn environment_of(value: &TypedValue) -> usize {
    let spec = value.value().get("spec").unwrap().get("template").unwrap().get("spec").unwrap();
    let container = spec.get("containers").unwrap().items().next().unwrap();
    container.get("env").map_or(0, |env| env.len())
}

impl Kinds {
    /// A map whose entries are owned one by one.
    fn maps<'s>(&'s self, shapes: &mut Shapes<'s>) {
        shapes.add("map/parse", ITEMS, |size| {
            let text = grow::config_map(size, Order::Shuffled, "a");
            move || {
                let value = managed_fields::Value::from_json(black_box(&text)).unwrap();
                assert_eq!(value.as_ref().get("data").unwrap().len(), size);
            }
        });
        // Besides the data: apiVersion, kind and the name.
        shapes.add_all(self, "map", &self.map, |size| size + 3, true, grow::config_map);
    }

    /// Sets of names.
    fn sets<'s>(&'s self, shapes: &mut Shapes<'s>) {
        let write = |size, order, _: &str| grow::finalizers(size, order);
        shapes.add_all(self, "set", &self.map, |size| size + 3, false, write);
    }

    /// Lists whose items have keys.
    fn keyed_lists<'s>(&'s self, shapes: &mut Shapes<'s>) {
        let ty = &self.list;
        // Three paths an item; apiVersion, kind and name; the container, its name and image.
        shapes.add_all(self, "list", ty, |size| 3 * size + 6, true, grow::environment);
        let shuffled = |size| {
            let value = typed(ty, &grow::environment(size, Order::Shuffled, "a"));
            let fields = value.to_field_set().unwrap();
            (value, fields)
        };
        shapes.add("list/remove every item", ITEMS, move |size| {
            let (value, fields) = shuffled(size);
            let items = fields.iter().filter(|path| path.to_string().ends_with(']'));
            let items = items.filter(|path| path.to_string().contains("env")).collect();
            move || assert_eq!(environment_of(&black_box(&value).remove_items(&items)), 0)
        });
        shapes.add("list/remove a tenth of the names", ITEMS, move |size| {
            let (value, fields) = shuffled(size);
            let set: FieldSet = fields
                .leaves()
                .iter()
                .filter(|path| path.to_string().ends_with("0\"].name"))
                .collect();
            assert_eq!(set.len(), size / 10);
            move || assert_eq!(environment_of(&black_box(&value).remove_items(&set)), size)
        });
        shapes.add("list/extract everything", ITEMS, move |size| {
            let (value, fields) = shuffled(size);
            let set = fields.leaves();
            move || assert_eq!(environment_of(&black_box(&value).extract_items(&set)), size)
        });
        shapes.add("list/compare repeated keys", ITEMS, move |size| {
            let value = typed(ty, &grow::repeated_environment(size));
            move || assert!(black_box(&value).compare(&value).unwrap().is_same())
        });
        shapes.add("list/to_field_set repeated keys", ITEMS, move |size| {
            let value = typed(ty, &grow::repeated_environment(size));
            move || assert!(!black_box(&value).to_field_set().unwrap().is_empty())
        });
    }

    /// One field changes in an object of which every applier owns a label, or everything.
    fn managers<'s>(&'s self, shapes: &mut Shapes<'s>) {
        let manager = FieldManager::new(&self.schemas);
        for share in [Share::Label, Share::Everything] {
            shapes.add(format!("managers/apply {share:?}"), MANAGERS, move |size| {
                let case = grow::managed_by(&self.schemas, size, share);
                case.check(case.apply(manager).object());
                move || assert!(case.apply(manager).changed())
            });
            shapes.add(format!("managers/update {share:?}"), MANAGERS, move |size| {
                let case: Case = grow::managed_by(&self.schemas, size, share);
                let new = case.with(&case.live, "edited");
                move || {
                    let request = manager.update(black_box(&case.live), &new).field_manager("ed");
                    let updated = request.at(NOW.parse().unwrap()).run().unwrap();
                    assert_eq!(updated.managed_fields().len(), size + 1);
                }
            });
        }
    }

    /// Objects that are nothing but levels.
    fn depth<'s>(&'s self, shapes: &mut Shapes<'s>) {
        let ty = &self.deduced;
        shapes.add("depth/parse", LEVELS, |levels| {
            let text = grow::deep(levels, 1);
            move || assert!(managed_fields::Value::from_json(black_box(&text)).is_ok())
        });
        shapes.add("depth/write", LEVELS, |levels| {
            let text = grow::deep(levels, 1);
            let value = managed_fields::Value::from_json(&text).unwrap();
            move || assert_eq!(black_box(&value).to_json().len(), text.len())
        });
        shapes.add("depth/to_field_set", LEVELS, |levels| {
            let value = typed(ty, &grow::deep(levels, 1));
            move || assert!(!black_box(&value).to_field_set().unwrap().is_empty())
        });
        shapes.add("depth/compare", LEVELS, |levels| {
            let left = typed(ty, &grow::deep(levels, 1));
            let right = typed(ty, &grow::deep(levels, 2));
            move || assert_eq!(black_box(&left).compare(&right).unwrap().modified.len(), 1)
        });
        shapes.add("depth/merge", LEVELS, |levels| {
            let live = typed(ty, &grow::deep(levels, 1));
            let config = strict(ty, &grow::deep(levels, 2));
            move || assert!(!black_box(&live).merge(&config).unwrap().value().is_empty())
        });
        shapes.add("depth/remove everything", LEVELS, |levels| {
            let value = typed(ty, &grow::deep(levels, 1));
            let set = value.to_field_set().unwrap();
            move || drop(black_box(&value).remove_items(&set))
        });
        shapes.add("depth/extract everything", LEVELS, |levels| {
            let value = typed(ty, &grow::deep(levels, 1));
            let set = value.to_field_set().unwrap();
            move || assert!(!black_box(&value).extract_items(&set).value().is_empty())
        });
        shapes.add("depth/apply", LEVELS, |levels| {
            applies(&self.untyped, &grow::deep(levels, 1), grow::deep(levels, 2), true)
        });
    }
}

/// Sets on the wire, and their algebra.
fn fields_v1(shapes: &mut Shapes<'_>) {
    let decoded = |text: &str| FieldSet::from_fields_v1(black_box(text.as_bytes())).unwrap();
    for order in [Order::Sorted, Order::Reversed, Order::Shuffled] {
        shapes.add(format!("fields_v1/decode {order:?}"), ITEMS, move |size| {
            let text = grow::fields_v1(size, order);
            move || assert_eq!(decoded(&text).len(), size)
        });
        shapes.add(format!("fields_v1/decode keyed {order:?}"), ITEMS, move |size| {
            let text = grow::keyed_fields_v1(size, order);
            move || assert_eq!(decoded(&text).len(), size)
        });
    }
    shapes.add("fields_v1/encode", ITEMS, move |size| {
        let text = grow::keyed_fields_v1(size, Order::Sorted);
        let set = decoded(&text);
        move || assert_eq!(black_box(&set).to_fields_v1().unwrap().len(), text.len())
    });
    /// Makes a set of two.
    type Two = fn(&FieldSet, &FieldSet) -> FieldSet;
    let algebra: [(&str, Two); 5] = [
        ("union", FieldSet::union),
        ("intersection", FieldSet::intersection),
        ("difference", FieldSet::difference),
        ("recursive_difference", FieldSet::recursive_difference),
        ("leaves", |set, _| set.leaves()),
    ];
    for (name, operation) in algebra {
        shapes.add(format!("fields_v1/{name}"), ITEMS, move |size| {
            let of = |count| decoded(&grow::keyed_fields_v1(count, Order::Sorted));
            let (all, most) = (of(size), of(size - size / 10));
            move || assert!(!operation(black_box(&all), &most).is_empty())
        });
    }
}
