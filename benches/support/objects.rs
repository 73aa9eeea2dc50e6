//! The objects of the six cases.

use managed_fields::schema::Schemas;
use serde_json::{Map, Value, json};

use super::text::{self, Numbers};
use super::{Case, Cluster, members};

const CREATED: &str = "2026-01-02T03:04:05Z";
const LATER: &str = "2026-01-02T03:05:06Z";
const LAST: &str = "2026-02-03T04:05:06Z";

/// All cases, in the order in which they are reported.
pub(crate) fn all(schemas: &Schemas) -> Vec<Case> {
    let cases = vec![
        pod(schemas),
        node(schemas),
        deployment(schemas),
        rich(schemas),
        endpoints(schemas),
        crd(schemas),
    ];
    cases.iter().for_each(Case::check_size);
    cases
}

/// A case whose apply gives the field at `changed` the value `after`.
fn case(
    name: &'static str,
    live: &Value,
    mut config: Value,
    manager: &'static str,
    changed: &'static str,
    after: &str,
) -> Case {
    let after = json!(after);
    let before = live.pointer(changed).cloned();
    let (parent, key) = changed.rsplit_once('/').unwrap();
    members(config.pointer_mut(parent).unwrap()).insert(key.into(), after.clone());
    Case {
        name,
        live: text::sorted(live),
        config: text::sorted(&config),
        manager,
        changed,
        before,
        after,
    }
}

fn condition(kind: &str, status: bool, reason: &str, message: &str) -> Value {
    json!({
        "lastTransitionTime": LATER,
        "message": message,
        "reason": reason,
        "status": if status { "True" } else { "False" },
        "type": kind,
    })
}

/// One applier owns metadata and spec, the kubelet the status.
pub(crate) fn pod(schemas: &Schemas) -> Case {
    let mut numbers = Numbers::new(1);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "annotations": {
                "ledger.example.com/config-hash": numbers.hex(64),
                "ledger.example.com/scrape": "true",
            },
            "labels": {
                "app.kubernetes.io/name": "ledger",
                "app.kubernetes.io/part-of": "payments",
                "app.kubernetes.io/version": "4.2.0",
                "tier": "backend",
            },
            "name": "ledger-0",
            "namespace": "payments",
        },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": [{
                "args": [
                    "serve", "--listen=:8443", "--config=/etc/ledger/ledger.toml",
                    "--metrics=:9090", "--shutdown-delay=15s", "--journal=/var/lib/ledger",
                    "--peers=ledger-1.ledger:8444,ledger-2.ledger:8444", "--replicate", "--trace",
                ],
                "env": [
                    {"name": "LEDGER_LOG", "value": "info"},
                    {"name": "LEDGER_POOL", "value": "24"},
                ],
                "image": "registry.example.com/payments/ledger:4.2.0",
                "imagePullPolicy": "IfNotPresent",
                "name": "ledger",
                "ports": [{"containerPort": 8443, "name": "https", "protocol": "TCP"}],
                "readinessProbe": {
                    "httpGet": {"path": "/ready", "port": "https", "scheme": "HTTPS"},
                    "periodSeconds": 5,
                },
                "resources": {
                    "limits": {"memory": "512Mi"},
                    "requests": {"cpu": "250m", "memory": "256Mi"},
                },
                "volumeMounts": [
                    {"mountPath": "/etc/ledger", "name": "config", "readOnly": true},
                ],
            }],
            "nodeSelector": {"kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux"},
            "restartPolicy": "Always",
            "serviceAccountName": "ledger",
            "terminationGracePeriodSeconds": 45,
            "tolerations": [
                {"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists"},
                {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists"},
            ],
            "volumes": [{"configMap": {"name": "ledger", "optional": false}, "name": "config"}],
        },
    });
    let status = json!({
        "conditions": [
            {"lastProbeTime": null, "lastTransitionTime": LATER, "status": "True", "type": "Initialized"},
            {"lastProbeTime": null, "lastTransitionTime": LATER, "status": "True", "type": "Ready"},
            {"lastProbeTime": null, "lastTransitionTime": LATER, "status": "True", "type": "PodScheduled"},
        ],
        "containerStatuses": [{
            "containerID": format!("containerd://{}", numbers.hex(64)),
            "image": "registry.example.com/payments/ledger:4.2.0",
            "imageID": format!("registry.example.com/payments/ledger@sha256:{}", numbers.hex(64)),
            "lastState": {},
            "name": "ledger",
            "ready": true,
            "restartCount": 0,
            "started": true,
            "state": {"running": {"startedAt": LATER}},
        }],
        "hostIP": "192.0.2.14",
        "phase": "Running",
        "podIP": "198.51.100.77",
        "podIPs": [{"ip": "198.51.100.77"}],
        "qosClass": "Burstable",
        "startTime": CREATED,
    });
    let live = Cluster::new(schemas)
        .apply(&config, "deployer", CREATED)
        .update("kubelet", "status", LATER, |object| object["status"] = status)
        .finish();
    let image = "registry.example.com/payments/ledger:4.3.0";
    case("pod", &live, config, "deployer", "/spec/containers/0/image", image)
}

