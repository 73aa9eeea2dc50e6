//! kubectl's last-applied annotation, kept up to date where it is.

use crate::value::text::write_go_json;
use crate::value::{Arena, Node, Source, Tag, ValueRef};

use super::chain::{Chain, Merged};
use super::error::ApplyError;
use super::object;

/// The manager that the annotation is kept for.
pub(super) const KUBECTL: &str = "kubectl";
const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// All annotations of an object together, keys and values.
const MAX_BYTES: usize = 262_144;

/// The annotations of an object, nulls as empty texts; none if there are none, or one is neither.
fn annotations(arena: &Arena<'_>, object: Node) -> Option<Vec<(String, String)>> {
    let metadata = arena.member(object, "metadata")?;
    let map = arena.member(metadata, "annotations").filter(|map| map.tag() == Tag::Map)?;
    let text = |value: &Node| match value.tag() {
        Tag::String => Some(arena.string(*value).into_owned()),
        Tag::Null => Some(String::new()),
        _ => None,
    };
    arena
        .children(map)
        .iter()
        .map(|value| Some((arena.key(*value).into_owned(), text(value)?)))
        .collect()
}

/// The object with these annotations in the place of its own; without any where there are none to
/// be set.
fn with_annotations(
    arena: &mut Arena<'_>,
    object: Node,
    annotations: Option<&[(String, String)]>,
) -> Result<Node, ApplyError> {
    let metadata = arena.member(object, "metadata");
    let Some(annotations) = annotations else {
        let Some(metadata) = metadata.filter(|metadata| metadata.tag() == Tag::Map) else {
            return Ok(object);
        };
        let bare = object::without_member(arena, metadata, "annotations");
        return Ok(object::with_member(arena, object, bare.with_key_of(metadata)));
    };
    let map: serde_json::Map<String, serde_json::Value> =
        annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    let json = serde_json::json!({ "metadata": { "annotations": map } }).to_string();
    let fresh = arena.parse_own(Source::Shared(json.into())).map_err(ApplyError::Config)?;
    let fresh_metadata = arena.child(fresh, 0);
    let Some(metadata) = metadata else {
        return Ok(object::with_member(arena, object, fresh_metadata));
    };
    let fresh_map = arena.child(fresh_metadata, 0);
    let metadata = object::with_member(arena, metadata, fresh_map).with_key_of(metadata);
    Ok(object::with_member(arena, object, metadata))
}

/// The configuration that was last applied on the client, if the object tells.
pub(super) fn stored(arena: &Arena<'_>, object: Node) -> Option<String> {
    let found = annotations(arena, object)?.into_iter().find(|(key, _)| key == ANNOTATION);
    found.map(|(_, text)| text).filter(|text| !text.is_empty())
}

/// After a successful apply by kubectl, writes what it applied into the annotation, if the object
/// has it. Nobody owns that change. An annotation that no longer fits is removed.
pub(super) fn refresh(
    chain: &Chain<'_>,
    arena: &mut Arena<'_>,
    live: Node,
    config: Node,
    merged: Merged,
) -> Result<Merged, ApplyError> {
    let result = merged.object.unwrap_or(live);
    if chain.field_manager != KUBECTL || stored(arena, result).is_none() {
        return Ok(merged);
    }
    let Some(before) = annotations(arena, result) else { return Ok(merged) };
    let applied = annotations(arena, config).map(|mut applied| {
        applied.retain(|(key, _)| key != ANNOTATION);
        applied
    });
    let bare = with_annotations(arena, config, applied.as_deref())?;
    let mut text = String::new();
    write_go_json(&mut text, ValueRef::new(arena, bare));
    text.push('\n');
    let mut after = before;
    for (key, value) in &mut after {
        if key == ANNOTATION {
            value.clone_from(&text);
        }
    }
    if after.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > MAX_BYTES {
        after.retain(|(key, _)| key != ANNOTATION);
    }
    let refreshed = with_annotations(arena, result, Some(&after))?;
    if arena.equal(refreshed, result) {
        return Ok(merged);
    }
    Ok(Merged { object: Some(refreshed), ..merged })
}
