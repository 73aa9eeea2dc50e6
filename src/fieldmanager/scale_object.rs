//! The `Scale` of an object, and the object that a `Scale` is written to.

use serde_json::{Map, json};

use crate::fieldpath::{Path, PathElement};
use crate::schema::GroupVersionKind;
use crate::value::{Arena, Kind, Node, Source, Tag, Value, ValueRef};

use super::document::Document;
use super::scale::{ScaleError, ScaleMapping, Selector};
use super::status::{Status, StatusCause, StatusDetails};
use super::{object, storage};

/// What stands for the replicas of a custom resource that has none: the smallest number that fits.
const UNSET: i64 = i32::MIN as i64;

impl ScaleMapping {
    /// The `Scale` that the server shows of an object, entries included: what a request to the scale
    /// finds in the place of a live object.
    ///
    /// As in the server's own form of a `Scale`, replicas of zero are left out. A workload without
    /// replicas has one, its default; a custom resource without has -2147483648.
    ///
    /// # Errors
    /// Entries that cannot be read, and replicas that are no number of 32 bits.
    pub fn scale_of(&self, parent: &Value) -> Result<Value, ScaleError> {
        let root = parent.as_ref();
        let mut metadata = Map::new();
        for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            let text = root.get("metadata").and_then(|metadata| metadata.get(name));
            if let Some(text) = text.and_then(ValueRef::as_str) {
                metadata.insert(name.to_owned(), text.into());
            }
        }
        let entries = self.to_scale(parent)?;
        if let Some(entries) = entries.and_then(|list| serde_json::from_str(&list).ok()) {
            metadata.insert("managedFields".to_owned(), entries);
        }
        let unset = if self.selector == Selector::Custom { UNSET } else { 1 };
        let replicas = number_at(root, self.path()?)?.unwrap_or(unset);
        let mut spec = Map::new();
        if replicas != 0 {
            spec.insert("replicas".to_owned(), replicas.into());
        }
        let mut status = Map::new();
        let current = number_at(root, &ScaleMapping::replicas_path("status.replicas"))?;
        status.insert("replicas".to_owned(), current.unwrap_or(0).into());
        let selector = selector_of(root, self.selector);
        if !selector.is_empty() {
            status.insert("selector".to_owned(), selector.into());
        }
        let scale = json!({
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": metadata,
            "spec": spec,
            "status": status,
        });
        Value::from_text(scale.to_string()).map_err(|error| ScaleError::Decode(error.to_string()))
    }

    /// A `Scale` that is to replace another, in the server's own form of it: an update begins from
    /// this one rather than from what was sent. Replicas of zero are left out.
    ///
    /// # Errors
    /// Replicas that are no whole number of 32 bits.
    pub fn sent_scale(sent: &Value) -> Result<Value, ScaleError> {
        let root = sent.as_ref();
        let is_there = root.get("spec").is_some_and(|spec| spec.get("replicas").is_some());
        if sent_replicas(root)? != 0 || !is_there {
            return Ok(sent.clone());
        }
        let mut arena = Arena::default();
        let node = parse(&mut arena, sent)?;
        let Some(spec) = arena.member(node, "spec") else { return Ok(sent.clone()) };
        let bare = object::without_member(&mut arena, spec, "replicas").with_key_of(spec);
        let node = object::with_member(&mut arena, node, bare);
        Ok(object::owned(&arena, node))
    }

    /// The object after a request to its scale whose result is this `Scale`, as JSON: with its
    /// replicas, with the entries of [`to_parent`](ScaleMapping::to_parent), and everything else as
    /// it is. As in storage, an object that would differ in nothing but times stays.
    ///
    /// # Errors
    /// Replicas that are negative or no whole number of 32 bits, a `uid` or `resourceVersion` that
    /// is not that of the object, entries of either that cannot be read.
    pub fn parent_with(&self, parent: &Value, scale: &Value) -> Result<String, ScaleError> {
        let replicas = sent_replicas(scale.as_ref())?;
        let path = self.path()?;
        let is_custom = self.selector == Selector::Custom;
        if is_custom && replicas == UNSET {
            return Err(ScaleError::Unset(path.to_string()));
        }
        let mut arena = Arena::default();
        let live = parse(&mut arena, parent)?;
        let kind = object::kind_of(&arena, live);
        let name = object::meta_text(&arena, live, "name").into_owned();
        if replicas < 0 {
            return Err(negative(&kind, name, is_custom.then_some(path), replicas));
        }
        let text = |object: ValueRef<'_>, key: &str| {
            let text = object.get("metadata").and_then(|metadata| metadata.get(key));
            text.and_then(ValueRef::as_str).unwrap_or_default().into_owned()
        };
        let (uid, own) = (text(scale.as_ref(), "uid"), text(parent.as_ref(), "uid"));
        if !uid.is_empty() && uid != own {
            return Err(another_uid(&kind, name, &uid, &own));
        }
        let version = text(scale.as_ref(), "resourceVersion");
        let sent = json!({
            "apiVersion": kind.api_version(),
            "kind": kind.kind,
            "metadata": { "name": name, "resourceVersion": version },
        });
        let sent = arena.parse(Source::Shared(sent.to_string().into())).map_err(unreadable)?;
        storage::check_preconditions(&arena, live, sent).map_err(|stale| {
            let details = Some(stale.details.clone());
            let status = Status::failure(stale.code, stale.reason, stale.to_string(), details);
            ScaleError::Refused(Box::new(status))
        })?;
        let node = if number_at(parent.as_ref(), path)? == Some(replicas) {
            live
        } else {
            with_number(&mut arena, live, path, replicas)?
        };
        let entries = self.to_parent(parent, scale)?;
        let node = object::with_managed_fields(&mut arena, node, entries).map_err(unreadable)?;
        let is_stored_already = storage::differs_in_times_only(&mut arena, live, node);
        Ok(arena.detach(if is_stored_already { live } else { node }))
    }
}

