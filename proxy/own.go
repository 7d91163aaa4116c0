package proxy

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

// Bounds of the bodies that d2gate's own handlers read. No route has a say here,
// anybody may send one, and a place in the audit log is held meanwhile: without an
// end, slow ones would use up the places of everybody.
const (
	ownBody     = 1 << 20 // bytes
	ownBodyTime = 30 * time.Second
)

type passageKey struct{}

// serveOwn hands one of d2gate's own paths to its handler. The request it gets
// has the canonical path in URL.Path (a router needs nothing else) and the target
// as received in RequestURI. The line is reserved before anything is done.
func (g *Gateway) serveOwn(p *passage) {
	if err := g.reserve(p); err != nil {
		g.refuse(p, err)
		return
	}
	r := p.r.WithContext(context.WithValue(p.ctx, passageKey{}, p))
	r.URL = &url.URL{Path: p.canonical, RawQuery: p.target.Query}
	if r.ContentLength > ownBody {
		g.refuse(p, fault.New(fault.BodyTooLarge, ""))
		return
	}
	if r.ContentLength != 0 {
		r.Body = hurry(&p.out, newUpload(r.Body, ownBody))
	}
	g.owned.ServeHTTP(&p.out, r)
}

// Authenticated makes a handler of one of d2gate's own paths that needs a caller.
// The credential's constraints hold here as everywhere; no route has a say. A
// fault that h returns before it has written is recorded and sent as a refusal.
func (g *Gateway) Authenticated(h func(http.ResponseWriter, *http.Request, Principal) error) http.HandlerFunc {
	return g.handler(func(w http.ResponseWriter, r *http.Request, p *passage) error {
		if err := g.ownCaller(p); err != nil {
			return err
		}
		return h(w, r, p.principal)
	})
}

// Public makes a handler of one of d2gate's own paths that looks at no credential
// of the gateway's kinds.
func (g *Gateway) Public(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return g.handler(func(w http.ResponseWriter, r *http.Request, _ *passage) error { return h(w, r) })
}

// handler is where all of d2gate's own handlers answer and fail.
func (g *Gateway) handler(h func(http.ResponseWriter, *http.Request, *passage) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := r.Context().Value(passageKey{}).(*passage)
		if !ok {
			g.log.ErrorContext(r.Context(), "a handler of the gateway was called past it", "path", r.URL.Path)
			respond.Message(w, r, dhis2.Error(http.StatusInternalServerError, "Internal Server Error", ""))
			return
		}
		if err := h(w, r, p); err != nil {
			g.refuse(p, err)
		}
	}
}

// Client is the client address of a request to one of d2gate's own handlers; the
// zero Addr if it is unknown.
func Client(r *http.Request) netip.Addr {
	if p, ok := r.Context().Value(passageKey{}).(*passage); ok {
		return p.client
	}
	return netip.Addr{}
}

// Name puts on record who uses one of d2gate's own pages, which find that out by
// themselves. It is for the goroutine of the request, and does nothing for one that
// did not come through the gateway.
func Name(r *http.Request, who Principal) {
	if p, ok := r.Context().Value(passageKey{}).(*passage); ok {
		p.principal = who
	}
}

// ownCaller finds out who calls one of d2gate's own paths.
func (g *Gateway) ownCaller(p *passage) error {
	c, err := ParseCredential(p.view.Header)
	if err != nil {
		return err
	}
	p.principal, err = g.verifiers.principal(p.ctx, c, p.view.Header, p.client, false)
	if err != nil {
		return g.countBadToken(p, err)
	}
	if p.principal.Kind == NoCredential {
		return fault.New(fault.CredentialMissing, "")
	}
	p.verdict = p.rules.Evaluate(p.question(nil))
	if f := p.verdict.Told(); f != nil {
		return f
	}
	if err := g.account(p, p.rules.mode); err != nil {
		return err
	}
	g.observe(p)
	return nil
}

// NotFound answers a path of d2gate's own that no handler has.
func (g *Gateway) NotFound(w http.ResponseWriter, r *http.Request) {
	respond.Message(w, r, dhis2.Error(http.StatusNotFound, "There is nothing at this path.", ""))
}
