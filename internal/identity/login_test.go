package identity_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

func newLogin(t *testing.T, s identity.Server, c *clock, basicOnly bool) *identity.Login {
	t.Helper()
	b, th := newBasic(t, s, c, rules...)
	l, err := identity.NewLogin(identity.LoginConfig{Server: s, Throttle: th, Basic: b, BasicOnly: basicOnly, Now: c.Now})
	require.NoError(t, err)
	return l
}

func TestAPersonSignsInAndTheSessionIsEnded(t *testing.T) {
	d := newDHIS(t)
	u, step, err := newLogin(t, d.server(), newClock(), false).Login(t.Context(), "nurse", "Nurse-pass-1", "", office)
	require.NoError(t, err)
	require.Equal(t, identity.SignedIn, step)
	require.Equal(t, "N5zQapPyTZI", u.UID)
	require.Equal(t, "/dhis-web-commons-security/logout.action", d.last().URL.Path)
	require.Contains(t, d.last().Header.Get("Cookie"), "JSESSIONID=")
}

func TestAWrongPasswordIsToldInDHIS2sWords(t *testing.T) {
	d := newDHIS(t)
	_, step, err := newLogin(t, d.server(), newClock(), false).Login(t.Context(), "nurse", "wrong", "", office)
	require.Equal(t, "Bad credentials", requireReason(t, err, fault.LoginFailed).Message)
	require.Equal(t, identity.NeedPassword, step)
}

func TestASecondFactorIsAskedForAndChecked(t *testing.T) {
	for _, tt := range []struct {
		email bool
		step  identity.Step
	}{{false, identity.NeedCode}, {true, identity.NeedMailed}} {
		d := newDHIS(t)
		d.people["nurse"].secondFactor, d.people["nurse"].email = "123456", tt.email
		l := newLogin(t, d.server(), newClock(), false)
		for range 10 { // asking for the code is no wrong password
			_, step, err := l.Login(t.Context(), "nurse", "Nurse-pass-1", "", office)
			require.NoError(t, err)
			require.Equal(t, tt.step, step)
		}
		_, step, err := l.Login(t.Context(), "nurse", "Nurse-pass-1", "000000", office)
		require.Equal(t, "Incorrect code", requireReason(t, err, fault.LoginFailed).Message)
		require.Equal(t, tt.step, step)
		u, step, err := l.Login(t.Context(), "nurse", "Nurse-pass-1", "123456", office)
		require.NoError(t, err)
		require.Equal(t, identity.SignedIn, step)
		require.Equal(t, "nurse", u.Username)
	}
}

func TestGuessingCodesUsesUpTheSameBudget(t *testing.T) {
	d := newDHIS(t)
	d.people["nurse"].secondFactor = "123456"
	l := newLogin(t, d.server(), newClock(), false)
	for i := range 10 {
		_, _, err := l.Login(t.Context(), "nurse", "Nurse-pass-1", fmt.Sprint("00000", i), office)
		if i < 3 {
			requireReason(t, err, fault.LoginFailed)
		} else {
			requireReason(t, err, fault.LoginThrottled)
		}
	}
	require.Equal(t, 3, d.asked("/api/auth/login"))
}

func TestSignInAndBasicShareOneBudget(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, th := newBasic(t, d.server(), c, rules...)
	l, err := identity.NewLogin(identity.LoginConfig{Server: d.server(), Throttle: th, Basic: b, Now: c.Now})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			client := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			if i%2 == 0 {
				_, _, _ = l.Login(context.Background(), "nurse", fmt.Sprint("x", i), "", client)
			} else {
				_, _ = b.Verify(context.Background(), "nurse", fmt.Sprint("x", i), client)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 3, d.failed["nurse"])
}

func TestEveryLoginStatusHasItsWords(t *testing.T) {
	for status, want := range map[string]string{
		"ACCOUNT_DISABLED":              "Account disabled",
		"ACCOUNT_LOCKED":                "Account locked",
		"ACCOUNT_EXPIRED":               "Account expired",
		"PASSWORD_EXPIRED":              "Password expired. Change it in DHIS2 first.",
		"REQUIRES_TWO_FACTOR_ENROLMENT": "Two-factor sign-in must be set up in DHIS2 first.",
	} {
		d := newDHIS(t)
		d.people["nurse"].status = status
		l := newLogin(t, d.server(), newClock(), false)
		for range 5 { // none is a wrong password
			_, step, err := l.Login(t.Context(), "nurse", "Nurse-pass-1", "", office)
			require.Equal(t, want, requireReason(t, err, fault.LoginFailed).Message)
			require.Equal(t, identity.NeedPassword, step)
		}
	}
	d := newDHIS(t)
	d.people["nurse"].status = "SOMETHING_NEW"
	_, _, err := newLogin(t, d.server(), newClock(), false).Login(t.Context(), "nurse", "Nurse-pass-1", "", office)
	requireReason(t, err, fault.UpstreamUnreachable)
}

func TestPeopleSignInAtAnOlderDHIS2ByItsForm(t *testing.T) {
	d := newDHIS(t)
	d.old = true
	d.people["nurse"].secondFactor = "123456"
	l := newLogin(t, d.server(), newClock(), false)
	_, _, err := l.Login(t.Context(), "nurse", "Nurse-pass-1", "", office)
	requireReason(t, err, fault.LoginFailed)
	u, _, err := l.Login(t.Context(), "nurse", "Nurse-pass-1", "123456", office)
	require.NoError(t, err)
	require.Equal(t, "N5zQapPyTZI", u.UID)
	require.Equal(t, 1, d.failed["nurse"])
}

// counting is a plain back end that counts what it is asked.
func counting(t *testing.T) (identity.Server, *atomic.Int64) {
	t.Helper()
	other := new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/me" {
			other.Add(1)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if _, password, _ := r.BasicAuth(); password != "right" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	return identity.Server{URL: u}, other
}

func TestABackEndWithoutSignInIsAskedByBasic(t *testing.T) {
	s, other := counting(t)
	l := newLogin(t, s, newClock(), false)
	for range 3 {
		u, step, err := l.Login(t.Context(), "mary", "right", "", office)
		require.NoError(t, err)
		require.Equal(t, identity.SignedIn, step)
		require.Equal(t, "mary", u.Username)
	}
	_, _, err := l.Login(t.Context(), "mary", "wrong", "", office)
	requireReason(t, err, fault.LoginFailed)
	require.EqualValues(t, 2, other.Load(), "both ways were tried once")
}

func TestABackEndThatMustSeeNothingElseSeesOnlyBasic(t *testing.T) {
	s, other := counting(t)
	l := newLogin(t, s, newClock(), true)
	_, _, err := l.Login(t.Context(), "mary", "right", "", office)
	require.NoError(t, err)
	require.Zero(t, other.Load())
}

func TestAnEmptyNameOrPasswordIsNotAsked(t *testing.T) {
	d := newDHIS(t)
	l := newLogin(t, d.server(), newClock(), false)
	for _, pair := range [][2]string{{"", "x"}, {"nurse", ""}} {
		_, _, err := l.Login(t.Context(), pair[0], pair[1], "", office)
		requireReason(t, err, fault.LoginFailed)
	}
	require.Empty(t, d.seen)
}
