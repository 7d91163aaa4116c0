package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/console"
	"github.com/d2gate/d2gate/pat"
)

// surfaces are what every page is looked at with. A short run takes the first.
func surfaces(t *testing.T) []surface {
	all := []surface{{width: 360, script: true}, {width: 1280, script: true}, {width: 1280}, {width: 360}, {width: 1280, script: true, dark: true}, {width: 360, script: true, lang: "ar"}, {width: 360, script: true, lang: "fr"}}
	if testing.Short() {
		return all[:1]
	}
	return all
}

// callback is the application that people come back to, at an address of its own.
type callback struct {
	*httptest.Server
	mu  sync.Mutex
	got []url.Values
}

func newCallback(t *testing.T) *callback {
	c := &callback{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/cb" {
			http.NotFound(w, r)
			return
		}
		c.mu.Lock()
		c.got = append(c.got, r.URL.Query())
		c.mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><title>App</title><p>back at the application</p>"))
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *callback) last() url.Values {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.got) == 0 {
		return nil
	}
	return c.got[len(c.got)-1]
}

func TestPeopleSignInAndAllowInARealBrowser(t *testing.T) {
	browser := openChromium(t)
	for _, s := range surfaces(t) {
		t.Run(s.String(), func(t *testing.T) {
			r := newRig(t, rigConfig{settings: console.Settings{Providers: []console.Provider{{ID: "moh", Name: "Ministry of Health", OIDC: &idp{down: true}}}}})
			app := newCallback(t)
			r.client("demo", "hash", app.URL+"/cb")
			b := openTab(t, browser, r.url, s)
			b.open(authorizeDemo + "&state=s1&scope=" + url.QueryEscape("me:read dataStore/scorecards:* analytics:read dashboards:write"))
			b.look("signin")
			b.fill("#username", "clerk")
			b.fill("#password", "wrong")
			require.EqualValues(t, http.StatusUnauthorized, b.press("form button.main"))
			b.look("signin-wrong")
			b.fill("#password", "Clerk-pass-1")
			b.press("form button.main")
			b.look("code")
			b.fill("#code", "000000")
			require.EqualValues(t, http.StatusUnauthorized, b.press("form button.main"))
			b.look("code-wrong")
			b.fill("#code", "123456")
			require.EqualValues(t, http.StatusOK, b.press("form button.main"))
			b.look("consent")
			b.press(`.choice button:not(.main)`)
			require.Equal(t, "access_denied", app.last().Get("error"))
			require.Contains(t, b.text(), "back at the application")
			require.Contains(t, b.at(), app.URL)

			b.open(authorizeDemo + "&state=s2")
			b.look("consent-all")
			b.check("#remember")
			b.press(`.choice button.main`)
			require.NotEmpty(t, app.last().Get("code"))
			require.Equal(t, "s2", app.last().Get("state"))
			require.Contains(t, b.at(), app.URL)
			b.open(authorizeDemo + "&state=s3") // remembered
			require.Equal(t, "s3", app.last().Get("state"))

			b.open("/d2gate/tokens/applications")
			b.look("applications")
			b.press("button.destroy")
			b.look("applications-ended")

			b.open("/uaa/oauth/authorize?client_id=nope&response_type=code")
			b.look("problem")
			b.open("/d2gate/sign-in/moh")
			b.look("provider-down")
			for range 3 {
				b.open("/d2gate/sign-in")
				b.fill("#username", "nurse")
				b.fill("#password", "x")
				b.press("form button.main")
			}
			b.fill("#password", "Nurse-pass-1")
			require.EqualValues(t, http.StatusTooManyRequests, b.press("form button.main"))
			b.look("throttled")
		})
	}
}

func TestPeopleManageTokensInARealBrowser(t *testing.T) {
	browser := openChromium(t)
	for _, s := range surfaces(t) {
		t.Run(s.String(), func(t *testing.T) {
			r := newRig(t, rigConfig{})
			b := openTab(t, browser, r.url, s)
			b.signIn("nurse", "Nurse-pass-1")
			b.look("tokens-empty")
			b.press(".top a.button")
			b.look("new-script")
			b.fill("#name", "Lab sync")
			b.check("#expires7")
			b.fill("#addresses", "10.0.0.300")
			require.EqualValues(t, http.StatusUnprocessableEntity, b.press("p.buttons button.main"))
			b.look("new-wrong")
			b.fill("#addresses", "198.51.100.0/24")
			if s.script {
				b.check("button[data-add]")
			} else {
				b.press("button[data-add]")
			}
			b.check("#method0")
			b.fill("#scopes", "dataStore/scorecards:*")
			b.press("p.buttons button.main")
			b.look("created")
			secret := b.secret()
			require.True(t, r.live(secret))
			made := mustFind(t, r, "Lab sync")
			require.Equal(t, []string{"198.51.100.0/24", "203.0.113.7"}, values(made, "IpAllowedList"))
			require.Equal(t, []string{"GET", "HEAD"}, values(made, "MethodAllowedList"))

			more(t, r, made.UID)
			b.open("/d2gate/tokens")
			b.look("tokens")
			b.open("/d2gate/tokens/" + made.UID)
			b.look("edit")
			b.fill("#referrers", "https://moh.example")
			b.press("p.buttons button.main")
			b.look("edit-saved")
			require.Equal(t, []string{"https://moh.example"}, values(mustFind(t, r, "Lab sync"), "RefererAllowedList"))
			b.open("/d2gate/tokens/" + made.UID + "/rotate")
			b.look("rotate")
			b.check("#overlap1")
			b.press("p.buttons button.main")
			b.look("rotated")
			second := b.secret()
			require.NotEqual(t, secret, second)
			require.True(t, r.live(secret) && r.live(second))
			b.open("/d2gate/tokens/" + made.UID + "/refusals")
			b.look("refusals")
			b.open("/d2gate/tokens/" + made.UID + "/revoke")
			b.look("revoke")
			b.press("button.destroy")
			b.look("revoked")
			require.False(t, r.live(second))

			b.press("header button")
			b.look("signed-out")
			b.signIn("admin", "district")
			b.open("/d2gate/tokens/new?context=browser")
			b.look("new-browser")
			b.open("/d2gate/tokens?all=1")
			b.look("tokens-all")
			r.client("demo", "hash", "https://app.example/cb")
			r.client("phone", "", "org.example.app:/callback", "http://127.0.0.1/callback")
			b.open("/d2gate/clients")
			b.look("clients")
			b.open("/d2gate/tokens/unknownuid1")
			b.look("no-such-token")
		})
	}
}

