package pat_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

var (
	nurse  = pat.Caller{UID: "uidOfNurse1", Username: "nurse", Name: "Nora Nurse", DisplayName: "Nora Nurse"}
	doctor = pat.Caller{UID: "uidOfDoctor", Username: "doctor"}
	admin  = pat.Caller{UID: "uidOfAdmin1", Username: "admin", Admin: true}
)

type issuing struct {
	*pat.Issuer
	store    *store.Store
	clock    *clock
	settings pat.Settings
	forgot   []string
}

func newIssuing(t testing.TB) *issuing {
	t.Helper()
	i := &issuing{store: newStore(t), clock: newClock()}
	var err error
	i.Issuer, err = pat.NewIssuer(pat.IssuerConfig{
		Store: i.store, Random: rand.Reader, Now: i.clock.now,
		Settings: func() pat.Settings { return i.settings },
		Forget:   func(uid string) { i.forgot = append(i.forgot, uid) },
	})
	require.NoError(t, err)
	return i
}

func limit(t testing.TB, kind constraints.Kind, values ...string) []constraints.Attribute {
	t.Helper()
	a, err := constraints.ParseAttribute(kind, values)
	require.NoError(t, err)
	return []constraints.Attribute{a}
}

// using is the caller with a token.
func using(c pat.Caller, r pat.Record) pat.Caller {
	c.Token, c.Limited = &r, r.Constraints.Limited()
	return c
}

func nothing(*pat.Record) error { return nil }

func TestAnIssuedTokenIsStoredByItsHashAlone(t *testing.T) {
	i := newIssuing(t)
	r, tok, err := i.Issue(t.Context(), nurse, pat.Draft{Code: "laptop"})
	require.NoError(t, err)
	got, err := i.store.TokenByHash(t.Context(), tok.Hash())
	require.NoError(t, err)
	require.Equal(t, r, got.Record)
	require.Regexp(t, `^[A-Za-z][A-Za-z0-9]{10}$`, r.UID)
	require.Equal(t, "laptop", r.Code)
	require.Equal(t, "nurse", r.Owner.Username)
	require.Equal(t, noon, r.Created)
	require.Equal(t, noon.Add(30*24*time.Hour), r.Constraints.Expiry)
	require.Equal(t, pat.TypeV1, r.Type)
	require.JSONEq(t, `{"owner":"uidOfNurse1","users":{},"userGroups":{},"public":"--------"}`, r.Sharing)
	require.Equal(t, []string{r.UID}, i.forgot)
}

func TestTheMintDecidesTypeAndVersion(t *testing.T) {
	i := newIssuing(t)
	i.settings.Mint = "d2p"
	r, tok, err := i.Issue(t.Context(), nurse, pat.Draft{})
	require.NoError(t, err)
	require.Equal(t, pat.TypeV2, r.Type)
	require.Equal(t, 2, r.Version)
	require.Regexp(t, `^d2p_`, tok.Reveal())
}

func TestATokenWithLimitsMayOnlyReadAndRevoke(t *testing.T) {
	i := newIssuing(t)
	limited, _, err := i.Issue(t.Context(), nurse, pat.Draft{Attributes: limit(t, constraints.MethodAllowedList, "GET", "POST")})
	require.NoError(t, err)
	other, _, err := i.Issue(t.Context(), nurse, pat.Draft{})
	require.NoError(t, err)
	c := using(nurse, limited)
	var refused []error
	_, _, err = i.Issue(t.Context(), c, pat.Draft{})
	refused = append(refused, err)
	_, err = i.Edit(t.Context(), c, limited.UID, func(r *pat.Record) error { r.Constraints.Attributes = nil; return nil })
	refused = append(refused, err)
	_, err = i.Edit(t.Context(), c, other.UID, nothing)
	refused = append(refused, err)
	_, _, err = i.Rotate(t.Context(), c, other.UID, pat.Rotation{})
	refused = append(refused, err)
	for _, err := range refused {
		require.Equal(t, fault.ConstraintScope, fault.From(err).Reason)
		require.Equal(t, fault.ApiToken, fault.From(err).Scheme)
	}
	_, err = i.Find(t.Context(), c, other.UID)
	require.NoError(t, err)
	require.NoError(t, i.Revoke(t.Context(), c, other.UID))
	require.NoError(t, i.Revoke(t.Context(), c, limited.UID), "itself too")
}

