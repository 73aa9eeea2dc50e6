//! `schema`: what is known of kinds, and what a change of schemas does.

use crate::{Outcome, assert_run, run, temporary};

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {kind: Lamp, plural: lamps}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              bulbs:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name, socket]
                items:
                  type: object
                  required: [name]
                  properties:
                    name: {type: string}
                    socket: {type: string, default: E27}
                    watts: {type: integer}
              colour: {type: object, x-kubernetes-map-type: atomic, properties: {red: {type: integer}}}
              extra: {type: object, x-kubernetes-preserve-unknown-fields: true}
              level: {x-kubernetes-int-or-string: true}
              notes: {type: array, items: {type: string}}
              rooms: {type: object, additionalProperties: {type: object, properties: {floor: {type: integer}}}}
              tags: {type: array, items: {type: string}, x-kubernetes-list-type: set}
";

/// Runs a command with schema files instead of the words FILE0, FILE1 and so on.
fn with_files(words: &str, name: &str, files: &[&str], stdin: &str) -> Outcome {
    let mut words = words.to_owned();
    let mut paths = Vec::new();
    for (at, content) in files.iter().enumerate() {
        let path = temporary(&format!("schema-{name}-{at}.yaml"), content);
        words = words.replace(&format!("FILE{at}"), &path);
        paths.push(path);
    }
    let mut done = run(&words, stdin);
    for (at, path) in paths.iter().enumerate() {
        done.out = done.out.replace(path, &format!("FILE{at}"));
        done.err = done.err.replace(path, &format!("FILE{at}"));
        std::fs::remove_file(path).unwrap();
    }
    done
}

/// Compares what was printed with a file, read and found right when it was written.
macro_rules! assert_shown {
    ($done:expr, $file:literal) => {
        assert_shown!($done, 0, $file)
    };
    ($done:expr, $code:literal, $file:literal) => {
        assert_run(&$done, $code, include_str!(concat!("data/schema/", $file)), "")
    };
}

#[test]
fn a_deployment_is_shown_as_a_tree() {
    assert_shown!(run("schema show Deployment", ""), "deployment.txt");
}

#[test]
fn items_are_told_apart_by_keys_with_their_defaults() {
    let path = "schema show apps/v1/Deployment spec.template.spec.containers.ports";
    assert_shown!(run(path, ""), "ports.txt");
}

#[test]
fn types_that_contain_themselves_are_told_so() {
    let path = "schema show CustomResourceDefinition spec.versions.schema --depth 0";
    assert_shown!(run(path, ""), "recursive.txt");
}

#[test]
fn definitions_are_shown_with_their_line() {
    let show =
        |words: &str| with_files(&format!("schema show {words} --schema FILE0"), "crd", &[CRD], "");
    assert_shown!(show("Lamp .spec"), "definition.txt");
    assert_shown!(show("lamps spec.bulbs[] -o json"), "definition.json");
}

/// Definitions that lead from one to the other and in circles, those of v3; every line has one thing.
const REFERENCES: &str = "\
openapi: 3.0.0
components:
  schemas:
    com.example.v1.Spec:
      type: object
      properties:
        bulbs:
          type: array
          x-kubernetes-list-type: map
          x-kubernetes-list-map-keys: [name]
          items:
            allOf: [{$ref: '#/components/schemas/com.example.v1.Bulb'}]
        rooms:
          type: object
          additionalProperties: {$ref: '#/components/schemas/com.example.v1.Spec'}
    com.example.v1.Lamp:
      type: object
      x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: Lamp}]
      properties:
        spec:
          $ref: '#/components/schemas/com.example.v1.Spec'
        extra:
          $ref: '#/components/schemas/com.example.v1.Extra'
    com.example.v1.Bulb:
      type: object
      properties:
        name: {type: string}
        watts: {type: integer}
    com.example.v1.Extra:
      type: object
      properties:
        inner:
          $ref: '#/components/schemas/com.example.v1.Circle'
    com.example.v1.Circle:
      $ref: '#/components/schemas/com.example.v1.Circle'
