package identity_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

func TestNoneSendsNoCredentialAtAll(t *testing.T) {
	req := httptest.NewRequest(http.MethodGet, "/api/x", nil)
	req.Header.Set("Authorization", "Basic eDp5")
	req.Header.Set("Cookie", "a=b")
	lease, err := identity.None{}.Sign(t.Context(), nurse, http.Header{"Authorization": {"Basic eDp5"}}, req)
	require.NoError(t, err)
	require.Empty(t, req.Header)
	require.False(t, lease.Done(nil, nil))
	require.NoError(t, lease.Refused())
}

func TestPassthroughSendsTheCallersCredentialAndNothingElse(t *testing.T) {
	for name, tt := range map[string]struct{ caller, want http.Header }{
		"nothing":                       {http.Header{}, http.Header{}},
		"Basic":                         {http.Header{"Authorization": {"Basic eDp5"}}, http.Header{"Authorization": {"Basic eDp5"}}},
		"a session":                     {http.Header{"Cookie": {"a=b; JSESSIONID=abc; c=d"}}, http.Header{"Cookie": {"JSESSIONID=abc"}}},
		"no session beside Basic":       {http.Header{"Authorization": {"Basic eDp5"}, "Cookie": {"JSESSIONID=abc"}}, http.Header{"Authorization": {"Basic eDp5"}}},
		"two sessions are none":         {http.Header{"Cookie": {"JSESSIONID=abc; JSESSIONID=def"}}, http.Header{}},
		"two lines of two":              {http.Header{"Cookie": {"JSESSIONID=abc", "JSESSIONID=def"}}, http.Header{}},
		"another case is another name":  {http.Header{"Cookie": {"jsessionid=abc"}}, http.Header{}},
		"a value that is no cookie":     {http.Header{"Cookie": {"JSESSIONID=\"a b\""}}, http.Header{}},
		"d2gate's own cookie stays":     {http.Header{"Cookie": {"__Host-d2gate=secret"}}, http.Header{}},
		"two Authorization lines":       {http.Header{"Authorization": {"Basic eDp5", "Basic eDp6"}}, http.Header{}},
		"two lines and a session":       {http.Header{"Authorization": {"Basic eDp5", "Basic eDp6"}, "Cookie": {"JSESSIONID=abc"}}, http.Header{}},
		"other headers are not touched": {http.Header{"X-Other": {"x"}}, http.Header{}},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodGet, "/api/x", nil)
			req.Header.Set("Cookie", "left=over")
			_, err := identity.Passthrough{}.Sign(t.Context(), nurse, tt.caller, req)
			require.NoError(t, err)
			require.Equal(t, tt.want, req.Header)
		})
	}
}

func newPool(t *testing.T, d *dhis, c *clock, change func(*identity.PoolConfig)) *identity.Pool {
	t.Helper()
	cfg := identity.PoolConfig{Server: d.server(), Username: "guest", Password: identity.NewPassword("Guest-pass-1"), Now: c.Now}
	if change != nil {
		change(&cfg)
	}
	p, err := identity.NewPool(cfg)
	require.NoError(t, err)
	return p
}

func TestTheServiceAccountSignsInOnceForAllRequests(t *testing.T) {
	d, c := newDHIS(t), newClock()
	p := newPool(t, d, c, nil)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			resp, err := tryForward(p, identity.User{Username: fmt.Sprint("user", i)}, d, nil)
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, d.asked("/api/auth/login"))
	require.Equal(t, 1, d.sessionsOpened())
}

func TestRequestsAreSpreadOverTheSessionsOfThePool(t *testing.T) {
	d, c := newDHIS(t), newClock()
	p := newPool(t, d, c, func(cfg *identity.PoolConfig) { cfg.Sessions = 3 })
	for range 30 {
		forward(t, p, nurse, d, nil)
	}
	require.Equal(t, 3, d.asked("/api/auth/login"))
}

func TestAnOlderDHIS2IsSignedInByItsForm(t *testing.T) {
	d, c := newDHIS(t), newClock()
	d.old = true
	p := newPool(t, d, c, nil)
	require.Equal(t, 200, forward(t, p, nurse, d, nil).StatusCode)
	require.Equal(t, 1, d.asked("/dhis-web-commons-security/login.action"))
}

