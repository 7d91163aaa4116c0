package proxy_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/pat"
	"github.com/d2gate/d2gate/proxy"
)

// memory is the store behind the verifier: hashes of tokens that the test made.
type memory struct {
	pat.Store
	mu      sync.Mutex
	records map[string]pat.Record
	asked   int
	fail    error
}

func (m *memory) TokenByHash(_ context.Context, hash string) (pat.Lookup, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	if m.fail != nil {
		return pat.Lookup{}, m.fail
	}
	r, ok := m.records[hash]
	if !ok {
		return pat.Lookup{}, pat.ErrUnknown
	}
	return pat.Lookup{Record: r}, nil
}

// passwords knows one user; what it knows is asked every time.
type passwords struct {
	mu        sync.Mutex
	forgotten int
	failWith  error
}

func (p *passwords) Verify(_ context.Context, name, password string, _ netip.Addr) (identity.User, error) {
	if p.failWith != nil {
		return identity.User{}, p.failWith
	}
	if name != "admin" || password != "district" {
		return identity.User{}, fault.New(fault.LoginFailed, "Unauthorized")
	}
	return identity.User{UID: "M5zQapPyTZI", Username: "admin", Authorities: []string{"ALL"}}, nil
}

func (p *passwords) ForgetAll() { p.mu.Lock(); p.forgotten++; p.mu.Unlock() }

type accounts struct {
	mu       sync.Mutex
	disabled map[string]bool
}

func (a *accounts) Check(_ context.Context, u identity.User) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.disabled[u.Username] {
		return fault.New(fault.TokenOwnerDisabled, "")
	}
	return nil
}

func (a *accounts) ForgetAll() {}

// signs stands for a mode that signs callers in by a header of its own making.
type signs struct{ again bool }

func (s *signs) Sign(_ context.Context, u identity.User, _ http.Header, out *http.Request) (identity.Lease, error) {
	out.Header.Del("Cookie")
	out.Header.Set("Authorization", "Bearer upstream-credential-of-"+u.Username)
	return &lease{again: s.again}, nil
}

type lease struct{ again bool }

func (l *lease) Done(resp *http.Response, _ error) bool {
	return l.again && resp != nil && resp.StatusCode == http.StatusFound
}
func (l *lease) Refused() error { return nil }

// counts is an Observer.
type counts struct {
	mu       sync.Mutex
	requests []proxy.Observation
	reported []string
}

func (c *counts) Request(o proxy.Observation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, o)
}
func (c *counts) Upstream(int, time.Duration) {}
func (c *counts) WouldRefuse(route, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reported = append(c.reported, route+" "+reason)
}

// seen is what the upstream got.
type seen struct {
	Method, Target, Host string
	Header               http.Header
	Body                 string
}

// rig is a gateway on a real socket in front of an upstream on another.
type rig struct {
	t         *testing.T
	gateway   *proxy.Gateway
	url       string // of the gateway
	store     *memory
	passwords *passwords
	accounts  *accounts
	counts    *counts
	verifier  *pat.Verifier
	file      *audit.File
	logPath   string
	upstream  *httptest.Server
	rules     func() proxy.Rules

	mu   sync.Mutex
	last []seen
}

// setup is what a test wants to be different.
type setup struct {
	config   func(*config.Config)
	upstream http.HandlerFunc // nil answers 200 "ok"
	owned    func(*proxy.Gateway) http.Handler
	identity identity.Upstream
	recorder audit.Recorder
	sessions proxy.Sessions
	now      func() time.Time
	log      io.Writer
	stall    time.Duration
}

