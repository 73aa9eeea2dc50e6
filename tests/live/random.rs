//! Random histories: judged, counted, and shrunk where server and crate part.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::driver::{Driver, Server, variable};
use super::judge::{Judge, Outcome, Verdict};
use super::minimise::minimise;
use super::support::json::Json;
use super::vectors::Vectors;

/// Requests of one history.
const STEPS: usize = 12;
/// Histories at a time: most of a request is waiting for the next second.
const AT_A_TIME: usize = 24;
/// Replays that shrinking a history may take.
const TRIES: usize = 80;

pub struct Run {
    pub seeds: Vec<u64>,
    pub requests: usize,
    /// Shows all differences, each as it is.
    pub keeps_going: bool,
    /// The folder that vectors are written to.
    pub vectors: Option<PathBuf>,
}

/// What was seen.
struct Counts {
    requests: usize,
    by_verb: BTreeMap<String, usize>,
    by_kind: BTreeMap<String, usize>,
    by_outcome: BTreeMap<Outcome, usize>,
    explained: BTreeMap<&'static str, usize>,
    differences: usize,
    vectors: Vectors,
    served: Json,
}

impl Run {
    pub fn compare(&self, server: &Server) -> bool {
        let started = Instant::now();
        let counts = Mutex::new(Counts::new());
        let per_seed = self.requests.div_ceil(self.seeds.len() * STEPS) as u64;
        let all = per_seed * self.seeds.len() as u64;
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..AT_A_TIME.min(all as usize) {
                scope.spawn(|| {
                    let mut driver = server.driver();
                    let mut judge = Judge::new(&mut driver);
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let found = counts.lock().expect("no panic").differences;
                        if number >= all || (found > 0 && !self.keeps_going) {
                            break;
                        }
                        let seed = self.seeds[(number / per_seed) as usize];
                        self.history(&mut driver, &mut judge, seed, number % per_seed, &counts);
                    }
                    let mut counts = counts.lock().expect("no panic");
                    counts.served = judge.served.clone();
                    for (name, count) in judge.explained {
                        *counts.explained.entry(name).or_default() += count;
                    }
                });
            }
        });
        let counts = counts.into_inner().expect("no panic");
        counts.print();
        if let (Some(folder), 0) = (&self.vectors, counts.differences) {
            counts.vectors.write(
                &folder.join("live-random.jsonl"),
                "random requests",
                &counts.served,
            );
        }
        println!("{:.0} s", started.elapsed().as_secs_f64());
        counts.differences == 0
    }

    fn history(
        &self,
        driver: &mut Driver,
        judge: &mut Judge,
        seed: u64,
        number: u64,
        counts: &Mutex<Counts>,
    ) {
        driver.ask(&Json::map([
            ("op", Json::from("begin")),
            ("seed", Json::number(seed)),
            ("number", Json::number(number)),
            ("steps", Json::number(STEPS)),
        ]));
        let mut requests = Vec::new();
        while let Some((record, verdict)) = judge.next(driver) {
            let request = record.get("request").expect("a record has its request").clone();
            let is_vector = matches!(
                verdict,
                Verdict::Same(
                    Outcome::Stored | Outcome::Nothing | Outcome::Conflict | Outcome::Refused
                )
            );
            let vector = if is_vector { judge.vector(&record) } else { None };
            let why = counts.lock().expect("no panic").add(&request, verdict, vector);
            requests.push(request);
            let Some(why) = why else { continue };
            let text = if self.keeps_going {
                show(&record, &why)
            } else {
                scenario(driver, judge, requests, record, why)
            };
            println!("seed {seed} history {number}\n{text}");
            return;
        }
    }
}

impl Counts {
    fn new() -> Counts {
        Counts {
            requests: 0,
            by_verb: BTreeMap::new(),
            by_kind: BTreeMap::new(),
            by_outcome: BTreeMap::new(),
            explained: BTreeMap::new(),
            differences: 0,
            vectors: Vectors::default(),
            served: Json::Null,
        }
    }

