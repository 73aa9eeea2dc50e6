//! What thousands of CustomResourceDefinitions cost: the time to read their YAML alone, and that to
//! take them as schemas as well; and the memory that is kept.
//!
//! The definitions are as generators for controllers write them, 75 kB each. Without `--bench` only a
//! few are made.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first wrong result")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use managed_fields::schema::{GroupVersionKind, Schemas};
use managed_fields::value::Value;
use managed_fields::yaml;

/// More comes to it, since fields are finished with all below them.
const LENGTH: usize = 65_000;
const WORDS: [&str; 16] = [
    "the",
    "desired",
    "state",
    "of",
    "an",
    "object",
    "which",
    "controllers",
    "reconcile",
    "is",
    "defaulted",
    "when",
    "users",
    "leave",
    "it",
    "out",
];

/// Numbers that look random, the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn definition(index: usize) -> String {
    let mut numbers = Numbers(index as u64 + 1);
    let mut text = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  annotations:\n    \
         controller-gen.kubebuilder.io/version: v0.17.0\n  name: lamp{index}s.example.com\nspec:\n  \
         group: example.com\n  names:\n    kind: Lamp{index}\n    listKind: Lamp{index}List\n    plural: \
         lamp{index}s\n    singular: lamp{index}\n  scope: Namespaced\n  versions:\n  - name: v1\n    \
         schema:\n      openAPIV3Schema:\n        properties:\n          spec:\n            properties:\n"
    );
    let mut field = 0;
    while text.len() < LENGTH {
        properties(&mut text, &mut numbers, 14, &mut field);
    }
    text + "            type: object\n        type: object\n    served: true\n    storage: true\n    subresources:\n      status: {}\n"
}

fn properties(text: &mut String, numbers: &mut Numbers, indent: usize, field: &mut usize) {
    for _ in 0..3 + numbers.below(4) {
        *field += 1;
        let _ = writeln!(text, "{:indent$}field{field}:\n{:indent$}  description: |-", "", "");
        for _ in 0..1 + numbers.below(4) {
            let _ = write!(text, "{:indent$}   ", "");
            for _ in 0..12 {
                let _ = write!(text, " {}", WORDS[numbers.below(WORDS.len())]);
            }
            text.push('\n');
        }
        let kind = if indent > 22 { 9 } else { numbers.below(10) };
        match kind {
            0..=2 => {
                let _ = writeln!(text, "{:indent$}  properties:", "");
                properties(text, numbers, indent + 4, field);
                let _ = writeln!(text, "{:indent$}  type: object", "");
            }
            3 | 4 => {
                let _ = writeln!(
                    text,
                    "{:indent$}  items:\n{:indent$}    properties:\n{:indent$}      name:\n{:indent$}        \
                     type: string",
                    "", "", "", ""
                );
                properties(text, numbers, indent + 6, field);
                let _ = writeln!(
                    text,
                    "{:indent$}    required:\n{:indent$}    - name\n{:indent$}    type: object\n{:indent$}  \
                     type: array\n{:indent$}  x-kubernetes-list-map-keys:\n{:indent$}  - name\n{:indent$}  \
                     x-kubernetes-list-type: map",
                    "", "", "", "", "", "", ""
                );
            }
            _ => {
                let ty = ["string", "integer", "boolean"][numbers.below(3)];
                let _ = writeln!(text, "{:indent$}  type: {ty}", "");
            }
        }
    }
}

/// The memory that the process holds, in kB, where the system tells.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let counts: &[usize] = if full { &[200, 2_000] } else { &[2] };
    for count in counts {
        let mut schemas = Schemas::empty();
        let mut bytes = 0;
        let [mut of_yaml, mut of_json, mut of_types] = [Duration::ZERO; 3];
        let before = memory();
        for index in 0..*count {
            let text = definition(index);
            bytes += text.len();
            let start = Instant::now();
            let json = yaml::to_json(&text).unwrap();
            of_yaml += start.elapsed();
            let start = Instant::now();
            let value = Value::from_json(&json).unwrap();
            of_json += start.elapsed();
            let start = Instant::now();
            let resource = schemas.add_crd(&value).unwrap();
            of_types += start.elapsed();
            assert!(resource.remarks().is_empty());
        }
        let kind = GroupVersionKind::new("example.com/v1", "Lamp1");
        assert!(schemas.find(&kind).is_some());
        println!(
            "{count} definitions, {} MB: YAML {:.2} s, JSON {:.2} s, types {:.2} s; {} MB are kept",
            bytes / 1_000_000,
            of_yaml.as_secs_f64(),
            of_json.as_secs_f64(),
            of_types.as_secs_f64(),
            memory().saturating_sub(before) / 1_000,
        );
    }
}
