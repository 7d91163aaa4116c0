package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// errRunning says that somebody answers on the socket already.
var errRunning = errors.New("another d2gate is running")

// maxSocketPath is what sockaddr_un holds on Linux, with its NUL.
const maxSocketPath = 107

// listenSocket opens the admin socket at path with mode 0600. It is made in a
// folder that only we can enter and moved into place, so that nobody can open it
// before its mode is set. A socket that nobody answers on is replaced; anything
// else at path stays and is an error.
func listenSocket(path string) (net.Listener, error) {
	if err := clearSocket(path); err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	private, err := os.MkdirTemp(dir, ".sock")
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	defer os.RemoveAll(private)
	made := filepath.Join(private, "s")
	var l *net.UnixListener
	err = withShortPath(made, func(short string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("admin socket: %w", err), l.Close())
	}
	return &socketListener{l, path}, nil
}

// socketListener removes its file when it is closed.
type socketListener struct {
	net.Listener
	path string
}

func (l *socketListener) Close() error {
	err := l.Listener.Close()
	if e := os.Remove(l.path); e != nil && !errors.Is(e, os.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}

// clearSocket makes room at path: errRunning if somebody answers there.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("admin socket: %w", err)
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("admin socket: %s is there and is no socket", path)
	}
	if conn, err := dialSocket(path); err == nil {
		return errors.Join(fmt.Errorf("admin socket %s: %w", path, errRunning), conn.Close())
	}
	return os.Remove(path)
}

func dialSocket(path string) (conn net.Conn, err error) {
	err = withShortPath(path, func(short string) (err error) {
		conn, err = net.DialTimeout("unix", short, 3*time.Second)
		return err
	})
	return conn, err
}

// withShortPath calls f with a name of path that fits into a socket address, by
// way of an open folder when the path itself is too long.
func withShortPath(path string, f func(short string) error) error {
	if len(path) <= maxSocketPath {
		return f(path)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return f(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)))
}
