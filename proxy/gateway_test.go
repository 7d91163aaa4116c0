package proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/proxy"
)

func TestATokenPassesAsItsOwnerAndNothingOfItDoes(t *testing.T) {
	r := start(t, setup{})
	tok := r.token("nurse")
	a := r.send("GET /api/41/me.json?fields=:all&x=%zz;y", "Authorization: ApiToken "+tok, "Cookie: JSESSIONID=1", "Origin: https://x.example")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "ok", a.body)
	require.Len(t, a.header.Get("X-Request-Id"), 20)
	got := r.got()
	require.Len(t, got, 1)
	require.Equal(t, "/api/41/me.json?fields=:all&x=%zz;y", got[0].Target, "bytes are forwarded as received")
	require.Equal(t, "Bearer upstream-credential-of-nurse", got[0].Header.Get("Authorization"))
	require.Empty(t, got[0].Header.Values("Cookie"))
	require.Empty(t, got[0].Header.Values("Origin"))
	require.Equal(t, []string{"127.0.0.1"}, got[0].Header.Values("X-Forwarded-For"))
	require.Equal(t, a.header.Get("X-Request-Id"), got[0].Header.Get("X-Request-Id"))
	l := r.audited(1)[0]
	require.Equal(t, "allow", l.Decision)
	require.Equal(t, "nurse", l.User)
	require.Equal(t, "api", l.Route)
	require.Equal(t, "/api/41/me.json", l.Path)
	require.Equal(t, 200, l.UpstreamStatus)
	require.Equal(t, "127.0.0.1", l.Client)
	require.NotEmpty(t, l.Token)
}