/// One applier owns labels, annotations and spec, the kubelet the status.
pub(crate) fn node(schemas: &Schemas) -> Case {
    let mut numbers = Numbers::new(2);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "annotations": {
                "machine.example.com/image": "worker-2026-01",
                "machine.example.com/provisioned-by": "machine-operator v3.1",
                "machine.example.com/rack": "r17",
                "machine.example.com/serial": "QX-2207-B-004417",
            },
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": "worker-17",
                "kubernetes.io/os": "linux",
                "machine.example.com/size": "c16m64",
                "pool": "general",
                "topology.kubernetes.io/region": "north",
                "topology.kubernetes.io/zone": "north-b",
            },
            "name": "worker-17",
        },
        "spec": {
            "podCIDR": "198.51.100.0/24",
            "podCIDRs": ["198.51.100.0/24"],
            "providerID": "metal://north-b/r17/worker-17",
            "taints": [
                {"effect": "NoSchedule", "key": "machine.example.com/burn-in", "value": "running"},
            ],
        },
    });
    let conditions: Vec<Value> = [
        ("DiskPressure", "KubeletHasNoDiskPressure"),
        ("MemoryPressure", "KubeletHasSufficientMemory"),
        ("PIDPressure", "KubeletHasSufficientPID"),
        ("NetworkUnavailable", "RouteCreated"),
        ("KernelDeadlock", "KernelHasNoDeadlock"),
        ("ReadonlyFilesystem", "FilesystemIsNotReadOnly"),
        ("FrequentKubeletRestart", "NoFrequentKubeletRestart"),
        ("CorruptOverlay", "NoCorruptOverlay"),
        ("ClockSkew", "ClockIsInStep"),
        ("DeviceHealth", "DevicesAreHealthy"),
        ("Ready", "KubeletReady"),
    ]
    .iter()
    .map(|(kind, reason)| {
        let mut condition = condition(kind, *kind == "Ready", reason, &numbers.prose(36));
        condition["lastHeartbeatTime"] = json!(LAST);
        condition
    })
    .collect();
    let images: Vec<Value> = (0..33)
        .map(|index| {
            let name = format!("registry.example.com/team-{}/service-{index}", index % 7);
            json!({
                "names": [format!("{name}@sha256:{}", numbers.hex(64)), format!("{name}:1.{index}.0")],
                "sizeBytes": 40_000_000 + numbers.below(900_000_000),
            })
        })
        .collect();
    let resources = |cpu: &str, memory: &str| {
        json!({
            "cpu": cpu, "ephemeral-storage": "103079215104", "hugepages-1Gi": "0",
            "hugepages-2Mi": "0", "memory": memory, "pods": "110",
            "devices.example.com/fpga": "0", "devices.example.com/gpu": "2",
            "devices.example.com/nic": "4",
        })
    };
    let status = json!({
        "addresses": [
            {"address": "192.0.2.17", "type": "InternalIP"},
            {"address": "203.0.113.17", "type": "ExternalIP"},
            {"address": "worker-17", "type": "Hostname"},
            {"address": "worker-17.north.example.com", "type": "InternalDNS"},
        ],
        "allocatable": resources("15890m", "64203840Ki"),
        "capacity": resources("16", "65783040Ki"),
        "conditions": conditions,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "images": images,
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": numbers.uid(),
            "containerRuntimeVersion": "containerd://2.2.1",
            "kernelVersion": "6.12.11",
            "kubeProxyVersion": "",
            "kubeletVersion": "v1.37.2",
            "machineID": numbers.hex(32),
            "operatingSystem": "linux",
            "osImage": "Worker Linux 2026.1",
            "systemUUID": numbers.uid(),
        },
        "volumesInUse": [format!("kubernetes.io/csi/disk.example.com^{}", numbers.uid())],
    });
    let live = Cluster::new(schemas)
        .apply(&config, "machine-operator", CREATED)
        .update("kubelet", "status", LAST, |object| object["status"] = status)
        .finish();
    case("node", &live, config, "machine-operator", "/metadata/labels/pool", "batch")
}

