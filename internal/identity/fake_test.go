package identity_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/identity"
)

// clock is a time that the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// person is an account of the look-alike.
type person struct {
	id, password  string
	authorities   []string
	disabled      bool
	accountExpiry string
	secondFactor  string // a code that sign-in asks for
	email         bool   // the code goes by e-mail
	status        string // a loginStatus that the account answers with
}

// dhis answers as a DHIS2 2.44 does (contract 2.3, 3), over real HTTP. With old it
// is a 2.40: no login API, a form instead.
type dhis struct {
	*httptest.Server
	t   *testing.T
	old bool

	mu       sync.Mutex
	people   map[string]*person
	sessions map[string]string // id -> user, "" for a session that is not signed in by itself
	ended    map[string]bool   // sessions whose next request goes to logout.action
	pats     map[string]string // token -> user
	patBody  []string
	opened   int
	failed   map[string]int // wrong passwords, by user
	seen     []*http.Request
	keys     func() (*jose.JSONWebKeySet, error)
	audience string
	now      func() time.Time
	down     int           // a status to answer everything with
	gate     chan struct{} // requests to /api/me wait for it
	answerMe func(http.ResponseWriter)
	setMore  []string
}

func newDHIS(t *testing.T) *dhis {
	d := &dhis{
		t: t, now: time.Now, audience: "d2gate",
		people: map[string]*person{
			"admin": {id: "M5zQapPyTZI", password: "district", authorities: []string{"ALL"}},
			"nurse": {id: "N5zQapPyTZI", password: "Nurse-pass-1", authorities: []string{"F_VIEW"}},
			"guest": {id: "G5zQapPyTZI", password: "Guest-pass-1"},
		},
		sessions: map[string]string{}, ended: map[string]bool{}, failed: map[string]int{}, pats: map[string]string{},
	}
	d.Server = httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(d.Close)
	return d
}

func (d *dhis) server() identity.Server {
	u, err := url.Parse(d.URL)
	require.NoError(d.t, err)
	tr := identity.NewTransport(time.Second)
	d.t.Cleanup(tr.CloseIdleConnections)
	return identity.Server{URL: u, Transport: tr, Timeout: 10 * time.Second}
}

func (d *dhis) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *dhis) asked(path string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.seen {
		if r.URL.Path == path {
			n++
		}
	}
	return n
}

func (d *dhis) last() *http.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen[len(d.seen)-1]
}

func (d *dhis) sessionsOpened() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func message(w http.ResponseWriter, status int, text string) {
	reply(w, status, map[string]any{"httpStatus": http.StatusText(status), "httpStatusCode": status, "status": "ERROR", "message": text})
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

func (d *dhis) loginPage() string {
	if d.old {
		return d.URL + "/dhis-web-commons/security/login.action"
	}
	return "/login/"
}

func (d *dhis) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	d.seen = append(d.seen, r.Clone(r.Context()))
	down, gate := d.down, d.gate
	d.mu.Unlock()
	if gate != nil && r.URL.Path == "/api/me" {
		<-gate
	}
	if down != 0 {
		w.WriteHeader(down)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case r.URL.Path == "/api/auth/login" && !d.old:
		d.login(w, body)
		return
	case r.URL.Path == "/dhis-web-commons-security/login.action" && d.old:
		d.form(w, body)
		return
	}
	user, ok := d.authenticate(w, r)
	if !ok {
		return
	}
	d.answer(w, r, user, body)
}

// authenticate is DHIS2's: Basic, ApiToken, Bearer, else the session.
func (d *dhis) authenticate(w http.ResponseWriter, r *http.Request) (user string, ok bool) {
	id := ""
	if c, err := r.Cookie("JSESSIONID"); err == nil {
		id = c.Value
	}
	if d.ended[id] {
		delete(d.ended, id)
		delete(d.sessions, id)
		redirect(w, "/dhis-web-commons-security/logout.action")
		return "", false
	}
	_, live := d.sessions[id]
	auth := r.Header.Get("Authorization")
	switch {
	case strings.HasPrefix(auth, "Basic "):
		raw, _ := base64.StdEncoding.DecodeString(auth[6:])
		name, password, _ := strings.Cut(string(raw), ":")
		p := d.people[name]
		switch {
		case p != nil && p.disabled:
			message(w, 401, "Account disabled")
			return "", false
		case p != nil && p.status == "ACCOUNT_LOCKED":
			message(w, 401, "Account locked")
			return "", false
		case p == nil || p.password != password || p.secondFactor != "":
			d.failed[name]++
			message(w, 401, "Unauthorized")
			return "", false
		}
		d.open(w, name)
		return name, true
	case strings.HasPrefix(auth, "ApiToken "):
		name, known := d.pats[auth[9:]]
		if !known {
			w.Header().Set("WWW-Authenticate", "ApiToken")
			message(w, 401, "The API token does not exists")
			return "", false
		}
		if !live {
			d.open(w, name)
		}
		return name, true
	case strings.HasPrefix(auth, "Bearer ") && d.keys != nil:
		name, why := d.bearer(auth[7:])
		if why != "" {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+why+`"`)
			message(w, 401, "invalid_token")
			return "", false
		}
		if live && d.sessions[id] == "" { // the last JWT's own: its id changes
			delete(d.sessions, id)
			d.opened--
		}
		if !live || d.sessions[id] == "" {
			d.open(w, "")
		}
		return name, true
	case live && d.sessions[id] != "":
		return d.sessions[id], true
	}
	redirect(w, d.loginPage())
	return "", false
}