func start(t *testing.T, s setup) *rig {
	t.Helper()
	r := &rig{t: t, store: &memory{records: map[string]pat.Record{}}, passwords: &passwords{}, accounts: &accounts{disabled: map[string]bool{}}, counts: &counts{}}
	r.upstream = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if s.upstream == nil {
			body, _ := io.ReadAll(q.Body)
			r.note(q, string(body))
			_, _ = io.WriteString(w, "ok")
			return
		}
		r.note(q, "")
		s.upstream(w, q)
	}))
	t.Cleanup(r.upstream.Close)
	front := httptest.NewUnstartedServer(nil)
	cfg := baseConfig(t, r.upstream.URL, "http://"+front.Listener.Addr().String())
	if s.config != nil {
		s.config(cfg)
	}
	var err error
	r.verifier, err = pat.NewVerifier(pat.VerifierConfig{Store: r.store, Now: s.now})
	require.NoError(t, err)
	r.logPath = filepath.Join(t.TempDir(), "audit.jsonl")
	r.file, err = audit.OpenFile(audit.FileConfig{Path: r.logPath})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.file.Close() })
	if s.recorder == nil {
		s.recorder = r.file
	}
	if s.identity == nil {
		s.identity = &signs{}
	}
	if s.log == nil {
		s.log = io.Discard
	}
	forwarder, err := proxy.NewReverseProxy(proxy.ReverseProxyConfig{Upstream: cfg.Upstream, Public: cfg.Server.PublicURL, Log: slog.New(slog.NewTextHandler(s.log, nil))})
	require.NoError(t, err)
	t.Cleanup(forwarder.Close)
	r.rules = func() proxy.Rules {
		policy, err := proxy.Compile(cfg)
		require.NoError(t, err)
		return proxy.Rules{Policy: policy, Rates: cfg.Rates, Forwarder: forwarder, Identities: map[string]identity.Upstream{
			"": s.identity, "own": identity.Passthrough{}, "none": identity.None{}, "service": s.identity,
		}}
	}
	r.gateway, err = proxy.NewGateway(proxy.GatewayConfig{
		Rules: r.rules(), Audit: s.recorder, Owned: s.owned, Tokens: r.verifier, Passwords: r.passwords, Accounts: r.accounts,
		Sessions: s.sessions, Observer: r.counts, Now: s.now, Stall: s.stall, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	require.NoError(t, err)
	front.Config.Handler = r.gateway
	front.Listener = proxy.StrictListener(front.Listener)
	front.Config.DisableGeneralOptionsHandler = true
	front.Config.MaxHeaderBytes = 1 << 20
	front.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelError)
	front.Start()
	t.Cleanup(front.Close)
	r.url = front.URL
	return r
}

func baseConfig(t testing.TB, upstream, public string) *config.Config {
	t.Helper()
	up, err := url.Parse(upstream)
	require.NoError(t, err)
	pub, err := url.Parse(public)
	require.NoError(t, err)
	return &config.Config{
		Server: config.Server{PublicURL: pub, Limits: config.Limits{Header: 32 << 10, Target: 8 << 10, Body: 1 << 20}},
		Upstream: config.Upstream{
			URL: up, ConnectTimeout: time.Second, ResponseTimeout: 5 * time.Second,
			Identity: config.Identity{Mode: "jwt"},
			Identities: map[string]config.Identity{
				"own": {Mode: "passthrough"}, "none": {Mode: "none"}, "service": {Mode: "basic"},
			},
		},
		Tokens: config.Tokens{Unknown: "refuse"},
		Rates:  map[string][]config.Rate{},
	}
}

func (r *rig) note(q *http.Request, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = append(r.last, seen{q.Method, q.RequestURI, q.Host, q.Header.Clone(), body})
}

// got returns what has reached the upstream, and forgets it.
func (r *rig) got() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.last
	r.last = nil
	return out
}

// token makes a token of a user with limits.
func (r *rig) token(user string, attributes ...constraints.Attribute) string {
	return r.expiring(user, time.Time{}, attributes...)
}

