package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The errors of a sink. Both mean that nothing more can be promised now; the
// request is then refused with audit_unavailable.
var (
	ErrFull    = errors.New("audit: the buffer is full")
	ErrFailing = errors.New("audit: the last write failed")
	ErrClosed  = errors.New("audit: the sink is closed")
)

// FileConfig says how a file sink writes. The zero value of all but Path works.
type FileConfig struct {
	Path   string           // required; made with mode 0600
	Places int              // lines that may be promised or waiting; 0 means 16384
	Rotate int64            // bytes after which a new file is begun; 0 means never
	Keep   int              // rotated files that are kept; 0 means all
	MaxAge time.Duration    // age at which a rotated file is removed; 0 means never
	Chain  bool             // every line carries the hash of the one before it, see chain.go
	Retry  time.Duration    // pause between attempts while writing fails; 0 means 250 ms
	Now    func() time.Time // nil means time.Now; names rotated files
	// Trouble hears the first error of a run of failures, nil when it is over, and
	// of files that could not be rotated or removed. nil means nobody listens.
	Trouble func(error)
}

// File writes events to one file, a JSON object a line. One goroutine writes, and
// takes with one write(2) all lines that wait (group commit). A line counts as
// written when write(2) has returned: it is then safe from the death of the
// process. It is safe from a power cut when the kernel has flushed it, usually
// within 30 s; the file is synced when it is rotated and closed.
//
// A sink whose write failed refuses new places at once. It keeps the lines that
// were promised, tries again by itself, and goes on when one attempt succeeds.
type File struct {
	cfg   FileConfig
	wake  chan struct{} // capacity 1
	quit  chan struct{}
	ended chan struct{}
	out   writer // of the writing goroutine alone

	mu       sync.Mutex
	closed   bool
	failing  error
	reserved int    // places promised, not yet committed
	held     int    // lines in commits and records
	commits  []byte // promised lines: kept until they are written
	records  []byte // lines somebody waits for: dropped when writing fails
	waiting  *batch // of records
}

// batch is the lines that one write takes together.
type batch struct {
	done chan struct{}
	err  error
}

// OpenFile opens or makes the file, cuts off a last line that a crash left
// unfinished, and starts the writer. Close stops it.
func OpenFile(cfg FileConfig) (*File, error) {
	if cfg.Path == "" {
		return nil, errors.New("audit: OpenFile: Path is required")
	}
	if cfg.Places <= 0 {
		cfg.Places = 16384
	}
	if cfg.Retry <= 0 {
		cfg.Retry = 250 * time.Millisecond
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Trouble == nil {
		cfg.Trouble = func(error) {}
	}
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	f := &File{cfg: cfg, wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
	f.out = writer{cfg: cfg}
	if err := f.out.open(); err != nil {
		return nil, err
	}
	if err := f.out.probe(); err != nil {
		f.failing = err
		cfg.Trouble(err)
	}
	go f.run()
	return f, nil
}

// Record returns when e is written, or an error if it is not. When ctx ends
// earlier its error is returned, and the line may still be written.
func (f *File) Record(ctx context.Context, e *Event) error {
	f.mu.Lock()
	if err := f.takes(); err != nil && !errors.Is(err, ErrFailing) {
		f.mu.Unlock()
		return err
	}
	if f.waiting == nil {
		f.waiting = &batch{done: make(chan struct{})}
	}
	b := f.waiting
	f.records = AppendLine(f.records, e)
	f.held++
	f.mu.Unlock()
	f.poke()
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reserve is Take for one that writes to this sink alone.
func (f *File) Reserve() (Slot, error) {
	if err := f.Take(); err != nil {
		return nil, err
	}
	return (*place)(f), nil
}

// Take takes a place; ErrFull, ErrFailing or ErrClosed at once if there is none.
// It allocates nothing.
func (f *File) Take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.takes(); err != nil {
		return err
	}
	f.reserved++
	return nil
}

// Put hands in the line of a place that was taken.
func (f *File) Put(e *Event) {
	f.mu.Lock()
	f.reserved--
	f.held++
	f.commits = AppendLine(f.commits, e)
	f.mu.Unlock()
	f.poke()
}

// Free gives a place back without a line.
func (f *File) Free() {
	f.mu.Lock()
	f.reserved--
	f.mu.Unlock()
}

// takes says why no more lines are taken, nil if they are. f.mu is held.
func (f *File) takes() error {
	switch {
	case f.closed:
		return ErrClosed
	case f.reserved+f.held >= f.cfg.Places:
		return ErrFull
	case f.failing != nil:
		return fmt.Errorf("%w: %w", ErrFailing, f.failing)
	}
	return nil
}

// Failing returns why the last write failed, nil if it did not.
func (f *File) Failing() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failing
}

// Path is the file's name.
func (f *File) Path() string { return f.cfg.Path }

// place is the sink itself: which place a line takes does not matter.
type place File

// Commit hands in the promised line.
func (p *place) Commit(e *Event) { (*File)(p).Put(e) }

// Release gives the place back without a line.
func (p *place) Release() { (*File)(p).Free() }

func (f *File) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Close writes what waits, once more if writing failed, and stops the writer. It
// returns the error of the last write. Places that are committed later are lost,
// so close it after the last request is done.
func (f *File) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	f.mu.Unlock()
	close(f.quit)
	<-f.ended
	return errors.Join(f.Failing(), f.out.close())
}
