//! The `fieldManager` of a request.

use crate::value::text::{is_printable, write_quoted_go};

use super::status::StatusCause;

/// Bytes that a name may have.
const MAX_BYTES: usize = 128;

/// A name that no request may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct ManagerNameError {
    problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    TooLong,
    NotPrintable { name: String, character: char, at: usize },
}

impl Problem {
    fn text(&self) -> String {
        match self {
            Problem::TooLong => format!("Too long: may not be more than {MAX_BYTES} bytes"),
            Problem::NotPrintable { name, character, at } => {
                let mut quoted = String::new();
                write_quoted_go(&mut quoted, name);
                let code = u32::from(*character);
                format!(
                    "Invalid value: {quoted}: invalid character U+{code:04X} (at position {at})"
                )
            }
        }
    }
}

impl ManagerNameError {
    fn message(&self) -> String {
        let texts: Vec<String> = self
            .problems
            .iter()
            .map(|problem| format!("fieldManager: {}", problem.text()))
            .collect();
        match texts.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        }
    }

    pub(super) fn causes(&self) -> Vec<StatusCause> {
        let cause = |problem: &Problem| StatusCause {
            reason: match problem {
                Problem::TooLong => "FieldValueTooLong",
                Problem::NotPrintable { .. } => "FieldValueInvalid",
            },
            message: problem.text(),
            field: "fieldManager".to_owned(),
        };
        self.problems.iter().map(cause).collect()
    }
}

/// Checks a name as the server checks the `fieldManager` of a request: at most 128 bytes, all of it
/// printable. The empty name stands for none.
///
/// ```
/// use managed_fields::fieldmanager::check_manager_name;
/// assert!(check_manager_name("flux").is_ok());
/// assert_eq!(
///     check_manager_name("a\nb").unwrap_err().to_string(),
///     r#"fieldManager: Invalid value: "a\nb": invalid character U+000A (at position 1)"#
/// );
/// ```
///
/// # Errors
/// All that is wrong with the name, in the words of the API server.
pub fn check_manager_name(name: &str) -> Result<(), ManagerNameError> {
    let too_long = (name.len() > MAX_BYTES).then_some(Problem::TooLong);
    let unprintable = name.char_indices().filter(|(_, character)| !is_printable(*character));
    let problems: Vec<Problem> = too_long
        .into_iter()
        .chain(unprintable.map(|(at, character)| Problem::NotPrintable {
            name: name.to_owned(),
            character,
            at,
        }))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(ManagerNameError { problems }) }
}

/// The name that a write without `fieldManager` gets from the `User-Agent` of its client: what
/// stands in front of the first `/`, without what is not printable, as much of it as fits.
///
/// ```
/// use managed_fields::fieldmanager::manager_name_from_user_agent;
/// assert_eq!(manager_name_from_user_agent("kubectl/v1.37.2 (linux/amd64)"), "kubectl");
/// ```
pub fn manager_name_from_user_agent(user_agent: &str) -> String {
    let prefix = user_agent.split('/').next().unwrap_or_default();
    let mut name = String::new();
    for character in prefix.chars().filter(|character| is_printable(*character)) {
        if name.len() + character.len_utf8() > MAX_BYTES {
            break;
        }
        name.push(character);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 1.8: a code point is never split.
    #[test]
    fn names_from_user_agents_are_cut_between_characters() {
        let emoji = "\u{1f680}".repeat(60);
        assert_eq!(manager_name_from_user_agent(&emoji), "\u{1f680}".repeat(32));
        assert_eq!(manager_name_from_user_agent("a\u{1}b\u{a0}c/x"), "abc");
        assert_eq!(manager_name_from_user_agent("/x"), "");
    }

    /// Section 1.7.
    #[test]
    fn all_problems_of_a_name_are_told() {
        assert!(check_manager_name(&"x".repeat(128)).is_ok());
        assert!(check_manager_name("").is_ok());
        let name = format!("{}\u{7f}", "x".repeat(128));
        let error = check_manager_name(&name).map_err(|error| error.to_string());
        let quoted = format!("{}\\x7f", "x".repeat(128));
        assert_eq!(
            error,
            Err(format!(
                "[fieldManager: Too long: may not be more than 128 bytes, fieldManager: Invalid \
                 value: \"{quoted}\": invalid character U+007F (at position 128)]"
            ))
        );
    }
}
