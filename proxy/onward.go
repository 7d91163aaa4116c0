package proxy

import (
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// onward is what a request that may pass leaves as.
func (g *Gateway) onward(p *passage) Onward {
	o := Onward{
		Path: p.verdict.Path, Query: p.verdict.Query, HasQuery: p.target.HasQuery,
		RequestID: p.id, Client: p.from, Principal: p.principal,
		Mode: p.route.Mode, Identity: p.rules.identities[p.route.identity],
		Timeout: p.route.Timeout, Body: p.route.body, Inspect: p.inspect, Visible: p.filter(), Ended: func() { g.free(p) },
	}
	changes := !reads(p.view.Method) && changesAccounts(p.target.DHIS2)
	o.Answered = func(status int, latency time.Duration) {
		p.status = status
		g.observer.Upstream(status, latency)
		if changes {
			g.verifiers.forget()
		}
	}
	return o
}

// changesAccounts reports whether a write to this path may change an account or a
// password (design 6); what is kept of them is then dropped.
func changesAccounts(p dhis2.Path) bool {
	second := ""
	if len(p.Segments) > 1 {
		second = p.Segments[1]
	}
	switch p.Resource() {
	case "users", "2fa", "account":
		return true
	case "me":
		return second == "changePassword"
	case "auth":
		return second != "login"
	}
	return false
}
