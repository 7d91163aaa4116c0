package pat_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// clock is a time that only the test moves.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(noon.UnixMilli())
	return c
}
func (c *clock) now() time.Time          { return time.UnixMilli(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Milliseconds()) }

// watched is a real store that counts look-ups, and can fail or wait.
type watched struct {
	pat.Store
	lookups atomic.Int64
	failing atomic.Bool
	hold    atomic.Pointer[chan struct{}] // a look-up has read and waits for it
	reached chan struct{}
}

var errGone = errors.New("the disk is gone")

func (w *watched) TokenByHash(ctx context.Context, hash string) (pat.Lookup, error) {
	w.lookups.Add(1)
	if w.failing.Load() {
		return pat.Lookup{}, errGone
	}
	l, err := w.Store.TokenByHash(ctx, hash)
	if hold := w.hold.Load(); hold != nil {
		w.reached <- struct{}{}
		<-*hold
	}
	return l, err
}

func (w *watched) TouchTokens(ctx context.Context, uses []pat.Use) error {
	if w.failing.Load() {
		return errGone
	}
	return w.Store.TouchTokens(ctx, uses)
}

func newStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite", filepath.Join(t.TempDir(), "d2gate.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

type verifying struct {
	*pat.Verifier
	store *watched
	clock *clock
	t     testing.TB
}

func newVerifying(t testing.TB, change func(*pat.VerifierConfig)) *verifying {
	t.Helper()
	w := &watched{Store: newStore(t), reached: make(chan struct{}, 10)}
	c := newClock()
	cfg := pat.VerifierConfig{Store: w, Now: c.now}
	if change != nil {
		change(&cfg)
	}
	v, err := pat.NewVerifier(cfg)
	require.NoError(t, err)
	return &verifying{v, w, c, t}
}

// issue stores a token and returns its text.
func (v *verifying) issue(uid string) string {
	v.t.Helper()
	tok, err := pat.Mint(rand.Reader, "d2pat")
	require.NoError(v.t, err)
	r := pat.Record{UID: uid, Created: noon, LastUpdated: noon, Owner: pat.Owner{Username: "nurse"}, Type: pat.TypeV1, Version: 1,
		Constraints: constraints.Set{Expiry: noon.Add(time.Hour)}}
	require.NoError(v.t, v.store.PutToken(v.t.Context(), r, tok.Hash()))
	return tok.Reveal()
}

func (v *verifying) reason(text string) fault.Reason {
	v.t.Helper()
	r, err := v.Verify(v.t.Context(), text)
	if err == nil {
		require.NotNil(v.t, r)
		return ""
	}
	f := fault.From(err)
	require.NotNil(v.t, f, "%v", err)
	require.Equal(v.t, fault.Reason("store_unavailable") != f.Reason, f.Scheme == fault.ApiToken)
	return f.Reason
}

func TestATokenIsAskedForOnceAndThenRemembered(t *testing.T) {
	v := newVerifying(t, nil)
	text := v.issue("Token000001")
	for range 5 {
		r, err := v.Verify(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, "Token000001", r.UID)
	}
	require.EqualValues(t, 1, v.store.lookups.Load())
	require.Equal(t, pat.Stats{Lookups: 5, Hits: 4, Misses: 1, Entries: 1}, v.Stats())
}

func TestGarbageIsRefusedWithoutALookUp(t *testing.T) {
	v := newVerifying(t, nil)
	vec := loadVectors(t)
	for _, s := range append(vec.InvalidChecksum, vec.Malformed...) {
		_, err := v.Verify(t.Context(), s)
		require.Equal(t, fault.TokenChecksum, fault.From(err).Reason)
		require.Equal(t, "Checksum validation failed", fault.From(err).Message)
		require.Equal(t, fault.ApiToken, fault.From(err).Scheme)
	}
	require.Zero(t, v.store.lookups.Load())
	require.Zero(t, v.Stats().Lookups)
}

