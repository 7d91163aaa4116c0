package proxy_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/pat"
	"github.com/d2gate/d2gate/proxy"
)

// benchGateway is the whole gateway, audit to a file and an Observer included.
func benchGateway(b *testing.B, upstream string, forwarder proxy.Forwarder) (g *proxy.Gateway, token string, store *memory) {
	b.Helper()
	cfg := baseConfig(b, upstream, "http://127.0.0.1:1")
	cfg.Routes = []config.Route{
		{ID: "ping", Path: "/api/ping", Credentials: []string{"none"}},
		{ID: "store", Resource: "dataStore", Methods: []string{"PUT"}},
		{ID: "metadata", Resource: "metadata"},
		{ID: "api", Path: "/api/**"},
	}
	if forwarder == nil {
		f, err := proxy.NewReverseProxy(proxy.ReverseProxyConfig{Upstream: cfg.Upstream, Public: cfg.Server.PublicURL})
		require.NoError(b, err)
		b.Cleanup(f.Close)
		forwarder = f
	}
	tok, err := pat.Mint(rand.Reader, "")
	require.NoError(b, err)
	store = &memory{records: map[string]pat.Record{tok.Hash(): {
		UID: "abcdefghijk", Owner: pat.Owner{UID: "M5zQapPyTZI", Username: "admin"},
		Constraints: constraints.Set{Expiry: time.Now().Add(time.Hour), Attributes: []constraints.Attribute{
			limit(b, constraints.IPAllowedList, "127.0.0.0/8", "10.0.0.0/8"), limit(b, constraints.MethodAllowedList, "GET", "HEAD"),
			limit(b, constraints.ScopeAllowedList, "me:read", "dataStore/public-*:read"),
		}},
	}}}
	verifier, err := pat.NewVerifier(pat.VerifierConfig{Store: store, MaxStaleness: time.Hour, TTL: time.Hour})
	require.NoError(b, err)
	file, err := audit.OpenFile(audit.FileConfig{Path: filepath.Join(b.TempDir(), "audit.jsonl"), Places: 1 << 16})
	require.NoError(b, err)
	b.Cleanup(func() { _ = file.Close() })
	policy, err := proxy.Compile(cfg)
	require.NoError(b, err)
	g, err = proxy.NewGateway(proxy.GatewayConfig{
		Rules: proxy.Rules{Policy: policy, Forwarder: forwarder, Identities: map[string]identity.Upstream{"": fixed{}}},
		Audit: file, Tokens: verifier, Observer: &tally{}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	return g, tok.Reveal(), store
}

// fixed signs everybody in with a credential that is ready, as a kept JWT is.
type fixed struct{}

var fixedHeader = []string{"Bearer x"}

func (fixed) Sign(_ context.Context, _ identity.User, _ http.Header, out *http.Request) (identity.Lease, error) {
	out.Header["Authorization"] = fixedHeader
	return &lease{}, nil
}

// tally is an Observer as cheap as a counter of metrics.
type tally struct{ counts }

func (*tally) Request(proxy.Observation)   {}
func (*tally) Upstream(int, time.Duration) {}

// nowhere forwards to nobody.
type nowhere struct{}

func (nowhere) Forward(http.ResponseWriter, *http.Request, proxy.Onward) error { return nil }

func benchRequest(target, authorization string) *http.Request {
	u, _ := url.Parse(target)
	return &http.Request{
		Method: "GET", URL: u, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "gw", RemoteAddr: "127.0.0.1:40000", Body: http.NoBody,
		Header: http.Header{"Authorization": {authorization}, "Accept": {"application/json"}, "User-Agent": {"bench/1.0"}, "Accept-Encoding": {"gzip"}},
	}
}

// discard is a ResponseWriter without a connection.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkDecide is everything but the forwarding, for a cached token with
// limits: edge, target, credential, route, constraints, place in the audit log,
// line and metrics.
func BenchmarkDecide(b *testing.B) {
	g, token, _ := benchGateway(b, "http://127.0.0.1:1", nowhere{})
	r := benchRequest("/api/41/me?fields=id,name", "ApiToken "+token)
	w := &discard{http.Header{}}
	g.ServeHTTP(w, r)
	require.Empty(b, w.h.Get("X-Gateway-Reason"))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		clear(w.h)
		g.ServeHTTP(w, r)
	}
}

// BenchmarkEvaluate is the policy alone.
func BenchmarkEvaluate(b *testing.B) {
	p := compile(b, nil, config.Route{ID: "a", Resource: "dataStore"}, config.Route{ID: "b", Path: "/api/ping"}, config.Route{ID: "api", Path: "/api/**"})
	t, err := proxy.ParseTarget("/api/me?fields=id", p.Site)
	require.NoError(b, err)
	set := &constraints.Set{Attributes: []constraints.Attribute{limit(b, constraints.IPAllowedList, "127.0.0.0/8"), limit(b, constraints.MethodAllowedList, "GET")}}
	q := proxy.Question{At: time.Now(), Method: "GET", Target: &t, Client: netip.MustParseAddr("127.0.0.1"), Header: http.Header{}, Kind: proxy.PATCredential, Constraints: set}
	b.ReportAllocs()
	for b.Loop() {
		if v := p.Evaluate(q); len(v.Failed) > 0 {
			b.Fatal(v.Told())
		}
	}
}

func BenchmarkParseTarget(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := proxy.ParseTarget("/api/41/dataStore/scorecards/summary.json?fields=.", site); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGarbageToken is a whole refusal, written to the audit log before it is
// sent. It asks neither hash nor store.
func BenchmarkGarbageToken(b *testing.B) {
	g, token, store := benchGateway(b, "http://127.0.0.1:1", nowhere{})
	r := benchRequest("/api/me", "ApiToken "+token[:47]+"x")
	w := &discard{http.Header{}}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		clear(w.h)
		g.ServeHTTP(w, r)
	}
	require.Equal(b, "token_checksum", w.h.Get("X-Gateway-Reason"))
	require.Zero(b, store.asked)
}

func kibibyte() *httptest.Server {
	body := strings.Repeat("x", 1024)
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}))
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// path is one way to the same kibibyte, over one kept connection.
type path struct {
	b          *testing.B
	client     *http.Client
	url, token string
}

