package identity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

var office = netip.MustParseAddr("192.0.2.7")

// rules are the defaults of rates.login.
var rules = []identity.Rule{
	{Per: "username", Events: 3, Window: 15 * time.Minute},
	{Per: "client_ip", Events: 30, Window: 15 * time.Minute},
}

func newBasic(t *testing.T, s identity.Server, c *clock, rs ...identity.Rule) (*identity.Basic, *identity.Throttle) {
	t.Helper()
	th, err := identity.NewThrottle(identity.ThrottleConfig{Rules: rs, Now: c.Now})
	require.NoError(t, err)
	b, err := identity.NewBasic(identity.BasicConfig{Server: s, Throttle: th, Now: c.Now})
	require.NoError(t, err)
	return b, th
}

func requireReason(t *testing.T, err error, want fault.Reason) *fault.Fault {
	t.Helper()
	f := fault.From(err)
	require.NotNil(t, f, "%v", err)
	require.Equal(t, want, f.Reason, "%v", err)
	return f
}

func TestARightPasswordIsTheUserThatDHIS2Names(t *testing.T) {
	d := newDHIS(t)
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	u, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	require.Equal(t, identity.User{UID: "N5zQapPyTZI", Username: "nurse", Name: "first nurse", DisplayName: "first nurse", Authorities: []string{"F_VIEW"}}, u)
}

func TestOnlyTheCredentialReachesDHIS2(t *testing.T) {
	d := newDHIS(t)
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	r := d.last()
	require.Equal(t, "GET /api/me", r.Method+" "+r.URL.Path)
	for name := range r.Header {
		require.Contains(t, []string{"Accept", "Accept-Encoding", "Authorization", "User-Agent"}, name)
	}
}

func TestARightPasswordIsAskedOnceForAsLongAsItIsKept(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, _ := newBasic(t, d.server(), c, rules...)
	for range 5 {
		_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
		require.NoError(t, err)
	}
	require.Equal(t, 1, d.asked("/api/me"))
	c.Add(11 * time.Second)
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	require.Equal(t, 2, d.asked("/api/me"))
	b.ForgetAll()
	_, err = b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	require.Equal(t, 3, d.asked("/api/me"), "a change of accounts drops what was kept")
}

func TestARightPasswordOpensNothingForAnotherPair(t *testing.T) {
	d := newDHIS(t)
	b, _ := newBasic(t, d.server(), newClock())
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	for _, pair := range [][2]string{{"nurse", "Nurse-pass-2"}, {"nurs", "eNurse-pass-1"}, {"admin", "Nurse-pass-1"}, {"nurse", ""}} {
		_, err := b.Verify(t.Context(), pair[0], pair[1], office)
		requireReason(t, err, fault.LoginFailed)
	}
}

func TestDHIS2sOwnWordsAreTold(t *testing.T) {
	d := newDHIS(t)
	d.people["nurse"].disabled = true
	d.people["guest"].status = "ACCOUNT_LOCKED"
	d.people["admin"].secondFactor = "123456"
	b, _ := newBasic(t, d.server(), newClock())
	for _, tt := range []struct{ user, password, want string }{
		{"nobody", "x", "Unauthorized"},
		{"nurse", "Nurse-pass-1", "Account disabled"},
		{"guest", "Guest-pass-1", "Account locked"},
		{"admin", "district", "Unauthorized"}, // two factors
	} {
		_, err := b.Verify(t.Context(), tt.user, tt.password, office)
		require.Equal(t, tt.want, requireReason(t, err, fault.LoginFailed).Message, tt.user)
	}
}

func TestAnAnswerThatSaysNothingAboutThePasswordIsNoVerdict(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, _ := newBasic(t, d.server(), c, rules...)
	for _, status := range []int{500, 502, 503, 404, 429, 400} {
		d.set(func() { d.down = status })
		_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
		requireReason(t, err, fault.UpstreamUnreachable)
	}
	d.set(func() { d.down = 0 })
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err, "none of them counted as a wrong password")
}

func TestAServerThatIsGoneIsUnreachable(t *testing.T) {
	d := newDHIS(t)
	s := d.server()
	b, _ := newBasic(t, s, newClock(), rules...)
	d.Close()
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	requireReason(t, err, fault.UpstreamUnreachable)
	require.NotContains(t, err.Error(), "Nurse-pass-1")
}