fn unreadable(error: crate::value::ParseError) -> ScaleError {
    ScaleError::Decode(error.to_string())
}

fn parse<'a>(arena: &mut Arena<'a>, object: &Value) -> Result<Node, ScaleError> {
    let node = Document::from(object).parse(arena).map_err(unreadable)?;
    Ok(node.unwrap_or(Node::NULL))
}

/// The names of a path of fields.
fn names(path: &Path) -> impl DoubleEndedIterator<Item = &str> {
    path.elements().iter().map(|element| match element {
        PathElement::FieldName(name) => name.as_str(),
        _ => "",
    })
}

/// A number of replicas in an object; none where there is none.
fn number_at(object: ValueRef<'_>, path: &Path) -> Result<Option<i64>, ScaleError> {
    let mut value = object;
    for name in names(path) {
        match value.kind() {
            Kind::Map => {}
            Kind::Null => return Ok(None),
            _ => return Err(ScaleError::Replicas(path.to_string(), value.to_json())),
        }
        match value.get(name) {
            Some(inner) => value = inner,
            None => return Ok(None),
        }
    }
    if value.kind() == Kind::Null {
        return Ok(None);
    }
    let number = whole(value).filter(|number| i32::try_from(*number).is_ok());
    number.map(Some).ok_or_else(|| ScaleError::Replicas(path.to_string(), value.to_json()))
}

/// The replicas that a `Scale` asks for; zero where it does not say.
fn sent_replicas(scale: ValueRef<'_>) -> Result<i64, ScaleError> {
    number_at(scale, &ScaleMapping::replicas_path("spec.replicas"))
        .map(Option::unwrap_or_default)
        .map_err(|error| match error {
            ScaleError::Replicas(_, found) => ScaleError::Sent(found),
            error => error,
        })
}

/// An integer, or a float that is one, as the server takes it.
fn whole(value: ValueRef<'_>) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        let is_whole = float.fract() == 0.0 && float.abs() <= f64::from(u32::MAX);
        is_whole.then_some(float as i64)
    })
}

