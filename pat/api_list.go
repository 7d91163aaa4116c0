package pat

import (
	"context"
	"iter"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// batch is how many records are read at a time when a filter has to look at all.
const batch = 500

// list answers GET /api/apiToken.
func (q *call) list() error { return q.answerList(false) }

// gistList answers GET /api/apiToken/gist.
func (q *call) gistList() error { return q.answerList(true) }

func (q *call) answerList(gist bool) error {
	values := q.r.URL.Query()
	fields, err := parseFields(values["fields"], "id")
	if err != nil {
		return err
	}
	s := q.schema(fields)
	query, err := dhis2.NewListQuery(dhis2.ListRequest{
		Query: values, RawQuery: q.r.URL.RawQuery, Self: q.self(),
		Address: q.api.publicURL() + "/api/apiToken", GistEndpoint: gist,
	}, s, schemasOf(s))
	if err != nil {
		return queried(err)
	}
	result, err := q.run(query)
	switch {
	case err != nil:
		return queried(err)
	case result.Gist:
		return q.fresh(result.Body)
	case !acceptsJSON(q.r):
		return notAcceptable(q.w)
	}
	return q.tagged(result.Body)
}

// self is the address of the request without its query, below the public one.
func (q *call) self() string {
	base := q.api.publicURL()
	path, _, _ := strings.Cut(q.r.RequestURI, "?")
	if i := strings.Index(path, "/api/"); i >= 0 {
		path = path[i:] // the context path is part of the public address
	}
	return base + path
}

// run reads from the store no more than the query needs: the page alone if it can
// be cut there, what a filter by uid, code or owner selects, else all in batches.
func (q *call) run(query *dhis2.ListQuery) (dhis2.ListResult, error) {
	ctx := q.r.Context()
	f := narrowed(query)
	if first, end := query.Window(); query.Plain() && end >= 0 {
		f.Descending, f.Offset, f.Limit = query.Newest(), first, end-first
		if f.Limit == 0 { // pageSize=0: none, and the store would take it for all
			f.Limit = 1
		}
		records, total, err := q.api.issuer.List(ctx, q.caller, f)
		if err != nil {
			return dhis2.ListResult{}, err
		}
		page := make([]*dhis2.Object, 0, len(records))
		for i := range min(len(records), end-first) {
			page = append(page, q.document(&records[i]))
		}
		return query.RunPage(page, total, dhis2.Stored{})
	}
	return query.Run(q.objects(ctx, f), dhis2.Stored{})
}

// narrowed takes over what the store can select by itself.
func narrowed(query *dhis2.ListQuery) (f Filter) {
	for property, place := range map[string]*string{
		"id": &f.UID, "code": &f.Code, "createdBy.id": &f.OwnerUID, "createdBy.username": &f.OwnerName,
	} {
		if values, ok := query.Exact(property); ok && len(values) == 1 && values[0] != "" {
			*place = values[0]
		}
	}
	return f
}

// objects gives all that the caller may see and f selects, oldest first.
func (q *call) objects(ctx context.Context, f Filter) iter.Seq2[*dhis2.Object, error] {
	f.Limit = batch
	return func(yield func(*dhis2.Object, error) bool) {
		for {
			records, err := q.api.issuer.page(ctx, q.caller, f)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range records {
				if !yield(q.document(&records[i]), nil) {
					return
				}
			}
			if len(records) < batch {
				return
			}
			last := records[len(records)-1]
			f.After = &Cursor{last.Created, last.UID}
		}
	}
}
