package identity

import (
	"context"
	"net/http"
)

// User is who a credential turned out to be, as DHIS2 names them.
type User struct {
	UID         string // 11 characters; "" if the back end gives none
	Username    string // exact and case-sensitive; "" is nobody
	Name        string // "first last", "" if unknown
	DisplayName string
	Authorities []string // nil if DHIS2 was not asked
}

// Upstream is one way to sign in to DHIS2. Implementations are safe for
// concurrent use.
type Upstream interface {
	// Sign puts the credential for u on out, in place of any Authorization and
	// Cookie that out carries. The zero User is a caller without a credential.
	// caller is what the caller sent; only the mode passthrough reads it.
	// Errors are faults: token_owner_disabled, upstream_refused_identity,
	// upstream_unreachable, upstream_timeout.
	Sign(ctx context.Context, u User, caller http.Header, out *http.Request) (Lease, error)
}

// Lease is what Sign lent to one request. Done must be called exactly once, as
// soon as the response's header is there or the attempt has failed.
type Lease interface {
	// Done looks at the response (nil with an error) and says whether signing and
	// sending the request once more may help: DHIS2 did not carry it out because a
	// session had ended. It does not read the body.
	Done(resp *http.Response, err error) (again bool)
	// Refused returns, after Done, upstream_refused_identity if the answer says
	// that DHIS2 does not take this identity at all, and nil otherwise. Such an
	// answer is no answer to the caller.
	Refused() error
}

// Forgetter is an Upstream that keeps something of a user which can become stale
// (a native token, a session). Forget drops it.
type Forgetter interface{ Forget(username string) }

// noLease is the lease of modes that lend nothing.
type noLease struct{}

func (noLease) Done(*http.Response, error) bool { return false }
func (noLease) Refused() error                  { return nil }

// clearCredentials removes what could sign a request in. Every mode starts with
// it, so that a forgotten header elsewhere cannot reach DHIS2.
func clearCredentials(h http.Header) {
	delete(h, "Authorization")
	delete(h, "Cookie")
}
