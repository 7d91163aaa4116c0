package metadata

import (
	"context"
	"strings"
)

// selection is what a list or an export asks of one type.
type selection struct {
	typ         *schema
	user        *User
	filters     []*filter
	or          bool
	query       string // words of query=
	orders      []order
	asMade      bool                    // in the order of creation, without orders
	excludeDefs bool                    // default objects count, but are not shown
	dropDefs    bool                    // default objects do not count
	keep        func(doc document) bool // further condition, nil for none
	anyType     bool                    // without the authority to read the type
}

func (sel *selection) readable(doc document) bool {
	if sel.anyType {
		return sel.typ.canSee(sel.user, doc)
	}
	return sel.typ.canRead(sel.user, doc)
}

// narrow is the part of the filters that SQL can decide: it lets through at least
// what the filters let through.
func (sel *selection) narrow() (where string, args []any) {
	if sel.or {
		return "", nil
	}
	var parts []string
	for _, f := range sel.filters {
		if len(f.path) != 1 || f.path[0].prop == nil || f.not || f.size {
			continue
		}
		column := map[string]string{"id": "uid", "code": "code"}[f.path[0].name]
		switch {
		case column == "" || f.op != "eq" && f.op != "in":
		case f.op == "eq":
			parts = append(parts, column+` = ?`)
			args = append(args, f.value)
		case len(f.list) == 0:
			parts = append(parts, `0`)
		case len(f.list) < 500:
			parts = append(parts, column+` IN `+values(len(f.list), 1))
			for _, v := range f.list {
				args = append(args, v)
			}
		}
	}
	return strings.Join(parts, " AND "), args
}

// each calls f with every object that the user may read and the filters let
// through, in the order of their creation.
func (s *Service) each(ctx context.Context, q querier, sel *selection, f func(*object) error) error {
	m := s.matcher(ctx, q)
	where, args := sel.narrow()
	return each(ctx, q, sel.typ, where, args, func(o *object) error {
		if sel.dropDefs && isDefault(o.uid) || !sel.readable(o.doc) {
			return nil
		}
		if sel.query != "" && !identified(o.doc, sel.query) {
			return nil
		}
		if sel.keep != nil && !sel.keep(o.doc) {
			return nil
		}
		ok, err := m.all(sel.filters, sel.or, sel.typ, o.doc)
		if err != nil || !ok {
			return err
		}
		return f(o)
	})
}

// find gives the places of all objects of a selection, sorted. It keeps the sort
// keys, not the documents.
func (s *Service) find(ctx context.Context, q querier, sel *selection) ([]found, error) {
	orders := sel.orders
	if len(orders) == 0 && !sel.asMade {
		orders = sel.typ.defaultOrder()
	}
	r := s.renderer(ctx, q, sel.user, "")
	var list []found
	err := s.each(ctx, q, sel, func(o *object) error {
		f := found{seq: o.seq, uid: o.uid, keys: make([]sortKey, len(orders))}
		for i, k := range orders {
			f.keys[i] = keyOf(r, sel.typ, o.doc, k)
		}
		list = append(list, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	sortFound(list, orders)
	return list, nil
}
