package proxy

import "net/netip"

// Header gives the values of all lines of a header; http.Header does.
type Header interface {
	Values(name string) []string
}

// View is what a decision looks at. It is no *http.Request, so that explain,
// /d2gate/authz and another HTTP engine decide by the same code.
type View struct {
	Method string
	Target string // request target as received
	Header Header
	Peer   netip.Addr // of the connection, zero if unknown
	Length int64      // bytes of the body, -1 if unknown
}

// methods are those that pass (design 3.1).
var methods = [...]string{"HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func knownMethod(m string) bool {
	for _, known := range methods {
		if m == known {
			return true
		}
	}
	return false
}

// reads reports whether a method is one that changes nothing (design 5).
func reads(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS"
}
