//! The same files through `kubectl apply --server-side` and through `managed-fields apply`: the same
//! messages, the same entries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use managed_fields::cli::{Io, run_from};

use super::driver::{Driver, Server, variable};
use super::judge::entries;
use super::support::json::{Json, same_data};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What a command line came to.
struct Ran {
    is_well: bool,
    stdout: String,
    stderr: String,
}

/// One step of a story.
enum Step {
    /// Done with kubectl alone, to make a state: its arguments.
    Before(&'static [&'static str], &'static str),
    /// Done with both: more arguments for both.
    Both(&'static [&'static str], &'static str),
}

struct Story {
    name: &'static str,
    path: &'static str,
    steps: &'static [Step],
}

use Step::{Before, Both};

const SERVER_SIDE: &[&str] = &["apply", "--server-side"];
const CLIENT_SIDE: &[&str] = &["apply"];

macro_rules! deployment {
    ($name:literal, $replicas:literal, $image:literal) => {
        concat!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ",
            $name,
            "\nspec:\n",
            "  replicas: ",
            $replicas,
            "\n  selector: {matchLabels: {app: web}}\n",
            "  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n",
            "      - name: main\n        image: ",
            $image,
            "\n"
        )
    };
}

macro_rules! map {
    ($name:literal, $data:literal) => {
        concat!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ",
            $name,
            "}\ndata: ",
            $data,
            "\n"
        )
    };
}

const STORIES: &[Story] = &[
    Story {
        name: "a new object, applied again and changed",
        path: "/api/v1/namespaces/live/configmaps/fresh",
        steps: &[
            Both(&[], map!("fresh", "{a: one, b: two}")),
            Both(&[], map!("fresh", "{a: one, b: two}")),
            Both(&[], map!("fresh", "{a: three}")),
        ],
    },
    Story {
        name: "one conflict, then force",
        path: "/api/v1/namespaces/live/configmaps/one",
        steps: &[
            Before(
                &["apply", "--server-side", "--field-manager=other"],
                map!("one", "{a: one, b: two}"),
            ),
            Both(&[], map!("one", "{a: three}")),
            Both(&["--force-conflicts"], map!("one", "{a: three}")),
        ],
    },
    Story {
        name: "several conflicts with several managers",
        path: "/apis/apps/v1/namespaces/live/deployments/several",
        steps: &[
            Before(
                &["apply", "--server-side", "--field-manager=other"],
                deployment!("several", "1", "a:1"),
            ),
            Before(
                &["apply", "--server-side", "--field-manager=third"],
                deployment!("several", "1", "a:1"),
            ),
            Both(&["--field-manager=team"], deployment!("several", "2", "a:2")),
            Both(
                &["--field-manager=team", "--force-conflicts"],
                deployment!("several", "2", "a:2"),
            ),
            Both(&["--field-manager=team"], deployment!("several", "3", "a:2")),
        ],
    },
    Story {
        name: "from client-side apply",
        path: "/apis/apps/v1/namespaces/live/deployments/moved",
        steps: &[
            Before(CLIENT_SIDE, deployment!("moved", "1", "a:1")),
            Both(&[], deployment!("moved", "1", "a:2")),
            Both(&[], deployment!("moved", "2", "a:2")),
        ],
    },
    Story {
        name: "from client-side apply, changed by somebody else",
        path: "/api/v1/namespaces/live/configmaps/stolen",
        steps: &[
            Before(CLIENT_SIDE, map!("stolen", "{a: one, b: two}")),
            Before(
                &["apply", "--server-side", "--field-manager=other", "--force-conflicts"],
                map!("stolen", "{a: three}"),
            ),
            Both(&[], map!("stolen", "{a: one, b: two}")),
            Both(&["--force-conflicts"], map!("stolen", "{a: one, b: two}")),
        ],
    },
    Story {
        name: "what was created without applying",
        path: "/api/v1/namespaces/live/configmaps/created",
        steps: &[
            Before(&["create"], map!("created", "{a: one}")),
            Both(&[], map!("created", "{a: two}")),
            Both(&["--force-conflicts"], map!("created", "{a: two}")),
        ],
    },
    Story {
        name: "a field that the schema does not have",
        path: "/api/v1/namespaces/live/configmaps/wrong",
        steps: &[Both(
            &[],
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wrong}\nbogus: {a: b}\n",
        )],
    },
    Story {
        name: "a custom resource",
        path: "/apis/live.example.com/v1/namespaces/live/widgets/custom",
        steps: &[
            Before(
                &["apply", "--server-side", "--field-manager=other"],
                "apiVersion: live.example.com/v1\nkind: Widget\nmetadata: {name: custom}\n\
                 spec: {ports: [{port: 80, name: x}], finalWords: [a], mode: slow}\n",
            ),
            Both(
                &[],
                "apiVersion: live.example.com/v1\nkind: Widget\nmetadata: {name: custom}\n\
                 spec: {ports: [{port: 80, name: z}, {port: 81}], finalWords: [b], mode: fast}\n",
            ),
            Both(
                &["--force-conflicts"],
                "apiVersion: live.example.com/v1\nkind: Widget\nmetadata: {name: custom}\n\
                 spec: {ports: [{port: 80, name: z}, {port: 81}], finalWords: [b], mode: fast}\n",
            ),
        ],
    },
];

