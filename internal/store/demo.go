package store

import (
	"context"
	"fmt"
)

// demoMark is SQLite's application_id of a store that demo mode has made: "d2gD".
// It is part of the file's header, so copies and backups keep it.
const demoMark = 0x64326744

// MarkDemo notes that demo mode made this store. SQLite only.
func (s *Store) MarkDemo(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, demoMark)); err != nil {
		return fmt.Errorf("mark the store as demo data: %w", err)
	}
	return nil
}

// IsDemo reports whether demo mode made this store.
func (s *Store) IsDemo(ctx context.Context) (bool, error) {
	if s.pool != nil {
		return false, nil
	}
	var id int64
	if err := s.db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return false, fmt.Errorf("look for the mark of demo data: %w", err)
	}
	return id == demoMark, nil
}
