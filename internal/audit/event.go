// Package audit writes one event for each request. It does not decide and it does
// not read requests. Read event.go first, then sink.go for the promise that a
// sink makes.
package audit

import (
	"context"
	"time"
)

// Event is one line of the audit log. It never holds a secret or a query value.
type Event struct {
	Time           time.Time
	RequestID      string
	Client         string // client address after trusted proxies, "" if unknown
	Token          string // uid of the personal access token, or id of the OAuth2 token
	User           string // user name of the principal
	Method         string
	Path           string // as received, without the query's values
	Route          string // id of the route, "default", or "d2gate" for d2gate's own paths
	Decision       string // "allow" or "refuse"
	Reason         string // of a refusal
	Failed         []string
	Compat         []string // rewrites that a route's compat made
	UpstreamStatus int
	Duration       time.Duration
}

// Recorder takes events. Implementations are safe for concurrent use.
type Recorder interface {
	// Record returns when the event is written (a refusal is on record before it is
	// sent), or an error if it cannot be.
	Record(ctx context.Context, e *Event) error
	// Reserve takes a place for an event that is written later. It fails at once if
	// the sink has no place or is failing; the request is then not forwarded.
	Reserve() (Slot, error)
}

// Slot is a reserved place. Exactly one call of Commit or Release gives it back.
type Slot interface {
	// Commit hands in the event. It does not block on I/O and copies what it needs
	// of e.
	Commit(e *Event)
	// Release gives the place back without a line: the request turned into a
	// refusal, and that was written by Record.
	Release()
}
