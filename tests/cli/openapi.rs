//! OpenAPI documents behind `--schema`.

use crate::{Outcome, run, temporary};

const LAMP: &str = "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: desk}\nspec:\n  bulbs:\n  - {name: main, watts: 60}\n  tags: [a]\n";

pub(crate) const FIELDS: &str = ".spec.bulbs[name=\"main\"]\n.spec.bulbs[name=\"main\"].name\n\
    .spec.bulbs[name=\"main\"].watts\n.spec.tags[=\"a\"]\n";

const SPEC: &str = "
      type: object
      properties:
        apiVersion: {type: string}
        kind: {type: string}
        metadata: {type: object}
        spec:
          type: object
          properties:
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
      x-kubernetes-group-version-kind:
      - {group: example.com, version: v1, kind: Lamp}
";

fn v3() -> String {
    format!("openapi: 3.0.0\ncomponents:\n  schemas:\n    Lamp:{SPEC}")
}

fn under(name: &str, document: &str) -> Outcome {
    fields_under(name, document, LAMP)
}

/// What `fields --config` says of an object under a schema document, whose file is named FILE.
pub(crate) fn fields_under(name: &str, document: &str, object: &str) -> Outcome {
    let file = temporary(name, document);
    let mut done = run(&format!("fields --config -f - --schema {file}"), object);
    done.err = done.err.replace(&file, "FILE");
    std::fs::remove_file(file).unwrap();
    done
}

/// The lamp's fields are known by the schema.
#[track_caller]
pub(crate) fn assert_known(done: &Outcome, messages: &str) {
    assert_eq!(done.err, messages);
    assert_eq!(done.out, FIELDS);
    assert_eq!(done.code, 0);
}

#[test]
fn documents_of_both_versions_are_recognised() {
    assert_known(&under("openapi-v3.yaml", &v3()), "");
    let v2 = v3().replace("openapi: 3.0.0\ncomponents:\n  schemas:", "swagger: 2.0\ndefinitions:");
    assert_known(
        &under("openapi-v2.yaml", &v2),
        "note: FILE: document 1 (line 1): OpenAPI v2 is published without defaults and without what \
         may be null: list items may be told apart otherwise than an API server does; it takes \
         OpenAPI v3 for that\n",
    );
    let json = managed_fields::yaml::to_json(&v3()).unwrap().into_owned();
    assert_known(&under("openapi-v3.json", &json), "");
}

#[test]
fn doubtful_words_are_told_with_their_line() {
    let document = v3().replace("[name]", "[name, colour]").replace(
        "x-kubernetes-list-type: set",
        "x-kubernetes-list-type: set\n              x-kubernetes-patch-strategy: retainKeys",
    );
    assert_known(
        &under("openapi-doubtful.yaml", &document),
        "warning: FILE:18: Lamp.properties.spec.properties.bulbs: the list key colour is no field of the items: \
         no item can have it, items without another key are refused\n\
         warning: FILE:13: Lamp.properties.spec.properties.tags: the patch strategy retainKeys says otherwise \
         than the list type set and has no effect\n",
    );
}

#[test]
fn documents_that_a_server_refuses_are_refused_as_a_whole() {
    let document =
        v3().replace("list-type: set", "list-type: bag").replace("keys: [name]", "keys: name");
    let done = under("openapi-refused.yaml", &format!("# a comment\n---\n{document}"));
    assert_eq!(
        done.err,
        "error: FILE:19: Lamp.properties.spec.properties.bulbs: uninterpreted map keys: \"name\"\n\
         error: FILE:15: Lamp.properties.spec.properties.tags: unknown list type bag\n\
         note: FILE: document 1 (line 3): nothing of this document is used: an API server refuses one like \
         that as a whole\n"
    );
    assert_eq!((done.code, done.out.as_str()), (2, ""));
}

#[test]
fn references_of_v2_that_lead_nowhere_are_refused() {
    let done = under(
        "openapi-nowhere.json",
        "{\"swagger\":\"2.0\",\"definitions\":{\n\"A\":{\"properties\":{\n\"b\":{\"$ref\":\"#/definitions/B\"}}}}}",
    );
    assert_eq!(
        done.err.lines().next(),
        Some("error: FILE:3: A.properties.b: unknown model in reference: \"B\"")
    );
    assert_eq!(done.code, 2);
}

#[test]
fn references_in_a_circle_are_told() {
    let circle = "{$ref: '#/components/schemas/Meta'}";
    let document = v3().replace("metadata: {type: object}", &format!("metadata: {circle}"));
    let document = format!("{}\n    Meta: {circle}\n", document.trim_end());
    let done = under("openapi-circle.yaml", &document);
    let told = "warning: FILE:9: Lamp.properties.metadata: definition Meta is only a reference, of which no \
                type is made: a value here is refused\n";
    assert!(done.err.starts_with(told), "{}", done.err);
}

#[test]
fn references_of_v3_that_lead_nowhere_are_told() {
    let document =
        v3().replace("metadata: {type: object}", "metadata: {$ref: '#/components/schemas/Meta'}");
    let done = under("openapi-dangling.yaml", &document);
    assert!(
        done.err.starts_with(
            "warning: FILE:9: Lamp.properties.metadata: there is no definition Meta: a value here is refused\n"
        ),
        "{}",
        done.err
    );
}

#[test]
fn documents_of_the_wrong_shape_are_refused() {
    for (document, expected) in [
        (
            "openapi: 3.0.0\ncomponents: 5\n",
            "error: FILE:2: components: expected a map, got a number",
        ),
        (
            "openapi: 3.0.0\ncomponents:\n  schemas:\n    A:\n      type: 5\n",
            "error: FILE:5: A.type: expected a string or a list of strings, got a number",
        ),
        (
            "swagger: '2.0'\ndefinitions:\n  A:\n    nullable: true\n",
            "error: FILE:3: A: has invalid property: nullable",
        ),
    ] {
        let done = under("openapi-shape.yaml", document);
        assert_eq!(done.err.lines().next(), Some(expected));
        assert_eq!(done.code, 2);
    }
}

#[test]
fn documents_that_end_too_early_are_refused_with_the_line() {
    for start in [r#"{"swagger":"2.0","definitions":{"#, r#"{"openapi":"3.0.0","components":{"#] {
        let done = under(
            "openapi-cut.json",
            &format!("{start}\n\"A\":{{\"properties\":{{\n\"b\":{{\"type\":\"str"),
        );
        assert_eq!(
            done.err,
            "error: FILE: document 1 (line 1): the document ends before its value is complete at line 3 column 17\n"
        );
        assert_eq!((done.code, done.out.as_str()), (2, ""));
    }
}
