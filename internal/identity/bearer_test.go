package identity_test

import (
	"maps"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

func newBearers(t *testing.T, p *idp, c *clock) *identity.Bearers {
	t.Helper()
	b, err := identity.NewBearers(identity.BearersConfig{
		Issuers: []identity.TrustedIssuer{{Issuer: p.URL, Audience: "dhis2"}}, Transport: identity.NewTransport(time.Second), Now: c.Now,
	})
	require.NoError(t, err)
	return b
}

// goodClaims are those of an access token of p.
func goodClaims(p *idp, c *clock) map[string]any {
	now := c.Now().Unix()
	return map[string]any{"iss": p.URL, "sub": "s-1", "aud": "dhis2", "exp": now + 300, "iat": now, "preferred_username": "nurse", "azp": "app"}
}

func TestABearerOfATrustedIssuerIsItsUser(t *testing.T) {
	c := newClock()
	p, k := newIDP(t, c.Now)
	b := newBearers(t, p, c)
	text := k.sign(t, nil, goodClaims(p, c))
	require.True(t, b.Takes(text))
	u, err := b.Verify(t.Context(), text)
	require.NoError(t, err)
	require.Equal(t, "nurse", u.Username)
	require.Equal(t, "app", u.ClientID)
}

// TestForgedBearers is the table of security.md 3 for bearers.
func TestForgedBearers(t *testing.T) {
	c := newClock()
	p, k := newIDP(t, c.Now)
	now := c.Now().Unix()
	with := func(change map[string]any) map[string]any { return over(maps.Clone(goodClaims(p, c)), change) }
	for name, text := range map[string]string{
		"aud of another":       k.sign(t, nil, with(map[string]any{"aud": "other"})),
		"no aud":               k.sign(t, nil, with(map[string]any{"aud": nil})),
		"no exp":               k.sign(t, nil, with(map[string]any{"exp": nil})),
		"no sub":               k.sign(t, nil, with(map[string]any{"sub": nil})),
		"no iat":               k.sign(t, nil, with(map[string]any{"iat": nil})),
		"iat ahead":            k.sign(t, nil, with(map[string]any{"iat": now + 3600})),
		"nbf ahead":            k.sign(t, nil, with(map[string]any{"nbf": now + 120})),
		"no username":          k.sign(t, nil, with(map[string]any{"preferred_username": nil})),
		"username with commas": k.sign(t, nil, with(map[string]any{"preferred_username": "a,b"})),
		"two addresses in one": k.sign(t, nil, with(map[string]any{"preferred_username": "a@b@c"})),
		"an ID token":          k.sign(t, nil, with(map[string]any{"nonce": "n"})),
		"a refresh token":      k.sign(t, nil, with(map[string]any{"typ": "Refresh"})),
		"typ of a logout":      k.sign(t, map[jose.HeaderKey]any{"typ": "logout+jwt"}, goodClaims(p, c)),
		"alg none":             unsigned("none")(goodClaims(p, c)),
		"HS256 of the key":     hmacOfPublicKey(t, k)(goodClaims(p, c)),
		"another key":          otherKey(t, "k1")(goodClaims(p, c)),
		"its own key":          ownJWK(t)(goodClaims(p, c)),
		"changed payload":      tampered(t, k)(goodClaims(p, c)),
		"iss unknown":          k.sign(t, nil, with(map[string]any{"iss": "https://evil.example"})),
		"iss with a slash":     k.sign(t, nil, with(map[string]any{"iss": p.URL + "/"})),
		"crit":                 raw(map[string]any{"alg": "RS256", "kid": "k1", "crit": []string{"x"}, "x": 1}, goodClaims(p, c), "x"),
		"empty":                "",
		"dots":                 "..",
		"four parts":           k.sign(t, nil, goodClaims(p, c)) + ".x",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newBearers(t, p, c).Verify(t.Context(), text)
			f := requireReason(t, err, fault.TokenUnknown)
			require.Equal(t, fault.Bearer, f.Scheme)
			require.Equal(t, "Invalid access token", f.Message)
		})
	}
}

func TestAnExpiredBearerIsToldSo(t *testing.T) {
	c := newClock()
	p, k := newIDP(t, c.Now)
	b := newBearers(t, p, c)
	text := k.sign(t, nil, goodClaims(p, c))
	c.Add(299 * time.Second)
	_, err := b.Verify(t.Context(), text)
	require.NoError(t, err)
	c.Add(time.Second) // at exp it is over
	_, err = b.Verify(t.Context(), text)
	requireReason(t, err, fault.TokenExpired)
}

