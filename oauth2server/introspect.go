package oauth2server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

// introspection is the body of RFC 7662 2.2.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Exp       int64  `json:"exp,omitempty"` // seconds since the epoch
	Iat       int64  `json:"iat,omitempty"`
	Sub       string `json:"sub,omitempty"`
	Iss       string `json:"iss,omitempty"`
}

// Introspect serves POST /oauth2/introspect (RFC 7662). A client hears only of
// its own tokens.
func (s *Server) Introspect(w http.ResponseWriter, r *http.Request) error {
	client, token, err := s.provenQuestion(w, r)
	if err != nil || token == "" {
		return err
	}
	in, err := s.introspect(r.Context(), client, token)
	if err != nil {
		return err
	}
	writeJSON(w, r, http.StatusOK, in)
	return nil
}

// introspect looks a token up for its client.
func (s *Server) introspect(ctx context.Context, c Client, token string) (introspection, error) {
	now := s.cfg.Now()
	a, err := s.cfg.Store.AccessByHash(ctx, Hash(token))
	switch {
	case err == nil:
		if a.ClientCID != c.CID || !now.Before(a.Expires) || s.cfg.Owners.CheckOwner(ctx, a.Owner) != nil {
			return introspection{}, nil
		}
		return introspection{true, a.Scope, a.ClientCID, a.Owner.Username, "bearer", a.Expires.Unix(), a.Issued.Unix(), a.Owner.subject(), s.cfg.Issuer}, nil
	case !errors.Is(err, ErrUnknown):
		return introspection{}, storeGone(err)
	}
	f, spent, err := s.cfg.Store.RefreshByHash(ctx, Hash(token))
	switch {
	case errors.Is(err, ErrUnknown):
		return introspection{}, nil
	case err != nil:
		return introspection{}, storeGone(err)
	case f.ClientCID != c.CID, !spent.IsZero(), !now.Before(f.Expires), s.cfg.Owners.CheckOwner(ctx, f.Owner) != nil:
		return introspection{}, nil
	}
	return introspection{Active: true, Scope: f.Scope, ClientID: f.ClientCID, Username: f.Owner.Username, TokenType: "refresh_token", Exp: f.Expires.Unix(), Sub: f.Owner.subject(), Iss: s.cfg.Issuer}, nil
}

// subject is the owner's stable name: the uid where the back end has one.
func (o Owner) subject() string {
	if o.UID != "" {
		return o.UID
	}
	return o.Username
}

// provenQuestion is tokenQuestion for a client with a secret: introspection wants
// proof (RFC 7662 2.1), and of a public client everybody knows the name.
func (s *Server) provenQuestion(w http.ResponseWriter, r *http.Request) (Client, string, error) {
	client, token, err := s.tokenQuestion(w, r)
	if err == nil && token != "" && client.Public() {
		return Client{}, "", invalidClient("Bad client credentials")
	}
	return client, token, err
}

// tokenQuestion reads what introspection and revocation have in common: a client
// that proves itself if it can, and a token.
func (s *Server) tokenQuestion(w http.ResponseWriter, r *http.Request) (Client, string, error) {
	if done, err := s.postOnly(w, r); done || err != nil {
		return Client{}, "", err
	}
	form, err := readForm(r)
	if err != nil {
		return Client{}, "", err
	}
	client, err := s.authenticateClient(r, form)
	if err != nil {
		return Client{}, "", err
	}
	token := form.Get("token")
	if token == "" {
		return Client{}, "", invalidRequest("The token parameter is missing")
	}
	return client, token, nil
}

// CheckToken serves POST /uaa/oauth/check_token, introspection in the words of
// DHIS2 2.41. Unlike there, the client must prove itself.
func (s *Server) CheckToken(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet {
		w.Header().Set("Allow", "POST,OPTIONS")
		respond.Message(w, r, dhis2.Error(http.StatusMethodNotAllowed, "Request method 'GET' not supported", ""))
		return nil
	}
	client, token, err := s.provenQuestion(w, r)
	if err != nil || token == "" {
		return err
	}
	a, err := s.cfg.Store.AccessByHash(r.Context(), Hash(token))
	if err != nil && !errors.Is(err, ErrUnknown) {
		return storeGone(err)
	}
	if err != nil || a.ClientCID != client.CID || !s.cfg.Now().Before(a.Expires) || s.cfg.Owners.CheckOwner(r.Context(), a.Owner) != nil {
		return refuse(http.StatusBadRequest, "invalid_token", "Token was not recognised", fault.TokenUnknown)
	}
	authorities, err := s.cfg.Owners.Authorities(r.Context(), a.Owner)
	if err != nil {
		return err
	}
	if authorities == nil {
		authorities = []string{}
	}
	writeJSON(w, r, http.StatusOK, struct {
		Active      bool     `json:"active"`
		Exp         int64    `json:"exp"`
		UserName    string   `json:"user_name"`
		Authorities []string `json:"authorities"`
		ClientID    string   `json:"client_id"`
		Scope       []string `json:"scope"`
	}{true, a.Expires.Unix(), a.Owner.Username, authorities, a.ClientCID, scopes(a.Scope)})
	return nil
}

// Revoke serves POST /oauth2/revoke (RFC 7009): own tokens only, 200 for unknown
// ones. A refresh token ends its whole family.
func (s *Server) Revoke(w http.ResponseWriter, r *http.Request) error {
	client, token, err := s.tokenQuestion(w, r)
	if err != nil || token == "" {
		return err
	}
	if err := s.revoke(r.Context(), client, Hash(token)); err != nil {
		return err
	}
	s.forget()
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) revoke(ctx context.Context, c Client, hash string) error {
	f, _, err := s.cfg.Store.RefreshByHash(ctx, hash)
	if err == nil && f.ClientCID == c.CID {
		err = s.cfg.Store.RevokeFamily(ctx, f.Family)
	} else if errors.Is(err, ErrUnknown) {
		var a Access
		if a, err = s.cfg.Store.AccessByHash(ctx, hash); err == nil && a.ClientCID == c.CID {
			err = s.cfg.Store.RevokeAccess(ctx, hash)
		}
	}
	if err != nil && !errors.Is(err, ErrUnknown) {
		return storeGone(err)
	}
	return nil
}

// RunPurge removes expired rows every hour until ctx ends; count hears how many.
func (s *Server) RunPurge(ctx context.Context, keep time.Duration, count func(rows int64, err error)) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		count(s.cfg.Store.Purge(ctx, s.cfg.Now().Add(-keep)))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
