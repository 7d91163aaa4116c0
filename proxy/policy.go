package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
)

// Policy is the configuration compiled: which requests may pass, and as whom. It
// never changes, so that one request sees one policy.
type Policy struct {
	Site    Site
	Proxies TrustedProxies
	Limits  config.Limits
	Strict  bool   // constraint_failure: strict
	Public  string // public_url, without a slash at its end
	Hash    string // of the file

	routes      []*Route
	fallback    *Route
	askUpstream bool // tokens.unknown: ask_upstream
	mode        string
}

// Route is one entry of the policy. A request belongs to the first that matches;
// what the route demands beyond that refuses and never falls through.
type Route struct {
	ID      string
	Line    int    // in the file, 0 if it has none
	Mode    string // of the identity: jwt, pat, basic, passthrough, none
	Timeout time.Duration

	path        *pattern // exactly one of path and resource, none for the default
	resource    *resource
	methods     []string // none means all
	kinds       []CredentialKind
	open        bool // takes callers without a credential and nobody else
	addresses   []netip.Prefix
	referrers   constraints.ReferrerSet
	identity    string
	body        int64
	concurrency int
	rate        string
	refuses     bool
	message     string
	report      bool
	enforceFrom time.Time // a report ends here; zero means never
	versions    bool      // compat
	parameters  bool      // compat
}

// Identity is the name of the upstream identity, "" for the default one.
func (r *Route) Identity() string { return r.identity }

// Open reports whether the route looks at no credential at all.
func (r *Route) Open() bool { return r.open }

// defaultKinds are taken by a route that lists none (design 10).
var defaultKinds = []CredentialKind{PATCredential, OAuth2Credential, BasicCredential}

// Compile makes the policy of a configuration. All problems are in the error.
func Compile(cfg *config.Config) (*Policy, error) {
	p := &Policy{
		Site:        SiteOf(cfg.Server.PublicURL, cfg.Server.ContextPath),
		Proxies:     cfg.Server.TrustedProxies,
		Limits:      cfg.Server.Limits,
		Strict:      cfg.ConstraintFailure == "strict",
		Public:      publicURL(cfg),
		Hash:        cfg.Hash,
		askUpstream: cfg.Tokens.Unknown == "ask_upstream",
		mode:        cfg.Upstream.Identity.Mode,
		fallback:    &Route{ID: "default", refuses: true, kinds: defaultKinds},
	}
	routes := cfg.Routes
	if routes == nil { // not named; an empty list refuses everything
		routes = []config.Route{{ID: "api", Path: "/api/**"}}
	}
	var errs []error
	for i := range routes {
		r, err := compileRoute(cfg, &routes[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("route %q: %w", routes[i].ID, err))
		}
		p.routes = append(p.routes, r)
	}
	return p, errors.Join(errs...)
}

func publicURL(cfg *config.Config) string {
	if cfg.Server.PublicURL == nil {
		return ""
	}
	u := *cfg.Server.PublicURL
	u.Path, u.RawPath, u.RawQuery, u.Fragment = cfg.Server.ContextPath, "", "", ""
	return u.String()
}

func compileRoute(cfg *config.Config, c *config.Route) (*Route, error) {
	r := &Route{
		ID: c.ID, Line: c.Line, Timeout: c.Timeout,
		methods: c.Methods, addresses: c.Addresses, identity: c.Identity,
		body: c.Body, concurrency: c.Concurrency, rate: c.Rate,
		refuses: c.Refuse != "", message: c.Refuse,
		report: c.Mode == "report", enforceFrom: c.EnforceAfter,
		versions:   slices.Contains(c.Compat, "api_versions"),
		parameters: slices.Contains(c.Compat, "metadata_parameters"),
	}
	if r.body == 0 {
		r.body = cfg.Server.Limits.Body
	}
	if r.Timeout == 0 {
		r.Timeout = cfg.Upstream.ResponseTimeout
	}
	return r, errors.Join(r.compileMatch(c), r.compileKinds(c), r.compileReferrers(c), r.compileIdentity(cfg, c))
}

