package proxy

import (
	"context"
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
	rand     io.Reader
	inFlight atomic.Int64
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
	g := &Gateway{
		verifiers: verifiers{cfg.Tokens, cfg.Bearers, cfg.Sessions, cfg.Passwords, cfg.Accounts},
		audit:     cfg.Audit, observer: cfg.Observer, told: cfg.Refused, log: cfg.Log, now: cfg.Now, rand: cfg.Rand,
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

// decide finds out who calls and asks the policy (design 3.2 to 3.4). It leaves
// in p what it found, also when it refuses.
func (g *Gateway) decide(p *passage) error {
	route := p.rules.Match(p.view.Method, &p.target)
	p.route = route
	if p.owner == neverForwarded {
		p.route = nil
	}
	p.principal = Principal{Kind: NoCredential}
	if !route.open || p.owner == neverForwarded {
		if err := g.identify(p); err != nil {
			return err
		}
	}
	if p.owner == neverForwarded {
		return refused(lookAlike)
	}
	p.verdict = p.rules.Evaluate(p.question(route))
	if f := p.verdict.Told(); f != nil {
		return f
	}
	var err error
	if p.inspect, err = p.guard(); err != nil {
		return err
	}
	if err := g.admit(p); err != nil {
		return err
	}
	return g.account(p, route.Mode)
}

// identify reads the credential and finds its principal.
func (g *Gateway) identify(p *passage) error {
	c, err := ParseCredential(p.view.Header)
	if err != nil {
		return err
	}
	p.principal, err = g.verifiers.principal(p.ctx, c, p.view.Header, p.client, p.rules.askUpstream)
	if err != nil {
		return g.countBadToken(p, err)
	}
	return nil
}

// countBadToken counts token_unknown, and nothing else, against rates.bad_token.
// The look-up comes first: a token in force passes, whoever guesses beside it.
func (g *Gateway) countBadToken(p *passage, err error) error {
	if !isUnknownToken(err) {
		return err
	}
	if _, limited := p.rules.rates.take(badTokens, &who{client: p.client}, p.start); limited != nil {
		return challenge(limited, schemeOf(err))
	}
	return err
}

// admit counts the request against the rates of its route. A route in report mode
// only notes that it would have refused.
func (g *Gateway) admit(p *passage) error {
	w := who{p.principal.TokenID, p.principal.Username, p.client, p.route.ID}
	done, err := p.rules.rates.admit(p.route, &w, p.start)
	if err != nil {
		if p.route.reporting(p.start) {
			p.verdict.report(err)
			return nil
		}
		return err
	}
	p.done = done
	return nil
}

// account asks whether the principal's account is in force, unless the back end
// knows no accounts or judges the credential itself (design 6).
func (g *Gateway) account(p *passage, mode string) error {
	if mode == modeNone || mode == modePassthrough {
		return nil
	}
	return g.verifiers.inForce(p.ctx, p.principal)
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

// The modes of config.Identity that the gateway itself must know.
const (
	modeJWT         = "jwt"
	modeBasic       = "basic"
	modePAT         = "pat"
	modePassthrough = "passthrough"
	modeNone        = "none"
)

var _ interface {
	ServeHTTP(http.ResponseWriter, *http.Request)
} = (*Gateway)(nil)

// detached outlives the caller's hanging up, by recordTime at most: what was
// decided is written also when nobody waits for the answer.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), recordTime)
}

const recordTime = 5 * time.Second
