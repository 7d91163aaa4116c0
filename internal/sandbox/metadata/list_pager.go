package metadata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// page cuts a list to its page. A page beyond the end is empty.
func page[T any](list []T, number, size int) []T {
	start := (number - 1) * size
	if size <= 0 || start < 0 || start >= len(list) {
		return nil
	}
	return list[start:min(start+size, len(list))]
}

func pageCount(total, size int) int { return (total + size - 1) / max(size, 1) }

// pager is the query engine's: its addresses are built from what it understood.
func (c *request) pager(p listParams, total int) any {
	size := max(p.size, 1)
	count := pageCount(total, size)
	at := p.page
	if at > count && count > 0 {
		at = count
	}
	out := rawJSON(`{"page":` + strconv.Itoa(at) + `,"total":` + strconv.Itoa(total) + `,"pageSize":` + strconv.Itoa(size))
	if at < count {
		out = c.appendLink(out, "nextPage", c.listLink(at+1, size))
	}
	if at > 1 {
		out = c.appendLink(out, "prevPage", c.listLink(at-1, size))
	}
	return append(append(out, `,"pageCount":`+strconv.Itoa(count)...), '}')
}

func (c *request) appendLink(b rawJSON, name, link string) rawJSON {
	b = append(b, `,"`+name+`":`...)
	if l, err := appendText(b, link); err == nil {
		b = l
	}
	return b
}

// linkOrder is the order in which the query engine repeats parameters.
var linkOrder = []string{"filter", "rootJunction", "query", "gist", "fields", "order"}

func (c *request) listLink(page, size int) string {
	var parts []string
	add := func(k, v string) {
		parts = append(parts, k+"="+strings.NewReplacer("+", "%20", "%2A", "*", "~", "%7E").Replace(url.QueryEscape(v)))
	}
	if page > 1 {
		add("page", strconv.Itoa(page))
	}
	if size != defaultPageSize {
		add("pageSize", strconv.Itoa(size))
	}
	for _, k := range linkOrder {
		for _, v := range c.query[k] {
			add(k, v)
		}
	}
	var rest []string
	for k := range c.query {
		if !slices.Contains(linkOrder, k) && k != "page" && k != "pageSize" && k != "paging" {
			rest = append(rest, k)
		}
	}
	slices.Sort(rest)
	for _, k := range rest {
		for _, v := range c.query[k] {
			add(k, v)
		}
	}
	link := c.base() + "/api" + c.typ.endpoint
	if len(parts) > 0 {
		link += "?" + strings.Join(parts, "&")
	}
	return link
}
