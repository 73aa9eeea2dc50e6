//! Fields that an endpoint sets back: nobody comes to own them through it, and storage gives them
//! the values of the live object.

#[cfg(feature = "builtin-schemas")]
mod builtin;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::deep;
use crate::fieldpath::{FieldSet, Filter, Matcher, Path, PathElement};
use crate::merge::Filters;
use crate::schema::{CustomResource, GroupVersionKind};
use crate::value::{Arena, Node, Tag};

use super::object;

/// The fields that the endpoints of a resource reset, in the API server's words.
///
/// Most resources with a status have two endpoints: the main one, which resets `status`, and
/// `status`, which resets `spec`. A write cannot change what its endpoint resets: it neither
/// conflicts over such a field nor takes, loses or gains it, and the field keeps the value of the
/// live object. Other endpoints reset all but a few fields.
///
/// By default the endpoints are those of the kinds that Kubernetes serves (with feature
/// `builtin-schemas`), and other kinds reset nothing.
///
/// ```
/// use managed_fields::fieldmanager::{FieldManager, ResetFields};
/// use managed_fields::schema::Schemas;
///
/// let schemas = Schemas::deduced();
/// let live = r#"{"apiVersion":"example.com/v1","kind":"Lamp","metadata":{"uid":"1"},"status":{"lit":true}}"#;
/// let config = r#"{"apiVersion":"example.com/v1","kind":"Lamp","spec":{"on":true},"status":{"lit":false}}"#;
/// let applied = FieldManager::new(&schemas)
///     .apply(live, config)
///     .field_manager("ann")
///     .reset_fields(ResetFields::custom_resource(["example.com/v1"]))
///     .run()?;
/// let object = applied.to_value();
/// let status = object.as_ref().get("status").map(|status| status.to_json());
/// assert_eq!(status.as_deref(), Some(r#"{"lit":true}"#));
/// let anns = applied.managed_fields().iter().find(|entry| entry.manager.name() == "ann");
/// assert_eq!(anns.map(|entry| entry.fields.to_string()).as_deref(), Some(".spec\n.spec.on"));
/// # Ok::<(), managed_fields::ApplyError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ResetFields(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    Builtin,
    None,
    /// The versions that have a status subresource.
    CustomResource(Vec<String>),
    Versions(BTreeMap<String, ResetFieldsFilter>),
}

/// Which fields of an object at one version an endpoint resets.
#[derive(Debug, Clone)]
pub enum ResetFieldsFilter {
    /// The paths of the set, and all below them.
    Exclude(FieldSet),
    /// All but what the patterns lead to; see [`Filter::include`].
    Include(Vec<Vec<Matcher>>),
}

impl ResetFields {
    /// What the endpoints of the kinds that Kubernetes serves reset; the default.
    pub fn builtin() -> ResetFields {
        ResetFields(Source::Builtin)
    }

    /// Nothing is reset.
    pub fn none() -> ResetFields {
        ResetFields(Source::None)
    }

    /// What the endpoints of a custom resource reset, of which these versions, each an
    /// `apiVersion`, have a `status` subresource.
    pub fn custom_resource<V: Into<String>>(
        versions_with_status: impl IntoIterator<Item = V>,
    ) -> ResetFields {
        let versions = versions_with_status.into_iter().map(Into::into).collect();
        ResetFields(Source::CustomResource(versions))
    }

    /// What the endpoints of the custom resource reset that a definition is of. Versions that are
    /// neither served nor stored have no endpoints.
    pub fn of_custom_resource(resource: &CustomResource) -> ResetFields {
        let versions = resource
            .versions()
            .iter()
            .filter(|version| version.has_status() && (version.is_served() || version.is_stored()));
        ResetFields::custom_resource(versions.map(|version| version.api_version()))
    }

    /// What one endpoint resets in objects of each version, an `apiVersion`; nothing in those of
    /// other versions.
    ///
    /// Values are set back along field names and [`Matcher::Any`]; an element of another kind only
    /// decides over ownership.
    pub fn by_version(
        filters: impl IntoIterator<Item = (String, ResetFieldsFilter)>,
    ) -> ResetFields {
        ResetFields(Source::Versions(filters.into_iter().collect()))
    }

