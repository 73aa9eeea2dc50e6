//! Why a request was refused.

use crate::fieldpath::FieldsV1Error;
use crate::managedfields::DecodeError;
use crate::merge::{ConvertError, UpdaterError};
use crate::schema::GroupVersionKind;
use crate::typed::ValidationErrors;
use crate::value::ParseError;

use super::conflict::Conflicts;
use super::manager_name::ManagerNameError;
use super::status::{Status, StatusCause, StatusDetails};
use super::storage::StaleObjectError;

/// Why an apply was refused. The text is the API server's.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// Other managers own fields that the apply would change: 409.
    #[error("{0}")]
    Conflict(Conflicts),
    /// No field manager was named: 422.
    #[error(
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    )]
    NoFieldManager,
    /// The field manager's name is not allowed: 422.
    #[error("PatchOptions.meta.k8s.io \"\" is invalid: {0}")]
    ManagerName(ManagerNameError),
    /// The live object is not JSON.
    #[error("the live object is not valid JSON: {0}")]
    Live(ParseError),
    /// The configuration is not JSON: 400.
    #[error("error decoding patch: {0}")]
    Config(ParseError),
    /// The configuration is of another kind or version than the live object: 400.
    #[error("invalid object type: {0}")]
    Kind(GroupVersionKind),
    /// The configuration holds `metadata.managedFields`: 400.
    #[error("metadata.managedFields must be nil")]
    ManagedFields,
    /// The entries of the live object are corrupt: 500.
    #[error("failed to decode managed fields: {0}")]
    Decode(String),
    /// The live object cannot be had at the version of the request: 500.
    #[error("failed to convert live object ({object}) to proper version: {error}")]
    ConvertLive {
        /// Namespace, name and kind.
        object: String,
        /// Why.
        error: ConvertError,
    },
    /// The result could not be defaulted: 500.
    #[error("failed to default the new object: {0}")]
    Defaults(String),
    /// The live object is not tracked and cannot be, as it is not of its type: 500.
    #[error("failed to create manager for existing fields: {0}")]
    ExistingFields(Box<UpdateError>),
    /// The configuration is not of its type: 500.
    #[error("failed to create typed patch object ({object}): {errors}")]
    TypedConfig {
        /// Namespace, name and kind.
        object: String,
        /// What is wrong where.
        errors: ValidationErrors,
    },
    /// The live object is not of its type: 500.
    #[error("failed to create typed live object ({object}): {errors}")]
    TypedLive {
        /// Namespace, name and kind.
        object: String,
        /// What is wrong where.
        errors: ValidationErrors,
    },
    /// The result is not an object: everything in it was removed.
    #[error(
        "failed to convert new typed object ({object}) to object: failed to convert value to unstructured for type <nil>"
    )]
    NoObject {
        /// Namespace, name and kind.
        object: String,
    },
    /// The result does not say what it is: the configuration no longer states it: 500.
    #[error("failed to convert new object ({object}) to proper version: {error}")]
    ConvertNew {
        /// Namespace, name and kind of the configuration.
        object: String,
        /// Why.
        error: ConvertError,
    },
    /// The merge failed: 500.
    #[error("{0}")]
    Merge(UpdaterError),
    /// The configuration names another state of the object, or another object: 409 or 422.
    #[error("{0}")]
    Stale(Box<StaleObjectError>),
    /// The new entries cannot be written.
    #[error("failed to encode managed fields: {0}")]
    Encode(String),
}

