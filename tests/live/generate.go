package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
)

// history makes the random requests about one object.
type history struct {
	r       *rand.Rand
	kind    *kind
	name    string
	version string
}

func newHistory(r *rand.Rand, seed, number uint64) *history {
	kinds := builtinKinds
	if r.IntN(100) < 45 {
		kinds = custom
	}
	chosen := kinds[r.IntN(len(kinds))]
	return &history{
		r: r, kind: chosen, version: chosen.versions[0],
		name: fmt.Sprintf("%s-%d-%d", strings.ToLower(chosen.kind), seed, number),
	}
}

func (h *history) path() string { return h.kind.path(h.kind.versions[0], h.name) }

func (h *history) percent(share int) bool { return h.r.IntN(100) < share }

func (h *history) nextVersion() string {
	h.version = h.kind.versions[h.r.IntN(len(h.kind.versions))]
	return h.version
}

var appliers = []string{"ann", "bob", "flux"}

var userAgents = []string{"agent/v1.2 (linux)", "tool", "kubectl/v1.37.2 (linux/amd64) kubernetes/0000000"}

// next is a request to an object as it is now.
func (h *history) next(version string, live, scale answer) Request {
	request := Request{
		Path: h.kind.path(version, h.name), Name: h.name, Version: version, Kind: h.kind.kind,
		Manager: appliers[h.r.IntN(len(appliers))], Later: h.percent(75),
	}
	exists := live.code == http.StatusOK
	if !exists {
		request.Verb = "apply"
		if h.percent(40) {
			request.Verb = "create"
			h.nameOfWriter(&request)
		}
		request.Body = encode(h.whole(version))
		return request
	}
	kind := h.r.IntN(100)
	hasStatus := len(h.kind.status) > 0 && !strings.HasSuffix(version, "alpha1")
	if hasStatus && h.percent(20) {
		request.Subresource = "status"
	} else if h.kind.scale && h.percent(15) {
		request.Subresource = "scale"
		h.scale(&request, scale)
		return request
	}
	switch {
	case kind < 45:
		request.Verb, request.Force = "apply", h.percent(40)
		config := h.partial(version, request.Subresource)
		if h.percent(5) {
			config["metadata"].(object)["resourceVersion"] = "1"
		}
		request.Body = encode(config)
	case kind < 65:
		request.Verb = "update"
		h.nameOfWriter(&request)
		request.Body = encode(h.changed(live.body, request.Subresource))
	case kind < 80:
		request.Verb, request.Patch = "patch", "merge"
		h.nameOfWriter(&request)
		request.Body = encode(h.mergePatch(request.Subresource))
	case kind < 90 && !h.kind.isCustom:
		request.Verb, request.Patch = "patch", "strategic"
		h.nameOfWriter(&request)
		patch := h.mergePatch(request.Subresource)
		if h.percent(15) && request.Subresource == "" {
			set(patch, "metadata.finalizers", nil)
		}
		request.Body = encode(patch)
	default:
		request.Verb, request.Patch = "patch", "json"
		h.nameOfWriter(&request)
		request.Body = encode(h.jsonPatch(live.body, request.Subresource))
	}
	return request
}

