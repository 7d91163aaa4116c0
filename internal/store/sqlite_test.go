package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/internal/store/storetest"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

var _ pat.Store = (*store.Store)(nil)

func openSQLite(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Stores {
		s := openSQLite(t, filepath.Join(t.TempDir(), "d2gate.db"))
		return storetest.Stores{Tokens: s, Changes: s, OAuth2: s.OAuth2(), Audit: s}
	})
}

func TestOneProcessOwnsTheFileAndTheErrorNamesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d2gate.db")
	first, err := store.OpenSQLite(path)
	require.NoError(t, err)
	_, err = store.OpenSQLite(path)
	inUse, ok := errors.AsType[*store.InUseError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, os.Getpid(), inUse.PID)
	require.ErrorContains(t, err, "is in use by process")
	require.NoError(t, first.Close())
	again, err := store.OpenSQLite(path)
	require.NoError(t, err, "closing gives the lock back")
	require.NoError(t, again.Close())
}

func TestTheFilesAreForTheOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by us #1?%41")
	s := openSQLite(t, filepath.Join(dir, "d2gate.db"))
	require.NoError(t, s.PutToken(t.Context(), sample(), "aa"))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(entries), 3)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
	}
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestEveryCommitIsSynced(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "d2gate.db"))
	var mode string
	var sync, keys int
	require.NoError(t, s.DB().QueryRow(`PRAGMA journal_mode`).Scan(&mode))
	require.NoError(t, s.DB().QueryRow(`PRAGMA synchronous`).Scan(&sync))
	require.NoError(t, s.DB().QueryRow(`PRAGMA foreign_keys`).Scan(&keys))
	require.Equal(t, "wal", mode)
	require.Equal(t, 2, sync, "FULL")
	require.Equal(t, 1, keys)
}

func TestWhatWasStoredIsThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d2gate.db")
	s, err := store.Open(t.Context(), "sqlite", path)
	require.NoError(t, err)
	require.NoError(t, s.PutToken(t.Context(), sample(), "aa"))
	require.NoError(t, s.Close())
	s = openSQLite(t, path)
	got, err := s.TokenByHash(t.Context(), "aa")
	require.NoError(t, err)
	require.Equal(t, "Token000001", got.Record.UID)
}

func TestABackupIsACompleteCopyAndOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	s := openSQLite(t, filepath.Join(dir, "d2gate.db"))
	require.NoError(t, s.PutToken(t.Context(), sample(), "aa"))
	copied := filepath.Join(dir, "copy.db")
	require.NoError(t, s.Backup(t.Context(), copied))
	require.Error(t, s.Backup(t.Context(), copied))
	got, err := openSQLite(t, copied).TokenByHash(t.Context(), "aa")
	require.NoError(t, err)
	require.Equal(t, "Token000001", got.Record.UID)
}

func TestAnAttributeThatCannotBeReadMakesTheTokenUnusable(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "d2gate.db"))
	require.NoError(t, s.PutToken(t.Context(), sample(), "aa"))
	for _, text := range []string{`[{"type":"NoSuchList"}]`, `{`, `[{"type":"IpAllowedList","allowedIps":[1]}]`} {
		_, err := s.DB().Exec(`UPDATE api_token SET attributes = $1`, text)
		require.NoError(t, err)
		_, err = s.TokenByHash(t.Context(), "aa")
		require.Error(t, err, text)
		require.NotErrorIs(t, err, pat.ErrUnknown)
	}
}

func sample() pat.Record {
	return pat.Record{UID: "Token000001", Created: time.UnixMilli(1), LastUpdated: time.UnixMilli(1),
		Owner: pat.Owner{UID: "uid", Username: "nurse"}, Version: 1, Type: "PERSONAL_ACCESS_TOKEN_V1",
		Constraints: constraints.Set{Expiry: time.UnixMilli(1e15)}, Origin: "d2gate"}
}

func userPage(username string, offset int) pat.Filter {
	return pat.Filter{Username: username, Limit: 50, Offset: offset}
}
