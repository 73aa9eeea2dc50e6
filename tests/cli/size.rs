//! `size`: bytes of entries, and compaction.

use serde_json::Value;

use super::{Terminal, assert_run, run, run_on};

const LIVE: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"x","resourceVersion":"7","managedFields":[{"manager":"ann","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}}},{"manager":"gone","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{}}]},"data":{"k":"v"}}"#;

#[test]
fn bytes_are_counted_by_manager() {
    let text = "\
MANAGER  OPERATION  SUBRESOURCE  OBJECTS  FIELDS  BYTES
ann      Apply                   1        1       112
gone     Update                  1        0       95

1 object, 344 bytes, of which managedFields 210 (61 %); --compact saves 96
";
    assert_run(&run("size -f -", LIVE), 0, text, "");
}

#[test]
fn neither_spaces_nor_the_order_of_entries_count() {
    let mut object: Value = serde_json::from_str(LIVE).unwrap();
    object["metadata"]["managedFields"].as_array_mut().unwrap().reverse();
    let turned = serde_json::to_string_pretty(&object).unwrap();
    assert_eq!(run("size -f -", turned).out, run("size -f -", LIVE).out);
}

#[test]
fn kinds_are_told_where_there_are_several() {
    let other = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"b"}}"#;
    let done = run("size -f -", format!("{LIVE}\n{other}\n"));
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("\nv1          Secret "), "{}", done.out);
    let told = run("size -f - -o json", format!("{LIVE}\n{other}\n"));
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told["schemaVersion"], "managed-fields.size/v1");
    assert_eq!(told["objects"], 2);
    assert_eq!(told["managers"][0]["manager"], "ann");
    assert_eq!(told["kinds"][1]["managedFieldsBytes"], 0);
}

#[test]
fn compacted_objects_lack_what_means_nothing() {
    let done = run("size --compact -f - -o json", LIVE);
    assert_eq!(done.code, 0, "{}", done.err);
    let object: Value = serde_json::from_str(&done.out).unwrap();
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!((entries.len(), &entries[0]["manager"]), (1, &"ann".into()));
    let patch = run("size --compact -f - -o patch", LIVE);
    let text = concat!(
        r#"[{"op":"replace","path":"/metadata/managedFields","value":[{"manager":"ann","operation":"Apply","#,
        r#""apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:k":{}}}}]},"#,
        r#"{"op":"replace","path":"/metadata/resourceVersion","value":"7"}]"#,
        "\n"
    );
    assert_run(&patch, 0, text, "");
    // Of several each says what it is for.
    let several = run("size --compact -f - -o patch", format!("{LIVE}\n{LIVE}\n"));
    let named = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"namespace\":\"x\",\"name\":\"a\",\"patch\":{}}}\n",
        text.trim_end()
    );
    assert_run(&several, 0, &named.repeat(2), "");
    // There is nothing left to do, and the result is its own.
    let again = run("size --compact -f - -o patch", &done.out);
    assert_eq!((again.code, again.out.as_str()), (0, ""));
    assert!(again.err.contains("there is nothing to compact"), "{}", again.err);
}

#[test]
fn what_cannot_be_read_is_told() {
    let broken = LIVE.replace("\"Apply\"", "\"Paint\"");
    for options in ["", "--compact"] {
        let done = run(&format!("size {options} -f -"), &broken);
        assert_eq!(done.code, 2, "{}", done.out);
        assert!(done.err.contains("operation must be `Apply` or `Update`"), "{}", done.err);
    }
    assert_eq!(run("size -f - -o patch", LIVE).code, 2);
    assert_eq!(run("size --compact -f - -o table", LIVE).code, 2);
    let none = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#;
    let text = "1 object, 62 bytes, of which managedFields 0 (0 %)\n";
    assert_run(&run("size -f -", none), 0, text, "");
}

/// What each compacted object says: its name and its managers.
fn compacted(objects: &[Value]) -> Vec<String> {
    let told = |object: &Value| {
        let entries = object["metadata"]["managedFields"].as_array().unwrap();
        let names: Vec<&str> =
            entries.iter().map(|entry| entry["manager"].as_str().unwrap()).collect();
        format!("{} {}", object["metadata"]["name"].as_str().unwrap(), names.join(" "))
    };
    objects.iter().map(told).collect()
}

#[test]
fn directories_lists_and_documents_are_compacted_alike() {
    let named = |name: &str| LIVE.replace("\"name\":\"a\"", &format!("\"name\":\"{name}\""));
    let clean = named("clean").replace(
        r#",{"manager":"gone","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{}}"#,
        "",
    );
    let folder = format!("{}/size-folder", env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(format!("{folder}/below")).unwrap();
    let list = format!(
        r#"{{"apiVersion":"v1","kind":"List","items":[{},{clean},{}]}}"#,
        named("b"),
        named("c")
    );
    std::fs::write(format!("{folder}/a.json"), named("a")).unwrap();
    std::fs::write(format!("{folder}/below/list.json"), list).unwrap();
    std::fs::write(format!("{folder}/more.yaml"), format!("{}\n---\n{clean}\n", named("d")))
        .unwrap();
    let expected = ["a ann", "b ann", "clean ann", "c ann", "d ann", "clean ann"];
    let json = run(&format!("size --compact -R -f {folder} -o json"), "");
    assert_eq!((json.code, json.err.as_str()), (0, ""));
    let told: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(compacted(told["items"].as_array().unwrap()), expected);
    let yaml = run(&format!("size --compact -R -f {folder}"), "");
    let documents = yaml.out.split("---\n").map(|document| {
        serde_json::from_str(&managed_fields::yaml::to_json(document).unwrap()).unwrap()
    });
    assert_eq!(compacted(&documents.collect::<Vec<_>>()), expected);
    // Where nothing is to be done no patch is written.
    let patches = run(&format!("size --compact -R -f {folder} -o patch"), "");
    let note = "note: size: there is nothing to compact in 2 of 6 objects\n";
    assert_eq!((patches.code, patches.err.as_str()), (0, note));
    let names: Vec<Value> = patches
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].clone())
        .collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    let counted = run(&format!("size -R -f {folder}"), "");
    assert!(counted.out.contains("\nann      Apply                   6        6       672\n"));
    let flat = run(&format!("size -f {folder}"), "");
    assert!(flat.out.contains("\n3 objects, "), "{}", flat.out);
}

