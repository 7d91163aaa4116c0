package console_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/console"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/proxy"
)

func TestAPersonSignsInAndOut(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser()
	b.get("/d2gate/tokens")
	require.Equal(t, http.StatusSeeOther, b.status)
	b.follow().submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
	require.Equal(t, http.StatusSeeOther, b.status)
	require.Equal(t, "/d2gate/tokens", b.answer.Get("Location"))
	require.Contains(t, b.follow().page, "Test nurse (nurse)")
	b.submit("sign-out")
	require.Contains(t, b.follow().page, "You are signed out.")
	require.Equal(t, http.StatusSeeOther, b.get("/d2gate/tokens").status)
}

// varying is what differs from page to page.
var varying = regexp.MustCompile(`name="csrf" value="[^"]*"|value="(nurse|nobody)"`)

func TestUnknownUserAndWrongPasswordLookAlike(t *testing.T) {
	r := newRig(t, rigConfig{})
	wrong, unknown := r.browser(), r.browser()
	wrong.get("/d2gate/sign-in").submit(`name="password"`, "username", "nurse", "password", "x")
	r.requireReason(fault.LoginFailed)
	unknown.get("/d2gate/sign-in").submit(`name="password"`, "username", "nobody", "password", "x")
	require.Equal(t, http.StatusUnauthorized, wrong.status)
	require.Equal(t, http.StatusUnauthorized, unknown.status)
	require.Contains(t, wrong.page, "Incorrect username or password.")
	require.Equal(t, varying.ReplaceAllString(wrong.page, ""), varying.ReplaceAllString(unknown.page, ""))
	require.NotContains(t, wrong.page, "district")
}

func TestDHIS2sWordsForAnAccountThatMayNotSignIn(t *testing.T) {
	for status, words := range map[string]string{"ACCOUNT_DISABLED": "Account disabled", "ACCOUNT_LOCKED": "Account locked", "ACCOUNT_EXPIRED": "Account expired", "PASSWORD_EXPIRED": "Password expired."} {
		r := newRig(t, rigConfig{})
		r.dhis2.accounts["nurse"].status = status
		b := r.browser()
		b.get("/d2gate/sign-in").submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
		require.Equal(t, http.StatusUnauthorized, b.status)
		require.Contains(t, b.page, words)
	}
}

func TestGuessingIsThrottledWithTheTimeToWait(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser()
	b.get("/d2gate/sign-in")
	for range 3 {
		b.submit(`name="password"`, "username", "nurse", "password", "x")
		require.Equal(t, http.StatusUnauthorized, b.status)
	}
	b.submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
	r.requireReason(fault.LoginThrottled)
	require.Equal(t, http.StatusTooManyRequests, b.status)
	require.NotEmpty(t, b.answer.Get("Retry-After"))
	require.Contains(t, b.page, "Too many failed sign-ins. Try again in ")
	require.Contains(t, b.page, "minute")
}

func TestTheSecondFactorIsAskedAfterThePassword(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser()
	b.get("/d2gate/sign-in?next=/d2gate/tokens/new").submit(`name="password"`, "username", "clerk", "password", "Clerk-pass-1")
	require.Equal(t, http.StatusOK, b.status)
	require.Contains(t, b.page, "one-time-code")
	require.NotContains(t, b.page, "Clerk-pass-1", "the password is not in the page")
	b.submit(`name="code"`, "code", "")
	require.Contains(t, b.page, "Enter the code.")
	b.submit(`name="code"`, "code", "000000")
	require.Equal(t, http.StatusUnauthorized, b.status)
	require.Contains(t, b.page, "Incorrect code.")
	ticket := b.page
	b.submit(`name="code"`, "code", "123456")
	require.Equal(t, http.StatusSeeOther, b.status)
	require.Equal(t, "/d2gate/tokens/new", b.answer.Get("Location"))
	b.page = ticket
	b.submit(`name="code"`, "code", "123456")
	require.Contains(t, b.page, "That took too long.", "a sign-in is finished once")
}

func TestAnotherCodeIsSentByMailWhenAsked(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser()
	b.get("/d2gate/sign-in").submit(`name="password"`, "username", "guard", "password", "Guard-pass-1")
	require.Contains(t, b.page, "DHIS2 has sent a code to your e-mail address.")
	b.submit(`name="again"`, "again", "true")
	require.Contains(t, b.page, "DHIS2 has sent a code to your e-mail address.")
	require.Equal(t, 2, r.dhis2.sent)
	b.submit(`name="code"`, "code", "654321")
	require.Equal(t, http.StatusSeeOther, b.status)
}

