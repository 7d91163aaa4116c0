package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

// sqliteReaders is how many connections read at a time; one of them may write.
const sqliteReaders = 8

// OpenSQLite opens the file at path, which it makes if it is missing (mode 0600),
// with write-ahead log, a sync on every commit (so that an acknowledged write
// survives a power cut), foreign keys, and transactions that lock when they begin.
// The file belongs to one process: *InUseError says which one has it. The caller
// closes the database, which gives the lock back.
func OpenSQLite(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := makePrivate(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	base, err := sqlite.NewConnector(sqliteDSN(path))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), lock.Close())
	}
	db := sql.OpenDB(lockedConnector{base, lock})
	db.SetMaxOpenConns(sqliteReaders)
	db.SetMaxIdleConns(sqliteReaders)
	if err := db.Ping(); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), db.Close())
	}
	return db, nil
}

// makePrivate makes the file and its folder readable by the owner alone; SQLite
// gives its log files the mode of the database.
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func sqliteDSN(path string) string {
	pragmas := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + pragmas.Encode()
}

// lockedConnector gives the lock back when the sql.DB is closed.
type lockedConnector struct {
	driver.Connector
	lock *os.File
}

// Close implements io.Closer, which sql.DB.Close looks for.
func (c lockedConnector) Close() error { return c.lock.Close() }

func openSQLiteStore(ctx context.Context, path string) (*Store, error) {
	db, err := OpenSQLite(path)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, goose.DialectSQLite3, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	byHash, err := db.PrepareContext(ctx, byHashSQL)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), db.Close())
	}
	return &Store{db: db, now: time.Now, byHash: byHash}, nil
}

// Backup writes a consistent copy of the database to a new file. SQLite only:
// errors.ErrUnsupported otherwise.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.pool != nil {
		return fmt.Errorf("back up the store: %w: use pg_dump", errors.ErrUnsupported)
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up the store: %s exists", path)
	}
	if err := makePrivate(path); err != nil {
		return fmt.Errorf("back up the store: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return errors.Join(fmt.Errorf("back up the store: %w", err), os.Remove(path))
	}
	return nil
}
