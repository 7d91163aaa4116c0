package metadata

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// This file is DHIS2's Gist API, and the bridge that serves plain lists through it
// (2.44 gist/GistBridge.java, observed): its pages, its addresses, its errors.

// bridgeParams are the only parameters that a bridged list may have.
var bridgeParams = []string{"fields", "filter", "order", "page", "pageSize", "paging", "locale", "rootJunction", "gist"}

// maxGistPage is the largest page that the Gist engine gives.
const maxGistPage = 1000

// bridges reports whether a list is served by the Gist engine: paged, with simple
// parameters only.
func (c *request) bridges(p listParams, n *node) bool {
	if !p.paging || p.gist == "false" || c.typ.singular == "attribute" || len(c.query["fields"]) > 1 {
		return false
	}
	for k := range c.query {
		if !slices.Contains(bridgeParams, k) {
			return false
		}
	}
	return c.bridgesFields(n) && c.bridgesFilters() && c.bridgesOrder()
}

func (c *request) bridgesFields(n *node) bool {
	isDefault := strings.TrimSpace(strings.Join(c.query["fields"], "")) == ""
	if isDefault {
		return c.typ.translatable
	}
	if len(n.presets) > 0 || n.all || len(n.order) == 0 {
		return false
	}
	for _, name := range n.order {
		p, f := c.typ.byName[name], n.includes[name]
		if p == nil || slices.ContainsFunc(f.transforms, func(t transform) bool { return t.name != "rename" }) {
			return false
		}
		if !f.all {
			if !c.bridgesNested(p, f) {
				return false
			}
			continue
		}
		display := name == "displayName" && c.typ.translatable
		if !display && !(p.simple() && p.isStored() || p.calcOwner || p.kind == kShare) {
			return false
		}
	}
	return true
}

// bridgesNested: one level into objects with a uid.
func (c *request) bridgesNested(p *property, f *node) bool {
	if p.kind != kRef && p.kind != kRefs || p.item == nil || !p.item.identifiable() || len(f.presets) > 0 {
		return false
	}
	for _, name := range f.order {
		m := p.item.byName[name]
		if m == nil || !m.simple() || !m.isStored() || !f.includes[name].all || slices.ContainsFunc(f.includes[name].transforms, func(t transform) bool { return t.name != "rename" }) {
			return false
		}
	}
	return len(f.order) > 0
}

func (c *request) bridgesFilters() bool {
	for _, t := range dhis2.SplitFilters(c.query["filter"]) {
		parts := strings.SplitN(t, ":", 3)
		if len(parts) < 2 || strings.Contains(parts[0], ".") {
			return false
		}
		p := c.typ.byName[parts[0]]
		if p == nil || p.calc && !p.calcOwner || gistOperators[parts[1]] == "" || strings.HasSuffix(parts[1], "token") {
			return false
		}
		if p.kind == kEnum && strings.Contains(parts[1], "like") {
			return false
		}
	}
	for _, p := range c.query["filter"] {
		for _, f := range splitPieces(p) {
			if !strings.Contains(f, ":") {
				return false
			}
		}
	}
	return true
}

// splitPieces cuts at commas outside brackets and keeps everything.
func splitPieces(p string) []string {
	var out []string
	depth, start := 0, 0
	for i := range len(p) {
		switch p[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth <= 0 {
				out = append(out, p[start:i])
				start = i + 1
			}
		}
	}
	return append(out, p[start:])
}

func (c *request) bridgesOrder() bool {
	for _, p := range c.query["order"] {
		for t := range strings.SplitSeq(p, ",") {
			name, dir, _ := strings.Cut(strings.TrimSpace(t), ":")
			pr := c.typ.byName[name]
			if pr == nil || pr.calc && !pr.calcOwner && !(name == "displayName" && c.typ.translatable) || strings.HasPrefix(strings.ToLower(dir), "i") {
				return false
			}
		}
	}
	return true
}

// gistOperators are the Gist engine's, by its spellings.
var gistOperators = map[string]string{
	"eq": "eq", "!eq": "!eq", "ne": "!eq", "neq": "!eq", "ieq": "ieq", "gt": "gt", "gte": "ge", "ge": "ge", "lt": "lt", "lte": "le", "le": "le",
	"like": "like", "!like": "!like", "$like": "$like", "!$like": "!$like", "like$": "like$", "!like$": "!like$",
	"ilike": "ilike", "!ilike": "!ilike", "startsWith": "$ilike", "$ilike": "$ilike", "!$ilike": "!$ilike", "!startsWith": "!$ilike", "startsLike": "$like",
	"endsWith": "ilike$", "ilike$": "ilike$", "!ilike$": "!ilike$", "!endsWith": "!ilike$", "in": "in", "!in": "!in", "null": "null", "!null": "!null", "empty": "empty", "!empty": "!empty",
	"token": "token", "!token": "!token",
}

// gistFilters reads filters with the Gist engine's complaints.
func (c *request) gistFilters() ([]*filter, error) {
	var out []*filter
	for _, param := range c.query["filter"] {
		for _, t := range splitPieces(param) {
			if t = strings.TrimSpace(t); t == "" {
				continue
			}
			f, err := c.gistFilter(t)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func (c *request) gistFilter(text string) (*filter, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 2 || parts[1] == "" {
		return nil, problem.BadRequest("Not a valid filter expression: %s", text)
	}
	canonical := gistOperators[parts[1]]
	if canonical == "" {
		return nil, problem.BadRequest("Not an comparison operator symbol: %s", parts[1])
	}
	f := &filter{text: text, op: canonical}
	if err := f.resolve(c.s.cat, c.typ, parts[0]); err != nil {
		return nil, problem.BadRequest("Property `%s` does not exist in %s", parts[0], c.typ.singular)
	}
	f.op, f.not = strings.TrimPrefix(canonical, "!"), strings.HasPrefix(canonical, "!")
	unary := f.op == "null" || f.op == "empty"
	switch {
	case len(parts) == 3 && unary:
		return nil, problem.BadRequest("Filter `%s:%s:[%s]` uses an unary operator and does not need an argument.", parts[0], parts[1], parts[2])
	case len(parts) == 2 && !unary:
		return nil, problem.BadRequest("Filter `%s:%s:[]` uses a binary operator that does need an argument.", parts[0], parts[1])
	case len(parts) == 3:
		f.value = parts[2]
	}
	if f.op == "in" && !strings.HasPrefix(f.value, "[") {
		f.value = "[" + f.value + "]"
	}
	if err := f.check(); err != nil {
		class := "java.lang.String"
		if f.final != nil {
			class = f.final.class()
		}
		return nil, problem.BadRequest("Type class %s is not compatible with provided filter value: `%s`", class, f.value)
	}
	return f, nil
}

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
	all, err := c.s.find(c.r.Context(), c.s.db, sel)
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
		o, err := loadSeq(c.r.Context(), c.s.db, c.typ, f.seq)
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
	uids, err := c.s.members(c.r.Context(), c.s.db, o, p)
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
		u, err := load(c.r.Context(), c.s.db, p.item, uid)
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
	uids, err := c.s.members(c.r.Context(), c.s.db, o, pr)
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
		item, err := load(c.r.Context(), c.s.db, pr.item, uid)
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
