package dhis2

import "iter"

// Run answers the query from the objects of the type that the caller may see. It
// holds no more of them than the page needs.
func (q *ListQuery) Run(objects iter.Seq2[*Object, error], docs Documents) (ListResult, error) {
	orders := q.orders
	if len(orders) == 0 {
		orders = defaultOrder(q.schema, q.gist)
	}
	page, total, err := q.collect(objects, orders, docs)
	if err != nil {
		return ListResult{}, err
	}
	items := make([]*Object, 0, len(page))
	for _, e := range page {
		item, err := q.item(e.object, docs)
		if err != nil {
			return ListResult{}, err
		}
		if q.projection.NoDefaults && IsDefault(e.object.Text("id")) {
			continue
		}
		items = append(items, item)
	}
	return q.result(items, total), nil
}

func (q *ListQuery) item(o *Object, docs Documents) (*Object, error) {
	switch {
	case q.req.GistEndpoint:
		return q.gistItem(o, docs)
	case q.gist:
		return q.projection.ApplyAsked(o, docs)
	}
	return q.projection.Apply(o, docs)
}

// collect filters, counts and orders, and returns the objects of the page.
func (q *ListQuery) collect(objects iter.Seq2[*Object, error], orders []Order, docs Documents) ([]sorted, int, error) {
	var list []sorted
	first, limit := q.window()
	total := 0
	for o, err := range objects {
		if err != nil {
			return nil, 0, err
		}
		ok, err := q.matches(o, docs)
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			continue
		}
		total++
		e, err := newSorted(o, orders, q.schema, docs)
		if err != nil {
			return nil, 0, err
		}
		if list = append(list, e); limit >= 0 && len(list) > 2*limit+spare {
			sortObjects(list, orders)
			clear(list[limit:])
			list = list[:limit]
		}
	}
	sortObjects(list, orders)
	if limit >= 0 && len(list) > limit {
		list = list[:limit]
	}
	return list[min(first, len(list)):], total, nil
}

// spare is how many objects beyond the page are held before they are dropped.
const spare = 1024

// window is the first object of the page and the first behind it, -1 for no end.
func (q *ListQuery) window() (first, end int) {
	if !q.params.paging {
		return 0, -1
	}
	size := max(0, q.params.pageSize)
	page := min(max(1, q.params.page), 1<<30/max(1, size))
	return (page - 1) * size, page * size
}

func (q *ListQuery) matches(o *Object, docs Documents) (bool, error) {
	ok, err := Matches(q.conditions, q.params.or, o, docs)
	if err != nil || !ok || q.search == nil {
		return ok, err
	}
	return Matches(q.search, true, o, docs)
}

func (q *ListQuery) result(items []*Object, total int) ListResult {
	list := make([]any, len(items))
	for i, item := range items {
		list[i] = item
		if q.bare && len(item.Members) == 1 {
			list[i] = item.Members[0].Value
		}
	}
	r := ListResult{Gist: q.gist, Items: items}
	body := &Object{}
	switch {
	case q.gist:
		if q.req.GistEndpoint && q.flag("headless") {
			r.Body = list
			return r
		}
		if q.req.GistEndpoint && !q.flag("total") && !q.flag("totalPages") {
			total = -1
		}
		body.Set("pager", gistPager(q.req.Self, q.req.RawQuery, q.params.page, q.params.pageSize, total, len(items)))
		body.Set("gist", true)
	case q.params.paging:
		body.Set("pager", normalPager(q.req.Address, q.req.Query, q.params.page, q.params.pageSize, total))
	}
	body.Set(q.schema.Plural, list)
	r.Body = body
	return r
}

func (q *ListQuery) flag(name string) bool {
	on, err := BoolParameter(q.req.Query, name, false)
	return err == nil && on
}