func TestABearerMayOnlyRead(t *testing.T) {
	i := newIssuing(t)
	r, _, err := i.Issue(t.Context(), nurse, pat.Draft{})
	require.NoError(t, err)
	c := nurse
	c.Bearer = true
	_, _, issue := i.Issue(t.Context(), c, pat.Draft{})
	_, edit := i.Edit(t.Context(), c, r.UID, nothing)
	_, _, rotate := i.Rotate(t.Context(), c, r.UID, pat.Rotation{})
	revoke := i.Revoke(t.Context(), c, r.UID)
	for _, err := range []error{issue, edit, rotate, revoke} {
		require.Equal(t, fault.ConstraintScope, fault.From(err).Reason)
		require.Equal(t, fault.Bearer, fault.From(err).Scheme)
	}
	_, err = i.Find(t.Context(), c, r.UID)
	require.NoError(t, err)
}

func TestWhatATokenMakesOrEditsEndsWithIt(t *testing.T) {
	i := newIssuing(t)
	used, _, err := i.Issue(t.Context(), nurse, pat.Draft{Expiry: noon.Add(time.Hour)})
	require.NoError(t, err)
	longer, _, err := i.Issue(t.Context(), nurse, pat.Draft{Expiry: noon.Add(48 * time.Hour)})
	require.NoError(t, err)
	c := using(nurse, used)

	made, _, err := i.Issue(t.Context(), c, pat.Draft{Expiry: noon.Add(24 * time.Hour)})
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Hour), made.Constraints.Expiry)
	byDefault, _, err := i.Issue(t.Context(), c, pat.Draft{})
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Hour), byDefault.Constraints.Expiry)
	shorter, _, err := i.Issue(t.Context(), c, pat.Draft{Expiry: noon.Add(time.Minute)})
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Minute), shorter.Constraints.Expiry)
	itself, err := i.Edit(t.Context(), c, used.UID, func(r *pat.Record) error { r.Constraints.Expiry = noon.Add(time.Hour * 9999); return nil })
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Hour), itself.Constraints.Expiry)
	itself, err = i.Edit(t.Context(), c, used.UID, func(r *pat.Record) error { r.Constraints.Expiry = time.Time{}; return nil })
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Hour), itself.Constraints.Expiry, "no expiry is the longest of all")
	other, err := i.Edit(t.Context(), c, longer.UID, func(r *pat.Record) error { r.Code = "x"; return nil })
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Hour), other.Constraints.Expiry)
	rotated, _, err := i.Rotate(t.Context(), c, used.UID, pat.Rotation{Expiry: noon.Add(time.Hour * 9999)})
	require.NoError(t, err)
	require.Equal(t, noon.Add(time.Hour), rotated.Constraints.Expiry)
}

func TestEveryOwnerSeesTheirOwnAndAnAdministratorAll(t *testing.T) {
	i := newIssuing(t)
	r, _, err := i.Issue(t.Context(), nurse, pat.Draft{})
	require.NoError(t, err)
	earlier := nurse
	earlier.UID = "earlierUser"
	for name, tt := range map[string]struct {
		caller pat.Caller
		want   error
	}{
		"the owner":                          {nurse, nil},
		"an administrator":                   {admin, nil},
		"another user":                       {doctor, pat.ErrUnknown},
		"another account with the same name": {earlier, pat.ErrUnknown},
		"the owner where uids are not known": {pat.Caller{Username: "nurse"}, nil},
		"the same name in other letters":     {pat.Caller{Username: "Nurse"}, pat.ErrUnknown},
		"nobody":                             {pat.Caller{}, pat.ErrUnknown},
	} {
		_, err := i.Find(t.Context(), tt.caller, r.UID)
		require.ErrorIs(t, err, tt.want, name)
		_, n, err := i.List(t.Context(), tt.caller, pat.Filter{})
		require.NoError(t, err)
		require.Equal(t, tt.want == nil, n == 1, name)
		_, err = i.Edit(t.Context(), tt.caller, r.UID, nothing)
		require.ErrorIs(t, err, tt.want, name)
	}
	require.ErrorIs(t, i.Revoke(t.Context(), doctor, r.UID), pat.ErrUnknown)
	require.NoError(t, i.Revoke(t.Context(), admin, r.UID))
}

