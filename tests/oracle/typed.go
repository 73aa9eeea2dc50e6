package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sort"

	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/merge"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

type oracle struct {
	parsers  map[string]*typed.Parser
	handlers map[string]func(*request) (answer, error)
	// ready is the operation that is measured.
	ready *measured
	// noTypes is a type converter that knows no kind.
	noTypes managedfields.TypeConverter
}

func newOracle() *oracle {
	noTypes, err := managedfields.NewTypeConverter(nil, false)
	if err != nil {
		panic(err)
	}
	o := &oracle{parsers: map[string]*typed.Parser{}, noTypes: noTypes}
	o.handlers = map[string]func(*request) (answer, error){
		"hello":        o.hello,
		"schema":       o.schema,
		"openapi":      o.openAPI,
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
		"prepare":      o.prepare,
		"measure":      o.measure,
		"scale":        o.scale,
		"csaupgrade":   o.csaUpgrade,
		"find_owners":  o.findOwners,
		"extract_into": o.extractInto,
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
	versions map[string]*version
	failing  map[string]bool
	// named finds the version of a typed value by the pointer to its type name: every version
	// has a pointer of its own, so that versions may share a type.
	named map[*string]*version
}

type version struct {
	spec  versionSpec
	typed typed.ParseableType
	hub   map[string]string
}

func (o *oracle) newRenaming(r *request) (*renaming, error) {
	c := &renaming{versions: map[string]*version{}, failing: names(r.Failing), named: map[*string]*version{}}
	missing := names(r.Missing)
	for name, spec := range r.Versions {
		if missing[name] {
			continue
		}
		t, err := o.typeOf(spec.Schema, spec.Type)
		if err != nil {
			return nil, err
		}
		typeName := *t.TypeRef.NamedType
		t.TypeRef.NamedType = &typeName
		v := &version{spec: spec, typed: t, hub: map[string]string{}}
		for hubName, here := range spec.Rename {
			v.hub[here] = hubName
		}
		c.versions[name] = v
		c.named[&typeName] = v
	}
	return c, nil
}

type missingVersion struct{ version string }

func (m missingVersion) Error() string { return "cannot convert to invalid version: " + m.version }

func (c *renaming) IsMissingVersionError(err error) bool {
	_, ok := err.(missingVersion)
	return ok
}

func (c *renaming) typeAt(name string) (typed.ParseableType, error) {
	v, ok := c.versions[name]
	if !ok {
		return typed.ParseableType{}, missingVersion{name}
	}
	return v.typed, nil
}

// Convert gives back its input along with an error, as the converter of Kubernetes does.
func (c *renaming) Convert(object *typed.TypedValue, to fieldpath.APIVersion) (*typed.TypedValue, error) {
	if c.failing[string(to)] {
		return object, errors.New("conversion failed")
	}
	there, ok := c.versions[string(to)]
	if !ok {
		return object, missingVersion{string(to)}
	}
	here, ok := c.named[object.TypeRef().NamedType]
	if !ok {
		return object, errors.New("an object of no version")
	}
	if here.spec.same(there.spec) {
		return object, nil
	}
	raw := object.AsValue().Unstructured()
	if fields, ok := raw.(map[string]any); ok {
		raw = there.spec.names(here.hub, fields)
	}
	return there.typed.FromUnstructured(raw, typed.AllowDuplicates)
}

// same says that objects are alike in both versions.
func (s versionSpec) same(other versionSpec) bool {
	return s.Schema == other.Schema && s.Type == other.Type && maps.Equal(s.Rename, other.Rename)
}

// names gives fields the names of this version; of two fields that get one name the later stays.
func (s versionSpec) names(hub map[string]string, fields map[string]any) map[string]any {
	out := map[string]any{}
	for _, key := range sortedKeys(fields) {
		name := key
		if hubName, ok := hub[name]; ok {
			name = hubName
		}
		if renamed, ok := s.Rename[name]; ok {
			name = renamed
		}
		out[name] = fields[key]
	}
	return out
}

func names(list []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range list {
		m[n] = true
	}
	return m
}

func (o *oracle) updater(r *request) (answer, error) {
	converter, err := o.newRenaming(r)
	if err != nil {
		return nil, err
	}
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
		result, now, next, err := updaterStep(u, converter, live, managers, s)
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

// updaterStep runs one step; next and now are the managers and the object after it.
func updaterStep(u *merge.Updater, c *renaming, live *typed.TypedValue, managers fieldpath.ManagedFields, s step) (result, now *typed.TypedValue, next fieldpath.ManagedFields, err error) {
	t, err := c.typeAt(s.Version)
	if err != nil {
		return nil, nil, nil, err
	}
	created := live == nil
	if created {
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
		// A first object is applied as it is; later ones on top of what the manager has.
		if s.Op == "extract_apply" && !created {
			set := fieldpath.NewSet()
			if m, ok := managers[s.Manager]; ok {
				if m.APIVersion() != version {
					return nil, nil, nil, fmt.Errorf("existing managed fieldpath set APIVersion (%s) differs from desired (%s), unable to extract", m.APIVersion(), version)
				}
				set = m.Set().Leaves()
			}
			if object, err = live.ExtractItems(set).Merge(object); err != nil {
				return nil, nil, nil, err
			}
		}
		force := s.Op != "apply"
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
