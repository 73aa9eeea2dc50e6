//! The versions of Kubernetes whose kinds are compiled in.

use std::fmt;
use std::str::FromStr;

/// A minor version of Kubernetes whose kinds are known.
///
/// ```
/// use managed_fields::schema::KubernetesVersion;
/// let version: KubernetesVersion = "v1.36.3".parse()?;
/// assert_eq!(version, KubernetesVersion::V1_36);
/// assert_eq!(version.to_string(), "1.36");
/// assert!("1.20".parse::<KubernetesVersion>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum KubernetesVersion {
    /// 1.35
    V1_35,
    /// 1.36
    V1_36,
    /// 1.37
    #[default]
    V1_37,
}

impl KubernetesVersion {
    /// All that are known, ascending.
    pub const ALL: [KubernetesVersion; 3] =
        [KubernetesVersion::V1_35, KubernetesVersion::V1_36, KubernetesVersion::V1_37];

    /// The newest.
    pub const NEWEST: KubernetesVersion = KubernetesVersion::V1_37;

    fn name(self) -> &'static str {
        match self {
            KubernetesVersion::V1_35 => "1.35",
            KubernetesVersion::V1_36 => "1.36",
            KubernetesVersion::V1_37 => "1.37",
        }
    }

    /// The release whose published documents the types of this version are made from, such as
    /// `1.36.3`.
    #[cfg(feature = "builtin-schemas")]
    pub fn release(self) -> &'static str {
        super::builtin::release(self)
    }
}

/// The minor version: `1.36`.
impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A version of Kubernetes whose kinds are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the kinds of Kubernetes {0:?} are not known, only those of {known}",
    known = KubernetesVersion::ALL.map(KubernetesVersion::name).join(", ")
)]
pub struct UnknownKubernetesVersion(String);

/// A version, or a release of it as servers tell theirs: `1.36`, `v1.36.3`, `v1.36.3-gke.100`.
impl FromStr for KubernetesVersion {
    type Err = UnknownKubernetesVersion;

    fn from_str(text: &str) -> Result<KubernetesVersion, UnknownKubernetesVersion> {
        let said = text.strip_prefix('v').unwrap_or(text);
        let is_meant = |version: &KubernetesVersion| {
            let rest = said.strip_prefix(version.name());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+']))
        };
        let found = KubernetesVersion::ALL.into_iter().find(is_meant);
        found.ok_or_else(|| UnknownKubernetesVersion(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_of_their_version() {
        for version in KubernetesVersion::ALL {
            for text in [format!("{version}"), format!("v{version}"), format!("{version}.0+k3s1")] {
                assert_eq!(text.parse(), Ok(version));
            }
        }
        assert_eq!(KubernetesVersion::ALL.last(), Some(&KubernetesVersion::NEWEST));
        assert_eq!(KubernetesVersion::default(), KubernetesVersion::NEWEST);
        assert!(KubernetesVersion::ALL.is_sorted());
    }

    #[test]
    fn unknown_versions_are_told_which_are_known() {
        for text in ["", "v", "1", "1.3", "1.370", "1.9", "2.36", "v v1.36", "1.36x"] {
            let error = text.parse::<KubernetesVersion>().map_err(|error| error.to_string());
            assert_eq!(
                error,
                Err(format!(
                    "the kinds of Kubernetes {text:?} are not known, only those of 1.35, 1.36, 1.37"
                ))
            );
        }
    }
}
