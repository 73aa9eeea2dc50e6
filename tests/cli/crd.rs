//! CustomResourceDefinitions behind `--schema`.

use crate::openapi::{FIELDS, assert_known, fields_under};
use crate::{Outcome, run, temporary};

const LAMP: &str = "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: desk}\nspec:\n  bulbs:\n  - {name: main, watts: 60}\n  tags: [a]\nstatus: {lit: true}\n";

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.example.com}
spec:
  group: example.com
  names: {kind: Lamp, plural: lamps}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.count, statusReplicasPath: .status.count}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              count: {type: integer}
              tags:
                type: array
                items: {type: string}
                x-kubernetes-list-type: set
              bulbs:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  properties:
                    name: {type: string}
                    watts: {type: integer}
          status:
            type: object
            properties:
              lit: {type: boolean}
";

fn under(name: &str, document: &str) -> Outcome {
    fields_under(name, document, LAMP)
}

#[test]
fn definitions_are_recognised() {
    assert_known(&under("crd.yaml", DEFINITION), "");
    let json = managed_fields::yaml::to_json(DEFINITION).unwrap().into_owned();
    assert_known(&under("crd.json", &json), "");
    let list = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{json}]}}"#);
    assert_known(&under("crd-list.json", &list), "");
    // As the API server lists them, the items without their type.
    let bare = json
        .replace(r#""apiVersion":"apiextensions.k8s.io/v1","#, "")
        .replace(r#""kind":"CustomResourceDefinition","#, "");
    let list = format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinitionList","items":[{bare}]}}"#
    );
    assert_known(&under("crd-typed-list.json", &list), "");
    let beta = DEFINITION.replace("k8s.io/v1", "k8s.io/v1beta1");
    assert_known(&under("crd-beta.yaml", &beta), "");
}

#[test]
fn other_documents_beside_definitions_are_passed_over() {
    let other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: lamps}\n";
    let file = format!("{other}---{DEFINITION}---\nreplicas: 3\n");
    assert_known(
        &under("crd-and-more.yaml", &file),
        "note: FILE: document 1 (line 1): a Namespace is no schema: passed over\n\
         note: FILE: document 3 (line 45): a document without a kind is no schema: passed over\n",
    );
    let done = under("no-crd.yaml", other);
    assert_eq!(
        done.err,
        "error: FILE: document 1 (line 1): this is no schema: expected OpenAPI (`swagger`, `openapi`), a \
         CustomResourceDefinition or a merge schema (`types`)\n"
    );
    assert_eq!(done.code, 2);
}

