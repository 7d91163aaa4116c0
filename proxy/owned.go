package proxy

import (
	"strings"
	"unicode/utf8"
)

// ownership says who answers a path.
type ownership int

const (
	upstreamOwned  ownership = iota // DHIS2, by way of the routes
	gatewayOwned                    // d2gate
	neverForwarded                  // looks like d2gate's to a lenient reader; nobody answers it
)

// owned are the names below /api/ that d2gate answers, with their canonical form.
var owned = map[string]string{
	"apiToken":      "apiToken",
	"apiTokens":     "apiToken", // alias since DHIS2 2.41
	"oAuth2Clients": "oAuth2Clients",
}

// owner decides who answers a target, and gives the canonical path of those that
// d2gate answers: without context path, API version, format suffix and trailing
// slash, percent-decoded.
func owner(t *Target) (canonical string, o ownership) {
	if t.Outside || len(t.Segments) == 0 {
		return "", upstreamOwned
	}
	if t.DHIS2.API {
		if name, ok := owned[t.DHIS2.Resource()]; ok {
			return joinPath("/api/"+name, t.DHIS2.Segments[1:]), gatewayOwned
		}
	}
	if ownTree(t.Segments) {
		return joinPath("", t.Segments), gatewayOwned
	}
	if looksOwned(t.Segments) {
		return "", neverForwarded
	}
	return "", upstreamOwned
}

// ownTree reports whether d2gate answers outside /api. /oauth2/authorization is
// where DHIS2's own login page sends a browser to another provider (Spring
// Security's OAuth2 client); it is no part of a token server.
func ownTree(segments []string) bool {
	switch segments[0] {
	case "d2gate", "uaa", "oauth":
		return true
	case "oauth2":
		return len(segments) < 2 || segments[1] != "authorization"
	case "userinfo":
		return len(segments) == 1
	case ".well-known":
		return len(segments) > 1 &&
			(segments[1] == "oauth-authorization-server" || segments[1] == "openid-configuration")
	}
	return false
}

// looksOwned reports whether some server could read the path as one that d2gate
// owns: in another case, with another suffix, behind several API versions, behind
// a context path of its own. security.md B10: such a request is never forwarded.
func looksOwned(segments []string) bool {
	if foldPrefix(segments[0], "uaa") || foldPrefix(segments[0], "oauth") {
		switch stem(segments[0]) {
		case "uaa", "oauth":
			return true
		case "oauth2":
			return len(segments) < 2 || segments[0] != "oauth2" || segments[1] != "authorization"
		}
	}
	last := len(segments) - 1
	if !isAPI(segments[0]) { // a context path that is not ours may come first
		for i := 1; i < last; i++ {
			if isAPI(segments[i]) && protected(segments[i+1:]) {
				return true
			}
		}
		return false
	}
	return protected(segments[1:])
}

func isAPI(segment string) bool {
	return segment == "api" || foldPrefix(segment, "api") && fold(segment) == "api"
}

// protected reports whether what follows /api, any number of versions skipped,
// begins like one of our names.
func protected(segments []string) bool {
	for len(segments) > 1 && numeric(segments[0]) {
		segments = segments[1:]
	}
	return len(segments) > 0 &&
		(foldPrefix(segments[0], "apitoken") || foldPrefix(segments[0], "oauth2client"))
}

// numeric reports whether a lenient reader could take the segment for a version.
func numeric(s string) bool { return strings.Trim(s, "0123456789.vV+- ") == "" }

// foldPrefix reports whether the folded segment begins with lower. It decides on
// the first letters, without a copy, unless they are not ASCII.
func foldPrefix(segment, lower string) bool {
	s := strings.TrimSpace(segment)
	for i := range len(lower) {
		if i >= len(s) {
			return false
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			return strings.HasPrefix(fold(s), lower)
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// stem is the folded segment up to its first dot.
func stem(s string) string {
	s, _, _ = strings.Cut(fold(s), ".")
	return s
}

// fold brings letters to one case, those outside ASCII that fold into it too (the
// Kelvin sign, the long s), and drops blanks around.
func fold(s string) string {
	return strings.ToLower(strings.ToUpper(strings.TrimSpace(s)))
}

func joinPath(head string, segments []string) string {
	if len(segments) == 0 {
		return head
	}
	return head + "/" + strings.Join(segments, "/")
}