impl ApplyError {
    /// The refusal as the API server answers it.
    pub fn to_status(&self) -> Status {
        let (code, reason, details) = match self {
            ApplyError::Conflict(conflicts) => (409, "Conflict", Some(conflicts.details())),
            ApplyError::NoFieldManager => {
                let causes = vec![StatusCause {
                    reason: "FieldValueRequired",
                    message: "Required value: is required for apply patch".to_owned(),
                    field: "fieldManager".to_owned(),
                }];
                (422, "Invalid", Some(about_options("PatchOptions", causes)))
            }
            ApplyError::ManagerName(error) => {
                (422, "Invalid", Some(about_options("PatchOptions", error.causes())))
            }
            ApplyError::Stale(stale) => (stale.code, stale.reason, Some(stale.details.clone())),
            ApplyError::Config(_) | ApplyError::Kind(_) | ApplyError::ManagedFields => {
                (400, "BadRequest", None)
            }
            _ => (500, "", None),
        };
        Status::failure(code, reason, self.to_string(), details)
    }
}

/// Why the ownership of a write could not be recorded. The API server keeps the live object's
/// entries then and lets the write through.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The field manager's name is not allowed: 422.
    #[error("{options}.meta.k8s.io \"\" is invalid: {error}")]
    ManagerName {
        /// What is wrong with it.
        error: ManagerNameError,
        /// The kind of the request's options: `CreateOptions` or `UpdateOptions`.
        options: &'static str,
    },
    /// The live object is not JSON.
    #[error("the live object is not valid JSON: {0}")]
    Live(ParseError),
    /// The new object is not JSON.
    #[error("the new object is not valid JSON: {0}")]
    New(ParseError),
    /// The new object names another state of the object, or another object: 409 or 422.
    #[error("{0}")]
    Stale(Box<StaleObjectError>),
    /// The new object cannot be had at the version of the request.
    #[error("failed to convert new object ({object}) to proper version ({version}): {error}")]
    ConvertNew {
        /// Namespace, name and kind.
        object: String,
        /// The version of the request.
        version: String,
        /// Why.
        error: ConvertError,
    },
    /// The live object cannot be had at the version of the request.
    #[error("failed to convert live object ({object}) to proper version: {error}")]
    ConvertLive {
        /// Namespace, name and kind.
        object: String,
        /// Why.
        error: ConvertError,
    },
    /// The new object could not be defaulted.
    #[error("failed to default the new object: {0}")]
    Defaults(String),
    /// The new object is not of its type.
    #[error("failed to convert new object ({object}) to smd typed: {errors}")]
    TypedNew {
        /// Namespace, name and kind.
        object: String,
        /// What is wrong where.
        errors: ValidationErrors,
    },
    /// The live object is not of its type.
    #[error("failed to convert live object ({object}) to smd typed: {errors}")]
    TypedLive {
        /// Namespace, name and kind.
        object: String,
        /// What is wrong where.
        errors: ValidationErrors,
    },
    /// The managers could not be updated.
    #[error("failed to update ManagedFields ({object}): {error}")]
    Managers {
        /// Namespace, name and kind.
        object: String,
        /// Why.
        error: UpdaterError,
    },
    /// The new entries cannot be written.
    #[error("failed to encode managed fields: {0}")]
    Encode(String),
}

impl UpdateError {
    /// The failure as the API server would answer it.
    pub fn to_status(&self) -> Status {
        let (code, reason, details) = match self {
            UpdateError::ManagerName { error, options } => {
                (422, "Invalid", Some(about_options(options, error.causes())))
            }
            UpdateError::Stale(stale) => (stale.code, stale.reason, Some(stale.details.clone())),
            UpdateError::New(_) => (400, "BadRequest", None),
            _ => (500, "", None),
        };
        Status::failure(code, reason, self.to_string(), details)
    }
}

fn about_options(kind: &str, causes: Vec<StatusCause>) -> StatusDetails {
    StatusDetails {
        group: "meta.k8s.io".to_owned(),
        kind: kind.to_owned(),
        causes,
        ..StatusDetails::default()
    }
}

impl From<DecodeError> for ApplyError {
    fn from(error: DecodeError) -> ApplyError {
        ApplyError::Decode(error.to_string())
    }
}

pub(super) fn encode_failed(error: &FieldsV1Error) -> String {
    error.to_string()
}
