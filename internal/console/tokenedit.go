package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/pat"
)

// editPage shows a token and lets its limits be changed; the secret stays.
type editPage struct {
	Row   tokenRow
	Form  *tokenForm
	Twice bool // two limits of one kind: only the API can edit those
	Saved bool
}

func (v *visit) editPage(p person) error {
	r, err := v.c.cfg.Tokens.Find(v.r.Context(), p.caller, v.r.PathValue("uid"))
	if err != nil {
		return err
	}
	f := &tokenForm{Expires: "30"}
	f.take(r.Constraints)
	v.complete(f, p)
	return v.showEdit(0, editPage{Row: v.row(r, p, v.c.cfg.Now()), Form: f, Twice: twice(r.Constraints), Saved: v.r.URL.Query().Get("saved") == "1"}, p)
}

func (v *visit) showEdit(status int, e editPage, p person) error {
	return v.show(view{name: "edit", title: "edit_title", status: status, here: "tokens", user: &p.user, data: e})
}

// take fills the form with a token's limits.
func (f *tokenForm) take(s constraints.Set) {
	f.Methods = methods(nil)
	for _, a := range s.Attributes {
		text := strings.Join(a.Values, "\n")
		switch a.Kind {
		case constraints.IPAllowedList:
			f.Addresses = text
		case constraints.MethodAllowedList:
			f.Methods = methods(a.Values)
		case constraints.RefererAllowedList:
			f.Referrers = text
		case constraints.ScopeAllowedList:
			f.Scopes = text
		}
	}
}

// twice reports two limits of one kind, both of which hold. One list in their place
// would allow more.
func twice(s constraints.Set) bool {
	seen := map[constraints.Kind]bool{}
	for _, a := range s.Attributes {
		if seen[a.Kind] {
			return true
		}
		seen[a.Kind] = true
	}
	return false
}

func (v *visit) editToken(p person) error {
	uid := v.r.PathValue("uid")
	r, err := v.c.cfg.Tokens.Find(v.r.Context(), p.caller, uid)
	if err != nil {
		return err
	}
	f := &tokenForm{Expires: "30"}
	f.read(v.posted)
	again := func(status int) error {
		v.complete(f, p)
		return v.showEdit(status, editPage{Row: v.row(r, p, v.c.cfg.Now()), Form: f}, p)
	}
	if v.posted.Has("add") {
		return again(0)
	}
	wanted := f.attributes()
	if len(f.Errors) > 0 {
		return again(http.StatusUnprocessableEntity)
	}
	_, err = v.c.cfg.Tokens.Edit(v.r.Context(), p.caller, uid, func(r *pat.Record) error {
		if twice(r.Constraints) {
			return errForbidden
		}
		r.Constraints.Attributes = inOrder(r.Constraints.Attributes, wanted)
		return nil
	})
	if err == nil {
		return v.goTo(v.c.base + "/d2gate/tokens/" + uid + "?saved=1")
	}
	if err := f.refused(err, v.words); err != nil {
		return err
	}
	return again(http.StatusUnprocessableEntity)
}

// inOrder keeps the order that the limits had: it decides which failure is told.
func inOrder(old, wanted []constraints.Attribute) []constraints.Attribute {
	place := func(a constraints.Attribute) int {
		i := slices.IndexFunc(old, func(o constraints.Attribute) bool { return o.Kind == a.Kind })
		if i < 0 {
			return len(old)
		}
		return i
	}
	slices.SortStableFunc(wanted, func(a, b constraints.Attribute) int { return place(a) - place(b) })
	return wanted
}

func (v *visit) revokePage(p person) error {
	r, err := v.c.cfg.Tokens.Find(v.r.Context(), p.caller, v.r.PathValue("uid"))
	if err != nil {
		return err
	}
	return v.show(view{name: "revoke", title: "revoke_title", here: "tokens", user: &p.user, data: v.row(r, p, v.c.cfg.Now())})
}

// revokeToken ends a token. When the store does not say that it is gone, the page
// says that it is not (security.md A8).
func (v *visit) revokeToken(p person) error {
	r, err := v.c.cfg.Tokens.Find(v.r.Context(), p.caller, v.r.PathValue("uid"))
	if err != nil {
		return err
	}
	switch err := v.c.cfg.Tokens.Revoke(v.r.Context(), p.caller, r.UID); {
	case err == nil:
	case fault.From(err) != nil, isOwn(err):
		return err
	default:
		return fault.Wrap(fault.StoreUnavailable, err).WithMessage(v.words.T("not_revoked"))
	}
	to := v.c.base + "/d2gate/tokens?revoked=1"
	if !p.owns(&r) {
		to += "&all=1"
	}
	return v.goTo(to)
}