func newPath(b *testing.B, url, token string) *path {
	p := &path{b, &http.Client{Transport: &http.Transport{DisableCompression: true}}, url, token}
	for range 200 {
		p.get()
	}
	return p
}

func (p *path) get() {
	req, err := http.NewRequest("GET", p.url+"/api/41/me?fields=id", nil)
	require.NoError(p.b, err)
	req.Header.Set("Authorization", "ApiToken "+p.token)
	resp, err := p.client.Do(req)
	require.NoError(p.b, err)
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err != nil || n != 1024 || resp.StatusCode != 200 {
		p.b.Fatal(resp.StatusCode, resp.Header, n, err)
	}
}

// cost is the processor time of n requests: caller, proxy and upstream together.
func (p *path) cost(n int) time.Duration {
	began := cpu(p.b)
	for range n {
		p.get()
	}
	return cpu(p.b) - began
}

func (p *path) drive() {
	p.b.ReportAllocs()
	p.b.ResetTimer()
	began := cpu(p.b)
	for p.b.Loop() {
		p.get()
	}
	p.b.ReportMetric(float64(cpu(p.b)-began)/float64(p.b.N), "cpu-ns/op")
}

func direct(b *testing.B) *path {
	up := kibibyte()
	b.Cleanup(up.Close)
	return newPath(b, up.URL, "x")
}

// bare is httputil.ReverseProxy as its documentation shows it.
func bare(b *testing.B) *path {
	up := kibibyte()
	b.Cleanup(up.Close)
	target, err := url.Parse(up.URL)
	require.NoError(b, err)
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.SetXForwarded()
	}})
	b.Cleanup(front.Close)
	return newPath(b, front.URL, "x")
}

// whole is the gateway on a listener of its own.
func whole(b *testing.B) *path {
	up := kibibyte()
	b.Cleanup(up.Close)
	g, token, _ := benchGateway(b, up.URL, nil)
	front := httptest.NewUnstartedServer(g)
	front.Listener = proxy.StrictListener(front.Listener)
	front.Start()
	b.Cleanup(front.Close)
	return newPath(b, front.URL, token)
}

// BenchmarkDirect is the upstream without anything in front of it: what the other
// two have in common.
func BenchmarkDirect(b *testing.B)           { direct(b).drive() }
func BenchmarkBareReverseProxy(b *testing.B) { bare(b).drive() }
func BenchmarkGateway(b *testing.B)          { whole(b).drive() }

// BenchmarkGatewayAgainstBare sends 1,000 requests through the one and 1,000 through
// the other in turn, and reports the median of the quotients of their processor
// time, so that what else runs on the machine strikes both.
func BenchmarkGatewayAgainstBare(b *testing.B) {
	gateway, other := whole(b), bare(b)
	var quotients []float64
	b.ResetTimer()
	for b.Loop() {
		g, o := gateway.cost(1000), other.cost(1000)
		quotients = append(quotients, float64(g)/float64(o))
	}
	slices.Sort(quotients)
	b.ReportMetric(quotients[len(quotients)/2], "x-bare-cpu")
}