func TestWhoMayReadASharedTokenMayNotChangeIt(t *testing.T) {
	i := newIssuing(t)
	r, _, err := i.Issue(t.Context(), nurse, pat.Draft{})
	require.NoError(t, err)
	share := func(access string) {
		_, err := i.Edit(t.Context(), nurse, r.UID, func(r *pat.Record) error {
			r.Sharing = `{"public":"--------","users":{"uidOfDoctor":{"id":"uidOfDoctor","access":"` + access + `"}}}`
			return nil
		})
		require.NoError(t, err)
	}
	share("r-------")
	_, err = i.Find(t.Context(), doctor, r.UID)
	require.NoError(t, err)
	_, err = i.Edit(t.Context(), doctor, r.UID, nothing)
	require.ErrorIs(t, err, pat.ErrForbidden)
	require.ErrorIs(t, i.Revoke(t.Context(), doctor, r.UID), pat.ErrForbidden)
	share("rw------")
	_, err = i.Edit(t.Context(), doctor, r.UID, nothing)
	require.NoError(t, err)
	share("--------")
	_, err = i.Find(t.Context(), doctor, r.UID)
	require.ErrorIs(t, err, pat.ErrUnknown)
}

func TestTheOperatorsRulesHoldForNewAndChangedTokens(t *testing.T) {
	i := newIssuing(t)
	before, _, err := i.Issue(t.Context(), nurse, pat.Draft{Expiry: noon.Add(9999 * time.Hour)})
	require.NoError(t, err)
	i.settings = pat.Settings{MaxExpiry: 24 * time.Hour, MaxPerUser: 3,
		Require: map[string][]string{"browser": {"referrers"}, "script": {"addresses", "methods"}}}
	script := append(limit(t, constraints.IPAllowedList, "10.0.0.0/8"), limit(t, constraints.MethodAllowedList, "GET")...)
	browser := limit(t, constraints.RefererAllowedList, "https://moh.example.org")
	rule := func(err error, text string) {
		t.Helper()
		broken, ok := errors.AsType[*pat.RuleError](err)
		require.True(t, ok, "%v", err)
		require.Contains(t, broken.Message, text)
	}
	_, _, err = i.Issue(t.Context(), nurse, pat.Draft{})
	rule(err, "Tokens must be limited here: addresses and methods (script), or referrers (browser)")
	_, _, err = i.Issue(t.Context(), nurse, pat.Draft{Attributes: limit(t, constraints.IPAllowedList, "10.0.0.0/8")})
	rule(err, "must be limited")
	_, _, err = i.Issue(t.Context(), nurse, pat.Draft{Attributes: limit(t, constraints.RefererAllowedList)})
	rule(err, "must be limited")
	_, _, err = i.Issue(t.Context(), nurse, pat.Draft{Attributes: browser, Expiry: noon.Add(25 * time.Hour)})
	rule(err, "at most 1 days here; expire must not be later than 1795")
	_, _, err = i.Issue(t.Context(), nurse, pat.Draft{Attributes: script, Expiry: noon.Add(24 * time.Hour)})
	require.NoError(t, err)
	last, _, err := i.Issue(t.Context(), nurse, pat.Draft{Attributes: browser})
	require.NoError(t, err)
	require.Equal(t, noon.Add(24*time.Hour), last.Constraints.Expiry, "the default is no longer than allowed")
	_, _, err = i.Issue(t.Context(), nurse, pat.Draft{Attributes: browser})
	rule(err, "at most 3 tokens")
	_, _, err = i.Issue(t.Context(), doctor, pat.Draft{Attributes: browser})
	require.NoError(t, err, "the count is by owner")
	i.clock.advance(25 * time.Hour)
	_, _, err = i.Issue(t.Context(), nurse, pat.Draft{Attributes: browser})
	require.NoError(t, err, "expired tokens do not count")

	_, err = i.Edit(t.Context(), nurse, before.UID, func(r *pat.Record) error { r.Constraints.Attributes = browser; return nil })
	require.NoError(t, err, "an old expiry may stay")
	_, err = i.Edit(t.Context(), nurse, before.UID, func(r *pat.Record) error { r.Constraints.Expiry = time.Time{}; return nil })
	rule(err, "at most 1 days")
	_, err = i.Edit(t.Context(), nurse, before.UID, func(r *pat.Record) error { r.Constraints.Attributes = nil; return nil })
	rule(err, "must be limited")
}

