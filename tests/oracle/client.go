package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// csaUpgrade upgrades an object and makes the patch for it. The reference takes several names in
// random order, here they are taken in the order of their text.
func (o *oracle) csaUpgrade(r *request) (answer, error) {
	object, err := readObject(r.Live)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(r.From)
	slices.Sort(names)
	names = slices.Compact(names)
	option := csaupgrade.Subresource(r.Subresource)
	upgraded := object.DeepCopy()
	for _, name := range names {
		if err := csaupgrade.UpgradeManagedFields(upgraded, sets.New(name), r.Manager, option); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		if err := csaupgrade.UpgradeManagedFields(upgraded, sets.New[string](), r.Manager, option); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(upgraded.Object)
	if err != nil {
		return nil, err
	}
	a := answer{"object": json.RawMessage(text)}
	patch, err := patchInOrder(object, upgraded, names, r.Manager, option)
	if err != nil {
		return nil, err
	}
	if patch != nil {
		a["patch"] = string(patch)
	}
	return a, nil
}

// patchInOrder asks for the patch until it is the one for the names in order.
func patchInOrder(object, upgraded *unstructured.Unstructured, names []string, manager string, option csaupgrade.Option) ([]byte, error) {
	// As it stands: a time before the year 0 is written and cannot be read.
	stored, _, err := unstructured.NestedFieldNoCopy(upgraded.Object, "metadata", "managedFields")
	if err != nil {
		return nil, err
	}
	wanted, err := listOf(stored)
	if err != nil {
		return nil, err
	}
	var failed error
	for range 1000 {
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(object.DeepCopy(), sets.New(names...), manager, option)
		if err != nil {
			failed = err
			continue
		}
		found, err := listOf(object.GetManagedFields())
		if patch != nil {
			var ops []struct {
				Value any `json:"value"`
			}
			err = json.Unmarshal(patch, &ops)
			found = ops[0].Value
		}
		if err != nil {
			return nil, err
		}
		if reflect.DeepEqual(withoutNulls(found), withoutNulls(wanted)) {
			return patch, nil
		}
	}
	return nil, fmt.Errorf("no patch makes the upgraded list: %v", failed)
}

// withoutNulls drops the times that are none: the zero time is written as null, and not once it was
// read back.
func withoutNulls(list any) any {
	entries, _ := list.([]any)
	for _, e := range entries {
		if entry, ok := e.(map[string]any); ok && entry["time"] == nil {
			delete(entry, "time")
		}
	}
	return list
}

func listOf(entries any) (any, error) {
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	var list any
	err = json.Unmarshal(text, &list)
	return list, err
}

// findOwners answers the owners with the members that tell them apart.
func (o *oracle) findOwners(r *request) (answer, error) {
	object, err := readObject(r.Live)
	if err != nil {
		return nil, err
	}
	wanted, err := readSet(r.Set)
	if err != nil {
		return nil, err
	}
	owners := []answer{}
	operation := metav1.ManagedFieldsOperationType(r.Operation)
	for _, entry := range csaupgrade.FindFieldsOwners(object.GetManagedFields(), operation, wanted) {
		set := &fieldpath.Set{}
		if err := set.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
			return nil, err
		}
		owner := answer{"manager": entry.Manager, "version": entry.APIVersion, "subresource": entry.Subresource}
		putSet(owner, "set", set)
		owners = append(owners, owner)
	}
	return answer{"owners": owners}, nil
}

func (o *oracle) extractInto(r *request) (answer, error) {
	object, err := readObject(r.Live)
	if err != nil {
		return nil, err
	}
	t, err := o.typeOf(r.Schema, r.Type)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := managedfields.ExtractInto(object, t, r.Manager, &out, r.Subresource); err != nil {
		return nil, err
	}
	text, err := json.Marshal(out)
	return answer{"object": json.RawMessage(text)}, err
}
