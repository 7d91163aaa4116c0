package datastore

import "slices"

// Sharing says who may see and change an entry (DHIS2 Sharing). An access text is
// eight characters, of which the first two count: r and w.
type Sharing struct {
	Owner      string            `json:"owner"`
	Public     string            `json:"public,omitempty"` // "" is unset: everyone reads and writes
	Users      map[string]Access `json:"users"`
	UserGroups map[string]Access `json:"userGroups"`
}

// Access is what one user or group may do.
type Access struct {
	Access string `json:"access"`
	ID     string `json:"id"`
}

// newSharing is the sharing of a new entry.
func newSharing(owner string) Sharing {
	return Sharing{Owner: owner, Public: "rw------", Users: map[string]Access{}, UserGroups: map[string]Access{}}
}

// CanRead tells whether the actor may see what is shared so.
func (s Sharing) CanRead(a Actor) bool { return s.allows(a, 0, 'r') }

// CanWrite tells whether the actor may change what is shared so.
func (s Sharing) CanWrite(a Actor) bool { return s.allows(a, 1, 'w') }

func (s Sharing) allows(a Actor, at int, letter byte) bool {
	granted := func(access string) bool { return len(access) > at && access[at] == letter }
	if a.super() || s.Owner == a.UID || s.Public == "" || granted(s.Public) || granted(s.Users[a.UID].Access) {
		return true
	}
	return slices.ContainsFunc(a.Groups, func(g string) bool { return granted(s.UserGroups[g].Access) })
}
