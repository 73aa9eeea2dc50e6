//! What `lint` finds, where, and how it is told.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use managed_fields::analysis::Severity;
use managed_fields::analysis::lint::{RULES, Rule};

use super::sarif::assert_sarif;
use super::{Outcome, run, run_words};

type Failure = Box<dyn std::error::Error>;

fn fixture(rule: &Rule, name: &str) -> String {
    format!("tests/cli/data/lint/{}/{name}.yaml", rule.id())
}

fn lint(words: &[&str]) -> Outcome {
    run_words(&[&["lint"], words].concat())
}

/// The line and the rule of every finding of a file.
fn found(out: &str, file: &str) -> Vec<(usize, String)> {
    let findings = out.lines().filter_map(|line| line.strip_prefix(file)?.strip_prefix(':'));
    findings
        .map(|rest| {
            let (line, rest) = rest.split_once(": ").unwrap();
            let rule = rest.split(' ').nth(1).unwrap();
            (line.parse().unwrap(), rule.to_owned())
        })
        .collect()
}

/// Every rule finds what its fixture marks, on that line, and nothing else does; switched off it does
/// not. It says nothing of what is right.
#[test]
fn every_rule_finds_its_fixture_and_nothing_else() -> Result<(), Failure> {
    for rule in &RULES {
        let positive = fixture(rule, "positive");
        let text = std::fs::read_to_string(&positive)?;
        let marked = text.lines().position(|line| line.ends_with("# here")).ok_or("no mark")? + 1;
        let outcome = lint(&["-f", &positive]);
        assert_eq!(found(&outcome.out, &positive), [(marked, rule.id().to_owned())], "{outcome:?}");
        assert_eq!(outcome.err, "", "{positive}");
        assert_eq!(outcome.code, i32::from(rule.severity() >= Severity::Warning), "{positive}");
        assert!(outcome.out.contains(&format!("* {} ({}): ", rule.id(), rule.name())));
        let off = lint(&["-f", &positive, "--ignore", rule.id()]);
        assert_eq!((found(&off.out, &positive), off.code), (vec![], 0), "{positive}");
        let alone = lint(&["-f", &positive, "--rule", rule.id()]);
        assert_eq!(alone.out, outcome.out);
        let negative = fixture(rule, "negative");
        let outcome = lint(&["-f", &negative]);
        assert_eq!((found(&outcome.out, &negative), outcome.code), (vec![], 0), "{outcome:?}");
        assert_eq!(outcome.err, "", "{negative}");
    }
    Ok(())
}
