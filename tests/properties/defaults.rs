//! Laws of the defaults that a schema states.

use std::sync::OnceLock;

use managed_fields::fieldmanager::{Defaulter, SchemaDefaults};
use managed_fields::schema::{GroupVersionKind, Schemas, Type};
use managed_fields::typed::{TypedValue, parse_schema};
use managed_fields::value::{Kind, Value, ValueRef};
use proptest::prelude::*;

use crate::cases;
use crate::parsers::{API_VERSION, KIND, SCHEMA};
use crate::strategies::{SPICED, json};

/// The schema of these tests with defaults of many shapes: scalars, empty and filled containers,
/// one that null does not give way to. The recursion of `spec` has none.
fn lamp() -> &'static (Schemas, Type) {
    static LAMP: OnceLock<(Schemas, Type)> = OnceLock::new();
    LAMP.get_or_init(|| {
        let scalar =
            |name: &str, kind: &str| format!(r#"{{"name":"{name}","type":{{"scalar":"{kind}"}}}}"#);
        let mut document = SCHEMA.to_owned();
        for (name, kind, with) in [
            ("number", "numeric", r#""default":7}"#),
            ("text", "string", r#""default":"t"}"#),
            ("value", "numeric", r#""default":0.5}"#),
        ] {
            let field = scalar(name, kind);
            let stated = field.strip_suffix('}').unwrap().to_owned() + "," + with;
            assert!(document.contains(&field), "{field}");
            document = document.replace(&field, &stated);
        }
        for (front, with) in [
            (r#"{"name":"struct","#, r#"{"name":"struct","default":{"b":1},"#),
            (r#"{"name":"items","type""#, r#"{"name":"items","default":[{"name":"i"}],"type""#),
            (r#"{"name":"spec","type""#, r#"{"name":"spec","default":{},"type""#),
            (
                r#"{"name":"flag","type":{"scalar":"boolean"}}"#,
                r#"{"name":"flag","type":{"scalar":"boolean","nullable":true},"default":false}"#,
            ),
        ] {
            assert!(document.contains(front), "{front}");
            document = document.replace(front, with);
        }
        let ty = parse_schema(&json(&document)).unwrap().type_named("object").unwrap();
        let mut schemas = Schemas::empty();
        schemas.insert(GroupVersionKind::new(API_VERSION, KIND), ty.clone());
        (schemas, ty)
    })
}

fn filled(object: &Value) -> Option<Value> {
    SchemaDefaults::new(&lamp().0).default(object.as_ref()).unwrap()
}

/// Whether everything but nulls is in `after` as it is in `before`, and lists are as long.
fn stands(before: ValueRef<'_>, after: ValueRef<'_>) -> bool {
    match (before.kind(), after.kind()) {
        (Kind::Map, Kind::Map) => before
            .members()
            .all(|(key, value)| after.get(&key).is_some_and(|after| stands(value, after))),
        (Kind::List, Kind::List) => {
            before.len() == after.len()
                && before.items().zip(after.items()).all(|(before, after)| stands(before, after))
        }
        (Kind::Null, _) => true,
        _ => before == after,
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn what_is_stated_stands_and_once_is_enough(object in SPICED.object()) {
        let before = json(&object);
        let Some(after) = filled(&before) else { return Ok(()) };
        prop_assert!(after != before);
        prop_assert!(stands(before.as_ref(), after.as_ref()), "{after}");
        prop_assert!(filled(&after).is_none(), "{after}");
        // Its own text is what it means.
        prop_assert_eq!(&json(&after.to_json()), &after);
    }

    #[test]
    fn objects_stay_of_their_type(object in SPICED.object()) {
        let ty = &lamp().1;
        let before = json(&object);
        prop_assume!(TypedValue::with_duplicates(before.clone(), ty.clone()).is_ok());
        let after = filled(&before).unwrap_or(before);
        prop_assert!(TypedValue::with_duplicates(after.clone(), ty.clone()).is_ok(), "{after}");
    }

    /// Objects of other shapes than the type's.
    #[test]
    fn any_object_is_filled_in(spec in crate::strategies::any_json()) {
        let object = format!(r#"{{"apiVersion":"{API_VERSION}","kind":"{KIND}","spec":{spec}}}"#);
        let before = json(&object);
        if let Some(after) = filled(&before) {
            prop_assert!(stands(before.as_ref(), after.as_ref()), "{after}");
            prop_assert!(filled(&after).is_none(), "{after}");
        }
    }
}
