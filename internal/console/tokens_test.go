package console_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/console"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/pat"
)

var secretText = regexp.MustCompile(`d2pat_[A-Za-z0-9]{42}`)

// makeToken makes a token through the form and returns its record and text.
func (b *browser) makeToken(kind, name string, fields ...string) (pat.Record, string) {
	b.t.Helper()
	b.get("/d2gate/tokens/new?context="+kind).submit(`name="name"`, append([]string{"name", name, "expires", "30"}, fields...)...)
	require.Equal(b.t, http.StatusOK, b.status, b.page)
	secret := secretText.FindString(b.page)
	require.NotEmpty(b.t, secret, b.page)
	list, _, err := b.rig.issuer.List(context.Background(), pat.Caller{Admin: true}, pat.Filter{Code: name})
	require.NoError(b.t, err)
	require.Len(b.t, list, 1)
	return list[0], secret
}

func (r *rig) live(secret string) bool {
	r.t.Helper()
	tok, err := pat.Parse(secret)
	require.NoError(r.t, err)
	found, err := r.store.TokenByHash(context.Background(), tok.Hash())
	if errors.Is(err, pat.ErrUnknown) {
		return false
	}
	require.NoError(r.t, err)
	return !found.Rotated || r.clock.Now().Before(found.Record.OverlapEnds)
}

func values(r pat.Record, k constraints.Kind) []string {
	for _, a := range r.Constraints.Attributes {
		if a.Kind == k {
			return a.Values
		}
	}
	return nil
}

func TestATokenIsMadeWithItsLimitsAndShownOnce(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	made, secret := b.makeToken("script", "Lab sync", "addresses", "203.0.113.0/24, 2001:db8::1\n198.51.100.9", "method", "GET,HEAD", "method", "POST", "scopes", "dataStore/lab:*\nme:read")
	require.Equal(t, []string{"203.0.113.0/24", "2001:db8::1", "198.51.100.9"}, values(made, constraints.IPAllowedList))
	require.Equal(t, []string{"GET", "HEAD", "POST"}, values(made, constraints.MethodAllowedList))
	require.Equal(t, []string{"dataStore/lab:*", "me:read"}, values(made, constraints.ScopeAllowedList))
	require.Equal(t, "nurse", made.Owner.Username)
	require.Equal(t, "N5zQapPyTZI", made.Owner.UID)
	require.WithinDuration(t, r.clock.Now().Add(30*24*time.Hour), made.Constraints.Expiry, time.Minute)
	require.True(t, r.live(secret))
	require.Equal(t, "no-store", b.answer.Get("Cache-Control"))
	page := html.UnescapeString(b.page)
	require.Contains(t, page, `curl -H "Authorization: ApiToken `+secret+`" `+r.url+`/api/me`)
	require.Contains(t, page, "You’ll only be shown your token once.")
	for _, path := range []string{"/d2gate/tokens", "/d2gate/tokens/" + made.UID, "/d2gate/tokens/" + made.UID + "/rotate", "/d2gate/tokens/" + made.UID + "/revoke", "/d2gate/tokens/" + made.UID + "/refusals"} {
		require.NotContains(t, b.get(path).page, secret, path)
	}
	list := b.get("/d2gate/tokens").page
	for _, want := range []string{"Lab sync", "3 addresses", "GET", "2 scopes", "in 30 days", "Never"} {
		require.Contains(t, list, want)
	}
}

func TestTheBrowserContextAsksForReferrersAndWarns(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1").get("/d2gate/tokens/new?context=browser")
	require.NotContains(t, b.page, `name="addresses"`)
	require.Contains(t, b.page, "Tokens should be treated like passwords")
	require.Contains(t, b.page, "not a security feature")
	require.NotContains(t, b.page, "authorities that can change")
	made, _ := b.makeToken("browser", "Dashboard", "referrers", "https://moh.example/data", "method", "GET,HEAD")
	require.Equal(t, []string{"https://moh.example/data"}, values(made, constraints.RefererAllowedList))

	admin := r.browser().signIn("admin", "district").get("/d2gate/tokens/new?context=browser")
	require.Contains(t, admin.page, "Your account has the authority ALL")
	require.NotContains(t, admin.get("/d2gate/tokens/new").page, "Your account has the authority ALL", "a script may be an administrator's")
	clerk := r.browser()
	clerk.get("/d2gate/sign-in").submit(`name="password"`, "username", "clerk", "password", "Clerk-pass-1").submit(`name="code"`, "code", "123456")
	require.Contains(t, clerk.get("/d2gate/tokens/new?context=browser").page, "an authority that can change data or settings")
}

