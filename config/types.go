package config

import (
	"net/netip"
	"net/url"
	"time"
)

// Config is the whole file, decoded, checked, with defaults filled in. It is
// never changed after Load. Zero values are those of the schema (d2gate schema).
type Config struct {
	Version           int
	Server            Server
	Admin             Admin
	Store             Store
	Upstream          Upstream
	Users             Users
	Tokens            Tokens
	ConstraintFailure string // "dhis2" (401) or "strict" (403)
	OAuth2            OAuth2
	Login             Login
	Routes            []Route
	Default           string // "refuse"
	Sandbox           Sandbox
	Embeds            []Embed
	Rates             map[string][]Rate // by name; login and bad_token are built in
	Audit             Audit
	Tests             []Test

	File string // absolute path of the file, "" when made in memory; relative paths count from its folder
	Hash string // hex SHA-256 of the text, for status and logs

	Warnings []string // with positions: what is right and yet deserves a look
	text     []byte   // of the file
}

type Server struct {
	PublicURL      *url.URL // with the context path as its path
	ContextPath    string   // "" or "/dhis"
	Listen         string
	InsecureHTTP   bool
	TLS            *TLS
	TrustedProxies []netip.Prefix // nobody when empty
	ProxyProtocol  bool
	Limits         Limits
	ShutdownGrace  time.Duration
}

type TLS struct{ CertFile, KeyFile string }

type Limits struct {
	Header        int64 // bytes
	Target        int64 // bytes
	Body          int64 // bytes
	HeaderTimeout time.Duration
	IdleTimeout   time.Duration
	InFlight      int // 0 means no limit
}

type Admin struct {
	Listen string
	Socket string // path of the unix socket
}

type Store struct {
	URL          StoreURL
	MaxStaleness time.Duration
	CacheEntries int
	Retention    struct{ ExpiredTokens, Audit time.Duration }
}

// StoreURL is sqlite:PATH or postgres://…, possibly behind a secret reference.
type StoreURL struct {
	Ref    Secret // set when the value is env:, file: or cred:
	Driver string // "sqlite" or "postgres"; "" while only Ref is known
	Path   string // sqlite only
}

type Upstream struct {
	URL             *url.URL
	ConnectTimeout  time.Duration
	ResponseTimeout time.Duration // until the response header
	IdleConnections int
	Identity        Identity            // the default one
	Identities      map[string]Identity // others, by name
}

// Identity says how d2gate signs in to DHIS2.
type Identity struct {
	Name       string // "" for the default one
	Mode       string // jwt, pat, basic, passthrough, none
	Issuer     string // jwt: overrides <public_url>/d2gate/issuer
	Claim      string // jwt: "username" or "email"
	Audience   string // jwt
	TTL        time.Duration
	SigningKey Secret // jwt
	Username   string // basic, or a jwt that always acts as this user
	Password   Secret // basic
	Sessions   int    // basic: pooled sessions
}

type Users struct {
	Verify string // "dhis2"
	State  UserState
	Admins []string // authorities that make an administrator
}

type UserState struct {
	CheckEvery time.Duration
	As         string    // name of an identity, "" if unset
	AsIdentity *Identity // resolved, or written in place; nil if unset
}

type Tokens struct {
	Mint          string // d2pat | d2p
	DefaultExpiry time.Duration
	MaxExpiry     time.Duration // 0 means none
	MaxPerUser    int           // 0 means none
	Require       map[string][]string
	Unknown       string // refuse | ask_upstream
	Overlap       time.Duration
	Notices       Notices

	requires []requires // while reading
}

type requires struct {
	name string
	list *[]string
}

type Notices struct {
	BeforeExpiry []time.Duration
	Webhook      Secret
}

type OAuth2 struct {
	LegacyPaths    bool
	PasswordGrant  bool
	AccessFormat   string // opaque | jwt
	AccessTTL      time.Duration
	RefreshTTL     time.Duration
	ReuseGrace     time.Duration
	CodeTTL        time.Duration
	TrustedIssuers []TrustedIssuer
}

type TrustedIssuer struct{ Issuer, Audience, UsernameClaim string }

type Login struct {
	SessionTTL, SessionIdle time.Duration
	Providers               []Provider
}

type Provider struct {
	ID, Type, Name, Issuer, ClientID, UsernameClaim string
	ClientSecret                                    Secret
}

// Route is one entry of the policy. First match by Path or Resource, and Methods,
// wins; all the rest are demands that refuse.
type Route struct {
	ID           string
	Path         string // glob: * is one segment, ** the rest
	Resource     string // resource[/selector], as in a scope
	Methods      []string
	Credentials  []string // pat oauth2 basic session none; empty means as the default route: pat oauth2 basic
	Addresses    []netip.Prefix
	Referrers    []string
	Identity     string // name in Upstream.Identities, "" for the default
	Body         int64  // bytes, 0 means Server.Limits.Body
	Timeout      time.Duration
	Concurrency  int
	Rate         string // name in Rates
	Refuse       string // message; set means that the route refuses
	Mode         string // "" (enforce) or "report"
	EnforceAfter time.Time
	Compat       []string
	Line         int // in the file, for explain
}

type Sandbox struct{ Version string }

type Embed struct {
	ID                         string
	Hosts, Parents, Dashboards []string
	Identity                   string
	Oldest                     string
	CacheTTL, CacheStale       time.Duration
	CacheSize                  int64
	Rate                       string
}

// Rate is one rule. Per names what a bucket is for: token, username, client_ip,
// route; two names are one bucket for each.
type Rate struct {
	Per         []string
	Events      int // Events in Window
	Window      time.Duration
	Burst       int
	Concurrency int
}

type Audit struct {
	Sinks   []Sink
	Allowed float64 // share of allowed requests that is written, 0 to 1
}

type Sink struct {
	Type   string // file | store
	Path   string
	Rotate int64
	Keep   int
	Chain  bool
}

// Test is one entry of tests: a request and the decision it must get.
type Test struct {
	Name   string
	Given  Given
	Method string
	Target string
	Expect string // "allow" or a reason
	Line   int
}

type Given struct {
	Credential string // none pat oauth2 basic session
	User       string
	Scopes     []string
	Addresses  []string
	Methods    []string
	Referrers  []string
	Expired    bool
	From       netip.Addr
	Referrer   string
	Origin     string
}
