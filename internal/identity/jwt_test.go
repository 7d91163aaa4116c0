package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

const issuerURL = "http://gateway:8080/d2gate/issuer"

// testKey is made once: two prime numbers take their time.
var testKey = sync.OnceValues(func() (*identity.SigningKey, error) {
	dir, err := os.MkdirTemp("", "d2gate-key-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return identity.OpenSigningKey(filepath.Join(dir, "issuer.pem"))
})

func key(t testing.TB) *identity.SigningKey {
	t.Helper()
	k, err := testKey()
	require.NoError(t, err)
	return k
}

func newJWT(t testing.TB, c *clock, change func(*identity.JWTConfig)) (*identity.JWT, *identity.Sessions) {
	t.Helper()
	sessions := identity.NewSessions(identity.SessionsConfig{Now: c.Now})
	cfg := identity.JWTConfig{Key: key(t), Issuer: issuerURL, Audience: "d2gate", Sessions: sessions, Now: c.Now}
	if change != nil {
		change(&cfg)
	}
	j, err := identity.NewJWT(cfg)
	require.NoError(t, err)
	return j, sessions
}

// trusting lets the look-alike take d2gate's JWTs with the keys that the issuer
// serves.
func trusting(t *testing.T, c *clock) *dhis {
	t.Helper()
	d := newDHIS(t)
	d.now = c.Now
	i, err := identity.NewIssuer(identity.IssuerConfig{URL: issuerURL, Keys: []*identity.SigningKey{key(t)}})
	require.NoError(t, err)
	d.keys = func() (*jose.JSONWebKeySet, error) {
		w := httptest.NewRecorder()
		i.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/d2gate/issuer/jwks", nil))
		var set jose.JSONWebKeySet
		return &set, json.Unmarshal(w.Body.Bytes(), &set)
	}
	return d
}

func TestDHIS2TakesTheJWTWithTheKeysOfTheIssuer(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	j, _ := newJWT(t, c, nil)
	resp := forward(t, j, nurse, d, nil)
	require.Equal(t, 200, resp.StatusCode)
}

func TestAThousandRequestsInARowAreOneSession(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	j, sessions := newJWT(t, c, nil)
	for range 1000 {
		require.Equal(t, 200, forward(t, j, nurse, d, nil).StatusCode)
		c.Add(100 * time.Millisecond)
	}
	require.Equal(t, 1, d.sessionsOpened())
	require.Equal(t, 1, sessions.Kept())
}

func TestRequestsInParallelOpenNoMoreSessionsThanRunAtOnce(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	j, sessions := newJWT(t, c, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if resp, err := tryForward(j, nurse, d, nil); err != nil || resp.StatusCode != 200 {
					t.Errorf("%v", err)
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, d.sessionsOpened(), 8)
	require.LessOrEqual(t, sessions.Kept(), 8)
}

func TestSessionsOfOneUserAreNotLentToAnother(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	j, _ := newJWT(t, c, nil)
	forward(t, j, nurse, d, nil)
	first := d.last()
	require.Empty(t, first.Header.Get("Cookie"))
	forward(t, j, identity.User{Username: "admin"}, d, nil)
	require.Empty(t, d.last().Header.Get("Cookie"))
	forward(t, j, nurse, d, nil)
	require.Contains(t, d.last().Header.Get("Cookie"), "JSESSIONID=")
}

func TestASessionThatDHIS2HasEndedIsDroppedAndTheRequestSentOnceMore(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	j, sessions := newJWT(t, c, nil)
	forward(t, j, nurse, d, nil)
	d.set(func() {
		for id := range d.sessions {
			d.ended[id] = true
		}
	})
	require.Equal(t, 200, forward(t, j, nurse, d, nil).StatusCode)
	require.Equal(t, 1, sessions.Kept())
}

func TestASessionUnusedForTooLongIsNotSent(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	j, _ := newJWT(t, c, nil)
	forward(t, j, nurse, d, nil)
	c.Add(50 * time.Minute)
	forward(t, j, nurse, d, nil)
	require.Empty(t, d.last().Header.Get("Cookie"))
}

func TestACookieOfALoadBalancerGoesBackToo(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	d.setMore = []string{"ROUTE=node1; Path=/", "BAD=a\"b; Path=/", "GONE=; Max-Age=0"}
	j, _ := newJWT(t, c, nil)
	forward(t, j, nurse, d, nil)
	forward(t, j, nurse, d, nil)
	got := d.last().Header.Get("Cookie")
	require.Contains(t, got, "ROUTE=node1")
	require.NotContains(t, got, "GONE")
	require.NotContains(t, got, "BAD")
}

func TestSessionsAreBoundedPerUserAndInAll(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	sessions := identity.NewSessions(identity.SessionsConfig{Now: c.Now, PerUser: 2, Users: 3})
	j, _ := newJWT(t, c, func(cfg *identity.JWTConfig) { cfg.Sessions = sessions })
	for i := range 10 {
		name := fmt.Sprint("user", i)
		d.set(func() { d.people[name] = &person{id: name} })
		leases := make([]identity.Lease, 5)
		for n := range leases {
			req, err := http.NewRequest(http.MethodGet, d.URL+"/api/x", nil)
			require.NoError(t, err)
			leases[n], err = j.Sign(t.Context(), identity.User{Username: name}, nil, req)
			require.NoError(t, err)
		}
		for n, l := range leases {
			l.Done(&http.Response{StatusCode: 200, Header: http.Header{"Set-Cookie": {fmt.Sprintf("JSESSIONID=%s-%d", name, n)}}}, nil)
		}
	}
	require.Equal(t, 6, sessions.Kept())
}

func TestAJWTThatDHIS2DoesNotTakeIsTheGatewaysFault(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	d.audience = "other"
	j, _ := newJWT(t, c, nil)
	_, err := tryForward(j, nurse, d, nil)
	requireReason(t, err, fault.UpstreamRefusedIdentity)
	d.keys = nil // a DHIS2 that has not been told of d2gate
	_, err = tryForward(j, nurse, d, nil)
	requireReason(t, err, fault.UpstreamRefusedIdentity)
}

func TestNobodyIsForwardedAsNobody(t *testing.T) {
	c := newClock()
	j, _ := newJWT(t, c, nil)
	req := httptest.NewRequest(http.MethodGet, "/api/x", nil)
	req.Header.Set("Authorization", "Basic eDp5")
	req.Header.Set("Cookie", "JSESSIONID=x")
	_, err := j.Sign(t.Context(), identity.User{}, nil, req)
	require.NoError(t, err)
	require.Empty(t, req.Header)
}

func TestAnIdentityWithAUserOfItsOwnActsAsThatUserWhoeverCalls(t *testing.T) {
	c := newClock()
	j, _ := newJWT(t, c, func(cfg *identity.JWTConfig) { cfg.Fixed = "admin" })
	for _, u := range []identity.User{{}, nurse} {
		require.Equal(t, "admin", claimsOf(t, j, u)["username"])
	}
}

// claimsOf signs for u and reads the claims.
func claimsOf(t *testing.T, j *identity.JWT, u identity.User) map[string]any {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "/api/x", nil)
	_, err := j.Sign(t.Context(), u, nil, req)
	require.NoError(t, err)
	text, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	require.True(t, ok)
	tok, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	require.NoError(t, err)
	require.Equal(t, key(t).ID(), tok.Headers[0].KeyID)
	got := map[string]any{}
	require.NoError(t, tok.UnsafeClaimsWithoutVerification(&got))
	return got
}

func TestTheClaimsAreThoseThatDHIS2NeedsAndNoMore(t *testing.T) {
	c := newClock()
	j, _ := newJWT(t, c, nil)
	now := float64(c.Now().Unix())
	want := map[string]any{"iss": issuerURL, "sub": "nurse", "aud": "d2gate", "username": "nurse", "iat": now, "exp": now + 60}
	require.Equal(t, want, claimsOf(t, j, nurse))
	j, _ = newJWT(t, c, func(cfg *identity.JWTConfig) { cfg.Claim = "email"; cfg.TTL = 30 * time.Second })
	want["email"], want["exp"] = "nurse", now+30
	require.Equal(t, want, claimsOf(t, j, nurse))
}

func TestAJWTIsReusedUntilShortlyBeforeItExpires(t *testing.T) {
	c := newClock()
	j, _ := newJWT(t, c, nil)
	first := claimsOf(t, j, nurse)["iat"]
	c.Add(39 * time.Second)
	require.Equal(t, first, claimsOf(t, j, nurse)["iat"])
	c.Add(time.Second)
	require.NotEqual(t, first, claimsOf(t, j, nurse)["iat"])
}

func TestAClockSetBackMakesANewJWT(t *testing.T) {
	c := newClock()
	j, _ := newJWT(t, c, nil)
	claimsOf(t, j, nurse)
	c.Add(-time.Hour)
	require.EqualValues(t, c.Now().Unix(), claimsOf(t, j, nurse)["iat"])
}

func TestSigningForManyUsersAtOnceMixesNobodyUp(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	for i := range 50 {
		d.people[fmt.Sprint("user", i)] = &person{id: "x"}
	}
	j, _ := newJWT(t, c, nil)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			name := fmt.Sprint("user", i%50)
			req := httptest.NewRequest(http.MethodGet, "/", nil)
			if _, err := j.Sign(context.Background(), identity.User{Username: name}, nil, req); err != nil {
				t.Error(err)
				return
			}
			tok, err := jwt.ParseSigned(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), []jose.SignatureAlgorithm{jose.RS256})
			var got struct {
				Username string `json:"username"`
			}
			if err != nil || tok.UnsafeClaimsWithoutVerification(&got) != nil || got.Username != name {
				t.Errorf("%v %v", err, got)
			}
		})
	}
	wg.Wait()
}

