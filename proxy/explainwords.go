package proxy

import (
	"strconv"
	"strings"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
)

// limitKind is one kind of limit in the order in which explain shows them. The
// operator, unlike the caller, is told the allowed values.
type limitKind struct {
	name   string
	reason fault.Reason
	kind   constraints.Kind // "" for the expiry
	asked  func(q *Question) string
}

var limitKinds = []limitKind{
	{"expiry", fault.TokenExpired, "", nil},
	{"address", fault.ConstraintAddress, constraints.IPAllowedList, func(q *Question) string {
		if !q.Client.IsValid() {
			return "an unknown address"
		}
		return q.Client.String()
	}},
	{"method", fault.ConstraintMethod, constraints.MethodAllowedList, func(q *Question) string { return q.Method }},
	{"referrer", fault.ConstraintReferrer, constraints.RefererAllowedList, referrerOf},
	{"scope", fault.ConstraintScope, constraints.ScopeAllowedList, func(q *Question) string {
		return q.Method + " " + q.Target.Path
	}},
}

// words says what was found; failed is nil where the limit holds.
func (k *limitKind) words(q *Question, failed *fault.Fault) string {
	if k.kind == "" {
		return expiryWords(q.Constraints.Expiry, q.At)
	}
	values := limited(q.Constraints, k.kind)
	if len(values) == 0 {
		return "no " + k.name + " limit on this token"
	}
	is := " is in: "
	if failed != nil {
		is = " is not in: "
	}
	words := k.asked(q) + is + strings.Join(values, ", ")
	if failed != nil && failed.Detail != "" {
		words += " (" + failed.Detail + ")"
	}
	return words
}

func expiryWords(expiry, at time.Time) string {
	switch {
	case expiry.IsZero():
		return "never expires"
	case at.Before(expiry):
		return "expires in " + span(expiry.Sub(at))
	}
	return "expired " + span(at.Sub(expiry)) + " ago"
}

// span writes a duration in days where it has some.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	if d < 48*time.Hour {
		return d.String()
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " days"
}

func referrerOf(q *Question) string {
	lines := q.Header.Values("Referer")
	if len(lines) == 0 {
		lines = q.Header.Values("Origin")
	}
	switch len(lines) {
	case 0:
		return "a request without Referer and Origin"
	case 1:
		return lines[0]
	}
	return "more than one referrer"
}
