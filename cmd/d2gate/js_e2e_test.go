package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// startPlain runs examples/plain-upstream.yaml as it stands, but for its ports, in
// front of a back end that knows admin/Sesame-1.
func startPlain(t *testing.T, extra string) *running {
	t.Helper()
	r := &running{t: t, dir: t.TempDir(), out: newWritten(), talk: newWritten(), upstreamCalls: newWritten(), ended: make(chan int, 1)}
	back := httptest.NewServer(http.HandlerFunc(r.backend))
	t.Cleanup(back.Close)
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "examples", "plain-upstream.yaml"))
	require.NoError(t, err)
	ports := freePorts(t, 2)
	r.file = filepath.Join(r.dir, "d2gate.yaml")
	filled := strings.NewReplacer("127.0.0.1:9100", ports[0], "127.0.0.1:9190", ports[1], "http://127.0.0.1:9101", back.URL).Replace(string(text))
	require.NoError(t, os.WriteFile(r.file, []byte(filled+extra), 0o600))
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		r.ended <- run(ctx, []string{"serve", "-c", r.file}, noEnv, strings.NewReader(""), r.out, r.talk)
	}()
	t.Cleanup(func() { r.end() })
	r.awaitReady()
	return r
}

func freePorts(t testing.TB, n int) (out []string) {
	t.Helper()
	for range n {
		port, err := freePort()
		require.NoError(t, err)
		out = append(out, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	return out
}

// needJS finds node and the packages of .ci/js. A run that may skip nothing
// (REQUIRE_CHROMIUM) fails instead.
func needJS(t *testing.T) (dir string) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".ci", "js"))
	require.NoError(t, err)
	_, nodeErr := exec.LookPath("node")
	_, packagesErr := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider"))
	if nodeErr == nil && packagesErr == nil {
		return dir
	}
	if os.Getenv("REQUIRE_CHROMIUM") != "" {
		t.Fatal("needs node, and npm ci in .ci/js")
	}
	t.Skip("needs node, and npm ci in .ci/js")
	return ""
}

// jsClient runs a script of .ci/js that visits addresses through us.
func jsClient(t *testing.T, script string, settings map[string]any, visit func(address string) (led string)) (result map[string]any) {
	t.Helper()
	given, err := json.Marshal(settings)
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), "node", script)
	c.Dir = needJS(t)
	c.Env = append(os.Environ(), "D2GATE="+string(given))
	talk := newWritten()
	c.Stderr = talk
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	finished := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var said struct {
			Visit string
			Done  map[string]any
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &said), lines.Text())
		if said.Visit == "" {
			result, finished = said.Done, true
			continue
		}
		_, err := fmt.Fprintln(in, visit(said.Visit))
		require.NoError(t, err)
	}
	require.NoError(t, c.Wait(), talk)
	require.True(t, finished, talk)
	return result
}

// TestJavaScriptClientsFinishEveryGrant: openid-client by discovery, simple-oauth2
// at the paths of DHIS2 up to 2.41, both against the example for a plain back end.
func TestJavaScriptClientsFinishEveryGrant(t *testing.T) {
	needJS(t)
	g := startPlain(t, "")
	const plain, redirect = "http://client.example/callback", "http://client.example/callback?kept=1"
	code, secret, talk := g.do("", "client", "create", "confidential", "--grant", "password", "--grant", "refresh_token", "--grant", "authorization_code", "--redirect-uri", plain, "--redirect-uri", redirect)
	require.Zero(t, code, talk)
	code, _, talk = g.do("", "client", "create", "public", "--public", "--redirect-uri", plain)
	require.Zero(t, code, talk)
	settings := map[string]any{
		"base": g.gateway, "username": "admin", "password": "Sesame-1",
		"confidential": map[string]string{"id": "confidential", "secret": strings.TrimSpace(secret)}, "public": map[string]string{"id": "public"},
	}
	for script, to := range map[string]string{"openid-client.mjs": plain, "simple-oauth2.mjs": redirect} {
		t.Run(script, func(t *testing.T) {
			settings["redirect"] = to
			b := newBrowser(t, g.gateway)
			jsClient(t, script, settings, func(address string) string {
				p := b.open(address)
				if strings.Contains(p.at.Path, "/sign-in") {
					p = p.submit("username", "admin", "password", "Sesame-1")
				}
				if p.away == nil {
					p = p.submit("user_oauth_approval", "true")
				}
				require.NotNil(t, p.away, "%d %s", p.status, p.body)
				return p.away.String()
			})
		})
	}
}
