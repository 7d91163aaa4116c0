package sandbox

import (
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// signIn is the chain of DHIS2's security filters: sessions, Bearer, Basic, and
// the way in for those who are nobody. It reports whether the request is done.
func (c *call) signIn() (bool, error) {
	public := c.isPublic()
	if public == lookAtNothing {
		return false, nil
	}
	s, ended, live := c.sessions.touch(cookieOf(c.r))
	if ended {
		return true, c.redirect(http.StatusFound, "/dhis-web-commons-security/logout.action")
	}
	if live && s.kind != byJWT {
		u, err := c.meta.UserByUsername(c.r.Context(), s.username)
		if err != nil && !errors.Is(err, metadata.ErrNoUser) {
			return false, err
		}
		c.user = u
	}
	if done, err := c.byHeader(s, live); done || err != nil {
		return done, err
	}
	if c.user == nil && public == no {
		return true, c.turnAway("Unauthorized")
	}
	if live && c.user != nil {
		c.tellExpiry()
	}
	return false, nil
}

// byHeader looks at the first Authorization line.
func (c *call) byHeader(s session, live bool) (bool, error) {
	header := c.r.Header.Get("Authorization")
	scheme, _, _ := strings.Cut(header, " ")
	switch {
	case c.bearer != nil && len(header) >= 6 && strings.EqualFold(header[:6], "bearer"):
		return c.signInBearer(header, s, live)
	case strings.EqualFold(scheme, "basic"):
		return c.signInBasic(header)
	}
	return false, nil
}

// turnAway answers somebody who is nobody: 401 for scripts that say so, else the
// way to the sign-in page.
func (c *call) turnAway(message string) error {
	header := c.r.Header.Get("Authorization")
	basic := len(header) >= 5 && strings.EqualFold(header[:5], "basic")
	if basic || c.r.Header.Get("X-Requested-With") == "XMLHttpRequest" {
		return c.unauthorized(message, basic && acceptsXML(c.r))
	}
	return c.redirect(http.StatusFound, c.loginPage())
}

func (c *call) loginPage() string {
	if c.dialect.absoluteRedirect {
		return baseURL(c.r) + c.dialect.login
	}
	return c.dialect.login
}

// signInBasic takes user and password. A session of the same user goes before it.
func (c *call) signInBasic(header string) (bool, error) {
	name, password, ok := readBasic(header)
	if c.user != nil && c.user.Username == name {
		return false, nil
	}
	c.user = nil
	if !ok {
		return true, c.turnAway("Unauthorized")
	}
	u, refusal, err := c.verify(name, password)
	if err != nil {
		return false, err
	}
	if refusal != "" || u.TwoFactor == totpEnabled {
		if refusal == "" || !c.dialect.lockedWords {
			refusal = "Unauthorized"
		}
		return true, c.turnAway(refusal)
	}
	c.user = u
	id, err := c.sessions.open(name, byBasic)
	if err != nil {
		return false, err
	}
	c.giveCookie(id)
	return false, nil
}

// readBasic decodes "Basic dXNlcjpwYXNz"; padding may be missing.
func readBasic(header string) (name, password string, ok bool) {
	_, text, _ := strings.Cut(header, " ")
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimRight(text, " "), "="))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(b), ":")
}

// verify checks a password and the account's state. A refusal is Basic's word:
// "Account locked" and "Account disabled" come before the password is looked at.
func (c *call) verify(name, password string) (u *metadata.User, refusal string, err error) {
	if c.locked(name) {
		return nil, "Account locked", nil
	}
	u, err = c.meta.UserByUsername(c.r.Context(), name)
	if errors.Is(err, metadata.ErrNoUser) {
		c.failed(name)
		return nil, "Unauthorized", nil
	}
	if err != nil {
		return nil, "", err
	}
	switch now := c.cfg.Now(); {
	case u.Disabled:
		return u, "Account disabled", nil
	case u.Expired(now):
		return u, "Unauthorized", nil
	case u.ExternalAuth || !c.meta.CheckPassword(u, password):
		c.failed(name)
		return u, "Unauthorized", nil
	case c.passwordOver(u, now):
		return u, "Unauthorized", nil
	}
	c.failures.clear(name)
	return u, "", nil
}

// failed counts a wrong password while the lock-out is on.
func (c *call) failed(name string) {
	if c.settings.flag("keyLockMultipleFailedLogins") {
		c.failures.add(name)
	}
}

func (c *call) locked(name string) bool {
	return c.settings.flag("keyLockMultipleFailedLogins") && c.failures.locked(name)
}

// passwordOver reports a password that is older than the setting allows, in
// months.
func (c *call) passwordOver(u *metadata.User, now time.Time) bool {
	months := c.settings.number("credentialsExpires")
	return months > 0 && !u.PasswordChanged.IsZero() && u.PasswordChanged.AddDate(0, months, 0).Before(now)
}

// publicness of a path.
type publicness uint8

const (
	no            publicness = iota
	yes                      // nobody may ask, a credential is looked at
	lookAtNothing            // a credential is not even looked at
)

var (
	blindPaths  = regexp.MustCompile(`^/api/(ping|system/ping|([0-9]+/)?loginConfig)$`)
	publicPaths = regexp.MustCompile(`^(/api/([0-9]+/)?auth/(login|forgotPassword|passwordReset|registration|invite|updatePassword)` +
		`|/api/([0-9]+/)?account/(recovery|restore|verifyEmail)|/api/locales/ui|/api/staticContent/[^/]+|/api/files/style/external` +
		`|/api/publicKeys/.*|/favicon\.ico|/login/?|/dhis-web-login/?.*|/dhis-web-commons/security/login\.action|/dhis-web-commons-security/logout\.action)$`)
)

// isPublic compares the path as received: a trailing slash or a suffix makes a
// public path an ordinary one.
func (c *call) isPublic() publicness {
	switch {
	case blindPaths.MatchString(c.at.raw):
		return lookAtNothing
	case publicPaths.MatchString(c.at.raw), c.at.raw == formLogin && c.dialect.minor <= 41:
		return yes
	}
	return no
}
