//! Coverage-guided noise for `parsers::yaml`; see README.md.
#![cfg_attr(fuzzing, no_main)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../properties/parsers.rs"]
mod parsers;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parsers::yaml(bytes));

#[cfg(not(fuzzing))]
fn main() {}
