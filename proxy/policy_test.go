package proxy_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/pat"
	"github.com/d2gate/d2gate/proxy"
)

func compile(t testing.TB, change func(*config.Config), routes ...config.Route) *proxy.Policy {
	t.Helper()
	cfg := baseConfig(t, "http://127.0.0.1:1", "http://gw.example.org")
	cfg.Routes = routes
	if change != nil {
		change(cfg)
	}
	p, err := proxy.Compile(cfg)
	require.NoError(t, err)
	return p
}

// route is the id of the route that a request belongs to.
func route(t testing.TB, p *proxy.Policy, do string) string {
	t.Helper()
	method, target, _ := strings.Cut(do, " ")
	parsed, err := proxy.ParseTarget(target, p.Site)
	require.NoError(t, err)
	return p.Match(method, &parsed).ID
}

func TestRoutesMatchByPathOrResourceAndMethodsAlone(t *testing.T) {
	p := compile(t, nil,
		config.Route{ID: "ping", Path: "/api/ping", Credentials: []string{"none"}},
		config.Route{ID: "keys", Resource: "dataStore/scorecards,public-*/open", Methods: []string{"GET", "HEAD"}},
		config.Route{ID: "stores", Resource: "dataStore"},
		config.Route{ID: "versioned", Path: "/api/29/special/*"},
		config.Route{ID: "one", Path: "/api/*/one"},
		config.Route{ID: "app", Path: "/dhis-web-*/**"},
		config.Route{ID: "manifest", Path: "/manifest.json"},
		config.Route{ID: "slash", Path: "/with/slash/"},
		config.Route{ID: "api", Path: "/api/**"},
	)
	for do, want := range map[string]string{
		"GET /api/ping": "ping", "GET /api/ping/": "ping", "GET /api/ping.json": "ping", "GET /api/41/ping": "api", "GET /api/pingx": "api", "GET /api/ping/x": "api",
		"GET /api/dataStore/scorecards": "keys", "HEAD /api/41/dataStore/scorecards/k": "keys", "GET /api/dataStore/scorecards.json": "keys",
		"PUT /api/dataStore/scorecards": "stores", "GET /api/dataStore/public-x/open": "keys", "GET /api/dataStore/public-x/open/y": "keys",
		"GET /api/dataStore/public-x/shut": "stores", "GET /api/dataStore/public-x": "stores", "GET /api/dataStore": "stores", "GET /api/dataStores": "api",
		"GET /api/29/special/x": "versioned", "GET /api/special/x": "api", "GET /api/30/special/x": "api",
		"GET /api/x/one": "one", "GET /api/x/one.xml": "one", "GET /api/x/y/one": "api", "GET /api/41/x/one": "one",
		"GET /api": "api", "GET /api/": "api", "GET /": "default", "GET /x": "default", "GET /API/x": "default",
		"GET /dhis-web-app": "app", "GET /dhis-web-app/a/b.js": "app", "GET /dhis-web/x": "default",
		"GET /manifest.json": "manifest", "GET /manifest": "default", "GET /with/slash": "slash", "GET /with/slash/": "slash",
	} {
		require.Equal(t, want, route(t, p, do), do)
	}
}

func TestARuleThatRefusesHoldsForEverySpelling(t *testing.T) { // security.md 4, VA-26-204-02
	p := compile(t, nil,
		config.Route{ID: "closed", Resource: "sqlViews", Refuse: "closed"},
		config.Route{ID: "shut", Path: "/api/users/**", Refuse: "shut", Credentials: []string{"none"}},
		config.Route{ID: "api", Path: "/api/**"},
	)
	for do, want := range map[string]string{
		"GET /api/sqlViews": "closed", "GET /api/sqlViews/": "closed", "GET /api/41/sqlViews": "closed", "GET /api/sqlViews.json": "closed", "GET /api/sqlViews.json.gz": "closed",
		"GET /api/sqlViews.x": "closed", "GET /api/sqlViews.html+css": "closed", "POST /api/sql%56iews/abc/data.csv": "closed", "GET /api/29/sqlViews.x": "closed",
		"GET /api/users": "shut", "GET /api/41/users/x": "shut", "GET /api/users.x": "shut", "DELETE /api/41/users.x": "shut",
		"GET /api/sqlViewsX": "api", "GET /api/usersx": "api", "GET /api/me.x": "api",
	} {
		require.Equal(t, want, route(t, p, do), do)
	}
}

