package metadata

import "github.com/d2gate/d2gate/internal/dhis2"

// attributeMembers appends the values of attributes that n names by uid.
func (r *renderer) attributeMembers(b []byte, start int, s *schema, doc document, n *node) ([]byte, error) {
	if s.byName["attributeValues"] == nil {
		return b, nil
	}
	for _, name := range n.order {
		if !dhis2.IsUID(name) || s.byName[name] != nil {
			continue
		}
		for _, v := range listOf(doc, "attributeValues") {
			m, _ := v.(map[string]any)
			if idOf(m["attribute"]) == name {
				var err error
				c, shown := n.includes[name], name
				if as, renamed := c.renamed(); renamed {
					shown = as
				}
				b = appendKey(b, start, shown)
				if b, err = appendAny(b, r.transformed(c, m["value"])); err != nil {
					return nil, err
				}
			}
		}
	}
	return b, nil
}

// sharing shows who may do what, with the names of users and groups.
func (r *renderer) sharing(doc document, c *node) (any, error) {
	sh := sharingOf(doc)
	out := map[string]any{}
	for k, v := range sh {
		if k == "users" || k == "userGroups" {
			typ := "user"
			if k == "userGroups" {
				typ = "userGroup"
			}
			m, _ := v.(map[string]any)
			shown := map[string]any{}
			for uid, a := range m {
				name, err := r.nameOf(typ, uid)
				if err != nil {
					return nil, err
				}
				shown[uid] = map[string]any{"displayName": name, "access": accessOf(a), "id": uid}
			}
			v = shown
		}
		if k != "external" {
			out[k] = v
		}
	}
	for _, k := range []string{"users", "userGroups"} {
		if out[k] == nil {
			out[k] = map[string]any{}
		}
	}
	if len(c.order) > 0 {
		return pick(out, c), nil
	}
	return out, nil
}

func (r *renderer) attributeValues(v any, c *node) (any, error) {
	list, _ := v.([]any)
	if c.all {
		return orEmptyValues(list), nil
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		m, _ := item.(map[string]any)
		shown := map[string]any{}
		for _, k := range c.order {
			if k == "attribute" {
				a, err := r.reference(r.s.cat.bySingular["attribute"], m["attribute"], c.includes[k])
				if err != nil {
					return nil, err
				}
				shown[k] = a
			} else if m[k] != nil {
				shown[k] = m[k]
			}
		}
		out = append(out, shown)
	}
	return out, nil
}

func orEmptyValues(list []any) any { return orEmpty(list) }

func (r *renderer) access(s *schema, doc document, c *node) any {
	a := s.access(r.user, doc)
	if len(c.order) > 0 {
		return pick(a, c)
	}
	return a
}