";

/// The same in a merge schema.
const NAMED: &str = "\
types:
- name: com.example.v1.Spec
  map:
    fields:
    - name: bulbs
      type:
        list:
          elementRelationship: associative
          keys: [name]
          elementType:
            namedType: com.example.v1.Bulb
    - name: rooms
      type:
        map:
          elementType: {namedType: com.example.v1.Spec}
- name: com.example.v1.Lamp
  map:
    fields:
    - name: spec
      type: {namedType: com.example.v1.Spec}
- name: com.example.v1.Bulb
  map:
    fields:
    - name: name
      type: {scalar: string}
    - name: watts
      type: {scalar: numeric}
";

#[test]
fn rules_are_shown_with_their_line_across_references() {
    let line = |words: &str, document: &str| {
        let words = format!("schema show example.com/v1/Lamp {words} --schema FILE0");
        let done = with_files(&words, "references", &[document], "");
        assert_eq!(done.code, 0, "{words}: {}", done.err);
        let source = done.out.lines().next().unwrap().split(": ").nth(1).unwrap().to_owned();
        source.strip_prefix("FILE0:").unwrap_or(&source).parse::<usize>().unwrap()
    };
    let v2 = REFERENCES
        .replace("openapi: 3.0.0\ncomponents:\n  schemas:", "swagger: '2.0'\n\ndefinitions:")
        .replace("components/schemas", "definitions")
        .replace(
            "allOf: [{$ref: '#/definitions/com.example.v1.Bulb'}]",
            "$ref: '#/definitions/com.example.v1.Bulb'",
        );
    for (words, published, named) in [
        ("", 16, 16),
        (".spec", 20, 19),
        (".spec.bulbs", 7, 5),
        (".spec.bulbs[]", 11, 10),
        (".spec.bulbs.name", 27, 24),
        (".spec.bulbs[].watts", 28, 26),
        (".spec.rooms.attic", 15, 15),
        (".spec.rooms.attic.rooms.cellar.bulbs.watts", 28, 26),
    ] {
        assert_eq!(line(words, REFERENCES), published, "{words}");
        assert_eq!(line(words, &v2), published, "{words}");
        assert_eq!(line(words, NAMED), named, "{words}");
    }
    assert_eq!(line(".extra.inner", REFERENCES), 32);
    let fields = "schema show Deployment .spec.replicas";
    assert!(run(fields, "").out.starts_with("apps/v1/Deployment: built-in 1.37, namespaced\n"));
    let fields = format!("{fields} --kubernetes-version 1.35");
    assert!(run(&fields, "").out.starts_with("apps/v1/Deployment: built-in 1.35, namespaced\n"));
}

#[test]
fn objects_of_kinds_without_schema_are_told_what_happens_to_them() {
    let unknown = "note: example.com/v1/Lamp: no schema is known for it\n";
    let shown = include_str!("data/schema/none.txt");
    assert_run(&run("schema show example.com/v1/Lamp", ""), 0, shown, unknown);
    let refused = format!("{unknown}error: example.com/v1/Lamp: there is no schema for it\n");
    assert_run(&run("schema show example.com/v1/Lamp --strict-schema", ""), 2, "", &refused);
    // The definition is not structural: a server publishes no types of it.
    let definition = CRD.replace("type: array, items: {type: string}}", "type: array}");
    let done = with_files("schema show Lamp --schema FILE0", "bare", &[&definition], "");
    assert_eq!(done.code, 0);
    let shown = shown
        .replace("no schema\n", "FILE0:13, which gives no types, not namespaced\n")
        .replace("untyped: maps granular, lists atomic", "granular, untyped: lists in it atomic");
    assert_eq!(done.out, shown);
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let told = |words: &str, code: i32, err: &str| {
        let done = run(&format!("schema show {words}"), "");
        assert_eq!((done.code, done.err.as_str()), (code, err));
    };
    told(
        "Deploymnet",
        2,
        "error: Deploymnet: no kind of that name is known; the nearest: apps/v1/Deployment\n",
    );
    told(
        "apps/v2/Deployment",
        0,
        "note: apps/v2/Deployment: no schema is known for it; the nearest: apps/v1/Deployment, \
         apps/v1/DeploymentList\n",
    );
    told(
        "Deployment spec.replcas",
        2,
        "error: apps/v1/Deployment: .spec has no field replcas; the nearest is replicas\n",
    );
    told(
        "Event",
        2,
        "error: Event: several kinds are called so: v1/Event, events.k8s.io/v1/Event\n",
    );
    told(
        "HorizontalPodAutoscaler",
        0,
        "note: HorizontalPodAutoscaler: there are other versions: autoscaling/v1/HorizontalPodAutoscaler\n",
    );
}

