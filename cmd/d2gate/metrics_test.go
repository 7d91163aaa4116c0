package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	mx "github.com/d2gate/d2gate/internal/metrics"
	"github.com/d2gate/d2gate/proxy"
)

// The rules of Prometheus for exposition (text format 0.0.4) and for names: every
// family has a help text, a kind and the right suffix, and every sample a family.
func TestTheMetricsAreWellFormed(t *testing.T) {
	reg := new(mx.Registry)
	m, err := newMetrics(reg, build{Version: "1", Go: "go"})
	require.NoError(t, err)
	m.Request(proxy.Observation{Route: "api", Decision: "refuse", Reason: "token_unknown"})
	m.reloads.With([1]string{"ok"}).Inc()
	m.WouldRefuse("api", "policy_refused")
	kinds, helped := map[string]string{}, map[string]bool{}
	sample := regexp.MustCompile(`^([a-z0-9_]+?)(?:_bucket|_sum|_count)?(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? [-+.0-9a-zA-Z]+$`)
	for line := range strings.Lines(string(reg.Text())) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.SplitN(line, " ", 4)
		switch {
		case strings.HasPrefix(line, "# HELP "):
			require.Len(t, words, 4, line)
			require.False(t, helped[words[2]], line)
			helped[words[2]] = true
		case strings.HasPrefix(line, "# TYPE "):
			require.True(t, helped[words[2]], line)
			kinds[words[2]] = words[3]
		default:
			found := sample.FindStringSubmatch(line)
			require.NotNil(t, found, line)
			require.Contains(t, kinds, found[1], line)
		}
	}
	for name, kind := range kinds {
		require.Equal(t, kind == "counter", strings.HasSuffix(name, "_total"), name)
	}
	for name, kind := range map[string]string{
		"d2gate_requests_total": "counter", "d2gate_would_refuse_total": "counter", "d2gate_request_duration_seconds": "histogram",
		"d2gate_upstream_duration_seconds": "histogram", "d2gate_audit_failures_total": "counter", "d2gate_reloads_total": "counter", "d2gate_build_info": "gauge",
		"go_goroutines": "gauge", "go_memstats_heap_alloc_bytes": "gauge",
	} {
		require.Equal(t, kind, kinds[name], name)
	}
}

func TestTheAdminListenerServesHealthAndMetricsAndNothingElse(t *testing.T) {
	r := serve(t, plainBackend)
	secret := r.token()
	r.ask("GET", r.gateway+"/api/x", "Authorization: ApiToken "+secret)
	r.ask("PUT", r.gateway+"/elsewhere", "Authorization: ApiToken "+secret)
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/": 404, "/api/x": 404, "/tokens": 404, "/status": 404, "/debug/pprof/": 404} {
		status, _, _ := r.ask("GET", r.admin+path)
		require.Equal(t, want, status, path)
	}
	// A request is counted at its very end, after its caller has the answer.
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, _, text := r.ask("GET", r.admin+"/metrics")
		for _, line := range []string{
			`d2gate_requests_total{decision="allow",reason="",route="api"} 1`,
			`d2gate_requests_total{decision="refuse",reason="policy_refused",route="default"} 1`,
			"d2gate_token_lookups_total 2", "d2gate_token_cache_hits_total 1", "d2gate_upstream_duration_seconds_count 1",
		} {
			assert.Contains(c, text, line)
		}
	}, time.Minute, 5*time.Millisecond)
}
