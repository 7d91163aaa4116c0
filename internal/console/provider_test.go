package console_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/console"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

// idp stands for identity.OIDC, whose checks have tests of their own: who comes back
// with the right code is whom it names.
type idp struct {
	n    int
	down bool
}

func (i *idp) Begin(context.Context) (string, identity.Attempt, error) {
	if i.down {
		return "", identity.Attempt{}, fault.New(fault.StoreUnavailable, "")
	}
	i.n++
	state := "state-" + string(rune('a'+i.n))
	return "https://idp.example/authorize?state=" + state, identity.Attempt{State: state, Nonce: "n", Verifier: "v"}, nil
}

func (i *idp) Finish(_ context.Context, a identity.Attempt, back url.Values) (identity.ExternalUser, error) {
	if a.State != back.Get("state") || back.Get("code") == "" {
		return identity.ExternalUser{}, fault.New(fault.LoginFailed, "")
	}
	return identity.ExternalUser{Username: back.Get("code")}, nil
}

func providerRig(t *testing.T) (*rig, *idp) {
	p := &idp{}
	return newRig(t, rigConfig{settings: console.Settings{Providers: []console.Provider{{ID: "moh", Name: "Ministry", OIDC: p}, {ID: "other", Name: "Other", OIDC: p}}}}), p
}

func TestAPersonSignsInAtAProvider(t *testing.T) {
	r, _ := providerRig(t)
	b := r.browser().get("/d2gate/sign-in?next=/d2gate/tokens/new")
	require.Contains(t, b.page, "Sign in with Ministry")
	require.Contains(t, b.page, `href="/d2gate/sign-in/moh?next=%2fd2gate%2ftokens%2fnew"`)
	b.get("/d2gate/sign-in/moh?next=%2fd2gate%2ftokens%2fnew")
	require.Equal(t, "https://idp.example/authorize?state=state-b", b.answer.Get("Location"))
	b.get("/d2gate/sign-in/moh/callback?state=state-b&code=nurse")
	require.Equal(t, http.StatusSeeOther, b.status, b.page)
	require.Equal(t, "/d2gate/tokens/new", b.answer.Get("Location"))
	require.Contains(t, b.follow().page, "Test nurse (nurse)")
}

func TestAnAttemptWorksOnceInTheBrowserAndAtTheProviderThatItBeganWith(t *testing.T) {
	r, _ := providerRig(t)
	refused := func(b *browser) {
		t.Helper()
		require.Equal(t, http.StatusUnauthorized, b.status)
		require.Contains(t, b.page, "did not work")
		require.NotContains(t, b.jar().cookies, "d2gate")
		r.requireReason(fault.LoginFailed)
	}
	b := r.browser().get("/d2gate/sign-in/moh")
	refused(r.browser().get("/d2gate/sign-in/moh/callback?state=state-b&code=nurse"))
	refused(b.get("/d2gate/sign-in/other/callback?state=state-b&code=nurse"))
	refused(b.get("/d2gate/sign-in/moh/callback?state=&code=nurse"))
	refused(b.get("/d2gate/sign-in/moh/callback?code=nurse"))
	b.get("/d2gate/sign-in/moh/callback?state=state-b&code=nurse")
	require.Equal(t, http.StatusSeeOther, b.status, "the others have not spent it")
	delete(b.jar().cookies, "d2gate")
	refused(b.get("/d2gate/sign-in/moh/callback?state=state-b&code=nurse"))
}

func TestTwoTabsMaySignInAtAProviderAtOnce(t *testing.T) {
	r, _ := providerRig(t)
	b := r.browser().get("/d2gate/sign-in/moh").get("/d2gate/sign-in/moh?next=/d2gate/tokens/new")
	b.get("/d2gate/sign-in/moh/callback?state=state-c&code=nurse")
	require.Equal(t, "/d2gate/tokens/new", b.answer.Get("Location"))
	b.get("/d2gate/sign-in/moh/callback?state=state-b&code=nurse")
	require.Equal(t, "/d2gate/tokens", b.answer.Get("Location"))
}

func TestWhoHasNoAccountInForceIsNotSignedIn(t *testing.T) {
	r, _ := providerRig(t)
	r.dhis2.accounts["clerk"].disabled = true
	for i, who := range []string{"stranger", "clerk"} {
		b := r.browser().get("/d2gate/sign-in/moh")
		b.get("/d2gate/sign-in/moh/callback?code=" + who + "&state=state-" + string(rune('b'+i)))
		require.Equal(t, http.StatusUnauthorized, b.status)
		require.Contains(t, b.page, "has no DHIS2 account that may sign in")
		r.requireReason(fault.TokenOwnerDisabled)
		require.NotContains(t, b.jar().cookies, "d2gate")
	}
}

func TestAnAttemptIsOverAfterTenMinutes(t *testing.T) {
	p := &idp{}
	r := newRig(t, rigConfig{start: time.Now().Add(-10 * time.Minute), settings: console.Settings{Providers: []console.Provider{{ID: "moh", Name: "Ministry", OIDC: p}}}})
	b := r.browser().get("/d2gate/sign-in/moh").get("/d2gate/sign-in/moh/callback?state=state-b&code=nurse")
	require.Equal(t, http.StatusUnauthorized, b.status)
}

func TestVisitsToAProviderAreBoundedInAllAndLeaveRoomForCodes(t *testing.T) {
	r := newRig(t, rigConfig{most: 2, settings: console.Settings{Providers: []console.Provider{{ID: "moh", Name: "Ministry", OIDC: &idp{}}}}})
	first := r.browser().get("/d2gate/sign-in/moh")
	for range 2 {
		b := r.browser().get("/d2gate/sign-in/moh")
		if b.status == http.StatusSeeOther {
			continue
		}
		require.Equal(t, http.StatusTooManyRequests, b.status)
		require.Equal(t, "60", b.answer.Get("Retry-After"))
		require.Empty(t, b.answer.Get("Location"))
		r.requireReason(fault.LoginThrottled)
	}
	require.Equal(t, http.StatusTooManyRequests, r.browser().get("/d2gate/sign-in/moh").status)
	b := r.browser().get("/d2gate/sign-in").submit(`name="password"`, "username", "clerk", "password", "Clerk-pass-1")
	require.Equal(t, http.StatusOK, b.status, "whoever has a password is not kept out by whoever has none")
	first.get("/d2gate/sign-in/moh/callback?state=state-b&code=nurse")
	require.Equal(t, http.StatusSeeOther, first.status, "who has begun may finish")
	require.Equal(t, http.StatusSeeOther, r.browser().get("/d2gate/sign-in/moh").status, "and makes room")
}

func TestAProviderThatIsDownOrUnknownIsSaid(t *testing.T) {
	r, p := providerRig(t)
	p.down = true
	b := r.browser().get("/d2gate/sign-in/moh")
	require.Equal(t, http.StatusServiceUnavailable, b.status)
	require.Contains(t, b.page, "The sign-in with Ministry did not work.")
	require.Equal(t, http.StatusNotFound, b.get("/d2gate/sign-in/nobody").status)
	require.Equal(t, http.StatusNotFound, b.get("/d2gate/sign-in/nobody/callback?state=x").status)
}