func TestTheServiceAccountSignsInAgainWhenItsSessionIsOver(t *testing.T) {
	for name, over := range map[string]func(d *dhis){
		"forgotten: 302 to the sign-in page": func(d *dhis) { clear(d.sessions) },
		"ended: 302 to logout": func(d *dhis) {
			for id := range d.sessions {
				d.ended[id] = true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, c := newDHIS(t), newClock()
			p := newPool(t, d, c, nil)
			forward(t, p, nurse, d, nil)
			d.set(func() { over(d) })
			require.Equal(t, 200, forward(t, p, nurse, d, nil).StatusCode)
			require.Equal(t, 2, d.asked("/api/auth/login"))
		})
	}
}

func TestA401OfAnOldRequestDoesNotDropTheNewSession(t *testing.T) {
	d, c := newDHIS(t), newClock()
	p := newPool(t, d, c, nil)
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	slow, err := p.Sign(t.Context(), nurse, nil, req)
	require.NoError(t, err)
	d.set(func() { clear(d.sessions) })
	forward(t, p, nurse, d, nil) // signs in again
	require.True(t, slow.Done(&http.Response{StatusCode: 401}, nil))
	forward(t, p, nurse, d, nil)
	require.Equal(t, 2, d.asked("/api/auth/login"))
}

func TestAServiceAccountThatCouldDoTooMuchIsRefused(t *testing.T) {
	for _, authority := range []string{"ALL", "F_SYSTEM_SETTING", "F_USER_ADD", "F_METADATA_IMPORT", "F_IMPERSONATE_USER"} {
		d, c := newDHIS(t), newClock()
		d.people["guest"].authorities = []string{"F_VIEW", authority}
		_, err := tryForward(newPool(t, d, c, nil), nurse, d, nil)
		f := requireReason(t, err, fault.UpstreamRefusedIdentity)
		require.Contains(t, f.Detail, authority)
		require.NotContains(t, f.Message, authority)
		require.Zero(t, d.asked("/api/dataStore"))
	}
}

func TestAServiceAccountThatIsRefusedIsNotTriedAgainAtOnce(t *testing.T) {
	d, c := newDHIS(t), newClock()
	d.people["guest"].password = "changed"
	p := newPool(t, d, c, nil)
	for range 20 {
		_, err := tryForward(p, nurse, d, nil)
		requireReason(t, err, fault.UpstreamRefusedIdentity)
		require.NotContains(t, err.Error(), "Guest-pass-1")
	}
	require.Equal(t, 1, d.asked("/api/auth/login"))
	for range 15 * 60 {
		c.Add(time.Second)
		_, _ = tryForward(p, nurse, d, nil)
	}
	require.LessOrEqual(t, d.asked("/api/auth/login"), 13)
	d.set(func() { d.people["guest"].password = "Guest-pass-1" })
	c.Add(5 * time.Minute)
	require.Equal(t, 200, forward(t, p, nurse, d, nil).StatusCode)
}

func TestWhatStopsTheServiceAccountFromSigningInIsTold(t *testing.T) {
	for _, status := range []string{"ACCOUNT_DISABLED", "ACCOUNT_LOCKED", "ACCOUNT_EXPIRED", "PASSWORD_EXPIRED"} {
		d, c := newDHIS(t), newClock()
		d.people["guest"].status = status
		_, err := tryForward(newPool(t, d, c, nil), nurse, d, nil)
		require.Contains(t, requireReason(t, err, fault.UpstreamRefusedIdentity).Detail, status)
	}
	d, c := newDHIS(t), newClock()
	d.down = 503
	_, err := tryForward(newPool(t, d, c, nil), nurse, d, nil)
	requireReason(t, err, fault.UpstreamUnreachable)
}

// natives is a store in memory.
type natives struct {
	mu   sync.Mutex
	rows map[string][]byte
}

func (n *natives) NativePAT(_ context.Context, user string) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rows[user], nil
}

func (n *natives) PutNativePAT(_ context.Context, user string, sealed []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rows[user] = sealed
	return nil
}

func (n *natives) DeleteNativePAT(_ context.Context, user string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.rows, user)
	return nil
}

