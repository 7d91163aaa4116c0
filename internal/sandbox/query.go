package sandbox

import (
	"database/sql"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// query is an entries query: GET /{ns}?fields=…
type query struct {
	fields         []field
	filters        []filter
	anyOf          bool
	order          string // normalised path
	descending     bool
	numeric        bool
	page, pageSize int
	paging         bool
	headless       bool
	includeAll     bool
}

// number reads an integer parameter as Spring does.
func (c *call) number(name string, def int) (int, error) {
	if !c.query.Has(name) {
		return def, nil
	}
	v := c.query.Get(name)
	if v == "" {
		return 0, problem.BadRequest("%s cannot be empty. It should be of type int", name)
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil {
		return 0, problem.BadRequest("Value '%s' is not valid for parameter %s. It should be of type int", v, name)
	}
	return int(n), nil
}

// boolean reads a boolean parameter that must not be empty.
func (c *call) boolean(name string, def bool) (bool, error) {
	if c.query.Has(name) && c.query.Get(name) == "" {
		return false, problem.BadRequest("%s cannot be empty. It should be of type boolean", name)
	}
	return c.flag(name, def)
}

func (c *call) readQuery() (q query, err error) {
	if q.page, err = c.number("page", 1); err != nil {
		return q, err
	}
	if q.pageSize, err = c.number("pageSize", 50); err != nil {
		return q, err
	}
	for _, b := range []struct {
		name string
		to   *bool
		def  bool
	}{{"paging", &q.paging, true}, {"headless", &q.headless, false}, {"includeAll", &q.includeAll, false}} {
		if *b.to, err = c.boolean(b.name, b.def); err != nil {
			return q, err
		}
	}
	q.page, q.pageSize = max(q.page, 1), min(max(q.pageSize, 1), 1000)
	if c.query.Has("rootJunction") {
		v := strings.Join(c.query["rootJunction"], ",")
		switch {
		case v == "":
			return q, problem.BadRequest("rootJunction cannot be empty. Valid values are: [AND, OR]")
		case !strings.EqualFold(v, "AND") && !strings.EqualFold(v, "OR"):
			return q, problem.BadRequest("Value '%s' is not valid for parameter rootJunction. Valid values are: [AND, OR]", v)
		}
		q.anyOf = strings.EqualFold(v, "OR")
	}
	if q.fields, err = parseFields(strings.Join(c.query["fields"], ",")); err != nil {
		return q, err
	}
	if q.filters, err = parseFilters(c.query["filter"]); err != nil {
		return q, err
	}
	return q, q.readOrder(c)
}

func (q *query) readOrder(c *call) error {
	q.order = "_"
	if !c.query.Has("order") {
		return nil
	}
	v := strings.Join(c.query["order"], ",")
	parts := strings.Split(separators.Replace(v), ":")
	direction := "asc"
	switch {
	case len(parts) > 2:
		return problem.BadRequest("Not a valid order expression: %s", v)
	case len(parts) == 2 && parts[1] == "" && parts[0] != "":
		return problem.New(http.StatusConflict, "E7650", "Not a valid path: `%s`", v)
	case len(parts) == 2:
		direction = parts[1]
	}
	var err error
	if q.order, err = normalPath(parts[0]); err != nil {
		return err
	}
	switch strings.ToLower(direction) {
	case "asc":
	case "desc":
		q.descending = true
	case "nasc":
		q.numeric = true
	case "ndesc":
		q.numeric, q.descending = true, true
	default:
		return problem.BadRequest("No enum constant org.hisp.dhis.datastore.DatastoreQuery.Direction.%s", strings.ToUpper(direction))
	}
	return nil
}

// item is one row on its way through a query.
type item struct {
	key   string
	value jsonb.Value
	valid bool // not NULL
}

func dsEntries(c *call) error {
	q, err := c.readQuery()
	if err != nil {
		return err
	}
	ns := c.args[0]
	switch c.s.guards.reads(ns, c.user) {
	case modeRestricted:
		return problem.BadRequest("Unknown error when running the query: %s", c.s.words().protected(ns))
	case modeHidden:
		return problem.BadRequest(`Unknown error when running the query: Cannot invoke "java.util.stream.Stream.iterator()" because the return value is null`)
	}
	list, err := c.s.entries(c.r.Context(), ns)
	if err != nil {
		return err
	}
	var items []item
	for _, e := range list {
		if !e.share.readable(c.user) {
			continue
		}
		v := e.value
		if e.encrypted {
			v = sql.NullString{}
		}
		if items, err = appendItem(items, e.key, v); err != nil {
			return err
		}
	}
	return c.answer(q, items)
}

func udsEntries(c *call) error {
	q, err := c.readQuery()
	if err != nil {
		return err
	}
	who, err := c.whose()
	if err != nil {
		return err
	}
	rows, err := c.s.db.QueryContext(c.r.Context(), `SELECT name, value, encrypted FROM sb_user_entry WHERE username = ? AND namespace = ? ORDER BY name`, who, c.args[0])
	if err != nil {
		return fmt.Errorf("list user entries: %w", err)
	}
	defer rows.Close()
	var items []item
	for rows.Next() {
		var key string
		var v sql.NullString
		var encrypted bool
		if err := rows.Scan(&key, &v, &encrypted); err != nil {
			return fmt.Errorf("list user entries: %w", err)
		}
		if encrypted {
			v = sql.NullString{}
		}
		if items, err = appendItem(items, key, v); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list user entries: %w", err)
	}
	return c.answer(q, items)
}

func appendItem(items []item, key string, v sql.NullString) ([]item, error) {
	i := item{key: key, valid: v.Valid}
	if v.Valid {
		var err error
		if i.value, err = jsonb.Parse(v.String); err != nil {
			return items, fmt.Errorf("stored value of %q: %w", key, err)
		}
	}
	return append(items, i), nil
}

// answer filters, orders, pages and prints.
func (c *call) answer(q query, items []item) error {
	for _, f := range q.filters {
		if err := f.runtimeError(); err != nil {
			return err
		}
	}
	kept := items[:0]
	for _, i := range items {
		if q.keeps(i) {
			kept = append(kept, i)
		}
	}
	if err := q.sort(kept); err != nil {
		return err
	}
	var rows [][]byte
	for _, i := range kept {
		if b, ok := q.print(i); ok {
			rows = append(rows, b)
		}
	}
	if q.paging {
		from := min((q.page-1)*q.pageSize, len(rows))
		rows = rows[from:min(from+q.pageSize, len(rows))]
	}
	noStore(c)
	body := []byte("[")
	if !q.headless {
		body = fmt.Appendf(nil, `{"pager":{"page":%d,"pageSize":%d},"entries":[`, q.page, q.pageSize)
	}
	for n, r := range rows {
		if n > 0 {
			body = append(body, ',')
		}
		body = append(body, r...)
	}
	body = append(body, ']')
	if !q.headless {
		body = append(body, '}')
	}
	return c.raw(http.StatusOK, "application/json;charset=UTF-8", body)
}

func (q query) keeps(i item) bool {
	if len(q.filters) == 0 {
		return true
	}
	for _, f := range q.filters {
		if f.matches(i.key, i.value, i.valid) == q.anyOf {
			return q.anyOf
		}
	}
	return !q.anyOf
}

// sort orders by the path; what is missing comes last, ties by key.
func (q query) sort(items []item) error {
	if q.order == "_" {
		sort.SliceStable(items, func(a, b int) bool { return (items[a].key < items[b].key) != q.descending })
		return nil
	}
	at := func(i item) (jsonb.Value, bool) {
		v, there := i.value.Get(steps(q.order))
		return v, there && i.valid
	}
	if q.numeric {
		for _, i := range items {
			if v, ok := at(i); ok && v.Kind() != jsonb.Number && v.Kind() != jsonb.Null {
				return problem.BadRequest(`Unknown error when running the query: ERROR: invalid input syntax for type double precision: "%s"`, v.String())
			}
		}
	}
	sort.SliceStable(items, func(a, b int) bool {
		x, okx := at(items[a])
		y, oky := at(items[b])
		if !okx || !oky {
			return okx && !oky
		}
		if c := jsonb.Compare(x, y); c != 0 {
			return (c < 0) != q.descending
		}
		return false
	})
	return nil
}

// print makes the row of an entry; ok is false for one that has none of the fields.
func (q query) print(i item) (row []byte, ok bool) {
	t := &tree{}
	t.put([]string{"key"}, jsonb.Quote(nil, i.key))
	found := len(q.fields) == 0 || q.includeAll
	for _, f := range q.fields {
		v, there := i.value.Get(f.path)
		if !i.valid || !there {
			t.put(f.name, []byte("null"))
			continue
		}
		found = true
		t.put(f.name, v.Append(nil))
	}
	return t.append(nil), found
}
