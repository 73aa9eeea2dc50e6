//! Whole clusters: a dump of many objects through `blame --summary`, `size`, `diff`, `plan`, `would-change --live`
//! and `conflicts --live`, beside `serde_json` alone, and a repository of many manifests in three sources.
//!
//! Objects are made here, the same ones in every run, each of about 10 kB. `--bench` makes a dump of
//! 10,000 objects, or of as many as `SCALE_OBJECTS` says, in the folder for temporary files; without it
//! a small one is made, and only what comes out is checked.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first wrong result and prints"
)]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use managed_fields::cli::{Io, run_from};

const SOURCES: [&str; 3] = ["chart", "platform", "team"];
/// As many containers make an object about as large as they are in clusters.
const CONTAINERS: usize = 10;

/// A Deployment as it is applied by one of the sources. Each has its own part; of every tenth the
/// replicas are fought over.
fn config(number: usize, source: usize) -> String {
    let mut spec = String::new();
    if source == 0 || number.is_multiple_of(10) {
        let _ = write!(spec, "\"replicas\":{},", source + 1);
    }
    let mut containers = String::new();
    for container in 0..CONTAINERS {
        let comma = if container > 0 { "," } else { "" };
        let own = match source {
            0 => format!(
                r#""image":"registry.example.com/shop/service-{number}:1.{container}","ports":[{{"containerPort":{}}}]"#,
                8000 + container
            ),
            1 => r#""resources":{"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"memory":"256Mi"}}"#
                .to_owned(),
            _ => format!(
                r#""env":[{{"name":"REGION","value":"eu-{container}"}},{{"name":"LEVEL","value":"info"}}]"#
            ),
        };
        let _ = write!(containers, r#"{comma}{{"name":"c{container}",{own}}}"#);
    }
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web-{number}","namespace":"ns-{}","labels":{{"{}/part":"yes"}}}},"spec":{{{spec}"template":{{"spec":{{"containers":[{containers}]}}}}}}}}"#,
        number % 97,
        SOURCES[source]
    )
}

/// The object as it is in the cluster after all three have applied.
fn live(number: usize) -> String {
    use managed_fields::{Document, FieldManager, Schemas};
    let schemas = Schemas::builtin();
    let manager = FieldManager::new(&schemas);
    let mut object: Option<String> = None;
    for (index, source) in SOURCES.iter().enumerate() {
        let before = object.as_deref().map_or_else(Document::absent, Document::from);
        let config = config(number, index);
        let applied =
            manager.apply(before, &config).field_manager(*source).force(true).run().unwrap();
        object = Some(applied.object().to_owned());
    }
    object.unwrap_or_default()
}

fn write_dump(path: &Path, count: usize) -> u64 {
    // A few hundred different objects, each again and again under other names.
    let made: Vec<String> = (0..count.min(500)).map(live).collect();
    let mut file = BufWriter::new(File::create(path).unwrap());
    write!(file, "{{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n").unwrap();
    for number in 0..count {
        let like = &made[number % made.len()];
        let name = format!("\"name\":\"web-{}\"", number % made.len());
        let object = like.replacen(&name, &format!("\"name\":\"web-{number}\""), 1);
        let comma = if number > 0 { ",\n" } else { "" };
        write!(file, "{comma}{object}").unwrap();
    }
    write!(file, "\n    ],\n    \"kind\": \"List\"\n}}\n").unwrap();
    file.into_inner().unwrap().metadata().unwrap().len()
}

/// The dump some time later: of every hundredth object another manager has taken over.
fn write_later(dump: &Path, later: &Path) -> usize {
    let mut file = BufWriter::new(File::create(later).unwrap());
    let (mut number, mut changed) = (0, 0);
    for line in BufReader::new(File::open(dump).unwrap()).lines() {
        let mut line = line.unwrap();
        if line.starts_with('{') && line.len() > 1 {
            if number % 100 == 0 {
                line = line.replace(r#""manager":"team""#, r#""manager":"crew""#);
                changed += 1;
            }
            number += 1;
        }
        writeln!(file, "{line}").unwrap();
    }
    changed
}

fn write_repository(folder: &Path, count: usize) -> Vec<String> {
    for (index, source) in SOURCES.iter().enumerate() {
        let folder = folder.join(source);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..count {
            let value = managed_fields::Value::from_json(&config(number, index)).unwrap();
            let yaml = managed_fields::yaml::from_value(value.as_ref());
            fs::write(folder.join(format!("web-{number}.yaml")), yaml).unwrap();
        }
    }
    SOURCES.iter().map(|source| format!("{source}={}", folder.join(source).display())).collect()
}

fn run(arguments: &[&str]) -> (Duration, i32, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let start = Instant::now();
    let code = run_from(
        std::iter::once("managed-fields").chain(arguments.iter().copied()),
        &mut Io {
            stdin: &mut std::io::empty(),
            stdout: &mut out,
            stderr: &mut err,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            no_color: true,
            now: jiff::Timestamp::UNIX_EPOCH,
        },
    );
    assert!(code < 2, "{}", String::from_utf8_lossy(&err));
    (start.elapsed(), code, String::from_utf8(out).unwrap())
}

/// The time that it takes to parse every object of a dump with `serde_json` alone, one after the other.
fn parse_alone(path: &Path) -> Duration {
    let text = fs::read_to_string(path).unwrap();
    let start = Instant::now();
    for line in text.lines().filter(|line| line.starts_with('{') && line.len() > 1) {
        let object: serde_json::Value =
            serde_json::from_str(line.strip_suffix(',').unwrap_or(line)).unwrap();
        std::hint::black_box(object);
    }
    start.elapsed()
}

/// The most memory that the process has had since the last call, in MiB; Linux only.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kib / 1024)
}

