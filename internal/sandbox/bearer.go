package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

const (
	issuerTimeout = 500 * time.Millisecond // DHIS2's limit of discovery and key set
	keysKept      = 5 * time.Minute
	skew          = 60 * time.Second
)

// bearers judges the JWTs of the one trusted issuer as a DHIS2 2.44 with an OIDC
// provider does (contract 2.3), its 500s included.
type bearers struct {
	issuer, audience, claim string
	now                     func() time.Time
	client                  *http.Client

	mu      sync.Mutex
	jwksURI string
	keys    jose.JSONWebKeySet
	fetched time.Time
}

func newBearers(cfg Config) *bearers {
	if cfg.TrustIssuer == "" {
		return nil
	}
	client := cfg.Client
	if client == nil {
		client = &http.Client{}
	}
	claim := cfg.MappingClaim
	if claim == "" {
		claim = "username"
	}
	return &bearers{issuer: cfg.TrustIssuer, audience: cfg.Audience, claim: claim, now: cfg.Now, client: client}
}

// refusedJWT is a 401 with its reason; page is the container's 500.
type refusedJWT struct{ reason string }

func (e *refusedJWT) Error() string { return e.reason }

func refuseJWT(format string, args ...any) error { return &refusedJWT{fmt.Sprintf(format, args...)} }

var page500 = &problem.Page{Status: http.StatusInternalServerError}

// bearer signs in by a JWT. It opens a session for every request that brings no
// live one, and gives a JWT's own session another id.
func (c *call) bearer(live *session, text string) bool {
	u, err := c.s.bearers.user(c.r.Context(), c.s.md, text)
	if err != nil {
		c.refuseBearer(err)
		return false
	}
	c.user = u
	switch {
	case live == nil:
		err = c.s.sessions.open(c.w, u.Username, false, true)
	case live.jwt:
		err = c.s.sessions.rotate(c.w, live)
	}
	if err != nil {
		c.fail(err)
		return false
	}
	return true
}

func (c *call) refuseBearer(err error) {
	r, ok := errors.AsType[*refusedJWT](err)
	if !ok {
		c.fail(err)
		return
	}
	m := dhis2.Error(http.StatusUnauthorized, "invalid_token", "")
	m.DevMessage = r.reason
	h := c.w.Header()
	h.Set("Cache-Control", "no-cache, private")
	h.Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+strings.ReplaceAll(r.reason, `"`, `'`)+
		`", error_uri="https://tools.ietf.org/html/rfc6750#section-3.1", resource_metadata="`+baseURL(c.r)+`/.well-known/oauth-protected-resource"`)
	body, err := m.JSON()
	if err != nil || !c.acceptsJSON() {
		body = nil
	}
	_ = c.raw(http.StatusUnauthorized, "application/json;charset=UTF-8", body)
}

// claims are kept raw: a claim of the wrong type is a 500 there.
type claims map[string]json.RawMessage

func (c claims) text(name string) (string, bool) {
	raw, there := c[name]
	if !there || string(raw) == "null" {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

func (c claims) instant(name string) (time.Time, bool) {
	var f float64
	raw, there := c[name]
	if !there || json.Unmarshal(raw, &f) != nil {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0), true
}

func (c claims) audience() ([]string, bool) {
	raw, there := c["aud"]
	if !there || string(raw) == "null" {
		return nil, false
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list, true
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, true
	}
	return nil, false
}

// user verifies a JWT and finds its user. Errors: *refusedJWT (401), the
// container's page or a Problem (500).
func (b *bearers) user(ctx context.Context, md *metadata.Service, text string) (*metadata.User, error) {
	if text == "" || strings.HasPrefix(text, " ") {
		return nil, refuseJWT("Bearer token is malformed")
	}
	signed, err := jose.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.ES256, jose.HS256})
	if err != nil {
		return nil, refuseJWT("%s", malformedJWT(text))
	}
	var c claims
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &c) != nil {
		return nil, refuseJWT("Invalid JWT payload")
	}
	iss, ok := c.text("iss")
	switch {
	case !ok:
		return nil, refuseJWT("Missing issuer")
	case strings.TrimSuffix(iss, "/") != strings.TrimSuffix(b.issuer, "/"):
		return nil, refuseJWT("Invalid issuer")
	}
	if err := b.verify(ctx, signed, iss); err != nil {
		return nil, err
	}
	if err := b.times(c); err != nil {
		return nil, err
	}
	return b.mapped(ctx, md, c)
}

func malformedJWT(text string) string {
	switch n := strings.Count(text, "."); {
	case n == 0:
		return "Invalid JWT serialization: Missing dot delimiter(s)"
	case n == 2:
		return "Invalid unsecured/JWS/JWE header: Invalid JSON object"
	}
	return "Invalid JWT serialization: Unexpected number of Base64URL parts, must be three"
}

