//! The crate behind the protocol that the reference answers too.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use managed_fields::fieldmanager::{
    ApplyError, CsaUpgrade, FieldManager, ResetFields, ResetFieldsFilter, ScaleError, ScaleMapping,
    Status, UpdateError, VersionConverter, find_owners,
};
use managed_fields::fieldpath::{ElementError, FieldSet, Filter, Matcher, PathElement};
use managed_fields::managedfields::Operation;
use managed_fields::merge::{
    ConvertError, Converter, Managers, Outcome, Updater, UpdaterError, VersionedSet,
};
use managed_fields::schema::{
    CustomResourceVersion, GroupVersionKind, OpenApiError, Schema, Schemas, Type,
    merge_schema_of_crd, merge_schema_of_openapi,
};
use managed_fields::typed::{TypedValue, parse_schema};
use managed_fields::value::Value;

use super::json::Json;
#[cfg(feature = "builtin-schemas")]
use super::server::{self, Served};

/// Answers requests with the crate; remembers the schemas that it was given.
#[derive(Default)]
pub struct Subject {
    schemas: HashMap<String, Schema>,
    #[cfg(feature = "builtin-schemas")]
    served: BTreeMap<String, Served>,
}

type Answer = Result<Json, String>;

impl Subject {
    /// Answers one request. A panic is an answer too.
    pub fn answer(&mut self, request: &Json) -> Json {
        let answered = catch_unwind(AssertUnwindSafe(|| self.answer_or_fail(request)));
        let mut answer = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Json::map([("error", Json::String(error))]),
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Json::map([("panic", Json::String(text.unwrap_or_default()))])
            }
        };
        if let Some(id) = request.get("id") {
            answer.set("id", id.clone());
        }
        answer
    }

    fn answer_or_fail(&mut self, request: &Json) -> Answer {
        match request.str_of("op") {
            "schema" => self.schema(request),
            "openapi" => openapi(request),
            "crd" => crd(request),
            "decode" => decode(request),
            "element" => Ok(element(request)),
            "algebra" => algebra(request),
            "filter" => {
                let set = read_set(request.str_of("set"))?;
                Ok(set_answer(&filter_of(request)?.apply(&set)))
            }
            "value" => {
                let (a, b) = (value(request.get("a"))?, value(request.get("b"))?);
                Ok(Json::map([
                    ("equals", Json::Bool(a == b)),
                    ("compare", Json::number(a.as_ref().cmp_order(b.as_ref()) as i8)),
                    ("text_a", Json::text(a.to_string())),
                    ("json_a", Json::text(a.as_ref().to_canonical_json())),
                ]))
            }
            "scale" => scale(request),
            "csaupgrade" => csa_upgrade(request),
            "find_owners" => owners(request),
            "extract_into" => self.extract_into(request),
            "from_value" => Ok(set_answer(&FieldSet::from_value(&value(request.get("value"))?))),
            "managed" => {
                let (a, b) = (managers_of(request.get("a"))?, managers_of(request.get("b"))?);
                Ok(Json::map([
                    ("equals", Json::Bool(a == b)),
                    ("difference", write_managers(&a.difference(&b))),
                ]))
            }
            "validate" => self.side(request, "lhs").map(|_| Json::Map(vec![])),
            "merge" => {
                let (lhs, rhs) = self.sides(request)?;
                object_answer(&lhs.merge(&rhs).map_err(text_of)?)
            }
            "compare" => {
                let (lhs, rhs) = self.sides(request)?;
                let compared = lhs.compare(&rhs).map_err(text_of)?;
                let mut answer = Json::Map(vec![]);
                put_set(&mut answer, "added", &compared.added);
                put_set(&mut answer, "modified", &compared.modified);
                put_set(&mut answer, "removed", &compared.removed);
                Ok(answer)
            }
            "to_field_set" => {
                let set = self.side(request, "lhs")?.to_field_set().map_err(text_of)?;
                Ok(set_answer(&set))
            }
            "remove" => {
                let lhs = self.side(request, "lhs")?;
                object_answer(&lhs.remove_items(&read_set(request.str_of("set"))?))
            }
            "extract" => {
                let lhs = self.side(request, "lhs")?;
                let set = read_set(request.str_of("set"))?;
                object_answer(&if request.flag("append_keys") {
                    lhs.extract_items_with_keys(&set)
                } else {
                    lhs.extract_items(&set)
                })
            }
            "reconcile" => {
                let lhs = self.side(request, "lhs")?;
                let set = read_set(request.str_of("set"))?;
                Ok(match lhs.ty().reconcile_field_set(&set).map_err(text_of)? {
                    None => Json::map([("unchanged", Json::Bool(true))]),
                    Some(set) => set_answer(&set),
                })
            }
            "ensure_named" => {
                let ty = self.type_of(request.str_of("schema"), request.str_of("type"))?;
                let set = read_set(request.str_of("set"))?;
                Ok(set_answer(&ty.ensure_named_fields_are_members(&set)))
            }
            "updater" => self.updater(request),
            "fieldmanager" => self.field_manager(request),
            #[cfg(feature = "builtin-schemas")]
            "served" => {
                let group = Served::read(request)?;
                self.served.insert(request.str_of("served").to_owned(), group);
                Ok(Json::Map(vec![]))
            }
            #[cfg(feature = "builtin-schemas")]
            "server" => server::answer(&self.served, request),
            op => Err(format!("unknown op {op}")),
        }
    }

    fn schema(&mut self, request: &Json) -> Answer {
        let document = Value::from_json(request.str_of("yaml")).map_err(text_of)?;
        let schema = parse_schema(&document).map_err(text_of)?;
        let types = schema.type_names().map(Json::from).collect();
        self.schemas.insert(request.str_of("name").to_owned(), schema);
        Ok(Json::map([("types", Json::List(types))]))
    }

    fn type_of(&self, schema: &str, name: &str) -> Result<Type, String> {
        if schema == "deduced" {
            return Ok(Schema::deduced_type());
        }
        let schema =
            self.schemas.get(schema).ok_or_else(|| format!("unknown schema {schema:?}"))?;
        schema
            .type_named(name)
            .ok_or_else(|| format!("schema error: no type found matching: {name}"))
    }

    fn side(&self, request: &Json, key: &str) -> Result<TypedValue, String> {
        let ty = self.type_of(request.str_of("schema"), request.str_of("type"))?;
        let value = value(request.get(key))?;
        if request.flag("unvalidated") {
            Ok(TypedValue::unvalidated(value, ty))
        } else if request.flag("allow_duplicates") {
            TypedValue::with_duplicates(value, ty).map_err(text_of)
        } else {
            TypedValue::new(value, ty).map_err(text_of)
        }
    }

    fn sides(&self, request: &Json) -> Result<(TypedValue, TypedValue), String> {
        let lhs = self.side(request, "lhs").map_err(|error| format!("lhs: {error}"))?;
        let rhs = self.side(request, "rhs").map_err(|error| format!("rhs: {error}"))?;
        Ok((lhs, rhs))
    }

    fn updater(&self, request: &Json) -> Answer {
        let converter = Renaming::of(self, request)?;
        let mut updater =
            Updater::new(&converter).return_input_on_noop(request.flag("return_input_on_noop"));
        if let Some(ignored) = request.get("ignored_fields").filter(|ignored| !ignored.is_null()) {
            let mut sets = BTreeMap::new();
            for (version, set) in ignored.members() {
                sets.insert(version.clone(), read_set(set.as_str().unwrap_or_default())?);
            }
            updater = updater.ignored_fields(sets);
        }
        if let Some(ignored) = request.get("ignore_filter").filter(|ignored| !ignored.is_null()) {
            let mut filters = BTreeMap::new();
            for (version, filter) in ignored.members() {
                filters.insert(version.clone(), filter_of(filter)?);
            }
            updater = updater.ignore_filter(filters);
        }
        let mut managers = managers_of(request.get("managers"))?;
        let mut live = None;
        if let Some(object) = request.get("live").filter(|live| !live.is_null()) {
            let ty = converter.type_at(request.str_of("live_version")).map_err(text_of)?;
            let object = value(Some(object))?;
            live = Some(TypedValue::with_duplicates(object, ty).map_err(text_of)?);
        }
        let mut steps = Vec::new();
        for step in request.get("steps").map(Json::items).unwrap_or_default() {
            let mut answer = Json::Map(vec![]);
            match updater_step(&updater, &converter, live.as_ref(), &managers, step) {
                Ok((before, outcome)) => {
                    if let Some(object) = &outcome.object {
                        answer.set("object", json_of(object)?);
                    }
                    live = Some(outcome.object.unwrap_or(before));
                    managers = outcome.managers;
                }
                Err(StepError::Other(error)) => answer.set("error", Json::String(error)),
                Err(StepError::Updater(error)) => {
                    answer.set("error", Json::String(error.to_string()));
                    if let UpdaterError::Conflicts(conflicts) = error {
                        let mut pairs: Vec<(String, String)> = conflicts
                            .iter()
                            .map(|conflict| (conflict.manager, conflict.path.to_string()))
                            .collect();
                        pairs.sort();
                        let conflicts = pairs.into_iter().map(|(manager, path)| {
                            Json::map([("manager", manager.into()), ("path", path.into())])
                        });
                        answer.set("conflicts", Json::List(conflicts.collect()));
                    }
                }
            }
            answer.set("live", live.as_ref().map_or(Ok(Json::Null), json_of)?);
            answer.set("managers", write_managers(&managers));
            steps.push(answer);
        }
        Ok(Json::map([("steps", Json::List(steps))]))
    }

    /// What a manager has applied. No entry is an empty answer, as with the reference.
    fn extract_into(&self, request: &Json) -> Answer {
        let mut schemas = Schemas::empty();
        let object = value(request.get("live"))?;
        let text = |key: &str| {
            let text = object.as_ref().get(key).and_then(|value| value.as_str());
            text.map(|text| text.into_owned()).unwrap_or_default()
        };
        let kind = GroupVersionKind::new(&text("apiVersion"), &text("kind"));
        let ty = self.type_of(request.str_of("schema"), request.str_of("type"))?;
        schemas.insert(kind, ty);
        let extracted = FieldManager::new(&schemas)
            .extract(&object)
            .field_manager(request.str_of("manager"))
            .subresource(request.str_of("subresource"))
            .run()
            .map_err(text_of)?;
        Ok(Json::map([("object", Json::parse(extracted.as_deref().unwrap_or("{}"))?)]))
    }

    fn field_manager(&self, request: &Json) -> Answer {
        let schema = request.str_of("schema");
        let mut schemas = Schemas::deduced();
        if schema != "deduced" {
            schemas = Schemas::empty();
            for (key, name) in request.get("type_of").map(Json::members).unwrap_or_default() {
                let (version, kind) = key.rsplit_once('/').ok_or("not a kind")?;
                let ty = self.type_of(schema, name.as_str().unwrap_or_default())?;
                schemas.insert(GroupVersionKind::new(version, kind), ty);
            }
        }
        let gvk = request.get("gvk").unwrap_or(&Json::Null);
        let endpoint = GroupVersionKind {
            group: gvk.str_of("group").to_owned(),
            version: gvk.str_of("version").to_owned(),
            kind: gvk.str_of("kind").to_owned(),
        };
        let renaming = RenamingInSpec::of(request);
        // Storage has no part in what the reference is asked.
        let mut manager = FieldManager::new(&schemas).storage(false);
        if !renaming.versions.is_empty() {
            manager = manager.converter(&renaming);
        }
        let subresource = request.str_of("subresource");
        let reset_fields = reset_fields_of(request)?;
        let mut live = match request.get("live") {
            Some(live @ Json::Map(_)) => as_held(live.clone()),
            None | Some(Json::Null) => Json::map([
                ("apiVersion", Json::String(endpoint.api_version())),
                ("kind", Json::String(endpoint.kind.clone())),
            ])
            .to_string(),
            Some(_) => return Err("not an object".to_owned()),
        };
        let mut steps = Vec::new();
        for (index, step) in
            request.get("steps").map(Json::items).unwrap_or_default().iter().enumerate()
        {
            let Some(object @ Json::Map(_)) = step.get("object") else {
                return Err("not an object".to_owned());
            };
            let object = object.to_string();
            // Steps happen a second apart.
            let now = rfc3339(first_step(request) + index + 1).parse().map_err(text_of)?;
            let name = step.str_of("manager");
            let updating = || {
                manager
                    .update(live.as_str(), object.as_str())
                    .api_version(endpoint.api_version())
                    .field_manager(name)
                    .subresource(subresource)
                    .reset_fields(reset_fields.clone())
                    .at(now)
            };
            let result = match step.str_of("op") {
                "apply" => manager
                    .apply(live.as_str(), object.as_str())
                    .api_version(endpoint.api_version())
                    .field_manager(name)
                    .subresource(subresource)
                    .reset_fields(reset_fields.clone())
                    .force(step.flag("force"))
                    .at(now)
                    .run()
                    .map(|applied| applied.object().to_owned())
                    .map_err(|error| refusal(&error)),
                "update" => updating()
                    .run()
                    .map(|updated| updated.object().to_owned())
                    .map_err(|error| failure(&error)),
                "update_no_errors" => updating()
                    .run_without_errors()
                    .map(|updated| updated.object().to_owned())
                    .map_err(|error| failure(&error)),
                op => Err(Json::map([("error", Json::String(format!("unknown step {op:?}")))])),
            };
            steps.push(match result {
                Ok(object) => {
                    let object = Json::parse(&object)?;
                    live = as_held(object.clone());
                    Json::map([("object", object)])
                }
                Err(answer) => answer,
            });
        }
        Ok(Json::map([("steps", Json::List(steps))]))
    }
}

