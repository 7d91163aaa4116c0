package proxy

import (
	"github.com/d2gate/d2gate/constraints"
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

// Principal is who a credential turned out to be.
type Principal struct {
	Kind        CredentialKind
	UID         string // DHIS2 uid, "" if the back end names none
	Username    string
	Name        string // "first last", "" if unknown
	TokenID     string // uid of the PAT, id of the OAuth2 token; "" for others
	ClientID    string // OAuth2 client; "" for others
	Constraints *constraints.Set
	// Authorities as last heard from DHIS2; nil if it was not asked.
	Authorities []string
}
