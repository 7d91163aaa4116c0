package proxy

import (
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/fault"
)

// authzPath is where other proxies ask for a decision.
const authzPath = "/d2gate/authz"

// Authz answers nginx auth_request, Traefik forwardAuth and Envoy ext_authz over
// HTTP: 200 with X-D2gate-User, -Uid, -Token, -Route and -Client for a request
// that may pass, else 401 or 403 with the refusal's body and X-Gateway-Reason. It
// decides by the steps that forward requests, on the original method and target,
// and believes nobody but trusted proxies about them.
func (g *Gateway) Authz(w http.ResponseWriter, r *http.Request) {
	g.handler(func(w http.ResponseWriter, r *http.Request, p *passage) error {
		p.out.only = authzStatus
		if err := g.original(p); err != nil {
			return err
		}
		if err := g.decide(p); err != nil {
			return err
		}
		if p.inspect != nil || p.filter() != nil {
			return p.outsideScope("neither bodies nor answers can be seen here")
		}
		g.observe(p)
		p.tell(w.Header())
		w.WriteHeader(http.StatusOK)
		return nil
	})(w, r)
}

// authzStatus is what the askers understand: nginx takes any other status for a
// failure of its own.
func authzStatus(status int) int {
	if status < 400 || status == http.StatusUnauthorized {
		return status
	}
	return http.StatusForbidden
}

// tell names the principal to the asking proxy.
func (p *passage) tell(h http.Header) {
	for name, value := range map[string]string{
		"X-D2gate-User":   p.principal.Username,
		"X-D2gate-Uid":    p.principal.UID,
		"X-D2gate-Token":  p.principal.TokenID,
		"X-D2gate-Route":  p.routeID(),
		"X-D2gate-Client": p.from,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
}

// original puts the request that another proxy asks about in the place of the one
// that asks.
func (g *Gateway) original(p *passage) error {
	if !p.rules.Proxies.Trust(p.view.Peer) {
		return refused("the peer that asks is not among server.trusted_proxies")
	}
	target, method := envoyTarget(p.view.Target, p.rules.Site.ContextPath), ""
	if target != "" {
		method = p.view.Method // Envoy asks by the method that it was asked by
	}
	target, ok := agreed(p.view.Header, target, "X-Original-Uri", "X-Original-Url", "X-Forwarded-Uri")
	if !ok || target == "" {
		return disagreement("target")
	}
	// nginx asks by GET, whatever it was asked by: a method that nobody says is not
	// guessed, or a token for reading could delete.
	method, ok = agreed(p.view.Header, method, "X-Original-Method", "X-Forwarded-Method")
	if !ok || method == "" {
		return disagreement("method")
	}
	if !knownMethod(method) {
		return fault.New(fault.MethodRefused, "")
	}
	p.view.Method, p.view.Target, p.view.Length = method, target, 0
	var err error
	if p.target, err = ParseTarget(target, p.rules.Site); err != nil {
		return err
	}
	if _, p.owner = owner(&p.target); p.owner == gatewayOwned {
		p.owner = neverForwarded // d2gate answers it, not what is behind the asking proxy
	}
	return nil
}

func disagreement(what string) error {
	return fault.New(fault.RequestMalformed, "").WithDetail("the original " + what + " is missing or said in two ways")
}

// envoyTarget is the original target that Envoy appends to its path_prefix.
func envoyTarget(target, contextPath string) string {
	rest, _ := strings.CutPrefix(target, contextPath+authzPath)
	if !strings.HasPrefix(rest, "/") {
		return ""
	}
	return rest
}

// agreed returns what the path and the headers say, "" if they say nothing, and
// not ok if two of them differ: the caller may have sent the one that the asking
// proxy does not overwrite.
func agreed(h Header, said string, names ...string) (string, bool) {
	for _, name := range names {
		for _, v := range h.Values(name) {
			if v == "" || said != "" && v != said {
				return "", false
			}
			said = v
		}
	}
	return said, true
}
