package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// front is a real nginx with files of deploy/ in front of a gateway.
type front struct {
	t      *testing.T
	url    string
	client *http.Client // comes from 127.0.0.2, which is nobody's proxy
	stack  *stack
}

// needNginx finds nginx. A run that may skip nothing fails without it.
func needNginx(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		if os.Getenv("REQUIRE_CHROMIUM") != "" {
			t.Fatal("nginx is missing")
		}
		t.Skip("nginx is missing")
	}
	return path
}

// deployed reads a file of deploy/ with the addresses of this test in the place of
// its own.
func deployed(t *testing.T, name string, swap ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	require.NoError(t, err)
	out := string(text)
	for i := 0; i < len(swap); i += 2 {
		require.Contains(t, out, swap[i], "%s has changed; does this test still say what it does?", name)
		out = strings.ReplaceAll(out, swap[i], swap[i+1])
	}
	return out
}

// startNginx runs nginx until the test ends. servers makes what stands inside
// http { } of an address to listen on.
func startNginx(t *testing.T, servers func(addr, cert, key string) string) (addr string) {
	t.Helper()
	binary, dir := needNginx(t), t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755)) // its workers run as another user
	cert, key := writePair(t, dir, 1)
	addr = freePorts(t, 1)[0]
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1;
events { worker_connections 64; }
http {
access_log off;
client_body_temp_path %[1]s/1; proxy_temp_path %[1]s/2; fastcgi_temp_path %[1]s/3; uwsgi_temp_path %[1]s/4; scgi_temp_path %[1]s/5;
%[2]s
}
`, dir, servers(addr, cert, key)), 0o600))
	c := exec.Command(binary, "-p", dir, "-c", file, "-e", "stderr")
	talk := newWritten()
	c.Stderr = talk
	require.NoError(t, c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return addr
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("nginx: %v %s", err, talk)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// startFront puts nginx in front of a gateway with these routes beside the usual.
func startFront(t *testing.T, routes string, servers func(k *stack, addr, cert, key string) string) *front {
	t.Helper()
	needNginx(t)
	k := startStackOf(t, "2.44", strings.Replace(stackText, "  - {id: api,", routes+"  - {id: api,", 1))
	addr := startNginx(t, func(addr, cert, key string) string { return servers(k, addr, cert, key) })
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	return &front{t: t, url: "https://" + addr, stack: k, client: &http.Client{
		Transport:     &http.Transport{DialContext: from.DialContext, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // made for this test
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask sends "METHOD path" and headers, and gives status, headers and body.
func (f *front) ask(do string, headers ...string) (int, http.Header, string) {
	f.t.Helper()
	method, path, _ := strings.Cut(do, " ")
	q, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, nil)
	require.NoError(f.t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Set(name, value)
	}
	resp, err := f.client.Do(q)
	require.NoError(f.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(f.t, err)
	return resp.StatusCode, resp.Header, string(body)
}

// names are the swaps that each server block of deploy/ needs.
func names(k *stack, addr, cert, key string) []string {
	return []string{
		"listen 443 ssl", "listen " + addr + " ssl", "/etc/ssl/hmis.moh.example.crt", cert, "/etc/ssl/hmis.moh.example.key", key,
		"http://127.0.0.1:8080", k.gateway,
	}
}

func TestBehindTheNginxOfDeployTheCallersAddressCountsAndCannotBeMadeUp(t *testing.T) {
	f := startFront(t, "", func(k *stack, addr, cert, key string) string {
		text := deployed(t, "nginx.conf", names(k, addr, cert, key)...)
		cors := deployed(t, "nginx-cors.conf", "http://127.0.0.1:8080", k.gateway, "# map", "map", "#     \"https", "\"https", "# }", "}")
		split := strings.Index(cors, "# Never with")
		return cors[:split] + strings.Replace(text, "location / {", cors[split:]+"\nlocation / {", 1)
	})
	here := "Authorization: ApiToken " + f.stack.post(t, "/api/apiToken", `{"attributes":[{"type":"IpAllowedList","allowedIps":["127.0.0.2"]}]}`)
	elsewhere := "Authorization: ApiToken " + f.stack.post(t, "/api/apiToken", `{"attributes":[{"type":"IpAllowedList","allowedIps":["10.9.9.9"]}]}`)
	status, _, body := f.ask("GET /api/me?fields=username", here)
	require.Equal(t, 200, status, body)
	require.JSONEq(t, `{"username":"admin"}`, body)
	for _, made := range []string{"X-Forwarded-For: 10.9.9.9", "X-Real-IP: 10.9.9.9", "Forwarded: for=10.9.9.9"} {
		status, header, _ := f.ask("GET /api/me", elsewhere, made)
		require.Equal(t, 401, status, made)
		require.Equal(t, "constraint_address", header.Get("X-Gateway-Reason"))
		status, _, _ = f.ask("GET /api/me", here, made)
		require.Equal(t, 200, status, made)
	}

	t.Run("and a page of a listed site may read what the file names", func(t *testing.T) {
		const path = "/api/dataStore/public-facts/x"
		status, header, _ := f.ask("OPTIONS "+path, "Origin: https://portal.moh.example", "Access-Control-Request-Method: GET")
		require.Equal(t, 204, status)
		require.Equal(t, "https://portal.moh.example", header.Get("Access-Control-Allow-Origin"))
		for origin, want := range map[string]string{"https://portal.moh.example": "https://portal.moh.example", "https://evil.example": ""} {
			status, header, _ := f.ask("GET "+path, "Origin: "+origin)
			require.Equal(t, 401, status)
			require.Equal(t, want, header.Get("Access-Control-Allow-Origin"))
			require.Contains(t, header.Get("Vary"), "Origin")
		}
	})
}

func TestBehindTheSharedNginxOfDeployPeopleGoToDHIS2AndProgramsThroughTheGateway(t *testing.T) {
	f := startFront(t, "", func(k *stack, addr, cert, key string) string {
		return deployed(t, "nginx-shared.conf", append(names(k, addr, cert, key), "http://10.0.0.11:8080", k.sandbox)...)
	})
	token := "Authorization: ApiToken " + f.stack.post(t, "/api/apiToken", `{}`)
	status, header, _ := f.ask("GET /api/me", token)
	require.Equal(t, 200, status)
	require.NotEmpty(t, header.Get("X-Request-Id"), "d2gate answered")
	require.Empty(t, header.Get("Set-Cookie"))
	status, header, _ = f.ask("GET /api/me")
	require.Equal(t, 302, status, "a browser without a session is sent to DHIS2's own sign-in")
	require.Contains(t, header.Get("Location"), "/login/")
	require.Empty(t, header.Get("X-Gateway-Reason"))
	for path, want := range map[string]int{"/d2gate/tokens": 303, "/api/apiToken": 401, "/api/41/apiTokens.json": 401, "/uaa/oauth/token": 405, "/.well-known/openid-configuration": 200} {
		status, header, _ := f.ask("GET " + path)
		require.Equal(t, want, status, path)
		require.NotEmpty(t, header.Get("X-Request-Id"), "%s is d2gate's", path)
	}
}

func TestNginxAsksTheGatewayAboutAnApplicationBesideDHIS2(t *testing.T) {
	var seen atomic.Pointer[http.Request]
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { seen.Store(q) }))
	t.Cleanup(app.Close)
	f := startFront(t, "  - {id: reports, path: \"/reports/**\", methods: [GET], credentials: [pat]}\n", func(k *stack, addr, cert, key string) string {
		return "server { listen " + addr + " ssl; ssl_certificate " + cert + "; ssl_certificate_key " + key + ";\n" +
			deployed(t, "nginx-authz.conf", "http://127.0.0.1:8080", k.gateway, "http://127.0.0.1:3000", app.URL) + "}"
	})
	token := "Authorization: ApiToken " + f.stack.post(t, "/api/apiToken", `{"attributes":[{"type":"IpAllowedList","allowedIps":["127.0.0.2"]}]}`)
	status, _, _ := f.ask("GET /reports/a?b=c", token, "X-Remote-User: root", "X-Forwarded-Uri: /elsewhere", "Cookie: a=b")
	require.Equal(t, 200, status)
	got := seen.Swap(nil).Header
	require.Equal(t, []string{"admin"}, got.Values("X-Remote-User"))
	require.Empty(t, got.Get("Authorization")+got.Get("Cookie"))
	for _, tt := range []struct {
		do, header string
		status     int
		reason     string
	}{
		{"GET /reports/a", "X-None: 1", 401, "credential_missing"},
		{"GET /reports/a", "Authorization: ApiToken d2p_nonsense", 403, "token_checksum"},
		{"POST /reports/a", token, 403, "policy_refused"},
		{"GET /reports/a", "Authorization: ApiToken " + f.stack.post(t, "/api/apiToken", `{"attributes":[{"type":"IpAllowedList","allowedIps":["127.0.0.3"]}]}`), 401, "constraint_address"},
		{"GET /reports/a", "Authorization: ApiToken " + f.stack.post(t, "/api/apiToken", `{"attributes":[{"type":"ScopeAllowedList","allowedScopes":["*:read"]}]}`), 401, "constraint_scope"},
	} {
		status, header, _ := f.ask(tt.do, tt.header)
		require.Equal(t, tt.status, status, tt.reason)
		require.Equal(t, tt.reason, header.Get("X-Gateway-Reason"))
	}
	require.Nil(t, seen.Load(), "the application has heard of none of them")
	status, _, _ = f.ask("GET /_d2gate", token)
	require.Equal(t, 404, status, "nobody asks but nginx")
}
