package metadata

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// listParams are the parameters of a list.
type listParams struct {
	page, size int
	paging     bool
	or         bool
	gist       string // true, false or "" for the engine that fits
}

// defaultPageSize is how many objects a page has.
const defaultPageSize = 50

func (c *request) intParam(name string, def int) (int, error) {
	v, ok := c.query[name]
	switch {
	case !ok:
		return def, nil
	case v[0] == "":
		return 0, problem.BadRequest("%s cannot be empty. It should be of type int", name)
	}
	n, err := strconv.ParseInt(v[0], 10, 32)
	if err != nil {
		return 0, problem.BadRequest("Value '%s' is not valid for parameter %s. It should be of type int", v[0], name)
	}
	return int(n), nil
}

func (c *request) boolParam(name string, def bool) (bool, error) {
	v := c.query.Get(name)
	switch strings.ToLower(v) {
	case "":
		return def, nil
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, problem.BadRequest("Value '%s' is not valid for parameter %s. It should be of type boolean", v, name)
}

func (c *request) listParams() (listParams, error) {
	var p listParams
	var err error
	if p.page, err = c.intParam("page", 1); err != nil {
		return p, err
	}
	if p.size, err = c.intParam("pageSize", defaultPageSize); err != nil {
		return p, err
	}
	if p.paging, err = c.boolParam("paging", true); err != nil {
		return p, err
	}
	switch j := strings.ToUpper(c.query.Get("rootJunction")); j {
	case "", "AND":
	case "OR":
		p.or = true
	default:
		return p, problem.BadRequest("Value '%s' is not valid for parameter rootJunction. Valid values are: [AND, OR]", c.query.Get("rootJunction"))
	}
	if c.query.Get("gist") != "" {
		g, err := c.boolParam("gist", false)
		if err != nil {
			return p, err
		}
		p.gist = strconv.FormatBool(g)
	}
	p.page = max(p.page, 1)
	return p, nil
}

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
	all, err := c.s.find(c.r.Context(), c.s.db, sel)
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

// page cuts a list to its page. A page beyond the end is empty.
func page[T any](list []T, number, size int) []T {
	start := (number - 1) * size
	if size <= 0 || start < 0 || start >= len(list) {
		return nil
	}
	return list[start:min(start+size, len(list))]
}

func pageCount(total, size int) int { return (total + size - 1) / max(size, 1) }

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
		o, err := loadSeq(c.r.Context(), c.s.db, c.typ, f.seq)
		if err != nil {
			return err
		}
		if b, err = r.object(b, c.typ, o.doc, n); err != nil {
			return err
		}
	}
	return c.private(append(b, "]}"...))
}

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

// csvList is a list as CSV: the simple members that are asked for.
func (c *request) csvList(p listParams, n *node) error {
	sel, err := c.selection(p)
	if err != nil {
		return err
	}
	all, err := c.s.find(c.r.Context(), c.s.db, sel)
	if err != nil {
		return err
	}
	if p.paging {
		all = page(all, p.page, p.size)
	}
	r, err := c.renderer()
	if err != nil {
		return err
	}
	separator := ","
	if s := c.query.Get("separator"); s != "" {
		separator = s[:1]
	}
	var props []*property
	var names []string
	for _, name := range n.order {
		if pr := c.typ.byName[name]; pr != nil && pr.simple() {
			props, names = append(props, pr), append(names, name)
		}
	}
	var b strings.Builder
	if !c.isTrue("skipHeader") {
		b.WriteString(strings.Join(names, separator) + "\n")
	}
	for _, f := range all {
		o, err := loadSeq(c.r.Context(), c.s.db, c.typ, f.seq)
		if err != nil {
			return err
		}
		for i, pr := range props {
			if i > 0 {
				b.WriteString(separator)
			}
			v, err := r.value(c.typ, pr, o.doc, defaultNode("all"))
			if err != nil {
				return err
			}
			if v != nil {
				b.WriteString(csvCell(plainText(v), separator))
			}
		}
		b.WriteByte('\n')
	}
	c.bytes(http.StatusOK, "text/csv;charset=UTF-8", []byte(b.String()))
	return nil
}

// csvCell quotes what a loose reader could misread (Jackson CSV). With another
// separator than the comma every cell is quoted that is not a number.
func csvCell(v, separator string) string {
	plain := strings.IndexFunc(v, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' || r == '.' || r == '-' || r == ':' || r == '_')
	}) < 0
	if plain && (separator == "," || json.Valid([]byte(v))) {
		return v
	}
	return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
}

// userParams checks the parameters of a list of users.
func (c *request) userParams() error {
	if v := c.query.Get("inactiveMonths"); v != "" {
		if _, err := strconv.Atoi(v); err != nil {
			return problem.BadRequest("Value '%s' is not valid for parameter inactiveMonths. For input string: \"%s\"", v, v)
		}
	}
	for _, k := range []string{"lastLogin", "inactiveSince"} {
		if v := c.query.Get(k); v != "" {
			if _, ok := parseDate(v); !ok {
				return problem.BadRequest("Value '%s' is not valid for parameter %s. Invalid format: \"%s\"", v, k, v)
			}
		}
	}
	if v := c.query.Get("orgUnitBoundary"); v != "" && !slices.Contains([]string{"DATA_CAPTURE", "DATA_OUTPUT", "TEI_SEARCH"}, v) {
		return problem.BadRequest("Value '%s' is not valid for parameter orgUnitBoundary. Valid values are: [DATA_CAPTURE, DATA_OUTPUT, TEI_SEARCH]", v)
	}
	return nil
}

// userCondition is what the parameters of a list of users demand.
func (c *request) userCondition() func(document) bool {
	var all []func(document) bool
	if v := c.query.Get("phoneNumber"); v != "" {
		all = append(all, func(d document) bool { return textOf(d, "phoneNumber") == v })
	}
	if c.query.Get("invitationStatus") != "" && c.query.Get("invitationStatus") != "NONE" {
		all = append(all, func(d document) bool { return boolOf(d, "invitation") })
	}
	if c.isTrue("selfRegistered") {
		all = append(all, func(d document) bool { return boolOf(d, "selfRegistered") })
	}
	if len(all) == 0 {
		return nil
	}
	return func(d document) bool {
		return !slices.ContainsFunc(all, func(f func(document) bool) bool { return !f(d) })
	}
}
