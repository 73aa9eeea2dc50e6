//! Laws of sets of paths and of their wire form.

use std::collections::BTreeSet;

use managed_fields::fieldpath::{FieldSet, Filter, Path, PathElement};
use managed_fields::value::Value;
use proptest::prelude::*;

use crate::cases;
use crate::strategies::{path, paths, set};

/// The slow obvious form of a set.
fn model(set: &FieldSet) -> BTreeSet<Path> {
    set.iter().collect()
}

fn collect<'p>(paths: impl IntoIterator<Item = &'p Path>) -> FieldSet {
    paths.into_iter().cloned().collect()
}

fn is_below(path: &Path, other: &Path) -> bool {
    path.elements().len() > other.elements().len() && path.elements().starts_with(other.elements())
}

/// A FieldsV1 document as others may write it: in any order, with space, members marked anywhere.
fn scrambled(paths: &BTreeSet<Path>, seed: &mut u64) -> String {
    let mut groups: Vec<(PathElement, bool, BTreeSet<Path>)> = Vec::new();
    for path in paths {
        let (first, rest) = path.elements().split_first().unwrap();
        let at = match groups.iter().position(|(element, _, _)| element == first) {
            Some(at) => at,
            None => {
                groups.push((first.clone(), false, BTreeSet::new()));
                groups.len() - 1
            }
        };
        if rest.is_empty() {
            groups[at].1 = true;
        } else {
            groups[at].2.insert(Path::new(rest.to_vec()));
        }
    }
    let mut random = |below: usize| {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*seed >> 33) as usize % below
    };
    for at in (1..groups.len()).rev() {
        groups.swap(at, random(at + 1));
    }
    let turn = random(3);
    let members: Vec<String> = groups
        .into_iter()
        .map(|(element, member, below)| {
            let key = serde_json::to_string(&element.to_fields_v1_key().unwrap()).unwrap();
            let inner = scrambled(&below, seed);
            let inner = inner.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
            let inner = inner.unwrap().trim();
            let value = match (member, inner.is_empty(), turn) {
                (true, true, 0) => "{}".to_owned(),
                (true, true, 1) => "null".to_owned(),
                (true, true, _) => r#"{".":{}}"#.to_owned(),
                (true, false, 0) => format!(r#"{{".":{{}},{inner}}}"#),
                (true, false, _) => format!("{{{inner} ,\t\".\" : null}}"),
                (false, _, _) => format!("{{{inner}}}"),
            };
            format!("{key}:{value}")
        })
        .collect();
    format!(" {{{}}}\n", members.join(if turn == 2 { " , " } else { "," }))
}

/// Two large sets that have the most in common: paths of up to four elements, all that there are of few
/// names, of which each set lacks some.
fn alike() -> impl Strategy<Value = (FieldSet, FieldSet)> {
    const NAMES: usize = 4;
    let lacking =
        || prop::collection::vec(0..NAMES + NAMES.pow(2) + NAMES.pow(3) + NAMES.pow(4), 0..9);
    (1..=NAMES, lacking(), lacking(), any::<bool>()).prop_map(|(names, one, two, inner)| {
        let name =
            |at: usize| PathElement::FieldName(format!("{at}-{}", "name".repeat(at % 3 + 1)));
        let mut paths: Vec<Path> = vec![];
        let mut level = vec![vec![]];
        for _ in 0..4 {
            let below = |path: &Vec<PathElement>| {
                let path = path.clone();
                (0..names).map(move |at| [path.as_slice(), &[name(at)]].concat())
            };
            level = level.iter().flat_map(below).collect();
            paths.extend(level.iter().cloned().map(Path::new));
        }
        let without = |lacking: &[usize]| {
            let stays = |(at, path): &(usize, &Path)| {
                !lacking.contains(at) && (inner || path.elements().len() == 4)
            };
            collect(paths.iter().enumerate().filter(stays).map(|(_, path)| path))
        };
        (without(&one), without(&two))
    })
}

