package metadata

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// maxGistPage is the largest page that the Gist engine gives.
const maxGistPage = 1000

// gistAnswer answers a list. Total says whether the page says how many there are.
func (c *request) gistAnswer(p listParams, n *node, total bool) error {
	filters, err := c.gistFilters()
	if err != nil {
		return err
	}
	for _, name := range n.order {
		if c.typ.byName[name] == nil {
			return problem.BadRequest("Property `%s` does not exist in %s", name, c.typ.singular)
		}
	}
	orders, err := c.typ.parseOrder(c.query["order"])
	if err != nil {
		return err
	}
	sel := &selection{typ: c.typ, user: c.u, filters: filters, or: p.or, orders: orders, asMade: len(orders) == 0}
	all, err := c.s.find(c.r.Context(), c.q, sel)
	if err != nil {
		return err
	}
	return c.gistPage(p, n, all, total)
}

func (c *request) gistPage(p listParams, n *node, all []found, total bool) error {
	size := min(max(p.size, 1), maxGistPage)
	shown := page(all, p.page, size)
	r, err := c.renderer()
	if err != nil {
		return err
	}
	items := []byte{'['}
	for i, f := range shown {
		if i > 0 {
			items = append(items, ',')
		}
		o, err := loadSeq(c.r.Context(), c.q, c.typ, f.seq)
		if err != nil {
			return err
		}
		if items, err = c.gistObject(items, r, o, n, !total); err != nil {
			return err
		}
	}
	items = append(items, ']')
	return c.gistList2(p, size, len(all), len(shown), total, c.typ.plural, items)
}

// gistList2 wraps items with their pager.
func (c *request) gistList2(p listParams, size, count, shown int, total bool, name string, items []byte) error {
	c.w.Header().Set("Cache-Control", cacheNever)
	if c.isTrue("headless") {
		c.bytes(http.StatusOK, jsonMedia, items)
		return nil
	}
	b := rawJSON(`{"pager":{"page":` + strconv.Itoa(p.page) + `,"pageSize":` + strconv.Itoa(size))
	more := shown >= 1 && p.page*size < count
	if total || c.isTrue("total") || c.isTrue("totalPages") {
		b = append(b, `,"total":`+strconv.Itoa(count)+`,"pageCount":`+strconv.Itoa(pageCount(count, size))...)
	} else if more = true; shown == 0 {
		more = false
	}
	if p.page > 1 {
		b = c.appendLink(b, "prevPage", c.gistLink(p.page-1))
	}
	if more {
		b = c.appendLink(b, "nextPage", c.gistLink(p.page+1))
	}
	b = append(b, `},"gist":true,"`+name+`":`...)
	c.bytes(http.StatusOK, jsonMedia, append(append(b, items...), '}'))
	return nil
}

// gistLink is the request's own address with another page at its end.
func (c *request) gistLink(page int) string {
	var parts []string
	for part := range strings.SplitSeq(c.r.URL.RawQuery, "&") {
		if k, _, _ := strings.Cut(part, "="); part != "" && k != "page" {
			parts = append(parts, part)
		}
	}
	parts = append(parts, "page="+strconv.Itoa(page))
	path := "/api" + c.typ.endpoint
	if len(c.seg) > 1 {
		path = "/api/" + strings.Join(c.seg, "/")
	}
	query := strings.Join(parts, "&")
	if u, err := url.QueryUnescape(strings.ReplaceAll(query, "+", "%2B")); err == nil && !strings.Contains(query, "%25") && !strings.Contains(query, "%26") {
		query = u
	}
	return c.base() + path + "?" + query
}

// gistList is GET /type/gist.
func (c *request) gistList() error {
	if err := c.readable(); err != nil {
		return err
	}
	p, err := c.listParams()
	if err != nil {
		return err
	}
	n, err := parseFields(strings.Join(c.query["fields"], ","))
	if err != nil {
		return err
	}
	return c.gistAnswer(p, n, false)
}

// gistOne is GET /type/uid/gist.
func (c *request) gistOne() error {
	if err := c.readable(); err != nil {
		return err
	}
	o, err := c.object()
	if err != nil {
		return err
	}
	n, err := parseFields(strings.Join(c.query["fields"], ","))
	if err != nil {
		return err
	}
	r, err := c.renderer()
	if err != nil {
		return err
	}
	b, err := c.gistObject(nil, r, o, n, true)
	if err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", cacheNever)
	c.bytes(http.StatusOK, jsonMedia, b)
	return nil
}

// gistProperty is GET /type/uid/collection/gist: the members of a collection.
func (c *request) gistProperty() error {
	if err := c.readable(); err != nil {
		return err
	}
	o, err := c.object()
	if err != nil {
		return err
	}
	pr := c.typ.byName[c.seg[2]]
	if pr == nil || pr.kind != kRefs || pr.item == nil {
		return problem.NotFound("Property %s does not exist on %s", c.seg[2], c.typ.className())
	}
	p, err := c.listParams()
	if err != nil {
		return err
	}
	n, err := parseFields(strings.Join(c.query["fields"], ","))
	if err != nil {
		return err
	}
	uids, err := c.s.members(c.r.Context(), c.q, o, pr)
	if err != nil {
		return err
	}
	r, err := c.renderer()
	if err != nil {
		return err
	}
	size := min(max(p.size, 1), maxGistPage)
	shown := page(uids, p.page, size)
	owner := c.typ
	c.typ = pr.item
	items := []byte{'['}
	for i, uid := range shown {
		if i > 0 {
			items = append(items, ',')
		}
		item, err := load(c.r.Context(), c.q, pr.item, uid)
		if err != nil {
			return err
		}
		if len(n.order) == 1 { // one member is given bare
			v, err := r.value(pr.item, pr.item.byName[n.order[0]], item.doc, n.includes[n.order[0]])
			if err != nil {
				return err
			}
			if items, err = appendAny(items, v); err != nil {
				return err
			}
			continue
		}
		if items, err = c.gistObject(items, r, item, n, true); err != nil {
			return err
		}
	}
	c.typ = owner
	return c.gistList2(p, size, len(uids), len(shown), false, pr.name, append(items, ']'))
}
