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
// 4.6). The code is spent here, in one atomic statement, before anything is
// minted; who is not its client, or lacks the verifier, cannot spend it.
func (s *Server) codeGrant(ctx context.Context, q tokenRequest) (proof, error) {
	text := q.form.Get("code")
	if text == "" {
		return proof{}, invalidRequest("An authorization code must be supplied.")
	}
	challenge := ""
	if q.form.Has("code_verifier") {
		v := q.form.Get("code_verifier")
		if !verifierForm.MatchString(v) {
			return proof{}, invalidGrant("Invalid code verifier", fault.TokenUnknown)
		}
		sum := sha256.Sum256([]byte(v))
		challenge = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	now := s.cfg.Now()
	code, err := s.cfg.Store.SpendCode(ctx, Hash(text), q.client.CID, challenge, now)
	switch {
	case errors.Is(err, ErrSpent):
		return proof{}, s.reused(ctx, code.Family, "Invalid authorization code")
	case errors.Is(err, ErrUnknown):
		return proof{}, invalidGrant("Invalid authorization code", fault.TokenUnknown)
	case err != nil:
		return proof{}, storeGone(err)
	case !now.Before(code.Expires):
		return proof{}, invalidGrant("Invalid authorization code", fault.TokenExpired)
	case q.client.Public() && challenge == "":
		return proof{}, invalidGrant("Invalid code verifier", fault.PolicyRefused)
	}
	if asked := q.form.Has("redirect_uri"); (asked || code.Asked) && q.form.Get("redirect_uri") != code.Redirect {
		return proof{}, invalidGrant("Redirect URI mismatch.", fault.PolicyRefused)
	}
	if err := s.cfg.Owners.CheckOwner(ctx, code.Owner); err != nil {
		return proof{}, fromFault(err)
	}
	return proof{owner: code.Owner, scope: code.Scope, family: code.Family}, nil
}
