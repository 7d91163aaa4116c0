package store

import (
	"context"
	"time"
)

// FollowConfig says what to do with what the change log tells.
type FollowConfig struct {
	// Every is how often the log is read without a wake-up; 0 means 1 s, which is
	// the bound within which a replica hears of a change.
	Every time.Duration
	Apply func(Change) // required; called in the order of commit, some twice
	// Clear is called when changes were missed: at the start and after a gap. All
	// that was cached before must go. Required.
	Clear func()
	// Confirmed is called after each reading with the instant before it: all changes
	// that were committed by then have been applied. Nil means nobody asks.
	Confirmed func(time.Time)
	Now       func() time.Time // nil means time.Now
}

// Follow reads the change log until ctx is done. While the database does not
// answer it keeps trying, and confirms nothing.
func (s *Store) Follow(ctx context.Context, cfg FollowConfig) {
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	f := follower{store: s, cfg: cfg, seen: -1}
	tick := time.NewTicker(cfg.Every)
	defer tick.Stop()
	for {
		f.read(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.wake:
		}
	}
}

type follower struct {
	store  *Store
	cfg    FollowConfig
	seen   int64 // number of the last change applied, -1 before the start
	pruned time.Time
}

// read applies what is new. An error of the database is left for the next time:
// what is not confirmed grows stale by itself.
func (f *follower) read(ctx context.Context) {
	began := f.cfg.Now()
	last, err := f.store.LastChange(ctx)
	if err != nil {
		return
	}
	if f.seen < 0 {
		f.missed(last)
	} else {
		changes, err := f.store.Changes(ctx, f.seen)
		if err != nil {
			return
		}
		if len(changes) == 0 && last > f.seen { // they were pruned while we did not read
			f.missed(last)
		}
		f.apply(changes)
	}
	if f.cfg.Confirmed != nil {
		f.cfg.Confirmed(began)
	}
	if began.Sub(f.pruned) >= time.Hour && f.store.PruneChanges(ctx) == nil {
		f.pruned = began
	}
}

// missed starts anew at a change.
func (f *follower) missed(last int64) {
	f.cfg.Clear()
	f.seen = last
}

func (f *follower) apply(changes []Change) {
	if len(changes) > 0 && changes[0].Seq != f.seen+1 {
		f.cfg.Clear()
	}
	for _, c := range changes {
		f.cfg.Apply(c)
		f.seen = c.Seq
	}
}
