package sandbox

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// authenticate finds out who asks, or answers: 302 to the sign-in page, or 401
// where the request shows that it is no browser's.
func (c *call) authenticate() bool {
	live, ended := c.s.sessions.find(c.r)
	scheme, rest, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "apitoken": // this DHIS2 has issued none
		c.w.Header().Set("WWW-Authenticate", "ApiToken")
		c.unauthorized("The API token does not exists")
		return false
	case "bearer":
		if c.s.bearers != nil && c.path.API {
			return c.bearer(live, rest)
		}
	}
	if ended {
		c.redirect("/dhis-web-commons-security/logout.action")
		return false
	}
	if live != nil && live.signed {
		if u, err := c.s.md.UserByUsername(c.r.Context(), live.username); err == nil && !u.Disabled {
			c.user = u
			return true
		}
	}
	if strings.HasPrefix(strings.ToLower(scheme), "basic") {
		return c.basic(rest)
	}
	if c.r.Header.Get("X-Requested-With") == "XMLHttpRequest" {
		c.unauthorized("Unauthorized")
		return false
	}
	c.redirect("/login/")
	return false
}

func (c *call) redirect(to string) {
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusFound)
}

// unauthorized is the 401 WebMessage; XML where the caller asks for it, and no body
// for an ApiToken or Bearer whose Accept JSON does not satisfy.
func (c *call) unauthorized(message string) {
	m := dhis2.Error(http.StatusUnauthorized, message, "")
	h := c.w.Header()
	h.Set("Cache-Control", "no-cache, private")
	if c.acceptsXML() && h.Get("WWW-Authenticate") == "" {
		if body, err := m.XML(); err == nil {
			_ = c.raw(m.HTTPStatusCode, "application/xml;charset=UTF-8", body)
			return
		}
	}
	body, err := m.JSON()
	if err != nil {
		body = nil
	}
	_ = c.raw(m.HTTPStatusCode, "application/json;charset=UTF-8", body)
}

// basic signs in by user name and password.
func (c *call) basic(encoded string) bool {
	name, password, ok := readBasic(c.r.Header.Get("Authorization"))
	if !ok {
		c.unauthorized("Unauthorized")
		return false
	}
	u, why := c.s.passes(c.r, name, password)
	if why != "" {
		c.unauthorized(why)
		return false
	}
	c.user = u
	if live, _ := c.s.sessions.find(c.r); live == nil {
		if err := c.s.sessions.open(c.w, u.Username, true, false); err != nil {
			c.fail(err)
			return false
		}
	}
	return true
}

// readBasic reads the header as Spring does: one blank, padding may be missing.
func readBasic(header string) (name, password string, ok bool) {
	if len(header) < 6 || !strings.EqualFold(header[:6], "basic ") {
		return "", "", false
	}
	enc := strings.TrimRight(header[6:], " ")
	if strings.HasPrefix(enc, " ") {
		return "", "", false
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(enc, "="))
	if err != nil {
		return "", "", false
	}
	name, password, ok = strings.Cut(string(raw), ":")
	return name, password, ok && name != ""
}

// passes judges a user name and password over Basic: "" or why not, in DHIS2's
// words.
func (s *Sandbox) passes(r *http.Request, name, password string) (*metadata.User, string) {
	u, err := s.md.UserByUsername(r.Context(), name)
	if errors.Is(err, metadata.ErrNoUser) {
		s.failed(r, name)
		return nil, "Unauthorized"
	}
	if err != nil {
		return nil, "Unauthorized"
	}
	switch {
	case s.locked(r, name):
		return nil, "Account locked"
	case u.Disabled:
		return nil, "Account disabled"
	case u.Expired(s.cfg.Now()):
		return nil, "Unauthorized"
	case !s.md.CheckPassword(u, password):
		s.failed(r, name)
		return nil, "Unauthorized"
	case twoFactorOn(u):
		return nil, "Unauthorized"
	}
	s.failures.clear(name)
	return u, ""
}

// failures counts wrong passwords by user name: 15 minutes after the last one it
// forgets (DHIS2 DefaultUserService).
type failures struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]failure
}

type failure struct {
	n    int
	last time.Time
}

const (
	lockAfter = 4
	lockFor   = 15 * time.Minute
)

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, by: map[string]failure{}}
}

func (f *failures) add(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.by) > 100_000 {
		f.by = map[string]failure{}
	}
	v := f.by[name]
	if f.now().Sub(v.last) >= lockFor {
		v.n = 0
	}
	f.by[name] = failure{v.n + 1, f.now()}
}

func (f *failures) clear(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.by, name)
}

func (f *failures) locked(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.by[name]
	return v.n >= lockAfter && f.now().Sub(v.last) < lockFor
}

func (s *Sandbox) failed(r *http.Request, name string) {
	if s.setting(r.Context(), "keyLockMultipleFailedLogins") == "true" {
		s.failures.add(name)
	}
}

func (s *Sandbox) locked(r *http.Request, name string) bool {
	return s.setting(r.Context(), "keyLockMultipleFailedLogins") == "true" && s.failures.locked(name)
}

// twoFactorOn reports whether the account asks for a second factor.
func twoFactorOn(u *metadata.User) bool {
	return u.TwoFactor == "TOTP_ENABLED" || u.TwoFactor == "EMAIL_ENABLED"
}
