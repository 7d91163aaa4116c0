package datastore

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// Config is what a Service needs.
type Config struct {
	DB    *sql.DB
	Minor int // 44 of DHIS2 2.44
	Now   func() time.Time
	Rand  io.Reader
}

// Service keeps the entries. It is safe for concurrent use.
type Service struct {
	db     *sql.DB
	now    func() time.Time
	rand   io.Reader
	words  words
	closed *protections

	changing sync.Mutex // one writer at a time, so that reading before writing holds
}

// Open makes the table when it is missing.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	for _, ddl := range tables {
		if _, err := cfg.DB.ExecContext(ctx, ddl); err != nil {
			return nil, fmt.Errorf("create dataStore: %w", err)
		}
	}
	return &Service{db: cfg.DB, now: cfg.Now, rand: cfg.Rand, words: words{cfg.Minor}, closed: newProtections(cfg.Minor)}, nil
}

// Entry is one entry without its value, for metaData and sharing.
type Entry struct {
	UID, Namespace, Key  string
	Created, Updated     time.Time
	CreatedBy, UpdatedBy string // uids
	Sharing              Sharing
}

func (r *row) entry() Entry {
	return Entry{r.uid, r.ns, r.key, r.created, r.updated, r.createdBy, r.changer, r.sharing}
}

// Namespaces lists the namespaces that hold entries, but for those hidden from
// the actor, in the order of their bytes.
func (s *Service) Namespaces(ctx context.Context, a Actor) ([]string, error) {
	all, err := s.names(ctx, `SELECT DISTINCT namespace FROM ds_entry WHERE owner = '' ORDER BY namespace`)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, ns := range all {
		if s.reading(a, ns) != Hidden {
			out = append(out, ns)
		}
	}
	return out, nil
}

// names runs a query of one text column.
func (s *Service) names(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list names: %w", err)
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list names: %w", err)
		}
		out = append(out, name)
	}
	return out, rows.Err()
}

// Keys lists the keys of a namespace that the actor may see; since leaves out
// those not changed after it. Errors: 404 for a namespace without entries, 403.
func (s *Service) Keys(ctx context.Context, a Actor, ns string, since time.Time) ([]string, error) {
	switch s.reading(a, ns) {
	case Restricted:
		return nil, s.words.protected(ns)
	case Hidden:
		return nil, s.words.noNamespace(ns)
	}
	out, found := []string{}, false
	err := s.each(ctx, "", ns, false, func(r *row) (bool, error) {
		found = true
		if r.sharing.CanRead(a) && !r.updated.Before(since) {
			out = append(out, r.key)
		}
		return true, nil
	})
	if err == nil && !found {
		err = s.words.noNamespace(ns)
	}
	return out, err
}

// Entries runs a query and writes its answer to w.
func (s *Service) Entries(ctx context.Context, a Actor, ns string, q Query, w io.Writer) error {
	switch s.reading(a, ns) {
	case Restricted:
		return queryFailed(s.words.protectedText(ns))
	case Hidden:
		return queryFailed(`Cannot invoke "java.util.stream.Stream.iterator()" because "entries" is null`)
	}
	run := scan{Service: s, ns: ns, q: q, visible: func(r *row) bool { return r.sharing.CanRead(a) }}
	return run.run(ctx, w)
}

// readable finds an entry that the actor may read; nil when there is none.
func (s *Service) readable(ctx context.Context, a Actor, ns, key string) (*row, error) {
	switch s.reading(a, ns) {
	case Restricted:
		return nil, s.words.protected(ns)
	case Hidden:
		return nil, nil
	}
	r, err := s.row(ctx, "", ns, key)
	if err != nil || r == nil {
		return nil, err
	}
	if !r.sharing.CanRead(a) {
		return nil, s.words.unreadable(ns, key)
	}
	return r, nil
}

// Value returns the text of an entry's value; false for a value that is SQL's
// NULL. Errors: 404, 403.
func (s *Service) Value(ctx context.Context, a Actor, ns, key string) (string, bool, error) {
	r, err := s.readable(ctx, a, ns, key)
	if err == nil && r == nil {
		err = s.words.noKey(ns, key)
	}
	if err != nil {
		return "", false, err
	}
	return r.value.String, r.value.Valid, nil
}

// MetaData returns an entry without its value. Errors: 404, 403.
func (s *Service) MetaData(ctx context.Context, a Actor, ns, key string) (Entry, error) {
	r, err := s.readable(ctx, a, ns, key)
	if err == nil && r == nil {
		err = s.words.noKey(ns, key)
	}
	if err != nil {
		return Entry{}, err
	}
	return r.entry(), nil
}

// ByUID finds an entry of the dataStore by its uid. Error: 404 without a code.
func (s *Service) ByUID(ctx context.Context, uid string) (Entry, error) {
	r, err := s.one(ctx, `uid = ? AND owner = ''`, uid)
	if err == nil && r == nil {
		err = problem.New(404, "", "Object of type dataStore with ID %s was not found.", uid)
	}
	if err != nil {
		return Entry{}, err
	}
	return r.entry(), nil
}