func TestAHalfFinishedSignInIsOverAfterFiveMinutes(t *testing.T) {
	r := newRig(t, rigConfig{start: time.Now().Add(-5 * time.Minute)})
	b := r.browser()
	b.get("/d2gate/sign-in").submit(`name="password"`, "username", "clerk", "password", "Clerk-pass-1")
	b.submit(`name="code"`, "code", "123456")
	require.Contains(t, b.page, "That took too long.")
}

// kept is a session store that shows what is stored, and breaks when told to.
type kept struct {
	console.SessionStore
	keys, data []string
	find       error
	commit     error
	remove     error
	gone       bool // entries vanish before they are updated
}

func (k *kept) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	if k.find != nil {
		return nil, false, k.find
	}
	return k.SessionStore.FindCtx(ctx, hash)
}

func (k *kept) CommitCtx(ctx context.Context, hash string, data []byte, expiry time.Time) error {
	k.keys, k.data = append(k.keys, hash), append(k.data, string(data))
	if k.commit != nil {
		return k.commit
	}
	return k.SessionStore.CommitCtx(ctx, hash, data, expiry)
}

func (k *kept) BeginCtx(ctx context.Context, kind, hash string, data []byte, expiry time.Time, most int) (bool, error) {
	k.keys, k.data = append(k.keys, hash), append(k.data, string(data))
	if k.commit != nil {
		return false, k.commit
	}
	return k.SessionStore.BeginCtx(ctx, kind, hash, data, expiry, most)
}

func (k *kept) DeleteCtx(ctx context.Context, hash string) error {
	if k.remove != nil {
		return k.remove
	}
	return k.SessionStore.DeleteCtx(ctx, hash)
}

func (k *kept) UpdateCtx(ctx context.Context, hash string, data []byte, expiry time.Time) (bool, error) {
	if k.gone {
		_ = k.SessionStore.DeleteCtx(ctx, hash)
	}
	return k.SessionStore.UpdateCtx(ctx, hash, data, expiry)
}

func withKept(k *kept) func(console.SessionStore) console.SessionStore {
	return func(s console.SessionStore) console.SessionStore { k.SessionStore = s; return k }
}

func TestTheStoreHoldsNeitherSessionIdsNorPasswords(t *testing.T) {
	k := &kept{}
	r := newRig(t, rigConfig{break_: withKept(k)})
	b := r.browser()
	b.get("/d2gate/sign-in").submit(`name="password"`, "username", "clerk", "password", "Clerk-pass-1")
	b.submit(`name="code"`, "code", "123456")
	session := b.jar().cookies["d2gate"].Value
	require.Len(t, k.keys, 2)
	for i := range k.keys {
		require.NotContains(t, k.keys[i]+k.data[i], session)
		require.NotContains(t, k.keys[i]+k.data[i], "Clerk-pass-1")
	}
}

func TestSignInRenewsTheSession(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser()
	b.jar().cookies["d2gate"] = &http.Cookie{Name: "d2gate", Value: "planted"}
	b.signIn("nurse", "Nurse-pass-1")
	first := b.jar().cookies["d2gate"].Value
	require.NotEqual(t, "planted", first)
	b.get("/d2gate/sign-in").submit(`name="password"`, "username", "admin", "password", "district")
	require.NotEqual(t, first, b.jar().cookies["d2gate"].Value)
	old := r.browser()
	old.jar().cookies["d2gate"] = &http.Cookie{Name: "d2gate", Value: first}
	require.Equal(t, http.StatusSeeOther, old.get("/d2gate/tokens").status, "the one before is over")
}

func TestCookiesAreHttpOnlyAndLax(t *testing.T) {
	for _, tt := range []struct {
		cfg    rigConfig
		name   string
		secure bool
		path   string
	}{
		{rigConfig{}, "d2gate", false, "/"},
		{rigConfig{base: "/dhis"}, "d2gate", false, "/dhis/"},
		{rigConfig{public: "https://gw.example"}, "__Host-d2gate", true, "/"},
	} {
		rec := recordCookies(t, newRig(t, tt.cfg))
		require.Len(t, rec, 2, "one marks the browser, one is the session")
		for _, c := range rec {
			require.True(t, c.HttpOnly)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite)
			require.Equal(t, tt.secure, c.Secure)
			require.Equal(t, tt.path, c.Path)
			require.Empty(t, c.Domain)
		}
		require.Equal(t, tt.name, rec[1].Name)
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	r := newRig(t, rigConfig{})
	good := r.browser().get("/d2gate/sign-in")
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(good.page)[1]
	form := url.Values{"csrf": {csrf}, "username": {"nurse"}, "password": {"Nurse-pass-1"}}
	for name, h := range map[string]http.Header{
		"cross-site":              {"Sec-Fetch-Site": {"cross-site"}},
		"same-site":               {"Sec-Fetch-Site": {"same-site"}},
		"an old browser's Origin": {"Sec-Fetch-Site": {""}, "Origin": {"https://evil.example"}},
		"a null Origin":           {"Sec-Fetch-Site": {""}, "Origin": {"null"}},
	} {
		good.header = h
		good.post("/d2gate/sign-in", form)
		require.Equal(t, http.StatusForbidden, good.status, name)
		r.requireReason(fault.PolicyRefused)
		require.NotContains(t, good.jar().cookies, "d2gate")
	}
	good.header = http.Header{}

	other := r.browser().post("/d2gate/sign-in", form)
	require.Equal(t, http.StatusForbidden, other.status, "another browser's value")
	other.post("/d2gate/sign-in", url.Values{"username": {"nurse"}, "password": {"Nurse-pass-1"}})
	require.Equal(t, http.StatusForbidden, other.status, "no value")
	require.NotContains(t, other.jar().cookies, "d2gate")

	good.post("/d2gate/sign-in", form)
	require.Equal(t, http.StatusSeeOther, good.status)
	for _, path := range []string{"/d2gate/sign-out", "/d2gate/tokens/new"} {
		require.Equal(t, http.StatusForbidden, good.post(path, url.Values{"csrf": {"x"}}).status)
	}
}

