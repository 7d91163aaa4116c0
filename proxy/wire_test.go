package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/proxy"
)

// request is a raw request with Basic, closed by Connection unless lines say more.
func request(do string, lines ...string) string {
	return do + " HTTP/1.1\r\nHost: gw\r\n" + basic + "\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

func TestHopByHopAndSpoofedHeadersNeverPass(t *testing.T) {
	r := start(t, setup{})
	spoofed := []string{
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-User",
		"X-Forwarded-Email", "X-Forwarded-Uri", "X-Forwarded-Anything-New", "Forwarded", "X-Original-URL", "X-Original-Uri", "X-Original-Method",
		"X-Rewrite-URL", "X-Real-IP", "True-Client-IP", "X-Client-IP", "CF-Connecting-IP", "X-Remote-User", "Remote-User",
		"X-Auth-Request-User", "X-Auth-Request-Email", "X-Webauth-User", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
		"Proxy", "X_Forwarded_For", "X_Forwarded-For", "X_Remote_User", "Remote_User", "X_HTTP_Method_Override", "My_Own", "X_Original_Url",
		"Proxy-Connection", "Keep-Alive", "Proxy-Authorization", "TE", "X-Request-Id", "X-D2gate-User",
	}
	for _, fold := range []func(string) string{func(s string) string { return s }, strings.ToLower, strings.ToUpper} {
		var lines []string
		for _, name := range spoofed {
			lines = append(lines, fold(name)+": spoofed")
		}
		lines = append(lines, "X-Requested-With: XMLHttpRequest", "X-Kept: yes", "If-None-Match: \"e\"")
		answers, _ := r.raw(request("GET /api/me", lines...))
		require.Equal(t, 200, answers[0].status, answers[0].body)
		got := r.got()[0]
		for name, values := range got.Header {
			require.NotContains(t, values, "spoofed", name)
		}
		require.Equal(t, "XMLHttpRequest", got.Header.Get("X-Requested-With"))
		require.Equal(t, "yes", got.Header.Get("X-Kept"))
		require.Equal(t, `"e"`, got.Header.Get("If-None-Match"))
		host, port, err := net.SplitHostPort(strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		require.Equal(t, []string{host}, got.Header.Values("X-Forwarded-Host"), "from public_url, not from Host")
		require.Equal(t, []string{port}, got.Header.Values("X-Forwarded-Port"))
		require.Equal(t, []string{"http"}, got.Header.Values("X-Forwarded-Proto"))
		require.Equal(t, []string{"127.0.0.1"}, got.Header.Values("X-Forwarded-For"))
		require.Equal(t, strings.TrimPrefix(r.upstream.URL, "http://"), got.Host)
	}
}

func TestTheCallersConnectionHeaderRemovesNothingOfOurs(t *testing.T) { // golang/go#50580
	r := start(t, setup{})
	for _, line := range [][]string{
		{"Connection: X-Forwarded-For, Authorization, X-Request-Id, X-Forwarded-Proto, X-Kept"},
		{"connection: x-forwarded-for, authorization, x-request-id, x-forwarded-proto, x-kept"},
		{"Connection: close", "CONNECTION: x-forwarded-for,authorization", "cOnnection:\tX-REQUEST-ID ,x-forwarded-proto, X-Kept"},
	} {
		answers, _ := r.raw(request("GET /api/me", append(line, "X-Kept: gone")...))
		require.Equal(t, 200, answers[0].status)
		got := r.got()[0].Header
		require.Equal(t, "Bearer upstream-credential-of-admin", got.Get("Authorization"))
		require.Equal(t, "127.0.0.1", got.Get("X-Forwarded-For"))
		require.Equal(t, "http", got.Get("X-Forwarded-Proto"))
		require.NotEmpty(t, got.Get("X-Request-Id"))
		require.Empty(t, got.Get("X-Kept"))
		require.Empty(t, got.Values("Connection"))
	}
}

func TestAChunkedBodyClosesTheConnection(t *testing.T) { // security.md B1
	r := start(t, setup{})
	chunked := request("POST /api/me", "Transfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n"
	answers, closed := r.raw(chunked + request("GET /api/smuggled"))
	require.Len(t, answers, 1)
	require.True(t, closed)
	require.True(t, answers[0].close)
	got := r.got()
	require.Len(t, got, 1)
	require.Equal(t, "abc", got[0].Body)

	answers, _ = r.raw("POST /api/me HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + request("GET /api/smuggled"))
	require.Len(t, answers, 1, "refusals close too")
	require.Equal(t, "credential_missing", answers[0].reason())
}

func TestSmugglingFormsAreRefusedAndNeverA5xx(t *testing.T) {
	r := start(t, setup{})
	body := "abc"
	for name, lines := range map[string][]string{
		"two different lengths":  {"Content-Length: 3", "Content-Length: 4"},
		"list of lengths":        {"Content-Length: 3, 4"},
		"signed length":          {"Content-Length: +3"},
		"negative length":        {"Content-Length: -3"},
		"hexadecimal length":     {"Content-Length: 0x3"},
		"empty length":           {"Content-Length: "},
		"blank in length":        {"Content-Length: 3 3"},
		"huge length":            {"Content-Length: 99999999999999999999"},
		"gzip coding":            {"Transfer-Encoding: gzip"},
		"gzip then chunked":      {"Transfer-Encoding: gzip, chunked"},
		"chunked twice":          {"Transfer-Encoding: chunked, chunked"},
		"two coding lines":       {"Transfer-Encoding: chunked", "Transfer-Encoding: identity"},
		"identity":               {"Transfer-Encoding: identity", "Content-Length: 3"},
		"xchunked":               {"Transfer-Encoding: xchunked"},
		"vertical tab before":    {"Transfer-Encoding: \x0bchunked"},
		"blank before the colon": {"Content-Length : 3"},
		"tab before the colon":   {"Transfer-Encoding\t: chunked"},
		"obs-fold":               {"Transfer-Encoding:", " chunked"},
		"name with a NUL":        {"X\x00: 1", "Content-Length: 3"},
		"value with a NUL":       {"X-A: a\x00b", "Content-Length: 3"},
		"bare CR in a value":     {"X-A: a\rContent-Length: 3"},
		"empty name":             {": x", "Content-Length: 3"},
		"line without a colon":   {"garbage", "Content-Length: 3"},
		"length beside chunked":  {"Content-Length: 3", "Transfer-Encoding: chunked"},
		"chunked beside length":  {"Transfer-Encoding: chunked", "content-length: 3"},
		"two equal lengths":      {"Content-Length: 3", "Content-Length: 3"},
		"two hosts":              {"Host: other"},
	} {
		t.Run(name, func(t *testing.T) {
			answers, closed := r.raw(request("POST /api/me", lines...) + body + request("GET /api/smuggled"))
			require.True(t, closed)
			for _, a := range answers {
				require.Equal(t, 400, a.status, a.body)
			}
			require.Empty(t, r.got())
		})
	}
}

func TestGoodRequestsPassTheStrictListenerInPieces(t *testing.T) {
	r := start(t, setup{})
	text := request("POST /api/a", "content-length:  3 ") + "a\r\n" + request("POST /api/b", "Content-Length: 4") + "\r\n x" +
		request("GET /api/c") + "GET /api/d HTTP/1.1\nHost: gw\n" + basic + "\n\n" + request("POST /api/e", "Transfer-Encoding: Chunked") + "1\r\na\r\n0\r\n\r\n"
	whole, closed := r.raw(text)
	require.Len(t, whole, 5)
	require.True(t, closed)
	whole, _ = r.rawPieces(text, 7)
	require.Len(t, whole, 5)
	for i, s := range r.got() {
		require.Equal(t, "/api/"+string("abcde"[i%5]), s.Target)
		require.Equal(t, []string{"a\r\n", "\r\n x", "", "", "a"}[i%5], s.Body)
	}
}

func TestABrokenBodyIsTheCallersFault(t *testing.T) { // security.md B3
	r := start(t, setup{upstream: func(_ http.ResponseWriter, q *http.Request) { _, _ = io.Copy(io.Discard, q.Body) }})
	for name, text := range map[string]string{
		"chunk size is no number":        "zz\r\nabc\r\n0\r\n\r\n",
		"chunk size is negative":         "-3\r\nabc\r\n0\r\n\r\n",
		"chunk size overflows":           "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
		"chunk without its end":          "3\r\nabcd\r\n0\r\n\r\n",
		"bare LF after the chunk size":   "3\nabc\r\n0\r\n\r\n", // CVE-2025-22871
		"chunk extension without an end": "3;" + strings.Repeat("a", 20000) + "\r\nabc\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			answers, closed := r.raw(request("POST /api/me", "Transfer-Encoding: chunked") + text)
			require.True(t, closed)
			require.Len(t, answers, 1)
			require.Equal(t, 400, answers[0].status, answers[0].body)
			require.Equal(t, "request_malformed", answers[0].reason())
		})
	}
	t.Run("a body that breaks off", func(t *testing.T) {
		for _, n := range []int{10, 200_000} { // read whole, and streamed
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
			require.NoError(t, err)
			_, err = io.WriteString(conn, request("POST /api/me", fmt.Sprintf("Content-Length: %d", n))+"abc")
			require.NoError(t, err)
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			answer, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Contains(t, string(answer), "400 Bad Request")
			require.Contains(t, string(answer), "request_malformed")
			conn.Close()
		}
	})
}

func TestBodiesAreBoundedByTheirRoute(t *testing.T) {
	finished := make(chan bool, 8)
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{{ID: "small", Resource: "dataStore", Body: 100_000}, {ID: "api", Path: "/api/**"}}
	}, upstream: func(_ http.ResponseWriter, q *http.Request) {
		_, err := io.Copy(io.Discard, q.Body)
		finished <- err == nil
	}})
	answers, _ := r.raw(request("POST /api/dataStore/a/b", "Content-Length: 100001"))
	require.Equal(t, 413, answers[0].status)
	require.Equal(t, "body_too_large", answers[0].reason())
	require.Empty(t, r.got(), "a length that is too large is refused before anything is forwarded")

	over := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 100_001, strings.Repeat("a", 100_001))
	answers, _ = r.raw(request("POST /api/dataStore/a/b", "Transfer-Encoding: chunked") + over)
	require.Equal(t, 413, answers[0].status)
	require.False(t, <-finished, "the upstream sees a broken body, not a short one")

	exact := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 100_000, strings.Repeat("a", 100_000))
	answers, _ = r.raw(request("POST /api/dataStore/a/b", "Transfer-Encoding: chunked") + exact)
	require.Equal(t, 200, answers[0].status)
	require.True(t, <-finished)
	answers, _ = r.raw(request("POST /api/other", "Transfer-Encoding: chunked") + over)
	require.Equal(t, 200, answers[0].status, "another route, another limit")
	require.Len(t, r.audited(4), 4)
}

