package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// listenRetry is the pause before a lost LISTEN connection is made again.
const listenRetry = 500 * time.Millisecond

// OpenPostgres connects to a PostgreSQL at url (postgres://…), brings the schema up
// to date (replicas that start together take turns) and listens for changes of
// others. The error never holds the URL, which may carry a password.
func OpenPostgres(ctx context.Context, url string) (*Store, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("open store: the PostgreSQL URL cannot be read")
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{db: stdlib.OpenDBFromPool(pool), now: time.Now, pool: pool, wake: make(chan struct{}, 1)}
	if err := s.preparePostgres(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	listening, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.listen.Go(func() { s.keepListening(listening) })
	return s, nil
}

func (s *Store) preparePostgres(ctx context.Context) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	return migrate(ctx, goose.DialectPostgres, s.db, goose.WithSessionLocker(locker))
}

// keepListening holds a connection of its own that waits for NOTIFY. What is told
// while it is being made again is lost; the wake-up after the reconnect and the
// regular reading of the log make up for it.
func (s *Store) keepListening(ctx context.Context) {
	for ctx.Err() == nil {
		_ = s.listenOnce(ctx) // whatever ended it, it is tried again
		select {
		case <-ctx.Done():
		case <-time.After(listenRetry):
		}
	}
}

func (s *Store) listenOnce(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `LISTEN `+notifyChannel); err != nil {
		return err
	}
	for {
		select {
		case s.wake <- struct{}{}:
		default: // a wake-up is already waiting
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
