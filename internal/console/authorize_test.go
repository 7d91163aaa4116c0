package console_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/console"
)

const authorizeDemo = "/uaa/oauth/authorize?client_id=demo&response_type=code"

func consentRig(t *testing.T) *rig {
	r := newRig(t, rigConfig{})
	r.client("demo", "hash", "https://app.example/cb")
	r.client("phone", "", "org.example.app:/cb")
	return r
}

const challenge = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"

func TestAuthorizeSignsInAsksAndGoesBack(t *testing.T) {
	r := consentRig(t)
	b := r.browser().get(authorizeDemo + "&state=x%20y")
	require.Equal(t, http.StatusFound, b.status)
	b.follow().submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
	b.follow()
	require.Equal(t, http.StatusOK, b.status)
	require.Equal(t, "text/html;charset=UTF-8", b.answer.Get("Content-Type"))
	require.Equal(t, "no-store", b.answer.Get("Cache-Control"))
	page := html.UnescapeString(b.page)
	for _, want := range []string{
		"Do you authorize 'demo' to access your protected resources?", "App demo asks for access", "app.example", "user_oauth_approval", "Do everything in DHIS2 that you can do",
		"Signed in as Test nurse (nurse)", "Use another account", "Remember my answer", "Applications with access",
	} {
		require.Contains(t, page, want)
	}
	b.submit(`value="true"`)
	require.Equal(t, http.StatusSeeOther, b.status)
	require.Regexp(t, `^https://app\.example/cb\?code=[0-9a-f-]{36}&state=x%20y&iss=`, b.answer.Get("Location"))
}

func TestTheRecordedQuestionStandsInThePageAsItIs(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get(authorizeDemo)
	require.Contains(t, b.page, "Do you authorize 'demo' to access your protected resources?")
}

func TestDenyTellsTheClient(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get(authorizeDemo + "&state=s").submit(`value="false"`)
	require.Equal(t, http.StatusSeeOther, b.status)
	require.True(t, strings.HasPrefix(b.answer.Get("Location"), "https://app.example/cb?error=access_denied&error_description=User%20denied%20access&state=s"), b.answer.Get("Location"))
}

func TestConsentIsRememberedWhenAskedTo(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get(authorizeDemo).submit(`value="true"`, "remember", "true")
	require.Equal(t, http.StatusSeeOther, b.status)
	require.Equal(t, http.StatusSeeOther, b.get(authorizeDemo).status, "not asked again")
	require.Equal(t, http.StatusOK, b.get(authorizeDemo+"&scope=me:read").status, "but for another scope")
}

func TestAnUnprovenClientIsAskedEachTime(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get("/oauth2/authorize?client_id=phone&response_type=code" + challenge)
	require.Equal(t, http.StatusOK, b.status)
	require.NotContains(t, b.page, "Remember my answer")
	require.Contains(t, b.page, "an app on this device (org.example.app)")
	b.submit(`value="true"`, "remember", "true")
	require.Equal(t, http.StatusSeeOther, b.status)
	require.Equal(t, http.StatusOK, b.get("/oauth2/authorize?client_id=phone&response_type=code"+challenge).status)
}

func TestConsentOfAnotherSiteOrSessionIsRefused(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get(authorizeDemo)
	b.header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, b.submit(`value="true"`).status)
	b.header = http.Header{}
	form := url.Values{"client_id": {"demo"}, "response_type": {"code"}, "user_oauth_approval": {"true"}}
	require.Equal(t, http.StatusForbidden, b.post("/uaa/oauth/authorize", form).status, "no value")
	other := r.browser().signIn("admin", "district").get(authorizeDemo)
	page := other.page
	b.page = page
	require.Equal(t, http.StatusForbidden, b.submit(`value="true"`).status, "another session's value")
	require.Empty(t, b.answer.Get("Location"))
}

func TestFormActionLetsTheValidatedRedirectThroughAndNothingElse(t *testing.T) {
	r := consentRig(t)
	r.client("loop", "hash", "http://127.0.0.1:7777/cb", "http://[::1]:7777/cb")
	for target, want := range map[string]string{
		authorizeDemo: "form-action 'self' https://app.example;",
		"/oauth2/authorize?client_id=phone&response_type=code" + challenge:                                        "form-action 'self' org.example.app:;",
		"/oauth2/authorize?client_id=loop&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A7777%2Fcb":     "form-action 'self' http://127.0.0.1:7777;",
		"/oauth2/authorize?client_id=loop&response_type=code&redirect_uri=http%3A%2F%2F%5B%3A%3A1%5D%3A7777%2Fcb": "form-action 'self' http:;",
	} {
		b := r.browser().get(target)
		b.follow()
		require.Contains(t, b.answer.Get("Content-Security-Policy"), want, "the sign-in page can end there too")
		b.submit(`name="password"`, "username", "nurse", "password", "x")
		require.Contains(t, b.answer.Get("Content-Security-Policy"), want, "also after a wrong password")
		b.submit(`name="password"`, "username", "clerk", "password", "Clerk-pass-1")
		require.Contains(t, b.answer.Get("Content-Security-Policy"), want, "and the code page")
		b.submit(`name="code"`, "code", "123456").follow()
		require.Contains(t, b.answer.Get("Content-Security-Policy"), want, "and the question")
	}
	for _, bad := range []string{
		"/uaa/oauth/authorize?client_id=demo&response_type=code&redirect_uri=https%3A%2F%2Fevil.example", "/uaa/oauth/authorize?client_id=nope&response_type=code",
		"/uaa/oauth/authorize?client_id=demo&response_type=code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3B%20script-src%20*",
	} {
		b := r.browser().get("/d2gate/sign-in?next=" + url.QueryEscape(bad))
		require.Contains(t, b.answer.Get("Content-Security-Policy"), "form-action 'self';", bad)
	}
}

