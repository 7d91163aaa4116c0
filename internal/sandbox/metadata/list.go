package metadata

import (
	"net/http"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// list is GET of many objects, as JSON, or as CSV when it is asked for.
func (c *request) list() error {
	csv := c.suffix == ".csv" || c.suffix == "" && strings.HasPrefix(c.r.Header.Get("Accept"), "text/csv")
	if err := c.readable(); err != nil {
		return err
	}
	p, err := c.listParams()
	if err != nil {
		return err
	}
	if c.typ.singular == "user" {
		if err := c.userParams(); err != nil {
			return err
		}
	}
	n, err := c.fieldsOr("id,displayName")
	if err != nil {
		return err
	}
	if csv {
		return c.csvList(p, n)
	}
	if p.gist == "true" || p.gist == "" && c.bridges(p, n) {
		return c.gistAnswer(p, n, true)
	}
	if !c.acceptsJSON() { // the bridge answers JSON whatever is accepted
		c.w.Header().Set("Cache-Control", cachePrivate)
		return &problem.Page{Status: http.StatusNotAcceptable}
	}
	sel, err := c.selection(p)
	if err != nil {
		return err
	}
	return c.listSelection(p, n, sel)
}

func (c *request) listSelection(p listParams, n *node, sel *selection) error {
	all, err := c.s.find(c.r.Context(), c.q, sel)
	if err != nil {
		return err
	}
	return c.listAnswer(p, n, sel, all)
}

// selection reads filter, order, query and the parameters of single types.
func (c *request) selection(p listParams) (*selection, error) {
	filters, err := c.typ.parseFilters(c.s.cat, dhis2.SplitFilters(c.query["filter"]))
	if err != nil {
		return nil, err
	}
	orders, err := c.typ.parseOrder(c.query["order"])
	if err != nil {
		return nil, err
	}
	exclude, err := c.excludesDefaults()
	if err != nil {
		return nil, err
	}
	return &selection{typ: c.typ, user: c.u, filters: filters, or: p.or, query: strings.TrimSpace(c.query.Get("query")), orders: orders, excludeDefs: exclude, keep: c.typeCondition()}, nil
}

// typeCondition is what parameters of single types demand of an object.
func (c *request) typeCondition() func(document) bool {
	switch c.typ.singular {
	case "userRole":
		if c.isTrue("canIssue") {
			return func(doc document) bool {
				for _, a := range listOf(doc, "authorities") {
					if name, _ := a.(string); !c.u.Has(name) {
						return false
					}
				}
				return c.u.Super() || !slices.Contains(c.u.Roles, textOf(doc, "id"))
			}
		}
	case "user":
		return c.userCondition()
	}
	return nil
}

// listAnswer renders the page of the query engine.
func (c *request) listAnswer(p listParams, n *node, sel *selection, all []found) error {
	r, err := c.renderer()
	if err != nil {
		return err
	}
	b := []byte{'{'}
	shown := all
	if p.paging {
		shown = page(all, p.page, p.size)
		b = append(b, `"pager":`...)
		if b, err = appendAny(b, c.pager(p, len(all))); err != nil {
			return err
		}
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, c.typ.plural...)
	b = append(b, `":[`...)
	first := true
	for _, f := range shown {
		if sel.excludeDefs && isDefault(f.uid) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		o, err := loadSeq(c.r.Context(), c.q, c.typ, f.seq)
		if err != nil {
			return err
		}
		if b, err = r.object(b, c.typ, o.doc, n); err != nil {
			return err
		}
	}
	return c.private(append(b, "]}"...))
}