func TestWhatIsWrongIsSaidWhereItWasTyped(t *testing.T) {
	r := newRig(t, rigConfig{settings: console.Settings{Tokens: pat.Settings{MaxExpiry: 60 * 24 * time.Hour, Require: map[string][]string{"script": {"addresses"}}}}})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	ok := []string{"addresses", "203.0.113.7"}
	b.makeToken("script", "taken", ok...)
	tomorrow := r.clock.Now().Add(24 * time.Hour).UTC().Format(time.DateOnly)
	for _, tt := range []struct {
		want   string
		fields []string
	}{
		{"A name is required.", []string{"name", "", "expires", "30"}},
		{"A name has at most 50 characters.", []string{"name", strings.Repeat("é", 51), "expires", "30"}},
		{"A token with this name exists.", append([]string{"name", "taken", "expires", "30"}, ok...)},
		{"Not a valid ip address, value=10.0.0.300", []string{"name", "n", "expires", "30", "addresses", "10.0.0.300"}},
		{"Choose when the token expires.", []string{"name", "n", "expires", "custom", "date", ""}},
		{"Choose when the token expires.", []string{"name", "n"}},
		{"Choose when the token expires.", []string{"name", "n", "expires", "10000"}},
		{"This date has passed.", []string{"name", "n", "expires", "custom", "date", "2020-01-01"}},
		{"At most 60 days here.", []string{"name", "n", "expires", "custom", "date", "2199-01-01"}},
		{"not a valid scope, value=nonsense", []string{"name", "n", "expires", "30", "scopes", "nonsense"}},
		{"Tokens must be limited here: addresses (script)", []string{"name", "n", "expires", "custom", "date", tomorrow}},
	} {
		b.get("/d2gate/tokens/new").submit(`name="name"`, tt.fields...)
		require.Equal(t, http.StatusUnprocessableEntity, b.status, tt.want)
		require.Contains(t, html.UnescapeString(b.page), tt.want)
		require.NotRegexp(t, secretText, b.page)
	}
	require.Contains(t, b.get("/d2gate/tokens/new").page, "(required here)")
	require.NotContains(t, b.page, `value="90"`)
	b.submit(`name="name"`, append([]string{"name", "by date", "expires", "custom", "date", tomorrow}, ok...)...)
	require.Equal(t, http.StatusOK, b.status)
}

func TestTheOwnAddressIsAddedWithoutScript(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1").get("/d2gate/tokens/new")
	require.Contains(t, b.page, "203.0.113.7")
	b.submit(`name="name"`, "name", "kept", "addresses", "198.51.100.9", "add", "203.0.113.7", "expires", "7")
	require.Equal(t, http.StatusOK, b.status)
	require.Contains(t, b.page, "198.51.100.9\n203.0.113.7</textarea>")
	require.Contains(t, b.page, `value="kept"`)
	require.Contains(t, b.page, `value="7" checked`)
}

func TestLimitsAreEditedAndTheSecretStays(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	made, secret := b.makeToken("script", "Lab sync", "addresses", "203.0.113.7", "method", "POST")
	b.get("/d2gate/tokens/" + made.UID)
	require.Contains(t, b.page, "203.0.113.7</textarea>")
	require.Contains(t, b.page, `value="POST" checked`)
	b.submit(`name="referrers"`, "addresses", "203.0.113.7\n2001:db8::/32", "referrers", "moh.example", "name", "other", "expires", "7")
	require.Contains(t, b.follow().page, "Saved.")
	now, err := r.store.TokenByUID(t.Context(), made.UID)
	require.NoError(t, err)
	require.Equal(t, []string{"203.0.113.7", "2001:db8::/32"}, values(now, constraints.IPAllowedList))
	require.Equal(t, []string{"moh.example"}, values(now, constraints.RefererAllowedList))
	require.Nil(t, values(now, constraints.MethodAllowedList))
	require.Equal(t, made.Constraints.Expiry, now.Constraints.Expiry)
	require.Equal(t, "Lab sync", now.Code)
	require.True(t, r.live(secret))

	b.submit(`name="referrers"`, "addresses", "nonsense")
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	require.Contains(t, b.page, "Not a valid ip address, value=nonsense")
}