func TestSignInLeadsToPagesOfOursOnly(t *testing.T) {
	for _, base := range []string{"", "/dhis"} {
		r := newRig(t, rigConfig{base: base})
		for _, bad := range []string{
			"//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "https:evil.example", "HTTPS://evil.example/d2gate/tokens",
			"javascript:alert(1)", "/%0a/evil.example", "/\n/evil.example", "/d2gate/tokens\n//evil.example", "\t//evil.example", " //evil.example", "/d2gate/../../evil.example",
			"/d2gate/tokens/../../evil", "/%2f%2fevil.example", "/%5cevil.example", "/d2gate/tokens\\@evil.example", "@evil.example", ".evil.example", "evil.example", "/.evil.example",
			"/api/me", "/d2gate/sign-out", "/d2gate/tokensX", "/uaa/oauth/authorizeX", "/uaa/oauth/authorize/x", "/d2gate//tokens", "/d2gate/tokens#//evil.example", "//d2gate/tokens", "/d2gate/tokens?a=%zz", "/d2gate/\u202etokens", "",
		} {
			b := r.browser()
			b.get("/d2gate/sign-in?next="+url.QueryEscape(strings.ReplaceAll(bad, "/d2gate", base+"/d2gate"))).submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
			require.Equal(t, base+"/d2gate/tokens", b.answer.Get("Location"), "%q", bad)
		}
		for _, good := range []string{"/d2gate/tokens", "/d2gate/tokens/new?context=browser", "/d2gate/clients", "/uaa/oauth/authorize?client_id=demo&state=%0a%2f%2fevil.example", "/oauth2/authorize?x=1"} {
			b := r.browser()
			b.get("/d2gate/sign-in?next="+url.QueryEscape(base+good)).submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
			require.Equal(t, base+good, b.answer.Get("Location"))
		}
	}
}

func TestASessionEndsByAgeAndByIdleness(t *testing.T) {
	r := newRig(t, rigConfig{settings: console.Settings{TTL: 2 * time.Hour, Idle: 30 * time.Minute}})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	for range 4 {
		r.clock.Add(29 * time.Minute)
		require.Equal(t, http.StatusOK, b.get("/d2gate/tokens").status)
	}
	r.clock.Add(4 * time.Minute)
	require.Equal(t, http.StatusSeeOther, b.get("/d2gate/tokens").status, "two hours are over")

	b = r.browser().signIn("nurse", "Nurse-pass-1")
	r.clock.Add(30 * time.Minute)
	require.Equal(t, http.StatusSeeOther, b.get("/d2gate/tokens").status, "idle")
}

func TestAnEndedSessionDoesNotComeBackWithARequestUnderWay(t *testing.T) {
	k := &kept{}
	r := newRig(t, rigConfig{break_: withKept(k)})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	k.gone = true // it is signed out elsewhere between the look-up and the note of its use
	r.clock.Add(10 * time.Minute)
	require.Equal(t, http.StatusSeeOther, b.get("/d2gate/tokens").status)
	k.gone = false
	require.Equal(t, http.StatusSeeOther, b.get("/d2gate/tokens").status)
}

func TestADisabledAccountIsSignedOut(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	r.dhis2.set(func() { r.dhis2.accounts["nurse"].disabled = true })
	r.clock.Add(time.Second)
	require.Equal(t, http.StatusSeeOther, b.get("/d2gate/tokens").status)
	r.dhis2.set(func() { r.dhis2.accounts["nurse"].disabled = false })
	r.clock.Add(time.Second)
	require.Equal(t, http.StatusSeeOther, b.get("/d2gate/tokens").status, "and stays so")
}

