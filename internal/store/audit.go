package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/d2gate/d2gate/internal/audit"
)

// AppendAudit stores events in one transaction. Without one it finds out whether
// the store takes writes.
func (s *Store) AppendAudit(ctx context.Context, entries []audit.Entry) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `INSERT INTO audit_event (at, request_id, username, token, decision, reason, line)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`)
		if err != nil {
			return fmt.Errorf("store audit events: %w", err)
		}
		defer insert.Close()
		for i := range entries {
			e := &entries[i]
			at, err := time.Parse(time.RFC3339Nano, e.Time)
			if err != nil {
				return fmt.Errorf("store audit event %s: %w", e.RequestID, err)
			}
			if _, err := insert.ExecContext(ctx, at.UnixMilli(), e.RequestID, e.User, e.Token, e.Decision, e.Reason, string(e.Raw)); err != nil {
				return fmt.Errorf("store audit events: %w", err)
			}
		}
		return nil
	})
}

// AuditEvent returns the last event of a request, or false.
func (s *Store) AuditEvent(ctx context.Context, requestID string) (audit.Entry, bool, error) {
	var line string
	err := s.db.QueryRowContext(ctx, `SELECT line FROM audit_event WHERE request_id = $1 ORDER BY at DESC LIMIT 1`, requestID).Scan(&line)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Entry{}, false, nil
	}
	if err != nil {
		return audit.Entry{}, false, fmt.Errorf("look up audit event: %w", err)
	}
	e, ok := audit.ParseEntry([]byte(line))
	return e, ok, nil
}

// DeleteAudit removes the events of before, and returns how many went.
func (s *Store) DeleteAudit(ctx context.Context, before time.Time) (n int64, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `DELETE FROM audit_event WHERE at < $1`, before.UnixMilli())
		if err != nil {
			return fmt.Errorf("delete audit events: %w", err)
		}
		n, err = done.RowsAffected()
		return err
	})
	return n, err
}
