package proxy

import (
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
)

// fixFor says to the operator what would have to change for this check to hold.
// Route is the one that decided, nil if none did.
func fixFor(f *fault.Fault, q *Question, route *Route) string {
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
		if !q.scoped().API {
			return "a token without scopes: one with scopes passes only under /api"
		}
		return "a scope that covers " + q.Method + " " + q.Target.Path + " added to the token" + scopeExample(q)
	case fault.BodyTooLarge:
		return "a smaller body, or a larger body: of the route"
	case fault.PolicyRefused:
		if fix := policyFix(f, q, route); fix != "" {
			return fix
		}
	}
	_, todo := f.Reason.Help()
	return todo
}

// policyFix names the demand of the route that would have to change. The operator
// is who reads it: "ask the operator" would be no help.
func policyFix(f *fault.Fault, q *Question, route *Route) string {
	if f.Detail == foreignCookie {
		return "the page opened at server.public_url itself, or a token instead of the sign-in cookie"
	}
	if f.Detail == outsideContext {
		return "a path below server.context_path"
	}
	if route == nil {
		return ""
	}
	of := " of route " + strconv.Quote(route.ID)
	switch {
	case f.Detail == foreignAddress:
		return q.Client.String() + " added to addresses" + of
	case f.Detail == foreignReferrer:
		return "the page's origin added to referrers" + of + ", or a Referrer-Policy of the page that sends it"
	case route.ID == "default":
		return "a route for " + q.Method + " " + q.Target.Path + " in the policy file; no route has it now, and default refuses"
	case route.refuses:
		return "a route above " + strconv.Quote(route.ID) + " that takes the request, or the refuse" + of + " taken away"
	}
	return string(q.Kind) + " added to credentials" + of + ", or a credential that it takes: " + kindsOf(route)
}

func kindsOf(route *Route) string {
	var names []string
	for _, k := range route.kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// scopeExample names a scope that covers the request, if one can be read off its
// path.
func scopeExample(q *Question) string {
	segments := q.scoped().Segments
	if len(segments) == 0 {
		return ""
	}
	name := segments[0]
	if name == "dataStore" && len(segments) > 1 {
		name += "/" + segments[1]
	}
	action := ":write"
	if reads(q.Method) {
		action = ":read"
	}
	if _, err := constraints.ParseScope(name + action); err != nil {
		return ""
	}
	return ", as " + name + action
}