/// The object as the reference gets it, which holds objects without a Go type as maps: what is owned
/// comes sorted by key. It counts where two keys are one element.
fn as_held(mut object: Json) -> String {
    fn sort(owned: &mut Json) {
        if let Json::Map(members) = owned {
            members.sort_by(|left, right| left.0.cmp(&right.0));
            members.iter_mut().for_each(|(_, below)| sort(below));
        }
    }
    let metadata = object.get_mut("metadata");
    if let Some(Json::List(entries)) = metadata.and_then(|data| data.get_mut("managedFields")) {
        entries.iter_mut().filter_map(|entry| entry.get_mut("fieldsV1")).for_each(sort);
    }
    object.to_string()
}

/// How many steps came before those of the request.
pub fn first_step(request: &Json) -> usize {
    request.get("first").map_or(0, |first| first.to_string().parse().unwrap_or(0))
}

/// The upgrade of an object and the patch for it.
fn csa_upgrade(request: &Json) -> Answer {
    let object = request.get("live").map(Json::to_string).unwrap_or_default();
    let mut upgrade = CsaUpgrade::new(object, request.str_of("manager"))
        .subresource(request.str_of("subresource"));
    for name in request.get("from").map(Json::items).unwrap_or_default() {
        upgrade = upgrade.from(name.as_str().unwrap_or_default());
    }
    let upgraded = upgrade.run().map_err(text_of)?;
    let mut answer = Json::map([("object", Json::parse(upgraded.object())?)]);
    if let Some(patch) = upgraded.patch() {
        answer.set("patch", Json::text(patch));
    }
    Ok(answer)
}

