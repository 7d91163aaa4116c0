package proxy

import "time"

// Observer counts. Implementations are safe for concurrent use and do not block.
type Observer interface {
	// Request is told at the end of every request.
	Request(Observation)
	// Upstream is told the time from sending a request to its response header.
	Upstream(status int, latency time.Duration)
	// WouldRefuse is told for each demand that a route in report mode let pass.
	WouldRefuse(route, reason string)
}

// Observation is one request as metrics see it. All texts come from the
// configuration or from fault, so that their number is bounded.
type Observation struct {
	Route    string // id, "default", "d2gate"; "" if it was refused before a route was known
	Decision string // allow or refuse
	Reason   string // of a refusal
	Reads    bool   // GET, HEAD, OPTIONS
	Duration time.Duration
}

type nobody struct{}

func (nobody) Request(Observation)         {}
func (nobody) Upstream(int, time.Duration) {}
func (nobody) WouldRefuse(string, string)  {}
