package main

import (
	"encoding/json"
	"fmt"
	"sort"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/merge"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

type oracle struct {
	parsers  map[string]*typed.Parser
	handlers map[string]func(*request) (answer, error)
}

func newOracle() *oracle {
	o := &oracle{parsers: map[string]*typed.Parser{}}
	o.handlers = map[string]func(*request) (answer, error){
		"hello":        o.hello,
		"schema":       o.schema,
		"decode":       o.decode,
		"element":      o.element,
		"algebra":      o.algebra,
		"filter":       o.filter,
		"value":        o.value,
		"from_value":   o.fromValue,
		"managed":      o.managed,
		"validate":     o.validate,
		"merge":        o.merge,
		"compare":      o.compare,
		"to_field_set": o.toFieldSet,
		"remove":       o.remove,
		"extract":      o.extract,
		"reconcile":    o.reconcile,
		"ensure_named": o.ensureNamed,
		"updater":      o.updater,
		"fieldmanager": o.fieldManager,
	}
	return o
}

func (o *oracle) schema(r *request) (answer, error) {
	p, err := typed.NewParser(typed.YAMLObject(r.YAML))
	if err != nil {
		return nil, err
	}
	o.parsers[r.Name] = p
	types := []string{}
	for _, t := range p.Schema.Types {
		types = append(types, t.Name)
	}
	return answer{"types": types}, nil
}

func (o *oracle) typeOf(schema, name string) (typed.ParseableType, error) {
	if schema == "deduced" {
		return typed.DeducedParseableType, nil
	}
	p, ok := o.parsers[schema]
	if !ok {
		return typed.ParseableType{}, fmt.Errorf("unknown schema %q", schema)
	}
	return p.Type(name), nil
}

// side reads one operand.
func (o *oracle) side(r *request, raw json.RawMessage) (*typed.TypedValue, error) {
	t, err := o.typeOf(r.Schema, r.Type)
	if err != nil {
		return nil, err
	}
	v, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	if r.Unvalidated {
		return typed.AsTypedUnvalidated(value.NewValueInterface(v), t.Schema, t.TypeRef), nil
	}
	options := []typed.ValidationOptions{}
	if r.AllowDuplicates {
		options = append(options, typed.AllowDuplicates)
	}
	return t.FromUnstructured(v, options...)
}

func (o *oracle) sides(r *request) (l, w *typed.TypedValue, err error) {
	if l, err = o.side(r, r.LHS); err != nil {
		return nil, nil, fmt.Errorf("lhs: %w", err)
	}
	if w, err = o.side(r, r.RHS); err != nil {
		return nil, nil, fmt.Errorf("rhs: %w", err)
	}
	return l, w, nil
}

func (o *oracle) validate(r *request) (answer, error) {
	_, err := o.side(r, r.LHS)
	return answer{}, err
}

func putObject(v *typed.TypedValue) (answer, error) {
	b, err := encodeObject(v.AsValue())
	if err != nil {
		return nil, err
	}
	return answer{"object": b}, nil
}

func (o *oracle) merge(r *request) (answer, error) {
	l, w, err := o.sides(r)
	if err != nil {
		return nil, err
	}
	merged, err := l.Merge(w)
	if err != nil {
		return nil, err
	}
	return putObject(merged)
}

func (o *oracle) compare(r *request) (answer, error) {
	l, w, err := o.sides(r)
	if err != nil {
		return nil, err
	}
	c, err := l.Compare(w)
	if err != nil {
		return nil, err
	}
	a := answer{}
	putSet(a, "added", c.Added)
	putSet(a, "modified", c.Modified)
	putSet(a, "removed", c.Removed)
	return a, nil
}

func (o *oracle) toFieldSet(r *request) (answer, error) {
	l, err := o.side(r, r.LHS)
	if err != nil {
		return nil, err
	}
	s, err := l.ToFieldSet()
	if err != nil {
		return nil, err
	}
	a := answer{}
	putSet(a, "set", s)
	return a, nil
}

func (o *oracle) remove(r *request) (answer, error) {
	l, err := o.side(r, r.LHS)
	if err != nil {
		return nil, err
	}
	s, err := readSet(r.Set)
	if err != nil {
		return nil, err
	}
	return putObject(l.RemoveItems(s))
}

func (o *oracle) extract(r *request) (answer, error) {
	l, err := o.side(r, r.LHS)
	if err != nil {
		return nil, err
	}
	s, err := readSet(r.Set)
	if err != nil {
		return nil, err
	}
	if r.AppendKeys {
		return putObject(l.ExtractItems(s, typed.WithAppendKeyFields()))
	}
	return putObject(l.ExtractItems(s))
}

func (o *oracle) reconcile(r *request) (answer, error) {
	l, err := o.side(r, r.LHS)
	if err != nil {
		return nil, err
	}
	s, err := readSet(r.Set)
	if err != nil {
		return nil, err
	}
	reconciled, err := typed.ReconcileFieldSetWithSchema(s, l)
	if err != nil {
		return nil, err
	}
	if reconciled == nil {
		return answer{"unchanged": true}, nil
	}
	a := answer{}
	putSet(a, "set", reconciled)
	return a, nil
}

func (o *oracle) ensureNamed(r *request) (answer, error) {
	t, err := o.typeOf(r.Schema, r.Type)
	if err != nil {
		return nil, err
	}
	s, err := readSet(r.Set)
	if err != nil {
		return nil, err
	}
	a := answer{}
	putSet(a, "set", s.EnsureNamedFieldsAreMembers(t.Schema, t.TypeRef))
	return a, nil
}

// renaming converts between versions that differ in the names of fields of the root.
type renaming struct {
	o        *oracle
	versions map[string]versionSpec
	missing  map[string]bool
	failing  map[string]bool
	// at knows the version of every typed value by its type.
	at map[*typed.TypedValue]string
}

type missingVersion struct{ version string }

func (m missingVersion) Error() string { return "cannot convert to invalid version: " + m.version }

func (c *renaming) IsMissingVersionError(err error) bool {
	_, ok := err.(missingVersion)
	return ok
}

func (c *renaming) typeAt(version string) (typed.ParseableType, error) {
	spec, ok := c.versions[version]
	if !ok || c.missing[version] {
		return typed.ParseableType{}, missingVersion{version}
	}
	return c.o.typeOf(spec.Schema, spec.Type)
}

// versionOf finds the version of an object by its type; objects of one type are of the first
// version, by name, that has it.
func (c *renaming) versionOf(v *typed.TypedValue) string {
	names := []string{}
	for name := range c.versions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		t, err := c.o.typeOf(c.versions[name].Schema, c.versions[name].Type)
		if err == nil && t.Schema == v.Schema() && sameRef(t, v) {
			return name
		}
	}
	return ""
}

