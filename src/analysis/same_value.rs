//! Values that Kubernetes decodes to the same thing.

use crate::managedfields::Time;
use crate::value::{Kind, ValueRef};

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// An amount with a suffix: `500m`, `1Gi`.
    Quantity,
    /// RFC 3339.
    Time,
}

/// Whether two scalars are read as the same.
pub(super) fn is_same(spelling: Spelling, left: ValueRef<'_>, right: ValueRef<'_>) -> bool {
    match spelling {
        Spelling::Quantity => match (amount(left), amount(right)) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
        Spelling::Time => match (time(left), time(right)) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
    }
}

/// Where times have fractions, their text decides.
fn time(value: ValueRef<'_>) -> Option<Time> {
    let text = value.as_str()?;
    if text.contains(['.', ',']) { None } else { text.parse().ok() }
}

/// An amount: an integer without trailing zeros and a power of ten.
fn amount(value: ValueRef<'_>) -> Option<(i128, i32)> {
    match value.kind() {
        Kind::String => parse_amount(&value.as_str()?),
        Kind::Int | Kind::Float => parse_amount(&value.to_json()),
        _ => None,
    }
}

/// Digits that are looked at: more than any amount has that the server keeps.
const MOST_DIGITS: usize = 18;

fn parse_amount(text: &str) -> Option<(i128, i32)> {
    let end = text.find(|sign: char| !matches!(sign, '0'..='9' | '.' | '+' | '-'));
    // The sign of an exponent belongs to the suffix, which an `e` begins.
    let (number, suffix) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let (factor, mut power): (i128, i32) = match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            (1, (-100..=100).contains(&power).then_some(power)?)
        }
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() > MOST_DIGITS || fraction.contains(['+', '-', '.']) {
        return None;
    }
    power -= i32::try_from(fraction.len()).ok()?;
    let mut digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    digits = digits.checked_mul(factor)?;
    if digits == 0 {
        return Some((0, 0));
    }
    while digits % 10 == 0 {
        digits /= 10;
        power += 1;
    }
    Some((digits, power))
}

#[cfg(test)]
mod tests {
    use super::{Spelling, is_same, parse_amount};
    use crate::value::Value;

    /// Against the documentation of `Quantity` in apimachinery.
    #[test]
    fn amounts_are_equal_across_spellings() {
        for (left, right, same) in [
            ("1", "1000m", true),
            ("0.5", "500m", true),
            (".5", "500m", true),
            ("1Gi", "1024Mi", true),
            ("1Gi", "1073741824", true),
            ("1.5Gi", "1536Mi", true),
            ("1e3", "1k", true),
            ("1E", "1000000000000000000", false),
            ("1E", "1000P", true),
            ("12E-1", "1200m", true),
            ("-1", "-1000m", true),
            ("0", "0m", true),
            ("1", "1m", false),
            ("1G", "1Gi", false),
            ("1Ki", "1ki", false),
            ("", "", false),
            ("1.2.3", "1.2.3", false),
            ("99999999999999999999", "99999999999999999999", false),
        ] {
            let same_amount = parse_amount(left).is_some_and(|l| Some(l) == parse_amount(right));
            assert_eq!(same_amount, same, "{left} {right}");
        }
    }

    #[test]
    fn times_are_equal_across_zones() {
        let same = |left: &str, right: &str| {
            let [left, right] =
                [left, right].map(|text| Value::from_json(&format!("{text:?}")).ok());
            let (Some(left), Some(right)) = (left, right) else { return false };
            is_same(Spelling::Time, left.as_ref(), right.as_ref())
        };
        assert!(same("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"));
        assert!(!same("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"));
        assert!(!same("2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.2Z"));
        assert!(!same("now", "now"));
    }
}
