//! Histories that real controllers write, out of the server's own audit log.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::driver::Server;
use super::judge::{Judge, Outcome, Verdict};
use super::support::json::Json;
use super::vectors::Vectors;

/// Lets the controllers work, and judges what was written. The vectors of it are written where there
/// is a folder for them.
pub fn run(server: &mut Server, vectors: Option<PathBuf>) -> bool {
    server.start_controllers();
    let mut driver = server.driver();
    let mut judge = Judge::new(&mut driver);
    let told = driver.ask(&Json::map([("op", Json::from("controllers"))]));
    // A write to a scale does not tell of the object behind it.
    let seen = told.get("seen").map(Json::items).unwrap_or_default();
    let seen: BTreeMap<u64, Json> = seen.iter().map(|o| (version(o), o.clone())).collect();
    let log = std::fs::read_to_string(server.audit_log()).expect("the audit log can be read");
    let mut events: Vec<Json> = log.lines().map(|line| Json::parse(line).expect("JSON")).collect();
    // In the order in which they were stored.
    events.sort_by_key(|event| event.get("responseObject").map_or(0, version));
    let mut live: BTreeMap<String, Json> = BTreeMap::new();
    let mut by_manager: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_outcome: BTreeMap<Outcome, usize> = BTreeMap::new();
    let (mut differences, mut incomplete) = (0, 0);
    let mut chosen = Vectors::default();
    for event in &events {
        let Some(stored) = event.get("responseObject").filter(|stored| is_stored(event, stored))
        else {
            continue;
        };
        let is_scale = subresource(event) == "scale";
        let key = key(event, stored);
        let behind = is_scale.then(|| seen.get(&version(stored)).cloned());
        if let Some(None) = behind {
            live.remove(&key);
            continue;
        }
        let behind = behind.flatten();
        let stored = behind.as_ref().unwrap_or(stored);
        let before = match code(event).as_str() {
            "201" => Json::Null,
            _ => match live.get(&key) {
                Some(before) => before.clone(),
                None => {
                    incomplete += 1;
                    live.insert(key, stored.clone());
                    continue;
                }
            },
        };
        let mut record = record(event, &before, stored);
        if let Some(scale) = event.get("responseObject").filter(|_| is_scale) {
            record.set("dry", unversioned(scale));
        }
        live.insert(key, stored.clone());
        let agent = event.str_of("userAgent").split('/').next().unwrap_or_default().to_owned();
        *by_manager.entry(agent).or_default() += 1;
        match judge.judge(&record) {
            Verdict::Same(outcome) => {
                *by_outcome.entry(outcome).or_default() += 1;
                let is_judged = matches!(outcome, Outcome::Stored | Outcome::Nothing);
                if let Some(vector) = judge.vector(&record).filter(|_| is_judged) {
                    chosen.add(vector);
                }
            }
            Verdict::Different(why) => {
                differences += 1;
                println!("{record}\n{why}\n");
            }
        }
    }
    println!("writes by client: {by_manager:?}\noutcomes: {by_outcome:?}");
    Judge::print_explained(&judge.explained);
    println!(
        "{} writes of controllers and their company, {differences} differences; {incomplete} without \
         the object before",
        by_manager.values().sum::<usize>()
    );
    if let (Some(folder), 0) = (vectors, differences) {
        chosen.write(&folder.join("live-controllers.jsonl"), "controllers", &judge.served);
    }
    differences == 0
}

fn subresource(event: &Json) -> &str {
    event.get("objectRef").map(|object| object.str_of("subresource")).unwrap_or_default()
}

fn code(event: &Json) -> String {
    let status = event.get("responseStatus");
    status.and_then(|status| status.get("code")).map(Json::to_string).unwrap_or_default()
}

/// Whether the event is of a write that went through.
fn is_stored(event: &Json, stored: &Json) -> bool {
    code(event).starts_with('2')
        && stored.get("metadata").is_some_and(|metadata| metadata.get("uid").is_some())
        && !event.str_of("requestURI").contains("dryRun")
}

fn version(object: &Json) -> u64 {
    let metadata = object.get("metadata");
    metadata.and_then(|metadata| metadata.str_of("resourceVersion").parse().ok()).unwrap_or(0)
}

/// The object that is written.
fn key(event: &Json, stored: &Json) -> String {
    let resource = event.get("objectRef").map(|object| object.str_of("resource"));
    let name = stored.get("metadata").map(|metadata| metadata.str_of("name"));
    format!("{}/{}", resource.unwrap_or_default(), name.unwrap_or_default())
}

/// The event as the driver would have told it.
fn record(event: &Json, before: &Json, stored: &Json) -> Json {
    let uri = event.str_of("requestURI");
    let query = |name: &str| {
        let (_, query) = uri.split_once('?')?;
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.map(str::to_owned)
    };
    let agent = event.str_of("userAgent");
    let sent = event.get("requestObject").cloned().unwrap_or(Json::Null);
    let verb = match event.str_of("verb") {
        "patch" if agent.starts_with("live-apply") => "apply",
        verb => verb,
    };
    let mut request = Json::map([
        ("verb", Json::from(verb)),
        ("version", Json::from(stored.str_of("apiVersion"))),
        ("kind", Json::from(stored.str_of("kind"))),
        ("subresource", Json::from(subresource(event))),
        ("manager", Json::String(query("fieldManager").unwrap_or_default())),
        ("user_agent", Json::from(agent)),
        ("force", Json::Bool(query("force").is_some())),
        ("body", sent.clone()),
    ]);
    if verb == "patch" {
        let kind = if matches!(sent, Json::List(_)) { "json" } else { "strategic" };
        request.set("patch", Json::from(kind));
    }
    let of = |object: &Json| object.get("metadata").and_then(|m| m.get("managedFields")).cloned();
    let entries = if verb == "patch" { of(before) } else { of(&sent) };
    let written = event.str_of("requestReceivedTimestamp");
    let written = format!("{}Z", written.split(['.', 'Z']).next().unwrap_or_default());
    let newest = of(stored).into_iter().flat_map(|entries| {
        entries.items().iter().map(|entry| entry.str_of("time").to_owned()).collect::<Vec<_>>()
    });
    let now = newest.filter(|time| *time >= written).max().unwrap_or(written);
    let mut record = Json::map([
        ("request", request),
        ("live", before.clone()),
        ("after", stored.clone()),
        ("answer", stored.clone()),
        ("dry", unversioned(stored)),
        ("code", Json::number(200)),
        ("logged", Json::Bool(true)),
        ("now", Json::String(now)),
    ]);
    if let Some(entries) = entries {
        record.set("sent", entries);
    }
    record
}

/// The object without its version, against which the server has held the live object already.
fn unversioned(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata") {
        metadata.remove("resourceVersion");
    }
    object
}
