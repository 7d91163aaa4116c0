package main

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheMetricsAreWellFormed(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := newMetrics(reg, build{Version: "1", Go: "go"})
	require.NoError(t, err)
	m.requests.WithLabelValues("api", "refuse", "token_unknown").Inc()
	m.reloads.WithLabelValues("ok").Inc()
	m.WouldRefuse("api", "policy_refused")
	problems, err := testutil.GatherAndLint(reg, "d2gate_requests_total", "d2gate_would_refuse_total", "d2gate_request_duration_seconds",
		"d2gate_upstream_duration_seconds", "d2gate_audit_failures_total", "d2gate_reloads_total", "d2gate_build_info")
	require.NoError(t, err)
	require.Empty(t, problems)
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
	}, 5*time.Second, 5*time.Millisecond)
}