func TestErrorsThatMustNotRedirectStayHere(t *testing.T) {
	r := consentRig(t)
	b := r.browser().get("/uaa/oauth/authorize?client_id=nope&response_type=code")
	require.Equal(t, http.StatusUnauthorized, b.status)
	require.Contains(t, b.page, `<h4>Error: 'error=&quot;invalid_client&quot;, error_description=&quot;Bad client credentials&quot;'</h4>`)
	b.get(authorizeDemo + "&redirect_uri=https%3A%2F%2Fevil.example%2F%3Cscript%3E")
	require.Equal(t, http.StatusBadRequest, b.status)
	require.Empty(t, b.answer.Get("Location"))
	require.Contains(t, b.page, `<h4>Error: 'error=&quot;invalid_grant&quot;, error_description=&quot;Invalid redirect uri does not match one of the registered values.&quot;'</h4>`)
	require.NotContains(t, b.page, "evil.example")
}

func TestTextsOfAClientAreEscaped(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.client(`x"><script>alert(1)</script>`, "hash", "https://app.example/cb")
	b := r.browser().signIn("nurse", "Nurse-pass-1").get("/oauth2/authorize?response_type=code&state=%3C%2Fform%3E%3Cscript%3E&client_id=" + url.QueryEscape(`x"><script>alert(1)</script>`))
	require.Equal(t, http.StatusOK, b.status)
	require.NotContains(t, b.page, "<script>")
	require.NotContains(t, b.page, "</form><script")
}

func TestEachTabKeepsItsTarget(t *testing.T) {
	r := consentRig(t)
	r.client("other", "hash", "https://other.example/cb")
	b := r.browser()
	b.get(authorizeDemo).follow()
	first := b.page
	b.get("/oauth2/authorize?client_id=other&response_type=code").follow()
	b.submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
	require.Contains(t, b.follow().page, "App other")
	b.page = first
	b.submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
	require.Contains(t, b.follow().page, "App demo", "the form of the first tab still works")
}

func TestASessionThatEndsDuringTheQuestionLeadsBackToIt(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get(authorizeDemo + "&state=a%26b")
	delete(b.jar().cookies, "d2gate")
	b.submit(`value="true"`)
	require.Equal(t, http.StatusSeeOther, b.status)
	b.follow().submit(`name="password"`, "username", "nurse", "password", "Nurse-pass-1")
	b.follow()
	require.Contains(t, b.page, "App demo")
	b.submit(`value="true"`)
	require.Contains(t, b.answer.Get("Location"), "state=a%26b")
}

func TestTheAccountCanBeSwitched(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get(authorizeDemo).submit("sign-out")
	b.follow().submit(`name="password"`, "username", "admin", "password", "district")
	require.Contains(t, b.follow().page, "Signed in as Test admin (admin)")
}

func TestAScriptIsToldToSignInAndNotRedirected(t *testing.T) {
	r := consentRig(t)
	b := r.browser()
	b.header.Set("X-Requested-With", "XMLHttpRequest")
	b.get(authorizeDemo)
	require.Equal(t, http.StatusUnauthorized, b.status)
	require.JSONEq(t, `{"httpStatus":"Unauthorized","httpStatusCode":401,"status":"ERROR","message":"Unauthorized"}`, b.page)
}

func TestAScopeIsToldInASentence(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get(authorizeDemo + "&scope=" + url.QueryEscape("openid email analytics:read dataStore/scorecards:* dashboards:write metadata:validate"))
	page := html.UnescapeString(b.page)
	for _, want := range []string{"See who you are", "Read analytics", "Read and change dataStore/scorecards", "Change dashboards", "Check metadata imports without saving them"} {
		require.Contains(t, page, "<li>"+want)
	}
	require.Equal(t, 1, strings.Count(page, "See who you are"))
}

func TestWithoutTheMiddlewareNobodyIsSignedIn(t *testing.T) {
	var c console.Console
	q, err := http.NewRequest(http.MethodGet, "/uaa/oauth/authorize", nil)
	require.NoError(t, err)
	_, ok := c.SignedIn(q)
	require.False(t, ok)
	require.False(t, c.CheckToken(q, ""))
	require.Empty(t, c.Token(q))
}

func TestAPersonEndsTheAccessOfApplications(t *testing.T) {
	r := consentRig(t)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get(authorizeDemo)
	require.Contains(t, b.page, `href="/d2gate/tokens/applications"`, "the question says where")
	b.submit(`value="true"`, "remember", "true")
	require.Equal(t, http.StatusSeeOther, b.get(authorizeDemo).status, "remembered")
	b.get("/d2gate/tokens/applications").submit("applications")
	require.Contains(t, b.follow().page, "No application has access any more")
	require.Equal(t, http.StatusOK, b.get(authorizeDemo).status, "asked again")
}
