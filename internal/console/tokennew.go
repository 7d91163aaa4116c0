package console

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"github.com/d2gate/d2gate/pat"
)

// maxName is the longest name of a token, in characters: DHIS2's code.
const maxName = 50

func contextOf(q url.Values) string {
	if q.Get("context") == "browser" {
		return "browser"
	}
	return "script"
}

func (v *visit) newPage(p person) error {
	return v.showNew(0, v.newForm(contextOf(v.r.URL.Query()), p), p)
}

func (v *visit) showNew(status int, f *tokenForm, p person) error {
	return v.show(view{name: "new", title: "new_title", status: status, here: "tokens", user: &p.user, data: f})
}

// newToken makes the token, or shows what is wrong where it was typed.
func (v *visit) newToken(p person) error {
	f := &tokenForm{Context: contextOf(v.posted)}
	f.read(v.posted)
	if v.posted.Has("add") {
		v.complete(f, p)
		return v.showNew(0, f, p)
	}
	set := v.c.settings.Load().Tokens
	d := pat.Draft{Code: f.Name, Attributes: f.attributes(), Expiry: f.expiry(v.words, v.c.cfg.Now(), set)}
	switch {
	case f.Name == "":
		f.Errors["name"] = v.words.T("name_missing")
	case len([]rune(f.Name)) > maxName:
		f.Errors["name"] = v.words.T("name_long", maxName)
	}
	if len(f.Errors) == 0 {
		r, tok, err := v.c.cfg.Tokens.Issue(v.r.Context(), p.caller, d)
		if err == nil {
			return v.showSecret(p, r, tok, false)
		}
		if err := f.refused(err, v.words); err != nil {
			return err
		}
	}
	v.complete(f, p)
	return v.showNew(http.StatusUnprocessableEntity, f, p)
}

// refused keeps an error that the form can show, and returns any other.
func (f *tokenForm) refused(err error, words *catalogue) error {
	var rule *pat.RuleError
	switch {
	case errors.Is(err, pat.ErrDuplicate):
		f.Errors["name"] = words.T("name_taken")
	case errors.As(err, &rule):
		f.Errors[""] = rule.Message
	default:
		return err
	}
	return nil
}

// secretPage shows a token's text, once.
type secretPage struct {
	Row     tokenRow
	Secret  string
	Curl    string
	Env     template.URL
	Rotated bool
}

func (v *visit) showSecret(p person, r pat.Record, tok pat.Token, rotated bool) error {
	public := v.c.cfg.PublicURL.String()
	secret := tok.Reveal()
	env := "DHIS2_BASE_URL=" + public + "\nDHIS2_TOKEN=" + secret + "\n"
	return v.show(view{name: "created", title: "created_title", here: "tokens", user: &p.user, data: secretPage{
		Row: v.row(r, p, v.c.cfg.Now()), Secret: secret, Rotated: rotated,
		Curl: `curl -H "Authorization: ApiToken ` + secret + `" ` + public + `/api/me`,
		Env:  template.URL("data:text/plain;charset=utf-8," + url.PathEscape(env)), //nolint:gosec // escaped
	}})
}

// rotatePage asks how long the old secret may live on.
type rotatePage struct {
	Row   tokenRow
	Hours []int
	Now   int // the operator's choice, in hours
}

var overlaps = []int{0, 1, 24}

func (v *visit) rotatePage(p person) error {
	r, err := v.own(p)
	if err != nil {
		return err
	}
	now := int(v.c.settings.Load().Tokens.Overlap / time.Hour)
	hours := overlaps
	if now > 0 && now != 1 && now != 24 {
		hours = append([]int{now}, overlaps...)
	}
	return v.show(view{name: "rotate", title: "rotate_title", here: "tokens", user: &p.user, data: rotatePage{v.row(r, p, v.c.cfg.Now()), hours, now}})
}

// own finds a token of the person's own: nobody else may see a secret.
func (v *visit) own(p person) (pat.Record, error) {
	r, err := v.c.cfg.Tokens.Find(v.r.Context(), p.caller, v.r.PathValue("uid"))
	if err == nil && !p.owns(&r) {
		return pat.Record{}, errForbidden
	}
	return r, err
}

func (v *visit) rotateToken(p person) error {
	r, err := v.own(p)
	if err != nil {
		return err
	}
	overlap := v.c.settings.Load().Tokens.Overlap
	switch v.posted.Get("overlap") {
	case "0":
		overlap = 0
	case "1":
		overlap = time.Hour
	case "24":
		overlap = 24 * time.Hour
	}
	r, tok, err := v.c.cfg.Tokens.Rotate(v.r.Context(), p.caller, r.UID, pat.Rotation{Overlap: &overlap})
	var rule *pat.RuleError
	if errors.As(err, &rule) {
		return v.show(view{name: "problem", title: "problem", status: http.StatusConflict, here: "tokens", user: &p.user,
			data: problem{Text: rule.Message, Back: v.c.base + "/d2gate/tokens"}})
	}
	if err != nil {
		return err
	}
	return v.showSecret(p, r, tok, true)
}
