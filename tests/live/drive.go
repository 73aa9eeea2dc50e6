package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

// Command is one line of what the driver is told.
type Command struct {
	Op string `json:"op"`
	// begin: a history of random requests, or of these.
	Seed    uint64    `json:"seed"`
	Number  uint64    `json:"number"`
	Steps   int       `json:"steps"`
	Replay  []Request `json:"replay"`
	IsGiven bool      `json:"given"`
	// go: the object that is expected; none where a refusal is.
	Object json.RawMessage `json:"object"`
	// openapi: an apiVersion.
	Version string `json:"version"`
	// get: the path of an object.
	Path string `json:"path"`
}

// Request is one write.
type Request struct {
	// apply, create, update or patch
	Verb string `json:"verb"`
	// merge, json or strategic
	Patch       string          `json:"patch,omitempty"`
	Path        string          `json:"path"`
	Name        string          `json:"name"`
	Version     string          `json:"version"`
	Kind        string          `json:"kind"`
	Subresource string          `json:"subresource,omitempty"`
	Manager     string          `json:"manager,omitempty"`
	UserAgent   string          `json:"user_agent,omitempty"`
	Force       bool            `json:"force,omitempty"`
	Body        json.RawMessage `json:"body"`
	// Whether the request comes in a later second than the last change.
	Later bool `json:"later,omitempty"`
}

// Record is what became of a request.
type Record struct {
	Request Request `json:"request"`
	// The object before and after, at the version of the request.
	Live  json.RawMessage `json:"live"`
	After json.RawMessage `json:"after"`
	// What the server answers, and what it answered to a dry run before.
	Code   int             `json:"code"`
	Answer json.RawMessage `json:"answer"`
	Dry    json.RawMessage `json:"dry,omitempty"`
	// The object that the request makes, before the server does anything to it; of a strategic merge
	// patch the patch itself, and of any its entries.
	Made json.RawMessage `json:"made,omitempty"`
	Sent json.RawMessage `json:"sent,omitempty"`
	// What the server makes of the object that was expected, put in the place of the live one.
	Filled json.RawMessage `json:"filled,omitempty"`
	// What the server answers to the same apply, asked again and again, where that may vary.
	Again []json.RawMessage `json:"again,omitempty"`
	Now   string            `json:"now"`
}

// Driver sends the requests of one history.
type Driver struct {
	client  *Client
	history *history
	replay  []Request
	left    int
	// The request that is to be sent next.
	request Request
	live    answer
}

func (d *Driver) answer(ctx context.Context, command Command) (any, error) {
	switch command.Op {
	case "begin":
		d.replay, d.left, d.history = command.Replay, command.Steps, nil
		if !command.IsGiven {
			d.history = newHistory(rand.New(rand.NewPCG(command.Seed, command.Number)), command.Seed, command.Number)
			return object{"begun": d.history.kind.kind}, d.remove(ctx, d.history.path())
		}
		d.left = len(d.replay)
		if d.left == 0 {
			return object{"begun": ""}, nil
		}
		return object{"begun": d.replay[0].Kind}, d.remove(ctx, d.replay[0].Path)
	case "next":
		if d.left == 0 {
			return object{"end": true}, nil
		}
		d.left--
		if d.history == nil {
			d.request = d.replay[len(d.replay)-1-d.left]
			d.live = d.client.get(ctx, d.request.Path)
		} else {
			version := d.history.nextVersion()
			path := d.history.kind.path(version, d.history.name)
			d.live = d.client.get(ctx, path)
			var scale answer
			if d.history.kind.scale {
				scale = d.client.get(ctx, path+"/scale")
			}
			d.request = d.history.next(version, d.live, scale)
		}
		record := &Record{Request: d.request, Live: json.RawMessage("null")}
		if d.live.code == http.StatusOK {
			record.Live = d.live.body
		}
		return record, nil
	case "go":
		return d.step(ctx, d.request, d.live, command.Object)
	case "get":
		got := d.client.get(ctx, command.Path)
		if got.code != http.StatusOK {
			return object{"object": nil}, nil
		}
		return object{"object": json.RawMessage(got.body)}, nil
	case "controllers":
		seen, err := runControllers(ctx, d.client)
		return object{"seen": seen}, err
	case "openapi":
		got := d.client.get(ctx, "/openapi/v3/apis/"+command.Version)
		if got.code != http.StatusOK {
			return nil, fmt.Errorf("%s", got.body)
		}
		return object{"document": json.RawMessage(got.body)}, nil
	}
	return nil, fmt.Errorf("unknown op %q", command.Op)
}

// remove makes sure that nothing of a former history is there.
func (d *Driver) remove(ctx context.Context, path string) error {
	for range 50 {
		if d.client.get(ctx, path).code == http.StatusNotFound {
			return nil
		}
		d.client.do(ctx, call{
			verb: http.MethodPatch, path: path, contentType: patchTypes["merge"],
			body: []byte(`{"metadata":{"finalizers":null}}`),
		})
		d.client.do(ctx, call{
			verb: http.MethodDelete, path: path,
			query: url.Values{"gracePeriodSeconds": {"0"}, "propagationPolicy": {"Background"}},
		})
	}
	return fmt.Errorf("%s cannot be removed", path)
}