func TestUnknownAndRevokedLookAlike(t *testing.T) {
	v := newVerifying(t, nil)
	never, err := pat.Mint(rand.Reader, "d2pat")
	require.NoError(t, err)
	revoked := v.issue("Token000001")
	require.Empty(t, v.reason(revoked))
	require.NoError(t, v.store.DeleteToken(t.Context(), "Token000001"))
	v.Forget("Token000001")
	_, a := v.Verify(t.Context(), never.Reveal())
	_, b := v.Verify(t.Context(), revoked)
	require.Equal(t, a, b)
	require.Equal(t, fault.TokenUnknown, fault.From(a).Reason)
}

func TestEveryGuessCostsAtMostOneLookUp(t *testing.T) {
	v := newVerifying(t, nil)
	tok, err := pat.Mint(rand.Reader, "d2pat")
	require.NoError(t, err)
	for range 5 {
		require.Equal(t, fault.TokenUnknown, v.reason(tok.Reveal()))
	}
	require.EqualValues(t, 1, v.store.lookups.Load())
	require.EqualValues(t, 4, v.Stats().NegativeHits)
}

func TestGuessesCannotPushTokensOut(t *testing.T) {
	v := newVerifying(t, func(c *pat.VerifierConfig) { c.Entries, c.NegativeEntries = 4, 4 })
	text := v.issue("Token000001")
	require.Empty(t, v.reason(text))
	for range 100 {
		tok, err := pat.Mint(rand.Reader, "d2pat")
		require.NoError(t, err)
		require.Equal(t, fault.TokenUnknown, v.reason(tok.Reveal()))
	}
	before := v.store.lookups.Load()
	require.Empty(t, v.reason(text))
	require.Equal(t, before, v.store.lookups.Load())
}

func TestAChangeActsOnTheNextRequest(t *testing.T) {
	v := newVerifying(t, nil)
	text := v.issue("Token000001")
	require.Empty(t, v.reason(text))
	_, err := v.store.EditToken(t.Context(), "Token000001", func(r *pat.Record) error { r.Code = "edited"; return nil })
	require.NoError(t, err)
	v.Forget("Token000001")
	r, err := v.Verify(t.Context(), text)
	require.NoError(t, err)
	require.Equal(t, "edited", r.Code)
}

func TestATokenThatWasGuessedBeforeItWasImportedWorksAtOnce(t *testing.T) {
	v := newVerifying(t, nil)
	tok, err := pat.Mint(rand.Reader, "d2pat")
	require.NoError(t, err)
	require.Equal(t, fault.TokenUnknown, v.reason(tok.Reveal()))
	require.NoError(t, v.store.PutToken(t.Context(), pat.Record{UID: "Token000001", Created: noon, LastUpdated: noon}, tok.Hash()))
	v.Forget("Token000001")
	require.Empty(t, v.reason(tok.Reveal()))
}

// A look-up has read the record, then the token is revoked, then the look-up comes
// back: nothing of it may be kept, and nobody who came after the revocation may
// share it.
func TestALookUpThatARevocationOvertookIsNotKept(t *testing.T) {
	v := newVerifying(t, nil)
	text := v.issue("Token000001")
	hold := make(chan struct{})
	v.store.hold.Store(&hold)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = v.Verify(t.Context(), text) }) // either answer is right: it came before
	<-v.store.reached
	v.store.hold.Store(nil)
	require.NoError(t, v.store.DeleteToken(t.Context(), "Token000001"))
	v.Forget("Token000001")
	require.Equal(t, fault.TokenUnknown, v.reason(text), "the old question is still under way")
	close(hold)
	wg.Wait()
	require.Equal(t, fault.TokenUnknown, v.reason(text))
}