fn operations_are_those_of_sets_of(a: &FieldSet, b: &FieldSet) -> Result<(), TestCaseError> {
    let (x, y) = (model(a), model(b));
    prop_assert_eq!(model(&a.union(b)), x.union(&y).cloned().collect::<BTreeSet<_>>());
    prop_assert_eq!(
        model(&a.intersection(b)),
        x.intersection(&y).cloned().collect::<BTreeSet<_>>()
    );
    prop_assert_eq!(model(&a.difference(b)), x.difference(&y).cloned().collect::<BTreeSet<_>>());
    let is_covered = |path: &Path| {
        let elements = path.elements();
        (1..=elements.len()).any(|len| y.contains(&Path::new(elements[..len].to_vec())))
    };
    let left: BTreeSet<Path> = x.iter().filter(|path| !is_covered(path)).cloned().collect();
    prop_assert_eq!(model(&a.recursive_difference(b)), left);
    prop_assert_eq!(a.is_subset(b), x.is_subset(&y));
    prop_assert_eq!(a == b, x == y);
    prop_assert_eq!(a.is_empty(), x.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn operations_on_sets_that_are_much_alike_are_those_of_sets((a, b) in alike()) {
        operations_are_those_of_sets_of(&a, &b)?;
        operations_are_those_of_sets_of(&a.leaves(), &b)?;
        operations_are_those_of_sets_of(&a, &b.leaves())?;
    }
}

/// An object of FieldsV1 as it may stand in a document: elements in any order and any number of times,
/// each with where among what is below it stands that it is a member, if anywhere.
#[derive(Clone, Debug, Default)]
struct Object(Vec<(String, Option<usize>, Object)>);

impl Object {
    fn write(&self, member: Option<usize>, out: &mut String) {
        out.push('{');
        let mut parts: Vec<Option<&(String, Option<usize>, Object)>> =
            self.0.iter().map(Some).collect();
        if let Some(place) = member {
            parts.insert(place % (parts.len() + 1), None);
        }
        for (index, part) in parts.into_iter().enumerate() {
            out.push_str(if index > 0 { "," } else { "" });
            match part {
                Some((key, member, below)) => {
                    out.push_str(&serde_json::to_string(key).unwrap());
                    out.push(':');
                    below.write(*member, out);
                }
                None => out.push_str(r#"".":{}"#),
            }
        }
        out.push('}');
    }

    /// The paths that it says: of an element that stands there several times the last object that holds
    /// any other counts.
    fn paths(&self, way: &mut Vec<PathElement>, found: &mut Vec<Path>) {
        let keys: BTreeSet<&String> = self.0.iter().map(|(key, ..)| key).collect();
        for key in keys {
            way.push(PathElement::from_fields_v1_key(key).unwrap());
            let all = || self.0.iter().filter(|(other, ..)| other == key);
            if all().any(|(_, member, below)| member.is_some() || below.0.is_empty()) {
                found.push(Path::new(way.clone()));
            }
            if let Some((.., below)) = all().rfind(|(.., below)| !below.0.is_empty()) {
                below.paths(way, found);
            }
            way.pop();
        }
    }
}

fn object() -> impl Strategy<Value = Object> {
    let key = || {
        let number = 0..30_u32;
        prop_oneof![
            4 => number.clone().prop_map(|n| format!("f:{n}")),
            2 => number.clone().prop_map(|n| format!("f:alike in front{n}")),
            1 => number.clone().prop_map(|n| format!("f:\\{n}\"")),
            2 => number.clone().prop_map(|n| format!(r#"k:{{"name":"{n}"}}"#)),
            1 => number.clone().prop_map(|n| format!(r#"k:{{"port":{n},"protocol":"TCP"}}"#)),
            1 => number.clone().prop_map(|n| format!(r#"v:"{n}""#)),
            1 => number.clone().prop_map(|n| format!("v:{n}")),
            1 => number.prop_map(|n| format!("i:{n}")),
        ]
    };
    let leaf = Just(Object::default());
    leaf.prop_recursive(6, 120, 40, move |below| {
        let member = proptest::option::of(0..40_usize);
        let wide = proptest::collection::vec((key(), member.clone(), below.clone()), 0..40);
        let narrow = proptest::collection::vec((key(), member, below), 1..4);
        prop_oneof![wide, narrow].prop_map(Object)
    })
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn order_and_repeats_of_a_document_are_made_up_for(object in object()) {
        let (mut text, mut found) = (String::new(), Vec::new());
        object.write(None, &mut text);
        object.paths(&mut Vec::new(), &mut found);
        let expected = collect(&found);
        let read = FieldSet::from_fields_v1(text.as_bytes()).unwrap();
        prop_assert_eq!(&read, &expected, "{}", text);
        prop_assert_eq!(read.to_fields_v1(), expected.to_fields_v1());
        // With space it is read in another way.
        prop_assert_eq!(FieldSet::from_fields_v1(format!(" {text}").as_bytes()), Ok(read));
    }

    #[test]
    fn operations_are_those_of_sets(a in set(), b in set()) {
        operations_are_those_of_sets_of(&a, &b)?;
    }

    #[test]
    fn union_and_intersection_are_commutative_associative_and_idempotent(
        a in set(), b in set(), c in set()
    ) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(
            a.intersection(&b).intersection(&c),
            a.intersection(&b.intersection(&c))
        );
        prop_assert_eq!(a.union(&a), a.clone());
        prop_assert_eq!(a.intersection(&a), a);
    }

    #[test]
    fn union_and_intersection_absorb_and_distribute(a in set(), b in set(), c in set()) {
        prop_assert_eq!(a.union(&a.intersection(&b)), a.clone());
        prop_assert_eq!(a.intersection(&a.union(&b)), a.clone());
        prop_assert_eq!(
            a.intersection(&b.union(&c)),
            a.intersection(&b).union(&a.intersection(&c))
        );
        prop_assert_eq!(a.union(&b.intersection(&c)), a.union(&b).intersection(&a.union(&c)));
    }

    #[test]
    fn difference_and_intersection_part_a_set(a in set(), b in set()) {
        let (rest, shared) = (a.difference(&b), a.intersection(&b));
        prop_assert!(rest.intersection(&b).is_empty());
        prop_assert_eq!(rest.len() + shared.len(), a.len());
        prop_assert_eq!(a.difference(&rest), shared.clone());
        prop_assert_eq!(rest.union(&shared), a.clone());
        prop_assert!(a.difference(&a).is_empty());
        prop_assert!(a.difference(&a.union(&b)).is_empty());
    }

    #[test]
    fn recursive_difference_takes_what_is_below_along(a in set(), b in set()) {
        let y = model(&b);
        let expected: BTreeSet<Path> = model(&a)
            .into_iter()
            .filter(|path| !y.contains(path) && !y.iter().any(|other| is_below(path, other)))
            .collect();
        let left = a.recursive_difference(&b);
        prop_assert_eq!(model(&left), expected);
        prop_assert_eq!(left.recursive_difference(&b), left.clone());
        prop_assert_eq!(Filter::exclude(b).apply(&a), left);
    }

    #[test]
    fn leaves_have_nothing_below_them(a in set()) {
        let all = model(&a);
        let expected: BTreeSet<Path> = all
            .iter()
            .filter(|path| !all.iter().any(|other| is_below(other, path)))
            .cloned()
            .collect();
        let leaves = a.leaves();
        prop_assert_eq!(model(&leaves), expected);
        prop_assert_eq!(leaves.leaves(), leaves.clone());
        prop_assert!(leaves.is_subset(&a));
    }

    #[test]
    fn membership_agrees_with_iteration(a in set(), other in path()) {
        let listed: Vec<Path> = a.iter().collect();
        prop_assert_eq!(listed.len(), a.len());
        prop_assert!(listed.iter().all(|path| a.contains(path)));
        prop_assert_eq!(a.contains(&other), listed.contains(&other));
        prop_assert!(!a.contains(&Path::default()));
        let with = a.with(&other);
        prop_assert!(with.contains(&other) && a.is_subset(&with));
        prop_assert_eq!(with.len(), a.len() + usize::from(!listed.contains(&other)));
    }

    #[test]
    fn the_order_of_insertion_does_not_matter(paths in paths(), turn in 0..10usize) {
        let set = collect(&paths);
        let mut turned = paths.clone();
        turned.rotate_left(turn.min(paths.len()));
        turned.reverse();
        let twice: FieldSet = turned.iter().chain(&paths).cloned().collect();
        prop_assert_eq!(collect(&turned), set.clone());
        prop_assert_eq!(&twice, &set);
        let one_by_one = paths.iter().fold(FieldSet::new(), |set, path| set.with(path));
        prop_assert_eq!(&one_by_one, &set);
        prop_assert_eq!(twice.iter().collect::<Vec<_>>(), set.iter().collect::<Vec<_>>());
    }

    #[test]
    fn prefixes_part_a_set(a in set()) {
        let mut rebuilt: Vec<Path> = Vec::new();
        let firsts: BTreeSet<PathElement> =
            a.iter().map(|path| path.elements()[0].clone()).collect();
        for first in firsts {
            let own = Path::new(vec![first.clone()]);
            rebuilt.extend(a.contains(&own).then_some(own));
            for below in a.with_prefix(&first).iter() {
                rebuilt.push(std::iter::once(&first).chain(below.elements()).cloned().collect());
            }
        }
        prop_assert_eq!(collect(&rebuilt), a);
    }

    #[test]
    fn fields_v1_gives_the_set_back_and_is_canonical(a in set()) {
        let written = a.to_fields_v1().unwrap();
        let read = FieldSet::from_fields_v1(written.as_bytes()).unwrap();
        prop_assert_eq!(&read, &a);
        prop_assert_eq!(read.to_fields_v1().unwrap(), written.clone());
        // What is not written quite as servers do is read in another way.
        prop_assert_eq!(FieldSet::from_fields_v1(format!(" {written}").as_bytes()), Ok(read));
        serde_json::from_str::<serde_json::Value>(&written).unwrap();
    }

    /// Numbers of FieldsV1 are floats, and only among integers or only among floats do all
    /// spellings of a number look alike, so sets are taken as FieldsV1 has them.
    #[test]
    fn equal_sets_have_equal_bytes(a in set(), b in set()) {
        let wire = |set: &FieldSet| {
            let read = FieldSet::from_fields_v1(set.to_fields_v1().unwrap().as_bytes()).unwrap();
            read.to_fields_v1().unwrap()
        };
        prop_assert_eq!(wire(&a) == wire(&b), a == b);
        prop_assert_eq!(wire(&a.union(&b)), wire(&b.union(&a)));
    }

    #[test]
    fn sets_of_wide_integers_are_searched_by_halving(
        numbers in proptest::collection::vec((0..400_i64, any::<bool>()), 0..1500),
    ) {
        let element = |(offset, float): &(i64, bool)| {
            let number = (1_i64 << 53) + offset;
            let json = if *float { format!("{number}.0") } else { number.to_string() };
            PathElement::Value(Value::from_json(&json).unwrap())
        };
        // One slice, as the reference has it.
        let mut slice: Vec<PathElement> = Vec::new();
        for wanted in numbers.iter().map(element) {
            let (mut low, mut high) = (0, slice.len());
            while low < high {
                let middle = (low + high) / 2;
                if slice[middle] < wanted { low = middle + 1 } else { high = middle }
            }
            if slice.get(low) != Some(&wanted) {
                slice.insert(low, wanted);
            }
        }
        let set: FieldSet = numbers.iter().map(|n| Path::new(vec![element(n)])).collect();
        let found: Vec<String> = set.iter().map(|path| path.to_string()).collect();
        let expected: Vec<String> = slice.iter().map(ToString::to_string).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_order_of_a_document_does_not_matter(a in set(), seed in any::<u64>()) {
        let document = scrambled(&model(&a), &mut { seed });
        let read = FieldSet::from_fields_v1(document.as_bytes());
        prop_assert_eq!(read, Ok(a), "{}", document);
    }

    #[test]
    fn elements_are_read_as_they_are_written(path in path(), other in path()) {
        for element in path.elements() {
            let key = element.to_fields_v1_key().unwrap();
            let read = PathElement::from_fields_v1_key(&key).unwrap();
            prop_assert_eq!(&read, element);
            prop_assert_eq!(read.to_fields_v1_key().unwrap(), key);
        }
        prop_assert_eq!(path.cmp(&other).is_eq(), path == other);
        prop_assert_eq!(path.cmp(&other), other.cmp(&path).reverse());
    }

    #[test]
    fn the_text_of_a_set_is_the_text_of_its_paths(a in set()) {
        let lines: Vec<String> = a.iter().map(|path| path.to_string()).collect();
        prop_assert_eq!(a.to_string(), lines.join("\n"));
        for path in a.iter() {
            let parts: String = path.elements().iter().map(ToString::to_string).collect();
            prop_assert_eq!(path.to_string(), parts);
        }
    }
}