/// Tells all stories with both. False if they differ.
pub fn run(server: &Server) -> bool {
    let mut both =
        Tools { driver: server.driver(), server, folder: server.folder().join("kubectl") };
    std::fs::create_dir_all(&both.folder).expect("the folder can be made");
    let published = both.driver.ask(&Json::map([
        ("op", Json::from("openapi")),
        ("version", Json::from("live.example.com/v1")),
    ]));
    let published = published.get("document").map(Json::to_string).unwrap_or_default();
    let schema = both.write("schema.json", &published);
    let (mut steps, mut differences) = (0, 0);
    for story in STORIES {
        for step in story.steps {
            // Changes are told by their times.
            std::thread::sleep(Duration::from_millis(1_100));
            match step {
                Before(arguments, file) => {
                    let ran = both.kubectl(arguments, file);
                    assert!(ran.is_well, "{}: {}", story.name, ran.stderr);
                }
                Both(arguments, file) => {
                    steps += 1;
                    let told = both.step(story.path, arguments, file, &schema);
                    differences += usize::from(told.is_err());
                    let (Ok(told) | Err(told)) = told;
                    println!("{}, {arguments:?}: {told}", story.name);
                }
            }
        }
    }
    println!("{steps} applies with kubectl and with managed-fields, {differences} differences");
    differences == 0
}

struct Tools<'s> {
    driver: Driver,
    server: &'s Server,
    folder: PathBuf,
}

