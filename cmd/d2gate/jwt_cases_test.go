package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/conform"
	"github.com/d2gate/d2gate/internal/sandbox"
	"github.com/d2gate/d2gate/internal/store"
)

// providerOne is the OpenID issuer that the cases call testproviderone.com.
type providerOne struct {
	t   *testing.T
	url string
	key *rsa.PrivateKey
}

func newProviderOne(t *testing.T) *providerOne {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p := &providerOne{t: t, key: key}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, ".well-known") {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, p.url, p.url+"/jwks")
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "one", Algorithm: "RS256", Use: "sig"}}})
	}))
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

var instantOf = regexp.MustCompile(`^now([+-]\d+s)$`)

// mint makes the JWT that a case describes: "jwt iss=… aud=… sub=x without exp bad
// signature". What is not said is good.
func (p *providerOne) mint(said string, now time.Time) string {
	claims := map[string]any{"iss": p.url, "aud": "client-1", "sub": "x", "iat": now.Add(-time.Hour).Unix(), "exp": now.Add(time.Minute).Unix()}
	alg, typ, bad := jose.RS256, "JWT", false
	words := strings.Fields(said)[1:]
	for i := 0; i < len(words); i++ {
		name, value, _ := strings.Cut(words[i], "=")
		switch name {
		case "without":
			i++
			delete(claims, words[i])
		case "bad":
			bad = true
			i++
		case "alg":
			alg = jose.SignatureAlgorithm(value)
		case "typ":
			typ = value
		case "iss":
			claims["iss"] = strings.Replace(value, "https://testproviderone.com", p.url, 1)
		case "exp", "nbf":
			claims[name] = p.instant(value, now)
			if at := claims[name].(int64); name == "exp" && at < now.Add(-time.Hour).Unix() {
				claims["iat"] = at - 60
			}
		default:
			claims[name] = value
		}
	}
	text := p.sign(claims, alg, typ)
	if bad {
		half := strings.LastIndexByte(text, '.') + 20
		flip := byte('A')
		if text[half] == flip {
			flip = 'B'
		}
		text = text[:half] + string(flip) + text[half+1:]
	}
	return text
}

func (p *providerOne) instant(s string, now time.Time) int64 {
	if m := instantOf.FindStringSubmatch(s); m != nil {
		d, err := time.ParseDuration(m[1])
		require.NoError(p.t, err)
		return now.Add(d).Unix()
	}
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(p.t, err)
	return n
}

func (p *providerOne) sign(claims map[string]any, alg jose.SignatureAlgorithm, typ string) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: p.key}, (&jose.SignerOptions{}).WithHeader("kid", "one").WithType(jose.ContentType(typ)))
	require.NoError(p.t, err)
	body, err := json.Marshal(claims)
	require.NoError(p.t, err)
	signed, err := s.Sign(body)
	require.NoError(p.t, err)
	text, err := signed.CompactSerialize()
	require.NoError(p.t, err)
	return text
}

var (
	jwtWords  = regexp.MustCompile(`\{\{(jwt [^}]*)\}\}`)
	mappingBy = regexp.MustCompile(`mapping_claim=(\w+)`)
)

// TestTheJWTCasesOfTheContractHold plays cases/jwt-bearer.json against a sandbox
// that trusts an issuer: what the gateway's identity jwt relies on.
func TestTheJWTCasesOfTheContractHold(t *testing.T) {
	except, err := conform.CaseExceptions(filepath.Join("..", "..", "testdata", "except-cases.txt"))
	require.NoError(t, err)
	cases, err := conform.LoadCases(filepath.Join("..", "..", "testdata", "cases", "jwt-bearer.json"))
	require.NoError(t, err)
	for _, c := range cases {
		if except[c.ID] == "" {
			t.Run(c.ID, func(t *testing.T) { playJWT(t, c) })
		}
	}
}

func playJWT(t *testing.T, c conform.Case) {
	p := newProviderOne(t)
	at := time.Now()
	cfg := sandbox.Config{Version: generation(c), TrustIssuer: p.url, Audience: "client-1", MappingClaim: "email", Now: func() time.Time { return at }}
	said, err := json.Marshal(c)
	require.NoError(t, err)
	if m := mappingBy.FindSubmatch(said); m != nil {
		cfg.MappingClaim = string(m[1])
	}
	cfg.DB, err = store.OpenSQLite(filepath.Join(t.TempDir(), "sandbox.db"))
	require.NoError(t, err)
	box, err := sandbox.New(t.Context(), cfg)
	require.NoError(t, err)
	srv := httptest.NewServer(box)
	t.Cleanup(func() {
		srv.Close()
		require.NoError(t, cfg.DB.Close())
	})
	note := func(_ conform.Case, note string, vars map[string]any) (bool, error) {
		switch {
		case strings.HasPrefix(note, "dhis.conf: "), strings.HasPrefix(note, "oidc.provider."):
		case note == "enable TOTP 2FA on jwtuser":
			return true, box.Metadata().SetTwoFactor(t.Context(), "jwtuser", "TOTP_ENABLED", strings.Repeat("A", 32))
		case note == "passwordLastUpdated more than a month ago":
			at = at.AddDate(0, 2, 0)
		case note == "session cookie of admin":
			vars["session"] = sessionAt(t, srv.URL)
		case note == "mint":
			for _, m := range jwtWords.FindAllSubmatch(said, -1) {
				vars[string(m[1])] = p.mint(string(m[1]), at)
			}
		default:
			return false, nil
		}
		return true, nil
	}
	c.Setup = append(c.Setup, conform.SetupStep{Note: "mint"})
	if c.Request.As == "" && c.Request.Headers["Authorization"] == "" {
		c.Request.As = "none"
	}
	conform.RunCase(t, conform.CaseTarget{Target: conform.Target{Base: srv.URL}, Note: note, Now: cfg.Now}, c)
}

// generation is the newest that a case speaks of and the sandbox plays.
func generation(c conform.Case) string {
	for _, v := range []string{"2.44", "2.43", "2.42", "2.41", "2.40"} {
		minor, _ := strconv.Atoi(strings.TrimPrefix(v, "2.")) // the list is ours
		if c.Holds(minor) {
			return v
		}
	}
	return "2.44"
}

func sessionAt(t *testing.T, base string) string {
	resp, err := http.Post(base+"/api/auth/login", "application/json", strings.NewReader(`{"username":"admin","password":"district"}`))
	require.NoError(t, err)
	defer resp.Body.Close()
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	require.NotEmpty(t, cookie)
	return cookie
}