func TestWithoutRoutesTheApiIsOpenToCredentialsAndTheRestIsRefused(t *testing.T) {
	p := compile(t, nil)
	require.Equal(t, "api", route(t, p, "GET /api/me"))
	require.Equal(t, "default", route(t, p, "GET /"))
}

func TestABadRouteDoesNotCompileAndSaysAllProblems(t *testing.T) {
	cfg := baseConfig(t, "http://127.0.0.1:1", "http://gw.example.org")
	cfg.Routes = []config.Route{
		{ID: "both", Path: "/a", Resource: "b"}, {ID: "neither"}, {ID: "glob", Path: "/a/**/b"}, {ID: "relative", Path: "a"},
		{ID: "empty", Path: "/a//b"}, {ID: "selector", Resource: "a/"}, {ID: "kind", Path: "/a", Credentials: []string{"magic"}},
		{ID: "identity", Path: "/a", Identity: "nobody"}, {ID: "referrer", Path: "/a", Referrers: []string{"::"}},
	}
	_, err := proxy.Compile(cfg)
	require.Error(t, err)
	for i := range cfg.Routes {
		require.ErrorContains(t, err, fmt.Sprintf("route %q", cfg.Routes[i].ID))
	}
}

func TestRulesThatCanNeverMatchAreFound(t *testing.T) {
	for _, tt := range []struct {
		name   string
		routes []config.Route
		want   string // "later<earlier"
	}{
		{"behind everything", []config.Route{{ID: "a", Path: "/**"}, {ID: "b", Resource: "users"}}, "b<a"},
		{"behind the whole api", []config.Route{{ID: "a", Path: "/api/**"}, {ID: "b", Resource: "users/*"}, {ID: "c", Path: "/x"}}, "b<a"},
		{"same resource", []config.Route{{ID: "a", Resource: "users"}, {ID: "b", Resource: "users/x"}}, "b<a"},
		{"selector covers selector", []config.Route{{ID: "a", Resource: "dataStore/pub*,x"}, {ID: "b", Resource: "dataStore/public/key,x/y"}}, "b<a"},
		{"methods left over", []config.Route{{ID: "a", Resource: "users", Methods: []string{"GET"}}, {ID: "b", Resource: "users"}}, ""},
		{"methods covered", []config.Route{{ID: "a", Path: "/x/*", Methods: []string{"GET", "PUT"}}, {ID: "b", Path: "/x/y", Methods: []string{"PUT"}}}, "b<a"},
		{"narrower first", []config.Route{{ID: "a", Resource: "dataStore/x"}, {ID: "b", Resource: "dataStore"}}, ""},
		{"resource covers path", []config.Route{{ID: "a", Resource: "users"}, {ID: "b", Path: "/api/users/*"}}, "b<a"},
		{"a star is not a literal", []config.Route{{ID: "a", Resource: "users"}, {ID: "b", Path: "/api/*/x"}}, ""},
		{"an open route opens its own spelling only", []config.Route{{ID: "a", Path: "/api/ping", Credentials: []string{"none"}}, {ID: "b", Path: "/api/ping"}}, ""},
		{"demands do not make a route narrower", []config.Route{{ID: "a", Path: "/x", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, {ID: "b", Path: "/x"}}, "b<a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, s := range compile(t, nil, tt.routes...).Shadows() {
				got = append(got, s.Route.ID+"<"+s.By.ID)
			}
			require.Equal(t, tt.want, strings.Join(got, " "))
		})
	}
}

