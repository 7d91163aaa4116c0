package constraints_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
)

var (
	noon    = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	office  = netip.MustParseAddr("203.0.113.7")
	outside = netip.MustParseAddr("198.51.100.7")
)

func attribute(t testing.TB, kind constraints.Kind, values ...string) constraints.Attribute {
	t.Helper()
	a, err := constraints.ParseAttribute(kind, values)
	require.NoError(t, err)
	return a
}

func set(attributes ...constraints.Attribute) constraints.Set {
	return constraints.Set{Attributes: attributes}
}

func reasons(faults []*fault.Fault) []fault.Reason {
	var out []fault.Reason
	for _, f := range faults {
		out = append(out, f.Reason)
	}
	return out
}

func TestCheck(t *testing.T) {
	ips := attribute(t, constraints.IPAllowedList, "203.0.113.0/24")
	get := attribute(t, constraints.MethodAllowedList, "get")
	page := attribute(t, constraints.RefererAllowedList, "https://moh.example")
	scope := attribute(t, constraints.ScopeAllowedList, "me:read")
	for _, tt := range []struct {
		name string
		set  constraints.Set
		at   constraints.Facts
		want []fault.Reason
	}{
		{"an empty set allows everything", constraints.Set{}, constraints.Facts{}, nil},
		{"an empty list is no limit", set(attribute(t, constraints.IPAllowedList)), constraints.Facts{}, nil},
		{"a token is good until its expiry", constraints.Set{Expiry: noon}, constraints.Facts{At: noon.Add(-1)}, nil},
		{"a token is expired at its expiry, not after it", constraints.Set{Expiry: noon}, constraints.Facts{At: noon}, []fault.Reason{fault.TokenExpired}},
		{"an address inside the prefix passes", set(ips), constraints.Facts{ClientIP: office}, nil},
		{"an IPv4-mapped address is the same address", set(ips), constraints.Facts{ClientIP: netip.MustParseAddr("::ffff:203.0.113.7")}, nil},
		{"an address outside the prefix fails", set(ips), constraints.Facts{ClientIP: outside}, []fault.Reason{fault.ConstraintAddress}},
		{"an unknown client address fails", set(ips), constraints.Facts{}, []fault.Reason{fault.ConstraintAddress}},
		{"an address with a zone fails", set(attribute(t, constraints.IPAllowedList, "fe80::/10")), constraints.Facts{ClientIP: netip.MustParseAddr("fe80::1%eth0")}, []fault.Reason{fault.ConstraintAddress}},
		{"methods are stored in upper case", set(get), constraints.Facts{Method: "GET"}, nil},
		{"HEAD is not implied by GET", set(get), constraints.Facts{Method: "HEAD"}, []fault.Reason{fault.ConstraintMethod}},
		{"two attributes of one kind are both enforced", set(get, attribute(t, constraints.MethodAllowedList, "POST")), constraints.Facts{Method: "GET"}, []fault.Reason{fault.ConstraintMethod}},
		{
			"every failure is known: expiry, then stored order, then scope", constraints.Set{Expiry: noon, Attributes: []constraints.Attribute{scope, page, ips}}, constraints.Facts{At: noon},
			[]fault.Reason{fault.TokenExpired, fault.ConstraintReferrer, fault.ConstraintAddress, fault.ConstraintScope},
		},
		{"an attribute that nobody parsed limits everything", set(constraints.Attribute{Kind: "Other", Values: []string{"x"}}), constraints.Facts{}, []fault.Reason{fault.StoreUnavailable}},
	} {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, reasons(tt.set.Check(tt.at))) })
	}
}

func TestLimitedMeansAnyNonEmptyAttribute(t *testing.T) {
	require.False(t, constraints.Set{Expiry: noon}.Limited())
	require.False(t, set(attribute(t, constraints.IPAllowedList)).Limited())
	require.True(t, set(attribute(t, constraints.MethodAllowedList, "GET")).Limited())
}

func TestAddresses(t *testing.T) {
	for _, good := range []string{"192.0.2.1", "192.0.2.0/24", "192.0.2.9/24", "2001:db8::1", "2001:db8::/32", "::ffff:192.0.2.1", "::ffff:192.0.2.0/120", "0.0.0.0/0"} {
		_, err := constraints.ParseAddress(good)
		require.NoError(t, err, good)
	}
	for _, bad := range []string{"", "localhost", "256.1.1.1", "1.1.1", " 1.1.1.1", "1.1.1.1 ", "10.0.0.1:8080", "1.1.1.1, 2.2.2.2", "fe80::1%eth0", "fe80::/10%eth0", "10.0.0.0/33", "::ffff:10.0.0.0/8", "X.1.1.1", "01.2.3.4"} {
		_, err := constraints.ParseAddress(bad)
		want := "Not a valid ip address, value=" + bad
		if bad == "" { // recorded from DHIS2 2.44
			want = `Cannot invoke "String.split(String, int)" because "inet6Address" is null`
		}
		require.EqualError(t, err, want)
	}
	p, err := constraints.ParseAddress("::ffff:192.0.2.77/120")
	require.NoError(t, err)
	require.Equal(t, "192.0.2.0/24", p.String())
}

