//! Text that looks like text, the same in every run.

use serde_json::{Value, json};

/// A small generator of numbers.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut out = String::new();
        while out.len() < digits {
            out.push_str(&format!("{:016x}", self.next()));
        }
        out.truncate(digits);
        out
    }

    pub(crate) fn uid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|digits| self.hex(digits)).join("-")
    }

    /// Sentences of about so many bytes.
    pub(crate) fn prose(&mut self, bytes: usize) -> String {
        let mut out = String::new();
        let mut words = 0;
        while out.len() < bytes {
            if words > 0 {
                out.push_str(if words % 13 == 0 { ".\n" } else { " " });
            }
            out.push_str(WORDS[self.below(WORDS.len())]);
            words += 1;
        }
        out.push('.');
        out
    }
}

/// A compact document; `arrange` gets the sorted keys of every map.
pub(crate) fn compact(value: &Value, arrange: &mut impl FnMut(&mut Vec<&String>)) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| compact(item, arrange)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort_unstable();
            arrange(&mut keys);
            let mut write =
                |key: &String| format!("{}:{}", json!(key), compact(&members[key], arrange));
            let members: Vec<String> = keys.into_iter().map(&mut write).collect();
            format!("{{{}}}", members.join(","))
        }
        scalar => scalar.to_string(),
    }
}

/// The same with all keys sorted, whatever order `serde_json` keeps.
pub(crate) fn sorted(value: &Value) -> String {
    compact(value, &mut |_| {})
}

const WORDS: [&str; 48] = [
    "a",
    "address",
    "after",
    "and",
    "answer",
    "before",
    "bounded",
    "by",
    "cache",
    "configured",
    "controls",
    "default",
    "delay",
    "each",
    "entry",
    "field",
    "from",
    "given",
    "holds",
    "if",
    "interval",
    "is",
    "it",
    "keeps",
    "limit",
    "longest",
    "must",
    "name",
    "never",
    "not",
    "number",
    "object",
    "of",
    "optional",
    "order",
    "refers",
    "relay",
    "request",
    "seconds",
    "selects",
    "should",
    "that",
    "the",
    "this",
    "to",
    "value",
    "when",
    "\"quoted\"",
];
