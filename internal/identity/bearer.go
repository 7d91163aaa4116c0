package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
)

// TrustedIssuer is one whose JWTs are taken as bearers.
type TrustedIssuer struct {
	Issuer        string // compared to the letter with iss and with its discovery document
	Audience      string // aud must hold it
	UsernameClaim string // "" means preferred_username
}

// BearersConfig lists whose JWTs are taken.
type BearersConfig struct {
	Issuers   []TrustedIssuer
	Transport http.RoundTripper // nil means one of its own
	Now       func() time.Time  // nil means time.Now
}

// Bearers verifies JWT bearers of other issuers: asymmetric signature by a key that
// the issuer publishes now, exact issuer, audience, expiry.
type Bearers struct{ issuers map[string]*trusted }

type trusted struct {
	TrustedIssuer
	remote *remote
}

// ExternalUser is whom another issuer vouches for. DHIS2 has not been asked: look
// the username up before acting as it.
type ExternalUser struct {
	Issuer, Subject string // together the user's key at the issuer
	Username        string
	ClientID        string // azp or client_id, "" if the token names none
	Expiry          time.Time
}

// NewBearers makes a verifier. No issuer is asked yet.
func NewBearers(cfg BearersConfig) (*Bearers, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Bearers{map[string]*trusted{}}
	for _, t := range cfg.Issuers {
		if t.Audience == "" {
			return nil, fmt.Errorf("identity: NewBearers: issuer %s: Audience is required", t.Issuer)
		}
		if t.UsernameClaim == "" {
			t.UsernameClaim = "preferred_username"
		}
		r, err := newRemote(t.Issuer, cfg.Transport, cfg.Now)
		if err != nil {
			return nil, err
		}
		b.issuers[t.Issuer] = &trusted{t, r}
	}
	return b, nil
}

// Takes reports whether text is a JWT that names one of the trusted issuers, and
// so is for Verify to judge. Nothing of it is proven by that.
func (b *Bearers) Takes(text string) bool { return b.issuerOf(text) != nil }

// issuerOf reads iss, unproven.
func (b *Bearers) issuerOf(text string) *trusted {
	parts := strings.Split(text, ".")
	if len(b.issuers) == 0 || len(parts) != 3 {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct {
		Iss string `json:"iss"`
	}
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return nil
	}
	return b.issuers[c.Iss]
}

var errBearer = fault.New(fault.TokenUnknown, "Invalid access token").WithScheme(fault.Bearer)

// Verify returns whom the token speaks for. Errors, all with the Bearer challenge:
// token_unknown with the reason as detail, token_expired, and store_unavailable
// while the issuer's keys cannot be had.
func (b *Bearers) Verify(ctx context.Context, text string) (ExternalUser, error) {
	t := b.issuerOf(text)
	if t == nil {
		return ExternalUser{}, errBearer.WithDetail("no JWT of a trusted issuer")
	}
	u, err := t.verify(ctx, text)
	switch f := fault.From(err); {
	case f != nil:
		return ExternalUser{}, f.WithScheme(fault.Bearer)
	case errors.Is(err, errExpired):
		return ExternalUser{}, fault.New(fault.TokenExpired, "Access token expired").WithScheme(fault.Bearer)
	case errors.Is(err, errKeys):
		return ExternalUser{}, unavailable(t.Issuer, err)
	case err != nil:
		return ExternalUser{}, errBearer.WithDetail(err.Error())
	}
	return u, nil
}

func (t *trusted) verify(ctx context.Context, text string) (ExternalUser, error) {
	if err := checkHeader(text); err != nil {
		return ExternalUser{}, err
	}
	k, err := t.remote.discover(ctx)
	if err != nil {
		return ExternalUser{}, err
	}
	tok, err := t.remote.verify(ctx, k.keys, t.Audience, text)
	if err != nil {
		return ExternalUser{}, err
	}
	var more claimsMore
	all := map[string]any{}
	if err := errors.Join(tok.Claims(&more), tok.Claims(&all)); err != nil {
		return ExternalUser{}, err
	}
	if err := errors.Join(t.remote.checkClaims(tok, more), accessToken(more)); err != nil {
		return ExternalUser{}, err
	}
	name, err := usernameFrom(all, t.UsernameClaim)
	if err != nil {
		return ExternalUser{}, err
	}
	client := more.AZP
	if client == "" {
		client = more.ClientID
	}
	return ExternalUser{tok.Issuer, tok.Subject, name, client, tok.Expiry}, nil
}

// accessToken refuses what is plainly another kind of token of the same issuer.
func accessToken(more claimsMore) error {
	switch {
	case more.Nonce != nil || more.ATHash != nil:
		return errors.New("this is an ID token")
	case more.Typ != nil && more.Typ != "Bearer" && more.Typ != "JWT" && more.Typ != "at+jwt":
		return errors.New("this is no access token")
	}
	return nil
}

// checkHeader allows the types of an access token (RFC 9068 2.1, or none, or JWT).
func checkHeader(text string) error {
	raw, err := base64.RawURLEncoding.DecodeString(text[:strings.IndexByte(text, '.')])
	var h struct {
		Typ  *string  `json:"typ"`
		Crit []string `json:"crit"`
	}
	if err != nil || json.Unmarshal(raw, &h) != nil {
		return errors.New("the header is no JSON")
	}
	if len(h.Crit) > 0 {
		return errors.New("crit is not understood")
	}
	if h.Typ == nil {
		return nil
	}
	switch strings.TrimPrefix(strings.ToLower(*h.Typ), "application/") {
	case "jwt", "at+jwt":
		return nil
	}
	return errors.New("typ is no access token's")
}
