package metadata

import (
	"slices"
	"strconv"
	"strings"
)

// gistObject appends an object with its members in the order that was asked.
// Own says that the Gist API itself was asked: it abbreviates what it points at.
func (c *request) gistObject(b []byte, r *renderer, o *object, n *node, own bool) ([]byte, error) {
	b = append(b, '{')
	start := len(b)
	names := n.order
	if own && len(names) == 0 {
		names = c.gistDefaults()
	}
	endpoints := map[string]any{}
	for _, name := range names {
		p := c.typ.byName[name]
		if p == nil || n.excludes[name] {
			continue
		}
		f := n.includes[name]
		if f == nil {
			f = defaultNode("all")
		}
		v, err := c.gistValue(r, o, p, f, own, endpoints)
		if err != nil {
			return nil, err
		}
		if own && p.kind == kRef {
			endpoints[name] = "/api" + c.typ.endpoint + "/" + o.uid + "/" + name + "/gist"
		}
		if v == nil {
			continue
		}
		if as, ok := f.renamed(); ok {
			name = as
		}
		b = appendKey(b, start, name)
		if b, err = appendAny(b, v); err != nil {
			return nil, err
		}
	}
	if len(endpoints) > 0 {
		var err error
		b = appendKey(b, start, "apiEndpoints")
		if b, err = appendAny(b, endpoints); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// gistDefaults are the members of an object that the Gist API shows unasked.
func (c *request) gistDefaults() []string {
	var out []string
	for _, p := range c.typ.properties {
		if !p.hidden && !p.calc && p.kind != kPassword && p.kind != kShare && p.kind != kValues && p.kind != kObjs && p.name != "createdBy" {
			out = append(out, p.name)
		}
	}
	return out
}

func (c *request) gistValue(r *renderer, o *object, p *property, f *node, own bool, endpoints map[string]any) (any, error) {
	if p.name == "displayName" && c.query.Get("locale") != "" {
		if t := translated(o.doc, "name", c.query.Get("locale")); t != "" {
			return t, nil
		}
	}
	if p.kind == kShare && !own {
		return gistSharing(o.doc), nil
	}
	if p.item != nil && p.item.singular == "user" && (p.kind == kRef || p.kind == kRefs) && !f.all {
		return c.gistUsers(r, o, p, f)
	}
	v, err := r.value(c.typ, p, o.doc, f)
	if err != nil || !own {
		return v, err
	}
	return c.gistShort(o, p, f, v, endpoints), nil
}

// gistShort abbreviates: a reference is its uid, a collection its size or its uids.
func (c *request) gistShort(o *object, p *property, f *node, v any, endpoints map[string]any) any {
	if !f.all {
		return v
	}
	list, isList := v.([]any)
	if !isList {
		if uid := idOf(plain(v)); uid != "" && p.kind == kRef {
			return uid
		}
		return v
	}
	if p.kind != kRefs {
		return rawJSON(strconv.Itoa(len(list)))
	}
	endpoints[p.name] = "/api" + c.typ.endpoint + "/" + o.uid + "/" + p.name + "/gist"
	ids := slices.ContainsFunc(f.transforms, func(t transform) bool { return t.name == "ids" })
	if !ids && (c.typ.singular != "user" || p.name != "userRoles") {
		return rawJSON(strconv.Itoa(len(list)))
	}
	out := make([]any, len(list))
	for i := range list {
		out[i] = idOf(plain(list[i]))
	}
	return out
}

// gistSharing is sharing as it is stored, without names.
func gistSharing(doc document) any {
	sh, _ := cloneAny(sharingOf(doc)).(map[string]any)
	delete(sh, "external")
	for _, k := range []string{"users", "userGroups"} {
		m, _ := sh[k].(map[string]any)
		for _, a := range m {
			if am, ok := a.(map[string]any); ok {
				am["displayName"] = nil
			}
		}
	}
	return sh
}

// gistUsers shows of users just what is asked.
func (c *request) gistUsers(r *renderer, o *object, p *property, f *node) (any, error) {
	uids, err := c.s.members(c.r.Context(), c.q, o, p)
	if p.kind == kRef {
		uids, err = []string{idOf(o.doc[p.name])}, nil
	}
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, uid := range uids {
		if uid == "" {
			continue
		}
		u, err := load(c.r.Context(), c.q, p.item, uid)
		if err != nil {
			return nil, err
		}
		shown, err := r.nested(p.item, u.doc, f)
		if err != nil {
			return nil, err
		}
		if p.kind == kRef {
			return shown, nil
		}
		out = append(out, shown)
	}
	if p.kind == kRef {
		return nil, nil
	}
	return out, nil
}

// translated is the value of a member in a language, "" if there is none.
func translated(doc document, property, locale string) string {
	for _, v := range listOf(doc, "translations") {
		t, _ := v.(map[string]any)
		if textOf(t, "locale") == locale && strings.EqualFold(textOf(t, "property"), property) {
			return textOf(t, "value")
		}
	}
	return ""
}
