// The oracle answers questions about field management with the code that kube-apiserver runs.
// It reads one JSON request a line and writes one JSON answer a line; see README.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"managed-fields-oracle/protocol"
)

type answer = map[string]any

// request is the union of what all operations take.
type request struct {
	ID     json.RawMessage `json:"id"`
	Op     string          `json:"op"`
	Schema string          `json:"schema"`
	Type   string          `json:"type"`

	Name string `json:"name"`
	YAML string `json:"yaml"`

	FieldsV1 string `json:"fieldsv1"`
	PE       string `json:"pe"`

	A     json.RawMessage `json:"a"`
	B     json.RawMessage `json:"b"`
	Value json.RawMessage `json:"value"`
	LHS   json.RawMessage `json:"lhs"`
	RHS   json.RawMessage `json:"rhs"`

	Set             string          `json:"set"`
	Exclude         *string         `json:"exclude"`
	Include         [][]patternPart `json:"include"`
	AllowDuplicates bool            `json:"allow_duplicates"`
	Unvalidated     bool            `json:"unvalidated"`
	AppendKeys      bool            `json:"append_keys"`

	Versions          map[string]versionSpec `json:"versions"`
	Missing           []string               `json:"missing"`
	Failing           []string               `json:"failing"`
	IgnoredFields     map[string]string      `json:"ignored_fields"`
	IgnoreFilter      map[string]filterSpec  `json:"ignore_filter"`
	ReturnInputOnNoop bool                   `json:"return_input_on_noop"`
	Live              json.RawMessage        `json:"live"`
	LiveVersion       string                 `json:"live_version"`
	Managers          map[string]managerSpec `json:"managers"`
	Steps             []step                 `json:"steps"`
	First             int                    `json:"first"`

	TypeOf      map[string]string `json:"type_of"`
	GVK         gvkSpec           `json:"gvk"`
	Subresource string            `json:"subresource"`

	ResetFields map[string]filterSpec `json:"reset_fields"`

	From      []string `json:"from"`
	Operation string   `json:"operation"`

	Mappings map[string]*[]string `json:"mappings"`
	Object   json.RawMessage      `json:"object"`

	LiveText   string `json:"live_text"`
	ConfigText string `json:"config_text"`
	Manager    string `json:"manager"`

	What        string `json:"what"`
	Nanoseconds int64  `json:"nanoseconds"`

	Document json.RawMessage `json:"document"`
}

type versionSpec struct {
	Schema string            `json:"schema"`
	Type   string            `json:"type"`
	Rename map[string]string `json:"rename"`
}

type filterSpec struct {
	Exclude *string         `json:"exclude"`
	Include [][]patternPart `json:"include"`
}

type patternPart struct {
	Any bool   `json:"any"`
	PE  string `json:"pe"`
}

type managerSpec struct {
	Set     string `json:"set"`
	Version string `json:"version"`
	Applied bool   `json:"applied"`
}

type gvkSpec struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

type step struct {
	Op      string          `json:"op"`
	Manager string          `json:"manager"`
	Version string          `json:"version"`
	Force   bool            `json:"force"`
	Object  json.RawMessage `json:"object"`
}

func main() {
	err := error(nil)
	switch {
	case len(os.Args) == 1:
		err = watch(bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriterSize(os.Stdout, 1<<20))
	case os.Args[1] == "answer":
		err = protocol.Serve(newOracle().answer)
	default:
		err = command(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(args []string) error {
	switch args[0] {
	case "builtin-schema":
		if len(args) == 3 && args[1] == "--openapi" {
			return builtinSchema(args[2])
		}
		return fmt.Errorf("usage: oracle builtin-schema --openapi DIR")
	case "empty-objects":
		return emptyObjects()
	case "printable":
		printable()
		return nil
	}
	return fmt.Errorf("unknown command %q", args[0])
}

func (o *oracle) answer(line []byte) (result answer) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return answer{"error": "bad request: " + err.Error()}
	}
	defer func() {
		if p := recover(); p != nil {
			result = answer{"panic": fmt.Sprint(p)}
		}
		if r.ID != nil {
			result["id"] = r.ID
		}
	}()
	handler, ok := o.handlers[r.Op]
	if !ok {
		return answer{"error": "unknown op " + r.Op}
	}
	result, err := handler(&r)
	if err != nil {
		return answer{"error": err.Error()}
	}
	return result
}