func TestAuthoritiesAreThoseOfNow(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("admin", "district")
	require.Equal(t, http.StatusOK, b.get("/d2gate/clients").status)
	r.dhis2.set(func() { r.dhis2.accounts["admin"].authorities = nil })
	r.clock.Add(time.Second)
	require.Equal(t, http.StatusForbidden, b.get("/d2gate/clients").status)
}

func TestAStoreThatFailsIsSaidAndRecorded(t *testing.T) {
	k := &kept{}
	r := newRig(t, rigConfig{break_: withKept(k)})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	k.find = errStore
	require.Equal(t, http.StatusServiceUnavailable, b.get("/d2gate/tokens").status)
	r.requireReason(fault.StoreUnavailable)
	require.NotContains(t, b.page, "disk")
	k.find, k.commit = nil, errStore
	c := r.browser()
	c.get("/d2gate/sign-in").submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
	require.Equal(t, http.StatusServiceUnavailable, c.status)
	k.commit, k.remove = nil, errStore
	b.get("/d2gate/tokens").submit("sign-out")
	require.Equal(t, http.StatusServiceUnavailable, b.status, "not signed out is not said to be")
}

func TestDHIS2DownIsNotAWrongPassword(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.dhis2.down = true
	b := r.browser()
	b.get("/d2gate/sign-in").submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
	require.Equal(t, http.StatusBadGateway, b.status)
	require.Contains(t, b.page, "DHIS2 does not answer at the moment.")
}

func TestTheGatewayHearsWhoIsSignedInByCookie(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	cookie := "d2gate=" + b.jar().cookies["d2gate"].Value
	p, ok, err := r.console.Session(t.Context(), http.Header{"Cookie": {"a=b; " + cookie}})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, proxy.SessionCredential, p.Kind)
	require.Equal(t, "nurse", p.Username)
	require.Equal(t, "N5zQapPyTZI", p.UID)
	for name, lines := range map[string][]string{
		"none": nil, "unknown": {"d2gate=x"}, "empty": {"d2gate="}, "two of one name": {cookie + "; d2gate=planted"}, "two lines": {cookie, cookie}, "another name": {"x" + cookie},
		"cut short": {cookie[:len(cookie)-1]}, "in quotes": {`d2gate="` + b.jar().cookies["d2gate"].Value + `"`},
	} {
		_, ok, err := r.console.Session(t.Context(), http.Header{"Cookie": lines})
		require.NoError(t, err, name)
		require.False(t, ok, name)
	}
}

func TestPagesAreNotKeptFramedOrTold(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().get("/d2gate/sign-in")
	require.Equal(t, "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", b.answer.Get("Content-Security-Policy"))
	require.Equal(t, "no-store", b.answer.Get("Cache-Control"))
	require.Equal(t, "same-origin", b.answer.Get("Referrer-Policy"))
	require.Equal(t, "nosniff", b.answer.Get("X-Content-Type-Options"))
	require.Empty(t, b.answer.Get("Access-Control-Allow-Origin"))
	require.NotContains(t, b.page, "<style")
	require.NotRegexp(t, `<script[^>]*>[^<]`, b.page)
	require.NotContains(t, b.page, " style=")

	for _, path := range regexp.MustCompile(`(?:href|src)="(/d2gate/static/[^"]+)"`).FindAllStringSubmatch(b.page, -1) {
		s := r.browser().get(path[1])
		require.Equal(t, http.StatusOK, s.status)
		require.Contains(t, s.answer.Get("Cache-Control"), "immutable")
		s.header.Set("If-None-Match", s.answer.Get("ETag"))
		require.Equal(t, http.StatusNotModified, s.get(path[1]).status)
	}
	require.Equal(t, http.StatusNotFound, r.browser().get("/d2gate/static/other.css").status)
	require.Equal(t, http.StatusNotFound, r.browser().get("/d2gate/sign-out").status)
}

func TestThePageSpeaksTheReadersLanguage(t *testing.T) {
	r := newRig(t, rigConfig{})
	for accept, want := range map[string]string{
		"": `lang="en" dir="ltr"`, "fr-FR,fr;q=0.9,en;q=0.8": `lang="fr"`, "de,pt-BR;q=0.5": `lang="pt"`, "es": `lang="es"`, "ar": `lang="ar" dir="rtl"`, "de": `lang="en"`, "en;q=0.1,fr;q=0": `lang="en"`, ";;q=,": `lang="en"`,
	} {
		b := r.browser()
		b.header.Set("Accept-Language", accept)
		require.Contains(t, b.get("/d2gate/sign-in").page, want, accept)
	}
}
