package console

import (
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/pat"
)

// person is who uses a page.
type person struct {
	user   identity.User
	caller pat.Caller
}

// owns reports whether a token is the person's own.
func (p person) owns(r *pat.Record) bool {
	return r.Owner.Username == p.user.Username && (p.user.UID == "" || r.Owner.UID == "" || r.Owner.UID == p.user.UID)
}

// asPerson runs a page for who is signed in, or sends the browser to sign in. The
// error that h returns becomes a page here.
func (v *visit) asPerson(h func(*visit, person) error) error {
	u, err := v.user()
	switch {
	case err != nil && fault.From(err) == nil:
		return v.fail(fault.Wrap(fault.StoreUnavailable, err))
	case err != nil:
		return v.fail(err)
	case u == nil:
		to := v.c.base + v.r.URL.Path
		if v.r.URL.RawQuery != "" {
			to += "?" + v.r.URL.RawQuery
		}
		return v.goTo(v.c.signInAt(v.c.next(to)))
	}
	if v.posted != nil {
		if _, err := v.form(); err != nil {
			return v.fail(err)
		}
	}
	if err := h(v, person{*u, v.caller(u)}); err != nil {
		return v.fail(err)
	}
	return nil
}
