package oauth2server

import (
	"context"
	"errors"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
)

// refreshGrant proves the owner by a refresh token (RFC 6749 6). The token is
// replaced by each use; a second use is theft by either side, and ends the family
// (RFC 9700 4.14.2), unless it falls into reuse_grace and nothing newer than its
// own successor was used.
func (s *Server) refreshGrant(ctx context.Context, q tokenRequest) (proof, error) {
	text := q.form.Get("refresh_token")
	if text == "" {
		return proof{}, invalidRequest("refresh_token parameter not provided")
	}
	hash := Hash(text)
	r, spent, err := s.cfg.Store.RefreshByHash(ctx, hash)
	switch {
	case errors.Is(err, ErrUnknown):
		return proof{}, invalidGrant("Invalid refresh token", fault.TokenUnknown)
	case err != nil:
		return proof{}, storeGone(err)
	case r.ClientCID != q.client.CID: // a stranger's attempt changes nothing
		return proof{}, invalidGrant("Wrong client for this refresh token", fault.TokenUnknown)
	}
	now := s.cfg.Now()
	if !now.Before(r.Expires) {
		return proof{}, invalidGrant("Invalid refresh token (expired)", fault.TokenExpired)
	}
	p := proof{owner: r.Owner, scope: r.Scope, family: r.Family, rotates: hash, parent: hash, ends: r.Expires}
	if !spent.IsZero() {
		forgiven, err := s.forgiven(ctx, hash, now.Sub(spent))
		switch {
		case err != nil:
			return proof{}, storeGone(err)
		case !forgiven:
			return proof{}, s.reused(ctx, r.Family, "Invalid refresh token")
		}
		p.rotates = "" // a second answer to the same token, within the grace
	}
	if asked := q.form.Get("scope"); asked != "" {
		scope, err := grantScope(asked)
		if err != nil {
			return proof{}, err
		}
		if !narrows(scope, r.Scope) {
			return proof{}, invalidScope()
		}
		p.scope = scope
	}
	if err := s.cfg.Owners.CheckOwner(ctx, r.Owner); err != nil {
		return proof{}, fromFault(err)
	}
	return p, nil
}

// forgiven reports whether a token that was spent so long ago may be used again: its
// holder may not have got the answer. Who has used a successor has got it, and then
// somebody else holds the parent.
func (s *Server) forgiven(ctx context.Context, hash string, ago time.Duration) (bool, error) {
	grace := s.settings.Load().ReuseGrace
	if grace <= 0 || ago < 0 || ago > grace {
		return false, nil
	}
	succeeded, err := s.cfg.Store.Succeeded(ctx, hash)
	return !succeeded, err
}

// reused ends a family whose code or refresh token was used twice.
func (s *Server) reused(ctx context.Context, family, words string) error {
	if err := s.cfg.Store.RevokeFamily(ctx, family); err != nil {
		return storeGone(err)
	}
	s.forget()
	return invalidGrant(words, fault.TokenUnknown)
}
