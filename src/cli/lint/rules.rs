//! The rules, told.

use crate::analysis::lint::{RULES, Rule, UnknownRule};
use crate::cli::report;

/// One rule a line.
pub(super) fn table() -> String {
    let row = |rule: &Rule| {
        let fix = if rule.is_fixable() { "yes" } else { "" };
        [
            rule.id().to_owned(),
            rule.name().to_owned(),
            rule.severity().as_str().to_owned(),
            inputs(rule),
            fix.to_owned(),
        ]
    };
    let rows: Vec<[String; 5]> = RULES.iter().map(row).collect();
    report::table(["RULE", "NAME", "SEVERITY", "LOOKS AT", "FIX"], &rows)
}

fn inputs(rule: &Rule) -> String {
    let words: Vec<&str> = rule.inputs().iter().map(|input| input.as_str()).collect();
    words.join(", ")
}

/// All that is to be told of a rule.
pub(super) fn explanation(id: &str) -> Result<String, UnknownRule> {
    let rule = Rule::of(id)?;
    let fix = if rule.is_fixable() { "; --fix takes it out where that is safe" } else { "" };
    Ok(format!(
        "{} ({}): {}, looks at: {}{fix}\n\n{}\n\nWhat to do: {}\n",
        rule.id(),
        rule.name(),
        rule.severity().as_str(),
        inputs(rule),
        rule.explanation(),
        rule.remedy()
    ))
}