fn owners(request: &Json) -> Answer {
    let object = value(request.get("live"))?;
    let operation = match request.str_of("operation") {
        "Apply" => Operation::Apply,
        _ => Operation::Update,
    };
    let found = find_owners(&object, operation, &read_set(request.str_of("set"))?);
    let owners = found.iter().map(|entry| {
        let mut owner = Json::map([
            ("manager", Json::text(entry.manager.name())),
            ("version", Json::text(entry.api_version.as_str())),
            ("subresource", Json::text(entry.manager.subresource())),
        ]);
        put_set(&mut owner, "set", &entry.fields);
        owner
    });
    Ok(Json::map([("owners", Json::List(owners.collect()))]))
}

pub fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A second of January 2001 as text.
fn rfc3339(seconds: usize) -> String {
    let (day, rest) = (seconds / 86_400, seconds % 86_400);
    format!("2001-01-{:02}T{:02}:{:02}:{:02}Z", day + 1, rest / 3600, rest % 3600 / 60, rest % 60)
}

/// A value out of its raw text; a missing member is null.
fn value(json: Option<&Json>) -> Result<Value, String> {
    match json {
        None => Ok(Value::null()),
        Some(json) => Value::from_json(&json.to_string()).map_err(text_of),
    }
}

fn json_of(value: &TypedValue) -> Answer {
    Json::parse(&value.value().to_json())
}

