package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// write runs f in a transaction that is alone in this service. It takes SQLite's
// write lock first, so that f never has to change from reader to writer, and
// forgets accounts when it commits.
func (s *Service) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM md_account WHERE uid = ''`); err != nil {
		return errors.Join(fmt.Errorf("take write lock: %w", err), tx.Rollback())
	}
	if err := f(tx); err != nil {
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, back)
		}
		return err
	}
	defer s.forgetAccounts()
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
