//! `size`: bytes of entries, and compaction.

use super::{assert_run, run};

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
    let mut object: serde_json::Value = serde_json::from_str(LIVE).unwrap();
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
    let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told["schemaVersion"], "managed-fields.size/v1");
    assert_eq!(told["objects"], 2);
    assert_eq!(told["managers"][0]["manager"], "ann");
    assert_eq!(told["kinds"][1]["managedFieldsBytes"], 0);
}

#[test]
fn compacted_objects_lack_what_means_nothing() {
    let done = run("size --compact -f - -o json", LIVE);
    assert_eq!(done.code, 0, "{}", done.err);
    let object: serde_json::Value = serde_json::from_str(&done.out).unwrap();
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