func TestTheKeyIsMadeOnceAndKeptPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sub", "issuer.pem")
	a, err := identity.OpenSigningKey(file)
	require.NoError(t, err)
	b, err := identity.OpenSigningKey(file)
	require.NoError(t, err)
	require.Equal(t, a.ID(), b.ID())
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing half-written stays")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, printed := range []string{fmt.Sprint(a), fmt.Sprintf("%+v %#v", a, a)} {
		require.NotContains(t, string(text), printed)
		require.Equal(t, "[secret]", printed[:8])
	}
}

func TestTwoProcessesThatStartAtOnceUseOneKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "issuer.pem")
	ids := make(chan string, 2)
	for range 2 {
		go func() {
			k, err := identity.OpenSigningKey(file)
			if err != nil {
				ids <- err.Error()
				return
			}
			ids <- k.ID()
		}()
	}
	require.Equal(t, <-ids, <-ids)
}

func TestAKeyThatOthersCanReadIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "issuer.pem")
	_, err := identity.OpenSigningKey(file)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(file, 0o640))
	_, err = identity.OpenSigningKey(file)
	require.ErrorContains(t, err, "others can read it")
}

func TestABadKeyIsRefusedWithoutShowingIt(t *testing.T) {
	for _, text := range []string{"", "hunter2", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n"} {
		_, err := identity.ParseSigningKey([]byte(text))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestTheIssuerAnswersWhereDHIS2Looks(t *testing.T) {
	i, err := identity.NewIssuer(identity.IssuerConfig{URL: issuerURL, Keys: []*identity.SigningKey{key(t)}})
	require.NoError(t, err)
	for _, path := range []string{
		"/d2gate/issuer/.well-known/openid-configuration",
		"/.well-known/openid-configuration/d2gate/issuer",
		"/.well-known/oauth-authorization-server/d2gate/issuer",
	} {
		w := httptest.NewRecorder()
		i.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, 200, w.Code, path)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &doc))
		require.Equal(t, issuerURL, doc["issuer"])
		require.Equal(t, issuerURL+"/jwks", doc["jwks_uri"])
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/d2gate/issuer/jwks", nil))
	var set struct{ Keys []map[string]any }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &set))
	require.Len(t, set.Keys, 1)
	require.Equal(t, "sig", set.Keys[0]["use"])
	require.Equal(t, "RS256", set.Keys[0]["alg"])
	require.Equal(t, key(t).ID(), set.Keys[0]["kid"])
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi"} {
		require.NotContains(t, set.Keys[0], private)
	}
	w = httptest.NewRecorder()
	i.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/d2gate/issuer/other", nil))
	require.Equal(t, 404, w.Code)
	w = httptest.NewRecorder()
	i.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/d2gate/issuer/jwks", nil))
	require.Equal(t, 405, w.Code)
}

