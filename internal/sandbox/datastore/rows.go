package datastore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// stamp is how instants are kept, in UTC.
const stamp = "2006-01-02T15:04:05.000"

// table holds one entry a row. owner is ” in the dataStore and the uid of the
// user in the userDataStore; value is JSON as PostgreSQL prints jsonb, or the text
// as sent when encrypted, or NULL; sharing is a Sharing in JSON.
var tables = []string{
	`CREATE TABLE IF NOT EXISTS ds_entry (
		id INTEGER PRIMARY KEY,
		uid TEXT NOT NULL UNIQUE,
		owner TEXT NOT NULL,
		namespace TEXT NOT NULL,
		key TEXT NOT NULL,
		value TEXT,
		encrypted INTEGER NOT NULL,
		created TEXT NOT NULL,
		updated TEXT NOT NULL,
		created_by TEXT NOT NULL,
		updated_by TEXT NOT NULL,
		sharing TEXT NOT NULL)`,
	`CREATE UNIQUE INDEX IF NOT EXISTS ds_entry_key ON ds_entry (owner, namespace, key)`,
}

// row is one entry as it is kept.
type row struct {
	id                 int64
	uid, ns, key       string
	value              sql.NullString
	encrypted          bool
	created, updated   time.Time
	createdBy, changer string
	sharing            Sharing
}

const columns = `id, uid, namespace, key, value, encrypted, created, updated, created_by, updated_by, sharing`

type scanner interface{ Scan(dest ...any) error }

func readRow(s scanner) (*row, error) {
	r := &row{}
	var created, updated, sharing string
	err := s.Scan(&r.id, &r.uid, &r.ns, &r.key, &r.value, &r.encrypted, &created, &updated, &r.createdBy, &r.changer, &sharing)
	if err != nil {
		return nil, err
	}
	if r.created, err = time.Parse(stamp, created); err != nil {
		return nil, fmt.Errorf("read entry: %w", err)
	}
	if r.updated, err = time.Parse(stamp, updated); err != nil {
		return nil, fmt.Errorf("read entry: %w", err)
	}
	if sharing == "" {
		return r, nil
	}
	if err := json.Unmarshal([]byte(sharing), &r.sharing); err != nil {
		return nil, fmt.Errorf("read entry: %w", err)
	}
	return r, nil
}

// one reads a single row, nil when there is none.
func (s *Service) one(ctx context.Context, where string, args ...any) (*row, error) {
	r, err := readRow(s.db.QueryRowContext(ctx, `SELECT `+columns+` FROM ds_entry WHERE `+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up entry: %w", err)
	}
	return r, nil
}

func (s *Service) row(ctx context.Context, owner, ns, key string) (*row, error) {
	return s.one(ctx, `owner = ? AND namespace = ? AND key = ?`, owner, ns, key)
}

func (s *Service) rowByID(ctx context.Context, id int64) (*row, error) {
	return s.one(ctx, `id = ?`, id)
}

// each calls f for the entries of a namespace in the order of their keys (bytes),
// until it returns false.
func (s *Service) each(ctx context.Context, owner, ns string, descending bool, f func(r *row) (bool, error)) error {
	after, begun := "", false
	for {
		rows, err := s.some(ctx, owner, ns, after, begun, descending)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if on, err := f(r); err != nil || !on {
				return err
			}
			after, begun = r.key, true
		}
		if len(rows) < batch {
			return nil
		}
	}
}

func (s *Service) some(ctx context.Context, owner, ns, after string, begun, descending bool) ([]*row, error) {
	where, order := "", "ORDER BY key"
	args := []any{owner, ns}
	if descending {
		order += " DESC"
	}
	if begun {
		where = " AND key > ?"
		if descending {
			where = " AND key < ?"
		}
		args = append(args, after)
	}
	rows, err := s.db.QueryContext(ctx, strings.Join([]string{`SELECT ` + columns + ` FROM ds_entry WHERE owner = ? AND namespace = ?` + where, order, `LIMIT ?`}, " "), append(args, batch)...)
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	defer rows.Close()
	var out []*row
	for rows.Next() {
		r, err := readRow(rows)
		if err != nil {
			return nil, fmt.Errorf("list entries: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
