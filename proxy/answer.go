package proxy

import (
	"net/http"
	"time"
)

// answer notes whether an answer has begun: after that nothing else can be said.
// It gives each write an end, so that a caller who stops reading does not hold what
// its request was lent, such as a place in the audit log. Between writes there is
// none: an answer may pause, and go on as long as it is read.
type answer struct {
	w     http.ResponseWriter
	begun bool
	only  func(status int) int // maps the status; nil for as it is
	stall time.Duration        // that a piece may take to go; 0 for no end
}

// piece is how much must go within stall, in bytes.
const piece = 32 << 10

func (p *passage) answer() http.ResponseWriter { return &p.out }

func (a *answer) Header() http.Header { return a.w.Header() }

func (a *answer) WriteHeader(status int) {
	if status >= 200 {
		a.begun = true
	}
	if a.only != nil {
		status = a.only(status)
	}
	a.w.WriteHeader(status)
}

// Write writes piece by piece, so that a long answer in one write needs no faster
// reader than one in many.
func (a *answer) Write(b []byte) (n int, err error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	for {
		part := b[n:min(n+piece, len(b))]
		a.hurry()
		wrote, err := a.w.Write(part)
		a.calm()
		n += wrote
		if err != nil || n >= len(b) {
			return n, err
		}
	}
}

// FlushError implements what http.ResponseController flushes by.
func (a *answer) FlushError() error {
	a.hurry()
	defer a.calm()
	return http.NewResponseController(a.w).Flush()
}

// hurry sets the end of a write. A writer without a connection has none.
func (a *answer) hurry() {
	if a.stall > 0 && http.NewResponseController(a.w).SetWriteDeadline(time.Now().Add(a.stall)) != nil {
		a.stall = 0
	}
}

// calm lifts it: HTTP/2 would end a stream by it also while nothing is written.
func (a *answer) calm() {
	if a.stall > 0 {
		_ = http.NewResponseController(a.w).SetWriteDeadline(time.Time{})
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.w }