func TestAnOldKeyIsStillPublishedBesideTheNewOne(t *testing.T) {
	old, err := identity.OpenSigningKey(filepath.Join(t.TempDir(), "old.pem"))
	require.NoError(t, err)
	i, err := identity.NewIssuer(identity.IssuerConfig{URL: issuerURL, Keys: []*identity.SigningKey{key(t), old}})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	i.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/d2gate/issuer/jwks", nil))
	require.Contains(t, w.Body.String(), key(t).ID())
	require.Contains(t, w.Body.String(), old.ID())
}

func TestAnIssuerWhoseTextDHIS2WouldNotTakeIsRefused(t *testing.T) {
	for _, u := range []string{"", "gateway/issuer", "http://gateway/issuer/", "http://gateway/issuer?x=1", "http://u@gateway/issuer"} {
		_, err := identity.NewIssuer(identity.IssuerConfig{URL: u, Keys: []*identity.SigningKey{key(t)}})
		require.Error(t, err, u)
	}
}

func TestABrokenAnswerDropsTheSession(t *testing.T) {
	c := newClock()
	d := trusting(t, c)
	j, sessions := newJWT(t, c, nil)
	forward(t, j, nurse, d, nil)
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	lease, err := j.Sign(t.Context(), nurse, nil, req)
	require.NoError(t, err)
	require.False(t, lease.Done(nil, errors.New("broken pipe")))
	require.Zero(t, sessions.Kept(), "its id may have changed unseen")
}

