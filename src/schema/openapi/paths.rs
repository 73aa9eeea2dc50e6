//! What the paths of a document show of its kinds.

use std::collections::HashMap;

use crate::value::ValueRef;

use super::super::kinds::GroupVersionKind;
use super::extensions::Notation;

/// For the kinds that paths are about, whether their objects live in namespaces. Linear in the
/// document's paths.
///
/// Paths are `/apis/GROUP/VERSION[/namespaces/{namespace}]/RESOURCE[/{name}]`, without group below
/// `/api`. Those of subresources do not count: they may be of other kinds.
pub(super) fn scopes(document: ValueRef<'_>) -> HashMap<GroupVersionKind, bool> {
    let mut scopes = HashMap::new();
    for (path, item) in document.get("paths").into_iter().flat_map(ValueRef::members) {
        let Some(is_namespaced) = is_in_namespaces(&path) else { continue };
        for (_, operation) in item.members() {
            if let Some(kind) = Notation::Stored.kind(operation) {
                *scopes.entry(kind).or_insert(false) |= is_namespaced;
            }
        }
    }
    scopes
}

/// Whether the path of objects goes through a namespace; None for other paths.
fn is_in_namespaces(path: &str) -> Option<bool> {
    let path = path.trim_matches('/');
    let front = if path.starts_with("api/") { 2 } else { 3 };
    let rest: Vec<&str> = path.split('/').skip(front).collect();
    match rest.as_slice() {
        [] | ["watch", ..] => None,
        ["namespaces", "{namespace}", _] | ["namespaces", "{namespace}", _, _] => Some(true),
        [_] | [_, _] => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_in_namespaces;

    #[test]
    fn paths_show_whether_objects_live_in_namespaces() {
        let cases = [
            ("/api/v1/nodes", Some(false)),
            ("/api/v1/nodes/{name}", Some(false)),
            ("/api/v1/nodes/{name}/status", None),
            ("/api/v1/namespaces", Some(false)),
            ("/api/v1/namespaces/{name}", Some(false)),
            ("/api/v1/namespaces/{name}/finalize", None),
            ("/api/v1/namespaces/{namespace}/pods", Some(true)),
            ("/api/v1/namespaces/{namespace}/pods/{name}", Some(true)),
            ("/api/v1/namespaces/{namespace}/pods/{name}/binding", None),
            ("/api/v1/watch/pods", None),
            ("/apis/apps/v1/deployments", Some(false)),
            ("/apis/apps/v1/namespaces/{namespace}/deployments", Some(true)),
            ("/apis/apps/v1/", None),
            ("/version", None),
        ];
        for (path, expected) in cases {
            assert_eq!(is_in_namespaces(path), expected, "{path}");
        }
    }
}
