package oauth2server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheOIDFModulesThatApply carries over the modules of the OpenID conformance
// suite that speak of an authorization server without ID tokens, and the ideas of
// its FAPI 2 plan. The names are the suite's.
func TestTheOIDFModulesThatApply(t *testing.T) {
	r := newRig(t)
	r.signedIn = "admin"
	ask := func(pairs ...string) reply {
		v := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		r.problem = nil
		return r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?"+v.Encode(), nil))
	}
	led := func(out reply) url.Values {
		u, err := url.Parse(out.header.Get("Location"))
		require.NoError(t, err)
		require.Equal(t, "www.example.org", u.Host)
		return u.Query()
	}
	t.Run("oidcc-ensure-request-with-unknown-parameter-succeeds", func(t *testing.T) {
		require.Equal(t, 200, ask("client_id", "demo", "response_type", "code", "extra", "foobar", "claims", "{}").status)
	})
	t.Run("ensure-authorization-request-with-long-state", func(t *testing.T) {
		state := strings.Repeat("a b/+&=%ü", 100)
		out := ask("client_id", "demo", "response_type", "foo", "state", state)
		require.Equal(t, state, led(out).Get("state"))
	})
	t.Run("oidcc-response-type-missing", func(t *testing.T) {
		require.Equal(t, "unsupported_response_type", led(ask("client_id", "demo")).Get("error"))
	})
	t.Run("ensure-response-type-token-fails", func(t *testing.T) {
		for _, kind := range []string{"token", "id_token", "code id_token", "code token", "none"} {
			out := led(ask("client_id", "demo", "response_type", kind))
			require.Equal(t, "unsupported_response_type", out.Get("error"), kind)
			require.Empty(t, out.Get("code"))
		}
	})
	t.Run("oidcc-ensure-registered-redirect-uri, -query-added, -regfrag", func(t *testing.T) {
		for _, uri := range []string{"https://elsewhere.example/", "http://www.example.org?foo=bar", "http://www.example.org#foo", "http://www.example.org/", "http://www.example.org.evil.example"} {
			out := ask("client_id", "demo", "response_type", "code", "redirect_uri", uri)
			require.Equal(t, 400, out.status, uri)
			require.Empty(t, out.header.Get("Location"))
		}
	})
	t.Run("oidcc-ensure-redirect-uri-in-authorization-request", func(t *testing.T) {
		c, err := r.st.ClientByCID(t.Context(), "demo")
		require.NoError(t, err)
		only := c.RedirectURIs
		c.RedirectURIs = append([]string{"https://b.example/cb"}, only...)
		require.NoError(t, r.st.UpdateClient(t.Context(), c))
		require.Equal(t, 400, ask("client_id", "demo", "response_type", "code").status, "two are registered, so one must be named")
		c.RedirectURIs = only
		require.NoError(t, r.st.UpdateClient(t.Context(), c))
	})
	t.Run("par-plain-pkce-rejected", func(t *testing.T) {
		for _, method := range []string{"plain", "s256", "S512", ""} {
			out := ask("client_id", "demo", "response_type", "code", "code_challenge", strings.Repeat("c", 43), "code_challenge_method", method)
			require.Equal(t, "invalid_request", led(out).Get("error"), method)
		}
	})
	for _, wait := range []time.Duration{0, time.Second, 30 * time.Second} {
		t.Run("oidcc-codereuse after "+wait.String(), func(t *testing.T) {
			code := r.code()
			tokens := r.token("grant_type", "authorization_code", "code", code)
			require.Equal(t, 200, tokens.status)
			r.wait(wait)
			r.token("grant_type", "authorization_code", "code", code).refused(t, 400, "invalid_grant", "Invalid authorization code")
			require.False(t, r.works(text(tokens.body["access_token"])))
			require.Equal(t, 400, r.token("grant_type", "refresh_token", "refresh_token", text(tokens.body["refresh_token"])).status)
		})
	}
	t.Run("oidcc-server-client-secret-post", func(t *testing.T) {
		out := r.post("/oauth2/token", "", "client_id", "demo", "client_secret", documentedSecret, "grant_type", "password", "username", "admin", "password", "district")
		require.Equal(t, 200, out.status)
	})
}