func TestRotatingKeepsTheRecordAndChangesTheSecret(t *testing.T) {
	i := newIssuing(t)
	i.settings.Overlap = time.Hour
	r, old, err := i.Issue(t.Context(), nurse, pat.Draft{Code: "laptop", Attributes: limit(t, constraints.MethodAllowedList, "GET")})
	require.NoError(t, err)
	i.clock.advance(time.Minute)
	rotated, fresh, err := i.Rotate(t.Context(), nurse, r.UID, pat.Rotation{})
	require.NoError(t, err)
	require.NotEqual(t, old.Hash(), fresh.Hash())
	require.Equal(t, r.UID, rotated.UID)
	require.Equal(t, r.Code, rotated.Code)
	require.Equal(t, r.Constraints.Expiry, rotated.Constraints.Expiry)
	require.Equal(t, r.Constraints.Attributes[0].Values, rotated.Constraints.Attributes[0].Values)
	require.Equal(t, i.clock.now().Add(time.Hour), rotated.OverlapEnds)
	got, err := i.store.TokenByHash(t.Context(), old.Hash())
	require.NoError(t, err)
	require.True(t, got.Rotated)
}

func TestTheOldSecretEndsWithTheOverlapOrTheTokensOldExpiry(t *testing.T) {
	none, long := time.Duration(0), 99*time.Hour
	for name, tt := range map[string]struct {
		how     pat.Rotation
		after   time.Duration
		overlap time.Time
		expiry  time.Time
	}{
		"no overlap":                   {pat.Rotation{Overlap: &none}, 0, time.Time{}, noon.Add(2 * time.Hour)},
		"cut by the old expiry":        {pat.Rotation{Overlap: &long, Expiry: noon.Add(50 * time.Hour)}, 0, noon.Add(2 * time.Hour), noon.Add(50 * time.Hour)},
		"an expired one has none left": {pat.Rotation{Overlap: &long}, 2 * time.Hour, time.Time{}, noon.Add(2*time.Hour + 30*24*time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuing(t)
			r, _, err := i.Issue(t.Context(), nurse, pat.Draft{Expiry: noon.Add(2 * time.Hour)})
			require.NoError(t, err)
			i.clock.advance(tt.after)
			rotated, _, err := i.Rotate(t.Context(), nurse, r.UID, tt.how)
			require.NoError(t, err)
			require.Equal(t, tt.overlap, rotated.OverlapEnds)
			require.Equal(t, tt.expiry, rotated.Constraints.Expiry)
		})
	}
}

type cannotDelete struct{ pat.Store }

func (cannotDelete) DeleteToken(context.Context, string) error { return errGone }

// security.md A8 (fosite CVE-2020-15223).
func TestARevocationThatWasNotStoredIsAnError(t *testing.T) {
	i := newIssuing(t)
	r, _, err := i.Issue(t.Context(), nurse, pat.Draft{})
	require.NoError(t, err)
	broken, err := pat.NewIssuer(pat.IssuerConfig{Store: cannotDelete{i.store}, Random: rand.Reader,
		Forget: func(string) { t.Error("nothing was revoked") }})
	require.NoError(t, err)
	err = broken.Revoke(t.Context(), nurse, r.UID)
	require.ErrorIs(t, err, errGone)
	require.ErrorContains(t, err, "is not revoked")
}

func TestWhatFailsIsNotStoredAndForgetsNothing(t *testing.T) {
	i := newIssuing(t)
	r, _, err := i.Issue(t.Context(), nurse, pat.Draft{Code: "a"})
	require.NoError(t, err)
	i.forgot = nil
	_, _, err = i.Issue(t.Context(), nurse, pat.Draft{Code: "a"})
	require.ErrorIs(t, err, pat.ErrDuplicate)
	_, err = i.Edit(t.Context(), nurse, r.UID, func(*pat.Record) error { return errGone })
	require.ErrorIs(t, err, errGone)
	_, _, err = i.Rotate(t.Context(), nurse, "Token000009", pat.Rotation{})
	require.ErrorIs(t, err, pat.ErrUnknown)
	require.ErrorIs(t, i.Revoke(t.Context(), nurse, "Token000009"), pat.ErrUnknown)
	require.Empty(t, i.forgot)
	n, err := i.store.CountTokens(t.Context(), pat.Filter{})
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestAnIssuerNeedsStoreAndRandomness(t *testing.T) {
	_, err := pat.NewIssuer(pat.IssuerConfig{Random: rand.Reader})
	require.Error(t, err)
	_, err = pat.NewIssuer(pat.IssuerConfig{Store: newStore(t)})
	require.Error(t, err)
}
