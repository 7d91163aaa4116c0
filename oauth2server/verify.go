package oauth2server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
)

// Bearer is a verified access token.
type Bearer struct {
	Access
	Constraints constraints.Set // expiry and scope
}

// Verifier looks access tokens up, with a cache. It does not check constraints.
type Verifier struct {
	cfg     VerifierConfig
	found   *lru.Cache[[32]byte, verdict]
	unknown *lru.Cache[[32]byte, time.Time] // apart, so that guesses cannot evict tokens
	flight  singleflight.Group
	epoch   atomic.Uint64 // raised by Forget; a look-up from before is not kept

	lookups, hits atomic.Int64
}

type verdict struct {
	bearer *Bearer
	at     time.Time
}

// VerifierConfig of a Verifier. Store is required.
type VerifierConfig struct {
	Store   Store
	Entries int              // 0 means 100,000
	TTL     time.Duration    // how long a look-up may be reused; 0 means 5 s
	Now     func() time.Time // nil means time.Now
}

// NewVerifier makes a verifier.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	if cfg.Store == nil {
		return nil, errors.New("oauth2server: NewVerifier: Store is required")
	}
	if cfg.Entries == 0 {
		cfg.Entries = 100_000
	}
	if cfg.TTL == 0 {
		cfg.TTL = 5 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	found, err := lru.New[[32]byte, verdict](cfg.Entries)
	if err != nil {
		return nil, err
	}
	unknown, err := lru.New[[32]byte, time.Time](max(cfg.Entries/10, 1))
	return &Verifier{cfg: cfg, found: found, unknown: unknown}, err
}

// invalidToken is DHIS2 2.41's answer to a bearer that it does not know.
var invalidToken = fault.New(fault.TokenUnknown, "Invalid access token").WithScheme(fault.Bearer)

// maxToken is the longest text that is looked up: a JWT with room to spare.
const maxToken = 4096

// Verify returns the bearer that text stands for. Faults: token_unknown,
// store_unavailable. The result is shared and must not be changed.
func (v *Verifier) Verify(ctx context.Context, text string) (*Bearer, error) {
	if len(text) < 36 || len(text) > maxToken {
		return nil, invalidToken
	}
	key := sha256.Sum256([]byte(text))
	now := v.cfg.Now()
	if e, ok := v.found.Get(key); ok && now.Sub(e.at) < v.cfg.TTL {
		v.hits.Add(1)
		return e.bearer, nil
	}
	if at, ok := v.unknown.Get(key); ok && now.Sub(at) < v.cfg.TTL {
		return nil, invalidToken
	}
	return v.lookup(ctx, key, now)
}

func (v *Verifier) lookup(ctx context.Context, key [32]byte, now time.Time) (*Bearer, error) {
	hash := hex.EncodeToString(key[:])
	got, err, _ := v.flight.Do(hash, func() (any, error) {
		v.lookups.Add(1)
		epoch := v.epoch.Load()
		b, err := v.load(context.WithoutCancel(ctx), hash)
		switch {
		case err == nil && v.epoch.Load() == epoch:
			v.found.Add(key, verdict{b, now})
			if v.epoch.Load() != epoch { // forgotten while it was being added
				v.found.Remove(key)
			}
		case errors.Is(err, invalidToken):
			v.unknown.Add(key, now)
		}
		return b, err
	})
	if err != nil {
		return nil, err
	}
	return got.(*Bearer), nil
}

func (v *Verifier) load(ctx context.Context, hash string) (*Bearer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	a, err := v.cfg.Store.AccessByHash(ctx, hash)
	switch {
	case errors.Is(err, ErrUnknown):
		return nil, invalidToken
	case err != nil:
		return nil, fault.Wrap(fault.StoreUnavailable, err).WithScheme(fault.Bearer)
	}
	set, err := limits(a.Scope)
	if err != nil {
		return nil, invalidToken.WithDetail("stored scope: " + err.Error())
	}
	set.Expiry = a.Expires
	return &Bearer{a, set}, nil
}

// Forget drops everything that was kept: something was revoked, here or on
// another replica. Tokens are looked up again at their next use.
func (v *Verifier) Forget() {
	v.epoch.Add(1)
	v.found.Purge()
	v.unknown.Purge()
}

// Stats returns how many look-ups reached the store, and how many did not have to.
func (v *Verifier) Stats() (lookups, hits int64) { return v.lookups.Load(), v.hits.Load() }
