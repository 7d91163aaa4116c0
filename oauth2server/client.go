package oauth2server

import (
	"context"
	"errors"
	"net/http"

	"github.com/d2gate/d2gate/internal/fault"
)

// clientFor finds the client of an authorization request. A missing and an
// unknown client look alike.
func (s *Server) clientFor(r *http.Request, cid string) (Client, error) {
	bad := refuse(http.StatusUnauthorized, "invalid_client", "Bad client credentials", fault.PolicyRefused)
	if cid == "" {
		return Client{}, bad
	}
	c, err := s.cfg.Store.ClientByCID(r.Context(), cid)
	switch {
	case errors.Is(err, ErrUnknown):
		return Client{}, bad
	case err != nil:
		return Client{}, storeGone(err)
	}
	return c, nil
}

// RevokeOwner ends the access of every application that a user has let in, and asks
// the user again from now on; n says how many sign-ins ended.
func (s *Server) RevokeOwner(ctx context.Context, username string) (n int, err error) {
	if n, err = s.cfg.Store.RevokeOwner(ctx, username); err == nil {
		s.forget()
	}
	return n, err
}

// forget tells the bearer cache that something was revoked.
func (s *Server) forget() {
	if s.cfg.Revoked != nil {
		s.cfg.Revoked()
	}
}
