//! Refusals as the API server answers them.

use serde::Serialize;

/// The API's `Status` object of a failed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Always `Status`.
    pub kind: &'static str,
    /// Always `v1`.
    pub api_version: &'static str,
    /// Always empty.
    pub metadata: Metadata,
    /// Always `Failure`.
    pub status: &'static str,
    /// The text that people read.
    pub message: String,
    /// The machine-readable kind of refusal.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'static str,
    /// Causes, for refusals that have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<StatusDetails>,
    /// The HTTP status code.
    pub code: u16,
}

/// The empty metadata of a [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metadata {}

/// What a refusal is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct StatusDetails {
    /// The name of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The group of the kind below.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource, or the kind whose options or fields were wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The causes one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<StatusCause>,
}

/// One cause of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusCause {
    /// The kind of cause, such as `FieldManagerConflict`.
    pub reason: &'static str,
    /// The text.
    pub message: String,
    /// The field.
    pub field: String,
}

impl Status {
    /// A refusal with this code, reason and text.
    pub(crate) fn failure(
        code: u16,
        reason: &'static str,
        message: String,
        details: Option<StatusDetails>,
    ) -> Status {
        Status {
            kind: "Status",
            api_version: "v1",
            metadata: Metadata {},
            status: "Failure",
            message,
            reason,
            details,
            code,
        }
    }
}