func TestAnEditNeverWidensWhatItDoesNotShow(t *testing.T) {
	r := newRig(t, rigConfig{})
	mine := pat.Caller{UID: "N5zQapPyTZI", Username: "nurse"}
	attribute := func(k constraints.Kind, v ...string) constraints.Attribute {
		a, err := constraints.ParseAttribute(k, v)
		require.NoError(t, err)
		return a
	}
	getOnly, _, err := r.issuer.Issue(t.Context(), mine, pat.Draft{Code: "get", Attributes: []constraints.Attribute{attribute(constraints.MethodAllowedList, "GET")}})
	require.NoError(t, err)
	b := r.browser().signIn("nurse", "Nurse-pass-1").get("/d2gate/tokens/" + getOnly.UID)
	require.Contains(t, b.page, `value="GET" checked`, "GET without HEAD stays so")

	two, _, err := r.issuer.Issue(t.Context(), mine, pat.Draft{Code: "two", Attributes: []constraints.Attribute{attribute(constraints.IPAllowedList, "203.0.113.7"), attribute(constraints.IPAllowedList, "203.0.113.0/24")}})
	require.NoError(t, err)
	b.get("/d2gate/tokens/" + two.UID)
	require.Contains(t, b.page, "two limits of the same kind")
	require.NotContains(t, b.page, `name="addresses"`)
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(b.page)[1]
	b.post("/d2gate/tokens/"+two.UID, map[string][]string{"csrf": {csrf}})
	require.Equal(t, http.StatusForbidden, b.status)
	now, err := r.store.TokenByUID(t.Context(), two.UID)
	require.NoError(t, err)
	require.Len(t, now.Constraints.Attributes, 2)
}

func TestRotationGivesANewSecretAndKeepsTheOldForAWhile(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	made, first := b.makeToken("script", "Lab sync", "addresses", "203.0.113.7")
	b.get("/d2gate/tokens/"+made.UID+"/rotate").submit("overlap", "overlap", "1")
	second := secretText.FindString(b.page)
	require.NotEqual(t, first, second)
	require.Contains(t, b.page, "The old secret works until")
	require.True(t, r.live(first) && r.live(second))
	r.clock.Add(time.Hour)
	require.False(t, r.live(first))
	b.signIn("nurse", "Nurse-pass-1").get("/d2gate/tokens/"+made.UID+"/rotate").submit("overlap", "overlap", "0")
	require.False(t, r.live(second))
	require.Contains(t, b.page, "The old secret does not work any more.")
	now, err := r.store.TokenByUID(t.Context(), made.UID)
	require.NoError(t, err)
	require.Equal(t, []string{"203.0.113.7"}, values(now, constraints.IPAllowedList))
}

func TestRevokingAsksFirstInDHIS2sWords(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	made, secret := b.makeToken("script", "Lab sync")
	b.get("/d2gate/tokens/" + made.UID + "/revoke")
	require.Contains(t, html.UnescapeString(b.page), "Any application or script using this token will no longer be able to access this instance's API. You cannot undo this action.")
	require.True(t, r.live(secret))
	b.submit("revoke")
	require.Contains(t, b.follow().page, "The token is revoked.")
	require.False(t, r.live(secret))
	require.Equal(t, http.StatusNotFound, b.get("/d2gate/tokens/"+made.UID).status)
}

// failing is a token store whose deletes fail.
type failing struct {
	console.Tokens
}

func (failing) Revoke(context.Context, pat.Caller, string) error { return errStore }

