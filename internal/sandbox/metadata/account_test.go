package metadata_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// open makes a service on a new file, or on the file at path.
func open(t testing.TB, path string) *metadata.Service {
	t.Helper()
	return openConfig(t, path, metadata.Config{})
}

// openVersion makes a service of another generation.
func openVersion(t testing.TB, version string) *metadata.Service {
	t.Helper()
	return openConfig(t, "", metadata.Config{Version: version})
}

func openConfig(t testing.TB, path string, cfg metadata.Config) *metadata.Service {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "sandbox.db")
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=busy_timeout(5000)&_pragma=synchronous(normal)")
	require.NoError(t, err)
	cfg.DB = db
	db.SetMaxOpenConns(8) // as the store does
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := metadata.Open(context.Background(), cfg)
	require.NoError(t, err)
	return s
}

func TestANewSandboxHasAdminWithALLAndNurseWithNone(t *testing.T) {
	s := open(t, "")
	admin, err := s.UserByUsername(t.Context(), "admin")
	require.NoError(t, err)
	require.True(t, admin.Super())
	require.True(t, admin.Has("F_ANY"))
	require.True(t, s.CheckPassword(admin, "district"))
	require.True(t, s.CheckPassword(admin, "district"), "remembered")
	require.False(t, s.CheckPassword(admin, "District"))

	nurse, err := s.UserByUsername(t.Context(), "nurse")
	require.NoError(t, err)
	require.Empty(t, nurse.Authorities)
	require.False(t, nurse.Has("F_ANY"))
	require.True(t, s.CheckPassword(nurse, "Nurse-pass-1"))
}

func TestUsernamesAreComparedWithCase(t *testing.T) {
	_, err := open(t, "").UserByUsername(t.Context(), "Admin")
	require.ErrorIs(t, err, metadata.ErrNoUser)
}

func TestAUserNeverPrintsItsHash(t *testing.T) {
	u, err := open(t, "").UserByUsername(t.Context(), "admin")
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		require.Equal(t, `user "admin"`, fmt.Sprintf(verb, u))
	}
}

func TestASandboxSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.db")
	first, err := open(t, path).UserByUsername(t.Context(), "admin")
	require.NoError(t, err)
	again, err := open(t, path).UserByUsername(t.Context(), "admin")
	require.NoError(t, err)
	require.Equal(t, first.UID, again.UID)
}
