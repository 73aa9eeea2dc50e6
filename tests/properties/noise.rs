//! Noise for everything that reads: random bytes, valid documents with damage, and words of the
//! format in any order.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::strategies::{SPICED, any_json, set};
use crate::{cases, parsers};

fn bytes() -> BoxedStrategy<Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..64).boxed()
}

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\n",
    " ",
    "null",
    "true",
    "0",
    "-",
    "1.5e3",
    "-0",
    "9223372036854775808",
    "1e400",
    "01",
    "\"a\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"é\"",
    "\"a\":",
    "{}",
    "[]",
    "{\"a\":1,\"a\":2}",
    "\u{0}",
    "\u{feff}",
];

const TIME_WORDS: &[&str] = &[
    "0000-",
    "9999-",
    "2024-",
    "02-",
    "29",
    "31",
    "00-",
    "13-",
    "T",
    "t",
    " ",
    "23:",
    "24:",
    "59:",
    "60",
    "00",
    "1:",
    "Z",
    "z",
    "+24:60",
    "-00:00",
    "+1:00",
    ".5",
    ",123456789012",
    ".",
    "-",
    ":",
    "é",
];

/// Texts near to a time.
fn any_time() -> BoxedStrategy<Vec<u8>> {
    let number = |below: u16| (0..below).prop_map(|number| format!("{number:02}"));
    let date = (0..10_000u16, number(14), number(33));
    let fraction = select(&["", ".5", ",0000000001"][..]);
    let zone = select(&["Z", "+00:00", "-24:60", "+14:30", "+24:61"][..]);
    (date, number(25), number(61), number(61), fraction, zone)
        .prop_map(|((year, month, day), hour, minute, second, fraction, zone)| {
            format!("{year:04}-{month}-{day}T{hour}:{minute}:{second}{fraction}{zone}").into_bytes()
        })
        .boxed()
}

const FIELDS_WORDS: &[&str] = &[
    "{",
    "}",
    ",",
    "\".\":{}",
    "\"f:a\":{}",
    "\"f:a\":{",
    "\"f:\\\"\":{",
    "\"v:1\":{}",
    "\"v:1000000\":{}",
    "\"v:-0\":{",
    "\"k:{\\\"b\\\":1,\\\"a\\\":\\\"x\\\"}\":{}",
    "\"k:{}\":{",
    "\"k:null\":null",
    "\"i:+1\":{}",
    "\"i:1\":{}",
    "\"x:?\":{\"a\":[1]}",
    "\"f:a\":null",
    "\"\":",
    "1",
    " ",
];

#[cfg(feature = "yaml")]
const YAML_WORDS: &[&str] = &[
    "a",
    ": ",
    "- ",
    "\n",
    "  ",
    "---\n",
    "...\n",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#x",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<: ",
    "'",
    "\"",
    "!!str ",
    "0644",
    "yes",
    "1_0",
    "~",
    "? ",
    "%YAML 1.1\n",
    "\t",
    "é",
    "1e3",
    ".inf",
    "\r\n",
];

const ELEMENT_WORDS: &[&str] = &[
    "f:", "k:", "v:", "i:", "x:", "{", "}", "\"a\"", ":", ",", "1", "+", "-", "1.0", "null", "[",
    "]", " ", "é", "\\u00e9", "1e6", "true",
];

const LIST_WORDS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"manager\":\"m\"",
    "\"manager\":\"\"",
    "\"operation\":\"Apply\"",
    "\"operation\":\"Update\"",
    "\"apiVersion\":\"v1\"",
    "\"fieldsType\":\"FieldsV1\"",
    "\"fieldsV1\":{\"f:a\":{}}",
    "\"fieldsV1\":{\"f:b\":{},\"f:a\":{\".\":{}}}",
    "\"fieldsV1\":null",
    "\"time\":\"2026-01-01T00:00:00Z\"",
    "\"time\":\"0001-01-01T00:00:00Z\"",
    "\"time\":\"2026-01-01T00:00:00.5+01:00\"",
    "\"subresource\":\"status\"",
    "\"x\":1",
];

fn soup(words: &'static [&'static str]) -> BoxedStrategy<Vec<u8>> {
    proptest::collection::vec(select(words), 0..24)
        .prop_map(|words| words.concat().into_bytes())
        .boxed()
}

/// A list of whole entries, any of whose members may be missing or repeated.
fn entries() -> BoxedStrategy<Vec<u8>> {
    let entry = proptest::collection::vec(select(&LIST_WORDS[5..]), 3..9)
        .prop_map(|members| format!("{{{}}}", members.join(",")));
    let required = "\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\",\"operation\":";
    let valid =
        (select(vec!["Apply", "Update"]), select(vec!["a", "b"]), select(&LIST_WORDS[11..]))
            .prop_map(move |(operation, manager, more)| {
                format!("{{{required}\"{operation}\",\"manager\":\"{manager}\",{more}}}")
            });
    proptest::collection::vec(prop_oneof![1 => entry, 6 => valid], 0..5)
        .prop_map(|entries| format!("[{}]", entries.join(",")).into_bytes())
        .boxed()
}