func TestTheTypesOfAnAccessTokenAreTaken(t *testing.T) {
	c := newClock()
	p, k := newIDP(t, c.Now)
	b := newBearers(t, p, c)
	for _, typ := range []string{"JWT", "jwt", "at+jwt", "application/at+jwt"} {
		_, err := b.Verify(t.Context(), k.sign(t, map[jose.HeaderKey]any{"typ": typ}, goodClaims(p, c)))
		require.NoError(t, err, typ)
	}
}

func TestANewKeyOfTheIssuerIsSeenAtOnceAndAnOldOneGoes(t *testing.T) {
	c := newClock()
	p, k1 := newIDP(t, c.Now)
	b := newBearers(t, p, c)
	_, err := b.Verify(t.Context(), k1.sign(t, nil, goodClaims(p, c)))
	require.NoError(t, err)
	c.Add(15 * time.Second)
	k2 := newSigner(t, "k2")
	p.set(func() { p.keys = []jose.JSONWebKey{k2.public()} })
	_, err = b.Verify(t.Context(), k1.sign(t, nil, goodClaims(p, c)))
	require.NoError(t, err, "still held")
	_, err = b.Verify(t.Context(), k2.sign(t, nil, goodClaims(p, c)))
	require.NoError(t, err, "rotated just before signing")
	_, err = b.Verify(t.Context(), k1.sign(t, nil, goodClaims(p, c)))
	requireReason(t, err, fault.TokenUnknown)
}

func TestMadeUpKeyIdsDoNotHammerTheIssuer(t *testing.T) {
	c := newClock()
	p, k := newIDP(t, c.Now)
	b := newBearers(t, p, c)
	for range 100 {
		k.kid = "made-up"
		_, err := b.Verify(t.Context(), k.sign(t, nil, goodClaims(p, c)))
		requireReason(t, err, fault.TokenUnknown)
		c.Add(100 * time.Millisecond)
	}
	require.LessOrEqual(t, p.jwksAsked, 2)
}

func TestWithoutTheIssuersKeysNothingIsAcceptedForLong(t *testing.T) {
	c := newClock()
	p, k := newIDP(t, c.Now)
	b := newBearers(t, p, c)
	_, err := b.Verify(t.Context(), k.sign(t, nil, goodClaims(p, c)))
	require.NoError(t, err)
	p.set(func() { p.jwksDown = true })
	c.Add(4 * time.Minute)
	_, err = b.Verify(t.Context(), k.sign(t, nil, goodClaims(p, c)))
	require.NoError(t, err)
	c.Add(2 * time.Minute)
	_, err = b.Verify(t.Context(), k.sign(t, nil, goodClaims(p, c)))
	requireReason(t, err, fault.StoreUnavailable)
	p.set(func() { p.jwksDown = false })
	c.Add(10 * time.Second)
	_, err = b.Verify(t.Context(), k.sign(t, nil, goodClaims(p, c)))
	require.NoError(t, err)
}

func TestAnIssuerThatDoesNotAnswerRefusesNobodysTokenForGood(t *testing.T) {
	c := newClock()
	p, k := newIDP(t, c.Now)
	p.discovery = map[string]any{"issuer": "https://evil.example"}
	b := newBearers(t, p, c)
	_, err := b.Verify(t.Context(), k.sign(t, nil, goodClaims(p, c)))
	requireReason(t, err, fault.StoreUnavailable)
	p.set(func() { p.discovery = nil })
	c.Add(10 * time.Second)
	_, err = b.Verify(t.Context(), k.sign(t, nil, goodClaims(p, c)))
	require.NoError(t, err)
}

func TestAnOpaqueTokenIsNotForTheIssuers(t *testing.T) {
	c := newClock()
	p, _ := newIDP(t, c.Now)
	for _, text := range []string{"07fc551c-806c-41a4-9a8c-10658bd15435", "a.b.c", "", "e30.e30.e30"} {
		require.False(t, newBearers(t, p, c).Takes(text))
	}
}

func BenchmarkVerifyABearer(b *testing.B) {
	t := &testing.T{}
	c := newClock()
	p, k := newIDP(t, c.Now)
	defer p.Close()
	v := newBearers(t, p, c)
	text := k.sign(t, nil, goodClaims(p, c))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}