func TestDemandsRefuseAndNeverFallThrough(t *testing.T) {
	in, out := netip.MustParseAddr("196.32.1.7"), netip.MustParseAddr("203.0.113.1")
	p := compile(t, nil,
		config.Route{ID: "office", Resource: "metadata", Addresses: []netip.Prefix{netip.MustParsePrefix("196.32.0.0/16")}, Body: 10},
		config.Route{ID: "portal", Resource: "analytics", Referrers: []string{"https://portal.moh.example"}},
		config.Route{ID: "api", Path: "/api/**"},
	)
	ask := func(do string, from netip.Addr, h http.Header, length int64) string {
		method, target, _ := strings.Cut(do, " ")
		e := p.Explain(proxy.Case{At: time.Now(), Method: method, Target: target, From: from, Header: h, Length: length, Principal: proxy.Principal{Kind: proxy.PATCredential}})
		if e.Told == nil {
			return "allow"
		}
		return string(e.Told.Reason)
	}
	require.Equal(t, "allow", ask("GET /api/metadata", in, nil, 0))
	require.Equal(t, "allow", ask("GET /api/metadata", netip.MustParseAddr("::ffff:196.32.1.7"), nil, 0))
	require.Equal(t, "policy_refused", ask("GET /api/metadata", out, nil, 0))
	require.Equal(t, "policy_refused", ask("GET /api/metadata", netip.Addr{}, nil, 0), "an unknown address is in no list")
	require.Equal(t, "body_too_large", ask("POST /api/metadata", in, nil, 11))
	require.Equal(t, "allow", ask("GET /api/analytics", in, http.Header{"Referer": {"https://portal.moh.example/page"}}, 0))
	require.Equal(t, "policy_refused", ask("GET /api/analytics", in, http.Header{"Referer": {"https://portal.moh.example.evil.example/"}}, 0))
	require.Equal(t, "policy_refused", ask("GET /api/analytics", in, nil, 0))
}

func TestARouteInReportModeNotesAndLetsThrough(t *testing.T) {
	end := time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC)
	c := &clock{at: end.Add(-time.Second)}
	r := start(t, setup{now: c.now, config: func(c *config.Config) {
		c.Rates["slow"] = []config.Rate{{Per: []string{"client_ip"}, Events: 1, Window: time.Hour}}
		c.Routes = []config.Route{{ID: "trial", Resource: "analytics", Credentials: []string{"pat"}, Referrers: []string{"https://portal.moh.example"}, Rate: "slow", Mode: "report", EnforceAfter: end}}
	}})
	auth := "Authorization: ApiToken " + r.token("nurse")
	for range 2 {
		require.Equal(t, 200, r.send("GET /api/analytics", auth).status)
	}
	limited := r.token("nurse", limit(t, constraints.MethodAllowedList, "PUT"))
	require.Equal(t, "constraint_method", r.send("GET /api/analytics", "Authorization: ApiToken "+limited).reason(), "the token's own limits are not on trial")
	require.Equal(t, "credential_missing", r.send("GET /api/analytics").reason(), "a trial opens nothing to strangers")
	lines := r.audited(4)
	byID := map[string]int{}
	for _, l := range lines {
		byID[l.Decision+" "+strings.Join(l.Failed, ",")]++
	}
	require.Equal(t, map[string]int{"allow policy_refused": 1, "allow policy_refused,rate_limited": 1, "refuse constraint_method,policy_refused": 1, "refuse credential_missing": 1}, byID)
	require.Eventually(t, func() bool {
		r.counts.mu.Lock()
		defer r.counts.mu.Unlock()
		return slices.Contains(r.counts.reported, "trial policy_refused") && slices.Contains(r.counts.reported, "trial rate_limited")
	}, time.Minute, time.Millisecond)
	c.move(time.Second)
	require.Equal(t, "policy_refused", r.send("GET /api/analytics", auth).reason(), "at enforce_after it is over")
}