var patchTypes = map[string]string{
	"merge":     "application/merge-patch+json",
	"json":      "application/json-patch+json",
	"strategic": "application/strategic-merge-patch+json",
	"apply":     "application/apply-patch+yaml",
}

// call is the request as it is sent.
func (r *Request) call(isDry bool) call {
	sent := call{path: r.Path, query: url.Values{}, userAgent: r.UserAgent, body: r.Body}
	if r.Subresource != "" {
		sent.path += "/" + r.Subresource
	}
	if r.Manager != "" {
		sent.query.Set("fieldManager", r.Manager)
	}
	if isDry {
		sent.query.Set("dryRun", "All")
	}
	switch r.Verb {
	case "create":
		sent.verb = http.MethodPost
		sent.path = sent.path[:strings.LastIndex(sent.path, "/")]
	case "update":
		sent.verb = http.MethodPut
	case "apply":
		sent.verb, sent.contentType = http.MethodPatch, patchTypes["apply"]
		if r.Force {
			sent.query.Set("force", "true")
		}
	case "patch":
		sent.verb, sent.contentType = http.MethodPatch, patchTypes[r.Patch]
	}
	return sent
}

// step sends one request, and before that what is expected of it, to have it filled in.
func (d *Driver) step(
	ctx context.Context, request Request, live answer, expected json.RawMessage,
) (*Record, error) {
	record := &Record{Request: request, Live: json.RawMessage("null"), After: json.RawMessage("null")}
	if len(expected) > 0 && request.Subresource != "scale" {
		record.Filled = d.fill(ctx, request, live, expected).body
	}
	before := time.Time{}
	if live.code == http.StatusOK {
		record.Live = live.body
		before = newest(live.body)
	}
	if request.Verb == "apply" && versions(live.body) > 1 {
		for range 12 {
			record.Again = append(record.Again, d.client.do(ctx, request.call(true)).body)
		}
	}
	if request.Later {
		time.Sleep(time.Until(before.Add(time.Second + 5*time.Millisecond)))
	}
	if request.Verb != "apply" {
		record.Dry = d.client.do(ctx, request.call(true)).body
		record.Made = request.made(record.Live)
		record.Sent = entriesOf(record.Made)
		if request.Patch == "strategic" && record.Sent == nil {
			record.Sent = entriesOf(record.Live)
		}
	}
	sentAt := time.Now().UTC().Truncate(time.Second)
	got := d.client.do(ctx, request.call(false))
	if got.code == 0 {
		return nil, fmt.Errorf("%s", got.body)
	}
	record.Code, record.Answer = got.code, got.body
	if after := d.client.get(ctx, request.Path); after.code == http.StatusOK {
		record.After = after.body
	}
	now := time.Now().UTC().Truncate(time.Second)
	if after := newest(record.After); !after.Before(sentAt) {
		now = after
	}
	record.Now = now.Format(time.RFC3339)
	return record, nil
}

// fill lets the server fill in an object as it would have at the endpoint of the request, without
// storing it.
func (d *Driver) fill(ctx context.Context, request Request, live answer, expected json.RawMessage) answer {
	request.Verb, request.Body, request.Manager = "update", expected, "filling"
	if live.code == http.StatusNotFound {
		request.Verb = "create"
		return d.client.do(ctx, request.call(true))
	}
	// Some kinds are only updated from the version that is stored.
	var whole object
	if json.Unmarshal(expected, &whole) == nil {
		set(whole, "metadata.resourceVersion", resourceVersion(live.body))
		request.Body = encode(whole)
	}
	return d.client.do(ctx, request.call(true))
}

// versions counts the versions in the entries of an object.
func versions(text []byte) int {
	var stored struct {
		Metadata struct {
			ManagedFields []struct {
				APIVersion string `json:"apiVersion"`
			} `json:"managedFields"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(text, &stored)
	found := map[string]bool{}
	for _, entry := range stored.Metadata.ManagedFields {
		found[entry.APIVersion] = true
	}
	return len(found)
}

func resourceVersion(text []byte) string {
	var stored struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(text, &stored)
	return stored.Metadata.ResourceVersion
}

// newest is the newest time in the entries of an object.
func newest(text []byte) time.Time {
	var object struct {
		Metadata struct {
			ManagedFields []struct {
				Time time.Time `json:"time"`
			} `json:"managedFields"`
		} `json:"metadata"`
	}
	last := time.Time{}
	if json.Unmarshal(text, &object) != nil {
		return last
	}
	for _, entry := range object.Metadata.ManagedFields {
		if entry.Time.After(last) {
			last = entry.Time
		}
	}
	return last
}

// made is the object that the request makes of the live one.
func (r *Request) made(live json.RawMessage) json.RawMessage {
	switch r.Patch {
	case "merge":
		if made, err := jsonpatch.MergePatch(live, r.Body); err == nil {
			return made
		}
	case "json":
		if patch, err := jsonpatch.DecodePatch(r.Body); err == nil {
			if made, err := patch.Apply(live); err == nil {
				return made
			}
		}
	}
	return r.Body
}

func entriesOf(text json.RawMessage) json.RawMessage {
	var object struct {
		Metadata struct {
			ManagedFields json.RawMessage `json:"managedFields"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(text, &object)
	return object.Metadata.ManagedFields
}
