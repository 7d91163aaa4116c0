package proxy

import (
	"errors"
	"net/http"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
)

// errGone says that the caller hung up before anything was answered.
var errGone = errors.New("the caller is gone")

// edge is design 3.1: is it a request at all, where does it come from, what does
// it ask for? The client address is found first, so that refusals record it.
func (g *Gateway) edge(p *passage) error {
	limits := &p.rules.Limits
	var clientErr error
	p.client, clientErr = p.rules.Proxies.Client(p.view.Peer, p.view.Header)
	if p.client.IsValid() {
		p.from = p.client.String()
	}
	if limits.InFlight > 0 && p.crowd > int64(limits.InFlight) {
		return fault.New(fault.Overloaded, "").WithRetryAfter(time.Second)
	}
	if !knownMethod(p.view.Method) {
		return fault.New(fault.MethodRefused, "")
	}
	if limits.Target > 0 && int64(len(p.view.Target)) > limits.Target {
		return fault.New(fault.HeaderTooLarge, "").WithDetail("server.limits.target")
	}
	if limits.Header > 0 && headerSize(p.r.Header) > limits.Header {
		return fault.New(fault.HeaderTooLarge, "").WithDetail("server.limits.header")
	}
	var err error
	if p.target, err = ParseTarget(p.view.Target, p.rules.Site); err != nil {
		return err
	}
	p.canonical, p.owner = owner(&p.target)
	if clientErr != nil {
		return clientErr
	}
	if _, ok := p.r.Header["Upgrade"]; ok {
		return fault.New(fault.RequestMalformed, "The gateway does not switch protocols.")
	}
	return nil
}

// headerSize counts bytes as they were on the wire in HTTP/1: name, colon, blank,
// value, line end.
func headerSize(h http.Header) (n int64) {
	for name, lines := range h {
		for _, v := range lines {
			n += int64(len(name) + len(v) + 4)
		}
	}
	return n
}

// isUnknownToken reports whether err is token_unknown.
func isUnknownToken(err error) bool {
	f := fault.From(err)
	return f != nil && f.Reason == fault.TokenUnknown
}

func schemeOf(err error) fault.Scheme {
	if f := fault.From(err); f != nil {
		return f.Scheme
	}
	return fault.NoScheme
}

// question puts what is known into the policy's words.
func (p *passage) question(route *Route) Question {
	return Question{
		At: p.start, Method: p.view.Method, Target: &p.target, Route: route,
		Client: p.client, Header: p.view.Header, Length: p.view.Length,
		Kind: p.principal.Kind, Constraints: p.principal.Constraints,
		Owned: p.owner == gatewayOwned,
	}
}
