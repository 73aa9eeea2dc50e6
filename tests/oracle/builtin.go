package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"

	yaml3 "go.yaml.in/yaml/v3"
	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
	"sigs.k8s.io/yaml"
)

func moduleVersions() map[string]string {
	versions := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			switch m.Path {
			case "k8s.io/apimachinery", "k8s.io/kube-openapi", "sigs.k8s.io/structured-merge-diff/v6":
				versions[m.Path] = m.Version
			}
		}
	}
	return versions
}

func (o *oracle) hello(r *request) (answer, error) {
	return answer{"versions": moduleVersions(), "go": runtime.Version()}, nil
}

type kindRow struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
	Type    string `json:"type"`

	// What the paths of the documents show; kinds that are never the object of a path have none.
	Resource     string   `json:"resource,omitempty"`
	Namespaced   *bool    `json:"namespaced,omitempty"`
	Subresources []string `json:"subresources,omitempty"`
}

// served is what the paths show of the resource of a kind.
type served struct {
	resource     string
	namespaced   bool
	subresources map[string]bool
}

// schemas collects what the documents hold; keys of kinds are made by kindKey.
type schemas struct {
	types  map[string]json.RawMessage
	kinds  map[string]kindRow
	served map[string]*served
}

func kindKey(gvk map[string]any) (key, group, version, kind string) {
	group, _ = gvk["group"].(string)
	version, _ = gvk["version"].(string)
	kind, _ = gvk["kind"].(string)
	return group + "\x00" + version + "\x00" + kind, group, version, kind
}

// builtinSchema prints the merge schema of the OpenAPI v3 documents in a folder, and the kinds.
func builtinSchema(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*_openapi.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no OpenAPI documents in %s", dir)
	}
	found := schemas{
		types:  map[string]json.RawMessage{},
		kinds:  map[string]kindRow{},
		served: map[string]*served{},
	}
	for _, file := range files {
		if err := found.read(file); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	list := []json.RawMessage{}
	for _, name := range sortedKeys(found.types) {
		list = append(list, found.types[name])
	}
	rows := []kindRow{}
	for _, key := range sortedKeys(found.kinds) {
		row := found.kinds[key]
		if r, ok := found.served[key]; ok {
			row.Resource, row.Namespaced = r.resource, &r.namespaced
			row.Subresources = sortedKeys(r.subresources)
		}
		rows = append(rows, row)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	version := "unknown"
	if _, after, ok := strings.Cut(dir, "kubernetes@v"); ok {
		version, _, _ = strings.Cut(after, "/")
	}
	return out.Encode(answer{
		"kubernetes": version,
		"modules":    moduleVersions(),
		"schema":     answer{"types": list},
		"kinds":      rows,
	})
}

func sortedKeys[V any](m map[string]V) []string {
	keys := []string{}
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (found *schemas) read(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var document spec3.OpenAPI
	if err := json.Unmarshal(data, &document); err != nil {
		return err
	}
	if document.Components == nil {
		return nil
	}
	definitions := map[string]*spec.Schema{}
	for name, definition := range document.Components.Schemas {
		definitions[name] = definition
	}
	converted, err := schemaconv.ToSchemaFromOpenAPI(definitions, false)
	if err != nil {
		return err
	}
	for _, t := range converted.Types {
		text, err := typeJSON(t)
		if err != nil {
			return err
		}
		if before, ok := found.types[t.Name]; ok && string(before) != string(text) {
			return fmt.Errorf("%s differs between documents", t.Name)
		}
		found.types[t.Name] = text
	}
	for name, definition := range definitions {
		list, _ := definition.Extensions["x-kubernetes-group-version-kind"].([]any)
		for _, item := range list {
			m, _ := item.(map[string]any)
			key, group, version, kind := kindKey(m)
			if before, ok := found.kinds[key]; ok && before.Type != name {
				return fmt.Errorf("%s/%s, Kind=%s is claimed by %s and %s", group, version, kind, before.Type, name)
			}
			found.kinds[key] = kindRow{Group: group, Version: version, Kind: kind, Type: name}
		}
	}
	return found.readPaths(document.Paths)
}

// readPaths learns resources from paths like
// /apis/G/V[/namespaces/{namespace}]/RESOURCE[/{name}[/SUBRESOURCE]].
func (found *schemas) readPaths(paths *spec3.Paths) error {
	if paths == nil {
		return nil
	}
	kindOf := map[string]string{}
	below := map[string][]string{}
	for _, path := range sortedKeys(paths.Paths) {
		parts := strings.Split(strings.Trim(path, "/"), "/")
		skip := 3
		if parts[0] == "api" {
			skip = 2
		}
		if len(parts) <= skip || parts[skip] == "watch" {
			continue
		}
		parts = parts[skip:]
		namespaced := len(parts) > 2 && parts[0] == "namespaces" && parts[1] == "{namespace}"
		if namespaced {
			parts = parts[2:]
		}
		if len(parts) > 2 {
			below[parts[0]] = append(below[parts[0]], parts[2])
			continue
		}
		item := paths.Paths[path]
		for _, operation := range []*spec3.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if operation == nil {
				continue
			}
			gvk, ok := operation.Extensions["x-kubernetes-group-version-kind"].(map[string]any)
			if !ok {
				continue
			}
			key, _, _, kind := kindKey(gvk)
			r, ok := found.served[key]
			if !ok {
				r = &served{resource: parts[0], subresources: map[string]bool{}}
				found.served[key] = r
			}
			if before, ok := kindOf[parts[0]]; r.resource != parts[0] || ok && before != key {
				return fmt.Errorf("%s: %s and %s are of kind %s", path, r.resource, parts[0], kind)
			}
			kindOf[parts[0]] = key
			r.namespaced = r.namespaced || namespaced
		}
	}
	for resource, list := range below {
		key, ok := kindOf[resource]
		if !ok {
			return fmt.Errorf("subresources %v of the unknown resource %s", list, resource)
		}
		for _, subresource := range list {
			found.served[key].subresources[subresource] = true
		}
	}
	return nil
}

// typeJSON writes a type down with its fields sorted, whatever order the conversion met them in.
func typeJSON(t schema.TypeDef) (json.RawMessage, error) {
	sortFields(&t.Atom)
	text, err := yaml3.Marshal(t)
	if err != nil {
		return nil, err
	}
	return yaml.YAMLToJSON(text)
}

func sortFields(a *schema.Atom) {
	if a.Map != nil {
		sort.Slice(a.Map.Fields, func(i, j int) bool { return a.Map.Fields[i].Name < a.Map.Fields[j].Name })
		for i := range a.Map.Fields {
			sortFields(&a.Map.Fields[i].Type.Inlined)
		}
		sortFields(&a.Map.ElementType.Inlined)
	}
	if a.List != nil {
		sortFields(&a.List.ElementType.Inlined)
	}
}
