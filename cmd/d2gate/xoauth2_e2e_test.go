package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// TestXOAuth2FinishesEveryGrantAgainstThePlainExample: golang.org/x/oauth2 with
// go-oidc's discovery, through the pages, in front of a back end that knows nothing
// of d2gate.
func TestXOAuth2FinishesEveryGrantAgainstThePlainExample(t *testing.T) {
	g := startPlain(t, "")
	code, secret, talk := g.do("", "client", "create", "app", "--grant", "password", "--grant", "refresh_token", "--grant", "authorization_code", "--redirect-uri", "http://client.example/cb")
	require.Zero(t, code, talk)
	ctx := t.Context()
	provider, err := oidc.NewProvider(ctx, g.gateway)
	require.NoError(t, err)
	c := oauth2.Config{ClientID: "app", ClientSecret: strings.TrimSpace(secret), Endpoint: provider.Endpoint(), RedirectURL: "http://client.example/cb"}
	call := func(tok *oauth2.Token, scheme string) int {
		status, _, _ := g.ask("GET", g.gateway+"/api/data", "Authorization: "+scheme+" "+tok.AccessToken)
		return status
	}

	tok, err := c.PasswordCredentialsToken(ctx, "admin", "Sesame-1")
	require.NoError(t, err)
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} { // RFC 9110 11.1
		require.Equal(t, http.StatusOK, call(tok, scheme))
	}
	tok.Expiry = tok.Expiry.AddDate(-1, 0, 0)
	renewed, err := c.TokenSource(ctx, tok).Token()
	require.NoError(t, err)
	require.NotEqual(t, tok.RefreshToken, renewed.RefreshToken)
	require.Equal(t, http.StatusOK, call(renewed, "Bearer"))

	b, verifier := newBrowser(t, g.gateway), oauth2.GenerateVerifier()
	answer := b.authorize(c.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), "admin", "Sesame-1")
	byCode, err := c.Exchange(ctx, answer, oauth2.VerifierOption(verifier))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, call(byCode, "Bearer"))
	_, err = c.Exchange(ctx, answer, oauth2.VerifierOption(verifier))
	require.Error(t, err)
	require.Equal(t, http.StatusUnauthorized, call(byCode, "Bearer"))
	require.NotContains(t, g.upstreamCalls.String(), "Bearer", "the back end sees no credential but Basic at /api/me")
}