func TestCompatTakesNoVersionAwayInFrontOfAnother(t *testing.T) { // security.md B9
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{
			{ID: "deny", Path: "/api/users/**", Refuse: "no"},
			{ID: "old", Path: "/api/**", Compat: []string{"api_versions"}},
		}
	}})
	for _, target := range []string{"/api/users", "/api/41/users", "/api/5/users"} {
		require.Equal(t, "policy_refused", r.send("GET "+target, basic).reason(), target)
	}
	for _, target := range []string{"/api/5/41/users", "/api/5/%34%31/users", "/api/5/5/users", "/api/5/041/users", "/api/5/41"} {
		require.Equal(t, 200, r.send("GET "+target, basic).status, target)
		require.Equal(t, target, r.got()[0].Target, "DHIS2 is asked what the rules were asked")
	}
}

func TestCompatRewritesWhatOlderClientsSendAndWritesItDown(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{
			{ID: "old", Path: "/api/**", Compat: []string{"api_versions", "metadata_parameters"}},
		}
	}})
	for from, to := range map[string]string{
		"/api/26/dataStore/OrgUnitManager": "/api/dataStore/OrgUnitManager",
		"/api/26":                          "/api",
		"/api/26/":                         "/api/",
		"/%61pi/2%36/me.json":              "/%61pi/me.json",
		"/api/28/me":                       "/api/28/me",
		"/api/44/me":                       "/api/44/me",
		"/api/45/me":                       "/api/45/me",
		"/api/026/me":                      "/api/026/me",
		"/api/metadata?defaultOrder=lastUpdated:desc":          "/api/metadata?order=lastUpdated:desc",
		"/api/metadata?default%46ields=id&x=%zz":               "/api/metadata?fields=id&x=%zz",
		"/api/metadata?defaultFilter=name:^like:ANC&a=true":    "/api/metadata?filter=name:$like:ANC&a=true",
		"/api/metadata?dataElements:filter=name%3A%5ELIKE%3AA": "/api/metadata?dataElements:filter=name%3A$LIKE%3AA",
		"/api/dataElements?filter=name:!^ilike:A":              "/api/dataElements?filter=name:!$ilike:A",
		"/api/dataElements?filter=name:like:^like":             "/api/dataElements?filter=name:like:^like",
		"/api/dataElements?defaultFields=id":                   "/api/dataElements?defaultFields=id",
		"/api/dataElements?query=a:^like:b":                    "/api/dataElements?query=a:^like:b",
	} {
		require.Equal(t, 200, r.send("GET "+from, basic).status)
		require.Equal(t, to, r.got()[0].Target, from)
	}
	require.Equal(t, 200, r.send("POST /api/26/metadata?defaultOrder=x", basic).status)
	require.Equal(t, "/api/metadata?defaultOrder=x", r.got()[0].Target, "parameters of writes are left alone")
	rewritten := map[string]int{}
	for _, l := range r.audited(17) {
		rewritten[strings.Join(l.Compat, ",")]++
	}
	require.Equal(t, 5, rewritten["api_versions"])
	require.Equal(t, 5, rewritten["metadata_parameters"])
}

