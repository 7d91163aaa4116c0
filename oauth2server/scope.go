package oauth2server

import (
	"slices"
	"strings"

	"github.com/d2gate/d2gate/constraints"
)

const scopeAll = "ALL"

// labels are scopes of OpenID Connect. We issue no ID token: they let a client
// read who the owner is, at /userinfo and /api/me, and nothing else.
var labels = []string{"openid", "profile", "email", "username"}

// grantScope checks a scope parameter and returns the scope that is granted:
// ALL for none, as DHIS2 <= 2.41; DHIS2 resources as in personal access tokens.
func grantScope(asked string) (string, error) {
	list := scopes(asked)
	if len(list) == 0 {
		return scopeAll, nil
	}
	for _, sc := range list {
		if sc == scopeAll || slices.Contains(labels, sc) {
			continue
		}
		if _, err := constraints.ParseAttribute(constraints.ScopeAllowedList, []string{sc}); err != nil {
			return "", invalidScope()
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " "), nil
}

// narrows reports whether every scope asked for was granted before
// (RFC 6749 6).
func narrows(asked, granted string) bool {
	have := scopes(granted)
	for _, sc := range scopes(asked) {
		if !slices.Contains(have, sc) && !slices.Contains(have, scopeAll) {
			return false
		}
	}
	return true
}

// limits are the constraints of a granted scope; ALL has none.
func limits(scope string) (constraints.Set, error) {
	var values []string
	for _, sc := range scopes(scope) {
		switch {
		case sc == scopeAll:
			return constraints.Set{}, nil
		case slices.Contains(labels, sc):
			sc = "me:read"
		}
		values = append(values, sc)
	}
	if len(values) == 0 {
		values = []string{"me:read"}
	}
	a, err := constraints.ParseAttribute(constraints.ScopeAllowedList, values)
	return constraints.Set{Attributes: []constraints.Attribute{a}}, err
}
