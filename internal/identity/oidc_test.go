package identity_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

const redirectURL = "https://gw.example.org/d2gate/login/sso"

func newOIDC(t *testing.T, p *idp, c *clock) *identity.OIDC {
	t.Helper()
	o, err := identity.NewOIDC(identity.OIDCConfig{
		Issuer: p.URL, ClientID: "d2gate", ClientSecret: identity.NewPassword("s3cret"), RedirectURL: redirectURL,
		Transport: identity.NewTransport(time.Second), Now: c.Now,
	})
	require.NoError(t, err)
	return o
}

// signIn goes through a whole sign-in; bend changes what comes back.
func signIn(t *testing.T, o *identity.OIDC, p *idp, bend func(url.Values)) (identity.ExternalUser, error) {
	t.Helper()
	to, attempt, err := o.Begin(t.Context())
	require.NoError(t, err)
	back := p.authorize(to)
	if bend != nil {
		bend(back)
	}
	return o.Finish(t.Context(), attempt, back)
}

func TestSignInAtAnotherProvider(t *testing.T) {
	c := newClock()
	p, _ := newIDP(t, c.Now)
	u, err := signIn(t, newOIDC(t, p, c), p, nil)
	require.NoError(t, err)
	require.Equal(t, identity.ExternalUser{Issuer: p.URL, Subject: "s-1", Username: "nurse", ClientID: "d2gate", Expiry: u.Expiry}, u)
	require.Equal(t, c.Now().Add(300*time.Second), u.Expiry.UTC())
}

func TestSeveralTabsSignInAtOnce(t *testing.T) {
	c := newClock()
	p, _ := newIDP(t, c.Now)
	o := newOIDC(t, p, c)
	to1, a1, err := o.Begin(t.Context())
	require.NoError(t, err)
	to2, a2, err := o.Begin(t.Context())
	require.NoError(t, err)
	back2, back1 := p.authorize(to2), p.authorize(to1)
	_, err = o.Finish(t.Context(), a2, back1)
	requireReason(t, err, fault.LoginFailed) // one tab's answer is not the other's
	_, err = o.Finish(t.Context(), a2, back2)
	require.NoError(t, err)
	back1 = p.authorize(to1)
	_, err = o.Finish(t.Context(), a1, back1)
	require.NoError(t, err)
}

