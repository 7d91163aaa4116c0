package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// skew is how far the clock of another issuer may be ahead of ours. An expiry is
// never stretched.
const skew = 60 * time.Second

// verify checks signature, issuer, audience and expiry with go-oidc. Errors:
// errKeys, errExpired, or what is wrong.
func (r *remote) verify(ctx context.Context, keys *keySet, audience, text string) (*oidc.IDToken, error) {
	algs := make([]string, 0, len(asymmetric))
	for _, a := range asymmetric {
		algs = append(algs, string(a))
	}
	check := &signature{keys: keys}
	v := oidc.NewVerifier(r.issuer, check, &oidc.Config{ClientID: audience, SupportedSigningAlgs: algs, Now: r.now})
	tok, err := v.Verify(ctx, text)
	var old *oidc.TokenExpiredError
	switch {
	case check.err != nil:
		return nil, check.err
	case errors.As(err, &old) && !old.Expiry.IsZero():
		return nil, errExpired
	}
	return tok, err
}

// signature keeps the error of a key set, which go-oidc turns into text.
type signature struct {
	keys *keySet
	err  error
}

// VerifySignature is go-oidc's KeySet.
func (s *signature) VerifySignature(ctx context.Context, text string) (payload []byte, err error) {
	payload, s.err = s.keys.VerifySignature(ctx, text)
	return payload, s.err
}

// claimsMore are the claims that go-oidc leaves to its caller.
type claimsMore struct {
	AZP      string   `json:"azp"`
	ClientID string   `json:"client_id"`
	NBF      *float64 `json:"nbf"`
	Nonce    *string  `json:"nonce"`
	ATHash   *string  `json:"at_hash"`
	Typ      any      `json:"typ"` // Keycloak: Bearer, ID, Refresh, Logout
}

// checkClaims is stricter than go-oidc: iss is the issuer to the letter (go-oidc
// makes an exception), at exp it is over, iat and nbf are at most skew ahead, and
// iat and sub must be there.
func (r *remote) checkClaims(tok *oidc.IDToken, more claimsMore) error {
	now := r.now()
	switch {
	case tok.Issuer != r.issuer:
		return errors.New("iss is another")
	case tok.Subject == "":
		return errors.New("sub is missing")
	case tok.Expiry.IsZero() || tok.Expiry.Unix() <= 0:
		return errors.New("exp is missing")
	case !now.Before(tok.Expiry):
		return errExpired
	case tok.IssuedAt.IsZero() || tok.IssuedAt.Unix() <= 0:
		return errors.New("iat is missing")
	case tok.IssuedAt.After(now.Add(skew)):
		return errors.New("iat lies ahead")
	case more.NBF != nil && *more.NBF > float64(now.Add(skew).Unix()):
		return errors.New("nbf lies ahead")
	}
	return nil
}

var errExpired = errors.New("the token has expired")

// checkParty is OpenID Connect Core 3.1.3.7: with several audiences azp must be
// there, and where it is there it must be this client.
func checkParty(tok *oidc.IDToken, more claimsMore, clientID string) error {
	if len(tok.Audience) > 1 && more.AZP == "" {
		return errors.New("several audiences but no azp")
	}
	if more.AZP != "" && more.AZP != clientID {
		return errors.New("azp is another client")
	}
	return nil
}

// usernameFrom reads the username out of the claim that the configuration names.
// A claim that is no text, is empty or has more than one @ (two addresses in one)
// names nobody; nor does an e-mail address that the issuer has not verified.
func usernameFrom(claims map[string]any, claim string) (string, error) {
	name, ok := claims[claim].(string)
	switch {
	case !ok || name == "":
		return "", fmt.Errorf("claim %q is missing or no text", claim)
	case strings.Count(name, "@") > 1:
		return "", fmt.Errorf("claim %q has more than one @", claim)
	case !expressible(name) || strings.ContainsAny(name, " :") || strings.TrimSpace(name) != name:
		return "", fmt.Errorf("claim %q can be no username of DHIS2", claim)
	case claim == "email" && !slices.Contains([]any{true, "true"}, claims["email_verified"]):
		return "", errors.New("the e-mail address is not verified")
	}
	return name, nil
}
