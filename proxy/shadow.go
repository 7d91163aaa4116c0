package proxy

import (
	"slices"
	"strings"
)

// Shadow is a route that can never match, and the earlier one that takes all of
// its requests.
type Shadow struct{ Route, By *Route }

// Shadows lists the routes that can never match. It reports only what is certain.
func (p *Policy) Shadows() []Shadow {
	var found []Shadow
	for i, later := range p.routes {
		for _, earlier := range p.routes[:i] {
			if earlier.covers(later) {
				found = append(found, Shadow{later, earlier})
				break
			}
		}
	}
	return found
}

// covers reports whether every request that later matches is matched by r.
func (r *Route) covers(later *Route) bool {
	if !r.coversMethods(later) {
		return false
	}
	switch {
	case r.resource != nil && later.resource != nil:
		return r.resource.covers(later.resource)
	case r.path != nil && later.path != nil:
		// An open route does not match /api/41/x for /api/x, another one does.
		return r.path.covers(later.path) && (!r.open || later.open || r.path.rest)
	case r.path != nil: // a resource is /api/NAME and below, with and without version
		return r.path.rest && r.path.covers(&pattern{segments: []string{"api"}, rest: true}) ||
			r.path.rest && !r.open && later.resource.selectors == nil && r.path.covers(&pattern{[]string{"api", later.resource.name}, true})
	}
	return len(later.path.segments) > 1 && later.path.segments[0] == "api" && !later.path.namesVersion() &&
		r.resource.selectors == nil && !strings.Contains(later.path.segments[1], "*") &&
		wildcard(r.resource.name, later.path.segments[1])
}

func (r *Route) coversMethods(later *Route) bool {
	if len(r.methods) == 0 {
		return true
	}
	wanted := later.methods
	if len(wanted) == 0 {
		wanted = methods[:]
	}
	return !slices.ContainsFunc(wanted, func(m string) bool { return !slices.Contains(r.methods, m) })
}

func (p *pattern) covers(later *pattern) bool {
	switch {
	case p.rest && len(later.segments) < len(p.segments):
		return false
	case !p.rest && (later.rest || len(later.segments) != len(p.segments)):
		return false
	}
	for i, s := range p.segments {
		if !covers(s, later.segments[i]) {
			return false
		}
	}
	return true
}

// covers reports whether one glob takes all that another takes.
func covers(glob, later string) bool {
	return glob == "*" || glob == later || !strings.Contains(later, "*") && wildcard(glob, later)
}

func (r *resource) covers(later *resource) bool {
	if !covers(r.name, later.name) {
		return false
	}
	if r.selectors == nil {
		return true
	}
	if later.selectors == nil {
		return false
	}
	return !slices.ContainsFunc(later.selectors, func(l []string) bool {
		return !slices.ContainsFunc(r.selectors, func(e []string) bool {
			return (&pattern{e, true}).covers(&pattern{l, true})
		})
	})
}
