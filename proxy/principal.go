package proxy

import (
	"context"
	"net/netip"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/pat"
)

// CredentialKind is what the request brought, or a route takes; spelt as in the
// configuration key credentials.
type CredentialKind string

// The kinds of credential.
const (
	NoCredential      CredentialKind = "none"
	PATCredential     CredentialKind = "pat"
	OAuth2Credential  CredentialKind = "oauth2"
	BasicCredential   CredentialKind = "basic"
	SessionCredential CredentialKind = "session"
)

// Principal is who a credential turned out to be. Without one it is the zero
// value with the kind NoCredential.
type Principal struct {
	Kind        CredentialKind
	UID         string // DHIS2 uid, "" if the back end names none
	Username    string
	Name        string // "first last", "" if unknown
	DisplayName string
	TokenID     string // uid of the PAT, id of the OAuth2 token; "" for others
	ClientID    string // OAuth2 client; "" for others
	Constraints *constraints.Set
	// Authorities as last heard from DHIS2; nil if it was not asked.
	Authorities []string
	// Token is the record of the personal access token; nil for other kinds.
	Token *pat.Record
	// Foreign is a well-formed token that d2gate did not issue, under
	// tokens.unknown: ask_upstream. Nobody is named; DHIS2 gets it and judges.
	Foreign bool
}

// User is the principal in the words of identity.
func (p Principal) User() identity.User {
	return identity.User{UID: p.UID, Username: p.Username, Name: p.Name, DisplayName: p.DisplayName, Authorities: p.Authorities}
}

// Tokens verifies personal access tokens; pat.Verifier does.
type Tokens interface {
	// Verify returns the record of a token in force. Errors are faults:
	// token_malformed, token_checksum (both before any look-up), token_unknown,
	// store_unavailable.
	Verify(ctx context.Context, text string) (*pat.Record, error)
	// Observe notes a use; it does not block.
	Observe(uid string, at time.Time, from string)
}

// Bearers verifies OAuth2 access tokens. Errors are faults, token_unknown for
// anything that is not in force.
type Bearers interface {
	Verify(ctx context.Context, text string) (Principal, error)
}

// Sessions knows who is signed in to d2gate by cookie.
type Sessions interface {
	// Session returns ok false if no cookie of h is a live session.
	Session(ctx context.Context, h Header) (p Principal, ok bool, err error)
}

// Passwords verifies a user name and password; identity.Basic does. Errors are
// faults: login_failed, login_throttled, upstream_*.
type Passwords interface {
	Verify(ctx context.Context, username, password string, client netip.Addr) (identity.User, error)
	ForgetAll()
}

// Accounts knows whether accounts are in force; identity.Directory does. Errors
// are faults: token_owner_disabled, upstream_*.
type Accounts interface {
	Check(ctx context.Context, u identity.User) error
	ForgetAll()
}

// verifiers finds out who a credential is. A nil member knows nobody.
type verifiers struct {
	tokens    Tokens
	bearers   Bearers
	sessions  Sessions
	passwords Passwords
	accounts  Accounts
}

// principal judges a credential (design 3.3). askUpstream lets unknown personal
// access tokens through as Foreign.
func (v *verifiers) principal(ctx context.Context, c Credential, h Header, client netip.Addr, askUpstream bool) (Principal, error) {
	switch c.Kind {
	case PATCredential:
		return v.token(ctx, c.token, askUpstream)
	case OAuth2Credential:
		if v.bearers == nil {
			return Principal{}, fault.New(fault.TokenUnknown, "Invalid access token").WithScheme(fault.Bearer)
		}
		p, err := v.bearers.Verify(ctx, c.token)
		return p, challenge(err, fault.Bearer)
	case BasicCredential:
		return v.password(ctx, c, client)
	}
	if v.sessions != nil {
		if p, ok, err := v.sessions.Session(ctx, h); ok || err != nil {
			return p, err
		}
	}
	return Principal{Kind: NoCredential}, nil
}

func (v *verifiers) token(ctx context.Context, text string, askUpstream bool) (Principal, error) {
	if v.tokens == nil {
		return Principal{}, fault.New(fault.TokenUnknown, "").WithScheme(fault.ApiToken)
	}
	r, err := v.tokens.Verify(ctx, text)
	if err != nil {
		if f := fault.From(err); askUpstream && f != nil && f.Reason == fault.TokenUnknown {
			return Principal{Kind: PATCredential, Foreign: true}, nil
		}
		return Principal{}, challenge(err, fault.ApiToken)
	}
	return TokenPrincipal(r), nil
}

// TokenPrincipal is whom a token acts as.
func TokenPrincipal(r *pat.Record) Principal {
	return Principal{
		Kind:        PATCredential,
		UID:         r.Owner.UID,
		Username:    r.Owner.Username,
		Name:        r.Owner.Name,
		DisplayName: r.Owner.DisplayName,
		TokenID:     r.UID,
		Constraints: &r.Constraints,
		Token:       r,
	}
}

func (v *verifiers) password(ctx context.Context, c Credential, client netip.Addr) (Principal, error) {
	if v.passwords == nil {
		return Principal{}, fault.New(fault.LoginFailed, "")
	}
	u, err := v.passwords.Verify(ctx, c.name, c.secret, client)
	if err != nil {
		return Principal{}, err
	}
	return Principal{Kind: BasicCredential, UID: u.UID, Username: u.Username, Name: u.Name, DisplayName: u.DisplayName, Authorities: u.Authorities}, nil
}

// inForce asks for the state of the account behind a token or a session. Basic
// was judged by DHIS2 itself, seconds ago at most; a foreign token will be.
func (v *verifiers) inForce(ctx context.Context, p Principal) error {
	if v.accounts == nil || p.Foreign || p.Kind == NoCredential || p.Kind == BasicCredential {
		return nil
	}
	return challenge(v.accounts.Check(ctx, p.User()), scheme(p.Kind))
}

// forget drops what is remembered of accounts and passwords.
func (v *verifiers) forget() {
	if v.passwords != nil {
		v.passwords.ForgetAll()
	}
	if v.accounts != nil {
		v.accounts.ForgetAll()
	}
}

// scheme is what refusals of a credential challenge with.
func scheme(k CredentialKind) fault.Scheme {
	switch k {
	case PATCredential:
		return fault.ApiToken
	case OAuth2Credential:
		return fault.Bearer
	}
	return fault.NoScheme
}

// challenge gives a 4xx fault about a credential its scheme.
func challenge(err error, s fault.Scheme) error {
	f := fault.From(err)
	if f == nil || f.Scheme != fault.NoScheme || f.Reason.Status(false) >= 500 {
		return err
	}
	return f.WithScheme(s)
}
