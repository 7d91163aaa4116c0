package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"crypto/rand"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/console"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/internal/respond"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/oauth2server"
	"github.com/d2gate/d2gate/pat"
)

// account is one of the look-alike DHIS2.
type account struct {
	uid, password string
	authorities   []string
	code          string // second factor
	mailed        bool   // by e-mail
	disabled      bool
	status        string // a loginStatus to answer with
}

// dhis2 answers what the console makes identity ask: sign-in, /api/me, /api/users.
type dhis2 struct {
	mu       sync.Mutex
	accounts map[string]*account
	sessions map[string]string
	sent     int // codes by e-mail
	down     bool
}

func (d *dhis2) set(f func()) { d.mu.Lock(); defer d.mu.Unlock(); f() }

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (d *dhis2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/api/auth/login":
		d.login(w, r)
	case r.URL.Path == "/api/me":
		c, err := r.Cookie("JSESSIONID")
		if err != nil || d.sessions[c.Value] == "" {
			answer(w, http.StatusUnauthorized, map[string]any{"message": "Unauthorized"})
			return
		}
		answer(w, http.StatusOK, d.me(d.sessions[c.Value]))
	case r.URL.Path == "/api/users":
		name := strings.TrimPrefix(r.URL.Query().Get("filter"), "username:eq:")
		users := []any{}
		if d.accounts[name] != nil {
			users = append(users, d.me(name))
		}
		answer(w, http.StatusOK, map[string]any{"users": users})
	}
}

func (d *dhis2) me(name string) map[string]any {
	a := d.accounts[name]
	return map[string]any{"id": a.uid, "username": name, "name": "Test " + name, "displayName": "Test " + name, "authorities": a.authorities, "userRoles": []any{map[string]any{"authorities": a.authorities}}, "disabled": a.disabled}
}

func (d *dhis2) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Username, Password, TwoFactorCode string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	a := d.accounts[in.Username]
	say := func(status string) { answer(w, http.StatusOK, map[string]any{"loginStatus": status}) }
	switch {
	case a == nil || a.password != in.Password:
		answer(w, http.StatusUnauthorized, map[string]any{"httpStatusCode": 401, "status": "ERROR", "message": "Bad credentials"})
	case a.status != "":
		say(a.status)
	case a.mailed && in.TwoFactorCode == "":
		d.sent++
		say("EMAIL_TWO_FACTOR_CODE_SENT")
	case a.mailed && in.TwoFactorCode != a.code:
		say("INCORRECT_TWO_FACTOR_CODE_EMAIL")
	case a.code != "" && in.TwoFactorCode != a.code:
		say("INCORRECT_TWO_FACTOR_CODE_TOTP")
	default:
		id := rand.Text()
		d.sessions[id] = in.Username
		http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: id, Path: "/"})
		say("SUCCESS")
	}
}

// clock is a time that the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) Add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

// refusals are what was refused, as cmd's ring would tell.
type refusals map[string][]console.Refusal

func (r refusals) Refusals(_ context.Context, uid string, n int) ([]console.Refusal, error) {
	return r[uid][:min(n, len(r[uid]))], nil
}

// rig is the console with a real store, a real token server and a real sign-in at a
// look-alike DHIS2, on a real socket.
type rig struct {
	t        testing.TB
	dhis2    *dhis2
	clock    *clock
	store    *store.Store
	console  *console.Console
	oauth    *oauth2server.Server
	issuer   *pat.Issuer
	refusals refusals
	url      string // as people reach it, with the context path
	settings console.Settings
	mu       sync.Mutex
	returned []error // what handlers returned, for the record
}

type rigConfig struct {
	base     string // context path
	public   string // "" means where it listens
	settings console.Settings
	break_   func(console.SessionStore) console.SessionStore
	wrap     func(console.Tokens) console.Tokens
	start    time.Time // zero means now
	most     int       // sign-ins under way
}

func newRig(t testing.TB, cfg rigConfig) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{t: cfg.start}, refusals: refusals{}, settings: cfg.settings, dhis2: &dhis2{sessions: map[string]string{}, accounts: map[string]*account{
		"admin": {uid: "M5zQapPyTZI", password: "district", authorities: []string{"ALL", "F_USER_ADD"}},
		"nurse": {uid: "N5zQapPyTZI", password: "Nurse-pass-1", authorities: []string{"F_VIEW_EVENT_ANALYTICS"}},
		"clerk": {uid: "C5zQapPyTZI", password: "Clerk-pass-1", authorities: []string{"F_DATAVALUE_ADD"}, code: "123456"},
		"guard": {uid: "G5zQapPyTZI", password: "Guard-pass-1", code: "654321", mailed: true},
	}}}
	if cfg.start.IsZero() {
		r.clock.t = time.Now()
	}
	back := httptest.NewServer(r.dhis2)
	t.Cleanup(back.Close)
	front := httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	r.url = cfg.public
	if r.url == "" {
		r.url = "http://" + front.Listener.Addr().String() + cfg.base
	}
	r.open(cfg, back.URL)
	front.Config.Handler = http.StripPrefix(cfg.base, http.HandlerFunc(r.serve))
	front.Start()
	t.Cleanup(front.Close)
	return r
}

