package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// What a stock DHIS2 allows an issuer (contract 2.3.2).
const (
	issuerLimit = 500 * time.Millisecond // reading discovery and JWKS
	keysLive    = 5 * time.Minute
	maxDocument = 1 << 20 // bytes of either document
)

// signatures that nimbus verifies with a public key.
var signatures = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512,
}

// issuerKeys finds and keeps the keys of the trusted issuer: discovered at the
// first token and never again, the keys for five minutes, and fetched at once for
// a kid that is not among them.
type issuerKeys struct {
	issuer string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	jwksURI string
	allowed []string // algorithms of the keys when they were first read
	keys    jose.JSONWebKeySet
	fetched time.Time
}

func newIssuerKeys(cfg Config) *issuerKeys {
	client := *cfg.Client
	client.Timeout = issuerLimit
	return &issuerKeys{issuer: cfg.TrustIssuer, now: cfg.Now, client: &client}
}

// verify checks the signature. Errors: *invalidToken, the 500 page when discovery
// fails, a 500 WebMessage when the keys cannot be had.
func (k *issuerKeys) verify(ctx context.Context, t *jwt) error {
	candidates, err := k.candidates(ctx, t)
	if err != nil {
		return err
	}
	if len(candidates) == 0 {
		return undecodableJWT("Signed JWT rejected: Another algorithm expected, or no matching key(s) found")
	}
	signed, err := jose.ParseSignedCompact(t.text, signatures)
	if err != nil {
		return undecodableJWT("Malformed token")
	}
	for _, key := range candidates {
		if _, err := signed.Verify(key.Key); err == nil {
			return nil
		}
	}
	return undecodableJWT("Signed JWT rejected: Invalid signature")
}

// candidates are the keys that may have signed a token, after what does not need a
// key has been checked.
func (k *issuerKeys) candidates(ctx context.Context, t *jwt) ([]jose.JSONWebKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.discover(ctx); err != nil {
		return nil, err
	}
	switch {
	case t.alg == "none":
		return nil, invalid("Unsupported algorithm of none")
	case t.typ != "" && !strings.EqualFold(t.typ, "JWT"):
		return nil, undecodableJWT("the given typ value needs to be one of [JWT]")
	case !slices.Contains(k.allowed, t.alg):
		return nil, nil
	}
	return k.find(ctx, t)
}

// discover reads the issuer's document once; while it fails each request tries
// again and is a 500.
func (k *issuerKeys) discover(ctx context.Context) error {
	if k.jwksURI != "" {
		return nil
	}
	for _, at := range discoveryURLs(k.issuer) {
		var doc struct {
			Issuer  string `json:"issuer"`
			JWKSURI string `json:"jwks_uri"`
		}
		if err := k.fetch(ctx, at, &doc); err != nil {
			continue
		}
		if doc.Issuer != k.issuer || doc.JWKSURI == "" {
			return errPage
		}
		if err := k.refresh(ctx, doc.JWKSURI); err != nil {
			return err
		}
		k.jwksURI = doc.JWKSURI
		for _, key := range k.keys.Keys {
			k.allowed = append(k.allowed, algorithms(key)...)
		}
		return nil
	}
	return errPage
}

// discoveryURLs are the places where Spring's JwtDecoders.fromIssuerLocation looks.
func discoveryURLs(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	host, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.Path, "/")
	return []string{
		strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration",
		host + "/.well-known/openid-configuration" + path,
		host + "/.well-known/oauth-authorization-server" + path,
	}
}

// algorithms are what a key may verify: its own alg, else those of its type.
func algorithms(k jose.JSONWebKey) []string {
	if k.Algorithm != "" {
		return []string{k.Algorithm}
	}
	for _, a := range []string{"RS256", "ES256"} {
		if fits(k, a) && a == "RS256" {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		} else if fits(k, a) {
			return []string{"ES256"}
		}
	}
	return nil
}

// find returns the keys that a token may be signed with.
func (k *issuerKeys) find(ctx context.Context, t *jwt) ([]jose.JSONWebKey, error) {
	found := k.matching(t)
	stale := k.now().Sub(k.fetched) >= keysLive
	if len(found) > 0 && !stale {
		return found, nil
	}
	if err := k.refresh(ctx, k.jwksURI); err != nil {
		return nil, err
	}
	return k.matching(t), nil
}

func (k *issuerKeys) matching(t *jwt) []jose.JSONWebKey {
	var out []jose.JSONWebKey
	for _, key := range k.keys.Keys {
		if (t.kid == "" || key.KeyID == t.kid) && (key.Algorithm == "" || key.Algorithm == t.alg) && fits(key, t.alg) {
			out = append(out, key)
		}
	}
	return out
}

func (k *issuerKeys) refresh(ctx context.Context, at string) error {
	var set jose.JSONWebKeySet
	if err := k.fetch(ctx, at, &set); err != nil {
		return problem.New(http.StatusInternalServerError, "", "An error occurred while attempting to decode the Jwt: %s", err)
	}
	k.keys, k.fetched = set, k.now()
	return nil
}

// fetch reads a JSON document within DHIS2's time limit, worded as Spring's
// RestTemplate words it.
func (k *issuerKeys) fetch(ctx context.Context, at string, to any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	resp, err := k.client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok && u.Timeout() {
			return fmt.Errorf("I/O error on GET request for %q: Read timed out", at)
		}
		return fmt.Errorf("I/O error on GET request for %q: %w", at, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s on GET request for %q", resp.Status, at)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxDocument)).Decode(to)
}
