package proxy

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/identity"
)

// GatewayConfig: what is not marked required may be left out.
type GatewayConfig struct {
	Rules     Rules                       // required; replaced by Swap
	Audit     audit.Recorder              // required
	Owned     func(*Gateway) http.Handler // answers d2gate's own paths; nil: nobody does
	Tokens    Tokens                      // nil: every token is unknown
	Bearers   Bearers                     // nil: every bearer is unknown
	Sessions  Sessions                    // nil: no cookie signs in
	Passwords Passwords                   // nil: every password is wrong
	Accounts  Accounts                    // nil: nobody's state is asked
	Observer  Observer                    // nil: nobody counts
	Refused   func(*audit.Event, Case)    // hears of every refusal, for explain; must not keep the header; nil: nobody
	Log       *slog.Logger                // for the operator's trouble, not for requests; nil: slog.Default
	Now       func() time.Time            // nil: time.Now
	Rand      io.Reader                   // of request ids; nil: crypto/rand
	Stall     time.Duration               // in which a caller must have taken 32 KiB of an answer that waits for it; 0: 60 s
}

// Rules is what a reload replaces, all at once.
type Rules struct {
	Policy     *Policy
	Rates      map[string][]config.Rate     // of the configuration; buckets start full
	Identities map[string]identity.Upstream // by name, "" is the default one
	Forwarder  Forwarder
}

// rules is Rules made ready. A request keeps those it came under.
type rules struct {
	*Policy
	rates      *rates
	identities map[string]identity.Upstream
	forwarder  Forwarder
}

// Gateway is the http.Handler in front of DHIS2.
type Gateway struct {
	verifiers
	rules    atomic.Pointer[rules]
	owned    http.Handler
	audit    audit.Recorder
	observer Observer
	told     func(*audit.Event, Case)
	log      *slog.Logger
	now      func() time.Time
	ids      *ids
	inFlight atomic.Int64
	stall    time.Duration
}

// NewGateway makes the handler.
func NewGateway(cfg GatewayConfig) (*Gateway, error) {
	if cfg.Audit == nil {
		return nil, errors.New("proxy: NewGateway: Audit is required")
	}
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Stall == 0 {
		cfg.Stall = time.Minute
	}
	g := &Gateway{
		stall:     cfg.Stall,
		verifiers: verifiers{cfg.Tokens, cfg.Bearers, cfg.Sessions, cfg.Passwords, cfg.Accounts},
		audit:     cfg.Audit, observer: cfg.Observer, told: cfg.Refused, log: cfg.Log, now: cfg.Now, ids: newIDs(cfg.Rand),
	}
	if err := g.Swap(cfg.Rules); err != nil {
		return nil, err
	}
	if cfg.Owned != nil {
		g.owned = cfg.Owned(g)
	} else {
		g.owned = http.HandlerFunc(g.NotFound)
	}
	return g, nil
}

// Swap puts other rules in force for the requests that come from now on. On an
// error the old ones stay.
func (g *Gateway) Swap(r Rules) error {
	if r.Policy == nil || r.Forwarder == nil {
		return errors.New("proxy: Policy and Forwarder are required")
	}
	if r.Identities[""] == nil {
		return errors.New("proxy: the default identity is required")
	}
	for _, route := range r.Policy.routes {
		if r.Identities[route.identity] == nil {
			return errors.New("proxy: identity " + route.identity + " of route " + route.ID + " is missing")
		}
		if route.rate != "" && len(r.Rates[route.rate]) == 0 {
			return errors.New("proxy: rate " + route.rate + " of route " + route.ID + " is missing")
		}
	}
	rates, err := newRates(r.Rates)
	if err != nil {
		return err
	}
	g.rules.Store(&rules{r.Policy, rates, r.Identities, r.Forwarder})
	return nil
}

// Policy is the one in force.
func (g *Gateway) Policy() *Policy { return g.rules.Load().Policy }

// ServeHTTP is the story of a request (design 3).
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := g.arrive(w, r)
	defer g.leave(p)

	// 1. The edge: is it a request at all, where from, for what?
	if err := g.edge(p); err != nil {
		g.refuse(p, err)
		return
	}
	if p.owner == gatewayOwned {
		g.serveOwn(p)
		return
	}

	// 2. to 4. What credential, whose is it, may they?
	if err := g.decide(p); err != nil {
		g.refuse(p, err)
		return
	}

	// 5. Whatever passes will be on record.
	if err := g.reserve(p); err != nil {
		g.refuse(p, err)
		return
	}

	// 6. and 7. On to DHIS2 as the principal, and the answer back.
	if err := g.forward(p); err != nil {
		g.refuse(p, err)
	}
}

// reserve takes the place in the audit log without which nothing is forwarded.
func (g *Gateway) reserve(p *passage) error {
	slot, err := g.audit.Reserve()
	if err != nil {
		return auditDown(err)
	}
	p.slot = slot
	return nil
}

// observe notes the use of a token that passes.
func (g *Gateway) observe(p *passage) {
	if t := p.principal.Token; t != nil {
		g.tokens.Observe(t.UID, p.start, p.from)
	}
}

// forward sends the request on and its answer back.
func (g *Gateway) forward(p *passage) error {
	g.observe(p)
	err := p.rules.forwarder.Forward(p.answer(), p.r, g.onward(p))
	if err == nil && p.principal.Foreign && p.status == http.StatusUnauthorized {
		_, _ = p.rules.rates.take(badTokens, &who{client: p.client}, p.start) // answered already: only counted
	}
	return err
}
