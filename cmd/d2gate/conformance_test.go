package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/conform"
)

// stack is a gateway in front of a sandbox, in this process.
type stack struct {
	gateway, sandbox string // base URLs
	box              *box
	talk             *written
}

const stackText = `version: 1
server: {public_url: "http://%[1]s", listen: "%[1]s", trusted_proxies: [127.0.0.1/32]}
admin: {listen: "%[2]s", socket: "%[4]s/admin.sock"}
store: {url: "sqlite:%[4]s/d2gate.db"}
upstream: {url: "http://%[3]s", identity: {mode: jwt, audience: d2gate}}
users: {state: {as: {mode: jwt, username: admin, audience: d2gate}}}
tokens: {mint: d2p}
oauth2: {password_grant: true}
rates: {login: {per: [username, client_ip], rate: 1000/s, burst: 1000}}
routes:
  - {id: ping, path: "/api/ping", credentials: [none]}
  - {id: system-ping, path: "/api/system/ping", credentials: [none]}
  - {id: login-config, path: "/api/loginConfig", credentials: [none]}
  - {id: api, path: "/api/**", credentials: [pat, oauth2, basic]}
`

// startStack runs both until the test ends. The token conformance of the
// recordings needs mint: d2p and a trusted proxy (design 4).
func startStack(t testing.TB, version string) *stack {
	t.Helper()
	return startStackOf(t, version, stackText)
}

// startStackOf takes the configuration, with %s for the addresses of gateway, admin
// listener and sandbox, and for the folder.
func startStackOf(t testing.TB, version, text string) *stack {
	t.Helper()
	dir := t.TempDir()
	var open []*door
	for range 3 {
		l, err := listen("127.0.0.1:0", "")
		require.NoError(t, err)
		open = append(open, l)
	}
	addr := func(i int) string { return open[i].Addr().String() }
	text = fmt.Sprintf(text, addr(0), addr(1), addr(2), dir) + fmt.Sprintf("sandbox: {version: %q}\n", version)
	cfg, err := config.Parse("conformance", []byte(text))
	require.NoError(t, err)
	b, err := openSandbox(t.Context(), sandboxPlan{data: dir, version: version, issuer: "http://" + addr(0) + "/d2gate/issuer", audience: "d2gate", now: time.Now})
	require.NoError(t, err)
	k := &stack{gateway: "http://" + addr(0), sandbox: "http://" + addr(2), box: b, talk: newWritten()}
	p := &program{env: noEnv, stdin: strings.NewReader(""), stdout: newWritten(), stderr: k.talk}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	s := &server{
		program: p, cfg: cfg, log: p.logger(warnOnly), listeners: listeners{door: open[0], admin: open[1]},
		sandbox: &behind{service: b.service(open[2], p.logger(warnOnly)), sessions: b.SessionsOpened},
		ready:   func(context.Context, *gateway) error { close(ready); return nil },
	}
	go func() { ended <- s.run(ctx) }()
	select {
	case <-ready:
	case err := <-ended:
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, b.close())
	})
	return k
}

// TestConformanceThroughTheGateway replays what a real DHIS2 2.44 answered, with
// every credential checked by d2gate.
func TestConformanceThroughTheGateway(t *testing.T) {
	k := startStack(t, "2.44")
	except, err := conform.Exceptions(filepath.Join("..", "..", "testdata", "except-gateway.txt"))
	require.NoError(t, err)
	var files []string
	for _, f := range []string{"pat", "apps", "datastore", "datastore-query", "datastore-update", "datastore-sharing", "datastore-protection", "userdatastore", "me"} {
		files = append(files, filepath.Join("..", "..", "testdata", "transcripts", "2.44", f+".json"))
	}
	conform.Replay(t, conform.Target{Base: k.gateway, Skip: except}, nil, files...)
}

// TestTokensAreToldInTheWordsOf241InFrontOfIt replays what a real DHIS2 2.41
// answered about tokens.
func TestTokensAreToldInTheWordsOf241InFrontOfIt(t *testing.T) {
	k := startStack(t, "2.41")
	except, err := conform.Exceptions(filepath.Join("..", "..", "testdata", "except-gateway-2.41.txt"))
	require.NoError(t, err)
	conform.Replay(t, conform.Target{Base: k.gateway, Skip: except}, nil, filepath.Join("..", "..", "testdata", "transcripts", "2.41", "pat.json"))
}

// post makes something as admin and gives the key of the answer.
func (k *stack) post(t testing.TB, path, body string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.gateway+path, strings.NewReader(body))
	require.NoError(t, err)
	q.SetBasicAuth("admin", "district")
	q.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer resp.Body.Close()
	var out struct{ Response struct{ Key string } }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&out))
	require.Equal(t, 201, resp.StatusCode)
	return out.Response.Key
}

func TestAThousandRequestsWithATokenAreOneSessionAtDHIS2(t *testing.T) {
	k := startStack(t, "2.44")
	made := k.post(t, "/api/apiToken", "{}")
	before := k.box.SessionsOpened()
	for range 1000 {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.gateway+"/api/me", nil)
		require.NoError(t, err)
		q.Header.Set("Authorization", "ApiToken "+made)
		resp, err := http.DefaultClient.Do(q)
		require.NoError(t, err)
		require.Equal(t, 200, resp.StatusCode)
		require.Empty(t, resp.Header.Values("Set-Cookie"))
		require.NoError(t, resp.Body.Close())
	}
	require.EqualValues(t, 1, k.box.SessionsOpened()-before)
}
