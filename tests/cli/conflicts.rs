//! `conflicts`: who will fight over which fields.

use std::time::Instant;

use serde_json::{Value, json};

use super::sarif::assert_sarif;
use super::{Outcome, Terminal, assert_run, run, run_on};

const PLATFORM: &str = "platform=tests/cli/data/conflicts/platform";
const TEAM: &str = "team=tests/cli/data/conflicts/team";
const CHART: &str = "chart=tests/cli/data/conflicts/chart";
const LIVE: &str = "tests/cli/data/conflicts/live.yaml";

fn findings(outcome: &Outcome) -> Vec<Value> {
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(report["schemaVersion"], "managed-fields.conflicts/v1");
    report["findings"].as_array().unwrap().clone()
}

fn classes(outcome: &Outcome) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings(outcome).iter().map(|found| (text(&found["path"]), text(&found["class"]))).collect()
}

/// Runs two documents against each other, and one that is live if there is any.
fn fight(ours: &str, theirs: &str, live: Option<&str>, managers: [&str; 2]) -> Outcome {
    fight_as(ours, theirs, live, managers, "json")
}

fn fight_as(
    ours: &str,
    theirs: &str,
    live: Option<&str>,
    managers: [&str; 2],
    form: &str,
) -> Outcome {
    let folder = std::env::temp_dir().join(format!(
        "managed-fields-conflicts-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in [("a.yaml", ours), ("b.yaml", theirs), ("live.yaml", live.unwrap_or(""))] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let folder = folder.display().to_string();
    let live = live.map(|_| format!("--live {folder}/live.yaml")).unwrap_or_default();
    let [a, b] = managers;
    run(
        &format!(
            "conflicts --from {a}={folder}/a.yaml --from {b}={folder}/b.yaml {live} -o {form}"
        ),
        "",
    )
}

fn map(data: &str) -> String {
    format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {data}}}")
}

#[test]
fn fields_are_told_with_all_claims_and_their_lines() {
    assert_run(
        &run(&format!("conflicts --from {PLATFORM} --from {TEAM} --from {CHART}"), ""),
        1,
        "\
OBJECT               PATH                                                CLASS           MANAGER                  VALUE           WHERE
Secret shop/door     .data.key                                           conflict        platform                 \"***\"           tests/cli/data/conflicts/platform/web.yaml:21
                                                                                         team                     \"***\"           tests/cli/data/conflicts/team/web.yaml:22
Deployment shop/web  .spec.replicas                                      conflict        platform                 3               tests/cli/data/conflicts/platform/web.yaml:9
                                                                                         team                     2               tests/cli/data/conflicts/team/web.yaml:11
                                                                                         kube-controller-manager                  profile, Update/scale
                     .spec.template.spec.containers[name=\"web\"].command  atomic-overlap  platform                 [\"run\",\"fast\"]  tests/cli/data/conflicts/platform/web.yaml:15
                                                                                         team                     [\"run\"]         tests/cli/data/conflicts/team/web.yaml:17

4 objects in the sources, 2 contested: 1 atomic-overlap, 2 conflict, 3 agree
",
        "",
    );
}

#[test]
fn json_is_as_documented() {
    let outcome = run(
        &format!("conflicts --from {PLATFORM} --from {TEAM} --live {LIVE} --no-profiles -o json"),
        "",
    );
    assert_eq!(outcome.code, 1);
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(
        report["summary"],
        json!({"objects":3,"contested":2,"agree":2,"orderDependent":0,"wouldPrune":0,"conflict":3,"atomicOverlap":1})
    );
    let tier = findings(&outcome).into_iter().find(|f| f["path"] == ".metadata.labels.tier");
    assert_eq!(
        tier.unwrap(),
        json!({
            "object": {"apiVersion":"apps/v1","kind":"Deployment","namespace":"shop","name":"web"},
            "path": ".metadata.labels.tier",
            "class": "conflict",
            "severity": "error",
            "claims": [
                {"manager":"platform","source":"file","operation":"Apply","subresource":"","file":"tests/cli/data/conflicts/platform/web.yaml","line":7,"value":"gold"},
                {"manager":"team","source":"file","operation":"Apply","subresource":"","file":"tests/cli/data/conflicts/team/web.yaml","line":9,"value":"gold"},
                {"manager":"kubectl","source":"live","operation":"Update","subresource":"","file":LIVE,"line":null,"value":"silver"},
            ],
        })
    );
}

#[test]
fn the_order_of_arguments_does_not_matter() {
    let sources = [PLATFORM, TEAM, CHART];
    for form in ["table", "json", "markdown", "sarif", "github", "html"] {
        let with = |order: [usize; 3]| {
            let from: Vec<String> =
                order.iter().map(|at| format!("--from {}", sources[*at])).collect();
            run(&format!("conflicts {} --live {LIVE} -o {form}", from.join(" ")), "")
        };
        let first = with([0, 1, 2]);
        assert_eq!(first.code, 1, "{form}");
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            assert_eq!(with(order).out, first.out, "{form} {order:?}");
        }
    }
}

#[test]
fn agree_is_no_finding() {
    let done = fight(&map("{k: v}"), &map("{k: v}"), None, ["a", "b"]);
    assert_eq!((done.code, classes(&done)), (0, vec![(".data.k".into(), "agree".into())]));
}

#[test]
fn conflict_is_a_refusal_of_whoever_comes_later() {
    let done = fight(&map("{k: v}"), &map("{k: w, l: x}"), None, ["a", "b"]);
    assert_eq!((done.code, classes(&done)), (1, vec![(".data.k".into(), "conflict".into())]));
}

#[test]
fn atomic_overlap_is_a_refusal_over_a_whole() {
    let service = |selector: &str| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: a}}, spec: {{selector: {selector}}}}}"
        )
    };
    let done = fight(&service("{app: a}"), &service("{tier: b}"), None, ["a", "b"]);
    let expected = vec![(".spec.selector".into(), "atomic-overlap".into())];
    assert_eq!((done.code, classes(&done)), (1, expected));
}

