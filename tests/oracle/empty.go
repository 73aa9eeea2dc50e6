package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/scheme"
)

type emptyObject struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Object     json.RawMessage `json:"object"`
}

// emptyObjects prints what a new object of every kind is written as, before anything is set in it.
func emptyObjects() error {
	var rows []emptyObject
	for _, scheme := range []*runtime.Scheme{scheme.Scheme, apiextensions.Scheme, aggregator.Scheme} {
		for kind := range scheme.AllKnownTypes() {
			object, err := scheme.New(kind)
			if err != nil {
				return err
			}
			text, err := json.Marshal(object)
			if err != nil {
				return err
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(text, &members); err != nil || members["metadata"] == nil {
				// Options and events of watches.
				continue
			}
			delete(members, "metadata")
			if _, isList := members["items"]; isList || len(members) == 0 {
				continue
			}
			if text, err = json.Marshal(members); err != nil {
				return err
			}
			rows = append(rows, emptyObject{kind.GroupVersion().String(), kind.Kind, text})
		}
	}
	sort.Slice(rows, func(a, b int) bool {
		if rows[a].Kind != rows[b].Kind {
			return rows[a].Kind < rows[b].Kind
		}
		return rows[a].APIVersion < rows[b].APIVersion
	})
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any{"empty": rows}); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return nil
}
