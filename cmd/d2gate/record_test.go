package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// auditLine is one line of the audit log.
type auditLine struct{ User, Method, Path, Decision, Reason string }

// onRecord waits for a line that fits.
func (r *running) onRecord(fits func(auditLine) bool) (found auditLine) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		text, err := os.ReadFile(filepath.Join(r.dir, "audit.jsonl"))
		require.NoError(r.t, err)
		for line := range strings.Lines(string(text)) {
			var one auditLine
			if json.Unmarshal([]byte(line), &one) == nil && fits(one) {
				found = one
				return true
			}
		}
		return false
	}, time.Minute, 5*time.Millisecond)
	return found
}

// post sends a body and gives status and answer.
func (r *running) post(c *http.Client, path, kind, body string, headers ...string) (int, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), "POST", r.gateway+path, strings.NewReader(body))
	require.NoError(r.t, err)
	q.Header.Set("Content-Type", kind)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Set(name, value)
	}
	resp, err := c.Do(q)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(text)
}

const (
	formType      = "application/x-www-form-urlencoded"
	adminByBasic  = "Authorization: Basic YWRtaW46U2VzYW1lLTE="
	clientByBasic = "Authorization: Basic Yzo3YjJmOWYxZS02YzdkLTRhNTMtOGE1NS0wZDRhMWQxZjdjMTE="
	aClient       = `{"name":"c","cid":"c","secret":"7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11","grantTypes":["password","authorization_code"],"redirectUris":["https://a.example/cb"]}`
)

func TestTheRecordNamesWhoSignsInAndForWhomTokensAreMade(t *testing.T) {
	r := serve(t, plainBackend+"oauth2: {password_grant: true}\n")
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	csrf := func(path string) string {
		resp, err := browser.Get(r.gateway + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindSubmatch(page)
		require.NotNil(t, found, string(page))
		return url.QueryEscape(string(found[1]))
	}
	status, _ := r.post(browser, "/d2gate/sign-in", formType, "csrf="+csrf("/d2gate/sign-in")+"&username=admin&password=Sesame-1")
	require.Equal(t, 303, status)
	status, _ = r.post(browser, "/d2gate/tokens/new", formType, "csrf="+csrf("/d2gate/tokens/new")+"&name=x&expires=30")
	require.Equal(t, 200, status)
	status, text := r.post(http.DefaultClient, "/api/oAuth2Clients", "application/json", aClient, adminByBasic)
	require.Equal(t, 201, status, text)
	status, _ = r.post(http.DefaultClient, "/oauth2/token", formType, "grant_type=password&username=admin&password=Sesame-1", clientByBasic)
	require.Equal(t, 200, status)
	for _, path := range []string{"/d2gate/sign-in", "/d2gate/tokens/new", "/api/oAuth2Clients", "/oauth2/token"} {
		line := r.onRecord(func(l auditLine) bool { return l.Method == "POST" && l.Path == path })
		require.Equal(t, "admin", line.User, path)
		require.Equal(t, "allow", line.Decision, path)
	}
}

func TestAnAuthorizationThatEndsOnAnErrorPageIsARefusalOnRecord(t *testing.T) {
	r := serve(t, plainBackend)
	status, text := r.post(http.DefaultClient, "/api/oAuth2Clients", "application/json", aClient, adminByBasic)
	require.Equal(t, 201, status, text)
	for path, want := range map[string]int{
		"/oauth2/authorize?response_type=code&client_id=nobody":                                            401,
		"/uaa/oauth/authorize?response_type=code&client_id=c&redirect_uri=https%3A%2F%2Fevil.example%2Fcb": 400,
	} {
		status, header, body := r.ask("GET", r.gateway+path)
		require.Equal(t, want, status)
		require.Equal(t, []string{"policy_refused"}, header.Values("X-Gateway-Reason"))
		require.Contains(t, body, "</html>")
		require.NotContains(t, strings.TrimSuffix(strings.TrimSpace(body), "</html>"), "</html>", "it is shown once")
		only, _, _ := strings.Cut(path, "?")
		line := r.onRecord(func(l auditLine) bool { return l.Path == only })
		require.Equal(t, "refuse policy_refused", line.Decision+" "+line.Reason)
	}
}

func TestARefusalThatAPageTellsIsOnRecordUnderTheReasonOfItsHeader(t *testing.T) { // design 3.5 and 8
	r := serve(t, plainBackend)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	page, err := browser.Get(r.gateway + "/d2gate/sign-in")
	require.NoError(t, err)
	text, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	require.NoError(t, page.Body.Close())
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(string(text))[1]
	for _, tt := range []struct {
		form   url.Values
		status int
		reason string
	}{
		{url.Values{"csrf": {"of another browser"}, "username": {"admin"}, "password": {"Sesame-1"}}, 403, "policy_refused"},
		{url.Values{"csrf": {csrf}, "username": {"admin"}, "password": {"wrong"}}, 401, "login_failed"},
	} {
		q, err := http.NewRequestWithContext(t.Context(), "POST", r.gateway+"/d2gate/sign-in", strings.NewReader(tt.form.Encode()))
		require.NoError(t, err)
		q.Header.Set("Content-Type", formType)
		q.Header.Set("Sec-Fetch-Site", "same-origin")
		resp, err := browser.Do(q)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, tt.status, resp.StatusCode)
		require.Equal(t, []string{tt.reason}, resp.Header.Values("X-Gateway-Reason"))
		line := r.onRecord(func(l auditLine) bool { return l.Path == "/d2gate/sign-in" && l.Reason == tt.reason })
		require.Equal(t, "refuse", line.Decision)
	}
}

