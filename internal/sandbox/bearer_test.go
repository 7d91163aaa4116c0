package sandbox_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox"
)

// issuer is an OpenID issuer on loopback whose keys a test chooses.
type issuer struct {
	t       *testing.T
	url     string
	key     *rsa.PrivateKey
	kid     string
	fetched atomic.Int64 // of the keys
	down    atomic.Bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	i := &issuer{t: t, key: key, kid: "k1"}
	srv := httptest.NewServer(i)
	t.Cleanup(srv.Close)
	i.url = srv.URL
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case i.down.Load():
		w.WriteHeader(http.StatusNotFound)
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.url, i.url+"/jwks")
	default:
		i.fetched.Add(1)
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &i.key.PublicKey, KeyID: i.kid, Algorithm: "RS256", Use: "sig"}}})
	}
}

// sign makes a JWT of claims, with a header that a test may change.
func (i *issuer) sign(claims map[string]any, typ string) string {
	i.t.Helper()
	opts := (&jose.SignerOptions{}).WithHeader("kid", i.kid)
	if typ != "" {
		opts = opts.WithType(jose.ContentType(typ))
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: i.key}, opts)
	require.NoError(i.t, err)
	body, err := json.Marshal(claims)
	require.NoError(i.t, err)
	signed, err := s.Sign(body)
	require.NoError(i.t, err)
	text, err := signed.CompactSerialize()
	require.NoError(i.t, err)
	return text
}

func trusting(t *testing.T) (*box, *issuer) {
	i := newIssuer(t)
	return open(t, sandbox.Config{TrustIssuer: i.url, Audience: "gateway"}), i
}

// claims of a good token for nurse.
func (b *box) claims(i *issuer, change ...any) map[string]any {
	c := map[string]any{"iss": i.url, "aud": "gateway", "sub": "x", "username": "nurse", "iat": b.clock.at.Unix(), "exp": b.clock.at.Add(time.Minute).Unix()}
	for n := 0; n < len(change); n += 2 {
		if change[n+1] == nil {
			delete(c, change[n].(string))
			continue
		}
		c[change[n].(string)] = change[n+1]
	}
	return c
}

func TestAJWTOfTheTrustedIssuerActsAsItsUser(t *testing.T) {
	b, i := trusting(t)
	require.Equal(t, 201, b.as("Bearer "+i.sign(b.claims(i), "JWT"), "POST", "/api/userDataStore/ns/k", "1").status)
	require.Equal(t, "1", b.as(asNurse, "GET", "/api/userDataStore/ns/k", "").body)
}

func TestWhatDHIS2SaysOfABadJWT(t *testing.T) {
	b, i := trusting(t)
	now := b.clock.at
	decode := "An error occurred while attempting to decode the Jwt: "
	other := newIssuer(t)
	other.url = i.url
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(i.sign(b.claims(i), ""), ".")[1] + "."
	for name, tt := range map[string]struct{ token, reason string }{
		"no dots":        {"garbage", "Invalid JWT serialization: Missing dot delimiter(s)"},
		"no JSON":        {"garbage.token.value", "Invalid unsecured/JWS/JWE header: Invalid JSON object"},
		"empty":          {"", "Bearer token is malformed"},
		"two blanks":     {" x.y.z", "Bearer token is malformed"},
		"no issuer":      {i.sign(b.claims(i, "iss", nil), ""), "Missing issuer"},
		"other issuer":   {i.sign(b.claims(i, "iss", "http://other.example"), ""), "Invalid issuer"},
		"other audience": {i.sign(b.claims(i, "aud", []string{"a", "b"}), ""), "Invalid audience"},
		"over":           {i.sign(b.claims(i, "iat", nil, "exp", now.Add(-61*time.Second).Unix()), ""), decode + "Jwt expired at 2026-11-24T11:58:59Z"},
		"not yet":        {i.sign(b.claims(i, "nbf", now.Add(62*time.Second).Unix()), ""), decode + "Jwt used before 2026-11-24T12:01:02Z"},
		"wrong type":     {i.sign(b.claims(i), "at+jwt"), decode + "the given typ value needs to be one of [JWT]"},
		"wrong key":      {other.sign(b.claims(i), ""), decode + "Signed JWT rejected: Invalid signature"},
		"alg none":       {unsigned, "Unsupported algorithm of none"},
		"no such user":   {i.sign(b.claims(i, "username", "NURSE"), ""), "Found no matching DHIS2 user for the mapping claim: 'username' with the value: 'NURSE'"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.as("Bearer "+tt.token, "GET", "/api/nothere", "")
			require.Equal(t, 401, a.status)
			require.JSONEq(t, fmt.Sprintf(`{"httpStatus":"Unauthorized","httpStatusCode":401,"status":"ERROR","message":"invalid_token","devMessage":%q}`, tt.reason), a.body)
			require.Equal(t, `Bearer error="invalid_token", error_description="`+tt.reason+`", error_uri="https://tools.ietf.org/html/rfc6750#section-3.1", resource_metadata="`+b.base+`/.well-known/oauth-protected-resource"`, a.header.Get("WWW-Authenticate"))
			require.Equal(t, "no-cache, private", a.header.Get("Cache-Control"))
			require.Empty(t, a.header.Values("Set-Cookie"))
			require.Empty(t, b.as("Bearer "+tt.token, "GET", "/api/me", "", "Accept: text/html").body)
		})
	}
}

