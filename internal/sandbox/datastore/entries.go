package datastore

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
)

// batch is how many rows are read at a time; between two batches no row of the
// database is held, so that a slow caller holds up nobody.
const batch = 64

// scan is one run of a query over a namespace.
type scan struct {
	*Service
	owner, ns string
	visible   func(r *row) bool
	q         Query
}

// accepts tells whether a row is shown: visible, matching, with one of the fields.
func (s *scan) accepts(r *row) (v jsonb.Value, there, ok bool, err error) {
	if !s.visible(r) {
		return v, false, false, nil
	}
	if there = r.value.Valid && !r.encrypted; there {
		if v, err = jsonb.Parse(r.value.String); err != nil {
			return v, false, false, fmt.Errorf("read value of %q: %w", r.key, err)
		}
	}
	if !s.q.matches(r.key, v, there) {
		return v, there, false, nil
	}
	if len(s.q.Fields) > 0 && !s.q.IncludeAll {
		if _, any := pick(s.q.Fields, v, there); !any {
			return v, there, false, nil
		}
	}
	return v, there, true, nil
}

func (q Query) matches(key string, v jsonb.Value, there bool) bool {
	for _, f := range q.Filters {
		if f.Matches(key, v, there) == q.Any {
			return q.Any
		}
	}
	return !q.Any || len(q.Filters) == 0
}

// run writes the whole answer. An error of the query comes before anything is
// written.
func (s *scan) run(ctx context.Context, w io.Writer) error {
	out := &entriesWriter{w: w, q: s.q, shape: shapeOf(s.q.Fields)}
	if s.q.Order.onKey {
		return s.byKey(ctx, out)
	}
	return s.byValue(ctx, out)
}

// byKey streams in one pass.
func (s *scan) byKey(ctx context.Context, out *entriesWriter) error {
	skip, take := s.window()
	err := s.each(ctx, s.owner, s.ns, s.q.Order.descending, func(r *row) (bool, error) {
		v, there, ok, err := s.accepts(r)
		if err != nil || !ok {
			return err == nil, err
		}
		if skip > 0 {
			skip--
			return true, nil
		}
		if take == 0 {
			return false, nil
		}
		take--
		return true, out.entry(r.key, v, there)
	})
	if err != nil {
		return err
	}
	return out.close()
}

// window is how many entries are skipped and shown; -1 is all.
func (s *scan) window() (skip, take int) {
	if !s.q.Paging {
		return 0, -1
	}
	return (s.q.Page - 1) * s.q.PageSize, s.q.PageSize
}

// byValue sorts first, with no more in memory than the sort keys up to the end of
// the page, then reads the rows of the page one by one.
func (s *scan) byValue(ctx context.Context, out *entriesWriter) error {
	skip, take := s.window()
	keep := skip + take
	var keys []sortKey
	sortKeys := func() { slices.SortStableFunc(keys, s.q.Order.compare) }
	err := s.each(ctx, s.owner, s.ns, false, func(r *row) (bool, error) {
		v, there, ok, err := s.accepts(r)
		if err != nil || !ok {
			return err == nil, err
		}
		k, err := s.q.Order.key(r.id, v, there)
		if err != nil {
			return false, err
		}
		keys = append(keys, k)
		if take >= 0 && len(keys) >= 2*max(keep, 1000) {
			sortKeys()
			keys = slices.Clone(keys[:keep])
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	sortKeys()
	keys = keys[min(skip, len(keys)):]
	if take >= 0 {
		keys = keys[:min(take, len(keys))]
	}
	return s.write(ctx, keys, out)
}

func (s *scan) write(ctx context.Context, keys []sortKey, out *entriesWriter) error {
	for _, k := range keys {
		r, err := s.rowByID(ctx, k.row)
		if err != nil {
			return err
		}
		if r == nil {
			continue // deleted meanwhile
		}
		v, there, ok, err := s.accepts(r)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := out.entry(r.key, v, there); err != nil {
			return err
		}
	}
	return out.close()
}

// entriesWriter prints `{"pager":{…},"entries":[…]}`, or the array alone.
type entriesWriter struct {
	w     io.Writer
	q     Query
	shape *shape
	begun bool
	buf   []byte
}

func (o *entriesWriter) begin() {
	if o.begun {
		return
	}
	o.begun = true
	if !o.q.Headless {
		o.buf = fmt.Appendf(o.buf, `{"pager":{"page":%d,"pageSize":%d},"entries":`, o.q.Page, o.q.PageSize)
	}
	o.buf = append(o.buf, '[')
}

func (o *entriesWriter) entry(key string, v jsonb.Value, there bool) error {
	if o.begun {
		o.buf = append(o.buf, ',')
	}
	o.begin()
	nodes, _ := pick(o.q.Fields, v, there)
	o.buf = o.shape.appendEntry(o.buf, key, nodes)
	return o.flush(32 << 10)
}

func (o *entriesWriter) close() error {
	o.begin()
	o.buf = append(o.buf, ']')
	if !o.q.Headless {
		o.buf = append(o.buf, '}')
	}
	return o.flush(0)
}

// flush writes when more than limit bytes are there.
func (o *entriesWriter) flush(limit int) error {
	if len(o.buf) <= limit {
		return nil
	}
	_, err := o.w.Write(o.buf)
	o.buf = o.buf[:0]
	return err
}
