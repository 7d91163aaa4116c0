// Package identity answers two questions: who is this user, and how do we sign in
// to DHIS2 as them? It asks DHIS2 whether a password is right (Basic, Login),
// whether an account is still in force (Directory), and whom another provider has
// signed in (OIDC, Bearer); and it puts the credential of the configured mode on
// requests that go upstream (Upstream: jwt, basic, pat, passthrough, none).
//
// It does not decide what a user may do and it writes no answers apart from the
// issuer's two documents. Read user.go first.
package identity
