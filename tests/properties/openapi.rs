//! OpenAPI documents: what they teach, what is odd about them, and that nothing in them hurts.

use std::time::Instant;

use managed_fields::fieldpath::{Path, PathElement};
use managed_fields::schema::{
    GroupVersionKind, OpenApiError, Schemas, merge_schema_of_openapi, rule_path,
};
use managed_fields::typed::{TypedValue, parse_schema};
use managed_fields::value::Value;
use proptest::prelude::*;

use crate::noise::damaged;
use crate::{cases, parsers};

fn v3(schemas: &str) -> Value {
    let text = format!(r#"{{"openapi":"3.0.0","components":{{"schemas":{{{schemas}}}}}}}"#);
    Value::from_json(&text).unwrap()
}

fn v2(definitions: &str) -> Value {
    let text = format!(r#"{{"swagger":"2.0","definitions":{{{definitions}}}}}"#);
    Value::from_json(&text).unwrap()
}

/// The extension that makes a definition a kind of example.com/v1.
fn kind(name: &str) -> String {
    format!(
        r#""x-kubernetes-group-version-kind":[{{"group":"example.com","version":"v1","kind":"{name}"}}]"#
    )
}

fn find(schemas: &Schemas, name: &str) -> managed_fields::schema::Type {
    schemas.find(&GroupVersionKind::new("example.com/v1", name)).unwrap()
}

fn remarks(document: &Value) -> Vec<String> {
    let remarks = Schemas::empty().add_openapi_v3(document).unwrap();
    remarks.iter().map(ToString::to_string).collect()
}

#[test]
fn both_versions_teach_kinds() {
    let lamp = format!(
        r##""Lamp":{{"type":"object",{},"properties":{{"bulbs":{{"type":"array","x-kubernetes-list-type":"set",
        "items":{{"type":"string"}}}}}}}}"##,
        kind("Lamp")
    );
    let (mut of_v3, mut of_v2) = (Schemas::empty(), Schemas::empty());
    assert!(of_v3.add_openapi_v3(&v3(&lamp)).unwrap().is_empty());
    assert!(of_v2.add_openapi_v2(&v2(&lamp)).unwrap().is_empty());
    for schemas in [of_v3, of_v2] {
        let object = Value::from_json(r#"{"bulbs":["a"]}"#).unwrap();
        let typed = TypedValue::new(object, find(&schemas, "Lamp")).unwrap();
        let set = typed.to_field_set().unwrap();
        assert_eq!(set.to_fields_v1().unwrap(), r#"{"f:bulbs":{"v:\"a\"":{}}}"#);
    }
    assert_eq!(Schemas::empty().add_openapi_v3(&v2(&lamp)), Err(OpenApiError::NotOpenApi));
    assert_eq!(Schemas::empty().add_openapi_v2(&v3(&lamp)), Err(OpenApiError::NotOpenApi));
    assert_eq!(merge_schema_of_openapi(&Value::null()), Err(OpenApiError::NotOpenApi));
}

#[test]
fn what_is_written_reads_as_the_same_types() {
    let document = v3(
        r#""A":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"],
        "items":{"type":"object","properties":{"a":{"type":"string","default":"x"}}}}"#,
    );
    let written = merge_schema_of_openapi(&document).unwrap();
    let ty = parse_schema(&written).unwrap().type_named("A").unwrap();
    let typed = TypedValue::new(Value::from_json("[{}]").unwrap(), ty).unwrap();
    let set = typed.to_field_set().unwrap();
    assert_eq!(set.to_fields_v1().unwrap(), r#"{"k:{\"a\":\"x\"}":{}}"#);
}

#[test]
fn a_kind_of_a_bare_reference_has_no_type() {
    let document = v3(&format!(
        r##""A":{{"$ref":"#/components/schemas/B",{}}},"B":{{"type":"object"}}"##,
        kind("Lamp")
    ));
    let mut schemas = Schemas::empty();
    schemas.add_openapi_v3(&document).unwrap();
    let error = TypedValue::new(Value::from_json("{}").unwrap(), find(&schemas, "Lamp"));
    let text = error.unwrap_err().to_string();
    assert!(text.contains("schema error: no type found matching: A"), "{text}");
}

#[test]
fn of_two_definitions_of_a_kind_the_last_counts() {
    let claim = |name: &str, ty: &str| format!(r#""{name}":{{"type":"{ty}",{}}}"#, kind("Lamp"));
    let document = v3(&format!("{},{}", claim("B", "string"), claim("A", "integer")));
    let mut schemas = Schemas::empty();
    let remarks = schemas.add_openapi_v3(&document).unwrap();
    assert_eq!(find(&schemas, "Lamp").name(), "B");
    assert_eq!(
        remarks[0].to_string(),
        "B: example.com/v1, Kind=Lamp is the kind of A too: this one counts"
    );
    let document = v2(&format!("{},{}", claim("B", "string"), claim("A", "integer")));
    let error = schemas.add_openapi_v2(&document).unwrap_err();
    assert_eq!(error.to_string(), "B: duplicate entry for example.com/v1, Kind=Lamp");
}

#[test]
fn problems_say_where_they_are_and_nothing_is_added() {
    let document = v3(&format!(
        r#""A":{{"type":"object",{},"properties":{{"spec":{{"type":"object","properties":{{
        "l":{{"type":"array","items":{{"type":"string"}},"x-kubernetes-list-type":"bag"}}}}}},
        "m":{{"type":"object","x-kubernetes-map-type":"bag"}}}}}}"#,
        kind("Lamp")
    ));
    let mut schemas = Schemas::empty();
    let error = schemas.add_openapi_v3(&document).unwrap_err();
    assert_eq!(
        error.to_string(),
        "A.properties.m: unknown map type bag\n\
         A.properties.spec.properties.l: unknown list type bag"
    );
    assert_eq!(
        error.server_text(),
        "inlined in A: unknown map type bag\ninlined in inlined in A: unknown list type bag"
    );
    assert!(schemas.find(&GroupVersionKind::new("example.com/v1", "Lamp")).is_none());
    let OpenApiError::Refused { problems, more: 0 } = error else { panic!("{error:?}") };
    assert_eq!((problems[1].definition(), problems[1].message()), ("A", "unknown list type bag"));
}

