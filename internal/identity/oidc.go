package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/d2gate/d2gate/internal/fault"
)

// OIDCConfig is one provider at which people may sign in.
type OIDCConfig struct {
	Issuer        string // required; compared to the letter
	ClientID      string // required
	ClientSecret  Password
	RedirectURL   string            // required; d2gate's own, as registered there
	UsernameClaim string            // "" means preferred_username
	Scopes        []string          // besides openid; nil means profile and email
	Transport     http.RoundTripper // nil means one of its own
	Now           func() time.Time  // nil means time.Now
}

// OIDC signs people in at another provider (OpenID Connect, code flow with PKCE).
type OIDC struct {
	cfg    OIDCConfig
	remote *remote
}

// Attempt is one sign-in under way. Keep it in the browser's server-side session,
// beside others of other tabs, under State; take it out when it comes back, so
// that it works once.
type Attempt struct {
	State, Nonce, Verifier string
	Begun                  time.Time
}

// attemptLife is how long a person may take at the provider.
const attemptLife = 10 * time.Minute

// NewOIDC makes a provider. It is not asked yet.
func NewOIDC(cfg OIDCConfig) (*OIDC, error) {
	if cfg.ClientID == "" || cfg.RedirectURL == "" {
		return nil, errors.New("identity: NewOIDC: ClientID and RedirectURL are required")
	}
	if cfg.UsernameClaim == "" {
		cfg.UsernameClaim = "preferred_username"
	}
	if cfg.Scopes == nil {
		cfg.Scopes = []string{"profile", "email"}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r, err := newRemote(cfg.Issuer, cfg.Transport, cfg.Now)
	if err != nil {
		return nil, err
	}
	return &OIDC{cfg, r}, nil
}

// Begin returns where to send the browser, and the attempt to keep for it. The
// fault store_unavailable says that the provider does not answer.
func (o *OIDC) Begin(ctx context.Context) (string, Attempt, error) {
	k, err := o.remote.discover(ctx)
	if err != nil {
		return "", Attempt{}, err
	}
	a := Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Begun: o.cfg.Now()}
	to := o.client(k.provider).AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier))
	return to, a, nil
}

func (o *OIDC) client(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     o.cfg.ClientID,
		ClientSecret: o.cfg.ClientSecret.text,
		Endpoint:     p.Endpoint(),
		RedirectURL:  o.cfg.RedirectURL,
		Scopes:       append([]string{oidc.ScopeOpenID}, o.cfg.Scopes...),
	}
}

// Finish takes the parameters with which the browser came back and returns whom
// the provider vouches for. Errors: login_failed with the reason as detail;
// store_unavailable if the provider does not answer. DHIS2 has not been asked: look
// the username up before acting as it.
func (o *OIDC) Finish(ctx context.Context, a Attempt, back url.Values) (ExternalUser, error) {
	u, err := o.finish(ctx, a, back)
	switch f := fault.From(err); {
	case err == nil:
		return u, nil
	case f != nil:
		return ExternalUser{}, f
	case errors.Is(err, errKeys):
		return ExternalUser{}, unavailable(o.cfg.Issuer, err)
	}
	return ExternalUser{}, fault.New(fault.LoginFailed, "").WithDetail("sign-in at " + o.cfg.Issuer + ": " + err.Error())
}

func (o *OIDC) finish(ctx context.Context, a Attempt, back url.Values) (ExternalUser, error) {
	k, err := o.remote.discover(ctx)
	if err != nil {
		return ExternalUser{}, err
	}
	code, err := o.checkReturn(a, back, k.more.IssSent)
	if err != nil {
		return ExternalUser{}, err
	}
	ctx = oidc.ClientContext(ctx, o.remote.client)
	token, err := o.client(k.provider).Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return ExternalUser{}, exchangeError(err)
	}
	return o.user(ctx, k, a, token)
}

