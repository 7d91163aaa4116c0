package config

import (
	"fmt"
	"strings"

	"github.com/d2gate/d2gate/constraints"
)

func (d *decoder) checkRoutes(c *Config) {
	ids := map[string]int{}
	for n, r := range c.Routes {
		at := fmt.Sprintf("routes[%d]", n)
		switch first, twice := ids[r.ID]; {
		case r.ID == "":
			d.wrong(at, "a route needs an id")
		case r.ID == "default" || r.ID == "d2gate":
			d.wrong(at+".id", "the id %q is taken", r.ID)
		case twice:
			d.wrong(at+".id", "the id %q is there twice: first in line %d", r.ID, first)
		default:
			ids[r.ID] = r.Line
		}
		if (r.Path == "") == (r.Resource == "") && !d.set[at+".path"] && !d.set[at+".resource"] || r.Path != "" && r.Resource != "" {
			d.wrong(at, "route %q needs exactly one of path and resource", r.ID)
		}
		if r.Path != "" {
			if err := checkGlob(r.Path); err != nil {
				d.wrong(at+".path", "%v", err)
			}
		}
		if r.Resource != "" {
			d.checkResource(at+".resource", r.Resource)
		}
		for i, s := range r.Referrers {
			if _, err := constraints.ParseReferrer(s); err != nil {
				d.wrong(fmt.Sprintf("%s.referrers[%d]", at, i), "%v", err)
			}
		}
		if _, ok := c.Upstream.Identities[r.Identity]; r.Identity != "" && !ok {
			d.wrong(at+".identity", "there is no identity %q in upstream.identities%s", r.Identity, d.near(c, r.Identity))
		}
		if _, ok := c.Rates[r.Rate]; r.Rate != "" && !ok {
			d.wrong(at+".rate", "there is no rate %q in rates%s", r.Rate, nearRate(c, r.Rate))
		}
		if !r.EnforceAfter.IsZero() && r.Mode != "report" {
			d.wrong(at+".enforce_after", "enforce_after belongs to mode: report")
		}
	}
}

// checkResource: as in a scope, but that a route looks at paths alone and so cannot
// tell metadata types apart.
func (d *decoder) checkResource(at, resource string) {
	if target, action, ok := strings.Cut(resource, ":"); ok {
		d.wrong(at, "%q: an action (:%s) belongs to the scope of a token; of a route write resource: %s, and methods", resource, action, target)
		return
	}
	name, selector, selected := strings.Cut(resource, "/")
	if name != "metadata" || !selected {
		if _, err := constraints.ParseScope(resource + ":read"); err != nil {
			d.wrong(at, "%q is no resource: write dataStore/scorecards or metadata", resource)
		}
		return
	}
	for s := range strings.SplitSeq(selector, ",") {
		if _, err := constraints.ParseScope("metadata/" + s + ":read"); err == nil {
			d.wrong(at, "%q: a route looks at paths, and /api/metadata/%s is none; write resource: metadata, and limit types by the scopes of tokens", resource, s)
		} else if err := checkGlob("/" + s); err != nil || strings.Contains(s, "**") {
			d.wrong(at, "%q is no resource: write metadata, or metadata/version", resource)
		}
	}
}

// checkGlob: /a/*/b/**; * is a whole segment, or any run within one; ** comes last.
func checkGlob(p string) error {
	if !strings.HasPrefix(p, "/") {
		return fmt.Errorf("%q must begin with /", p)
	}
	segments := strings.Split(p[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch {
		case strings.Contains(s, "**") && (s != "**" || !last):
			return fmt.Errorf("%q: ** stands alone, at the end", p)
		case s == "" && !last, s == "." || s == "..", strings.ContainsAny(s, "%;\\?#[]{}"):
			return fmt.Errorf("%q holds a segment that no request can have", p)
		}
	}
	return nil
}