/// What a Deployment's controller reports.
fn deployment_status(replicas: u32) -> Value {
    let message = "ReplicaSet \"resolver-6d8f9c7b54\" has successfully progressed.";
    let mut conditions = vec![
        condition("Available", true, "MinimumReplicasAvailable", "Enough replicas answer."),
        condition("Progressing", true, "NewReplicaSetAvailable", message),
    ];
    for condition in &mut conditions {
        condition["lastUpdateTime"] = json!(LAST);
    }
    json!({
        "availableReplicas": replicas,
        "conditions": conditions,
        "observedGeneration": 1,
        "readyReplicas": replicas,
        "replicas": replicas,
        "updatedReplicas": replicas,
    })
}

fn probe(path: &str, delay: u32) -> Value {
    json!({
        "failureThreshold": 5,
        "httpGet": {"path": path, "port": 8080, "scheme": "HTTP"},
        "initialDelaySeconds": delay,
        "successThreshold": 1,
        "timeoutSeconds": 5,
    })
}

/// Three containers; one applier, and a controller for the status.
pub(crate) fn deployment(schemas: &Schemas) -> Case {
    let image = |name: &str| format!("registry.example.com/names/{name}:1.24.0");
    let port = |name: &str, port: u32, protocol: &str| json!({"containerPort": port, "name": name, "protocol": protocol});
    let config = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "annotations": {"names.example.com/owner": "platform"},
            "labels": {
                "app": "resolver",
                "names.example.com/cluster-service": "true",
                "names.example.com/mode": "reconcile",
            },
            "name": "resolver",
            "namespace": "names",
        },
        "spec": {
            "progressDeadlineSeconds": 600,
            "replicas": 2,
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "resolver"}},
            "strategy": {
                "rollingUpdate": {"maxSurge": "10%", "maxUnavailable": 0},
                "type": "RollingUpdate",
            },
            "template": {
                "metadata": {
                    "annotations": {"names.example.com/scrape-port": "10054"},
                    "labels": {"app": "resolver"},
                },
                "spec": {
                    "containers": [
                        {
                            "args": ["--domain=cluster.example.", "--dns-port=10053", "--v=2",
                                "--config-dir=/etc/resolver", "--period=15s", "--upstream=198.51.100.53:53",
                                "--stub-domains=/etc/resolver/stub-domains.json"],
                            "env": [{"name": "METRICS_PORT", "value": "10055"}],
                            "image": image("resolver"),
                            "imagePullPolicy": "IfNotPresent",
                            "livenessProbe": probe("/healthz/resolver", 60),
                            "name": "resolver",
                            "ports": [
                                port("dns-local", 10053, "UDP"),
                                port("dns-tcp-local", 10054, "TCP"),
                                port("metrics", 10055, "TCP"),
                            ],
                            "readinessProbe": probe("/readiness", 3),
                            "resources": {
                                "limits": {"memory": "170Mi"},
                                "requests": {"cpu": "100m", "memory": "70Mi"},
                            },
                            "volumeMounts": [{"mountPath": "/etc/resolver", "name": "config"}],
                        },
                        {
                            "args": ["-v=2", "-logtostderr", "-restart=true", "--", "-k",
                                "--cache-size=1000", "--no-negcache", "--log-facility=-",
                                "--server=/cluster.example/127.0.0.1#10053",
                                "--server=/in-addr.arpa/127.0.0.1#10053",
                                "--server=/ip6.arpa/127.0.0.1#10053"],
                            "image": image("cache"),
                            "imagePullPolicy": "IfNotPresent",
                            "livenessProbe": probe("/healthz/cache", 60),
                            "name": "cache",
                            "ports": [port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP")],
                            "resources": {"requests": {"cpu": "150m", "memory": "20Mi"}},
                            "volumeMounts": [{"mountPath": "/etc/cache", "name": "config"}],
                        },
                        {
                            "args": ["--v=2", "--logtostderr", "--probe=resolver,127.0.0.1:10053,resolver.names.svc.cluster.example"],
                            "image": image("sidecar"),
                            "imagePullPolicy": "IfNotPresent",
                            "name": "sidecar",
                            "ports": [port("metrics", 10054, "TCP")],
                            "resources": {"requests": {"cpu": "10m", "memory": "20Mi"}},
                        },
                    ],
                    "dnsPolicy": "Default",
                    "priorityClassName": "system-cluster-critical",
                    "serviceAccountName": "resolver",
                    "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
                    "volumes": [
                        {"configMap": {"name": "resolver", "optional": true}, "name": "config"},
                    ],
                },
            },
        },
    });
    let live = Cluster::new(schemas)
        .apply(&config, "deployer", CREATED)
        .update("kube-controller-manager", "status", LAST, |object| {
            object["status"] = deployment_status(2);
        })
        .finish();
    let changed = "/spec/template/spec/containers/1/image";
    case("deployment", &live, config, "deployer", changed, &image("cache").replace("24", "25"))
}

