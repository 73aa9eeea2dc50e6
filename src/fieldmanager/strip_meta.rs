//! Fields that nobody ever owns.

use std::sync::OnceLock;

use crate::fieldpath::FieldSet;
use crate::merge::Managers;

const STRIPPED: &str = r#"{"f:apiVersion":{},"f:kind":{},"f:metadata":{".":{},"f:clusterName":{},"f:creationTimestamp":{},"f:generation":{},"f:managedFields":{},"f:name":{},"f:namespace":{},"f:resourceVersion":{},"f:selfLink":{},"f:uid":{}}}"#;

/// The identity of the object and what the server fills in.
pub(crate) fn stripped() -> &'static FieldSet {
    static SET: OnceLock<FieldSet> = OnceLock::new();
    SET.get_or_init(|| FieldSet::from_fields_v1(STRIPPED.as_bytes()).unwrap_or_default())
}

/// Takes these paths, not what is below them, from the acting manager's set; a manager that is
/// left without fields is removed.
///
/// Most writers own the same as `before`, which then stays the very same set.
pub(super) fn strip(managers: &mut Managers, manager: &str, before: Option<&FieldSet>) {
    if let Some(owned) = managers.0.get_mut(manager) {
        owned.set = match before {
            Some(before) if owned.set.is_with_some_of(before, stripped()) => before.clone(),
            _ => owned.set.difference(stripped()),
        };
        if owned.set.is_empty() {
            managers.remove(manager);
        }
    }
}
