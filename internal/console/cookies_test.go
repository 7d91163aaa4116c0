package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recordCookies signs in by calling the handlers, and returns the cookies that they
// set: no client stands between that could refuse some.
func recordCookies(t *testing.T, r *rig) []*http.Cookie {
	t.Helper()
	page := httptest.NewRecorder()
	require.NoError(t, r.console.Serve(page, httptest.NewRequest(http.MethodGet, "/d2gate/sign-in", nil)))
	first := page.Result().Cookies()
	require.Len(t, first, 1)
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page.Body.String())[1]
	form := url.Values{"csrf": {csrf}, "username": {"nurse"}, "password": {"Nurse-pass-1"}}
	post := httptest.NewRequest(http.MethodPost, "/d2gate/sign-in", strings.NewReader(form.Encode()))
	post.Header.Set("Sec-Fetch-Site", "same-origin")
	post.AddCookie(first[0])
	done := httptest.NewRecorder()
	require.NoError(t, r.console.Serve(done, post))
	require.Equal(t, http.StatusSeeOther, done.Code)
	return append(first, done.Result().Cookies()...)
}
