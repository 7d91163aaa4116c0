package dhis2

// Plain reports whether the query neither filters nor searches and leaves the
// order to the engine, so that a source can cut the page by itself (RunPage).
func (q *ListQuery) Plain() bool {
	return len(q.conditions) == 0 && q.search == nil && len(q.orders) == 0
}

// Window is the page that is asked for: the place of its first object and of the
// first behind it, counted from 0; end is -1 when all are asked for.
func (q *ListQuery) Window() (first, end int) { return q.window() }

// Newest reports whether the engine's own order of a type without names is by
// creation, the newest first; else it is none.
func (q *ListQuery) Newest() bool { return !q.gist }

// RunPage answers a plain query from the objects of its page, in order, and the
// number of all.
func (q *ListQuery) RunPage(page []*Object, total int, docs Documents) (ListResult, error) {
	items := make([]*Object, len(page))
	for i, o := range page {
		var err error
		if items[i], err = q.item(o, docs); err != nil {
			return ListResult{}, err
		}
	}
	return q.result(items, total), nil
}
