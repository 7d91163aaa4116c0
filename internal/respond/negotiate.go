package respond

import (
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// WantsXML reports whether a message is to be XML. The path's suffix decides,
// then the format parameter, then Accept, then JSON (contract 3.6, design 8).
func WantsXML(r *http.Request) bool {
	switch f := format(r.URL); {
	case strings.HasPrefix(f, "xml"):
		return true
	case f != "":
		return false
	}
	xml := max(quality(r, "application/xml"), quality(r, "text/xml"))
	return xml > 0 && xml > quality(r, "application/json") && xml >= quality(r, "text/html")
}

// WantsJSON reports whether Accept prefers JSON to a page.
func WantsJSON(r *http.Request) bool {
	if f := format(r.URL); f != "" {
		return strings.HasPrefix(f, "json")
	}
	q := quality(r, "application/json")
	return q > 0 && q > quality(r, "text/html")
}

// format is the path's suffix or the format parameter, without a dot.
func format(u *url.URL) string {
	segments := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	if s := dhis2.ParsePath(segments).Suffix; s != "" {
		return s[1:]
	}
	if !strings.Contains(u.RawQuery, "format=") {
		return ""
	}
	return strings.ToLower(u.Query().Get("format"))
}

// quality is the weight that Accept gives to exactly this media type, 0 if it is
// not named. Ranges do not count: nobody asks for XML by */*.
func quality(r *http.Request, mediaType string) float64 {
	best := 0.0
	for _, line := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(line, ",") {
			t, params, err := mime.ParseMediaType(part)
			if err != nil || t != mediaType {
				continue
			}
			q := 1.0
			if text, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
					q = 0
				}
			}
			best = max(best, q)
		}
	}
	return best
}
