// Package proxy is the way of a request through d2gate: who is calling, may they,
// and on to DHIS2 as the right user. It does not know what a token looks like
// (pat), how a user is asked for (identity) or what a refusal looks like on the
// wire (respond).
//
// Read gateway.go first: ServeHTTP is the story. Then target.go (what was asked
// for), credential.go and principal.go (by whom), policy.go and evaluate.go (may
// they; pure, shared with explain, the tests of the configuration and
// /d2gate/authz) and forward.go (how it leaves).
package proxy