/// A container with everything that a large one has.
fn rich_container(index: usize) -> Value {
    let env: Vec<Value> = (0..20)
        .map(|at| json!({"name": format!("SETTING_{at:02}"), "value": format!("the value of setting {at} of part {index}")}))
        .collect();
    let ports: Vec<Value> = (0..3)
        .map(|at| {
            json!({
                "containerPort": 8000 + 10 * index + at, "name": format!("p{index}-{at}"),
                "protocol": "TCP",
            })
        })
        .collect();
    let mounts: Vec<Value> = (0..5)
        .map(|at| {
            json!({
                "mountPath": format!("/data/{at}"), "name": format!("volume-{at}"),
                "readOnly": at > 1,
            })
        })
        .collect();
    json!({
        "args": [
            "--serve", format!("--shard={index}"), "--broker=orders-broker.shop.svc:9092",
            "--trace-endpoint=http://traces.observe.svc:4318", "--drain=30s",
        ],
        "env": env,
        "image": format!("registry.example.com/orders/part-{index}:1.0.0"),
        "imagePullPolicy": "IfNotPresent",
        "livenessProbe": probe("/live", 30),
        "name": format!("part-{index}"),
        "ports": ports,
        "readinessProbe": probe("/ready", 5),
        "resources": {
            "limits": {"cpu": "2", "ephemeral-storage": "4Gi", "memory": "1Gi"},
            "requests": {"cpu": "500m", "ephemeral-storage": "1Gi", "memory": "512Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 10_001,
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    })
}

/// A Deployment of so many large containers.
fn orders(containers: usize) -> Value {
    let containers: Vec<Value> = (0..containers).map(rich_container).collect();
    let volumes: Vec<Value> = (0..5)
        .map(|at| json!({"configMap": {"name": format!("orders-{at}")}, "name": format!("volume-{at}")}))
        .collect();
    let labels: Map<String, Value> = (0..12)
        .map(|at| (format!("orders.example.com/label-{at:02}"), json!(format!("v{at}"))))
        .collect();
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": labels, "name": "orders", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "orders"}},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}, "type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"app": "orders", "tier": "backend"}},
                "spec": {
                    "containers": containers,
                    "serviceAccountName": "orders",
                    "terminationGracePeriodSeconds": 60,
                    "volumes": volumes,
                },
            },
        },
    })
}

/// The configuration of a Deployment of one large container.
pub(crate) fn one_container() -> Value {
    orders(1)
}

/// Four large containers; two appliers and a controller.
pub(crate) fn rich(schemas: &Schemas) -> Case {
    let config = orders(4);
    let scale = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "annotations": {"scaler.example.com/last": "6"},
            "name": "orders",
            "namespace": "shop",
        },
        "spec": {"replicas": 6},
    });
    let live = Cluster::new(schemas)
        .apply(&config, "deployer", CREATED)
        .apply(&scale, "scaler", LATER)
        .update("kube-controller-manager", "status", LAST, |object| {
            object["status"] = deployment_status(6);
        })
        .finish();
    let changed = "/spec/template/spec/containers/2/env/7/value";
    case("rich", &live, config, "deployer", changed, "another value")
}