fn object_answer(value: &TypedValue) -> Answer {
    Ok(Json::map([("object", json_of(value)?)]))
}

fn read_set(text: &str) -> Result<FieldSet, String> {
    if text.is_empty() {
        return Ok(FieldSet::new());
    }
    if text.starts_with('[') {
        let path = |elements: &Json| elements.items().iter().map(exact_element).collect();
        return Json::parse(text)?.items().iter().map(path).collect();
    }
    FieldSet::from_fields_v1(text.as_bytes()).map_err(text_of)
}

/// Reads an element as FieldsV1 spells it, but keeps integers.
fn exact_element(element: &Json) -> Result<PathElement, String> {
    let text = element.as_str().unwrap_or_default();
    match text.split_once(':') {
        Some(("v", json)) => Ok(PathElement::Value(Value::from_json(json).map_err(text_of)?)),
        Some(("k", json)) => {
            let mut fields = Vec::new();
            for (name, field) in Json::parse(json)?.members() {
                let field = Value::from_json(&field.to_string()).map_err(text_of)?;
                fields.push((name.clone(), field));
            }
            Ok(PathElement::key(fields))
        }
        _ => PathElement::from_fields_v1_key(text).map_err(text_of),
    }
}

/// Adds a set to an answer, or says why it has no wire form.
fn put_set(answer: &mut Json, key: &str, set: &FieldSet) {
    match set.to_fields_v1() {
        Ok(text) => answer.set(key, Json::String(text)),
        Err(error) => {
            answer.set("text", Json::String(set.to_string()));
            answer.set("serialise_error", Json::String(error.to_string()));
        }
    }
}

fn set_answer(set: &FieldSet) -> Json {
    let mut answer = Json::Map(vec![]);
    put_set(&mut answer, "set", set);
    answer
}

fn decode(request: &Json) -> Answer {
    let set = FieldSet::from_fields_v1(request.str_of("fieldsv1").as_bytes()).map_err(text_of)?;
    let mut answer = Json::map([("size", Json::number(set.len()))]);
    put_set(&mut answer, "fieldsv1", &set);
    let paths = set.iter().map(|path| Json::String(path.to_string())).collect();
    answer.set("paths", Json::List(paths));
    Ok(answer)
}

