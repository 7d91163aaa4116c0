package store_test

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/internal/store/storetest"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

// replica is a verifier that follows the change log of its own connection.
func replica(t testing.TB, url string) (*store.Store, *pat.Verifier) {
	t.Helper()
	s := openPostgres(t, url)
	v, err := pat.NewVerifier(pat.VerifierConfig{Store: s})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	started := make(chan struct{})
	var once sync.Once
	wg.Go(func() {
		s.Follow(ctx, store.FollowConfig{
			Apply: func(c store.Change) { v.Forget(c.Key) }, Clear: v.ForgetAll,
			Confirmed: func(at time.Time) { v.Confirmed(at); once.Do(func() { close(started) }) },
		})
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	<-started
	return s, v
}

// reach revokes a token at one replica and waits until another refuses it.
func reach(t testing.TB, here *store.Store, there *pat.Verifier) time.Duration {
	t.Helper()
	tok, err := pat.Mint(rand.Reader, "d2pat")
	require.NoError(t, err)
	r := sample()
	require.NoError(t, here.PutToken(t.Context(), r, tok.Hash()))
	_, err = there.Verify(t.Context(), tok.Reveal())
	require.NoError(t, err)
	revoked := time.Now()
	require.NoError(t, here.DeleteToken(t.Context(), r.UID))
	require.Eventually(t, func() bool {
		_, err := there.Verify(t.Context(), tok.Reveal())
		return err != nil && fault.From(err).Reason == fault.TokenUnknown
	}, time.Minute, time.Millisecond)
	return time.Since(revoked)
}

// security.md A7: what one replica revokes, another refuses.
func TestARevocationReachesEveryReplica(t *testing.T) {
	url := storetest.StartPostgres(t).Database(t)
	here, _ := replica(t, url)
	_, there := replica(t, url)
	for range 5 {
		reach(t, here, there)
	}
}

// BenchmarkARevocationReachesAReplica is how soon (design 4: within 1 s).
func BenchmarkARevocationReachesAReplica(b *testing.B) {
	url := storetest.StartPostgres(b).Database(b)
	here, _ := replica(b, url)
	_, there := replica(b, url)
	var most time.Duration
	for b.Loop() {
		most = max(most, reach(b, here, there))
	}
	b.ReportMetric(float64(most.Microseconds())/1000, "ms-at-most")
}