func sameRef(t typed.ParseableType, v *typed.TypedValue) bool {
	ref := v.TypeRef()
	return (&ref).Equals(&t.TypeRef)
}

func (c *renaming) Convert(v *typed.TypedValue, to fieldpath.APIVersion) (*typed.TypedValue, error) {
	version := string(to)
	if c.failing[version] {
		return v, fmt.Errorf("conversion failed")
	}
	t, err := c.typeAt(version)
	if err != nil {
		return v, err
	}
	from := c.versionOf(v)
	if from == version || c.versions[from].same(c.versions[version]) {
		return v, nil
	}
	raw := v.AsValue().Unstructured()
	object, ok := raw.(map[string]any)
	if ok {
		out := map[string]any{}
		hub := map[string]string{}
		for name, here := range c.versions[from].Rename {
			hub[here] = name
		}
		keys := []string{}
		for key := range object {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			name := key
			if h, ok := hub[name]; ok {
				name = h
			}
			if there, ok := c.versions[version].Rename[name]; ok {
				name = there
			}
			out[name] = object[key]
		}
		raw = out
	}
	return t.FromUnstructured(raw, typed.AllowDuplicates)
}

func (s versionSpec) same(other versionSpec) bool {
	return s.Schema == other.Schema && s.Type == other.Type
}

func names(list []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range list {
		m[n] = true
	}
	return m
}