fn element(request: &Json) -> Json {
    match PathElement::from_fields_v1_key(request.str_of("pe")) {
        Ok(element) => {
            let mut answer = Json::map([("text", Json::String(element.to_string()))]);
            match element.to_fields_v1_key() {
                Some(key) => answer.set("pe", Json::String(key)),
                None => answer = Json::map([("error", Json::text("invalid PathElement"))]),
            }
            answer
        }
        Err(error) => {
            let mut answer = Json::map([("error", Json::String(error.to_string()))]);
            if error == ElementError::UnknownType {
                answer.set("unknown", Json::Bool(true));
            }
            answer
        }
    }
}

fn algebra(request: &Json) -> Answer {
    let (a, b) = (read_set(request.str_of("a"))?, read_set(request.str_of("b"))?);
    let mut answer = Json::map([
        ("equals", Json::Bool(a == b)),
        ("size_a", Json::number(a.len())),
        ("text_a", Json::String(a.to_string())),
    ]);
    put_set(&mut answer, "union", &a.union(&b));
    put_set(&mut answer, "intersection", &a.intersection(&b));
    put_set(&mut answer, "difference", &a.difference(&b));
    put_set(&mut answer, "recursive_difference", &a.recursive_difference(&b));
    put_set(&mut answer, "leaves_a", &a.leaves());
    Ok(answer)
}

fn filter_of(request: &Json) -> Result<Filter, String> {
    Ok(match reset_filter_of(request)? {
        ResetFieldsFilter::Exclude(set) => Filter::exclude(set),
        ResetFieldsFilter::Include(patterns) => Filter::include(patterns),
    })
}

fn reset_fields_of(request: &Json) -> Result<ResetFields, String> {
    let mut filters = Vec::new();
    for (version, filter) in request.get("reset_fields").map(Json::members).unwrap_or_default() {
        filters.push((version.clone(), reset_filter_of(filter)?));
    }
    Ok(ResetFields::by_version(filters))
}

fn reset_filter_of(request: &Json) -> Result<ResetFieldsFilter, String> {
    if let Some(Json::String(exclude)) = request.get("exclude") {
        return Ok(ResetFieldsFilter::Exclude(read_set(exclude)?));
    }
    let mut patterns = Vec::new();
    for parts in request.get("include").map(Json::items).unwrap_or_default() {
        let mut pattern = Vec::new();
        for part in parts.items() {
            pattern.push(if part.flag("any") {
                Matcher::Any
            } else {
                let element = PathElement::from_fields_v1_key(part.str_of("pe"));
                Matcher::Element(element.map_err(text_of)?)
            });
        }
        patterns.push(pattern);
    }
    Ok(ResetFieldsFilter::Include(patterns))
}

fn managers_of(json: Option<&Json>) -> Result<Managers, String> {
    let mut managers = Managers::new();
    for (name, owned) in json.map(Json::members).unwrap_or_default() {
        managers.insert(
            name.as_str(),
            VersionedSet {
                set: read_set(owned.str_of("set"))?,
                api_version: owned.str_of("version").to_owned(),
                applied: owned.flag("applied"),
            },
        );
    }
    Ok(managers)
}