func TestAMissingSubjectOrAudienceIsA500(t *testing.T) {
	b, i := trusting(t)
	for name, c := range map[string]map[string]any{
		"sub": b.claims(i, "sub", nil), "aud": b.claims(i, "aud", nil), "claim": b.claims(i, "username", 5), "slash": b.claims(i, "iss", i.url+"/"),
	} {
		a := b.as("Bearer "+i.sign(c, ""), "GET", "/api/me", "")
		require.Equal(t, 500, a.status, name)
		require.Contains(t, a.header.Get("Content-Type"), "text/html", name)
	}
	require.Equal(t, 200, b.as("Bearer "+i.sign(b.claims(i, "sub", ""), ""), "GET", "/api/system/id", "").status, "any subject does")
	require.Equal(t, 200, b.as("Bearer "+i.sign(b.claims(i, "exp", nil), ""), "GET", "/api/system/id", "").status, "without exp a token lives for ever")
}

func TestClocksMayDifferByAMinute(t *testing.T) {
	b, i := trusting(t)
	now := b.clock.at
	for _, c := range []map[string]any{
		b.claims(i, "iat", nil, "exp", now.Add(-58*time.Second).Unix()), b.claims(i, "nbf", now.Add(58*time.Second).Unix()), b.claims(i, "iat", now.Add(30*time.Second).Unix()),
	} {
		require.Equal(t, 200, b.as("Bearer "+i.sign(c, ""), "GET", "/api/system/id", "").status)
	}
}

func TestKeysAreKeptForFiveMinutesAndAnUnknownKidIsLookedUpAtOnce(t *testing.T) {
	b, i := trusting(t)
	ask := func() int { return b.as("Bearer "+i.sign(b.claims(i), ""), "GET", "/api/system/id", "").status }
	require.Equal(t, 200, ask())
	require.Equal(t, 200, ask())
	require.EqualValues(t, 1, i.fetched.Load())
	i.kid = "k2"
	require.Equal(t, 200, ask())
	require.EqualValues(t, 2, i.fetched.Load())
	i.down.Store(true)
	b.clock.at = b.clock.at.Add(4 * time.Minute)
	require.Equal(t, 200, ask())
	b.clock.at = b.clock.at.Add(2 * time.Minute)
	a := b.as("Bearer "+i.sign(b.claims(i), ""), "GET", "/api/system/id", "")
	require.Equal(t, 500, a.status)
	require.Contains(t, a.message(), `An error occurred while attempting to decode the Jwt: 404 Not Found on GET request for "`+i.url+`/jwks"`)
}

func TestAnIssuerThatIsDownIsTriedAgain(t *testing.T) {
	b, i := trusting(t)
	i.down.Store(true)
	token := "Bearer " + i.sign(b.claims(i), "")
	require.Equal(t, 500, b.as(token, "GET", "/api/system/id", "").status)
	i.down.Store(false)
	require.Equal(t, 200, b.as(token, "GET", "/api/system/id", "").status)
}

func TestAThousandRequestsWithTheLastCookieAreOneSession(t *testing.T) {
	b, i := trusting(t)
	token, cookie := "Bearer "+i.sign(b.claims(i), ""), ""
	for n := range 1000 {
		var a answer
		if cookie == "" {
			a = b.as(token, "GET", "/api/system/ping2", "")
		} else {
			a = b.as(token, "GET", "/api/system/ping2", "", "Cookie: "+cookie)
		}
		require.Equal(t, 404, a.status)
		next := a.sessionCookie()
		require.NotEmpty(t, next)
		require.NotEqual(t, cookie, next, "request %d: the id changes in each answer", n)
		cookie = next
	}
	require.EqualValues(t, 1, b.s.SessionsOpened())
	require.Equal(t, 302, b.ask("GET", "/api/me", "", "Cookie: "+cookie).status, "the cookie alone does not sign in")
	b.as(token, "GET", "/api/me", "")
	require.EqualValues(t, 2, b.s.SessionsOpened(), "a request without a cookie opens one")
}

func TestSomebodysSignInStaysAsItIsBesideAJWT(t *testing.T) {
	b, i := trusting(t)
	cookie := b.login("admin", "district")
	a := b.as("Bearer "+i.sign(b.claims(i), ""), "POST", "/api/userDataStore/ns/k", "1", "Cookie: "+cookie)
	require.Equal(t, 201, a.status)
	require.Empty(t, a.sessionCookie())
	require.Equal(t, 200, b.as(asNurse, "GET", "/api/userDataStore/ns/k", "").status)
	require.Equal(t, 200, b.ask("GET", "/api/sessions", "", "Cookie: "+cookie).status, "the cookie is still the administrator's")
	require.Equal(t, 401, b.as("Bearer x", "GET", "/api/me", "", "Cookie: "+cookie).status)
}