func TestMethods(t *testing.T) {
	a := attribute(t, constraints.MethodAllowedList, "get", "Options", "HEAD", "PATCH")
	require.Equal(t, []string{"GET", "OPTIONS", "HEAD", "PATCH"}, a.Values)
	for _, bad := range []string{"TRACE", "CONNECT", "GET ", "FOO"} {
		_, err := constraints.ParseAttribute(constraints.MethodAllowedList, []string{bad})
		require.EqualError(t, err, "Not a valid http method, value="+bad)
	}
}

func TestReferrerEntries(t *testing.T) {
	for _, good := range []string{"https://moh.example", "https://moh.example:8443/page?x=1", "HTTPS://Two.IO", "ftp://files.two.io/x", "http://192.168.1.5/", "moh.example", "http://[2001:db8::1]/"} {
		_, err := constraints.ParseReferrer(good)
		require.NoError(t, err, good)
	}
	for _, bad := range []string{
		"", "localhost", "http://localhost", "http://localhost:3000", "http://a.localhost", "moh", "http://moh", "ws://two.io", "http:XXX//hostname3.com", "https://two.io/a//b", "https://two.io/a b",
		"https://*.two.io", "*.two.io", "https://u:p@two.io", "https://two.io#x", "//two.io", "https://", "http://127.0.0.1", "https://two.io\\x", "http://[fe80::1%25eth0]/", "https://two..io", "1.2.3",
	} {
		_, err := constraints.ParseReferrer(bad)
		require.ErrorContains(t, err, "Not a valid referrer url, value=", bad)
	}
}

func TestReferrerMatching(t *testing.T) {
	const fails = "fails"
	for _, tt := range []struct{ entry, referer, origin, want string }{
		{"https://moh.example", "https://moh.example/", "", ""},
		{"https://moh.example", "https://moh.example/any/page?x#y", "", ""},
		{"https://moh.example", "HTTPS://MOH.example/", "", ""},
		{"https://MOH.example:443", "https://moh.example/", "", ""},
		{"https://moh.example", "https://moh.example:8443/", "", fails},
		{"https://moh.example", "http://moh.example/", "", fails},
		{"https://moh.example", "https://moh.example.evil.example/", "", fails},
		{"https://moh.example", "https://evil.example/https://moh.example", "", fails},
		{"https://moh.example", "https://moh.example@evil.example/", "", fails},
		{"moh.example", "https://moh.example/", "", ""},
		{"moh.example", "http://moh.example:8080/x", "", ""},
		{"moh.example", "https://a.moh.example/", "", fails},
		{"https://moh.example/data", "https://moh.example/data", "", ""},
		{"https://moh.example/data", "https://moh.example/data/x", "", ""},
		{"https://moh.example/data", "https://moh.example/database", "", fails},
		{"https://moh.example/data", "https://moh.example/", "", fails},
		{"https://moh.example/data", "https://moh.example/data/../admin", "", fails},
		{"https://moh.example/data", "https://moh.example/data/%2e%2e/admin", "", fails},
		{"https://moh.example", "", "https://moh.example", ""},
		{"https://moh.example/data", "", "https://moh.example", fails},
		{"https://moh.example", "https://evil.example/", "https://moh.example", fails},
		{"https://moh.example", "", "null", fails},
		{"https://moh.example", "null", "", fails},
		{"https://kenya.example", "https://\u212aenya.example/", "", fails}, // the Kelvin sign is a k in lower case
		{"http://[2001:db8::1]", "http://[2001:db8::1%25eth0]/", "", fails},
		{"https://moh.example", "", "", fails},
	} {
		facts := constraints.Facts{}
		if tt.referer != "" {
			facts.Referers = []string{tt.referer}
		}
		if tt.origin != "" {
			facts.Origins = []string{tt.origin}
		}
		got := ""
		if len(set(attribute(t, constraints.RefererAllowedList, tt.entry)).Check(facts)) > 0 {
			got = fails
		}
		require.Equal(t, tt.want, got, "%+v", tt)
	}
	two := constraints.Facts{Referers: []string{"https://moh.example/", "https://moh.example/"}}
	require.Len(t, set(attribute(t, constraints.RefererAllowedList, "https://moh.example")).Check(two), 1, "more than one line fails")
	routes, err := constraints.ParseReferrers([]string{"https://moh.example"})
	require.NoError(t, err)
	require.True(t, routes.Allows(&constraints.Facts{Origins: []string{"https://moh.example"}}))
	_, err = constraints.ParseReferrers([]string{"x"})
	require.Error(t, err)
}

func TestAnUnknownKindIsAnError(t *testing.T) {
	_, err := constraints.ParseAttribute("NoSuchList", []string{"x"})
	require.Error(t, err)
}

func BenchmarkCheck(b *testing.B) {
	s := set(
		attribute(b, constraints.IPAllowedList, "203.0.113.0/24", "2001:db8::/32"), attribute(b, constraints.MethodAllowedList, "GET", "HEAD"),
		attribute(b, constraints.RefererAllowedList, "https://moh.example"), attribute(b, constraints.ScopeAllowedList, "dataStore/scorecards:read"))
	s.Expiry = noon
	f := constraints.Facts{At: noon.Add(-time.Hour), ClientIP: office, Method: "GET", Referers: []string{"https://moh.example/"}, Path: path("/api/41/dataStore/scorecards/summary")}
	require.Empty(b, s.Check(f))
	b.ReportAllocs()
	for b.Loop() {
		s.Check(f)
	}
}
