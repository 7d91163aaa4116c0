package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// signer is a key of the provider.
type signer struct {
	kid     string
	private *rsa.PrivateKey
}

// signers are made once and handed out in turn: any six in a row differ.
var (
	signers     [6]func() *rsa.PrivateKey
	signerCount atomic.Uint64
	makeSigners = sync.OnceFunc(func() {
		for i := range signers {
			signers[i] = sync.OnceValue(func() *rsa.PrivateKey {
				k, err := rsa.GenerateKey(rand.Reader, 2048)
				if err != nil {
					panic(err)
				}
				return k
			})
		}
	})
)

func newSigner(t *testing.T, kid string) signer {
	t.Helper()
	makeSigners()
	return signer{kid, signers[signerCount.Add(1)%uint64(len(signers))]()}
}

func (s signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: &s.private.PublicKey, KeyID: s.kid, Algorithm: "RS256", Use: "sig"}
}

// sign makes a JWS of any header and claims.
func (s signer) sign(t *testing.T, header map[jose.HeaderKey]any, claims map[string]any) string {
	t.Helper()
	opts := &jose.SignerOptions{ExtraHeaders: header}
	if s.kid != "" {
		opts.WithHeader("kid", s.kid)
	}
	sg, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: s.private}, opts)
	require.NoError(t, err)
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	jws, err := sg.Sign(payload)
	require.NoError(t, err)
	text, err := jws.CompactSerialize()
	require.NoError(t, err)
	return text
}

// idp is an OpenID provider. What it answers can be bent for a test.
type idp struct {
	*httptest.Server
	t *testing.T

	mu        sync.Mutex
	keys      []jose.JSONWebKey
	sign      func(claims map[string]any) string // the ID token
	discovery map[string]any                     // over the document
	claims    map[string]any                     // over the ID token's; nil values take claims out
	userinfo  map[string]any
	codes     map[string]url.Values // code -> the authorization request
	now       func() time.Time
	jwksAsked int
	jwksDown  bool
	endless   string // path whose answer does not end
}

func newIDP(t *testing.T, now func() time.Time) (*idp, signer) {
	t.Helper()
	k := newSigner(t, "k1")
	p := &idp{t: t, keys: []jose.JSONWebKey{k.public()}, codes: map[string]url.Values{}, now: now}
	p.sign = func(c map[string]any) string { return k.sign(t, nil, c) }
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p, k
}

func (p *idp) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *idp) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path == p.endless {
		chunk := []byte(strings.Repeat(" ", 64<<10))
		for range 16 << 10 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		doc := map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token",
			"userinfo_endpoint": p.URL + "/userinfo", "jwks_uri": p.URL + "/jwks", "id_token_signing_alg_values_supported": []string{"RS256"}}
		reply(w, 200, over(doc, p.discovery))
	case "/jwks":
		p.jwksAsked++
		if p.jwksDown {
			w.WriteHeader(503)
			return
		}
		reply(w, 200, jose.JSONWebKeySet{Keys: p.keys})
	case "/token":
		p.token(w, r)
	case "/userinfo":
		reply(w, 200, p.userinfo)
	default:
		w.WriteHeader(404)
	}
}

func over(base, change map[string]any) map[string]any {
	for k, v := range change {
		if v == nil {
			delete(base, k)
		} else {
			base[k] = v
		}
	}
	return base
}

// authorize is the browser at the provider: it gives consent and comes back.
func (p *idp) authorize(to string) url.Values {
	u, err := url.Parse(to)
	require.NoError(p.t, err)
	q := u.Query()
	require.Equal(p.t, "S256", q.Get("code_challenge_method"))
	require.Equal(p.t, "code", q.Get("response_type"))
	code := rand.Text()
	p.set(func() { p.codes[code] = q })
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
}

func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	q, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") || r.FormValue("redirect_uri") != q.Get("redirect_uri") {
		reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": "secret text"})
		return
	}
	now := p.now().Unix()
	c := map[string]any{"iss": p.URL, "sub": "s-1", "aud": "d2gate", "exp": now + 300, "iat": now, "nonce": q.Get("nonce"), "preferred_username": "nurse"}
	reply(w, 200, map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": p.sign(over(c, p.claims))})
}

// raw is a JWS made by hand.
func raw(header, claims map[string]any, signature string) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf("%s.%s.%s", enc(h), enc(c), enc([]byte(signature)))
}
