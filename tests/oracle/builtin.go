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
	types := map[string]json.RawMessage{}
	kinds := map[string]kindRow{}
	for _, file := range files {
		if err := convertDocument(file, types, kinds); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	list := []json.RawMessage{}
	for _, name := range sortedKeys(types) {
		list = append(list, types[name])
	}
	rows := []kindRow{}
	for _, key := range sortedKeys(kinds) {
		rows = append(rows, kinds[key])
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

func convertDocument(file string, types map[string]json.RawMessage, kinds map[string]kindRow) error {
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
		if before, ok := types[t.Name]; ok && string(before) != string(text) {
			return fmt.Errorf("%s differs between documents", t.Name)
		}
		types[t.Name] = text
	}
	for name, definition := range definitions {
		list, _ := definition.Extensions["x-kubernetes-group-version-kind"].([]any)
		for _, item := range list {
			m, _ := item.(map[string]any)
			group, _ := m["group"].(string)
			version, _ := m["version"].(string)
			kind, _ := m["kind"].(string)
			row := kindRow{Group: group, Version: version, Kind: kind, Type: name}
			key := group + "\x00" + version + "\x00" + kind
			if before, ok := kinds[key]; ok && before != row {
				return fmt.Errorf("%v is claimed by %s too", row, before.Type)
			}
			kinds[key] = row
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
