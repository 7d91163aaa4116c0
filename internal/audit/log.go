package audit

import (
	"context"
	"errors"
	"hash/fnv"
)

// Sink is a place where events go: a Recorder that can be closed.
type Sink interface {
	Recorder
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
}

// Log is a Recorder over all sinks.
type Log struct{ cfg LogConfig }

// NewLog joins sinks.
func NewLog(cfg LogConfig) (*Log, error) {
	if len(cfg.Sinks) == 0 {
		return nil, errors.New("audit: NewLog: Sinks is required")
	}
	return &Log{cfg}, nil
}

// Record writes e to every sink and returns when all are done.
func (l *Log) Record(ctx context.Context, e *Event) error {
	if l.omit(e) {
		return nil
	}
	var errs []error
	for _, s := range l.cfg.Sinks {
		if err := s.Record(ctx, e); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Reserve takes a place in every sink, or none. With one sink that writes all it
// allocates nothing.
func (l *Log) Reserve() (Slot, error) {
	if len(l.cfg.Sinks) == 1 {
		slot, err := l.cfg.Sinks[0].Reserve()
		if err != nil || l.cfg.Allowed >= 1 {
			return slot, err
		}
		return &places{log: l, slots: []Slot{slot}}, nil
	}
	p := &places{log: l, slots: make([]Slot, 0, len(l.cfg.Sinks))}
	for _, s := range l.cfg.Sinks {
		slot, err := s.Reserve()
		if err != nil {
			p.Release()
			return nil, err
		}
		p.slots = append(p.slots, slot)
	}
	return p, nil
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
	var errs []error
	for _, s := range l.cfg.Sinks {
		errs = append(errs, s.Failing())
	}
	return errors.Join(errs...)
}

// Close writes what waits and closes all sinks.
func (l *Log) Close() error {
	var errs []error
	for _, s := range l.cfg.Sinks {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// places is one place in each sink.
type places struct {
	log   *Log
	slots []Slot
}

// Commit writes e, or gives the places back if it is omitted.
func (p *places) Commit(e *Event) {
	if p.log.omit(e) {
		p.Release()
		return
	}
	for _, s := range p.slots {
		s.Commit(e)
	}
}

// Release gives all places back.
func (p *places) Release() {
	for _, s := range p.slots {
		s.Release()
	}
}