fn main() {
    let is_full = std::env::args().any(|argument| argument == "--bench");
    let count = match std::env::var("SCALE_OBJECTS") {
        Ok(count) => count.parse().unwrap(),
        Err(_) if is_full => 10_000,
        Err(_) => 200,
    };
    let folder: PathBuf =
        std::env::temp_dir().join(format!("managed-fields-scale-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let dump = folder.join("dump.json");
    let size = write_dump(&dump, count);
    let manifests = if is_full { 10_000 } else { 50 };
    let from = write_repository(&folder.join("repository"), manifests);
    let dump_name = dump.display().to_string();
    let report = |what: &str, time: Duration| {
        let speed = size as f64 / 1e6 / time.as_secs_f64();
        let peak = peak().map(|peak| format!("{peak} MiB")).unwrap_or_default();
        println!("{what:<44} {:>8.2} s {speed:>8.0} MB/s  {peak:>10}", time.as_secs_f64());
    };
    println!("{count} objects, {:.0} MB", size as f64 / 1e6);
    peak();

    let (time, code, out) = run(&["blame", "-f", &dump_name, "--summary"]);
    assert_eq!(code, 0);
    assert!(out.ends_with(&format!("{count} objects, 0 of which nobody owns anything\n")), "{out}");
    report("blame --summary", time);

    let (time, code, out) = run(&["size", "-f", &dump_name]);
    assert_eq!(code, 0);
    assert!(out.contains(&format!("\n{count} objects, ")), "{out}");
    report("size", time);

    let later = folder.join("later.json");
    let changed = write_later(&dump, &later);
    let later_name = later.display().to_string();
    let (time, code, out) = run(&["diff", "-f", &dump_name, "-f", &later_name]);
    assert_eq!((code, out.matches("# Deployment ").count()), (1, changed));
    report("diff with a dump as large", time);
    let plan = ["plan", "rename", "--from", "crew", "--to", "team", "-o", "patch", "-f"];
    let (time, code, out) = run(&[&plan[..], &[&later_name]].concat());
    assert_eq!((code, out.lines().count()), (0, changed));
    report("plan rename, a hundredth", time);

    // One manifest among all live objects: what is not wanted is passed over.
    let few = folder.join("few");
    fs::create_dir_all(&few).unwrap();
    for number in 0..20 {
        fs::write(few.join(format!("{number}.json")), config(number * 7 % count, 2)).unwrap();
    }
    let few_name = few.display().to_string();
    let would_change = ["would-change", "--field-manager", "other", "--force-conflicts", "-f"];
    let (time, _, out) = run(&[&would_change[..], &[&few_name, "--live", &dump_name]].concat());
    assert_eq!(out.matches("# Deployment ").count(), 20, "{out}");
    report("would-change --live, 20 objects", time);
    let few = format!("other={few_name}");
    let (time, _, out) = run(&["conflicts", "--from", &few, "--live", &dump_name]);
    assert!(out.contains("20 objects in the sources, 20 contested"), "{out}");
    report("conflicts --live, 20 objects", time);

    let sources: Vec<&str> = from.iter().flat_map(|from| ["--from", from.as_str()]).collect();
    let (time, code, out) = run(&[&["conflicts"], &sources[..]].concat());
    assert_eq!(code, 1);
    assert!(
        out.contains(&format!("contested: {} conflict, ", manifests / 10)),
        "{}",
        &out[out.len() - 200..]
    );
    let peak_of_sources = peak().map(|peak| format!("{peak} MiB")).unwrap_or_default();
    println!(
        "conflicts, 3 sources of {manifests} manifests each    {:>8.2} s                {peak_of_sources:>10}",
        time.as_secs_f64()
    );

    report("serde_json alone, one core", parse_alone(&dump));
    fs::remove_dir_all(&folder).unwrap();
}
