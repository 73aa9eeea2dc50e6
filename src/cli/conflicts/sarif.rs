//! Findings in the Static Analysis Results Interchange Format.

use crate::analysis::Class;
use crate::cli::sarif::{self, Configuration, Finding, Location, Rule, Text};

use super::findings::{Claim, Found, Origin, Report, explanation};

/// The classes that are reported, in the order in which rules are listed.
const RULES: [Class; 4] =
    [Class::AtomicOverlap, Class::Conflict, Class::WouldPrune, Class::OrderDependent];

pub(super) fn write(report: &Report) -> String {
    let rules = RULES.map(|class| Rule {
        id: class.as_str(),
        name: None,
        short_description: Text::sentence(explanation(class)),
        full_description: None,
        help: None,
        default_configuration: Configuration::of(class.severity()),
    });
    sarif::write(rules.into(), report.fights().map(finding).collect())
}

fn finding(found: &Found) -> Finding {
    let mut claims = found.claims.iter().filter(|claim| claim.source == Origin::File);
    let index = RULES.iter().position(|class| *class == found.class).unwrap_or_default();
    let known_by = format!("{} {}", found.object, found.path);
    let message = Text::sentence(&found.message());
    let mut finding =
        Finding::new((found.class.as_str(), index), found.severity, message, known_by);
    finding.locations.extend(claims.next().map(|claim| location(found, claim)));
    finding.related_locations = claims
        .enumerate()
        .map(|(index, claim)| {
            let message = format!("{} claims it here", claim.manager);
            location(found, claim).related(index + 1, message)
        })
        .collect();
    finding
}

fn location(found: &Found, claim: &Claim) -> Location {
    let file = claim.file.as_deref().unwrap_or_default();
    Location::new(file, claim.line, claim.column, &found.object.to_string(), &found.path)
}
