package constraints

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// Scope is resource[/selector]:action, in DHIS2's words. A resource is the first
// segment of the path after /api[/NN]/.
type Scope struct {
	resource string   // "*" for any
	selector []string // segments below the resource, with * for any run within one; for metadata: types
	read     bool
	write    bool
	validate bool // metadata only: imports with importMode=VALIDATE
}

// ErrScope is what ParseScope's errors are.
var ErrScope = errors.New("not a valid scope")

// ParseScope reads a scope: "dataStore/scorecards:read", "metadata/dataElements,
// indicators:read", "metadata:validate", "*:read", "ALL". Errors are ErrScope with
// what is wrong.
func ParseScope(s string) (Scope, error) {
	if s == "ALL" {
		return Scope{resource: "*", read: true, write: true}, nil
	}
	bad := func(why string) error { return fmt.Errorf("%w, value=%s: %s", ErrScope, orNull(s), why) }
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return Scope{}, bad("it must be resource[/selector]:action, or ALL")
	}
	target, action := s[:colon], s[colon+1:]
	sc := Scope{}
	switch action {
	case "read":
		sc.read = true
	case "write":
		sc.write = true
	case "*":
		sc.read, sc.write = true, true
	case "validate":
		sc.validate = true
	default:
		return Scope{}, bad("the action must be read, write or *, or validate for metadata")
	}
	resource, selector, selected := strings.Cut(target, "/")
	if resource != "*" && !isName(resource) {
		return Scope{}, bad("the resource is the first segment of the path after /api")
	}
	sc.resource = resource
	switch {
	case sc.validate && target != metadata:
		return Scope{}, bad("validate is an action of metadata, without types")
	case !selected:
		return sc, nil
	case resource == "*":
		return Scope{}, bad("* has no selector")
	}
	if resource == metadata {
		sc.selector = strings.Split(selector, ",")
		for _, t := range sc.selector {
			if !slices.Contains(metadataTypes, t) {
				return Scope{}, bad("no such metadata type: " + t)
			}
		}
		return sc, nil
	}
	sc.selector = strings.Split(selector, "/")
	limit := 8
	if isStore(resource) {
		limit = 2
	}
	if len(sc.selector) > limit || slices.Contains(sc.selector, "") {
		return Scope{}, bad("the selector has an empty or surplus segment")
	}
	for _, seg := range sc.selector {
		if seg == "." || seg == ".." || strings.ContainsAny(seg, "%\\;?# \t\r\n\x00") {
			return Scope{}, bad("the selector holds a character that no path may hold")
		}
	}
	return sc, nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || i > 0 && (c == '-' || c == '_')) {
			return false
		}
	}
	return strings.TrimLeft(s, "0123456789") != "" // digits alone are an API version
}

// isStore reports the two key-value stores, whose selector is NS[/KEY].
func isStore(resource string) bool { return resource == "dataStore" || resource == "userDataStore" }

// isRead: everything but these three is a write.
func isRead(method string) bool { return method == "GET" || method == "HEAD" || method == "OPTIONS" }

// Reads reports whether the request changes nothing. Two of DHIS2's GETs do change
// something: the import of metadata from another server (DHIS2 2.44
// MetadataSyncController), and running a job (DHIS2 2.37 to 2.39
// JobConfigurationController#executeJobConfiguration; a POST since).
func (f *Facts) Reads() bool { return isRead(f.Method) && !acts(f.Path.Segments) }

func acts(segs []string) bool {
	switch {
	case len(segs) < 2:
		return false
	case segs[0] == metadata:
		return bare(segs[1]) == "sync"
	}
	return segs[0] == "jobConfigurations" && len(segs) > 2 && bare(segs[2]) == "execute"
}

// bare cuts what an older DHIS2 might take for a format suffix, whatever it is
// (Spring's suffix patterns: /metadata.x is served by the handler of /metadata).
func bare(segment string) string {
	name, _, _ := strings.Cut(segment, ".")
	return name
}

// scopeAllowed reports whether the scopes together cover the request. If not,
// narrow says what would, where that can be said.
func scopeAllowed(list []Scope, f *Facts) (narrow string, ok bool) {
	if !f.Path.API {
		return "", false // a token with scopes passes only under /api
	}
	segs := f.Path.Segments
	read := f.Reads()
	for i := range list {
		if list[i].resource == "*" && (read && list[i].read || !read && list[i].write) {
			return "", true
		}
	}
	switch {
	case len(segs) == 0:
		return "", false
	case segs[0] == metadata:
		return metadataAllowed(list, f, read)
	case isStore(segs[0]):
		return storeAllowed(list, f, read)
	case len(segs) >= 3 && bare(segs[2]) == metadata && read:
		return dependenciesAllowed(list, segs[0])
	}
	return "", anyCovers(list, segs, read)
}

func anyCovers(list []Scope, segs []string, read bool) bool {
	for i := range list {
		if list[i].covers(segs, read) {
			return true
		}
	}
	return false
}