/// Two sources of one manager take each other's fields away.
#[test]
fn would_prune_is_what_an_apply_removes() {
    let done = fight(&map("{k: v, l: x}"), &map("{k: v}"), None, ["a", "a"]);
    let expected =
        vec![(".data.k".into(), "agree".into()), (".data.l".into(), "would-prune".into())];
    assert_eq!((done.code, classes(&done)), (1, expected));
}

/// What somebody else has deployed without owning it goes when the owner drops it.
#[test]
fn would_prune_is_found_among_live_objects_too() {
    let live = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: u, managedFields: [
        {manager: a, operation: Apply, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {'f:data': {'f:k': {}, 'f:l': {}}}}]},
        data: {k: v, l: x}}";
    let done = fight(&map("{k: v}"), &map("{l: x}"), Some(live), ["a", "b"]);
    assert_eq!((done.code, classes(&done)), (1, vec![(".data.l".into(), "would-prune".into())]));
}

/// The owner is about to want what the other wants already: only one order works.
#[test]
fn order_dependent_is_what_only_one_order_allows() {
    let live = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: u, managedFields: [
        {manager: a, operation: Apply, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {'f:data': {'f:k': {}}}}]},
        data: {k: old}}";
    let done = fight(&map("{k: new}"), &map("{k: new}"), Some(live), ["a", "b"]);
    let expected = vec![(".data.k".into(), "order-dependent".into())];
    assert_eq!((done.code, classes(&done)), (1, expected));
    // Values of one manager's two sources overwrite each other without a word.
    let done = fight(&map("{k: v}"), &map("{k: w}"), None, ["a", "a"]);
    let expected = vec![(".data.k".into(), "order-dependent".into())];
    assert_eq!((done.code, classes(&done)), (1, expected));
}

#[test]
fn a_comment_has_a_table_for_each_object() {
    let done = run(&format!("conflicts --from {PLATFORM} --from {TEAM} -o markdown"), "");
    assert_eq!(done.code, 1);
    assert!(done.out.starts_with("## Field ownership\n\n**3 fields will be fought over**: "));
    assert!(done.out.contains("### Deployment shop/web\n\n| path | class | who wants what |"));
    let quiet = run(&format!("conflicts --from {CHART} -o markdown"), "");
    assert_eq!(quiet.code, 0);
    assert_eq!(
        quiet.out,
        "## Field ownership\n\nNo fights: 1 object in the sources, 0 contested: 0 agree.\n"
    );
}

