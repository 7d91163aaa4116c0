package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/store"
)

func TestAnEndedSessionIsNotBroughtBackByAnUpdate(t *testing.T) {
	s, err := store.Open(t.Context(), "sqlite", filepath.Join(t.TempDir(), "d2gate.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	v, end := s.Sessions(), time.Now().Add(time.Hour)

	ok, err := v.UpdateCtx(t.Context(), "hash", []byte("data"), end)
	require.NoError(t, err)
	require.False(t, ok, "nothing to update")

	require.NoError(t, v.CommitCtx(t.Context(), "hash", []byte("data"), end))
	ok, err = v.UpdateCtx(t.Context(), "hash", []byte("more"), end)
	require.NoError(t, err)
	require.True(t, ok)
	data, found, err := v.FindCtx(t.Context(), "hash")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "more", string(data))

	require.NoError(t, v.DeleteCtx(t.Context(), "hash"))
	ok, err = v.UpdateCtx(t.Context(), "hash", []byte("data"), end)
	require.NoError(t, err)
	require.False(t, ok)
	_, found, err = v.FindCtx(t.Context(), "hash")
	require.NoError(t, err)
	require.False(t, found)
}

func TestSignInsUnderWayAreBoundedByKindAndGoAtTheirEnd(t *testing.T) {
	s, err := store.Open(t.Context(), "sqlite", filepath.Join(t.TempDir(), "d2gate.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	v, later, over := s.Sessions(), time.Now().Add(time.Hour), time.Now().Add(-time.Second)
	begin := func(kind, hash string, end time.Time) bool {
		t.Helper()
		ok, err := v.BeginCtx(t.Context(), kind, hash, []byte("data"), end, 2)
		require.NoError(t, err)
		return ok
	}
	require.NoError(t, v.CommitCtx(t.Context(), "session", []byte("data"), later))
	require.True(t, begin("oidc", "a", later))
	for _, hash := range []string{"b", "c", "d"} {
		require.True(t, begin("oidc", hash, over), "what is over takes no room")
	}
	require.True(t, begin("oidc", "e", later))
	require.False(t, begin("oidc", "f", later))
	_, found, err := v.FindCtx(t.Context(), "f")
	require.NoError(t, err)
	require.False(t, found)
	require.True(t, begin("code", "g", later), "kinds do not count for each other")
	rows, err := s.OAuth2().Purge(t.Context(), time.Now().Add(24*time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 4, rows, "the session, two visits and a code: those that were over had gone")
}
