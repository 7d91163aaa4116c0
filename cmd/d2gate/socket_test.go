package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheAdminSocketIsForTheOperatorAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := listenSocket(path)
	require.NoError(t, err)
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.NoError(t, l.Close())
	require.NoFileExists(t, path)
}

func TestAStaleSocketIsReplacedAndALiveOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	dead.SetUnlinkOnClose(false)
	require.NoError(t, dead.Close())
	l, err := listenSocket(path)
	require.NoError(t, err)
	_, err = listenSocket(path)
	require.ErrorIs(t, err, errRunning)
	require.NoError(t, l.Close())
}

func TestWhatIsNoSocketStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err := listenSocket(path)
	require.ErrorContains(t, err, "is no socket")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
}

func TestASocketMayHaveALongPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("d", 120), "admin.sock")
	l, err := listenSocket(path)
	require.NoError(t, err)
	server := &http.Server{Handler: adminHandler(func(*http.Request) (string, error) { return "hello", nil })}
	go server.Serve(l)
	server2, err := reach(path)
	require.NoError(t, err)
	var got string
	require.NoError(t, server2.call(t.Context(), "GET", "/x", nil, &got))
	require.Equal(t, "hello", got)
	require.NoError(t, server.Close())
	_, err = reach(path)
	require.ErrorIs(t, err, errNoServer)
}
