package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
)

// passage is one request on its way: what was found out so far. It is used by the
// goroutine of its request alone.
type passage struct {
	r     *http.Request
	ctx   context.Context
	rules *rules
	start time.Time
	id    string
	crowd int64 // requests in flight, this one included
	view  View
	out   answer

	client    netip.Addr
	from      string // client in words, "" if unknown
	target    Target
	owner     ownership
	canonical string // path of d2gate's own
	principal Principal
	route     *Route // nil while unknown, and for d2gate's own paths
	verdict   Verdict

	inspect func([]byte) error // looks at the body as it passes; may be nil
	slot    audit.Slot         // held until the line is written
	done    func()             // gives back what rates and concurrency lent; may be nil
	freed   bool               // it was given back
	status  int                // of the upstream's answer, 0 for none
	refused fault.Reason
}

// arrive takes down what every request has.
func (g *Gateway) arrive(w http.ResponseWriter, r *http.Request) *passage {
	p := &passage{r: r, ctx: r.Context(), rules: g.rules.Load(), start: g.now(), crowd: g.inFlight.Add(1)}
	p.id = g.ids.next(p.start)
	p.out.w, p.out.stall = w, g.stall
	p.view = View{Method: r.Method, Target: r.RequestURI, Header: r.Header, Peer: PeerAddr(r.RemoteAddr), Length: r.ContentLength}
	h := w.Header()
	h["X-Request-Id"] = []string{p.id}
	if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
		// net/http hides a Content-Length beside Transfer-Encoding (RFC 9112 6.1):
		// what follows on the connection may be part of this body to the one before us.
		h["Connection"] = []string{"close"}
	}
	return p
}

// leave writes the line of a request that passed, gives back what was lent, and
// turns a panic into a 500 without details.
func (g *Gateway) leave(p *passage) {
	thrown := recover()
	if thrown != nil && thrown != http.ErrAbortHandler {
		g.broken(p, fmt.Errorf("panic: %v\n%s", thrown, debug.Stack()))
	}
	now := g.now()
	if p.slot != nil {
		p.slot.Commit(p.event(now))
		p.slot = nil
	}
	g.free(p)
	g.observer.Request(Observation{
		Route: p.routeID(), Decision: decisionOf(p.refused), Reason: string(p.refused),
		Reads: reads(p.view.Method), Duration: now.Sub(p.start),
	})
	for _, f := range p.verdict.Reported {
		g.observer.WouldRefuse(p.routeID(), string(f.Reason))
	}
	if thrown == http.ErrAbortHandler {
		panic(thrown)
	}
}

// free gives back what a request was counted for, once.
func (g *Gateway) free(p *passage) {
	if p.freed {
		return
	}
	p.freed = true
	g.inFlight.Add(-1)
	if p.done != nil {
		p.done()
	}
}

// refuse records a refusal and then sends it (design 3.5). What cannot be
// recorded is audit_unavailable; what is no fault is a defect of ours.
func (g *Gateway) refuse(p *passage, err error) {
	if errors.Is(err, errGone) {
		return // nobody is there to be told; the line says allow, without a status
	}
	f := fault.From(err)
	if f == nil {
		g.broken(p, err)
		return
	}
	p.refused = f.Reason
	if err := g.record(p); err != nil {
		g.log.ErrorContext(p.ctx, "request cannot be recorded", "requestId", p.id, "error", err)
		f = fault.New(fault.AuditUnavailable, "")
		p.refused = f.Reason
	}
	if g.told != nil {
		g.told(p.event(g.now()), p.asked(f))
	}
	if f.Reason.Status(false) >= 500 {
		g.log.WarnContext(p.ctx, "request failed", "requestId", p.id, "error", f)
	}
	if p.out.begun {
		return
	}
	p.unread()
	if own, ok := errors.AsType[respond.Renderer](err); ok && f.Reason != fault.AuditUnavailable {
		p.out.Header()["X-Gateway-Reason"] = []string{string(f.Reason)}
		own.Render(&p.out, p.r) // OAuth2 errors have a form of their own
		return
	}
	respond.Refuse(&p.out, p.r, f, respond.Options{Strict: p.rules.Strict, RequestID: p.id, PublicURL: p.rules.Public})
}

// internalError stands in the record of a request that met a defect of ours.
const internalError fault.Reason = "internal_error"

// broken answers 500 without details and tells the operator.
func (g *Gateway) broken(p *passage, err error) {
	g.log.ErrorContext(p.ctx, "internal error", "requestId", p.id, "error", err)
	p.refused = internalError
	if err := g.record(p); err != nil {
		g.log.ErrorContext(p.ctx, "request cannot be recorded", "requestId", p.id, "error", err)
	}
	if p.out.begun {
		return
	}
	p.unread()
	if own, ok := errors.AsType[respond.Renderer](err); ok {
		own.Render(&p.out, p.r)
		return
	}
	respond.Message(&p.out, p.r, dhis2.Error(http.StatusInternalServerError, "Internal Server Error", ""))
}

// unread keeps net/http from waiting for a body that nobody will read before it
// sends the answer: a long one costs the connection, a short one has a second.
func (p *passage) unread() {
	if p.r.ContentLength == 0 {
		return
	}
	if p.r.ContentLength > smallBody {
		p.out.Header().Set("Connection", "close")
	}
	_ = http.NewResponseController(&p.out).SetReadDeadline(time.Now().Add(time.Second)) // net/http lifts it with the next request
}

// record writes the line of a refusal. A place that was reserved is given back.
func (g *Gateway) record(p *passage) error {
	if p.slot != nil {
		p.slot.Release()
		p.slot = nil
	}
	ctx, cancel := detached(p.ctx)
	defer cancel()
	return g.audit.Record(ctx, p.event(g.now()))
}
