package metadata

import (
	"context"
	"database/sql"
	"fmt"
)

// referrers lists the objects that refer to the target in the property, in the
// order of their creation.
func referrers(ctx context.Context, q querier, cat *catalog, target *schema, uid string, typ *schema, property string) ([]*object, error) {
	rows, err := q.QueryContext(ctx, `SELECT o.seq, o.uid, o.doc FROM md_ref r JOIN md_object o ON o.seq = r.seq
		WHERE r.target_type = ? AND r.target = ? AND r.type = ? AND r.property = ? ORDER BY o.seq`, target.singular, uid, typ.singular, property)
	if err != nil {
		return nil, fmt.Errorf("look up referrers: %w", err)
	}
	defer rows.Close()
	var out []*object
	for rows.Next() {
		o := &object{typ: typ}
		var raw []byte
		if err := rows.Scan(&o.seq, &o.uid, &raw); err != nil {
			return nil, fmt.Errorf("look up referrers: %w", err)
		}
		if o.doc, err = parseDocument(raw); err != nil {
			return nil, fmt.Errorf("read %s %s: %w", typ.singular, o.uid, err)
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// each calls f with every object of a type that the SQL condition lets through, in
// the order of their creation. It holds one object at a time.
func each(ctx context.Context, q querier, s *schema, where string, args []any, f func(*object) error) error {
	query := `SELECT seq, uid, doc FROM md_object WHERE type = ?`
	if where != "" {
		query += ` AND (` + where + `)`
	}
	rows, err := q.QueryContext(ctx, query+` ORDER BY seq`, append([]any{s.singular}, args...)...)
	if err != nil {
		return fmt.Errorf("list %s: %w", s.plural, err)
	}
	defer rows.Close()
	for rows.Next() {
		o := &object{typ: s}
		var raw sql.RawBytes
		if err := rows.Scan(&o.seq, &o.uid, &raw); err != nil {
			return fmt.Errorf("list %s: %w", s.plural, err)
		}
		if o.doc, err = parseDocument(raw); err != nil {
			return fmt.Errorf("read %s %s: %w", s.singular, o.uid, err)
		}
		if err := f(o); err != nil {
			return err
		}
	}
	return rows.Err()
}