func TestAnAmbiguousTargetNeverReachesTheUpstream(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		c.Server.PublicURL.Host = "gw.example.org"
		c.Routes = []config.Route{
			{ID: "deny", Path: "/api/users/**", Refuse: "closed"},
			{ID: "open", Path: "/**", Credentials: []string{"none"}},
		}
	}})
	for _, row := range targetCorpus(t) {
		if strings.ContainsAny(row.target, " \r\n") || row.target == "" {
			continue // cannot be one word of a request line
		}
		answers, _ := r.raw("GET " + row.target + " HTTP/1.1\r\nHost: gw.example.org\r\nConnection: close\r\n\r\n")
		require.Len(t, answers, 1, "%q", row.target)
		got := r.got()
		switch {
		case row.want == "refuse":
			require.Equal(t, 400, answers[0].status, "%q", row.target)
			require.Empty(t, got, "%q", row.target)
		case row.want == "guard":
			require.Equal(t, 403, answers[0].status, "%q", row.target)
			require.Empty(t, got, "%q", row.target)
		case strings.HasPrefix(row.want, "own "):
			require.Equal(t, 404, answers[0].status, "%q", row.target)
			require.Empty(t, got, "%q", row.target)
		default:
			if answers[0].status == 400 && answers[0].reason() == "" {
				continue // net/http's own 400: it does not take this target
			}
			require.Equal(t, 200, answers[0].status, "%q", row.target)
			require.Len(t, got, 1, "%q", row.target)
			want := row.target
			if rest, ok := strings.CutPrefix(strings.ToLower(want), "http://gw.example.org"); ok {
				want = want[len(want)-len(strings.TrimPrefix(rest, ":80")):]
				if want == "" {
					want = "/"
				}
			}
			require.Equal(t, want, got[0].Target, "forwarded byte for byte")
		}
	}
}

