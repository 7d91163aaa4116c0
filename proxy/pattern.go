package proxy

import (
	"errors"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// pattern is a path glob of a route (design 10): "*" is one segment, also within
// one ("dhis-web-*"); "**", at the end only, is the rest, nothing included.
type pattern struct {
	segments []string
	rest     bool
}

var errPattern = errors.New("a path begins with a slash, has no empty segment, and ** only at its end")

func parsePattern(glob string) (pattern, error) {
	path, ok := strings.CutPrefix(glob, "/")
	if !ok {
		return pattern{}, errPattern
	}
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return pattern{}, nil
	}
	p := pattern{segments: strings.Split(path, "/")}
	if last := len(p.segments) - 1; p.segments[last] == "**" {
		p.segments, p.rest = p.segments[:last], true
	}
	for _, s := range p.segments {
		if s == "" || strings.Contains(s, "**") {
			return pattern{}, errPattern
		}
	}
	return p, nil
}

func (p pattern) match(segments []string) bool {
	if len(segments) < len(p.segments) || (len(segments) > len(p.segments) && !p.rest) {
		return false
	}
	for i, s := range p.segments {
		if !wildcard(s, segments[i]) {
			return false
		}
	}
	return true
}

// namesVersion reports whether the pattern speaks of an API version itself.
func (p pattern) namesVersion() bool {
	return len(p.segments) > 1 && p.segments[0] == "api" && strings.Trim(p.segments[1], "0123456789") == ""
}

// wildcard matches one segment; "*" stands for any run of characters.
func wildcard(glob, s string) bool {
	head, tail, ok := strings.Cut(glob, "*")
	if !ok {
		return glob == s
	}
	s, ok = strings.CutPrefix(s, head)
	if !ok {
		return false
	}
	for {
		middle, rest, more := strings.Cut(tail, "*")
		if !more {
			return strings.HasSuffix(s, tail)
		}
		i := strings.Index(s, middle)
		if i < 0 {
			return false
		}
		s, tail = s[i+len(middle):], rest
	}
}

// resource is resource[/selector] of a route: the first segment below /api[/NN],
// and, separated by commas, what may follow it. A selector covers what is below it.
type resource struct {
	name      string     // "*" for any
	selectors [][]string // globs, nil for all
}

func parseResource(text string) (resource, error) {
	name, selector, ok := strings.Cut(text, "/")
	if name == "" || ok && selector == "" {
		return resource{}, errors.New("a resource is a name, or name/selector")
	}
	r := resource{name: name}
	if !ok {
		return r, nil
	}
	for one := range strings.SplitSeq(selector, ",") {
		segments := strings.Split(strings.TrimSpace(one), "/")
		for _, s := range segments {
			if s == "" {
				return resource{}, errors.New("a selector has no empty part")
			}
		}
		r.selectors = append(r.selectors, segments)
	}
	return r, nil
}

func (r resource) match(p dhis2.Path) bool {
	name := p.Resource()
	if name == "" || !wildcard(r.name, name) {
		return false
	}
	if r.selectors == nil {
		return true
	}
	for _, globs := range r.selectors {
		if (pattern{globs, true}).match(p.Segments[1:]) {
			return true
		}
	}
	return false
}
