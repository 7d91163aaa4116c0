package oauth2server_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/oauth2server"
)

const documentedSecret = "1e6db50c-0fee-11e5-98d0-3c15c2c6caf6"

// rig is a token server on a real SQLite file, with one signed-in browser.
type rig struct {
	t        testing.TB
	file     string // of the store
	srv      *oauth2server.Server
	st       oauth2server.Store
	verifier *oauth2server.Verifier
	mux      *http.ServeMux

	mu       sync.Mutex
	now      time.Time
	disabled map[string]bool
	signedIn string
	asked    int // consent pages shown
	problem  *oauth2server.Error
	issuer   string
}

func newRig(t testing.TB) *rig { return newRigAt(t, "https://gw.example") }

func newRigAt(t testing.TB, issuer string) *rig {
	return newRigWith(t, issuer, func(s oauth2server.Store) oauth2server.Store { return s })
}

func newRigWith(t testing.TB, issuer string, wrap func(oauth2server.Store) oauth2server.Store) *rig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "d2gate.db")
	s, err := store.Open(context.Background(), "sqlite", file)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	r := &rig{t: t, file: file, issuer: issuer, st: wrap(s.OAuth2()), now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), disabled: map[string]bool{}}
	keys, err := oauth2server.OpenKeys(t.Context(), oauth2server.KeysConfig{Store: r.st, Now: r.clock, Rand: oauth2server.RandReader})
	require.NoError(t, err)
	r.verifier, err = oauth2server.NewVerifier(oauth2server.VerifierConfig{Store: r.st, Now: r.clock})
	require.NoError(t, err)
	r.srv, err = oauth2server.New(oauth2server.Config{
		Store: r.st, Passwords: r, Owners: r, Sessions: r, Keys: keys, Issuer: issuer, Now: r.clock, Revoked: r.verifier.Forget,
		ClientIP: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
		Settings: oauth2server.Settings{PasswordGrant: true, AccessTTL: 12 * time.Hour, RefreshTTL: 30 * 24 * time.Hour, CodeTTL: time.Minute},
	})
	require.NoError(t, err)
	r.mux = http.NewServeMux()
	for path, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"/oauth2/token": r.srv.Token, "/oauth2/authorize": r.srv.Authorize, "/oauth2/introspect": r.srv.Introspect, "/oauth2/revoke": r.srv.Revoke,
		"/uaa/oauth/check_token": r.srv.CheckToken, "/oauth2/jwks": r.srv.JWKS, "/.well-known/openid-configuration": r.srv.Metadata,
	} {
		r.mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/oauth2/authorize" { // the one that shows problems, and that no test asks twice at once
				r.problem = nil
			}
			if err := h(w, q); err != nil {
				rd, ok := err.(respond.Renderer)
				require.True(t, ok, "%v", err)
				rd.Render(w, q)
			}
		})
	}
	r.client("demo", documentedSecret, "password", "refresh_token", "authorization_code")
	return r
}

func (r *rig) clock() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.now }

func (r *rig) wait(d time.Duration) { r.mu.Lock(); defer r.mu.Unlock(); r.now = r.now.Add(d) }

func (r *rig) CheckPassword(_ context.Context, username, password string, _ netip.Addr) (oauth2server.Owner, error) {
	if username != "admin" || password != "district" {
		return oauth2server.Owner{}, fault.New(fault.LoginFailed, "")
	}
	return owner, nil
}

func (r *rig) CheckOwner(_ context.Context, o oauth2server.Owner) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.disabled[o.Username] {
		return fault.New(fault.TokenOwnerDisabled, "")
	}
	return nil
}

func (r *rig) Authorities(context.Context, oauth2server.Owner) ([]string, error) {
	return []string{"F_X"}, nil
}

func (r *rig) SignedIn(*http.Request) (oauth2server.Owner, bool) { return owner, r.signedIn != "" }

func (r *rig) SignIn(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }

func (r *rig) Consent(w http.ResponseWriter, _ *http.Request, q oauth2server.Question) {
	r.asked++
	for _, f := range q.Fields {
		w.Header().Add("X-Field", url.QueryEscape(f.Name)+"="+url.QueryEscape(f.Value))
	}
	w.WriteHeader(http.StatusOK)
}

func (r *rig) Problem(w http.ResponseWriter, _ *http.Request, e *oauth2server.Error) {
	r.problem = e
	w.WriteHeader(e.Status)
}