func TestADenyRouteSurvivesEverySpelling(t *testing.T) { // CVE-2022-24848
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{
			{ID: "deny-path", Path: "/api/sqlViews/**", Refuse: "closed"},
			{ID: "deny-resource", Resource: "users", Refuse: "closed"},
			{ID: "api", Path: "/api/**"}, {ID: "rest", Path: "/**"},
		}
	}})
	for _, name := range []string{"sqlViews", "users"} {
		for _, f := range []string{"/api/%s", "/api/%s/", "/api/%s.json", "/api/%s.xml.gz", "/api/41/%s", "/api/28/%s/x", "/api/41/%s.json", "/api/%s?x=1", "/api/%s/x/data.csv",
			"/%%61pi/%s", "/api/%%34%%31/%s", "/api//%s", "/api/./%s", "/api/x/../%s", "/api/%%2e/%s", "/api/x/%%2e%%2e/%s", "/api;a=b/%s", "/api/%s;a=b", "/api/%s%%00", "/api/%s%%2fx", "/api/x/..;/%s", "/api\\%s", "/api/%s%%20"} {
			target := fmt.Sprintf(f, name)
			a := r.send("GET "+target, basic)
			if strings.HasSuffix(target, "%20") {
				require.Equal(t, 200, a.status, "another name to DHIS2 as well")
				r.got()
				continue
			}
			require.Contains(t, []int{400, 403}, a.status, target)
			require.Empty(t, r.got(), target)
		}
		encoded := fmt.Sprintf("/api/%%%02x%s", name[0], name[1:])
		require.Equal(t, 403, r.send("GET "+encoded, basic).status)
	}
}

