// Package console is what people see of d2gate: sign-in, consent, their personal
// access tokens, and for administrators everybody's tokens and the OAuth2 clients.
// It answers who is signed in in a browser. It decides neither about passwords
// (identity does) nor about tokens and clients (pat and oauth2server do). The pages
// are server-rendered and work without script. Read console.go, then visit.go and
// session.go, then signin.go and authorize.go.
package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/oauth2server"
	"github.com/d2gate/d2gate/pat"
)

// Login signs people in with DHIS2's own sign-in; identity.Login does.
type Login interface {
	Login(ctx context.Context, username, password, code string, client netip.Addr) (identity.User, identity.Step, error)
}

// Accounts knows the state of accounts; identity.Directory does. Errors are
// faults: token_owner_disabled, upstream_*.
type Accounts interface {
	Check(ctx context.Context, u identity.User) error
	Lookup(ctx context.Context, username string) (identity.User, error)
}

// OIDC is a provider at which people may sign in; identity.OIDC is.
type OIDC interface {
	Begin(ctx context.Context) (string, identity.Attempt, error)
	Finish(ctx context.Context, a identity.Attempt, back url.Values) (identity.ExternalUser, error)
}

// Tokens makes, changes and revokes tokens; pat.Issuer does.
type Tokens interface {
	Find(ctx context.Context, c pat.Caller, uid string) (pat.Record, error)
	List(ctx context.Context, c pat.Caller, f pat.Filter) ([]pat.Record, int, error)
	Issue(ctx context.Context, c pat.Caller, d pat.Draft) (pat.Record, pat.Token, error)
	Edit(ctx context.Context, c pat.Caller, uid string, change func(*pat.Record) error) (pat.Record, error)
	Rotate(ctx context.Context, c pat.Caller, uid string, how pat.Rotation) (pat.Record, pat.Token, error)
	Revoke(ctx context.Context, c pat.Caller, uid string) error
}

// Clients lists the registered OAuth2 clients.
type Clients interface {
	Clients(ctx context.Context) ([]oauth2server.Client, error)
}

// Applications are the OAuth2 clients that people let in; oauth2server.Server knows
// them.
type Applications interface {
	// RevokeOwner ends the access of all applications that a user has let in, and
	// forgets the user's consent; n says how many sign-ins ended.
	RevokeOwner(ctx context.Context, username string) (n int, err error)
}

// Refusals remembers what was refused lately.
type Refusals interface {
	// Refusals returns the last n refusals of a token, newest first.
	Refusals(ctx context.Context, tokenUID string, n int) ([]Refusal, error)
}

// Refusal is one refused request of a token.
type Refusal struct {
	At        time.Time
	RequestID string
	Method    string
	Path      string
	Client    string // address, "" if unknown
	Reason    string
	Failed    []string // every check that failed, Reason among them
}

// Provider is one button of the sign-in page.
type Provider struct {
	ID   string // in the address of its callback: /d2gate/sign-in/ID/callback
	Name string // on the button
	OIDC OIDC
}

// Settings are the parts that a reload may change.
type Settings struct {
	TTL       time.Duration // how long a session lives; 0 means 12 h
	Idle      time.Duration // how long one that nobody uses lives; 0 means 1 h
	Providers []Provider
	// NoPassword leaves the providers as the only way to sign in.
	NoPassword bool
	Tokens     pat.Settings // for the forms; pat itself enforces them
}

// Config of a Console. Everything is required but for what says otherwise.
type Config struct {
	PublicURL    *url.URL // as people reach d2gate, with the context path as its path
	Sessions     SessionStore
	Login        Login
	Accounts     Accounts
	Tokens       Tokens
	Clients      Clients
	Refusals     Refusals            // nil: none are shown
	Applications func() Applications // nil: people cannot end an application's access here
	// Admin reports whether authorities make an administrator (users.admins).
	Admin func(authorities []string) bool
	// ClientIP is the client's address after trusted proxies.
	ClientIP func(*http.Request) netip.Addr
	// Destination is where an authorization request with these parameters would end:
	// the validated redirect URI, "" if there is none. The sign-in page must let that
	// redirect through. nil: the page leaves the browser by a link.
	Destination func(ctx context.Context, params url.Values) string
	Settings    Settings
	MostPending int              // sign-ins of a kind that may be under way, in all; 0 means 10,000
	Rand        io.Reader        // nil means crypto/rand
	Now         func() time.Time // nil means time.Now
}

// Console serves the pages. It is safe for concurrent use.
type Console struct {
	cfg      Config
	base     string // context path, "" or "/dhis"
	settings atomic.Pointer[Settings]
	sessions *sessions
	pending  pending
	origins  *http.CrossOriginProtection
	pages    *pages
	words    *words
	mux      *http.ServeMux
}

// New makes a console.
func New(cfg Config) (*Console, error) {
	if cfg.PublicURL == nil || cfg.Sessions == nil || cfg.Login == nil || cfg.Accounts == nil || cfg.Tokens == nil || cfg.Clients == nil || cfg.Admin == nil || cfg.ClientIP == nil {
		return nil, errors.New("console: New: PublicURL, Sessions, Login, Accounts, Tokens, Clients, Admin and ClientIP are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MostPending == 0 {
		cfg.MostPending = mostPending
	}
	if cfg.Rand == nil {
		cfg.Rand = randReader
	}
	c := &Console{cfg: cfg, base: strings.TrimSuffix(cfg.PublicURL.EscapedPath(), "/"), origins: http.NewCrossOriginProtection()}
	if err := c.origins.AddTrustedOrigin(cfg.PublicURL.Scheme + "://" + cfg.PublicURL.Host); err != nil {
		return nil, err
	}
	c.Reload(cfg.Settings)
	c.sessions = newSessions(c)
	c.pending = pending{cfg.Sessions, cfg.Rand, cfg.Now, cfg.MostPending}
	var err error
	if c.words, err = readWords(); err != nil {
		return nil, err
	}
	if c.pages, err = readPages(); err != nil {
		return nil, err
	}
	c.mux = c.routes()
	return c, nil
}

// Reload swaps the settings; sessions go on under the new ones.
func (c *Console) Reload(s Settings) {
	if s.TTL <= 0 {
		s.TTL = 12 * time.Hour
	}
	if s.Idle <= 0 {
		s.Idle = time.Hour
	}
	c.settings.Store(&s)
}

// https reports whether people reach d2gate over TLS.
func (c *Console) https() bool { return c.cfg.PublicURL.Scheme == "https" }
