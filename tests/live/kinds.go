package main

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"

	"sigs.k8s.io/yaml"
)

//go:embed definitions.yaml
var definitionsYAML string

func definitions() []object {
	var all []object
	for _, document := range strings.Split(definitionsYAML, "\n---\n") {
		var definition object
		if err := yaml.Unmarshal([]byte(document), &definition); err != nil {
			panic(err)
		}
		all = append(all, definition)
	}
	return all
}

// kind is what random requests need to know of a kind.
type kind struct {
	versions     []string
	kind, plural string
	isGlobal     bool
	isCustom     bool
	scale        bool
	// What an object needs at the least.
	base object
	// What may be in it besides: a dotted path, and values for it.
	parts  []part
	status []part
}

type part struct {
	path  string
	value func(*rand.Rand) any
}

func (k *kind) path(version, name string) string { return k.pathIn(version, namespace, name) }

func (k *kind) pathIn(version, namespace, name string) string {
	prefix := "/apis/"
	if !strings.Contains(version, "/") {
		prefix = "/api/"
	}
	if k.isGlobal {
		return fmt.Sprintf("%s%s/%s/%s", prefix, version, k.plural, name)
	}
	return fmt.Sprintf("%s%s/namespaces/%s/%s/%s", prefix, version, namespace, k.plural, name)
}

// oneOf picks one of some values.
func oneOf(values ...any) func(*rand.Rand) any {
	return func(r *rand.Rand) any { return copyOf(values[r.IntN(len(values))]) }
}

// some picks a subset of items, shuffled; not every member of an item that may be left out is there.
func some(items ...object) func(*rand.Rand) any {
	return func(r *rand.Rand) any {
		var chosen []any
		for _, index := range r.Perm(len(items)) {
			if r.IntN(2) == 0 {
				continue
			}
			item := object{}
			for key, value := range items[index] {
				name, isOptional := strings.CutSuffix(key, "?")
				if isOptional && r.IntN(2) == 0 {
					continue
				}
				if choose, ok := value.(func(*rand.Rand) any); ok {
					value = choose(r)
				}
				item[name] = copyOf(value)
			}
			chosen = append(chosen, item)
		}
		if chosen == nil {
			chosen = []any{}
		}
		return chosen
	}
}

// words is a subset of words.
func words(all ...any) func(*rand.Rand) any {
	return func(r *rand.Rand) any {
		chosen := []any{}
		for _, index := range r.Perm(len(all)) {
			if r.IntN(2) == 0 {
				chosen = append(chosen, all[index])
			}
		}
		return chosen
	}
}

// entries is a map with some of the keys.
func entries(keys []string, values ...any) func(*rand.Rand) any {
	return func(r *rand.Rand) any {
		chosen := object{}
		for _, key := range keys {
			if r.IntN(2) == 0 {
				chosen[key] = copyOf(values[r.IntN(len(values))])
			}
		}
		return chosen
	}
}

var names = []string{"a", "b", "app.example.com/c"}

