package proxy

import (
	"net/http"
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
		if changes && mayHaveHappened(status) {
			g.verifiers.forget()
		}
		if status == 0 {
			return
		}
		p.status = status
		g.observer.Upstream(status, latency)
	}
	return o
}

// mayHaveHappened reports whether DHIS2 may have done a write that was answered so:
// what it refused changed nothing, and whoever is refused must not make everybody
// sign in anew. 0 stands for no answer, and a gateway's 502 to 504 between us and
// DHIS2 say as little.
func mayHaveHappened(status int) bool {
	switch status {
	case 0, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return status < 400
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
