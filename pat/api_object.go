package pat

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/dhis2"
)

// stampLayout is how DHIS2 writes an instant: UTC, milliseconds, no zone.
const stampLayout = "2006-01-02T15:04:05.000"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

func listName(kind constraints.Kind) string {
	switch kind {
	case constraints.IPAllowedList:
		return "allowedIps"
	case constraints.MethodAllowedList:
		return "allowedMethods"
	case constraints.RefererAllowedList:
		return "allowedReferrers"
	default:
		return "allowedScopes"
	}
}

// sharingOf is a record's sharing with all of its members.
func sharingOf(r *Record) sharing {
	s := private(r.Owner)
	if r.Sharing == "" {
		return s
	}
	var stored sharing
	if json.Unmarshal([]byte(r.Sharing), &stored) != nil {
		return s
	}
	if stored.Users == nil {
		stored.Users = s.Users
	}
	if stored.UserGroups == nil {
		stored.UserGroups = s.UserGroups
	}
	return stored
}

func sharedObject(m map[string]shared) *dhis2.Object {
	o := &dhis2.Object{}
	for _, uid := range slices.Sorted(maps.Keys(m)) {
		o.Set(uid, dhis2.NewObject("id", m[uid].ID, "access", string(m[uid].Access)))
	}
	return o
}
