package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/merge"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	utiljson "sigs.k8s.io/json"
)

// result is what a measured operation comes to.
type result struct {
	bytes    []byte
	object   *typed.TypedValue
	sets     [3]*fieldpath.Set
	managers fieldpath.ManagedFields
}

// measured is an operation that is ready to be timed.
type measured struct {
	run func() (result, error)
	// expected is how the first result was spelled, and stamp where in it the time of the apply is.
	expected []byte
	stamp    int
	// results has room for those that are timed at once, since the clock takes its time too.
	results []result
	spelled []byte
	keys    []string
}

const timestamp = len("2006-01-02T15:04:05Z")

// prepare makes an operation ready, which stays so until the next, and answers what comes of it.
func (o *oracle) prepare(r *request) (answer, error) {
	a := answer{}
	run, err := o.operation(r, a)
	if err != nil {
		return nil, err
	}
	m := &measured{run: run, stamp: -1, results: make([]result, 1)}
	before := time.Now()
	first, err := run()
	if err != nil {
		return nil, err
	}
	if r.What == "apply" {
		for at := before; !at.After(time.Now().Add(time.Second)); at = at.Add(time.Second) {
			stamp := at.UTC().Format(time.RFC3339)
			if i := bytes.Index(first.bytes, []byte(`"time":"`+stamp)); i >= 0 {
				m.stamp = i + len(`"time":"`)
			}
		}
	}
	m.expected = slices.Clone(m.spell(first))
	once := time.Hour
	for range 9 {
		took, err := m.sample()
		if err != nil {
			return nil, err
		}
		once = min(once, took)
	}
	m.results = make([]result, min(256, 1+20*time.Microsecond/(once+1)))
	o.ready = m

	if first.bytes != nil {
		a["bytes"] = string(first.bytes)
	}
	if first.object != nil {
		if a["object"], err = encodeObject(first.object.AsValue()); err != nil {
			return nil, err
		}
	}
	sets := answer{}
	for i, name := range []string{"added", "modified", "removed"} {
		if first.sets[i] != nil {
			putSet(sets, name, first.sets[i])
		}
	}
	for name, owned := range first.managers {
		putSet(sets, name, owned.Set())
	}
	a["sets"] = sets
	return a, nil
}

// measure times what was prepared, for as long as it is asked to, and answers what one took on average,
// since collecting garbage is paid for where it falls due. Without a collector the heap is emptied
// before.
func (o *oracle) measure(r *request) (answer, error) {
	if o.ready == nil {
		return nil, fmt.Errorf("nothing is prepared")
	}
	if os.Getenv("GOGC") == "off" {
		runtime.GC()
	}
	most := time.Duration(r.Nanoseconds)
	// Checks may take longer than what they check.
	end := time.Now().Add(2 * most)
	total, count := time.Duration(0), 0
	for count == 0 || (total < most && time.Now().Before(end)) {
		took, err := o.ready.sample()
		if err != nil {
			return nil, err
		}
		total += took
		count += len(o.ready.results)
	}
	return answer{"nanoseconds": float64(total.Nanoseconds()) / float64(count)}, nil
}

// sample times as many operations as there is room for results. What they come to is held against the
// first result outside of that time, with hardly any garbage.
func (m *measured) sample() (time.Duration, error) {
	var failed error
	start := time.Now()
	for i := range m.results {
		m.results[i], failed = m.run()
		if failed != nil {
			return 0, failed
		}
	}
	took := time.Since(start)
	for i := range m.results {
		if !bytes.Equal(m.spell(m.results[i]), m.expected) {
			return 0, fmt.Errorf("a result differs from the first")
		}
		m.results[i] = result{}
	}
	return took, nil
}