// checkReturn compares what came back with the attempt and returns the code.
func (o *OIDC) checkReturn(a Attempt, back url.Values, issSent bool) (code string, err error) {
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(back[name]) > 1 {
			return "", errors.New("parameter " + name + " came twice")
		}
	}
	age := o.cfg.Now().Sub(a.Begun)
	switch {
	case a.State == "" || subtle.ConstantTimeCompare([]byte(a.State), []byte(back.Get("state"))) != 1:
		return "", errors.New("state is not this browser's")
	case age < 0 || age >= attemptLife:
		return "", errors.New("the attempt is too old")
	case back.Has("iss") && back.Get("iss") != o.cfg.Issuer, issSent && !back.Has("iss"): // RFC 9207 2.4
		return "", errors.New("iss is not the provider's")
	case back.Has("error"):
		return "", errors.New("the provider refused")
	case back.Get("code") == "":
		return "", errors.New("no code came")
	}
	return back.Get("code"), nil
}

// exchangeError keeps what an error of x/oauth2 may say: its text can hold the
// whole answer, which can hold tokens.
func exchangeError(err error) error {
	var re *oauth2.RetrieveError
	if errors.As(err, &re) {
		return errors.New("the provider refused the code: " + oneOf(re.ErrorCode))
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return fault.New(fault.StoreUnavailable, "").WithDetail("the provider's token endpoint: " + ue.Err.Error())
	}
	return errors.New("the provider's answer to the code is no token response")
}

// oneOf lets the error codes of RFC 6749 5.2 through.
func oneOf(code string) string {
	switch code {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return code
	}
	return "unknown error"
}

// user verifies the ID token and reads the username, from the userinfo endpoint if
// the ID token does not hold it.
func (o *OIDC) user(ctx context.Context, k *known, a Attempt, token *oauth2.Token) (ExternalUser, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return ExternalUser{}, errors.New("no ID token came")
	}
	id, all, err := o.verify(ctx, k.keys, a, raw, token.AccessToken)
	if err != nil {
		return ExternalUser{}, err
	}
	if _, there := all[o.cfg.UsernameClaim]; !there && k.provider.UserInfoEndpoint() != "" {
		if all, err = userinfo(ctx, k.provider, token, id.Subject); err != nil {
			return ExternalUser{}, err
		}
	}
	name, err := usernameFrom(all, o.cfg.UsernameClaim)
	if err != nil {
		return ExternalUser{}, err
	}
	return ExternalUser{id.Issuer, id.Subject, name, o.cfg.ClientID, id.Expiry}, nil
}

// verify is OpenID Connect Core 3.1.3.7.
func (o *OIDC) verify(ctx context.Context, keys *keySet, a Attempt, raw, access string) (*oidc.IDToken, map[string]any, error) {
	id, err := o.remote.verify(ctx, keys, o.cfg.ClientID, raw)
	if err != nil {
		return nil, nil, err
	}
	var more claimsMore
	all := map[string]any{}
	if err := errors.Join(id.Claims(&more), id.Claims(&all)); err != nil {
		return nil, nil, err
	}
	if err := errors.Join(o.remote.checkClaims(id, more), checkParty(id, more, o.cfg.ClientID)); err != nil {
		return nil, nil, err
	}
	if a.Nonce == "" || subtle.ConstantTimeCompare([]byte(a.Nonce), []byte(id.Nonce)) != 1 {
		return nil, nil, errors.New("nonce is not this browser's")
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(access) != nil {
		return nil, nil, errors.New("at_hash does not fit the access token")
	}
	return id, all, nil
}

// userinfo asks the endpoint; an answer about somebody else is refused.
func userinfo(ctx context.Context, p *oidc.Provider, token *oauth2.Token, subject string) (map[string]any, error) {
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, errors.New("the userinfo endpoint did not answer")
	}
	if info.Subject != subject {
		return nil, errors.New("userinfo is about another subject")
	}
	all := map[string]any{}
	if err := info.Claims(&all); err != nil {
		return nil, err
	}
	return all, nil
}
