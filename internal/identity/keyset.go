package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// asymmetric are the algorithms taken from other issuers: none and HS* are not
// among them, whatever an issuer's documents say (RFC 8725 3.1).
var asymmetric = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// How long fetched keys hold, and how often they are fetched at most, so that
// tokens with made-up key ids do not make d2gate hammer the issuer.
const (
	keysHold     = 5 * time.Minute
	keysInterval = 10 * time.Second
)

var (
	errSignature = errors.New("the signature does not fit a key of the issuer")
	errKeys      = errors.New("the issuer's keys cannot be read")
)

// keySet is the published keys of another issuer. It is fetched when first needed,
// when it is older than keysHold, and when a token names a key that is not there.
// After keysHold without an answer nothing is accepted.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	fetching sync.Mutex
	tried    time.Time // of the last fetch, however it ended

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time // of keys
}

// VerifySignature returns the payload of a JWS whose signature fits. It is go-oidc's
// KeySet. The header's jku, jwk, x5u and x5c are not looked at. Errors: errKeys if
// the issuer could not be asked, errSignature.
func (s *keySet) VerifySignature(ctx context.Context, text string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(text, asymmetric)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSignature, err)
	}
	for _, fresh := range []bool{false, true} {
		keys, err := s.current(ctx, fresh)
		if err != nil {
			return nil, err
		}
		if payload, ok := verifyWith(jws, keys); ok {
			return payload, nil
		}
	}
	return nil, errSignature
}

// verifyWith tries the key that the token names. A token that names none is taken
// where there is one key only (OpenID Connect Core 10.1).
func verifyWith(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, bool) {
	h := jws.Signatures[0].Protected
	if h.KeyID == "" && len(keys) != 1 {
		return nil, false
	}
	for _, k := range keys {
		if h.KeyID != "" && k.KeyID != h.KeyID || k.Algorithm != "" && k.Algorithm != h.Algorithm {
			continue
		}
		if payload, err := jws.Verify(k.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// current returns the keys. One caller at a time fetches them: when half of their
// time is over whoever comes first, while the others go on with what is there; when
// it is over, or fresh is asked for, all who need them, one after the other.
func (s *keySet) current(ctx context.Context, fresh bool) ([]jose.JSONWebKey, error) {
	keys, age := s.held()
	switch {
	case age >= keysHold || fresh:
		s.fetching.Lock()
	case age < keysHold/2 || !s.fetching.TryLock():
		return keys, nil
	}
	defer s.fetching.Unlock()
	err := s.refresh(ctx)
	if keys, age = s.held(); age >= keysHold {
		return nil, fmt.Errorf("%w: %w", errKeys, err)
	}
	return keys, nil
}

// held returns the keys and their age; keys not yet there are too old.
func (s *keySet) held() ([]jose.JSONWebKey, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		return nil, keysHold
	}
	return s.keys, s.now().Sub(s.fetched)
}

// errJustTried says that the last fetch is just over; its end still holds.
var errJustTried = errors.New("asked just now")

// refresh fetches the keys unless the last fetch is just over.
func (s *keySet) refresh(ctx context.Context) error {
	now := s.now()
	if since := now.Sub(s.tried); !s.tried.IsZero() && since >= 0 && since < keysInterval {
		return errJustTried
	}
	s.tried = now
	keys, err := s.fetch(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.fetched = keys, now
	return nil
}

func (s *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s answered %d", s.url, resp.StatusCode)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.url, err)
	}
	keys := []jose.JSONWebKey{}
	for _, raw := range set.Keys {
		var k jose.JSONWebKey // one of an unknown kind does not spoil the others
		if json.Unmarshal(raw, &k) == nil && k.Valid() && k.IsPublic() && (k.Use == "" || k.Use == "sig") {
			keys = append(keys, k)
		}
	}
	return keys, nil
}