#[test]
fn a_comment_that_would_be_too_long_counts_the_rest() {
    let data = |value: &str| {
        let members: Vec<String> = (0..1_000).map(|at| format!("k{at}: {value}")).collect();
        map(&format!("{{{}}}", members.join(", ")))
    };
    let comment = fight_as(&data("one"), &data("two"), None, ["a", "b"], "markdown").out;
    let told = comment.matches("| conflict |").count();
    assert!(comment.chars().count() < 65_536 && told > 100, "{told}");
    let rest =
        format!("\n\nAnd {} more fields, which `-o json` has.\n\n* *conflict*: ", 1_000 - told);
    assert!(comment.contains(&rest), "{}", &comment[comment.len() - 200..]);
}

#[test]
fn every_claiming_line_is_annotated() {
    let done = run(&format!("conflicts --from {PLATFORM} --from {TEAM} -o github"), "");
    let places: Vec<&str> = done.out.lines().map(|line| line.split("::").nth(1).unwrap()).collect();
    assert_eq!(
        places,
        [
            "error file=tests/cli/data/conflicts/platform/web.yaml,line=21,title=conflict",
            "error file=tests/cli/data/conflicts/team/web.yaml,line=22,title=conflict",
            "error file=tests/cli/data/conflicts/platform/web.yaml,line=9,title=conflict",
            "error file=tests/cli/data/conflicts/team/web.yaml,line=11,title=conflict",
            "error file=tests/cli/data/conflicts/platform/web.yaml,line=15,title=atomic-overlap",
            "error file=tests/cli/data/conflicts/team/web.yaml,line=17,title=atomic-overlap",
        ]
    );
}

#[test]
fn sarif_has_rules_and_places() {
    let done = run(&format!("conflicts --from {PLATFORM} --from {TEAM} -o sarif"), "");
    let log = assert_sarif(&done.out);
    let run = &log["runs"][0];
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["atomic-overlap", "conflict", "would-prune", "order-dependent"]);
    let result = &run["results"][1];
    assert_eq!(result["ruleId"], rules[result["ruleIndex"].as_u64().unwrap() as usize]);
    assert_eq!(result["level"], "error");
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        json!({"artifactLocation":{"uri":"tests/cli/data/conflicts/platform/web.yaml"},"region":{"startLine":9,"startColumn":3}})
    );
    assert_eq!(
        result["relatedLocations"][0]["physicalLocation"],
        json!({"artifactLocation":{"uri":"tests/cli/data/conflicts/team/web.yaml"},"region":{"startLine":11,"startColumn":5}})
    );
    assert_eq!(
        result["partialFingerprints"],
        json!({"objectAndPath/v1":"Deployment shop/web .spec.replicas"})
    );
}

/// Files of any name, sources that are no files, claims without a line, and no findings at all.
#[test]
fn sarif_is_valid_whatever_is_found() {
    let folder =
        std::env::temp_dir().join(format!("managed-fields sarif é%[1] {}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let source = folder.join("a b#c?.yaml").display().to_string();
    std::fs::write(&source, map("{k: v, '<\u{1f600}>\"': x}")).unwrap();
    let ours = format!("ours={source}");
    let run = |more: &[&str], stdin: &str| {
        let words = [&["conflicts", "--from", &ours, "-o", "sarif"], more].concat();
        run_on(Terminal::default(), &words, stdin.as_bytes())
    };
    let done = run(&["--from", "theirs=-"], &map("{k: w, '<\u{1f600}>\"': z}"));
    let log = assert_sarif(&done.out);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!((done.code, results.len()), (1, 2));
    let place = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(place.as_str().unwrap().ends_with("/a%20b%23c%3F.yaml"), "{place}");
    let live = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[
        {"manager":"x","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1",
         "fieldsV1":{"f:data":{"f:k":{}}}}]},"data":{"k":"live"}}"#;
    let done = run(&["--live", "-"], live);
    let log = assert_sarif(&done.out);
    assert_eq!((done.code, log["runs"][0]["results"].as_array().unwrap().len()), (1, 1));
    let done = run(&[], "");
    assert_eq!(assert_sarif(&done.out)["runs"][0]["results"], json!([]));
    std::fs::remove_dir_all(&folder).unwrap();
    for from in [[PLATFORM, TEAM], [TEAM, CHART]] {
        let [ours, theirs] = from;
        let done = super::run(
            &format!("conflicts --from {ours} --from {theirs} --live {LIVE} -o sarif"),
            "",
        );
        assert_sarif(&done.out);
    }
}

