package identity_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

// asAdmin signs with an administrator's own Basic, as a stand-in for a mode.
type asAdmin struct{}

func (asAdmin) Sign(_ context.Context, _ identity.User, _ http.Header, out *http.Request) (identity.Lease, error) {
	out.SetBasicAuth("admin", "district")
	return identity.None{}.Sign(context.Background(), identity.User{}, nil, &http.Request{Header: http.Header{}})
}

func newDirectory(t *testing.T, d *dhis, c *clock) *identity.Directory {
	t.Helper()
	dir, err := identity.NewDirectory(identity.DirectoryConfig{
		Server: d.server(), Account: &identity.Account{As: asAdmin{}}, CheckEvery: time.Minute, Now: c.Now,
	})
	require.NoError(t, err)
	return dir
}

var nurse = identity.User{UID: "N5zQapPyTZI", Username: "nurse"}

func TestAnAccountInForcePassesAndIsKept(t *testing.T) {
	d, c := newDHIS(t), newClock()
	dir := newDirectory(t, d, c)
	for range 5 {
		require.NoError(t, dir.Check(t.Context(), nurse))
	}
	require.Equal(t, 1, d.asked("/api/users"))
	c.Add(time.Minute)
	require.NoError(t, dir.Check(t.Context(), nurse))
	require.Equal(t, 2, d.asked("/api/users"), "a kept state is at most check_every old")
}

func TestAnAccountThatIsNotInForceIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(p *person)
		user   identity.User
	}{
		"disabled":         {func(p *person) { p.disabled = true }, nurse},
		"expired":          {func(p *person) { p.accountExpiry = "2026-11-19T00:00:00.000" }, nurse},
		"expires just now": {func(p *person) { p.accountExpiry = "2026-11-20T09:00:00.000" }, nurse},
		"missing":          {func(*person) {}, identity.User{Username: "nobody"}},
		"another uid":      {func(*person) {}, identity.User{UID: "X5zQapPyTZI", Username: "nurse"}},
		"another case":     {func(*person) {}, identity.User{Username: "NURSE"}},
		"no name":          {func(*person) {}, identity.User{}},
	} {
		t.Run(name, func(t *testing.T) {
			d, c := newDHIS(t), newClock()
			d.people["NURSE"] = nil
			delete(d.people, "NURSE")
			tt.change(d.people["nurse"])
			dir := newDirectory(t, d, c)
			err := dir.Check(t.Context(), tt.user)
			requireReason(t, err, fault.TokenOwnerDisabled)
			require.True(t, identity.Disabled(err))
		})
	}
}

func TestAnAccountThatExpiresLaterIsInForce(t *testing.T) {
	d, c := newDHIS(t), newClock()
	d.people["nurse"].accountExpiry = "2026-11-20T09:00:00.001"
	require.NoError(t, newDirectory(t, d, c).Check(t.Context(), nurse))
}

func TestAnExpiryThatIsNotUnderstoodIsNoPass(t *testing.T) {
	d, c := newDHIS(t), newClock()
	d.people["nurse"].accountExpiry = "tomorrow"
	requireReason(t, newDirectory(t, d, c).Check(t.Context(), nurse), fault.UpstreamUnreachable)
}

func TestARefusalIsNeverKept(t *testing.T) {
	d, c := newDHIS(t), newClock()
	d.people["nurse"].disabled = true
	dir := newDirectory(t, d, c)
	requireReason(t, dir.Check(t.Context(), nurse), fault.TokenOwnerDisabled)
	d.set(func() { d.people["nurse"].disabled = false })
	require.NoError(t, dir.Check(t.Context(), nurse))
}

func TestADisabledAccountIsSeenWithinCheckEvery(t *testing.T) {
	d, c := newDHIS(t), newClock()
	dir := newDirectory(t, d, c)
	require.NoError(t, dir.Check(t.Context(), nurse))
	d.set(func() { d.people["nurse"].disabled = true })
	require.NoError(t, dir.Check(t.Context(), nurse))
	c.Add(time.Minute)
	requireReason(t, dir.Check(t.Context(), nurse), fault.TokenOwnerDisabled)
}