/// Entries of a parent as those of its `Scale`, and back.
fn scale(request: &Json) -> Answer {
    let gvk = request.get("gvk").unwrap_or(&Json::Null);
    let version = match gvk.str_of("group") {
        "" => gvk.str_of("version").to_owned(),
        group => format!("{group}/{}", gvk.str_of("version")),
    };
    let path = |names: &Json| match names {
        Json::List(names) => Some(
            names
                .iter()
                .map(|name| PathElement::FieldName(name.as_str().unwrap_or_default().to_owned()))
                .collect(),
        ),
        _ => None,
    };
    let mappings = request.get("mappings").map(Json::members).unwrap_or_default();
    let mapping = ScaleMapping::new(
        version,
        mappings.iter().map(|(version, names)| (version.clone(), path(names))),
    );
    let mut answer = Json::Map(vec![]);
    let mut put = |key: &str, list: Result<Option<String>, ScaleError>| {
        match list {
            Ok(None) => answer.set(key, Json::Null),
            Ok(Some(list)) => answer.set(key, Json::parse(&list)?),
            Err(ScaleError::Decode(text)) => {
                answer.set(&format!("{key}_error"), Json::String(text));
            }
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    };
    let parent = value(request.get("live"))?;
    put("subresource", mapping.to_scale(&parent))?;
    if let Some(object) = request.get("object") {
        put("parent", mapping.to_parent(&parent, &value(Some(object))?))?;
    }
    Ok(answer)
}

fn write_managers(managers: &Managers) -> Json {
    Json::map(managers.iter().map(|(name, owned)| {
        let mut answer = Json::Map(vec![]);
        put_set(&mut answer, "set", &owned.set);
        answer.set("version", Json::text(owned.api_version.as_str()));
        answer.set("applied", Json::Bool(owned.applied));
        (name, answer)
    }))
}

/// A version of an object: its type and what it calls the fields of the root.
struct Version {
    ty: Type,
    schema: String,
    type_name: String,
    /// From the hub's names to this version's.
    names: BTreeMap<String, String>,
}

/// Converts between versions that differ in the names of fields of the root.
struct Renaming {
    versions: BTreeMap<String, Version>,
    missing: BTreeSet<String>,
    failing: BTreeSet<String>,
}

impl Renaming {
    fn of(subject: &Subject, request: &Json) -> Result<Renaming, String> {
        let names = |key: &str| {
            let items = request.get(key).map(Json::items).unwrap_or_default();
            items.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let mut versions = BTreeMap::new();
        for (version, spec) in request.get("versions").map(Json::members).unwrap_or_default() {
            let renamed = spec.get("rename").map(Json::members).unwrap_or_default();
            let (schema, type_name) = (spec.str_of("schema"), spec.str_of("type"));
            versions.insert(
                version.clone(),
                Version {
                    ty: subject.type_of(schema, type_name)?,
                    schema: schema.to_owned(),
                    type_name: type_name.to_owned(),
                    names: renamed
                        .iter()
                        .map(|(hub, here)| {
                            (hub.clone(), here.as_str().unwrap_or_default().to_owned())
                        })
                        .collect(),
                },
            );
        }
        Ok(Renaming { versions, missing: names("missing"), failing: names("failing") })
    }

    fn version_at(&self, version: &str) -> Result<&Version, ConvertError> {
        self.versions.get(version).filter(|_| !self.missing.contains(version)).ok_or_else(|| {
            ConvertError::MissingVersion(format!("cannot convert to invalid version: {version}"))
        })
    }

    fn type_at(&self, version: &str) -> Result<Type, ConvertError> {
        self.version_at(version).map(|version| version.ty.clone())
    }
}

impl Converter for Renaming {
    fn convert(&self, object: &TypedValue, version: &str) -> Result<TypedValue, ConvertError> {
        if self.failing.contains(version) {
            return Err(ConvertError::Failed("conversion failed".to_owned()));
        }
        let to = self.version_at(version)?;
        let nothing = Version {
            ty: to.ty.clone(),
            schema: String::new(),
            type_name: String::new(),
            names: BTreeMap::new(),
        };
        let from = self.versions.values().find(|from| from.ty == *object.ty()).unwrap_or(&nothing);
        if from.schema == to.schema && from.type_name == to.type_name {
            return Ok(object.clone());
        }
        let hub: BTreeMap<&str, &str> =
            from.names.iter().map(|(hub, here)| (here.as_str(), hub.as_str())).collect();
        let text = object.value().to_json();
        let mut tree = Json::parse(&text).map_err(ConvertError::Failed)?;
        if let Json::Map(members) = &mut tree {
            for (key, _) in members.iter_mut() {
                let name = hub.get(key.as_str()).copied().unwrap_or(key.as_str());
                let name = to.names.get(name).map_or(name, String::as_str);
                *key = name.to_owned();
            }
        }
        let value = Value::from_json(&tree.to_string())
            .map_err(|error| ConvertError::Failed(error.to_string()))?;
        TypedValue::with_duplicates(value, to.ty.clone())
            .map_err(|errors| ConvertError::Failed(errors.to_string()))
    }
}

/// Converts objects between versions that differ in the names of keys of `spec` and of the maps in
/// it.
#[derive(Debug)]
struct RenamingInSpec {
    endpoint: String,
    versions: BTreeMap<String, BTreeMap<String, String>>,
    failing: BTreeSet<String>,
}

impl RenamingInSpec {
    fn of(request: &Json) -> RenamingInSpec {
        let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
        let names = |version: &Json| {
            let renamed = version.get("rename").map(Json::members).unwrap_or_default();
            renamed.iter().map(|(hub, own)| (hub.clone(), text(own))).collect()
        };
        let gvk = request.get("gvk").unwrap_or(&Json::Null);
        let endpoint = match gvk.str_of("group") {
            "" => gvk.str_of("version").to_owned(),
            group => format!("{group}/{}", gvk.str_of("version")),
        };
        RenamingInSpec {
            endpoint,
            versions: request
                .get("versions")
                .map(Json::members)
                .unwrap_or_default()
                .iter()
                .map(|(version, spec)| (version.clone(), names(spec)))
                .collect(),
            failing: request
                .get("failing")
                .map(Json::items)
                .unwrap_or_default()
                .iter()
                .map(text)
                .collect(),
        }
    }

    fn names(&self, version: &str) -> Result<BTreeMap<String, String>, ConvertError> {
        let own = (version == self.endpoint).then(BTreeMap::new);
        own.or_else(|| self.versions.get(version).cloned())
            .ok_or_else(|| ConvertError::MissingVersion(format!("no version {version}")))
    }
}

impl VersionConverter for RenamingInSpec {
    fn convert(&self, object: &Value, to: &str) -> Result<Value, ConvertError> {
        let mut object = Json::parse(&object.to_json()).map_err(ConvertError::Failed)?;
        let there = self.names(to)?;
        let here = self.names(object.str_of("apiVersion"))?;
        if self.failing.contains(to) {
            return Err(ConvertError::Failed("conversion failed".to_owned()));
        }
        object.set("apiVersion", Json::text(to));
        let hub: BTreeMap<&str, &str> =
            here.iter().map(|(hub, own)| (own.as_str(), hub.as_str())).collect();
        let rename = |map: &mut Json| {
            let Json::Map(members) = map else { return };
            members.sort_by(|left, right| left.0.cmp(&right.0));
            let mut out = Json::Map(vec![]);
            for (key, value) in members.drain(..) {
                let name = hub.get(key.as_str()).copied().unwrap_or(&key);
                out.set(there.get(name).map_or(name, String::as_str), value);
            }
            *map = out;
        };
        if let Some(spec) = object.get_mut("spec") {
            if let Json::Map(members) = spec {
                members.iter_mut().for_each(|(_, member)| rename(member));
            }
            rename(spec);
        }
        Value::from_json(&object.to_string())
            .map_err(|error| ConvertError::Failed(error.to_string()))
    }
}

enum StepError {
    Updater(UpdaterError),
    Other(String),
}

impl StepError {
    fn other(error: impl std::fmt::Display) -> StepError {
        StepError::Other(error.to_string())
    }
}

/// Runs a step: the live object at the step's version, and what the updater made of it.
fn updater_step(
    updater: &Updater<'_>,
    converter: &Renaming,
    live: Option<&TypedValue>,
    managers: &Managers,
    step: &Json,
) -> Result<(TypedValue, Outcome), StepError> {
    let version = step.str_of("version");
    let name = step.str_of("manager");
    let ty = converter.type_at(version).map_err(StepError::other)?;
    let created = live.is_none();
    let live = match live {
        Some(live) => live.clone(),
        None => TypedValue::new(Value::null(), ty.clone()).map_err(StepError::other)?,
    };
    let live = converter.convert(&live, version).map_err(StepError::other)?;
    let object = value(step.get("object")).map_err(StepError::Other)?;
    let op = step.str_of("op");
    let outcome = match op {
        "update" => {
            let object = TypedValue::with_duplicates(object, ty).map_err(StepError::other)?;
            updater.update(&live, &object, version, managers, name)
        }
        "apply" | "force" | "extract_apply" => {
            let mut object = TypedValue::new(object, ty).map_err(StepError::other)?;
            // A first object is applied as it is; later ones on top of what the manager has.
            if op == "extract_apply" && !created {
                let mut owned_set = FieldSet::default();
                if let Some(owned) = managers.get(name) {
                    if owned.api_version != version {
                        return Err(StepError::Other(format!(
                            "existing managed fieldpath set APIVersion ({}) differs from desired ({version}), unable to extract",
                            owned.api_version
                        )));
                    }
                    owned_set = owned.set.leaves();
                }
                let extracted = live.extract_items(&owned_set);
                object = extracted.merge(&object).map_err(StepError::other)?;
            }
            updater.apply(&live, &object, version, managers, name, op != "apply")
        }
        op => return Err(StepError::Other(format!("unknown step {op:?}"))),
    };
    Ok((live, outcome.map_err(StepError::Updater)?))
}

fn refusal(error: &ApplyError) -> Json {
    with_status(error.to_string(), &error.to_status())
}

fn failure(error: &UpdateError) -> Json {
    with_status(error.to_string(), &error.to_status())
}

/// The status is part of the answer where the reference has one; it is the server that turns all
/// other errors into one, and that adds `kind` and `apiVersion`.
fn with_status(text: String, status: &Status) -> Json {
    let mut answer = Json::map([("error", Json::String(text))]);
    if status.code != 500 {
        let status = serde_json::to_string(status).unwrap_or_default();
        if let Ok(mut status) = Json::parse(&status) {
            status.remove("kind");
            status.remove("apiVersion");
            answer.set("status", status);
        }
    }
    answer
}

/// The merge schema of an OpenAPI document, with the kinds that it mentions and their types.
fn openapi(request: &Json) -> Answer {
    let document = request.get("document").unwrap_or(&Json::Null);
    let read = value(Some(document))?;
    let told = |error: OpenApiError| match error {
        OpenApiError::Unreadable(_) | OpenApiError::NotOpenApi => "unreadable".to_owned(),
        other => other.server_text(),
    };
    let schema = merge_schema_of_openapi(&read).map_err(told)?;
    let mut schemas = Schemas::empty();
    match document.get("openapi") {
        Some(_) => schemas.add_openapi_v3(&read).map_err(told)?,
        None => schemas.add_openapi_v2(&read).map_err(told)?,
    };
    let schema = Json::parse(&schema.to_json())?;
    let mut types = schema.get("types").map(Json::items).unwrap_or_default().to_vec();
    types.sort_by_key(|ty| ty.str_of("name").to_owned());
    let mut mentioned = BTreeSet::new();
    mention_kinds(document, &mut mentioned);
    let mut kinds = Vec::new();
    for kind in &mentioned {
        if let Some(ty) = schemas.find(kind) {
            kinds.push(format!("{kind} is {}", ty.name()));
        }
    }
    kinds.sort();
    let kinds = kinds.into_iter().map(Json::String).collect();
    Ok(Json::map([("types", Json::List(types)), ("kinds", Json::List(kinds))]))
}

/// The types of a CustomResourceDefinition, and what it says of its endpoints.
fn crd(request: &Json) -> Answer {
    let read = value(request.get("document"))?;
    let told = |error: OpenApiError| match error {
        OpenApiError::Unreadable(_) | OpenApiError::NotADefinition => "unreadable".to_owned(),
        other => other.server_text(),
    };
    let mut schemas = Schemas::empty();
    let resource = schemas.add_crd(&read).map_err(told)?;
    let schema = Json::parse(&merge_schema_of_crd(&read).map_err(told)?.to_json())?;
    let mut types = schema.get("types").map(Json::items).unwrap_or_default().to_vec();
    types.sort_by_key(|ty| ty.str_of("name").to_owned());
    let is_common = |ty: &Json| {
        let name = ty.str_of("name");
        ["io.k8s.apimachinery.", "io.k8s.api.autoscaling.v1.", "__untyped_"]
            .iter()
            .any(|front| name.starts_with(front))
    };
    let (common, own): (Vec<Json>, Vec<Json>) = types.iter().cloned().partition(is_common);
    let mut answer = Json::map([("served", Json::List(vec![]))]);
    let texts =
        |texts: &mut dyn Iterator<Item = String>| Json::List(texts.map(Json::String).collect());
    if own.is_empty() {
        answer.set("untyped", Json::Bool(true));
    } else {
        let mut kinds = Vec::new();
        for version in resource.versions() {
            let kind = GroupVersionKind::new(version.api_version(), resource.kind());
            let ty = schemas.find(&kind).ok_or_else(|| format!("{kind} has no type"))?;
            kinds.push(format!("{kind} is {}", ty.name()));
        }
        kinds.sort();
        answer.set("kinds", texts(&mut kinds.into_iter()));
        if request.get("whole").is_some() {
            answer.set("types", Json::List(types));
        } else {
            answer.set("types", Json::List(own));
            let mut names = common.iter().map(|ty| ty.str_of("name").to_owned());
            answer.set("common", texts(&mut names));
        }
    }
    let versions = || resource.versions().iter();
    let name = |version: &CustomResourceVersion| version.api_version().to_owned();
    answer.set("served", texts(&mut versions().filter(|version| version.is_served()).map(name)));
    answer.set("status", texts(&mut versions().filter(|version| version.has_status()).map(name)));
    answer.set("stored", texts(&mut versions().filter(|version| version.is_stored()).map(name)));
    let scale = versions().map(|version| {
        let path = version.replicas_path().map(ScaleMapping::replicas_path);
        let names = path.map(|path| {
            let names = path.elements().iter().filter_map(|element| match element {
                PathElement::FieldName(name) => Some(Json::String(name.clone())),
                _ => None,
            });
            Json::List(names.collect())
        });
        (version.api_version(), names.unwrap_or(Json::Null))
    });
    let mut mapping = Json::Map(vec![]);
    scale.for_each(|(version, path)| mapping.set(version, path));
    answer.set("scale", mapping);
    Ok(answer)
}

/// Whatever looks like a kind.
fn mention_kinds(part: &Json, found: &mut BTreeSet<GroupVersionKind>) {
    match part {
        Json::List(items) => items.iter().for_each(|item| mention_kinds(item, found)),
        Json::Map(members) => {
            found.insert(GroupVersionKind {
                group: part.str_of("group").to_owned(),
                version: part.str_of("version").to_owned(),
                kind: part.str_of("kind").to_owned(),
            });
            members.iter().for_each(|(_, member)| mention_kinds(member, found));
        }
        _ => {}
    }
}
