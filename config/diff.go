package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Change is one thing that two files say differently. Old and New are JSON, "" for
// what only the other file says.
type Change struct {
	Key string `json:"key"` // routes[api].credentials
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
}

// Diff compares what two files say, key by key, not what they leave to defaults. An
// entry of a list is compared with the one of the same id or name, wherever that
// stands; that their order differs is a change of its own, for of routes the first
// that matches decides. Secrets are references in both (see Secret), so none shows.
func Diff(before, after *Config) ([]Change, error) {
	a, err := tree(before.text)
	if err != nil {
		return nil, err
	}
	b, err := tree(after.text)
	if err != nil {
		return nil, err
	}
	d := differ{[]Change{}}
	d.values("", a, b)
	return d.changes, nil
}

// tree reads a file that was read before: it is sound.
func tree(text []byte) (v any, err error) {
	text, err = yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	return v, in.Decode(&v)
}

type differ struct{ changes []Change }

func (d *differ) add(key string, a, b any) {
	d.changes = append(d.changes, Change{key, asJSON(a), asJSON(b)})
}

func (d *differ) values(key string, a, b any) {
	if reflect.DeepEqual(a, b) {
		return
	}
	if x, ok := a.(map[string]any); ok {
		if y, ok := b.(map[string]any); ok {
			d.members(key, x, y)
			return
		}
	}
	x, y := entriesOf(a), entriesOf(b)
	if x == nil || y == nil {
		d.add(key, a, b)
		return
	}
	d.lists(key, x, y)
}

func (d *differ) members(key string, a, b map[string]any) {
	names := map[string]bool{}
	for _, m := range []map[string]any{a, b} {
		for name := range m {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		at := name
		if key != "" {
			at = key + "." + name
		}
		d.values(at, a[name], b[name])
	}
}

func (d *differ) lists(key string, a, b *entries) {
	for _, id := range a.ids {
		d.values(key+"["+id+"]", a.byID[id], b.byID[id])
	}
	for _, id := range b.ids {
		if a.byID[id] == nil {
			d.add(key+"["+id+"]", nil, b.byID[id])
		}
	}
	both := func(x, y *entries) []string {
		return slices.DeleteFunc(slices.Clone(x.ids), func(id string) bool { return y.byID[id] == nil })
	}
	if x, y := both(a, b), both(b, a); !slices.Equal(x, y) {
		d.add(key+" (order)", x, y)
	}
}

// entries are a list whose entries have names of their own.
type entries struct {
	ids  []string
	byID map[string]any
}

// entriesOf is nil for what is no such list.
func entriesOf(v any) *entries {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	e := &entries{byID: map[string]any{}}
	for _, item := range list {
		m, _ := item.(map[string]any)
		id, ok := m["id"].(string)
		if !ok {
			id, ok = m["name"].(string)
		}
		if !ok || e.byID[id] != nil {
			return nil
		}
		e.ids, e.byID[id] = append(e.ids, id), m
	}
	return e
}

// asJSON is a value as JSON, "" for none.
func asJSON(v any) string {
	if v == nil {
		return ""
	}
	var b strings.Builder
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	_ = out.Encode(v) // it came from JSON
	return strings.TrimSpace(b.String())
}