func TestRefusalsSayWhyInOneWayEverywhere(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{
			{ID: "ping", Path: "/api/ping", Credentials: []string{"none"}},
			{ID: "closed", Resource: "sqlViews", Refuse: "SQL views are closed here."},
			{ID: "only-pat", Resource: "analytics", Credentials: []string{"pat"}},
			{ID: "mixed", Resource: "loginConfig", Credentials: []string{"none", "session"}},
			{ID: "api", Path: "/api/**"},
		}
	}})
	tok := r.token("nurse")
	get := r.token("nurse", limit(t, constraints.MethodAllowedList, "GET"))
	flipped := tok[:len(tok)-1] + string('0'+(tok[len(tok)-1]-'0'+1)%10)
	stranger := start(t, setup{}).token("nurse") // well formed, of another gateway
	for _, tt := range []struct {
		name   string
		do     string
		lines  []string
		status int
		reason string
		scheme string
	}{
		{"no credential", "GET /api/me", nil, 401, "credential_missing", ""},
		{"two Authorization lines", "GET /api/me", []string{"Authorization: ApiToken " + tok, "Authorization: ApiToken " + tok}, 400, "credential_multiple", ""},
		{"two tokens in one line", "GET /api/me", []string{"Authorization: ApiToken " + tok + ", ApiToken " + tok}, 400, "token_malformed", "ApiToken"},
		{"two blanks", "GET /api/me", []string{"Authorization: ApiToken  " + tok}, 400, "token_malformed", "ApiToken"},
		{"no blank", "GET /api/me", []string{"Authorization: ApiToken" + tok}, 400, "token_malformed", "ApiToken"},
		{"bare scheme", "GET /api/me", []string{"Authorization: apitoken"}, 400, "token_malformed", "ApiToken"},
		{"wrong checksum", "GET /api/me", []string{"Authorization: ApiToken " + flipped}, 400, "token_checksum", "ApiToken"},
		{"truncated", "GET /api/me", []string{"Authorization: ApiToken " + tok[:47]}, 400, "token_checksum", "ApiToken"},
		{"unknown", "GET /api/me", []string{"Authorization: ApiToken " + stranger}, 401, "token_unknown", "ApiToken"},
		{"any case of the scheme", "GET /api/sqlViews", []string{"Authorization: aPiToKeN " + tok}, 403, "policy_refused", ""},
		{"method not allowed by the token", "POST /api/me", []string{"Authorization: ApiToken " + get}, 401, "constraint_method", "ApiToken"},
		{"HEAD is not implied by GET", "HEAD /api/me", []string{"Authorization: ApiToken " + get}, 401, "constraint_method", "ApiToken"},
		{"wrong password", "GET /api/me", []string{"Authorization: Basic YWRtaW46eA=="}, 401, "login_failed", ""},
		{"Basic that is no base64", "GET /api/me", []string{"Authorization: Basic %%%"}, 401, "login_failed", ""},
		{"Basic without colon", "GET /api/me", []string{"Authorization: Basic YWRtaW4="}, 401, "login_failed", ""},
		{"unknown bearer", "GET /api/me", []string{"Authorization: Bearer abc"}, 401, "token_unknown", "Bearer"},
		{"malformed bearer", "GET /api/me", []string{"Authorization: Bearer a b"}, 400, "token_malformed", "Bearer"},
		{"another scheme", "GET /api/me", []string{"Authorization: Digest x"}, 401, "credential_missing", ""},
		{"wrong kind for the route", "GET /api/analytics", []string{basic}, 403, "policy_refused", ""},
		{"a kind that is sent but not listed beside none", "GET /api/loginConfig", []string{basic}, 403, "policy_refused", ""},
		{"a garbage token on a refused path is judged first", "GET /api/sqlViews", []string{"Authorization: ApiToken " + flipped}, 400, "token_checksum", "ApiToken"},
		{"no route", "GET /dhis-web-dashboard", []string{basic}, 403, "policy_refused", ""},
		{"look-alike of an own path", "GET /api/apitoken", []string{basic}, 403, "policy_refused", ""},
		{"ambiguous target", "GET /api/../me", []string{basic}, 400, "target_ambiguous", ""},
		{"TRACE", "TRACE /api/me", nil, 405, "method_refused", ""},
		{"PROPFIND", "PROPFIND /api/me", nil, 405, "method_refused", ""},
		{"lower-case method", "get /api/me", nil, 405, "method_refused", ""},
		{"Upgrade", "GET /api/me", []string{basic, "Upgrade: websocket", "Connection: Upgrade"}, 400, "request_malformed", ""},
		{"h2c", "GET /api/me", []string{basic, "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"}, 400, "request_malformed", ""},
		{"preflight without credential", "OPTIONS /api/me", []string{"Origin: https://x.example", "Access-Control-Request-Method: GET"}, 401, "credential_missing", ""},
		{"long target", "GET /api/me?x=" + strings.Repeat("a", 9000), []string{basic}, 431, "header_too_large", ""},
		{"long header", "GET /api/me", []string{basic, "X-Long: " + strings.Repeat("a", 40000)}, 431, "header_too_large", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := r.store.asked
			a := r.send(tt.do, tt.lines...)
			require.Equal(t, tt.status, a.status, a.body)
			require.Equal(t, tt.reason, a.reason())
			require.Equal(t, tt.scheme, strings.Split(a.header.Get("WWW-Authenticate"), " ")[0])
			require.NotEmpty(t, a.header.Get("X-Request-Id"))
			require.Empty(t, r.got(), "nothing reaches the upstream")
			if !strings.HasPrefix(tt.do, "HEAD") {
				require.Contains(t, a.body, `"reason":"`+tt.reason+`"`)
				require.Contains(t, a.body, a.header.Get("X-Request-Id"))
				require.Contains(t, a.body, "/d2gate/help/"+tt.reason)
			}
			if tt.reason == "token_checksum" || tt.reason == "token_malformed" {
				require.Equal(t, before, r.store.asked, "garbage costs no look-up")
			}
			if tt.reason == "method_refused" {
				require.Equal(t, "HEAD, GET, POST, PUT, PATCH, DELETE, OPTIONS", a.header.Get("Allow"))
			}
			require.NotContains(t, a.body, tok)
		})
	}
}

func TestAnOpenRouteLooksAtNoCredentialAndForwardsNone(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{{ID: "ping", Path: "/api/ping", Credentials: []string{"none"}, Identity: "own"}}
	}})
	for _, lines := range [][]string{nil, {"Authorization: Basic YWRtaW46eA=="}, {"Authorization: ApiToken x", "Authorization: y"}} {
		require.Equal(t, 200, r.send("GET /api/ping", lines...).status)
		require.Empty(t, r.got()[0].Header.Values("Authorization"))
	}
	a := r.send("GET /api/ping", "Cookie: JSESSIONID=abc; other=1")
	require.Equal(t, 200, a.status)
	require.Equal(t, []string{"JSESSIONID=abc"}, r.got()[0].Header.Values("Cookie"))
	// B11: what opens a path is the path, exactly.
	for _, do := range []string{"GET /api/pings", "GET /api/ping/x", "GET /api/41/ping", "GET /api/me?/api/ping", "GET /x/api/ping", "GET /API/ping"} {
		require.Equal(t, 403, r.send(do, "User-Agent: kube-probe/1.0").status, do)
	}
}