#[derive(Clone, Debug)]
enum Damage {
    Cut(Index, Index),
    Put(Index, u8),
    Swap(Index, Index),
    Repeat(Index, Index),
}

fn damage() -> BoxedStrategy<Damage> {
    prop_oneof![
        any::<(Index, Index)>().prop_map(|(from, to)| Damage::Cut(from, to)),
        (any::<Index>(), prop_oneof![any::<u8>(), select(b"{}[]\",:\\0-.e nut".to_vec())])
            .prop_map(|(at, byte)| Damage::Put(at, byte)),
        any::<(Index, Index)>().prop_map(|(a, b)| Damage::Swap(a, b)),
        any::<(Index, Index)>().prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
    .boxed()
}

/// The document with up to three places damaged; often none.
pub(crate) fn damaged(document: BoxedStrategy<Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    (document, proptest::collection::vec(damage(), 0..4))
        .prop_map(|(mut bytes, damages)| {
            for damage in damages {
                if bytes.is_empty() {
                    break;
                }
                let length = bytes.len();
                let range = |from: Index, to: Index| {
                    let (from, to) = (from.index(length), to.index(length));
                    from.min(to)..(from.max(to)).min(from.min(to) + 12)
                };
                match damage {
                    Damage::Cut(from, to) => drop(bytes.drain(range(from, to))),
                    Damage::Put(at, byte) => bytes[at.index(length)] = byte,
                    Damage::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
                    Damage::Repeat(from, to) => {
                        let range = range(from, to);
                        let end = range.end;
                        let piece = bytes[range].to_vec();
                        bytes.splice(end..end, piece);
                    }
                }
            }
            bytes
        })
        .boxed()
}

fn of_text(text: BoxedStrategy<String>) -> BoxedStrategy<Vec<u8>> {
    text.prop_map(String::into_bytes).boxed()
}

/// Two objects, the first with entries.
fn two_objects() -> BoxedStrategy<Vec<u8>> {
    (entries(), SPICED.object(), SPICED.object())
        .prop_map(|(entries, live, config)| {
            let mut live = live.into_bytes();
            let at = live.windows(11).position(|window| window == b"\"name\":\"x\",").unwrap();
            live.splice(at..at, [b"\"managedFields\":".as_slice(), &entries, b","].concat());
            [live.as_slice(), parsers::SEPARATOR, config.as_bytes()].concat()
        })
        .boxed()
}

fn element_key() -> BoxedStrategy<Vec<u8>> {
    crate::strategies::path()
        .prop_map(|path| path.elements()[0].to_fields_v1_key().unwrap().into_bytes())
        .boxed()
}

fn fields_document() -> BoxedStrategy<Vec<u8>> {
    set().prop_map(|set| set.to_fields_v1().unwrap().into_bytes()).boxed()
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn json_is_read_or_refused(
        bytes in prop_oneof![bytes(), soup(WORDS), damaged(of_text(any_json()))]
    ) {
        parsers::json(&bytes);
    }

    #[test]
    fn fields_v1_is_read_or_refused(
        bytes in prop_oneof![bytes(), soup(FIELDS_WORDS), damaged(fields_document())]
    ) {
        parsers::fields_v1(&bytes);
    }

    #[test]
    fn times_are_read_or_refused(
        bytes in prop_oneof![bytes(), soup(TIME_WORDS), damaged(any_time())]
    ) {
        parsers::time(&bytes);
    }

    #[test]
    fn path_elements_are_read_or_refused(
        bytes in prop_oneof![bytes(), soup(ELEMENT_WORDS), damaged(element_key())]
    ) {
        parsers::path_element(&bytes);
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[cfg(feature = "yaml")]
    #[test]
    fn yaml_is_read_or_refused(
        bytes in prop_oneof![bytes(), soup(YAML_WORDS), damaged(of_text(any_json()))]
    ) {
        parsers::yaml(&bytes);
    }

    #[test]
    fn lists_of_entries_are_read_or_refused(
        bytes in prop_oneof![soup(LIST_WORDS), entries(), damaged(entries())]
    ) {
        parsers::managed_fields_list(&bytes);
    }
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn schema_documents_are_read_or_refused(
        bytes in damaged(Just(parsers::SCHEMA.as_bytes().to_vec()).boxed())
    ) {
        parsers::schema_document(&bytes);
    }

    #[test]
    fn objects_are_applied_or_refused(
        bytes in prop_oneof![two_objects(), damaged(two_objects())]
    ) {
        parsers::apply(&bytes);
    }
}

/// Only spaces, tabs and ends of lines are space to YAML; found by the fuzzer.
#[cfg(feature = "yaml")]
#[test]
fn other_spaces_are_content_to_yaml() {
    for space in ['\u{a0}', '\u{2003}', '\u{3000}'] {
        let value = managed_fields::value::Value::from_json(&format!("\"{space}\"")).unwrap();
        let written = managed_fields::yaml::from_value(value.as_ref());
        parsers::yaml(format!("{space}\n").as_bytes());
        assert_eq!(managed_fields::yaml::to_json(&written).unwrap(), value.to_json());
    }
}
