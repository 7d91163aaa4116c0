package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// endpoint is what answers one verb of one path.
type endpoint struct {
	handle    func(c *call) error
	consumes  string // media type that a body must have, "" for any
	lenient   bool   // a request without a body may have any type
	any       bool   // the answer does not depend on Accept
	converter bool   // a wrong type is found when the body is read, and named with its charset
	needs     string // authority
}

// route is a path below /api: segments, {} for any one.
type route struct {
	segments []string
	verbs    map[string]*endpoint
	order    []string // of the Allow header
}

// router finds routes. Those that name more segments literally come first.
type router struct{ routes []route }

// add puts endpoints at a path ("dataStore/{}/{}"). HEAD comes with GET.
func (t *router) add(path string, verbs map[string]endpoint) {
	rt := route{segments: strings.Split(path, "/"), verbs: map[string]*endpoint{}}
	if path == "" {
		rt.segments = nil
	}
	for _, m := range []string{"GET", "HEAD", "DELETE", "PUT", "PATCH", "POST"} {
		e, ok := verbs[m]
		if m == http.MethodHead {
			e, ok = verbs[http.MethodGet]
		}
		if ok {
			rt.verbs[m] = &e
			rt.order = append(rt.order, m)
		}
	}
	t.routes = append(t.routes, rt)
}

// sort puts literal segments before {}.
func (t *router) sort() {
	slices.SortStableFunc(t.routes, func(a, b route) int { return b.literals() - a.literals() })
}

func (r route) literals() int {
	n := 0
	for _, s := range r.segments {
		if s != "{}" {
			n++
		}
	}
	return n
}

// find returns the endpoint of a path and verb with what its {} stand for. When
// the path is known but not for this verb it returns the verbs it is known for.
// Routes that share a path are looked at together, as Spring does.
func (t *router) find(path []string, verb string) (e *endpoint, params []string, allowed string) {
	var verbs []string
	for _, rt := range t.routes {
		params, ok := rt.match(path)
		if !ok {
			continue
		}
		if e := rt.verbs[verb]; e != nil {
			return e, params, ""
		}
		for _, v := range rt.order {
			if !slices.Contains(verbs, v) {
				verbs = append(verbs, v)
			}
		}
	}
	if len(verbs) == 0 {
		return nil, nil, ""
	}
	return nil, nil, strings.Join(append(verbs, "OPTIONS"), ",")
}

func (r route) match(path []string) ([]string, bool) {
	if len(path) != len(r.segments) {
		return nil, false
	}
	var params []string
	for i, s := range r.segments {
		switch s {
		case "{}":
			params = append(params, path[i])
		case path[i]:
		default:
			return nil, false
		}
	}
	return params, true
}
