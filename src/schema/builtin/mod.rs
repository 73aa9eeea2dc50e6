//! The schemas shipped with the crate, as constants: nothing is parsed or built at start.
//!
//! The tables are written by `tests/tables` from Kubernetes' published OpenAPI documents; a check
//! makes them anew, from the documents and from what the reference makes of them, and compares.
//!
//! All versions share them. A type is in them once for all versions that mean the same by it, at all
//! levels below it; so are names and kinds, whose rows tell the versions that have them.

#[rustfmt::skip]
mod tables;

#[cfg(feature = "testing")]
mod sizes;

use super::compiled::{
    Atom, Compiled, ElementRelationship, Field, Key, KeyDefault, ListPart, MapPart, Name, Scalar,
    Schema, Span, Type, TypeId,
};
use super::kinds::{GroupVersionKind, hash_of};
use super::kubernetes::KubernetesVersion;
#[cfg(feature = "testing")]
pub use sizes::added_bytes;

/// A kind of some versions.
pub(super) struct KindRow {
    group: Span,
    version: Span,
    kind: Span,
    type_id: TypeId,
    editions: u8,
    scope: Scope,
}

/// Whether objects live in namespaces.
#[derive(Clone, Copy)]
enum Scope {
    Namespaced,
    Cluster,
    /// No path of the API is about objects of the kind.
    Unknown,
}

impl KindRow {
    fn names(&self, tables: &'static Compiled) -> (&'static str, &'static str, &'static str) {
        (tables.text(self.group), tables.text(self.version), tables.text(self.kind))
    }

    pub(super) fn is_namespaced(&self) -> Option<bool> {
        match self.scope {
            Scope::Namespaced => Some(true),
            Scope::Cluster => Some(false),
            Scope::Unknown => None,
        }
    }

    pub(super) fn ty(&self, of: KubernetesVersion) -> Type {
        Type { schema: Schema::from_static(edition(of)), id: self.type_id }
    }
}

fn edition(of: KubernetesVersion) -> &'static Compiled {
    let [v1_35, v1_36, v1_37] = &tables::EDITIONS;
    match of {
        KubernetesVersion::V1_35 => v1_35,
        KubernetesVersion::V1_36 => v1_36,
        KubernetesVersion::V1_37 => v1_37,
    }
}

pub(super) fn release(of: KubernetesVersion) -> &'static str {
    let [v1_35, v1_36, v1_37] = tables::RELEASES;
    match of {
        KubernetesVersion::V1_35 => v1_35,
        KubernetesVersion::V1_36 => v1_36,
        KubernetesVersion::V1_37 => v1_37,
    }
}

/// What is known of a kind that Kubernetes serves. Logarithmic in the number of kinds; allocates
/// nothing.
pub(super) fn find(of: KubernetesVersion, kind: &GroupVersionKind) -> Option<&'static KindRow> {
    let tables = edition(of);
    let wanted = (kind.group.as_str(), kind.version.as_str(), kind.kind.as_str());
    let hash = hash_of(wanted.0, wanted.1, wanted.2);
    let first = tables::BY_HASH.partition_point(|(other, _)| *other < hash);
    let rest = tables::BY_HASH.get(first..).unwrap_or_default();
    let same = rest.iter().take_while(|(other, _)| *other == hash);
    let mut rows = same.filter_map(|(_, row)| tables::KINDS.get(usize::from(*row)));
    rows.find(|row| tables.has(row.editions) && row.names(tables) == wanted)
}

/// All kinds that Kubernetes serves, ascending.
pub(super) fn kinds(of: KubernetesVersion) -> impl Iterator<Item = GroupVersionKind> {
    let tables = edition(of);
    let own = tables::KINDS.iter().filter(|row| tables.has(row.editions));
    own.map(|row| {
        let (group, version, kind) = row.names(tables);
        GroupVersionKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    })
}

const fn s(start: u32, len: u32) -> Span {
    Span { start, len }
}

const fn n(start: u32, len: u32, id: u32, editions: u8) -> Name {
    Name { name: s(start, len), type_id: TypeId(id), editions }
}

const fn f(start: u32, len: u32, prefix: u64, id: u32) -> Field {
    Field { name: s(start, len), prefix, type_id: TypeId(id) }
}

const fn k(start: u32, len: u32, default: KeyDefault) -> Key {
    Key { name: s(start, len), default }
}

const fn v(start: u32, len: u32) -> KeyDefault {
    KeyDefault::Value(s(start, len))
}

const fn kind(
    group: Span,
    version: Span,
    kind: Span,
    id: u32,
    editions: u8,
    scope: Scope,
) -> KindRow {
    KindRow { group, version, kind, type_id: TypeId(id), editions, scope }
}

const fn list(
    element: u32,
    relationship: ElementRelationship,
    keys: u32,
    key_count: u32,
) -> Option<ListPart> {
    Some(ListPart { element: TypeId(element), relationship, keys, key_count })
}