func TestPassthroughPassesTheOneCredentialThatWasJudged(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{{ID: "api", Path: "/api/**", Credentials: []string{"basic", "none"}, Identity: "own"}}
	}, upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "JSESSIONID=new")
	}})
	a := r.send("GET /api/me", basic, "Cookie: JSESSIONID=1", "Origin: https://x.example")
	require.Equal(t, []string{"JSESSIONID=new"}, a.header.Values("Set-Cookie"))
	got := r.got()[0].Header
	require.Equal(t, strings.TrimPrefix(basic, "Authorization: "), got.Get("Authorization"))
	require.Empty(t, got.Values("Cookie"), "cookies beside an Authorization are dropped")
	r.send("GET /api/me", "Cookie: JSESSIONID=1")
	require.Equal(t, []string{"JSESSIONID=1"}, r.got()[0].Header.Values("Cookie"))
}

func TestACookieIsNeverPassedWithATokenNorGivenToItsCaller(t *testing.T) { // CVE-2023-31139
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "JSESSIONID=unlimited; Path=/")
		w.Header().Add("Set-Cookie", "SESSION_EXPIRE=1")
		w.WriteHeader(http.StatusEarlyHints) // a 1xx answer with the cookie in it
		w.WriteHeader(http.StatusOK)
	}})
	answers, _ := r.raw("GET /api/me HTTP/1.1\r\nHost: x\r\nAuthorization: ApiToken " + r.token("nurse") + "\r\nCookie: JSESSIONID=other\r\nConnection: close\r\n\r\n")
	require.Len(t, answers, 1, "a 1xx answer of the upstream stays inside")
	require.Equal(t, 200, answers[0].status)
	require.Empty(t, answers[0].header.Values("Set-Cookie"))
	require.Empty(t, r.got()[0].Header.Values("Cookie"))
}

func TestRedirectsAreNotFollowedAndPointToThePublicAddress(t *testing.T) {
	var location string
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	}, config: func(c *config.Config) {
		c.Server.PublicURL.Path, c.Server.ContextPath = "/hmis", "/hmis"
		c.Upstream.URL.Path = "/dhis"
	}})
	public := r.url + "/hmis"
	for from, to := range map[string]string{
		"/dhis/login/":                       "/hmis/login/",
		"/dhis":                              "/hmis",
		"/dhisother/x":                       "/dhisother/x",
		r.upstream.URL + "/dhis/api/users/x": public + "/api/users/x",
		r.url + "/dhis/api/x":                public + "/api/x",
		"https://elsewhere.example/dhis/x":   "https://elsewhere.example/dhis/x",
		"//elsewhere.example/dhis":           "//elsewhere.example/dhis",
		"http://169.254.169.254/latest":      "http://169.254.169.254/latest",
	} {
		location = from
		a := r.send("GET /hmis/api/x", basic)
		require.Equal(t, 302, a.status)
		require.Equal(t, to, a.header.Get("Location"), from)
		got := r.got()
		require.Len(t, got, 1)
		require.Equal(t, "/dhis/api/x", got[0].Target)
	}
	require.Equal(t, 403, r.send("GET /api/x", basic).status, "outside the context path")
	require.Empty(t, r.got())
}

func TestARefusalIsOnRecordBeforeItIsSent(t *testing.T) {
	r := start(t, setup{})
	a := r.send("GET /api/me?token=secret-in-query")
	lines := r.audited(1)
	require.Equal(t, a.header.Get("X-Request-Id"), lines[0].RequestID)
	require.Equal(t, "refuse", lines[0].Decision)
	require.Equal(t, "credential_missing", lines[0].Reason)
	require.Equal(t, []string{"credential_missing"}, lines[0].Failed)
	require.Equal(t, "/api/me", lines[0].Path)
}

