package main

import (
	"os"
	"time"

	mx "github.com/d2gate/d2gate/internal/metrics"
	"github.com/d2gate/d2gate/proxy"
)

// metrics are the numbers of one process. Labels are route ids, decisions and
// reasons only: never a token, a user, an address or a path.
type metrics struct {
	requests      *mx.Counters[[3]string]
	reported      *mx.Counters[[2]string]
	duration      *mx.Histograms[[1]string]
	upstream      *mx.Histogram
	auditFailures *mx.Counter
	reloads       *mx.Counters[[1]string]
}

// newMetrics registers the numbers with reg.
func newMetrics(reg *mx.Registry, b build) (*metrics, error) {
	buckets := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	m := &metrics{
		requests: mx.NewCounters("d2gate_requests_total", "Requests by route, decision (allow, refuse) and reason of the refusal.",
			[3]string{"route", "decision", "reason"}),
		reported: mx.NewCounters("d2gate_would_refuse_total", "Demands of routes in report mode that were failed and let pass.",
			[2]string{"route", "reason"}),
		duration: mx.NewHistograms("d2gate_request_duration_seconds", "Time of a whole request, body included, by class of method (read, write).",
			[1]string{"class"}, buckets),
		upstream:      mx.NewHistogram("d2gate_upstream_duration_seconds", "Time from sending a request to DHIS2 until its response header.", buckets),
		auditFailures: mx.NewCounter("d2gate_audit_failures_total", "Audit events that could not be written."),
		reloads: mx.NewCounters("d2gate_reloads_total", "Reloads of the configuration by result (ok, unchanged, rejected).",
			[1]string{"result"}),
	}
	all := []mx.Family{
		m.requests, m.reported, m.duration, m.upstream, m.auditFailures, m.reloads,
		mx.Info("d2gate_build_info", "Always 1; the labels say which d2gate this is.",
			map[string]string{"version": b.Version, "commit": b.Commit, "go": b.Go}),
	}
	all = append(all, mx.Runtime()...)
	return m, reg.Register(append(all, mx.Process(os.DirFS("/proc"))...)...)
}

// Request counts one request at its end.
func (m *metrics) Request(o proxy.Observation) {
	m.requests.With([3]string{o.Route, o.Decision, o.Reason}).Inc()
	m.duration.With([1]string{methodClass(o.Reads)}).Observe(o.Duration)
}

func methodClass(reads bool) string {
	if reads {
		return "read"
	}
	return "write"
}

// Upstream takes the time until DHIS2's response header.
func (m *metrics) Upstream(_ int, d time.Duration) { m.upstream.Observe(d) }

// WouldRefuse counts what a route in report mode let pass.
func (m *metrics) WouldRefuse(route, reason string) { m.reported.With([2]string{route, reason}).Inc() }

// counter shows a number that somebody else counts.
func counter(name, help string, value func() int64) mx.Family {
	return mx.CounterFunc(name, help, func() (float64, error) { return float64(value()), nil })
}