/// The one patch of several objects, or of a list, says which object it is for.
#[test]
fn a_patch_says_what_it_is_for_unless_there_is_one_object() {
    let none = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}"#;
    let start = r#"{"apiVersion":"v1","kind":"ConfigMap","namespace":"x","name":"a","patch":[{"#;
    for objects in [
        format!("{LIVE}\n{none}\n"),
        format!("{none}\n{LIVE}\n"),
        format!(r#"{{"apiVersion":"v1","kind":"List","items":[{LIVE}]}}"#),
    ] {
        let done = run("size --compact -o patch -f -", objects);
        assert_eq!((done.code, done.out.lines().count()), (0, 1), "{}", done.err);
        assert!(done.out.starts_with(start), "{}", done.out);
    }
    let unguarded = LIVE.replace(r#""resourceVersion":"7","#, "");
    let done = run("size --compact -o patch -f -", unguarded);
    assert!(done.err.contains("the object has no resourceVersion"), "{}", done.err);
}

/// A dump that is read piece by piece, from a pipe and from a file.
#[test]
fn of_a_dump_only_what_saves_bytes_is_patched() {
    let filler = "x".repeat(2000);
    let other = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c"}},"data":{{"k":"{filler}"}}}}"#
    );
    let others = vec![other; 700].join(",");
    let last = LIVE.replace("\"name\":\"a\"", "\"name\":\"z\"");
    let dump = format!(r#"{{"kind":"List","apiVersion":"v1","items":[{LIVE},{others},{last}]}}"#);
    let piped = run("size --compact -o patch -f -", &dump);
    let note = "note: size: there is nothing to compact in 700 of 702 objects\n";
    assert_eq!((piped.code, piped.err.as_str(), piped.out.lines().count()), (0, note, 2));
    let file = super::temporary("size-dump.json", &dump);
    assert_eq!(run(&format!("size --compact -o patch -f {file}"), "").out, piped.out);
    let whole = run(&format!("size --compact -o json -f {file}"), "");
    let list: Value = serde_json::from_str(&whole.out).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 702);
}

#[test]
fn values_of_secrets_are_masked_on_a_terminal() {
    let secret = LIVE.replace("ConfigMap", "Secret").replace(r#""k":"v""#, r#""k":"aHVudGVyMg==""#);
    let terminal = Terminal { stdout: true, stderr: true };
    let words = ["size", "--compact", "-f", "-"];
    let masked = run_on(terminal, &words, secret.as_bytes());
    assert!(masked.code == 0 && !masked.out.contains("aHVudGVyMg=="), "{}", masked.out);
    let shown = run_on(terminal, &[&words[..], &["--show-secrets"]].concat(), secret.as_bytes());
    assert!(shown.out.contains("aHVudGVyMg=="), "{}", shown.out);
    // What is to be used is whole, and neither counts nor patches hold values.
    assert!(run("size --compact -f -", &secret).out.contains("aHVudGVyMg=="));
    for options in ["", "-o json", "--compact -o patch"] {
        assert!(!run(&format!("size {options} -f -"), &secret).out.contains("aHVudGVyMg=="));
    }
}

/// The files of a directory are read on all cores, in order, and a broken one costs only itself.
#[test]
fn directories_of_many_manifests_are_read_whatever_some_hold() {
    let folder = format!("{}/size-many", env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..200 {
        let text = match number {
            17 => "a: [1".to_owned(),
            18 => format!("{LIVE}\n---\nkind: A\nkind: A\n"),
            19 => "# nothing\n".to_owned(),
            number => LIVE.replace("\"name\":\"a\"", &format!("\"name\":\"n{number}\"")),
        };
        std::fs::write(format!("{folder}/{number:03}.yaml"), text).unwrap();
    }
    let done = run(&format!("size --compact -o patch -f {folder}"), "");
    let lines: Vec<&str> = done.err.lines().collect();
    assert_eq!((done.code, lines.len()), (2, 3), "{}", done.err);
    assert!(lines[0].contains("/017.yaml: document 1 (line 1): unclosed bracket"), "{}", lines[0]);
    assert!(lines[1].contains("/018.yaml: document 2 (line 3): line 4: key \"kind\" already set"));
    assert_eq!(lines[2], "note: size: there is nothing to compact in 1 of 199 objects");
    let names: Vec<String> = done
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].as_str().unwrap().into())
        .collect();
    let expected = (0..200).filter(|number| ![17, 19].contains(number));
    let expected: Vec<String> = expected
        .map(|number| if number == 18 { "a".to_owned() } else { format!("n{number}") })
        .collect();
    assert_eq!(names, expected);
}
