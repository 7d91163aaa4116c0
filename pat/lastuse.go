package pat

import (
	"context"
	"sync"
	"time"
)

// lastFlush bounds the writing at the end of run.
const lastFlush = 5 * time.Second

// lastUse gathers uses of tokens, so that no request waits for a write.
type lastUse struct {
	store Store
	every time.Duration
	limit int

	mu      sync.Mutex
	pending map[string]Use // by uid, the newest
	dropped int64
}

func newLastUse(cfg VerifierConfig) *lastUse {
	return &lastUse{
		store:   cfg.Store,
		every:   orDefault(cfg.FlushEvery, 10*time.Second),
		limit:   orDefault(cfg.MaxPending, 100_000),
		pending: map[string]Use{},
	}
}

func (u *lastUse) observe(uid string, at time.Time, from string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if old, ok := u.pending[uid]; ok {
		if at.After(old.At) {
			u.pending[uid] = Use{uid, at, from}
		}
		return
	}
	if len(u.pending) >= u.limit {
		u.dropped++
		return
	}
	u.pending[uid] = Use{uid, at, from}
}

func (u *lastUse) run(ctx context.Context) {
	tick := time.NewTicker(u.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
			defer cancel()
			u.flush(last)
			return
		}
	}
}

// flush writes what is pending. What the store did not take waits for the next
// time, behind what has come in since.
func (u *lastUse) flush(ctx context.Context) {
	u.mu.Lock()
	batch := u.pending
	u.pending = make(map[string]Use, len(batch))
	u.mu.Unlock()
	uses := make([]Use, 0, len(batch))
	for _, use := range batch {
		uses = append(uses, use)
	}
	if u.store.TouchTokens(ctx, uses) == nil {
		return
	}
	for _, use := range uses {
		u.observe(use.UID, use.At, use.From)
	}
}

func (u *lastUse) droppedUses() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.dropped
}
