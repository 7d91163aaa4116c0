package metadata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// document is an object as it is stored and worked on: texts, bools, json.Number,
// nil, []any and map[string]any.
type document = map[string]any

// parseDocument reads a JSON object that the scanner has found well formed. Of a
// member that stands twice the last counts, as in Jackson.
func parseDocument(raw []byte) (document, error) {
	v, err := parseAny(raw)
	if err != nil {
		return nil, err
	}
	d, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("not an object")
	}
	return d, nil
}

func parseAny(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

// encode prints a document with its members in the type's order.
func (s *schema) encode(doc document) ([]byte, error) {
	return s.appendDocument(make([]byte, 0, 512), doc)
}

func (s *schema) appendDocument(b []byte, doc document) ([]byte, error) {
	var err error
	b = append(b, '{')
	n := len(b)
	for _, p := range s.properties {
		v, ok := doc[p.name]
		if !ok || v == nil || !p.isStored() && !p.calcOwner {
			continue
		}
		b = appendKey(b, n, p.name)
		if b, err = p.appendValue(b, v); err != nil {
			return nil, err
		}
	}
	if s.open {
		if b, err = s.appendUnknown(b, n, doc); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendUnknown prints the members that the table does not know, sorted by name.
func (s *schema) appendUnknown(b []byte, n int, doc document) ([]byte, error) {
	var names []string
	for k, v := range doc {
		if s.byName[k] == nil && v != nil {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	var err error
	for _, k := range names {
		b = appendKey(b, n, k)
		if b, err = appendAny(b, doc[k]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (p *property) appendValue(b []byte, v any) ([]byte, error) {
	if p.kind == kObjs && p.item != nil {
		if list, ok := v.([]any); ok {
			return appendList(b, list, func(b []byte, v any) ([]byte, error) {
				if d, ok := v.(map[string]any); ok {
					return p.item.appendDocument(b, d)
				}
				return appendAny(b, v)
			})
		}
	}
	return appendAny(b, v)
}

// appendKey writes a member's name, with a comma unless it is the first after n.
func appendKey(b []byte, n int, name string) []byte {
	if len(b) > n {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...) // names of the table need no escape
	return append(b, '"', ':')
}

func appendList(b []byte, list []any, item func([]byte, any) ([]byte, error)) ([]byte, error) {
	var err error
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = item(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// order of the members that DHIS2 writes for small objects; others follow sorted.
var smallOrder = []string{"manage", "write", "read", "update", "delete", "data", "name", "items", "dimensionItem", "dimension", "locale", "property", "owner", "external", "value", "attribute", "users", "userGroups", "public", "displayName", "access", "id"}

// appendAny prints any value.
func appendAny(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		if v {
			return append(b, "true"...), nil
		}
		return append(b, "false"...), nil
	case json.Number:
		if strings.HasSuffix(string(v), "Infinity") {
			return nil, problem.Plain409("Numeric value out of range of `double`")
		}
		return append(b, v...), nil
	case string:
		return appendText(b, v)
	case []any:
		return appendList(b, v, appendAny)
	case map[string]any:
		return appendMap(b, v)
	case rawJSON:
		return append(b, v...), nil
	}
	e, err := dhis2.EncodeJSON(v)
	if err != nil {
		return nil, fmt.Errorf("encode value: %w", err)
	}
	return append(b, e...), nil
}

// rawJSON is a value that is printed already.
type rawJSON []byte

func appendMap(b []byte, m map[string]any) ([]byte, error) {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.SortFunc(names, func(x, y string) int {
		i, j := slices.Index(smallOrder, x), slices.Index(smallOrder, y)
		if i != j {
			if i < 0 {
				return 1
			}
			if j < 0 {
				return -1
			}
			return i - j
		}
		return strings.Compare(x, y)
	})
	var err error
	b = append(b, '{')
	for i, k := range names {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendText(b, k); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendAny(b, m[k]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendText prints a text without HTML escapes.
func appendText(b []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x80 {
			e, err := dhis2.EncodeJSON(s)
			if err != nil {
				return nil, fmt.Errorf("encode text: %w", err)
			}
			return append(b, e...), nil
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"'), nil
}

// idOf is the uid in a reference.
func idOf(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	s, _ := m["id"].(string)
	return s
}

func textOf(doc document, name string) string {
	s, _ := doc[name].(string)
	return s
}

func boolOf(doc document, name string) bool {
	b, _ := doc[name].(bool)
	return b
}

func listOf(doc document, name string) []any {
	l, _ := doc[name].([]any)
	return l
}

// cloneAny copies a value deeply.
func cloneAny(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = cloneAny(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = cloneAny(v[k])
		}
		return out
	}
	return v
}
