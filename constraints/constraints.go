// Package constraints answers one question: may this credential be used for this
// request? It is pure: no clock, no HTTP, no I/O. Read constraints.go, then
// scope.go. Rules: design of DHIS2's ApiTokenAttribute (2.44), with the
// differences that docs/CONFORMANCE.md lists.
package constraints

import (
	"net/netip"
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
// made by ParseAttribute. An empty list is no limit.
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

// Check returns every failure, the one to tell first: expiry, then the
// attributes in stored order, then scope. Nil means allowed. The faults are
// fault.TokenExpired, ConstraintAddress, ConstraintMethod, ConstraintReferrer
// and ConstraintScope (with a detail that says how to narrow the request).
func (s Set) Check(f Facts) []*fault.Fault {
	panic("unwritten")
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

// Referrer and Scope are parsed entries, see referrer.go and scope.go.
type Referrer struct{}

// Scope is resource[/selector]:action.
type Scope struct{}
