package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxQuery is Tomcat's limit of the query, in bytes.
const maxQuery = 8 << 10

var verbs = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// firewall gives the status with which the container refuses a request before
// DHIS2 sees it (Spring StrictHttpFirewall and Tomcat), 0 for none.
func firewall(r *http.Request) int {
	if r.Method == "TRACE" {
		return http.StatusMethodNotAllowed
	}
	if !slices.Contains(verbs, r.Method) {
		return http.StatusBadRequest
	}
	raw := r.URL.EscapedPath()
	if r.URL.RawPath != "" {
		raw = r.URL.RawPath
	}
	low := strings.ToLower(raw)
	for _, bad := range []string{"//", "/./", "/../", ";", "\\", "%2f", "%5c", "%25", "%3b", "%2e", "%00", "%0a", "%0d"} {
		if strings.Contains(low, bad) {
			return http.StatusBadRequest
		}
	}
	if strings.HasSuffix(raw, "/.") || strings.HasSuffix(raw, "/..") || len(r.URL.RawQuery) > maxQuery {
		return http.StatusBadRequest
	}
	path, err := url.PathUnescape(raw)
	if err != nil || strings.ContainsFunc(path, func(c rune) bool { return c < 0x20 || c == 0x7f || c == '\uFFFD' }) {
		return http.StatusBadRequest
	}
	return 0
}

// page is the container's own HTML page for a status.
func (c *call) page(status int) {
	h := c.w.Header()
	h.Set("Content-Type", "text/html;charset=utf-8")
	h.Set("Content-Language", "en")
	if status == http.StatusMethodNotAllowed && h.Get("Allow") == "" {
		h.Set("Allow", "HEAD, DELETE, POST, GET, OPTIONS, PUT")
	}
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		fmt.Fprintf(c.w, "<!doctype html><html lang=\"en\"><head><title>HTTP Status %d – %s</title></head><body><h1>HTTP Status %d – %s</h1></body></html>",
			status, http.StatusText(status), status, http.StatusText(status))
	}
}