// storeAllowed judges the key-value stores, where a key may look like a format
// suffix. DHIS2 2.44 cuts .json and answers 406 to the other formats; an older one
// may take them for a part of the key, so both readings must be covered.
func storeAllowed(list []Scope, f *Facts, read bool) (narrow string, ok bool) {
	segs := f.Path.Segments
	if anyCovers(list, segs, read) {
		if f.Path.Suffix == "" || f.Path.Suffix == ".json" {
			return "", true
		}
		whole := slices.Clone(segs)
		whole[len(whole)-1] += f.Path.Suffix
		return "", anyCovers(list, whole, read)
	}
	if read {
		return storeListAllowed(list, segs, f.Query)
	}
	return "", false
}

// storeListAllowed lets a token list namespaces and keys of a store that it may
// read in part; the gateway takes out of the answer what it may not see (see
// StoreKeys). Anything but the plain list, as one with values in it, is refused.
func storeListAllowed(list []Scope, segs []string, query string) (narrow string, ok bool) {
	if _, plain := StoreList(segs); !plain || len(segs) == 2 && segs[1] == "protections" {
		return "", false
	}
	some := slices.ContainsFunc(list, func(sc Scope) bool {
		return sc.resource == segs[0] && sc.read && len(sc.selector) > 0 && (len(segs) == 1 || globMatch(sc.selector[0], segs[1]))
	})
	if !some {
		return "", false
	}
	q, err := url.ParseQuery(query)
	for name := range q {
		if name != "lastUpdated" {
			return "ask for the list alone, without the parameter " + name, false
		}
	}
	return "", err == nil
}

// StoreList reports whether a path (from dataStore or userDataStore on) names a
// list: of namespaces (ns ""), or of the keys of one.
func StoreList(segs []string) (ns string, ok bool) {
	switch {
	case len(segs) == 0 || !isStore(segs[0]):
		return "", false
	case len(segs) == 1:
		return "", true
	case len(segs) == 2 || len(segs) == 3 && segs[2] == "keys":
		return segs[1], true
	}
	return "", false
}

// covers reports whether a scope covers a path outside /api/metadata.
func (s *Scope) covers(segs []string, read bool) bool {
	if s.resource != segs[0] || read && !s.read || !read && !s.write {
		return false
	}
	if len(s.selector) == 0 {
		return true
	}
	if isStore(s.resource) {
		return s.coversStore(segs, read)
	}
	if len(segs) <= len(s.selector) {
		return false
	}
	for i, pattern := range s.selector {
		if !globMatch(pattern, segs[i+1]) {
			return false
		}
	}
	return true
}

// coversStore is covers for NS[/KEY]. GET …/NS/keys lists all keys, and GET
// /dataStore/protections is about all namespaces: neither is a key or a namespace
// of that name.
func (s *Scope) coversStore(segs []string, read bool) bool {
	if len(segs) < 2 || !globMatch(s.selector[0], segs[1]) {
		return false
	}
	if read && len(segs) == 2 && segs[1] == "protections" {
		return false
	}
	if len(s.selector) == 1 || s.selector[1] == "*" && (read || len(segs) > 2) {
		return true
	}
	if len(segs) < 3 || read && len(segs) == 3 && segs[2] == "keys" {
		return false
	}
	return globMatch(s.selector[1], segs[2])
}

// globMatch matches one segment; * stands for any run of characters.
func globMatch(pattern, s string) bool {
	before, after, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	if !strings.HasPrefix(s, before) {
		return false
	}
	s = s[len(before):]
	for {
		part, rest, more := strings.Cut(after, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, after = s[i+len(part):], rest
	}
}

// StoreKeys says what of a dataStore list a set of constraints lets its holder
// see: visible reports whether a namespace (key "") or a key may be shown.
// Limited is false where nothing needs hiding.
func (s Set) StoreKeys(p dhis2.Path) (visible func(ns, key string) bool, limited bool) {
	for i := range s.Attributes {
		a := &s.Attributes[i]
		if a.Kind == ScopeAllowedList && len(a.Values) > 0 && !coversAll(a.scopes, p.Resource()) {
			limited = true
		}
	}
	return func(ns, key string) bool { return s.showsKey(p.Resource(), ns, key) }, limited
}

func coversAll(list []Scope, resource string) bool {
	return slices.ContainsFunc(list, func(sc Scope) bool {
		return sc.read && (sc.resource == "*" || sc.resource == resource && len(sc.selector) == 0)
	})
}

// showsKey requires every scope attribute to show it.
func (s Set) showsKey(resource, ns, key string) bool {
	for i := range s.Attributes {
		a := &s.Attributes[i]
		if a.Kind != ScopeAllowedList || len(a.Values) == 0 || coversAll(a.scopes, resource) {
			continue
		}
		if !slices.ContainsFunc(a.scopes, func(sc Scope) bool {
			if sc.resource != resource || !sc.read || !globMatch(sc.selector[0], ns) {
				return false
			}
			return key == "" || len(sc.selector) == 1 || globMatch(sc.selector[1], key)
		}) {
			return false
		}
	}
	return true
}
