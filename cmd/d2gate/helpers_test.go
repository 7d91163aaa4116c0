package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func asOpError(err error, target **net.OpError) bool { return errors.As(err, target) }

// written is output that several goroutines write and a test reads.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newWritten() *written { return &written{more: make(chan struct{}, 1)} }

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
	return w.text.Write(b)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// portsGiven are those that freePort gave to this process.
var portsGiven sync.Map

// freePort finds a port for another process to listen on. It is below those that
// the system itself gives to connections (32768 and up), which could take it in the
// meantime.
func freePort() (int, error) {
	var err error
	for range 1000 {
		port := 10000 + mrand.IntN(20000)
		if _, taken := portsGiven.LoadOrStore(port, true); taken {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port: %w", err)
}

// running is a d2gate in this process.
type running struct {
	t             *testing.T
	dir, file     string
	gateway       string // base URLs
	admin         string
	out, talk     *written
	stop          context.CancelFunc
	ended         chan int
	upstreamCalls *written
}

// serve writes a configuration into a new folder and runs it until the test ends.
// %s in extra stands for the address of a back end that knows admin/Sesame-1.
func serve(t *testing.T, extra string) *running {
	t.Helper()
	r := &running{t: t, dir: t.TempDir(), out: newWritten(), talk: newWritten(), upstreamCalls: newWritten(), ended: make(chan int, 1)}
	back := httptest.NewServer(http.HandlerFunc(r.backend))
	t.Cleanup(back.Close)
	r.file = filepath.Join(r.dir, "d2gate.yaml")
	if !strings.Contains(extra, "server:") {
		extra += "server: {public_url: \"http://127.0.0.1:8080\", listen: \"127.0.0.1:0\"}\n"
	}
	text := strings.ReplaceAll("version: 1\n"+
		"admin: {listen: \"127.0.0.1:0\", socket: admin.sock}\nstore: {url: \"sqlite:d2gate.db\"}\n"+extra, "UPSTREAM", back.URL)
	require.NoError(t, os.WriteFile(r.file, []byte(text), 0o600))
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		r.ended <- run(ctx, []string{"serve", "-c", r.file}, noEnv, strings.NewReader(""), r.out, r.talk)
	}()
	t.Cleanup(func() { r.end() })
	r.awaitReady()
	return r
}

const plainBackend = "upstream: {url: \"UPSTREAM\", identity: {mode: none}}\n"

func noEnv(string) (string, bool) { return "", false }

// end stops it and gives its exit code.
func (r *running) end() int {
	r.stop()
	code := <-r.ended
	r.ended <- code
	return code
}

func (r *running) awaitReady() {
	r.t.Helper()
	late := time.After(2 * time.Minute)
	for {
		for line := range strings.Lines(r.talk.String()) {
			var l struct{ Msg, Listen, Admin string }
			if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "ready" {
				r.gateway, r.admin = "http://"+l.Listen, "http://"+l.Admin
				return
			}
		}
		select {
		case <-r.talk.more:
		case code := <-r.ended:
			r.ended <- code
			r.t.Fatalf("ended with %d: %s", code, r.talk)
		case <-late:
			r.t.Fatalf("not ready: %s", r.talk)
		}
	}
}

// backend is a DHIS2 of few words.
func (r *running) backend(w http.ResponseWriter, q *http.Request) {
	fmt.Fprintf(r.upstreamCalls, "%s %s %v\n", q.Method, q.URL.Path, q.Header)
	w.Header().Set("Content-Type", "application/json")
	if q.URL.Path == "/api/me" && q.Header.Get("Authorization") != "" {
		if q.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:Sesame-1")) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
	}
	_, _ = io.WriteString(w, `{"id":"abcdefghijk","username":"admin","name":"Test Admin","authorities":["ALL"]}`) // the caller reads it
}

// ask sends one request and gives status, headers and body.
func (r *running) ask(method, url string, headers ...string) (int, http.Header, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, url, nil)
	require.NoError(r.t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Add(name, value)
	}
	resp, err := http.DefaultClient.Do(q)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, resp.Header, string(body)
}

// do runs another verb on the same configuration.
func (r *running) do(stdin string, args ...string) (code int, out, talk string) {
	r.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(r.t.Context(), append(args, "-c", r.file), noEnv, strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// token makes one for admin.
func (r *running) token(flags ...string) string {
	r.t.Helper()
	code, out, talk := r.do("", append([]string{"token", "create", "--user", "admin"}, flags...)...)
	require.Zero(r.t, code, talk)
	return strings.TrimSpace(out)
}
