package console

import (
	"net/url"
	"path"
	"strings"
)

// afterwards are the pages that a sign-in may lead back to, below the context path.
var afterwards = []string{"/d2gate/tokens", "/d2gate/clients", "/uaa/oauth/authorize", "/oauth/authorize", "/oauth2/authorize"}

// next reads a return address: a path of ours with its query, and nothing that a
// browser could take for another place (a host, a scheme, a backslash, a control
// character). Anything else becomes the token page.
func (c *Console) next(s string) string {
	if ok := c.ownPage(s); !ok {
		return c.base + "/d2gate/tokens"
	}
	return s
}

func (c *Console) ownPage(s string) bool {
	p, query, _ := strings.Cut(s, "?")
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == '#' || r > 0x7e }) || strings.Contains(p, "%") {
		return false
	}
	rest, ok := strings.CutPrefix(p, c.base+"/")
	if !ok || path.Clean(p) != p {
		return false
	}
	if _, err := url.ParseQuery(query); err != nil {
		return false
	}
	for _, page := range afterwards {
		if below, ok := strings.CutPrefix("/"+rest, page); ok && (below == "" || below[0] == '/' && strings.HasPrefix(page, "/d2gate/")) {
			return true
		}
	}
	return false
}

// destination is the validated address to which an authorization at next would
// send the browser, "" if next is no authorization or leads nowhere.
func (v *visit) destination(next string) string {
	p, query, _ := strings.Cut(next, "?")
	if v.c.cfg.Destination == nil || !strings.HasSuffix(p, "/authorize") {
		return ""
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return v.c.cfg.Destination(v.r.Context(), params)
}
