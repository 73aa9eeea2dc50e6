//! Coverage-guided noise for `parsers::crd`; see README.md.
#![cfg_attr(fuzzing, no_main)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../properties/parsers.rs"]
mod parsers;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parsers::crd(bytes));

#[cfg(not(fuzzing))]
fn main() {}
