package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// victim is a d2gate in a process of its own, to be killed.
type victim struct {
	t       testing.TB
	dir     string
	gateway string
	socket  string
	cmd     *exec.Cmd
}

func newVictim(t testing.TB) *victim {
	t.Helper()
	back := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(back.Close)
	v := &victim{t: t, dir: t.TempDir()}
	ports := freePorts(t, 2)
	v.gateway, v.socket = "http://"+ports[0], filepath.Join(v.dir, "admin.sock")
	text := fmt.Sprintf("version: 1\nserver: {public_url: %q, listen: %q}\nadmin: {listen: %q, socket: admin.sock}\nstore: {url: \"sqlite:d2gate.db\"}\n"+
		"upstream: {url: %q, identity: {mode: none}}\n", v.gateway, ports[0], ports[1], back.URL)
	require.NoError(t, os.WriteFile(filepath.Join(v.dir, "d2gate.yaml"), []byte(text), 0o600))
	return v
}

// start runs it and returns how long it took until it served.
func (v *victim) start() time.Duration {
	v.t.Helper()
	program, err := exec.LookPath("d2gate")
	require.NoError(v.t, err)
	v.cmd = exec.Command(program, "serve", "-c", "d2gate.yaml")
	v.cmd.Dir = v.dir
	began := time.Now()
	require.NoError(v.t, v.cmd.Start())
	for time.Since(began) < 2*time.Minute {
		resp, err := http.Get(v.gateway + "/api/ping")
		if err == nil {
			_ = resp.Body.Close()
			return time.Since(began)
		}
		<-time.After(2 * time.Millisecond) // another process: there is nothing else to wait on
	}
	v.t.Fatal("it does not come up")
	return 0
}

func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait() // "signal: killed"
}

// killWhile kills it while so many write, as soon as the ledger is full: what the
// others had begun by then is anywhere.
func (v *victim) killWhile(l *ledger, writers int) {
	v.t.Helper()
	server, err := reach(v.socket)
	require.NoError(v.t, err)
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() { l.write(remoteTokens{server}) })
	}
	gone := make(chan struct{})
	go func() { writing.Wait(); close(gone) }()
	select {
	case <-l.enough:
	case <-gone:
		v.t.Fatal("nobody could write any more before it was killed")
	}
	v.kill()
	<-gone
}

// status of a request with a token.
func (v *victim) status(token string) int {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodGet, v.gateway+"/api/x", nil)
	require.NoError(v.t, err)
	r.Header.Set("Authorization", "ApiToken "+token)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(v.t, err)
	require.NoError(v.t, resp.Body.Close())
	return resp.StatusCode
}

// ledger is what the killed process had acknowledged.
type ledger struct {
	mu      sync.Mutex
	live    map[string]string // uid to token
	revoked []string          // tokens
	left    int               // acknowledgements to go
	enough  chan struct{}     // closed when none is left
}

// newLedger is full after so many acknowledgements.
func newLedger(enough int) *ledger {
	return &ledger{live: map[string]string{}, left: enough, enough: make(chan struct{})}
}

// note counts an acknowledgement. l.mu is held.
func (l *ledger) note() {
	if l.left--; l.left == 0 {
		close(l.enough)
	}
}

// write makes and revokes tokens until the process is gone.
func (l *ledger) write(tokens remoteTokens) {
	ctx := context.Background()
	for {
		made, err := tokens.create(ctx, newToken{User: "admin"})
		if err != nil {
			return
		}
		l.mu.Lock()
		l.live[made.UID] = made.Token
		l.note()
		l.mu.Unlock()
		if rand.IntN(2) == 0 {
			continue
		}
		l.mu.Lock()
		delete(l.live, made.UID) // in doubt from here on
		l.mu.Unlock()
		if _, err := tokens.revoke(ctx, made.UID); err != nil {
			return
		}
		l.mu.Lock()
		l.revoked = append(l.revoked, made.Token)
		l.note()
		l.mu.Unlock()
	}
}

func TestKilledAtRandomItKeepsWhatItAcknowledged(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 5
	}
	v := newVictim(t)
	up := v.start()
	defer func() { v.kill() }()
	var made, revoked int
	for round := range rounds {
		l := newLedger(3 + rand.IntN(30))
		v.killWhile(l, 3)
		up = max(up, v.start())
		for uid, token := range l.live {
			require.Equal(t, http.StatusOK, v.status(token), "round %d: acknowledged token %s is gone", round, uid)
		}
		for _, token := range l.revoked {
			require.Equal(t, http.StatusUnauthorized, v.status(token), "round %d: a revoked token is accepted", round)
		}
		made, revoked = made+len(l.live), revoked+len(l.revoked)
	}
	require.Positive(t, made)
	require.Positive(t, revoked)
	t.Logf("%d kills: %d tokens kept, %d revocations kept, at most %s until it served again", rounds, made, revoked, up.Round(time.Millisecond))
}

// BenchmarkStartAfterAKill is the time from the start of a process that was killed
// while it wrote until it serves again.
func BenchmarkStartAfterAKill(b *testing.B) {
	v := newVictim(b)
	v.start()
	b.Cleanup(func() { v.kill() })
	var sum, most time.Duration
	for b.Loop() {
		v.killWhile(newLedger(20), 1)
		up := v.start()
		sum, most = sum+up, max(most, up)
	}
	b.ReportMetric(float64(sum.Milliseconds())/float64(b.N), "ms/start")
	b.ReportMetric(float64(most.Milliseconds()), "ms-at-most")
}

func TestTheBinaryIsStaticAndSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	path := filepath.Join(t.TempDir(), "d2gate")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(25_000_000))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, strings.ToValidUTF8(string(text[:4096]), ""), "ld-linux")
}
