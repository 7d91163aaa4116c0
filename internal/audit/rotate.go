package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// rotatedLayout is appended to the name of a full file; it sorts by time.
const rotatedLayout = "20060102T150405.000000000Z"

// rotate begins a new file. If that cannot be done the old one is written on:
// a file that is too long is better than no record.
func (w *writer) rotate() error {
	full := w.cfg.Path + "." + w.cfg.Now().UTC().Format(rotatedLayout)
	if _, err := os.Lstat(full); err == nil {
		return nil // the clock stands still; the next batch tries again
	}
	if err := os.Rename(w.cfg.Path, full); err != nil {
		w.cfg.Trouble(fmt.Errorf("audit: rotate: %w", err))
		return nil
	}
	head := w.head
	if err := w.close(); err != nil {
		w.cfg.Trouble(fmt.Errorf("audit: close %s: %w", full, err))
	}
	if err := w.open(); err != nil {
		return err
	}
	w.head = head
	w.prune()
	return nil
}

// prune removes rotated files that are too many or too old.
func (w *writer) prune() {
	files, err := Rotated(w.cfg.Path)
	for len(files) > 0 && err == nil && w.tooMuch(files) {
		err = os.Remove(files[0])
		files = files[1:]
	}
	if err != nil {
		w.cfg.Trouble(fmt.Errorf("audit: remove old files: %w", err))
	}
}

// tooMuch reports whether the oldest of files has to go.
func (w *writer) tooMuch(files []string) bool {
	if w.cfg.Keep > 0 && len(files) > w.cfg.Keep {
		return true
	}
	oldest := files[0]
	at, err := time.Parse(rotatedLayout, oldest[len(oldest)-len(rotatedLayout):])
	return err == nil && w.cfg.MaxAge > 0 && w.cfg.Now().Sub(at) > w.cfg.MaxAge
}

// Rotated lists the rotated files of path, the oldest first.
func Rotated(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		stamp, ok := strings.CutPrefix(e.Name(), filepath.Base(path)+".")
		if ok && len(stamp) == len(rotatedLayout) && stamp[8] == 'T' {
			files = append(files, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	slices.Sort(files)
	return files, nil
}
