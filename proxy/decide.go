package proxy

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

// The modes of config.Identity that the gateway itself must know.
const (
	modeJWT         = "jwt"
	modeBasic       = "basic"
	modePAT         = "pat"
	modePassthrough = "passthrough"
	modeNone        = "none"
)
