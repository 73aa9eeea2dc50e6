//! The crate in the place of an API server: one write to one object, as a server has recorded it.

use std::collections::BTreeMap;

use managed_fields::fieldmanager::{
    ApplyError, Document, FieldManager, ResetFields, SameShape, ScaleMapping, SchemaDefaults,
    Status, UpdateError,
};
use managed_fields::schema::{GroupVersionKind, Schemas};
use managed_fields::value::Value;

use super::json::Json;
use super::subject::text_of;

/// The kinds of one API group, as a server publishes them.
pub struct Served {
    schemas: Schemas,
    converter: SameShape,
}

impl Served {
    /// `documents`: what the server publishes of every version of the group; `versions`: those
    /// versions.
    pub fn read(request: &Json) -> Result<Served, String> {
        let mut schemas = Schemas::empty();
        for document in request.get("documents").map(Json::items).unwrap_or_default() {
            let document = Value::from_json(&document.to_string()).map_err(text_of)?;
            let problems = schemas.add_openapi_v3(&document).map_err(text_of)?;
            if let Some(problem) = problems.first() {
                return Err(problem.to_string());
            }
        }
        let versions = request.get("versions").map(Json::items).unwrap_or_default();
        let converter = SameShape::new(versions.iter().filter_map(Json::as_str));
        Ok(Served { schemas, converter })
    }
}

/// What the endpoint knows.
struct Endpoint<'e> {
    request: &'e Json,
    manager: FieldManager<'e>,
    resets: ResetFields,
}

/// Answers with the object that is stored and its entries, or the status of a refusal.
///
/// `verb` is `apply` or `update`; an update's `new` is the whole object that takes the place of
/// `live`. Of a custom resource `served` names the group, `with_status` the versions with a status
/// subresource and `replicas` where the replicas are.
pub fn answer(served: &BTreeMap<String, Served>, request: &Json) -> Result<Json, String> {
    let resets = match request.get("with_status") {
        Some(versions) => {
            ResetFields::custom_resource(versions.items().iter().filter_map(Json::as_str))
        }
        None => ResetFields::builtin(),
    };
    let stored = match served.get(request.str_of("served")) {
        Some(group) => {
            let defaults = SchemaDefaults::new(&group.schemas);
            let manager =
                FieldManager::new(&group.schemas).converter(&group.converter).defaulter(&defaults);
            Endpoint { request, manager, resets }.stored()?
        }
        None if request.get("served").is_some() => return Err("unknown group".to_owned()),
        None => {
            let schemas = Schemas::builtin();
            Endpoint { request, manager: FieldManager::new(&schemas), resets }.stored()?
        }
    };
    Ok(match stored {
        Ok(object) => {
            let object = Json::parse(&object)?;
            let entries = object.get("metadata").and_then(|meta| meta.get("managedFields"));
            let entries = entries.cloned().unwrap_or(Json::List(Vec::new()));
            Json::map([("managed_fields", entries), ("object", object)])
        }
        Err(status) => {
            let status = serde_json::to_string(&status).map_err(text_of)?;
            Json::map([("status", Json::parse(&status)?)])
        }
    })
}

impl Endpoint<'_> {
    /// The object as it is stored, or the refusal.
    fn stored(&self) -> Result<Result<String, Status>, String> {
        let request = self.request;
        let kind = GroupVersionKind::new(request.str_of("version"), request.str_of("kind"));
        let live = request.get("live").filter(|live| !live.is_null());
        let live = live.map(|live| Value::from_json(&live.to_string())).transpose();
        let live = live.map_err(text_of)?;
        let sent = request.get("object").map(Json::to_string).unwrap_or_default();
        if request.str_of("subresource") != "scale" {
            return self.written(live.as_ref(), &sent, None);
        }
        let parent = live.ok_or("nothing to scale")?;
        let mapping = match request.get("replicas") {
            None => ScaleMapping::of_kind(&kind).ok_or("the kind has no scale")?,
            Some(paths) => {
                let paths = paths.members().iter().map(|(version, path)| {
                    (version.clone(), path.as_str().map(ScaleMapping::replicas_path))
                });
                ScaleMapping::new(kind.api_version(), paths)
            }
        };
        let scale = mapping.scale_of(&parent).map_err(text_of)?;
        let sent = match request.str_of("verb") {
            "apply" => sent,
            _ => {
                let sent = Value::from_json(&sent).map_err(text_of)?;
                ScaleMapping::sent_scale(&sent).map_err(text_of)?.to_json()
            }
        };
        Ok(match self.written(Some(&scale), &sent, Some("autoscaling/v1"))? {
            Ok(scale) => {
                let scale = Value::from_json(&scale).map_err(text_of)?;
                mapping.parent_with(&parent, &scale).map_err(|error| error.to_status())
            }
            Err(status) => Err(status),
        })
    }

    /// The object after the write; a `Scale` is not stored as it is.
    fn written(
        &self,
        live: Option<&Value>,
        sent: &str,
        scale: Option<&str>,
    ) -> Result<Result<String, Status>, String> {
        let request = self.request;
        let now = request.str_of("now").parse().map_err(text_of)?;
        let version = scale.unwrap_or(request.str_of("version"));
        let schemas = Schemas::builtin();
        let manager = match scale {
            Some(_) => FieldManager::new(&schemas).storage(false),
            None => self.manager,
        };
        let live = live.map_or_else(Document::absent, Document::from);
        if request.str_of("verb") == "apply" {
            let applied = manager
                .apply(live, sent)
                .api_version(version)
                .field_manager(request.str_of("manager"))
                .subresource(request.str_of("subresource"))
                .reset_fields(self.resets.clone())
                .force(request.flag("force"))
                .at(now)
                .run();
            return Ok(applied
                .map(|applied| applied.object().to_owned())
                .map_err(|error: ApplyError| error.to_status()));
        }
        let mut update = manager
            .update(live, sent)
            .api_version(version)
            .field_manager(request.str_of("manager"))
            .subresource(request.str_of("subresource"))
            .reset_fields(self.resets.clone())
            .at(now);
        if let Some(agent) = request.get("user_agent").and_then(Json::as_str) {
            update = update.user_agent(agent);
        }
        // Trouble with ownership does not stop a write.
        let updated = update.clone().run().or_else(|error| match error {
            UpdateError::Stale(_) | UpdateError::New(_) | UpdateError::ManagerName { .. } => {
                Err(error)
            }
            _ => update.run_without_errors(),
        });
        Ok(updated.map(|updated| updated.object().to_owned()).map_err(|error| error.to_status()))
    }
}
