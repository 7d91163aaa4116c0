package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

// half is a sign-in whose password was right and that waits for a code. DHIS2 wants
// both at once, so the password is kept, sealed (see pending).
type half struct{ Username, Password string }

const halfLife = 5 * time.Minute

// codeForm is what the page of the second factor shows.
type codeForm struct {
	Next   string
	Ticket string
	Mailed bool // DHIS2 has sent the code by e-mail
	Error  string
	Wait   int
}

func (v *visit) keepHalf(h half) (ticket string, err error) {
	if ticket, err = randomText(v.c.cfg.Rand); err != nil {
		return "", err
	}
	return ticket, v.c.pending.put(v.r.Context(), "code", ticket, h, halfLife)
}

func (v *visit) codePage(status int, f codeForm) view {
	return view{name: "code", title: "code_title", status: status, ends: v.destination(f.Next), data: f}
}

// signInByCode finishes a sign-in with the code, or asks DHIS2 to send another.
func (v *visit) signInByCode(next string) error {
	f := codeForm{Next: next, Ticket: v.posted.Get("ticket"), Mailed: v.posted.Get("mailed") == "true"}
	var h half
	switch err := v.c.pending.look(v.r.Context(), "code", f.Ticket, &h); {
	case errors.Is(err, errNoTicket):
		return v.outOfDate(next, "took_too_long")
	case err != nil:
		return v.fail(fault.Wrap(fault.StoreUnavailable, err))
	}
	code, again := v.posted.Get("code"), v.posted.Get("again") == "true"
	if again {
		code = ""
	} else if code == "" {
		f.Error = v.words.T("fill_in_code")
		return v.show(v.codePage(http.StatusUnprocessableEntity, f))
	}
	u, step, err := v.login(h.Username, h.Password, code)
	switch {
	case err == nil && step == identity.SignedIn:
		if err := v.c.pending.drop(v.r.Context(), "code", f.Ticket); err != nil {
			return v.fail(fault.Wrap(fault.StoreUnavailable, err))
		}
		return v.welcome(u, next)
	case err == nil:
		f.Mailed = step == identity.NeedMailed
		return v.show(v.codePage(0, f))
	case step == identity.NeedPassword && fault.From(err) != nil && fault.From(err).Reason == fault.LoginFailed:
		return v.signInFailed(next, h.Username, err)
	}
	return v.codeFailed(f, err)
}

func (v *visit) codeFailed(f codeForm, err error) error {
	said := fault.From(err)
	if said == nil {
		return v.fail(err)
	}
	if said.Reason == fault.LoginFailed {
		f.Error = v.words.T("wrong_code")
	} else {
		f.Error, f.Wait = v.signInWords(said)
	}
	return &refusal{err, v, v.codePage(said.Reason.Status(false), f)}
}