func (b *bearers) times(c claims) error {
	now := b.now()
	exp, hasExp := c.instant("exp")
	if hasExp && now.Add(-skew).After(exp) {
		return refuseJWT("An error occurred while attempting to decode the Jwt: Jwt expired at %s", exp.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if nbf, ok := c.instant("nbf"); ok && now.Add(skew).Before(nbf) {
		return refuseJWT("An error occurred while attempting to decode the Jwt: Jwt used before %s", nbf.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if iat, ok := c.instant("iat"); ok && hasExp && iat.After(exp) {
		return refuseJWT("expiresAt must be after issuedAt")
	}
	return nil
}

func (b *bearers) mapped(ctx context.Context, md *metadata.Service, c claims) (*metadata.User, error) {
	if raw, there := c["sub"]; !there || string(raw) == "null" {
		return nil, page500
	}
	aud, ok := c.audience()
	switch {
	case !ok:
		return nil, page500
	case !slices.Contains(aud, b.audience):
		return nil, refuseJWT("Invalid audience")
	}
	value, ok := c.text(b.claim)
	if raw, there := c[b.claim]; !ok && there && string(raw) != "null" {
		return nil, page500
	}
	var u *metadata.User
	var err error
	if b.claim == "username" {
		u, err = md.UserByUsername(ctx, value)
	} else {
		u, err = md.UserByOpenID(ctx, value)
	}
	if errors.Is(err, metadata.ErrNoUser) {
		return nil, refuseJWT("Found no matching DHIS2 user for the mapping claim: '%s' with the value: '%s'", b.claim, value)
	}
	return u, err
}

// verify checks the signature with a key of the issuer.
func (b *bearers) verify(ctx context.Context, signed *jose.JSONWebSignature, iss string) error {
	h := signed.Signatures[0].Header
	if typ, ok := h.ExtraHeaders[jose.HeaderType].(string); ok && !strings.EqualFold(typ, "JWT") {
		return refuseJWT("An error occurred while attempting to decode the Jwt: the given typ value needs to be one of [JWT]")
	}
	rejected := refuseJWT("An error occurred while attempting to decode the Jwt: Signed JWT rejected: Another algorithm expected, or no matching key(s) found")
	keys, err := b.keysFor(ctx, iss, h.KeyID)
	if err != nil {
		return err
	}
	candidates := keys.Keys
	if h.KeyID != "" {
		candidates = keys.Key(h.KeyID)
	}
	tried := false
	for _, k := range candidates {
		if k.Algorithm != "" && k.Algorithm != h.Algorithm || strings.HasPrefix(h.Algorithm, "HS") {
			continue
		}
		tried = true
		if _, err := signed.Verify(k.Key); err == nil {
			return nil
		}
	}
	if tried {
		return refuseJWT("An error occurred while attempting to decode the Jwt: Signed JWT rejected: Invalid signature")
	}
	return rejected
}

// keysFor gives the key set: kept for five minutes, read again at once for an
// unknown kid.
func (b *bearers) keysFor(ctx context.Context, iss, kid string) (jose.JSONWebKeySet, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jwksURI == "" {
		uri, err := b.discover(ctx, iss)
		if err != nil {
			return jose.JSONWebKeySet{}, page500
		}
		b.jwksURI = uri
	}
	if b.now().Sub(b.fetched) < keysKept && (kid == "" || len(b.keys.Key(kid)) > 0) {
		return b.keys, nil
	}
	var set jose.JSONWebKeySet
	if err := b.get(ctx, b.jwksURI, &set); err != nil {
		return set, problem.New(http.StatusInternalServerError, "", "An error occurred while attempting to decode the Jwt: %v", err)
	}
	b.keys, b.fetched = set, b.now()
	return set, nil
}

// discover reads the issuer's document, in Spring's order of addresses.
func (b *bearers) discover(ctx context.Context, iss string) (string, error) {
	host, path := iss, ""
	if i := strings.Index(iss, "://"); i >= 0 {
		if j := strings.IndexByte(iss[i+3:], '/'); j >= 0 {
			host, path = iss[:i+3+j], iss[i+3+j:]
		}
	}
	var last error
	for _, at := range []string{strings.TrimSuffix(iss, "/") + "/.well-known/openid-configuration", host + "/.well-known/openid-configuration" + path, host + "/.well-known/oauth-authorization-server" + path} {
		var doc struct {
			Issuer  string `json:"issuer"`
			JWKSURI string `json:"jwks_uri"`
		}
		if last = b.get(ctx, at, &doc); last != nil {
			continue
		}
		if doc.Issuer != iss || doc.JWKSURI == "" {
			return "", errors.New("the issuer of the document is another")
		}
		return doc.JWKSURI, nil
	}
	return "", last
}

func (b *bearers) get(ctx context.Context, url string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, issuerTimeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := b.client.Do(q)
	if err != nil {
		return fmt.Errorf("I/O error on GET request for %q: %w", url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%d on GET request for %q", resp.StatusCode, url)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(v)
}
