package oauth2server

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

// Token serves POST /oauth2/token and DHIS2's /uaa/oauth/token (RFC 6749 3.2).
// The steps are the same for every grant; a grant only proves who the resource
// owner is. A returned *Error has not been written yet.
func (s *Server) Token(w http.ResponseWriter, r *http.Request) error {
	if done, err := s.postOnly(w, r); done || err != nil {
		return err
	}
	form, err := readForm(r) // 1. the form, once
	if err != nil {
		return err
	}
	client, err := s.authenticateClient(r, form) // 2. who asks
	if err != nil {
		return err
	}
	grant, err := s.grantFor(form, client) // 3. may they use it
	if err != nil {
		return err
	}
	p, err := grant(r.Context(), tokenRequest{client, form, s.cfg.ClientIP(r)}) // 4. on whose behalf
	if err != nil {
		return err
	}
	s.cfg.Acts(r, p.owner.UID, p.owner.Username)
	return s.issue(w, r, client, p) // 5. mint, store, answer
}

// tokenRequest is what a grant may look at.
type tokenRequest struct {
	client Client
	form   url.Values
	from   netip.Addr
}

// proof is what a grant has proved: who the owner is, and what was spent for it.
type proof struct {
	owner   Owner
	scope   string
	family  string    // "" begins a new one
	spends  string    // hash of the authorization code that is spent for it
	rotates string    // hash of the refresh token that this answer spends
	parent  string    // hash of the refresh token that this answer replaces: rotates, or one that was spent already
	ends    time.Time // absolute end of the family; zero means RefreshTTL from now
}

type grant func(ctx context.Context, q tokenRequest) (proof, error)

// grantFor finds the grant and checks that it is switched on and that the client
// is registered for it.
func (s *Server) grantFor(form url.Values, c Client) (grant, error) {
	var g grant
	name := form.Get("grant_type")
	switch name {
	case "":
		return nil, invalidRequest("Missing grant type")
	case "password":
		if !s.settings.Load().PasswordGrant {
			return nil, unsupportedGrant("Unsupported grant type")
		}
		g = s.passwordGrant
	case "refresh_token":
		g = s.refreshGrant
	case "authorization_code":
		g = s.codeGrant
	case "implicit":
		return nil, unsupportedGrant("Implicit grant type not supported from token endpoint")
	default:
		return nil, unsupportedGrant("Unsupported grant type")
	}
	if !c.may(name) {
		return nil, unauthorizedClient("Unauthorized grant type")
	}
	return g, nil
}

// postOnly answers every other verb, as DHIS2 2.41 did.
func (s *Server) postOnly(w http.ResponseWriter, r *http.Request) (done bool, err error) {
	switch r.Method {
	case http.MethodPost:
		return false, nil
	case http.MethodOptions:
		w.Header().Set("Allow", "GET,HEAD,POST,OPTIONS")
		w.WriteHeader(http.StatusOK)
		return true, nil
	}
	w.Header().Set("Allow", "POST,OPTIONS")
	text := "Request method '" + r.Method + "' not supported"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true, refuse(http.StatusMethodNotAllowed, "method_not_allowed", text, fault.MethodRefused)
	}
	respond.Message(w, r, dhis2.Error(http.StatusMethodNotAllowed, text, ""))
	return true, nil
}

// storeGone is the refusal when the store does not answer: fail closed.
func storeGone(err error) error {
	return fromFault(fault.Wrap(fault.StoreUnavailable, err))
}
