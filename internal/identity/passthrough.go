package identity

import (
	"context"
	"net/http"
	"strings"
)

// Passthrough is the mode passthrough: DHIS2 gets the caller's own credential.
// What passes is the one Authorization line, or, where there is none, DHIS2's own
// session cookie JSESSIONID; no other cookie, d2gate's own least of all.
type Passthrough struct{}

// Sign copies the caller's credential to out. It never fails. More than one
// Authorization line is no credential (the gateway has refused such a request).
func (Passthrough) Sign(_ context.Context, _ User, caller http.Header, out *http.Request) (Lease, error) {
	clearCredentials(out.Header)
	switch lines := caller["Authorization"]; {
	case len(lines) == 1:
		out.Header.Set("Authorization", lines[0])
	case len(lines) == 0:
		if id, ok := sessionCookie(caller); ok {
			out.Header.Set("Cookie", "JSESSIONID="+id)
		}
	}
	return noLease{}, nil
}

// sessionCookie returns the value of JSESSIONID if it was sent exactly once.
func sessionCookie(h http.Header) (id string, ok bool) {
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			name, value, found := strings.Cut(strings.TrimSpace(part), "=")
			if !found || name != "JSESSIONID" {
				continue
			}
			if ok {
				return "", false
			}
			id, ok = value, true
		}
	}
	return id, ok && validCookieValue(id)
}

// validCookieValue is RFC 6265 4.1.1 cookie-octet, without quotes.
func validCookieValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`",;\`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
