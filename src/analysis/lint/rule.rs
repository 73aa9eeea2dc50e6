//! The table of rules.

use crate::analysis::Severity;

use super::across::Across;
use super::subject::{Subject, Told};
use super::{definitions, entries, manifests, refusals};

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Input {
    /// An object as it is to be applied.
    Manifest,
    /// An object as it is stored, with the entries of its managers.
    Live,
    /// A CustomResourceDefinition, to be applied or stored.
    Definition,
}

impl Input {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Input::Manifest => "manifest",
            Input::Live => "live",
            Input::Definition => "definition",
        }
    }
}

/// How a rule finds what it is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Check {
    /// By one object.
    Object(fn(&Subject<'_>, &mut Told)),
    /// By text that does not show in the value: keys that are repeated.
    Text,
    /// By several objects.
    Across(Across),
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    pub(super) inputs: &'static [Input],
    pub(super) is_fixable: bool,
    pub(super) explanation: &'static str,
    pub(super) remedy: &'static str,
    pub(super) check: Check,
}

impl Rule {
    /// What it is called for good, such as `MF001`. An id is never given to another rule.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What it is about, in a word: `untagged-list`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What it looks at.
    pub fn inputs(&self) -> &'static [Input] {
        self.inputs
    }

    /// Whether some of its findings tell what to take away.
    pub fn is_fixable(&self) -> bool {
        self.is_fixable
    }

    /// What comes of what it finds, in sentences.
    pub fn explanation(&self) -> &'static str {
        self.explanation
    }

    /// What to do about it, in a sentence.
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }

    pub(super) fn check(&self) -> &Check {
        &self.check
    }

    pub(super) fn looks_across(&self, wanted: Across, input: Input) -> bool {
        matches!(self.check, Check::Across(own) if own == wanted) && self.inputs.contains(&input)
    }

    /// The rule of an id, in capitals or not.
    ///
    /// ```
    /// use managed_fields::analysis::lint::Rule;
    /// assert_eq!(Rule::of("mf007")?.name(), "repeated-key");
    /// assert!(Rule::of("MF999").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An id that no rule has.
    pub fn of(id: &str) -> Result<&'static Rule, UnknownRule> {
        RULES.get(Rule::place_of(id)?).ok_or_else(|| UnknownRule { id: id.to_owned() })
    }

    /// Its place in [`RULES`].
    pub(super) fn place_of(id: &str) -> Result<usize, UnknownRule> {
        let found = RULES.iter().position(|rule| rule.id.eq_ignore_ascii_case(id.trim()));
        found.ok_or_else(|| UnknownRule { id: id.to_owned() })
    }
}

/// There is no rule of this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule {id:?}: expected one of {}", RULES.each_ref().map(|rule| rule.id).join(", "))]
pub struct UnknownRule {
    id: String,
}

/// All rules, by their ids.
pub static RULES: [Rule; 27] = [
    definitions::UNTAGGED_LIST,
    definitions::OPTIONAL_KEY,
    super::across::SCALED_REPLICAS,
    manifests::NULL_OR_EMPTY,
    manifests::NULL_CREATION_TIME,
    manifests::SERVER_METADATA,
    manifests::REPEATED_KEY,
    entries::STALE_VERSION,
    entries::GENERIC_MANAGER,
    entries::BEFORE_FIRST_APPLY,
    entries::APPLIED_BOTH_WAYS,
    entries::OWNED_BUT_ABSENT,
    entries::MANY_ENTRIES,
    manifests::APPLIED_STATUS,
    entries::EDITED_BY_HAND,
    entries::SHARED_ATOMIC,
    refusals::UNDECLARED_FIELD,
    super::across::CONFIGURED_TWICE,
    refusals::REPEATED_ITEM,
    definitions::ATOMIC_LABELS,
    definitions::UNTAGGED_CONDITIONS,
    definitions::MARK_WITHOUT_EFFECT,
    definitions::INT_OR_STRING_WITH_TYPE,
    refusals::WRONG_VALUE,
    definitions::DEFAULT_OF_ANOTHER_TYPE,
    definitions::SAID_TO_NO_EFFECT,
    definitions::REFUSED_DEFINITION,
];

#[cfg(test)]
mod tests {
    use super::RULES;

    /// Ids are `MF001` and so on without a gap; every rule says something in every column.
    #[test]
    fn rules_have_ids_in_order_and_texts() {
        for (at, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.id, format!("MF{:03}", at + 1));
            assert!(!rule.inputs.is_empty(), "{}", rule.id);
            assert!(rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            for text in [rule.explanation, rule.remedy] {
                assert!(text.ends_with('.') && !text.contains('\n'), "{}: {text}", rule.id);
            }
        }
        let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }
}
