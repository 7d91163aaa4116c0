package store_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/store"
)

func TestTheMarkOfDemoModeSurvivesABackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := store.Open(t.Context(), "sqlite", path)
	require.NoError(t, err)
	demo, err := s.IsDemo(t.Context())
	require.NoError(t, err)
	require.False(t, demo)
	require.NoError(t, s.MarkDemo(t.Context()))
	require.NoError(t, s.Backup(t.Context(), path+".copy"))
	require.NoError(t, s.Close())
	for _, p := range []string{path, path + ".copy"} {
		s, err = store.Open(t.Context(), "sqlite", p)
		require.NoError(t, err)
		demo, err = s.IsDemo(t.Context())
		require.NoError(t, err)
		require.True(t, demo, p)
		require.NoError(t, s.Close())
	}
}
