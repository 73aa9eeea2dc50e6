//! `--kubernetes-version`: whose kinds are known without a schema.

use crate::{assert_run, run};

const WORKLOAD: &str = "{apiVersion: scheduling.k8s.io/v1beta1, kind: Workload, \
    metadata: {name: a}, spec: {podGroupTemplates: [{name: b}]}}";

#[test]
fn kinds_are_those_of_the_version() {
    let fields = "fields --config -f - --strict-schema";
    let keyed = ".spec.podGroupTemplates[name=\"b\"]\n.spec.podGroupTemplates[name=\"b\"].name\n";
    for newest in ["", " --kubernetes-version 1.37", " --kubernetes-version v1.37.0-rc.1"] {
        assert_run(&run(&format!("{fields}{newest}"), WORKLOAD), 0, keyed, "");
    }
    assert_run(
        &run(&format!("{fields} --kubernetes-version 1.36"), WORKLOAD),
        2,
        "",
        "error: standard input: document 1 (line 1): there is no schema for \
         scheduling.k8s.io/v1beta1, Kind=Workload\n",
    );
}

#[test]
fn unknown_versions_are_errors_that_name_the_known_ones() {
    let done = run("fields --config -f - --kubernetes-version 1.20", WORKLOAD);
    assert_run(
        &done,
        2,
        "",
        "error: invalid value '1.20' for '--kubernetes-version <VERSION>': the kinds of Kubernetes \
         \"1.20\" are not known, only those of 1.35, 1.36, 1.37\n\nFor more information, try '--help'.\n",
    );
}
