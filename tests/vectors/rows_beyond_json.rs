//! Rows that no recorded request can hold: what the protocol has no words for, what recording sets
//! aside (the order of several problems, texts with addresses in them), and what the reference
//! answers with a panic. A test begins with the name of its row where it has one.

use std::collections::BTreeMap;

use managed_fields::fieldpath::{ElementError, FieldSet, Filter, Matcher, Path, PathElement};
use managed_fields::merge::{Managers, VersionedSet};
use managed_fields::schema::{Schema, Type};
use managed_fields::typed::{TypedValue, parse_schema};
use managed_fields::value::{Kind, Value};

use super::support::json::Json;

fn json(text: &str) -> Value {
    Value::from_json(text).unwrap()
}

/// The schema that the cases register under this name, read anew.
fn schema(name: &str) -> Schema {
    let cases = include_str!("cases/validation.jsonl");
    let found = cases.lines().find_map(|line| {
        let request = Json::parse(line).unwrap();
        let wanted = request.str_of("op") == "schema" && request.str_of("name") == name;
        wanted.then(|| parse_schema(&json(request.str_of("yaml"))).unwrap())
    });
    found.unwrap()
}

fn ty() -> Type {
    schema("S").type_named("t").unwrap()
}

fn invalid(text: &str) -> String {
    TypedValue::new(json(text), ty()).unwrap_err().to_string()
}

fn set(paths: impl IntoIterator<Item = Vec<PathElement>>) -> FieldSet {
    paths.into_iter().map(Path::new).collect()
}

fn field(name: &str) -> PathElement {
    PathElement::FieldName(name.to_owned())
}

fn item(value: &str) -> PathElement {
    PathElement::Value(json(value))
}

// Values

#[test]
fn v3_an_integer_beyond_64_bits_is_a_float() {
    let value = Value::from_serialize(&u64::MAX).unwrap();
    assert_eq!(value.as_ref().kind(), Kind::Float);
    assert_eq!(value.to_string(), "1.8446744073709552e+19");
    assert_eq!(Value::from_serialize(&i64::MIN).unwrap().as_ref().kind(), Kind::Int);
    let object = Value::from_serialize(&BTreeMap::from([("num", u64::MAX)])).unwrap();
    assert!(TypedValue::new(object, ty()).is_ok());
}

#[test]
fn c11_not_a_number_is_no_value() {
    for text in ["NaN", "nan", "Infinity", "-Infinity", "[NaN]"] {
        assert!(Value::from_json(text).is_err(), "{text}");
    }
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Value::from_serialize(&number).unwrap().as_ref().kind(), Kind::Null);
    }
}

