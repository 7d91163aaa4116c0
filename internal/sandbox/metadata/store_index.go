package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

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