/// The object with a number at a path; maps that are missing are made.
fn with_number(
    arena: &mut Arena<'_>,
    object: Node,
    path: &Path,
    number: i64,
) -> Result<Node, ScaleError> {
    let mut open = vec![object];
    let mut missing = Vec::new();
    let mut last = object;
    for name in names(path) {
        let inner = if missing.is_empty() { arena.member(last, name) } else { None };
        match inner.filter(|inner| inner.tag() == Tag::Map) {
            Some(inner) if open.len() < path.elements().len() => {
                open.push(inner);
                last = inner;
            }
            _ => missing.push(name),
        }
    }
    // What is missing, outermost first, around the number.
    let fresh = missing.iter().rev().fold(number.to_string(), |inner, name| {
        format!("{{{}:{inner}}}", serde_json::Value::from(*name))
    });
    let fresh = arena.parse_own(Source::Shared(fresh.into())).map_err(unreadable)?;
    let mut member = arena.child(fresh, 0);
    while let Some(map) = open.pop() {
        member = object::with_member(arena, map, member);
    }
    Ok(member)
}

/// The label query of an object in its text form.
fn selector_of(object: ValueRef<'_>, form: Selector) -> String {
    if form == Selector::Custom {
        let selector = object.get("status").and_then(|status| status.get("selector"));
        return selector.and_then(ValueRef::as_str).unwrap_or_default().into_owned();
    }
    let Some(selector) = object.get("spec").and_then(|spec| spec.get("selector")) else {
        return String::new();
    };
    let labels =
        if form == Selector::Labels { Some(selector) } else { selector.get("matchLabels") };
    let mut terms: Vec<(String, String)> = Vec::new();
    for (key, value) in labels.into_iter().flat_map(ValueRef::members) {
        let value = value.as_str().unwrap_or_default();
        terms.push((key.to_string(), format!("{key}={value}")));
    }
    let expressions = match form {
        Selector::Query => selector.get("matchExpressions"),
        _ => None,
    };
    for expression in expressions.into_iter().flat_map(ValueRef::items) {
        let text = |name: &str| {
            expression.get(name).and_then(ValueRef::as_str).unwrap_or_default().into_owned()
        };
        let values = expression.get("values").into_iter().flat_map(ValueRef::items);
        let mut values: Vec<String> =
            values.filter_map(|value| value.as_str().map(|text| text.into_owned())).collect();
        values.sort();
        let (key, values) = (text("key"), values.join(","));
        let term = match text("operator").as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.clone(),
            "DoesNotExist" => format!("!{key}"),
            _ => continue,
        };
        terms.push((key, term));
    }
    terms.sort_by(|left, right| left.0.cmp(&right.0));
    terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(",")
}

/// Negative replicas: validation refuses them in the `Scale` of a workload, and in the object itself
/// if it is a custom resource.
fn negative(
    parent: &GroupVersionKind,
    name: String,
    custom: Option<&Path>,
    replicas: i64,
) -> ScaleError {
    let (group, kind, field, rule) = match custom {
        None => (
            "autoscaling",
            "Scale",
            "spec.replicas".to_owned(),
            "must be greater than or equal to 0",
        ),
        Some(path) => (
            parent.group.as_str(),
            parent.kind.as_str(),
            path.to_string(),
            "should be a non-negative integer",
        ),
    };
    let message = format!("Invalid value: {replicas}: {rule}");
    let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    let text = format!("{qualified} {name:?} is invalid: {field}: {message}");
    let details = StatusDetails {
        name,
        group: group.to_owned(),
        kind: kind.to_owned(),
        causes: vec![StatusCause { reason: "FieldValueInvalid", message, field }],
    };
    ScaleError::Refused(Box::new(Status::failure(422, "Invalid", text, Some(details))))
}

