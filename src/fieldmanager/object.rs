//! The parts of a Kubernetes object that field management looks at.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::schema::{GroupVersionKind, Schemas, Type};
use crate::typed::{ValidationError, ValidationErrors};
use crate::value::{Arena, Node, ParseError, Source, Tag, Value, ValueRef};

/// The text of a member, empty if it is not a string.
pub(super) fn text<'a>(arena: &'a Arena<'_>, object: Node, key: &str) -> Cow<'a, str> {
    match arena.member(object, key) {
        Some(value) if value.tag() == Tag::String => arena.string(value),
        _ => Cow::default(),
    }
}

pub(super) fn meta_text<'a>(arena: &'a Arena<'_>, object: Node, key: &str) -> Cow<'a, str> {
    arena.member(object, "metadata").map_or_else(Cow::default, |meta| text(arena, meta, key))
}

/// The kind that the object says it is.
pub(super) fn kind_of(arena: &Arena<'_>, object: Node) -> GroupVersionKind {
    GroupVersionKind::new(&text(arena, object, "apiVersion"), &text(arena, object, "kind"))
}

/// Whether the object says, in so many letters, that it is of the kind.
pub(super) fn is_of_kind(arena: &Arena<'_>, object: Node, kind: &GroupVersionKind) -> bool {
    let says = |key: &str| {
        let value = arena.member(object, key).filter(|value| value.tag() == Tag::String)?;
        arena.span(value).strip_prefix('"')?.strip_suffix('"')
    };
    let group = says("apiVersion").and_then(|version| match kind.group.as_str() {
        "" => (version == kind.version).then_some(()),
        group => {
            let version = version.strip_prefix(group)?.strip_prefix('/')?;
            (version == kind.version).then_some(())
        }
    });
    let is_named = !kind.kind.is_empty() && !kind.version.is_empty();
    is_named && group.is_some() && says("kind") == Some(&kind.kind)
}

/// Whether both objects say that they are of the same kind, in so many letters.
pub(super) fn is_of_same_kind(arena: &Arena<'_>, left: Node, right: Node) -> bool {
    ["apiVersion", "kind"].iter().all(|key| {
        match (arena.member(left, key), arena.member(right, key)) {
            (Some(left), Some(right)) => {
                left.tag() == Tag::String && arena.span(left) == arena.span(right)
            }
            _ => false,
        }
    })
}

/// Whether the object is stored already.
pub(super) fn has_uid(arena: &Arena<'_>, object: Node) -> bool {
    !meta_text(arena, object, "uid").is_empty()
}

/// The object as error texts name it: `namespace/name; group/version, Kind=kind`.
pub(super) fn describe(arena: &Arena<'_>, object: Node) -> String {
    format!(
        "{}/{}; {}",
        meta_text(arena, object, "namespace"),
        meta_text(arena, object, "name"),
        kind_of(arena, object)
    )
}

/// The type of objects of this kind.
pub(super) fn type_of(
    schemas: &Schemas,
    kind: &GroupVersionKind,
) -> Result<Type, ValidationErrors> {
    schemas.find(kind).ok_or_else(|| {
        let message = format!("no corresponding type for {kind}");
        ValidationErrors(vec![ValidationError::told(String::new(), message)])
    })
}

/// An object of this kind with nothing in it.
pub(super) fn empty_object(
    arena: &mut Arena<'_>,
    kind: &GroupVersionKind,
) -> Result<Node, ParseError> {
    object_with(arena, kind, "")
}

/// An object of this kind with these members, JSON without the braces around.
pub(super) fn object_with(
    arena: &mut Arena<'_>,
    kind: &GroupVersionKind,
    members: &str,
) -> Result<Node, ParseError> {
    let mut json =
        serde_json::json!({ "apiVersion": kind.api_version(), "kind": kind.kind }).to_string();
    if !members.is_empty() {
        json.pop();
        json = format!("{json},{members}}}");
    }
    arena.parse(Source::Shared(json.into()))
}

/// The object with `metadata.managedFields` set to this JSON text, or without it. A missing
/// `metadata` is made where there is something to put into it; one that is no map stays as it is.
pub(super) fn with_managed_fields(
    arena: &mut Arena<'_>,
    object: Node,
    list: Option<String>,
) -> Result<Node, ParseError> {
    if object.tag() != Tag::Map {
        return Ok(object);
    }
    let metadata = arena.member(object, "metadata");
    if metadata.is_some_and(|metadata| metadata.tag() != Tag::Map) {
        return Ok(object);
    }
    match (list, metadata) {
        (None, None) => Ok(object),
        (None, Some(metadata)) => {
            if arena.member(metadata, "managedFields").is_none() {
                return Ok(object);
            }
            let rebuilt = without_member(arena, metadata, "managedFields");
            Ok(with_member(arena, object, rebuilt.with_key_of(metadata)))
        }
        (Some(list), metadata) => {
            let json = format!("{{\"metadata\":{{\"managedFields\":{list}}}}}");
            let fresh = arena.parse_own(Source::Shared(json.into()))?;
            let fresh_meta = arena.child(fresh, 0);
            let list = arena.child(fresh_meta, 0);
            let Some(metadata) = metadata else {
                return Ok(with_member(arena, object, fresh_meta));
            };
            let rebuilt = with_member(arena, metadata, list);
            Ok(with_member(arena, object, rebuilt.with_key_of(metadata)))
        }
    }
}

/// As [`with_managed_fields`], for an object that is only written: its list cannot be read back.
pub(super) fn with_written_list(
    arena: &mut Arena<'_>,
    object: Node,
    list: String,
) -> Result<Node, ParseError> {
    let metadata = arena.member(object, "metadata").filter(|metadata| metadata.tag() == Tag::Map);
    let Some(metadata) = metadata else {
        return with_managed_fields(arena, object, Some(list));
    };
    match arena.written_member("managedFields", Tag::List, list) {
        Ok(list) => {
            let rebuilt = with_member(arena, metadata, list);
            Ok(with_member(arena, object, rebuilt.with_key_of(metadata)))
        }
        Err(list) => with_managed_fields(arena, object, Some(list)),
    }
}

/// The map without the member of this name.
pub(super) fn without_member(arena: &mut Arena<'_>, map: Node, name: &str) -> Node {
    let kept: Vec<Node> =
        arena.children(map).iter().filter(|member| arena.key(**member) != name).copied().collect();
    arena.rebuild(Tag::Map, &kept)
}

/// The map with this member added, or put in the place of the one of the same key.
pub(super) fn with_member(arena: &mut Arena<'_>, map: Node, member: Node) -> Node {
    let mut members: SmallVec<[Node; 16]> = arena.children(map).into();
    let found = members.binary_search_by(|other| arena.compare_keys(*other, member));
    match found {
        Ok(at) => {
            if let Some(slot) = members.get_mut(at) {
                *slot = member.with_key_of(*slot);
            }
        }
        Err(at) => members.insert(at, member),
    }
    arena.rebuild(Tag::Map, &members).with_key_of(map)
}

/// A document of its own.
pub(super) fn owned(arena: &Arena<'_>, node: Node) -> Value {
    ValueRef::new(arena, node).to_value()
}
