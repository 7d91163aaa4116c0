package pat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
)

// ErrForbidden says that the caller sees the token but may not change it.
var ErrForbidden = errors.New("no permission to change this token")

// IssuerConfig: the zero value of every optional field is a working default.
type IssuerConfig struct {
	Store    Store            // required
	Random   io.Reader        // required: crypto/rand's Reader
	Forget   func(uid string) // called after each change, usually Verifier.Forget; nil means that nobody caches
	Settings func() Settings  // the rules now in force; nil means none
	Now      func() time.Time // nil means time.Now
}

// Issuer makes, changes and revokes tokens, under the operator's rules and so that
// no token widens itself. It is safe for concurrent use.
type Issuer struct {
	cfg IssuerConfig
	// counting lets MaxPerUser be counted and used up by one request at a time.
	// Several replicas at the same instant may pass it by as many tokens.
	counting sync.Mutex
}

// NewIssuer checks its configuration.
func NewIssuer(cfg IssuerConfig) (*Issuer, error) {
	if cfg.Store == nil || cfg.Random == nil {
		return nil, errors.New("pat: NewIssuer: Store and Random are required")
	}
	if cfg.Forget == nil {
		cfg.Forget = func(string) {}
	}
	if cfg.Settings == nil {
		cfg.Settings = func() Settings { return Settings{} }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Issuer{cfg: cfg}, nil
}

// Draft is a token to be made.
type Draft struct {
	UID        string // "" means a new one
	Owner      Owner  // zero means the caller
	Code       string
	Expiry     time.Time // zero means the default
	Attributes []constraints.Attribute
	Origin     string // "" means "d2gate"
}

// Issue makes a token and returns its text, which nothing else ever shows. Errors:
// fault.ConstraintScope, *RuleError, ErrDuplicate, and those of the store.
func (i *Issuer) Issue(ctx context.Context, c Caller, d Draft) (Record, Token, error) {
	if err := c.mayChange(); err != nil {
		return Record{}, Token{}, err
	}
	set := i.cfg.Settings()
	r, err := i.draw(c, d, set)
	if err != nil {
		return Record{}, Token{}, err
	}
	tok, err := Mint(i.cfg.Random, set.Mint)
	if err != nil {
		return Record{}, Token{}, err
	}
	r.Type, r.Version = tok.format.typ, tok.format.version
	if err := i.put(ctx, r, tok.Hash(), set); err != nil {
		return Record{}, Token{}, err
	}
	i.cfg.Forget(r.UID)
	return r, tok, nil
}

// draw makes the record of a draft, but for type and version.
func (i *Issuer) draw(c Caller, d Draft, set Settings) (Record, error) {
	now := i.now()
	r := Record{UID: d.UID, Code: d.Code, Created: now, LastUpdated: now, Owner: d.Owner, LastUpdatedBy: c.owner(), Origin: d.Origin}
	if d.Owner == (Owner{}) {
		r.Owner = c.owner()
	}
	if d.Origin == "" {
		r.Origin = "d2gate"
	}
	r.Constraints = constraints.Set{Expiry: d.Expiry, Attributes: d.Attributes}
	if d.Expiry.IsZero() {
		r.Constraints.Expiry = set.defaultEnd(now)
	}
	if err := set.checkExpiry(r.Constraints.Expiry, now); err != nil {
		return Record{}, err
	}
	r.Constraints.Expiry = c.cut(r.Constraints.Expiry)
	if err := set.checkRequired(r.Constraints); err != nil {
		return Record{}, err
	}
	share, err := json.Marshal(private(r.Owner))
	if err != nil {
		return Record{}, fmt.Errorf("issue token: %w", err)
	}
	r.Sharing = string(share)
	if r.UID == "" {
		r.UID, err = dhis2.NewUID(i.cfg.Random)
	}
	return r, err
}

func (i *Issuer) put(ctx context.Context, r Record, hash string, set Settings) error {
	if set.MaxPerUser > 0 {
		i.counting.Lock()
		defer i.counting.Unlock()
		n, err := i.cfg.Store.CountTokens(ctx, Filter{Username: r.Owner.Username, UserUID: r.Owner.UID, LiveAt: r.Created})
		if err != nil {
			return err
		}
		if n >= set.MaxPerUser {
			return &RuleError{fmt.Sprintf("A user may have at most %d tokens here; revoke one first", set.MaxPerUser)}
		}
	}
	return i.cfg.Store.PutToken(ctx, r, hash)
}

// now is the time in the milliseconds that are stored.
func (i *Issuer) now() time.Time { return i.cfg.Now().UTC().Truncate(time.Millisecond) }
