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