// TestForgedIDTokens is the table of security.md 3, RP rows, and 2D.
func TestForgedIDTokens(t *testing.T) {
	c := newClock()
	now := c.Now().Unix()
	for name, tt := range map[string]struct {
		bend func(p *idp, k signer)
		ok   bool
	}{
		"as it should be":           {func(*idp, signer) {}, true},
		"nonce-invalid":             {func(p *idp, _ signer) { p.claims = map[string]any{"nonce": "other"} }, false},
		"nonce missing":             {func(p *idp, _ signer) { p.claims = map[string]any{"nonce": nil} }, false},
		"invalid-iss":               {func(p *idp, _ signer) { p.claims = map[string]any{"iss": "https://evil.example"} }, false},
		"iss with a slash more":     {func(p *idp, _ signer) { p.claims = map[string]any{"iss": p.URL + "/"} }, false},
		"invalid-aud":               {func(p *idp, _ signer) { p.claims = map[string]any{"aud": "other"} }, false},
		"missing-aud":               {func(p *idp, _ signer) { p.claims = map[string]any{"aud": nil} }, false},
		"missing-sub":               {func(p *idp, _ signer) { p.claims = map[string]any{"sub": nil} }, false},
		"missing-iat":               {func(p *idp, _ signer) { p.claims = map[string]any{"iat": nil} }, false},
		"iat ahead":                 {func(p *idp, _ signer) { p.claims = map[string]any{"iat": now + 3600} }, false},
		"missing-exp":               {func(p *idp, _ signer) { p.claims = map[string]any{"exp": nil} }, false},
		"expired":                   {func(p *idp, _ signer) { p.claims = map[string]any{"exp": now - 1} }, false},
		"expires just now":          {func(p *idp, _ signer) { p.claims = map[string]any{"exp": now} }, false},
		"nbf ahead":                 {func(p *idp, _ signer) { p.claims = map[string]any{"nbf": now + 3600} }, false},
		"two audiences without azp": {func(p *idp, _ signer) { p.claims = map[string]any{"aud": []string{"d2gate", "other"}} }, false},
		"two audiences with azp":    {func(p *idp, _ signer) { p.claims = map[string]any{"aud": []string{"d2gate", "x"}, "azp": "d2gate"} }, true},
		"azp of another client":     {func(p *idp, _ signer) { p.claims = map[string]any{"azp": "other"} }, false},
		"at_hash of another token":  {func(p *idp, _ signer) { p.claims = map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"} }, false},
		"no username":               {func(p *idp, _ signer) { p.claims = map[string]any{"preferred_username": ""} }, false},
		"username is no text":       {func(p *idp, _ signer) { p.claims = map[string]any{"preferred_username": 7} }, false},
		"two addresses in one":      {func(p *idp, _ signer) { p.claims = map[string]any{"preferred_username": "a@x.org@evil.org"} }, false},
		"idtoken-sig-none":          {func(p *idp, _ signer) { p.sign = unsigned("none") }, false},
		"idtoken-sig-None":          {func(p *idp, _ signer) { p.sign = unsigned("None") }, false},
		"invalid-sig-rs256":         {func(p *idp, _ signer) { p.sign = otherKey(t, "k1") }, false},
		"invalid-sig-hs256":         {func(p *idp, k signer) { p.sign = hmacOfPublicKey(t, k) }, false},
		"kid unknown":               {func(p *idp, _ signer) { p.sign = otherKey(t, "k9") }, false},
		"kid-absent-single-jwks":    {func(p *idp, k signer) { p.sign = withKid(t, k, "") }, true},
		"kid-absent-multiple-jwks": {func(p *idp, k signer) {
			p.sign = withKid(t, k, "")
			p.keys = append(p.keys, newSigner(t, "k2").public())
		}, false},
		"the header brings its key":    {func(p *idp, _ signer) { p.sign = ownJWK(t) }, false},
		"key of another use":           {func(p *idp, _ signer) { p.keys[0].Use = "enc" }, false},
		"key of another algorithm":     {func(p *idp, _ signer) { p.keys[0].Algorithm = "RS512" }, false},
		"no keys at all":               {func(p *idp, _ signer) { p.keys = nil }, false},
		"userinfo-invalid-sub":         {func(p *idp, _ signer) { userinfo(p, "s-2") }, false},
		"username in userinfo":         {func(p *idp, _ signer) { userinfo(p, "s-1") }, true},
		"a changed payload":            {func(p *idp, k signer) { p.sign = tampered(t, k) }, false},
		"token of another issuer's k1": {func(p *idp, _ signer) { p.sign = otherKey(t, "") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, k := newIDP(t, c.Now)
			tt.bend(p, k)
			u, err := signIn(t, newOIDC(t, p, c), p, nil)
			if tt.ok {
				require.NoError(t, err)
				require.Equal(t, "nurse", u.Username)
				return
			}
			require.Zero(t, u)
			f := requireReason(t, err, fault.LoginFailed)
			require.Equal(t, "Unauthorized", f.Message, "the reason is the operator's")
		})
	}
}

func userinfo(p *idp, sub string) {
	p.claims = map[string]any{"preferred_username": nil}
	p.userinfo = map[string]any{"sub": sub, "preferred_username": "nurse"}
}

func unsigned(alg string) func(map[string]any) string {
	return func(c map[string]any) string { return raw(map[string]any{"alg": alg}, c, "") }
}

func otherKey(t *testing.T, kid string) func(map[string]any) string {
	k := newSigner(t, kid)
	return func(c map[string]any) string { return k.sign(t, nil, c) }
}

func withKid(t *testing.T, k signer, kid string) func(map[string]any) string {
	k.kid = kid
	return func(c map[string]any) string { return k.sign(t, nil, c) }
}

// hmacOfPublicKey signs HS256 with the public key as the secret.
func hmacOfPublicKey(t *testing.T, k signer) func(map[string]any) string {
	der, err := x509.MarshalPKIXPublicKey(&k.private.PublicKey)
	require.NoError(t, err)
	return func(c map[string]any) string {
		body := strings.TrimSuffix(raw(map[string]any{"alg": "HS256", "kid": "k1"}, c, ""), ".")
		mac := hmac.New(sha256.New, der)
		mac.Write([]byte(body))
		return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
}

func ownJWK(t *testing.T) func(map[string]any) string {
	k := newSigner(t, "")
	return func(c map[string]any) string {
		return k.sign(t, map[jose.HeaderKey]any{"jwk": k.public(), "kid": "k9", "jku": "http://127.0.0.1:1/jwks"}, c)
	}
}

func tampered(t *testing.T, k signer) func(map[string]any) string {
	return func(c map[string]any) string {
		parts := strings.Split(k.sign(t, nil, c), ".")
		c["preferred_username"] = "admin"
		forged := strings.Split(raw(map[string]any{}, c, ""), ".")
		return parts[0] + "." + forged[1] + "." + parts[2]
	}
}

func TestTheBrowserMustComeBackWithItsOwnAttempt(t *testing.T) {
	c := newClock()
	for name, bend := range map[string]func(*idp, url.Values){
		"another state":          func(_ *idp, v url.Values) { v.Set("state", "other") },
		"no state":               func(_ *idp, v url.Values) { v.Del("state") },
		"two states":             func(_ *idp, v url.Values) { v.Add("state", v.Get("state")) },
		"no code":                func(_ *idp, v url.Values) { v.Del("code") },
		"two codes":              func(_ *idp, v url.Values) { v.Add("code", "x") },
		"an unknown code":        func(_ *idp, v url.Values) { v.Set("code", "x") },
		"an error":               func(_ *idp, v url.Values) { v.Set("error", "access_denied") },
		"iss of another":         func(_ *idp, v url.Values) { v.Set("iss", "https://evil.example") },
		"no iss though promised": func(p *idp, v url.Values) { v.Del("iss") },
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := newIDP(t, c.Now)
			p.discovery = map[string]any{"authorization_response_iss_parameter_supported": true}
			_, err := signIn(t, newOIDC(t, p, c), p, func(v url.Values) { bend(p, v) })
			f := requireReason(t, err, fault.LoginFailed)
			require.NotContains(t, f.Error(), "secret text")
		})
	}
	p, _ := newIDP(t, c.Now)
	_, err := newOIDC(t, p, c).Finish(t.Context(), identity.Attempt{}, url.Values{"state": {""}, "code": {"x"}})
	requireReason(t, err, fault.LoginFailed)
}

func TestAnAttemptGrowsOld(t *testing.T) {
	c := newClock()
	p, _ := newIDP(t, c.Now)
	_, err := signIn(t, newOIDC(t, p, c), p, func(url.Values) { c.Add(10 * time.Minute) })
	requireReason(t, err, fault.LoginFailed)
}

func TestAProviderThatIsNotWhoItShouldBeIsNotUsed(t *testing.T) {
	c := newClock()
	for name, bend := range map[string]func(*idp){
		"discovery-issuer-mismatch": func(p *idp) { p.discovery = map[string]any{"issuer": "https://evil.example"} },
		"issuer with a slash more":  func(p *idp) { p.discovery = map[string]any{"issuer": p.URL + "/"} },
		"discovery without end":     func(p *idp) { p.endless = "/.well-known/openid-configuration" },
		"gone":                      func(p *idp) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := newIDP(t, c.Now)
			bend(p)
			_, _, err := newOIDC(t, p, c).Begin(t.Context())
			requireReason(t, err, fault.StoreUnavailable)
		})
	}
}

func TestAnswersWithoutEndAreNotRead(t *testing.T) {
	c := newClock()
	for _, path := range []string{"/jwks", "/token", "/userinfo"} {
		p, _ := newIDP(t, c.Now)
		userinfo(p, "s-1")
		p.endless = path
		_, err := signIn(t, newOIDC(t, p, c), p, nil)
		require.Error(t, err, path)
	}
}

func TestAnEmailThatIsNotVerifiedNamesNobody(t *testing.T) {
	c := newClock()
	p, _ := newIDP(t, c.Now)
	o, err := identity.NewOIDC(identity.OIDCConfig{Issuer: p.URL, ClientID: "d2gate", RedirectURL: redirectURL, UsernameClaim: "email", Now: c.Now})
	require.NoError(t, err)
	for verified, ok := range map[any]bool{true: true, "true": true, false: false, "": false} {
		p.set(func() { p.claims = map[string]any{"email": "nurse@moh.example", "email_verified": verified} })
		_, err := signIn(t, o, p, nil)
		require.Equal(t, ok, err == nil, "%v: %v", verified, err)
	}
}
