package sandbox

import (
	"net/http"
	"regexp"
	"strings"
)

// cors is DHIS2's CorsFilter: a request of an origin that is neither the server's
// own nor in the whitelist is answered with an empty 200 and not executed. It
// reports whether the request is done.
func (c *call) cors() (bool, error) {
	origin := c.r.Header.Get("Origin")
	if origin == "" {
		return false, nil
	}
	if origin != baseURL(c.r) && !c.whitelisted(origin) {
		c.w.Header()["Content-Type"] = nil
		c.w.WriteHeader(http.StatusOK)
		return true, nil
	}
	h := c.w.Header()
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	asked := c.r.Header.Get("Access-Control-Request-Method")
	if c.r.Method != http.MethodOptions || asked == "" {
		h.Set("Access-Control-Expose-Headers", "ETag, Location")
		return false, nil
	}
	h.Set("Access-Control-Allow-Methods", asked)
	if wanted := c.r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
		h.Set("Access-Control-Allow-Headers", wanted)
	}
	h.Set("Access-Control-Max-Age", "3600")
	c.w.WriteHeader(http.StatusNoContent)
	return true, nil
}

// whitelisted compares an origin with the entries of the whitelist, in which *
// stands for any characters.
func (c *call) whitelisted(origin string) bool {
	for _, entry := range c.settings.whitelist() {
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(entry), `\*`, ".*") + "$"
		if ok, err := regexp.MatchString(pattern, origin); ok && err == nil {
			return true
		}
	}
	return false
}