func TestAServerThatIsSlowIsATimeout(t *testing.T) {
	d := newDHIS(t)
	d.gate = make(chan struct{})
	defer close(d.gate)
	s := d.server()
	s.Timeout = time.Millisecond
	b, _ := newBasic(t, s, newClock(), rules...)
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	requireReason(t, err, fault.UpstreamTimeout)
}

// plain is a back end that knows nothing but /api/me.
func plain(t *testing.T, answer func(w http.ResponseWriter, user string)) identity.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path != "/api/me":
			w.WriteHeader(http.StatusNotFound)
		case password != "right":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			answer(w, user)
		}
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	return identity.Server{URL: u}
}

func TestAPlainBackEndNeedsToAnswer200AndNothingElse(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want identity.User
	}{
		"no body":               {"", identity.User{Username: "mary"}},
		"text":                  {"hello", identity.User{Username: "mary"}},
		"html":                  {"<html></html>", identity.User{Username: "mary"}},
		"json of another shape": {`["x"]`, identity.User{Username: "mary"}},
		"json without username": {`{"id":"abc"}`, identity.User{UID: "abc", Username: "mary"}},
		"json with username":    {`{"username":"Mary"}`, identity.User{Username: "Mary"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := plain(t, func(w http.ResponseWriter, _ string) { fmt.Fprint(w, tt.body) })
			b, _ := newBasic(t, s, newClock(), rules...)
			u, err := b.Verify(t.Context(), "mary", "right", office)
			require.NoError(t, err)
			require.Equal(t, tt.want, u)
			_, err = b.Verify(t.Context(), "mary", "wrong", office)
			require.Equal(t, "Unauthorized", requireReason(t, err, fault.LoginFailed).Message)
		})
	}
}

