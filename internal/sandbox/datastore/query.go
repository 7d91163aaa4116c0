package datastore

// Query is one entries query. Build it with the Parse functions.
type Query struct {
	Fields     []Field
	Filters    []Filter
	Any        bool // one filter suffices
	Order      Order
	IncludeAll bool // entries without any of the fields too
	Headless   bool // the entries alone, without pager
	Paging     bool
	Page       int // from 1
	PageSize   int // 1 to 1000
}

// NewQuery is a query with DHIS2's defaults.
func NewQuery() Query { return Query{Order: byKey, Paging: true, Page: 1, PageSize: 50} }

// Clamp brings page and page size into their limits.
func (q *Query) Clamp() {
	q.Page = max(1, q.Page)
	q.PageSize = min(max(1, q.PageSize), 1000)
}
