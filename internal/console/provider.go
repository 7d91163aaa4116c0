package console

import (
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

// away is a sign-in at another provider that is under way, kept under its state.
type away struct {
	Attempt  identity.Attempt
	Provider string
	Browser  string // digest of its cookie: it must come back to the browser that left
	Next     string
}

const awayLife = 10 * time.Minute

func (v *visit) provider() (Provider, bool) {
	all := v.c.settings.Load().Providers
	i := slices.IndexFunc(all, func(p Provider) bool { return p.ID == v.r.PathValue("provider") })
	if i < 0 {
		return Provider{}, false
	}
	return all[i], true
}

// leaveForProvider is a link and not a form, so that no form-action stands between
// the providers that a provider may send people on to.
func (v *visit) leaveForProvider() error {
	p, ok := v.provider()
	if !ok {
		return v.nothing()
	}
	if err := v.markBrowser(); err != nil {
		return v.fail(err)
	}
	to, attempt, err := p.OIDC.Begin(v.r.Context())
	if err != nil {
		return v.providerFailed(p, err)
	}
	a := away{attempt, p.ID, digest("away " + v.browser), v.c.next(v.r.URL.Query().Get("next"))}
	if err := v.c.pending.put(v.r.Context(), "oidc", attempt.State, a, awayLife); err != nil {
		return v.fail(err)
	}
	return v.goTo(to)
}

// backFromProvider takes the browser back. An attempt works once, in the browser
// that began it (security.md D1).
func (v *visit) backFromProvider() error {
	p, ok := v.provider()
	if !ok {
		return v.nothing()
	}
	back := v.r.URL.Query()
	var a away
	switch err := v.c.pending.look(v.r.Context(), "oidc", back.Get("state"), &a); {
	case errors.Is(err, errNoTicket):
		return v.providerFailed(p, fault.New(fault.LoginFailed, "").WithDetail("state is not known"))
	case err != nil:
		return v.fail(fault.Wrap(fault.StoreUnavailable, err))
	case a.Provider != p.ID || v.browser == "" || subtle.ConstantTimeCompare([]byte(a.Browser), []byte(digest("away "+v.browser))) != 1:
		return v.providerFailed(p, fault.New(fault.LoginFailed, "").WithDetail("state is another browser's"))
	}
	if err := v.c.pending.drop(v.r.Context(), "oidc", a.Attempt.State); err != nil {
		return v.fail(fault.Wrap(fault.StoreUnavailable, err))
	}
	u, err := v.external(p, a.Attempt, back)
	if err != nil {
		return v.providerFailed(p, err)
	}
	return v.welcome(u, a.Next)
}

// external turns whom the provider vouches for into an account of DHIS2 in force.
func (v *visit) external(p Provider, a identity.Attempt, back url.Values) (identity.User, error) {
	ctx := v.r.Context()
	who, err := p.OIDC.Finish(ctx, a, back)
	if err != nil {
		return identity.User{}, err
	}
	u, err := v.c.cfg.Accounts.Lookup(ctx, who.Username)
	if err != nil {
		return identity.User{}, err
	}
	return u, v.c.cfg.Accounts.Check(ctx, u)
}

// providerFailed goes back to the sign-in page, which says that it did not work;
// why is for the operator.
func (v *visit) providerFailed(p Provider, err error) error {
	f := fault.From(err)
	if f == nil {
		return v.fail(err)
	}
	text := v.words.T("provider_failed", p.Name)
	if identity.Disabled(err) {
		text = v.words.T("provider_no_account", p.Name)
	}
	return v.askAgain(err, signInForm{Next: v.c.next(""), Error: text})
}