func BenchmarkSignWithAKeptJWT(b *testing.B) {
	sessions := identity.NewSessions(identity.SessionsConfig{})
	j, err := identity.NewJWT(identity.JWTConfig{Key: key(b), Issuer: issuerURL, Audience: "d2gate", Sessions: sessions})
	require.NoError(b, err)
	req := httptest.NewRequest(http.MethodGet, "/api/x", nil)
	resp := &http.Response{StatusCode: 200, Header: http.Header{"Set-Cookie": {"JSESSIONID=abc; Path=/"}}}
	lease, err := j.Sign(b.Context(), nurse, nil, req)
	require.NoError(b, err)
	lease.Done(resp, nil)
	resp = &http.Response{StatusCode: 200}
	b.ReportAllocs()
	for b.Loop() {
		lease, err := j.Sign(b.Context(), nurse, nil, req)
		if err != nil {
			b.Fatal(err)
		}
		lease.Done(resp, nil)
	}
}

func BenchmarkSignANewJWT(b *testing.B) {
	c := newClock()
	j, _ := newJWT(b, c, nil)
	req := httptest.NewRequest(http.MethodGet, "/api/x", nil)
	b.ReportAllocs()
	for b.Loop() {
		c.Add(time.Minute)
		if _, err := j.Sign(b.Context(), nurse, nil, req); err != nil {
			b.Fatal(err)
		}
	}
}