func (r *rig) open(cfg rigConfig, backURL string) {
	t := r.t
	var err error
	r.store, err = store.Open(context.Background(), "sqlite", filepath.Join(t.TempDir(), "d2gate.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.store.Close()) })
	r.issuer, err = pat.NewIssuer(pat.IssuerConfig{Store: r.store, Random: rand.Reader, Now: r.clock.Now, Settings: func() pat.Settings { return r.settings.Tokens }})
	require.NoError(t, err)

	upstream, err := url.Parse(backURL)
	require.NoError(t, err)
	server := identity.Server{URL: upstream, Transport: identity.NewTransport(time.Second), Timeout: 5 * time.Second}
	throttle, err := identity.NewThrottle(identity.ThrottleConfig{Rules: []identity.Rule{{Per: "username", Events: 3, Window: 15 * time.Minute}}, Now: r.clock.Now})
	require.NoError(t, err)
	basic, err := identity.NewBasic(identity.BasicConfig{Server: server, Throttle: throttle, Now: r.clock.Now})
	require.NoError(t, err)
	login, err := identity.NewLogin(identity.LoginConfig{Server: server, Throttle: throttle, Basic: basic, Now: r.clock.Now})
	require.NoError(t, err)
	directory, err := identity.NewDirectory(identity.DirectoryConfig{Server: server, Account: &identity.Account{As: identity.None{}}, CheckEvery: time.Second, Now: r.clock.Now})
	require.NoError(t, err)

	public, err := url.Parse(r.url)
	require.NoError(t, err)
	var sessions console.SessionStore = r.store.Sessions()
	if cfg.break_ != nil {
		sessions = cfg.break_(sessions)
	}
	var tokens console.Tokens = r.issuer
	if cfg.wrap != nil {
		tokens = cfg.wrap(tokens)
	}
	clients := r.store.OAuth2()
	client := func(*http.Request) netip.Addr { return netip.MustParseAddr("203.0.113.7") }
	r.console, err = console.New(console.Config{
		PublicURL: public, Sessions: sessions, Login: login, Accounts: directory, Tokens: tokens, Clients: clients, Refusals: r.refusals,
		Admin:        func(a []string) bool { return len(a) > 0 && a[0] == "ALL" },
		ClientIP:     client,
		Destination:  func(ctx context.Context, p url.Values) string { return r.oauth.Destination(ctx, p) },
		Applications: func() console.Applications { return r.oauth },
		Settings:     cfg.settings, MostPending: cfg.most, Now: r.clock.Now,
	})
	require.NoError(t, err)
	keys, err := oauth2server.OpenKeys(context.Background(), oauth2server.KeysConfig{Store: clients, Now: r.clock.Now, Rand: rand.Reader})
	require.NoError(t, err)
	r.oauth, err = oauth2server.New(oauth2server.Config{
		Store: clients, Passwords: noPasswords{}, Owners: noPasswords{}, Sessions: r.console, Keys: keys, Issuer: r.url, ClientIP: client, Now: r.clock.Now,
		Settings: oauth2server.Settings{AccessTTL: time.Hour, RefreshTTL: 24 * time.Hour, CodeTTL: time.Minute},
	})
	require.NoError(t, err)
}

// noPasswords: these tests use no password grant.
type noPasswords struct{}

func (noPasswords) CheckPassword(context.Context, string, string, netip.Addr) (oauth2server.Owner, error) {
	return oauth2server.Owner{}, fault.New(fault.LoginFailed, "")
}

func (noPasswords) CheckOwner(context.Context, oauth2server.Owner) error { return nil }
func (noPasswords) Authorities(context.Context, oauth2server.Owner) ([]string, error) {
	return nil, nil
}

// serve is what the gateway does around the handlers.
func (r *rig) serve(w http.ResponseWriter, q *http.Request) {
	h := r.console.Serve
	switch q.URL.Path {
	case "/uaa/oauth/authorize", "/oauth/authorize", "/oauth2/authorize":
		h = r.console.Wrap(r.oauth.Authorize)
	case "/d2gate/help/token_expired":
		h = func(w http.ResponseWriter, q *http.Request) error { respond.Help(w, q, "token_expired"); return nil }
	}
	w.Header().Set("X-Request-Id", "01JD4Z8W")
	err := h(w, q)
	r.mu.Lock()
	r.returned = append(r.returned, err)
	r.mu.Unlock()
	if page, ok := err.(respond.Renderer); ok { // as the gateway does, once it is on record
		page.Render(w, q)
	}
}

// lastError is what the last handler returned.
func (r *rig) lastError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.returned[len(r.returned)-1]
}

func (r *rig) requireReason(want fault.Reason) {
	r.t.Helper()
	f := fault.From(r.lastError())
	require.NotNil(r.t, f, "%v", r.lastError())
	require.Equal(r.t, want, f.Reason)
}

// client registers an OAuth2 client; without a secret it is public.
func (r *rig) client(cid, secretHash string, redirects ...string) {
	r.t.Helper()
	require.NoError(r.t, r.store.OAuth2().PutClient(context.Background(), oauth2server.Client{
		UID: "Client" + cid, Name: "App " + cid, CID: cid, SecretHash: secretHash, GrantTypes: []string{"authorization_code", "refresh_token"}, RedirectURIs: redirects,
		Created: r.clock.Now(), LastUpdated: r.clock.Now(), CreatedBy: oauth2server.Owner{Username: "admin"},
	}))
}

// browser is one without script: it keeps cookies, follows no redirect by itself and
// posts the forms that it was shown.
type browser struct {
	t       testing.TB
	rig     *rig
	client  *http.Client
	header  http.Header
	page    string
	status  int
	answer  http.Header
	address *url.URL
}

func (r *rig) browser() *browser {
	jar := &jar{cookies: map[string]*http.Cookie{}}
	return &browser{t: r.t, rig: r, header: http.Header{}, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// jar sends every cookie back: the tests look at attributes by themselves.
type jar struct {
	mu      sync.Mutex
	cookies map[string]*http.Cookie
	set     []*http.Cookie
}

func (j *jar) SetCookies(_ *url.URL, list []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range list {
		j.set = append(j.set, c)
		if c.MaxAge < 0 {
			delete(j.cookies, c.Name)
			continue
		}
		j.cookies[c.Name] = &http.Cookie{Name: c.Name, Value: c.Value}
	}
}

func (j *jar) Cookies(*url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*http.Cookie
	for _, c := range j.cookies {
		out = append(out, c)
	}
	return out
}

func (b *browser) jar() *jar { return b.client.Jar.(*jar) }

func (b *browser) send(req *http.Request) *browser {
	b.t.Helper()
	for name, values := range b.header {
		req.Header[name] = values
	}
	resp, err := b.client.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	b.page, b.status, b.answer, b.address = string(body), resp.StatusCode, resp.Header, req.URL
	return b
}

// get opens an address, relative to the console's.
func (b *browser) get(path string) *browser {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.rig.url + path
	}
	req, err := http.NewRequest(http.MethodGet, path, nil)
	require.NoError(b.t, err)
	return b.send(req)
}

// post sends a form as the page of ours would.
func (b *browser) post(path string, form url.Values) *browser {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.rig.url+path, bytes.NewBufferString(form.Encode()))
	require.NoError(b.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(req)
}

// follow goes where the answer sends the browser.
func (b *browser) follow() *browser {
	b.t.Helper()
	to := b.answer.Get("Location")
	require.NotEmpty(b.t, to, "%d %s", b.status, b.page)
	next, err := b.address.Parse(to)
	require.NoError(b.t, err)
	return b.get(next.String())
}

var (
	forms  = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	action = regexp.MustCompile(`action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	unhtml = strings.NewReplacer("&amp;", "&", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+")
)

// submit fills in and posts the form whose text has the mark.
func (b *browser) submit(mark string, fields ...string) *browser {
	b.t.Helper()
	for _, f := range forms.FindAllString(b.page, -1) {
		if !strings.Contains(f, mark) {
			continue
		}
		values := url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(f, -1) {
			values.Add(unhtml.Replace(m[1]), unhtml.Replace(m[2]))
		}
		for i := 0; i+1 < len(fields); i += 2 {
			values.Add(fields[i], fields[i+1])
		}
		base, err := url.Parse(b.rig.url)
		require.NoError(b.t, err)
		return b.post(strings.TrimPrefix(unhtml.Replace(action.FindStringSubmatch(f)[1]), base.Path), values)
	}
	require.Fail(b.t, "no form with "+mark, b.page)
	return b
}

// signIn signs in and lands on the token page.
func (b *browser) signIn(username, password string) *browser {
	b.t.Helper()
	b.get("/d2gate/sign-in").submit(`name="password"`, "username", username, "password", password)
	require.Equal(b.t, http.StatusSeeOther, b.status, b.page)
	return b.follow()
}

var errStore = errors.New("the disk is full")
