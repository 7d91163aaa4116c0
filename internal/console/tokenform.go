package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/pat"
)

// tokenForm is the form that makes or edits a token, with what was typed and what
// is wrong with it.
type tokenForm struct {
	Context   string // "script" or "browser"; "" for an edit, which shows every limit
	Name      string
	Expires   string // days, or "custom"
	Date      string // of custom, 2006-01-02
	Addresses string // one a line, as the others
	Methods   []methodChoice
	Referrers string
	Scopes    string

	Errors    map[string]string // by field; "" is the whole form
	Presets   []string
	MaxDays   int    // 0 for none
	LastDate  string // of custom
	FirstDate string
	Address   string // the reader's own, "" if unknown
	Required  []string
	All       bool     // the account holds ALL
	Dangerous []string // of the account's authorities
	Held      []string // all of them
}

// methodChoice is one box. GET and HEAD are one choice, unless a token has only one
// of them already.
type methodChoice struct {
	Value   string // "GET,HEAD"
	Label   string
	Checked bool
}

var methodChoices = []string{"GET,HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// browser reports the context that is for pages of other sites.
func (f *tokenForm) browser() bool { return f.Context == "browser" }

// methods gives the boxes for what is allowed.
func methods(allowed []string) []methodChoice {
	var out []methodChoice
	for _, value := range methodChoices {
		have := slices.DeleteFunc(strings.Split(value, ","), func(m string) bool { return !slices.Contains(allowed, m) })
		c := methodChoice{Value: value, Checked: len(have) > 0}
		if c.Checked {
			c.Value = strings.Join(have, ",")
		}
		c.Label = strings.Join(strings.Split(c.Value, ","), " + ")
		out = append(out, c)
	}
	return out
}

// presets are the expiries that are offered, in days; DHIS2's own.
var presets = []int{7, 30, 60, 90}

// newForm is an empty form for the context.
func (v *visit) newForm(context string, p person) *tokenForm {
	f := &tokenForm{Context: context, Expires: "30", Methods: methods(nil)}
	if f.browser() {
		f.Methods = methods([]string{"GET", "HEAD"})
	}
	v.complete(f, p)
	return f
}

// complete adds what the form shows but does not ask.
func (v *visit) complete(f *tokenForm, p person) {
	set, now := v.c.settings.Load().Tokens, v.c.cfg.Now().UTC()
	f.MaxDays = int(set.MaxExpiry / (24 * time.Hour))
	for _, days := range presets {
		if set.MaxExpiry == 0 || time.Duration(days)*24*time.Hour <= set.MaxExpiry {
			f.Presets = append(f.Presets, strconv.Itoa(days))
		}
	}
	if !slices.Contains(f.Presets, f.Expires) {
		f.Expires = "custom"
		if f.Date == "" && set.MaxExpiry > 0 {
			f.Date = now.Add(set.MaxExpiry).AddDate(0, 0, -1).Format(time.DateOnly)
		}
	}
	f.FirstDate = now.Format(time.DateOnly)
	if set.MaxExpiry > 0 {
		f.LastDate = now.Add(set.MaxExpiry).AddDate(0, 0, -1).Format(time.DateOnly)
	}
	if a := v.c.cfg.ClientIP(v.r); a.IsValid() {
		f.Address = a.String()
	}
	f.Required = set.Require[f.Context]
	f.Held = slices.Sorted(slices.Values(p.user.Authorities))
	f.Dangerous = dhis2.DangerousOf(f.Held)
	f.All = slices.Contains(f.Held, dhis2.All)
}

// readForm takes over what was typed.
func (f *tokenForm) read(form url.Values) {
	f.Name = strings.TrimSpace(form.Get("name"))
	if form.Has("expires") {
		f.Expires, f.Date = form.Get("expires"), form.Get("date")
	}
	f.Addresses, f.Referrers, f.Scopes = form.Get("addresses"), form.Get("referrers"), form.Get("scopes")
	var allowed []string
	for _, value := range form["method"] {
		allowed = append(allowed, strings.Split(value, ",")...)
	}
	f.Methods = methods(allowed)
	f.Errors = map[string]string{}
	if add := form.Get("add"); add != "" {
		f.Addresses = strings.TrimSpace(strings.TrimSpace(f.Addresses) + "\n" + add)
	}
}

// attributes reads the limits; what is wrong with them goes into f.Errors in
// DHIS2's words.
func (f *tokenForm) attributes() []constraints.Attribute {
	var allowed []string
	for _, m := range f.Methods {
		if m.Checked {
			allowed = append(allowed, strings.Split(m.Value, ",")...)
		}
	}
	commas := func(r rune) bool { return r == ',' || r == ';' || r <= ' ' }
	var out []constraints.Attribute
	for _, part := range []struct {
		field  string
		kind   constraints.Kind
		values []string
	}{
		{"addresses", constraints.IPAllowedList, strings.FieldsFunc(f.Addresses, commas)},
		{"methods", constraints.MethodAllowedList, allowed},
		{"referrers", constraints.RefererAllowedList, strings.Fields(f.Referrers)},
		{"scopes", constraints.ScopeAllowedList, strings.Fields(f.Scopes)},
	} {
		if len(part.values) == 0 {
			continue
		}
		a, err := constraints.ParseAttribute(part.kind, part.values)
		if err != nil {
			f.Errors[part.field] = err.Error()
			continue
		}
		out = append(out, a)
	}
	return out
}

// expiry reads when the token ends: after so many days, or with the day that was
// chosen (UTC). A wrong one goes into f.Errors.
func (f *tokenForm) expiry(words *catalogue, now time.Time, set pat.Settings) time.Time {
	var end time.Time
	if f.Expires == "custom" {
		day, err := time.Parse(time.DateOnly, f.Date)
		if err != nil {
			f.Errors["expires"] = words.T("choose_date")
			return end
		}
		end = day.AddDate(0, 0, 1)
	} else {
		days, err := strconv.Atoi(f.Expires)
		if err != nil || !slices.Contains(presets, days) {
			f.Errors["expires"] = words.T("choose_date")
			return end
		}
		end = now.Add(time.Duration(days) * 24 * time.Hour)
	}
	switch {
	case !end.After(now):
		f.Errors["expires"] = words.T("date_past")
	case set.MaxExpiry > 0 && end.After(now.Add(set.MaxExpiry)):
		f.Errors["expires"] = words.N("max_expiry", int(set.MaxExpiry/(24*time.Hour)))
	}
	return end
}
