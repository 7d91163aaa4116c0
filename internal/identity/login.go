package identity

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
)

// Step is what a sign-in page must ask for next.
type Step string

// The steps. DHIS2 does not tell a missing code from a wrong one; Login does, by
// whether one was sent.
const (
	SignedIn     Step = ""           // nothing: the user is known
	NeedPassword Step = "password"   // user and password, again
	NeedCode     Step = "code"       // the code of an authenticator app
	NeedMailed   Step = "email_code" // the code that DHIS2 has just sent by e-mail
)

// LoginConfig says how pages sign people in.
type LoginConfig struct {
	Server   Server
	Throttle *Throttle // required; the same as Basic's
	Basic    *Basic    // required; for back ends without a sign-in of their own
	// BasicOnly is for back ends that must see no password but in Basic on /api/me
	// (identity none).
	BasicOnly bool
	Now       func() time.Time // nil means time.Now
}

// Login signs people in with DHIS2's own sign-in, so that two factors, locked and
// expired accounts work as they do there.
type Login struct {
	cfg     LoginConfig
	noLogin atomic.Int64 // until when (Unix seconds) the back end is held to have no sign-in
}

// noLoginFor is how long a back end without sign-in is not asked for one.
const noLoginFor = 10 * time.Minute

// NewLogin makes a sign-in.
func NewLogin(cfg LoginConfig) (*Login, error) {
	if err := cfg.Server.check("NewLogin"); err != nil {
		return nil, err
	}
	if cfg.Throttle == nil || cfg.Basic == nil {
		return nil, errors.New("identity: NewLogin: Throttle and Basic are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Login{cfg: cfg}, nil
}

// Login checks a password, and a code of a second factor where DHIS2 asks for one;
// code is "" the first time. With SignedIn the user is known. NeedCode or
// NeedMailed without an error ask for the code; with login_failed the code was
// wrong. Errors: login_failed with words for the page, login_throttled,
// upstream_unreachable, upstream_timeout. Wrong passwords and wrong codes count
// against the same budget as Basic's.
func (l *Login) Login(ctx context.Context, username, password, code string, client netip.Addr) (User, Step, error) {
	if username == "" || password == "" {
		return User{}, NeedPassword, fault.New(fault.LoginFailed, "")
	}
	if l.cfg.BasicOnly || l.cfg.Now().Unix() < l.noLogin.Load() {
		return l.byBasic(ctx, username, password, client)
	}
	u, step, err := l.byServer(ctx, username, password, code, client)
	if errors.Is(err, errNoLogin) {
		l.noLogin.Store(l.cfg.Now().Add(noLoginFor).Unix())
		return l.byBasic(ctx, username, password, client)
	}
	return u, step, err
}

func (l *Login) byBasic(ctx context.Context, username, password string, client netip.Addr) (User, Step, error) {
	u, err := l.cfg.Basic.Verify(ctx, username, password, client)
	if err != nil {
		return User{}, NeedPassword, err
	}
	return u, SignedIn, nil
}

// byServer holds a place in the budget while DHIS2 judges. It goes on when the
// caller hangs up, so that its end is counted.
func (l *Login) byServer(ctx context.Context, username, password, code string, client netip.Addr) (User, Step, error) {
	a, err := l.cfg.Throttle.begin(ctx, username, client)
	if err != nil {
		return User{}, NeedPassword, err
	}
	ctx = context.WithoutCancel(ctx)
	said, err := l.cfg.Server.signIn(ctx, username, password, code)
	if err != nil {
		a.end(wrongPassword(err))
		return User{}, NeedPassword, err
	}
	step, err := judgeStatus(said.status, code)
	a.end(wrongCode(step, err))
	if step != SignedIn || err != nil {
		return User{}, step, err
	}
	u, err := l.whoami(ctx, username, said.cookie)
	if err != nil {
		return User{}, NeedPassword, err
	}
	return u, SignedIn, nil
}

func wrongCode(step Step, err error) bool {
	return err != nil && (step == NeedCode || step == NeedMailed)
}

// judgeStatus turns a loginStatus into what the page does next.
func judgeStatus(status, code string) (Step, error) {
	switch status {
	case statusSuccess:
		return SignedIn, nil
	case statusCode241, statusCodeTOTP:
		return NeedCode, codeFault(code)
	case statusCodeEmail:
		return NeedMailed, codeFault(code)
	case statusCodeSent:
		return NeedMailed, nil
	case statusDisabled:
		return NeedPassword, fault.New(fault.LoginFailed, "Account disabled")
	case statusLocked:
		return NeedPassword, fault.New(fault.LoginFailed, "Account locked")
	case statusExpired:
		return NeedPassword, fault.New(fault.LoginFailed, "Account expired")
	case statusPasswordExpired:
		return NeedPassword, fault.New(fault.LoginFailed, "Password expired. Change it in DHIS2 first.")
	case statusEnrol:
		return NeedPassword, fault.New(fault.LoginFailed, "Two-factor sign-in must be set up in DHIS2 first.")
	}
	return NeedPassword, fault.New(fault.UpstreamUnreachable, "").WithDetail("DHIS2 answered a sign-in with an unknown loginStatus")
}

func codeFault(code string) error {
	if code == "" {
		return nil
	}
	return fault.New(fault.LoginFailed, "Incorrect code")
}

// whoami asks the new session who it is and ends it: d2gate signs in in its own
// way later, and DHIS2 counts sessions.
func (l *Login) whoami(ctx context.Context, username, cookie string) (User, error) {
	if cookie == "" {
		return User{}, refused("DHIS2 signed in but set no session cookie")
	}
	s := &l.cfg.Server
	req, err := s.request(ctx, http.MethodGet, "/api/me", url.Values{"fields": {userFields}}, nil)
	if err != nil {
		return User{}, err
	}
	req.Header.Set("Cookie", cookie)
	a, err := s.send(req)
	s.signOut(ctx, renewed(cookie, a))
	if err != nil {
		return User{}, err
	}
	if err := answered("GET /api/me", a); err != nil {
		return User{}, err
	}
	return readUser(a, username), nil
}

// renewed is the cookie after an answer, which may have changed it.
func renewed(cookie string, a *answer) string {
	if a == nil {
		return cookie
	}
	return renew(cookie, &http.Response{Header: a.header})
}

// signOut ends a session. It matters to DHIS2's bookkeeping only, so a failure is
// borne: the session ends by itself.
func (s *Server) signOut(ctx context.Context, cookie string) {
	req, err := s.request(ctx, http.MethodGet, "/dhis-web-commons-security/logout.action", nil, nil)
	if err != nil || cookie == "" {
		return
	}
	req.Header.Set("Cookie", cookie)
	_, _ = s.send(req)
}
