package dhis2

import "net/url"

// ListRequest is a request for the list of a type.
type ListRequest struct {
	Query    url.Values // nil means what ParseQuery reads of RawQuery
	RawQuery string     // as it was sent
	Self     string     // address of the request without the query
	Address  string     // address of the type's list, for links of the normal engine
	// GistEndpoint is set below …/gist: the Gist engine always answers, with its
	// own defaults, and counts only when asked (total, totalPages).
	GistEndpoint bool
	// GistCollection is set for …/<uid>/<collection>/gist, where a single field is
	// shown as bare values.
	GistCollection bool
}

// ListQuery is a request for a list that was understood.
type ListQuery struct {
	req        ListRequest
	schema     *Schema
	params     listParameters
	conditions []*Condition
	search     []*Condition // of query=: one of them must hold
	orders     []Order
	projection *Projection
	gist       bool
	auto       []autoField // of the gist endpoint
	one, bare  bool        // a single object; a single field's values
}

// ListResult is the answer to a list.
type ListResult struct {
	Body any // *Object, or []any for headless
	// Gist says which engine answered: it sends Cache-Control
	// "no-cache, no-store, max-age=0, must-revalidate" and no ETag.
	Gist  bool
	Items []*Object // as in the body, for other formats
}

// NewListQuery reads a list's parameters as DHIS2 2.44 does and chooses the engine:
// the Gist engine where all is simple, else the normal one. Errors are *QueryError.
func NewListQuery(req ListRequest, s *Schema, all Schemas) (*ListQuery, error) {
	if req.Query == nil {
		req.Query = ParseQuery(req.RawQuery)
	}
	q := &ListQuery{req: req, schema: s}
	var err error
	if q.params, err = parseListParameters(req.Query); err != nil {
		return nil, err
	}
	if req.GistEndpoint || q.params.gist != nil && *q.params.gist || q.bridged(all) {
		q.gist = true
		q.params.page = max(1, q.params.page)
		q.params.pageSize = max(1, min(q.params.pageSize, maxGistPageSize))
		q.params.paging = true
		return q, q.readGist(all)
	}
	return q, q.readNormal(all)
}

// maxGistPageSize is the most that the Gist engine puts on a page.
const maxGistPageSize = 1000

func (q *ListQuery) readNormal(all Schemas) error {
	fields, err := ParseFields(q.fields("id,displayName")...)
	if err != nil {
		return err
	}
	filters, err := ParseFilters(SplitFilters(q.req.Query["filter"]))
	if err != nil {
		return err
	}
	if q.conditions, err = NewConditions(filters, q.schema, all); err != nil {
		return err
	}
	if q.search, err = searchConditions(q.req.Query.Get("query"), q.schema, all); err != nil {
		return err
	}
	if q.orders, err = ParseOrder(q.req.Query["order"], q.schema); err != nil {
		return err
	}
	q.projection = NewProjection(fields, q.schema, all)
	q.projection.NoDefaults = q.params.defaults == "EXCLUDE"
	return nil
}

// fields are the request's fields parameters, or the engine's default.
func (q *ListQuery) fields(missing string) []string {
	for _, f := range q.req.Query["fields"] {
		if f != "" {
			return q.req.Query["fields"]
		}
	}
	return []string{missing}
}

// searchConditions are those of query=: the whole id or code, or words of the name
// (of a user also of the username), of which one must fit.
func searchConditions(text string, s *Schema, all Schemas) ([]*Condition, error) {
	if text == "" {
		return nil, nil
	}
	if p := s.Property("name"); p == nil || !p.Persisted && s.Property("username") == nil {
		return nil, badParameter("Unable to locate Attribute  with the the given name [name] on this ManagedType [%s]", s.Klass)
	}
	var out []*Condition
	for _, name := range []string{"id", "code", "name", "username"} {
		if s.Property(name) == nil {
			continue
		}
		c, err := NewCondition(Filter{name, "token", text, true}, s, all)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Exact returns the values to which the filters confine a text property (eq, in),
// so that a source can look for these alone; ok is false when they do not.
func (q *ListQuery) Exact(property string) (values []string, ok bool) {
	if q.params.or && len(q.conditions) > 1 {
		return nil, false
	}
	for _, c := range q.conditions {
		if c.filter.Path != property || c.any != nil || c.op.negate || c.op.kind != isEqual && c.op.kind != isIn {
			continue
		}
		for _, w := range c.want {
			values = append(values, w.text)
		}
		return values, true
	}
	return nil, false
}