    /// What a request to this endpoint resets.
    pub(super) fn at(
        &self,
        endpoint: &GroupVersionKind,
        version: &str,
        subresource: &str,
    ) -> Resets {
        let mut resets = Resets { is_main: subresource.is_empty(), ..Resets::default() };
        match &self.0 {
            Source::None => {}
            Source::Builtin => builtin(endpoint, subresource, version, &mut resets),
            Source::CustomResource(with_status) => {
                // The main endpoint knows of its own version only.
                let has_status = with_status.iter().any(|with| with == version);
                match subresource {
                    "" if has_status => {
                        let values = Values::exclude(&[&["status"]]);
                        resets.track(version.to_owned(), values.filter());
                        resets.values = Some(Arc::new(values));
                    }
                    "status" => {
                        let filter = Values::exclude(&[&["metadata"], &["spec"]]).filter();
                        for version in with_status {
                            resets.track(version.clone(), filter.clone());
                        }
                        // More is set back than is said to the field manager.
                        resets.values =
                            has_status.then(|| Arc::new(Values::include(&[&["status"]])));
                    }
                    _ => {}
                }
            }
            Source::Versions(filters) => {
                for (version, filter) in filters {
                    resets.track(version.clone(), Values::of(filter).filter());
                }
                resets.values = filters.get(version).map(Values::of).map(Arc::new);
            }
        }
        resets
    }
}

#[cfg(feature = "builtin-schemas")]
fn builtin(endpoint: &GroupVersionKind, subresource: &str, version: &str, resets: &mut Resets) {
    for (versions, answer, read) in builtin::find(&endpoint.group, &endpoint.kind, subresource) {
        let mut is_own = false;
        for served in versions {
            is_own |= *served == version;
            if let Some(filter) = &read.filter {
                resets.track((*served).to_owned(), filter.clone());
            }
        }
        if is_own {
            resets.values = Some(Arc::clone(&read.values));
            resets.is_kept_when_new = answer.is_kept_when_new;
        }
    }
}

#[cfg(not(feature = "builtin-schemas"))]
fn builtin(_: &GroupVersionKind, _: &str, _: &str, _: &mut Resets) {}

/// What one request resets.
#[derive(Debug, Default)]
pub(super) struct Resets {
    /// What the field manager is told, by version.
    pub(super) filters: Filters,
    /// What storage does to objects of the endpoint's version.
    values: Option<Arc<Values>>,
    is_main: bool,
    /// Whether a new object keeps its status.
    is_kept_when_new: bool,
}

/// Which values come from the live object.
#[derive(Debug)]
enum Values {
    /// Those at these paths.
    Exclude(Vec<Vec<Matcher>>),
    /// All but those at these paths.
    Include(Vec<Vec<Matcher>>),
}

/// The step of a constant path that stands for any element.
const ANY: &str = "*";

impl Values {
    fn of(filter: &ResetFieldsFilter) -> Values {
        match filter {
            ResetFieldsFilter::Exclude(set) => {
                let steps =
                    |path: Path| path.elements().iter().cloned().map(Matcher::Element).collect();
                Values::Exclude(set.iter().map(steps).collect())
            }
            ResetFieldsFilter::Include(patterns) => Values::Include(patterns.clone()),
        }
    }

    fn exclude(paths: &[&[&str]]) -> Values {
        Values::Exclude(matchers(paths))
    }

    fn include(paths: &[&[&str]]) -> Values {
        Values::Include(matchers(paths))
    }

    fn filter(&self) -> Filter {
        match self {
            Values::Exclude(paths) => {
                let path = |path: &Vec<Matcher>| {
                    let element = |step: &Matcher| match step {
                        Matcher::Element(element) => Some(element.clone()),
                        Matcher::Any => None,
                    };
                    path.iter().filter_map(element).collect::<Path>()
                };
                Filter::exclude(paths.iter().map(path).collect())
            }
            Values::Include(patterns) => Filter::include(patterns.iter().cloned()),
        }
    }
}

fn matchers(paths: &[&[&str]]) -> Vec<Vec<Matcher>> {
    let step = |step: &&str| match *step {
        ANY => Matcher::Any,
        name => Matcher::Element(PathElement::FieldName(name.into())),
    };
    paths.iter().map(|path| path.iter().map(step).collect()).collect()
}

impl Resets {
    fn track(&mut self, version: String, filter: Filter) {
        self.filters.filters.get_or_insert_default().insert(version, filter);
    }

    /// Whether values are set back.
    pub(super) fn has_values(&self) -> bool {
        self.values.is_some()
    }

