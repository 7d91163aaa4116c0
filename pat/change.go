package pat

import (
	"context"
	"fmt"
	"time"
)

// Find returns a token that the caller may see, else ErrUnknown: what others own
// does not exist for them.
func (i *Issuer) Find(ctx context.Context, c Caller, uid string) (Record, error) {
	r, err := i.cfg.Store.TokenByUID(ctx, uid)
	if err != nil {
		return Record{}, err
	}
	if !c.mayRead(&r) {
		return Record{}, ErrUnknown
	}
	return r, nil
}

// List returns the tokens that the caller may see and f selects, and how many there
// are without f's Offset and Limit.
func (i *Issuer) List(ctx context.Context, c Caller, f Filter) ([]Record, int, error) {
	if !c.Admin && c.Username == "" {
		return nil, 0, nil // nobody has nothing, and must not select everything
	}
	f = c.visible(f)
	n, err := i.cfg.Store.CountTokens(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	records, err := i.cfg.Store.Tokens(ctx, f)
	return records, n, err
}

// page is List without the count.
func (i *Issuer) page(ctx context.Context, c Caller, f Filter) ([]Record, error) {
	if !c.Admin && c.Username == "" {
		return nil, nil
	}
	return i.cfg.Store.Tokens(ctx, c.visible(f))
}

// visible narrows f to what the caller may see.
func (c Caller) visible(f Filter) Filter {
	if !c.Admin {
		f.Username, f.UserUID, f.Shared = c.Username, c.UID, true
	}
	return f
}

// Edit lets change work on a token's code, version, type, constraints and sharing,
// and stores the result. No other edit comes between. Errors: those of change,
// ErrUnknown, ErrForbidden, fault.ConstraintScope, *RuleError, ErrDuplicate.
func (i *Issuer) Edit(ctx context.Context, c Caller, uid string, change func(*Record) error) (Record, error) {
	if err := c.mayChange(); err != nil {
		return Record{}, err
	}
	r, err := i.cfg.Store.EditToken(ctx, uid, func(r *Record) error { return i.edit(c, r, change) })
	if err == nil {
		i.cfg.Forget(uid)
	}
	return r, err
}

func (i *Issuer) edit(c Caller, r *Record, change func(*Record) error) error {
	if err := c.writable(r); err != nil {
		return err
	}
	old := r.Constraints.Expiry
	if err := change(r); err != nil {
		return err
	}
	set, now := i.cfg.Settings(), i.now()
	if end := r.Constraints.Expiry; !end.Equal(old) {
		if err := set.checkExpiry(end, now); err != nil {
			return err
		}
	}
	if err := set.checkRequired(r.Constraints); err != nil {
		return err
	}
	r.Constraints.Expiry = c.cut(r.Constraints.Expiry)
	r.LastUpdated, r.LastUpdatedBy = now, c.owner()
	return nil
}

func (c Caller) writable(r *Record) error {
	switch {
	case !c.mayRead(r):
		return ErrUnknown
	case !c.mayWrite(r):
		return ErrForbidden
	}
	return nil
}

// Rotation says how a secret is changed.
type Rotation struct {
	Overlap *time.Duration // nil means the operator's; 0 ends the old secret at once
	Expiry  time.Time      // zero keeps the old one, or gives the default if that is over
}

// Rotate gives a token a new secret and keeps all else. The old one lives until the
// overlap, or the token's old expiry, ends. Errors as of Edit.
func (i *Issuer) Rotate(ctx context.Context, c Caller, uid string, how Rotation) (Record, Token, error) {
	if err := c.mayChange(); err != nil {
		return Record{}, Token{}, err
	}
	tok, err := Mint(i.cfg.Random, i.cfg.Settings().Mint)
	if err != nil {
		return Record{}, Token{}, err
	}
	r, err := i.cfg.Store.RotateToken(ctx, uid, tok.Hash(), func(r *Record) error {
		return i.edit(c, r, func(r *Record) error { i.turn(r, how, tok.format); return nil })
	})
	if err != nil {
		return Record{}, Token{}, err
	}
	i.cfg.Forget(uid)
	return r, tok, nil
}

// turn sets the ends of a rotated token.
func (i *Issuer) turn(r *Record, how Rotation, f *format) {
	set, now := i.cfg.Settings(), i.now()
	overlap := set.Overlap
	if how.Overlap != nil {
		overlap = *how.Overlap
	}
	old := r.Constraints.Expiry
	over := !old.IsZero() && !now.Before(old)
	r.OverlapEnds = time.Time{}
	if overlap > 0 && !over {
		r.OverlapEnds = now.Add(overlap)
		if !old.IsZero() && old.Before(r.OverlapEnds) {
			r.OverlapEnds = old
		}
	}
	switch {
	case !how.Expiry.IsZero():
		r.Constraints.Expiry = how.Expiry
	case over:
		r.Constraints.Expiry = set.defaultEnd(now)
	}
	r.Type, r.Version = f.typ, f.version
}

// Revoke ends a token. When it returns nil the end is on disk and the next request
// is refused; on an error of the store the token may still be in force, and the
// error says so. Errors: ErrUnknown, ErrForbidden, fault.ConstraintScope.
func (i *Issuer) Revoke(ctx context.Context, c Caller, uid string) error {
	if err := c.mayRevoke(); err != nil {
		return err
	}
	r, err := i.cfg.Store.TokenByUID(ctx, uid)
	if err != nil {
		return err
	}
	if err := c.writable(&r); err != nil {
		return err
	}
	if err := i.cfg.Store.DeleteToken(ctx, uid); err != nil {
		return fmt.Errorf("token %s is not revoked: %w", uid, err)
	}
	i.cfg.Forget(uid)
	return nil
}
