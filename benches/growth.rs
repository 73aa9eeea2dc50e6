//! How cost grows with size: of maps, sets and keyed lists in every order, of repeated keys, of
//! sets on the wire, of depth, and of fights.
//!
//! For each shape the time for one item is printed at every size, and what it is at the largest
//! size relative to the smallest. A shape whose cost were quadratic would show a factor of about a
//! hundred; a factor of ten stops the program. Without `--bench` only the smallest sizes run.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use managed_fields::Value;
use managed_fields::analysis::{ConflictFinder, Want};
use managed_fields::fieldmanager::{Document, FieldManager};
use managed_fields::fieldpath::FieldSet;
use managed_fields::schema::{Schema, Schemas};
use managed_fields::typed::TypedValue;
use support::grow::{self, Order};
use support::{NOW, strict, type_of, typed};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const FIGHTS: [usize; 3] = [300, 3_000, 30_000];
const DEPTHS: [usize; 3] = [1_000, 3_000, 9_900];

struct Growth {
    full: bool,
    wanted: Vec<String>,
    worst: (f64, String),
}

impl Growth {
    /// Measures what `prepare` returns for each size.
    fn shape<F: FnMut()>(&mut self, name: &str, sizes: [usize; 3], prepare: impl Fn(usize) -> F) {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|wanted| name.contains(wanted)) {
            return;
        }
        let sizes = if self.full { &sizes[..] } else { &sizes[..1] };
        let mut costs = vec![];
        for size in sizes {
            let mut run = prepare(*size);
            let (mut best, mut runs) = (Duration::MAX, 0);
            let start = Instant::now();
            while runs == 0 || (self.full && (runs < 3 || start.elapsed().as_millis() < 200)) {
                let start = Instant::now();
                run();
                best = best.min(start.elapsed());
                runs += 1;
            }
            costs.push(best.as_nanos() as f64 / *size as f64);
        }
        print!("{name:<34}");
        for (size, cost) in sizes.iter().zip(&costs) {
            print!(" {:>14}", format!("{cost:.0} ns @{size}"));
        }
        let factor = costs.last().unwrap() / costs.first().unwrap();
        println!("   per item x{factor:.2}");
        assert!(factor < 10.0, "{name} grows faster than its size");
        if factor > self.worst.0 {
            self.worst = (factor, name.to_owned());
        }
    }
}

const ORDERS: [Order; 3] = [Order::Sorted, Order::Reversed, Order::Shuffled];

/// A map whose entries are owned one by one.
fn maps(growth: &mut Growth, schemas: &Schemas) {
    let ty = &type_of(schemas, "v1", "ConfigMap");
    for order in ORDERS {
        growth.shape(&format!("map/parse {order:?}"), SIZES, |size| {
            let text = grow::config_map(size, order, "a");
            move || {
                let value = Value::from_json(black_box(&text)).unwrap();
                assert_eq!(value.as_ref().get("data").unwrap().len(), size);
            }
        });
        growth.shape(&format!("map/to_field_set {order:?}"), SIZES, |size| {
            let value = typed(ty, &grow::config_map(size, order, "a"));
            // Besides the data: apiVersion, kind and the name.
            move || assert_eq!(black_box(&value).to_field_set().unwrap().len(), size + 3)
        });
        growth.shape(&format!("map/compare {order:?}"), SIZES, |size| {
            let left = typed(ty, &grow::config_map(size, Order::Sorted, "a"));
            let right = typed(ty, &grow::config_map(size, order, "b"));
            move || assert_eq!(black_box(&left).compare(&right).unwrap().modified.len(), size)
        });
        growth.shape(&format!("map/apply {order:?}"), SIZES, |size| {
            let config = |value| grow::config_map(size, order, value);
            applies(schemas, &config("a"), config("b"))
        });
    }
}