func TestAllFailuresAreLoggedAndTheFirstIsTold(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{
			{ID: "closed", Resource: "sqlViews", Credentials: []string{"pat"}, Refuse: "closed"},
			{ID: "api", Path: "/api/**"}}
	}})
	tok := r.expiring("nurse", time.Now().Add(-time.Hour),
		limit(t, constraints.RefererAllowedList, "https://a.example"), limit(t, constraints.IPAllowedList, "10.0.0.1"),
		limit(t, constraints.MethodAllowedList, "PUT"), limit(t, constraints.ScopeAllowedList, "me:write"))
	a := r.send("GET /api/me", "Authorization: ApiToken "+tok)
	require.Equal(t, "token_expired", a.reason())
	a = r.send("GET /api/sqlViews", "Authorization: ApiToken "+tok)
	require.Equal(t, "policy_refused", a.reason(), "the route comes before the credential's constraints")
	lines := r.audited(2)
	constraint := []string{"token_expired", "constraint_referrer", "constraint_address", "constraint_method", "constraint_scope"}
	require.Equal(t, constraint, lines[0].Failed)
	require.Equal(t, append([]string{"policy_refused"}, constraint...), lines[1].Failed)
	require.Equal(t, "closed", lines[1].Route)
}

// full is a recorder that takes nothing.
type full struct{}

func (full) Record(context.Context, *audit.Event) error { return errors.New("disk full") }
func (full) Reserve() (audit.Slot, error)               { return nil, errors.New("disk full") }

func TestWhatCannotBeRecordedIsNotForwardedAndNotRefusedInSilence(t *testing.T) {
	r := start(t, setup{recorder: full{}})
	for _, lines := range [][]string{{basic}, nil} {
		a := r.send("GET /api/me", lines...)
		require.Equal(t, 503, a.status)
		require.Equal(t, "audit_unavailable", a.reason())
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
	require.Empty(t, r.got())
}

func TestAStoreThatIsGoneRefuses(t *testing.T) {
	r := start(t, setup{})
	tok := r.token("nurse")
	r.store.fail = errors.New("no disk")
	a := r.send("GET /api/me", "Authorization: ApiToken "+tok)
	require.Equal(t, 503, a.status)
	require.Equal(t, "store_unavailable", a.reason())
	require.NotContains(t, a.body, "no disk")
	require.Empty(t, r.got())
}

func TestADisabledOwnerLosesTheToken(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{{ID: "plain", Path: "/api/plain", Identity: "none"}, {ID: "api", Path: "/api/**"}}
	}})
	tok := r.token("nurse")
	r.accounts.disabled["nurse"] = true
	a := r.send("GET /api/me", "Authorization: ApiToken "+tok)
	require.Equal(t, 401, a.status)
	require.Equal(t, "token_owner_disabled", a.reason())
	require.Equal(t, "ApiToken", a.header.Get("WWW-Authenticate"))
	require.Empty(t, r.got())
	require.Equal(t, 200, r.send("GET /api/plain", "Authorization: ApiToken "+tok).status, "with the identity none nothing is asked")
}

func TestAWriteToAccountsDropsWhatIsKeptOfThem(t *testing.T) {
	r := start(t, setup{})
	for do, forgets := range map[string]bool{
		"POST /api/users": true, "PATCH /api/41/users/abc": true, "POST /api/2fa/enable": true, "PUT /api/me/changePassword": true,
		"POST /api/users.json": true, "DELETE /api/users/x/": true,
		"GET /api/users": false, "POST /api/userDataStore/x/y": false, "PUT /api/me": false, "POST /api/auth/login": false,
	} {
		before := r.passwords.forgotten
		require.Equal(t, 200, r.send(do, basic).status)
		require.Equal(t, forgets, r.passwords.forgotten > before, do)
	}
}

func TestAWriteToAccountsThatDHIS2RefusesDropsNothing(t *testing.T) {
	var status atomic.Int64
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		code := int(status.Load())
		if code == 0 {
			panic(http.ErrAbortHandler) // no answer: it may have happened
		}
		w.WriteHeader(code)
	}})
	for answered, forgets := range map[int]bool{
		200: true, 201: true, 302: true, 0: true, 502: true, 503: true, 504: true,
		400: false, 403: false, 404: false, 409: false, 500: false,
	} {
		before := r.passwords.forgotten
		status.Store(int64(answered))
		r.send("PATCH /api/users/abc", basic)
		require.Equal(t, forgets, r.passwords.forgotten > before, "%d", answered)
	}
}

