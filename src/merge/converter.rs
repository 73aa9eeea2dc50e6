//! Objects between API versions.

use crate::typed::TypedValue;

/// Why an object could not be had at a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// There is no such version (any more). Managers of such versions are dropped silently, as in
    /// the reference.
    #[error("{0}")]
    MissingVersion(String),
    /// The conversion failed.
    #[error("{0}")]
    Failed(String),
}

/// Turns objects from one API version into another.
///
/// It is asked for every version in play, also for the one that the object is at already; that
/// case must be cheap.
pub trait Converter: Sync {
    /// The object at `version`, of the type that it has there.
    ///
    /// # Errors
    /// A missing version or a failed conversion; the two are told apart by the variant.
    fn convert(&self, object: &TypedValue, version: &str) -> Result<TypedValue, ConvertError>;

    /// Whether every object in play is already what [`convert`](Self::convert) would make of it.
    fn keeps_objects(&self) -> bool {
        false
    }
}

/// The converter for objects of which there is one version, or whose versions share one shape.
#[derive(Debug, Clone, Copy, Default)]
pub struct SameVersion;

impl Converter for SameVersion {
    fn convert(&self, object: &TypedValue, _version: &str) -> Result<TypedValue, ConvertError> {
        Ok(object.clone())
    }

    fn keeps_objects(&self) -> bool {
        true
    }
}
