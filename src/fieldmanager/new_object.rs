//! What an object holds before anything is set in it.
//!
//! Kubernetes' own kinds are written with members that are always there, such as an empty `spec` or
//! `rules` that are null. The field manager holds a new object, and one that nobody has applied to
//! yet, against such an object: whoever fills the members in does not come to own the maps and lists
//! that were there already.

#[cfg(feature = "builtin-schemas")]
#[rustfmt::skip]
mod v1_37;

use crate::schema::GroupVersionKind;
use crate::value::{Arena, Node, ParseError};

use super::object;

/// A kind, the API versions of which this holds, and the members of a new object as JSON.
#[cfg(feature = "builtin-schemas")]
type Row = (&'static str, &'static [&'static str], &'static str);

/// An object of this kind as the server makes it before it reads what was sent; with nothing in it if
/// it is not `of_server`.
pub(super) fn new_object(
    arena: &mut Arena<'_>,
    kind: &GroupVersionKind,
    of_server: bool,
) -> Result<Node, ParseError> {
    object::object_with(arena, kind, if of_server { members(kind) } else { "" })
}

#[cfg(feature = "builtin-schemas")]
fn members(kind: &GroupVersionKind) -> &'static str {
    let version = kind.api_version();
    let rows = &v1_37::NEW_OBJECTS;
    let first = rows.partition_point(|(name, ..)| *name < kind.kind.as_str());
    rows.iter()
        .skip(first)
        .take_while(|(name, ..)| *name == kind.kind)
        .find(|(_, versions, _)| versions.contains(&version.as_str()))
        .map_or("", |(.., members)| members)
}

#[cfg(not(feature = "builtin-schemas"))]
fn members(_: &GroupVersionKind) -> &'static str {
    ""
}

#[cfg(all(test, feature = "builtin-schemas"))]
mod tests {
    use super::members;
    use crate::schema::GroupVersionKind;

    #[test]
    fn rows_are_found_by_kind_and_version() {
        let of = |version, kind| members(&GroupVersionKind::new(version, kind));
        assert_eq!(of("rbac.authorization.k8s.io/v1", "ClusterRole"), r#""rules":null"#);
        assert_eq!(of("networking.k8s.io/v1", "NetworkPolicy"), r#""spec":{"podSelector":{}}"#);
        assert_eq!(of("example.com/v1", "NetworkPolicy"), "");
        assert_eq!(of("v1", "ConfigMap"), "");
    }
}