// operation makes the operation from its operands. They are made from bytes one by one, so that they
// share nothing.
func (o *oracle) operation(r *request, a answer) (func() (result, error), error) {
	object := func(raw json.RawMessage) *typed.TypedValue { return nil }
	var t typed.ParseableType
	var err error
	if r.Schema != "" {
		if t, err = o.typeOf(r.Schema, r.Type); err != nil {
			return nil, err
		}
		object = func(raw json.RawMessage) *typed.TypedValue {
			v, failed := decodeObject(raw)
			if failed != nil {
				err = failed
				return nil
			}
			typedValue, failed := t.FromUnstructured(v, typed.AllowDuplicates)
			if failed != nil {
				err = failed
			}
			return typedValue
		}
	}
	set := func(raw json.RawMessage) *fieldpath.Set {
		t, failed := text(raw)
		s := fieldpath.NewSet()
		if failed == nil {
			s, failed = readSet(t)
		}
		if failed != nil {
			err = failed
		}
		return s
	}
	var run func() (result, error)
	switch r.What {
	case "apply":
		run, err = o.wholeApply(r, t, a)
	case "updater_apply", "updater_update":
		managers, failed := readManagers(r.Managers)
		if failed != nil {
			return nil, failed
		}
		live, other := object(r.LHS), object(r.RHS)
		version := fieldpath.APIVersion(schema.GroupVersion{Group: r.GVK.Group, Version: r.GVK.Version}.String())
		updater := (&merge.UpdaterBuilder{Converter: oneVersion{}}).BuildUpdater()
		run = func() (result, error) {
			object, managers, err := updater.Apply(live, other, version, managers, r.Manager, false)
			return result{object: object, managers: managers}, err
		}
		if r.What == "updater_update" {
			run = func() (result, error) {
				object, managers, err := updater.Update(live, other, version, managers, r.Manager)
				return result{object: object, managers: managers}, err
			}
		}
	case "compare":
		left, right := object(r.LHS), object(r.RHS)
		run = func() (result, error) {
			c, err := left.Compare(right)
			if err != nil {
				return result{}, err
			}
			return result{sets: [3]*fieldpath.Set{c.Added, c.Modified, c.Removed}}, nil
		}
	case "merge":
		left, right := object(r.LHS), object(r.RHS)
		run = func() (result, error) {
			merged, err := left.Merge(right)
			return result{object: merged}, err
		}
	case "validate":
		v, failed := decodeObject(r.LHS)
		if failed != nil {
			return nil, failed
		}
		run = func() (result, error) {
			valid, err := t.FromUnstructured(v, typed.AllowDuplicates)
			return result{object: valid}, err
		}
	case "to_field_set":
		left := object(r.LHS)
		run = func() (result, error) {
			fields, err := left.ToFieldSet()
			return result{sets: [3]*fieldpath.Set{fields}}, err
		}
	case "decode":
		t, failed := text(r.A)
		if failed != nil {
			return nil, failed
		}
		encoded := []byte(t)
		run = func() (result, error) {
			s := &fieldpath.Set{}
			err := s.FromJSON(bytes.NewReader(encoded))
			return result{sets: [3]*fieldpath.Set{s}}, err
		}
	case "encode":
		left := set(r.A)
		run = func() (result, error) {
			encoded, err := left.ToJSON()
			return result{bytes: encoded}, err
		}
	default:
		operations := map[string]func(x, y *fieldpath.Set) *fieldpath.Set{
			"union":                (*fieldpath.Set).Union,
			"intersection":         (*fieldpath.Set).Intersection,
			"difference":           (*fieldpath.Set).Difference,
			"recursive_difference": (*fieldpath.Set).RecursiveDifference,
			"leaves":               func(x, _ *fieldpath.Set) *fieldpath.Set { return x.Leaves() },
		}
		operation, ok := operations[r.What]
		if !ok {
			return nil, fmt.Errorf("unknown operation %q", r.What)
		}
		left, right := set(r.A), set(r.B)
		run = func() (result, error) {
			return result{sets: [3]*fieldpath.Set{operation(left, right)}}, nil
		}
	}
	return run, err
}

