package metadata

import (
	"context"
	"slices"
)

// renderer turns documents into what a caller asked for, as one user sees them.
type renderer struct {
	ctx         context.Context
	s           *Service
	q           querier
	user        *User
	base        string // scheme, host and context path
	excludeDefs bool   // defaults=EXCLUDE
	skipSharing bool
	export      bool               // of many types: without addresses
	locale      string             // language of display members, "" for the database's
	users       map[string]rawJSON // what is shown of a user, by uid
	names       map[string]string
	depth       int
}

func (s *Service) renderer(ctx context.Context, q querier, u *User, base string) *renderer {
	return &renderer{ctx: ctx, s: s, q: q, user: u, base: base, users: map[string]rawJSON{}, names: map[string]string{}}
}

// maxRenderDepth ends references in circles that nested fields could follow.
const maxRenderDepth = 16

// maxKnown is how many users and names a renderer remembers.
const maxKnown = 10000

// object appends a document with the members that n asks for.
func (r *renderer) object(b []byte, s *schema, doc document, n *node) ([]byte, error) {
	r.depth++
	defer func() { r.depth-- }()
	b = append(b, '{')
	start := len(b)
	var err error
	var late []lateMember
	for _, p := range s.properties {
		c, ok := n.wants(s, p)
		if !ok || r.skipSharing && p.kind == kShare {
			continue
		}
		v, err := r.value(s, p, doc, c)
		if err != nil {
			return nil, err
		}
		if name, renamed := c.renamed(); renamed {
			late = append(late, lateMember{name, r.transformed(c, v)})
			continue
		}
		if len(c.transforms) > 0 && p.kind != kValues {
			v = r.transformed(c, v)
		}
		if v == nil {
			continue
		}
		b = appendKey(b, start, p.name)
		if b, err = appendAny(b, v); err != nil {
			return nil, err
		}
	}
	for _, m := range late {
		if m.value == nil {
			continue
		}
		b = appendKey(b, start, m.name)
		if b, err = appendAny(b, m.value); err != nil {
			return nil, err
		}
	}
	if s.open {
		if b, err = r.openMembers(b, start, s, doc, n); err != nil {
			return nil, err
		}
	}
	if b, err = r.attributeMembers(b, start, s, doc, n); err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

// lateMember is renamed, and so printed after the others.
type lateMember struct {
	name  string
	value any
}

// openMembers appends what the table does not know of an open type.
func (r *renderer) openMembers(b []byte, start int, s *schema, doc document, n *node) ([]byte, error) {
	var names []string
	for k, v := range doc {
		if s.byName[k] != nil || v == nil || n.excludes[k] {
			continue
		}
		if n.all || n.includes[k] != nil || slices.ContainsFunc(n.presets, func(p string) bool { return p == "all" || p == "owner" || p == "persisted" }) {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	var err error
	for _, k := range names {
		b = appendKey(b, start, k)
		if b, err = appendAny(b, doc[k]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// value is a member's value as it is shown, nil for none.
func (r *renderer) value(s *schema, p *property, doc document, c *node) (any, error) {
	if p.calc && !(p.calcOwner && doc[p.name] != nil) {
		return r.calculated(s, p, doc, c)
	}
	if p.inverse != nil {
		return r.inverse(s, p, doc, c)
	}
	v := doc[p.name]
	switch p.kind {
	case kPassword:
		return nil, nil
	case kRef:
		return r.reference(p.item, v, c)
	case kRefs:
		return r.references(p, v, c)
	case kObjs:
		return r.embedded(p, v, c)
	case kShare:
		return r.sharing(doc, c)
	case kValues:
		return r.attributeValues(v, c)
	case kObj:
		if v != nil && len(c.order) > 0 {
			return pick(v, c), nil
		}
	}
	if v == nil && p.isCollection() {
		return []any{}, nil
	}
	if p.name == "translations" && len(c.order) > 0 {
		return pick(v, c), nil
	}
	return v, nil
}