func newNative(t *testing.T, d *dhis, c *clock, store *natives, dir string) *identity.Native {
	t.Helper()
	sealer, err := identity.OpenSealer(filepath.Join(dir, "native.key"))
	require.NoError(t, err)
	n, err := identity.NewNative(identity.NativeConfig{
		Server: d.server(), Store: store, Sealer: sealer, Address: netip.MustParseAddr("10.0.0.5"), Now: c.Now,
		Sessions: identity.NewSessions(identity.SessionsConfig{Now: c.Now}),
	})
	require.NoError(t, err)
	return n
}

func basicHeader(user, password string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}}
}

func TestANativeTokenIsMadeWithTheUsersOwnSignInAndUsedAfterwards(t *testing.T) {
	d, c, store, dir := newDHIS(t), newClock(), &natives{rows: map[string][]byte{}}, t.TempDir()
	n := newNative(t, d, c, store, dir)
	_, err := tryForward(n, nurse, d, nil)
	require.Contains(t, requireReason(t, err, fault.UpstreamRefusedIdentity).Detail, "comes with Basic")
	forward(t, n, nurse, d, basicHeader("nurse", "Nurse-pass-1"))
	require.Equal(t, []string{fmt.Sprintf(`{"attributes":[{"allowedIps":["10.0.0.5"],"type":"IpAllowedList"}],"expire":%d}`, c.Now().Add(30*24*time.Hour).UnixMilli())}, d.patBody)
	require.Equal(t, "10.0.0.5", d.last().Header.Get("X-Forwarded-For"))
	require.Equal(t, "for=192.0.2.7", d.last().Header.Get("Forwarded"))
	opened := d.sessionsOpened()
	for range 20 {
		forward(t, n, nurse, d, nil)
	}
	require.Equal(t, opened, d.sessionsOpened(), "the session goes back")
	n = newNative(t, d, c, store, dir) // after a restart
	forward(t, n, nurse, d, nil)
	require.Len(t, d.patBody, 1)
	for token := range d.pats {
		require.NotContains(t, string(store.rows["nurse"]), token, "kept encrypted")
	}
}

func TestANativeTokenThatDHIS2RefusesIsDropped(t *testing.T) {
	d, c, store := newDHIS(t), newClock(), &natives{rows: map[string][]byte{}}
	n := newNative(t, d, c, store, t.TempDir())
	forward(t, n, nurse, d, basicHeader("nurse", "Nurse-pass-1"))
	d.set(func() { clear(d.pats) })
	_, err := tryForward(n, nurse, d, nil)
	requireReason(t, err, fault.UpstreamRefusedIdentity)
	require.Empty(t, store.rows)
	forward(t, n, nurse, d, basicHeader("nurse", "Nurse-pass-1"))
}

func TestANativeTokenIsMadeAnewInTheLastThirdOfItsLife(t *testing.T) {
	d, c, store := newDHIS(t), newClock(), &natives{rows: map[string][]byte{}}
	n := newNative(t, d, c, store, t.TempDir())
	forward(t, n, nurse, d, basicHeader("nurse", "Nurse-pass-1"))
	c.Add(21 * 24 * time.Hour)
	forward(t, n, nurse, d, nil)
	require.Len(t, d.patBody, 1)
	forward(t, n, nurse, d, basicHeader("nurse", "Nurse-pass-1"))
	require.Len(t, d.patBody, 2)
}

func TestASealedTokenOpensForItsUserAndKeyOnly(t *testing.T) {
	dir := t.TempDir()
	a, err := identity.OpenSealer(filepath.Join(dir, "a"))
	require.NoError(t, err)
	b, err := identity.OpenSealer(filepath.Join(dir, "b"))
	require.NoError(t, err)
	sealed := a.Seal("nurse", []byte("text"))
	text, err := a.Open("nurse", sealed)
	require.NoError(t, err)
	require.Equal(t, "text", string(text))
	_, err = a.Open("admin", sealed)
	require.Error(t, err)
	_, err = b.Open("nurse", sealed)
	require.Error(t, err)
	_, err = a.Open("nurse", sealed[:5])
	require.Error(t, err)
	require.NoError(t, os.Chmod(filepath.Join(dir, "a"), 0o644))
	_, err = identity.OpenSealer(filepath.Join(dir, "a"))
	require.Error(t, err)
}
