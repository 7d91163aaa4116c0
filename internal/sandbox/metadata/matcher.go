package metadata

import (
	"context"
	"errors"
	"math"
	"strconv"
)

// matcher evaluates filters on documents.
type matcher struct {
	ctx context.Context
	s   *Service
	q   querier
	// cache holds documents that paths lead to, bounded.
	cache map[string]document
}

func (s *Service) matcher(ctx context.Context, q querier) *matcher {
	return &matcher{ctx: ctx, s: s, q: q, cache: map[string]document{}}
}

// all reports whether a document passes the filters, joined by and, or by or.
func (m *matcher) all(filters []*filter, or bool, typ *schema, doc document) (bool, error) {
	for _, f := range filters {
		ok, err := m.one(f, typ, doc)
		if err != nil {
			return false, err
		}
		if ok == or {
			return or, nil
		}
	}
	return !or || len(filters) == 0, nil
}

func (m *matcher) one(f *filter, typ *schema, doc document) (bool, error) {
	if f.path[0].name == "identifiable" && f.path[0].prop == nil {
		return f.identifiable(doc) != f.not, nil
	}
	values, err := m.values(f.path, typ, doc, f)
	if err != nil {
		return false, err
	}
	switch {
	case f.op == "null":
		return (len(values) == 0) != f.not, nil
	case f.op == "empty":
		return (len(values) == 0) != f.not, nil
	case f.size && f.op != "in":
		return compareOp(f.op, float64(len(values)), mustFloat(f.value)) != f.not, nil
	}
	for _, v := range values {
		if f.matches(v) != f.not {
			return true, nil
		}
	}
	return false, nil
}

func mustFloat(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

// values gathers what a path leads to; nothing for what is null.
func (m *matcher) values(path []step, typ *schema, doc document, f *filter) ([]any, error) {
	st := path[0]
	if st.attr != "" {
		for _, v := range listOf(doc, "attributeValues") {
			a, _ := v.(map[string]any)
			if idOf(a["attribute"]) == st.attr {
				return []any{a["value"]}, nil
			}
		}
		return nil, nil
	}
	if st.prop.kind == kShare {
		if len(path) == 1 {
			return []any{sharingOf(doc)}, nil
		}
		members, _ := sharingOf(doc)[path[1].name].(map[string]any)
		out := make([]any, 0, len(members))
		for k := range members {
			out = append(out, k)
		}
		return out, nil
	}
	if len(path) == 1 {
		return m.finals(st, typ, doc)
	}
	docs, err := m.follow(st, typ, doc)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, d := range docs {
		if path[1].name == "id" && d["id"] != nil { // no need to load what is only named
			out = append(out, d["id"])
			continue
		}
		full, err := m.load(st.prop, d)
		if err != nil {
			return nil, err
		}
		more, err := m.values(path[1:], st.prop.item, full, f)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// finals are the values of the last member of a path.
func (m *matcher) finals(st step, typ *schema, doc document) ([]any, error) {
	p := st.prop
	if p.inverse != nil {
		docs, err := m.follow(st, typ, doc)
		out := make([]any, len(docs))
		for i := range docs {
			out[i] = docs[i]["id"]
		}
		return out, err
	}
	v := doc[p.name]
	if p.calc && !(p.calcOwner && v != nil) {
		r := m.s.renderer(m.ctx, m.q, &User{Authorities: []string{"ALL"}}, "")
		var err error
		if v, err = r.calculated(typ, p, doc, defaultNode("all")); err != nil {
			return nil, err
		}
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
			if uid := idOf(v[i]); uid != "" {
				out[i] = uid
			}
		}
		return out, nil
	case map[string]any:
		if uid := idOf(v); uid != "" {
			return []any{uid}, nil
		}
		return []any{v}, nil
	}
	return []any{v}, nil
}

// follow are the documents, or references, that a member leads to.
func (m *matcher) follow(st step, typ *schema, doc document) ([]document, error) {
	p := st.prop
	if p.inverse != nil {
		property := p.inverse.property
		if p.inverse.part != "" {
			property += "." + p.inverse.part
		}
		by, err := referrers(m.ctx, m.q, m.s.cat, typ, textOf(doc, "id"), p.inverse.typ, property)
		if err != nil {
			return nil, err
		}
		out := make([]document, len(by))
		for i, o := range by {
			out[i] = o.doc
		}
		return out, nil
	}
	var out []document
	switch v := doc[p.name].(type) {
	case map[string]any:
		out = append(out, v)
	case []any:
		for _, item := range v {
			if d, ok := item.(map[string]any); ok {
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// load reads the object of a reference; what is embedded or there already is itself.
func (m *matcher) load(p *property, d document) (document, error) {
	uid := textOf(d, "id")
	if p.inverse != nil || p.item == nil || !p.item.stored() || uid == "" {
		return d, nil
	}
	key := p.item.singular + " " + uid
	if c, ok := m.cache[key]; ok {
		return c, nil
	}
	o, err := load(m.ctx, m.q, p.item, uid)
	if errors.Is(err, errNoObject) {
		return document{}, nil
	}
	if err != nil {
		return nil, err
	}
	if len(m.cache) < maxKnown {
		m.cache[key] = o.doc
	}
	return o.doc, nil
}
