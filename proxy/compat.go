package proxy

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// oldestVersion is the lowest API version that DHIS2 2.37 to 2.44 answer
// (ApiVersionFilter, DhisApiVersion).
const oldestVersion = 28

// rewrite is the compat of a route (design 10): what is forwarded, and what was
// changed, for the audit. Without compat it is what was received.
func (r *Route) rewrite(method string, t *Target) (path, query string, changed []string) {
	path, query = t.Path, t.Query
	if r.versions {
		if p, ok := dropOldVersion(path, t.DHIS2); ok {
			path = p
			changed = append(changed, "api_versions")
		}
	}
	if r.parameters && query != "" && reads(method) {
		if q := modernQuery(query, t.DHIS2); q != query {
			query = q
			changed = append(changed, "metadata_parameters")
		}
	}
	return path, query, changed
}

// dropOldVersion takes /NN out of /api/NN/… where DHIS2 no longer answers it. A
// version that is too new is left to the server, and so is one with another behind
// it: without the first, /api/5/41/users would be /api/41/users, which no rule was
// asked about (security.md B9).
func dropOldVersion(path string, p dhis2.Path) (string, bool) {
	n, err := strconv.Atoi(p.Version)
	if err != nil || n >= oldestVersion || p.Version[0] == '0' || len(p.Segments) > 0 && numeric(p.Segments[0]) {
		return path, false
	}
	i := strings.IndexByte(path[1:], '/') + 1 // after api, however it is spelt
	end := strings.IndexByte(path[i+1:], '/')
	if end < 0 {
		return path[:i], true
	}
	return path[:i] + path[i+1+end:], true
}

// oldNames are the parameters of DHIS2's import-export page that no version reads
// (DHIS2 2.26 to 2.44) and what reads them.
var oldNames = map[string]string{
	"defaultFields": "fields",
	"defaultFilter": "filter",
	"defaultOrder":  "order",
}

// modernQuery rewrites parameter names of /api/metadata, and ^like in filters
// everywhere: up to DHIS2 2.26 it meant "starts with", which is $like since. What
// it does not know it leaves byte for byte.
func modernQuery(query string, p dhis2.Path) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		plain, err := url.QueryUnescape(name)
		if err != nil {
			continue
		}
		if today, old := oldNames[plain]; old && p.Resource() == "metadata" {
			name, plain = today, today
		}
		if plain == "filter" || strings.HasSuffix(plain, ":filter") {
			value = oldLike.ReplaceAllString(value, "${1}$$${2}")
		}
		pairs[i] = name + "=" + value
	}
	return strings.Join(pairs, "&")
}

// oldLike finds the operator ^like, possibly negated and for any case of letters,
// between its separators, each of them plain or percent-encoded.
var oldLike = regexp.MustCompile(`(?i)((?::|%3a)(?:!|%21)?)(?:\^|%5e)(i?like(?::|%3a))`)
