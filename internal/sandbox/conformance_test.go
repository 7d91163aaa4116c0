package sandbox_test

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/conform"
	"github.com/d2gate/d2gate/internal/sandbox"
	"github.com/d2gate/d2gate/internal/store"
)

// start runs a new sandbox of a DHIS2 release on a free port.
func start(t testing.TB, version string) (base string, s *sandbox.Sandbox) {
	t.Helper()
	db, err := store.OpenSQLite(filepath.Join(t.TempDir(), "sandbox.db"))
	require.NoError(t, err)
	s, err = sandbox.New(t.Context(), sandbox.Config{DB: db, Version: version})
	require.NoError(t, err)
	srv := httptest.NewServer(s)
	t.Cleanup(func() {
		srv.Close()
		require.NoError(t, db.Close())
	})
	return srv.URL, s
}

// TestConformanceOfTheSandbox replays what a real DHIS2 2.44 answered. Tokens are
// d2gate's: their scenarios run through the gateway.
func TestConformanceOfTheSandbox(t *testing.T) {
	base, _ := start(t, "2.44")
	except, err := conform.Exceptions(filepath.Join("..", "..", "testdata", "except-sandbox.txt"))
	require.NoError(t, err)
	var files []string
	for _, f := range []string{"datastore", "datastore-query", "datastore-update", "datastore-sharing", "datastore-protection", "userdatastore", "apps", "me", "signin", "periods", "schemas", "crud", "list", "users", "errors", "metadata-export", "metadata-import"} {
		files = append(files, filepath.Join("..", "..", "testdata", "transcripts", "2.44", f+".json"))
	}
	conform.Replay(t, conform.Target{Base: base, Skip: except}, nil, files...)
}

// TestConformanceOfA241 replays how the older wording differs.
func TestConformanceOfA241(t *testing.T) {
	base, _ := start(t, "2.41")
	conform.Replay(t, conform.Target{Base: base}, nil, filepath.Join("..", "..", "testdata", "transcripts", "2.41", "datastore.json"))
}