    /// The object as storage takes it: what is reset has the value of the live object. Where there
    /// is no live object yet it mostly has no status, if that is reset. The entries are left to the
    /// caller. Linear in the members and items on the way.
    pub(super) fn set_back(&self, arena: &mut Arena<'_>, live: Option<Node>, object: Node) -> Node {
        let depth = arena.depth();
        let is_map = object.tag() == Tag::Map;
        match (self.values.as_deref(), live) {
            (Some(Values::Exclude(paths)), Some(live)) if is_map => {
                deep::with_stack(depth, || take(arena, paths, live, object))
            }
            (Some(Values::Include(paths)), Some(live)) if is_map => {
                deep::with_stack(depth, || take(arena, paths, object, live))
            }
            (Some(Values::Exclude(paths)), None)
                if is_map && self.is_main && !self.is_kept_when_new =>
            {
                let is_status = |path: &&Vec<Matcher>| match path.as_slice() {
                    [Matcher::Element(PathElement::FieldName(name))] => name.as_str() == "status",
                    _ => false,
                };
                match paths.iter().find(is_status) {
                    Some(_) if arena.member(object, "status").is_some() => {
                        object::without_member(arena, object, "status")
                    }
                    _ => object,
                }
            }
            _ => object,
        }
    }
}

/// `into` with what `from` has at the paths, and nothing there where it has nothing.
fn take(arena: &mut Arena<'_>, paths: &[Vec<Matcher>], from: Node, into: Node) -> Node {
    paths
        .iter()
        .fold(into, |into, path| transplant(arena, path, Some(from), Some(into)).unwrap_or(into))
}

fn transplant(
    arena: &mut Arena<'_>,
    path: &[Matcher],
    from: Option<Node>,
    into: Option<Node>,
) -> Option<Node> {
    let Some((step, rest)) = path.split_first() else { return from };
    match (step, from, into) {
        (_, None, None) => None,
        (Matcher::Any, _, _) if rest.is_empty() => from,
        (Matcher::Any, Some(from), Some(into))
            if from.tag() == Tag::List && into.tag() == Tag::List =>
        {
            // Items are told apart by their places. The server refuses to add, move or remove them
            // where it looks into them like this.
            if from.count() != into.count() {
                return Some(into);
            }
            let mut items = Vec::with_capacity(into.count());
            for index in 0..into.count() {
                let (theirs, own) = (arena.child(from, index), arena.child(into, index));
                items.push(transplant(arena, rest, Some(theirs), Some(own)).unwrap_or(own));
            }
            Some(rebuilt(arena, into, &items))
        }
        (Matcher::Any, _, _) => {
            let members = |node: Option<Node>| {
                let map = node.filter(|node| node.tag() == Tag::Map);
                map.map(|map| arena.children(map).to_vec()).unwrap_or_default()
            };
            let mut names: Vec<Node> = members(from);
            names.extend(members(into));
            names.iter().fold(into, |into, member| {
                let name = arena.key(*member).into_owned();
                transplant_member(arena, &name, rest, from, into)
            })
        }
        (Matcher::Element(PathElement::FieldName(name)), _, _) => {
            transplant_member(arena, name, rest, from, into)
        }
        (Matcher::Element(_), _, _) => into,
    }
}

fn transplant_member(
    arena: &mut Arena<'_>,
    name: &str,
    rest: &[Matcher],
    from: Option<Node>,
    into: Option<Node>,
) -> Option<Node> {
    let theirs = from.and_then(|from| arena.member(from, name));
    let own = into.and_then(|into| arena.member(into, name));
    match (transplant(arena, rest, theirs, own), own) {
        (None, None) => into,
        (Some(new), Some(own)) if new.is_same(own) => into,
        (Some(new), _) => {
            let map = into.filter(|into| into.tag() == Tag::Map);
            match (map, from) {
                (Some(map), _) => Some(object::with_member(arena, map, new)),
                // What leads to it comes along.
                (None, Some(from)) => {
                    Some(arena.rebuild(Tag::Map, &[new]).with_key_of(into.unwrap_or(from)))
                }
                (None, None) => into,
            }
        }
        (None, Some(_)) => into.map(|into| {
            let without = object::without_member(arena, into, name);
            without.with_key_of(into)
        }),
    }
}

/// The list with these items in the place of its own.
fn rebuilt(arena: &mut Arena<'_>, list: Node, items: &[Node]) -> Node {
    let is_same = arena.children(list).iter().zip(items).all(|(old, new)| old.is_same(*new));
    if is_same { list } else { arena.rebuild(Tag::List, items).with_key_of(list) }
}

