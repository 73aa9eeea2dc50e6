//! CustomResourceDefinitions: what they teach, what is odd about them, and that nothing in them hurts.

use managed_fields::fieldmanager::{Document, FieldManager, ResetFields, ScaleMapping};
use managed_fields::schema::{
    CustomResource, GroupVersionKind, OpenApiError, Schemas, Type, merge_schema_of_crd,
};
use managed_fields::typed::TypedValue;
use managed_fields::value::Value;
use proptest::prelude::*;

use crate::noise::damaged;
use crate::openapi::on_small_stack;
use crate::{cases, parsers};

/// A definition of lamps with these versions.
fn lamps(versions: &str) -> Value {
    Value::from_json(&format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
        "metadata":{{"name":"lamps.example.com"}},"spec":{{"group":"example.com",
        "names":{{"kind":"Lamp","plural":"lamps"}},"versions":[{versions}]}}}}"#
    ))
    .unwrap()
}

fn version(name: &str, schema: &str) -> String {
    format!(
        r#"{{"name":"{name}","served":true,"storage":true,"schema":{{"openAPIV3Schema":{schema}}}}}"#
    )
}

fn learned(definition: &Value) -> (Schemas, CustomResource) {
    let mut schemas = Schemas::empty();
    let resource = schemas.add_crd(definition).unwrap();
    (schemas, resource)
}

fn find(schemas: &Schemas, version: &str) -> Option<Type> {
    schemas.find(&GroupVersionKind::new(&format!("example.com/{version}"), "Lamp"))
}

fn fields_of(object: &str, ty: Type) -> String {
    let typed = TypedValue::new(Value::from_json(object).unwrap(), ty).unwrap();
    typed.to_field_set().unwrap().to_fields_v1().unwrap()
}

const TAGS: &str = r#"{"type":"object","properties":{"tags":{"type":"array","items":{"type":"string"},
    "x-kubernetes-list-type":"set"}}}"#;