func TestManyWhoMissAtOnceAskOnce(t *testing.T) {
	v := newVerifying(t, nil)
	text := v.issue("Token000001")
	hold := make(chan struct{})
	v.store.hold.Store(&hold)
	var wg sync.WaitGroup
	var failed atomic.Int64
	ask := func() {
		if _, err := v.Verify(t.Context(), text); err != nil {
			failed.Add(1)
		}
	}
	wg.Go(ask)
	<-v.store.reached
	for range 20 {
		wg.Go(ask)
	}
	require.Eventually(t, func() bool { return v.Stats().Misses == 21 }, time.Minute, time.Millisecond)
	close(hold)
	wg.Wait()
	require.Zero(t, failed.Load())
	require.Less(t, v.store.lookups.Load(), int64(21))
}

// security.md 4: a key that does not hold the whole secret gives one caller the
// identity of another (Traefik CVE-2026-71326).
func TestAHundredTokensAtOnceAreNeverMixedUp(t *testing.T) {
	v := newVerifying(t, func(c *pat.VerifierConfig) { c.Entries = 10 })
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = v.issue(fmt.Sprintf("Token%06d", i))
	}
	var wg sync.WaitGroup
	errs := make([]error, len(texts))
	for i, text := range texts {
		wg.Go(func() {
			for range 20 {
				r, err := v.Verify(t.Context(), text)
				if err == nil && r.UID != fmt.Sprintf("Token%06d", i) {
					err = fmt.Errorf("token %d got %s", i, r.UID)
				}
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.LessOrEqual(t, v.Stats().Entries, 10)
}

func TestWithTheStoreGoneCachedRecordsServeUntilMaxStalenessAndThenNoMore(t *testing.T) {
	v := newVerifying(t, func(c *pat.VerifierConfig) { c.MaxStaleness = 5 * time.Second })
	text := v.issue("Token000001")
	require.Empty(t, v.reason(text))
	v.store.failing.Store(true)
	v.clock.advance(4999 * time.Millisecond)
	require.Empty(t, v.reason(text))
	v.clock.advance(time.Millisecond)
	require.Equal(t, fault.StoreUnavailable, v.reason(text))
	require.Equal(t, fault.StoreUnavailable, v.reason(text), "a failure is not remembered as an answer")
	v.store.failing.Store(false)
	require.Empty(t, v.reason(text))
}

func TestConfirmationKeepsRecordsGoodUntilTheirTTL(t *testing.T) {
	v := newVerifying(t, func(c *pat.VerifierConfig) { c.MaxStaleness, c.TTL = 5*time.Second, time.Minute })
	text := v.issue("Token000001")
	require.Empty(t, v.reason(text))
	for range 59 {
		v.clock.advance(time.Second)
		v.Confirmed(v.clock.now())
		require.Empty(t, v.reason(text))
	}
	require.EqualValues(t, 1, v.store.lookups.Load())
	v.clock.advance(time.Second)
	v.Confirmed(v.clock.now())
	require.Empty(t, v.reason(text))
	require.EqualValues(t, 2, v.store.lookups.Load())
}

func TestAClockThatIsSetBackMakesNothingFresh(t *testing.T) {
	v := newVerifying(t, nil)
	text := v.issue("Token000001")
	require.Empty(t, v.reason(text))
	v.clock.advance(-time.Hour)
	v.store.failing.Store(true)
	require.Equal(t, fault.StoreUnavailable, v.reason(text))
}

func TestARotatedOutSecretEndsWithTheOverlap(t *testing.T) {
	v := newVerifying(t, nil)
	old := v.issue("Token000001")
	tok, err := pat.Mint(rand.Reader, "d2pat")
	require.NoError(t, err)
	_, err = v.store.RotateToken(t.Context(), "Token000001", tok.Hash(), func(r *pat.Record) error {
		r.OverlapEnds = noon.Add(2 * time.Second)
		return nil
	})
	require.NoError(t, err)
	v.Forget("Token000001")
	v.clock.advance(1999 * time.Millisecond)
	require.Empty(t, v.reason(old))
	v.clock.advance(time.Millisecond)
	require.Equal(t, fault.TokenUnknown, v.reason(old), "at the end it is over, cached or not")
	require.Empty(t, v.reason(tok.Reveal()))
}

func TestForgetAllEmptiesTheCache(t *testing.T) {
	v := newVerifying(t, nil)
	text := v.issue("Token000001")
	require.Empty(t, v.reason(text))
	v.ForgetAll()
	require.Zero(t, v.Stats().Entries)
	require.Empty(t, v.reason(text))
	require.EqualValues(t, 2, v.store.lookups.Load())
}

func TestACallerWhoLeavesDoesNotSpoilTheAnswerForOthers(t *testing.T) {
	v := newVerifying(t, nil)
	text := v.issue("Token000001")
	hold := make(chan struct{})
	v.store.hold.Store(&hold)
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var first, second error
	wg.Go(func() { _, first = v.Verify(ctx, text) })
	<-v.store.reached
	wg.Go(func() { _, second = v.Verify(t.Context(), text) })
	require.Eventually(t, func() bool { return v.Stats().Misses == 2 }, time.Minute, time.Millisecond)
	leave()
	v.store.hold.Store(nil)
	close(hold)
	wg.Wait()
	require.NoError(t, second)
	if first != nil {
		require.Equal(t, fault.StoreUnavailable, fault.From(first).Reason)
	}
}

func TestLastUseIsWrittenInBatches(t *testing.T) {
	v := newVerifying(t, func(c *pat.VerifierConfig) { c.MaxPending = 2 })
	v.issue("Token000001")
	v.issue("Token000002")
	v.issue("Token000003")
	v.Observe("Token000001", noon.Add(2*time.Second), "10.0.0.2")
	v.Observe("Token000001", noon.Add(time.Second), "10.0.0.1")
	v.Observe("Token000002", noon, "10.0.0.3")
	v.Observe("Token000003", noon, "10.0.0.4")
	require.EqualValues(t, 1, v.Stats().DroppedUses)

	used := func(uid string) string {
		r, err := v.store.TokenByUID(t.Context(), uid)
		require.NoError(t, err)
		return r.LastUsedFrom
	}
	require.Empty(t, used("Token000001"), "nothing is written by the request")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	v.store.failing.Store(true)
	v.Run(ctx)
	v.store.failing.Store(false)
	v.Run(ctx) // what the store did not take is written the next time
	require.Equal(t, "10.0.0.2", used("Token000001"))
	require.Equal(t, "10.0.0.3", used("Token000002"))
	require.Empty(t, used("Token000003"))
}

func TestRunWritesRegularly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &touched{done: make(chan []pat.Use, 10)}
		v, err := pat.NewVerifier(pat.VerifierConfig{Store: sink, FlushEvery: 10 * time.Second})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { v.Run(ctx) })
		began := time.Now()
		v.Observe("Token000001", began, "10.0.0.1")
		require.Equal(t, []pat.Use{{UID: "Token000001", At: began, From: "10.0.0.1"}}, <-sink.done)
		require.Equal(t, 10*time.Second, time.Since(began))
		stop()
		wg.Wait()
	})
}

type touched struct {
	pat.Store
	done chan []pat.Use
}

func (s *touched) TouchTokens(_ context.Context, uses []pat.Use) error {
	if len(uses) > 0 {
		s.done <- uses
	}
	return nil
}

func TestAVerifierNeedsAStore(t *testing.T) {
	_, err := pat.NewVerifier(pat.VerifierConfig{})
	require.Error(t, err)
}

func BenchmarkVerifyCached(b *testing.B) {
	v := newVerifying(b, func(c *pat.VerifierConfig) { c.Now = nil; c.TTL, c.MaxStaleness = time.Hour, time.Hour })
	text := v.issue("Token000001")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyGarbage(b *testing.B) {
	v := newVerifying(b, nil)
	garbage := loadVectors(b).InvalidChecksum[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), garbage); err == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkVerifyCold(b *testing.B) {
	v := newVerifying(b, nil)
	text := v.issue("Token000001")
	b.ReportAllocs()
	for b.Loop() {
		v.Forget("Token000001")
		if _, err := v.Verify(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}
