//! Laws of JSON values.

use std::cmp::Ordering;

use managed_fields::value::Value;
use proptest::prelude::*;

use crate::cases;
use crate::strategies::{any_json, json};

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_is_written_is_read_again(text in any_json()) {
        let value = json(&text);
        prop_assert_eq!(&value.to_json(), &text);
        prop_assert_eq!(&json(&value.as_ref().to_canonical_json()), &value);
        prop_assert_eq!(&value.as_ref().to_value(), &value);
        let spaced = text.replace(',', " ,\n").replace("{", "{\t");
        prop_assert_eq!(&json(&spaced), &value);
        let through_serde: Value = Value::from_serialize(&value).unwrap();
        prop_assert_eq!(&through_serde, &value);
    }

    #[test]
    fn equal_values_order_as_equal(left in any_json(), right in any_json()) {
        let (a, b) = (json(&left), json(&right));
        let order = a.as_ref().cmp_order(b.as_ref());
        prop_assert_eq!(order == Ordering::Equal, a == b);
        prop_assert_eq!(b.as_ref().cmp_order(a.as_ref()), order.reverse());
        prop_assert_eq!(a.as_ref().cmp_order(a.as_ref()), Ordering::Equal);
    }

    /// Integers compare exactly and floats as floats, so beyond 2^53 an integer, a float and
    /// another integer may be equal in pairs and yet ordered: such integers do not occur here but
    /// at the end of the range.
    #[test]
    fn the_order_is_transitive(texts in proptest::collection::vec(any_json(), 3)) {
        let mut values: Vec<Value> = texts.iter().map(|text| json(text)).collect();
        values.sort_by(|a, b| a.as_ref().cmp_order(b.as_ref()));
        let ordered = values[0].as_ref().cmp_order(values[2].as_ref());
        prop_assert!(ordered.is_le(), "{:?}", values);
        if ordered.is_eq() {
            prop_assert_eq!(&values[0], &values[1]);
            prop_assert_eq!(&values[1], &values[2]);
        }
    }

    #[test]
    fn the_order_of_members_does_not_matter_to_equality(text in any_json(), last in any_json()) {
        let left = json(&format!(r#"{{"p":{text},"q":{last}}}"#));
        let right = json(&format!(r#"{{"q":{last},"\u0070":{text}}}"#));
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(
            left.as_ref().to_canonical_json(),
            right.as_ref().to_canonical_json()
        );
        // Of repeated keys the last counts.
        let repeated = json(&format!(r#"{{"q":{text},"p":{text},"q":{last}}}"#));
        prop_assert_eq!(&repeated, &left);
        prop_assert_eq!(&json(&repeated.to_json()), &left);
    }
}
