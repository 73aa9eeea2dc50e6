package main

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// scale maps the entries of a parent to those of its Scale, and, where the entries of a Scale are
// given, those back.
func (o *oracle) scale(r *request) (answer, error) {
	mappings := managedfields.ResourcePathMappings{}
	for version, names := range r.Mappings {
		if names == nil {
			mappings[version] = nil
			continue
		}
		path := fieldpath.Path{}
		for _, name := range *names {
			path = append(path, fieldpath.PathElement{FieldName: &name})
		}
		mappings[version] = path
	}
	parent, err := readObject(r.Live)
	if err != nil {
		return nil, err
	}
	gv := schema.GroupVersion{Group: r.GVK.Group, Version: r.GVK.Version}
	handler := managedfields.NewScaleHandler(parent.GetManagedFields(), gv, mappings)
	a := answer{}
	put := func(key string, entries []metav1.ManagedFieldsEntry, err error) error {
		if err != nil {
			a[key+"_error"] = err.Error()
			return nil
		}
		list, err := listOf(entries)
		if err != nil {
			return err
		}
		text, err := json.Marshal(list)
		a[key] = json.RawMessage(text)
		return err
	}
	entries, err := handler.ToSubresource()
	if err := put("subresource", entries, err); err != nil {
		return nil, err
	}
	if len(r.Object) > 0 {
		scale, err := readObject(r.Object)
		if err != nil {
			return nil, err
		}
		entries, err := handler.ToParent(scale.GetManagedFields())
		if err := put("parent", entries, err); err != nil {
			return nil, err
		}
	}
	return a, nil
}
