package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/pat"
	"github.com/d2gate/d2gate/proxy"
)

// visit is one request of a browser.
type visit struct {
	c       *Console
	w       http.ResponseWriter
	r       *http.Request
	session *session // nil if nobody is signed in
	words   *catalogue
	posted  url.Values // the form of a POST
	browser string     // value of the cookie that marks the browser, "" if it has none yet
	err     error      // what the handler returned
}

type visitKey struct{}

func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	return v
}

// maxForm is the largest form that is read, in bytes.
const maxForm = 1 << 20

// Wrap gives a handler the session of the browser, and refuses a POST that comes
// from another site. Around oauth2server.Server.Authorize it is what Sessions
// needs. Errors of the store are store_unavailable.
func (c *Console) Wrap(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := &visit{c: c, w: w, words: c.words.choose(r.Header.Values("Accept-Language")), browser: oneCookie(r.Header.Values("Cookie"), c.browserCookie())}
		v.r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		if err := v.arrive(); err != nil {
			return v.fail(err)
		}
		return h(w, v.r)
	}
}

func (v *visit) arrive() error {
	if v.r.Method == http.MethodPost {
		if err := v.c.origins.Check(v.r); err != nil { // security.md C9
			return fault.New(fault.PolicyRefused, "").WithDetail("a form of another site")
		}
		if err := v.readForm(); err != nil {
			return err
		}
	}
	s, err := v.c.sessions.find(v.r.Context(), v.r.Header.Values("Cookie"))
	if err != nil {
		return fault.Wrap(fault.StoreUnavailable, err)
	}
	v.session = s
	return nil
}

// readForm reads the body and leaves it for the handler.
func (v *visit) readForm() error {
	body, err := io.ReadAll(io.LimitReader(v.r.Body, maxForm+1))
	switch {
	case err != nil:
		return err
	case len(body) > maxForm:
		return fault.New(fault.BodyTooLarge, "")
	}
	v.r.Body = io.NopCloser(bytes.NewReader(body))
	if v.posted, err = url.ParseQuery(string(body)); err != nil {
		return fault.New(fault.RequestMalformed, "")
	}
	return nil
}

// user returns who is signed in, with the authorities as last heard, or nil. An
// account that DHIS2 has disabled is signed out. Errors: upstream_*.
func (v *visit) user() (*identity.User, error) {
	if v.session == nil {
		return nil, nil
	}
	ctx, u := v.r.Context(), v.session.user
	err := v.c.cfg.Accounts.Check(ctx, u)
	if err == nil {
		var now identity.User
		if now, err = v.c.cfg.Accounts.Lookup(ctx, u.Username); err == nil && now.UID != "" { // without a uid nobody was asked
			u.Authorities = now.Authorities
		}
	}
	switch {
	case err == nil:
		v.name(u)
		return &u, nil
	case identity.Disabled(err):
		old := v.session
		v.session = nil
		return nil, v.c.sessions.end(v.w, old)
	}
	return nil, err
}

// name puts on record who uses the page.
func (v *visit) name(u identity.User) { proxy.Name(v.r, principal(u)) }

// caller is the user in pat's words.
func (v *visit) caller(u *identity.User) pat.Caller {
	return pat.Caller{UID: u.UID, Username: u.Username, Name: u.Name, DisplayName: u.DisplayName, Admin: v.c.cfg.Admin(u.Authorities)}
}

// formValue is the anti-forgery value that this browser's forms carry: of the
// session, or made of a cookie that another site can neither read nor set.
func (v *visit) formValue() (string, error) {
	if v.session != nil {
		return v.session.form, nil
	}
	if err := v.markBrowser(); err != nil {
		return "", err
	}
	return digest("form " + v.browser), nil
}

// markBrowser makes sure that the browser has the cookie that marks it.
func (v *visit) markBrowser() (err error) {
	if v.browser != "" {
		return nil
	}
	if v.browser, err = randomText(v.c.cfg.Rand); err != nil {
		return err
	}
	http.SetCookie(v.w, v.c.sessions.cookie(v.c.browserCookie(), v.browser, 0))
	return nil
}

// checkForm compares a form's anti-forgery value in constant time. The one of the
// browser goes on working in tabs that were open before somebody signed in.
func (v *visit) checkForm(value string) bool {
	ok := 0
	if v.session != nil {
		ok = subtle.ConstantTimeCompare([]byte(v.session.form), []byte(value))
	}
	if v.browser != "" {
		ok |= subtle.ConstantTimeCompare([]byte(digest("form "+v.browser)), []byte(value))
	}
	return ok == 1
}

func (c *Console) browserCookie() string { return c.sessions.name + "-browser" }

func digest(s string) string {
	sum := sha256.Sum256([]byte("d2gate " + s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// errOutOfDate says that a form was not of this browser's session.
var errOutOfDate = errors.New("the form is out of date")

// form checks the anti-forgery value of a posted form.
func (v *visit) form() (url.Values, error) {
	if !v.checkForm(v.posted.Get("csrf")) {
		return nil, errOutOfDate
	}
	return v.posted, nil
}