#[test]
fn a_page_needs_nothing_else_and_escapes_everything() {
    let done = run(&format!("conflicts --from {PLATFORM} --from {TEAM} -o html"), "");
    assert!(done.out.starts_with("<!doctype html>"));
    for outside in ["http://", "https://", "src=", "<link", "<script"] {
        assert!(!done.out.contains(outside), "{outside}");
    }
    assert!(done.out.contains("<span class=\"count\">1 atomic-overlap</span>"));
    let value = |value: &str| map(&format!("{{k: '<script>{value}|`'}}"));
    let folder = std::env::temp_dir().join(format!("managed-fields-page-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.yaml"), value("a")).unwrap();
    std::fs::write(folder.join("b.yaml"), value("b")).unwrap();
    let folder = folder.display();
    for form in ["html", "markdown"] {
        let done = run(
            &format!("conflicts --from <b>={folder}/a.yaml --from b={folder}/b.yaml -o {form}"),
            "",
        );
        assert_eq!(
            (done.code, done.out.contains("<script>a"), done.out.contains("<b>")),
            (1, false, false)
        );
    }
}

#[test]
fn secrets_are_shown_only_on_demand() {
    for form in ["table", "json", "markdown", "sarif", "github", "html"] {
        let command = format!("conflicts --from {PLATFORM} --from {TEAM} -o {form}");
        assert!(!run(&command, "").out.contains("b3Blbg"), "{form}");
        assert!(run(&format!("{command} --show-secrets"), "").out.contains("b3Blbg"), "{form}");
    }
}

/// The names are those by which the controllers write: the beginnings of their user agents.
#[test]
fn known_controllers_are_told_by_the_names_they_write_under() {
    let metadata =
        |annotation: &str| format!("metadata: {{name: a, annotations: {{{annotation}: 'true'}}}}");
    let webhook = format!(
        "{{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, {}, \
         webhooks: [{{name: a.example.com, clientConfig: {{caBundle: eA==, url: 'https://example.com'}}}}]}}",
        metadata("cert-manager.io/inject-apiserver-ca")
    );
    let workload = format!(
        "{{apiVersion: apps/v1, kind: Deployment, {}, spec: {{template: {{metadata: {{annotations: \
         {{wave.pusher.com/config-hash: x}}}}}}}}}}",
        metadata("wave.pusher.com/update-on-config-change")
    );
    for (object, path, manager) in [
        (
            webhook,
            ".webhooks[name=\"a.example.com\"].clientConfig.caBundle",
            "cert-manager-cainjector",
        ),
        (workload, ".spec.template.metadata.annotations.wave.pusher.com/config-hash", "wave"),
    ] {
        let done = run("conflicts --from a=- -o json", object);
        assert_eq!((done.code, classes(&done)), (1, vec![(path.into(), "conflict".into())]));
        assert_eq!(findings(&done)[0]["claims"][1]["manager"], manager);
    }
}

#[test]
fn people_can_add_profiles() {
    let profiles = "profiles:\n- {name: x, manager: painter, kinds: [{kind: ConfigMap}], paths: ['.data[\"k\"]']}\n";
    let path =
        std::env::temp_dir().join(format!("managed-fields-profile-{}.yaml", std::process::id()));
    std::fs::write(&path, profiles).unwrap();
    let path = path.display();
    let done = run(&format!("conflicts --from a=- --profile {path} -o json"), map("{k: v}"));
    assert_eq!((done.code, classes(&done)), (1, vec![(".data.k".into(), "conflict".into())]));
    assert_eq!(
        findings(&done)[0]["claims"][1],
        json!({"manager":"painter","source":"profile","operation":"Update","subresource":"","file":null,"line":null,"value":null})
    );
    let wrong = run("conflicts --from a=- --profile tests/cli/data/conflicts/live.yaml", map("{}"));
    assert_eq!(wrong.code, 2);
    assert_eq!(
        wrong.err,
        "error: tests/cli/data/conflicts/live.yaml: unknown field `apiVersion`, expected `profiles`\n"
    );
}

