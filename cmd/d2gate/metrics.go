package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/d2gate/d2gate/proxy"
)

// metrics are the numbers of one process. Labels are route ids, decisions and
// reasons only: never a token, a user, an address or a path.
type metrics struct {
	requests      *prometheus.CounterVec
	reported      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	upstream      prometheus.Histogram
	auditFailures prometheus.Counter
	reloads       *prometheus.CounterVec
}

// newMetrics registers the numbers with reg.
func newMetrics(reg prometheus.Registerer, b build) (*metrics, error) {
	buckets := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "d2gate_requests_total", Help: "Requests by route, decision (allow, refuse) and reason of the refusal.",
		}, []string{"route", "decision", "reason"}),
		reported: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "d2gate_would_refuse_total", Help: "Demands of routes in report mode that were failed and let pass.",
		}, []string{"route", "reason"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "d2gate_request_duration_seconds", Help: "Time of a whole request, body included, by class of method (read, write).", Buckets: buckets,
		}, []string{"class"}),
		upstream: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "d2gate_upstream_duration_seconds", Help: "Time from sending a request to DHIS2 until its response header.",
			Buckets: buckets,
		}),
		auditFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "d2gate_audit_failures_total", Help: "Audit events that could not be written.",
		}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "d2gate_reloads_total", Help: "Reloads of the configuration by result (ok, unchanged, rejected).",
		}, []string{"result"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "d2gate_build_info", Help: "Always 1; the labels say which d2gate this is.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "go": b.Go},
	})
	info.Set(1)
	return m, registerAll(reg, m.requests, m.reported, m.duration, m.upstream, m.auditFailures, m.reloads, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

func registerAll(reg prometheus.Registerer, all ...prometheus.Collector) error {
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Request counts one request at its end.
func (m *metrics) Request(o proxy.Observation) {
	m.requests.WithLabelValues(o.Route, o.Decision, o.Reason).Inc()
	m.duration.WithLabelValues(methodClass(o.Reads)).Observe(o.Duration.Seconds())
}

func methodClass(reads bool) string {
	if reads {
		return "read"
	}
	return "write"
}

// Upstream takes the time until DHIS2's response header.
func (m *metrics) Upstream(_ int, d time.Duration) { m.upstream.Observe(d.Seconds()) }

// WouldRefuse counts what a route in report mode let pass.
func (m *metrics) WouldRefuse(route, reason string) { m.reported.WithLabelValues(route, reason).Inc() }

// counter shows a number that somebody else counts.
func counter(name, help string, value func() int64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
}
