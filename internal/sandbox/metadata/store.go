package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
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

// reference is one association of an object: property (and part, of an embedded
// object) names the object target of the type.
type reference struct{ property, typ, target string }

// references lists what a document refers to, each once.
func (s *schema) references(doc document) []reference {
	seen := map[reference]bool{}
	var out []reference
	add := func(property string, item *schema, v any) {
		uid := idOf(v)
		if item == nil || uid == "" {
			return
		}
		if r := (reference{property, item.singular, uid}); !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	for _, p := range s.properties {
		v := doc[p.name]
		if v == nil || p.name == "createdBy" || p.name == "lastUpdatedBy" {
			continue
		}
		switch {
		case p.kind == kRef:
			add(p.name, p.item, v)
		case p.kind == kRefs:
			for _, item := range v.([]any) {
				add(p.name, p.item, item)
			}
		case p.kind == kObjs && p.item != nil:
			for _, item := range v.([]any) {
				d, _ := item.(map[string]any)
				for _, r := range p.item.references(d) {
					r.property = p.name + "." + r.property
					if !seen[r] {
						seen[r] = true
						out = append(out, r)
					}
				}
			}
		case p.kind == kObjs:
			for _, item := range v.([]any) {
				d, _ := item.(map[string]any)
				for _, k := range looseReferences {
					if d[k.member] != nil {
						add(p.name, &schema{singular: k.typ}, d[k.member])
					}
				}
			}
		}
	}
	return out
}

// looseReferences are members of lists that the table does not look into.
var looseReferences = []struct{ member, typ string }{{"dataElement", "dataElement"}, {"indicator", "indicator"}, {"programIndicator", "programIndicator"}}

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

func index(ctx context.Context, q querier, o *object) error {
	refs := o.typ.references(o.doc)
	for len(refs) > 0 {
		n := min(len(refs), 100)
		args := make([]any, 0, 5*n)
		for _, r := range refs[:n] {
			args = append(args, r.typ, r.target, o.typ.singular, r.property, o.seq)
		}
		if _, err := q.ExecContext(ctx, `INSERT OR IGNORE INTO md_ref (target_type, target, type, property, seq) VALUES `+values(5, n), args...); err != nil {
			return fmt.Errorf("index references: %w", err)
		}
		refs = refs[n:]
	}
	var args []any
	for _, p := range o.typ.uniques() {
		if v := uniqueText(o.doc[p.name]); v != "" {
			args = append(args, o.typ.singular, p.name, v, o.seq)
		}
	}
	for _, v := range listOf(o.doc, "attributeValues") {
		m, _ := v.(map[string]any)
		if value := textOf(m, "value"); value != "" {
			args = append(args, o.typ.singular, "@"+idOf(m["attribute"]), value, o.seq)
		}
	}
	if len(args) == 0 {
		return nil
	}
	if _, err := q.ExecContext(ctx, `INSERT OR IGNORE INTO md_unique (type, property, value, seq) VALUES `+values(4, len(args)/4), args...); err != nil {
		return fmt.Errorf("index unique values: %w", err)
	}
	return nil
}

// values is the text (?,?),(?,?) for n rows of columns places.
func values(columns, n int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(row+",", n), ",")
}

// uniques are the members whose values may stand once among objects of the type.
func (s *schema) uniques() []*property {
	var out []*property
	for _, p := range s.properties {
		if p.unique && p.isStored() && p.name != "id" && p.kind != kBool {
			out = append(out, p)
		}
	}
	return out
}

func uniqueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case fmt.Stringer: // json.Number
		return v.String()
	}
	return ""
}

// holderOf finds the object that has a unique value, "" if none has.
func holderOf(ctx context.Context, q querier, s *schema, property, value string) (string, error) {
	var uid string
	err := q.QueryRowContext(ctx, `SELECT o.uid FROM md_unique u JOIN md_object o ON o.seq = u.seq WHERE u.type = ? AND u.property = ? AND u.value = ? LIMIT 1`, s.singular, property, value).Scan(&uid)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return uid, err
}

func unindex(ctx context.Context, q querier, seq int64) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM md_ref WHERE seq = ?`, seq); err != nil {
		return fmt.Errorf("drop references: %w", err)
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM md_unique WHERE seq = ?`, seq); err != nil {
		return fmt.Errorf("drop unique values: %w", err)
	}
	return nil
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
