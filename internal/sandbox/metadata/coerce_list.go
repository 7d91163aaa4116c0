package metadata

import (
	"encoding/json"
	"strconv"
)

func (p *property) coerceRef(s *schema, v any) (any, error) {
	m, err := p.reference(s, v)
	if err != nil || m == nil {
		return nil, err
	}
	return m, nil
}

// reference keeps what identifies an object.
func (p *property) reference(s *schema, v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok && (p.name == "createdBy" || p.name == "lastUpdatedBy") {
		return nil, nil // read by UserPropertyTransformer, which looks for members and finds none
	}
	if !ok {
		class := p.class()
		switch v := v.(type) {
		case string:
			if v == "" {
				return nil, nil
			}
			return nil, p.unreadable(s, "Cannot construct instance of `%s` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('%s')", class, v)
		case json.Number:
			return nil, p.unreadable(s, "Cannot construct instance of `%s` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (%s)", class, v)
		}
		return nil, p.wrongToken(s, class, v)
	}
	out := map[string]any{}
	for _, k := range []string{"id", "code"} {
		switch id := m[k].(type) {
		case string:
			out[k] = id
		case json.Number:
			out[k] = string(id)
		}
	}
	return out, nil
}

func (p *property) coerceList(s *schema, v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		class := "java.util.Set"
		if p.ordered || p.kind == kObjs {
			class = "java.util.ArrayList"
		}
		return nil, p.wrongToken(s, class, v)
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		c, err := p.coerceItem(s, item)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out = append(out, c)
		}
	}
	return out, nil
}

func (p *property) coerceItem(s *schema, v any) (any, error) {
	switch {
	case v == nil:
		return nil, nil
	case p.kind == kRefs:
		m, err := p.reference(s, v)
		if err != nil || m == nil {
			return nil, err
		}
		return m, nil
	case p.kind == kTexts:
		return p.coerceText(s, v)
	case p.kind == kInts:
		return p.coerceInt(s, v)
	case p.item != nil:
		m, ok := v.(map[string]any)
		if !ok {
			return nil, p.wrongToken(s, p.item.className(), v)
		}
		return p.item.coerce(m)
	}
	return v, nil
}

func (p *property) coerceValues(s *schema, v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, p.wrongToken(s, "java.util.Set", v)
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		value := m["value"]
		if n, ok := value.(json.Number); ok {
			value = string(n)
		}
		if b, ok := value.(bool); ok {
			value = strconv.FormatBool(b)
		}
		if a := idOf(m["attribute"]); a != "" && value != nil {
			out = append(out, map[string]any{"attribute": id(a), "value": value})
		}
	}
	return out, nil
}

// coerceSharing keeps owner, public access and the two maps of accesses.
func coerceSharing(m map[string]any) map[string]any {
	out := map[string]any{"users": coerceAccesses(m["users"]), "userGroups": coerceAccesses(m["userGroups"])}
	for _, k := range []string{"owner", "public"} {
		if s, ok := m[k].(string); ok {
			out[k] = s
		}
	}
	return out
}

func coerceAccesses(v any) map[string]any {
	out := map[string]any{}
	m, _ := v.(map[string]any)
	for uid, a := range m {
		am, _ := a.(map[string]any)
		access, _ := am["access"].(string)
		name := uid
		if s, ok := am["id"].(string); ok {
			name = s
		}
		out[uid] = map[string]any{"id": name, "access": access}
	}
	return out
}