func (d *dhis) open(w http.ResponseWriter, user string) string {
	id := rand.Text()
	d.opened++
	d.sessions[id] = user
	w.Header().Add("Set-Cookie", "JSESSIONID="+id+"; Path=/; HttpOnly; SameSite=Lax")
	w.Header().Add("Set-Cookie", "SESSION_EXPIRE=server_time=1&expiry_time=2; Max-Age=3600; Path=/")
	for _, c := range d.setMore {
		w.Header().Add("Set-Cookie", c)
	}
	return id
}

func (d *dhis) bearer(text string) (name, why string) {
	tok, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", "Invalid JWT serialization"
	}
	set, err := d.keys()
	require.NoError(d.t, err)
	var std jwt.Claims
	more := map[string]any{}
	keys := set.Key(tok.Headers[0].KeyID)
	if len(keys) != 1 || tok.Claims(keys[0].Key, &std, &more) != nil {
		return "", "Invalid signature"
	}
	require.NotEmpty(d.t, std.Subject, "sub: a real DHIS2 answers 500 without it")
	require.NotEmpty(d.t, std.Audience, "aud: a real DHIS2 answers 500 without it")
	require.NotNil(d.t, std.Expiry, "exp: a real DHIS2 takes it for ever without it")
	if std.Validate(jwt.Expected{AnyAudience: jwt.Audience{d.audience}, Time: d.now()}) != nil {
		return "", "Invalid audience or Jwt expired"
	}
	name, _ = more["username"].(string)
	if d.people[name] == nil {
		return "", "Found no matching DHIS2 user for the mapping claim: 'username' with the value: '" + name + "'"
	}
	return name, ""
}

func (d *dhis) login(w http.ResponseWriter, body []byte) {
	var in struct{ Username, Password, TwoFactorCode string }
	if json.Unmarshal(body, &in) != nil {
		message(w, 400, "JSON parse error")
		return
	}
	p := d.people[in.Username]
	status := ""
	switch {
	case p != nil && p.status != "" && p.status != "PASSWORD_EXPIRED":
		status = p.status
	case p == nil || p.password != in.Password:
		d.failed[in.Username]++
		message(w, 401, "Bad credentials")
		return
	case p.status != "":
		status = p.status
	case p.email && in.TwoFactorCode == "":
		status = "EMAIL_TWO_FACTOR_CODE_SENT"
	case p.email && in.TwoFactorCode != p.secondFactor:
		status = "INCORRECT_TWO_FACTOR_CODE_EMAIL"
	case p.secondFactor != "" && in.TwoFactorCode != p.secondFactor:
		status = "INCORRECT_TWO_FACTOR_CODE_TOTP"
	}
	if status != "" {
		reply(w, 200, map[string]any{"loginStatus": status})
		return
	}
	d.open(w, in.Username)
	reply(w, 200, map[string]any{"loginStatus": "SUCCESS", "redirectUrl": "/"})
}

func (d *dhis) form(w http.ResponseWriter, body []byte) {
	in, _ := url.ParseQuery(string(body))
	p := d.people[in.Get("j_username")]
	if p == nil || p.password != in.Get("j_password") || p.secondFactor != in.Get("2fa_code") {
		d.failed[in.Get("j_username")]++
		redirect(w, d.loginPage()+"?failed=true")
		return
	}
	d.open(w, in.Get("j_username"))
	redirect(w, d.URL+"/dhis-web-dashboard/index.action")
}

func (d *dhis) answer(w http.ResponseWriter, r *http.Request, user string, body []byte) {
	p := d.people[user]
	switch {
	case r.URL.Path == "/api/me" && d.answerMe != nil:
		d.answerMe(w)
	case r.URL.Path == "/api/me":
		reply(w, 200, map[string]any{"id": p.id, "username": user, "name": "first " + user, "displayName": "first " + user, "authorities": p.authorities})
	case r.URL.Path == "/api/me/authorities":
		reply(w, 200, append([]string{}, p.authorities...))
	case r.URL.Path == "/api/users":
		d.users(w, r)
	case r.URL.Path == "/api/apiToken" && r.Method == http.MethodPost:
		key := "d2pat_" + rand.Text()
		d.pats[key] = user
		d.patBody = append(d.patBody, string(body))
		reply(w, 201, map[string]any{"response": map[string]any{"key": key, "uid": "P5zQapPyTZI"}})
	default:
		reply(w, 200, map[string]any{"actingUser": user})
	}
}

func (d *dhis) users(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Query().Get("filter"), "username:eq:")
	require.True(d.t, ok, r.URL.RawQuery)
	list := []any{}
	if p := d.people[name]; p != nil {
		u := map[string]any{"id": p.id, "username": name, "name": "first " + name, "disabled": p.disabled,
			"userRoles": []any{map[string]any{"authorities": p.authorities}, map[string]any{"authorities": p.authorities}}}
		if p.accountExpiry != "" {
			u["accountExpiry"] = p.accountExpiry
		}
		list = append(list, u)
	}
	reply(w, 200, map[string]any{"pager": map[string]any{"page": 1}, "users": list})
}

// forward sends one request upstream as the gateway does: sign, send, look, and
// once more if that may help. It fails the test if any step does.
func forward(t *testing.T, up identity.Upstream, u identity.User, d *dhis, caller http.Header) *http.Response {
	t.Helper()
	resp, err := tryForward(up, u, d, caller)
	require.NoError(t, err)
	return resp
}

func tryForward(up identity.Upstream, u identity.User, d *dhis, caller http.Header) (*http.Response, error) {
	for range 2 {
		req, err := http.NewRequest(http.MethodGet, d.URL+"/api/dataStore", nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("X-Forwarded-For", "192.0.2.7")
		lease, err := up.Sign(req.Context(), u, caller, req)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		again := lease.Done(resp, err)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err := lease.Refused(); err != nil {
			return nil, err
		}
		if !again {
			return resp, nil
		}
	}
	return nil, fmt.Errorf("asked to try again twice")
}
