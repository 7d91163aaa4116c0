package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// notifyChannel is the channel on which PostgreSQL tells the other replicas.
const notifyChannel = "d2gate_changes"

// changeLogKept is how long a change stays readable. A replica that was away for
// longer finds a gap and forgets all it has cached.
const changeLogKept = 24 * time.Hour

// Change is one line of the change log.
type Change struct {
	Seq   int64 // 1, 2, 3 … in the order of commit
	Topic string
	Key   string
}

// note writes a line of the change log in the transaction of the change, and wakes
// the other replicas with the commit.
func (s *Store) note(ctx context.Context, tx *sql.Tx, topic, key string) error {
	if err := s.noteQuietly(ctx, tx, topic, key); err != nil || s.pool == nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `NOTIFY `+notifyChannel); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// noteQuietly writes the line alone: a commit that carries a NOTIFY holds up all
// others of a PostgreSQL, and nobody waits to hear of what is new. From then until
// the commit no other change can take a number.
func (s *Store) noteQuietly(ctx context.Context, tx *sql.Tx, topic, key string) error {
	var seq int64
	if err := tx.QueryRowContext(ctx, `UPDATE change_seq SET seq = seq + 1 WHERE one = 1 RETURNING seq`).Scan(&seq); err != nil {
		return fmt.Errorf("number the change: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO changes (seq, topic, key, at) VALUES ($1, $2, $3, $4)`,
		seq, topic, key, s.now().UnixMilli()); err != nil {
		return fmt.Errorf("note the change: %w", err)
	}
	return nil
}

// Note writes a change that has no other write, such as a new policy.
func (s *Store) Note(ctx context.Context, topic, key string) error {
	return s.write(ctx, func(tx *sql.Tx) error { return s.note(ctx, tx, topic, key) })
}

// LastChange is the number of the newest change, 0 if there was none.
func (s *Store) LastChange(ctx context.Context) (int64, error) {
	var seq int64
	if err := s.db.QueryRowContext(ctx, `SELECT seq FROM change_seq WHERE one = 1`).Scan(&seq); err != nil {
		return 0, fmt.Errorf("read the change log: %w", err)
	}
	return seq, nil
}

// Changes lists the changes after the one numbered since. If the first of them is
// not since+1, older ones are gone from the log.
func (s *Store) Changes(ctx context.Context, since int64) ([]Change, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT seq, topic, key FROM changes WHERE seq > $1 ORDER BY seq`, since)
	if err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	defer rows.Close()
	var out []Change
	for rows.Next() {
		var c Change
		if err := rows.Scan(&c.Seq, &c.Topic, &c.Key); err != nil {
			return nil, fmt.Errorf("read the change log: %w", err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	return out, nil
}

// Wake receives when another replica may have changed something; nil for SQLite,
// whose file has one process.
func (s *Store) Wake() <-chan struct{} { return s.wake }

// PruneChanges forgets changes that every reader has long seen.
func (s *Store) PruneChanges(ctx context.Context) error {
	before := s.now().Add(-changeLogKept).UnixMilli()
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM changes WHERE at < $1`, before)
		return err
	})
	if err != nil {
		return fmt.Errorf("prune the change log: %w", err)
	}
	return nil
}