func (r *Route) compileMatch(c *config.Route) error {
	switch {
	case (c.Path == "") == (c.Resource == ""):
		return errors.New("exactly one of path and resource")
	case c.Path != "":
		p, err := parsePattern(c.Path)
		r.path = &p
		return err
	}
	res, err := parseResource(c.Resource)
	r.resource = &res
	return err
}

func (r *Route) compileKinds(c *config.Route) error {
	for _, name := range c.Credentials {
		k := CredentialKind(name)
		switch k {
		case NoCredential, PATCredential, OAuth2Credential, BasicCredential, SessionCredential:
			r.kinds = append(r.kinds, k)
		default:
			return fmt.Errorf("unknown credential kind %q", name)
		}
	}
	if len(r.kinds) == 0 {
		r.kinds = defaultKinds
	}
	r.open = len(r.kinds) == 1 && r.kinds[0] == NoCredential && !r.refuses
	return nil
}

// compileReferrers takes the same forms as a token's RefererAllowedList.
func (r *Route) compileReferrers(c *config.Route) (err error) {
	r.referrers, err = constraints.ParseReferrers(c.Referrers)
	return err
}

func (r *Route) compileIdentity(cfg *config.Config, c *config.Route) error {
	if c.Identity == "" {
		r.Mode = cfg.Upstream.Identity.Mode
		return nil
	}
	id, ok := cfg.Upstream.Identities[c.Identity]
	if !ok {
		return fmt.Errorf("unknown identity %q", c.Identity)
	}
	r.Mode = id.Mode
	return nil
}

// Match returns the route of a request: the first that matches by path or
// resource and method alone, else the default. It is never nil.
func (p *Policy) Match(method string, t *Target) *Route {
	if t.Outside {
		return p.fallback
	}
	s := spellings(t)
	for _, r := range p.routes {
		if r.matches(method, &s) {
			return r
		}
	}
	return p.fallback
}

// spelling is one path in the forms in which a route may name it.
type spelling struct {
	target *Target
	bare   []string  // without the format suffix, nil if it has none
	plain  []string  // also without the API version, nil if it has none
	cut    *spelling // without whatever follows the first dot, nil if that is no other
}

func spellings(t *Target) spelling {
	s := spelling{target: t}
	if t.DHIS2.Suffix != "" {
		s.bare = slices.Clone(t.Segments)
		s.bare[len(s.bare)-1] = t.DHIS2.Segments[len(t.DHIS2.Segments)-1]
	}
	if t.DHIS2.Version != "" {
		s.plain = append(append(make([]string, 0, len(t.Segments)), "api"), t.DHIS2.Segments...)
	}
	if last := len(t.Segments) - 1; last >= 0 && t.DHIS2.Suffix == "" {
		if i := strings.IndexByte(t.Segments[last], '.'); i > 0 {
			cut := slices.Clone(t.Segments)
			cut[last] = cut[last][:i]
			c := spellings(&Target{Segments: cut, DHIS2: dhis2.ParsePath(cut)})
			s.cut = &c
		}
	}
	return s
}

func (r *Route) matches(method string, s *spelling) bool {
	if len(r.methods) > 0 && !slices.Contains(r.methods, method) {
		return false
	}
	// A DHIS2 with Spring's suffix patterns serves /api/x.anything as /api/x; a rule
	// that refuses holds for every spelling.
	return r.names(s) || r.refuses && s.cut != nil && r.names(s.cut)
}

// names reports whether the route's path or resource is that of the request.
func (r *Route) names(s *spelling) bool {
	if r.resource != nil {
		return r.resource.match(s.target.DHIS2)
	}
	if r.path.match(s.target.Segments) || s.bare != nil && r.path.match(s.bare) {
		return true
	}
	// /api/41/x is /api/x to DHIS2, so a rule about the one must hold for the other
	// too. A route that asks for no credential opens what it names and no more
	// (security.md B11).
	return s.plain != nil && !r.open && !r.path.namesVersion() && r.path.match(s.plain)
}