func TestATokenThatIsNotRevokedIsSaidNotToBe(t *testing.T) {
	r := newRig(t, rigConfig{wrap: func(s console.Tokens) console.Tokens { return failing{s} }})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	made, _ := b.makeToken("script", "Lab sync")
	b.get("/d2gate/tokens/" + made.UID + "/revoke").submit("revoke")
	require.Equal(t, http.StatusServiceUnavailable, b.status)
	require.Contains(t, b.page, "The token is NOT revoked")
	r.requireReason(fault.StoreUnavailable)
}

func TestATokenOfAnotherDoesNotExist(t *testing.T) {
	r := newRig(t, rigConfig{})
	made, secret := r.browser().signIn("admin", "district").makeToken("script", "Admin's")
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	own, _ := b.makeToken("script", "Mine")
	for _, path := range []string{"", "/rotate", "/revoke", "/refusals"} {
		require.Equal(t, http.StatusNotFound, b.get("/d2gate/tokens/"+made.UID+path).status, path)
		page := b.get("/d2gate/tokens/" + own.UID).page
		csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)[1]
		if path == "/refusals" {
			continue
		}
		require.Equal(t, http.StatusNotFound, b.post("/d2gate/tokens/"+made.UID+path, map[string][]string{"csrf": {csrf}}).status, path)
	}
	require.NotContains(t, b.get("/d2gate/tokens?all=1").page, "Admin&#39;s")
	require.True(t, r.live(secret))
}

func TestAnAdministratorSeesAllAndNoSecret(t *testing.T) {
	r := newRig(t, rigConfig{})
	made, secret := r.browser().signIn("nurse", "Nurse-pass-1").makeToken("script", "Lab sync")
	_, _, err := r.issuer.Issue(t.Context(), pat.Caller{UID: "C5zQapPyTZI", Username: "clerk"}, pat.Draft{Code: "for good", Expiry: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	_, err = r.store.EditToken(t.Context(), made.UID, func(r *pat.Record) error { r.Constraints.Expiry = time.Time{}; return nil })
	require.NoError(t, err)
	require.NoError(t, r.store.TouchTokens(t.Context(), []pat.Use{{UID: made.UID, At: r.clock.Now(), From: "198.51.100.9"}}))

	b := r.browser().signIn("admin", "district")
	require.NotContains(t, b.page, "Lab sync", "their own come first")
	b.get("/d2gate/tokens?all=1")
	require.Contains(t, b.page, "Lab sync")
	require.Contains(t, b.page, "198.51.100.9")
	require.Contains(t, b.page, "for good")
	require.NotContains(t, b.page, "/d2gate/tokens/"+made.UID+"/rotate")
	require.NotContains(t, b.get("/d2gate/tokens?all=1&user=clerk").page, "Lab sync")
	require.NotContains(t, b.get("/d2gate/tokens?all=1&unused=1").page, "Lab sync")
	b.get("/d2gate/tokens?all=1&forever=1")
	require.Contains(t, b.page, "Lab sync")
	require.NotContains(t, b.page, "for good")
	require.Equal(t, http.StatusForbidden, b.get("/d2gate/tokens/"+made.UID+"/rotate").status, "a new secret is the owner's alone")
	r.requireReason(fault.PolicyRefused)
	b.get("/d2gate/tokens/" + made.UID + "/revoke").submit("revoke")
	require.Equal(t, "/d2gate/tokens?revoked=1&all=1", b.answer.Get("Location"))
	require.False(t, r.live(secret))
}

func TestTheListIsPaged(t *testing.T) {
	r := newRig(t, rigConfig{})
	for i := range 51 {
		_, _, err := r.issuer.Issue(t.Context(), pat.Caller{UID: "N5zQapPyTZI", Username: "nurse"}, pat.Draft{Code: fmt.Sprintf("token %02d.", i)})
		require.NoError(t, err)
		r.clock.Add(time.Millisecond)
	}
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	require.Contains(t, b.page, "51 in all")
	require.NotContains(t, b.page, "token 00.")
	next := html.UnescapeString(regexp.MustCompile(`href="([^"]+page=2[^"]*)"`).FindStringSubmatch(b.page)[1])
	require.Contains(t, b.get(next).page, "token 00.")
	require.Contains(t, b.page, "page=1")
}

func TestWhatExpiresSoonIsMarkedAndWhatIsOverIsInactive(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	_, _, err := r.issuer.Issue(t.Context(), pat.Caller{UID: "N5zQapPyTZI", Username: "nurse"}, pat.Draft{Code: "short", Expiry: r.clock.Now().Add(3 * 24 * time.Hour)})
	require.NoError(t, err)
	require.Contains(t, b.get("/d2gate/tokens").page, `chip warn">in 3 days`)
	require.NotContains(t, b.page, "Inactive")
	r.clock.Add(time.Minute) // sessions are not what is tested here
	_, err = r.store.EditToken(t.Context(), mustFind(t, r, "short").UID, func(x *pat.Record) error { x.Constraints.Expiry = r.clock.Now(); return nil })
	require.NoError(t, err)
	require.Contains(t, b.get("/d2gate/tokens").page, "Inactive")
}

func mustFind(t *testing.T, r *rig, code string) pat.Record {
	list, _, err := r.issuer.List(t.Context(), pat.Caller{Admin: true}, pat.Filter{Code: code})
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0]
}

func TestWhyATokenWasRefusedIsAnswered(t *testing.T) {
	r := newRig(t, rigConfig{})
	b := r.browser().signIn("nurse", "Nurse-pass-1")
	made, _ := b.makeToken("script", "Lab sync", "method", "GET,HEAD")
	require.Contains(t, b.get("/d2gate/tokens/"+made.UID+"/refusals").page, "No request of this token was refused lately.")
	r.refusals[made.UID] = []console.Refusal{{
		At: r.clock.Now(), RequestID: "01JD4Z8W", Method: "DELETE", Path: "/api/dataStore/<b>", Client: "198.51.100.9", Reason: "constraint_method", Failed: []string{"constraint_method", "constraint_address"},
	}}
	page := html.UnescapeString(b.get("/d2gate/tokens/" + made.UID + "/refusals").page)
	for _, want := range []string{"DELETE /api/dataStore/<b>", "198.51.100.9", "request http method is not allowed", "let the owner edit the token's methods", "01JD4Z8W", "/d2gate/help/constraint_method", "constraint_address"} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, b.page, "<b>")
}