func TestUserinfoIsOpenToWhoMayReadMeAndToNobodyElse(t *testing.T) {
	r := serve(t, plainBackend+"oauth2: {password_grant: true}\n")
	status, text := r.post(http.DefaultClient, "/api/oAuth2Clients", "application/json", aClient, adminByBasic)
	require.Equal(t, 201, status, text)
	for scope, want := range map[string]int{"": 200, "openid": 200, "profile email": 200, "me:read": 200, "*:read": 200, "dataStore/a:read": 401, "me:write": 401} {
		status, text := r.post(http.DefaultClient, "/oauth2/token", formType, "grant_type=password&username=admin&password=Sesame-1&scope="+url.QueryEscape(scope), clientByBasic)
		require.Equal(t, 200, status, text)
		var answer struct {
			Token string `json:"access_token"`
		}
		require.NoError(t, json.Unmarshal([]byte(text), &answer))
		status, _, _ = r.ask("GET", r.gateway+"/userinfo", "Authorization: Bearer "+answer.Token)
		require.Equal(t, want, status, scope)
	}
	status, header, _ := r.ask("GET", r.gateway+"/userinfo", adminByBasic)
	require.Equal(t, 403, status)
	require.Equal(t, "policy_refused", header.Get("X-Gateway-Reason"), "it is for access tokens")
}

func TestARefusalOfTheTokenServerNamesItsReasonInTheHeaderAndTheRecord(t *testing.T) { // design 8
	r := serve(t, plainBackend)
	q, err := http.NewRequestWithContext(t.Context(), "POST", r.gateway+"/uaa/oauth/token", strings.NewReader("grant_type=refresh_token"))
	require.NoError(t, err)
	q.Header.Set("Content-Type", formType)
	q.SetBasicAuth("nobody", "7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11")
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 401, resp.StatusCode)
	require.JSONEq(t, `{"error":"invalid_client","error_description":"Bad client credentials"}`, string(body), "the body is RFC 6749's and nothing else")
	require.Equal(t, []string{"login_failed"}, resp.Header.Values("X-Gateway-Reason"))
	line := r.onRecord(func(l auditLine) bool { return l.Path == "/uaa/oauth/token" })
	require.Equal(t, "refuse login_failed", line.Decision+" "+line.Reason)
}
