// The program converts CustomResourceDefinitions to merge schemas with the code of the API server.
// It reads one JSON request a line and writes one JSON answer a line; see ../README.md.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"managed-fields-oracle/protocol"
)

type request struct {
	ID       json.RawMessage `json:"id"`
	Document json.RawMessage `json:"document"`
	// Whether the types that all definitions share are told too.
	Whole bool `json:"whole"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "common" {
		if err := printCommon(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := protocol.Serve(answer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answer(line []byte) (result map[string]any) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return map[string]any{"error": "bad request: " + err.Error()}
	}
	defer func() {
		if p := recover(); p != nil {
			result = map[string]any{"panic": fmt.Sprint(p)}
		}
		if r.ID != nil {
			result["id"] = r.ID
		}
	}()
	result, err := convert(&r)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return result
}

func convert(r *request) (map[string]any, error) {
	crd, err := stored(r.Document)
	if err != nil {
		return map[string]any{"error": "unreadable", "why": err.Error()}, nil
	}
	models, err := modelsForApply(crd)
	if err != nil {
		// The server goes on without types.
		return withEndpoints(crd, map[string]any{"untyped": err.Error()}), nil
	}
	converted, err := schemaconv.ToSchemaFromOpenAPI(models, crd.Spec.PreserveUnknownFields)
	if err != nil {
		return nil, err
	}
	converter, err := managedfields.NewTypeConverter(models, crd.Spec.PreserveUnknownFields)
	if err != nil {
		return nil, err
	}
	index := reflect.ValueOf(converter).Elem().FieldByName("parser")
	result := protocol.Converted(converted, index, protocol.TypeOf)
	leaveOutCommon(result, r.Whole)
	return withEndpoints(crd, result), nil
}

// stored reads a definition and gives it as it comes back from storage.
func stored(text []byte) (*v1.CustomResourceDefinition, error) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme)
	var internal apiextensions.CustomResourceDefinition
	read, _, err := codecs.UniversalDecoder(apiextensions.SchemeGroupVersion).Decode(text, nil, &internal)
	if err != nil {
		return nil, err
	}
	decoded, ok := read.(*apiextensions.CustomResourceDefinition)
	if !ok {
		return nil, fmt.Errorf("it is a %T", read)
	}
	json, err := runtime.Encode(codecs.LegacyCodec(v1.SchemeGroupVersion), decoded)
	if err != nil {
		return nil, err
	}
	crd := &v1.CustomResourceDefinition{}
	if _, _, err = codecs.UniversalDecoder(v1.SchemeGroupVersion).Decode(json, nil, crd); err != nil {
		return nil, err
	}
	if len(crd.Spec.Versions) == 0 {
		return nil, errors.New("no versions")
	}
	return crd, nil
}

// modelsForApply is what the handler of custom resources makes its type converter of.
func modelsForApply(crd *v1.CustomResourceDefinition) (map[string]*spec.Schema, error) {
	var documents []*spec3.OpenAPI
	for _, version := range crd.Spec.Versions {
		document, err := builder.BuildOpenAPIV3(crd, version.Name, builder.Options{})
		if err != nil {
			return nil, err
		}
		documents = append(documents, document)
	}
	merged, err := builder.MergeSpecsV3(documents...)
	if err != nil {
		return nil, err
	}
	return merged.Components.Schemas, nil
}

// withEndpoints tells which versions are served, stored, have a status, and where the replicas are.
func withEndpoints(crd *v1.CustomResourceDefinition, result map[string]any) map[string]any {
	served, stored, status, scale := []string{}, []string{}, []string{}, map[string]any{}
	for _, version := range crd.Spec.Versions {
		name := crd.Spec.Group + "/" + version.Name
		if version.Served {
			served = append(served, name)
		}
		if version.Storage {
			stored = append(stored, name)
		}
		scale[name] = nil
		if version.Subresources == nil {
			continue
		}
		if version.Subresources.Status != nil {
			status = append(status, name)
		}
		if version.Subresources.Scale != nil {
			path := version.Subresources.Scale.SpecReplicasPath
			scale[name] = strings.Split(strings.TrimPrefix(path, "."), ".")
		}
	}
	result["served"], result["stored"], result["status"], result["scale"] = served, stored, status, scale
	return result
}

func isCommon(name string) bool {
	return strings.HasPrefix(name, "io.k8s.apimachinery.") || strings.HasPrefix(name, "io.k8s.api.autoscaling.v1.") ||
		strings.HasPrefix(name, "__untyped_")
}

// leaveOutCommon leaves the names of types that all definitions share, and nothing of their kinds.
func leaveOutCommon(result map[string]any, whole bool) {
	kinds := []string{}
	for _, kind := range result["kinds"].([]string) {
		if _, name, _ := strings.Cut(kind, " is "); !isCommon(name) {
			kinds = append(kinds, kind)
		}
	}
	result["kinds"] = kinds
	if whole {
		return
	}
	own, common := []any{}, []any{}
	for _, ty := range result["types"].([]any) {
		name := ty.(map[string]any)["name"].(string)
		if isCommon(name) {
			common = append(common, name)
		} else {
			own = append(own, ty)
		}
	}
	result["types"], result["common"] = own, common
}

// printCommon prints the schemas that are published with every definition, without what says nothing
// of types.
func printCommon() error {
	crd, err := stored([]byte(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
		"spec":{"group":"example.com","names":{"kind":"Lamp","plural":"lamps"},"versions":[{"name":"v1",
			"subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas"}}}]}}`))
	if err != nil {
		return err
	}
	models, err := modelsForApply(crd)
	if err != nil {
		return err
	}
	common := map[string]any{}
	for name, model := range models {
		if !isCommon(name) {
			continue
		}
		text, err := json.Marshal(model)
		if err != nil {
			return err
		}
		var schema any
		if err := json.Unmarshal(text, &schema); err != nil {
			return err
		}
		common[name] = withoutWords(schema)
	}
	// A line for each schema.
	names := slices.Sorted(maps.Keys(common))
	for i, name := range names {
		line, err := json.Marshal(common[name])
		if err != nil {
			return err
		}
		before := ","
		if i == 0 {
			before = "{"
		}
		fmt.Printf("%s\n%q: %s", before, name, line)
	}
	fmt.Print("\n}\n")
	return nil
}

func withoutWords(schema any) any {
	members, ok := schema.(map[string]any)
	if !ok {
		return schema
	}
	said := map[string]any{}
	for key, value := range members {
		switch {
		case key == "properties":
			fields := map[string]any{}
			for name, field := range value.(map[string]any) {
				fields[name] = withoutWords(field)
			}
			said[key] = fields
		case key == "items" || key == "additionalProperties":
			said[key] = withoutWords(value)
		case key == "description" || key == "required" || key == "x-kubernetes-group-version-kind":
		default:
			said[key] = value
		}
	}
	return said
}
