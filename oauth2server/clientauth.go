package oauth2server

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// credentials are what a client proves itself with.
type credentials struct {
	cid, secret string
	basic       bool // sent by Basic
	hasSecret   bool
}

// clientCredentials reads the client's authentication: Basic, whose parts are
// form-encoded (RFC 6749 2.3.1), or the form, never both.
func clientCredentials(r *http.Request, form url.Values) (credentials, error) {
	lines := r.Header.Values("Authorization")
	if len(lines) > 1 {
		return credentials{}, invalidRequest("More than one Authorization header was sent")
	}
	var c credentials
	if len(lines) == 1 {
		id, secret, ok := r.BasicAuth()
		if !ok {
			return c, invalidClient("Bad client credentials")
		}
		if form.Has("client_secret") {
			return c, invalidRequest("Two client authentications were sent")
		}
		var err1, err2 error
		c.cid, err1 = url.QueryUnescape(id)
		c.secret, err2 = url.QueryUnescape(secret)
		if err1 != nil || err2 != nil {
			return c, invalidClient("Bad client credentials")
		}
		c.basic, c.hasSecret = true, true
		if named := form.Get("client_id"); named != "" && named != c.cid {
			return c, invalidClient("Given client ID does not match authenticated client")
		}
		return c, nil
	}
	c.cid, c.secret, c.hasSecret = form.Get("client_id"), form.Get("client_secret"), form.Has("client_secret")
	if c.cid == "" {
		return c, invalidClient("Bad client credentials")
	}
	return c, nil
}

// authenticateClient finds the client and checks its secret. An unknown client
// and a wrong secret look alike and cost the same. A public client sends none.
func (s *Server) authenticateClient(r *http.Request, form url.Values) (Client, error) {
	c, err := clientCredentials(r, form)
	if err != nil {
		return Client{}, err
	}
	client, err := s.cfg.Store.ClientByCID(r.Context(), c.cid)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return Client{}, storeGone(err)
	}
	known := err == nil
	if known && client.Public() {
		if c.hasSecret && c.secret != "" {
			return Client{}, invalidClient("Bad client credentials")
		}
		return client, nil
	}
	ok, err := s.secrets.match(r.Context(), client.SecretHash, c.secret)
	if err != nil {
		return Client{}, fromFault(err)
	}
	if !known || !ok {
		return Client{}, invalidClient("Bad client credentials")
	}
	return client, nil
}

// may reports whether the client is registered for a grant. A client that lists
// none may use none: refusing is the default.
func (c Client) may(grant string) bool { return slices.Contains(c.GrantTypes, grant) }

// scopes splits a scope parameter.
func scopes(s string) []string { return strings.Fields(s) }