// wholeApply is an apply from bytes to bytes. The schema is there already, and the bytes are decoded
// by the faster of two readers: that of the API server, and the one that structured-merge-diff reads
// JSON with, which makes floats of integers.
func (o *oracle) wholeApply(r *request, t typed.ParseableType, a answer) (func() (result, error), error) {
	kind := schema.GroupVersionKind{Group: r.GVK.Group, Version: r.GVK.Version, Kind: r.GVK.Kind}
	types := converter{TypeConverter: o.noTypes, types: map[schema.GroupVersionKind]typed.ParseableType{kind: t}}
	fm, err := managedfields.NewDefaultCRDFieldManager(types, versions{gv: kind.GroupVersion()}, nothing{}, nothing{}, kind, kind.GroupVersion(), "", nil)
	if err != nil {
		return nil, err
	}
	live, config := []byte(r.LiveText), []byte(r.ConfigText)
	with := func(decode func([]byte) (map[string]any, error)) func() (result, error) {
		return func() (result, error) {
			l, err := decode(live)
			if err != nil {
				return result{}, err
			}
			c, err := decode(config)
			if err != nil {
				return result{}, err
			}
			applied, err := fm.Apply(&unstructured.Unstructured{Object: l}, &unstructured.Unstructured{Object: c}, r.Manager, false)
			if err != nil {
				return result{}, err
			}
			out, err := json.Marshal(applied.(*unstructured.Unstructured).Object)
			return result{bytes: out}, err
		}
	}
	server := with(func(text []byte) (map[string]any, error) {
		object := map[string]any{}
		err := utiljson.UnmarshalCaseSensitivePreserveInts(text, &object)
		return object, err
	})
	iterator := with(func(text []byte) (map[string]any, error) {
		v, err := value.FromJSON(text)
		if err != nil {
			return nil, err
		}
		object, _ := v.Unstructured().(map[string]any)
		return object, nil
	})
	fastest := func(run func() (result, error)) (least time.Duration, length int, err error) {
		least = time.Hour
		for range 15 {
			start := time.Now()
			applied, err := run()
			if err != nil {
				return 0, 0, err
			}
			least, length = min(least, time.Since(start)), len(applied.bytes)
		}
		return least, length, nil
	}
	a["reader"] = "sigs.k8s.io/json"
	own, length, err := fastest(server)
	if err != nil {
		return nil, err
	}
	if other, otherLength, err := fastest(iterator); err == nil && otherLength == length && other < own {
		a["reader"] = "json-iterator"
		return iterator, nil
	}
	return server, nil
}

// oneVersion knows one version.
type oneVersion struct{}

func (oneVersion) Convert(object *typed.TypedValue, _ fieldpath.APIVersion) (*typed.TypedValue, error) {
	return object, nil
}

func (oneVersion) IsMissingVersionError(error) bool { return false }

// Write makes what is spelled something that sets can be written to.
func (m *measured) Write(p []byte) (int, error) {
	m.spelled = append(m.spelled, p...)
	return len(p), nil
}

// spell writes all of a result, into the same memory every time.
func (m *measured) spell(r result) []byte {
	m.spelled = append(m.spelled[:0], r.bytes...)
	if m.stamp >= 0 {
		clear(m.spelled[m.stamp : m.stamp+timestamp])
	}
	if r.object != nil {
		m.spellValue(r.object.AsValue().Unstructured())
	}
	for _, s := range r.sets {
		m.spellSet(s)
	}
	m.keys = m.keys[:0]
	for name := range r.managers {
		m.keys = append(m.keys, name)
	}
	slices.Sort(m.keys)
	for _, name := range m.keys {
		m.spelled = append(append(m.spelled, name...), 0)
		m.spellSet(r.managers[name].Set())
	}
	return m.spelled
}

func (m *measured) spellSet(s *fieldpath.Set) {
	if s != nil {
		if err := s.ToJSONStream(m); err != nil {
			m.spelled = append(m.spelled, err.Error()...)
		}
	}
	m.spelled = append(m.spelled, 0)
}

func (m *measured) spellValue(v any) {
	switch v := v.(type) {
	case map[string]any:
		start := len(m.keys)
		for key := range v {
			m.keys = append(m.keys, key)
		}
		keys := m.keys[start:]
		slices.Sort(keys)
		m.spelled = append(m.spelled, '{')
		for _, key := range keys {
			m.spelled = strconv.AppendQuote(m.spelled, key)
			m.spellValue(v[key])
		}
		m.spelled = append(m.spelled, '}')
		m.keys = m.keys[:start]
	case []any:
		m.spelled = append(m.spelled, '[')
		for _, item := range v {
			m.spellValue(item)
		}
		m.spelled = append(m.spelled, ']')
	case string:
		m.spelled = strconv.AppendQuote(m.spelled, v)
	case int64:
		m.spelled = append(strconv.AppendInt(m.spelled, v, 10), ' ')
	case float64:
		m.spelled = append(strconv.AppendFloat(m.spelled, v, 'g', -1, 64), ' ')
	case bool:
		m.spelled = strconv.AppendBool(m.spelled, v)
	case nil:
		m.spelled = append(m.spelled, '-')
	default:
		m.spelled = fmt.Appendf(m.spelled, "%T", v)
	}
}