#[test]
fn definitions_teach_the_kinds_of_all_their_versions() {
    let unserved = version("v2", TAGS).replace("true", "false");
    let (schemas, resource) = learned(&lamps(&format!("{},{unserved}", version("v1", TAGS))));
    for version in ["v1", "v2"] {
        let set = fields_of(r#"{"tags":["a"]}"#, find(&schemas, version).unwrap());
        assert_eq!(set, r#"{"f:tags":{"v:\"a\"":{}}}"#);
    }
    assert!(find(&schemas, "v3").is_none());
    // Nor the kinds that are published with every definition.
    assert!(schemas.find(&GroupVersionKind::new("v1", "Status")).is_none());
    let of = |version: &managed_fields::schema::CustomResourceVersion| {
        (version.api_version().to_owned(), version.is_served(), version.is_stored())
    };
    let versions: Vec<_> = resource.versions().iter().map(of).collect();
    assert_eq!(
        versions,
        [("example.com/v1".to_owned(), true, true), ("example.com/v2".to_owned(), false, false)]
    );
}

#[test]
fn metadata_is_that_of_every_object() {
    let (schemas, _) = learned(&lamps(&version("v1", TAGS)));
    let object = r#"{"metadata":{"finalizers":["a"],"ownerReferences":[{"uid":"u"}]}}"#;
    let set = fields_of(object, find(&schemas, "v1").unwrap());
    assert_eq!(
        set,
        r#"{"f:metadata":{"f:finalizers":{"v:\"a\"":{}},"f:ownerReferences":{"k:{\"uid\":\"u\"}":{}}}}"#
    );
}

#[test]
fn what_has_no_types_is_remarked_on_once() {
    let without = r#"{"name":"v1","served":true}"#;
    let odd = version("v2", r#"{"type":"object","properties":{"spec":{"type":"array"}}}"#);
    let (schemas, resource) = learned(&lamps(&format!("{without},{odd}")));
    let told: Vec<String> = resource.remarks().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "lamps.example.com.spec.versions[0].schema.openAPIV3Schema: there is no schema, so that no types are \
             known: lists are owned as a whole, also those in the metadata",
            "lamps.example.com.spec.versions[1].schema.openAPIV3Schema.properties.spec: an array has items: the \
             schema is not structural, so that no types are known: lists are owned as a whole, also those in the \
             metadata",
        ]
    );
    assert!(resource.versions().iter().all(|version| !version.has_types()));
    for version in ["v1", "v2"] {
        let set = fields_of(r#"{"a":["b"]}"#, find(&schemas, version).unwrap());
        assert_eq!(set, r#"{"f:a":{}}"#);
    }
    let twice = lamps(&format!("{},{}", version("v1", TAGS), version("v1", TAGS)));
    let (schemas, resource) = learned(&twice);
    assert_eq!(
        resource.remarks()[0].message(),
        "version v1 is there twice, so that no types are known: lists are owned as a whole, also those in the metadata"
    );
    assert_eq!(fields_of(r#"{"tags":["b"]}"#, find(&schemas, "v1").unwrap()), r#"{"f:tags":{}}"#);
    let unserved = lamps(&version("v1", TAGS).replace("true", "false"));
    let (_, resource) = learned(&unserved);
    assert_eq!(
        resource.remarks()[0].to_string(),
        "lamps.example.com.spec.versions: no version is served: an API server takes no request for this kind"
    );
}

#[test]
fn problems_say_where_they_are_and_nothing_is_added() {
    let bag = TAGS.replace("set", "bag");
    let mut schemas = Schemas::empty();
    let error = schemas
        .add_crd(&lamps(&format!("{},{}", version("v1", TAGS), version("v2", &bag))))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "lamps.example.com.spec.versions[1].schema.openAPIV3Schema.properties.tags: unknown list type bag"
    );
    assert_eq!(error.server_text(), "inlined in com.example.v2.Lamp: unknown list type bag");
    assert!(find(&schemas, "v1").is_none());
    for (definition, expected) in [
        (lamps(""), "lamps.example.com.spec.versions: there are no versions"),
        (lamps("5"), "lamps.example.com.spec.versions[0]: expected a map, got a number"),
        (
            lamps(&version("v1", r#"{"type":5}"#)),
            "lamps.example.com.spec.versions[0].schema.openAPIV3Schema.type: expected a string, got a number",
        ),
        (
            lamps(&version(&"v".repeat(254), TAGS)),
            "lamps.example.com.spec.versions[0].name: it is longer than 253 bytes",
        ),
    ] {
        assert_eq!(schemas.add_crd(&definition).unwrap_err().to_string(), expected);
    }
    for document in ["null", "[]", "5", r#"{"kind":"CustomResourceDefinition"}"#] {
        let document = Value::from_json(document).unwrap();
        assert_eq!(schemas.add_crd(&document), Err(OpenApiError::NotADefinition));
        assert_eq!(merge_schema_of_crd(&document), Err(OpenApiError::NotADefinition));
    }
}

#[test]
fn what_says_nothing_of_types_is_not_looked_at() {
    // An API server reads all of it, and refuses a pattern that does not compile.
    let text = lamps(&version("v1", r#"{"type":"object","pattern":"("}"#)).to_json();
    let text = text.replacen("\"spec\"", "\"status\":5,\"spec\"", 1);
    let (_, resource) = learned(&Value::from_json(&text).unwrap());
    assert!(resource.remarks().is_empty());
}

#[test]
fn definitions_say_what_endpoints_reset_and_where_replicas_are() {
    let sub = r#"{"name":"NAME","served":SERVED,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.n"}}}"#;
    let named = |name: &str, served: &str| sub.replace("NAME", name).replace("SERVED", served);
    let versions =
        format!("{},{},{}", named("v1", "true"), named("v2", "false"), version("v3", TAGS));
    let (schemas, resource) = learned(&lamps(&versions));
    let scaled = |version: &str| ScaleMapping::of_custom_resource(&resource, version).is_some();
    assert!(scaled("example.com/v1") && scaled("example.com/v2") && !scaled("example.com/v3"));
    let owns_status = |version: &str| {
        let config = format!(
            r#"{{"apiVersion":"example.com/{version}","kind":"Lamp","status":{{"a":1}},"spec":{{"b":1}}}}"#
        );
        let applied = FieldManager::new(&schemas)
            .apply(Document::absent(), &config)
            .field_manager("ann")
            .reset_fields(ResetFields::of_custom_resource(&resource))
            .run()
            .unwrap();
        applied.managed_fields()[0].fields.to_string().contains(".status")
    };
    assert!(!owns_status("v1"));
    // It has no endpoints, being neither served nor stored.
    assert!(owns_status("v2"));
}

/// What a server publishes of a version of lamps, as far as types are made of it.
fn published(front: &str, schema: &str) -> Value {
    let kind = r#""x-kubernetes-group-version-kind":[{"group":"example.com","version":"v1","kind":"Lamp"}]"#;
    let schema = schema.replacen('{', &format!("{{{kind},"), 1);
    Value::from_json(&front.replace("SCHEMA", &schema)).unwrap()
}

#[test]
fn published_documents_do_not_say_that_all_fields_are_kept() {
    let text = lamps(&version("v1", TAGS)).to_json();
    let text = text.replacen("\"group\"", "\"preserveUnknownFields\":true,\"group\"", 1);
    let (of_definition, _) = learned(&Value::from_json(&text).unwrap());
    let mut of_document = Schemas::empty();
    let front = r#"{"openapi":"3.0.0","components":{"schemas":{"com.example.v1.Lamp":SCHEMA}}}"#;
    of_document.add_openapi_v3(&published(front, TAGS)).unwrap();
    let typed = |schemas: &Schemas| {
        let object = Value::from_json(r#"{"other":1}"#).unwrap();
        TypedValue::new(object, find(schemas, "v1").unwrap())
    };
    assert!(typed(&of_definition).is_ok());
    assert!(typed(&of_document).is_err());
}

#[test]
fn documents_of_v2_leave_out_what_may_be_null() {
    let nullable = TAGS.replace(r#""items""#, r#""nullable":true,"items""#);
    let (of_definition, _) = learned(&lamps(&version("v1", &nullable)));
    let mut of_document = Schemas::empty();
    let front = r#"{"swagger":"2.0","definitions":{"com.example.v1.Lamp":SCHEMA}}"#;
    let left = r#"{"type":"object","properties":{"tags":{"x-kubernetes-list-type":"set"}}}"#;
    of_document.add_openapi_v2(&published(front, left)).unwrap();
    let object = r#"{"tags":["a"]}"#;
    let set = fields_of(object, find(&of_definition, "v1").unwrap());
    assert_eq!(set, r#"{"f:tags":{"v:\"a\"":{}}}"#);
    assert_eq!(fields_of(object, find(&of_document, "v1").unwrap()), r#"{"f:tags":{}}"#);
}

#[test]
fn deep_definitions() {
    on_small_stack(|| {
        for (front, end) in [
            (r#"{"type":"array","items":"#, "}"),
            (r#"{"type":"array","x-kubernetes-list-type":"bag","items":"#, "}"),
            (r#"{"type":"object","additionalProperties":"#, "}"),
            (r#"{"type":"object","properties":{"a":"#, "}}"),
            (r#"{"allOf":["#, "]}"),
            (r#"{"not":"#, "}"),
            (r#"{"properties":{"a":"#, "}}"),
            (r#"{"type":"object","default":"#, "}"),
        ] {
            let levels = 9_900 / end.len();
            for junctor in [false, true] {
                let deep = format!("{}{{}}{}", front.repeat(levels), end.repeat(levels));
                let schema = match junctor {
                    true => format!(r#"{{"type":"object","allOf":[{deep}]}}"#),
                    false => format!(r#"{{"type":"object","properties":{{"a":{deep}}}}}"#),
                };
                let definition = lamps(&version("v1", &schema));
                let _ = Schemas::empty().add_crd(&definition);
                let _ = merge_schema_of_crd(&definition);
            }
        }
    });
}

#[test]
fn definitions_cost_what_they_are_long() {
    on_small_stack(|| {
        // Every version is odd; the name would be repeated in what is told of each.
        let versions: Vec<String> = (0..5_000).map(|n| format!(r#"{{"name":"v{n}"}}"#)).collect();
        let text = lamps(&versions.join(",")).to_json();
        let text = text.replace("lamps.example.com", &"a".repeat(200_000));
        let (_, resource) = learned(&Value::from_json(&text).unwrap());
        assert_eq!(resource.versions().len(), 5_000);
        assert_eq!(resource.remarks().len(), 101);
        let fields: Vec<String> = (0..20_000)
            .map(|n| format!(r#""f{n}":{{"type":"object","x-kubernetes-map-type":"bag"}}"#))
            .collect();
        let schema = format!(r#"{{"type":"object","properties":{{{}}}}}"#, fields.join(","));
        let error = Schemas::empty().add_crd(&lamps(&version("v1", &schema))).unwrap_err();
        let OpenApiError::Refused { problems, more } = error else { panic!("{error:?}") };
        assert_eq!((problems.len(), more), (100, 19_900));
        // In the older API all versions may share a schema.
        let text = lamps(&versions.join(",")).to_json().replace("io/v1", "io/v1beta1");
        let shared = format!(r#""validation":{{"openAPIV3Schema":{schema}}},"group""#);
        let text = text.replacen("\"group\"", &shared, 1);
        let error = Schemas::empty().add_crd(&Value::from_json(&text).unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "lamps.example.com.spec.versions: there are too many versions of one schema"
        );
    });
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn definitions_are_read_or_refused(
        bytes in damaged(Just(parsers::CUSTOM_RESOURCE.as_bytes().to_vec()).boxed())
    ) {
        parsers::crd(&bytes);
    }
}
