package console

import (
	"strconv"

	"github.com/d2gate/d2gate/internal/fault"
)

// applicationsForm is what the page about applications shows.
type applicationsForm struct{ Notice string }

func (v *visit) applicationsPage(p person) error {
	if v.c.cfg.Applications == nil {
		return v.nothing()
	}
	f := applicationsForm{}
	if n, err := strconv.Atoi(v.r.URL.Query().Get("ended")); err == nil {
		f.Notice = v.words.N("apps_ended", n)
	}
	return v.show(view{name: "applications", title: "apps_title", here: "tokens", user: &p.user, data: f})
}

// endApplications ends the access of every application that the person has let in.
// When the store does not say so, the page says that it has not ended
// (security.md A8).
func (v *visit) endApplications(p person) error {
	if v.c.cfg.Applications == nil {
		return v.nothing()
	}
	n, err := v.c.cfg.Applications().RevokeOwner(v.r.Context(), p.user.Username)
	if err != nil {
		return fault.Wrap(fault.StoreUnavailable, err).WithMessage(v.words.T("apps_not_ended"))
	}
	return v.goTo(v.c.base + "/d2gate/tokens/applications?ended=" + strconv.Itoa(n))
}
