package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

// signInForm is what the sign-in page shows.
type signInForm struct {
	Next       string
	Username   string
	Error      string
	Notice     string
	Wait       int // seconds until the next try, 0 for none
	Providers  []Provider
	NoPassword bool
	Switch     *identity.User // who is signed in already
}

func (v *visit) signInPage() error {
	f := signInForm{Next: v.c.next(v.r.URL.Query().Get("next"))}
	if v.r.URL.Query().Get("out") == "1" && v.session == nil {
		f.Notice = v.words.T("signed_out")
	}
	if v.session != nil {
		f.Switch = &v.session.user
	}
	return v.show(v.passwordPage(0, f))
}

func (v *visit) passwordPage(status int, f signInForm) view {
	s := v.c.settings.Load()
	f.Providers, f.NoPassword = s.Providers, s.NoPassword
	return view{name: "signin", title: "sign_in", status: status, ends: v.destination(f.Next), data: f}
}

// askAgain is a refused sign-in that is told where it was typed.
func (v *visit) askAgain(err error, f signInForm) error {
	return &refusal{err, v, v.passwordPage(fault.From(err).Reason.Status(false), f)}
}

// outOfDate says that a step came too late, or from elsewhere.
func (v *visit) outOfDate(next, text string) error {
	return v.askAgain(fault.New(fault.PolicyRefused, "").WithDetail(errOutOfDate.Error()), signInForm{Next: next, Error: v.words.T(text)})
}

// signIn takes the posted form: user and password, or the code that DHIS2 asked
// for after them. What is wrong is shown where it was typed, and recorded.
func (v *visit) signIn() error {
	form, err := v.form()
	next := v.c.next(v.posted.Get("next"))
	if err != nil {
		return v.outOfDate(next, "out_of_date")
	}
	if v.c.settings.Load().NoPassword {
		return v.askAgain(fault.New(fault.PolicyRefused, "").WithDetail("login.password is off"), signInForm{Next: next})
	}
	if form.Has("ticket") {
		return v.signInByCode(next)
	}
	username, password := form.Get("username"), form.Get("password")
	if username == "" || password == "" {
		return v.show(v.passwordPage(http.StatusUnprocessableEntity, signInForm{Next: next, Username: username, Error: v.words.T("fill_in_both")}))
	}
	u, step, err := v.login(username, password, "")
	switch {
	case err != nil:
		return v.signInFailed(next, username, err)
	case step == identity.SignedIn:
		return v.welcome(u, next)
	}
	ticket, err := v.keepHalf(half{username, password})
	if err != nil {
		return v.fail(err)
	}
	return v.show(v.codePage(0, codeForm{Next: next, Ticket: ticket, Mailed: step == identity.NeedMailed}))
}

// login asks DHIS2.
func (v *visit) login(username, password, code string) (identity.User, identity.Step, error) {
	return v.c.cfg.Login.Login(v.r.Context(), username, password, code, v.c.cfg.ClientIP(v.r))
}

// signInFailed shows the form again with what is wrong.
func (v *visit) signInFailed(next, username string, err error) error {
	f := fault.From(err)
	if f == nil {
		if errors.Is(err, context.Canceled) {
			return nil // nobody is there any more
		}
		return v.fail(err)
	}
	text, wait := v.signInWords(f)
	return v.askAgain(err, signInForm{Next: next, Username: username, Error: text, Wait: wait})
}

// accountWords are DHIS2's words about an account whose password was right. All
// else is one text, so that nobody hears whether a username exists.
var accountWords = map[string]bool{
	"Account disabled": true, "Account locked": true, "Account expired": true,
	"Password expired. Change it in DHIS2 first.":       true,
	"Two-factor sign-in must be set up in DHIS2 first.": true,
}

func (v *visit) signInWords(f *fault.Fault) (text string, wait int) {
	switch {
	case f.Reason == fault.LoginThrottled:
		wait = v.retryAfter(f)
		return v.words.T("throttled", v.words.waiting(f.RetryAfter)), wait
	case f.Reason != fault.LoginFailed:
		return v.words.T("dhis2_silent"), 0
	case accountWords[f.Message]:
		return f.Message, 0
	}
	return v.words.T("wrong_password"), 0
}

// waiting says a duration in minutes or seconds, rounded up.
func (c *catalogue) waiting(d time.Duration) string {
	if d > 90*time.Second {
		return c.N("minutes", int((d+time.Minute-1)/time.Minute))
	}
	return c.N("seconds", max(int((d+time.Second-1)/time.Second), 1))
}

// welcome opens the session and goes where the person wanted to.
func (v *visit) welcome(u identity.User, next string) error {
	if err := v.c.sessions.open(v.w, v.session, u); err != nil {
		return v.fail(fault.Wrap(fault.StoreUnavailable, err))
	}
	v.name(u)
	return v.goTo(next)
}

// signOut ends the session. The form's value is checked, so that no other page can
// sign people out.
func (v *visit) signOut() error {
	form, err := v.form()
	if err != nil {
		return v.fail(err)
	}
	if v.session != nil {
		v.name(v.session.user)
	}
	if err := v.c.sessions.end(v.w, v.session); err != nil {
		return v.fail(fault.Wrap(fault.StoreUnavailable, err))
	}
	if form.Has("next") {
		return v.goTo(v.c.signInAt(v.c.next(form.Get("next"))))
	}
	return v.goTo(v.c.base + "/d2gate/sign-in?out=1")
}
