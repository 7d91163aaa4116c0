package metadata

import (
	"context"
	"fmt"
)

// match finds the objects that the payload updates or deletes.
func (b *bundle) match(ctx context.Context) error {
	for _, t := range b.types {
		for rest := t.items; len(rest) > 0; {
			n := min(len(rest), 500)
			if err := b.matchSome(ctx, t, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		if b.p.byCode {
			clear(t.byUID)
			for _, it := range t.items {
				if t.byUID[it.uid] == nil {
					t.byUID[it.uid] = it
				}
			}
		}
	}
	return nil
}

func (b *bundle) matchSome(ctx context.Context, t *stagedType, items []*staged) error {
	column, key := "uid", func(it *staged) string { return it.uid }
	if b.p.byCode {
		column, key = "code", func(it *staged) string { return it.code }
	}
	args := []any{t.typ.singular}
	byKey := map[string][]*staged{}
	for _, it := range items {
		if k := key(it); k != "" {
			args = append(args, k)
			byKey[k] = append(byKey[k], it)
		}
	}
	if len(args) == 1 {
		return nil
	}
	rows, err := b.tx.QueryContext(ctx, `SELECT seq, uid, `+column+` FROM md_object WHERE type = ? AND `+column+` IN `+values(len(args)-1, 1), args...)
	if err != nil {
		return fmt.Errorf("match objects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var uid, k string
		if err := rows.Scan(&seq, &uid, &k); err != nil {
			return fmt.Errorf("match objects: %w", err)
		}
		for _, it := range byKey[k] {
			it.seq, it.uid = seq, uid
		}
	}
	return rows.Err()
}
