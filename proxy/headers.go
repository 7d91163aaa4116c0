package proxy

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// dropHeaders removes what only a gateway may say (security.md B6): every
// forwarding, identity and method-override header, every name with an underscore
// (some servers fold it to "-"), the credentials, and Origin of token callers (a
// DHIS2 answers a foreign one with an empty 200). What is needed is set anew.
func dropHeaders(h http.Header, kind CredentialKind) {
	for name := range h {
		if mustDrop(name) {
			delete(h, name)
		}
	}
	if kind == PATCredential || kind == OAuth2Credential {
		delete(h, "Origin")
	}
}

func mustDrop(name string) bool {
	if strings.IndexByte(name, '_') >= 0 {
		return true
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	if dropped[name] {
		return true
	}
	if name[0] != 'X' {
		return false
	}
	for _, prefix := range droppedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// dropped holds canonical names.
var dropped = map[string]bool{
	"Authorization": true, "Cookie": true, "Cookie2": true, "Proxy": true, "Expect": true,
	"Te": true, "Trailer": true, "Upgrade": true, "Connection": true,
	"Forwarded": true, "True-Client-Ip": true, "Client-Ip": true, "Cluster-Client-Ip": true,
	"Cf-Connecting-Ip": true, "Cf-Connecting-Ipv6": true, "Fastly-Client-Ip": true, "Remote-User": true,
	"Remote-Groups": true, "Remote-Name": true, "Remote-Email": true, "Front-End-Https": true,
	"X-Real-Ip": true, "X-Client-Ip": true, "X-Cluster-Client-Ip": true, "X-Proxyuser-Ip": true,
	"X-Forwarded": true, "X-Host": true, "X-Url-Scheme": true, "X-Scheme": true, "X-Request-Id": true,
	"X-Http-Method": true, "X-Method-Override": true, "X-Http-Destinationurl": true,
}

// droppedPrefixes are canonical; each covers its whole family.
var droppedPrefixes = [...]string{
	"X-Forwarded-", "X-Original-", "X-Rewrite-", "X-Auth-Request-", "X-Authenticated-", "X-Remote-",
	"X-Webauth-", "X-Http-Method-", "X-Envoy-", "X-Gateway-", "X-D2gate-",
}

// forwarded is what the upstream is told of the public address; always the same.
type forwarded struct{ proto, host, port []string }

func forwardedOf(public *url.URL) forwarded {
	if public == nil {
		return forwarded{}
	}
	port := public.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[public.Scheme]
	}
	return forwarded{[]string{public.Scheme}, []string{public.Hostname()}, []string{port}}
}

func (f *forwarded) set(h http.Header, client string) {
	if client != "" {
		h["X-Forwarded-For"] = []string{client}
	}
	if f.proto != nil {
		h["X-Forwarded-Proto"], h["X-Forwarded-Host"], h["X-Forwarded-Port"] = f.proto, f.host, f.port
	}
}

// links turns addresses of the upstream into public ones.
type links struct {
	upstreamOrigin, upstreamPath string // path without a slash at its end
	publicOrigin, publicPath     string
}

func newLinks(upstream, public *url.URL) links {
	l := links{upstreamOrigin: origin(upstream), upstreamPath: strings.TrimRight(upstream.EscapedPath(), "/")}
	if public != nil {
		l.publicOrigin, l.publicPath = origin(public), strings.TrimRight(public.EscapedPath(), "/")
	}
	return l
}

func origin(u *url.URL) string { return u.Scheme + "://" + normalHost(u.Scheme, u.Host) }

// rewrite corrects Location and Content-Location.
func (l *links) rewrite(h http.Header) {
	for _, name := range [...]string{"Location", "Content-Location"} {
		if v, ok := h[name]; ok && len(v) == 1 {
			v[0] = l.public(v[0])
		}
	}
}

// public returns the address under which the caller reaches what DHIS2 names: an
// absolute one of the upstream, an absolute one that DHIS2 made of our
// X-Forwarded headers and its own context path, or a path below the latter.
// Anything else is left as it is.
func (l *links) public(location string) string {
	if l.publicOrigin == "" {
		return location
	}
	for _, o := range [...]string{l.upstreamOrigin, l.publicOrigin, ""} {
		rest, ok := strings.CutPrefix(location, o)
		if !ok || (rest != "" && rest[0] != '/') || strings.HasPrefix(rest, "//") {
			continue
		}
		below, ok := cutContextPath(rest, l.upstreamPath)
		switch {
		case !ok:
			return location
		case o == "":
			return l.publicPath + below
		}
		return l.publicOrigin + l.publicPath + below
	}
	return location
}
