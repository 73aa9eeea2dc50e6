// Package protocol is what the programs that answer requests have in common.
package protocol

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"

	"sigs.k8s.io/structured-merge-diff/v6/schema"
)

// Serve answers the requests on the standard input, one on a line, until it ends.
func Serve(answer func(line []byte) map[string]any) error {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			encoder := json.NewEncoder(out)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(answer(line)); err != nil {
				return err
			}
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
		if err != nil {
			return out.Flush()
		}
	}
}

// TypeOf is the name of a type in the index of a type converter, which has no other way out.
func TypeOf(ty reflect.Value) string {
	return ty.Elem().FieldByName("TypeRef").FieldByName("NamedType").Elem().String()
}

// Converted tells of the types of a schema and of the kinds of an index of types, which is a map with
// groups, versions and kinds as keys.
func Converted(s *schema.Schema, index reflect.Value, name func(reflect.Value) string) map[string]any {
	sort.SliceStable(s.Types, func(i, j int) bool { return s.Types[i].Name < s.Types[j].Name })
	types := []any{}
	for _, t := range s.Types {
		types = append(types, withAtom(map[string]any{"name": t.Name}, t.Atom))
	}
	kinds := []string{}
	for _, key := range index.MapKeys() {
		part := func(field string) string { return key.FieldByName(field).String() }
		kinds = append(kinds, fmt.Sprintf("%s/%s, Kind=%s is %s",
			part("Group"), part("Version"), part("Kind"), name(index.MapIndex(key))))
	}
	sort.Strings(kinds)
	return map[string]any{"types": types, "kinds": kinds}
}

func withAtom(out map[string]any, a schema.Atom) map[string]any {
	if a.Scalar != nil {
		out["scalar"] = *a.Scalar
	}
	if a.List != nil {
		list := map[string]any{}
		withRef(list, "elementType", a.List.ElementType)
		withWord(list, "elementRelationship", string(a.List.ElementRelationship))
		if len(a.List.Keys) > 0 {
			list["keys"] = a.List.Keys
		}
		out["list"] = list
	}
	if a.Map != nil {
		m := map[string]any{}
		withRef(m, "elementType", a.Map.ElementType)
		withWord(m, "elementRelationship", string(a.Map.ElementRelationship))
		sort.SliceStable(a.Map.Fields, func(i, j int) bool { return a.Map.Fields[i].Name < a.Map.Fields[j].Name })
		fields := []any{}
		for _, f := range a.Map.Fields {
			field := map[string]any{"name": f.Name}
			withRef(field, "type", f.Type)
			if f.Default != nil {
				field["default"] = asJSON(f.Default)
			}
			fields = append(fields, field)
		}
		if len(fields) > 0 {
			m["fields"] = fields
		}
		out["map"] = m
	}
	return out
}

func withRef(out map[string]any, key string, ref schema.TypeRef) {
	said := withAtom(map[string]any{}, ref.Inlined)
	if ref.NamedType != nil {
		said["namedType"] = *ref.NamedType
	}
	if ref.ElementRelationship != nil {
		said["elementRelationship"] = *ref.ElementRelationship
	}
	if ref.Nullable {
		said["nullable"] = true
	}
	if len(said) > 0 {
		out[key] = said
	}
}

func withWord(out map[string]any, key, word string) {
	if word != "" {
		out[key] = word
	}
}

// asJSON makes keys of maps strings.
func asJSON(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for key, value := range v {
			out[fmt.Sprint(key)] = asJSON(value)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = asJSON(value)
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, asJSON(item))
		}
		return out
	}
	return v
}
