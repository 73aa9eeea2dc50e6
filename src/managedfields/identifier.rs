//! Who a manager is.

use std::fmt;

use crate::value::text::{write_json_string_html, write_quoted_go};

use super::entry::Operation;

/// The identity of a manager: an applier is one manager over all API versions, an updater one per
/// version, and a subresource makes either another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ManagerIdentifier {
    name: String,
    operation: Operation,
    api_version: String,
    subresource: String,
}

impl ManagerIdentifier {
    /// The manager of this name. The version counts only for [`Operation::Update`].
    pub fn new(
        name: impl Into<String>,
        operation: Operation,
        api_version: impl Into<String>,
        subresource: impl Into<String>,
    ) -> ManagerIdentifier {
        let api_version = match operation {
            Operation::Apply => String::new(),
            Operation::Update => api_version.into(),
        };
        ManagerIdentifier {
            name: name.into(),
            operation,
            api_version,
            subresource: subresource.into(),
        }
    }

    /// The name that the manager goes by: the `fieldManager` of its requests.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it came to own its fields.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The API version of an updater; empty for an applier.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// The subresource through which it writes; empty for the object itself.
    pub fn subresource(&self) -> &str {
        &self.subresource
    }

    /// The identity as the reference writes it, which is what its managers are sorted by.
    ///
    /// ```
    /// use managed_fields::managedfields::{ManagerIdentifier, Operation};
    /// let manager = ManagerIdentifier::new("foo", Operation::Update, "v1", "");
    /// assert_eq!(manager.to_key(), r#"{"manager":"foo","operation":"Update","apiVersion":"v1"}"#);
    /// ```
    pub fn to_key(&self) -> String {
        let mut out = String::with_capacity(96);
        self.write_key(&mut out);
        out
    }

    /// Appends [the key](Self::to_key).
    pub(crate) fn write_key(&self, out: &mut String) {
        let start = out.len();
        out.push('{');
        let members = [
            ("manager", self.name.as_str()),
            ("operation", self.operation.as_str()),
            ("apiVersion", self.api_version.as_str()),
            ("subresource", self.subresource.as_str()),
        ];
        for (key, value) in members {
            if value.is_empty() {
                continue;
            }
            if out.len() > start + 1 {
                out.push(',');
            }
            out.push('"');
            out.push_str(key);
            out.push_str("\":\"");
            write_json_string_html(out, value);
            out.push('"');
        }
        out.push('}');
    }
}

/// As conflicts name it: `"name" with subresource "status" using apps/v1`.
impl fmt::Display for ManagerIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        write_quoted_go(&mut out, &self.name);
        if !self.subresource.is_empty() {
            out.push_str(" with subresource ");
            write_quoted_go(&mut out, &self.subresource);
        }
        if self.operation == Operation::Update {
            out.push_str(" using ");
            out.push_str(&self.api_version);
        }
        f.write_str(&out)
    }
}
