// Package oauth2server is the token server: it registers clients, lets people
// authorize them, and issues, refreshes, introspects and revokes tokens. It does
// not sign people in (that is the console, asked through Sessions) and does not
// decide whether a bearer may pass (that is constraints, asked by proxy). One
// endpoint owns the steps of a token request, a grant only proves who the owner
// is. Read token.go first, then the grant_*.go files, then authorize.go.
//
// Rules: RFC 6749, 6750, 7009, 7636, 7662, 8414, 9207 and the BCP RFC 9700; wire
// form and words where the RFCs leave them open: DHIS2 2.41.
package oauth2server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// Owner is the resource owner: the DHIS2 user that a token acts as.
type Owner struct {
	UID         string // DHIS2 uid; "" where the back end names none
	Username    string
	Name        string
	Authorities []string // as last heard; for the client API and consent only
}

// Passwords asks DHIS2 whether a password is right. Errors are faults:
// login_failed (with DHIS2's words), login_throttled, upstream_*.
type Passwords interface {
	CheckPassword(ctx context.Context, username, password string, client netip.Addr) (Owner, error)
}

// Owners knows the state of accounts. Check returns the fault
// token_owner_disabled for one that may not act any more.
type Owners interface {
	CheckOwner(ctx context.Context, o Owner) error
	// Authorities returns those of the account as last heard, none where the back
	// end knows none. Errors as CheckOwner's, and upstream_*.
	Authorities(ctx context.Context, o Owner) ([]string, error)
}

// Sessions says who is signed in in this browser, and shows the pages that
// authorize needs. Implemented by the console.
type Sessions interface {
	// SignedIn returns the owner, or false if nobody is signed in.
	SignedIn(r *http.Request) (Owner, bool)
	// SignIn sends the browser to the sign-in page, which comes back to r.
	SignIn(w http.ResponseWriter, r *http.Request)
	// Consent shows the question. The answer is posted to the same path with the
	// fields of q.Fields and user_oauth_approval=true or false.
	Consent(w http.ResponseWriter, r *http.Request, q Question)
	// Problem shows an error that must not be redirected.
	Problem(w http.ResponseWriter, r *http.Request, e *Error)
	// Token makes the anti-forgery value of this browser's session, and CheckToken
	// compares it in constant time.
	Token(r *http.Request) string
	CheckToken(r *http.Request, token string) bool
}

// Question is what consent asks.
type Question struct {
	Client   Client
	Owner    Owner
	Scopes   []string
	Redirect string // the validated redirect URI; its origin goes into the page's form-action
	Fields   []Field
}

// Field is a hidden field of the consent form.
type Field struct{ Name, Value string }

// Settings are the parts that a reload may change.
type Settings struct {
	PasswordGrant bool
	JWT           bool // access tokens are signed JWTs instead of UUIDs
	AccessTTL     time.Duration
	RefreshTTL    time.Duration // absolute, of the whole family
	ReuseGrace    time.Duration // 0 means that reuse is theft at once
	CodeTTL       time.Duration // at most 60 s
}

// Config of a Server. All but Rand and Now are required.
type Config struct {
	Store     Store
	Passwords Passwords
	Owners    Owners
	Sessions  Sessions
	Keys      *Keys
	Issuer    string // public_url, without a trailing slash
	Settings  Settings
	ClientIP  func(*http.Request) netip.Addr
	// Acts hears on whose behalf tokens are made, for the record; nil: nobody does.
	Acts    func(r *http.Request, uid, username string)
	Revoked func()           // told after something was revoked; nil means nobody
	Rand    io.Reader        // nil means crypto/rand
	Now     func() time.Time // nil means time.Now
}

// Server serves the OAuth2 endpoints. It is safe for concurrent use.
type Server struct {
	cfg      Config
	settings atomic.Pointer[Settings]
	secrets  *secrets
}

// New makes a server.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Passwords == nil || cfg.Owners == nil || cfg.Sessions == nil || cfg.Keys == nil || cfg.ClientIP == nil {
		return nil, errors.New("oauth2server: New: Store, Passwords, Owners, Sessions, Keys and ClientIP are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = RandReader
	}
	if cfg.Acts == nil {
		cfg.Acts = func(*http.Request, string, string) {}
	}
	sec, err := newSecrets()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, secrets: sec}
	s.Reload(cfg.Settings)
	return s, nil
}

// Reload swaps the settings.
func (s *Server) Reload(n Settings) { s.settings.Store(&n) }
