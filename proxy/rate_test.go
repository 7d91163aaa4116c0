package proxy_test

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/proxy"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestARateRefusesWithTheExactTimeToWait(t *testing.T) {
	c := newClock()
	var cfg *config.Config
	r := start(t, setup{now: c.now, config: func(k *config.Config) {
		cfg = k
		k.Rates["tokens"] = []config.Rate{{Per: []string{"token"}, Events: 6, Window: time.Minute, Burst: 2}}
		k.Routes = []config.Route{{ID: "api", Path: "/api/**", Rate: "tokens"}}
	}})
	one, two := "Authorization: ApiToken "+r.token("nurse"), "Authorization: ApiToken "+r.token("nurse")
	require.Equal(t, 200, r.send("GET /api/me", one).status)
	require.Equal(t, 200, r.send("GET /api/me", one).status)
	a := r.send("GET /api/me", one)
	require.Equal(t, 429, a.status)
	require.Equal(t, "rate_limited", a.reason())
	require.Equal(t, "10", a.header.Get("Retry-After"))
	require.Equal(t, 200, r.send("GET /api/me", two).status, "another token, another bucket")
	c.move(9 * time.Second)
	require.Equal(t, "1", r.send("GET /api/me", one).header.Get("Retry-After"), "a refused request is not counted")
	c.move(time.Second)
	require.Equal(t, 200, r.send("GET /api/me", one).status)
	require.Equal(t, 429, r.send("GET /api/me", one).status)
	cfg.Rates["tokens"][0].Burst = 3
	require.NoError(t, r.gateway.Swap(r.rules()))
	require.Equal(t, 200, r.send("GET /api/me", one).status, "a reload makes new buckets")
}

func TestARateCountsByEachOfItsNames(t *testing.T) {
	c := newClock()
	r := start(t, setup{now: c.now, config: func(k *config.Config) {
		k.Rates["both"] = []config.Rate{
			{Per: []string{"username", "client_ip"}, Events: 2, Window: time.Minute},
			{Per: []string{"route"}, Events: 100, Window: time.Minute},
		}
		k.Routes = []config.Route{{ID: "api", Path: "/api/**", Rate: "both"}}
	}})
	for _, user := range []string{"a", "b"} {
		require.Equal(t, 200, r.send("GET /api/me", "Authorization: ApiToken "+r.token(user)).status)
	}
	a := r.send("GET /api/me", "Authorization: ApiToken "+r.token("c"))
	require.Equal(t, 429, a.status, "three users of one address")
	require.Equal(t, "30", a.header.Get("Retry-After"))
}

func TestConcurrencyOfARouteAndOfARate(t *testing.T) {
	for _, of := range []string{"route", "rate"} {
		t.Run(of, func(t *testing.T) {
			hold, entered := make(chan struct{}), make(chan struct{}, 4)
			r := start(t, setup{config: func(k *config.Config) {
				route := config.Route{ID: "import", Path: "/api/**"}
				if of == "route" {
					route.Concurrency = 1
				} else {
					route.Rate = "r"
					k.Rates["r"] = []config.Rate{{Per: []string{"username"}, Concurrency: 1}}
				}
				k.Routes = []config.Route{route}
			}, upstream: func(http.ResponseWriter, *http.Request) {
				entered <- struct{}{}
				<-hold
			}})
			done := make(chan int)
			go func() { done <- r.send("POST /api/metadata", basic).status }()
			<-entered
			a := r.send("POST /api/metadata", basic)
			require.Equal(t, 429, a.status)
			require.Equal(t, "rate_limited", a.reason())
			require.Equal(t, "1", a.header.Get("Retry-After"))
			close(hold)
			require.Equal(t, 200, <-done)
			require.Equal(t, 200, r.send("POST /api/metadata", basic).status, "the place is given back")
		})
	}
}

func TestBadTokenCountsUnknownTokensAloneAndStopsNoTokenInForce(t *testing.T) {
	r := start(t, setup{config: func(k *config.Config) {
		k.Rates["bad_token"] = []config.Rate{{Per: []string{"client_ip"}, Events: 2, Window: time.Hour}}
	}})
	good := "Authorization: ApiToken " + r.token("nurse")
	other := start(t, setup{})
	for range 5 {
		require.Equal(t, "token_checksum", r.send("GET /api/me", good[:len(good)-1]).reason(), "garbage costs nothing")
	}
	for range 2 {
		require.Equal(t, "token_unknown", r.send("GET /api/me", "Authorization: ApiToken "+other.token("x")).reason())
	}
	a := r.send("GET /api/me", "Authorization: ApiToken "+other.token("x"))
	require.Equal(t, "rate_limited", a.reason())
	require.Equal(t, "1800", a.header.Get("Retry-After"))
	require.Equal(t, 200, r.send("GET /api/me", good).status)
}

func TestAFullGatewayIsOverloadedAndRecovers(t *testing.T) {
	hold, entered := make(chan struct{}), make(chan struct{}, 4)
	r := start(t, setup{config: func(k *config.Config) { k.Server.Limits.InFlight = 1 }, upstream: func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-hold
	}})
	done := make(chan int)
	go func() { done <- r.send("GET /api/me", basic).status }()
	<-entered
	a := r.send("GET /api/me", basic)
	require.Equal(t, 503, a.status)
	require.Equal(t, "overloaded", a.reason())
	_, err := strconv.Atoi(a.header.Get("Retry-After"))
	require.NoError(t, err)
	close(hold)
	require.Equal(t, 200, <-done)
	require.Equal(t, 200, r.send("GET /api/me", basic).status)
}