/// Sets of names.
fn sets(growth: &mut Growth, schemas: &Schemas) {
    let ty = &type_of(schemas, "v1", "ConfigMap");
    for order in ORDERS {
        growth.shape(&format!("set/to_field_set {order:?}"), SIZES, |size| {
            let value = typed(ty, &grow::finalizers(size, order));
            move || assert_eq!(black_box(&value).to_field_set().unwrap().len(), size + 3)
        });
        growth.shape(&format!("set/merge {order:?}"), SIZES, |size| {
            let live = typed(ty, &grow::finalizers(size, Order::Sorted));
            let config = strict(ty, &grow::finalizers(size, order));
            move || {
                let merged = black_box(&live).merge(&config).unwrap();
                let metadata = merged.value().get("metadata").unwrap();
                assert_eq!(metadata.get("finalizers").unwrap().len(), size);
            }
        });
    }
}

fn environment_of(value: &TypedValue) -> usize {
    let spec = value.value().get("spec").unwrap().get("template").unwrap().get("spec").unwrap();
    let container = spec.get("containers").unwrap().items().next().unwrap();
    container.get("env").unwrap().len()
}

/// Lists whose items have keys.
fn keyed_lists(growth: &mut Growth, schemas: &Schemas) {
    let ty = &type_of(schemas, "apps/v1", "Deployment");
    for order in ORDERS {
        growth.shape(&format!("list/to_field_set {order:?}"), SIZES, |size| {
            let value = typed(ty, &grow::environment(size, order, "a"));
            // Three paths an item; apiVersion, kind and name; the container, its name and image.
            move || assert_eq!(black_box(&value).to_field_set().unwrap().len(), 3 * size + 6)
        });
        growth.shape(&format!("list/merge {order:?}"), SIZES, |size| {
            let live = typed(ty, &grow::environment(size, Order::Sorted, "a"));
            let config = strict(ty, &grow::environment(size, order, "b"));
            move || assert_eq!(environment_of(&black_box(&live).merge(&config).unwrap()), size)
        });
        growth.shape(&format!("list/compare {order:?}"), SIZES, |size| {
            let left = typed(ty, &grow::environment(size, Order::Sorted, "a"));
            let right = typed(ty, &grow::environment(size, order, "b"));
            move || assert_eq!(black_box(&left).compare(&right).unwrap().modified.len(), size)
        });
        growth.shape(&format!("list/apply {order:?}"), SIZES, |size| {
            let live = grow::environment(size, Order::Sorted, "a");
            applies(schemas, &live, grow::environment(size, order, "b"))
        });
    }
    growth.shape("list/remove a tenth of the names", SIZES, |size| {
        let value = typed(ty, &grow::environment(size, Order::Shuffled, "a"));
        let mut set = value.to_field_set().unwrap().leaves();
        set = set.iter().filter(|path| path.to_string().ends_with("0\"].name")).collect();
        assert_eq!(set.len(), size / 10);
        move || assert_eq!(environment_of(&black_box(&value).remove_items(&set)), size)
    });
    growth.shape("list/extract all", SIZES, |size| {
        let value = typed(ty, &grow::environment(size, Order::Shuffled, "a"));
        let set = value.to_field_set().unwrap().leaves();
        move || assert_eq!(environment_of(&black_box(&value).extract_items(&set)), size)
    });
    growth.shape("list/compare repeated keys", SIZES, |size| {
        let value = typed(ty, &grow::repeated_environment(size));
        move || assert!(black_box(&value).compare(&value).unwrap().is_same())
    });
    growth.shape("list/to_field_set repeated keys", SIZES, |size| {
        let value = typed(ty, &grow::repeated_environment(size));
        move || assert!(!black_box(&value).to_field_set().unwrap().is_empty())
    });
}

/// Sets on the wire.
fn fields_v1(growth: &mut Growth) {
    for order in ORDERS {
        growth.shape(&format!("fields_v1/decode {order:?}"), SIZES, |size| {
            let text = grow::fields_v1(size, order);
            move || {
                let set = FieldSet::from_fields_v1(black_box(text.as_bytes())).unwrap();
                assert_eq!(set.len(), size);
            }
        });
        growth.shape(&format!("fields_v1/decode keyed {order:?}"), SIZES, |size| {
            let text = grow::keyed_fields_v1(size, order);
            move || {
                let set = FieldSet::from_fields_v1(black_box(text.as_bytes())).unwrap();
                assert_eq!(set.len(), size);
            }
        });
    }
    growth.shape("fields_v1/encode", SIZES, |size| {
        let text = grow::keyed_fields_v1(size, Order::Sorted);
        let set = FieldSet::from_fields_v1(text.as_bytes()).unwrap();
        move || assert_eq!(black_box(&set).to_fields_v1().unwrap().len(), text.len())
    });
}