fn another_uid(parent: &GroupVersionKind, name: String, uid: &str, own: &str) -> ScaleError {
    let resource = format!("{}/scale", parent.guess_resource());
    let qualified = match parent.group.as_str() {
        "" => resource.clone(),
        group => format!("{resource}.{group}"),
    };
    let text = format!(
        "Operation cannot be fulfilled on {qualified} {name:?}: Precondition failed: UID in \
         precondition: {uid}, UID in object meta: {own}"
    );
    let details =
        StatusDetails { name, group: parent.group.clone(), kind: resource, causes: Vec::new() };
    ScaleError::Refused(Box::new(Status::failure(409, "Conflict", text, Some(details))))
}

#[cfg(test)]
mod tests {
    use super::super::scale::ScaleMapping;
    use crate::schema::GroupVersionKind;
    use crate::value::{Value, ValueRef};

    #[test]
    fn the_label_query_is_its_text() -> Result<(), Box<dyn std::error::Error>> {
        let cases = [
            ("apps/v1", "Deployment", "{}", ""),
            ("apps/v1", "Deployment", r#"{"matchLabels":{"b":"2","a":"1"}}"#, "a=1,b=2"),
            (
                "apps/v1",
                "ReplicaSet",
                r#"{"matchLabels":{"m":"1"},"matchExpressions":[
                    {"key":"z","operator":"In","values":["y","x"]},
                    {"key":"n","operator":"NotIn","values":["1"]},
                    {"key":"e","operator":"Exists"},
                    {"key":"d","operator":"DoesNotExist"},{"key":"q","operator":"?"}]}"#,
                "!d,e,m=1,n notin (1),z in (x,y)",
            ),
            ("v1", "ReplicationController", r#"{"matchLabels":"1","a":"b"}"#, "a=b,matchLabels=1"),
        ];
        for (version, kind, selector, text) in cases {
            let mapping = ScaleMapping::of_kind(&GroupVersionKind::new(version, kind));
            let mapping = mapping.ok_or(kind)?;
            let parent = format!(
                r#"{{"apiVersion":"{version}","kind":"{kind}","spec":{{"selector":{selector}}}}}"#
            );
            let scale = mapping.scale_of(&Value::from_json(&parent)?)?;
            let status = scale.as_ref().get("status").ok_or("no status")?;
            let found = status.get("selector").and_then(ValueRef::as_str).unwrap_or_default();
            assert_eq!(found, text);
        }
        Ok(())
    }

    #[test]
    fn what_is_on_the_way_to_the_replicas_is_made_or_refused()
    -> Result<(), Box<dyn std::error::Error>> {
        let path = ScaleMapping::replicas_path(".spec.bulbs.count");
        let mapping =
            ScaleMapping::new("example.com/v1", [("example.com/v1".to_owned(), Some(path))]);
        let scale = Value::from_json(r#"{"spec":{"replicas":4}}"#)?;
        let with = |parent: &str| {
            Value::from_json(parent).map(|parent| mapping.parent_with(&parent, &scale))
        };
        let cases = [
            (r#"{"a":1.0}"#, r#"{"a":1.0,"spec":{"bulbs":{"count":4}}}"#),
            (r#"{"spec":{"a":1}}"#, r#"{"spec":{"a":1,"bulbs":{"count":4}}}"#),
            (r#"{"spec":{"bulbs":null}}"#, r#"{"spec":{"bulbs":{"count":4}}}"#),
            (r#"{"spec":{"bulbs":{"count":null}}}"#, r#"{"spec":{"bulbs":{"count":4}}}"#),
            (r#"{"spec":{"bulbs":{"count": 4.0}}}"#, r#"{"spec":{"bulbs":{"count": 4.0}}}"#),
        ];
        for (parent, after) in cases {
            assert_eq!(with(parent)?.as_deref(), Ok(after));
        }
        for parent in
            [r#"{"spec":[]}"#, r#"{"spec":{"bulbs":3}}"#, r#"{"spec":{"bulbs":{"count":{}}}}"#]
        {
            let refusal = with(parent)?.err().ok_or(parent)?.to_string();
            assert!(refusal.starts_with(".spec.bulbs.count is no"));
        }
        Ok(())
    }
}
