package metadata

import (
	"encoding/json"
	"strconv"
)

// renamed is the new name of a member.
func (n *node) renamed() (string, bool) {
	for i := len(n.transforms) - 1; i >= 0; i-- {
		if t := n.transforms[i]; t.name == "rename" && len(t.args) > 0 {
			return t.args[0], true
		}
	}
	return "", false
}

// transformed applies a member's transformers in their order (rename apart).
func (r *renderer) transformed(c *node, v any) any {
	for _, t := range c.transforms {
		switch t.name {
		case "size":
			v = json.Number(strconv.Itoa(sizeOf(v)))
		case "isEmpty":
			v = sizeOf(v) == 0
		case "isNotEmpty":
			v = sizeOf(v) != 0
		case "pluck":
			v = pluck(v, t.args)
		case "keyBy":
			v = keyBy(v, t.args)
		}
	}
	return v
}

func sizeOf(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	case string:
		return len([]rune(v))
	}
	return 0
}

// plain parses what is printed already.
func plain(v any) any {
	if raw, ok := v.(rawJSON); ok {
		if p, err := parseAny(raw); err == nil {
			return p
		}
	}
	return v
}

func pluck(v any, args []string) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	name := "id"
	if len(args) > 0 {
		name = args[0]
	}
	out := make([]any, len(list))
	for i, item := range list {
		m, _ := plain(item).(map[string]any)
		if m[name] == nil {
			return v
		}
		out[i] = m[name]
	}
	return out
}

func keyBy(v any, args []string) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	name := "id"
	if len(args) > 0 {
		name = args[0]
	}
	out := map[string]any{}
	for _, item := range list {
		m, _ := plain(item).(map[string]any)
		key, ok := m[name].(string)
		if !ok {
			continue
		}
		switch same := out[key].(type) { // one is given bare, several as a list
		case nil:
			out[key] = m
		case []any:
			out[key] = append(same, m)
		default:
			out[key] = []any{same, m}
		}
	}
	return out
}