// more fills the list: what is used, unused, expiring, for good, over; and refusals.
func more(t *testing.T, r *rig, uid string) {
	nurse := pat.Caller{UID: "N5zQapPyTZI", Username: "nurse"}
	for code, days := range map[string]int{"Public dashboard": 90, "Expires soon": 3, "Quarterly report to the ministry": 60, "Old": 1} {
		rec, _, err := r.issuer.Issue(t.Context(), nurse, pat.Draft{Code: code, Expiry: r.clock.Now().Add(time.Duration(days) * 24 * time.Hour)})
		require.NoError(t, err)
		if code == "Old" {
			_, err = r.store.EditToken(t.Context(), rec.UID, func(x *pat.Record) error { x.Constraints.Expiry = r.clock.Now().Add(-time.Hour); return nil })
			require.NoError(t, err)
		}
	}
	require.NoError(t, r.store.TouchTokens(t.Context(), []pat.Use{{UID: uid, At: r.clock.Now().Add(-time.Hour), From: "198.51.100.9"}}))
	r.refusals[uid] = []console.Refusal{
		{At: r.clock.Now(), RequestID: "01JD4Z8W3F", Method: "DELETE", Path: "/api/dataStore/scorecards/DHIS2Level2AcademyBD", Client: "198.51.100.9", Reason: "constraint_method", Failed: []string{"constraint_method", "constraint_scope"}},
		{At: r.clock.Now().Add(-time.Minute), RequestID: "01JD4Z8W2A", Method: "GET", Path: "/api/me", Client: "203.0.113.99", Reason: "constraint_address", Failed: []string{"constraint_address"}},
	}
}

// TestTheRedirectAfterConsentArrives is the trap of form-action: with 'self' alone
// Chromium drops the redirect to the client and the page just stays (the control),
// so the page must name where it may end (w3c/webappsec-csp#8).
func TestTheRedirectAfterConsentArrives(t *testing.T) {
	browser := openChromium(t)
	app := newCallback(t)
	r := newRig(t, rigConfig{})
	r.client("demo", "hash", app.URL+"/cb")
	b := openTab(t, browser, r.url, surface{width: 1280, script: true})
	b.open(authorizeDemo)
	b.fill("#username", "nurse")
	b.fill("#password", "Nurse-pass-1")
	b.press("form button.main")
	b.check("#remember")
	b.press(".choice button.main")
	require.NotEmpty(t, app.last().Get("code"))
	require.Contains(t, b.at(), app.URL)

	// The answer is remembered, so that signing in alone ends at the client.
	again := openTab(t, browser, r.url, surface{width: 1280, script: true})
	again.open(authorizeDemo + "&state=again")
	again.fill("#username", "nurse")
	again.fill("#password", "Nurse-pass-1")
	again.press("form button.main")
	require.Equal(t, "again", app.last().Get("state"))
	require.Contains(t, again.at(), app.URL)

	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			http.Redirect(w, q, app.URL+"/cb?state=control", http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Security-Policy", "form-action 'self'")
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!DOCTYPE html><form method="post"><button>go</button></form>`))
	}))
	t.Cleanup(control.Close)
	c := openTab(t, browser, control.URL, surface{width: 1280, script: true})
	c.open("/")
	violation := func(e log.EventEntryAdded) bool { return strings.Contains(e.Entry.Text, "form-action") }
	_, err := chromedp.Run(c.ctx, chromedp.WaitEvent(log.EntryAdded, violation, chromedp.Click(chromedp.CSS("button"))))
	require.NoError(t, err)
	require.NotEqual(t, "control", app.last().Get("state"))
	require.NotContains(t, c.at(), app.URL)
}

func TestASessionCookieIsNotReadableAndACrossSiteFormIsRefused(t *testing.T) {
	browser := openChromium(t)
	r := newRig(t, rigConfig{})
	b := openTab(t, browser, r.url, surface{width: 1280, script: true})
	b.signIn("nurse", "Nurse-pass-1")
	cookies, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.cookie"))
	require.NoError(t, err)
	require.Empty(t, cookies)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!DOCTYPE html><form method="post" action="` + r.url + `/d2gate/sign-out"><input name="csrf" value="x"><button>go</button></form>`))
	}))
	t.Cleanup(other.Close)
	b.open(strings.Replace(other.URL, "127.0.0.1", "localhost", 1) + "/")
	require.EqualValues(t, http.StatusForbidden, b.press("button"))
	b.open("/d2gate/tokens")
	require.Contains(t, b.text(), "Test nurse (nurse)")
}
