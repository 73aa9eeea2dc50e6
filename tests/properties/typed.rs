//! Laws of operations on values of a type.

use managed_fields::fieldpath::{FieldSet, Path, PathElement};
use managed_fields::typed::TypedValue;
use managed_fields::value::{Kind, ValueRef};
use proptest::prelude::*;

use crate::cases;
use crate::strategies::{PLAIN, SPICED, json, spec_type, typed};

/// The value without what was known of it, so that operations check as they go.
fn untrusted(value: &TypedValue) -> TypedValue {
    TypedValue::unvalidated(value.to_value(), value.ty().clone())
}

/// Whether a path is a field that its list's items are told apart by.
fn is_key_field(path: &Path) -> bool {
    match path.elements() {
        [.., PathElement::Key(fields), PathElement::FieldName(name)] => {
            name == "protocol" || fields.iter().any(|(field, _)| field == name)
        }
        _ => false,
    }
}

fn is_same_json(left: ValueRef<'_>, right: ValueRef<'_>) -> bool {
    left.kind() == right.kind() && left == right
}

fn subsequence(letters: &'static str) -> BoxedStrategy<String> {
    proptest::sample::subsequence(letters.chars().collect::<Vec<_>>(), 0..=letters.len())
        .prop_map(|letters| letters.into_iter().collect())
        .boxed()
}

