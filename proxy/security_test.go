package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/proxy"
)

func TestEveryPrefixOfATokenIsRefusedWithoutALookUp(t *testing.T) { // ZITADEL CVE-2026-27840
	r := start(t, setup{})
	tok := r.token("nurse")
	for n := range len(tok) {
		a := r.send("GET /api/me", "Authorization: ApiToken "+tok[:n])
		require.Equal(t, 400, a.status, n)
	}
	for _, more := range []string{tok + "0", tok + "=", tok + " ", "0" + tok, strings.ToUpper(tok), tok + "\u00a0"} {
		a := r.send("GET /api/me", "Authorization: ApiToken "+more)
		if strings.TrimSpace(more) == tok && !strings.Contains(more, "\u00a0") {
			require.Equal(t, 200, a.status, "net/http takes blanks off a line's end")
			continue
		}
		require.Equal(t, 400, a.status, "%q", more)
	}
	require.LessOrEqual(t, r.store.asked, 1)
}

func TestATokenIsTakenFromTheHeaderAlone(t *testing.T) { // security.md A2
	r := start(t, setup{})
	tok := r.token("nurse")
	for _, lines := range [][]string{nil, {"Cookie: Authorization=ApiToken " + tok}, {"X-Authorization: ApiToken " + tok}, {"Proxy-Authorization: ApiToken " + tok}} {
		a := r.sendBody("POST /api/me?access_token="+tok+"&ApiToken="+tok, strings.NewReader("access_token="+tok),
			append(lines, "Content-Type: application/x-www-form-urlencoded")...)
		require.Equal(t, "credential_missing", a.reason())
	}
}

