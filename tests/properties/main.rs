//! Laws that hold for all input: of sets, of values, of typed operations, of ownership, and of
//! everything that reads what others wrote.
//!
//! Where the reference itself breaks what one would expect, the law is narrowed and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod blame;
mod conflicts;
mod crd;
mod defaults;
mod handover;
mod hostile;
mod noise;
mod openapi;
mod ownership;
mod parsers;
mod remedies;
mod requests;
mod sets;
mod strategies;
mod typed;
mod values;
mod what_if;
mod would_change;

use proptest::test_runner::Config;

/// The number of cases of each law, unless `PROPTEST_CASES` says another; failures are shrunk and
/// printed, not stored.
fn cases(cases: u32) -> Config {
    let config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { config } else { Config { cases, ..config } }
}
