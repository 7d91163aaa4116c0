package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// skew is how far clocks may differ (Spring JwtTimestampValidator).
const skew = 60 * time.Second

// bearer accepts the JWTs of one issuer as a stock DHIS2 does when its dhis.conf
// names that issuer (dhis2/contract.md 2.3). It does not look whether the account
// is disabled, locked, expired or has a second factor: neither does DHIS2.
type bearer struct {
	issuer, audience, claim string
	now                     func() time.Time
	keys                    *issuerKeys
}

// newBearer returns nil when no issuer is trusted: Bearer is then ignored.
func newBearer(cfg Config) (*bearer, error) {
	if cfg.TrustIssuer == "" {
		return nil, nil
	}
	if cfg.Audience == "" {
		return nil, errors.New("sandbox: New: Audience is required with TrustIssuer")
	}
	if cfg.MappingClaim != "username" && cfg.MappingClaim != "email" {
		return nil, fmt.Errorf("mapping claim %q: want username or email", cfg.MappingClaim)
	}
	return &bearer{cfg.TrustIssuer, cfg.Audience, cfg.MappingClaim, cfg.Now, newIssuerKeys(cfg)}, nil
}

// invalidToken is a refusal with DHIS2's reason.
type invalidToken struct{ reason string }

func (e *invalidToken) Error() string { return "invalid_token: " + e.reason }

func invalid(format string, args ...any) error {
	return &invalidToken{fmt.Sprintf(format, args...)}
}

// undecodableJWT is a refusal by the decoder.
func undecodableJWT(format string, args ...any) error {
	return invalid("An error occurred while attempting to decode the Jwt: "+format, args...)
}

// errPage is a failure that DHIS2 answers with the container's 500 page.
var errPage = &problem.Page{Status: http.StatusInternalServerError}

var bearerForm = regexp.MustCompile(`(?i)^Bearer ([a-z0-9\-._~+/]+=*)$`)

// signInBearer signs in the user of a JWT for this request.
func (c *call) signInBearer(header string, s session, live bool) (bool, error) {
	name, err := c.bearer.username(c.r.Context(), header, c.openIDOwner)
	if err == nil {
		c.user, err = c.jwtUser(name)
	}
	if bad, ok := errors.AsType[*invalidToken](err); ok {
		return true, c.refuseToken(bad.reason)
	}
	if err != nil {
		return false, err
	}
	return false, c.jwtSession(name, s, live)
}

func (c *call) jwtUser(name string) (*metadata.User, error) {
	u, err := c.meta.UserByUsername(c.r.Context(), name)
	if errors.Is(err, metadata.ErrNoUser) {
		return nil, noUserFor(c.bearer.claim, name)
	}
	return u, err
}

func noUserFor(claim, value string) error {
	return invalid("Found no matching DHIS2 user for the mapping claim: '%s' with the value: '%s'", claim, value)
}

// jwtSession opens a session for a request that brings none, gives the last JWT's
// own another id, and leaves somebody's sign-in as it is.
func (c *call) jwtSession(name string, s session, live bool) error {
	if live && s.kind != byJWT {
		return nil
	}
	var id string
	var err error
	if live {
		id, err = c.sessions.rotate(s.id, name)
	} else {
		id, err = c.sessions.open(name, byJWT)
	}
	if err != nil {
		return err
	}
	c.giveCookie(id)
	return nil
}

// refuseToken is DHIS2's answer to a bad JWT: never a redirect, no cookie, and no
// body for those who do not take JSON.
func (c *call) refuseToken(reason string) error {
	h := c.w.Header()
	h.Set("Cache-Control", noCache)
	h.Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="invalid_token", error_description="%s", error_uri="https://tools.ietf.org/html/rfc6750#section-3.1", resource_metadata="%s/.well-known/oauth-protected-resource"`, headerText(reason), baseURL(c.r)))
	if !acceptsJSON(c.r.Header.Values("Accept")) {
		return c.text(http.StatusUnauthorized, "", "")
	}
	m := dhis2.Error(http.StatusUnauthorized, "invalid_token", "")
	m.DevMessage = reason
	b, err := m.JSON()
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return c.text(http.StatusUnauthorized, jsonUTF8, string(b))
}

// headerText keeps what came from outside from ending the header's quotes.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == '"' || r == '\\' || r > 0x7e {
			return '?'
		}
		return r
	}, s)
}

// username reads a header and returns the user name that its JWT stands for.
// Errors: *invalidToken, *problem.Page (500), *problem.Problem (500).
func (b *bearer) username(ctx context.Context, header string, byOpenID func(context.Context, string) (string, error)) (string, error) {
	m := bearerForm.FindStringSubmatch(header)
	if m == nil {
		return "", invalid("Bearer token is malformed")
	}
	t, err := readJWT(m[1])
	if err != nil {
		return "", err
	}
	if err := b.checkIssuer(t.claims); err != nil {
		return "", err
	}
	if err := b.keys.verify(ctx, t); err != nil {
		return "", err
	}
	if err := t.claims.checkTimes(b.now()); err != nil {
		return "", err
	}
	if err := b.checkAudience(t.claims); err != nil {
		return "", err
	}
	value, err := t.claims.text(b.claim)
	if err != nil {
		return "", err
	}
	name := value
	if b.claim == "email" {
		if name, err = byOpenID(ctx, value); err != nil {
			return "", err
		}
	}
	if sub, ok := t.claims["sub"]; !ok || string(sub) == "null" {
		return "", errPage // DHIS2: Attribute value for 'sub' cannot be null
	}
	return name, nil
}

func (b *bearer) checkIssuer(c claims) error {
	var iss string
	if raw, ok := c["iss"]; !ok || json.Unmarshal(raw, &iss) != nil || iss == "" {
		return invalid("Missing issuer")
	}
	if strings.TrimSuffix(iss, "/") != strings.TrimSuffix(b.issuer, "/") {
		return invalid("Invalid issuer")
	}
	if iss != b.issuer {
		return errPage // the discovery document's issuer differs from the token's
	}
	return nil
}

func (b *bearer) checkAudience(c claims) error {
	raw, ok := c["aud"]
	if !ok || string(raw) == "null" {
		return errPage // DHIS2: a null pointer
	}
	var one string
	var many []string
	if json.Unmarshal(raw, &one) == nil {
		many = []string{one}
	} else if json.Unmarshal(raw, &many) != nil {
		return errPage
	}
	if !slices.Contains(many, b.audience) {
		return invalid("Invalid audience")
	}
	return nil
}
