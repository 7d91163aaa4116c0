package sandbox

import (
	"net/http"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// endpoint is one path of the API and what its verbs do.
type endpoint struct {
	path  string // below /api; * is one segment
	verbs map[string]func(*call) error
	// open is what everybody may ask: "exact" only as written, "versioned" also below
	// /api/NN.
	open string
	any  bool // answers whatever Accept says
}

type verbsOf = map[string]func(*call) error

// table lists every path that this package answers itself.
func (s *Sandbox) table() []endpoint {
	return []endpoint{
		{path: "ping", verbs: verbsOf{"GET": ping}, open: "exact", any: true},
		{path: "system/ping", verbs: verbsOf{"GET": systemPing}, open: "exact", any: true},
		{path: "loginConfig", verbs: verbsOf{"GET": loginConfig}, open: "versioned"},
		{path: "locales/ui", verbs: verbsOf{"GET": locales}, open: "versioned"},
		{path: "auth/login", verbs: verbsOf{"POST": login}, open: "versioned", any: true},
		{path: "auth/updatePassword", verbs: verbsOf{"POST": updatePassword}, open: "versioned"},
		{path: "system/info", verbs: verbsOf{"GET": systemInfo}},
		{path: "system/id", verbs: verbsOf{"GET": systemIDs}},
		{path: "system/uid", verbs: verbsOf{"GET": systemIDs}},
		{path: "system/uuid", verbs: verbsOf{"GET": systemUUIDs}},
		{path: "systemSettings", verbs: verbsOf{"GET": settingsList, "POST": settingsPost, "DELETE": settingsDelete}},
		{path: "systemSettings/*", verbs: verbsOf{"GET": settingGet, "POST": settingPost, "DELETE": settingDelete}, any: true},
		{path: "configuration/corsWhitelist", verbs: verbsOf{"GET": corsList, "POST": corsSet}},
		{path: "maintenance", verbs: verbsOf{"POST": maintenance, "PUT": maintenance}},
		{path: "maintenance/*", verbs: verbsOf{"POST": maintenance, "PUT": maintenance}},
		{path: "sessions", verbs: verbsOf{"GET": sessionsList, "DELETE": sessionsDelete}},
		{path: "sessions/*", verbs: verbsOf{"DELETE": sessionsDelete}},
		{path: "dataValueSets", verbs: verbsOf{"GET": dataValueSets, "POST": dataValueSets}},
		{path: "2fa/enabled", verbs: verbsOf{"GET": twoFactorEnabled}},
		{path: "2fa/enrollTOTP2FA", verbs: verbsOf{"POST": twoFactorEnroll}},
		{path: "2fa/enrollEmail2FA", verbs: verbsOf{"POST": twoFactorEmail}},
		{path: "2fa/qrCodeJson", verbs: verbsOf{"GET": twoFactorCode}},
		{path: "2fa/enable", verbs: verbsOf{"POST": twoFactorEnable}},
		{path: "2fa/enabled", verbs: verbsOf{"POST": twoFactorEnable}},
		{path: "2fa/disable", verbs: verbsOf{"POST": twoFactorDisable}},
		{path: "2fa/disabled", verbs: verbsOf{"POST": twoFactorDisable}},
		{path: "sharing", verbs: verbsOf{"GET": sharingGet, "POST": sharingSet, "PUT": sharingSet}},
		{path: "apps", verbs: verbsOf{"GET": appsList, "POST": appsInstall, "PUT": appsReload}},
		{path: "apps/*", verbs: verbsOf{"DELETE": appsDelete}},
		{path: "dataStore", verbs: verbsOf{"GET": dsNamespaces}},
		{path: "dataStore/protections", verbs: verbsOf{"GET": dsProtections, "DELETE": dsDeleteNamespace}},
		{path: "dataStore/*", verbs: verbsOf{"GET": dsKeys, "DELETE": dsDeleteNamespace}},
		{path: "dataStore/*/keys", verbs: verbsOf{"GET": dsKeyList, "POST": dsCreate, "PUT": dsUpdate, "DELETE": dsDelete}},
		{path: "dataStore/*/*", verbs: verbsOf{"GET": dsGet, "POST": dsCreate, "PUT": dsUpdate, "DELETE": dsDelete}},
		{path: "dataStore/*/*/metaData", verbs: verbsOf{"GET": dsMetaData}},
		{path: "userDataStore", verbs: verbsOf{"GET": udsNamespaces}},
		{path: "userDataStore/*", verbs: verbsOf{"GET": udsKeys, "DELETE": udsDeleteNamespace}},
		{path: "userDataStore/*/keys", verbs: verbsOf{"GET": udsKeyList, "POST": udsCreate, "PUT": udsUpdate, "DELETE": udsDelete}},
		{path: "userDataStore/*/*", verbs: verbsOf{"GET": udsGet, "POST": udsCreate, "PUT": udsUpdate, "DELETE": udsDelete}},
	}
}

// match finds the endpoint of the path; literals win over wildcards. Endpoints with
// the same path are one.
func (c *call) match() {
	if !c.path.API || c.unknown {
		return
	}
	best := -1
	for i := range c.s.routes {
		e := &c.s.routes[i]
		args, ok := fits(e.path, c.path.Segments)
		if !ok {
			continue
		}
		if wild := len(args); best < 0 || wild < best || wild == best && e.verbs[c.verb()] != nil {
			c.found, c.args, best = e, args, wild
		}
	}
}

func fits(pattern string, segments []string) (args []string, ok bool) {
	parts := strings.Split(pattern, "/")
	if len(parts) != len(segments) {
		return nil, false
	}
	for i, p := range parts {
		if p == "*" {
			args = append(args, segments[i])
		} else if p != segments[i] {
			return nil, false
		}
	}
	return args, true
}

// verb is the method; HEAD is answered as GET without its body.
func (c *call) verb() string {
	if c.r.Method == http.MethodHead {
		return http.MethodGet
	}
	return c.r.Method
}

// public reports whether anybody may ask.
func (c *call) public() bool {
	if c.r.URL.Path == "/favicon.ico" || strings.HasPrefix(c.r.URL.Path, "/dhis-web-commons-security/") || c.r.URL.Path == "/login" || strings.HasPrefix(c.r.URL.Path, "/login/") || strings.HasPrefix(c.r.URL.Path, "/dhis-web-login") {
		return true
	}
	if c.found == nil || c.slash || c.path.Suffix != "" {
		return false
	}
	return c.found.open == "versioned" || c.found.open == "exact" && c.path.Version == ""
}

// dispatch answers.
func (c *call) dispatch() error {
	switch {
	case !c.path.API:
		return c.outside()
	case c.unknown:
		return notFound
	case len(c.path.Segments) == 0:
		return c.root()
	case c.found == nil && c.s.md.Owns(c.path.Segments):
		c.s.md.ServeHTTP(c.w, c.r, c.user, c.path.Segments)
		return nil
	case c.found == nil:
		return notFound
	}
	if c.r.Method == http.MethodOptions {
		c.w.Header().Set("Allow", c.allow())
		return c.empty(http.StatusOK)
	}
	h := c.found.verbs[c.verb()]
	if h == nil {
		return problem.New(http.StatusMethodNotAllowed, "", "Request method '%s' is not supported", c.r.Method)
	}
	if !c.found.any && !c.acceptsJSON() {
		return notAcceptable
	}
	return h(c)
}

func (c *call) allow() string {
	var list []string
	for i := range c.s.routes {
		e := &c.s.routes[i]
		if e.path != c.found.path {
			continue
		}
		for v := range e.verbs {
			list = append(list, v)
			if v == http.MethodGet {
				list = append(list, http.MethodHead)
			}
		}
	}
	slices.Sort(list)
	return strings.Join(append(list, http.MethodOptions), ",")
}

// root is /api itself.
func (c *call) root() error {
	if c.path.Version != "" && !c.slash {
		return notFound
	}
	if c.verb() != http.MethodGet {
		return problem.New(http.StatusMethodNotAllowed, "", "Request method '%s' is not supported", c.r.Method)
	}
	c.redirect(baseURL(c.r) + "/api/resources")
	return nil
}

// outside is what lies beside the API: pages, and the look-up of apps.
func (c *call) outside() error {
	p := c.r.URL.Path
	query := ""
	if c.r.URL.RawQuery != "" {
		query = "?" + c.r.URL.RawQuery
	}
	switch {
	case p == "/favicon.ico":
		return c.raw(http.StatusOK, "image/x-icon;charset=UTF-8", []byte{0})
	case p == "/login/":
		return c.raw(http.StatusOK, "text/html;charset=UTF-8", []byte("<!doctype html><title>Sandbox DHIS2</title><h1>Sandbox DHIS2</h1><p>Sign in by the API: POST /api/auth/login.</p>"))
	case p == "/login", strings.HasPrefix(p, "/dhis-web-login"):
		c.w.Header().Set("Location", "/login/"+query)
		return c.empty(http.StatusMovedPermanently)
	case p == "/dhis-web-commons-security/logout.action":
		if live, _ := c.s.sessions.find(c.r); live != nil {
			c.s.sessions.end(live)
		}
		c.redirect("/")
		return nil
	case p == "/dhis-web-commons-security/login.action" && c.r.Method == http.MethodPost:
		return formLogin(c)
	case p == "/":
		return c.raw(http.StatusOK, "text/html;charset=UTF-8", []byte("<!doctype html><title>Sandbox DHIS2</title><h1>Sandbox DHIS2</h1>"))
	case strings.HasSuffix(p, "/"), strings.HasPrefix(p, "/api"), strings.Contains(p[strings.LastIndexByte(p, '/'):], "."):
		return notFound
	}
	c.w.Header().Set("Location", p+"/"+query)
	return c.empty(http.StatusMovedPermanently)
}

// said is a WebMessage of DHIS2 with the words of this release.
func (c *call) said(status int, text string) error {
	if status >= 400 {
		return c.message(dhis2.Error(status, text, ""))
	}
	return c.message(dhis2.NewMessage(status, dhis2.StatusOK, text))
}