#[test]
fn words_without_effect_are_remarked_on() {
    let list = |more: &str| {
        v3(&format!(
            r#""A":{{"type":"array","items":{{"type":"object","properties":{{"a":{{"type":"string"}}}}}},{more}}}"#
        ))
    };
    let map = r#""x-kubernetes-list-type":"map","x-kubernetes-list-map-keys""#;
    let strategy = r#""x-kubernetes-patch-strategy":"merge","x-kubernetes-patch-merge-key""#;
    assert!(remarks(&list(&format!(r#"{map}:["a"]"#))).is_empty());
    assert!(remarks(&list(&format!(r#"{map}:["a"],{strategy}:"a""#))).is_empty());
    for (more, expected) in [
        (format!(r#"{map}:["a","b"]"#), "A: the list key b is no field of the items"),
        (format!("{map}:[]"), "A: a list of type map without keys is a set"),
        (format!(r#"{map}:["a",1]"#), "A: list keys that are no strings have no effect"),
        (
            format!(r#""x-kubernetes-list-type":"atomic",{strategy}:"a""#),
            "A: the patch strategy merge says otherwise than the list type atomic",
        ),
        (
            format!(r#"{map}:["a"],{strategy}:"b""#),
            "A: the patch strategy merge says otherwise than the list type map",
        ),
    ] {
        let told = remarks(&list(&more));
        assert!(told.len() == 1 && told[0].starts_with(expected), "{more}: {told:?}");
    }
    let dangling =
        v3(r##""A":{"type":"object","properties":{"b":{"$ref":"#/components/schemas/B"}}}"##);
    let told = remarks(&dangling);
    assert_eq!(told, ["A.properties.b: there is no definition B: a value here is refused"]);
}

#[test]
fn references_in_a_circle_are_remarked_on() {
    let expected = "A.properties.b: definition B is only a reference, of which no type is made: a value \
                    here is refused";
    let circle = |way: &str| {
        format!(
            r##""A":{{"type":"object","properties":{{"b":{{"$ref":"{way}B"}}}}}},
                "B":{{"$ref":"{way}C"}},"C":{{"$ref":"{way}B"}}"##
        )
    };
    assert_eq!(remarks(&v3(&circle("#/components/schemas/"))), [expected]);
    let v2 = format!(r#"{{"swagger":"2.0","definitions":{{{}}}}}"#, circle("#/definitions/"));
    let told = Schemas::empty().add_openapi_v2(&Value::from_json(&v2).unwrap()).unwrap();
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told, [expected]);
}

#[test]
fn only_so_many_problems_are_told() {
    let lists: Vec<String> = (0..150).map(|n| format!(r#""A{n}":{{"type":"array"}}"#)).collect();
    let error = Schemas::empty().add_openapi_v3(&v3(&lists.join(","))).unwrap_err();
    assert!(error.to_string().ends_with("\nand 50 more"), "{error}");
    assert_eq!(error.problems().len(), 100);
}

#[test]
fn what_says_nothing_of_types_is_not_looked_at() {
    // The reference refuses the first two, stops with a runtime error at the others.
    let document = r#"{"openapi":"3.0.0","info":5,"paths":5,"components":{"headers":5}}"#;
    assert!(merge_schema_of_openapi(&Value::from_json(document).unwrap()).is_ok());
    let document = r#"{"swagger":"2.0","definitions":{"A":{"xml":5}}}"#;
    assert!(merge_schema_of_openapi(&Value::from_json(document).unwrap()).is_ok());
    assert!(merge_schema_of_openapi(&v2(r#""A":{"items":["x-a"]}"#)).is_ok());
    let error = merge_schema_of_openapi(&v3(r#""A":null"#)).unwrap_err();
    assert_eq!(error.to_string(), "A: expected a schema, got null");
    // Of repeated keys the last counts, as everywhere.
    let document = v3(r#""A":{"type":"string","type":"integer"}"#);
    assert!(merge_schema_of_openapi(&document).unwrap().to_json().contains("numeric"));
}

pub(crate) fn on_small_stack(operation: impl FnOnce() + Send + 'static) {
    let begun = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(operation);
    thread.unwrap().join().unwrap();
    // Unoptimised code is some ten times slower.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn deep_documents() {
    on_small_stack(|| {
        for (front, end) in [
            (r#"{"type":"array","items":"#, "}"),
            (r#"{"type":"array","x-kubernetes-list-type":"bag","items":"#, "}"),
            (r#"{"type":"array","x-kubernetes-list-type":"map","items":"#, "}"),
            (r#"{"type":"object","additionalProperties":"#, "}"),
            (r#"{"allOf":["#, "]}"),
            (r#"{"oneOf":["#, "]}"),
            (r#"{"default":"#, "}"),
            (r#"{"x-kubernetes-list-type":"#, "}"),
            (r#"{"type":"object","properties":{"a":"#, "}}"),
        ] {
            let levels = 9_900 / end.len();
            let text = format!(r#""A":{}{{}}{}"#, front.repeat(levels), end.repeat(levels));
            let _ = Schemas::empty().add_openapi_v3(&v3(&text));
            let _ = Schemas::empty().add_openapi_v2(&v2(&text));
            let _ = merge_schema_of_openapi(&v3(&text));
            let _ = merge_schema_of_openapi(&v2(&text));
        }
    });
}

#[test]
fn documents_cost_what_they_are_long() {
    on_small_stack(|| {
        // One long name that every kind and every problem would repeat.
        let name = "a".repeat(200_000);
        let kinds: Vec<String> = (0..20_000)
            .map(|n| format!(r#"{{"group":"g","version":"v{n}","kind":"K"}}"#))
            .collect();
        let kinds = kinds.join(",");
        let document = format!(
            r##""{name}":{{"$ref":"#/components/schemas/b","x-kubernetes-group-version-kind":[{kinds}]}},
            "b":{{"type":"object","x-kubernetes-group-version-kind":[{kinds}]}}"##
        );
        let remarks = Schemas::empty().add_openapi_v3(&v3(&document)).unwrap();
        assert_eq!(remarks.len(), 100);
        let fields: Vec<String> =
            (0..50_000).map(|n| format!(r#""f{n}":{{"type":"array"}}"#)).collect();
        let document = format!(r#""A":{{"properties":{{{}}}}}"#, fields.join(","));
        let OpenApiError::Refused { problems, more } =
            Schemas::empty().add_openapi_v3(&v3(&document)).unwrap_err()
        else {
            panic!("arrays need items")
        };
        assert_eq!((problems.len(), more), (100, 49_900));
    });
}

#[test]
fn definitions_that_lead_in_circles() {
    let document = v3(&format!(
        r##""A":{{"type":"object",{},"properties":{{"spec":{{"$ref":"#/components/schemas/B"}}}}}},
        "B":{{"type":"object","additionalProperties":{{"allOf":[{{"$ref":"#/components/schemas/B"}}]}}}},
        "C":{{"$ref":"#/components/schemas/D"}},"D":{{"$ref":"#/components/schemas/C"}},
        "E":{{"$ref":"#/components/schemas/E"}}"##,
        kind("Lamp")
    ));
    let mut schemas = Schemas::empty();
    schemas.add_openapi_v3(&document).unwrap();
    let typed = |spec: &str| {
        let object = Value::from_json(&format!(r#"{{"spec":{spec}}}"#)).unwrap();
        TypedValue::new(object, find(&schemas, "Lamp"))
    };
    assert!(typed(r#"{"a":{"b":{"c":{}}}}"#).is_ok());
    assert!(typed(r#"{"a":{"b":{"c":1}}}"#).is_err());
}

/// References are followed once for a field, so that those in circles end, and as far as they lead.
#[test]
fn the_way_to_a_rule() {
    let document = v3(
        r##""A":{"properties":{"b":{"$ref":"x/B"},"c":{"$ref":"#/C"},"d":{"$ref":"#/None"},"e":{"items":{"$ref":"#/A"}}}},
        "B":{"additionalProperties":{"allOf":[{"$ref":"#/components/schemas/B"}]}},
        "C":{"$ref":"#/components/schemas/C"}"##,
    );
    let way = |name: &str, path: &str| {
        let step = |step: &str| match step {
            "0" => PathElement::Index(0),
            name => PathElement::FieldName(name.to_owned()),
        };
        let path: Path = path.split_whitespace().map(step).collect();
        let found = rule_path(&document, name, &path).to_string();
        found.strip_prefix(".components.schemas").map_or(found.clone(), str::to_owned)
    };
    assert_eq!(way("A", ""), ".A");
    assert_eq!(way("None", "b"), "");
    assert_eq!(way("A", "b"), ".A.properties.b");
    assert_eq!(way("A", "b x"), ".B.additionalProperties");
    assert_eq!(way("A", "b x y z"), ".B.additionalProperties");
    assert_eq!(way("A", "c x y z"), ".C");
    assert_eq!(way("A", "d x"), ".A.properties.d");
    assert_eq!(way("A", "e 0 e 0"), ".A.properties.e.items");
    assert_eq!(way("A", "b 0"), ".B");
    assert_eq!(way("A", "z"), ".A");
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn documents_are_read_or_refused(
        bytes in damaged(Just(parsers::DEFINITIONS.as_bytes().to_vec()).boxed())
    ) {
        parsers::openapi(&bytes);
    }
}
