package constraints

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Referrer is an entry of a referrer list: an origin, a bare host, or an origin
// with a path.
type Referrer struct {
	scheme string // "" for a bare host: any scheme and port
	host   string // lower case, without port
	port   string // "" for the default of the scheme
	path   string // "" for all, else without a trailing slash
}

// ParseReferrer reads "https://moh.example[:port][/path]" or "moh.example".
// localhost and names without a dot are refused, as in DHIS2; so are fragments,
// users, wildcards and empty path segments. A query is taken, and not compared.
func ParseReferrer(s string) (Referrer, error) {
	//lint:ignore ST1005 DHIS2's words
	bad := fmt.Errorf("Not a valid referrer url, value=%s", orNull(s))
	if !strings.Contains(s, "/") && !strings.Contains(s, ":") {
		host := strings.ToLower(s)
		if !publicHost(host) {
			return Referrer{}, bad
		}
		return Referrer{host: host}, nil
	}
	r, ok := parsePage(s)
	if !ok || !publicHost(r.host) || strings.ContainsAny(s, "#*") || strings.Contains(r.path, "//") {
		return Referrer{}, bad
	}
	if r.scheme != "http" && r.scheme != "https" && r.scheme != "ftp" {
		return Referrer{}, bad
	}
	return r, nil
}

// parsePage reads an absolute URL into its compared parts. Browsers send host names
// in ASCII; other letters are refused, for some fold to ASCII in lower case.
func parsePage(s string) (Referrer, bool) {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e }) || strings.ContainsAny(s, " \t\r\n\\<>\"{}|^`") {
		return Referrer{}, false
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return Referrer{}, false
	}
	r := Referrer{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Hostname()), port: u.Port(), path: strings.TrimSuffix(u.EscapedPath(), "/")}
	if r.port == defaultPorts[r.scheme] {
		r.port = ""
	}
	r.host = strings.TrimSuffix(r.host, ".")
	return r, r.host != "" && !strings.Contains(r.host, "%")
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "ftp": "21"}

// publicHost reports whether a host may stand in a list: an IP address, or a name
// of at least two labels.
func publicHost(h string) bool {
	if a, err := netip.ParseAddr(h); err == nil {
		return a.Zone() == "" && !a.IsLoopback()
	}
	labels := strings.Split(h, ".")
	if len(labels) < 2 || len(h) > 253 || labels[len(labels)-1] == "localhost" {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for i := range len(l) {
			c := l[i]
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return last[0] < '0' || last[0] > '9' // a name that ends in digits is a broken address
}

// Matches reports whether a page lies under the entry.
func (r Referrer) matches(page Referrer) bool {
	if r.host != page.host {
		return false
	}
	if r.scheme == "" {
		return page.scheme == "http" || page.scheme == "https"
	}
	if r.scheme != page.scheme || r.port != page.port {
		return false
	}
	if r.path == "" || page.path == r.path {
		return true
	}
	return strings.HasPrefix(page.path, r.path) && page.path[len(r.path)] == '/'
}

// referrerAllowed looks at Referer, else at Origin. Both missing fails, and so do
// "null", more than one line, and a page whose path could be read in two ways.
func referrerAllowed(list []Referrer, f *Facts) bool {
	lines := f.Referers
	if len(lines) == 0 {
		lines = f.Origins
	}
	if len(lines) != 1 {
		return false
	}
	page, ok := parsePage(lines[0])
	if !ok || page.path != "" && path.Clean(page.path) != page.path || hidden(page.path) {
		return false
	}
	return slices.ContainsFunc(list, func(r Referrer) bool { return r.matches(page) })
}

// hidden reports an encoded dot or slash, which browsers never send in a Referer.
func hidden(p string) bool {
	l := strings.ToLower(p)
	return strings.Contains(l, "%2e") || strings.Contains(l, "%2f") || strings.Contains(l, "%5c")
}

// ReferrerSet is a list of referrers that a route demands.
type ReferrerSet []Referrer

// ParseReferrers reads the referrers of a route.
func ParseReferrers(values []string) (ReferrerSet, error) {
	var out ReferrerSet
	for _, v := range values {
		r, err := ParseReferrer(v)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// Allows reports whether the request comes from one of the pages.
func (s ReferrerSet) Allows(f *Facts) bool { return referrerAllowed(s, f) }