impl Tools<'_> {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.join(name);
        std::fs::write(&file, text).expect("the file can be written");
        file
    }

    fn kubectl(&self, arguments: &[&str], file: &str) -> Ran {
        let file = self.write("config.yaml", file);
        let output = Command::new(variable("LIVE_BIN").join("kubectl"))
            .args(["--kubeconfig", &self.server.kubeconfig, "--cache-dir"])
            .arg(self.folder.join("cache"))
            .args(arguments)
            .arg("-f")
            .arg(file)
            .env("HOME", &self.folder)
            .env("KUBERC", "off")
            .output()
            .expect("kubectl can be started");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran {
            is_well: output.status.success(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    fn object(&mut self, path: &str) -> Json {
        let ask = Json::map([("op", Json::from("get")), ("path", Json::from(path))]);
        self.driver.ask(&ask).remove("object").unwrap_or(Json::Null)
    }

    /// One apply with both.
    fn step(
        &mut self,
        path: &str,
        more: &[&str],
        file: &str,
        schema: &Path,
    ) -> Result<String, String> {
        let before = self.object(path);
        let theirs = self.kubectl(&[SERVER_SIDE, more].concat(), file);
        let after = self.object(path);
        let times = entries(&after);
        let times = times.items().iter().map(|entry| entry.str_of("time"));
        let now = times.max().filter(|time| !time.is_empty()).unwrap_or("2026-01-01T00:00:00Z");
        let manager = more.iter().find_map(|argument| argument.strip_prefix("--field-manager="));
        let manager = manager.unwrap_or("kubectl");
        let config = self.write("config.yaml", file);
        let apply = |live: &Json| {
            let mut arguments = vec!["apply", "--field-manager", manager];
            arguments.extend(more.iter().filter(|argument| **argument == "--force-conflicts"));
            self.own(&arguments, &config, live, now, schema)
        };
        let mut ours = apply(&before);
        if let (true, Ok(applied)) =
            (ours.is_well && manager == "kubectl", Json::parse(&ours.stdout))
        {
            ours = self.migrated(applied, ours, &apply, now, schema)?;
        }
        if theirs.is_well != ours.is_well {
            return Err(format!("kubectl: {}\nmanaged-fields: {}", theirs.stderr, ours.stderr));
        }
        if !theirs.is_well {
            let message = message(&theirs.stderr);
            return match ours.stderr.contains(message) && !message.is_empty() {
                true => Ok(format!("both say {message}")),
                false => {
                    Err(format!("kubectl says {message}\nmanaged-fields says {}", ours.stderr))
                }
            };
        }
        let own = Json::parse(&ours.stdout).map_err(|error| format!("{error}: {}", ours.stdout))?;
        match same_data(&entries(&after), &entries(&own)) {
            true => Ok(format!("the same {} entries", entries(&own).items().len())),
            false => Err(format!("entries differ:\n{}\n{}", entries(&after), entries(&own))),
        }
    }

    /// What kubectl does after an apply to what it applied client-side before: it keeps the annotation
    /// under a name of its own, adopts the fields and applies the file once more.
    fn migrated(
        &self,
        mut applied: Json,
        ours: Ran,
        apply: &dyn Fn(&Json) -> Ran,
        now: &str,
        schema: &Path,
    ) -> Result<Ran, String> {
        let object = |ran: &Ran| {
            Json::parse(&ran.stdout).map_err(|error| format!("{error}: {}", ran.stderr))
        };
        let is_owned_by = |operation: &str, applied: &Json| {
            entries(applied).items().iter().any(|entry| {
                entry.str_of("operation") == operation
                    && entry.to_string().contains(&format!("f:{LAST_APPLIED}"))
            })
        };
        let annotation = applied
            .get("metadata")
            .and_then(|metadata| metadata.get("annotations"))
            .and_then(|annotations| annotations.get(LAST_APPLIED));
        if let Some(annotation) = annotation
            && !is_owned_by("Apply", &applied)
        {
            let name = applied.get("metadata").and_then(|m| m.get("name")).cloned();
            let config = Json::map([
                ("apiVersion", Json::from(applied.str_of("apiVersion"))),
                ("kind", Json::from(applied.str_of("kind"))),
                (
                    "metadata",
                    Json::map([
                        ("name", name.unwrap_or(Json::Null)),
                        ("annotations", Json::map([(LAST_APPLIED, annotation.clone())])),
                    ]),
                ),
            ]);
            let config = self.write("annotation.json", &config.to_string());
            let arguments = ["apply", "--field-manager", "kubectl-last-applied"];
            applied = object(&self.own(&arguments, &config, &applied, now, schema))?;
        }
        let from = "kubectl-client-side-apply";
        let is_client_side = |entry: &Json| entry.str_of("manager") == from;
        if !entries(&applied).items().iter().any(is_client_side) {
            return Ok(Ran { stdout: applied.to_string(), ..ours });
        }
        let file = self.write("adopted.json", &applied.to_string());
        let arguments = ["plan", "adopt", "--from", from, "--to", "kubectl", "-o", "json"];
        let adopted = object(&self.own(&arguments, &file, &Json::Null, now, schema))?;
        Ok(apply(&adopted))
    }

    /// The crate's command line.
    fn own(&self, arguments: &[&str], file: &Path, live: &Json, now: &str, schema: &Path) -> Ran {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut line: Vec<String> = vec!["managed-fields".to_owned()];
        line.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        line.extend(["-f".to_owned(), text(file), "--now".to_owned(), now.to_owned()]);
        line.extend(["--schema".to_owned(), text(schema)]);
        if arguments.first() == Some(&"apply") {
            line.extend(["-o", "json", "--show-managed-fields", "-n", "live"].map(str::to_owned));
            if !live.is_null() {
                line.extend([
                    "--live".to_owned(),
                    text(&self.write("live.json", &live.to_string())),
                ]);
            }
        }
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = run_from(
            line,
            &mut Io {
                stdin: &mut std::io::empty(),
                stdout: &mut stdout,
                stderr: &mut stderr,
                stdout_is_terminal: false,
                stderr_is_terminal: false,
                no_color: true,
                now: now.parse().expect("a time"),
            },
        );
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { is_well: code == 0, stdout: text(stdout), stderr: text(stderr) }
    }
}

/// What the server said, without kubectl's words around it.
fn message(stderr: &str) -> &str {
    let from = ["Error from server: ", "error: "];
    let said = from.iter().find_map(|prefix| Some(stderr.split_once(prefix)?.1)).unwrap_or(stderr);
    said.split("\nPlease review").next().unwrap_or_default().trim_end()
}
