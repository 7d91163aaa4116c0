package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/pat"
)

// tokenView is a token as the operator sees it: everything but its secret.
type tokenView struct {
	UID          string     `json:"uid"`
	Name         string     `json:"name,omitempty"`
	User         string     `json:"user"`
	UserUID      string     `json:"userUid,omitempty"`
	State        string     `json:"state"` // live or expired
	Created      time.Time  `json:"created"`
	LastUpdated  time.Time  `json:"lastUpdated"`
	Expires      *time.Time `json:"expires,omitempty"`
	LastUsed     *time.Time `json:"lastUsed,omitempty"`
	LastUsedFrom string     `json:"lastUsedFrom,omitempty"`
	OverlapEnds  *time.Time `json:"overlapEnds,omitempty"` // until then the secret before the last rotation works too
	Type         string     `json:"type"`
	Origin       string     `json:"origin,omitempty"`
	limits
}

func (t *tokens) view(r pat.Record) tokenView {
	v := tokenView{
		UID: r.UID, Name: r.Code, User: r.Owner.Username, UserUID: r.Owner.UID, State: "live", Created: r.Created, LastUpdated: r.LastUpdated,
		Expires: instant(r.Constraints.Expiry), LastUsed: instant(r.LastUsed), LastUsedFrom: r.LastUsedFrom, Type: r.Type, Origin: r.Origin,
		limits: limitsOf(r.Constraints),
	}
	now := t.now()
	if v.Expires != nil && !now.Before(*v.Expires) {
		v.State = "expired"
	}
	if r.OverlapEnds.After(now) {
		v.OverlapEnds = &r.OverlapEnds
	}
	return v
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func limitsOf(s constraints.Set) limits {
	var l limits
	for _, a := range s.Attributes {
		switch a.Kind {
		case constraints.IPAllowedList:
			l.Addresses = append(l.Addresses, a.Values...)
		case constraints.MethodAllowedList:
			l.Methods = append(l.Methods, a.Values...)
		case constraints.RefererAllowedList:
			l.Referrers = append(l.Referrers, a.Values...)
		case constraints.ScopeAllowedList:
			l.Scopes = append(l.Scopes, a.Values...)
		}
	}
	return l
}

// summary is one short cell: "GET HEAD; 2 addresses".
func (l limits) summary() string {
	var parts []string
	if len(l.Methods) > 0 {
		parts = append(parts, strings.Join(l.Methods, " "))
	}
	for _, c := range []struct {
		what string
		list []string
	}{{"address", l.Addresses}, {"referrer", l.Referrers}, {"scope", l.Scopes}} {
		switch len(c.list) {
		case 0:
		case 1:
			parts = append(parts, c.what+" "+c.list[0])
		default:
			plural := c.what + "s"
			if c.what == "address" {
				plural = "addresses"
			}
			parts = append(parts, fmt.Sprintf("%d %s", len(c.list), plural))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, "; ")
}

func tokenTable(list []tokenView, now time.Time) view {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = v.UID
	}
	return view{data: list, names: names, table: func(w io.Writer) {
		row(w, "UID", "NAME", "USER", "EXPIRES", "LAST USED", "LIMITS")
		for _, v := range list {
			row(w, v.UID, dash(v.Name), v.User, endWords(v.Expires, now), usedWords(v, now), v.limits.summary())
		}
	}}
}

func tokenDetails(v tokenView, now time.Time) view {
	return view{data: v, names: []string{v.UID}, table: func(w io.Writer) {
		row(w, "uid", v.UID)
		row(w, "name", dash(v.Name))
		row(w, "user", strings.TrimSpace(v.User+" "+v.UserUID))
		row(w, "state", v.State)
		row(w, "created", v.Created.Format(time.RFC3339))
		row(w, "expires", endWords(v.Expires, now))
		row(w, "last used", usedWords(v, now))
		if v.OverlapEnds != nil {
			row(w, "old secret", "works until "+v.OverlapEnds.Format(time.RFC3339))
		}
		row(w, "addresses", dash(strings.Join(v.Addresses, " ")))
		row(w, "methods", dash(strings.Join(v.Methods, " ")))
		row(w, "referrers", dash(strings.Join(v.Referrers, " ")))
		row(w, "scopes", dash(strings.Join(v.Scopes, " ")))
		row(w, "type", v.Type)
	}}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func endWords(t *time.Time, now time.Time) string {
	if t == nil || t.Year() >= 9999 {
		return "never"
	}
	return t.Format(time.RFC3339) + " (" + inWords(*t, now) + ")"
}

func usedWords(v tokenView, now time.Time) string {
	if v.LastUsed == nil {
		return "never"
	}
	s := inWords(*v.LastUsed, now)
	if v.LastUsedFrom != "" {
		s += " from " + v.LastUsedFrom
	}
	return s
}
