package main

import (
	"encoding/json"
	"errors"
	"reflect"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/util/proto"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"managed-fields-oracle/protocol"
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
	index := reflect.ValueOf(converter).Elem().FieldByName("parser")
	return protocol.Converted(converted, index, protocol.TypeOf), nil
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
	return protocol.Converted(converted, index, reflect.Value.String), nil
}
