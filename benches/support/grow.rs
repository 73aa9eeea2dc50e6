//! Objects of any size, and objects with any number of managers.

use managed_fields::schema::Schemas;
use serde_json::json;

use super::objects::one_container;
use super::text::{self, Numbers};
use super::{Case, Cluster};

/// How the members or items of something large are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Sorted,
    Reversed,
    Shuffled,
}

/// The numbers up to `count`, arranged.
fn arranged(count: usize, order: Order) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    match order {
        Order::Sorted => {}
        Order::Reversed => numbers.reverse(),
        Order::Shuffled => Numbers::new(7).shuffle(&mut numbers),
    }
    numbers
}

fn joined(count: usize, order: Order, mut item: impl FnMut(usize) -> String) -> String {
    let items: Vec<String> = arranged(count, order).into_iter().map(&mut item).collect();
    items.join(",")
}

/// A ConfigMap whose data has so many entries.
pub(crate) fn config_map(count: usize, order: Order, value: &str) -> String {
    let data = joined(count, order, |at| format!(r#""key-{at:06}":"{value}""#));
    format!(
        r#"{{"apiVersion":"v1","data":{{{data}}},"kind":"ConfigMap","metadata":{{"name":"big"}}}}"#
    )
}

/// A ConfigMap with so many finalizers, which are a set.
pub(crate) fn finalizers(count: usize, order: Order) -> String {
    let set = joined(count, order, |at| format!(r#""example.com/f-{at:06}""#));
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"finalizers":[{set}],"name":"big"}}}}"#
    )
}

/// A Deployment whose container has so many environment variables, which are keyed by name.
pub(crate) fn environment(count: usize, order: Order, value: &str) -> String {
    keyed(&joined(count, order, |at| format!(r#"{{"name":"KEY_{at:06}","value":"{value}"}}"#)))
}

/// The same with one name for all.
pub(crate) fn repeated_environment(count: usize) -> String {
    keyed(&joined(count, Order::Sorted, |at| format!(r#"{{"name":"KEY","value":"{at}"}}"#)))
}

fn keyed(env: &str) -> String {
    let container = format!(r#"{{"env":[{env}],"image":"example.com/a:1","name":"a"}}"#);
    let template = format!(r#"{{"spec":{{"containers":[{container}]}}}}"#);
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"big"}},"spec":{{"template":{template}}}}}"#
    )
}

/// The fields of a map with so many entries.
pub(crate) fn fields_v1(count: usize, order: Order) -> String {
    let data = joined(count, order, |at| format!(r#""f:key-{at:06}":{{}}"#));
    format!(r#"{{"f:data":{{{data}}}}}"#)
}

/// The fields of a list whose items are keyed by a number.
pub(crate) fn keyed_fields_v1(count: usize, order: Order) -> String {
    let data = joined(count, order, |at| format!(r#""k:{{\"port\":{at}}}":{{}}"#));
    format!(r#"{{"f:ports":{{{data}}}}}"#)
}

/// An object without a type, so many levels deep.
pub(crate) fn deep(levels: usize, leaf: usize) -> String {
    let (open, close) = (r#"{"a":"#.repeat(levels), "}".repeat(levels));
    format!(
        r#"{{"apiVersion":"example.com/v1","kind":"Shaft","metadata":{{"name":"deep"}},"spec":{open}{leaf}{close}}}"#
    )
}

/// What every manager but the first owns, besides a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// A label of its own.
    Label,
    /// That, and all that the first owns.
    Everything,
}

/// A Deployment of one container with so many appliers, the first of which owns all of it.
pub(crate) fn managed_by(schemas: &Schemas, managers: usize, share: Share) -> Case {
    let config = one_container();
    let mut cluster = Cluster::new(schemas).apply(&config, "deployer", "2026-01-02T03:04:05Z");
    for number in 1..managers {
        let mut config = match share {
            Share::Label => {
                let name = &config["metadata"]["name"];
                let metadata = json!({"labels": {}, "name": name, "namespace": "shop"});
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata})
            }
            Share::Everything => config.clone(),
        };
        config["metadata"]["labels"][format!("owner-{number}")] = json!("yes");
        cluster = cluster.apply(&config, &format!("owner-{number}"), "2026-01-03T03:04:05Z");
    }
    let live = cluster.finish();
    let mut config = config;
    config["metadata"]["labels"]["added"] = json!("now");
    Case {
        name: "managers",
        live: text::sorted(&live),
        config: text::sorted(&config),
        manager: "deployer",
        changed: "/metadata/labels/added",
        before: None,
        after: json!("now"),
    }
}
