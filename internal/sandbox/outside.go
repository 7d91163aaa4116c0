package sandbox

import (
	"encoding/base64"
	"net/http"
	"path"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// noFrontEnd is the sign-in page of a server that has none.
const noFrontEnd = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sandbox DHIS2</title></head><body><h1>Sandbox DHIS2</h1><p>This server has no pages. Sign in with Basic, or with POST /api/auth/login.</p></body></html>`

// icon is a picture of one transparent pixel.
const icon = "AAABAAEAAQEAAAEAIAAwAAAAFgAAACgAAAABAAAAAgAAAAEAIAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

// outside answers paths that are not below /api. A sandbox has no front end, so
// these are the few that DHIS2's own clients meet on their way.
func (c *call) outside() error {
	switch p := c.at.raw; {
	case p == "/favicon.ico":
		b, err := base64.StdEncoding.DecodeString(icon)
		if err != nil {
			return err
		}
		return c.text(http.StatusOK, "image/x-icon;charset=UTF-8", string(b))
	case p == "/dhis-web-commons-security/logout.action":
		return c.logout()
	case strings.HasPrefix(p, "/dhis-web-login"):
		return c.redirect(http.StatusMovedPermanently, withQuery("/login/", c.r.URL.RawQuery))
	case p == "/dhis-web-commons/security/login.action" && c.user != nil:
		c.at.odd = true
		return problem.New(http.StatusNotFound, "", "App 'commons' not found.")
	case p == formLogin && c.r.Method == http.MethodPost && c.dialect.minor <= 41:
		return c.loginByForm()
	case p == "/login/":
		return c.text(http.StatusOK, "text/html;charset=UTF-8", noFrontEnd)
	case p == "/" || p == "":
		return c.redirect(http.StatusFound, baseURL(c.r)+"/apps/")
	}
	return c.appPath()
}

// appPath is DHIS2's look-up of an app: what has no extension and no slash at its
// end gets one.
func (c *call) appPath() error {
	p := c.at.raw
	if c.dialect.unknownIsLogin {
		return c.redirect(http.StatusFound, baseURL(c.r)+c.dialect.login)
	}
	if c.at.slash || strings.HasPrefix(p, "/api") || strings.Contains(path.Base(p), ".") {
		return &problem.Page{Status: http.StatusNotFound}
	}
	return c.redirect(http.StatusMovedPermanently, withQuery(p+"/", c.r.URL.RawQuery))
}

func withQuery(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}