#[test]
fn a_folder_may_hold_documents_of_every_kind() {
    let folder = std::env::temp_dir().join(format!("managed-fields-crds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    file("a.yaml", DEFINITION);
    file("b.json", r#"{"openapi":"3.0.0","components":{"schemas":{}}}"#);
    file("c.yaml", "swagger: '2.0'\ndefinitions: {}\n");
    file("d.yaml", "types: []\n");
    file("e.yml", "apiVersion: v1\nkind: ServiceAccount\n");
    let name = folder.display().to_string();
    let done = run(&format!("fields --config -f - --schema {name}"), LAMP);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((done.out.as_str(), done.code), (FIELDS, 0));
    let told = done.err.replace(&name, "DIR");
    assert!(told.ends_with(
        "note: DIR/e.yml: document 1 (line 1): a ServiceAccount is no schema: passed over\n"
    ));
    assert_eq!(told.lines().count(), 2, "{told}");
}

/// The messages on a definition with one change, and the exit code.
#[track_caller]
fn assert_told(from: &str, to: &str, code: i32, messages: &str) {
    let changed = DEFINITION.replace(from, to);
    assert_ne!(changed, DEFINITION);
    let done = under("crd-odd.yaml", &changed);
    assert_eq!(done.err, messages, "{to}");
    assert_eq!(done.code, code);
}

const SCHEMA: &str = "lamps.example.com.spec.versions[0].schema.openAPIV3Schema";
const NOTHING: &str = "note: FILE: document 1 (line 2): nothing of this document is used: an API server refuses one \
    like that as a whole\n";
const UNTYPED: &str =
    "so that no types are known: lists are owned as a whole, also those in the metadata\n";

#[test]
fn problems_are_told_with_their_line() {
    let set = "x-kubernetes-list-type: set";
    let at = format!("FILE:24: {SCHEMA}.properties.spec.properties.tags:");
    assert_told(
        set,
        "x-kubernetes-list-type: bag",
        2,
        &format!("error: {at} unknown list type bag\n{NOTHING}"),
    );
    assert_told(
        set,
        "x-kubernetes-list-type: map",
        2,
        &format!("error: {at} missing map keys\n{NOTHING}"),
    );
    assert_told(
        set,
        "x-kubernetes-list-type: set\n                x-kubernetes-patch-strategy: merge",
        0,
        &format!(
            "warning: {at} x-kubernetes-patch-strategy has no effect in a definition of custom resources\n"
        ),
    );
    assert_told(
        "x-kubernetes-list-map-keys: [name]",
        "x-kubernetes-list-map-keys: [name, id]",
        0,
        &format!(
            "warning: FILE:28: {SCHEMA}.properties.spec.properties.bulbs: the list key id is no field of the \
             items: no item can have it, items without another key are refused\n"
        ),
    );
    assert_told(
        set,
        "nullable: 5",
        2,
        &format!(
            "error: FILE:27: {SCHEMA}.properties.spec.properties.tags.nullable: expected a boolean, got a number\n\
             {NOTHING}"
        ),
    );
    assert_told(
        "group: example.com",
        "group: ''",
        2,
        &format!("error: FILE:6: lamps.example.com.spec.group: there is no group\n{NOTHING}"),
    );
    assert_told(
        "served: true",
        "served: [",
        2,
        "error: FILE: document 1 (line 2): while parsing a flow mapping, did not find expected ',' or '}' at line 13 column 17\n",
    );
}

#[test]
fn problems_in_a_list_are_told_with_their_line() {
    let odd = DEFINITION.replace("x-kubernetes-list-type: set", "x-kubernetes-list-type: bag");
    let item = odd.replace('\n', "\n  ");
    let done = under("crd-odd-list.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n-{item}"));
    assert_eq!(
        done.err,
        format!(
            "error: FILE:27: {SCHEMA}.properties.spec.properties.tags: unknown list type bag\n{}",
            NOTHING.replace("(line 2)", "item 1 (line 1)")
        )
    );
}

#[test]
fn what_has_no_types_is_told_with_its_line() {
    let without = |to: &str| DEFINITION.replace("items: {type: string}", to);
    let done = under("crd-not-structural.yaml", &without("items: {$ref: '#/definitions/Tag'}"));
    assert_eq!(
        done.err,
        format!(
            "warning: FILE:26: {SCHEMA}.properties.spec.properties.tags.items: $ref is not supported: the schema is \
             not structural, {UNTYPED}"
        )
    );
    assert_eq!(done.out, ".spec\n.spec.bulbs\n.spec.tags\n");
    let end = DEFINITION.find("    schema:").unwrap();
    let done = under("crd-no-schema.yaml", &DEFINITION[..end]);
    assert_eq!(done.err, format!("warning: FILE:10: {SCHEMA}: there is no schema, {UNTYPED}"));
    assert_eq!(done.out, ".spec\n.spec.bulbs\n.spec.tags\n");
}

#[test]
fn a_definition_without_a_schema_is_none_where_one_is_demanded() {
    let end = DEFINITION.find("    schema:").unwrap();
    let file = temporary("crd-strict.yaml", &DEFINITION[..end]);
    let done = run(&format!("fields --config -f - --schema {file} --strict-schema"), LAMP);
    std::fs::remove_file(file).unwrap();
    let last = done.err.lines().last().unwrap();
    assert_eq!(
        last,
        "error: standard input: document 1 (line 1): there is no schema for example.com/v1, Kind=Lamp"
    );
    assert_eq!((done.out.as_str(), done.code), ("", 2));
}

#[test]
fn a_version_that_is_not_served_is_told_of() {
    let unserved =
        DEFINITION.replace("served: true", "served: false") + "  - {name: v2, served: true}\n";
    assert_known(
        &under("crd-unserved.yaml", &unserved),
        &format!(
            "warning: FILE:41: lamps.example.com.spec.versions[1].schema.openAPIV3Schema: there is no schema, \
             {UNTYPED}warning: standard input: document 1 (line 1): example.com/v1, Kind=Lamp is not served, says \
             its definition (FILE:17): an API server takes no such object\n"
        ),
    );
}

#[test]
fn status_is_reset_as_the_definition_says() {
    let plain = under("crd-status.yaml", DEFINITION);
    assert!(!plain.out.contains(".status"));
    let without = under("crd-no-status.yaml", &DEFINITION.replace("      status: {}\n", ""));
    assert_eq!(without.out, format!("{FIELDS}.status.lit\n"));
    let file = temporary("crd-reset.yaml", DEFINITION);
    let none = run(&format!("fields --config -f - --schema {file} --reset-fields none"), LAMP);
    std::fs::remove_file(file).unwrap();
    assert_eq!(none.out, without.out);
}

#[test]
fn what_would_happen_to_a_status_is_told_as_the_definition_says() {
    let live = "{apiVersion: example.com/v1, kind: Lamp, metadata: {name: desk, uid: u}, status: {lit: true}}";
    let told = |definition: &str, name: &str| {
        let file = temporary(name, definition);
        let done = run(&format!("explain -f - .status.lit --as ann --schema {file}"), live);
        std::fs::remove_file(file).unwrap();
        done.out.lines().last().unwrap_or_default().to_owned()
    };
    let forced = "ann Apply  applies false with force  it is false";
    let without = told(&DEFINITION.replace("      status: {}\n", ""), "crd-explain-no-status.yaml");
    assert!(without.starts_with(forced), "{without}");
    let with = told(DEFINITION, "crd-explain-status.yaml");
    assert!(with.ends_with("ignored, it stays true  nobody"), "{with}");
}

#[test]
fn replicas_are_where_the_definition_says() {
    let file = temporary("crd-scale.yaml", DEFINITION);
    let live = temporary(
        "crd-scaled.yaml",
        "{apiVersion: example.com/v1, kind: Lamp, metadata: {name: desk, uid: u, managedFields: [{manager: m, operation: Update, apiVersion: example.com/v1, fieldsType: FieldsV1, fieldsV1: {'f:spec': {'f:count': {}}}}]}, spec: {count: 1}}",
    );
    let scale =
        "{apiVersion: autoscaling/v1, kind: Scale, metadata: {name: desk}, spec: {replicas: 3}}";
    let done = run(
        &format!(
            "apply --subresource scale -f - --live {live} --schema {file} --field-manager hpa --force-conflicts"
        ),
        scale,
    );
    std::fs::remove_file(file).unwrap();
    std::fs::remove_file(live).unwrap();
    assert_eq!((done.err.as_str(), done.code), ("", 0));
    assert!(done.out.contains("spec:\n  count: 3\n"), "{}", done.out);
}

#[test]
fn of_many_definitions_only_those_are_read_that_are_needed() {
    let folder = std::env::temp_dir().join(format!("managed-fields-many-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let of = |kind: &str| {
        let names = format!("names:\n    kind: {kind}\n    plural: {}s", kind.to_lowercase());
        DEFINITION
            .replace("names: {kind: Lamp, plural: lamps}", &names)
            .replace("metadata: {", "metadata:\n  annotations: {")
            + &"# and more of it\n".repeat(6_000)
    };
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    for number in 0..60 {
        file(&format!("{number:02}.yaml"), &of(&format!("Lamp{number}")));
    }
    // Neither is looked into before it is needed.
    file("lamp.yaml", &of("Lamp"));
    file(
        "torch.yaml",
        &of("Torch").replace("x-kubernetes-list-type: set", "x-kubernetes-list-type: bag"),
    );
    let name = folder.display().to_string();
    let ask = |object: &str| {
        let done = run(&format!("fields --config -f - --schema {name}"), object);
        (done.out, done.err.replace(&name, "DIR"), done.code)
    };
    let lamp = ask(LAMP);
    let torch = ask(&LAMP.replace("kind: Lamp", "kind: Torch"));
    std::fs::remove_dir_all(&folder).unwrap();
    let (note, rest) = lamp.1.split_once('\n').unwrap();
    assert!(
        note.starts_with("note: DIR: the definitions of ")
            && note.ends_with(" kinds are read only if an object is of the kind"),
        "{note}"
    );
    assert_eq!((lamp.0.as_str(), rest, lamp.2), (FIELDS, "", 0));
    assert_eq!((torch.0.as_str(), torch.2), ("", 2));
    assert!(torch.1.contains("unknown list type bag\n"), "{}", torch.1);
}

#[test]
fn versions_of_one_shape_are_had_from_each_other() {
    let version = |name: &str, is_stored: bool| {
        format!(
            "  - {{name: {name}, served: true, storage: {is_stored}, schema: {{openAPIV3Schema: {{type: object, \
             properties: {{spec: {{type: object, properties: {{lit: {{type: boolean}}, old: {{type: integer}}}}}}}}}}}}}}\n"
        )
    };
    let definition = |conversion: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: lamps.example.com}}\n\
             spec:\n  group: example.com\n  names: {{kind: Lamp, plural: lamps}}\n  scope: Namespaced\n{conversion}  versions:\n{}{}",
            version("v1", false),
            version("v2", true)
        )
    };
    let live = r#"{"apiVersion":"example.com/v2","kind":"Lamp","metadata":{"name":"desk","managedFields":[
        {"manager":"m","operation":"Apply","apiVersion":"example.com/v1","fieldsType":"FieldsV1",
        "fieldsV1":{"f:spec":{"f:lit":{},"f:old":{}}}}]},"spec":{"lit":true,"old":1}}"#;
    let live = temporary("lamp-of-v1.json", live);
    let config =
        "{apiVersion: example.com/v2, kind: Lamp, metadata: {name: desk}, spec: {lit: true}}";
    let kind = "apiVersion: example.com/v2\nkind: Lamp\nmetadata:\n  name: desk\nspec:\n";
    for (conversion, spec) in [
        // Who owns at v1 is known, and gives up what it leaves out.
        ("", "  lit: true\n"),
        ("  conversion: {strategy: None}\n", "  lit: true\n"),
        // Nobody can be asked what that is at v1: the entry is dropped.
        (
            "  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1]}}\n",
            "  lit: true\n  old: 1\n",
        ),
    ] {
        let schema = temporary("versions.yaml", definition(conversion));
        let done =
            run(&format!("apply -f - --live {live} --field-manager m --schema {schema}"), config);
        let expected = format!("{kind}{spec}");
        assert_eq!((done.code, done.out.as_str()), (0, expected.as_str()), "{}", done.err);
    }
}