func TestTestsOfTheConfigurationAreDecidedByTheGatewaysOwnEvaluator(t *testing.T) {
	p := compile(t, func(c *config.Config) { c.Server.ContextPath = "/dhis" },
		config.Route{ID: "datastore", Resource: "dataStore"}, config.Route{ID: "api", Path: "/api/**"})
	given := config.Given{Credential: "pat", Scopes: []string{"dataStore/scorecards:read"}, From: netip.MustParseAddr("196.32.1.7")}
	tests := []config.Test{
		{Name: "read", Given: given, Method: "GET", Target: "/api/41/dataStore/scorecards/summary", Expect: "allow"},
		{Name: "write", Given: given, Method: "PUT", Target: "/api/41/dataStore/scorecards/summary", Expect: "constraint_scope"},
		{Name: "dots", Given: given, Method: "GET", Target: "/api/dataStore/%2e%2e/users", Expect: "target_ambiguous"},
		{Name: "nobody", Given: config.Given{Credential: "none"}, Method: "GET", Target: "/api/me", Expect: "credential_missing"},
		{Name: "expired", Given: config.Given{Credential: "pat", Expired: true}, Method: "GET", Target: "/api/me", Expect: "token_expired"},
		{Name: "own", Given: config.Given{Credential: "none"}, Method: "GET", Target: "/api/apiToken", Expect: "credential_missing"},
	}
	require.Empty(t, p.RunTests(tests, time.Now()))
	tests[0].Expect = "constraint_scope"
	tests[1].Given.Addresses = []string{"nonsense"}
	failures := p.RunTests(tests, time.Now())
	require.Len(t, failures, 2)
	require.Equal(t, "allow", failures[0].Got)
	require.Error(t, failures[1].Err)
}

func TestAnExplanationShowsEveryCheckAndWhatWouldHelp(t *testing.T) {
	p := compile(t, nil, config.Route{ID: "datastore-write", Resource: "dataStore", Line: 31})
	rec := &pat.Record{UID: "u", Owner: pat.Owner{Username: "admin"}, Constraints: constraints.Set{Attributes: []constraints.Attribute{
		limit(t, constraints.MethodAllowedList, "GET", "HEAD"), limit(t, constraints.IPAllowedList, "10.0.0.0/8"),
	}}}
	e := p.Explain(proxy.Case{At: time.Now(), Method: "DELETE", Target: "/api/dataStore/demo", From: netip.MustParseAddr("127.0.0.1"), Principal: proxy.TokenPrincipal(rec)})
	require.False(t, e.Allowed)
	require.Equal(t, fault.ConstraintMethod, e.Told.Reason, "the attribute that is stored first")
	require.Equal(t, 31, e.Line)
	words := map[string]string{}
	decided := 0
	for _, c := range e.Checks {
		words[c.Name] = c.Words
		if c.Decided {
			decided++
		}
	}
	require.Equal(t, 1, decided)
	require.Equal(t, "DELETE is not in: GET, HEAD", words["method"])
	require.Equal(t, "127.0.0.1 is not in: 10.0.0.0/8", words["address"])
	require.Equal(t, "no referrer limit on this token", words["referrer"])
	require.Contains(t, words["policy"], `"datastore-write", line 31`)
	require.Contains(t, e.Fixes, "method DELETE added to the token")
}