func (r *rig) Token(*http.Request) string { return "csrf-value" }

func (r *rig) CheckToken(_ *http.Request, token string) bool { return token == "csrf-value" }

var owner = oauth2server.Owner{UID: "M5zQapPyTZI", Username: "admin", Name: "admin admin"}

func (r *rig) client(cid, secret string, grants ...string) {
	hash := ""
	if secret != "" {
		var err error
		hash, err = oauth2server.HashSecret(secret)
		require.NoError(r.t, err)
	}
	require.NoError(r.t, r.st.PutClient(context.Background(), oauth2server.Client{
		UID: "uid" + cid, CID: cid, Name: cid, SecretHash: hash, GrantTypes: grants, RedirectURIs: []string{"http://www.example.org"}, Created: r.clock(), LastUpdated: r.clock(),
	}))
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
}

func (r *rig) post(path, basic string, form ...string) reply {
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	q := httptest.NewRequest(http.MethodPost, path, strings.NewReader(v.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cid, secret, ok := strings.Cut(basic, ":"); ok {
		q.SetBasicAuth(cid, secret)
	}
	return r.do(q)
}

func (r *rig) do(q *http.Request) reply {
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, q)
	out := reply{status: w.Code, header: w.Header()}
	_ = json.Unmarshal(w.Body.Bytes(), &out.body)
	return out
}

const demo = "demo:" + documentedSecret

func (r *rig) token(form ...string) reply { return r.post("/oauth2/token", demo, form...) }

func (r *rig) password() reply {
	out := r.token("grant_type", "password", "username", "admin", "password", "district")
	require.Equal(r.t, 200, out.status, out.body)
	return out
}

func (r *rig) code(params ...string) string {
	r.signedIn = "admin"
	v := url.Values{"client_id": {"demo"}, "response_type": {"code"}}
	for i := 0; i+1 < len(params); i += 2 {
		v.Set(params[i], params[i+1])
	}
	got := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?"+v.Encode(), nil))
	require.Equal(r.t, 200, got.status)
	var form []string
	for _, f := range got.header.Values("X-Field") {
		q, err := url.ParseQuery(f)
		require.NoError(r.t, err)
		for k, vs := range q {
			form = append(form, k, vs[0])
		}
	}
	out := r.post("/oauth2/authorize", "", append(form, "csrf", "csrf-value", "user_oauth_approval", "true")...)
	require.Equal(r.t, 303, out.status)
	u, err := url.Parse(out.header.Get("Location"))
	require.NoError(r.t, err)
	require.Equal(r.t, r.issuer, u.Query().Get("iss"))
	return u.Query().Get("code")
}

func (r *rig) works(token string) bool {
	_, err := r.verifier.Verify(context.Background(), token)
	return err == nil
}

func text(v any) string { s, _ := v.(string); return s }

func (o reply) refused(t testing.TB, status int, code, description string) {
	t.Helper()
	require.Equal(t, status, o.status, o.body)
	require.Equal(t, code, o.body["error"])
	require.Equal(t, description, o.body["error_description"])
	require.Equal(t, "no-store", o.header.Get("Cache-Control"))
	require.Equal(t, "no-cache", o.header.Get("Pragma"))
}

func TestThePasswordGrantAnswersAsDHIS2Did(t *testing.T) {
	r := newRig(t)
	out := r.password()
	require.Equal(t, "bearer", out.body["token_type"])
	require.Equal(t, "ALL", out.body["scope"])
	require.EqualValues(t, 43200, out.body["expires_in"])
	require.Regexp(t, `^[0-9a-f-]{36}$`, out.body["access_token"])
	require.Equal(t, "application/json;charset=UTF-8", out.header.Get("Content-Type"))
	require.True(t, r.works(text(out.body["access_token"])))
}

func TestRefusalsOfTheTokenEndpoint(t *testing.T) {
	r := newRig(t)
	r.client("codeonly", "9b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "authorization_code")
	r.client("none", "8b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11")
	r.token().refused(t, 400, "invalid_request", "Missing grant type")
	r.token("grant_type", "foo").refused(t, 400, "unsupported_grant_type", "Unsupported grant type")
	r.token("grant_type", "client_credentials").refused(t, 400, "unsupported_grant_type", "Unsupported grant type")
	r.token("grant_type", "password", "username", "admin", "password", "wrong").refused(t, 400, "invalid_grant", "Bad credentials")
	r.token("grant_type", "password", "username", "", "password", "").refused(t, 400, "invalid_grant", "Bad credentials")
	r.token("grant_type", "refresh_token").refused(t, 400, "invalid_request", "refresh_token parameter not provided")
	r.token("grant_type", "refresh_token", "refresh_token", "nope").refused(t, 400, "invalid_grant", "Invalid refresh token")
	r.token("grant_type", "authorization_code").refused(t, 400, "invalid_request", "An authorization code must be supplied.")
	r.token("grant_type", "authorization_code", "code", "nope").refused(t, 400, "invalid_grant", "Invalid authorization code")
	r.token("grant_type", "password", "username", "admin", "password", "district", "scope", "read").refused(t, 400, "invalid_scope", "Invalid scope")
	r.token("grant_type", "password", "grant_type", "password").refused(t, 400, "invalid_request", "A parameter was sent more than once")
	r.token("grant_type", "password", "client_id", "other").refused(t, 401, "invalid_client", "Given client ID does not match authenticated client")
	r.token("grant_type", "password", "client_secret", documentedSecret).refused(t, 400, "invalid_request", "Two client authentications were sent")
	for _, basic := range []string{"demo:wrong", "demo:", "unknown:" + documentedSecret, ""} {
		out := r.post("/oauth2/token", basic, "grant_type", "password")
		out.refused(t, 401, "invalid_client", "Bad client credentials")
		require.Equal(t, `Basic realm="oauth2/client"`, out.header.Get("WWW-Authenticate"))
	}
	r.post("/oauth2/token", "codeonly:9b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "grant_type", "password").refused(t, 400, "unauthorized_client", "Unauthorized grant type")
	r.post("/oauth2/token", "none:8b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "grant_type", "password").refused(t, 400, "unauthorized_client", "Unauthorized grant type")
	r.post("/oauth2/token?grant_type=password", demo).refused(t, 400, "invalid_request", "Parameters belong in the body")
	r.srv.Reload(oauth2server.Settings{})
	r.token("grant_type", "password", "username", "admin", "password", "district").refused(t, 400, "unsupported_grant_type", "Unsupported grant type")
}

func TestOnlyPOSTGetsATokenAndNoQuery(t *testing.T) {
	r := newRig(t)
	get := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/token", nil))
	get.refused(t, 405, "method_not_allowed", "Request method 'GET' not supported")
	put := r.do(httptest.NewRequest(http.MethodPut, "/oauth2/token", nil))
	require.Equal(t, 405, put.status)
	require.Equal(t, "Request method 'PUT' not supported", put.body["message"])
	require.Equal(t, 200, r.do(httptest.NewRequest(http.MethodOptions, "/oauth2/token", nil)).status)
	q := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(`{"grant_type":"password"}`))
	q.Header.Set("Content-Type", "application/json")
	q.SetBasicAuth("demo", documentedSecret)
	r.do(q).refused(t, 400, "invalid_request", "Missing grant type")
	big := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader("a="+strings.Repeat("x", 1<<20)))
	big.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.do(big).refused(t, 400, "invalid_request", "The body is too large")
}

func TestARefreshTokenIsReplacedByEachUseAndReuseEndsTheFamily(t *testing.T) {
	r := newRig(t)
	first := r.password()
	second := r.token("grant_type", "refresh_token", "refresh_token", text(first.body["refresh_token"]))
	require.Equal(t, 200, second.status)
	require.NotEqual(t, first.body["refresh_token"], second.body["refresh_token"])
	require.NotEqual(t, first.body["access_token"], second.body["access_token"])
	require.True(t, r.works(text(second.body["access_token"])))
	r.token("grant_type", "refresh_token", "refresh_token", text(first.body["refresh_token"])).refused(t, 400, "invalid_grant", "Invalid refresh token")
	require.False(t, r.works(text(second.body["access_token"])), "the family is over")
	require.False(t, r.works(text(first.body["access_token"])))
	r.token("grant_type", "refresh_token", "refresh_token", text(second.body["refresh_token"])).refused(t, 400, "invalid_grant", "Invalid refresh token")
}

func TestAGraceForgivesASecondUseOfTheParentForAShortWhile(t *testing.T) {
	r := newRig(t)
	r.srv.Reload(oauth2server.Settings{PasswordGrant: true, AccessTTL: time.Hour, RefreshTTL: time.Hour * 24, CodeTTL: time.Minute, ReuseGrace: 10 * time.Second})
	first := text(r.password().body["refresh_token"])
	require.Equal(t, 200, r.token("grant_type", "refresh_token", "refresh_token", first).status)
	r.wait(10 * time.Second)
	again := r.token("grant_type", "refresh_token", "refresh_token", first)
	require.Equal(t, 200, again.status)
	r.wait(time.Second)
	r.token("grant_type", "refresh_token", "refresh_token", first).refused(t, 400, "invalid_grant", "Invalid refresh token")
	require.False(t, r.works(text(again.body["access_token"])))
}

// raced is a store in which another request with the same refresh token is faster,
// by the width of the gap between reading the token and spending it.
type raced struct {
	oauth2server.Store
	faster func()
}

func (s *raced) Rotate(ctx context.Context, hash string, now time.Time, mint oauth2server.Mint) error {
	if f := s.faster; f != nil {
		s.faster = nil
		f()
	}
	return s.Store.Rotate(ctx, hash, now, mint)
}

func TestTheLoserOfTwoRefreshesAtOnceIsForgivenWithinTheGrace(t *testing.T) {
	for _, tt := range []struct {
		grace  time.Duration
		use    bool // the winner has used its successor already
		passes bool
	}{{10 * time.Second, false, true}, {10 * time.Second, true, false}, {0, false, false}} {
		race := &raced{}
		r := newRigWith(t, "https://gw.example", func(s oauth2server.Store) oauth2server.Store { race.Store = s; return race })
		r.srv.Reload(oauth2server.Settings{PasswordGrant: true, AccessTTL: time.Hour, RefreshTTL: time.Hour * 24, CodeTTL: time.Minute, ReuseGrace: tt.grace})
		first := text(r.password().body["refresh_token"])
		var winner reply
		race.faster = func() {
			winner = r.token("grant_type", "refresh_token", "refresh_token", first)
			if tt.use {
				winner = r.token("grant_type", "refresh_token", "refresh_token", text(winner.body["refresh_token"]))
			}
		}
		loser := r.token("grant_type", "refresh_token", "refresh_token", first)
		require.Equal(t, 200, winner.status)
		require.Equal(t, tt.passes, r.works(text(winner.body["access_token"])), "%+v", tt)
		if !tt.passes {
			loser.refused(t, 400, "invalid_grant", "Invalid refresh token")
			continue
		}
		require.Equal(t, 200, loser.status)
		require.True(t, r.works(text(loser.body["access_token"])))
		require.NotEqual(t, winner.body["refresh_token"], loser.body["refresh_token"])
	}
}

func TestAGraceEndsWhenASuccessorIsUsed(t *testing.T) { // Hydra 1831, 3860
	r := newRig(t)
	r.srv.Reload(oauth2server.Settings{PasswordGrant: true, AccessTTL: time.Hour, RefreshTTL: time.Hour * 24, CodeTTL: time.Minute, ReuseGrace: 10 * time.Second})
	for _, twice := range []bool{false, true} {
		first := text(r.password().body["refresh_token"])
		next := r.token("grant_type", "refresh_token", "refresh_token", first)
		if twice {
			next = r.token("grant_type", "refresh_token", "refresh_token", first)
		}
		last := r.token("grant_type", "refresh_token", "refresh_token", text(next.body["refresh_token"]))
		require.Equal(t, 200, last.status)
		r.token("grant_type", "refresh_token", "refresh_token", first).refused(t, 400, "invalid_grant", "Invalid refresh token")
		require.False(t, r.works(text(last.body["access_token"])), "the family has ended")
	}
}

func TestTheFamilyHasAnAbsoluteEnd(t *testing.T) {
	r := newRig(t)
	token := text(r.password().body["refresh_token"])
	for range 3 {
		r.wait(9 * 24 * time.Hour)
		out := r.token("grant_type", "refresh_token", "refresh_token", token)
		require.Equal(t, 200, out.status)
		token = text(out.body["refresh_token"])
	}
	r.wait(3 * 24 * time.Hour)
	r.token("grant_type", "refresh_token", "refresh_token", token).refused(t, 400, "invalid_grant", "Invalid refresh token (expired)")
}

func TestARefreshTokenOfAnotherClientIsRefusedAndNotSpent(t *testing.T) {
	r := newRig(t)
	r.client("other", "7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "refresh_token")
	token := text(r.password().body["refresh_token"])
	r.post("/oauth2/token", "other:7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "grant_type", "refresh_token", "refresh_token", token).
		refused(t, 400, "invalid_grant", "Wrong client for this refresh token")
	require.Equal(t, 200, r.token("grant_type", "refresh_token", "refresh_token", token).status)
}

func TestARefreshMayNarrowTheScopeAndNeverWidenIt(t *testing.T) {
	r := newRig(t)
	out := r.token("grant_type", "password", "username", "admin", "password", "district", "scope", "dataStore/a:read me:read")
	require.Equal(t, "dataStore/a:read me:read", out.body["scope"])
	r.token("grant_type", "refresh_token", "refresh_token", text(out.body["refresh_token"]), "scope", "ALL").refused(t, 400, "invalid_scope", "Invalid scope")
	narrow := r.token("grant_type", "refresh_token", "refresh_token", text(out.body["refresh_token"]), "scope", "me:read")
	require.Equal(t, "me:read", narrow.body["scope"])
}

func TestADisabledOwnerGetsNothingMore(t *testing.T) {
	r := newRig(t)
	out := r.password()
	r.disabled["admin"] = true
	r.token("grant_type", "refresh_token", "refresh_token", text(out.body["refresh_token"])).refused(t, 400, "invalid_grant", "User is disabled")
	in := r.post("/oauth2/introspect", demo, "token", text(out.body["access_token"]))
	require.Equal(t, map[string]any{"active": false}, in.body)
}

func TestACodeWorksOnceAndReplayEndsItsTokens(t *testing.T) {
	r := newRig(t)
	code := r.code()
	out := r.token("grant_type", "authorization_code", "code", code)
	require.Equal(t, 200, out.status, out.body)
	require.True(t, r.works(text(out.body["access_token"])))
	r.token("grant_type", "authorization_code", "code", code).refused(t, 400, "invalid_grant", "Invalid authorization code")
	require.False(t, r.works(text(out.body["access_token"])))
}

func TestACodeIsBoundToItsClientItsTimeItsRedirectAndItsVerifier(t *testing.T) {
	r := newRig(t)
	r.client("other", "7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "authorization_code")
	code := r.code()
	r.post("/oauth2/token", "other:7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "grant_type", "authorization_code", "code", code).refused(t, 400, "invalid_grant", "Invalid authorization code")
	require.Equal(t, 200, r.token("grant_type", "authorization_code", "code", code).status, "a stranger's attempt does not burn it")

	code = r.code()
	r.wait(time.Minute)
	r.token("grant_type", "authorization_code", "code", code).refused(t, 400, "invalid_grant", "Invalid authorization code")

	code = r.code("redirect_uri", "http://www.example.org")
	r.token("grant_type", "authorization_code", "code", code).refused(t, 400, "invalid_grant", "Redirect URI mismatch.")
	code = r.code()
	r.token("grant_type", "authorization_code", "code", code, "redirect_uri", "http://www.example.org/").refused(t, 400, "invalid_grant", "Redirect URI mismatch.")
	code = r.code()
	require.Equal(t, 200, r.token("grant_type", "authorization_code", "code", code, "redirect_uri", "http://www.example.org").status)

	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	pkce := []string{"code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256"}
	code = r.code(pkce...)
	r.token("grant_type", "authorization_code", "code", code).refused(t, 400, "invalid_grant", "Invalid authorization code")
	r.token("grant_type", "authorization_code", "code", code, "code_verifier", strings.Repeat("w", 43)).refused(t, 400, "invalid_grant", "Invalid authorization code")
	require.Equal(t, 200, r.token("grant_type", "authorization_code", "code", code, "code_verifier", verifier).status)
	code = r.code()
	r.token("grant_type", "authorization_code", "code", code, "code_verifier", verifier).refused(t, 400, "invalid_grant", "Invalid authorization code")
}

func TestAPublicClientNeedsPKCEAndIsAskedAboutEachTime(t *testing.T) {
	r := newRig(t)
	r.client("app", "", "authorization_code", "refresh_token")
	r.signedIn = "admin"
	out := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?client_id=app&response_type=code&state=s", nil))
	require.Equal(t, 303, out.status)
	require.Contains(t, out.header.Get("Location"), "error=invalid_request")
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	code := r.code("client_id", "app", "code_challenge", challenge, "code_challenge_method", "S256")
	got := r.post("/oauth2/token", "", "client_id", "app", "grant_type", "authorization_code", "code", code, "code_verifier", verifier)
	require.Equal(t, 200, got.status, got.body)
	plain := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?client_id=app&response_type=code&code_challenge="+challenge+"&code_challenge_method=plain", nil))
	require.Contains(t, plain.header.Get("Location"), "error=invalid_request")
}

func TestAClientWithoutASecretIntrospectsNothingAndMayRevoke(t *testing.T) { // RFC 7662 2.1, RFC 7009 2.1
	r := newRig(t)
	r.client("app", "", "password", "refresh_token")
	got := r.post("/oauth2/token", "", "client_id", "app", "grant_type", "password", "username", "admin", "password", "district")
	require.Equal(t, 200, got.status, got.body)
	access := text(got.body["access_token"])
	for _, path := range []string{"/oauth2/introspect", "/uaa/oauth/check_token"} {
		r.post(path, "", "client_id", "app", "token", access).refused(t, 401, "invalid_client", "Bad client credentials")
		r.post(path, "app:", "token", access).refused(t, 401, "invalid_client", "Bad client credentials")
	}
	require.Equal(t, 200, r.post("/oauth2/revoke", "", "client_id", "app", "token", access).status)
	require.False(t, r.works(access))
}

func TestTheMetadataPromisesNoPromptThatIsNotKept(t *testing.T) {
	r := newRig(t)
	out := r.do(httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", nil))
	require.Equal(t, []any{"none", "consent"}, out.body["prompt_values_supported"], "login would want the time of the sign-in looked at")
}

func TestErrorsThatMustNotRedirectDoNot(t *testing.T) {
	r := newRig(t)
	r.client("nogrant", "9b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "password")
	r.signedIn = "admin"
	for query, want := range map[string]string{
		"client_id=nope&response_type=code": "Bad client credentials",
		"response_type=code":                "Bad client credentials",
		"client_id=demo&response_type=code&redirect_uri=http://evil.example":       "Invalid redirect uri does not match one of the registered values.",
		"client_id=demo&response_type=code&redirect_uri=http://www.example.org/":   "Invalid redirect uri does not match one of the registered values.",
		"client_id=demo&response_type=code&redirect_uri=http://www.example.org%23": "Invalid redirect uri does not match one of the registered values.",
		"client_id=demo&response_type=code&redirect_uri=http://WWW.example.org":    "Invalid redirect uri does not match one of the registered values.",
		"client_id=demo&response_type=code&redirect_uri=http://u@www.example.org":  "Invalid redirect uri does not match one of the registered values.",
		"client_id=demo&response_type=code&redirect_uri=":                          "Invalid redirect uri does not match one of the registered values.",
		"client_id=demo&client_id=demo&response_type=code":                         "A parameter was sent more than once",
		"client_id=nogrant&response_type=code":                                     "A redirect_uri can only be used by implicit or authorization_code grant types.",
	} {
		r.problem = nil
		out := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?"+query, nil))
		require.Empty(t, out.header.Get("Location"), query)
		require.NotNil(t, r.problem, query)
		require.Equal(t, want, r.problem.Description, query)
		require.GreaterOrEqual(t, out.status, 400)
	}
}

func TestErrorsForTheClientGoToTheRegisteredAddressWithStateAndIssuer(t *testing.T) {
	r := newRig(t)
	out := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?client_id=demo&response_type=foo&state=a%20b", nil))
	require.Equal(t, "http://www.example.org?error=unsupported_response_type&error_description=Unsupported%20response%20types&state=a%20b&iss=https%3A%2F%2Fgw.example", out.header.Get("Location"))
	out = r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?client_id=demo&response_type=code&prompt=none", nil))
	require.Contains(t, out.header.Get("Location"), "error=login_required")
	require.Equal(t, http.StatusTeapot, r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?client_id=demo&response_type=code", nil)).status, "sign-in comes first")
}

func TestConsentIsAskedDeniedForgedAndRemembered(t *testing.T) {
	r := newRig(t)
	r.signedIn = "admin"
	base := []string{"client_id", "demo", "response_type", "code"}
	denied := r.post("/oauth2/authorize", "", append(base, "csrf", "csrf-value", "user_oauth_approval", "false")...)
	require.Contains(t, denied.header.Get("Location"), "error=access_denied&error_description=User%20denied%20access")
	forged := r.post("/oauth2/authorize", "", append(base, "csrf", "other", "user_oauth_approval", "true")...)
	require.Equal(t, 403, forged.status)
	require.Empty(t, forged.header.Get("Location"))
	allowed := r.post("/oauth2/authorize", "", append(base, "csrf", "csrf-value", "user_oauth_approval", "true", "remember", "true")...)
	require.Contains(t, allowed.header.Get("Location"), "code=")
	asked := r.asked
	again := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?client_id=demo&response_type=code", nil))
	require.Equal(t, 303, again.status)
	require.Equal(t, asked, r.asked)
	other := r.do(httptest.NewRequest(http.MethodGet, "/oauth2/authorize?client_id=demo&response_type=code&scope=me:read", nil))
	require.Equal(t, 200, other.status, "another scope is another question")
}

func TestIntrospectionTellsAClientOfItsOwnTokensOnly(t *testing.T) {
	r := newRig(t)
	const other = "other:7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11"
	r.client("other", "7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "password")
	out := r.password()
	in := r.post("/oauth2/introspect", demo, "token", text(out.body["access_token"]))
	require.Equal(t, true, in.body["active"])
	require.Equal(t, "admin", in.body["username"])
	require.Equal(t, true, r.post("/oauth2/introspect", demo, "token", text(out.body["refresh_token"])).body["active"])
	for _, tt := range [][2]string{{other, text(out.body["access_token"])}, {other, text(out.body["refresh_token"])}, {demo, "nope"}} {
		require.Equal(t, map[string]any{"active": false}, r.post("/oauth2/introspect", tt[0], "token", tt[1]).body)
	}
	r.post("/oauth2/introspect", "", "token", "x").refused(t, 401, "invalid_client", "Bad client credentials")
	check := r.post("/uaa/oauth/check_token", demo, "token", text(out.body["access_token"]))
	require.Equal(t, "admin", check.body["user_name"])
	require.Equal(t, []any{"F_X"}, check.body["authorities"])
	r.post("/uaa/oauth/check_token", other, "token", text(out.body["access_token"])).refused(t, 400, "invalid_token", "Token was not recognised")
}

func TestRevocationIsForOwnTokensAndFinal(t *testing.T) {
	r := newRig(t)
	const other = "other:7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11"
	r.client("other", "7b2f9f1e-6c7d-4a53-8a55-0d4a1d1f7c11", "password")
	out := r.password()
	access, refresh := text(out.body["access_token"]), text(out.body["refresh_token"])
	require.Equal(t, 200, r.post("/oauth2/revoke", other, "token", access).status)
	require.True(t, r.works(access))
	require.Equal(t, 200, r.post("/oauth2/revoke", demo, "token", access).status)
	require.False(t, r.works(access))
	require.Equal(t, 200, r.token("grant_type", "refresh_token", "refresh_token", refresh).status)
	out = r.password()
	require.Equal(t, 200, r.post("/oauth2/revoke", demo, "token", text(out.body["refresh_token"])).status)
	require.False(t, r.works(text(out.body["access_token"])), "a refresh token takes its family along")
	require.Equal(t, 200, r.post("/oauth2/revoke", demo, "token", "unknown").status)
}

func TestOf20ConcurrentUsesExactlyOneSucceeds(t *testing.T) {
	r := newRig(t)
	rounds := 25
	if !testing.Short() {
		rounds = 1000
	}
	race := func(form ...string) int {
		results := make([]int, 20)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { results[i] = r.token(form...).status })
		}
		wg.Wait()
		n := 0
		for _, s := range results {
			if s == 200 {
				n++
			}
		}
		return n
	}
	for range rounds {
		code := r.code()
		require.Equal(t, 1, race("grant_type", "authorization_code", "code", code), "one code")
		require.Equal(t, 1, race("grant_type", "refresh_token", "refresh_token", text(r.password().body["refresh_token"])), "one refresh token")
	}
}

func TestExpiredRowsAreCountedAndGo(t *testing.T) {
	r := newRig(t)
	out := r.password()
	n, err := r.st.Purge(t.Context(), r.clock().Add(365*24*time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 3, n, "an access token, a refresh token, their family")
	require.False(t, r.works(text(out.body["access_token"])))
}
