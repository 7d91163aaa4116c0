package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoOtherSiteMayReadTheOAuth2Server: security.md C12. Public documents may be
// read from anywhere, without credentials; nothing else answers CORS.
func TestNoOtherSiteMayReadTheOAuth2Server(t *testing.T) {
	g := startPlain(t, "")
	for _, path := range []string{
		"/uaa/oauth/token", "/uaa/oauth/authorize", "/uaa/oauth/check_token", "/oauth/token", "/oauth/authorize", "/oauth2/token", "/oauth2/authorize",
		"/oauth2/introspect", "/oauth2/revoke", "/userinfo", "/api/oAuth2Clients", "/d2gate/sign-in", "/d2gate/tokens",
	} {
		for _, method := range []string{"OPTIONS", "GET", "POST"} {
			_, header, _ := g.ask(method, g.gateway+path, "Origin: https://evil.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
			for name := range header {
				require.NotContains(t, name, "Access-Control-Allow", "%s %s", method, path)
			}
		}
	}
	_, header, _ := g.ask("GET", g.gateway+"/.well-known/openid-configuration", "Origin: https://evil.example")
	require.Empty(t, header.Get("Access-Control-Allow-Credentials"))
}

// TestWhatTheOAuth2ServerOwnsIsNeverForwarded, in whatever spelling a back end might
// read it: security.md B10.
func TestWhatTheOAuth2ServerOwnsIsNeverForwarded(t *testing.T) {
	g := startPlain(t, "")
	for _, path := range []string{
		"/api/oAuth2Clients", "/api/oAuth2Clients/", "/api/oAuth2Clients.json", "/api/oAuth2Clients.xml", "/api/41/oAuth2Clients", "/api/oAuth2Clients/abcdefghijk.json",
		"/api/%6fAuth2Clients", "/api/oAuth2Client%73/x", "/api/oAuth2Clients;x=1", "/api/./oAuth2Clients", "/api//oAuth2Clients", "/api/x/../oAuth2Clients", "/api/oAuth2Clients%2fx",
		"/uaa/oauth/token", "/uaa/oauth/token/", "/uaa/%6fauth/token", "/uaa/oauth/token.json", "/uaa//oauth/token", "/uaa/oauth/token;a", "/uaa/oauth/nothing", "/uaa",
		"/oauth2/token", "/oauth2/nothing", "/oauth/token", "/userinfo", "/userinfo/", "/.well-known/openid-configuration",
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			g.ask(method, g.gateway+path, "Authorization: Basic YWRtaW46U2VzYW1lLTE=")
		}
	}
	for line := range strings.Lines(g.upstreamCalls.String()) {
		require.Regexp(t, `^GET /api/me `, line)
	}
}

// TestGuessesAtTheTokenEndpointAndByBasicShareOneBudget, whatever the spelling of
// the name; live tokens are not touched by it: security.md C5, E3.
func TestGuessesAtTheTokenEndpointAndByBasicShareOneBudget(t *testing.T) {
	k := startStackOf(t, "2.44", strings.Replace(stackText, "rate: 1000/s, burst: 1000", "rate: 3/15m", 1))
	k.make(t, "/api/oAuth2Clients", `{"name":"Demo","cid":"demo","secret":"1e6db50c-0fee-11e5-98d0-3c15c2c6caf6","grantTypes":["password","refresh_token"]}`)
	good := k.token(t, url.Values{"grant_type": {"password"}, "username": {"admin"}, "password": {"district"}})
	require.Equal(t, 200, good.status)
	for _, name := range []string{"admin", "ADMIN", " admin "} {
		out := k.token(t, url.Values{"grant_type": {"password"}, "username": {name}, "password": {"wrong"}})
		require.Equal(t, 400, out.status, name)
		require.Equal(t, "invalid_grant", out.body["error"])
	}
	out := k.token(t, url.Values{"grant_type": {"password"}, "username": {"Admin"}, "password": {"another guess"}})
	require.Equal(t, 429, out.status)
	require.Equal(t, "temporarily_unavailable", out.body["error"])

	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.gateway+"/api/me", nil)
	require.NoError(t, err)
	q.SetBasicAuth("admin", "yet another guess")
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 429, resp.StatusCode)
	require.Equal(t, "login_throttled", resp.Header.Get("X-Gateway-Reason"))
	require.NotEmpty(t, resp.Header.Get("Retry-After"))

	require.Equal(t, "admin", k.whoIs(t, good.body["access_token"].(string)))
	next := k.token(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {good.body["refresh_token"].(string)}})
	require.Equal(t, 200, next.status)
}

// TestADisabledUserLosesItsTokens: a bearer that worked is refused, a refresh is
// refused, and nothing is signed for the user.
func TestADisabledUserLosesItsTokens(t *testing.T) {
	k := startStack(t, "2.44")
	k.make(t, "/api/oAuth2Clients", `{"name":"Demo","cid":"demo","secret":"1e6db50c-0fee-11e5-98d0-3c15c2c6caf6","grantTypes":["password","refresh_token"]}`)
	k.make(t, "/api/userRoles", `{"id":"roleOfNurs1","name":"nursing","authorities":["F_X"]}`)
	k.make(t, "/api/users", `{"id":"nurseUserA1","username":"nurse2","firstName":"A","surname":"B","password":"Abcd-1234","userRoles":[{"id":"roleOfNurs1"}]}`)
	good := k.token(t, url.Values{"grant_type": {"password"}, "username": {"nurse2"}, "password": {"Abcd-1234"}})
	require.Equal(t, 200, good.status, good.body)
	access := good.body["access_token"].(string)
	require.Equal(t, "nurse2", k.whoIs(t, access))
	checked := k.asClient(t, "/uaa/oauth/check_token", url.Values{"token": {access}})
	require.Equal(t, 200, checked.status)
	require.Equal(t, []any{"F_X"}, checked.body["authorities"], "a resource server of DHIS2 <= 2.41 goes by them")
	require.NotZero(t, checked.body["exp"])
	delete(checked.body, "exp")
	require.Equal(t, map[string]any{"active": true, "user_name": "nurse2", "authorities": []any{"F_X"}, "client_id": "demo", "scope": []any{"ALL"}}, checked.body)
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.gateway+"/api/users/nurseUserA1/disabled", nil)
	require.NoError(t, err)
	q.SetBasicAuth("admin", "district")
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 204, resp.StatusCode)
	require.Empty(t, k.whoIs(t, access))
	require.Equal(t, 400, k.token(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {good.body["refresh_token"].(string)}}).status)
}
