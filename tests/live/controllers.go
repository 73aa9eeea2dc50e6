package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// watched is the namespace whose writes are audited.
const watched = "controllers"

// Applies are told from other patches by the name of their client.
const applyingAgent = "live-apply/v1"

// script is what people do to objects while controllers look after them.
type script struct {
	client *Client
	err    error
}

func (s *script) send(ctx context.Context, call call) answer {
	if s.err != nil {
		return answer{}
	}
	got := s.client.do(ctx, call)
	if got.code >= 300 || got.code == 0 {
		s.err = fmt.Errorf("%s %s: %s", call.verb, call.path, got.body)
	}
	return got
}

func (s *script) apply(ctx context.Context, path string, object object) {
	s.send(ctx, call{
		verb: http.MethodPatch, path: path, contentType: patchTypes["apply"], userAgent: applyingAgent,
		query: url.Values{"fieldManager": {"team"}, "force": {"true"}}, body: encode(object),
	})
}

// replace reads an object, changes it and writes it, as an editor does.
func (s *script) replace(ctx context.Context, path, userAgent string, change func(object)) {
	for range 20 {
		got := s.send(ctx, call{verb: http.MethodGet, path: path})
		var whole object
		if s.err != nil || json.Unmarshal(got.body, &whole) != nil {
			return
		}
		change(whole)
		put := call{verb: http.MethodPut, path: path, userAgent: userAgent, body: encode(whole)}
		if got := s.client.do(ctx, put); got.code == http.StatusOK {
			return
		} else if got.code != http.StatusConflict {
			s.err = fmt.Errorf("PUT %s: %s", path, got.body)
		}
		// A controller was faster.
		time.Sleep(50 * time.Millisecond)
	}
	s.err = fmt.Errorf("%s is always changed by others", path)
}

func inWatched(version, plural, name string) string {
	return (&kind{plural: plural}).pathIn(version, watched, name)
}

// runControllers makes objects, changes them and plays the part of the kubelets, until nothing more is
// to be expected.
//
// It answers with the Deployments at every version: a write to a scale does not tell of its parent.
func runControllers(ctx context.Context, client *Client) ([]json.RawMessage, error) {
	s := &script{client: client}
	deployments := inWatched("apps/v1", "deployments", "")
	watching, stop := context.WithCancel(ctx)
	defer stop()
	seen := client.watch(watching, deployments[:len(deployments)-1])
	s.send(ctx, call{verb: http.MethodPost, path: "/api/v1/namespaces", body: encode(object{
		"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": watched},
	})})
	s.send(ctx, call{verb: http.MethodPost, path: "/api/v1/nodes", body: encode(object{
		"apiVersion": "v1", "kind": "Node", "metadata": object{"name": "node-a"},
	})})
	named := func(version, kind, name string, spec object) object {
		return object{
			"apiVersion": version, "kind": kind, "spec": spec,
			"metadata": object{"name": name, "namespace": watched},
		}
	}
	pods := func(app, image string) object {
		return object{
			"metadata": object{"labels": object{"app": app}},
			"spec":     object{"containers": []any{object{"name": "main", "image": image}}},
		}
	}
	selector := func(app string) object { return object{"matchLabels": object{"app": app}} }
	deployment := func(app, image string, replicas any) object {
		spec := object{"selector": selector(app), "template": pods(app, image)}
		if replicas != nil {
			spec["replicas"] = replicas
		}
		return named("apps/v1", "Deployment", app, spec)
	}
	job := object{"template": object{"spec": object{
		"restartPolicy": "Never", "containers": []any{object{"name": "main", "image": "job:1"}},
	}}}
	apply := func(version, plural, name string, object object) {
		s.apply(ctx, inWatched(version, plural, name), object)
	}
	apply("v1", "resourcequotas", "limit", named("v1", "ResourceQuota", "limit", object{"hard": object{"pods": "100"}}))
	apply("apps/v1", "deployments", "web", deployment("web", "web:1", 2))
	apply("apps/v1", "deployments", "scaled", deployment("scaled", "scaled:1", 3))
	apply("autoscaling/v2", "horizontalpodautoscalers", "scaled", named("autoscaling/v2", "HorizontalPodAutoscaler", "scaled", object{
		"minReplicas": 1, "maxReplicas": 2,
		"scaleTargetRef": object{"apiVersion": "apps/v1", "kind": "Deployment", "name": "scaled"},
	}))
	apply("apps/v1", "statefulsets", "db", named("apps/v1", "StatefulSet", "db", object{
		"replicas": 2, "serviceName": "db", "selector": selector("db"), "template": pods("db", "db:1"),
	}))
	apply("apps/v1", "daemonsets", "agent", named("apps/v1", "DaemonSet", "agent", object{
		"selector": selector("agent"), "template": pods("agent", "agent:1"),
	}))
	apply("batch/v1", "jobs", "once", named("batch/v1", "Job", "once", object{"completions": 2, "template": job["template"]}))
	apply("batch/v1", "cronjobs", "often", named("batch/v1", "CronJob", "often", object{
		"schedule": "* * * * *", "jobTemplate": object{"spec": job},
	}))
	apply("v1", "replicationcontrollers", "old", named("v1", "ReplicationController", "old", object{
		"replicas": 1, "selector": object{"app": "old"}, "template": pods("old", "old:1"),
	}))
	apply("policy/v1", "poddisruptionbudgets", "web", named("policy/v1", "PodDisruptionBudget", "web", object{
		"minAvailable": 1, "selector": selector("web"),
	}))
	apply("v1", "services", "web", named("v1", "Service", "web", object{
		"selector": object{"app": "web"}, "ports": []any{object{"port": 80}},
	}))
	s.settle(ctx, 6*time.Second)
	// A new version, an editor, a scale, a hand-over of the replicas, a lost pod.
	apply("apps/v1", "deployments", "web", deployment("web", "web:2", nil))
	s.settle(ctx, 5*time.Second)
	s.replace(ctx, inWatched("apps/v1", "deployments", "web"), "kubectl/v1.37.2", func(whole object) {
		set(whole, "spec.paused", true)
		set(whole, "metadata.annotations.note", "by hand")
	})
	s.replace(ctx, inWatched("apps/v1", "deployments", "web")+"/scale", "scaler/v1", func(whole object) {
		set(whole, "spec.replicas", 3)
	})
	s.replace(ctx, inWatched("apps/v1", "statefulsets", "db"), "kubectl/v1.37.2", func(whole object) {
		template := whole["spec"].(object)["template"].(object)
		set(template, "metadata.annotations.restarted", "now")
	})
	s.settle(ctx, 4*time.Second)
	s.replace(ctx, inWatched("apps/v1", "deployments", "web"), "kubectl/v1.37.2", func(whole object) {
		set(whole, "spec.paused", false)
	})
	apply("apps/v1", "deployments", "web", deployment("web", "web:3", 1))
	apply("apps/v1", "daemonsets", "agent", named("apps/v1", "DaemonSet", "agent", object{
		"selector": selector("agent"), "template": pods("agent", "agent:2"),
	}))
	apply("v1", "replicationcontrollers", "old", named("v1", "ReplicationController", "old", object{
		"replicas": 2, "selector": object{"app": "old"}, "template": pods("old", "old:1"),
	}))
	s.settle(ctx, 8*time.Second)
	stop()
	return <-seen, s.err
}