#[test]
fn kinds_are_listed_with_where_they_come_from() {
    let done = with_files("schema list --schema FILE0", "list", &[CRD], "");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let lines = |wanted: &str| -> Vec<String> {
        let is_wanted = |line: &&str| line.starts_with(wanted);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        done.out.lines().filter(is_wanted).map(words).collect()
    };
    assert_eq!(lines("KIND "), ["KIND APIVERSION NAMESPACED SOURCE"]);
    assert_eq!(lines("Lamp "), ["Lamp example.com/v1 false FILE0: document 1 (line 1)"]);
    assert_eq!(lines("Pod "), ["Pod v1 true built-in 1.37"]);
    assert_eq!(lines("PodList "), ["PodList v1 - built-in 1.37"]);
    let count = done.out.lines().count();
    let names = run("schema list -o name", "").out;
    assert_eq!(names.lines().count(), count - 2);
    assert!(names.lines().any(|name| name == "apps/v1/Deployment"));
    let json = run("schema list -o json --kubernetes-version 1.35", "").out;
    let json = managed_fields::Value::from_json(&json).unwrap();
    assert_eq!(json.as_ref().items().count(), 305);
}

/// The definition with bulbs told apart by name alone, and more.
fn next() -> String {
    let next = CRD
        .replace("list-type: set", "list-type: atomic")
        .replace("[name, socket]", "[name]")
        .replace("map-type: atomic", "map-type: granular")
        .replace("level: {x-kubernetes-int-or-string: true}", "hue: {type: string}")
        .replace(
            ", x-kubernetes-preserve-unknown-fields: true",
            ", properties: {a: {type: string}}",
        );
    assert_ne!(next, CRD);
    next
}

/// The definition without lists of items.
fn atomic() -> String {
    CRD.replace("list-type: set", "list-type: atomic")
        .replace("list-type: map", "list-type: atomic")
        .replace("                x-kubernetes-list-map-keys: [name, socket]\n", "")
}

const DIFF: &str = "schema diff FILE0 FILE1";
const OBJECTS: &str = include_str!("data/schema/lamps.yaml");

#[test]
fn what_changes_between_definitions_is_told_by_field() {
    let next = next();
    assert_shown!(with_files(DIFF, "diff", &[CRD, &next], ""), 1, "diff.txt");
    assert_run(&with_files(DIFF, "same", &[CRD, CRD], ""), 0, "", "");
    // Back again every difference is the other way round.
    let back = with_files(DIFF, "back", &[&next, CRD], "");
    assert_shown!(back, 1, "diff-back.txt");
}

#[test]
fn versions_of_kubernetes_are_sides_too() {
    let node =
        run("schema diff v1.36 1.37 --kind node --kind networking.k8s.io/v1beta1/IPAddress", "");
    assert_shown!(node, 1, "diff-versions.txt");
    assert_run(&run("schema diff 1.37 1.37.2", ""), 0, "", "");
    assert_run(
        &run("schema diff 1.20 1.37", ""),
        2,
        "",
        "error: 1.20: there is no such file, and the kinds of Kubernetes \"1.20\" are not known, only those \
         of 1.35, 1.36, 1.37\n",
    );
}

