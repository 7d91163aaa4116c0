package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/pat"
)

// tokens is what the verbs of d2gate token do, whether they are asked through the
// admin socket or of the store itself. The operator may do everything, under the
// same rules as every owner.
type tokens struct {
	store  pat.Store
	issuer *pat.Issuer
	forget func(uid string)
	lookup func(ctx context.Context, username string) (identity.User, error)
	now    func() time.Time
}

// tokensConfig is what the service is made of; all of it is required.
type tokensConfig struct {
	store    pat.Store
	settings func() pat.Settings
	forget   func(uid string)
	lookup   func(ctx context.Context, username string) (identity.User, error)
	now      func() time.Time
}

func newTokens(c tokensConfig) (*tokens, error) {
	issuer, err := pat.NewIssuer(pat.IssuerConfig{Store: c.store, Random: rand.Reader, Forget: c.forget, Settings: c.settings, Now: c.now})
	if err != nil {
		return nil, err
	}
	return &tokens{c.store, issuer, c.forget, c.lookup, c.now}, nil
}

// limits are the constraints of a token as the command line says them.
type limits struct {
	Addresses []string `json:"addresses,omitempty"`
	Methods   []string `json:"methods,omitempty"`
	Referrers []string `json:"referrers,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
}

// newToken is a token to be made.
type newToken struct {
	User    string `json:"user"`
	Name    string `json:"name,omitempty"`
	Expires string `json:"expires,omitempty"` // 30d, 12h, 2027-01-31, never; "" means the default
	limits
	origin string // "" means d2gate
}

// madeToken is the answer that shows the secret, once.
type madeToken struct {
	tokenView
	Token string `json:"token"`
}

// create makes a token for a user of DHIS2.
func (t *tokens) create(ctx context.Context, n newToken) (madeToken, error) {
	attributes, err := n.limits.attributes()
	if err != nil {
		return madeToken{}, err
	}
	end, err := parseEnd(n.Expires, t.now())
	if err != nil {
		return madeToken{}, err
	}
	if len(n.Name) > 50 {
		return madeToken{}, usage("--name: at most 50 characters")
	}
	user, err := t.lookup(ctx, n.User)
	if f := fault.From(err); f != nil && f.Reason == fault.TokenOwnerDisabled {
		return madeToken{}, fmt.Errorf("--user %s: %s", n.User, cmp.Or(f.Detail, f.Message))
	}
	if err != nil {
		return madeToken{}, fmt.Errorf("look up user %s: %w", n.User, err)
	}
	owner := pat.Owner{UID: user.UID, Username: user.Username, Name: user.Name, DisplayName: user.DisplayName}
	r, text, err := t.issuer.Issue(ctx, operator(owner), pat.Draft{Code: n.Name, Expiry: end, Attributes: attributes, Origin: n.origin})
	if err != nil {
		return madeToken{}, err
	}
	return madeToken{t.view(r), text.Reveal()}, nil
}

// operator acts in the name of an owner with an administrator's rights.
func operator(o pat.Owner) pat.Caller {
	return pat.Caller{UID: o.UID, Username: o.Username, Name: o.Name, DisplayName: o.DisplayName, Admin: true}
}

// list lists all tokens, or those of one user.
func (t *tokens) list(ctx context.Context, user string) ([]tokenView, error) {
	records, err := t.store.Tokens(ctx, pat.Filter{Username: user})
	if err != nil {
		return nil, err
	}
	views := make([]tokenView, len(records))
	for i, r := range records {
		views[i] = t.view(r)
	}
	return views, nil
}

// find finds a token by its uid or by its name.
func (t *tokens) find(ctx context.Context, name string) (pat.Record, error) {
	r, err := t.store.TokenByUID(ctx, name)
	if !errors.Is(err, pat.ErrUnknown) {
		return r, err
	}
	named, err := t.store.Tokens(ctx, pat.Filter{Code: name, Limit: 1})
	if err == nil && len(named) == 0 {
		err = fmt.Errorf("%w with the uid or name %q", pat.ErrUnknown, name)
	}
	if err != nil {
		return pat.Record{}, err
	}
	return named[0], nil
}

func (t *tokens) show(ctx context.Context, name string) (tokenView, error) {
	r, err := t.find(ctx, name)
	return t.view(r), err
}

// rotateToken says how a secret is changed.
type rotateToken struct {
	Overlap string `json:"overlap,omitempty"` // "" means the operator's
	Expires string `json:"expires,omitempty"`
}

// rotate gives a token a new secret; everything else stays.
func (t *tokens) rotate(ctx context.Context, name string, how rotateToken) (madeToken, error) {
	r, err := t.find(ctx, name)
	if err != nil {
		return madeToken{}, err
	}
	var rotation pat.Rotation
	if how.Overlap != "" {
		d, err := parseSpan(how.Overlap)
		if err != nil {
			return madeToken{}, usage("--overlap: %w", err)
		}
		rotation.Overlap = &d
	}
	if rotation.Expiry, err = parseEnd(how.Expires, t.now()); err != nil {
		return madeToken{}, err
	}
	r, text, err := t.issuer.Rotate(ctx, operator(r.Owner), r.UID, rotation)
	if err != nil {
		return madeToken{}, err
	}
	return madeToken{t.view(r), text.Reveal()}, nil
}

// revoke ends a token.
func (t *tokens) revoke(ctx context.Context, name string) (tokenView, error) {
	r, err := t.find(ctx, name)
	if err != nil {
		return tokenView{}, err
	}
	return t.view(r), t.issuer.Revoke(ctx, operator(r.Owner), r.UID)
}

// demoTokenCode is the name of the token that demo mode makes.
const demoTokenCode = "demo"

// revokeDemo ends the tokens that demo mode has made.
func (t *tokens) revokeDemo(ctx context.Context) error {
	records, err := t.store.Tokens(ctx, pat.Filter{Username: "admin"})
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Origin != "demo" && r.Code != demoTokenCode {
			continue
		}
		if err := t.issuer.Revoke(ctx, operator(r.Owner), r.UID); err != nil && !errors.Is(err, pat.ErrUnknown) {
			return err
		}
	}
	return nil
}

// inspection is what can be said of a token's text.
type inspection struct {
	Form   string     `json:"form"` // valid, checksum or malformed
	Prefix string     `json:"prefix,omitempty"`
	Hash   string     `json:"hash,omitempty"` // the first characters of the stored hash
	Known  bool       `json:"known"`
	Old    bool       `json:"rotatedOut,omitempty"` // replaced by a rotation, alive until the overlap ends
	Token  *tokenView `json:"token,omitempty"`
}

// inspect says what a text is. The text is in no part of the answer.
func (t *tokens) inspect(ctx context.Context, text string) (inspection, error) {
	tok, err := pat.Parse(text)
	switch {
	case errors.Is(err, pat.ErrChecksum):
		return inspection{Form: "checksum"}, nil
	case err != nil:
		return inspection{Form: "malformed"}, nil
	}
	prefix, _, _ := strings.Cut(text, "_")
	seen := inspection{Form: "valid", Prefix: prefix + "_", Hash: tok.Hash()[:12]}
	found, err := t.store.TokenByHash(ctx, tok.Hash())
	if errors.Is(err, pat.ErrUnknown) {
		return seen, nil
	}
	if err != nil {
		return seen, err
	}
	v := t.view(found.Record)
	seen.Known, seen.Old, seen.Token = true, found.Rotated, &v
	return seen, nil
}

// attributes parses the limits.
func (l limits) attributes() ([]constraints.Attribute, error) {
	var list []constraints.Attribute
	for _, k := range kinds {
		values := k.of(l)
		if len(values) == 0 {
			continue
		}
		parsed, err := constraints.ParseAttribute(k.kind, values)
		if err != nil {
			return nil, usage("--%s: %w", k.flag, err)
		}
		list = append(list, parsed)
	}
	return list, nil
}
