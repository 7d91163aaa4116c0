package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/d2gate/d2gate/internal/fault"
)

// JWTConfig says what d2gate's JWTs say. DHIS2 must have been told to trust them.
type JWTConfig struct {
	Key      *SigningKey      // required; the first of the Issuer's
	Issuer   string           // required; the Issuer's URL to the letter
	Audience string           // required; client_id of the provider in dhis.conf
	Claim    string           // mapping_claim of the provider: "username" or "email"; "" means username
	TTL      time.Duration    // life of a JWT; 0 means 60 s
	Fixed    string           // a user to act as whoever calls; "" means the caller
	Sessions *Sessions        // required
	Entries  int              // users whose JWT is kept; 0 means 10,000
	Now      func() time.Time // nil means time.Now
}

// JWT is the mode jwt: a short-lived RS256 JWT for the user, which DHIS2 takes as
// one of its OIDC issuers (contract 2.3), and DHIS2's session cookie sent back. It
// does not look whether the account is in force, and neither does DHIS2: ask
// Directory.Check before.
type JWT struct {
	cfg    JWTConfig
	signer jose.Signer
	kept   *lru.Cache[string, bearer]
	flight singleflight.Group
}

// bearer is an Authorization header and until when it is reused.
type bearer struct {
	header string
	until  time.Time
}

// NewJWT makes the mode.
func NewJWT(cfg JWTConfig) (*JWT, error) {
	switch {
	case cfg.Key == nil, cfg.Issuer == "", cfg.Audience == "", cfg.Sessions == nil:
		return nil, errors.New("identity: NewJWT: Key, Issuer, Audience and Sessions are required")
	case cfg.Claim == "":
		cfg.Claim = "username"
	case cfg.Claim != "username" && cfg.Claim != "email":
		return nil, fmt.Errorf("identity: NewJWT: claim %q: DHIS2 maps username and email only", cfg.Claim)
	}
	if cfg.TTL <= 0 {
		cfg.TTL = time.Minute
	}
	if cfg.Entries <= 0 {
		cfg.Entries = 10_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	key := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: cfg.Key.private, KeyID: cfg.Key.id}}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("make signer: %w", err)
	}
	kept, err := lru.New[string, bearer](cfg.Entries)
	if err != nil {
		return nil, fmt.Errorf("make JWT cache: %w", err)
	}
	return &JWT{cfg: cfg, signer: signer, kept: kept}, nil
}

// Sign puts a JWT for u, or for the fixed user, and one of their sessions on out.
// Nobody is signed in as nobody.
func (j *JWT) Sign(_ context.Context, u User, _ http.Header, out *http.Request) (Lease, error) {
	clearCredentials(out.Header)
	name := u.Username
	if j.cfg.Fixed != "" {
		name = j.cfg.Fixed
	}
	if name == "" {
		return noLease{}, nil
	}
	authorization, err := j.bearer(name)
	if err != nil {
		return nil, fault.Wrap(fault.UpstreamRefusedIdentity, err)
	}
	out.Header["Authorization"] = []string{authorization}
	cookie := j.cfg.Sessions.take(name)
	if cookie != "" {
		out.Header["Cookie"] = []string{cookie}
	}
	return &jwtLease{jwt: j, user: name, cookie: cookie}, nil
}

// bearer returns the kept header, or signs a new one, once for all who want it.
// A JWT is reused for the first two thirds of its life.
func (j *JWT) bearer(name string) (string, error) {
	now := j.cfg.Now()
	if b, ok := j.kept.Get(name); ok && now.Before(b.until) && b.until.Sub(now) <= j.cfg.TTL {
		return b.header, nil
	}
	v, err, _ := j.flight.Do(name, func() (any, error) {
		text, err := j.mint(name, now)
		if err != nil {
			return "", err
		}
		j.kept.Add(name, bearer{"Bearer " + text, now.Add(j.cfg.TTL * 2 / 3)})
		return "Bearer " + text, nil
	})
	return v.(string), err
}

// claims are those that contract 2.3.3 asks for. DHIS2 answers 500 where sub or
// aud is missing and takes a JWT without exp for ever, so none is optional.
type claims struct {
	Issuer   string           `json:"iss"`
	Subject  string           `json:"sub"`
	Audience string           `json:"aud"`
	Username string           `json:"username"`
	Email    string           `json:"email,omitempty"` // DHIS2 looks it up in openId
	IssuedAt *jwt.NumericDate `json:"iat"`
	Expiry   *jwt.NumericDate `json:"exp"`
}

func (j *JWT) mint(name string, now time.Time) (string, error) {
	c := claims{
		Issuer:   j.cfg.Issuer,
		Subject:  name,
		Audience: j.cfg.Audience,
		Username: name,
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(now.Add(j.cfg.TTL)),
	}
	if j.cfg.Claim == "email" {
		c.Email = name
	}
	text, err := jwt.Signed(j.signer).Claims(c).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign JWT: %w", err)
	}
	return text, nil
}

// Forget drops what is kept of a user.
func (j *JWT) Forget(username string) {
	j.kept.Remove(username)
	j.cfg.Sessions.Forget(username)
}

// jwtLease holds a session of user, if one was at rest, until Done.
type jwtLease struct {
	jwt     *JWT
	user    string
	cookie  string
	refused error
}

// Done gives the session back under the id that the answer set. Where DHIS2 has
// ended it, DHIS2 redirects to its sign-in before it looks at the JWT and carries
// nothing out; all sessions of the user are dropped then. The same redirect
// without a session means that DHIS2 ignores JWTs.
func (l *jwtLease) Done(resp *http.Response, err error) (again bool) {
	if err != nil || resp == nil {
		return false // the id may have changed unseen
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized && invalidToken(resp.Header):
		l.refused = refused("DHIS2 does not take d2gate's JWT: " + challengeText(resp.Header))
		l.jwt.Forget(l.user)
		return false
	case toLogin(resp.StatusCode, resp.Header):
		l.jwt.cfg.Sessions.Forget(l.user)
		if l.cookie == "" {
			l.refused = refused("DHIS2 ignores d2gate's JWT: is oidc.jwt.token.authentication.enabled on?")
		}
		return l.cookie != ""
	case resp.StatusCode == http.StatusUnauthorized:
		return false // whatever it was about, the session is not to be trusted
	}
	if cookie := renew(l.cookie, resp); cookie != "" {
		l.jwt.cfg.Sessions.give(l.user, cookie)
	}
	return false
}

func (l *jwtLease) Refused() error { return l.refused }

// invalidToken reports whether DHIS2 judged the JWT itself (contract 2.3.5).
func invalidToken(h http.Header) bool {
	return strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer ") && strings.Contains(h.Get("WWW-Authenticate"), "invalid_token")
}

// challengeText is the error_description of a Bearer challenge.
func challengeText(h http.Header) string {
	_, rest, _ := strings.Cut(h.Get("WWW-Authenticate"), `error_description="`)
	text, _, _ := strings.Cut(rest, `"`)
	if hasControl(text) || len(text) > 2*maxMessage {
		return "no reason"
	}
	return text
}
