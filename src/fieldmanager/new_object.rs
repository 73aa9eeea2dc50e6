//! What an object holds before anything is set in it.
//!
//! Kubernetes' own kinds are written with members that are always there, such as an empty `spec` or
//! `rules` that are null. The field manager holds a new object, and one that nobody has applied to
//! yet, against such an object: whoever fills the members in does not come to own the maps and lists
//! that were there already.

#[cfg(feature = "builtin-schemas")]
#[rustfmt::skip]
mod v1_37;

use crate::schema::{GroupVersionKind, Schemas};
use crate::typed::{Duplicates, validate};
use crate::value::{Arena, Node, ParseError};

use super::object;

/// A kind, the API versions of which this holds, and the members of a new object as JSON.
#[cfg(feature = "builtin-schemas")]
type Row = (&'static str, &'static [&'static str], &'static str);

/// An object of this kind as the server makes it before it reads what was sent; with nothing in it if
/// it is not `of_server`, or if the type that the kind has here has no place for it.
pub(super) fn new_object(
    arena: &mut Arena<'_>,
    schemas: &Schemas,
    kind: &GroupVersionKind,
    of_server: bool,
) -> Result<Node, ParseError> {
    let members = if of_server { members(kind) } else { "" };
    let node = object::object_with(arena, kind, members)?;
    if members.is_empty() || holds(arena, schemas, kind, node) {
        return Ok(node);
    }
    object::object_with(arena, kind, "")
}

fn holds(arena: &Arena<'_>, schemas: &Schemas, kind: &GroupVersionKind, node: Node) -> bool {
    let ty = object::type_of(schemas, kind);
    ty.is_ok_and(|ty| validate(arena, node, &ty.schema, ty.id, Duplicates::Allow).is_ok())
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
    use super::{members, new_object};
    use crate::schema::{GroupVersionKind, Schemas};
    use crate::typed::parse_schema;
    use crate::value::{Arena, Value};

    #[test]
    fn rows_are_found_by_kind_and_version() {
        let of = |version, kind| members(&GroupVersionKind::new(version, kind));
        assert_eq!(of("rbac.authorization.k8s.io/v1", "ClusterRole"), r#""rules":null"#);
        assert_eq!(of("networking.k8s.io/v1", "NetworkPolicy"), r#""spec":{"podSelector":{}}"#);
        assert_eq!(of("example.com/v1", "NetworkPolicy"), "");
        assert_eq!(of("v1", "ConfigMap"), "");
    }

    #[test]
    fn a_type_without_a_place_for_them_goes_without() -> Result<(), Box<dyn std::error::Error>> {
        let role = GroupVersionKind::new("rbac.authorization.k8s.io/v1", "ClusterRole");
        let written = |schemas: &Schemas| {
            let mut arena = Arena::default();
            new_object(&mut arena, schemas, &role, true).map(|node| arena.detach(node))
        };
        let bare = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole"}"#;
        assert_ne!(written(&Schemas::builtin())?, bare);
        let document = r#"{"types":[{"name":"t","map":{"fields":[
            {"name":"apiVersion","type":{"scalar":"string"}},{"name":"kind","type":{"scalar":"string"}}]}}]}"#;
        let schema = parse_schema(&Value::from_json(document)?)?;
        let mut schemas = Schemas::builtin();
        schemas.insert(role.clone(), schema.type_named("t").ok_or("no type")?);
        assert_eq!(written(&schemas)?, bare);
        Ok(())
    }
}
