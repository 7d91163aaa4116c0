package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkProxiedWhileGuessing measures what people with a token notice while
// somebody tries 100 passwords a second, by Basic and by the password grant, under
// the default rates: the 99th percentile of their requests, without and with.
func BenchmarkProxiedWhileGuessing(b *testing.B) {
	k := startStackOf(b, "2.44", strings.Replace(stackText, "rates: {login: {per: [username, client_ip], rate: 1000/s, burst: 1000}}\n", "", 1))
	token := k.post(b, "/api/apiToken", "{}")
	measure := func() time.Duration {
		took := make([]time.Duration, 1000)
		for i := range took {
			began := time.Now()
			k.get(b, token)
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		return took[990]
	}
	measure()
	var idle, guessed time.Duration
	for b.Loop() {
		idle += measure()
		stop, guesses := make(chan struct{}), sync.WaitGroup{}
		guesses.Go(func() { k.guess(stop) })
		guessed += measure()
		close(stop)
		guesses.Wait()
	}
	b.ReportMetric(float64(idle.Microseconds())/float64(b.N), "p99-idle-µs")
	b.ReportMetric(float64(guessed.Microseconds())/float64(b.N), "p99-guessed-µs")
	b.ReportMetric(float64(guessed)/float64(idle), "ratio")
}

func (k *stack) get(t testing.TB, token string) {
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.gateway+"/api/me?fields=id", nil)
	require.NoError(t, err)
	q.Header.Set("Authorization", "ApiToken "+token)
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 200, resp.StatusCode)
}

// guess tries 100 wrong passwords a second until stop is closed. What it is told
// does not matter.
func (k *stack) guess(stop chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var all sync.WaitGroup
	defer all.Wait()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-tick.C:
			all.Go(func() { k.guessOnce(i) })
		}
	}
}

func (k *stack) guessOnce(i int) {
	name, password := fmt.Sprintf("user%d", i%50), fmt.Sprint("Wrong-", i)
	form := url.Values{"grant_type": {"password"}, "username": {name}, "password": {password}, "client_id": {"none"}}
	q, err := http.NewRequest(http.MethodPost, k.gateway+"/oauth2/token", strings.NewReader(form.Encode()))
	if i%2 == 0 {
		q, err = http.NewRequest(http.MethodGet, k.gateway+"/api/me", nil)
		q.SetBasicAuth(name, password)
	} else {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err != nil {
		return
	}
	if resp, err := http.DefaultClient.Do(q); err == nil {
		_ = resp.Body.Close() // as above
	}
}
