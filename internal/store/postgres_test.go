package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/internal/store/storetest"
	"github.com/stretchr/testify/require"
)

func openPostgres(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestPostgres(t *testing.T) {
	server := storetest.StartPostgres(t)
	t.Run("conformance", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Stores {
			s := openPostgres(t, server.Database(t))
			return storetest.Stores{Tokens: s, Changes: s, OAuth2: s.OAuth2(), Audit: s}
		})
	})
	t.Run("replicas that start together take turns with the schema", func(t *testing.T) {
		url := server.Database(t)
		var wg sync.WaitGroup
		stores, errs := make([]*store.Store, 4), make([]error, 4)
		for i := range stores {
			wg.Go(func() { stores[i], errs[i] = store.Open(t.Context(), "postgres", url) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		for _, s := range stores {
			require.NoError(t, s.Close())
		}
	})
	t.Run("another replica hears of a change at once", func(t *testing.T) {
		url := server.Database(t)
		here, there := openPostgres(t, url), openPostgres(t, url)
		heard := follow(t, there, time.Hour)
		require.NoError(t, here.PutToken(t.Context(), sample(), "aa"))
		require.NoError(t, here.DeleteToken(t.Context(), "Token000001"))
		require.Equal(t, "Token000001", await(t, heard), "issued: heard of with the next change")
		require.Equal(t, "Token000001", await(t, heard), "revoked")
	})
	t.Run("a replica whose connection broke catches up", func(t *testing.T) {
		url := server.Database(t)
		here, there := openPostgres(t, url), openPostgres(t, url)
		heard := follow(t, there, time.Hour)
		require.NoError(t, here.Note(t.Context(), "policy", "before"))
		require.Equal(t, "before", await(t, heard))
		_, err := here.DB().Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
		require.NoError(t, err)
		require.NoError(t, here.Note(t.Context(), "policy", "while away"))
		require.Equal(t, "while away", await(t, heard))
		require.NoError(t, here.Note(t.Context(), "policy", "after"))
		require.Equal(t, "after", await(t, heard))
	})
	t.Run("an unreachable server, or a URL that cannot be read, is an error without the password", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, url := range []string{"postgres://u:s3cret@127.0.0.1:1/d?connect_timeout=1", "postgres://u:s3cret@%zz/d", "postgres://u:s3cret@h:port/d"} {
			_, err := store.Open(ctx, "postgres", url)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "s3cret")
		}
	})
}

func TestFollowForgetsAllWhenChangesWereMissed(t *testing.T) {
	s := openSQLite(t, t.TempDir()+"/d2gate.db")
	require.NoError(t, s.Note(t.Context(), "policy", "1"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	cleared, applied := make(chan struct{}, 4), make(chan string, 4)
	go s.Follow(ctx, store.FollowConfig{Every: time.Millisecond,
		Apply: func(c store.Change) { applied <- c.Key }, Clear: func() { cleared <- struct{}{} }})
	<-cleared
	_, err := s.DB().Exec(fmt.Sprintf(`BEGIN IMMEDIATE; UPDATE change_seq SET seq = 9; INSERT INTO changes (seq, topic, key, at) VALUES (9, 'policy', '9', %d); COMMIT`, time.Now().UnixMilli()))
	require.NoError(t, err)
	<-cleared
	require.Equal(t, "9", <-applied)

	_, err = s.DB().Exec(`UPDATE change_seq SET seq = 20`) // all of them pruned before they were read
	require.NoError(t, err)
	<-cleared
}

func follow(t *testing.T, s *store.Store, every time.Duration) <-chan string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	heard, started := make(chan string, 10), make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	wg.Go(func() {
		s.Follow(ctx, store.FollowConfig{Every: every, Apply: func(c store.Change) { heard <- c.Key },
			Clear: func() { once.Do(func() { close(started) }) }})
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	<-started
	return heard
}

func await(t *testing.T, heard <-chan string) string {
	t.Helper()
	select {
	case key := <-heard:
		return key
	case <-time.After(time.Minute):
		t.Fatal("nothing was heard")
		return ""
	}
}
