package proxy

import (
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
		return "expires in " + expiry.Sub(at).Round(time.Second).String()
	}
	return "expired " + at.Sub(expiry).Round(time.Second).String() + " ago"
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

// fixFor says what would have to change for this check to hold.
func fixFor(f *fault.Fault, q *Question) string {
	switch f.Reason {
	case fault.TokenExpired:
		return "a new expiry: d2gate token edit --expires, or rotate the token"
	case fault.ConstraintAddress:
		return "address " + q.Client.String() + " added to the token"
	case fault.ConstraintMethod:
		return "method " + q.Method + " added to the token"
	case fault.ConstraintReferrer:
		return "the page's origin added to the token's referrers, or a Referrer-Policy of the page that sends it"
	case fault.ConstraintScope:
		if f.Detail != "" {
			return f.Detail
		}
		return "a scope that covers " + q.Method + " " + q.Target.Path + " added to the token"
	case fault.BodyTooLarge:
		return "a smaller body, or a larger body: of the route"
	}
	_, todo := f.Reason.Help()
	return todo
}