func TestClientsAreForAdministratorsAndWithoutSecrets(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.client("demo", "the-hash-of-the-secret", "https://app.example/cb")
	r.client("phone", "", "org.example.app:/cb")
	require.Equal(t, http.StatusForbidden, r.browser().signIn("nurse", "Nurse-pass-1").get("/d2gate/clients").status)
	b := r.browser().signIn("admin", "district").get("/d2gate/clients")
	for _, want := range []string{"App demo", "https://app.example/cb", "authorization_code", "With a secret", "Public", "org.example.app:/cb"} {
		require.Contains(t, b.page, want)
	}
	require.NotContains(t, b.page, "the-hash-of-the-secret")
}

func TestEveryPageIsWhollyInTheReadersLanguage(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.client("demo", "hash", "https://app.example/cb")
	b := r.browser().signIn("admin", "district")
	made, _ := b.makeToken("script", "Lab sync", "addresses", "203.0.113.7 203.0.113.8")
	pages := []string{"/d2gate/tokens?all=1", "/d2gate/tokens/new", "/d2gate/tokens/new?context=browser", "/d2gate/tokens/" + made.UID, "/d2gate/tokens/" + made.UID + "/rotate", "/d2gate/tokens/" + made.UID + "/revoke", "/d2gate/clients", authorizeDemo}
	for _, lang := range []string{"fr", "pt", "es", "ar"} {
		b.header.Set("Accept-Language", lang)
		for _, path := range pages {
			b.get(path)
			require.Equal(t, http.StatusOK, b.status)
			require.Contains(t, b.page, `lang="`+lang+`"`)
			for _, english := range []string{"Cancel<", "Expires", "Owner", "Sign out", "Allow ", ">Deny", "Rotate", "Revoke", "every"} {
				require.NotContains(t, b.page, english, "%s %s", lang, path)
			}
		}
	}
}
