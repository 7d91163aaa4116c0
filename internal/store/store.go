// Package store keeps what d2gate must not forget: one SQL text, two engines.
// SQLite is the default; PostgreSQL is for more than one replica. Each consumer
// declares the interface that it needs and has one file here; storetest is what
// both engines must pass. Read store.go, then tokens.go and changes.go.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Store is an open database with the current schema. It implements pat.Store and
// is safe for concurrent use.
type Store struct {
	db  *sql.DB
	now func() time.Time

	byHash *sql.Stmt     // SQLite; nil for PostgreSQL
	pool   *pgxpool.Pool // PostgreSQL; nil for SQLite
	wake   chan struct{} // PostgreSQL: somebody has changed something
	stop   context.CancelFunc
	listen sync.WaitGroup

	// writing lets one transaction of SQLite write at a time; SQLite itself would
	// make the others wait by polling.
	writing sync.Mutex
}

// Open opens a database and brings its schema up to date. Driver is "sqlite", with
// the path of a file as location, or "postgres" with a connection URL. A file that
// another process has open gives an *InUseError.
func Open(ctx context.Context, driver, location string) (*Store, error) {
	switch driver {
	case "sqlite":
		return openSQLiteStore(ctx, location)
	case "postgres":
		return OpenPostgres(ctx, location)
	}
	return nil, fmt.Errorf("open store: no such driver %q", driver)
}

// Close gives the database back. What was acknowledged is already safe.
func (s *Store) Close() error {
	if s.stop != nil {
		s.stop()
		s.listen.Wait()
	}
	var err error
	if s.byHash != nil {
		err = s.byHash.Close()
	}
	err = errors.Join(err, s.db.Close())
	if s.pool != nil {
		s.pool.Close()
	}
	return err
}

// Ping asks whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.db.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	return nil
}

// DB is the database behind the store, for packages that keep tables of their own.
func (s *Store) DB() *sql.DB { return s.db }

// Shared reports whether other replicas may use the same database.
func (s *Store) Shared() bool { return s.pool != nil }

// write runs fn in a transaction that is durable when write returns nil.
func (s *Store) write(ctx context.Context, fn func(*sql.Tx) error) error {
	if s.pool == nil {
		s.writing.Lock()
		defer s.writing.Unlock()
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}
