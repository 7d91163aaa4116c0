package identity

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/fault"
)

// dangerous are the authorities that a shared service account must not hold: each
// lets its holder take more, write everything or run code. The state account of
// users.state.as may read users, so F_USER_VIEW is not among them.
var dangerous = []string{
	"ALL",
	"F_APP_MANAGEMENT", "M_dhis-web-app-management",
	"F_IMPERSONATE_USER",
	"F_METADATA_IMPORT", "F_METADATA_MANAGE",
	"F_OAUTH2_CLIENT_MANAGE",
	"F_PERFORM_MAINTENANCE", "F_SCHEDULING_ADMIN",
	"F_REPLICATE_USER", "F_USER_ADD", "F_USER_ADD_WITHIN_MANAGED_GROUP", "F_USER_DELETE",
	"F_USERROLE_PUBLIC_ADD", "F_USERROLE_PRIVATE_ADD", "F_USERROLE_DELETE",
	"F_SQLVIEW_PUBLIC_ADD", "F_SQLVIEW_PRIVATE_ADD", "F_SQLVIEW_MANAGEMENT",
	"F_SYSTEM_SETTING",
}

// signInOnce signs the service account in and looks at what it may do. Errors:
// upstream_refused_identity, upstream_unreachable, upstream_timeout.
func (p *Pool) signInOnce(ctx context.Context) (cookie string, err error) {
	s := &p.cfg.Server
	r, err := s.signIn(ctx, p.cfg.Username, p.cfg.Password.text, "")
	if err != nil {
		if f := fault.From(err); f != nil && f.Reason == fault.LoginFailed {
			return "", refused("DHIS2 does not sign in the service account " + p.cfg.Username + ": " + f.Message)
		}
		if errors.Is(err, errNoLogin) {
			return "", refused(err.Error())
		}
		return "", err
	}
	if r.status != statusSuccess {
		return "", refused("DHIS2 does not sign in the service account " + p.cfg.Username + ": " + r.status)
	}
	if r.cookie == "" {
		return "", refused("DHIS2 signed in the service account but set no session cookie")
	}
	return r.cookie, s.harmless(ctx, p.cfg.Username, r.cookie)
}

// harmless refuses an account that could do too much.
func (s *Server) harmless(ctx context.Context, username, cookie string) error {
	req, err := s.request(ctx, http.MethodGet, "/api/me/authorities", nil, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Cookie", cookie)
	a, err := s.send(req)
	if err != nil {
		return err
	}
	if err := answered("GET /api/me/authorities", a); err != nil {
		return err
	}
	var held []string
	if !a.json(&held) {
		return refused("GET /api/me/authorities: the answer is no list")
	}
	held = slices.DeleteFunc(held, func(h string) bool { return !slices.Contains(dangerous, h) })
	if len(held) > 0 {
		return refused("the service account " + username + " holds dangerous authorities: " + strings.Join(held, ", "))
	}
	return nil
}

// The loginStatus values of DHIS2 2.41 to 2.44 (contract 3.2).
const (
	statusSuccess         = "SUCCESS"
	statusDisabled        = "ACCOUNT_DISABLED"
	statusLocked          = "ACCOUNT_LOCKED"
	statusExpired         = "ACCOUNT_EXPIRED"
	statusPasswordExpired = "PASSWORD_EXPIRED"
	statusCode241         = "INCORRECT_TWO_FACTOR_CODE" // 2.41
	statusCodeTOTP        = "INCORRECT_TWO_FACTOR_CODE_TOTP"
	statusCodeEmail       = "INCORRECT_TWO_FACTOR_CODE_EMAIL"
	statusCodeSent        = "EMAIL_TWO_FACTOR_CODE_SENT"
	statusEnrol           = "REQUIRES_TWO_FACTOR_ENROLMENT"
)

// signedIn is what DHIS2 said to a sign-in whose password was not wrong.
type signedIn struct {
	status string // a loginStatus
	cookie string // the session, if SUCCESS
}

// signIn asks POST /api/auth/login (2.41+), or sends the form of older servers.
// A wrong password is login_failed. errNoLogin says that the back end has neither.
func (s *Server) signIn(ctx context.Context, username, password, code string) (signedIn, error) {
	body, err := json.Marshal(struct {
		Username      string `json:"username"`
		Password      string `json:"password"`
		TwoFactorCode string `json:"twoFactorCode,omitempty"`
	}{username, password, code})
	if err != nil {
		return signedIn{}, err
	}
	a, err := s.post(ctx, "/api/auth/login", "application/json", body)
	if err != nil {
		return signedIn{}, err
	}
	var said struct{ LoginStatus string }
	switch {
	case a.status == http.StatusOK && a.json(&said) && said.LoginStatus != "":
		return signedIn{said.LoginStatus, a.cookie()}, nil
	case a.status == http.StatusUnauthorized:
		return signedIn{}, fault.New(fault.LoginFailed, a.message(""))
	case a.status >= 500 || a.status == http.StatusTooManyRequests || a.status == http.StatusBadRequest:
		return signedIn{}, unexpected("POST /api/auth/login", a)
	}
	return s.signInByForm(ctx, username, password, code) // 302 to the login page, 404, 405
}

const formPath = "/dhis-web-commons-security/login.action"

// signInByForm is the form login of DHIS2 up to 2.40: a redirect, back to the form
// when it failed. The form does not tell a wrong password from a wrong code.
func (s *Server) signInByForm(ctx context.Context, username, password, code string) (signedIn, error) {
	form := url.Values{"j_username": {username}, "j_password": {password}}
	if code != "" {
		form.Set("2fa_code", code)
	}
	a, err := s.post(ctx, formPath, "application/x-www-form-urlencoded", []byte(form.Encode()))
	switch {
	case err != nil:
		return signedIn{}, err
	case a.status == http.StatusNotFound, a.status == http.StatusMethodNotAllowed:
		return signedIn{}, errNoLogin
	case a.status == http.StatusUnauthorized, toLogin(a.status, a.header):
		return signedIn{}, fault.New(fault.LoginFailed, a.message(""))
	case a.status/100 == 3 && a.cookie() != "":
		return signedIn{statusSuccess, a.cookie()}, nil
	}
	return signedIn{}, unexpected("POST "+formPath, a)
}

// errNoLogin says that the back end knows no way to sign in but Basic.
var errNoLogin = errors.New("the back end has no sign-in, neither POST /api/auth/login nor POST " + formPath)

func (s *Server) post(ctx context.Context, path, kind string, body []byte) (*answer, error) {
	req, err := s.request(ctx, http.MethodPost, path, nil, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	return s.send(req)
}

// cookie is the session that the answer opens, as a Cookie header, "" if none.
func (a *answer) cookie() string {
	return renew("", &http.Response{Header: a.header})
}
