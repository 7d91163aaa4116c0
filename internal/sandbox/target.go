package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// target is where a request goes.
type target struct {
	raw       string   // path as received
	api       bool     // /api or below
	segments  []string // decoded, after /api[/NN], without trailing slash and format suffix
	suffix    string   // known format suffix of the last segment (".json"), "" if none
	slash     bool     // the path ended in a slash
	versioned bool     // /api/NN
	noVersion bool     // /api/NN that this server does not answer
	odd       bool     // the last segment has an extension that is no format (Spring's RFD protection)
}

// maxQuery is how long a query may be, in bytes (contract 3.6).
const maxQuery = 8 << 10

// verbs that the firewall lets through; TRACE is refused by the servlet.
var knownVerbs = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// readTarget is Spring's StrictHttpFirewall and the container's own checks, as
// DHIS2 2.44 was seen to apply them.
func (c *call) readTarget() (target, error) {
	raw, _, _ := strings.Cut(c.r.RequestURI, "?")
	if u, err := url.Parse(raw); err == nil && u.IsAbs() {
		raw = u.EscapedPath()
	}
	if c.r.Method == http.MethodTrace {
		return target{}, &problem.Page{Status: http.StatusMethodNotAllowed, Allow: "HEAD, DELETE, POST, GET, OPTIONS, PUT"}
	}
	if strings.Contains(raw, "//") {
		return target{}, &problem.Page{Status: c.dialect.emptySegment}
	}
	if !slices.Contains(knownVerbs, c.r.Method) || len(c.r.URL.RawQuery) > maxQuery || c.ambiguous(raw) {
		return target{}, &problem.Page{Status: http.StatusBadRequest}
	}
	return c.parseTarget(raw)
}

var encodedTrouble = regexp.MustCompile(`(?i)%(2f|5c|25|3b|2e|0[0-9a-f]|1[0-9a-f]|7f)|[;\\]`)

// ambiguous reports a path that two readers could take in two ways.
func (c *call) ambiguous(raw string) bool {
	if !strings.HasPrefix(raw, "/") || encodedTrouble.MatchString(raw) {
		return true
	}
	for s := range strings.SplitSeq(raw, "/") {
		if s == "." || s == ".." {
			return true
		}
	}
	path, err := url.PathUnescape(raw)
	return err != nil || !utf8.ValidString(path) && !c.dialect.anyBytes || strings.ContainsAny(path, "\u0085\u2028\u2029")
}

func (c *call) parseTarget(raw string) (target, error) {
	t := target{raw: raw}
	trimmed := strings.TrimPrefix(raw, "/")
	trimmed, t.slash = strings.CutSuffix(trimmed, "/")
	var parts []string
	if trimmed != "" {
		parts = strings.Split(trimmed, "/")
	}
	t.api = len(parts) > 0 && (parts[0] == "api" || len(parts) == 1 && parts[0] == "api.json")
	if t.api {
		parts = t.cutVersion(parts[1:], c.dialect)
	}
	for _, p := range parts {
		s, err := url.PathUnescape(p)
		if err != nil {
			return t, &problem.Page{Status: http.StatusBadRequest}
		}
		t.segments = append(t.segments, replaceInvalid(s))
	}
	if n := len(t.segments); n > 0 && t.api {
		last := &t.segments[n-1]
		*last, t.suffix = cutSuffix(*last, c.dialect.anySuffix)
		t.odd = t.suffix == "" && strings.Contains(strings.TrimSuffix(*last, "."), ".")
	}
	return t, nil
}

// replaceInvalid puts a replacement character for each byte that is no UTF-8.
func replaceInvalid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// cutVersion takes NN off /api/NN. Digits must stand there as themselves.
func (t *target) cutVersion(parts []string, d dialect) []string {
	if len(parts) == 0 || parts[0] == "" || strings.Trim(parts[0], "0123456789") != "" {
		return parts
	}
	n, err := strconv.Atoi(parts[0])
	t.versioned = true
	t.noVersion = err != nil || parts[0][0] == '0' || !d.answers(n) || len(parts) == 1 && !t.slash
	return parts[1:]
}

// formats are the suffixes that DHIS2 2.44 takes for a format
// (CustomPathExtensionContentNegotiationStrategy); any other is part of the name.
var formats = []string{
	".json", ".xml", ".csv", ".pdf", ".xls", ".xlsx", ".png", ".geojson", ".jsonp", ".adx", ".adx.xml",
	".json.gz", ".json.zip", ".xml.gz", ".xml.zip", ".csv.gz", ".csv.zip",
}

// cutSuffix cuts a format that starts at the first dot. Up to 2.41 Spring cut
// whatever followed the last dot.
func cutSuffix(s string, any bool) (base, suffix string) {
	if i := strings.IndexByte(s, '.'); i >= 0 && slices.Contains(formats, s[i:]) && (any || i > 0) {
		return s[:i], s[i:]
	}
	if i := strings.LastIndexByte(s, '.'); any && i >= 0 {
		if slices.Contains(formats, s[i:]) {
			return s[:i], s[i:]
		}
		return s[:i], ""
	}
	return s, ""
}

// baseURL is the address that Location and href begin with: scheme and host of
// the request, or what a proxy says in X-Forwarded-Proto, -Host and -Port.
func baseURL(r *http.Request) string {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if p := first(r.Header.Get("X-Forwarded-Proto")); p == "http" || p == "https" {
		scheme = p
	}
	if h := first(r.Header.Get("X-Forwarded-Host")); h != "" {
		host = h
	}
	if p := first(r.Header.Get("X-Forwarded-Port")); p != "" {
		name, _, _ := strings.Cut(host, ":")
		host = name
		if !(scheme == "http" && p == "80" || scheme == "https" && p == "443") {
			host += ":" + p
		}
	}
	return scheme + "://" + host
}

// first is the first entry of a list in a header.
func first(list string) string {
	s, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(s)
}
