package main

import (
	"encoding/json"
	"runtime"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/typed"

	utiljson "sigs.k8s.io/json"
)

// measure times an apply from bytes to bytes, as often as it is asked to. The schema is there
// already, and the bytes are decoded by the reader of the API server. Collecting garbage is paid
// for where it falls due, from a heap that begins empty.
func (o *oracle) measure(r *request) (answer, error) {
	kind := schema.GroupVersionKind{Group: r.GVK.Group, Version: r.GVK.Version, Kind: r.GVK.Kind}
	t, err := o.typeOf(r.Schema, r.Type)
	if err != nil {
		return nil, err
	}
	types := converter{TypeConverter: o.noTypes, types: map[schema.GroupVersionKind]typed.ParseableType{kind: t}}
	fm, err := managedfields.NewDefaultCRDFieldManager(types, versions{gv: kind.GroupVersion()}, nothing{}, nothing{}, kind, kind.GroupVersion(), "", nil)
	if err != nil {
		return nil, err
	}
	live, config := []byte(r.LiveText), []byte(r.ConfigText)
	decode := func(text []byte) (*unstructured.Unstructured, error) {
		object := map[string]any{}
		if err := utiljson.UnmarshalCaseSensitivePreserveInts(text, &object); err != nil {
			return nil, err
		}
		return &unstructured.Unstructured{Object: object}, nil
	}
	times := []int64{}
	var result []byte
	runtime.GC()
	for range r.Times {
		start := time.Now()
		l, err := decode(live)
		if err != nil {
			return nil, err
		}
		c, err := decode(config)
		if err != nil {
			return nil, err
		}
		applied, err := fm.Apply(l, c, r.Manager, false)
		if err != nil {
			return nil, err
		}
		result, err = json.Marshal(applied.(*unstructured.Unstructured).Object)
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(start).Nanoseconds())
	}
	return answer{"nanoseconds": times, "object": json.RawMessage(result)}, nil
}
