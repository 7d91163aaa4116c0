package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// IssuerConfig says what DHIS2 finds when it looks up the issuer of d2gate's JWTs.
type IssuerConfig struct {
	URL  string        // required; equals iss to the letter, no trailing slash
	Keys []*SigningKey // published; the first one signs, others are on their way in or out
}

// Issuer serves the discovery document and the keys of d2gate's own JWTs. Both are
// made once: DHIS2 gives up after 500 ms (contract 2.3.2).
type Issuer struct {
	path            string // of the URL, "" or "/x/y"
	discovery, jwks []byte
}

// NewIssuer makes the two documents.
func NewIssuer(cfg IssuerConfig) (*Issuer, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("identity: NewIssuer: %q is no http or https URL", cfg.URL)
	case u.RawQuery != "", u.Fragment != "", u.User != nil, strings.HasSuffix(cfg.URL, "/"):
		return nil, fmt.Errorf("identity: NewIssuer: %q must have neither query, fragment, user nor trailing slash", cfg.URL)
	case len(cfg.Keys) == 0:
		return nil, errors.New("identity: NewIssuer: Keys is required")
	}
	set := jose.JSONWebKeySet{}
	for _, k := range cfg.Keys {
		set.Keys = append(set.Keys, k.public())
	}
	i := &Issuer{path: u.EscapedPath()}
	if i.jwks, err = json.Marshal(set); err != nil {
		return nil, fmt.Errorf("write key set: %w", err)
	}
	i.discovery, err = json.Marshal(map[string]any{
		"issuer":                                cfg.URL,
		"jwks_uri":                              cfg.URL + "/jwks",
		"authorization_endpoint":                cfg.URL + "/authorize",
		"response_types_supported":              []string{"none"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(jose.RS256)},
	})
	return i, err
}

// ServeHTTP answers GET and HEAD of the two documents, at every place where DHIS2
// looks: below the issuer's path (/d2gate/issuer/.well-known/openid-configuration,
// /d2gate/issuer/jwks) and at the RFC 8414 forms, in which the issuer's path comes
// last. Whatever stands before the well-known part is not compared, because a
// front end may have taken a context path off.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	doc, kind := i.document(r.URL.Path)
	switch {
	case doc == nil:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(doc)))
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodGet {
		w.Write(doc) // an error means that DHIS2 has gone
	}
}

// document finds what a path asks for, nil if nothing.
func (i *Issuer) document(path string) (doc []byte, kind string) {
	switch {
	case strings.HasSuffix(path, "/jwks"):
		return i.jwks, "application/jwk-set+json"
	case strings.HasSuffix(path, "/.well-known/openid-configuration"),
		strings.HasSuffix(path, "/.well-known/openid-configuration"+i.path),
		strings.HasSuffix(path, "/.well-known/oauth-authorization-server"+i.path):
		return i.discovery, "application/json"
	}
	return nil, ""
}