/// The rest is analysed, and the exit code is that of an error.
#[test]
fn broken_documents_do_not_hide_the_others() {
    let content = format!(
        "{}\n---\nbroken: [\n---\n{}\n---\n{}\n",
        map("{k: v}"),
        map("{k: w}"),
        "kind: Lamp"
    );
    let done =
        run(&format!("conflicts --from a=- --from {PLATFORM} --from {TEAM} -n shop"), content);
    assert_eq!(done.code, 2);
    assert!(done.out.contains(".spec.replicas"));
    let errors: Vec<&str> = done.err.lines().collect();
    assert_eq!(errors.len(), 3, "{}", done.err);
    assert!(errors[0].starts_with("error: standard input: document 2 (line 3): "), "{}", errors[0]);
    assert_eq!(
        errors[1],
        "error: standard input: document 3 (line 5): ConfigMap shop/a is in this source already, at standard input: document 1 (line 1)"
    );
    assert_eq!(
        errors[2],
        "error: standard input: document 4 (line 7): the object has no apiVersion"
    );
}

/// Folders of many files are read on all cores, and told of in the order of names all the same.
#[test]
fn many_files_are_told_of_in_order() {
    let folder = std::env::temp_dir().join(format!("managed-fields-many-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for at in 0..300 {
        let text = match at % 50 {
            7 => "a: [".to_owned(),
            8 => String::new(),
            9 => map("{k: v}"),
            _ => map("{k: v}").replace("name: a", &format!("name: a{at}")),
        };
        std::fs::write(folder.join(format!("{at:03}.yaml")), text).unwrap();
    }
    let name = folder.display().to_string();
    let done = run(&format!("conflicts --from a={name}"), "");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(
        (done.code, done.out.as_str()),
        (2, "283 objects in the sources, 0 contested: 0 agree\n")
    );
    let told: Vec<&str> = done.err.lines().collect();
    let mut expected = Vec::new();
    for at in (0..300).filter(|at| [7, 8, 9].contains(&(at % 50)) && *at != 9) {
        let file = format!("error: {name}/{at:03}.yaml");
        expected.push(match at % 50 {
            7 => format!("{file}: document 1 (line 1): "),
            8 => format!("{file}: there is no object in it"),
            _ => format!("{file}: document 1 (line 1): ConfigMap a is in this source already, at {name}/009.yaml: "),
        });
    }
    // What is no object is told of while files are read, and what is twice there afterwards.
    expected.sort_by_key(|line| line.contains("already"));
    assert_eq!(told.len(), expected.len(), "{}", done.err);
    for (told, expected) in told.iter().zip(&expected) {
        assert!(told.starts_with(expected.as_str()), "{told} {expected}");
    }
}

/// Those who watch are told how far it has come, and nobody else.
#[test]
fn long_work_is_told_to_a_terminal() {
    let objects: Vec<String> =
        (0..2_100).map(|at| map("{k: v}").replace("name: a", &format!("name: a{at}"))).collect();
    let objects = objects.join("\n---\n");
    let run = |stderr| {
        let terminal = Terminal { stdout: false, stderr };
        run_on(terminal, &["conflicts", "--from", "a=-"], objects.as_bytes())
    };
    let watched = run(true).err;
    assert!(watched.contains("\r1024 objects read\r2048 objects read\r\u{1b}[K"), "{watched:?}");
    assert_eq!(run(false).err, "");
}

#[test]
fn every_class_is_in_the_help() {
    let help = run("conflicts --help", "").out;
    for class in ["agree", "order-dependent", "would-prune", "conflict", "atomic-overlap"] {
        assert!(help.contains(&format!("\n  {class} ")), "{class}");
    }
}

#[test]
fn what_makes_no_sense_is_an_error() {
    for (words, stdin, message) in [
        ("--from a", "", "expected the manager who applies, = and a file or directory"),
        ("--from =x", "", "the manager has no name"),
        ("--from a=", "", "expected a file, a directory or - behind ="),
        ("--from a=- -f x", "", "error: -f: say who applies these files: --from MANAGER=FILE"),
        ("--from a=-", "", "error: standard input: there is no object in it"),
        ("--from a=tests/no-such-folder", "", "No such file or directory"),
        ("", "", "--from <MANAGER=FILE>"),
        ("--from a=-", "{apiVersion: v1, kind: ConfigMap}", "the object has no name"),
    ] {
        let done = run(&format!("conflicts {words}"), stdin);
        assert_eq!(done.code, 2, "{words}: {}", done.out);
        assert!(done.err.contains(message), "{words}: {}", done.err);
    }
}

#[test]
fn a_missing_schema_is_told_once_for_each_kind() {
    let lamp = |name: &str| {
        format!("{{apiVersion: example.com/v1, kind: Lamp, metadata: {{name: {name}}}}}\n---\n")
    };
    let done = run("conflicts --from a=-", lamp("a") + &lamp("b"));
    assert_eq!((done.code, done.err.matches("there is no schema for").count()), (0, 1));
}

/// Links that run in circles end, and a text that would grow without bound is refused.
#[test]
fn hostile_sources_are_survived() {
    let folder =
        std::env::temp_dir().join(format!("managed-fields-hostile-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("inner")).unwrap();
    std::fs::write(folder.join("inner/a.yaml"), map("{k: v}")).unwrap();
    #[cfg(unix)]
    let _ = std::os::unix::fs::symlink(&folder, folder.join("inner/again"));
    let mut bomb = String::from(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n",
    );
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{before}]\n");
    }
    std::fs::write(folder.join("bomb.yaml"), bomb).unwrap();
    let name = folder.display();
    let done = run(&format!("conflicts -R --from a={name} --from b={name}/inner"), "");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((done.code, done.err.lines().count()), (2, 1), "{}", done.err);
    assert!(done.err.contains("bomb.yaml: document 1 (line 1): "), "{}", done.err);
    assert_eq!(done.out, "1 object in the sources, 1 contested: 1 agree\n");
}

/// Without conversion paths of different versions are not the same fields.
#[test]
fn versions_are_not_compared() {
    let scaler = |version: &str| {
        format!(
            "{{apiVersion: autoscaling/{version}, kind: HorizontalPodAutoscaler, metadata: {{name: a}}, spec: {{maxReplicas: 3}}}}"
        )
    };
    let done = fight(&scaler("v1"), &scaler("v2"), None, ["a", "b"]);
    assert_eq!((done.code, findings(&done).len()), (2, 0));
    assert!(
        done.err.ends_with(
            "b.yaml: document 1 (line 1): cannot be compared with the others: invalid object type: autoscaling/v2, Kind=HorizontalPodAutoscaler\n"
        ),
        "{}",
        done.err
    );
}

/// Four times the items take some four times as long, lines and all.
#[test]
fn long_reports_are_written_in_time() {
    let config = |items: usize, value: &str| {
        let mut text = String::from(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: app\n    env:\n",
        );
        for item in 0..items {
            text += &format!("    - name: V{item}\n      value: {value}\n");
        }
        text
    };
    let (few, many) = if cfg!(debug_assertions) { (250, 1_000) } else { (4_000, 16_000) };
    for form in ["table", "json", "markdown", "sarif", "github", "html"] {
        let time = |items: usize| {
            let texts = ["one", "two"].map(|value| config(items, value));
            let start = Instant::now();
            let done = fight_as(&texts[0], &texts[1], None, ["a", "b"], form);
            let took = start.elapsed();
            assert_eq!(done.code, 1, "{}", done.err);
            let told = done.out.matches("].value").count();
            // A comment ends before it is too long.
            assert!(told >= items || form == "markdown", "{form} {told}");
            assert!(form != "markdown" || done.out.len() < 65_536);
            took
        };
        // The machine may be busy with something else for a while.
        let soon = (0..5).any(|_| time(many) < 10 * time(few));
        assert!(soon, "{form}: {many} items take more than ten times as long as {few}");
    }
}