func TestAPanicIsA500WithoutDetails(t *testing.T) {
	var log strings.Builder
	r := start(t, setup{log: &log, owned: func(g *proxy.Gateway) http.Handler {
		return g.Public(func(http.ResponseWriter, *http.Request) error { panic("secret detail") })
	}})
	a := r.send("GET /d2gate/x")
	require.Equal(t, 500, a.status)
	require.NotContains(t, a.body, "secret detail")
	require.Contains(t, log.String(), "secret detail")
	require.Equal(t, "internal_error", r.audited(1)[0].Reason)
	require.Equal(t, 200, r.send("GET /api/me", basic).status, "the next request is served")
}

func TestAPageSaysWhoUsesItForTheRecord(t *testing.T) {
	r := start(t, setup{owned: func(g *proxy.Gateway) http.Handler {
		return g.Public(func(w http.ResponseWriter, q *http.Request) error {
			proxy.Name(q, proxy.Principal{Kind: proxy.SessionCredential, Username: "nurse"})
			w.WriteHeader(http.StatusNoContent)
			return nil
		})
	}})
	require.Equal(t, 204, r.send("GET /d2gate/tokens").status)
	require.Equal(t, "nurse", r.audited(1)[0].User)
}

func TestOwnPathsReachTheirHandlerCanonicalAndUnderNoRoute(t *testing.T) {
	var path, target string
	var who proxy.Principal
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{{ID: "closed", Path: "/**", Refuse: "closed"}}
	}, owned: func(g *proxy.Gateway) http.Handler {
		return g.Authenticated(func(w http.ResponseWriter, q *http.Request, p proxy.Principal) error {
			path, target, who = q.URL.Path, q.RequestURI, p
			_, err := io.WriteString(w, "own "+q.URL.RawQuery)
			return err
		})
	}})
	tok := r.token("nurse")
	a := r.send("GET /api/41/apiTokens/abcdefghijk.json?fields=*", "Authorization: ApiToken "+tok)
	require.Equal(t, 200, a.status)
	require.Equal(t, "own fields=*", a.body)
	require.Equal(t, "/api/apiToken/abcdefghijk", path)
	require.Equal(t, "/api/41/apiTokens/abcdefghijk.json?fields=*", target)
	require.Equal(t, "nurse", who.Username)
	require.NotNil(t, who.Token)

	require.Equal(t, "credential_missing", r.send("GET /api/apiToken").reason())
	limited := r.token("nurse", limit(t, constraints.MethodAllowedList, "POST"))
	require.Equal(t, "constraint_method", r.send("GET /api/apiToken", "Authorization: ApiToken "+limited).reason(), "constraints hold on own paths too")
	r.accounts.disabled["nurse"] = true
	require.Equal(t, "token_owner_disabled", r.send("GET /api/apiToken", "Authorization: ApiToken "+tok).reason())
	big, _ := r.raw("POST /api/apiToken HTTP/1.1\r\nHost: x\r\n" + basic + "\r\nContent-Length: 2000000\r\n\r\n")
	require.Equal(t, 413, big[0].status)
	require.Empty(t, r.got())
	lines := r.audited(5)
	require.Equal(t, "d2gate", lines[0].Route)
	require.Equal(t, "allow", lines[0].Decision)
	require.Equal(t, "nurse", lines[0].User)
}

func TestSwappedRulesHoldFromTheNextRequestOn(t *testing.T) {
	var cfg *config.Config
	r := start(t, setup{config: func(c *config.Config) { cfg = c }})
	require.Equal(t, 200, r.send("GET /api/me", basic).status)
	cfg.Routes = []config.Route{{ID: "closed", Path: "/api/**", Refuse: "Closed for the night."}}
	require.NoError(t, r.gateway.Swap(r.rules()))
	a := r.send("GET /api/me", basic)
	require.Equal(t, 403, a.status)
	require.Contains(t, a.body, "Closed for the night.")
	cfg.Routes[0].Rate = "missing"
	require.Error(t, r.gateway.Swap(r.rules()), "what names no rate is not without a limit")
	cfg.Routes[0].Identity = "missing"
	_, err := proxy.Compile(cfg)
	require.Error(t, err)
	require.Equal(t, 403, r.send("GET /api/me", basic).status)
}
