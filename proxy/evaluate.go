package proxy

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
)

// Question is what a policy is asked once it is known who calls.
type Question struct {
	At          time.Time
	Method      string
	Target      *Target
	Route       *Route // as Match gave it, nil to let Evaluate match
	Client      netip.Addr
	Header      Header           // Referer, Origin and Sec-Fetch-Site are looked at
	Length      int64            // bytes of the body, -1 if unknown
	Kind        CredentialKind   // "" if it was not found out: then no demand on it is judged
	Constraints *constraints.Set // of the credential, nil for none
	Owned       bool             // one of d2gate's own paths: no route has a say
}

// Verdict is the answer. The request may pass if Failed is empty.
type Verdict struct {
	Route    *Route         // nil for d2gate's own paths
	Failed   []*fault.Fault // all of them, the one that is told first
	Reported []*fault.Fault // demands of a route in report mode that would have refused
	Path     string         // to forward: the target's, but for compat
	Query    string
	Compat   []string // what compat changed
}

// Told is the refusal, nil if the request may pass.
func (v *Verdict) Told() *fault.Fault {
	if len(v.Failed) == 0 {
		return nil
	}
	return v.Failed[0]
}

// Evaluate decides (design 3.4): the route and its demands, then the credential's
// constraints. It is pure: the gateway, explain, the configuration's tests and
// /d2gate/authz get the same answer to the same question.
func (p *Policy) Evaluate(q Question) Verdict {
	v := Verdict{Path: q.Target.Path, Query: q.Target.Query}
	if !q.Owned {
		v.Route = q.Route
		if v.Route == nil {
			v.Route = p.Match(q.Method, q.Target)
		}
		v.Path, v.Query, v.Compat = v.Route.rewrite(q.Method, q.Target)
	}
	facts := constraints.Facts{
		At:       q.At,
		ClientIP: q.Client,
		Method:   q.Method,
		Referers: q.Header.Values("Referer"),
		Origins:  q.Header.Values("Origin"),
		Path:     q.scoped(),
		Query:    v.Query, // what is forwarded is what is judged
	}
	if v.Route != nil {
		failed := v.Route.demands(&q, &facts)
		switch {
		case !v.Route.reporting(q.At):
			v.Failed = failed
		case q.Kind == NoCredential && !slices.Contains(v.Route.kinds, NoCredential):
			v.Failed = []*fault.Fault{fault.New(fault.CredentialMissing, "")} // a trial opens nothing to strangers
		default:
			v.Reported = failed
		}
	}
	if q.Kind == SessionCredential && !facts.Reads() && !p.Site.sameOrigin(q.Header) {
		v.Failed = append(v.Failed, refused(foreignCookie))
	}
	if q.Constraints != nil {
		for _, f := range q.Constraints.Check(facts) {
			if s := scheme(q.Kind); s != f.Scheme {
				f = f.WithScheme(s)
			}
			v.Failed = append(v.Failed, f)
		}
	}
	return v
}

// scoped is the path that scopes are held against. /userinfo says who the owner is
// and no more, so it needs what /api/me needs (OpenID Connect Core 5.3: the scope
// openid opens it).
func (q *Question) scoped() dhis2.Path {
	if q.Owned && !q.Target.DHIS2.API && q.Target.Segments[0] == "userinfo" {
		return dhis2.Path{API: true, Segments: []string{"me"}}
	}
	return q.Target.DHIS2
}

// Details of policy_refused that explain tells apart.
const (
	foreignCookie   = "a request that changes something came by cookie from another origin"
	foreignAddress  = "the client address is not among the route's addresses"
	foreignReferrer = "the referrer is missing or not among the route's referrers"
	outsideContext  = "the path is outside server.context_path"
)

func refused(detail string) *fault.Fault {
	return fault.New(fault.PolicyRefused, "").WithDetail(detail)
}

// reporting reports whether the route only notes what it would refuse.
func (r *Route) reporting(at time.Time) bool {
	return r.report && (r.enforceFrom.IsZero() || at.Before(r.enforceFrom))
}

// demands returns what the request fails of the route, in the order in which it
// is told. Rates and concurrency, which are no property of one request, are not
// among them.
func (r *Route) demands(q *Question, facts *constraints.Facts) (failed []*fault.Fault) {
	if r.refuses {
		failed = append(failed, r.refusal(q.Target))
	}
	if f := r.kindRefused(q.Kind); f != nil && r.ID != "default" {
		failed = append(failed, f)
	}
	if len(r.addresses) > 0 && !slices.ContainsFunc(r.addresses, func(p netip.Prefix) bool { return p.Contains(q.Client) }) {
		failed = append(failed, refused(foreignAddress))
	}
	if r.referrers != nil && !r.referrers.Allows(facts) {
		failed = append(failed, refused(foreignReferrer))
	}
	if r.body > 0 && q.Length > r.body {
		failed = append(failed, fault.New(fault.BodyTooLarge, ""))
	}
	return failed
}

func (r *Route) refusal(t *Target) *fault.Fault {
	f := refused("the route refuses")
	switch {
	case t.Outside:
		return f.WithDetail(outsideContext)
	case r.message == "":
		return f.WithDetail("no route matches")
	}
	return f.WithMessage(r.message)
}

// kindRefused judges the kind of credential: none sent is credential_missing, the
// wrong one policy_refused.
func (r *Route) kindRefused(k CredentialKind) *fault.Fault {
	switch {
	case slices.Contains(r.kinds, k), r.open, k == "":
		return nil
	case k == NoCredential:
		return fault.New(fault.CredentialMissing, "")
	}
	return refused("the route does not take the credential kind " + string(k))
}

// sameOrigin reports whether a browser says that the request comes from a page of
// the site itself: by Sec-Fetch-Site, or by an Origin that is the public URL's.
// Who says nothing is not believed.
func (s Site) sameOrigin(h Header) bool {
	if v := h.Values("Sec-Fetch-Site"); len(v) > 0 {
		return len(v) == 1 && v[0] == "same-origin"
	}
	v := h.Values("Origin")
	if len(v) != 1 || s.Host == "" {
		return false
	}
	u, err := url.Parse(v[0])
	return err == nil && strings.EqualFold(u.Scheme, s.Scheme) && normalHost(s.Scheme, u.Host) == s.Host
}
