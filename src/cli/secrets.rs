//! Hiding the values of Secrets.

use super::edit;
use super::input::Identity;

/// What stands in place of a hidden value.
pub(super) const MASK: &str = "***";

/// Holds the whole object as it was last applied by the client, Secret values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether a path of this object leads to values that are not to be shown.
pub(super) fn is_hidden(identity: &Identity, path: &str) -> bool {
    let below = |field: &str| {
        path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    identity.is_secret()
        && (below(".data")
            || below(".stringData")
            || path == ".metadata.annotations"
            || (path.starts_with(".metadata.annotations.") && path.ends_with(LAST_APPLIED)))
}

/// A Secret's JSON text without its values; any other object's as it is.
pub(super) fn mask(identity: &Identity, json: String) -> String {
    if !identity.is_secret() {
        return json;
    }
    let hidden = edit::quoted(MASK);
    let mut places = Vec::new();
    for field in ["data", "stringData"] {
        for part in edit::members(&json, 0) {
            if edit::is_key(&json, &part, field) {
                let values = edit::members(&json, part.value.start);
                if values.is_empty()
                    && !json.get(part.value.clone()).is_some_and(|value| value.starts_with('{'))
                {
                    places.push(part.value);
                } else {
                    places.extend(values.into_iter().map(|value| value.value));
                }
            }
        }
    }
    let annotation = edit::member(&json, 0, "metadata")
        .and_then(|metadata| edit::member(&json, metadata.value.start, "annotations"))
        .and_then(|annotations| edit::member(&json, annotations.value.start, LAST_APPLIED));
    places.extend(annotation.map(|annotation| annotation.value));
    places.sort_by_key(|place| place.start);
    edit::replace(&json, places.into_iter().map(|place| (place, hidden.as_str())))
}

#[cfg(test)]
mod tests {
    use super::mask;
    use crate::cli::input::Identity;
    use crate::schema::GroupVersionKind;

    #[test]
    fn all_values_of_a_secret_are_hidden() {
        let secret = Identity {
            kind: GroupVersionKind::new("v1", "Secret"),
            namespace: String::new(),
            name: String::new(),
        };
        let json = r#"{"stringData":{"a":"x"},"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","b":"c"}},"data":{"d":"eA==","e":null},"type":"Opaque"}"#;
        assert_eq!(
            mask(&secret, json.to_owned()),
            r#"{"stringData":{"a":"***"},"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"***","b":"c"}},"data":{"d":"***","e":"***"},"type":"Opaque"}"#
        );
        let other = Identity { kind: GroupVersionKind::new("v1", "ConfigMap"), ..secret };
        assert_eq!(mask(&other, json.to_owned()), json);
    }
}
