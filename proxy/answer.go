package proxy

import "net/http"

// answer notes whether an answer has begun: after that nothing else can be said.
type answer struct {
	w     http.ResponseWriter
	begun bool
	only  func(status int) int // maps the status; nil for as it is
}

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

func (a *answer) Write(b []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	return a.w.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.w }