func TestACachedTokenIsJudgedAnewByEveryRequest(t *testing.T) { // Oathkeeper CVE-2026-33496, CVE-2021-32701
	r := start(t, setup{config: func(c *config.Config) {
		c.Server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}})
	auth := "Authorization: ApiToken " + r.token("nurse", limit(t, constraints.IPAllowedList, "10.0.0.1"),
		limit(t, constraints.MethodAllowedList, "GET"), limit(t, constraints.RefererAllowedList, "https://a.example"), limit(t, constraints.ScopeAllowedList, "me:*"))
	good := []string{auth, "X-Forwarded-For: 10.0.0.1", "Referer: https://a.example/x"}
	require.Equal(t, 200, r.send("GET /api/me", good...).status)
	asked := r.store.asked
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, tt := range []struct {
				do, reason string
				lines      []string
			}{
				{"GET /api/me", "", good},
				{"POST /api/me", "constraint_method", good},
				{"GET /api/users", "constraint_scope", good},
				{"GET /api/me", "constraint_address", []string{auth, "X-Forwarded-For: 10.0.0.2", "Referer: https://a.example/x"}},
				{"GET /api/me", "constraint_referrer", []string{auth, "X-Forwarded-For: 10.0.0.1", "Referer: https://b.example/x"}},
			} {
				if got := r.send(tt.do, tt.lines...).reason(); got != tt.reason {
					t.Errorf("%s %v: %q, want %q", tt.do, tt.lines, got, tt.reason)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, asked, r.store.asked, "all of them were answered from the cache")
}

func TestConnectIsRefusedAndLeavesNoTunnel(t *testing.T) { // Traefik CVE-2026-71324
	r := start(t, setup{})
	for _, target := range []string{"gw:80", "/api/me", "127.0.0.1:22", "http://127.0.0.1/"} {
		answers, _ := r.raw("CONNECT " + target + " HTTP/1.1\r\nHost: gw\r\n" + basic + "\r\n\r\n")
		require.NotEmpty(t, answers)
		require.Contains(t, []int{400, 405}, answers[0].status, target)
		require.Empty(t, r.got())
	}
	require.Equal(t, 200, r.send("GET /api/me", basic).status)
}

func TestHeadersDoNotChangeTheRoute(t *testing.T) { // oauth2-proxy CVE-2026-40575
	r := start(t, setup{config: func(c *config.Config) {
		c.Server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		c.Routes = []config.Route{{ID: "ping", Path: "/api/ping", Credentials: []string{"none"}}, {ID: "closed", Path: "/api/users", Refuse: "closed"}, {ID: "api", Path: "/api/**"}}
	}})
	spoof := []string{
		"X-Forwarded-Uri: /api/ping", "X-Original-Url: /api/ping", "X-Rewrite-Url: /api/ping", "X-Original-Uri: /api/ping", "X-Forwarded-Prefix: /api/ping",
		"X-Http-Method-Override: GET", "X-Forwarded-Method: OPTIONS", "X-Forwarded-For: 10.0.0.1", "User-Agent: kube-probe/1.30", "X-Forwarded-User: admin", "Remote-User: admin",
	}
	require.Equal(t, "credential_missing", r.send("GET /api/me", spoof...).reason())
	require.Equal(t, "policy_refused", r.send("DELETE /api/users", append(spoof, basic)...).reason())
	require.Empty(t, r.got())
	limited := r.token("nurse", limit(t, constraints.MethodAllowedList, "GET"))
	require.Equal(t, "constraint_method", r.send("POST /api/me?_method=GET", append(spoof, "Authorization: ApiToken "+limited)...).reason())
}

// cookies is a session store in which one cookie is good.
type cookies struct{}

func (cookies) Session(_ context.Context, h proxy.Header) (proxy.Principal, bool, error) {
	for _, c := range h.Values("Cookie") {
		if c == "d2gate=good" {
			return proxy.Principal{Kind: proxy.SessionCredential, Username: "nurse"}, true, nil
		}
		if c == "d2gate=broken" {
			return proxy.Principal{}, false, errors.New("no store")
		}
	}
	return proxy.Principal{}, false, nil
}

func TestByCookieAloneOnlyPagesOfTheSiteMayChangeSomething(t *testing.T) {
	r := start(t, setup{sessions: cookies{}, config: func(c *config.Config) {
		c.Routes = []config.Route{{ID: "api", Path: "/api/**", Credentials: []string{"session", "pat"}}}
	}, owned: func(g *proxy.Gateway) http.Handler {
		return g.Authenticated(func(http.ResponseWriter, *http.Request, proxy.Principal) error { return nil })
	}})
	const cookie = "Cookie: d2gate=good"
	for _, path := range []string{"/api/me", "/api/apiToken"} {
		for _, tt := range []struct {
			method string
			lines  []string
			status int
		}{
			{"GET", nil, 200}, {"HEAD", nil, 200}, {"OPTIONS", nil, 200},
			{"POST", nil, 403},
			{"POST", []string{"Origin: " + r.url}, 200},
			{"POST", []string{"Sec-Fetch-Site: same-origin"}, 200},
			{"POST", []string{"Sec-Fetch-Site: same-site", "Origin: " + r.url}, 403},
			{"POST", []string{"Sec-Fetch-Site: cross-site"}, 403},
			{"POST", []string{"Sec-Fetch-Site: none"}, 403},
			{"POST", []string{"Origin: null"}, 403},
			{"POST", []string{"Origin: https://evil.example"}, 403},
			{"DELETE", []string{"Origin: " + r.url + ".evil.example"}, 403},
			{"PATCH", []string{"Origin: " + r.url, "Origin: https://evil.example"}, 403},
			{"PUT", []string{"Referer: " + r.url + "/x"}, 403},
		} {
			a := r.send(tt.method+" "+path, append(tt.lines, cookie)...)
			require.Equal(t, tt.status, a.status, "%s %s %v", tt.method, path, tt.lines)
			if tt.status == 403 {
				require.Equal(t, "policy_refused", a.reason())
			}
		}
	}
	for _, path := range []string{"/api/metadata/sync?versionName=v1", "/api/39/jobConfigurations/abc/execute"} {
		require.Equal(t, "policy_refused", r.send("GET "+path, cookie, "Sec-Fetch-Site: cross-site").reason(), "a GET that changes something is no read: %s", path)
		require.Equal(t, 200, r.send("GET "+path, cookie, "Sec-Fetch-Site: same-origin").status, path)
	}
	r.got()
	require.Equal(t, "credential_missing", r.send("GET /api/me", "Cookie: d2gate=bad").reason())
	require.Equal(t, 500, r.send("GET /api/me", "Cookie: d2gate=broken").status, "a store that fails is no sign-in")
	require.Equal(t, "policy_refused", r.send("POST /api/me", basic, cookie).reason(), "a cookie beside an Authorization does not count")
	require.Empty(t, r.got())
}

func TestNoOutputHoldsASecret(t *testing.T) { // security.md A9
	var log syncBuffer
	r := start(t, setup{log: &log, config: func(c *config.Config) { c.Tokens.Unknown = "refuse" }})
	tok := r.token("nurse", limit(t, constraints.MethodAllowedList, "GET"))
	unknown := start(t, setup{}).token("x")
	secrets := []string{tok, unknown, "district", strings.TrimPrefix(basic, "Authorization: Basic "), "cookie-secret", "query-secret"}
	var answers strings.Builder
	for _, lines := range [][]string{
		{"Authorization: ApiToken " + tok}, {"Authorization: ApiToken " + tok + ","}, {"Authorization: ApiToken " + unknown}, {"Authorization: Bearer " + tok}, {basic},
		{basic, "Authorization: ApiToken " + tok}, {"Authorization: Basic " + tok}, {"Authorization: " + tok},
	} {
		for _, do := range []string{"GET /api/me?x=query-secret", "POST /api/me?x=query-secret", "GET /api/../x?x=query-secret", "GET http://user:query-secret@other.example/x?x=query-secret"} {
			a := r.send(do, append(lines, "Cookie: JSESSIONID=cookie-secret")...)
			fmt.Fprintln(&answers, a.header, a.body)
		}
	}
	r.upstream.CloseClientConnections()
	r.upstream.Listener.Close()
	r.send("GET /api/me?x=query-secret", "Authorization: ApiToken "+tok)
	require.NoError(t, r.file.Close())
	written, err := os.ReadFile(r.logPath)
	require.NoError(t, err)
	c, err := proxy.ParseCredential(http.Header{"Authorization": {"ApiToken " + tok}})
	require.NoError(t, err)
	printed := fmt.Sprintf("%v %+v %#v %s", c, c, c, c)
	for _, secret := range secrets {
		for name, text := range map[string]string{"answers": answers.String(), "audit": string(written), "log": log.String(), "printed": printed} {
			require.NotContains(t, text, secret, name)
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func FuzzParseCredential(f *testing.F) {
	for _, s := range []string{"ApiToken x", "apitoken", "Bearer a.b.c", "Basic YTpi", "Basic YTpi==", "basic", "Digest x", "ApiToken a, b", "ApiToken x=", "BEARER x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := proxy.ParseCredential(http.Header{"Authorization": {line}})
		if err == nil {
			require.Contains(t, []proxy.CredentialKind{proxy.PATCredential, proxy.OAuth2Credential, proxy.BasicCredential}, c.Kind)
		} else if len(line) > 12 {
			require.NotContains(t, err.Error(), line)
		}
	})
}
