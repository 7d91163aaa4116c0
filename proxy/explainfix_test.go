package proxy_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/pat"
	"github.com/d2gate/d2gate/proxy"
)

// What the policy refuses, the operator can change: explain names the key of the
// route, and never tells the operator to ask the operator.
func TestExplainTellsTheOperatorWhichDemandOfWhichRouteWouldHaveToChange(t *testing.T) {
	p := compile(t, nil, []config.Route{
		{ID: "closed", Resource: "sqlViews", Refuse: "SQL views are closed here."},
		{ID: "office", Resource: "metadata", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		{ID: "portal", Resource: "analytics", Referrers: []string{"https://a.example"}},
		{ID: "api", Path: "/api/**", Credentials: []string{"pat", "session"}},
	}...)
	bearer := proxy.Principal{Kind: proxy.PATCredential, Username: "admin"}
	for name, tt := range map[string]struct {
		method, target string
		who            proxy.Principal
		want           string
	}{
		"no route":       {"GET", "/dhis-web-dashboard/", bearer, "a route for GET /dhis-web-dashboard/ in the policy file; no route has it now, and default refuses"},
		"refuse":         {"GET", "/api/sqlViews", bearer, `a route above "closed" that takes the request, or the refuse of route "closed" taken away`},
		"addresses":      {"GET", "/api/metadata", bearer, `192.0.2.7 added to addresses of route "office"`},
		"referrers":      {"GET", "/api/analytics", bearer, `the page's origin added to referrers of route "portal", or a Referrer-Policy of the page that sends it`},
		"credentials":    {"GET", "/api/me", proxy.Principal{Kind: proxy.BasicCredential, Username: "admin"}, `basic added to credentials of route "api", or a credential that it takes: pat, session`},
		"a foreign page": {"POST", "/api/me", proxy.Principal{Kind: proxy.SessionCredential, Username: "admin"}, "the page opened at server.public_url itself, or a token instead of the sign-in cookie"},
		"a scope":        {"GET", "/api/users/abc", limitedTo(t, "me:read"), "a scope that covers GET /api/users/abc added to the token, as users:read"},
		"a key's scope":  {"PUT", "/api/41/dataStore/a/b", limitedTo(t, "me:read"), "a scope that covers PUT /api/41/dataStore/a/b added to the token, as dataStore/a:write"},
	} {
		t.Run(name, func(t *testing.T) {
			e := p.Explain(proxy.Case{
				At: time.Now(), Method: tt.method, Target: tt.target, From: netip.MustParseAddr("192.0.2.7"),
				Header: http.Header{"Origin": {"https://evil.example"}}, Principal: tt.who,
			})
			require.False(t, e.Allowed)
			require.Contains(t, e.Fixes, tt.want)
		})
	}
}

func TestExplainGivesLongSpansInDays(t *testing.T) {
	p := compile(t, nil, config.Route{ID: "api", Path: "/api/**", Credentials: []string{"pat"}})
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]string{720*time.Hour - 1: "expires in 30 days", 47 * time.Hour: "expires in 47h0m0s", -75 * time.Hour: "expired 3 days ago"} {
		rec := &pat.Record{Constraints: constraints.Set{Expiry: now.Add(left)}}
		e := p.Explain(proxy.Case{At: now, Method: "GET", Target: "/api/me", From: netip.MustParseAddr("192.0.2.7"), Principal: proxy.TokenPrincipal(rec)})
		require.Contains(t, e.Checks[3].Words, want)
	}
}

func limitedTo(t *testing.T, scope string) proxy.Principal {
	t.Helper()
	return proxy.TokenPrincipal(&pat.Record{UID: "u", Constraints: constraints.Set{
		Attributes: []constraints.Attribute{limit(t, constraints.ScopeAllowedList, scope)},
	}})
}