// TestExplainAndTheGatewayAgree holds both against each other on 10,000 requests.
func TestExplainAndTheGatewayAgree(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 500
	}
	routes := []config.Route{
		{ID: "ping", Path: "/api/ping", Credentials: []string{"none"}},
		{ID: "closed", Resource: "sqlViews", Refuse: "closed"},
		{ID: "office", Resource: "metadata", Methods: []string{"GET", "POST"}, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		{ID: "portal", Resource: "analytics", Credentials: []string{"pat"}, Referrers: []string{"https://a.example"}},
		{ID: "trial", Resource: "events", Refuse: "not yet", Mode: "report"},
		{ID: "compat", Path: "/api/**", Credentials: []string{"pat", "basic"}, Compat: []string{"api_versions", "metadata_parameters"}},
		{ID: "web", Path: "/web/**", Credentials: []string{"none", "basic"}},
	}
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = routes
		c.Server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		c.Server.PublicURL, _ = url.Parse("http://gw.example.org")
	}, owned: func(g *proxy.Gateway) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if strings.HasPrefix(q.URL.Path, "/api/") || q.Header.Get("Authorization") != "" { // public pages look at none
				g.Authenticated(func(http.ResponseWriter, *http.Request, proxy.Principal) error { return nil })(w, q)
			}
		})
	}})
	kinds := []constraints.Attribute{
		limit(t, constraints.IPAllowedList, "10.0.0.0/8"), limit(t, constraints.MethodAllowedList, "GET", "OPTIONS"),
		limit(t, constraints.RefererAllowedList, "https://a.example"), limit(t, constraints.ScopeAllowedList, "metadata:read", "dataStore/a*:write", "me:*"),
	}
	type holder struct {
		header string
		who    proxy.Principal
	}
	holders := []holder{{"", proxy.Principal{Kind: proxy.NoCredential}}, {basic, proxy.Principal{Kind: proxy.BasicCredential, Username: "admin"}}}
	for mask := range 1 << (len(kinds) + 1) {
		rec := pat.Record{Owner: pat.Owner{Username: "nurse"}}
		for i, k := range kinds {
			if mask&(1<<i) != 0 {
				rec.Constraints.Attributes = append(rec.Constraints.Attributes, k)
			}
		}
		if mask&(1<<len(kinds)) != 0 {
			rec.Constraints.Expiry = time.Now().Add(-time.Minute)
		}
		text := r.expiring("nurse", rec.Constraints.Expiry, rec.Constraints.Attributes...)
		holders = append(holders, holder{"Authorization: ApiToken " + text, proxy.TokenPrincipal(&rec)})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(s []string) string { return s[rng.IntN(len(s))] }
	corpus := targetCorpus(t)
	decided := map[string]int{}
	for range n {
		method := pick([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
		target := pick([]string{"", "/api", "/api/41", "/api/26", "/web"}) + "/" + pick([]string{"ping", "sqlViews/x", "metadata?a=b&defaultOrder=x", "metadata", "analytics.json", "events", "dataStore/abc/k", "dataStore/x", "me", "apiToken", "apitoken", "..", "a;b", "%2e"})
		if rng.IntN(4) == 0 {
			target = corpus[rng.IntN(len(corpus))].target
			if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \r\n\t\x00\x01\x1b\x1f\x7f\t") {
				continue
			}
		}
		h, from := holders[rng.IntN(len(holders))], pick([]string{"10.1.2.3", "203.0.113.9"})
		header := http.Header{"X-Forwarded-For": {from}}
		lines := []string{"X-Forwarded-For: " + from}
		if ref := pick([]string{"", "", "https://a.example/x", "https://b.example/"}); ref != "" {
			header.Set("Referer", ref)
			lines = append(lines, "Referer: "+ref)
		}
		if h.header != "" {
			lines = append(lines, h.header)
		}
		status, got := r.serve(method, target, lines...)
		if status == 0 {
			continue // net/http does not take the target
		}
		e := r.gateway.Policy().Explain(proxy.Case{At: time.Now(), Method: method, Target: target, From: netip.MustParseAddr(from), Header: header, Principal: h.who})
		want := ""
		if e.Told != nil {
			want = string(e.Told.Reason)
		}
		require.Equal(t, want, got, "%s %q %v", method, target, lines)
		decided[want]++
	}
	for _, reason := range []string{"", "token_expired", "policy_refused", "constraint_scope", "target_ambiguous", "credential_missing"} {
		require.Greater(t, decided[reason], n/200, "%q: %v", reason, decided)
	}
}

func TestARefusedCredentialIsExplainedWithoutGuessingWhoseItWas(t *testing.T) {
	p := compile(t, nil, config.Route{ID: "api", Path: "/api/**", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	e := p.Explain(proxy.Case{At: time.Now(), Method: "GET", Target: "/api/me", Refused: fault.New(fault.TokenUnknown, "")})
	require.Equal(t, fault.TokenUnknown, e.Told.Reason)
	var failed []fault.Reason
	for _, c := range e.Checks {
		if !c.OK {
			failed = append(failed, c.Reason)
		}
	}
	require.Equal(t, []fault.Reason{fault.TokenUnknown, fault.PolicyRefused}, failed, "the address too, but nothing about a missing credential")
}