// watch collects what a list holds at every version until the context ends.
func (c *Client) watch(ctx context.Context, path string) <-chan []json.RawMessage {
	done := make(chan []json.RawMessage, 1)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?watch=true", nil)
	if err != nil {
		done <- nil
		return done
	}
	request.Header.Set("Accept", "application/json")
	go func() {
		var seen []json.RawMessage
		if got, err := c.http.Do(request); err == nil {
			defer got.Body.Close()
			var event struct {
				Object json.RawMessage `json:"object"`
			}
			for events := json.NewDecoder(got.Body); events.Decode(&event) == nil; {
				seen = append(seen, event.Object)
				event.Object = nil
			}
		}
		done <- seen
	}()
	return done
}

// settle lets controllers work for a while and is all the kubelets in the meantime: it starts every
// pod, and ends those of jobs.
func (s *script) settle(ctx context.Context, duration time.Duration) {
	list := inWatched("v1", "pods", "")
	for end := time.Now().Add(duration); s.err == nil && time.Now().Before(end); {
		got := s.send(ctx, call{verb: http.MethodGet, path: list[:len(list)-1]})
		var pods struct {
			Items []struct {
				Metadata struct {
					Name   string            `json:"name"`
					Labels map[string]string `json:"labels"`
				} `json:"metadata"`
				Status struct {
					Phase string `json:"phase"`
				} `json:"status"`
			} `json:"items"`
		}
		_ = json.Unmarshal(got.body, &pods)
		for _, pod := range pods.Items {
			_, isOfJob := pod.Metadata.Labels["job-name"]
			phase := map[string]string{"Pending": "Running"}[pod.Status.Phase]
			if isOfJob && pod.Status.Phase == "Running" {
				phase = "Succeeded"
			}
			if phase == "" {
				continue
			}
			ready := map[string]string{"Running": "True"}[phase]
			if ready == "" {
				ready = "False"
			}
			// The pod may be gone by now.
			s.client.do(ctx, call{
				verb: http.MethodPatch, path: inWatched("v1", "pods", pod.Metadata.Name) + "/status",
				contentType: patchTypes["strategic"], userAgent: "kubelet/v1.37.2",
				body: encode(object{"status": object{
					"phase":      phase,
					"podIP":      "10.1.0.1",
					"podIPs":     []any{object{"ip": "10.1.0.1"}},
					"startTime":  "2026-01-01T00:00:00Z",
					"conditions": []any{object{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}},
				}}),
			})
		}
		time.Sleep(400 * time.Millisecond)
	}
}