#[test]
fn owners_of_live_objects_are_followed_to_the_new_schema() {
    let words = format!("{DIFF} --objects -");
    let atomic = atomic();
    assert_shown!(with_files(&words, "atomic", &[CRD, &atomic], OBJECTS), 1, "objects.txt");
    assert_shown!(with_files(&words, "keys", &[CRD, &next()], OBJECTS), 1, "objects-keys.txt");
    let json = format!("{words} -o json");
    assert_shown!(with_files(&json, "json", &[CRD, &atomic], OBJECTS), 1, "objects.json");
    assert_run(&with_files(&words, "unchanged", &[CRD, CRD], OBJECTS), 0, "", "");
}

#[test]
fn objects_of_kinds_that_a_side_lacks_are_told_of() {
    let other = CRD.replace("Lamp", "Torch").replace("lamps", "torches");
    assert_run(
        &with_files(&format!("{DIFF} --objects -"), "other", &[CRD, &other], OBJECTS),
        1,
        "example.com/v1/Lamp: gone\nexample.com/v1/Torch: new\n",
        "note: standard input: document 1 (line 1): there is no schema for example.com/v1, Kind=Lamp in \
         FILE1: passed over\n",
    );
}

#[test]
fn of_a_version_only_the_kinds_in_the_files_are_compared() {
    let deployments = "\
openapi: 3.0.0
components:
  schemas:
    io.k8s.api.apps.v1.Deployment:
      type: object
      properties: {spec: {type: object, additionalProperties: {type: string}}}
      x-kubernetes-group-version-kind: [{group: apps, version: v1, kind: Deployment}]
";
    let done = with_files("schema diff 1.37 FILE0 -o json", "narrow", &[deployments], "");
    assert_eq!(done.code, 1);
    assert_eq!(done.err, "note: FILE0: it does not hold 268 kinds of 1.37: they are left out\n");
    let found = managed_fields::Value::from_json(&done.out).unwrap();
    let kinds: Vec<_> = found.as_ref().get("kinds").unwrap().items().collect();
    assert_eq!(kinds.len(), 1);
    let changes: Vec<String> = kinds[0]
        .get("changes")
        .unwrap()
        .items()
        .map(|change| {
            ["path", "change"].map(|key| change.get(key).unwrap().as_str().unwrap()).join(" ")
        })
        .filter(|change| !change.starts_with(".spec."))
        .collect();
    let expected =
        [".apiVersion gone", ".kind gone", ".metadata gone", ".spec opened", ".status gone"];
    assert_eq!(changes, expected);
}

#[test]
fn deep_definitions_are_shown_and_compared() {
    let nested = |last: &str| {
        let open = "{\"type\":\"object\",\"properties\":{\"a\":".repeat(2000);
        let schema = format!("{open}{{\"type\":\"{last}\"}}{}", "}}".repeat(2000));
        format!(
            r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
            "metadata":{{"name":"lamps.example.com"}},"spec":{{"group":"example.com","scope":"Cluster",
            "names":{{"kind":"Lamp","plural":"lamps"}},"versions":[{{"name":"v1","served":true,
            "storage":true,"schema":{{"openAPIV3Schema":{schema}}}}}]}}}}"#
        )
    };
    let (before, after) = (nested("string"), nested("integer"));
    let done = with_files("schema show Lamp --depth 0 --schema FILE0", "deep", &[&before], "");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(
        done.out
            .lines()
            .any(|line| line.trim_start().starts_with("a ") && line.ends_with(" string"))
    );
    let done = with_files(DIFF, "deep-diff", &[&before, &after], "");
    let path = ".a".repeat(2000);
    assert_run(&done, 1, &format!("example.com/v1/Lamp\n  {path}   string -> number\n"), "");
}