func TestAuthzAnswersOtherProxiesAsRequestsAreDecided(t *testing.T) {
	trusted := func(k *config.Config) {
		k.Server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		k.Routes = []config.Route{{ID: "closed", Resource: "sqlViews", Refuse: "closed"}, {ID: "api", Path: "/api/**"}}
	}
	own := func(g *proxy.Gateway) http.Handler { return http.HandlerFunc(g.Authz) }
	r := start(t, setup{config: trusted, owned: own})
	tok := r.token("nurse")
	auth := "Authorization: ApiToken " + tok
	for _, tt := range []struct {
		name   string
		do     string
		lines  []string
		status int
		reason string
	}{
		{"nginx", "GET /d2gate/authz", []string{auth, "X-Original-Method: DELETE", "X-Original-Uri: /api/41/dataStore/x?y=z"}, 200, ""},
		{"Traefik", "GET /d2gate/authz", []string{auth, "X-Forwarded-Method: GET", "X-Forwarded-Uri: /api/me"}, 200, ""},
		{"Envoy", "PUT /d2gate/authz/api/me?x=1", []string{auth}, 200, ""},
		{"no credential", "GET /d2gate/authz", []string{"X-Original-Method: GET", "X-Original-Uri: /api/me"}, 401, "credential_missing"},
		{"400 becomes 403", "GET /d2gate/authz", []string{auth, "X-Original-Method: GET", "X-Original-Uri: /api/../me"}, 403, "target_ambiguous"},
		{"policy", "GET /d2gate/authz", []string{auth, "X-Original-Method: GET", "X-Original-Uri: /api/sqlViews"}, 403, "policy_refused"},
		{"own path", "GET /d2gate/authz", []string{auth, "X-Original-Method: GET", "X-Original-Uri: /api/apiToken"}, 403, "policy_refused"},
		{"look-alike", "GET /d2gate/authz", []string{auth, "X-Original-Method: GET", "X-Original-Uri: /api/APITOKEN"}, 403, "policy_refused"},
		{"method", "GET /d2gate/authz", []string{auth, "X-Original-Uri: /api/me", "X-Original-Method: TRACE"}, 403, "method_refused"},
		{"no method", "GET /d2gate/authz", []string{auth, "X-Original-Uri: /api/me"}, 403, "request_malformed"},
		{"two methods", "GET /d2gate/authz", []string{auth, "X-Original-Uri: /api/me", "X-Original-Method: GET", "X-Forwarded-Method: DELETE"}, 403, "request_malformed"},
		{"Envoy's method and a header", "DELETE /d2gate/authz/api/me", []string{auth, "X-Original-Method: GET"}, 403, "request_malformed"},
		{"no target", "GET /d2gate/authz", []string{auth}, 403, "request_malformed"},
		{"two targets", "GET /d2gate/authz", []string{auth, "X-Original-Method: GET", "X-Original-Uri: /api/me", "X-Forwarded-Uri: /api/sqlViews"}, 403, "request_malformed"},
		{"Envoy's path and a header", "GET /d2gate/authz/api/sqlViews", []string{auth, "X-Original-Uri: /api/me"}, 403, "request_malformed"},
		{"two lines", "GET /d2gate/authz", []string{auth, "X-Original-Method: GET", "X-Original-Uri: /api/me", "X-Original-Uri: /api/sqlViews"}, 403, "request_malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.send(tt.do, append(tt.lines, "X-Forwarded-For: 203.0.113.7")...)
			require.Equal(t, tt.status, a.status, a.body)
			require.Equal(t, tt.reason, a.reason())
			if tt.status == 200 {
				require.Equal(t, "nurse", a.header.Get("X-D2gate-User"))
				require.Equal(t, "api", a.header.Get("X-D2gate-Route"))
				require.Equal(t, "203.0.113.7", a.header.Get("X-D2gate-Client"))
			}
		})
	}
	require.Empty(t, r.got())
	l := r.audited(16)[0]
	require.Equal(t, "/api/41/dataStore/x", l.Path)
	require.Equal(t, "DELETE", l.Method)

	stranger := start(t, setup{owned: own})
	a := stranger.send("GET /d2gate/authz", "Authorization: ApiToken "+stranger.token("nurse"), "X-Original-Method: GET", "X-Original-Uri: /api/me")
	require.Equal(t, "policy_refused", a.reason(), "a peer that is no trusted proxy is not answered")
}

func TestUnknownTokensGoToDHIS2WhereTheOperatorSaysSo(t *testing.T) {
	r := start(t, setup{config: func(k *config.Config) { k.Tokens.Unknown = "ask_upstream" }, upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "JSESSIONID=1")
	}, owned: func(g *proxy.Gateway) http.Handler {
		return g.Authenticated(func(http.ResponseWriter, *http.Request, proxy.Principal) error { return nil })
	}})
	native := start(t, setup{}).token("x")
	a := r.send("GET /api/me", "Authorization: ApiToken "+native, "Cookie: JSESSIONID=2")
	require.Equal(t, 200, a.status)
	require.Empty(t, a.header.Values("Set-Cookie"))
	got := r.got()[0].Header
	require.Equal(t, "ApiToken "+native, got.Get("Authorization"))
	require.Empty(t, got.Values("Cookie"))
	require.Equal(t, "token_unknown", r.send("GET /api/apiToken", "Authorization: ApiToken "+native).reason(), "not on d2gate's own paths")
	require.Equal(t, "token_checksum", r.send("GET /api/me", "Authorization: ApiToken "+native[:47]).reason())
	require.Equal(t, 2, strings.Count(strings.Join(decisions(r.audited(3)), " "), "refuse"))
}

func decisions(lines []line) (out []string) {
	for _, l := range lines {
		out = append(out, l.Decision)
	}
	return out
}