// Of every object.
var metadata = []part{
	{"metadata.labels", entries(names, "x", "y", "")},
	{"metadata.annotations", entries(names, "x", "some text", "")},
	{"metadata.finalizers", words("example.com/one", "example.com/two")},
	{"metadata.ownerReferences", some(
		object{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "0a", "controller?": true},
		object{"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "0b", "blockOwnerDeletion?": oneOf(true, false)},
	)},
}

func resources(r *rand.Rand) any {
	return object{
		"limits":   object{"cpu": oneOf("100m", "1", "2")(r), "memory": "64Mi"},
		"requests": object{"cpu": "50m"},
	}
}

var containers = some(
	object{
		"name": "a", "image": oneOf("a:1", "a:2"), "imagePullPolicy?": oneOf("Always", "IfNotPresent"),
		"env?": some(
			object{"name": "A", "value?": oneOf("1", "2")},
			object{"name": "B", "value": oneOf("1", "2")},
			object{"name": "C", "valueFrom": object{"fieldRef": object{"fieldPath": "metadata.name"}}},
		),
		"ports?": some(
			object{"containerPort": 80, "name?": "web", "protocol?": "TCP"},
			object{"containerPort": 80, "protocol": "UDP"},
			object{"containerPort": 81, "hostPort?": 0},
		),
		"args?":      words("-v", "-x", "run"),
		"resources?": resources,
		"readinessProbe?": func(r *rand.Rand) any {
			return object{"httpGet": object{"path": oneOf("/", "/ready")(r), "port": oneOf(80, "web2")(r)}}
		},
		"volumeMounts?": some(object{"name": "data", "mountPath": "/data", "readOnly?": oneOf(true, false)}),
	},
	object{"name": "b", "image": oneOf("b:1", "b:2"), "command?": words("sh", "sleep")},
	object{"name": "c", "image": "c:1", "securityContext?": func(r *rand.Rand) any {
		return object{"runAsUser": oneOf(1, 2)(r), "capabilities": object{"add": words("NET_ADMIN", "SYS_TIME")(r)}}
	}},
)

// podSpec is what the specification of a pod may have.
func podSpec(at string) []part {
	return []part{
		{at + ".containers", containers},
		{at + ".containers", containers},
		{at + ".initContainers", some(object{"name": "init", "image": oneOf("i:1", "i:2")})},
		{at + ".volumes", some(
			object{"name": "data", "emptyDir": oneOf(object{}, object{"medium": "Memory"})},
			object{"name": "config", "configMap": object{"name": "c"}},
		)},
		{at + ".tolerations", some(
			object{"key": "a", "operator": "Exists", "effect?": oneOf("NoSchedule", "NoExecute")},
			object{"key": "b", "value": "1"},
		)},
		{at + ".nodeSelector", entries([]string{"disk", "zone"}, "ssd", "a")},
		{at + ".terminationGracePeriodSeconds", oneOf(1, 30)},
		{at + ".imagePullSecrets", some(object{"name": "one"}, object{"name": "two"})},
		{at + ".hostAliases", some(object{"ip": "10.0.0.1", "hostnames": words("a", "b")}, object{"ip": "10.0.0.2"})},
		{at + ".securityContext", oneOf(object{"runAsUser": 1}, object{"fsGroup": 2, "sysctls": []any{}})},
		{at + ".topologySpreadConstraints", some(
			object{"maxSkew": oneOf(1, 2), "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
			object{"maxSkew": 1, "topologyKey": "node", "whenUnsatisfiable": "DoNotSchedule"},
		)},
	}
}

var template = object{
	"metadata": object{"labels": object{"app": "x"}},
	"spec":     object{"containers": []any{object{"name": "a", "image": "a:1"}}},
}

func conditions(types ...string) func(*rand.Rand) any {
	var items []object
	for _, name := range types {
		items = append(items, object{
			"type": name, "status": oneOf("True", "False"),
			"reason?": oneOf("Because", "Otherwise"), "message?": "words",
		})
	}
	return some(items...)
}

func joined(lists ...[]part) []part {
	var all []part
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

var templateParts = joined(podSpec("spec.template.spec"), []part{
	{"spec.template.metadata.annotations", entries(names, "x", "y")},
})

var builtinKinds = []*kind{
	{
		versions: []string{"v1"}, kind: "ConfigMap", plural: "configmaps", base: object{},
		parts: []part{
			{"data", entries([]string{"k", "l", "m.yaml"}, "x", "y", "")},
			{"binaryData", entries([]string{"n", "o"}, "eA==", "eQ==")},
			{"immutable", oneOf(false)},
		},
	},
	{
		versions: []string{"v1"}, kind: "Secret", plural: "secrets", base: object{},
		parts: []part{
			{"data", entries([]string{"k", "l"}, "eA==", "eQ==")},
			{"stringData", entries([]string{"k", "l"}, "x", "y")},
			{"type", oneOf("Opaque")},
		},
	},
	{
		versions: []string{"apps/v1"}, kind: "Deployment", plural: "deployments", scale: true,
		base: object{"spec": object{"selector": object{"matchLabels": object{"app": "x"}}, "template": template}},
		parts: joined(templateParts, []part{
			{"spec.replicas", oneOf(1, 2, 3)},
			{"spec.paused", oneOf(true, false)},
			{"spec.strategy", oneOf(
				object{"type": "Recreate"},
				object{"type": "RollingUpdate", "rollingUpdate": object{"maxSurge": 1}},
				object{"type": "RollingUpdate", "rollingUpdate": object{"maxUnavailable": "50%", "maxSurge": "25%"}},
			)},
			{"spec.minReadySeconds", oneOf(0, 5)},
		}),
		status: []part{
			{"status.observedGeneration", oneOf(1, 2)},
			{"status.replicas", oneOf(3, 4)},
			{"status.readyReplicas", oneOf(1, 2)},
			{"status.conditions", conditions("Available", "Progressing")},
		},
	},
	{
		versions: []string{"apps/v1"}, kind: "StatefulSet", plural: "statefulsets", scale: true,
		base: object{"spec": object{
			"serviceName": "s", "selector": object{"matchLabels": object{"app": "x"}}, "template": template,
		}},
		parts: joined(templateParts, []part{
			{"spec.replicas", oneOf(1, 2, 3)},
			{"spec.updateStrategy", oneOf(object{"type": "OnDelete"}, object{"rollingUpdate": object{"partition": 1}})},
		}),
		status: []part{
			{"status.replicas", oneOf(1, 2)},
			{"status.conditions", conditions("One", "Two")},
		},
	},
	{
		versions: []string{"v1"}, kind: "Service", plural: "services",
		base: object{"spec": object{"ports": []any{object{"port": 80, "name": "web"}}}},
		parts: []part{
			{"spec.ports", some(
				object{"port": 80, "name": "web", "targetPort?": oneOf(8080, "web"), "protocol?": "TCP"},
				object{"port": 80, "name": "udp", "protocol": "UDP"},
				object{"port": 443, "name": oneOf("tls", "https"), "appProtocol?": "https"},
			)},
			{"spec.selector", entries([]string{"app", "tier"}, "x", "y")},
			{"spec.type", oneOf("ClusterIP", "NodePort")},
			{"spec.sessionAffinity", oneOf("None", "ClientIP")},
			{"spec.externalIPs", words("192.0.2.1", "192.0.2.2")},
			{"spec.publishNotReadyAddresses", oneOf(true, false)},
		},
		status: []part{
			{"status.loadBalancer.ingress", some(object{"ip": "192.0.2.9"}, object{"hostname": "lb"})},
			{"status.conditions", some(object{
				"type": "Ready", "status": oneOf("True", "False"), "reason": "Why", "message": "",
				"lastTransitionTime": "2020-01-01T00:00:00Z",
			})},
		},
	},
	{
		versions: []string{"v1"}, kind: "Pod", plural: "pods",
		base: object{"spec": object{"containers": []any{object{"name": "a", "image": "a:1"}}}},
		parts: []part{
			{"spec.containers", some(object{"name": "a", "image": oneOf("a:1", "a:2")})},
			{"spec.tolerations", some(object{"key": "a", "operator": "Exists", "effect": "NoSchedule"})},
			{"spec.activeDeadlineSeconds", oneOf(100, 50)},
			{"metadata.labels", entries([]string{"p", "q"}, "1", "2")},
		},
		status: []part{
			{"status.phase", oneOf("Pending", "Running")},
			{"status.conditions", conditions("Ready", "PodScheduled", "example.com/gate")},
			{"status.podIPs", some(object{"ip": "10.1.0.1"})},
			{"status.message", oneOf("x", "y")},
			{"status.containerStatuses", some(object{
				"name": "a", "ready": oneOf(true, false), "restartCount": oneOf(0, 1), "image": "a:1",
				"imageID": "", "state?": object{"running": object{"startedAt": "2020-01-01T00:00:00Z"}},
			})},
		},
	},
	{
		versions: []string{"v1"}, kind: "Node", plural: "nodes", isGlobal: true, base: object{},
		parts: []part{
			{"metadata.labels", entries([]string{"zone", "disk"}, "a", "b")},
			{"spec.taints", some(
				object{"key": "a", "effect": "NoSchedule", "value?": oneOf("x", "y")},
				object{"key": "b", "effect": "NoExecute"},
			)},
			{"spec.unschedulable", oneOf(true)},
			{"spec.podCIDRs", oneOf([]any{"10.2.0.0/24"})},
		},
		status: []part{
			{"status.capacity", entries([]string{"cpu", "example.com/gpu"}, "1", "2")},
			{"status.conditions", conditions("Ready", "DiskPressure")},
			{"status.addresses", some(
				object{"type": "InternalIP", "address": oneOf("10.0.0.1", "10.0.0.2")},
				object{"type": "Hostname", "address": "n"},
			)},
			{"status.images", some(object{"names": words("a", "b"), "sizeBytes": 5})},
		},
	},
	{
		versions: []string{"batch/v1"}, kind: "CronJob", plural: "cronjobs",
		base: object{"spec": object{"schedule": "0 0 * * *", "jobTemplate": object{"spec": object{"template": object{
			"spec": object{"restartPolicy": "Never", "containers": []any{object{"name": "a", "image": "a:1"}}},
		}}}}},
		parts: joined(podSpec("spec.jobTemplate.spec.template.spec")[:6], []part{
			{"spec.schedule", oneOf("0 0 * * *", "1 * * * *")},
			{"spec.suspend", oneOf(true, false)},
			{"spec.concurrencyPolicy", oneOf("Allow", "Forbid")},
			{"spec.jobTemplate.metadata.labels", entries(names, "x", "y")},
		}),
		status: []part{
			{"status.lastScheduleTime", oneOf("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")},
			{"status.active", some(object{"kind": "Job", "name": "a"}, object{"kind": "Job", "name": "b"})},
		},
	},
	{
		versions: []string{"networking.k8s.io/v1"}, kind: "Ingress", plural: "ingresses",
		base: object{"spec": object{"defaultBackend": object{"service": object{"name": "s", "port": object{"number": 80}}}}},
		parts: []part{
			{"spec.ingressClassName", oneOf("nginx", "other")},
			{"spec.tls", some(object{"hosts": words("a.example.com", "b.example.com"), "secretName?": "t"})},
			{"spec.rules", some(
				object{"host": "a.example.com"},
				object{"host": "b.example.com", "http": object{"paths": []any{object{
					"path": "/", "pathType": "Prefix",
					"backend": object{"service": object{"name": "s", "port": object{"name": "web"}}},
				}}}},
			)},
		},
		status: []part{
			{"status.loadBalancer.ingress", some(object{"ip": "192.0.2.9", "ports?": []any{object{"port": 80, "protocol": "TCP"}}})},
		},
	},
	{
		versions: []string{"networking.k8s.io/v1"}, kind: "NetworkPolicy", plural: "networkpolicies",
		base: object{"spec": object{"podSelector": object{}}},
		parts: []part{
			{"spec.podSelector", oneOf(object{}, object{"matchLabels": object{"a": "b"}})},
			{"spec.policyTypes", oneOf([]any{"Ingress"}, []any{"Egress", "Ingress"})},
			{"spec.ingress", some(object{"from?": []any{object{"podSelector": object{}}}, "ports?": []any{object{"port": 80}}})},
		},
	},
	{
		versions: []string{"rbac.authorization.k8s.io/v1"}, kind: "ClusterRole", plural: "clusterroles", isGlobal: true,
		base: object{},
		parts: []part{
			{"rules", some(
				object{"apiGroups": words("", "apps"), "resources": []any{"pods"}, "verbs": []any{"get", "list"}},
				object{"nonResourceURLs": []any{"/healthz"}, "verbs": []any{"get"}},
			)},
		},
	},
	{
		versions: []string{"policy/v1"}, kind: "PodDisruptionBudget", plural: "poddisruptionbudgets",
		base: object{"spec": object{"selector": object{"matchLabels": object{"app": "x"}}}},
		parts: []part{
			{"spec.minAvailable", oneOf(1, "50%")},
			{"spec.unhealthyPodEvictionPolicy", oneOf("AlwaysAllow", "IfHealthyBudget")},
			{"spec.selector", oneOf(object{"matchLabels": object{"app": "x"}}, object{"matchLabels": object{"app": "y"}})},
		},
		status: []part{
			{"status.disruptedPods", entries([]string{"p", "q"}, "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")},
			{"status.currentHealthy", oneOf(1, 2)},
		},
	},
	{
		versions: []string{"autoscaling/v2"}, kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers",
		base: object{"spec": object{
			"maxReplicas": 3, "scaleTargetRef": object{"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
		}},
		parts: []part{
			{"spec.maxReplicas", oneOf(3, 4)},
			{"spec.minReplicas", oneOf(1, 2)},
			{"spec.metrics", some(
				object{"type": "Resource", "resource": object{"name": "cpu", "target": object{"type": "Utilization", "averageUtilization": 50}}},
				object{"type": "Resource", "resource": object{"name": "memory", "target": object{"type": "AverageValue", "averageValue": "1Gi"}}},
			)},
		},
		status: []part{
			{"status.currentReplicas", oneOf(1, 2)},
			{"status.desiredReplicas", oneOf(1, 2)},
			{"status.conditions", conditions("AbleToScale", "ScalingActive")},
		},
	},
}

func customKinds() []*kind { return custom }

const group = "live.example.com/"

var stages = some(
	object{"name": "a", "image?": oneOf("1", "2")},
	object{"name": "b", "image?": oneOf("1", "2")},
	object{"name": "c"},
)

var custom = []*kind{
	{
		versions: []string{group + "v1", group + "v1beta1"}, kind: "Widget", plural: "widgets", isCustom: true, scale: true,
		base: object{"spec": object{"replicas": 1}},
		parts: []part{
			{"spec.replicas", oneOf(1, 2, 3)},
			{"spec.ports", some(
				object{"port": 80, "protocol?": "TCP", "name?": oneOf("x", "y")},
				object{"port": 80, "protocol": "UDP", "weight?": oneOf(1, 2)},
				object{"port": 81, "name?": "z"},
			)},
			{"spec.finalWords", words("a", "b", "c")},
			{"spec.numbers", words(1, 2, 3)},
			{"spec.steps", words("a", "b", "c")},
			{"spec.plain", some(object{"a?": oneOf("1", "2"), "b": "3"}, object{"a": "4"})},
			{"spec.labels", entries([]string{"a", "b", "c.d/e"}, "1", "2", "")},
			{"spec.whole", oneOf(object{"a": "1"}, object{"a": "1", "b": "2"}, object{})},
			{"spec.wholeMap", entries([]string{"a", "b"}, "1", "2")},
			{"spec.free", entries([]string{"a", "b"}, 1, 1.5, "x", object{"c": []any{1}}, []any{object{"d": true}}, nil)},
			{"spec.size", oneOf(1, "50%")},
			{"spec.maybe", oneOf("x", nil)},
			{"spec.mode", oneOf("fast", "slow", nil)},
			{"spec.nested.level", oneOf(3, 4)},
			{"spec.nested", oneOf(object{}, object{"level": 5})},
			{"spec.nested.groups", some(
				object{"name": "a", "members?": words("x", "y")},
				object{"name": "b", "members": words("x", "y")},
			)},
			{"spec.template", oneOf(
				object{"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": "x", "labels": object{"a": "b"}}},
				object{"apiVersion": "v1", "kind": "Pod", "spec": object{"containers": []any{}}},
			)},
		},
		status: []part{
			{"status.replicas", oneOf(1, 2)},
			{"status.phase", oneOf("x", "y")},
			{"status.conditions", bareConditions("A", "B")},
		},
	},
	{
		versions: []string{group + "v1"}, kind: "Gadget", plural: "gadgets", isCustom: true, isGlobal: true, base: object{},
		parts: []part{
			{"spec.color", oneOf("blue", "red", "green")},
			{"spec.rules", some(
				object{"id": 1, "allow?": words("a", "b"), "deny?": words("c", "d")},
				object{"id": 2, "options?": entries([]string{"p", "q"}, true, false)},
			)},
			{"spec", oneOf(object{})},
			{"status.seen", oneOf(1, 2)},
		},
	},
	{
		versions: []string{group + "v1"}, kind: "Blob", plural: "blobs", isCustom: true, base: object{},
		parts: []part{
			{"spec.list", some(object{"name": "a", "x": oneOf(1, 2)}, object{"name": "b"})},
			{"spec.map", entries([]string{"a", "b"}, 1, "x", object{}, object{"c": 1}, []any{})},
			{"data", entries([]string{"a", "b"}, 1, 2.5, true, nil)},
			{"spec.text", oneOf("x", "<y>&")},
		},
		status: []part{
			{"status.phase", oneOf("x", "y")},
			{"status.list", words(1, 2)},
		},
	},
	{
		versions: []string{group + "v1", group + "v1beta1", group + "v1alpha1"}, kind: "Flow", plural: "flows", isCustom: true, base: object{},
		parts: []part{
			{"spec.stages", stages},
			{"spec.stages", stages},
			{"spec.tags", words("a", "b", "c")},
			{"spec.options", entries([]string{"a", "b"}, "1", "2")},
		},
		status: []part{{"status.phase", oneOf("x", "y")}},
	},
}

// bareConditions are conditions without a message.
func bareConditions(types ...string) func(*rand.Rand) any {
	var items []object
	for _, name := range types {
		items = append(items, object{"type": name, "status": oneOf("True", "False"), "reason?": oneOf("R", "S")})
	}
	return some(items...)
}
