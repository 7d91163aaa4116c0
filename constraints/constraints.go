// Package constraints answers one question: may this credential be used for this
// request? It is pure: no clock, no HTTP, no I/O. Read constraints.go, then
// scope.go. The kinds and texts are DHIS2's (2.44 ApiTokenAttribute and
// Dhis2ApiTokenFilter); docs/CONFORMANCE.md lists where the rules are stricter.
package constraints

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
)

// Kind is the type of an attribute, spelt as on the wire.
type Kind string

// DHIS2's three attributes, and ours.
const (
	IPAllowedList      Kind = "IpAllowedList"
	MethodAllowedList  Kind = "MethodAllowedList"
	RefererAllowedList Kind = "RefererAllowedList"
	ScopeAllowedList   Kind = "ScopeAllowedList"
)

// Attribute is one limit. Values are as stored and shown; the parsed forms are
// made by ParseAttribute, and only an Attribute that it made limits anything. An
// empty list is no limit.
type Attribute struct {
	Kind   Kind
	Values []string

	prefixes  []netip.Prefix
	referrers []Referrer
	scopes    []Scope
}

// Set is all limits of one credential. The zero value allows everything.
type Set struct {
	Expiry     time.Time   // the instant from which it is over; zero means never
	Attributes []Attribute // in stored order; two of one kind are both enforced
}

// Facts is what a constraint may look at.
type Facts struct {
	At       time.Time
	ClientIP netip.Addr // zero if unknown; then every address limit fails
	Method   string     // upper case
	Referers []string   // the values of all Referer lines
	Origins  []string   // the values of all Origin lines
	Path     dhis2.Path
	Query    string // raw, without the question mark
}

// ParseAttribute reads the values of one attribute. Its errors carry DHIS2's
// words ("Not a valid ip address, value=X"). Method names are stored in upper
// case, everything else as given.
func ParseAttribute(kind Kind, values []string) (Attribute, error) {
	a := Attribute{Kind: kind, Values: slices.Clone(values)}
	if a.Values == nil {
		a.Values = []string{}
	}
	for i, v := range values {
		switch kind {
		case IPAllowedList:
			p, err := ParseAddress(v)
			if err != nil {
				return Attribute{}, err
			}
			a.prefixes = append(a.prefixes, p)
		case MethodAllowedList:
			m, err := ParseMethod(v)
			if err != nil {
				return Attribute{}, err
			}
			a.Values[i] = m
		case RefererAllowedList:
			r, err := ParseReferrer(v)
			if err != nil {
				return Attribute{}, err
			}
			a.referrers = append(a.referrers, r)
		case ScopeAllowedList:
			s, err := ParseScope(v)
			if err != nil {
				return Attribute{}, err
			}
			a.scopes = append(a.scopes, s)
		default:
			return Attribute{}, fmt.Errorf("no such attribute: %q", kind)
		}
	}
	return a, nil
}

// The faults of a failed constraint; the caller of a live token hears which kind
// failed, never the allowed values.
var (
	errExpired  = fault.New(fault.TokenExpired, "").WithScheme(fault.ApiToken)
	errAddress  = fault.New(fault.ConstraintAddress, "").WithScheme(fault.ApiToken)
	errMethod   = fault.New(fault.ConstraintMethod, "").WithScheme(fault.ApiToken)
	errReferrer = fault.New(fault.ConstraintReferrer, "").WithScheme(fault.ApiToken)
	errScope    = fault.New(fault.ConstraintScope, "").WithScheme(fault.ApiToken)
	errBroken   = fault.New(fault.StoreUnavailable, "").WithDetail("a stored constraint was not parsed")
)

// Check returns every failure, the one to tell first: expiry, then the attributes
// in stored order, then scope. Nil means allowed. The faults are
// fault.TokenExpired, ConstraintAddress, ConstraintMethod, ConstraintReferrer and
// ConstraintScope, the last with a message that says how to narrow the request.
func (s Set) Check(f Facts) []*fault.Fault {
	var failed []*fault.Fault
	if !s.Expiry.IsZero() && !f.At.Before(s.Expiry) { // at Expiry it is over
		failed = append(failed, errExpired)
	}
	for i := range s.Attributes {
		if s.Attributes[i].Kind != ScopeAllowedList {
			failed = s.Attributes[i].check(&f, failed)
		}
	}
	for i := range s.Attributes {
		if s.Attributes[i].Kind == ScopeAllowedList {
			failed = s.Attributes[i].check(&f, failed)
		}
	}
	return failed
}

// check appends the failure of one attribute.
func (a *Attribute) check(f *Facts, failed []*fault.Fault) []*fault.Fault {
	if len(a.Values) == 0 {
		return failed
	}
	switch a.Kind {
	case IPAllowedList:
		if !containsAddr(a.prefixes, f.ClientIP) {
			return append(failed, errAddress)
		}
	case MethodAllowedList:
		if !slices.Contains(a.Values, f.Method) {
			return append(failed, errMethod)
		}
	case RefererAllowedList:
		if !referrerAllowed(a.referrers, f) {
			return append(failed, errReferrer)
		}
	case ScopeAllowedList:
		if narrow, ok := scopeAllowed(a.scopes, f); !ok {
			return append(failed, scopeFault(narrow))
		}
	default:
		return append(failed, errBroken) // an unknown limit is never no limit
	}
	return failed
}

// scopeFault says how the request would have to be narrowed, if it can be.
func scopeFault(narrow string) *fault.Fault {
	if narrow == "" {
		return errScope
	}
	return errScope.WithMessage(strings.TrimSuffix(errScope.Message, ".") + ": " + narrow).WithDetail(narrow)
}

// Limited reports whether any attribute limits the credential.
func (s Set) Limited() bool {
	for i := range s.Attributes {
		if len(s.Attributes[i].Values) > 0 {
			return true
		}
	}
	return false
}