#[cfg(all(test, feature = "builtin-schemas"))]
mod tests {
    use super::*;
    use crate::value::{Source as Text, Value};

    fn resets(api_version: &str, kind: &str, subresource: &str) -> Resets {
        let endpoint = GroupVersionKind::new(api_version, kind);
        ResetFields::builtin().at(&endpoint, api_version, subresource)
    }

    /// What is left of some fields by the filter for a version, `all` without a filter.
    fn kept(resets: &Resets, version: &str) -> String {
        let filters = resets.filters.filters.as_ref();
        let Some(filter) = filters.and_then(|filters| filters.get(version)) else {
            return "all".to_owned();
        };
        let fields = r#"{"f:metadata":{"f:annotations":{},"f:labels":{},"f:ownerReferences":{}},"f:spec":{},"f:status":{"f:certificate":{},"f:conditions":{}}}"#;
        let fields = FieldSet::from_fields_v1(fields.as_bytes()).unwrap_or_default();
        let mut paths: Vec<String> =
            filter.apply(&fields).iter().map(|path| path.to_string()).collect();
        paths.sort();
        paths.join(" ")
    }

    #[test]
    fn built_in_endpoints_answer_as_their_strategies_do() {
        let metadata = ".metadata.annotations .metadata.labels .metadata.ownerReferences";
        let status = ".status.certificate .status.conditions";
        for (api_version, kind, subresource, left) in [
            ("v1", "Node", "", format!("{metadata} .spec")),
            ("v1", "Node", "status", format!("{metadata} {status}")),
            ("v1", "Pod", "", format!("{metadata} .spec")),
            ("v1", "Pod", "status", format!(".metadata.annotations .metadata.labels {status}")),
            ("v1", "ConfigMap", "", "all".to_owned()),
            ("v1", "Namespace", "finalize", format!("{metadata} .spec")),
            (
                "apps/v1",
                "Deployment",
                "status",
                format!(".metadata.annotations .metadata.ownerReferences {status}"),
            ),
            ("apps/v1", "Deployment", "scale", "all".to_owned()),
            ("certificates.k8s.io/v1", "CertificateSigningRequest", "", metadata.to_owned()),
            (
                "certificates.k8s.io/v1",
                "CertificateSigningRequest",
                "approval",
                format!("{metadata} .status.conditions"),
            ),
            (
                "certificates.k8s.io/v1",
                "CertificateSigningRequest",
                "status",
                format!("{metadata} .status.certificate"),
            ),
            (
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                "status",
                format!("{metadata} {status}"),
            ),
            ("apiregistration.k8s.io/v1", "APIService", "status", status.to_owned()),
            ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "status", status.to_owned()),
            ("example.com/v1", "Lamp", "status", "all".to_owned()),
        ] {
            let resets = resets(api_version, kind, subresource);
            assert_eq!(kept(&resets, api_version), left, "{kind} {subresource}");
        }
    }

    #[test]
    fn owners_at_every_served_version_are_filtered() {
        let resets = resets("autoscaling/v2", "HorizontalPodAutoscaler", "");
        assert_ne!(kept(&resets, "autoscaling/v1"), "all");
        assert_ne!(kept(&resets, "autoscaling/v2"), "all");
        assert_eq!(kept(&resets, "autoscaling/v2beta1"), "all");
    }

    #[test]
    fn patterns_of_pods_never_reach_the_field_manager() {
        for subresource in ["resize", "ephemeralcontainers"] {
            let resets = resets("v1", "Pod", subresource);
            assert_eq!(kept(&resets, "v1"), "all");
            assert!(resets.has_values());
        }
    }

    #[test]
    fn custom_resources_reset_by_their_subresources() {
        let of = ResetFields::custom_resource(["example.com/v1", "example.com/v2"]);
        let at = |version: &str, subresource: &str| {
            of.at(&GroupVersionKind::new(version, "Lamp"), version, subresource)
        };
        let versions = |resets: &Resets| -> Vec<String> {
            let filters = resets.filters.filters.as_ref();
            filters.map(|filters| filters.keys().cloned().collect()).unwrap_or_default()
        };
        assert_eq!(versions(&at("example.com/v1", "")), ["example.com/v1"]);
        assert_eq!(versions(&at("example.com/v3", "")), [""; 0]);
        assert_eq!(versions(&at("example.com/v1", "status")), ["example.com/v1", "example.com/v2"]);
        assert_eq!(versions(&at("example.com/v1", "scale")), [""; 0]);
        assert_eq!(
            kept(&at("example.com/v1", "status"), "example.com/v2"),
            ".status.certificate .status.conditions"
        );
    }

    fn set_back(resets: &Resets, live: Option<&str>, object: &str) -> String {
        let mut arena = Arena::default();
        let live = live.map(|live| arena.parse(Text::Lent(live)).unwrap_or(Node::NULL));
        let object = arena.parse(Text::Lent(object)).unwrap_or(Node::NULL);
        let stored = resets.set_back(&mut arena, live, object);
        arena.detach(stored)
    }

    #[test]
    fn values_come_from_the_live_object() {
        let status = resets("apps/v1", "Deployment", "status");
        let live = r#"{"metadata":{"labels":{"a":"1"},"name":"d"},"spec":{"replicas":1}}"#;
        for (object, stored) in [
            // Changed, lost with all around it, and gained.
            (
                r#"{"metadata":{"labels":{"a":"2"},"name":"d"},"spec":{"replicas":2},"status":{}}"#,
                r#"{"metadata":{"labels":{"a":"1"},"name":"d"},"spec":{"replicas":1},"status":{}}"#,
            ),
            (
                r#"{"status":{"replicas":1}}"#,
                r#"{"metadata":{"labels":{"a":"1"}},"spec":{"replicas":1},"status":{"replicas":1}}"#,
            ),
        ] {
            let made = set_back(&status, Some(live), object);
            let made = Value::from_json(&made).unwrap_or_else(|_| Value::null());
            assert_eq!(Ok(made), Value::from_json(stored), "{object}");
        }
        let nothing = r#"{"metadata":{"name":"d"}}"#;
        assert_eq!(
            set_back(
                &status,
                Some(nothing),
                r#"{"metadata":{"labels":{},"name":"d"},"spec":null}"#
            ),
            r#"{"metadata":{"name":"d"}}"#
        );
        // What is the same keeps its text.
        let same = r#"{"metadata" : {"labels":{"a":"1"}}, "spec":1}"#;
        assert_eq!(set_back(&resets("v1", "Node", ""), Some(same), same), same);
    }

    #[test]
    fn some_strategies_do_other_than_they_say() {
        let live = r#"{"spec":{"finalizers":["a"]},"status":{}}"#;
        let sent = r#"{"spec":{},"status":{}}"#;
        assert_eq!(set_back(&resets("v1", "Namespace", ""), Some(live), sent), live);
        let signer = resets("certificates.k8s.io/v1", "CertificateSigningRequest", "status");
        let sent = r#"{"status":{"conditions":[{"type":"Failed"}]}}"#;
        assert_eq!(set_back(&signer, Some(r#"{"status":{"conditions":[]}}"#), sent), sent);
        assert!(!kept(&signer, "certificates.k8s.io/v1").contains(".status.conditions"));
    }

    #[test]
    fn a_new_object_has_no_status() {
        let request = r#"{"spec":{"a":1},"status":{"b":2}}"#;
        let main = resets("certificates.k8s.io/v1", "CertificateSigningRequest", "");
        assert_eq!(set_back(&main, None, request), r#"{"spec":{"a":1}}"#);
        let status = resets("apps/v1", "Deployment", "status");
        assert_eq!(set_back(&status, None, request), request);
        // A kubelet creates its Node as it found it.
        assert_eq!(set_back(&resets("v1", "Node", ""), None, request), request);
    }

    #[test]
    fn patterns_let_some_values_through() {
        let resize = resets("v1", "Pod", "resize");
        let live = r#"{"spec":{"containers":[{"name":"a","image":"x","resources":{"limits":{"cpu":"1"}}},{"name":"b"}],"nodeName":"n"}}"#;
        assert_eq!(
            set_back(
                &resize,
                Some(live),
                r#"{"metadata":{"labels":{}},"spec":{"containers":[{"name":"a","image":"y"},{"name":"b","resizePolicy":[]}]}}"#
            ),
            r#"{"spec":{"containers":[{"name":"a","image":"x"},{"name":"b","resizePolicy":[]}],"nodeName":"n"}}"#
        );
        // Items are neither added nor removed.
        let fewer = r#"{"spec":{"containers":[{"name":"a"}]}}"#;
        assert_eq!(set_back(&resize, Some(live), fewer), live);
    }
}
