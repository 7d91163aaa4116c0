package proxy

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
)

// Target is a request target, read once. What is matched (Segments) and what is
// forwarded (Path, Query) come from the same bytes.
type Target struct {
	Raw      string     // as received
	Path     string     // bytes of the path after the context path: "", or from its slash on
	Query    string     // bytes after the question mark
	HasQuery bool       // a question mark was there, possibly with nothing after it
	Segments []string   // of Path, percent-decoded once, without the empty one of a trailing slash
	DHIS2    dhis2.Path // Segments in DHIS2's words
	Outside  bool       // the path is not below the context path; Path is then the whole path
}

// Site is where the gateway is seen from outside; it decides which absolute
// targets are ours and which part of a path is not DHIS2's business.
type Site struct {
	Scheme      string // of public_url
	Host        string // of public_url: host or host:port, lower case, without the scheme's own port
	ContextPath string // "" or "/dhis"
}

// SiteOf reads a public URL whose path is the context path.
func SiteOf(public *url.URL, contextPath string) Site {
	if public == nil {
		return Site{ContextPath: contextPath}
	}
	return Site{public.Scheme, normalHost(public.Scheme, public.Host), contextPath}
}

// ParseTarget reads the bytes of a request target (RFC 9112 3.2): origin-form, or
// absolute-form for the site's own host. Everything that two readers could read
// in two ways is refused with target_ambiguous: dot segments, empty segments,
// backslash, semicolon, their encoded forms and those of the slash, the dot and
// the percent sign, controls, broken percent-encoding, text that is not UTF-8, a
// fragment. What is accepted can be forwarded byte for byte.
func ParseTarget(raw string, site Site) (Target, error) {
	if why := strangeByte(raw); why != "" {
		return Target{Raw: raw}, ambiguous(why)
	}
	rest, ok := originForm(raw, site)
	if !ok {
		return Target{Raw: raw}, ambiguous("the target is not a path on this host")
	}
	t := Target{Raw: raw}
	t.Path, t.Query, t.HasQuery = strings.Cut(rest, "?")
	below, inside := cutContextPath(t.Path, site.ContextPath)
	t.Outside = !inside
	segments, why := decodeSegments(below)
	if why != "" {
		return Target{Raw: raw}, ambiguous(why)
	}
	t.Path, t.Segments = below, segments
	t.DHIS2 = dhis2.ParsePath(segments)
	return t, nil
}

func ambiguous(why string) error {
	return fault.New(fault.TargetAmbiguous, "").WithDetail(why)
}

// strangeByte finds what may stand nowhere in a target, the query included.
func strangeByte(raw string) string {
	for i := range len(raw) {
		switch c := raw[i]; {
		case c <= ' ' || c == 0x7f:
			return "control character or blank"
		case c == '#':
			return "fragment"
		}
	}
	return ""
}

// originForm returns the path and query of raw. A path starts with a slash.
func originForm(raw string, site Site) (string, bool) {
	if strings.HasPrefix(raw, "/") {
		return raw, true
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || site.Host == "" {
		return "", false
	}
	scheme = strings.ToLower(scheme)
	if scheme != "http" && scheme != "https" {
		return "", false
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		rest, end = rest+"/", len(rest)
	}
	if normalHost(scheme, rest[:end]) != site.Host || rest[end] != '/' {
		return "", false
	}
	return rest[end:], true
}

// normalHost lower-cases a host and drops the port that its scheme implies.
func normalHost(scheme, host string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

// cutContextPath takes the context path off, compared byte for byte: another
// spelling of it is outside.
func cutContextPath(path, contextPath string) (string, bool) {
	if contextPath == "" {
		return path, true
	}
	below, ok := strings.CutPrefix(path, contextPath)
	if !ok || (below != "" && below[0] != '/') {
		return path, false
	}
	return below, true
}

// decodeSegments splits a path and decodes each segment once, or says what makes
// it ambiguous.
func decodeSegments(path string) (segments []string, why string) {
	if path == "" || path == "/" {
		return nil, ""
	}
	segments = make([]string, 0, strings.Count(path, "/"))
	rest := path[1:]
	for more := true; more; {
		var raw string
		raw, rest, more = strings.Cut(rest, "/")
		if raw == "" && !more {
			break // a trailing slash
		}
		segment, why := decodeSegment(raw)
		if why != "" {
			return nil, why
		}
		segments = append(segments, segment)
	}
	return segments, ""
}

func decodeSegment(raw string) (segment, why string) {
	switch raw {
	case "":
		return "", "empty segment"
	case ".", "..":
		return "", "dot segment"
	}
	plain := true
	for i := range len(raw) {
		switch c := raw[i]; {
		case c == '\\':
			return "", "backslash"
		case c == ';':
			return "", "semicolon"
		case c == '%' || c >= utf8.RuneSelf:
			plain = false
		}
	}
	if plain {
		return raw, ""
	}
	return percentDecode(raw)
}

// percentDecode decodes once what was not plain ASCII.
func percentDecode(raw string) (segment, why string) {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			hi, lo := hexAt(raw, i+1), hexAt(raw, i+2)
			if hi < 0 || lo < 0 {
				return "", "broken percent-encoding"
			}
			c = byte(hi<<4 | lo)
			i += 2
			switch c {
			case '/', '\\', '.', ';', '%', 0:
				return "", "encoded slash, backslash, dot, semicolon, percent sign or NUL"
			}
		}
		b.WriteByte(c)
	}
	segment = b.String()
	if !utf8.ValidString(segment) {
		return "", "not UTF-8"
	}
	if strings.ContainsFunc(segment, unicode.IsControl) {
		return "", "encoded control character"
	}
	return segment, ""
}

// hexAt is the value of the hexadecimal digit at i, -1 if there is none.
func hexAt(s string, i int) int {
	if i >= len(s) {
		return -1
	}
	switch c := s[i]; {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
