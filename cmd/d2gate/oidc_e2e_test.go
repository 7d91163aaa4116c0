package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// startProvider runs a real OpenID provider, npm's oidc-provider, until the test
// ends.
func startProvider(t *testing.T, settings map[string]any) {
	t.Helper()
	given, err := json.Marshal(settings)
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), "node", "oidc-provider.mjs")
	c.Dir = needJS(t)
	c.Env = append(os.Environ(), "D2GATE="+string(given))
	talk := newWritten()
	c.Stderr = talk
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = in.Close() // it ends by that
		_ = c.Wait()   // or by the test's context
	})
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), talk)
	require.Contains(t, lines.Text(), `"ready"`)
	go func() {
		for lines.Scan() { // nobody reads what else it says
		}
	}()
}

// atProvider signs in at the provider's own pages and consents there, and returns
// what it led to.
func atProvider(p *page, login string) *page {
	p = p.submit("login", login, "password", "not looked at")
	for strings.Contains(p.at.Path, "/interaction/") {
		p = p.submit("prompt", "consent")
	}
	return p
}

// TestSignInAtARealOpenIDProviderLeadsToATokenOfTheDHIS2User follows every page
// without script: a client asks, our page offers the provider, the provider signs
// in, we ask for consent, the client gets a code, a token, and the user's answer.
func TestSignInAtARealOpenIDProviderLeadsToATokenOfTheDHIS2User(t *testing.T) {
	needJS(t)
	address := freePorts(t, 1)[0]
	secretFile := filepath.Join(t.TempDir(), "sso")
	require.NoError(t, os.WriteFile(secretFile, []byte("the provider knows it"), 0o600))
	k := startStackOf(t, "2.44", stackText+`login:
  providers:
    - {id: dhis2, type: password}
    - {id: sso, type: oidc, name: "Test sign-in", issuer: "http://`+address+`", client_id: d2gate, client_secret: "file:`+secretFile+`", username_claim: preferred_username}
`)
	_, port, _ := strings.Cut(address, ":")
	startProvider(t, map[string]any{"port": json.Number(port), "client": "d2gate", "secret": "the provider knows it", "redirect": k.gateway + "/d2gate/sign-in/sso/callback"})
	k.make(t, "/api/oAuth2Clients", `{"name":"Demo","cid":"demo","secret":"1e6db50c-0fee-11e5-98d0-3c15c2c6caf6","grantTypes":["authorization_code","refresh_token"],"redirectUris":["http://www.example.org"]}`)
	ask := k.gateway + "/oauth2/authorize?client_id=demo&response_type=code&state=s1"

	b := newBrowser(t, k.gateway, "http://"+address)
	first := b.open(ask)
	require.Contains(t, first.body, "Test sign-in")
	leave := first.follow("/d2gate/sign-in/sso")
	require.Equal(t, address, leave.at.Host)
	page := atProvider(leave, "admin")
	require.Contains(t, page.body, "Do you authorize", "%d %s", page.status, page.at)
	code := b.allow(page)
	tokens := k.token(t, url.Values{"grant_type": {"authorization_code"}, "code": {code}})
	require.Equal(t, 200, tokens.status, tokens.body)
	require.Equal(t, "admin", k.whoIs(t, tokens.body["access_token"].(string)))

	// The session is ours now: another request asks for consent alone.
	require.Contains(t, b.open(ask).body, "Do you authorize")

	// Whom DHIS2 does not know is not signed in, whatever the provider says.
	stranger := newBrowser(t, k.gateway, "http://"+address)
	page = atProvider(stranger.open(ask).follow("/d2gate/sign-in/sso"), "nobody.here")
	require.GreaterOrEqual(t, page.status, 400)
	require.Nil(t, page.away)
	require.Contains(t, page.at.Path, "/callback")
	require.Contains(t, stranger.open(ask).at.Path, "/sign-in")

	// An answer works once, and only in the browser that left.
	thief := newBrowser(t, k.gateway, "http://"+address)
	victim := newBrowser(t, k.gateway, "http://"+address)
	victim.http.CheckRedirect = func(q *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(q.URL.Path, "/callback") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	stolen := atProvider(victim.open(ask).follow("/d2gate/sign-in/sso"), "admin")
	require.NotNil(t, stolen.away)
	require.GreaterOrEqual(t, thief.open(stolen.away.String()).status, 400)
	require.Contains(t, thief.open(ask).at.Path, "/sign-in")
}

// make posts as admin and demands 201.
func (k *stack) make(t *testing.T, path, body string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.gateway+path, strings.NewReader(body))
	require.NoError(t, err)
	q.SetBasicAuth("admin", "district")
	q.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 201, resp.StatusCode)
}

type tokenAnswer struct {
	status int
	body   map[string]any
}

// token asks the token endpoint as the documented client demo.
func (k *stack) token(t *testing.T, form url.Values) tokenAnswer {
	t.Helper()
	return k.asClient(t, "/uaa/oauth/token", form)
}

// asClient posts a form as the client demo.
func (k *stack) asClient(t *testing.T, path string, form url.Values) tokenAnswer {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.gateway+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	q.SetBasicAuth("demo", "1e6db50c-0fee-11e5-98d0-3c15c2c6caf6")
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer resp.Body.Close()
	out := tokenAnswer{status: resp.StatusCode}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&out.body))
	return out
}

// whoIs asks DHIS2 with a bearer who it takes the caller for.
func (k *stack) whoIs(t *testing.T, bearer string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.gateway+"/api/me?fields=username", nil)
	require.NoError(t, err)
	q.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer resp.Body.Close()
	var me struct{ Username string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&me))
	return me.Username
}