func TestForgettingActsAtOnce(t *testing.T) {
	for name, forget := range map[string]func(*identity.Directory){
		"one": func(d *identity.Directory) { d.Forget("nurse") },
		"all": func(d *identity.Directory) { d.ForgetAll() },
	} {
		t.Run(name, func(t *testing.T) {
			d, c := newDHIS(t), newClock()
			dir := newDirectory(t, d, c)
			require.NoError(t, dir.Check(t.Context(), nurse))
			d.set(func() { d.people["nurse"].disabled = true })
			forget(dir)
			requireReason(t, dir.Check(t.Context(), nurse), fault.TokenOwnerDisabled)
		})
	}
}

func TestWhatWasBeingAskedWhileForgettingIsNotKept(t *testing.T) {
	d, c := newDHIS(t), newClock()
	arrived, release := make(chan struct{}), make(chan struct{})
	s := d.server()
	next := s.Transport
	first := true
	s.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r) // the answer is made
		if first {
			first = false
			close(arrived)
			<-release // and is on its way for long
		}
		return resp, err
	})
	dir, err := identity.NewDirectory(identity.DirectoryConfig{Server: s, Account: &identity.Account{As: asAdmin{}}, Now: c.Now})
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- dir.Check(context.Background(), nurse) }()
	<-arrived
	d.set(func() { d.people["nurse"].disabled = true })
	dir.ForgetAll()
	requireReason(t, dir.Check(t.Context(), nurse), fault.TokenOwnerDisabled) // does not join the old question
	close(release)
	require.NoError(t, <-done, "it asked before the change")
	requireReason(t, dir.Check(t.Context(), nurse), fault.TokenOwnerDisabled)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhenDHIS2CannotBeAskedNobodyPasses(t *testing.T) {
	d, c := newDHIS(t), newClock()
	dir := newDirectory(t, d, c)
	require.NoError(t, dir.Check(t.Context(), nurse))
	c.Add(time.Minute)
	for status, want := range map[int]fault.Reason{503: fault.UpstreamUnreachable, 401: fault.UpstreamRefusedIdentity, 403: fault.UpstreamRefusedIdentity, 204: fault.UpstreamUnreachable} {
		d.set(func() { d.down = status })
		requireReason(t, dir.Check(t.Context(), nurse), want)
	}
	d.Close()
	requireReason(t, dir.Check(t.Context(), nurse), fault.UpstreamUnreachable)
}

func TestANameThatNoFilterCanHoldIsRefusedUnasked(t *testing.T) {
	d, c := newDHIS(t), newClock()
	dir := newDirectory(t, d, c)
	for _, name := range []string{"a,b", "a[b", "a]b", "a(b", "a\nb", "a\x00b", ""} {
		requireReason(t, dir.Check(t.Context(), identity.User{Username: name}), fault.TokenOwnerDisabled)
	}
	require.Zero(t, d.asked("/api/users"))
	d.people["a:b&c=d %"] = &person{id: "A5zQapPyTZI"}
	require.NoError(t, dir.Check(t.Context(), identity.User{Username: "a:b&c=d %"}), "these a filter can hold")
}

func TestWithoutAnAccountToAskAsNothingIsAsked(t *testing.T) {
	d := newDHIS(t)
	dir, err := identity.NewDirectory(identity.DirectoryConfig{Server: d.server()})
	require.NoError(t, err)
	require.NoError(t, dir.Check(t.Context(), identity.User{Username: "whoever"}))
	u, err := dir.Lookup(t.Context(), "whoever")
	require.NoError(t, err)
	require.Equal(t, identity.User{Username: "whoever"}, u)
	require.Empty(t, d.seen)
}

func TestLookupGivesNameUidAndAuthorities(t *testing.T) {
	d, c := newDHIS(t), newClock()
	u, err := newDirectory(t, d, c).Lookup(t.Context(), "nurse")
	require.NoError(t, err)
	require.Equal(t, identity.User{UID: "N5zQapPyTZI", Username: "nurse", Name: "first nurse", Authorities: []string{"F_VIEW"}}, u)
}

func TestManyChecksAtOnceAreOneQuestion(t *testing.T) {
	d, c := newDHIS(t), newClock()
	dir := newDirectory(t, d, c)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := dir.Check(context.Background(), nurse); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, d.asked("/api/users"), 2)
}
