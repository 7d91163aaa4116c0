package metadata

import (
	"context"
	"database/sql"
	"fmt"
)

// periodLabels are the labels of period types, by name.
func (s *Service) periodLabels(ctx context.Context, q querier) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT name, label FROM md_period_label`)
	if err != nil {
		return nil, fmt.Errorf("read period labels: %w", err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var name, label string
		if err := rows.Scan(&name, &label); err != nil {
			return nil, fmt.Errorf("read period labels: %w", err)
		}
		out[name] = label
	}
	return out, rows.Err()
}

// labelPeriod sets or, with an empty label, drops the label of a period type.
func (s *Service) labelPeriod(ctx context.Context, name, label string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if label == "" {
			_, err := tx.ExecContext(ctx, `DELETE FROM md_period_label WHERE name = ?`, name)
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO md_period_label (name, label) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET label = excluded.label`, name, label)
		return err
	})
}