func (o *oracle) updater(r *request) (answer, error) {
	converter := &renaming{o: o, versions: r.Versions, missing: names(r.Missing), failing: names(r.Failing)}
	builder := merge.UpdaterBuilder{Converter: converter, ReturnInputOnNoop: r.ReturnInputOnNoop}
	if r.IgnoredFields != nil {
		builder.IgnoredFields = map[fieldpath.APIVersion]*fieldpath.Set{}
		for version, t := range r.IgnoredFields {
			s, err := readSet(t)
			if err != nil {
				return nil, err
			}
			builder.IgnoredFields[fieldpath.APIVersion(version)] = s
		}
	}
	if r.IgnoreFilter != nil {
		builder.IgnoreFilter = map[fieldpath.APIVersion]fieldpath.Filter{}
		for version, spec := range r.IgnoreFilter {
			f, err := filterOf(spec.Exclude, spec.Include)
			if err != nil {
				return nil, err
			}
			builder.IgnoreFilter[fieldpath.APIVersion(version)] = f
		}
	}
	u := builder.BuildUpdater()
	managers, err := readManagers(r.Managers)
	if err != nil {
		return nil, err
	}
	var live *typed.TypedValue
	if len(r.Live) > 0 && string(r.Live) != "null" {
		t, err := converter.typeAt(r.LiveVersion)
		if err != nil {
			return nil, err
		}
		v, err := decodeObject(r.Live)
		if err != nil {
			return nil, err
		}
		if live, err = t.FromUnstructured(v, typed.AllowDuplicates); err != nil {
			return nil, err
		}
	}
	steps := []answer{}
	for _, s := range r.Steps {
		a := answer{}
		result, now, next, err := o.updaterStep(u, converter, live, managers, s, r)
		if err != nil {
			a["error"] = err.Error()
			if conflicts, ok := err.(merge.Conflicts); ok {
				list := []answer{}
				for _, c := range conflicts {
					list = append(list, answer{"manager": c.Manager, "path": c.Path.String()})
				}
				sort.Slice(list, func(i, j int) bool {
					if list[i]["manager"] != list[j]["manager"] {
						return list[i]["manager"].(string) < list[j]["manager"].(string)
					}
					return list[i]["path"].(string) < list[j]["path"].(string)
				})
				a["conflicts"] = list
			}
		} else {
			live, managers = now, next
			if result != nil {
				b, err := encodeObject(result.AsValue())
				if err != nil {
					return nil, err
				}
				a["object"] = b
			}
		}
		if live != nil {
			b, err := encodeObject(live.AsValue())
			if err != nil {
				return nil, err
			}
			a["live"] = b
		} else {
			a["live"] = nil
		}
		a["managers"] = writeManagers(managers)
		steps = append(steps, a)
	}
	return answer{"steps": steps}, nil
}

func (o *oracle) updaterStep(u *merge.Updater, c *renaming, live *typed.TypedValue, managers fieldpath.ManagedFields, s step, r *request) (result, now *typed.TypedValue, next fieldpath.ManagedFields, err error) {
	t, err := c.typeAt(s.Version)
	if err != nil {
		return nil, nil, nil, err
	}
	if live == nil {
		if live, err = t.FromUnstructured(nil); err != nil {
			return nil, nil, nil, err
		}
	}
	version := fieldpath.APIVersion(s.Version)
	if live, err = u.Converter.Convert(live, version); err != nil {
		return nil, nil, nil, err
	}
	v, err := decodeObject(s.Object)
	if err != nil {
		return nil, nil, nil, err
	}
	switch s.Op {
	case "update":
		object, err := t.FromUnstructured(v, typed.AllowDuplicates)
		if err != nil {
			return nil, nil, nil, err
		}
		result, next, err = u.Update(live, object, version, managers.Copy(), s.Manager)
		if err != nil {
			return nil, nil, nil, err
		}
	case "apply", "force", "extract_apply":
		object, err := t.FromUnstructured(v)
		if err != nil {
			return nil, nil, nil, err
		}
		force := s.Op == "force"
		if s.Op == "extract_apply" {
			force = true
			if m, ok := managers[s.Manager]; ok {
				if m.APIVersion() != version {
					return nil, nil, nil, fmt.Errorf("existing managed fieldset version does not match the requested version")
				}
				extracted := live.ExtractItems(m.Set().Leaves())
				if object, err = extracted.Merge(object); err != nil {
					return nil, nil, nil, err
				}
			}
		}
		result, next, err = u.Apply(live, object, version, managers.Copy(), s.Manager, force)
		if err != nil {
			return nil, nil, nil, err
		}
	default:
		return nil, nil, nil, fmt.Errorf("unknown step %q", s.Op)
	}
	now = live
	if result != nil {
		now = result
	}
	return result, now, next, nil
}
