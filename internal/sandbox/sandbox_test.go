package sandbox_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox"
	"github.com/d2gate/d2gate/internal/store"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// box is a sandbox on a port of its own, and somebody who asks it.
type box struct {
	t     *testing.T
	s     *sandbox.Sandbox
	base  string
	clock *clock
}

func open(t *testing.T, cfg sandbox.Config) *box {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "sandbox.db"), cfg)
}

func openAt(t *testing.T, path string, cfg sandbox.Config) *box {
	t.Helper()
	db, err := store.OpenSQLite(path)
	require.NoError(t, err)
	b := &box{t: t, clock: &clock{time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}}
	cfg.DB, cfg.Now = db, b.clock.now
	b.s, err = sandbox.New(t.Context(), cfg)
	require.NoError(t, err)
	srv := httptest.NewServer(b.s)
	b.base = srv.URL
	t.Cleanup(func() {
		srv.Close()
		require.NoError(t, db.Close())
	})
	return b
}

// answer of a request, with the body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// message is the message of a WebMessage.
func (a answer) message() string {
	var m struct{ Message string }
	_ = json.Unmarshal([]byte(a.body), &m)
	return m.Message
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

const asAdmin, asNurse = "Basic YWRtaW46ZGlzdHJpY3Q=", "Basic bnVyc2U6TnVyc2UtcGFzcy0x"

// ask sends a request; headers are "Name: value".
func (b *box) ask(method, path, body string, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	require.NoError(b.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// as asks with an Authorization header.
func (b *box) as(auth, method, path, body string, headers ...string) answer {
	b.t.Helper()
	return b.ask(method, path, body, append([]string{"Authorization: " + auth}, headers...)...)
}

// sessionCookie is the JSESSIONID that an answer sets, "" for none.
func (a answer) sessionCookie() string {
	for _, k := range a.header.Values("Set-Cookie") {
		if strings.HasPrefix(k, "JSESSIONID=") {
			pair, _, _ := strings.Cut(k, ";")
			return pair
		}
	}
	return ""
}

func TestTheContainerRefusesWhatTwoReadersCouldTakeInTwoWays(t *testing.T) {
	b := open(t, sandbox.Config{})
	for _, path := range []string{
		"//api/me", "/api//me", "/api/me//", "/api/./me", "/api/x/../me", "/api/me;a=b", "/api;x/me", "/api/dataStore/a%2Fb/c", "/api/dataStore/a%2fb/c", "/api/dataStore/a%5Cb/c",
		"/api/dataStore/a%25b/c", "/api/dataStore/a%3Bb/c", "/api/dataStore/a%2E%2E/c", "/api/dataStore/a%00b/c", "/api/dataStore/a%0Ab/c", "/api/dataStore/a%FF/c", "/api/dataStore/a%7Fb/c",
		"/api/me?x=" + strings.Repeat("a", 9000),
	} {
		a := b.as(asAdmin, "GET", path, "")
		require.Equal(t, 400, a.status, path)
		require.Contains(t, a.header.Get("Content-Type"), "text/html", path)
	}
	for _, verb := range []string{"PROPFIND", "FOO", "get"} {
		require.Equal(t, 400, b.as(asAdmin, verb, "/api/me", "").status, verb)
	}
	require.Equal(t, 405, b.as(asAdmin, "TRACE", "/api/me", "").status)
}

func TestTheAnsweredAPIVersionsFollowTheGeneration(t *testing.T) {
	for version, want := range map[string][2]int{"2.36": {28, 37}, "2.37": {28, 38}, "2.40": {28, 42}, "2.41": {28, 42}, "2.42": {28, 42}, "2.43": {28, 43}, "2.44": {28, 44}} {
		b := open(t, sandbox.Config{Version: version})
		for n := 26; n <= 46; n++ {
			status := 404
			if n >= want[0] && n <= want[1] {
				status = 200
			}
			require.Equal(t, status, b.as(asAdmin, "GET", fmt.Sprintf("/api/%d/system/id", n), "").status, "%s %d", version, n)
		}
	}
	b := open(t, sandbox.Config{})
	for _, n := range []string{"0", "-1", "033", "33.0", "333", "v33", "33/33", "%33%33"} {
		require.Equal(t, 404, b.as(asAdmin, "GET", "/api/"+n+"/system/id", "").status, n)
	}
}

func TestAnUnknownGenerationIsRefused(t *testing.T) {
	db, err := store.OpenSQLite(filepath.Join(t.TempDir(), "s.db"))
	require.NoError(t, err)
	defer db.Close()
	for _, v := range []string{"2.35", "2.45", "44", "x"} {
		_, err := sandbox.New(t.Context(), sandbox.Config{DB: db, Version: v})
		require.ErrorContains(t, err, "unknown DHIS2 version", v)
	}
}

func TestWhoIsNobodyIsSentToTheSignInPageOrTold(t *testing.T) {
	b := open(t, sandbox.Config{})
	a := b.ask("GET", "/api/me", "")
	require.Equal(t, 302, a.status)
	require.Equal(t, "/login/", a.header.Get("Location"))
	a = b.ask("DELETE", "/api/nothere", "", "X-Requested-With: XMLHttpRequest")
	require.Equal(t, 401, a.status)
	require.Equal(t, "Unauthorized", a.message())
	require.Empty(t, a.header.Get("WWW-Authenticate"))
	a = b.as(basic("admin", "wrong"), "GET", "/api/me", "", "Accept: application/xml")
	require.Equal(t, 401, a.status)
	require.True(t, strings.HasPrefix(a.body, `<webMessage xmlns="http://dhis2.org/schema/dxf/2.0" httpStatus="Unauthorized"`), a.body)
}

func TestPublicPathsAreTheExactOnes(t *testing.T) {
	b := open(t, sandbox.Config{})
	for path, status := range map[string]int{
		"/api/ping": 200, "/api/system/ping": 200, "/api/loginConfig": 200, "/api/33/loginConfig": 200, "/api/locales/ui": 200, "/api/files/style/external": 200, "/favicon.ico": 200,
		"/api/ping/": 302, "/api/33/ping": 302, "/api/loginConfig/": 302, "/api/loginConfig.json": 302, "/api/locales/ui.json": 302, "/api/files/style": 302, "/robots.txt": 302,
	} {
		require.Equal(t, status, b.ask("GET", path, "").status, path)
	}
	for _, path := range []string{"/api/ping", "/api/system/ping", "/api/loginConfig"} {
		require.Equal(t, 200, b.as(basic("admin", "wrong"), "GET", path, "").status, "a bad credential is not looked at on %s", path)
	}
	require.Equal(t, 401, b.as(basic("admin", "wrong"), "GET", "/api/locales/ui", "").status)
}

func TestBasicIsReadAsDHIS2ReadsIt(t *testing.T) {
	b := open(t, sandbox.Config{})
	for auth, status := range map[string]int{
		asAdmin: 200, strings.Replace(asAdmin, "Basic", "bAsIc", 1): 200, strings.TrimRight(asAdmin, "="): 200,
		strings.Replace(asAdmin, " ", "  ", 1): 401, "Basic": 401, "Basic !!!": 401, "Basic YWRtaW4=": 401, basic("ADMIN", "district"): 401, basic("admin", ""): 401,
		"Digest x": 302, "nonsense": 302, "Bearer x": 302,
	} {
		require.Equal(t, status, b.as(auth, "GET", "/api/system/id", "").status, auth)
	}
}

func TestTheNegotiationIsSpringsOwn(t *testing.T) {
	b := open(t, sandbox.Config{})
	for _, tt := range []struct {
		path, accept string
		status       int
	}{
		{"/api/system/info", "application/xml", 406}, {"/api/system/info", "text/html", 406}, {"/api/system/info", "nonsense", 406}, {"/api/system/info", "application/*", 200},
		{"/api/system/info", "image/png, application/json;q=0.1", 200}, {"/api/system/info", "application/json;q=0", 200}, {"/api/system/info.json", "text/plain", 200},
		{"/api/system/info.xml", "*/*", 406}, {"/api/system/info.JSON", "*/*", 404}, {"/api/system/info.json/", "*/*", 200}, {"/api/system/info/", "*/*", 200},
	} {
		require.Equal(t, tt.status, b.as(asAdmin, "GET", tt.path, "", "Accept: "+tt.accept).status, "%s %s", tt.path, tt.accept)
	}
	for sent, text := range map[string]string{
		"text/plain": "Content-Type 'text/plain' is not supported", "nonsense": `Invalid mime type "nonsense": does not contain '/'`,
		"application/json; charset=bogus": `Invalid mime type "application/json; charset=bogus": unsupported charset 'bogus'`,
		"application/json,text/plain":     `Invalid mime type "application/json,text/plain": Invalid token character ',' in token "json,text/plain"`,
	} {
		a := b.as(asAdmin, "POST", "/api/dataStore/a/b", "1", "Content-Type: "+sent)
		require.Equal(t, 415, a.status)
		require.Equal(t, text, a.message())
	}
}

func TestAForeignOriginIsAnsweredAndNotExecuted(t *testing.T) {
	b := open(t, sandbox.Config{})
	a := b.as(asAdmin, "POST", "/api/userDataStore/a/b", "1", "Origin: http://evil.example")
	require.Equal(t, 200, a.status)
	require.Empty(t, a.body)
	require.Equal(t, 404, b.as(asAdmin, "GET", "/api/userDataStore/a", "").status)

	require.Equal(t, 204, b.as(asAdmin, "POST", "/api/configuration/corsWhitelist", `["https://*.app.example"]`).status)
	a = b.ask("OPTIONS", "/api/me", "", "Origin: https://x.app.example", "Access-Control-Request-Method: PUT")
	require.Equal(t, 204, a.status)
	require.Equal(t, "PUT", a.header.Get("Access-Control-Allow-Methods"))
	a = b.ask("GET", "/api/me", "", "Origin: https://x.app.example", "X-Requested-With: XMLHttpRequest")
	require.Equal(t, 401, a.status)
	require.Equal(t, "https://x.app.example", a.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, 200, b.as(asAdmin, "GET", "/api/system/ping", "", "Origin: "+b.base).status, "the server's own origin may ask")
}

func TestATagIsAnsweredWith304(t *testing.T) {
	b := open(t, sandbox.Config{})
	require.Equal(t, 201, b.as(asAdmin, "POST", "/api/dataStore/a/b", `{"key1":"value3","key2":"value2"}`).status)
	a := b.as(asAdmin, "GET", "/api/dataStore/a/b", "")
	require.Equal(t, `"0b0af9e1a3ce7a8bb40a4e929415d8d6f"`, a.header.Get("ETag"))
	require.Equal(t, 304, b.as(asAdmin, "GET", "/api/dataStore/a/b", "", "If-None-Match: "+a.header.Get("ETag")).status)
}

func TestAParameterThatCannotBeDecodedRefusesTheRequest(t *testing.T) {
	b := open(t, sandbox.Config{})
	a := b.as(asAdmin, "GET", "/api/system/info?fields=username%FF", "")
	require.Equal(t, 409, a.status)
	require.Contains(t, a.message(), "Parameter [fields] with value [username\ufffd] has been ignored.")
}

func TestWhatWasStoredSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.db")
	t.Run("first", func(t *testing.T) {
		b := openAt(t, path, sandbox.Config{})
		require.Equal(t, 201, b.as(asAdmin, "POST", "/api/dataStore/a/b", `{"n": 1}`).status)
		require.Equal(t, 200, b.as(asAdmin, "POST", "/api/systemSettings/applicationTitle?value=Box", "").status)
		require.Equal(t, 204, b.as(asAdmin, "POST", "/api/configuration/corsWhitelist", `["http://x.example"]`).status)
		require.Equal(t, 201, b.installApp("boxapp", "boxapp-ns").status)
	})
	t.Run("second", func(t *testing.T) {
		b := openAt(t, path, sandbox.Config{})
		require.Equal(t, `{"n": 1}`, b.as(asAdmin, "GET", "/api/dataStore/a/b", "").body)
		require.Contains(t, b.ask("GET", "/api/loginConfig", "").body, `"applicationTitle":"Box"`)
		require.Equal(t, `["http://x.example"]`, b.as(asAdmin, "GET", "/api/configuration/corsWhitelist", "").body)
		require.Equal(t, 403, b.as(asNurse, "GET", "/api/dataStore/boxapp-ns", "").status)
	})
}
