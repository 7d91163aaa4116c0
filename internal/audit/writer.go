package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// writer owns the open file. Only the writing goroutine uses it.
type writer struct {
	cfg     FileConfig
	file    *os.File
	regular bool  // false for a device or a pipe: not cut, not rotated
	size    int64 // bytes of whole lines
	checked time.Time
	head    link // chain: hash of the last line
	torn    bool // a failed write may have left a piece of a line behind size
	out     []byte
}

var _ pen = (*writer)(nil)

// open opens the file for appending and cuts a torn last line off. The piece was
// never acknowledged: Record returns after the whole line is written.
func (w *writer) open() error {
	file, err := os.OpenFile(w.cfg.Path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	w.file, w.size, w.torn = file, 0, false
	info, err := file.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("audit: %w", err), file.Close())
	}
	w.regular = info.Mode().IsRegular()
	if !w.regular {
		return nil
	}
	last, end, err := lastLine(file, info.Size())
	if err == nil && end < info.Size() {
		err = file.Truncate(end)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("audit: repair %s: %w", w.cfg.Path, err), file.Close())
	}
	w.size = end
	if w.cfg.Chain {
		w.head = w.findHead(last)
	}
	return nil
}

// findHead continues the chain of this file, or of the newest rotated one.
func (w *writer) findHead(last []byte) link {
	if h, ok := linkOf(last); ok {
		return h
	}
	rotated, err := Rotated(w.cfg.Path)
	if err != nil || len(rotated) == 0 || len(last) > 0 {
		return link{}
	}
	file, err := os.Open(rotated[len(rotated)-1])
	if err != nil {
		return link{}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return link{}
	}
	last, _, err = lastLine(file, info.Size())
	if err != nil {
		return link{}
	}
	h, _ := linkOf(last)
	return h
}

// lastLine returns the last whole line of a file of the given size, and the
// offset after it.
func lastLine(file io.ReaderAt, size int64) (line []byte, end int64, err error) {
	const step = 64 << 10
	var tail []byte
	for start := size; ; {
		if i := bytes.LastIndexByte(tail, '\n'); i >= 0 {
			from := bytes.LastIndexByte(tail[:i], '\n')
			if from >= 0 || start == 0 {
				return tail[from+1 : i+1], start + int64(i) + 1, nil
			}
		}
		if start == 0 {
			return nil, 0, nil
		}
		n := min(step, start)
		start -= n
		piece := make([]byte, n, int(n)+len(tail))
		if _, err := file.ReadAt(piece, start); err != nil {
			return nil, 0, err
		}
		tail = append(piece, tail...)
	}
}

// write appends both groups of lines with one call, all or nothing.
func (w *writer) write(commits, records []byte) error {
	if err := w.ready(); err != nil {
		return err
	}
	if len(commits)+len(records) == 0 {
		return w.probe()
	}
	out, head := w.lay(commits, records)
	if w.cfg.Rotate > 0 && w.regular && w.size > 0 && w.size+int64(len(out)) > w.cfg.Rotate {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	n, err := w.file.Write(out)
	if err != nil {
		w.torn = w.torn || n > 0
		w.cut()
		return fmt.Errorf("audit: %w", err)
	}
	w.size += int64(n)
	w.head = head
	return nil
}

// lay puts the lines one behind the other, chained where that is configured.
func (w *writer) lay(commits, records []byte) ([]byte, link) {
	w.out = w.out[:0]
	head := w.head
	for _, lines := range [2][]byte{commits, records} {
		if !w.cfg.Chain {
			w.out = append(w.out, lines...)
			continue
		}
		for line := range bytes.Lines(lines) {
			w.out, head = appendChained(w.out, line, head)
		}
	}
	return w.out, head
}

// ready makes sure that the file is there and ends with a whole line.
func (w *writer) ready() error {
	if w.file == nil {
		return w.open()
	}
	if w.torn && !w.cut() {
		return errors.New("audit: a torn line cannot be cut off")
	}
	now := w.cfg.Now()
	if !w.regular || now.Sub(w.checked).Abs() < time.Second {
		return nil
	}
	w.checked = now
	return w.reopenIfGone()
}

// reopenIfGone begins a new file when somebody has moved or removed ours; lines
// written to a file without a name would be lost.
func (w *writer) reopenIfGone() error {
	ours, err := w.file.Stat()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	named, err := os.Stat(w.cfg.Path)
	if err == nil && os.SameFile(ours, named) {
		return nil
	}
	head := w.head
	_ = w.close() // the new file is what counts now
	if err := w.open(); err != nil {
		return err
	}
	if w.size == 0 {
		w.head = head
	}
	return nil
}

// cut removes what a failed write left behind the last whole line.
func (w *writer) cut() bool {
	if w.torn && w.regular {
		w.torn = w.file.Truncate(w.size) != nil
	}
	return !w.torn || !w.regular
}

// probe finds out whether the file takes bytes, and leaves it as it was.
func (w *writer) probe() error {
	if !w.regular {
		if _, err := w.file.Write(nil); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		return nil
	}
	w.torn = true
	_, err := w.file.Write([]byte{'\n'})
	if cut := w.cut(); err == nil && !cut {
		err = errors.New("a probe cannot be cut off")
	}
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

func (w *writer) close() error {
	if w.file == nil {
		return nil
	}
	file := w.file
	w.file = nil
	if !w.regular {
		return file.Close()
	}
	return errors.Join(file.Sync(), file.Close())
}
