package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// errNoObject says that no object has the uid.
var errNoObject = errors.New("metadata: no such object")

// querier is a database or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// object is a row: a document with its type and place.
type object struct {
	typ *schema
	seq int64
	uid string
	doc document
}

// load reads one object. Errors: errNoObject.
func load(ctx context.Context, q querier, s *schema, uid string) (*object, error) {
	var seq int64
	var raw []byte
	err := q.QueryRowContext(ctx, `SELECT seq, doc FROM md_object WHERE type = ? AND uid = ?`, s.singular, uid).Scan(&seq, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoObject
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", s.singular, err)
	}
	doc, err := parseDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", s.singular, uid, err)
	}
	return &object{s, seq, uid, doc}, nil
}

// exists reports whether there is such an object.
func exists(ctx context.Context, q querier, typ, uid string) (bool, error) {
	var one int
	err := q.QueryRowContext(ctx, `SELECT 1 FROM md_object WHERE type = ? AND uid = ?`, typ, uid).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// uidByCode finds an object by its code, "" if there is none.
func uidByCode(ctx context.Context, q querier, typ, code string) (string, error) {
	var uid string
	err := q.QueryRowContext(ctx, `SELECT uid FROM md_object WHERE type = ? AND code = ? ORDER BY seq LIMIT 1`, typ, code).Scan(&uid)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return uid, err
}

// put stores a new object or the new state of one (seq 0 means new) with its
// references and unique values.
func put(ctx context.Context, q querier, o *object) error {
	raw, err := o.typ.encode(o.doc)
	if err != nil {
		return err
	}
	code, name := any(nil), any(nil)
	if s := textOf(o.doc, "code"); s != "" {
		code = s
	}
	if s := textOf(o.doc, "name"); s != "" {
		name = s
	}
	created, updated := textOf(o.doc, "created"), textOf(o.doc, "lastUpdated")
	if o.seq == 0 {
		res, err := q.ExecContext(ctx, `INSERT INTO md_object (type, uid, code, name, doc, created, last_updated) VALUES (?, ?, ?, ?, ?, ?, ?)`, o.typ.singular, o.uid, code, name, raw, created, updated)
		if err != nil {
			return fmt.Errorf("store %s: %w", o.typ.singular, err)
		}
		if o.seq, err = res.LastInsertId(); err != nil {
			return fmt.Errorf("store %s: %w", o.typ.singular, err)
		}
	} else {
		if _, err := q.ExecContext(ctx, `UPDATE md_object SET code = ?, name = ?, doc = ?, created = ?, last_updated = ? WHERE seq = ?`, code, name, raw, created, updated, o.seq); err != nil {
			return fmt.Errorf("store %s: %w", o.typ.singular, err)
		}
		if err := unindex(ctx, q, o.seq); err != nil {
			return err
		}
	}
	return index(ctx, q, o)
}

// remove deletes an object with its references.
func remove(ctx context.Context, q querier, o *object) error {
	if err := unindex(ctx, q, o.seq); err != nil {
		return err
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM md_object WHERE seq = ?`, o.seq); err != nil {
		return fmt.Errorf("delete %s: %w", o.typ.singular, err)
	}
	return nil
}
