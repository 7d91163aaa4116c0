//go:build unix

package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// InUseError says that another process has the database file open.
type InUseError struct {
	Path    string
	PID     int    // 0 if unknown
	Command string // "" if unknown
}

// Error names the file and the process.
func (e *InUseError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	if e.Command != "" {
		who += " (" + e.Command + ")"
	}
	return fmt.Sprintf("%s is in use by %s; one process owns the file", e.Path, who)
}

// lockFile takes the lock of the database at path: a file beside it, since closing
// a descriptor of the database itself would drop SQLite's own locks. The lock ends
// with the returned file or with the process, however that ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = holder(path, f)
		}
		return nil, errors.Join(err, f.Close())
	}
	note := fmt.Sprintf("%d %s\n", os.Getpid(), filepath.Base(os.Args[0]))
	if err := errors.Join(f.Truncate(0), writeAt(f, note)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func holder(path string, f *os.File) error {
	text, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return err
	}
	pid, command, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	n, err := strconv.Atoi(pid)
	if err != nil {
		n, command = 0, "" // the other process has not written its name yet
	}
	return &InUseError{Path: path, PID: n, Command: command}
}
