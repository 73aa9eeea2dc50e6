package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/util/proto"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// openAPI converts an OpenAPI document, v3 as API servers do and v2 as clients do.
func (o *oracle) openAPI(r *request) (answer, error) {
	var version struct {
		OpenAPI *string `json:"openapi"`
	}
	if err := json.Unmarshal(r.Document, &version); err != nil {
		return nil, err
	}
	if version.OpenAPI != nil {
		return openAPIv3(r.Document)
	}
	return openAPIv2(r.Document)
}

func unreadable(err error) (answer, error) {
	return answer{"error": "unreadable", "why": err.Error()}, nil
}

func openAPIv3(text []byte) (answer, error) {
	var document spec3.OpenAPI
	if err := json.Unmarshal(text, &document); err != nil {
		return unreadable(err)
	}
	definitions := map[string]*spec.Schema{}
	if document.Components != nil {
		for name, definition := range document.Components.Schemas {
			if definition == nil {
				return unreadable(errors.New("a definition is null"))
			}
			definitions[name] = definition
		}
	}
	converted, err := schemaconv.ToSchemaFromOpenAPI(definitions, false)
	if err != nil {
		return nil, err
	}
	converter, err := managedfields.NewTypeConverter(definitions, false)
	if err != nil {
		return nil, err
	}
	// The index has no other way out.
	index := reflect.ValueOf(converter).Elem().FieldByName("parser")
	return convertedAnswer(converted, index, func(ty reflect.Value) string {
		return ty.Elem().FieldByName("TypeRef").FieldByName("NamedType").Elem().String()
	})
}

func openAPIv2(text []byte) (answer, error) {
	document, err := openapi_v2.ParseDocument(text)
	if err != nil {
		return unreadable(err)
	}
	models, err := proto.NewOpenAPIData(document)
	if err != nil {
		return nil, err
	}
	converted, err := schemaconv.ToSchema(models)
	if err != nil {
		return nil, err
	}
	parser, err := managedfields.NewGVKParser(models, false)
	if err != nil {
		return nil, err
	}
	index := reflect.ValueOf(parser).Elem().FieldByName("gvks")
	return convertedAnswer(converted, index, func(ty reflect.Value) string { return ty.String() })
}

func convertedAnswer(s *schema.Schema, index reflect.Value, name func(reflect.Value) string) (answer, error) {
	sort.SliceStable(s.Types, func(i, j int) bool { return s.Types[i].Name < s.Types[j].Name })
	types := []any{}
	for _, t := range s.Types {
		types = append(types, withAtom(map[string]any{"name": t.Name}, t.Atom))
	}
	kinds := []string{}
	for _, key := range index.MapKeys() {
		part := func(field string) string { return key.FieldByName(field).String() }
		kinds = append(kinds, fmt.Sprintf("%s/%s, Kind=%s is %s",
			part("Group"), part("Version"), part("Kind"), name(index.MapIndex(key))))
	}
	sort.Strings(kinds)
	return answer{"types": types, "kinds": kinds}, nil
}

func withAtom(out map[string]any, a schema.Atom) map[string]any {
	if a.Scalar != nil {
		out["scalar"] = *a.Scalar
	}
	if a.List != nil {
		list := map[string]any{}
		withRef(list, "elementType", a.List.ElementType)
		withWord(list, "elementRelationship", string(a.List.ElementRelationship))
		if len(a.List.Keys) > 0 {
			list["keys"] = a.List.Keys
		}
		out["list"] = list
	}
	if a.Map != nil {
		m := map[string]any{}
		withRef(m, "elementType", a.Map.ElementType)
		withWord(m, "elementRelationship", string(a.Map.ElementRelationship))
		sort.SliceStable(a.Map.Fields, func(i, j int) bool { return a.Map.Fields[i].Name < a.Map.Fields[j].Name })
		fields := []any{}
		for _, f := range a.Map.Fields {
			field := map[string]any{"name": f.Name}
			withRef(field, "type", f.Type)
			if f.Default != nil {
				field["default"] = asJSON(f.Default)
			}
			fields = append(fields, field)
		}
		if len(fields) > 0 {
			m["fields"] = fields
		}
		out["map"] = m
	}
	return out
}

func withRef(out map[string]any, key string, ref schema.TypeRef) {
	said := withAtom(map[string]any{}, ref.Inlined)
	if ref.NamedType != nil {
		said["namedType"] = *ref.NamedType
	}
	if ref.ElementRelationship != nil {
		said["elementRelationship"] = *ref.ElementRelationship
	}
	if ref.Nullable {
		said["nullable"] = true
	}
	if len(said) > 0 {
		out[key] = said
	}
}

func withWord(out map[string]any, key, word string) {
	if word != "" {
		out[key] = word
	}
}

// asJSON makes keys of maps strings.
func asJSON(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for key, value := range v {
			out[fmt.Sprint(key)] = asJSON(value)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = asJSON(value)
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, asJSON(item))
		}
		return out
	}
	return v
}
