package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// decodeObject reads JSON as Kubernetes does: int64 where the literal is one, else float64.
func decodeObject(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var v any
	if err := utiljson.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	return v, nil
}

func encodeObject(v value.Value) (json.RawMessage, error) {
	if v == nil {
		return json.RawMessage("null"), nil
	}
	return value.ToJSON(v)
}

func readSet(text string) (*fieldpath.Set, error) {
	s := fieldpath.NewSet()
	if text == "" {
		return s, nil
	}
	if text[0] == '[' {
		var paths [][]string
		if err := json.Unmarshal([]byte(text), &paths); err != nil {
			return nil, err
		}
		for _, elements := range paths {
			path := fieldpath.Path{}
			for _, element := range elements {
				pe, err := exactElement(element)
				if err != nil {
					return nil, err
				}
				path = append(path, pe)
			}
			s.Insert(path)
		}
		return s, nil
	}
	return s, s.FromJSON(bytes.NewReader([]byte(text)))
}

// exactElement reads an element as FieldsV1 spells it, but keeps integers.
func exactElement(element string) (fieldpath.PathElement, error) {
	kind, body, _ := strings.Cut(element, ":")
	switch kind {
	case "v":
		v, err := decodeObject(json.RawMessage(body))
		if err != nil {
			return fieldpath.PathElement{}, err
		}
		of := value.NewValueInterface(v)
		return fieldpath.PathElement{Value: &of}, nil
	case "k":
		v, err := decodeObject(json.RawMessage(body))
		if err != nil {
			return fieldpath.PathElement{}, err
		}
		fields, ok := v.(map[string]any)
		if !ok {
			return fieldpath.PathElement{}, fmt.Errorf("%s is no object", body)
		}
		key := value.FieldList{}
		for name, field := range fields {
			key = append(key, value.Field{Name: name, Value: value.NewValueInterface(field)})
		}
		key.Sort()
		return fieldpath.PathElement{Key: &key}, nil
	}
	return fieldpath.DeserializePathElement(element)
}

// putSet adds a set to an answer, or says why it has no wire form.
func putSet(a answer, key string, s *fieldpath.Set) {
	if s == nil {
		s = fieldpath.NewSet()
	}
	b, err := s.ToJSON()
	if err != nil {
		a["text"] = s.String()
		a["serialise_error"] = err.Error()
		return
	}
	a[key] = string(b)
}

func text(raw json.RawMessage) (string, error) {
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

func (o *oracle) decode(r *request) (answer, error) {
	s := fieldpath.NewSet()
	if err := s.FromJSON(bytes.NewReader([]byte(r.FieldsV1))); err != nil {
		return nil, err
	}
	a := answer{"size": s.Size()}
	putSet(a, "fieldsv1", s)
	paths := []string{}
	s.Iterate(func(p fieldpath.Path) { paths = append(paths, p.String()) })
	a["paths"] = paths
	return a, nil
}

func (o *oracle) element(r *request) (answer, error) {
	pe, err := fieldpath.DeserializePathElement(r.PE)
	if err != nil {
		a := answer{"error": err.Error()}
		if err == fieldpath.ErrUnknownPathElementType {
			a["unknown"] = true
		}
		return a, nil
	}
	out, err := fieldpath.SerializePathElement(pe)
	if err != nil {
		return nil, err
	}
	return answer{"pe": out, "text": pe.String()}, nil
}

func (o *oracle) algebra(r *request) (answer, error) {
	sets := [2]*fieldpath.Set{}
	for i, raw := range []json.RawMessage{r.A, r.B} {
		t, err := text(raw)
		if err != nil {
			return nil, err
		}
		if sets[i], err = readSet(t); err != nil {
			return nil, err
		}
	}
	x, y := sets[0], sets[1]
	a := answer{"equals": x.Equals(y), "size_a": x.Size(), "text_a": x.String()}
	putSet(a, "union", x.Union(y))
	putSet(a, "intersection", x.Intersection(y))
	putSet(a, "difference", x.Difference(y))
	putSet(a, "recursive_difference", x.RecursiveDifference(y))
	putSet(a, "leaves_a", x.Leaves())
	return a, nil
}

func filterOf(exclude *string, include [][]patternPart) (fieldpath.Filter, error) {
	if exclude != nil {
		s, err := readSet(*exclude)
		if err != nil {
			return nil, err
		}
		return fieldpath.NewExcludeSetFilter(s), nil
	}
	matchers := []*fieldpath.SetMatcher{}
	for _, parts := range include {
		args := []any{}
		for _, part := range parts {
			if part.Any {
				args = append(args, fieldpath.MatchAnyPathElement())
				continue
			}
			pe, err := fieldpath.DeserializePathElement(part.PE)
			if err != nil {
				return nil, err
			}
			args = append(args, pe)
		}
		m, err := fieldpath.PrefixMatcher(args...)
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, m)
	}
	return fieldpath.NewIncludeMatcherFilter(matchers...), nil
}

