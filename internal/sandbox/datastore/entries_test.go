package datastore_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox/datastore"
	"github.com/d2gate/d2gate/internal/store"
)

var superuser = datastore.Actor{UID: "M5zQapPyTZI", Authorities: []string{"ALL"}}

func openStore(t testing.TB) *datastore.Service {
	t.Helper()
	db, err := store.OpenSQLite(filepath.Join(t.TempDir(), "sandbox.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := datastore.Open(t.Context(), datastore.Config{DB: db, Minor: 44, Now: time.Now, Rand: rand.Reader})
	require.NoError(t, err)
	return s
}

func fill(t testing.TB, s *datastore.Service, ns string, n int, value func(i int) string) {
	t.Helper()
	for i := range n {
		_, err := s.Create(t.Context(), superuser, ns, fmt.Sprintf("k%05d", i), value(i), false)
		require.NoError(t, err)
	}
}

// counter measures the memory in use while an answer is written.
type counter struct {
	n    int
	peak uint64
}

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	c.peak = max(c.peak, m.HeapAlloc)
	return len(b), nil
}

func TestANamespaceIsStreamedInBoundedMemory(t *testing.T) {
	s := openStore(t)
	fill(t, s, "big", 400, func(int) string { return `"` + strings.Repeat("x", 100_000) + `"` })
	q := datastore.NewQuery()
	var err error
	q.Fields, err = datastore.ParseFields(".")
	require.NoError(t, err)
	q.Paging = false
	w := &counter{}
	require.NoError(t, s.Entries(t.Context(), superuser, "big", q, w))
	require.Greater(t, w.n, 400*100_000)
	require.Less(t, w.peak, uint64(32<<20), "40 MB leave through less than 32 MB of heap")
}

func BenchmarkEntriesFiltered(b *testing.B) {
	s := openStore(b)
	fill(b, s, "ns", 500, func(i int) string { return fmt.Sprintf(`{"name": "entry %d", "n": %d, "tags": ["a", "b"]}`, i, i) })
	q := datastore.NewQuery()
	var err error
	q.Fields, err = datastore.ParseFields("name,n")
	require.NoError(b, err)
	q.Filters, err = datastore.ParseFilters([]string{"n:gt:250", "name:like:entry"})
	require.NoError(b, err)
	q.Order, err = datastore.ParseOrder("n:ndesc")
	require.NoError(b, err)
	for b.Loop() {
		require.NoError(b, s.Entries(b.Context(), superuser, "ns", q, io.Discard))
	}
}