// nameOfWriter gives a writer that does not apply one of more names, or none but its user agent.
func (h *history) nameOfWriter(request *Request) {
	request.Manager = []string{"ann", "ctl", "kcm", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"}[h.r.IntN(12)]
	if h.percent(10) {
		request.Manager, request.UserAgent = "", userAgents[h.r.IntN(len(userAgents))]
	}
}

func (h *history) empty(version string) object {
	meta := object{"name": h.name}
	if !h.kind.isGlobal {
		meta["namespace"] = namespace
	}
	return object{"apiVersion": version, "kind": h.kind.kind, "metadata": meta}
}

// whole is an object that has all that it needs.
func (h *history) whole(version string) object {
	whole := h.empty(version)
	for key, value := range h.kind.base {
		whole[key] = copyOf(value)
	}
	h.add(whole, h.partsOf(""), h.r.IntN(5))
	return whole
}

func (h *history) partsOf(subresource string) []part {
	parts := joined(h.kind.parts, metadata)
	switch {
	case subresource == "status" && h.percent(85):
		return h.kind.status
	case h.percent(8):
		return joined(parts, h.kind.status)
	}
	return parts
}

// partial is a configuration: some fields, of which the object may have the rest.
func (h *history) partial(version, subresource string) object {
	if subresource == "" && h.percent(40) {
		return h.whole(version)
	}
	config := h.empty(version)
	h.add(config, h.partsOf(subresource), 1+h.r.IntN(4))
	if subresource != "" && h.percent(20) {
		h.add(config, h.kind.parts, 1)
	}
	return config
}

func (h *history) add(to object, parts []part, count int) {
	for range count {
		chosen := parts[h.r.IntN(len(parts))]
		set(to, chosen.path, chosen.value(h.r))
	}
}

// changed is the live object with some changes, to be put in its place.
func (h *history) changed(live []byte, subresource string) object {
	var whole object
	if err := json.Unmarshal(live, &whole); err != nil {
		return h.empty(h.version)
	}
	meta := whole["metadata"].(object)
	parts := h.partsOf(subresource)
	h.add(whole, parts, h.r.IntN(4))
	if h.percent(30) {
		remove(whole, parts[h.r.IntN(len(parts))].path)
	}
	if h.percent(90) {
		delete(meta, "resourceVersion")
	} else if h.percent(40) {
		meta["resourceVersion"] = "1"
	}
	if h.percent(97) {
		delete(meta, "uid")
	} else if h.percent(50) {
		meta["uid"] = "00000000-0000-0000-0000-000000000000"
	}
	switch {
	case h.percent(10):
		meta["managedFields"] = []any{object{}}
	case h.percent(25):
		delete(meta, "managedFields")
	case h.percent(5):
		if list, ok := meta["managedFields"].([]any); ok && len(list) > 1 {
			meta["managedFields"] = list[1:]
		}
	}
	return whole
}

func (h *history) mergePatch(subresource string) object {
	patch := object{}
	parts := h.partsOf(subresource)
	h.add(patch, parts, 1+h.r.IntN(3))
	if h.percent(15) {
		set(patch, parts[h.r.IntN(len(parts))].path, nil)
	}
	if h.percent(8) {
		set(patch, "metadata.managedFields", []any{object{}})
	}
	return patch
}

func (h *history) jsonPatch(live []byte, subresource string) []object {
	var whole object
	_ = json.Unmarshal(live, &whole)
	patch := []object{}
	parts := h.partsOf(subresource)
	for range 1 + h.r.IntN(2) {
		chosen := parts[h.r.IntN(len(parts))]
		pointer := "/" + strings.ReplaceAll(chosen.path, ".", "/")
		if h.percent(25) && lookup(whole, chosen.path) != nil {
			patch = append(patch, object{"op": "remove", "path": pointer})
			continue
		}
		patch = append(patch, object{"op": "add", "path": pointer, "value": chosen.value(h.r)})
	}
	if h.percent(10) {
		patch = append(patch, object{"op": "test", "path": "/kind", "value": h.kind.kind})
	}
	if h.percent(8) {
		patch = append(patch, object{"op": "replace", "path": "/metadata/managedFields", "value": []any{object{}}})
	}
	return patch
}

// scale makes the request one to the scale of the object.
func (h *history) scale(request *Request, live answer) {
	meta := object{"name": h.name, "namespace": namespace}
	spec := object{"replicas": oneOf(1, 2, 3, 4)(h.r)}
	body := object{"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": spec}
	switch h.r.IntN(3) {
	case 0:
		request.Verb, request.Force = "apply", h.percent(50)
	case 1:
		request.Verb = "update"
		h.nameOfWriter(request)
		var whole object
		if h.percent(50) && json.Unmarshal(live.body, &whole) == nil && live.code == http.StatusOK {
			whole["spec"] = spec
			delete(whole["metadata"].(object), "resourceVersion")
			body = whole
		}
	case 2:
		request.Verb, request.Patch = "patch", "merge"
		h.nameOfWriter(request)
		body = object{"spec": spec}
	}
	request.Body = encode(body)
}

func encode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

func copyOf(value any) any {
	switch value := value.(type) {
	case object:
		copied := object{}
		for key, member := range value {
			copied[key] = copyOf(member)
		}
		return copied
	case []any:
		copied := []any{}
		for _, item := range value {
			copied = append(copied, copyOf(item))
		}
		return copied
	}
	return value
}

// set puts a value at a dotted path.
func set(to object, path string, value any) {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		inner, ok := to[name].(object)
		if !ok {
			inner = object{}
			to[name] = inner
		}
		to = inner
	}
	to[names[len(names)-1]] = value
}

func remove(from object, path string) {
	front, last := "", path
	if at := strings.LastIndex(path, "."); at >= 0 {
		front, last = path[:at], path[at+1:]
	}
	if holder, ok := lookup(from, front).(object); ok {
		delete(holder, last)
	}
}

func lookup(in object, path string) any {
	var value any = in
	if path == "" {
		return value
	}
	for _, name := range strings.Split(path, ".") {
		holder, ok := value.(object)
		if !ok {
			return nil
		}
		value = holder[name]
	}
	return value
}