/// Objects that are nothing but levels.
fn depth(growth: &mut Growth, schemas: &Schemas) {
    let ty = &Schema::deduced_type();
    growth.shape("depth/parse", DEPTHS, |levels| {
        let text = grow::deep(levels, 1);
        move || assert!(Value::from_json(black_box(&text)).is_ok())
    });
    growth.shape("depth/to_field_set", DEPTHS, |levels| {
        let value = typed(ty, &grow::deep(levels, 1));
        move || assert!(!black_box(&value).to_field_set().unwrap().is_empty())
    });
    growth.shape("depth/compare", DEPTHS, |levels| {
        let (left, right) = (typed(ty, &grow::deep(levels, 1)), typed(ty, &grow::deep(levels, 2)));
        move || assert_eq!(black_box(&left).compare(&right).unwrap().modified.len(), 1)
    });
    growth.shape("depth/merge", DEPTHS, |levels| {
        let (live, config) =
            (typed(ty, &grow::deep(levels, 1)), strict(ty, &grow::deep(levels, 2)));
        move || assert!(!black_box(&live).merge(&config).unwrap().value().is_empty())
    });
    growth.shape("depth/apply", DEPTHS, |levels| {
        applies(schemas, &grow::deep(levels, 1), grow::deep(levels, 2))
    });
}

/// An apply of `config` over `before`, which the same manager has applied.
fn applies<'s>(schemas: &'s Schemas, before: &str, config: String) -> impl FnMut() + use<'s> {
    let manager = FieldManager::new(schemas);
    let created = manager.apply(Document::absent(), before).field_manager("ann");
    let live = created.run().unwrap().object().to_owned();
    let mut expected = None;
    move || {
        let request = manager.apply(black_box(&live), &config).field_manager("ann");
        let applied = request.at(NOW.parse().unwrap()).run().unwrap();
        assert!(applied.changed() && applied.managed_fields().len() == 1);
        let expected = *expected.get_or_insert(applied.object().len());
        assert_eq!(applied.object().len(), expected);
    }
}

/// Two sources that fight over all of a list or a map, or share a set.
fn fights(growth: &mut Growth, schemas: &Schemas) {
    type Make = fn(usize, &str) -> String;
    let shapes: [(&str, Make); 3] = [
        ("list", |size, value| grow::environment(size, Order::Shuffled, value)),
        ("map", |size, value| grow::config_map(size, Order::Shuffled, value)),
        ("set", |size, _| grow::finalizers(size, Order::Shuffled)),
    ];
    for (name, make) in shapes {
        growth.shape(&format!("conflicts/{name}"), FIGHTS, |size| {
            let configs = ["a", "b"].map(|value| Value::from_json(&make(size, value)).unwrap());
            move || {
                let [ours, theirs] = configs.each_ref();
                let wants = [("us", ours), ("them", theirs)];
                let wants = wants.map(|(manager, config)| Want { manager, config });
                let contest = ConflictFinder::new(schemas).find(None, &wants, &[]);
                assert!(contest.findings().len() >= size);
            }
        });
    }
}

fn main() {
    let mut growth = Growth { full: false, wanted: vec![], worst: (0.0, String::new()) };
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--bench" => growth.full = true,
            option if option.starts_with('-') => {}
            name => growth.wanted.push(name.to_owned()),
        }
    }
    let schemas = support::schemas();
    maps(&mut growth, &schemas);
    sets(&mut growth, &schemas);
    keyed_lists(&mut growth, &schemas);
    fields_v1(&mut growth);
    depth(&mut growth, &schemas);
    fights(&mut growth, &schemas);
    let (factor, name) = &growth.worst;
    println!("worst={name:?} per_item_factor={factor:.2}");
}