func TestAnAnswerWithoutEndIsNotRead(t *testing.T) {
	s := plain(t, func(w http.ResponseWriter, _ string) {
		chunk := []byte(strings.Repeat("x", 64<<10))
		for range 16 << 10 { // 1 GiB
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	b, _ := newBasic(t, s, newClock(), rules...)
	_, err := b.Verify(t.Context(), "mary", "right", office)
	requireReason(t, err, fault.UpstreamUnreachable)
}

func TestARedirectIsNotFollowed(t *testing.T) {
	for to, want := range map[string]fault.Reason{
		"/login/": fault.LoginFailed,
		"http://127.0.0.1:1/dhis-web-commons/security/login.action": fault.LoginFailed,
		"https://127.0.0.1:1/api/me":                                fault.UpstreamUnreachable,
	} {
		s := plain(t, func(w http.ResponseWriter, _ string) { redirect(w, to) })
		b, _ := newBasic(t, s, newClock(), rules...)
		_, err := b.Verify(t.Context(), "mary", "right", office)
		requireReason(t, err, want)
	}
}

func TestGuessesStopBeforeDHIS2LocksTheAccount(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, _ := newBasic(t, d.server(), c, rules...)
	for i := range 20 {
		_, err := b.Verify(t.Context(), "nurse", fmt.Sprint("guess", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		if i < 3 {
			requireReason(t, err, fault.LoginFailed)
			continue
		}
		f := requireReason(t, err, fault.LoginThrottled)
		require.Equal(t, 15*time.Minute, f.RetryAfter)
	}
	require.Equal(t, 3, d.failed["nurse"])
	c.Add(15 * time.Minute)
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err, "it ends by itself")
}

func TestSlowGuessesDoNotReachDHIS2sLockOutEither(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, _ := newBasic(t, d.server(), c, rules...)
	last, run, worst := time.Time{}, 0, 0
	for i := range 200 { // a guess every 5 minutes
		before := d.failed["nurse"]
		_, _ = b.Verify(t.Context(), "nurse", fmt.Sprint("guess", i), office)
		if d.failed["nurse"] > before {
			if c.Now().Sub(last) >= 15*time.Minute { // DHIS2 forgets 15 minutes after the last one
				run = 0
			}
			run, last = run+1, c.Now()
			worst = max(worst, run)
		}
		c.Add(5 * time.Minute)
	}
	require.Equal(t, 3, worst)
}

func TestGuessesInParallelAreNoMoreThanGuessesInARow(t *testing.T) {
	d := newDHIS(t)
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			_, err := b.Verify(context.Background(), "nurse", fmt.Sprint("guess", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
			if f := fault.From(err); f == nil || f.Reason != fault.LoginFailed && f.Reason != fault.LoginThrottled {
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 3, d.failed["nurse"])
}

func TestManyRightPasswordsInParallelAreNotThrottled(t *testing.T) {
	d := newDHIS(t)
	for i := range 60 {
		d.people[fmt.Sprint("user", i)] = &person{id: "u", password: "right"}
	}
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	var wg sync.WaitGroup
	for i := range 60 { // from one address, whose budget is 30
		wg.Go(func() {
			u, err := b.Verify(context.Background(), fmt.Sprint("user", i), "right", office)
			if err != nil || u.Username != fmt.Sprint("user", i) {
				t.Errorf("%v %v", u, err)
			}
		})
	}
	wg.Wait()
}

func TestTheSamePairInParallelIsAskedOnce(t *testing.T) {
	d := newDHIS(t)
	d.gate = make(chan struct{})
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	var wg sync.WaitGroup
	started := make(chan struct{}, 50)
	for range 50 {
		wg.Go(func() {
			started <- struct{}{}
			if _, err := b.Verify(context.Background(), "nurse", "Nurse-pass-1", office); err != nil {
				t.Error(err)
			}
		})
	}
	for range 50 {
		<-started
	}
	close(d.gate)
	wg.Wait()
	require.LessOrEqual(t, d.asked("/api/me"), 2) // one, or two when some came after it had ended
}

func TestOneCallersHangUpDoesNotFailTheOthers(t *testing.T) {
	d := newDHIS(t)
	d.gate = make(chan struct{})
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error)
	go func() { _, err := b.Verify(ctx, "nurse", "Nurse-pass-1", office); first <- err }()
	cancel()
	require.Error(t, <-first)
	close(d.gate)
	_, err := b.Verify(context.Background(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
}

func TestEverySpellingOfAnAccountSharesOneBudget(t *testing.T) {
	d := newDHIS(t)
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	spellings := []string{"nurse", "NURSE", " nurse", "nurse\t", "nurse\x00", "nur\u200bse", "\u00a0nurse\u3000", "ｎｕｒｓｅ", "NurſE"}
	for i, name := range spellings {
		_, err := b.Verify(t.Context(), name, fmt.Sprint("guess", i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		if i < 3 {
			requireReason(t, err, fault.LoginFailed)
		} else {
			requireReason(t, err, fault.LoginThrottled)
		}
	}
}

func TestOneAddressHasOneBudgetForAllAccounts(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, _ := newBasic(t, d.server(), c, rules...)
	for i := range 31 {
		_, err := b.Verify(t.Context(), fmt.Sprint("user", i), "x", netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i)))
		if i < 30 {
			requireReason(t, err, fault.LoginFailed)
		} else {
			f := requireReason(t, err, fault.LoginThrottled)
			require.Equal(t, 30*time.Second, f.RetryAfter, "one of 30 in 15 minutes")
		}
	}
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", netip.MustParseAddr("2001:db8:0:1::1"))
	require.NoError(t, err, "another network is not touched")
	_, err = b.Verify(t.Context(), "nurse", "wrong", netip.MustParseAddr("::ffff:192.0.2.7"))
	requireReason(t, err, fault.LoginFailed)
}

func TestWhoIsSignedInIsNotLockedOutByOthersGuesses(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, _ := newBasic(t, d.server(), c, rules...)
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	for i := range 10 {
		_, err := b.Verify(t.Context(), "nurse", fmt.Sprint("guess", i), netip.MustParseAddr("198.51.100.1"))
		require.Error(t, err)
	}
	_, err = b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err, "kept")
	c.Add(time.Minute)
	_, err = b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err, "no longer kept, but known")
	require.Equal(t, 3, d.failed["nurse"])
}

func TestAKnownPairThatIsNoLongerRightIsAGuess(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, _ := newBasic(t, d.server(), c, rules...)
	_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	d.set(func() { d.people["nurse"].password = "Nurse-pass-2" })
	c.Add(time.Minute)
	for i := range 10 {
		_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
		if i < 3 {
			requireReason(t, err, fault.LoginFailed)
		} else {
			requireReason(t, err, fault.LoginThrottled)
		}
	}
	require.Equal(t, 3, d.failed["nurse"])
}

func TestALockedOrDisabledAccountsRefusalIsNoGuess(t *testing.T) {
	d := newDHIS(t)
	d.people["nurse"].disabled = true
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	for range 10 {
		_, err := b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
		requireReason(t, err, fault.LoginFailed)
	}
}

func TestAnUnknownUserTakesTheSameWayAsAKnownOne(t *testing.T) {
	d := newDHIS(t)
	b, _ := newBasic(t, d.server(), newClock(), rules...)
	var told []string
	for _, name := range []string{"nurse", "nobody"} {
		for i := range 4 {
			_, err := b.Verify(t.Context(), name, fmt.Sprint("x", i), office)
			told = append(told, err.Error())
		}
	}
	require.Equal(t, told[:4], told[4:])
	require.Equal(t, 6, d.asked("/api/me"), "three questions each")
}

func TestTheMemoryOfGuessesIsBounded(t *testing.T) {
	d, c := newDHIS(t), newClock()
	th, err := identity.NewThrottle(identity.ThrottleConfig{Rules: rules[:1], Entries: 10, Now: c.Now})
	require.NoError(t, err)
	b, err := identity.NewBasic(identity.BasicConfig{Server: d.server(), Throttle: th, Now: c.Now})
	require.NoError(t, err)
	for i := range 100 {
		_, err := b.Verify(t.Context(), fmt.Sprint("user", i), "x", office)
		requireReason(t, err, fault.LoginFailed)
	}
	require.Equal(t, 10, th.Size())
	_, err = b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	require.Equal(t, 10, th.Size(), "a right password is not remembered there")
}

func TestRulesChangeAtReload(t *testing.T) {
	d := newDHIS(t)
	b, th := newBasic(t, d.server(), newClock(), rules...)
	for i := range 3 {
		_, err := b.Verify(t.Context(), "nurse", fmt.Sprint(i), office)
		requireReason(t, err, fault.LoginFailed)
	}
	require.NoError(t, th.SetRules(rules))
	_, err := b.Verify(t.Context(), "nurse", "x", office)
	requireReason(t, err, fault.LoginThrottled) // a rule that stays keeps its counts
	require.NoError(t, th.SetRules([]identity.Rule{{Per: "username", Events: 1000, Window: time.Second}}))
	_, err = b.Verify(t.Context(), "nurse", "Nurse-pass-1", office)
	require.NoError(t, err)
	require.Error(t, th.SetRules([]identity.Rule{{Per: "moon", Events: 1, Window: time.Second}}))
}

func TestAWideBudgetRefillsEvenly(t *testing.T) {
	d, c := newDHIS(t), newClock()
	b, _ := newBasic(t, d.server(), c, identity.Rule{Per: "username", Events: 1000, Window: time.Second, Burst: 1000})
	for i := range 3000 { // 500 a second
		_, err := b.Verify(t.Context(), "nurse", fmt.Sprint(i), office)
		requireReason(t, err, fault.LoginFailed)
		c.Add(2 * time.Millisecond)
	}
}

func TestAnswersOfOneUserNeverReachAnother(t *testing.T) {
	d := newDHIS(t)
	for i := range 100 {
		d.people[fmt.Sprintf("user%03d", i)] = &person{id: fmt.Sprintf("U%03d", i), password: "same"}
	}
	b, _ := newBasic(t, d.server(), newClock(), identity.Rule{Per: "username", Events: 3, Window: 15 * time.Minute})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			name := fmt.Sprintf("user%03d", i%100)
			u, err := b.Verify(context.Background(), name, "same", office)
			if err != nil || u.Username != name || u.UID != fmt.Sprintf("U%03d", i%100) {
				t.Errorf("%s: %+v %v", name, u, err)
			}
		})
	}
	wg.Wait()
}

func TestNoSecretOfIdentityIsEverPrinted(t *testing.T) {
	p := identity.NewPassword("hunter2")
	out, err := json.Marshal(map[string]any{"p": p})
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(p), fmt.Sprintf("%+v %#v %s %q", p, p, p, p), string(out)} {
		require.NotContains(t, text, "hunter2")
	}
}
