//! What the reference's answer says about a case.

use std::collections::BTreeSet;

use super::support::json::Json;

/// Words for what became of the case, by the reference's answer.
pub fn outcomes(request: &Json, answer: &Json) -> BTreeSet<&'static str> {
    let mut out = BTreeSet::new();
    if answer.get("panic").is_some() {
        out.insert("panic");
    }
    if answer.get("error").is_some() {
        out.insert("error");
    }
    if answer.get("serialise_error").is_some() {
        out.insert("invalid-element");
    }
    for (key, name) in [("unchanged", "unchanged"), ("unknown", "unknown")] {
        if answer.flag(key) {
            out.insert(name);
        }
    }
    let op = request.str_of("op");
    if op == "crd" {
        out.extend(of_definition(answer));
    }
    if let Some(Json::List(steps)) = answer.get("steps") {
        for (index, step) in steps.iter().enumerate() {
            let conflict = step.get("conflicts").is_some()
                || step.get("status").is_some_and(|s| s.str_of("reason") == "Conflict");
            if conflict {
                out.insert("conflict");
                if index + 1 == steps.len() {
                    out.insert("ends-in-conflict");
                }
            } else if step.get("error").is_some() {
                out.insert("error");
            } else if step.get("object").is_none() {
                out.insert("no-op");
            } else {
                out.insert("changed");
            }
            if step.get("live").is_some_and(Json::is_null) && step.get("error").is_none() {
                out.insert("emptied");
            }
            let text = step.get("object").map(Json::to_string).unwrap_or_default();
            for (part, name) in
                [("ancient-changes", "folded"), ("before-first-apply", "before-first-apply")]
            {
                if text.contains(part) {
                    out.insert(name);
                }
            }
        }
    }
    let mut versions = BTreeSet::new();
    if op == "updater" {
        let managers = request.get("managers").map(Json::members).unwrap_or_default();
        versions.extend(managers.iter().map(|(_, owned)| owned.str_of("version")));
        let steps = request.get("steps").map(Json::items).unwrap_or_default();
        versions.extend(steps.iter().map(|step| step.str_of("version")));
    } else if op == "fieldmanager" {
        let lists = request.get("live").into_iter().chain(
            request.get("steps").into_iter().flat_map(Json::items).filter_map(|s| s.get("object")),
        );
        for object in lists {
            versions.insert(object.str_of("apiVersion"));
            let entries = object.get("metadata").and_then(|m| m.get("managedFields"));
            versions
                .extend(entries.into_iter().flat_map(Json::items).map(|e| e.str_of("apiVersion")));
        }
        versions.remove("");
    }
    if versions.len() > 1 {
        out.insert("several-versions");
    }
    if out.is_empty() {
        out.insert("ok");
    }
    out
}

/// What became of the versions of a CustomResourceDefinition.
fn of_definition(answer: &Json) -> BTreeSet<&'static str> {
    if answer.get("untyped").is_some() {
        return BTreeSet::from(["untyped"]);
    }
    let types = answer.get("types").map(Json::items).unwrap_or_default();
    let words = types.iter().filter_map(|ty| {
        let fields = ty.get("map")?.get("fields").map(Json::items).unwrap_or_default();
        match fields.len() {
            0 => Some("bare"),
            // A list, or nothing more than every object has.
            1..=4 => None,
            _ => Some("structural"),
        }
    });
    words.collect()
}