/// A thousand addresses in one atomic list; a label is added.
pub(crate) fn endpoints(schemas: &Schemas) -> Case {
    let mut numbers = Numbers::new(5);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"labels": {"app": "web"}, "name": "web-frontend", "namespace": "shop"},
    });
    let addresses: Vec<Value> = (0..1000)
        .map(|index| {
            json!({
                "ip": format!("10.{}.{}.{}", 16 + index % 4, index / 250, 1 + index % 250),
                "nodeName": format!("worker-{:03}", index % 120),
                "targetRef": {
                    "kind": "Pod",
                    "name": format!("web-frontend-{}-{}", numbers.hex(8), numbers.hex(5)),
                    "namespace": "shop",
                    "uid": numbers.uid(),
                },
            })
        })
        .collect();
    let live = Cluster::new(schemas)
        .apply(&config, "labeller", CREATED)
        .update("kube-controller-manager", "", LAST, |object| {
            let ports = json!([{"name": "https", "port": 8443, "protocol": "TCP"}]);
            object["subsets"] = json!([{"addresses": addresses, "ports": ports}]);
        })
        .finish();
    case("endpoints", &live, config, "labeller", "/metadata/labels/tier", "front")
}

/// A schema with long descriptions, one applier; a label is added.
pub(crate) fn crd(schemas: &Schemas) -> Case {
    let mut numbers = Numbers::new(6);
    let spec = object_schema(&mut numbers, 14, 3);
    let config = json!({
        "apiVersion": "apiextensions.k8s.io/v1beta1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "annotations": {"relay.example.com/generator": "relay-gen v0.7"},
            "labels": {"app": "relay"},
            "name": "relays.net.example.com",
        },
        "spec": {
            "group": "net.example.com",
            "names": {
                "categories": ["net"], "kind": "Relay", "listKind": "RelayList",
                "plural": "relays", "shortNames": ["rl"], "singular": "relay",
            },
            "preserveUnknownFields": false,
            "scope": "Namespaced",
            "validation": {"openAPIV3Schema": {
                "description": numbers.prose(200),
                "properties": {
                    "apiVersion": {"description": numbers.prose(250), "type": "string"},
                    "kind": {"description": numbers.prose(250), "type": "string"},
                    "metadata": {"type": "object"},
                    "spec": spec,
                },
                "required": ["spec"],
                "type": "object",
            }},
            "version": "v1beta1",
        },
    });
    let live = Cluster::new(schemas).apply(&config, "operator", CREATED).finish();
    case("crd", &live, config, "operator", "/metadata/labels/tier", "edge")
}

const NAMES: [&str; 16] = [
    "backoffPolicy",
    "budget",
    "channelSelector",
    "drainTimeout",
    "egressRules",
    "filterChain",
    "gateway",
    "holdSeconds",
    "ingress",
    "journalPath",
    "keepalive",
    "listenerNames",
    "mirror",
    "probeInterval",
    "quota",
    "routeWeights",
];

/// The schema of an object with so many properties and so many levels below.
fn object_schema(numbers: &mut Numbers, width: usize, levels: usize) -> Value {
    let mut properties = Map::new();
    for at in 0..width {
        let name = format!("{}{}", NAMES[at % NAMES.len()], if levels == 0 { "Ref" } else { "" });
        let property = match at {
            0 | 1 if levels > 0 => object_schema(numbers, width, levels - 1),
            _ => leaf_schema(numbers, at),
        };
        properties.insert(name, property);
    }
    let required: Vec<String> = properties.keys().take(2).cloned().collect();
    json!({
        "description": numbers.prose(350),
        "properties": properties,
        "required": required,
        "type": "object",
    })
}

fn leaf_schema(numbers: &mut Numbers, at: usize) -> Value {
    let description = numbers.prose(350);
    match at % 4 {
        0 => json!({"description": description, "type": "string"}),
        1 => json!({"description": description, "format": "int32", "type": "integer"}),
        2 => json!({
            "description": description,
            "items": {
                "properties": {
                    "key": {"description": numbers.prose(60), "type": "string"},
                    "operator": {
                        "description": numbers.prose(60), "enum": ["In", "NotIn", "Exists"],
                        "type": "string",
                    },
                    "values": {
                        "items": {"maxLength": 63, "minLength": 1, "type": "string"},
                        "maxItems": 16,
                        "type": "array",
                    },
                    "weight": {"format": "int32", "maximum": 100, "minimum": 0, "type": "integer"},
                },
                "required": ["key", "operator"],
                "type": "object",
            },
            "type": "array",
        }),
        _ => json!({"description": description, "type": "boolean"}),
    }
}
