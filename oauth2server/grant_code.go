package oauth2server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"regexp"

	"github.com/d2gate/d2gate/internal/fault"
)

// verifierForm is RFC 7636 4.1.
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// challengeForm is a base64url SHA-256.
var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// codeGrant proves the owner by an authorization code (RFC 6749 4.1.3, RFC 7636
// 4.6). Who is not its client, or lacks the verifier, sees no code and cannot spend
// it; nor does any other refusal (DHIS2 2.41 used it up). The code itself is spent by
// issue, before anything is minted.
func (s *Server) codeGrant(ctx context.Context, q tokenRequest) (proof, error) {
	text := q.form.Get("code")
	if text == "" {
		return proof{}, invalidRequest("An authorization code must be supplied.")
	}
	challenge, err := challengeOf(q)
	if err != nil {
		return proof{}, err
	}
	code, err := s.cfg.Store.CodeByHash(ctx, Hash(text), q.client.CID, challenge)
	switch {
	case errors.Is(err, ErrSpent):
		return proof{}, s.reused(ctx, code.Family, "Invalid authorization code")
	case errors.Is(err, ErrUnknown):
		return proof{}, invalidGrant("Invalid authorization code", fault.TokenUnknown)
	case err != nil:
		return proof{}, storeGone(err)
	}
	if err := s.unfit(q, code); err != nil {
		return proof{}, err
	}
	if err := s.cfg.Owners.CheckOwner(ctx, code.Owner); err != nil {
		return proof{}, fromFault(err)
	}
	return proof{owner: code.Owner, scope: code.Scope, family: code.Family, spends: code.Hash}, nil
}

// challengeOf is the S256 challenge of the verifier that was sent, "" for none.
func challengeOf(q tokenRequest) (string, error) {
	if !q.form.Has("code_verifier") {
		return "", nil
	}
	v := q.form.Get("code_verifier")
	if !verifierForm.MatchString(v) {
		return "", invalidGrant("Invalid code verifier", fault.TokenUnknown)
	}
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// unfit says what is wrong with a code that its own client sent, or nil.
func (s *Server) unfit(q tokenRequest, code Code) error {
	switch {
	case !s.cfg.Now().Before(code.Expires):
		return invalidGrant("Invalid authorization code", fault.TokenExpired)
	case q.client.Public() && code.Challenge == "":
		return invalidGrant("Invalid code verifier", fault.PolicyRefused)
	}
	if asked := q.form.Has("redirect_uri"); (asked || code.Asked) && q.form.Get("redirect_uri") != code.Redirect {
		return invalidGrant("Redirect URI mismatch.", fault.PolicyRefused)
	}
	return nil
}
