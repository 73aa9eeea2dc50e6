package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// converter types objects by the parsers that were registered. The rest is left to the reference's
// own converter, here without any type: its error for an unknown kind is of a type of its own, by
// which the reference knows a version that is gone.
type converter struct {
	managedfields.TypeConverter
	types map[schema.GroupVersionKind]typed.ParseableType
}

func (c converter) ObjectToTyped(object runtime.Object, options ...typed.ValidationOptions) (*typed.TypedValue, error) {
	t, ok := c.types[object.GetObjectKind().GroupVersionKind()]
	if !ok {
		return c.TypeConverter.ObjectToTyped(object, options...)
	}
	return t.FromUnstructured(object.(*unstructured.Unstructured).UnstructuredContent(), options...)
}

// versions knows the version of the endpoint, and those that the request names. Between versions
// fields are renamed: those of `spec` and of the maps in it.
type versions struct {
	gv      schema.GroupVersion
	others  map[string]versionSpec
	failing []string
}

func (v versions) Convert(in, out, context any) error { return fmt.Errorf("not used") }

// ConvertToVersion is the identity for objects of the version that is asked for. An object without
// kind or version is an error as it is with a scheme, and not a version that is gone.
func (v versions) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	kind := in.GetObjectKind().GroupVersionKind()
	if kind.Kind == "" {
		return nil, runtime.NewMissingKindErr("unstructured object has no kind")
	}
	if kind.Version == "" {
		return nil, runtime.NewMissingVersionErr("unstructured object has no version")
	}
	to, ok := target.(schema.GroupVersion)
	if !ok || !v.knows(to) || !v.knows(kind.GroupVersion()) {
		return nil, runtime.NewNotRegisteredGVKErrForTarget("oracle", kind, target)
	}
	if to == kind.GroupVersion() {
		return in, nil
	}
	if slices.Contains(v.failing, to.String()) {
		return nil, fmt.Errorf("conversion failed")
	}
	out := in.(*unstructured.Unstructured).DeepCopy()
	out.SetGroupVersionKind(to.WithKind(kind.Kind))
	hub := map[string]string{}
	for name, own := range v.others[kind.GroupVersion().String()].Rename {
		hub[own] = name
	}
	there := v.others[to.String()]
	if spec, ok := out.Object["spec"].(map[string]any); ok {
		for key, member := range spec {
			if m, ok := member.(map[string]any); ok {
				spec[key] = there.names(hub, m)
			}
		}
		out.Object["spec"] = there.names(hub, spec)
	}
	return out, nil
}

func (v versions) knows(gv schema.GroupVersion) bool {
	_, ok := v.others[gv.String()]
	return ok || gv == v.gv
}

func (v versions) ConvertFieldLabel(gvk schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

type nothing struct{}

func (nothing) Default(runtime.Object) {}

func (nothing) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	return empty(kind), nil
}

func empty(kind schema.GroupVersionKind) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(kind)
	return u
}

func readObject(raw json.RawMessage) (*unstructured.Unstructured, error) {
	v, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("not an object")
	}
	return &unstructured.Unstructured{Object: m}, nil
}

func (o *oracle) fieldManager(r *request) (answer, error) {
	kind := schema.GroupVersionKind{Group: r.GVK.Group, Version: r.GVK.Version, Kind: r.GVK.Kind}
	var types managedfields.TypeConverter = managedfields.NewDeducedTypeConverter()
	if r.Schema != "deduced" {
		c := converter{TypeConverter: o.noTypes, types: map[schema.GroupVersionKind]typed.ParseableType{}}
		for key, name := range r.TypeOf {
			t, err := o.typeOf(r.Schema, name)
			if err != nil {
				return nil, err
			}
			gvk, err := parseKind(key)
			if err != nil {
				return nil, err
			}
			c.types[gvk] = t
		}
		types = c
	}
	var resetFields map[fieldpath.APIVersion]fieldpath.Filter
	for version, spec := range r.ResetFields {
		f, err := filterOf(spec.Exclude, spec.Include)
		if err != nil {
			return nil, err
		}
		if resetFields == nil {
			resetFields = map[fieldpath.APIVersion]fieldpath.Filter{}
		}
		resetFields[fieldpath.APIVersion(version)] = f
	}
	fm, err := managedfields.NewDefaultCRDFieldManager(types, versions{kind.GroupVersion(), r.Versions, r.Failing}, nothing{}, nothing{}, kind, kind.GroupVersion(), r.Subresource, resetFields)
	if err != nil {
		return nil, err
	}
	live := empty(kind)
	if len(r.Live) > 0 && string(r.Live) != "null" {
		if live, err = readObject(r.Live); err != nil {
			return nil, err
		}
	}
	steps := []answer{}
	for i, s := range r.Steps {
		object, err := readObject(s.Object)
		if err != nil {
			return nil, err
		}
		a := answer{}
		out, err := runStep(fm, live, object, s)
		if err != nil {
			a["error"] = err.Error()
			if status := apierrors.APIStatus(nil); errors.As(err, &status) {
				a["status"] = status.Status()
			}
		} else {
			stamp(out.result, out.second, r.First+i)
			live = out.result
			b, err := json.Marshal(live.Object)
			if err != nil {
				return nil, err
			}
			a["object"] = json.RawMessage(b)
		}
		steps = append(steps, a)
	}
	return answer{"steps": steps}, nil
}

func parseKind(key string) (schema.GroupVersionKind, error) {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] == '/' {
			gv, err := schema.ParseGroupVersion(key[:i])
			return gv.WithKind(key[i+1:]), err
		}
	}
	return schema.GroupVersionKind{}, fmt.Errorf("not a kind: %q", key)
}

type ran struct {
	result *unstructured.Unstructured
	second int64
}

// runStep runs a step within one second of the clock.
func runStep(fm *managedfields.FieldManager, live, object *unstructured.Unstructured, s step) (ran, error) {
	for {
		before := time.Now().Unix()
		var result runtime.Object
		var err error
		l, n := live.DeepCopy(), object.DeepCopy()
		switch s.Op {
		case "apply":
			result, err = fm.Apply(l, n, s.Manager, s.Force)
		case "update":
			result, err = fm.Update(l, n, s.Manager)
		case "update_no_errors":
			result = fm.UpdateNoErrors(l, n, s.Manager)
		default:
			err = fmt.Errorf("unknown step %q", s.Op)
		}
		if time.Now().Unix() != before {
			continue
		}
		if err != nil {
			return ran{}, err
		}
		return ran{result.(*unstructured.Unstructured), before}, nil
	}
}

// stamp replaces times of that second by the time of the step.
func stamp(object *unstructured.Unstructured, second int64, index int) {
	metadata, ok := object.Object["metadata"].(map[string]any)
	if !ok {
		return
	}
	entries, ok := metadata["managedFields"].([]any)
	if !ok {
		return
	}
	now := time.Unix(second, 0).UTC().Format(time.RFC3339)
	fake := time.Date(2001, 1, 1, 0, 0, index+1, 0, time.UTC).Format(time.RFC3339)
	for _, e := range entries {
		if entry, ok := e.(map[string]any); ok && entry["time"] == now {
			entry["time"] = fake
		}
	}
}