func (o *oracle) filter(r *request) (answer, error) {
	s, err := readSet(r.Set)
	if err != nil {
		return nil, err
	}
	f, err := filterOf(r.Exclude, r.Include)
	if err != nil {
		return nil, err
	}
	a := answer{}
	putSet(a, "set", f.Filter(s))
	return a, nil
}

func (o *oracle) value(r *request) (answer, error) {
	x, err := decodeObject(r.A)
	if err != nil {
		return nil, err
	}
	y, err := decodeObject(r.B)
	if err != nil {
		return nil, err
	}
	v, w := value.NewValueInterface(x), value.NewValueInterface(y)
	b, err := value.ToJSON(v)
	if err != nil {
		return nil, err
	}
	return answer{
		"equals":  value.Equals(v, w),
		"compare": value.Compare(v, w),
		"text_a":  value.ToString(v),
		"json_a":  string(b),
	}, nil
}

func (o *oracle) fromValue(r *request) (answer, error) {
	x, err := decodeObject(r.Value)
	if err != nil {
		return nil, err
	}
	a := answer{}
	putSet(a, "set", fieldpath.SetFromValue(value.NewValueInterface(x)))
	return a, nil
}

func readManagers(specs map[string]managerSpec) (fieldpath.ManagedFields, error) {
	m := fieldpath.ManagedFields{}
	// A small map is visited in the order of insertion, begun anywhere. Answers that depend on the
	// order are to vary over all orders.
	names := slices.Collect(maps.Keys(specs))
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		spec := specs[name]
		s, err := readSet(spec.Set)
		if err != nil {
			return nil, err
		}
		m[name] = fieldpath.NewVersionedSet(s, fieldpath.APIVersion(spec.Version), spec.Applied)
	}
	return m, nil
}

func writeManagers(m fieldpath.ManagedFields) map[string]answer {
	out := map[string]answer{}
	for name, v := range m {
		a := answer{"version": string(v.APIVersion()), "applied": v.Applied()}
		putSet(a, "set", v.Set())
		out[name] = a
	}
	return out
}

func (o *oracle) managed(r *request) (answer, error) {
	sides := [2]fieldpath.ManagedFields{}
	for i, raw := range []json.RawMessage{r.A, r.B} {
		specs := map[string]managerSpec{}
		if err := json.Unmarshal(raw, &specs); err != nil {
			return nil, err
		}
		m, err := readManagers(specs)
		if err != nil {
			return nil, err
		}
		sides[i] = m
	}
	return answer{
		"equals":     sides[0].Equals(sides[1]),
		"difference": writeManagers(sides[0].Difference(sides[1])),
	}, nil
}

// printable prints the ranges of printable characters beyond ASCII as rows of a Rust table.
func printable() {
	start := rune(-1)
	for r := rune(0x80); r <= 0x110000; r++ {
		prints := r <= 0x10ffff && strconv.IsPrint(r)
		if prints && start < 0 {
			start = r
		}
		if !prints && start >= 0 {
			fmt.Printf("(0x%x, 0x%x),\n", start, r-1)
			start = -1
		}
	}
}
