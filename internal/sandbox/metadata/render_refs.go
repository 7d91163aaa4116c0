package metadata

import (
	"errors"
	"slices"
)

// reference shows one object: its uid, or the members that are asked for. A user is
// shown in five members whatever is asked (2.44, observed).
func (r *renderer) reference(item *schema, v any, c *node) (any, error) {
	uid := idOf(v)
	if uid == "" || r.excludeDefs && isDefault(uid) {
		return nil, nil
	}
	if item != nil && item.singular == "user" {
		return r.userReference(uid)
	}
	if c.all || item == nil || r.depth > maxRenderDepth || c.nothingKnown() {
		return id(uid), nil
	}
	o, err := load(r.ctx, r.q, item, uid)
	if errors.Is(err, errNoObject) {
		return id(uid), nil
	}
	if err != nil {
		return nil, err
	}
	return r.nested(item, o.doc, c)
}

func (r *renderer) nested(s *schema, doc document, c *node) (any, error) {
	b, err := r.object(nil, s, doc, c)
	if err != nil {
		return nil, err
	}
	return rawJSON(b), nil
}

// userReference is what is shown of a user; nil when there is none.
func (r *renderer) userReference(uid string) (any, error) {
	if u, ok := r.users[uid]; ok {
		return orNil(u), nil
	}
	o, err := load(r.ctx, r.q, r.s.cat.bySingular["user"], uid)
	var shown rawJSON
	switch {
	case errors.Is(err, errNoObject):
	case err != nil:
		return nil, err
	default:
		name := textOf(o.doc, "firstName") + " " + textOf(o.doc, "surname")
		shown = rawJSON(`{"id":"` + uid + `","code":`)
		for i, v := range []any{o.doc["code"], name, name, o.doc["username"]} {
			if i > 0 {
				shown = append(shown, []string{"", `,"name":`, `,"displayName":`, `,"username":`}[i]...)
			}
			if shown, err = appendAny(shown, v); err != nil {
				return nil, err
			}
		}
		shown = append(shown, '}')
	}
	if len(r.users) < maxKnown {
		r.users[uid] = shown
	}
	return orNil(shown), nil
}

func orNil(raw rawJSON) any {
	if raw == nil {
		return nil
	}
	return raw
}

func (r *renderer) references(p *property, v any, c *node) (any, error) {
	list, _ := v.([]any)
	out := make([]any, 0, len(list))
	for _, item := range list {
		shown, err := r.reference(p.item, item, c)
		if err != nil {
			return nil, err
		}
		if shown != nil {
			out = append(out, shown)
		}
	}
	return out, nil
}

// embedded shows objects that are part of the document.
func (r *renderer) embedded(p *property, v any, c *node) (any, error) {
	list, _ := v.([]any)
	if p.item == nil {
		if len(c.order) > 0 {
			return pick(any(orEmpty(list)), c), nil
		}
		return orEmpty(list), nil
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		d, _ := item.(map[string]any)
		n := c
		if c.all && c.preset != "" {
			n = &node{presets: []string{embeddedPreset(c.preset)}}
		}
		shown, err := r.nested(p.item, d, n)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

func embeddedPreset(preset string) string {
	if preset == "owner" {
		return "owner"
	}
	return "all"
}

// inverse shows the objects that refer to this one.
func (r *renderer) inverse(s *schema, p *property, doc document, c *node) (any, error) {
	property := p.inverse.property
	if p.inverse.part != "" {
		property += "." + p.inverse.part
	}
	by, err := referrers(r.ctx, r.q, r.s.cat, s, textOf(doc, "id"), p.inverse.typ, property)
	if err != nil {
		return nil, err
	}
	slices.Reverse(by) // a set has no order; DHIS2 was seen to give the newest first
	out := make([]any, 0, len(by))
	for _, o := range by {
		var shown any
		switch {
		case p.inverse.part != "":
			shown, err = r.inversePart(s, p, o, textOf(doc, "id"), c)
		case o.typ.singular == "user":
			shown, err = r.userReference(o.uid)
		case c.all || r.depth > maxRenderDepth:
			shown = id(o.uid)
		default:
			shown, err = r.nested(o.typ, o.doc, c)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

func (r *renderer) inversePart(s *schema, p *property, o *object, uid string, c *node) (any, error) {
	for _, v := range listOf(o.doc, p.inverse.property) {
		d, _ := v.(map[string]any)
		if idOf(d[p.inverse.part]) == uid {
			return r.nested(p.item, d, c)
		}
	}
	return nil, nil
}

// nameOf is the name of an object, nil if there is none.
func (r *renderer) nameOf(typ, uid string) (any, error) {
	key := typ + " " + uid
	if n, ok := r.names[key]; ok {
		return n, nil
	}
	s := r.s.cat.bySingular[typ]
	if s == nil {
		return nil, nil
	}
	o, err := load(r.ctx, r.q, s, uid)
	if errors.Is(err, errNoObject) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := nameOf(s, o.doc)
	if len(r.names) < maxKnown {
		r.names[key] = n
	}
	return n, nil
}