func TestExpectIsNotPassedOnAndNoBodyIsAskedForARefusal(t *testing.T) {
	r := start(t, setup{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	_, err = io.WriteString(conn, "POST /api/me HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
	require.NoError(t, err)
	buf := make([]byte, 12)
	_, err = io.ReadFull(conn, buf)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 401", string(buf))

	answers, _ := r.raw(request("POST /api/me", "Expect: 100-continue", "Content-Length: 3", "Connection: close") + "abc")
	require.Equal(t, 100, answers[0].status)
	require.Equal(t, 200, answers[1].status)
	got := r.got()
	require.Equal(t, "abc", got[0].Body)
	require.Empty(t, got[0].Header.Values("Expect"))
}

func TestTheHostHeaderShapesNothing(t *testing.T) { // CVE-2023-29406, ZITADEL CVE-2025-64101
	r := start(t, setup{})
	answers, _ := r.raw("GET /api/me HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example;proto=https\r\nConnection: close\r\n\r\n")
	require.Equal(t, 401, answers[0].status)
	require.NotContains(t, answers[0].body, "evil.example")
	require.Contains(t, answers[0].body, r.url+"/d2gate/help/")
}

func TestClientAddress(t *testing.T) {
	trusted := proxy.TrustedProxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8:40::/48")}
	for _, tt := range []struct {
		name, peer string
		proxies    proxy.TrustedProxies
		lines      []string
		want       string // "" is a refusal
	}{
		{"nobody is trusted by default", "127.0.0.1", nil, []string{"203.0.113.9"}, "127.0.0.1"},
		{"a peer that is not listed says nothing", "192.0.2.1", trusted, []string{"203.0.113.9"}, "192.0.2.1"},
		{"garbage of such a peer is no refusal", "192.0.2.1", trusted, []string{"x"}, "192.0.2.1"},
		{"one hop", "127.0.0.1", trusted, []string{"203.0.113.9"}, "203.0.113.9"},
		{"right to left", "127.0.0.1", trusted, []string{"1.1.1.1, 203.0.113.9, 10.0.0.7"}, "203.0.113.9"},
		{"what stands left of the client is not read", "127.0.0.1", trusted, []string{"garbage, 203.0.113.9"}, "203.0.113.9"},
		{"over all lines joined", "127.0.0.1", trusted, []string{"203.0.113.9", "10.0.0.7", "10.0.0.8"}, "203.0.113.9"},
		{"blanks and tabs", "127.0.0.1", trusted, []string{" \t203.0.113.9 ,\t10.0.0.7"}, "203.0.113.9"},
		{"all are proxies: the first of them", "127.0.0.1", trusted, []string{"10.0.0.9, 10.0.0.7"}, "10.0.0.9"},
		{"no header: the proxy itself", "127.0.0.1", trusted, nil, "127.0.0.1"},
		{"mapped peer", "::ffff:127.0.0.1", trusted, []string{"203.0.113.9"}, "203.0.113.9"},
		{"mapped hop is folded", "127.0.0.1", trusted, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"mapped proxy hop is a proxy", "127.0.0.1", trusted, []string{"203.0.113.9, ::ffff:10.0.0.7"}, "203.0.113.9"},
		{"IPv6", "2001:db8:40::1", trusted, []string{"2001:db8::9"}, "2001:db8::9"},
		{"zone", "127.0.0.1", trusted, []string{"fe80::1%eth0"}, ""},
		{"name", "127.0.0.1", trusted, []string{"localhost"}, ""},
		{"port", "127.0.0.1", trusted, []string{"203.0.113.9:443"}, ""},
		{"unknown", "127.0.0.1", trusted, []string{"unknown"}, ""},
		{"empty", "127.0.0.1", trusted, []string{""}, ""},
		{"empty entry", "127.0.0.1", trusted, []string{"203.0.113.9, "}, ""},
		{"leading zeros", "127.0.0.1", trusted, []string{"203.0.113.09"}, ""},
		{"CIDR", "127.0.0.1", trusted, []string{"203.0.113.9/32"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if tt.lines != nil {
				h["X-Forwarded-For"] = tt.lines
			}
			got, err := tt.proxies.Client(netip.MustParseAddr(tt.peer), h)
			if tt.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got.String())
		})
	}
}

func TestATokensAddressLimitSeesThroughTrustedProxiesAlone(t *testing.T) {
	for _, trust := range []bool{false, true} {
		r := start(t, setup{config: func(c *config.Config) {
			if trust {
				c.Server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
			}
		}})
		tok := r.token("nurse", limit(t, constraints.IPAllowedList, "10.1.1.0/24"))
		auth := "Authorization: ApiToken " + tok
		require.Equal(t, 401, r.send("GET /api/me", auth).status)
		a := r.send("GET /api/me", auth, "X-Forwarded-For: 10.1.1.1")
		if !trust {
			require.Equal(t, "constraint_address", a.reason(), "an untrusted peer chooses no address")
			continue
		}
		require.Equal(t, 200, a.status)
		require.Equal(t, []string{"10.1.1.1"}, r.got()[0].Header.Values("X-Forwarded-For"))
		require.Equal(t, 401, r.send("GET /api/me", auth, "X-Forwarded-For: 10.1.1.1, 203.0.113.1").status)
		bad := r.send("GET /api/me", auth, "X-Forwarded-For: 10.1.1.1, nonsense")
		require.Equal(t, "request_malformed", bad.reason())
	}
}

func FuzzForwardedFor(f *testing.F) {
	for _, s := range []string{"203.0.113.9", "1.1.1.1, 10.0.0.7", "::ffff:1.2.3.4", "fe80::1%eth0, 10.0.0.1", ",", " ", "a\n10.0.0.1"} {
		f.Add(s)
	}
	trusted := proxy.TrustedProxies{netip.MustParsePrefix("10.0.0.0/8")}
	peer := netip.MustParseAddr("10.9.9.9")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		got, err := trusted.Client(peer, http.Header{"X-Forwarded-For": lines})
		if err != nil {
			return
		}
		require.True(t, got.IsValid() && got.Zone() == "" && !got.Is4In6())
		joined, err := trusted.Client(peer, http.Header{"X-Forwarded-For": {strings.Join(lines, ",")}})
		require.NoError(t, err)
		require.Equal(t, got, joined, "lines and one joined line are the same")
		if !trusted.Trust(got) {
			appended, err := trusted.Client(peer, http.Header{"X-Forwarded-For": append([]string{"6.6.6.6"}, lines...)})
			require.NoError(t, err)
			require.Equal(t, got, appended, "what a caller puts in front changes nothing")
		}
	})
}
