package oauth2server

import (
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

// forget tells the bearer cache that something was revoked.
func (s *Server) forget() {
	if s.cfg.Revoked != nil {
		s.cfg.Revoked()
	}
}
