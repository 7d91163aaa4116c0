package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/store"
)

func TestARestoredStoreBelongsToWhomTheOldOneDid(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "d2gate.db"), filepath.Join(dir, "copy.db")
	s, err := store.Open(t.Context(), "sqlite", path)
	require.NoError(t, err)
	require.NoError(t, s.Backup(t.Context(), copied))
	require.NoError(t, s.Close())
	owner := os.Geteuid()
	if owner == 0 { // as when an administrator restores the store of the service
		owner = 12345
		require.NoError(t, os.Chown(path, owner, owner))
	}
	require.NoError(t, restore(t.Context(), copied, path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, owner, info.Sys().(*syscall.Stat_t).Uid)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
