package audit

import (
	"context"
	"errors"
	"fmt"
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

// pen writes what a queue hands it. Only the queue's goroutine uses it.
type pen interface {
	// write writes both groups of lines, all or nothing. Without a line it finds out
	// whether writing works.
	write(commits, records []byte) error
	close() error
}

// queue promises places and gathers lines; one goroutine hands all that wait to the
// pen at once (group commit).
//
// After a write that failed it refuses new places at once. It keeps the lines that
// were promised, tries again by itself, and goes on when one attempt succeeds.
type queue struct {
	places  int           // lines that may be promised or waiting
	retry   time.Duration // pause between attempts while writing fails
	trouble func(error)   // hears the first error of a run of failures, nil when it is over
	pen     pen

	wake  chan struct{} // capacity 1
	quit  chan struct{}
	ended chan struct{}
	spare [2][]byte // commits and records of the batch before; of the goroutine alone

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

// start fills in what was left out and begins to write; failing is why the first
// write would fail.
func (q *queue) start(pen pen, failing error) {
	if q.places <= 0 {
		q.places = 16384
	}
	if q.retry <= 0 {
		q.retry = 250 * time.Millisecond
	}
	if q.trouble == nil {
		q.trouble = func(error) {}
	}
	q.pen, q.failing = pen, failing
	q.wake, q.quit, q.ended = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	if failing != nil {
		q.trouble(failing)
	}
	go q.run()
}

// Record returns when e is written, or an error if it is not. When ctx ends
// earlier its error is returned, and the line may still be written.
func (q *queue) Record(ctx context.Context, e *Event) error {
	q.mu.Lock()
	if err := q.takes(); err != nil && !errors.Is(err, ErrFailing) {
		q.mu.Unlock()
		return err
	}
	if q.waiting == nil {
		q.waiting = &batch{done: make(chan struct{})}
	}
	b := q.waiting
	q.records = AppendLine(q.records, e)
	q.held++
	q.mu.Unlock()
	q.poke()
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reserve is Take for one that writes to this sink alone.
func (q *queue) Reserve() (Slot, error) {
	if err := q.Take(); err != nil {
		return nil, err
	}
	return (*place)(q), nil
}

// Take takes a place; ErrFull, ErrFailing or ErrClosed at once if there is none.
// It allocates nothing.
func (q *queue) Take() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.takes(); err != nil {
		return err
	}
	q.reserved++
	return nil
}

// Put hands in the line of a place that was taken.
func (q *queue) Put(e *Event) {
	q.mu.Lock()
	q.reserved--
	q.held++
	q.commits = AppendLine(q.commits, e)
	q.mu.Unlock()
	q.poke()
}

// Free gives a place back without a line.
func (q *queue) Free() {
	q.mu.Lock()
	q.reserved--
	q.mu.Unlock()
}

// takes says why no more lines are taken, nil if they are. q.mu is held.
func (q *queue) takes() error {
	switch {
	case q.closed:
		return ErrClosed
	case q.reserved+q.held >= q.places:
		return ErrFull
	case q.failing != nil:
		return fmt.Errorf("%w: %w", ErrFailing, q.failing)
	}
	return nil
}

// Failing returns why the last write failed, nil if it did not.
func (q *queue) Failing() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failing
}

// place is the queue itself: which place a line takes does not matter.
type place queue

// Commit hands in the promised line.
func (p *place) Commit(e *Event) { (*queue)(p).Put(e) }

// Release gives the place back without a line.
func (p *place) Release() { (*queue)(p).Free() }

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Close writes what waits, once more if writing failed, and stops the writer. It
// returns the error of the last write. Places that are committed later are lost,
// so close it after the last request is done.
func (q *queue) Close() error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	q.mu.Unlock()
	close(q.quit)
	<-q.ended
	return errors.Join(q.Failing(), q.pen.close())
}