/// Lists that are too long to be looked at like short ones, in an order of their own: a set, and items
/// with lists in them.
fn long(order: impl Iterator<Item = usize> + Clone) -> TypedValue {
    let names: Vec<String> = order.clone().map(|at| format!("\"name-{at:04}\"")).collect();
    let item = |at: usize| {
        format!(r#"{{"name":"name-{at:04}","parts":[{{"name":"b"}},{{"name":"a","value":{at}}}]}}"#)
    };
    let items: Vec<String> = order.map(item).collect();
    let text = format!(r#"{{"items":[{}],"set":[{}]}}"#, items.join(","), names.join(","));
    typed(&spec_type(), &text)
}

#[test]
fn long_lists_are_as_their_order_has_nothing_to_do_with_it() {
    const ITEMS: usize = 701;
    // As 701 is prime, every place is met once.
    let (given, sorted) = (long((0..ITEMS).map(|at| at * 450 % ITEMS)), long(0..ITEMS));
    let fields = given.to_field_set().unwrap();
    assert_eq!(fields, sorted.to_field_set().unwrap());
    assert_eq!(fields, untrusted(&given).to_field_set().unwrap());
    // Seven paths of an item: itself, its name, and two parts with a name, of which one has a value.
    assert_eq!(fields.len(), ITEMS + ITEMS * 7);
    let is_odd = |path: &&Path| {
        let digits = path.elements().get(1).map(ToString::to_string).unwrap_or_default();
        path.elements().len() == 2 && digits.contains(['1', '3', '5', '7', '9'])
    };
    let gone: FieldSet = fields.iter().filter(|path| is_odd(&path)).collect();
    let (left, other) = (given.remove_items(&gone), sorted.remove_items(&gone));
    let kept = left.to_field_set().unwrap();
    assert_eq!(kept, fields.recursive_difference(&gone));
    assert_eq!(other.to_field_set().unwrap(), kept);
    assert!(!gone.is_empty() && !kept.is_empty());
    assert!(given.compare(&untrusted(&given)).unwrap().is_same());
    assert_eq!(
        left.compare(&given).unwrap().added,
        untrusted(&left).compare(&given).unwrap().added
    );
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn merging_a_value_into_itself_changes_nothing(a in SPICED.spec()) {
        let a = typed(&spec_type(), &a);
        prop_assert_eq!(a.merge(&a).unwrap().to_value(), a.to_value());
        prop_assert_eq!(a.merge(&untrusted(&a)).unwrap().to_value(), a.to_value());
    }

    #[test]
    fn merging_twice_is_merging_once(a in SPICED.spec(), b in SPICED.spec()) {
        let ty = spec_type();
        let (a, b) = (typed(&ty, &a), typed(&ty, &b));
        let once = a.merge(&b).unwrap();
        let twice = once.merge(&b).unwrap();
        prop_assert_eq!(twice.to_value(), once.to_value());
    }

    #[test]
    fn what_is_known_of_values_changes_no_result(a in SPICED.spec(), b in SPICED.spec()) {
        let ty = spec_type();
        let (a, b) = (typed(&ty, &a), typed(&ty, &b));
        let (x, y) = (untrusted(&a), untrusted(&b));
        prop_assert_eq!(a.merge(&b).unwrap().to_value(), x.merge(&y).unwrap().to_value());
        prop_assert_eq!(a.compare(&b).unwrap(), x.compare(&y).unwrap());
    }

    #[test]
    fn a_merge_holds_what_both_hold_and_no_more(a in PLAIN.spec(), b in PLAIN.spec()) {
        let ty = spec_type();
        let (a, b) = (typed(&ty, &a), typed(&ty, &b));
        let merged = a.merge(&b).unwrap();
        let fields = |value: &TypedValue| value.to_field_set().unwrap();
        prop_assert_eq!(fields(&merged), fields(&a).union(&fields(&b)));
        prop_assert!(TypedValue::new(merged.to_value(), ty.clone()).is_ok());
        // All that `b` says holds afterwards.
        let comparison = b.compare(&merged).unwrap();
        prop_assert!(comparison.removed.is_empty() && comparison.modified.is_empty());
        // Nothing that only `a` says changes.
        let comparison = a.compare(&merged).unwrap();
        prop_assert!(comparison.removed.is_empty());
        prop_assert!(comparison.modified.is_subset(&fields(&b)));
    }

    /// Items of the right side keep their order, items that only the left side has keep theirs, and
    /// nothing moves without need.
    #[test]
    fn merged_lists_keep_the_order_of_both(
        a in subsequence("abcdefgh"), b in subsequence("hgfabxyz"), turned in any::<bool>()
    ) {
        let ty = spec_type();
        let b: String = if turned { b.chars().rev().collect() } else { b };
        let list = |items: &str| -> Vec<String> {
            items.chars().map(|item| format!("{{\"name\":\"{item}\"}}")).collect()
        };
        let value = |items| typed(&ty, &format!("{{\"items\":[{}]}}", list(items).join(",")));
        let merged = value(&a).merge(&value(&b)).unwrap().to_value();
        let order: String = merged
            .as_ref()
            .get("items")
            .unwrap()
            .items()
            .map(|item| item.get("name").unwrap().as_str().unwrap().into_owned())
            .collect();
        let only = |keep: &dyn Fn(char) -> bool| -> String {
            order.chars().filter(|item| keep(*item)).collect()
        };
        prop_assert_eq!(only(&|item| b.contains(item)), b.clone());
        let left_alone: String = a.chars().filter(|item| !b.contains(*item)).collect();
        prop_assert_eq!(only(&|item| !b.contains(item)), left_alone);
        let mut left = a.chars();
        if b.chars().all(|item| left.any(|other| other == item)) {
            prop_assert_eq!(order, a);
        }
    }

    #[test]
    fn merging_with_nothing_changes_nothing(a in SPICED.spec()) {
        let ty = spec_type();
        let (a, nothing) = (typed(&ty, &a), typed(&ty, "{}"));
        prop_assert_eq!(a.merge(&nothing).unwrap().to_value(), a.to_value());
        prop_assert_eq!(nothing.merge(&a).unwrap().to_value(), a.to_value());
    }

    #[test]
    fn a_value_is_no_different_from_itself(a in SPICED.spec()) {
        let ty = spec_type();
        let again = typed(&ty, &a);
        let a = typed(&ty, &a);
        prop_assert!(a.compare(&a).unwrap().is_same());
        prop_assert!(a.compare(&again).unwrap().is_same());
        prop_assert!(untrusted(&a).compare(&again).unwrap().is_same());
    }

    #[test]
    fn comparison_is_symmetric(a in SPICED.spec(), b in SPICED.spec()) {
        let ty = spec_type();
        let (a, b) = (typed(&ty, &a), typed(&ty, &b));
        let (there, back) = (a.compare(&b).unwrap(), b.compare(&a).unwrap());
        prop_assert_eq!(&there.added, &back.removed);
        prop_assert_eq!(&there.removed, &back.added);
        prop_assert_eq!(&there.modified, &back.modified);
        prop_assert!(there.added.intersection(&there.removed).is_empty());
        prop_assert_eq!(there.is_same(), back.is_same());
    }

    #[test]
    fn values_that_do_not_differ_are_equal(a in PLAIN.spec(), b in PLAIN.spec()) {
        let ty = spec_type();
        let (a, b) = (typed(&ty, &a), typed(&ty, &b));
        // Items of keyed lists and sets may stand in any order without being another value, so
        // equality is that of both merged into one.
        let same = a.compare(&b).unwrap().is_same();
        let merged = a.merge(&b).unwrap();
        let both = b.merge(&a).unwrap();
        let changes = !merged.compare(&a).unwrap().is_same() || !both.compare(&b).unwrap().is_same();
        prop_assert_eq!(same, !changes);
        if a.to_value() == b.to_value() {
            prop_assert!(same);
        }
    }

    /// Empty lists of items claim nothing, so values have none here.
    #[test]
    fn extracting_all_fields_gives_the_value_back(a in PLAIN.spec()) {
        let a = typed(&spec_type(), &a);
        let fields = a.to_field_set().unwrap();
        let extracted = a.extract_items(&fields.leaves());
        prop_assert_eq!(extracted.to_value(), a.to_value());
        prop_assert!(is_same_json(extracted.value(), a.value()));
        prop_assert_eq!(a.extract_items_with_keys(&fields.leaves()).to_value(), a.to_value());
    }

    #[test]
    fn extraction_takes_no_more_than_it_is_told_to(a in PLAIN.spec(), b in PLAIN.spec()) {
        let ty = spec_type();
        let (a, b) = (typed(&ty, &a), typed(&ty, &b));
        let fields = a.to_field_set().unwrap().leaves();
        let some = fields.intersection(&b.to_field_set().unwrap());
        let extracted = a.extract_items_with_keys(&some);
        let comparison = a.compare(&extracted).unwrap();
        if extracted.value().kind() == Kind::Null {
            prop_assert!(some.is_empty());
        } else {
            prop_assert!(comparison.added.is_empty(), "{}", comparison);
            prop_assert!(comparison.removed.intersection(&some).is_empty(), "{}", comparison);
            let key_fields: FieldSet = fields.iter().filter(is_key_field).collect();
            let got = extracted.to_field_set().unwrap().leaves();
            prop_assert!(got.difference(&key_fields).is_subset(&some), "{} of {}", got, some);
        }
    }

    #[test]
    fn removing_all_fields_leaves_nothing(a in PLAIN.spec()) {
        let a = typed(&spec_type(), &a);
        let fields = a.to_field_set().unwrap();
        let all = spec_type().ensure_named_fields_are_members(&fields);
        prop_assert_eq!(a.remove_items(&all).value().kind(), Kind::Null);
        prop_assert_eq!(a.remove_items(&FieldSet::new()).to_value(), a.to_value());
    }

    /// An item that loses a key but not itself turns into another item, so keys are not removed
    /// by themselves here.
    #[test]
    fn what_is_removed_is_gone(a in SPICED.spec(), b in SPICED.spec()) {
        let ty = spec_type();
        let (a, b) = (typed(&ty, &a), typed(&ty, &b));
        let removed: FieldSet =
            b.to_field_set().unwrap().iter().filter(|path| !is_key_field(path)).collect();
        let left = a.remove_items(&removed);
        let fields = left.to_field_set().unwrap();
        prop_assert!(fields.intersection(&removed).is_empty(), "{}", fields);
        prop_assert_eq!(left.remove_items(&removed).to_value(), left.to_value());
        let comparison = a.compare(&left).unwrap();
        prop_assert!(comparison.added.is_empty(), "{}", comparison);
    }

    #[test]
    fn sets_of_valid_values_need_no_mending(a in SPICED.spec()) {
        let ty = spec_type();
        let fields = typed(&ty, &a).to_field_set().unwrap();
        let mended = ty.reconcile_field_set(&fields).unwrap().unwrap_or_else(|| fields.clone());
        prop_assert_eq!(&mended, &fields);
        let named = ty.ensure_named_fields_are_members(&fields);
        prop_assert!(fields.is_subset(&named));
        prop_assert_eq!(ty.ensure_named_fields_are_members(&named), named);
    }

    #[test]
    fn results_can_be_written_and_read(a in SPICED.spec(), b in SPICED.spec()) {
        let ty = spec_type();
        let (a, b) = (typed(&ty, &a), typed(&ty, &b));
        let merged = a.merge(&b).unwrap();
        let set = b.to_field_set().unwrap();
        for value in [merged, a.remove_items(&set), a.extract_items(&set)] {
            prop_assert_eq!(json(&value.to_value().to_json()), value.to_value());
        }
    }
}