func (r *rig) expiring(user string, expiry time.Time, attributes ...constraints.Attribute) string {
	r.t.Helper()
	tok, err := pat.Mint(rand.Reader, "")
	require.NoError(r.t, err)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.records[tok.Hash()] = pat.Record{
		UID: "tok" + tok.Hash()[:8], Owner: pat.Owner{UID: "usr" + fmt.Sprintf("%08d", len(user)), Username: user},
		Constraints: constraints.Set{Expiry: expiry, Attributes: attributes},
	}
	return tok.Reveal()
}

func limit(t testing.TB, kind constraints.Kind, values ...string) constraints.Attribute {
	t.Helper()
	a, err := constraints.ParseAttribute(kind, values)
	require.NoError(t, err)
	return a
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
	close  bool // the answer says that the connection ends
}

func (a reply) reason() string { return a.header.Get("X-Gateway-Reason") }

// send sends "METHOD /target" with header lines "Name: value".
func (r *rig) send(do string, lines ...string) reply {
	r.t.Helper()
	return r.sendBody(do, nil, lines...)
}

func (r *rig) sendBody(do string, body io.Reader, lines ...string) reply {
	r.t.Helper()
	method, target, _ := strings.Cut(do, " ")
	req, err := http.NewRequest(method, r.url, body)
	require.NoError(r.t, err)
	path, query, has := strings.Cut(target, "?")
	req.URL.Opaque, req.URL.RawQuery, req.URL.ForceQuery = path, query, has
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		req.Header[name] = append(req.Header[name], value)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return reply{resp.StatusCode, resp.Header, string(text), resp.Close}
}

// raw writes bytes to the gateway and reads answers until the connection ends or
// falls silent.
func (r *rig) raw(text string) (answers []reply, closed bool) {
	r.t.Helper()
	return r.rawPieces(text, len(text))
}

// rawPieces is raw, written in pieces of n bytes.
func (r *rig) rawPieces(text string, n int) (answers []reply, closed bool) {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(r.t, err)
	defer conn.Close()
	require.NoError(r.t, conn.SetDeadline(time.Now().Add(time.Minute)))
	for piece := range slices.Chunk([]byte(text), n) {
		_, err = conn.Write(piece)
		require.NoError(r.t, err)
	}
	br := bufio.NewReader(conn)
	for {
		require.NoError(r.t, conn.SetReadDeadline(time.Now().Add(2*time.Second)))
		if _, err := br.Peek(1); err != nil {
			return answers, !os.IsTimeout(err)
		}
		require.NoError(r.t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return answers, true
		}
		body, _ := io.ReadAll(resp.Body)
		answers = append(answers, reply{resp.StatusCode, resp.Header, string(body), resp.Close})
	}
}

// line is one line of the audit log.
type line struct {
	RequestID, Client, Token, User, Method, Path, Route, Decision, Reason string
	Failed, Compat                                                        []string
	UpstreamStatus                                                        int
}

// audited waits for n lines.
func (r *rig) audited(n int) (lines []line) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		text, err := os.ReadFile(r.logPath)
		require.NoError(r.t, err)
		lines = lines[:0]
		for l := range strings.Lines(string(text)) {
			var one line
			require.NoError(r.t, json.Unmarshal([]byte(l), &one), l)
			lines = append(lines, one)
		}
		return len(lines) >= n
	}, time.Minute, 5*time.Millisecond)
	require.Len(r.t, lines, n)
	return lines
}

const basic = "Authorization: Basic YWRtaW46ZGlzdHJpY3Q=" // admin:district

// serve puts a request through the gateway without a socket of the caller's, and
// returns the status and the reason of a refusal; 0 where net/http would not have
// taken the target.
func (r *rig) serve(method, target string, lines ...string) (status int, reason string) {
	r.t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return 0, ""
	}
	req := (&http.Request{Method: method, URL: u, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, RemoteAddr: "127.0.0.1:1"}).WithContext(r.t.Context())
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		req.Header[name] = append(req.Header[name], value)
	}
	w := httptest.NewRecorder()
	r.gateway.ServeHTTP(w, req)
	return w.Code, w.Header().Get("X-Gateway-Reason")
}