const fn map(
    element: u32,
    relationship: ElementRelationship,
    fields: u32,
    field_count: u32,
    untyped_deduced: bool,
) -> Option<MapPart> {
    Some(MapPart { element: TypeId(element), relationship, fields, field_count, untyped_deduced })
}

const fn t(
    name: Span,
    unresolved: bool,
    scalar: Scalar,
    list: Option<ListPart>,
    map: Option<MapPart>,
) -> Atom {
    Atom { name, unresolved, scalar, scalar_name: Span::NONE, list, map }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::kinds::Schemas;
    use super::*;

    const ALL: [KubernetesVersion; 3] = KubernetesVersion::ALL;

    #[test]
    fn kinds_are_those_of_their_version() {
        let versions = |api_version: &str, kind: &str| {
            let kind = GroupVersionKind::new(api_version, kind);
            let known = ALL.map(Schemas::builtin_for).map(|schemas| schemas.find(&kind).is_some());
            let listed = ALL.map(|version| kinds(version).any(|other| other == kind));
            assert_eq!(known, listed, "{kind}");
            known
        };
        assert_eq!(versions("apps/v1", "Deployment"), [true, true, true]);
        assert_eq!(versions("scheduling.k8s.io/v1alpha1", "Workload"), [true, false, false]);
        assert_eq!(versions("scheduling.k8s.io/v1alpha2", "Workload"), [false, true, false]);
        assert_eq!(versions("scheduling.k8s.io/v1beta1", "Workload"), [false, false, true]);
        assert_eq!(versions("networking.k8s.io/v1beta1", "IPAddress"), [true, true, false]);
        let policy = "MutatingAdmissionPolicy";
        assert_eq!(versions("admissionregistration.k8s.io/v1", policy), [false, true, true]);
        assert_eq!(versions("example.com/v1", "Lamp"), [false, false, false]);
        assert_eq!(ALL.map(|version| kinds(version).count()), [305, 259, 269]);
    }

    #[test]
    fn what_versions_share_is_there_once() {
        let types = |api_version: &str, kind: &str| {
            let kind = GroupVersionKind::new(api_version, kind);
            ALL.map(|version| find(version, &kind).map(|row| row.ty(version)))
        };
        let maps = types("v1", "ConfigMap");
        let ids: BTreeSet<_> = maps.iter().flatten().map(|ty| ty.id).collect();
        assert_eq!((ids.len(), maps.iter().flatten().count()), (1, 3));
        let [_, before, after] = types("v1", "Node");
        assert_ne!(before.map(|ty| ty.id), after.map(|ty| ty.id));
        // Values are compared under one schema only.
        let [left, _, right] = maps;
        assert_ne!(left.map(|ty| ty.schema), right.map(|ty| ty.schema));
    }

    #[test]
    fn paths_show_what_lives_in_namespaces() {
        let schemas = Schemas::builtin();
        let scope = |kind: &str| schemas.is_namespaced(&GroupVersionKind::new("v1", kind));
        assert_eq!(scope("Pod"), Some(true));
        assert_eq!(scope("Node"), Some(false));
        assert_eq!(scope("Namespace"), Some(false));
        assert_eq!(scope("PodList"), None);
        assert_eq!(scope("Lamp"), None);
    }

    #[test]
    fn tables_are_sorted_and_lead_somewhere() {
        let tables = edition(KubernetesVersion::NEWEST);
        assert!(tables::KINDS.is_sorted_by_key(|row| row.names(tables)));
        assert!(tables.names.is_sorted_by_key(|row| tables.text(row.name)));
        let end = tables.types.len() as u32;
        assert!(tables::KINDS.iter().all(|row| row.type_id.0 < end));
        assert!(tables.fields.iter().all(|field| field.type_id.0 < end));
        for atom in tables.types.iter() {
            if let Some(list) = &atom.list {
                assert!(list.element.0 < end);
                assert_eq!(tables.keys(list).len(), tables.sorted_keys(list).len());
                assert_eq!(tables.keys(list).len(), list.key_count as usize);
            }
            if let Some(map) = &atom.map {
                let fields = tables.fields(map);
                assert!(map.element.0 < end && fields.len() == map.field_count as usize);
                assert!(fields.is_sorted_by_key(|field| tables.text(field.name)));
            }
        }
    }

    #[test]
    fn names_lead_to_the_types_of_their_version() {
        for version in ALL {
            let schema = Schema::from_static(edition(version));
            let names: Vec<&str> = schema.type_names().collect();
            assert!(names.len() > 700 && names.is_sorted());
            for name in names {
                assert_eq!(schema.type_named(name).map(|ty| ty.name() == name), Some(true));
            }
        }
        let newest = Schema::from_static(edition(KubernetesVersion::NEWEST));
        assert!(newest.type_named("io.k8s.api.networking.v1beta1.IPAddress").is_none());
    }
}
