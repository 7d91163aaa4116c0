package console

import (
	"net/url"
	"strconv"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/pat"
)

// pageSize is how many tokens one page lists.
const pageSize = 50

// soon is when a token is marked as expiring.
const soon = 7 * 24 * time.Hour

// tokenRow is one token of the list.
type tokenRow struct {
	pat.Record
	Mine  bool
	Never bool // has no expiry
	Soon  bool
	Over  bool
	Chips []chip
}

// chip is one limit in short; Title is all of it.
type chip struct{ Text, Title string }

// tokenList is what the list page shows.
type tokenList struct {
	Rows     []tokenRow
	Inactive []tokenRow
	All      bool // an administrator looks at everybody's
	User     string
	Unused   bool
	Forever  bool
	Total    int
	Previous string // address of the page before, "" for none
	Next     string
	Notice   string
	Apps     bool // whether applications can be ended here
}

func (v *visit) tokensPage(p person) error {
	q := v.r.URL.Query()
	list := tokenList{Apps: v.c.cfg.Applications != nil, All: p.caller.Admin && q.Get("all") == "1", User: q.Get("user"), Unused: q.Get("unused") == "1", Forever: q.Get("forever") == "1"}
	if q.Get("revoked") == "1" {
		list.Notice = v.words.T("revoked")
	}
	number, err := strconv.Atoi(q.Get("page"))
	if err != nil || number < 1 || number > 1_000_000 {
		number = 1
	}
	now := v.c.cfg.Now()
	f := list.filter(p)
	f.LiveAt, f.Descending, f.Limit, f.Offset = now, true, pageSize, (number-1)*pageSize
	records, total, err := v.c.cfg.Tokens.List(v.r.Context(), p.caller, f)
	if err != nil {
		return err
	}
	list.Total, list.Rows = total, v.rows(records, p, now)
	if number > 1 {
		list.Previous = list.at(v.c.base, number-1)
	}
	if number*pageSize < total {
		list.Next = list.at(v.c.base, number+1)
	}
	if number == 1 {
		f.LiveAt, f.OverAt = time.Time{}, now
		if records, _, err = v.c.cfg.Tokens.List(v.r.Context(), p.caller, f); err != nil {
			return err
		}
		list.Inactive = v.rows(records, p, now)
	}
	return v.show(view{name: "tokens", title: "tokens_title", here: "tokens", user: &p.user, data: list})
}

// filter selects the person's own tokens, or what an administrator asked for.
func (l *tokenList) filter(p person) pat.Filter {
	if !l.All {
		l.User, l.Unused, l.Forever = "", false, false
		return pat.Filter{Username: p.user.Username, UserUID: p.user.UID, OwnerName: p.user.Username}
	}
	return pat.Filter{OwnerName: l.User, Unused: l.Unused, Forever: l.Forever}
}

// at is the address of a page of the same list.
func (l *tokenList) at(base string, number int) string {
	q := url.Values{"page": {strconv.Itoa(number)}}
	for name, on := range map[string]bool{"all": l.All, "unused": l.Unused, "forever": l.Forever} {
		if on {
			q.Set(name, "1")
		}
	}
	if l.User != "" {
		q.Set("user", l.User)
	}
	return base + "/d2gate/tokens?" + q.Encode()
}

func (v *visit) rows(records []pat.Record, p person, now time.Time) []tokenRow {
	out := make([]tokenRow, len(records))
	for i, r := range records {
		out[i] = v.row(r, p, now)
	}
	return out
}

func (v *visit) row(r pat.Record, p person, now time.Time) tokenRow {
	end := r.Constraints.Expiry
	if !now.Before(r.OverlapEnds) {
		r.OverlapEnds = time.Time{}
	}
	row := tokenRow{Record: r, Mine: p.owns(&r), Never: end.IsZero(), Chips: v.words.chips(r.Constraints)}
	row.Over = !row.Never && !now.Before(end)
	row.Soon = !row.Never && !row.Over && end.Sub(now) < soon
	return row
}

// counted are the keys for the number of values of a kind.
var counted = map[constraints.Kind]string{
	constraints.IPAllowedList:      "n_addresses",
	constraints.RefererAllowedList: "n_referrers",
	constraints.ScopeAllowedList:   "n_scopes",
}

// chips says the limits in short.
func (c *catalogue) chips(s constraints.Set) []chip {
	var out []chip
	for _, a := range s.Attributes {
		all := ""
		for i, value := range a.Values {
			if i > 0 {
				all += "\n"
			}
			all += value
		}
		key := counted[a.Kind]
		switch {
		case len(a.Values) == 0:
		case key == "" || len(a.Values) == 1:
			for _, value := range a.Values {
				out = append(out, chip{value, all})
			}
		default:
			out = append(out, chip{c.N(key, len(a.Values)), all})
		}
	}
	return out
}
