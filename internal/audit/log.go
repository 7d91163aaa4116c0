package audit

import (
	"context"
	"errors"
	"hash/fnv"
)

// Sink is a place where events go. Implementations are safe for concurrent use.
type Sink interface {
	// Record returns when e is written, or an error if it is not.
	Record(ctx context.Context, e *Event) error
	// Take takes a place for one later Put or Free. It does not block.
	Take() error
	Put(e *Event)
	Free()
	// Failing returns why the last write failed, nil if it did not.
	Failing() error
	Close() error
}

// LogConfig says where events go.
type LogConfig struct {
	Sinks []Sink // required; an event must reach all of them
	// Allowed is the share of allowed requests that is written, 0 to 1. Which ones
	// is decided by the request id. Refusals are always written.
	Allowed float64
	// Observe hears of every event, written or not, and of the error of its
	// recording. It must not keep e. nil means nobody does.
	Observe func(e *Event, err error)
}

// Log is a Recorder over all sinks. It allocates nothing for a request.
type Log struct{ cfg LogConfig }

// NewLog joins sinks.
func NewLog(cfg LogConfig) (*Log, error) {
	if len(cfg.Sinks) == 0 {
		return nil, errors.New("audit: NewLog: Sinks is required")
	}
	if cfg.Observe == nil {
		cfg.Observe = func(*Event, error) {}
	}
	return &Log{cfg}, nil
}

// Record writes e to every sink and returns when all are done.
func (l *Log) Record(ctx context.Context, e *Event) error {
	var err error
	if !l.omit(e) {
		for _, s := range l.cfg.Sinks {
			err = errors.Join(err, s.Record(ctx, e))
		}
	}
	l.cfg.Observe(e, err)
	return err
}

// Reserve takes a place in every sink, or none.
func (l *Log) Reserve() (Slot, error) {
	for i, s := range l.cfg.Sinks {
		if err := s.Take(); err != nil {
			for _, taken := range l.cfg.Sinks[:i] {
				taken.Free()
			}
			return nil, err
		}
	}
	return (*places)(l), nil
}

// places is one place in each sink; which one does not matter.
type places Log

// Commit hands e in everywhere, or gives the places back if it is omitted.
func (p *places) Commit(e *Event) {
	omit := (*Log)(p).omit(e)
	for _, s := range p.cfg.Sinks {
		if omit {
			s.Free()
		} else {
			s.Put(e)
		}
	}
	p.cfg.Observe(e, nil)
}

// Release gives all places back.
func (p *places) Release() {
	for _, s := range p.cfg.Sinks {
		s.Free()
	}
}

// omit reports whether e is one of the allowed requests that are not written.
func (l *Log) omit(e *Event) bool {
	if l.cfg.Allowed >= 1 || e.Decision != "allow" {
		return false
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(e.RequestID)) // never fails
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd // the finalizer of MurmurHash3: ids that differ in their end alone are spread too
	x ^= x >> 33
	return float64(x>>11)/(1<<53) >= l.cfg.Allowed
}

// Failing returns the errors of all sinks whose last write failed.
func (l *Log) Failing() error {
	var err error
	for _, s := range l.cfg.Sinks {
		err = errors.Join(err, s.Failing())
	}
	return err
}

// Close writes what waits and closes all sinks.
func (l *Log) Close() error {
	var err error
	for _, s := range l.cfg.Sinks {
		err = errors.Join(err, s.Close())
	}
	return err
}