    /// Counts a request; the difference, if there is one.
    fn add(&mut self, request: &Json, verdict: Verdict, vector: Option<Json>) -> Option<String> {
        if let Some(vector) = vector {
            self.vectors.add(vector);
        }
        let mut verb = request.str_of("verb").to_owned();
        if verb == "patch" {
            verb = format!("{} patch", request.str_of("patch"));
        } else if request.flag("force") {
            verb = "forced apply".to_owned();
        }
        if !request.str_of("subresource").is_empty() {
            verb = format!("{verb} of {}", request.str_of("subresource"));
        }
        self.requests += 1;
        *self.by_verb.entry(verb).or_default() += 1;
        *self.by_kind.entry(request.str_of("kind").to_owned()).or_default() += 1;
        match verdict {
            Verdict::Same(outcome) => {
                *self.by_outcome.entry(outcome).or_default() += 1;
                None
            }
            Verdict::Different(why) => {
                self.differences += 1;
                Some(why)
            }
        }
    }

    fn print(&self) {
        fn line<K: std::fmt::Debug>(title: &str, counts: &BTreeMap<K, usize>) {
            let counts: Vec<String> = counts
                .iter()
                .map(|(name, count)| format!("{name:?} {count}").replace('"', ""))
                .collect();
            println!("{title}: {}", counts.join(", "));
        }
        line("requests", &self.by_verb);
        line("kinds", &self.by_kind);
        line("outcomes", &self.by_outcome);
        Judge::print_explained(&self.explained);
        println!("{} requests, {} differences", self.requests, self.differences);
    }
}

/// A request with what the server made of it.
fn show(record: &Json, why: &str) -> String {
    let part = |key: &str| record.get(key).map(Json::to_string).unwrap_or_default();
    format!(
        "request: {}\nlive: {}\ncode: {}\nafter: {}\n{why}\n",
        part("request"),
        part("live"),
        part("code"),
        part("after"),
    )
}

/// Shrinks a history that ends in a difference and writes it down.
fn scenario(
    driver: &mut Driver,
    judge: &mut Judge,
    requests: Vec<Json>,
    record: Json,
    why: String,
) -> String {
    let mut found = (record, why);
    let kind = |why: &str| why.split([':', '\n']).next().unwrap_or_default().to_owned();
    let wanted = kind(&found.1);
    let head = |step: &Json| {
        let mut head = step.clone();
        let has_body = head.remove("body").is_some();
        head.remove("later");
        has_body.then_some(head)
    };
    let heads: Vec<_> = requests.iter().map(head).collect();
    let small = minimise(Json::List(requests), TRIES, &mut |steps| {
        // Only bodies are shrunk, and whole requests left out.
        if !steps.items().iter().all(|step| heads.contains(&head(step))) {
            return false;
        }
        match first_difference(driver, judge, steps.items()) {
            Some(other) if kind(&other.1) == wanted => {
                found = other;
                true
            }
            _ => false,
        }
    });
    let (record, why) = found;
    let name = record.get("request").map(|request| request.str_of("name").to_owned());
    let folder = variable("LIVE_OUT");
    let file = folder.join(format!("{}.json", name.unwrap_or_default()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    std::fs::write(&file, format!("{small}\n")).expect("the scenario can be written");
    format!("scenario: {}\n{}", file.display(), show(&record, &why))
}

/// Sends requests until server and crate part.
fn first_difference(
    driver: &mut Driver,
    judge: &mut Judge,
    steps: &[Json],
) -> Option<(Json, String)> {
    driver.ask(&Json::map([
        ("op", Json::from("begin")),
        ("given", Json::Bool(true)),
        ("replay", Json::List(steps.to_vec())),
    ]));
    while let Some((record, verdict)) = judge.next(driver) {
        if let Verdict::Different(why) = verdict {
            return Some((record, why));
        }
    }
    None
}

/// Sends the requests of a scenario and shows where server and crate part.
pub fn replay(server: &Server, steps: &Json) -> bool {
    let mut driver = server.driver();
    let mut judge = Judge::new(&mut driver);
    match first_difference(&mut driver, &mut judge, steps.items()) {
        Some((record, why)) => {
            println!("{}", show(&record, &why));
            false
        }
        None => {
            for (name, count) in &judge.explained {
                println!("explained: {name} {count}");
            }
            println!("server and crate agree");
            true
        }
    }
}