#[test]
fn print_map_goes_by_key() {
    let map = json(r#"{"b":{"d":1,"c":2},"a":[{"z":1,"y":null}]}"#);
    assert_eq!(map.to_string(), "a=[y=nullz=1]b=c=2d=1");
}

// Problems

#[test]
fn v10_problems_of_a_list_come_in_its_order() {
    assert_eq!(
        invalid(r#"{"nset":[1,1.0,1]}"#),
        "errors:\n  .nset: duplicate entries for key [=1]\n  .nset: duplicate entries for key [=1]"
    );
    assert_eq!(
        invalid(r#"{"set":["b","b",1,"a","a"]}"#),
        "errors:\n  .set: duplicate entries for key [=\"b\"]\n  .set[=1]: expected string, got \
         &value.valueUnstructured{Value:1}\n  .set: duplicate entries for key [=\"a\"]"
    );
}

#[test]
fn v28_problems_of_a_map_come_by_key() {
    assert_eq!(
        invalid(r#"{"kl":[{"k":"a","id":1,"in":{"x":"q","why":2}}]}"#),
        "errors:\n  .kl[id=1,k=\"a\"].in.why: expected string, got \
         &value.valueUnstructured{Value:2}\n  .kl[id=1,k=\"a\"].in.x: expected numeric (int or \
         float), got string"
    );
}

fn loose(text: &str) -> TypedValue {
    TypedValue::unvalidated(json(text), ty())
}

/// Both sides over one type: two readings of a schema would be two schemas.
fn sides(left: &str, right: &str) -> (TypedValue, TypedValue) {
    let left = loose(left);
    let right = TypedValue::unvalidated(json(right), left.ty().clone());
    (left, right)
}

#[test]
fn m22_both_sides_of_a_merge_are_told_the_left_one_first() {
    let (left, right) = sides(r#"{"num":"x"}"#, r#"{"num":"z"}"#);
    let expected = "errors:\n  .num: lhs: expected numeric (int or float), got string\n  .num: \
                    rhs: expected numeric (int or float), got string";
    assert_eq!(left.merge(&right).unwrap_err().to_string(), expected);
    assert_eq!(left.compare(&right).unwrap_err().to_string(), expected);
}

#[test]
fn m23_every_item_without_identity_is_told() {
    let (left, right) = sides(r#"{"noRel":["a"]}"#, r#"{"noRel":["b"]}"#);
    let expected = "errors:\n  .noRel: element 0: invalid indexing of non-associative list\n  \
                    .noRel: element 0: invalid indexing of non-associative list";
    assert_eq!(left.merge(&right).unwrap_err().to_string(), expected);
    assert_eq!(left.compare(&right).unwrap_err().to_string(), expected);
}

#[test]
fn c33_problems_inside_items_are_told_by_a_comparison() {
    let (left, right) =
        sides(r#"{"loml":[{"name":"a","num":"x"}]}"#, r#"{"loml":[{"name":"a","num":"z"}]}"#);
    assert_eq!(
        left.compare(&right).unwrap_err().to_string(),
        "errors:\n  .loml[name=\"a\"].num: lhs: expected numeric (int or float), got string\n  \
         .loml[name=\"a\"].num: rhs: expected numeric (int or float), got string"
    );
}

#[test]
fn v30_a_reference_that_leads_nowhere_is_an_error_where_the_reference_panics() {
    let ty = schema("override").type_named("t").unwrap();
    let value = |text: &str| TypedValue::unvalidated(json(text), ty.clone());
    let (left, right) = (value(r#"{"x":"a"}"#), value(r#"{"x":"b"}"#));
    let expected = "schema error: no type found matching: inlined type";
    assert_eq!(left.merge(&right).unwrap_err().to_string(), expected);
    assert_eq!(left.compare(&right).unwrap_err().to_string(), expected);
}

#[test]
fn m36_two_readings_of_a_schema_are_two_schemas() {
    let value = |ty: Type| TypedValue::new(json(r#"{"s":"a"}"#), ty).unwrap();
    let expected = "expected objects with types from the same schema";
    let (left, right) = (value(ty()), value(ty()));
    assert_eq!(left.merge(&right).unwrap_err().to_string(), expected);
    assert_eq!(left.compare(&right).unwrap_err().to_string(), expected);
    // A copy of a schema is the same one; its types differ among themselves.
    let copy = left.ty().schema().clone();
    let same = value(copy.type_named("t").unwrap());
    assert!(left.compare(&same).unwrap().is_same());
    let other = TypedValue::new(json("{}"), copy.type_named("st").unwrap()).unwrap();
    let error = left.merge(&other).unwrap_err().to_string();
    assert!(error.starts_with("expected objects of the same type, but got "), "{error}");
}

#[test]
fn k8_a_set_below_no_type_cannot_be_reconciled() {
    let owned = set([vec![field("missing")]]);
    let error = ty().reconcile_field_set(&owned).unwrap_err().to_string();
    assert!(error.starts_with("errors reconciling field set with schema: "), "{error}");
}

// Path elements

#[test]
fn integers_and_floats_are_one_element_with_two_texts() {
    let (int, float) = (item("1000000"), item("1000000.0"));
    assert_eq!(int, float);
    assert_eq!((int.to_string(), float.to_string()), ("[=1000000]".into(), "[=1e+06]".into()));
    let key = |port: &str| PathElement::key([("port".to_owned(), json(port))]);
    assert_eq!(key("1000000"), key("1e6"));
    assert_eq!(key("1000000").to_string(), "[port=1000000]");
    // What is read from FieldsV1 is a float.
    let read = PathElement::from_fields_v1_key(r#"k:{"port":1000000}"#).unwrap();
    assert_eq!((&read, read.to_string()), (&key("1000000"), "[port=1e+06]".into()));
}

#[test]
fn keys_are_sorted_when_they_are_built_and_not_when_they_are_compared() {
    let fields = [("b".to_owned(), json("1")), ("a".to_owned(), json("2"))];
    let built = PathElement::key(fields.clone());
    assert_eq!(built.to_string(), "[a=2,b=1]");
    assert_ne!(built, PathElement::Key(fields.to_vec()));
    assert_eq!(PathElement::Key(Vec::new()).to_string(), "[]");
}

#[test]
fn elements_are_ordered_by_kind_the_invalid_one_last() {
    let key = |fields: &[(&str, &str)]| {
        PathElement::key(fields.iter().map(|(name, value)| ((*name).to_owned(), json(value))))
    };
    let ascending = [
        field(""),
        field("a"),
        field("b"),
        key(&[]),
        key(&[("a", "9")]),
        key(&[("b", "1")]),
        key(&[("b", "1"), ("c", "0")]),
        key(&[("b", "1.5")]),
        key(&[("b", "\"\"")]),
        item("-1"),
        item("\"a\""),
        item("true"),
        item("null"),
        PathElement::Index(i64::MIN),
        PathElement::Index(2),
        PathElement::Index(10),
        PathElement::Invalid,
    ];
    for (at, left) in ascending.iter().enumerate() {
        for (other, right) in ascending.iter().enumerate() {
            assert_eq!(left.cmp(right), at.cmp(&other), "{left} {right}");
            assert_eq!(left == right, at == other, "{left} {right}");
        }
    }
}

#[test]
fn the_invalid_element_has_a_text_and_no_wire_form() {
    assert_eq!(PathElement::Invalid.to_string(), "{{invalid path element}}");
    assert_eq!(PathElement::Invalid.to_fields_v1_key(), None);
    let invalid = set([vec![field("a"), PathElement::Invalid], vec![field("b")]]);
    assert_eq!(invalid.to_string(), ".b\n.a{{invalid path element}}");
    assert_eq!(invalid.to_fields_v1().unwrap_err().to_string(), "invalid PathElement");
}

#[test]
fn an_unknown_kind_is_told_from_a_malformed_element() {
    let read = |text: &str| PathElement::from_fields_v1_key(text).unwrap_err();
    assert_eq!(read("r:Hello"), ElementError::UnknownType);
    assert_eq!(read("v"), ElementError::TooShort);
    assert_eq!(read("vv"), ElementError::MissingColon("vv".to_owned()));
    assert!(matches!(read("v:x"), ElementError::Json(..)));
}

#[test]
fn a_path_comes_before_what_is_below_it() {
    let path = |elements: &[&str]| Path::new(elements.iter().map(|name| field(name)).collect());
    assert!(path(&[]) < path(&["a"]));
    assert!(path(&["a"]) < path(&["a", "a"]));
    assert!(path(&["a", "z"]) < path(&["b"]));
    assert_eq!(path(&["a", ""]).to_string(), ".a.");
}

// Sets

#[test]
fn the_empty_path_is_never_a_member() {
    let empty = Path::default();
    assert_eq!(empty.to_string(), "");
    assert!(FieldSet::new().with(&empty).is_empty());
    let one = set([vec![field("a")]]);
    assert_eq!(one.with(&empty), one);
    assert!(!one.contains(&empty) && !FieldSet::new().contains(&empty));
}

#[test]
fn inserting_a_path_inserts_no_other() {
    let path = Path::new(vec![field("a"), item("1"), field("b")]);
    let one = FieldSet::new().with(&path);
    assert_eq!((one.len(), one.with(&path)), (1, one.clone()));
    assert!(one.contains(&Path::new(vec![field("a"), item("1.0"), field("b")])));
    for outside in [vec![field("a")], vec![field("a"), item("1")], vec![field("b")]] {
        assert!(!one.contains(&Path::new(outside)));
    }
    let below = Path::new(vec![field("a"), item("1"), field("b"), field("c")]);
    assert!(!one.contains(&below));
}

#[test]
fn a_merge_that_the_reference_never_ends_passes_on() {
    let (left, right) = sides(
        r#"{"nset":[9007199254740992,9007199254740993]}"#,
        r#"{"nset":[9007199254740995,9007199254740992.0,9007199254740994]}"#,
    );
    let merged = left.merge(&right).unwrap();
    let expected = "nset=[9007199254740995,9.007199254740992e+15,9007199254740994]";
    assert_eq!(merged.value().to_string(), expected);
}

#[test]
fn below_an_element_is_what_follows_it() {
    let all = set([vec![field("a")], vec![field("a"), field("b")], vec![field("c"), item("1")]]);
    assert_eq!(all.with_prefix(&field("a")), set([vec![field("b")]]));
    assert_eq!(all.with_prefix(&field("c")), set([vec![item("1")]]));
    assert!(all.with_prefix(&field("b")).is_empty());
    assert!(set([vec![field("a")]]).with_prefix(&field("a")).is_empty());
}

#[test]
fn of_two_spellings_a_union_keeps_the_right_member_and_all_else_the_left() {
    let spelled = |number: &str| set([vec![field("n"), item(number)]]);
    let (int, float) = (spelled("1000000"), spelled("1000000.0"));
    assert_eq!(int.union(&float).to_string(), ".n[=1e+06]");
    assert_eq!(float.union(&int).to_string(), ".n[=1000000]");
    assert_eq!(int.intersection(&float).to_string(), ".n[=1000000]");
    assert_eq!(float.intersection(&int).to_string(), ".n[=1e+06]");
    assert_eq!(int.difference(&FieldSet::new()).to_string(), ".n[=1000000]");
    assert!(int.difference(&float).is_empty());
    // Elements on the way to a member are the left side's.
    let under = |number: &str| set([vec![item(number), field("a")]]);
    assert_eq!(under("1000000").union(&under("1e6")).to_string(), "[=1000000].a");
    assert_eq!(under("1e6").union(&under("1000000")).to_string(), "[=1e+06].a");
}

#[test]
fn filters_compare_elements_as_sets_do() {
    let numbers = set([vec![field("n"), item("1")], vec![field("n"), item("2")]]);
    let one = [vec![Matcher::Element(field("n")), Matcher::Element(item("1.0"))]];
    let kept = set([vec![field("n"), item("1")]]);
    assert_eq!(Filter::include(one).apply(&numbers), kept);
    let excluded = Filter::exclude(set([vec![field("n"), item("2.0")]]));
    assert_eq!(excluded.apply(&numbers), kept);
}

// Comparisons and managers

#[test]
fn a_comparison_is_printed_modified_added_removed() {
    let (left, right) =
        sides(r#"{"s":"a","num":1,"set":["x"]}"#, r#"{"s":"b","b":true,"set":["y"]}"#);
    let found = left.compare(&right).unwrap();
    assert_eq!(
        found.to_string(),
        "- Modified Fields:\n.s\n- Added Fields:\n.b\n.set[=\"y\"]\n- Removed \
         Fields:\n.num\n.set[=\"x\"]\n"
    );
    assert!(!found.is_same());
    let same = left.compare(&left).unwrap();
    assert_eq!((same.is_same(), same.to_string()), (true, String::new()));
}

#[test]
fn a_comparison_forgets_excluded_fields_with_all_below_them() {
    let (left, right) =
        sides(r#"{"s":"a","m":{"a":"b"}}"#, r#"{"s":"b","set":["y"],"st":{"x":1}}"#);
    let found = left.compare(&right).unwrap();
    assert_eq!(found.exclude_fields(&FieldSet::new()), found);
    let less = found.exclude_fields(&set([vec![field("set")], vec![field("m"), field("a")]]));
    assert_eq!(
        [&less.modified, &less.added, &less.removed].map(|set| set.to_string()),
        [".s", ".st\n.st.x", ".m"]
    );
    let only = found.filter_fields(&Filter::include([vec![Matcher::Element(field("st"))]]));
    assert_eq!(
        [&only.modified, &only.added, &only.removed].map(|set| set.to_string()),
        ["", ".st\n.st.x", ""]
    );
}

#[test]
fn managers_are_printed_on_four_lines_each() {
    let managers: Managers = ["b", "a"]
        .into_iter()
        .map(|name| {
            let owned = VersionedSet {
                set: set([vec![field("s")], vec![field("m"), field("a")]]),
                api_version: "v1".to_owned(),
                applied: name == "a",
            };
            (name.to_owned(), owned)
        })
        .collect();
    assert_eq!(
        managers.to_string(),
        "a:\n- Applied: true\n- APIVersion: v1\n- Set: .s\n.m.a\n\
         b:\n- Applied: false\n- APIVersion: v1\n- Set: .s\n.m.a\n"
    );
}

#[test]
fn a_schema_lists_its_types_by_name() {
    let schema = schema("S");
    let names: Vec<&str> = schema.type_names().collect();
    assert!(names.is_sorted(), "{names:?}");
    assert!(names.contains(&"t") && schema.type_named("nosuch").is_none());
}
