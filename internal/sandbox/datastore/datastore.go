// Package datastore is DHIS2's dataStore and userDataStore: JSON values under a
// namespace and a key, who may see and change them, the language of entries
// queries, and the words of each generation. It knows no HTTP; the sandbox does.
//
// Read service.go first; fields.go, filter.go and order.go are the language,
// entries.go runs it.
package datastore

import "slices"

// Actor is who asks.
type Actor struct {
	UID         string
	Groups      []string // uids
	Authorities []string
}

// super reports whether the actor may do everything.
func (a Actor) super() bool { return slices.Contains(a.Authorities, "ALL") }

// hasAny reports whether the actor holds one of the authorities, or ALL.
func (a Actor) hasAny(authorities []string) bool {
	return a.super() || slices.ContainsFunc(authorities, func(x string) bool { return slices.Contains(a.Authorities, x) })
}
