package pat

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
	"golang.org/x/sync/singleflight"
)

// VerifierConfig: the zero value of every optional field is a working default.
type VerifierConfig struct {
	Store Store // required

	Entries         int           // records kept; 0 means 100,000
	NegativeEntries int           // unknown hashes kept, apart from the records; 0 means 10,000
	TTL             time.Duration // how long a record is kept at most; 0 means 60 s
	// MaxStaleness is for how long a record is good without asking the store again,
	// or hearing through Confirmed that nothing has changed (store.max_staleness).
	// When it is over and the store does not answer, tokens are refused. 0 means 5 s.
	MaxStaleness time.Duration
	// LookupTimeout is how long one question to the store may take; 0 means 5 s.
	LookupTimeout time.Duration

	FlushEvery time.Duration // how often Run writes last uses; 0 means 10 s
	MaxPending int           // last uses kept between two writes; 0 means 100,000

	Now func() time.Time // nil means time.Now
}

// Verifier answers who a token is. It looks at form, checksum and the record, and
// leaves expiry and the other constraints, which depend on the request, to its
// caller. It is safe for concurrent use.
//
// A cached record is never the verdict: constraints are evaluated on every request,
// cached or not. Forget makes a change seen by the next request; a look-up that was
// under way at the time is neither kept nor shared with requests that come later.
type Verifier struct {
	cfg   VerifierConfig
	stats counters
	uses  *lastUse

	flight    singleflight.Group
	confirmed atomic.Int64  // unix nanoseconds of Confirmed, 0 before
	changes   atomic.Uint64 // counts calls of Forget and ForgetAll

	mu    sync.Mutex // guards the order of Forget and insert
	cache *records
}

// NewVerifier makes a verifier with an empty cache.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	if cfg.Store == nil {
		return nil, errors.New("pat: NewVerifier: Store is required")
	}
	cfg.Entries = orDefault(cfg.Entries, 100_000)
	cfg.NegativeEntries = orDefault(cfg.NegativeEntries, 10_000)
	cfg.TTL = orDefault(cfg.TTL, time.Minute)
	cfg.MaxStaleness = orDefault(cfg.MaxStaleness, 5*time.Second)
	cfg.LookupTimeout = orDefault(cfg.LookupTimeout, 5*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cache, err := newRecords(cfg.Entries, cfg.NegativeEntries)
	if err != nil {
		return nil, err
	}
	return &Verifier{cfg: cfg, cache: cache, uses: newLastUse(cfg)}, nil
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Verify returns the record of a token's text. The record is shared: read it only.
// Faults: TokenChecksum for anything that is no token (nothing is looked up),
// TokenUnknown for one that was never issued, revoked, or rotated out for longer
// than the overlap, and StoreUnavailable. An expired record is returned as it is.
func (v *Verifier) Verify(ctx context.Context, text string) (*Record, error) {
	tok, err := Parse(text)
	if err != nil {
		v.stats.garbage.Add(1)
		// DHIS2 has one message for a wrong prefix, length and sum (2.44
		// ApiKeyTokenGenerator.java).
		return nil, fault.New(fault.TokenChecksum, "").WithScheme(fault.ApiToken)
	}
	v.stats.lookups.Add(1)
	now := v.cfg.Now()
	sum := tok.sum()
	e, ok := v.cached(sum, now)
	if !ok {
		if e, err = v.ask(ctx, sum); err != nil {
			return nil, err
		}
	}
	if !e.liveAt(now) {
		return nil, fault.New(fault.TokenUnknown, "").WithScheme(fault.ApiToken)
	}
	return &e.lookup.Record, nil
}

// cached finds an entry that may still be used.
func (v *Verifier) cached(sum key, now time.Time) (*entry, bool) {
	if e, ok := v.cache.known.Get(sum); ok && v.fresh(e, now) {
		v.stats.hits.Add(1)
		return e, true
	}
	if e, ok := v.cache.unknown.Get(sum); ok && e.changes == v.changes.Load() && v.fresh(e, now) {
		v.stats.negativeHits.Add(1)
		return e, true
	}
	v.stats.misses.Add(1)
	return nil, false
}

// fresh reports whether what was read at e.asked may be used at now. A clock that
// was set back makes nothing fresh that was not.
func (v *Verifier) fresh(e *entry, now time.Time) bool {
	age := now.Sub(e.asked)
	if age < 0 || age >= v.cfg.TTL {
		return false
	}
	if age < v.cfg.MaxStaleness {
		return true
	}
	since := now.UnixNano() - v.confirmed.Load()
	return since >= 0 && since < int64(v.cfg.MaxStaleness)
}

// ask reads the store, once for all who ask for the same hash at a time. Requests
// that come after a change do not share the answer of a question from before it.
func (v *Verifier) ask(ctx context.Context, sum key) (*entry, error) {
	before := v.changes.Load()
	flight := string(append(sum[:], byte(before), byte(before>>8), byte(before>>16), byte(before>>24)))
	done := v.flight.DoChan(flight, func() (any, error) {
		// Not the caller's context: others wait for the same answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.cfg.LookupTimeout)
		defer cancel()
		return v.read(ctx, sum, before)
	})
	select {
	case <-ctx.Done():
		return nil, fault.Wrap(fault.StoreUnavailable, context.Cause(ctx))
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*entry), nil
	}
}

func (v *Verifier) read(ctx context.Context, sum key, before uint64) (*entry, error) {
	e := &entry{asked: v.cfg.Now(), changes: before}
	lookup, err := v.cfg.Store.TokenByHash(ctx, hex.EncodeToString(sum[:]))
	switch {
	case errors.Is(err, ErrUnknown):
	case err != nil:
		v.stats.errors.Add(1)
		return nil, fault.Wrap(fault.StoreUnavailable, err)
	default:
		e.lookup = &lookup
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.changes.Load() == before {
		v.cache.add(sum, e)
	}
	return e, nil
}

// Forget makes the next request with the token of this uid ask the store. Call it
// after each change of the token, and after it was issued.
func (v *Verifier) Forget(uid string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1) // entries of unknown hashes end with it
	v.cache.forget(uid)
}

// ForgetAll empties the cache, after changes were missed.
func (v *Verifier) ForgetAll() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1)
	v.cache.purge()
}

// Confirmed says that every change committed before the instant has been passed to
// Forget. Without it each record is asked for again after MaxStaleness.
func (v *Verifier) Confirmed(at time.Time) { v.confirmed.Store(at.UnixNano()) }

// Observe notes that a token was used. Run writes it later; when more tokens than
// MaxPending were used in between, the rest is left out.
func (v *Verifier) Observe(uid string, at time.Time, from string) { v.uses.observe(uid, at, from) }

// Run writes last uses until ctx is done, and once more then.
func (v *Verifier) Run(ctx context.Context) { v.uses.run(ctx) }

// Stats are counts since the start.
func (v *Verifier) Stats() Stats { return v.stats.read(v) }
